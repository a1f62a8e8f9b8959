//! Asks Prometheus or a document for a signal's number, with a time that is said and every query encoded.

use futures_util::future::join;
use http::HeaderValue;
use http::header::DATE;

use super::judge::Reading;
use super::{Json, Promql, Signal, selectors};
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{self, Cause, Request};
use crate::clock;
use crate::kind::check::http::control_answers;
use crate::kind::check::prometheus::{data, get, number, seen, skewed};
use crate::kind::check::{Answer, Check, Context, Ran, Seen, Session};
use crate::kind::exchange::{exchange, fit};
use crate::launch::time::Wall;
use crate::launch::verdict::Report;

const QUERY: &str = "/api/v1/query";

/// What is asked of Prometheus for one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Queries {
    pub value: String,
    pub samples: Option<String>,
    pub age: Option<String>,
}

impl Queries {
    pub fn of(promql: &Promql, text: impl Fn(&Template) -> Result<String, Unbound>) -> Result<Self, Unbound> {
        let value = text(&promql.query)?;
        let age = match &promql.age {
            Some(age) => Some(text(age)?),
            None => selectors::age(&value),
        };
        Ok(Self { samples: promql.samples.as_ref().map(&text).transpose()?, age, value })
    }
}

pub(super) fn path() -> &'static str {
    QUERY
}

/// What was seen of a source, and what of the question is shown beside it.
pub(super) struct Brought {
    pub seen: Seen,
    pub scope: Scope,
    pub asked: Option<(Request, Result<wire::Answer, Cause>)>,
}

impl Brought {
    pub(super) fn unsent(asked: &Template, cause: Cause, scope: Scope) -> Self {
        let seen = Seen { answers: vec![(asked.written(), Err(cause))], control_answers: false };
        Self { seen, scope, asked: None }
    }

    /// Held to what a check expects.
    pub(super) async fn judged(self, signal: &Signal, cx: &Context) -> Ran {
        let jq = cx.jq.redacting(cx.redactor.clone());
        let mut report: Report = signal.judge(&self.seen, &self.scope, &jq).await;
        report.exchange = self.asked.map(|(request, answer)| exchange(&request, answer.as_ref(), &cx.redactor));
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }
}

/// The time that is asked for, as Prometheus reads it. Without one of ours, a server behind a load balancer may
/// answer for another instant each time.
pub(super) fn time(now: Wall) -> String {
    format!("{}.{:03}", now.timestamp(), now.timestamp_subsec_millis())
}

pub(super) async fn promql(promql: &Promql, cx: &Context) -> Brought {
    let scope = scope(cx);
    let queries = match Queries::of(promql, |template| template.text(&scope)) {
        Ok(queries) => queries,
        Err(unbound) => return Brought::unsent(&promql.query, Cause::Ours(unbound.to_string()), scope),
    };
    let now = clock::wall();
    let time = time(now);
    let ask = |query: String| {
        let (time, scope) = (&time, &scope);
        async move { promql.server.ask(QUERY, &[("query", &query), ("time", time)], scope, cx).await }
    };
    let others = async {
        let optional = async |query: Option<String>| match query {
            Some(query) => Some(ask(query).await.1),
            None => None,
        };
        join(optional(queries.samples.clone()), optional(queries.age.clone())).await
    };
    let ((request, value), (samples, age)) = join(ask(queries.value.clone()), others).await;
    let answer = value.clone().and_then(|value| {
        let took = value.took;
        let reading = read(&value, samples.transpose()?.as_ref(), age.transpose()?.as_ref(), now);
        Ok(seen(&reading.document(), took))
    });
    let seen = Seen { answers: vec![(queries.value, answer)], control_answers: false };
    Brought { seen, scope, asked: Some((request, value)) }
}

/// What the answers to the query, to how many samples and to how old come to.
pub(super) fn read(
    value: &wire::Answer,
    samples: Option<&wire::Answer>,
    age: Option<&wire::Answer>,
    now: Wall,
) -> Reading {
    let mut warnings = Vec::new();
    let mut one = |answer: &wire::Answer| {
        let (data, warned) = data(answer)?;
        warned.into_iter().for_each(|warning| {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        });
        number(&data)
    };
    let number = one(value);
    let samples = samples.map(&mut one);
    let age = match (age, skewed(value, now)) {
        (_, Some(why)) => Err(why),
        (None, None) => Err("the query looks at no series".to_owned()),
        (Some(answer), None) => one(answer).map_err(|why| format!("the newest sample of its series: {why}")),
    };
    Reading { value: number, samples, age: Some(age), warnings }
}

pub(super) async fn json(json: &Json, cx: &Context) -> Brought {
    let scope = scope(cx);
    let url = Session::join(cx.session.as_ref(), &json.address, &scope);
    let sent = match url.map_err(|unbound| Cause::Ours(unbound.to_string())) {
        Ok(url) => get(&url, &json.headers, &scope, cx).await,
        Err(cause) => Err(cause),
    };
    let (request, mut answer) = match sent {
        Ok(sent) => sent,
        Err(cause) => return Brought::unsent(&json.address, cause, scope),
    };
    let silent = matches!(&answer, Err(Cause::NotResolved | Cause::NoRoute));
    let control_answers = silent && control_answers(cx).await;
    let shown = answer.clone();
    if let (Ok(answer), None) = (&mut answer, cx.simulated) {
        // The age is by our own clock: an answer out of a cache has the date it was made at.
        let now = clock::wall().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let _ = HeaderValue::from_str(&now).map(|now| answer.headers.insert(DATE, now));
    }
    let http = answer.map(|http| Answer { http, ..Answer::default() });
    let seen = Seen { answers: vec![(request.url.clone(), http)], control_answers };
    Brought { seen, scope, asked: Some((request, shown)) }
}

/// The plan's values, with what the session captured.
pub(super) fn scope(cx: &Context) -> Scope {
    cx.values()
}
