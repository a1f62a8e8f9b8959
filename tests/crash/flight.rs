//! One launch, killed and gone on with until it is over.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tminus::base::boundary;
use tminus::clock;
use tminus::launch::board::Board;
use tminus::launch::countdown::{Passage, Phase};
use tminus::launch::event::{Event, Recorded};
use tminus::launch::id::ItemId;
use tminus::launch::plan::Plan;

use super::chance::Chance;
use super::console::{self, Console, Start};
use super::judge::{self, Seen};
use super::kill::{self, Victims};
use super::scribe::Scribe;
use super::site;
use super::tally::Tally;
use super::wait::{PATIENCE, pause, wait};

/// How long a console may take to come to a boundary; then it dies where it is. The first heartbeat comes
/// after a second, and somebody at the keys takes a while too.
const UNTIL_STRUCK: Duration = Duration::from_millis(700);
const UNTIL_BEAT: Duration = Duration::from_millis(1_600);
/// After so long, whatever stands still is woken.
const LONG: Duration = Duration::from_secs(2);
/// Between two looks at what a running console does.
const LOOK: Duration = Duration::from_millis(12);
/// Between two keys of somebody at the console.
const THINKS: Duration = Duration::from_millis(70);
/// Times that somebody has to come at the end of one flight, at most: it has fewer marks.
const FREEZES: u32 = 20;
/// Kills of one flight, at most.
const MOST: u32 = 24;

/// What is flown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Real steps after T-0, nobody at the console.
    Steps,
    /// The same, and a countdown to T-0 before it with somebody at a terminal.
    Countdown,
    /// A countdown, holds, a rollback: a scripted crew against the simulated target.
    Rehearsal,
}

/// How a console ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    After(Duration, Victims),
    /// The Nth time some process of it gets there.
    At(&'static str, u32),
    /// A shim stands still before its claim, and goes on when another console is there.
    Asleep(&'static str),
    /// Once T-0 is reached.
    Lifted,
    /// Once somebody has lifted the freeze.
    Thawed,
    ByItself,
}

/// How long it is since boot time was `began`.
pub fn since(began: i64) -> Duration {
    Duration::from_millis(u64::try_from(clock::boot() - began).expect("forwards"))
}

pub struct Flight<'a> {
    kind: Kind,
    chance: Chance,
    mark: String,
    home: TempDir,
    launch: PathBuf,
    source: PathBuf,
    plan: Option<Arc<Plan>>,
    log: PathBuf,
    seen: Seen,
    scribe: Scribe,
    tally: &'a Mutex<Tally>,
    kills: u32,
    consoles: u32,
    /// Some shim may stand still.
    asleep: bool,
    /// Somebody rolls back from another terminal, once.
    wants_back: bool,
    elsewhere: Option<Child>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        kill::everything(&self.mark);
        if let Some(mut elsewhere) = self.elsewhere.take() {
            let _ = elsewhere.wait();
        }
    }
}

impl<'a> Flight<'a> {
    pub fn new(number: u32, seed: u64, server: &str, tally: &'a Mutex<Tally>) -> Self {
        let mut chance = Chance::of(seed, number);
        let kind = [Kind::Steps, Kind::Countdown, Kind::Steps, Kind::Rehearsal][number as usize % 4];
        let home = tempfile::tempdir().expect("a folder");
        let source = match kind {
            Kind::Steps => site::plan(home.path(), &mut chance, server, false),
            Kind::Countdown => site::plan(home.path(), &mut chance, server, true),
            Kind::Rehearsal => site::rehearsal(home.path()),
        };
        Self {
            kind,
            chance,
            mark: format!("{}-{number}", std::process::id()),
            launch: home.path().join("launch"),
            log: home.path().join("log"),
            home,
            source,
            plan: None,
            seen: Seen::default(),
            scribe: Scribe::default(),
            tally,
            kills: 0,
            consoles: 0,
            asleep: false,
            wants_back: kind != Kind::Rehearsal && number.is_multiple_of(3),
            elsewhere: None,
        }
    }

