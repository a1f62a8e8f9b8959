//! The gate matrix: each phase with what it came to, and each of its items with verdict, attempts and the words that
//! people put beside it.

use std::collections::BTreeMap;

use super::document::{Block, Cell, Section, Table, Tone};
use super::say;
use super::story::Story;
use crate::launch::board::{ItemState, Progress};
use crate::launch::event::{Event, Recorded};
use crate::launch::gate::{self, Standing};
use crate::launch::id::PhaseId;
use crate::launch::item::Attest;
use crate::launch::plan::{Item, Phase};
use crate::launch::recurring;
use crate::launch::time::Instant;
use crate::launch::verdict::{Finding, Verdict};

/// Findings of one item that are told; its record has them all.
const TOLD: usize = 40;

/// When a gate passed: each time.
pub(super) type Passed = Vec<(Instant, u32)>;

pub(super) fn take(gates: &mut BTreeMap<PhaseId, Passed>, record: &Recorded) {
    if let Event::GatePassed { phase, waivers, .. } = &record.event {
        gates.entry(phase.clone()).or_default().push((record.at, *waivers));
    }
}

/// What a phase came to.
pub(super) fn came_to(story: &Story, phase: &Phase) -> (Cell, Standing) {
    let board = &story.board;
    let standing = gate::standing(board, phase, board.at);
    let cell = match standing.worst {
        _ if standing.total > 0 && standing.is_clear() => match (standing.waivers, standing.worst) {
            (0, Some(Verdict::Warn)) => Cell::toned(Tone::Warn, "pass, with a warning taken on"),
            (0, _) => Cell::from(Verdict::Pass),
            (n, _) => Cell::toned(Tone::Warn, format!("pass with {}", say::count(n as usize, "waiver", "waivers"))),
        },
        Some(worst) if !standing.blocking.is_empty() => worst.into(),
        _ if standing.total == 0 => Cell::muted("nothing to do"),
        _ => Cell::muted("not run"),
    };
    (cell, standing)
}

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("gates", "Gate matrix");
    let board = &story.board;
    let head = ["phase", "mark", "gate", "came to", "clear", "opened", "passed"];
    let mut table = Table::new("Every phase", &head);
    for phase in &board.plan.phases {
        let (cell, standing) = came_to(story, phase);
        let opened = board.phases.get(&phase.id).and_then(|state| state.opened);
        let passed =
            story.gates.get(&phase.id).map(|all| all.iter().map(|(at, _)| story.when(*at)).collect::<Vec<_>>());
        let passed = passed.unwrap_or_default();
        table.row([
            phase.title.as_str().into(),
            phase.at.to_string().into(),
            if phase.gate { "gate".into() } else { Cell::muted("no gate") },
            cell,
            format!("{}/{}", standing.clear, standing.total).into(),
            opened.map_or_else(|| Cell::muted("never"), |at| story.when(at).into()),
            match passed.as_slice() {
                [] if phase.gate => Cell::toned(Tone::Warn, "never"),
                [] => Cell::default(),
                [one] => one.as_str().into(),
                [.., last] => format!("{last} (the last of {})", passed.len()).into(),
            },
        ]);
    }
    section.table(table);
    for phase in &board.plan.phases {
        items(story, phase, &mut section);
    }
    section
}

fn items(story: &Story, phase: &Phase, section: &mut Section) {
    let plan = &story.board.plan;
    let all: Vec<(&Item, &ItemState)> =
        phase.items.iter().filter_map(|id| Some((plan.item(id)?, story.board.item(id)?))).collect();
    if all.is_empty() {
        return;
    }
    section.heading(format!("{} ({})", phase.title, phase.at));
    let mut table = Table::new(
        format!("Items of {}", phase.title),
        &["item", "kind", "verdict", "took", "attempts", "what was found", "beside it"],
    );
    for (item, state) in &all {
        let report = state.report.as_ref();
        let took = report.map(|report| report.took).or(state.outcome.as_ref().map(|outcome| outcome.took));
        let title =
            if item.title == item.id.as_str() { item.title.clone() } else { format!("{} ({})", item.title, item.id) };
        table.row([
            title.into(),
            item.kind.into(),
            verdict(story, item, state),
            took.map(say::span).unwrap_or_default().into(),
            attempts(state).into(),
            found(state).into(),
            beside(story, item, state).into(),
        ]);
    }
    section.table(table);
    for (item, state) in &all {
        if let Some(table) = findings(item, state) {
            section.blocks.push(Block::Table(table));
        }
    }
}

