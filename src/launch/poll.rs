//! The poll: roles in the plan's order; GO, NO-GO with a reason, or GO WITH WAIVER. Silence is NO-GO.
//! The typed verdicts stand beside the votes: no vote hides a red gate.

use super::board::Board;
use super::event::Vote;
use super::id::RoleId;
use super::time::Instant;
use super::{gate, plan::Phase, waiver};

/// What the crew and the board together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// In the plan's order; silence is `None`.
    pub votes: Vec<(RoleId, Option<Vote>)>,
    pub go: usize,
    /// Why not GO, in plain words, first things first; empty means GO.
    pub blocking: Vec<String>,
    /// What counts as done by a person's word alone, with that word: nobody votes on it unawares.
    pub marked: Vec<String>,
    /// What is open by a waiver alone, in words.
    pub waived: Vec<String>,
}

impl Tally {
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.blocking.is_empty()
    }
}

/// Counts the poll at `now`, and says what blocks GO: open gates, baseline values not captured, roles
/// that said no or nothing.
#[must_use]
pub fn tally(board: &Board, now: Instant) -> Tally {
    let mut blocking = machine_blocks(board, now);
    let mut votes = Vec::new();
    let mut go = 0;
    for role in &board.plan.poll {
        let vote = board.votes.get(role).map(|ballot| ballot.vote.clone());
        let title = board.plan.role(role).map_or(role.as_str(), |role| role.title.as_str());
        match &vote {
            Some(Vote::Go | Vote::GoWithWaiver { .. }) => go += 1,
            Some(Vote::NoGo { reason }) => blocking.push(format!("{title} says NO-GO: {reason}")),
            None => blocking.push(format!("{title} has not voted")),
        }
        votes.push((role.clone(), vote));
    }
    Tally { votes, go, blocking, marked: marked(board), waived: waiver::standing(board, now) }
}

/// What the machine alone says against GO.
#[must_use]
pub fn machine_blocks(board: &Board, now: Instant) -> Vec<String> {
    let mut blocks: Vec<String> = board.unwritten.iter().cloned().collect();
    for phase in board.plan.phases.iter().filter(|phase| phase.gate && before_liftoff(phase)) {
        let standing = gate::standing(board, phase, now);
        if !standing.is_clear() {
            let first = standing.blocking.first().map(|(item, verdict)| {
                let word = verdict.map_or("not run", |verdict| verdict.word());
                let lapsed = board.item(item).and_then(|state| waiver::lapsed(state, now));
                format!(", first {item}: {word}{}", lapsed.map(|lapsed| format!(" ({lapsed})")).unwrap_or_default())
            });
            let first = first.unwrap_or_default();
            blocks.push(format!("gate {} is not open: {} of {}{first}", phase.id, standing.clear, standing.total));
        }
    }
    for wanted in &board.plan.baseline {
        if board.baseline.get(&wanted.name).and_then(|captured| captured.value()).is_none() {
            blocks.push(format!("baseline value {} is not captured: a rollback could not go back to it", wanted.name));
        }
    }
    blocks
}

/// Steps marked done by hand, in the order of the plan.
fn marked(board: &Board) -> Vec<String> {
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let marked = order.filter_map(|id| Some((id, board.item(id)?.marked.as_ref()?)));
    let done = marked.filter(|(_, word)| word.passed);
    done.map(|(id, word)| format!("{id} marked done by {}: {}", word.by.name, word.note)).collect()
}

fn before_liftoff(phase: &Phase) -> bool {
    phase.at.0 > 0
}

/// Whether the hold the countdown is in needs the poll GO to resume.
#[must_use]
pub fn at_poll_hold(board: &Board, now: Instant) -> bool {
    let Some(clock) = board.clock_at(now) else { return false };
    clock.latches.contains_key(super::countdown::BUILT_IN)
        && board.plan.clock.holds.iter().any(|hold| hold.poll && hold.at == clock.mark())
}
