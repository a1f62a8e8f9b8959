//! The lines of what is watched: one each where there is little room, up to three where there is more. Part of
//! [`super`].

use std::collections::VecDeque;
use std::time::Duration;

use super::Line;
use super::watching::age;
use crate::launch::board::Change;
use crate::launch::live::{MonitorView, Sample, SignalView};
use crate::launch::plan::{Monitor, Objective, Signal, Trigger};
use crate::launch::port::Seat;
use crate::launch::trigger::Stage;
use crate::launch::verdict::Verdict;
use crate::ui::state::View;
use crate::ui::theme::Role;
use crate::ui::watched::{self, OLD_AFTER};
use crate::ui::widgets::row::Row;
use crate::ui::widgets::span;

/// From this width on a line has room for a title beside its id.
const WIDE: usize = 72;
/// Columns of a name beside what is said of it that can wait: two triggers are told apart by them.
const FEWEST: usize = 17;

/// At most `most` lines about `line`.
pub(super) fn rows<'v>(line: &Line, view: &View<'v>, width: usize, most: usize) -> Vec<Row<'v>> {
    let plan = view.plan();
    let mut rows = match line {
        Line::Monitor(id) => {
            let monitor = plan.monitors.iter().find(|known| known.id == *id);
            monitor.map(|monitor| of_monitor(view, monitor, width, most))
        }
        Line::Signal(id) => {
            plan.signals.iter().find(|known| known.id == *id).map(|signal| of_signal(view, signal, width))
        }
        Line::Objective(id) => {
            plan.objectives.iter().find(|known| known.id == *id).map(|known| of_objective(view, known, width))
        }
        Line::Trigger(id) => {
            plan.triggers.iter().find(|known| known.id == *id).map(|known| of_trigger(view, known, width))
        }
    }
    .unwrap_or_default();
    rows.truncate(most.max(1));
    rows
}

fn of_monitor<'v>(view: &View<'v>, monitor: &Monitor, width: usize, most: usize) -> Vec<Row<'v>> {
    let known = view.live().monitors.get(&monitor.id);
    let mut rows = vec![first_line(view, monitor, known, width, most < 3)];
    if most >= 3 {
        let row = Row::new(view.theme).say(Role::Plain, "  ");
        rows.push(match known {
            Some(known) => strip_of(row, &known.samples, width.saturating_sub(2), view),
            None => row,
        });
    }
    rows.push(second_line(view, monitor, known));
    rows
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
fn strip_of<'v>(mut row: Row<'v>, samples: &VecDeque<Sample>, width: usize, view: &View<'v>) -> Row<'v> {
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
pub(super) fn standing(view: &View<'_>, monitor: &Monitor, known: Option<&MonitorView>) -> Verdict {
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
    let heard = matches!(view.snapshot.seat, Seat::Attached { heard: true } | Seat::Replay(_));
    view.board().monitors.get(&monitor.id).filter(|_| heard)
}

fn of_signal<'v>(view: &View<'v>, signal: &Signal, width: usize) -> Vec<Row<'v>> {
    let known = view.live().signals.get(&signal.id);
    let row = Row::new(view.theme);
    if view.unsampled() {
        return vec![
            row.say(Role::Muted, "· ").say(Role::Plain, signal.id.as_str()).right(Role::Muted, view.samples_are()),
        ];
    }
    let verdict = watched::signal(signal, known, view.wall);
    // That a number comes is no health: its objectives say what it is worth.
    let (glyph, role) = match verdict {
        Verdict::Pass => ("·", Role::Plain),
        other => watched::sign(view.theme, other),
    };
    let row = row.say(role, format!("{glyph} ")).say(Role::Plain, signal.id.as_str());
    let newest = known.and_then(|known| known.numbers.back().map(|newest| (known, newest)));
    let Some((known, (at, value))) = newest else {
        let row = row.right(Role::Unknown, "no data");
        return [Some(row), known.and_then(|known| trouble(view, known))].into_iter().flatten().collect();
    };
    let old = (view.wall - *at).to_std().unwrap_or_default();
    let made = if known.generated { " gen" } else { "" };
    let tail = format!("{}{made} {:>4}", watched::number(*value, signal.unit), span::seconds(old));
    let name = (width / 3).max(8);
    let row = row.at_most(name).tab(name + 1);
    let strip = width.saturating_sub(name + 2 + tail.chars().count());
    let row = spark(row, &known.numbers, strip, view).right(role, tail);
    std::iter::once(row).chain(trouble(view, known)).collect()
}

