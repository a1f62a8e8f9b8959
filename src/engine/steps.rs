//! Steps under the shim: starts one whose intent is on disk, follows its output, and tells how it
//! ended. A console that comes back follows the attempts it finds.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::living::{self, Watched};
use super::world::World;
use crate::base::boundary::reach;
use crate::base::proc::{self, Standing, Tail, Unless};
use crate::kind::Spec;
use crate::kind::step::{act, weight};
use crate::launch::board::Board;
use crate::launch::command::Observation;
use crate::launch::id::{Attempt, ItemId};
use crate::launch::live::OutputView;
use crate::launch::plan::{Item, SpecId};
use crate::launch::time::Wall;
use crate::launch::verdict::{Verdict, Weight};

/// How often a running step's output is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Lines of an output that the pane keeps.
const KEPT: usize = 400;

/// Where the tails of outputs go, for the panes.
pub type Outputs = Arc<dyn Fn(&ItemId, OutputView) + Send + Sync>;

/// The folder of one attempt.
#[must_use]
pub fn folder(launch: &Path, item: &ItemId, attempt: Attempt) -> PathBuf {
    launch.join("steps").join(item.folder()).join(attempt.to_string())
}

/// Why nobody begins a step any more that a console which is gone meant to begin.
pub const LEFT: &str = "its console went before it began; it never ran";
/// Of a step whose intent was given up, since the disk did not answer, and stood on it after all.
pub const GIVEN_UP: &str = "the disk said too late that it was recorded: it was not begun, and never ran";
/// Why a step that was decided before a rollback it did not know of does not run.
pub const OVERTAKEN: &str = "a rollback was begun elsewhere before it began; it never ran";

/// Runs a step whose intent is in the journal, as `board` was when that was decided. The shim itself looks
/// whether a rollback came between: this process may be stopped anywhere on the way.
pub fn start(world: &World, outputs: &Outputs, item: &Item, spec: SpecId, attempt: Attempt, board: &Board) {
    let (Some(entry), Some(launch)) = (world.catalogue.get(spec).cloned(), world.folder.clone()) else { return };
    let mut scope = entry.scope.with(&super::world::found(board));
    // What was typed for this attempt.
    for (field, value) in board.item(&item.id).iter().flat_map(|state| &state.fields) {
        scope.bind(field.as_str(), value.clone().into());
    }
    let (world, outputs, item) = (world.clone(), Arc::clone(outputs), item.clone());
    let unless = Unless {
        folder: launch.join("rollback"),
        known: board.rollbacks.iter().map(|known| known.run).collect(),
        why: OVERTAKEN.to_owned(),
    };
    let cancel = world.cancel_token(&item.id, attempt);
    tokio::spawn(async move {
        let Spec::Step(spec) = &entry.spec else { return };
        let dir = folder(&launch, &item.id, attempt);
        let mut following = Following::new(&outputs, &item.id, &dir);
        let mut watched = Watched::new(&world, &item.id, attempt, &dir, spec.life().is_some());
        let ground = act::Ground {
            program: &world.program,
            base: &world.base,
            redactor: &world.redactor,
            network: world.client.network(),
            simulated: world.simulated,
        };
        let started = match act::prepared(&entry, &item.id, &scope, item.timeout, ground) {
            Ok((mut intent, private)) => {
                intent.unless = Some(unless);
                // Only so that no shim is started in vain: what keeps it from running is the claim.
                if !world.acting.may() {
                    return;
                }
                reach("intent-kept");
                let (program, place) = (world.program.clone(), dir.clone());
                let begun = tokio::task::spawn_blocking(move || proc::start(&program, &place, &intent, &private)).await;
                begun.map_err(|error| error.to_string()).and_then(|begun| begun.map_err(|error| error.to_string()))
            }
            Err(why) => Err(why),
        };
        let standing = match started {
            Ok(started) => {
                let pid = started.pid;
                reach("shim-started");
                world.observe(Observation::StepStarted { item: item.id.clone(), attempt, pid }).await;
                tokio::select! {
                    end = at_its_end(&dir, started.ended(), &cancel, || following.look()) => end,
                    () = watched.ready() => return,
                    () = world.acting.stopped() => return,
                }
            }
            Err(why) => Err(io::Error::other(why)),
        };
        following.look();
        if watched.was_ready().await {
            return living::tell_end(&world, &item.id, attempt, &dir, standing).await;
        }
        tell(&world, &item.id, attempt, spec.exits(), standing, &dir).await;
    });
}

/// Follows an attempt that another console started, or learns how it ended.
/// One that nobody claimed never runs, `unless_claimed` says why.
pub fn adopt(
    world: &World,
    outputs: &Outputs,
    item: &Item,
    spec: SpecId,
    attempt: Attempt,
    unless_claimed: &'static str,
) {
    let (Some(entry), Some(launch)) = (world.catalogue.get(spec).cloned(), world.folder.clone()) else { return };
    let (world, outputs, item) = (world.clone(), Arc::clone(outputs), item.clone());
    let cancel = world.cancel_token(&item.id, attempt);
    tokio::spawn(async move {
        let Spec::Step(spec) = &entry.spec else { return };
        let dir = folder(&launch, &item.id, attempt);
        let mut following = Following::new(&outputs, &item.id, &dir);
        let mut watched = Watched::new(&world, &item.id, attempt, &dir, spec.life().is_some());
        if !world.acting.may() {
            return;
        }
        // An attempt that nobody claimed may still be claimed by a shim that is only just beginning:
        // fenced, it can never run, and repeating it is safe.
        let fenced = proc::fence(&dir, unless_claimed);
        let standing = match fenced {
            Ok(_) => {
                // Told again though it was told before: the journal then says that it lived when we came.
                if let Ok(Standing::Running { pid }) = proc::look(&dir) {
                    world.observe(Observation::StepStarted { item: item.id.clone(), attempt, pid }).await;
                }
                tokio::select! {
                    end = at_its_end(&dir, proc::ended(&dir), &cancel, || following.look()) => end,
                    () = watched.ready() => return,
                    () = world.acting.stopped() => return,
                }
            }
            Err(error) => Err(error),
        };
        following.look();
        if watched.was_ready().await {
            return living::tell_end(&world, &item.id, attempt, &dir, standing).await;
        }
        tell(&world, &item.id, attempt, spec.exits(), standing, &dir).await;
    });
}

