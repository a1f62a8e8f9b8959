//! The loop's end of the journal: what a turn made is recorded, or waits while it cannot be, and is recorded
//! when the disk returns. When nothing can be, what may happen is decided in `launch::unwritten`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant as WireInstant;

use super::{Loop, settling};
use crate::engine::time::Pace;
use crate::engine::unwritten::{self, Unwritten};
use crate::journal::record::Settled;
use crate::journal::side::{Left, Of};
use crate::journal::{AppendError, Durable, Health};
use crate::launch::command::{Command, Input};
use crate::launch::event::{Actor, Event};

/// A disk that has not answered for so long counts as one that fails.
const LIMIT: Duration = Duration::from_secs(1);
/// The same, before a launch is flown, and where nobody is there: it holds up nothing.
pub(super) const OPENING: Duration = Duration::from_secs(10);
/// A rollback waits no longer for its request to be synced (budgets.md).
const UNSYNCED: Duration = Duration::from_millis(50);
/// What waits is handed over beside the loop: only a disk that works is waited for.
const PROMPT: Duration = Duration::from_millis(50);

impl Loop {
    /// What the journal cannot take is kept in a file at `path` too.
    #[must_use]
    pub fn with_side(mut self, path: Option<PathBuf>) -> Self {
        self.side = path;
        self
    }

    /// Records what an earlier console could not, before the loop runs: each as of when it happened, and once,
    /// though that console may have died between recording it and removing its side file. How many still told
    /// something.
    ///
    /// # Errors
    /// The journal could not be written.
    pub async fn read_in(&mut self, left: &Left) -> Result<usize, String> {
        let board = self.dispatch.published();
        let drafts = unwritten::left_behind(left, board, self.parts.axis.now());
        // The first says how many.
        let taken = drafts.len().saturating_sub(1);
        if taken > 0 {
            let kept = self.parts.journal.append(drafts, Durable::Synced).await;
            self.dispatch.recorded(&kept.map_err(|wrong| wrong.to_string())?);
        }
        Ok(taken)
    }

    /// Nobody is there, and nothing can be recorded, ever or for too long: only a rollback under way is waited for.
    pub(super) fn is_lost(&self) -> bool {
        let gone = self.parts.folder.as_ref().is_some_and(|folder| matches!(folder.try_exists(), Ok(false)));
        let lost = |unwritten: &Unwritten| unwritten.is_lasting() || unwritten.is_too_long() || gone;
        self.unwritten.as_ref().is_some_and(lost) && self.dispatch.shown().rolling_back().is_none()
    }

    /// How long a turn waits for the disk. Where time is skipped nobody is there whom that would keep waiting.
    pub(super) fn limit(&self) -> Duration {
        if self.parts.pace == Pace::Skip { OPENING } else { LIMIT }
    }

    /// Records a turn. A disk that does not answer within `limit` is no longer waited for: what it says later is
    /// for [`Loop::write_again`].
    pub(super) async fn append(&mut self, records: &[Settled], limit: Duration) -> Result<(), AppendError> {
        if records.is_empty() {
            return Ok(());
        }
        let synced = records.iter().any(|record| must_be_synced(&record.event));
        let durable = if synced { Durable::Synced } else { Durable::Written };
        let mut answer = self.parts.journal.hand_settled(records.to_vec(), durable)?;
        let mut told = None;
        if records.iter().any(|record| matches!(record.event, Event::RollbackRequested { .. })) {
            told = answer.within(UNSYNCED).await;
            if told.is_none() {
                self.begin_unsynced(records).await;
            }
        }
        if told.is_none() {
            told = answer.within(limit).await;
        }
        match told {
            Some(told) => told.map(|_| ()),
            None => {
                self.hung.append = Some(answer);
                Err(AppendError::NoAnswer)
            }
        }
    }

    /// The disk has not said yet that the request of a rollback is on it: that one begins all the same.
    async fn begin_unsynced(&mut self, records: &[Settled]) {
        // It is another console's to follow: what is handed over waits for its record.
        if self.parts.journal.taken_over().is_some() {
            return;
        }
        let board = Arc::clone(self.dispatch.published());
        for record in records.iter().filter(|record| matches!(record.event, Event::RollbackRequested { .. })) {
            self.hung.begins(record, UNSYNCED);
            settling::awaited(self.parts.effects.start(record, &board)).await;
        }
    }

    /// What was done before it was synced, to be noted now that something can be.
    pub(super) fn remarks(&mut self) -> Vec<Input> {
        if self.unwritten.is_some() {
            return Vec::new();
        }
        let note = |text: String| Input::Command { by: Actor::engine(), command: Command::note(text) };
        self.hung.remarks().into_iter().map(note).collect()
    }

