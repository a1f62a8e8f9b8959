//! The brief: where the launch stands, what happened since somebody left, what is due next and who acts.
//! A fold over the records for what happened, the board for the rest. It decides nothing and changes nothing.

mod next;
mod since;
mod stands;

use super::board::Board;
use super::time::{Now, Wall};

pub use since::{Begin, Finder, Happened, Since};

/// How a line of the brief is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub tone: Tone,
    pub text: String,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub title: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// From when on it tells, why from there, and how many records that is.
    pub head: String,
    pub parts: Vec<Part>,
}

impl Line {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// The brief of `board` at `now`, with what `happened`; `face` shows a wall time.
#[must_use]
pub fn brief(board: &Board, begin: &Begin, mut happened: Happened, now: Now, face: &dyn Fn(Wall) -> String) -> Brief {
    let head = begin.head(happened.count(), face);
    happened.turned(&board.turned);
    let stands = Part { title: "Now", lines: stands::lines(board, now.instant) };
    let next = Part { title: "Next", lines: next::lines(board, now.instant) };
    let parts = std::iter::once(stands).chain(happened.parts(face)).chain([next]).collect();
    Brief { head, parts }
}

#[cfg(test)]
#[path = "brief_tests.rs"]
mod tests;
