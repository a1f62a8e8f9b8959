//! What follows from what was watched: the fold of evaluations, and what triggers come to by them and by time. Pure;
//! `lost` says which sources are gone.

use std::time::Duration;

use super::board::Board;
use super::event::{Event, Mode, Recorded};
use super::id::{MonitorId, ObjectiveId, SignalId, TriggerId};
use super::lost;
use super::objective::{Counts, ObjectiveState, Round, judge};
use super::plan::{Condition, FireMode, Objective, Plan, Trigger};
use super::schedule::Timed;
use super::threshold::{Dimension, Unit};
use super::time::{Instant, millis};
use super::trigger::{self, Joins, Stage, Told, TriggerState};
use super::verdict::Verdict;

/// What an objective of the plan comes to; none of one that the plan does not have.
#[must_use]
pub fn judged(plan: &Plan, objective: &ObjectiveId, counts: &Counts, at: Instant) -> Option<(Verdict, String)> {
    let known = plan.objectives.iter().find(|known| known.id == *objective)?;
    let signal = plan.signals.iter().find(|signal| signal.id == known.signal);
    let unit = signal.map_or_else(|| Unit::base(Dimension::Plain), |signal| signal.unit);
    Some(judge(known, unit, counts, at))
}

/// Folds in a record that is in its place on the board otherwise; `seen` is the instant of the one before it.
pub(super) fn fold(board: &mut Board, record: &Recorded, seen: Instant) {
    let at = record.at;
    match &record.event {
        // What is to come was not seen: a journal that says so would have its verdict stand for ever.
        Event::Evaluated { rounds } => {
            rounds.iter().filter(|round| round.at <= at).for_each(|round| evaluated(board, round));
        }
        Event::MonitorChanged { monitor, verdict, why } => {
            let told = match verdict {
                Verdict::Fail => Told::Holds(why.clone()),
                Verdict::Pass | Verdict::Warn => Told::Gone,
                // What was skipped was not looked at.
                Verdict::Skipped | Verdict::Unknown | Verdict::Stale => Told::Nothing,
            };
            let when = Condition::Monitor(monitor.clone());
            on(board, &when, |board, trigger, state| looked(board, trigger, state, &told, at));
        }
        Event::Slept { gap } => {
            let asleep = Instant(at.0.saturating_sub(millis(*gap))).max(seen.min(at));
            each(board, |board, trigger, state| unwatched(board, trigger, state, asleep, at, false));
        }
        Event::ConsoleReturned { .. } => {
            each(board, |board, trigger, state| unwatched(board, trigger, state, seen, at, true));
        }
        Event::TriggerFired { trigger, why, starts } => {
            let joins = joins(board, trigger);
            board.triggers.entry(trigger.clone()).or_default().fire(at, why, *starts, joins);
        }
        Event::TriggerVetoed { trigger, why } => {
            taken_on(board, trigger, Stage::Vetoed { at, by: record.actor.clone(), why: why.clone() }, at);
        }
        Event::TriggerAcknowledged { trigger } => {
            taken_on(board, trigger, Stage::Acknowledged { at, by: record.actor.clone() }, at);
        }
        Event::RollbackRequested { rollback, .. } => {
            let by_engine = record.actor == super::event::Actor::engine();
            each(board, |_, trigger, state| state.rolled_back(trigger, rollback, at, by_engine));
        }
        Event::RollbackTold { run, .. } if board.rolling_back().is_none() => {
            let ran = board.rollbacks.iter().find(|known| known.run == *run).map(|known| known.id.clone());
            each(board, |_, trigger, state| state.run_over(trigger, ran.as_ref(), at));
        }
        _ => {}
    }
    lost::fold(board, record, seen);
    // By time alone, told by the first record after it.
    each(board, |_, trigger, state| {
        if !matches!(trigger.when, Condition::Objective(_)) {
            state.recover(trigger, at);
        }
    });
}

fn taken_on(board: &mut Board, id: &TriggerId, stage: Stage, at: Instant) {
    let manual = board.plan.triggers.iter().any(|trigger| trigger.id == *id && trigger.when == Condition::Manual);
    board.triggers.entry(id.clone()).or_default().taken_on(stage, at, manual);
}

