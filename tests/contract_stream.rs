//! The `sse` check and the live tail on the wire: against the server that answers as the real backend
//! does, and against one that sends whatever it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Behaviour, Contract, ORIGIN, PASSWORD, USERNAME};
use Verdict::{Fail, Pass};
use serde_json::json;
use tminus::base::jq::Jq;
use tminus::base::secret::Redactor;
use tminus::base::table::{Notes, Table};
use tminus::base::template::{Scope, Template};
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::check::{Context, Spec};
use tminus::kind::session::{Session, SessionPlan};
use tminus::kind::{Catalogue, Entry};
use tminus::launch::command::Observation;
use tminus::launch::id::{ItemId, StreamId};
use tminus::launch::plan::{Plan, Stream};
use tminus::launch::verdict::{Report, Verdict};
use tminus::watch::{Readings, Watch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
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

fn context(base: String) -> Context {
    let mut scope = Scope::default();
    scope.bind("smoke_user", json!(USERNAME));
    scope.bind_secret("smoke_password", json!(PASSWORD));
    let headers = vec![("Origin".to_owned(), Template::literal(ORIGIN))];
    let plan = SessionPlan { base: Some(Template::literal(base)), headers, cookies: true, ..SessionPlan::default() };
    Context {
        jq: Jq::with_worker(env!("CARGO_BIN_EXE_tminus")),
        redactor: Redactor::new([PASSWORD.to_owned()]),
        scope,
        session: Some(Session::new(plan)),
        timeout: PATIENCE,
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

/// Logged in, with a run under way whose input is `input`.
async fn with_run(contract: &Contract, input: &str) -> Context {
    let cx = context(contract.url(""));
    for text in [
        "get = '/v1/auth/csrf/bootstrap'\ncapture = { csrf = '.csrf_token' }",
        "post = '/v1/auth/login'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\n\
         json = { username = '{{ smoke_user }}', password = '{{ smoke_password }}' }\ncapture = { csrf = '.csrf_token' }",
        "post = '/v1/conversations'\nheaders = { X-CSRF-Token = '{{ csrf }}' }\njson = { title = 'smoke' }\n\
         capture = { conversation = '.id' }",
    ] {
        let ran = spec("http", text).run(&cx).await;
        assert_eq!(ran.report.verdict, Pass, "{text}: {:#?}", ran.report);
    }
    start_run(&cx, input).await;
    cx
}

async fn start_run(cx: &Context, input: &str) {
    let text = format!(
        "post = '/v1/chat'\nheaders = {{ X-CSRF-Token = '{{{{ csrf }}}}' }}\n\
         json = {{ conversation_id = '{{{{ conversation }}}}', input = '{input}', stream = true }}\n\
         capture = {{ run_id = '.run_id' }}"
    );
    let ran = spec("http", &text).run(cx).await;
    assert_eq!(ran.report.verdict, Pass, "{:#?}", ran.report);
}

async fn stream(cx: &Context, text: &str) -> Report {
    timeout(PATIENCE, spec("sse", text).run(cx)).await.expect("the check ends by itself").report
}

const STREAM: &str = r#"
get = "/v1/chat/stream?run_id={{ run_id }}"
expect = { first_event = "5s", max_gap = "15s", at_least = [{ event = "message", json = '.type == "delta"', count = 1 }] }
until = { any = [{ event = "done" }, { data = "[DONE]" }, { json = '.status == "completed"' }] }
deadline = "15s"
"#;

const CANCEL: &str = r#"
get = "/v1/chat/stream?run_id={{ run_id }}"
expect = { first_event = "5s", at_least = [{ event = "message", json = '.type == "delta"' }], never = [{ event = "done" }] }
until = { any = [{ event = "stopped" }] }
deadline = "3s"
[meanwhile]
after = { event = "message", json = '.type == "delta"' }
post = "/v1/chat/cancel"
headers = { X-CSRF-Token = "{{ csrf }}" }
json = { run_id = "{{ run_id }}" }
expect = { status = 200, json = ['.status == "cancelled"'] }
"#;

/// Waits, without a clock of our own, until the server sees so many readers.
async fn readers(contract: &Contract, count: usize) {
    timeout(PATIENCE, async {
        while contract.open_streams() != count {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the slots are as they should be");
}

#[tokio::test]
async fn the_check_ends_at_done_though_the_socket_stays_open_and_frees_its_slot() {
    let contract = Contract::start().await;
    let cx = with_run(&contract, "hello").await;
    let began = Instant::now();
    let report = stream(&cx, STREAM).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    readers(&contract, 0).await;
}

#[tokio::test]
async fn a_cancel_that_stops_the_run_passes() {
    let contract = Contract::start().await;
    let cx = with_run(&contract, "a long story").await;
    let report = stream(&cx, CANCEL).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    assert!(contract.asked().contains(&"POST /v1/chat/cancel".to_owned()));
}

#[tokio::test]
async fn a_cancel_that_says_so_and_stops_nothing_fails() {
    let contract = Contract::with(Behaviour { cancel_lies: true, ..Behaviour::default() }).await;
    let cx = with_run(&contract, "a long story").await;
    let report = stream(&cx, CANCEL).await;
    assert_eq!(report.verdict, Fail);
    assert!(report.summary.contains("still open"), "{}", report.summary);
}

#[tokio::test]
async fn a_cancel_after_done_fails_though_it_is_answered_200() {
    let contract = Contract::start().await;
    let cx = with_run(&contract, "hello").await;
    let report = stream(&cx, CANCEL).await;
    assert_eq!(report.verdict, Fail);
    assert!(
        report.findings.iter().any(|finding| finding.subject == "`done`" && finding.verdict == Fail),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_fourth_stream_is_told_as_what_it_is() {
    let contract = Contract::start().await;
    let cx = with_run(&contract, "a long story").await;
    let open = "get = '/v1/chat/stream?run_id={{ run_id }}'\nuntil = { any = [{ event = 'never' }] }\ndeadline = '15s'";
    let held: Vec<JoinHandle<_>> = (0..3)
        .map(|_| {
            let cx = cx.clone();
            tokio::spawn(async move { spec("sse", open).run(&cx).await })
        })
        .collect();
    readers(&contract, 3).await;
    let report = stream(&cx, STREAM).await;
    assert_eq!(report.verdict, Fail);
    assert!(report.summary.contains("429") && report.summary.contains("E4290"), "{}", report.summary);
    held.iter().for_each(JoinHandle::abort);
    readers(&contract, 0).await;
    start_run(&cx, "hello").await;
    assert_eq!(stream(&cx, STREAM).await.verdict, Pass);
}

/// Answers every connection with `head`, then `piece` so many times, then closes or stays open.
async fn saying(head: &'static str, piece: Vec<u8>, times: usize, closes: bool) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let piece = Arc::new(piece);
    let serving = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let piece = Arc::clone(&piece);
            connections.spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let mut sent = socket.write_all(head.as_bytes()).await;
                for _ in 0..times {
                    if sent.is_err() {
                        return;
                    }
                    sent = socket.write_all(&piece).await;
                }
                if !closes {
                    let _ = socket.read(&mut request).await;
                }
            });
        }
    });
    (address, serving)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const PLAIN: &str =
    "get = '/'\nexpect = { first_event = '5s' }\nuntil = { any = [{ event = 'done' }] }\ndeadline = '15s'";

#[tokio::test]
async fn every_broken_stream_fails_with_its_own_words() {
    let event = b"data: x\n\n".to_vec();
    let big = [b"data: ".as_slice(), &[b'x'; 60 << 10], b"\n\n"].concat();
    for (what, head, piece, times, closes, words) in [
        ("a line without end", HEAD, vec![b'x'; 64 << 10], 4_000, false, "a line passed the limit of 64 KiB"),
        ("cut before its terminal event", HEAD, event.clone(), 3, true, "the server closed the stream"),
        ("cut inside a chunk", CHUNKED, b"64\r\ndata: x\n\n".to_vec(), 1, true, "closed before the answer was whole"),
        ("no UTF-8", HEAD, b"data: \xff\xfe\n\n".to_vec(), 1, false, "not UTF-8"),
        ("64 MB", HEAD, big, 1_100, true, "the stream passed the limit of 16 MiB"),
        ("too many events", HEAD, event.repeat(1_000), 1_000, true, "100000 events"),
    ] {
        let (address, serving) = saying(head, piece, times, closes).await;
        let report = stream(&context(format!("http://{address}")), PLAIN).await;
        assert_eq!(report.verdict, Fail, "{what}: {report:#?}");
        assert!(report.summary.contains(words), "{what}: {}", report.summary);
        serving.abort();
    }
}

#[tokio::test]
async fn outside_text_with_escape_sequences_and_secrets_does_not_reach_the_report() {
    let piece = format!("event: e\x1b]0;t\x07rr\ndata: {PASSWORD} \x1b[2J\n\n").into_bytes();
    let (address, serving) = saying(HEAD, piece, 1, true).await;
    let report = stream(&context(format!("http://{address}")), PLAIN).await;
    let told = serde_json::to_string(&report).expect("JSON");
    assert!(!told.contains(PASSWORD) && !told.contains("\\u001b") && !told.contains("\\u0007"), "{told}");
    assert!(report.summary.contains("`err`"), "{}", report.summary);
    serving.abort();
}

#[tokio::test]
async fn a_tail_is_live_over_the_wire_and_lets_go_at_the_terminal_event() {
    let contract = Contract::start().await;
    let cx = with_run(&contract, "hello").await;
    let session = cx.session.clone();
    let mut catalogue = Catalogue::default();
    let entry = Entry {
        owner: ItemId::new("stream.chat"),
        spec: tminus::kind::Spec::Check(spec("sse", STREAM)),
        scope: Scope::default(),
        session: Some("smoke".into()),
        examples: Default::default(),
        text: "".into(),
        real: false,
    };
    let stream = Stream {
        id: StreamId::new("chat"),
        title: "Chat".to_owned(),
        spec: catalogue.add(entry),
        session: Some("smoke".into()),
        after: Some(ItemId::new("login")),
    };
    let plan = Plan { streams: vec![stream], ..Plan::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let (sender, mut told) = mpsc::channel(16);
    let contexts = Arc::new(move |_: &Entry| Context { session: None, ..cx.clone() });
    let readings = Readings::new(Arc::new(|| tminus::launch::time::Instant(0)), &plan);
    let watch = Watch::start(&plan, Arc::new(catalogue), contexts, sender, folder.path().join("streams"), readings);
    watch.open_stream(&StreamId::new("chat"), session).expect("it is in the plan");
    let mut live = watch.live();
    let seen = timeout(PATIENCE, live.wait_for(|live| live.streams.values().any(|stream| stream.finished))).await;
    let view = seen.expect("in time").expect("still watching").streams[&StreamId::new("chat")].clone();
    assert!(view.last_error.is_none());
    assert_eq!((view.total, view.lines.back().map(|line| line.tag.as_str())), (5, Some("done")));
    assert!(matches!(told.recv().await, Some(Observation::StreamChanged { open: true, .. })));
    assert!(matches!(told.recv().await, Some(Observation::StreamChanged { open: false, .. })));
    // The server keeps the stream open after its terminal event: the tail lets it go by itself.
    readers(&contract, 0).await;
    timeout(PATIENCE, watch.stop()).await.expect("it stops");
    let raw = std::fs::read_to_string(folder.path().join("streams/chat.sse")).expect("its file");
    assert!(raw.contains("event: done"), "{raw}");
}
