//! The detached rollback runner: a process of its own session that outlives every console. It works from
//! the frozen plan and plain files, and never opens the database. It must not wait for anyone.
//!
//! In the launch's folder it reads `plan.toml`, `launch.json` and `baseline.json`; it writes
//! `rollback/RUN-ID/`: `log`, `runner.log`, `steps/STEP.N/`, beside the `request.json` of whoever asked and
//! the `approval.STEP` of whoever turns a second key. One runs at a time in a launch: the runner holds `rollback/lock`.

mod approval;
mod ask;
mod audit;
mod course;
pub mod drill;
mod fact;
mod late;
mod load;
mod log;
mod one;
mod request;
mod run;
mod verified;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::base::boundary::reach;
use crate::base::proc::create_private_dir;
use crate::base::rights;
use crate::base::secret;
use crate::base::text::printable_lines;
use crate::base::wire::Network;
use crate::clock;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};
use crate::launch::plan::Fallback;
use crate::plan::{Options, Variables};

pub use approval::{Given, approve};
pub use ask::{Asked, Wanted, ask};
pub use audit::{Looked, look_over, look_over_bytes};
pub use course::run;
pub use late::too_late;
pub use load::{Frozen, Kinds, frozen, load};
pub use log::{Entry, Follow, Log, LogError, Opened};
pub use one::{Found, Progress, Taken, Under, is_put_aside, number, progress, runs, take, under_way};
pub use request::{Request, login};
pub use run::{Earlier, Look, Orders, attempt_folder, commands};

/// The hidden subcommand that is the runner: `tminus __rollback DIR RUN ROLLBACK-ID`.
pub const ROLLBACK: &str = "__rollback";

/// The runner's exit codes.
pub mod code {
    pub const VERIFIED: i32 = 0;
    pub const NOT_VERIFIED: i32 = 1;
    /// At a step, or before the first because something of ours was missing.
    pub const FAILED: i32 = 2;
    /// Another runner is at it, or at another rollback: this request joined that one.
    pub const JOINED: i32 = 3;
    /// Of a drill alone: verified in time, and no less before anything was done.
    pub const UNPROVEN: i32 = 4;
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
    /// The target of the plan that its values are for; the plan's own environment where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The environment variables that its variables stood on when the launch was opened.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub environment: Variables,
}

impl LaunchFile {
    /// How its plan is read again, by whoever does.
    #[must_use]
    pub fn options(&self) -> Options {
        let (target, opened_with) = (self.target.clone(), self.environment.clone());
        Options { rehearsal: self.simulated, without_secrets: true, target, opened_with, no_launch: true }
    }
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

/// The step whose output follows `fact`, and what it is that acts: itself, or its fallback.
#[must_use]
pub fn begins(fact: &RollbackFact) -> Option<(&ItemId, ItemId)> {
    match fact {
        RollbackFact::StepStarted { step } => Some((step, step.clone())),
        RollbackFact::FallbackStarted { step } => Some((step, Fallback::of(step))),
        _ => None,
    }
}

/// Its log.
#[must_use]
pub fn log_of(launch: &Path, run: u32, rollback: &RollbackId) -> PathBuf {
    folder(launch, run, rollback).join("log")
}

/// Starts the runner and does not wait for it. Needs a runtime, as a parent that reaps. A full disk stops
/// none: the reserve is given up first, and what still finds no room is not said in `runner.log`.
///
/// # Errors
/// The program could not be started.
pub fn start(program: &Path, launch: &Path, run: u32, rollback: &RollbackId) -> io::Result<Runner> {
    free_reserve(launch);
    let folder = folder(launch, run, rollback);
    let said = folder.join("runner.log");
    let opened = create_private_dir(&folder)
        .and_then(|()| OpenOptions::new().create(true).append(true).mode(0o600).open(&said))
        .and_then(|log| rights::follow(&said, log))
        .and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = opened.map_or_else(|_| (Stdio::null(), Stdio::null()), |(out, err)| (out.into(), err.into()));
    let child = tokio::process::Command::new(program)
        .arg(ROLLBACK)
        .arg(launch)
        .arg(run.to_string())
        .arg(rollback.as_str())
        .envs(secret::handed())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .kill_on_drop(false)
        // Neither a key of its starter's terminal nor the end of that terminal reaches it.
        .process_group(0)
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
    let load = || load(launch, run, rollback).inspect(|(orders, _)| orders.redactor.cover().for_good());
    serve(launch, run, rollback, load)
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
    leave_terminal();
    free_reserve(launch);
    let only = match one::take(launch, run, rollback) {
        Ok(Taken::Ours(only)) => Some(only),
        Ok(Taken::Held(under)) => return give_way(launch, run, rollback, under),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            say!(stderr, "nothing was done: the lock of the launch's rollbacks is another user's: {error}");
            return code::FAILED;
        }
        // Without a lock the log's own keeps two runners of one run apart.
        Err(error) => {
            say!(stderr, "failed to lock the launch's rollbacks: {error}");
            None
        }
    };
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
            let begun = one::is_begun(launch, run, rollback, &before);
            let mut telling = Telling { log: Some(log), unwritten: 0, before, begun };
            let overtaken = only.as_ref().and_then(|_| one::overtaken(launch, run, rollback, begun));
            if let Some(end) =
                overtaken.or_else(|| if begun { None } else { late::unbegun(launch, run, rollback, None) })
            {
                say!(stdout, "run {run} of `{rollback}` does nothing: {}", end.words());
                telling.tell(&RollbackFact::Ended { end: end.clone(), took: Duration::ZERO });
                return code_of(&end);
            }
            reach("rollback-log-open");
            in_runtime(telling, rollback, load)
        }
        // A rollback goes on without its log: the steps' own folders still say what happened.
        Err(error) => {
            say!(stderr, "{error}");
            let begun = one::is_begun(launch, run, rollback, &[]);
            in_runtime(Telling { log: None, unwritten: 0, before: Vec::new(), begun }, rollback, load)
        }
    }
}

