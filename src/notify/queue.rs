//! What waits to be told to one target, in order, and when it goes: the target's own limit, what it asked us to wait
//! for, and longer after each failure. Where a target reads like a person, what is beyond the limit is folded into one
//! message; where too much waits, the oldest is dropped, counted and said. Pure: it is told the time, in milliseconds
//! of a clock that only goes on, and the chance.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::Came;
use super::message::{Message, Place};
use crate::launch::plan::{AtMost, Via};
use crate::launch::time::Wall;

/// Messages that wait for one target.
pub const MOST: usize = 1_000;
/// The first wait after a failure, in milliseconds; each further one is twice as long.
const FIRST: u64 = 1_000;
/// No wait is longer, but where the target asks for it.
const LONGEST: u64 = 60_000;

/// What goes out at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// One, or several folded into one; never none.
    pub messages: Vec<Message>,
    /// How many before these were dropped, and not said to be yet.
    pub dropped: u64,
    /// It may be there already: an attempt before this one was not answered.
    pub again: bool,
}

/// Since when a target takes nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub since: Wall,
    pub why: String,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Idle,
    /// Until then, by the same clock.
    Until(u64),
    Send(Parcel),
}

/// What waits for one target.
#[derive(Debug, Clone)]
pub struct Queue {
    at_most: AtMost,
    folds: bool,
    waiting: VecDeque<Message>,
    /// What is at or before this was told, refused or dropped.
    settled: Place,
    /// What was put last: a replay of it is put once.
    put: Place,
    /// Messages of the parcel that is under way; they are the first that wait.
    under_way: usize,
    /// What up to here is not settled may be there already.
    maybe: Option<Place>,
    /// When the last messages went, within one span of the limit.
    sent: VecDeque<u64>,
    /// Attempts at the first message that failed in a row.
    tries: u32,
    not_before: u64,
    failing: Option<Failing>,
    /// Dropped and not said yet.
    unsaid: u64,
    /// All that were dropped, and all that the target would not have.
    pub dropped: u64,
    pub refused: u64,
}

/// What an attempt came to, for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// From the first to the last message that is settled.
    Told {
        from: Place,
        to: Place,
        status: u16,
    },
    Refused {
        from: Place,
        to: Place,
        why: String,
    },
    /// Nothing is settled; true where it began to fail just now.
    Fails {
        began: bool,
        why: String,
    },
}

impl Queue {
    /// For a target whose ledger says that everything up to `settled` was settled; what follows up to
    /// `maybe` may have been told by a console that died.
    #[must_use]
    pub fn new(via: Via, at_most: AtMost, settled: Place, maybe: Option<Place>) -> Self {
        Self {
            at_most,
            folds: via == Via::Slack,
            waiting: VecDeque::new(),
            settled,
            put: settled,
            under_way: 0,
            maybe,
            sent: VecDeque::new(),
            tries: 0,
            not_before: 0,
            failing: None,
            unsaid: 0,
            dropped: 0,
            refused: 0,
        }
    }

