//! What must be archived before the launch may be closed, and what of it is there; closing itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::launch::closing::{Archived, archived, missing};
use crate::ui::state::{Overlay, Purpose, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{list, sheet};

/// Lines of what is missing in the question; the rest is counted.
const MISSING_SHOWN: usize = 6;

/// Opens the list of evidence, with the first that is missing selected.
pub fn open(state: &mut State, view: &View<'_>) {
    let all = &view.plan().evidence;
    if all.is_empty() {
        state.say(Role::Warned, "the plan asks for no evidence");
        return;
    }
    let selected = all.iter().position(|known| archived(view.board(), known) != Archived::Yes).unwrap_or(0);
    state.overlay = Some(Overlay::Evidence { selected });
}

/// Asks why the launch is closed: all the same, where something is missing.
pub fn close(state: &mut State, view: &View<'_>) {
    let anyway = !missing(view.board(), view.now.instant).is_empty();
    state.prompt(Purpose::Close { anyway });
}

/// What stands between the launch and its closing, for the question.
#[must_use]
pub fn question(view: &View<'_>) -> Vec<String> {
    let missing = missing(view.board(), view.now.instant);
    let more = missing.len().saturating_sub(MISSING_SHOWN);
    let mut lines: Vec<String> = missing.into_iter().take(MISSING_SHOWN).map(|line| format!("- {line}")).collect();
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines
}

pub fn draw(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let all = &view.plan().evidence;
    let height = u16::try_from(all.len() + 4).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, 100, height), "Evidence", "", Role::Focus, view.theme, buf);
    let seen = list::around(0, selected, all.len(), usize::from(inner.height).saturating_sub(2).max(1));
    sheet::window(inner, &seen, all.len(), Role::Focus, view.theme, buf);
    let mut rows: Vec<Row<'_>> = Vec::new();
    for at in seen {
        let Some(known) = all.get(at) else { continue };
        let given = view.board().evidence.get(&known.id);
        let (glyph, role, words) = match (archived(view.board(), known), given) {
            (Archived::Yes, Some(given)) => {
                (view.theme.glyphs.pass, Role::Passed, format!("{} {}", given.by.name, view.time(given.at)))
            }
            (Archived::Yes, None) => (view.theme.glyphs.pass, Role::Passed, "by its items".to_owned()),
            (Archived::Waits(items), _) => {
                (view.theme.glyphs.waiting, Role::Muted, format!("waits for {}", items.join(", ")))
            }
            (Archived::No, _) => (view.theme.glyphs.due, Role::Focus, "to be given".to_owned()),
        };
        let row = Row::new(view.theme)
            .say(role, format!(" {glyph} "))
            .say(Role::Plain, &known.title)
            .right(role, format!("{words} "));
        rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
    }
    rows.push(Row::new(view.theme));
    rows.push(answers(view, "give it", "close"));
    sheet::rows(rows, inner, buf);
}
