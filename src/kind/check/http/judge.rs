//! The verdict on an `http` answer: one finding an expectation, expected beside seen. Pure but for jq;
//! the same for an answer of the wire and an example of the plan.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::{Capture, Expect, From, Http, Is, way};
use crate::base::jq::{Jq, Said};
use crate::base::template::{Scope, Template};
use crate::base::wire::{Answer, Cause};
use crate::clock;
use crate::kind::check::{self, Seen};
use crate::kind::exchange::{HIDDEN, error_told};
use crate::kind::expect::skipped;
use crate::kind::session::set_cookies;
use crate::launch::verdict::{Finding, Report, Verdict};

/// Texts of one captured value: each becomes a secret, and each secret costs memory.
const TEXTS: usize = 256;

/// What was taken from an answer before it is judged, so that no word of the judgement shows it.
pub(super) struct Taken {
    /// The body, where it is read as JSON.
    json: Result<Value, String>,
    /// For each capture its value, or the finding that there is none.
    pub captured: Vec<Result<(String, Value), Finding>>,
}

/// Takes the captured values from an answer.
pub(super) async fn take(http: &Http, seen: &Seen, scope: &Scope, jq: &Jq) -> Taken {
    let Some((_, Ok(answer))) = seen.answers.first() else {
        return Taken { json: Err(String::new()), captured: Vec::new() };
    };
    let answer = &answer.http;
    let expect = &http.expect;
    let reads_json = !(expect.json.is_empty() && expect.skipped.is_empty())
        || expect.fresh.is_some()
        || http.captures.iter().any(|capture| matches!(capture.from, From::Json(_)));
    let json = if reads_json { parsed(&answer.body) } else { Err(String::new()) };
    let mut captured = Vec::new();
    for capture in &http.captures {
        let value = taken(capture, answer, &json, scope, jq).await;
        captured.push(value.map(|value| (capture.name.clone(), value)));
    }
    Taken { json, captured }
}

/// The report, its text still as the world wrote it.
pub(super) async fn report(http: &Http, seen: &Seen, taken: Taken, scope: &Scope, jq: &Jq) -> Report {
    match seen.answers.first() {
        Some((asked, Ok(answer))) => {
            let way = way::findings(http, asked, answer, scope);
            answered(http, answer, way, taken, scope, jq).await
        }
        Some((asked, Err(cause))) => silent(http, asked, cause, seen.control_answers),
        None => Report::plain(Verdict::Unknown, "nothing was asked", Duration::ZERO),
    }
}

fn silent(http: &Http, asked: &str, cause: &Cause, control_answers: bool) -> Report {
    let verdict = Verdict::of_silence(cause, control_answers);
    let finding = Finding {
        row: None,
        subject: "answer".to_owned(),
        expected: format!("status {}", http.expect.status.words()),
        seen: cause.words(),
        verdict,
    };
    let ours = if control_answers { " (the control probe answers)" } else { "" };
    Report {
        summary: format!("{} {asked}: {}{ours}", http.call.method, cause.words()),
        ..Report::of(vec![finding], Duration::ZERO)
    }
}

async fn answered(
    http: &Http,
    seen: &check::Answer,
    way: Vec<Finding>,
    taken: Taken,
    scope: &Scope,
    jq: &Jq,
) -> Report {
    let (expect, answer) = (&http.expect, &seen.http);
    let mut findings = vec![status(expect, answer)];
    findings.extend(way);
    findings.extend(expect.headers.iter().map(|(name, is)| header(name, is, &answer.headers, scope)));
    findings.extend(expect.security.judge(&answer.headers));
    findings.extend(expect.cookies.iter().map(|name| cookie(name, &answer.headers)));
    for program in &expect.json {
        findings.push(match &taken.json {
            Ok(json) => match jq.holds(program, json, scope).await {
                Said::True => Finding::held(&program.text, "true", "true", true),
                Said::False { seen } => Finding::held(&program.text, "true", seen, false),
                Said::Unknown { why } => Finding::unknown(&program.text, "true", why),
            },
            Err(why) => Finding::unknown(&program.text, "true", why),
        });
    }
    findings.extend(bodies(expect, &answer.body));
    let document = taken.json.as_ref().map_err(String::as_str);
    if let Some(fresh) = &expect.fresh {
        let seen_at = seen.at.unwrap_or_else(clock::wall);
        findings.push(fresh.judge(document, Some(&answer.headers), seen_at, scope, jq).await);
    }
    findings.extend(skipped::judge(&expect.skipped, document, scope, jq).await);
    findings.extend(expect.latency.map(|most| latency(most, answer.took)));
    for (capture, value) in http.captures.iter().zip(taken.captured) {
        findings.push(match value {
            Ok(_) => Finding::held(format!("capture {}", capture.name), capture.from.words(), HIDDEN, true),
            Err(finding) => finding,
        });
    }
    Report::of(findings, answer.took)
}

