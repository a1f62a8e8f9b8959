//! The faults that a rehearsal switches by itself: each on at its mark, and off when it has lasted as long as it is
//! to last. What a console that went away has begun is not begun again, and ends when it was to end.

use std::time::Duration;

use super::Loop;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input};
use crate::launch::event::Actor;
use crate::launch::time::{Instant, Mark, Now};

/// A fault that a rehearsal switches by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switching {
    pub fault: String,
    pub due: SwitchDue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchDue {
    /// On, at a mark or from the start, and off after so long: a hold of T holds no fault up.
    On {
        at: Option<Mark>,
        lasts: Option<Duration>,
    },
    Off {
        at: Instant,
    },
}

impl Switching {
    /// What is left of it on a `board` that may have seen it begin, and end.
    #[must_use]
    pub fn left(self, board: &Board) -> Option<Self> {
        let SwitchDue::On { at, lasts } = self.due else { return Some(self) };
        let Some(at) = at else {
            return (!board.faults.contains(&self.fault)).then_some(self);
        };
        // Of several windows of one fault it is the one that began at this mark, or the next after it.
        let begun = board.drilled.iter().filter(|known| known.fault == self.fault && known.mark <= at);
        let Some(begun) = begun.max_by_key(|known| (known.mark, known.began)) else { return Some(self) };
        let lasts = lasts.filter(|_| begun.over.is_none())?;
        Some(Self { due: SwitchDue::Off { at: begun.began.plus(lasts) }, ..self })
    }
}

impl Loop {
    /// When a fault is switched next, where T stands at `t`: those that wait for their mark, and those that end.
    pub(super) fn next_switch(&self, now: Instant, t: Mark) -> (Vec<Instant>, Vec<Instant>) {
        let (mut begin, mut end) = (Vec::new(), Vec::new());
        for switching in &self.parts.script {
            match switching.due {
                SwitchDue::On { at: Some(at), .. } if at < t => begin.push(Instant(now.0 + (t.0 - at.0))),
                SwitchDue::On { .. } => {}
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
        let t = self.dispatch.published().mark_at(now.instant);
        let due = |switching: &mut Switching| match switching.due {
            SwitchDue::On { at, .. } => at.is_none_or(|at| t <= at),
            SwitchDue::Off { at } => at <= now.instant,
        };
        let mut ends = Vec::new();
        for Switching { fault, due } in self.parts.script.extract_if(.., due) {
            let on = matches!(due, SwitchDue::On { .. });
            if let SwitchDue::On { lasts: Some(lasts), .. } = due {
                ends.push(Switching { fault: fault.clone(), due: SwitchDue::Off { at: now.instant.plus(lasts) } });
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
    use crate::launch::event::{Event, Recorded};
    use crate::launch::samples::{Flight, minutes, plan};
    use crate::launch::time::Wall;

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
        let due = SwitchDue::On { at: at.map(|minutes| Mark(minutes * MINUTE)), lasts: lasts.map(minutes) };
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
