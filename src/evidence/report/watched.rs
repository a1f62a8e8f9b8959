//! What was watched: objectives with every breach, triggers and when they fired, monitors. Figures and verdicts are of
//! the journal's counts; the plots of samples are `plots`'.

use std::time::Duration;

use super::document::{Cell, Section, Table, Tone};
use super::plots;
use super::revised::Known;
use super::say;
use super::story::{Evaluation, Story};
use crate::launch::id::TriggerId;
use crate::launch::objective::{Counts, Measured};
use crate::launch::plan::{Beside, Condition, FireMode, Objective, Plan};
use crate::launch::threshold::{Dimension, Is, Of, Threshold, Unit};
use crate::launch::time::Instant;
use crate::launch::trigger::Stage;
use crate::launch::verdict::Verdict;

/// Stretches of one objective that are told; the picture has all.
const TOLD: usize = 60;

/// A trigger fired.
#[derive(Debug)]
pub(super) struct Fired {
    pub at: Instant,
    pub trigger: TriggerId,
    pub why: String,
}

/// Evaluations one after another that came to the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run<'e> {
    pub from: Instant,
    pub until: Instant,
    pub verdict: Verdict,
    /// The words of its worst evaluation, as far as a number tells which that is.
    pub why: &'e str,
}

/// The number that is held to the limit, in its dimension's base, where there is one to draw. A percentile is one for
/// people: what is compared is counted.
pub(super) fn figure(plan: &Plan, objective: &Objective, counts: &Counts) -> Option<f64> {
    if counts.refused.is_some() {
        return None;
    }
    let unit = unit(plan, objective);
    let side = |of: &Measured| side(objective, of, unit);
    let figure = match (&objective.beside, &counts.beside) {
        (Beside::Nothing, _) | (Beside::Against { .. }, _) => side(&counts.seen)?,
        (Beside::Per(_), Some(whole)) => {
            let (part, whole) = (counts.seen.value?.get(), whole.value?.get());
            (whole > 0.0).then(|| part / whole)?
        }
        (Beside::Minus(_), Some(other)) => side(&counts.seen)? - side(other)?,
        (Beside::Per(_) | Beside::Minus(_), None) => return None,
    };
    figure.is_finite().then_some(figure)
}

fn unit(plan: &Plan, objective: &Objective) -> Unit {
    let known = plan.signals.iter().find(|signal| signal.id == objective.signal);
    let looks = objective.signal.monitor().is_some();
    known.map_or_else(|| Unit::base(if looks { Dimension::Time } else { Dimension::Plain }), |signal| signal.unit)
}

fn side(objective: &Objective, of: &Measured, unit: Unit) -> Option<f64> {
    let share = |part: u64| (of.of > 0).then(|| part as f64 / of.of as f64);
    let against = of.against.min(of.of);
    match objective.that.of {
        Of::ErrorRate => share(against),
        Of::Up => share(of.of - against),
        Of::Percentile(_) | Of::Max => of.shown.map(|shown| shown.get() * unit.in_base()),
        Of::Value | Of::Change => of.value.map(|value| value.get() * unit.in_base()),
        Of::Rate => of.value.map(|value| value.get() * unit.in_base() / objective.window.as_secs_f64().max(0.001)),
    }
}

/// `≤ 5%`.
pub(super) fn limit(that: &Threshold) -> String {
    let sign = match that.is {
        Is::AtMost => "≤",
        Is::Less => "<",
        Is::AtLeast => "≥",
        Is::More => ">",
        Is::Equal => "=",
        Is::Other => "≠",
    };
    format!("{sign} {}", that.limit.words())
}

/// Whether of two figures `one` is nearer to a breach of `that`, or further into it.
pub(super) fn is_worse(that: &Threshold, one: f64, other: f64) -> bool {
    let off = |figure: f64| (figure - that.limit.value()).abs();
    match that.is {
        Is::AtMost | Is::Less => one > other,
        Is::AtLeast | Is::More => one < other,
        Is::Equal => off(one) > off(other),
        Is::Other => off(one) < off(other),
    }
}