/// What runs just now, for a trigger that fires.
fn joins(board: &Board, id: &TriggerId) -> Joins {
    let own = board.plan.triggers.iter().find(|trigger| trigger.id == *id).map(|trigger| &trigger.then);
    let mut running = board.rollbacks.iter().filter(|run| run.end.is_none());
    match () {
        () if board.rolling_back().is_none() => Joins::Nothing,
        () if running.any(|run| Some(&run.id) == own) => Joins::Own,
        () => Joins::Another,
    }
}

/// Goes on under another plan: what was seen by another objective, for another condition, or by what `asked` something
/// else, counts for nothing, and the monitors begin anew.
pub(super) fn amended(board: &mut Board, old: &Plan, asked: &[SignalId], at: Instant) {
    let plan = std::sync::Arc::clone(&board.plan.0);
    let plain = |plan: &Plan, id: &ObjectiveId| {
        let known = plan.objectives.iter().find(|known| known.id == *id)?;
        let counts =
            |id: &SignalId| plan.signals.iter().find(|known| known.id == *id).map(|known| (known.unit, known.counter));
        let signals: Vec<_> = known.signals().map(counts).collect();
        Some((Objective { title: String::new(), ..known.clone() }, signals))
    };
    let asks_on = |id: &SignalId| !asked.contains(id);
    let same = |id: &ObjectiveId| {
        plain(&plan, id).is_some_and(|now| now.0.signals().all(asks_on) && plain(old, id) == Some(now))
    };
    let counts_on = |id: &MonitorId| {
        let after = |plan: &Plan| plan.monitors.iter().find(|known| known.id == *id).map(|known| known.fails_after);
        asks_on(&SignalId::of_monitor(id)) && after(&plan) == after(old)
    };
    board.objectives.retain(|id, _| same(id));
    board.triggers.retain(|id, _| plan.triggers.iter().any(|trigger| trigger.id == *id));
    each(board, |board, trigger, state| {
        let before = old.triggers.iter().find(|known| known.id == trigger.id);
        let kept = before.is_some_and(|before| before.when == trigger.when);
        match &trigger.when {
            Condition::Objective(id) if kept && same(id) => {}
            Condition::Monitor(id) if kept && counts_on(id) => {
                settle(board, trigger, state, at);
                state.looked = None;
            }
            other => {
                state.begin_anew();
                state.due = None;
                // Nor was it seen to be gone.
                state.gone = state.gone.filter(|_| *other == Condition::Manual);
            }
        }
    });
    lost::amended(board, at);
}

/// Each trigger with its state, made where there is none yet and something was changed.
fn each(board: &mut Board, change: impl FnMut(&Board, &Trigger, &mut TriggerState)) {
    those(board, |_| true, change);
}

/// As [`each`], the triggers that look at this.
fn on(board: &mut Board, when: &Condition, change: impl FnMut(&Board, &Trigger, &mut TriggerState)) {
    those(board, |trigger| trigger.when == *when, change);
}

fn those(
    board: &mut Board,
    of: impl Fn(&Trigger) -> bool,
    mut change: impl FnMut(&Board, &Trigger, &mut TriggerState),
) {
    let plan = std::sync::Arc::clone(&board.plan.0);
    if !plan.triggers.iter().any(&of) {
        return;
    }
    let mut states = std::mem::take(&mut board.triggers);
    for trigger in plan.triggers.iter().filter(|trigger| of(trigger)) {
        let mut state = states.get(&trigger.id).cloned().unwrap_or_default();
        change(board, trigger, &mut state);
        if states.contains_key(&trigger.id) || state != TriggerState::default() {
            states.insert(trigger.id.clone(), state);
        }
    }
    board.triggers = states;
}

