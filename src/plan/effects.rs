//! Keys of the format that stand where nothing reads them. A key that is taken in silence is a promise
//! nobody keeps: on an item, a role or a stream it is refused, in an example, which only tells, it is a warning.

use toml::de::{DeTable, DeValue};

use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::kind::{Kind, check};

/// Of the answer to a request: a command has none of it.
const OF_ANSWERS: &[&str] = &["status", "json", "body", "headers", "cookies", "events"];
/// Of a command.
const OF_COMMANDS: &[&str] = &["exit", "stdout", "stderr"];
/// What a live tail does not look at: it shows what comes, for as long as it comes.
const OF_CHECKED_STREAMS: &[&str] = &["deadline", "meanwhile", "resume"];
const EXPECTED_OF_CHECKED_STREAMS: &[&str] = &["status", "first_event", "at_least", "order"];

/// Refuses `key` of `owner`, where it is there; `why` ends the sentence "`key` has no effect on …".
pub(super) fn refuse(owner: &Table<'_>, key: &str, why: &str) {
    if let Some((_, span)) = owner.keys().into_iter().find(|(there, _)| *there == key) {
        owner.notes().report(Diagnostic::error("no-effect", span, format!("`{key}` has no effect {why}")));
    }
}

/// What a `[[stream]]` says that only a check would do.
pub(super) fn stream(owner: &Table<'_>) {
    let Some(Placed { value: DeValue::Table(sse), .. }) = owner.any("sse") else { return };
    let mut found = there(sse, OF_CHECKED_STREAMS);
    if let Some(DeValue::Table(expect)) = sse.get("expect").map(|expect| expect.get_ref()) {
        found.extend(there(expect, EXPECTED_OF_CHECKED_STREAMS));
    }
    for (key, span) in found {
        let message = format!("`{key}` has no effect on a stream that is shown, not checked");
        let wrong = Diagnostic::error("no-effect", span, message);
        owner.notes().report(wrong.help("an item of kind `sse` checks a stream"));
    }
}

/// What the examples of `owner` say that its kind does not look at.
pub(super) fn examples(owner: &Table<'_>, kind: Kind) {
    let unread: Vec<&str> = match (kind.family, check::told(kind.name)) {
        // A step's standard error is nobody's to tell: nothing is expected of it.
        ("step", _) => OF_ANSWERS.iter().copied().chain(["stderr"]).collect(),
        (_, Some(told)) => OF_ANSWERS.iter().chain(OF_COMMANDS).copied().filter(|key| !told.contains(key)).collect(),
        _ => return,
    };
    let Some(Placed { value: DeValue::Table(example), .. }) = owner.any("example") else { return };
    let on = format!("in an example of `{}`", kind.name);
    for answer in answers(example, "good") {
        warn(owner, &there(answer, &unread), &on);
    }
    for answer in answers(example, "bad") {
        warn(owner, &there(answer, &unread), &on);
        warn(owner, &there(answer, &["when"]), "in a bad example: it is tried whatever the state");
    }
}

fn warn(owner: &Table<'_>, found: &[(String, Span)], why: &str) {
    for (key, span) in found {
        owner.notes().report(Diagnostic::warning("no-effect", *span, format!("`{key}` has no effect {why}")));
    }
}

/// The tables under `key`: several, or one.
fn answers<'d>(example: &'d DeTable<'d>, key: &str) -> Vec<&'d DeTable<'d>> {
    match example.get(key).map(|value| value.get_ref()) {
        Some(DeValue::Table(one)) => vec![one],
        Some(DeValue::Array(all)) => all.iter().filter_map(|value| value.get_ref().as_table()).collect(),
        _ => Vec::new(),
    }
}

fn there(table: &DeTable<'_>, keys: &[&str]) -> Vec<(String, Span)> {
    let asked = table.keys().filter(|key| keys.contains(&key.get_ref().as_ref()));
    asked.map(|key| (key.get_ref().to_string(), Span::from(key.span()))).collect()
}
