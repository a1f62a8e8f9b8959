//! What follows from the board and the time alone: holds at their marks, phases opening, checks and
//! automatic steps starting, gates passing. Pure; the loop calls it until nothing follows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::board::{Board, ItemState, Progress};
use super::branch;
use super::command::Refusal;
use super::countdown::{self, Countdown, Passage};
use super::event::{Event, Mode};
use super::gate;
use super::human;
use super::id::{Attempt, ItemId, PhaseId, SessionId};
use super::lost;
use super::plan::{Act, Item, Phase, Plan};
use super::poll;
use super::process;
use super::recovery;
use super::soak;
use super::time::{Instant, Mark};
use super::undone;
use super::verdict::{Report, Verdict};
use super::wanted;
use super::watching;

/// Below this T, or what [`go_by`] says, the countdown holds without GO: LIFTOFF requires GO.
pub const GO_BY: Mark = Mark(10_000);
/// The latch of a countdown that came to [`GO_BY`] without GO.
pub const GO_LATCH: &str = "go";
/// Checks and steps in flight at once, over the whole launch.
pub const IN_FLIGHT: usize = 256;

/// Whether an item can begin, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Its phase or its own mark has not come.
    NotYet { at: Mark },
    /// Waits for another item to end.
    After(ItemId),
    /// What it needs did not pass.
    Blocked(String),
    /// Waits for a baseline value, which is being captured.
    Captured(String),
    /// Nothing is in its way but, perhaps, a person's key or word.
    Now,
    /// It runs, or has run.
    Begun,
}

impl Due {
    /// # Errors
    /// Why `item` does not begin yet.
    pub fn may(&self, item: &ItemId) -> Result<(), Refusal> {
        Err(Refusal(match self {
            Self::NotYet { at } => format!("{item} is due at {at}"),
            Self::Blocked(by) => format!("{item} needs {by}"),
            Self::After(other) => format!("{item} comes after {other}"),
            Self::Captured(name) => format!("{item} waits for baseline value {name}, which is being captured"),
            Self::Now | Self::Begun => return Ok(()),
        }))
    }
}

/// An event with the instant it happened at.
pub type Timed = (Instant, Event);

/// The next events that follow at `now`, in order; empty when nothing does. Each answer is small: fold
/// it and ask again.
#[must_use]
pub fn follow(board: &Board, now: Instant, in_flight: usize) -> Vec<Timed> {
    if board.ended.is_some() || board.seq == 0 {
        return Vec::new();
    }
    // Before anything that an unproven pass would let happen.
    let undone = undone::follow(board);
    if !undone.is_empty() {
        return undone;
    }
    if let Some(event) = next_of_clock(board, now) {
        // In their order: a vote that expired before T-0 is no GO at it.
        let mut before = watching::follow(board, event.0);
        before.extend(human::follow(board, event.0));
        return if before.is_empty() { vec![event] } else { before };
    }
    let mut events = self_clearing(board, now);
    events.extend(passing_gates(board, now));
    events.extend(ending_waits(board, now));
    events.extend(watching::follow(board, now));
    events.extend(soak::ending(board, now));
    events.extend(human::follow(board, now));
    if events.is_empty() {
        events.extend(starts(board, now, in_flight));
    }
    events
}

/// Phases that must let on before `phase`: those it names, and every gate before it.
pub fn needed<'a>(board: &'a Board, phase: &'a Phase) -> impl Iterator<Item = &'a PhaseId> {
    let gates = board.plan.phases.iter().take_while(|before| before.id != phase.id).filter(|before| before.gate);
    phase.needs.iter().chain(gates.map(|gate| &gate.id))
}

/// The gate that keeps `phase` from opening, if one does.
#[must_use]
pub fn kept_by<'a>(board: &'a Board, phase: &'a Phase, now: Instant) -> Option<&'a PhaseId> {
    needed(board, phase).find(|needed| !gate::lets_on(board, needed, now))
}

/// The latch that a gate sets.
#[must_use]
pub fn gate_latch(gate: &PhaseId) -> String {
    format!("gate {gate}")
}

