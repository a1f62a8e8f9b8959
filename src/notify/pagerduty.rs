//! Messages for PagerDuty's Events API, version 2: alerts by stable keys, and change events. The key of the service
//! stands in the body, so the body is a secret as the address of others is.

use crate::base::text::hex;
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::message::{Act, Alert, Message, whole_seconds};

/// Characters of a summary: the service takes 1,024.
const SUMMARY: usize = 1_024;
/// Bytes of a key: the service takes 255.
const KEY: usize = 255;
/// Where alerts go, and changes, below the service's address.
const ALERTS: &str = "/v2/enqueue";
const CHANGES: &str = "/v2/change/enqueue";

/// The path and the body of the event that `message` is, an alert or a change; `text` stands before it. Whom it is for
/// is put in by whoever sends it.
#[must_use]
pub(super) fn event(message: &Message, text: Option<&str>) -> (&'static str, Value) {
    match &message.alert {
        Some(alert) => (ALERTS, alerted(message, alert, text)),
        None => (CHANGES, changed(message, text)),
    }
}

/// Whether its form has room for anything beside what was done to the alert.
#[must_use]
pub(super) fn has_details(message: &Message) -> bool {
    message.alert.as_ref().is_none_or(|alert| alert.act == Act::Trigger)
}

fn alerted(message: &Message, alert: &Alert, text: Option<&str>) -> Value {
    let action = match alert.act {
        Act::Trigger => "trigger",
        Act::Acknowledge => "acknowledge",
        Act::Resolve => "resolve",
    };
    let mut event = json!({
        "event_action": action,
        "dedup_key": dedup_key(message, alert),
    });
    if has_details(message) {
        event["client"] = json!("tminus");
        event["payload"] = json!({
            "summary": summary(message, text),
            "source": source(message),
            "severity": alert.severity.word(),
            "timestamp": message.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "component": message.launch.plan,
            "group": message.launch.environment,
            "class": message.topic.word(),
            "custom_details": details(message),
        });
    }
    event
}

fn changed(message: &Message, text: Option<&str>) -> Value {
    json!({
        "payload": {
            "summary": summary(message, text),
            "source": source(message),
            "timestamp": message.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "custom_details": details(message),
        },
    })
}

/// The same for whatever happens to one alert of one launch; of no other launch.
fn dedup_key(message: &Message, alert: &Alert) -> String {
    let whole = format!("tminus/{}/{}/{}", message.launch.plan, message.launch.key, alert.key);
    if whole.len() <= KEY {
        return whole;
    }
    let hash = hex(&Sha256::digest(whole.as_bytes()));
    format!("tminus/{}/{hash}", message.launch.key)
}

fn source(message: &Message) -> String {
    format!("tminus:{}/{}", message.launch.plan, message.launch.key)
}

fn summary(message: &Message, text: Option<&str>) -> String {
    let before = text.map(|text| format!("{text} · ")).unwrap_or_default();
    format!("{before}{}", message.headline()).chars().take(SUMMARY).collect()
}

fn details(message: &Message) -> Value {
    let mut details = Map::new();
    let launch = &message.launch;
    details.insert("launch".to_owned(), json!(launch.key));
    details.insert("record".to_owned(), json!(message.place.seq));
    details.insert("rehearsal".to_owned(), json!(launch.rehearsal));
    details.extend(launch.version.as_ref().map(|version| ("version".to_owned(), json!(version))));
    details.extend(message.mark.map(|mark| ("t".to_owned(), json!(whole_seconds(mark).to_string()))));
    if !message.lines.is_empty() {
        details.insert("lines".to_owned(), json!(message.lines));
    }
    Value::Object(details)
}

#[cfg(test)]
#[path = "pagerduty_tests.rs"]
mod tests;
