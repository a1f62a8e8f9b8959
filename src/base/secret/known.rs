//! What the redactor knows, as automata: finds every form in a buffer, and says how much of the
//! buffer's end may be the beginning of one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::forms;
use super::wrap::Unwrapped;

/// All secrets, in tiers that double in size: learning one rebuilds little.
#[derive(Default)]
pub struct Known {
    tiers: Vec<Arc<Tier>>,
}

struct Tier {
    secrets: usize,
    /// Every form, base64 too.
    all: Set,
    base64: Set,
}

/// Forms to look for together.
struct Set {
    /// Sorted.
    forms: Vec<Vec<u8>>,
    /// Which bytes a form begins with.
    starts: Box<[bool; 256]>,
    longest: usize,
    /// None where it could not be built: the forms are then looked for one by one.
    automaton: Option<AhoCorasick>,
}

impl Known {
    pub fn is_empty(&self) -> bool {
        self.tiers.is_empty()
    }

    /// This, and one more secret.
    pub fn with(&self, secret: &str) -> Self {
        let found = forms::of(secret);
        let mut all = found.plain;
        all.extend(found.base64.iter().cloned());
        let mut base64 = found.base64;
        let mut secrets = 1;
        let mut tiers = self.tiers.clone();
        while let Some(last) = tiers.pop_if(|last| last.secrets <= secrets) {
            secrets += last.secrets;
            all.extend(last.all.forms.iter().cloned());
            base64.extend(last.base64.forms.iter().cloned());
        }
        tiers.push(Arc::new(Tier { secrets, all: Set::new(all), base64: Set::new(base64) }));
        Self { tiers }
    }

    /// Where forms stand in `raw`, by their start; they may overlap. `unwrapped` is `raw` without wraps.
    pub fn found(&self, raw: &[u8], unwrapped: Option<&Unwrapped>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for tier in &self.tiers {
            tier.all.find(raw, |range| found.push(range));
            if let Some(unwrapped) = unwrapped {
                tier.base64.find(&unwrapped.bytes, |range| found.push(unwrapped.raw_range(range)));
            }
        }
        found.sort_by_key(|range| (range.start, range.end));
        found
    }

    /// Where the longest end of `raw` starts that more bytes could make into a form; its length if none.
    pub fn live(&self, raw: &[u8], unwrapped: Option<&Unwrapped>) -> usize {
        let mut live = raw.len();
        for tier in &self.tiers {
            live = live.min(tier.all.live(raw).unwrap_or(live));
            if let Some(unwrapped) = unwrapped {
                live = live.min(tier.base64.live(&unwrapped.bytes).map_or(live, |at| unwrapped.raw(at)));
            }
        }
        live
    }
}

impl Set {
    fn new(forms: BTreeSet<Vec<u8>>) -> Self {
        let forms: Vec<Vec<u8>> = forms.into_iter().collect();
        let mut starts = Box::new([false; 256]);
        for first in forms.iter().filter_map(|form| form.first()) {
            starts[usize::from(*first)] = true;
        }
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        // Standard, because a form may overlap another and both must go.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&forms)
            .ok();
        Self { forms, starts, longest, automaton }
    }

    fn find(&self, bytes: &[u8], mut each: impl FnMut(Range<usize>)) {
        match &self.automaton {
            Some(automaton) => {
                // The plain search has a prefilter; the overlapping one has not.
                if automaton.is_match(bytes) {
                    automaton.find_overlapping_iter(bytes).for_each(|hit| each(hit.range()));
                }
            }
            None => {
                for form in &self.forms {
                    for (at, window) in bytes.windows(form.len()).enumerate() {
                        if window == form {
                            each(at..at + form.len());
                        }
                    }
                }
            }
        }
    }

    fn live(&self, bytes: &[u8]) -> Option<usize> {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len()).find(|at| self.starts[usize::from(bytes[*at])] && self.begins(&bytes[*at..]))
    }

    /// Whether a form begins with `tail` and goes on.
    fn begins(&self, tail: &[u8]) -> bool {
        let next = self.forms.partition_point(|form| form.as_slice() <= tail);
        self.forms.get(next).is_some_and(|form| form.starts_with(tail))
    }
}
