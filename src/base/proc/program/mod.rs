//! A program that this process runs itself, for a look at the world: no shim and no files, so it is never
//! more than its caller. Whatever it started is ended with it, also where the caller stops waiting; its
//! output costs bounded memory. It decides no verdict and removes no secret: both are the caller's.

mod left;
mod output;
mod start;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use output::Sink;

/// Bytes of standard error that are kept: its end.
const STDERR_KEPT: usize = 64 << 10;
/// Lines that wait for a follower; a program that writes faster waits with them.
const LINES_WAITING: usize = 256;

/// What is to run.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments. A name without `/` is looked for on the PATH, one with a `/` in `cwd`.
    pub argv: Vec<String>,
    /// None is this process's own.
    pub cwd: Option<PathBuf>,
    /// On top of this process's environment.
    pub env: Vec<(String, String)>,
    /// None is an input that is empty.
    pub stdin: Option<String>,
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    pub exit: Option<i32>,
    /// The signal that ended it; ours too, where `timed_out`.
    pub signal: Option<i32>,
    /// Why it never ran, as a sentence.
    pub error: Option<String>,
    /// We ended it because its time was up.
    pub timed_out: bool,
    /// The beginning of its output, as much as the caller keeps; nothing for a follower.
    pub stdout: Bytes,
    /// All that it wrote: more than `stdout` holds where that was cut.
    pub stdout_bytes: u64,
    /// The end of its standard error, at most 64 KiB.
    pub stderr: Bytes,
    pub stderr_bytes: u64,
    /// Channel its start to its own end.
    pub took: Duration,
    /// Processes that outlived it and were ended.
    pub left_behind: usize,
    /// Processes that were still there after KILL.
    pub survivors: usize,
    /// Something outside its tree still held an output open: what came later is not known.
    pub held_open: bool,
}

impl Ended {
    /// True where `stdout` is not the whole output.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.stdout_bytes > self.stdout.len() as u64
    }

    /// The end of its standard error without the line it was cut in: half a secret would pass unknown.
    #[must_use]
    pub fn stderr_lines(&self) -> &[u8] {
        if self.stderr_bytes <= self.stderr.len() as u64 {
            return &self.stderr;
        }
        let line = self.stderr.iter().position(|byte| *byte == b'\n').map_or(self.stderr.len(), |at| at + 1);
        &self.stderr[line..]
    }
}

/// Runs `program` to its end, or to `timeout` and then to the end of all it started: TERM, and KILL a second
/// later. `keep` bytes of its output are kept; the rest is read and counted. Where this future is dropped, the
/// program is ended as by a timeout.
pub async fn run(program: &Program, timeout: Duration, keep: usize) -> Ended {
    let (task, _guard) = match begin(program, Some(timeout), Sink::head(keep)) {
        Ok(begun) => begun,
        Err(error) => return Ended { error: Some(error), ..Ended::default() },
    };
    task.await.unwrap_or_else(|_| broken_off())
}

/// A line that a followed program wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub from: Channel,
    /// Without its line break; what is no UTF-8 is replaced.
    pub text: String,
    /// True where the line was longer than 16 KiB and only its beginning is here.
    pub cut: bool,
}

/// Which output a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Stdout,
    Stderr,
}

/// A program whose lines are read as they come. It is ended when this is dropped.
#[derive(Debug)]
pub struct Follower {
    lines: Receiver<Line>,
    task: JoinHandle<Ended>,
    _guard: DropGuard,
}

/// Starts `program` and follows both its outputs. It has no timeout, and waits where nobody takes its lines.
///
/// # Errors
/// Why it never ran, as a sentence.
pub fn follow(program: &Program) -> Result<Follower, String> {
    let (sender, lines) = channel(LINES_WAITING);
    let (task, guard) = begin(program, None, Sink::lines(sender))?;
    Ok(Follower { lines, task, _guard: guard })
}

impl Follower {
    /// The next line; none once the program has ended and all its lines were taken. Cancel-safe.
    pub async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// How it ended. Lines that nobody took are lost.
    pub async fn ended(mut self) -> Ended {
        self.lines.close();
        (&mut self.task).await.unwrap_or_else(|_| broken_off())
    }
}

type Begun = (JoinHandle<Ended>, DropGuard);

fn begin(program: &Program, timeout: Option<Duration>, sink: Sink) -> Result<Begun, String> {
    let running = start::start(program, sink)?;
    let cancel = CancellationToken::new();
    // A task of its own: it sees to the end of the tree where the caller no longer waits.
    let task = tokio::spawn(running.watched(timeout, cancel.clone()));
    Ok((task, cancel.drop_guard()))
}

fn broken_off() -> Ended {
    Ended { error: Some("it was broken off: this process is ending".to_owned()), ..Ended::default() }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        let mut debug = f.debug_struct("Program");
        debug.field("argv", &self.argv).field("cwd", &self.cwd).field("env", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
