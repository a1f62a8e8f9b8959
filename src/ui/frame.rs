//! One frame, from a state and a view. Draws; changes nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::action::{Action, Place, TABLE, Where};
use super::layout::{self, Size};
use super::overlays;
use super::panes::{self, header, rollback_bar, soak, timeline};
use super::possible::{offered, why_not};
use super::state::{Overlay, Pane, State, View};
use super::theme::Role;
use super::update::selected;
use super::widgets::row::Row;
use crate::launch::board::ItemState;
use crate::launch::plan::Item;

/// From this width on the footer says of two actions why they are not offered, of one below.
const WIDE: u16 = 110;

/// Bands of a screen that has room for nothing else: what happens, and why.
const SMALL_BANDS: usize = 3;

/// What a frame has where: for the cursor, and for what a mouse points at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Where the cursor stands, if a text is being typed.
    pub cursor: Option<Position>,
    pub panes: Vec<(Pane, Rect)>,
    /// Keys that are written on the screen.
    pub keys: Vec<(Action, Rect)>,
}

/// Draws everything into `area`.
pub fn draw(state: &State, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Drawn {
    if layout::size(area) == Size::TooSmall {
        return Drawn { cursor: too_small(state, view, area, buf), ..Drawn::default() };
    }
    let bands = header::bands(view);
    let places = layout::places(state, area, bands.len(), soak::lines(view), is_watched(view));
    header::draw(view, places.header, buf);
    for (y, band) in (places.bands.top()..places.bands.bottom()).zip(&bands) {
        header::draw_band(band, view, Rect { y, height: 1, ..places.bands }, buf);
    }
    timeline::draw(view, places.timeline, buf);
    soak::draw(view, places.soaks, buf);
    for (pane, area) in &places.panes {
        panes::draw(*pane, state, view, *area, buf);
    }
    rollback_bar::draw(view, places.bar, buf);
    let mut keys = footer(state, view, places.footer, buf);
    if view.replayed().is_none() {
        keys.push((Action::Rollback, places.bar));
    }
    let body = body(&places.panes, area);
    let cursor = overlays::draw(state, view, body, buf);
    Drawn { cursor, panes: places.panes, keys }
}

/// Objectives and triggers stand beside the monitors.
fn is_watched(view: &View<'_>) -> bool {
    !view.plan().objectives.is_empty() || !view.plan().triggers.is_empty()
}

/// What movements go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Lines and columns inside the focused pane.
    pub page: usize,
    pub columns: usize,
    /// Where overlays lie.
    pub body: Rect,
}

/// What a screen of this size has for the focused pane, and for what lies over all of them.
#[must_use]
pub fn room(state: &State, view: &View<'_>, area: Rect) -> Room {
    if layout::size(area) == Size::TooSmall {
        return Room { page: 1, columns: usize::from(area.width), body: area };
    }
    let places = layout::places(state, area, header::bands(view).len(), soak::lines(view), is_watched(view));
    let focused = places.panes.iter().find(|(pane, _)| *pane == state.focus).map(|(_, area)| *area);
    let focused = focused.unwrap_or_default();
    Room {
        page: usize::from(focused.height.saturating_sub(2)).max(1),
        columns: usize::from(focused.width.saturating_sub(2)),
        body: body(&places.panes, area),
    }
}

fn body(panes: &[(Pane, Rect)], whole: Rect) -> Rect {
    panes.iter().map(|(_, area)| *area).reduce(Rect::union).unwrap_or(whole)
}

/// The countdown, the verdict, the rollback and the advice: an emergency can be met on any screen.
fn too_small(state: &State, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if let Some(Overlay::Rollback(rolling)) = &state.overlay {
        return overlays::rollback::draw(rolling, view, area, buf);
    }
    let part = |y: u16, height: u16| Rect { y: area.y + y, height, ..area }.intersection(area);
    header::draw_small(view, part(0, 2), buf);
    // Above the rollback bar and the advice.
    let room = area.height.saturating_sub(4);
    for (y, band) in (0..room.max(1)).zip(header::bands(view).iter().take(SMALL_BANDS)) {
        header::draw_band(band, view, part(2 + y, 1), buf);
    }
    if area.height > 3 {
        rollback_bar::draw(view, part(area.height.saturating_sub(2).max(3), 1), buf);
    }
    let (width, height) = layout::SMALLEST;
    let advice = format!("enlarge the terminal to {width}x{height}");
    let row = match &state.message {
        Some(message) => Row::new(view.theme).say(message.role, format!(" {}", message.text)),
        None => Row::new(view.theme).say(Role::Warned, format!(" {advice}")),
    };
    row.put(part(area.height.saturating_sub(1), 1), buf);
    None
}

