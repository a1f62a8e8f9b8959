//! Reads a stream from the wire: sends the request, counts what comes, sends the other request when it
//! is time, stops at the terminal event, a limit, a silence or the deadline, and drops the connection.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::pattern::{Fit, Look};
use super::request::{keep_cookies, stream_request};
use super::{BOUNDS, EVENTS, End, MEANWHILE, Meanwhile, RESUMED, Received, STREAM, Sse, judge};
use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::base::wire::{Answer as HttpAnswer, Body, Cause, Client, Opening, Request, sse};
use crate::kind::check::http::{control_answers, withheld_note};
use crate::kind::check::{Answer, Context, Seen};
use crate::kind::exchange::{self, fit};
use crate::kind::request::Asked;
use crate::launch::artifact::KEPT;
use crate::launch::verdict::{Exchange, Report, Verdict};

/// Bytes of an answer that is no stream which are read for its error code, and how long.
const ERROR_BODY: usize = 8 << 10;
const ERROR_TIME: Duration = Duration::from_secs(2);

pub(super) async fn run(sse: &Sse, cx: &Context) -> Report {
    let started = Instant::now();
    let scope = cx.values();
    let asked = stream_request(&sse.call, &scope, cx.session.as_ref(), &cx.base).await;
    let withheld = asked.as_ref().ok().and_then(|asked| withheld_note(&asked.withheld));
    let answers = match &asked {
        Ok(asked) => stream(sse, cx, &scope, asked.clone(), started).await,
        Err(cause) => vec![(STREAM.to_owned(), Err(cause.clone()))],
    };
    let lost = answers.iter().any(|(_, answer)| matches!(answer, Err(Cause::NotResolved | Cause::NoRoute)));
    let answers_at_all = lost && control_answers(cx).await;
    let seen = Seen { answers, control_answers: answers_at_all };
    // What the evaluator says is cut: it must know what to take out first.
    let jq = cx.jq.redacting(cx.redactor.clone());
    let mut report = judge::judge(sse, &seen, &scope, &jq).await;
    report.took = started.elapsed();
    if report.verdict != Verdict::Pass {
        report.summary.extend(withheld);
    }
    report.exchange = asked.ok().and_then(|asked| told(&asked.request, &seen, &cx.redactor));
    fit(report, &cx.redactor)
}

type Answers = Vec<(String, Result<Answer, Cause>)>;

async fn stream(sse: &Sse, cx: &Context, scope: &Scope, asked: Asked, started: Instant) -> Answers {
    let deadline = sse.deadline.unwrap_or(cx.timeout);
    let head_time = sse.expect.first_event.map_or(deadline, |limit| limit.min(deadline));
    let (url, first) = (asked.request.url.clone(), asked.request.clone());
    let client = cx.client.by(asked.way);
    let Opening { status, headers, version, mut body } = match client.open(asked.request, head_time).await {
        Ok(opening) => opening,
        Err(cause) => return vec![(STREAM.to_owned(), Err(cause))],
    };
    keep_cookies(cx.session.as_ref(), &url, &headers, &cx.redactor);
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if status != sse.expect.status || !kind.is_some_and(judge::is_event_stream) {
        let body = error_body(&mut body).await;
        let http = HttpAnswer { status, headers, body, took: started.elapsed(), version };
        return vec![(STREAM.to_owned(), Ok(Answer { http, ..Answer::default() }))];
    }
    let (fire, fired) = oneshot::channel();
    let reading = async {
        let mut counting = Counting::new(sse, scope, &cx.jq, fire);
        let mut events = Vec::new();
        let mut end = read(&mut counting, &mut body, started, started + deadline, &mut events).await;
        // Before the other request's answer is waited for: the server's slot is free from here.
        drop(body);
        let mut resumed = None;
        if end == End::Cut {
            let again = again(&client, &first, &mut counting, started, started + deadline, &mut events).await;
            resumed = Some(again.map(|(head, last)| {
                end = last;
                Answer { http: head, ..Answer::default() }
            }));
        }
        // The other request is due no more.
        drop(counting);
        ((events, end, resumed), started.elapsed())
    };
    let acting = async {
        let meanwhile = sse.meanwhile.as_ref()?;
        fired.await.ok()?;
        Some(act(meanwhile, cx, scope).await)
    };
    let (((events, end, resumed), took), acted) = tokio::join!(reading, acting);
    let http = HttpAnswer { status, headers, body: Bytes::new(), took, version };
    let mut answers = vec![(STREAM.to_owned(), Ok(Answer { http, events, end: Some(end), ..Answer::default() }))];
    answers.extend(resumed.map(|resumed| (RESUMED.to_owned(), resumed)));
    if let Some(acted) = acted {
        answers.push((MEANWHILE.to_owned(), acted.map(|http| Answer { http, ..Answer::default() })));
    }
    answers
}

