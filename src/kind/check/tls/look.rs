//! Looks at an endpoint: a handshake of today first, then the versions the plan names, each on a connection of
//! its own. A refusal counts only where the server came up for us; one without a word only where it still does.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::address::Endpoint;
use super::certificate::{Roots, told};
use super::handshake::{alert_of, ask, connect, shake, still_answers};
use super::hello::Heard;
use super::{Tls, Version, judge};
use crate::base::wire::{self, Cause, Request};
use crate::kind::check::http::control_answers;
use crate::kind::check::{Answer, Context, Ran, Seen};
use crate::kind::exchange::{exchange, fit};

/// The longest that a server may think about a version, so that one that keeps silent about 1.0 does not use
/// up the time there is.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn look(tls: &Tls, cx: &Context) -> Ran {
    let started = Instant::now();
    let (label, answer) = match Endpoint::of(tls, &cx.values()) {
        Ok(endpoint) => (endpoint.label(), document(tls, &endpoint, cx, started).await),
        Err(why) => (tls.host.written(), Err(Cause::Ours(why))),
    };
    let silent = matches!(&answer, Err(Cause::NotResolved | Cause::NoRoute));
    let control_answers = silent && control_answers(cx).await;
    let answer = answer.map(|body| Answer {
        http: wire::Answer { body: body.to_string().into(), took: started.elapsed(), ..wire::Answer::default() },
        ..Answer::default()
    });
    let asked = Request { method: "TLS".to_owned(), url: label.clone(), ..Request::default() };
    let seen = Seen { answers: vec![(label, answer)], control_answers };
    let mut report = judge::report(tls, &seen, &cx.values());
    report.took = started.elapsed();
    report.exchange = seen.answers.first().map(|(_, answer)| {
        let told = exchange(&asked, answer.as_ref().map(|answer| &answer.http), &cx.redactor);
        match answer {
            Ok(_) => crate::launch::verdict::Exchange { response: "what was presented".to_owned(), ..told },
            Err(_) => told,
        }
    });
    Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
}

/// What was seen, as a document.
async fn document(tls: &Tls, endpoint: &Endpoint, cx: &Context, started: Instant) -> Result<Value, Cause> {
    let until = started + cx.timeout;
    let name = endpoint.server_name().map_err(Cause::Ours)?;
    let ca = match &tls.ca {
        Some(path) => Some(cx.base.join(path.text(&cx.values()).map_err(|unbound| Cause::Ours(unbound.to_string()))?)),
        None => None,
    };
    let roots = tokio::task::spawn_blocking(move || match ca {
        Some(path) => Roots::of_file(&path),
        None => Roots::of_host(),
    });
    let first = async {
        let stream = connect(&endpoint.host, endpoint.port).await?;
        let address = stream.peer_addr().map_err(|error| Cause::of_io(&error))?;
        Ok((address, shake(stream, name.clone(), rustls::DEFAULT_VERSIONS).await?))
    };
    let (address, tried) = tokio::time::timeout_at(until, first).await.unwrap_or(Err(Cause::TimedOut))?;
    let presented = match (tried.presented, tried.error) {
        (Some(presented), None) => presented,
        // It wants a certificate of ours: what it presented itself is as good.
        (Some(presented), Some(error)) if alert_of(&error).is_some() => presented,
        (_, Some(error)) => return Err(Cause::of_io(&error)),
        (None, None) => return Err(Cause::Tls("the server presented no certificate".to_owned())),
    };
    let roots = roots.await.unwrap_or_else(|error| Err(error.to_string()));
    let mut document = told(&presented, &roots, &name, crate::clock::wall());
    document.insert("address".to_owned(), json!(address.to_string()));

    let asked = tls.offer.iter().chain(&tls.refuse).copied().filter(|version| tried.version != Some(*version));
    let until = until.min(Instant::now() + PATIENCE);
    let heard = join_all(asked.map(async |version| (version, ask(address, &name, version, until).await))).await;
    let wordless = heard.iter().any(|(_, heard)| matches!(heard, Heard::Wordless(_)));
    let left = (started + cx.timeout).saturating_duration_since(Instant::now());
    let alive = wordless && still_answers(address, &name, left.min(PATIENCE)).await;
    document.extend(versions(tried.version, heard, alive));
    Ok(Value::Object(document))
}

/// `versions`: true where accepted, false where refused, null where it could not be told; and `said`, how.
/// `alive`: the server came up for another client after it had closed on us without a word.
fn versions(spoken: Option<Version>, heard: Vec<(Version, Heard)>, alive: bool) -> Map<String, Value> {
    let mut versions = Map::new();
    let mut said = Map::new();
    if let Some(version) = spoken {
        versions.insert(version.word().to_owned(), json!(true));
    }
    for (version, heard) in heard {
        let (accepted, how) = match heard {
            Heard::Accepted => (json!(true), None),
            Heard::Refused(how) => (json!(false), Some(how)),
            Heard::Wordless(how) if alive => (json!(false), Some(how.to_owned())),
            Heard::Wordless(how) => (Value::Null, Some(format!("{how}, and came up for nobody after that"))),
            Heard::Unclear(why) => (Value::Null, Some(why)),
        };
        versions.insert(version.word().to_owned(), accepted);
        said.extend(how.map(|how| (version.word().to_owned(), json!(how))));
    }
    Map::from_iter([("versions".to_owned(), json!(versions)), ("said".to_owned(), json!(said))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_word_counts_only_where_the_server_is_still_there() {
        let heard = || vec![(Version::V10, Heard::Wordless("it closed the connection"))];
        assert_eq!(versions(None, heard(), true)["versions"]["1.0"], json!(false));
        let gone = versions(Some(Version::V13), heard(), false);
        assert_eq!(gone["versions"], json!({ "1.3": true, "1.0": null }));
        assert!(gone["said"]["1.0"].as_str().is_some_and(|said| said.contains("came up for nobody")));
    }
}
