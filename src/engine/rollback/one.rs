//! One rollback at a time in a launch: the numbers of its runs, and the lock that a runner holds from its
//! beginning to its end. Plain files alone: whoever asks needs no journal and no console.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::log::ASIDE;
use super::request::Request;
use super::{Entry, Log, ended, folder, log_of};
use crate::base::proc::create_private_dir;
use crate::base::regular;
use crate::launch::event::{RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RollbackId};

/// How often a lock is tried again that someone merely looks at, or whose runner has told its end.
const TRIES: u32 = 40;
/// How often it is tried while another runner lives that has not said yet who it is: it may itself be waiting for
/// somebody who merely looks, and opens its log after that.
const TRIES_BESIDE_A_RUNNER: u32 = 400;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
/// A run of a greater number is none of ours: somebody made its folder, and left no number behind it.
pub(super) const MOST: u32 = 1_000_000;
/// The lock's file names a run and a process.
const LIMIT: u64 = 4_096;

/// What to do about a run that did something and came to no end of its own.
pub const BY_HAND: &str = "look at the rollback's folder for what was done, and finish by hand";

/// A run whose folder lies in the launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub run: u32,
    pub rollback: RollbackId,
    /// Who asked for it; none where that could not be written.
    pub request: Option<Request>,
}

/// The run that is under way, as its runner wrote it into the lock's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Under {
    pub run: u32,
    pub rollback: RollbackId,
    /// The runner's process.
    pub pid: u32,
}

/// The lock, held until this is dropped or its process ends.
#[derive(Debug)]
pub struct Only {
    /// Runners alone ever lock it.
    _one: Option<File>,
    /// Others look at its lock, and may be frozen while they do.
    _locked: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Taken {
    Ours(Only),
    /// Another runner lives; who it is, where it could say.
    Held(Option<Under>),
}

/// How far a run came, by its log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// It did something, or set about it.
    pub begun: bool,
    pub end: Option<RollbackEnd>,
}

