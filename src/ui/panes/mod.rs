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
use ratatui::layout::Rect;

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
    let page = state.page;
    match state.focus {
        Pane::Checklist => {
            state.checklist.step(step, page, view);
            state.detail = detail::State::default();
        }
        Pane::Detail => state.detail.window.step(step, detail::LINES_AT_MOST, page),
        Pane::Streams => state.streams.step(step, page, view),
        Pane::Journal => state.journal.step(step, page, view),
        Pane::Monitors => {
            state.monitors.step(step, page, view);
            state.detail = detail::State::watched();
        }
        Pane::Poll => state.poll.step(step, page, &state.checklist, view),
        Pane::Incidents => state.incidents.step(step, page, view),
    }
}
