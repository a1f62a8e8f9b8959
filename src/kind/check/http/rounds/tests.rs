//! What `repeat`, `until` and `burst` promise, on answers made by hand and on a server that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use toml::de::DeTable;

use super::*;
use crate::base::jq::Jq;
use crate::base::source::Diagnostic;
use crate::base::table::{Notes, Table};
use crate::base::wire::{self, Cause, Client, Limits, Network};
use crate::kind::check::http::Http;
use crate::kind::check::{Answer, Check, Context, Seen};
use crate::launch::verdict::{Report, Verdict};

fn read_at(path: &str, text: &str) -> (Option<Http>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new(path, parsed.span().into(), parsed.get_ref(), &notes);
    let read = Http::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn http(text: &str) -> Http {
    let (read, found) = read_at("[phase.item.http]", text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

fn answer(status: u16, body: &str) -> Result<Answer, Cause> {
    let http = wire::Answer { status, body: body.to_owned().into(), ..wire::Answer::default() };
    Ok(Answer { http, ..Answer::default() })
}

async fn judged(http: &Http, answers: Vec<Result<Answer, Cause>>) -> Report {
    let labelled = answers.into_iter().enumerate().map(|(at, answer)| (format!("request {}", at + 1), answer));
    let seen = Seen { answers: labelled.collect(), control_answers: false };
    http.judge(&seen, &Scope::default(), &Jq::default()).await
}

/// A server that answers the n-th connection, from 1 on, with this status line, headers and body.
async fn counting(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let had = Arc::clone(&count);
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (had, answer) = (Arc::clone(&had), Arc::clone(&answer));
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let told = answer(had.fetch_add(1, Ordering::SeqCst) + 1);
                let _ = stream.write_all(told.as_bytes()).await;
                if told.contains("text/event-stream") {
                    // Open until the client leaves.
                    let _ = stream.read(&mut [0; 16]).await;
                }
            });
        }
    });
    (address, count)
}

