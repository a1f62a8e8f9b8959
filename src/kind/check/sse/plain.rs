//! What an `sse` check looks like without a wire: the good example derived from plain expectations,
//! what would be seen of an example, and the routes a simulated target must answer.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Call, End, MEANWHILE, Meanwhile, Pattern, RESUMED, Received, STREAM, Sse, resume};
use crate::base::jq::Program;
use crate::base::template::{Scope, Shape, as_text};
use crate::base::wire::{Answer as HttpAnswer, sse};
use crate::kind::check::http::{answer, open};
use crate::kind::check::{Answer, Route, Seen};
use crate::kind::example::{Answered, Told};
use crate::kind::session::Session;

pub(super) fn derive(sse: &Sse, scope: &Scope) -> Result<Answered, String> {
    let expect = &sse.expect;
    let mut events = Vec::new();
    for (pattern, count) in &expect.at_least {
        let told = told(pattern, scope)?;
        events.extend(std::iter::repeat_n(told, *count));
    }
    if let Some(Meanwhile { after, count, .. }) = sse.meanwhile.as_deref() {
        let there = events.iter().filter(|told| named(after, told)).count();
        let told = told(after, scope)?;
        events.extend(std::iter::repeat_n(told, count.saturating_sub(there)));
    }
    for pattern in &expect.order {
        let told = told(pattern, scope)?;
        // The terminal event stands in the order too, and must come last and once.
        if !events.contains(&told) && !sse.until.iter().any(|terminal| named(terminal, &told)) {
            events.push(told);
        }
    }
    if let Some(resume) = &sse.resume {
        // One more than come before the break, so that something goes on after it.
        let more =
            events.first().cloned().unwrap_or_else(|| Told { data: Some(Shape::Plain(json!({}))), ..Told::default() });
        let short = (resume.after + 1).saturating_sub(events.len());
        events.extend(std::iter::repeat_n(more, short));
    }
    if !sse.until.is_empty() {
        let wanted = |told: &Told| !expect.never.iter().any(|never| named(never, told));
        let plain: Result<Vec<Told>, String> = sse.until.iter().map(|pattern| told(pattern, scope)).collect();
        let last = sse.until.iter().filter_map(|pattern| told(pattern, scope).ok()).find(wanted);
        events.push(match (last, plain) {
            (Some(last), _) => last,
            (None, Err(why)) => return Err(why),
            (None, Ok(_)) => return Err("every terminal event is one that must never come".to_owned()),
        });
    }
    if sse.resume.is_some() {
        events.iter_mut().enumerate().for_each(|(at, told)| told.id = Some((at + 1).to_string()));
    }
    Ok(Answered { status: Some(expect.status), events, ..Answered::default() })
}

fn named(pattern: &Pattern, told: &Told) -> bool {
    let data = told.data.as_ref().and_then(|data| data.value(&Scope::default()).ok());
    pattern.names(told.event.as_deref().unwrap_or("message"), &data.as_ref().map(as_text).unwrap_or_default())
}

fn told(pattern: &Pattern, scope: &Scope) -> Result<Told, String> {
    let data = match (&pattern.data, &pattern.json) {
        (Some(data), None) => Value::String(data.clone()),
        (None, Some(program)) => satisfying([program], scope)?,
        (None, None) => json!({}),
        (Some(data), Some(_)) => return Err(format!("data `{data}` stands beside a program")),
    };
    Ok(Told { event: pattern.event.clone(), data: Some(Shape::Plain(data)), ..Told::default() })
}

/// The smallest JSON that satisfies plain programs.
fn satisfying<'a>(programs: impl IntoIterator<Item = &'a Program>, scope: &Scope) -> Result<Value, String> {
    let mut all = Value::Null;
    for program in programs {
        let plain = program.satisfied_by(scope);
        let (path, value) = plain.ok_or_else(|| format!("`{}` is not a plain comparison", program.text))?;
        place(&mut all, &path, value);
    }
    Ok(all)
}

fn place(at: &mut Value, path: &[Value], value: Value) {
    match path.split_first() {
        None => *at = value,
        Some((Value::Number(index), rest)) => {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0).min(1_000);
            if !at.is_array() {
                *at = json!([]);
            }
            if let Value::Array(list) = at {
                if list.len() <= index {
                    list.resize(index + 1, Value::Null);
                }
                place(&mut list[index], rest, value);
            }
        }
        Some((key, rest)) => {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            if let Value::Object(table) = at {
                place(table.entry(as_text(key)).or_insert(Value::Null), rest, value);
            }
        }
    }
}

