//! What an event does to the countdown. Every time that nobody watched is the countdown's own to judge.

use super::Board;
use crate::launch::countdown::{self, Terms};
use crate::launch::event::{Event, Recorded};
use crate::launch::plan::{Phase, Plan};
use crate::launch::time::{Instant, Wall, millis};

impl Board {
    pub(super) fn fold_clock(&mut self, record: &Recorded) {
        let marks = || self.plan.marks();
        let opened = |phase: &&Phase| self.phases.get(&phase.id).is_some_and(|state| state.opened.is_some());
        let unopened = self.plan.phases.iter().filter(|phase| !opened(phase)).map(|phase| phase.at);
        let Some(clock) = &mut self.clock else { return };
        // decide has tried each on a clone first: a refusal here could only come of a foreign journal.
        let _ = match &record.event {
            Event::ConsoleReturned { clean: true, .. } => {
                clock.reopen(record.at, &marks());
                Ok(())
            }
            Event::ConsoleReturned { clean: false, t } => {
                // Up to the last heartbeat it was watched, whether or not anything was recorded then. T only
                // ever ran down since the last record, and never for longer than the axis did. What it would have
                // passed has a record where it was watched: without one T comes back before it, T-0 above all.
                let ran =
                    clock.t.saturating_sub(*t).clamp(0, record.at.since(clock.now).as_millis().try_into().unwrap_or(0));
                let ran = ran.min(clock.unmarked(unopened));
                if clock.phase == countdown::Phase::Counting {
                    clock.tick(Instant(clock.now.0 + ran));
                }
                clock.restart(clock.t, record.at);
                Ok(())
            }
            Event::Slept { gap } => {
                clock.tick(Instant(record.at.0.saturating_sub(millis(*gap))));
                clock.wake(record.at, &marks());
                Ok(())
            }
            Event::HoldCalled { who, why } => {
                clock.latch(who, why);
                Ok(())
            }
            Event::HoldReleased { who } => {
                clock.release(who);
                Ok(())
            }
            Event::Resumed => clock.resume(true),
            Event::CaughtUp => {
                let caught = clock.catch_up(&marks());
                clock.release(countdown::CONSOLE_RESTART);
                caught
            }
            Event::Recycled { mark } => clock.recycle(*mark),
            Event::Scrubbed { .. } => clock.scrub(),
            Event::CutOff { .. } => clock.cutoff(),
            _ => Ok(()),
        };
    }
}

/// The plan's clock as terms of the countdown of a launch that is opened at `at`, which is `wall`.
#[must_use]
pub fn terms(plan: &Plan, at: Instant, wall: Wall) -> Terms {
    Terms {
        holds: plan.clock.holds.iter().map(|hold| (hold.at, hold.length)).collect(),
        recycle: plan.clock.recycle.clone(),
        terminal: plan.clock.terminal.unwrap_or_default(),
        no_hold_below: plan.clock.no_hold_below.unwrap_or_default(),
        closes: plan.clock.window_closes.map(|close| Instant(at.0 + (close - wall).num_milliseconds())),
        max_terminal_hold: plan.clock.max_terminal_hold,
    }
}
