//! The verdict on what an endpoint presented: one finding an expectation. Pure; the same for the wire and for
//! an example of the plan, which both tell one JSON document.

use std::time::Duration;

use serde_json::Value;

use super::address::Endpoint;
use super::certificate::covers;
use super::{Tls, Version};
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::kind::check::Seen;
use crate::launch::verdict::{Finding, Report, Verdict};

const DAY: f64 = 86_400.0;
/// Names of a certificate that a finding shows.
const SHOWN: usize = 8;

/// Expectations in words.
pub(super) fn words(tls: &Tls, scope: &Scope) -> Vec<String> {
    let mut all = vec![format!("chain {}", trusted(tls)), format!("expiry {}", expiry(tls))];
    all.extend(wanted(tls, scope).into_iter().map(|name| format!("name {name} covered")));
    all.extend(tls.offer.iter().map(|version| format!("TLS {} accepted", version.word())));
    all.extend(tls.refuse.iter().map(|version| format!("TLS {} refused", version.word())));
    all
}

fn trusted(tls: &Tls) -> String {
    match &tls.ca {
        Some(ca) => format!("trusted by {}", ca.written()),
        None => "trusted by this host".to_owned(),
    }
}

fn expiry(tls: &Tls) -> String {
    let days = |span: Duration| humantime::format_duration(span).to_string();
    format!("{} or more left, a fail under {}", days(tls.warn), days(tls.fail))
}

/// The names that must be covered: what is asked for, and what the plan names. One without a value stays as it
/// is written.
pub(super) fn wanted(tls: &Tls, scope: &Scope) -> Vec<String> {
    let asked = Endpoint::of(tls, scope).map(|endpoint| endpoint.name);
    let mut all = vec![asked.unwrap_or_else(|_| tls.server_name.as_ref().unwrap_or(&tls.host).written())];
    for name in &tls.names {
        match name.list(scope) {
            Ok(names) => all.extend(names.into_iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase())),
            Err(_) => all.push(name.written()),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|name| seen.insert(name.clone()));
    all
}

pub(super) fn report(tls: &Tls, seen: &Seen, scope: &Scope) -> Report {
    match seen.answers.first() {
        Some((label, Ok(answer))) => match serde_json::from_slice::<Value>(&answer.http.body) {
            Ok(document) => {
                let mut report = Report::of(findings(tls, &document, scope), answer.http.took);
                if report.verdict == Verdict::Pass {
                    report.summary = format!("{label}: {}", left(&document));
                }
                report
            }
            Err(why) => {
                let why = format!("what was seen is no JSON: {why}");
                Report::of(vec![Finding::unknown("certificate", trusted(tls), why)], answer.http.took)
            }
        },
        Some((label, Err(cause))) => silent(tls, label, cause, seen.control_answers),
        None => Report::plain(Verdict::Unknown, "nothing was asked", Duration::ZERO),
    }
}

fn silent(tls: &Tls, label: &str, cause: &Cause, control_answers: bool) -> Report {
    let verdict = Verdict::of_silence(cause, control_answers);
    let seen = cause.words();
    let finding = Finding { row: None, subject: "certificate".to_owned(), expected: trusted(tls), seen, verdict };
    let ours = if control_answers { " (the control probe answers)" } else { "" };
    Report { summary: format!("{label}: {}{ours}", cause.words()), ..Report::of(vec![finding], Duration::ZERO) }
}

fn findings(tls: &Tls, document: &Value, scope: &Scope) -> Vec<Finding> {
    let mut findings = vec![chain(tls, document), days(tls, document)];
    findings.extend(wanted(tls, scope).iter().map(|wanted| name(wanted, document)));
    findings.extend(tls.offer.iter().map(|version| spoken(*version, true, document)));
    findings.extend(tls.refuse.iter().map(|version| spoken(*version, false, document)));
    findings
}

fn chain(tls: &Tls, document: &Value) -> Finding {
    let told = |key: &str| document.get(key).and_then(Value::as_str);
    let why = told("why").unwrap_or("not told why");
    match document.get("verified").and_then(Value::as_bool) {
        Some(true) => {
            let by = told("issuer").map_or_else(|| "trusted".to_owned(), |issuer| format!("trusted, by {issuer}"));
            Finding::held("chain", trusted(tls), by, true)
        }
        Some(false) => Finding::held("chain", trusted(tls), why, false),
        None => Finding::unknown("chain", trusted(tls), format!("it could not be verified: {why}")),
    }
}

fn days(tls: &Tls, document: &Value) -> Finding {
    let Some(days) = document.get("days_left").and_then(Value::as_f64) else {
        return Finding::unknown("expiry", expiry(tls), "it is not told how long it lasts");
    };
    let verdict = match days {
        days if days < tls.fail.as_secs_f64() / DAY => Verdict::Fail,
        days if days < tls.warn.as_secs_f64() / DAY => Verdict::Warn,
        _ => Verdict::Pass,
    };
    // Expired is expired, also where a plan fails at zero and the last second has passed.
    let verdict = if days < 0.0 { Verdict::Fail } else { verdict };
    Finding { verdict, ..Finding::held("expiry", expiry(tls), left(document), true) }
}

/// `12.3 days left (until 2026-12-01T00:00:00Z)`.
fn left(document: &Value) -> String {
    let until = document.get("not_after").and_then(Value::as_str);
    let until = until.map(|until| format!(" (until {until})")).unwrap_or_default();
    match document.get("days_left").and_then(Value::as_f64) {
        Some(days) if days < 0.0 => format!("expired {:.1} days ago{until}", -days),
        Some(days) => format!("{days:.1} days left{until}"),
        None => "the days left are not told".to_owned(),
    }
}

fn name(wanted: &str, document: &Value) -> Finding {
    let subject = format!("name {wanted}");
    let Some(names) = document.get("names").and_then(Value::as_array) else {
        return Finding::unknown(subject, "covered", "the names of the certificate are not told");
    };
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = match names.is_empty() {
        true => "no names".to_owned(),
        false => format!("{}{more}", names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ")),
    };
    Finding::held(subject, "covered", seen, covers(names.into_iter(), wanted))
}

fn spoken(version: Version, wanted: bool, document: &Value) -> Finding {
    let subject = format!("TLS {}", version.word());
    let words = |accepted: bool| if accepted { "accepted" } else { "refused" };
    let told = |key: &str| document.get(key).and_then(|all| all.get(version.word()));
    let how = told("said").and_then(Value::as_str);
    match told("versions").and_then(Value::as_bool) {
        Some(accepted) => {
            let how = how.map(|how| format!(": {how}")).unwrap_or_default();
            Finding::held(subject, words(wanted), format!("{}{how}", words(accepted)), accepted == wanted)
        }
        None => Finding::unknown(subject, words(wanted), how.unwrap_or("not told")),
    }
}
