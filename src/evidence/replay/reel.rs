//! All records of a launch with the boards between them: any place is a few folds away.

use std::sync::Arc;

use crate::launch::board::Board;
use crate::launch::event::Recorded;
use crate::launch::replay::{Way, is_notable};
use crate::launch::time::{Instant, Wall};

/// A board is kept after so many records at least: so many folds a step back takes at most in a usual journal.
const EVERY: usize = 64;
/// So many boards are kept at most, for a journal of any length.
const MOST_KEPT: usize = 256;

/// A journal to go through in both directions. Places are counts of records: 0 is before the first.
#[derive(Debug)]
pub struct Reel {
    records: Vec<Arc<Recorded>>,
    /// How far the launch's time had come with each record: never backwards.
    reach: Vec<Instant>,
    /// The places of [`is_notable`] records, ascending.
    notable: Vec<usize>,
    every: usize,
    /// The board of no record.
    empty: Board,
    /// The boards after `every` records, twice `every`, and so on.
    kept: Vec<Board>,
}

impl Reel {
    /// `empty` is the board of no record, with every plan that the launch went by (`Board::revisions`).
    #[must_use]
    pub fn new(empty: Board, records: Vec<Recorded>) -> Self {
        let every = EVERY.max(records.len().div_ceil(MOST_KEPT));
        let records: Vec<Arc<Recorded>> = records.into_iter().map(Arc::new).collect();
        let (mut reach, mut notable, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let (mut board, mut furthest) = (empty.clone(), Instant(i64::MIN));
        for (place, record) in (1..).zip(&records) {
            board.take(Arc::clone(record));
            furthest = furthest.max(record.at);
            reach.push(furthest);
            if is_notable(&record.event) {
                notable.push(place);
            }
            if place % every == 0 {
                kept.push(board.clone());
            }
        }
        Self { records, reach, notable, every, empty, kept }
    }

    /// How many records there are: the last place.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The board after `place` records; past the end that of all.
    #[must_use]
    pub fn at(&self, place: usize) -> Board {
        let place = place.min(self.len());
        let nearest = (place / self.every).min(self.kept.len());
        let board = nearest.checked_sub(1).and_then(|before| self.kept.get(before)).unwrap_or(&self.empty);
        self.folded(board.clone(), nearest * self.every, place)
    }

    /// The board after `to` records, from the one after `from`, where that is the shorter way.
    #[must_use]
    pub fn from(&self, board: &Board, from: usize, to: usize) -> Board {
        if from <= to && to - from <= to % self.every { self.folded(board.clone(), from, to) } else { self.at(to) }
    }

    fn folded(&self, mut board: Board, from: usize, to: usize) -> Board {
        self.records.iter().take(to).skip(from).for_each(|record| board.take(Arc::clone(record)));
        board
    }

    /// How many records were made by `at`.
    #[must_use]
    pub fn place(&self, at: Instant) -> usize {
        self.reach.partition_point(|reach| *reach <= at)
    }

    /// How far the launch's time had come at `place`.
    #[must_use]
    pub fn instant(&self, place: usize) -> Instant {
        let place = place.clamp(1, self.len().max(1));
        self.reach.get(place - 1).copied().unwrap_or_default()
    }

    /// The wall's time at `at`, where `place` records were made: that of the last of them with what has passed since,
    /// and never past that of the next. A rehearsal's own time jumps, the wall's does not.
    #[must_use]
    pub fn wall(&self, place: usize, at: Instant) -> Wall {
        let place = place.clamp(1, self.len().max(1));
        let Some(last) = self.records.get(place - 1) else { return Wall::default() };
        let since = i64::try_from(at.since(self.instant(place)).as_millis()).unwrap_or(i64::MAX);
        let passed =
            chrono::TimeDelta::try_milliseconds(since).and_then(|since| last.recorded_at.checked_add_signed(since));
        let next = self.records.get(place).map(|next| next.recorded_at.max(last.recorded_at));
        passed.into_iter().chain(next).min().unwrap_or(last.recorded_at)
    }

    /// The nearest incident, trigger or rollback before `place`, or after it.
    #[must_use]
    pub fn notable(&self, place: usize, way: Way) -> Option<usize> {
        match way {
            Way::Back => self.notable.get(self.notables_before(place).checked_sub(1)?),
            Way::On => self.notable.get(self.notables_upto(place)),
        }
        .copied()
    }

    /// How many of them lie before `place`, and after it.
    #[must_use]
    pub fn notables(&self, place: usize) -> (usize, usize) {
        (self.notables_before(place), self.notable.len() - self.notables_upto(place))
    }

    fn notables_before(&self, place: usize) -> usize {
        self.notable.partition_point(|known| *known < place)
    }

    fn notables_upto(&self, place: usize) -> usize {
        self.notable.partition_point(|known| *known <= place)
    }
}
