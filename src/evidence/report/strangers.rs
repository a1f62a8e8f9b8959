//! Rollbacks that a launch's folder tells of and its journal does not, or not to their end: a terminal can start one
//! without the journal, and no console reads one in once the launch has ended. What they did, they did to the world.

use super::document::{Cell, Section, Table, Tone};
use super::say;
use super::story::Story;
use crate::launch::event::RollbackEnd;
use crate::launch::id::RollbackId;
use crate::launch::telling::end_words;
use crate::launch::time::Wall;

/// A run of a rollback as its own runner's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    pub run: u32,
    pub rollback: RollbackId,
    /// When it was asked for, by whom and why; none where that could not be written.
    pub asked: Option<(Wall, String, String)>,
    /// It did something, or set about it.
    pub begun: bool,
    /// None where its log tells none.
    pub end: Option<RollbackEnd>,
}

impl Stranger {
    /// How far it came, in words.
    fn came_to(&self) -> String {
        match (&self.end, self.begun) {
            (Some(end), _) => end_words(end),
            (None, true) => "it began, and no end of it is told".to_owned(),
            (None, false) => "it was asked for, and nothing more of it is told".to_owned(),
        }
    }

    /// It gave way to another run, and did nothing.
    fn joined(&self) -> bool {
        matches!(self.end, Some(RollbackEnd::Joined { .. }))
    }
}

impl Story {
    /// Whether the journal tells how this run of a rollback ended.
    #[must_use]
    pub fn tells_end_of(&self, run: u32) -> bool {
        self.board.rollbacks.iter().any(|known| known.run == run && known.end.is_some())
    }

    /// A run of a rollback whose end the journal does not tell.
    pub fn stranger(&mut self, stranger: Stranger) {
        let Stranger { run, rollback, .. } = &stranger;
        let gap = gap(self, *run);
        self.doubt(format!(
            "Rollback {rollback} (run {run}), by its runner's own log: {}. The journal does not {gap}.",
            stranger.came_to()
        ));
        self.strangers.push(stranger);
    }
}

fn gap(story: &Story, run: u32) -> &'static str {
    let known = story.board.rollbacks.iter().any(|known| known.run == run);
    if known { "tell its end" } else { "tell of it" }
}

/// What a launch came to that by its journal came to `journaled`: no better than the rollback that it does not tell.
pub(super) fn outcome(story: &Story, journaled: Cell) -> Cell {
    let acted = story.strangers.iter().rev().find(|run| !run.joined());
    let Some(run) = acted.or(story.strangers.last()) else { return journaled };
    let words = format!("ROLLBACK {} (run {}): {}", run.rollback, run.run, run.came_to());
    let gap = gap(story, run.run);
    Cell::toned(Tone::Fail, format!("{words}; the journal does not {gap} and says: {}", journaled.text))
}

pub(super) fn section(story: &Story, section: &mut Section) {
    let mut table = Table::new(
        "Rollbacks whose end the journal does not tell, by their runners' own logs",
        &["run", "rollback", "asked for, UTC", "by", "why", "came to"],
    );
    for stranger in &story.strangers {
        let (at, by, why) = match &stranger.asked {
            Some((at, by, why)) => (say::stamp(*at), by.clone(), why.clone()),
            None => ("not known".to_owned(), "not known".to_owned(), String::new()),
        };
        let tone = if stranger.joined() { Tone::Muted } else { Tone::Fail };
        table.row([
            stranger.run.to_string().into(),
            stranger.rollback.as_str().into(),
            at.into(),
            by.into(),
            why.into(),
            Cell::toned(tone, stranger.came_to()),
        ]);
    }
    section.table(table);
}
