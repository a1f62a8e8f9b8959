//! A good answer made wrong in every plain way: another status, an empty body, each field of its JSON
//! removed, null, empty, out of range or of another type, each header removed or added, events cut, late or
//! unwanted, a stream that never ends or breaks. A check that none of them makes fail proves nothing. Silence is
//! not among them: it fails every check, also one that expects nothing. It judges nothing itself.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::base::wire::{self, Cause};
use crate::kind::check::sse::{End, Received};
use crate::kind::check::{Answer, Ended, Seen};
use crate::launch::verdict::Finding;

/// Fields of one answer that are changed; an example with more has enough of them.
const MOST_FIELDS: usize = 64;
/// Words of the findings that are tried as names of events and headers.
const MOST_WORDS: usize = 48;
/// Older than any header may be.
const LONG_AGO: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
/// Later than any limit a plan would set.
const LATE: Duration = Duration::from_secs(86_400);

/// Every mutation of `good`. The words of its findings say which events and headers are asked about;
/// `unwanted` are events that must never come, where they can be made up.
pub(super) fn of<'a>(
    good: &'a Seen,
    findings: &[Finding],
    unwanted: &'a [Received],
) -> impl Iterator<Item = Seen> + 'a {
    let words = words(findings);
    let texts: Vec<String> = findings.iter().take(MOST_WORDS).map(|finding| finding.expected.clone()).collect();
    (0..good.answers.len()).flat_map(move |at| {
        let (label, answer) = &good.answers[at];
        let wrong = match answer {
            Ok(answer) => {
                let told = texts.iter().flat_map(|text| saying(answer, text));
                answers(answer, label, &words, unwanted).into_iter().chain(told).collect()
            }
            Err(_) => Vec::new(),
        };
        wrong.into_iter().map(move |answer| {
            let mut seen = good.clone();
            seen.answers[at].1 = Ok(answer);
            seen
        })
    })
}

fn answers(good: &Answer, label: &str, words: &BTreeSet<String>, unwanted: &[Received]) -> Vec<Answer> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Answer)| {
        let mut answer = good.clone();
        change(&mut answer);
        all.push(answer);
    };
    for status in [500, 404, 200, 204].into_iter().filter(|status| *status != good.http.status) {
        with(&|answer| answer.http.status = status);
    }
    // A program that holds for any JSON is as vacuous as one that holds for anything.
    if serde_json::from_slice::<Value>(&good.http.body).is_err() {
        with(&|answer| answer.http.body = Bytes::new());
        let text = String::from_utf8_lossy(&good.http.body);
        for number in ["0", "-1000000000000", "1000000000000"] {
            with(&|answer| answer.http.body = with_number(&text, number).into());
        }
    }
    with(&|answer| answer.http.took = LATE);
    with(&|answer| answer.http.version = http::Version::HTTP_10);
    with(&|answer| answer.trail.stopped = Some("mutated".to_owned()));
    for name in good.http.headers.keys() {
        with(&|answer| {
            answer.http.headers.remove(name);
        });
        with(&|answer| answer.http.headers = replaced(&good.http.headers, name, "mutated"));
        with(&|answer| answer.http.headers = replaced(&good.http.headers, name, LONG_AGO));
    }
    for word in words {
        with(&|answer| {
            let name = HeaderName::try_from(word.as_str());
            // What lets an origin in says its name, or any.
            let value = HeaderValue::try_from(if word.ends_with("-origin") { label } else { "true" });
            if let (Ok(name), Ok(value)) = (name, value) {
                answer.http.headers.insert(name, value);
            }
        });
        with(&|answer| answer.http.body = with_word(&good.http.body, word));
    }
    for body in fields(&good.http.body) {
        with(&|answer| answer.http.body = Bytes::from(body.to_string()));
    }
    all.extend(lines(good, words));
    if let Some(ended) = &good.ended {
        all.extend(programs(good, ended));
    }
    if good.end.is_some() {
        all.extend(streams(good, words, unwanted));
    }
    all
}

/// Answers that say what is expected in words: a pattern that must be absent stands there whole.
fn saying(good: &Answer, text: &str) -> Vec<Answer> {
    let body = with_word(&good.http.body, text);
    let mut all = vec![Answer { http: wire::Answer { body, ..good.http.clone() }, ..good.clone() }];
    if let Some(ended) = &good.ended {
        let stderr = Bytes::copy_from_slice(text.as_bytes());
        all.push(Answer { ended: Some(Ended { stderr, ..ended.clone() }), ..good.clone() });
    }
    all
}

