//! What an item stands on: what was expected and seen, what was sent and answered, the end of its output, and the
//! files that hold the rest. Text from outside is escaped; the path of a file is copied by a key.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::board::ItemState;
use crate::launch::id::ItemId;
use crate::launch::plan::Item;
use crate::launch::seen::{self, Seen};
use crate::ui::action::Action;
use crate::ui::state::{Effect, Overlay, State, View};
use crate::ui::theme::Role;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::{list, sheet};

const WIDTH: u16 = 116;
/// More lines than this are not shown.
const MOST: usize = 2_000;

/// Opens it for the selected item.
pub fn open(state: &mut State, selected: Option<(&Item, &ItemState)>, view: &View<'_>) {
    let Some((item, _)) = selected else {
        return state.say(Role::Warned, "select an item to see what it stands on");
    };
    if lines(&item.id, view).is_empty() {
        return state.say(Role::Warned, format!("nothing is kept of {} yet", item.id));
    }
    state.overlay = Some(Overlay::Seen { item: item.id.clone(), selected: 0 });
}

/// Its lines, whole.
#[must_use]
pub fn lines(id: &ItemId, view: &View<'_>) -> Vec<Seen> {
    let Some(known) = view.board().item(id) else { return Vec::new() };
    let mut lines: Vec<Seen> = known.report.as_deref().map(seen::of_report).unwrap_or_default();
    if let (Some(outcome), Some(attempt)) = (&known.outcome, known.attempt) {
        lines.push(Seen::from(outcome.words()));
        lines.extend(seen::of_step(outcome, id, attempt));
    }
    if let Some(output) = view.live().outputs.get(id) {
        lines.push(Seen::from(format!("output, {} bytes, its last lines:", output.bytes)));
        lines.extend(output.tail.iter().map(|line| Seen::from(format!("  {line}"))));
    }
    lines.truncate(MOST);
    lines
}

/// Copies the path of the file on the selected line, or of the first below it.
pub fn copy(state: &mut State, id: &ItemId, selected: usize, view: &View<'_>) -> Option<Effect> {
    let lines = lines(id, view);
    let place = lines.iter().skip(selected).chain(lines.iter().take(selected)).find_map(|line| line.place.clone());
    let Some(place) = place else {
        state.say(Role::Warned, "all that is kept of it is what is shown");
        return None;
    };
    let path = format!("{}/{place}", view.snapshot.folder);
    state.say(Role::Plain, format!("copied {path}"));
    Some(Effect::Copy(path))
}

pub fn draw(id: &ItemId, selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let room = usize::from(width.saturating_sub(4));
    let lines = lines(id, view);
    let wrapped: Vec<(usize, bool, String)> = lines
        .iter()
        .enumerate()
        .flat_map(|(at, line)| {
            let parts = if line.text.is_empty() { vec![String::new()] } else { wrap(&line.text, room) };
            parts.into_iter().map(move |part| (at, line.place.is_some(), part))
        })
        .collect();
    let height = u16::try_from(wrapped.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let keys = format!(
        "{} copies the path of a file · {} closes",
        view.keymap.label(Action::Confirm).unwrap_or_default(),
        view.keymap.label(Action::Dismiss).unwrap_or_default()
    );
    let title = format!("Evidence of {id}");
    let inner = sheet::sheet(sheet::middle(area, width, height), &title, &keys, Role::Focus, view.theme, buf);
    let first = wrapped.iter().position(|(at, ..)| *at == selected).unwrap_or(0);
    let seen = list::around(0, first, wrapped.len(), usize::from(inner.height));
    let rows = wrapped.into_iter().skip(seen.start).map(|(at, file, text)| {
        let role = if file { Role::Focus } else { Role::Plain };
        let row = Row::new(view.theme).say(role, format!(" {text}"));
        if at == selected { row.over(view.theme.selected(true)) } else { row }
    });
    sheet::rows(rows, inner, buf);
}
