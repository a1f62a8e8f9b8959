//! Monitors, signals and live streams, for as long as a launch is open: they look, show and tell. Nothing here
//! decides; what they find goes to the loop as observations, and into the live picture.

mod echo;
mod fill;
mod follow;
#[cfg(test)]
mod follow_tests;
mod guard;
pub mod kept;
pub mod made;
mod monitor;
mod outlet;
mod pane;
pub mod point;
mod raw;
mod readings;
mod rhythm;
mod round;
mod series;
mod signals;
#[cfg(test)]
mod signals_tests;
mod spans;
mod stream;
#[cfg(test)]
mod stream_tests;
mod taking;

pub use readings::{Readings, horizon, is_due};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::follow::Follow;
use self::guard::OverWire;
use self::monitor::Course;
use self::outlet::Outlet;
use self::point::Intake;
use self::raw::Raw;
use self::stream::Tail as Events;
use self::taking::Taking;
use crate::kind::check::signal::asked::Told;
use crate::kind::check::{self, Context};
use crate::kind::session::Session;
use crate::kind::tail::Tail;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch::command::Observation;
use crate::launch::id::{ItemId, SignalId, StreamId};
use crate::launch::live::{Live, OutputView, WeightView};
use crate::launch::plan::{Monitor, Plan, Signal, SignalSource, SpecId, Stream};
use crate::launch::verdict::{Report, Verdict};

/// Directives for the log's filter: below `warn`, the tail's crates print headers and data.
pub const LOG_DIRECTIVES: [&str; 2] = ["eventsource_client=warn", "launchdarkly_sdk_transport=warn"];

/// The first looks of all monitors are spread over this.
const SPREAD: Duration = Duration::from_millis(500);

/// What a look may take beyond its timeout: one of several requests, and jq.
const OVERRUN: Duration = Duration::from_secs(2);

/// Makes the context an entry runs in, as things stand when it is asked.
pub type Contexts = Arc<dyn Fn(&Entry) -> Context + Send + Sync>;

/// Everything that watches during a launch. It runs until [`Watch::stop`].
pub struct Watch {
    outlet: Outlet,
    readings: Arc<Readings>,
    live: watch::Receiver<Arc<Live>>,
    catalogue: Arc<Catalogue>,
    contexts: Contexts,
    streams: Vec<Stream>,
    /// Where streams are kept: one file each.
    folder: PathBuf,
    intake: Intake,
    tails: Mutex<BTreeMap<StreamId, CancellationToken>>,
    /// Sent to when a value came that looks may stand on.
    learnt: watch::Sender<()>,
    /// Sent to when the world of a rehearsal was changed.
    stirred: watch::Sender<()>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// A stream that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    #[error("the plan has no stream `{0}`")]
    Unknown(StreamId),
    #[error("stream `{0}` is no event stream")]
    NoTail(StreamId),
}

impl Watch {
    /// Starts every monitor, and every stream that waits for no item. `folder` takes the streams' raw
    /// lines, redacted: the launch folder's `streams`. Samples go to `readings`.
    #[must_use]
    pub fn start(
        plan: &Plan,
        catalogue: Arc<Catalogue>,
        contexts: Contexts,
        observations: mpsc::Sender<Observation>,
        folder: PathBuf,
        readings: Arc<Readings>,
    ) -> Self {
        let intake = readings.intake();
        Self::sampling(plan, catalogue, contexts, observations, folder, readings, intake)
    }

    /// The same for whoever wants every sample himself: they go to `intake`.
    #[must_use]
    pub fn sampling(
        plan: &Plan,
        catalogue: Arc<Catalogue>,
        contexts: Contexts,
        observations: mpsc::Sender<Observation>,
        folder: PathBuf,
        readings: Arc<Readings>,
        intake: Intake,
    ) -> Self {
        let (to, live) = watch::channel(Arc::default());
        let outlet = Outlet::new(observations);
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(outlet.clone().publish(to, cancel.clone()));
        let streams = plan.streams.clone();
        let tails = Mutex::default();
        let (learnt, stirred) = (watch::Sender::default(), watch::Sender::default());
        let watch = Self {
            outlet,
            readings,
            live,
            catalogue,
            contexts,
            streams,
            folder,
            intake,
            tails,
            learnt,
            stirred,
            tasks,
            cancel,
        };
        let count = u32::try_from(plan.monitors.len()).unwrap_or(u32::MAX).max(1);
        for (monitor, place) in plan.monitors.iter().zip(0_u32..) {
            watch.monitor(monitor, SPREAD.min(monitor.every) * place / count);
        }
        for (signal, place) in plan.signals.iter().zip(0_u32..) {
            watch.signal(signal, SPREAD.min(signal.every) * (place % 10) / 10);
        }
        for stream in plan.streams.iter().filter(|stream| stream.after.is_none()) {
            if let Err(why) = watch.open_stream(&stream.id, None) {
                watch.outlet.show(|live| {
                    live.streams.entry(stream.id.clone()).or_default().last_error = Some(why.to_string());
                });
            }
        }
        watch
    }

