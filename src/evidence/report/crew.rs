//! What people decided, on what, and why: polls with every vote, criteria, and each word that let something on or
//! stopped it.

use super::document::{Block, Cell, Section, Table, Tone};
use super::revised;
use super::say;
use super::story::Story;
use crate::launch::ballot;
use crate::launch::board::Board;
use crate::launch::criteria::{self, Sight};
use crate::launch::event::{Event, Recorded, Vote};
use crate::launch::id::{ItemId, RoleId};
use crate::launch::plan::{Act, GoStage, Plan};
use crate::launch::time::Instant;

/// Every word that was given.
#[derive(Debug, Default)]
pub(super) struct Words {
    votes: Vec<Voted>,
    polls: Vec<Polled>,
    decisions: Vec<Decision>,
}

#[derive(Debug)]
struct Voted {
    at: Instant,
    poll: Option<ItemId>,
    role: String,
    vote: Cell,
    why: String,
    by: String,
}

#[derive(Debug)]
struct Polled {
    at: Instant,
    seq: u64,
    poll: Option<ItemId>,
    go: bool,
    blocking: Vec<String>,
}

#[derive(Debug)]
struct Decision {
    at: Instant,
    seq: u64,
    what: Cell,
    why: String,
    by: String,
}

impl Words {
    pub fn take(&mut self, board: &Board, record: &Recorded) {
        let plan = &board.plan;
        let (at, by) = (record.at, say::name(plan, &record.actor));
        match &record.event {
            Event::Voted { poll, role, vote, .. } => {
                let (vote, why) = vote_of(vote);
                self.votes.push(Voted { at, poll: poll.clone(), role: say::role(plan, role), vote, why, by });
            }
            Event::VoteVoided { poll, role, why } => {
                let (role, why) = (say::role(plan, role), why.clone());
                self.votes.push(Voted { at, poll: poll.clone(), role, vote: void(), why, by });
            }
            Event::VotesVoided { why } => {
                let role = "every role".to_owned();
                self.votes.push(Voted { at, poll: None, role, vote: void(), why: why.clone(), by });
            }
            Event::PollDecided { poll, go, blocking } => {
                let (poll, blocking) = (poll.clone(), blocking.clone());
                self.polls.push(Polled { at, seq: record.seq, poll, go: *go, blocking });
            }
            event => {
                if let Some((what, why)) = decided(board, event, at) {
                    self.decisions.push(Decision { at, seq: record.seq, what, why, by });
                }
            }
        }
    }
}

fn void() -> Cell {
    Cell::toned(Tone::Warn, "VOID")
}

fn vote_of(vote: &Vote) -> (Cell, String) {
    match vote {
        Vote::Go => (Cell::toned(Tone::Pass, "GO"), String::new()),
        Vote::NoGo { reason } => (Cell::toned(Tone::Fail, "NO-GO"), reason.clone()),
        Vote::GoWithWaiver { reason } => (Cell::toned(Tone::Warn, "GO WITH WAIVER"), reason.clone()),
    }
}

