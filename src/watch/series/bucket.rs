//! Non-overlapping buckets of samples by event time, aligned on the launch's axis: what a window is made of. They
//! hold counts, so that a day of samples stays small. Nothing here knows a threshold.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::packed::Packed;
use super::sketch::Sketch;
use crate::launch::time::Instant;

/// So many buckets are summed once: a window of a day is a hundred sums and not nine thousand.
const SPAN: i64 = 64;

/// What the samples of one bucket come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    /// Those of no span, by their number, ascending; one that saw nothing is not there.
    buckets: VecDeque<(i64, Bucket)>,
    /// Whole spans of [`SPAN`] buckets, by their number; all of them before `unsummed`.
    spans: BTreeMap<i64, Span>,
    /// The first span that was not summed yet.
    unsummed: Option<i64>,
    /// The newest sample that told something, of those that fell off.
    before: Option<Instant>,
}

/// What no sample is expected for any more.
#[derive(Debug, Clone)]
struct Span {
    sum: Bucket,
    buckets: Packed,
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
        self.open(number.div_euclid(SPAN));
        let place = self.place(number);
        if self.buckets.get(place).is_none_or(|(known, _)| *known != number) {
            self.buckets.insert(place, (number, Bucket::default()));
        }
        &mut self.buckets[place].1
    }

    /// Where the bucket of this number is, or would be.
    fn place(&self, number: i64) -> usize {
        self.buckets.partition_point(|(known, _)| *known < number)
    }

    /// Unpacks this span and every later one: one of them takes a sample all the same.
    fn open(&mut self, span: i64) {
        if self.unsummed.is_none_or(|unsummed| unsummed <= span) {
            return;
        }
        let mut opened: VecDeque<_> =
            self.spans.split_off(&span).into_values().flat_map(|span| span.buckets.all()).collect();
        opened.append(&mut self.buckets);
        self.buckets = opened;
        self.unsummed = Some(span);
    }

    /// Lets go of what no window that ends at `now` or later can hold, and sums what is full.
    pub fn forget(&mut self, now: Instant) {
        let oldest = self.number(now).saturating_sub(self.kept - 1);
        let whole = oldest.div_euclid(SPAN);
        while let Some(gone) = self.spans.first_entry().filter(|span| *span.key() < whole) {
            self.before = self.before.max(gone.remove().sum.newest);
        }
        while self.buckets.front().is_some_and(|(number, _)| *number < oldest) {
            let gone = self.buckets.pop_front();
            self.before = self.before.max(gone.and_then(|(_, bucket)| bucket.newest));
        }
        // The one that fills and the one before may still take a sample.
        let full = self.number(now).saturating_sub(1).div_euclid(SPAN);
        while let Some(next) =
            self.buckets.front().map(|(number, _)| number.div_euclid(SPAN)).filter(|next| *next < full)
        {
            let count = self.place(next.saturating_add(1).saturating_mul(SPAN));
            let buckets: Vec<(i64, Bucket)> = self.buckets.drain(..count).collect();
            let sum = total(buckets.iter());
            self.spans.insert(next, Span { sum, buckets: Packed::new(buckets) });
        }
        self.unsummed = self.unsummed.max(Some(full));
    }

    /// The sum of the whole buckets of [`from`, `until`). `newest` is that of all samples before `until`, those
    /// before the window too. Whole spans are added as sums whether they are packed or not: fractions that grow come
    /// out the same.
    pub fn sum(&self, from: Instant, until: Instant) -> Bucket {
        let window = self.number(from)..self.number(until);
        let (mut all, mut earlier) = (Bucket::default(), self.before);
        for (number, span) in &self.spans {
            if is_whole(*number, &window) {
                all.add(&span.sum);
            } else if is_cut(*number, &window) {
                add(span.buckets.all().iter(), &window, &mut all, &mut earlier);
            } else if *number < window.start.div_euclid(SPAN) {
                earlier = earlier.max(span.sum.newest);
            }
        }
        let open: Vec<&(i64, Bucket)> = self.buckets.iter().collect();
        for span in open.chunk_by(|one, other| one.0.div_euclid(SPAN) == other.0.div_euclid(SPAN)) {
            let buckets = span.iter().copied();
            if span.first().is_some_and(|(number, _)| is_whole(number.div_euclid(SPAN), &window)) {
                all.add(&total(buckets));
            } else {
                add(buckets, &window, &mut all, &mut earlier);
            }
        }
        all.newest = all.newest.or(earlier);
        all
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.buckets.len() + self.spans.values().map(|span| span.buckets.all().len()).sum::<usize>()
    }

    /// Of what is packed.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.spans.values().map(|span| span.buckets.bytes()).sum()
    }
}

/// Whether the window has all buckets of this span.
fn is_whole(span: i64, window: &Range<i64>) -> bool {
    window.start <= span.saturating_mul(SPAN) && span.saturating_add(1).saturating_mul(SPAN) <= window.end
}

/// Whether the window begins or ends within this span.
fn is_cut(span: i64, window: &Range<i64>) -> bool {
    let within = |edge: i64| edge.rem_euclid(SPAN) != 0 && edge.div_euclid(SPAN) == span;
    within(window.start) || within(window.end)
}

fn total<'buckets>(buckets: impl Iterator<Item = &'buckets (i64, Bucket)>) -> Bucket {
    let mut total = Bucket::default();
    buckets.for_each(|(_, bucket)| total.add(bucket));
    total
}

/// Adds those of the window up one by one; of those before it, what is newest is `earlier`.
fn add<'buckets>(
    buckets: impl Iterator<Item = &'buckets (i64, Bucket)>,
    window: &Range<i64>,
    sum: &mut Bucket,
    earlier: &mut Option<Instant>,
) {
    for (number, bucket) in buckets {
        if window.contains(number) {
            sum.add(bucket);
        } else if *number < window.start {
            *earlier = (*earlier).max(bucket.newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_of_spans_are_the_sums_of_their_buckets(
            // Most come as they should, some long after their span was packed.
            came in prop::collection::vec((0_i64..4_000, prop_oneof![9 => 0_i64..3, 1 => 0_i64..300], any::<bool>()), 1..300),
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
