//! Runs a playbook: its commands one after the other, each an attempt of its own under a shim, its output kept in
//! the launch's folder and followed for the screen. One that fails does not stop the next: they are looks.

use std::path::{Path, PathBuf};

use super::steps::{Following, Outputs};
use super::world::{self, World};
use crate::base::proc;
use crate::base::template::Scope;
use crate::kind::Spec;
use crate::kind::step::act;
use crate::launch::board::Board;
use crate::launch::command::Observation;
use crate::launch::id::{ItemId, PlaybookId};
use crate::launch::playbook::{Look, Playbook};
use crate::launch::verdict::{Outcome, Verdict};

/// How often an output is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Where one run of a playbook keeps what `step` said.
#[must_use]
pub fn folder(launch: &Path, playbook: &PlaybookId, run: u32, step: &ItemId) -> PathBuf {
    let place = ItemId::new(playbook.as_str()).folder();
    launch.join("playbooks").join(format!("{run}-{place}")).join(step.folder())
}

/// Runs all of it beside the loop, and tells.
pub fn start(world: &World, outputs: &Outputs, board: &Board, playbook: &PlaybookId, run: u32) {
    let (Some(known), Some(launch)) = (board.plan.playbook(playbook).cloned(), world.folder.clone()) else { return };
    let (world, outputs, scope) = (world.clone(), outputs.clone(), world::found(board));
    tokio::spawn(async move {
        let going = all(&world, &outputs, &known, &launch, run, &scope);
        tokio::select! {
            () = going => {}
            () = world.acting.stopped() => {}
        }
    });
}

async fn all(world: &World, outputs: &Outputs, known: &Playbook, launch: &Path, run: u32, scope: &Scope) {
    let mut seen = Vec::new();
    for step in &known.steps {
        if !world.acting.may() {
            return;
        }
        let dir = folder(launch, &known.id, run, &step.id);
        let (verdict, outcome) = one(world, outputs, step, &dir, scope).await;
        seen.push(verdict);
        let (playbook, step) = (known.id.clone(), step.id.clone());
        world.observe(Observation::PlaybookStepEnded { playbook, run, step, verdict, outcome }).await;
    }
    let well = seen.iter().filter(|verdict| **verdict == Verdict::Pass).count();
    let why = format!("{well} of {} commands passed", seen.len());
    world.observe(Observation::PlaybookEnded { playbook: known.id.clone(), run, why }).await;
}

async fn one(world: &World, outputs: &Outputs, step: &Look, dir: &Path, scope: &Scope) -> (Verdict, Outcome) {
    let never = |why: &str| (Verdict::Unknown, act::never(why, &world.redactor));
    let Some(entry) = world.catalogue.get(step.spec).cloned() else { return never("the plan has no table for it") };
    let Spec::Step(spec) = &entry.spec else { return never("this is no step") };
    let ground = act::Ground {
        program: &world.program,
        base: &world.base,
        redactor: &world.redactor,
        network: world.client.network(),
        simulated: world.simulated,
    };
    let prepared = act::prepared(&entry, &step.id, &entry.scope.with(scope), step.timeout, ground);
    let (intent, private) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return never(&why),
    };
    let (program, place) = (world.program.clone(), dir.to_owned());
    let started = tokio::task::spawn_blocking(move || proc::start(&program, &place, &intent, &private)).await;
    let started = match started {
        Ok(Ok(started)) => started,
        Ok(Err(error)) => return never(&error.to_string()),
        Err(error) => return never(&error.to_string()),
    };
    let mut following = Following::new(outputs, &step.id, dir);
    let end = started.ended();
    tokio::pin!(end);
    let standing = loop {
        tokio::select! {
            standing = &mut end => break standing,
            () = tokio::time::sleep(LOOK) => following.look(),
        }
    };
    following.look();
    match standing {
        Ok(standing) => {
            let outcome = act::outcome(standing, dir, &world.redactor);
            (outcome.verdict(spec.exits()), outcome)
        }
        Err(error) => never(&error.to_string()),
    }
}