fn evaluated(board: &mut Board, round: &Round) {
    let at = round.at;
    for (id, counts) in &round.counts {
        // Told once, in order: a console that came back may tell of the same instant again.
        if board.objectives.get(id).is_some_and(|known| known.evaluated_at >= at) {
            continue;
        }
        let Some((verdict, why)) = judged(&board.plan, id, counts, at) else { continue };
        let known = board.objectives.get(id);
        let since = known.filter(|known| known.verdict == verdict).map_or(at, |known| known.since);
        let untold = matches!(verdict, Verdict::Unknown | Verdict::Stale)
            .then(|| known.and_then(|known| known.untold).unwrap_or(at));
        let told = match verdict {
            Verdict::Fail => Told::Holds(why.clone()),
            Verdict::Pass | Verdict::Warn | Verdict::Skipped => Told::Gone,
            Verdict::Unknown | Verdict::Stale => Told::Nothing,
        };
        let state = ObjectiveState { verdict, since, untold, why, counts: counts.clone(), evaluated_at: at };
        board.objectives.insert(id.clone(), state);
        let objective = board.plan.objectives.iter().find(|objective| objective.id == *id);
        let every = objective.map_or(Duration::ZERO, |objective| objective.evaluate_every);
        let when = Condition::Objective(id.clone());
        on(board, &when, |board, trigger, state| {
            let armed = trigger::is_armed(board, trigger, at);
            state.evaluated(trigger, told.clone(), every, at, armed);
        });
    }
}

/// A monitor's counted verdict became another: it holds from here on, and held up to here.
fn looked(board: &Board, trigger: &Trigger, state: &mut TriggerState, told: &Told, at: Instant) {
    settle(board, trigger, state, at);
    match told {
        Told::Holds(_) => {
            state.recover(trigger, at);
            state.gone = None;
            state.looked = Some(at);
        }
        Told::Gone => {
            state.begin_anew();
            state.gone.get_or_insert(at);
        }
        Told::Nothing => {
            state.looked = None;
            state.gone = None;
        }
    }
}

/// Counts what a monitor's condition has held up to `at`, as far as the trigger was armed.
fn settle(board: &Board, trigger: &Trigger, state: &mut TriggerState, at: Instant) {
    if let Some(since) = state.looked {
        let (from, until) = armed_within(board, trigger, since, at);
        state.count(until.since(from));
        state.looked = Some(at);
    }
}

/// The part of a span in which a trigger is armed.
fn armed_within(board: &Board, trigger: &Trigger, since: Instant, at: Instant) -> (Instant, Instant) {
    let came = |mark| board.course.came(mark, at);
    let from = trigger.armed_from.map_or(since, |mark| came(mark).map_or(at, |came| came.max(since)));
    let until = trigger.armed_until.and_then(came).map_or(at, |came| came.min(at));
    (from, until)
}

/// Nobody watched from `asleep` to `at`: nothing counts, and a rollback that would have started by itself has its
/// countdown where somebody can see it. A console that came back has monitors that know nothing yet.
fn unwatched(board: &Board, trigger: &Trigger, state: &mut TriggerState, asleep: Instant, at: Instant, returned: bool) {
    if matches!(trigger.when, Condition::Monitor(_)) && state.looked.is_some() {
        settle(board, trigger, state, asleep.min(at));
        state.looked = (!returned).then_some(at);
    }
    // What was gone was not seen to be, meanwhile.
    if state.gone.is_some() {
        state.gone = Some(at);
    }
    if let (Stage::Fired { starts: Some(starts), .. }, FireMode::Auto { veto }) = (&mut state.stage, trigger.mode) {
        let gap = at.since(asleep);
        *starts = if returned || gap >= veto { at.plus(veto) } else { (*starts).plus(gap) };
    }
}

/// What follows from what was watched, and from time; empty when nothing does.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    if board.mode == Mode::Gate {
        return Vec::new();
    }
    let mut events = firing(board, now);
    events.extend(lost::follow(board, now));
    events
}

