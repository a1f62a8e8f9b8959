//! Reads the samples of the consoles before this one back, as far as they are believed.

use std::collections::BTreeMap;

use super::found::{self, Files, Found, Vouched};
use super::keeper::Sealed;
use super::page::{Entry, MINUTE};
use crate::launch::event::SampleBlock;
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::watch::point::Point;

/// Minutes that a sentence names.
const NAMED: usize = 3;

/// What was read back, beside the samples themselves.
#[derive(Debug, Default)]
pub(in crate::watch) struct Back {
    /// When somebody watched.
    pub watched: Vec<(Instant, Instant)>,
    /// What of a signal is not known, though somebody watched.
    pub holes: Vec<(SignalId, Instant, Instant)>,
    /// Blocks that are whole, and that no record vouches for yet.
    pub unsealed: Sealed,
    /// What a person should know.
    pub told: Vec<String>,
}

/// Reads what `signals` have in the folder `all`, each from its instant on; `take` is handed every sample, with when
/// it came, in that order for each signal. Blocks.
pub(in crate::watch) fn read_back(
    all: &dyn Files,
    signals: &BTreeMap<SignalId, Instant>,
    vouched: &Vouched,
    take: &mut dyn FnMut(&SignalId, Point, Instant),
) -> Back {
    let mut back = Back::default();
    for (signal, from) in signals {
        let found = found::look(all, signal, from.0.div_euclid(MINUTE), vouched);
        for block in &found.blocks {
            if block.cut > 0 {
                back.hole(signal, block.minute);
            }
            if !block.sealed {
                let (sha256, samples) = (block.sha256.clone(), block.samples);
                let block_of = SampleBlock { signal: signal.clone(), sha256, samples };
                back.unsealed.entry(block.minute).or_default().push(block_of);
            }
            for entry in block.entries() {
                match entry {
                    Entry::Sample(point, came) => take(signal, point, came),
                    Entry::Watched(from, until) => back.watched.push((from, until)),
                }
            }
        }
        back.tell(signal, &found);
    }
    back
}

impl Back {
    fn hole(&mut self, signal: &SignalId, minute: i64) {
        let from = Instant(minute.saturating_mul(MINUTE));
        self.holes.push((signal.clone(), from, Instant(from.0.saturating_add(MINUTE))));
    }

    fn tell(&mut self, signal: &SignalId, found: &Found) {
        let mut say = |minutes: Vec<i64>, what: &str| {
            if minutes.is_empty() {
                return;
            }
            let named: Vec<String> = minutes.iter().take(NAMED).map(ToString::to_string).collect();
            let more = minutes.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.told.push(format!("the samples of {signal} of minute {}{more} {what}", named.join(", ")));
        };
        let minutes = |blocks: &[(i64, String)]| blocks.iter().map(|(minute, _)| *minute).collect::<Vec<_>>();
        let altered = minutes(&found.altered);
        say(altered.clone(), "are not as they were kept: they are not believed");
        say(found.missing.clone(), "are missing");
        say(minutes(&found.unvouched), "are in no record: they are not believed");
        let unvouched = minutes(&found.unvouched);
        for minute in altered.into_iter().chain(found.missing.iter().copied()).chain(unvouched) {
            self.hole(signal, minute);
        }
        for (file, why) in &found.unread {
            self.told.push(format!("the samples in {file} cannot be read: {why}"));
        }
    }
}
