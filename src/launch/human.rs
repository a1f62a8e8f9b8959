//! The human half of a launch, as one door to its parts: what people decide, sign, judge, open and close.
//! Each part has its own file; here stands only who takes what.

use super::amend;
use super::ballot;
use super::board::Board;
use super::branch;
use super::closing::{self, Given};
use super::command::{Command, Refusal};
use super::criteria;
use super::event::{Actor, Event, Mode, Recorded};
use super::incident;
use super::polled;
use super::recurring;
use super::schedule::Timed;
use super::second;
use super::signoff;
use super::slip;
use super::soak;
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
        Command::Sign { item, role, note } => signoff::sign(board, by, item, role, note, now),
        Command::Judge { criterion, met, note } => criteria::judge(board, by, criterion, *met, note),
        Command::WaiveCriterion { criterion, reason, lasts } => {
            criteria::waive(board, by, criterion, reason, *lasts, now)
        }
        Command::Vote { poll, role, vote } => ballot::vote(board, by, poll.as_ref(), role, vote, now),
        Command::OpenIncident { .. } | Command::ChangeIncident { .. } => incident::act(board, command, now),
        Command::GiveEvidence { evidence, what } => closing::give(board, evidence, what),
        Command::Close { why, anyway, gone } => closing::close(board, by, why, anyway.as_deref(), gone, now),
        Command::WaiveHole { item, hole, reason } => soak::waive(board, by, item, *hole, reason),
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
    ballot::fold(board, record);
    polled::fold(board, record);
    signoff::fold(board, record);
    if let Some((criterion, sight)) = criteria::fold(board, record) {
        ballot::compare(board, &criterion, sight, record.at);
    }
}

/// What follows from the board and the time alone in the crew's part; empty when nothing does.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events: Vec<Timed> = recurring::follow(board, now);
    events.extend(incident::follow(board, now));
    events.extend(waiver::follow(board, now));
    events.extend(branch::follow(board, now));
    // A poll is decided on a board where all the rest is told.
    if events.is_empty() { poll(board, now) } else { events }
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
pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    let polls = ballot::next_at(board).chain(criteria::next_at(board));
    recurring::next_at(board, now).chain(incident::next_at(board, now)).chain(waiver::next_at(board)).chain(polls)
}

/// Whether something of the crew's waits for a person, that is no item.
pub(super) fn wants_person(board: &Board) -> bool {
    incident::wants_person(board)
}
