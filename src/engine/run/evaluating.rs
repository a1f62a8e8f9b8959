//! When the objectives are evaluated: at every instant of the axis that is a multiple of their `evaluate_every`, in
//! the turn that comes to it. What they come to is decided by the board's fold, from the counts alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Loop;
use crate::launch::board::Board;
use crate::launch::command::{Input, Observation};
use crate::launch::id::{MonitorId, ObjectiveId, SignalId};
use crate::launch::objective::Round;
use crate::launch::plan::Condition;
use crate::launch::time::{Instant, Now};
use crate::launch::trigger::is_armed;
use crate::launch::verdict::Verdict;
use crate::launch::watching::{judged, next_evaluation};
use crate::watch::Readings;

/// Rounds of one turn at most: whoever has more goes on in the next.
const ROUNDS: usize = 512;

impl Loop {
    /// Nobody watched for `gap` before `now`, whichever look it was that found out: what came due in it is passed by,
    /// and the samples have a hole there.
    pub(super) fn unwatched(&mut self, now: Instant, gap: Duration) {
        if let Some(watch) = &self.parts.effects.watch {
            watch.readings().watched(now, Some(gap));
        }
        self.evaluated = now;
    }

    /// What is due in this turn, and how far a rehearsal may jump in it: not past what changes a verdict, so that
    /// nothing that follows from that comes late.
    pub(super) fn evaluated(&mut self, now: Now, jump: Option<Duration>) -> (Option<Input>, Option<Duration>) {
        let Some(readings) = self.parts.effects.watch.as_ref().map(|watch| Arc::clone(watch.readings())) else {
            return (None, jump);
        };
        readings.watched(now.instant, None);
        if self.filling.is_asking() {
            return (None, None);
        }
        let board = Arc::clone(self.dispatch.published());
        let from = if board.ended.is_some() { now.instant } else { self.evaluated };
        let mut rounds = Vec::new();
        let mut known = Verdicts::of(&board);
        let mut at = from;
        while let Some(due) = next_evaluation(&board.plan, at).filter(|due| *due <= now.instant) {
            known.take(&mut rounds, &readings, &board, due);
            at = due;
            if rounds.len() >= ROUNDS {
                break;
            }
        }
        // What is left over comes in the next turn, before any time is skipped.
        let behind = rounds.len() >= ROUNDS;
        self.evaluated = if behind { at } else { now.instant };
        let jump = jump.filter(|_| !behind && !self.undecided(&readings, &board, now.instant));
        let jump = jump.map(|by| self.skip(&readings, &board, now.instant, by, &mut known, &mut rounds));
        let told = (!rounds.is_empty()).then_some(Input::Observation(Observation::Evaluated { rounds }));
        (told, jump.filter(|by| !by.is_zero()))
    }

    /// Whether a monitor fails that a trigger or a criterion stands on, and not yet so often that it counts: its next
    /// looks are made at once, and no time passes meanwhile. In time that is skipped it would never come to them.
    fn undecided(&self, readings: &Readings, board: &Board, now: Instant) -> bool {
        let fails = |id: &MonitorId| readings.falls_short(id);
        let by_trigger = board.plan.triggers.iter().any(|trigger| match &trigger.when {
            Condition::Monitor(id) => is_armed(board, trigger, now) && fails(id),
            _ => false,
        });
        let fails = by_trigger || board.plan.criteria.iter().flat_map(|known| known.by.monitors()).any(fails);
        if let (true, Some(watch)) = (fails, &self.parts.effects.watch) {
            watch.look_again();
        }
        fails
    }

    /// Blocks of samples that are on disk: recorded as soon as anything can be.
    pub(super) fn samples_kept(&self) -> Vec<Input> {
        let writes = self.unwritten.is_none() && self.dispatch.published().ended.is_none();
        let readings = self.parts.effects.watch.as_ref().map(|watch| watch.readings()).filter(|_| writes);
        readings.map(|readings| readings.sealed().into_iter().map(Input::Observation).collect()).unwrap_or_default()
    }