/// What was decided, and why; none of what decides nothing.
fn decided(board: &Board, event: &Event, at: Instant) -> Option<(Cell, String)> {
    let plan = &board.plan;
    let title = |id: &ItemId| match plan.item(id) {
        Some(item) if item.title != id.as_str() => format!("{} ({id})", item.title),
        _ => id.to_string(),
    };
    let criterion = |id: &crate::launch::id::CriterionId| {
        plan.criteria.iter().find(|known| known.id == *id).map_or(id.to_string(), |known| known.text.clone())
    };
    let until = |until: &Option<Instant>| match until {
        Some(until) => format!(", for {}", say::span(until.since(at))),
        None => ", without an end".to_owned(),
    };
    let (tone, what, why) = match event {
        Event::Chosen { item, option, reason } => (Tone::Plain, format!("chose {option}: {}", title(item)), reason),
        Event::Waived { item, reason, until: end } => {
            (Tone::Warn, format!("WAIVED {}{}", title(item), until(end)), reason)
        }
        Event::CriterionWaived { criterion: id, reason, until: end } => {
            (Tone::Warn, format!("WAIVED the criterion {}{}", criterion(id), until(end)), reason)
        }
        Event::CriterionJudged { criterion: id, met, note } => {
            let (tone, word) = if *met { (Tone::Pass, "for GO") } else { (Tone::Fail, "against GO") };
            (tone, format!("judged {word}: {}", criterion(id)), note)
        }
        Event::Attested { item, note, passed: true } => (Tone::Pass, format!("attested {}", title(item)), note),
        Event::Attested { item, note, passed: false } => {
            (Tone::Fail, format!("attested as FAILED: {}", title(item)), note)
        }
        Event::Signed { item, role, note } => {
            (Tone::Pass, format!("signed {} as {}", title(item), say::role(plan, role)), note)
        }
        Event::StepMarked { item, passed, reason, .. } => {
            let word = if *passed { "DONE" } else { "FAILED" };
            (Tone::Warn, format!("marked {word}, nobody saw it: {}", title(item)), reason)
        }
        Event::RepeatOrdered { item, reason, .. } => (Tone::Warn, format!("had {} done AGAIN", title(item)), reason),
        Event::Acknowledged { item } => {
            return Some((Cell::toned(Tone::Warn, format!("took on the warning of {}", title(item))), String::new()));
        }
        Event::TriggerVetoed { trigger, why } => (Tone::Warn, format!("VETOED trigger {trigger}"), why),
        Event::TriggerAcknowledged { trigger } => {
            return Some((format!("took on that trigger {trigger} fired").into(), String::new()));
        }
        Event::SoakHoleWaived { item, reason, .. } => {
            (Tone::Warn, format!("WAIVED the hole in the watching of {}", title(item)), reason)
        }
        Event::PlanAmended { revision, reason, changes, .. } => {
            let changes = say::count(changes.len(), "change", "changes");
            (Tone::Warn, format!("AMENDED the plan, revision {revision}: {changes}, every vote void"), reason)
        }
        Event::HoldCalled { who, why } => (Tone::Warn, format!("HOLD, by {who}"), why),
        Event::Resumed => return Some(("resumed the countdown".into(), String::new())),
        Event::Recycled { mark } => return Some((format!("recycled to {mark}").into(), String::new())),
        Event::Slipped { why, .. } => (Tone::Warn, "SLIPPED T-0".to_owned(), why),
        Event::Scrubbed { why } => (Tone::Fail, "SCRUBBED".to_owned(), why),
        Event::CutOff { why } => (Tone::Fail, "CUT OFF".to_owned(), why),
        Event::Frozen { why } => (Tone::Fail, "FROZE".to_owned(), why),
        Event::Thawed { why } => (Tone::Warn, "lifted the freeze".to_owned(), why),
        Event::RollbackRequested { rollback, run, why } => {
            (Tone::Fail, format!("ROLLBACK {rollback} (run {run})"), why)
        }
        Event::TookOver { from, .. } => {
            return Some((Cell::toned(Tone::Warn, format!("TOOK OVER from {from}")), String::new()));
        }
        Event::LaunchClosed { why, missing } if missing.is_empty() => (Tone::Pass, "CLOSED".to_owned(), why),
        Event::LaunchClosed { why, missing } => (Tone::Warn, format!("CLOSED without {}", missing.join("; ")), why),
        Event::LaunchEnded { why } => (Tone::Plain, "ended".to_owned(), why),
        _ => return None,
    };
    Some((Cell::toned(tone, what), why.clone()))
}

/// Every poll, with its votes, what it came to, and the criteria that it stood on.
pub(super) fn polls(story: &Story) -> Section {
    let mut section = Section::new("poll", "Go/no-go poll");
    let (board, plan) = (&story.board, &story.board.plan);
    let items = plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| plan.item(id));
    let asked = items.filter(|item| matches!(item.act, Act::Poll { .. })).map(|item| Some(&item.id));
    let own = (!plan.poll.is_empty() || story.crew.polls.iter().any(|told| told.poll.is_none())).then_some(None);
    let mut any = false;
    for poll in own.into_iter().chain(asked) {
        any = true;
        let title = poll.and_then(|id| plan.item(id)).map_or("Before T-0", |item| item.title.as_str());
        section.heading(title);
        section.blocks.extend(verdicts(story, poll));
        section.table(votes(board, poll, title));
        section.table(history(story, poll, title));
    }
    for (stage, name) in [(GoStage::Launch, "before T-0"), (GoStage::Observed, "after the observation")] {
        let mut table =
            Table::new(format!("Criteria, {name}, as they stood at the end"), &["list", "criterion", "stands", "why"]);
        for (criterion, standing) in criteria::of_stage(board, stage, board.at) {
            let list = if criterion.no_go { "no-go" } else { "go" };
            let words = standing.words(criterion.no_go);
            // One that passes because an item was waived is no better than that.
            let tone = match (standing.sight(), standing.verdict) {
                (Sight::Waived, _) => Tone::Warn,
                (_, Some(verdict)) => verdict.into(),
                (_, None) => Tone::Muted,
            };
            let waived = standing
                .waiver
                .as_ref()
                .map(|waiver| format!("; waived by {}: {}", say::name(plan, &waiver.by), waiver.reason));
            let why = format!("{}{}", standing.why, waived.unwrap_or_default());
            table.row([list.into(), criterion.text.as_str().into(), Cell::toned(tone, words), why.into()]);
        }
        section.table(table);
    }
    if !any && section.blocks.is_empty() {
        section.text(Cell::muted("The plan has neither a poll nor criteria."));
    }
    section
}

