//! The files of a launch's folder that go into its bundle as they are: plain files alone, by the names they have there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::zip::{MOST_ENTRIES, is_sound};

/// Files beside the journal; pages are made anew.
const FILES: [&str; 3] = [super::BASELINE, super::HEAD, super::PLAN];
const FOLDERS: [&str; 8] = ["artifacts", "notify", "playbooks", "plans", "rollback", "samples", "steps", "streams"];
/// Folders within each other.
const DEEPEST: usize = 12;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of their names.
    pub files: Vec<File>,
    /// What is no plain file, or has a name that no bundle holds.
    pub left_out: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the launch's folder.
    pub name: String,
    pub path: PathBuf,
}

/// Looks `launch` through.
///
/// # Errors
/// A folder cannot be read, or there are too many files.
pub fn collect(launch: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    for name in FILES {
        let path = launch.join(name);
        if fs::symlink_metadata(&path).is_ok() {
            found.take(name.to_owned(), path)?;
        }
    }
    for folder in FOLDERS {
        found.walk(folder, &launch.join(folder), 1)?;
    }
    found.files.sort_by(|one, other| one.name.cmp(&other.name));
    found.left_out.sort();
    Ok(found)
}

/// Half written, a lock, or values of the environment: such a file is no evidence.
fn is_none(name: &str) -> bool {
    name.ends_with(".new") || name == "claim" || name.starts_with("claim.") || name == "lock" || name == "launch.json"
}

impl Found {
    fn walk(&mut self, name: &str, folder: &Path, depth: usize) -> io::Result<()> {
        let inside = match fs::read_dir(folder) {
            Ok(inside) => inside,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(io::Error::new(why.kind(), format!("{name}: {why}"))),
        };
        for entry in inside {
            let entry = entry?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            let is_folder = entry.file_type()?.is_dir();
            if !is_folder && is_none(&entry.file_name().to_string_lossy()) {
                continue;
            }
            match is_folder {
                true if depth >= DEEPEST => self.left_out.push(name),
                true => self.walk(&name, &entry.path(), depth + 1)?,
                false => self.take(name, entry.path())?,
            }
        }
        Ok(())
    }

    fn take(&mut self, name: String, path: PathBuf) -> io::Result<()> {
        let plain = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file());
        if !plain || !is_sound(&name) {
            self.left_out.push(name);
            return Ok(());
        }
        // Room for what is made beside them.
        if self.files.len() as u64 >= MOST_ENTRIES - 1_000 {
            return Err(io::Error::other(format!("the launch has more than {} files", MOST_ENTRIES - 1_000)));
        }
        self.files.push(File { name, path });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_are_found_by_name_and_what_else_lies_there_is_told() {
        let place = tempfile::tempdir().expect("a folder");
        let launch = place.path();
        for (name, text) in [
            ("plan.toml", "plan"),
            ("launch.json", "values"),
            ("journal.db", "db"),
            ("steps/b/1/stdout", "out"),
            ("steps/a/1/outcome.json", "{}"),
            ("steps/a/1/outcome.json.new", "{"),
            ("steps/a/1/claim", "1"),
            ("steps/a/1/claim.7", "7"),
            ("steps/a/1/drill/launch.json", "values"),
            ("steps/claim.x/1/stdout", "out"),
            ("steps/site.new/1/stdout", "out"),
            ("rollback/lock", ""),
            ("steps/a/2\u{1b}/stdout", "out"),
            ("console.log", "log"),
        ] {
            let path = launch.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        std::os::unix::fs::symlink("/etc/passwd", launch.join("steps/a/1/stdout")).expect("linked");
        let found = collect(launch).expect("collected");
        let names: Vec<&str> = found.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "plan.toml",
                "steps/a/1/outcome.json",
                "steps/b/1/stdout",
                "steps/claim.x/1/stdout",
                "steps/site.new/1/stdout"
            ]
        );
        assert_eq!(found.left_out, ["steps/a/1/stdout", "steps/a/2\u{1b}/stdout"]);
    }
}