/// Whether a latch of this name is the launch's own: a person or a role that were called so would hold, and
/// release, by its latch.
#[must_use]
pub fn is_own_latch(name: &str) -> bool {
    use countdown::{BUILT_IN, CONSOLE_RESTART, JOURNAL, RECYCLE, REOPENED, ROLLBACK, SUSPENDED};
    [BUILT_IN, CONSOLE_RESTART, GO_LATCH, JOURNAL, RECYCLE, REOPENED, ROLLBACK, SUSPENDED].contains(&name)
        || name.starts_with("gate ")
        || name.starts_with(lost::LATCH)
}

/// Where the countdown holds without GO: at [`GO_BY`], but after every gate and poll hold before T-0.
#[must_use]
pub fn go_by(plan: &Plan) -> Mark {
    let gates = plan.phases.iter().filter(|phase| phase.gate).map(|phase| phase.at);
    let polls = plan.clock.holds.iter().filter(|hold| hold.poll).map(|hold| hold.at);
    let last = gates.chain(polls).filter(|mark| mark.0 > 0).min();
    last.map_or(GO_BY, |mark| Mark((mark.0 - 1).clamp(1, GO_BY.0)))
}

/// What happens on the clock's axis between the last record and `now`: the earliest of it.
fn next_of_clock(board: &Board, now: Instant) -> Option<Timed> {
    let clock = board.clock.as_ref()?;
    let reaches = |mark: Mark| reaches(clock, mark, now);
    let unopened = board.plan.phases.iter().filter(|phase| !is_open(board, &phase.id));
    let mut next: Option<Timed> = None;
    let mut offer = |event: Timed| {
        if next.as_ref().is_none_or(|known| event.0 < known.0) {
            next = Some(event);
        }
    };
    for phase in unopened {
        let Some(at) = reaches(phase.at) else { continue };
        match kept_by(board, phase, now) {
            None => offer((at, Event::PhaseOpened { phase: phase.id.clone() })),
            Some(gate) => {
                let who = gate_latch(gate);
                if clock.phase == countdown::Phase::Counting && clock.t > 0 && !clock.latches.contains_key(&who) {
                    let why = format!("{} is due and {gate} is not open", phase.id);
                    offer((at, Event::HoldCalled { who, why }));
                }
            }
        }
    }
    let counting = clock.phase == countdown::Phase::Counting;
    if let Some(at) = reaches(go_by(&board.plan)).filter(|_| counting)
        && let Some(why) = poll::tally(board, now).blocking.first()
    {
        offer((at, Event::HoldCalled { who: GO_LATCH.into(), why: why.clone() }));
    }
    let mut ticked = clock.clone();
    // On equal instants the passage comes first: folding anything else at that instant would pass it unsaid.
    if let Some((at, passage)) = ticked.tick(now).into_iter().next()
        && next.as_ref().is_none_or(|known| at <= known.0 || passage == Passage::CutOff)
    {
        next = Some((at, Event::Passed(passage)));
    }
    next
}

/// The next instant after `now` at which something happens by time alone: a mark, the end of a built-in
/// hold, of a wait, the earliest end of a soak. None where only people or the world can move the launch on.
#[must_use]
pub fn next_at(board: &Board, now: Instant) -> Option<Instant> {
    let clock = board.clock_at(now)?;
    let t = clock.mark();
    let waits = board.plan.items.values().filter_map(|item| match (&item.act, board.item(&item.id)) {
        (Act::Wait { span }, Some(ItemState { progress: Progress::Running { since, .. }, .. })) => {
            Some(since.plus(*span))
        }
        _ => None,
    });
    let holds = clock.hold_left().map(|left| now.plus(left));
    let counts = matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Liftoff);
    let marks = board.plan.marks().into_iter().chain([go_by(&board.plan), Mark::T0]).chain(clock.next_hold());
    let marks =
        marks.filter(|mark| counts && *mark < t).map(|mark| Instant(now.0.saturating_add(t.0.saturating_sub(mark.0))));
    let watched = watching::next_at(board, now).chain(soak::next_at(board, now));
    waits.chain(holds).chain(marks).chain(human::next_at(board, now)).chain(watched).filter(|at| *at > now).min()
}

/// The instant, not after `now`, at which T is at or below `mark`, if the clock gets there.
fn reaches(clock: &Countdown, mark: Mark, now: Instant) -> Option<Instant> {
    let t = clock.mark();
    if t <= mark {
        return Some(clock.now);
    }
    let at = Instant(clock.now.0.saturating_add(t.0.saturating_sub(mark.0)));
    let counts = matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Liftoff);
    let held_before = clock.next_hold().is_some_and(|hold| hold > mark) && clock.t0.is_none();
    (counts && !held_before && at <= now).then_some(at)
}

