//! Branches: a person's choice selects one, the plan passes over the items of the others. A choice may be
//! made anew, with a reason, as long as no step of the branch that it leaves has begun.

use std::sync::Arc;
use std::time::Duration;

use super::ballot;
use super::board::{Board, Progress};
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::id::{Attempt, ItemId};
use super::item::{Chosen, ItemState};
use super::plan::{Act, Branch, Item};
use super::recurring;
use super::schedule::{Due, Timed, due};
use super::time::Instant;
use super::verdict::{Report, Verdict};

/// What keeps an item out of the launch: a choice that was made for another branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    pub choice: ItemId,
    /// What would have had to be chosen.
    pub wanted: Vec<String>,
    pub chosen: String,
}

impl Off {
    /// `branch named of tunnel-mode not chosen: it is ephemeral`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("branch {} of {} not chosen: it is {}", self.wanted.join(" or "), self.choice, self.chosen)
    }
}

/// The choices that `item` stands on, its own first. Plans have no rings; the bound is for those that were
/// never checked.
fn stands_on<'a>(board: &'a Board, item: &'a Item) -> impl Iterator<Item = (&'a super::plan::When, &'a Item)> {
    let mut at = Some(item);
    std::iter::from_fn(move || {
        let when = at?.when.as_ref()?;
        at = board.plan.item(&when.choice);
        at.map(|choice| (when, choice))
    })
    .take(board.plan.items.len())
}

/// The choice that keeps `item` out, where one was made for another branch: the outermost, whose word counts
/// for everything on it.
#[must_use]
pub fn off(board: &Board, item: &Item) -> Option<Off> {
    off_if(board, item, None)
}

/// The same, as if `instead` were what its choice came to.
fn off_if(board: &Board, item: &Item, instead: Option<(&ItemId, &str)>) -> Option<Off> {
    let mut found = None;
    for (when, choice) in stands_on(board, item) {
        let made = board.item(&choice.id).and_then(|state| state.chosen.as_ref()).map(|made| made.option.as_str());
        let made = instead.filter(|(id, _)| **id == choice.id).map(|(_, option)| option).or(made);
        if let Some(chosen) = made.filter(|chosen| !when.is.iter().any(|option| option == chosen)) {
            let (choice, wanted, chosen) = (choice.id.clone(), when.is.clone(), chosen.to_owned());
            found = Some(Off { choice, wanted, chosen });
        }
    }
    found
}

/// What `item` waits for, as far as its branch goes: an open choice, or one that was made for another branch.
#[must_use]
pub fn waits(board: &Board, item: &Item) -> Option<Due> {
    item.when.as_ref()?;
    if let Some(off) = off(board, item) {
        return Some(Due::Blocked(format!("{} to be {}: it is {}", off.choice, off.wanted.join(" or "), off.chosen)));
    }
    // The outermost that is open is the one a person can make.
    let open = |choice: &Item| board.item(&choice.id).is_some_and(|state| state.chosen.is_none());
    let open = stands_on(board, item).filter(|(_, choice)| open(choice)).last();
    open.map(|(_, choice)| Due::After(choice.id.clone()))
}

/// What becomes of a choice.
pub(super) fn decide(
    board: &Board,
    by: &Actor,
    item: &ItemId,
    option: &str,
    reason: &str,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    let item = board.plan.0.items.get(item).ok_or_else(|| Refusal(format!("no item {item}")))?;
    let Act::Choice { options, role } = &item.act else {
        return Err(Refusal(format!("{} is no choice", item.id)));
    };
    if let (Some(wanted), Some(has)) = (role, &by.role)
        && wanted != has
    {
        return Err(Refusal(format!("{} is chosen by {wanted}", item.id)));
    }
    known(&item.id, options, option)?;
    if reason.trim().is_empty() {
        return Err(Refusal("say why: a choice needs a reason".into()));
    }
    due(board, item, now).may(&item.id)?;
    let state = board.item(&item.id);
    let made = state.and_then(|state| state.chosen.as_ref());
    // One that has aged is made fresh by the same word.
    let fresh = state.and_then(|state| state.verdict(item.valid_for, now)) == Some(Verdict::Pass);
    if fresh && made.is_some_and(|made| made.option == option) {
        return Err(Refusal(format!("{} is {option} already", item.id)));
    }
    let mut events = left(board, &item.id, option)?;
    let (item, option, reason) = (item.id.clone(), option.to_owned(), reason.to_owned());
    events.push(Event::Chosen { item, option, reason });
    Ok(events)
}

