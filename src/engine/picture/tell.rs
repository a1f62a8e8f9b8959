//! The end of the console that looks: a socket in the launch folder, and a task for each that listens. What a
//! listener sends is never read; one that does not read is let go. The loop waits for nothing of it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::form::{self, Said};
use super::{SOCKET, place};
use crate::base::rights;
use crate::base::secret::Redactor;
use crate::journal::Holder;
use crate::launch::live::Live;
use crate::launch::port::Snapshot;

/// Between two lines to one listener: with what the picture itself takes, at most 250 ms behind.
const EVERY: Duration = Duration::from_millis(150);
/// A listener that takes nothing for so long is let go; it comes again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Listeners at once.
const MOST: usize = 16;
/// After a listener that could not be taken, as where there are no more descriptors.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The picture is told for as long as this lives.
#[derive(Debug)]
pub struct Teller {
    telling: JoinHandle<()>,
    path: PathBuf,
    /// The file of our own socket: another console may have put its own there.
    inode: Option<u64>,
}

impl Teller {
    /// Tells the pictures of `snapshots` to whoever connects to the socket in `launch`, and that `holder` looks: its
    /// owner, and those whom the folder has read along.
    ///
    /// # Errors
    /// There can be no socket in that folder.
    pub fn open(
        launch: &Path,
        holder: &Holder,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        redactor: Redactor,
    ) -> io::Result<Self> {
        let (_folder, path) = place(launch)?;
        // What lies there is of a console that is no more, or whose launch this is now.
        match fs::remove_file(&path) {
            Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => return Err(wrong),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        let mode = if rights::is_shared(launch) { 0o660 } else { 0o600 };
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let greeting = line(&form::greet(holder)).unwrap_or_default().into();
        let path = launch.join(SOCKET);
        let inode = fs::symlink_metadata(&path).ok().map(|file| file.ino());
        Ok(Self { telling: tokio::spawn(take(listener, greeting, snapshots, redactor)), path, inode })
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.telling.abort();
        let ours = fs::symlink_metadata(&self.path).ok().map(|file| file.ino());
        if ours.is_some() && ours == self.inode {
            // One that stays refuses whoever comes, which says the same.
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn take(
    listener: UnixListener,
    greeting: Arc<[u8]>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    redactor: Redactor,
) {
    let room = Arc::new(Semaphore::new(MOST));
    // They end with this task.
    let mut listeners = tokio::task::JoinSet::new();
    loop {
        while listeners.try_join_next().is_some() {}
        let Ok((mut listener, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (greeting, snapshots, redactor) = (Arc::clone(&greeting), snapshots.clone(), redactor.clone());
        listeners.spawn(async move {
            // There is room for it before anything was said.
            if listener.write_all(&greeting).await.is_ok() {
                tell(listener, snapshots, redactor).await;
            }
            drop(permit);
        });
    }
}

/// Tells one listener until it is gone, or the launch is another console's.
async fn tell(mut listener: UnixStream, mut snapshots: watch::Receiver<Arc<Snapshot>>, redactor: Redactor) {
    let mut before: Option<Arc<Live>> = None;
    loop {
        let began = Instant::now();
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        if snapshot.taken_over.is_some() {
            return;
        }
        let live = Arc::clone(&snapshot.live);
        let (old, new, redactor) = (before.replace(Arc::clone(&live)), live, redactor.clone());
        // The first is large: no worker of the loop's runtime is kept by it.
        let line =
            tokio::task::spawn_blocking(move || line(&form::say(old.as_deref(), &new, &|text| redactor.text(text))));
        let Ok(Some(line)) = line.await else { return };
        match tokio::time::timeout(PATIENCE, listener.write_all(&line)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
        tokio::time::sleep_until(began + EVERY).await;
        // A loop that works shows itself every second: where it does not, nothing is said, and that is heard.
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

fn line(said: &Said) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(said).ok()?;
    line.push(b'\n');
    Some(line)
}