    /// The live picture, about fifteen times a second at most and only when it changed.
    #[must_use]
    pub fn live(&self) -> watch::Receiver<Arc<Live>> {
        self.live.clone()
    }

    /// Every sample that the objectives need.
    #[must_use]
    pub fn readings(&self) -> &Arc<Readings> {
        &self.readings
    }

    /// What each monitor saw lately, for the checks that judge it.
    #[must_use]
    pub fn samples(&self) -> check::Samples {
        let live = self.live();
        Arc::new(move |monitor| Some(live.borrow().monitors.get(monitor)?.samples.iter().cloned().collect()))
    }

    /// Opens a stream in `session`, or in that of its context where there is none; one that is open already is closed first.
    ///
    /// # Errors
    /// There is no such stream in the plan, or it is of a kind that is not tailed.
    pub fn open_stream(&self, id: &StreamId, session: Option<Session>) -> Result<(), Unopened> {
        let stream = self.streams.iter().find(|stream| stream.id == *id);
        let stream = stream.ok_or_else(|| Unopened::Unknown(id.clone()))?;
        let Some(entry) = self.catalogue.get(stream.spec) else { return Err(Unopened::NoTail(id.clone())) };
        if !matches!(entry.spec, Spec::Check(check::Spec::Sse(_)) | Spec::Tail(_)) {
            return Err(Unopened::NoTail(id.clone()));
        }
        let cx = (self.contexts)(entry);
        let cancel = self.cancel.child_token();
        let earlier = {
            let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
            tails.insert(id.clone(), cancel.clone())
        };
        if let Some(earlier) = earlier {
            earlier.cancel();
        }
        let taking = Taking {
            takes: self.catalogue.taken.get(id).cloned().unwrap_or_default(),
            intake: self.intake.clone(),
            outlet: self.outlet.clone(),
            scope: cx.scope.clone(),
            jq: cx.jq.redacting(cx.redactor.clone()),
            redactor: cx.redactor.clone(),
        };
        let name = ItemId::new(id.as_str()).folder();
        if let Spec::Tail(tail) = &entry.spec {
            let raw = Raw::open(&self.folder.join(format!("{name}.log")));
            let (id, tail, outlet) = (id.clone(), Tail::clone(tail), self.outlet.clone());
            self.tasks.spawn(Follow { id, tail, cx, raw, outlet, taking, cancel }.keep());
            return Ok(());
        }
        let Spec::Check(check::Spec::Sse(sse)) = &entry.spec else { return Err(Unopened::NoTail(id.clone())) };
        let tail = Events {
            id: id.clone(),
            sse: sse.clone(),
            opens: OverWire { client: cx.client, head_time: cx.timeout },
            jq: cx.jq,
            redactor: cx.redactor,
            scope: cx.scope,
            base: cx.base,
            session: session.or(cx.session),
            raw: Raw::open(&self.folder.join(format!("{name}.sse"))),
            outlet: self.outlet.clone(),
            taking,
            cancel,
        };
        self.tasks.spawn(tail.keep());
        Ok(())
    }

    /// Closes a stream; its lines stay.
    pub fn close_stream(&self, id: &StreamId) {
        if let Some(cancel) = self.tails.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            cancel.cancel();
        }
    }

    /// A value came that looks may stand on: what looks seldom looks again at once.
    pub fn learn(&self) {
        self.learnt.send_replace(());
    }

    /// Every monitor looks now: the time until its next look is one that a rehearsal skips.
    pub fn look_again(&self) {
        self.stirred.send_replace(());
    }

    /// The world of a rehearsal was changed: nothing that was seen before is said of it, and every monitor looks at
    /// once. One that looks seldom would else be silent for all the time that is skipped until it does.
    pub fn stir(&self) {
        self.readings.stirred();
        self.stirred.send_replace(());
        self.learn();
    }

    /// Shows the tail of a step's output beside the rest. It must be redacted and printable.
    pub fn show_output(&self, item: ItemId, output: OutputView) {
        self.outlet.show(|live| {
            match output.weight {
                Some((share, at)) => live.weights.insert(item.clone(), WeightView::of(share, Some(at))),
                // Of a new attempt, or one that can tell no more: what an earlier one told is over.
                None => live.weights.remove(&item),
            };
            live.outputs.insert(item, output)
        });
    }

    /// As [`Watch::stop`], and what was taken is written: nobody watches any more.
    pub async fn leave(&self) {
        self.stop().await;
        self.readings.leave().await;
    }

    /// As [`Watch::leave`], for good: what was taken is sealed.
    pub async fn close(&self) {
        self.stop().await;
        self.readings.close().await;
    }

    /// Ends every look and every stream, and waits until they have ended.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn monitor(&self, monitor: &Monitor, after: Duration) {
        let course = Course {
            id: monitor.id.clone(),
            every: monitor.every,
            fails_after: monitor.fails_after,
            first: Instant::now() + after,
            signal: SignalId::of_monitor(&monitor.id),
            learnt: if monitor.ready_for.is_some() { &self.learnt } else { &self.stirred }.subscribe(),
        };
        let (catalogue, contexts) = (Arc::clone(&self.catalogue), Arc::clone(&self.contexts));
        let (spec, timeout) = (monitor.spec, monitor.timeout);
        if !monitor.items.is_empty() {
            let items: Arc<[SpecId]> = monitor.items.as_slice().into();
            let look = move || round::look(Arc::clone(&catalogue), Arc::clone(&contexts), Arc::clone(&items), timeout);
            let intake = self.intake.clone();
            self.tasks.spawn(monitor::keep(course, look, self.outlet.clone(), intake, self.cancel.clone()));
            return;
        }
        let look = move || look(Arc::clone(&catalogue), Arc::clone(&contexts), spec, timeout);
        let intake = self.intake.clone();
        self.tasks.spawn(monitor::keep(course, look, self.outlet.clone(), intake, self.cancel.clone()));
    }
}

