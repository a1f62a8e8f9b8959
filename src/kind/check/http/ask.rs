//! Sends the request of an `http` check with what its session holds, and takes from the answer what
//! the session keeps, before any of it is kept elsewhere.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::{Body, Http, judge, rounds};
use crate::base::template::{Scope, Unbound};
use crate::base::wire::{Cause, Request};
use crate::clock;
use crate::kind::check::{Answer, Check, Context, Ran, Seen, Session};
use crate::kind::exchange::{exchange, fit};
use crate::kind::session::learn;
use crate::launch::verdict::{Report, Verdict};

/// A request with what is to be said about it.
struct Asked {
    request: Request,
    url: Url,
    withheld: Vec<String>,
}

impl Http {
    /// Asks once.
    pub(super) async fn once(&self, cx: &Context) -> Ran {
        let scope = cx.session.as_ref().map_or_else(|| cx.scope.clone(), |session| cx.scope.with(&session.scope()));
        let asked = match self.asked(&scope, cx.session.as_ref()) {
            Ok(asked) => asked,
            Err(cause) => return self.unsent(cause, &scope, cx).await,
        };
        let answer = cx.client.send(asked.request.clone(), cx.timeout).await;
        let mut notes = withheld_note(&asked.withheld).into_iter().collect::<Vec<_>>();
        if let (Some(session), Ok(answer)) = (&cx.session, &answer) {
            let refused = session.keep_cookies(&asked.url, &answer.headers, &cx.redactor);
            notes.extend(refused_note(&refused));
        }
        let silent = matches!(&answer, Err(Cause::NotResolved | Cause::NoRoute));
        let control_answers = silent && control_answers(cx).await;
        let http = answer.map(|http| Answer { http, at: Some(clock::wall()), ..Answer::default() });
        let label = asked.request.url.clone();
        let seen = Seen { answers: vec![(label, http)], control_answers };
        // What the evaluator says is cut: it must know what to take out first.
        let jq = cx.jq.redacting(cx.redactor.clone());
        let taken = judge::take(self, &seen, &scope, &jq).await;
        let captured: Vec<(String, Value)> = taken.captured.iter().flatten().cloned().collect();
        // Outside a session it is no secret: a version, say, that every text may show.
        if cx.session.is_some() {
            captured.iter().for_each(|(_, value)| learn(value, &cx.redactor));
        }
        let mut report = judge::report(self, &seen, taken, &scope, &jq).await;
        if let Some((_, Ok(answer))) = seen.answers.first() {
            rounds::report_stops(self, &mut report, answer, &scope, &jq).await;
        }
        // A value out of a wrong answer is no base for what comes after.
        let captured = match report.verdict {
            Verdict::Pass | Verdict::Warn => captured,
            _ => Vec::new(),
        };
        if let Some(session) = &cx.session {
            captured.iter().for_each(|(name, value)| session.capture(name, value, &cx.redactor));
        }
        let http = seen.answers.first().map(|(_, answer)| answer.as_ref().map(|answer| &answer.http));
        report.exchange = http.map(|answer| exchange(&asked.request, answer, &cx.redactor));
        if report.verdict != Verdict::Pass {
            notes.iter().for_each(|note| report.summary.push_str(note));
        }
        Ran { report: fit(report, &cx.redactor), captured }
    }

    /// Nothing could be sent: a name without a value, an address that is none.
    async fn unsent(&self, cause: Cause, scope: &Scope, cx: &Context) -> Ran {
        let seen = Seen { answers: vec![(self.address.written(), Err(cause))], control_answers: false };
        let report: Report = self.judge(&seen, scope, &cx.jq).await;
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    /// The request alone, for those that send it themselves.
    pub(super) fn request(&self, scope: &Scope, session: Option<&Session>) -> Result<Request, Cause> {
        self.asked(scope, session).map(|asked| asked.request)
    }

    fn asked(&self, scope: &Scope, session: Option<&Session>) -> Result<Asked, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        let address = Session::join(session, &self.address, scope).map_err(ours)?;
        let url = Url::parse(&address).map_err(|why| Cause::Ours(format!("`{address}` is no address: {why}")))?;
        let mut headers = Vec::new();
        for (name, value) in Session::headers(session, &self.headers) {
            headers.push((name.to_owned(), value.text(scope).map_err(ours)?));
        }
        let written =
            |headers: &[(String, String)], name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let body = match &self.body {
            Some(Body::Json(shape)) => {
                if !written(&headers, "content-type") {
                    headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                }
                Some(shape.value(scope).map_err(ours)?.to_string())
            }
            Some(Body::Text(text)) => Some(text.text(scope).map_err(ours)?),
            None => None,
        };
        let cookies = session.map(|session| session.cookies_for(&url)).unwrap_or_default();
        if let Some(cookies) = cookies.header.filter(|_| !written(&headers, "cookie")) {
            headers.push(("Cookie".to_owned(), cookies));
        }
        let request = Request { method: self.method.to_owned(), url: address, headers, body: body.map(Into::into) };
        Ok(Asked { request, url, withheld: cookies.withheld })
    }
}

/// How long an answer of the control probe counts: an outage asks for it once an item and attempt.
const LATELY: Duration = Duration::from_secs(30);

/// When the control probe was last asked, and whether it answered. All clones know the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Lately(Arc<Mutex<Option<(Instant, bool)>>>);

/// Whether the plan's control probe answers: any HTTP answer shows that our own network works. One asks,
/// and those that come meanwhile or within [`LATELY`] are told the same.
pub(crate) async fn control_answers(cx: &Context) -> bool {
    let Some(control) = &cx.control else { return false };
    let mut lately = control.lately.0.lock().await;
    if let Some((at, answered)) = *lately
        && at.elapsed() < LATELY
    {
        return answered;
    }
    let answered = match control.asked(&cx.scope, None) {
        Ok(asked) => {
            let answer = cx.client.send(asked.request, cx.timeout).await;
            matches!(answer, Ok(_) | Err(Cause::HeadTooLarge | Cause::BodyTooLarge { .. }))
        }
        Err(_) => false,
    };
    *lately = Some((Instant::now(), answered));
    answered
}

pub(crate) fn withheld_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · withheld: cookie {all} is Secure and this is plain http"))
}

fn refused_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · refused: cookie {all} is Secure and came over plain http"))
}
