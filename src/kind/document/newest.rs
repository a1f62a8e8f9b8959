//! A file by its name, or the newest of those that one `*` in its name stands for: reports carry their time or
//! their run in their names. It is a regular file, of bounded length, and never behind a link.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::base::regular;

/// Entries of a folder that are looked through.
const MOST_ENTRIES: usize = 100_000;

/// A file as it was found.
#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    pub about: About,
    /// Its beginning, at most as much as was asked for.
    pub bytes: Vec<u8>,
}

/// What tells whether a file was written in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    pub length: u64,
    /// Milliseconds since 1970.
    pub modified_ms: i64,
    identity: (u64, u64, i64, i64),
}

impl About {
    fn of(about: &Metadata) -> Self {
        let modified_ms = about.mtime().saturating_mul(1000).saturating_add(about.mtime_nsec() / 1_000_000);
        Self {
            length: about.len(),
            modified_ms,
            identity: (about.dev(), about.ino(), about.mtime(), about.mtime_nsec()),
        }
    }
}

/// What is wrong with the `*` of a file's name: one is allowed, behind the last `/`.
#[must_use]
pub fn wrong_star(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (all, of_name) = (path.matches('*').count(), name.matches('*').count());
    (all > 1 || all != of_name).then(|| format!("`{path}`: one `*`, in the file's own name, for the newest of them"))
}

/// The file that `path` stands for; none where there is none.
///
/// # Errors
/// The folder cannot be read.
pub fn find(path: &Path) -> io::Result<Option<PathBuf>> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else {
        return match fs::symlink_metadata(path) {
            Ok(_) => Ok(Some(path.to_owned())),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(error),
        };
    };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut newest: Option<((i64, i64), PathBuf)> = None;
    for entry in entries.take(MOST_ENTRIES) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let fits = name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
        // A link is none of them: whoever may write there could point it anywhere.
        let Some(about) = fits.then(|| fs::symlink_metadata(entry.path()).ok()).flatten().filter(Metadata::is_file)
        else {
            continue;
        };
        let at = (about.mtime(), about.mtime_nsec());
        if newest.as_ref().is_none_or(|(newest, _)| *newest < at) {
            newest = Some((at, entry.path()));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The file that `path` stands for, with at most `most` of its bytes; none where there is none.
///
/// # Errors
/// It is no regular file, or the file system's own.
pub fn read(path: &Path, most: usize) -> io::Result<Option<Found>> {
    let Some(path) = find(path)? else { return Ok(None) };
    let file = regular::open(&path)?;
    let about = About::of(&file.metadata()?);
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, most as u64), &mut bytes)?;
    Ok(Some(Found { path, about, bytes }))
}

/// How the file that `path` stands for is at this moment; none where there is none, or it cannot be told.
#[must_use]
pub fn about(path: &Path) -> Option<(PathBuf, About)> {
    let path = find(path).ok()??;
    let about = fs::symlink_metadata(&path).ok()?;
    Some((path, About::of(&about)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_star_stands_for_the_newest_regular_file() {
        let place = tempfile::tempdir().expect("a folder");
        for (name, at) in [("run-1.json", 10), ("run-2.json", 30), ("run-3.json", 20), ("run-9.txt", 90)] {
            fs::write(place.path().join(name), name).expect("written");
            let file = File::options().write(true).open(place.path().join(name)).expect("opened");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(at)).expect("set");
        }
        std::os::unix::fs::symlink("/etc/passwd", place.path().join("run-4.json")).expect("linked");
        let found = read(&place.path().join("run-*.json"), 5).expect("read").expect("there");
        assert_eq!((found.bytes.as_slice(), found.about.length, found.about.modified_ms), (&b"run-2"[..], 10, 30_000));
        for none in ["run-*.yaml", "no/run-*.json", "none.json"] {
            assert!(read(&place.path().join(none), 5).expect("looked").is_none(), "{none}");
        }
        for wrong in ["run-4.json", "."] {
            assert!(read(&place.path().join(wrong), 5).is_err(), "{wrong}");
        }
        for (path, wrong) in [("a/b-*.json", false), ("a.json", false), ("*/a.json", true), ("a-*-*.json", true)] {
            assert_eq!(wrong_star(path).is_some(), wrong, "{path}");
        }
    }
}
