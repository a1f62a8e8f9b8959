//! What checks came to as JUnit XML, which every CI server reads: a suite for each phase, a case for each item. Fail is a
//! failure; what could not be told is an error with its reason, never a pass; what was passed over, waived, taken on or
//! marked by hand is skipped and says by whom. A case of its own says what the exit code says, so that no reader sees green where that is not 0.
//!
//! `docs/junit.xsd` is the form. Pure: the same board, the same bytes.

use std::fmt::Write as _;
use std::time::Duration;

use crate::base::text::markup;
use crate::launch::board::{Board, ItemState, Progress};
use crate::launch::event::Mode;
use crate::launch::gate::{self, Clear};
use crate::launch::id::ItemId;
use crate::launch::plan::{Item, Phase};
use crate::launch::recurring;
use crate::launch::time::Instant;
use crate::launch::verdict::{Finding, Verdict};

/// Findings that the text of a case has.
const TOLD: usize = 40;

/// What stands beside the board.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Checks that were not run, with why.
    pub left_out: &'a [(ItemId, String)],
    /// The exit code, and what it says in words.
    pub exit: i32,
    pub took: Duration,
}

/// How a case ended.
enum Came {
    Well,
    Failure(&'static str, String),
    Error(&'static str, String),
    Skipped(String),
}

struct Case {
    name: String,
    class: String,
    took: Duration,
    came: Came,
    /// Each expectation that did not hold.
    findings: Vec<String>,
    out: String,
}

/// The document.
#[must_use]
pub fn junit(board: &Board, now: Instant, run: Run<'_>) -> String {
    let plan = &board.plan;
    let mut suites = vec![("outcome".to_owned(), vec![outcome(board, run)])];
    for phase in &plan.phases {
        let cases: Vec<Case> = phase
            .items
            .iter()
            .filter_map(|id| Some(case(board, phase, plan.item(id)?, board.item(id)?, now)))
            .collect();
        if !cases.is_empty() {
            suites.push((format!("{}: {}", phase.id, phase.title), cases));
        }
    }
    if !run.left_out.is_empty() {
        let left_out = run.left_out.iter().map(|(id, why)| Case {
            name: id.to_string(),
            class: format!("{}.left-out", plan.id),
            took: Duration::ZERO,
            came: Came::Skipped(format!("left out: {why}")),
            findings: Vec::new(),
            out: String::new(),
        });
        suites.push(("left out".to_owned(), left_out.collect()));
    }
    write(board, &suites, run.took)
}

/// What the exit code says, as a case.
fn outcome(board: &Board, run: Run<'_>) -> Case {
    let came = match run.exit {
        0 => Came::Well,
        1 => Came::Failure("no-go", "no-go: something failed, or T-0 was not reached".to_owned()),
        2 => Came::Error("cannot-tell", "nobody can tell: something is unknown, stale or not run".to_owned()),
        4 => Came::Failure("rolled-back", "rolled back".to_owned()),
        130 => Came::Error("interrupted", "interrupted".to_owned()),
        code => Came::Error("wrong", format!("exit code {code}")),
    };
    let what = match board.mode {
        Mode::Gate => "every check",
        Mode::Launch => "the launch",
        Mode::Rehearsal => "the REHEARSAL",
    };
    let (class, out) = (format!("{}.outcome", board.plan.id), board.ended.clone().unwrap_or_default());
    Case { name: what.to_owned(), class, took: run.took, came, findings: Vec::new(), out }
}

fn case(board: &Board, phase: &Phase, item: &Item, state: &ItemState, now: Instant) -> Case {
    // As its gate has it: what is due once more stands by its verdict of before.
    let state = recurring::stood(board, &item.id, state).unwrap_or(state);
    let took = state.report.as_ref().map(|report| report.took).or(state.outcome.as_ref().map(|outcome| outcome.took));
    let mut out = Vec::new();
    out.extend(state.retried());
    if state.outcome.as_ref().is_some_and(|outcome| outcome.simulated) {
        out.push("SIMULATED: nothing ran".to_owned());
    }
    let verdict = state.verdict(item.valid_for, now);
    if verdict == Some(Verdict::Warn) {
        out.push(format!("WARNING: {}", why(state)));
    }
    Case {
        name: format!("{} ({})", item.title, item.id),
        class: format!("{}.{}", board.plan.id, phase.id),
        took: took.unwrap_or_default(),
        came: came(board, item, state, verdict, now),
        findings: findings(state),
        out: out.join("\n"),
    }
}

fn came(board: &Board, item: &Item, state: &ItemState, verdict: Option<Verdict>, now: Instant) -> Came {
    let clear = gate::clear(board, item, now);
    if let (Clear::ByWaiver, Some(waiver)) = (&clear, &state.waiver) {
        let found = match (&state.progress, verdict) {
            (Progress::Blocked { .. }, _) | (_, None) => why(state),
            (_, Some(verdict)) => format!("{verdict}: {}", why(state)),
        };
        return Came::Skipped(format!("WAIVED by {}: {}; it was {found}", waiver.by.name, waiver.reason));
    }
    if let Progress::Blocked { .. } = &state.progress {
        return Came::Error("not-run", why(state));
    }
    if state.is_running() {
        return Came::Error("running", "it was still running".to_owned());
    }
    // Nobody takes a warning on where there is no launch: it is told, as the exit code has it.
    let gate = board.mode == Mode::Gate;
    match (verdict, &state.marked) {
        (Some(Verdict::Pass), Some(word)) => {
            return Came::Skipped(format!("marked DONE by hand, nobody saw it: {}: {}", word.by.name, word.note));
        }
        (Some(Verdict::Warn | Verdict::Fail | Verdict::Unknown | Verdict::Stale), _) if clear == Clear::Yes => {
            let word = verdict.map_or("", Verdict::word);
            return Came::Skipped(format!("taken on: {word}: {}", why(state)));
        }
        _ => {}
    }
    match verdict {
        Some(Verdict::Pass) => Came::Well,
        Some(Verdict::Warn) if gate => Came::Well,
        Some(Verdict::Warn) => Came::Failure("warn", format!("a warning that nobody took on: {}", why(state))),
        Some(Verdict::Skipped) if clear == Clear::Yes => Came::Skipped(why(state)),
        Some(Verdict::Skipped) => {
            Came::Failure("skipped", format!("skipped, and the plan does not allow that: {}", why(state)))
        }
        Some(Verdict::Fail) => Came::Failure("fail", why(state)),
        Some(Verdict::Unknown) => Came::Error("unknown", why(state)),
        Some(Verdict::Stale) => Came::Error("stale", why(state)),
        None => Came::Skipped("not run".to_owned()),
    }
}

fn why(state: &ItemState) -> String {
    if let Progress::Blocked { by } = &state.progress {
        return format!("not run: {by}");
    }
    let said = state.undone.clone().or_else(|| state.passed_over.clone());
    let report = || state.report.as_ref().map(|report| report.summary.clone());
    let outcome = || state.outcome.as_ref().map(crate::launch::verdict::Outcome::words);
    said.or_else(report).or_else(outcome).unwrap_or_default()
}

fn write(board: &Board, suites: &[(String, Vec<Case>)], took: Duration) -> String {
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let stamp = if board.mode == Mode::Rehearsal { "REHEARSAL: " } else { "" };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"{}\" {} time=\"{}\">",
        markup(&format!("{stamp}{}", board.plan.title)),
        counts(all()),
        seconds(took)
    );
    for (name, cases) in suites {
        let took = cases.iter().map(|case| case.took).sum();
        let skipped = cases.iter().filter(|case| matches!(case.came, Came::Skipped(_))).count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" {} skipped=\"{skipped}\" time=\"{}\">",
            markup(&format!("{stamp}{name}")),
            counts(cases),
            seconds(took)
        );
        cases.iter().for_each(|case| write_case(&mut out, case));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'c>(cases: impl IntoIterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut errors) = (0_usize, 0_usize, 0_usize);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.came, Came::Failure(..)));
        errors += usize::from(matches!(case.came, Came::Error(..)));
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"")
}