/// The attempt in `dir` once `end` tells that it ended. A cancel ends it wherever it stands: one that no
/// shim has claimed never runs, and a shim that has is asked, again until it was there to be asked.
///
/// # Errors
/// Those of `end`.
pub async fn at_its_end(
    dir: &Path,
    end: impl Future<Output = io::Result<Standing>>,
    cancel: &CancellationToken,
    mut look: impl FnMut(),
) -> io::Result<Standing> {
    tokio::pin!(end);
    let mut asked = false;
    loop {
        if cancel.is_cancelled() && !asked {
            // Between two looks a shim may claim, or the disk refuse the fence: both are tried again.
            asked = proc::stop(dir, "cancelled before it began; it never ran").unwrap_or(false);
        }
        tokio::select! {
            ended = &mut end => return ended,
            () = cancel.cancelled(), if !cancel.is_cancelled() => {}
            () = tokio::time::sleep(LOOK) => look(),
        }
    }
}

async fn tell(
    world: &World,
    item: &ItemId,
    attempt: Attempt,
    exits: &[(i32, Verdict)],
    standing: io::Result<Standing>,
    dir: &Path,
) {
    reach("outcome-learnt");
    let outcome = match standing {
        Ok(standing) => act::outcome(standing, dir, &world.redactor),
        Err(error) => act::never(&error.to_string(), &world.redactor),
    };
    world.forget(item, attempt);
    let verdict = outcome.verdict(exits);
    world.observe(Observation::StepEnded { item: item.clone(), attempt, verdict, outcome }).await;
}

/// Both outputs of an attempt, followed for the pane.
pub struct Following {
    outputs: Outputs,
    item: ItemId,
    dir: PathBuf,
    tails: [Tail; 2],
    weight: Option<(Weight, Wall)>,
}

impl Following {
    #[must_use]
    pub fn new(outputs: &Outputs, item: &ItemId, dir: &Path) -> Self {
        let tails = ["stdout", "stderr"].map(|name| Tail::new(dir.join(name), KEPT));
        Self { outputs: Arc::clone(outputs), item: item.clone(), dir: dir.to_owned(), tails, weight: None }
    }

    /// Reads on; an output that cannot be read is still on disk, and the outcome tells how it ended.
    pub fn look(&mut self) {
        let grew = self.tails.each_mut().map(|tail| tail.look().unwrap_or(false));
        let weight = weight::told(&self.dir);
        let moved = std::mem::replace(&mut self.weight, weight) != weight;
        if moved || grew.contains(&true) {
            let tail = self.tails.iter().flat_map(Tail::lines).collect();
            let bytes = self.tails.iter().map(Tail::bytes).sum();
            (self.outputs)(&self.item, OutputView { tail, bytes, weight });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands for a shim: it takes the claim and runs, or lost it and runs nothing.
    fn shim(dir: &Path) -> io::Result<Standing> {
        proc::fence(dir, "the command ran")?;
        proc::look(dir)
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_before_the_claim_means_that_the_command_never_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        let cancel = CancellationToken::new();
        let looks = std::cell::Cell::new(0);
        // The shim is slow to begin: it claims only after the cancel, and after many looks.
        let slow = async {
            tokio::time::sleep(LOOK * 3).await;
            cancel.cancel();
            tokio::time::sleep(LOOK * 3).await;
            shim(dir.path())
        };
        let standing = at_its_end(dir.path(), slow, &cancel, || looks.set(looks.get() + 1)).await.expect("an end");
        let Standing::Ended(outcome) = standing else { panic!("no end: {standing:?}") };
        assert_eq!(outcome.error.as_deref(), Some("cancelled before it began; it never ran"));
        assert!(looks.get() > 2, "its output is looked at before and after the cancel");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_the_disk_refused_is_tried_again() {
        let place = tempfile::tempdir().expect("a folder");
        let dir = place.path().join("attempt");
        std::fs::write(&dir, "in the way").expect("written");
        let cancel = CancellationToken::new();
        cancel.cancel();
        let slow = async {
            tokio::time::sleep(LOOK * 3).await;
            std::fs::remove_file(&dir)?;
            tokio::time::sleep(LOOK * 3).await;
            shim(&dir)
        };
        let standing = at_its_end(&dir, slow, &cancel, || {}).await.expect("an end");
        let Standing::Ended(outcome) = standing else { panic!("no end: {standing:?}") };
        assert_eq!(outcome.error.as_deref(), Some("cancelled before it began; it never ran"));
    }
}