/// What the keys do here and now, or what was just said; where each key is.
fn footer(state: &State, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Vec<(Action, Rect)> {
    if let Some(message) = &state.message {
        Row::new(view.theme).say(message.role, format!(" {}", message.text)).put(area, buf);
        return Vec::new();
    }
    // A dialog names its own keys.
    if state.overlay.is_some() {
        return Vec::new();
    }
    let mut keys = Vec::new();
    let mut place = |action: Action, from: usize, to: usize| {
        let [from, to] = [from, to].map(|column| u16::try_from(column).unwrap_or(u16::MAX));
        let own = Rect { x: area.x.saturating_add(from), width: to.saturating_sub(from), ..area };
        keys.push((action, own.intersection(area)));
    };
    let always = [Action::Help, Action::Palette];
    let mut tail = Row::new(view.theme);
    for action in always {
        tail = key(tail, view, action);
    }
    let room = usize::from(area.width).saturating_sub(tail.width() + 1);
    let mut row = Row::new(view.theme);
    let item = selected(state, view);
    let mut entries: Vec<_> = TABLE.iter().filter(|entry| in_footer(entry.action, state, item, view)).collect();
    // Of lines of a stream errors are sought; of items what is in the way.
    let rank = |action: Action| match action {
        Action::Errors if state.focus != Pane::Streams => rank(Action::Filter),
        action => rank(action),
    };
    entries.sort_by_key(|entry| rank(entry.action));
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| rank(entry.action) < rank(Action::Release));
    for entry in here {
        row = wider(row, key(Row::new(view.theme), view, entry.action), room, |from, to| place(entry.action, from, to));
    }
    // What people look for here, and why it is not to be had.
    let sought = sought(item).into_iter().filter(|_| view.replayed().is_none());
    let refused = sought.filter_map(|action| refused(action, state, item, view));
    for words in refused.take(if area.width < WIDE { 1 } else { 2 }) {
        row = wider(row, Row::new(view.theme).say(Role::Muted, words), room, |_, _| {});
    }
    for entry in elsewhere {
        row = wider(row, key(Row::new(view.theme), view, entry.action), room, |from, to| place(entry.action, from, to));
    }
    for action in always {
        let from = row.width();
        row = key(row, view, action);
        place(action, from, row.width());
    }
    row.put(area, buf);
    keys
}

/// Both, where they fit `room` columns together; `placed` is told where the second stands.
fn wider<'v>(row: Row<'v>, more: Row<'v>, room: usize, mut placed: impl FnMut(usize, usize)) -> Row<'v> {
    let (from, to) = (row.width(), row.width() + more.width());
    if to > room {
        return row;
    }
    placed(from, to);
    row.and(more)
}

/// What is sought first of an item where it is not offered.
fn sought(item: Option<(&Item, &ItemState)>) -> [Action; 2] {
    let persons = item.is_some_and(|(item, _)| item.act.is_persons());
    [if persons { Action::Attest } else { Action::RunAgain }, Action::Waive]
}

/// Why what belongs here is not offered: ` r run again: it runs `.
fn refused(action: Action, state: &State, item: Option<(&Item, &ItemState)>, view: &View<'_>) -> Option<String> {
    let elsewhere = match state.focus {
        Pane::Checklist => false,
        Pane::Detail => state.detail.watched,
        _ => true,
    };
    if elsewhere || item.is_none() || !action.entry().place.covers(Place::Pane(state.focus)) {
        return None;
    }
    let why = why_not(action, item, view)?;
    Some(format!(" {} {}: {why} ", view.keymap.label(action)?, action.entry().short))
}

fn key<'v>(row: Row<'v>, view: &View<'v>, action: Action) -> Row<'v> {
    let Some(label) = view.keymap.label(action) else { return row };
    row.say(Role::Plain, " ").say(Role::Focus, label).say(Role::Muted, format!(" {} ", action.entry().short))
}

fn in_footer(action: Action, state: &State, item: Option<(&Item, &ItemState)>, view: &View<'_>) -> bool {
    let place = Place::Pane(state.focus);
    let entry = action.entry();
    if view.replayed().is_some() {
        let moves = [Action::NextPane, Action::Zoom, Action::Filter, Action::Quit];
        return entry.place == Where::Replay || (moves.contains(&action) && entry.place.covers(place));
    }
    let of_items = [
        Action::Open,
        Action::Playbooks,
        Action::Waive,
        Action::RunAgain,
        Action::RunPhase,
        Action::Cancel,
        Action::Copy,
    ];
    let elsewhere = match state.focus {
        Pane::Incidents => true,
        Pane::Monitors => action != Action::Open,
        Pane::Detail => state.detail.watched,
        _ => false,
    };
    if elsewhere && of_items.contains(&action) {
        return false;
    }
    let shown = !matches!(action, Action::Help | Action::Palette | Action::Rollback | Action::Choice | Action::Back);
    shown && entry.place.covers(place) && entry.place != Where::Everywhere && offered(action, item, view)
}

/// What acts comes before what moves about.
fn rank(action: Action) -> usize {
    let order = [
        Action::Play,
        Action::RecordBack,
        Action::RecordOn,
        Action::MinuteBack,
        Action::MinuteOn,
        Action::NextNotable,
        Action::TenBack,
        Action::TenOn,
        Action::PreviousNotable,
        Action::Faster,
        Action::Slower,
        Action::Open,
        Action::Playbooks,
        Action::Attest,
        Action::Judge,
        Action::Sign,
        Action::Pause,
        Action::Errors,
        Action::Cancel,
        Action::MarkDone,
        Action::MarkFailed,
        Action::Waive,
        Action::Acknowledge,
        Action::RunAgain,
        Action::Release,
        Action::Hold,
        Action::NextDue,
        Action::Why,
        Action::Poll,
        Action::Vote,
        Action::Recovery,
        Action::Triggers,
        Action::Note,
        Action::Incident,
        Action::ChangeIncident,
        Action::AmendNote,
        Action::NextPane,
        Action::Zoom,
        Action::Filter,
        Action::Quit,
    ];
    order.iter().position(|known| *known == action).unwrap_or(order.len())
}
