//! Opening a launch's journal: for acting (the lease, a whole chain, a writer) or for reading only.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{io, mem, thread};

use super::chain::{self, Broken, Head, Link, Walk, Wrong};
use super::disk;
use super::folder::LaunchFolder;
use super::head::{self, Found};
use super::lease::{Holder, Lease, LeaseError};
use super::record::DecodeError;
use super::sqlite::Sqlite;
use super::store::{Beat, Store, StoreError};
use super::take_over::{self, Failed, Fenced, InTheWay, Seen, TookOver};
use super::writer::{Journal, Start};
use crate::launch::event::Recorded;

/// At most so many records, or so many bytes of them and one record more, are decoded at once.
pub(super) const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 256 << 10;
/// So many of these are read ahead.
pub(super) const AHEAD: usize = 4;
/// In bytes: what the head, the lock and `launch.json` need.
const TRIED: usize = 4096;

/// What a journal is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Takes the lease and makes the journal where there is none.
    Act(Holder),
    /// As `Act`; the console that holds it, if one does, can no longer act.
    TakeOver(Holder),
    /// Changes nothing, takes no lease, and shows what is left of a broken journal.
    Read,
}

/// A journal that was read to its end.
#[derive(Debug)]
pub struct Opened {
    /// All records in order; up to the break, if the chain is broken. Empty from [`open_each`].
    pub records: Vec<Recorded>,
    /// To append with; none where it was opened for reading.
    pub journal: Option<Journal>,
    pub head: Head,
    /// The last heartbeat.
    pub beat: Option<Beat>,
    pub noticed: Vec<Noticed>,
    /// Set where it was taken over from a console that held it.
    pub took_over: Option<TookOver>,
}

/// What a person should know about a journal that was opened all the same. Each is a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Noticed {
    /// It was never synced, so nothing was done on its strength.
    #[error("record {seq}, the last, was torn and is cut off")]
    TornTail { seq: u64 },
    #[error("the head file is missing: a cut tail could not be noticed")]
    HeadMissing,
    #[error("the head file is unreadable: a cut tail could not be noticed")]
    HeadGarbled,
    /// Only for reading.
    #[error("the chain is broken: {0}")]
    Broken(Broken),
    /// Only for reading.
    #[error("record {seq} and what follows cannot be read: {why}")]
    Undecodable { seq: u64, why: String },
}