fn whole(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn context(timeout: Duration) -> Context {
    Context { timeout, ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client")) }
}

async fn run(text: &str) -> Report {
    http(text).run(&context(Duration::from_secs(20))).await.report
}

#[tokio::test]
async fn a_repeated_check_passes_only_if_every_round_does_and_says_how_many() {
    let check = http("get = '/'\nrepeat = { times = 3 }\nexpect = { json = ['.ok == true'] }");
    let (good, bad) = (|| answer(200, r#"{"ok":true}"#), || answer(200, r#"{"ok":false}"#));
    let report = judged(&check, vec![good(), good(), good()]).await;
    assert_eq!((report.verdict, report.summary.as_str()), (Verdict::Pass, "2 of 2 as expected, 3 of 3 times"));
    let report = judged(&check, vec![good(), bad(), good()]).await;
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(report.summary.contains("2 of 3: false (first wrong in round 2)"), "{}", report.summary);
    let report = judged(&check, vec![good(), good(), Err(Cause::Reset)]).await;
    assert_eq!(report.verdict, Verdict::Fail);
    let report = judged(&check, vec![good(), good()]).await;
    assert_eq!(report.verdict, Verdict::Unknown, "a round that was not made is no pass");
}

#[tokio::test]
async fn a_repeated_check_asks_as_often_as_it_says_and_shows_the_round_that_was_wrong() {
    let (address, asked) = counting(|n| whole(if n == 2 { 503 } else { 200 }, &format!("round {n}"))).await;
    let report = run(&format!("get = '{address}'\nrepeat = {{ times = 3, every = '100ms' }}")).await;
    assert_eq!((report.verdict, asked.load(Ordering::SeqCst)), (Verdict::Fail, 3));
    assert_eq!(report.exchange.expect("one").response_body, "round 2");
}

#[tokio::test]
async fn until_asks_until_it_passes_and_says_how_often() {
    let body = |n| if n < 3 { r#"{"status":"pending"}"# } else { r#"{"status":"done"}"# };
    let (address, asked) = counting(move |n| whole(200, body(n))).await;
    let expect = "expect = { json = ['.status == \"done\"'] }\ncapture = { state = '.status' }";
    let text = format!("get = '{address}'\nuntil = {{ within = '10s', every = '100ms' }}\n{expect}");
    let ran = http(&text).run(&context(Duration::from_secs(20))).await;
    assert_eq!((ran.report.verdict, asked.load(Ordering::SeqCst)), (Verdict::Pass, 3));
    assert!(ran.report.summary.contains("asked 3 times in"), "{}", ran.report.summary);
    assert_eq!(ran.captured, [("state".to_owned(), serde_json::json!("done"))]);
}

#[tokio::test]
async fn until_ends_when_its_time_is_up_or_an_answer_says_that_it_will_not_pass() {
    let (address, asked) = counting(|_| whole(200, r#"{"status":"pending"}"#)).await;
    let expect = "expect = { json = ['.status == \"done\"'] }";
    let report = run(&format!("get = '{address}'\nuntil = {{ within = '250ms', every = '100ms' }}\n{expect}")).await;
    assert_eq!(report.verdict, Verdict::Fail);
    assert!((2..=3).contains(&asked.load(Ordering::SeqCst)), "{asked:?}");

    let (address, asked) = counting(|_| whole(200, r#"{"status":"failed"}"#)).await;
    let stop = "until = { within = '10m', stop = '.status == \"failed\"' }";
    let report = run(&format!("get = '{address}'\n{stop}\n{expect}")).await;
    assert_eq!((report.verdict, asked.load(Ordering::SeqCst)), (Verdict::Fail, 1));
    // Also where what is expected could not be told.
    let (address, _) = counting(|_| whole(200, r#"{"error":"gone"}"#)).await;
    let stop = "until = { within = '10m', stop = '.error == \"gone\"' }";
    assert_eq!(run(&format!("get = '{address}'\n{stop}\n{expect}")).await.verdict, Verdict::Fail);
}

const BURST: &str = "burst = { requests = 4, free = 3, a_second = 100 }";

#[tokio::test]
async fn a_burst_passes_where_the_limit_comes_when_it_must() {
    let check = http(&format!("get = '/'\n{BURST}"));
    let ok = || answer(200, "");
    let limited = || answer(429, "");
    for (answers, wanted) in [
        (vec![ok(), ok(), ok(), limited()], Verdict::Pass),
        // Too early, never, not asked.
        (vec![ok(), ok(), limited()], Verdict::Fail),
        (vec![ok(), ok(), ok(), ok()], Verdict::Fail),
        (vec![], Verdict::Unknown),
        (vec![ok(), ok()], Verdict::Unknown),
        // What is broken before the limit is not what a limit protects.
        (vec![ok(), answer(500, ""), ok(), limited()], Verdict::Fail),
        (vec![answer(503, ""), answer(503, ""), answer(503, ""), answer(503, "")], Verdict::Fail),
        // Silence is no limit.
        (vec![Err(Cause::Refused), Err(Cause::Refused), Err(Cause::Refused), Err(Cause::Refused)], Verdict::Fail),
        (vec![ok(), Err(Cause::TimedOut), ok(), limited()], Verdict::Fail),
        (vec![Err(Cause::NotResolved)], Verdict::Unknown),
    ] {
        let words = format!("{answers:?}");
        let report = judged(&check, answers).await;
        assert_eq!(report.verdict, wanted, "{words}: {report:#?}");
    }
}

#[tokio::test]
async fn a_limit_shows_only_beside_what_is_let_through() {
    let (ok, limited, gone) = (|| answer(200, ""), || answer(429, ""), || answer(404, ""));
    for (burst, answers, wanted) in [
        ("requests = 5", vec![limited()], Verdict::Unknown),
        ("requests = 5, expect = { status = [429, 404] }", vec![gone()], Verdict::Unknown),
        ("requests = 5, free = 3", vec![limited()], Verdict::Fail),
        ("requests = 5", vec![ok(), limited()], Verdict::Pass),
    ] {
        let report = judged(&http(&format!("get = '/'\nburst = {{ {burst} }}")), answers).await;
        assert_eq!(report.verdict, wanted, "{burst}: {report:#?}");
    }
    let (address, asked) = counting(|_| whole(429, "")).await;
    let report = run(&format!("get = '{address}'\nburst = {{ requests = 5 }}")).await;
    assert_eq!((report.verdict, asked.load(Ordering::SeqCst)), (Verdict::Unknown, 1), "{report:#?}");
    assert!(report.summary.contains("1 request in"), "{}", report.summary);
}

#[tokio::test]
async fn a_burst_stops_at_the_limit_and_looks_at_what_it_says() {
    let (address, asked) = counting(|n| match n {
        121.. => whole(429, r#"{"error":{"code":"E4290"}}"#),
        _ => whole(202, ""),
    })
    .await;
    let text = |code: &str| {
        format!(
            "post = '{address}'\nexpect = {{ status = 202 }}\n[burst]\nrequests = 121\nfree = 120\na_second = 100\n\
             [burst.expect]\njson = ['.error.code == \"{code}\"']\n"
        )
    };
    let report = run(&text("E4290")).await;
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    assert_eq!(asked.load(Ordering::SeqCst), 121);
    assert!(report.summary.contains("121 requests in"), "{}", report.summary);
    // By now the first is limited.
    let report = run(&text("E1005")).await;
    assert_eq!(report.verdict, Verdict::Fail);
    let wrong: Vec<&str> =
        report.findings.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.subject.as_str()).collect();
    assert_eq!(wrong, ["limit", ".error.code == \"E1005\""]);
    assert_eq!(asked.load(Ordering::SeqCst), 122);
}

#[tokio::test]
async fn answers_that_are_held_open_count_against_a_limit_on_what_is_open() {
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: open\n\n";
    let (address, asked) = counting(move |n| if n == 4 { whole(429, "") } else { stream.to_owned() }).await;
    let text = format!("get = '{address}'\nburst = {{ requests = 4, free = 3, hold = true, a_second = 100 }}");
    let report = run(&text).await;
    assert_eq!((report.verdict, asked.load(Ordering::SeqCst)), (Verdict::Pass, 4), "{report:#?}");
}

#[tokio::test]
async fn what_is_kept_of_a_burst_is_one_answer() {
    let large = "x".repeat(1 << 20);
    let (address, _) = counting(move |n| if n == 20 { whole(429, "slow down") } else { whole(200, &large) }).await;
    let report = run(&format!("get = '{address}'\nburst = {{ requests = 20, free = 19, a_second = 100 }}")).await;
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    assert_eq!(report.exchange.expect("one").response_body, "slow down");
}

#[test]
fn every_mistake_of_the_rounds_is_told_at_its_place() {
    for (text, place) in [
        ("repeat = { times = 1 }", "1"),
        ("repeat = { times = 101 }", "101"),
        ("repeat = { every = '2s' }", "every"),
        ("repeat = { times = 2, every = '1ms' }", "'1ms'"),
        ("repeat = { times = 100, every = '1h' }", "times"),
        ("until = { every = '2s' }", "every"),
        ("until = { within = '2h' }", "within"),
        ("until = { within = '2s', stop = '.a ==' }", "'.a =='"),
        ("until = { within = '2s' }\nrepeat = { times = 2 }", "within"),
        ("burst = { requests = 301 }", "301"),
        ("burst = { requests = 33, hold = true }", "33"),
        ("burst = { requests = 4, free = 4 }", "4"),
        ("burst = { requests = 4, a_second = 0 }", "0"),
        ("burst = { requests = 4, cool_down = '2h' }", "cool_down"),
        ("burst = { requests = 4 }\nexpect = { body = 'x' }", "body"),
        ("burst = { requests = 4 }\ncapture = { a = '.a' }", "capture"),
        ("burst = { requests = 4 }\nredirects = 'follow'", "redirects"),
        ("burst = { requests = 4, by = 4 }", "by"),
    ] {
        let text = format!("get = '/'\n{text}");
        let (_, found) = read_at("[phase.item.http]", &text);
        let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
        assert!(at.iter().any(|span| span.contains(place)), "{text}: {at:?}: {found:?}");
    }
    for (path, text) in [("[monitor.http]", "burst = { requests = 4 }"), ("[control]", "repeat = { times = 2 }")] {
        let (_, found) = read_at(path, &format!("get = 'https://a.example'\n{text}"));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_check_that_asks_more_than_once_says_how_long_it_lasts() {
    for (text, lasts) in [
        ("", None),
        ("repeat = { times = 3, every = '2s' }", Some(4)),
        ("until = { within = '60s' }", Some(60)),
        ("burst = { requests = 121, a_second = 10, cool_down = '60s' }", Some(26 + 60)),
    ] {
        let lasts = lasts.map(Duration::from_secs);
        assert_eq!(http(&format!("get = '/'\n{text}")).lasts(), lasts, "{text}");
    }
}

#[tokio::test]
async fn a_derived_example_passes_its_own_rounds() {
    for rounds in [
        "repeat = { times = 3 }",
        "until = { within = '60s', stop = '.status == \"failed\"' }",
        "burst = { requests = 4, free = 3, expect = { json = ['.code == \"E1\"'], header = { retry-after = '60' } } }",
    ] {
        let check = http(&format!("get = '/'\n{rounds}\nexpect = {{ status = 202 }}"));
        let good = check.derive(&Scope::default()).expect("plain expectations");
        let report = check.judge(&check.seen(&good, &Scope::default()), &Scope::default(), &Jq::default()).await;
        assert_eq!(report.verdict, Verdict::Pass, "{rounds}: {report:#?}");
    }
}

proptest! {
    #[test]
    fn no_order_of_answers_makes_a_burst_pass_but_the_right_one(
        statuses in proptest::collection::vec(prop_oneof![Just(200_u16), Just(429), Just(500)], 0..7)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let check = http(&format!("get = '/'\n{BURST}"));
        let answers = statuses.iter().map(|status| answer(*status, "")).collect();
        let verdict = runtime.block_on(judged(&check, answers)).verdict;
        let right = statuses.starts_with(&[200, 200, 200, 429]);
        prop_assert_eq!(verdict == Verdict::Pass, right, "{:?}", statuses);
    }
}