    /// Ends the watching. Of a launch that has ended what was kept last is recorded, too: no console comes that would.
    pub(super) async fn stop_watching(&mut self) {
        let Some(watch) = self.parts.effects.watch.clone() else { return };
        if self.dispatch.published().ended.is_none() || self.unwritten.is_some() || self.taken_over.is_some() {
            return watch.leave().await;
        }
        watch.close().await;
        let sealed: Vec<Input> = watch.readings().sealed().into_iter().map(Input::Observation).collect();
        if !sealed.is_empty() {
            let now = self.parts.axis.now();
            let turn = self.dispatch.turn(&sealed, now);
            self.settle(turn, now, &sealed, Vec::new()).await;
        }
    }

    /// Why samples cannot be kept: that stops nothing, and the next console will not know of them.
    pub(super) fn samples_lost(&self) -> Option<String> {
        self.parts.effects.watch.as_ref()?.readings().trouble()
    }

    /// Evaluates what a jump by `by` comes past; how far it may go.
    fn skip(
        &mut self,
        readings: &Readings,
        board: &Board,
        now: Instant,
        by: Duration,
        known: &mut Verdicts,
        rounds: &mut Vec<Round>,
    ) -> Duration {
        // In this order: a monitor tells its verdict before its sample.
        if readings.awaits() || !self.parts.observations.is_empty() {
            return Duration::ZERO;
        }
        readings.unasked(unasked(board));
        let end = now.plus(by);
        let mut at = now;
        while let Some(due) = next_evaluation(&board.plan, at).filter(|due| *due <= end) {
            readings.skipped(at, due);
            at = due;
            if known.take(rounds, readings, board, due) || rounds.len() >= ROUNDS {
                self.evaluated = due;
                return due.since(now);
            }
        }
        readings.skipped(at, end);
        self.evaluated = end;
        by
    }
}

/// The verdict that each objective has by the rounds of this turn.
struct Verdicts(BTreeMap<ObjectiveId, Verdict>);

impl Verdicts {
    fn of(board: &Board) -> Self {
        Self(board.objectives.iter().map(|(id, state)| (id.clone(), state.verdict)).collect())
    }

    /// Makes the round of `at`. True where it is one to stop at: a verdict changed, or a trigger that may fire any
    /// moment looks at one that is not well.
    fn take(&mut self, rounds: &mut Vec<Round>, readings: &Readings, board: &Board, at: Instant) -> bool {
        let counts = readings.evaluate(at);
        let mut stops = false;
        for (id, counted) in &counts {
            let Some((verdict, _)) = judged(&board.plan, id, counted, at) else { continue };
            let before = self.0.insert(id.clone(), verdict);
            let decides = match verdict {
                Verdict::Pass => false,
                // Until its silence has lasted too long; after that only another verdict changes anything.
                Verdict::Unknown | Verdict::Stale => still_waits(board, id, at),
                _ => true,
            };
            stops |= before != Some(verdict) || (decides && may_fire(board, id, at));
        }
        if !counts.is_empty() {
            rounds.push(Round { at, counts });
        }
        stops
    }
}

/// The signals whose questions name a baseline value that is not there.
fn unasked(board: &Board) -> BTreeSet<SignalId> {
    let there = |name: &String| board.baseline.get(name).is_some_and(|captured| captured.value().is_some());
    let unasked = board.plan.signals.iter().filter(|signal| !signal.baseline.iter().all(there));
    unasked.map(|signal| signal.id.clone()).collect()
}

/// Whether it is not yet told that an objective which tells nothing has done so for too long.
fn still_waits(board: &Board, id: &ObjectiveId, at: Instant) -> bool {
    let Some(objective) = board.plan.objectives.iter().find(|objective| objective.id == *id) else { return true };
    let untold = board.objectives.get(id).and_then(|state| state.untold);
    untold.is_none_or(|since| at.since(since) <= objective.unknown_for + 2 * objective.evaluate_every)
}

/// Whether a trigger that has not fired yet looks at `objective`.
fn may_fire(board: &Board, objective: &ObjectiveId, at: Instant) -> bool {
    let quiet = |id| board.triggers.get(id).is_none_or(|state| state.is_quiet());
    board.plan.triggers.iter().any(|trigger| {
        trigger.when == Condition::Objective(objective.clone()) && quiet(&trigger.id) && is_armed(board, trigger, at)
    })
}
