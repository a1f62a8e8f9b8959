//! How objectives and triggers stand, in words and signs: one wording for the pane, the detail, the bands, the
//! sheet of triggers and the summary. What is not seen is never shown as well. Draws nothing.

use std::time::Duration;

use super::state::View;
use super::theme::{Glyphs, Role, Theme};
use super::widgets::span;
use crate::launch::board::Board;
use crate::launch::live::SignalView;
use crate::launch::objective::{Counts, Measured, ObjectiveState};
use crate::launch::plan::{Beside, Condition, FireMode, Objective, Signal, Trigger};
use crate::launch::threshold::{Is, Of, Threshold, Unit};
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::trigger::{self, Stage, TriggerState};
use crate::launch::verdict::Verdict;

/// What is older than this many of its own intervals is said to be old.
pub const OLD_AFTER: u32 = 3;

/// An objective as it may be shown at some instant.
#[derive(Debug, Clone, Copy)]
pub struct Stands<'b> {
    pub verdict: Verdict,
    /// None before its first evaluation.
    pub known: Option<&'b ObjectiveState>,
    /// How old its last evaluation is, where that is too old to go by.
    pub old: Option<Duration>,
}

/// How an objective stands at `now`. Nothing that was not evaluated lately passes.
#[must_use]
pub fn stands<'b>(board: &'b Board, objective: &Objective, now: Instant) -> Stands<'b> {
    let Some(known) = board.objectives.get(&objective.id) else {
        return Stands { verdict: Verdict::Unknown, known: None, old: None };
    };
    let age = now.since(known.evaluated_at);
    let old = (age > objective.evaluate_every * OLD_AFTER).then_some(age);
    let verdict = if old.is_some() && known.verdict == Verdict::Pass { Verdict::Stale } else { known.verdict };
    Stands { verdict, known: Some(known), old }
}

/// How an objective stands on a screen: what was known last, of a launch that nobody is heard of, passes no more.
#[must_use]
pub fn shown<'v>(view: &View<'v>, objective: &Objective) -> Stands<'v> {
    let stands = stands(view.board(), objective, view.now.instant);
    let verdict = if view.last_known() && stands.verdict == Verdict::Pass { Verdict::Stale } else { stands.verdict };
    Stands { verdict, ..stands }
}

/// `≤ 5%`.
#[must_use]
pub fn limit(that: &Threshold) -> String {
    let sign = match that.is {
        Is::AtMost => "≤",
        Is::Less => "<",
        Is::AtLeast => "≥",
        Is::More => ">",
        Is::Equal => "=",
        Is::Other => "!=",
    };
    format!("{sign} {}", that.limit.words())
}

/// What was seen beside what it must be: `6.1% of 240 ≤ 5%`; of what cannot be told, why.
#[must_use]
pub fn figure(objective: &Objective, stands: &Stands<'_>) -> String {
    match stands.known {
        None => format!("not evaluated yet, {}", limit(&objective.that)),
        Some(known)
            if matches!(known.verdict, Verdict::Pass | Verdict::Fail | Verdict::Warn) && compares(objective) =>
        {
            format!("{} {}", known.why, limit(&objective.that))
        }
        Some(known) => known.why.clone(),
    }
}

/// Whether what was seen is a number that stands beside the limit; latencies are counted at it, and a baseline's
/// words name both sides.
fn compares(objective: &Objective) -> bool {
    let counted_at = matches!(objective.that.of, Of::Percentile(_) | Of::Max);
    !counted_at && !matches!(objective.beside, Beside::Against { .. })
}

/// What a person calls a verdict of an objective.
#[must_use]
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "breached",
        other => other.word(),
    }
}

