//! Triggers: an objective or event that, sustained, starts or proposes a rollback. A state machine folded from
//! what is journaled; nothing here reads a clock or starts anything.

use std::time::Duration;

use super::board::Board;
use super::command::{Command, Refusal};
use super::countdown;
use super::event::{Actor, Event};
use super::id::{RollbackId, TriggerId};
use super::people;
use super::plan::{Condition, FireMode, Trigger};
use super::time::Instant;

/// Where a trigger stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TriggerState {
    pub stage: Stage,
    /// For how long its condition has held in evaluations that could tell, in milliseconds: unknown freezes it.
    pub held: u64,
    /// The last evaluation that counted towards `held` or froze it.
    pub looked: Option<Instant>,
    /// Since when its condition is gone, while it is latched.
    pub gone: Option<Instant>,
    /// How often it fired in this launch.
    pub fired: u32,
    /// When its condition had held for long enough, and the words for it: that it fired follows.
    pub due: Option<(Instant, String)>,
    /// It has started its rollback by itself. It never does so twice.
    pub acted: bool,
    /// When it fired, and why, while another rollback than its own runs that it joined.
    pub joined: Option<(Instant, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing is wrong, or not for long enough.
    #[default]
    Quiet,
    /// It fired: `auto` starts its rollback at `starts`, unless somebody vetoes; `ask` waits, where it is none.
    Fired { at: Instant, why: String, starts: Option<Instant> },
    /// Its rollback was started, by itself or by a person, or another runs that it joined.
    Started { at: Instant },
    /// A person said no.
    Vetoed { at: Instant, by: Actor, why: String },
    /// A person has taken it on; it may fire again once its condition was gone for long enough.
    Acknowledged { at: Instant, by: Actor },
}

/// What an evaluation tells of a trigger's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It holds, and why.
    Holds(String),
    Gone,
    Nothing,
}

/// What runs when a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joins {
    Nothing,
    /// Its own rollback.
    Own,
    Another,
}

