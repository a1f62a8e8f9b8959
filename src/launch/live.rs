//! What is shown but not recorded: monitors' samples, streams' lines, outputs' tails. The journal keeps
//! only the changes (`MonitorChanged`, `StreamChanged`). Written by `watch`, drawn by `ui`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

mod heard;

pub use heard::{Heard, heard};

use super::id::{ItemId, MonitorId, SignalId, StreamId};
use super::time::Wall;
use super::verdict::{Verdict, Weight};

/// How many samples a monitor's strip keeps.
pub const SAMPLES_KEPT: usize = 240;
/// How many lines a stream's pane keeps; what falls off is counted and is still in the file.
pub const LINES_KEPT: usize = 2_000;

#[derive(Debug, Clone, Default)]
pub struct Live {
    pub monitors: BTreeMap<MonitorId, MonitorView>,
    pub streams: BTreeMap<StreamId, StreamView>,
    /// The plan's signals; a monitor's own is with the monitors.
    pub signals: BTreeMap<SignalId, SignalView>,
    /// The traffic that each canary has, by the item that sets it.
    pub weights: BTreeMap<ItemId, WeightView>,
    /// The last lines of each step's or rollback step's output, redacted and printable.
    pub outputs: BTreeMap<ItemId, OutputView>,
    /// Observations the loop could not take at once.
    pub overflowed: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub at: Wall,
    pub verdict: Verdict,
    pub took: Duration,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct MonitorView {
    /// Oldest first.
    pub samples: VecDeque<Sample>,
    pub verdict: Option<Verdict>,
    /// Failures in a row up to now.
    pub failures: u32,
    pub last_error: Option<String>,
    pub p50: Option<Duration>,
    pub p95: Option<Duration>,
    /// Share of the kept samples that passed, 0 to 1.
    pub up: Option<f64>,
    /// Ticks at which nothing was looked at, because the look before had not ended.
    pub missed: u64,
}

impl MonitorView {
    /// Takes a sample; says the verdict that counts where it changed.
    ///
    /// rules.md: a failure counts after `fails_after` in a row, a pass at once; unknown is never
    /// health, and neither ends a row of failures nor adds to it. It is told all the same: what failed is not
    /// known to do so any more, and whoever counts its time stops there. Nor has what was skipped been looked at.
    pub fn take(&mut self, sample: Sample, fails_after: u32) -> Option<Verdict> {
        let changed = self.count(sample, fails_after);
        self.measure();
        changed
    }

    /// As it stands after `samples`, oldest first.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = Sample>, fails_after: u32) -> Self {
        let mut view = Self::default();
        for sample in samples {
            view.count(sample, fails_after);
        }
        view.measure();
        view
    }

    fn count(&mut self, sample: Sample, fails_after: u32) -> Option<Verdict> {
        let verdict = sample.verdict;
        if self.samples.len() == SAMPLES_KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        let counts = match verdict {
            Verdict::Fail => {
                self.failures = self.failures.saturating_add(1);
                (self.failures > fails_after).then_some(Verdict::Fail)
            }
            Verdict::Unknown | Verdict::Stale | Verdict::Skipped => Some(verdict),
            Verdict::Pass | Verdict::Warn => {
                self.failures = 0;
                Some(verdict)
            }
        };
        let changed = counts.filter(|counted| self.verdict != Some(*counted));
        self.verdict = changed.or(self.verdict);
        changed
    }

    /// Latencies are those of samples the world answered; unknown ones measure only ourselves.
    fn measure(&mut self) {
        let told = |sample: &&Sample| !matches!(sample.verdict, Verdict::Unknown | Verdict::Stale);
        let mut took: Vec<Duration> = self.samples.iter().filter(told).map(|sample| sample.took).collect();
        took.sort_unstable();
        let rank = |percent: usize| took.get((took.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        (self.p50, self.p95) = (rank(50), rank(95));
        self.up = share(&self.samples, Verdict::Pass);
    }
}

fn share(samples: &VecDeque<Sample>, verdict: Verdict) -> Option<f64> {
    let count = |some: usize| u32::try_from(some).map_or(f64::MAX, f64::from);
    let held = samples.iter().filter(|sample| sample.verdict == verdict).count();
    (!samples.is_empty()).then(|| count(held) / count(samples.len()))
}

/// A signal that is asked for, as it came in lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SignalView {
    /// Oldest first, at most [`SAMPLES_KEPT`]: when it was so, and the number in the signal's unit.
    pub numbers: VecDeque<(Wall, f64)>,
    /// Why the last look brought no number.
    pub last_error: Option<String>,
    /// What the last answer warned of.
    pub warning: Option<String>,
    /// When it was last asked, or told by itself.
    pub looked: Option<Wall>,
    /// The newest numbers are a rehearsal's own.
    pub generated: bool,
}

/// The share of the traffic a canary is to have, and the one that was read back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeightView {
    /// In percent.
    pub wanted: Option<f64>,
    /// In percent, as it was read back; none where it could not be.
    pub seen: Option<f64>,
    pub at: Option<Wall>,
}

