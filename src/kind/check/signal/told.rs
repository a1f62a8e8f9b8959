//! The examples of a `signal`: a good one made from its threshold, one as it would be seen, and what the simulated
//! target answers on the wire. Of Prometheus and of a monitor an example tells what was read of them: `{ value,
//! samples, age }`, `{ samples, against, age }`; what it leaves out is as it should be.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ask::{self, Queries};
use super::command::Place;
use super::{Json, Signal, Source};
use crate::base::jq::Program;
use crate::base::template::{Scope, Shape};
use crate::kind::check::http::{answer, open};
use crate::kind::check::prometheus::{Server, document, seen as as_seen, told, vector};
use crate::kind::check::{Answered, Ended, Route, Seen, Session};

/// A moment, as a header and as an instant in a document.
const DATE: (&str, &str) = ("Thu, 01 Jan 2026 00:00:00 GMT", "2026-01-01T00:00:00Z");

pub(super) fn good(signal: &Signal) -> Result<Answered, String> {
    let least = signal.least();
    match &signal.source {
        Source::Monitor(_) => {
            let against = if signal.that.holds_counted(0, least) { 0 } else { least };
            Ok(plain(json!({ "samples": least, "against": against, "age": 0 })))
        }
        source => of_number(source, value(signal)?, least),
    }
}

fn plain(json: Value) -> Answered {
    Answered { status: Some(200), json: Some(Shape::Plain(json)), ..Answered::default() }
}

/// The example of a source that gives this number, of this many samples.
pub(super) fn of_number(source: &Source, value: f64, least: u64) -> Result<Answered, String> {
    match source {
        Source::Promql(_) => Ok(plain(json!({ "value": value }))),
        Source::Monitor(_) => Err("a monitor has samples, no number".to_owned()),
        Source::Command(command) => {
            let stdout = match &command.place {
                Place::Whole => value.to_string(),
                Place::Json(jq) => {
                    let mut document = Value::Null;
                    put(&mut document, jq, json!(value))?;
                    if let Some(samples) = &command.samples {
                        put(&mut document, samples, json!(least))?;
                    }
                    document.to_string()
                }
                Place::Pattern(pattern) => return Err(format!("`{pattern}` finds a number: write an example")),
            };
            Ok(Answered { exit: Some(0), stdout: Some(stdout), ..Answered::default() })
        }
        Source::Json(json) => {
            let mut document = Value::Null;
            put(&mut document, &json.jq, json!(value))?;
            if let Some(samples) = &json.samples {
                put(&mut document, samples, json!(least))?;
            }
            let mut good = Answered::default();
            if let Some(at) = &json.at {
                put(&mut document, at, json!(DATE.1))?;
                good.headers.push(("Date".to_owned(), DATE.0.to_owned()));
            }
            Ok(Answered { headers: good.headers, ..plain(document) })
        }
    }
}

/// A number that holds, in the unit of the source.
fn value(signal: &Signal) -> Result<f64, String> {
    let none = || format!("no number is {}: write an example", signal.that.words());
    let base = signal.that.example().ok_or_else(none)?;
    // In the unit that the number comes in; one that does not come out even is moved into what holds.
    let own = base / signal.unit.in_base();
    let tries = [own, own * 0.999, own * 1.001, own - 1.0, own + 1.0];
    tries.into_iter().find(|own| signal.that.holds(*own, signal.unit)).ok_or_else(none)
}

/// Puts a value at a program's path, where it is plain.
pub(super) fn put(root: &mut Value, program: &Program, value: Value) -> Result<(), String> {
    let no = || format!("`{}` is more than a plain path: write an example", program.text);
    let [path] = <[_; 1]>::try_from(program.paths()).map_err(|_| no())?;
    if !program.is_bare() || path.is_empty() {
        return Err(no());
    }
    let mut at = root;
    for step in &path {
        let key = step.as_str().ok_or_else(no)?;
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().ok_or_else(no)?.entry(key).or_insert(Value::Null);
    }
    if !at.is_null() {
        return Err(format!("`{}` stands where another value does", program.text));
    }
    *at = value;
    Ok(())
}

