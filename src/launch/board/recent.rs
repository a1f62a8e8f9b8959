//! The newest records, for people. What was only counted gives way to whatever comes after it, so that two days of
//! evaluations do not push out what happened. Part of [`super`].

use std::collections::VecDeque;
use std::sync::Arc;

use super::Board;
use crate::launch::event::Recorded;
use crate::launch::turned::is_routine;

/// How many of the newest records the journal pane can show.
pub const RECENT_KEPT: usize = 500;
/// How many of those that were only counted.
pub const ROUTINE_KEPT: usize = 120;

impl Board {
    /// Keeps a record; the newest of all is in `recent` always.
    pub(super) fn keep(&mut self, record: Arc<Recorded>) {
        if self.recent.back().is_some_and(|last| self.is_quiet(last)) {
            self.recent.pop_back();
        }
        if self.is_quiet(&record) {
            push(&mut self.routine, Arc::clone(&record), ROUTINE_KEPT);
        }
        push(&mut self.recent, record, RECENT_KEPT);
    }

    /// True for a record that only counted, and turned nothing.
    #[must_use]
    pub fn is_quiet(&self, record: &Recorded) -> bool {
        is_routine(&record.event) && self.turned.with(record.seq).next().is_none()
    }
}

fn push(kept: &mut VecDeque<Arc<Recorded>>, record: Arc<Recorded>, at_most: usize) {
    if kept.len() == at_most {
        kept.pop_front();
    }
    kept.push_back(record);
}
