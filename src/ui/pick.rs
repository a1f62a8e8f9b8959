//! A click in a list that lies over the panes. It goes to the line it is on, as the arrows would; on the line that is
//! selected it opens what `Enter` would open. What `Enter` would do to the launch is the key's alone: the click that
//! brings a terminal to the front lands anywhere.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::action::Action;
use super::overlays::{self, palette};
use super::state::{Effect, Overlay, Rolling, State, View};
use super::theme::Role;
use super::widgets::list::Step;
use super::{dialog, mouse};

/// Lines of a list that are gone through for one click.
const FAR: usize = 4_096;

/// The selected line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marked {
    lines: Vec<u16>,
    across: Range<u16>,
}

/// A click at `at`; `body` is what the dialog was drawn in the middle of. None where there is nothing to pick.
pub fn pick(state: &mut State, at: Position, body: Rect, view: &View<'_>) -> Option<Option<Effect>> {
    let mut at_first = index(state.overlay.as_ref()?)?;
    let shown = drawn(state, body, view);
    let marked = marked(&shown)?;
    let (first, last) = (*marked.lines.first()?, *marked.lines.last()?);
    if !marked.across.contains(&at.x) || !body.contains(at) {
        return None;
    }
    state.message = None;
    if (first..=last).contains(&at.y) {
        return Some(open(state, view));
    }
    let wanted = text(&shown, at.y, &marked.across);
    let (before, step) = (state.overlay.clone(), if at.y < first { Step::Up } else { Step::Down });
    for _ in 0..FAR {
        dialog::wheel(state, step, view);
        let shown = drawn(state, body, view);
        let now = self::marked(&shown);
        // The list may have moved meanwhile: the line is known by its words.
        if now.is_some_and(|now| now.lines.iter().any(|y| text(&shown, *y, &now.across) == wanted)) {
            return Some(None);
        }
        let here = state.overlay.as_ref().and_then(index);
        if here.is_none_or(|here| std::mem::replace(&mut at_first, here) == here) {
            break;
        }
    }
    // A heading, or a sentence beside the list.
    state.overlay = before;
    Some(None)
}

/// Which line is selected, in what has lines to select.
fn index(overlay: &Overlay) -> Option<usize> {
    match overlay {
        Overlay::Palette { selected, .. }
        | Overlay::Holds { selected }
        | Overlay::Recycle { selected }
        | Overlay::Recovery { selected }
        | Overlay::Evidence { selected }
        | Overlay::Triggers { selected }
        | Overlay::Faults { selected, .. }
        | Overlay::Why { selected }
        | Overlay::Playbooks { selected, .. }
        | Overlay::Rollback(Rolling::Choose { selected }) => Some(*selected),
        Overlay::ActAs(dialog) => Some(dialog.selected),
        _ => None,
    }
}

/// What the selected line leads to, where that is another place or dialog.
fn open(state: &mut State, view: &View<'_>) -> Option<Effect> {
    match &state.overlay {
        Some(Overlay::Palette { input, selected }) => {
            let found = palette::found(input.value(), view);
            let action = found.get(*selected.min(&found.len().saturating_sub(1)))?.action;
            if mouse::is_keys_alone(action) {
                mouse::refuse(state, action, view);
                return None;
            }
        }
        Some(
            Overlay::Evidence { .. }
            | Overlay::Triggers { .. }
            | Overlay::Why { .. }
            | Overlay::Rollback(Rolling::Choose { .. }),
        ) => {}
        _ => {
            let key = view.keymap.label(Action::Confirm).unwrap_or_default();
            state.say(Role::Warned, format!("press {key}; a click never acts on the launch"));
            return None;
        }
    }
    dialog::open(state, view)
}

fn drawn(state: &State, body: Rect, view: &View<'_>) -> Buffer {
    let mut buf = Buffer::empty(body);
    overlays::draw(state, view, body, &mut buf);
    buf
}

fn marked(buf: &Buffer) -> Option<Marked> {
    let is = |x: u16, y: u16| buf[(x, y)].modifier.contains(Modifier::REVERSED);
    let columns = |y: u16| (buf.area.left()..buf.area.right()).filter(move |x| is(*x, y));
    let lines: Vec<u16> = (buf.area.top()..buf.area.bottom()).filter(|y| columns(*y).next().is_some()).collect();
    let line = *lines.first()?;
    let across = columns(line).min()?..columns(line).max()?.saturating_add(1);
    Some(Marked { lines, across })
}

fn text(buf: &Buffer, y: u16, across: &Range<u16>) -> String {
    across.clone().map(|x| buf[(x, y)].symbol()).collect()
}
