//! What lies over the panes: dialogs, help, palette, and the rollback sheet.

pub mod act_as;
pub mod amend;
pub mod archive;
pub mod brief;
pub mod choose;
pub mod countdown;
pub mod faults;
pub mod help;
pub mod holds;
pub mod incident;
pub mod palette;
pub mod playbooks;
pub mod prompt;
pub mod recovery;
pub mod rollback;
pub mod scribe;
pub mod triggers;
pub mod waive;
pub mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;
use unicode_width::UnicodeWidthStr;

use super::action::Action;
use super::state::{Overlay, State, View};
use super::theme::Role;
use super::update::selected as selected_item;
use super::widgets::row::{Row, clean, wrap};
use super::widgets::sheet;
use crate::base::secret::covered;
use crate::base::text::columns;

/// Draws an overlay in the middle of `area`; answers where the cursor stands.
pub fn draw(state: &State, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    match state.overlay.as_ref()? {
        Overlay::Help { window } => help::draw(*window, view, area, buf),
        Overlay::Palette { input, selected } => {
            return palette::draw((input, *selected), selected_item(state, view), view, area, buf);
        }
        Overlay::Prompt(prompt) => return prompt::draw(prompt, view, area, buf),
        Overlay::ActAs(dialog) => return act_as::draw(dialog, view, area, buf),
        Overlay::Brief { window, from } => brief::draw(*window, *from, view, area, buf),
        Overlay::Evidence { selected } => archive::draw(*selected, view, area, buf),
        Overlay::Faults { selected, beside } => faults::draw(*selected, beside.as_ref(), view, area, buf),
        Overlay::Why { selected } => why::draw(*selected, view, area, buf),
        Overlay::Triggers { selected } => triggers::draw(*selected, view, area, buf),
        Overlay::Playbooks { item, selected } => playbooks::draw(item.as_ref(), *selected, view, area, buf),
        Overlay::Ask { question, .. } => ask(question, view, area, buf),
        Overlay::Holds { selected } => holds::draw(*selected, view, area, buf),
        Overlay::Recovery { selected } => recovery::draw(*selected, view, area, buf),
        Overlay::Countdown => countdown::draw(view, area, buf),
        Overlay::Recycle { selected } => holds::draw_recycle(*selected, view, area, buf),
        Overlay::Amend(amending) => return amend::draw(amending, view, area, buf),
        Overlay::Incident(dialog) => return incident::draw(dialog, view, area, buf),
        Overlay::Rollback(rolling) => return rollback::draw(rolling, view, area, buf),
    }
    None
}

fn ask(question: &str, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let width = 60.min(area.width);
    let mut lines: Vec<String> =
        question.lines().flat_map(|line| wrap(line, usize::from(width.saturating_sub(4)))).collect();
    // The keys below are always seen.
    let room = usize::from(area.height.saturating_sub(4)).max(1);
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push("… more of it stands in its own pane".to_owned());
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4);
    let inner = sheet::sheet(sheet::middle(area, width, height), "Sure?", "", Role::Warned, view.theme, buf);
    let mut rows: Vec<Row<'_>> =
        lines.into_iter().map(|line| Row::new(view.theme).say(Role::Plain, format!(" {line}"))).collect();
    rows.push(Row::new(view.theme));
    rows.push(answers(view, "yes", "no"));
    sheet::rows(rows, inner, buf);
}

/// The keys of a dialog: ` Enter yes  Esc no`.
#[must_use]
pub fn answers<'v>(view: &View<'v>, yes: &str, no: &str) -> Row<'v> {
    let label = |action| view.keymap.label(action).unwrap_or_default();
    Row::new(view.theme)
        .say(Role::Focus, format!(" {}", label(Action::Confirm)))
        .say(Role::Plain, format!(" {yes}   "))
        .say(Role::Focus, label(Action::Dismiss))
        .say(Role::Plain, format!(" {no}"))
}

/// Draws a text field into the first line of `area`; answers where its cursor stands.
pub fn field(input: &Input, lead: &str, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let kept = covered(input.value());
    if kept != input.value() {
        // A secret was pasted: where in it the cursor stands is nobody's to see either.
        Row::new(view.theme).say(Role::Focus, lead).say(Role::Title, kept).put(area, buf);
        return None;
    }
    let room = usize::from(area.width).saturating_sub(lead.width() + 1);
    let skipped = input.visual_scroll(room);
    let typed: Vec<char> = input.value().chars().collect();
    let mut hidden = 0;
    let over = |c: &char| {
        hidden += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        hidden >= skipped
    };
    let first = if skipped == 0 { 0 } else { typed.iter().position(over).map_or(typed.len(), |last| last + 1) };
    let shown = |to: usize| typed[first..to.clamp(first, typed.len())].iter().collect::<String>();
    Row::new(view.theme).say(Role::Focus, lead).say(Role::Title, shown(typed.len())).put(area, buf);
    // Of what is seen: a flag may be typed as one sign, and stands there as two letters.
    let before = lead.width() + columns(&clean(view.theme, &shown(input.cursor())));
    let x = area.x + u16::try_from(before).unwrap_or(0);
    Some(Position { x: x.min(area.right() - 1), y: area.y })
}
