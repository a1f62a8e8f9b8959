//! One console holds the launch: a lock on the folder's `lock` file for as long as it lives, and its
//! name in it for those who come second. The epoch in the store is what a writer is checked against;
//! this lock is what keeps honest consoles apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::serde::ts_milliseconds;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::base::text::printable;
use crate::launch::time::Wall;

/// Who holds a launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub name: String,
    pub pid: u32,
    pub host: String,
    #[serde(with = "ts_milliseconds")]
    pub since: Wall,
}

/// The lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lease {
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// `None` where the holder has not written its name yet.
    #[error("{}", held(.0.as_ref()))]
    Held(Option<Holder>),
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

impl Lease {
    /// Takes the lock at `path` for `holder`.
    ///
    /// # Errors
    /// Another console holds it, or the file cannot be written.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self, LeaseError> {
        let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(LeaseError::Held(holder_at(path))),
            Err(wrong) => return Err(io::Error::from(wrong).into()),
        }
        // The name of the last holder may stand there; only the lock says that one lives.
        lock.set_len(0)?;
        lock.rewind()?;
        lock.write_all(serde_json::to_string(holder).map_err(io::Error::from)?.as_bytes())?;
        Ok(Self { _lock: lock })
    }
}

/// Who wrote its name into the lock file last, whether it lives or not. Its words are printable.
#[must_use]
pub fn holder_at(path: &Path) -> Option<Holder> {
    let holder: Holder = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some(Holder { name: printable(&holder.name), host: printable(&holder.host), ..holder })
}

fn held(holder: Option<&Holder>) -> String {
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