/// What an example tells was read, what it does not say filled in.
fn filled(source: &Source, least: u64, example: &Answered, scope: &Scope) -> Value {
    let mut document = document(example, scope).unwrap_or_else(|| json!({}));
    if let Some(entries) = document.as_object_mut() {
        entries.entry("samples").or_insert_with(|| json!(least));
        entries.entry("age").or_insert(json!(0));
        if let Source::Monitor(_) = source {
            entries.entry("against").or_insert(json!(0));
        }
    }
    document
}

pub(super) fn seen(source: &Source, least: u64, example: &Answered, scope: &Scope) -> Seen {
    let took = example.after.unwrap_or(Duration::ZERO);
    let label = match source {
        Source::Promql(promql) => promql.query.written(),
        Source::Json(json) => json.address.written(),
        Source::Command(command) => command.invocation.written(),
        Source::Monitor(watched) => format!("monitor {}", watched.monitor),
    };
    let told = match source {
        Source::Json(_) => answer(example, example.status.unwrap_or(200), scope),
        Source::Command(_) => answer(example, 0, scope).map(|mut answer| {
            if let Some(stdout) = &example.stdout {
                answer.http.body = stdout.clone().into();
            }
            answer.ended = Some(Ended { exit: Some(example.exit.unwrap_or(0)), ..Ended::default() });
            answer
        }),
        Source::Promql(_) | Source::Monitor(_) => match example.status {
            Some(status) if !(200..300).contains(&status) => {
                let why = format!("the server answers {status}");
                Ok(as_seen(&json!({ "value": why, "samples": why, "age": why }), took))
            }
            _ => Ok(as_seen(&filled(source, least, example, scope), took)),
        },
    };
    Seen { answers: vec![(label, told)], control_answers: false }
}

pub(super) fn routes(
    source: &Source,
    least: u64,
    good: &[Answered],
    session: Option<&Session>,
    scope: &Scope,
) -> Vec<Route> {
    let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
    match source {
        Source::Monitor(_) | Source::Command(_) => Vec::new(),
        Source::Json(json) => good.iter().filter_map(|good| document_route(json, good, session, &scope)).collect(),
        Source::Promql(promql) => {
            // A text with every name that has no value left as it is written.
            let text = |template: &crate::base::template::Template| {
                Ok(open(|scope| template.text(scope), &scope).unwrap_or_else(|| template.written()))
            };
            let Ok(queries) = Queries::of(promql, text) else { return Vec::new() };
            let each = good.iter().flat_map(|good| {
                let read = filled(source, least, good, &scope);
                let parts = [
                    (Some(&queries.value), "value"),
                    (queries.samples.as_ref(), "samples"),
                    (queries.age.as_ref(), "age"),
                ];
                let asked = parts.into_iter().filter_map(|(query, key)| Some((query?, read[key].as_f64())));
                let asked = asked.filter_map(|(query, value)| {
                    let pairs = [("query", query.as_str()), ("time", "{{ time }}")];
                    promql.server.route(ask::path(), &pairs, told(good, vector(value)), session, &scope)
                });
                asked.collect::<Vec<_>>()
            });
            each.collect()
        }
    }
}

fn document_route(json: &Json, good: &Answered, session: Option<&Session>, scope: &Scope) -> Option<Route> {
    let server = Server { address: json.address.clone(), headers: json.headers.clone() };
    let url = open(|scope| Session::join(session, &json.address, scope), scope)?;
    Some(Route { url, ..server.route("", &[], good.clone(), session, scope)? })
}