fn known(item: &ItemId, options: &[Branch], option: &str) -> Result<(), Refusal> {
    if options.iter().any(|known| known.id == option) {
        return Ok(());
    }
    let all: Vec<&str> = options.iter().map(|known| known.id.as_str()).collect();
    Err(Refusal(format!("{item} has no branch {option}: choose {}", all.join(" or "))))
}

/// What ends where `choice` becomes `option`: checks of the branches it leaves that run just now.
///
/// # Errors
/// A step there has begun: what it did cannot be passed over.
fn left(board: &Board, choice: &ItemId, option: &str) -> Result<Vec<Event>, Refusal> {
    let mut events = Vec::new();
    for item in board.plan.items.values().filter(|item| item.when.is_some()) {
        let leaves = off(board, item).is_none() && off_if(board, item, Some((choice, option))).is_some();
        let Some(state) = board.item(&item.id).filter(|_| leaves) else { continue };
        if let (Act::Step { .. }, Some(_)) = (&item.act, state.attempt) {
            let was = board.item(choice).and_then(|state| state.chosen.as_ref());
            let was = was.map_or_else(String::new, |was| format!(" {}", was.option));
            return Err(Refusal(format!(
                "{} of the branch{was} has begun: what a step did is not passed over; roll back, or go on with it",
                item.id
            )));
        }
        if let (true, Some(attempt)) = (state.is_running(), state.attempt) {
            let why = format!("{choice} is {option} now");
            events.push(Event::ItemCancelled { item: item.id.clone(), attempt, why });
        }
    }
    Ok(events)
}

/// Folds a choice: it has passed, with its words; what was passed over for the branch it was before waits
/// again.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::Chosen { item, option, reason } => {
            let Some(state) = board.items.get_mut(item).map(Arc::make_mut) else { return };
            let attempt = Attempt(state.attempt.map_or(1, |attempt| attempt.0 + 1));
            state.attempt = Some(attempt);
            let (by, at) = (record.actor.clone(), record.occurred_at);
            let anew = state.chosen.as_ref().is_some_and(|was| was.option != *option);
            state.chosen = Some(Chosen { option: option.clone(), reason: reason.clone(), by, at });
            let report = Report::plain(Verdict::Pass, format!("{option}: {reason}"), Duration::ZERO);
            state.report = Some(Arc::new(report));
            state.end(attempt, Verdict::Pass, record.at);
            comes_back(board);
            // They were cast for what another branch comes to.
            if anew {
                ballot::void_all(board, &format!("{item} is {option} now"));
            }
        }
        Event::PassedOver { item, by } => {
            let Some(state) = board.items.get_mut(item).map(Arc::make_mut) else { return };
            state.passed_over = Some(by.clone());
            // What a choice on this branch came to counts no more: it is made again if the branch comes back.
            (state.chosen, state.waiver, state.acknowledged) = (None, None, false);
            // Nor does a person's word, nor what an item that recurs came to before.
            (state.half, state.armed) = (None, None);
            state.progress = Progress::Ended { verdict: Verdict::Skipped, at: record.at };
            recurring::forget(board, item);
        }
        _ => {}
    }
}

/// What was passed over and is so no longer waits again.
pub(super) fn comes_back(board: &mut Board) {
    let plan = Arc::clone(&board.plan.0);
    let mut back = Vec::new();
    for item in plan.items.values() {
        let over = board.item(&item.id).is_some_and(|state| state.passed_over.is_some());
        if over && off(board, item).is_none() {
            back.push(&item.id);
        }
    }
    for id in back {
        if let Some(state) = board.items.get_mut(id).map(Arc::make_mut) {
            state.passed_over = None;
            state.progress = Progress::Waiting;
        }
    }
}

/// Items that a choice passes over, and whose record says so not yet.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let on_branches = board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.item(id));
    let mut events = Vec::new();
    for item in on_branches.filter(|item| item.when.is_some()) {
        // One that something else made wait again is passed over again.
        let told = |state: &ItemState| is_over(state) && matches!(state.progress, Progress::Ended { .. });
        let fresh = board.item(&item.id).is_some_and(|state| !told(state) && !state.is_running());
        if let Some(off) = off(board, item).filter(|_| fresh) {
            events.push((now, Event::PassedOver { item: item.id.clone(), by: off.words() }));
        }
    }
    events
}

/// Whether the plan passes over an item: nothing of it is looked at again by itself.
#[must_use]
pub fn is_over(state: &ItemState) -> bool {
    state.passed_over.is_some()
}

#[cfg(test)]
#[path = "branch_tests.rs"]
mod tests;
