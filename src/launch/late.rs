//! How late something of the checklist is. T alone cannot tell: while it holds, everything due waits on. So
//! the course that T took is folded here, and says when a mark was passed. Pure; nothing is decided by it.

use std::time::Duration;

use super::board::Board;
use super::countdown::{self, Countdown};
use super::gate::{self, Clear};
use super::item::Progress;
use super::plan::{Act, Item, Phase};
use super::recurring;
use super::time::{Instant, Mark};

/// What waits no longer than this after its mark is not late yet.
pub const GRACE: Duration = Duration::from_secs(60);

/// The course of T since the launch was opened: a leg for each change of its running, never for a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course(Vec<Leg>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leg {
    at: Instant,
    t: Mark,
    attempt: u32,
    runs: bool,
    /// Until when a built-in hold is served: what waits in it is in time.
    served: Option<Instant>,
}

impl Leg {
    fn t_at(&self, at: Instant) -> Mark {
        let ran = if self.runs { at.0.saturating_sub(self.at.0).max(0) } else { 0 };
        Mark(self.t.0.saturating_sub(ran))
    }

    fn goes_on_to(&self, later: &Self) -> bool {
        (self.attempt, self.runs, self.served) == (later.attempt, later.runs, later.served)
            && self.t_at(later.at) == later.t
    }
}

impl Course {
    /// Folds in where the clock stands after a record.
    pub(super) fn fold(&mut self, clock: Option<&Countdown>) {
        let Some(clock) = clock else { return };
        let left = clock.hold_left().filter(|left| !left.is_zero());
        let leg = Leg {
            at: clock.now,
            t: clock.mark(),
            attempt: clock.attempt,
            runs: matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Liftoff),
            served: left.map(|left| clock.now.plus(left)),
        };
        if !self.0.last().is_some_and(|last| last.goes_on_to(&leg)) {
            self.0.push(leg);
        }
    }

    /// When the countdown began.
    #[must_use]
    pub fn opened(&self) -> Option<Instant> {
        self.0.first().map(|leg| leg.at)
    }

    /// When T came to `mark`, where it is there at `now`: a mark that a recycle went back over is to come again.
    #[must_use]
    pub fn came(&self, mark: Mark, now: Instant) -> Option<Instant> {
        let mut came = None;
        let mut after: Option<&Leg> = None;
        for leg in self.0.iter().rev() {
            // Only a recycle takes T back. Where nobody watched T ran no further than the next leg says.
            let recycled = after.is_some_and(|after| after.attempt != leg.attempt);
            let ran = leg.t_at(after.map_or(now, |after| after.at));
            if recycled || after.map_or(ran, |after| ran.max(after.t)) > mark {
                break;
            }
            came = Some(leg.at.max(Instant(leg.at.0.saturating_add(leg.t.0.saturating_sub(mark.0)))));
            if leg.t > mark {
                break;
            }
            after = Some(leg);
        }
        came
    }

    /// The time between `since` and `now`, built-in holds that were being served left out.
    fn waited(&self, since: Instant, now: Instant) -> Duration {
        let served = self.0.iter().zip(self.0.iter().skip(1).map(|leg| leg.at).chain([now])).map(|(leg, end)| {
            leg.served.map_or(Duration::ZERO, |until| until.min(end).min(now).since(leg.at.max(since)))
        });
        now.since(since).saturating_sub(served.sum())
    }
}

/// How long `item` has been due and was not begun, or could not be; none within the [`GRACE`], and for what
/// runs or has ended.
#[must_use]
pub fn late(board: &Board, item: &Item, now: Instant) -> Option<Duration> {
    let state = board.item(&item.id)?;
    let waits = match state.progress {
        Progress::Waiting => true,
        Progress::Blocked { .. } => state.waiver.is_none(),
        _ => false,
    };
    if !waits || is_over(board) || board.mark_at(now) > item.at {
        return None;
    }
    let since = could_be(board, item, now)?;
    by(board, recurring::due_at(board, &item.id).map_or(since, |due| due.max(since)), now)
}

/// Since when `item` could be done: its mark, or the end of the last of what it needs. None before that, and while time
/// that was planned passes first. What hangs or failed is no reason to be late.
fn could_be(board: &Board, item: &Item, now: Instant) -> Option<Instant> {
    let mut since = board.course.came(item.at, now)?;
    for needed in item.needs.iter().filter_map(|id| board.plan.item(id)) {
        let timed = matches!(needed.act, Act::Wait { .. } | Act::Soak(_));
        let at = match board.item(&needed.id)?.progress {
            Progress::Ended { at, .. } if timed || !matches!(gate::clear(board, needed, now), Clear::No(_)) => at,
            Progress::Running { .. } | Progress::Waiting if timed => return None,
            _ => could_be(board, needed, now)?,
        };
        since = since.max(at);
    }
    Some(since)
}

/// How long ago `phase` should have opened, where it could not.
#[must_use]
pub fn unopened(board: &Board, phase: &Phase, now: Instant) -> Option<Duration> {
    let opened = board.phases.get(&phase.id).is_some_and(|state| state.opened.is_some());
    if opened || is_over(board) || board.mark_at(now) > phase.at {
        return None;
    }
    by(board, board.course.came(phase.at, now)?, now)
}

/// Every item that is late, in the order of the plan.
pub fn items(board: &Board, now: Instant) -> impl Iterator<Item = (&Item, Duration)> {
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.0.items.get(id));
    order.filter_map(move |item| Some((item, late(board, item, now)?)))
}

fn by(board: &Board, since: Instant, now: Instant) -> Option<Duration> {
    Some(board.course.waited(since, now)).filter(|late| *late > GRACE)
}

/// Nothing of a launch that is over is late any more.
fn is_over(board: &Board) -> bool {
    let over = |clock: &Countdown| matches!(clock.phase, countdown::Phase::Scrubbed | countdown::Phase::Cutoff);
    board.ended.is_some() || board.clock.as_ref().is_some_and(over)
}

#[cfg(test)]
#[path = "late_tests.rs"]
mod tests;
