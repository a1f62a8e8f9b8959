//! The end of an attached console: connects to the socket of the one that looks, and keeps what it tells. It
//! connects again for as long as this console lives, and says since when nothing came.

use std::io::{self, BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::form::{self, Said, VERSION};
use super::place;
use crate::clock;
use crate::journal::{Held, Holder};
use crate::launch::live::Live;
use crate::launch::port::Picture;
use crate::launch::time::Wall;

/// Between two tries to connect.
const AGAIN: Duration = Duration::from_millis(250);
/// A console that tells nothing for so long is not heard: a loop that works shows itself every second.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// One that works says at once who it is.
const GREETING: Duration = Duration::from_millis(500);
const LONGEST_GREETING: u64 = 4 << 10;
/// A longer line is none of ours.
const LONGEST: u64 = 16 << 20;

/// The picture of the console that looks, as far as it was heard.
#[derive(Debug)]
pub struct Hearing {
    heard: Arc<Heard>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Heard {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    live: Arc<Live>,
    /// When it last told something: boot time and wall.
    last: Option<(i64, Wall)>,
    connected: bool,
    /// Who looks, as that one said.
    holder: Option<Holder>,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Hearing {
    /// Listens to whoever looks for the launch in this folder.
    #[must_use]
    pub fn of(launch: &Path) -> Self {
        let heard = Arc::new(Heard::default());
        Self { listening: tokio::spawn(listen(launch.to_owned(), Arc::clone(&heard))), heard }
    }

    /// Returns once something came since the last return.
    pub async fn came(&self) {
        self.heard.came.notified().await;
    }

    /// What was heard last, and how far it can be believed at boot time `now`.
    #[must_use]
    pub fn picture(&self, now: i64) -> (Arc<Live>, Picture) {
        let state = self.heard.state.lock().unwrap_or_else(PoisonError::into_inner);
        let picture = match state.last {
            None => Picture::Missing,
            Some((at, wall)) => {
                let silent = Duration::from_millis(u64::try_from(now - at).unwrap_or(0)) >= SILENT_AFTER;
                if state.connected && !silent { Picture::Told } else { Picture::Old { since: wall } }
            }
        };
        (Arc::clone(&state.live), picture)
    }
}

impl Hearing {
    /// Who holds the launch, by who has its socket: for one who may not look at the lock.
    #[must_use]
    pub fn held(&self) -> Held {
        let state = self.heard.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.connected { Held::By(state.holder.clone()) } else { Held::Free }
    }
}

/// As [`Hearing::held`], asked once. Blocks for a moment.
#[must_use]
pub fn held(launch: &Path) -> Held {
    let connected = place(launch).and_then(|(_folder, path)| std::os::unix::net::UnixStream::connect(path));
    let stream = match connected {
        Ok(stream) => stream,
        Err(wrong) if matches!(wrong.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Held::Free;
        }
        // Somebody may.
        Err(_) => return Held::By(None),
    };
    let mut greeting = Vec::new();
    let read = stream
        .set_read_timeout(Some(GREETING))
        .and_then(|()| std::io::BufReader::new(&stream).take(LONGEST_GREETING).read_until(b'\n', &mut greeting));
    let said: Option<Said> = read.ok().and_then(|_| serde_json::from_slice(&greeting).ok());
    Held::By(said.and_then(|said| said.holder).map(Holder::printable))
}

impl Heard {
    fn connected(&self, connected: bool) {
        let was =
            std::mem::replace(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).connected, connected);
        if was != connected {
            self.came.notify_one();
        }
    }

    fn take(&self, said: Said) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = said.holder {
            // Nothing was seen yet.
            state.holder = Some(holder.printable());
            return;
        }
        form::hear(Arc::make_mut(&mut state.live), said);
        state.last = Some((clock::boot(), clock::wall()));
        drop(state);
        self.came.notify_one();
    }
}

async fn listen(launch: PathBuf, heard: Arc<Heard>) {
    loop {
        // However it ends, it is tried again: the next console may be another.
        let _ = follow(&launch, &heard).await;
        heard.connected(false);
        tokio::time::sleep(AGAIN).await;
    }
}

/// Hears one console until it is gone, or says what is no line of ours.
async fn follow(launch: &Path, heard: &Heard) -> io::Result<()> {
    let (_folder, path) = place(launch)?;
    let mut lines = BufReader::new(UnixStream::connect(&path).await?);
    heard.connected(true);
    let (mut line, mut first) = (Vec::new(), true);
    loop {
        line.clear();
        let mut bounded = (&mut lines).take(LONGEST);
        // One that stands still holds its socket too: another may look by now.
        let read = tokio::time::timeout(SILENT_AFTER * 2, bounded.read_until(b'\n', &mut line)).await;
        if read.map_err(|_| io::ErrorKind::TimedOut)?? == 0 || line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let said: Said = serde_json::from_slice(&line)?;
        // What is said on from what we never heard, or in words we do not know, is not guessed at.
        if said.v != VERSION || (first && !said.whole) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        first = false;
        heard.take(said);
    }
}
