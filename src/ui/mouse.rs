//! Clicks and the wheel: a click goes to a pane and selects its line, or does what a key on the screen says; over a list
//! that lies over them `pick` has it. The wheel scrolls what is under it. A click never acts on the launch: the one that brings a terminal to the front lands
//! anywhere.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Margin, Position, Rect};

use super::action::Action;
use super::frame::Drawn;
use super::state::{Effect, Overlay, State, View};
use super::theme::Role;
use super::update::update;
use super::widgets::list::Step;
use super::{dialog, panes, pick};

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
    if state.overlay.is_some() {
        // Nobody picks what is not seen.
        let body = drawn.panes.iter().map(|(_, area)| *area).reduce(Rect::union)?;
        return if state.cramped { None } else { pick::pick(state, at, body, view) };
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
    if is_keys_alone(action) {
        refuse(state, action, view);
        return None;
    }
    update(state, action, view)
}

/// Whether no click does it.
pub fn is_keys_alone(action: Action) -> bool {
    action.entry().danger && action != Action::Rollback
}

/// Says which key does it.
pub fn refuse(state: &mut State, action: Action, view: &View<'_>) {
    let key = view.keymap.label(action).unwrap_or_default();
    state.say(Role::Warned, format!("{}: press {key}; a click never acts on the launch", action.entry().short));
}

fn wheel(state: &mut State, step: Step, at: Position, drawn: &Drawn, view: &View<'_>) -> Option<Option<Effect>> {
    // Nobody moves through what is not seen; the rollback is, on any screen.
    if state.cramped && !matches!(state.overlay, Some(Overlay::Rollback(_))) {
        return None;
    }
    if state.overlay.is_some() {
        // A list is gone through line by line; where a text is typed, the wheel changes no answer.
        let notch = match &state.overlay {
            Some(Overlay::Help { .. } | Overlay::Brief { .. } | Overlay::Seen { .. } | Overlay::Amend(_)) => NOTCH,
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
