//! What became of each fault of a rehearsal: when it was noticed, what was decided, when the way back began and
//! whether it worked. Folded by the board alone; what the plan promised of that is its readers' to compare.

use std::sync::Arc;
use std::time::Duration;

use super::board::Board;
use super::event::{Actor, Event, Recorded, RollbackEnd, RollbackFact};
use super::id::{MonitorId, ObjectiveId, RollbackId, TriggerId};
use super::plan::{Condition, Plan, Trigger};
use super::time::{Instant, Mark};
use super::turned::Turn;
use super::verdict::Verdict;

/// A fault that a rehearsal had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// As it was switched: `errors=60%:api`.
    pub fault: String,
    /// Who switched it on.
    pub by: Actor,
    pub began: Instant,
    /// Where T stood then.
    pub mark: Mark,
    pub over: Option<Instant>,
    /// The first objective or monitor that was not well any more.
    pub noticed: Option<Noticed>,
    /// The triggers that fired, in their order.
    pub fired: Vec<(Instant, TriggerId)>,
    /// The rollbacks that were asked for, in their order.
    pub runs: Vec<Run>,
}

/// A rollback that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub decided: Decided,
    /// Its first step.
    pub started: Option<Instant>,
    pub ended: Option<(Instant, RollbackEnd)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    pub at: Instant,
    /// `objective errors`, `monitor api`.
    pub by: String,
    pub verdict: Verdict,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub at: Instant,
    pub rollback: RollbackId,
    pub run: u32,
    pub by: Actor,
}

impl Drilled {
    fn new(fault: &str, by: Actor, began: Instant, mark: Mark) -> Self {
        let (fault, over, noticed) = (fault.to_owned(), None, None);
        Self { fault, by, began, mark, over, noticed, fired: Vec::new(), runs: Vec::new() }
    }
}

/// Takes in `record`; `board` stands as it was left by it. Of several faults that are on at once nobody can tell
/// which was noticed: it is each one's.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    let at = record.at;
    match &record.event {
        Event::FaultSwitched { fault, on: true } => {
            let mark = board.mark_at(at);
            if !board.drilled.iter().any(|known| known.fault == *fault && known.over.is_none()) {
                board.drilled.push(Drilled::new(fault, record.actor.clone(), at, mark));
            }
        }
        Event::FaultSwitched { fault, on: false } => {
            let known = board.drilled.iter_mut().filter(|known| known.fault == *fault && known.over.is_none());
            known.for_each(|known| known.over = Some(at));
        }
        Event::Evaluated { .. } if !board.drilled.is_empty() => {
            // One that was never told before tells of nothing that was lost.
            let news =
                |turn: &&Turn| turn.verdict == Verdict::Fail || (turn.before.is_some() && !is_well(turn.verdict));
            let turns = board.turned.with(record.seq).filter(news);
            let turns: Vec<(Noticed, Duration)> = turns
                .map(|turn| {
                    let (by, why) = (format!("objective {}", turn.objective), turn.why.clone());
                    (
                        Noticed { at: turn.at, by, verdict: turn.verdict, why },
                        of_objective(&board.plan, &turn.objective),
                    )
                })
                .collect();
            turns.iter().for_each(|(noticed, lingers)| notice(board, noticed, *lingers));
        }
        Event::MonitorChanged { monitor, verdict, why } if !is_well(*verdict) => {
            let (by, why) = (format!("monitor {monitor}"), why.clone());
            let lingers = of_monitor(&board.plan, monitor);
            notice(board, &Noticed { at, by, verdict: *verdict, why }, lingers);
        }
        Event::TriggerFired { trigger, .. } => {
            let known = board.plan.triggers.iter().find(|known| known.id == *trigger);
            let lingers = known.map_or(Duration::ZERO, |known| of_trigger(&board.plan, known));
            each(board, at, |known| within(known, at, lingers), |known| known.fired.push((at, trigger.clone())));
        }
        Event::RollbackRequested { rollback, run, .. } => {
            let decided = Decided { at, rollback: rollback.clone(), run: *run, by: record.actor.clone() };
            let run = Run { decided, started: None, ended: None };
            let plan = Arc::clone(&board.plan.0);
            // Whoever answers a trigger may take his time.
            let answers = |known: &Drilled| {
                let then = |id: &TriggerId| plan.triggers.iter().find(|trigger| trigger.id == *id).map(|one| &one.then);
                known.fired.iter().any(|(_, id)| then(id) == Some(rollback))
            };
            let lingers = plan.triggers.iter().map(|trigger| of_trigger(&plan, trigger)).max().unwrap_or_default();
            each(board, at, |known| answers(known) || within(known, at, lingers), |known| known.runs.push(run.clone()));
        }
        Event::RollbackTold { run, fact } => {
            let runs = board.drilled.iter_mut().flat_map(|known| &mut known.runs);
            for known in runs.filter(|known| known.decided.run == *run) {
                match fact {
                    RollbackFact::StepStarted { .. } => known.started = known.started.or(Some(at)),
                    RollbackFact::Ended { end, .. } => known.ended = Some((at, end.clone())),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn is_well(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Skipped)
}

/// A breach tells more than a silence before it.
fn notice(board: &mut Board, noticed: &Noticed, lingers: Duration) {
    let change = |known: &mut Drilled| {
        let worse = known.noticed.as_ref().is_none_or(|before| {
            before.verdict != Verdict::Fail && noticed.verdict == Verdict::Fail && known.fired.is_empty()
        });
        if worse {
            known.noticed = Some(noticed.clone());
        }
    };
    each(board, noticed.at, |known| within(known, noticed.at, lingers), change);
}

/// Those that are on at `at`; where none is, the last one, where it still `shows`.
fn each(board: &mut Board, at: Instant, shows: impl Fn(&Drilled) -> bool, mut change: impl FnMut(&mut Drilled)) {
    let began = |known: &Drilled| known.began <= at;
    let on = |known: &Drilled| began(known) && known.over.is_none_or(|over| at <= over);
    if board.drilled.iter().any(on) {
        board.drilled.iter_mut().filter(|known| on(known)).for_each(change);
    } else if let Some(last) = board.drilled.iter_mut().rfind(|known| began(known)).filter(|last| shows(last)) {
        change(last);
    }
}

/// Whether what `known` did can still be in a window at `at`.
fn within(known: &Drilled, at: Instant, lingers: Duration) -> bool {
    known.over.is_none_or(|over| at.since(over) <= lingers)
}

/// How long after its cause an objective can turn: what is in its window, or missing there, and told a round late.
fn of_objective(plan: &Plan, id: &ObjectiveId) -> Duration {
    let objective = plan.objectives.iter().find(|objective| objective.id == *id);
    objective.map_or(Duration::ZERO, |known| known.window.max(known.stale_after) + 2 * known.evaluate_every)
}

fn of_monitor(plan: &Plan, id: &MonitorId) -> Duration {
    let monitor = plan.monitors.iter().find(|monitor| monitor.id == *id);
    monitor.map_or(Duration::ZERO, |known| {
        known.every.saturating_mul(known.fails_after.saturating_add(1)).saturating_add(known.timeout)
    })
}

fn of_trigger(plan: &Plan, trigger: &Trigger) -> Duration {
    let lingers = match &trigger.when {
        Condition::Objective(id) => of_objective(plan, id),
        Condition::Monitor(id) => of_monitor(plan, id),
        Condition::Manual => Duration::ZERO,
    };
    lingers.saturating_add(trigger.lasts)
}

#[cfg(test)]
#[path = "drilled_tests.rs"]
mod tests;