    /// Takes a message that comes after all before it. What was taken before is not taken twice. The place of one
    /// that was dropped for it.
    pub fn put(&mut self, message: Message) -> Option<Place> {
        if message.place <= self.put {
            return None;
        }
        self.put = message.place;
        self.waiting.push_back(message);
        if self.waiting.len() <= MOST {
            return None;
        }
        // What is under way is not taken out of the hand.
        let dropped = self.waiting.remove(self.under_way)?.place;
        self.dropped += 1;
        self.unsaid += 1;
        if self.under_way == 0 {
            self.settled = self.settled.max(dropped);
        }
        Some(dropped)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[must_use]
    pub fn settled(&self) -> Place {
        self.settled
    }

    #[must_use]
    pub fn failing(&self) -> Option<&Failing> {
        self.failing.as_ref()
    }

    /// The target's place and limit are others from here on: what waits is tried at once.
    pub fn anew(&mut self, via: Via, at_most: AtMost) {
        (self.folds, self.at_most, self.not_before, self.tries) = (via == Via::Slack, at_most, 0, 0);
    }

    /// What is to be done at `now`. A parcel is under way until [`Queue::came`] is told of it.
    pub fn next(&mut self, now: u64) -> Next {
        if self.waiting.is_empty() {
            return Next::Idle;
        }
        if now < self.not_before {
            return Next::Until(self.not_before);
        }
        let per = u64::try_from(self.at_most.per.as_millis()).unwrap_or(u64::MAX).max(1);
        while self.sent.front().is_some_and(|at| at.saturating_add(per) <= now) {
            self.sent.pop_front();
        }
        let most = usize::try_from(self.at_most.count).unwrap_or(usize::MAX).max(1);
        let left = most.saturating_sub(self.sent.len());
        if left == 0 {
            let free = self.sent.front().map_or(now, |at| at.saturating_add(per));
            return Next::Until(free);
        }
        // A parcel that may be there is told again as it was; the last of a span takes along all that would wait.
        if self.under_way == 0 {
            self.under_way = if self.folds && left == 1 && self.maybe.is_none() { self.waiting.len() } else { 1 };
        }
        let messages: Vec<Message> = self.waiting.iter().take(self.under_way).cloned().collect();
        let again = messages.first().is_some_and(|first| self.maybe.is_some_and(|maybe| first.place <= maybe));
        Next::Send(Parcel { messages, dropped: self.unsaid, again })
    }

    /// What became of the parcel under way at `now`, on both clocks; `chance` is between 0 and 1.
    pub fn came(&mut self, came: Came, now: u64, wall: Wall, chance: f64) -> Settled {
        self.sent.push_back(now);
        let (why, after, maybe) = match came {
            Came::Again { why, after, maybe } => (why, after, maybe),
            Came::There { status } => {
                self.unsaid = 0;
                self.failing = None;
                let (from, to) = self.settle();
                return Settled::Told { from, to, status };
            }
            Came::Never { why } => {
                self.refused += self.under_way as u64;
                self.failing = None;
                let (from, to) = self.settle();
                return Settled::Refused { from, to, why };
            }
        };
        self.tries = self.tries.saturating_add(1);
        if maybe {
            let last = self.waiting.get(self.under_way.saturating_sub(1)).map(|message| message.place);
            self.maybe = self.maybe.max(last);
        }
        let grown = FIRST.saturating_mul(1 << self.tries.saturating_sub(1).min(16)).min(LONGEST);
        // Half of it by chance, so that what failed together does not come back together.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a minute, never below zero"
        )]
        let wait = grown / 2 + (grown as f64 / 2.0 * chance.clamp(0.0, 1.0)) as u64;
        let asked = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        self.not_before = now.saturating_add(wait.max(asked));
        let began = self.failing.is_none();
        let since = self.failing.as_ref().map_or(wall, |failing| failing.since);
        self.failing = Some(Failing { since, why: why.clone() });
        Settled::Fails { began, why }
    }

    /// The parcel under way waits no longer.
    fn settle(&mut self) -> (Place, Place) {
        let gone: Vec<Place> = self.waiting.drain(..self.under_way).map(|message| message.place).collect();
        let from = gone.first().copied().unwrap_or(self.settled);
        let to = gone.last().copied().unwrap_or(self.settled);
        self.settled = self.settled.max(to);
        (self.under_way, self.tries, self.not_before) = (0, 0, 0);
        self.maybe = self.maybe.filter(|maybe| *maybe > self.settled);
        (from, to)
    }
}

/// How long a span is until `until`, by the clock of `now`.
#[must_use]
pub fn wait(now: u64, until: u64) -> Duration {
    Duration::from_millis(until.saturating_sub(now))
}

#[cfg(test)]
#[path = "queue_tests.rs"]
pub(super) mod tests;
