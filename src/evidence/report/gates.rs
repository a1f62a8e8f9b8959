//! The gate matrix: each phase with what it came to, and each of its items with verdict, attempts and the words that
//! people put beside it.

use std::collections::BTreeMap;

use super::document::{Block, Cell, Section, Table, Tone};
use super::say;
use super::story::Story;
use crate::launch::board::{ItemState, Progress};
use crate::launch::criteria;
use crate::launch::event::{Event, Recorded};
use crate::launch::gate::{self, Standing};
use crate::launch::id::PhaseId;
use crate::launch::item::Attest;
use crate::launch::plan::{GoStage, Item, Phase};
use crate::launch::recurring;
use crate::launch::time::Instant;
use crate::launch::verdict::{Finding, Verdict};

/// Findings of one item that are told; its record has them all.
const TOLD: usize = 40;

/// A gate passed, with so many waivers and steps that were marked by hand.
#[derive(Debug)]
pub(super) struct Passed {
    at: Instant,
    waivers: u32,
    marked: u32,
}

pub(super) fn take(gates: &mut BTreeMap<PhaseId, Vec<Passed>>, record: &Recorded) {
    if let Event::GatePassed { phase, waivers, marked } = &record.event {
        gates.entry(phase.clone()).or_default().push(Passed { at: record.at, waivers: *waivers, marked: *marked });
    }
}

/// `2 waivers`, `1 step marked by hand`: what was let on by people's words.
fn by_word(waivers: u32, marked: u32) -> Vec<String> {
    let waivers = (waivers > 0).then(|| say::count(waivers as usize, "waiver", "waivers"));
    let marked = (marked > 0).then(|| say::count(marked as usize, "step marked by hand", "steps marked by hand"));
    waivers.into_iter().chain(marked).collect()
}

/// What a phase came to.
pub(super) fn came_to(story: &Story, phase: &Phase) -> (Cell, Standing) {
    let board = &story.board;
    let standing = gate::standing(board, phase, board.at);
    // What passed is no word on what stands in the way.
    let in_the_way = standing.blocking.iter().filter_map(|(_, verdict)| *verdict).max();
    let cell = match in_the_way {
        _ if standing.total == 0 => Cell::muted("nothing to do"),
        _ if standing.is_clear() => let_on(&standing),
        Some(worst) => worst.into(),
        None if standing.running > 0 => Cell::toned(Tone::Warn, "runs still"),
        None if standing.clear > 0 => Cell::toned(Tone::Warn, "not all was run"),
        None => Cell::muted("not run"),
    };
    (cell, standing)
}

/// A phase in which nothing stands in the way: what let it on is as good as the worst of it.
fn let_on(standing: &Standing) -> Cell {
    let mut with = by_word(standing.waivers, standing.marked);
    // The worst of a waived one is said by its waiver.
    let taken_on = standing.worst.filter(|worst| *worst >= Verdict::Warn && standing.waivers == 0);
    with.extend(taken_on.map(|worst| match worst {
        Verdict::Warn => "a warning taken on".to_owned(),
        worst => format!("a verdict of {worst} taken on"),
    }));
    let over = match standing.passed_over {
        0 => String::new(),
        n => format!("; {n} passed over by a choice"),
    };
    match standing.worst {
        _ if !with.is_empty() => Cell::toned(Tone::Warn, format!("pass, with {}{over}", with.join(" and "))),
        None => Cell::muted(format!("nothing was to do{over}")),
        Some(Verdict::Skipped) => Cell::toned(Tone::Skipped, format!("skipped, as the plan allows{over}")),
        Some(worst) => Cell::toned(worst.into(), format!("{worst}{over}")),
    }
}

/// What the whole launch stands on besides passes, in words: waivers and people's words in place of verdicts.
pub(super) fn reserves(story: &Story) -> Vec<String> {
    let (board, now) = (&story.board, story.board.at);
    let standings: Vec<Standing> = board.plan.phases.iter().map(|phase| gate::standing(board, phase, now)).collect();
    let sum = |of: fn(&Standing) -> u32| standings.iter().map(of).fold(0, u32::saturating_add);
    let criteria =
        [GoStage::Launch, GoStage::Observed].into_iter().flat_map(|stage| criteria::of_stage(board, stage, now));
    let criteria = criteria.filter(|(_, standing)| standing.waiver.is_some()).count();
    let holes = board.soaks.values().map(|ledger| ledger.waived).fold(0, u32::saturating_add);
    let criteria = u32::try_from(criteria).unwrap_or(u32::MAX);
    let waivers = sum(|standing| standing.waivers).saturating_add(criteria).saturating_add(holes);
    let mut reserves = by_word(waivers, sum(|standing| standing.marked));
    let taken_on = sum(|standing| standing.taken_on) as usize;
    if taken_on > 0 {
        reserves.push(say::count(taken_on, "warning taken on", "warnings taken on"));
    }
    reserves
}

