//! The samples of a signal, as a report draws them: in bins of one width, each with what its samples came to. What
//! did not come leaves its bin empty; an empty bin is no zero.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::launch::time::{Instant, millis};

/// Bins at most.
const BINS: i64 = 240;
/// What a bin may last, in milliseconds.
const WIDTHS: [i64; 16] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    10_800_000, 21_600_000, 86_400_000,
];

/// Which bins there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub from: Instant,
    pub until: Instant,
    /// Milliseconds.
    pub width: i64,
}

/// What one sample says.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A monitor looked; it counts as failed where it failed, and `told` where it could tell.
    Look {
        failed: bool,
        told: bool,
        took: Duration,
    },
    /// A number, and whose.
    Number {
        value: f64,
        of: Option<Arc<str>>,
    },
    /// A histogram: how it went is told by what is held to it.
    Histogram,
    Nothing,
}

/// The samples of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    frame: Frame,
    /// Of numbers that only grow: what counts is how fast. One that was silent for longer, in milliseconds, counts from
    /// where it is seen again.
    patience: Option<i64>,
    bins: BTreeMap<i64, Bin>,
    /// Where each counter stood last, and when.
    last: HashMap<Option<Arc<str>>, (Instant, f64)>,
    generated: bool,
    histogram: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Bin {
    looks: u64,
    failed: u64,
    untold: u64,
    /// Microseconds of each look that was answered: one that fails fast is no fast answer.
    took: Vec<u32>,
    numbers: u64,
    sum: f64,
    /// By how much each counter grew, and in how many milliseconds.
    grown: BTreeMap<Option<Arc<str>>, (f64, i64)>,
}

/// What a bin of looks came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    pub from: i64,
    pub until: i64,
    pub looks: u64,
    pub failed: u64,
    pub untold: u64,
    /// Half were answered within this; none where none could tell.
    pub half: Option<Duration>,
    /// Nineteen of twenty were.
    pub most: Option<Duration>,
}

impl Frame {
    #[must_use]
    pub fn over(from: Instant, until: Instant) -> Self {
        let long = until.0.saturating_sub(from.0).max(1);
        let width = WIDTHS.into_iter().find(|width| long / width < BINS).unwrap_or(long / BINS + 1);
        Self { from, until, width }
    }

    #[must_use]
    pub fn holds(&self, at: Instant) -> bool {
        (self.from..=self.until).contains(&at)
    }

    /// The bin that `at` lies in; none outside.
    fn bin(&self, at: Instant) -> Option<i64> {
        self.holds(at).then(|| at.0.saturating_sub(self.from.0) / self.width)
    }

    fn span(&self, bin: i64) -> (i64, i64) {
        let from = self.from.0.saturating_add(bin.saturating_mul(self.width));
        (from, from.saturating_add(self.width).min(self.until.0.max(from)))
    }

    fn bins(&self) -> impl Iterator<Item = i64> + use<> {
        0..=self.until.0.saturating_sub(self.from.0).max(0) / self.width
    }
}

impl Series {
    /// `patience` is how long a counter may be silent until nobody knows when it grew; none of numbers that are no
    /// counter's.
    #[must_use]
    pub fn new(frame: Frame, patience: Option<Duration>) -> Self {
        let patience = patience.map(millis);
        Self { frame, patience, bins: BTreeMap::new(), last: HashMap::new(), generated: false, histogram: false }
    }

    /// Takes a sample of `at`; those of one source in their order.
    pub fn take(&mut self, at: Instant, sample: Sample, generated: bool) {
        // Where it stood before the frame counts: it grows from there.
        let grown = match &sample {
            Sample::Number { value, of } if value.is_finite() => self.grown(at, *value, of),
            _ => None,
        };
        let Some(bin) = self.frame.bin(at) else { return };
        self.generated |= generated;
        let bin = self.bins.entry(bin).or_default();
        match sample {
            Sample::Look { failed, told, took } => {
                bin.looks += 1;
                bin.failed += u64::from(failed);
                bin.untold += u64::from(!told);
                if told && !failed && !took.is_zero() {
                    bin.took.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
                }
            }
            Sample::Number { value, .. } if !value.is_finite() => bin.untold += 1,
            Sample::Number { value, of } => {
                bin.numbers += 1;
                bin.sum += value;
                if let Some((grown, took)) = grown {
                    let sum = bin.grown.entry(of).or_default();
                    *sum = (sum.0 + grown, sum.1.saturating_add(took));
                }
            }
            Sample::Histogram => self.histogram = true,
            Sample::Nothing => bin.untold += 1,
        }
    }

    /// By how much a counter grew since it was seen last, and in how many milliseconds; none where nobody knows.
    fn grown(&mut self, at: Instant, value: f64, of: &Option<Arc<str>>) -> Option<(f64, i64)> {
        let patience = self.patience?;
        let before = self.last.get(of).copied();
        // One that comes late is older than what is known.
        if before.is_some_and(|(seen, _)| seen >= at) {
            return None;
        }
        self.last.insert(of.clone(), (at, value));
        let (seen, before) = before?;
        let took = at.0.saturating_sub(seen.0);
        // A process that began anew has counted from zero.
        let grown = if value < before { value } else { value - before };
        (took <= patience).then_some((grown, took))
    }

