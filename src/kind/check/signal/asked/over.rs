//! A question for a time that has gone by: what Prometheus would have answered at each step of it, by the same query,
//! read by the same rules. No other source keeps what it said.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join3;
use serde_json::{Value, json};

use super::{Asked, Each, Source, Told, many};
use crate::base::template::{Scope, Template};
use crate::base::wire::Answer;
use crate::clock;
use crate::kind::check::prometheus::{data, seen, skewed};
use crate::kind::check::signal::Promql;
use crate::kind::check::signal::ask::{self, Queries, time};
use crate::kind::check::{Context, Seen};
use crate::launch::time::{Wall, millis};

/// Bytes of series over time, each sample with the name of its series.
const LARGEST: usize = 64 << 20;
/// Bytes of a sample beside that name.
const AROUND: usize = 64;
const QUERY_RANGE: &str = "/api/v1/query_range";
/// Steps of one request: Prometheus answers 11,000 at most, and an answer has a limit here too.
const STEPS: u32 = 1_000;

/// The steps of a time: the first, how far they are apart, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    pub first: Wall,
    pub apart: Duration,
    pub count: u32,
}

impl Steps {
    fn at(&self, step: u32) -> Wall {
        self.first + self.apart.saturating_mul(step)
    }

    /// The number of a step, by its time in seconds; none of a time between two.
    fn of(&self, seconds: f64) -> Option<u32> {
        let since = ((seconds * 1_000.0).round() as i64).saturating_sub(self.first.timestamp_millis());
        let apart = millis(self.apart).max(1);
        (since % apart == 0).then(|| u32::try_from(since / apart).ok()).flatten()
    }
}

/// The series of one query, by step.
type ByStep = BTreeMap<u32, Vec<Value>>;

impl Asked {
    /// Whether it can be asked for a time that has gone by.
    #[must_use]
    pub fn keeps(&self) -> bool {
        matches!(self.source, Source::Promql(_))
    }

    /// What it would have told at each of `steps`. It ends within a few times the context's timeout for each thousand.
    ///
    /// # Errors
    /// Why nothing of it is known, as a sentence.
    pub async fn over(&self, cx: &Context, steps: Steps) -> Result<Vec<Told>, String> {
        let Source::Promql(promql) = &self.source else { return Err("its source keeps nothing".to_owned()) };
        let scope = cx.values();
        let text = |template: &Template| template.text(&scope);
        let queries = match self.each {
            Each::One => Queries::of(promql, text).map_err(|unbound| unbound.to_string())?,
            _ => {
                let (value, age) = many::queries(promql, text).map_err(|unbound| unbound.to_string())?;
                Queries { value, samples: None, age }
            }
        };
        let mut told = Vec::new();
        let mut done = 0;
        while done < steps.count {
            let count = STEPS.min(steps.count - done);
            let part = Steps { first: steps.at(done), count, ..steps };
            told.extend(self.part(promql, &queries, &scope, cx, part).await?.into_iter().map(|told| shown(told, cx)));
            done += count;
        }
        Ok(told)
    }

    async fn part(
        &self,
        promql: &Promql,
        queries: &Queries,
        scope: &Scope,
        cx: &Context,
        steps: Steps,
    ) -> Result<Vec<Told>, String> {
        let ask = async |query: Option<&String>| match query {
            Some(query) => range(promql, query, scope, cx, steps).await.map(Some),
            None => Ok(None),
        };
        let all = join3(ask(Some(&queries.value)), ask(queries.samples.as_ref()), ask(queries.age.as_ref())).await;
        let (value, samples, age) = (all.0?, all.1?, all.2?);
        let at = |all: &Option<ByStep>, step: u32| {
            let all = all.as_ref()?;
            Some(vector(all.get(&step).map_or(&[], Vec::as_slice)))
        };
        let told = (0..steps.count).map(|step| {
            let value = at(&value, step).unwrap_or_default();
            let (samples, age, now) = (at(&samples, step), at(&age, step), steps.at(step));
            match self.each {
                Each::One => {
                    let reading = ask::read(&value, samples.as_ref(), age.as_ref(), now);
                    self.fresh(self.one(reading, Ok(None)))
                }
                _ => {
                    let document = many::document(&self.each, &value, age.as_ref(), now);
                    let answers = vec![(queries.value.clone(), Ok(seen(&document, Duration::ZERO)))];
                    self.fresh(many::read(&self.each, &Seen { answers, control_answers: false }))
                }
            }
        });
        Ok(told.collect())
    }
}

