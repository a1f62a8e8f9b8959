//! How a rehearsal's time passes: idle time is skipped, and faults switch on at their marks.

use std::time::Duration;

use tokio::time::Instant as WireInstant;

use super::Loop;
use crate::engine::time::Pace;
use crate::launch::command::{Command, Input};
use crate::launch::event::Actor;
use crate::launch::schedule;
use crate::launch::time::{Instant, Mark, Now};

impl Loop {
    /// How much of a rehearsal's idle time is passed.
    pub(super) fn idle_time(&mut self, now: Now) -> Option<Duration> {
        let elapsed = self.paced_at.elapsed();
        self.paced_at = WireInstant::now();
        let board = self.dispatch.published();
        if self.unwritten.is_some()
            || board.is_busy()
            || self.parts.pace == Pace::Real
            || !self.parts.observations.is_empty()
        {
            return None;
        }
        let now = now.instant;
        // While a person is wanted the clock runs as it will on the day.
        if matches!(self.parts.pace, Pace::Times(_)) && schedule::wants_person(board, now) {
            return None;
        }
        let t = board.mark_at(now);
        let faults = self.parts.script.iter().filter_map(|(from, _)| *from).filter(|from| *from < t);
        let faults = faults.map(|from| Instant(now.0 + (t.0 - from.0)));
        let next = schedule::next_at(board, now).map(|next| faults.fold(next, Instant::min));
        self.parts.pace.jump(elapsed, now, next)
    }

    /// Switches on the faults whose mark has come.
    pub(super) fn due_faults(&mut self, now: Now, inputs: &mut Vec<Input>) {
        if self.parts.script.is_empty() || self.unwritten.is_some() {
            return;
        }
        let t = self.dispatch.published().mark_at(now.instant);
        let due = |(from, _): &mut (Option<Mark>, String)| from.is_none_or(|from| t <= from);
        for (_, fault) in self.parts.script.extract_if(.., due) {
            let command = Command::SwitchFault { fault, on: true };
            inputs.push(Input::Command { by: Actor::engine(), command });
        }
    }
}
