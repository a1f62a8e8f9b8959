//! The files of one attempt: written whole or not at all, claimed once, looked at by anyone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::OutcomeFile;
use crate::base::boundary::reach;
use crate::base::rights;

/// Room kept for an outcome before anything runs, so that a full disk cannot swallow it.
const OUTCOME_ROOM: u64 = 8 * 1024;

/// How an attempt stands, read from its folder alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No shim has begun. One may still: [`fence`] makes sure that none can.
    NotClaimed,
    /// The lock on the claim proves that the shim lives.
    Running {
        pid: u32,
    },
    Ended(Box<OutcomeFile>),
    /// Claimed, nobody holds the lock, and there is no outcome: it may have done anything.
    Lost,
}

/// How many folders above an attempt's may be as new as it: the launch's own is the last.
const PARENTS: usize = 4;

/// The claim, held by its lock until this is dropped.
#[derive(Debug)]
pub struct Claim {
    locked: File,
}

/// An outcome's place on disk, taken before the command runs.
#[derive(Debug)]
pub struct OutcomeRoom {
    dir: PathBuf,
    own: PathBuf,
    file: File,
}

/// A folder for us alone, or for those too whom the folder above has read along; with its parents.
///
/// # Errors
/// The file system's own.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    rights::make(dir)
}

/// Writes a file that is there whole and synced, or not at all.
///
/// # Errors
/// The file system's own.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, File::sync_all)?;
    sync_parent(path)
}

/// As [`write_whole`], for what must be done though the disk refuses to sync.
///
/// # Errors
/// The file system's own, a sync's left out.
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, |file| file.sync_all().or(Ok(())))?;
    let _ = sync_parent(path);
    Ok(())
}

/// As [`write_whole`], for what is only shown: nothing is synced.
///
/// # Errors
/// The file system's own.
pub fn write_shown(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, |_| Ok(()))
}

fn put(path: &Path, bytes: &[u8], sync: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    // Of two that write one file, neither renames what is the other's.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = create(&new)?;
    file.write_all(bytes)?;
    sync(&file)?;
    fs::rename(&new, path)
}

