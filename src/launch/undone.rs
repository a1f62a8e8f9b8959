//! What a rollback set back: a step that acted before it proves nothing any more once the rollback acts, whatever
//! comes of it. Its gate is shut until it is run again, a person says that it stands, or it is waived.
//!
//! What was looked at, or held, of such a step is no more proven than the step.
//!
//! Only what provably stands is left alone: what changes nothing, acts elsewhere, leaves nothing that could be set
//! back, or sets another share of traffic than all that the rollback sets. What a command did cannot be told: there
//! the plan's own recycle marks decide, since a launch may begin anew from them with what came before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::board::Board;
use super::event::{Event, Recorded};
use super::id::{Attempt, ItemId};
use super::item::Progress;
use super::plan::{Act, Class, Item, Rollback};
use super::rollback::RollbackRun;
use super::schedule::Timed;
use super::time::Mark;
use super::verdict::Verdict;

/// Kinds whose work a rollback cannot set back: a message is sent, a copy is taken, a drill acted elsewhere, and of a
/// program that lives its own end is heard.
const STANDS: [&str; 4] = ["notify", "snapshot", "drill", "process"];

/// What a rollback that acted leaves unproven, and nobody has told of yet: as of the last record.
pub(super) fn follow(board: &Board) -> Vec<Timed> {
    let mut told = BTreeSet::new();
    let mut events = Vec::new();
    for run in board.rollbacks.iter().rev().filter(|run| !run.steps.is_empty()) {
        for (id, attempt) in &run.acted {
            let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
            let green = matches!(state.progress, Progress::Ended { verdict: Verdict::Pass | Verdict::Warn, .. });
            if !green || state.attempt != Some(*attempt) || state.set_back >= run.run || !told.insert(id) {
                continue;
            }
            let word = belongs(board, run, item).map(str::to_owned);
            if let Some(word) = word.or_else(|| saw(board, run, item)) {
                let why = format!("{word} by rollback {} #{}", run.id, run.run);
                events.push((board.at, Event::StepUndone { item: id.clone(), attempt: *attempt, run: run.run, why }));
            }
        }
    }
    events
}

/// Whether what `item` did is what `run` sets back, in a word.
fn belongs(board: &Board, run: &RollbackRun, item: &Item) -> Option<&'static str> {
    let Act::Step { class, .. } = item.act else { return None };
    let elsewhere = item.target.is_some() && item.target != board.plan.target;
    if class == Class::Readonly || STANDS.contains(&item.kind) || elsewhere {
        return None;
    }
    let sets = &board.plan.sets;
    if let (Some(mine), Some(rollback)) = (sets.get(&item.id), board.plan.rollback(&run.id)) {
        if acts_of(rollback).filter_map(|step| sets.get(&step)).any(|theirs| !mine.is_disjoint(theirs)) {
            return Some("undone");
        }
        if acts_of(rollback).all(|step| sets.contains_key(&step)) {
            return None;
        }
    }
    run.back.is_none_or(|mark| item.at <= mark).then_some("may be undone")
}

/// As [`belongs`] of the steps that a check or a soak stands on.
fn saw(board: &Board, run: &RollbackRun, item: &Item) -> Option<String> {
    if !matches!(item.act, Act::Check(_) | Act::Soak(_)) {
        return None;
    }
    let (mut open, mut known) = (item.needs.iter().collect::<Vec<_>>(), BTreeSet::new());
    while let Some(id) = open.pop() {
        let Some(needed) = board.plan.item(id).filter(|_| known.insert(id)) else { continue };
        if let Some(word) = belongs(board, run, needed).filter(|_| run.acted.contains_key(id)) {
            return Some(format!("what it saw of {id}: {word}"));
        }
        open.extend(&needed.needs);
    }
    None
}

/// The steps of a rollback and their fallbacks.
fn acts_of(rollback: &Rollback) -> impl Iterator<Item = ItemId> {
    let each = |step: &super::plan::RollbackStep| {
        [Some(step.id.clone()), step.fallback.as_ref().map(|fallback| fallback.id.clone())].into_iter().flatten()
    };
    rollback.steps.iter().flat_map(each)
}

/// Folds rollbacks in, and what they set back; whether `record` was of them.
pub(super) fn fold(board: &mut Board, record: &Recorded) -> bool {
    match &record.event {
        Event::RollbackRequested { rollback, run, why } => {
            let (by, asked) = (record.actor.clone(), record.occurred_at);
            let mut begun = RollbackRun::new(*run, rollback.clone(), by, why.clone(), record.at, asked);
            begun.acted = acted(board);
            begun.back = goes_back_to(board);
            board.rollbacks.push(begun);
        }
        Event::RollbackTold { run, fact } => {
            if let Some(told) = board.rollbacks.iter_mut().find(|known| known.run == *run) {
                told.apply(fact, record.at);
            }
        }
        Event::StepUndone { item, attempt, run, why } => {
            let Some(state) = board.items.get_mut(item).filter(|state| state.attempt == Some(*attempt)) else {
                return true;
            };
            Arc::make_mut(state).set_back(*run, why);
            // Its gate may pass again, and says so anew when it does.
            let phase = board.plan.item(item).map(|item| item.phase.clone());
            if let Some(state) = phase.and_then(|phase| board.phases.get_mut(&phase)) {
                state.passed = false;
            }
        }
        _ => return false,
    }
    true
}

/// The last attempt of each step, check and soak. No other begins before the rollback has ended. After T-0 no poll and no gate is still
/// to come that a stale step could shut: there the closing says it (`closing::missing`), and the exit code.
fn acted(board: &Board) -> BTreeMap<ItemId, Attempt> {
    if board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()) {
        return BTreeMap::new();
    }
    let is_proof = |item: &&Item| matches!(item.act, Act::Step { .. } | Act::Check(_) | Act::Soak(_));
    board
        .plan
        .items
        .values()
        .filter(is_proof)
        .filter_map(|item| Some((item.id.clone(), board.item(&item.id)?.attempt?)))
        .collect()
}

/// The furthest mark that a recycle could go back to from here.
fn goes_back_to(board: &Board) -> Option<Mark> {
    let t = board.clock.as_ref()?.mark();
    board.plan.clock.recycle.iter().copied().filter(|mark| *mark >= t).max()
}

#[cfg(test)]
#[path = "undone_tests.rs"]
mod tests;
