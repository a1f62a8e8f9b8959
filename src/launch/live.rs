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
