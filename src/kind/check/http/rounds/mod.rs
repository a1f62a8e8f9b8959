//! More than one request of an `http` check: several that must all pass (`repeat`), one until it passes
//! (`until`), many at a rate until the service limits them (`burst`). All are bounded, and say how much was asked.

mod burst;
mod judge;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Expect;
use crate::base::jq::Program;
use crate::base::template::Scope;

pub(super) use burst::{routes, seen};
pub(super) use judge::{judge, report_stops};
pub(super) use table::{held, read};

/// Rounds of `repeat` at most.
pub const MOST_ROUNDS: u32 = 100;
/// Requests of a `burst` at most, and those that are held open at once.
pub const MOST_REQUESTS: u32 = 300;
pub const MOST_HELD: u32 = 32;
/// Requests a second of a `burst` at most.
pub const MOST_A_SECOND: u32 = 100;
/// `repeat`, `until` and `burst` last an hour at most.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// One attempt of several may take this long.
pub(super) const ATTEMPT: Duration = Duration::from_secs(10);

/// How often an `http` check asks.
#[derive(Debug, Clone, Default)]
pub enum Rounds {
    #[default]
    Once,
    Repeat {
        times: u32,
        /// From the start of one to the start of the next.
        every: Duration,
    },
    Until {
        within: Duration,
        every: Duration,
        /// Where one of these is true of an answer, no later one will pass: it fails at once.
        stop: Vec<Program>,
    },
    Burst(Box<Burst>),
}

/// Many requests, of which the service must limit some.
#[derive(Debug, Clone)]
pub struct Burst {
    /// Sent at most; the last of them at the latest is the first that is limited.
    pub requests: u32,
    pub a_second: u32,
    /// So many must be let through before the first is limited.
    pub free: u32,
    /// What the first limited answer must be; its status is what tells that it is one.
    pub expect: Expect,
    /// Every answer stays open until the last request: the limit is on what is open at once.
    pub hold: bool,
    /// Waited afterwards, so that what comes after is not limited too.
    pub cool_down: Duration,
}

impl Rounds {
    /// How long it lasts, without the last answer; none where it asks once.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Once => None,
            Self::Repeat { times, every } => Some(every.saturating_mul(times.saturating_sub(1))),
            Self::Until { within, .. } => Some(*within),
            Self::Burst(burst) => {
                let sending = Duration::from_secs(burst.requests.div_ceil(burst.a_second.max(1)).into());
                // A service may answer slower than it is asked.
                Some(sending.saturating_mul(2).saturating_add(burst.cool_down))
            }
        }
    }

    pub(super) fn words(&self) -> Vec<String> {
        let span = humantime::format_duration;
        match self {
            Self::Once => Vec::new(),
            Self::Repeat { times, every } => vec![format!("each of {times} times, every {}", span(*every))],
            Self::Until { within, every, stop } => {
                let mut all = vec![format!("within {}, asked every {}", span(*within), span(*every))];
                all.extend(stop.iter().map(|program| format!("given up at {}", program.text)));
                all
            }
            Self::Burst(burst) => {
                let mut all = vec![format!("{}, {} a second", burst.words(), burst.a_second)];
                let after = |line: String| format!("the limited answer: {line}");
                // The first is the status, which the line above says.
                all.extend(burst.expect.words(&Scope::default()).into_iter().skip(1).map(after));
                all
            }
        }
    }
}

impl Burst {
    /// `the first 429 at request 4 at the latest, none of the first 3`.
    fn words(&self) -> String {
        let none = match self.free {
            0 => String::new(),
            free => format!(", none of the first {free}"),
        };
        format!("the first {} at request {} at the latest{none}", self.expect.status.words(), self.requests)
    }
}