fn verdicts(story: &Story, poll: Option<&ItemId>) -> Vec<Block> {
    let told: Vec<&Polled> = story.crew.polls.iter().filter(|told| told.poll.as_ref() == poll).collect();
    if told.is_empty() {
        return vec![Block::Text(Cell::muted("It was never decided."))];
    }
    let one = |told: &&Polled| {
        let (tone, word) = if told.go { (Tone::Pass, "GO") } else { (Tone::Fail, "NO-GO") };
        let against = match told.blocking.as_slice() {
            [] => "nothing stood against it".to_owned(),
            all => format!("against GO stood: {}", all.join("; ")),
        };
        Cell::toned(tone, format!("{word} at {} (record {}): {against}", story.when(told.at), told.seq))
    };
    vec![Block::List(told.iter().map(one).collect())]
}

/// The votes as they stood at the end.
fn votes(board: &Board, poll: Option<&ItemId>, title: &str) -> Table {
    let plan = &board.plan;
    let mut table =
        Table::new(format!("{title}: votes as they stood at the end"), &["role", "vote", "why", "by", "when, UTC"]);
    for role in ballot::roles(plan, poll).unwrap_or_default() {
        table.row(vote(board, plan, poll, role));
    }
    table
}

fn vote(board: &Board, plan: &Plan, poll: Option<&ItemId>, role: &RoleId) -> [Cell; 5] {
    let title: Cell = say::role(plan, role).into();
    if let Some(ballot) = ballot::votes(board, poll).get(role) {
        let (vote, why) = vote_of(&ballot.vote);
        return [title, vote, why.into(), say::name(plan, &ballot.by).into(), say::stamp(ballot.at).into()];
    }
    match board.polls.void.get(&(poll.cloned(), role.clone())) {
        Some(void) => {
            let (vote, _) = vote_of(&void.ballot.vote);
            let word = Cell::toned(Tone::Warn, format!("VOID (was {})", vote.text));
            let (by, at) = (say::name(plan, &void.ballot.by), say::stamp(void.ballot.at));
            [title, word, void.why.as_str().into(), by.into(), at.into()]
        }
        None => {
            let silent = Cell::toned(Tone::Fail, "silent: NO-GO");
            [title, silent, Cell::default(), Cell::default(), Cell::default()]
        }
    }
}

/// Every vote in its order, where one was cast anew or voided: else the table before tells it.
fn history(story: &Story, poll: Option<&ItemId>, title: &str) -> Table {
    let mut table = Table::new(format!("{title}: every vote in its order"), &["when", "role", "vote", "why", "by"]);
    let all = || story.crew.votes.iter().filter(|voted| voted.poll.as_ref() == poll);
    let roles = ballot::roles(&story.board.plan, poll).unwrap_or_default().len();
    if all().count() <= roles && all().all(|voted| voted.vote != void()) {
        return table;
    }
    for voted in all() {
        let Voted { at, role, vote, why, by, .. } = voted;
        let cells = [story.when(*at).into(), role.as_str().into(), vote.clone()];
        let [when, role, vote] = cells;
        table.row([when, role, vote, why.as_str().into(), by.as_str().into()]);
    }
    table
}

/// Every decision, in its order.
pub(super) fn decisions(story: &Story) -> Section {
    let mut section = Section::new("decisions", "Decisions");
    let mut table = Table::new("Every decision in its order", &["when", "decision", "why", "by", "record"]);
    for told in &story.crew.decisions {
        table.row([
            story.when(told.at).into(),
            told.what.clone(),
            told.why.as_str().into(),
            told.by.as_str().into(),
            told.seq.to_string().into(),
        ]);
    }
    if table.rows.is_empty() {
        section.text(Cell::muted("Nobody decided anything."));
    }
    section.table(table);
    section.table(revised::changes(story));
    section
}
