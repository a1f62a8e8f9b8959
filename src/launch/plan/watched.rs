//! What is watched for as long as a launch is open, as the plan says it: signals, objectives, triggers. Part of
//! [`super`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Plan, SpecId};
use crate::launch::id::{MonitorId, ObjectiveId, RollbackId, SignalId, StreamId, TriggerId};
use crate::launch::threshold::{Threshold, Unit};
use crate::launch::time::Mark;

/// A named series of samples. Each monitor has one too, called `monitor.ID`, that stands in no list: its samples
/// are its looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    pub id: SignalId,
    pub title: String,
    pub source: SignalSource,
    /// What its numbers are numbers of.
    pub unit: Unit,
    /// Its numbers only grow, but where a process starts anew.
    pub counter: bool,
    /// How often it is asked; a stream tells by itself.
    pub every: Duration,
    pub timeout: Duration,
    /// A sample older than this when it is read is stale.
    pub stale_after: Duration,
    /// Names of the baseline values that its question uses.
    pub baseline: Vec<String>,
}

/// Where a signal's numbers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalSource {
    /// Asked every so often: the entry of the catalogue holds the question.
    Asked(SpecId),
    /// Taken from the lines of a stream: the stream's entry of the catalogue knows how.
    Stream(StreamId),
}

/// A threshold on a signal over a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    pub id: ObjectiveId,
    pub title: String,
    /// A signal of the plan, or `monitor.ID`.
    pub signal: SignalId,
    pub beside: Beside,
    pub that: Threshold,
    /// A whole number of `evaluate_every`, which is the width of a bucket too.
    pub window: Duration,
    /// Fewer samples than this tell nothing; of each side, where there are two.
    pub min_samples: u64,
    /// With nothing newer than this it is unknown.
    pub stale_after: Duration,
    pub evaluate_every: Duration,
    /// Unknown for longer than this, it holds the launch and rings; after T-0 it freezes it.
    pub unknown_for: Duration,
}

/// What a signal is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// With the limit alone.
    Nothing,
    /// `per`: its growth over the growth of this counter in the same window, as a share.
    Per(SignalId),
    /// `minus`: the difference of the same figure of both in the same window.
    Minus(SignalId),
    /// `against`: a canary and its baseline in the same window, by a test that noise does not trip.
    Against {
        baseline: SignalId,
        /// A difference in either direction breaches, not a worse canary alone.
        both_ways: bool,
        /// How sure one must be that they differ, in thousandths of a percent: 99.9% is 99 900.
        confidence: u32,
    },
}

impl Objective {
    /// Every signal it stands on.
    pub fn signals(&self) -> impl Iterator<Item = &SignalId> {
        let other = match &self.beside {
            Beside::Nothing => None,
            Beside::Per(other) | Beside::Minus(other) | Beside::Against { baseline: other, .. } => Some(other),
        };
        std::iter::once(&self.signal).chain(other)
    }
}

/// What starts a rollback, or proposes one, where it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub id: TriggerId,
    pub title: String,
    pub when: Condition,
    /// How long its condition must hold; zero fires at the first evaluation that does.
    pub lasts: Duration,
    /// How long its condition must be gone before it counts as recovered: longer than `lasts`.
    pub recovers_after: Duration,
    pub then: RollbackId,
    pub mode: FireMode,
    pub armed_from: Option<Mark>,
    pub armed_until: Option<Mark>,
}

/// What a trigger fires on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The objective is breached.
    Objective(ObjectiveId),
    /// The monitor's counted verdict is fail: an alert that fired is a monitor of kind `alerts` that fails.
    Monitor(MonitorId),
    /// A person says so.
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireMode {
    /// The rollback starts by itself once nobody has said no for so long.
    Auto { veto: Duration },
    /// It rings, and waits for a person.
    Ask,
}

impl Plan {
    /// Every signal, those of monitors too.
    #[must_use]
    pub fn signal_ids(&self) -> BTreeSet<SignalId> {
        let monitors = self.monitors.iter().map(|monitor| SignalId::of_monitor(&monitor.id));
        self.signals.iter().map(|signal| signal.id.clone()).chain(monitors).collect()
    }
}

impl SignalId {
    /// The series of a monitor's looks.
    #[must_use]
    pub fn of_monitor(monitor: &MonitorId) -> Self {
        Self::new(format!("monitor.{monitor}"))
    }

    /// The monitor whose looks it is, where it is one's.
    #[must_use]
    pub fn monitor(&self) -> Option<MonitorId> {
        self.as_str().strip_prefix("monitor.").map(MonitorId::new)
    }
}
