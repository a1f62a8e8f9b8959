//! The faults that a rehearsal switches by itself: each on at its mark, and off when it has lasted as long as it is
//! to last. What a console that went away has begun is not begun again, and ends when it was to end.

use std::time::Duration;

use super::Loop;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input};
use crate::launch::event::Actor;
use crate::launch::rollback::{RollbackRun, StepTold};
use crate::launch::time::{Instant, Mark, Now};

/// A fault that a rehearsal switches by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switching {
    pub fault: String,
    pub due: SwitchDue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchDue {
    /// On, at a mark or from the start, and off after so long, for a hold of T holds no fault up; or once a
    /// rollback cured it.
    On {
        at: Option<Mark>,
        lasts: Option<Duration>,
        cured: bool,
    },
    Off {
        at: Instant,
    },
    /// Off once the steps of a rollback that was asked for since then have run.
    Cured {
        since: Instant,
    },
}

/// What lets a rollback's steps change nothing.
const LIES: &str = "rollback-lies";

impl Switching {
    /// What is left of it on a `board` that may have seen it begin, and end.
    #[must_use]
    pub fn left(self, board: &Board) -> Option<Self> {
        let SwitchDue::On { at, lasts, cured } = self.due else { return Some(self) };
        let Some(at) = at else {
            return (!board.faults.contains(&self.fault)).then_some(self);
        };
        // Of several windows of one fault it is the one that began at this mark, or the next after it.
        let begun = board.drilled.iter().filter(|known| known.fault == self.fault && known.mark <= at);
        let Some(begun) = begun.max_by_key(|known| (known.mark, known.began)) else { return Some(self) };
        if begun.over.is_some() {
            return None;
        }
        Some(Self { due: ending(begun.began, lasts, cured)?, ..self })
    }
}

/// What ends a fault that began at `began`.
fn ending(began: Instant, lasts: Option<Duration>, cured: bool) -> Option<SwitchDue> {
    let off = lasts.map(|lasts| SwitchDue::Off { at: began.plus(lasts) });
    off.or(cured.then_some(SwitchDue::Cured { since: began }))
}

/// Whether the steps of a rollback that was asked for since `since` have all run, and did what they say.
fn is_cured(board: &Board, since: Instant) -> bool {
    let has_run = |run: &RollbackRun| {
        let known = board.plan.rollback(&run.id).map_or(0, |rollback| rollback.steps.len());
        run.requested >= since && run.steps.len() >= known && run.steps.iter().all(StepTold::is_well)
    };
    !board.faults.iter().any(|fault| fault == LIES) && board.rollbacks.iter().any(has_run)
}

impl Loop {
    /// When a fault is switched next, where T stands at `t`: those that wait for their mark, and those that end.
    pub(super) fn next_switch(&self, now: Instant, t: Mark) -> (Vec<Instant>, Vec<Instant>) {
        let (mut begin, mut end) = (Vec::new(), Vec::new());
        for switching in &self.parts.script {
            match switching.due {
                SwitchDue::On { at: Some(at), .. } if at < t => begin.push(Instant(now.0 + (t.0 - at.0))),
                SwitchDue::On { .. } | SwitchDue::Cured { .. } => {}
                SwitchDue::Off { at } => end.push(at),
            }
        }
        (begin, end)
    }

