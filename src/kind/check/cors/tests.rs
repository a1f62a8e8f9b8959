//! What the matrix promises, on answers made by hand.

use http::{HeaderMap, HeaderName, HeaderValue};
use toml::de::DeTable;

use super::cells::is_origin;
use super::*;
use crate::base::table::Notes;
use crate::base::wire;

const ALLOWED: &str = "https://app.example";
const EVIL: &str = "https://app.example.evil.com";

fn cors(extra: &str) -> Cors {
    cors_of(&format!(
        "url = 'https://api.example/login'\nmethod = 'POST'\nrequest_headers = ['content-type', 'x-csrf-token']\n\
         allow = ['{ALLOWED}']\ndeny = ['{EVIL}', 'null']\n{extra}"
    ))
}

fn cors_of(text: &str) -> Cors {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.cors]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Cors::read(&table).expect("a check");
    table.finish();
    assert!(notes.take_diagnostics().is_empty());
    read
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Result<Answer, Cause> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        map.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    let http = wire::Answer { status, headers: map, ..wire::Answer::default() };
    Ok(Answer { http, ..Answer::default() })
}

fn let_in(origin: &str) -> Result<Answer, Cause> {
    answer(
        200,
        &[
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "Content-Type, X-CSRF-Token"),
            ("vary", "Accept-Encoding"),
            ("vary", "origin"),
        ],
    )
}

fn kept_out() -> Result<Answer, Cause> {
    answer(400, &[("access-control-allow-headers", "Content-Type"), ("access-control-allow-methods", "GET, POST")])
}

/// The worst verdict of each row: allowed, lookalike, `null`.
async fn rows(answers: [Result<Answer, Cause>; 3]) -> [Verdict; 3] {
    let answers = [ALLOWED, EVIL, "null"].map(str::to_owned).into_iter().zip(answers).collect();
    let seen = Seen { answers, control_answers: false };
    let report = cors("credentials = true").judge(&seen, &Scope::default(), &Jq::default()).await;
    [ALLOWED, EVIL, "null"].map(|row| {
        let of_row = report.findings.iter().filter(|finding| finding.row.as_deref() == Some(row));
        Verdict::worst(of_row.map(|finding| finding.verdict))
    })
}

use Verdict::{Fail, Pass, Unknown};

#[tokio::test]
async fn a_denied_origin_passes_only_while_the_service_answers() {
    assert_eq!(rows([let_in(ALLOWED), kept_out(), kept_out()]).await, [Pass, Pass, Pass]);
    let refused = || Err(Cause::Refused);
    assert_eq!(rows([refused(), refused(), refused()]).await, [Fail, Unknown, Unknown]);
    assert_eq!(rows([let_in(ALLOWED), refused(), kept_out()]).await, [Pass, Unknown, Pass]);
    assert_eq!(rows([Err(Cause::NotResolved), kept_out(), kept_out()]).await, [Unknown, Unknown, Unknown]);
    assert_eq!(rows([refused(), kept_out(), kept_out()]).await, [Fail, Unknown, Unknown]);
    // An allowed origin that is answered wrongly was answered all the same.
    assert_eq!(rows([kept_out(), kept_out(), kept_out()]).await, [Fail, Pass, Pass]);
}

#[test]
fn every_mistake_in_an_origin_or_a_method_is_told_at_its_place() {
    for (text, place, told) in [
        ("allow = '*'", "'*'", "no origin"),
        ("allow = ['a.b']", "'a.b'", "no origin"),
        ("allow = ['https://x.example/']", "'https://x.example/'", "no path"),
        (
            "allow = ['https://a.example']\ndeny = ['https://a.example', 'null']",
            "'https://a.example', 'null'",
            "at once",
        ),
        ("allow = ['https://a.example']\nmethod = 'GTE'", "'GTE'", "`GET`"),
        ("allow = ['https://a.example']\ndeny_methods = 'get'", "'get'", "in capitals"),
    ] {
        let text = format!("url = 'https://api.example/'\n{text}");
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        assert!(errors.is_empty(), "{errors:?}");
        let notes = Notes::default();
        let _ = Cors::read(&Table::new("[phase.item.cors]", parsed.span().into(), parsed.get_ref(), &notes));
        let found = notes.take_diagnostics();
        let [wrong] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert!(wrong.message.contains(told), "{text}: {wrong:?}");
        assert!(place.starts_with(&text[wrong.span.start..wrong.span.end]), "{text}: {wrong:?}");
    }
    // What stands for a value, or is a method of its own, is not known to be wrong.
    cors_of("url = 'https://api.example/'\nallow = ['{{ origins }}']\nmethod = 'MERGEALL'");
}

