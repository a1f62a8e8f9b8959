//! What waits to be told to one target, in order, and when it goes: the target's own limit, what it asked us to wait
//! for, and longer after each failure. Where a target reads like a person, what is beyond the limit is folded into one
//! message; where too much waits, the oldest is dropped, counted and said. Pure: it is told the time, in milliseconds
//! of a clock that only goes on, and the chance.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::answer::Came;
use super::message::{Message, Place};
use super::pagerduty;
use crate::launch::plan::{AtMost, Via};
use crate::launch::time::Wall;

/// Messages that wait for one target behind what is under way, or goes next.
const MOST: usize = 1_000;
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
    via: Via,
    waiting: VecDeque<Message>,
    /// What is at or before this was told, refused or dropped.
    settled: Place,
    /// Dropped behind something that is not settled, each from its first to its last: a replay of it is passed over.
    gone: BTreeMap<Place, Place>,
    /// What was put last: a replay of it is put once.
    put: Place,
    /// Messages of the parcel that is under way; they are the first that wait.
    under_way: usize,
    /// Whether an attempt at that parcel is not answered yet.
    sending: bool,
    /// Why nothing is told any more.
    over: Option<String>,
    /// What up to here is not settled may be there already.
    maybe: Option<Place>,
    /// When the last messages went, within one span of the limit.
    sent: VecDeque<u64>,
    /// Attempts at the first message that failed in a row.
    tries: u32,
    not_before: u64,
    failing: Option<Failing>,
    /// Dropped and not said yet; so many of them the parcel under way says.
    unsaid: u64,
    saying: u64,
    /// All that were dropped, and all that the target would not have.
    pub dropped: u64,
    pub refused: u64,
}

/// What was dropped at once, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub from: Place,
    pub to: Place,
    pub messages: u64,
    pub why: String,
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
        messages: u64,
        why: String,
    },
    /// It failed, and is not tried again: nothing is told any more.
    Dropped(Dropped),
    /// Nothing is settled; true where it began to fail just now.
    Fails {
        began: bool,
        why: String,
    },
}

impl Queue {
    /// For a target whose ledger says that everything up to `settled` was settled, and what was dropped behind it;
    /// what follows up to `maybe` may have been told by a console that died.
    #[must_use]
    pub fn new(via: Via, at_most: AtMost, settled: Place, maybe: Option<Place>, gone: BTreeMap<Place, Place>) -> Self {
        Self {
            at_most,
            via,
            waiting: VecDeque::new(),
            settled,
            gone,
            put: settled,
            under_way: 0,
            sending: false,
            over: None,
            maybe,
            sent: VecDeque::new(),
            tries: 0,
            not_before: 0,
            failing: None,
            unsaid: 0,
            saying: 0,
            dropped: 0,
            refused: 0,
        }
    }

    /// Takes a message that comes after all before it. What was taken before is not taken twice. What was dropped
    /// for it.
    pub fn put(&mut self, message: Message) -> Option<Dropped> {
        if message.place <= self.put {
            return None;
        }
        self.put = message.place;
        if self.gone.range(..=message.place).any(|(_, to)| message.place <= *to) {
            self.pass_over();
            return None;
        }
        self.waiting.push_back(message);
        if let Some(why) = self.over.clone() {
            return self.drop_behind(1, why);
        }
        // What is under way is not taken out of the hand, and does not count. After a restart nothing is in it.
        let behind = self.waiting.len() - self.under_way.max(1);
        self.drop_behind(behind.saturating_sub(MOST), format!("more than {MOST} waited"))
    }

    /// Nothing is told from here on, for this reason: what waits is dropped, but for a parcel that may be answered yet.
    pub fn end(&mut self, why: &str) -> Option<Dropped> {
        self.over = Some(why.to_owned());
        self.failing = None;
        if !self.sending {
            (self.under_way, self.saying) = (0, 0);
        }
        self.drop_behind(self.waiting.len() - self.under_way, why.to_owned())
    }

    /// Why nothing is told any more.
    #[must_use]
    pub fn over(&self) -> Option<&str> {
        self.over.as_deref()
    }

    /// Drops the oldest so many behind what is under way.
    fn drop_behind(&mut self, count: usize, why: String) -> Option<Dropped> {
        let last = (self.under_way + count).min(self.waiting.len());
        let places: Vec<Place> = self.waiting.drain(self.under_way..last).map(|message| message.place).collect();
        let (from, to) = (*places.first()?, *places.last()?);
        let messages = places.len() as u64;
        self.dropped += messages;
        self.unsaid += messages;
        self.gone.insert(from, to);
        self.pass_over();
        Some(Dropped { from, to, messages, why })
    }

    /// What is gone before all that waits is settled. What was not put yet may come before the rest.
    fn pass_over(&mut self) {
        let next = self.waiting.front().map(|message| message.place);
        while let Some(first) = self.gone.first_entry()
            && *first.get() <= self.put
            && next.is_none_or(|next| *first.get() < next)
        {
            self.settled = self.settled.max(first.remove());
        }
        self.maybe = self.maybe.filter(|maybe| *maybe > self.settled);
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
        (self.via, self.at_most, self.not_before, self.tries, self.over) = (via, at_most, 0, 0, None);
        if !self.sending {
            // Another form may have no room for it.
            self.saying = 0;
        }
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
            let folds = self.via == Via::Slack && left == 1 && self.maybe.is_none();
            self.under_way = if folds { self.waiting.len() } else { 1 };
            // Told again, it says the same: what is dropped meanwhile comes after it.
            let says = self.via != Via::PagerDuty || self.waiting.front().is_some_and(pagerduty::has_details);
            self.saying = if says { self.unsaid } else { 0 };
        }
        let messages: Vec<Message> = self.waiting.iter().take(self.under_way).cloned().collect();
        let again = messages.first().is_some_and(|first| self.maybe.is_some_and(|maybe| first.place <= maybe));
        self.sending = true;
        Next::Send(Parcel { messages, dropped: self.saying, again })
    }

    /// What became of the parcel under way at `now`, on both clocks; `chance` is between 0 and 1.
    pub fn came(&mut self, came: Came, now: u64, wall: Wall, chance: f64) -> Settled {
        self.sent.push_back(now);
        self.sending = false;
        let (why, after, maybe) = match came {
            Came::Again { why, after, maybe } => (why, after, maybe),
            Came::There { status } => {
                self.unsaid = self.unsaid.saturating_sub(self.saying);
                self.failing = None;
                let (from, to) = self.settle();
                return Settled::Told { from, to, status };
            }
            Came::Never { why } => {
                let messages = self.under_way as u64;
                self.refused += messages;
                self.failing = None;
                let (from, to) = self.settle();
                return Settled::Refused { from, to, messages, why };
            }
        };
        if let Some(dropped) = self.over.clone().and_then(|over| self.end(&over)) {
            return Settled::Dropped(dropped);
        }
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
        (self.under_way, self.tries, self.not_before, self.saying) = (0, 0, 0, 0);
        self.pass_over();
        (from, to)
    }
}

/// How long a span is until `until`, by the clock of `now`.
#[must_use]
pub(super) fn wait(now: u64, until: u64) -> Duration {
    Duration::from_millis(until.saturating_sub(now))
}

#[cfg(test)]
#[path = "queue_tests.rs"]
pub(crate) mod tests;
