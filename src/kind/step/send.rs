//! The `send` step: one HTTP request that changes something, compared with what is expected of its answer as the
//! `http` check compares. It is sent once: whether it may be sent again is a person's to decide. Where no answer
//! came and it may have arrived, what it did is not known, and that is said.

use std::time::Duration;

use super::{Acting, Step};
use crate::base::jq::Jq;
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::base::wire::Cause;
use crate::kind::Kind;
use crate::kind::check::http::Http;
use crate::kind::check::{self, Answer, Check, Seen};
use crate::kind::exchange::{exchange, status_words};
use crate::kind::request::Sent;
use crate::launch::verdict::{Finding, Report, Verdict};

/// Of an `http` table: what looks again, and what is between the items of a session.
const OF_CHECKS: [&str; 5] = ["auth", "burst", "capture", "repeat", "until"];

/// What is left of the step's time when we give up ourselves: ended by its shim it could not tell how far it came.
const MARGIN: Duration = Duration::from_secs(2);

/// The table of a `send` step.
#[derive(Debug, Clone)]
pub struct Send {
    http: Box<Http>,
}

impl Step for Send {
    const KIND: Kind = Kind {
        name: "send",
        family: "step",
        line: "sends one HTTP request that changes something, once; without an answer it is unknown whether it acted",
        example: "post = \"https://hooks.example.com/deploys\"\n\
                  json = { version = \"1.5.0\" }\n\
                  expect = { status = 201, json = ['.status == \"queued\"'] }\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        for (key, span) in table.keys() {
            if OF_CHECKS.contains(&key) {
                let message = format!("`{key}` has no effect on a request that is sent once, outside of every session");
                table.notes().report(Diagnostic::error("no-effect", span, message).help("a check after it can look"));
            }
        }
        let http = Http::read(table);
        OF_CHECKS.into_iter().for_each(|key| table.refuse(key));
        Some(Self { http: Box::new(http?) })
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        std::iter::once(format!("sends: {}", self.http.call.words(scope))).chain(self.http.expects(scope)).collect()
    }

    fn asks(&self) -> Option<check::Spec> {
        Some(check::Spec::Http(Http::clone(&self.http)))
    }

    /// RFC 9110, 9.2.1: what a safe method does nobody asked for.
    fn changes(&self) -> Option<String> {
        let method = self.http.call.method;
        (!["GET", "HEAD", "OPTIONS"].contains(&method)).then(|| format!("`{method}` asks to change something"))
    }

    async fn act(&self, cx: &Acting) -> Report {
        let (look, call) = (&cx.look, &self.http.call);
        let asked = match call.asked(&look.scope, None, &look.base).await {
            Ok(asked) => asked,
            Err(cause) => {
                let why = format!("nothing was sent: {}", cause.words());
                return Report::plain(Verdict::Unknown, why, Duration::ZERO);
            }
        };
        cx.say(&format!("{} {}", call.method, asked.request.url));
        let sent = asked.send(&look.client, patience(look.timeout), None, &look.redactor).await;
        if let Ok(answer) = &sent.answer {
            cx.say(&status_words(answer.status));
        }
        let jq = look.jq.redacting(look.redactor.clone());
        let mut report = self.judged(&sent, &look.scope, &jq).await;
        report.exchange = Some(exchange(&sent.request, sent.answer.as_ref(), &look.redactor));
        report
    }
}

impl Send {
    async fn judged(&self, sent: &Sent, scope: &Scope, jq: &Jq) -> Report {
        let method = self.http.call.method;
        let answer = match &sent.answer {
            Ok(answer) => answer.clone(),
            Err(cause) => return silent(method, &sent.request.url, cause, !sent.trail.hops.is_empty()),
        };
        let status = status_words(answer.status);
        let answer = Answer { http: answer, trail: sent.trail.clone(), ..Answer::default() };
        let seen = Seen { answers: vec![(sent.request.url.clone(), Ok(answer))], control_answers: false };
        let mut report = self.http.judge(&seen, scope, jq).await;
        report.summary = format!("{status}; {}", report.summary);
        report
    }
}

/// No answer: it failed where nothing can have arrived, else what it did is not known (rules.md: an intent
/// without an outcome).
fn silent(method: &str, url: &str, cause: &Cause, moved: bool) -> Report {
    let arrived = moved || cause.may_have_arrived();
    let (verdict, end) = match (arrived, cause) {
        (true, _) => (Verdict::Unknown, "it may have acted: look before you send it again"),
        (false, Cause::Ours(_) | Cause::Cancelled) => (Verdict::Unknown, "nothing was sent"),
        (false, _) => (Verdict::Fail, "nothing was sent"),
    };
    let seen = cause.words();
    let finding = Finding { row: None, subject: "answer".to_owned(), expected: "one".to_owned(), seen, verdict };
    let summary = format!("{method} {url}: {}; {end}", cause.words());
    Report { summary, ..Report::of(vec![finding], Duration::ZERO) }
}

