//! Who makes up the samples of time that a rehearsal skips: a port, wired where a launch is put together. Without one
//! what each source said last is repeated.

use std::time::Duration;

use super::point::Point;
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::launch::verdict::Verdict;

/// Makes samples up. What it makes depends on the signal and the instant alone, and on what was switched by then.
pub trait Making: Send + Sync {
    /// Whether it speaks for this signal.
    fn makes(&self, signal: &SignalId) -> bool;

    /// Whether its source itself tells another count than what is made up goes on from: one that it has written down
    /// and cannot keep.
    fn counts_apart(&self, signal: &SignalId) -> bool;

    /// What the signal says in [`from`, `until`), oldest first, each with when it says so: by a clock that is wrong
    /// that is not when it was. Nothing where its source is silent.
    fn points(&self, signal: &SignalId, from: Instant, until: Instant) -> Vec<(Instant, Point)>;

    /// What a monitor's look at `at` finds where a fault hits it that hits some looks and spares others; none where
    /// this one is spared. `every` is how often it looks.
    fn hit(&self, signal: &SignalId, at: Instant, every: Duration) -> Option<Verdict>;

    /// Whether some looks are hit now and others spared.
    fn spares(&self, signal: &SignalId) -> bool;
}
