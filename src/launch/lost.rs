//! Sources that an armed trigger stands on and that tell nothing any more: silence must not be taken for health, so
//! before T-0 the countdown holds until they are back, and after it everything but rollback stops, once. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::Board;
use super::countdown;
use super::event::{Actor, Event, Mode, Recorded};
use super::id::{MonitorId, ObjectiveId};
use super::plan::{Condition, Trigger};
use super::schedule::Timed;
use super::time::{Instant, millis};
use super::trigger::{self, Stage};

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
    /// The sources that were lost when that began, and when each had been silent for too long: such a time takes
    /// no loss back.
    stood: BTreeMap<String, Instant>,
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

/// Folds in what a person said of latches and freezes, and times that nobody watched; `seen` is the instant of the
/// record before.
pub(super) fn fold(board: &mut Board, record: &Recorded, seen: Instant) {
    match &record.event {
        Event::HoldReleased { who } if who.starts_with(LATCH) && record.actor != Actor::engine() => {
            board.let_go.holds.insert(who.clone(), record.at);
        }
        Event::Thawed { .. } => board.let_go.thawed = Some(record.at),
        Event::Slept { gap } => {
            let asleep = Instant(record.at.0.saturating_sub(millis(*gap))).max(seen.min(record.at));
            unwatched(board, asleep, record.at);
        }
        Event::ConsoleReturned { .. } => unwatched(board, seen, record.at),
        _ => {}
    }
}

/// Under another plan the monitors begin anew: none of them is lost before it has looked, but those that are.
pub(super) fn amended(board: &mut Board, at: Instant) {
    unwatched(board, at, at);
}

fn unwatched(board: &mut Board, from: Instant, until: Instant) {
    board.let_go.stood = lost(board, from).into_iter().map(|lost| (lost.source, lost.at)).collect();
    board.let_go.unwatched = Some(until);
}

/// The sources that are lost at `now`, each once, in the order of the triggers that stand on them. One whose latch
/// stands is lost until it tells something, however long it has been silent.
#[must_use]
pub fn lost(board: &Board, now: Instant) -> Vec<Lost> {
    let mut all: Vec<Lost> = Vec::new();
    for trigger in armed(board, now) {
        let found = match &trigger.when {
            Condition::Objective(id) => of_objective(board, id, now),
            Condition::Monitor(id) => of_monitor(board, trigger, id, now).map(|silent| (silent.at <= now, silent)),
            Condition::Manual => None,
        };
        if let Some((for_long, found)) = found
            && (for_long || holds(board, &found.source))
            && all.iter().all(|known| known.source != found.source)
        {
            all.push(found);
        }
    }
    all
}

/// Whether the countdown holds by the latch of this source.
fn holds(board: &Board, source: &str) -> bool {
    let is_its = |latch: &String| latch.strip_prefix(LATCH) == Some(source);
    board.clock.as_ref().is_some_and(|clock| clock.latches.keys().any(is_its))
}

/// Triggers that would fire: those latched wait for a person, not for data.
fn armed(board: &Board, now: Instant) -> impl Iterator<Item = &Trigger> {
    let watches = board.mode != Mode::Gate && board.ended.is_none() && board.seq > 0;
    let quiet = |trigger: &&Trigger| board.triggers.get(&trigger.id).is_none_or(|state| state.stage == Stage::Quiet);
    let triggers = board.plan.triggers.iter().filter(move |_| watches).filter(quiet);
    triggers.filter(move |trigger| trigger::is_armed(board, trigger, now))
}

/// One that tells nothing, and whether it does so for too long: by what its evaluations said, not by the time since,
/// for launch time may have jumped, or stood unwatched.
fn of_objective(board: &Board, id: &ObjectiveId, now: Instant) -> Option<(bool, Lost)> {
    let objective = board.plan.objectives.iter().find(|objective| objective.id == *id)?;
    let source = id.to_string();
    let Some(state) = board.objectives.get(id) else {
        return Some((
            false,
            Lost { source, since: now, at: now, why: format!("objective {id} is not evaluated yet") },
        ));
    };
    let since = state.untold?;
    let at = since.plus(objective.unknown_for);
    let why = format!("objective {id} tells nothing: {}", state.why);
    Some((state.evaluated_at.since(since) > objective.unknown_for, Lost { source, since, at, why }))
}

/// One that tells nothing, and when that is for too long.
fn of_monitor(board: &Board, trigger: &Trigger, id: &MonitorId, now: Instant) -> Option<Lost> {
    let monitor = board.plan.monitors.iter().find(|monitor| monitor.id == *id)?;
    let source = format!("monitor.{id}");
    let patience = MONITOR_UNKNOWN_FOR.max(monitor.every * 4);
    let armed = match trigger.armed_from {
        Some(mark) => board.course.came(mark, now)?,
        None => board.course.opened().unwrap_or_default(),
    };
    let (since, why) = match board.monitors.get(id) {
        Some(known) => (known.untold?, format!("monitor {id} tells nothing: {}", known.why)),
        // In a rehearsal launch time runs ahead of the first look.
        None if board.mode == Mode::Rehearsal && !holds(board, &source) => return None,
        None => (armed, format!("monitor {id} has told nothing yet")),
    };
    let watched = board.let_go.unwatched.unwrap_or_default();
    let stood = board.let_go.stood.get(&source).copied().filter(|at| *at > since);
    let at = stood.unwrap_or_else(|| since.max(armed).max(watched).plus(patience));
    Some(Lost { source, since, at, why })
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
    let may_hold = matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Holding) && clock.t > 0;
    for lost in lost.iter().filter(|lost| !is_let_go(board, lost)) {
        let at = lost.at.max(board.at);
        if may_hold && !clock.latches.contains_key(&lost.latch()) {
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
