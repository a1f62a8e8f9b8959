//! All targets of a launch: each has a queue, a ledger and a task of its own, so that one which does not answer keeps
//! no other waiting. Messages come in as the journal has them; nothing waits for what becomes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify as News, watch};
use tokio_util::sync::CancellationToken;

use super::ledger::{Deed, Ledger, Line};
use super::message::{Message, Place};
use super::post;
use super::queue::Queue;
use super::standing::{self, Standing};
use super::telling::concerns;
use crate::base::reach::Reach;
use crate::base::secret::Redactor;
use crate::base::wire::{Answer, Cause, Client, Request};
use crate::launch::id::NotifyId;
use crate::launch::plan::{AtMost, Notify};
use crate::launch::time::Wall;

/// A target that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a request and waits for its answer, for no longer than a target may take.
pub type Post = Arc<dyn Fn(Request) -> Answering + Send + Sync>;
/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, Cause>> + Send>>;

/// Sends over `client`.
#[must_use]
pub fn over(client: &Client) -> Post {
    let client = client.clone();
    Arc::new(move |request| {
        let client = client.clone();
        Box::pin(async move { client.send(request, PATIENCE).await })
    })
}

/// What it sends with, and what it knows.
#[derive(Clone)]
pub struct Hands {
    pub send: Post,
    pub redactor: Redactor,
    /// Where each target is reached; not one whose secret is not set here.
    pub reaches: BTreeMap<NotifyId, Reach>,
    /// Everything goes to the simulated target of a rehearsal, and nowhere else.
    pub simulated: bool,
    /// The folder of the launch.
    pub launch: PathBuf,
    /// Whether this console still may act: another one tells what is told from here on.
    pub may: Arc<dyn Fn() -> bool + Send + Sync>,
    pub wall: fn() -> Wall,
    /// Between 0 and 1.
    pub chance: fn() -> f64,
}

/// The outbox of a launch. Cheap to clone; one that was not begun tells nobody anything.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Shared>);

pub(super) struct Shared {
    hands: Mutex<Option<Hands>>,
    /// The last record when this console opened the launch, and whether it began it.
    head: Mutex<u64>,
    targets: Mutex<BTreeMap<NotifyId, Arc<Target>>>,
    wanted: watch::Sender<bool>,
    /// Why messages are made of the journal no more.
    deaf: Mutex<Option<String>>,
    pub(super) stop: CancellationToken,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            hands: Mutex::default(),
            head: Mutex::default(),
            targets: Mutex::default(),
            wanted: watch::channel(false).0,
            deaf: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }
}

/// One target.
pub(super) struct Target {
    pub notify: Mutex<Notify>,
    pub queue: Mutex<Queue>,
    pub ledger: Mutex<Option<Ledger>>,
    /// What is wrong with its ledger.
    pub trouble: Mutex<Option<String>>,
    pub news: News,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outbox {
    /// From here on it tells, with these hands. `head` is the journal's last record; 0 for a launch that begins.
    pub fn begin(&self, hands: Hands, targets: &[Notify], head: u64) {
        *lock(&self.0.head) = head;
        hands.reaches.values().flat_map(Reach::secrets).for_each(|secret| hands.redactor.learn(&secret));
        *lock(&self.0.hands) = Some(hands);
        for notify in targets {
            self.target(notify, Place { seq: head, part: u32::MAX });
        }
        self.0.wanted.send_replace(!targets.is_empty());
    }

    /// The launch goes by another plan: what is sent from here on goes out so.
    pub fn under(&self, client: &Client, reaches: &BTreeMap<NotifyId, Reach>, targets: &[Notify]) {
        {
            let mut hands = lock(&self.0.hands);
            let Some(hands) = hands.as_mut() else { return };
            reaches.values().flat_map(Reach::secrets).for_each(|secret| hands.redactor.learn(&secret));
            hands.send = over(client);
            hands.reaches.clone_from(reaches);
        }
        if !targets.is_empty() {
            self.0.wanted.send_replace(true);
        }
        for target in lock(&self.0.targets).values() {
            if let Some(notify) = targets.iter().find(|notify| notify.id == lock(&target.notify).id) {
                self.fit(target, notify);
            }
        }
    }

    /// Waits until somebody is to be told anything.
    pub async fn wanted(&self) {
        // The sender lives as long as this does.
        let _ = self.0.wanted.subscribe().wait_for(|wanted| *wanted).await;
    }

    /// Whether somebody is to be told anything.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        *self.0.wanted.borrow()
    }

    /// Hands `message` to those of `targets` that it concerns. Blocks on their ledgers, where they are new.
    pub fn put(&self, targets: &[Notify], message: &Message) {
        for notify in targets.iter().filter(|notify| concerns(message, notify)) {
            let Some(target) = self.target(notify, message.place) else { continue };
            let settled = {
                let mut queue = lock(&target.queue);
                queue.put(message.clone()).map(|dropped| (dropped, queue.settled()))
            };
            if let Some((dropped, settled)) = settled {
                self.write(&target, |at| Line::new(Deed::Dropped, at, (dropped, dropped), settled));
            }
            target.news.notify_one();
        }
    }

