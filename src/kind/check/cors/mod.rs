//! The `cors` check: a matrix of preflights, one an origin and method, and of simple requests beside them.
//! Allowed origins must be answered with exactly their own name; denied origins are the negative controls, which
//! never pass on silence. A preflight carries no cookie and no credential, as in a browser.

mod cells;
mod judge;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::join_all;
use http::HeaderName;
use tokio::time::Instant;

use super::http::{answer, control_answers, open};
use super::{Answer, Answered, Check, Context, Ran, Route, Seen, Session};
use crate::base::jq::Jq;
use crate::base::source::nearest;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::wire::Cause;
use crate::kind::Kind;
use crate::kind::exchange::{exchange, fit};
use crate::launch::verdict::{Report, Verdict};
use cells::{Cell, MOST_CELLS, Part, is_origin};

/// In an example's headers this stands for the row's origin.
const ORIGIN: &str = "{{ origin }}";

/// The table of a `cors` check.
#[derive(Debug, Clone, PartialEq)]
pub struct Cors {
    /// Whole, or a path behind the session's base.
    pub url: Template,
    /// The methods asked for: `POST`.
    pub methods: Vec<String>,
    /// Header names asked for.
    pub request_headers: Vec<String>,
    /// Origins that must be let in; each template may stand for a list.
    pub allow: Vec<Template>,
    /// Origins that must be kept out.
    pub deny: Vec<Template>,
    /// Whether a list of those is written, empty or not.
    pub denies: bool,
    /// Origins that look like the allowed ones, and `null`, must be kept out too.
    pub lookalikes: bool,
    /// Methods that also an origin that is let in must not get.
    pub deny_methods: Vec<String>,
    /// The method of the simple requests, where there are any: `GET` or `HEAD`, which change nothing.
    pub simple: Option<&'static str>,
    /// Headers of a simple answer that an origin that is let in may read.
    pub expose: Vec<String>,
    /// How long a browser may keep a preflight's answer, at least.
    pub max_age: Option<Duration>,
    /// Whether the origins that are let in may send credentials; not looked at where it is not said.
    pub credentials: Option<bool>,
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
        let mut wanted = methods(table, "method");
        if wanted.is_empty() {
            wanted.push("GET".to_owned());
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
        origins_fit(table, &allow, &deny);
        let deny_methods = methods(table, "deny_methods");
        let simple = table.word("simple", &[("GET", "GET"), ("HEAD", "HEAD")]);
        let expose: Vec<String> = table.texts("expose").into_iter().map(|name| name.value).collect();
        if !expose.is_empty() && simple.is_none() {
            table.missing("simple", "`simple = \"GET\"`: `expose` is about its answer");
        }
        let lookalikes = table.flag("lookalikes").unwrap_or(false);
        let credentials = table.flag("credentials");
        Some(Self {
            url: url?,
            methods: wanted,
            request_headers: asked.into_iter().map(|name| name.value).collect(),
            allow,
            deny,
            denies: table.has("deny") || lookalikes,
            lookalikes,
            deny_methods,
            simple,
            expose,
            max_age: table.duration("max_age"),
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
        let with = match self.credentials {
            Some(true) => ", with credentials",
            Some(false) => ", without credentials",
            None => "",
        };
        let mut lines = vec![format!("allowed{with}: {}", all(&self.allow))];
        if !self.deny.is_empty() {
            lines.push(format!("denied while the service answers: {}", all(&self.deny)));
        }
        if self.lookalikes {
            lines.push("denied while the service answers: lookalikes, null".to_owned());
        }
        lines.extend(self.deny_methods.iter().map(|method| format!("{method} refused")));
        lines.extend(self.simple.map(|method| format!("the same of a simple {method}")));
        lines.extend(self.max_age.map(|least| format!("kept for at least {}", humantime::format_duration(least))));
        lines
    }

    fn address(&self) -> Option<&Template> {
        Some(&self.url)
    }

    async fn run(&self, cx: &Context) -> Ran {
        let started = Instant::now();
        let session = cx.session.as_ref();
        let scope = cx.values();
        let requests = self.cells(&scope).and_then(|cells| self.requests(&cells, session, &scope));
        let requests = match requests.map_err(|unbound| unbound.to_string()) {
            Ok(requests) if requests.len() <= MOST_CELLS => requests,
            wrong => {
                let why = wrong.err().unwrap_or_else(|| format!("a matrix of more than {MOST_CELLS} requests"));
                let report = Report::plain(Verdict::Unknown, why, started.elapsed());
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
        let row = report.exchanged_row();
        let at = requests.iter().position(|(origin, _)| Some(origin) == row).unwrap_or(0);
        let shown = requests.get(at).zip(answers.get(at));
        report.exchange = shown.map(|((_, request), answer)| exchange(request, answer.as_ref(), &cx.redactor));
        Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
    }

    async fn judge(&self, seen: &Seen, scope: &Scope, _jq: &Jq) -> Report {
        match self.cells(scope) {
            Ok(cells) => judge::report(self, seen, &cells),
            Err(unbound) => Report::plain(Verdict::Unknown, unbound.to_string(), Duration::ZERO),
        }
    }

    fn derive(&self, _scope: &Scope) -> Result<Answered, String> {
        let mut headers = vec![("Access-Control-Allow-Origin", ORIGIN.to_owned()), ("Vary", "Origin".to_owned())];
        if self.credentials == Some(true) {
            headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
        }
        headers.push(("Access-Control-Allow-Methods", self.methods.join(", ")));
        if !self.request_headers.is_empty() {
            headers.push(("Access-Control-Allow-Headers", self.request_headers.join(", ")));
        }
        if let Some(least) = self.max_age {
            headers.push(("Access-Control-Max-Age", least.as_secs().to_string()));
        }
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Answered { status: Some(200), headers, ..Answered::default() })
    }

    fn seen(&self, example: &Answered, scope: &Scope) -> Seen {
        let wire = |cell: Cell| {
            let told = self.told(&cell, example);
            (cell.label, answer(&told, told.status.unwrap_or(200), scope))
        };
        let cells = self.cells(scope).unwrap_or_default().into_iter();
        Seen { answers: cells.map(wire).collect(), control_answers: false }
    }

    fn routes(&self, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
        let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
        let Some(url) = open(|scope| Session::join(session, &self.url, scope), &scope) else { return Vec::new() };
        let route = |cell: &Cell, good: &Answered| Route {
            method: cell.verb().to_owned(),
            url: url.clone(),
            headers: cell.headers(),
            answer: self.told(cell, good),
            captures: Vec::new(),
            row: (cell.part != Part::Refuse).then(|| cell.origin.clone()),
            denied: matches!(cell.part, Part::Deny | Part::SimpleDeny),
            stream: false,
        };
        let cells = self.cells(&scope).unwrap_or_default();
        good.iter().flat_map(|good| cells.iter().map(|cell| route(cell, good)).collect::<Vec<_>>()).collect()
    }
}

impl Cors {
    /// What a cell is answered, where `example` is what an allowed preflight gets.
    fn told(&self, cell: &Cell, example: &Answered) -> Answered {
        let withheld = denial(example);
        let named = for_row(example, &cell.origin);
        let of_simple = |(name, _): &(String, String)| {
            let names = ["access-control-allow-origin", "access-control-allow-credentials", "vary"];
            names.iter().any(|kept| name.eq_ignore_ascii_case(kept))
        };
        match cell.part {
            Part::Allow => named,
            Part::Deny => withheld,
            Part::SimpleDeny => Answered { status: Some(200), body: None, ..withheld },
            Part::Simple => {
                let mut headers: Vec<_> = named.headers.into_iter().filter(of_simple).collect();
                if !self.expose.is_empty() {
                    headers.push(("Access-Control-Expose-Headers".to_owned(), self.expose.join(", ")));
                }
                Answered { status: Some(200), headers, body: None, ..withheld }
            }
            // The status alone refuses: where it is another, the method is let through.
            Part::Refuse => {
                let mut headers: Vec<_> = named.headers.into_iter().filter(of_simple).collect();
                headers.push(("Access-Control-Allow-Methods".to_owned(), cell.method.clone()));
                Answered { status: Some(400), headers, body: None, ..withheld }
            }
        }
    }
}

/// Reports what no browser sends as its origin, and what must be let in and kept out at once, as far as it is
/// written out.
fn origins_fit(table: &Table<'_>, allow: &[Template], deny: &[Template]) {
    let written = |template: &Template| template.names().next().is_none().then(|| template.written());
    for (origin, text) in allow.iter().chain(deny).filter_map(|origin| Some((origin, written(origin)?))) {
        if !is_origin(&text) {
            let why =
                format!("`{text}` is no origin: write `https://app.example.com`, with a port but no path, or `null`");
            table.wrong_value(origin.span, why);
        }
    }
    for origin in deny
        .iter()
        .filter(|origin| written(origin).is_some() && allow.iter().map(written).any(|let_in| let_in == written(origin)))
    {
        table.wrong_value(origin.span, format!("`{}` must be let in and kept out at once", origin.written()));
    }
}

/// Methods that are known; a plan may ask for others.
const METHODS: [&str; 21] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "COPY",
    "LINK",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNLINK",
    "UNLOCK",
];

/// The methods under a key, each in capitals.
fn methods(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let all = table.texts(key).into_iter();
    all.filter_map(|method| {
        let right = !method.value.is_empty() && method.value.bytes().all(|byte| byte.is_ascii_uppercase());
        if !right {
            table.wrong_value(method.span, format!("`{}` is no method: write `POST`, in capitals", method.value));
        } else if !METHODS.contains(&method.value.as_str())
            && let Some(near) = nearest(&method.value, METHODS)
        {
            table.wrong_value(method.span, format!("`{}` is no method: did you mean `{near}`?", method.value));
        }
        right.then_some(method.value)
    })
    .collect()
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
