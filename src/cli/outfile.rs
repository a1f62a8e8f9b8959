//! A file that somebody asked to be written at the end of a run: whole or not at all, and never one of a run before.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::WRONG;
use super::say::err;
use crate::base::text::printable;

/// Takes away what an earlier run left at `path`: whoever reads it after a run that was interrupted would take it for
/// this one's. Said before anything runs, since a place that cannot be written is found out then.
///
/// # Errors
/// It is a folder, its folder is not there, or it cannot be taken away.
pub fn clear(path: &Path) -> anyhow::Result<()> {
    let beside = beside(path)?;
    // First: where nothing new can be written, the old one is gone all the same.
    if let Err(why) = fs::remove_file(path)
        && why.kind() != ErrorKind::NotFound
    {
        return Err(why).with_context(|| format!("failed to take away the {} of before", shown(path)));
    }
    let tried =
        fs::OpenOptions::new().write(true).create_new(true).open(&beside).and_then(|_| fs::remove_file(&beside));
    tried.with_context(|| format!("failed to write {}", shown(path)))
}

/// Puts `bytes` at `path`, in place of what is there.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = beside(path)?;
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("failed to write {}", shown(path)))
}

/// [`write`] at the end of a run that came to the exit code `code`, which stands whatever becomes of the file: that it
/// cannot be written is said, and is all that there is to say only where the code is 0.
#[must_use]
pub fn last(path: &Path, bytes: &[u8], code: i32) -> i32 {
    match write(path, bytes) {
        Ok(()) => code,
        Err(why) => {
            err!("tminus: {why:#}");
            if code == 0 { WRONG } else { code }
        }
    }
}

fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else { bail!("{} is no file", shown(path)) };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    Ok(path.with_file_name(beside))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_before_left_is_not_there_while_this_one_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.xml");
        write(&path, b"green").expect("written");
        clear(&path).expect("cleared");
        assert!(!path.exists());
        write(&path, b"red").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"red");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_cannot_be_written_takes_no_exit_code_away_and_is_no_success() {
        let folder = tempfile::tempdir().expect("a folder");
        for (code, told) in [(4, 4), (1, 1), (2, 2), (0, WRONG)] {
            assert_eq!(last(&folder.path().join("no/out.xml"), b"x", code), told);
            assert_eq!(last(&folder.path().join("out.xml"), b"x", code), code);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_anything_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(clear(folder.path()).is_err(), "a folder");
        assert!(clear(&folder.path().join("no/out.xml")).is_err(), "no such folder");
    }
}
