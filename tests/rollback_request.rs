//! A rollback that was asked for is run: though an older run of its number lies there, though its console
//! died before the runner was started, and its facts are told once.

use std::sync::Arc;
use std::time::Duration;

use crate::crude::{Answer, Crude};
use chrono::TimeDelta;
use tempfile::TempDir;
use tminus::base::jq::Jq;
use tminus::base::source::Source;
use tminus::base::wire::{Client, Limits, Network};
use tminus::clock;
use tminus::engine::effects::Effects;
use tminus::engine::found::Finder;
use tminus::engine::rollback::{self, LaunchFile, Log, Opened};
use tminus::engine::world::{self, World};
use tminus::launch::board::Board;
use tminus::launch::command::{Command, Observation};
use tminus::launch::event::{Actor, Event, Recorded, RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, RollbackId};
use tminus::launch::time::Instant;
use tminus::plan::{Environment, Options, load};
use tokio::sync::mpsc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");
const PATIENCE: Duration = Duration::from_secs(30);

/// The hands of a console over one launch; a new one is a console that returned.
struct Launch {
    folder: TempDir,
    target: Crude,
}

struct Console {
    effects: Effects,
    observed: mpsc::Receiver<Observation>,
    board: Arc<Board>,
}

impl Launch {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let target = Crude::start([("/up", Answer::whole("application/json", r#"{"status":"ok"}"#))]).await;
        let launch = Self { folder, target };
        let site = LaunchFile {
            base: launch.folder.path().into(),
            network: Network::Outside,
            simulated: false,
            target: None,
            environment: Default::default(),
        };
        let json = serde_json::to_vec(&site).expect("JSON");
        for (name, bytes) in [("plan.toml", launch.plan().as_bytes()), ("baseline.json", b"{}"), ("launch.json", &json)]
        {
            std::fs::write(launch.folder.path().join(name), bytes).expect("written");
        }
        launch
    }

    fn plan(&self) -> String {
        let (runs, target) = (self.folder.path().join("runs").display().to_string(), self.target.address);
        format!(
            r#"
[plan]
schema = 1
id = "asked"
title = "Asked"
environment = "test"

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

    /// A console that knows of `told` facts of run 1, which was asked for.
    fn console(&self, told: &[RollbackFact]) -> Console {
        self.console_later(told, TimeDelta::zero())
    }

    /// The same, where all of that is so long ago.
    fn console_later(&self, told: &[RollbackFact], ago: TimeDelta) -> Console {
        let source = Source::new("plan.toml", self.plan());
        let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
        let loaded = load(source.clone(), &environment, &Options::default())
            .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
        let plan = Arc::new(loaded.plan);
        let (observations, observed) = mpsc::channel(64);
        let world = World::new(world::Parts {
            plan: plan.clone(),
            catalogue: Arc::new(loaded.catalogue),
            client: Client::new(&Network::Outside, Limits::default()).expect("a client"),
            jq: Jq::with_worker(PROGRAM),
            observations,
            program: PROGRAM.into(),
            folder: Some(self.folder.path().to_owned()),
            base: self.folder.path().to_owned(),
            simulated: None,
        });
        let facts = told.iter().map(|fact| Event::RollbackTold { run: 1, fact: fact.clone() });
        let mut records: Vec<Recorded> = std::iter::once(request(1)).chain(facts.map(recorded)).collect();
        records.iter_mut().for_each(|record| record.occurred_at -= ago);
        let board = Arc::new(Board::replay(plan, &records));
        assert!(board.rolling_back().is_some());
        let effects =
            Effects { world, watch: None, outputs: Arc::new(|_, _| ()), faults: None, decisions: Arc::default() };
        Console { effects, observed, board }
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }
}

impl Console {
    /// Every fact until the end.
    async fn facts(&mut self, wanted: u32) -> Vec<RollbackFact> {
        let mut facts = Vec::new();
        while !matches!(facts.last(), Some(RollbackFact::Ended { .. })) {
            let told = tokio::time::timeout(PATIENCE, self.observed.recv()).await.expect("in time");
            let Some(Observation::RollbackTold { run, fact }) = told else { panic!("not a fact: {told:?}") };
            assert_eq!(run, wanted);
            facts.push(fact);
        }
        facts
    }
}

fn recorded(event: Event) -> Recorded {
    let wall = clock::wall();
    Recorded { seq: 1, at: Instant(0), occurred_at: wall, recorded_at: wall, actor: Actor::engine(), event }
}

fn request(run: u32) -> Recorded {
    recorded(Event::RollbackRequested { rollback: RollbackId::new("back"), run, why: "it is bad".into() })
}

fn verified(facts: &[RollbackFact]) -> bool {
    matches!(facts.last(), Some(RollbackFact::Ended { end: RollbackEnd::Verified, .. }))
}

#[tokio::test]
async fn an_end_that_the_journal_lost_is_read_in_and_no_answer_to_a_new_request() {
    let launch = Launch::new().await;
    let mut console = launch.console(&[]);
    console.effects.start(&request(1), &console.board);
    let facts = console.facts(1).await;
    assert!(verified(&facts));

    // The journal lost all of it: the next console finds it, and has another number for its own request.
    let mut console = launch.console(&[]);
    let mut finder = Finder::new(Some(launch.folder.path().to_owned()));
    let unknowing = Board::new(Arc::clone(&console.board.plan.0));
    let found = finder.look(&unknowing).await;
    let [(by, Command::RollbackFound { run: 1, .. })] = found.as_slice() else { panic!("not found: {found:?}") };
    assert_eq!(by.name, "engine", "who asked");
    assert_eq!(finder.look(&unknowing).await, [], "each once");
    console.effects.start(&request(1), &console.board);
    assert_eq!(console.facts(1).await, facts);
    assert_eq!(launch.runs(), 1, "what has ended is read and not run");

    let number = finder.number(&unknowing).await.expect("a number");
    assert_eq!(number, 2);
    let over = Recorded { seq: 2, ..recorded(Event::RollbackTold { run: 1, fact: facts[facts.len() - 1].clone() }) };
    let board = Board::replay(Arc::clone(&console.board.plan.0), &[request(1), over, request(2)]);
    console.effects.start(&request(2), &Arc::new(board));
    assert!(verified(&console.facts(2).await));
    assert_eq!(launch.runs(), 2, "each request runs");
}

#[tokio::test]
async fn a_rollback_whose_runner_was_never_started_is_begun_by_the_console_that_returns() {
    let launch = Launch::new().await;
    let mut console = launch.console(&[]);
    console.effects.begin(&console.board);
    let facts = console.facts(1).await;
    assert!(verified(&facts), "{facts:?}");
    assert_eq!(launch.runs(), 1);

    // A third console that returns before the facts were recorded, and one that had recorded some.
    for known in [0, 2] {
        let mut console = launch.console(&facts[..known]);
        console.effects.begin(&console.board);
        assert_eq!(console.facts(1).await, facts[known..]);
    }
    assert_eq!(launch.runs(), 1, "what has ended is read and not run");
}

#[tokio::test]
async fn what_was_asked_for_and_never_begun_does_not_begin_because_a_console_is_opened_later() {
    let launch = Launch::new().await;
    let mut console = launch.console_later(&[], TimeDelta::seconds(71));
    console.effects.begin(&console.board);
    let facts = console.facts(1).await;
    let [RollbackFact::Ended { end: RollbackEnd::FailedAtStep { why, by_hand, .. }, .. }] = facts.as_slice() else {
        panic!("another end: {facts:?}")
    };
    assert!(why.contains("its runner never began") && by_hand.contains("nothing was done"), "{why}: {by_hand}");
    assert_eq!(launch.runs(), 0);
    // Nor where a runner of it is started after all.
    let request = rollback::Request::read(
        launch.folder.path(),
        &rollback::folder(launch.folder.path(), 1, &RollbackId::new("back")),
    );
    assert!(clock::wall() - request.expect("it is published").at > TimeDelta::seconds(70));
}

#[tokio::test]
async fn what_its_runner_left_days_ago_is_not_gone_on_with_by_itself() {
    let launch = Launch::new().await;
    let path = rollback::log_of(launch.folder.path(), 1, &RollbackId::new("back"));
    let Ok(Opened::Ours(mut log, _)) = Log::open(&path, &launch.folder.path().join("reserve")) else { panic!("held") };
    let step = ItemId::new("back/redo");
    let told = [RollbackFact::Started { pid: 7 }, RollbackFact::StepStarted { step: step.clone() }];
    for fact in &told {
        log.tell(clock::wall() - TimeDelta::days(4), fact).expect("told");
    }
    drop(log);
    let mut console = launch.console_later(&told, TimeDelta::days(4));
    console.effects.begin(&console.board);
    let facts = console.facts(1).await;
    let [RollbackFact::Ended { end: RollbackEnd::FailedAtStep { step: at, why, .. }, .. }] = facts.as_slice() else {
        panic!("another end: {facts:?}")
    };
    assert!(*at == step && why.contains("5760 min ago"), "{at}: {why}");
    assert_eq!(launch.runs(), 0);
}

#[tokio::test]
async fn no_fact_of_a_log_is_lost_because_another_was_put_aside() {
    let launch = Launch::new().await;
    let mut console = launch.console(&[]);
    console.effects.begin(&console.board);
    let first = console.facts(1).await;
    let path = rollback::log_of(launch.folder.path(), 1, &RollbackId::new("back"));
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[70] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    // One that had recorded two facts of it, and then one that comes when it is aside already.
    for known in [2, 3] {
        let mut console = launch.console(&first[..known]);
        console.effects.begin(&console.board);
        let facts = console.facts(1).await;
        let told: Vec<RollbackFact> =
            Log::follow(&path).read().expect("a whole chain").into_iter().map(|entry| entry.fact).collect();
        assert_eq!(facts, told, "every fact of the new log");
        assert!(verified(&facts), "{facts:?}");
    }
    assert_eq!(launch.runs(), 1, "what was done is not done again");
}
