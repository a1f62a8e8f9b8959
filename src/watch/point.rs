//! One sample of a signal, and where samples go. Event time is on the launch's own axis: what reads another clock
//! says how old its answer is.

use std::sync::Arc;
use std::time::Duration;

use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;

/// Tells the instant on the launch's axis; it jumps where a rehearsal skips time.
pub type Axis = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Where samples go.
pub type Sink = Arc<dyn Fn(&SignalId, Point) + Send + Sync>;

/// Where is told who of a signal's several sources was silent when all were asked, and when that was.
pub type Silences = Arc<dyn Fn(&SignalId, Instant, &[Arc<str>]) + Send + Sync>;

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it was so, not when it was learnt.
    pub at: Instant,
    pub taken: Taken,
    /// Made up by a rehearsal for time that it skipped.
    pub generated: bool,
}

/// What a sample says.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// A monitor looked.
    Look { verdict: Verdict, took: Duration },
    /// A number in the signal's unit: a level, or where a counter stands.
    Number {
        value: f64,
        /// Whose counter it is, where each process counts for itself.
        instance: Option<Arc<str>>,
        /// How many samples it is made of, where the source says so.
        samples: Option<u64>,
    },
    /// A histogram as it stands: how many were at most so much, by the upper bound, ascending; the last bound
    /// is infinite. Counters, each.
    Histogram { upto: Arc<[(f64, f64)]>, instance: Option<Arc<str>> },
    /// It was asked, and could not tell.
    Nothing,
}

/// Takes samples from whoever has them. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    axis: Axis,
    to: Sink,
    silences: Silences,
}

impl Intake {
    #[must_use]
    pub fn new(axis: Axis, to: Sink) -> Self {
        Self { axis, to, silences: Arc::new(|_, _, _| {}) }
    }

    #[must_use]
    pub fn with_silences(self, silences: Silences) -> Self {
        Self { silences, ..self }
    }

    /// The instant on the launch's axis.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.axis)()
    }

    pub fn take(&self, signal: &SignalId, point: Point) {
        (self.to)(signal, point);
    }

    /// All sources of `signal` were asked at `at`: these told nothing.
    pub fn silent(&self, signal: &SignalId, at: Instant, who: &[Arc<str>]) {
        (self.silences)(signal, at, who);
    }
}
