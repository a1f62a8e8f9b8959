//! The checks against a server that answers as the real backend does: what must pass passes, what must
//! fail fails, and silence proves nothing.

use std::time::Duration;

use crate::backend::{Behaviour, Contract, Lookalike, ORIGIN, PASSWORD, USERNAME};
use Verdict::{Fail, Pass, Unknown};
use serde_json::json;
use tminus::base::jq::Jq;
use tminus::base::secret::Redactor;
use tminus::base::table::{Notes, Table};
use tminus::base::template::{Scope, Template};
use tminus::base::wire::{Client, Limits, Network, Request};
use tminus::kind::check::{Context, Ran, Spec};
use tminus::kind::session::{Session, SessionPlan};
use tminus::launch::verdict::Verdict;
use toml::de::DeTable;

/// Generous: the machine may be busy, and nothing here is meant to reach it.
const PATIENCE: Duration = Duration::from_secs(20);

fn spec(kind: &str, text: &str) -> Spec {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new(format!("[phase.item.{kind}]"), parsed.span().into(), parsed.get_ref(), &notes);
    let read = Spec::read(kind, &table);
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

fn context(contract: &Contract) -> Context {
    let mut scope = Scope::default();
    scope.bind("api", json!(contract.url("")));
    scope.bind("smoke_user", json!(USERNAME));
    scope.bind_secret("smoke_password", json!(PASSWORD));
    Context {
        jq: Jq::with_worker(env!("CARGO_BIN_EXE_tminus")),
        redactor: Redactor::new([PASSWORD.to_owned()]),
        scope,
        session: None,
        timeout: PATIENCE,
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

fn in_session(contract: &Contract) -> Context {
    let base = Some(Template::literal(contract.url("")));
    let headers = vec![("Origin".to_owned(), Template::literal(ORIGIN))];
    let plan = SessionPlan { base, headers, cookies: true, ..SessionPlan::default() };
    Context { session: Some(Session::new(plan)), ..context(contract) }
}

async fn http(cx: &Context, text: &str) -> Ran {
    spec("http", text).run(cx).await
}

/// Runs a check that must pass.
async fn passes(cx: &Context, text: &str) {
    let ran = http(cx, text).await;
    assert_eq!(ran.report.verdict, Pass, "{text}: {:#?}", ran.report);
}

const HEALTH: &str = "get = '{{ api }}/health'\nexpect = { status = 200, json = ['.status == \"ok\"'] }";
const BOOTSTRAP: &str = "get = '/v1/auth/csrf/bootstrap'\n\
    expect = { status = 200, json = ['.csrf_token | length > 0'], cookie = ['omni_csrf'] }\n\
    capture = { csrf = '.csrf_token' }";
const LOGIN: &str = "post = '/v1/auth/login'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\n\
    json = { username = '{{ smoke_user }}', password = '{{ smoke_password }}' }\n\
    expect = { status = 200, cookie = ['omni_session'] }\n";
const CAPTURE: &str = "capture = { csrf = '.csrf_token' }";
const CONVERSATION: &str = "post = '/v1/conversations'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\n\
    json = { title = 'smoke' }\nexpect = { status = 200 }\ncapture = { conversation = '.id' }";

fn login() -> String {
    format!("{LOGIN}{CAPTURE}")
}

/// The worst verdict of each row of a preflight matrix, in the order asked.
async fn matrix(cx: &Context, denied: &[&str]) -> Vec<Verdict> {
    let text = format!(
        "url = '{{{{ api }}}}/v1/auth/login'\nmethod = 'POST'\nrequest_headers = ['content-type', 'x-csrf-token']\n\
         allow = '{ORIGIN}'\ndeny = {}\ncredentials = true",
        json!(denied)
    );
    let report = spec("cors", &text).run(cx).await.report;
    let row = |origin: &str| {
        let of_row = report.findings.iter().filter(|finding| finding.row.as_deref() == Some(origin));
        Verdict::worst(of_row.map(|finding| finding.verdict))
    };
    let rows: Vec<Verdict> = std::iter::once(ORIGIN).chain(denied.iter().copied()).map(row).collect();
    assert_eq!(report.verdict, Verdict::worst(rows.iter().copied()), "{report:#?}");
    rows
}

const DENIED: [&str; 3] = ["https://evil.example.com", "https://omniplexity.github.io.evil.com", "null"];

#[tokio::test]
async fn gate_a_passes_on_the_real_contract() {
    for vary_in_two_lines in [false, true] {
        let contract = Contract::with(Behaviour { vary_in_two_lines, ..Behaviour::default() }).await;
        let cx = context(&contract);
        passes(&cx, HEALTH).await;
        assert_eq!(matrix(&cx, &DENIED).await, [Pass; 4]);
    }
}

#[tokio::test]
async fn with_the_backend_down_nothing_passes() {
    let mut contract = Contract::start().await;
    contract.stop().await;
    let cx = context(&contract);
    assert_eq!(http(&cx, HEALTH).await.report.verdict, Fail);
    assert_eq!(matrix(&cx, &DENIED).await, [Fail, Unknown, Unknown, Unknown]);
}

#[tokio::test]
async fn a_backend_in_trouble_denies_nobody() {
    let contract = Contract::with(Behaviour { unavailable: true, ..Behaviour::default() }).await;
    let cx = context(&contract);
    let health = http(&cx, HEALTH).await.report;
    assert_eq!(health.summary, "status expected 200, seen 503 E5030 maintenance");
    assert_eq!(matrix(&cx, &DENIED).await, [Fail, Unknown, Unknown, Unknown]);
}

#[tokio::test]
async fn a_preflight_answered_200_to_a_lookalike_is_a_fail() {
    for lookalike in [Lookalike::Answered, Lookalike::LetIn] {
        let contract = Contract::with(Behaviour { lookalike, ..Behaviour::default() }).await;
        assert_eq!(matrix(&context(&contract), &DENIED).await, [Pass, Pass, Fail, Fail], "{lookalike:?}");
    }
}

#[tokio::test]
async fn the_smoke_of_gate_b_passes_with_the_token_that_login_rotated() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    passes(&cx, BOOTSTRAP).await;
    passes(&cx, &login()).await;
    passes(&cx, CONVERSATION).await;
    let run = "post = '/v1/chat'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\n\
        json = { conversation_id = '{{ conversation }}', input = 'long', stream = true }\n\
        expect = { status = 200, json = ['.status == \"running\"'] }\ncapture = { run_id = '.run_id' }";
    passes(&cx, run).await;
    let cancel = |id: &str| {
        format!(
            "post = '/v1/chat/cancel'\nheaders = {{ X-CSRF-Token = '{{{{ csrf }}}}' }}\njson = {{ run_id = '{id}' }}"
        )
    };
    passes(
        &cx,
        &format!(
            "{}\nexpect = {{ json = ['.status == \"cancelled\"', '.run_id == $run_id'] }}",
            cancel("{{ run_id }}")
        ),
    )
    .await;
    let unknown = http(&cx, &cancel("no-such-run")).await.report;
    assert_eq!(unknown.summary, "status expected 2xx, seen 404 E4040 Run not found");
}

#[tokio::test]
async fn the_token_from_before_the_login_yields_e2002_and_the_code_is_shown() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    passes(&cx, BOOTSTRAP).await;
    passes(&cx, LOGIN).await;
    let report = http(&cx, CONVERSATION).await.report;
    assert_eq!(report.verdict, Fail);
    assert_eq!(report.summary, "status expected 200, seen 403 E2002 CSRF token mismatch");
}

#[tokio::test]
async fn nothing_captured_and_no_cookie_is_in_any_report() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    for text in [BOOTSTRAP, &login(), CONVERSATION] {
        let report = http(&cx, text).await.report;
        let kept = serde_json::to_string(&report).expect("a report");
        for secret in [PASSWORD, "csrf-token-0", "session-0", "conversation-0"] {
            assert!(!kept.contains(secret), "{secret} in {kept}");
        }
    }
}

