//! The workers' parent: starts them, gives each one evaluation at a time with a deadline, keeps the
//! living warm and replaces the dead. It waits on threads of its own, so that paused time in a test and
//! another runtime make no difference.

use std::io;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::engine::Outcome;
use super::worker::{FRAME, HELLO, read_frame, write_frame};

const DEADLINE: Duration = Duration::from_secs(1);
/// A worker has this long to start, on a machine that is busy.
const START: Duration = Duration::from_secs(5);
/// Workers at once.
const MOST: usize = 4;

#[derive(Debug)]
pub(super) struct Pool {
    place: Place,
    deadline: Duration,
    idle: Arc<Mutex<Vec<Worker>>>,
    turns: Arc<Semaphore>,
}

/// Where programs are evaluated.
#[derive(Debug, Clone)]
enum Place {
    Worker(PathBuf),
    /// In this process: only for this crate's own unit tests, whose executable is no worker.
    #[cfg(test)]
    Here,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<io::Result<Vec<u8>>>,
}

/// Why an evaluation has no answer.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the jq worker did not start: {0}")]
    Start(io::Error),
    #[error("{0:?} is no jq worker: it does not answer to `__jq`")]
    Stranger(PathBuf),
    #[error("the jq worker died of this program")]
    Died,
    #[error("took longer than {0:?}")]
    Late(Duration),
    #[error("the input is larger than {FRAME} bytes")]
    Large,
}

impl Default for Pool {
    fn default() -> Self {
        #[cfg(test)]
        let place = Place::Here;
        #[cfg(not(test))]
        let place = Place::Worker("/proc/self/exe".into());
        Self::at(place, DEADLINE)
    }
}

impl Pool {
    pub(super) fn of(executable: PathBuf) -> Self {
        Self::at(Place::Worker(executable), DEADLINE)
    }

    pub(super) fn with_deadline(&self, deadline: Duration) -> Self {
        Self::at(self.place.clone(), deadline)
    }

    fn at(place: Place, deadline: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(processors.clamp(1, MOST)));
        Self { place, deadline, idle: Arc::default(), turns }
    }

    /// # Errors
    /// Why there is not exactly one value.
    pub(super) async fn evaluate(&self, request: Vec<u8>) -> Result<Value, String> {
        let executable = match &self.place {
            Place::Worker(executable) => executable.clone(),
            #[cfg(test)]
            Place::Here => return Outcome::decode(&super::engine::Engine::default().answer(&request).encode()),
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| error.to_string())?;
        let (idle, deadline) = (Arc::clone(&self.idle), self.deadline);
        let exchange = tokio::task::spawn_blocking(move || {
            let answer = exchange(&executable, &idle, &request, deadline);
            drop(turn);
            answer
        });
        match exchange.await {
            Ok(Ok(answer)) => Outcome::decode(&answer),
            Ok(Err(lost)) => Err(lost.to_string()),
            Err(error) => Err(format!("the evaluation was broken off: {error}")),
        }
    }
}

fn exchange(
    executable: &PathBuf,
    idle: &Mutex<Vec<Worker>>,
    request: &[u8],
    deadline: Duration,
) -> Result<Vec<u8>, Lost> {
    if request.len() > FRAME {
        return Err(Lost::Large);
    }
    let pop = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    loop {
        let (mut worker, warm) = match pop() {
            Some(worker) => (worker, true),
            None => (Worker::start(executable)?, false),
        };
        match worker.ask(request, deadline) {
            Ok(answer) => {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                return Ok(answer);
            }
            // A warm one may have died before it was asked: the program is to blame only if a fresh one dies too.
            Err(Lost::Died) if warm => {}
            Err(lost) => return Err(lost),
        }
    }
}

impl Worker {
    fn start(executable: &PathBuf) -> Result<Self, Lost> {
        let mut command = Command::new(executable);
        command.arg("__jq").env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // An interrupt typed at the terminal is the console's to judge, not the workers' to die of.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(Lost::Start)?;
        let (Some(requests), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Lost::Start(io::ErrorKind::BrokenPipe.into()));
        };
        let (send, answers) = channel();
        let reader = std::thread::Builder::new().name("jq-answers".into()).spawn(move || {
            loop {
                let frame = read_frame(&mut from);
                let ended = frame.is_err();
                if send.send(frame).is_err() || ended {
                    return;
                }
            }
        });
        let worker = Self { child, requests, answers };
        reader.map_err(Lost::Start)?;
        match worker.answers.recv_timeout(START) {
            Ok(Ok(hello)) if hello == HELLO => Ok(worker),
            _ => Err(Lost::Stranger(executable.clone())),
        }
    }

    fn ask(&mut self, request: &[u8], deadline: Duration) -> Result<Vec<u8>, Lost> {
        write_frame(&mut self.requests, request).map_err(|_| Lost::Died)?;
        match self.answers.recv_timeout(deadline) {
            Ok(Ok(answer)) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(Lost::Late(deadline)),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(Lost::Died),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing: there is nothing to wait for but its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
