//! How far counters grew, each process for itself: one that began anew counts from zero, one that is gone takes
//! nothing away, one that is new counts from where it was first seen. An increase belongs to the bucket of its
//! later end, so that buckets add up to what grew, once.

use std::collections::HashMap;
use std::sync::Arc;

use super::bucket::{Bucket, Ring};
use crate::launch::time::Instant;

/// More processes than this are not told apart.
const INSTANCES: usize = 4_096;

/// Where a counter stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stand {
    pub at: Instant,
    /// The counter, or all samples of a histogram.
    pub total: f64,
    /// Of a histogram: those that are not against the threshold.
    pub good: f64,
    pub generated: bool,
}

/// What grew between two stands.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Step {
    total: f64,
    good: f64,
    resets: u64,
}

#[derive(Debug, Clone, Default)]
struct Instance {
    /// The last stand of a bucket that takes no more.
    last: Option<Stand>,
    /// Those after it, by time: one that comes late may still go between two.
    open: Vec<Stand>,
}

#[derive(Debug, Clone)]
pub(super) struct Growth {
    instances: HashMap<Option<Arc<str>>, Instance>,
    /// A counter that was not seen for longer, in milliseconds, counts from where it is seen again: nobody knows
    /// when it grew.
    patience: i64,
    /// Samples of a histogram are counted, steps of a counter are.
    histogram: bool,
}

impl Growth {
    pub fn new(patience: i64) -> Self {
        Self { instances: HashMap::new(), patience, histogram: false }
    }

    /// False where there are too many processes to tell them apart.
    pub fn take(&mut self, instance: Option<Arc<str>>, stand: Stand, histogram: bool) -> bool {
        if self.instances.len() >= INSTANCES && !self.instances.contains_key(&instance) {
            return false;
        }
        self.histogram |= histogram;
        let open = &mut self.instances.entry(instance).or_default().open;
        let place = open.partition_point(|known| known.at < stand.at);
        match open.get_mut(place).filter(|known| known.at == stand.at) {
            // Which of two at one instant counts does not hang on which came first.
            Some(known) => {
                if (stand.total, stand.good) > (known.total, known.good) {
                    *known = stand;
                }
            }
            None => open.insert(place, stand),
        }
        true
    }

    /// What lies in buckets before `open` is counted for good, and those long gone are forgotten.
    pub fn settle(&mut self, ring: &mut Ring, open: i64, now: Instant) {
        let (patience, histogram) = (self.patience, self.histogram);
        self.instances.retain(|_, instance| {
            let closed = instance.open.iter().take_while(|stand| ring.number(stand.at) < open).count();
            for stand in instance.open.drain(..closed) {
                count(instance.last, &stand, patience, histogram, ring.at(stand.at));
                instance.last = Some(stand);
            }
            let newest = instance.open.last().or(instance.last.as_ref());
            // No shorter than patience and the lateness of a sample together: whoever is forgotten counts anew.
            newest.is_some_and(|stand| now.0.saturating_sub(stand.at.0) <= patience.saturating_mul(3))
        });
    }

    /// Counts in what is not yet counted for good, of [`from`, `until`).
    pub fn open(&self, from: Instant, until: Instant, sum: &mut Bucket) {
        for instance in self.instances.values() {
            let mut before = instance.last;
            for stand in instance.open.iter().take_while(|stand| stand.at < until) {
                let mut bucket = Bucket::default();
                count(before, stand, self.patience, self.histogram, &mut bucket);
                sum.newest = sum.newest.max(bucket.newest);
                if stand.at >= from {
                    sum.add(&bucket);
                }
                before = Some(*stand);
            }
        }
    }
}

fn count(before: Option<Stand>, stand: &Stand, patience: i64, histogram: bool, into: &mut Bucket) {
    let before = before.filter(|before| stand.at.0.saturating_sub(before.at.0) <= patience);
    into.generated |= stand.generated;
    let Some(before) = before else { return };
    let step = step(&before, stand);
    into.see(stand.at);
    into.resets = into.resets.saturating_add(step.resets);
    into.growth += step.total;
    if histogram {
        into.of = into.of.saturating_add(whole(step.total));
        into.against = into.against.saturating_add(whole(step.total - step.good));
    } else {
        into.of = into.of.saturating_add(1);
    }
}

fn step(before: &Stand, stand: &Stand) -> Step {
    if stand.total < before.total || stand.good < before.good {
        // It began anew: what it stands at, it has grown since.
        return Step { total: stand.total, good: stand.good, resets: 1 };
    }
    Step { total: stand.total - before.total, good: stand.good - before.good, resets: 0 }
}

/// A count that came as a float.
pub(in crate::watch) fn whole(count: f64) -> u64 {
    count.round().max(0.0) as u64
}

#[cfg(test)]
impl Growth {
    pub fn len(&self) -> usize {
        self.instances.len()
    }
}
