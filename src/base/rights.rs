//! Who may read what a launch keeps: its owner alone, or the members of a group, too. The folder says which: one
//! that gives its group to what is made in it, and may be read by it, has files of 0640 and folders of 2750; any
//! other has 0600 and 0700. Whoever makes something there asks here, so a shim or a runner needs to be told nothing,
//! and no umask decides.
//!
//! What carries a lock stays its owner's: whoever can open a file can lock it, and one who may only read must not
//! be able to stop a runner or a writer.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Set-group-ID, and the group may list and enter.
const SHARED: u32 = 0o2050;
const FOLDER: u32 = 0o2750;
const FILE: u32 = 0o640;
/// Each of the group may put something in, and takes away what is its own.
pub const OPEN_FOLDER: u32 = 0o3770;

/// Whether the group of `folder` reads along.
#[must_use]
pub fn is_shared(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|folder| folder.is_dir() && folder.mode() & SHARED == SHARED)
}

/// `file`, which was just made at `path`, as its folder has it.
///
/// # Errors
/// The file system's own.
pub fn follow(path: &Path, file: File) -> io::Result<File> {
    if path.parent().is_some_and(is_shared) {
        file.set_permissions(Permissions::from_mode(FILE))?;
    }
    Ok(file)
}

/// Makes a folder, with those above it; each as the one it lies in has it. One that is there is fine.
///
/// # Errors
/// The file system's own.
pub fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), make)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(wrong) if wrong.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(wrong) => Err(wrong),
        Ok(()) if above.is_some_and(is_shared) => fs::set_permissions(folder, Permissions::from_mode(FOLDER)),
        Ok(()) => Ok(()),
    }
}

/// Gives `folder` and all that is in it to the group `gid`, but for files for which `own` is true. Follows no link.
///
/// # Errors
/// The file system's own: who is in no such group can give it nothing.
pub fn share(folder: &Path, gid: u32, own: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    std::os::unix::fs::lchown(folder, None, Some(gid))?;
    fs::set_permissions(folder, Permissions::from_mode(FOLDER))?;
    for entry in fs::read_dir(folder)? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        let kind = entry?;
        if kind.is_dir() {
            share(&path, gid, own)?;
        } else if kind.is_file() && !own(&path) {
            let shared = std::os::unix::fs::lchown(&path, None, Some(gid))
                .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(FILE)));
            match shared {
                // A file that was just replaced by another follows by itself.
                Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => return Err(wrong),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The first folder on the way to `folder` that members of the group `gid` cannot enter; none where they can reach
/// it. That itself is not looked at.
#[must_use]
pub fn closed_to(folder: &Path, gid: u32) -> Option<&Path> {
    let mut above: Vec<&Path> = folder.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).collect();
    above.reverse();
    above.into_iter().find(|above| {
        let is_open = |above: fs::Metadata| {
            let enter = if above.gid() == gid { 0o010 } else { 0o001 };
            above.mode() & enter != 0
        };
        !fs::metadata(above).is_ok_and(is_open)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o7777
    }

    fn file(path: &Path) -> u32 {
        follow(path, File::create(path).expect("made")).expect("followed");
        mode(path)
    }

    #[test]
    fn what_is_made_is_as_its_folder_has_it() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("launch");
        make(&root.join("steps/one")).expect("made");
        for folder in ["", "steps", "steps/one"] {
            assert_eq!(mode(&root.join(folder)), 0o700, "{folder}");
        }
        let before = root.join("steps/one/stdout");
        File::create(&before).expect("made").set_permissions(Permissions::from_mode(0o600)).expect("set");
        let private = root.join("lock");
        File::create(&private).expect("made").set_permissions(Permissions::from_mode(0o600)).expect("set");
        let gid = fs::metadata(&root).expect("there").gid();
        share(&root, gid, &|path| path.ends_with("lock")).expect("shared");
        make(&root.join("steps/two/3")).expect("made");
        for folder in ["", "steps", "steps/one", "steps/two", "steps/two/3"] {
            assert_eq!(mode(&root.join(folder)), FOLDER, "{folder}");
        }
        assert_eq!((mode(&before), mode(&private)), (FILE, 0o600));
        assert_eq!(file(&root.join("steps/two/3/stdout")), FILE);
        make(&root).expect("it is there");
    }

    #[test]
    fn a_folder_of_an_open_place_is_not_shared_by_that() {
        let place = tempfile::tempdir().expect("a folder");
        // A folder that gives its group away and may not be read by it is nobody else's.
        for open in [0o700, 0o2700, 0o750, 0o777] {
            fs::set_permissions(place.path(), Permissions::from_mode(open)).expect("set");
            assert!(!is_shared(place.path()), "{open:o}");
        }
        assert!(!is_shared(&place.path().join("nowhere")));
    }

    #[test]
    fn a_link_is_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let (root, other) = (place.path().join("launch"), place.path().join("other"));
        make(&root).expect("made");
        fs::write(&other, "").expect("written");
        fs::set_permissions(&other, Permissions::from_mode(0o600)).expect("set");
        std::os::unix::fs::symlink(&other, root.join("link")).expect("linked");
        let gid = fs::metadata(&root).expect("there").gid();
        share(&root, gid, &|_| false).expect("shared");
        assert_eq!(mode(&other), 0o600);
    }

    #[test]
    fn a_way_that_is_closed_is_found() {
        let place = tempfile::tempdir().expect("a folder");
        let closed = place.path().join("closed");
        let launch = closed.join("in/launch");
        fs::create_dir_all(&launch).expect("made");
        let set = |path: &Path, to| fs::set_permissions(path, Permissions::from_mode(to)).expect("set");
        for (path, to) in [(place.path(), 0o755), (&closed, 0o700), (&closed.join("in"), 0o755)] {
            set(path, to);
        }
        let gid = fs::metadata(&closed).expect("there").gid();
        assert_eq!(closed_to(&launch, gid), Some(closed.as_path()));
        set(&closed, 0o710);
        assert_eq!(closed_to(&launch, gid), None, "its group may enter");
        assert_eq!(closed_to(&launch, gid + 1), Some(closed.as_path()), "another may not");
        assert_eq!(closed_to(&place.path().join("none/launch"), gid), Some(place.path().join("none").as_path()));
    }
}