    /// Flies until the launch is over, or was killed often enough: then to its end without a kill.
    pub fn fly(&mut self) {
        for _ in 0..self.chance.below(3) {
            let at = self.tally().rarest(&site::OPENING, &mut self.chance);
            if self.run(End::At(at, 1)).is_some() {
                return self.ended(None);
            }
        }
        let most = if self.kind == Kind::Steps { MOST } else { MOST / 2 };
        while self.kills < most {
            let end = self.choose();
            if let Some(ran) = self.run(end) {
                // Left by a console that could not go on: somebody comes.
                if self.is_frozen() {
                    continue;
                }
                return self.ended(Some(ran));
            }
            // A countdown is flown to T-0, however often it is killed on the way.
            if self.is_manned() && self.kills + 3 >= most {
                self.run(End::Lifted);
            }
            if self.is_stuck_before_t0() {
                break;
            }
            if self.chance.one_in(2) {
                pause(Duration::from_millis(self.chance.below(40)));
            }
        }
        // What came due while nobody watched waits for somebody, each time.
        for _ in 0..FREEZES {
            if self.is_frozen() {
                self.run(End::Thawed);
            }
            let ran = self.run(End::ByItself);
            if !self.is_frozen() {
                return self.ended(ran);
            }
        }
        panic!("it is frozen again and again: {:?}", self.last(5));
    }

    fn choose(&mut self) -> End {
        let abandoned = self.has_an_intent_without_a_claim();
        if abandoned && self.chance.one_in(5) {
            return End::At("attempt-fenced", 1);
        }
        if self.chance.one_in(12) {
            return End::Asleep(if self.chance.one_in(2) { "shim-begun" } else { "claim-locked" });
        }
        if self.chance.one_in(2) {
            let at = self.tally().rarest(&site::FLYING, &mut self.chance);
            let nth = match at {
                "append" | "append-in-transaction" | "append-kept" | "head-filed" => 1 + self.chance.below(14),
                "intent-kept" | "intent-written" | "shim-spawned" | "shim-started" | "outcome-learnt" => {
                    1 + self.chance.below(4)
                }
                _ => 1,
            };
            return End::At(at, u32::try_from(nth).expect("small"));
        }
        let victims = *self.chance.of_slice(&Victims::CHOICE);
        // Most consoles die while they act, some while they open.
        let most = match self.kind {
            // All the way to its rollback, now and then.
            Kind::Rehearsal if !self.rolls_back() => 1_800,
            _ if self.is_manned() => 1_000,
            _ => 330,
        };
        End::After(Duration::from_millis(15 + self.chance.below(most)), victims)
    }

