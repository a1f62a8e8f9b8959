//! The poll: roles in the plan's order; GO, NO-GO with a reason, or GO WITH WAIVER. Silence is NO-GO.
//! The typed verdicts stand beside the votes: no vote hides a red gate.

use super::ballot;
use super::board::Board;
use super::criteria::{self, Standing};
use super::event::Vote;
use super::gate;
use super::id::{ItemId, RoleId};
use super::people::title;
use super::plan::{GoStage, Phase};
use super::rollback;
use super::time::Instant;
use super::waiver;
use super::why::{About, Blocked};

/// What the crew and the board together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// In the plan's order; silence is `None`.
    pub votes: Vec<(RoleId, Option<Vote>)>,
    pub go: usize,
    /// Criteria of the poll's stage, and how many of them do not stand against GO.
    pub criteria: usize,
    pub clear: usize,
    /// Why not GO, in plain words, first things first; empty means GO.
    pub blocking: Vec<String>,
    /// What of it the machine says, and people on criteria.
    pub machine: Vec<String>,
    /// What counts as done by a person's word alone, with that word: nobody votes on it unawares.
    pub marked: Vec<String>,
    /// Criteria that stand by a waiver, and items that are open by one alone, in words.
    pub waived: Vec<String>,
    /// How many waivers that is.
    pub waivers: usize,
}

impl Tally {
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.blocking.is_empty()
    }

    /// `GO 5/5`: votes and criteria that are for GO, of all.
    #[must_use]
    pub fn words(&self) -> String {
        let word = if self.is_go() { "GO" } else { "NO-GO" };
        format!("{word} {}/{}", self.go + self.clear, self.votes.len() + self.criteria)
    }
}

/// Counts the plan's own poll at `now`, and says what blocks GO: open gates, baseline values not captured,
/// rollbacks that are not ready, criteria of before T-0, roles that said no or nothing.
#[must_use]
pub fn tally(board: &Board, now: Instant) -> Tally {
    tally_of(board, None, now)
}

/// The same of a poll of the checklist: the criteria of its stage, and its own votes.
#[must_use]
pub fn tally_of(board: &Board, poll: Option<&ItemId>, now: Instant) -> Tally {
    let stage = ballot::stage(&board.plan, poll);
    let words = |blocked: Vec<Blocked>| blocked.into_iter().map(|one| one.words);
    let machine: Vec<String> = words(by_machine(board, poll, now)).collect();
    let blocking = machine.iter().cloned().chain(words(by_votes(board, poll))).collect();
    let voted = ballot::roles(&board.plan, poll)
        .unwrap_or_default()
        .iter()
        .map(|role| (role.clone(), ballot::votes(board, poll).get(role).map(|ballot| ballot.vote.clone())));
    let votes: Vec<(RoleId, Option<Vote>)> = voted.collect();
    let go = votes.iter().filter(|(_, vote)| matches!(vote, Some(Vote::Go | Vote::GoWithWaiver { .. }))).count();
    let stands: Vec<Standing> = criteria::of_stage(board, stage, now).map(|(_, standing)| standing).collect();
    let clear = stands.iter().filter(|standing| standing.is_clear()).count();
    let mut waived = criteria::waived(board, stage, now);
    let mut waivers = stands.iter().filter(|standing| standing.waiver.is_some()).count();
    let mut marked = Vec::new();
    if poll.is_none() {
        let items = waiver::standing(board, now);
        waivers += items.len();
        waived.extend(items);
        marked = self::marked(board);
    }
    Tally { votes, go, criteria: stands.len(), clear, blocking, machine, marked, waived, waivers }
}

/// What stands between this and the GO of a poll, each with what it is about: what the machine says, then the votes.
#[must_use]
pub fn blocked(board: &Board, poll: Option<&ItemId>, now: Instant) -> Vec<Blocked> {
    let mut blocked = by_machine(board, poll, now);
    blocked.extend(by_votes(board, poll));
    blocked
}

/// What stands against GO before T-0 besides the votes.
#[must_use]
pub fn machine_blocks(board: &Board, now: Instant) -> Vec<String> {
    by_machine(board, None, now).into_iter().map(|one| one.words).collect()
}

fn by_votes(board: &Board, poll: Option<&ItemId>) -> Vec<Blocked> {
    let roles = ballot::roles(&board.plan, poll).unwrap_or_default().iter();
    let against = roles.filter_map(|role| {
        let title = title(&board.plan, role);
        let words = match ballot::votes(board, poll).get(role).map(|ballot| &ballot.vote) {
            Some(Vote::Go | Vote::GoWithWaiver { .. }) => return None,
            Some(Vote::NoGo { reason }) => format!("{title} says NO-GO: {reason}"),
            None => format!("{title} has not voted"),
        };
        Some(Blocked { words, about: About::Role(role.clone()) })
    });
    against.collect()
}

fn by_machine(board: &Board, poll: Option<&ItemId>, now: Instant) -> Vec<Blocked> {
    let unwritten = board.unwritten.iter().map(|words| Blocked { words: words.clone(), about: About::Launch });
    let mut blocks: Vec<Blocked> = unwritten.collect();
    let criteria = |stage| {
        let blocks = criteria::blocked(board, stage, now);
        blocks.map(|(criterion, words)| Blocked { words, about: About::Criterion(criterion.id.clone()) })
    };
    if poll.is_some() {
        blocks.extend(criteria(ballot::stage(&board.plan, poll)));
        return blocks;
    }
    for phase in board.plan.phases.iter().filter(|phase| phase.gate && before_liftoff(phase)) {
        let standing = gate::standing(board, phase, now);
        if !standing.is_clear() {
            let first = standing.blocking.first().map(|(item, verdict)| {
                let word = verdict.map_or("not run", |verdict| verdict.word());
                let lapsed = waiver::lapsed(board, item, now).or_else(|| board.item(item)?.undone.clone());
                format!(", first {item}: {word}{}", lapsed.map(|lapsed| format!(" ({lapsed})")).unwrap_or_default())
            });
            let first = first.unwrap_or_default();
            let words = format!("gate {} is not open: {} of {}{first}", phase.id, standing.clear, standing.total);
            blocks.push(Blocked { words, about: About::Gate(phase.id.clone()) });
        }
    }
    blocks.extend(ways_back(board));
    blocks.extend(criteria(GoStage::Launch));
    blocks
}

/// Baseline values that are not there, with the rollbacks that go back to them; and rollbacks that their own checks
/// do not find ready.
fn ways_back(board: &Board) -> Vec<Blocked> {
    let plan = &board.plan;
    let mut blocks: Vec<Blocked> = board
        .uncaptured()
        .map(|(name, _)| {
            let users = plan.rollbacks.iter().filter(|rollback| rollback.uses.iter().any(|used| used == name));
            let users: Vec<&str> = users.map(|rollback| rollback.id.as_str()).collect();
            let why = match users.as_slice() {
                [] => "a rollback could not go back to it".to_owned(),
                [one] => format!("rollback {one} goes back to it"),
                several => format!("rollbacks {} go back to it", several.join(", ")),
            };
            let words = format!("baseline value {name} is not captured{}: {why}", board.why_uncaptured(name));
            Blocked { words, about: About::Baseline(name.to_owned()) }
        })
        .collect();
    for rollback in &plan.rollbacks {
        let told = rollback::checked(board, rollback);
        if told.blocks() {
            let words = format!("rollback {} is {}", rollback.id, told.words());
            blocks.push(Blocked { words, about: About::Rollback(rollback.id.clone()) });
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
