//! The shim itself: one command from its claim to its outcome. It outlives the console that started
//! it, and nothing the command starts outlives it unreported.

use std::future::pending;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitStatus, set_child_subreaper, setsid};
use tokio::signal::unix::{Signal as Caught, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::folder::{Claim, OutcomeRoom, claim, create, numbers};
use super::pump::{Input, Output};
use super::{Clock, EndedBy, Intent, MOST_PIDS, OutcomeFile, Private, Unless};
use super::{mark, tree};
use crate::base::boundary::reach;
use crate::base::secret::{HANDED, Redactor};

/// Exit code of a shim that another was faster than: it ran nothing.
pub const LOST_THE_CLAIM: i32 = 3;
/// Exit code of a shim that could not begin: it ran nothing, and says why in `shim.log`.
pub const CANNOT_BEGIN: i32 = 1;

/// How long what the command left running may take to leave by itself: the `tee` of a pipeline has its
/// last lines to write.
const LINGER: Duration = Duration::from_millis(500);
/// How often the tree is walked for new descendants while it is being ended.
const ROUND: Duration = Duration::from_millis(20);
/// How long a process may take to die of KILL before it is a survivor.
const AFTER_KILL: Duration = Duration::from_secs(2);
/// How long an output may stay open after the last of the tree is gone.
const DRAIN: Duration = Duration::from_millis(500);
/// When children are looked for without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// When the peak of memory is looked at: soon, since most commands are short, then ever more seldom.
const FIRST_PEAK: Duration = Duration::from_millis(10);
const LAST_PEAK: Duration = Duration::from_secs(2);
/// What the environment and standard input of a command may hold together.
const PRIVATE_LIMIT: u64 = 16 << 20;

/// Runs the attempt in `dir`. The exit code is 0 where an outcome was written.
#[must_use]
pub fn shim(dir: &Path, clock: Clock) -> i32 {
    // A shim started by hand may lead its group already: then it has what it needs.
    let _ = setsid();
    match attempt(dir, clock) {
        Ok(true) => 0,
        Ok(false) => LOST_THE_CLAIM,
        Err(error) => {
            // `eprintln!` panics where it cannot write, and `shim.log` lies on the disk that may be full.
            let _ = writeln!(io::stderr(), "failed to run the attempt in {}: {error}", dir.display());
            CANNOT_BEGIN
        }
    }
}

fn attempt(dir: &Path, clock: Clock) -> io::Result<bool> {
    let intent: Intent = serde_json::from_slice(&std::fs::read(dir.join("intent.json"))?)?;
    let mut handed = Vec::new();
    io::stdin().take(PRIVATE_LIMIT).read_to_end(&mut handed)?;
    let private: Private = serde_json::from_slice(&handed)?;
    reach("shim-begun");
    set_child_subreaper(Some(rustix::process::getpid()))?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the claim: whoever holds it must not die of a hang-up.
        let signals = Signals::catch()?;
        // Before it too: what cannot be kept must not run.
        let room = OutcomeRoom::take(dir)?;
        let Some(held) = claim(dir)? else { return Ok(false) };
        reach("shim-claimed");
        let settled = held.settle(dir);
        let unsynced = settled.is_err() && intent.unsynced;
        let refused = settled.err().filter(|_| !intent.unsynced);
        let refused = refused.map(|error| format!("its claim could not be synced: {error}; it never ran"));
        // As late as can be: whatever came before this claim came before the command.
        let outcome = match refused.or_else(|| intent.unless.as_ref().and_then(void)) {
            Some(why) => OutcomeFile { v: 1, error: Some(why), never_ran: true, ..OutcomeFile::default() },
            None => OutcomeFile { unsynced, ..run(dir, intent, private, signals, clock).await },
        };
        reach("command-ended");
        written(room, &outcome, held).map(|()| true)
    })
}

/// Why nothing may run any more. A folder that cannot be read may hold anything.
fn void(unless: &Unless) -> Option<String> {
    match numbers(&unless.folder) {
        Ok(numbers) if numbers.iter().all(|number| unless.known.contains(number)) => None,
        Ok(_) => Some(unless.why.clone()),
        Err(error) => Some(format!("failed to read {}: {error}; it never ran", unless.folder.display())),
    }
}

/// The lock is let go only after the outcome is there: in between, nobody takes it for lost.
fn written(room: OutcomeRoom, outcome: &OutcomeFile, held: Claim) -> io::Result<()> {
    room.write(outcome)?;
    reach("outcome-written");
    drop(held);
    reach("claim-released");
    Ok(())
}

