//! How far a request has come, told by the resolver and the ramp to whoever waits for it: what was going
//! on when time ran out says whose fault that is. It measures and judges nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Cause;

tokio::task_local! {
    static CURRENT: Arc<Progress>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// For an allowance of the ramp, since then.
    Waiting(Instant),
    Resolving,
    /// Connecting, or asked.
    Under,
}

/// One request's way.
#[derive(Debug)]
pub(super) struct Progress {
    /// Where it connects to.
    pub authority: String,
    state: Mutex<(Phase, Duration)>,
}

impl Progress {
    pub(super) fn new(authority: String) -> Arc<Self> {
        Arc::new(Self { authority, state: Mutex::new((Phase::Under, Duration::ZERO)) })
    }

    /// The request this code runs for; none in a connection that outlived its request.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.state();
        if let (Phase::Waiting(since), _) = *state {
            state.1 += since.elapsed();
        }
        state.0 = phase;
    }

    /// How long it waited for the ramp: our own time, not the target's.
    pub(super) fn waited(&self) -> Duration {
        let state = self.state();
        match state.0 {
            Phase::Waiting(since) => state.1 + since.elapsed(),
            Phase::Resolving | Phase::Under => state.1,
        }
    }

    /// Runs `work` as this request, for `timeout` of the target's time. What it waited for the ramp is
    /// added, up to as long again.
    pub(super) async fn within<T>(
        self: &Arc<Self>,
        timeout: Duration,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Cause> {
        let end = Instant::now() + timeout;
        let mut work = std::pin::pin!(CURRENT.scope(Arc::clone(self), work));
        if let Ok(done) = tokio::time::timeout_at(end, &mut work).await {
            return done;
        }
        let waited = self.waited();
        if !waited.is_zero()
            && !matches!(self.state().0, Phase::Waiting(_))
            && let Ok(done) = tokio::time::timeout_at(end + waited, &mut work).await
        {
            return done;
        }
        Err(match self.state().0 {
            Phase::Waiting(_) => {
                let others = "all connections that may be opened at one moment were taken";
                Cause::Ours(format!("{}: {others}", self.authority))
            }
            Phase::Resolving => Cause::NotResolved,
            Phase::Under => Cause::TimedOut,
        })
    }

    fn state(&self) -> MutexGuard<'_, (Phase, Duration)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
