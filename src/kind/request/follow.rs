//! Sends a request, keeps what its session keeps of each answer, and follows where it is sent, as browsers do
//! (Fetch, RFC 9110 §15.4): within bounds, and never with our credentials to another origin. It judges nothing.

use std::time::Duration;

use http::header::LOCATION;
use tokio::time::Instant;
use url::Url;

use super::build::{Asked, has};
use super::{HOPS, Redirects};
use crate::base::secret::Redactor;
use crate::base::wire::{Answer, Cause, Client, Request};
use crate::kind::session::Session;

/// Headers that tell another origin nothing it should not know: what the answer is to be, never who asks.
const OPEN: [&str; 4] = ["accept", "accept-language", "cache-control", "content-type"];

/// One redirect that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub status: u16,
    pub to: String,
}

/// Where a request was sent on to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    pub hops: Vec<Hop>,
    /// Why the last redirect was not followed.
    pub stopped: Option<String>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Sent {
    /// Of the last request; its time is that of all of them.
    pub answer: Result<Answer, Cause>,
    /// The last request.
    pub request: Request,
    pub trail: Trail,
    /// Names of cookies that may not go over plain http to where they belong.
    pub withheld: Vec<String>,
    /// Names of cookies that were not kept because they came over plain http.
    pub refused: Vec<String>,
}

impl Asked {
    /// Sends it, within `timeout` in all, redirects included.
    pub async fn send(
        self,
        client: &Client,
        timeout: Duration,
        session: Option<&Session>,
        redactor: &Redactor,
    ) -> Sent {
        let end = Instant::now() + timeout;
        let Self { mut request, mut url, mut withheld, way, signed, mut from_jar, redirects } = self;
        let client = client.by(way);
        let (mut trail, mut refused, mut took) = (Trail::default(), Vec::new(), Duration::ZERO);
        let mut seen = vec![(request.method.clone(), url.clone())];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut answer = client.send(request.clone(), left).await;
            if let Ok(answer) = &mut answer {
                took += answer.took;
                answer.took = took;
                refused.extend(
                    session.into_iter().flat_map(|session| session.keep_cookies(&url, &answer.headers, redactor)),
                );
            }
            let next = match &answer {
                Ok(answer) if redirects == Redirects::Follow => next(answer, &request, &url, trail.hops.len()),
                _ => Ok(None),
            };
            let (status, to) = match next {
                Ok(Some(found)) => found,
                Ok(None) => return Sent { answer, request, trail, withheld, refused },
                Err(why) => {
                    trail.stopped = Some(why);
                    return Sent { answer, request, trail, withheld, refused };
                }
            };
            moved(&mut request, status, url.origin() == to.origin(), &signed);
            from_jar |= !has(&request.headers, "cookie");
            if from_jar {
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
                let cookies = session.map(|session| session.cookies_for(&to)).unwrap_or_default();
                request.headers.extend(cookies.header.map(|cookies| ("Cookie".to_owned(), cookies)));
                withheld.extend(cookies.withheld);
            }
            url = to;
            request.url = url.to_string();
            trail.hops.push(Hop { status, to: request.url.clone() });
            let here = (request.method.clone(), url.clone());
            // Cookies may break a circle that is one by its addresses: only the same place for the third time is one.
            if seen.iter().filter(|place| **place == here).count() > 1 {
                trail.stopped = Some(format!("a circle: {} comes again and again", request.url));
                return Sent { answer, request, trail, withheld, refused };
            }
            seen.push(here);
        }
    }
}

/// Where an answer sends us, or why it is not followed.
fn next(answer: &Answer, request: &Request, url: &Url, followed: usize) -> Result<Option<(u16, Url)>, String> {
    let status = answer.status;
    if ![301, 302, 303, 307, 308].contains(&status) {
        return Ok(None);
    }
    let told = answer.headers.get(LOCATION).ok_or_else(|| format!("a {status} that names no place to go"))?;
    let told = String::from_utf8_lossy(told.as_bytes()).into_owned();
    let mut to = url.join(&told).map_err(|why| format!("a {status} to `{told}`, which is no address: {why}"))?;
    if !matches!(to.scheme(), "http" | "https") || !to.has_host() {
        return Err(format!("a {status} to `{told}`, which is no http or https address"));
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(format!(
            "a {status} to an address with a user or password, at {}",
            to.host_str().unwrap_or_default()
        ));
    }
    if followed >= HOPS {
        return Err(format!("more than {HOPS} redirects, the next to {to}"));
    }
    let keeps_body = request.body.is_some() && !drops_body(status, &request.method);
    if keeps_body && to.origin() != url.origin() {
        return Err(format!(
            "a {status} would carry the body to another origin, {}",
            to.origin().ascii_serialization()
        ));
    }
    // What stands behind `#` is carried on where the new place says nothing else, and is never sent.
    to.set_fragment(None);
    Ok(Some((status, to)))
}

/// 303 asks for what was made, 301 and 302 of a POST are answered as browsers always did.
fn drops_body(status: u16, method: &str) -> bool {
    match status {
        303 => !matches!(method, "GET" | "HEAD"),
        301 | 302 => method == "POST",
        _ => false,
    }
}

/// The request as it goes on.
fn moved(request: &mut Request, status: u16, same_origin: bool, signed: &[String]) {
    if drops_body(status, &request.method) {
        request.method = "GET".to_owned();
        request.body = None;
        let of_body = |name: &str| {
            name.eq_ignore_ascii_case("content-type") || signed.iter().any(|own| own.eq_ignore_ascii_case(name))
        };
        request.headers.retain(|(name, _)| !of_body(name));
    }
    if !same_origin {
        request.headers.retain(|(name, _)| OPEN.contains(&name.to_ascii_lowercase().as_str()));
    }
}
