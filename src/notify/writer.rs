//! Writes the ledger of one target, one line after the other and by one thread at most, whatever the disk does. A
//! console that was taken over writes nothing: what stands there is another's.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::ledger::{Ledger, Line};
use super::outbox::lock;

/// A disk that takes longer is not waited for.
const DISK: Duration = Duration::from_secs(2);

/// Comes once a line stands there, or was given up.
pub(super) type Written = oneshot::Receiver<()>;
/// Whether this console still may act.
pub(super) type May = Arc<dyn Fn() -> bool + Send + Sync>;

/// Whoever writes one ledger. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    /// None where it could not be opened.
    ledger: Arc<Mutex<Option<Ledger>>>,
    lines: Arc<Mutex<Lines>>,
    may: May,
}

/// What is to be written.
#[derive(Default)]
struct Lines {
    /// Each with whoever waits for it.
    waiting: VecDeque<(Line, oneshot::Sender<()>)>,
    /// A thread is at it.
    busy: bool,
    /// Why the last one could not be written.
    wrong: Option<String>,
}

/// What is wrong where a ledger cannot be written.
pub(super) fn unkept(why: &io::Error) -> String {
    format!("what is told cannot be written down, and may be told again after a restart: {why}")
}

impl Writer {
    pub(super) fn new(ledger: Option<Ledger>, may: May) -> Self {
        Self { ledger: Arc::new(Mutex::new(ledger)), lines: Arc::default(), may }
    }

    /// Writes `line` after those before it, and waits for nothing.
    pub(super) fn put(&self, line: Line) -> Written {
        let (written, comes) = oneshot::channel();
        let mut lines = lock(&self.lines);
        lines.waiting.push_back((line, written));
        if !std::mem::replace(&mut lines.busy, true) {
            let own = self.clone();
            tokio::task::spawn_blocking(move || while own.write_next() {});
        }
        comes
    }

    /// Waits until a line stands there, for no longer than a disk may take.
    pub(super) async fn stands(&self, written: Written) {
        if timeout(DISK, written).await.is_ok() {
            return;
        }
        let mut lines = lock(&self.lines);
        if lines.busy {
            lines.wrong = Some("what is told cannot be written down: the disk does not answer".to_owned());
        }
    }

    /// Why nothing can be written just now.
    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.lines).wrong.clone()
    }

    /// Whether everything stands there that was put.
    pub(super) fn is_done(&self) -> bool {
        !lock(&self.lines).busy
    }

    /// Writes the next line; false where there is none. What cannot be written is said, and holds nothing up.
    fn write_next(&self) -> bool {
        let next = {
            let mut lines = lock(&self.lines);
            let next = lines.waiting.pop_front();
            lines.busy = next.is_some();
            next
        };
        let Some((line, written)) = next else { return false };
        let came = match lock(&self.ledger).as_mut() {
            Some(ledger) if (self.may)() => ledger.write(&line),
            _ => Ok(()),
        };
        lock(&self.lines).wrong = came.err().map(|why| unkept(&why));
        // Nobody need wait for it.
        let _ = written.send(());
        true
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
