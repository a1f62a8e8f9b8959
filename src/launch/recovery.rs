//! What a console that came back found open, and how each of it stands by now. Folded from the journal
//! alone: the files of an attempt are looked at by the engine, which tells what it saw as records.
//!
//! Nothing with a side effect ever happens twice by itself (rules.md, "Journal first"): what may be done
//! about an attempt of unknown outcome follows from its class, in [`way`].

use super::board::Board;
use super::event::Recorded;
use super::id::{Attempt, ItemId};
use super::item::{ItemState, Progress};
use super::plan::{Act, Class, Item};
use super::time::{Instant, Wall};
use super::verdict::Verdict;

/// What was open when a console came back. The next return replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The record of the return.
    pub seq: u64,
    pub at: Instant,
    pub wall: Wall,
    /// The console before had left by itself.
    pub clean: bool,
    /// In the order of the plan; with what an earlier return found and nobody has settled since.
    pub open: Vec<Open>,
    /// The run of the rollback that was under way.
    pub rollback: Option<u32>,
}

/// An attempt that had an intent and no outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub item: ItemId,
    pub attempt: Attempt,
    pub since: Instant,
    /// Its shim as the console before knew it; none where it had its intent alone.
    pub pid: Option<u32>,
    /// Its shim as this console found it alive.
    pub adopted: Option<u32>,
}

/// How an open attempt stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its files were not looked at yet.
    Looking,
    /// It runs on, and is followed.
    Adopted { pid: u32 },
    /// Its outcome was found: it ended before this console was there.
    EndedAway { verdict: Verdict, at: Wall },
    /// It ended while this console followed it.
    Ended { verdict: Verdict },
    /// Fenced before a shim had claimed it.
    NeverRan,
    /// Its shim died without a word.
    Unknown,
    /// A person said what it came to.
    Marked { passed: bool },
    /// It was done again; without a verdict the new attempt runs.
    Repeated { attempt: Attempt, verdict: Option<Verdict> },
}

/// What may be done about a step whose outcome nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One key: it never ran, or may happen twice.
    Key,
    /// A person looks by hand, and says what it came to or why once more is right.
    Word,
}

impl Recovery {
    /// What `record`, a console's return, finds on the board before it is folded in.
    #[must_use]
    pub fn found(board: &Board, record: &Recorded, clean: bool) -> Self {
        let mut open = Vec::new();
        for (item, state) in steps(board) {
            let Some(attempt) = state.attempt else { continue };
            let found = |since, pid| Open { item: item.id.clone(), attempt, since, pid, adopted: None };
            match state.progress {
                Progress::Intended { since } => open.push(found(since, None)),
                Progress::Running { since, pid } => open.push(found(since, pid)),
                _ if way(item, state).is_some() => {
                    open.extend(board.recovery.as_ref().and_then(|known| known.attempt(&item.id, attempt)).cloned());
                }
                _ => {}
            }
        }
        let rollback = board.rolling_back().map(|run| run.run);
        Self { seq: record.seq, at: record.at, wall: record.recorded_at, clean, open, rollback }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.rollback.is_none()
    }

    /// A shim told that it lives, since this console is there.
    pub(super) fn adopt(&mut self, item: &ItemId, attempt: Attempt, pid: u32) {
        if let Some(open) = self.open.iter_mut().find(|open| open.item == *item && open.attempt == attempt) {
            open.adopted = Some(pid);
        }
    }

    fn attempt(&self, item: &ItemId, attempt: Attempt) -> Option<&Open> {
        self.open.iter().find(|open| open.item == *item && open.attempt == attempt)
    }

