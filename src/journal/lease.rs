//! One console holds the launch: a lock on the folder's `lock` file for as long as it lives, and its
//! name in it for those who come second. The epoch in the store is what a writer is checked against;
//! this lock is what keeps honest consoles apart.
//!
//! The file may be replaced by another console's (a take-over): only a lock on the file that stands at
//! the path is the lease.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::serde::ts_milliseconds;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::base::text::{cut, printable};
use crate::launch::time::Wall;

/// How often a lock that someone merely looked at is tried again before it counts as held.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
/// Columns of a name that is shown.
const KEPT: usize = 200;
/// A longer lock file is none of ours.
const LONGEST: u64 = 64 << 10;

/// Who holds a launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub name: String,
    pub pid: u32,
    pub host: String,
    #[serde(with = "ts_milliseconds")]
    pub since: Wall,
}

/// Whether a launch is held, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Held {
    #[default]
    Free,
    /// `None` where the holder has not written its name yet. Its words are printable.
    By(Option<Holder>),
}

/// The lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lease {
    stake: Stake,
    _lock: File,
}

/// Which file at a path a lease is or was a lock on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stake {
    path: PathBuf,
    device: u64,
    inode: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// `None` where the holder has not written its name yet.
    #[error("{}", held(.0.as_ref()))]
    Held(Option<Holder>),
    /// Somebody took it while we were about to.
    #[error("the launch was taken over meanwhile: {}", held(.0.as_ref()))]
    Overtaken(Option<Holder>),
    #[error("lock the launch: {0}")]
    Failed(#[from] io::Error),
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn here(name: impl Into<String>, since: Wall) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { name: name.into(), pid: std::process::id(), host: host.trim().to_owned(), since }
    }
}

impl Holder {
    /// The same, in words that steer no terminal.
    #[must_use]
    pub fn printable(self) -> Self {
        Self { name: cut(&printable(&self.name), KEPT), host: cut(&printable(&self.host), KEPT), ..self }
    }
}

impl Lease {
    /// Takes the lock at `path` for `holder`.
    ///
    /// # Errors
    /// Another console holds it, or the file cannot be written.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self, LeaseError> {
        let Some(lock) = locked(path)? else { return Err(LeaseError::Held(holder_at(path))) };
        Ok(Self::over(path, lock, holder)?)
    }

    /// Puts a new lock in the place of whatever stands at `path`, held by whoever. They find out by their
    /// [`Stake`]. The caller sees to it that only one does this at a time.
    pub(super) fn replace(path: &Path, holder: &Holder) -> io::Result<Self> {
        let new = path.with_extension("new");
        // What lies there was left by one that died here.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let lock = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&new)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let lease = Self::over(path, lock, holder)?;
        fs::rename(&new, path)?;
        Ok(lease)
    }

    fn over(path: &Path, mut lock: File, holder: &Holder) -> io::Result<Self> {
        // The name of the last holder may stand there; only the lock says that one lives.
        lock.set_len(0)?;
        lock.rewind()?;
        lock.write_all(serde_json::to_string(holder).map_err(io::Error::from)?.as_bytes())?;
        Ok(Self { stake: Stake::of(path, &lock)?, _lock: lock })
    }

    #[must_use]
    pub fn stake(&self) -> &Stake {
        &self.stake
    }
}

impl Stake {
    pub(super) fn of(path: &Path, file: &File) -> io::Result<Self> {
        let (device, inode) = identity(&file.metadata()?);
        Ok(Self { path: path.to_owned(), device, inode })
    }

    /// False once another file stands at the path: whoever put it there took the launch over. One that
    /// was only deleted, or cannot be looked at, took nothing: the epoch in the store is the judge.
    #[must_use]
    pub fn stands(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |there| identity(&there) == (self.device, self.inode))
    }

    /// Device and number of the file.
    pub(super) fn file(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Who wrote its name into the file that stands at the path now.
    #[must_use]
    pub fn named_now(&self) -> Option<Holder> {
        holder_at(&self.path)
    }
}

