//! The detached rollback runner: a process of its own session that outlives every console. It works from
//! the frozen plan and plain files, and never opens the database. It must not wait for anyone.
//!
//! In the launch's folder it reads `plan.toml`, `launch.json` and `baseline.json`; it writes
//! `rollback/RUN-ID/`: `log`, `runner.log`, `steps/STEP.N/`.

mod audit;
mod fact;
mod load;
mod log;
mod run;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::base::proc::create_private_dir;
use crate::base::text::printable_lines;
use crate::base::wire::Network;
use crate::clock;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};

pub use audit::{Looked, look_over};
pub use load::{Kinds, load};
pub use log::{Entry, Follow, Log, LogError, Opened};
pub use run::{Look, Orders, attempt_folder, run};

/// So many runs of one number are kept beside the newest.
const OLD_RUNS: u32 = 1_000;

/// The hidden subcommand that is the runner: `tminus __rollback DIR RUN ROLLBACK-ID`.
pub const ROLLBACK: &str = "__rollback";

/// The runner's exit codes.
pub mod code {
    pub const VERIFIED: i32 = 0;
    pub const NOT_VERIFIED: i32 = 1;
    /// At a step, or before the first because something of ours was missing.
    pub const FAILED: i32 = 2;
    /// Another runner is at it: this request joined it.
    pub const JOINED: i32 = 3;
}

/// `println!` and `eprintln!` panic where they cannot write, and `runner.log` lies on the disk that may be
/// full: what cannot be said there is dropped.
macro_rules! say {
    ($stream:ident, $($words:tt)*) => {{
        let _ = writeln!(io::$stream(), $($words)*);
    }};
}

/// What the runner reads of `launch.json`. Other keys are the engine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchFile {
    /// The folder of the plan: where steps run.
    pub base: PathBuf,
    pub network: Network,
    /// True in a rehearsal: steps ask the loopback target instead of running.
    #[serde(default)]
    pub simulated: bool,
}

/// A runner we are the parent of. It goes on when this is dropped.
#[derive(Debug)]
pub struct Runner {
    pub pid: u32,
    child: tokio::process::Child,
}

/// The folder of one run of a rollback.
#[must_use]
pub fn folder(launch: &Path, run: u32, rollback: &RollbackId) -> PathBuf {
    launch.join("rollback").join(format!("{run}-{}", ItemId::new(rollback.as_str()).folder()))
}

/// Its log.
#[must_use]
pub fn log_of(launch: &Path, run: u32, rollback: &RollbackId) -> PathBuf {
    folder(launch, run, rollback).join("log")
}

/// Makes room for a new run where one of the same number has ended: its folder is kept as `RUN-ID.old-N`.
/// One that has not ended stays, since its steps may still run.
///
/// # Errors
/// The folder could not be renamed, or there are too many old ones.
pub fn set_aside(launch: &Path, run: u32, rollback: &RollbackId) -> io::Result<()> {
    let Ok(entries) = Log::follow(&log_of(launch, run, rollback)).read() else { return Ok(()) };
    if ended(&entries).is_none() {
        return Ok(());
    }
    let folder = folder(launch, run, rollback);
    let old = (1..=OLD_RUNS).map(|n| folder.with_added_extension(format!("old-{n}"))).find(|old| !old.exists());
    fs::rename(&folder, old.ok_or_else(|| io::Error::other("too many old runs of this rollback lie there"))?)
}

/// Starts the runner and does not wait for it. Needs a runtime, as a parent that reaps. A full disk stops
/// none: the reserve is given up first, and what still finds no room is not said in `runner.log`.
///
/// # Errors
/// The program could not be started.
pub fn start(program: &Path, launch: &Path, run: u32, rollback: &RollbackId) -> io::Result<Runner> {
    free_reserve(launch);
    let folder = folder(launch, run, rollback);
    let opened = create_private_dir(&folder)
        .and_then(|()| OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("runner.log")))
        .and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = opened.map_or_else(|_| (Stdio::null(), Stdio::null()), |(out, err)| (out.into(), err.into()));
    let child = tokio::process::Command::new(program)
        .arg(ROLLBACK)
        .arg(launch)
        .arg(run.to_string())
        .arg(rollback.as_str())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .kill_on_drop(false)
        .spawn()?;
    Ok(Runner { pid: child.id().unwrap_or(0), child })
}

impl Runner {
    /// Its exit code (`code`), once it is gone; none where a signal ended it.
    ///
    /// # Errors
    /// The system refused to wait.
    pub async fn ended(mut self) -> io::Result<Option<i32>> {
        self.child.wait().await.map(|status| status.code())
    }
}