    /// How one of its attempts stands on `board`.
    #[must_use]
    pub fn standing(&self, open: &Open, board: &Board) -> Standing {
        let Some(state) = board.item(&open.item) else { return Standing::Looking };
        if let Some(attempt) = state.attempt.filter(|attempt| *attempt > open.attempt) {
            let verdict = match state.progress {
                Progress::Ended { verdict, .. } => Some(verdict),
                _ => None,
            };
            return Standing::Repeated { attempt, verdict };
        }
        let Progress::Ended { verdict, .. } = state.progress else {
            return open.adopted.map_or(Standing::Looking, |pid| Standing::Adopted { pid });
        };
        if let Some(marked) = &state.marked {
            return Standing::Marked { passed: marked.passed };
        }
        let ended_at = state.outcome.as_ref().and_then(|outcome| outcome.ended_at);
        match (&state.outcome, ended_at) {
            (Some(outcome), _) if outcome.never_ran => Standing::NeverRan,
            (Some(outcome), _) if outcome.is_lost() => Standing::Unknown,
            (_, Some(at)) if at < self.wall => Standing::EndedAway { verdict, at },
            _ => Standing::Ended { verdict },
        }
    }
}

/// The steps in the order of the plan.
fn steps(board: &Board) -> impl Iterator<Item = (&Item, &ItemState)> {
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    order
        .filter_map(|id| Some((board.plan.item(id)?, board.item(id)?)))
        .filter(|(item, _)| matches!(item.act, Act::Step { .. }))
}

/// What may be done about `item`, where its last attempt is a step's of unknown outcome.
#[must_use]
pub fn way(item: &Item, state: &ItemState) -> Option<Way> {
    let Act::Step { class, .. } = item.act else { return None };
    let Progress::Ended { verdict: Verdict::Unknown, .. } = state.progress else { return None };
    let never_ran = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    Some(if never_ran || class != Class::Once { Way::Key } else { Way::Word })
}

/// Whether a step of class `once` has passed, and nothing set it back: neither a key nor a reason does it again.
#[must_use]
pub fn is_over(item: &Item, state: &ItemState) -> bool {
    let once = matches!(item.act, Act::Step { class: Class::Once, .. });
    once && state.undone.is_none() && matches!(state.progress, Progress::Ended { verdict: Verdict::Pass, .. })
}

/// What is said to whoever wants such a step again.
#[must_use]
pub fn over(item: &Item) -> String {
    format!("{} has passed and is of class once: only another item of an amended plan does it again", item.id)
}

/// Whether a person may say what the last attempt came to: it is unknown, stands by such a word only, or a rollback
/// may have set it back.
#[must_use]
pub fn may_mark(item: &Item, state: &ItemState) -> bool {
    let never_ran = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    state.marked.is_some() || state.undone.is_some() || (way(item, state).is_some() && !never_ran)
}

/// Steps that wait for a person because a console went: their attempt was found open, and what it did is
/// not known, or it never ran.
pub fn waiting(board: &Board) -> impl Iterator<Item = (&Item, Way)> {
    board.recovery.iter().flat_map(|known| &known.open).filter_map(|open| {
        let (item, state) = (board.plan.item(&open.item)?, board.item(&open.item)?);
        let way = way(item, state).filter(|_| was_cut_off(board, item, state))?;
        (!repeats_itself(board, item, state)).then_some((item, way))
    })
}

/// Whether the schedule has a step done again by itself: a readonly one that runs by itself, once for
/// each return that found it cut off. No other class ever does, not even where the attempt provably never
/// ran: after a crash a person is there (the `console-restart` latch), what the step was to act on may
/// have changed meanwhile, and one key is all it takes.
#[must_use]
pub fn repeats_itself(board: &Board, item: &Item, state: &ItemState) -> bool {
    matches!(item.act, Act::Step { class: Class::Readonly, .. })
        && item.auto
        && !state.cancelled
        && was_cut_off(board, item, state)
}

/// Whether the last attempt was found open by the console's return, and nobody learnt how it ended.
fn was_cut_off(board: &Board, item: &Item, state: &ItemState) -> bool {
    let Some(attempt) = state.attempt.filter(|_| way(item, state).is_some()) else { return false };
    let found = board.recovery.as_ref().is_some_and(|known| known.attempt(&item.id, attempt).is_some());
    found && state.outcome.as_ref().is_none_or(|outcome| outcome.never_ran || outcome.is_lost())
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