impl Noticed {
    /// Whether records that were written are not among those that were read.
    #[must_use]
    pub fn is_short(&self) -> bool {
        match self {
            Self::TornTail { .. } | Self::Broken(_) | Self::Undecodable { .. } => true,
            Self::HeadMissing | Self::HeadGarbled => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{} lies on a network file system ({kind}), where two hosts could act at once: a launch needs a disk of \
         this host, name a folder on one with --launch", path.display()
    )]
    Network { path: PathBuf, kind: &'static str },
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error("the launch cannot be taken over: {0}")]
    InTheWay(#[from] InTheWay),
    /// The console that held it was stopped already.
    #[error("{why}; {}", took.neither())]
    HalfWay { why: Box<Self>, took: Box<TookOver> },
    /// A console was there after all: it was being taken over by one that died at it.
    #[error("another console wrote to the journal while it was opened, and can do so no more: try again")]
    Grew,
    #[error("the journal's chain is broken, it can only be read: {0}")]
    Broken(Broken),
    #[error("the journal can only be read: record {seq}: {why}")]
    Undecodable { seq: u64, why: DecodeError },
    #[error("failed to open {}: {why}", path.display())]
    Store { path: PathBuf, why: StoreError },
    #[error("failed to open {}: {why}", path.display())]
    File { path: PathBuf, why: io::Error },
}

/// Opens the journal in `folder` and reads all of it. Blocks: call it before the loop runs.
///
/// # Errors
/// Another console holds it, its chain is broken (for acting), or it cannot be read.
pub fn open(folder: &LaunchFolder, purpose: Purpose) -> Result<Opened, OpenError> {
    let mut records = Vec::new();
    let opened = open_each(folder, purpose, &mut |recorded| records.push(recorded))?;
    Ok(Opened { records, ..opened })
}

/// As [`open`], handing over each record instead of keeping all.
///
/// # Errors
/// As [`open`]; records that `each` has seen are then void.
pub fn open_each(folder: &LaunchFolder, purpose: Purpose, each: &mut dyn FnMut(Recorded)) -> Result<Opened, OpenError> {
    if purpose != Purpose::Read {
        on_a_disk(folder)?;
    }
    match purpose {
        Purpose::Act(holder) => act(folder, &holder, each),
        Purpose::TakeOver(holder) => take_over(folder, &holder, each),
        Purpose::Read => read(folder, each),
    }
}

fn on_a_disk(folder: &LaunchFolder) -> Result<(), OpenError> {
    let path = folder.path().to_owned();
    match disk::network(&path) {
        Ok(Some(kind)) => Err(OpenError::Network { path, kind }),
        Ok(None) => Ok(()),
        Err(why) => Err(OpenError::File { path, why }),
    }
}

fn take_over(folder: &LaunchFolder, holder: &Holder, each: &mut dyn FnMut(Recorded)) -> Result<Opened, OpenError> {
    let in_file = |why| OpenError::File { path: folder.lock(), why };
    let failed = |why| match why {
        Failed::Lease(why) => OpenError::Lease(why),
        Failed::InTheWay(why) => OpenError::InTheWay(why),
        Failed::Store(why) => OpenError::Store { path: folder.journal(), why },
    };
    let (opened, took) = match Seen::at(&folder.lock()).map_err(in_file)? {
        None => {
            let lease = Lease::take(&folder.lock(), holder)?;
            let (store, ended) = take_over::clear(folder).map_err(failed)?;
            let took = ended.map(|ended| TookOver { from: Some(ended.clone()), ended: Some(ended) });
            (begin(folder, lease, (store, None), each), took)
        }
        Some(seen) => {
            // A journal that nobody may act on, or that cannot be written, is no reason to stop whoever does.
            let (_, walked) = walked_to_read(folder, &mut |_| {})?;
            if let Some(Stop::Wrong(wrong)) = walked.wrong {
                return Err(wrong.into());
            }
            writable(folder)?;
            let lease = take_over::replace(&folder.lock(), &seen, holder).map_err(failed)?;
            let mut took = TookOver { from: seen.holder.clone(), ended: None };
            let fenced = take_over::fence(folder, &lease, &seen, &mut took.ended).map_err(failed);
            let begun = |Fenced { store, epoch }| begin(folder, lease, (store, Some(epoch)), each);
            (fenced.and_then(begun), Some(took))
        }
    };
    match (opened, took) {
        (Ok(opened), took_over) => Ok(Opened { took_over, ..opened }),
        // Whoever took it from us acts.
        (Err(why @ OpenError::Lease(LeaseError::Overtaken(_))), _) | (Err(why), None) => Err(why),
        (Err(why), Some(took)) => Err(OpenError::HalfWay { why: Box::new(why), took: Box::new(took) }),
    }
}

/// Whether the journal and the folder can be written and synced; nobody is stopped for a launch that then
/// nobody can go on with.
fn writable(folder: &LaunchFolder) -> Result<(), OpenError> {
    match Sqlite::open(&folder.journal()).and_then(|mut store| store.prove()) {
        // Who writes may be the one that is to be stopped.
        Ok(()) | Err(StoreError::Busy) => {}
        Err(why) => return Err(OpenError::Store { path: folder.journal(), why }),
    }
    let tried = folder.path().join(format!("lock.{}.tried", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&tried)?;
        file.write_all(&[0; TRIED])?;
        file.sync_all()?;
        head::settle(&tried)
    };
    let written = write();
    let _ = fs::remove_file(&tried);
    written.map_err(|why| OpenError::File { path: tried, why })
}

/// The first record of the journal in `folder`, which is not opened for anything; none where none can be read.
#[must_use]
pub fn first(folder: &LaunchFolder) -> Option<Recorded> {
    let mut first = None;
    let mut store = Sqlite::open_to_read(&folder.journal()).ok()?;
    let read = store.read(&mut |link| {
        first = chain::say(link.seq, &link.bytes).ok();
        false
    });
    read.ok().and(first)
}

fn act(folder: &LaunchFolder, holder: &Holder, each: &mut dyn FnMut(Recorded)) -> Result<Opened, OpenError> {
    let lease = Lease::take(&folder.lock(), holder)?;
    let store = Sqlite::open(&folder.journal()).map_err(|why| OpenError::Store { path: folder.journal(), why })?;
    begin(folder, lease, (store, None), each)
}

/// Reads a journal whose lease is ours and makes it ready to append, unless the epoch was raised already.
fn begin(
    folder: &LaunchFolder,
    lease: Lease,
    (mut store, raised): (Sqlite, Option<u64>),
    each: &mut dyn FnMut(Recorded),
) -> Result<Opened, OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    let in_file = |why| OpenError::File { path: folder.head(), why };
    let found = head::read(&folder.head()).map_err(in_file)?;
    let walked = walk(&mut store, found, each).map_err(in_store)?;
    let mut noticed = walked.noticed;
    let torn = match walked.wrong {
        None => None,
        Some(Stop::Torn { seq }) => Some(seq),
        Some(Stop::Wrong(wrong)) => return Err(wrong.into()),
    };
    // Synced, and with it everything that stands in the store: from here the head file may say so.
    let epoch = match raised {
        Some(epoch) => epoch,
        None => {
            let stands = || lease.stake().stands();
            let raised = store.raise_epoch_while(&stands).map_err(in_store)?;
            raised.ok_or_else(|| LeaseError::Overtaken(lease.stake().named_now()))?
        }
    };
    if store.last().map_err(in_store)? != torn.unwrap_or(walked.head.seq) {
        return Err(OpenError::Grew);
    }
    if let Some(seq) = torn {
        store.cut(epoch, seq).map_err(in_store)?;
        noticed.push(Noticed::TornTail { seq });
    }
    let head = walked.head;
    head::write(&folder.head(), head).and_then(|()| head::settle(&folder.head())).map_err(in_file)?;
    let beat = store.beat().map_err(in_store)?;
    let start = Start { store: Box::new(store), epoch, head, files: Some((folder.head(), lease)) };
    let journal = Journal::start(start).map_err(|why| OpenError::File { path: folder.journal(), why })?;
    Ok(Opened { records: Vec::new(), journal: Some(journal), head, beat, noticed, took_over: None })
}

