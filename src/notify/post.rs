//! The task of one target: it takes what is next out of the queue, sends it, and writes down what became of it. It
//! ends with the outbox, or once another console acts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::answer::{self, Came};
use super::ledger::{Deed, Line};
use super::message::Place;
use super::outbox::{Hands, Shared, Target, lock};
use super::queue::{self, Next, Parcel, Settled};
use super::request::request;
use crate::base::text::{cut, printable};

/// A disk that takes longer is not waited for.
const DISK: Duration = Duration::from_secs(2);
/// Columns of why something was not taken.
const WHY: usize = 200;
/// How long a secret that is not set here is waited for: an amendment may bring it.
const UNSET: Duration = Duration::from_secs(30);

pub(super) async fn post(target: Arc<Target>, shared: Arc<Shared>) {
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    // Up to here the ledger says that it went out.
    let mut sent = Place::default();
    loop {
        let next = lock(&target.queue).next(now());
        let wait = match next {
            Next::Idle => Duration::MAX,
            Next::Until(until) => queue::wait(now(), until),
            Next::Send(parcel) => {
                let Some(hands) = shared.hands().filter(|hands| (hands.may)()) else { return };
                tokio::select! {
                    () = attempt(&target, &hands, &parcel, &mut sent, &now) => {}
                    () = shared.stop.cancelled() => return,
                }
                continue;
            }
        };
        tokio::select! {
            () = target.news.notified() => {}
            () = sleep(wait.min(Duration::from_secs(3_600))) => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

async fn attempt(target: &Arc<Target>, hands: &Hands, parcel: &Parcel, sent: &mut Place, now: &impl Fn() -> u64) {
    let notify = lock(&target.notify).clone();
    let settled = lock(&target.queue).settled();
    let places = (parcel.messages.first(), parcel.messages.last());
    let (Some(from), Some(to)) = (places.0.map(|one| one.place), places.1.map(|one| one.place)) else { return };
    let came = match hands.reaches.get(&notify.id) {
        None => Came::Again { why: "its secret is not set here".to_owned(), after: Some(UNSET), maybe: false },
        Some(reach) => match request(parcel, &notify, reach, &hands.redactor, (hands.wall)()) {
            Err(why) => Came::Never { why },
            Ok(request) => {
                if *sent < to {
                    // Before it goes: whoever comes after us knows that it may be there.
                    write(target, hands, Line::new(Deed::Sends, (hands.wall)(), (from, to), settled)).await;
                    *sent = to;
                }
                // Standing in a disk, this console may have been taken over.
                if !(hands.may)() {
                    return;
                }
                let answer = (hands.send)(request).await;
                answer::came(&answer, (hands.wall)())
            }
        },
    };
    let came = clean(came, hands);
    let wall = (hands.wall)();
    let (outcome, settled) = {
        let mut queue = lock(&target.queue);
        (queue.came(came, now(), wall, (hands.chance)()), queue.settled())
    };
    let line = match outcome {
        Settled::Told { from, to, status } => {
            Line { status: Some(status), ..Line::new(Deed::Told, wall, (from, to), settled) }
        }
        Settled::Refused { from, to, why } => {
            tracing::warn!("{} did not take a message: {why}", notify.called());
            Line { why: Some(why), ..Line::new(Deed::Refused, wall, (from, to), settled) }
        }
        // One line for each time it begins to fail: a day of failures fills no disk.
        Settled::Fails { began: false, .. } => return,
        Settled::Fails { began: true, why } => {
            tracing::warn!("{} is not being told: {why}", notify.called());
            Line { why: Some(why), ..Line::new(Deed::Fails, wall, (from, to), settled) }
        }
    };
    write(target, hands, line).await;
}

/// What came, in words that tell no secret and no escape.
fn clean(came: Came, hands: &Hands) -> Came {
    let clean = |why: String| cut(&printable(&hands.redactor.text(&why)), WHY);
    match came {
        Came::There { .. } => came,
        Came::Never { why } => Came::Never { why: clean(why) },
        Came::Again { why, after, maybe } => Came::Again { why: clean(why), after, maybe },
    }
}

async fn write(target: &Arc<Target>, hands: &Hands, line: Line) {
    let line = Line { simulated: hands.simulated, ..line };
    let own = Arc::clone(target);
    let writing = tokio::task::spawn_blocking(move || own.write(&line));
    if timeout(DISK, writing).await.is_err() {
        *lock(&target.trouble) = Some("what is told cannot be written down: the disk does not answer".to_owned());
    }
}
