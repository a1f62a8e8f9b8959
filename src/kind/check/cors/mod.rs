//! The `cors` check: a matrix of preflights, one an origin. Allowed origins must be answered with exactly
//! their own name; denied origins are the negative controls, which never pass on silence. A preflight
//! carries no cookie and no credential, as in a browser.

mod judge;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::join_all;
use http::HeaderName;
use tokio::time::Instant;
use url::Url;

use super::http::{answer, control_answers, open};
use super::{Answer, Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::Jq;
use crate::base::table::Table;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::{Cause, Request};
use crate::kind::Kind;
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::{Report, Verdict};

/// In an example's headers this stands for the row's origin.
const ORIGIN: &str = "{{ origin }}";

/// The table of a `cors` check.
#[derive(Debug, Clone, PartialEq)]
pub struct Cors {
    /// Whole, or a path behind the session's base.
    pub url: Template,
    /// The method asked for: `POST`.
    pub method: String,
    /// Header names asked for.
    pub request_headers: Vec<String>,
    /// Origins that must be let in; each template may stand for a list.
    pub allow: Vec<Template>,
    /// Origins that must be kept out.
    pub deny: Vec<Template>,
    /// Whether a list of those is written, empty or not.
    pub denies: bool,
    /// Whether the origins that are let in may send credentials.
    pub credentials: bool,
}

impl Check for Cors {
    const KIND: Kind = Kind {
        name: "cors",
        family: "check",
        line: "asks a preflight for each origin: those to allow must get exactly their own, those to deny nothing",
        example: concat!(
            "url = \"https://api.example.com/login\"\n",
            "method = \"POST\"\n",
            "request_headers = [\"content-type\", \"x-csrf-token\"]\n",
            "allow = [\"https://app.example.com\"]\n",
            "deny = [\"https://evil.example.com\", \"null\"]\n",
            "credentials = true\n",
        ),
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let url = table.need_template("url", "`url = \"https://…\"`");
        let method = table.text("method");
        if let Some(method) = &method
            && !method.value.bytes().all(|byte| byte.is_ascii_uppercase())
        {
            table.wrong_value(method.span, format!("`{}` is no method: write `POST`, in capitals", method.value));
        }
        let asked = table.texts("request_headers");
        for name in asked.iter().filter(|name| HeaderName::from_bytes(name.value.as_bytes()).is_err()) {
            table.wrong_value(name.span, format!("`{}` is no header name", name.value));
        }
        if !table.has("allow") {
            // Without one that is let in, nothing tells a denied origin from a service that is broken.
            table.missing("allow", "`allow = [\"https://…\"]`: at least one origin that must be let in");
        }
        let allow = table.templates("allow");
        let deny = table.templates("deny");
        let credentials = table.flag("credentials").unwrap_or(false);
        Some(Self {
            url: url?,
            method: method.map_or_else(|| "GET".to_owned(), |method| method.value),
            request_headers: asked.into_iter().map(|name| name.value).collect(),
            allow,
            deny,
            denies: table.has("deny"),
            credentials,
        })
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let all = |origins: &[Template]| {
            // A secret stays as the plan writes it.
            let each = origins.iter().map(|origin| match origin.list(scope) {
                Ok(list) if !origin.is_secret(scope) => list.join(", "),
                _ => origin.written(),
            });
            each.collect::<Vec<_>>().join(", ")
        };
        let with = if self.credentials { ", with credentials" } else { "" };
        let mut lines = vec![format!("allowed{with}: {}", all(&self.allow))];
        if !self.deny.is_empty() {
            lines.push(format!("denied while the service answers: {}", all(&self.deny)));
        }
        lines
    }

    async fn run(&self, cx: &Context) -> Ran {
        let started = Instant::now();
        let session = cx.session.as_ref();
        let scope = session.map_or_else(|| cx.scope.clone(), |session| cx.scope.with(&session.scope()));
        let requests = match self.requests(session, &scope) {
            Ok(requests) => requests,
            Err(unbound) => {
                let report = Report::plain(Verdict::Unknown, unbound.to_string(), started.elapsed());
                return Ran { report: fit(report, &cx.redactor), captured: Vec::new() };
            }
        };
        let sent = requests.iter().map(|(_, request)| cx.client.send(request.clone(), cx.timeout));
        let answers = join_all(sent).await;
        let silent = answers.iter().any(|answer| matches!(answer, Err(Cause::NotResolved | Cause::NoRoute)));
        let control_answers = silent && control_answers(cx).await;
        let labelled = requests.iter().zip(&answers).map(|((origin, _), answer)| {
            let answer = answer.clone().map(|http| Answer { http, ..Answer::default() });
            (origin.clone(), answer)
        });
        let seen = Seen { answers: labelled.collect(), control_answers };
        let mut report = self.judge(&seen, &scope, &cx.jq).await;
        report.took = started.elapsed();
        // One exchange stands for the matrix: the first row that is not as it should be, else the first.
        let worst = report.findings.iter().find(|finding| finding.verdict == report.verdict);
        let row = worst.and_then(|finding| finding.row.as_ref());
        let at = requests.iter().position(|(origin, _)| Some(origin) == row).unwrap_or(0);
        let shown = requests.get(at).zip(answers.get(at));
        report.exchange = shown.map(|((_, request), answer)| exchange(request, answer.as_ref(), &cx.redactor));
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, _jq: &Jq) -> Report {
        match (origins(&self.allow, scope), origins(&self.deny, scope)) {
            (Ok(allow), Ok(deny)) => judge::report(self, seen, &allow, &deny),
            (Err(unbound), _) | (_, Err(unbound)) => {
                Report::plain(Verdict::Unknown, unbound.to_string(), Duration::ZERO)
            }
        }
    }

    fn derive(&self, _scope: &Scope) -> Result<Answered, String> {
        let mut headers = vec![("Access-Control-Allow-Origin", ORIGIN.to_owned()), ("Vary", "Origin".to_owned())];
        if self.credentials {
            headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
        }
        headers.push(("Access-Control-Allow-Methods", self.method.clone()));
        if !self.request_headers.is_empty() {
            headers.push(("Access-Control-Allow-Headers", self.request_headers.join(", ")));
        }
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Answered { status: Some(200), headers, ..Answered::default() })
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        let wire = |origin: String, example: &Answered, status: u16| {
            let answer = answer(&for_row(example, &origin), status, scope);
            (origin, answer)
        };
        let rows = |templates: &[Template]| origins(templates, scope).unwrap_or_default();
        let allowed = rows(&self.allow).into_iter();
        let mut answers: Vec<_> = allowed.map(|origin| wire(origin, example, example.status.unwrap_or(200))).collect();
        answers.extend(rows(&self.deny).into_iter().map(|origin| wire(origin, &denial(example), 400)));
        Seen { answers, control_answers: false }
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
        let Some(url) = open(|scope| Session::join(session, &self.url, scope), &scope) else { return Vec::new() };
        let route = |origin: &str, answer: Answered, denied: bool| Route {
            method: "OPTIONS".to_owned(),
            url: url.clone(),
            headers: vec![
                ("Origin".to_owned(), origin.to_owned()),
                ("Access-Control-Request-Method".to_owned(), self.method.clone()),
            ],
            answer,
            captures: Vec::new(),
            row: Some(origin.to_owned()),
            denied,
            stream: false,
        };
        let rows = |templates: &[Template]| origins(templates, &scope).unwrap_or_default();
        let (allow, deny) = (rows(&self.allow), rows(&self.deny));
        let each = good.iter().flat_map(|good| {
            let allowed = allow.iter().map(|origin| route(origin, for_row(good, origin), false));
            let denied = deny.iter().map(|origin| route(origin, denial(good), true));
            allowed.chain(denied).collect::<Vec<_>>()
        });
        each.collect()
    }
}

