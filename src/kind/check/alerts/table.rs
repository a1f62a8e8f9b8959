//! Reads the `alerts` table, with every mistake at its place.

use http::HeaderName;
use toml::de::DeValue;

use super::{Alerts, Matcher, SEVERITY};
use crate::base::source::{Span, nearest};
use crate::base::table::{Placed, Table};
use crate::kind::check::prometheus::Server;

pub(super) fn read(table: &Table<'_>) -> Option<Alerts> {
    let (prometheus, alertmanager) = (table.template("prometheus"), table.template("alertmanager"));
    let all = table.named_templates("headers").into_iter();
    let headers: Vec<_> = all
        .filter_map(|(name, value)| {
            let right = HeaderName::from_bytes(name.value.as_bytes()).is_ok();
            if !right {
                table.wrong_value(name.span, format!("`{}` is no header name", name.value));
            }
            right.then_some((name.value, value))
        })
        .collect();
    let names = |key| names(table, key);
    let (none, not_firing, firing, rules) = (names("none"), names("not_firing"), names("firing"), names("rules"));
    let severity_label = table.text("severity_label").map_or_else(|| SEVERITY.to_owned(), |text| text.value);
    let delivers = table.flag("delivers").unwrap_or(false);
    let stale_after = table.duration("stale_after");
    let matcher = |text: Placed<String>| match Matcher::parse(&text.value) {
        Ok(matcher) => Some((matcher, text.span)),
        Err(why) => {
            table.wrong_value(text.span, why);
            None
        }
    };
    let matchers: Vec<(Matcher, Span)> = table.texts("matchers").into_iter().filter_map(matcher).collect();
    let server = |address| Box::new(Server { address, headers: headers.clone() });
    let alerts = Alerts {
        prometheus: prometheus.map(server),
        alertmanager: alertmanager.map(server),
        none,
        severity_label,
        not_firing,
        firing,
        rules,
        delivers,
        stale_after,
        matchers: matchers.iter().map(|(matcher, _)| matcher.clone()).collect(),
        only: None,
        beside: Vec::new(),
    };
    fits(&alerts, &matchers, table).then_some(alerts)
}

fn names(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in table.texts(key) {
        if text.value.trim().is_empty() {
            table.wrong_value(text.span, format!("an empty name in `{key}`"));
        } else if !all.contains(&text.value) {
            all.push(text.value);
        }
    }
    all
}

/// Keys that say what may ring.
const WANTS: [&str; 5] = ["none", "not_firing", "firing", "rules", "delivers"];

/// Whether something was meant to be looked at, by a key that is written wrongly or whose value is: that is said
/// where it stands.
fn meant(table: &Table<'_>) -> bool {
    let wrong = |key: &str| match table.any(key).map(|placed| placed.value) {
        Some(DeValue::Boolean(_)) => key != "delivers",
        Some(DeValue::String(_) | DeValue::Array(_)) => key == "delivers",
        other => other.is_some(),
    };
    let known = |key: &str| WANTS.contains(&key) || KNOWN.contains(&key);
    let close = |key: &str| !known(key) && nearest(key, WANTS).is_some();
    WANTS.into_iter().any(wrong) || table.keys().into_iter().any(|(key, _)| close(key))
}

/// Every other key.
const KNOWN: [&str; 6] = ["prometheus", "alertmanager", "headers", "severity_label", "stale_after", "matchers"];

fn fits(alerts: &Alerts, matchers: &[(Matcher, Span)], table: &Table<'_>) -> bool {
    let place = |key: &str| table.keys().into_iter().find(|(there, _)| *there == key).map(|(_, span)| span);
    let mut wrong: Vec<(Span, String)> = Vec::new();
    if alerts.wants().is_empty() && !meant(table) {
        wrong.push((
            table.span,
            "what may not ring? `none = [\"critical\"]`, `not_firing`, `firing` or `rules`".to_owned(),
        ));
    }
    for (matcher, at) in matchers {
        let of = |label: &str| (matcher.label() == label).then_some(matcher);
        let severities = of(&alerts.severity_label).map(|matcher| (matcher, "none", &alerts.none));
        let names = of("alertname").map(|matcher| (matcher, "not_firing", &alerts.not_firing));
        for (matcher, key, all) in severities.into_iter().chain(names) {
            if let Some(left_out) = all.iter().find(|name| !matcher.fits(name)) {
                let why =
                    format!("it leaves out `{left_out}`, which `{key}` is about: nothing of it would be looked at");
                wrong.push((*at, why));
            }
        }
    }
    for name in alerts.firing.iter().filter(|name| alerts.not_firing.contains(name)) {
        let at = place("firing").unwrap_or(table.span);
        wrong.push((at, format!("`{name}` cannot be firing and not firing")));
    }
    if alerts.prometheus.is_none() {
        let needy = ["none", "not_firing", "rules", "delivers"].into_iter().find_map(|key| Some((key, place(key)?)));
        if let Some((key, at)) = needy {
            let why = "that nothing rings proves nothing unless the rules are looked at";
            wrong.push((at, format!("`{key}` needs `prometheus`: {why}")));
        } else if alerts.alertmanager.is_none() {
            wrong.push((table.span, "whom to ask? `prometheus = \"https://…\"`".to_owned()));
        }
    }
    let right = wrong.is_empty();
    wrong.into_iter().for_each(|(span, why)| table.wrong_value(span, why));
    right
}
