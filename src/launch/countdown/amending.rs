//! The countdown under an amended plan.

use super::{Countdown, Terms};
use crate::launch::time::Instant;

impl Countdown {
    /// The launch window's close.
    #[must_use]
    pub fn closes(&self) -> Option<Instant> {
        self.terms.closes
    }

    /// Goes by other terms from here on: T, the published T-0 and every latch stay. A hold at or above T is
    /// behind; the built-in hold that is being served lasts as long as it does now, where the terms have it still.
    pub fn amend(&mut self, mut terms: Terms) {
        terms.holds.sort_by_key(|hold| std::cmp::Reverse(hold.0));
        self.terms = terms;
        let Some((mark, span)) = self.terms.holds.iter().find(|(mark, _)| mark.0 == self.t).copied() else { return };
        match self.hold_began {
            Some(began) if self.in_built_in() => self.release_at = Some(began.plus(span)),
            _ if self.in_built_in() => {}
            _ => {
                self.done.insert(mark);
            }
        }
    }
}
