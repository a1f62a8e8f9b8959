//! The side journal: where records wait, on another path, while the journal cannot be written, so that a
//! console that dies meanwhile loses none. One file a launch, 0600, chained like the journal itself; gone
//! once what it holds is in the journal.
//!
//! Its first line is `tminus-side 1 JSON`: the launch it is of and the journal's last record. Each other
//! line is `SHA-256(hash before ‖ bytes) in hex`, a space, a record's bytes; the hash before the first is
//! that of the first line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::chain::Hash;
use super::record;
use crate::launch::event::Recorded;

const MAGIC: &str = "tminus-side 1 ";
/// A side journal longer than this is none of ours.
const LIMIT: u64 = 64 << 20;
/// So many lines more than are wanted are carried before the file is made anew.
const SLACK: usize = 256;

/// Of which launch a side journal is, and where its journal ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// The plan's hash and the wall time of the opening: another launch in the same folder is another.
    pub launch: String,
    /// The journal's last record.
    pub after: u64,
}

/// A side journal that is being written.
#[derive(Debug)]
pub struct Side {
    path: PathBuf,
    file: File,
    of: Of,
    hash: Hash,
    end: u64,
    lines: usize,
}

/// A side journal that was found.
#[derive(Debug)]
pub struct Left {
    pub path: PathBuf,
    pub of: Of,
    pub records: Vec<Recorded>,
    /// Its last line was torn, or does not follow: what stands before is whole.
    pub torn: bool,
}

impl Side {
    /// A new one at `path`, in place of whatever lies there.
    ///
    /// # Errors
    /// The file system's own.
    pub fn create(path: &Path, of: Of) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            own_folder(folder)?;
        }
        let new = path.with_extension("new");
        let mut how = OpenOptions::new();
        how.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_follow());
        let file = how.open(&new)?;
        let first = format!("{MAGIC}{}\n", serde_json::to_string(&of)?);
        file.write_all_at(first.as_bytes(), 0)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let hash = Hash::default().then(first.as_bytes());
        Ok(Self { path: path.to_owned(), file, of, hash, end: first.len() as u64, lines: 0 })
    }

    /// Appends and syncs what is `new`; `all` is everything that is wanted, of which a file that has grown
    /// far beyond it is made anew.
    ///
    /// # Errors
    /// The file system's own; what was written before stays.
    pub fn keep(&mut self, new: &[Recorded], all: &[Recorded]) -> io::Result<()> {
        if self.lines + new.len() > all.len() * 2 + SLACK {
            let mut anew = Self::create(&self.path, self.of.clone())?;
            anew.append(all)?;
            *self = anew;
            return Ok(());
        }
        self.append(new)
    }

    fn append(&mut self, records: &[Recorded]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut hash = self.hash;
        for record in records {
            let json = record::encode(record).map_err(io::Error::other)?;
            hash = hash.then(&json);
            write!(bytes, "{hash} ")?;
            bytes.extend(json);
            bytes.push(b'\n');
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.file.sync_data()?;
        (self.hash, self.end, self.lines) = (hash, self.end + bytes.len() as u64, self.lines + records.len());
        Ok(())
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn of(&self) -> &Of {
        &self.of
    }

    /// Whether its path still names it: a run time folder goes with its user's last session, and another
    /// console may have read it in or put its own in its place.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let ours = self.file.metadata().map(|ours| (ours.dev(), ours.ino()));
        let there = fs::symlink_metadata(&self.path).map(|there| (there.dev(), there.ino()));
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }
}

/// What the side journal at `path` holds is in the journal; it may be gone already.
///
/// # Errors
/// It cannot be removed. What it holds stands in the journal then, and is not read in twice.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => Err(wrong),
        _ => Ok(()),
    }
}

