//! The rollback bar, on every screen: the key that opens it, every procedure with its key and deadline.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::action::Action;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    bar(view).put(area, buf);
}

/// The bar as a row, so that a footer can follow it.
#[must_use]
pub fn bar<'v>(view: &View<'v>) -> Row<'v> {
    let key = view.keymap.label(Action::Rollback).unwrap_or_default();
    let mut row = Row::new(view.theme).say(Role::Plain, " ").say(Role::Danger, format!(" {key} ROLLBACK "));
    if view.plan().rollbacks.is_empty() {
        return row.say(Role::Muted, " the plan has none");
    }
    for rollback in &view.plan().rollbacks {
        let deadline = span::short(rollback.deadline);
        row = row.say(Role::Title, format!("  {} ", rollback.key));
        row = row.say(Role::Plain, rollback.id.as_str()).say(Role::Muted, format!(" ≤{deadline}"));
    }
    row
}