#[tokio::test]
async fn a_name_that_nothing_captured_is_unknown_and_nothing_is_sent() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    let report = http(&cx, CONVERSATION).await.report;
    assert_eq!(report.verdict, Unknown);
    assert!(report.summary.contains("no value for `csrf`"), "{}", report.summary);
    assert!(contract.asked().is_empty());
}

#[tokio::test]
async fn a_call_without_an_origin_and_one_from_elsewhere_are_told_apart() {
    let contract = Contract::start().await;
    let cx = context(&contract);
    let bare = http(&cx, "get = '{{ api }}/v1/auth/csrf/bootstrap'").await.report;
    assert!(bare.summary.contains("403 E2004"), "{}", bare.summary);
    let evil = "post = '{{ api }}/v1/auth/login'\nheaders = { Origin = 'https://evil.example.com' }";
    let evil = http(&cx, evil).await.report;
    assert!(evil.summary.contains("403 E2003"), "{}", evil.summary);
    let head = http(&cx, "head = '{{ api }}/health'\nexpect = { status = 405 }").await.report;
    assert_eq!(head.verdict, Pass);
}

#[tokio::test]
async fn telemetry_answers_its_effective_rate() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    passes(&cx, BOOTSTRAP).await;
    for (asked, effective) in [("1.0", "0.1"), ("0.05", "0.05"), ("garbage", "0.1")] {
        let text = format!(
            "post = '/v1/client-events'\n\
             headers = {{ X-CSRF-Token = '{{{{ csrf }}}}', X-Client-Events-Sample-Rate = '{asked}' }}\n\
             json = {{ events = [{{ type = 'smoke', run_id = 'r' }}] }}\n\
             expect = {{ status = 202, json = ['.effective_sample_rate == {effective}', '.accepted_count + .dropped_count == 1', '.sampling_mode == \"client\"'] }}"
        );
        passes(&cx, &text).await;
    }
}

#[tokio::test]
async fn a_fourth_stream_is_told_as_429_and_a_slot_is_free_when_its_reader_goes() {
    let contract = Contract::start().await;
    let cx = in_session(&contract);
    for text in [BOOTSTRAP, &login(), CONVERSATION] {
        passes(&cx, text).await;
    }
    passes(
        &cx,
        "post = '/v1/chat'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\n\
         json = { conversation_id = '{{ conversation }}', input = 'short' }\ncapture = { run_id = '.run_id' }",
    )
    .await;
    let session = cx.session.as_ref().expect("a session");
    let run = session.scope().get("run_id").expect("captured").value.as_str().expect("text").to_owned();
    let url = contract.url(&format!("/v1/chat/stream?run_id={run}"));
    let cookies = session.cookies_for(&url::Url::parse(&url).expect("a URL")).header.expect("cookies");
    let headers = vec![("Origin".to_owned(), ORIGIN.to_owned()), ("Cookie".to_owned(), cookies)];
    let request = Request { method: "GET".into(), url, headers, body: None };
    let mut readers = Vec::new();
    for _ in 0..3 {
        let reader = cx.client.open(request.clone(), PATIENCE).await.expect("a stream");
        assert_eq!(reader.status, 200);
        readers.push(reader);
    }
    let fourth = http(&cx, "get = '/v1/chat/stream?run_id={{ run_id }}'").await.report;
    assert_eq!(fourth.summary, "status expected 2xx, seen 429 E4290 Too many concurrent streams");
    readers.clear();
    let free = async {
        while contract.open_streams() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the slots are free again");
}
