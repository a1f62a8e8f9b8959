//! Every key, from the table of actions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::ui::action::{TABLE, Where};
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

const WIDTH: u16 = 108;
/// Where the sentences begin.
const TEXT: usize = 19;
/// Columns that a sentence needs beside where it applies.
const FEWEST: usize = 24;

pub fn draw(window: Window, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let rows = rows(view, usize::from(width.saturating_sub(2)));
    let height = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, width, height), "Keys", "Esc closes", Role::Focus, view.theme, buf);
    let seen = window.seen(rows.len(), usize::from(inner.height));
    sheet::window(inner, &seen, rows.len(), Role::Focus, view.theme, buf);
    sheet::rows(rows.into_iter().skip(seen.start), inner, buf);
}

/// How many lines it has in `area`, and how many are seen.
#[must_use]
pub fn lines(view: &View<'_>, area: Rect) -> (usize, usize) {
    let count = rows(view, usize::from(WIDTH.min(area.width).saturating_sub(2))).len();
    (count, count.min(usize::from(area.height.saturating_sub(2))))
}

/// One line an action, or as many as its sentence takes.
fn rows<'v>(view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    // A replay's own keys come first, and nowhere else.
    let (own, others): (Vec<_>, Vec<_>) = TABLE.iter().partition(|entry| entry.place == Where::Replay);
    let own = own.into_iter().filter(|_| view.replayed().is_some());
    let each = own.chain(others).flat_map(|entry| {
        let keys: Vec<String> = view.keymap.keys(entry.action).iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { ":".to_owned() } else { keys.join(" ") };
        let place = entry.place.word();
        let mark = if entry.danger { view.theme.glyphs.warn } else { "" };
        // Where the sentence would have no room beside it, the place has a line of its own.
        let beside = width.saturating_sub(TEXT + place.width() + 1);
        let apart = beside < FEWEST;
        let lines = wrap(entry.sentence, if apart { width.saturating_sub(TEXT) } else { beside });
        let row = move |(at, line): (usize, String)| {
            let row = Row::new(view.theme);
            if at > 0 {
                return row.tab(TEXT).say(Role::Plain, line);
            }
            let row = row.say(Role::Focus, format!(" {keys}")).tab(TEXT - 2).say(Role::Warned, mark);
            let row = row.tab(TEXT).say(Role::Plain, line);
            if apart { row } else { row.right(Role::Muted, place) }
        };
        let place = apart.then(|| Row::new(view.theme).right(Role::Muted, place));
        lines.into_iter().enumerate().map(row).chain(place).collect::<Vec<_>>()
    });
    each.collect()
}
