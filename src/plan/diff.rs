//! How one plan file differs from another, by what things are called and not by lines; and which of their
//! items do something else. From the two texts alone, so that no process's environment has a say.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use self::places::Places;
use crate::base::table::plain_value;
use crate::base::text::{cut, printable};
use crate::launch::amend::Amendment;
use crate::launch::id::{ItemId, SignalId};
use crate::launch::plan::Plan;

/// Columns of a value in a line of the difference.
const VALUE_KEPT: usize = 60;
/// More lines than this nobody reads; how many there are is said.
const MOST_LINES: usize = 400;

/// Keys of an item that say when, and for whom, and not what it does.
const OF_THE_SCHEDULE: [&str; 13] = [
    "title",
    "why",
    "example",
    "at",
    "every",
    "needs",
    "retries",
    "valid_for",
    "allow_skipped",
    "on_fail",
    "auto",
    "confirm",
    "evidence",
];

/// Keys of a table that say what it is called, and not what it does.
const OF_ITS_NAME: [&str; 3] = ["title", "why", "example"];
/// Keys of a monitor or a signal that say how often it asks and what follows, and not what it asks.
const OF_ITS_RHYTHM: [&str; 2] = ["every", "fails_after"];

/// Where a table acts is told by the place that it comes to, wherever that is written.
const PLACE: &str = "target";

/// What `new` is to a launch that goes by `old`; `plan` is the loaded `new`. Both texts are of plans that load.
#[must_use]
pub fn amendment(old: &str, new: &str, plan: &Plan) -> Amendment {
    let from = super::hash(old);
    let (old, new) = (document(old), document(new));
    let (before, after) = (Places::new(&old, plan.target.as_deref()), Places::new(&new, plan.target.as_deref()));
    let (was, is) = (definitions(&before), definitions(&after));
    let differs = |slug: &str| matches!((was.get(slug), is.get(slug)), (Some(was), Some(is)) if was != is);
    let changed: Vec<ItemId> = plan.items.keys().filter(|id| differs(id.slug())).cloned().collect();
    let recapture = before.baseline.iter().filter(|(name, was)| after.baseline.get(*name).is_some_and(|is| is != *was));
    let recapture = recapture.map(|(name, _)| (*name).to_owned()).collect();
    let asked = asked(&before, &after);
    Amendment { from, plan_hash: plan.hash.clone(), changes: lines(&old, &new), changed, recapture, asked }
}

/// The difference, a line each: `+ …` what came, `- …` what went, `~ …: old → new`.
#[must_use]
pub fn changes(old: &str, new: &str) -> Vec<String> {
    lines(&document(old), &document(new))
}

fn document(text: &str) -> Value {
    let (parsed, _) = DeTable::parse_recoverable(text);
    plain_value(&DeValue::Table(parsed.into_inner()))
}

fn lines(old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", old, new, &mut lines);
    if lines.is_empty() {
        lines.push("~ comments or layout alone".to_owned());
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.truncate(MOST_LINES);
        lines.push(format!("… and {more} more"));
    }
    lines
}

fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
            for key in keys {
                one(&below(path, key), old.get(key), new.get(key), lines);
            }
        }
        (Value::Array(was), Value::Array(is)) => match (keyed(was), keyed(is)) {
            (Some(was), Some(is)) => {
                for (key, value) in &was {
                    one(&named(path, key), Some(value), is.iter().find(|(k, _)| k == key).map(|(_, v)| *v), lines);
                }
                for (key, value) in is.iter().filter(|(key, _)| !was.iter().any(|(known, _)| known == key)) {
                    one(&named(path, key), None, Some(value), lines);
                }
                order(path, &was, &is, lines);
            }
            _ => lines.push(format!("~ {path}: {} → {}", shown(old), shown(new))),
        },
        _ => lines.push(format!("~ {path}: {} → {}", shown(old), shown(new))),
    }
}

fn one(path: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    match (old, new) {
        (Some(old), Some(new)) => compare(path, old, new, lines),
        (Some(old), None) => lines.push(format!("- {path}{}", told(old))),
        (None, Some(new)) => lines.push(format!("+ {path}{}", told(new))),
        (None, None) => {}
    }
}