fn status(expect: &Expect, answer: &Answer) -> Finding {
    let holds = expect.status.holds(answer.status);
    let mut seen = answer.status.to_string();
    if !holds {
        let told = parsed(&answer.body).ok().and_then(|body| error_told(&body));
        let place = header_values(&answer.headers, "location").into_iter().next();
        let place = place.filter(|_| (300..400).contains(&answer.status)).map(|place| format!("to {place}"));
        seen.extend(told.or(place).map(|told| format!(" {told}")));
    }
    Finding::held("status", expect.status.words(), seen, holds)
}

/// Every line of a header, as text.
pub(crate) fn header_values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// The members of a comma-separated list, over several header lines.
pub(crate) fn members(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = header_values(headers, name);
    let members = lines.iter().flat_map(|line| line.split(','));
    members.map(|member| member.trim().to_owned()).filter(|member| !member.is_empty()).collect()
}

fn header(name: &str, is: &Is, headers: &HeaderMap, scope: &Scope) -> Finding {
    let subject = format!("header {name}");
    let expected = is.words(scope);
    let values = header_values(headers, name);
    let seen = if values.is_empty() { "absent".to_owned() } else { values.join(", ") };
    let text = |template: &Template| template.text(scope).map_err(|unbound| unbound.to_string());
    let holds = match is {
        Is::Absent => Ok(values.is_empty()),
        Is::Equals(wanted) => text(wanted).map(|wanted| values.len() == 1 && values[0].trim() == wanted.trim()),
        Is::Contains(part) => text(part).map(|part| values.iter().any(|value| value.contains(&part))),
        Is::Lists(wanted) | Is::Set(wanted) => {
            let there = members(headers, name);
            let among = |all: &[String], one: &String| all.iter().any(|other| other.eq_ignore_ascii_case(one));
            let wanted: Result<Vec<String>, String> = wanted.iter().map(text).collect();
            let more = |wanted: &[String]| matches!(is, Is::Set(_)) && !there.iter().all(|one| among(wanted, one));
            wanted.map(|wanted| wanted.iter().all(|want| among(&there, want)) && !more(&wanted))
        }
    };
    match holds {
        Ok(holds) => Finding::held(subject, expected, seen, holds),
        Err(why) => Finding::unknown(subject, expected, why),
    }
}

fn cookie(name: &str, headers: &HeaderMap) -> Finding {
    let set = set_cookies(headers).find(|cookie| cookie.name() == name);
    let (seen, holds) = match set {
        Some(cookie) if cookie.value().is_empty() => ("set to nothing", false),
        Some(_) => ("set", true),
        None => ("not set", false),
    };
    Finding::held(format!("cookie {name}"), "set", seen, holds)
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("an empty body, no JSON".to_owned());
    }
    serde_json::from_slice(body).map_err(|why| format!("unparsable JSON: {why}"))
}

fn bodies(expect: &Expect, body: &[u8]) -> Vec<Finding> {
    let text = String::from_utf8_lossy(body);
    let there = expect.body.iter().map(|pattern| {
        let found = pattern.find(&text);
        let seen = found.map_or_else(|| format!("no match in {} bytes", body.len()), |found| found.as_str().to_owned());
        Finding::held("body", format!("matches {pattern}"), seen, found.is_some())
    });
    // Nothing is in nothing: alone, an empty body tells only that there was none.
    let empty = body.is_empty() && expect.body.is_empty() && expect.json.is_empty();
    let absent = expect.body_absent.iter().map(|pattern| {
        if empty {
            return Finding::unknown("body", format!("does not match {pattern}"), "an empty body");
        }
        let found = pattern.find(&text);
        let seen = found.map_or_else(|| "no match".to_owned(), |found| found.as_str().to_owned());
        Finding::held("body", format!("does not match {pattern}"), seen, found.is_none())
    });
    there.chain(absent).collect()
}

fn latency(most: Duration, took: Duration) -> Finding {
    let expected = format!("at most {}", humantime::format_duration(most));
    Finding::held("latency", expected, format!("{}ms", took.as_millis()), took <= most)
}

/// The captured value, or the finding that there is none.
async fn taken(
    capture: &Capture,
    answer: &Answer,
    json: &Result<Value, String>,
    scope: &Scope,
    jq: &Jq,
) -> Result<Value, Finding> {
    let subject = || format!("capture {}", capture.name);
    let expected = || format!("a value at {}", capture.from.words());
    match &capture.from {
        From::Json(program) => {
            let unknown = |why: String| Finding::unknown(subject(), expected(), why);
            let json = json.as_ref().map_err(|why| unknown(why.clone()))?;
            match jq.value(program, json, scope).await.map_err(unknown)? {
                Value::Null => Err(unknown("null".to_owned())),
                value if texts(&value) > TEXTS => Err(unknown(format!("a value of more than {TEXTS} texts"))),
                value => Ok(value),
            }
        }
        From::Header(name) => {
            let value = header_values(&answer.headers, name).into_iter().next();
            value.map(Value::String).ok_or_else(|| Finding::held(subject(), expected(), "absent", false))
        }
        From::Cookie(name) => {
            let set = set_cookies(&answer.headers).find(|cookie| cookie.name() == name);
            let value = set.map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty());
            value.map(Value::String).ok_or_else(|| Finding::held(subject(), expected(), "not set", false))
        }
    }
}

fn texts(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(entries) => entries.values().map(texts).sum(),
        _ => 1,
    }
}
