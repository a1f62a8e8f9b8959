//! Programs that a step started and that live on once it has passed: a tunnel, a server. Each is its step's
//! attempt, under that attempt's shim. Folded from the journal alone: what lives is looked at by the engine.
//!
//! One that is ready is not in flight: a rollback leaves it, a console may go and come back. It ends because
//! somebody asked for it, or by itself; the second is a failure of its item, whenever it comes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::board::Board;
use super::command::Refusal;
use super::event::{Event, Recorded};
use super::id::{Attempt, ItemId};
use super::plan::Item;
use super::time::{Instant, Wall};
use super::verdict::{Outcome, Report, Verdict};

/// A program that was ready, as it was last heard of.
#[derive(Debug, Clone, PartialEq)]
pub struct Living {
    pub attempt: Attempt,
    /// The program's own process.
    pub pid: u32,
    pub since: Instant,
    pub ready_at: Wall,
    /// What was taken from its output, by name.
    pub captured: BTreeMap<String, Value>,
    /// Why it was asked to end, while it lived.
    pub asked: Option<String>,
    pub end: Option<End>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub at: Instant,
    pub wall: Wall,
    pub why: String,
    /// Somebody wanted it.
    pub asked: bool,
}

impl Living {
    #[must_use]
    pub fn lives(&self) -> bool {
        self.end.is_none()
    }
}

/// The program of `item` that lives, or did when last heard of.
#[must_use]
pub fn of<'b>(board: &'b Board, item: &ItemId) -> Option<&'b Living> {
    board.processes.get(item).filter(|known| known.lives())
}

/// All that live, in the order of their ids.
pub fn living(board: &Board) -> impl Iterator<Item = (&ItemId, &Living)> {
    board.processes.iter().filter(|(_, known)| known.lives())
}

/// What was captured from programs, by name: it has a value from their readiness on, and keeps it.
pub fn captured(board: &Board) -> impl Iterator<Item = (&str, &Value)> {
    board.processes.values().flat_map(|known| &known.captured).map(|(name, value)| (name.as_str(), value))
}

/// What lives, as one line for whoever leaves or closes the launch; none where nothing does.
#[must_use]
pub fn words(board: &Board) -> Option<String> {
    let all: Vec<String> = living(board).map(|(item, known)| format!("{item} (process {})", known.pid)).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// A second program beside one that lives would answer in its place.
///
/// # Errors
/// That it lives.
pub(super) fn begins(board: &Board, item: &Item) -> Result<(), Refusal> {
    match of(board, &item.id) {
        Some(known) => {
            Err(Refusal(format!("{} lives as process {}: cancel it first, then run it again", item.id, known.pid)))
        }
        None => Ok(()),
    }
}

/// Readiness ends its step, which has passed.
pub(super) fn ready(
    item: &ItemId,
    attempt: Attempt,
    pid: u32,
    captured: &BTreeMap<String, Value>,
    outcome: &Outcome,
) -> Vec<Event> {
    let passed = Event::StepEnded { item: item.clone(), attempt, verdict: Verdict::Pass, outcome: outcome.clone() };
    vec![passed, Event::ProcessReady { item: item.clone(), attempt, pid, captured: captured.clone() }]
}

/// Nothing where it is no news: it was told before, or the launch has ended.
pub(super) fn ended(board: &Board, item: &ItemId, attempt: Attempt, why: &str, outcome: &Outcome) -> Vec<Event> {
    let Some(known) = of(board, item).filter(|known| known.attempt == attempt && board.ended.is_none()) else {
        return Vec::new();
    };
    let asked = known.asked.is_some() || outcome.cancelled;
    let why = match &known.asked {
        Some(asked) => format!("{asked}: {why}"),
        None => why.to_owned(),
    };
    vec![Event::ProcessEnded { item: item.clone(), attempt, why, asked, outcome: outcome.clone() }]
}

/// Folds in what concerns a program that lives; true where the event was about one alone.
pub(super) fn fold(board: &mut Board, record: &Recorded) -> bool {
    match &record.event {
        Event::ProcessReady { item, attempt, pid, captured } => {
            let known = Living {
                attempt: *attempt,
                pid: *pid,
                since: record.at,
                ready_at: record.occurred_at,
                captured: captured.clone(),
                asked: None,
                end: None,
            };
            board.processes.insert(item.clone(), known);
            true
        }
        Event::ProcessEnded { item, attempt, why, asked, outcome } => {
            let Some(known) = board.processes.get_mut(item).filter(|known| known.attempt == *attempt) else {
                return true;
            };
            known.end = Some(End { at: record.at, wall: record.occurred_at, why: why.clone(), asked: *asked });
            if !asked {
                fail(board, record, item, *attempt, why, outcome);
            }
            true
        }
        Event::CancelAsked { item, attempt, why } => {
            let lives = |known: &&mut Living| known.attempt == *attempt && known.lives();
            match board.processes.get_mut(item).filter(lives) {
                Some(known) => {
                    known.asked = Some(why.clone());
                    true
                }
                None => false,
            }
        }
        _ => false,
    }
}

/// It ended by itself: whatever stood on it stands on nothing any more. A shim that is gone told nothing.
fn fail(board: &mut Board, record: &Recorded, item: &ItemId, attempt: Attempt, why: &str, outcome: &Outcome) {
    let verdict = if outcome.is_lost() { Verdict::Unknown } else { Verdict::Fail };
    let Some(state) = board.items.get_mut(item).filter(|state| state.attempt == Some(attempt)) else { return };
    let state = std::sync::Arc::make_mut(state);
    state.report = Some(std::sync::Arc::new(Report::plain(verdict, why, Duration::ZERO)));
    state.outcome = Some(outcome.clone());
    state.end(attempt, verdict, record.at);
}
