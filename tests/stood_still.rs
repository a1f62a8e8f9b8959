//! A process that stands still (suspended, stopped, starved) at any reading of its clock: T-0 never fires by
//! the time that nobody watched, and no step begins by it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::base::wire::{Client, Limits, Network};
use tminus::clock;
use tminus::engine::effects::Effects;
use tminus::engine::run::{Crew, Loop, Parts, wires};
use tminus::engine::time::{Axis, Pace, Reader};
use tminus::engine::world::{self, World};
use tminus::journal::Journal;
use tminus::launch::board::Board;
use tminus::launch::command::{Command, Observation};
use tminus::launch::countdown::Phase;
use tminus::launch::event::{Actor, Event, Mode};
use tminus::launch::plan::{Beside, Objective, Plan, Release};
use tminus::launch::port::{Ask, Snapshot};
use tminus::launch::threshold::Threshold;
use tminus::launch::time::{Instant, Now};
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Options, load};
use tminus::watch::{Contexts, Readings, Watch};
use tokio::sync::{mpsc, oneshot, watch};

const PATIENCE: Duration = Duration::from_secs(30);
/// How long it stands still: well past T-0, and the marks after it.
const STILL_MS: i64 = 17_000;
/// Inputs of a launch.
const ASKS: usize = 4;

/// T-0 is at 5 s, and a step starts itself there.
const PLAN: &str = r#"
[plan]
schema = 1
id = "still"
title = "Still"
environment = "test"

[clock]
start = "T-5s"

[[phase]]
id = "act"
title = "Act"
at = "T-0"

[[phase.item]]
id = "deploy"
title = "Deploy"
class = "once"
auto = true
timeout = "20s"
[phase.item.run]
command = ["true"]
"#;

/// How many readings of the clock a launch took, and the board it came to.
struct Flown {
    readings: i64,
    board: Arc<Board>,
    /// Up to where its objective was evaluated, as each turn left it.
    evaluated: Vec<i64>,
}

fn plan() -> (Arc<Plan>, tminus::kind::Catalogue) {
    let source = Source::new("plan.toml", PLAN);
    let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
    let loaded = load(source.clone(), &environment, &Options::default())
        .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
    (Arc::new(loaded.plan), loaded.catalogue)
}