fn verdict(story: &Story, item: &Item, state: &ItemState) -> Cell {
    let counted = match gate::clear(&story.board, item, story.board.at) {
        gate::Clear::ByWaiver => ", waived",
        _ => "",
    };
    match (&state.progress, state.verdict(item.valid_for, story.board.at)) {
        (Progress::Blocked { .. }, _) => Cell::toned(Tone::Unknown, format!("not run{counted}")),
        (Progress::Running { .. } | Progress::Intended { .. }, _) => Cell::toned(Tone::Warn, "runs still"),
        (_, Some(verdict)) => Cell::toned(verdict.into(), format!("{verdict}{counted}")),
        (_, None) => Cell::muted("not run"),
    }
}

fn attempts(state: &ItemState) -> String {
    let Some(attempt) = state.attempt else { return String::new() };
    let earlier: Vec<&str> = state.history.iter().map(|(_, verdict)| verdict.word()).collect();
    match attempt.0 {
        1 => "1".to_owned(),
        n if earlier.len() > 1 && earlier.len() <= 6 => format!("{n}: {}", earlier.join(", ")),
        n => n.to_string(),
    }
}

fn found(state: &ItemState) -> String {
    if let Some(undone) = &state.undone {
        return undone.clone();
    }
    if let Progress::Blocked { by } = &state.progress {
        return by.clone();
    }
    if let Some(passed_over) = &state.passed_over {
        return passed_over.clone();
    }
    let simulated = state.outcome.as_ref().is_some_and(|outcome| outcome.simulated);
    let retried = state.retried().map(|retried| format!(", {retried}")).unwrap_or_default();
    let words = state.report.as_ref().map(|report| report.summary.clone());
    let words =
        words.or_else(|| state.outcome.as_ref().map(crate::launch::verdict::Outcome::words)).unwrap_or_default();
    format!("{words}{retried}{}", if simulated { " (SIMULATED)" } else { "" })
}

/// Whose words stand beside what was found.
fn beside(story: &Story, item: &Item, state: &ItemState) -> String {
    let plan = &story.board.plan;
    let said = |what: &str, word: &Attest| {
        let note = if word.note.is_empty() { String::new() } else { format!(": {}", word.note) };
        format!("{what} by {}{note}", say::name(plan, &word.by))
    };
    let mut words = Vec::new();
    words.extend(
        state
            .chosen
            .as_ref()
            .map(|chosen| format!("{} chosen by {}: {}", chosen.option, say::name(plan, &chosen.by), chosen.reason)),
    );
    words.extend(state.attested.as_ref().map(|word| said(if word.passed { "attested" } else { "failed" }, word)));
    words.extend(state.seconded.as_ref().map(|word| said("seconded", word)));
    words.extend(state.marked.as_ref().map(|word| said("marked by hand", word)));
    words.extend(state.waiver.as_ref().map(|waiver| {
        let end = if waiver.expired { ", EXPIRED" } else { "" };
        format!("WAIVED by {}: {}{end}", say::name(plan, &waiver.by), waiver.reason)
    }));
    if state.acknowledged {
        words.push("warning taken on".to_owned());
    }
    let signed = crate::launch::signoff::signatures(&story.board, &item.id);
    words.extend(signed.iter().map(|(role, by)| format!("signed by {} for {}", by.by.name, say::role(plan, role))));
    words.extend(recurring::words(&story.board, item));
    words.join("; ")
}

/// Every expectation that did not hold, and every row of a matrix.
fn findings(item: &Item, state: &ItemState) -> Option<Table> {
    let report = state.report.as_ref()?;
    let rows = report.findings.iter().any(|finding| finding.row.is_some());
    let told: Vec<&Finding> =
        report.findings.iter().filter(|finding| rows || finding.verdict != Verdict::Pass).collect();
    if told.is_empty() || (rows && told.len() > TOLD && report.verdict == Verdict::Pass) {
        return None;
    }
    let mut table = Table::new(
        format!("{}: what was expected, and what was seen", item.id),
        &["row", "looked at", "expected", "seen", "verdict"],
    );
    // What is wrong is never what is left out.
    let wrong = told.iter().filter(|finding| finding.verdict != Verdict::Pass);
    let right = told.iter().filter(|finding| finding.verdict == Verdict::Pass);
    for finding in wrong.chain(right).take(TOLD) {
        table.row([
            finding.row.as_deref().unwrap_or_default().into(),
            finding.subject.as_str().into(),
            finding.expected.as_str().into(),
            finding.seen.as_str().into(),
            finding.verdict.into(),
        ]);
    }
    if told.len() > TOLD {
        let more = format!("and {} more", told.len() - TOLD);
        table.row([Cell::muted(more), Cell::default(), Cell::default(), Cell::default(), Cell::default()]);
    }
    Some(table)
}
