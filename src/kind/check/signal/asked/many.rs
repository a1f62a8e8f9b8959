//! Several series of one query: one of each process, or the buckets of histograms. What was read stands in a
//! document, `{ series: [{ instance, value | buckets, age }] }`, that an example of the plan has the form of too.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join;
use serde_json::{Map, Value, json};

use super::{Each, MOST_SERIES, Sample, Told, What, seconds};
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{self, Cause};
use crate::clock;
use crate::kind::check::prometheus::{data, seen, skewed};
use crate::kind::check::signal::ask::{path, time};
use crate::kind::check::signal::{Promql, selectors};
use crate::kind::check::{Context, Seen};
use crate::launch::time::Wall;

/// Rows of one answer: each bucket is one.
const MOST_ROWS: usize = 20 * MOST_SERIES;
/// The label of a bucket's bound.
pub(super) const LE: &str = "le";

/// The queries for all the series, and for how old each is.
pub(super) fn queries(
    promql: &Promql,
    text: impl Fn(&Template) -> Result<String, Unbound>,
) -> Result<(String, Option<String>), Unbound> {
    let value = text(&promql.query)?;
    let age = match &promql.age {
        Some(age) => Some(text(age)?),
        None if selectors::is_one(&value) => Some(format!("time() - timestamp({value})")),
        None => selectors::age(&value),
    };
    Ok((value, age))
}

pub(super) async fn ask(promql: &Promql, each: &Each, cx: &Context) -> Seen {
    let scope = cx.values();
    let unsent =
        |why: String| Seen { answers: vec![(promql.query.written(), Err(Cause::Ours(why)))], control_answers: false };
    let (query, age) = match queries(promql, |template| template.text(&scope)) {
        Ok(queries) => queries,
        Err(unbound) => return unsent(unbound.to_string()),
    };
    let now = clock::wall();
    let at = time(now);
    let send = |query: String| {
        let (at, scope) = (&at, &scope);
        async move { promql.server.ask(path(), &[("query", &query), ("time", at)], scope, cx).await.1 }
    };
    let old = async {
        match age {
            Some(age) => Some(send(age).await),
            None => None,
        }
    };
    let (value, age) = join(send(query.clone()), old).await;
    let answer = value.and_then(|value| {
        let document = document(each, &value, age.transpose()?.as_ref(), now);
        Ok(seen(&document, value.took))
    });
    Seen { answers: vec![(query, answer)], control_answers: false }
}

/// The labels of a row, and its number.
type Row<'a> = (&'a Map<String, Value>, f64);

fn rows(data: &Value) -> Result<Vec<Row<'_>>, String> {
    let (Some("vector"), Some(rows)) = (data["resultType"].as_str(), data["result"].as_array()) else {
        let what = data["resultType"].as_str().unwrap_or("nothing");
        return Err(format!("a {what}, not series with labels"));
    };
    if rows.is_empty() {
        return Err("an empty vector: no series".to_owned());
    }
    if rows.len() > MOST_ROWS {
        return Err(format!("{} series, at most {MOST_ROWS}: narrow the query", rows.len()));
    }
    let row = |row: &'_ Value| -> Result<f64, String> {
        let text = row["value"].get(1).and_then(Value::as_str).ok_or("a series without a value")?;
        text.parse::<f64>().map_err(|_| "a value that is no number".to_owned())
    };
    rows.iter()
        .map(|found| {
            let labels = found["metric"].as_object().ok_or("a series without labels")?;
            Ok((labels, row(found)?))
        })
        .collect()
}

/// What the answers to the query, and to how old its series are, come to.
pub(super) fn document(each: &Each, value: &wire::Answer, age: Option<&wire::Answer>, now: Wall) -> Value {
    let mut warnings = Vec::new();
    let mut read = |answer: &wire::Answer| {
        let (data, warned) = data(answer)?;
        warnings.extend(warned);
        Ok::<Value, String>(data)
    };
    let series = read(value).and_then(|data| {
        let ages = match (skewed(value, now), age.map(&mut read)) {
            (Some(why), _) => Err(why),
            (None, Some(ages)) => ages,
            (None, None) => Err("the query looks at no series".to_owned()),
        };
        let ages = ages.map_err(|why| format!("the age of its series: {why}"))?;
        series(each, &rows(&data)?, &rows(&ages).map_err(|why| format!("the age of its series: {why}"))?)
    });
    warnings.sort();
    warnings.dedup();
    match series {
        Ok(series) => json!({ "series": series, "warnings": warnings }),
        Err(why) => json!({ "series": why, "warnings": warnings }),
    }
}