async fn run(dir: &Path, intent: Intent, private: Private, signals: Signals, clock: Clock) -> OutcomeFile {
    let (started_ms, boot_ms) = ((clock.wall_ms)(), (clock.boot_ms)());
    let simulated = intent.simulated;
    let mut outcome = match begin(dir, &intent, private) {
        Ok(running) => running.watched(&intent, signals, clock).await,
        Err(why) => {
            let took_ms = elapsed(clock, boot_ms);
            OutcomeFile { error: Some(why), took_ms, ..OutcomeFile::default() }
        }
    };
    outcome.v = 1;
    outcome.simulated = simulated;
    outcome.started_ms = started_ms;
    outcome.ended_ms = (clock.wall_ms)();
    outcome
}

fn elapsed(clock: Clock, since_boot_ms: i64) -> u64 {
    u64::try_from((clock.boot_ms)().saturating_sub(since_boot_ms)).unwrap_or(0)
}

/// Starts the command, or says as a sentence why it did not.
fn begin(dir: &Path, intent: &Intent, private: Private) -> Result<Running, String> {
    let ours = |error: io::Error| format!("failed to open the files of the output: {error}");
    let files = (create(&dir.join("stdout")).map_err(ours)?, create(&dir.join("stderr")).map_err(ours)?);
    let (program, arguments) = intent.argv.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    if intent.simulated {
        // What stands for the command in a rehearsal needs nothing of ours.
        command.env_clear();
    }
    command.envs(private.env).env_remove(HANDED);
    mark::on(&mut command, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if private.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    if let Some(cwd) = &intent.cwd {
        if !cwd.is_dir() {
            return Err(format!("failed to start `{program}`: there is no folder {}", cwd.display()));
        }
        command.current_dir(cwd);
    }
    let mut child = command.spawn().map_err(|error| format!("failed to start `{program}`: {error}"))?;
    let redactor = (!private.secrets.is_empty()).then(|| Redactor::new(private.secrets));
    if let Some(redactor) = &redactor {
        redactor.cover().for_good();
    }
    reach("command-started");
    let output = |pipe: Option<OwnedFd>, file| {
        let pipe = pipe.ok_or_else(|| io::Error::other("no pipe"))?;
        Output::new(pipe, file, redactor.as_ref())
    };
    let stdin = child.stdin.take().map(OwnedFd::from);
    let pumps = output(child.stdout.take().map(OwnedFd::from), files.0)
        .and_then(|out| Ok((out, output(child.stderr.take().map(OwnedFd::from), files.1)?)))
        .and_then(|(out, err)| Ok((Input::new(stdin, private.stdin)?, out, err)));
    match pumps {
        Ok((input, out, err)) => Ok(Running { main: Pid::from_child(&child), input, out, err }),
        Err(error) => {
            // It runs and nobody could read it: it must not go on unseen.
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("failed to read from `{program}`: {error}"))
        }
    }
}

struct Running {
    main: Pid,
    input: Input,
    out: Output,
    err: Output,
}

/// What the shim is waiting for, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The command's end, or its timeout.
    Command,
    /// What it left running to leave by itself.
    Leaving,
    /// The tree to end after TERM.
    Ending,
    /// The tree to end after KILL.
    Killing,
    /// The outputs to close, nobody being left.
    Draining,
}

impl Stage {
    fn ends_everyone(self) -> bool {
        matches!(self, Self::Ending | Self::Killing)
    }
}

