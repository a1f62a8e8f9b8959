//! All targets of a launch: each has a queue, a ledger and a task of its own, so that one which does not answer keeps
//! no other waiting. Messages come in as the journal has them; nothing waits for what becomes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify as News, watch};
use tokio_util::sync::CancellationToken;

use super::ledger::{Deed, Known, Ledger, Line};
use super::message::{Message, Place};
use super::post;
use super::queue::{Dropped, Queue};
use super::standing::{self, Standing};
use super::telling::concerns;
use super::writer::{May, Writer, unkept};
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
        Box::pin(async move {
            // What it says beside its head is for nobody: a body that never ends keeps nothing waiting.
            let opening = client.open(request, PATIENCE).await?;
            Ok(Answer { status: opening.status, headers: opening.headers, ..Answer::default() })
        })
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
    pub may: May,
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
    /// Those of the plan that the launch goes by: a journal that is read from its start tells of earlier ones.
    planned: Mutex<BTreeMap<NotifyId, Notify>>,
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
            planned: Mutex::default(),
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
    pub writer: Writer,
    /// What was wrong with its ledger when it was opened.
    pub trouble: Option<String>,
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
        self.plan(targets);
        for notify in targets {
            self.target(notify, Place { seq: head, part: u32::MAX });
        }
        self.0.wanted.send_replace(!targets.is_empty());
    }

    fn plan(&self, targets: &[Notify]) {
        *lock(&self.0.planned) = targets.iter().map(|notify| (notify.id.clone(), notify.clone())).collect();
    }

    /// The launch goes by another plan: what is sent from here on goes out so, and to a target that it leaves out
    /// goes nothing any more.
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
        self.plan(targets);
        let known: Vec<Arc<Target>> = lock(&self.0.targets).values().cloned().collect();
        for target in known {
            let id = target.id();
            match targets.iter().find(|notify| notify.id == id) {
                Some(notify) => self.fit(&target, notify),
                None => self.leave_out(&target),
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

    /// Hands `message` to those of `targets` that it concerns. Blocks on a ledger that is opened.
    pub fn put(&self, targets: &[Notify], message: &Message) {
        for notify in targets.iter().filter(|notify| concerns(message, notify)) {
            let Some(target) = self.target(notify, message.place) else { continue };
            {
                let mut queue = lock(&target.queue);
                let dropped = queue.put(message.clone());
                self.write_dropped(&target, dropped, queue.settled());
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
            let over = queue.over().filter(|_| queue.dropped > 0).map(str::to_owned);
            let trouble: Vec<String> =
                [target.trouble.clone(), target.writer.trouble(), over].into_iter().flatten().collect();
            Standing {
                id: notify.id.clone(),
                called: notify.called(),
                failing,
                waiting: queue.len(),
                dropped: queue.dropped,
                refused: queue.refused,
                trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
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

    /// Whether everything is told and written down, but for those whose secret is not set here.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let hands = self.0.hands();
        let reached = |target: &Target| hands.as_ref().is_some_and(|hands| hands.reaches.contains_key(&target.id()));
        let targets: Vec<Arc<Target>> = lock(&self.0.targets).values().cloned().collect();
        let told = |target: &Target| lock(&target.queue).is_empty() || !reached(target);
        targets.iter().all(|target| told(target) && target.writer.is_done())
    }

    /// Nothing is sent from here on.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// The target of `notify`, whose first message stands at `first`; begun where it is new, as the plan has it that
    /// the launch goes by, whatever an earlier one had. None where another console tells.
    fn target(&self, notify: &Notify, first: Place) -> Option<Arc<Target>> {
        let known = lock(&self.0.targets).get(&notify.id).cloned();
        if known.is_some() {
            return known;
        }
        let hands = self.0.hands().filter(|hands| (hands.may)())?;
        let planned = lock(&self.0.planned).get(&notify.id).cloned();
        let left_out = planned.is_none();
        let notify = planned.unwrap_or_else(|| notify.clone());
        let head = *lock(&self.0.head);
        let path = standing::folder(&hands.launch).join(format!("{}.ledger", notify.id));
        let (ledger, known, mut trouble) = match Ledger::open(&path) {
            Ok((ledger, known)) => {
                let trouble = known.trouble.clone().map(|why| format!("its ledger: {why}"));
                (Some(ledger), known, trouble)
            }
            Err(why) => (None, Known::default(), Some(unkept(&why))),
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
        let at_most = at_most(&notify, hands.simulated);
        let mut queue = Queue::new(notify.via, at_most, settled, known.maybe, known.gone);
        (queue.refused, queue.dropped) = (known.refused, known.dropped);
        let target = Arc::new(Target {
            notify: Mutex::new(notify.clone()),
            queue: Mutex::new(queue),
            writer: Writer::new(ledger, Arc::clone(&hands.may)),
            trouble,
            news: News::new(),
        });
        if known.settled.is_none() {
            self.write(&target, |at| Line::new(Deed::Begins, at, (settled, settled), settled));
        }
        if left_out {
            self.leave_out(&target);
        }
        lock(&self.0.targets).insert(notify.id, Arc::clone(&target));
        tokio::spawn(post::post(Arc::clone(&target), Arc::clone(&self.0)));
        Some(target)
    }

    fn fit(&self, target: &Target, notify: &Notify) {
        let simulated = lock(&self.0.hands).as_ref().is_some_and(|hands| hands.simulated);
        lock(&target.queue).anew(notify.via, at_most(notify, simulated));
        *lock(&target.notify) = notify.clone();
        target.news.notify_one();
    }

    /// Nobody tells a target that the plan does not have.
    fn leave_out(&self, target: &Target) {
        let mut queue = lock(&target.queue);
        let dropped = queue.end("it is no longer in the plan");
        self.write_dropped(target, dropped, queue.settled());
    }

    fn write_dropped(&self, target: &Target, dropped: Option<Dropped>, settled: Place) {
        if let Some(dropped) = dropped {
            self.write(target, |at| Line::dropped(at, dropped, settled));
        }
    }

    fn write(&self, target: &Target, line: impl FnOnce(Wall) -> Line) {
        let hands = lock(&self.0.hands).as_ref().map(|hands| ((hands.wall)(), hands.simulated));
        let Some((wall, simulated)) = hands else { return };
        // It comes in its turn; nobody waits for it.
        drop(target.writer.put(Line { simulated, ..line(wall) }));
    }
}

/// Nobody reads what a rehearsal sends: its skipped hours are not held up for a minute's limit.
fn at_most(notify: &Notify, simulated: bool) -> AtMost {
    if simulated { AtMost { count: u32::MAX, ..notify.at_most } } else { notify.at_most }
}

impl Target {
    fn id(&self) -> NotifyId {
        lock(&self.notify).id.clone()
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
