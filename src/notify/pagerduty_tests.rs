//! What goes to PagerDuty: stable keys, and within its limits.

use super::*;
use crate::notify::message::Severity;
use crate::notify::queue::tests::message;

fn alerting(act: Act, key: &str) -> Message {
    Message { alert: Some(Alert { key: key.to_owned(), act, severity: Severity::Critical }), ..message(4) }
}

#[test]
fn an_alert_keeps_its_key_from_trigger_to_resolve() {
    let mut keys = Vec::new();
    for (act, word) in [(Act::Trigger, "trigger"), (Act::Acknowledge, "acknowledge"), (Act::Resolve, "resolve")] {
        let (path, body) = event(&alerting(act, "trigger/errors-2m"), Some("see the runbook"));
        assert_eq!((path, &body["event_action"]), ("/v2/enqueue", &json!(word)));
        keys.push(body["dedup_key"].clone());
        // What ends an alert needs no more than its key.
        assert_eq!(body.get("payload").is_some(), act == Act::Trigger);
        if act == Act::Trigger {
            let payload = &body["payload"];
            assert_eq!(payload["summary"], "see the runbook · Shop 1.4 · message 4");
            assert_eq!(
                (&payload["severity"], &payload["source"]),
                (&json!("critical"), &json!("tminus:shop/0123456789abcdef"))
            );
            assert_eq!(payload["timestamp"], "1970-01-01T00:00:00.000Z");
        }
    }
    assert!(keys.windows(2).all(|two| two[0] == two[1]), "{keys:?}");
    assert_eq!(keys[0], "tminus/shop/0123456789abcdef/trigger/errors-2m");
}

#[test]
fn a_launch_that_starts_or_ends_is_a_change() {
    let (path, body) = event(&Message { change: true, ..message(1) }, None);
    assert_eq!(path, "/v2/change/enqueue");
    assert_eq!((&body["payload"]["summary"], body.get("event_action")), (&json!("Shop 1.4 · message 1"), None));
}

#[test]
fn keys_and_summaries_are_within_what_the_service_takes() {
    let long = "x".repeat(4_000);
    let key = format!("trigger/{long}");
    let mut one = alerting(Act::Trigger, &key);
    one.head = "ü".repeat(4_000);
    let (_, body) = event(&one, None);
    assert!(body["dedup_key"].as_str().expect("a key").len() <= 255);
    assert!(body["payload"]["summary"].as_str().expect("text").chars().count() <= 1_024);
    let (_, other) = event(&alerting(Act::Resolve, &key), None);
    assert_eq!(other["dedup_key"], body["dedup_key"], "a long key is the same each time");
    let (_, another) = event(&alerting(Act::Resolve, &format!("{key}y")), None);
    assert_ne!(another["dedup_key"], body["dedup_key"]);
}