pub(super) fn section(story: &Story) -> Section {
    let mut section = Section::new("gates", "Gate matrix");
    let board = &story.board;
    let head = ["phase", "mark", "gate", "came to", "clear", "opened", "passed"];
    let mut table = Table::new("Every phase", &head);
    for phase in &board.plan.phases {
        let (cell, standing) = came_to(story, phase);
        let opened = board.phases.get(&phase.id).and_then(|state| state.opened);
        table.row([
            phase.title.as_str().into(),
            phase.at.to_string().into(),
            if phase.gate { "gate".into() } else { Cell::muted("no gate") },
            cell,
            format!("{}/{}", standing.clear, standing.total).into(),
            opened.map_or_else(|| Cell::muted("never"), |at| story.when(at).into()),
            passed(story, phase),
        ]);
    }
    section.table(table);
    section.table(removed(story));
    for phase in &board.plan.phases {
        items(story, phase, &mut section);
    }
    section
}

/// When a gate passed last, and on whose word.
fn passed(story: &Story, phase: &Phase) -> Cell {
    let all = story.gates.get(&phase.id).map(Vec::as_slice).unwrap_or_default();
    let Some(last) = all.last() else {
        return if phase.gate { Cell::toned(Tone::Warn, "never") } else { Cell::default() };
    };
    let times = if all.len() > 1 { format!(" (the last of {})", all.len()) } else { String::new() };
    let with = by_word(last.waivers, last.marked);
    match with.as_slice() {
        [] => format!("{}{times}", story.when(last.at)).into(),
        with => Cell::toned(Tone::Warn, format!("{}{times}, with {}", story.when(last.at), with.join(" and "))),
    }
}

/// Items that the last plan does not have, as they stood when it came.
fn removed(story: &Story) -> Table {
    let mut table = Table::new("Items that an amendment took away", &["item", "phase", "stood at", "found", "removed"]);
    for gone in &story.revised.items {
        let (item, state) = &gone.what;
        let stood = match state.verdict(item.valid_for, gone.at) {
            _ if state.is_running() => Cell::toned(Tone::Warn, "ran still"),
            Some(Verdict::Pass) => Cell::muted("pass"),
            Some(verdict) => verdict.into(),
            None => Cell::muted("not run"),
        };
        table.row([
            format!("{} ({})", item.title, item.id).into(),
            item.phase.as_str().into(),
            stood,
            found(state).into(),
            format!("by revision {}, {}", gone.revision, story.when(gone.at)).into(),
        ]);
    }
    table
}

fn items(story: &Story, phase: &Phase, section: &mut Section) {
    let plan = &story.board.plan;
    // What is due once more stands by what it found before.
    let stands = |id| {
        let state = story.board.item(id)?;
        Some(recurring::stood(&story.board, id, state).unwrap_or(state))
    };
    let all: Vec<(&Item, &ItemState)> =
        phase.items.iter().filter_map(|id| Some((plan.item(id)?, stands(id)?))).collect();
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
    let now = story.board.item(&item.id);
    let again = match now {
        Some(now) if std::ptr::eq(now, state) => "",
        Some(now) if now.is_running() => "; runs again",
        _ => "; due again",
    };
    match (&state.progress, state.verdict(item.valid_for, story.board.at)) {
        (Progress::Blocked { .. }, _) => Cell::toned(Tone::Unknown, format!("not run{counted}{again}")),
        (Progress::Running { .. } | Progress::Intended { .. }, _) => Cell::toned(Tone::Warn, "runs still"),
        (_, Some(Verdict::Pass)) if state.marked.is_some() => {
            Cell::toned(Tone::Warn, format!("pass by hand, nobody saw it{again}"))
        }
        // It is not known of this time.
        (_, Some(Verdict::Pass)) if !again.is_empty() => Cell::toned(Tone::Warn, format!("pass{again}")),
        (_, Some(verdict)) => Cell::toned(verdict.into(), format!("{verdict}{counted}{again}")),
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
