//! What the engine acts and looks through: the wire, the sessions, the shim, the rollback runner. Each
//! effect is a task of its own that reports back as an `Observation`; none of them decides anything.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::acting::Acting;
use super::kept::Kept;
use super::outbox;
use crate::base::boundary::reach;
use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::base::wire::Client;
use crate::evidence::artifacts::Artifacts;
use crate::kind::check::{self, Context};
use crate::kind::session::Session;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch::board::Board;
use crate::launch::command::Observation;
use crate::launch::id::{Attempt, ItemId, SessionId};
use crate::launch::plan::{Item, Plan, SpecId};
use crate::launch::process;
use crate::launch::verdict::{Report, Verdict};
use crate::notify::outbox::Outbox;

/// How much longer than its own timeout a check may take before the engine ends it.
const GRACE: Duration = Duration::from_secs(2);
/// How long the end of a check waits for the disk that takes its bodies.
const BODIES_WITHIN: Duration = Duration::from_secs(1);

/// Everything outside, as one launch sees it. Cheap to clone.
#[derive(Clone)]
pub struct World {
    pub plan: Arc<Plan>,
    pub catalogue: Arc<Catalogue>,
    pub client: Client,
    pub jq: Jq,
    pub redactor: Redactor,
    /// Where observations go; bounded, so that a flood waits here and not in memory.
    pub observations: mpsc::Sender<Observation>,
    /// The tminus binary, for the shim and the rollback runner.
    pub program: PathBuf,
    /// The launch's folder; none for `tminus gate`.
    pub folder: Option<PathBuf>,
    /// The plan's own folder: a step's `cwd` is relative to it.
    pub base: PathBuf,
    /// In a rehearsal: the target that answers for steps.
    pub simulated: Option<SocketAddr>,
    /// Whether this console still may act at all.
    pub acting: Acting,
    /// Documents for people, beside the journal.
    pub kept: Kept,
    /// Who else is told.
    pub outbox: Outbox,
    control: Option<Arc<check::http::Http>>,
    sessions: Arc<Mutex<HashMap<SessionId, Session>>>,
    cancels: Arc<Mutex<HashMap<ItemId, (Attempt, CancellationToken)>>>,
    baseline: Arc<BaselineFile>,
    /// What the monitors saw, once they run.
    samples: Arc<Mutex<Option<check::Samples>>>,
    /// What the launch has come to know, for whatever looks for as long as it is open.
    known: Arc<Mutex<Scope>>,
    /// Bodies that are too large for a record.
    artifacts: Option<Arc<Artifacts>>,
    /// Cancelled once the launch goes by another plan.
    pub amended: CancellationToken,
}

/// The file that a rollback reads the baseline from.
#[derive(Default)]
struct BaselineFile {
    wanted: Mutex<Option<Vec<u8>>>,
    writing: Mutex<()>,
    /// Why the baseline is in no file.
    unkept: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a world is made of.
pub struct Parts {
    pub plan: Arc<Plan>,
    pub catalogue: Arc<Catalogue>,
    pub client: Client,
    pub jq: Jq,
    pub observations: mpsc::Sender<Observation>,
    pub program: PathBuf,
    pub folder: Option<PathBuf>,
    pub base: PathBuf,
    pub simulated: Option<SocketAddr>,
}

impl World {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { plan, catalogue, client, jq, observations, program, folder, base, simulated } = parts;
        let redactor = Redactor::new(catalogue.secrets.iter().cloned());
        let control = control(&plan, &catalogue);
        let artifacts = folder.as_deref().map(|launch| Arc::new(Artifacts::of(launch)));
        let (sessions, cancels, baseline) = (Arc::default(), Arc::default(), Arc::default());
        Self {
            plan,
            catalogue,
            client,
            jq,
            redactor,
            observations,
            program,
            folder,
            base,
            simulated,
            acting: Acting::default(),
            kept: Kept::default(),
            outbox: Outbox::default(),
            control,
            sessions,
            cancels,
            baseline,
            samples: Arc::default(),
            known: Arc::default(),
            artifacts,
            amended: CancellationToken::new(),
        }
    }

