//! Soak: objectives that must hold for a continuous time. A ledger of pass, breach, unknown and holes, folded from
//! journaled evaluations; credit is for time that was known to be well and for nothing else.
//!
//! Here stand what a soak asks for, where it meets the board, and when it ends; how time is credited is the
//! ledger's own.

use std::sync::Arc;
use std::time::Duration;

use super::board::{Board, Progress};
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::id::{ItemId, ObjectiveId};
use super::objective::Round;
use super::people::permit;
use super::plan::{Act, Item, Objective, Plan, Power};
use super::schedule::Timed;
use super::time::{Instant, millis};
use super::verdict::Verdict;
use super::waiver;
use super::watching::judged;

mod ledger;
mod told;

pub use ledger::{Anew, Blind, HoleWaiver, Ledger, LedgerSpan, Looked, Lost, SPANS_KEPT, Sums, Why};
pub use told::{credit, span};

/// A hole no longer than this never begins the time anew, where the plan does not say (rules.md, "Objectives,
/// soak, triggers").
pub const MAX_GAP: Duration = Duration::from_secs(300);

/// What a `soak` item asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soak {
    /// All of them must hold; never empty.
    pub objectives: Vec<ObjectiveId>,
    /// For how long without a breach.
    pub lasts: Duration,
    /// A hole in our own watching longer than this begins the time anew, unless a person waives it.
    pub max_gap: Duration,
    /// Given up as failed after this; none goes on until it is through.
    pub deadline: Option<Duration>,
}

/// What was known of a span of time; the later of two is what both together come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    Pass,
    /// Too little data.
    Unknown,
    /// Nobody watched.
    Hole,
    Breach,
}

impl Known {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Breach, Self::Unknown, Self::Hole];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Breach => "breach",
            Self::Unknown => "unknown",
            Self::Hole => "hole",
        }
    }

    /// What an evaluation knows: whatever is neither right nor wrong is no knowledge.
    #[must_use]
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Breach,
            Verdict::Skipped | Verdict::Warn | Verdict::Stale | Verdict::Unknown => Self::Unknown,
        }
    }
}

/// A time that nobody watched, which the source of a soak's objectives may still tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    pub from: Instant,
    pub until: Instant,
    pub objectives: Vec<ObjectiveId>,
}

/// The holes of soaks that run, of which nothing later was evaluated yet: after that it is too late.
pub fn holes(board: &Board) -> impl Iterator<Item = Hole> {
    board.soaks.iter().filter(|(id, _)| runs(board, id)).filter_map(|(id, ledger)| {
        let (from, until) = ledger.open_gap()?;
        let objectives = of(board.plan.item(id)?)?.objectives.clone();
        Some(Hole { from, until, objectives })
    })
}

/// What `item` asks for, where it is a soak.
#[must_use]
pub fn of(item: &Item) -> Option<&Soak> {
    match &item.act {
        Act::Soak(soak) => Some(soak),
        _ => None,
    }
}

fn objective<'p>(plan: &'p Plan, id: &ObjectiveId) -> Option<&'p Objective> {
    plan.objectives.iter().find(|known| known.id == *id)
}

