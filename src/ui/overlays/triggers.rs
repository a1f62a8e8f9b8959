//! The sheet of triggers: each with how it stands, what it waits for, from when to when it may fire and what it
//! leads to. One that fired opens its rollback; another is fired by hand.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answers;
use crate::launch::plan::Condition;
use crate::launch::trigger::Stage;
use crate::ui::action::Action;
use crate::ui::panes::monitors::Line;
use crate::ui::state::{Overlay, Pane, State, View};
use crate::ui::theme::Role;
use crate::ui::watched;
use crate::ui::widgets::list::around;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::sheet;

const WIDTH: u16 = 96;

/// Opens it at the trigger that is selected among the monitors, else at the one that fired, else at one that only a
/// person fires.
pub fn open(state: &mut State, view: &View<'_>) {
    let triggers = &view.plan().triggers;
    if triggers.is_empty() {
        state.say(Role::Warned, "the plan has no triggers");
        return;
    }
    let chosen = match state.monitors.selected(view) {
        Some(Line::Trigger(id)) if state.focus == Pane::Monitors => triggers.iter().position(|known| known.id == id),
        _ => None,
    };
    let stage = |id| view.board().triggers.get(id).map(|known| &known.stage);
    let rings = || triggers.iter().position(|known| matches!(stage(&known.id), Some(Stage::Fired { .. })));
    let manual = || triggers.iter().position(|known| known.when == Condition::Manual);
    let selected = chosen.or_else(rings).or_else(manual).unwrap_or(0);
    state.overlay = Some(Overlay::Triggers { selected });
}

pub fn draw(selected: usize, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let triggers = &view.plan().triggers;
    let height = u16::try_from(triggers.len() * 2 + 4).unwrap_or(u16::MAX);
    let key = |action| view.keymap.label(action).unwrap_or_default();
    let keys = format!("{} vetoes · {} closes", key(Action::Veto), key(Action::Dismiss));
    let inner = sheet::sheet(sheet::middle(area, WIDTH, height), "Triggers", &keys, Role::Warned, view.theme, buf);
    let selected = selected.min(triggers.len().saturating_sub(1));
    let room = usize::from(inner.height.saturating_sub(2));
    // Two lines each where they fit, one where they do not.
    let each = if triggers.len() * 2 <= room { 2 } else { 1 };
    let seen = around(0, selected, triggers.len(), room / each);
    sheet::window(inner, &seen, triggers.len(), Role::Warned, view.theme, buf);
    let (board, now) = (view.board(), view.now.instant);
    let mut rows = Vec::new();
    for at in seen {
        let trigger = &triggers[at];
        let (glyph, role, words) = watched::stage(view.theme.glyphs, board, trigger, now);
        let row = Row::new(view.theme).say(role, format!(" {glyph} ")).say(Role::Title, trigger.id.as_str());
        let row = if each == 1 {
            row.say(Role::Muted, format!(" {}", watched::condition(trigger)))
        } else {
            row.say(Role::Plain, format!("  {}", trigger.title))
        };
        let row = row.right(role, format!("{words} "));
        rows.push(if at == selected { row.over(view.theme.selected(true)) } else { row });
        if each == 2 {
            let says = format!("   {} · {}", watched::condition(trigger), watched::leads_to(trigger));
            rows.push(
                Row::new(view.theme).say(Role::Muted, says).right(Role::Muted, format!("{} ", watched::arms(trigger))),
            );
        }
    }
    rows.push(Row::new(view.theme));
    let stage = triggers.get(selected).and_then(|known| board.triggers.get(&known.id)).map(|known| &known.stage);
    let yes = match stage {
        Some(Stage::Fired { .. }) => "open its rollback",
        _ => "fire it by hand",
    };
    rows.push(answers(view, yes, "close"));
    sheet::rows(rows, inner, buf);
}
