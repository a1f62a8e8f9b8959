//! Asks Prometheus for its rules and for whom it tells, and Alertmanager for what it holds back.

use futures_util::future::join3;
use serde_json::Value;

use super::Alerts;
use super::read::{self, Answers};
use crate::base::wire::{Answer, Cause, Request};
use crate::clock;
use crate::kind::check::prometheus::{Server, data, date, seen, skewed};
use crate::kind::check::{Check, Context, Ran, Seen};
use crate::kind::exchange::{exchange, fit, status_words};
use crate::launch::time::Wall;

/// A path, and its query.
pub(super) type Asked = (&'static str, &'static [(&'static str, &'static str)]);

pub(super) const RULES: Asked = ("/api/v1/rules", &[("type", "alert")]);
pub(super) const ALERTS: Asked = ("/api/v2/alerts", &[]);
pub(super) const SILENCES: Asked = ("/api/v2/silences", &[]);
pub(super) const ALERTMANAGERS: Asked = ("/api/v1/alertmanagers", &[]);

type Exchanged = (Request, Result<Answer, Cause>);

pub(super) async fn look(alerts: &Alerts, cx: &Context) -> Ran {
    let scope = cx.values();
    let ask = async |server: Option<&Server>, (path, pairs): Asked| match server {
        Some(server) => Some(server.ask(path, pairs, &scope, cx).await),
        None => None,
    };
    let delivers = alerts.prometheus.as_deref().filter(|_| alerts.delivers);
    let (rules, routed, known) = join3(
        ask(alerts.prometheus.as_deref(), RULES),
        ask(alerts.alertmanager.as_deref(), ALERTS),
        ask(delivers, ALERTMANAGERS),
    )
    .await;
    let mut answers = Answers {
        rules: told(rules.as_ref()),
        alerts: listed(routed.as_ref()),
        silences: None,
        alertmanagers: told(known.as_ref()),
    };
    // What began to ring just now, or rings in a Prometheus that began anew, Alertmanager does not know yet.
    let silences = match read::is_unrouted(&answers) {
        true => ask(alerts.alertmanager.as_deref(), SILENCES).await,
        false => None,
    };
    answers.silences = listed(silences.as_ref());
    let took =
        [&rules, &routed, &silences, &known].into_iter().flatten().filter_map(|(_, answer)| answer.as_ref().ok());
    let took = took.map(|answer| answer.took).max().unwrap_or_default();
    let now = now(rules.as_ref(), cx);
    let document = read::document(alerts, &answers, &now);
    let label = rules.as_ref().or(routed.as_ref()).map(|(request, _)| request.url.clone()).unwrap_or_default();
    let seen = Seen { answers: vec![(label, Ok(seen(&document, took)))], control_answers: false };
    let mut report = alerts.judge(&seen, &scope, &cx.jq).await;
    // What rings stands in the answer of whoever was asked first; the findings tell of all.
    let shown = rules.or(routed);
    report.exchange = shown.map(|(request, answer)| exchange(&request, answer.as_ref(), &cx.redactor));
    Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
}

/// What an evaluation's age is measured from. The simulated target tells examples, and when they were made.
fn now(rules: Option<&Exchanged>, cx: &Context) -> Result<Wall, String> {
    let now = clock::wall();
    let Some((_, Ok(answer))) = rules else { return Ok(now) };
    match cx.simulated {
        Some(_) => Ok(date(answer).unwrap_or(now)),
        None => skewed(answer, now).map_or(Ok(now), Err),
    }
}

fn told(exchanged: Option<&Exchanged>) -> Option<Result<Value, String>> {
    let (_, answer) = exchanged?;
    Some(answer.as_ref().map_err(Cause::words).and_then(|answer| Ok(data(answer)?.0)))
}

/// Alertmanager answers with its list alone.
fn listed(exchanged: Option<&Exchanged>) -> Option<Result<Value, String>> {
    let (_, answer) = exchanged?;
    Some(answer.as_ref().map_err(Cause::words).and_then(|answer| match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|_| "200 OK with what is no JSON".to_owned()),
        status => Err(status_words(status)),
    }))
}
