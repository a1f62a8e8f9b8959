//! The one thread that owns the store. It gives each event its place, its hash and its bytes, and
//! commits what waits in one transaction. Nobody learns of a record before it is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::{io, thread};

use tokio::sync::{mpsc, oneshot, watch};

use super::answer::{Answer, Beaten};
use super::chain::{Head, Link};
use super::head;
use super::lease::{Holder, Lease, Stake};
use super::memory::Memory;
use super::record::{self, Draft, EncodeError, Settled};
use super::store::{Beat, Durable, Expected, Store, StoreError};
use crate::base::boundary::reach;
use crate::launch::event::Recorded;

/// So many appends wait before the next has to.
const QUEUE: usize = 1024;
/// At most so many appends share a transaction.
const GROUP: usize = 512;
/// After so many groups the head file is written even while more is waiting.
const HEAD_EVERY: u32 = 64;

/// A handle on the journal. Cheap to clone; the thread ends when the last is gone.
#[derive(Debug, Clone)]
pub struct Journal {
    asks: mpsc::Sender<Ask>,
    health: watch::Receiver<Health>,
    /// The lock this console holds; none for a journal in memory.
    stake: Option<Stake>,
}

/// Whether the journal can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Well,
    /// The last write failed; the next is tried. The banner's words.
    Failing(String),
    /// Records are kept; what guards them beside the store is not.
    Unguarded(String),
    /// Nothing will ever be written by this console again.
    Lost(String),
    /// As `Lost`, since another console acts now.
    TakenOver(String),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// This one alone cannot be kept; the journal is well.
    #[error("failed to {0}")]
    Refused(Arc<EncodeError>),
    /// Nothing of it was kept.
    #[error("the journal cannot be written: {0}")]
    Store(Arc<StoreError>),
    /// Nothing of it was kept, since the journal went on: an earlier write that was said to have failed had
    /// not. These follow what was known; decide again.
    #[error("the journal holds {} records more than was known", .0.len())]
    ReadIn(Vec<Recorded>),
    /// Whether it is kept, nobody knows yet.
    #[error("the disk does not answer")]
    NoAnswer,
    #[error("the journal is closed")]
    Closed,
}

/// What an append came to: the records as they will be read.
pub type Kept = Result<Vec<Recorded>, AppendError>;

#[derive(Debug)]
enum Ask {
    Append { what: What, durable: Durable, reply: Reply },
    Beat(Beat, oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
enum What {
    Drafts(Vec<Draft>),
    Settled(Vec<Settled>),
}

type Reply = oneshot::Sender<Kept>;

/// What the writer begins with.
pub(super) struct Start {
    pub store: Box<dyn Store>,
    pub epoch: u64,
    /// The last record, known to be synced.
    pub head: Head,
    /// Where the head is kept, and what keeps others away; none for a journal in memory.
    pub files: Option<(PathBuf, Lease)>,
}

impl Journal {
    pub(super) fn start(start: Start) -> io::Result<Self> {
        let (asks, waiting) = mpsc::channel(QUEUE);
        let (told, health) = watch::channel(Health::Well);
        let Start { store, epoch, head, files } = start;
        let (head_file, lease) = files.unzip();
        let stake = lease.as_ref().map(|lease| lease.stake().clone());
        let writer =
            Writer { store, epoch, head, synced: head, filed: head, head_file, behind: 0, told, fatal: None, lease };
        thread::Builder::new().name("journal".into()).spawn(move || writer.run(waiting))?;
        Ok(Self { asks, health, stake })
    }

    /// A journal that is gone when the process is.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn in_memory() -> io::Result<Self> {
        Self::over(Box::new(Memory::new()))
    }

    /// A journal that begins in an empty `store` nobody else writes: no lease, no head file.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn over(store: Box<dyn Store>) -> io::Result<Self> {
        Self::after(store, Head::default())
    }

