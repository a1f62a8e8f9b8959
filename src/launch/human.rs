//! The human half of a launch, as one door to its parts: what people decide, sign, judge, open and close.
//! Each part has its own file; here stands only who takes what.

use super::ballot;
use super::board::Board;
use super::command::{Command, Refusal};
use super::criteria;
use super::event::{Actor, Event, Mode, Recorded};
use super::polled;
use super::schedule::Timed;
use super::signoff;
use super::time::Instant;

/// What becomes of a command of the crew.
///
/// # Errors
/// The refusal, as a sentence for whoever gave it.
pub(super) fn act(board: &Board, by: &Actor, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Slip { .. } => Err(Refusal("not yet".into())),
        Command::Choose { .. } => Err(Refusal("not yet".into())),
        Command::Sign { item, role, note } => signoff::sign(board, by, item, role, note, now),
        Command::Judge { criterion, met, note } => criteria::judge(board, by, criterion, *met, note),
        Command::WaiveCriterion { criterion, reason, lasts } => {
            criteria::waive(board, by, criterion, reason, *lasts, now)
        }
        Command::Vote { poll, role, vote } => ballot::vote(board, by, poll.as_ref(), role, vote, now),
        Command::OpenIncident { .. } | Command::ChangeIncident { .. } => Err(Refusal("not yet".into())),
        Command::GiveEvidence { .. } => Err(Refusal("not yet".into())),
        Command::Close { .. } => Err(Refusal("not yet".into())),
        // `decide` has taken every other command.
        other => Err(Refusal(format!("{other:?} is not of the crew"))),
    }
}

/// Folds what the crew did into the board.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    ballot::fold(board, record);
    polled::fold(board, record);
    signoff::fold(board, record);
    if let Some((criterion, sight)) = criteria::fold(board, record) {
        ballot::compare(board, &criterion, sight, record.at);
    }
}

/// What follows from the board and the time alone in the crew's part; empty when nothing does.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    poll(board, now)
}

/// Votes void before anything is counted, and verdicts are told before a poll is decided on them.
fn poll(board: &Board, now: Instant) -> Vec<Timed> {
    if board.mode == Mode::Gate {
        return Vec::new();
    }
    let parts = [ballot::follow, criteria::follow, signoff::follow, polled::follow];
    parts.iter().map(|part| part(board, now)).find(|events| !events.is_empty()).unwrap_or_default()
}

/// The next instants after `now` at which something of the crew's happens by time alone.
pub(super) fn next_at(board: &Board, _now: Instant) -> impl Iterator<Item = Instant> {
    ballot::next_at(board).chain(criteria::next_at(board))
}
