//! The examples of an `http` check: a good answer made from plain expectations, an answer as it would
//! be seen, and the routes the simulated target serves.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{Expect, From, Http, Is, Rounds, rounds};
use crate::base::source::Span;
use crate::base::template::{Scope, Template};
use crate::base::wire;
use crate::clock;
use crate::kind::check::{Answer, Answered, Route, Seen, Session};
use crate::kind::document::Good;
use crate::kind::expect::fresh::{Place, present};
use crate::kind::expect::{Fresh, skipped};

pub(super) fn good(http: &Http, scope: &Scope) -> Result<Answered, String> {
    match &http.rounds {
        // The example of a burst is its limited answer.
        Rounds::Burst(burst) => of(http, &burst.expect, scope),
        _ => of(http, &http.expect, scope),
    }
}

fn of(http: &Http, expect: &Expect, scope: &Scope) -> Result<Answered, String> {
    let mut good = Answered { status: Some(expect.status.first()), ..Answered::default() };
    for (name, is) in &expect.headers {
        let text = |template: &Template| template.text(scope).map_err(|unbound| unbound.to_string());
        let value = match is {
            Is::Absent => continue,
            Is::Equals(value) | Is::Contains(value) => text(value)?,
            Is::Lists(all) | Is::Set(all) => all.iter().map(text).collect::<Result<Vec<_>, _>>()?.join(", "),
        };
        good.headers.push((name.clone(), value));
    }
    if let Some(redirect) = &expect.redirect {
        let to = redirect.to.text(scope).map_err(|unbound| unbound.to_string())?;
        set(&mut good.headers, "location", to);
    }
    for (name, value) in expect.security.derived() {
        if !good.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            good.headers.push((name, value));
        }
    }
    good.cookies.extend(expect.cookies.iter().map(|name| (name.clone(), format!("cookie-{name}-1"))));
    let mut json = Good::default();
    json.hold(&expect.json, scope)?;
    for (path, value) in skipped::derived(&expect.skipped)? {
        json.put(&path, value)?;
    }
    match expect.fresh.as_ref().map(Fresh::derived).transpose()? {
        Some((Some(path), now)) => json.put(&path, Value::String(now))?,
        Some((None, now)) => {
            if let Some(Fresh { from: Place::Header(name), .. }) = &expect.fresh {
                set(&mut good.headers, name, now);
            }
        }
        None => {}
    }
    for capture in &http.captures {
        let handed = format!("{{{{ {} }}}}", capture.name);
        match &capture.from {
            From::Json(program) => {
                let [path] = program.paths().try_into().map_err(|_| {
                    format!("`{}` captures from more than a plain path: write an example", program.text)
                })?;
                let literal = expect.json.iter().any(|expected| {
                    expected.text.contains("==") && expected.satisfied_by(scope).is_some_and(|(at, _)| at == path)
                });
                // A literal the plan demands there is what is captured.
                if !literal {
                    json.put(&path, Value::String(handed))?;
                }
            }
            From::Header(name) => set(&mut good.headers, name, handed),
            From::Cookie(name) => set(&mut good.cookies, name, handed),
        }
    }
    good.json = json.shape();
    good.body = body(expect, good.json.is_some())?;
    Ok(good)
}

fn body(expect: &Expect, has_json: bool) -> Result<Option<String>, String> {
    let mut literals = Vec::new();
    for pattern in &expect.body {
        if has_json || regex::escape(pattern.as_str()) != pattern.as_str() {
            return Err(format!("`{pattern}` is more than plain text: write an example"));
        }
        literals.push(pattern.as_str());
    }
    if literals.is_empty() {
        if expect.body_absent.is_empty() || has_json {
            return Ok(None);
        }
        // Alone, an empty body would not do.
        literals.push("example");
    }
    let body = literals.join(" ");
    match expect.body_absent.iter().find(|pattern| pattern.is_match(&body)) {
        Some(pattern) => Err(format!("`{pattern}` must be absent and is part of what must be there")),
        None => Ok(Some(body)),
    }
}

fn set(all: &mut Vec<(String, String)>, name: &str, value: String) {
    match all.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, known)) => *known = value,
        None => all.push((name.to_owned(), value)),
    }
}

