//! An answer ready for the wire, and the faults that bend it. Pure: what is on is told, nothing is
//! looked up.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::fault::Fault;
use super::memory::{Filled, FilledEvent};
use crate::launch::time::Wall;

/// What a request comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A whole answer.
    Whole(Whole),
    /// A stream of events that stays open.
    Stream(Flow),
    /// The connection is reset before a byte of an answer.
    Reset,
    /// The connection is reset in the middle of the answer's head.
    Cut,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How long it takes.
    pub after: Duration,
}

/// The events of a stream, as frames with the time before each.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// How long the head takes.
    pub after: Duration,
    pub frames: VecDeque<(Duration, Bytes)>,
    pub then: Then,
}

/// What a stream does after its last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Stays open, with `: ping` now and then.
    Ping,
    /// Stays open without a byte.
    Silent,
    /// The connection breaks off.
    Break,
    /// All frames again, and so on.
    Again,
}

/// Headers the connection itself decides on.
const OURS: [HeaderName; 4] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];

/// Between two frames of a stream that repeats, where its example says no pacing.
const BREATH: Duration = Duration::from_millis(50);

impl Reply {
    /// The answer as the plan tells it.
    #[must_use]
    pub fn told(status: Option<u16>, filled: &Filled, after: Duration, stream: bool) -> Self {
        let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
        let mut headers = head(filled);
        if stream && status.is_success() {
            default_type(&mut headers, "text/event-stream; charset=utf-8");
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
            let frames = filled.events.iter().map(|event| (event.after, frame(event))).collect();
            return Self::Stream(Flow { status, headers, after, frames, then: Then::Ping });
        }
        let body = match (&filled.json, &filled.body) {
            (Some(json), _) => {
                default_type(&mut headers, "application/json");
                Bytes::from(json.to_string())
            }
            (None, Some(text)) => {
                default_type(&mut headers, "text/plain; charset=utf-8");
                Bytes::from(text.clone())
            }
            (None, None) => Bytes::new(),
        };
        Self::Whole(Whole { status, headers, body, after })
    }

    /// A JSON answer of the target's own.
    #[must_use]
    pub fn own(status: StatusCode, json: &Value) -> Self {
        let mut headers = HeaderMap::new();
        default_type(&mut headers, "application/json");
        Self::Whole(Whole { status, headers, body: Bytes::from(json.to_string()), after: Duration::ZERO })
    }

    /// What `errors` answers.
    #[must_use]
    pub fn error() -> Self {
        Self::own(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "simulated: the service failed" }))
    }

    /// The same answer with `fault` done to it. Faults that concern the connection, the request or
    /// the choice of the answer are the world's.
    #[must_use]
    pub fn bent(self, fault: Fault) -> Self {
        match (fault, self) {
            (Fault::BadJson, Self::Whole(whole)) if is_json(&whole.headers) && !whole.body.is_empty() => {
                Self::Whole(Whole { body: broken(&whole.body), ..whole })
            }
            (Fault::WrongStatus, Self::Whole(whole)) => Self::Whole(Whole { status: wrong(whole.status), ..whole }),
            (Fault::WrongStatus, Self::Stream(flow)) => Self::Stream(Flow { status: wrong(flow.status), ..flow }),
            (Fault::StreamStalls, Self::Stream(mut flow)) => {
                // Where the first event is the last, there is nothing to fall silent after.
                let kept = flow.frames.len().saturating_sub(1).min(1);
                flow.frames.truncate(kept);
                Self::Stream(Flow { then: Then::Silent, ..flow })
            }
            (Fault::StreamDrops, Self::Stream(mut flow)) => {
                flow.frames.pop_back();
                Self::Stream(Flow { then: Then::Break, ..flow })
            }
            (Fault::StreamNeverEnds, Self::Stream(mut flow)) => {
                flow.frames.pop_back();
                let then = if flow.frames.is_empty() { Then::Ping } else { Then::Again };
                for (after, _) in &mut flow.frames {
                    *after = (*after).max(BREATH);
                }
                Self::Stream(Flow { then, ..flow })
            }
            (Fault::Reset, Self::Whole(_) | Self::Stream(_)) => Self::Cut,
            (Fault::Down, _) => Self::Reset,
            (_, same) => same,
        }
    }

    /// The same answer without the data in it: nothing is known of what was asked for.
    #[must_use]
    pub fn emptied(self) -> Self {
        match self {
            Self::Whole(whole) if is_json(&whole.headers) => {
                let document = serde_json::from_slice(&whole.body).unwrap_or_default();
                let body = Bytes::from(without_data(document).to_string());
                Self::Whole(Whole { body, ..whole })
            }
            same => same,
        }
    }

    /// The same answer of a server whose clock is `skew` milliseconds ahead of `now`.
    #[must_use]
    pub fn dated(mut self, now: Wall, skew: i64) -> Self {
        let headers = match &mut self {
            Self::Whole(whole) => &mut whole.headers,
            Self::Stream(flow) => &mut flow.headers,
            Self::Reset | Self::Cut => return self,
        };
        let date = now.checked_add_signed(chrono::TimeDelta::milliseconds(skew)).unwrap_or(now);
        let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            // An example that says a date of its own says how old its document is.
            headers.entry(header::DATE).or_insert(date);
        }
        self
    }

    /// The same answer, `late` later.
    #[must_use]
    pub fn later(mut self, late: Duration) -> Self {
        match &mut self {
            Self::Whole(whole) => whole.after += late,
            Self::Stream(flow) => flow.after += late,
            Self::Reset | Self::Cut => {}
        }
        self
    }
}

