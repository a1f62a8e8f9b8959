//! The `example` table of an item: what the world answers when it is well (`good`), what it answers when
//! it is not and which verdict that is (`bad`), what the item changes (`sets`), and the state an answer
//! belongs to (`when`).

use std::collections::BTreeMap;

use serde_json::Value;
use toml::de::DeValue;

use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Notes, Placed, Table};
use crate::base::template::{Scope, as_text};
use crate::kind::Spec;
use crate::kind::example::{Answered, Examples, Told};
use crate::launch::verdict::Verdict;

/// More examples than this for one item are no examples any more.
const MOST: usize = 100;

/// Reads `owner`'s examples; none where there is no such table.
pub(super) fn read(owner: &Table<'_>) -> Examples {
    let Some(table) = owner.table("example") else { return Examples::default() };
    let when = named_values(&table, "when");
    let good = read_good(&table, &when);
    let bad = table.tables("bad").into_iter().filter_map(read_bad).collect::<Vec<_>>();
    let sets = named_values(&table, "sets");
    if good.len() + bad.len() > MOST {
        table.wrong_value(table.span, format!("more than {MOST} examples"));
    }
    table.finish();
    Examples { good, bad, sets }
}

fn read_good(table: &Table<'_>, when: &BTreeMap<String, Value>) -> Vec<Answered> {
    let mut good: Vec<Answered> = table
        .tables("good")
        .into_iter()
        .map(|table| {
            let answered = answered(&table);
            table.finish();
            answered
        })
        .collect();
    if good.is_empty() && !when.is_empty() {
        // Only the state is said: the answer itself is derived (`give_state`).
        good.push(Answered { span: table.span, when: when.clone(), ..Answered::default() });
    }
    for answered in &mut good {
        if answered.when.is_empty() {
            answered.when.clone_from(when);
        }
    }
    good
}

fn read_bad(table: Table<'_>) -> Option<(Answered, Verdict)> {
    let answered = answered(&table);
    if !table.has("gives") {
        table.missing("gives", "`gives = \"fail\"`: the verdict it must come to");
    }
    let words = Verdict::ALL.map(|verdict| (verdict.word(), verdict));
    let gives = table.word("gives", &words);
    table.finish();
    Some((answered, gives?))
}

fn answered(table: &Table<'_>) -> Answered {
    let number = |key, low: i64, high: i64| {
        let asked = table.integer(key)?;
        if !(low..=high).contains(&asked.value) {
            table.wrong_value(asked.span, format!("`{key} = {}`: {low} to {high}", asked.value));
            return None;
        }
        Some(asked.value)
    };
    Answered {
        span: table.span,
        status: number("status", 100, 599).and_then(|status| u16::try_from(status).ok()),
        headers: named_texts(table, "headers"),
        cookies: named_texts(table, "cookies"),
        json: table.shape("json").map(|json| json.value),
        body: table.text("body").map(|body| body.value),
        events: table.tables("events").into_iter().map(told).collect(),
        exit: number("exit", 0, 255).and_then(|exit| i32::try_from(exit).ok()),
        stdout: table.text("stdout").map(|stdout| stdout.value),
        stderr: table.text("stderr").map(|stderr| stderr.value),
        when: named_values(table, "when"),
        after: table.duration("after"),
    }
}

fn told(table: Table<'_>) -> Told {
    let told = Told {
        event: table.text("event").map(|event| event.value),
        id: table.text("id").map(|id| id.value),
        data: table.shape("data").map(|data| data.value),
        after: table.duration("after"),
    };
    table.finish();
    told
}

/// A table whose keys are the plan's own names and whose values are plain.
fn named_values(table: &Table<'_>, key: &'static str) -> BTreeMap<String, Value> {
    table.learn(key, Wanted::Named);
    let Some(placed) = table.plain(key) else { return BTreeMap::new() };
    match placed.value {
        Value::Object(entries) => entries.into_iter().collect(),
        _ => {
            table.wrong_value(placed.span, format!("`{key}` is a table: `{key} = {{ build = \"new\" }}`"));
            BTreeMap::new()
        }
    }
}

/// Headers or cookies as an answer carries them.
fn named_texts(table: &Table<'_>, key: &'static str) -> Vec<(String, String)> {
    table.learn(key, Wanted::Named);
    let Some(inner) = table.table(key) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, _) in inner.keys() {
        match inner.any(name) {
            Some(Placed { value: DeValue::String(text), .. }) => found.push((name.to_owned(), text.to_string())),
            Some(Placed { span, .. }) => table.wrong_value(span, format!("`{name}` under `{key}` must be a string")),
            None => {}
        }
    }
    inner.accept_all();
    found
}

/// Fills in the answer of a good example that says only its state, from what the check expects.
pub(super) fn give_state(examples: &mut Examples, spec: Option<&Spec>, scope: &Scope, notes: &Notes, span: Span) {
    let [only] = examples.good.as_mut_slice() else { return };
    let bare = Answered { span: only.span, when: only.when.clone(), ..Answered::default() };
    if *only != bare || bare.when.is_empty() {
        return;
    }
    let derived = match spec {
        Some(Spec::Check(check)) => check.derive(scope),
        Some(Spec::Signal(asked)) => asked.derive(),
        _ => return,
    };
    match derived {
        Ok(derived) => *only = Answered { span: bare.span, when: bare.when, ..derived },
        Err(why) => {
            let message = format!("an example with a state and no answer, and none follows: {why}");
            notes.report(Diagnostic::error("no-example", span, message).help("write `good = { status = 200, … }`"));
        }
    }
}

/// A state in words: `build = new`.
pub(super) fn state(when: &BTreeMap<String, Value>) -> String {
    when.iter().map(|(name, value)| format!("{name} = {}", as_text(value))).collect::<Vec<_>>().join(", ")
}
