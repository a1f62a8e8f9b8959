//! The HTTP API of Prometheus and Alertmanager, as far as checks ask it: addresses with every value encoded, the
//! envelope of an answer, one number out of a result, the server's own clock. It judges nothing.

use std::time::Duration;

use chrono::DateTime;
use http::header::DATE;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::http::{answer, open};
use super::{Answered, Context, Route, Session};
use crate::base::template::{Scope, Shape, Template};
use crate::base::wire::{self, Answer, Cause, Request};
use crate::kind::exchange::status_words;
use crate::kind::request::Call;
use crate::launch::time::Wall;

/// Clocks that are further apart than this do not mean the same `now`.
pub(super) const SKEW: Duration = Duration::from_secs(30);

/// A server, and what is sent to it with every request.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Whole, or a path behind the session's base.
    pub address: Template,
    pub headers: Vec<(String, Template)>,
}

impl Server {
    /// Asks for `path` with these pairs as its query, each value encoded; the request goes with the answer, to be
    /// shown.
    pub async fn ask(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
        scope: &Scope,
        cx: &Context,
    ) -> (Request, Result<Answer, Cause>) {
        let base = Session::join(cx.session.as_ref(), &self.address, scope);
        let sent = match base.map_err(|unbound| Cause::Ours(unbound.to_string())) {
            Ok(base) => get(&address(&base, path, pairs), &self.headers, scope, cx).await,
            Err(cause) => Err(cause),
        };
        sent.unwrap_or_else(|cause| (Request { method: "GET".to_owned(), ..Request::default() }, Err(cause)))
    }

    /// What the simulated target answers for it. Names without a value stay open.
    pub fn route(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
        good: Answered,
        session: Option<&Session>,
        scope: &Scope,
    ) -> Option<Route> {
        let base = open(|scope| Session::join(session, &self.address, scope), scope)?;
        let headers = Session::headers(session, &self.headers).into_iter();
        let headers = headers.filter_map(|(name, value)| Some((name.to_owned(), open(|s| value.text(s), scope)?)));
        Some(Route {
            method: "GET".to_owned(),
            url: address(&base, path, pairs),
            headers: headers.collect(),
            answer: good,
            captures: Vec::new(),
            row: None,
            denied: false,
            stream: false,
        })
    }
}

/// Sends a GET as its session asks: with its headers, cookies, credentials and certificates.
///
/// # Errors
/// Why nothing could be sent.
pub(super) async fn get(
    url: &str,
    own: &[(String, Template)],
    scope: &Scope,
    cx: &Context,
) -> Result<(Request, Result<Answer, Cause>), Cause> {
    let session = cx.session.as_ref();
    let asked = Call::get(Template::literal(url), own.to_vec()).asked(scope, session, &cx.base).await?;
    let sent = asked.send(&cx.client, cx.timeout, session, &cx.redactor).await;
    Ok((sent.request, sent.answer))
}

fn address(base: &str, path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("{}{path}{mark}{}", base.trim_end_matches('/'), pairs.join("&"))
}

/// A value of a query, encoded; names without a value yet stay `{{ name }}`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        out.extend(byte_serialize(plain.as_bytes()));
        out.push_str(&format!("{{{{{name}}}}}"));
        rest = after;
    }
    out.extend(byte_serialize(rest.as_bytes()));
    out
}

/// The `data` of an answer, and the server's warnings.
///
/// # Errors
/// What the server said instead, as a sentence.
pub(super) fn data(answer: &Answer) -> Result<(Value, Vec<String>), String> {
    let body: Result<Value, _> = serde_json::from_slice(&answer.body);
    let status = status_words(answer.status);
    let Ok(mut body) = body else { return Err(format!("{status} with what is no JSON")) };
    if answer.status != 200 || body["status"] != "success" {
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        let why = format!("{status} {} {}", text("errorType"), text("error"));
        return Err(why.trim().to_owned());
    }
    let warnings = body["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let warnings = warnings.collect();
    Ok((body["data"].take(), warnings))
}

/// The one number of an instant query's result.
///
/// # Errors
/// Why there is not exactly one number, as a sentence.
pub(super) fn number(data: &Value) -> Result<f64, String> {
    let sample = match (data["resultType"].as_str(), &data["result"]) {
        (Some("scalar"), sample) => sample,
        (Some("vector"), Value::Array(series)) => match series.as_slice() {
            [] => return Err("an empty vector: no series".to_owned()),
            [one] if one.get("value").is_none() => return Err("a histogram, not one number".to_owned()),
            [one] => &one["value"],
            several => return Err(format!("{} series, not one", several.len())),
        },
        (Some(other), _) => return Err(format!("a {other}, not one number")),
        (None, _) => return Err("no result of a query".to_owned()),
    };
    let text = sample.get(1).and_then(Value::as_str).ok_or("a sample without a value")?;
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("{text}, no number")),
        Err(_) => Err("a value that is no number".to_owned()),
    }
}