/// Opens the stream again where it was dropped, and reads on.
async fn again(
    client: &Client,
    first: &Request,
    counting: &mut Counting<'_>,
    started: Instant,
    deadline: Instant,
    events: &mut Vec<Received>,
) -> Result<(HttpAnswer, End), Cause> {
    let sse = counting.sse;
    let cut = sse.resume.as_ref().and_then(|resume| Some((resume, resume.cut(events)?.1.to_owned())));
    let Some((resume, id)) = cut else { return Err(Cause::Ours("no id to resume from".to_owned())) };
    let request = resume.request(first, &id)?;
    let left = deadline.saturating_duration_since(Instant::now());
    let Opening { status, headers, mut body, .. } = client.open(request, left).await?;
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if status != sse.expect.status || !kind.is_some_and(judge::is_event_stream) {
        let body = error_body(&mut body).await;
        return Ok((HttpAnswer { status, headers, body, ..HttpAnswer::default() }, End::Cut));
    }
    let end = read(counting, &mut body, started, deadline, events).await;
    Ok((HttpAnswer { status, headers, ..HttpAnswer::default() }, end))
}

async fn act(meanwhile: &Meanwhile, cx: &Context, scope: &Scope) -> Result<HttpAnswer, Cause> {
    let session = cx.session.as_ref();
    let asked = meanwhile.call.asked(scope, session, &cx.base).await?;
    asked.send(&cx.client, cx.timeout, session, &cx.redactor).await.answer
}

async fn error_body(body: &mut Body) -> Bytes {
    let until = Instant::now() + ERROR_TIME;
    let mut kept = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(until, body.chunk()).await {
        kept.extend_from_slice(&chunk[..chunk.len().min(ERROR_BODY - kept.len())]);
        if kept.len() == ERROR_BODY {
            break;
        }
    }
    kept.into()
}

/// Where bytes come from: a body on the wire, or a test.
pub(super) trait Chunks {
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Cause>> + Send;
}

impl Chunks for Body {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        Self::chunk(self).await
    }
}

/// Counts events as they come, as far as reading must know.
pub(super) struct Counting<'a> {
    sse: &'a Sse,
    scope: &'a Scope,
    jq: &'a Jq,
    fire: Option<oneshot::Sender<()>>,
    after: usize,
    at_least: Vec<usize>,
    /// Events with an id until the connection is dropped; none where it is not, or was.
    cut: Option<usize>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(sse: &'a Sse, scope: &'a Scope, jq: &'a Jq, fire: oneshot::Sender<()>) -> Self {
        let fire = sse.meanwhile.as_ref().map(|_| fire);
        let cut = sse.resume.as_ref().map(|resume| resume.after);
        Self { sse, scope, jq, fire, after: 0, at_least: vec![0; sse.expect.at_least.len()], cut }
    }

    /// Takes an event; says whether reading ends with it.
    async fn take(&mut self, event: &Received) -> Option<End> {
        let look = Look::new(event);
        let (scope, jq) = (self.scope, self.jq);
        if let (Some(meanwhile), true) = (&self.sse.meanwhile, self.fire.is_some())
            && meanwhile.after.fits(&look, scope, jq).await == Fit::Yes
        {
            self.after += 1;
            if let Some(fire) = self.fire.take_if(|_| self.after >= meanwhile.count) {
                // Nobody listens only if this check itself is being dropped.
                let _ = fire.send(());
            }
        }
        for pattern in &self.sse.until {
            if pattern.fits(&look, scope, jq).await == Fit::Yes {
                return Some(End::Terminal);
            }
        }
        for pattern in &self.sse.expect.never {
            if pattern.fits(&look, scope, jq).await == Fit::Yes {
                return Some(End::Unwanted);
            }
        }
        let mut dropped = false;
        if let Some(left) = self.cut.filter(|_| event.id.is_some()) {
            self.cut = (left > 1).then(|| left - 1);
            dropped = left == 1;
        }
        if self.sse.until.is_empty() {
            for ((pattern, _), met) in self.sse.expect.at_least.iter().zip(&mut self.at_least) {
                *met += usize::from(pattern.fits(&look, scope, jq).await == Fit::Yes);
            }
            let wanted = self.sse.expect.at_least.iter().map(|(_, count)| count);
            let held = wanted.zip(&self.at_least).all(|(wanted, met)| met >= wanted);
            // What holds already proves nothing of what comes after the break.
            if held && !dropped && self.cut.is_none() {
                return Some(End::Terminal);
            }
        }
        dropped.then_some(End::Cut)
    }
}