/// What is in both, in another order.
fn order(path: &str, was: &[(String, &Value)], is: &[(String, &Value)], lines: &mut Vec<String>) {
    let of = |one: &[(String, &Value)], other: &[(String, &Value)]| -> Vec<String> {
        let both = one.iter().filter(|(key, _)| other.iter().any(|(known, _)| known == key));
        both.map(|(key, _)| printable(key)).collect()
    };
    let (was, is) = (of(was, is), of(is, was));
    if was != is {
        let (was, is) = (cut(&was.join(", "), VALUE_KEPT), cut(&is.join(", "), VALUE_KEPT));
        lines.push(format!("~ order of {path}: {was} → {is}"));
    }
}

/// The tables of an array by what each is called, where each is called something and no two the same.
fn keyed(values: &[Value]) -> Option<Vec<(String, &Value)>> {
    let name = |value: &Value| {
        let table = value.as_object()?;
        let name = ["id", "at", "name"].iter().find_map(|key| table.get(*key)?.as_str())?;
        Some(name.to_owned())
    };
    let keyed: Vec<_> = values.iter().map(|value| Some((name(value)?, value))).collect::<Option<_>>()?;
    let names: BTreeSet<&String> = keyed.iter().map(|(name, _)| name).collect();
    (names.len() == keyed.len()).then_some(keyed)
}

/// `phase gate-a item health`, then `.http.expect.status`.
fn below(path: &str, key: &str) -> String {
    let key = printable(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

fn named(path: &str, key: &str) -> String {
    // The list's own name stands before it: `phase gate-a.item` becomes `phase gate-a item health`.
    let (before, list) = path.rsplit_once('.').map_or(("", path), |(before, list)| (before, list));
    let space = if before.is_empty() { "" } else { " " };
    format!("{before}{space}{list} {}", cut(&printable(key), VALUE_KEPT))
}

/// A thing that came or went, by its title or its value.
fn told(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let title = ["title", "text"].iter().find_map(|key| table.get(*key)?.as_str());
            title.map(|title| format!(" ({})", cut(&printable(title), VALUE_KEPT))).unwrap_or_default()
        }
        Value::Array(values) if keyed(values).is_some() => format!(": {} of them", values.len()),
        plain => format!(": {}", shown(plain)),
    }
}

fn shown(value: &Value) -> String {
    cut(&printable(&value.to_string()), VALUE_KEPT)
}

/// What each item does, by its slug: its own table, its session's, what it watches, where all that is, and whatever
/// they name.
fn definitions(places: &Places<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let phases = places.plan.get("phase").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    for phase in phases {
        let items = phase.get("item").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        for item in items {
            let Some(id) = item.get("id").and_then(Value::as_str) else { continue };
            let session = item.get("session").and_then(Value::as_str);
            let session = session.and_then(|name| places.plan.get("session")?.get(name)?.as_object());
            let does = Value::Array(vec![
                without(item, &[OF_THE_SCHEDULE.as_slice(), &[PLACE]].concat()),
                session.map_or(Value::Null, |session| without(session, &[PLACE])),
            ]);
            // An item of a session is where its session is; the reader holds them to it.
            let mut text = places.told(&does, places.of(session.into_iter().chain([item, phase])));
            with_watched(places, item, &mut text);
            all.insert(id.to_owned(), text);
        }
    }
    all
}

/// The table of an array that is called `id`.
fn named_in<'p>(plan: &'p Value, list: &str, id: &str) -> Option<&'p Map<String, Value>> {
    let mut all = plan.get(list)?.as_array()?.iter().filter_map(Value::as_object);
    all.find(|table| table.get("id").and_then(Value::as_str) == Some(id))
}

/// The tables that a signal's samples come from: its own or its monitor's, the stream's that it is taken from, and
/// the session's that either has.
fn behind<'p>(plan: &'p Value, signal: &str) -> Vec<&'p Map<String, Value>> {
    let text = |table: &'p Map<String, Value>, key: &str| table.get(key).and_then(Value::as_str);
    let own = match signal.strip_prefix("monitor.") {
        Some(monitor) => named_in(plan, "monitor", monitor),
        None => named_in(plan, "signal", signal),
    };
    let stream = own.and_then(|own| named_in(plan, "stream", text(own, "from")?.strip_prefix("stream.")?));
    let mut all: Vec<_> = own.into_iter().chain(stream).collect();
    let session = all.iter().find_map(|table| plan.get("session")?.get(text(table, "session")?)?.as_object());
    all.extend(session);
    all
}

