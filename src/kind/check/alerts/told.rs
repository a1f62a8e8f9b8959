//! The examples of an `alerts` check: counts as they are read of the servers, and from them what the simulated
//! target answers. What an example leaves out is as it should be.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Alerts;
use super::ask::{ALERTMANAGERS, ALERTS, Asked, RULES, SILENCES};
use super::read::Count;
use crate::base::template::{Scope, Shape};
use crate::kind::check::prometheus::{Server, document, seen as as_seen, told};
use crate::kind::check::{Answered, Route, Seen, Session};

/// A moment, as a header, and a little before it, as a document says it.
const DATE: (&str, &str) = ("Thu, 01 Jan 2026 00:00:10 GMT", "2026-01-01T00:00:05Z");
/// Alerts of one kind that an example makes the target tell.
const MOST: u64 = 10;

pub(super) fn good(alerts: &Alerts) -> Answered {
    Answered { status: Some(200), json: Some(Shape::Plain(healthy(alerts))), ..Answered::default() }
}

/// Everything as it should be.
fn healthy(alerts: &Alerts) -> Value {
    let quiet = Count { rules: 1, ..Count::default() };
    let severities = alerts.none.iter().map(|severity| (severity.clone(), quiet.document()));
    let rules = alerts.names().map(|name| {
        let firing = u64::from(alerts.firing.contains(name));
        (name.clone(), Count { firing, ..quiet.clone() }.document())
    });
    let mut document = json!({ "severities": severities.collect::<Value>(), "rules": rules.collect::<Value>() });
    if alerts.delivers {
        document["alertmanagers"] = json!(1);
    }
    document
}

/// `more` on top of `document`, table by table.
fn lay(document: &mut Value, more: &Value) {
    match (document, more) {
        (Value::Object(entries), Value::Object(more)) => {
            for (key, value) in more {
                lay(entries.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (document, more) => *document = more.clone(),
    }
}

fn filled(alerts: &Alerts, example: &Answered, scope: &Scope) -> Value {
    let mut all = healthy(alerts);
    if let Some(told) = document(example, scope) {
        lay(&mut all, &told);
    }
    all
}

pub(super) fn seen(alerts: &Alerts, example: &Answered, scope: &Scope) -> Seen {
    let took = example.after.unwrap_or(Duration::ZERO);
    let document = match example.status {
        Some(status) if !(200..300).contains(&status) => json!({ "prometheus": format!("it answers {status}") }),
        _ => filled(alerts, example, scope),
    };
    Seen { answers: vec![("alerts".to_owned(), Ok(as_seen(&document, took)))], control_answers: false }
}

pub(super) fn routes(alerts: &Alerts, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
    let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
    let each = good.iter().flat_map(|good| {
        let document = filled(alerts, good, &scope);
        let route = |server: Option<&Server>, (path, pairs): Asked, body: Value| {
            let mut good = told(good, body);
            good.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
            good.headers.push(("Date".to_owned(), DATE.0.to_owned()));
            server?.route(path, pairs, good, session, &scope)
        };
        let delivers = alerts.prometheus.as_deref().filter(|_| alerts.delivers);
        let active = document["alertmanagers"].as_u64().unwrap_or(0).min(MOST);
        let active: Vec<Value> = (0..active).map(|_| json!({ "url": "http://alertmanager/api/v2/alerts" })).collect();
        let known =
            json!({ "status": "success", "data": { "activeAlertmanagers": active, "droppedAlertmanagers": [] } });
        let all = [
            route(alerts.prometheus.as_deref(), RULES, rules(alerts, &document)),
            route(alerts.alertmanager.as_deref(), ALERTS, Value::Array(routed(alerts, &document))),
            route(alerts.alertmanager.as_deref(), SILENCES, json!([])),
            route(delivers, ALERTMANAGERS, known),
        ];
        all.into_iter().flatten().collect::<Vec<_>>()
    });
    each.collect()
}

/// Each severity and each named rule: its name, its labels, its counts.
fn each<'a>(alerts: &'a Alerts, document: &'a Value) -> impl Iterator<Item = (String, Map<String, Value>, &'a Value)> {
    let of = |key: &str| document[key].as_object().into_iter().flatten();
    let severities = of("severities").map(|(severity, count)| {
        let mut labels = asked_for(alerts);
        labels.insert(alerts.severity_label.clone(), json!(severity));
        (format!("any-{severity}"), labels, count)
    });
    severities.chain(of("rules").map(|(name, count)| (name.clone(), asked_for(alerts), count)))
}

/// Labels that the plan's matchers admit.
fn asked_for(alerts: &Alerts) -> Map<String, Value> {
    let each =
        alerts.matchers.iter().filter_map(|matcher| Some((matcher.label().to_owned(), json!(matcher.example()?))));
    each.collect()
}

/// The alerts of one rule in one state, told apart by a label.
fn instances(name: &str, labels: &Map<String, Value>, count: &Value, state: &str) -> Vec<Value> {
    let many = count[state].as_u64().unwrap_or(0).min(MOST);
    let one = |at: u64| {
        let mut labels = labels.clone();
        labels.insert("alertname".to_owned(), json!(name));
        labels.insert("instance".to_owned(), json!(format!("{state}-{at}")));
        Value::Object(labels)
    };
    (0..many).map(one).collect()
}

fn rules(alerts: &Alerts, document: &Value) -> Value {
    let each = each(alerts, document).flat_map(|(name, labels, count)| {
        let unhealthy = count["unhealthy"].as_array().is_some_and(|why| !why.is_empty());
        let pending = instances(&name, &labels, count, "pending").into_iter().map(|labels| (labels, "pending"));
        let others = ["firing", "silenced", "inhibited"].into_iter();
        let others = others.flat_map(|state| instances(&name, &labels, count, state)).map(|labels| (labels, "firing"));
        let told: Vec<Value> =
            pending.chain(others).map(|(labels, state)| json!({ "labels": labels, "state": state })).collect();
        let many = count["rules"].as_u64().unwrap_or(0).min(MOST);
        let unfit = count["unfit"].as_u64().unwrap_or(0);
        let rule = move |at: u64| {
            let asked = |label: &String| alerts.matchers.iter().any(|matcher| matcher.label() == label);
            let kept = |label: &String| at >= unfit || *label == alerts.severity_label || !asked(label);
            let labels: Map<_, _> = labels.clone().into_iter().filter(|(label, _)| kept(label)).collect();
            json!({
                "type": "alerting", "name": name, "labels": labels, "lastEvaluation": DATE.1,
                "health": if unhealthy { "err" } else { "ok" },
                "alerts": if at == 0 { json!(told) } else { json!([]) },
            })
        };
        (0..many).map(rule).collect::<Vec<_>>()
    });
    let rules: Vec<Value> = each.collect();
    json!({ "status": "success", "data": { "groups": [{ "name": "example", "interval": 60, "rules": rules }] } })
}

fn routed(alerts: &Alerts, document: &Value) -> Vec<Value> {
    let each = each(alerts, document).flat_map(|(name, labels, count)| {
        let states = [("firing", "active"), ("silenced", "suppressed"), ("inhibited", "suppressed")];
        let each = states.into_iter().flat_map(|(which, state)| {
            let by = |what: &str| if which == what { json!(["example"]) } else { json!([]) };
            let status = json!({ "state": state, "silencedBy": by("silenced"), "inhibitedBy": by("inhibited") });
            let all = instances(&name, &labels, count, which).into_iter();
            all.map(move |labels| json!({ "labels": labels, "status": status.clone() })).collect::<Vec<_>>()
        });
        each.collect::<Vec<_>>()
    });
    each.collect()
}
