//! Whether something stirs in a folder, asked of the disk on a thread of its own: a look in ten a second by the
//! runtime costs a console that idles more than all else it does. A folder says so a while longer than it changes,
//! for what comes within the grain of a file's time shows no other one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// So long after a change every look tells of one.
const GRAIN: Duration = Duration::from_secs(1);
/// Without a word: a disk that hangs, or a thread that could not be started.
const LONGEST: Duration = Duration::from_secs(1);

/// Of one folder.
#[derive(Debug)]
pub struct Stir {
    told: watch::Receiver<()>,
    longest: Duration,
}

impl Stir {
    /// Looks at `folder` until this is dropped.
    #[must_use]
    pub fn of(folder: PathBuf) -> Self {
        Self::every(folder, LOOK, GRAIN, LONGEST)
    }

    fn every(folder: PathBuf, look: Duration, grain: Duration, longest: Duration) -> Self {
        let (tell, told) = watch::channel(());
        // None is missed where there is no thread: whoever waits looks every so often.
        let _ = thread::Builder::new().name("folder".into()).spawn(move || watched(&folder, &tell, look, grain));
        Self { told, longest }
    }

    /// Returns when something may have changed since it returned last, and every second anyway.
    pub async fn next(&mut self) {
        let told = tokio::time::timeout(self.longest, self.told.changed());
        if told.await.is_ok_and(|told| told.is_err()) {
            // Nobody tells any more.
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn watched(folder: &Path, tell: &watch::Sender<()>, look: Duration, grain: Duration) {
    let (mut known, mut changed) = (None, clock::boot());
    while !tell.is_closed() {
        let now = fs::metadata(folder).ok().map(|about| (about.ino(), about.mtime(), about.mtime_nsec()));
        if std::mem::replace(&mut known, now) != now {
            changed = clock::boot();
        }
        if u128::try_from(clock::boot() - changed).unwrap_or(0) < grain.as_millis() {
            tell.send_replace(());
        }
        thread::sleep(look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn what_comes_into_a_folder_is_told_and_a_calm_one_says_nothing() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("inbox");
        let mut stir = Stir::every(folder.clone(), MS, 20 * MS, 60_000 * MS);
        for act in ["nothing", "made", "put", "renamed"] {
            match act {
                "made" => fs::create_dir(&folder).expect("made"),
                "put" => fs::write(folder.join("one.new"), "one").expect("written"),
                "renamed" => fs::rename(folder.join("one.new"), folder.join("one")).expect("renamed"),
                _ => {}
            }
            let told = tokio::time::timeout(20_000 * MS, stir.next()).await;
            assert!(told.is_ok(), "{act} was not told");
            while tokio::time::timeout(100 * MS, stir.next()).await.is_ok() {}
        }
    }
}
