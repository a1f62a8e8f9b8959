//! The second person: an attestation that needs another one's beside it, and a step that runs only after
//! another person's word. It is another by name and by hand, under whatever
//! role.

use std::sync::Arc;

use super::board::{Attest, Board};
use super::command::Refusal;
use super::event::{Actor, Recorded};
use super::id::{Attempt, ItemId};
use super::item::{ItemState, Progress};
use super::people::{is_one_hand, is_same};
use super::plan::{Act, Item, Plan, Second};
use super::time::Instant;
use super::verdict::Verdict;

/// What an item asks of a second person.
#[must_use]
pub fn wanted(item: &Item) -> &Second {
    match &item.act {
        Act::Manual { second, .. } | Act::Step { second, .. } => second,
        _ => &Second::None,
    }
}

/// Whether a person's word on `item` is one now, beside the word that is there already.
///
/// # Errors
/// No word decides it, it is another role's, it is the same person's again, or none is wanted any more.
pub(super) fn takes_word(board: &Board, by: &Actor, item: &Item, passed: bool, now: Instant) -> Result<(), Refusal> {
    let (state, second) = (board.item(&item.id), wanted(item));
    let first_role = match &item.act {
        Act::Manual { role, .. } => role.as_ref(),
        Act::Step { .. } if *second != Second::None => {
            if state.is_some_and(ItemState::is_running) {
                return Err(Refusal(format!("{} is running", item.id)));
            }
            return of_role(&board.plan, by, item);
        }
        _ => {
            let why = "is decided by what it sees, not by a word; it can be waived";
            return Err(Refusal(format!("{} {why}", item.id)));
        }
    };
    match state.and_then(|state| state.half.as_ref()) {
        // Either may end it.
        Some(first) if passed && is_one_hand(&first.by, by) => Err(Refusal(format!(
            "{} has given the first word on {}: the second is another person's{}",
            first.by.name,
            item.id,
            by_hand(&first.by, by)
        ))),
        Some(_) if passed => of_role(&board.plan, by, item),
        Some(_) if of_role(&board.plan, by, item).is_ok() => Ok(()),
        _ => {
            if let (Some(wanted), Some(has)) = (first_role, &by.role)
                && wanted != has
            {
                let half = state.is_some_and(|state| state.half.is_some());
                if let (true, Second::Role(other)) = (half, self::wanted(item)) {
                    let title = super::people::title(&board.plan, other);
                    return Err(Refusal(format!("{} wants the second word of {title}: give it as {other}", item.id)));
                }
                return Err(Refusal(format!("{} is attested by {wanted}", item.id)));
            }
            let verdict = state.and_then(|state| state.verdict(item.valid_for, now));
            if passed && *second != Second::None && verdict == Some(Verdict::Pass) {
                return Err(Refusal(format!("{} is attested by both", item.id)));
            }
            Ok(())
        }
    }
}

fn of_role(plan: &Plan, by: &Actor, item: &Item) -> Result<(), Refusal> {
    match wanted(item) {
        Second::Role(role) if by.role.as_ref() != Some(role) => {
            let title = super::people::title(plan, role);
            Err(Refusal(format!("{} wants the word of {title}: give it as {role}", item.id)))
        }
        _ => Ok(()),
    }
}

/// Whether `by` may have `item`'s next attempt begin.
///
/// # Errors
/// Nobody has armed it, or the same person has.
pub(super) fn armed(board: &Board, by: &Actor, item: &Item) -> Result<(), Refusal> {
    if *wanted(item) == Second::None {
        return Ok(());
    }
    match board.item(&item.id).and_then(|state| state.armed.as_ref()) {
        None => Err(Refusal(format!("{} runs after {}'s word: it is not armed", item.id, whose(&board.plan, item)))),
        Some(word) if is_one_hand(&word.by, by) => Err(Refusal(format!(
            "{} was armed by {}: another person runs it{}",
            item.id,
            word.by.name,
            by_hand(&word.by, by)
        ))),
        Some(_) => Ok(()),
    }
}

/// What is to be said where the names are two and the hand is one.
fn by_hand(first: &Actor, by: &Actor) -> &'static str {
    if is_same(&first.name, &by.name) { "" } else { ", with their own hand, not written down by the same one" }
}

/// Who gives the second word: `another person`, or a role.
#[must_use]
pub fn whose(plan: &Plan, item: &Item) -> String {
    match wanted(item) {
        Second::Role(role) => super::people::title(plan, role).to_owned(),
        Second::Anyone | Second::None => "another person".to_owned(),
    }
}

/// Folds a person's word into the item it is about.
pub(super) fn fold(state: &mut ItemState, item: Option<&Item>, record: &Recorded, note: &str, passed: bool) {
    let word = || Attest { by: record.actor.clone(), note: note.to_owned(), passed, at: record.occurred_at };
    let wants_two = item.is_some_and(|item| *wanted(item) != Second::None);
    if item.is_some_and(|item| matches!(item.act, Act::Step { .. })) {
        state.armed = passed.then(word);
        return;
    }
    if passed && wants_two && state.half.is_none() {
        // What it was before is no longer so: two words begin anew.
        (state.attested, state.seconded, state.half) = (None, None, Some(word()));
        (state.waiver, state.acknowledged) = (None, false);
        state.progress = Progress::Waiting;
        return;
    }
    (state.attested, state.seconded) = match state.half.take() {
        Some(first) => (Some(first), Some(word())),
        None => (Some(word()), None),
    };
    let attempt = Attempt(state.attempt.map_or(1, |attempt| attempt.0 + 1));
    state.attempt = Some(attempt);
    state.end(attempt, if passed { Verdict::Pass } else { Verdict::Fail }, record.at);
}

/// Words on what is due once more were given for the time before.
pub(super) fn forget(board: &mut Board, item: &ItemId) {
    if let Some(state) = board.items.get_mut(item) {
        let state = Arc::make_mut(state);
        (state.half, state.armed) = (None, None);
    }
}

#[cfg(test)]
#[path = "second_tests.rs"]
mod tests;
