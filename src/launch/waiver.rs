//! Waivers: a named person takes on what an item found, with a reason, until an instant. After that the gate
//! is as shut as before, by itself, and says so.

use std::time::Duration;

use super::board::Board;
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::gate::{self, Clear};
use super::id::ItemId;
use super::item::{ItemState, Waiver};
use super::people::{is_same, permit};
use super::plan::{Item, Power};
use super::recurring;
use super::schedule::Timed;
use super::time::{Instant, Wall, millis};
use super::verdict::Verdict;

/// How long a waiver lasts where nobody says.
pub const LASTS: Duration = Duration::from_secs(24 * 3_600);
/// Nobody answers for longer than this by one word.
pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// What a console calls whoever gave no name.
const NOBODY: [&str; 3] = ["", "operator", "root"];

/// What becomes of a waiver.
pub(super) fn decide(
    board: &Board,
    by: &Actor,
    item: &Item,
    reason: &str,
    lasts: Duration,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    permit(board, by, Power::Waive)?;
    named(by)?;
    if reason.trim().is_empty() {
        return Err(Refusal("a waiver needs a reason".into()));
    }
    if lasts.is_zero() || lasts > LONGEST {
        return Err(Refusal("a waiver lasts for some time, and at most a year: say how long".into()));
    }
    match gate::clear(board, item, now) {
        Clear::No(Some(_)) => {
            let until = Some(now.plus(lasts));
            Ok(vec![Event::Waived { item: item.id.clone(), reason: reason.to_owned(), until }])
        }
        Clear::No(None) => Err(Refusal(format!("{} has no verdict yet to waive", item.id))),
        Clear::Yes | Clear::ByWaiver => Err(Refusal(format!("{} needs no waiver", item.id))),
    }
}

/// Whether a person stands behind `by`, whatever the role: not the name that a console gives by itself. A
/// scripted crew has none.
///
/// # Errors
/// Nobody does.
pub fn named(by: &Actor) -> Result<(), Refusal> {
    if !by.scripted && NOBODY.iter().any(|nobody| is_same(nobody, &by.name)) {
        return Err(Refusal(
            "a waiver is a named person's, for a role as well: say who you are with --name YOU".into(),
        ));
    }
    Ok(())
}

/// Folds a waiver into its item.
pub(super) fn fold(state: &mut ItemState, reason: &str, until: Option<Instant>, record: &Recorded) {
    let by = record.actor.clone();
    let ends_at = until.map(|until| ends(record.occurred_at, record.at, until));
    state.waiver =
        Some(Waiver { by, reason: reason.to_owned(), at: record.occurred_at, until, ends_at, expired: false });
}

/// The wall time of `until`, for people.
fn ends(wall: Wall, at: Instant, until: Instant) -> Wall {
    let span = chrono::TimeDelta::try_milliseconds(until.0.saturating_sub(at.0)).unwrap_or_default();
    wall.checked_add_signed(span).unwrap_or(wall)
}

/// Folds the end of a waiver: its gate may pass again, and says so anew when it does.
pub(super) fn fold_end(board: &mut Board, item: &super::id::ItemId) {
    if let Some(waiver) = board.items.get_mut(item).and_then(|state| std::sync::Arc::make_mut(state).waiver.as_mut()) {
        waiver.expired = true;
    }
    recurring::waiver_ends(board, item);
    let phase = board.plan.item(item).map(|item| item.phase.clone());
    if let Some(state) = phase.and_then(|phase| board.phases.get_mut(&phase)) {
        state.passed = false;
    }
}

/// What an item stands by: of one that is due once more its state before, whose waiver lasts on.
fn stands_by<'b>(board: &'b Board, id: &ItemId, state: &'b ItemState) -> &'b ItemState {
    recurring::stood(board, id, state).unwrap_or(state)
}

/// Every waiver that an item stands by.
fn all(board: &Board) -> impl Iterator<Item = (&ItemId, &Waiver)> {
    board.items.iter().filter_map(|(id, state)| Some((id, stands_by(board, id, state).waiver.as_ref()?)))
}

/// Waivers that end at or before `now`, each with its instant.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let ended = all(board).filter_map(|(id, waiver)| {
        let waiver = Some(waiver).filter(|waiver| !waiver.expired && !waiver.counts(now))?;
        Some((waiver.until?.clamp(board.at, now.max(board.at)), Event::WaiverExpired { item: id.clone() }))
    });
    let mut ended: Vec<Timed> = ended.collect();
    ended.sort_by_key(|(at, _)| *at);
    ended
}

/// When waivers end.
pub(super) fn next_at(board: &Board) -> impl Iterator<Item = Instant> {
    all(board).filter(|(_, waiver)| !waiver.expired).filter_map(|(_, waiver)| waiver.until)
}

impl Waiver {
    /// Whether it stands for its item at `now`.
    #[must_use]
    pub fn counts(&self, now: Instant) -> bool {
        !self.expired && self.until.is_none_or(|until| now < until)
    }
}

/// `pass with 1 waiver`: the word of a gate that some let open; nothing where none did.
#[must_use]
pub fn with(count: u32) -> String {
    match count {
        0 => String::new(),
        1 => " with 1 waiver".to_owned(),
        n => format!(" with {n} waivers"),
    }
}

/// What is to be said of an item's waiver that counts no longer: `waiver by ana expired 12:40 UTC`.
#[must_use]
pub fn lapsed(board: &Board, item: &ItemId, now: Instant) -> Option<String> {
    let waiver = stands_by(board, item, board.item(item)?).waiver.as_ref().filter(|waiver| !waiver.counts(now))?;
    let at = waiver.ends_at.map(|at| at.format(" %H:%M UTC").to_string()).unwrap_or_default();
    Some(format!("waiver by {} expired{at}", waiver.by.name))
}

/// What is open by a waiver alone just now, in the order of the plan: nobody votes on it unawares.
#[must_use]
pub fn standing(board: &Board, now: Instant) -> Vec<String> {
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    order
        .filter_map(|id| {
            let (item, state) = (board.plan.item(id)?, stands_by(board, id, board.item(id)?));
            let waiver = state.waiver.as_ref().filter(|_| gate::clear(board, item, now) == Clear::ByWaiver)?;
            let verdict = state.verdict(item.valid_for, now).map_or("not run", Verdict::word);
            let left = waiver.until.map(|until| {
                let left = Duration::from_secs(until.since(now).as_secs());
                format!(", {} left", humantime::format_duration(left))
            });
            Some(format!("{id} {verdict}, waived by {}: {}{}", waiver.by.name, waiver.reason, left.unwrap_or_default()))
        })
        .collect()
}

/// What a command says: so many milliseconds.
#[must_use]
pub fn lasts_ms(lasts: Duration) -> u64 {
    u64::try_from(millis(lasts)).unwrap_or(0)
}

#[cfg(test)]
#[path = "waiver_tests.rs"]
mod tests;
