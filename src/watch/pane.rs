//! What is shown of a stream, whatever it is of: gathered without a lock and rendered at most so often.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::outlet::{Outlet, PUBLISH_EVERY};
use super::raw::Raw;
use crate::base::secret::Redactor;
use crate::kind::exchange::shown;
use crate::launch::id::StreamId;
use crate::launch::live::{LINES_KEPT, Line, StreamView};

/// Columns of a shown line; data longer than `LARGE` bytes is cut as it comes, not when it is shown.
pub(super) const COLUMNS: usize = 500;
const LARGE: usize = 4 << 10;
/// The span a rate is measured over.
const RATE_SPAN: Duration = Duration::from_secs(5);

/// What is shown of a stream, gathered without a lock and rendered at most so often.
pub(super) struct Pane<'a> {
    redactor: &'a Redactor,
    id: &'a StreamId,
    outlet: &'a Outlet,
    raw: &'a Raw,
    /// Not rendered yet, oldest first; never more than the pane keeps.
    fresh: VecDeque<Line>,
    pub total: u64,
    errors: u64,
    dropped: u64,
    pub finished: bool,
    last_at: Option<Instant>,
    longest_gap: Duration,
    rendered: Instant,
    /// When so many had come, oldest first, for the rate.
    marks: VecDeque<(Instant, u64)>,
    rate: f64,
}

impl<'a> Pane<'a> {
    pub(super) fn new(id: &'a StreamId, outlet: &'a Outlet, raw: &'a Raw, redactor: &'a Redactor) -> Self {
        let now = Instant::now();
        Self {
            redactor,
            id,
            outlet,
            raw,
            fresh: VecDeque::new(),
            total: 0,
            errors: 0,
            dropped: 0,
            finished: false,
            last_at: None,
            longest_gap: Duration::ZERO,
            rendered: now,
            marks: VecDeque::from([(now, 0)]),
            rate: 0.0,
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut StreamView)) {
        self.outlet.show(|live| change(live.streams.entry(self.id.clone()).or_default()));
    }

    pub(super) fn open(&mut self, now: Instant) {
        self.last_at = Some(now);
        self.change(|view| view.open = true);
    }

    pub(super) fn close(&mut self, error: Option<&String>) {
        self.render();
        self.last_at = None;
        self.rate = 0.0;
        self.marks.clear();
        self.change(|view| {
            view.open = false;
            view.per_second = 0.0;
            view.last_error = error.cloned().or(view.last_error.take());
        });
    }

    /// Something came, which an error is or is not.
    pub(super) fn came(&mut self, now: Instant, error: bool) {
        self.total += 1;
        let gap = self.last_at.map_or(Duration::ZERO, |last| now - last);
        self.longest_gap = self.longest_gap.max(gap);
        self.last_at = Some(now);
        self.errors += u64::from(error);
    }

    /// Keeps what came, to be shown; its texts are made fit for that when they are.
    pub(super) fn keep(&mut self, mut line: Line) {
        if line.text.len() > LARGE {
            line.text = shown(&line.text, COLUMNS, self.redactor);
            self.dropped += 1;
        }
        if self.fresh.len() == LINES_KEPT {
            self.fresh.pop_front();
            self.dropped += 1;
        }
        self.fresh.push_back(line);
    }

    /// True while something waits to be rendered, or a rate to fall.
    pub(super) fn has_more(&self) -> bool {
        !self.fresh.is_empty() || self.rate > 0.0
    }

    pub(super) fn due(&self) -> Instant {
        self.rendered + if self.fresh.is_empty() { Duration::from_secs(1) } else { PUBLISH_EVERY }
    }

    pub(super) fn render(&mut self) {
        let now = Instant::now();
        self.measure(now);
        self.rendered = now;
        let redactor = self.redactor;
        let line = |line: Line| Line {
            tag: shown(&line.tag, 40, redactor),
            text: shown(&line.text, COLUMNS, redactor),
            ..line
        };
        let lines: Vec<Line> = self.fresh.drain(..).map(line).collect();
        let unkept = self.raw.stopped();
        let (total, rate, gap, errors, finished) =
            (self.total, self.rate, self.longest_gap, self.errors, self.finished);
        let dropped = self.dropped;
        let fell = self.outlet.show(|live| {
            let view = live.streams.entry(self.id.clone()).or_default();
            view.came += lines.len() as u64;
            view.lines.extend(lines);
            let over = view.lines.len().saturating_sub(LINES_KEPT);
            view.lines.drain(..over);
            (view.total, view.per_second, view.longest_gap) = (total, rate, gap);
            (view.errors, view.finished, view.dropped) = (errors, finished, dropped + over as u64);
            view.last_error = unkept.or(view.last_error.take());
            over as u64
        });
        self.dropped += fell;
    }

    fn measure(&mut self, now: Instant) {
        while self.marks.len() > 1 && self.marks.get(1).is_some_and(|(at, _)| now - *at >= RATE_SPAN) {
            self.marks.pop_front();
        }
        let (since, count) = self.marks.front().copied().unwrap_or((now, self.total));
        let (span, came) = ((now - since).as_secs_f64(), self.total - count);
        let came = u32::try_from(came).map_or(f64::MAX, f64::from);
        // What came within a moment is no rate of a thousand a second.
        self.rate = came / span.max(1.0);
        self.marks.push_back((now, self.total));
    }
}
