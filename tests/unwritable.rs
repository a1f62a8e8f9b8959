//! A journal that cannot be written: nothing is done on the strength of what was not recorded, nothing
//! that was seen is lost, and a rollback starts all the same, once.

#[path = "unwritable/triggered.rs"]
mod triggered;
#[path = "unwritable/waits.rs"]
mod waits;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::crude::{Answer, Crude};
use tempfile::TempDir;
use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::base::wire::{Client, Limits, Network};
use tminus::clock;
use tminus::engine::effects::Effects;
use tminus::engine::rollback::{self, LaunchFile};
use tminus::engine::run::{Crew, Loop, Parts, wires};
use tminus::engine::time::{Axis, Pace};
use tminus::engine::world::{self, World};
use tminus::journal::chain::{Head, Link};
use tminus::journal::memory::Memory;
use tminus::journal::record::decode;
use tminus::journal::side;
use tminus::journal::store::{Expected, Store, StoreError};
use tminus::journal::{Beat, Durable, Journal};
use tminus::launch::board::Board;
use tminus::launch::command::{Command, Observation, Refusal};
use tminus::launch::event::{Actor, Event, Mode, Recorded, RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, MonitorId, RollbackId};
use tminus::launch::plan::Release;
use tminus::launch::port::{Ask, Port, Snapshot};
use tminus::launch::time::{Instant, Now};
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Options, load};
use tokio::sync::{mpsc, oneshot, watch};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the axis of a launch begins here: rounds that a test hands in are of a time that has been.
const BEGINS: Instant = Instant(60_000);

/// A disk that is full while `full` says so, and one that keeps and says it did not while `lies` does; what
/// was kept can be read beside it.
#[derive(Clone, Default)]
struct Disk {
    memory: Arc<Mutex<Memory>>,
    full: Arc<AtomicBool>,
    lies: Arc<AtomicBool>,
    kept: Arc<Mutex<Vec<Link>>>,
}

impl Disk {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().expect("not poisoned")
    }

    fn records(&self) -> Vec<Recorded> {
        let kept = self.kept.lock().expect("not poisoned");
        kept.iter().map(|link| decode(&link.bytes).expect("a record")).collect()
    }
}

impl Store for Disk {
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        self.memory().read(each)
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        self.memory().epoch()
    }

    fn raise_epoch(&mut self) -> Result<u64, StoreError> {
        self.memory().raise_epoch()
    }

    fn append(&mut self, expected: Expected, links: &[Link], durable: Durable) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        self.memory().append(expected, links, durable)?;
        self.kept.lock().expect("not poisoned").extend_from_slice(links);
        if self.lies.load(Ordering::SeqCst) {
            return Err(StoreError::NotSynced("so it says".into()));
        }
        Ok(())
    }

    fn cut(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        self.memory().cut(epoch, seq)
    }

    fn beat(&mut self) -> Result<Option<Beat>, StoreError> {
        self.memory().beat()
    }

    fn set_beat(&mut self, epoch: u64, beat: Beat, durable: Durable) -> Result<(), StoreError> {
        self.memory().set_beat(epoch, beat, durable)
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.memory().settle()
    }
}

/// A launch whose rollback writes a line, in a loop of its own task.
struct Launch {
    folder: TempDir,
    _target: Crude,
    disk: Disk,
    full: Arc<AtomicBool>,
    port: Port,
    observations: mpsc::Sender<Observation>,
    flying: tokio::task::JoinHandle<Arc<Board>>,
    _live: watch::Sender<Arc<tminus::launch::live::Live>>,
}

fn plan(folder: &Path, target: &Crude) -> String {
    let (runs, target) = (folder.join("runs").display().to_string(), target.address);
    format!(
        r#"
[plan]
schema = 1
id = "unwritable"
title = "Unwritable"
environment = "test"

[roles.owner]
title = "Owner"

[clock]
start = "T-1h"

[[phase]]
id = "ready"
title = "Ready"
at = "T-1h"

[[phase.item]]
id = "act"
title = "Acts once"
class = "once"
timeout = "20s"
[phase.item.run]
shell = '''echo acted >> {runs}'''

[[phase.item]]
id = "look"
title = "Someone looked"
[phase.item.manual]
role = "owner"

[[rollback]]
id = "back"
title = "Back"
key = "1"
deadline = "5m"
[[rollback.step]]
id = "redo"
class = "idempotent"
timeout = "20s"
by_hand = "do it by hand"
[rollback.step.run]
shell = '''echo ran >> {runs}'''
[[rollback.verify]]
id = "up"
timeout = "5s"
within = "10s"
[rollback.verify.http]
get = "http://{target}/up"
expect = {{ json = ['.status == "ok"'] }}
"#
    )
}

