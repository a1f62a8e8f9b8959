//! Every sample of a launch that its objectives need, and what their windows come to at an instant; beside that all
//! samples go to disk. It outlives the tasks that watch: an amendment exchanges those. Nothing here waits for a disk,
//! and nothing here judges.

mod again;
mod refill;
mod state;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub(super) use self::refill::{Said, refilled};
use self::state::State;
use super::kept::{self, Keeper, Keeping, MINUTE, Vouched, WATCHED};
use super::made::Making;
use super::point::{Axis, Intake, Point};
use crate::launch::command::Observation;
use crate::launch::id::{MonitorId, ObjectiveId, SignalId};
use crate::launch::objective::Counts;
use crate::launch::plan::{Objective, Plan};
use crate::launch::time::{Instant, millis};

/// What was watched is remembered for at least so long.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The samples of one launch. Shared by whoever takes some and whoever asks.
pub struct Readings {
    axis: Axis,
    state: Mutex<State>,
    keeping: OnceLock<Keeping>,
}

impl Readings {
    /// For the objectives of `plan`; `axis` tells the instant on the launch's axis.
    #[must_use]
    pub fn new(axis: Axis, plan: &Plan) -> Arc<Self> {
        let readings = Self { axis, state: Mutex::default(), keeping: OnceLock::new() };
        readings.under(plan, &[]);
        Arc::new(readings)
    }

    /// From here on for the objectives of `plan`. What an objective has seen stays where nothing of it changed, nor of
    /// what its signals ask: `asked` are those that ask something else. What an intake of before brings is let go.
    pub fn under(&self, plan: &Plan, asked: &[SignalId]) {
        let mut state = self.state();
        let now = (self.axis)();
        state.under(plan, asked, now);
    }

    /// Where samples go.
    #[must_use]
    pub fn intake(self: &Arc<Self>) -> Intake {
        let (to, silent, plan) = (Arc::clone(self), Arc::clone(self), self.state().plans);
        let silences = move |signal: &SignalId, at, who: &[Arc<str>]| silent.silent(plan, signal, at, who);
        Intake::new(Arc::clone(&self.axis), Arc::new(move |signal, point| to.take(plan, signal, point)))
            .with_silences(Arc::new(silences))
    }

    fn silent(&self, plan: u32, signal: &SignalId, at: Instant, who: &[Arc<str>]) {
        let mut state = self.state();
        if plan == state.plans {
            state.silent(signal, at, who);
        }
    }

    fn take(&self, plan: u32, signal: &SignalId, point: Point) {
        let mut state = self.state();
        // Whoever watched by another plan is about to end.
        if plan != state.plans {
            return;
        }
        // Under the lock: what comes later is never older.
        let now = (self.axis)();
        let soon = state.hear(signal, point, now);
        drop(state);
        self.soon(soon);
    }

    /// From here on `making` speaks for the sources in time that a rehearsal skips.
    pub fn made_by(&self, making: Arc<dyn Making>) {
        self.state().made_by(making);
    }

    /// The loop watches at `now`; `gap` is how long nobody did before that, where it was too long.
    pub fn watched(&self, now: Instant, gap: Option<Duration>) {
        self.state().watched(now, gap);
    }

    /// True while a rehearsal may skip no time: an objective's source has not said anything of the world as it is
    /// now, and soon may.
    #[must_use]
    pub fn awaits(&self) -> bool {
        self.state().awaits()
    }

    /// Whether the last look of a monitor that a trigger or a criterion stands on failed, and not yet so often that it
    /// counts.
    #[must_use]
    pub fn falls_short(&self, monitor: &MonitorId) -> bool {
        self.state().falls_short(&SignalId::of_monitor(monitor))
    }

    /// The world of a rehearsal was changed: what sources said before is not repeated.
    pub fn stirred(&self) {
        self.state().stirred();
    }

    /// These signals cannot be asked just now: nothing is made up for them in time that a rehearsal skips.
    pub fn unasked(&self, signals: BTreeSet<SignalId>) {
        self.state().unasked(signals);
    }