fn is_open(board: &Board, phase: &PhaseId) -> bool {
    board.phases.get(phase).is_some_and(|state| state.opened.is_some())
}

/// Latches of the machine's own that clear themselves.
fn self_clearing(board: &Board, now: Instant) -> Vec<Timed> {
    let Some(clock) = &board.clock else { return Vec::new() };
    let mut events = Vec::new();
    for who in clock.latches.keys() {
        let cleared = match who.strip_prefix("gate ") {
            Some(gate) => gate::lets_on(board, &PhaseId::new(gate), now),
            None => who == GO_LATCH && poll::tally(board, now).is_go(),
        };
        if cleared {
            events.push((now, Event::HoldReleased { who: who.clone() }));
        }
    }
    events
}

fn passing_gates(board: &Board, now: Instant) -> Vec<Timed> {
    let passes = |phase: &&Phase| {
        let begun = board.mode == Mode::Gate || is_open(board, &phase.id);
        phase.gate && begun && !board.phases.get(&phase.id).is_some_and(|state| state.passed)
    };
    let mut events = Vec::new();
    for phase in board.plan.phases.iter().filter(passes) {
        let standing = gate::standing(board, phase, now);
        if standing.is_clear() {
            let (waivers, marked) = (standing.waivers, standing.marked);
            events.push((now, Event::GatePassed { phase: phase.id.clone(), waivers, marked }));
        }
    }
    events
}

