//! The decision record of a poll as Markdown: what was decided, on what, by whom, and on which record of the
//! journal it stands. Pure: the same board and record give the same bytes.

use std::fmt::Write as _;

use super::markdown::{plain, row};
use crate::journal::chain::Head;
use crate::launch::ballot;
use crate::launch::board::Board;
use crate::launch::criteria::{self, CriterionWaiver};
use crate::launch::event::{Actor, Event, Mode, Recorded, Vote};
use crate::launch::id::ItemId;
use crate::launch::plan::{DecidedBy, Plan, Role};
use crate::launch::soak;
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::verdict::Verdict;

/// The record of the decision that `record` tells; none where it tells another thing. `board` has folded it and
/// nothing after it, `head` is its place in the chain.
#[must_use]
pub fn render(board: &Board, record: &Recorded, head: Head) -> Option<String> {
    let Event::PollDecided { poll, go, blocking } = &record.event else { return None };
    let page = Page { board, record, poll: poll.as_ref() };
    let mut out = String::new();
    let rehearsal = if board.mode == Mode::Rehearsal { "REHEARSAL: " } else { "" };
    let _ = writeln!(out, "# {rehearsal}Go/no-go record: {}\n", if *go { "GO" } else { "NO-GO" });
    page.head(&mut out, head);
    page.criteria(&mut out);
    page.votes(&mut out);
    page.waivers(&mut out);
    let _ = writeln!(out, "\n## What stood against GO\n");
    if blocking.is_empty() {
        out.push_str("Nothing.\n");
    }
    for why in blocking {
        let _ = writeln!(out, "- {}", plain(why));
    }
    let _ = writeln!(
        out,
        "\n---\n\nMade from record {} of the launch's journal, SHA-256 `{}`. `tminus verify` proves the chain up to it.",
        head.seq, head.hash
    );
    Some(out)
}

struct Page<'p> {
    board: &'p Board,
    record: &'p Recorded,
    poll: Option<&'p ItemId>,
}