/// The labels by which a row is known, without its name and its bucket.
fn known(labels: &Map<String, Value>) -> String {
    let mut all: Vec<String> = labels
        .iter()
        .filter(|(name, _)| !["__name__", LE].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    all.sort_unstable();
    all.join(",")
}

fn series(each: &Each, rows: &[Row<'_>], ages: &[Row<'_>]) -> Result<Vec<Value>, String> {
    // One age without labels is that of all.
    let whole = match ages {
        [(labels, age)] if labels.is_empty() => Some(*age),
        _ => None,
    };
    let ages: BTreeMap<String, f64> = ages.iter().map(|(labels, age)| (known(labels), *age)).collect();
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for (labels, value) in rows {
        let label = |name: &str| labels.get(name).and_then(Value::as_str).map(str::to_owned);
        let whose = match each {
            Each::Of(name) | Each::Buckets(Some(name)) => {
                label(name).ok_or_else(|| format!("a series without the label `{name}`"))?
            }
            _ => known(labels),
        };
        let age = ages.get(&known(labels)).copied().or(whole);
        let age = age.ok_or_else(|| format!("nobody tells how old {} is", known(labels)))?;
        let known = all.get_mut(&whose);
        let Each::Buckets(_) = each else {
            if known.is_some() {
                return Err(format!("several series of `{whose}`: make them one, with `sum by (…)`"));
            }
            all.insert(whose.clone(), json!({ "instance": whose, "value": value, "age": age }));
            continue;
        };
        let bound = label(LE).ok_or("a series without the label `le`: no bucket of a histogram")?;
        let whole = match known {
            Some(whole) => whole,
            None => all.entry(whose.clone()).or_insert_with(|| json!({ "instance": whose, "buckets": {}, "age": age })),
        };
        // Of several histograms of one process the oldest tells how old the sum is.
        whole["age"] = json!(whole["age"].as_f64().map_or(age, |oldest| oldest.max(age)));
        let before = whole["buckets"][bound.as_str()].as_f64().unwrap_or_default();
        whole["buckets"][bound.as_str()] = json!(before + value);
    }
    if all.len() > MOST_SERIES {
        return Err(format!("series of {} processes, at most {MOST_SERIES}: narrow the query", all.len()));
    }
    Ok(all.into_values().collect())
}

/// The samples of a document.
pub(super) fn read(each: &Each, seen: &Seen) -> Told {
    let document: Value = match seen.answers.first() {
        Some((_, Ok(answer))) => serde_json::from_slice(&answer.http.body).unwrap_or_default(),
        Some((label, Err(cause))) => return Told::none(format!("{label}: {}", cause.words())),
        None => return Told::none("nothing was asked".to_owned()),
    };
    let warnings = document["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let warning = Some(warnings.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty());
    let series = match &document["series"] {
        Value::Array(series) if !series.is_empty() => series,
        Value::String(why) => return Told { warning, ..Told::none(why.clone()) },
        _ => return Told { warning, ..Told::none("no series".to_owned()) },
    };
    let mut told = Told { warning, ..Told::default() };
    for one in series {
        match sample(each, one) {
            Ok(sample) => told.samples.push(sample),
            Err(why) => {
                let whose = one["instance"].as_str().unwrap_or_default();
                told.silent.extend((!whose.is_empty()).then(|| whose.into()));
                told.wrong.get_or_insert(format!("{whose}: {why}").trim_start_matches(": ").to_owned());
            }
        }
    }
    told
}

fn sample(each: &Each, one: &Value) -> Result<Sample, String> {
    let instance = one["instance"].as_str().filter(|name| !name.is_empty()).map(Arc::from);
    let what = match each {
        Each::Buckets(_) => What::Buckets(buckets(&one["buckets"])?),
        _ => {
            let value = one["value"].as_f64().filter(|value| value.is_finite());
            What::Number(value.ok_or("no number")?)
        }
    };
    let age = match &one["age"] {
        Value::Null => 0.0,
        age => age.as_f64().ok_or("of an age that cannot be told")?,
    };
    Ok(Sample { instance, what, age: seconds(age), of: None })
}

/// Ascending, the last bound infinite, no count below the one before: anything else is no histogram, or one that
/// was read half way.
fn buckets(told: &Value) -> Result<Arc<[(f64, f64)]>, String> {
    let Some(told) = told.as_object() else { return Err("no buckets".to_owned()) };
    let mut all = Vec::with_capacity(told.len());
    for (bound, count) in told {
        let bound = match bound.as_str() {
            "+Inf" => f64::INFINITY,
            text => text.parse::<f64>().ok().filter(|bound| !bound.is_nan()).ok_or("a bound that is no number")?,
        };
        let count = count.as_f64().filter(|count| count.is_finite() && *count >= 0.0);
        all.push((bound, count.ok_or("a bucket without a count")?));
    }
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if all.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        return Err("no bucket `+Inf`: nobody knows of how many".to_owned());
    }
    if all.windows(2).any(|pair| matches!(pair, [(_, low), (_, high)] if low > high)) {
        return Err("a bucket with less than the one below it".to_owned());
    }
    Ok(all.into())
}

/// A vector of these series, for the simulated target: of their values, or of their ages.
pub(super) fn vector(each: &Each, document: &Value, ages: bool) -> Value {
    let mut rows = Vec::new();
    for one in document["series"].as_array().into_iter().flatten() {
        let mut labels = Map::new();
        let name = one["instance"].as_str().unwrap_or_default();
        match each {
            Each::Of(label) | Each::Buckets(Some(label)) => {
                labels.insert(label.clone(), json!(name));
            }
            _ => {
                let pairs = name.split(',').filter_map(|pair| pair.split_once('='));
                labels.extend(pairs.map(|(label, value)| (label.to_owned(), json!(value))));
            }
        }
        let age = one["age"].as_f64().unwrap_or_default();
        let mut row = |labels: Map<String, Value>, number: f64| {
            let number = if ages { age } else { number };
            rows.push(json!({ "metric": labels, "value": [0, number.to_string()] }));
        };
        let Each::Buckets(_) = each else {
            row(labels, one["value"].as_f64().unwrap_or_default());
            continue;
        };
        for (bound, count) in one["buckets"].as_object().into_iter().flatten() {
            let mut labels = labels.clone();
            labels.insert(LE.to_owned(), json!(bound));
            row(labels, count.as_f64().unwrap_or_default());
        }
    }
    json!({ "status": "success", "data": { "resultType": "vector", "result": rows } })
}

/// Every value of the plan's own names, those without one left as they are written.
pub(super) fn open_queries(promql: &Promql, scope: &Scope) -> Option<(String, Option<String>)> {
    let open = |template: &Template| {
        Ok(crate::kind::check::http::open(|scope| template.text(scope), scope).unwrap_or_else(|| template.written()))
    };
    queries(promql, open).ok()
}