/// `example` with another number, of so many samples, so old and so far ahead, where it stands at a plain place.
pub(super) fn showing(
    source: &Source,
    example: &Answered,
    number: f64,
    of: Option<u64>,
    (age, ahead): (Duration, Duration),
) -> Option<Answered> {
    let mut shown = example.clone();
    match source {
        Source::Json(json) => {
            let document = shown.json.as_mut()?;
            set(document, &json.jq, &json!(number))?;
            if let (Some(samples), Some(of)) = (&json.samples, of) {
                set(document, samples, &json!(of))?;
            }
            if let Some(at) = json.at.as_ref().filter(|_| age != ahead) {
                let known = get(document, at)?;
                set(document, at, &moved(&known, ahead.as_secs_f64() - age.as_secs_f64())?)?;
            }
        }
        Source::Command(command) => {
            let stdout = shown.stdout.as_mut()?;
            *stdout = match &command.place {
                Place::Whole => number.to_string(),
                Place::Json(jq) => {
                    let mut document = Shape::Plain(serde_json::from_str(stdout).ok()?);
                    set(&mut document, jq, &json!(number))?;
                    let Shape::Plain(document) = document else { return None };
                    document.to_string()
                }
                Place::Pattern(pattern) => {
                    let found = pattern.captures(stdout)?.get(1)?.range();
                    format!("{}{number}{}", &stdout[..found.start], &stdout[found.end..])
                }
            };
        }
        Source::Promql(_) | Source::Monitor(_) => return None,
    }
    Some(shown)
}

/// An instant of a document, so many seconds later.
fn moved(at: &Value, by: f64) -> Option<Value> {
    match at {
        Value::String(text) => {
            let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
            let by = chrono::TimeDelta::milliseconds((by * 1_000.0) as i64);
            Some(json!(at.checked_add_signed(by)?.to_rfc3339()))
        }
        Value::Number(number) => {
            let number = number.as_f64()?;
            let per = if number.abs() < 1e11 { 1.0 } else { 1_000.0 };
            Some(json!(number + by * per))
        }
        _ => None,
    }
}

fn plain_path(program: &Program) -> Option<Vec<Value>> {
    let [path] = <[_; 1]>::try_from(program.paths()).ok()?;
    (program.is_bare() && !path.is_empty()).then_some(path)
}

fn get(shape: &Shape, program: &Program) -> Option<Value> {
    let mut at = shape;
    let path = plain_path(program)?;
    for (depth, key) in path.iter().enumerate() {
        at = match at {
            Shape::Table(entries) => &entries.iter().find(|(name, _)| Some(name.as_str()) == key.as_str())?.1,
            Shape::List(shapes) => shapes.get(usize::try_from(key.as_u64()?).ok()?)?,
            Shape::Plain(value) => {
                return path[depth..].iter().try_fold(value, |at, key| step(at, key)).cloned();
            }
            Shape::Text(_) => return None,
        };
    }
    if let Shape::Plain(value) = at { Some(value.clone()) } else { None }
}

fn step<'a>(at: &'a Value, key: &Value) -> Option<&'a Value> {
    match key {
        Value::String(key) => at.get(key),
        key => at.get(usize::try_from(key.as_u64()?).ok()?),
    }
}

/// Puts `value` where the program looks, in the place of what stands there.
fn set(shape: &mut Shape, program: &Program, value: &Value) -> Option<()> {
    let path = plain_path(program)?;
    let mut at = shape;
    for (depth, key) in path.iter().enumerate() {
        at = match at {
            Shape::Table(entries) => &mut entries.iter_mut().find(|(name, _)| Some(name.as_str()) == key.as_str())?.1,
            Shape::List(shapes) => shapes.get_mut(usize::try_from(key.as_u64()?).ok()?)?,
            Shape::Plain(plain) => {
                let mut at = plain;
                for key in &path[depth..] {
                    at = match key {
                        Value::String(key) => at.get_mut(key)?,
                        key => at.get_mut(usize::try_from(key.as_u64()?).ok()?)?,
                    };
                }
                *at = value.clone();
                return Some(());
            }
            Shape::Text(_) => return None,
        };
    }
    *at = Shape::Plain(value.clone());
    Some(())
}
