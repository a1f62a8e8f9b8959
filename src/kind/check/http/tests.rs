//! What the `http` check promises, on its table and on answers made by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire::{self, Cause, Client, Limits, Network};
use crate::kind::check::Answer;
use crate::kind::session::SessionPlan;
use crate::launch::verdict::Verdict;

pub(super) fn read(text: &str) -> (Option<Http>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.http]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Http::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

pub(super) fn http(text: &str) -> Http {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Answer, Cause> {
    let header = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter().map(header) {
        map.append(name, value);
    }
    let http = wire::Answer {
        status,
        headers: map,
        body: Bytes::copy_from_slice(body.as_bytes()),
        took: Duration::from_millis(120),
        ..wire::Answer::default()
    };
    Ok(Answer { http, ..Answer::default() })
}

pub(super) async fn judged(text: &str, answer: Result<Answer, Cause>) -> Report {
    let seen = Seen { answers: vec![("https://a.example/".into(), answer)], control_answers: false };
    http(text).judge(&seen, &Scope::default(), &Jq::default()).await
}

#[test]
fn the_example_of_the_reference_reads() {
    let check = http(Http::KIND.example);
    assert_eq!((check.call.method, check.expect.status.words().as_str()), ("GET", "200"));
    let expects = check.expects(&Scope::default());
    assert_eq!(expects, ["status 200", ".status == \"ok\"", "latency at most 500ms"]);
}

#[test]
fn every_mistake_is_told_at_its_place_in_one_pass() {
    let text = concat!(
        "get = '/a'\npost = '/b'\nheaders = { 'x y' = '1' }\nbody = 'x'\njson = {}\n",
        "capture = { 'a b' = '.x', c = { heder = 'x' }, d = 3 }\n",
        "[expect]\nstatus = 99\nbody = '('\nlatency = 'soon'\nheadr = {}\n",
        "[expect.header]\nvary = { list = 'a', absent = true }\nage = 3\n",
    );
    let (_, found) = read(text);
    let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
    for place in ["post", "'x y'", "'x'", "99", "'('", "'soon'", "headr", "3", "'a b'", "heder"] {
        assert!(at.iter().any(|span| span.contains(place)), "nothing at {place}: {found:#?}");
    }
    let (none, found) = read("expect = { status = 200 }");
    assert!(none.is_none() && found[0].code == "missing-key", "{found:?}");
}

#[tokio::test]
async fn each_expectation_is_a_finding_with_expected_beside_seen() {
    let text = concat!(
        "get = '/'\n[expect]\nstatus = [200, 202]\nbody = 'build \\d+'\nbody_absent = 'Traceback'\n",
        "latency = '100ms'\ncookie = ['omni_csrf']\n[expect.header]\ncontent-type = { contains = 'html' }\n",
        "vary = { list = ['origin', 'accept'] }\nserver = { absent = true }\nx-frame-options = 'DENY'\n",
    );
    let right = [
        ("content-type", "text/html; charset=utf-8"),
        ("vary", "Accept, Accept-Encoding"),
        ("vary", "Origin"),
        ("x-frame-options", "DENY"),
        ("set-cookie", "omni_csrf=abc; Path=/"),
    ];
    let report = judged(text, answer(202, &right, "this is build 42")).await;
    let verdicts: Vec<_> = report.findings.iter().map(|f| (f.subject.as_str(), f.verdict)).collect();
    let all_but_latency = verdicts.iter().filter(|(subject, _)| *subject != "latency");
    assert!(all_but_latency.clone().all(|(_, verdict)| *verdict == Verdict::Pass), "{verdicts:?}");
    assert_eq!(all_but_latency.count(), 8);
    assert_eq!(report.summary, "latency expected at most 100ms, seen 120ms");

    let wrong = [("content-type", "text/plain"), ("server", "nginx"), ("set-cookie", "other=1")];
    let report = judged(text, answer(500, &wrong, "Traceback (most recent call last)")).await;
    assert!(report.findings.iter().all(|finding| finding.verdict == Verdict::Fail), "{:#?}", report.findings);
}

#[tokio::test]
async fn a_wrong_status_tells_the_code_the_body_names() {
    let body = r#"{"detail":"CSRF","error":{"code":"E2002","message":"CSRF token mismatch"}}"#;
    let report = judged("get = '/'\nexpect = { status = 200 }", answer(403, &[], body)).await;
    assert_eq!(report.summary, "status expected 200, seen 403 E2002 CSRF token mismatch");
    let report = judged("get = '/'", answer(302, &[("location", "/login")], "")).await;
    assert_eq!(report.summary, "status expected 2xx, seen 302 to /login");
}

#[tokio::test]
async fn silence_is_judged_by_its_cause_and_broken_json_is_unknown() {
    for (cause, verdict) in [
        (Cause::Refused, Verdict::Fail),
        (Cause::TimedOut, Verdict::Fail),
        (Cause::NotResolved, Verdict::Unknown),
        (Cause::BodyTooLarge { limit: 8 << 20 }, Verdict::Fail),
        (Cause::Ours("no value for `csrf`".into()), Verdict::Unknown),
    ] {
        let report = judged("get = '/'", Err(cause.clone())).await;
        assert_eq!(report.verdict, verdict, "{cause:?}");
        assert!(report.summary.contains(&cause.words()) && report.findings.len() == 1, "{report:?}");
    }
    for body in ["{", "", "<html>", &"[".repeat(100_000)] {
        let report = judged("get = '/'\nexpect = { json = ['.a == 1'] }", answer(200, &[], body)).await;
        assert_eq!(report.verdict, Verdict::Unknown, "{body:.20}");
    }
}

#[tokio::test]
async fn json_is_asked_with_jq() {
    let text = "get = '/'\nexpect = { json = ['.status == \"ok\"'] }";
    assert_eq!(judged(text, answer(200, &[], r#"{"status":"ok"}"#)).await.verdict, Verdict::Pass);
    assert_eq!(judged(text, answer(200, &[], r#"{"status":"down"}"#)).await.verdict, Verdict::Fail);
    assert_eq!(judged(text, answer(200, &[], r#"{"state":"ok"}"#)).await.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn an_empty_body_holds_nothing_unwanted_and_proves_nothing() {
    let text = "get = '/'\nexpect = { body_absent = 'Traceback' }";
    assert_eq!(judged(text, answer(200, &[], "")).await.verdict, Verdict::Unknown);
    assert_eq!(judged(text, answer(200, &[], "fine")).await.verdict, Verdict::Pass);
    assert_eq!(judged(text, answer(200, &[], "Traceback")).await.verdict, Verdict::Fail);
    let check = http(text);
    let good = check.derive(&Scope::default()).expect("plain");
    let seen = check.seen(&good, &Scope::default());
    assert_eq!(check.judge(&seen, &Scope::default(), &Jq::default()).await.verdict, Verdict::Pass);
    assert!(http("get = '/'\nexpect = { body_absent = 'e' }").derive(&Scope::default()).is_err());
}

#[tokio::test]
async fn a_derived_example_passes_its_own_check() {
    let text = concat!(
        "get = '/'\n[expect]\nstatus = 201\nbody = 'hello'\nbody_absent = 'error'\ncookie = ['omni_csrf']\n",
        "header = { vary = { list = ['origin'] }, x-id = 'a', server = { absent = true } }\n",
        "[capture]\nid = { header = 'x-request-id' }\nsid = { cookie = 'sid' }\n",
    );
    let check = http(text);
    let good = check.derive(&Scope::default()).expect("plain expectations");
    let seen = check.seen(&good, &Scope::default());
    let report = check.judge(&seen, &Scope::default(), &Jq::default()).await;
    assert_eq!(report.verdict, Verdict::Pass, "{:#?}", report.findings);
    let headers = &seen.answers[0].1.as_ref().expect("an answer").http.headers;
    assert_eq!(headers["x-request-id"], "tok-id-1");
    let clash = http("get = '/'\nexpect = { body = 'an error', body_absent = 'error' }");
    assert!(clash.derive(&Scope::default()).is_err());
}

#[tokio::test]
async fn a_derived_example_hands_out_what_is_captured_from_json() {
    let text = concat!(
        "get = '/'\nexpect = { json = ['.csrf_token | length > 0', '.user.name == \"smoke\"'] }\n",
        "capture = { csrf = '.csrf_token', name = '.user.name' }\n",
    );
    let check = http(text);
    let good = check.derive(&Scope::default()).expect("plain expectations");
    let seen = check.seen(&good, &Scope::default());
    let taken = judge::take(&check, &seen, &Scope::default(), &Jq::default()).await;
    let captured: Vec<_> = taken.captured.iter().flatten().cloned().collect();
    let report = judge::report(&check, &seen, taken, &Scope::default(), &Jq::default()).await;
    assert_eq!(report.verdict, Verdict::Pass, "{:#?}", report.findings);
    assert_eq!(captured, [("csrf".to_owned(), json!("tok-csrf-1")), ("name".to_owned(), json!("smoke"))]);
    assert!(report.findings.iter().all(|finding| !finding.seen.contains("tok-")), "{report:?}");
}

#[test]
fn routes_keep_names_without_a_value_and_know_the_session() {
    let mut scope = Scope::default();
    scope.bind("origin", json!("https://app.example"));
    scope.bind("api", json!("https://api.example"));
    let template = |text: &str| Template::parse(text, Default::default()).expect("a template");
    let plan = SessionPlan {
        base: Some(template("{{ api }}")),
        headers: vec![("Origin".into(), template("{{ origin }}")), ("X-CSRF-Token".into(), template("old"))],
        cookies: true,
        scope,
        ..SessionPlan::default()
    };
    let check = http(
        "post = '/v1/chat?r={{ run }}'\nheaders = { x-csrf-token = '{{ csrf }}' }\ncapture = { id = { cookie = 'sid' } }",
    );
    let good = [Answered { status: Some(200), ..Answered::default() }];
    let routes = check.routes(&good, Some(&Session::new(plan)), &Scope::default());
    let [route] = routes.as_slice() else { panic!("{routes:?}") };
    assert_eq!((route.method.as_str(), route.url.as_str()), ("POST", "https://api.example/v1/chat?r={{ run }}"));
    let headers: Vec<_> = route.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, [("Origin", "https://app.example"), ("x-csrf-token", "{{ csrf }}")]);
    assert_eq!(route.captures, ["id = cookie sid"]);
}

/// A server that gives every connection this answer, and how many it had.
async fn serve(status: &str, body: &str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let told = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let count = Arc::new(AtomicUsize::new(0));
    let had = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            had.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(told.as_bytes()).await;
        }
    });
    (address, count)
}

fn context(session: Option<Session>, control: Option<Http>) -> Context {
    Context {
        session,
        timeout: Duration::from_secs(20),
        control: control.map(Arc::new),
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

#[tokio::test]
async fn nothing_is_captured_from_a_wrong_answer_and_it_is_a_secret_all_the_same() {
    for (status, kept) in [("200 OK", true), ("500 Broken", false)] {
        let (address, _) = serve(status, r#"{ "token": "tok-of-this-answer" }"#).await;
        let cx = context(Some(Session::default()), None);
        let ran = http(&format!("get = '{address}'\ncapture = {{ token = '.token' }}")).run(&cx).await;
        assert_eq!(ran.captured.len(), usize::from(kept), "{status}");
        assert_eq!(cx.session.expect("one").scope().get("token").is_ok(), kept, "{status}");
        assert!(!cx.redactor.text("tok-of-this-answer").contains("tok"), "{status}");
    }
}

#[tokio::test]
async fn outside_a_session_a_captured_value_is_no_secret() {
    let (address, _) = serve("200 OK", r#"{ "version": "2026.11.21" }"#).await;
    let cx = context(None, None);
    let ran = http(&format!("get = '{address}'\ncapture = {{ version = '.version' }}")).run(&cx).await;
    assert_eq!(ran.captured, [("version".to_owned(), json!("2026.11.21"))]);
    assert_eq!(cx.redactor.text("now 2026.11.21"), "now 2026.11.21");
    assert!(ran.report.exchange.expect("one").response_body.contains("2026.11.21"));
}

#[tokio::test]
async fn a_captured_value_is_a_secret_before_anything_that_holds_it_is_cut() {
    let echo = format!("{}tok-of-this-answer{}", "x".repeat(150), "y".repeat(400));
    let body = json!({ "token": "tok-of-this-answer", "echo": echo, "message": echo }).to_string();
    for status in ["200 OK", "403 Forbidden"] {
        let (address, _) = serve(status, &body).await;
        let text =
            format!("get = '{address}'\nexpect = {{ json = ['.echo == \"x\"'] }}\ncapture = {{ token = '.token' }}");
        let report = http(&text).run(&context(Some(Session::default()), None)).await.report;
        assert_eq!(report.verdict, Verdict::Fail);
        let mut told = report.findings.iter().map(|finding| &finding.seen).chain([&report.summary]);
        assert!(told.all(|told| !told.contains("tok-")), "{report:#?}");
    }
}

#[tokio::test]
async fn the_control_probe_must_answer_not_pass_and_an_outage_asks_it_once_in_a_while() {
    let (address, asked) = serve("503 Unavailable", "").await;
    let cx = context(None, Some(http(&format!("get = '{address}'"))));
    for _ in 0..5 {
        assert!(control_answers(&cx).await);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    assert!(control_answers(&cx).await);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(!control_answers(&context(None, None)).await);
}

proptest! {
    #[test]
    fn no_body_and_no_header_makes_judging_panic(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        value in proptest::collection::vec(0x20_u8..=0xff, 0..40),
    ) {
        let check = http("get = '/'\nexpect = { json = ['.a'], cookie = ['a'], header = { vary = { list = ['x'] } } }\ncapture = { a = { cookie = 'a' } }");
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.insert("set-cookie", value.clone());
            headers.insert("vary", value);
        }
        let http = wire::Answer { status, headers, body: body.into(), ..wire::Answer::default() };
        let seen = Seen { answers: vec![(String::new(), Ok(Answer { http, ..Answer::default() }))], control_answers: false };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(check.judge(&seen, &Scope::default(), &Jq::default()));
    }
}
