//! The runner's own log: one line a fact, each synced before the next thing happens, each hashed with
//! the hash of the one before. Its room is taken in advance. The lock on it is the runner's life.
//!
//! A line is `SHA-256(hash before ‖ JSON) in hex`, a space, the JSON, a newline; the hash before the first
//! is 32 zero bytes. What follows the last line is zeros.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};

use super::fact::{Line, VERSION};
use crate::base::proc::create_private_dir;
use crate::base::regular;
use crate::base::text::hex;
use crate::launch::event::RollbackFact;
use crate::launch::time::Wall;

const ROOM: u64 = 256 * 1024;
/// A log longer than this is none of ours.
pub(super) const LIMIT: u64 = 64 << 20;
/// How often a lock that someone merely looked at is tried again before it counts as held.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// What is added to the name of a log that is put aside.
pub(super) const ASIDE: &str = "broken";

type Hash = [u8; 32];

/// One fact of the log, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub at: Wall,
    pub fact: RollbackFact,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("failed to read or write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the chain of {path} breaks at line {line}: {why}")]
    Broken { path: PathBuf, line: u64, why: String },
}

/// The log, held for writing. Nobody else can hold it as long as this lives.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    end: End,
    /// A file that may be deleted when the disk is full.
    reserve: PathBuf,
}

/// What came of asking for the log.
#[derive(Debug)]
pub enum Opened {
    /// It is ours, with what an earlier runner left in it.
    Ours(Log, Vec<Entry>),
    /// A runner lives and holds it.
    Held,
}

/// A reader that goes on where it stopped.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    end: End,
}

/// Where the chain ends: offset, hash, number of the last line.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    at: u64,
    hash: Hash,
    seq: u64,
}

impl Log {
    /// Takes the log at `path`, making it where it is not there. A torn last line is cut off; a log with a
    /// broken chain is put aside as `log.broken`, since a rollback must be possible without it.
    ///
    /// # Errors
    /// The file system's own.
    pub fn open(path: &Path, reserve: &Path) -> Result<Opened, LogError> {
        let wrong = |source| LogError::Io { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            create_private_dir(parent).map_err(wrong)?;
        }
        let Some(mut file) = take(path).map_err(wrong)? else { return Ok(Opened::Held) };
        let mut follow = Self::follow(path);
        let entries = match follow.read() {
            Ok(entries) => entries,
            Err(LogError::Broken { .. }) => {
                fs::rename(path, path.with_extension(ASIDE)).map_err(wrong)?;
                match take(path).map_err(wrong)? {
                    Some(new) => file = new,
                    None => return Ok(Opened::Held),
                }
                follow = Self::follow(path);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        file.set_len(follow.end.at).map_err(wrong)?;
        // Where the disk has no room left, facts find their own or are lost; the rollback goes on.
        let _ = fallocate(&file, FallocateFlags::empty(), follow.end.at, ROOM);
        let log = Self { path: path.to_owned(), file, end: follow.end, reserve: reserve.to_owned() };
        Ok(Opened::Ours(log, entries))
    }

    /// Reads the log at `path` from its start, and from then on what is new. It need not be there yet.
    #[must_use]
    pub fn follow(path: &Path) -> Follow {
        Follow { path: path.to_owned(), end: End::default() }
    }

    /// True while a runner lives that holds the log.
    ///
    /// # Errors
    /// The file system's own, other than absence.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        match regular::open(path) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Appends and syncs one fact. On a full disk the reserve is given up first.
    ///
    /// # Errors
    /// The file system's own: the fact is then in no file.
    pub fn tell(&mut self, at: Wall, fact: &RollbackFact) -> Result<(), LogError> {
        let wrong = |source| LogError::Io { path: self.path.clone(), source };
        let line = Line { v: VERSION, seq: self.end.seq + 1, at, fact: fact.clone().into() };
        let json = serde_json::to_vec(&line).map_err(|error| wrong(error.into()))?;
        let hash = chained(&self.end.hash, &json);
        let mut bytes = hex(&hash).into_bytes();
        bytes.push(b' ');
        bytes.extend(json);
        bytes.push(b'\n');
        let write = || self.file.write_all_at(&bytes, self.end.at).and_then(|()| self.file.sync_data());
        match write() {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                let _ = fs::remove_file(&self.reserve);
                write().map_err(wrong)?;
            }
            other => other.map_err(wrong)?,
        }
        self.end = End { at: self.end.at + bytes.len() as u64, hash, seq: line.seq };
        Ok(())
    }
}

/// Opens and locks `path`; none where another holds it.
fn take(path: &Path) -> io::Result<Option<File>> {
    let wary = i32::try_from(regular::WARY.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600).custom_flags(wary);
    let file = regular::only(options.open(path)?)?;
    let mut looked_at = true;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::WouldBlock) => looked_at = false,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    if looked_at { replaced(path, &file).map(Some) } else { Ok(None) }
}

/// A log that somebody only looks at, all the time: frozen while they do. It goes on in a file of its own under
/// the same name, so that its lock is a runner's life again.
fn replaced(path: &Path, old: &File) -> io::Result<File> {
    let own = path.with_extension(format!("{}.new", std::process::id()));
    let mut new = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&own)?;
    new.lock()?;
    let copied = io::copy(&mut old.take(LIMIT), &mut new).and_then(|_| new.sync_all());
    copied.and_then(|()| fs::rename(&own, path)).inspect_err(|_| drop(fs::remove_file(&own)))?;
    Ok(new)
}

impl Follow {
    /// The whole lines since the last call. A line still being written, or torn, is left for later.
    ///
    /// # Errors
    /// Where the chain breaks, or the file cannot be read. A broken chain stays broken.
    pub fn read(&mut self) -> Result<Vec<Entry>, LogError> {
        let new = match self.bytes() {
            Ok(new) => new,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(LogError::Io { path: self.path.clone(), source }),
        };
        let written = new.iter().position(|byte| *byte == 0).unwrap_or(new.len());
        let mut entries = Vec::new();
        for line in new[..written].split_inclusive(|byte| *byte == b'\n') {
            let Some(body) = line.strip_suffix(b"\n") else { break };
            let (entry, hash) = self.parse(body).map_err(|why| LogError::Broken {
                path: self.path.clone(),
                line: self.end.seq + 1,
                why,
            })?;
            self.end = End { at: self.end.at + line.len() as u64, hash, seq: entry.seq };
            entries.push(entry);
        }
        Ok(entries)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut file = regular::open(&self.path)?;
        file.seek(SeekFrom::Start(self.end.at))?;
        let mut new = Vec::new();
        file.take(LIMIT).read_to_end(&mut new)?;
        Ok(new)
    }

    fn parse(&self, line: &[u8]) -> Result<(Entry, Hash), String> {
        let (said, json) = line.split_at_checked(64).ok_or("it is too short to hold its hash")?;
        let json = json.strip_prefix(b" ").ok_or("no space follows the hash")?;
        let hash = chained(&self.end.hash, json);
        if hex(&hash).as_bytes() != said {
            return Err("its hash is not that of its bytes and the line before".into());
        }
        let line: Line = serde_json::from_slice(json).map_err(|error| format!("it cannot be read: {error}"))?;
        if line.seq != self.end.seq + 1 {
            return Err(format!("it calls itself line {}", line.seq));
        }
        Ok((Entry { seq: line.seq, at: line.at, fact: line.fact.into() }, hash))
    }
}

fn chained(before: &Hash, json: &[u8]) -> Hash {
    Sha256::new().chain_update(before).chain_update(json).finalize().into()
}
