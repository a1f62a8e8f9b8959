//! Messages as CloudEvents 1.0, structured, that carry CDEvents 0.5. What CDEvents has no word for is one of its
//! custom events, `dev.cdeventsx.tminus-SUBJECT.PREDICATE`. One id for each message, at every attempt.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::message::{Deed, Message, whole_seconds};

/// The version of CDEvents that these are.
const SPEC: &str = "0.5.0";
/// Of each event of the vocabulary that is used.
const VERSION: &str = "0.3.0";
/// Of our own events.
const OWN: &str = "0.1.0";
/// The media type of what is posted.
pub(super) const MEDIA: &str = "application/cloudevents+json; charset=utf-8";

/// The event that `message` is, with its envelope.
#[must_use]
pub(super) fn cloud_event(message: &Message) -> Value {
    let event = event(message);
    let context = &event["context"];
    json!({
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": event["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/json",
        "data": event,
    })
}

/// The event alone.
#[must_use]
pub(super) fn event(message: &Message) -> Value {
    let launch = &message.launch;
    let source = source(message);
    let (kind, subject, content) = told(message, &source);
    json!({
        "context": {
            "specversion": SPEC,
            "id": message.id(),
            "source": source,
            "type": kind,
            "timestamp": message.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            // One chain a launch: what belongs together is found by it.
            "chainId": chain(&launch.key),
        },
        "subject": { "id": subject, "content": content },
        "customData": custom(message),
        "customDataContentType": "application/json",
    })
}

/// `tminus:PLAN/KEY`: the launch.
fn source(message: &Message) -> String {
    format!("tminus:{}/{}", message.launch.plan, message.launch.key)
}

/// A UUID made of the launch's key, of version 8: a form of our own.
fn chain(key: &str) -> String {
    let mut hex: String = key.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    while hex.len() < 16 {
        hex.push('0');
    }
    format!("{}-{}-8{}-8{}-000000000000", &hex[..8], &hex[8..12], &hex[12..15], hex[15..].repeat(3))
}

/// What every event says besides, for people.
fn custom(message: &Message) -> Value {
    let launch = &message.launch;
    let mut custom = Map::new();
    let mut put = |key: &str, value: Value| custom.insert(key.to_owned(), value);
    put("plan", json!(launch.plan));
    put("title", json!(launch.title));
    put("environment", json!(launch.environment));
    launch.version.iter().for_each(|version| drop(put("version", json!(version))));
    put("rehearsal", json!(launch.rehearsal));
    put("record", json!(message.place.seq));
    message.mark.iter().for_each(|mark| drop(put("t", json!(whole_seconds(*mark).to_string()))));
    put("topic", json!(message.topic.word()));
    put("tone", json!(message.tone.word()));
    put("text", json!(message.headline()));
    put("lines", json!(message.lines));
    Value::Object(custom)
}

/// Type, subject's id, content.
fn told(message: &Message, source: &str) -> (String, String, Value) {
    let launch = &message.launch;
    let known = |subject: &str, predicate: &str| format!("dev.cdevents.{subject}.{predicate}.{VERSION}");
    let environment = json!({ "id": launch.environment });
    let run = json!({ "id": launch.key, "source": source });
    match &message.deed {
        Deed::PipelineStarted => {
            let content = json!({ "pipelineName": launch.plan, "uri": source });
            (known("pipelinerun", "started"), launch.key.clone(), content)
        }
        Deed::PipelineFinished { outcome } => {
            let mut content = json!({ "pipelineName": launch.plan, "uri": source, "outcome": outcome });
            if *outcome != "success" {
                content["errors"] = json!(message.head);
            }
            (known("pipelinerun", "finished"), launch.key.clone(), content)
        }
        Deed::TaskStarted { id, name } => {
            (known("taskrun", "started"), id.clone(), json!({ "taskName": name, "pipelineRun": run }))
        }
        Deed::TaskFinished { id, name, outcome } => {
            let mut content = json!({ "taskName": name, "pipelineRun": run, "outcome": outcome });
            if *outcome != "success" {
                content["errors"] = json!(message.head);
            }
            (known("taskrun", "finished"), id.clone(), content)
        }
        Deed::SuiteStarted { id, name } => {
            let content = json!({ "environment": environment, "testSuite": { "id": id, "name": name } });
            (known("testsuiterun", "started"), format!("{}/{id}", launch.key), content)
        }
        Deed::SuiteFinished { id, name, outcome } => {
            let mut content =
                json!({ "environment": environment, "testSuite": { "id": id, "name": name }, "outcome": outcome });
            if *outcome != "success" {
                content["reason"] = json!(message.head);
            }
            (known("testsuiterun", "finished"), format!("{}/{id}", launch.key), content)
        }
        Deed::ServiceDeployed { artifact } => {
            let content = json!({ "environment": environment, "artifactId": artifact });
            (known("service", "deployed"), launch.plan.clone(), content)
        }
        Deed::ServiceRolledBack { artifact } => {
            let content = json!({ "environment": environment, "artifactId": artifact });
            (known("service", "rolledback"), launch.plan.clone(), content)
        }
        Deed::IncidentDetected { number } | Deed::IncidentResolved { number } => {
            let word = if matches!(message.deed, Deed::IncidentDetected { .. }) { "detected" } else { "resolved" };
            let content = json!({
                "environment": environment, "description": message.head, "service": { "id": launch.plan },
            });
            (known("incident", word), format!("{}/incident/{number}", launch.key), content)
        }
        Deed::Own { subject, predicate, id } => {
            let kind = format!("dev.cdeventsx.tminus-{subject}.{predicate}.{OWN}");
            (kind, id.clone(), json!({ "description": message.head }))
        }
    }
}
