//! A console that was suspended for an hour and was taken over meanwhile: the first thing it finds out is
//! that it acts no more. No T-0, no check that came due, no step, nothing written; a rollback all the same.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::base::wire::{Client, Limits, Network};
use tminus::clock;
use tminus::engine::acting::Acting;
use tminus::engine::effects::Effects;
use tminus::engine::rollback::LaunchFile;
use tminus::engine::run::{Loop, Parts, wires};
use tminus::engine::time::{Axis, Pace};
use tminus::engine::world::{self, World};
use tminus::journal::{self, Holder, LaunchFolder, Opened, Purpose};
use tminus::launch::board::Board;
use tminus::launch::command::{Command, Observation, Refusal};
use tminus::launch::event::{Actor, Event, Mode};
use tminus::launch::id::RollbackId;
use tminus::launch::plan::Release;
use tminus::launch::port::{Ask, Port, Snapshot};
use tminus::launch::time::{Instant, Now};
use tminus::plan::{Environment, Options, load};
use tokio::sync::{mpsc, oneshot, watch};

const PATIENCE: Duration = Duration::from_secs(30);
const HOUR_AND_MORE: i64 = 61 * 60 * 1000;

fn plan(folder: &Path, target: &TcpListener) -> String {
    let (folder, target) = (folder.display(), target.local_addr().expect("an address"));
    format!(
        r#"
[plan]
schema = 1
id = "suspended"
title = "Suspended"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "later"
title = "Later"
at = "T-30m"

[[phase.item]]
id = "look"
title = "Look"
timeout = "5s"
[phase.item.http]
get = "http://{target}/up"
expect = {{ status = 200 }}

[[phase.item]]
id = "act"
title = "Act"
class = "once"
auto = true
timeout = "20s"
[phase.item.run]
shell = '''echo acted >> {folder}/runs'''

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
shell = '''echo rolled back >> {folder}/runs'''
[[rollback.verify]]
id = "up"
timeout = "1s"
within = "1s"
[rollback.verify.http]
get = "http://{target}/up"
expect = {{ status = 200 }}
"#
    )
}

async fn ask(port: &Port, command: Command) -> Result<(), Refusal> {
    let (reply, told) = oneshot::channel();
    port.asks.send(Ask { by: None, command, reply }).await.expect("the loop runs");
    tokio::time::timeout(PATIENCE, told).await.expect("in time").expect("an answer")
}

async fn until(port: &Port, wanted: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
    let mut snapshots = port.snapshots.clone();
    let seen = tokio::time::timeout(PATIENCE, snapshots.wait_for(wanted)).await;
    seen.expect("in time").expect("the loop runs").clone()
}

fn open(folder: &LaunchFolder, purpose: Purpose) -> Opened {
    journal::open(folder, purpose).expect("opens")
}

/// Ann at a console of her own; the runtime of a test has one thread, so that her loop runs only while that
/// waits.
struct Ann {
    place: tempfile::TempDir,
    folder: LaunchFolder,
    target: TcpListener,
    port: Port,
    observations: mpsc::Sender<Observation>,
    asleep: Arc<AtomicI64>,
    flying: tokio::task::JoinHandle<Arc<Board>>,
    _live: watch::Sender<Arc<tminus::launch::live::Live>>,
}

async fn ann() -> Ann {
    let place = tempfile::tempdir().expect("a folder");
    let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    target.set_nonblocking(true).expect("set");
    let text = plan(place.path(), &target);
    let site = LaunchFile {
        base: place.path().to_owned(),
        network: Network::Outside,
        simulated: false,
        target: None,
        environment: Default::default(),
    };
    folder.write(&folder.plan(), text.as_bytes()).expect("written");
    folder.write(&folder.launch(), &serde_json::to_vec(&site).expect("JSON")).expect("written");
    let source = Source::new("plan.toml", text);
    let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
    let loaded = load(source.clone(), &environment, &Options::default())
        .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
    let plan = Arc::new(loaded.plan);
    let ann = open(&folder, Purpose::Act(Holder::here("ann", clock::wall()))).journal.expect("to act");
    let (observations, observed) = mpsc::channel(64);
    let mut world = World::new(world::Parts {
        plan: plan.clone(),
        catalogue: Arc::new(loaded.catalogue),
        client: Client::new(&Network::Outside, Limits::default()).expect("a client"),
        jq: Jq::with_worker(env!("CARGO_BIN_EXE_tminus")),
        observations: observations.clone(),
        program: env!("CARGO_BIN_EXE_tminus").into(),
        folder: Some(folder.path().to_owned()),
        base: place.path().to_owned(),
        simulated: None,
    });
    world.acting = Acting::by(ann.stake());
    let (live_in, live) = watch::channel(Arc::default());
    let now = Now { instant: Instant(0), wall: clock::wall() };
    let first = Snapshot::unopened(plan.clone(), Mode::Launch, now, clock::boot(), folder.path().display().to_string());
    let (wires, port) = wires(first);
    let asleep = Arc::new(AtomicI64::new(0));
    let slept = Arc::clone(&asleep);
    let parts = Parts {
        board: Board::new(plan.clone()),
        axis: Axis::new(Arc::new(move || (clock::boot() + slept.load(Ordering::SeqCst), clock::wall())), Instant(0)),
        journal: ann,
        effects: Effects { world, watch: None, outputs: Arc::new(|_, _| ()), faults: None, decisions: Arc::default() },
        observations: observed,
        live,
        pace: Pace::Real,
        script: Vec::new(),
        operator: Actor::person("ann", None),
        folder: Some(folder.path().to_owned()),
    };
    let mut looping = Loop::new(parts, wires);
    let opened = Event::LaunchOpened {
        plan: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        mode: Mode::Launch,
        start: plan.clock.start,
        release: Release::default(),
        target: None,
    };
    looping.state(opened, Actor::engine()).await.expect("recorded");
    let flying = tokio::spawn(looping.run(None));
    until(&port, |snapshot| snapshot.board.clock.is_some()).await;
    Ann { place, folder, target, port, observations, asleep, flying, _live: live_in }
}