    /// Nothing can be recorded from here on: the launch stops where it was last recorded.
    pub(super) fn withhold(&mut self, why: String, lasting: bool) {
        let stop = self.dispatch.withhold(self.settled, &why);
        let board = self.dispatch.published();
        let of = Of { launch: unwritten::launch_of(board), after: board.seq };
        let side = self.side.clone().map(|path| (path, of));
        let unwritten = Unwritten::new(self.settled, why, lasting, side);
        // Said first: the other disk takes its time.
        self.unwritten = Some(unwritten);
        self.publish();
        if let Some(unwritten) = &mut self.unwritten {
            unwritten.keep(&stop);
        }
        self.publish();
    }

    /// Tries to record what waits, at its time or where this console leaves. A disk that owes an answer is asked
    /// for nothing more until it has given it.
    pub(super) async fn write_again(&mut self, last: bool) {
        let now = self.parts.axis.now();
        let due = |at: WireInstant| last || at <= WireInstant::now();
        let Some(unwritten) = self.unwritten.as_mut().filter(|known| known.try_at().is_some_and(due)) else { return };
        let owed = self.hung.append.take();
        let late = owed.is_some();
        let mut told = match owed {
            Some(mut answer) => match answer.now() {
                Some(told) => told,
                None => {
                    self.hung.append = Some(answer);
                    return unwritten.wait();
                }
            },
            None if self.hung.is_hanging() => return unwritten.wait(),
            None => {
                let handed = self.parts.journal.hand(unwritten.drafts(now), Durable::Synced);
                match handed {
                    Ok(mut answer) => match answer.within(if last { LIMIT } else { PROMPT }).await {
                        Some(told) => told,
                        None => {
                            self.hung.append = Some(answer);
                            return unwritten.wait();
                        }
                    },
                    Err(wrong) => Err(wrong),
                }
            }
        };
        // What came late is not all there is by now: it is read in as what was written by whoever else.
        if late && let Ok(found) = told {
            told = Err(AppendError::ReadIn(found));
        }
        match told {
            Ok(records) => {
                self.dispatch.recorded(&records);
                self.settled = now;
                let acts = self.parts.journal.taken_over().is_none();
                let written = self.unwritten.take().and_then(|unwritten| unwritten.written(acts));
                self.trouble = written.or(self.trouble.take());
            }
            // A write that was said to have failed had not: that stands, and what waits is decided again.
            Err(AppendError::ReadIn(found)) => {
                self.dispatch.recorded(&found);
                let stop = self.dispatch.withhold(unwritten.since(), unwritten.why());
                let waits = unwritten.rebase(&found, stop, &self.dispatch.shown());
                self.dispatch.show(&waits);
                let board = Arc::clone(self.dispatch.published());
                self.keep_up(&board);
                found.iter().for_each(|record| self.parts.effects.find(record, &board));
            }
            Err(wrong) => unwritten.failed(&wrong),
        }
        self.publish();
    }

    /// The banner: why nothing can be recorded, else what fails beside the journal.
    pub(super) fn alarm(&self) -> Option<String> {
        if let Some(unwritten) = &self.unwritten {
            return Some(unwritten.banner(&self.dispatch.shown()));
        }
        let unguarded = match &*self.parts.journal.health().borrow() {
            Health::Unguarded(why) => Some(why.clone()),
            Health::TakenOver(why) => Some(format!("the journal is lost to this console: {why}")),
            _ => None,
        };
        let unkept = self.parts.effects.world.unkept();
        let kept = self.parts.effects.world.kept.trouble();
        let untold = self.parts.effects.world.outbox.words();
        let unkept =
            unkept.into_iter().chain(self.amending.unkept()).chain(kept).chain(self.samples_lost()).chain(untold);
        let told: Vec<String> = unguarded.into_iter().chain(unkept).chain(self.trouble.clone()).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Intents, what a person was told is done, and what a rollback goes back to are on disk before anything
/// follows; observations can be made again.
fn must_be_synced(event: &Event) -> bool {
    !matches!(
        event,
        Event::ItemStarted { .. }
            | Event::ItemEnded { .. }
            | Event::ItemBlocked { .. }
            | Event::PhaseOpened { .. }
            | Event::MonitorChanged { .. }
            | Event::StreamChanged { .. }
            | Event::Evaluated { .. }
            | Event::HoleFilled { .. }
            | Event::SamplesKept { .. }
            | Event::StepStarted { .. }
    )
}