/// The time a request has: less than the step's, by a tenth or [`MARGIN`].
pub(super) fn patience(timeout: Duration) -> Duration {
    timeout.saturating_sub(MARGIN.min(timeout / 10))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use toml::de::DeTable;

    use super::*;
    use crate::base::table::Notes;
    use crate::base::wire::{self, Request};
    use crate::kind::request::{Hop, Trail};

    fn read(text: &str) -> (Option<Send>, Vec<Diagnostic>) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{errors:?}");
        let notes = Notes::default();
        let table = Table::new("[phase.item.send]", parsed.span().into(), parsed.get_ref(), &notes);
        let read = Send::read(&table);
        table.finish();
        (read, notes.take_diagnostics())
    }

    fn step() -> Send {
        let (read, found) = read(Send::KIND.example);
        assert!(found.is_empty(), "{found:?}");
        read.expect("a step")
    }

    async fn judged(answer: Result<wire::Answer, Cause>, hops: Vec<Hop>) -> Report {
        let request = Request { url: "https://hooks.example.com/deploys".into(), ..Request::default() };
        let trail = Trail { hops, stopped: None };
        let sent = Sent { answer, request, trail, withheld: Vec::new(), refused: Vec::new() };
        step().judged(&sent, &Scope::default(), &Jq::default()).await
    }

    #[tokio::test]
    async fn an_answer_is_compared_and_its_status_is_told() {
        let answer = |status, body: serde_json::Value| {
            Ok(wire::Answer { status, body: body.to_string().into(), ..wire::Answer::default() })
        };
        let right = judged(answer(201, json!({ "status": "queued" })), Vec::new()).await;
        assert_eq!((right.verdict, right.summary.as_str()), (Verdict::Pass, "201 Created; 2 of 2 as expected"));
        let wrong = judged(answer(409, json!({ "status": "queued" })), Vec::new()).await;
        assert_eq!((wrong.verdict, &wrong.summary[..12]), (Verdict::Fail, "409 Conflict"));
        let absent = judged(answer(201, json!({})), Vec::new()).await;
        assert_eq!(absent.verdict, Verdict::Unknown);
    }

    #[tokio::test]
    async fn what_may_have_arrived_is_unknown_and_what_cannot_have_is_a_fail() {
        use Verdict::{Fail, Unknown};
        for (cause, verdict) in [
            (Cause::Refused, Fail),
            (Cause::NotResolved, Fail),
            (Cause::NoRoute, Fail),
            (Cause::Tls("invalid peer certificate: Expired".into()), Fail),
            (Cause::Tls("received fatal alert: InternalError".into()), Unknown),
            (Cause::TimedOut, Unknown),
            (Cause::Reset, Unknown),
            (Cause::ClosedEarly, Unknown),
            (Cause::HeadTooLarge, Unknown),
            (Cause::BodyTooLarge { limit: 1 }, Unknown),
            (Cause::Malformed("x".into()), Unknown),
            (Cause::Cancelled, Unknown),
            (Cause::Ours("x".into()), Unknown),
        ] {
            let report = judged(Err(cause.clone()), Vec::new()).await;
            assert_eq!(report.verdict, verdict, "{cause:?}");
            let sent = !report.summary.contains("nothing was sent");
            assert_eq!(sent, cause.may_have_arrived(), "{cause:?}: {}", report.summary);
        }
        let hop = Hop { status: 307, to: "https://b.example/".into() };
        let moved = judged(Err(Cause::Refused), vec![hop]).await;
        assert_eq!(moved.verdict, Unknown, "the first request did arrive");
    }

    #[test]
    fn what_will_be_sent_is_told_before_without_secrets() {
        let (send, found) = read(
            "post = 'https://a.example/{{ version }}'\njson = { v = '{{ version }}', by = '{{ token }}', id = '{{ later }}' }",
        );
        assert!(found.is_empty(), "{found:?}");
        let mut scope = Scope::default();
        scope.bind("version", json!("1.5.0"));
        scope.bind_secret("token", json!("hunter22"));
        let told = send.expect("a step").expects(&scope);
        let body = r#"JSON {"v":"1.5.0","by":"{{ token }}","id":"{{ later }}"}"#;
        assert_eq!(told, [format!("sends: POST https://a.example/1.5.0, with {body}"), "status 2xx".to_owned()]);
    }

    #[test]
    fn what_belongs_to_a_check_is_refused() {
        let (_, found) = read("post = 'https://a.example'\ncapture = { id = '.id' }");
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["no-effect"], "{found:?}");
        // Nor is it offered to whoever wrote something else.
        let (_, found) = read("post = 'https://a.example'\nuntill = {}");
        let help = found[0].help.clone().unwrap_or_default();
        assert!(found.len() == 1 && help.contains("expect") && !help.contains("until"), "{found:?}");
    }

    #[test]
    fn we_give_up_before_our_shim_does() {
        for (timeout, less) in [(30_000, 28_000), (10_000, 9_000), (100, 90), (0, 0)] {
            assert_eq!(patience(Duration::from_millis(timeout)), Duration::from_millis(less));
        }
    }
}
