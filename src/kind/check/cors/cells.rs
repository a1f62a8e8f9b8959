//! The matrix: which origin asks how, and whether it must be let in. One cell is one request.

use url::{Host, Url};

use super::Cors;
use crate::base::template::{Scope, Template, Unbound};
use crate::base::wire::Request;
use crate::kind::session::Session;

/// Requests of one matrix at most.
pub const MOST_CELLS: usize = 200;

/// What a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A preflight of an origin that must be let in.
    Allow,
    /// Of one that must be kept out.
    Deny,
    /// Of one that is let in, for a method that is not.
    Refuse,
    /// A request without a preflight, of an origin that is let in.
    Simple,
    /// The same of one that is kept out: it is answered, and the browser keeps the answer back.
    SimpleDeny,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub part: Part,
    pub origin: String,
    pub method: String,
    /// The row of its findings, and its answer's label.
    pub label: String,
}

impl Cell {
    /// True for what must be let in.
    pub(super) fn is_positive(&self) -> bool {
        matches!(self.part, Part::Allow | Part::Simple)
    }

    pub(super) fn is_preflight(&self) -> bool {
        matches!(self.part, Part::Allow | Part::Deny | Part::Refuse)
    }

    /// Headers that make the request this cell's.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Origin".to_owned(), self.origin.clone())];
        if self.is_preflight() {
            headers.push(("Access-Control-Request-Method".to_owned(), self.method.clone()));
        }
        headers
    }

    pub(super) fn verb(&self) -> &str {
        if self.is_preflight() { "OPTIONS" } else { &self.method }
    }
}

impl Cors {
    /// Every cell, those to be let in first.
    pub(super) fn cells(&self, scope: &Scope) -> Result<Vec<Cell>, Unbound> {
        let allow = origins(&self.allow, scope)?;
        let mut deny = origins(&self.deny, scope)?;
        if self.lookalikes {
            let others = allow.iter().flat_map(|origin| lookalikes(origin)).chain(["null".to_owned()]);
            let new: Vec<String> = others.filter(|other| !allow.contains(other)).collect();
            for other in new {
                if !deny.contains(&other) {
                    deny.push(other);
                }
            }
        }
        let one = self.methods.len() == 1;
        let cell = |part: Part, origin: &String, method: &str| {
            let label = match part {
                Part::Allow | Part::Deny if one => origin.clone(),
                Part::Allow | Part::Deny | Part::Refuse => format!("{origin} {method}"),
                Part::Simple | Part::SimpleDeny => format!("{origin} simple {method}"),
            };
            Cell { part, origin: origin.clone(), method: method.to_owned(), label }
        };
        let each = |part: Part, origins: &[String], methods: &[String]| -> Vec<Cell> {
            let of_origin = |origin| methods.iter().map(move |method| cell(part, origin, method));
            origins.iter().flat_map(of_origin).collect()
        };
        let simple: Vec<String> = self.simple.iter().map(|method| (*method).to_owned()).collect();
        let mut cells = each(Part::Allow, &allow, &self.methods);
        cells.extend(each(Part::Simple, &allow, &simple));
        cells.extend(each(Part::Deny, &deny, &self.methods));
        cells.extend(each(Part::Refuse, &allow, &self.deny_methods));
        cells.extend(each(Part::SimpleDeny, &deny, &simple));
        Ok(cells)
    }

    /// The request of each cell whose origin is one.
    pub(super) fn requests(
        &self,
        cells: &[Cell],
        session: Option<&Session>,
        scope: &Scope,
    ) -> Result<Vec<(String, Request)>, Unbound> {
        let url = Session::join(session, &self.url, scope)?;
        let request = |cell: &Cell| {
            let mut headers = cell.headers();
            if cell.is_preflight() && !self.request_headers.is_empty() {
                headers.push(("Access-Control-Request-Headers".to_owned(), self.request_headers.join(",")));
            }
            let request = Request { method: cell.verb().to_owned(), url: url.clone(), headers, body: None };
            (cell.label.clone(), request)
        };
        Ok(cells.iter().filter(|cell| is_origin(&cell.origin)).map(request).collect())
    }
}

/// What each template stands for, each origin once.
pub(super) fn origins(templates: &[Template], scope: &Scope) -> Result<Vec<String>, Unbound> {
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
pub(super) fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return text == "null" };
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '@' | '\\' | ',' | '*');
    !scheme.is_empty() && host.chars().all(plain) && Url::parse(text).is_ok_and(|url| url.has_host())
}

/// Origins that a careless comparison takes for this one: its name with more behind it or before it, with
/// another character for a dot, and the same over plain http.
fn lookalikes(origin: &str) -> Vec<String> {
    let Ok(url) = Url::parse(origin) else { return Vec::new() };
    let Some(Host::Domain(host)) = url.host() else { return Vec::new() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = url.scheme();
    let mut all = vec![format!("{scheme}://{host}.evil.example{port}"), format!("{scheme}://evil{host}{port}")];
    if host.contains('.') {
        all.push(format!("{scheme}://{}{port}", host.replacen('.', "x", 1)));
    }
    if scheme == "https" {
        all.push(format!("http://{host}{port}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookalike_is_an_origin_and_another_one() {
        assert_eq!(
            lookalikes("https://app.example.com:8443"),
            [
                "https://app.example.com.evil.example:8443",
                "https://evilapp.example.com:8443",
                "https://appxexample.com:8443",
                "http://app.example.com:8443",
            ]
        );
        for origin in ["https://a.example", "http://localhost:5173", "http://127.0.0.1:1", "null", "no origin"] {
            for other in lookalikes(origin) {
                assert!(is_origin(&other) && other != origin, "{other}");
            }
        }
    }
}
