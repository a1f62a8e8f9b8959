//! One signal as one objective sees it: its samples counted against the threshold, bucket by bucket, and what a
//! window of them comes to. It knows no clock and judges nothing: how many samples are enough, and what follows from
//! too few, is `launch::objective`'s.

mod bucket;
pub(super) mod growth;
mod packed;
mod refusal;
mod sketch;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use self::bucket::{Bucket, Level, Ring};
use self::growth::{Growth, Stand};
use self::refusal::Refused;
use super::point::{Point, Taken};
use crate::launch::objective::{Measured, Number};
use crate::launch::threshold::{Of, Threshold, Unit};
use crate::launch::time::{Instant, millis};
use crate::launch::verdict::Verdict;

/// A sample may be ahead of our clock by this without being doubted: two clocks are never the same.
const AHEAD: i64 = 2_000;

/// How a series counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub that: Threshold,
    /// What the signal's numbers are numbers of.
    pub unit: Unit,
    /// Its numbers are a counter's.
    pub counter: bool,
    pub width: Duration,
    pub window: Duration,
    /// A counter that was silent for longer counts from where it is seen again.
    pub patience: Duration,
}

/// The samples of a signal, counted by [`Terms`].
#[derive(Debug, Clone)]
pub(super) struct Series {
    terms: Terms,
    ring: Ring,
    growth: Growth,
    late: u64,
    /// Buckets before this one take no more.
    settled: i64,
    /// Why the newest sample that could not be counted could not.
    refused: Option<(Instant, Refused)>,
}

/// What a window comes to on one side.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Side {
    pub measured: Measured,
    pub newest: Option<Instant>,
    pub generated: bool,
    pub late: u64,
    /// How far counters grew, in their own unit.
    pub growth: f64,
    /// Why nothing of it can be counted.
    pub refused: Option<String>,
}

impl Series {
    pub fn new(terms: Terms) -> Self {
        let ring = Ring::new(millis(terms.width), millis(terms.window));
        let growth = Growth::new(millis(terms.patience.max(terms.window)));
        Self { terms, ring, growth, late: 0, settled: i64::MIN, refused: None }
    }

    /// Takes a sample that came at `now`. One that is up to a bucket late counts in its bucket, a later one is
    /// counted as late alone (rules.md, "Objectives, soak, triggers").
    pub fn take(&mut self, point: &Point, now: Instant) {
        self.ring.forget(now);
        let open = self.ring.number(now).saturating_sub(1);
        if self.ring.number(point.at) < open {
            self.late = self.late.saturating_add(1);
            return;
        }
        let at = point.at.min(now);
        if point.at.0.saturating_sub(now.0) > AHEAD {
            // Another clock's: nobody knows when it was so.
            return self.refuse(now, Refused::Ahead);
        }
        match &point.taken {
            Taken::Look { verdict, took } => self.look(at, *verdict, *took, point.generated),
            Taken::Number { value, instance, samples } if self.terms.counter => {
                let _ = samples;
                self.counter(at, *value, instance.clone(), point.generated);
            }
            Taken::Number { value, samples, .. } => self.number(at, *value, *samples, point.generated),
            Taken::Histogram { upto, instance } => self.histogram(at, upto, instance.clone(), point.generated),
            Taken::Nothing => self.untold(at),
        }
        if open > self.settled {
            self.growth.settle(&mut self.ring, open, now);
            self.settled = open;
        }
    }

    fn untold(&mut self, at: Instant) {
        let bucket = self.ring.at(at);
        bucket.untold = bucket.untold.saturating_add(1);
    }

    fn refuse(&mut self, at: Instant, why: Refused) {
        self.untold(at);
        let bucket = self.ring.at(at);
        bucket.refused = bucket.refused.max(Some(at));
        let why = (at, why);
        if self.refused.as_ref().is_none_or(|known| *known <= why) {
            self.refused = Some(why);
        }
    }