impl WeightView {
    #[must_use]
    pub fn of(weight: Weight, at: Option<Wall>) -> Self {
        let percent = |share: u32| f64::from(share) / 100.0;
        Self { wanted: weight.wanted.map(percent), seen: weight.seen.map(percent), at }
    }
}

#[derive(Debug, Clone, Default)]
pub struct StreamView {
    pub open: bool,
    /// Its terminal event came; that the socket stays open then is no error.
    pub finished: bool,
    /// Oldest first.
    pub lines: VecDeque<Line>,
    /// Lines that ever came into the pane.
    pub came: u64,
    pub total: u64,
    pub per_second: f64,
    pub longest_gap: Duration,
    pub reconnects: u32,
    /// Lines that fell off the pane, or were too long to keep whole.
    pub dropped: u64,
    pub errors: u64,
    pub last_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Wall,
    /// The event's name, or the log's level.
    pub tag: String,
    pub text: String,
    pub error: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputView {
    /// Oldest first.
    pub tail: VecDeque<String>,
    /// Bytes on disk so far.
    pub bytes: u64,
    /// The canary's share, where the step tells one, and when it did.
    pub weight: Option<(Weight, Wall)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(verdict: Verdict, ms: u64) -> Sample {
        Sample { at: Wall::default(), verdict, took: Duration::from_millis(ms) }
    }

    fn counted(verdicts: &[Verdict], fails_after: u32) -> Vec<Option<Verdict>> {
        let mut view = MonitorView::default();
        verdicts.iter().map(|verdict| view.take(sample(*verdict, 1), fails_after)).collect()
    }

    #[test]
    fn the_fourth_failure_in_a_row_counts_and_the_first_pass_recovers() {
        use Verdict::{Fail, Pass};
        assert_eq!(
            counted(&[Pass, Fail, Fail, Fail, Pass, Fail, Fail, Fail, Fail, Fail, Pass], 3),
            [Some(Pass), None, None, None, None, None, None, None, Some(Fail), None, Some(Pass)]
        );
    }

    #[test]
    fn unknown_is_never_health_and_neither_ends_nor_feeds_a_row_of_failures() {
        use Verdict::{Fail, Pass, Unknown};
        assert_eq!(counted(&[Pass, Unknown, Pass], 3), [Some(Pass), Some(Unknown), Some(Pass)]);
        assert_eq!(
            counted(&[Fail, Unknown, Fail, Unknown, Unknown, Fail], 1),
            [None, Some(Unknown), Some(Fail), Some(Unknown), None, Some(Fail)],
            "told once, and the next failure counts at once"
        );
    }

    #[test]
    fn what_was_skipped_was_not_looked_at_and_clears_no_row_of_failures() {
        use Verdict::{Fail, Pass, Skipped, Stale};
        assert_eq!(
            counted(&[Fail, Fail, Skipped, Skipped, Fail, Stale, Fail, Pass, Fail], 1),
            [None, Some(Fail), Some(Skipped), None, Some(Fail), Some(Stale), Some(Fail), Some(Pass), None]
        );
    }

    #[test]
    fn latencies_and_share_are_of_the_kept_samples() {
        let mut view = MonitorView::default();
        for ms in 1..=100 {
            view.take(sample(if ms > 90 { Verdict::Fail } else { Verdict::Pass }, ms), 3);
        }
        view.take(sample(Verdict::Unknown, 9_000), 3);
        assert_eq!((view.p50, view.p95), (Some(Duration::from_millis(50)), Some(Duration::from_millis(95))));
        assert!((view.up.expect("samples") - 90.0 / 101.0).abs() < 1e-9);
        for _ in 0..1_000 {
            view.take(sample(Verdict::Pass, 5), 3);
        }
        assert_eq!((view.samples.len(), view.up, view.p95), (SAMPLES_KEPT, Some(1.0), Some(Duration::from_millis(5))));
    }
}
