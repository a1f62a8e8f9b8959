//! Steps under the shim: starts one whose intent is on disk, follows its output, and tells how it
//! ended. A console that comes back follows the attempts it finds.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::world::World;
use crate::base::proc::{self, Standing, Tail};
use crate::base::template::Scope;
use crate::kind::Spec;
use crate::kind::step::act;
use crate::launch::command::Observation;
use crate::launch::id::{Attempt, ItemId};
use crate::launch::live::OutputView;
use crate::launch::plan::{Item, SpecId};
use crate::launch::verdict::Verdict;

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

/// Runs a step whose intent is in the journal.
pub fn start(world: &World, outputs: &Outputs, item: &Item, spec: SpecId, attempt: Attempt, baseline: &Scope) {
    let (Some(entry), Some(launch)) = (world.catalogue.get(spec).cloned(), world.folder.clone()) else { return };
    let (world, outputs, item, scope) = (world.clone(), Arc::clone(outputs), item.clone(), entry.scope.with(baseline));
    let cancel = world.cancel_token(&item.id, attempt);
    tokio::spawn(async move {
        let Spec::Step(spec) = &entry.spec else { return };
        let dir = folder(&launch, &item.id, attempt);
        let mut following = Following::new(&outputs, &item.id, &dir);
        let started = match spec.command(&scope) {
            Ok(command) => {
                let (intent, private) = match world.simulated {
                    Some(target) => act::simulated(&world.program, target, &item.id, item.timeout),
                    None => act::intent(command, item.timeout, &world.base, &world.catalogue.secrets),
                };
                let (program, place) = (world.program.clone(), dir.clone());
                let begun = tokio::task::spawn_blocking(move || proc::start(&program, &place, &intent, &private)).await;
                begun.map_err(|error| error.to_string()).and_then(|begun| begun.map_err(|error| error.to_string()))
            }
            Err(unbound) => Err(unbound.to_string()),
        };
        let standing = match started {
            Ok(started) => {
                let pid = started.pid;
                world.observe(Observation::StepStarted { item: item.id.clone(), attempt, pid }).await;
                let end = started.ended();
                tokio::pin!(end);
                loop {
                    tokio::select! {
                        ended = &mut end => break ended,
                        () = cancel.cancelled() => { let _ = proc::cancel(&dir); break (&mut end).await; }
                        () = tokio::time::sleep(LOOK) => following.look(),
                    }
                }
            }
            Err(why) => Err(io::Error::other(why)),
        };
        following.look();
        tell(&world, &item.id, attempt, spec.exits(), standing).await;
    });
}

/// Follows an attempt that another console started, or learns how it ended.
pub fn adopt(world: &World, outputs: &Outputs, item: &Item, spec: SpecId, attempt: Attempt) {
    let (Some(entry), Some(launch)) = (world.catalogue.get(spec).cloned(), world.folder.clone()) else { return };
    let (world, outputs, item) = (world.clone(), Arc::clone(outputs), item.clone());
    let cancel = world.cancel_token(&item.id, attempt);
    tokio::spawn(async move {
        let Spec::Step(spec) = &entry.spec else { return };
        let dir = folder(&launch, &item.id, attempt);
        let mut following = Following::new(&outputs, &item.id, &dir);
        // An attempt that nobody claimed may still be claimed by a shim that is only just beginning:
        // fenced, it can never run, and repeating it is safe.
        let fenced = proc::fence(&dir, "its console went before it began; it never ran");
        let standing = match fenced {
            Ok(_) => loop {
                tokio::select! {
                    ended = proc::ended(&dir) => break ended,
                    () = cancel.cancelled() => { let _ = proc::cancel(&dir); break proc::ended(&dir).await; }
                    () = tokio::time::sleep(LOOK) => following.look(),
                }
            },
            Err(error) => Err(error),
        };
        following.look();
        tell(&world, &item.id, attempt, spec.exits(), standing).await;
    });
}

async fn tell(
    world: &World,
    item: &ItemId,
    attempt: Attempt,
    exits: &[(i32, Verdict)],
    standing: io::Result<Standing>,
) {
    let mut outcome = standing.map_or_else(|error| act::never(&error.to_string()), act::outcome);
    outcome.error = outcome.error.map(|error| world.redactor.text(&error));
    world.forget(item, attempt);
    let verdict = outcome.verdict(exits);
    world.observe(Observation::StepEnded { item: item.clone(), attempt, verdict, outcome }).await;
}

/// Both outputs of an attempt, followed for the pane.
pub struct Following {
    outputs: Outputs,
    item: ItemId,
    tails: [Tail; 2],
}

impl Following {
    #[must_use]
    pub fn new(outputs: &Outputs, item: &ItemId, dir: &Path) -> Self {
        let tails = ["stdout", "stderr"].map(|name| Tail::new(dir.join(name), KEPT));
        Self { outputs: Arc::clone(outputs), item: item.clone(), tails }
    }

    /// Reads on; an output that cannot be read is still on disk, and the outcome tells how it ended.
    pub fn look(&mut self) {
        let grew = self.tails.each_mut().map(|tail| tail.look().unwrap_or(false));
        if grew.contains(&true) {
            let tail = self.tails.iter().flat_map(Tail::lines).collect();
            let bytes = self.tails.iter().map(Tail::bytes).sum();
            (self.outputs)(&self.item, OutputView { tail, bytes });
        }
    }
}
