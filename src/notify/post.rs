//! The task of one target: it takes what is next out of the queue, sends it, and writes down what became of it. It
//! ends with the outbox, or once another console acts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::answer::{self, Came};
use super::ledger::{Deed, Line};
use super::message::Place;
use super::outbox::{Hands, Shared, Target, lock};
use super::queue::{self, Next, Parcel, Settled};
use super::request::request;
use super::writer::Written;
use crate::base::text::{cut, printable};
use crate::launch::plan::Notify;
use crate::launch::time::Wall;

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

async fn attempt(target: &Target, hands: &Hands, parcel: &Parcel, sent: &mut Place, now: &impl Fn() -> u64) {
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
                    let sends = Line::new(Deed::Sends, (hands.wall)(), (from, to), settled);
                    target.writer.stands(put(target, hands, sends)).await;
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
    let written = {
        let mut queue = lock(&target.queue);
        let outcome = queue.came(came, now(), wall, (hands.chance)());
        // At once, so that whoever sees an empty queue sees the line.
        line(outcome, &notify, parcel, wall, queue.settled()).map(|line| put(target, hands, line))
    };
    if let Some(written) = written {
        target.writer.stands(written).await;
    }
}

/// What an attempt came to, as the ledger has it.
fn line(outcome: Settled, notify: &Notify, parcel: &Parcel, wall: Wall, settled: Place) -> Option<Line> {
    Some(match outcome {
        Settled::Told { from, to, status } => {
            let messages = parcel.messages.len() as u64;
            Line { status: Some(status), messages, ..Line::new(Deed::Told, wall, (from, to), settled) }
        }
        Settled::Refused { from, to, messages, why } => {
            tracing::warn!("{} did not take a message: {why}", notify.called());
            Line { why: Some(why), messages, ..Line::new(Deed::Refused, wall, (from, to), settled) }
        }
        Settled::Dropped(dropped) => Line::dropped(wall, dropped, settled),
        // One line for each time it begins to fail: a day of failures fills no disk.
        Settled::Fails { began: false, .. } => return None,
        Settled::Fails { began: true, why } => {
            tracing::warn!("{} is not being told: {why}", notify.called());
            let waits = parcel.messages.first().zip(parcel.messages.last());
            let places = waits.map_or((settled, settled), |(first, last)| (first.place, last.place));
            Line { why: Some(why), ..Line::new(Deed::Fails, wall, places, settled) }
        }
    })
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

fn put(target: &Target, hands: &Hands, line: Line) -> Written {
    target.writer.put(Line { simulated: hands.simulated, ..line })
}
