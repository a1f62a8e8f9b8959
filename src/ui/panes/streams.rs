//! Live tails: rate, longest gap, reconnects and what was dropped in sight, then the last lines.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::live::{Line, Live, StreamView};
use crate::launch::plan::Stream;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::{Step, Window};
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{sheet, span};

#[derive(Debug, Clone, Default)]
pub struct State {
    at: usize,
    /// What was there when it was paused: lines that fall off meanwhile can still be read.
    paused: Option<Arc<Live>>,
    pub errors_only: bool,
    pub filter: String,
    /// Lines up from the newest.
    back: Window,
}

impl State {
    pub fn next(&mut self, by: usize, view: &View<'_>) {
        let count = view.plan().streams.len().max(1);
        self.at = (self.at + by) % count;
        self.back = Window::default();
    }

    pub fn previous(&mut self, view: &View<'_>) {
        let count = view.plan().streams.len().max(1);
        self.next(count - 1, view);
    }

    pub fn pause(&mut self, view: &View<'_>) {
        self.paused = match self.paused.take() {
            Some(_) => None,
            None => Some(Arc::clone(&view.snapshot.live)),
        };
        self.back = Window::default();
    }

    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub fn step(&mut self, step: Step, page: usize, view: &View<'_>) {
        let Some(stream) = self.stream(view) else { return };
        let count = self.shown(view, stream).map_or(0, |known| self.kept(known).count());
        // The newest line is at the bottom: up leads back.
        let step = match step {
            Step::Up => Step::Down,
            Step::Down => Step::Up,
            Step::PageUp => Step::PageDown,
            Step::PageDown => Step::PageUp,
            Step::First => Step::Last,
            Step::Last => Step::First,
        };
        let lines = page.saturating_sub(self.shown(view, stream).map_or(HEAD, head)).max(1);
        self.back.step(step, count, lines);
    }

    fn stream<'v>(&self, view: &View<'v>) -> Option<&'v Stream> {
        let streams = &view.plan().streams;
        streams.get(self.at.min(streams.len().saturating_sub(1)))
    }

    fn shown<'v>(&'v self, view: &View<'v>, stream: &Stream) -> Option<&'v StreamView> {
        let live = self.paused.as_deref().unwrap_or(view.live());
        live.streams.get(&stream.id)
    }

    fn kept<'v>(&'v self, stream: &'v StreamView) -> impl DoubleEndedIterator<Item = &'v Line> {
        let wanted = self.filter.to_lowercase();
        stream.lines.iter().filter(move |line| {
            let found = wanted.is_empty()
                || line.text.to_lowercase().contains(&wanted)
                || line.tag.to_lowercase().contains(&wanted);
            found && (line.error || !self.errors_only)
        })
    }
}

/// Lines on how the stream is, above its own.
const HEAD: usize = 2;

/// The same of a stream that is known: its last error has a line too.
fn head(known: &StreamView) -> usize {
    HEAD + usize::from(known.last_error.is_some())
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let Some(stream) = state.stream(view) else {
        let inner = sheet::pane(area, Pane::Streams.title(), "", frame, view.theme, buf);
        sheet::rows([Row::new(view.theme).say(Role::Muted, "the plan has no streams")], inner, buf);
        return;
    };
    let count = view.plan().streams.len();
    let title = match count {
        1 => format!("Stream · {}", stream.title),
        _ => format!("Stream {}/{count} · {}", state.at + 1, stream.title),
    };
    let mut remarks = Vec::new();
    if state.is_paused() {
        remarks.push("PAUSED".to_owned());
    }
    if state.errors_only {
        remarks.push("errors only".to_owned());
    }
    if !state.filter.is_empty() {
        remarks.push(format!("filter: {}", state.filter));
    }
    let inner = sheet::pane(area, &title, &remarks.join(" · "), frame, view.theme, buf);
    let known = state.shown(view, stream);
    let mut rows = vec![health(view, stream, known), counts(view, known)];
    if let Some(error) = known.and_then(|known| known.last_error.as_ref()) {
        rows.push(Row::new(view.theme).say(Role::Failed, error));
    }
    let room = usize::from(inner.height).saturating_sub(rows.len());
    if let Some(known) = known {
        let count = state.kept(known).count();
        let below = state.back.top.min(count);
        let above = count.saturating_sub(below + room);
        sheet::beyond(inner, above, below, frame, view.theme, buf);
        let mut lines: Vec<Row<'_>> =
            state.kept(known).rev().skip(state.back.top).take(room).map(|line| self::line(view, line)).collect();
        lines.reverse();
        rows.extend(lines);
    }
    sheet::rows(rows, inner, buf);
}

fn health<'v>(view: &View<'v>, stream: &Stream, known: Option<&StreamView>) -> Row<'v> {
    let row = Row::new(view.theme);
    let glyphs = view.theme.glyphs;
    let Some(known) = known else {
        // An attached console has no lines: what the one that reads has recorded.
        if let Some((open, why)) = view.board().streams.get(&stream.id) {
            let (role, word) = if *open { (Role::Plain, "open") } else { (Role::Warned, "closed") };
            return row
                .say(role, format!("{word} "))
                .say(Role::Muted, why)
                .right(Role::Muted, format!("lines: {}", view.samples_are()));
        }
        let after = stream.after.as_ref().map(|item| format!(", opens after {item}")).unwrap_or_default();
        return row.say(Role::Muted, format!("{} not begun{after}", glyphs.waiting));
    };
    let why = view.board().streams.get(&stream.id).map_or("", |(_, why)| why.as_str());
    if let Some(since) = view.untold().filter(|_| !known.finished) {
        return row.say(Role::Stale, format!("{} not heard since {}", glyphs.unknown, view.time(since)));
    }
    if known.finished {
        row.say(Role::Passed, format!("{} ended as it should ", glyphs.pass)).say(Role::Muted, why)
    } else if known.open {
        let pace = format!("{:.0} ev/s · longest gap {}", known.per_second, span::words(known.longest_gap));
        row.say(Role::Passed, format!("{} open", glyphs.pass)).right(Role::Plain, pace)
    } else {
        row.say(Role::Failed, format!("{} closed ", glyphs.fail)).say(Role::Plain, why)
    }
}

fn counts<'v>(view: &View<'v>, known: Option<&StreamView>) -> Row<'v> {
    let row = Row::new(view.theme);
    let Some(known) = known else { return row };
    let row = count(row, "reconnects", u64::from(known.reconnects), Role::Warned).say(Role::Muted, " · ");
    let row = count(row, "dropped", known.dropped, Role::Warned).say(Role::Muted, " · ");
    count(row, "errors", known.errors, Role::Failed).right(Role::Muted, format!("{} lines", known.total))
}

fn count<'t>(row: Row<'t>, word: &str, count: u64, role: Role) -> Row<'t> {
    let role = if count == 0 { Role::Muted } else { role };
    row.say(role, format!("{word} {count}"))
}

fn line<'v>(view: &View<'v>, line: &Line) -> Row<'v> {
    let role = if line.error { Role::Failed } else { Role::Plain };
    Row::new(view.theme)
        .say(Role::Muted, format!("{} ", view.time(line.at)))
        .say(if line.error { Role::Failed } else { Role::Running }, format!("{} ", line.tag))
        .say(role, &line.text)
}
