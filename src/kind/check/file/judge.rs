//! The verdict on a file as it was found: one finding an expectation, expected beside seen. Pure but for jq; the
//! same for a disk and an example of the plan.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::File;
use super::size::told;
use super::table::{is_sum, sum_words, there_words};
use crate::base::jq::Jq;
use crate::base::template::{Scope, Template};
use crate::base::text::hex;
use crate::kind::check::{Answer, Seen};
use crate::kind::document::{Read, Text, hold};
use crate::kind::expect::skipped;
use crate::launch::verdict::{Finding, Report, Verdict};

/// The statuses of a file: there, and not there.
pub(super) const THERE: u16 = 200;
pub(super) const ABSENT: u16 = 404;
/// A header that holds the sum of a file of which only the beginning was kept.
pub(super) const SUM: &str = "x-sha256";
/// What stands for the age of a file that was written in the future.
pub(super) const FUTURE: Duration = Duration::MAX;
pub(super) const SCHEMA: &str = "schema";

/// The document of a file, and its text.
fn contents(answer: &Answer) -> (Read, Text) {
    let (body, cut) = (&answer.http.body, answer.is_cut());
    let document = match (cut, body.iter().all(u8::is_ascii_whitespace)) {
        (true, _) => Err(format!("longer than {} bytes", body.len())),
        (_, true) => Err("it is empty".to_owned()),
        _ => serde_json::from_slice::<Value>(body).map_err(|why| format!("unparsable JSON: {why}")),
    };
    (document, Text::of(body, cut))
}

/// The report, its text still as the world wrote it.
pub(super) async fn report(file: &File, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let path = file.path.open(scope);
    let expected = there_words(file.expect.absent);
    let alone = |finding: Finding| {
        let summary = format!("{path}: expected {expected}, seen {}", finding.seen);
        let report = Report::of(vec![finding], Duration::ZERO);
        if report.verdict == Verdict::Pass { report } else { Report { summary, ..report } }
    };
    let answer = match seen.answers.first() {
        Some((_, Ok(answer))) => answer,
        Some((_, Err(cause))) => return alone(Finding::unknown("file", expected, cause.words())),
        None => return alone(Finding::unknown("file", expected, "nobody looked")),
    };
    let there = match answer.http.status {
        THERE => true,
        ABSENT => false,
        _ => return alone(Finding::unknown("file", expected, "neither there nor absent")),
    };
    let first = Finding::held("file", expected, there_words(!there), there != file.expect.absent);
    if !there || file.expect.absent {
        return alone(first);
    }
    let mut findings = vec![first];
    findings.extend(content(file, answer, seen, scope, jq).await);
    let report = Report::of(findings, Duration::ZERO);
    match report.verdict {
        Verdict::Pass => report,
        _ => Report { summary: format!("{path}: {}", report.summary), ..report },
    }
}

async fn content(file: &File, answer: &Answer, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<Finding> {
    let expect = &file.expect;
    let (document, text) = contents(answer);
    let length = length(answer);
    let mut findings = Vec::new();
    findings.extend(expect.fresh.map(|most| fresh(most, answer.http.took)));
    findings.extend(expect.size.map(|size| Finding::held("size", size.words(), told(length), size.holds(length))));
    findings.extend(expect.sha256.as_ref().map(|sum| sum_of(sum, answer, scope)));
    findings.extend(text.hold("text", &expect.text, &expect.text_absent));
    findings.extend(hold(&expect.json, &document, scope, jq).await);
    for number in &expect.numbers {
        findings.push(number.judge(&document, &text, scope, jq).await);
    }
    if let Some(schema) = &expect.schema {
        let read = seen.answers.iter().skip(1).find(|(label, _)| label == SCHEMA).map(|(_, answer)| match answer {
            Ok(answer) => Ok(answer.http.body.as_ref()),
            Err(cause) => Err(cause.words()),
        });
        findings.extend(schema.judge(&document, read));
    }
    findings.extend(skipped::judge(&file.skipped, document.as_ref().map_err(String::as_str), scope, jq).await);
    for capture in &file.captures {
        findings.push(capture.finding(&capture.take(&document, &text, scope, jq).await));
    }
    findings
}

fn length(answer: &Answer) -> u64 {
    let told = answer.http.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let told = told.and_then(|length| length.parse().ok()).filter(|_| answer.is_cut());
    told.unwrap_or(answer.http.body.len() as u64)
}

fn fresh(most: Duration, age: Duration) -> Finding {
    let expected = format!("within {}", humantime::format_duration(most));
    if age == FUTURE {
        return Finding::held("written", expected, "in the future", false);
    }
    let seen = format!("{} ago", humantime::format_duration(Duration::from_secs(age.as_secs())));
    let verdict = if age <= most { Verdict::Pass } else { Verdict::Stale };
    Finding { verdict, ..Finding::held("written", expected, seen, true) }
}

fn sum_of(sum: &Template, answer: &Answer, scope: &Scope) -> Finding {
    let expected = sum_words(sum, scope);
    let unknown = |why: &str| Finding::unknown("SHA-256", expected.as_str(), why);
    let wanted = match sum.text(scope) {
        Ok(wanted) if is_sum(wanted.trim()) => wanted.trim().to_ascii_lowercase(),
        Ok(_) => return unknown("what it is compared with is no SHA-256"),
        Err(unbound) => return unknown(&unbound.to_string()),
    };
    let told = answer.http.headers.get(SUM).and_then(|sum| sum.to_str().ok()).map(str::to_owned);
    let seen = match (told, answer.is_cut()) {
        (Some(sum), _) => sum,
        (None, true) => return unknown("nobody counted it"),
        (None, false) => hex(&Sha256::digest(&answer.http.body)),
    };
    let holds = seen == wanted;
    Finding::held("SHA-256", expected, seen, holds)
}

/// The values that `capture` takes.
pub(super) async fn captured(file: &File, seen: &Seen, scope: &Scope, jq: &Jq) -> Vec<(String, Value)> {
    let Some((_, Ok(answer))) = seen.answers.first() else { return Vec::new() };
    if file.captures.is_empty() || answer.http.status != THERE {
        return Vec::new();
    }
    let (document, text) = contents(answer);
    let mut all = Vec::new();
    for capture in &file.captures {
        if let Ok(value) = capture.take(&document, &text, scope, jq).await {
            all.push((capture.name.clone(), value));
        }
    }
    all
}
