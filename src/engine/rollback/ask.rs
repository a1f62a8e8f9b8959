//! A rollback asked for at any terminal: joins the one under way, goes on with one whose runner died, or
//! has a new run begun. It reads and writes plain files, and waits for nobody.

use std::io;
use std::path::Path;

use super::one::{self, Found, Progress};
use super::request::Request;
use super::run::unprepared;
use super::{Runner, load, start};
use crate::launch::event::{Actor, RollbackEnd};
use crate::launch::id::RollbackId;
use crate::launch::time::Wall;

/// What was asked: everything of a request but its number.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub rollback: RollbackId,
    pub by: Actor,
    pub why: String,
    pub at: Wall,
    pub from: String,
}

/// What came of it.
#[derive(Debug)]
pub enum Asked {
    /// Another is under way: nothing was started.
    Joined {
        run: u32,
        rollback: RollbackId,
    },
    /// Its runner died before its end: one of ours goes on with that run.
    Resumed {
        run: u32,
        runner: Runner,
    },
    Begun {
        run: u32,
        runner: Runner,
    },
}

/// Asks. Needs a runtime, as a parent that reaps.
///
/// # Errors
/// No runner could be started, or one would have no value for a step.
pub fn ask(program: &Path, launch: &Path, wanted: &Wanted) -> io::Result<Asked> {
    match one::under_way(launch) {
        Ok(Some(under)) => return Ok(Asked::Joined { run: under.run, rollback: under.rollback }),
        // A rollback of another user's may be under way: two at once are worse than none.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        Ok(None) | Err(_) => {}
    }
    // What cannot be loaded is told by the runner, in its log.
    let unprepared = load(launch, 0, &wanted.rollback).ok().and_then(|(orders, _)| unprepared(&orders));
    if let Some(RollbackEnd::FailedAtStep { step, why, by_hand }) = unprepared {
        return Err(io::Error::other(format!("{step} cannot run from this terminal: {why}; {by_hand}")));
    }
    super::free_reserve(launch);
    let known: Vec<(Found, Progress)> = one::runs(launch)
        .unwrap_or_default()
        .into_iter()
        .map(|found| {
            let progress = one::progress(launch, found.run, &found.rollback);
            (found, progress)
        })
        .collect();
    let last = known.iter().rev().find(|(_, progress)| progress.begun);
    if let Some((found, _)) = last.filter(|(found, so)| found.rollback == wanted.rollback && so.end.is_none()) {
        let runner = start(program, launch, found.run, &found.rollback)?;
        return Ok(Asked::Resumed { run: found.run, runner });
    }
    let highest = known.last().map_or(0, |(found, _)| found.run);
    // A disk that takes no file more must not keep a rollback from its runner.
    let mut run = one::number(launch, 0).or_else(|_| one::next(highest))?;
    // Where none could be claimed, one that another run had would be told that run's end.
    while one::progress(launch, run, &wanted.rollback) != Progress::default() {
        run = one::next(run)?;
    }
    let mut request = Request::new(wanted.rollback.clone(), run, &wanted.by, &wanted.why, wanted.at);
    request.from.clone_from(&wanted.from);
    request.over = known.iter().filter(|(_, so)| so.end.is_some()).map(|(found, _)| found.run).collect();
    let published = request.publish(launch);
    let runner = start(program, launch, run, &wanted.rollback)?;
    if published.is_ok() {
        let _ = request.settle(launch);
    }
    Ok(Asked::Begun { run, runner })
}
