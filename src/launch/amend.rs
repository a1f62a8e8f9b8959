//! Another plan for a launch under way: what it may not change any more, and what becomes of the board when
//! it takes over. Pure: which items do something else is told by whoever read both files (`plan::diff`), and
//! stands in the record, so that a replay needs only the plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::board::{Board, PhaseState, Shared, terms};
use super::branch;
use super::command::Refusal;
use super::countdown::{Countdown, Passage, Refused, Terms};
use super::event::{Actor, Event, Mode, Recorded};
use super::gate;
use super::id::{ItemId, PhaseId, SessionId, SignalId};
use super::item::{ItemState, Progress};
use super::people::permit;
use super::plan::{Act, Class, Item, Plan, Power};
use super::recovery;
use super::recurring;
use super::schedule::gate_latch;
use super::soak;
use super::time::{Instant, Mark, Wall};
use super::watching;

/// Another plan, and how it differs from the one that a launch goes by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amendment {
    /// The plan that it was compared with: SHA-256 of its text, in hex.
    pub from: String,
    /// Its own.
    pub plan_hash: String,
    /// The difference, a line each.
    pub changes: Vec<String>,
    /// Items of both plans whose definition differs.
    pub changed: Vec<ItemId>,
    /// Baseline values of both plans that are captured otherwise.
    pub recapture: Vec<String>,
    /// Signals of both plans, `monitor.ID` too, that ask something else.
    pub asked: Vec<SignalId>,
}

/// Which plan a board goes by, and every plan it can go by.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// 1 for the plan that the launch was opened with.
    pub number: u32,
    /// The hash of the one that the launch was opened with.
    pub opened_with: String,
    /// The hash of a plan that the launch was amended to and that is not here: the board goes by an older one.
    pub missing: Option<String>,
    /// Since when a signal, or `monitor.ID`, asks what it asks, where an amendment brought it or changed that: what it
    /// said before answers another question.
    pub asked: BTreeMap<SignalId, Instant>,
    /// What removed items had come to, for one that returns: no attempt has a number twice.
    retired: BTreeMap<ItemId, Arc<ItemState>>,
    known: Arc<BTreeMap<String, Arc<Plan>>>,
}

/// The plans that are known tell nothing of what happened.
impl PartialEq for Revisions {
    fn eq(&self, other: &Self) -> bool {
        let told = |one: &Self| (one.number, one.missing.clone(), one.asked.clone(), one.retired.clone());
        told(self) == told(other)
    }
}

impl Revisions {
    #[must_use]
    pub fn first(plan: &Arc<Plan>) -> Self {
        let known = Arc::new(BTreeMap::from([(plan.hash.clone(), Arc::clone(plan))]));
        Self {
            number: 1,
            opened_with: plan.hash.clone(),
            missing: None,
            asked: BTreeMap::new(),
            retired: BTreeMap::new(),
            known,
        }
    }

    /// From here on this plan can be amended to.
    pub fn learn(&mut self, plan: &Arc<Plan>) {
        Arc::make_mut(&mut self.known).entry(plan.hash.clone()).or_insert_with(|| Arc::clone(plan));
    }

    /// A board to replay the launch's journal on: with the plan that it was opened with, and every other that is
    /// known to be amended to.
    #[must_use]
    pub fn afresh(&self) -> Option<Board> {
        let mut board = Board::new(Arc::clone(self.known.get(&self.opened_with)?));
        self.told_to(&mut board);
        Some(board)
    }

    /// Lets `board`, of the same launch, know every plan that is known here.
    pub fn told_to(&self, board: &mut Board) {
        board.revisions.known = Arc::clone(&self.known);
    }

    #[must_use]
    pub fn get(&self, hash: &str) -> Option<&Arc<Plan>> {
        self.known.get(hash)
    }
}

