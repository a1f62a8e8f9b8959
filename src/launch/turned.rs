//! When objectives turned: the evaluations at which a verdict became another one, so that a person is told of these
//! few and not of every round. Folded by the board alone, from the same counts and the same rule as the verdict.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::TimeDelta;

use super::board::Board;
use super::event::{Event, Recorded};
use super::id::ObjectiveId;
use super::time::{Instant, Wall};
use super::verdict::Verdict;
use super::watching::judged;

/// How many turns are kept, of all objectives together.
pub const TURNS_KEPT: usize = 200;

/// One verdict that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The record it came with.
    pub seq: u64,
    pub at: Instant,
    pub wall: Wall,
    pub objective: ObjectiveId,
    /// None where it was evaluated for the first time.
    pub before: Option<Verdict>,
    pub verdict: Verdict,
    pub why: String,
}

/// The turns of a launch, oldest first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turned(Arc<VecDeque<Turn>>);

/// Takes in what `record` evaluated; `board` stands as it was before it.
pub(super) fn fold(board: &mut Board, record: &Recorded) {
    let Event::Evaluated { rounds } = &record.event else { return };
    // Where each stands by now, within a record of several rounds.
    let mut stand: BTreeMap<&ObjectiveId, (Verdict, Instant)> = BTreeMap::new();
    let mut turns = Vec::new();
    // Of a time that has not come nothing is known.
    for round in rounds.iter().filter(|round| round.at <= record.at) {
        for (id, counts) in &round.counts {
            let known = board.objectives.get(id).map(|known| (known.verdict, known.evaluated_at));
            let before = stand.get(id).copied().or(known);
            // Told once, in order.
            if before.is_some_and(|(_, evaluated_at)| evaluated_at >= round.at) {
                continue;
            }
            let Some((verdict, why)) = judged(&board.plan, id, counts, round.at) else { continue };
            stand.insert(id, (verdict, round.at));
            let before = before.map(|(verdict, _)| verdict);
            if before == Some(verdict) {
                continue;
            }
            // A rehearsal that skipped time records rounds of before.
            let ago = TimeDelta::milliseconds(record.at.0.saturating_sub(round.at.0).max(0));
            let wall = record.occurred_at.checked_sub_signed(ago).unwrap_or(record.occurred_at);
            let (seq, at, objective) = (record.seq, round.at, id.clone());
            turns.push(Turn { seq, at, wall, objective, before, verdict, why });
        }
    }
    if turns.is_empty() {
        return;
    }
    let kept = Arc::make_mut(&mut board.turned.0);
    kept.extend(turns);
    kept.drain(..kept.len().saturating_sub(TURNS_KEPT));
}

impl Turned {
    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        self.0.iter()
    }

    /// Those of one objective, newest first.
    pub fn of<'t>(&'t self, objective: &'t ObjectiveId) -> impl Iterator<Item = &'t Turn> {
        self.0.iter().rev().filter(move |turn| turn.objective == *objective)
    }

    /// Those that came with the record `seq`.
    pub fn with(&self, seq: u64) -> impl Iterator<Item = &Turn> {
        let from = self.0.partition_point(|turn| turn.seq < seq);
        self.0.iter().skip(from).take_while(move |turn| turn.seq == seq)
    }
}

impl Turn {
    /// One line for a person. The reason may be of outside text: pass it through `base::text::printable`.
    #[must_use]
    pub fn tell(&self) -> String {
        let before = self.before.map(|before| format!(", was {before}")).unwrap_or_default();
        format!("objective {} {}: {}{before}", self.objective, self.verdict, self.why)
    }
}

/// A record that counts or keeps and changes nothing that a person is told of.
#[must_use]
pub fn is_routine(event: &Event) -> bool {
    matches!(event, Event::Evaluated { .. } | Event::SamplesKept { .. })
}

#[cfg(test)]
#[path = "turned_tests.rs"]
mod tests;
