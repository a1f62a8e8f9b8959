//! How a rollback comes to its runner and to whoever follows it. Everything here works on plain files, of a disk
//! that may hang: so it is done on a thread beside the loop, which waits for it only as long as it likes.

use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use super::Followed;
use crate::engine::rollback::{self, Request};
use crate::engine::steps::Outputs;
use crate::engine::world::World;
use crate::launch::board::Board;
use crate::launch::rollback::RollbackRun;

/// Runs a rollback that the journal was told of just now. One that was asked for at this console is given
/// its request and its runner; one that was found, with its request, is followed. Done once its runner is started.
pub fn begin(world: &World, outputs: &Outputs, request: Request) -> Option<JoinHandle<()>> {
    let (world, outputs) = (world.clone(), Arc::clone(outputs));
    let launch = world.folder.clone()?;
    Some(spawn_blocking(move || {
        if !world.acting.may() {
            return;
        }
        // One that lies there already, or cannot be written: the runner begins either way.
        rollback::publish(&request, &launch);
        let followed = Followed::new(launch, &request, 0);
        let started = if followed.needs_no_runner() { None } else { Some(followed.start(&world)) };
        tokio::spawn(followed.on_to_its_end(world, outputs, started));
    }))
}

/// As [`begin`], of a console that acts no more: it has its runner, and whoever acts follows it.
pub fn hand_over(world: &World, request: Request) -> Option<JoinHandle<()>> {
    let world = world.clone();
    let launch = world.folder.clone()?;
    Some(spawn_blocking(move || {
        let _ = request.publish(&launch);
        let followed = Followed::new(launch, &request, 0);
        if followed.needs_no_runner() {
            return;
        }
        match followed.start(&world) {
            // Reaped when it ends; it needs nobody to wait for it.
            Ok(exiting) => drop(tokio::spawn(exiting)),
            Err(error) => tracing::error!("failed to start rollback {}: {error}", request.rollback),
        }
    }))
}

/// Follows a rollback that an earlier console was told of, after the facts that its journal holds. One whose
/// runner lives or that has ended is read. One that a dead runner left is gone on with, and what was asked for
/// and never started is begun, unless that is too long ago.
pub fn resume(world: &World, outputs: &Outputs, board: &Board, run: &RollbackRun) {
    let Some(launch) = world.folder.clone() else { return };
    let mut request = Request::new(run.id.clone(), run.run, &run.by, &run.why, run.asked);
    "the operator's console".clone_into(&mut request.from);
    let over = |known: &&RollbackRun| known.took.is_some_and(|took| run.requested.since(known.requested) >= took);
    request.over =
        board.rollbacks.iter().filter(|known| known.run < run.run).filter(over).map(|known| known.run).collect();
    let (world, outputs, told) = (world.clone(), Arc::clone(outputs), run.told);
    spawn_blocking(move || {
        if !world.acting.may() {
            return;
        }
        // As it was asked for then: its runner tells by it how long ago that was.
        let _ = request.publish(&launch);
        let followed = Followed::new(launch, &request, told);
        tokio::spawn(followed.on_to_its_end(world, outputs, None));
    });
}