/// A body that also says `word`, and is JSON still where it was.
fn with_word(body: &Bytes, word: &str) -> Bytes {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut entries)) => {
            entries.insert("mutated".to_owned(), json!(word));
            // What must not be there may be meant by its name.
            entries.entry(word).or_insert_with(|| json!("mutated"));
            Value::Object(entries).to_string().into()
        }
        Ok(_) => body.clone(),
        Err(_) => [body.as_ref(), b"\n", word.as_bytes()].concat().into(),
    }
}

fn replaced(headers: &HeaderMap, name: &HeaderName, value: &'static str) -> HeaderMap {
    let mut other = headers.clone();
    other.insert(name, HeaderValue::from_static(value));
    other
}

/// A text of several lines without each of them, JSON lines with other fields, and with lines in which one
/// word of the findings is the value of another.
fn lines(good: &Answer, words: &BTreeSet<String>) -> Vec<Answer> {
    let text = String::from_utf8_lossy(&good.http.body);
    let all: Vec<&str> = text.lines().collect();
    // An answer over HTTP is one document; what has no status is the text of a file or of a program.
    if all.is_empty() || good.http.status != 0 {
        return Vec::new();
    }
    let saying = |lines: Vec<String>| {
        let body = Bytes::from(lines.join("\n"));
        Answer { http: wire::Answer { body, ..good.http.clone() }, ..good.clone() }
    };
    let with = |at: usize, instead: Option<String>| {
        let line = |(other, line): (usize, &&str)| if other == at { instead.clone() } else { Some((*line).to_owned()) };
        saying(all.iter().enumerate().filter_map(line).collect())
    };
    let mut wrong = Vec::new();
    for (at, line) in all.iter().enumerate().take(MOST_FIELDS) {
        wrong.push(with(at, None));
        let others = fields(line.as_bytes()).into_iter().take(MOST_FIELDS);
        wrong.extend(others.map(|other| with(at, Some(other.to_string()))));
    }
    // Every JSON line alike, so that none of several can stand in for another.
    let alike = |key: &str| {
        let line = |line: &&str| match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(mut entries)) if entries.contains_key(key) => {
                let other = empty(entries.get(key));
                entries.insert(key.to_owned(), other);
                Value::Object(entries).to_string()
            }
            _ => (*line).to_owned(),
        };
        saying(all.iter().map(line).collect())
    };
    let plain: BTreeSet<&str> =
        words.iter().map(|word| word.trim_matches('.')).filter(|word| !word.is_empty()).collect();
    wrong.extend(plain.iter().map(|word| alike(word)));
    let value = |word: &str| serde_json::from_str::<Value>(word).unwrap_or_else(|_| json!(word));
    let pairs = plain.iter().flat_map(|key| plain.iter().map(move |word| nested(key, value(word)).to_string()));
    let lines = all.iter().map(|line| (*line).to_owned());
    wrong.push(saying(lines.chain(pairs).collect()));
    wrong
}

/// `a.b` as the key of an object in an object.
fn nested(key: &str, value: Value) -> Value {
    key.rsplit('.').fold(value, |value, key| json!({ key: value }))
}

/// A program that ends otherwise, or says less.
fn programs(good: &Answer, ended: &Ended) -> Vec<Answer> {
    let exits = [0, 1, 2].into_iter().filter(|exit| ended.exit != Some(*exit));
    let other = |exit| Answer { ended: Some(Ended { exit: Some(exit), ..ended.clone() }), ..good.clone() };
    let saying = |body: Bytes| Answer { http: wire::Answer { body, ..good.http.clone() }, ..good.clone() };
    let complaining = |stderr: Bytes| Answer { ended: Some(Ended { stderr, ..ended.clone() }), ..good.clone() };
    let silent = complaining(Bytes::new());
    exits.map(other).chain([saying(Bytes::new()), silent]).collect()
}

/// The text with every number in it replaced.
fn with_number(text: &str, number: &str) -> String {
    let mut other = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit() || inside && c == '.';
        if digit && !inside {
            other.push_str(number);
        } else if !digit {
            other.push(c);
        }
        inside = digit;
    }
    other
}

