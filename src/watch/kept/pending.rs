//! Samples that wait to be written, as pages. Bounded: what a disk cannot take is cut, and counted.

use std::collections::HashMap;

use super::WATCHED;
use super::keeper::Pages;
use super::page::{MINUTE, Page};
use crate::launch::id::SignalId;
use crate::launch::time::Instant;
use crate::watch::point::Point;

/// Bytes of all signals that wait; what comes after is cut.
const WAITING: usize = 8 << 20;
/// From so many bytes on they are written at once.
const SOON: usize = 256 << 10;
/// Bytes that are kept of one signal in one minute: a stream that brings more is counted whole, and kept in part.
const OF_MINUTE: usize = 512 << 10;

#[derive(Debug, Default)]
pub(in crate::watch) struct Pending {
    pages: HashMap<SignalId, Leaf>,
    bytes: usize,
}

/// The pages of one signal.
#[derive(Debug, Default)]
struct Leaf {
    pages: Vec<Page>,
    minute: i64,
    /// Bytes of this minute, those that were taken before too.
    filled: usize,
}

impl Pending {
    /// Takes a sample that came at `came`. True where there is much to write now.
    pub fn put(&mut self, signal: &SignalId, point: &Point, came: Instant) -> bool {
        if !self.pages.contains_key(signal) {
            self.pages.insert(signal.clone(), Leaf::default());
        }
        let Some(leaf) = self.pages.get_mut(signal) else { return false };
        let full = self.bytes >= WAITING;
        let came = leaf.after(came);
        let page = leaf.page(came);
        let before = page.len();
        let filled = leaf.filled >= OF_MINUTE;
        let page = leaf.page(came);
        if full || filled {
            page.cut = page.cut.saturating_add(1);
            return full;
        }
        page.put(point, came);
        let more = page.len().saturating_sub(before);
        leaf.filled = leaf.filled.saturating_add(more);
        self.bytes = self.bytes.saturating_add(more);
        self.bytes >= SOON
    }

    /// Somebody watched in each of these spans; they come in order, and each is told once. A span stands in the minute
    /// that it ends in: in another it would be told of another time.
    pub fn watched(&mut self, spans: impl Iterator<Item = (Instant, Instant)>) {
        let leaf = self.pages.entry(SignalId::new(WATCHED)).or_default();
        for (from, until) in spans {
            leaf.page(until).watched(from, until);
        }
    }

    /// That somebody watched comes last: it is never known of a time whose samples are not.
    pub fn take(&mut self) -> Pages {
        self.bytes = 0;
        let each = |(signal, leaf): (&SignalId, &mut Leaf)| {
            let signal = signal.clone();
            std::mem::take(&mut leaf.pages).into_iter().map(move |page| (signal.clone(), page))
        };
        let mut pages: Pages = self.pages.iter_mut().flat_map(each).collect();
        pages.sort_by_key(|(signal, _)| signal.as_str() == WATCHED);
        pages
    }
}

impl Leaf {
    /// When a sample came that is handed in now: blocks follow one another, and whoever read the time before a jump
    /// may hand in after it. When it was so is told apart from that.
    fn after(&self, came: Instant) -> Instant {
        came.max(Instant(self.minute.saturating_mul(MINUTE)))
    }

    /// The page of the minute of `came`.
    fn page(&mut self, came: Instant) -> &mut Page {
        let minute = came.0.div_euclid(MINUTE);
        if self.minute != minute {
            (self.minute, self.filled) = (minute, 0);
        }
        if self.pages.last().is_none_or(|page| page.minute != minute) {
            self.pages.push(Page::new(minute));
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::kept::page::{self, Entry};
    use crate::watch::point::Taken;

    #[test]
    fn a_span_that_was_watched_stands_in_the_minute_that_it_ended_in() {
        let mut pending = Pending::default();
        let told =
            [(0, 50_000), (58_000, 60_000), (62_000, 185_000)].map(|(from, until)| (Instant(from), Instant(until)));
        pending.put(
            &"monitor.api".into(),
            &Point { at: Instant(185_000), taken: Taken::Nothing, generated: false },
            Instant(185_000),
        );
        pending.watched(told.into_iter());
        let pages = pending.take();
        let minutes: Vec<_> = pages.iter().map(|(signal, page)| (signal.as_str(), page.minute)).collect();
        assert_eq!(
            minutes,
            [("monitor.api", 3), (WATCHED, 0), (WATCHED, 1), (WATCHED, 3)],
            "its samples come before it"
        );
        let read = |(_, page): &(SignalId, Page)| page::read(&page.bytes(true)).expect("a page").entries;
        let back: Vec<Entry> = pages[1..].iter().flat_map(read).collect();
        assert_eq!(back, told.map(|(from, until)| Entry::Watched(from, until)));
    }

    #[test]
    fn what_is_handed_in_after_a_jump_stands_in_the_newest_minute_and_keeps_its_own_time() {
        let mut pending = Pending::default();
        let signal = SignalId::new("monitor.api");
        for minute in [4, 1] {
            let at = Instant(minute * MINUTE);
            pending.put(&signal, &Point { at, taken: Taken::Nothing, generated: false }, at);
        }
        let pages = pending.take();
        let [(_, only)] = pages.as_slice() else { panic!("{} pages: a block would lie within another", pages.len()) };
        assert_eq!((only.minute, only.samples), (4, 2));
        let read = page::read(&only.bytes(true)).expect("a page");
        let [_, Entry::Sample(late, came)] = &read.entries[..] else { panic!("{read:?}") };
        assert_eq!((late.at, *came), (Instant(MINUTE), Instant(4 * MINUTE)));
    }
}
