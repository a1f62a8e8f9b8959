//! From a record in the journal to what it sets going. The only place where an event becomes an act.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::living;
use super::playbooks;
use super::rollback::Request;
use super::runner;
use super::steps::{self, Outputs};
use super::world::{self, World};
use crate::base::proc;
use crate::evidence::{self, Decisions};
use crate::kind::Catalogue;
use crate::launch::board::{Board, Progress};
use crate::launch::event::{Event, Mode, Recorded};
use crate::launch::fault::Offered;
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Plan, Stream};
use crate::launch::process;
use crate::launch::verdict::Verdict;
use crate::watch::Watch;

/// Called when a rehearsal switches a fault: name, on.
pub type Switch = Arc<dyn Fn(&str, bool) + Send + Sync>;
/// The faults that the target of a plan can have.
pub type Offers = Arc<dyn Fn(&Plan, &Catalogue) -> Vec<Offered> + Send + Sync>;

/// The faults of a rehearsal.
pub struct Faults {
    pub switch: Switch,
    pub offers: Offers,
    /// Those of the plan in force.
    pub offered: Arc<[Offered]>,
}

impl Faults {
    #[must_use]
    pub fn new(switch: Switch, offers: Offers, plan: &Plan, catalogue: &Catalogue) -> Self {
        let offered = offers(plan, catalogue).into();
        Self { switch, offers, offered }
    }

    /// From here on they are those of this plan.
    pub fn offer(&mut self, plan: &Plan, catalogue: &Catalogue) {
        self.offered = (self.offers)(plan, catalogue).into();
    }
}

/// The hands of the loop.
pub struct Effects {
    pub world: World,
    pub watch: Option<Arc<Watch>>,
    pub outputs: Outputs,
    pub faults: Option<Faults>,
    /// Decision records, as far as they were read for.
    pub decisions: Arc<Mutex<Decisions>>,
}

impl Effects {
    /// Once, before the loop runs: what a console that came back finds half done.
    pub fn begin(&self, board: &Arc<Board>) {
        self.keep_decisions(board);
        self.world.keep_incidents(board);
        self.know(board);
        self.capture(board);
        for (id, state) in &board.items {
            let (Some(item), Some(attempt)) = (board.plan.item(id), state.attempt) else { continue };
            if let (Act::Step { spec, .. }, true) = (&item.act, state.is_running()) {
                steps::adopt(&self.world, &self.outputs, item, *spec, attempt, steps::LEFT);
                // Asked for by a console that went before it could reach the shim.
                if state.cancelled {
                    self.world.cancel(id, attempt);
                }
            }
        }
        for (item, known) in process::living(board) {
            living::adopt(&self.world, &self.outputs, item, known);
        }
        for run in board.rollbacks.iter().filter(|run| run.end.is_none()) {
            runner::resume(&self.world, &self.outputs, board, run);
        }
        self.open_streams(board, |stream| stream.session.is_none());
    }

    /// Once the launch goes by another plan: its values are captured and its streams opened, each in its session,
    /// which lives where nothing of it has changed.
    pub fn begin_anew(&self, board: &Arc<Board>) {
        self.know(board);
        self.capture(board);
        self.open_streams(board, |_| true);
    }

    /// Whatever looks for as long as the launch is open does so with what is known now.
    fn know(&self, board: &Board) {
        self.world.know(board);
        if let Some(watch) = &self.watch {
            watch.learn();
        }
    }

    fn capture(&self, board: &Board) {
        for wanted in &board.plan.baseline {
            let captured = board.baseline.get(&wanted.name).and_then(|known| known.value()).is_some();
            let past = board.clock.as_ref().is_some_and(|clock| clock.t0.is_some());
            if !captured && !past && self.world.folder.is_some() {
                tokio::spawn(super::baseline::capture(self.world.clone(), wanted.clone()));
            }
        }
    }

    fn open_streams(&self, board: &Board, lives: impl Fn(&Stream) -> bool) {
        for stream in &board.plan.streams {
            let passed = |item: &ItemId| {
                let state = board.item(item).map(|state| &state.progress);
                matches!(state, Some(Progress::Ended { verdict: Verdict::Pass, .. }))
            };
            if stream.after.as_ref().is_none_or(|item| lives(stream) && passed(item)) {
                self.open_stream(stream);
            }
        }
    }