/// The record of an amendment.
///
/// # Errors
/// Whoever asks may not, or it would rewrite what happened: a sentence that names what.
pub(super) fn act(
    board: &Board,
    by: &Actor,
    amendment: &Result<Amendment, String>,
    reason: &str,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    permit(board, by, Power::Amend)?;
    let amendment = amendment.as_ref().map_err(|why| Refusal(why.clone()))?;
    if reason.trim().is_empty() {
        return Err(Refusal("an amendment needs a reason".into()));
    }
    let Some(plan) = board.revisions.get(&amendment.plan_hash) else {
        return Err(Refusal("this plan was not handed in with the request".into()));
    };
    fits(board, plan, amendment, now)?;
    let notes = told(board, plan, now).into_iter().map(|note| format!("note: {note}"));
    let again = again(&board.plan, plan, &amendment.changed);
    Ok(vec![Event::PlanAmended {
        revision: board.revisions.number.saturating_add(1),
        plan_hash: amendment.plan_hash.clone(),
        reason: reason.trim().to_owned(),
        changes: amendment.changes.iter().cloned().chain(notes).collect(),
        again: again.into_iter().collect(),
        recapture: amendment.recapture.clone(),
        asked: amendment.asked.clone(),
    }])
}

/// Whether the launch can go by `plan` from `now` on without anything that happened being told otherwise.
///
/// # Errors
/// What stands against it.
pub fn fits(board: &Board, plan: &Plan, amendment: &Amendment, now: Instant) -> Result<(), Refusal> {
    let no = |why: String| Err(Refusal(why));
    if board.mode == Mode::Gate || board.opened_at.is_none() {
        return no("no launch is under way here".into());
    }
    if plan.id != board.plan.id {
        return no(format!("`{}` is another plan than `{}`: open a launch of its own", plan.id, board.plan.id));
    }
    if plan.hash == board.plan.hash {
        return no("this is the plan that the launch goes by already".into());
    }
    if amendment.from != board.plan.hash {
        return no("the launch goes by another plan than this was compared with: look at the difference again".into());
    }
    if let Some(run) = board.rolling_back() {
        return no(format!("rollback {} is under way: it is seen through by the plan it began with", run.id));
    }
    let changed: BTreeSet<&ItemId> = amendment.changed.iter().collect();
    for item in board.plan.items.values() {
        let how = match plan.item(&item.id) {
            None => "removed",
            Some(_) if changed.contains(&item.id) => "changed in what it does",
            Some(_) => continue,
        };
        if let Some(why) = board.item(&item.id).and_then(|state| settled(item, state)) {
            return no(format!("{} cannot be {how}: {why}", item.id));
        }
    }
    fits_clock(board, plan, amendment, now)
}

/// Why what a step does cannot be told otherwise any more.
fn settled(item: &Item, state: &ItemState) -> Option<&'static str> {
    let Act::Step { class, .. } = item.act else { return None };
    let never_ran = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    if state.is_running() {
        Some("it runs")
    } else if recovery::way(item, state).is_some() && !never_ran {
        Some("what its last attempt came to is unknown")
    } else if class == Class::Once && state.attempt.is_some() && !never_ran {
        Some("it is of class once and was attempted")
    } else {
        None
    }
}

fn fits_clock(board: &Board, plan: &Plan, amendment: &Amendment, now: Instant) -> Result<(), Refusal> {
    let Some(mut clock) = board.clock_at(now) else { return Ok(()) };
    if plan.clock.holds.iter().any(|hold| hold.at.0 <= 0) {
        return Err(Refused::HoldAtZero.into());
    }
    if clock.t0.is_some() {
        let known: BTreeSet<&String> = board.plan.baseline.iter().map(|wanted| &wanted.name).collect();
        let new = plan.baseline.iter().map(|wanted| &wanted.name).find(|name| !known.contains(name));
        if let Some(name) = new.or(amendment.recapture.first()) {
            let why = "what a rollback goes back to is frozen since T-0";
            return Err(Refusal(format!("baseline value {name} cannot be captured any more: {why}")));
        }
    }
    clock.amend(new_terms(board, plan, now, board.opened_at.unwrap_or_default()));
    let next = clock.tick(now.plus(Duration::from_millis(1)));
    if next.iter().any(|(_, passage)| *passage == Passage::CutOff) {
        return Err(Refusal("its max_terminal_hold is over already: the countdown would be cut off at once".into()));
    }
    Ok(())
}

