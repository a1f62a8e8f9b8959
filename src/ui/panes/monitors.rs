//! Monitors: a strip of samples, the last latency, percentiles, the last error, and how old the newest
//! sample is. What is not seen is never shown as well.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::launch::board::Change;
use crate::launch::live::{MonitorView, Sample};
use crate::launch::plan::Monitor;
use crate::launch::port::Seat;
use crate::launch::verdict::Verdict;
use crate::ui::state::{Pane, View};
use crate::ui::theme::Role;
use crate::ui::widgets::list::Window;
use crate::ui::widgets::row::Row;
use crate::ui::widgets::{sheet, span};

/// Samples older than this many intervals are said to be old.
const OLD_AFTER: u32 = 3;

#[derive(Debug, Clone, Default)]
pub struct State {
    pub window: Window,
}

pub fn draw(state: &State, view: &View<'_>, frame: Role, area: Rect, buf: &mut Buffer) {
    let inner = sheet::pane(area, Pane::Monitors.title(), "", frame, view.theme, buf);
    let monitors = &view.plan().monitors;
    if monitors.is_empty() {
        sheet::rows([Row::new(view.theme).say(Role::Muted, "the plan has no monitors")], inner, buf);
        return;
    }
    let height = usize::from(inner.height);
    let width = usize::from(inner.width);
    // Three lines a monitor where they fit, else two, else one.
    let each = (height.saturating_sub(1) / monitors.len()).clamp(1, 3);
    let seen = state.window.seen(monitors.len(), height.saturating_sub(1) / each);
    let mut rows = Vec::new();
    for monitor in &monitors[seen] {
        let known = view.live().monitors.get(&monitor.id);
        rows.push(first_line(view, monitor, known, width, each < 3));
        if each == 3 {
            let samples = known.map(|known| &known.samples);
            let row = Row::new(view.theme).say(Role::Plain, "  ");
            rows.push(match samples {
                Some(samples) => strip_of(row, samples, width.saturating_sub(2), view),
                None => row,
            });
        }
        if each > 1 {
            rows.push(second_line(view, monitor, known));
        }
    }
    rows.truncate(height.saturating_sub(1));
    rows.push(watching(view));
    sheet::rows(rows, inner, buf);
}

fn first_line<'v>(
    view: &View<'v>,
    monitor: &Monitor,
    known: Option<&MonitorView>,
    width: usize,
    strip: bool,
) -> Row<'v> {
    let row = Row::new(view.theme);
    let verdict = standing(view, monitor, known);
    let sign = format!("{} ", view.theme.glyph(verdict));
    let row = row.say(Role::of(verdict), sign).say(Role::Plain, &monitor.title);
    let Some(known) = known.filter(|known| !known.samples.is_empty()) else {
        return match recorded(view, monitor) {
            Some(change) => row.right(Role::of(change.verdict), change.verdict.word()),
            None => row.right(Role::Unknown, "no data"),
        };
    };
    let last = known.samples.back().map(|sample| span::words(sample.took)).unwrap_or_default();
    let up = known.up.map(|up| format!("{:.1}%", up * 100.0)).unwrap_or_default();
    let tail = format!("{last:>7} {up:>6}");
    if !strip {
        return row.right(Role::Plain, tail);
    }
    let name = (width / 3).max(8);
    let row = row.at_most(name).tab(name + 1);
    strip_of(row, &known.samples, width.saturating_sub(name + 2 + tail.len()), view).right(Role::Plain, tail)
}

/// The newest samples, one column each: height by latency, role by verdict.
fn strip_of<'v>(
    mut row: Row<'v>,
    samples: &std::collections::VecDeque<Sample>,
    width: usize,
    view: &View<'v>,
) -> Row<'v> {
    let shown = samples.iter().skip(samples.len().saturating_sub(width));
    let slowest = shown.clone().map(|sample| sample.took).max().unwrap_or_default().as_micros().max(1);
    let spark = view.theme.glyphs.spark;
    for sample in shown {
        let level = if sample.verdict == Verdict::Pass {
            usize::try_from(sample.took.as_micros() * 6 / slowest).unwrap_or(6).min(6)
        } else {
            7
        };
        row = row.say(Role::of(sample.verdict), spark[level]);
    }
    row
}

