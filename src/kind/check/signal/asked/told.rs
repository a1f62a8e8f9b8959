//! The examples of a `[[signal]]`: a good one where none is written, and what the simulated target answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Asked, Each, Sample, What, many};
use crate::base::template::{Scope, Shape};
use crate::kind::check::prometheus::{document, seen as as_seen, told};
use crate::kind::check::signal::{Source, ask, told as of_source};
use crate::kind::check::{Answered, Route, Seen, Session};

/// What a signal reads where its plan shows no example.
const NUMBER: f64 = 1.0;
/// Whose it is then.
const WHOSE: &str = "one";

pub(super) fn good(asked: &Asked) -> Result<Answered, String> {
    let plain = |json: Value| Answered { status: Some(200), json: Some(Shape::Plain(json)), ..Answered::default() };
    match (&asked.each, &asked.source) {
        (Each::One, source) => {
            let mut good = of_source::of_number(source, NUMBER, 1)?;
            if let (Some(program), Some(Shape::Plain(document))) = (&asked.instance, &mut good.json) {
                of_source::put(document, program, json!(WHOSE))?;
            }
            Ok(good)
        }
        (Each::Of(_), _) => Ok(plain(json!({ "series": [{ "instance": WHOSE, "value": NUMBER }] }))),
        (Each::Buckets(label), _) => {
            let mut one = json!({ "buckets": { "+Inf": NUMBER } });
            if label.is_some() {
                one["instance"] = json!(WHOSE);
            }
            Ok(plain(json!({ "series": [one] })))
        }
    }
}

pub(super) fn seen(asked: &Asked, example: &Answered, scope: &Scope) -> Seen {
    let label = match &asked.source {
        Source::Promql(promql) => promql.query.written(),
        _ => String::new(),
    };
    let document = match example.status {
        Some(status) if !(200..300).contains(&status) => json!({ "series": format!("the server answers {status}") }),
        _ => document(example, scope).unwrap_or_default(),
    };
    let took = example.after.unwrap_or(Duration::ZERO);
    Seen { answers: vec![(label, Ok(as_seen(&document, took)))], control_answers: false }
}

pub(super) fn routes(asked: &Asked, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
    match (&asked.source, &asked.each) {
        (Source::Json(_), _) => {
            let others = asked.others.iter().map(|json| Source::Json(Box::new(json.clone())));
            let all = std::iter::once(asked.source.clone()).chain(others);
            all.flat_map(|source| of_source::routes(&source, 1, good, session, scope)).collect()
        }
        (source, Each::One) => of_source::routes(source, 1, good, session, scope),
        (Source::Promql(promql), each) => {
            let Some((query, age)) = many::open_queries(promql, scope) else { return Vec::new() };
            let of = |good: &Answered| {
                let read = document(good, scope).unwrap_or_default();
                let both = [(Some(query.clone()), false), (age.clone(), true)];
                let routes = both.into_iter().filter_map(|(query, ages)| {
                    let query = query?;
                    let pairs = [("query", query.as_str()), ("time", "{{ time }}")];
                    let answer = told(good, many::vector(each, &read, ages));
                    promql.server.route(ask::path(), &pairs, answer, session, scope)
                });
                routes.collect::<Vec<_>>()
            };
            good.iter().flat_map(of).collect()
        }
        _ => Vec::new(),
    }
}

/// `example` with these numbers, and how old they are, in the place of its own, dated `ahead` of our clock; none
/// where they stand at no plain path.
pub(super) fn showing(
    asked: &Asked,
    example: &Answered,
    samples: &[Sample],
    ahead: Duration,
    scope: &Scope,
) -> Option<Answered> {
    let one = samples.first()?;
    let What::Number(number) = one.what else { return series(asked, example, samples, scope) };
    match (&asked.source, &asked.each) {
        (Source::Promql(_), Each::One) => {
            let mut read = document(example, scope).unwrap_or_else(|| json!({}));
            read["value"] = json!(number);
            read["age"] = json!(one.age.as_secs_f64());
            if let Some(of) = one.of {
                read["samples"] = json!(of);
            }
            Some(told(example, read))
        }
        (Source::Promql(_), _) => series(asked, example, samples, scope),
        (source, _) => of_source::showing(source, example, number, one.of, (one.age, ahead)),
    }
}

fn series(asked: &Asked, example: &Answered, samples: &[Sample], scope: &Scope) -> Option<Answered> {
    let mut read = document(example, scope)?;
    let all: Vec<Value> = samples
        .iter()
        .map(|sample| {
            let mut one = json!({ "age": sample.age.as_secs_f64() });
            if let Some(name) = &sample.instance {
                one["instance"] = json!(&**name);
            }
            match &sample.what {
                What::Number(number) => one["value"] = json!(number),
                What::Buckets(upto) => {
                    for (bound, count) in upto.iter() {
                        let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                        one["buckets"][bound] = json!(count);
                    }
                }
            }
            one
        })
        .collect();
    if asked.each == Each::One {
        return None;
    }
    read["series"] = json!(all);
    Some(told(example, read))
}
