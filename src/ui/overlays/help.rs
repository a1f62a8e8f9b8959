//! Every key, from the table of actions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::action::TABLE;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

pub fn draw(window: Window, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let height = u16::try_from(TABLE.len() + 2).unwrap_or(u16::MAX);
    let inner = sheet::sheet(sheet::middle(area, 108, height), "Keys", "Esc closes", Role::Focus, view.theme, buf);
    let seen = window.seen(TABLE.len(), usize::from(inner.height));
    let rows = TABLE[seen].iter().map(|entry| {
        let keys: Vec<String> = view.keymap.keys(entry.action).iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { ":".to_owned() } else { keys.join(" ") };
        Row::new(view.theme)
            .say(Role::Focus, format!(" {keys}"))
            .tab(19)
            .say(if entry.danger { Role::Warned } else { Role::Plain }, entry.sentence)
            .right(Role::Muted, entry.place.word())
    });
    sheet::rows(rows, inner, buf);
}