/// A table, and the items in it, without these keys.
fn without(table: &Map<String, Value>, keys: &[&str]) -> Value {
    let inside = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Array(items) if key == "item" => {
                let item = |item: &Value| item.as_object().map_or_else(|| item.clone(), |item| without(item, keys));
                Value::Array(items.iter().map(item).collect())
            }
            other => other.clone(),
        };
        (key.clone(), value)
    };
    let does = table.iter().filter(|(key, _)| !keys.contains(&key.as_str()));
    sorted(&Value::Object(does.map(inside).collect()))
}

/// The signals of both plans, `monitor.ID` too, that ask something else, whatever they are called and however often
/// they ask.
fn asked(old: &Places<'_>, new: &Places<'_>) -> Vec<SignalId> {
    let (was, is) = (questions(old), questions(new));
    let other = is.into_iter().filter(|(id, is)| was.get(id).is_some_and(|was| was != is));
    other.map(|(id, _)| SignalId::new(id)).collect()
}

/// What each signal asks. A trigger on an alert has a monitor that asks whom the plan's monitors of alerts ask.
fn questions(places: &Places<'_>) -> BTreeMap<String, String> {
    let plan = places.plan;
    let list = |name: &str| plan.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let called = |table: &Map<String, Value>| table.get("id").and_then(Value::as_str).map(str::to_owned);
    let monitors = list("monitor").filter_map(called).map(|id| format!("monitor.{id}"));
    let keys = [OF_ITS_NAME.as_slice(), &OF_ITS_RHYTHM].concat();
    let mut all = BTreeMap::new();
    for id in monitors.chain(list("signal").filter_map(called)) {
        let text = source(places, &behind(plan, &id), &keys);
        all.insert(id, text);
    }
    for trigger in list("trigger") {
        let alert = trigger.get("when").and_then(Value::as_str).and_then(|when| when.strip_prefix("alert."));
        let Some(alert) = alert else { continue };
        let named = trigger.get("alerts").and_then(Value::as_str).and_then(|from| from.strip_prefix("monitor."));
        let asks = list("monitor").filter(|table| table.contains_key("alerts"));
        let asks = asks.filter(|table| named.is_none_or(|named| called(table).as_deref() == Some(named)));
        all.insert(format!("monitor.alert.{alert}"), asks.map(|table| source(places, &[table], &keys)).collect());
    }
    all
}

/// What the tables of one source say, without these keys, and where it is.
fn source(places: &Places<'_>, tables: &[&Map<String, Value>], keys: &[&str]) -> String {
    let keys = [keys, &[PLACE]].concat();
    let says = Value::Array(tables.iter().map(|table| without(table, &keys)).collect());
    places.told(&says, places.of(tables.iter().copied()))
}

/// Adds what a soak's objectives and a signal's monitor say: they decide what the item comes to.
fn with_watched(places: &Places<'_>, item: &Map<String, Value>, text: &mut String) {
    let asked = item.get("soak").and_then(|soak| soak.get("objectives"));
    let asked = asked.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let objectives: Vec<_> = asked.filter_map(|id| named_in(places.plan, "objective", id)).collect();
    let of_item = item.get("signal").and_then(|signal| signal.get("from")).and_then(Value::as_str);
    let of_objectives = objectives.iter().flat_map(|objective| {
        ["signal", "per", "minus", "against"].into_iter().filter_map(|key| objective.get(key).and_then(Value::as_str))
    });
    let sources: BTreeSet<&str> = of_objectives.chain(of_item).collect();
    objectives.iter().for_each(|objective| text.push_str(&places.told(&without(objective, &OF_ITS_NAME), None)));
    sources.into_iter().for_each(|id| text.push_str(&source(places, &behind(places.plan, id), &OF_ITS_NAME)));
}

fn write(value: &Value, text: &mut String) {
    text.push_str(&value.to_string());
    text.push('\n');
}

/// The same value whatever order its keys were written in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(table) => {
            let keys: BTreeMap<&String, &Value> = table.iter().collect();
            Value::Object(keys.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
