//! The rollback bar, on every screen: the key that opens it, every procedure with its key, deadline and readiness
//! light. Where the screen is narrow the deadlines go first, then the words of what is ready; what is not is said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::rollback::Light;
use crate::ui::action::Action;
use crate::ui::ready;
use crate::ui::replaying;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

/// How much of each procedure is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    All,
    NoDeadlines,
    /// Ready ones have their glyph alone.
    Least,
}

pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    // Nobody rolls back what has happened.
    if let Some(at) = view.replayed() {
        return replaying::draw(at, view, area, buf);
    }
    let fits = |row: &Row<'_>| row.whole_width() <= usize::from(area.width);
    let wider = [Said::All, Said::NoDeadlines].map(|said| bar(view, said)).into_iter().find(fits);
    wider.unwrap_or_else(|| bar(view, Said::Least)).put(area, buf);
}

fn bar<'v>(view: &View<'v>, said: Said) -> Row<'v> {
    let key = view.keymap.label(Action::Rollback).unwrap_or_default();
    let mut row = Row::new(view.theme).say(Role::Plain, " ").say(Role::Danger, format!(" {key} ROLLBACK "));
    if view.plan().rollbacks.is_empty() {
        return row.say(Role::Muted, " the plan has none");
    }
    for rollback in &view.plan().rollbacks {
        row = row.say(Role::Title, format!("  {} ", rollback.key)).say(Role::Plain, rollback.id.as_str());
        if said == Said::All {
            row = row.say(Role::Muted, format!(" ≤{}", span::short(rollback.deadline)));
        }
        let light = ready::of(view, rollback).light;
        let (glyph, role) = ready::sign(view, light);
        row = match light {
            Light::Unasked => row,
            Light::Ready if said == Said::Least => row.say(role, format!(" {glyph}")),
            light => row.say(role, format!(" {glyph} {}", light.word())),
        };
    }
    row
}
