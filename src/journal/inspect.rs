//! Looks a whole journal over without acting on it: no lease, and not a byte of the launch changed. A
//! console may act meanwhile; what is seen is one moment of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::audit::{Audit, Told};
use super::chain::Link;
use super::folder::LaunchFolder;
use super::head::{self, Found};
use super::open::OpenError;
use super::sqlite::Sqlite;
use super::store::{Store, StoreError};
use crate::launch::event::Recorded;

/// What was seen of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    pub head: Found,
    pub told: Told,
    /// What is wrong with the database itself, in its own words; no record is named by it.
    pub damage: Vec<String>,
    /// None where it cannot be read.
    pub epoch: Option<u64>,
    /// Somebody wrote while the file was read as one that nobody writes: look again.
    pub moved: bool,
}

/// The state of a file that nobody may write while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Still {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    log: bool,
}

/// Reads all of the journal in `folder` and looks at each record; those that nothing is known against go
/// to `each`.
///
/// # Errors
/// It is no journal, or of a newer layout, or a file cannot be read.
pub fn inspect(folder: &LaunchFolder, each: &mut dyn FnMut(Recorded)) -> Result<Inspected, OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    let in_file = |path: &Path| {
        let path = path.to_owned();
        move |why| OpenError::File { path, why }
    };
    // The head first: a console that acts meanwhile only makes the store longer than this head.
    let head = head::read(&folder.head()).map_err(in_file(&folder.head()))?;
    let still = stands_still(&folder.journal()).map_err(in_file(&folder.journal()))?;
    // SQLite makes side files even to read, but for a file that is said never to change.
    let mut store = match still.log {
        false => Sqlite::open_still(&folder.journal()),
        true => Sqlite::open_to_read(&folder.journal()),
    }
    .map_err(in_store)?;
    let mut damage = Vec::new();
    let mut audit = Audit::new(match head {
        Found::Head(head) => Some(head),
        Found::Missing | Found::Garbled => None,
    });
    let epoch = store.snapshot(|store| {
        let read = store.read(&mut |link| audit.take(&link, each));
        // What cannot be read further is damaged; what was read is told.
        damage.extend(read.err().map(|wrong| wrong.to_string()));
        damage.extend(store.damage()?);
        Ok(store.epoch().ok())
    });
    let epoch = epoch.unwrap_or_else(|wrong: StoreError| {
        damage.push(wrong.to_string());
        None
    });
    drop(store);
    let now = stands_still(&folder.journal()).map_err(in_file(&folder.journal()))?;
    damage.dedup();
    Ok(Inspected { head, told: audit.end(), damage, epoch, moved: !still.log && now != still })
}

/// Hands every record in `folder` to `each` as it is kept, sound or not, until that says false. All are of one moment.
///
/// # Errors
/// It is no journal, or of a newer layout, or cannot be read.
pub fn links(folder: &LaunchFolder, each: &mut dyn FnMut(Link) -> bool) -> Result<(), OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    let still = stands_still(&folder.journal()).map_err(|why| OpenError::File { path: folder.journal(), why })?;
    let mut store = match still.log {
        false => Sqlite::open_still(&folder.journal()),
        true => Sqlite::open_to_read(&folder.journal()),
    }
    .map_err(in_store)?;
    store.snapshot(|store| store.read(each)).map_err(in_store)
}

fn stands_still(journal: &Path) -> io::Result<Still> {
    let file = fs::metadata(journal)?;
    // A pipe would be waited for.
    if !file.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut log = journal.as_os_str().to_owned();
    log.push("-wal");
    // A console makes this file before it writes a byte, and only the last one to leave takes it away.
    let log = fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0);
    Ok(Still { inode: file.ino(), size: file.size(), changed: (file.mtime(), file.mtime_nsec()), log })
}
