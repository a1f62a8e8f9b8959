//! Non-overlapping buckets of samples by event time, aligned on the launch's axis: what a window is made of. They
//! hold counts, so that a day of samples stays small. Nothing here knows a threshold.

use std::collections::{BTreeMap, VecDeque};

use super::sketch::Sketch;
use crate::launch::time::Instant;

/// So many buckets are summed once: a window of a day is a hundred sums and not nine thousand.
const SPAN: i64 = 64;

/// What the samples of one bucket come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bucket {
    /// Samples that tell something, and those of them against the threshold.
    pub of: u64,
    pub against: u64,
    /// Samples that tell nothing.
    pub untold: u64,
    /// The event time of the newest that tells something.
    pub newest: Option<Instant>,
    /// The newest number of a level.
    pub level: Option<Level>,
    /// How far counters grew: all samples of a histogram, or the counter itself.
    pub growth: f64,
    pub resets: u64,
    pub generated: bool,
    /// The event time of the newest sample that the threshold cannot be counted by.
    pub refused: Option<Instant>,
    pub sketch: Option<Box<Sketch>>,
}

/// A number as it stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub at: Instant,
    pub value: f64,
    /// How many samples it is made of, where its source says so.
    pub samples: Option<u64>,
}

impl Level {
    /// The newer of two. Which of two at one instant counts does not hang on which came first.
    fn newer(self, other: Self) -> Self {
        let order = self.at.cmp(&other.at).then_with(|| self.value.total_cmp(&other.value));
        if order.then(self.samples.cmp(&other.samples)).is_ge() { self } else { other }
    }
}

impl Bucket {
    pub fn see(&mut self, at: Instant) {
        self.newest = self.newest.max(Some(at));
    }

    pub fn stand(&mut self, level: Level) {
        self.level = Some(self.level.map_or(level, |known| known.newer(level)));
    }

    /// Takes the counts of another in.
    pub fn add(&mut self, other: &Self) {
        self.of = self.of.saturating_add(other.of);
        self.against = self.against.saturating_add(other.against);
        self.untold = self.untold.saturating_add(other.untold);
        self.newest = self.newest.max(other.newest);
        if let Some(level) = other.level {
            self.stand(level);
        }
        self.growth += other.growth;
        self.resets = self.resets.saturating_add(other.resets);
        self.generated |= other.generated;
        self.refused = self.refused.max(other.refused);
        if let Some(sketch) = &other.sketch {
            self.sketch.get_or_insert_default().merge(sketch);
        }
    }
}

/// The buckets of the longest window that is asked for, and those that may still take a sample.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    /// Milliseconds of one.
    width: i64,
    /// How many are kept.
    kept: i64,
    /// By their number, ascending; one that saw nothing is not there.
    buckets: VecDeque<(i64, Bucket)>,
    /// The sums of whole spans of [`SPAN`] buckets, by their number, of which none changed since.
    spans: BTreeMap<i64, Bucket>,
    /// The first span that was not summed yet.
    unsummed: Option<i64>,
    /// The newest sample that told something, of those that fell off.
    before: Option<Instant>,
}

impl Ring {
    /// `window` is rounded up to whole buckets.
    pub fn new(width: i64, window: i64) -> Self {
        let width = width.max(1);
        // More than the window has: the one that fills, and some before, for a window that is asked for late.
        let kept = window.max(1).saturating_add(width - 1).div_euclid(width).saturating_add(4);
        Self { width, kept, buckets: VecDeque::new(), spans: BTreeMap::new(), unsummed: None, before: None }
    }

    /// The number of the bucket that `at` falls into.
    pub fn number(&self, at: Instant) -> i64 {
        at.0.div_euclid(self.width)
    }

    /// The bucket of an event at `at`; what is too old for any window falls off.
    pub fn at(&mut self, at: Instant) -> &mut Bucket {
        let number = self.number(at);
        let place = self.place(number);
        self.spans.remove(&number.div_euclid(SPAN));
        if self.buckets.get(place).is_none_or(|(known, _)| *known != number) {
            self.buckets.insert(place, (number, Bucket::default()));
        }
        &mut self.buckets[place].1
    }