fn read(folder: &LaunchFolder, each: &mut dyn FnMut(Recorded)) -> Result<Opened, OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    let (mut store, walked) = walked_to_read(folder, each)?;
    let mut noticed = walked.noticed;
    noticed.extend(walked.wrong.map(|stop| match stop {
        Stop::Torn { seq } => Noticed::TornTail { seq },
        Stop::Wrong(Wrong::Broken(broken)) => Noticed::Broken(broken),
        Stop::Wrong(Wrong::Undecodable { seq, why }) => Noticed::Undecodable { seq, why: why.to_string() },
    }));
    let beat = store.beat().map_err(in_store)?;
    Ok(Opened { records: Vec::new(), journal: None, head: walked.head, beat, noticed, took_over: None })
}

fn walked_to_read(folder: &LaunchFolder, each: &mut dyn FnMut(Recorded)) -> Result<(Sqlite, Walked), OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    // The head first: a console that acts meanwhile only makes the store longer than this head.
    let found = head::read(&folder.head()).map_err(|why| OpenError::File { path: folder.head(), why })?;
    let mut store = Sqlite::open_to_read(&folder.journal()).map_err(in_store)?;
    let walked = walk(&mut store, found, each).map_err(in_store)?;
    Ok((store, walked))
}

impl From<Wrong> for OpenError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Broken(broken) => Self::Broken(broken),
            Wrong::Undecodable { seq, why } => Self::Undecodable { seq, why },
        }
    }
}

