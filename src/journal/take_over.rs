//! Taking a launch over from a console that holds it: one that works, that was suspended, or whose
//! terminal is frozen. Nothing here waits for that console's consent.
//!
//! 1. Under a lock on `lock.taking`, a new lock file takes the place of `lock`, if the file there is still
//!    the one that was seen: of two takers, one is refused.
//! 2. In one transaction of the store the epoch is raised, if our file still stands at `lock`: so epochs
//!    rise in the order in which files took their place, whoever stops between the two. From then on
//!    nothing of the old console is kept.
//! 3. A console that was stopped in the middle of a write keeps everyone from the store. It is given a
//!    while; then its process is ended, if it is proven to be that console: by the lock it still has on the
//!    file that was replaced, which is kept beside the new one under a name of its own (`lock.*.old`).
//!
//! A taker that dies after 1 leaves a launch that is free, and an old console that finds its file replaced.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::folder::LaunchFolder;
use super::lease::{Holder, Lease, LeaseError, Stake, held, named};
use super::sqlite::Sqlite;
use super::store::StoreError;
use crate::base::boundary::reach;
use crate::base::proc::{Other, writers};

/// The byte of `journal.db-shm` whose lock is SQLite's right to write: WAL_WRITE_LOCK in its documentation
/// of the WAL-index format.
const WRITE_LOCK: u64 = 120;
/// How often another taker is waited for; each try takes a tenth of a second.
const TRIES: u32 = 20;

/// What a take-over found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TookOver {
    /// Whoever held the launch; none where it had not written its name yet.
    pub from: Option<Holder>,
    /// Whose process had to be ended, since it was stopped in the middle of a write: the same one's, or one's
    /// from whom it was taken over before.
    pub ended: Option<Holder>,
}

impl TookOver {
    /// What has become of the other console, for a taker that cannot act.
    #[must_use]
    pub fn neither(&self) -> String {
        let from = self.from.as_ref().map_or_else(
            || "the console that held the launch".to_owned(),
            |from| format!("the console of {} (process {} on {})", from.name, from.pid, from.host),
        );
        let ended = self.ended.as_ref().map(|ended| format!("; process {} was ended with SIGKILL", ended.pid));
        format!("{from} can no longer act either{}", ended.unwrap_or_default())
    }
}

/// Why a console in the way could not be taken out of it. Each is a sentence with what to do.
#[derive(Debug, thiserror::Error)]
pub enum InTheWay {
    #[error(
        "{} and stands in the middle of a write to the journal; it runs on another host, or \
         in another container: end process {} on {}, then take over again", held(Some(.0)), .0.pid, .0.host
    )]
    Elsewhere(Holder),
    #[error(
        "{} and stands in the middle of a write to the journal; its process belongs to another user: \
         have them or root run `kill -KILL {}`, then take over again", held(Some(.0)), .0.pid
    )]
    AnotherUsers(Holder),
    #[error(
        "another process is writing to {} and does not end, and it is not known to be the console that held \
         the launch: find it with `fuser -v {}`, end it, then take over again", .0.display(), .0.display()
    )]
    Unknown(PathBuf),
    #[error("{} is taking this launch over just now (process {}): wait, then look again", .0.name, .0.pid)]
    Taker(Holder),
    #[error("failed to look at process {pid}: {why}")]
    Unseen { pid: u32, why: io::Error },
}

/// The lock of a console that lives, as it was when the take-over began.
pub(super) struct Seen {
    pub holder: Option<Holder>,
    stake: Stake,
    file: File,
}

/// A store that nobody else can write any more.
pub(super) struct Fenced {
    pub store: Sqlite,
    pub epoch: u64,
}

/// Whatever goes wrong in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    InTheWay(#[from] InTheWay),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Seen {
    /// Whoever holds the lock at `path`; none where it is free.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let seen = Self { holder: named(&file), stake: Stake::of(path, &file)?, file };
        Ok(seen.lives().then_some(seen))
    }

    /// Whether somebody still holds the lock of this very file.
    fn lives(&self) -> bool {
        let free = flock(&self.file, FlockOperation::NonBlockingLockShared).is_ok();
        if free {
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
        !free
    }
}

/// Puts our lock in the place of the one that was seen.
///
/// # Errors
/// Another one stands there by now, another taker is at it, or the folder cannot be written.
pub(super) fn replace(lock: &Path, seen: &Seen, holder: &Holder) -> Result<Lease, Failed> {
    let _alone = alone(&lock.with_extension("taking"), holder)?;
    reach("take-over");
    // The same file may be another console's by now: whoever was seen left, and that one came.
    let now = seen.stake.named_now();
    if !seen.stake.stands() || now != seen.holder {
        return Err(LeaseError::Overtaken(now).into());
    }
    keep(lock, seen);
    let lease = Lease::replace(lock, holder).map_err(LeaseError::from)?;
    reach("lock-replaced");
    Ok(lease)
}

/// Gives the lock that was seen a second name, as long as its holder lives. On a file system without links
/// a taker that dies half way leaves no proof of who stands in a write, and that one is not ended.
fn keep(lock: &Path, seen: &Seen) {
    for old in kept(lock) {
        if matches!(Seen::at(&old), Ok(None)) {
            let _ = fs::remove_file(old);
        }
    }
    let (_, number) = seen.stake.file();
    let _ = fs::hard_link(lock, lock.with_extension(format!("{number}.old")));
}

