//! The examples of a `log` check: a good window made from plain expectations, and a window as it would be seen.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Count, Log, Number, Ratio, Source};
use crate::base::jq::Program;
use crate::base::template::Scope;
use crate::base::wire;
use crate::kind::check::{Answer, Answered, Ended, Seen};

/// Lines that an example may need; a plan that wants more writes one.
const MOST: u64 = 200;

pub(super) fn good(log: &Log, scope: &Scope) -> Result<Answered, String> {
    let expect = &log.expect;
    let mut lines: Vec<Value> = Vec::new();
    if let Some((at, all)) = &expect.events {
        for name in all {
            lines.push(placed(at, json!(name), Value::Null)?);
        }
    }
    for count in &expect.counts {
        lines.extend(of_count(count, scope)?);
    }
    for ratio in &expect.ratios {
        lines.extend(of_ratio(ratio, scope)?);
    }
    for number in &expect.numbers {
        lines.extend(of_number(number, scope)?);
    }
    if lines.is_empty() {
        lines.push(json!({ "line": 1 }));
    }
    let mut body: Vec<String> = lines.iter().map(Value::to_string).collect();
    for pattern in &expect.text {
        if regex::escape(pattern.as_str()) != pattern.as_str() {
            return Err(format!("`{pattern}` is more than plain text: write an example"));
        }
        body.push(pattern.as_str().to_owned());
    }
    Ok(Answered { body: Some(body.join("\n")), ..Answered::default() })
}

fn of_count(count: &Count, scope: &Scope) -> Result<Vec<Value>, String> {
    let wanted = count.that.example().map(f64::round).filter(|wanted| *wanted >= 0.0 && *wanted <= MOST as f64);
    let wanted =
        wanted.ok_or_else(|| format!("`{}` is no plain number of lines: write an example", count.that.words()))?;
    let mut lines = vec![other(&count.of, scope)?];
    let mut left = wanted;
    while left >= 1.0 {
        lines.push(satisfied(&count.of, scope, Value::Null)?);
        left -= 1.0;
    }
    Ok(lines)
}

fn of_ratio(ratio: &Ratio, scope: &Scope) -> Result<Vec<Value>, String> {
    if !ratio.that.holds(0.0, crate::launch::threshold::Unit::base(crate::launch::threshold::Dimension::Share))
        || ratio.min > MOST
    {
        return Err(format!("`{}` wants more than a plain example: write one", ratio.that.words()));
    }
    let line = || {
        let without = other(&ratio.of, scope)?;
        match &ratio.to {
            Some(to) => satisfied(to, scope, without),
            None => Ok(without),
        }
    };
    (0..ratio.min).map(|_| line()).collect()
}

fn of_number(number: &Number, scope: &Scope) -> Result<Vec<Value>, String> {
    let plain = || format!("`{}` is more than a plain comparison: write an example", number.that.words());
    let base = number.that.example().filter(|_| number.min <= MOST).ok_or_else(plain)?;
    let value = base / number.unit.in_base();
    let line = || {
        let line = placed(&number.json, json!(value), Value::Null)?;
        match &number.of {
            Some(of) => satisfied(of, scope, line),
            None => Ok(line),
        }
    };
    (0..number.min).map(|_| line()).collect()
}

/// `into` with what satisfies `program`.
fn satisfied(program: &Program, scope: &Scope, into: Value) -> Result<Value, String> {
    let (path, value) = plain(program, scope)?;
    put(&path, value, into)
}

/// A line that says something of what `program` asks, and does not satisfy it.
fn other(program: &Program, scope: &Scope) -> Result<Value, String> {
    let (path, value) = plain(program, scope)?;
    let other = match value {
        Value::String(text) => json!(format!("other-than-{text}")),
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => {
            // Which side of it is the wrong one is not known.
            let value = number.as_f64().unwrap_or_default();
            json!(if program.text.contains('>') { value - 1_000.0 } else { value + 1_000.0 })
        }
        _ => return Err(format!("`{}` is more than a plain comparison: write an example", program.text)),
    };
    put(&path, other, Value::Null)
}

fn plain(program: &Program, scope: &Scope) -> Result<(Vec<Value>, Value), String> {
    program
        .satisfied_by(scope)
        .ok_or_else(|| format!("`{}` is more than a plain comparison: write an example", program.text))
}

fn placed(program: &Program, value: Value, into: Value) -> Result<Value, String> {
    let paths = program.paths();
    let [path] = paths.as_slice() else {
        return Err(format!("`{}` is more than a plain path: write an example", program.text));
    };
    put(path, value, into)
}

/// Puts `value` at a path of keys into an object.
fn put(path: &[Value], value: Value, into: Value) -> Result<Value, String> {
    let mut root = if into.is_object() { into } else { Value::Object(Map::new()) };
    let mut at = &mut root;
    for step in path {
        let key = step.as_str().ok_or("a path with an index: write an example")?;
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().ok_or("a path through a value: write an example")?.entry(key).or_insert(Value::Null);
    }
    if path.is_empty() {
        return Err("a path of nothing: write an example".to_owned());
    }
    *at = value;
    Ok(root)
}

pub(super) fn seen(log: &Log, example: &Answered) -> Seen {
    let text = example.stdout.clone().or_else(|| example.body.clone()).unwrap_or_default();
    let ended = match log.source {
        Source::Command(_) => Some(Ended { exit: Some(example.exit.unwrap_or(0)), ..Ended::default() }),
        Source::File(_) => None,
    };
    let http = wire::Answer { body: Bytes::from(text), ..wire::Answer::default() };
    Seen { answers: vec![("log".to_owned(), Ok(Answer { http, ended, ..Answer::default() }))], control_answers: false }
}