    /// Runs one console to its end. What it printed, where that was its own.
    fn run(&mut self, end: End) -> Option<String> {
        // Of its own: shims of the one before may still come to the boundary of theirs.
        self.consoles += 1;
        let told = self.home.path().join(format!("told-{}", self.consoles));
        let mut console = self.start(end, &told);
        let sleeps = matches!(end, End::Asleep(_));
        let began = clock::boot();
        let until = match end {
            End::After(after, _) => after,
            End::At("beat-kept", _) => UNTIL_BEAT,
            End::At(..) if self.is_manned() || self.kind == Kind::Rehearsal => UNTIL_BEAT,
            End::At(..) | End::Asleep(_) => UNTIL_STRUCK,
            // No single console lives longer in a flight.
            End::Lifted | End::Thawed | End::ByItself => PATIENCE,
        };
        let (mut struck_at, mut thought) = (None, began);
        loop {
            if console.is_gone() {
                break;
            }
            // A runner that was begun beside a sleeper has shims that sleep too.
            if matches!(end, End::ByItself | End::Lifted | End::Thawed) && since(began) > LONG {
                self.wake();
            }
            if struck_at.is_none() && told.exists() {
                // A shim's end, or our own; the console sees what comes of it, or not.
                struck_at = Some(since(began) + Duration::from_millis(self.chance.below(60)));
            }
            let done = (end == End::Lifted && self.has_lifted()) || (end == End::Thawed && !self.is_frozen());
            if done || since(began) >= struck_at.unwrap_or(until) {
                let endless = matches!(end, End::ByItself | End::Lifted | End::Thawed) && !done;
                assert!(!endless, "it does not end: {:?}", self.last(5));
                let victims = match end {
                    End::After(_, victims) => victims,
                    _ => Victims::Console,
                };
                kill::kill(victims, console.id(), &self.mark);
                break;
            }
            self.scribe.reads(&self.launch);
            self.seen.look(&self.launch, &self.log);
            if self.asleep && self.chance.one_in(12) {
                self.wake();
            }
            if self.wants_back && self.chance.one_in(40) && self.has_lifted() {
                self.rolls_back_from_elsewhere();
            }
            if self.chance.one_in(8) {
                self.scribe.writes(&self.launch);
            }
            if since(thought) >= THINKS {
                thought = clock::boot();
                self.attend(&mut console);
            }
            pause(LOOK);
        }
        let ended = console.ended();
        // Until then at most it watched.
        let killed_at = clock::wall().timestamp_millis();
        self.asleep |= sleeps;
        if told.exists()
            && let End::At(name, _) = end
        {
            self.tally().struck(name);
        }
        self.scribe.reads(&self.launch);
        let records = self.seen.after_kill(&self.launch, &self.log);
        judge::rollbacks(&self.launch, &records, false);
        self.scribe.judge(&self.launch, &records);
        let err = ended.err;
        assert!(!err.contains("panicked"), "{err}");
        if ended.killed {
            self.seen.kills.push((records.len(), killed_at));
            self.kills += 1;
            let what = match end {
                End::After(_, victims) => format!("{victims:?} at some instant"),
                End::At(name, _) if told.exists() => format!("at {name}"),
                End::At(..) => "Console that never came to its boundary".to_owned(),
                End::Asleep(_) => "Console while a shim stood still".to_owned(),
                End::Lifted => "Console after T-0".to_owned(),
                End::Thawed => "Console after a freeze was lifted".to_owned(),
                End::ByItself => panic!("killed by somebody else"),
            };
            self.tally().killed(&what);
            return None;
        }
        assert!(matches!(ended.code, Some(0..=2 | 4)), "it ended with {:?}: {err}", ended.code);
        Some(ended.out)
    }

