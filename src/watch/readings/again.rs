//! The samples of a launch that is looked back on, counted once more: for thresholds that are not those it was flown
//! by. Nothing of it stands on a clock or on an order that a machine chose: the same blocks, the same counts. Part of
//! [`super`].

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::Readings;
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::Counts;
use crate::launch::time::Instant;
use crate::watch::kept::{self, Vouched, WATCHED};
use crate::watch::point::Point;

impl Readings {
    /// Hands over what every objective that is due at each instant of `at` counts, which ascend, by the samples in
    /// `folder` that `vouched` says were kept: as they came, so that what came late comes late again. Who of a
    /// signal's several sources was silent is not kept, and not told. What a person should know. Blocks.
    pub fn again(
        &self,
        folder: &Path,
        vouched: &Vouched,
        at: impl Iterator<Item = Instant>,
        each: &mut dyn FnMut(Instant, BTreeMap<ObjectiveId, Counts>),
    ) -> Vec<String> {
        let mut state = self.state();
        let mut wanted: BTreeMap<SignalId, Instant> = state.fed().map(|signal| (signal, Instant(i64::MIN))).collect();
        wanted.insert(SignalId::new(WATCHED), Instant(i64::MIN));
        let mut all: Vec<(Instant, SignalId, Point)> = Vec::new();
        let back = kept::read_back(&folder, &wanted, vouched, &mut |signal, point, came| {
            all.push((came, signal.clone(), point));
        });
        let told = state.returned(back, &HashMap::new(), &BTreeMap::new());
        // Of one signal they lie in the order they came; of several that came at once none depends on the other.
        all.sort_by_key(|(came, ..)| *came);
        let mut waiting = all.into_iter().peekable();
        for at in at {
            while let Some((came, signal, point)) = waiting.next_if(|(came, ..)| *came <= at) {
                state.take(&signal, &point, came);
            }
            let counts = state.evaluate(at);
            if !counts.is_empty() {
                each(at, counts);
            }
        }
        told
    }
}