impl Running {
    async fn watched(mut self, intent: &Intent, mut signals: Signals, clock: Clock) -> OutcomeFile {
        let boot_ms = (clock.boot_ms)();
        let after = |ms: u64| Instant::now().checked_add(Duration::from_millis(ms));
        let mut outcome = OutcomeFile::default();
        let mut main_ended = false;
        let mut stage = Stage::Command;
        let mut until = after(intent.timeout_ms);
        let mut termed: Vec<u32> = Vec::new();
        let mut round = None;
        let mut cancelled = false;
        let mut peak = Peak::new();
        loop {
            // Not in a fixed order: a tree that forks without end ends children without end, and neither clocks
            // nor outputs may wait for that.
            tokio::select! {
                end = signals.next() => cancelled |= end,
                () = at(until) => {}
                () = at(round) => {}
                () = sleep_until(peak.next) => peak.look(),
                () = async { tokio::select! {
                    () = self.out.turn() => {}
                    () = self.err.turn() => {}
                    () = self.input.turn() => {}
                } } => {}
            }
            let timed_out = until.is_some_and(|until| until <= Instant::now());
            let anyone = tree::reap(|pid, status| {
                if pid == self.main && !main_ended {
                    main_ended = true;
                    outcome.took_ms = elapsed(clock, boot_ms);
                    note_end(&mut outcome, status);
                }
            });
            let next = match stage {
                Stage::Draining if timed_out || !(self.out.is_open() || self.err.is_open()) => break,
                Stage::Draining => continue,
                _ if !anyone => Stage::Draining,
                Stage::Command if !main_ended && (timed_out || cancelled) => {
                    outcome.ended_by = Some(if cancelled { EndedBy::Cancel } else { EndedBy::Timeout });
                    Stage::Ending
                }
                Stage::Command if main_ended => Stage::Leaving,
                Stage::Leaving if timed_out || cancelled => {
                    outcome.left_behind = told(tree::descendants());
                    Stage::Ending
                }
                Stage::Ending if timed_out => Stage::Killing,
                Stage::Killing if timed_out => {
                    outcome.survivors = told(tree::descendants());
                    Stage::Draining
                }
                same => same,
            };
            if next != stage {
                stage = next;
                round = None;
                until = match stage {
                    Stage::Command => until,
                    Stage::Leaving => after(millis(LINGER)),
                    Stage::Ending => after(intent.grace_ms),
                    Stage::Killing => after(millis(AFTER_KILL)),
                    Stage::Draining => after(millis(DRAIN)),
                };
            }
            if stage.ends_everyone() && round.is_none_or(|round| round <= Instant::now()) {
                end_everyone(stage, intent.signal.unwrap_or_default().signal(), &mut termed);
                round = Some(Instant::now() + ROUND);
            }
            // What was not reaped in this turn raises no signal of its own any more.
            round = if stage.ends_everyone() { round } else { Some(Instant::now() + LOOK_AGAIN) };
        }
        outcome.held_open = self.out.is_open() || self.err.is_open();
        self.out.close();
        self.err.close();
        (outcome.stdout_bytes, outcome.stderr_bytes) = (self.out.written, self.err.written);
        (outcome.stdout_sha256, outcome.stderr_sha256) = (self.out.sha256(), self.err.sha256());
        outcome.lost_bytes = self.out.lost + self.err.lost;
        (outcome.cpu_user_ms, outcome.cpu_system_ms) = tree::reaped_cpu();
        outcome.peak_kib = peak.kib;
        outcome
    }
}

/// So many that the outcome fits into the room taken for it.
fn told(mut pids: Vec<u32>) -> Vec<u32> {
    pids.truncate(MOST_PIDS);
    pids
}

fn note_end(outcome: &mut OutcomeFile, status: WaitStatus) {
    let status = ExitStatus::from_raw(status.as_raw());
    outcome.exit = status.code();
    outcome.signal = status.signal();
}

/// One TERM (or what the intent says) for each, as it is found; KILL for all, every round.
fn end_everyone(stage: Stage, signal: Signal, termed: &mut Vec<u32>) {
    match stage {
        Stage::Ending => {
            for pid in tree::descendants() {
                if !termed.contains(&pid) {
                    termed.push(pid);
                    tree::signal(pid, signal);
                    // A stopped process takes its TERM only when it goes on.
                    tree::signal(pid, Signal::CONT);
                }
            }
        }
        Stage::Killing => tree::kill_everyone(),
        Stage::Command | Stage::Leaving | Stage::Draining => {}
    }
}

/// The peak of memory as far as it was seen: a process that is gone tells it no more, and asking the
/// kernel at its end (`wait4`) is not to be had without unsafe code.
struct Peak {
    kib: Option<u64>,
    next: Instant,
    wait: Duration,
}

impl Peak {
    fn new() -> Self {
        Self { kib: None, next: Instant::now() + FIRST_PEAK, wait: FIRST_PEAK }
    }

    fn look(&mut self) {
        self.kib = self.kib.max(tree::peak_kib(std::process::id()));
        self.wait = (self.wait * 2).min(LAST_PEAK);
        self.next = Instant::now() + self.wait;
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

struct Signals {
    term: Caught,
    interrupt: Caught,
    hang_up: Caught,
    child: Caught,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            child: signal(SignalKind::child())?,
        })
    }

    /// True where we are asked to end; false where a child did. A hang-up means nothing to a shim.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.term.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hang_up.recv() => false,
            _ = self.child.recv() => false,
        }
    }
}