fn streams(good: &Answer, words: &BTreeSet<String>, unwanted: &[Received]) -> Vec<Answer> {
    let mut all = Vec::new();
    let events = |events: Vec<Received>, end: End| Answer { events, end: Some(end), ..good.clone() };
    let count = good.events.len();
    for kept in 0..count {
        all.push(events(good.events[..kept].to_vec(), End::Closed));
    }
    let before_last = count.saturating_sub(1);
    // Where no terminal event is asked for, a closed stream is as good as any.
    for end in [End::Deadline, End::Silent, End::Broken(Cause::Reset)] {
        for kept in BTreeSet::from([0, before_last]) {
            all.push(events(good.events[..kept].to_vec(), end.clone()));
        }
    }
    for (at, event) in good.events.iter().enumerate().take(MOST_FIELDS) {
        let mut without = good.events.clone();
        without.remove(at);
        all.push(events(without, End::Closed));
        let mut late = good.events.clone();
        late.iter_mut().skip(at).for_each(|event| event.at += LATE);
        // Something that nobody asked for came before: between the two nothing did.
        late.insert(0, Received { event: "mutated".to_owned(), ..Received::default() });
        all.push(events(late[1..].to_vec(), End::Closed));
        all.push(events(late, End::Closed));
        for data in fields(event.data.as_bytes()) {
            // Every event alike, so that none of several can stand in for another.
            let mut other = good.events.clone();
            let alike = other.iter_mut().filter(|one| one.event == event.event && one.data == event.data);
            alike.for_each(|one| one.data = data.to_string());
            all.push(events(other, End::Closed));
        }
    }
    let mut backwards = good.events.clone();
    backwards.reverse();
    all.push(events(backwards, End::Closed));
    let by_word = words.iter().flat_map(|word| {
        let named = Received { event: word.clone(), data: "{}".to_owned(), ..Received::default() };
        let said = Received { event: "message".to_owned(), data: word.clone(), ..Received::default() };
        [named, said]
    });
    for one in by_word.chain(unwanted.iter().cloned()) {
        let mut more = good.events.clone();
        more.insert(before_last, one);
        all.push(events(more, End::Closed));
    }
    all
}

/// The JSON with one field removed, null, empty, out of range or of another type, for each field.
fn fields(body: &[u8]) -> Vec<Value> {
    let Ok(good) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let mut pointers = Vec::new();
    collect(&good, "", &mut pointers);
    let mut all = vec![json!(null), empty(Some(&good))];
    for pointer in pointers.iter().filter(|pointer| !pointer.is_empty()) {
        let field = good.pointer(pointer);
        let small = field.is_some_and(Value::is_number).then(|| [json!(0), json!(-1e12)]);
        let wrong = [json!(null), empty(field), another(field)];
        for value in wrong.into_iter().chain(small.into_iter().flatten()) {
            let mut other = good.clone();
            if let Some(field) = other.pointer_mut(pointer) {
                *field = value;
            }
            all.push(other);
        }
        all.extend(removed(&good, pointer));
    }
    all
}

fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if found.len() >= MOST_FIELDS {
        return;
    }
    found.push(pointer.to_owned());
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                collect(value, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| collect(value, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
}

fn removed(good: &Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    let mut other = good.clone();
    match other.pointer_mut(parent)? {
        Value::Object(entries) => entries.remove(&key.replace("~1", "/").replace("~0", "~"))?,
        Value::Array(values) => values.remove(key.parse().ok()?),
        _ => return None,
    };
    Some(other)
}

fn empty(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(_)) => json!(""),
        Some(Value::Array(_)) => json!([]),
        Some(Value::Object(_)) => json!({}),
        Some(Value::Number(_)) => json!(1e12),
        Some(Value::Bool(flag)) => json!(!flag),
        _ => json!(false),
    }
}

fn another(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(_)) => json!(-7),
        Some(Value::Array(_)) => json!({ "mutated": true }),
        Some(Value::Object(_)) => json!(["mutated"]),
        _ => json!("mutated"),
    }
}

fn words(findings: &[Finding]) -> BTreeSet<String> {
    let texts = findings.iter().flat_map(|finding| [finding.subject.as_str(), finding.expected.as_str()]);
    let parts =
        texts.flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))));
    parts.filter(|part| part.len() > 1).take(MOST_WORDS).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_field_is_removed_null_empty_and_of_another_type() {
        let all: Vec<String> = fields(br#"{"a":{"b":"x"}}"#).iter().map(ToString::to_string).collect();
        for wanted in [r#"{"a":{}}"#, r#"{"a":{"b":null}}"#, r#"{"a":{"b":""}}"#, r#"{"a":{"b":-7}}"#, "{}"] {
            assert!(all.iter().any(|one| one == wanted), "{wanted} in {all:?}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_mutated_within_bounds(body in "[\\[\\]{}\":,a-z0-9~/ ]{0,80}") {
            prop_assert!(fields(body.as_bytes()).len() <= 2 + 6 * MOST_FIELDS);
        }
    }
}