/// Out of its starter's session: a leader of a group has to join another for the moment.
fn leave_terminal() {
    use rustix::process::{Pid, getppid, setpgid, setsid};
    if setsid().is_ok() {
        return;
    }
    let stat = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Asked of the system, the group of a parent outside our namespace of processes is 0, which is no group.
    let starter =
        getppid().and_then(|starter| ids(&stat(&starter.as_raw_nonzero().to_string())).map(|(group, _)| group));
    // A starter that died at once has left us a parent in another session.
    let session = ids(&stat("self")).map(|(_, session)| session);
    let groups = [starter, session].into_iter().flatten().filter(|group| *group > 0).filter_map(Pid::from_raw);
    for group in groups {
        if setpgid(None, Some(group)).is_ok() && setsid().is_ok() {
            return;
        }
    }
}

/// The group and the session of a process, by its `stat`. Its name, in brackets, may hold anything.
fn ids(stat: &str) -> Option<(i32, i32)> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Another runner lives. A run of its own number joined it, and says so for ever: nobody begins it later.
fn give_way(launch: &Path, run: u32, rollback: &RollbackId, under: Option<Under>) -> i32 {
    let Some(under) = under.filter(|under| under.run != run || under.rollback != *rollback) else {
        say!(stdout, "joined: run {run} of `{rollback}` is under way");
        return code::JOINED;
    };
    say!(stdout, "joined: run {} of `{}` is under way", under.run, under.rollback);
    if let Ok(Opened::Ours(log, before)) = Log::open(&log_of(launch, run, rollback), &launch.join("reserve"))
        && ended(&before).is_none()
    {
        let begun = one::is_begun(launch, run, rollback, &before);
        let end = one::gave_way(under.run, &under.rollback, rollback, begun);
        let mut telling = Telling { log: Some(log), unwritten: 0, before, begun };
        telling.tell(&RollbackFact::Ended { end, took: Duration::ZERO });
    }
    code::JOINED
}

/// Puts `request` into `launch`, with the room that is kept for this where a full disk has none: who asked is what
/// tells a second person from the first.
pub fn publish(request: &Request, launch: &Path) {
    let published = request.publish(launch);
    if published.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
        free_reserve(launch);
        let _ = request.publish(launch);
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
        Ok((mut orders, look)) => {
            orders.earlier = Earlier { spent: millis_of(earlier), approved: approved(&telling.before) };
            run(&orders, &look, &mut |fact| telling.tell(&fact)).await
        }
        Err(why) => RollbackEnd::FailedAtStep {
            step: ItemId::new(rollback.as_str()),
            why: printable_lines(&why),
            by_hand: if telling.begun { one::BY_HAND } else { "nothing was done: do its steps by hand" }.to_owned(),
        },
    };
    let code = code_of(&end);
    say!(stdout, "{}", end.words());
    let took = millis_of(clock::boot() - began + earlier);
    telling.tell(&RollbackFact::Ended { end, took });
    code
}

fn millis_of(span: i64) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0))
}

/// The steps whose second key was turned, by a log.
fn approved(entries: &[Entry]) -> BTreeSet<ItemId> {
    let step = |entry: &Entry| match &entry.fact {
        RollbackFact::Approved { step, .. } => Some(step.clone()),
        _ => None,
    };
    entries.iter().filter_map(step).collect()
}

/// How a run ended, by its log.
#[must_use]
pub fn ended(entries: &[Entry]) -> Option<RollbackEnd> {
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
        RollbackEnd::Joined { .. } => code::JOINED,
    }
}

/// Facts on their way into the log. One that cannot be written stops nothing.
struct Telling {
    log: Option<Log>,
    unwritten: u32,
    before: Vec<Entry>,
    /// An earlier runner did something, or set about it.
    begun: bool,
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
