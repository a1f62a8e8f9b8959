//! Whether a phase may be passed, and what stands in its way (rules.md, "Verdicts"): a gate opens on
//! pass; on warn once acknowledged; on skipped if the plan allows it; on anything else only by a
//! recorded waiver, until it ends. What stands on a branch not chosen is skipped by the plan.

use super::board::{Board, Progress};
use super::branch;
use super::id::{ItemId, PhaseId};
use super::plan::{Item, OnFail, Phase};
use super::recurring;
use super::time::Instant;
use super::verdict::Verdict;

/// Where a phase stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    pub total: usize,
    /// Items that let the gate open, waived ones included.
    pub clear: usize,
    pub waivers: u32,
    /// Steps that let it open because a person said what they had come to.
    pub marked: u32,
    /// Items that let it open because a person took on what they had found.
    pub taken_on: u32,
    /// Items that the plan passes over: on branches not chosen.
    pub passed_over: usize,
    pub running: usize,
    /// Items not tried yet.
    pub waiting: usize,
    /// What stands in the way, with its verdict, in the order of the plan.
    pub blocking: Vec<(ItemId, Option<Verdict>)>,
    /// The worst verdict of the items that ended; none before the first.
    pub worst: Option<Verdict>,
}

/// How one item stands to its gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    Yes,
    ByWaiver,
    No(Option<Verdict>),
}

impl Standing {
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.clear == self.total
    }

    /// How many items let it open by a person's word in place of a pass: with any, it is no plain pass.
    #[must_use]
    pub fn by_word(&self) -> u32 {
        self.waivers.saturating_add(self.marked).saturating_add(self.taken_on)
    }

    /// `2 taken on`, after `before`; nothing where none was.
    #[must_use]
    pub fn taken_on_words(&self, before: &str) -> String {
        if self.taken_on > 0 { format!("{before}{} taken on", self.taken_on) } else { String::new() }
    }
}

/// How `item` stands to its gate at `now`.
#[must_use]
pub fn clear(board: &Board, item: &Item, now: Instant) -> Clear {
    let Some(state) = board.item(&item.id) else { return Clear::No(None) };
    let state = recurring::stood(board, &item.id, state).unwrap_or(state);
    let verdict = state.verdict(item.valid_for, now);
    let open = match verdict {
        Some(Verdict::Pass) => true,
        Some(Verdict::Warn) => state.acknowledged,
        Some(Verdict::Skipped) => item.allow_skipped || branch::is_over(state),
        Some(Verdict::Fail | Verdict::Unknown | Verdict::Stale) => {
            item.on_fail == OnFail::Warn && state.acknowledged && !matches!(state.progress, Progress::Blocked { .. })
        }
        None => false,
    };
    match (open, verdict, state.waiver.as_ref().filter(|waiver| waiver.counts(now))) {
        (true, ..) => Clear::Yes,
        (false, Some(_), Some(_)) => Clear::ByWaiver,
        _ => Clear::No(verdict),
    }
}

/// Where `phase` stands at `now`.
#[must_use]
pub fn standing(board: &Board, phase: &Phase, now: Instant) -> Standing {
    let mut standing = Standing { total: phase.items.len(), ..Standing::default() };
    for id in &phase.items {
        let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
        match &state.progress {
            Progress::Running { .. } | Progress::Intended { .. } => standing.running += 1,
            Progress::Waiting => standing.waiting += 1,
            Progress::Ended { .. } | Progress::Blocked { .. } => {}
        }
        // What is due once more stands by its verdict of before, and by what was said of it.
        let state = recurring::stood(board, id, state).unwrap_or(state);
        if branch::is_over(state) {
            standing.passed_over += 1;
        } else {
            standing.worst = standing.worst.max(state.verdict(item.valid_for, now));
        }
        match clear(board, item, now) {
            Clear::Yes => {
                standing.clear += 1;
                standing.marked += u32::from(state.marked.is_some());
                let ill = state.verdict(item.valid_for, now).is_some_and(|verdict| verdict >= Verdict::Warn);
                standing.taken_on += u32::from(ill);
            }
            Clear::ByWaiver => {
                standing.clear += 1;
                standing.waivers += 1;
            }
            Clear::No(verdict) => standing.blocking.push((id.clone(), verdict)),
        }
    }
    standing
}

/// Whether a phase lets the ones that need it begin: a gate must be clear, another phase only open.
#[must_use]
pub fn lets_on(board: &Board, phase: &PhaseId, now: Instant) -> bool {
    let Some(phase) = board.plan.phase(phase) else { return false };
    if phase.gate {
        standing(board, phase, now).is_clear()
    } else {
        board.phases.get(&phase.id).is_some_and(|state| state.opened.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::command::Command;
    use crate::launch::samples::{Flight, plan};

    #[test]
    fn what_a_person_took_on_lets_a_gate_open_and_is_no_pass() {
        for (verdict, on_fail) in [(Verdict::Warn, OnFail::Block), (Verdict::Fail, OnFail::Warn)] {
            let mut plan = plan();
            plan.items.get_mut(&"health".into()).expect("an item").on_fail = on_fail;
            let mut flight = Flight::of(plan);
            for item in ["login", "chat"] {
                flight.answer(item, Verdict::Pass);
            }
            flight.answer("health", verdict);
            let standing = |flight: &Flight| standing(&flight.board, &flight.board.plan.phases[0], flight.now);
            assert!(!standing(&flight).is_clear(), "{verdict}");
            assert_eq!(standing(&flight).by_word(), 0);
            flight.command(Command::Acknowledge { item: "health".into() }).expect("taken on");
            let standing = standing(&flight);
            assert!(standing.is_clear(), "{verdict}");
            assert_eq!((standing.taken_on, standing.by_word()), (1, 1));
            assert_eq!(standing.taken_on_words(" · "), " · 1 taken on");
        }
    }
}
