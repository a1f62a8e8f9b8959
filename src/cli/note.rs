//! `tminus note`: the scribe's line from any terminal, with the time it happened and the note that it corrects.
//! A time is read in this terminal's zone before anything is asked, so a note that waits in the inbox keeps it.

use chrono::{DateTime, FixedOffset, Local};
use clap::Args;

use super::ask::{Asking, ask_of};
use super::frozen::Frozen;
use crate::clock;
use crate::journal::{self, Purpose};
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::occurred::{self, Stand, Written};
use crate::launch::time::{Instant, Now, Wall};

#[derive(Debug, Args)]
pub struct Note {
    #[command(flatten)]
    asking: Asking,
    /// When it happened, where the text does not begin with it: 12:03, "yesterday 23:50", "2m ago", T-12m.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The note that this one corrects, by its number in `tminus log`; that one stays as it is.
    #[arg(long, value_name = "SEQ")]
    amends: Option<u64>,
    /// What you saw; it may begin with when: `at 12:03 …`, `2m ago …`.
    #[arg(required = true)]
    text: Vec<String>,
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn note(note: &Note) -> anyhow::Result<i32> {
    ask_of(&note.asking, |frozen, _| {
        let text = note.text.join(" ");
        let (wall, offset) = (clock::wall(), *DateTime::<Local>::from(clock::wall()).offset());
        let Written { at, text } = written(frozen, note.at.as_deref(), text, wall, offset)?;
        Ok(Command::Note { text, occurred_at: at, amends: note.amends })
    })
}

fn written(
    frozen: &Frozen,
    at: Option<&str>,
    text: String,
    wall: Wall,
    offset: FixedOffset,
) -> anyhow::Result<Written> {
    // Only a mark needs to know where T stood when.
    let board = if names_mark(at.unwrap_or(&text)) { folded(frozen)? } else { Board::new(frozen.plan.clone()) };
    let stand = Stand { now: now(&board, wall), offset, opened_at: board.opened_at, turns: &board.turns };
    Ok(match at {
        Some(at) => Written { at: Some(occurred::time(at, &stand)?), text },
        None => occurred::split(&text, &stand)?,
    })
}

fn names_mark(said: &str) -> bool {
    said.split_whitespace().take(2).any(|word| word.starts_with("T-") || word.starts_with("T+"))
}

/// The launch as its journal tells it.
fn folded(frozen: &Frozen) -> anyhow::Result<Board> {
    let mut board = Board::new(frozen.plan.clone());
    journal::open_each(&frozen.folder, Purpose::Read, &mut |record| board.apply(&record))?;
    Ok(board)
}

/// This moment on the launch's axis: its last record, and what has passed since.
fn now(board: &Board, wall: Wall) -> Now {
    let since = board.recent.back().map_or(0, |last| (wall - last.recorded_at).num_milliseconds().max(0));
    Now { instant: Instant(board.at.0.saturating_add(since)), wall }
}