/// The stretches of an objective, in order; a time that nobody evaluated is in none.
pub(super) fn runs<'e>(all: &'e [Evaluation], objective: &Objective) -> Vec<Run<'e>> {
    let every = objective.evaluate_every;
    let mut runs: Vec<(Run<'_>, Option<f64>)> = Vec::new();
    let mut before: Option<Instant> = None;
    for told in all {
        let from = Instant(told.at.0.saturating_sub(crate::launch::time::millis(every)));
        let from = before.map_or(from, |before| from.max(before));
        before = Some(told.at);
        match runs.last_mut() {
            Some((last, worst)) if last.verdict == told.verdict && last.until >= from => {
                last.until = told.at;
                let worse = |(figure, worst)| is_worse(&objective.that, figure, worst);
                if told.figure.zip(*worst).is_some_and(worse) {
                    (last.why, *worst) = (&told.why, told.figure);
                }
            }
            _ => {
                let run = Run { from, until: told.at, verdict: told.verdict, why: &told.why };
                runs.push((run, told.figure));
            }
        }
    }
    runs.into_iter().map(|(run, _)| run).collect()
}

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("watched", "Watched: objectives, triggers, monitors");
    section.table(objectives(story));
    section.table(breaches(story));
    section.table(triggers(story));
    section.table(fired(story));
    section.table(monitors(story));
    if story.objectives().next().is_none() && story.signals().is_empty() {
        section.text(Cell::muted("The plan watches nothing."));
    }
    plots::all(story, &mut section);
    section
}

fn objectives(story: &Story) -> Table {
    let head = ["objective", "must be", "over", "at the end", "breached", "could not tell", "not evaluated"];
    let mut table = Table::new("Objectives", &head);
    for known in story.objectives() {
        let objective = known.what;
        let all = story.rounds.get(&objective.id).map(Vec::as_slice).unwrap_or_default();
        let runs = runs(all, objective);
        let sum = |is: fn(Verdict) -> bool| -> (usize, Duration) {
            let of = runs.iter().filter(|run| is(run.verdict));
            (of.clone().count(), of.map(|run| run.until.since(run.from)).sum())
        };
        let told = |(times, lasted): (usize, Duration), tone| match times {
            0 => Cell::muted("never"),
            n => Cell::toned(tone, format!("{}, {}", say::count(n, "time", "times"), say::span(lasted))),
        };
        let last = all.last();
        let missing = not_evaluated(story, objective, &runs, known.until(story.away.until()));
        table.row([
            format!("{}{}", title(&objective.title, objective.id.as_str()), known.removed()).into(),
            format!("{}{}", objective.that.words(), story.held_to(&objective.id)).into(),
            say::span(objective.window).into(),
            last.map_or_else(
                || Cell::toned(Tone::Unknown, "never evaluated"),
                |last| Cell::toned(ends(&known, last.verdict), format!("{}: {}", word(last.verdict), last.why)),
            ),
            told(sum(|verdict| verdict == Verdict::Fail), Tone::Fail),
            told(sum(|verdict| matches!(verdict, Verdict::Unknown | Verdict::Stale)), Tone::Unknown),
            if missing.is_zero() { Cell::muted("nothing") } else { Cell::toned(Tone::Unknown, say::span(missing)) },
        ]);
    }
    table
}