    /// Some of it was made up by a rehearsal.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.generated
    }

    /// Whether it tells anything: a look, a number or a histogram; of a counter, that it was seen twice.
    #[must_use]
    pub fn tells(&self) -> bool {
        let grew = |bin: &Bin| self.patience.is_none() || !bin.grown.is_empty();
        self.histogram || self.bins.values().any(|bin| bin.looks > 0 || (bin.numbers > 0 && grew(bin)))
    }

    /// How many numbers it told.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.bins.values().map(|bin| bin.numbers).fold(0, u64::saturating_add)
    }

    /// How often it was asked in vain.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.bins.values().map(|bin| bin.untold).fold(0, u64::saturating_add)
    }

    #[must_use]
    pub fn frame(&self) -> Frame {
        self.frame
    }

    /// Every bin of looks, in order; none where it has none.
    pub(super) fn looks(&self) -> Vec<Option<Looked>> {
        let one = |n: i64| {
            let bin = self.bins.get(&n).filter(|bin| bin.looks > 0)?;
            let (from, until) = self.frame.span(n);
            let mut took = bin.took.clone();
            took.sort_unstable();
            let (half, most) = (rank(&took, 50), rank(&took, 95));
            Some(Looked { from, until, looks: bin.looks, failed: bin.failed, untold: bin.untold, half, most })
        };
        self.frame.bins().map(one).collect()
    }

    /// The mean of every bin's numbers with its middle, or how fast a counter grew, each second, by the time since it
    /// was seen before; in order.
    pub(super) fn numbers(&self) -> Vec<Option<(i64, f64)>> {
        let one = |n: i64| {
            let bin = self.bins.get(&n).filter(|bin| bin.numbers > 0)?;
            let (from, until) = self.frame.span(n);
            let rate = |(grown, took): &(f64, i64)| grown * 1_000.0 / *took as f64;
            let value = match self.patience {
                Some(_) if bin.grown.is_empty() => return None,
                Some(_) => bin.grown.values().map(rate).sum(),
                None => bin.sum / bin.numbers as f64,
            };
            Some(((from + until) / 2, value)).filter(|(_, value)| value.is_finite())
        };
        self.frame.bins().map(one).collect()
    }
}

/// The smallest of `sorted` that so many in a hundred are not above: by counting, so the same everywhere.
fn rank(sorted: &[u32], hundredths: usize) -> Option<Duration> {
    let place = (sorted.len() * hundredths).div_ceil(100).checked_sub(1)?;
    sorted.get(place).map(|micros| Duration::from_micros(u64::from(*micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame::over(Instant(0), Instant(60_000))
    }

    #[test]
    fn a_frame_has_few_bins_however_long_a_launch_was() {
        for seconds in [0, 1, 59, 3_600, 86_400, 30 * 86_400, 4_000 * 86_400] {
            let frame = Frame::over(Instant(5), Instant(5 + seconds * 1_000));
            let bins = frame.bins().count();
            assert!((1..=241).contains(&bins), "{seconds}: {bins}");
            assert_eq!(frame.bin(Instant(5 + seconds * 1_000)), frame.bins().last());
        }
    }

    #[test]
    fn what_did_not_come_is_no_zero() {
        let mut series = Series::new(frame(), None);
        let look = |ms, failed| Sample::Look { failed, told: true, took: Duration::from_millis(ms) };
        for (at, ms) in [(1, 40), (200, 10), (400, 20), (600, 30)] {
            series.take(Instant(at), look(ms, ms == 40), false);
        }
        series.take(Instant(2_500), Sample::Look { failed: false, told: false, took: Duration::ZERO }, false);
        series.take(Instant(90_000), look(9, true), false);
        let looks = series.looks();
        let first = looks[0].expect("looked");
        assert_eq!((first.looks, first.failed, first.half), (4, 1, Some(Duration::from_millis(20))));
        assert_eq!(first.most, Some(Duration::from_millis(30)), "what failed was not answered");
        assert_eq!(looks[1], None);
        let silent = looks[2].expect("looked, and could not tell");
        assert_eq!((silent.untold, silent.half), (1, None));
        assert!(looks[3..].iter().all(Option::is_none), "what lies outside is in no bin");
    }

    #[test]
    fn a_counter_is_told_by_its_growth_and_a_process_that_began_anew_has_lost_nothing() {
        let mut series = Series::new(frame(), Some(Duration::from_secs(10)));
        let number = |value, of: &str| Sample::Number { value, of: Some(of.into()) };
        for (at, value, of) in [(0, 100.0, "a"), (200, 7.0, "b"), (1_000, 104.0, "a"), (1_200, 3.0, "b")] {
            series.take(Instant(at), number(value, of), true);
        }
        let told = series.numbers();
        assert_eq!((told[0], told[1]), (None, Some((1_500, 7.0))));
        assert!(series.is_generated());
    }

    #[test]
    fn a_counter_grows_in_the_time_since_it_was_seen_and_not_in_that_of_a_bin() {
        let mut series = Series::new(frame(), Some(Duration::from_secs(20)));
        let number = |value| Sample::Number { value, of: None };
        // Every ten seconds by a hundred, from before the frame on; then silent for longer than its patience.
        for (at, value) in [(-5_000, 0.0), (5_000, 100.0), (15_000, 200.0), (45_000, 900.0), (50_000, 950.0)] {
            series.take(Instant(at), number(value), false);
        }
        let told: Vec<(i64, f64)> = series.numbers().into_iter().flatten().collect();
        assert_eq!(told, [(5_500, 10.0), (15_500, 10.0), (50_500, 10.0)], "nobody knows when the 700 came");
    }

    #[test]
    fn what_was_only_asked_in_vain_tells_nothing() {
        let mut series = Series::new(frame(), None);
        series.take(Instant(1), Sample::Nothing, false);
        series.take(Instant(2), Sample::Number { value: f64::NAN, of: None }, false);
        assert_eq!((series.tells(), series.untold()), (false, 2));
        series.take(Instant(3), Sample::Histogram, false);
        assert!(series.tells());
    }
}