impl TriggerState {
    /// True while it rings: it fired and no person has said anything yet.
    #[must_use]
    pub fn rings(&self) -> bool {
        matches!(self.stage, Stage::Fired { .. } | Stage::Started { .. })
    }

    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.stage == Stage::Quiet
    }

    /// When its rollback starts by itself, unless somebody says no.
    #[must_use]
    pub fn starts(&self) -> Option<Instant> {
        match self.stage {
            Stage::Fired { starts, .. } => starts,
            _ => None,
        }
    }

    /// Takes an evaluation of an objective. One that stands alone tells of its own interval, `every`, and of no
    /// more: what lies further back nobody evaluated. Unknown neither counts nor clears; what is gone begins anew.
    pub(super) fn evaluated(&mut self, trigger: &Trigger, told: Told, every: Duration, at: Instant, armed: bool) {
        match told {
            Told::Holds(why) => {
                self.gone = None;
                if armed && self.is_quiet() {
                    let counted = self.looked.map_or(Duration::ZERO, |looked| at.since(looked).min(every));
                    self.count(counted);
                    self.looked = Some(at);
                    self.ripen(trigger, at, why);
                }
            }
            Told::Gone => {
                self.begin_anew();
                self.gone.get_or_insert(at);
            }
            Told::Nothing => {
                self.looked = self.looked.map(|_| at);
                self.gone = None;
            }
        }
        if !armed {
            self.begin_anew();
        }
        self.recover(trigger, at);
    }

    /// Time that its condition was seen to hold.
    pub(super) fn count(&mut self, span: Duration) {
        self.held = self.held.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    }

    fn ripen(&mut self, trigger: &Trigger, at: Instant, why: String) {
        if self.due.is_none() && Duration::from_millis(self.held) >= trigger.lasts {
            self.due = Some((at, why));
        }
    }

    pub(super) fn begin_anew(&mut self) {
        self.held = 0;
        self.looked = None;
    }

    /// A latch that a person has taken off opens once the condition was gone for longer than it has to last:
    /// a trigger does not flap.
    pub(super) fn recover(&mut self, trigger: &Trigger, at: Instant) {
        let taken_on = matches!(self.stage, Stage::Vetoed { .. } | Stage::Acknowledged { .. });
        if taken_on && self.gone.is_some_and(|gone| at.since(gone) >= trigger.recovers_after) {
            self.stage = Stage::Quiet;
            self.due = None;
            self.begin_anew();
        }
        if self.is_quiet() {
            self.gone = None;
        }
    }

    /// A person has said something of it. What has no condition of its own is gone with that.
    pub(super) fn taken_on(&mut self, stage: Stage, at: Instant, manual: bool) {
        self.stage = stage;
        self.joined = None;
        if manual {
            self.gone = Some(at);
        }
    }

    /// It fired; where a rollback is under way it has joined that one.
    pub(super) fn fire(&mut self, at: Instant, why: &str, starts: Option<Instant>, joins: Joins) {
        self.fired = self.fired.saturating_add(1);
        self.due = None;
        self.gone = None;
        self.begin_anew();
        self.joined = (joins == Joins::Another).then(|| (at, why.to_owned()));
        self.stage = match joins {
            Joins::Nothing => Stage::Fired { at, why: why.to_owned(), starts },
            Joins::Own | Joins::Another => Stage::Started { at },
        };
    }

    /// A rollback was asked for, by the engine or a person. One at a time is enough for all that fired.
    pub(super) fn rolled_back(&mut self, trigger: &Trigger, rollback: &RollbackId, at: Instant, by_engine: bool) {
        self.world_changed(trigger, at);
        let own = trigger.then == *rollback;
        match &self.stage {
            Stage::Fired { at: fired, why, starts } => {
                self.acted |= own && by_engine && starts.is_some();
                self.joined = (!own).then(|| (*fired, why.clone()));
                self.stage = Stage::Started { at };
            }
            Stage::Started { .. } if own && self.joined.take().is_some() => self.stage = Stage::Started { at },
            _ => {}
        }
    }

    /// No rollback runs any more, `ran` was the last. Whether a trigger's own is needed too is for a person.
    pub(super) fn run_over(&mut self, trigger: &Trigger, ran: Option<&RollbackId>, at: Instant) {
        self.world_changed(trigger, at);
        let Some((fired, why)) = self.joined.take() else { return };
        let ran = ran.map_or("another", RollbackId::as_str);
        let why = format!("{why}; rollback {ran} ran, and {} did not", trigger.then);
        self.stage = Stage::Fired { at: fired, why, starts: None };
    }

    /// What was seen so far tells nothing of the world from `at` on. A monitor tells of changes alone: one that
    /// fails does so from here.
    fn world_changed(&mut self, trigger: &Trigger, at: Instant) {
        let fails = self.looked.filter(|_| matches!(trigger.when, Condition::Monitor(_)));
        self.begin_anew();
        self.looked = fails.map(|_| at);
        self.due = None;
    }
}

/// Whether a trigger counts at `at`. Without a countdown one counts that has no window.
#[must_use]
pub fn is_armed(board: &Board, trigger: &Trigger, at: Instant) -> bool {
    let came = |mark| board.course.came(mark, at).is_some_and(|came| came <= at);
    trigger.armed_from.is_none_or(came) && !trigger.armed_until.is_some_and(came)
}

/// When the rollback of a trigger that fires at `at` starts by itself; none where it asks. A trigger acts once,
/// a rollback that has run in this launch is not started again by a machine, and neither is any of a countdown that
/// is over.
pub(super) fn starts(board: &Board, trigger: &Trigger, at: Instant) -> Option<Instant> {
    let FireMode::Auto { veto } = trigger.mode else { return None };
    (asks_for(board, trigger).is_none() && board.rolling_back().is_none()).then(|| at.plus(veto))
}

/// Why an `auto` trigger would ask a person all the same.
#[must_use]
pub fn asks_for(board: &Board, trigger: &Trigger) -> Option<&'static str> {
    let acted = board.triggers.get(&trigger.id).is_some_and(|state| state.acted);
    let ran = board.rollbacks.iter().any(|run| run.id == trigger.then);
    let over =
        |clock: &countdown::Countdown| matches!(clock.phase, countdown::Phase::Scrubbed | countdown::Phase::Cutoff);
    match () {
        () if acted => Some("it has started its rollback once: a second time is for a person"),
        () if ran => Some("its rollback ran before: a second time is for a person"),
        () if board.clock.as_ref().is_some_and(over) => Some("the countdown is over: it is for a person"),
        () => None,
    }
}