/// How much of the time from its first evaluation up to `end` no evaluation of an objective speaks for; of one that was
/// never evaluated, all of it. One that would have come after the end is none that is missing.
fn not_evaluated(story: &Story, objective: &Objective, runs: &[Run<'_>], end: Instant) -> Duration {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return end.since(story.opened()) };
    let known: Duration = runs.iter().map(|run| run.until.since(run.from)).sum();
    let after = end.since(last.until);
    let after = if after < objective.evaluate_every { Duration::ZERO } else { after };
    last.until.since(first.from).saturating_sub(known) + after
}

/// How a verdict at the end is told: of what was taken away it is no verdict on the launch as it ended.
fn ends<T>(known: &Known<'_, T>, verdict: Verdict) -> Tone {
    if known.gone.is_some() && verdict == Verdict::Pass { Tone::Muted } else { verdict.into() }
}

fn title(title: &str, id: &str) -> String {
    if title == id { title.to_owned() } else { format!("{title} ({id})") }
}

fn word(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Fail { "breached" } else { verdict.word() }
}

fn breaches(story: &Story) -> Table {
    let mut table = Table::new(
        "Every breach, and every time that could not be told",
        &["objective", "from", "until", "for", "was", "why"],
    );
    for objective in story.objectives().map(|known| known.what) {
        let all = story.rounds.get(&objective.id).map(Vec::as_slice).unwrap_or_default();
        let runs = runs(all, objective);
        let ill: Vec<_> = runs.iter().filter(|run| run.verdict != Verdict::Pass).collect();
        // What broke is never what is left out for what was only unknown.
        let breached = ill.iter().filter(|run| run.verdict == Verdict::Fail).take(TOLD);
        let room = TOLD.saturating_sub(breached.clone().count());
        let untold = ill.iter().filter(|run| run.verdict != Verdict::Fail).take(room);
        let mut told: Vec<_> = breached.chain(untold).collect();
        told.sort_by_key(|run| run.from);
        for run in &told {
            table.row([
                objective.id.as_str().into(),
                story.when(run.from).into(),
                story.when(run.until).into(),
                say::span(run.until.since(run.from)).into(),
                Cell::toned(run.verdict.into(), word(run.verdict)),
                run.why.into(),
            ]);
        }
        if ill.len() > told.len() {
            let more = Cell::muted(format!("and {} more", ill.len() - told.len()));
            let none = Cell::default;
            table.row([objective.id.as_str().into(), more, none(), none(), none(), none()]);
        }
    }
    table
}

fn triggers(story: &Story) -> Table {
    let mut table = Table::new("Triggers", &["trigger", "fires on", "then", "fired", "at the end"]);
    for known in story.triggers() {
        let trigger = known.what;
        let lasts = if trigger.lasts.is_zero() { String::new() } else { format!(" for {}", say::span(trigger.lasts)) };
        let when = match &trigger.when {
            Condition::Objective(id) => format!("objective {id} breached{lasts}"),
            Condition::Monitor(id) => format!("monitor {id} failing{lasts}"),
            Condition::Manual => "a person's word".to_owned(),
        };
        let then = match trigger.mode {
            FireMode::Auto { veto } => format!("{} by itself after {}", trigger.then, say::span(veto)),
            FireMode::Ask => format!("asks for {}", trigger.then),
        };
        let state = story.board.triggers.get(&trigger.id);
        let times = story.fired.iter().filter(|fired| fired.trigger == trigger.id).count();
        let stands = match state.filter(|_| known.gone.is_none()).map(|state| &state.stage) {
            _ if known.gone.is_some() => Cell::toned(if times > 0 { Tone::Warn } else { Tone::Muted }, "removed"),
            None | Some(Stage::Quiet) if times > 0 => Cell::from("has recovered"),
            None | Some(Stage::Quiet) => Cell::muted("quiet"),
            Some(Stage::Fired { .. }) => Cell::toned(Tone::Fail, "fired, and nobody answered"),
            Some(Stage::Started { .. }) => Cell::toned(Tone::Fail, "its rollback was started"),
            Some(Stage::Vetoed { by, .. }) => Cell::toned(Tone::Warn, format!("vetoed by {}", by.name)),
            Some(Stage::Acknowledged { by, .. }) => Cell::toned(Tone::Warn, format!("taken on by {}", by.name)),
        };
        let fired = match times {
            0 => Cell::muted("never"),
            n => Cell::toned(Tone::Fail, say::count(n, "time", "times")),
        };
        let title = format!("{}{}", title(&trigger.title, trigger.id.as_str()), known.removed());
        table.row([title.into(), when.into(), then.into(), fired, stands]);
    }
    table
}

fn fired(story: &Story) -> Table {
    let mut table = Table::new("When triggers fired", &["when", "trigger", "why"]);
    for fired in &story.fired {
        table.row([
            story.when(fired.at).into(),
            Cell::toned(Tone::Fail, fired.trigger.as_str()),
            fired.why.as_str().into(),
        ]);
    }
    table
}

fn monitors(story: &Story) -> Table {
    let head = ["monitor", "looked every", "at the end", "not well", "for", "not watched", "last word"];
    let mut table = Table::new("Monitors", &head);
    for known in story.monitors() {
        let (monitor, end) = (known.what, known.until(story.away.until()));
        let changes = story.monitors.get(&monitor.id).map(Vec::as_slice).unwrap_or_default();
        let until = changes.iter().skip(1).map(|(at, ..)| *at).chain([end]);
        let ill = changes.iter().zip(until).filter(|((_, verdict, _), _)| *verdict != Verdict::Pass);
        let times = ill.clone().count();
        // What it said last is not known of a time that nobody watched.
        let ill = ill.flat_map(|((from, ..), until)| story.away.watched(*from, until));
        let lasted: Duration = ill.map(|(from, until)| until.since(from)).sum();
        let last = changes.last();
        let missing = story.away.missing(changes.first().map_or(story.opened(), |(at, ..)| *at), end);
        table.row([
            format!("{}{}", title(&monitor.title, monitor.id.as_str()), known.removed()).into(),
            say::span(monitor.every).into(),
            last.map_or_else(
                || Cell::toned(Tone::Unknown, "never looked"),
                |(_, verdict, _)| Cell::toned(ends(&known, *verdict), verdict.word()),
            ),
            if times == 0 { Cell::muted("never") } else { Cell::toned(Tone::Warn, say::count(times, "time", "times")) },
            if times == 0 { Cell::default() } else { say::span(lasted).into() },
            if missing.is_zero() { Cell::muted("nothing") } else { Cell::toned(Tone::Unknown, say::span(missing)) },
            last.map(|(.., why)| why.as_str()).unwrap_or_default().into(),
        ]);
    }
    table
}
