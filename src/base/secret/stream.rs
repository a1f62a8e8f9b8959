//! Redaction over a stream of chunks: only what may yet become a secret waits, and for bytes, never
//! for a timer. Its output does not depend on where the chunks were cut.

use std::fmt;

use super::wrap::{SHORTEST_LINE, Unwrapped, run_at_end};
use super::{REDACTED, Redactor};

/// A redactor over a stream of chunks.
pub struct Redacting {
    redactor: Redactor,
    /// What may be the beginning of a secret.
    held: Vec<u8>,
    /// So many bytes of `held` also end a secret that was shown as redacted.
    covered: usize,
    /// So many base64 characters stood right before `held`.
    run: usize,
}

impl Redacting {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, held: Vec::new(), covered: 0, run: 0 }
    }

    /// What of the input so far may be shown; a live prefix of a secret is held back.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.advance(chunk, false)
    }

    /// What was held back, at the end of the stream.
    pub fn finish(mut self) -> Vec<u8> {
        self.advance(&[], true)
    }

    fn advance(&mut self, chunk: &[u8], last: bool) -> Vec<u8> {
        let known = self.redactor.known();
        if known.is_empty() && self.held.is_empty() {
            return chunk.to_vec();
        }
        let mut joined = std::mem::take(&mut self.held);
        let raw = if joined.is_empty() {
            chunk
        } else {
            joined.extend_from_slice(chunk);
            joined.as_slice()
        };
        let unwrapped = Unwrapped::of(self.run, raw);
        let found = known.found(raw, unwrapped.as_ref());
        let live = if last { raw.len() } else { known.live(raw, unwrapped.as_ref()) };

        let mut out = Vec::with_capacity(live);
        // Up to here everything is out; before `hidden` it is part of a secret already shown as redacted.
        let mut shown = self.covered.min(live);
        let mut hidden = self.covered;
        for range in found.into_iter().take_while(|range| range.start < live) {
            if range.start >= hidden {
                out.extend_from_slice(&raw[shown..range.start]);
                out.extend_from_slice(REDACTED.as_bytes());
            }
            hidden = hidden.max(range.end);
            shown = hidden.min(live);
        }
        out.extend_from_slice(&raw[shown..live]);

        self.covered = hidden.saturating_sub(live);
        self.run = run_at_end(self.run, &raw[..live]).min(SHORTEST_LINE);
        self.held = raw[live..].to_vec();
        out
    }
}

impl fmt::Debug for Redacting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacting").field("held", &self.held.len()).finish_non_exhaustive()
    }
}