pub(super) fn seen(sse: &Sse, example: &Answered, scope: &Scope) -> Seen {
    let status = example.status.unwrap_or(sse.expect.status);
    let mut http = match answer(example, status, scope) {
        Ok(answer) => answer.http,
        Err(cause) => return Seen { answers: vec![(STREAM.to_owned(), Err(cause))], control_answers: true },
    };
    if status == sse.expect.status && example.json.is_none() && !has(&example.headers, "content-type") {
        http.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    }
    let mut at = example.after.unwrap_or_default();
    let mut events: Vec<Received> = example.events.iter().map(|told| received(told, &mut at, scope)).collect();
    let mut end = End::Closed;
    // Without a bound that holds, the bytes are no stream: the end says so.
    let parsed = sse::Parser::new(super::BOUNDS).feed(&http.body, |item| {
        if let sse::Item::Event(event) = item {
            events.push(Received::of(&event, at));
        }
    });
    if let Err(breach) = parsed {
        end = End::Limit(breach.word());
    }
    let mut answers = Vec::new();
    let cut = sse.resume.as_ref().is_some_and(|resume| resume.cut(&events).is_some());
    let head = HttpAnswer { body: Bytes::new(), ..http.clone() };
    let sent = sse.meanwhile.as_ref().filter(|meanwhile| meanwhile.sent_after(&events));
    http.took = at;
    answers.push((STREAM.to_owned(), Ok(Answer { http, events, end: Some(end), ..Answer::default() })));
    if cut {
        answers.push((RESUMED.to_owned(), Ok(Answer { http: head, ..Answer::default() })));
    }
    if let Some(meanwhile) = sent {
        let body = satisfying(&meanwhile.json, scope).unwrap_or_default().to_string().into();
        let http = HttpAnswer { status: meanwhile.status, body, ..HttpAnswer::default() };
        answers.push((MEANWHILE.to_owned(), Ok(Answer { http, ..Answer::default() })));
    }
    Seen { answers, control_answers: true }
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

fn received(told: &Told, at: &mut Duration, scope: &Scope) -> Received {
    *at += told.after.unwrap_or_default();
    let mut scope = scope.clone();
    for name in told.data.iter().flat_map(Shape::names) {
        // As in the examples of `http`: a value that is the same each time.
        if scope.get(name).is_err() {
            scope.bind(name, format!("tok-{name}-1").into());
        }
    }
    let data = told.data.as_ref().and_then(|data| data.value(&scope).ok());
    Received {
        event: told.event.clone().unwrap_or_else(|| "message".to_owned()),
        id: told.id.clone(),
        data: data.as_ref().map(as_text).unwrap_or_default(),
        at: *at,
    }
}

impl Received {
    pub(super) fn of(event: &sse::Event<'_>, at: Duration) -> Self {
        let id = event.id.filter(|_| event.gives_id).map(ToOwned::to_owned);
        Self { event: event.name.to_owned(), id, data: event.data.to_owned(), at }
    }
}

impl Meanwhile {
    fn sent_after(&self, events: &[Received]) -> bool {
        events.iter().filter(|event| self.after.names(&event.event, &event.data)).count() >= self.count
    }
}

pub(super) fn routes(sse: &Sse, good: &[Answered], session: Option<&Session>, scope: &Scope) -> Vec<Route> {
    let scope = &session.map_or_else(|| scope.clone(), |session| scope.with(&session.scope()));
    let route = |call: &Call, answer: Answered, stream: bool| Route {
        method: call.method.to_owned(),
        url: open(|scope| Session::join(session, &call.address, scope), scope)
            .unwrap_or_else(|| call.address.written()),
        headers: call.open_headers(session, scope),
        answer,
        captures: Vec::new(),
        row: None,
        denied: false,
        stream,
    };
    let mut routes: Vec<Route> = good.iter().map(|answer| route(&sse.call, answer.clone(), true)).collect();
    if let Some(resume) = &sse.resume {
        let resumed = good.iter().filter_map(|answer| {
            let (rest, id) = resume.rest(answer)?;
            let mut again = route(&sse.call, rest, true);
            match &resume.query {
                None => again.headers.push((resume::LAST_EVENT_ID.to_owned(), id)),
                Some(name) => {
                    let join = if again.url.contains('?') { '&' } else { '?' };
                    again.url = format!("{}{join}{name}={id}", again.url);
                }
            }
            Some(again)
        });
        routes.extend(resumed.collect::<Vec<_>>());
    }
    if let Some(meanwhile) = &sse.meanwhile {
        let json = satisfying(&meanwhile.json, scope).ok().map(Shape::Plain);
        let answer = Answered { status: Some(meanwhile.status), json, ..Answered::default() };
        routes.push(route(&meanwhile.call, answer, false));
    }
    routes
}
