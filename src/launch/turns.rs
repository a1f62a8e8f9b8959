//! When T stood where: the turns the countdown took, so that "at T-12m" can be told as a wall time although
//! holds and recycles lie between. Folded by the board alone.

use super::countdown::{Countdown, Phase};
use super::event::Recorded;
use super::time::{Instant, Mark, Now, Wall};

/// The stretches of the countdown, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turns(Vec<Stretch>);

/// From here on T ran, or stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    at: Instant,
    wall: Wall,
    /// Milliseconds before T-0, where it begins; less than none after it.
    t: i64,
    runs: bool,
}

impl Stretch {
    /// T at `at`, which is not before it.
    fn t_at(&self, at: Instant) -> i64 {
        if self.runs { self.t.saturating_sub(at.0.saturating_sub(self.at.0).max(0)) } else { self.t }
    }
}

impl Turns {
    /// Takes down how the clock stands after `record`, where that is not what went before led to.
    pub(super) fn turn(&mut self, clock: Option<&Countdown>, record: &Recorded) {
        let Some(clock) = clock else { return };
        let runs = matches!(clock.phase, Phase::Counting | Phase::Liftoff);
        let told = self.0.last().is_some_and(|last| last.runs == runs && last.t_at(clock.now) == clock.mark().0);
        if !told {
            self.0.push(Stretch { at: clock.now, wall: record.recorded_at, t: clock.mark().0, runs });
        }
    }

    /// When T was first at `mark` on its latest way past it; none where it has not come there, or the launch
    /// was opened after it.
    #[must_use]
    pub fn when(&self, mark: Mark, now: Now) -> Option<Wall> {
        let mut found: Option<Wall> = None;
        let (mut ends, mut ends_wall) = (now.instant, now.wall);
        for stretch in self.0.iter().rev() {
            let last = stretch.t_at(ends);
            let holds = (last..=stretch.t).contains(&mark.0);
            match (found, holds) {
                // The stretch before reached the same mark by running into it: there it was first.
                (Some(at), true) if last == mark.0 => found = Some(at.min(stretch.reaches(mark, ends_wall))),
                (Some(_), _) => break,
                (None, true) => found = Some(stretch.reaches(mark, ends_wall)),
                (None, false) => {}
            }
            (ends, ends_wall) = (stretch.at, stretch.wall);
        }
        found
    }

    /// Whether `mark` lies behind, be it from before the launch was opened.
    #[must_use]
    pub fn passed(&self, mark: Mark, now: Now) -> bool {
        self.0.last().is_some_and(|last| last.t_at(now.instant) <= mark.0)
    }
}

impl Stretch {
    /// Not after its end: a rehearsal's axis may jump where the wall does not.
    fn reaches(&self, mark: Mark, ends: Wall) -> Wall {
        let after = if self.runs { self.t.saturating_sub(mark.0).max(0) } else { 0 };
        let after = chrono::TimeDelta::try_milliseconds(after).unwrap_or_default();
        self.wall.checked_add_signed(after).unwrap_or(ends).min(ends.max(self.wall))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn wall(minutes: i64) -> Wall {
        Wall::default() + TimeDelta::minutes(minutes)
    }

    fn stretch(minute: i64, t: i64, runs: bool) -> Stretch {
        Stretch { at: Instant(minute * MINUTE), wall: wall(minute), t: t * MINUTE, runs }
    }

    fn at(turns: &Turns, mark: i64, now: i64) -> Option<Wall> {
        turns.when(Mark(mark * MINUTE), Now { instant: Instant(now * MINUTE), wall: wall(now) })
    }

    #[test]
    fn a_mark_is_found_through_holds_and_recycles() {
        // From T-60m; held from T-10m for 20 minutes; recycled to T-30m at minute 75, held till 80.
        let turns = Turns(vec![
            stretch(0, 60, true),
            stretch(50, 10, false),
            stretch(70, 10, true),
            stretch(75, 30, false),
            stretch(80, 30, true),
        ]);
        assert_eq!(at(&turns, 60, 20), Some(wall(0)), "where it was opened");
        assert_eq!(at(&turns, 12, 60), Some(wall(48)), "before the hold it is in");
        assert_eq!(at(&turns, 10, 60), Some(wall(50)), "the hold began there");
        assert_eq!(at(&turns, 10, 72), Some(wall(50)), "reached once, though it left later");
        assert_eq!(at(&turns, 8, 74), Some(wall(72)));
        assert_eq!(at(&turns, 30, 85), Some(wall(75)), "the latest time");
        assert_eq!(at(&turns, 28, 85), Some(wall(82)));
        assert_eq!(at(&turns, 40, 85), Some(wall(20)), "from before the recycle");
        assert_eq!(at(&turns, 8, 85), Some(wall(72)), "from before the recycle");
        assert_eq!(at(&turns, 0, 85), None, "not come yet");
        assert_eq!(at(&turns, 61, 85), None, "before the launch was opened");
    }

    #[test]
    fn a_jump_of_the_axis_never_leads_past_what_came_after() {
        // A rehearsal skipped half an hour: the wall moved a second.
        let soon = wall(0) + TimeDelta::seconds(1);
        let turns = Turns(vec![stretch(0, 60, true), Stretch { wall: soon, ..stretch(30, 30, false) }]);
        assert_eq!(at(&turns, 31, 40), Some(soon));
    }

    #[test]
    fn after_t_0_t_runs_on_whatever_is_recorded() {
        use crate::launch::command::Command;
        use crate::launch::samples::{Flight, minutes, plan};
        let mut plan = plan();
        plan.phases.retain(|phase| phase.id.as_str() == "late");
        plan.items.retain(|_, item| item.phase.as_str() == "late");
        plan.clock.holds.clear();
        (plan.clock.start, plan.poll) = (MINUTE, Vec::new());
        let mut flight = Flight::of(plan);
        flight.pass(minutes(31));
        let stretches = flight.board.turns.0.len();
        for _ in 0..20 {
            flight.pass(minutes(1));
            flight.command(Command::note("seen")).expect("noted");
        }
        let turns = &flight.board.turns;
        assert_eq!(turns.0.len(), stretches, "{turns:?}");
        assert_eq!(at(turns, -40, 51), Some(wall(41)), "T+40m");
        assert_eq!(at(turns, 0, 51), Some(wall(1)), "T-0");
        assert_eq!(at(turns, -51, 51), None, "not come yet");
    }
}