    /// The same world under another plan: what it looks through is new, what is in flight goes on. Sessions
    /// go on where `keeps` says that nothing of them has changed.
    #[must_use]
    pub fn under(
        &self,
        plan: &Arc<Plan>,
        catalogue: &Arc<Catalogue>,
        place: Option<(Client, SocketAddr)>,
        keeps: impl Fn(&SessionId) -> bool,
    ) -> Self {
        self.amended.cancel();
        catalogue.secrets.iter().for_each(|secret| self.redactor.learn(secret));
        let simulated = place.as_ref().map(|(_, address)| *address).or(self.simulated);
        let client = place.as_ref().map_or(&self.client, |(client, _)| client);
        self.outbox.under(client, &outbox::reaches(plan, catalogue, simulated.is_some()), &plan.notify);
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = sessions.iter().filter(|(id, _)| catalogue.sessions.contains_key(*id) && keeps(id));
        let kept: HashMap<SessionId, Session> = kept.map(|(id, session)| (id.clone(), session.clone())).collect();
        drop(sessions);
        let (client, simulated) = match place {
            Some((client, address)) => (client, Some(address)),
            None => (self.client.clone(), self.simulated),
        };
        Self {
            plan: Arc::clone(plan),
            catalogue: Arc::clone(catalogue),
            client,
            simulated,
            control: control(plan, catalogue),
            sessions: Arc::new(Mutex::new(kept)),
            amended: CancellationToken::new(),
            ..self.clone()
        }
    }

    /// What a check of `entry` runs with; the baseline's values are in its scope.
    #[must_use]
    pub fn context(&self, entry: &Entry, baseline: &Scope, timeout: Duration) -> Context {
        Context {
            client: self.client.clone(),
            jq: self.jq.clone(),
            redactor: self.redactor.clone(),
            scope: entry.scope.with(baseline),
            session: entry.session.as_ref().and_then(|id| self.session(id)),
            timeout,
            control: self.control.clone(),
            owner: entry.owner.clone(),
            base: self.base.clone(),
            simulated: self.simulated.filter(|_| !entry.real),
            samples: lock(&self.samples).clone(),
        }
    }

    /// Checks see from now on what these monitors saw.
    pub fn see(&self, samples: check::Samples) {
        *lock(&self.samples) = Some(samples);
    }

    /// Monitors look from now on with what `board` has come to know.
    pub fn know(&self, board: &Board) {
        *lock(&self.known) = found(board);
    }

    /// What the launch has come to know, as it was told last.
    #[must_use]
    pub fn known(&self) -> Scope {
        lock(&self.known).clone()
    }

