//! Samples on disk: binary blocks of a signal and a minute, whose hashes the journal has. What is written here is
//! read back when a console returns, so that its windows are full again; what is not as it was written is told, and
//! not believed. It never keeps the loop waiting.

mod audit;
mod back;
mod found;
mod history;
mod keeper;
mod page;
mod pending;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::readings::Readings;

pub use audit::{Audited, audit};
pub use found::{Files, Vouched};
pub use history::history;

pub(super) use back::{Back, read_back};
#[cfg(test)]
pub(super) use found::forge;
pub(super) use keeper::{Keeper, Sealed};
pub(super) use page::{MINUTE, Page};
pub(super) use pending::Pending;

/// The series of when somebody watched, which no plan can name.
pub(super) const WATCHED: &str = ".watched";

/// What a killed console loses at most, and a disk is asked no more often.
const EVERY: Duration = Duration::from_secs(5);
/// How long a console that leaves waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same at the end of a launch, which no console comes back to: a rehearsal that skipped days has much to seal.
const LAST_PATIENCE: Duration = Duration::from_secs(15);

/// The thread that writes.
pub(super) struct Keeping {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    ended: watch::Receiver<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    #[default]
    Nothing,
    /// There is much to write.
    Soon,
    End,
    /// As [`Wanted::End`], with every block sealed: no console comes back to them.
    Close,
}

impl Keeping {
    /// Begins to keep what `readings` takes.
    pub fn start(readings: &Arc<Readings>, mut keeper: Keeper) -> std::io::Result<Self> {
        let wanted: Arc<(Mutex<Wanted>, Condvar)> = Arc::default();
        let (alive, ended) = watch::channel(());
        let (asked, readings): (_, Weak<Readings>) = (Arc::clone(&wanted), Arc::downgrade(readings));
        std::thread::Builder::new().name("samples".into()).spawn(move || {
            let _alive = alive;
            loop {
                let wanted = wait(&asked);
                let Some(readings) = readings.upgrade() else { break };
                readings.keep(&mut keeper, wanted == Wanted::Close);
                if matches!(wanted, Wanted::End | Wanted::Close) {
                    break;
                }
            }
        })?;
        Ok(Self { wanted, ended })
    }

    /// There is much to write.
    pub fn soon(&self) {
        self.want(Wanted::Soon);
    }

    /// Writes what there is, and ends; a disk that does not answer is not waited for. With `close` what was not
    /// full yet is sealed, too.
    pub async fn end(&self, close: bool) {
        self.want(if close { Wanted::Close } else { Wanted::End });
        let mut ended = self.ended.clone();
        // Closed is ended.
        let _ = tokio::time::timeout(if close { LAST_PATIENCE } else { PATIENCE }, ended.changed()).await;
    }

    fn want(&self, what: Wanted) {
        let (wanted, told) = &*self.wanted;
        let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*wanted, Wanted::End | Wanted::Close) {
            *wanted = what;
        }
        told.notify_one();
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.want(Wanted::End);
    }
}

fn wait(wanted: &(Mutex<Wanted>, Condvar)) -> Wanted {
    let (wanted, told) = wanted;
    let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = told.wait_timeout_while(wanted, EVERY, |wanted| *wanted == Wanted::Nothing);
    let (mut wanted, _) = waited.unwrap_or_else(PoisonError::into_inner);
    let what = *wanted;
    if what == Wanted::Soon {
        *wanted = Wanted::Nothing;
    }
    what
}