    fn start(&self, end: End, told: &Path) -> Console {
        let word = if self.kind == Kind::Rehearsal { "rehearse" } else { "run" };
        let (source, launch) = (self.source.display().to_string(), self.launch.display().to_string());
        let arguments = vec![word.into(), source, "--launch".into(), launch];
        let mut environment = self.environment();
        let boundary = match end {
            End::At(name, nth) => Some(format!("{name}#{nth}=kill")),
            End::Asleep(name) => Some(format!("{name}=stop")),
            _ => None,
        };
        if let Some(boundary) = boundary {
            environment.push(("TMINUS_BOUNDARY".into(), boundary));
            environment.push(("TMINUS_BOUNDARY_TOLD".into(), told.display().to_string()));
        }
        let start = Start { home: self.home.path().to_owned(), arguments, environment };
        if self.is_manned() { Console::seat(&start) } else { Console::headless(&start) }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("PATH".into(), path),
            ("HOME".into(), self.home.path().display().to_string()),
            ("USER".into(), "ada".into()),
            (kill::MARK.into(), self.mark.clone()),
        ]
    }

    /// Before T-0 of a launch with somebody at it; after it where somebody has to come.
    fn is_manned(&self) -> bool {
        (self.kind == Kind::Countdown && !self.has_lifted()) || (self.kind != Kind::Rehearsal && self.is_frozen())
    }

    /// Steps came due while nobody watched, and nobody has come since.
    fn is_frozen(&self) -> bool {
        let records = self.seen.decoded();
        let last =
            records.iter().rev().find(|record| matches!(record.event, Event::Frozen { .. } | Event::Thawed { .. }));
        last.is_some_and(|record| matches!(record.event, Event::Frozen { .. }))
    }

    /// Somebody at the console has a countdown that holds go on, and lifts a freeze.
    fn attend(&mut self, console: &mut Console) {
        let frozen = self.is_frozen();
        let Console::Seat(seat) = console else { return };
        if frozen {
            return console::thaws(seat);
        }
        if !self.launch.join("launch.json").exists() {
            return;
        }
        let plan = self.plan.get_or_insert_with(|| judge::plan(&self.launch));
        let board = Board::replay(Arc::clone(plan), &self.seen.decoded());
        if board.clock.is_some_and(|clock| clock.phase == Phase::Holding) {
            console::goes_on(seat, self.chance.one_in(3));
        }
    }

    /// The launch was left by its console, or is over: everything that was promised of it holds.
    fn ended(&mut self, out: Option<String>) {
        // A shim that wakes after everybody is gone does no more than one that never slept.
        self.wake();
        wait("end of all its processes", || !kill::any(&self.mark));
        let Some(out) = out else { return };
        let records = self.seen.after_kill(&self.launch, &self.log);
        let plan = judge::plan(&self.launch);
        let board = judge::told(&plan, &records, &self.seen.kills, self.kind != Kind::Rehearsal);
        judge::rollbacks(&self.launch, &records, true);
        judge::printed(&board, &out);
        if self.kind != Kind::Rehearsal && !self.is_stuck_before_t0() {
            judge::over(&board, &self.launch, &judge::lines(&self.log));
        }
        for (id, state) in &board.items {
            assert!(!state.is_running(), "{id} is stuck: {state:?}");
        }
        self.tally().flown(&board, self.scribe.answered());
    }

    /// Where a failed one is to be looked at.
    pub fn keep(&mut self) -> PathBuf {
        kill::everything(&self.mark);
        self.home.disable_cleanup(true);
        self.home.path().to_owned()
    }

    fn tally(&self) -> std::sync::MutexGuard<'a, Tally> {
        self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Without anybody at it, a launch killed before T-0 comes back holding and stays so.
    fn is_stuck_before_t0(&self) -> bool {
        self.kind == Kind::Steps && !self.seen.records.is_empty() && !self.has_lifted()
    }

    /// Whoever stands still goes on.
    fn wake(&mut self) {
        self.asleep = false;
        kill::wake(&self.mark);
    }

    /// From another terminal, whatever becomes of the console.
    fn rolls_back_from_elsewhere(&mut self) {
        self.wants_back = false;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
        command.arg("rollback").arg(&self.launch).args([site::ROLLBACK, "--yes", "--why", "it went wrong"]);
        command.env_clear().envs(self.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its runner may die too: whoever comes next goes on with what it began.
        if self.chance.one_in(2) {
            let at = self.chance.of_slice(boundary::OF_ROLLBACKS);
            command.env("TMINUS_BOUNDARY", format!("{at}=kill"));
        }
        self.elsewhere = Some(command.process_group(0).spawn().expect("tminus starts"));
    }

    fn rolls_back(&self) -> bool {
        let asked = |record: &Recorded| matches!(record.event, Event::RollbackRequested { .. });
        self.seen.decoded().iter().any(asked)
    }

    fn has_lifted(&self) -> bool {
        let lifted = |record: &Recorded| record.event == Event::Passed(Passage::Liftoff);
        self.seen.decoded().iter().any(lifted)
    }

    fn has_an_intent_without_a_claim(&self) -> bool {
        let records = self.seen.decoded();
        let open = |item: &ItemId| {
            !records.iter().any(|record| matches!(&record.event, Event::StepEnded { item: of, .. } if of == item))
        };
        records.iter().any(|record| match &record.event {
            Event::StepIntended { item, attempt } if open(item) => {
                !self.launch.join("steps").join(item.folder()).join(attempt.to_string()).join("claim").exists()
            }
            _ => false,
        })
    }

    fn last(&self, count: usize) -> Vec<Recorded> {
        let all = self.seen.decoded();
        all[all.len().saturating_sub(count)..].to_vec()
    }
}