    /// How every target stands.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        let simulated = lock(&self.0.hands).as_ref().is_some_and(|hands| hands.simulated);
        let targets: Vec<Arc<Target>> = lock(&self.0.targets).values().cloned().collect();
        let stands = |target: &Arc<Target>| {
            let (notify, queue) = (lock(&target.notify), lock(&target.queue));
            let failing = queue.failing().map(|failing| (failing.since, failing.why.clone()));
            Standing {
                id: notify.id.clone(),
                called: notify.called(),
                failing,
                waiting: queue.len(),
                dropped: queue.dropped,
                refused: queue.refused,
                trouble: lock(&target.trouble).clone(),
                simulated,
            }
        };
        targets.iter().map(stands).collect()
    }

    /// Who is not being told, in one sentence.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let deaf = lock(&self.0.deaf).clone();
        let all: Vec<String> = deaf.into_iter().chain(standing::words(&self.standing())).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Why messages are made of the journal no more; none once they are.
    pub fn deaf(&self, why: Option<String>) {
        *lock(&self.0.deaf) = why;
    }

    /// Whether everything is told that can be just now: what waits waits for its target.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        lock(&self.0.targets).values().all(|target| {
            let queue = lock(&target.queue);
            queue.is_empty() || queue.failing().is_some()
        })
    }

    /// Nothing is sent from here on.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// The target of `notify`, whose first message stands at `first`; begun where it is new.
    fn target(&self, notify: &Notify, first: Place) -> Option<Arc<Target>> {
        let known = lock(&self.0.targets).get(&notify.id).cloned();
        if let Some(known) = known {
            if *lock(&known.notify) != *notify {
                self.fit(&known, notify);
            }
            return Some(known);
        }
        let hands = lock(&self.0.hands).clone()?;
        let head = *lock(&self.0.head);
        let path = standing::folder(&hands.launch).join(format!("{}.ledger", notify.id));
        let (ledger, known, mut trouble) = match Ledger::open(&path) {
            Ok((ledger, known)) => {
                let trouble = known.trouble.clone().map(|why| format!("its ledger: {why}"));
                (Some(ledger), known, trouble)
            }
            Err(why) => (None, Default::default(), Some(unkept(&why))),
        };
        let end = Place { seq: head, part: u32::MAX };
        let settled = match known.settled {
            Some(settled) => settled,
            // Of what was before it nothing is known: told twice it would be, or not at all.
            None if head > 0 && first <= end => {
                trouble.get_or_insert_with(|| {
                    format!("what was told before record {head} is not known: it is told from there on")
                });
                end
            }
            None => Place::default(),
        };
        let at_most = at_most(notify, hands.simulated);
        let mut queue = Queue::new(notify.via, at_most, settled, known.maybe);
        (queue.refused, queue.dropped) = (known.refused, known.dropped);
        let target = Arc::new(Target {
            notify: Mutex::new(notify.clone()),
            queue: Mutex::new(queue),
            ledger: Mutex::new(ledger),
            trouble: Mutex::new(trouble),
            news: News::new(),
        });
        if known.settled.is_none() {
            self.write(&target, |at| Line::new(Deed::Begins, at, (settled, settled), settled));
        }
        lock(&self.0.targets).insert(notify.id.clone(), Arc::clone(&target));
        tokio::spawn(post::post(Arc::clone(&target), Arc::clone(&self.0)));
        Some(target)
    }

    fn fit(&self, target: &Target, notify: &Notify) {
        let simulated = lock(&self.0.hands).as_ref().is_some_and(|hands| hands.simulated);
        lock(&target.queue).anew(notify.via, at_most(notify, simulated));
        *lock(&target.notify) = notify.clone();
        target.news.notify_one();
    }

    fn write(&self, target: &Target, line: impl FnOnce(Wall) -> Line) {
        let Some((wall, simulated)) = lock(&self.0.hands).as_ref().map(|hands| ((hands.wall)(), hands.simulated))
        else {
            return;
        };
        target.write(&Line { simulated, ..line(wall) });
    }
}

/// Nobody reads what a rehearsal sends: its skipped hours are not held up for a minute's limit.
fn at_most(notify: &Notify, simulated: bool) -> AtMost {
    if simulated { AtMost { count: u32::MAX, ..notify.at_most } } else { notify.at_most }
}

fn unkept(why: &std::io::Error) -> String {
    format!("what is told cannot be written down, and may be told again after a restart: {why}")
}

impl Target {
    /// Writes a line of its ledger. Blocks. What cannot be written is said, and tells on.
    pub fn write(&self, line: &Line) {
        let mut ledger = lock(&self.ledger);
        let Some(open) = ledger.as_mut() else { return };
        if let Err(why) = open.write(line) {
            *lock(&self.trouble) = Some(unkept(&why));
        }
    }
}

impl Shared {
    pub(super) fn hands(&self) -> Option<Hands> {
        lock(&self.hands).clone()
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
