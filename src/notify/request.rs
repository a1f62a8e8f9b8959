//! What goes out to one target: a form, and where it is posted. What it says holds no secret of the launch, wherever
//! that stood.

use serde_json::Value;

use super::pagerduty;
use super::queue::Parcel;
use super::{cdevents, slack};
use crate::base::reach::Reach;
use crate::base::secret::Redactor;
use crate::base::signature::hmac_sha256;
use crate::base::wire::Request;
use crate::launch::plan::{Notify, Via};
use crate::launch::time::Wall;

/// The header with the signature: `sha256=` and hex of HMAC-SHA256 over the time, a point, and the bytes sent.
pub const SIGNATURE: &str = "X-Tminus-Signature";
/// The header with the time that is signed, in whole seconds of Unix time.
pub const TIMESTAMP: &str = "X-Tminus-Timestamp";

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
            let (path, mut body) = pagerduty::event(first, "", text);
            if let Some(details) = body.pointer_mut("/payload/custom_details").filter(|_| parcel.dropped > 0) {
                details["dropped"] = Value::from(parcel.dropped);
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
            if parcel.again {
                event["data"]["customData"]["repeat"] = Value::from(true);
            }
            if parcel.dropped > 0 {
                event["data"]["customData"]["dropped"] = Value::from(parcel.dropped);
            }
            (address.to_owned(), redacted(event, redactor))
        }
    };
    let body = body.to_string();
    for (name, value) in &reach.headers {
        put(name, value.told().to_owned());
    }
    if let (Via::Webhook, Some(key)) = (target.via, &reach.key) {
        let time = now.timestamp().to_string();
        let signature = hmac_sha256(key.told().as_bytes(), &[time.as_bytes(), b".", body.as_bytes()])?;
        put(TIMESTAMP, time);
        put(SIGNATURE, format!("sha256={signature}"));
    }
    Ok(Request { method: "POST".to_owned(), url, headers, body: Some(body.into()) })
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