/// Locks that were replaced.
fn kept(lock: &Path) -> Vec<PathBuf> {
    let beside = lock.parent().and_then(|folder| fs::read_dir(folder).ok());
    let paths = beside.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let old = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("lock.") && name.ends_with(".old"))
    };
    paths.filter(old).collect()
}

/// Keeps other takers away. One that was stopped in here must not take over when it wakes: it is ended.
fn alone(path: &Path, holder: &Holder) -> Result<Lease, Failed> {
    for _ in 0..TRIES {
        match Lease::take(path, holder) {
            Err(LeaseError::Held(_)) => {}
            other => return Ok(other?),
        }
    }
    let Some(seen) = Seen::at(path).map_err(LeaseError::from)? else { return Ok(Lease::take(path, holder)?) };
    let Some(taker) = &seen.holder else { return Err(LeaseError::Held(None).into()) };
    match process_of(taker, &seen)? {
        Some(process) if !process.is_stopped() => return Err(InTheWay::Taker(taker.clone()).into()),
        Some(process) => drop(end(&process, taker)?),
        None => {}
    }
    Ok(Lease::take(path, holder)?)
}

/// Opens the store and takes it for us: nothing that the old console appends is kept any more.
///
/// `ended` is set once the old console's process was ended, whatever comes after.
///
/// # Errors
/// Another console took over meanwhile, or the store cannot be written.
pub(super) fn fence(
    folder: &LaunchFolder,
    lease: &Lease,
    seen: &Seen,
    ended: &mut Option<Holder>,
) -> Result<Fenced, Failed> {
    let raise = || {
        let mut store = Sqlite::open(&folder.journal())?;
        let epoch = store.raise_epoch_while(&|| lease.stake().stands())?;
        Ok(epoch.map(|epoch| (store, epoch)))
    };
    let raised = match raise() {
        // It has waited as long as a store's patience is.
        Err(StoreError::Busy) => {
            *ended = end_writer(folder, Some(seen))?;
            raise()?
        }
        raised => raised?,
    };
    match raised {
        Some((store, epoch)) => Ok(Fenced { store, epoch }),
        None => Err(LeaseError::Overtaken(lease.stake().named_now()).into()),
    }
}

/// Opens the store of a launch that nobody holds but us. Whoever it was taken over from before, and stands
/// in the middle of a write since then, is ended and told.
///
/// # Errors
/// The store cannot be written, or it is not known by whom it is.
pub(super) fn clear(folder: &LaunchFolder) -> Result<(Sqlite, Option<Holder>), Failed> {
    let open = || {
        let mut store = Sqlite::open(&folder.journal())?;
        store.prove().map(|()| store)
    };
    match open() {
        Err(StoreError::Busy) => {
            let ended = end_writer(folder, None)?;
            Ok((open()?, ended))
        }
        opened => Ok((opened?, None)),
    }
}

/// Ends the console that was seen, or one whose lock was replaced before, where it is what keeps us from
/// writing. Who was ended.
fn end_writer(folder: &LaunchFolder, seen: Option<&Seen>) -> Result<Option<Holder>, Failed> {
    let earlier: Vec<Seen> = kept(&folder.lock()).iter().filter_map(|path| Seen::at(path).ok().flatten()).collect();
    let mut refused = None;
    for seen in seen.into_iter().chain(&earlier) {
        match end_if_writing(folder, seen) {
            Ok(true) => return Ok(seen.holder.clone()),
            Ok(false) => {}
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    refused.map_or(Ok(None), Err)
}

/// It holds the right to write, or it is stopped and nobody else is known to hold it. True where it was ended.
fn end_if_writing(folder: &LaunchFolder, seen: &Seen) -> Result<bool, Failed> {
    let journal = folder.journal();
    let unknown = || InTheWay::Unknown(journal.clone());
    let holder = seen.holder.as_ref().ok_or_else(unknown)?;
    let Some(process) = process_of(holder, seen)? else { return Ok(false) };
    let mut index = journal.clone().into_os_string();
    index.push("-shm");
    let writers = writers(Path::new(&index), WRITE_LOCK);
    let writes = if writers.is_empty() { process.is_stopped() } else { writers.contains(&holder.pid) };
    if !writes {
        return Err(unknown().into());
    }
    Ok(end(&process, holder)?)
}

/// The process that holds the lock that was seen, proven: on this host, the lock is held still now that
/// nobody else can come to have its number, and it is the one that has that file open. None where it has gone.
fn process_of(holder: &Holder, seen: &Seen) -> Result<Option<Other>, InTheWay> {
    if holder.host != Holder::here("", holder.since).host {
        return Err(InTheWay::Elsewhere(holder.clone()));
    }
    let process = Other::find(holder.pid).map_err(|why| InTheWay::Unseen { pid: holder.pid, why })?;
    if !seen.lives() {
        return Ok(None);
    }
    // In another container the same number is a stranger's, or nobody's.
    let Some(process) = process else { return Err(InTheWay::Elsewhere(holder.clone())) };
    match process.has_open(seen.stake.file()) {
        Ok(true) => Ok(Some(process)),
        Ok(false) => Err(InTheWay::Elsewhere(holder.clone())),
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied => Err(InTheWay::AnotherUsers(holder.clone())),
        Err(why) => Err(InTheWay::Unseen { pid: holder.pid, why }),
    }
}

fn end(process: &Other, holder: &Holder) -> Result<bool, InTheWay> {
    process.end().map_err(|why| match why.kind() {
        io::ErrorKind::PermissionDenied => InTheWay::AnotherUsers(holder.clone()),
        _ => InTheWay::Unseen { pid: holder.pid, why },
    })
}
