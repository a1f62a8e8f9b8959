//! Programs that live on after their step has passed: tells when one is ready, follows it to its end, and ends
//! those that a launch leaves when it is over. What they are is the shim's and the step's own; here is only told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::steps::{self, Following, Outputs};
use super::world::World;
use crate::base::proc::{self, Ready, Standing};
use crate::kind::exchange::shown;
use crate::kind::step::{act, ours};
use crate::launch::board::Board;
use crate::launch::command::Observation;
use crate::launch::id::{Attempt, ItemId};
use crate::launch::process::{self, Living};
use crate::launch::time::Wall;
use crate::launch::verdict::Outcome;

/// How often it is looked whether a program is ready.
const LOOK: Duration = Duration::from_millis(100);
/// The kind that leaves a program living.
const PROCESS: &str = <crate::kind::step::process::Process as crate::kind::step::Step>::KIND.name;
/// Columns of a reason.
const KEPT: usize = 600;

/// An attempt that may come to live on.
pub struct Watched<'a> {
    world: &'a World,
    item: &'a ItemId,
    attempt: Attempt,
    dir: &'a Path,
    /// False for a step that only ends.
    lives: bool,
    told: bool,
}

impl<'a> Watched<'a> {
    #[must_use]
    pub fn new(world: &'a World, item: &'a ItemId, attempt: Attempt, dir: &'a Path, lives: bool) -> Self {
        Self { world, item, attempt, dir, lives, told: false }
    }

    /// Tells once that it is ready. Never returns.
    pub async fn ready(&mut self) {
        loop {
            self.look().await;
            match self.lives && !self.told {
                true => tokio::time::sleep(LOOK).await,
                false => std::future::pending().await,
            }
        }
    }

    /// Looks at the file that tells it.
    async fn look(&mut self) {
        let Some(ready) = self.read() else { return };
        self.told = true;
        let Ready { pid, took_ms, captured, at_ms, .. } = ready;
        let outcome = Outcome {
            ready: true,
            took: Duration::from_millis(took_ms),
            simulated: self.world.simulated.is_some(),
            ended_at: Wall::from_timestamp_millis(at_ms),
            ..Outcome::default()
        };
        let (item, attempt) = (self.item.clone(), self.attempt);
        self.world.observe(Observation::ProcessReady { item, attempt, pid, captured, outcome }).await;
    }

    fn read(&self) -> Option<Ready> {
        if self.told || !self.lives {
            return None;
        }
        proc::ready(self.dir)
    }

    /// Whether it was ready, however late that is learnt: then its end is not its step's.
    pub async fn was_ready(&mut self) -> bool {
        self.look().await;
        self.told
    }
}

/// Tells how a program that was ready came to its end.
pub async fn tell_end(world: &World, item: &ItemId, attempt: Attempt, dir: &Path, standing: std::io::Result<Standing>) {
    let outcome = match standing {
        Ok(standing) => act::outcome(standing, dir, &world.redactor),
        Err(error) => act::never(&error.to_string(), &world.redactor),
    };
    let told = ours::told(dir).filter(|_| outcome.error.is_none());
    let words = [proc::stopped(dir), Some(told.unwrap_or_else(|| outcome.words()))];
    let why = shown(&words.into_iter().flatten().collect::<Vec<_>>().join(": "), KEPT, &world.redactor);
    world.forget(item, attempt);
    world.observe(Observation::ProcessEnded { item: item.clone(), attempt, why, outcome }).await;
}

/// Follows what an earlier console, or an earlier plan, left living.
pub fn adopt(world: &World, outputs: &Outputs, item: &ItemId, known: &Living) {
    let Some(launch) = world.folder.clone() else { return };
    let (world, outputs, item, attempt) = (world.clone(), outputs.clone(), item.clone(), known.attempt);
    let cancel = world.cancel_token(&item, attempt);
    if known.asked.is_some() {
        // Asked for by a console that went before it could reach the shim.
        cancel.cancel();
    }
    tokio::spawn(async move {
        let dir = steps::folder(&launch, &item, attempt);
        let mut following = Following::new(&outputs, &item, &dir);
        following.look();
        if !world.acting.may() {
            return;
        }
        let standing = tokio::select! {
            end = steps::at_its_end(&dir, proc::ended(&dir), &cancel, || following.look()) => end,
            () = world.acting.stopped() => return,
        };
        following.look();
        tell_end(&world, &item, attempt, &dir, standing).await;
    });
}

/// Ends all that lives: the launch is over, and nobody would follow it any more.
pub fn end_all(world: &World, board: &Board) -> Option<JoinHandle<()>> {
    let dirs = dirs(world.folder.as_deref()?, board);
    (!dirs.is_empty()).then(|| tokio::task::spawn_blocking(move || end(&dirs)))
}

/// The attempts that live on, or may yet come to, in the launch whose folder is `launch`.
#[must_use]
pub fn dirs(launch: &Path, board: &Board) -> Vec<PathBuf> {
    let begins = board.plan.items.values().filter(|item| item.kind == PROCESS).filter_map(|item| {
        let state = board.item(&item.id).filter(|state| state.is_running())?;
        Some((&item.id, state.attempt?))
    });
    let living = process::living(board).map(|(item, known)| (item, known.attempt));
    living.chain(begins).map(|(item, attempt)| steps::folder(launch, item, attempt)).collect()
}

/// Ends the attempts in `dirs`, without waiting for it.
pub fn end(dirs: &[PathBuf]) {
    for dir in dirs {
        proc::tell_stopped(dir, "the launch has ended");
        if let Err(error) = proc::stop(dir, "the launch has ended; it never ran") {
            tracing::error!("failed to end what runs in {}: {error}", dir.display());
        }
    }
}