impl Page<'_> {
    fn plan(&self) -> &Plan {
        &self.board.plan
    }

    fn title<'a>(&'a self, role: &'a crate::launch::id::RoleId) -> &'a str {
        self.plan().role(role).map_or(role.as_str(), |role: &Role| role.title.as_str())
    }

    /// An instant of the launch in wall time.
    fn wall(&self, at: Instant) -> Wall {
        let after = chrono::TimeDelta::milliseconds(at.0.saturating_sub(self.record.at.0));
        self.record.occurred_at.checked_add_signed(after).unwrap_or(self.record.occurred_at)
    }

    fn head(&self, out: &mut String, head: Head) {
        let (plan, record) = (self.plan(), self.record);
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "not said".to_owned());
        out.push_str("| | |\n|---|---|\n");
        let poll = self.poll.and_then(|id| plan.item(id)).map_or("before T-0".to_owned(), |item| item.title.clone());
        for (name, value) in [
            ("Plan", format!("{} ({})", plan.title, plan.id)),
            ("Environment", plan.environment.clone()),
            ("Poll", poll),
            ("Release", said(&plan.release.version)),
            ("Commit", said(&plan.release.commit)),
            ("Artifact", said(&plan.release.artifact)),
            ("Plan hash", plan.hash.clone()),
            ("Decided at", format!("{}, {}", t_face(self.board.mark_at(record.at)), stamp(record.occurred_at))),
            ("Attempt", self.board.clock.as_ref().map_or(1, |clock| clock.attempt).to_string()),
            ("Journal record", format!("{} {}", head.seq, head.hash)),
        ] {
            out.push_str(&row([name, &value]));
        }
    }

    fn criteria(&self, out: &mut String) {
        let stage = ballot::stage(self.plan(), self.poll);
        let all: Vec<_> = criteria::of_stage(self.board, stage, self.record.at).collect();
        out.push_str("\n## Criteria\n\n");
        if all.is_empty() {
            out.push_str("The plan has none for this poll.\n");
            return;
        }
        out.push_str("| list | criterion | stands | verdict | decided by |\n|---|---|---|---|---|\n");
        for (criterion, standing) in all {
            let verdict = standing.verdict.map_or("open", Verdict::word);
            let judged = self.board.criteria.get(&criterion.id).and_then(|known| known.judged.as_ref());
            let (verdict, by) = match (&criterion.by, judged) {
                (DecidedBy::Seen { .. }, _) => (verdict.to_owned(), format!("the console: {}", standing.why)),
                (DecidedBy::Person { .. }, Some(word)) => {
                    let met = match (criterion.no_go, word.met) {
                        (false, true) => "met",
                        (false, false) => "not met",
                        (true, true) => "does not occur",
                        (true, false) => "occurs",
                    };
                    let by = format!("{} at {}: {}", named(&word.by), stamp(word.at), word.note);
                    (format!("a person's word: {met}"), by)
                }
                (DecidedBy::Person { .. }, None) => ("a person's word: none".to_owned(), standing.why.clone()),
            };
            let list = if criterion.no_go { "no-go" } else { "go" };
            out.push_str(&row([list, &criterion.text, standing.words(criterion.no_go), &verdict, &by]));
        }
    }

    fn votes(&self, out: &mut String) {
        out.push_str("\n## Votes\n\n");
        let roles = ballot::roles(self.plan(), self.poll).unwrap_or_default();
        if roles.is_empty() {
            out.push_str("Nobody votes in this poll.\n");
            return;
        }
        out.push_str("| role | name | vote | reason | time |\n|---|---|---|---|---|\n");
        let votes = ballot::votes(self.board, self.poll);
        for role in roles {
            let title = self.title(role);
            if let Some(ballot) = votes.get(role) {
                let (word, reason) = words(&ballot.vote);
                out.push_str(&row([title, &named(&ballot.by), word, reason, &stamp(ballot.at)]));
                continue;
            }
            match self.board.polls.void.get(&(self.poll.cloned(), role.clone())) {
                Some(void) => {
                    let (word, reason) = words(&void.ballot.vote);
                    let why = [reason, &void.why].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
                    let by = named(&void.ballot.by);
                    out.push_str(&row([
                        title,
                        &by,
                        &format!("VOID ({word})"),
                        &why.join("; "),
                        &stamp(void.ballot.at),
                    ]));
                }
                None => out.push_str(&row([title, "", "silent: NO-GO", "", ""])),
            }
        }
    }

    /// Of the criteria, and of every item: what counts though it was not found so.
    fn waivers(&self, out: &mut String) {
        out.push_str("\n## Waivers\n\n");
        let until =
            |waiver: &CriterionWaiver| waiver.until.map_or("no end".to_owned(), |until| stamp(self.wall(until)));
        let stage = ballot::stage(self.plan(), self.poll);
        let mut rows = String::new();
        for (criterion, standing) in criteria::of_stage(self.board, stage, self.record.at) {
            if let Some(waiver) = &standing.waiver {
                let what = format!("criterion {}", criterion.id);
                rows.push_str(&row([
                    what.as_str(),
                    &named(&waiver.by),
                    &waiver.reason,
                    &stamp(waiver.at),
                    &until(waiver),
                ]));
            }
        }
        for id in self.plan().phases.iter().flat_map(|phase| &phase.items) {
            if let Some(waiver) = self.board.item(id).and_then(|state| state.waiver.as_ref()) {
                rows.push_str(&row([id.as_str(), &named(&waiver.by), &waiver.reason, &stamp(waiver.at), ""]));
            }
            for waiver in self.board.soaks.get(id).iter().flat_map(|ledger| &ledger.waivers) {
                let what = format!("{id}, a hole of {}", soak::span(waiver.until.since(waiver.from)));
                rows.push_str(&row([&what, &named(&waiver.by), &waiver.reason, &stamp(self.wall(waiver.at)), ""]));
            }
        }
        match rows.is_empty() {
            true => out.push_str("None.\n"),
            false => {
                out.push_str("| of | by | why | at | until |\n|---|---|---|---|---|\n");
                out.push_str(&rows);
            }
        }
    }
}

fn words(vote: &Vote) -> (&'static str, &str) {
    match vote {
        Vote::Go => ("GO", ""),
        Vote::NoGo { reason } => ("NO-GO", reason),
        Vote::GoWithWaiver { reason } => ("GO WITH WAIVER", reason),
    }
}

fn named(by: &Actor) -> String {
    let role = by.role.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
    let scripted = if by.scripted { " (scripted)" } else { "" };
    format!("{}{role}{scripted}", by.name)
}

fn stamp(at: Wall) -> String {
    at.format("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

fn t_face(mark: Mark) -> String {
    match mark.0 {
        i64::MAX => "no countdown".to_owned(),
        _ => mark.face(),
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
