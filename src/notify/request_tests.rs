//! What goes out: each form over every message there is, held to others' readers, signed, and without a secret.

use std::collections::BTreeMap;

use cdevents_sdk::CDEvent;
use serde_json::json;

use super::*;
use crate::base::reach::{Header, Hidden};
use crate::launch::plan::Topic;
use crate::launch::time::Mark;
use crate::notify::message::{Deed, Message, Tone};
use crate::notify::queue::tests::message;

const ADDRESS: &str = "https://bus.example.com/hooks/T000-secret-path";

fn target(via: Via) -> Notify {
    let text = BTreeMap::from([(Topic::Hold, "see the runbook".to_owned())]);
    Notify { id: "n".into(), title: "n".into(), via, events: via.events(), at_most: via.at_most(), text }
}

fn reach() -> Reach {
    let value = Hidden::new("Bearer of-the-bus");
    let headers = vec![Header { name: "Authorization".to_owned(), value, secret: true }];
    Reach { address: Hidden::new(ADDRESS), key: Some(Hidden::new("signing-key")), headers }
}

fn parcel(message: Message) -> Parcel {
    Parcel { messages: vec![message], dropped: 0, again: false }
}

/// One of each.
fn deeds() -> Vec<Deed> {
    let (id, name) = ("rollout[https://a.example]".to_owned(), "Röll out".to_owned());
    let mut all = vec![
        Deed::PipelineStarted,
        Deed::TaskStarted { id: id.clone(), name: name.clone() },
        Deed::SuiteStarted { id: id.clone(), name: name.clone() },
        Deed::ServiceDeployed { artifact: "pkg:oci/shop@sha256%3Aabc".to_owned() },
        Deed::ServiceRolledBack { artifact: "pkg:generic/shop@1.3".to_owned() },
        Deed::IncidentDetected { number: 1 },
        Deed::IncidentResolved { number: 1 },
        Deed::Own { subject: "hold", predicate: "called", id: id.clone() },
    ];
    for outcome in ["success", "failure", "cancel", "error"] {
        all.push(Deed::PipelineFinished { outcome });
        all.push(Deed::TaskFinished { id: id.clone(), name: name.clone(), outcome });
        all.push(Deed::SuiteFinished { id: id.clone(), name: name.clone(), outcome });
    }
    all
}

#[test]
fn every_message_is_a_cdevent_that_another_s_reader_reads_and_writes_the_same() {
    for deed in deeds() {
        let one =
            Message { deed, tone: Tone::Bad, mark: Some(Mark(600_250)), lines: vec!["a line".into()], ..message(7) };
        let event = cdevents::event(&one);
        let read: CDEvent = serde_json::from_value(event.clone()).unwrap_or_else(|why| panic!("{why}: {event:#}"));
        assert_eq!(read.id().as_str(), "0123456789abcdef-7-0");
        assert_eq!(read.version(), "0.5.0");
        let mut written = serde_json::to_value(&read).expect("written");
        // Another form of the same instant.
        written["context"]["timestamp"] = event["context"]["timestamp"].clone();
        assert_eq!(written, event, "nothing of it was passed over");
    }
}

#[test]
fn a_reader_that_takes_everything_would_prove_nothing() {
    let wrong = [
        (Deed::PipelineFinished { outcome: "won" }, "an outcome that is none"),
        (Deed::SuiteFinished { id: String::new(), name: "x".to_owned(), outcome: "lost" }, "another"),
    ];
    for (deed, why) in wrong {
        let event = cdevents::event(&Message { deed, ..message(1) });
        assert!(serde_json::from_value::<CDEvent>(event).is_err(), "{why}");
    }
    let mut event = cdevents::event(&Message { deed: Deed::IncidentDetected { number: 1 }, ..message(1) });
    event["subject"]["content"]["environment"].take();
    assert!(serde_json::from_value::<CDEvent>(event).is_err(), "an incident is somewhere");
}

#[test]
fn the_envelope_is_cloudevents_and_says_what_the_event_says() {
    let envelope = cdevents::cloud_event(&message(7));
    let data = &envelope["data"];
    for (outer, inner) in [
        ("id", &data["context"]["id"]),
        ("source", &data["context"]["source"]),
        ("type", &data["context"]["type"]),
        ("time", &data["context"]["timestamp"]),
        ("subject", &data["subject"]["id"]),
    ] {
        assert_eq!(&envelope[outer], inner, "{outer}");
        assert!(inner.as_str().is_some_and(|text| !text.is_empty()), "{outer}: {inner}");
    }
    assert_eq!((&envelope["specversion"], &envelope["datacontenttype"]), (&json!("1.0"), &json!("application/json")));
    // Names of attributes are small letters and digits.
    let all = envelope.as_object().expect("a table");
    assert!(all.keys().all(|key| key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())), "{all:?}");
    assert_eq!(data["context"]["type"], "dev.cdeventsx.tminus-hold.called.0.1.0");
}