#[tokio::test]
async fn where_no_credentials_may_be_sent_none_are_let_in() {
    let of = async |said: &str, sent: &[(&str, &str)]| {
        let headers: Vec<_> =
            [("access-control-allow-origin", ALLOWED), ("vary", "Origin")].iter().chain(sent).copied().collect();
        let check = cors_of(&format!("url = 'https://api.example/'\nmethod = 'POST'\nallow = ['{ALLOWED}']\n{said}"));
        let seen = Seen { answers: vec![(ALLOWED.to_owned(), answer(200, &headers))], control_answers: false };
        check.judge(&seen, &Scope::default(), &Jq::default()).await.verdict
    };
    let (sent, said) =
        (&[("access-control-allow-credentials", "true")], &[("access-control-allow-credentials", "false")]);
    assert_eq!(of("credentials = false", sent).await, Fail);
    assert_eq!(of("credentials = false", said).await, Pass, "a browser knows `true` alone");
    assert_eq!(of("credentials = false", &[]).await, Pass);
    assert_eq!([of("credentials = true", sent).await, of("credentials = true", &[]).await], [Pass, Fail]);
    assert_eq!(of("", sent).await, Pass, "what is not said is not looked at");
}

#[tokio::test]
async fn a_denied_origin_that_is_let_in_fails() {
    for open in [
        let_in(EVIL),
        let_in("*"),
        answer(200, &[]),
        answer(204, &[("vary", "Origin")]),
        answer(400, &[("access-control-allow-credentials", "true")]),
        answer(503, &[("access-control-allow-origin", EVIL)]),
    ] {
        assert_eq!(rows([let_in(ALLOWED), open, kept_out()]).await, [Pass, Fail, Pass]);
    }
}

#[tokio::test]
async fn a_server_in_trouble_decided_nothing() {
    for status in [500, 503, 429] {
        assert_eq!(rows([let_in(ALLOWED), answer(status, &[]), kept_out()]).await, [Pass, Unknown, Pass], "{status}");
    }
}

#[tokio::test]
async fn an_allowed_origin_must_get_exactly_its_own() {
    let with = |change: &[(&str, &str)], status: u16| {
        let mut headers = vec![
            ("access-control-allow-origin", ALLOWED),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "content-type, x-csrf-token"),
            ("vary", "Origin"),
        ];
        headers.retain(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
        headers.extend(change.iter().filter(|(_, value)| !value.is_empty()));
        answer(status, &headers)
    };
    assert_eq!(rows([with(&[], 204), kept_out(), kept_out()]).await[0], Pass);
    for (change, status) in [
        (("access-control-allow-origin", "*"), 200),
        (("access-control-allow-origin", "https://app.example/"), 200),
        (("access-control-allow-origin", ""), 200),
        (("access-control-allow-credentials", ""), 200),
        (("access-control-allow-headers", "content-type"), 200),
        (("access-control-allow-headers", "*"), 200),
        (("vary", "Accept"), 200),
        (("vary", ""), 200),
        (("x-any", "1"), 400),
    ] {
        assert_eq!(rows([with(&[change], status), kept_out(), kept_out()]).await[0], Fail, "{change:?} {status}");
    }
}

