//! What the servers answered, as counts: of each severity and of each named rule how many are loaded, unhealthy,
//! pending, firing, silenced and inhibited. Pure.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Alerts, Matcher};
use crate::launch::time::Wall;

/// A group whose interval is short is given at least this much.
const PATIENCE: Duration = Duration::from_secs(15);
/// Intervals of its group after which a rule that was not evaluated tells nothing.
const INTERVALS: f64 = 3.0;
/// Alerts that are looked for in Alertmanager, and alerts of it that are looked at: each with each.
const MOST_ROUTED: usize = 5_000;
/// Silences that are looked at.
const MOST_SILENCES: usize = 500;
/// Matchers of one of them.
const MOST_MATCHERS: usize = 32;
/// Names and reasons that are kept of each.
const MOST: usize = 8;

/// What the servers said; each part is there or why it is not.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The `data` of `/api/v1/rules`.
    pub rules: Option<Result<Value, String>>,
    /// The list of `/api/v2/alerts`.
    pub alerts: Option<Result<Value, String>>,
    /// The list of `/api/v2/silences`, where it was asked for.
    pub silences: Option<Result<Value, String>>,
    /// The `data` of `/api/v1/alertmanagers`.
    pub alertmanagers: Option<Result<Value, String>>,
}

/// What is counted of a severity or a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub rules: u64,
    /// Of those rules the ones of which nothing shows that their alerts would have the labels asked for.
    pub unfit: u64,
    pub pending: u64,
    pub firing: u64,
    pub silenced: u64,
    pub inhibited: u64,
    /// Why rules tell nothing.
    pub unhealthy: Vec<String>,
    /// What rings.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Firing,
    Silenced,
    Inhibited,
}