/// A status that no expectation of this answer can mean.
fn wrong(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => StatusCode::OK,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Half of a document with a tail that no half can be completed by.
fn broken(body: &Bytes) -> Bytes {
    let mut half = body.slice(..body.len() / 2).to_vec();
    half.extend_from_slice(b"{\"cut");
    Bytes::from(half)
}

/// Lists are empty, numbers are gone; an answer of a metrics server stays one.
fn without_data(document: Value) -> Value {
    match document {
        Value::Array(_) => json!([]),
        Value::Object(mut entries) if entries.get("status").is_some_and(Value::is_string) => {
            if let Some(Value::Object(data)) = entries.get_mut("data") {
                data.values_mut().filter(|value| value.is_array()).for_each(|value| *value = json!([]));
            }
            Value::Object(entries)
        }
        _ => json!({}),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.contains("json"))
}

fn default_type(headers: &mut HeaderMap, value: &'static str) {
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(value));
}

fn head(filled: &Filled) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let cookies = filled.cookies.iter().map(|(name, value)| ("set-cookie", format!("{name}={value}; Path=/")));
    let plain = filled.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in plain.chain(cookies) {
        // A header that cannot be sent is not sent: the check then says that it is missing.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !OURS.contains(&name)
        {
            headers.append(name, value);
        }
    }
    headers
}

fn frame(event: &FilledEvent) -> Bytes {
    let mut text = String::new();
    let one_line = |text: &str| text.replace(['\r', '\n'], " ");
    if let Some(id) = &event.id {
        text.push_str(&format!("id: {}\n", one_line(id)));
    }
    if let Some(name) = &event.event {
        text.push_str(&format!("event: {}\n", one_line(name)));
    }
    for line in event.data.split('\n') {
        text.push_str(&format!("data: {}\n", line.trim_end_matches('\r')));
    }
    text.push('\n');
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(events: usize) -> Reply {
        let events = (0..events).map(|n| FilledEvent { data: n.to_string(), ..FilledEvent::default() }).collect();
        Reply::told(None, &Filled { events, ..Filled::default() }, Duration::ZERO, true)
    }

    fn flow(reply: Reply) -> Flow {
        match reply {
            Reply::Stream(flow) => flow,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_is_framed_line_by_line() {
        let event = FilledEvent {
            event: Some("mess\nage".into()),
            id: Some("7".into()),
            data: "a\nb".into(),
            after: Duration::ZERO,
        };
        assert_eq!(frame(&event), "id: 7\nevent: mess age\ndata: a\ndata: b\n\n");
    }

    #[test]
    fn stream_faults_keep_the_last_event_back_each_in_its_own_way() {
        for events in 1..4 {
            let frames = |fault| flow(stream(events).bent(fault)).frames.len();
            assert_eq!(frames(Fault::StreamStalls), usize::from(events > 1), "{events}");
            assert_eq!(frames(Fault::StreamDrops), events - 1);
            assert_eq!(frames(Fault::StreamNeverEnds), events - 1);
        }
        assert_eq!(flow(stream(2).bent(Fault::StreamStalls)).then, Then::Silent);
        assert_eq!(flow(stream(2).bent(Fault::StreamDrops)).then, Then::Break);
        assert_eq!(flow(stream(2).bent(Fault::StreamNeverEnds)).then, Then::Again);
        assert_eq!(flow(stream(1).bent(Fault::StreamNeverEnds)).then, Then::Ping, "never a loop over nothing");
    }

    #[test]
    fn a_fault_leaves_alone_what_it_does_not_concern() {
        let text = Reply::told(Some(204), &Filled::default(), Duration::ZERO, false);
        for fault in [Fault::BadJson, Fault::StreamDrops, Fault::StreamStalls, Fault::StreamNeverEnds] {
            assert_eq!(text.clone().bent(fault), text, "{fault}");
        }
        assert_eq!(stream(3).bent(Fault::BadJson), stream(3));
    }

    #[test]
    fn a_header_that_cannot_be_sent_or_is_the_connections_own_is_left_out() {
        let headers = [("content-length", "99"), ("x\u{7}", "1"), ("x-a", "bad\nvalue"), ("x-b", "2")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let head = head(&Filled { headers, cookies: vec![("a".into(), "1".into())], ..Filled::default() });
        assert_eq!(head.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-b", "set-cookie"]);
    }

    proptest! {
        #[test]
        fn broken_json_never_parses(json in "[\\[\\]{}\",:0-9a-z \\\\]{0,40}", text in "\\PC{0,20}") {
            for body in [json.clone(), Value::String(text.clone()).to_string(), json!({ &text: [&json, 1, null] }).to_string()] {
                prop_assert!(serde_json::from_slice::<Value>(&broken(&Bytes::from(body))).is_err());
            }
        }
    }
}