async fn launch(crew: Option<Crew>) -> Launch {
    launch_with(Disk::default(), None, crew).await
}

/// Opens a launch on `disk`, or goes on with the one it holds; `side` is where the side file goes.
async fn launch_with(disk: Disk, side: Option<&Path>, crew: Option<Crew>) -> Launch {
    let folder = tempfile::tempdir().expect("a folder");
    let target = Crude::start([("/up", Answer::whole("application/json", r#"{"status":"ok"}"#))]).await;
    let text = plan(folder.path(), &target);
    std::fs::write(folder.path().join("plan.toml"), &text).expect("written");
    std::fs::write(folder.path().join("baseline.json"), "{}").expect("written");
    let site = LaunchFile {
        base: folder.path().to_owned(),
        network: Network::Outside,
        simulated: false,
        target: None,
        environment: Default::default(),
    };
    std::fs::write(folder.path().join("launch.json"), serde_json::to_vec(&site).expect("JSON")).expect("written");
    let source = Source::new("plan.toml", text);
    let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
    let loaded = load(source.clone(), &environment, &Options::default())
        .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
    let mut plan = loaded.plan;
    triggered::watch_over(&mut plan);
    let plan = Arc::new(plan);
    let before = disk.records();
    let head = disk.kept.lock().expect("not poisoned").last().map(|link| Head { seq: link.seq, hash: link.hash });
    let (observations, observed) = mpsc::channel(64);
    let world = World::new(world::Parts {
        plan: plan.clone(),
        catalogue: Arc::new(loaded.catalogue),
        client: Client::new(&Network::Outside, Limits::default()).expect("a client"),
        jq: Jq::with_worker(env!("CARGO_BIN_EXE_tminus")),
        observations: observations.clone(),
        program: env!("CARGO_BIN_EXE_tminus").into(),
        folder: Some(folder.path().to_owned()),
        base: folder.path().to_owned(),
        simulated: None,
    });
    let (live_in, live) = watch::channel(Arc::default());
    let now = Now { instant: BEGINS, wall: clock::wall() };
    let folder_name = folder.path().display().to_string();
    let first = Snapshot::unopened(plan.clone(), Mode::Launch, now, clock::boot(), folder_name);
    let (wires, port) = wires(first);
    let parts = Parts {
        board: Board::replay(plan.clone(), &before),
        axis: Axis::new(Axis::machine(), before.last().map_or(BEGINS, |record| record.at)),
        journal: Journal::after(Box::new(disk.clone()), head.unwrap_or_default()).expect("a journal"),
        effects: Effects { world, watch: None, outputs: Arc::new(|_, _| ()), faults: None, decisions: Arc::default() },
        observations: observed,
        live,
        pace: Pace::Real,
        script: Vec::new(),
        operator: Actor::person("ada", None),
        folder: Some(folder.path().to_owned()),
    };
    let mut looping = Loop::new(parts, wires).with_side(side.map(Path::to_owned));
    if let Some(left) = side.and_then(|side| side::read(side).expect("readable")) {
        looping.read_in(&left).await.expect("recorded");
    }
    let opened = Event::LaunchOpened {
        plan: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        mode: Mode::Launch,
        start: plan.clock.start,
        release: Release::default(),
        target: None,
    };
    let first = if before.is_empty() { opened } else { Event::ConsoleReturned { clean: false, t: 0 } };
    looping.state(first, Actor::engine()).await.expect("recorded");
    let flying = tokio::spawn(looping.run(crew));
    let full = disk.full.clone();
    Launch { folder, _target: target, disk, full, port, observations, flying, _live: live_in }
}

impl Launch {
    async fn ask(&self, command: Command) -> Result<(), Refusal> {
        let (reply, told) = oneshot::channel();
        self.port.asks.send(Ask { by: None, command, reply }).await.expect("the loop runs");
        tokio::time::timeout(PATIENCE, told).await.expect("in time").expect("an answer")
    }

    async fn until(&self, wanted: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.port.snapshots.clone();
        let seen = tokio::time::timeout(PATIENCE, snapshots.wait_for(wanted)).await;
        seen.expect("in time").expect("the loop runs").clone()
    }

    fn runs(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default()
    }
}

fn attest() -> Command {
    Command::Attest { item: ItemId::new("look"), note: "seen".into(), passed: true }
}

fn back() -> Command {
    Command::Rollback { rollback: RollbackId::new("back"), why: "it is bad".into() }
}

#[tokio::test]
async fn what_is_not_recorded_is_not_done_and_comes_when_the_disk_returns() {
    let launch = launch(None).await;
    launch.until(|snapshot| snapshot.board.phases.values().all(|phase| phase.opened.is_some())).await;
    launch.full.store(true, Ordering::SeqCst);
    let refused = launch.ask(attest()).await.expect_err("refused");
    assert!(refused.0.starts_with("not recorded, so not done: ") && refused.0.contains("disk is full"), "{refused}");
    let seen = launch.until(|snapshot| snapshot.alarm.is_some()).await;
    assert!(seen.alarm.as_ref().is_some_and(|alarm| alarm.contains("the journal cannot be written")));
    assert!(seen.board.item(&ItemId::new("look")).expect("an item").attested.is_none());

    let monitor = MonitorId::new("api");
    let seen = Observation::MonitorChanged { monitor: monitor.clone(), verdict: Verdict::Fail, why: "down".into() };
    launch.observations.send(seen).await.expect("the loop runs");
    launch.ask(attest()).await.expect_err("still refused");
    launch.full.store(false, Ordering::SeqCst);
    let back = launch.until(|snapshot| snapshot.alarm.is_none()).await;
    assert!(back.board.monitors.contains_key(&monitor));
    launch.ask(attest()).await.expect("recorded again");
}

#[tokio::test]
async fn a_rollback_starts_without_a_journal_once_and_is_recorded_when_it_can_be() {
    let launch = launch(None).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.ask(back()).await.expect("it runs all the same");
    let seen = launch.until(|snapshot| snapshot.alarm.is_some()).await;
    assert!(
        seen.alarm.as_ref().is_some_and(|alarm| alarm.contains("rollback back #1 runs all the same")),
        "{:?}",
        seen.alarm
    );
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let ran = async {
        while launch.runs().is_empty() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, ran).await.expect("its step runs while nothing can be written");
    launch.full.store(false, Ordering::SeqCst);
    let ended = |snapshot: &Snapshot| snapshot.board.rollbacks.iter().any(|run| run.end.is_some());
    let over = launch.until(|snapshot| snapshot.alarm.is_none() && ended(snapshot)).await;
    assert_eq!(over.board.rollbacks.len(), 1);
    assert_eq!(over.board.rollbacks[0].end, Some(RollbackEnd::Verified));
    assert_eq!(launch.runs(), "ran\n", "it was started once");
    launch.ask(Command::End { why: "done".into() }).await.expect("ended");
    let board = launch.flying.await.expect("joined");
    let kept = launch.disk.records();
    assert_eq!(Board::replay(Arc::clone(&board.plan.0), &kept).rollbacks, board.rollbacks);
    assert_eq!(kept.iter().filter(|record| matches!(record.event, Event::RollbackRequested { .. })).count(), 1);
}

#[tokio::test]
async fn a_crew_that_cannot_be_recorded_does_not_spin() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (counting, full) = (asked.clone(), Arc::new(AtomicBool::new(false)));
    let now = full.clone();
    let crew: Crew = Box::new(move |_, _| {
        counting.fetch_add(1, Ordering::SeqCst);
        now.load(Ordering::SeqCst).then(|| (Actor::engine(), attest()))
    });
    let launch = launch(Some(crew)).await;
    launch.full.store(true, Ordering::SeqCst);
    full.store(true, Ordering::SeqCst);
    // Answered at all: a crew that is asked for ever leaves nobody else a turn.
    launch.ask(Command::note("is anybody there")).await.expect_err("not recorded");
    launch.ask(Command::note("and again")).await.expect_err("not recorded");
    assert!(asked.load(Ordering::SeqCst) < 100);
}

#[tokio::test]
async fn a_rollback_whose_asker_gave_us_up_is_not_begun_when_we_come_to_ourselves() {
    let launch = launch(None).await;
    // It was begun by plain files meanwhile.
    let (reply, told) = oneshot::channel();
    drop(told);
    launch.port.asks.send(Ask { by: None, command: back(), reply }).await.expect("the loop runs");
    launch.ask(Command::note("here again")).await.expect("recorded");
    let board = launch.port.snapshots.borrow().board.clone();
    assert!(board.rollbacks.is_empty() && launch.runs().is_empty(), "{:?}", board.rollbacks);
}

/// A rollback as another terminal asks for it.
fn asked_elsewhere(launch: &Launch) -> rollback::Asked {
    let wanted = rollback::Wanted {
        rollback: RollbackId::new("back"),
        by: Actor::person("bob", None),
        why: "it is bad".into(),
        at: clock::wall(),
        from: String::new(),
    };
    rollback::ask(Path::new(env!("CARGO_BIN_EXE_tminus")), launch.folder.path(), &wanted).expect("started")
}

#[tokio::test]
async fn a_rollback_from_elsewhere_is_recorded_by_its_asker_when_the_disk_returns() {
    let launch = launch(None).await;
    launch.full.store(true, Ordering::SeqCst);
    let rollback::Asked::Begun { run: 1, runner } = asked_elsewhere(&launch) else { panic!("another") };
    runner.ended().await.expect("waited");
    // The console may have found it first: then it is its runner that runs, and ours joined it.
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    while launch.runs().is_empty() && tokio::time::Instant::now() < patience {
        tokio::task::yield_now().await;
    }
    assert_eq!(launch.runs(), "ran\n", "it needs no journal");
    launch.until(|snapshot| snapshot.alarm.is_some()).await;
    launch.full.store(false, Ordering::SeqCst);
    let ended = |snapshot: &Snapshot| snapshot.board.rollbacks.iter().any(|run| run.end.is_some());
    let over = launch.until(|snapshot| snapshot.alarm.is_none() && ended(snapshot)).await;
    let run = &over.board.rollbacks[0];
    assert_eq!((run.by.name.as_str(), run.end.as_ref()), ("bob", Some(&RollbackEnd::Verified)));
    assert_eq!((over.board.rollbacks.len(), launch.runs().as_str()), (1, "ran\n"));
    launch.ask(Command::End { why: "done".into() }).await.expect("ended");
    let board = launch.flying.await.expect("joined");
    let kept = launch.disk.records();
    assert_eq!(Board::replay(Arc::clone(&board.plan.0), &kept).rollbacks, board.rollbacks);
}

#[tokio::test]
async fn a_request_here_comes_to_the_rollback_that_runs_already_and_a_later_one_is_new() {
    let launch = launch(None).await;
    launch.until(|snapshot| snapshot.board.phases.values().all(|phase| phase.opened.is_some())).await;
    // The test stands for the runner of another terminal.
    let run = rollback::number(launch.folder.path(), 0).expect("a number");
    let request = rollback::Request::new("back".into(), run, &Actor::person("bob", None), "it is bad", clock::wall());
    request.publish(launch.folder.path()).expect("published");
    let path = rollback::log_of(launch.folder.path(), run, &"back".into());
    let opened = rollback::Log::open(&path, &launch.folder.path().join("reserve")).expect("opened");
    let rollback::Opened::Ours(mut log, _) = opened else { panic!("held") };
    // In the same instant: the console has not heard of it yet.
    let refused = launch.ask(back()).await.expect_err("one at a time");
    assert!(refused.0.contains("already under way"), "{refused}");
    let end = RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::ZERO };
    log.tell(clock::wall(), &end).expect("told");
    let ended = |snapshot: &Arc<Snapshot>| snapshot.board.rollbacks.iter().all(|run| run.end.is_some());
    let over = launch.until(|snapshot| !snapshot.board.rollbacks.is_empty() && ended(snapshot)).await;
    assert_eq!(over.board.rollbacks.len(), 1);
    launch.ask(back()).await.expect("a new one");
    let over = launch.until(|snapshot| snapshot.board.rollbacks.len() == 2 && ended(snapshot)).await;
    let runs: Vec<(u32, &str)> = over.board.rollbacks.iter().map(|run| (run.run, run.by.name.as_str())).collect();
    assert_eq!(runs, [(1, "bob"), (2, "ada")]);
    assert!(over.board.rollbacks.iter().all(|run| run.end == Some(RollbackEnd::Verified)));
    assert_eq!(launch.runs(), "ran\n");
}
