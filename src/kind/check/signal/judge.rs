//! The verdict on a number and on counted samples. Pure but for jq: the same for the wire and for examples.

use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Json, Signal, Source, command};
use crate::base::jq::{Jq, Program};
use crate::base::template::Scope;
use crate::base::wire::{Answer, Cause};
use crate::kind::check::prometheus::{SKEW, date};
use crate::kind::check::{self, Seen};
use crate::kind::exchange::{error_told, status_words};
use crate::launch::threshold;
use crate::launch::verdict::{Finding, Report, Verdict};

/// What was read of a source. Each part is a number, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub value: Result<f64, String>,
    pub samples: Option<Result<f64, String>>,
    /// Seconds.
    pub age: Option<Result<f64, String>>,
    pub warnings: Vec<String>,
}

impl Reading {
    /// No number, and why.
    pub fn none(why: String) -> Self {
        Self { value: Err(why), samples: None, age: None, warnings: Vec::new() }
    }

    /// The document that stands for it: a text in the place of a number says why there is none.
    pub fn document(&self) -> Value {
        let part = |part: &Result<f64, String>| match part {
            Ok(number) => json!(number),
            Err(why) => json!(why),
        };
        let mut document = json!({ "value": part(&self.value) });
        if let Some(samples) = &self.samples {
            document["samples"] = part(samples);
        }
        if let Some(age) = &self.age {
            document["age"] = part(age);
        }
        if !self.warnings.is_empty() {
            document["warnings"] = json!(self.warnings);
        }
        document
    }

    fn of(document: &Value) -> Self {
        let part = |key: &str| match &document[key] {
            Value::Number(number) => number.as_f64().ok_or_else(|| "no number".to_owned()),
            Value::String(why) => Err(why.clone()),
            Value::Null => Err("not told".to_owned()),
            _ => Err("no number".to_owned()),
        };
        let warnings = document["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Self {
            value: part("value"),
            samples: Some(part("samples")),
            age: Some(part("age")),
            warnings: warnings.map(str::to_owned).collect(),
        }
    }
}

pub(super) async fn report(signal: &Signal, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let (seen_answer, label) = match seen.answers.first() {
        Some((label, Ok(answer))) => (answer, label),
        Some((label, Err(cause))) => return silent(signal, label, cause, seen.control_answers),
        None => return Report::plain(Verdict::Unknown, "nothing was asked", Duration::ZERO),
    };
    let answer = &seen_answer.http;
    let document = serde_json::from_slice::<Value>(&answer.body).map_err(|why| format!("unparsable JSON: {why}"));
    let findings = match &signal.source {
        Source::Monitor(watched) => {
            vec![counted(signal, &format!("monitor {}", watched.monitor), &document.unwrap_or_default())]
        }
        source => {
            let reading = read(source, seen_answer, &document, scope, jq).await;
            let subject = if let Source::Json(json) = source { &json.jq.text } else { label };
            let warned = (!reading.warnings.is_empty()).then(|| Finding {
                verdict: Verdict::Warn,
                ..Finding::unknown("warnings", "none", reading.warnings.join("; "))
            });
            let answered = answered(source, seen_answer, document.as_ref().ok());
            answered.into_iter().chain([judged(signal, subject, &reading)]).chain(warned).collect()
        }
    };
    let mut report = Report::of(findings, answer.took);
    if report.verdict == Verdict::Pass
        && let Some(finding) = report.findings.last()
    {
        report.summary = format!("{}: {}", finding.expected, finding.seen);
    }
    report
}

/// Without an answer there is no number. A document's own service is what is looked at; where another keeps the
/// numbers, its silence tells nothing of it.
fn silent(signal: &Signal, asked: &str, cause: &Cause, control_answers: bool) -> Report {
    let verdict = match signal.source {
        Source::Json(_) => Verdict::of_silence(cause, control_answers),
        Source::Promql(_) | Source::Command(_) | Source::Monitor(_) => Verdict::Unknown,
    };
    let finding = Finding { verdict, ..Finding::unknown(asked, signal.expected(), cause.words()) };
    Report { summary: format!("{asked}: {}", cause.words()), ..Report::of(vec![finding], Duration::ZERO) }
}

fn status(answer: &Answer, document: Option<&Value>) -> Finding {
    let told = document.filter(|_| answer.status >= 400).and_then(error_told);
    let told = told.map(|told| format!(" {told}")).unwrap_or_default();
    let seen = format!("{}{told}", status_words(answer.status));
    Finding::held("status", "2xx", seen, (200..300).contains(&answer.status))
}

/// Whether it was answered at all as one who knows the number answers.
fn answered(source: &Source, answer: &check::Answer, document: Option<&Value>) -> Option<Finding> {
    match source {
        Source::Json(_) => Some(status(&answer.http, document)),
        Source::Command(_) => Some(command::exit(answer)),
        Source::Promql(_) | Source::Monitor(_) => None,
    }
}

/// What was read of a source, where nothing is expected of it but that it tells.
pub(super) async fn taken(source: &Source, seen: &Seen, scope: &Scope, jq: &Jq) -> Reading {
    let answer = match seen.answers.first() {
        Some((_, Ok(answer))) => answer,
        Some((label, Err(cause))) => return Reading::none(format!("{label}: {}", cause.words())),
        None => return Reading::none("nothing was asked".to_owned()),
    };
    let document = serde_json::from_slice::<Value>(&answer.http.body).map_err(|why| format!("unparsable JSON: {why}"));
    match answered(source, answer, document.as_ref().ok()) {
        Some(finding) if finding.verdict != Verdict::Pass => Reading::none(finding.seen),
        _ => read(source, answer, &document, scope, jq).await,
    }
}

