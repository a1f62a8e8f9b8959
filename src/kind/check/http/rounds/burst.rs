//! A burst: the verdict on it, and how a rehearsal's target is told which request is to be limited. Of the
//! answers only the first limited one is kept whole: the others are a status each.

use super::Burst;
use crate::base::jq::Jq;
use crate::base::template::Scope;
use crate::base::wire::{self, Cause};
use crate::kind::check::http::{Http, judge as one};
use crate::kind::check::{Answer, Answered, Route, Seen};
use crate::launch::verdict::{Finding, Report, Verdict};

/// In a rehearsal a request says of itself that it is to be limited: the target does not count.
pub(super) const LIMITED: (&str, &str) = ("X-Tminus-Rehearsal", "limited");

/// The label of the n-th request, from 1 on.
pub(super) fn label(number: u32) -> String {
    format!("request {number}")
}

fn number(label: &str) -> u32 {
    label.strip_prefix("request ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

pub(super) async fn judge(http: &Http, burst: &Burst, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let sent = seen.answers.last().map_or(0, |(label, _)| number(label));
    let mut findings = Vec::new();
    let silent: Vec<&Cause> = seen.answers.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
    if let Some(cause) = silent.first() {
        let verdict = silent.iter().map(|cause| Verdict::of_silence(cause, seen.control_answers));
        let told = format!("{} of {sent} without one: {}", silent.len(), cause.words());
        let expected = "an answer to each request";
        findings.push(Finding { verdict: Verdict::worst(verdict), ..Finding::held("answer", expected, told, false) });
    }
    let is_limited = |answer: &Answer| burst.expect.status.holds(answer.http.status);
    let limited = seen.answers.iter().position(|(_, answer)| answer.as_ref().is_ok_and(is_limited));
    let before = &seen.answers[..limited.unwrap_or(seen.answers.len())];
    let before: Vec<&Answer> = before.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    let wrong = before.iter().filter(|answer| !http.expect.status.holds(answer.http.status)).count();
    let first_wrong = before.iter().find(|answer| !http.expect.status.holds(answer.http.status));
    let expected = format!("status {}", http.expect.status.words());
    if before.is_empty() && limited.is_some() {
        // It may answer so to everything: a limit shows only beside what it lets through.
        findings.push(Finding::unknown("before the limit", expected, "none: the very first was limited"));
    } else if !before.is_empty() {
        let told = match first_wrong {
            Some(answer) => format!("{} of {}: {}", before.len() - wrong, before.len(), answer.http.status),
            None => format!("{0} of {0}", before.len()),
        };
        findings.push(Finding::held("before the limit", expected, told, wrong == 0));
    }
    let nth = limited.map(|at| number(&seen.answers[at].0));
    let told = nth.map_or_else(|| format!("none in {sent}"), |nth| format!("request {nth}"));
    let held = nth.is_some_and(|nth| nth > burst.free && nth <= burst.requests);
    // Whether one that was never answered, or never sent, would have been limited is not known.
    let untold = nth.is_none() && (!silent.is_empty() || sent < burst.requests);
    findings.push(match untold {
        true => Finding::unknown("limit", burst.words(), told),
        false => Finding::held("limit", burst.words(), told, held),
    });
    if let Some(at) = limited {
        let whole = Http { expect: Box::new(burst.expect.clone()), captures: Vec::new(), ..http.clone() };
        let seen = Seen { answers: vec![seen.answers[at].clone()], control_answers: seen.control_answers };
        let taken = one::take(&whole, &seen, scope, jq).await;
        let report = one::report(&whole, &seen, taken, scope, jq).await;
        // Its status is what the limit was told by.
        let of_answer = report.findings.into_iter().filter(|finding| finding.subject != "status");
        findings.extend(of_answer.map(|finding| finding.in_row("limited answer")));
    }
    let took = seen.answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|answer| answer.http.took);
    Report::of(findings, took.max().unwrap_or_default())
}

/// What would be seen where the service limits as it must, and answers the limited request with `limited`: the
/// first request stands for all that are let through.
pub(in super::super) fn seen(http: &Http, burst: &Burst, limited: &Result<Answer, Cause>) -> Seen {
    let passed = || {
        let http = wire::Answer { status: http.expect.status.first(), ..wire::Answer::default() };
        Ok(Answer { http, ..Answer::default() })
    };
    Seen { answers: vec![(label(1), passed()), (label(burst.requests), limited.clone())], control_answers: false }
}

/// The routes of a burst: what is let through, and what is limited.
pub(in super::super) fn routes(http: &Http, limited: Vec<Route>) -> Vec<Route> {
    let passed = |route: &Route| Route {
        answer: Answered {
            status: Some(http.expect.status.first()),
            when: route.answer.when.clone(),
            ..Answered::default()
        },
        ..route.clone()
    };
    let passed: Vec<Route> = limited.iter().map(passed).collect();
    let marked = limited.into_iter().map(|mut route| {
        route.headers.push((LIMITED.0.to_owned(), LIMITED.1.to_owned()));
        route
    });
    marked.chain(passed).collect()
}
