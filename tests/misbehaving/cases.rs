//! The tables: what the server does, what the check must come to, and what its report must say.

use futures_util::future::join_all;
use tminus::launch::verdict::Verdict::{Fail, Pass, Unknown};
use tminus::launch::verdict::{Report, Verdict};

use super::server::{Act, bomb, start};
use super::{PATIENCE, SHORT, look};

fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn gzip(head: &str, body: Vec<u8>) -> Vec<u8> {
    whole(&format!("content-encoding: gzip\r\n{head}"), &body)
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn headers(count: usize) -> Vec<u8> {
    let lines: String = (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
    whole(&lines, b"ok")
}

/// What breaks before there is an answer, for every kind: what is done, how long to wait, what is said.
fn broken() -> Vec<(&'static str, Act, bool, &'static str)> {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    vec![
        ("nothing", Act::Says(Vec::new()), false, "closed before"),
        ("a stall before the head", Act::Stalls(Vec::new()), true, "no answer in time"),
        ("a stall in the head", Act::Stalls(text("HTTP/1.1 200 OK\r\ncontent-le")), true, "no answer in time"),
        ("a drip in the head", Act::Drips(text("HTTP/1.1 200 OK\r\nx: ")), true, "no answer in time"),
        ("a reset before the head", Act::Resets(Vec::new()), false, "connection"),
        ("a reset in the head", Act::Resets(text("HTTP/1.1 200 OK\r\ncon")), false, "connection"),
        ("an end in the head", Act::Says(text("HTTP/1.1 200 OK\r\ncontent-le")), false, "closed before"),
        ("10,000 headers", Act::Says(headers(10_000)), false, "more headers"),
        ("101 headers", Act::Says(headers(101)), false, "more headers"),
        ("an endless header", Act::Floods(text("HTTP/1.1 200 OK\r\nx: "), vec![b'a'; 4096]), false, "more headers"),
        (
            "endless headers",
            Act::Floods(text("HTTP/1.1 200 OK\r\n"), text("x-again: and again\r\n")),
            false,
            "more headers",
        ),
        ("another protocol", Act::Says(text("SSH-2.0-OpenSSH_9.2\r\n\r\n")), false, "protocol"),
        ("zeroes", Act::Says(vec![0; 64]), false, "protocol"),
        ("a status in words", Act::Says(text("HTTP/1.1 okay OK\r\n\r\n")), false, "protocol"),
        ("a negative status", Act::Says(text("HTTP/1.1 -200 OK\r\n\r\n")), false, "protocol"),
        ("a status of five digits", Act::Says(text("HTTP/1.1 20000 OK\r\n\r\n")), false, "protocol"),
        ("a status below 100", Act::Says(text("HTTP/1.1 099 OK\r\n\r\n")), false, "protocol"),
        ("a version to come", Act::Says(text("HTTP/7.3 200 OK\r\n\r\n")), false, "protocol"),
        ("a negative length", Act::Says(text("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok")), false, "protocol"),
        (
            "two lengths",
            Act::Says(text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!")),
            false,
            "protocol",
        ),
        ("a stall in the body", Act::Stalls([head, "ok"].concat().into()), true, "no answer in time"),
        (
            "a drip in the body",
            Act::Drips(text("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")),
            true,
            "no answer in time",
        ),
        ("a length that is too long", Act::Says([head, "ok"].concat().into()), false, "closed before"),
        ("a reset in the body", Act::Resets([head, "ok"].concat().into()), false, "connection"),
        (
            "a chunk that is cut",
            Act::Says(text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nok")),
            false,
            "closed before",
        ),
        (
            "chunks without an end",
            Act::Says(text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")),
            false,
            "closed before",
        ),
        (
            "a chunk size in words",
            Act::Says(text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ntwo\r\nok\r\n0\r\n\r\n")),
            false,
            "protocol",
        ),
        (
            "a chunk size beyond all",
            Act::Says(text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nok")),
            false,
            "protocol",
        ),
        ("a bomb", Act::Says(gzip("", bomb(1024))), false, "more than 8 MiB"),
        ("no gzip at all", Act::Says(gzip("", text("ok, but not packed"))), false, "protocol"),
        ("an endless body", Act::Floods(text("HTTP/1.1 200 OK\r\n\r\n"), vec![b'x'; 65_536]), false, "more than 8 MiB"),
    ]
}

fn no_utf8_header() -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nx-a: \xff\xfe\r\ncontent-length: 2\r\n\r\nok".as_slice()].concat()
}

async fn http(act: Act, check: &str, short: bool) -> Report {
    let address = start(act).await;
    look("http", &format!("get = '{address}/'\n{check}"), if short { SHORT } else { PATIENCE }).await
}

#[tokio::test]
async fn an_answer_that_is_broken_fails_an_http_check_and_says_how() {
    let cases = broken().into_iter().map(|(what, act, short, says)| async move {
        let report = http(act, "expect = { body = 'ok' }", short).await;
        assert_eq!(report.verdict, Fail, "{what}: {report:#?}");
        assert!(report.summary.contains(says), "{what}: {}", report.summary);
    });
    join_all(cases).await;
    // Had the bomb gone off, a gibibyte of it would have been here.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let peak: u64 = peak.expect("Linux tells it");
    assert!(peak < 700 << 10, "{peak} KiB at most in memory");
}

#[tokio::test]
async fn a_broken_answer_proves_nothing_of_an_origin_that_is_kept_out() {
    let (app, evil) = ("https://app.example", "https://evil.example");
    let cases = broken().into_iter().map(|(what, act, short, _)| async move {
        let address = start(act).await;
        let text = format!("url = '{address}/'\nallow = ['{app}']\ndeny = ['{evil}']\nsimple = 'GET'");
        let report = look("cors", &text, if short { SHORT } else { PATIENCE }).await;
        let row = |origin: &str, wanted: Verdict| {
            let mut of_row =
                report.findings.iter().filter(|one| one.row.as_deref().is_some_and(|row| row.starts_with(origin)));
            assert!(of_row.all(|one| one.verdict == wanted), "{what}: {report:#?}");
        };
        row(app, Fail);
        row(evil, Unknown);
    });
    join_all(cases).await;
}

#[tokio::test]
async fn a_matrix_whose_answers_come_byte_by_byte_is_judged_all_the_same() {
    let origin = "https://app.example";
    let lets_in = format!("access-control-allow-origin: {origin}\r\nvary: Accept,\r\nvary:  origin\r\n");
    let address = start(Act::Split(whole(&lets_in, b""))).await;
    let report = look("cors", &format!("url = '{address}/'\nallow = ['{origin}']"), PATIENCE).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    // It lets in whoever asks, by another's name.
    let text = format!("url = '{address}/'\nallow = ['{origin}']\ndeny = ['https://evil.example', 'null']");
    assert_eq!(look("cors", &text, PATIENCE).await.verdict, Fail);
}

#[tokio::test]
async fn an_answer_that_is_odd_and_whole_is_judged_by_what_it_says() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n";
    let again = "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
    let body = "expect = { body = 'ok' }";
    let json = "expect = { json = ['.ok == true'] }";
    let cases = vec![
        ("bytes one by one", Act::Split(whole("", b"ok")), body, Pass, "as expected"),
        ("chunks one by one", Act::Split(text(chunked)), body, Pass, "as expected"),
        (
            "a length that is too short",
            Act::Says(text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok, more")),
            body,
            Pass,
            "",
        ),
        ("a loop of redirects", Act::Says(text(again)), body, Fail, "302 to /"),
        ("a redirect where one is wanted", Act::Says(text(again)), "expect = { status = 302 }", Pass, ""),
        (
            "HTML for JSON",
            Act::Says(whole("content-type: application/json\r\n", b"<html>ok</html>")),
            json,
            Unknown,
            "JSON",
        ),
        ("half a document", Act::Says(whole("", b"{\"ok\":tr")), json, Unknown, "JSON"),
        ("two documents", Act::Says(whole("", b"{\"ok\":true}{\"ok\":true}")), json, Unknown, "JSON"),
        ("deep brackets", Act::Says(whole("", &[b'['; 500_000])), json, Unknown, "JSON"),
        ("a number for a truth", Act::Says(whole("", b"{\"ok\":1}")), json, Fail, "1"),
        ("no UTF-8 in JSON", Act::Says(whole("", b"{\"ok\":true,\"x\":\"\xff\"}")), json, Unknown, "JSON"),
        ("no UTF-8 in text", Act::Says(whole("", b"\xff\xfe ok \xff")), body, Pass, ""),
        ("no UTF-8 in a header", Act::Says(no_utf8_header()), body, Pass, ""),
        ("steering a terminal", Act::Says(whole("", b"\x1b[2J\x1b]0;x\x07 no")), body, Fail, "no match"),
        ("an empty body", Act::Says(whole("", b"")), body, Fail, "no match"),
        ("an empty body for JSON", Act::Says(whole("", b"")), json, Unknown, "empty body"),
        (
            "a length of nothing with a body",
            Act::Says(text("HTTP/1.1 204 No Content\r\n\r\nok")),
            body,
            Fail,
            "no match",
        ),
    ];
    let cases = cases.into_iter().map(|(what, act, check, wanted, says)| async move {
        let report = http(act, check, false).await;
        assert_eq!(report.verdict, wanted, "{what}: {report:#?}");
        assert!(report.summary.contains(says), "{what}: {}", report.summary);
        let told = serde_json::to_string(&report).expect("JSON");
        assert!(!told.contains('\u{1b}') && !told.contains("\\u001b"), "{what}: {told}");
    });
    join_all(cases).await;
}

const OPEN: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
const FIRST: &str = "id: 1\nevent: message\ndata: {}\n\n";
const DONE: &str = "id: 2\nevent: done\ndata: {}\n\n";

async fn sse(act: Act, deadline: &str) -> Report {
    let address = start(act).await;
    let text = format!(
        "get = '{address}/'\nexpect = {{ at_least = [{{ event = 'message' }}] }}\nuntil = {{ any = [{{ event = 'done' }}] }}\n\
         deadline = '{deadline}'"
    );
    look("sse", &text, PATIENCE).await
}

#[tokio::test]
async fn a_stream_that_is_broken_fails_and_says_how() {
    let stream = |rest: &str| text(&format!("{OPEN}{rest}"));
    let chunked = |rest: &str| {
        text(&format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{rest}"))
    };
    let invalid = [OPEN.as_bytes(), FIRST.as_bytes(), b"event: message\ndata: \xff\xfe\n\n", DONE.as_bytes()].concat();
    let cases = vec![
        ("a stall before an event", Act::Stalls(stream("")), true, "no event came"),
        ("a stall in an event", Act::Stalls(stream(&format!("{FIRST}event: do"))), true, "still open"),
        ("a drip", Act::Drips(stream(&format!("{FIRST}event: do"))), true, "still open"),
        ("a close before the end", Act::Says(stream(FIRST)), false, "closed the stream"),
        (
            "a last event that is not whole",
            Act::Says(stream(&format!("{FIRST}event: done\ndata: {{}}"))),
            false,
            "closed",
        ),
        ("a reset", Act::Resets(stream(FIRST)), false, ""),
        ("a chunk that is cut", Act::Says(chunked("20\r\nevent: mess")), false, "closed before"),
        ("an endless line", Act::Floods(stream(FIRST), vec![b'x'; 4096]), false, "a line passed the limit of 64 KiB"),
        (
            "an endless event",
            Act::Floods(stream(FIRST), format!("data: {}\n", "x".repeat(1000)).into()),
            false,
            "an event passed the limit of 1024 KiB",
        ),
        ("endless events", Act::Floods(stream(""), FIRST.repeat(64).into()), false, "passed the limit"),
        (
            "endless comments",
            Act::Floods(stream(FIRST), ": ping\n\n".repeat(512).into()),
            false,
            "passed the limit of 16 MiB",
        ),
        ("no UTF-8", Act::Says(invalid), false, "not UTF-8"),
        ("a page for a stream", Act::Says(whole("content-type: text/html\r\n", b"<html>")), false, "text/html"),
        ("no type", Act::Says(whole("", DONE.as_bytes())), false, "content type"),
        ("a bomb", Act::Says(gzip("content-type: text/event-stream\r\n", bomb(64))), false, "a line passed the limit"),
        ("10,000 headers", Act::Says(headers(10_000)), false, "more headers"),
        ("no HTTP", Act::Says(text("event: done\ndata: {}\n\n")), false, "protocol"),
        (
            "a refusal",
            Act::Says(text("HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")),
            false,
            "429",
        ),
    ];
    let cases = cases.into_iter().map(|(what, act, short, says)| async move {
        let report = sse(act, if short { "400ms" } else { "40s" }).await;
        assert_eq!(report.verdict, Fail, "{what}: {report:#?}");
        assert!(report.summary.contains(says), "{what}: {}", report.summary);
    });
    join_all(cases).await;
}

#[tokio::test]
async fn a_stream_in_any_pieces_and_with_any_line_ends_passes() {
    let whole = format!("{OPEN}\u{feff}: hello\n\n{FIRST}{DONE}");
    let events = format!("{FIRST}{DONE}");
    for (what, act) in [
        ("bytes one by one", Act::Split(text(&whole))),
        ("an open end", Act::Stalls(text(&whole))),
        ("CR", Act::Says(text(&format!("{OPEN}{}", events.replace('\n', "\r"))))),
        ("CRLF one by one", Act::Split(text(&format!("{OPEN}{}", events.replace('\n', "\r\n"))))),
        ("a NUL in an id", Act::Says(text(&format!("{OPEN}id: a\0b\ndata: x\n\n{events}")))),
    ] {
        let report = sse(act, "40s").await;
        assert_eq!(report.verdict, Pass, "{what}: {report:#?}");
    }
}

#[tokio::test]
async fn a_stream_that_begins_again_is_not_resumed() {
    // It knows no ids: whoever comes back gets all of it again.
    let all: String = (1..=4).map(|n| format!("id: {n}\nevent: message\ndata: {{}}\n\n")).collect();
    let address = start(Act::Says(text(&format!("{OPEN}{all}id: 5\nevent: done\ndata: {{}}\n\n")))).await;
    let text = format!("get = '{address}/'\nuntil = {{ any = [{{ event = 'done' }}] }}\nresume = {{ after = 2 }}");
    let report = look("sse", &text, PATIENCE).await;
    assert_eq!(report.verdict, Fail, "{report:#?}");
    assert!(report.summary.contains("1 came again"), "{}", report.summary);
}