/// Claims the attempt for this process; none where another has.
///
/// # Errors
/// The file system's own.
pub fn claim(dir: &Path) -> io::Result<Option<Claim>> {
    // Locked under a name of its own, then linked: nobody ever sees the claim without its lock.
    let own = dir.join(format!("claim.{}", std::process::id()));
    // Its lock is the shim's life: nobody else may hold it, so nobody else may open it.
    let mut file = create_own(&own)?;
    write!(file, "{}", std::process::id())?;
    file.try_lock().map_err(io::Error::from)?;
    reach("claim-locked");
    let linked = fs::hard_link(&own, dir.join("claim"));
    // From here on the attempt is claimed: a name too many is no reason to run nothing.
    let _ = fs::remove_file(&own);
    match linked {
        Ok(()) => Ok(Some(Claim { locked: file })),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

impl Claim {
    /// Syncs the claim and the folders that hold it. Before anything runs: a claim that a power cut takes back
    /// would tell that nothing did.
    ///
    /// # Errors
    /// The file system's own.
    pub fn settle(&self, dir: &Path) -> io::Result<()> {
        self.locked.sync_all()?;
        File::open(dir)?.sync_all()?;
        for parent in dir.ancestors().skip(1).take(PARENTS) {
            // Not each is ours to open, and a disk that refuses has refused above.
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
        }
        Ok(())
    }
}

/// Makes sure that no shim will ever run this attempt: claims it, and writes an outcome that says `why`.
/// False where a shim was first. Where files lie there that only a shim makes, its claim was lost: then the
/// outcome says that nobody knows.
///
/// # Errors
/// The file system's own.
pub fn fence(dir: &Path, why: &str) -> io::Result<bool> {
    create_private_dir(dir)?;
    // To learn that it is too late needs no room on the disk.
    if dir.join("claim").try_exists()? {
        return Ok(false);
    }
    let room = OutcomeRoom::take(dir)?;
    let Some(_claim) = claim(dir)? else { return Ok(false) };
    reach("attempt-fenced");
    // After the claim: no shim begins any more.
    let never_ran = !is_begun(dir, &room.own)?;
    let why = if never_ran { why } else { "a shim left files and no claim: what the command did is not known" };
    room.write(&OutcomeFile { v: 1, error: Some(why.to_owned()), never_ran, ..OutcomeFile::default() })?;
    Ok(true)
}

/// True where `dir` holds an output, or room for an outcome other than `ours`.
fn is_begun(dir: &Path, ours: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path != ours && (["stdout", "stderr"].contains(&name) || name.starts_with("outcome.")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How the attempt in `dir` stands. A folder that is not there was not claimed.
///
/// # Errors
/// The file system's own, other than absence.
pub fn look(dir: &Path) -> io::Result<Standing> {
    if let Some(outcome) = read_outcome(dir)? {
        return Ok(Standing::Ended(Box::new(outcome)));
    }
    let claim = match File::open(dir.join("claim")) {
        Ok(claim) => claim,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::NotClaimed),
        Err(error) => return Err(error),
    };
    match claim.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let pid = io::read_to_string(&claim)?.trim().parse().unwrap_or(0);
            Ok(Standing::Running { pid })
        }
        Err(TryLockError::Error(error)) => Err(error),
        // The lock was let go between our two looks, or never will be taken again.
        Ok(()) => Ok(read_outcome(dir)?.map_or(Standing::Lost, |outcome| Standing::Ended(Box::new(outcome)))),
    }
}

fn read_outcome(dir: &Path) -> io::Result<Option<OutcomeFile>> {
    match fs::read(dir.join("outcome.json")) {
        // It is renamed into place whole: one that does not parse is a disk's fault, and no outcome.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl OutcomeRoom {
    /// Before the claim, under a name of its own: where there is no room, nothing was claimed and nothing
    /// ran. Given back where another claims.
    pub fn take(dir: &Path) -> io::Result<Self> {
        let own = dir.join(format!("outcome.{}", std::process::id()));
        let file = create(&own)?;
        let room = Self { dir: dir.to_owned(), own, file };
        match fallocate(&room.file, FallocateFlags::empty(), 0, OUTCOME_ROOM) {
            Err(full @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(full.into()),
            // Not every file system can; then the write itself has to find its room.
            _ => Ok(room),
        }
    }

    pub fn write(mut self, outcome: &OutcomeFile) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(outcome)?;
        self.file.rewind()?;
        self.file.write_all(&json)?;
        self.file.set_len(json.len() as u64)?;
        let synced = self.file.sync_all();
        let path = self.dir.join("outcome.json");
        // Not synced it is still what happened, for whoever looks while the machine runs.
        fs::rename(&self.own, &path)?;
        synced.and_then(|()| sync_parent(&path))
    }
}

impl Drop for OutcomeRoom {
    fn drop(&mut self) {
        // Gone already where it was written: it took its name.
        let _ = fs::remove_file(&self.own);
    }
}

/// The numbers in `dir` of what is named `NUMBER-NAME`; none where there is no such folder.
pub fn numbers(dir: &Path) -> io::Result<Vec<u32>> {
    let inside = match fs::read_dir(dir) {
        Ok(inside) => inside,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = inside.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|name| name.to_str()?.split_once('-')?.0.parse().ok()).collect())
}

pub fn create(path: &Path) -> io::Result<File> {
    rights::follow(path, create_own(path)?)
}

fn create_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_claimed_once_and_its_lock_is_its_life() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(look(dir.path()).expect("read"), Standing::NotClaimed);
        let held = claim(dir.path()).expect("claimed").expect("first");
        assert!(claim(dir.path()).expect("tried").is_none());
        assert_eq!(look(dir.path()).expect("read"), Standing::Running { pid: std::process::id() });
        drop(held);
        assert_eq!(look(dir.path()).expect("read"), Standing::Lost);
        assert!(!fence(dir.path(), "too late").expect("tried"));
    }

    #[test]
    fn a_fenced_attempt_says_that_it_never_ran() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(fence(dir.path(), "taken over").expect("fenced"));
        let Standing::Ended(outcome) = look(dir.path()).expect("read") else { panic!("no outcome") };
        assert_eq!(outcome.error.as_deref(), Some("taken over"));
        assert!(claim(dir.path()).expect("tried").is_none());
    }

    #[test]
    fn what_left_an_output_is_not_said_to_have_never_run() {
        for left in ["stdout", "stderr"] {
            let dir = tempfile::tempdir().expect("a folder");
            fs::write(dir.path().join(left), "").expect("written");
            assert!(fence(dir.path(), "it never ran").expect("fenced"));
            let Standing::Ended(outcome) = look(dir.path()).expect("read") else { panic!("no outcome") };
            assert!(!outcome.never_ran, "{left}");
            assert!(outcome.error.expect("said").contains("not known"), "{left}");
            assert!(claim(dir.path()).expect("tried").is_none());
        }
    }

    #[test]
    fn rooms_are_apart_and_one_that_is_not_used_is_given_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let names = || fs::read_dir(dir.path()).expect("read").count();
        drop(OutcomeRoom::take(dir.path()).expect("taken"));
        assert_eq!(names(), 0);
        // A shim's own room, as another process has it, is not touched by a fence.
        fs::write(dir.path().join("outcome.1"), "a shim's").expect("written");
        assert!(fence(dir.path(), "taken over").expect("fenced"));
        assert_eq!(fs::read(dir.path().join("outcome.1")).expect("there"), b"a shim's");
        let Standing::Ended(outcome) = look(dir.path()).expect("read") else { panic!("no outcome") };
        assert!(!outcome.never_ran, "a shim was there");
        assert_eq!(names(), 3, "its claim, its outcome, and the shim's room");
    }
}
