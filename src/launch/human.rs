//! The human half of a launch, as one door to its parts: what people decide, sign, judge, open and close.
//! Each part has its own file; here stands only who takes what.

use super::board::Board;
use super::branch;
use super::command::{Command, Refusal};
use super::event::{Actor, Event, Recorded};
use super::schedule::Timed;
use super::time::Instant;
use super::waiver;

/// What becomes of a command of the crew.
///
/// # Errors
/// The refusal, as a sentence for whoever gave it.
pub(super) fn act(board: &Board, by: &Actor, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Slip { .. } => Err(Refusal("not yet".into())),
        Command::Choose { item, option, reason } => branch::decide(board, by, item, option, reason, now),
        Command::Sign { .. } => Err(Refusal("not yet".into())),
        Command::Judge { .. } | Command::WaiveCriterion { .. } => Err(Refusal("not yet".into())),
        Command::OpenIncident { .. } | Command::ChangeIncident { .. } => Err(Refusal("not yet".into())),
        Command::GiveEvidence { .. } => Err(Refusal("not yet".into())),
        Command::Close { .. } => Err(Refusal("not yet".into())),
        // `decide` has taken every other command.
        other => Err(Refusal(format!("{other:?} is not of the crew"))),
    }
}

/// Folds what the crew did into the board.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::Chosen { .. } | Event::PassedOver { .. } => branch::fold(board, record),
        Event::WaiverExpired { item } => waiver::fold_end(board, item),
        _ => {}
    }
}

/// What follows from the board and the time alone in the crew's part; empty when nothing does.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events = waiver::follow(board, now);
    events.extend(branch::follow(board, now));
    events
}

/// The next instants after `now` at which something of the crew's happens by time alone.
pub(super) fn next_at(board: &Board, _now: Instant) -> impl Iterator<Item = Instant> {
    waiver::next_at(board)
}
