//! The scribe's notes: which there are, when each happened, and which corrects which. A note is never
//! edited: an amendment is a record of its own that names the note it corrects.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::board::Board;
use super::command::{Command, Input, Refusal};
use super::event::{Event, Recorded};
use super::occurred::EARLIEST;
use super::time::Wall;

/// Every note of a launch, by the number of its record.
pub type Notes = Arc<BTreeMap<u64, Note>>;

/// One note, without its text: that is in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    pub occurred_at: Wall,
    /// The note that it corrects.
    pub amends: Option<u64>,
    /// Of one that corrects nothing: its newest amendment.
    pub amended_by: Option<u64>,
}

/// What becomes of a note.
pub(super) fn decide(board: &Board, text: &str, amends: Option<u64>) -> Result<Vec<Event>, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal("an empty note says nothing".into()));
    }
    let amends = amends.map(|seq| original(board, seq)).transpose()?;
    Ok(vec![Event::Noted { text: text.to_owned(), amends }])
}

/// The note that an amendment of `seq` corrects: whoever corrects a correction means the note itself, whose
/// newest amendment is the one that counts.
///
/// # Errors
/// That record is no note.
pub fn original(board: &Board, seq: u64) -> Result<u64, Refusal> {
    // A terminal was told the number of the answer, which stands right after what it led to.
    let answer = !board.noted.contains_key(&seq) && board.requests.values().any(|decided| decided.seq == seq);
    let seq = if answer && board.noted.contains_key(&seq.saturating_sub(1)) { seq - 1 } else { seq };
    match board.noted.get(&seq) {
        Some(note) => Ok(note.amends.unwrap_or(seq)),
        None if seq > board.seq || seq == 0 => Err(Refusal(format!("there is no record #{seq} to amend"))),
        None => Err(Refusal(format!("record #{seq} is no note: only a note is amended"))),
    }
}

/// Refuses a note of a time that cannot be, whoever asks: `now` is the wall time at which it is decided.
///
/// # Errors
/// It has not come, or is more than a day before the launch was opened.
pub fn timely(board: &Board, input: &Input, now: Wall) -> Result<(), Refusal> {
    let Some(at) = command_of(input).and_then(|command| match command {
        Command::Note { occurred_at, .. } => *occurred_at,
        _ => None,
    }) else {
        return Ok(());
    };
    let said = at.format("%Y-%m-%d %H:%M:%S UTC");
    if at > now {
        return Err(Refusal(format!("{said} has not come yet: a note tells what happened")));
    }
    match board.opened_at {
        Some(opened) if at < opened - EARLIEST => {
            Err(Refusal(format!("{said} is more than a day before the launch was opened: a note is of its launch")))
        }
        _ => Ok(()),
    }
}

/// When what a note tells happened: as it says; an amendment's is that of the note it corrects; a request's
/// is when it was asked. None for every other event.
#[must_use]
pub fn occurred_at(board: &Board, input: &Input, event: &Event) -> Option<Wall> {
    let Event::Noted { amends, .. } = event else { return None };
    let said = match command_of(input) {
        Some(Command::Note { occurred_at, .. }) => *occurred_at,
        _ => None,
    };
    let corrected = amends.and_then(|seq| Some(board.noted.get(&seq)?.occurred_at));
    let asked = match input {
        Input::Request { asked_at, .. } => Some(*asked_at),
        _ => None,
    };
    said.or(corrected).or(asked)
}

fn command_of(input: &Input) -> Option<&Command> {
    match input {
        Input::Command { command, .. } | Input::Request { command, .. } => Some(command),
        _ => None,
    }
}

/// Folds a note in.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    let Event::Noted { amends, .. } = &record.event else { return };
    board.notes += 1;
    let notes = Arc::make_mut(&mut board.noted);
    notes.insert(record.seq, Note { occurred_at: record.occurred_at, amends: *amends, amended_by: None });
    if let Some(corrected) = amends.and_then(|seq| notes.get_mut(&seq)) {
        corrected.amended_by = Some(record.seq);
    }
}

/// What stands beside a note besides its text: `amended by #57`, `amends #41`, `replaced by #60`.
#[must_use]
pub fn mark(board: &Board, seq: u64) -> Option<String> {
    let note = board.noted.get(&seq)?;
    let newest = note.amends.and_then(|original| board.noted.get(&original)?.amended_by);
    match (note.amends, note.amended_by, newest) {
        (None, Some(by), _) => Some(format!("amended by #{by}")),
        (Some(_), _, Some(by)) if by != seq => Some(format!("replaced by #{by}")),
        _ => None,
    }
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