async fn read(
    source: &Source,
    answer: &check::Answer,
    document: &Result<Value, String>,
    scope: &Scope,
    jq: &Jq,
) -> Reading {
    match (source, document) {
        (Source::Json(json), Ok(document)) => of_json(json, document, &answer.http, scope, jq).await,
        (Source::Json(_), Err(why)) => Reading::none(why.clone()),
        (Source::Command(command), _) => command::reading(command, &answer.http.body, scope, jq).await,
        (Source::Promql(_), document) => Reading::of(document.as_ref().unwrap_or(&Value::Null)),
        (Source::Monitor(_), _) => Reading::none("a monitor has samples, no number".to_owned()),
    }
}

async fn of_json(json: &Json, document: &Value, answer: &Answer, scope: &Scope, jq: &Jq) -> Reading {
    let number = async |program: &Program| match jq.value(program, document, scope).await? {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()).ok_or("no number".to_owned()),
        _ => Err(format!("{}: no number", program.text)),
    };
    let value = number(&json.jq).await;
    let samples = match &json.samples {
        Some(program) => Some(number(program).await.map_err(|why| format!("samples: {why}"))),
        None => None,
    };
    let age = match &json.at {
        Some(program) => Some(jq.value(program, document, scope).await.and_then(|at| age(&at, answer))),
        None => None,
    };
    Reading { value, samples, age, warnings: Vec::new() }
}

/// Seconds from an instant in a document to the answer's own date.
fn age(at: &Value, answer: &Answer) -> Result<f64, String> {
    let now = date(answer).ok_or("the answer has no date")?;
    let at = match at {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
        // Seconds since 1970, or milliseconds.
        Value::Number(number) => number.as_f64().and_then(|number| {
            let millis = if number.abs() < 1e11 { number * 1_000.0 } else { number };
            DateTime::from_timestamp_millis(millis as i64)
        }),
        _ => None,
    };
    let age =
        (now - at.ok_or("`at` is no instant: RFC 3339, or seconds since 1970")?).num_milliseconds() as f64 / 1_000.0;
    if age < -SKEW.as_secs_f64() {
        return Err(format!("it is dated {}s ahead of now", -age));
    }
    Ok(age.max(0.0))
}

/// One number, held to what is expected of it.
fn judged(signal: &Signal, subject: &str, reading: &Reading) -> Finding {
    let expected = signal.expected();
    let unknown = |why: String| Finding::unknown(subject, expected.clone(), why);
    let value = match &reading.value {
        Ok(value) => *value,
        Err(why) => return unknown(why.clone()),
    };
    let mut seen = threshold::shown(value, signal.unit, &signal.that.limit);
    if let Some(least) = signal.min_samples {
        match reading.samples.clone().unwrap_or_else(|| Err("samples: not told".to_owned())) {
            Ok(samples) if samples >= least as f64 => seen.push_str(&format!(" of {} samples", plain(samples))),
            Ok(samples) => return unknown(format!("{seen} of {} samples, which are too few", plain(samples))),
            Err(why) => return unknown(format!("samples: {why}")),
        }
    }
    if let Some(most) = signal.stale_after {
        match reading.age.clone().unwrap_or_else(|| Err("not told".to_owned())) {
            Ok(age) if age <= most.as_secs_f64() => seen.push_str(&format!(", {} s old", plain(age))),
            Ok(age) => {
                let old = format!("{seen}, {} s old", plain(age));
                return Finding { verdict: Verdict::Stale, ..unknown(old) };
            }
            Err(why) => return unknown(format!("{seen}, of an age that cannot be told: {why}")),
        }
    }
    Finding::held(subject, expected, seen, signal.that.holds(value, signal.unit))
}

/// Samples, counted.
fn counted(signal: &Signal, subject: &str, document: &Value) -> Finding {
    let expected = signal.expected();
    let unknown = |why: String| Finding::unknown(subject, expected.clone(), why);
    if let Value::String(why) = &document["samples"] {
        return unknown(why.clone());
    }
    let whole = |key: &str| document[key].as_f64().filter(|number| *number >= 0.0).map(|number| number as u64);
    let (Some(samples), Some(against)) = (whole("samples"), whole("against")) else {
        return unknown("no counts of samples".to_owned());
    };
    let seen = format!("{against} of {samples} samples against it");
    let most = signal.stale_after.or(signal.window).unwrap_or_default();
    match document["age"].as_f64() {
        Some(age) if age > most.as_secs_f64() => {
            return Finding {
                verdict: Verdict::Stale,
                ..unknown(format!("the newest sample is {} s old", plain(age)))
            };
        }
        Some(_) => {}
        None => return unknown("no sample yet".to_owned()),
    }
    let unclear = whole("unclear").filter(|unclear| *unclear > 0);
    let unclear = unclear.map(|unclear| format!(", and {unclear} that tell nothing")).unwrap_or_default();
    if samples < signal.min_samples.unwrap_or(1) {
        return unknown(format!("{samples} samples, which are too few{unclear}"));
    }
    Finding::held(subject, expected, format!("{seen}{unclear}"), signal.that.holds_counted(against, samples))
}

/// A number without the digits nobody reads.
fn plain(number: f64) -> String {
    format!("{number:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