fn write_case(out: &mut String, case: &Case) {
    let Case { name, class, took, came, findings, out: beside } = case;
    let lines = |all: &[String]| all.iter().map(|line| markup(line)).collect::<Vec<_>>().join("\n");
    let (name, class, took) = (markup(name), markup(class), seconds(*took));
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{took}\"");
    let told = match came {
        Came::Well => String::new(),
        Came::Failure(kind, why) => ill("failure", kind, why, &lines(findings)),
        Came::Error(kind, why) => ill("error", kind, why, &lines(findings)),
        Came::Skipped(why) => format!("      <skipped message=\"{}\"/>\n", markup(why)),
    };
    if told.is_empty() && beside.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    out.push_str(&told);
    if !beside.is_empty() {
        let beside: Vec<String> = beside.lines().map(markup).collect();
        let _ = writeln!(out, "      <system-out>{}</system-out>", beside.join("\n"));
    }
    out.push_str("    </testcase>\n");
}

fn ill(element: &str, kind: &str, why: &str, body: &str) -> String {
    let why = markup(why);
    format!("      <{element} type=\"{kind}\" message=\"{why}\">{body}</{element}>\n")
}

fn findings(state: &ItemState) -> Vec<String> {
    let ill =
        state.report.iter().flat_map(|report| &report.findings).filter(|finding| finding.verdict != Verdict::Pass);
    let line = |finding: &Finding| {
        let row = finding.row.as_deref().map(|row| format!("{row}: ")).unwrap_or_default();
        let Finding { subject, expected, seen, verdict, .. } = finding;
        format!("{verdict}: {row}{subject}: expected {expected}, seen {seen}")
    };
    ill.take(TOLD).map(line).collect()
}

fn seconds(took: Duration) -> String {
    format!("{}.{:03}", took.as_secs(), took.subsec_millis())
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
