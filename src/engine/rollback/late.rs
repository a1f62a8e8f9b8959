//! Runs that nobody goes on with by themselves any more: asked for, or left by their runner, too long ago.
//! People may have done their steps by hand since. Whoever asks again decides that anew.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::one::is_begun;
use super::request::Request;
use super::{Log, ended, folder, log_of};
use crate::clock;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};
use crate::launch::time::Wall;

/// A request that no runner took up for so long is not taken up by itself any more.
const STALE: Duration = Duration::from_secs(60);
/// A run whose runner told nothing for so long, and is dead, is not gone on with by itself.
const LEFT: Duration = Duration::from_secs(600);

/// The end of a run without a live runner that must not be set going by itself. None where it may, or has
/// ended. `asked` is when, where its request does not tell.
#[must_use]
pub fn too_late(launch: &Path, run: u32, rollback: &RollbackId, asked: Wall) -> Option<RollbackEnd> {
    let entries = match Log::follow(&log_of(launch, run, rollback)).read() {
        Ok(entries) if ended(&entries).is_some() => return None,
        Ok(entries) if !is_begun(launch, run, rollback, &entries) => {
            return unbegun(launch, run, rollback, Some(asked));
        }
        Ok(entries) => entries,
        Err(_) => Vec::new(),
    };
    let touched = || fs::metadata(log_of(launch, run, rollback)).and_then(|log| log.modified()).ok().map(Wall::from);
    let seen = entries.last().map(|entry| entry.at).or_else(touched).unwrap_or(asked);
    let ago = since(seen).filter(|ago| *ago > LEFT)?;
    let step = entries.iter().rev().find_map(|entry| match &entry.fact {
        RollbackFact::StepStarted { step } => Some(step.clone()),
        _ => None,
    });
    Some(RollbackEnd::FailedAtStep {
        step: step.unwrap_or_else(|| ItemId::new(rollback.as_str())),
        why: format!(
            "its runner died: it told nothing after {}, {} min ago, and nobody went on with it",
            seen.format("%Y-%m-%d %H:%M:%S UTC"),
            ago.as_secs() / 60
        ),
        by_hand: "look what of it happened or still runs, and what was done by hand since; asked for again, it begins \
                  at its first step"
            .to_owned(),
    })
}

/// The end of a run that was asked for too long ago to begin by itself: its starter died first.
#[must_use]
pub fn unbegun(launch: &Path, run: u32, rollback: &RollbackId, asked: Option<Wall>) -> Option<RollbackEnd> {
    let request = Request::read(launch, &folder(launch, run, rollback)).map(|request| request.at);
    let ago = since(request.or(asked)?).filter(|ago| *ago > STALE)?;
    Some(RollbackEnd::FailedAtStep {
        step: ItemId::new(rollback.as_str()),
        why: format!("it was asked for {} s ago, and its runner never began", ago.as_secs()),
        by_hand: "nothing was done: ask for it again".to_owned(),
    })
}

fn since(at: Wall) -> Option<Duration> {
    (clock::wall() - at).to_std().ok()
}
