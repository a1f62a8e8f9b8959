//! The verdict on a stream that was read: each expectation beside what was seen. It is the same for
//! the wire and for an example, and looks at nothing but what it is given.

use std::time::Duration;

use serde_json::Value;

use super::pattern::{Fit, Look, Pattern, any_of};
use super::{BOUNDS, EVENTS, End, Expect, MEANWHILE, Meanwhile, RESUMED, Received, STREAM, Sse};
use crate::base::jq::{Jq, Said};
use crate::base::template::Scope;
use crate::base::wire::{Answer as HttpAnswer, Cause};
use crate::kind::check::http::open;
use crate::kind::check::{Answer, Seen};
use crate::kind::exchange::error_told;
use crate::launch::verdict::{Finding, Report, Verdict};

pub(super) fn expects(sse: &Sse, scope: &Scope) -> Vec<String> {
    let expect = &sse.expect;
    // A secret stays as the plan writes it.
    let address = match sse.call.address.is_secret(scope) {
        true => None,
        false => open(|scope| sse.call.address.text(scope), scope),
    };
    let address = address.unwrap_or_else(|| sse.call.address.written());
    let mut lines = vec![format!("{} {address}: status {}, text/event-stream", sse.call.method, expect.status)];
    lines.extend(expect.first_event.map(|span| format!("first event {}", within(span))));
    lines.extend(expect.max_gap.map(|span| format!("no gap longer than {}", humantime::format_duration(span))));
    lines.extend(expect.at_least.iter().map(|(pattern, count)| format!("at least {count} × {}", pattern.words())));
    if !expect.order.is_empty() {
        lines.push(format!("in order: {}", in_order(&expect.order)));
    }
    lines.extend(expect.never.iter().map(|pattern| format!("never {}", pattern.words())));
    if let Some(meanwhile) = &sse.meanwhile {
        lines.push(format!("{}: status {}", meanwhile.words(), meanwhile.status));
    }
    lines.extend(sse.resume.as_ref().map(super::Resume::words));
    if !sse.until.is_empty() {
        let limit = sse.deadline.map(|span| format!(" {}", within(span))).unwrap_or_default();
        lines.push(format!("ends with {}{limit}", any_of(&sse.until)));
    }
    lines
}

pub(super) async fn judge(sse: &Sse, seen: &Seen, scope: &Scope, jq: &Jq) -> Report {
    let of = |label: &str| seen.answers.iter().find(|(name, _)| name == label).map(|(_, answer)| answer);
    let answer = match of(STREAM) {
        Some(Ok(answer)) => answer,
        Some(Err(cause)) => return silence(cause, seen.control_answers),
        None => return Report::of(Vec::new(), Duration::ZERO),
    };
    let mut findings = vec![status("status", sse.expect.status, &answer.http)];
    if findings[0].verdict == Verdict::Pass {
        let kind = content_type(&answer.http);
        findings.push(Finding::held("content type", "text/event-stream", kind.clone(), is_event_stream(&kind)));
    }
    if findings.iter().all(|finding| finding.verdict == Verdict::Pass) {
        let stream = Stream::cut(sse, answer, scope, jq).await;
        if let Some(resume) = &sse.resume {
            findings.extend(resume.findings(sse.expect.status, of(RESUMED), &answer.events));
        }
        // First, for a summary is the first of the worst: how a stream ended says why the rest is missing. Where
        // we gave up on a silence, that is why.
        let times = stream.times(&sse.expect);
        let gave_up = stream.end == End::Silent && times.iter().any(|finding| finding.verdict == Verdict::Fail);
        let ending = stream.ending(sse, gave_up);
        let (first, then) = if gave_up { (times, vec![ending]) } else { (vec![ending], times) };
        findings.extend(first.into_iter().chain(then));
        findings.extend(stream.content(&sse.expect, scope, jq).await);
        if let Some(meanwhile) = &sse.meanwhile {
            findings.extend(meanwhile.findings(of(MEANWHILE), &stream, scope, jq).await);
        }
    }
    Report::of(findings, answer.http.took)
}

fn silence(cause: &Cause, control_answers: bool) -> Report {
    let verdict = Verdict::of_silence(cause, control_answers);
    let finding = Finding { verdict, ..Finding::held("answer", "an event stream", cause.words(), false) };
    Report::of(vec![finding], Duration::ZERO)
}

fn status(subject: &str, wanted: u16, answer: &HttpAnswer) -> Finding {
    let held = answer.status == wanted;
    let told = serde_json::from_slice(&answer.body)
        .ok()
        .and_then(|body| error_told(&body))
        .filter(|_| !held)
        .map(|told| format!(" {told}"))
        .unwrap_or_default();
    let after = answer.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.filter(|_| !held).map(|after| format!(", retry after {after} s")).unwrap_or_default();
    Finding::held(subject, wanted.to_string(), format!("{}{told}{after}", answer.status), held)
}

