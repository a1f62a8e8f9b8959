//! The parts of the screen, one file each: its state, its `update`, its `draw`. Drawing changes nothing.

pub mod alarms;
pub mod checklist;
pub mod detail;
pub mod header;
pub mod incidents;
pub mod journal;
pub mod monitors;
pub mod people;
pub mod poll;
pub mod rollback_bar;
pub mod soak;
pub mod standing;
pub mod streams;
pub mod timeline;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::state::{Pane, State, View};
use super::theme::Role;
use super::widgets::list::Step;

/// Draws one pane, frame and all.
pub fn draw(pane: Pane, state: &State, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let focused = state.focus == pane && state.overlay.is_none();
    let frame = if focused { Role::Focus } else { Role::Muted };
    match pane {
        Pane::Checklist => checklist::draw(&state.checklist, view, frame, area, buf),
        Pane::Detail => detail::draw(&state.detail, &subject(state, view), view, frame, area, buf),
        Pane::Streams => streams::draw(&state.streams, view, frame, area, buf),
        Pane::Journal => journal::draw(&state.journal, view, frame, area, buf),
        Pane::Monitors => monitors::draw(&state.monitors, view, frame, area, buf),
        Pane::Poll => poll::draw(&state.poll, &state.checklist, view, frame, area, buf),
        Pane::Incidents => incidents::draw(&state.incidents, view, frame, area, buf),
    }
}

/// What the detail is about: what was selected last, in the checklist or among what is watched.
#[must_use]
pub fn subject(state: &State, view: &View<'_>) -> detail::Of {
    match state.detail.watched {
        true => detail::Of::Watched(state.monitors.selected(view)),
        false => detail::Of::Item(state.checklist.selected(view)),
    }
}

/// Moves within the focused pane.
pub fn step(state: &mut State, step: Step, view: &View<'_>) {
    step_in(state.focus, state, step, (state.columns, state.page), view);
}

/// Moves within a pane of so many columns and lines.
pub fn step_in(pane: Pane, state: &mut State, step: Step, (columns, page): (usize, usize), view: &View<'_>) {
    match pane {
        Pane::Checklist => {
            state.checklist.step(step, page, view);
            state.detail = detail::State::default();
        }
        Pane::Detail => {
            let count = detail::lines(&subject(state, view), view, columns);
            state.detail.window.step(step, count, page);
        }
        Pane::Streams => state.streams.step(step, page, view),
        Pane::Journal => state.journal.step(step, page, view),
        Pane::Monitors => {
            state.monitors.step(step, page, view);
            state.detail = detail::State::watched();
        }
        Pane::Poll => state.poll.step(step, page, &state.checklist, view),
        Pane::Incidents => state.incidents.step(step, (columns, page), view),
    }
}

/// Selects what a pane has at a place in `inner`, what is inside its frame.
pub fn select_at(pane: Pane, state: &mut State, inner: Rect, at: Position, view: &View<'_>) {
    let line = usize::from(at.y.saturating_sub(inner.y));
    match pane {
        Pane::Checklist => {
            if state.checklist.select_at(line, usize::from(inner.height), view) {
                state.detail = detail::State::default();
            }
        }
        Pane::Journal => state.journal.select_at(line, usize::from(inner.height), view),
        Pane::Monitors => {
            if state.monitors.select_at(line, inner, view) {
                state.detail = detail::State::watched();
            }
        }
        Pane::Poll => state.poll.select_at(inner, at, &state.checklist, view),
        Pane::Incidents => state.incidents.select_at(line, usize::from(inner.height), view),
        Pane::Detail | Pane::Streams => {}
    }
}