fn second_line<'v>(view: &View<'v>, monitor: &Monitor, known: Option<&MonitorView>) -> Row<'v> {
    let row = Row::new(view.theme).say(Role::Plain, "  ");
    let Some(known) = known else {
        let every = || format!("every {}", span::words(monitor.every));
        return row.say(Role::Muted, recorded(view, monitor).map_or_else(every, |change| change.why.clone()));
    };
    if standing(view, monitor, Some(known)) != Verdict::Pass {
        let failures = if known.failures > 0 { format!("{} in a row: ", known.failures) } else { String::new() };
        let why = view.board().monitors.get(&monitor.id).map(|change| change.why.as_str());
        let error = known.last_error.as_deref().or(why).unwrap_or("no sample yet");
        return row.say(Role::Failed, format!("{failures}{error}"));
    }
    let percentile = |span: Option<Duration>| span.map_or_else(|| "–".to_owned(), span::words);
    let row = row.say(Role::Muted, format!("p50 {} · p95 {}", percentile(known.p50), percentile(known.p95)));
    match age(view, known).filter(|age| *age > monitor.every * OLD_AFTER) {
        Some(age) => row.right(Role::Stale, format!("{} old", span::seconds(age))),
        None => row,
    }
}

/// The counted verdict; stale where nothing new came for long, unknown without a sample.
fn standing(view: &View<'_>, monitor: &Monitor, known: Option<&MonitorView>) -> Verdict {
    let Some(known) = known.filter(|known| !known.samples.is_empty()) else {
        return recorded(view, monitor).map_or(Verdict::Unknown, |change| change.verdict);
    };
    let old = age(view, known).is_some_and(|age| age > (monitor.every + monitor.timeout) * OLD_AFTER);
    let counted = known.verdict.or_else(|| view.board().monitors.get(&monitor.id).map(|change| change.verdict));
    let counted = counted.unwrap_or(Verdict::Unknown);
    if old && counted == Verdict::Pass { Verdict::Stale } else { counted }
}

/// An attached console has no samples: what the one that looks has recorded, as long as that one is heard.
fn recorded<'v>(view: &View<'v>, monitor: &Monitor) -> Option<&'v Change> {
    let heard = view.snapshot.seat == Seat::Attached { heard: true };
    view.board().monitors.get(&monitor.id).filter(|_| heard)
}

fn age(view: &View<'_>, known: &MonitorView) -> Option<Duration> {
    known.samples.back().map(|sample| (view.now.wall - sample.at).to_std().unwrap_or_default())
}

/// `watching 5 of 6, oldest 4s`.
fn watching<'v>(view: &View<'v>) -> Row<'v> {
    if view.attached() {
        return Row::new(view.theme).say(Role::Muted, "samples: at the operator's");
    }
    let monitors = &view.plan().monitors;
    let ages: Vec<Duration> = monitors
        .iter()
        .filter_map(|monitor| {
            let age = age(view, view.live().monitors.get(&monitor.id)?)?;
            (age <= (monitor.every + monitor.timeout) * OLD_AFTER).then_some(age)
        })
        .collect();
    let oldest = ages.iter().max().map(|age| format!(", oldest {}", span::seconds(*age))).unwrap_or_default();
    let missed: u64 = view.live().monitors.values().map(|known| known.missed).sum();
    let missed = if missed > 0 { format!(", {missed} looks missed") } else { String::new() };
    let role = if ages.len() == monitors.len() && missed.is_empty() { Role::Muted } else { Role::Warned };
    Row::new(view.theme).say(role, format!("watching {} of {}{oldest}{missed}", ages.len(), monitors.len()))
}