/// What a person should know before saying yes: what of `plan` comes too late to matter.
#[must_use]
pub fn told(board: &Board, plan: &Plan, now: Instant) -> Vec<String> {
    let mut told = Vec::new();
    let at = board.mark_at(now);
    let was = |mark: &Mark| board.plan.clock.holds.iter().any(|hold| hold.at == *mark);
    for hold in plan.clock.holds.iter().filter(|hold| hold.at >= at && !was(&hold.at)) {
        told.push(format!("the hold at {} lies behind T and is not served", hold.at));
    }
    for mark in plan.clock.recycle.iter().filter(|mark| **mark <= at && !board.plan.clock.recycle.contains(mark)) {
        told.push(format!("the recycle mark {mark} cannot be gone back to before T has passed it"));
    }
    for phase in plan.phases.iter().filter(|phase| phase.at > at) {
        let known = board.plan.phase(&phase.id);
        if known.is_none_or(|known| known.at != phase.at && known.at <= at) {
            told.push(format!("phase {} is due at {}, which has passed: it opens at once", phase.id, phase.at));
        }
    }
    let late = |item: &&Item| item.at > at && board.plan.phase(&item.phase).is_none_or(|phase| phase.at <= at);
    for item in plan.items.values().filter(late) {
        let known = board.plan.item(&item.id);
        if known.is_none_or(|known| known.at != item.at && known.at <= at) {
            told.push(format!("{} is due at {}, which has passed: it is due at once", item.id, item.at));
        }
    }
    let attempted = |item: &&Item| {
        plan.item(&item.id).is_none() && board.item(&item.id).is_some_and(|state| state.attempt.is_some())
    };
    for item in board.plan.items.values().filter(attempted) {
        told.push(format!("{} was tried and is left out from here on", item.id));
    }
    if !board.votes.is_empty() {
        told.push("every vote is void".into());
    }
    told
}

/// Items that wait again: those that do something else, and every check of a session in which something does.
#[must_use]
pub fn again(old: &Plan, new: &Plan, changed: &[ItemId]) -> BTreeSet<ItemId> {
    let both = |id: &&ItemId| old.item(id).is_some() && new.item(id).is_some();
    let mut again: BTreeSet<ItemId> = changed.iter().filter(both).cloned().collect();
    let mut sessions: BTreeSet<&SessionId> = BTreeSet::new();
    for (one, other) in [(old, new), (new, old)] {
        let turned = one.items.values().filter(|item| {
            let gone = other.item(&item.id).is_none_or(|known| known.session != item.session);
            gone || again.contains(&item.id)
        });
        sessions.extend(turned.filter_map(|item| item.session.as_ref()));
    }
    let mates = new.items.values().filter(|item| item.session.as_ref().is_some_and(|id| sessions.contains(id)));
    again.extend(
        mates
            .filter(|item| matches!(item.act, Act::Check(_)) && old.item(&item.id).is_some())
            .map(|item| item.id.clone()),
    );
    again
}

