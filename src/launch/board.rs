//! The board: everything a launch has come to, as a pure fold over its events. `replay(journal) ==
//! live board`, always; nothing else may change it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use super::ballot::Ballot;
pub use super::item::{Attest, ItemState, Progress, Waiver};

use super::amend::Revisions;
use super::ballot::Polls;
use super::branch;
use super::closing::Given;
use super::countdown::Countdown;
use super::criteria::CriterionState;
use super::event::{Event, Mode, Recorded};
use super::gate;
use super::human;
use super::id::{
    CriterionId, EvidenceId, ItemId, MonitorId, ObjectiveId, PhaseId, PlaybookId, RequestId, RoleId, StreamId,
    TriggerId,
};
use super::incident::Incident;
use super::late::Course;
use super::lost::LetGo;
use super::note::{self, Notes};
use super::objective::ObjectiveState;
use super::plan::{Act, Plan};
use super::playbook::{self, PlaybookRun};
use super::process::{self, Living};
use super::recovery::Recovery;
use super::recurring::Recurring;
use super::rollback::RollbackRun;
use super::second;
use super::signoff::Signature;
use super::soak::{self, Ledger};
use super::time::{Instant, Mark, Wall};
use super::trigger::TriggerState;
use super::turned::{self, Turned};
use super::turns::Turns;
use super::undone;
use super::verdict::{Captured, Outcome, Report, Verdict};
use super::waiver;
use super::watching;

mod baseline;
mod clock;
mod recent;

pub use clock::terms;
pub use recent::{RECENT_KEPT, ROUTINE_KEPT};

#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    pub plan: Shared<Plan>,
    /// Which plan that is, and the others of this launch.
    pub revisions: Revisions,
    pub mode: Mode,
    pub seq: u64,
    /// The instant of the last record.
    pub at: Instant,
    pub opened_at: Option<Wall>,
    pub clock: Option<Countdown>,
    pub items: BTreeMap<ItemId, Arc<ItemState>>,
    pub phases: BTreeMap<PhaseId, PhaseState>,
    /// How T went: when marks were passed.
    pub course: Course,
    /// Items that were due more than once.
    pub recurring: BTreeMap<ItemId, Recurring>,
    pub monitors: BTreeMap<MonitorId, Change>,
    pub streams: BTreeMap<StreamId, (bool, String)>,
    /// Those that were evaluated.
    pub objectives: BTreeMap<ObjectiveId, ObjectiveState>,
    pub triggers: BTreeMap<TriggerId, TriggerState>,
    /// Lost sources that a person goes on without.
    pub let_go: LetGo,
    /// The ledger of each soak that began.
    pub soaks: BTreeMap<ItemId, Arc<Ledger>>,
    /// When objectives turned.
    pub turned: Turned,
    pub votes: BTreeMap<RoleId, Ballot>,
    /// Why the last votes were voided, while no new one was cast.
    pub voided: Option<String>,
    pub polls: Polls,
    pub criteria: BTreeMap<CriterionId, CriterionState>,
    /// The signatures of each sign-off.
    pub signed: BTreeMap<ItemId, BTreeMap<RoleId, Signature>>,
    pub baseline: BTreeMap<String, Captured>,
    /// What steps started and left living, by its item: the last of each.
    pub processes: BTreeMap<ItemId, Living>,
    /// The last run of each playbook.
    pub playbooks: BTreeMap<PlaybookId, PlaybookRun>,
    pub rollbacks: Vec<RollbackRun>,
    /// What the last console that came back found open.
    pub recovery: Option<Recovery>,
    /// After T-0: why every step but rollback is stopped.
    pub frozen: Option<String>,
    /// Faults a rehearsal has on.
    pub faults: Vec<String>,
    /// What became of each fault, in the order they began.
    pub drilled: Vec<super::drilled::Drilled>,
    pub notes: u32,
    /// In the order they were opened.
    pub incidents: Vec<Arc<Incident>>,
    pub noted: Notes,
    /// Where T stood when.
    pub turns: Turns,
    /// Requests of attached terminals that were decided: none is decided twice.
    pub requests: Arc<BTreeMap<RequestId, Decided>>,
    pub evidence: BTreeMap<EvidenceId, Given>,
    pub ended: Option<String>,
    /// Why nothing can be recorded just now. No event tells it: it stands on the board that is shown, never
    /// on one that was replayed.
    pub unwritten: Option<String>,
    /// Newest last.
    pub recent: VecDeque<Arc<Recorded>>,
    /// What was only counted or kept (`turned::is_routine`). Newest last.
    pub routine: VecDeque<Arc<Recorded>>,
}

