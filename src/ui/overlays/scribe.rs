//! The scribe's line: a note with the time it begins with, and the amendment of one.

use super::prompt;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::{Event, Recorded};
use crate::launch::occurred::{self, Stand, Written};
use crate::ui::state::{Overlay, Prompt, Purpose, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;

/// From where this console reads a time: in the zone that it shows.
fn stand<'v>(view: &View<'v>) -> Stand<'v> {
    let board: &'v Board = view.board();
    Stand { now: view.now, offset: view.offset, opened_at: board.opened_at, turns: &board.turns }
}

/// The note of a finished text.
///
/// # Errors
/// It says nothing, or tells what has not come yet.
pub fn command(text: &str, amends: Option<u64>, view: &View<'_>) -> Result<Command, String> {
    if text.trim().is_empty() {
        return Err("an empty note says nothing".into());
    }
    let Written { at, text } = occurred::split(text, &stand(view)).map_err(|wrong| wrong.to_string())?;
    Ok(Command::Note { text, occurred_at: at, amends })
}

/// What the text so far says of when it happened.
#[must_use]
pub fn when<'v>(text: &str, amends: Option<u64>, view: &View<'v>) -> Row<'v> {
    let row = Row::new(view.theme);
    match occurred::split(text, &stand(view)) {
        Ok(Written { at: Some(at), .. }) => {
            row.say(Role::Focus, format!(" happened {}", view.time_beside(at, view.now.wall)))
        }
        Ok(_) if amends.is_some() => row.say(Role::Muted, " happened when the note says"),
        Ok(_) => row.say(Role::Muted, " happens now").right(Role::Muted, "at 12:03 …, 2m ago …, at T-12m … "),
        Err(wrong) => row.say(Role::Failed, format!(" {wrong}")),
    }
}

/// What the amended note says, for the dialog.
#[must_use]
pub fn lines(seq: u64, view: &View<'_>) -> Vec<String> {
    let record = view.board().recent.iter().find(|record| record.seq == seq);
    let Some(Recorded { event: Event::Noted { text, .. }, occurred_at, actor, .. }) = record.map(AsRef::as_ref) else {
        return vec![format!("Note #{seq} stays as it is; beside it:")];
    };
    let at = view.time_beside(*occurred_at, view.now.wall);
    vec![format!("#{seq}, {at}, {}: {text}", actor.name), "It stays as it is; what it should have said:".into()]
}

/// Asks for the amendment of the selected record, where it is a note.
pub fn amend(state: &mut State, view: &View<'_>) {
    let Some(record) = state.journal.selected(view) else {
        state.say(Role::Warned, "the journal is empty");
        return;
    };
    let Event::Noted { text, amends } = &record.event else {
        state.say(Role::Warned, format!("record #{} is no note: select a note to amend", record.seq));
        return;
    };
    let seq = amends.unwrap_or(record.seq);
    state.prompt(Purpose::Amend(seq));
    if let Some(Overlay::Prompt(Prompt { input, .. })) = &mut state.overlay
        && text.chars().count() <= prompt::LONGEST_TEXT
    {
        *input = tui_input::Input::new(crate::base::text::printable(text));
    }
}