    /// Where the bucket of this number is, or would be.
    fn place(&self, number: i64) -> usize {
        self.buckets.partition_point(|(known, _)| *known < number)
    }

    /// Lets go of what no window that ends at `now` or later can hold, and sums what is full.
    pub fn forget(&mut self, now: Instant) {
        let oldest = self.number(now).saturating_sub(self.kept - 1);
        while self.buckets.front().is_some_and(|(number, _)| *number < oldest) {
            let gone = self.buckets.pop_front();
            self.before = self.before.max(gone.and_then(|(_, bucket)| bucket.newest));
        }
        let whole = oldest.saturating_add(SPAN - 1).div_euclid(SPAN);
        while self.spans.first_key_value().is_some_and(|(span, _)| *span < whole) {
            self.spans.pop_first();
        }
        // The one that fills and the one before may still take a sample.
        let full = self.number(now).saturating_sub(1).div_euclid(SPAN);
        let mut next = self.unsummed.unwrap_or(whole).max(whole);
        while next < full {
            let sum = self.span(next);
            self.spans.insert(next, sum);
            next += 1;
        }
        self.unsummed = Some(next);
    }

    /// The sum of a whole span.
    fn span(&self, span: i64) -> Bucket {
        let first = span.saturating_mul(SPAN);
        let mut sum = Bucket::default();
        self.add(first, first.saturating_add(SPAN), &mut sum);
        sum
    }

    /// Adds the buckets of [`first`, `end`) up, one by one.
    fn add(&self, first: i64, end: i64, sum: &mut Bucket) {
        let found = self.buckets.range(self.place(first)..);
        for (_, bucket) in found.take_while(|(number, _)| *number < end) {
            sum.add(bucket);
        }
    }

    /// The sum of the whole buckets of [`from`, `until`). `newest` is that of all samples before `until`, those
    /// before the window too. Whole spans are added as sums whether they are kept or not: fractions that grow come
    /// out the same.
    pub fn sum(&self, from: Instant, until: Instant) -> Bucket {
        let (first, end) = (self.number(from), self.number(until));
        let mut sum = Bucket::default();
        let oldest = self.buckets.front().map_or(end, |(number, _)| *number).max(first);
        let whole = oldest.saturating_add(SPAN - 1).div_euclid(SPAN);
        let spans = whole..end.div_euclid(SPAN).max(whole);
        let upto = spans.start.saturating_mul(SPAN).min(end);
        self.add(first, upto, &mut sum);
        for span in spans.clone() {
            match self.spans.get(&span) {
                Some(kept) => sum.add(kept),
                None => sum.add(&self.span(span)),
            }
        }
        self.add(spans.end.saturating_mul(SPAN).max(upto), end, &mut sum);
        // In the order of their numbers: the last that tells something has the newest.
        let earlier = || self.buckets.range(..self.place(first)).rev().find_map(|(_, bucket)| bucket.newest);
        sum.newest = sum.newest.or_else(earlier).or(self.before);
        sum
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_of_spans_are_the_sums_of_their_buckets(
            came in prop::collection::vec((0_i64..4_000, 0_i64..3, any::<bool>()), 1..300),
            window in 1_i64..3_000,
        ) {
            let mut ring = Ring::new(10, window);
            let mut all: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
            let (mut now, mut newest) = (0, None);
            for (ahead, late, against) in came {
                now += ahead / 10;
                ring.forget(Instant(now));
                let at = Instant((now - late * 10).max(0));
                let bucket = ring.at(at);
                bucket.see(at);
                bucket.of += 1;
                bucket.against += u64::from(against);
                let told = all.entry(at.0.div_euclid(10)).or_default();
                *told = (told.0 + 1, told.1 + u64::from(against));
                newest = newest.max(Some(at)).filter(|at| at.0.div_euclid(10) < (now + 10).div_euclid(10));
                let until = Instant(now + 10);
                let from = Instant(until.0 - window);
                let sum = ring.sum(from, until);
                let within = all.range(from.0.div_euclid(10)..until.0.div_euclid(10));
                let told = within.fold((0, 0), |(of, against), (_, one)| (of + one.0, against + one.1));
                prop_assert_eq!((sum.of, sum.against, sum.newest), (told.0, told.1, newest));
            }
        }
    }
}
