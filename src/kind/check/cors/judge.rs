//! The verdict on a matrix of preflights. Pure: the same for the wire and for examples.

use std::time::Duration;

use super::{Cors, is_origin};
use crate::base::wire::{Answer, Cause};
use crate::kind::check::Seen;
use crate::kind::check::http::{header_values, members};
use crate::kind::exchange::status_words;
use crate::launch::verdict::{Finding, Report, Verdict};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";

/// Methods that browsers let through without their being listed (Fetch, "CORS-safelisted method").
const SAFELISTED: [&str; 3] = ["GET", "HEAD", "POST"];

/// One preflight, or why it was not answered.
type Row<'a> = Result<&'a Answer, &'a Cause>;

pub(super) fn report(cors: &Cors, seen: &Seen, allow: &[String], deny: &[String]) -> Report {
    let row = |origin: &String| -> Option<Row<'_>> {
        let found = seen.answers.iter().find(|(label, _)| label == origin);
        found.map(|(_, answer)| answer.as_ref().map(|answer| &answer.http))
    };
    // A denied origin proves something only beside an allowed one that was answered.
    let answers = allow.iter().any(|origin| matches!(row(origin), Some(Ok(_))));
    let mut findings = Vec::new();
    if allow.is_empty() {
        findings.push(Finding::unknown("allow", "an origin that must be let in", "none"));
    }
    if cors.denies && deny.is_empty() {
        findings.push(Finding::unknown("deny", "an origin that must be kept out", "none: no negative control"));
    }
    for origin in allow {
        let of_row = match row(origin) {
            _ if !is_origin(origin) => vec![no_origin()],
            Some(Ok(answer)) => allowed(cors, origin, answer),
            Some(Err(cause)) => vec![silent(cause, seen.control_answers)],
            None => vec![Finding::unknown("preflight", "2xx", "not asked")],
        };
        findings.extend(of_row.into_iter().map(|finding| finding.in_row(origin)));
    }
    for origin in deny {
        let of_row = match row(origin) {
            _ if !is_origin(origin) => vec![no_origin()],
            Some(Ok(answer)) => denied(answer, answers),
            Some(Err(cause)) => vec![Finding::unknown("denied", "an answer that withholds", cause.words())],
            None => vec![Finding::unknown("denied", "an answer that withholds", "not asked")],
        };
        findings.extend(of_row.into_iter().map(|finding| finding.in_row(origin)));
    }
    let took = seen.answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|answer| answer.http.took);
    Report::of(findings, took.max().unwrap_or(Duration::ZERO))
}

fn no_origin() -> Finding {
    Finding::unknown("origin", "`null` or scheme://host[:port]", "not an origin")
}

fn silent(cause: &Cause, control_answers: bool) -> Finding {
    let verdict = Verdict::of_silence(cause, control_answers);
    Finding { verdict, ..Finding::unknown("preflight", "2xx", cause.words()) }
}

/// What an origin that is let in must get.
fn allowed(cors: &Cors, origin: &str, answer: &Answer) -> Vec<Finding> {
    let seen = |name: &str| match header_values(&answer.headers, name) {
        values if values.is_empty() => "absent".to_owned(),
        values => values.join(", "),
    };
    let exactly = |name: &str, wanted: &str| {
        let values = header_values(&answer.headers, name);
        Finding::held(name, wanted, seen(name), values.len() == 1 && values[0] == wanted)
    };
    let mut findings = vec![
        Finding::held("preflight", "2xx", status_words(answer.status), is_success(answer.status)),
        exactly(ALLOW_ORIGIN, origin),
    ];
    if cors.credentials {
        findings.push(exactly(ALLOW_CREDENTIALS, "true"));
    }
    let varies = members(&answer.headers, "vary").iter().any(|member| member.eq_ignore_ascii_case("origin"));
    findings.push(Finding::held("vary", "lists Origin", seen("vary"), varies));

    let methods = members(&answer.headers, ALLOW_METHODS);
    // `*` means everything only where no credentials are sent.
    let any = |listed: &[String]| !cors.credentials && listed.iter().any(|member| member == "*");
    let method = SAFELISTED.contains(&cors.method.as_str()) || any(&methods) || methods.contains(&cors.method);
    findings.push(Finding::held(ALLOW_METHODS, format!("covers {}", cors.method), seen(ALLOW_METHODS), method));
    if !cors.request_headers.is_empty() {
        let listed = members(&answer.headers, ALLOW_HEADERS);
        let covers = |name: &String| {
            let by_name = listed.iter().any(|member| member.eq_ignore_ascii_case(name));
            by_name || any(&listed) && !name.eq_ignore_ascii_case("authorization")
        };
        let expected = format!("covers {}", cors.request_headers.join(", "));
        let held = cors.request_headers.iter().all(covers);
        findings.push(Finding::held(ALLOW_HEADERS, expected, seen(ALLOW_HEADERS), held));
    }
    findings
}

/// What an origin that is kept out must not get. `answers`: an allowed origin was answered.
fn denied(answer: &Answer, answers: bool) -> Vec<Finding> {
    let withheld = |name: &str| {
        let values = header_values(&answer.headers, name);
        let seen = if values.is_empty() { "absent".to_owned() } else { values.join(", ") };
        Finding::held(name, "absent", seen, values.is_empty())
    };
    let headers = [withheld(ALLOW_ORIGIN), withheld(ALLOW_CREDENTIALS)];
    let lets_in = headers.iter().any(|finding| finding.verdict == Verdict::Fail);
    let status = status_words(answer.status);
    let refused = Finding::held("denied", "not 2xx", status.clone(), !is_success(answer.status));
    if lets_in || is_success(answer.status) {
        return [refused].into_iter().chain(headers).collect();
    }
    if !answers {
        return vec![Finding::unknown("denied", "no allowed origin was answered to compare with", status)];
    }
    // A server in trouble, or one that limits us, did not decide about the origin.
    if answer.status >= 500 || matches!(answer.status, 408 | 429) {
        return vec![Finding::unknown("denied", "a decision about the origin", status)];
    }
    [refused].into_iter().chain(headers).collect()
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}