/// A number in its unit, with as many digits as a person reads at a glance.
#[must_use]
pub fn number(value: f64, unit: Unit) -> String {
    let places = match value.abs() {
        large if large >= 1_000.0 => 0,
        middle if middle >= 100.0 => 1,
        middle if middle >= 1.0 => 2,
        _ => 4,
    };
    let digits = format!("{value:.places$}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    let word = unit.word;
    let apart = if word.chars().all(char::is_alphabetic) && word.len() > 2 { " " } else { "" };
    format!("{digits}{apart}{word}")
}

/// One side of what was counted, in words.
#[must_use]
pub fn measured(of: &Measured, unit: Unit) -> String {
    let mut words = Vec::new();
    if of.of > 0 || of.value.is_none() {
        words.push(format!("{} of {} against it", of.against, of.of));
    }
    words.extend(of.value.map(|value| number(value.get(), unit)));
    words.extend(of.shown.map(|shown| format!("about {}", number(shown.get(), unit))));
    if of.untold > 0 {
        words.push(format!("{} told nothing", of.untold));
    }
    match of.resets {
        0 => {}
        1 => words.push("1 process began anew".to_owned()),
        n => words.push(format!("{n} processes began anew")),
    }
    words.join(" · ")
}

/// How much of the window was watched: `28s of 30s`.
#[must_use]
pub fn known_of(objective: &Objective, counts: &Counts) -> String {
    format!("{} of {}", span::short(counts.known.into()), span::short(objective.window))
}

/// The fewer samples of two sides, beside how many it takes.
#[must_use]
pub fn samples(objective: &Objective, counts: &Counts) -> String {
    let fewest = counts.beside.map_or(counts.seen.of, |beside| counts.seen.of.min(beside.of));
    format!("{fewest} of at least {}", objective.min_samples)
}

/// What it is compared with, beside the limit.
#[must_use]
pub fn beside(objective: &Objective) -> Option<String> {
    match &objective.beside {
        Beside::Nothing => None,
        Beside::Per(other) => Some(format!("per {other}, in the same window")),
        Beside::Minus(other) => Some(format!("less the same of {other}")),
        Beside::Against { baseline, both_ways, confidence } => {
            let how = if *both_ways { "differs from" } else { "is worse than" };
            let sure = format!("{}.{:03}", confidence / 1_000, confidence % 1_000);
            let sure = sure.trim_end_matches('0').trim_end_matches('.');
            Some(format!("breached where it {how} {baseline}, {sure}% sure"))
        }
    }
}

/// Whether a trigger may fire just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    Yes,
    /// Not before this mark.
    From(Mark),
    /// Not after this mark, which has passed.
    Until(Mark),
}

/// Whether `trigger` may fire at `now`.
#[must_use]
pub fn armed(board: &Board, trigger: &Trigger, now: Instant) -> Armed {
    if trigger::is_armed(board, trigger, now) {
        return Armed::Yes;
    }
    let t = board.mark_at(now);
    // T runs downwards: what is greater is earlier.
    match (trigger.armed_from, trigger.armed_until) {
        (Some(from), None) => Armed::From(from),
        (Some(from), Some(_)) if t > from => Armed::From(from),
        (_, Some(until)) => Armed::Until(until),
        (None, None) => Armed::Yes,
    }
}

/// From when to when it may fire.
#[must_use]
pub fn arms(trigger: &Trigger) -> String {
    match (trigger.armed_from, trigger.armed_until) {
        (None, None) => "always".to_owned(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(until)) => format!("until {until}"),
        (Some(from), Some(until)) => format!("from {from} until {until}"),
    }
}

/// What it fires on: `errors breached for 2m`.
#[must_use]
pub fn condition(trigger: &Trigger) -> String {
    let lasts = if trigger.lasts.is_zero() { String::new() } else { format!(" for {}", span::short(trigger.lasts)) };
    match &trigger.when {
        Condition::Objective(objective) => format!("{objective} breached{lasts}"),
        Condition::Monitor(monitor) => format!("monitor {monitor} fails{lasts}"),
        Condition::Manual => "by hand".to_owned(),
    }
}

/// What becomes of it: `canary by itself after 10s`, `asks for canary`.
#[must_use]
pub fn leads_to(trigger: &Trigger) -> String {
    match trigger.mode {
        FireMode::Auto { veto } => format!("{} by itself after {}", trigger.then, span::short(veto)),
        FireMode::Ask => format!("asks for {}", trigger.then),
    }
}

/// `1:12 of 2:00`: for how long its condition has held, beside how long it must.
#[must_use]
pub fn held(trigger: &Trigger, state: &TriggerState) -> Option<String> {
    (state.held > 0 && !trigger.lasts.is_zero()).then(|| {
        let held = Duration::from_millis(state.held).min(trigger.lasts);
        format!("{} of {}", span::stopwatch(held), span::stopwatch(trigger.lasts))
    })
}

