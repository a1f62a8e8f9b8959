//! When something that is looked at again and again is looked at: every so often without drift, also where a look
//! lasted longer than that.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// After a look that lasted longer than `every` the next comes at once, the ticks between are missed, and the
/// rhythm is the old one.
#[derive(Debug)]
pub(super) struct Rhythm {
    ticks: Interval,
    due: Instant,
    every: Duration,
}

impl Rhythm {
    pub(super) fn new(first: Instant, every: Duration) -> Self {
        let mut ticks = interval_at(first, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { ticks, due: first, every }
    }

    /// Waits for the next tick, and says how many were missed before it; none once cancelled.
    pub(super) async fn next(&mut self, cancel: &CancellationToken) -> Option<u64> {
        let ticked = tokio::select! {
            biased;
            () = cancel.cancelled() => return None,
            ticked = self.ticks.tick() => ticked,
        };
        let missed = ticked.duration_since(self.due).as_nanos() / self.every.as_nanos().max(1);
        self.due = ticked + self.every;
        Some(u64::try_from(missed).unwrap_or(u64::MAX))
    }
}
