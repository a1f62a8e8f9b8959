//! A console's view of the rollback runner: starts it, reads what it told from its log, and shows its
//! output. The runner needs none of this: it goes on when nobody looks.

use std::sync::Arc;
use std::time::Duration;

use super::rollback::{self, Log};
use super::steps::{Following, Outputs};
use super::world::World;
use crate::launch::command::Observation;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// So many looks at a log that nobody holds and that has no end, before its runner counts as dead.
const PATIENCE: u32 = 40;

/// Starts the runner of a rollback that was asked for, and follows it.
pub fn begin(world: &World, outputs: &Outputs, id: &RollbackId, run: u32) {
    let Some(launch) = world.folder.clone() else { return };
    match rollback::start(&world.program, &launch, run, id) {
        Ok(runner) => {
            // Reaped when it ends; what it came to is in its log.
            tokio::spawn(runner.ended());
        }
        Err(error) => tracing::error!("failed to start the rollback runner: {error}"),
    }
    follow(world, outputs, id, run);
}

/// Follows a runner, whoever started it.
pub fn follow(world: &World, outputs: &Outputs, id: &RollbackId, run: u32) {
    let Some(launch) = world.folder.clone() else { return };
    let (world, outputs, id) = (world.clone(), Arc::clone(outputs), id.clone());
    tokio::spawn(async move {
        let path = rollback::log_of(&launch, run, &id);
        let folder = rollback::folder(&launch, run, &id);
        let mut log = Log::follow(&path);
        let mut following: Option<Following> = None;
        let mut silent = 0;
        loop {
            let entries = match log.read() {
                Ok(entries) => entries,
                Err(error) => {
                    tell(&world, run, broken(&id, &error.to_string())).await;
                    return;
                }
            };
            silent = if entries.is_empty() && !Log::is_held(&path).unwrap_or(false) { silent + 1 } else { 0 };
            for entry in entries {
                if let RollbackFact::StepStarted { step } = &entry.fact {
                    let dir = rollback::attempt_folder(&folder, step, 1);
                    following = Some(Following::new(&outputs, step, &dir));
                }
                let over = matches!(entry.fact, RollbackFact::Ended { .. });
                if let Some(following) = &mut following {
                    following.look();
                }
                tell(&world, run, entry.fact).await;
                if over {
                    return;
                }
            }
            if silent > PATIENCE {
                tell(&world, run, broken(&id, "its runner died")).await;
                return;
            }
            tokio::time::sleep(LOOK).await;
            if let Some(following) = &mut following {
                following.look();
            }
        }
    });
}

async fn tell(world: &World, run: u32, fact: RollbackFact) {
    world.observe(Observation::RollbackTold { run, fact }).await;
}

fn broken(id: &RollbackId, why: &str) -> RollbackFact {
    let end = RollbackEnd::FailedAtStep {
        step: ItemId::new(id.as_str()),
        why: why.to_owned(),
        by_hand: "look at the rollback's folder for what was done, and finish by hand".into(),
    };
    RollbackFact::Ended { end, took: Duration::ZERO }
}