impl Count {
    fn take(&mut self, name: &str, state: State) {
        let counted = match state {
            State::Pending => &mut self.pending,
            State::Firing => &mut self.firing,
            State::Silenced => &mut self.silenced,
            State::Inhibited => &mut self.inhibited,
        };
        *counted += 1;
        if self.names.len() < MOST && !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    pub fn document(&self) -> Value {
        let Self { rules, unfit, pending, firing, silenced, inhibited, unhealthy, names } = self;
        json!({
            "rules": rules, "unfit": unfit, "pending": pending, "firing": firing, "silenced": silenced, "inhibited": inhibited,
            "unhealthy": unhealthy, "names": names,
        })
    }
}

/// The counts as a document; `now` is what the age of an evaluation is measured from, or why none can be.
pub(super) fn document(alerts: &Alerts, answers: &Answers, now: &Result<Wall, String>) -> Value {
    let mut severities: BTreeMap<&str, Count> =
        alerts.none.iter().map(|severity| (severity.as_str(), Count::default())).collect();
    let mut named: BTreeMap<&str, Count> = alerts.names().map(|name| (name.as_str(), Count::default())).collect();
    let mut each = |name: &str, severity: &str, take: &dyn Fn(&mut Count)| {
        severities.get_mut(severity).into_iter().chain(named.get_mut(name)).for_each(take);
    };
    let of_label = |labels: &Value| labels[&alerts.severity_label].as_str().unwrap_or_default().to_owned();
    let empty = Vec::new();
    let routed = match &answers.alerts {
        Some(Ok(Value::Array(all))) if all.len() <= MOST_ROUTED => all,
        _ => &empty,
    };
    let mut known = vec![false; routed.len()];
    let silences = LazyCell::new(|| silences(&answers.silences));
    let mut looked_for = 0;
    for (rule, limit) in rules(&answers.rules, alerts.stale_after) {
        let name = rule["name"].as_str().unwrap_or_default();
        let severity = of_label(&rule["labels"]);
        let unhealthy = unhealthy(rule, limit, now);
        let fits = fits(alerts, rule, routed);
        each(name, &severity, &|count| {
            count.rules += 1;
            count.unfit += u64::from(!fits);
            if count.unhealthy.len() < MOST {
                count.unhealthy.extend(unhealthy.clone());
            }
        });
        for one in rule["alerts"].as_array().into_iter().flatten() {
            let labels = &one["labels"];
            if !alerts.matchers.iter().all(|matcher| matcher.admits(labels)) {
                continue;
            }
            let pending = one["state"] == "pending";
            looked_for += 1;
            let state = match pending {
                true => State::Pending,
                false if looked_for > MOST_ROUTED => State::Firing,
                false => routing(labels, routed, &mut known)
                    .or_else(|| is_silenced(labels, &silences).then_some(State::Silenced))
                    .unwrap_or(State::Firing),
            };
            each(name, &of_label(labels), &|count| count.take(name, state));
        }
    }
    // What others than this Prometheus sent.
    for (alert, known) in routed.iter().zip(known) {
        let labels = &alert["labels"];
        if known || !alerts.matchers.iter().all(|matcher| matcher.admits(labels)) {
            continue;
        }
        let name = labels["alertname"].as_str().unwrap_or_default();
        each(name, &of_label(labels), &|count| count.take(name, suppressed(alert).unwrap_or(State::Firing)));
    }
    let documents = |counts: BTreeMap<&str, Count>| -> Value {
        counts.into_iter().map(|(name, count)| (name.to_owned(), count.document())).collect()
    };
    let mut document = json!({ "severities": documents(severities), "rules": documents(named) });
    let why = |part: &Option<Result<Value, String>>| part.as_ref().and_then(|part| part.as_ref().err().cloned());
    let no_list = match &answers.alerts {
        Some(Ok(Value::Array(all))) => (all.len() > MOST_ROUTED).then(|| format!("more than {MOST_ROUTED} alerts")),
        Some(Ok(_)) => Some("what it answers is no list of alerts".to_owned()),
        _ => None,
    };
    let no_groups = matches!(&answers.rules, Some(Ok(data)) if !data["groups"].is_array());
    let no_groups = no_groups.then(|| "what it answers has no groups of rules".to_owned());
    if let Some(why) = why(&answers.rules).or(no_groups) {
        document["prometheus"] = json!(why);
    }
    if let Some(why) = why(&answers.alerts).or(no_list) {
        document["alertmanager"] = json!(why);
    }
    match &answers.alertmanagers {
        Some(Ok(data)) => document["alertmanagers"] = json!(data["activeAlertmanagers"].as_array().map_or(0, Vec::len)),
        Some(Err(why)) => document["alertmanagers"] = json!(why),
        None => {}
    }
    document
}

/// Whether what a rule rings with has the labels asked for: its own labels say so, or an alert of it. What labels
/// its series have nobody knows while it is quiet.
fn fits(alerts: &Alerts, rule: &Value, routed: &[Value]) -> bool {
    let name = &rule["name"];
    let admitted = |labels: &Value| alerts.matchers.iter().all(|matcher| matcher.admits(labels));
    let own = |matcher: &Matcher| match matcher.label() {
        "alertname" => matcher.fits(name.as_str().unwrap_or_default()),
        _ => matcher.admits(&rule["labels"]),
    };
    let rings = rule["alerts"].as_array().into_iter().flatten();
    let sent = routed.iter().filter(|alert| alert["labels"]["alertname"] == *name);
    alerts.matchers.iter().all(own) || rings.chain(sent).any(|alert| admitted(&alert["labels"]))
}

/// Every alerting rule, with how long ago it may have been evaluated.
fn rules(data: &Option<Result<Value, String>>, stale_after: Option<Duration>) -> Vec<(&Value, Duration)> {
    let Some(Ok(data)) = data else { return Vec::new() };
    let groups = data["groups"].as_array().into_iter().flatten();
    let all = groups.flat_map(|group| {
        let interval = group["interval"].as_f64().unwrap_or_default() * INTERVALS;
        let own = Duration::try_from_secs_f64(interval).unwrap_or_default().max(PATIENCE);
        let rules = group["rules"].as_array().into_iter().flatten();
        rules.filter(|rule| rule["type"] == "alerting").map(move |rule| (rule, stale_after.unwrap_or(own)))
    });
    all.collect()
}

/// Why a rule tells nothing.
fn unhealthy(rule: &Value, limit: Duration, now: &Result<Wall, String>) -> Option<String> {
    let name = rule["name"].as_str().unwrap_or_default();
    let health = rule["health"].as_str().unwrap_or("of no known health");
    if health != "ok" {
        let why = rule["lastError"].as_str().unwrap_or_default();
        return Some(format!("{name} is {health} {}", why).trim().to_owned());
    }
    let now = match now {
        Ok(now) => *now,
        Err(why) => return Some(format!("{name}: {why}")),
    };
    let at = rule["lastEvaluation"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let Some(at) = at.map(|at| at.to_utc()).filter(|at| at.timestamp() > 0) else {
        return Some(format!("{name} was never evaluated"));
    };
    let age = (now - at).to_std().unwrap_or_default();
    (age > limit).then(|| format!("{name} was evaluated {} s ago", age.as_secs()))
}

/// What Alertmanager does with a firing alert of Prometheus: it has its labels, and those that Prometheus adds. None
/// where it does not know of it.
fn routing(labels: &Value, routed: &[Value], known: &mut [bool]) -> Option<State> {
    let labels = labels.as_object()?;
    let mut state = None;
    for (alert, known) in routed.iter().zip(known) {
        if labels.iter().all(|(name, value)| alert["labels"][name] == *value) {
            *known = true;
            let now = suppressed(alert).unwrap_or(State::Firing);
            // One that rings is enough, whatever of it is silenced.
            if state != Some(State::Firing) {
                state = Some(now);
            }
        }
    }
    state
}

/// Whether something rings that Alertmanager answered for and does not know: it may be silenced all the same.
pub(super) fn is_unrouted(answers: &Answers) -> bool {
    let Some(Ok(Value::Array(routed))) = &answers.alerts else { return false };
    let mut known = vec![false; routed.len()];
    let all = rules(&answers.rules, None);
    let all = all.iter().flat_map(|(rule, _)| rule["alerts"].as_array().into_iter().flatten());
    let mut rings = all.filter(|alert| alert["state"] != "pending").take(MOST_ROUTED);
    routed.len() <= MOST_ROUTED && rings.any(|alert| routing(&alert["labels"], routed, &mut known).is_none())
}

/// The matchers of each silence in force.
fn silences(told: &Option<Result<Value, String>>) -> Vec<Vec<Matcher>> {
    let Some(Ok(Value::Array(all))) = told else { return Vec::new() };
    let active = all.iter().filter(|silence| silence["status"]["state"] == "active").take(MOST_SILENCES);
    let few = |silence: &Value| Some(silence["matchers"].as_array()?).filter(|all| all.len() <= MOST_MATCHERS).cloned();
    let matchers = |silence: &Value| few(silence)?.iter().map(Matcher::told).collect::<Option<_>>();
    active.filter_map(matchers).filter(|matchers: &Vec<Matcher>| !matchers.is_empty()).collect()
}

/// Whether a silence in force covers these labels. Prometheus adds labels of its own: a silence that asks for one
/// that is not here is not known to cover it.
fn is_silenced(labels: &Value, silences: &[Vec<Matcher>]) -> bool {
    let covers = |matcher: &Matcher| labels.get(matcher.label()).is_some() && matcher.admits(labels);
    silences.iter().any(|matchers| matchers.iter().all(covers))
}

fn suppressed(alert: &Value) -> Option<State> {
    let status = &alert["status"];
    if status["state"] != "suppressed" {
        return None;
    }
    let some = |key: &str| status[key].as_array().is_some_and(|all| !all.is_empty());
    Some(if some("silencedBy") || !some("inhibitedBy") { State::Silenced } else { State::Inhibited })
}