/// Reads until the end, whichever it is, and adds what came to `events`.
pub(super) async fn read(
    counting: &mut Counting<'_>,
    body: &mut impl Chunks,
    started: Instant,
    deadline: Instant,
    events: &mut Vec<Received>,
) -> End {
    let mut parser = sse::Parser::new(BOUNDS);
    let mut fresh = Vec::new();
    let mut last = events.last().map_or(started, |event| started + event.at);
    loop {
        let expect = &counting.sse.expect;
        let patience = if events.is_empty() { expect.first_event } else { expect.max_gap };
        let silent = patience.map(|patience| last + patience).filter(|silent| *silent < deadline);
        let chunk = match timeout_at(silent.unwrap_or(deadline), body.chunk()).await {
            Err(_) if silent.is_some() => return End::Silent,
            Err(_) => return End::Deadline,
            Ok(Err(cause)) => return End::Broken(cause),
            Ok(Ok(None)) => return End::Closed,
            Ok(Ok(Some(chunk))) => chunk,
        };
        let now = Instant::now();
        let mut mended = false;
        let fed = parser.feed(&chunk, |item| {
            if let sse::Item::Event(event) = item
                && !mended
            {
                mended = event.mended;
                fresh.push(Received::of(&event, now - started));
            }
        });
        let whole = fresh.len() - usize::from(mended);
        for (at, event) in fresh.drain(..).enumerate() {
            if at == whole {
                return End::Broken(Cause::Malformed("an event is not UTF-8".to_owned()));
            }
            let end = counting.take(&event).await;
            events.push(event);
            last = now;
            if let Some(end) = end {
                return end;
            }
            // A flood that is always ready would never let the timeout speak.
            if Instant::now() >= deadline {
                return End::Deadline;
            }
            if events.len() == EVENTS {
                return End::Limit("events");
            }
        }
        if let Err(breach) = fed {
            return End::Limit(breach.word());
        }
        // Comments keep the connection awake, not the stream: they are ready chunks like any other.
        if silent.is_some_and(|silent| last != now && now >= silent) {
            return End::Silent;
        }
    }
}

/// The exchange with the events in place of a body, and the other request's answer beside.
fn told(request: &Request, seen: &Seen, redactor: &Redactor) -> Option<Exchange> {
    let ((_, answer), others) = seen.answers.split_first()?;
    let whole = answer.as_ref().map(|answer| {
        let mut body = answer.http.body.to_vec();
        for event in &answer.events {
            // Beyond what is kept, so that the exchange sees that there was more.
            if body.len() > KEPT {
                break;
            }
            let (name, data, id) = (&event.event, &event.data, event.id.as_deref());
            sse::Event { name, data, id, gives_id: id.is_some(), mended: false }.write(&mut body);
        }
        HttpAnswer { body: body.into(), ..answer.http.clone() }
    });
    let mut told = exchange::exchange(request, whole.as_ref().map_err(|cause| *cause), redactor);
    for (label, other) in others {
        let line = other.as_ref().map_or_else(Cause::words, |other| exchange::status_words(other.http.status));
        told.response = format!("{}; {label}: {}", told.response, exchange::shown(&line, exchange::FINDING, redactor));
    }
    Some(told)
}