fn ending_waits(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events = Vec::new();
    for item in board.plan.items.values() {
        let Act::Wait { span } = item.act else { continue };
        let Some(state) = board.item(&item.id) else { continue };
        let (Progress::Running { since, .. }, Some(attempt)) = (&state.progress, state.attempt) else { continue };
        if now.since(*since) >= span {
            let report = Report::plain(Verdict::Pass, format!("waited {}", words(span)), span);
            events.push((since.plus(span), Event::ItemEnded { item: item.id.clone(), attempt, report }));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(at, event)| (at.max(board.at), event)).collect()
}

/// Checks, waits and automatic steps that can begin, and items that turn out blocked.
fn starts(board: &Board, now: Instant, in_flight: usize) -> Vec<Timed> {
    if stopped(board) {
        return Vec::new();
    }
    let fenced = board.rolling_back().is_some() || board.frozen.is_some();
    let mut free = IN_FLIGHT.saturating_sub(in_flight);
    let mut events = Vec::new();
    let mark = board.mark_at(now);
    let mut in_session: BTreeMap<&SessionId, &ItemId> = BTreeMap::new();
    let mut stalled: BTreeSet<&SessionId> = BTreeSet::new();
    for phase in &board.plan.phases {
        let open = board.mode == Mode::Gate || is_open(board, &phase.id);
        for id in &phase.items {
            let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
            let before = item.session.as_ref().and_then(|session| in_session.insert(session, id));
            // Behind one that waits, all of a session wait: a long one is not asked item by item.
            let waits = |session: &SessionId| stalled.contains(session);
            if !open || !wants_start(board, item, state) || item.session.as_ref().is_some_and(waits) {
                continue;
            }
            let attempt = Attempt(state.attempt.map_or(1, |attempt| attempt.0 + 1));
            match due_after(board, item, before, mark, now) {
                Due::Now if free == 0 => {}
                Due::Now => match &item.act {
                    Act::Check(_) | Act::Wait { .. } | Act::Soak(_) => {
                        free -= usize::from(matches!(item.act, Act::Check(_)));
                        events.push((now, Event::ItemStarted { item: id.clone(), attempt }));
                    }
                    Act::Step { .. } if item.auto && !fenced && process::of(board, id).is_none() => {
                        free -= 1;
                        events.push((now, Event::StepIntended { item: id.clone(), attempt }));
                    }
                    _ => {}
                },
                Due::Blocked(by) if !matches!(&state.progress, Progress::Blocked { by: known } if *known == by) => {
                    events.push((now, Event::ItemBlocked { item: id.clone(), by }));
                }
                Due::After(_) | Due::Captured(_) => stalled.extend(&item.session),
                _ => {}
            }
        }
    }
    events
}

/// A scrubbed or cut off countdown starts nothing more.
fn stopped(board: &Board) -> bool {
    let over = |clock: &Countdown| matches!(clock.phase, countdown::Phase::Scrubbed | countdown::Phase::Cutoff);
    board.clock.as_ref().is_some_and(over)
}

fn wants_start(board: &Board, item: &Item, state: &ItemState) -> bool {
    match &state.progress {
        Progress::Waiting | Progress::Blocked { .. } => true,
        // A retry is of a check alone: a step is never repeated by itself, but a readonly one that a crash
        // cut off.
        Progress::Ended { verdict: Verdict::Fail | Verdict::Unknown, .. } => match item.act {
            Act::Check(_) => state.retries < item.retries && !state.cancelled,
            _ => recovery::repeats_itself(board, item, state),
        },
        _ => false,
    }
}

/// Whether a step or a human task is due and waits for its key or word, a crash left one that does, or the countdown
/// holds for a person.
#[must_use]
pub fn wants_person(board: &Board, now: Instant) -> bool {
    board.plan.items.values().any(|item| {
        let by_key = item.act.is_persons() || (matches!(item.act, Act::Step { .. }) && !item.auto);
        let waits = board.item(&item.id).is_some_and(|state| matches!(state.progress, Progress::Waiting));
        by_key && waits && due(board, item, now) == Due::Now
    }) || recovery::waiting(board).next().is_some()
        || human::wants_person(board)
        || wanted::holds(board, now)
        // What counts down to a rollback counts as it will on the day.
        || !watching::calls(board, now).is_empty()
}

/// Whether `item` can begin at `now`.
#[must_use]
pub fn due(board: &Board, item: &Item, now: Instant) -> Due {
    due_after(board, item, before_in_session(board, item), board.mark_at(now), now)
}

/// The same, where T and the item before this one in its session are known already.
fn due_after(board: &Board, item: &Item, before: Option<&ItemId>, mark: Mark, now: Instant) -> Due {
    let Some(state) = board.item(&item.id) else { return Due::NotYet { at: item.at } };
    if state.is_running() {
        return Due::Begun;
    }
    if board.mode != Mode::Gate && (!is_open(board, &item.phase) || mark > item.at) {
        return Due::NotYet { at: item.at };
    }
    needs(board, item, before, now).unwrap_or(Due::Now)
}

/// What `item` still waits for, or is blocked by, its mark aside.
#[must_use]
pub fn waits_for(board: &Board, item: &Item, now: Instant) -> Option<Due> {
    needs(board, item, before_in_session(board, item), now)
}

fn needs(board: &Board, item: &Item, before: Option<&ItemId>, now: Instant) -> Option<Due> {
    if let Some(due) = branch::waits(board, item) {
        return Some(due);
    }
    for needed in item.needs.iter().chain(before) {
        let (Some(other), Some(known)) = (board.plan.item(needed), board.item(needed)) else { continue };
        if known.is_running() || matches!(known.progress, Progress::Waiting) || wants_start(board, other, known) {
            if let Progress::Blocked { .. } = known.progress {
                return Some(Due::Blocked(format!("{needed} did not run")));
            }
            return Some(Due::After(needed.clone()));
        }
        if let gate::Clear::No(verdict) = gate::clear(board, other, now) {
            let word = verdict.map_or("not run", Verdict::word);
            return Some(Due::Blocked(format!("{needed}: {word}")));
        }
    }
    board.untold_for(item).map(|name| Due::Captured(name.to_owned()))
}

/// Whether an item could begin at `now`, were it not for a baseline value that is still being captured.
#[must_use]
pub fn waits_for_baseline(board: &Board, now: Instant) -> bool {
    let mut items = board.plan.items.values().filter(|item| board.untold_for(item).is_some());
    items.any(|item| matches!(due(board, item, now), Due::Captured(_)))
}

/// The item of the same session that must have ended before this one.
fn before_in_session<'a>(board: &'a Board, item: &Item) -> Option<&'a ItemId> {
    let session = item.session.as_ref()?;
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let same = order.filter(|id| board.plan.item(id).is_some_and(|other| other.session.as_ref() == Some(session)));
    same.take_while(|id| **id != item.id).last()
}

fn words(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