/// When the rollback of a trigger that fired starts by itself; none where that is for a person by now.
#[must_use]
pub fn counts_down(board: &Board, trigger: &Trigger) -> Option<Instant> {
    let starts = board.triggers.get(&trigger.id)?.starts()?;
    asks_for(board, trigger).is_none().then_some(starts)
}

/// That `trigger` fires at `at`.
pub(super) fn fires(board: &Board, trigger: &Trigger, why: &str, at: Instant) -> Event {
    let asks = match trigger.mode {
        FireMode::Auto { .. } => asks_for(board, trigger).map(|asks| format!("; {asks}")),
        FireMode::Ask => None,
    };
    let why = format!("{why}{}", asks.unwrap_or_default());
    Event::TriggerFired { trigger: trigger.id.clone(), why, starts: starts(board, trigger, at) }
}

/// What the loop has to start now: which trigger, its rollback, and why. None while a rollback runs: one is enough.
#[must_use]
pub fn starting(board: &Board, now: Instant) -> Option<(TriggerId, RollbackId, String)> {
    if board.ended.is_some() || board.rolling_back().is_some() {
        return None;
    }
    board.plan.triggers.iter().find_map(|trigger| {
        let state = board.triggers.get(&trigger.id)?;
        let Stage::Fired { why, .. } = &state.stage else { return None };
        // What happened since it fired counts as well: a countdown that was scrubbed meanwhile, say.
        counts_down(board, trigger)
            .filter(|starts| *starts <= now)
            .map(|_| (trigger.id.clone(), trigger.then.clone(), format!("trigger {}: {why}", trigger.id)))
    })
}

/// What becomes of a person's word on a trigger.
///
/// # Errors
/// Why not, as a sentence.
pub(super) fn decide(board: &Board, by: &Actor, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    let (Command::Veto { trigger, .. }
    | Command::AcknowledgeTrigger { trigger }
    | Command::FireTrigger { trigger, .. }) = command
    else {
        return Err(Refusal(format!("{command:?} is not of a trigger")));
    };
    let known = board.plan.0.triggers.iter().find(|known| known.id == *trigger);
    let known = known.ok_or_else(|| Refusal(format!("no trigger {trigger}")))?;
    let quiet = TriggerState::default();
    let state = board.triggers.get(trigger).unwrap_or(&quiet);
    match command {
        Command::Veto { why, .. } => match &state.stage {
            Stage::Fired { .. } => Ok(vec![Event::TriggerVetoed { trigger: trigger.clone(), why: why.clone() }]),
            Stage::Started { .. } => Err(Refusal(match (&state.joined, board.rolling_back()) {
                (Some(_), Some(run)) => {
                    let (then, runs) = (&known.then, &run.id);
                    format!("rollback {then} was not started, since rollback {runs} runs: there is nothing to veto")
                }
                _ => format!("too late: the rollback of {trigger} has started"),
            })),
            Stage::Vetoed { by, .. } => Err(Refusal(format!("{trigger} was vetoed by {}", by.name))),
            Stage::Quiet | Stage::Acknowledged { .. } => Err(Refusal(format!("{trigger} has not fired"))),
        },
        Command::AcknowledgeTrigger { .. } => match &state.stage {
            // To take it on is no word on its rollback: silently it would be the one or the other.
            Stage::Fired { .. } if counts_down(board, known).is_some() => Err(Refusal(format!(
                "the rollback of {trigger} starts by itself: veto it, or take it on once that runs"
            ))),
            Stage::Fired { .. } | Stage::Started { .. } => {
                Ok(vec![Event::TriggerAcknowledged { trigger: trigger.clone() }])
            }
            _ => Err(Refusal(format!("{trigger} has nothing to acknowledge"))),
        },
        _ => {
            let Command::FireTrigger { why, .. } = command else { return Ok(Vec::new()) };
            if why.trim().is_empty() {
                return Err(Refusal("say what you see: a trigger that is fired by hand needs a reason".into()));
            }
            if let Some(run) = board.rolling_back() {
                return Err(Refusal(format!("rollback {} is under way", run.id)));
            }
            if state.rings() {
                return Err(Refusal(format!("{trigger} has fired")));
            }
            let why = format!("by {}: {why}", people::called(&board.plan, by));
            Ok(vec![fires(board, known, &why, now)])
        }
    }
}