#[test]
fn a_webhook_is_signed_over_the_bytes_that_are_sent_and_their_time() {
    let now: Wall = "2026-05-01T12:00:00Z".parse().expect("a time");
    let request =
        request(&parcel(message(1)), &target(Via::Webhook), &reach(), &Redactor::default(), now).expect("made");
    let header = |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", ADDRESS));
    assert_eq!(header("Content-Type"), Some("application/cloudevents+json; charset=utf-8"));
    assert_eq!(header("Authorization"), Some("Bearer of-the-bus"));
    assert_eq!(header(TIMESTAMP), Some("1777636800"));
    let body = request.body.as_deref().expect("a body");
    let signed = hmac_sha256(b"signing-key", &[b"1777636800", b".", body]).expect("signed");
    assert_eq!(header(SIGNATURE), Some(format!("sha256={signed}").as_str()));
    let body: Value = serde_json::from_slice(body).expect("json");
    assert_eq!(body["data"]["customData"]["note"], "see the runbook");
}

#[test]
fn a_signature_is_what_others_make_of_it() {
    // By Python: hmac.new(b"key", b"The quick brown fox jumps over the lazy dog", "sha256").hexdigest()
    let signed = hmac_sha256(b"key", &[b"The quick brown fox ", b"jumps over the lazy dog"]).expect("signed");
    assert_eq!(signed, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

/// The body of what tells `parcel`, as text.
fn body(parcel: &Parcel, target: &Notify, redactor: &Redactor) -> String {
    let request = request(parcel, target, &reach(), redactor, Wall::default()).expect("made");
    String::from_utf8(request.body.expect("a body").to_vec()).expect("text")
}

#[test]
fn what_may_be_a_repeat_and_what_was_dropped_is_said_in_every_form() {
    for via in [Via::Webhook, Via::PagerDuty] {
        let change = Message { change: true, ..message(1) };
        let parcel = Parcel { dropped: 3, again: true, ..parcel(change) };
        let body: Value = serde_json::from_str(&body(&parcel, &target(via), &Redactor::default())).expect("json");
        let details = match via {
            Via::PagerDuty => &body["payload"]["custom_details"],
            _ => &body["data"]["customData"],
        };
        assert_eq!((&details["repeat"], &details["dropped"]), (&json!(true), &json!(3)), "{via:?}: {body}");
    }
}

#[test]
fn a_secret_that_a_form_would_cut_or_escape_is_told_by_none() {
    let secret = "hunter22&<of>the-house";
    let redactor = Redactor::new([secret.to_owned()]);
    for via in [Via::Slack, Via::Webhook, Via::PagerDuty] {
        // A header of Slack's ends within it, and so does a summary of PagerDuty's.
        for before in [0, 120, 130, 140, 1_000, 1_010, 2_890] {
            let words = format!("{} {secret} after", "x".repeat(before));
            let target = Notify { text: BTreeMap::from([(Topic::Hold, words.clone())]), ..target(via) };
            let one = Message { head: words.clone(), lines: vec![words], change: true, ..message(1) };
            let told = body(&parcel(one), &target, &redactor);
            assert!(!told.contains("hunt"), "{via:?}, {before}: {told}");
        }
    }
}

#[test]
fn no_form_tells_a_secret_of_the_launch_and_none_but_pagerduty_s_its_key() {
    let redactor = Redactor::new(["hunter22-secret".to_owned(), ADDRESS.to_owned(), "signing-key".to_owned()]);
    for via in [Via::Slack, Via::Webhook, Via::PagerDuty] {
        let mut one = message(1);
        one.head = format!("login with hunter22-secret at {ADDRESS}");
        (one.change, one.lines) = (true, vec!["hunter22-secret".to_owned(), "signing-key".to_owned()]);
        let body = body(&parcel(one), &target(via), &redactor);
        assert!(!body.contains("hunter22") && !body.contains("T000-secret"), "{body}");
        let key = body.matches("signing-key").count();
        assert_eq!(key, usize::from(via == Via::PagerDuty), "{body}");
    }
}