    /// rules.md: refused, reset, or no answer in time is a failure; what could not be told is neither.
    fn look(&mut self, at: Instant, verdict: Verdict, took: Duration, generated: bool) {
        let failed = match verdict {
            Verdict::Fail => true,
            Verdict::Pass | Verdict::Warn => false,
            Verdict::Unknown | Verdict::Stale => return self.untold(at),
            Verdict::Skipped => return,
        };
        let latency = match self.terms.that.of {
            Of::ErrorRate | Of::Up => false,
            Of::Percentile(_) | Of::Max => true,
            Of::Value | Of::Rate | Of::Change => return self.refuse(at, Refused::LookIsNoNumber),
        };
        // Nothing takes no time: it was not measured. And a refusal that comes fast is no fast answer.
        if latency && !failed && took.is_zero() {
            return self.untold(at);
        }
        let against = self.terms.that.is_against(failed, (!failed).then_some(took));
        let bucket = self.ring.at(at);
        bucket.of = bucket.of.saturating_add(1);
        bucket.against = bucket.against.saturating_add(u64::from(against));
        bucket.generated |= generated;
        bucket.see(at);
        if latency && !took.is_zero() {
            bucket.sketch.get_or_insert_default().add(took.as_secs_f64());
        }
    }

    fn number(&mut self, at: Instant, value: f64, samples: Option<u64>, generated: bool) {
        if !value.is_finite() {
            return self.untold(at);
        }
        let (that, unit) = (&self.terms.that, self.terms.unit);
        let bucket = match that.of {
            Of::ErrorRate | Of::Up => return self.refuse(at, Refused::NumberIsNoOutcome),
            Of::Rate | Of::Change => return self.refuse(at, Refused::LevelDoesNotGrow),
            Of::Value => {
                let bucket = self.ring.at(at);
                bucket.stand(Level { at, value, samples });
                bucket
            }
            // Each is a sample for itself.
            Of::Percentile(_) | Of::Max => {
                let against = that.is_number_against(value, unit);
                let bucket = self.ring.at(at);
                bucket.against = bucket.against.saturating_add(u64::from(against));
                bucket.sketch.get_or_insert_default().add(value);
                bucket
            }
        };
        bucket.of = bucket.of.saturating_add(1);
        bucket.generated |= generated;
        bucket.see(at);
    }

    fn counter(&mut self, at: Instant, value: f64, instance: Option<Arc<str>>, generated: bool) {
        if !value.is_finite() || value < 0.0 {
            return self.untold(at);
        }
        // The share of one counter in another is counted too, and said as a rate of errors.
        if matches!(self.terms.that.of, Of::Percentile(_) | Of::Max) {
            return self.refuse(at, Refused::CounterIsNoLatency);
        }
        let stand = Stand { at, total: value, good: 0.0, generated };
        if !self.growth.take(instance, stand, false) {
            self.refuse(at, Refused::TooMany);
        }
    }

    fn histogram(&mut self, at: Instant, upto: &[(f64, f64)], instance: Option<Arc<str>>, generated: bool) {
        let counted = refusal::counted(&self.terms.that, self.terms.unit, upto);
        match counted {
            Ok((total, good)) => {
                let stand = Stand { at, total, good, generated };
                if !self.growth.take(instance, stand, true) {
                    self.refuse(at, Refused::TooMany);
                }
            }
            Err(Refused::Nothing) => self.untold(at),
            Err(why) => self.refuse(at, why),
        }
    }

    /// What the whole buckets of the window that ends at `at` come to.
    pub fn measure(&self, at: Instant) -> Side {
        let from = Instant(at.0.saturating_sub(millis(self.terms.window)));
        let mut sum = self.ring.sum(from, at);
        self.growth.open(from, at, &mut sum);
        let refused = sum.refused.filter(|refused| sum.newest.is_none_or(|newest| newest < from || *refused >= newest));
        let refused = refused.and(self.refused.as_ref()).map(|(_, why)| why.words(&self.terms.that));
        Side {
            measured: self.measured(&sum),
            newest: sum.newest,
            generated: sum.generated,
            late: self.late,
            growth: sum.growth,
            refused,
        }
    }

    fn measured(&self, sum: &Bucket) -> Measured {
        let mut of = sum.of;
        let mut value = None;
        if let Some(level) = sum.level {
            of = level.samples.unwrap_or(of);
            value = Number::new(level.value);
        } else if self.terms.counter && sum.of > 0 {
            value = Number::new(sum.growth);
        }
        let part = match self.terms.that.of {
            Of::Percentile(part) => Some(part),
            Of::Max => Some(100_000),
            Of::Value | Of::ErrorRate | Of::Up | Of::Rate | Of::Change => None,
        };
        let shown = part.zip(sum.sketch.as_ref()).and_then(|(part, sketch)| sketch.percentile(part));
        let (against, untold, resets) = (sum.against, sum.untold, sum.resets);
        Measured { of, against, untold, value, shown: shown.and_then(Number::new), resets }
    }

    /// What came too late is counted elsewhere from here on.
    pub fn late_elsewhere(&mut self) {
        self.late = 0;
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}
