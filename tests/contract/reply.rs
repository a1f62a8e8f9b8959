//! Answers as the backend words them, and those that need no state: health, preflights, telemetry.

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use std::convert::Infallible;

use super::{Asked, BATCHES, Behaviour, Lookalike, ORIGIN, Shared};

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
const HEADERS: [&str; 5] = ["accept", "accept-language", "content-language", "content-type", "x-csrf-token"];
/// CLIENT_EVENTS_MAX_SAMPLE_RATE.
const MOST_SAMPLED: f64 = 0.1;
const BATCH: usize = 50;

pub struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    fn new(status: u16, kind: &'static str, body: Body) -> Self {
        let reply = Self { status, headers: HeaderMap::new(), body };
        reply.header("content-type", kind)
    }

    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", Full::new(text.to_owned().into()).boxed_unsync())
    }

    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", Full::new(value.to_string().into()).boxed_unsync())
    }

    pub fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }

    /// What the CSRF middleware refuses.
    pub fn forbidden(code: &str, message: &str) -> Self {
        Self::json(403, &json!({ "detail": message, "error": { "code": code, "message": message } }))
    }

    /// What the routes refuse.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "code": code, "message": message, "request_id": "req-1", "detail": null });
        Self::json(status, &json!({ "error": error }))
    }

    /// Frames as they come, for as long as the other side reads.
    pub fn events(frames: impl futures_util::Stream<Item = String> + Send + 'static) -> Self {
        let frames = frames.map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        Self::new(200, "text/event-stream; charset=utf-8", StreamBody::new(frames).boxed_unsync())
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("set-cookie", cookie)
    }

    /// The headers that let a page of the allowed origin read the answer.
    pub fn for_origin(self, origin: Option<&str>) -> Self {
        match origin {
            Some(ORIGIN) => self
                .header("access-control-allow-origin", ORIGIN)
                .header("access-control-allow-credentials", "true")
                .header("vary", "Origin"),
            _ => self,
        }
    }

    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status.try_into().expect("a status");
        *response.headers_mut() = self.headers;
        response
    }
}

pub fn health() -> Reply {
    Reply::json(
        200,
        &json!({
            "status": "ok", "version": "1.0.0", "timestamp": "2026-01-01T00:00:00Z", "build_sha": "abc1234",
            "build_time": "2026-01-01T00:00:00Z", "environment": "production",
        }),
    )
}

pub fn preflight(asked: &Asked, behaviour: &Behaviour) -> Reply {
    let (Some(origin), Some(method)) = (asked.header("origin"), asked.header("access-control-request-method")) else {
        return Reply::detail(405, "Method Not Allowed");
    };
    let lookalike = origin == "null" || origin != ORIGIN && origin.starts_with(ORIGIN);
    let open = if lookalike { behaviour.lookalike } else { Lookalike::Denied };
    let allowed = origin == ORIGIN || open == Lookalike::LetIn;
    let wanted = asked.header("access-control-request-headers").unwrap_or_default();
    let mut wanted = wanted.split(',').map(str::trim).filter(|name| !name.is_empty());
    let reply = if !allowed && open != Lookalike::Answered {
        Reply::text(400, "Disallowed CORS origin")
    } else if !METHODS.split(", ").any(|known| known == method) {
        Reply::text(400, "Disallowed CORS method")
    } else if !wanted.all(|name| HEADERS.contains(&name.to_ascii_lowercase().as_str())) {
        Reply::text(400, "Disallowed CORS headers")
    } else {
        Reply::text(200, "OK")
    };
    let reply = match behaviour.vary_in_two_lines {
        true => reply.header("vary", "Accept-Encoding").header("vary", "Access-Control-Request-Headers, Origin"),
        false => reply.header("vary", "Origin"),
    };
    let reply = reply
        .header("access-control-allow-methods", METHODS)
        .header("access-control-allow-headers", &HEADERS.join(", "))
        .header("access-control-max-age", "600");
    match allowed {
        true => reply.header("access-control-allow-origin", origin).header("access-control-allow-credentials", "true"),
        false => reply,
    }
}

pub fn client_events(shared: &Shared, asked: &Asked) -> Reply {
    if shared.behaviour.client_events_off {
        return Reply::detail(404, "Not Found");
    }
    let Some(events) = asked.json["events"].as_array().filter(|events| events.len() <= BATCH) else {
        return Reply::error(422, "E4220", "events: a list of at most 50");
    };
    let mut state = shared.state();
    state.batches += 1;
    if state.batches > BATCHES {
        return Reply::error(429, "E4290", "Too many client events");
    }
    let wanted = asked.header("x-client-events-sample-rate").and_then(|rate| rate.parse::<f64>().ok());
    let wanted = wanted.filter(|rate| (0.0..=1.0).contains(rate)).unwrap_or(MOST_SAMPLED).min(MOST_SAMPLED);
    let forced = shared.behaviour.forced_sample_rate;
    let rate = forced.unwrap_or(wanted);
    let kept = (0..events.len()).filter(|at| (*at as f64) < events.len() as f64 * rate).count();
    let accepted = json!({
        "status": "accepted", "accepted_count": kept, "dropped_count": events.len() - kept,
        "effective_sample_rate": rate, "sampling_mode": if forced.is_some() { "forced" } else { "client" },
    });
    Reply::json(202, &accepted)
}
