//! When somebody watched, on the launch's axis: what is known of a window. A gap in it is a hole, and nothing here
//! fills one.

use std::collections::VecDeque;

use crate::launch::time::Instant;

/// Spans that do not touch, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spans {
    spans: VecDeque<(Instant, Instant)>,
}

impl Spans {
    /// Adds [`from`, `until`), which may overlap what is there.
    pub fn add(&mut self, from: Instant, until: Instant) {
        if until <= from {
            return;
        }
        let first = self.spans.partition_point(|(_, end)| *end < from);
        let after = self.spans.partition_point(|(begin, _)| *begin <= until);
        let joined = self
            .spans
            .range(first..after)
            .fold((from, until), |(from, until), (begin, end)| (from.min(*begin), until.max(*end)));
        self.spans.drain(first..after);
        self.spans.insert(first, joined);
    }

    /// Takes [`from`, `until`) out.
    pub fn remove(&mut self, from: Instant, until: Instant) {
        if until <= from {
            return;
        }
        let cut = |(begin, end): (Instant, Instant)| [(begin, end.min(from)), (begin.max(until), end)];
        let left = self.spans.drain(..).flat_map(cut).filter(|(begin, end)| begin < end);
        self.spans = left.collect();
    }

    /// Milliseconds of [`from`, `until`) that are in it.
    pub fn within(&self, from: Instant, until: Instant) -> u64 {
        let each = self.spans.iter().map(|(begin, end)| (*end).min(until).0.saturating_sub((*begin).max(from).0));
        each.map(|span| u64::try_from(span).unwrap_or(0)).sum()
    }

    /// Lets go of what lies before `from`.
    pub fn forget(&mut self, from: Instant) {
        while self.spans.front().is_some_and(|(_, end)| *end <= from) {
            self.spans.pop_front();
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Instant, Instant)> + '_ {
        self.spans.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.spans.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Instant {
        Instant(ms)
    }

    #[test]
    fn what_touches_is_one_span_and_a_hole_is_two() {
        let mut spans = Spans::default();
        spans.add(at(0), at(10));
        spans.add(at(10), at(20));
        spans.add(at(30), at(40));
        spans.add(at(5), at(5));
        assert_eq!((spans.len(), spans.within(at(0), at(100)), spans.within(at(15), at(35))), (2, 30, 10));
        spans.add(at(18), at(31));
        assert_eq!((spans.len(), spans.within(at(0), at(100))), (1, 40));
        spans.remove(at(10), at(12));
        assert_eq!((spans.len(), spans.within(at(0), at(100))), (2, 38));
        spans.forget(at(11));
        assert_eq!(spans.within(at(0), at(100)), 28);
    }

    proptest! {
        #[test]
        fn it_is_the_set_of_its_milliseconds(
            spans in prop::collection::vec((any::<bool>(), 0_i64..60, 0_i64..20), 0..20),
            window in (0_i64..60, 0_i64..40),
        ) {
            let mut known = Spans::default();
            let mut set = std::collections::BTreeSet::new();
            for (adds, from, length) in spans {
                if adds {
                    known.add(at(from), at(from + length));
                    set.extend(from..from + length);
                } else {
                    known.remove(at(from), at(from + length));
                    (from..from + length).for_each(|ms| { set.remove(&ms); });
                }
            }
            let (from, until) = (window.0, window.0 + window.1);
            let inside = set.iter().filter(|ms| (from..until).contains(*ms)).count();
            prop_assert_eq!(known.within(at(from), at(until)), u64::try_from(inside).expect("small"));
        }
    }
}
