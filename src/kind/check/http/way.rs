//! By what way an answer came: the redirect that is expected, those that were followed, the protocol. Pure, the
//! same for wire and example.

use url::Url;

use super::Http;
use super::judge::header_values;
use crate::base::source::Span;
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template};
use crate::kind::check::Answer;
use crate::kind::expect::Statuses;
use crate::kind::request::{HOPS, Redirects};
use crate::launch::verdict::Finding;

/// What moves something for good: http to https, an old address to a new one.
const PERMANENT: [u16; 2] = [301, 308];

/// The redirect an answer must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirect {
    /// Any of these; those of a permanent one where none is written.
    pub status: Statuses,
    /// The address it must lead to, whole.
    pub to: Template,
}

/// `expect.redirect`.
pub(super) fn read(table: &Table<'_>) -> Option<Redirect> {
    let table = table.table("redirect")?;
    let status = Some(Statuses::read(&table, "status")).filter(|status| !status.is_empty());
    let to = table.need_template("to", "`to = \"https://…\"`");
    if let Some(path) = to.as_ref().map(Template::written).filter(|to| to.starts_with('/')) {
        let at = to.as_ref().map_or(table.span, |to| to.span);
        table.wrong_value(at, format!("`{path}` is a path: `to` is the whole address that the answer leads to"));
    }
    table.finish();
    Some(Redirect { status: status.unwrap_or_else(|| Statuses::any_of(&PERMANENT)), to: to? })
}

/// What of `redirects` and `expect` does not go together; a redirect that is expected gives its status.
pub(super) fn settle(table: &Table<'_>, http: &mut Http) {
    let span = |table: &Table<'_>, key: &str| {
        table.keys().into_iter().find(|(name, _)| *name == key).map_or(table.span, |(_, span): (_, Span)| span)
    };
    let Some(redirect) = &http.expect.redirect else {
        let written = match table.table("expect") {
            Some(expect) => expect.any("redirect").is_some(),
            None => false,
        };
        if http.call.redirects == Redirects::Expect && !written {
            table.missing("expect.redirect", "`expect = { redirect = { status = [301, 308], to = \"https://…\" } }`");
        }
        return;
    };
    if let Some(Placed { span, .. }) = table.any("redirects").filter(|_| http.call.redirects != Redirects::Expect) {
        table.wrong_value(span, "`expect.redirect` wants the redirect itself: leave this out, or say \"expect\"");
    }
    http.call.redirects = Redirects::Expect;
    if !http.expect.status.is_empty() {
        table.wrong_value(span(table, "expect"), "`status` stands in `redirect` here: one of the two");
    }
    http.expect.status = redirect.status.clone();
}

/// The findings of an answer to the request at `asked`.
pub(super) fn findings(http: &Http, asked: &str, answer: &Answer, scope: &Scope) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(version) = http.call.version {
        let seen = answer.http.version;
        all.push(Finding::held("protocol", version.words(), format!("{seen:?}"), version.is(seen)));
    }
    if let Some(redirect) = &http.expect.redirect {
        all.push(expected(redirect, asked, answer, scope));
    }
    if http.call.redirects == Redirects::Follow {
        all.push(followed(answer));
    }
    all
}

fn expected(redirect: &Redirect, asked: &str, answer: &Answer, scope: &Scope) -> Finding {
    let subject = "redirect";
    let Ok(wanted) = redirect.to.text(scope) else {
        return Finding::unknown(subject, redirect.to.written(), "no value for a name of it");
    };
    let shown = if redirect.to.is_secret(scope) { redirect.to.written() } else { wanted.clone() };
    let expected = format!("to {shown}");
    let Some(told) = header_values(&answer.http.headers, "location").into_iter().next() else {
        return Finding::held(subject, expected, "no place to go", false);
    };
    // An address without a host is one behind the address that was asked for.
    let place = Url::parse(asked).and_then(|asked| asked.join(&told)).or_else(|_| Url::parse(&told));
    let same = match (&place, Url::parse(&wanted)) {
        (Ok(place), Ok(wanted)) => *place == wanted,
        _ => told == wanted,
    };
    Finding::held(subject, expected, format!("to {}", place.map_or(told, String::from)), same)
}

fn followed(answer: &Answer) -> Finding {
    let trail = &answer.trail;
    let mut seen: Vec<String> = trail.hops.iter().map(|hop| format!("{} to {}", hop.status, hop.to)).collect();
    seen.extend(trail.stopped.clone());
    let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
    Finding::held("redirects", format!("at most {HOPS}, to an end"), seen, trail.stopped.is_none())
}
