//! The verdict on a matrix of origins. Pure: the same for the wire and for examples.

use std::time::Duration;

use super::Cors;
use super::cells::{Cell, Part, is_origin};
use crate::base::wire::{Answer, Cause};
use crate::kind::check::Seen;
use crate::kind::check::http::{header_values, members};
use crate::kind::exchange::status_words;
use crate::launch::verdict::{Finding, Report, Verdict};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";
const MAX_AGE: &str = "access-control-max-age";
const EXPOSE: &str = "access-control-expose-headers";

/// Methods that browsers let through without their being listed (Fetch, "CORS-safelisted method").
const SAFELISTED: [&str; 3] = ["GET", "HEAD", "POST"];

pub(super) fn report(cors: &Cors, seen: &Seen, cells: &[Cell]) -> Report {
    let answer = |cell: &Cell| -> Option<Result<&Answer, &Cause>> {
        let found = seen.answers.iter().find(|(label, _)| *label == cell.label);
        found.map(|(_, answer)| answer.as_ref().map(|answer| &answer.http))
    };
    // What is kept out proves something only beside one like it that was let in and answered.
    let answers = |preflight: bool| {
        let mut alike = cells.iter().filter(|cell| cell.is_positive() && cell.is_preflight() == preflight);
        alike.any(|cell| matches!(answer(cell), Some(Ok(_))))
    };
    let answers = [answers(false), answers(true)];
    let mut findings = Vec::new();
    if !cells.iter().any(Cell::is_positive) {
        findings.push(Finding::unknown("allow", "an origin that must be let in", "none"));
    }
    if cors.denies && !cells.iter().any(|cell| cell.part == Part::Deny) {
        findings.push(Finding::unknown("deny", "an origin that must be kept out", "none: no negative control"));
    }
    for cell in cells {
        let compared = answers[usize::from(cell.is_preflight())];
        let of_row = match (answer(cell), cell.is_positive()) {
            _ if !is_origin(&cell.origin) => vec![no_origin()],
            (Some(Ok(answer)), _) => judged(cors, cell, answer, compared),
            (Some(Err(cause)), true) => vec![silent(cause, seen.control_answers)],
            (Some(Err(cause)), false) => vec![Finding::unknown("denied", WITHHOLDS, cause.words())],
            (None, true) => vec![Finding::unknown("preflight", "2xx", "not asked")],
            (None, false) => vec![Finding::unknown("denied", WITHHOLDS, "not asked")],
        };
        findings.extend(of_row.into_iter().map(|finding| finding.in_row(&cell.label)));
    }
    let took = seen.answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|answer| answer.http.took);
    Report::of(findings, took.max().unwrap_or(Duration::ZERO))
}

const WITHHOLDS: &str = "an answer that withholds";

fn judged(cors: &Cors, cell: &Cell, answer: &Answer, compared: bool) -> Vec<Finding> {
    match cell.part {
        Part::Allow => allowed(cors, cell, answer),
        Part::Simple => simple(cors, cell, answer),
        Part::Deny => denied(answer, compared),
        Part::SimpleDeny => kept_back(answer, compared),
        Part::Refuse => refused(cors, cell, answer, compared),
    }
}

fn no_origin() -> Finding {
    Finding::unknown("origin", "`null` or scheme://host[:port]", "not an origin")
}

fn silent(cause: &Cause, control_answers: bool) -> Finding {
    let verdict = Verdict::of_silence(cause, control_answers);
    Finding { verdict, ..Finding::unknown("answer", "one that lets in", cause.words()) }
}

fn shown(answer: &Answer, name: &str) -> String {
    match header_values(&answer.headers, name) {
        values if values.is_empty() => "absent".to_owned(),
        values => values.join(", "),
    }
}

/// What lets an origin read an answer: its own name, credentials where asked for, and a cache that knows.
fn lets_in(cors: &Cors, cell: &Cell, answer: &Answer) -> Vec<Finding> {
    let exactly = |name: &str, wanted: &str| {
        let values = header_values(&answer.headers, name);
        Finding::held(name, wanted, shown(answer, name), values.len() == 1 && values[0] == wanted)
    };
    let mut findings = vec![exactly(ALLOW_ORIGIN, &cell.origin)];
    match cors.credentials {
        Some(true) => findings.push(exactly(ALLOW_CREDENTIALS, "true")),
        Some(false) => {
            let values = header_values(&answer.headers, ALLOW_CREDENTIALS);
            let sent = values.iter().any(|value| value.trim().eq_ignore_ascii_case("true"));
            findings.push(Finding::held(ALLOW_CREDENTIALS, "not `true`", shown(answer, ALLOW_CREDENTIALS), !sent));
        }
        None => {}
    }
    let varies = members(&answer.headers, "vary").iter().any(|member| member.eq_ignore_ascii_case("origin"));
    findings.push(Finding::held("vary", "lists Origin", shown(answer, "vary"), varies));
    findings
}

