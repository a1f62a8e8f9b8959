//! Processes: the shim that runs a step, its claim and outcome files, and the end of all descendants.
//! What belongs to one operating system (Linux first) stays here. It knows nothing of launches, decides
//! no verdict, and never puts a secret into a file or an argument list.
//!
//! One attempt is one folder: `intent.json`, `claim`, `stdout`, `stderr`, `outcome.json`, and `shim.log`
//! for what the shim itself has to say.

mod folder;
mod mark;
mod other;
mod program;
mod pump;
mod ready;
mod shim;
mod tail;
mod tree;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::base::boundary::reach;
use crate::base::rights;
use crate::base::secret::HANDED;

use folder::write_unsynced;
pub use folder::{Standing, create_private_dir, fence, look, write_shown, write_whole};
pub use mark::{MARK, still_running};
pub use other::{Other, writers};
pub use program::{Channel, Ended, Follower, Line, Program, follow, run};
pub use ready::{Ready, ready, stopped, tell_ready, tell_stopped};
pub use shim::{CANNOT_BEGIN, LOST_THE_CLAIM, shim};
pub use tail::Tail;

/// The hidden subcommand that is the shim: `tminus __shim DIR`.
pub const SHIM: &str = "__shim";

/// When an attempt is looked at again whose shim can only be seen by its lock.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Process ids that an outcome lists, of a kind. A list as long as this stands for that many or more.
pub const MOST_PIDS: usize = 256;

/// What is to run, as it stands on disk: no value of the environment, no standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub argv: Vec<String>,
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Names only; the values come over the shim's standard input.
    #[serde(default)]
    pub env: Vec<String>,
    /// From the start of the command to the first TERM.
    pub timeout_ms: u64,
    /// From TERM to KILL.
    pub grace_ms: u64,
    /// Sent in TERM's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<StopSignal>,
    /// Said by a rehearsal, kept in the outcome.
    #[serde(default)]
    pub simulated: bool,
    /// Looked at by the shim between its claim and the command: what then holds means that nothing runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Unless>,
    /// A disk that refuses to sync keeps nothing from running: a rollback must be possible on it.
    #[serde(default)]
    pub unsynced: bool,
}

/// The signal that asks a program to end. KILL follows where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    #[default]
    Term,
    Int,
    Quit,
    Hup,
}

impl StopSignal {
    pub const WORDS: [(&str, Self); 4] =
        [("TERM", Self::Term), ("INT", Self::Int), ("QUIT", Self::Quit), ("HUP", Self::Hup)];

    fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::TERM,
            Self::Int => Signal::INT,
            Self::Quit => Signal::QUIT,
            Self::Hup => Signal::HUP,
        }
    }
}

/// Asks the group that `leader` leads to end.
pub fn signal_group(leader: u32, signal: StopSignal) {
    send_group(leader, signal.signal());
}

/// Kills the group that `leader` leads.
pub fn kill_group(leader: u32) {
    send_group(leader, Signal::KILL);
}

fn send_group(leader: u32, signal: Signal) {
    // A group of 0 or 1 would be our own, or everyone's.
    if let Some(group) = i32::try_from(leader).ok().filter(|id| *id > 1).and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// A folder of numbered things, `NUMBER-NAME`: one that was not known when the intent was decided voids it,
/// however long ago that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unless {
    pub folder: PathBuf,
    pub known: Vec<u32>,
    /// Why it never ran, then.
    pub why: String,
}

/// What must never be on disk or in an argument list.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    pub env: Vec<(String, String)>,
    pub stdin: Option<String>,
    /// Values removed from both outputs before they are written.
    pub secrets: Vec<String>,
}

/// How a command ended, as its shim wrote it: the whole of `outcome.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomeFile {
    pub v: u32,
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    /// Why it never ran.
    #[serde(default)]
    pub error: Option<String>,
    /// The attempt was claimed to keep every shim from it: nothing ran.
    #[serde(default)]
    pub never_ran: bool,
    /// It ran though the disk refused to sync its claim.
    #[serde(default)]
    pub unsynced: bool,
    /// Set where we ended it while it still ran.
    #[serde(default)]
    pub ended_by: Option<EndedBy>,
    #[serde(default)]
    pub simulated: bool,
    /// Wall time in milliseconds since 1970.
    pub started_ms: i64,
    pub ended_ms: i64,
    /// Suspend-aware, from the start to the command's own end.
    pub took_ms: u64,
    /// Processor time of the whole tree.
    pub cpu_user_ms: u64,
    pub cpu_system_ms: u64,
    /// The largest resident set of any one process of the tree, as far as it was seen while it ran; none for
    /// a command that ended before the first look.
    #[serde(default)]
    pub peak_kib: Option<u64>,
    /// Bytes in the files, after redaction.
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
    /// Of the files, in hex; none where the disk refused bytes of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_sha256: Option<String>,
    /// Bytes of output the disk refused.
    #[serde(default)]
    pub lost_bytes: u64,
    /// Descendants that outlived the command and were ended by the shim.
    #[serde(default)]
    pub left_behind: Vec<u32>,
    /// Descendants still alive after KILL.
    #[serde(default)]
    pub survivors: Vec<u32>,
    /// Something outside the tree still held an output open: what it writes later is not kept.
    #[serde(default)]
    pub held_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    Timeout,
    Cancel,
}

