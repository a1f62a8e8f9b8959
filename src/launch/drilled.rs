//! What became of each fault of a rehearsal: when it was noticed, what was decided, when the way back began and
//! whether it worked. Folded by the board alone; what the plan promised of that is its readers' to compare.

use super::board::Board;
use super::event::{Actor, Event, Recorded, RollbackEnd, RollbackFact};
use super::id::{RollbackId, TriggerId};
use super::time::{Instant, Mark};
use super::turned::Turn;
use super::verdict::Verdict;

/// A fault that a rehearsal had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// As it was switched: `errors=60%:api`.
    pub fault: String,
    pub began: Instant,
    /// Where T stood then.
    pub mark: Mark,
    pub over: Option<Instant>,
    /// The first objective or monitor that was not well any more.
    pub noticed: Option<Noticed>,
    /// The first trigger that fired.
    pub fired: Option<(Instant, TriggerId)>,
    /// The rollback that was asked for.
    pub decided: Option<Decided>,
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
    fn new(fault: &str, began: Instant, mark: Mark) -> Self {
        let fault = fault.to_owned();
        let (over, noticed, fired, decided, started, ended) = (None, None, None, None, None, None);
        Self { fault, began, mark, over, noticed, fired, decided, started, ended }
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
                board.drilled.push(Drilled::new(fault, at, mark));
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
            let turns: Vec<Noticed> = turns
                .map(|turn| {
                    let (by, why) = (format!("objective {}", turn.objective), turn.why.clone());
                    Noticed { at: turn.at, by, verdict: turn.verdict, why }
                })
                .collect();
            turns.iter().for_each(|noticed| notice(board, noticed));
        }
        Event::MonitorChanged { monitor, verdict, why } if !is_well(*verdict) => {
            let (by, why) = (format!("monitor {monitor}"), why.clone());
            notice(board, &Noticed { at, by, verdict: *verdict, why });
        }
        Event::TriggerFired { trigger, .. } => {
            each(board, at, |known| {
                known.fired.get_or_insert_with(|| (at, trigger.clone()));
            });
        }
        Event::RollbackRequested { rollback, run, .. } => {
            let decided = Decided { at, rollback: rollback.clone(), run: *run, by: record.actor.clone() };
            each(board, at, |known| {
                known.decided.get_or_insert_with(|| decided.clone());
            });
        }
        Event::RollbackTold { run, fact } => {
            let of_run = |known: &&mut Drilled| known.decided.as_ref().is_some_and(|decided| decided.run == *run);
            for known in board.drilled.iter_mut().filter(of_run) {
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
fn notice(board: &mut Board, noticed: &Noticed) {
    each(board, noticed.at, |known| {
        let worse = known.noticed.as_ref().is_none_or(|before| {
            before.verdict != Verdict::Fail && noticed.verdict == Verdict::Fail && known.fired.is_none()
        });
        if worse {
            known.noticed = Some(noticed.clone());
        }
    });
}

/// Those that are on at `at`; where none is, what is still in a window is the last one's.
fn each(board: &mut Board, at: Instant, mut change: impl FnMut(&mut Drilled)) {
    let began = |known: &Drilled| known.began <= at;
    let on = |known: &Drilled| began(known) && known.over.is_none_or(|over| at <= over);
    if board.drilled.iter().any(on) {
        board.drilled.iter_mut().filter(|known| on(known)).for_each(change);
    } else if let Some(last) = board.drilled.iter_mut().rfind(|known| began(known)) {
        change(last);
    }
}

#[cfg(test)]
#[path = "drilled_tests.rs"]
mod tests;
