//! Where a number stands at an instant: pure, of what the plan shows and what was on when. Counters are what grew up
//! to there, so that an instant has one number, whoever asks and however often.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::source::{Grows, Leaning, Shape, Shows, Source};
use crate::kind::check::signal::asked::{Sample, What};
use crate::launch::id::SignalId;
use crate::launch::threshold::Dimension;
use crate::launch::time::Instant;
use crate::rehearsal::fault::{Fault, Injection};
use crate::rehearsal::switchboard::Episode;

/// The state of the world from an instant on.
pub type State = (Instant, Arc<BTreeMap<String, Value>>);

/// All that numbers follow from.
pub struct Course<'a> {
    pub sources: &'a BTreeMap<SignalId, Source>,
    pub episodes: &'a [Episode],
    /// Ascending.
    pub states: &'a [State],
    /// When counters began; those of a launch that is gone on with began at nothing.
    pub begun: Instant,
    pub anew: bool,
    pub settled: &'a Settled,
}

/// Where counters stood at an instant: what was before it need not be known any more.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub at: Instant,
    /// Of each source by its owner, of each of its samples, of each of its buckets.
    known: BTreeMap<String, Vec<Vec<f64>>>,
}

impl Course<'_> {
    /// What `source` shows at `at`, its faults in it; none where its examples say nothing of the present state.
    pub fn samples(&self, source: &Source, at: Instant) -> Option<Vec<Sample>> {
        let shows = self.shown(source, at)?;
        let mut samples = shows.samples.clone();
        let count = samples.len().max(source.instances.len()).max(1) as f64;
        for (nth, sample) in samples.iter_mut().enumerate() {
            let start = source.shows.first().and_then(|first| first.samples.get(nth)).map(|first| &first.what);
            sample.what = match (&source.shape, start) {
                (Shape::Level, _) => What::Number(self.level(source, nth, at)?),
                (_, Some(start)) => {
                    let counts = self.counts(source, nth, count, at)?;
                    match start {
                        What::Number(_) => What::Number(counts.first()?.floor()),
                        What::Buckets(start) => {
                            let upto = start.iter().zip(counts);
                            What::Buckets(upto.map(|((bound, _), count)| (*bound, count.floor())).collect())
                        }
                    }
                }
                (_, None) => return None,
            };
            sample.age += self.behind(source, at);
        }
        if let ([one], false) = (samples.as_slice(), source.instances.is_empty()) {
            let named = |name: &Option<Arc<str>>| Sample { instance: name.clone(), ..one.clone() };
            samples = source.instances.iter().map(named).collect();
        }
        Some(samples)
    }

    /// What is on at `at` for `owner`.
    pub fn on<'s>(&'s self, owner: &'s str, at: Instant) -> impl Iterator<Item = &'s Injection> {
        let then = move |one: &&Episode| one.from <= at && one.until.is_none_or(|until| at < until);
        self.episodes.iter().filter(then).map(|one| &one.what).filter(move |what| what.concerns(owner))
    }

    pub fn has<'s>(&'s self, owner: &'s str, fault: Fault, at: Instant) -> Option<&'s Injection> {
        self.on(owner, at).find(|what| what.fault == fault)
    }

    /// How far the clock behind its numbers lies behind ours.
    pub fn behind(&self, source: &Source, at: Instant) -> std::time::Duration {
        let skew = self.has(&source.owner, Fault::ClockSkew, at).map_or(0, Injection::millis);
        let behind = if source.dated { u64::try_from(-skew).unwrap_or(0) } else { 0 };
        std::time::Duration::from_millis(behind)
    }

    fn state(&self, at: Instant) -> usize {
        self.states.partition_point(|(from, _)| *from <= at).saturating_sub(1)
    }

    fn fitting<'s>(&self, source: &'s Source, state: usize) -> Option<&'s Shows> {
        let empty = BTreeMap::new();
        let state = self.states.get(state).map_or(&empty, |(_, state)| &**state);
        let fits = |shows: &&Shows| shows.when.iter().all(|(name, value)| state.get(name) == Some(value));
        source.shows.iter().rev().filter(fits).max_by_key(|shows| shows.when.len())
    }

    fn shown<'s>(&self, source: &'s Source, at: Instant) -> Option<&'s Shows> {
        self.fitting(source, self.state(at))
    }

    /// What the examples say of the `nth` number at `at`; of users that stayed where they were, as before.
    fn example(&self, source: &Source, nth: usize, at: Instant) -> Option<f64> {
        let number = |shows: &Shows| match shows.samples.get(nth).map(|sample| &sample.what) {
            Some(What::Number(number)) => Some(*number),
            Some(What::Buckets(upto)) => upto.last().map(|(_, count)| *count),
            None => None,
        };
        let state = self.state(at);
        let now = number(self.fitting(source, state)?)?;
        let Some(sticky) = self.has(&source.owner, Fault::StickyUsers, at) else { return Some(now) };
        let before = (0..state).rev().filter_map(|state| number(self.fitting(source, state)?));
        let before = before.into_iter().find(|before| before.to_bits() != now.to_bits()).unwrap_or(now);
        Some(now + (before - now) * f64::from(sticky.percent()) / 100.0)
    }

    fn level(&self, source: &Source, nth: usize, at: Instant) -> Option<f64> {
        let mut level = self.example(source, nth, at)?;
        let per = source.unit.in_base();
        if let Some(latency) = self.has(&source.owner, Fault::Latency, at)
            && source.unit.dimension == Dimension::Time
        {
            level += latency.millis() as f64 / 1_000.0 / per;
        }
        if let (Some(errors), Some(leaning)) = (self.has(&source.owner, Fault::Errors, at), source.leaning) {
            let share = f64::from(errors.percent()) / 100.0;
            level = match source.unit.dimension {
                Dimension::Share => moved(level * per, share, leaning.above) / per,
                // Of what is no share only whoever asked for it can mean that it goes wrong.
                _ if errors.only.is_some() => beyond(leaning, share),
                _ => level,
            };
        }
        Some(level)
    }

    /// How fast a counter grows at `at`, all its processes together, each second.
    fn rate(&self, source: &Source, at: Instant) -> f64 {
        let Shape::Counter(grows) = &source.shape else { return 0.0 };
        let errors = self.has(&source.owner, Fault::Errors, at);
        let rate = match grows {
            Grows::Each(rate) => match (errors.filter(|errors| errors.only.is_some()), source.leaning) {
                (Some(errors), Some(leaning)) => beyond(leaning, f64::from(errors.percent()) / 100.0),
                _ => *rate,
            },
            Grows::Of(other, share) => {
                let above = source.leaning.is_none_or(|leaning| leaning.above);
                let errors = errors.map(|errors| f64::from(errors.percent()) / 100.0);
                let share = errors.map_or(*share, |errors| moved(*share, errors, above));
                // One that is a share of itself, or of what is not known, stands still.
                let other =
                    self.sources.get(other).filter(|other| !matches!(&other.shape, Shape::Counter(Grows::Of(..))));
                share * other.map_or(0.0, |other| self.rate(other, at))
            }
        };
        rate * self.busy(source, at)
    }

    /// How busy a state is beside the first: an example of 0 is a counter that stands still.
    fn busy(&self, source: &Source, at: Instant) -> f64 {
        let first = source.shows.first().and_then(|shows| match shows.samples.first().map(|sample| &sample.what) {
            Some(What::Number(number)) => Some(*number),
            Some(What::Buckets(upto)) => upto.last().map(|(_, count)| *count),
            None => None,
        });
        match (first.filter(|first| *first > 0.0), self.example(source, 0, at)) {
            (Some(first), Some(now)) => (now / first).max(0.0),
            _ => 1.0,
        }
    }

    /// When its processes were started: at their last reset, or with the launch.
    fn started(&self, source: &Source, at: Instant) -> Option<Instant> {
        let resets = self.episodes.iter().filter(|one| one.what.fault == Fault::CounterReset && one.from <= at);
        resets.filter(|one| one.what.concerns(&source.owner) && one.from >= self.begun).map(|one| one.from).max()
    }

    /// Where its counters stand at `at`.
    pub fn settled_at(&self, at: Instant) -> Settled {
        let all = |source: &Source| {
            let samples = source.shows.first().map_or(0, |shows| shows.samples.len());
            let count = samples.max(source.instances.len()).max(1) as f64;
            (0..samples).map(|nth| self.counts(source, nth, count, at).unwrap_or_default()).collect()
        };
        Settled { at, known: self.sources.values().map(|source| (source.owner.clone(), all(source))).collect() }
    }

    /// Where the counters of its `nth` sample stand, of `count` that share what grows: one, or one of each bucket.
    fn counts(&self, source: &Source, nth: usize, count: f64, at: Instant) -> Option<Vec<f64>> {
        let start = source.shows.first().and_then(|first| first.samples.get(nth)).map(|first| &first.what);
        match (&source.shape, start) {
            (Shape::Counter(_), Some(What::Number(start))) => {
                let rate = |at| self.rate(source, at) / count;
                Some(vec![self.counted(source, (nth, 0), *start, at, &rate)])
            }
            (Shape::Histogram(each), Some(What::Buckets(start))) => {
                Some(self.histogram(source, nth, start, *each / count, at))
            }
            _ => None,
        }
    }

    fn counted(
        &self,
        source: &Source,
        (nth, bucket): (usize, usize),
        start: f64,
        at: Instant,
        rate: &dyn Fn(Instant) -> f64,
    ) -> f64 {
        let settled = self.settled.known.get(&source.owner).and_then(|known| known.get(nth)?.get(bucket).copied());
        match (self.started(source, at), settled) {
            (Some(reset), None) => self.grown(reset, at, rate),
            (Some(reset), _) if reset >= self.settled.at => self.grown(reset, at, rate),
            (_, Some(settled)) => settled + self.grown(self.settled.at, at, rate),
            (None, None) if self.anew => self.grown(self.begun, at, rate),
            (None, None) => start + self.grown(self.begun, at, rate),
        }
    }

    /// What grew from one instant to another: nothing changes between two of the cuts.
    fn grown(&self, from: Instant, until: Instant, rate: &dyn Fn(Instant) -> f64) -> f64 {
        let mut cuts: Vec<Instant> =
            self.episodes.iter().flat_map(|one| std::iter::once(one.from).chain(one.until)).collect();
        cuts.extend(self.states.iter().map(|(from, _)| *from));
        cuts.retain(|cut| *cut > from && *cut < until);
        cuts.push(until);
        cuts.sort_unstable();
        let mut begins = from;
        let mut grown = 0.0;
        for ends in cuts {
            grown += rate(begins) * ends.since(begins).as_secs_f64();
            begins = ends;
        }
        grown
    }

    fn histogram(&self, source: &Source, nth: usize, start: &[(f64, f64)], each: f64, at: Instant) -> Vec<f64> {
        let per = source.unit.in_base();
        let total = start.last().map_or(0.0, |(_, count)| *count);
        let upto = start.iter().enumerate().map(|(bucket, (bound, count))| {
            let rate = |at: Instant| {
                let late = match self.has(&source.owner, Fault::Latency, at) {
                    Some(latency) if source.unit.dimension == Dimension::Time => {
                        latency.millis() as f64 / 1_000.0 / per
                    }
                    _ => 0.0,
                };
                each * self.busy(source, at) * share_upto(start, total, *bound, late)
            };
            self.counted(source, (nth, bucket), *count, at, &rate)
        });
        upto.collect()
    }
}

/// Of all that a histogram counted, how much is at most `bound` where each came `late` later. Every sample stands
/// at the upper end of its bucket; what is beyond the last stays there.
fn share_upto(start: &[(f64, f64)], total: f64, bound: f64, late: f64) -> f64 {
    if bound.is_infinite() || total <= 0.0 {
        return if bound.is_infinite() { 1.0 } else { 0.0 };
    }
    let reached = start.iter().filter(|(upper, _)| upper.is_finite() && upper + late <= bound);
    reached.map(|(_, count)| count / total).fold(0.0, f64::max)
}

/// A share of which so much is errors: no less than that, or no more than the rest.
fn moved(share: f64, errors: f64, above: bool) -> f64 {
    if above { share.max(errors).min(1.0) } else { share.min(1.0 - errors).max(0.0) }
}

fn beyond(leaning: Leaning, by: f64) -> f64 {
    let far = leaning.limit.abs() * by + if leaning.limit == 0.0 { by } else { 0.0 };
    if leaning.above { leaning.limit + far } else { (leaning.limit - far).max(0.0) }
}