    /// Switches the faults whose mark has come.
    pub(super) fn due_faults(&mut self, now: Now, inputs: &mut Vec<Input>) {
        if self.parts.script.is_empty() || self.unwritten.is_some() {
            return;
        }
        let board = self.dispatch.published();
        let t = board.mark_at(now.instant);
        let due = |switching: &mut Switching| match switching.due {
            SwitchDue::On { at, .. } => at.is_none_or(|at| t <= at),
            SwitchDue::Off { at } => at <= now.instant,
            SwitchDue::Cured { since } => is_cured(board, since),
        };
        let mut ends = Vec::new();
        for Switching { fault, due } in self.parts.script.extract_if(.., due) {
            let on = matches!(due, SwitchDue::On { .. });
            if let SwitchDue::On { lasts, cured, .. } = due {
                let ending = ending(now.instant, lasts, cured);
                ends.extend(ending.map(|due| Switching { fault: fault.clone(), due }));
            }
            let command = Command::SwitchFault { fault, on };
            inputs.push(Input::Command { by: Actor::engine(), command });
        }
        self.parts.script.extend(ends);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::launch::countdown::Phase;
    use crate::launch::event::{Event, Recorded, RollbackFact};
    use crate::launch::id::ItemId;
    use crate::launch::samples::{Flight, minutes, plan};
    use crate::launch::time::Wall;
    use crate::launch::verdict::{Outcome, Verdict};

    const MINUTE: i64 = 60_000;

    /// A launch with the sample plan, which counts from T-60m on, after these switches, each at its instant.
    fn board(switches: &[(i64, &str, bool)]) -> Board {
        let mut board = Flight::of(plan()).board;
        assert!(board.clock.as_ref().is_some_and(|clock| clock.phase == Phase::Counting));
        for (minute, fault, on) in switches {
            let event = Event::FaultSwitched { fault: (*fault).to_owned(), on: *on };
            let (wall, at) = (Wall::UNIX_EPOCH, Instant(minute * MINUTE));
            let seq = board.seq + 1;
            board.take(Arc::new(Recorded {
                seq,
                at,
                occurred_at: wall,
                recorded_at: wall,
                actor: Actor::engine(),
                event,
            }));
        }
        board
    }

    fn on(at: Option<i64>, lasts: Option<u64>) -> Switching {
        let due =
            SwitchDue::On { at: at.map(|minutes| Mark(minutes * MINUTE)), lasts: lasts.map(minutes), cured: false };
        Switching { fault: "down".to_owned(), due }
    }

    fn off(minute: i64) -> Option<Switching> {
        Some(Switching { fault: "down".to_owned(), due: SwitchDue::Off { at: Instant(minute * MINUTE) } })
    }

    #[test]
    fn what_has_not_begun_is_still_to_begin() {
        for due in [on(Some(50), Some(5)), on(Some(50), None), on(None, None)] {
            assert_eq!(due.clone().left(&board(&[])), Some(due.clone()));
            assert_eq!(due.clone().left(&board(&[(3, "slow", true)])), Some(due), "another fault is on");
        }
    }

    #[test]
    fn what_is_on_ends_when_it_was_to_end_and_is_not_begun_again() {
        let on_since = board(&[(10, "down", true)]);
        assert_eq!(on(Some(50), Some(5)).left(&on_since), off(15), "at T-50m, ten minutes after the start");
        assert_eq!(on(Some(51), Some(5)).left(&on_since), off(15), "nobody was there at its mark");
        assert_eq!(on(Some(50), None).left(&on_since), None);
        assert_eq!(on(None, None).left(&on_since), None);
    }

    #[test]
    fn what_a_rollback_cures_is_over_once_all_its_steps_have_run() {
        let due = SwitchDue::On { at: Some(Mark(50 * MINUTE)), lasts: None, cured: true };
        let wanted = Switching { fault: "down".to_owned(), due };
        let mut on = board(&[(10, "down", true)]);
        let since = Instant(10 * MINUTE);
        assert_eq!(wanted.left(&on), Some(Switching { fault: "down".to_owned(), due: SwitchDue::Cured { since } }));

        let steps: Vec<_> =
            on.plan.rollback(&"front".into()).expect("there").steps.iter().map(|step| step.id.clone()).collect();
        let asked = |at: i64| {
            RollbackRun::new(1, "front".into(), Actor::engine(), String::new(), Instant(at), Wall::UNIX_EPOCH)
        };
        let told = |run: &mut RollbackRun, step: &ItemId, verdict| {
            run.apply(&RollbackFact::StepStarted { step: step.clone() }, since);
            let outcome = Outcome::default();
            run.apply(&RollbackFact::StepEnded { step: step.clone(), verdict, outcome }, since);
        };
        let mut run = asked(since.0);
        let (last, earlier) = steps.split_last().expect("steps");
        earlier.iter().for_each(|step| told(&mut run, step, Verdict::Pass));
        on.rollbacks = vec![run.clone()];
        assert!(!is_cured(&on, since), "a step is still to run");
        let mut failed = run.clone();
        told(&mut failed, last, Verdict::Fail);
        on.rollbacks = vec![failed];
        assert!(!is_cured(&on, since), "it failed");
        told(&mut run, last, Verdict::Pass);
        on.rollbacks = vec![run];
        assert!(is_cured(&on, since));
        assert!(!is_cured(&on, Instant(since.0 + 1)), "an earlier rollback takes nothing of it back");
        on.faults.push(LIES.to_owned());
        assert!(!is_cured(&on, since), "its steps change nothing");
    }

    #[test]
    fn what_is_over_stays_over() {
        let over = board(&[(10, "down", true), (15, "down", false)]);
        assert_eq!(on(Some(50), Some(5)).left(&over), None);
        assert_eq!(on(None, None).left(&over), Some(on(None, None)), "without a mark it is wanted now");
    }

    #[test]
    fn of_two_windows_each_is_its_own() {
        let second = board(&[(10, "down", true), (15, "down", false), (30, "down", true)]);
        assert_eq!(on(Some(50), Some(5)).left(&second), None);
        assert_eq!(on(Some(30), Some(5)).left(&second), off(35));
        assert_eq!(on(Some(20), Some(5)).left(&second), Some(on(Some(20), Some(5))), "a third, later");
    }
}