fn content_type(answer: &HttpAnswer) -> String {
    let value = answer.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or("none").to_owned()
}

/// True for the media type of event streams, whatever its parameters.
#[must_use]
pub(crate) fn is_event_stream(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// What was read, up to the terminal event.
struct Stream<'a> {
    events: &'a [Received],
    terminal: bool,
    end: End,
    took: Duration,
}

impl<'a> Stream<'a> {
    async fn cut(sse: &Sse, answer: &'a Answer, scope: &Scope, jq: &Jq) -> Self {
        let end = answer.end.clone().unwrap_or(End::Closed);
        for (at, event) in answer.events.iter().enumerate() {
            let look = Look::new(event);
            for pattern in &sse.until {
                if pattern.fits(&look, scope, jq).await == Fit::Yes {
                    return Self { events: &answer.events[..=at], terminal: true, end: End::Terminal, took: event.at };
                }
            }
        }
        let terminal = sse.until.is_empty() && end == End::Terminal;
        Self { events: &answer.events, terminal, end, took: answer.http.took }
    }

    fn times(&self, expect: &Expect) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(limit) = expect.first_event {
            let (seen, held) = match self.events.first() {
                Some(first) => (span(first.at), first.at <= limit),
                None => (format!("none in {}", span(self.took)), false),
            };
            findings.push(Finding::held("first event", within(limit), seen, held));
        }
        if let Some(limit) = expect.max_gap.filter(|_| !self.events.is_empty()) {
            let mut at: Vec<Duration> = self.events.iter().map(|event| event.at).collect();
            at.push(self.took);
            let gap = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default();
            // The reading gives up at the limit itself: that it did is the breach.
            let held = gap <= limit && self.end != End::Silent;
            let seen = match self.end == End::Silent && gap <= limit {
                true => format!("nothing for {}, and given up", humantime::format_duration(limit)),
                false => span(gap),
            };
            findings.push(Finding::held("longest gap", within(limit), seen, held));
        }
        findings
    }

    async fn content(&self, expect: &Expect, scope: &Scope, jq: &Jq) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (pattern, count) in &expect.at_least {
            let tally = self.tally(pattern, scope, jq).await;
            findings.push(tally.at_least(pattern.words(), *count));
        }
        if !expect.order.is_empty() {
            findings.push(self.order(&expect.order, scope, jq).await);
        }
        for pattern in &expect.never {
            let tally = self.tally(pattern, scope, jq).await;
            let (subject, wanted) = (pattern.words(), "never");
            findings.push(match tally.unclear {
                Some(why) if tally.yes == 0 => Finding::unknown(subject, wanted, why),
                _ => Finding::held(subject, wanted, times(tally.yes), tally.yes == 0),
            });
        }
        findings
    }

    async fn tally(&self, pattern: &Pattern, scope: &Scope, jq: &Jq) -> Tally {
        let mut tally = Tally::default();
        for event in self.events {
            match pattern.fits(&Look::new(event), scope, jq).await {
                Fit::Yes => tally.yes += 1,
                Fit::No => {}
                Fit::Unclear(why) => {
                    tally.maybe += 1;
                    tally.unclear.get_or_insert(why);
                }
            }
        }
        tally
    }

    async fn order(&self, order: &[Pattern], scope: &Scope, jq: &Jq) -> Finding {
        let (mut met, mut unclear) = (0, None);
        for event in self.events {
            let Some(next) = order.get(met) else { break };
            match next.fits(&Look::new(event), scope, jq).await {
                Fit::Yes => met += 1,
                Fit::No => {}
                Fit::Unclear(why) => unclear = Some(why),
            }
        }
        let seen = match order.get(met) {
            None => "in this order".to_owned(),
            Some(missing) if met == 0 => format!("no {}", missing.words()),
            Some(missing) => format!("no {} after {}", missing.words(), order[met - 1].words()),
        };
        match unclear {
            Some(why) if met < order.len() => Finding::unknown("order", in_order(order), format!("{seen}: {why}")),
            _ => Finding::held("order", in_order(order), seen, met == order.len()),
        }
    }

    /// `gave_up`: a silence ended the reading, and a finding of its own says which.
    fn ending(&self, sse: &Sse, gave_up: bool) -> Finding {
        let wanted = match (sse.until.is_empty(), sse.deadline) {
            (true, _) => "what is expected, within the limits".to_owned(),
            (false, None) => any_of(&sse.until),
            (false, Some(limit)) => format!("{} {}", any_of(&sse.until), within(limit)),
        };
        let last = self.events.last();
        if self.terminal {
            let held = sse.deadline.is_none_or(|limit| self.took <= limit);
            let name = last.map(|event| format!("`{}` ", event.event)).unwrap_or_default();
            return Finding::held("terminal event", wanted, format!("{name}after {}", span(self.took)), held);
        }
        let after = match last {
            None => "no event came".to_owned(),
            Some(last) => format!("the last of {} was `{}` {}", self.events.len(), last.event, last.data),
        };
        let (how, verdict) = match &self.end {
            // Reading saw a terminal event and judging does not: jq does not agree with itself.
            End::Terminal => ("it cannot be told which event ended it".to_owned(), Verdict::Unknown),
            // Without a terminal event asked for, an end is no fault by itself.
            End::Closed if sse.until.is_empty() => ("closed by the server".to_owned(), Verdict::Pass),
            End::Cut => ("none: it was dropped, and not opened again".to_owned(), Verdict::Unknown),
            End::Closed => ("none: the server closed the stream".to_owned(), Verdict::Fail),
            End::Deadline => (format!("none in {}: the stream is still open", span(self.took)), Verdict::Fail),
            End::Silent if gave_up => (format!("not waited for after {}", span(self.took)), Verdict::Unknown),
            End::Silent => (format!("none in {}: the stream is open and silent", span(self.took)), Verdict::Fail),
            End::Unwanted => ("none before an event that must never come".to_owned(), Verdict::Fail),
            End::Limit(which) => (format!("none: {}", limit_words(which)), Verdict::Fail),
            End::Broken(cause) => (format!("none: {}", cause.words()), Verdict::of_silence(cause, false)),
        };
        Finding { verdict, ..Finding::held("terminal event", wanted, format!("{how}; {after}"), false) }
    }
}

