//! `request.json`: who asked for a run, why, when and from where. It is in the run's folder from the moment
//! that folder has its name, so that whoever holds the launch can record what it finds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::inbox::names;
use super::folder;
use crate::base::proc::create_private_dir;
use crate::base::text::{cut, printable};
use crate::base::{regular, rights};
use crate::launch::event::Actor;
use crate::launch::id::{RoleId, RollbackId};
use crate::launch::time::Wall;

/// The version this program writes.
const VERSION: u32 = 1;
/// A request longer than this is none of ours.
const LIMIT: u64 = 64 * 1024;
/// Columns that are kept of each text in it.
const KEPT: usize = 400;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    v: u32,
    pub rollback: RollbackId,
    pub run: u32,
    pub name: String,
    #[serde(default)]
    pub role: Option<RoleId>,
    /// Whose hand wrote it down, where that is another's than the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    pub why: String,
    pub at: Wall,
    /// The terminal, or the console, it was asked at.
    pub from: String,
    /// The runs that its asker knew to be over: whatever else ran by then ran beside this request, which
    /// joined it.
    pub over: Vec<u32>,
}

impl Request {
    #[must_use]
    pub fn new(rollback: RollbackId, run: u32, by: &Actor, why: &str, at: Wall) -> Self {
        let Actor { name, role, recorded_by, .. } = by.clone();
        let (why, from, over) = (why.to_owned(), String::new(), Vec::new());
        Self { v: VERSION, rollback, run, name, role, recorded_by, why, at, from, over }
    }

    /// Who asked.
    #[must_use]
    pub fn by(&self) -> Actor {
        Actor { recorded_by: self.recorded_by.clone(), ..Actor::person(self.name.clone(), self.role.clone()) }
    }

    /// Puts the run's folder into `launch`, with this in it; both are there or neither is. Not synced: see
    /// [`Request::settle`].
    ///
    /// # Errors
    /// The file system's own; the folder of that run being there already is one of them.
    pub fn publish(&self, launch: &Path) -> io::Result<()> {
        let folder = folder(launch, self.run, &self.rollback);
        if folder.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let own = folder.with_file_name(format!(".{}-{}", self.run, std::process::id()));
        create_private_dir(&own)?;
        let json = serde_json::to_vec_pretty(self)?;
        let path = own.join("request.json");
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
        let mut file = rights::follow(&path, file)?;
        file.write_all(&json)?;
        fs::rename(&own, &folder).inspect_err(|_| drop(fs::remove_dir_all(&own)))
    }

    /// Syncs what [`Request::publish`] wrote. The rollback does not wait for it.
    ///
    /// # Errors
    /// The file system's own.
    pub fn settle(&self, launch: &Path) -> io::Result<()> {
        let folder = folder(launch, self.run, &self.rollback);
        File::open(path(&folder))?.sync_all()?;
        File::open(&folder)?.sync_all()?;
        folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// What was asked in a run's folder; none where nothing readable is. Its words are printable, and its
    /// name is that of the account that wrote it, where that is not the launch's own.
    #[must_use]
    pub fn read(launch: &Path, folder: &Path) -> Option<Self> {
        let file = regular::open(&path(folder)).ok()?;
        let writer = file.metadata().ok()?.uid();
        let mut json = Vec::new();
        file.take(LIMIT).read_to_end(&mut json).ok()?;
        let mut request: Self = serde_json::from_slice(&json).ok()?;
        let owner = fs::metadata(launch).ok()?.uid();
        if writer != owner {
            (request.name, request.recorded_by) = (login(writer), None);
        }
        let texts = [&mut request.name, &mut request.why, &mut request.from];
        for text in texts.into_iter().chain(&mut request.recorded_by) {
            *text = cut(&printable(text), KEPT);
        }
        Some(request)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("request.json")
}

/// What the user `uid` is called on this system.
#[must_use]
pub fn login(uid: u32) -> String {
    names::login(&fs::read_to_string("/etc/passwd").unwrap_or_default(), uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_request_is_there_whole_once_and_printable() {
        let place = tempfile::tempdir().expect("a folder");
        let by = Actor::person("b\u{1b}[31mob", Some("ops".into()));
        let request = Request::new("back".into(), 3, &by, "bad\nnews", clock::wall());
        request.publish(place.path()).expect("published");
        request.settle(place.path()).expect("synced");
        let read = Request::read(place.path(), &folder(place.path(), 3, &"back".into())).expect("read");
        assert_eq!((read.name.as_str(), read.why.as_str()), ("bob", "bad news"));
        assert_eq!((read.rollback, read.run, read.role), (request.rollback.clone(), 3, Some("ops".into())));
        assert!(request.publish(place.path()).is_err(), "a run is asked for once");
        assert_eq!(fs::read_dir(place.path().join("rollback")).expect("read").count(), 1, "nothing is left behind");
    }
}