/// Goes by the plan of the record from here on.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    let Event::PlanAmended { revision, plan_hash, again, recapture, asked, .. } = &record.event else { return };
    board.revisions.number = *revision;
    let Some(plan) = board.revisions.get(plan_hash).cloned() else {
        board.revisions.missing = Some(plan_hash.clone());
        return;
    };
    board.revisions.missing = None;
    let terms = new_terms(board, &plan, record.at, record.occurred_at);
    let old = std::mem::replace(&mut board.plan, Shared(Arc::clone(&plan)));
    let returned = items(board, &plan, again);
    recurring::amended(board, &old, |id| again.contains(id) || returned.contains(id), record.at);
    branch::comes_back(board);
    soak::amended(board, &old, record.at);
    ask_anew(&mut board.revisions, &old, &plan, asked, record.at);
    watching::amended(board, &old, asked, record.at);
    phases(board, &plan, record.at);
    // Whoever watches begins anew: nothing is known before it has looked.
    board.monitors.clear();
    board.streams.clear();
    let wanted = |name: &String| plan.baseline.iter().any(|wanted| wanted.name == *name);
    board.baseline.retain(|name, _| wanted(name) && !recapture.contains(name));
    if let Some(clock) = &mut board.clock {
        clock.amend(terms);
        for gate in old.phases.iter().filter(|phase| plan.phase(&phase.id).is_none_or(|phase| !phase.gate)) {
            clock.release(&gate_latch(&gate.id));
        }
    }
}

/// Remembers since when signals ask what they ask.
fn ask_anew(revisions: &mut Revisions, old: &Plan, new: &Plan, asked: &[SignalId], at: Instant) {
    let (was, is) = (old.signal_ids(), new.signal_ids());
    revisions.asked.retain(|id, _| is.contains(id));
    let other = is.into_iter().filter(|id| !was.contains(id) || asked.contains(id));
    revisions.asked.extend(other.map(|id| (id, at)));
}

/// The window stands where it stood, unless the plan moves it: a rehearsal's axis is not that of its wall clock.
fn new_terms(board: &Board, plan: &Plan, at: Instant, wall: Wall) -> Terms {
    let mut terms = terms(plan, at, wall);
    if plan.clock.window_closes == board.plan.clock.window_closes {
        terms.closes = board.clock.as_ref().and_then(Countdown::closes);
    }
    terms
}

/// The items of the new plan, and which of them return to it.
fn items(board: &mut Board, plan: &Plan, again: &[ItemId]) -> BTreeSet<ItemId> {
    let mut returned = BTreeSet::new();
    let known = std::mem::take(&mut board.items);
    for (id, state) in known {
        if plan.item(&id).is_some() {
            board.items.insert(id, state);
        } else if state.attempt.is_some() {
            board.revisions.retired.insert(id, state);
        }
    }
    for id in plan.items.keys() {
        let retired = board.revisions.retired.remove(id).map(|state| Arc::new(anew(&state)));
        returned.extend(retired.is_some().then(|| id.clone()));
        board.items.entry(id.clone()).or_insert_with(|| retired.unwrap_or_default());
    }
    for id in again {
        if let Some(state) = board.items.get_mut(id) {
            *state = Arc::new(anew(state));
        }
    }
    returned
}

/// An item that waits as if it had never run, but for the attempts that it had.
fn anew(state: &ItemState) -> ItemState {
    ItemState {
        progress: Progress::Waiting,
        attempt: state.attempt,
        outcome: state.outcome.clone().filter(|outcome| outcome.never_ran),
        history: state.history.clone(),
        ..ItemState::default()
    }
}

/// A gate that has passed has not, where something in it is no longer as it was.
fn phases(board: &mut Board, plan: &Plan, now: Instant) {
    let mut known = std::mem::take(&mut board.phases);
    let of = |id: &PhaseId, known: &mut BTreeMap<PhaseId, PhaseState>| known.remove(id).unwrap_or_default();
    board.phases = plan.phases.iter().map(|phase| (phase.id.clone(), of(&phase.id, &mut known))).collect();
    for phase in &plan.phases {
        let clear = phase.gate && gate::standing(board, phase, now).is_clear();
        if let Some(state) = board.phases.get_mut(&phase.id).filter(|_| !clear) {
            state.passed = false;
        }
    }
}

#[cfg(test)]
#[path = "amend_tests.rs"]
mod tests;
