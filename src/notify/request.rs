//! What goes out to one target: a form, and where it is posted. What it says holds no secret of the launch, wherever
//! that stood.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::message::{Launch, Message};
use super::pagerduty;
use super::queue::Parcel;
use super::{cdevents, slack};
use crate::base::reach::Reach;
use crate::base::secret::Redactor;
use crate::base::signature::hmac_sha256;
use crate::base::wire::Request;
use crate::launch::plan::{Notify, Topic, Via};
use crate::launch::time::Wall;

/// The header with the signature: `sha256=` and hex of HMAC-SHA256 over the time, a point, and the bytes sent.
const SIGNATURE: &str = "X-Tminus-Signature";
/// The header with the time that is signed, in whole seconds of Unix time.
const TIMESTAMP: &str = "X-Tminus-Timestamp";

/// The request that tells `parcel` to `target`, made at `now`.
///
/// # Errors
/// It cannot be made, in words that tell no address.
pub fn request(
    parcel: &Parcel,
    target: &Notify,
    reach: &Reach,
    redactor: &Redactor,
    now: Wall,
) -> Result<Request, String> {
    // Before it has a form: a form cuts and escapes, and then a secret is no longer known for one.
    let (parcel, target) =
        (&known_to_all(parcel, redactor), &Notify { text: texts(target, redactor), ..target.clone() });
    let first = parcel.messages.first().ok_or("nothing to tell")?;
    let address = reach.address.told();
    let mut headers = Vec::new();
    let mut put = |name: &str, value: String| headers.push((name.to_owned(), value));
    let (url, body) = match target.via {
        Via::Slack => {
            put("Content-Type", "application/json; charset=utf-8".to_owned());
            (address.to_owned(), redacted(slack::body(parcel, target), redactor))
        }
        Via::PagerDuty => {
            put("Content-Type", "application/json".to_owned());
            let key = reach.key.as_ref().ok_or("it has no routing key")?.told();
            let text = target.text.get(&first.topic).map(String::as_str);
            let (path, mut body) = pagerduty::event(first, text);
            if let Some(details) = body.pointer_mut("/payload/custom_details") {
                say_more(details, parcel);
            }
            body = redacted(body, redactor);
            body["routing_key"] = Value::from(key);
            (format!("{}{path}", address.trim_end_matches('/')), body)
        }
        Via::Webhook => {
            put("Content-Type", cdevents::MEDIA.to_owned());
            let mut event = cdevents::cloud_event(first);
            if let Some(text) = target.text.get(&first.topic) {
                event["data"]["customData"]["note"] = Value::from(text.as_str());
            }
            say_more(&mut event["data"]["customData"], parcel);
            (address.to_owned(), redacted(event, redactor))
        }
    };
    let body = body.to_string();
    for header in &reach.headers {
        put(&header.name, header.value.told().to_owned());
    }
    if let (Via::Webhook, Some(key)) = (target.via, &reach.key) {
        let time = now.timestamp().to_string();
        let signature = hmac_sha256(key.told().as_bytes(), &[time.as_bytes(), b".", body.as_bytes()])?;
        put(TIMESTAMP, time);
        put(SIGNATURE, format!("sha256={signature}"));
    }
    Ok(Request { method: "POST".to_owned(), url, headers, body: Some(body.into()) })
}

/// That it may have come before, and how many before it never will.
fn say_more(details: &mut Value, parcel: &Parcel) {
    if parcel.again {
        details["repeat"] = Value::from(true);
    }
    if parcel.dropped > 0 {
        details["dropped"] = Value::from(parcel.dropped);
    }
}

/// The same parcel, without a secret in what people read of it.
fn known_to_all(parcel: &Parcel, redactor: &Redactor) -> Parcel {
    let text = |text: &String| redactor.text(text);
    let messages = parcel.messages.iter().map(|message| {
        let launch = Launch {
            title: text(&message.launch.title),
            environment: text(&message.launch.environment),
            version: message.launch.version.as_ref().map(text),
            ..Launch::clone(&message.launch)
        };
        let lines = message.lines.iter().map(text).collect();
        Message { launch: Arc::new(launch), head: text(&message.head), lines, ..message.clone() }
    });
    Parcel { messages: messages.collect(), ..parcel.clone() }
}

fn texts(target: &Notify, redactor: &Redactor) -> BTreeMap<Topic, String> {
    target.text.iter().map(|(topic, text)| (*topic, redactor.text(text))).collect()
}

/// A value with each of its texts without a secret.
fn redacted(value: Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.text(&text)),
        Value::Array(all) => all.into_iter().map(|one| redacted(one, redactor)).collect(),
        Value::Object(all) => all.into_iter().map(|(key, one)| (key, redacted(one, redactor))).collect(),
        other => other,
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
