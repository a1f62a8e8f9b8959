//! Rollbacks that were begun at another terminal: found in the launch's folder, and handed to the loop as
//! commands of whoever asked. It reads, and records nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::rollback::{self, Found, login};
use crate::clock;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::RollbackId;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A folder that changed so lately may change again without showing another time of change.
const GRAIN: i64 = 1_000;

/// The folder of rollbacks as the loop knows it.
pub struct Finder {
    launch: Option<PathBuf>,
    /// Time of the folder's last change, in nanoseconds, where all of that change was read.
    read: Option<i128>,
    /// Runs that were handed over, or that this console began.
    known: BTreeSet<u32>,
    at: Instant,
}

impl Finder {
    /// Of no launch where there is no folder, as for `tminus gate`: it finds nothing.
    #[must_use]
    pub fn new(launch: Option<PathBuf>) -> Self {
        Self { launch, read: None, known: BTreeSet::new(), at: Instant::now() }
    }

    /// Returns when it is time to look again.
    pub async fn due(&mut self) {
        if self.launch.is_none() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep_until(self.at).await;
        self.at = Instant::now() + LOOK;
    }

    /// True where the folder may hold what was not read yet.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.change().is_some_and(|change| self.read != Some(change))
    }

    /// A number for a rollback of this console's own, taken in the folder; none where the disk refuses.
    pub fn number(&mut self, board: &Board) -> Option<u32> {
        let after = board.rollbacks.iter().map(|known| known.run).max().unwrap_or(0);
        let run = rollback::number(self.launch.as_ref()?, after).ok()?;
        self.known.insert(run);
        Some(run)
    }

    /// What `board` does not know yet, each once.
    pub fn look(&mut self, board: &Board) -> Vec<(Actor, Command)> {
        let Some(change) = self.change().filter(|change| self.read != Some(*change)) else { return Vec::new() };
        let settled = i128::from(clock::wall().timestamp_millis() - GRAIN) * 1_000_000 > change;
        let strangers = self.strangers(board);
        self.read = settled.then_some(change);
        self.known.extend(strangers.iter().map(|found| found.run));
        strangers.into_iter().map(|found| self.told(found, board)).collect()
    }

    /// True where a rollback lies there that `board` does not know: what was decided without it is void,
    /// though it may have ended by now.
    #[must_use]
    pub fn is_overtaken(&self, board: &Board) -> bool {
        self.changed() && !self.strangers(board).is_empty()
    }

    fn change(&self) -> Option<i128> {
        let told = fs::metadata(self.launch.as_ref()?.join("rollback")).ok()?;
        Some(i128::from(told.mtime()) * 1_000_000_000 + i128::from(told.mtime_nsec()))
    }

    fn strangers(&self, board: &Board) -> Vec<Found> {
        let runs = self.launch.as_ref().map(|launch| rollback::runs(launch).unwrap_or_default()).unwrap_or_default();
        let known = |run: u32| self.known.contains(&run) || board.rollbacks.iter().any(|known| known.run == run);
        runs.into_iter().filter(|found| !known(found.run)).collect()
    }

    fn told(&self, found: Found, board: &Board) -> (Actor, Command) {
        let Found { run, rollback, request } = found;
        let (by, why) = match request {
            Some(request) => {
                let role = request.role.filter(|role| board.plan.role(role).is_some());
                let from = if request.from.is_empty() { String::new() } else { format!(" (at {})", request.from) };
                (Actor::person(request.name, role), format!("{}{from}", request.why))
            }
            None => (Actor::person(self.owner(run, &rollback), None), "asked for at another terminal".to_owned()),
        };
        (by, Command::RollbackFound { rollback, run, why })
    }

    fn owner(&self, run: u32, id: &RollbackId) -> String {
        let folder = self.launch.as_ref().map(|launch| rollback::folder(launch, run, id));
        let uid = folder.and_then(|folder| fs::metadata(folder).ok()).map(|told| told.uid());
        uid.map_or_else(|| "somebody".to_owned(), login)
    }
}