/// Folds a record into the ledgers of what soaks just now; `before` is the instant of the record before it.
pub(super) fn fold(board: &mut Board, record: &Recorded, before: Instant) {
    match &record.event {
        Event::ItemStarted { item, .. } => {
            if let Some(soak) = board.plan.item(item).and_then(of) {
                let ledger = Ledger::begun(soak, record.at);
                board.soaks.insert(item.clone(), Arc::new(ledger));
            }
        }
        Event::Evaluated { rounds } => {
            let plan = Arc::clone(&board.plan.0);
            each_running(board, |ledger, soak| {
                // Of a time that has not come nothing is known.
                for round in rounds.iter().filter(|round| round.at <= record.at) {
                    look(ledger, soak, &plan, round);
                }
            });
        }
        Event::HoleFilled { rounds } => {
            let plan = Arc::clone(&board.plan.0);
            each_running(board, |ledger, soak| {
                for round in rounds {
                    if ledger.is_away(round.at) {
                        look(ledger, soak, &plan, round);
                    }
                }
            });
        }
        Event::ConsoleReturned { .. } => each_running(board, |ledger, _| ledger.unwatched(before, record.at)),
        Event::Slept { gap } => {
            let from = Instant(record.at.0.saturating_sub(millis(*gap)));
            each_running(board, |ledger, _| ledger.unwatched(from, record.at));
        }
        Event::SoakHoleWaived { item, hole, reason } => {
            let plan = Arc::clone(&board.plan.0);
            let soak = plan.item(item).and_then(of).filter(|_| runs(board, item));
            if let (Some(soak), Some(ledger)) = (soak, board.soaks.get_mut(item)) {
                Arc::make_mut(ledger).waive(soak, *hole, &record.actor, reason, record.at);
            }
        }
        _ => {}
    }
}

/// Whether any soak runs: time that goes on to some end without anybody's key.
#[must_use]
pub fn under_way(board: &Board) -> bool {
    board.soaks.keys().any(|id| runs(board, id))
}

/// Whether `item` soaks for more than twice the time it needs: a rehearsal in which nothing ever holds ends
/// all the same.
#[must_use]
pub fn is_hopeless(board: &Board, item: &Item, now: Instant) -> bool {
    let ledger = board.soaks.get(&item.id).filter(|_| runs(board, &item.id));
    let (Some(soak), Some(ledger)) = (of(item), ledger) else { return false };
    soak.deadline.is_none() && now.since(ledger.since) > soak.lasts.saturating_mul(2)
}

fn runs(board: &Board, item: &ItemId) -> bool {
    board.item(item).is_some_and(|state| matches!(state.progress, Progress::Running { .. }))
}

fn each_running(board: &mut Board, mut act: impl FnMut(&mut Ledger, &Soak)) {
    let plan = Arc::clone(&board.plan.0);
    let running: Vec<ItemId> = board.soaks.keys().filter(|id| runs(board, id)).cloned().collect();
    for id in running {
        if let (Some(soak), Some(ledger)) = (plan.item(&id).and_then(of), board.soaks.get_mut(&id)) {
            act(Arc::make_mut(ledger), soak);
        }
    }
}

fn look(ledger: &mut Ledger, soak: &Soak, plan: &Plan, round: &Round) {
    let every = |id: &ObjectiveId| objective(plan, id).map(|objective| objective.evaluate_every);
    let seen = |id: &ObjectiveId| {
        let (objective, counts) = (objective(plan, id)?, round.counts.get(id)?);
        let (verdict, _) = judged(plan, id, counts, round.at)?;
        // What the source tells of a time that we did not watch counts only where it tells all of it.
        let whole = Duration::from(counts.known) >= objective.window;
        Some(ledger::Seen { was: Known::of(verdict), whole, generated: counts.generated })
    };
    ledger.evaluated(soak, round.at, every, seen);
}

/// Goes on under another plan: credit for what another objective said is none.
pub(super) fn amended(board: &mut Board, old: &Plan, at: Instant) {
    let plan = Arc::clone(&board.plan.0);
    let states = &board.items;
    // One that waits again begins a ledger of its own.
    let lasts = |id: &ItemId| states.get(id).is_some_and(|state| !matches!(state.progress, Progress::Waiting));
    board.soaks.retain(|id, _| lasts(id) && plan.item(id).is_some_and(|item| of(item).is_some()));
    let same = |id: &ObjectiveId| {
        let plain = |plan| objective(plan, id).map(|known| Objective { title: String::new(), ..known.clone() });
        plain(old).is_some_and(|known| plain(&plan).is_some_and(|now| now == known))
    };
    each_running(board, |ledger, soak| {
        if !soak.objectives.iter().all(same) {
            ledger.anew(Why::Amended, at);
        }
    });
}