#[derive(Default)]
struct Tally {
    yes: usize,
    maybe: usize,
    unclear: Option<String>,
}

impl Tally {
    fn at_least(self, subject: String, count: usize) -> Finding {
        let wanted = format!("at least {count}");
        match self.unclear {
            Some(why) if self.yes < count && self.yes + self.maybe >= count => {
                Finding::unknown(subject, wanted, format!("{} for sure: {why}", self.yes))
            }
            _ => Finding::held(subject, wanted, self.yes.to_string(), self.yes >= count),
        }
    }
}

impl Meanwhile {
    fn words(&self) -> String {
        let (method, address) = (self.call.method, self.call.address.written());
        format!("{method} {address} after {} × {}", self.count, self.after.words())
    }

    async fn findings(
        &self,
        answer: Option<&Result<Answer, Cause>>,
        stream: &Stream<'_>,
        scope: &Scope,
        jq: &Jq,
    ) -> Vec<Finding> {
        let (subject, wanted) = (self.words(), self.status.to_string());
        let answer = match answer {
            Some(Ok(answer)) => &answer.http,
            Some(Err(cause)) => {
                let verdict = Verdict::of_silence(cause, false);
                return vec![Finding { verdict, ..Finding::held(subject, wanted, cause.words(), false) }];
            }
            None => {
                let seen = format!("not sent: {} events came, and not that", stream.events.len());
                return vec![Finding::held(subject, wanted, seen, false)];
            }
        };
        let mut findings = vec![status(&subject, self.status, answer)];
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        for program in self.json.iter().filter(|_| answer.status == self.status) {
            let said = match &body {
                Some(body) => jq.holds(program, body, scope).await,
                None => Said::Unknown { why: "its body is no JSON".to_owned() },
            };
            findings.push(match said {
                Said::True => Finding::held(&program.text, "true", "true", true),
                Said::False { seen } => Finding::held(&program.text, "true", seen, false),
                Said::Unknown { why } => Finding::unknown(&program.text, "true", why),
            });
        }
        findings
    }
}

fn in_order(order: &[Pattern]) -> String {
    order.iter().map(Pattern::words).collect::<Vec<_>>().join(", then ")
}

fn limit_words(which: &str) -> String {
    match which {
        "line" => format!("a line passed the limit of {} KiB", BOUNDS.line >> 10),
        "event" => format!("an event passed the limit of {} KiB", BOUNDS.event >> 10),
        "total" => format!("the stream passed the limit of {} MiB", BOUNDS.total >> 20),
        _ => format!("the stream passed the limit of {EVENTS} events"),
    }
}

fn within(limit: Duration) -> String {
    format!("within {}", humantime::format_duration(limit))
}

fn span(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}