impl Watch {
    fn signal(&self, signal: &Signal, after: Duration) {
        let SignalSource::Asked(spec) = signal.source else { return };
        let limit = signal.timeout + OVERRUN;
        let course =
            signals::Course { id: signal.id.clone(), every: signal.every, first: Instant::now() + after, limit };
        let (catalogue, contexts) = (Arc::clone(&self.catalogue), Arc::clone(&self.contexts));
        let timeout = signal.timeout;
        let ask = move || ask(Arc::clone(&catalogue), Arc::clone(&contexts), spec, timeout);
        let (intake, outlet, cancel) = (self.intake.clone(), self.outlet.clone(), self.cancel.clone());
        self.tasks.spawn(signals::keep(course, ask, intake, outlet, cancel));
    }
}

async fn ask(catalogue: Arc<Catalogue>, contexts: Contexts, spec: SpecId, timeout: Duration) -> Told {
    match catalogue.get(spec).map(|entry| (entry, &entry.spec)) {
        Some((entry, Spec::Signal(asked))) => asked.ask(&Context { timeout, ..contexts(entry) }).await,
        _ => Told { wrong: Some("the plan has no question for this signal".to_owned()), ..Told::default() },
    }
}

/// A look ends: one that does not would end its monitor unseen.
async fn within(limit: Duration, look: impl Future<Output = Report>) -> Report {
    let given_up = |_| Report::plain(Verdict::Unknown, "the look did not end within its limit", limit);
    tokio::time::timeout(limit, look).await.unwrap_or_else(given_up)
}

async fn look(catalogue: Arc<Catalogue>, contexts: Contexts, spec: SpecId, timeout: Duration) -> Report {
    let Some(entry) = catalogue.get(spec) else {
        return Report::plain(Verdict::Unknown, "the plan has no check for this monitor", Duration::ZERO);
    };
    match &entry.spec {
        Spec::Check(check) => {
            let cx = Context { timeout, ..contexts(entry) };
            let report = async { check.run(&cx).await.report };
            // A stream has a limit of its own.
            let own = if let check::Spec::Sse(sse) = check { sse.deadline } else { None };
            within(own.map_or(timeout, |own| own.max(timeout)) + OVERRUN, report).await
        }
        _ => Report::plain(Verdict::Unknown, "this is no check", Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_world_that_was_changed_is_looked_at_at_once_by_whatever_looks_seldom() {
        let monitor = |id: &str, ready_for: Option<&str>| Monitor {
            id: id.into(),
            title: id.to_owned(),
            spec: SpecId(0),
            every: Duration::from_secs(60),
            timeout: Duration::from_secs(5),
            fails_after: 0,
            items: Vec::new(),
            ready_for: ready_for.map(Into::into),
        };
        let plan = Plan { monitors: vec![monitor("seldom", None), monitor("ready", Some("back"))], ..Plan::default() };
        let readings = Readings::new(Arc::new(crate::launch::time::Instant::default), &plan);
        let contexts: Contexts = Arc::new(|_| unreachable!("the plan has no checks"));
        let (sender, _kept) = mpsc::channel(8);
        let place = tempfile::tempdir().expect("a folder");
        let watch = Watch::start(&plan, Arc::default(), contexts, sender, place.path().to_owned(), readings);
        let looks = |id: &str| watch.live().borrow().monitors[&id.into()].samples.len();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!((looks("seldom"), looks("ready")), (1, 1));
        watch.stir();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((looks("seldom"), looks("ready")), (2, 2), "at once");
        watch.learn();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((looks("seldom"), looks("ready")), (2, 3), "a value is for what may stand on it");
        tokio::time::sleep(Duration::from_secs(41)).await;
        assert_eq!((looks("seldom"), looks("ready")), (3, 4), "the rhythm stays");
        watch.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_is_given_up_as_unknown() {
        let report = within(Duration::from_secs(7), std::future::pending()).await;
        assert_eq!((report.verdict, report.took), (Verdict::Unknown, Duration::from_secs(7)));
    }
}