/// What went wrong with the last look, or what its answer warned of.
fn trouble<'v>(view: &View<'v>, known: &SignalView) -> Option<Row<'v>> {
    let row = Row::new(view.theme).say(Role::Plain, "  ");
    match (&known.last_error, &known.warning) {
        (Some(error), _) => Some(row.say(Role::Failed, error)),
        (None, Some(warning)) => Some(row.say(Role::Warned, warning)),
        (None, None) => None,
    }
}

/// The newest numbers, one column each, between the least and the most of them.
fn spark<'v>(
    mut row: Row<'v>,
    numbers: &VecDeque<(crate::launch::time::Wall, f64)>,
    width: usize,
    view: &View<'v>,
) -> Row<'v> {
    let shown = numbers.iter().skip(numbers.len().saturating_sub(width)).map(|(_, value)| *value);
    let least = shown.clone().fold(f64::INFINITY, f64::min);
    let most = shown.clone().fold(f64::NEG_INFINITY, f64::max);
    let glyphs = view.theme.glyphs.spark;
    for value in shown {
        let part = if most > least { (value - least) / (most - least) } else { 0.0 };
        // From 0 to 7; what is no number is the least.
        let level = (part * 7.0).round().clamp(0.0, 7.0) as usize;
        row = row.say(Role::Muted, glyphs.get(level).copied().unwrap_or(glyphs[0]));
    }
    row
}

fn of_objective<'v>(view: &View<'v>, objective: &Objective, width: usize) -> Vec<Row<'v>> {
    let (board, now) = (view.board(), view.now.instant);
    let stands = watched::shown(view, objective);
    let (glyph, role) = watched::sign(view.theme, stands.verdict);
    let row = Row::new(view.theme).say(role, format!("{glyph} ")).say(Role::Plain, objective.id.as_str());
    let row = row.say(Role::Muted, format!(" {}", span::short(objective.window)));
    let row = if width >= WIDE { row.say(Role::Muted, format!("  {}", objective.title)) } else { row };
    let figure = watched::figure(objective, &stands);
    let row = right_of(row, role, figure, width);
    let mut rows = vec![row];
    let mut words = Vec::new();
    if let Some(old) = stands.old {
        words.push(format!("not evaluated for {}", span::seconds(old)));
    }
    // What is about to happen because of it comes before how long it has lasted.
    let nearest = watched::standing_on(board, objective).filter(|(_, state)| state.stage == Stage::Quiet);
    if let Some((trigger, held)) = nearest.and_then(|(trigger, state)| Some((trigger, watched::held(trigger, state)?)))
    {
        words.push(format!("breached {held} → {}", trigger.then));
    } else if let Some(known) = stands.known.filter(|_| stands.verdict != Verdict::Pass) {
        words.push(format!("{} {}", watched::word(stands.verdict), span::stopwatch(now.since(known.since))));
    }
    if let Some(known) = stands.known {
        let counts = &known.counts;
        if Duration::from(counts.known) < objective.window {
            words.push(format!("known {}", watched::known_of(objective, counts)));
        }
        if counts.late > 0 {
            words.push(format!("{} late", counts.late));
        }
        if counts.generated {
            words.push("generated".to_owned());
        }
    }
    let bad = if stands.verdict == Verdict::Pass { Role::Muted } else { role };
    if !words.is_empty() {
        rows.push(Row::new(view.theme).say(bad, format!("  {}", words.join(" · "))));
    }
    rows
}

/// At the right what fits beside the left, and two thirds at least: what it is about stays in sight.
fn right_of<'v>(row: Row<'v>, role: Role, words: String, width: usize) -> Row<'v> {
    let most = (width * 2 / 3).max(width.saturating_sub(row.width() + 1));
    row.right(role, words).right_at_most(most)
}

fn of_trigger<'v>(view: &View<'v>, trigger: &Trigger, width: usize) -> Vec<Row<'v>> {
    let (glyph, role, words) = watched::stage(view.theme.glyphs, view.board(), trigger, view.now.instant);
    let row = Row::new(view.theme).say(role, format!("{glyph} ")).say(Role::Plain, trigger.id.as_str());
    let row = if width >= WIDE { row.say(Role::Muted, format!("  {}", trigger.title)) } else { row };
    // What is not armed yet has nothing to say that comes before its name.
    let row = match words.strip_prefix("armed ").filter(|_| width < WIDE) {
        Some(when) => row.right(role, when).right_at_most(width.saturating_sub(FEWEST).max(width / 3)),
        None => right_of(row, role, words, width),
    };
    let says =
        format!("  {} · {} · {}", watched::condition(trigger), watched::leads_to(trigger), watched::arms(trigger));
    vec![row, Row::new(view.theme).say(Role::Muted, says)]
}
