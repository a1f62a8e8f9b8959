//! The mark on everything an attempt starts: a variable of its environment that names the attempt's folder.
//! A shim that is killed leaves its command to nobody; by the mark it is still found and named. It is no
//! proof of absence: a process may clear its environment, and another user's cannot be read.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use super::tree;

/// The variable's name; its value is the attempt's folder.
pub const MARK: &str = "TMINUS_ATTEMPT";

/// Marks `command` and all it will start as of the attempt in `dir`.
pub fn on(command: &mut Command, dir: &Path) {
    command.env(MARK, dir.canonicalize().unwrap_or_else(|_| dir.to_owned()));
}

/// The processes that carry the mark of the attempt in `dir`, by their ids. Readable only for those of the
/// same user.
#[must_use]
pub fn still_running(dir: &Path) -> Vec<u32> {
    let Ok(dir) = dir.canonicalize() else { return Vec::new() };
    let wanted = [MARK.as_bytes(), b"=", dir.as_os_str().as_bytes()].concat();
    // Of a zombie the system tells no environment.
    let marked = |pid: &u32| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| holds(&environ, &wanted));
    let mut found: Vec<u32> = tree::pids().filter(marked).collect();
    found.sort_unstable();
    found
}

pub fn holds(environ: &[u8], wanted: &[u8]) -> bool {
    environ.split(|byte| *byte == 0).any(|variable| variable == wanted)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_mark_is_a_whole_variable() {
        let environ = b"A=1\0TMINUS_ATTEMPT=/l/steps/a/1\0B=2\0";
        assert!(holds(environ, b"TMINUS_ATTEMPT=/l/steps/a/1"));
        assert!(!holds(environ, b"TMINUS_ATTEMPT=/l/steps/a/"), "another attempt's folder begins like ours");
        assert!(!holds(b"X_TMINUS_ATTEMPT=/l\0", b"TMINUS_ATTEMPT=/l"));
    }

    #[test]
    fn who_carries_the_mark_is_found_and_nobody_else() {
        let (mine, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        assert!(still_running(mine.path()).is_empty());
        let mut command = Command::new("sleep");
        on(command.arg("600").stdin(Stdio::null()), mine.path());
        let mut child = command.spawn().expect("started");
        // Between its `exec` and its first instruction the kernel tells nobody its environment.
        let found = (0..1_000).map(|_| still_running(mine.path())).find(|found| !found.is_empty()).unwrap_or_default();
        let none = still_running(other.path());
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!((found, none), (vec![child.id()], vec![]));
        assert!(still_running(mine.path()).is_empty());
    }
}