/// The side journal at `path`, as far as it is whole; none where there is none.
///
/// # Errors
/// It cannot be read, is not ours, or is no side journal.
pub fn read(path: &Path) -> io::Result<Option<Left>> {
    let mut file = match OpenOptions::new().read(true).custom_flags(no_follow()).open(path) {
        Ok(file) => file,
        Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(wrong) => return Err(wrong),
    };
    let about = file.metadata()?;
    if !about.is_file() || about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is another user's, or no file"));
    }
    if about.len() > LIMIT {
        return Err(io::Error::other(format!("it is larger than the {} MiB that are read", LIMIT >> 20)));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    let no_side = || io::Error::other("it is no side journal of this version");
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().ok_or_else(no_side)?;
    let of = first.strip_prefix(MAGIC.as_bytes()).and_then(|json| serde_json::from_slice(json).ok());
    let mut left = Left { path: path.to_owned(), of: of.ok_or_else(no_side)?, records: Vec::new(), torn: false };
    let mut hash = Hash::default().then(first);
    for line in lines {
        match whole(line, hash) {
            Some((record, next)) => {
                left.records.push(record);
                hash = next;
            }
            None => {
                left.torn = true;
                break;
            }
        }
    }
    Ok(Some(left))
}

fn whole(line: &[u8], before: Hash) -> Option<(Recorded, Hash)> {
    let (said, json) = line.strip_suffix(b"\n")?.split_at_checked(64)?;
    let json = json.strip_prefix(b" ")?;
    let hash = before.then(json);
    let said: Hash = std::str::from_utf8(said).ok()?.parse().ok()?;
    (said == hash).then_some(())?;
    Some((record::decode(json).ok()?, hash))
}

/// Where the side journal of the launch in `folder` lies: in `chosen`, else in the first place on another device
/// than the launch's own that takes one. None where every place shares the fate of the journal.
#[must_use]
pub fn place(folder: &Path, chosen: Option<&Path>) -> Option<PathBuf> {
    if let Some(chosen) = chosen {
        return Some(chosen.join(name(folder)));
    }
    let device = fs::metadata(folder).ok()?.dev();
    let elsewhere = |parent: &PathBuf| fs::metadata(parent).is_ok_and(|about| about.is_dir() && about.dev() != device);
    let fit = |(parent, place): &(PathBuf, PathBuf)| elsewhere(parent) && usable(place).is_ok();
    parents().into_iter().find(fit).map(|(_, place)| place.join(name(folder)))
}

/// Makes `place` where it is not there, and keeps a file in it once: better than to learn of it when it is needed.
///
/// # Errors
/// It cannot be made or written, or is not ours.
pub fn usable(place: &Path) -> io::Result<()> {
    own_folder(place)?;
    let path = place.join(format!("{}.try", std::process::id()));
    let mut how = OpenOptions::new();
    how.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_follow());
    let tried = how.open(&path).and_then(|mut file| file.write_all(b"tried\n").and_then(|()| file.sync_all()));
    let _ = fs::remove_file(&path);
    tried
}

/// Every place where an earlier console may have left one: `named` is the one that it noted down.
#[must_use]
pub fn places(folder: &Path, named: Option<&Path>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = named.map(|named| named.join(name(folder))).into_iter().collect();
    places.extend(parents().into_iter().map(|(_, place)| place.join(name(folder))));
    places.dedup();
    places
}

/// Folders that may lie on another device, and ours in each. That of the run time comes last: it goes with its
/// user's last session.
fn parents() -> Vec<(PathBuf, PathBuf)> {
    let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let user = rustix::process::geteuid().as_raw();
    let run = of("XDG_RUNTIME_DIR").or_else(|| Some(PathBuf::from(format!("/run/user/{user}"))));
    let temporary = std::env::temp_dir();
    let of_user = |parent: PathBuf| (parent.clone(), parent.join(format!("tminus-{user}")));
    let places = [temporary, PathBuf::from("/var/tmp")].map(of_user).into_iter();
    places.chain(run.map(|run| (run.clone(), run.join("tminus")))).collect()
}

/// The folder's own path, hashed: the next console finds it by that alone.
fn name(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let hash = Hash::default().then(std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str()));
    format!("{}.side", &hash.to_string()[..32])
}

/// A folder of ours alone: in a place that others may write to, what they put there is not used.
fn own_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("{} is not ours", folder.display())));
    }
    Ok(())
}

fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::journal::samples;

    fn of() -> Of {
        Of { launch: "abc 1700000000000".into(), after: 7 }
    }

    fn noted(seq: u64) -> Recorded {
        samples::recorded(seq, samples::noted(&format!("note {seq}")))
    }

    #[test]
    fn what_was_kept_is_found_and_a_torn_line_costs_itself_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("tminus/one.side");
        assert!(read(&path).expect("reads").is_none());
        let all = [noted(8), noted(9), noted(10)];
        let mut side = Side::create(&path, of()).expect("made");
        side.keep(&all[..1], &all[..1]).expect("kept");
        side.keep(&all[1..], &all).expect("kept");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().expect("a folder")).expect("there").permissions().mode() & 0o777, 0o700);
        let left = read(&path).expect("reads").expect("there");
        assert_eq!((left.of, left.records.as_slice(), left.torn), (of(), all.as_slice(), false));

        let whole = fs::read(&path).expect("reads");
        fs::write(&path, &whole[..whole.len() - 9]).expect("written");
        let left = read(&path).expect("reads").expect("there");
        assert_eq!((left.records.as_slice(), left.torn), (&all[..2], true));

        let mut flipped = whole.clone();
        let at = whole.len() - 20;
        flipped[at] ^= 1;
        fs::write(&path, flipped).expect("written");
        assert_eq!(read(&path).expect("reads").expect("there").records, &all[..2]);

        remove(&path).expect("removed");
        assert!(read(&path).expect("reads").is_none());
        fs::write(&path, "something else\n").expect("written");
        read(&path).expect_err("no side journal");
    }

    #[test]
    fn a_file_of_changes_that_are_void_is_made_anew() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("one.side");
        let mut side = Side::create(&path, of()).expect("made");
        let last = [noted(9)];
        let mut longest = 0;
        for _ in 0..5 * SLACK {
            side.keep(&last, &last).expect("kept");
            longest = longest.max(fs::metadata(&path).expect("there").len());
        }
        assert!(longest < 300 * (SLACK as u64 + 8), "{longest} bytes");
        assert_eq!(read(&path).expect("reads").expect("there").records.last(), last.last());
    }

    #[test]
    fn a_link_that_someone_laid_there_is_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let (path, other) = (place.path().join("one.side"), place.path().join("other"));
        fs::write(&other, "mine").expect("written");
        std::os::unix::fs::symlink(&other, &path).expect("linked");
        read(&path).expect_err("a link");
        std::os::unix::fs::symlink(&other, path.with_extension("new")).expect("linked");
        Side::create(&path, of()).expect_err("a link");
        assert_eq!(fs::read(&other).expect("reads"), b"mine");
    }

    #[test]
    fn a_place_is_tried_before_it_is_needed() {
        let place = tempfile::tempdir().expect("a folder");
        let side = place.path().join("of/mine");
        usable(&side).expect("made and written");
        assert_eq!(fs::read_dir(&side).expect("there").count(), 0, "what was tried is gone");
        fs::write(place.path().join("file"), "no folder").expect("written");
        usable(&place.path().join("file")).expect_err("no folder");
        usable(Path::new("/proc/self/side")).expect_err("nothing can be made there");
    }

    #[test]
    fn what_a_session_takes_with_it_is_the_last_place() {
        let parents = parents();
        let at = |wanted: &Path| parents.iter().position(|(parent, _)| parent == wanted);
        let run = parents.iter().position(|(_, place)| place.ends_with("tminus")).expect("a run time folder");
        assert_eq!(run, parents.len() - 1);
        assert!(at(&std::env::temp_dir()) < Some(run));
    }

    #[test]
    fn its_place_is_chosen_or_on_another_device() {
        let folder = tempfile::tempdir().expect("a folder");
        let chosen = tempfile::tempdir().expect("a folder");
        let place = place(folder.path(), Some(chosen.path())).expect("a place");
        assert_eq!(place.parent(), Some(chosen.path()));
        assert!(places(folder.path(), Some(chosen.path())).contains(&place));
        let other = tempfile::tempdir().expect("a folder");
        assert_ne!(super::place(other.path(), Some(chosen.path())), Some(place), "each launch has its own");
        if let Some(elsewhere) = super::place(folder.path(), None) {
            let parent = elsewhere.parent().and_then(Path::parent).expect("a parent");
            let device = |path: &Path| fs::metadata(path).expect("there").dev();
            assert_ne!(device(parent), device(folder.path()));
        }
    }
}