/// The runs of a launch, in the order of their numbers.
///
/// # Errors
/// The folder could not be read; one that is not there holds no runs.
pub fn runs(launch: &Path) -> io::Result<Vec<Found>> {
    let inside = match fs::read_dir(launch.join("rollback")) {
        Ok(inside) => inside,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in inside {
        let path = entry?.path();
        let Some((run, name)) = path.file_name().and_then(|name| named(name.to_str()?)) else { continue };
        let fits = |id: &RollbackId| folder(launch, run, id) == path;
        let request = Request::read(launch, &path).filter(|request| request.run == run && fits(&request.rollback));
        let rollback = request.as_ref().map_or_else(|| RollbackId::new(name), |request| request.rollback.clone());
        if fits(&rollback) {
            found.push(Found { run, rollback, request });
        }
    }
    found.sort_by_key(|found| found.run);
    Ok(found)
}

/// `RUN-ID`.
fn named(name: &str) -> Option<(u32, &str)> {
    let (run, id) = name.split_once('-')?;
    let run = run.parse().ok().filter(|run| *run <= MOST)?;
    Some((run, id))
}

/// Claims the next number of a run in `launch`, greater than `after`: nobody else ever gets it.
///
/// # Errors
/// The file system's own.
pub fn number(launch: &Path, after: u32) -> io::Result<u32> {
    let place = launch.join("rollback");
    create_private_dir(&place)?;
    let mut last = after;
    for entry in fs::read_dir(&place)? {
        let name = entry?.file_name();
        let number: Option<u32> = name.to_str().and_then(|name| name.split('-').next()?.parse().ok());
        last = last.max(number.filter(|number| *number <= MOST).unwrap_or(0));
    }
    loop {
        last = next(last)?;
        // A file beside the folders, since two runs of one number need not have one name.
        match OpenOptions::new().create_new(true).write(true).mode(0o600).open(place.join(last.to_string())) {
            Ok(_) => return Ok(last),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The number after `run`.
pub(super) fn next(run: u32) -> io::Result<u32> {
    run.checked_add(1)
        .filter(|next| *next <= MOST)
        .ok_or_else(|| io::Error::other(format!("there is no number for a run after {run}")))
}

/// How far a run came. A log that cannot be read tells of something done, and of no end.
#[must_use]
pub fn progress(launch: &Path, run: u32, rollback: &RollbackId) -> Progress {
    let Ok(entries) = Log::follow(&log_of(launch, run, rollback)).read() else {
        return Progress { begun: true, end: None };
    };
    Progress { begun: is_begun(launch, run, rollback, &entries), end: ended(&entries) }
}

/// True where a run did something, or set about it: by the entries of its log, or by what it left where that
/// log had to be put aside.
#[must_use]
pub fn is_begun(launch: &Path, run: u32, rollback: &RollbackId, entries: &[Entry]) -> bool {
    let acted = |fact: &RollbackFact| !matches!(fact, RollbackFact::Ended { end: RollbackEnd::Joined { .. }, .. });
    let steps = || fs::read_dir(folder(launch, run, rollback).join("steps"));
    entries.iter().any(|entry| acted(&entry.fact))
        || is_put_aside(launch, run, rollback)
        || steps().is_ok_and(|mut steps| steps.next().is_some())
}

/// True where the log of a run was broken, and another was begun in its place.
#[must_use]
pub fn is_put_aside(launch: &Path, run: u32, rollback: &RollbackId) -> bool {
    log_of(launch, run, rollback).with_extension(ASIDE).exists()
}

/// Takes the lock for a run. The file's own words are for those who come second; only the lock counts.
///
/// # Errors
/// The file system's own.
pub fn take(launch: &Path, run: u32, rollback: &RollbackId) -> io::Result<Taken> {
    let place = launch.join("rollback");
    create_private_dir(&place)?;
    let runner = open(&place.join("lock.runner"));
    if let Err(error) = &runner
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = open(&place.join("lock"))?;
    // Where a full disk has no room for that file, `lock` alone must do.
    let mut one = runner.ok();
    let (mut ours, mut looked_at) = (one.is_none(), true);
    let mut under = None;
    for turn in 0..TRIES_BESIDE_A_RUNNER {
        if ours && turn >= TRIES {
            break;
        }
        if !ours {
            ours = one.as_ref().map_or(Ok(true), locks)?;
        }
        if ours && locks(&file)? {
            return Ok(taken(file, one, run, rollback));
        }
        if !ours || runs_under(&file)? {
            looked_at = false;
            under = words(&file)?;
            if let Some(under) = under.as_ref().filter(|under| lives(launch, under)) {
                return Ok(Taken::Held(Some(under.clone())));
            }
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    // All the time somebody only looked, and no runner can come up beside us: a frozen looker stops nothing.
    match one.take().filter(|_| ours && looked_at) {
        Some(one) => Ok(taken(file, Some(one), run, rollback)),
        None => Ok(Taken::Held(under)),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let wary = i32::try_from(regular::WARY.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600).custom_flags(wary);
    regular::only(options.open(path)?)
}

/// True where the lock is ours from here on.
fn locks(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn taken(file: File, one: Option<File>, run: u32, rollback: &RollbackId) -> Taken {
    let words = Under { run, rollback: rollback.clone(), pid: std::process::id() };
    // A full disk takes the words only.
    let _ = file.set_len(0).and_then(|()| Ok(serde_json::to_vec(&words)?)).map(|json| file.write_all_at(&json, 0));
    Taken::Ours(Only { _one: one, _locked: file })
}

/// The rollback that is under way in `launch`, without taking anything. One that has told its end is not.
///
/// # Errors
/// The file system's own, other than absence.
pub fn under_way(launch: &Path) -> io::Result<Option<Under>> {
    let file = match regular::open(&launch.join("rollback/lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut under = None;
    for _ in 0..TRIES {
        if !runs_under(&file)? {
            return Ok(None);
        }
        under = words(&file)?;
        if under.as_ref().is_some_and(|under| lives(launch, under)) {
            break;
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    Ok(under)
}

/// True while a runner holds the lock, and not merely someone who looks at it.
fn runs_under(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn words(mut file: &File) -> io::Result<Option<Under>> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut json = Vec::new();
    file.take(LIMIT).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json).ok())
}

/// The words of a runner that died may stand in the file of one that is just beginning.
fn lives(launch: &Path, under: &Under) -> bool {
    let held = Log::is_held(&log_of(launch, under.run, &under.rollback)).unwrap_or(true);
    held && progress(launch, under.run, &under.rollback).end.is_none()
}

/// Why the run that now holds the lock must not act after all, as its end: it was asked for while another
/// run was under way, or another was begun after it. None where it may.
///
/// `begun` is true for a run that an earlier runner began.
#[must_use]
pub fn overtaken(launch: &Path, run: u32, rollback: &RollbackId, begun: bool) -> Option<RollbackEnd> {
    let all = runs(launch).unwrap_or_default();
    let own = all.iter().find(|found| found.run == run && found.rollback == *rollback);
    let over = own.and_then(|found| found.request.as_ref()).map(|request| &request.over);
    let rival = all.iter().rev().find(|other| {
        if other.run == run {
            return false;
        }
        let Progress { begun: acted, end } = progress(launch, other.run, &other.rollback);
        let beside = !begun && end.is_some() && over.is_some_and(|over| !over.contains(&other.run));
        acted && (other.run > run || beside)
    })?;
    Some(gave_way(rival.run, &rival.rollback, rollback, begun))
}

/// The end of a run that gives way to `to`.
#[must_use]
pub fn gave_way(run: u32, to: &RollbackId, rollback: &RollbackId, begun: bool) -> RollbackEnd {
    if begun {
        return RollbackEnd::FailedAtStep {
            step: ItemId::new(rollback.as_str()),
            why: format!("its runner died, and run {run} of {to} was begun after it"),
            by_hand: BY_HAND.to_owned(),
        };
    }
    RollbackEnd::Joined { run, rollback: to.clone() }
}
