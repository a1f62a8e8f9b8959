//! Non-overlapping buckets of samples by event time, aligned on the launch's axis: what a window is made of. They
//! hold counts, so that a day of samples stays small. Nothing here knows a threshold.

use std::collections::VecDeque;

use super::sketch::Sketch;
use crate::launch::time::Instant;

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
    /// The newest sample that told something, of those that fell off.
    before: Option<Instant>,
}

impl Ring {
    /// `window` is rounded up to whole buckets.
    pub fn new(width: i64, window: i64) -> Self {
        let width = width.max(1);
        // More than the window has: the one that fills, and some before, for a window that is asked for late.
        let kept = window.max(1).saturating_add(width - 1).div_euclid(width).saturating_add(4);
        Self { width, kept, buckets: VecDeque::new(), before: None }
    }

    /// The number of the bucket that `at` falls into.
    pub fn number(&self, at: Instant) -> i64 {
        at.0.div_euclid(self.width)
    }

    /// The bucket of an event at `at`; what is too old for any window falls off.
    pub fn at(&mut self, at: Instant) -> &mut Bucket {
        let number = self.number(at);
        let place = self.buckets.partition_point(|(known, _)| *known < number);
        if self.buckets.get(place).is_none_or(|(known, _)| *known != number) {
            self.buckets.insert(place, (number, Bucket::default()));
        }
        &mut self.buckets[place].1
    }

    /// Lets go of what no window that ends at `now` or later can hold.
    pub fn forget(&mut self, now: Instant) {
        let oldest = self.number(now).saturating_sub(self.kept - 1);
        while self.buckets.front().is_some_and(|(number, _)| *number < oldest) {
            let gone = self.buckets.pop_front();
            self.before = self.before.max(gone.and_then(|(_, bucket)| bucket.newest));
        }
    }

    /// The sum of the whole buckets of [`from`, `until`). `newest` is that of all samples before `until`, those
    /// before the window too.
    pub fn sum(&self, from: Instant, until: Instant) -> Bucket {
        let (first, end) = (self.number(from), self.number(until));
        let mut sum = Bucket::default();
        let mut newest = self.before;
        for (number, bucket) in self.buckets.iter().take_while(|(number, _)| *number < end) {
            newest = newest.max(bucket.newest);
            if *number >= first {
                sum.add(bucket);
            }
        }
        sum.newest = newest;
        sum
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }
}
