//! Keeps what is too large for a record as files named by their SHA-256, before the record that names them. What one
//! launch may fill is bounded: beyond that a record says that its body was cut, and names no file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::base::proc::{create_private_dir, write_whole};
use crate::base::secret::Redactor;
use crate::launch::artifact::{Artifact, FOLDER, KEPT, Whole, name_of};

/// All files in a launch's `artifacts/` together, in bytes, where a console adds to them by itself.
pub const MOST: u64 = 512 << 20;

/// The artifacts of a launch. Whoever uses it may wait for a disk.
#[derive(Debug)]
pub struct Artifacts {
    folder: PathBuf,
    /// Bytes that may still be added; none before the folder was looked at.
    room: Mutex<Option<u64>>,
}

impl Artifacts {
    #[must_use]
    pub fn of(launch: &Path) -> Self {
        Self { folder: launch.join(FOLDER), room: Mutex::new(None) }
    }

    /// Keeps each of `all` without its secrets, synced; what cannot be kept is left out, and the log says why.
    #[must_use]
    pub fn keep(&self, all: &[Whole], redactor: &Redactor) -> Vec<Artifact> {
        let kept = |whole: &Whole| match self.keep_one(whole, redactor) {
            Ok(kept) => Some(kept),
            Err(why) => {
                tracing::warn!("the {} of a check is not kept: {why}", whole.name);
                None
            }
        };
        all.iter().filter_map(kept).collect()
    }

    fn keep_one(&self, whole: &Whole, redactor: &Redactor) -> io::Result<Artifact> {
        let content = clean(&whole.bytes, redactor);
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match *room {
            Some(left) => left,
            None => MOST.saturating_sub(taken(&self.folder)?),
        };
        let (sha256, bytes) = (name_of(&content), content.len() as u64);
        let path = self.folder.join(&sha256);
        // The same content is kept once; a file of that name which is not that content is replaced.
        let there = fs::read(&path).is_ok_and(|there| there == content);
        let left = match there {
            true => left,
            false => {
                let full = || io::Error::other(format!("its launch has {} MiB of them already", MOST >> 20));
                let left = left.checked_sub(bytes).ok_or_else(full)?;
                create_private_dir(&self.folder)?;
                write_whole(&path, &content)?;
                left
            }
        };
        *room = Some(left);
        let cut = whole.cut || whole.bytes.len() > KEPT;
        Ok(Artifact { name: whole.name.to_owned(), sha256, bytes, cut })
    }
}

/// The first [`KEPT`] of `bytes` without secrets; what might be the beginning of one at the cut is left out.
fn clean(bytes: &[u8], redactor: &Redactor) -> Vec<u8> {
    let mut stream = redactor.stream();
    let mut clean = stream.feed(bytes.get(..KEPT).unwrap_or(bytes));
    if bytes.len() <= KEPT {
        clean.extend(stream.finish());
    }
    clean
}

/// Bytes in the files of `folder`.
fn taken(folder: &Path) -> io::Result<u64> {
    let inside = match fs::read_dir(folder) {
        Ok(inside) => inside,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(why) => return Err(why),
    };
    let mut sum = 0_u64;
    for entry in inside {
        sum = sum.saturating_add(entry?.metadata().map_or(0, |about| about.len()));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn whole(bytes: &[u8]) -> Whole {
        Whole { name: "response body", bytes: bytes.to_vec().into(), cut: false }
    }

    fn none() -> Redactor {
        Redactor::default()
    }

    #[test]
    fn what_is_kept_is_bounded_and_has_no_secret_not_even_half_of_one_at_the_cut() {
        let redactor = Redactor::new(["hunter22-long".to_owned()]);
        let mut large = vec![b'x'; KEPT - 6];
        large.extend(b"hunter22-long and on");
        let place = tempfile::tempdir().expect("a folder");
        let kept = Artifacts::of(place.path()).keep(&[whole(&large), whole(b"of hunter22-long, all")], &redactor);
        let read = |at: usize| fs::read(place.path().join(kept[at].place())).expect("kept");
        assert!(kept[0].cut && read(0).len() <= KEPT && read(0).iter().all(|byte| *byte == b'x'));
        assert!(!kept[1].cut && !String::from_utf8_lossy(&read(1)).contains("hunter22"));
        assert_eq!(kept[1].bytes, read(1).len() as u64);
    }

    #[test]
    fn the_same_bytes_are_kept_once_by_their_hash_for_their_owner_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let artifacts = Artifacts::of(place.path());
        let kept = artifacts.keep(&[whole(b"one"), whole(b"two"), whole(b"one")], &none());
        assert_eq!(kept.len(), 3);
        assert_eq!(kept[0], kept[2]);
        let folder = place.path().join(FOLDER);
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 2);
        for artifact in &kept {
            let path = place.path().join(artifact.place());
            assert_eq!(name_of(&fs::read(&path).expect("kept")), artifact.sha256);
            assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        }
        fs::write(place.path().join(kept[0].place()), b"swapped").expect("written");
        assert_eq!(artifacts.keep(&[whole(b"one")], &none()), kept[..1]);
        assert_eq!(fs::read(place.path().join(kept[0].place())).expect("kept"), b"one", "made good");
    }

    #[test]
    fn a_launch_takes_no_more_of_the_disk_than_it_may() {
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir(place.path().join(FOLDER)).expect("made");
        let large = fs::File::create(place.path().join(FOLDER).join("given")).expect("made");
        large.set_len(MOST - 5).expect("sparse");
        let artifacts = Artifacts::of(place.path());
        let kept = artifacts.keep(&[whole(b"123"), whole(b"4567"), whole(b"89"), whole(b"123"), whole(b"0")], &none());
        let sizes: Vec<u64> = kept.iter().map(|artifact| artifact.bytes).collect();
        assert_eq!(sizes, [3, 2, 3], "what is there already takes no room");
    }

    #[test]
    fn what_cannot_be_kept_is_named_by_no_record() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join(FOLDER), b"").expect("a file in the way");
        assert!(Artifacts::of(place.path()).keep(&[whole(b"one")], &none()).is_empty());
    }
}