/// The clock, handed in: nothing in `base` reads one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub wall_ms: fn() -> i64,
    /// Milliseconds since boot, sleep included.
    pub boot_ms: fn() -> i64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to write the intent in {dir}: {source}")]
    Intent { dir: PathBuf, source: io::Error },
    #[error("failed to start the shim {program}: {source}")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("failed to hand the shim its environment: {0}")]
    Handing(io::Error),
}

/// A shim we are the parent of.
#[derive(Debug)]
pub struct Started {
    /// The shim's process id.
    pub pid: u32,
    dir: PathBuf,
    child: Child,
    pidfd: OwnedFd,
}

/// This very program, even where its file was replaced since.
#[must_use]
pub fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Writes the intent, synced, and starts a shim on it. `dir` is made where it is not there.
///
/// # Errors
/// Which of the three steps failed; where it is the first, nothing can have run.
pub fn start(program: &Path, dir: &Path, intent: &Intent, private: &Private) -> Result<Started, Error> {
    let wrong = |source| Error::Intent { dir: dir.to_owned(), source };
    create_private_dir(dir).map_err(wrong)?;
    let json = serde_json::to_vec_pretty(intent).map_err(|error| wrong(error.into()))?;
    let write = if intent.unsynced { write_unsynced } else { write_whole };
    write(&dir.join("intent.json"), &json).map_err(wrong)?;
    reach("intent-written");
    let path = dir.join("shim.log");
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let log = log.and_then(|log| rights::follow(&path, log)).map_err(wrong)?;

    let spawned = Command::new(program)
        .arg(SHIM)
        .arg(dir)
        .env_remove(HANDED)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .and_then(|child| Ok((pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?, child)));
    let (pidfd, mut child) = spawned.map_err(|source| Error::Spawn { program: program.to_owned(), source })?;
    reach("shim-spawned");
    let json = serde_json::to_vec(private).map_err(|error| Error::Handing(error.into()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&json).map_err(Error::Handing)?;
    }
    Ok(Started { pid: child.id(), dir: dir.to_owned(), child, pidfd })
}

impl Started {
    /// Waits until the shim is gone, and says how its attempt stands then.
    ///
    /// # Errors
    /// The runtime or the folder refused.
    pub async fn ended(mut self) -> io::Result<Standing> {
        exit_of(self.pidfd.try_clone()?).await?;
        self.child.wait()?;
        look(&self.dir)
    }
}

impl Drop for Started {
    /// The shim goes on; only a dead one is reaped.
    fn drop(&mut self) {
        let _ = self.child.try_wait();
    }
}

/// Waits for the end of an attempt whose shim is not our child. Answers at once where none runs.
///
/// # Errors
/// The runtime or the folder refused.
pub async fn ended(dir: &Path) -> io::Result<Standing> {
    loop {
        let standing = look(dir)?;
        let Standing::Running { pid } = standing else { return Ok(standing) };
        match pidfd_of_runner(dir, pid)? {
            Some(pidfd) => exit_of(pidfd).await?,
            // The lock is held, and nobody of that id is to be found: of another PID namespace, or just going.
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// Asks the shim of `dir` to end its command and everything it started. True where one was there to ask.
///
/// # Errors
/// The folder could not be read, or the shim belongs to someone else.
pub fn cancel(dir: &Path) -> io::Result<bool> {
    let Standing::Running { pid } = look(dir)? else { return Ok(false) };
    match pidfd_of_runner(dir, pid)? {
        Some(pidfd) => {
            pidfd_send_signal(pidfd, Signal::TERM)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Ends the attempt in `dir` wherever it stands: where no shim has claimed it, none ever will (`why` is
/// its outcome), and a shim that lives is asked as by [`cancel`]. False where there was nobody to ask: it
/// has ended, or a shim is only just beginning and must be asked again.
///
/// # Errors
/// As those of [`fence`] and [`cancel`].
pub fn stop(dir: &Path, why: &str) -> io::Result<bool> {
    Ok(fence(dir, why)? || cancel(dir)?)
}

/// A handle on the shim, proven by the lock to be the shim and not a later process of the same id.
fn pidfd_of_runner(dir: &Path, pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    let pidfd = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok((look(dir)? == Standing::Running { pid }).then_some(pidfd))
}

#[expect(deprecated, reason = "what replaces it is unsafe, and an OwnedFd stays open for as long as it is registered")]
async fn exit_of(pidfd: OwnedFd) -> io::Result<()> {
    let pidfd = AsyncFd::try_with_interest(pidfd, Interest::READABLE).map_err(io::Error::from)?;
    pidfd.readable().await?.retain_ready();
    Ok(())
}

impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Private").field("env", &names).finish_non_exhaustive()
    }
}