/// Whole seconds until `at`, rounded up, so that zero is now.
#[must_use]
pub fn seconds_to(at: Instant, now: Instant) -> u64 {
    at.since(now).as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

/// Which rollback answered a trigger at `at`: its own, or another that it joined.
#[must_use]
pub fn began(board: &Board, trigger: &Trigger, at: Instant) -> String {
    match board.rollbacks.iter().rev().find(|run| run.requested <= at) {
        Some(run) if run.id != trigger.then => format!("joined {}", run.id),
        _ => format!("{} begun", trigger.then),
    }
}

/// A sign, its role, and how a trigger stands in a few words.
#[must_use]
pub fn stage(glyphs: &Glyphs, board: &Board, trigger: &Trigger, now: Instant) -> (&'static str, Role, String) {
    let quiet = TriggerState::default();
    let state = board.triggers.get(&trigger.id).unwrap_or(&quiet);
    let ago = |at: &Instant| span::stopwatch(now.since(*at));
    let gone = |words: String| match state.gone {
        Some(gone) => format!("{words}, gone for {}", ago(&gone)),
        None => words,
    };
    match &state.stage {
        Stage::Fired { at, .. } => {
            let words = match trigger::counts_down(board, trigger) {
                Some(starts) => format!("FIRED: {} in {} s", trigger.then, seconds_to(starts, now)),
                None => format!("FIRED {} ago, asks", ago(at)),
            };
            (glyphs.fail, Role::Danger, words)
        }
        Stage::Started { at } => (glyphs.fail, Role::Failed, format!("{} {} ago", began(board, trigger, *at), ago(at))),
        Stage::Vetoed { by, .. } => (glyphs.warn, Role::Warned, gone(format!("vetoed by {}", by.name))),
        Stage::Acknowledged { by, .. } => (glyphs.warn, Role::Warned, gone(format!("taken on by {}", by.name))),
        Stage::Quiet => match (armed(board, trigger, now), held(trigger, state)) {
            (Armed::From(from), _) => (glyphs.waiting, Role::Muted, format!("armed from {from}")),
            (Armed::Until(until), _) => (glyphs.skipped, Role::Muted, format!("armed until {until}")),
            (Armed::Yes, Some(held)) => (glyphs.warn, Role::Warned, format!("held {held}")),
            (Armed::Yes, None) => (glyphs.due, Role::Plain, "armed".to_owned()),
        },
    }
}

/// The trigger that stands on an objective and is nearest to firing.
#[must_use]
pub fn standing_on<'b>(board: &'b Board, objective: &Objective) -> Option<(&'b Trigger, &'b TriggerState)> {
    let on = |trigger: &&Trigger| trigger.when == Condition::Objective(objective.id.clone());
    let triggers = board.plan.triggers.iter().filter(on);
    let known = triggers.filter_map(|trigger| Some((trigger, board.triggers.get(&trigger.id)?)));
    let nearness = |(trigger, state): &(&Trigger, &TriggerState)| {
        let fired = state.stage != Stage::Quiet;
        // How much of its time is over, in thousandths.
        let part = u128::from(state.held) * 1_000 / trigger.lasts.as_millis().max(1);
        (fired, part)
    };
    known.max_by_key(nearness)
}

/// How a signal stands: nothing came, nothing new came, or the source warns.
#[must_use]
pub fn signal(signal: &Signal, known: Option<&SignalView>, wall: Wall) -> Verdict {
    let Some(newest) = known.and_then(|known| known.numbers.back()) else { return Verdict::Unknown };
    let age = (wall - newest.0).to_std().unwrap_or_default();
    match known {
        Some(known) if known.last_error.is_some() => Verdict::Unknown,
        _ if age > signal.stale_after => Verdict::Stale,
        Some(known) if known.warning.is_some() => Verdict::Warn,
        _ => Verdict::Pass,
    }
}

/// Glyph and role of an objective's verdict.
#[must_use]
pub fn sign(theme: &Theme, verdict: Verdict) -> (&'static str, Role) {
    (theme.glyph(verdict), Role::of(verdict))
}
