//! What nobody watched: after T-0 there is no hold, so an automatic step that became due while no console
//! looked is kept from running by a freeze, which one key lifts. Before T-0 the countdown itself stops. Pure.

use std::time::Duration;

use super::board::Board;
use super::countdown;
use super::event::Event;
use super::item::Progress;
use super::plan::{Act, Item};
use super::recurring;
use super::schedule::{Due, due};
use super::time::{Instant, Mark};

/// What stops a launch after T-0 that nobody watched from `since` to `now`, where an automatic step would now
/// run on the strength of that time alone. `board` is as it was before. None where nothing became due.
#[must_use]
pub fn stop(board: &Board, since: Instant, now: Instant) -> Option<Event> {
    let clock = board.clock.as_ref().filter(|clock| clock.phase == countdown::Phase::Liftoff)?;
    let t0 = clock.t0.filter(|_| board.frozen.is_none() && board.ended.is_none())?;
    // The board may have been told of a later time already: T is reckoned from T-0 itself.
    let [since_t, t] = [since, now].map(|at| Mark(t0.0 - at.0));
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.item(id));
    let mut missed = order.filter(|item| became_due(board, item, now, [since_t, t]) || came_again(board, item, now));
    let first = missed.next()?;
    let more = match missed.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let gap = humantime::format_duration(Duration::from_secs(now.since(since).as_secs().max(1)));
    Some(Event::Frozen { why: format!("nobody watched for {gap}, and {}{more} became due meanwhile", first.id) })
}

/// Whether an automatic step that has not begun is due by what happened in that time: its mark came, or what
/// it waits for may have ended. One that waits for something else still will begin under somebody's eyes.
fn became_due(board: &Board, item: &Item, now: Instant, [since_t, t]: [Mark; 2]) -> bool {
    let waits = board.item(&item.id).is_some_and(|state| !matches!(state.progress, Progress::Ended { .. }));
    if !(item.auto && matches!(item.act, Act::Step { .. }) && waits && has_come(board, item, t)) {
        return false;
    }
    match due(board, item, now) {
        Due::Begun | Due::Blocked(_) => false,
        Due::Now => true,
        Due::NotYet { .. } | Due::After(_) | Due::Captured(_) => {
            !has_come(board, item, since_t) || item.needs.iter().any(|needed| may_have_ended(board, needed, now))
        }
    }
}

/// An occurrence that came in that time would run by itself as soon as it is told.
fn came_again(board: &Board, item: &Item, now: Instant) -> bool {
    item.auto && matches!(item.act, Act::Step { .. }) && recurring::has_come(board, item, now)
}

fn has_come(board: &Board, item: &Item, t: Mark) -> bool {
    t <= item.at && board.plan.phase(&item.phase).is_some_and(|phase| t <= phase.at)
}

/// A step goes on without us, and so does time. A check ends where somebody sees it.
fn may_have_ended(board: &Board, needed: &super::id::ItemId, now: Instant) -> bool {
    let (Some(item), Some(state)) = (board.plan.item(needed), board.item(needed)) else { return false };
    match (&item.act, &state.progress) {
        (Act::Step { .. }, _) => state.is_running(),
        (Act::Wait { span }, Progress::Running { since, .. }) => since.plus(*span) <= now,
        _ => false,
    }
}

#[cfg(test)]
#[path = "unwatched_tests.rs"]
mod tests;
