//! What was killed how often, over all flights.

use std::collections::BTreeMap;
use std::fmt;

use tminus::launch::board::{Board, Progress};

use super::chance::Chance;

#[derive(Debug, Default)]
pub struct Tally {
    pub kills: BTreeMap<String, u32>,
    /// Boundaries at which a process died.
    pub struck: BTreeMap<&'static str, u32>,
    /// How often each was tried.
    tried: BTreeMap<&'static str, u32>,
    pub flights: u32,
    /// Notes that a console said it had recorded.
    pub answered: usize,
    /// Items by the verdict they ended with.
    pub ends: BTreeMap<String, u32>,
}

impl Tally {
    pub fn all_kills(&self) -> u32 {
        self.kills.values().sum()
    }

    pub fn killed(&mut self, what: &str) {
        *self.kills.entry(what.to_owned()).or_default() += 1;
    }

    pub fn struck(&mut self, name: &'static str) {
        *self.struck.entry(name).or_default() += 1;
    }

    /// One of those that struck least, and of them one that was tried least.
    pub fn rarest(&mut self, names: &[&'static str], chance: &mut Chance) -> &'static str {
        let count = |of: &BTreeMap<&'static str, u32>, name| of.get(name).copied().unwrap_or(0);
        // One that cannot be come to just now is not tried for ever.
        let had = |name: &'static str| count(&self.struck, name) * 4 + count(&self.tried, name);
        let least = names.iter().map(|name| had(name)).min().unwrap_or(0);
        let rare: Vec<&'static str> = names.iter().copied().filter(|name| had(name) == least).collect();
        let chosen = *chance.of_slice(&rare);
        *self.tried.entry(chosen).or_default() += 1;
        chosen
    }

    pub fn flown(&mut self, board: &Board, answered: usize) {
        self.flights += 1;
        self.answered += answered;
        for run in &board.rollbacks {
            let word = run.end.as_ref().map_or("still running", |end| end.words());
            *self.ends.entry(format!("rollback {word}")).or_default() += 1;
        }
        for state in board.items.values() {
            let word = match state.progress {
                Progress::Ended { verdict, .. } => verdict.word(),
                _ => "not run",
            };
            *self.ends.entry(word.to_owned()).or_default() += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kills, flights, answered) = (self.all_kills(), self.flights, self.answered);
        writeln!(f, "{kills} kills in {flights} flights; {answered} notes answered; items ended {:?}", self.ends)?;
        for (what, count) in &self.kills {
            writeln!(f, "{count:>5}  {what}")?;
        }
        Ok(())
    }
}