/// Who holds the launch whose lock file is at `path`, without taking it: the lock is shared for an
/// instant, and an opening that meets a look tries again.
///
/// # Errors
/// The file is there and cannot be read.
pub fn look(path: &Path) -> io::Result<Held> {
    loop {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Free),
            Err(error) => return Err(error),
        };
        let held = match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Held::Free,
            Err(Errno::WOULDBLOCK) => Held::By(named(&file)),
            Err(wrong) => return Err(wrong.into()),
        };
        // A file that was replaced between the two tells of a holder that is no more.
        if stands(path, &file)? {
            return Ok(held);
        }
    }
}

/// Who wrote its name into the lock file last, whether it lives or not. Its words are printable.
#[must_use]
pub fn holder_at(path: &Path) -> Option<Holder> {
    named(&File::open(path).ok()?)
}

pub(super) fn named(file: &File) -> Option<Holder> {
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let holder: Holder = serde_json::from_slice(&bytes).ok()?;
    Some(holder.printable())
}

/// The file at `path`, locked for us alone; none where another holds it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    for tried in 1.. {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if stands(path, &file)? => return Ok(Some(file)),
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) if tried >= TRIES => return Ok(None),
            Err(Errno::WOULDBLOCK) => thread::sleep(BETWEEN_TRIES),
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Ok(None)
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Whether `file` is the one at `path`.
fn stands(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok(identity(&there) == identity(&ours)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn held(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { name, pid, host, since }) => {
            let since = since.format("%Y-%m-%d %H:%M:%S UTC");
            format!("{name} holds this launch since {since} (process {pid} on {host})")
        }
        None => "another console is opening this launch right now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::samples::wall;

    #[test]
    fn the_second_is_told_who_holds_and_since_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let ann = Holder { host: "war\u{1b}[31mroom".into(), ..Holder::here("ann", wall(1_700_000_000_000)) };
        let lease = Lease::take(&path, &ann).expect("free");
        let bob = Holder::here("bob", wall(1_700_000_060_000));
        let refused = Lease::take(&path, &bob).expect_err("held").to_string();
        let pid = std::process::id();
        assert_eq!(refused, format!("ann holds this launch since 2023-11-14 22:13:20 UTC (process {pid} on warroom)"));
        drop(lease);
        let _bob = Lease::take(&path, &bob).expect("free again");
        assert_eq!(holder_at(&path), Some(bob));
    }

    #[test]
    fn a_look_tells_who_holds_and_takes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        assert_eq!(look(&path).expect("looks"), Held::Free, "no file");
        let ann = Holder::here("ann", wall(0));
        let lease = Lease::take(&path, &ann).expect("free");
        assert_eq!(look(&path).expect("looks"), Held::By(Some(ann.clone())));
        fs::write(&path, "{").expect("writes");
        assert_eq!(look(&path).expect("looks"), Held::By(None), "no name yet");
        drop(lease);
        assert_eq!(look(&path).expect("looks"), Held::Free, "whoever is named there");
        let _again = Lease::take(&path, &ann).expect("a look holds nothing");
    }

    #[test]
    fn a_look_that_is_under_way_refuses_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let ann = Holder::here("ann", wall(0));
        drop(Lease::take(&path, &ann).expect("free"));
        let looking = File::open(&path).expect("opens");
        flock(&looking, FlockOperation::NonBlockingLockShared).expect("locks");
        assert_eq!(look(&path).expect("looks"), Held::Free, "two look at once");
        let gone = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(looking);
        });
        let _lease = Lease::take(&path, &ann).expect("tried again");
        gone.join().expect("no panic");
    }

    #[test]
    fn a_lock_on_a_file_that_was_replaced_is_no_lease() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let ann = Holder::here("ann", wall(0));
        let lease = Lease::take(&path, &ann).expect("free");
        fs::remove_file(&path).expect("removed");
        assert_eq!(look(&path).expect("looks"), Held::Free);
        let _next = Lease::take(&path, &Holder::here("bob", wall(0))).expect("free");
        drop(lease);
        assert!(matches!(look(&path).expect("looks"), Held::By(Some(holder)) if holder.name == "bob"));
    }

    #[test]
    fn a_lock_without_a_name_is_still_a_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let holder = Holder::here("ann", wall(0));
        let _lease = Lease::take(&path, &holder).expect("free");
        fs::write(&path, "{").expect("writes");
        let refused = Lease::take(&path, &holder).expect_err("held").to_string();
        assert!(refused.contains("another console"), "{refused}");
    }
}
