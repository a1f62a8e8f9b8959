//! Sources that an armed trigger stands on and that tell nothing any more: silence must not be taken for health, so
//! before T-0 the countdown holds until they are back, and after it everything but rollback stops, once. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Board;
use super::countdown;
use super::event::{Actor, Event, Mode, Recorded};
use super::id::MonitorId;
use super::plan::{Condition, Trigger};
use super::schedule::Timed;
use super::time::Instant;
use super::trigger::{self, Stage};
use super::verdict::Verdict;

/// What the latches of lost sources begin with.
pub const LATCH: &str = "watch ";
/// A monitor that tells nothing is lost after this, or four of its looks where those take longer.
const MONITOR_UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// What a person has let go on without its source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LetGo {
    /// When each latch was last taken off by a person.
    holds: BTreeMap<String, Instant>,
    /// When a freeze was last lifted.
    thawed: Option<Instant>,
    /// Up to here nobody watched: what told nothing till then may have had nobody to tell.
    unwatched: Option<Instant>,
}

/// A source that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The objective, or `monitor.ID`.
    pub source: String,
    /// Since when it tells nothing.
    pub since: Instant,
    /// When that was too long.
    pub at: Instant,
    pub why: String,
}

impl Lost {
    /// The latch that it holds the launch by.
    #[must_use]
    pub fn latch(&self) -> String {
        format!("{LATCH}{}", self.source)
    }
}

/// Folds in what a person said of latches and freezes.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::HoldReleased { who } if who.starts_with(LATCH) && record.actor != Actor::engine() => {
            board.let_go.holds.insert(who.clone(), record.at);
        }
        Event::Thawed { .. } => board.let_go.thawed = Some(record.at),
        Event::Slept { .. } | Event::ConsoleReturned { .. } => board.let_go.unwatched = Some(record.at),
        _ => {}
    }
}

/// Under another plan the monitors begin anew: none of them is lost before it has looked.
pub(super) fn amended(board: &mut Board, at: Instant) {
    board.let_go.unwatched = Some(at);
}

/// The sources that are lost at `now`, each once, in the order of the triggers that stand on them.
#[must_use]
pub fn lost(board: &Board, now: Instant) -> Vec<Lost> {
    let mut all: Vec<Lost> = Vec::new();
    for trigger in armed(board, now) {
        let found = match &trigger.when {
            Condition::Objective(id) => of_objective(board, id),
            Condition::Monitor(id) => of_monitor(board, trigger, id, now).filter(|lost| lost.at <= now),
            Condition::Manual => None,
        };
        if let Some(found) = found
            && all.iter().all(|known| known.source != found.source)
        {
            all.push(found);
        }
    }
    all
}

/// Triggers that would fire: those latched wait for a person, not for data.
fn armed(board: &Board, now: Instant) -> impl Iterator<Item = &Trigger> {
    let watches = board.mode != Mode::Gate && board.ended.is_none() && board.seq > 0;
    let quiet = |trigger: &&Trigger| board.triggers.get(&trigger.id).is_none_or(|state| state.stage == Stage::Quiet);
    let triggers = board.plan.triggers.iter().filter(move |_| watches).filter(quiet);
    triggers.filter(move |trigger| trigger::is_armed(board, trigger, now))
}

/// By what its evaluations said, not by the time since: launch time may have jumped, or stood unwatched.
fn of_objective(board: &Board, id: &super::id::ObjectiveId) -> Option<Lost> {
    let objective = board.plan.objectives.iter().find(|objective| objective.id == *id)?;
    let state = board.objectives.get(id)?;
    let since = state.untold?;
    let lost = state.evaluated_at.since(since) > objective.unknown_for;
    lost.then(|| Lost {
        source: id.to_string(),
        since,
        at: since.plus(objective.unknown_for),
        why: format!("objective {id} tells nothing: {}", state.why),
    })
}

fn of_monitor(board: &Board, trigger: &Trigger, id: &MonitorId, now: Instant) -> Option<Lost> {
    let monitor = board.plan.monitors.iter().find(|monitor| monitor.id == *id)?;
    let patience = MONITOR_UNKNOWN_FOR.max(monitor.every * 4);
    let armed = match trigger.armed_from {
        Some(mark) => board.course.came(mark, now)?,
        None => board.course.opened().unwrap_or_default(),
    };
    let (since, why) = match board.monitors.get(id) {
        Some(known) if matches!(known.verdict, Verdict::Unknown | Verdict::Stale) => {
            (known.since, format!("monitor {id} tells nothing: {}", known.why))
        }
        Some(_) => return None,
        // In a rehearsal launch time runs ahead of the first look.
        None if board.mode == Mode::Rehearsal => return None,
        None => (armed, format!("monitor {id} has told nothing yet")),
    };
    let watched = board.let_go.unwatched.unwrap_or_default();
    Some(Lost { source: format!("monitor.{id}"), since, at: since.max(armed).max(watched).plus(patience), why })
}

/// Holds that are called, the freeze after T-0, and latches that clear themselves.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let Some(clock) = board.clock.as_ref().filter(|_| board.ended.is_none()) else { return Vec::new() };
    let lost = lost(board, now);
    let mut events = Vec::new();
    for who in clock.latches.keys().filter(|who| who.starts_with(LATCH)) {
        if lost.iter().all(|lost| lost.latch() != *who) {
            events.push((now, Event::HoldReleased { who: who.clone() }));
        }
    }
    let holds = matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Holding) && clock.t > 0;
    for lost in lost.iter().filter(|lost| !is_let_go(board, lost)) {
        let at = lost.at.max(board.at);
        if holds && !clock.latches.contains_key(&lost.latch()) {
            events.push((at, Event::HoldCalled { who: lost.latch(), why: lost.why.clone() }));
        }
        let freezes = clock.phase == countdown::Phase::Liftoff && board.frozen.is_none();
        if freezes && !events.iter().any(|(_, event)| matches!(event, Event::Frozen { .. })) {
            events.push((at, Event::Frozen { why: format!("{}: {}", lost.latch(), lost.why) }));
        }
    }
    events
}

/// A person has seen this loss, and goes on.
fn is_let_go(board: &Board, lost: &Lost) -> bool {
    let thawed = board.let_go.thawed.is_some_and(|at| at >= lost.at);
    thawed || board.let_go.holds.get(&lost.latch()).is_some_and(|at| *at >= lost.at)
}

pub(super) fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    armed(board, now).filter_map(move |trigger| match &trigger.when {
        Condition::Monitor(id) => of_monitor(board, trigger, id, now).map(|lost| lost.at),
        _ => None,
    })
}

/// What rings until the source is back, or a person goes on without it.
pub(super) fn calls(board: &Board, now: Instant) -> impl Iterator<Item = String> {
    let lost = lost(board, now).into_iter().filter(|lost| !is_let_go(board, lost));
    lost.map(|lost| format!("{}: {}", lost.latch(), lost.why)).collect::<Vec<_>>().into_iter()
}

pub(super) fn is_news(event: &Event) -> bool {
    match event {
        Event::HoldCalled { who, .. } => who.starts_with(LATCH),
        Event::Frozen { why } => why.starts_with(LATCH),
        _ => false,
    }
}