/// An [`Arc`] that is equal when its content is the same allocation: the plan never changes under a
/// board.
#[derive(Debug, Clone)]
pub struct Shared<T>(pub Arc<T>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PhaseState {
    pub opened: Option<Instant>,
    /// A gate that has passed stays passed unless an item is run again and turns.
    pub passed: bool,
}

/// A monitor's counted verdict, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub verdict: Verdict,
    pub since: Instant,
    /// Since when it tells nothing: it is unknown, stale or skipped, one or the other.
    pub untold: Option<Instant>,
    pub why: String,
}

/// What became of a request: what its asker is answered, however often it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The record that says so.
    pub seq: u64,
    /// Why not, where it was refused.
    pub refused: Option<String>,
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> std::ops::Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Board {
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let items = plan.items.keys().map(|id| (id.clone(), Arc::default())).collect();
        let phases = plan.phases.iter().map(|phase| (phase.id.clone(), PhaseState::default())).collect();
        Self {
            revisions: Revisions::first(&plan),
            plan: Shared(plan),
            mode: Mode::Launch,
            seq: 0,
            at: Instant::default(),
            opened_at: None,
            clock: None,
            items,
            phases,
            course: Course::default(),
            recurring: BTreeMap::new(),
            monitors: BTreeMap::new(),
            streams: BTreeMap::new(),
            objectives: BTreeMap::new(),
            triggers: BTreeMap::new(),
            let_go: LetGo::default(),
            soaks: BTreeMap::new(),
            turned: Turned::default(),
            votes: BTreeMap::new(),
            voided: None,
            polls: Polls::default(),
            criteria: BTreeMap::new(),
            signed: BTreeMap::new(),
            baseline: BTreeMap::new(),
            processes: BTreeMap::new(),
            playbooks: BTreeMap::new(),
            rollbacks: Vec::new(),
            recovery: None,
            frozen: None,
            faults: Vec::new(),
            drilled: Vec::new(),
            notes: 0,
            incidents: Vec::new(),
            noted: Notes::default(),
            turns: Turns::default(),
            requests: Arc::default(),
            evidence: BTreeMap::new(),
            ended: None,
            unwritten: None,
            recent: VecDeque::new(),
            routine: VecDeque::new(),
        }
    }

    /// The board of a journal.
    #[must_use]
    pub fn replay<'a>(plan: Arc<Plan>, records: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut board = Self::new(plan);
        for record in records {
            board.apply(record);
        }
        board
    }

    #[must_use]
    pub fn item(&self, id: &ItemId) -> Option<&ItemState> {
        self.items.get(id).map(AsRef::as_ref)
    }

    /// The countdown as it stands at `now`.
    #[must_use]
    pub fn clock_at(&self, now: Instant) -> Option<Countdown> {
        let mut clock = self.clock.clone()?;
        clock.tick(now);
        Some(clock)
    }

    /// T at `now`; far before everything without a clock.
    #[must_use]
    pub fn mark_at(&self, now: Instant) -> Mark {
        self.clock_at(now).map_or(Mark(i64::MAX), |clock| clock.mark())
    }

    #[must_use]
    pub fn rolling_back(&self) -> Option<&RollbackRun> {
        self.rollbacks.iter().rev().find(|run| run.end.is_none())
    }

    /// The rollback under way, or the last that acted; one that joined another only where there is no other.
    #[must_use]
    pub fn last_rollback(&self) -> Option<&RollbackRun> {
        let acted = || self.rollbacks.iter().rev().find(|run| run.has_acted());
        self.rolling_back().or_else(acted).or_else(|| self.rollbacks.last())
    }

    /// How many checks and steps act or look just now; time passing by itself (`wait`, `soak`) is not one.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let rests = |act: &Act| matches!(act, Act::Wait { .. } | Act::Soak(_)) || act.is_persons();
        let acts = |id: &ItemId| !self.plan.item(id).is_some_and(|item| rests(&item.act));
        self.items.iter().filter(|(id, state)| state.is_running() && acts(id)).count()
    }

    /// True while anything acts or looks: launch time may not jump then.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.rolling_back().is_some() || self.in_flight() > 0
    }

    /// Folds one event in. Total: an event about something the plan does not have changes nothing but
    /// the sequence.
    pub fn apply(&mut self, record: &Recorded) {
        self.take(Arc::new(record.clone()));
    }

    /// As [`Board::apply`], of a record that nobody else needs.
    pub fn take(&mut self, record: Arc<Recorded>) {
        let seen = self.at;
        self.seq = record.seq;
        self.at = self.at.max(record.at);
        // Time that nobody watched is not counted through: the clock itself says where it stops.
        let unwatched = matches!(record.event, Event::ConsoleReturned { .. } | Event::Slept { .. });
        if let Some(clock) = self.clock.as_mut().filter(|_| !unwatched) {
            clock.tick(record.at);
        }
        turned::fold(self, &record);
        self.fold(&record);
        soak::fold(self, &record, seen);
        self.course.fold(self.clock.as_ref());
        self.turns.turn(self.clock.as_ref(), &record);
        watching::fold(self, &record, seen);
        super::drilled::fold(self, &record);
        self.keep(record);
    }

    fn fold(&mut self, record: &Recorded) {
        match &record.event {
            Event::LaunchOpened { mode, start, .. } => {
                self.mode = *mode;
                self.opened_at = Some(record.occurred_at);
                if *mode != Mode::Gate {
                    let terms = terms(&self.plan, record.at, record.occurred_at);
                    self.clock = Countdown::new(record.at, *start, terms).ok();
                }
            }
            Event::LaunchEnded { why } => self.ended = Some(why.clone()),
            Event::Noted { .. } => note::fold(self, record),
            Event::RequestDecided { request, refused, .. } => {
                let decided = Decided { seq: record.seq, refused: refused.clone() };
                Arc::make_mut(&mut self.requests).insert(request.clone(), decided);
            }
            Event::FaultSwitched { fault, on } => {
                self.faults.retain(|known| known != fault);
                if *on {
                    self.faults.push(fault.clone());
                }
            }
            Event::BaselineCaptured { name, value } => {
                self.baseline.insert(name.clone(), value.clone());
            }
            Event::MonitorChanged { monitor, verdict, why } => {
                let known = self.monitors.get(monitor).and_then(|known| known.untold);
                let silent = matches!(verdict, Verdict::Unknown | Verdict::Stale | Verdict::Skipped);
                let untold = silent.then(|| known.unwrap_or(record.at));
                let change = Change { verdict: *verdict, since: record.at, untold, why: why.clone() };
                self.monitors.insert(monitor.clone(), change);
            }
            Event::StreamChanged { stream, open, why } => {
                self.streams.insert(stream.clone(), (*open, why.clone()));
            }
            Event::PhaseOpened { phase } => {
                self.phases.entry(phase.clone()).or_default().opened.get_or_insert(record.at);
            }
            Event::PhaseRunAgain { phase } => self.fold_again(phase),
            Event::GatePassed { phase, .. } => self.phases.entry(phase.clone()).or_default().passed = true,
            Event::Frozen { why } => self.frozen = Some(why.clone()),
            Event::Thawed { .. } => self.frozen = None,
            Event::ConsoleReturned { clean, .. } => {
                self.recovery = Some(Recovery::found(self, record, *clean));
                self.fold_clock(record);
                self.fold_return();
            }
            _ if process::fold(self, record) || playbook::fold(self, record) || undone::fold(self, record) => {}
            _ => {
                self.fold_clock(record);
                self.fold_item(record);
                human::fold(self, record);
            }
        }
    }

    /// Its checks that do not run just now wait again; the schedule starts them in their order.
    fn fold_again(&mut self, phase: &PhaseId) {
        let plan = Arc::clone(&self.plan.0);
        let items = plan.items.values().filter(|item| item.phase == *phase && matches!(item.act, Act::Check(_)));
        for item in items {
            if let Some(state) =
                self.items.get_mut(&item.id).filter(|state| !state.is_running() && !branch::is_over(state))
            {
                Arc::make_mut(state).progress = Progress::Waiting;
            }
        }
    }

    /// What was only in the memory of the console that went is gone: checks in flight look again, and a
    /// session that was not through starts again at its first item (its cookies were never on disk).
    /// Steps keep their place: their outcome is learnt from their own files. So does a soak: what nobody watched is
    /// a hole in its ledger.
    fn fold_return(&mut self) {
        playbook::cut_off(self);
        let plan = Arc::clone(&self.plan.0);
        let through = |board: &Self, id: &ItemId| {
            board.plan.item(id).is_some_and(|item| !matches!(gate::clear(board, item, board.at), gate::Clear::No(_)))
        };
        let broken: BTreeSet<_> = plan
            .items
            .values()
            .filter(|item| !through(self, &item.id))
            .filter_map(|item| item.session.clone())
            .collect();
        for item in plan.items.values() {
            let again = item.session.as_ref().is_some_and(|session| broken.contains(session));
            let Some(state) = self.items.get_mut(&item.id) else { continue };
            let keeps = matches!(item.act, Act::Step { .. } | Act::Soak(_)) || branch::is_over(state);
            if (again || state.is_running()) && !keeps {
                Arc::make_mut(state).progress = Progress::Waiting;
            }
        }
    }

    fn fold_item(&mut self, record: &Recorded) {
        let Some(id) = item_of(&record.event) else { return };
        let retries = self.plan.item(id).map_or(0, |item| item.retries);
        let Some(state) = self.items.get_mut(id) else { return };
        let state = Arc::make_mut(state);
        match &record.event {
            Event::ItemStarted { attempt, .. } => {
                state.begin(*attempt, Progress::Running { since: record.at, pid: None }, retries);
            }
            Event::StepIntended { attempt, .. } => {
                state.begin(*attempt, Progress::Intended { since: record.at }, retries);
                // A step's only reports are people's words on the attempt before.
                state.report = None;
            }
            Event::StepStarted { pid, attempt, .. } => {
                // One that is adopted has run all the while.
                let since = match state.progress {
                    Progress::Running { since, .. } | Progress::Intended { since } => since,
                    _ => record.at,
                };
                state.progress = Progress::Running { since, pid: Some(*pid) };
                if let Some(recovery) = &mut self.recovery {
                    recovery.adopt(id, *attempt, *pid);
                }
            }
            Event::ItemEnded { attempt, report, .. } => {
                state.report = Some(Arc::new(report.clone()));
                state.end(*attempt, report.verdict, record.at);
            }
            Event::FieldFilled { field, value, .. } => {
                state.fields.insert(field.clone(), value.clone());
            }
            Event::StepEnded { attempt, verdict, outcome, .. } => {
                // What was true for one message is typed anew for the next.
                state.fields.clear();
                state.outcome = Some(outcome.clone());
                let at = ended_at(record, outcome, &state.progress);
                state.end(*attempt, *verdict, at);
            }
            Event::ItemCancelled { attempt, why, .. } => {
                state.report = Some(Arc::new(Report::plain(Verdict::Unknown, why.clone(), Duration::ZERO)));
                state.cancelled = true;
                state.end(*attempt, Verdict::Unknown, record.at);
            }
            Event::CancelAsked { .. } => state.cancelled = true,
            Event::ItemBlocked { by, .. } => state.block(by),
            Event::StepMarked { attempt, passed, reason, .. } => {
                let verdict = if *passed { Verdict::Pass } else { Verdict::Fail };
                let word = if *passed { "done" } else { "failed" };
                let seen = format!("marked {word} by {}: {reason}", super::people::called(&self.plan, &record.actor));
                state.report = Some(Arc::new(Report::plain(verdict, seen, Duration::ZERO)));
                let by = record.actor.clone();
                state.marked = Some(Attest { by, note: reason.clone(), passed: *passed, at: record.occurred_at });
                state.end(*attempt, verdict, record.at);
            }
            Event::Attested { note, passed, .. } => {
                second::fold(state, self.plan.item(id), record, note, *passed);
            }
            Event::Waived { reason, until, .. } => waiver::fold(state, reason, *until, record),
            Event::Acknowledged { .. } => state.acknowledged = true,
            _ => {}
        }
    }
}