/// A result of one number, for the simulated target.
pub(super) fn vector(value: Option<f64>) -> Value {
    let series = value.map(|value| serde_json::json!({ "metric": {}, "value": [0, value.to_string()] }));
    let result: Vec<Value> = series.into_iter().collect();
    serde_json::json!({ "status": "success", "data": { "resultType": "vector", "result": result } })
}

/// What the server takes for now.
pub(super) fn date(answer: &Answer) -> Option<Wall> {
    let text = answer.headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

/// Why an answer's age cannot be told: its server's clock and ours are too far apart.
pub(super) fn skewed(answer: &Answer, now: Wall) -> Option<String> {
    let apart = (date(answer)? - now).abs().to_std().unwrap_or(Duration::MAX);
    let limit = SKEW.saturating_add(answer.took);
    (apart > limit).then(|| format!("our clock and the server's are {} s apart", apart.as_secs()))
}

/// The JSON of an example, its names filled in.
pub(super) fn document(example: &Answered, scope: &Scope) -> Option<Value> {
    let answer = answer(example, 200, scope).ok()?;
    serde_json::from_slice(&answer.http.body).ok()
}

/// `example` with this for its body.
pub(super) fn told(example: &Answered, json: Value) -> Answered {
    Answered { status: Some(200), json: Some(Shape::Plain(json)), body: None, ..example.clone() }
}

/// An answer that is a document of ours about what was seen.
pub(super) fn seen(document: &Value, took: Duration) -> super::Answer {
    let http = wire::Answer { status: 200, body: document.to_string().into(), took, ..wire::Answer::default() };
    super::Answer { http, ..super::Answer::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answered(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned().into(), ..Answer::default() }
    }

    #[test]
    fn every_character_of_a_query_is_encoded_and_open_names_stay() {
        let text = r#"sum(rate(a{b=~"5..|x+"}[5m])) / 2 & {{ name }}#"#;
        let url = format!("http://p/api?query={}&time=1", encoded(&text.replace("{{ name }}", "z")));
        let pairs: Vec<(String, String)> = url::Url::parse(&url).expect("a URL").query_pairs().into_owned().collect();
        assert_eq!(pairs[0].1, text.replace("{{ name }}", "z"));
        assert_eq!(pairs.len(), 2);
        assert!(encoded(text).contains("{{ name }}%23"));
    }

    #[test]
    fn exactly_one_finite_number_is_a_number() {
        let vector = |values: &[&str]| {
            let series: Vec<Value> = values.iter().map(|value| json!({ "metric": {}, "value": [1, value] })).collect();
            json!({ "resultType": "vector", "result": series })
        };
        assert_eq!(number(&vector(&["0.25"])), Ok(0.25));
        assert_eq!(number(&json!({ "resultType": "scalar", "result": [1, "3"] })), Ok(3.0));
        for (wrong, told) in [
            (vector(&[]), "no series"),
            (vector(&["1", "2"]), "2 series"),
            (vector(&["NaN"]), "NaN"),
            (vector(&["+Inf"]), "+Inf"),
            (vector(&["x"]), "no number"),
            (json!({ "resultType": "matrix", "result": [] }), "matrix"),
            (json!({ "resultType": "string", "result": [1, "3"] }), "string"),
            (json!({ "resultType": "vector", "result": [{ "metric": {}, "histogram": [] }] }), "histogram"),
            (json!({}), "no result"),
        ] {
            let why = number(&wrong).expect_err("no number");
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn an_error_is_told_in_the_servers_words() {
        let wrong = answered(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        assert_eq!(data(&wrong), Err("400 Bad Request bad_data parse error".to_owned()));
        assert!(data(&answered(200, "<html>")).is_err());
        assert!(data(&answered(503, r#"{"status":"success","data":{}}"#)).is_err());
        let warned = answered(200, r#"{"status":"success","data":1,"warnings":["one store is away"]}"#);
        assert_eq!(data(&warned), Ok((json!(1), vec!["one store is away".to_owned()])));
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(status in 100_u16..600, body in "\\PC{0,80}", value in "[\\[\\]{}\":,a-zN0-9.]{0,60}") {
            for body in [body, format!("{{\"status\":\"success\",\"data\":{value}}}")] {
                if let Ok((data, _)) = data(&answered(status, &body)) {
                    let _ = number(&data);
                }
            }
        }

        #[test]
        fn any_text_comes_back_as_it_was_sent(text in "[^{]{0,40}") {
            let url = format!("http://p/?q={}", encoded(&text));
            let parsed = url::Url::parse(&url).expect("a URL");
            prop_assert_eq!(parsed.query_pairs().next().map(|(_, value)| value.into_owned()), Some(text));
        }
    }
}