    /// As [`Journal::over`], of a `store` that ends at `head`.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn after(store: Box<dyn Store>, head: Head) -> io::Result<Self> {
        Self::start(Start { store, epoch: 0, head, files: None })
    }

    /// Appends `drafts`, all or none, and gives back the records as they will be read.
    ///
    /// What was asked for first stands first. It happens even if this future is dropped.
    ///
    /// # Errors
    /// Nothing of it was kept; see [`Journal::health`] for whether to try again.
    pub async fn append(&self, drafts: Vec<Draft>, durable: Durable) -> Result<Vec<Recorded>, AppendError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Append { what: What::Drafts(drafts), durable, reply };
        self.asks.send(ask).await.map_err(|_| AppendError::Closed)?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// As [`Journal::append`], and waits for nothing: a disk may never answer.
    ///
    /// # Errors
    /// Nothing of it was taken: the journal is closed, or so much waits for the disk that it counts as one that
    /// does not answer.
    pub fn hand(&self, drafts: Vec<Draft>, durable: Durable) -> Result<Answer, AppendError> {
        self.handed(What::Drafts(drafts), durable)
    }

    /// As [`Journal::hand`], of records that are settled: their bytes are those that stand where nothing else came
    /// before them.
    ///
    /// # Errors
    /// As [`Journal::hand`].
    pub fn hand_settled(&self, records: Vec<Settled>, durable: Durable) -> Result<Answer, AppendError> {
        self.handed(What::Settled(records), durable)
    }

    fn handed(&self, what: What, durable: Durable) -> Result<Answer, AppendError> {
        let (reply, answer) = oneshot::channel();
        self.asks.try_send(Ask::Append { what, durable, reply }).map_err(|wrong| match wrong {
            mpsc::error::TrySendError::Full(_) => AppendError::NoAnswer,
            mpsc::error::TrySendError::Closed(_) => AppendError::Closed,
        })?;
        Ok(Answer::new(answer))
    }

    /// Writes the heartbeat, outside the chain, and syncs what is not synced yet. Never waits: a beat
    /// that finds the queue full is dropped, for appends tell more.
    pub fn beat(&self, beat: Beat) -> Beaten {
        let (told, beaten) = oneshot::channel();
        let _ = self.asks.try_send(Ask::Beat(beat, told));
        Beaten::new(beaten)
    }

    /// Whether the journal can be written; changes as it happens.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// The lock this console holds, to be looked at where something is about to be done.
    #[must_use]
    pub fn stake(&self) -> Option<&Stake> {
        self.stake.as_ref()
    }

    /// Whoever acts in our place, where another console took the launch over; its name where it is known.
    /// Looks at the lock file and waits for nothing: fit to be asked before every act.
    #[must_use]
    pub fn taken_over(&self) -> Option<Option<Holder>> {
        let stands = self.stake.as_ref().is_none_or(Stake::stands);
        if stands && !matches!(&*self.health.borrow(), Health::TakenOver(_)) {
            return None;
        }
        Some(self.stake.as_ref().filter(|_| !stands).and_then(Stake::named_now))
    }

    /// Syncs everything and gives up the lease. Handles that remain are closed.
    pub async fn close(self) {
        let (reply, done) = oneshot::channel();
        if self.asks.send(Ask::Close(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

struct Writer {
    store: Box<dyn Store>,
    epoch: u64,
    head: Head,
    /// Up to here the store is synced.
    synced: Head,
    /// What the head file says.
    filed: Head,
    head_file: Option<PathBuf>,
    /// Groups since the head file was written.
    behind: u32,
    told: watch::Sender<Health>,
    /// Why nothing will ever be written again.
    fatal: Option<Arc<StoreError>>,
    lease: Option<Lease>,
}

/// Appends of one transaction.
#[derive(Default)]
struct Group {
    links: Vec<Link>,
    replies: Vec<(Reply, Vec<Recorded>)>,
    durable: Option<Durable>,
    beat: Option<(Beat, oneshot::Sender<()>)>,
}

impl Writer {
    fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let mut closing = None;
        while let Some(first) = asks.blocking_recv() {
            let mut group = Group::default();
            let mut head = self.head;
            let mut next = Some(first);
            while let Some(ask) = next {
                match ask {
                    Ask::Append { what, durable, reply } => match place(head, what) {
                        Ok((links, records)) => {
                            head = links.last().map_or(head, |link| Head { seq: link.seq, hash: link.hash });
                            group.links.extend(links);
                            group.replies.push((reply, records));
                            group.durable = group.durable.max(Some(durable));
                        }
                        Err(wrong) => drop(reply.send(Err(AppendError::Refused(Arc::new(wrong))))),
                    },
                    Ask::Beat(beat, told) => group.beat = Some((beat, told)),
                    Ask::Close(reply) => {
                        closing = Some(reply);
                        break;
                    }
                }
                next = if group.replies.len() < GROUP { asks.try_recv().ok() } else { None };
            }
            self.commit(group, head);
            self.behind += 1;
            if asks.is_empty() || self.behind >= HEAD_EVERY {
                self.file_head();
            }
            if closing.is_some() {
                break;
            }
        }
        drop(asks);
        self.settle();
        drop(self);
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    fn commit(&mut self, group: Group, head: Head) {
        let Group { links, replies, durable, beat } = group;
        if let Some(durable) = durable {
            reach("append");
            let kept = self.keep(&links, durable);
            reach("append-kept");
            let kept = match kept {
                Err(wrong) if matches!(*wrong, StoreError::Moved { .. }) => {
                    Err(self.read_in().map_or(AppendError::Store(wrong), AppendError::ReadIn))
                }
                other => other.map_err(AppendError::Store),
            };
            match &kept {
                Ok(()) => {
                    self.head = head;
                    if durable == Durable::Synced {
                        self.synced = head;
                    }
                    self.tell(None);
                }
                Err(AppendError::Store(wrong)) => {
                    self.fatal = (!wrong.may_pass()).then(|| Arc::clone(wrong));
                    self.tell(Some(wrong));
                }
                Err(_) => {}
            }
            for (reply, records) in replies {
                let _ = reply.send(kept.clone().map(|()| records));
            }
        }
        if let Some((beat, _told)) = beat {
            let durable = if self.synced == self.head { Durable::Written } else { Durable::Synced };
            let beaten = self.store.set_beat(self.epoch, beat, durable);
            reach("beat-kept");
            if beaten.is_ok() && durable == Durable::Synced {
                self.synced = self.head;
            }
            self.tell(beaten.err().as_ref());
        }
    }

    fn keep(&mut self, links: &[Link], durable: Durable) -> Result<(), Arc<StoreError>> {
        if let Some(fatal) = &self.fatal {
            return Err(Arc::clone(fatal));
        }
        let expected = Expected { epoch: self.epoch, head: self.head };
        self.store.append(expected, links, durable).map_err(Arc::new)
    }

    /// What the store holds after our head: we hold the lease, so that it is of a write of ours whose failing
    /// was not the end of it. None where it does not follow our head: then it is another's, or damaged.
    fn read_in(&mut self) -> Option<Vec<Recorded>> {
        let (mut head, mut records) = (self.head, Vec::new());
        let mut follows = true;
        let read = self.store.read(&mut |link: Link| {
            if link.seq > head.seq {
                let next = head.then(&link.bytes);
                match record::decode(&link.bytes) {
                    Ok(record) if (next.seq, next.hash) == (link.seq, link.hash) => records.push(record),
                    _ => follows = false,
                }
                head = next;
            }
            follows
        });
        let found = read.is_ok() && follows && !records.is_empty();
        found.then(|| {
            self.head = head;
            records
        })
    }

    fn tell(&self, wrong: Option<&StoreError>) {
        let health = match wrong {
            None => Health::Well,
            Some(wrong) if wrong.may_pass() => Health::Failing(wrong.to_string()),
            Some(wrong @ StoreError::LeaseLost { .. }) => Health::TakenOver(wrong.to_string()),
            Some(wrong) => Health::Lost(wrong.to_string()),
        };
        self.set(health);
    }

    fn set(&self, health: Health) {
        self.told.send_if_modified(|told| {
            let news = !matches!(told, Health::Lost(_) | Health::TakenOver(_)) && *told != health;
            if news {
                *told = health;
            }
            news
        });
    }

    /// Whether the files beside the store are still ours to write.
    fn stands(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.stake().stands())
    }

    /// Brings the head file up to what is synced, after everyone who waited was answered.
    fn file_head(&mut self) {
        self.behind = 0;
        // Ours would be older than that of whoever acts now.
        if !self.stands() {
            return;
        }
        let Some(path) = self.head_file.as_ref().filter(|_| self.filed != self.synced) else { return };
        match head::write(path, self.synced) {
            Ok(()) => {
                self.filed = self.synced;
                reach("head-filed");
            }
            // The records are kept all the same; where they are not, that is the news.
            Err(wrong) if !matches!(&*self.told.borrow(), Health::Failing(_)) => {
                let why = format!("{} cannot be written: {wrong}; a cut tail could not be noticed", path.display());
                self.set(Health::Unguarded(why));
            }
            Err(_) => {}
        }
    }

    fn settle(&mut self) {
        if self.stands() && self.store.settle().is_ok() {
            self.synced = self.head;
            self.file_head();
            if let Some(path) = &self.head_file {
                let _ = head::settle(path);
            }
        }
    }
}

/// The links of these after `head`, and the records as they will be read.
fn place(mut head: Head, what: What) -> Result<(Vec<Link>, Vec<Recorded>), EncodeError> {
    let seqs = head.seq..;
    let mut link = |settled: Settled| {
        let (record, bytes) = settled.parts();
        head = head.then(&bytes);
        (Link { seq: head.seq, hash: head.hash, bytes }, record)
    };
    match what {
        What::Drafts(drafts) => seqs.zip(drafts).map(|(seq, draft)| draft.settled(seq + 1).map(&mut link)).collect(),
        What::Settled(all) => seqs.zip(all).map(|(seq, settled)| settled.after(seq).map(&mut link)).collect(),
    }
}
