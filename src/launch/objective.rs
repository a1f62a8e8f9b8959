//! What an objective comes to, from counts alone: exact, with missing data never taken for health. Counts are
//! measured by `watch` and journaled; the verdict is a pure function of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::ObjectiveId;
use super::time::Instant;
use super::verdict::Verdict;

mod judge;

pub use judge::{judge, sure};

/// Evaluations that were made at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub at: Instant,
    pub counts: BTreeMap<ObjectiveId, Counts>,
}

/// What the window of an objective held when it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub seen: Measured,
    /// The other side, where there is one.
    pub beside: Option<Measured>,
    /// The event time of the newest sample that tells something; the older one of two sides.
    pub newest: Option<Instant>,
    /// How much of the window was watched.
    pub known: Span,
    /// Samples that came later than their bucket may wait, since the launch began.
    pub late: u64,
    /// Some of the samples were made up by a rehearsal.
    pub generated: bool,
    /// Why the samples cannot be counted by the threshold, where they cannot: it is unknown, however many came.
    pub refused: Option<String>,
    /// Who of several told nothing for longer than `stale_after`, where one did: what the others say is no health then.
    pub silent: Option<String>,
}

/// One side of it. Where there is none beside, or it is another side of the same kind (`minus`, `against`):
///
/// - of looks, and of numbers and histograms that are counted (`p95 <= 1.5s`), `against` of `of` count against it;
/// - of a level `value` is the newest number, and `of` how many samples it is made of, or else how many numbers came;
/// - of a counter `value` is its growth in the window, and `of` how many steps of it were seen.
///
/// With `per` both sides are counters: their growths are the two `value`s, and `against` of `of` of the first side
/// is the same in whole numbers, so many of the one for so many of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// Samples that tell something.
    pub of: u64,
    /// Those of them that count against the threshold.
    pub against: u64,
    /// Samples that tell nothing: neither health nor failure.
    pub untold: u64,
    /// The number that is compared where samples are not counted: the newest of a level, the growth of a
    /// counter. In the signal's unit.
    pub value: Option<Number>,
    /// A percentile for people, where samples are latencies: of a sketch, never compared. In the signal's unit;
    /// of looks in seconds.
    pub shown: Option<Number>,
    /// Processes of a counter that began anew in the window.
    pub resets: u64,
}

/// Whole milliseconds of a span, as they are journaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub u64);

/// A finite number; equal where its bits are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(f64);

/// Where an objective stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectiveState {
    /// Pass, fail (breached), unknown or stale.
    pub verdict: Verdict,
    /// Since when that is its verdict.
    pub since: Instant,
    /// Since when it is unknown or stale, one or the other.
    pub untold: Option<Instant>,
    /// Why, in a few words: `6.1% of 240`.
    pub why: String,
    pub counts: Counts,
    pub evaluated_at: Instant,
}

impl Number {
    /// None of what is no finite number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl From<Duration> for Span {
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0)
    }
}