    /// Starts what follows from one record. What of it a disk may hold up goes on beside the caller, who may wait
    /// for that.
    pub fn start(&self, record: &Recorded, board: &Arc<Board>) -> Option<JoinHandle<()>> {
        // Only a rehearsal repeats what its sources said.
        let stirs = matches!(record.event, Event::FaultSwitched { .. } | Event::RollbackTold { .. });
        let stirred = self.watch.as_ref().filter(|_| stirs && board.mode == Mode::Rehearsal);
        match &record.event {
            Event::ItemStarted { item, attempt } => {
                let item = board.plan.item(item)?;
                if let Act::Check(spec) = item.act {
                    self.world.start_check(item, spec, *attempt, world::found(board));
                }
            }
            Event::StepIntended { item, attempt } => {
                let item = board.plan.item(item)?;
                if let Act::Step { spec, .. } = item.act {
                    steps::start(&self.world, &self.outputs, item, spec, *attempt, board);
                }
            }
            Event::ItemCancelled { item, attempt, .. } | Event::CancelAsked { item, attempt, .. } => {
                self.world.cancel(item, *attempt);
            }
            Event::ItemEnded { item, report, .. } if report.verdict == Verdict::Pass => {
                for stream in board.plan.streams.iter().filter(|stream| stream.after.as_ref() == Some(item)) {
                    self.open_stream(stream);
                }
            }
            Event::PlaybookStarted { playbook, run } => {
                playbooks::start(&self.world, &self.outputs, board, playbook, *run);
            }
            Event::LaunchEnded { .. } | Event::LaunchClosed { .. } => return living::end_all(&self.world, board),
            Event::BaselineCaptured { .. } => {
                self.know(board);
                return self.world.keep_baseline(board);
            }
            Event::ProcessReady { .. } => self.know(board),
            Event::PollDecided { .. } => self.keep_decisions(board),
            Event::RollbackRequested { .. } => {
                return request(record, board).and_then(|request| runner::begin(&self.world, &self.outputs, request));
            }
            Event::FaultSwitched { fault, on } => {
                if let Some(faults) = &self.faults {
                    (faults.switch)(fault, *on);
                }
                // What looks now meets the fault.
                if let Some(watch) = stirred {
                    watch.stir();
                }
            }
            Event::RollbackTold { .. } => {
                if let Some(watch) = stirred {
                    watch.stir();
                }
            }
            event => self.world.keep_incident_of(board, event),
        }
        None
    }

    /// Instead of [`Effects::start`], where another console took over since this was recorded: it goes on from
    /// the record, and a rollback, which needs no lease, is not kept waiting for that.
    pub fn hand_over(&self, record: &Recorded, board: &Board) -> Option<JoinHandle<()>> {
        request(record, board).and_then(|request| runner::hand_over(&self.world, request))
    }

    /// Another console acts now: nothing more is watched, looked at or begun from here. What runs under a
    /// shim or a rollback's runner goes on; it is the other console's to follow.
    pub fn stand_down(&self) {
        self.world.acting.stop();
        if let Some(watch) = &self.watch {
            let watch = Arc::clone(watch);
            tokio::spawn(async move { watch.leave().await });
        }
    }

    /// What is found recorded though it was said not to be, and so was not begun: a look is made now; a step
    /// never ran, and its attempt is fenced, for nobody waits for it any more.
    pub fn find(&self, record: &Recorded, board: &Arc<Board>) {
        match &record.event {
            Event::StepIntended { item, attempt } => {
                if let Some((item, Act::Step { spec, .. })) = board.plan.item(item).map(|item| (item, &item.act)) {
                    steps::adopt(&self.world, &self.outputs, item, *spec, *attempt, steps::GIVEN_UP);
                }
            }
            Event::ItemStarted { .. }
            | Event::CancelAsked { .. }
            | Event::ItemCancelled { .. }
            | Event::BaselineCaptured { .. } => drop(self.start(record, board)),
            _ => {}
        }
    }

    /// Instead of [`Effects::start`], where a rollback was begun elsewhere since its intent was decided: the
    /// step never runs, and its outcome says so.
    pub fn withhold(&self, record: &Recorded, board: &Arc<Board>) -> Option<JoinHandle<()>> {
        let Event::StepIntended { item, attempt } = &record.event else { return None };
        let (item, launch) = (board.plan.item(item)?.clone(), self.world.folder.clone()?);
        let Act::Step { spec, .. } = item.act else { return None };
        let (world, outputs, attempt) = (self.world.clone(), Arc::clone(&self.outputs), *attempt);
        Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = proc::fence(&steps::folder(&launch, &item.id, attempt), steps::OVERTAKEN) {
                tracing::error!("failed to fence {}: {error}", item.id);
            }
            steps::adopt(&world, &outputs, &item, spec, attempt, steps::OVERTAKEN);
        }))
    }

    /// Decision records that have no file yet, beside the loop: the journal has what they say.
    fn keep_decisions(&self, board: &Board) {
        let Some(launch) = self.world.folder.clone().filter(|_| self.world.acting.may()) else { return };
        let seqs = board.polls.records.clone();
        if seqs.is_empty() {
            return;
        }
        let (plans, redactor) = (board.revisions.clone(), self.world.redactor.clone());
        let decisions = Arc::clone(&self.decisions);
        // A disk that hangs keeps this waiting, never the loop.
        tokio::task::spawn_blocking(move || {
            // One after the other: the second finds what the first made.
            let mut decisions = decisions.lock().unwrap_or_else(PoisonError::into_inner);
            if seqs.iter().all(|seq| evidence::decision_file(&launch, *seq).exists()) {
                return;
            }
            if let Err(error) = decisions.keep(&launch, &plans, &redactor) {
                tracing::error!("failed to keep a decision record: {error}");
            }
        });
    }

    fn open_stream(&self, stream: &Stream) {
        if let Some(watch) = &self.watch {
            let session = stream.session.as_ref().and_then(|id| self.world.session(id));
            if let Err(why) = watch.open_stream(&stream.id, session) {
                tracing::error!("failed to open stream {}: {why}", stream.id);
            }
        }
    }
}

/// What a rollback that was asked for at this console is to do.
fn request(record: &Recorded, board: &Board) -> Option<Request> {
    let Event::RollbackRequested { rollback, run, why } = &record.event else { return None };
    let mut request = Request::new(rollback.clone(), *run, &record.actor, why, record.occurred_at);
    "the operator's console".clone_into(&mut request.from);
    request.over = board.rollbacks.iter().filter(|known| known.end.is_some()).map(|known| known.run).collect();
    Some(request)
}
