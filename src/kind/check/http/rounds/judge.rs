//! The verdict on several answers of one check: each expectation once, with how many of how many held it.

use std::time::Duration;

use serde_json::Value;

use super::Rounds;
use crate::base::jq::{Jq, Program, Said};
use crate::base::template::Scope;
use crate::kind::check::http::{Http, judge as one};
use crate::kind::check::{Answer, Seen};
use crate::launch::verdict::{Finding, Report, Verdict};

/// The report on what was seen, whatever the rounds.
pub(in super::super) async fn judge(http: &Http, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    match &http.rounds {
        Rounds::Once | Rounds::Until { .. } => {
            let taken = one::take(http, seen, scope, jq).await;
            one::report(http, seen, taken, scope, jq).await
        }
        Rounds::Repeat { times, .. } => {
            let mut rounds = Vec::new();
            for answer in &seen.answers {
                let seen = Seen { answers: vec![answer.clone()], control_answers: seen.control_answers };
                let taken = one::take(http, &seen, scope, jq).await;
                rounds.push(one::report(http, &seen, taken, scope, jq).await);
            }
            repeated(*times, rounds)
        }
        Rounds::Burst(burst) => super::burst::judge(http, burst, seen, scope, jq).await,
    }
}

/// Whether an answer says that no later one will pass.
pub(in super::super) async fn report_stops(http: &Http, report: &mut Report, answer: &Answer, scope: &Scope, jq: &Jq) {
    let Rounds::Until { stop, .. } = &http.rounds else { return };
    if matches!(report.verdict, Verdict::Pass | Verdict::Warn | Verdict::Skipped) {
        return;
    }
    let Ok(document) = serde_json::from_slice::<Value>(&answer.http.body) else { return };
    for program in stop {
        if jq.holds(program, &document, scope).await == Said::True {
            let finding = stopped(program);
            let findings = report.findings.drain(..).chain([finding]).collect();
            *report = Report { exchange: report.exchange.take(), ..Report::of(findings, report.took) };
            return;
        }
    }
}

const GIVEN_UP: &str = "given up";

fn stopped(program: &Program) -> Finding {
    Finding::held(GIVEN_UP, format!("not {}", program.text), "true", false)
}

/// True where [`report_stops`] found that it will not pass.
pub(super) fn is_stopped(report: &Report) -> bool {
    report.findings.iter().any(|finding| finding.subject == GIVEN_UP)
}

/// Several rounds as one report: an expectation is as good as its worst round.
pub(super) fn repeated(times: u32, rounds: Vec<Report>) -> Report {
    let took = rounds.iter().map(|round| round.took).max().unwrap_or(Duration::ZERO);
    let count = rounds.len();
    let mut merged: Vec<(Finding, usize, Option<usize>)> = Vec::new();
    for (round, report) in rounds.into_iter().enumerate() {
        for finding in report.findings {
            let right = usize::from(finding.verdict == Verdict::Pass);
            let first_wrong = (right == 0).then_some(round + 1);
            let same = |(other, ..): &&mut (Finding, usize, Option<usize>)| {
                (&other.row, &other.subject, &other.expected) == (&finding.row, &finding.subject, &finding.expected)
            };
            match merged.iter_mut().find(same) {
                Some((worst, rights, wrong)) => {
                    *rights += right;
                    *wrong = wrong.or(first_wrong);
                    if finding.verdict > worst.verdict {
                        *worst = finding;
                    }
                }
                None => merged.push((finding, right, first_wrong)),
            }
        }
    }
    let told = |(finding, rights, wrong): (Finding, usize, Option<usize>)| {
        let seen = match wrong {
            None => format!("{rights} of {times}: {}", finding.seen),
            Some(round) => format!("{rights} of {times}: {} (first wrong in round {round})", finding.seen),
        };
        Finding { seen, ..finding }
    };
    let mut findings: Vec<Finding> = merged.into_iter().map(told).collect();
    if count < times as usize {
        findings.push(Finding::unknown("rounds", format!("{times} answers"), format!("{count}")));
    }
    let mut report = Report::of(findings, took);
    if report.verdict == Verdict::Pass {
        report.summary = format!("{}, {times} of {times} times", report.summary);
    }
    report
}
