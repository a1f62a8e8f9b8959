//! Sends the request of an `http` check with what its session holds, and takes from the answer what
//! the session keeps, before any of it is kept elsewhere.

use std::sync::Arc;

use url::Url;

use super::{Body, Http, judge};
use crate::base::template::{Scope, Unbound};
use crate::base::wire::{Cause, Request};
use crate::kind::check::{Answer, Check, Context, Ran, Seen, Session};
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::{Report, Verdict};

/// A request with what is to be said about it.
struct Asked {
    request: Request,
    url: Url,
    withheld: Vec<String>,
}

impl Http {
    pub(super) async fn look(&self, cx: &Context) -> Ran {
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
        let http = answer.map(|http| Answer { http, ..Answer::default() });
        let label = asked.request.url.clone();
        let seen = Seen { answers: vec![(label, http)], control_answers };
        let (mut report, captured) = judge::report(self, &seen, &scope, &cx.jq).await;
        for (name, value) in &captured {
            match &cx.session {
                Some(session) => session.capture(name, value, &cx.redactor),
                None => cx.redactor.learn(&crate::base::template::as_text(value)),
            }
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

/// Whether the plan's control probe passes right now.
pub(crate) async fn control_answers(cx: &Context) -> bool {
    let Some(control) = &cx.control else { return false };
    let alone = Context { session: None, control: None, ..cx.clone() };
    let control: Arc<Http> = control.clone();
    // Boxed: the probe is itself an `http` check, once.
    let ran = Box::pin(async move { control.look(&alone).await }).await;
    ran.report.verdict == Verdict::Pass
}

fn withheld_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · withheld: cookie {all} is Secure and this is plain http"))
}

fn refused_note(names: &[String]) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| format!(" · refused: cookie {all} is Secure and came over plain http"))
}