/// `tminus __rollback`: the runner on what the launch's folder holds. Answers its exit code.
#[must_use]
pub fn main(launch: &Path, run: u32, rollback: &RollbackId) -> i32 {
    serve(launch, run, rollback, || load(launch, run, rollback))
}

/// Is the runner of `rollback`, with orders and checks from `load`. Answers its exit code.
///
/// `load` is called once the log is held and `Started` is told, so that a console sees it at once; what it
/// says instead of orders is a sentence.
#[must_use]
pub fn serve<L: Look>(
    launch: &Path,
    run: u32,
    rollback: &RollbackId,
    load: impl FnOnce() -> Result<(Orders, L), String>,
) -> i32 {
    // Already its own leader where a test or a person started it so.
    let _ = rustix::process::setsid();
    free_reserve(launch);
    let path = log_of(launch, run, rollback);
    match Log::open(&path, &launch.join("reserve")) {
        Ok(Opened::Held) => {
            say!(stdout, "joined: run {run} of `{rollback}` is under way");
            code::JOINED
        }
        Ok(Opened::Ours(log, before)) => {
            if let Some(end) = ended(&before) {
                say!(stdout, "run {run} of `{rollback}` is over: {}", end.words());
                return code_of(&end);
            }
            in_runtime(Telling { log: Some(log), unwritten: 0, before }, rollback, load)
        }
        // A rollback goes on without its log: the steps' own folders still say what happened.
        Err(error) => {
            say!(stderr, "{error}");
            in_runtime(Telling { log: None, unwritten: 0, before: Vec::new() }, rollback, load)
        }
    }
}

/// The room kept for this moment: a rollback's folders, intents and outcomes need it before anything says
/// that the disk is full.
fn free_reserve(launch: &Path) {
    let _ = fs::remove_file(launch.join("reserve"));
}

fn in_runtime<L: Look>(
    telling: Telling,
    rollback: &RollbackId,
    load: impl FnOnce() -> Result<(Orders, L), String>,
) -> i32 {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(to_its_end(telling, rollback, load)),
        Err(error) => {
            say!(stderr, "failed to start: {error}");
            code::FAILED
        }
    }
}

async fn to_its_end<L: Look>(
    mut telling: Telling,
    rollback: &RollbackId,
    load: impl FnOnce() -> Result<(Orders, L), String>,
) -> i32 {
    // Caught and not looked at: a closed terminal is nothing to a rollback.
    let _hang_up = signal(SignalKind::hangup());
    let began = clock::boot();
    let earlier = telling.before.first().map_or(0, |first| (clock::wall() - first.at).num_milliseconds().max(0));
    telling.tell(&RollbackFact::Started { pid: std::process::id() });
    let end = match load() {
        Ok((orders, look)) => run(&orders, &look, &mut |fact| telling.tell(&fact)).await,
        Err(why) => RollbackEnd::FailedAtStep {
            step: ItemId::new(rollback.as_str()),
            why: printable_lines(&why),
            by_hand: "nothing was done: do its steps by hand".to_owned(),
        },
    };
    let code = code_of(&end);
    say!(stdout, "{}", end.words());
    let took = Duration::from_millis(u64::try_from(clock::boot() - began + earlier).unwrap_or(0));
    telling.tell(&RollbackFact::Ended { end, took });
    code
}

fn ended(entries: &[Entry]) -> Option<RollbackEnd> {
    entries.iter().find_map(|entry| match &entry.fact {
        RollbackFact::Ended { end, .. } => Some(end.clone()),
        _ => None,
    })
}

fn code_of(end: &RollbackEnd) -> i32 {
    match end {
        RollbackEnd::Verified => code::VERIFIED,
        RollbackEnd::NotVerified { .. } => code::NOT_VERIFIED,
        RollbackEnd::FailedAtStep { .. } => code::FAILED,
    }
}

/// Facts on their way into the log. One that cannot be written stops nothing.
struct Telling {
    log: Option<Log>,
    unwritten: u32,
    before: Vec<Entry>,
}

impl Telling {
    fn tell(&mut self, fact: &RollbackFact) {
        let Some(log) = &mut self.log else {
            say!(stderr, "not in the log: {fact:?}");
            return;
        };
        if let Err(error) = log.tell(clock::wall(), fact) {
            self.unwritten += 1;
            say!(stderr, "{error} ({} facts are not in the log); the rollback goes on: {fact:?}", self.unwritten);
        }
    }
}
