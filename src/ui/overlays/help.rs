//! Every key, from the table of actions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::ui::action::TABLE;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::{Row, wrap};
use crate::ui::widgets::sheet;

const WIDTH: u16 = 108;
/// Where the sentences begin.
const TEXT: usize = 19;

pub fn draw(window: Window, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let rows = rows(view, usize::from(width.saturating_sub(2)));
    let height = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, width, height), "Keys", "Esc closes", Role::Focus, view.theme, buf);
    let seen = window.seen(rows.len(), usize::from(inner.height));
    sheet::rows(rows.into_iter().skip(seen.start), inner, buf);
}

/// One line an action, or as many as its sentence takes.
fn rows<'v>(view: &View<'v>, width: usize) -> Vec<Row<'v>> {
    let each = TABLE.iter().flat_map(|entry| {
        let keys: Vec<String> = view.keymap.keys(entry.action).iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { ":".to_owned() } else { keys.join(" ") };
        let place = entry.place.word();
        let mark = if entry.danger { view.theme.glyphs.warn } else { "" };
        let lines = wrap(entry.sentence, width.saturating_sub(TEXT + place.width() + 1));
        let row = move |(at, line): (usize, String)| {
            let row = Row::new(view.theme);
            match at {
                0 => row
                    .say(Role::Focus, format!(" {keys}"))
                    .tab(TEXT - 2)
                    .say(Role::Warned, mark)
                    .tab(TEXT)
                    .say(Role::Plain, line)
                    .right(Role::Muted, place),
                _ => row.tab(TEXT).say(Role::Plain, line),
            }
        };
        lines.into_iter().enumerate().map(row).collect::<Vec<_>>()
    });
    each.collect()
}