    /// A rehearsal skips [`from`, `until`): what its sources say now is taken for all of it, stamped as generated.
    pub fn skipped(&self, from: Instant, until: Instant) {
        let soon = self.state().skipped(from, until);
        self.soon(soon);
    }

    /// What the objectives that are due at `at` count: those of whose `evaluate_every` it is a multiple.
    #[must_use]
    pub fn evaluate(&self, at: Instant) -> BTreeMap<ObjectiveId, Counts> {
        self.state().evaluate(at)
    }

    /// From here on what is taken is kept in `folder`.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn keep_in(self: &Arc<Self>, folder: PathBuf) -> std::io::Result<()> {
        self.state().keeps();
        let keeping = Keeping::start(self, Keeper::new(folder))?;
        let _ = self.keeping.set(keeping);
        Ok(())
    }

    /// Writes what waits, and seals the minutes that are over, or with `close` all. Blocks.
    pub(super) fn keep(&self, keeper: &mut Keeper, close: bool) {
        let (pages, minute) = {
            let mut state = self.state();
            let now = (self.axis)();
            (state.pages(), if close { i64::MAX } else { now.0.div_euclid(MINUTE) })
        };
        let kept = keeper.keep(pages, minute);
        self.state().kept(kept);
    }

    /// Blocks that are on disk since this was asked last, for the journal.
    #[must_use]
    pub fn sealed(&self) -> Vec<Observation> {
        let sealed = self.state().sealed();
        let told = |(minute, blocks): (i64, _)| Observation::SamplesKept {
            minute: Instant(minute.saturating_mul(MINUTE)),
            blocks,
        };
        sealed.into_iter().map(told).collect()
    }

    /// Why samples cannot be kept just now.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble()
    }

    /// Nothing is taken any more: what there is gets written, unless the disk does not answer.
    pub async fn leave(&self) {
        if let Some(keeping) = self.keeping.get() {
            keeping.end(false).await;
        }
    }

    /// The same at the end of a launch: every block is sealed, for the journal.
    pub async fn close(&self) {
        if let Some(keeping) = self.keeping.get() {
            keeping.end(true).await;
        }
    }

    /// Fills the windows again with what the consoles before this one kept in `folder`, as far as `vouched` says
    /// that it is what they kept. `late` is how many samples of each objective had come too late by then; what a signal
    /// said before `asked` answers another question. What a person should know. Blocks.
    pub fn read_back(
        &self,
        folder: &Path,
        vouched: &Vouched,
        late: &HashMap<ObjectiveId, u64>,
        asked: &BTreeMap<SignalId, Instant>,
    ) -> Vec<String> {
        let mut state = self.state();
        let now = (self.axis)();
        let mut wanted = state.wanted(now, vouched.newest());
        wanted.insert(SignalId::new(WATCHED), state.oldest(now));
        let back = kept::read_back(&folder, &wanted, vouched, &mut |signal, point, came| {
            if asked.get(signal).is_none_or(|since| point.at >= *since) {
                state.take(signal, &point, came);
            }
        });
        state.returned(back, late, asked)
    }

    /// What waits is written now, beside the caller.
    pub fn hurry(&self) {
        self.soon(true);
    }

    fn soon(&self, soon: bool) {
        if let Some(keeping) = self.keeping.get().filter(|_| soon) {
            keeping.soon();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `objective` is evaluated at `at`.
#[must_use]
pub fn is_due(objective: &Objective, at: Instant) -> bool {
    at.0.rem_euclid(millis(objective.evaluate_every).max(1)) == 0
}

/// How far back the samples of `plan` are needed.
#[must_use]
pub fn horizon(plan: &Plan) -> Duration {
    let window = |objective: &Objective| objective.window.max(objective.stale_after) + 4 * objective.evaluate_every;
    plan.objectives.iter().map(window).max().unwrap_or_default().max(REMEMBERED)
}
