//! One launch, killed and gone on with until it is over.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tminus::clock;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::id::ItemId;

use super::chance::Chance;
use super::judge::{self, Seen};
use super::kill::{self, Victims};
use super::site;
use super::tally::Tally;

/// No single console lives longer in a flight.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a console may take to come to a boundary; then it dies where it is.
const UNTIL_STRUCK: Duration = Duration::from_millis(1_600);
/// Between two looks at what a running console does.
const LOOK: Duration = Duration::from_millis(12);
/// Kills of one flight, at most.
const MOST: u32 = 24;

/// What is flown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Real steps after T-0, nobody at the console.
    Steps,
    /// A countdown, holds, a rollback: a scripted crew against the simulated target.
    Rehearsal,
}

/// How a console ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    After(Duration, Victims),
    /// The Nth time some process of it gets there.
    At(&'static str, u32),
    ByItself,
}

/// How long it is since boot time was `began`.
pub fn since(began: i64) -> Duration {
    Duration::from_millis(u64::try_from(clock::boot() - began).expect("forwards"))
}

/// Lets a random instant come. What it is before is the point here, and nobody tells of it.
fn pause(span: Duration) {
    let (_nobody, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(span);
}

pub struct Flight<'a> {
    kind: Kind,
    chance: Chance,
    mark: String,
    home: TempDir,
    launch: PathBuf,
    plan: PathBuf,
    log: PathBuf,
    seen: Seen,
    tally: &'a Mutex<Tally>,
    kills: u32,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        kill::everything(&self.mark);
    }
}

impl<'a> Flight<'a> {
    pub fn new(number: u32, seed: u64, server: &str, tally: &'a Mutex<Tally>) -> Self {
        let mut chance = Chance::of(seed, number);
        let kind = if number % 4 == 3 { Kind::Rehearsal } else { Kind::Steps };
        let home = tempfile::tempdir().expect("a folder");
        let plan = match kind {
            Kind::Steps => site::plan(home.path(), &mut chance, server),
            Kind::Rehearsal => site::rehearsal(home.path()),
        };
        Self {
            kind,
            chance,
            mark: format!("{}-{number}", std::process::id()),
            launch: home.path().join("launch"),
            log: home.path().join("log"),
            home,
            plan,
            seen: Seen::default(),
            tally,
            kills: 0,
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
        while self.kills < MOST {
            let end = self.choose();
            if let Some(ran) = self.run(end) {
                return self.ended(Some(ran));
            }
            if self.is_stuck_before_t0() {
                break;
            }
            if self.chance.one_in(2) {
                pause(Duration::from_millis(self.chance.below(40)));
            }
        }
        let ran = self.run(End::ByItself);
        self.ended(ran);
    }

    fn choose(&mut self) -> End {
        let abandoned = self.has_an_intent_without_a_claim();
        if abandoned && self.chance.one_in(5) {
            return End::At("attempt-fenced", 1);
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
        let after = Duration::from_millis(15 + self.chance.below(330));
        End::After(after, victims)
    }

    /// Runs one console to its end. What it printed, where that was its own.
    fn run(&mut self, end: End) -> Option<String> {
        let told = self.home.path().join("told");
        let _ = std::fs::remove_file(&told);
        let mut child = self.start(end, &told);
        let began = clock::boot();
        let until = match end {
            End::After(after, _) => after,
            End::At(..) => UNTIL_STRUCK,
            End::ByItself => PATIENCE,
        };
        let mut struck_at = None;
        let killed_at = loop {
            if child.try_wait().expect("a child").is_some() {
                break clock::wall().timestamp_millis();
            }
            if struck_at.is_none() && told.exists() {
                // A shim's end, or our own; the console sees what comes of it, or not.
                struck_at = Some(since(began) + Duration::from_millis(self.chance.below(60)));
            }
            if since(began) >= struck_at.unwrap_or(until) {
                assert_ne!(end, End::ByItself, "it does not end: {:?}", self.last(5));
                let victims = match end {
                    End::After(_, victims) => victims,
                    _ => Victims::Console,
                };
                let now = clock::wall().timestamp_millis();
                kill::kill(victims, child.id(), &self.mark);
                break now;
            }
            self.seen.look(&self.launch, &self.log);
            pause(LOOK);
        };
        let output = child.wait_with_output().expect("a child");
        if told.exists()
            && let End::At(name, _) = end
        {
            self.tally().struck(name);
        }
        let records = self.seen.after_kill(&self.launch, &self.log);
        judge::rollbacks(&self.launch, &records, false);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!err.contains("panicked"), "{err}");
        if output.status.signal() == Some(9) {
            self.seen.kills.push((records.len(), killed_at));
            self.kills += 1;
            let what = match end {
                End::After(_, victims) => format!("{victims:?} at some instant"),
                End::At(name, _) if told.exists() => format!("at {name}"),
                End::At(..) => "Console that never came to its boundary".to_owned(),
                End::ByItself => panic!("killed by somebody else"),
            };
            self.tally().killed(&what);
            return None;
        }
        let code = output.status.code();
        assert!(matches!(code, Some(0..=2)), "it ended with {code:?}: {err}");
        Some(String::from_utf8(output.stdout).expect("text"))
    }

    fn start(&self, end: End, told: &std::path::Path) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        let word = if self.kind == Kind::Rehearsal { "rehearse" } else { "run" };
        command.arg(word).arg(&self.plan).args(["--headless", "--launch"]).arg(&self.launch);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.home.path()).env("USER", "ada");
        command.env(kill::MARK, &self.mark);
        if let End::At(name, nth) = end {
            command.env("TMINUS_BOUNDARY", format!("{name}#{nth}=kill")).env("TMINUS_BOUNDARY_TOLD", told);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.spawn().expect("tminus starts")
    }

    /// The launch was left by its console, or is over: everything that was promised of it holds.
    fn ended(&mut self, out: Option<String>) {
        let Some(out) = out else { return };
        let records = self.seen.after_kill(&self.launch, &self.log);
        let plan = judge::plan(&self.launch);
        let board = judge::told(&plan, &records, &self.seen.kills, self.kind == Kind::Steps);
        judge::rollbacks(&self.launch, &records, true);
        judge::printed(&board, &out);
        if self.kind == Kind::Steps && !self.is_stuck_before_t0() {
            judge::over(&board, &self.launch, &judge::lines(&self.log));
        }
        for (id, state) in &board.items {
            assert!(!state.is_running(), "{id} is stuck: {state:?}");
        }
        self.tally().flown(&board);
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
        let records = self.seen.decoded();
        let lifted = records.iter().any(|record| matches!(record.event, Event::Passed(_)));
        self.kind == Kind::Steps && !records.is_empty() && !lifted
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
