//! Whether the countdown holds for a person: then a rehearsal does not hurry on, for neither votes nor waivers nor
//! soaks wait for whoever reads the screen.

use super::board::Board;
use super::countdown::{self, BUILT_IN};
use super::lost;
use super::poll;
use super::schedule::GO_LATCH;
use super::time::Instant;

/// Whether the countdown holds at `now`, and time alone does not clear that. A hold that is served, a gate in which
/// something still runs and a source that is lost end by themselves, as far as anybody knows.
#[must_use]
pub fn holds(board: &Board, now: Instant) -> bool {
    let Some(clock) = board.clock_at(now).filter(|clock| clock.phase == countdown::Phase::Holding) else {
        return false;
    };
    let runs = || board.items.values().any(|state| state.is_running());
    let voted = || poll::tally(board, now).votes.iter().all(|(_, vote)| vote.is_some());
    let persons = |who: &String| match who.as_str() {
        // Whoever votes does so while it is served.
        BUILT_IN => clock.hold_left().is_none_or(|left| left.is_zero()) || (poll::at_poll_hold(board, now) && !voted()),
        GO_LATCH => !runs() || !voted(),
        who if who.starts_with("gate ") => !runs(),
        who if who.starts_with(lost::LATCH) => false,
        _ => true,
    };
    // With every latch cleared it waits for whoever resumes.
    clock.latches.is_empty() || clock.latches.keys().any(persons)
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