pub(super) fn seen(http: &Http, example: &Answered, scope: &Scope) -> Seen {
    let expect = if let Rounds::Burst(burst) = &http.rounds { &burst.expect } else { &*http.expect };
    let mut answer = answer(example, example.status.unwrap_or_else(|| expect.status.first()), scope);
    if let (Ok(answer), Some(version)) = (&mut answer, http.call.version) {
        answer.http.version = version.seen();
    }
    let answers = match &http.rounds {
        Rounds::Burst(burst) => return rounds::seen(http, burst, &answer),
        Rounds::Repeat { times, .. } => vec![(http.call.address.written(), answer); *times as usize],
        Rounds::Once | Rounds::Until { .. } => vec![(http.call.address.written(), answer)],
    };
    Seen { answers, control_answers: false }
}

/// An example as an answer of the wire. Names without a value get one that is the same each time:
/// `tok-NAME-1`.
pub(crate) fn answer(example: &Answered, status: u16, scope: &Scope) -> Result<Answer, wire::Cause> {
    let now = clock::wall();
    let mut scope = scope.clone();
    let mut bind = |names: &mut dyn Iterator<Item = &str>| {
        for name in names {
            if scope.get(name).is_err() {
                let value = present(name, now).unwrap_or_else(|| Value::String(format!("tok-{name}-1")));
                scope.bind(name, value);
            }
        }
    };
    let template = |text: &str| Template::parse(text, Span::default()).unwrap_or_else(|_| Template::literal(text));
    let pairs = |all: &[(String, String)]| -> Vec<(String, Template)> {
        all.iter().map(|(name, value)| (name.clone(), template(value))).collect()
    };
    let (headers, cookies) = (pairs(&example.headers), pairs(&example.cookies));
    let text = example.body.as_deref().map(template);
    for template in headers.iter().chain(&cookies).map(|(_, value)| value).chain(&text) {
        bind(&mut template.names());
    }
    if let Some(json) = &example.json {
        bind(&mut json.names().into_iter());
    }
    let ours = |why: String| wire::Cause::Ours(why);
    let mut map = HeaderMap::new();
    let mut add = |name: &str, value: String| -> Result<(), wire::Cause> {
        let wrong = || ours(format!("the example's header `{name}` cannot be sent"));
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        map.append(known, HeaderValue::from_str(&value).map_err(|_| wrong())?);
        Ok(())
    };
    for (name, value) in &headers {
        add(name, value.text(&scope).map_err(|unbound| ours(unbound.to_string()))?)?;
    }
    for (name, value) in &cookies {
        let value = value.text(&scope).map_err(|unbound| ours(unbound.to_string()))?;
        add(SET_COOKIE.as_str(), format!("{name}={value}; Path=/"))?;
    }
    let body = match (&example.json, &text) {
        (Some(json), _) => json.value(&scope).map(|json| json.to_string()),
        (None, Some(text)) => text.text(&scope),
        (None, None) => Ok(String::new()),
    };
    let body = Bytes::from(body.map_err(|unbound| ours(unbound.to_string()))?);
    if example.json.is_some() && !map.contains_key(CONTENT_TYPE) {
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let http =
        wire::Answer { status, headers: map, body, took: example.after.unwrap_or_default(), ..wire::Answer::default() };
    Ok(Answer { http, at: Some(now), ..Answer::default() })
}

pub(super) fn routes(http: &Http, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
    let scope = session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
    let Some(url) = open(|scope| Session::join(session, &http.call.address, scope), &scope) else { return Vec::new() };
    let headers = http.call.open_headers(session, &scope);
    let captures = http.captures.iter().map(|capture| format!("{} = {}", capture.name, capture.from.words()));
    let captures: Vec<String> = captures.collect();
    let route = |answer: &Answered| Route {
        method: http.call.method.to_owned(),
        url: url.clone(),
        headers: headers.clone(),
        answer: answer.clone(),
        captures: captures.clone(),
        row: None,
        denied: false,
        stream: false,
    };
    let all = good.iter().map(route).collect();
    match &http.rounds {
        Rounds::Burst(_) => rounds::routes(http, all),
        _ => all,
    }
}

/// A text with every name that has no value left as `{{ name }}`.
pub(crate) fn open(
    text: impl Fn(&Scope) -> Result<String, crate::base::template::Unbound>,
    scope: &Scope,
) -> Option<String> {
    let mut scope = scope.clone();
    // Each turn binds one more name; a text has fewer names than this.
    for _ in 0..1_000 {
        match text(&scope) {
            Ok(text) => return Some(text),
            Err(unbound) => {
                let open = Value::String(format!("{{{{ {} }}}}", unbound.0));
                scope.bind(unbound.0, open);
            }
        }
    }
    None
}
