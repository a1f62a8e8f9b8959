//! The launch folder: where everything of one launch lies, readable by its owner alone.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::base::boundary::reach;
use crate::base::rights;
use crate::launch::id::{Attempt, ItemId, RollbackId};

/// A path that was found to be a launch, or was made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchFolder {
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("there is no launch at {0}")]
    Missing(PathBuf),
    #[error("{0} is a file; a launch is a folder")]
    NoFolder(PathBuf),
    #[error("{0} is no launch: it holds no journal.db")]
    NotALaunch(PathBuf),
    #[error("{0} is not empty; a new launch takes a folder of its own")]
    Occupied(PathBuf),
    #[error("failed to {what} {path}: {why}")]
    Denied { what: &'static str, path: PathBuf, why: io::Error },
}

/// Folders every launch has.
const FOLDERS: [&str; 5] = ["steps", "rollback", "streams", "artifacts", "inbox"];
/// What stays its owner's in a launch that is shared: whoever can open a file can lock it, and the lock on one of
/// these is somebody's life or turn.
const OWN: [&str; 3] = ["journal.db-shm", "claim", "log"];
/// What a console that opens a launch may have made beside them when it is killed. `launch.json` is the last,
/// and the journal's first record comes after it.
const FILES: [&str; 3] = ["lock", "head", "reserve"];

impl LaunchFolder {
    /// Makes the folder of a new launch, and its parents; an empty one may be there, or what is left of a
    /// launch whose console was killed before it began.
    ///
    /// # Errors
    /// Something lies there already, or it cannot be made.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let root = root.into();
        match fs::read_dir(&root).map(|mut inside| inside.next()) {
            Ok(Some(_)) if !Self::never_began(&root) => return Err(FolderError::Occupied(root)),
            Err(wrong) if wrong.kind() == io::ErrorKind::NotADirectory => return Err(FolderError::NoFolder(root)),
            Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => return Err(denied("read", &root)(wrong)),
            _ => {}
        }
        let folder = Self { root };
        folder.make(&folder.root)?;
        // One that was there may have been open to others.
        fs::set_permissions(&folder.root, Permissions::from_mode(0o700))
            .map_err(denied("close to others", &folder.root))?;
        for inside in FOLDERS {
            folder.make(&folder.root.join(inside))?;
        }
        reach("folder-made");
        Ok(folder)
    }

    /// Whether a launch at `root` was begun: everything that going on with it needs lies there.
    #[must_use]
    pub fn began(root: &Path) -> bool {
        root.join("launch.json").exists() && root.join("journal.db").exists()
    }

    /// Whether `root` holds what a console leaves that is killed while it opens a launch, and nothing else:
    /// nothing of that launch has happened.
    #[must_use]
    pub fn never_began(root: &Path) -> bool {
        let Ok(inside) = fs::read_dir(root) else { return false };
        let mut names = Vec::new();
        for entry in inside {
            match entry.map(|entry| entry.file_name().into_string()) {
                Ok(Ok(name)) => names.push(name),
                _ => return false,
            }
        }
        let has = |name: &str| names.iter().any(|known| known == name);
        // A plan of somebody's own, in a folder of somebody's own, is no launch's copy of one.
        let (folders, journal) = (FOLDERS.iter().all(|folder| has(folder)), has("journal.db"));
        let ours = |name: &String| {
            let file = name.strip_suffix(".new").unwrap_or(name);
            if !folders {
                return FOLDERS.contains(&name.as_str());
            }
            FOLDERS.contains(&name.as_str())
                || FILES.contains(&file)
                || ["lock.", "head."].iter().any(|beside| file.starts_with(beside))
                || file.starts_with("journal.db")
                || (journal && (file == "plan.toml" || name == "launch.json.new"))
        };
        !names.is_empty() && names.iter().all(ours)
    }

    /// The folder of a launch that exists.
    ///
    /// # Errors
    /// Nothing there, no folder, no launch, or not readable.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let root = root.into();
        match fs::read_dir(&root) {
            Ok(_) => {}
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => return Err(FolderError::Missing(root)),
            Err(wrong) if wrong.kind() == io::ErrorKind::NotADirectory => return Err(FolderError::NoFolder(root)),
            Err(wrong) => return Err(denied("read", &root)(wrong)),
        }
        let folder = Self { root };
        match folder.journal().try_exists() {
            Ok(true) => Ok(folder),
            Ok(false) => Err(FolderError::NotALaunch(folder.root)),
            Err(wrong) => Err(denied("read", &folder.root)(wrong)),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The frozen copy of the plan that the launch goes by.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan.toml")
    }

    /// One of the plans that the launch went by, once it was amended: 1 for the one it was opened with.
    #[must_use]
    pub fn revision(&self, number: u32) -> PathBuf {
        self.root.join("plans").join(format!("{number}.toml"))
    }

    /// How the launch was opened.
    #[must_use]
    pub fn launch(&self) -> PathBuf {
        self.root.join("launch.json")
    }

    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }

    #[must_use]
    pub fn head(&self) -> PathBuf {
        self.root.join("head")
    }

    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The frozen values that a rollback goes back to.
    #[must_use]
    pub fn baseline(&self) -> PathBuf {
        self.root.join("baseline.json")
    }

    /// `steps/ITEM/ATTEMPT`, not made yet.
    #[must_use]
    pub fn step(&self, item: &ItemId, attempt: Attempt) -> PathBuf {
        self.root.join("steps").join(item.folder()).join(attempt.to_string())
    }

    /// `rollback/RUN-ID`, not made yet.
    #[must_use]
    pub fn rollback(&self, run: u32, rollback: &RollbackId) -> PathBuf {
        self.root.join("rollback").join(format!("{run}-{}", ItemId::new(rollback.as_str()).folder()))
    }

    #[must_use]
    pub fn streams(&self) -> PathBuf {
        self.root.join("streams")
    }

    /// Blocks of samples, made with the first of them.
    #[must_use]
    pub fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Requests of attached terminals.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    #[must_use]
    pub fn console_log(&self) -> PathBuf {
        self.root.join("console.log")
    }

    /// Lets the members of the group `gid` read this launch and ask in its inbox; nobody else.
    ///
    /// # Errors
    /// It cannot be given to that group.
    pub fn share(&self, gid: u32) -> Result<(), FolderError> {
        let inbox = self.inbox();
        // What may be set aside is moved there by us alone: made before anybody else can.
        self.make(&inbox.join("refused"))?;
        let own = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            OWN.contains(&name) || name.starts_with("lock")
        };
        let shared = rights::share(&self.root, gid, &own);
        shared.map_err(denied("share", &self.root))?;
        for (path, mode) in [(&inbox, rights::OPEN_FOLDER), (&inbox.join("refused"), 0o700)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(denied("share", path))?;
        }
        Ok(())
    }

    /// Makes a folder in here and those above it, 0700 or as a launch that is shared has it; one that is there is fine.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(&self, path: &Path) -> Result<(), FolderError> {
        rights::make(path).map_err(denied("make", path))
    }

    /// Writes a whole file in here, 0600 or as a launch that is shared has it, synced before it takes its name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = || -> io::Result<()> {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            let mut file = rights::follow(&new, file)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            // What is written next may say that this is there.
            path.parent().map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
        };
        written().map_err(denied("write", path))
    }
}