pub(super) struct Walked {
    pub head: Head,
    pub noticed: Vec<Noticed>,
    wrong: Option<Stop>,
}

/// Why a walk did not reach the end.
enum Stop {
    /// Only the last record is wrong, and no head ever vouched for it.
    Torn {
        seq: u64,
    },
    Wrong(Wrong),
}

/// Reads `store` to its end or to the first thing that is wrong. One thread reads and proves the chain, this
/// one decodes: half of the work each.
pub(super) fn walk(store: &mut dyn Store, found: Found, each: &mut dyn FnMut(Recorded)) -> Result<Walked, StoreError> {
    let synced = match found {
        Found::Head(head) => Some(head),
        Found::Missing | Found::Garbled => None,
    };
    let (chunks, proven) = sync_channel(AHEAD);
    let (decoded, end) = thread::scope(|scope| {
        let reader = thread::Builder::new().name("journal-reader".into());
        let reader = reader.spawn_scoped(scope, move || prove(store, synced, &chunks)).map_err(StoreError::from)?;
        let decoded = decode(proven, each);
        let end = reader.join().unwrap_or_else(|_| Err(StoreError::Failed("its reader failed".into())));
        Ok::<_, StoreError>((decoded, end))
    })?;
    let (head, wrong) = match decoded {
        // What was read ahead of it is of no account.
        (head, Some(wrong)) => (head, Some(Stop::Wrong(wrong))),
        (head, None) => (head, end?),
    };
    let noticed = match found {
        Found::Garbled => vec![Noticed::HeadGarbled],
        // Before the first record there is nothing to lose: the console died while it made the journal.
        Found::Missing if head.seq > 0 => vec![Noticed::HeadMissing],
        Found::Missing | Found::Head(_) => Vec::new(),
    };
    Ok(Walked { head, noticed, wrong })
}

/// Records whose chain is proven, one behind the other.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Each with the end of its bytes.
    heads: Vec<(Head, usize)>,
}

/// Reads and proves the chain until it ends, breaks, or nobody wants more.
fn prove(store: &mut dyn Store, synced: Option<Head>, to: &SyncSender<Chunk>) -> Result<Option<Stop>, StoreError> {
    let mut walk = Walk::new(synced);
    let mut chunk = Chunk::default();
    let (mut wrong, mut more, mut wanted) = (None, false, true);
    store.read(&mut |link: Link| {
        more = wrong.is_some();
        if more {
            return false;
        }
        match walk.prove(&link) {
            Ok(head) => {
                chunk.bytes.extend_from_slice(&link.bytes);
                chunk.heads.push((head, chunk.bytes.len()));
                if chunk.heads.len() >= CHUNK || chunk.bytes.len() >= CHUNK_BYTES {
                    wanted = to.send(mem::take(&mut chunk)).is_ok();
                }
            }
            Err(found) => wrong = Some(found),
        }
        wanted
    })?;
    let _ = to.send(chunk);
    Ok(match wrong {
        Some(Broken::Altered { seq }) if !more && synced.is_some_and(|synced| synced.seq < seq) => {
            Some(Stop::Torn { seq })
        }
        Some(wrong) => Some(Stop::Wrong(wrong.into())),
        None => walk.end().err().map(|cut| Stop::Wrong(cut.into())),
    })
}

/// Hands over what the records say, up to the first that says nothing.
fn decode(chunks: Receiver<Chunk>, each: &mut dyn FnMut(Recorded)) -> (Head, Option<Wrong>) {
    let mut last = Head::default();
    for Chunk { bytes, heads } in chunks {
        let mut from = 0;
        for (head, to) in heads {
            match chain::say(head.seq, &bytes[from..to]) {
                Ok(recorded) => each(recorded),
                Err(wrong) => return (last, Some(wrong)),
            }
            (last, from) = (head, to);
        }
    }
    (last, None)
}