/// Soaks that end by `now`: through, or given up.
pub(super) fn ending(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events: Vec<Timed> = Vec::new();
    for (id, ledger) in board.soaks.iter().filter(|(id, _)| runs(board, id)) {
        let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
        let (Some(soak), Some(attempt)) = (of(item), state.attempt) else { continue };
        let given_up = soak.deadline.map(|deadline| ledger.since.plus(deadline));
        // Both may be told in one turn: what comes first counts.
        let in_time = ledger.through.filter(|through| given_up.is_none_or(|given_up| *through <= given_up));
        // A deadline that passed while nobody watched: whether it was through by then its source may tell yet.
        let may_have_been = |by: Instant| ledger.open_gap().is_some_and(|(from, _)| from < by);
        let (at, verdict) = match (in_time, given_up) {
            (Some(at), _) => (at, Verdict::Pass),
            (None, Some(at)) if at <= now && !may_have_been(at) => (at, Verdict::Fail),
            _ => continue,
        };
        let at = at.max(board.at);
        let report = told::report(&board.plan, soak, ledger, verdict, at);
        events.push((at, Event::ItemEnded { item: id.clone(), attempt, report }));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// When each soak can be through at the earliest, or is given up.
pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    board.soaks.iter().filter(|(id, _)| runs(board, id)).flat_map(move |(id, ledger)| {
        let soak = board.plan.item(id).and_then(of);
        let given_up = soak.and_then(|soak| soak.deadline).map(|deadline| ledger.since.plus(deadline));
        let through = soak.map(|soak| {
            let every = soak.objectives.iter().filter_map(|id| Some(objective(&board.plan, id)?.evaluate_every)).max();
            let left = soak.lasts.saturating_sub(ledger.credited);
            // What was not evaluated by now is no credit.
            let known = ledger.until.max(Instant(now.0.saturating_sub(every.map_or(0, millis))));
            evaluated_at(known.plus(left).max(Instant(now.0.saturating_add(1))), every)
        });
        given_up.into_iter().chain(through)
    })
}

/// The first instant, not before `at`, at which what is evaluated every so often is.
fn evaluated_at(at: Instant, every: Option<Duration>) -> Instant {
    let every = every.map_or(1, millis).max(1);
    let whole = at.0.div_euclid(every).saturating_add(i64::from(at.0.rem_euclid(every) > 0));
    Instant(whole.saturating_mul(every))
}

/// A person lets `item` go on over the hole that began at `hole`: the credit from before it counts on.
///
/// # Errors
/// Whoever asks may not, is not named or gives no reason; or that hole is not the last that began the time anew,
/// or is not over: nobody signs for what is not known yet.
pub(super) fn waive(
    board: &Board,
    by: &Actor,
    item: &ItemId,
    hole: Instant,
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    permit(board, by, Power::Waive)?;
    waiver::named(by)?;
    if reason.trim().is_empty() {
        return Err(Refusal("a waiver needs a reason".into()));
    }
    if board.plan.item(item).and_then(of).is_none() {
        return Err(Refusal(format!("{item} is no soak")));
    }
    let Some(ledger) = board.soaks.get(item).filter(|_| runs(board, item)) else {
        return Err(Refusal(format!("{item} does not soak just now")));
    };
    match ledger.lost.last() {
        None => Err(Refusal(format!("no hole has begun the time of {item} anew: there is nothing to waive"))),
        Some(last) if last.from != hole => {
            Err(Refusal(format!("another hole has begun the time of {item} anew meanwhile: look again")))
        }
        Some(last) if last.open => {
            Err(Refusal(format!("the hole of {item} is not over: waive it once it is known how long it was")))
        }
        Some(_) => {
            let (item, reason) = (item.clone(), reason.trim().to_owned());
            Ok(vec![Event::SoakHoleWaived { item, hole, reason }])
        }
    }
}

#[cfg(test)]
#[path = "soak/tests.rs"]
mod tests;
