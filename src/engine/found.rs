//! Rollbacks that were begun at another terminal: found in the launch's folder, and handed to the loop as
//! commands of whoever asked. It reads, and records nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::rollback::{self, Found, login};
use super::stir::Stir;
use crate::clock;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::RollbackId;

/// A folder that changed so lately may change again without showing another time of change.
const GRAIN: i64 = 1_000;
/// A disk that works answers sooner. One that hangs is not asked again before it has answered: the loop goes on
/// without it.
const PATIENCE: Duration = Duration::from_millis(100);

/// The folder of rollbacks as the loop knows it. It is read on threads beside the loop.
pub struct Finder {
    launch: Option<PathBuf>,
    /// Time of the folder's last change, in nanoseconds, where all of that change was read.
    read: Option<i128>,
    /// Runs that were handed over, or that this console began.
    known: BTreeSet<u32>,
    stir: Option<Stir>,
    /// A look that the disk has not answered yet.
    looking: Option<JoinHandle<Looked>>,
}

/// What a look at the folder came to.
struct Looked {
    change: Option<i128>,
    /// Nothing more can come to the same time of change.
    settled: bool,
    runs: Vec<(Found, String)>,
}

impl Finder {
    /// Of no launch where there is no folder, as for `tminus gate`: it finds nothing.
    #[must_use]
    pub fn new(launch: Option<PathBuf>) -> Self {
        let stir = launch.as_ref().map(|launch| Stir::of(launch.join("rollback")));
        Self { launch, read: None, known: BTreeSet::new(), stir, looking: None }
    }

    /// Returns when it is time to look again.
    pub async fn due(&mut self) {
        match &mut self.stir {
            Some(stir) => stir.next().await,
            None => std::future::pending().await,
        }
    }

    /// True where the folder may hold what was not read yet.
    pub async fn changed(&mut self) -> bool {
        self.looked().await.is_some()
    }

    /// A number for a rollback of this console's own, taken in the folder; none where the disk refuses, or does
    /// not answer.
    pub async fn number(&mut self, board: &Board) -> Option<u32> {
        let after = board.rollbacks.iter().map(|known| known.run).max().unwrap_or(0);
        let launch = self.launch.clone().filter(|_| self.looking.is_none())?;
        let numbered = spawn_blocking(move || rollback::number(&launch, after));
        let run = timeout(PATIENCE, numbered).await.ok()?.ok()?.ok()?;
        self.known.insert(run);
        Some(run)
    }

    /// What `board` does not know yet, each once.
    pub async fn look(&mut self, board: &Board) -> Vec<(Actor, Command)> {
        let Some(looked) = self.looked().await else { return Vec::new() };
        let known = |run: u32| self.known.contains(&run) || board.rollbacks.iter().any(|known| known.run == run);
        let strangers: Vec<(Found, String)> = looked.runs.into_iter().filter(|(found, _)| !known(found.run)).collect();
        self.read = looked.change.filter(|_| looked.settled);
        self.known.extend(strangers.iter().map(|(found, _)| found.run));
        strangers.into_iter().map(|(found, owner)| told(found, owner, board)).collect()
    }

    /// True where a rollback lies there that `board` does not know: what was decided without it is void,
    /// though it may have ended by now. Where the disk does not tell, the step's own shim looks.
    pub async fn is_overtaken(&mut self, board: &Board) -> bool {
        let Some(looked) = self.looked().await else { return false };
        let known = |run: u32| self.known.contains(&run) || board.rollbacks.iter().any(|known| known.run == run);
        looked.runs.iter().any(|(found, _)| !known(found.run))
    }

    /// The folder, where it may hold what was not read yet, and the disk tells it.
    async fn looked(&mut self) -> Option<Looked> {
        let (launch, read) = (self.launch.clone()?, self.read);
        let mut looking = match self.looking.take() {
            // It was waited for once.
            Some(looking) if !looking.is_finished() => {
                self.looking = Some(looking);
                return None;
            }
            Some(looking) => looking,
            None => spawn_blocking(move || look_at(&launch, read)),
        };
        match timeout(PATIENCE, &mut looking).await {
            Ok(looked) => looked.ok().filter(|looked| looked.change.is_some() && looked.change != self.read),
            Err(_) => {
                self.looking = Some(looking);
                None
            }
        }
    }
}

/// Looks at the folder; its runs are read where it has changed since it was `read`.
fn look_at(launch: &Path, read: Option<i128>) -> Looked {
    let change = fs::metadata(launch.join("rollback")).ok();
    let change = change.map(|told| i128::from(told.mtime()) * 1_000_000_000 + i128::from(told.mtime_nsec()));
    let Some(changed) = change.filter(|change| read != Some(*change)) else {
        return Looked { change, settled: true, runs: Vec::new() };
    };
    let settled = i128::from(clock::wall().timestamp_millis() - GRAIN) * 1_000_000 > changed;
    let runs = rollback::runs(launch).unwrap_or_default();
    let runs = runs.into_iter().map(|found| {
        let owner = if found.request.is_none() { owner(launch, found.run, &found.rollback) } else { String::new() };
        (found, owner)
    });
    Looked { change, settled, runs: runs.collect() }
}

fn told(found: Found, owner: String, board: &Board) -> (Actor, Command) {
    let Found { run, rollback, request } = found;
    let (by, why) = match request {
        Some(request) => {
            let role = request.role.clone().filter(|role| board.plan.role(role).is_some());
            let from = if request.from.is_empty() { String::new() } else { format!(" (at {})", request.from) };
            (Actor { role, ..request.by() }, format!("{}{from}", request.why))
        }
        None => (Actor::person(owner, None), "asked for at another terminal".to_owned()),
    };
    (by, Command::RollbackFound { rollback, run, why })
}

fn owner(launch: &Path, run: u32, id: &RollbackId) -> String {
    let uid = fs::metadata(rollback::folder(launch, run, id)).ok().map(|told| told.uid());
    uid.map_or_else(|| "somebody".to_owned(), login)
}