/// The rollback's step ran, once.
async fn it_ran(place: &Path) {
    let ran = async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while std::fs::read_to_string(place.join("runs")).unwrap_or_default() != "rolled back\n" {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, ran).await.expect("its step runs");
}

#[tokio::test]
async fn an_hour_later_the_first_thing_is_to_find_out_that_it_acts_no_more() {
    let Ann { place, folder, target, port, observations, asleep, flying, _live } = ann().await;
    // The loop's task cannot run between these two.
    let bob = open(&folder, Purpose::TakeOver(Holder::here("bob", clock::wall())));
    asleep.store(HOUR_AND_MORE, Ordering::SeqCst);
    let kept = bob.records.len();

    let out = until(&port, |snapshot| snapshot.taken_over.is_some()).await;
    let words = out.taken_over.clone().expect("said");
    assert!(words.starts_with("this console can no longer act: the launch was taken over by bob at "), "{words}");
    assert!(out.board.clock.as_ref().expect("a clock").t0.is_none(), "no T-0");
    assert!(out.board.mark_at(out.now.instant).0 > 59 * 60 * 1000, "the time it shows is the last it knew");
    assert!(observations.is_closed(), "nothing that is seen counts any more");
    for command in [
        Command::note("I am still here"),
        Command::RunItem { item: "act".into() },
        Command::CallHold { why: "wait".into() },
        Command::End { why: "over".into() },
    ] {
        assert_eq!(ask(&port, command).await, Err(Refusal(words.clone())));
    }
    assert!(target.accept().is_err(), "the check that came due was not made");
    assert!(!place.path().join("runs").exists(), "the step did not run");
    assert_eq!(open(&folder, Purpose::Read).records.len(), kept, "nothing was written");

    ask(&port, Command::Rollback { rollback: RollbackId::new("back"), why: "now".into() }).await.expect("begun");
    let out = until(&port, |snapshot| snapshot.taken_over.as_ref() != Some(&words)).await;
    let said = out.taken_over.as_ref().expect("it stays");
    assert!(said.starts_with("rollback back #1 was started from here") && said.ends_with(&words), "{said}");
    it_ran(place.path()).await;

    ask(&port, Command::Leave).await.expect("left");
    tokio::time::timeout(PATIENCE, flying).await.expect("in time").expect("joined");
    drop(bob);
}

#[tokio::test]
async fn a_rollback_that_was_recorded_as_another_took_over_runs_and_is_not_called_refused() {
    for _ in 0..20 {
        if is_taken_over_as_it_is_recorded().await {
            return;
        }
    }
    panic!("the disk was faster than the take-over each time");
}

/// False where the disk had answered before the take-over could come between.
async fn is_taken_over_as_it_is_recorded() -> bool {
    let Ann { place, folder, port, flying, _live, .. } = ann().await;
    let (reply, mut told) = oneshot::channel();
    let command = Command::Rollback { rollback: RollbackId::new("back"), why: "now".into() };
    port.asks.send(Ask { by: None, command, reply }).await.expect("the loop runs");
    let requested = || {
        let records = open(&folder, Purpose::Read).records;
        records.iter().any(|record| matches!(record.event, Event::RollbackRequested { .. }))
    };
    let patience = tokio::time::Instant::now() + PATIENCE;
    // Turn by turn her loop comes to where it waits for the disk; after each it has none for a while, so that the
    // record is there before she can learn of it.
    while !requested() {
        assert!(tokio::time::Instant::now() < patience, "it is recorded");
        tokio::task::yield_now().await;
        let turn = tokio::time::Instant::now();
        while turn.elapsed() < Duration::from_millis(50) && !requested() {}
    }
    let bob = match told.try_recv() {
        Ok(_) => None,
        Err(_) => Some(open(&folder, Purpose::TakeOver(Holder::here("bob", clock::wall())))),
    };
    let mut between = false;
    if bob.is_some() {
        let answer = tokio::time::timeout(PATIENCE, told).await.expect("in time").expect("an answer");
        // She may have been past her last look at the lock already, beginning it.
        if let Err(Refusal(said)) = answer {
            assert!(said.starts_with("recorded, and the console that acts goes on from there: "), "{said}");
            between = true;
        }
        it_ran(place.path()).await;
    }
    ask(&port, Command::Leave).await.expect("left");
    tokio::time::timeout(PATIENCE, flying).await.expect("in time").expect("joined");
    drop(bob);
    between
}