fn denied<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FolderError + 'a {
    move |why| FolderError::Denied { what, path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_launch_folder_is_its_owners_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = LaunchFolder::create(place.path().join("launches/one")).expect("made");
        let step = folder.step(&ItemId::keyed("login", Some("https://a.example")), Attempt(1));
        folder.make(&step).expect("made");
        folder.write(&folder.plan(), b"[plan]").expect("written");
        for path in [folder.path(), &folder.streams(), &folder.inbox(), &step] {
            assert_eq!(mode(path), 0o700, "{}", path.display());
        }
        assert_eq!(mode(&folder.plan()), 0o600);
        assert_eq!(fs::read(folder.plan()).expect("reads"), b"[plan]");
    }

    #[test]
    fn an_empty_folder_that_was_open_is_closed() {
        let place = tempfile::tempdir().expect("a folder");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("set");
        LaunchFolder::create(place.path()).expect("made");
        assert_eq!(mode(place.path()), 0o700);
    }

    #[test]
    fn what_is_no_launch_is_told_in_words() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        fs::write(&file, "").expect("written");
        let told = |path: &Path| LaunchFolder::open(path).expect_err("no launch").to_string();
        assert!(told(&place.path().join("nowhere")).starts_with("there is no launch at"));
        assert!(told(&file).contains("is a file"));
        assert!(told(place.path()).contains("holds no journal.db"));
        let occupied = LaunchFolder::create(place.path()).expect_err("occupied").to_string();
        assert!(occupied.contains("not empty"), "{occupied}");
        assert!(LaunchFolder::create(&file).is_err());
        assert!(LaunchFolder::create(file.join("inside")).is_err());
    }

    #[test]
    fn what_a_killed_opening_left_is_made_again_and_nothing_of_somebody_elses() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("launch");
        let folder = LaunchFolder::create(&root).expect("made");
        let began = || (LaunchFolder::began(&root), LaunchFolder::never_began(&root));
        assert_eq!(began(), (false, true), "nothing but its folders");
        for path in [folder.lock(), folder.journal(), root.join("journal.db-wal"), folder.head(), folder.plan()] {
            fs::write(path, "").expect("written");
            assert_eq!(began(), (false, true));
        }
        fs::write(root.join("launch.json.new"), "").expect("written");
        LaunchFolder::create(&root).expect("made again");
        fs::write(folder.launch(), "{}").expect("written");
        assert_eq!(began(), (true, false));
        assert!(LaunchFolder::create(&root).is_err(), "a launch is not made twice");

        let own = place.path().join("own");
        fs::create_dir(&own).expect("made");
        assert!(!LaunchFolder::never_began(&own), "empty: nobody began");
        fs::write(own.join("plan.toml"), "[plan]").expect("written");
        assert!(LaunchFolder::create(&own).is_err(), "somebody's own plan");
        fs::remove_file(own.join("plan.toml")).expect("removed");
        fs::write(own.join("lock"), "").expect("written");
        fs::write(own.join("notes.txt"), "").expect("written");
        assert!(LaunchFolder::create(&own).is_err());
    }

    #[test]
    fn no_id_leads_out_of_its_folder_or_into_anothers() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = LaunchFolder::create(place.path().join("l")).expect("made");
        let long = "x".repeat(300);
        let ids = ["..", ".", "a/b", "a%2fb", "...", &long, &format!("{long}y"), "a"].map(ItemId::new);
        let paths: std::collections::BTreeSet<PathBuf> = ids.iter().map(|id| folder.step(id, Attempt(1))).collect();
        assert_eq!(paths.len(), ids.len());
        for path in paths {
            folder.make(&path).expect("made");
            let canonical = path.canonicalize().expect("there");
            assert_eq!(
                canonical.parent().and_then(Path::parent),
                folder.path().join("steps").canonicalize().ok().as_deref()
            );
        }
        let rollback = folder.rollback(2, &RollbackId::new("../x"));
        assert_eq!(rollback.parent(), Some(folder.path().join("rollback").as_path()));
    }
}
