//! The human half of a launch, as one door to its parts: what people decide, sign, judge, open and close.
//! Each part has its own file; here stands only who takes what.

use super::amend;
use super::board::Board;
use super::branch;
use super::closing::{self, Given};
use super::command::{Command, Refusal};
use super::event::{Actor, Event, Recorded};
use super::incident;
use super::recurring;
use super::schedule::Timed;
use super::second;
use super::slip;
use super::time::Instant;
use super::waiver;

/// What becomes of a command of the crew.
///
/// # Errors
/// The refusal, as a sentence for whoever gave it.
pub(super) fn act(board: &Board, by: &Actor, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Slip { published, why } => slip::act(board, by, *published, why, now),
        Command::Choose { item, option, reason } => branch::decide(board, by, item, option, reason, now),
        Command::Sign { .. } => Err(Refusal("not yet".into())),
        Command::Judge { .. } | Command::WaiveCriterion { .. } => Err(Refusal("not yet".into())),
        Command::OpenIncident { .. } | Command::ChangeIncident { .. } => incident::act(board, command, now),
        Command::GiveEvidence { evidence, what } => closing::give(board, evidence, what),
        Command::Close { why, anyway } => closing::close(board, by, why, anyway.as_deref(), now),
        Command::Amend { amendment, reason } => amend::act(board, by, amendment, reason, now),
        Command::Propose { .. } => Err(Refusal("a plan is looked over by the console that holds the launch".into())),
        // `decide` has taken every other command.
        other => Err(Refusal(format!("{other:?} is not of the crew"))),
    }
}

/// Folds what the crew did into the board.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    amend::fold(board, record);
    incident::fold(board, record);
    match &record.event {
        Event::EvidenceGiven { evidence, what } => {
            let given = Given { what: what.clone(), by: record.actor.clone(), at: record.occurred_at };
            board.evidence.insert(evidence.clone(), given);
        }
        Event::LaunchClosed { why, missing } => board.ended = Some(closing::ended(why, missing)),
        Event::ItemRecurred { item, .. } => second::forget(board, item),
        Event::Chosen { .. } | Event::PassedOver { .. } => branch::fold(board, record),
        Event::WaiverExpired { item } => waiver::fold_end(board, item),
        _ => {}
    }
    slip::fold(board, record);
    recurring::fold(board, record);
}

/// What follows from the board and the time alone in the crew's part; empty when nothing does.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events: Vec<Timed> = recurring::follow(board, now);
    events.extend(incident::follow(board, now));
    events.extend(waiver::follow(board, now));
    events.extend(branch::follow(board, now));
    events
}

/// The next instants after `now` at which something of the crew's happens by time alone.
pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    recurring::next_at(board, now).chain(incident::next_at(board, now)).chain(waiver::next_at(board))
}

/// Whether something of the crew's waits for a person, that is no item.
pub(super) fn wants_person(board: &Board) -> bool {
    incident::wants_person(board)
}