/// Triggers that fire by now, also where nothing can be recorded.
#[must_use]
pub fn firing(board: &Board, now: Instant) -> Vec<Timed> {
    if board.mode == Mode::Gate || board.ended.is_some() {
        return Vec::new();
    }
    let fires = |trigger: &Trigger| {
        let state = board.triggers.get(&trigger.id).filter(|state| state.is_quiet())?;
        let (due, why) = match (&state.due, &trigger.when) {
            (Some((due, why)), _) => (*due, why.clone()),
            (None, Condition::Monitor(monitor)) => {
                let due = ripens(board, trigger, state, now).filter(|due| *due <= now)?;
                (due, format!("{monitor}: {}", board.monitors.get(monitor).map_or("", |known| &known.why)))
            }
            _ => return None,
        };
        let lasted = match trigger.lasts {
            Duration::ZERO => String::new(),
            lasts => format!(" for {}", humantime::format_duration(lasts).to_string().replace(' ', "")),
        };
        // A rollback that starts by itself has its whole countdown before somebody's eyes.
        let at = due.max(board.at).max(now);
        Some((at, trigger::fires(board, trigger, &format!("{why}{lasted}"), at)))
    };
    board.plan.triggers.iter().filter_map(fires).collect()
}

/// When a monitor that fails will have done so for long enough, as far as T goes on as it does.
fn ripens(board: &Board, trigger: &Trigger, state: &TriggerState, now: Instant) -> Option<Instant> {
    let since = state.looked?;
    let from = match trigger.armed_from {
        None => since,
        Some(mark) => board.course.came(mark, now)?.max(since),
    };
    let due = from.plus(trigger.lasts.saturating_sub(Duration::from_millis(state.held)));
    let over = trigger.armed_until.and_then(|mark| board.course.came(mark, now)).is_some_and(|until| until <= due);
    (!over).then_some(due)
}

/// The next instants at which something of it happens by time alone: a trigger ripens, a countdown to a rollback
/// ends, a source is lost for too long.
pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    let triggers = board.plan.triggers.iter().filter_map(move |trigger| {
        let state = board.triggers.get(&trigger.id)?;
        if state.is_quiet() { ripens(board, trigger, state, now) } else { trigger::counts_down(board, trigger) }
    });
    triggers.chain(lost::next_at(board, now))
}

/// The next instant after `now` at which an objective is evaluated: a multiple of its interval on the launch's axis.
/// None where the axis ends before it.
#[must_use]
pub fn next_evaluation(plan: &Plan, now: Instant) -> Option<Instant> {
    let next = |objective: &Objective| {
        let every = millis(objective.evaluate_every).max(1);
        Instant(now.0.div_euclid(every).saturating_add(1).saturating_mul(every))
    };
    plan.objectives.iter().map(next).min().filter(|next| *next > now)
}

/// What rings until a person has said something: triggers that fired, sources that are lost.
#[must_use]
pub fn calls(board: &Board, now: Instant) -> Vec<String> {
    if board.mode == Mode::Gate || board.ended.is_some() {
        return Vec::new();
    }
    let fired = board.plan.triggers.iter().filter_map(|trigger| {
        let state = board.triggers.get(&trigger.id).filter(|state| state.rings())?;
        let then = &trigger.then;
        let words = match (&state.stage, trigger::counts_down(board, trigger)) {
            (Stage::Fired { why, .. }, Some(_)) => format!("rollback {then} starts by itself: {why}"),
            // It would have started, and something came between.
            (Stage::Fired { why, starts: Some(_), .. }, None) => {
                format!("fired: {why}; {}", trigger::asks_for(board, trigger).unwrap_or_default())
            }
            (Stage::Fired { why, .. }, None) => format!("fired: {why}"),
            _ => match (&state.joined, board.rolling_back()) {
                (Some((_, why)), Some(run)) => {
                    format!("fired: {why}; rollback {} runs, and {then} was not started", run.id)
                }
                _ => format!("fired, rollback {then} was started"),
            },
        };
        Some(format!("trigger {} {words}", trigger.id))
    });
    fired.chain(lost::calls(board, now)).collect()
}

/// True of what is news to whoever hears it: rung for once.
#[must_use]
pub fn is_news(event: &Event) -> bool {
    matches!(event, Event::TriggerFired { .. }) || lost::is_news(event)
}
