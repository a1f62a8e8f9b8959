//! The verdict on what rings. Pure: the same for the wire and for examples.

use std::time::Duration;

use serde_json::Value;

use super::{Alerts, Want};
use crate::kind::check::Seen;
use crate::launch::verdict::{Finding, Report, Verdict};

pub(super) fn report(alerts: &Alerts, seen: &Seen) -> Report {
    let (document, took) = match seen.answers.first() {
        Some((_, Ok(answer))) => {
            let document = serde_json::from_slice(&answer.http.body).unwrap_or(Value::Null);
            (document, answer.http.took)
        }
        // Who keeps the alerts is not the service: its silence tells nothing of it.
        Some((_, Err(cause))) => (serde_json::json!({ "prometheus": cause.words() }), Duration::ZERO),
        None => (Value::Null, Duration::ZERO),
    };
    let findings = alerts.wants().into_iter().map(|want| {
        let (verdict, seen) = judged(alerts, want, &document);
        Finding { verdict, ..Finding::unknown(want.subject(), want.expected(), seen) }
    });
    Report::of(findings.collect(), took)
}

/// What of a severity or a name is counted.
struct Counted<'a> {
    of: &'a Value,
}

impl Counted<'_> {
    fn number(&self, key: &str) -> Option<u64> {
        self.of[key].as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)
    }

    fn texts(&self, key: &str) -> String {
        let all = self.of[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.collect::<Vec<_>>().join(", ")
    }
}

fn judged(alerts: &Alerts, want: Want<'_>, document: &Value) -> (Verdict, String) {
    let why = |key: &str| document[key].as_str();
    let silent = match (&alerts.prometheus, &alerts.alertmanager, why("prometheus"), why("alertmanager")) {
        (Some(_), _, Some(why), _) => Some(format!("Prometheus: {why}")),
        (_, Some(_), _, Some(why)) => Some(format!("Alertmanager: {why}")),
        _ => None,
    };
    let count = match want {
        Want::NoneOf(severity) => &document["severities"][severity],
        Want::Quiet(name) | Want::Rings(name) | Want::Loaded(name) => &document["rules"][name],
        Want::Delivers => {
            return match (silent, &document["alertmanagers"]) {
                (_, Value::Number(number)) if number.as_f64().is_some_and(|number| number >= 1.0) => {
                    (Verdict::Pass, format!("{number} active"))
                }
                (_, Value::Number(_)) => (Verdict::Fail, "it knows no active one".to_owned()),
                (_, Value::String(why)) => (Verdict::Unknown, why.clone()),
                (silent, _) => (Verdict::Unknown, silent.unwrap_or_else(|| "not told".to_owned())),
            };
        }
    };
    let count = Counted { of: count };
    let numbers = (count.number("rules"), count.number("firing"), count.number("pending"));
    let (Some(rules), Some(firing), Some(pending)) = numbers else {
        return (Verdict::Unknown, silent.unwrap_or_else(|| "not told".to_owned()));
    };
    let unfit = count.number("unfit").unwrap_or(0).min(rules);
    let (silenced, inhibited) = (count.number("silenced"), count.number("inhibited"));
    let held = silenced.unwrap_or(0) + inhibited.unwrap_or(0);
    let names = count.texts("names");
    let unhealthy = count.texts("unhealthy");
    let amber = || {
        let parts = [(silenced.unwrap_or(0), "silenced"), (inhibited.unwrap_or(0), "inhibited"), (pending, "pending")];
        let parts = parts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}"));
        (Verdict::Warn, format!("{}: {names}", parts.collect::<Vec<_>>().join(", ")))
    };
    let found = match want {
        // What should ring is there to show that alerts arrive: it proves nothing where the way is not known to be well.
        Want::Rings(_) if firing > 0 && silent.is_none() && unhealthy.is_empty() => {
            Some((Verdict::Pass, format!("{firing} firing")))
        }
        Want::Rings(_) if firing > 0 && silent.is_none() => Some((Verdict::Unknown, unhealthy.clone())),
        Want::NoneOf(_) | Want::Quiet(_) if firing > 0 => Some((Verdict::Fail, format!("{firing} firing: {names}"))),
        _ => None,
    };
    if let Some(found) = found {
        return found;
    }
    if let Some(silent) = silent {
        return (Verdict::Unknown, silent);
    }
    match want {
        Want::Rings(_) if held + pending > 0 => amber(),
        Want::Rings(_) if rules == 0 && alerts.prometheus.is_some() => {
            (Verdict::Fail, "no such rule is loaded".to_owned())
        }
        Want::Rings(_) => (Verdict::Fail, "not firing".to_owned()),
        Want::Loaded(_) if rules == 0 => (Verdict::Fail, "no such rule is loaded".to_owned()),
        Want::Loaded(_) if !unhealthy.is_empty() => (Verdict::Fail, unhealthy),
        Want::Loaded(_) => (Verdict::Pass, loaded(rules)),
        _ if rules == 0 => (Verdict::Unknown, "no such rule is loaded: nothing would ring".to_owned()),
        _ if unfit == rules => {
            (Verdict::Unknown, format!("`matchers` fit no alert of {}: silence proves nothing", counted(rules)))
        }
        _ if !unhealthy.is_empty() => (Verdict::Unknown, unhealthy),
        _ if held + pending > 0 => amber(),
        _ => (Verdict::Pass, format!("{}, none firing", loaded(rules - unfit))),
    }
}

fn loaded(rules: u64) -> String {
    format!("{} loaded and healthy", counted(rules))
}

fn counted(rules: u64) -> String {
    format!("{rules} rule{}", if rules == 1 { "" } else { "s" })
}
