//! The promises of the `sse` check that need no server: reading with time in our hand, judging,
//! examples. The wire itself is in `tests/contract_stream.rs`.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::SET_COOKIE;
use tokio::sync::oneshot;
use tokio::time::Instant;
use toml::de::DeTable;

use super::read::{Chunks, Counting, read};
use super::*;
use crate::base::secret::Redactor;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::template::Template;
use crate::base::wire::{Client, Limits, Network};
use crate::kind::check::Answer;
use crate::kind::session::SessionPlan;
use crate::launch::verdict::{Finding, Verdict};

fn reading(text: &str) -> (Option<Sse>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.sse]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Sse::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn sse(text: &str) -> Sse {
    let (read, wrong) = reading(text);
    assert!(wrong.is_empty(), "{wrong:?}");
    read.expect("a table")
}

/// `stopped` ends it, `done` must not come, one `message` must.
fn cancelled() -> Sse {
    sse(r#"
get = "http://a.example/stream"
expect = { first_event = "5s", max_gap = "15s", at_least = [{ event = "message" }], never = [{ event = "done" }] }
until = { any = [{ event = "stopped" }] }
deadline = "60s"
meanwhile = { after = { event = "message" }, post = "http://a.example/cancel" }
"#)
}

/// Bytes after waits; at the end the socket stays open, unless `closes`.
struct Script {
    pieces: VecDeque<(u64, &'static [u8])>,
    closes: bool,
}

impl Chunks for Script {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        match self.pieces.pop_front() {
            Some((0, bytes)) => Ok(Some(Bytes::from_static(bytes))),
            Some((wait, bytes)) => {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                Ok(Some(Bytes::from_static(bytes)))
            }
            None if self.closes => Ok(None),
            None => std::future::pending().await,
        }
    }
}

/// What is read, how it ends, after how many milliseconds, and whether the other request was due.
async fn played(sse: &Sse, pieces: &[(u64, &'static [u8])], closes: bool) -> (Vec<Received>, End, u128, bool) {
    let (scope, jq, started) = (Scope::default(), Jq::default(), Instant::now());
    let (fire, mut fired) = oneshot::channel();
    let mut counting = Counting::new(sse, &scope, &jq, fire);
    let mut events = Vec::new();
    let mut script = Script { pieces: pieces.to_vec().into(), closes };
    let deadline = started + sse.deadline.expect("a deadline");
    let end = read(&mut counting, &mut script, started, deadline, &mut events).await;
    drop(counting);
    (events, end, started.elapsed().as_millis(), fired.try_recv().is_ok())
}

fn seen_of(events: Vec<Received>, end: End, took: u128, sent: bool) -> Seen {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "text/event-stream; charset=utf-8".parse().expect("a value"));
    let took = Duration::from_millis(u64::try_from(took).expect("small"));
    let http = crate::base::wire::Answer { status: 200, headers, took, ..Default::default() };
    let mut answers = vec![(STREAM.to_owned(), Ok(Answer { http, events, end: Some(end), ..Answer::default() }))];
    if sent {
        let http = crate::base::wire::Answer { status: 200, ..Default::default() };
        answers.push((MEANWHILE.to_owned(), Ok(Answer { http, ..Answer::default() })));
    }
    Seen { answers, control_answers: false }
}

async fn judged(sse: &Sse, pieces: &[(u64, &'static [u8])], closes: bool) -> Report {
    let (events, end, took, sent) = played(sse, pieces, closes).await;
    sse.judge(&seen_of(events, end, took, sent), &Scope::default(), &Jq::default()).await
}

fn failing(report: &Report) -> Vec<&str> {
    let wrong = |finding: &&Finding| finding.verdict != Verdict::Pass;
    report.findings.iter().filter(wrong).map(|finding| finding.subject.as_str()).collect()
}

const DELTA: &[u8] = b"event: message\ndata: {}\n\n";
const STOPPED: &[u8] = b"event: stopped\ndata: {}\n\n";
const DONE: &[u8] = b"event: done\ndata: {}\n\n";
const PING: &[u8] = b": ping\n\n";

#[tokio::test(start_paused = true)]
async fn reading_ends_at_the_terminal_event_though_the_socket_stays_open() {
    let (events, end, took, sent) = played(&cancelled(), &[(100, DELTA), (200, STOPPED), (0, DELTA)], false).await;
    assert_eq!((events.len(), end, took, sent), (2, End::Terminal, 300, true));
    assert_eq!(events[1].at, Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_terminal_event_in_one_chunk_is_ignored() {
    let chunk: &[u8] = b"data: x\n\nevent: stopped\ndata: x\n\nevent: done\ndata: \xff\n\n";
    assert_eq!(judged(&cancelled(), &[(1, chunk)], false).await.verdict, Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_counts_only_with_stopped_and_no_earlier_done() {
    for (pieces, closes, wrong) in [
        (vec![(10, DELTA), (10, STOPPED)], false, vec![]),
        (vec![(10, DELTA), (10, DONE), (10, STOPPED)], false, vec!["terminal event", "`done`"]),
        (vec![(10, DELTA), (10, DELTA)], true, vec!["terminal event"]),
        (vec![(10, STOPPED)], false, vec!["`message`", "POST http://a.example/cancel after 1 × `message`"]),
    ] {
        let report = judged(&cancelled(), &pieces, closes).await;
        assert_eq!(failing(&report), wrong, "{report:#?}");
        let verdict = if wrong.is_empty() { Verdict::Pass } else { Verdict::Fail };
        assert_eq!(report.verdict, verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_when_it_has_lasted_too_long_and_comments_do_not_hide_it() {
    let (_, end, took, _) = played(&cancelled(), &[], false).await;
    assert_eq!((end, took), (End::Silent, 5_000));
    let (_, end, took, _) = played(&cancelled(), &[(1_000, DELTA)], false).await;
    assert_eq!((end, took), (End::Silent, 16_000));
    let (_, end, took, _) = played(&cancelled(), &[(1_000, DELTA), (10_000, PING), (10_000, PING)], false).await;
    assert_eq!((end, took), (End::Silent, 16_000));
    let report = judged(&cancelled(), &[(1_000, DELTA)], false).await;
    assert_eq!(failing(&report), ["longest gap", "terminal event"]);
    assert!(report.summary.contains("longest gap") && report.summary.contains("nothing for 15s"), "{}", report.summary);
    let report = judged(&cancelled(), &[], false).await;
    assert!(failing(&report).contains(&"first event"), "{report:#?}");
    // The terminal event was not waited for to its own deadline: the silence is why.
    assert!(report.summary.contains("first event") && report.summary.contains("none in 5.00 s"), "{}", report.summary);
    let ending = report.findings.iter().find(|finding| finding.subject == "terminal event").expect("one");
    assert!(ending.verdict == Verdict::Unknown && ending.seen.contains("not waited for"), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_stream_that_keeps_talking() {
    let pieces: Vec<_> = (0..100).map(|_| (1_000, DELTA)).collect();
    let (_, end, took, _) = played(&cancelled(), &pieces, false).await;
    assert_eq!((end, took), (End::Deadline, 60_000));
    let report = judged(&cancelled(), &pieces, false).await;
    assert_eq!(failing(&report), ["terminal event"]);
    assert!(report.summary.contains("still open"), "{}", report.summary);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_passed_is_named() {
    let long: &'static [u8] = vec![b'x'; 70 << 10].leak();
    let big: &'static [u8] = [b"data: ".as_slice(), &[b'x'; 60 << 10], b"\n"].concat().repeat(20).leak();
    let flood: &'static [u8] = b"data:\n\n".repeat(EVENTS + 1).leak();
    let huge: &'static [u8] = [b": ".as_slice(), &[b'x'; 60 << 10], b"\n"].concat().leak();
    let quiet = sse("get = 'http://a.example/'\nuntil = { any = [{ event = 'done' }] }\ndeadline = '60s'\n");
    for (pieces, which, words) in [
        (vec![(1, long)], "line", "64 KiB"),
        (vec![(1, big)], "event", "1024 KiB"),
        (vec![(1, flood)], "events", "100000 events"),
        (vec![(1, huge); 300], "total", "16 MiB"),
    ] {
        let (events, end, took, sent) = played(&quiet, &pieces, false).await;
        assert_eq!(end, End::Limit(which));
        let seen = seen_of(events, end, took, sent);
        let report = quiet.judge(&seen, &Scope::default(), &Jq::default()).await;
        assert_eq!(report.verdict, Verdict::Fail);
        assert!(report.summary.contains(words), "{}", report.summary);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_utf8_fail_and_say_so() {
    let report = judged(&cancelled(), &[(1, DELTA), (1, b"data: \xff\xfe\n\n"), (1, STOPPED)], false).await;
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(report.summary.contains("not UTF-8"), "{}", report.summary);
}

#[tokio::test]
async fn a_status_that_is_not_expected_is_told_with_its_code_and_nothing_else_is_looked_at() {
    let body = r#"{"error":{"code":"E4290","message":"too many streams"}}"#;
    let http = crate::base::wire::Answer { status: 429, body: body.into(), ..Default::default() };
    let answers = vec![(STREAM.to_owned(), Ok(Answer { http, ..Answer::default() }))];
    let seen = Seen { answers, control_answers: false };
    let report = cancelled().judge(&seen, &Scope::default(), &Jq::default()).await;
    assert_eq!(report.summary, "status expected 200, seen 429 E4290 too many streams");
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Fail, 1));
}

#[tokio::test]
async fn another_content_type_is_a_fail() {
    let mut seen = seen_of(Vec::new(), End::Closed, 1, false);
    if let Ok(answer) = &mut seen.answers[0].1 {
        answer.http.headers.insert("content-type", "application/json".parse().expect("a value"));
    }
    let report = cancelled().judge(&seen, &Scope::default(), &Jq::default()).await;
    assert_eq!(failing(&report), ["content type"]);
}

#[tokio::test]
async fn no_answer_is_judged_by_its_cause() {
    for (cause, control_answers, verdict) in [
        (Cause::Refused, false, Verdict::Fail),
        (Cause::TimedOut, false, Verdict::Fail),
        (Cause::NotResolved, false, Verdict::Unknown),
        (Cause::NotResolved, true, Verdict::Fail),
    ] {
        let seen = Seen { answers: vec![(STREAM.to_owned(), Err(cause))], control_answers };
        assert_eq!(cancelled().judge(&seen, &Scope::default(), &Jq::default()).await.verdict, verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn order_is_held_with_others_between() {
    let ordered = sse(r#"
get = "http://a.example/"
expect = { order = [{ event = "a" }, { event = "b" }] }
until = { any = [{ event = "done" }] }
deadline = "60s"
"#);
    let (a, b): (&[u8], &[u8]) = (b"event: a\ndata: x\n\n", b"event: b\ndata: x\n\n");
    assert_eq!(failing(&judged(&ordered, &[(1, a), (1, DELTA), (1, b), (1, DONE)], false).await), [""; 0]);
    let report = judged(&ordered, &[(1, b), (1, a), (1, DONE)], false).await;
    assert_eq!(report.summary, "order expected `a`, then `b`, seen no `b` after `a`");
}

#[test]
fn the_kind_s_own_example_reads() {
    let read = sse(Sse::KIND.example);
    assert_eq!(read.until.len(), 3);
    assert_eq!(read.meanwhile.expect("there").count, 1);
    assert_eq!(read.expect.max_gap, Some(Duration::from_secs(15)));
}

#[tokio::test]
async fn a_cookie_that_may_not_go_with_a_failing_stream_is_named() {
    // Nothing resolves or answers here: a name that cannot be, and the control probe is none.
    let session = Session::new(SessionPlan { cookies: true, ..SessionPlan::default() });
    let set = [(SET_COOKIE, HeaderValue::from_static("sid=abcdef; Secure; Path=/"))].into_iter().collect();
    let safe = url::Url::parse("https://a.invalid/").expect("a URL");
    session.keep_cookies(&safe, &set, &Redactor::default());
    let cx = Context {
        session: Some(session),
        timeout: Duration::ZERO,
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    };
    let check = sse("get = 'http://a.invalid/'\nuntil = { any = [{ event = 'done' }] }");
    let report = check.run(&cx).await.report;
    assert!(report.summary.contains("withheld: cookie sid"), "{}", report.summary);
}

#[test]
fn a_check_needs_an_end_and_a_live_tail_does_not() {
    let (_, wrong) = reading("get = 'http://a.example/'\nexpect = { never = [{ event = 'error' }] }");
    assert_eq!(wrong.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), ["missing-key"]);
    for ends in ["until = { any = [{ event = 'done' }] }", "expect = { at_least = [{ event = 'message' }] }"] {
        assert!(reading(&format!("get = 'http://a.example/'\n{ends}")).1.is_empty(), "{ends}");
    }
    let (parsed, _) = DeTable::parse_recoverable("get = 'http://a.example/'");
    let notes = Notes::default();
    assert!(Sse::read(&Table::new("[stream.sse]", parsed.span().into(), parsed.get_ref(), &notes)).is_some());
    assert!(notes.take_diagnostics().is_empty());
}

#[test]
fn no_expectation_in_words_holds_a_secret() {
    let check = sse("get = 'http://a.example/?key={{ key }}'\nuntil = { any = [{ event = 'done' }] }");
    let mut scope = Scope::default();
    scope.bind_secret("key", "s3cr3t-key".into());
    let words = check.expects(&scope).join("\n");
    assert!(words.contains("{{ key }}") && !words.contains("s3cr3t"), "{words}");
}

#[test]
fn every_mistake_of_the_table_is_reported() {
    let (_, wrong) = reading(
        r#"
get = "/a"
post = "/b"
until = { any = [{ evnt = "done" }] }
expect = { status = 99, at_least = [{ event = "message", count = 0 }], max_gap = "long" }
meanwhile = { post = "/c" }
"#,
    );
    let all = wrong.iter().map(|wrong| wrong.message.as_str()).collect::<Vec<_>>().join("\n");
    for part in ["has both `get` and `post`", "evnt", "no HTTP status", "`count` is 1", "no duration", "needs `after`"]
    {
        assert!(all.contains(part), "{part} in {all}");
    }
}

#[tokio::test]
async fn a_derived_example_passes_and_each_cut_of_it_does_not() {
    let sse = cancelled();
    let (scope, jq) = (Scope::default(), Jq::default());
    let good = sse.derive(&scope).expect("plain");
    assert_eq!(sse.judge(&sse.seen(&good, &scope), &scope, &jq).await.verdict, Verdict::Pass);
    for events in 0..good.events.len() {
        let cut = Answered { events: good.events[..events].to_vec(), ..good.clone() };
        let report = sse.judge(&sse.seen(&cut, &scope), &scope, &jq).await;
        assert_eq!(report.verdict, Verdict::Fail, "{events} events: {report:#?}");
    }
    let wrong = Answered { status: Some(500), ..good };
    assert_eq!(sse.judge(&sse.seen(&wrong, &scope), &scope, &jq).await.verdict, Verdict::Fail);
}

#[test]
fn routes_name_both_requests_with_what_is_known() {
    let plan = crate::kind::session::SessionPlan {
        base: Some(Template::literal("https://api.example.com/")),
        headers: vec![("Origin".to_owned(), Template::literal("https://app.example.com"))],
        ..Default::default()
    };
    let sse = sse(r#"
get = "/stream?run_id={{ run_id }}"
until = { any = [{ event = "stopped" }] }
meanwhile = { after = { event = "message" }, post = "/cancel", json = { run_id = "{{ run_id }}" } }
"#);
    let scope = Scope::default();
    let good = [sse.derive(&scope).expect("plain")];
    let routes = sse.routes(&good, Some(&Session::new(plan)), &scope);
    let urls: Vec<_> = routes.iter().map(|route| (route.method.as_str(), route.url.as_str(), route.stream)).collect();
    assert_eq!(
        urls,
        [
            ("GET", "https://api.example.com/stream?run_id={{ run_id }}", true),
            ("POST", "https://api.example.com/cancel", false),
        ]
    );
    assert_eq!(routes[0].headers, [("Origin".to_owned(), "https://app.example.com".to_owned())]);
}

#[tokio::test]
async fn a_stream_that_is_resumed_has_an_example_and_a_route_for_its_rest() {
    for (by, url, headers) in [
        ("", "https://a.example/s?run=1", vec![("Last-Event-ID".to_owned(), "2".to_owned())]),
        (", query = 'after'", "https://a.example/s?run=1&after=2", Vec::new()),
    ] {
        let sse = sse(&format!(
            "get = 'https://a.example/s?run=1'\nuntil = {{ any = [{{ event = 'done' }}] }}\nresume = {{ after = 2{by} }}"
        ));
        let (scope, jq) = (Scope::default(), Jq::default());
        let good = sse.derive(&scope).expect("plain");
        let report = sse.judge(&sse.seen(&good, &scope), &scope, &jq).await;
        assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
        let routes = sse.routes(&[good], None, &scope);
        let [whole, rest] = routes.as_slice() else { panic!("{routes:?}") };
        assert_eq!((whole.answer.events.len(), rest.answer.events.len()), (4, 2));
        assert_eq!((rest.url.as_str(), &rest.headers), (url, &headers));
    }
}

#[tokio::test(start_paused = true)]
async fn reading_stops_where_it_is_to_be_resumed_and_not_because_all_holds() {
    let sse = sse(
        "get = 'http://a.example/'\nexpect = { at_least = [{ event = 'message' }] }\ndeadline = '9s'\nresume = { after = 2 }",
    );
    let chunk: &[u8] = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\nid: 3\ndata: d\n\n";
    let (events, end, ..) = played(&sse, &[(1, chunk)], false).await;
    let ids: Vec<_> = events.iter().map(|event| event.id.as_deref()).collect();
    assert_eq!((ids.as_slice(), end), ([Some("1"), None, Some("2")].as_slice(), End::Cut));
}