/// What an origin that is let in must get from a preflight.
fn allowed(cors: &Cors, cell: &Cell, answer: &Answer) -> Vec<Finding> {
    let mut findings = vec![Finding::held("preflight", "2xx", status_words(answer.status), is_success(answer.status))];
    findings.extend(lets_in(cors, cell, answer));
    let covers = covers_method(cors, &cell.method, answer);
    findings.push(Finding::held(
        ALLOW_METHODS,
        format!("covers {}", cell.method),
        shown(answer, ALLOW_METHODS),
        covers,
    ));
    if !cors.request_headers.is_empty() {
        let listed = members(&answer.headers, ALLOW_HEADERS);
        let any = any(cors, &listed);
        let covers = |name: &String| {
            let by_name = listed.iter().any(|member| member.eq_ignore_ascii_case(name));
            by_name || any && !name.eq_ignore_ascii_case("authorization")
        };
        let expected = format!("covers {}", cors.request_headers.join(", "));
        let held = cors.request_headers.iter().all(covers);
        findings.push(Finding::held(ALLOW_HEADERS, expected, shown(answer, ALLOW_HEADERS), held));
    }
    if let Some(least) = cors.max_age {
        let values = header_values(&answer.headers, MAX_AGE);
        let seconds = match values.as_slice() {
            [one] => one.trim().parse::<u64>().ok(),
            _ => None,
        };
        let held = seconds.is_some_and(|seconds| seconds >= least.as_secs());
        findings.push(Finding::held(MAX_AGE, format!("at least {}", least.as_secs()), shown(answer, MAX_AGE), held));
    }
    findings
}

/// `*` means everything only where no credentials are sent.
fn any(cors: &Cors, listed: &[String]) -> bool {
    cors.credentials != Some(true) && listed.iter().any(|member| member == "*")
}

fn covers_method(cors: &Cors, method: &String, answer: &Answer) -> bool {
    let listed = members(&answer.headers, ALLOW_METHODS);
    SAFELISTED.contains(&method.as_str()) || any(cors, &listed) || listed.contains(method)
}

/// What an origin that is let in must get without a preflight, whatever the answer says: a browser shows it
/// an error too.
fn simple(cors: &Cors, cell: &Cell, answer: &Answer) -> Vec<Finding> {
    let mut findings =
        vec![Finding::held("answer", "of the service itself", status_words(answer.status), !in_trouble(answer.status))];
    findings.extend(lets_in(cors, cell, answer));
    if !cors.expose.is_empty() {
        let listed = members(&answer.headers, EXPOSE);
        let listed_all = any(cors, &listed);
        let covers = |name: &String| listed_all || listed.iter().any(|member| member.eq_ignore_ascii_case(name));
        let expected = format!("lists {}", cors.expose.join(", "));
        findings.push(Finding::held(EXPOSE, expected, shown(answer, EXPOSE), cors.expose.iter().all(covers)));
    }
    findings
}

fn withheld(answer: &Answer) -> [Finding; 2] {
    [ALLOW_ORIGIN, ALLOW_CREDENTIALS].map(|name| {
        let there = answer.headers.contains_key(name);
        Finding::held(name, "absent", shown(answer, name), !there)
    })
}

fn uncompared(answer: &Answer) -> Finding {
    Finding::unknown("denied", "no allowed origin was answered to compare with", status_words(answer.status))
}

/// What an origin that is kept out must not get. `compared`: an allowed origin was answered.
fn denied(answer: &Answer, compared: bool) -> Vec<Finding> {
    let headers = withheld(answer);
    let lets_in = headers.iter().any(|finding| finding.verdict == Verdict::Fail);
    let status = status_words(answer.status);
    let refused = Finding::held("denied", "not 2xx", status.clone(), !is_success(answer.status));
    if lets_in || is_success(answer.status) {
        return [refused].into_iter().chain(headers).collect();
    }
    if !compared {
        return vec![uncompared(answer)];
    }
    if in_trouble(answer.status) {
        return vec![Finding::unknown("denied", "a decision about the origin", status)];
    }
    [refused].into_iter().chain(headers).collect()
}

/// A simple request of an origin that is kept out is answered; that it must not be read is said by silence.
fn kept_back(answer: &Answer, compared: bool) -> Vec<Finding> {
    let headers = withheld(answer);
    if headers.iter().any(|finding| finding.verdict == Verdict::Fail) {
        return headers.into();
    }
    if !compared {
        return vec![uncompared(answer)];
    }
    if in_trouble(answer.status) {
        let status = status_words(answer.status);
        return vec![Finding::unknown("denied", "an answer of the service itself", status)];
    }
    headers.into()
}

/// A method that is not for this origin: a browser does not send it where the preflight is no success, or does
/// not list it. That the origin itself is named is right.
fn refused(cors: &Cors, cell: &Cell, answer: &Answer, compared: bool) -> Vec<Finding> {
    let lets_in = is_success(answer.status) && covers_method(cors, &cell.method, answer);
    if !lets_in && !compared {
        return vec![uncompared(answer)];
    }
    let (subject, expected) = (format!("{} refused", cell.method), "not 2xx, or not listed");
    let seen = format!("{}, lists {}", status_words(answer.status), shown(answer, ALLOW_METHODS));
    if in_trouble(answer.status) {
        return vec![Finding::unknown(subject, expected, seen)];
    }
    vec![Finding::held(subject, expected, seen, !lets_in)]
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// A server in trouble, or one that limits us, did not decide about the origin.
fn in_trouble(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 429)
}
