//! Reads the table of a `sequence` step, and of all that stands inside. Every mistake is reported at its own
//! place; nothing is begun.

use std::time::Duration;

use serde_json::Value;
use toml::de::DeValue;

use super::{MOST_ROUNDS, Nested, Sequence, Values};
use crate::base::table::{Placed, Table, plain_value};
use crate::kind::check;
use crate::kind::step::{Spec, nested};

/// Between two looks of the guards where the plan says nothing.
const EVERY: Duration = Duration::from_secs(10);
/// A guard that looks more often than this is load.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) fn read(table: &Table<'_>) -> Option<Sequence> {
    let values = for_each(table);
    let steps = steps(table, "steps");
    if !table.has("steps") {
        table.missing("steps", "`steps = [{ traffic = { … } }]`");
    } else if table.is_empty_list("steps") {
        table.missing("steps", "a step: this sequence does nothing");
    }
    let guard = guards(table);
    let wait = table.duration("wait").unwrap_or_default();
    let every = table.duration("every").unwrap_or(EVERY);
    if every < SHORTEST {
        table.wrong_value(place(table, "every"), "`every` is less than 100ms");
    }
    let unknown_stops = table.word("guard_unknown", &[("stop", true), ("go_on", false)]);
    let undoes = table.word("on_breach", &[("stop", false), ("undo", true)]).unwrap_or(false);
    let undo = steps_of(table, "undo");
    let from_read = table.word("from", &[("read", true), ("first", false)]).unwrap_or(true);
    if undoes && undo.is_empty() && !table.has("undo") {
        table.missing("undo", "`undo = [{ … }]`: what `on_breach = \"undo\"` does");
    }
    if !undoes && !undo.is_empty() {
        table.wrong_value(place(table, "undo"), "`undo` has no effect without `on_breach = \"undo\"`");
    }
    if table.has("guard_unknown") && !table.has("guard") {
        table.wrong_value(place(table, "guard_unknown"), "`guard_unknown` has no effect without a `guard`");
    }
    let (name, values) = values?;
    Some(Sequence {
        name,
        values,
        steps: steps?,
        wait,
        every,
        guard,
        unknown_stops: unknown_stops.unwrap_or(true),
        undoes,
        undo,
        from_read,
    })
}

fn place(table: &Table<'_>, key: &str) -> crate::base::source::Span {
    table.keys().into_iter().find(|(there, _)| *there == key).map_or(table.span, |(_, span)| span)
}

/// `for_each = { weight = [75, 50] }`, or the name of a variable that is a list.
fn for_each(table: &Table<'_>) -> Option<(String, Values)> {
    if !table.has("for_each") {
        table.missing("for_each", "`for_each = { weight = [75, 50, 25] }`");
    }
    let owner = table.table("for_each")?;
    let keys = owner.keys();
    let [(name, span)] = keys.as_slice() else {
        owner.wrong_value(owner.span, "`for_each` binds exactly one name: `{ weight = [75, 50, 25] }`");
        owner.accept_all();
        return None;
    };
    let values = match owner.any(name) {
        Some(Placed { value: value @ DeValue::Array(values), span }) => {
            let rounds: Vec<Value> = values.iter().map(|value| plain_value(value.get_ref())).collect();
            let scalar = rounds.iter().all(|value| !value.is_array() && !value.is_object());
            if !owner.fits(value, span) {
                None
            } else if rounds.is_empty() || rounds.len() > MOST_ROUNDS || !scalar {
                owner
                    .wrong_value(span, format!("1 to {MOST_ROUNDS} plain values: this sequence has none, or too many"));
                None
            } else {
                Some(Values::Plain(rounds))
            }
        }
        Some(Placed { value: DeValue::String(text), span }) => {
            let named = if text.contains("{{") { text.to_string() } else { format!("{{{{ {text} }}}}") };
            owner.templated(&named, span).map(Values::Named)
        }
        _ => {
            owner.wrong_value(*span, "a list of values, or the name of a variable that is one");
            None
        }
    };
    let name = (*name).to_owned();
    owner.accept_all();
    Some((name, values?))
}

/// None where one of them is wrong, or none is there.
fn steps(table: &Table<'_>, key: &'static str) -> Option<Vec<Nested<Spec>>> {
    let count = table.tables(key).len();
    let steps = steps_of(table, key);
    (count > 0 && steps.len() == count).then_some(steps)
}

fn steps_of(table: &Table<'_>, key: &'static str) -> Vec<Nested<Spec>> {
    let read = |(at, owner): (usize, Table<'_>)| {
        let called = called(&owner, at);
        // Its examples are the plan's to read.
        if owner.any("send").is_some() {
            owner.accept("example");
        }
        let spec = nested::step(&owner);
        owner.finish();
        spec.map(|spec| Nested { called: called.unwrap_or_else(|| spec.kind().name.to_owned()), spec })
    };
    table.tables(key).into_iter().enumerate().filter_map(read).collect()
}

fn guards(table: &Table<'_>) -> Vec<Nested<check::Spec>> {
    let read = |(at, owner): (usize, Table<'_>)| {
        let called = called(&owner, at);
        // Its examples are the plan's to read.
        owner.accept("example");
        let spec = nested::check(&owner);
        owner.finish();
        spec.map(|spec| Nested { called: called.unwrap_or_else(|| spec.kind().name.to_owned()), spec })
    };
    table.tables("guard").into_iter().enumerate().filter_map(read).collect()
}

fn called(owner: &Table<'_>, at: usize) -> Option<String> {
    let id = owner.text("id")?;
    if id.value.trim().is_empty() {
        owner.wrong_value(id.span, format!("the id of number {} is empty", at + 1));
    }
    Some(crate::base::text::printable(id.value.trim()))
}