/// An objective that is evaluated so often; nobody asks its monitor.
fn watch_over(plan: &Arc<Plan>, every: Duration) -> Arc<Plan> {
    let mut plan = Plan::clone(plan);
    plan.objectives.push(Objective {
        id: "errors".into(),
        title: "Errors".into(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: 30 * every,
        min_samples: 20,
        stale_after: 30 * every,
        evaluate_every: every,
        unknown_for: Duration::from_secs(3_600),
    });
    Arc::new(plan)
}

/// Flies a launch whose clock stands, but for one jump by `still` at its `nth` reading since it was opened: before,
/// or with `after` just after it was read. Its objective is evaluated `every` so often.
async fn fly(nth: i64, after: bool, still: i64, every: Duration) -> Flown {
    flies(nth, after, still, every, Pace::Real, Vec::new()).await
}

/// As [`fly`], at `pace`, with what was `told` before its first turn.
async fn flies(nth: i64, after: bool, still: i64, every: Duration, pace: Pace, told: Vec<Observation>) -> Flown {
    let (plan, catalogue) = plan();
    let plan = watch_over(&plan, every);
    let (observations, observed) = mpsc::channel(64);
    for observation in told {
        observations.try_send(observation).expect("room");
    }
    let world = World::new(world::Parts {
        plan: plan.clone(),
        catalogue: Arc::new(catalogue),
        client: Client::new(&Network::Outside, Limits::default()).expect("a client"),
        jq: Jq::with_worker(env!("CARGO_BIN_EXE_tminus")),
        observations,
        program: "/bin/false".into(),
        folder: None,
        base: "/".into(),
        simulated: None,
    });
    let (_live_in, live) = watch::channel(Arc::default());
    let now = Now { instant: Instant(0), wall: clock::wall() };
    let (wires, port) = wires(Snapshot::unopened(plan.clone(), Mode::Launch, now, clock::boot(), String::new()));
    let (readings, passed) = (Arc::new(AtomicI64::new(i64::MIN)), Arc::new(AtomicI64::new(0)));
    // Read beside the launch's own clock: what it reads is counted.
    let told = Arc::clone(&passed);
    let samples = Readings::new(Arc::new(move || Instant(told.load(Ordering::SeqCst))), &plan);
    let nowhere: Contexts = Arc::new(|_| panic!("nothing is asked"));
    let (unheard, _) = mpsc::channel(1);
    let watch = Watch::start(&Plan::default(), Arc::default(), nowhere, unheard, "/nowhere".into(), samples);
    let counted = Arc::clone(&readings);
    let reader: Reader = Arc::new(move || {
        let stands_still = counted.fetch_add(1, Ordering::SeqCst) == nth;
        let before =
            if stands_still { passed.fetch_add(still, Ordering::SeqCst) } else { passed.load(Ordering::SeqCst) };
        let boot = if stands_still && !after { before + still } else { before };
        (boot, now.wall + Duration::from_millis(boot.unsigned_abs()))
    });
    let parts = Parts {
        board: Board::new(plan.clone()),
        axis: Axis::new(reader, Instant(0)),
        journal: Journal::in_memory().expect("a journal"),
        effects: Effects {
            world,
            watch: Some(Arc::new(watch)),
            outputs: Arc::new(|_, _| ()),
            faults: None,
            decisions: Arc::default(),
        },
        observations: observed,
        live,
        pace,
        script: Vec::new(),
        operator: Actor::person("ann", None),
        folder: None,
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
    readings.store(0, Ordering::SeqCst);
    let mut turns = 0;
    // Every second time it is asked it acts: what it does is made in a turn of its own.
    let evaluated = Arc::new(Mutex::new(Vec::new()));
    let known = Arc::clone(&evaluated);
    let crew: Crew = Box::new(move |board, _| {
        known.lock().expect("whole").extend(board.objectives.values().map(|state| state.evaluated_at.0));
        turns += 1;
        let note = Command::note(format!("turn {turns}"));
        (turns % 2 == 1).then(|| (Actor::engine(), note))
    });
    let flying = tokio::spawn(looping.run(Some(crew)));
    for _ in 0..ASKS {
        let (reply, told) = oneshot::channel();
        let command = Command::note("seen");
        port.asks.send(Ask { by: None, command, reply }).await.expect("the loop runs");
        tokio::time::timeout(PATIENCE, told).await.expect("in time").expect("an answer").expect("possible");
    }
    let (reply, _told) = oneshot::channel();
    port.asks.send(Ask { by: None, command: Command::Leave, reply }).await.expect("the loop runs");
    let board = tokio::time::timeout(PATIENCE, flying).await.expect("in time").expect("joined");
    let mut evaluated = std::mem::take(&mut *evaluated.lock().expect("whole"));
    evaluated.extend(board.objectives.values().map(|state| state.evaluated_at.0));
    Flown { readings: readings.load(Ordering::SeqCst), board, evaluated }
}

#[tokio::test]
async fn wherever_it_stood_still_t0_does_not_fire_by_that_time() {
    let ten = Duration::from_secs(10);
    let whole = fly(-1, false, STILL_MS, ten).await;
    assert_eq!(whole.board.clock.as_ref().expect("a clock").phase, Phase::Counting, "its clock stands");
    assert!(whole.readings > 10, "{}", whole.readings);
    let mut slept = 0;
    for nth in 0..whole.readings {
        for after in [false, true] {
            let Flown { board, evaluated, .. } = fly(nth, after, STILL_MS, ten).await;
            let clock = board.clock.as_ref().expect("a clock");
            let told: Vec<_> = board.recent.iter().map(|record| &record.event).collect();
            assert!(clock.t0.is_none() && clock.t > 0, "T-0 fired at reading {nth} (after: {after}): {told:?}");
            assert!(board.items.values().all(|item| item.attempt.is_none()), "reading {nth}: {told:?}");
            assert_eq!(evaluated, Vec::<i64>::new(), "reading {nth} (after: {after}): nobody watched then");
            slept += usize::from(told.iter().any(|event| matches!(event, Event::Slept { .. })));
        }
    }
    assert!(slept > 10, "it was told {slept} times");
}

#[tokio::test]
async fn what_fell_behind_is_evaluated_whole_and_never_all_in_one_turn() {
    // A starved process: too short to be a gap, and 1,900 evaluations are due at once.
    let Flown { mut evaluated, .. } = fly(2, false, 1_900, Duration::from_millis(1)).await;
    evaluated.dedup();
    assert_eq!(evaluated, [512, 1_024, 1_536, 1_900]);
}

#[tokio::test]
async fn what_a_monitor_told_is_recorded_before_time_is_skipped() {
    let told = Observation::MonitorChanged { monitor: "api".into(), verdict: Verdict::Fail, why: "502".to_owned() };
    let Flown { board, .. } = flies(-1, false, 0, Duration::from_secs(10), Pace::Skip, vec![told]).await;
    // Without that it was told at T-0.
    let told = board.recent.iter().find(|record| matches!(record.event, Event::MonitorChanged { .. }));
    assert_eq!(told.map(|record| record.at), Some(Instant(0)));
}
