//! Secrets kept out of everything that leaves the process: a redactor over bytes and text that knows
//! every secret value in its raw and encoded forms, across chunk boundaries.
//!
//! It never prints what it knows. What it cannot see: a secret cut into separate server-sent events,
//! encodings piled on one another (base64 of a URL-encoded value), and base64 wrapped at fewer than
//! 16 columns.

mod cover;
mod forms;
mod known;
mod stream;
#[cfg(test)]
mod tests;
mod wrap;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use cover::{Covered, HANDED, LastWords, covered, handed, keep_last_words, last_words};
use known::Known;
pub use stream::Redacting;

/// What stands where a secret stood.
pub const REDACTED: &str = "«redacted»";

/// Values shorter than this many characters cannot be told from ordinary text.
pub const SHORTEST: usize = 6;

/// A line of a secret with several is a secret by itself from this many characters on.
const SHORTEST_LINE: usize = 16;

/// The redactor of a launch. Cheap to clone; all clones know the same secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    learnt: Mutex<HashSet<String>>,
    known: RwLock<Arc<Known>>,
}

/// A declared secret that would redact ordinary text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret needs at least {SHORTEST} characters to be redacted, this one has {length}")]
pub struct TooShort {
    /// In characters.
    pub length: usize,
}

impl Redactor {
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let redactor = Self::default();
        for secret in secrets {
            redactor.learn(&secret);
        }
        redactor
    }

    /// Whether `value` is long enough to be declared as a secret.
    ///
    /// # Errors
    /// Shorter than [`SHORTEST`] characters.
    pub fn check(value: &str) -> Result<(), TooShort> {
        let length = value.chars().count();
        if length < SHORTEST { Err(TooShort { length }) } else { Ok(()) }
    }

    /// Learns a value captured on the way, before anything that may hold it is kept. All clones and
    /// all open streams know it from then on. A value of less than [`SHORTEST`] characters is not taken.
    pub fn learn(&self, secret: &str) {
        if Self::check(secret).is_err() {
            return;
        }
        let mut learnt = self.shared.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in std::iter::once(secret).chain(lines(secret)) {
            if learnt.insert(secret.to_owned()) {
                let grown = Arc::new(self.known().with(secret));
                *self.shared.known.write().unwrap_or_else(PoisonError::into_inner) = grown;
            }
        }
    }

    /// Every value it knows, for a process of ours that must know them too. In no order that tells anything.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.shared.learnt.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        all.sort_unstable();
        all
    }

    /// `text` with [`REDACTED`] in place of every secret.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if self.known().is_empty() {
            return text.to_owned();
        }
        utf8(self.bytes(text.as_bytes()))
    }

    /// As [`Redactor::text`], for bytes of any kind.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.stream();
        let mut out = stream.feed(bytes);
        out.append(&mut stream.finish());
        out
    }

    /// A redactor for one stream of chunks.
    #[must_use]
    pub fn stream(&self) -> Redacting {
        Redacting::new(self.clone())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.shared.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lines of a secret that has several, as a PEM key has: programs indent them, number them, end them in
/// their own way. Not its armour, and none so short that it may be anything.
fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let own = |line: &&str| line.chars().count() >= SHORTEST_LINE && !line.starts_with("-----");
    secret.lines().map(str::trim).filter(own).filter(move |line| line.len() < secret.len())
}

impl Shared {
    /// As [`Redactor::text`], without waiting for anyone; none where that cannot be.
    fn try_text(self: &Arc<Self>, text: &str) -> Option<String> {
        // Held by nobody now, it may be held a moment later: then by another thread, which lets it go.
        drop(self.known.try_read().ok()?);
        Some(Redactor { shared: Arc::clone(self) }.text(text))
    }
}

/// Every form is UTF-8 by itself, so cutting forms out of UTF-8 leaves UTF-8.
fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned())
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}
