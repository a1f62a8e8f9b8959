//! Every rollback that was asked for: who and why, its steps against its deadline, second keys, what was verified, and
//! which of the endings it had.

use super::document::{Block, Cell, Section, Table, Tone};
use super::story::Story;
use super::{say, strangers};
use crate::launch::event::{Mode, RollbackEnd};
use crate::launch::rollback::{RollbackRun, StepTold};
use crate::launch::telling::{approver, end_words};
use crate::launch::verdict::{Outcome, Verdict};

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("rollbacks", "Rollbacks");
    if story.board.rollbacks.is_empty() && story.strangers.is_empty() {
        section.text(Cell::muted("None was asked for."));
    }
    strangers::section(story, &mut section);
    for run in &story.board.rollbacks {
        one(story, run, &mut section);
    }
    section
}

/// Its ending, in words; only `verified` is green.
pub(super) fn ending(run: &RollbackRun) -> Cell {
    match &run.end {
        Some(RollbackEnd::Verified) => Cell::toned(Tone::Pass, "verified"),
        Some(end @ RollbackEnd::Joined { .. }) => Cell::muted(end_words(end)),
        Some(end) => Cell::toned(Tone::Fail, end_words(end)),
        None => Cell::toned(Tone::Warn, "runs still"),
    }
}

fn one(story: &Story, run: &RollbackRun, section: &mut Section) {
    let plan = &story.board.plan;
    let known = plan.rollback(&run.id);
    let title = known.map_or(run.id.as_str(), |known| known.title.as_str());
    let word = if story.board.mode == Mode::Rehearsal { "drill of " } else { "" };
    section.heading(format!("Run {}: {word}{title} ({})", run.run, run.id));
    let deadline = known.map(|known| format!(" of at most {}", say::span(known.deadline))).unwrap_or_default();
    let took = run.elapsed(story.board.at);
    let late = known.is_some_and(|known| took > known.deadline);
    section.blocks.push(Block::Facts(vec![
        ("Came to".into(), ending(run)),
        ("Asked for".into(), format!("{} by {}", story.when(run.requested), say::name(plan, &run.by)).into()),
        ("Why".into(), run.why.as_str().into()),
        (
            "Took".into(),
            Cell::toned(if late { Tone::Fail } else { Tone::Plain }, format!("{}{deadline}", say::span(took))),
        ),
    ]));
    let mut table =
        Table::new(format!("Steps of run {}", run.run), &["step", "began", "verdict", "how it ended", "beside it"]);
    for told in &run.steps {
        let end = told.end.as_ref();
        let fallback = told.fallback.as_ref().map(|fallback| {
            let end = fallback
                .end
                .as_ref()
                .map_or("runs still".to_owned(), |(verdict, outcome)| format!("{verdict}: {}", outcome.words()));
            format!("its fallback {end}")
        });
        let keys = run.approvals.iter().filter(|key| key.step == told.step).map(|key| match &key.by {
            Some(by) => format!("approved by {}", approver(by)),
            None => format!("NOT APPROVED by {}", say::role(plan, &key.role)),
        });
        let beside: Vec<String> = keys.chain(fallback).collect();
        table.row([
            step_title(story, told).into(),
            story.when(told.since).into(),
            end.map_or_else(|| Cell::toned(Tone::Warn, "runs still"), |(verdict, _)| (*verdict).into()),
            end.map(|(_, outcome)| ended(outcome)).unwrap_or_default().into(),
            beside.join("; ").into(),
        ]);
    }
    section.table(table);
    let mut verified = Table::new(format!("What was looked at after run {}", run.run), &["check", "verdict", "found"]);
    for (check, report) in &run.verified {
        verified.row([check.as_str().into(), report.verdict.into(), report.summary.as_str().into()]);
    }
    if run.verified.is_empty() && run.has_acted() {
        verified.row([Cell::muted("nothing"), Verdict::Unknown.into(), "an exit code proves nothing".into()]);
    }
    section.table(verified);
    if let Some(RollbackEnd::FailedAtStep { by_hand, .. }) = &run.end
        && !by_hand.is_empty()
    {
        section.text(format!("By hand: {by_hand}"));
    }
}

fn step_title(story: &Story, told: &StepTold) -> String {
    let known = story.board.plan.rollback_step(&told.step).map(|(_, step)| step.title.clone());
    known.map_or_else(|| told.step.to_string(), |title| format!("{title} ({})", told.step))
}

fn ended(outcome: &Outcome) -> String {
    let simulated = if outcome.simulated { " (SIMULATED)" } else { "" };
    format!("{} in {}{simulated}", outcome.words(), say::span(outcome.took))
}