async fn range(promql: &Promql, query: &str, scope: &Scope, cx: &Context, steps: Steps) -> Result<ByStep, String> {
    let apart = millis(steps.apart);
    let (start, end) = (time(steps.first), time(steps.at(steps.count.saturating_sub(1))));
    let step = format!("{}.{:03}", apart / 1_000, apart % 1_000);
    let pairs = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
    let answer = promql.server.ask(QUERY_RANGE, &pairs, scope, cx).await.1.map_err(|cause| cause.words())?;
    if let Some(why) = skewed(&answer, clock::wall()) {
        return Err(why);
    }
    let (data, _) = data(&answer)?;
    by_step(&data, steps)
}

fn by_step(data: &Value, steps: Steps) -> Result<ByStep, String> {
    let (Some("matrix"), Some(rows)) = (data["resultType"].as_str(), data["result"].as_array()) else {
        return Err(format!("a {}, not series over time", data["resultType"].as_str().unwrap_or("nothing")));
    };
    let mut all = ByStep::new();
    let mut size = 0_usize;
    for row in rows {
        let named = row["metric"].to_string().len();
        // Histograms of the new kind have no values.
        let values = row["values"].as_array().ok_or("a series without values")?;
        for sample in values {
            let at = sample.get(0).and_then(Value::as_f64).and_then(|seconds| steps.of(seconds));
            let at = at.filter(|step| *step < steps.count).ok_or("a sample of a time that was not asked for")?;
            size = size.saturating_add(named).saturating_add(AROUND);
            if size > LARGEST {
                return Err(format!("more than {} MiB of series: narrow the query", LARGEST >> 20));
            }
            all.entry(at).or_default().push(json!({ "metric": row["metric"], "value": sample }));
        }
    }
    Ok(all)
}

/// The answer to an instant query with these series.
fn vector(rows: &[Value]) -> Answer {
    let body = json!({ "status": "success", "data": { "resultType": "vector", "result": rows } });
    Answer { status: 200, body: body.to_string().into(), ..Answer::default() }
}

fn shown(mut told: Told, cx: &Context) -> Told {
    let shown = |text: &str| crate::kind::exchange::shown(text, super::SHOWN, &cx.redactor);
    told.wrong = told.wrong.map(|why| shown(&why));
    told.warning = told.warning.map(|why| shown(&why));
    for sample in &mut told.samples {
        sample.instance = sample.instance.take().map(|name| shown(&name).into());
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(count: u32) -> Steps {
        let first = Wall::from_timestamp_millis(1_767_225_600_250).expect("a time");
        Steps { first, apart: Duration::from_millis(2_500), count }
    }

    #[test]
    fn an_answer_that_would_not_fit_is_refused_before_it_is_made() {
        let name = "x".repeat(1 << 20);
        let values: Vec<Value> = (0..100).map(|_| json!([1_767_225_600.25, "1"])).collect();
        let told = json!({ "resultType": "matrix", "result": [{ "metric": { "a": name }, "values": values }] });
        assert!(by_step(&told, steps(3)).is_err_and(|why| why.contains("narrow the query")));
    }

    #[test]
    fn samples_are_found_at_their_steps_and_no_others() {
        let matrix =
            |values: Value| json!({ "resultType": "matrix", "result": [{ "metric": { "a": "b" }, "values": values }] });
        let told = matrix(json!([[1_767_225_600.25, "1"], [1_767_225_605.25, "3"]]));
        let by = by_step(&told, steps(3)).expect("series");
        assert_eq!(by.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(by[&2][0]["value"][1], "3");
        assert!(by_step(&told, steps(2)).is_err(), "it was not asked for");
        assert!(by_step(&matrix(json!([[1_767_225_599, "1"]])), steps(2)).is_err());
        assert!(by_step(&json!({ "resultType": "vector", "result": [] }), steps(2)).is_err());
        assert!(by_step(&json!({ "resultType": "matrix", "result": [{ "histograms": [] }] }), steps(2)).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(at in any::<f64>(), count in 0_u32..5, value in "\\PC{0,8}") {
            let data = json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": [[at, value]] }] });
            let _ = by_step(&data, steps(count));
        }
    }
}
