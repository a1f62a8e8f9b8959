//! A running program, watched to its end and to the end of all it started: its time, its outputs, who
//! outlives it.

use std::future::pending;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::left::Tree;
use super::output::{Pipe, Sink, Tail};
use super::{Channel, Ended};
use crate::base::proc::pump::Input;

/// How long what the program left running may take to leave by itself: the `tee` of a pipeline has its
/// last lines to write.
const LINGER: Duration = Duration::from_millis(500);
/// Channel TERM to KILL. A look at the world has nothing to put in order that takes longer.
const GRACE: Duration = Duration::from_secs(1);
/// How often the tree is walked while it is being ended.
const ROUND: Duration = Duration::from_millis(20);
/// How long a process may take to die of KILL before it is a survivor.
const AFTER_KILL: Duration = Duration::from_secs(2);
/// How long an output may stay open after the last of the tree is gone.
const DRAIN: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct Running {
    pub child: Child,
    pub tree: Tree,
    pub input: Input,
    pub out: Pipe<ChildStdout>,
    pub err: Pipe<ChildStderr>,
    pub sink: Sink,
    pub stderr: Tail,
    /// Nobody is left, or nothing more can be done.
    pub over: bool,
}

/// What is waited for, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The program's end, or its timeout.
    Program,
    /// What it left running to leave by itself, and its outputs to close.
    Leaving,
    /// The tree to end after TERM.
    Ending,
    /// The tree to end after KILL.
    Killing,
    /// The outputs to close, nobody being left.
    Draining,
    Over,
}

/// Where a running program stands on its way to its end.
#[derive(Debug)]
struct Course {
    stage: Stage,
    until: Option<Instant>,
    /// When the tree is walked next.
    round: Option<Instant>,
    termed: Vec<u32>,
    timed_out: bool,
    left_behind: usize,
    survivors: usize,
}

impl Course {
    fn new(until: Option<Instant>) -> Self {
        let stage = Stage::Program;
        Self { stage, until, round: None, termed: Vec::new(), timed_out: false, left_behind: 0, survivors: 0 }
    }

    /// Goes on by one stage where it is time. True where it did.
    async fn moves(&mut self, running: &Running, ended: bool, cancelled: bool) -> bool {
        let now = Instant::now();
        if running.sink.is_full() && matches!(self.stage, Stage::Leaving | Stage::Draining) {
            // What it wrote is still here: that its follower is slow is not for it to pay.
            self.until = Some(now + LINGER);
        }
        let late = self.until.is_some_and(|until| until <= now);
        let next = match self.stage {
            Stage::Program if ended => Stage::Leaving,
            Stage::Program if late || cancelled => {
                self.timed_out = !cancelled;
                Stage::Ending
            }
            Stage::Leaving if late || cancelled || !running.is_open() => {
                self.left_behind = running.left().await.len();
                if self.left_behind == 0 { Stage::Draining } else { Stage::Ending }
            }
            Stage::Ending | Stage::Killing if self.round.is_some_and(|round| round <= now) => {
                let left = running.left().await;
                self.round = Some(now + ROUND);
                match self.stage {
                    _ if left.is_empty() && ended => Stage::Draining,
                    Stage::Ending if late => {
                        // At once: on a machine that is late, its time may be over at the next look.
                        running.tree.kill_these(&left);
                        Stage::Killing
                    }
                    Stage::Ending => {
                        Tree::term(&left, &mut self.termed);
                        return false;
                    }
                    _ if late => {
                        self.survivors = left.len();
                        Stage::Draining
                    }
                    _ => {
                        running.tree.kill_these(&left);
                        return false;
                    }
                }
            }
            Stage::Draining if late || !running.is_open() => Stage::Over,
            _ => return false,
        };
        let (span, walks) = match next {
            Stage::Program | Stage::Leaving => (LINGER, false),
            Stage::Ending => (GRACE, true),
            Stage::Killing => (AFTER_KILL, true),
            Stage::Draining | Stage::Over => (DRAIN, false),
        };
        self.stage = next;
        self.until = Some(now + span);
        self.round = walks.then_some(now);
        true
    }
}

impl Running {
    pub async fn watched(mut self, timeout: Option<Duration>, cancel: CancellationToken) -> Ended {
        let begun = Instant::now();
        let mut course = Course::new(timeout.and_then(|timeout| begun.checked_add(timeout)));
        let (mut status, mut cancelled) = (None, false);
        loop {
            let reads = !self.sink.is_full();
            tokio::select! {
                done = self.child.wait(), if status.is_none() => status = Some((done.ok(), begun.elapsed())),
                bytes = self.out.turn(), if reads => self.sink.take(Channel::Stdout, bytes),
                bytes = self.err.turn(), if reads => {
                    self.stderr.take(bytes);
                    self.sink.take(Channel::Stderr, bytes);
                }
                () = self.input.turn() => {}
                () = self.sink.turn(), if !self.sink.is_left() => {}
                // Once, whenever it was: before the first look, too.
                () = cancel.cancelled(), if !cancelled => cancelled = true,
                () = at(course.until) => {}
                () = at(course.round) => {}
            }
            // More than one thing may have come about at once, and nothing wakes us for what already is.
            while course.moves(&self, status.is_some(), cancelled || self.sink.is_left()).await {}
            if course.stage == Stage::Over {
                break;
            }
        }
        self.over = true;
        self.handed_over(&cancel).await;
        let (done, took) = status.unwrap_or_else(|| (None, begun.elapsed()));
        Ended {
            exit: done.and_then(|done| done.code()),
            signal: done.and_then(|done| done.signal()),
            error: None,
            timed_out: course.timed_out,
            stdout_bytes: self.out.read,
            stderr_bytes: self.err.read,
            stdout: std::mem::replace(&mut self.sink, Sink::head(0)).kept(),
            stderr: std::mem::take(&mut self.stderr).bytes(),
            took,
            left_behind: course.left_behind,
            survivors: course.survivors,
            held_open: self.is_open(),
        }
    }

    fn is_open(&self) -> bool {
        self.out.is_open() || self.err.is_open()
    }

    /// The last lines, to a follower that still takes them.
    async fn handed_over(&mut self, cancel: &CancellationToken) {
        self.sink.finish();
        while self.sink.is_full() && !self.sink.is_left() {
            tokio::select! {
                () = self.sink.turn() => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    /// Off the runtime's threads: `/proc` of a busy host takes milliseconds.
    async fn left(&self) -> Vec<u32> {
        let tree = self.tree.clone();
        tokio::task::spawn_blocking(move || tree.left()).await.unwrap_or_default()
    }
}

impl Drop for Running {
    /// Reached before its time only where the runtime itself ends: nobody can wait for a grace then.
    fn drop(&mut self) {
        if !self.over {
            self.tree.kill();
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