/// A step that ended while nobody watched ages from its own end, not from when that was learnt.
fn ended_at(record: &Recorded, outcome: &Outcome, before: &Progress) -> Instant {
    let ago = outcome.ended_at.map_or(0, |at| (record.recorded_at - at).num_milliseconds().max(0));
    let since = match before {
        Progress::Running { since, .. } | Progress::Intended { since } => *since,
        _ => record.at,
    };
    Instant(record.at.0.saturating_sub(ago)).max(since).min(record.at)
}

/// The item an event is about.
#[must_use]
pub fn item_of(event: &Event) -> Option<&ItemId> {
    match event {
        Event::ItemStarted { item, .. }
        | Event::ItemEnded { item, .. }
        | Event::ItemBlocked { item, .. }
        | Event::StepIntended { item, .. }
        | Event::StepStarted { item, .. }
        | Event::StepEnded { item, .. }
        | Event::ProcessReady { item, .. }
        | Event::ProcessEnded { item, .. }
        | Event::CancelAsked { item, .. }
        | Event::ItemCancelled { item, .. }
        | Event::StepMarked { item, .. }
        | Event::StepUndone { item, .. }
        | Event::FieldFilled { item, .. }
        | Event::RepeatOrdered { item, .. }
        | Event::Attested { item, .. }
        | Event::Waived { item, .. }
        | Event::Acknowledged { item } => Some(item),
        _ => None,
    }
}
