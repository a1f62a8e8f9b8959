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
    /// Up to where it is told that somebody watched.
    watched: Option<Instant>,
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

    /// Somebody watched in each of these spans.
    pub fn watched(&mut self, spans: impl Iterator<Item = (Instant, Instant)>, now: Instant) {
        let since = self.watched;
        let leaf = self.pages.entry(SignalId::new(WATCHED)).or_default();
        for (from, until) in spans {
            let from = since.map_or(from, |since| from.max(since));
            if from < until {
                leaf.page(now).watched(from, until.min(now));
            }
        }
        self.watched = Some(now);
    }

    pub fn take(&mut self) -> Pages {
        self.bytes = 0;
        let each = |(signal, leaf): (&SignalId, &mut Leaf)| {
            let signal = signal.clone();
            std::mem::take(&mut leaf.pages).into_iter().map(move |page| (signal.clone(), page))
        };
        self.pages.iter_mut().flat_map(each).collect()
    }
}

impl Leaf {
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
