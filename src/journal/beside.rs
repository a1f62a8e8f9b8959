//! The journal for one who may only read it, as another user of its folder's group may. Readers of SQLite's log share
//! a file with its writer, and locks in it; who can lock can stop the writer. So that file stays the owner's, and who
//! may only read takes no lock at all: the log is read from the disk into memory of one's own, each time anew. What
//! is read while the writer moves its log may be torn: the chain of the records tells, and the next look is whole.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use super::store::StoreError;
use crate::base::rights;

/// What tells that a journal was written since: of the database and of its log, how long, and when.
pub type Stamp = [Option<(u64, i64, i64)>; 2];

/// The file beside the journal at `path` whose name ends in `end`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(end);
    PathBuf::from(beside)
}

/// Gives the journal that was just opened to whom its folder has read along, but for what carries its locks.
pub(super) fn share(path: &Path) -> io::Result<()> {
    if !path.parent().is_some_and(rights::is_shared) {
        return Ok(());
    }
    let set = |path: &Path, mode| match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => Err(wrong),
        _ => Ok(()),
    };
    // First: it was made with the rights of the database.
    set(&beside(path, "-shm"), 0o600)?;
    set(path, 0o640)?;
    set(&beside(path, "-wal"), 0o640)
}

/// Whether this user may read the journal at `path` and no more.
#[must_use]
pub fn is_needed(path: &Path) -> bool {
    access(path, Access::READ_OK).is_ok() && access(path, Access::WRITE_OK).is_err()
}

pub(super) fn has_log(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    // This interface locks nothing; a connection that thinks itself alone keeps the index of the log in memory.
    let db = Connection::open_with_flags_and_vfs(path, OpenFlags::SQLITE_OPEN_READ_ONLY, c"unix-none")?;
    // It thinks itself the last, too, and would take the log away when it closes, if it could.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "locking_mode", "exclusive")?;
    Ok(db)
}

/// As the files of the journal at `path` stand.
#[must_use]
pub fn stamp(path: &Path) -> Stamp {
    [path.to_owned(), beside(path, "-wal")].map(|path| {
        let file = fs::metadata(path).ok()?;
        Some((file.len(), file.mtime(), file.mtime_nsec()))
    })
}
