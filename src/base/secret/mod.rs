//! Secrets kept out of everything that leaves the process: a redactor over bytes and text that knows
//! every secret value in its raw and encoded forms, across chunk boundaries.
//!
//! It never prints what it knows. What it cannot see: a secret cut into separate server-sent events,
//! encodings piled on one another (base64 of a URL-encoded value), and base64 wrapped at fewer than
//! 16 columns.

mod forms;
mod known;
mod stream;
#[cfg(test)]
mod tests;
mod wrap;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use known::Known;
pub use stream::Redacting;

/// What stands where a secret stood.
pub const REDACTED: &str = "«redacted»";

/// Values shorter than this many characters cannot be told from ordinary text.
pub const SHORTEST: usize = 6;

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
        if learnt.insert(secret.to_owned()) {
            let grown = Arc::new(self.known().with(secret));
            *self.shared.known.write().unwrap_or_else(PoisonError::into_inner) = grown;
        }
    }

    /// `text` with [`REDACTED`] in place of every secret.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if self.known().is_empty() {
            return text.to_owned();
        }
        // Every form is UTF-8 by itself, so cutting forms out of UTF-8 leaves UTF-8.
        String::from_utf8(self.bytes(text.as_bytes()))
            .unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned())
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

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}