    /// The session under way, begun if there was none.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<Session> {
        let plan = self.catalogue.sessions.get(id)?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Some(sessions.entry(id.clone()).or_insert_with(|| Session::new(plan.clone())).clone())
    }

    /// Looks once for `item`, and reports.
    pub fn start_check(&self, item: &Item, spec: SpecId, attempt: Attempt, baseline: Scope) {
        let Some(entry) = self.catalogue.get(spec).cloned() else { return };
        if let Some(session) = item.session.as_ref().filter(|_| self.begins_session(item)) {
            // The first item of a session begins it anew: an old jar would hide a broken login.
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        }
        let (world, item, cancel) = (self.clone(), item.clone(), self.cancel_token(&item.id, attempt));
        tokio::spawn(async move {
            let Spec::Check(spec) = &entry.spec else { return };
            let context = world.context(&entry, &baseline, item.timeout);
            let ran = tokio::select! {
                ran = tokio::time::timeout(item.timeout + GRACE, spec.run(&context)) => ran,
                () = cancel.cancelled() => return,
                () = world.acting.stopped() => return,
            };
            let mut report = ran.map_or_else(
                |_| Report::plain(Verdict::Unknown, "the check itself did not end in time", item.timeout + GRACE),
                |ran| ran.report,
            );
            world.forget(&item.id, attempt);
            world.keep_bodies(&mut report).await;
            world.observe(Observation::CheckEnded { item: item.id, attempt, report }).await;
        });
    }

    /// Keeps the bodies of an exchange that its record would cut, before the record.
    async fn keep_bodies(&self, report: &mut Report) {
        let Some(exchange) = &mut report.exchange else { return };
        let whole = std::mem::take(&mut exchange.whole);
        let Some(artifacts) = self.artifacts.clone().filter(|_| !whole.is_empty() && self.acting.may()) else { return };
        let redactor = self.redactor.clone();
        let keeping = tokio::task::spawn_blocking(move || artifacts.keep(&whole, &redactor));
        // A disk that does not answer keeps no verdict from being told.
        let kept = tokio::time::timeout(BODIES_WITHIN, keeping).await;
        exchange.kept = kept.ok().and_then(Result::ok).unwrap_or_default();
    }

    fn begins_session(&self, item: &Item) -> bool {
        let mut order = self.plan.phases.iter().flat_map(|phase| &phase.items);
        order.find(|id| self.plan.item(id).is_some_and(|other| other.session == item.session)) == Some(&item.id)
    }

    /// The token that ends an attempt.
    pub fn cancel_token(&self, item: &ItemId, attempt: Attempt) -> CancellationToken {
        let token = CancellationToken::new();
        let mut cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        cancels.insert(item.clone(), (attempt, token.clone()));
        token
    }

    /// Ends an attempt that is under way.
    pub fn cancel(&self, item: &ItemId, attempt: Attempt) {
        let cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, token)) = cancels.get(item).filter(|(known, _)| *known == attempt) {
            token.cancel();
        }
    }

    /// An attempt has ended by itself.
    pub fn forget(&self, item: &ItemId, attempt: Attempt) {
        let mut cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        if cancels.get(item).is_some_and(|(known, _)| *known == attempt) {
            cancels.remove(item);
        }
    }

    /// The baseline as a plain file for the rollback runner, which never opens the database. Written beside the
    /// caller, who may wait for it: a disk may hang. Needs a runtime.
    pub fn keep_baseline(&self, board: &Board) -> Option<JoinHandle<()>> {
        let folder = self.folder.clone()?;
        let bytes = serde_json::to_vec(&board.baseline).unwrap_or_default();
        *lock(&self.baseline.wanted) = Some(bytes);
        let (baseline, acting) = (Arc::clone(&self.baseline), self.acting.clone());
        Some(tokio::task::spawn_blocking(move || {
            // One writes at a time, what was wanted last.
            let _one = lock(&baseline.writing);
            let Some(bytes) = lock(&baseline.wanted).take().filter(|_| acting.may()) else { return };
            let kept = crate::base::proc::write_whole(&folder.join("baseline.json"), &bytes);
            let why = kept.err().map(|error| format!("the baseline cannot be written, a rollback lacks it: {error}"));
            if let Some(why) = &why {
                tracing::error!("{why}");
            }
            *lock(&baseline.unkept) = why;
            reach("baseline-kept");
        }))
    }

    /// Why the baseline's file is not what the board has.
    #[must_use]
    pub fn unkept(&self) -> Option<String> {
        lock(&self.baseline.unkept).clone()
    }

    /// Tells the loop; a loop that is gone wants to know nothing.
    pub async fn observe(&self, observation: Observation) {
        let _ = self.observations.send(observation).await;
    }
}

/// The check that tells our own network's failure from the target's.
fn control(plan: &Plan, catalogue: &Catalogue) -> Option<Arc<check::http::Http>> {
    plan.control.and_then(|spec| catalogue.get(spec)).and_then(|entry| match &entry.spec {
        Spec::Check(check::Spec::Http(http)) => Some(Arc::new(http.clone())),
        _ => None,
    })
}

/// What the launch itself has come to know: the baseline, and what programs that live handed out.
#[must_use]
pub fn found(board: &Board) -> Scope {
    let mut scope = baseline(board);
    for (name, value) in process::captured(board) {
        scope.bind(name, value.clone());
    }
    scope
}

/// The baseline's values as a scope: `$previous_version`.
#[must_use]
fn baseline(board: &Board) -> Scope {
    let mut scope = Scope::default();
    for (name, captured) in &board.baseline {
        if let Some(value) = captured.value() {
            scope.bind(name, value.clone());
        }
    }
    scope
}