#[tokio::test]
async fn the_derived_example_passes_and_a_broken_one_does_not() {
    let check = cors("credentials = true");
    let scope = Scope::default();
    let good = check.derive(&scope).expect("always plain");
    let verdict = async |example: &Answered| check.judge(&check.seen(example, &scope), &scope, &Jq::default()).await;
    assert_eq!(verdict(&good).await.verdict, Pass);
    for at in 0..good.headers.len() {
        let mut broken = good.clone();
        broken.headers.remove(at);
        // POST needs no listing, so that this one header may go.
        let expected = if good.headers[at].0 == "Access-Control-Allow-Methods" { Pass } else { Fail };
        assert_eq!(verdict(&broken).await.verdict, expected, "{:?}", good.headers[at]);
    }
    let routes = check.routes(&[good], None, &scope);
    assert_eq!(routes.iter().map(|route| route.denied).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(routes[0].headers[0], ("Origin".to_owned(), ALLOWED.to_owned()));
    let allowed = &routes[0].answer.headers;
    assert!(allowed.contains(&("Access-Control-Allow-Origin".to_owned(), ALLOWED.to_owned())), "{allowed:?}");
    assert!(routes[1].answer.headers.iter().all(|(name, _)| name == "Vary"));
}

#[test]
fn an_origin_is_null_or_scheme_host_and_port() {
    for text in ["null", "https://a.example", "http://127.0.0.1:8000", "http://[::1]:5173", "tauri://localhost"] {
        assert!(is_origin(text), "{text}");
    }
    for text in [
        "",
        "*",
        "a.example",
        "https://",
        "https://a.example/",
        "https://a, https://b",
        "https://u@a",
        "https://*.a",
        "NULL",
        "https://a b",
    ] {
        assert!(!is_origin(text), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_origin_and_an_empty_list_prove_nothing() {
    let judged = async |allow: &[&str], deny: &[&str], written: bool| {
        let mut check = cors("");
        let list = |origins: &[&str]| origins.iter().map(|origin| Template::literal(*origin)).collect();
        (check.allow, check.deny, check.denies, check.credentials) = (list(allow), list(deny), written, Some(true));
        let mut answers: Vec<_> = allow.iter().map(|origin| (origin.to_string(), let_in(origin))).collect();
        answers.extend(deny.iter().map(|origin| (origin.to_string(), kept_out())));
        let seen = Seen { answers, control_answers: false };
        check.judge(&seen, &Scope::default(), &Jq::default()).await.verdict
    };
    assert_eq!(judged(&[ALLOWED], &[EVIL], true).await, Pass);
    assert_eq!(judged(&[ALLOWED], &[], false).await, Pass);
    assert_eq!(judged(&[ALLOWED], &[], true).await, Unknown);
    assert_eq!(judged(&[], &[], false).await, Unknown);
    assert_eq!(judged(&[ALLOWED], &[EVIL, "evil.example"], true).await, Unknown);
    assert_eq!(judged(&[ALLOWED, "app.example"], &[EVIL], true).await, Unknown);
}

#[test]
fn no_expectation_in_words_holds_a_secret() {
    let mut check = cors("");
    check.allow = vec![Template::parse("{{ hidden }}", Default::default()).expect("a template")];
    let mut scope = Scope::default();
    scope.bind_secret("hidden", "https://s3cr3t.example".into());
    let words = check.expects(&scope).join("\n");
    assert!(words.contains("{{ hidden }}") && !words.contains("s3cr3t"), "{words}");
}

#[test]
fn the_example_of_the_reference_reads_and_a_matrix_needs_an_allowed_origin() {
    let (parsed, _) = DeTable::parse_recoverable(Cors::KIND.example);
    let notes = Notes::default();
    let table = Table::new("[cors]", parsed.span().into(), parsed.get_ref(), &notes);
    assert!(Cors::read(&table).is_some());
    table.finish();
    assert!(notes.take_diagnostics().is_empty());
    let (parsed, _) = DeTable::parse_recoverable("url = 'https://a'\ndeny = ['null']\nmethod = 'post'");
    let table = Table::new("[cors]", parsed.span().into(), parsed.get_ref(), &notes);
    let _ = Cors::read(&table);
    let found = notes.take_diagnostics();
    assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), ["wrong-value", "missing-key"]);
}

#[tokio::test]
async fn each_method_has_a_row_and_a_refused_one_may_name_the_origin() {
    let check = cors_of(&format!(
        "url = 'https://api.example/'\nmethod = ['GET', 'PUT']\ndeny_methods = ['DELETE']\nallow = ['{ALLOWED}']\ncredentials = true"
    ));
    let preflight = |methods: &str, status: u16| {
        let headers = [
            ("access-control-allow-origin", ALLOWED),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", methods),
            ("vary", "Origin"),
        ];
        answer(status, &headers)
    };
    let judged = async |put: Result<Answer, Cause>, delete: Result<Answer, Cause>| {
        let rows = [("GET", preflight("GET, PUT", 200)), ("PUT", put), ("DELETE", delete)];
        let answers = rows.map(|(method, answer)| (format!("{ALLOWED} {method}"), answer)).into();
        let seen = Seen { answers, control_answers: false };
        check.judge(&seen, &Scope::default(), &Jq::default()).await.verdict
    };
    let listed = || preflight("GET, PUT", 200);
    // As the real one does: refused, and the origin is named all the same.
    assert_eq!(judged(listed(), preflight("GET, PUT", 400)).await, Pass);
    assert_eq!(judged(listed(), preflight("GET, PUT", 200)).await, Pass);
    assert_eq!(judged(listed(), preflight("GET, DELETE", 200)).await, Fail);
    assert_eq!(judged(listed(), preflight("*", 200)).await, Pass, "`*` is no method where credentials are sent");
    assert_eq!(judged(preflight("GET", 200), preflight("GET", 400)).await, Fail);
    assert_eq!(judged(listed(), preflight("GET", 503)).await, Unknown);
    assert_eq!(judged(listed(), Err(Cause::Refused)).await, Unknown);
}

#[tokio::test]
async fn a_simple_request_is_answered_to_all_and_read_by_those_let_in() {
    let check = cors_of(&format!(
        "url = 'https://api.example/'\nsimple = 'GET'\nexpose = ['X-Request-Id']\nallow = ['{ALLOWED}']\ndeny = ['{EVIL}']"
    ));
    let named = |status, extra: &[(&str, &str)]| {
        let mut headers = vec![("access-control-allow-origin", ALLOWED), ("vary", "Origin")];
        headers.extend(extra);
        answer(status, &headers)
    };
    let exposing = || named(200, &[("access-control-expose-headers", "x-request-id")]);
    let judged = async |let_in: Result<Answer, Cause>, kept_back: Result<Answer, Cause>| {
        let answers = vec![
            (ALLOWED.to_owned(), named(204, &[])),
            (EVIL.to_owned(), kept_out()),
            (format!("{ALLOWED} simple GET"), let_in),
            (format!("{EVIL} simple GET"), kept_back),
        ];
        let seen = Seen { answers, control_answers: false };
        let report = check.judge(&seen, &Scope::default(), &Jq::default()).await;
        (report.verdict, report.summary)
    };
    let plain = || answer(200, &[("set-cookie", "omni_csrf=abc"), ("vary", "Origin")]);
    assert_eq!(judged(exposing(), plain()).await.0, Pass);
    assert_eq!(judged(named(401, &[("access-control-expose-headers", "X-Request-Id")]), plain()).await.0, Pass);
    assert_eq!(judged(named(200, &[]), plain()).await.0, Fail);
    assert_eq!(judged(plain(), plain()).await.0, Fail);
    assert_eq!(judged(answer(502, &[]), plain()).await.0, Fail);
    assert_eq!(judged(Err(Cause::Reset), plain()).await.0, Fail);
    let echoed = answer(200, &[("access-control-allow-origin", EVIL)]);
    assert_eq!(judged(exposing(), echoed).await.0, Fail);
    assert_eq!(judged(exposing(), named(200, &[])).await.0, Fail);
    assert_eq!(judged(exposing(), answer(200, &[("access-control-allow-origin", "*")])).await.0, Fail);
    assert_eq!(judged(exposing(), answer(503, &[])).await.0, Unknown);
    assert_eq!(judged(exposing(), answer(503, &[("access-control-allow-origin", EVIL)])).await.0, Fail);
    assert_eq!(judged(exposing(), Err(Cause::TimedOut)).await.0, Unknown);
}

#[tokio::test]
async fn a_preflight_is_kept_for_as_long_as_the_plan_says() {
    let check = cors_of(&format!("url = 'https://a.example/'\nmax_age = '10m'\nallow = ['{ALLOWED}']"));
    for (age, wanted) in [("600", Pass), ("86400", Pass), ("599", Fail), ("-1", Fail), ("soon", Fail), ("", Fail)] {
        let headers = [("access-control-allow-origin", ALLOWED), ("vary", "Origin"), ("access-control-max-age", age)];
        let kept = answer(200, if age.is_empty() { &headers[..2] } else { &headers });
        let seen = Seen { answers: vec![(ALLOWED.to_owned(), kept)], control_answers: false };
        assert_eq!(check.judge(&seen, &Scope::default(), &Jq::default()).await.verdict, wanted, "{age}");
    }
}

#[tokio::test]
async fn a_whole_matrix_passes_on_its_derived_example_and_asks_each_cell_once() {
    let check = cors_of(&format!(
        "url = 'https://api.example/'\nmethod = ['GET', 'PUT']\ndeny_methods = ['DELETE']\nsimple = 'GET'\n\
         request_headers = ['x-a']\nmax_age = '1h'\nexpose = ['x-b']\nallow = ['{ALLOWED}']\nlookalikes = true"
    ));
    let scope = Scope::default();
    let good = check.derive(&scope).expect("plain");
    let seen = check.seen(&good, &scope);
    let report = check.judge(&seen, &scope, &Jq::default()).await;
    assert_eq!(report.verdict, Pass, "{:#?}", report.findings);
    let cells = check.cells(&scope).expect("bound");
    // One allowed origin; four that look like it, and null.
    assert_eq!(cells.len(), 2 + 1 + 5 * 2 + 1 + 5);
    let labels: std::collections::BTreeSet<&String> = cells.iter().map(|cell| &cell.label).collect();
    assert_eq!(labels.len(), cells.len());
    let requests = check.requests(&cells, None, &scope).expect("bound");
    assert_eq!(requests.len(), cells.len());
    assert!(requests.iter().filter(|(_, request)| request.method == "GET").count() == 6);
    assert_eq!(check.routes(&[good], None, &scope).len(), cells.len());
}
