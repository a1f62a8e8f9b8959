//! A window over many lines: which of them are seen, and how it moves. Only what is seen gets built.

use std::ops::Range;

/// How far from the top a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub top: usize,
}

/// A way to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Step {
    /// Where this leads from `at` in a list of `count`, with `page` lines to a page.
    #[must_use]
    pub fn from(self, at: usize, count: usize, page: usize) -> usize {
        let last = count.saturating_sub(1);
        match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => (at + 1).min(last),
            Self::PageUp => at.saturating_sub(page.max(1)),
            Self::PageDown => (at + page.max(1)).min(last),
            Self::First => 0,
            Self::Last => last,
        }
        .min(last)
    }
}

/// The lines seen through `height` lines when `selected` of `count` must be among them, with the
/// window kept near `top`.
#[must_use]
pub fn around(top: usize, selected: usize, count: usize, height: usize) -> Range<usize> {
    let last_top = count.saturating_sub(height);
    let mut top = top.min(last_top);
    if selected < top {
        top = selected;
    } else if height > 0 && selected >= top + height {
        top = selected + 1 - height;
    }
    top..(top + height).min(count)
}

impl Window {
    /// The lines seen of `count` through `height`; never past the end.
    #[must_use]
    pub fn seen(self, count: usize, height: usize) -> Range<usize> {
        let top = self.top.min(count.saturating_sub(height));
        top..(top + height).min(count)
    }

    /// Moves over `count` lines that are seen through `height`: never further than is seen, so that the way back
    /// begins at once.
    pub fn step(&mut self, step: Step, count: usize, height: usize) {
        let tops = count.saturating_sub(height) + 1;
        self.top = step.from(self.top.min(tops - 1), tops, height);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_selected_line_is_always_seen(top in 0_usize..500, count in 1_usize..300, height in 1_usize..60, pick in 0_usize..300) {
            let selected = pick % count;
            let seen = around(top, selected, count, height);
            prop_assert!(seen.contains(&selected));
            prop_assert!(seen.len() <= height && seen.end <= count);
        }

        #[test]
        fn a_window_goes_as_far_as_is_seen_and_comes_back_at_once(top in 0_usize..99, count in 0_usize..60, height in 1_usize..20) {
            let mut window = Window { top };
            window.step(Step::Last, count, height);
            prop_assert_eq!(window.seen(count, height).end, count);
            let last = window.top;
            window.step(Step::Up, count, height);
            prop_assert_eq!(window.top, last.saturating_sub(1));
            window.step(Step::First, count, height);
            prop_assert_eq!(window.top, 0);
        }

        #[test]
        fn no_step_leaves_the_list(at in 0_usize..50, count in 0_usize..40, page in 0_usize..20) {
            for step in [Step::Up, Step::Down, Step::PageUp, Step::PageDown, Step::First, Step::Last] {
                prop_assert!(step.from(at, count, page) < count.max(1));
            }
        }
    }
}
