//! The redactors that cover this process: through them pass its last words, should it panic, and what they
//! know is handed to a process of ours that must know it too. A panic's message may hold any value that was
//! at hand; it is shown redacted, or not at all.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Redactor, Shared};
use crate::base::text::{cut, printable_lines};

/// The variable in which a process of ours is handed the values that its plan does not name: captured ones.
pub const HANDED: &str = "TMINUS_CAPTURED";
/// Bytes of it; the system takes no variable above 128 KiB.
const MOST_HANDED: usize = 96 << 10;
/// Columns of a line of a panic's message.
const COLUMNS: usize = 400;

static COVERING: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// What the panics of a process may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastWords {
    /// Where it was alone: it is given values of which it does not know the secrets.
    Place,
    /// The message too, without the secrets of every redactor that covers the process.
    Redacted,
}

/// A redactor covers this process until this is dropped.
#[derive(Debug)]
#[must_use = "it covers as long as this lives"]
pub struct Covered {
    redactor: Redactor,
}

impl Redactor {
    /// Covers this process with what this redactor knows and will learn.
    pub fn cover(&self) -> Covered {
        let mut covering = COVERING.lock().unwrap_or_else(PoisonError::into_inner);
        covering.push(Arc::clone(&self.shared));
        Covered { redactor: self.clone() }
    }

    /// Learns what the process that started this one handed over.
    pub fn learn_handed(&self) {
        let Ok(handed) = std::env::var(HANDED) else { return };
        let values: Vec<String> = serde_json::from_str(&handed).unwrap_or_default();
        values.iter().for_each(|value| self.learn(value));
    }
}

impl Covered {
    /// To the end of the process, whatever comes.
    pub fn for_good(self) {
        std::mem::forget(self);
    }
}

impl Drop for Covered {
    fn drop(&mut self) {
        let mut covering = COVERING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = covering.iter().position(|shared| Arc::ptr_eq(shared, &self.redactor.shared)) {
            covering.swap_remove(at);
        }
    }
}

/// What this process knows, for the environment of another of ours: never for an argument, never for a file.
#[must_use]
pub fn handed() -> Option<(&'static str, String)> {
    let covering = COVERING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut values: Vec<String> = covering.into_iter().flat_map(|shared| Redactor { shared }.secrets()).collect();
    // The longest last: what does not fit is the least likely to be a token.
    values.sort_by_key(|value| (value.len(), value.clone()));
    values.dedup();
    let mut room = MOST_HANDED;
    values.retain(|value| {
        let fits = value.len() * 2 + 3 <= room;
        room -= if fits { value.len() * 2 + 3 } else { 0 };
        fits
    });
    (!values.is_empty()).then(|| (HANDED, serde_json::json!(values).to_string()))
}

/// `text` without the secrets of every redactor that covers this process.
#[must_use]
pub fn covered(text: &str) -> String {
    let covering = COVERING.lock().unwrap_or_else(PoisonError::into_inner).clone();
    covering.into_iter().fold(text.to_owned(), |text, shared| Redactor { shared }.text(&text))
}

/// Makes every panic of this process say no more than `words`. What else is to be done first, as giving a
/// terminal back, takes this hook and calls it.
pub fn keep_last_words(words: LastWords) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = told(panic, words);
        // Nothing can be done about a standard error that takes no more.
        let _ = io::stderr().write_all(text.as_bytes());
    }));
}

/// What a panic may say where the secrets that cover this process are known.
#[must_use]
pub fn last_words(panic: &PanicHookInfo<'_>) -> String {
    told(panic, LastWords::Redacted)
}

fn told(panic: &PanicHookInfo<'_>, words: LastWords) -> String {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = match words {
        LastWords::Place => None,
        LastWords::Redacted => panic.payload_as_str().and_then(clean),
    };
    let message = message.map_or_else(|| "its message is not shown".to_owned(), |message| cut(&message, COLUMNS * 10));
    let mut text = format!("tminus: a mistake of its own, at {place}: {message}\n");
    // Frames are names of functions and lines of files: they hold no value.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        text.push_str(&format!("{trace}"));
    }
    text
}

/// None where a redactor cannot be asked just now: the panic may have come from inside it.
fn clean(message: &str) -> Option<String> {
    let covering = COVERING.try_lock().ok()?.clone();
    // Twice: taking an escape sequence out may join the halves of a secret.
    let all = |text: String| covering.iter().try_fold(text, |text, shared| shared.try_text(&text));
    all(printable_lines(&all(message.to_owned())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_the_process_is_known_to_its_last_words_and_to_those_it_starts() {
        let redactor = Redactor::new(["hunter22-covered".to_owned()]);
        let said = "broke at \"hunter22-\u{1b}[31mcovered\" and hunter22-covered";
        let covered_now = redactor.cover();
        let clean_now = clean(said).expect("nobody holds it");
        let (name, value) = handed().expect("something is known");
        drop(covered_now);
        assert!(!clean_now.contains("covered"), "{clean_now}");
        assert!(name == HANDED && value.contains("hunter22-covered"));
        assert!(!handed().is_some_and(|(_, value)| value.contains("hunter22-covered")), "no longer than it covers");
    }

    #[test]
    fn a_redactor_that_is_at_work_is_not_waited_for() {
        let redactor = Redactor::new(["hunter22-at-work".to_owned()]);
        let _covered = redactor.cover();
        let learning = redactor.shared.known.write().expect("ours");
        assert_eq!(clean("hunter22-at-work"), None);
        drop(learning);
        assert!(clean("hunter22-at-work").is_some());
    }
}