impl Cors {
    /// One preflight an origin, those to allow first.
    fn requests(&self, session: Option<&Session>, scope: &Scope) -> Result<Vec<(String, Request)>, Unbound> {
        let url = Session::join(session, &self.url, scope)?;
        let mut all = origins(&self.allow, scope)?;
        all.extend(origins(&self.deny, scope)?);
        let request = |origin: String| {
            let mut headers = vec![
                ("Origin".to_owned(), origin.clone()),
                ("Access-Control-Request-Method".to_owned(), self.method.clone()),
            ];
            if !self.request_headers.is_empty() {
                headers.push(("Access-Control-Request-Headers".to_owned(), self.request_headers.join(",")));
            }
            (origin, Request { method: "OPTIONS".to_owned(), url: url.clone(), headers, body: None })
        };
        all.retain(|origin| is_origin(origin));
        Ok(all.into_iter().map(request).collect())
    }
}

/// What each template stands for, each origin once.
fn origins(templates: &[Template], scope: &Scope) -> Result<Vec<String>, Unbound> {
    let mut all: Vec<String> = Vec::new();
    for template in templates {
        for origin in template.list(scope)? {
            if !all.contains(&origin) {
                all.push(origin);
            }
        }
    }
    Ok(all)
}

/// `null`, or `scheme://host[:port]` and nothing more: what a browser can send.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return text == "null" };
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '@' | '\\' | ',' | '*');
    !scheme.is_empty() && host.chars().all(plain) && Url::parse(text).is_ok_and(|url| url.has_host())
}

/// The example as one allowed origin gets it.
fn for_row(example: &Answered, origin: &str) -> Answered {
    let mut answer = example.clone();
    for (_, value) in &mut answer.headers {
        *value = value.replace(ORIGIN, origin);
    }
    answer
}

/// A right denial in the state of an example: an answer that withholds what lets an origin in.
fn denial(example: &Answered) -> Answered {
    let headers = vec![("Vary".to_owned(), "Origin".to_owned())];
    let body = Some("Disallowed CORS origin".to_owned());
    Answered {
        status: Some(400),
        headers,
        body,
        when: example.when.clone(),
        after: example.after,
        ..Answered::default()
    }
}
