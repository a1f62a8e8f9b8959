//! Clicks and the wheel: a click goes to a pane and selects its line, or does what a key on the screen says; the wheel
//! scrolls what is under it. A click never acts on the launch: the one that brings a terminal to the front lands
//! anywhere.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Margin, Position};

use super::action::Action;
use super::frame::Drawn;
use super::state::{Effect, Overlay, State, View};
use super::theme::Role;
use super::update::update;
use super::widgets::list::Step;
use super::{dialog, panes};

/// Lines of one notch of the wheel.
const NOTCH: usize = 3;

/// What becomes of a mouse over what a frame has where; none where it means nothing.
pub fn point(state: &mut State, event: MouseEvent, drawn: &Drawn, view: &View<'_>) -> Option<Option<Effect>> {
    let at = Position { x: event.column, y: event.row };
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(state, at, drawn, view),
        MouseEventKind::ScrollUp => wheel(state, Step::Up, at, drawn, view),
        MouseEventKind::ScrollDown => wheel(state, Step::Down, at, drawn, view),
        _ => None,
    }
}

fn click(state: &mut State, at: Position, drawn: &Drawn, view: &View<'_>) -> Option<Option<Effect>> {
    // Dialogs are answered with keys.
    if state.overlay.is_some() {
        return None;
    }
    if let Some((action, _)) = drawn.keys.iter().find(|(_, area)| area.contains(at)) {
        return Some(key(state, *action, view));
    }
    let (pane, area) = drawn.panes.iter().find(|(_, area)| area.contains(at))?;
    state.message = None;
    state.focus(*pane);
    let inner = area.inner(Margin::new(1, 1));
    if inner.contains(at) {
        panes::select_at(*pane, state, inner, at, view);
    }
    Some(None)
}

/// A key that is written on the screen. What acts on the launch is said to be the key's; the rollback's dialog only
/// opens.
fn key(state: &mut State, action: Action, view: &View<'_>) -> Option<Effect> {
    let entry = action.entry();
    if entry.danger && action != Action::Rollback {
        let key = view.keymap.label(action).unwrap_or_default();
        state.say(Role::Warned, format!("{}: press {key}; a click never acts on the launch", entry.short));
        return None;
    }
    update(state, action, view)
}

fn wheel(state: &mut State, step: Step, at: Position, drawn: &Drawn, view: &View<'_>) -> Option<Option<Effect>> {
    // Nobody moves through what is not seen; the rollback is, on any screen.
    if state.cramped && !matches!(state.overlay, Some(Overlay::Rollback(_))) {
        return None;
    }
    if state.overlay.is_some() {
        // A list is gone through line by line; where a text is typed, the wheel changes no answer.
        let notch = match &state.overlay {
            Some(Overlay::Help { .. } | Overlay::Brief { .. } | Overlay::Amend(_)) => NOTCH,
            Some(Overlay::Prompt(_)) => 0,
            _ => 1,
        };
        (0..notch).for_each(|_| dialog::wheel(state, step, view));
        return Some(None);
    }
    let (pane, area) = drawn.panes.iter().find(|(_, area)| area.contains(at))?;
    state.message = None;
    let inner = area.inner(Margin::new(1, 1));
    let room = (usize::from(inner.width), usize::from(inner.height).max(1));
    (0..NOTCH).for_each(|_| panes::step_in(*pane, state, step, room, view));
    Some(None)
}
