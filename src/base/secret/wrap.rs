//! Base64 as tools wrap it: the same bytes without the line breaks between its lines.

use std::ops::Range;

/// A line break is a wrap only after so many base64 characters in a row. Without that every line of
/// ordinary text would be held back for its last letter.
pub const SHORTEST_LINE: usize = 16;

/// Bytes without their wraps, and where these were.
pub struct Unwrapped {
    pub bytes: Vec<u8>,
    /// Where a wrap was: the offset in `bytes`, and how much was left out up to there.
    cuts: Vec<(usize, usize)>,
}

impl Unwrapped {
    /// `None` where there is no wrap. `run` base64 characters stood right before `raw`.
    pub fn of(run: usize, raw: &[u8]) -> Option<Self> {
        let wraps = wraps(run, raw);
        if wraps.is_empty() {
            return None;
        }
        let mut whole = Self { bytes: Vec::with_capacity(raw.len()), cuts: Vec::with_capacity(wraps.len()) };
        let mut from = 0;
        let mut removed = 0;
        for wrap in wraps {
            whole.bytes.extend_from_slice(&raw[from..wrap.start]);
            removed += wrap.len();
            whole.cuts.push((whole.bytes.len(), removed));
            from = wrap.end;
        }
        whole.bytes.extend_from_slice(&raw[from..]);
        Some(whole)
    }

    /// Where in the raw bytes the byte at `at` stands.
    pub fn raw(&self, at: usize) -> usize {
        let passed = self.cuts.partition_point(|(offset, _)| *offset <= at);
        at + passed.checked_sub(1).and_then(|last| self.cuts.get(last)).map_or(0, |(_, removed)| *removed)
    }

    /// The raw range of a range that is not empty.
    pub fn raw_range(&self, range: Range<usize>) -> Range<usize> {
        self.raw(range.start)..self.raw(range.end.saturating_sub(1)) + 1
    }
}

/// How many base64 characters end `bytes`, where `run` of them stood before; no more than matters.
pub fn run_at_end(run: usize, bytes: &[u8]) -> usize {
    let own = bytes.iter().rev().take(SHORTEST_LINE).take_while(|byte| is_base64(**byte)).count();
    if own == bytes.len() { (own + run).min(SHORTEST_LINE) } else { own }
}

fn wraps(mut run: usize, raw: &[u8]) -> Vec<Range<usize>> {
    let mut wraps = Vec::new();
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        if is_base64(*byte) {
            run += 1;
            at += 1;
            continue;
        }
        let length = if run >= SHORTEST_LINE { break_at(&raw[at..]) } else { 0 };
        if length > 0 {
            wraps.push(at..at + length);
        }
        run = 0;
        at += length.max(1);
    }
    wraps
}

/// The length of the line break that `rest` begins with, plain or as JSON writes it; 0 for none. A break
/// that the end of the bytes cuts short counts: what follows may complete it.
fn break_at(rest: &[u8]) -> usize {
    match rest {
        [b'\n', ..] | [b'\r' | b'\\'] => 1,
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] | [b'\\', b'r'] => 2,
        [b'\\', b'r', b'\\'] => 3,
        [b'\\', b'r', b'\\', b'n', ..] => 4,
        _ => 0,
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
