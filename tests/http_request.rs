//! Requests on the wire, as `http`, `sse` and `send` make them: who asks, what is signed, where redirects lead,
//! which certificates count, by which protocol and by whose proxy.

#[path = "http_request/redirects.rs"]
mod redirects;
#[path = "http_request/send.rs"]
mod send;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::binary::Place;
use crate::request_server::{Certificates, Got, Says, Server};
use Verdict::{Fail, Pass, Unknown};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tminus::base::jq::Jq;
use tminus::base::secret::Redactor;
use tminus::base::table::{Notes, Table};
use tminus::base::template::{Scope, Template};
use tminus::base::wire::{Client, Limits, Network};
use tminus::clock;
use tminus::kind::check::{Context, Spec};
use tminus::kind::request::{Auth, User};
use tminus::kind::session::{Session, SessionPlan};
use tminus::launch::verdict::{Report, Verdict};
use toml::de::DeTable;

/// Generous: the machine may be busy, and nothing here is meant to reach it.
const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "whsec-hunter22";
const TOKEN: &str = "tok-swordfish";
const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");

fn spec(text: &str) -> Spec {
    read("http", text, |table| Spec::read("http", table))
}

fn read<T>(kind: &str, text: &str, read: impl Fn(&Table<'_>) -> Option<T>) -> T {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new(format!("[phase.item.{kind}]"), parsed.span().into(), parsed.get_ref(), &notes);
    let read = read(&table);
    table.finish();
    let found = notes.take_diagnostics();
    assert!(found.is_empty(), "{found:?}");
    read.expect("a table")
}

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.bind_secret("key", json!(KEY));
    scope.bind_secret("token", json!(TOKEN));
    scope
}

fn context(session: Option<Session>, base: &Path) -> Context {
    Context {
        jq: Jq::with_worker(PROGRAM),
        redactor: Redactor::new([KEY.to_owned(), TOKEN.to_owned()]),
        scope: scope(),
        session,
        timeout: PATIENCE,
        base: base.to_owned(),
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

async fn run(text: &str) -> Report {
    run_in(text, None, Path::new("/nowhere")).await
}

async fn run_in(text: &str, session: Option<Session>, base: &Path) -> Report {
    spec(text).run(&context(session, base)).await.report
}

fn finding<'a>(report: &'a Report, subject: &str) -> (&'a str, Verdict) {
    let found = report.findings.iter().find(|finding| finding.subject == subject);
    let found = found.unwrap_or_else(|| panic!("no finding on {subject}: {report:#?}"));
    (&found.seen, found.verdict)
}

/// HMAC-SHA256 by its definition (RFC 2104), apart from the library that signs.
fn hmac(key: &[u8], text: &[u8]) -> String {
    assert!(key.len() <= 64);
    let pad = |with: u8| (0..64).map(|at| key.get(at).unwrap_or(&0) ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// JSON as a receiver writes it anew: every object's keys in order.
fn anew(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, String> = entries.iter().map(|(key, value)| (key, anew(value))).collect();
            let pairs: Vec<String> = sorted.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(anew).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[tokio::test]
async fn signatures_are_what_their_receivers_compute() {
    let server = Server::plain(|asked: &Got| {
        let right = match asked.path() {
            "/superwall" => {
                let wanted = format!("sha256={}", hmac(KEY.as_bytes(), &asked.body));
                asked.header("x-superwall-signature") == Some(&wanted)
            }
            _ => {
                let time = asked.header("x-gateway-timestamp").unwrap_or_default();
                let told: Value = serde_json::from_slice(&asked.body).expect("JSON");
                let wanted = format!("v1={}", hmac(KEY.as_bytes(), format!("{time}.{}", anew(&told)).as_bytes()));
                let skew = time.parse::<i64>().map_or(i64::MAX, |time| (clock::wall().timestamp() - time).abs());
                asked.header("x-gateway-signature") == Some(&wanted) && skew <= 300
            }
        };
        if right { Says::whole(201, &[], r#"{"applied":true}"#) } else { Says::whole(401, &[], "") }
    })
    .await;
    let superwall = |secret: &str| {
        format!(
            "post = '{}'\njson = {{ event = 'renewal', event_id = 'e1' }}\nexpect = {{ status = 201 }}\n\
             hmac = {{ secret = '{{{{ {secret} }}}}', header = 'X-Superwall-Signature', prefix = 'sha256=' }}",
            server.url("/superwall")
        )
    };
    assert_eq!(run(&superwall("key")).await.verdict, Pass);
    assert_eq!(run(&superwall("token")).await.verdict, Fail, "another key is another signature");
    let gateway = format!(
        "post = '{}'\njson = {{ b = [{{ z = 1, a = 'ü' }}], a = {{ y = true }} }}\nexpect = {{ status = 201, json = ['.applied == true'] }}\n\
         [hmac]\nsecret = '{{{{ key }}}}'\nheader = 'x-gateway-signature'\nprefix = 'v1='\n\
         timestamp_header = 'x-gateway-timestamp'\nover = 'timestamp.sorted-json'",
        server.url("/ingest")
    );
    let report = run(&gateway).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    let told = serde_json::to_string(&report).expect("JSON");
    assert!(!told.contains(KEY) && told.contains("v1="), "{told}");
}

#[tokio::test]
async fn credentials_arrive_and_an_echo_of_them_is_not_shown() {
    let server = Server::plain(|asked: &Got| {
        Says::ok(&format!("you are {}", asked.header("authorization").unwrap_or("nobody")))
    })
    .await;
    let url = server.url("/me");
    let bearer = run(&format!("get = '{url}'\nbearer = '{{{{ token }}}}'")).await;
    let basic = run(&format!("get = '{url}'\nbasic = {{ user = 'ops', password = '{{{{ token }}}}' }}")).await;
    let got = server.got();
    assert_eq!(got[0].header("authorization"), Some("Bearer tok-swordfish"));
    assert_eq!(got[1].header("authorization"), Some("Basic b3BzOnRvay1zd29yZGZpc2g="));
    for (report, secret) in [(bearer, "swordfish"), (basic, "rLXN3b3JkZmlza")] {
        let told = serde_json::to_string(&report).expect("JSON");
        assert!(report.verdict == Pass && told.contains("you are") && !told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn the_stream_and_its_other_request_say_who_asks_as_every_request_does() {
    let server = Server::plain(|asked: &Got| match asked.path() {
        "/stream" => {
            Says::whole(200, &["content-type: text/event-stream"], "data: a\n\nevent: done\ndata: cancelled\n\n")
        }
        _ => Says::ok("{}"),
    })
    .await;
    let text = format!(
        "post = '{}'\nform = {{ q = 'a b' }}\nuntil = {{ any = [{{ event = 'done' }}] }}\n\
         meanwhile = {{ after = {{ event = 'message' }}, post = '{}', json = {{ run = 1 }} }}",
        server.url("/stream"),
        server.url("/cancel")
    );
    let check = read("sse", &text, |table| Spec::read("sse", table));
    let auth = Auth {
        user: Some(User::Bearer(Template::parse("{{ token }}", Default::default()).expect("a template"))),
        ..Auth::default()
    };
    let session = Session::new(SessionPlan { auth, ..SessionPlan::default() });
    let report = check.run(&context(Some(session), Path::new("/nowhere"))).await.report;
    let mut got = server.got();
    got.sort_by_key(|asked| asked.path().len());
    assert_eq!(got.iter().map(Got::path).collect::<Vec<_>>(), ["/stream", "/cancel"], "{report:#?}");
    assert!(got.iter().all(|asked| asked.header("authorization") == Some("Bearer tok-swordfish")));
    let stream = got.iter().find(|asked| asked.path() == "/stream").expect("asked");
    assert_eq!((stream.body.as_slice(), stream.header("accept")), (b"q=a+b".as_slice(), Some("text/event-stream")));
}

#[tokio::test]
async fn a_body_over_its_own_limit_is_not_read_to_its_end() {
    let server = Server::plain(|_: &Got| Says::ok(&"x".repeat(2_000))).await;
    let url = server.url("/");
    assert_eq!(run(&format!("get = '{url}'\nlimit = '2KiB'")).await.verdict, Pass);
    let over = run(&format!("get = '{url}'\nlimit = '1KiB'")).await;
    assert!(over.verdict == Fail && over.summary.contains("a body of more than 1 KiB"), "{}", over.summary);
}

#[tokio::test]
async fn a_ca_file_and_a_client_certificate_open_what_is_closed_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = Certificates::new(folder.path());
    let open = Server::tls(certificates.server(&["http/1.1"], false), |_: &Got| Says::ok("open")).await;
    let closed = Server::tls(certificates.server(&["http/1.1"], true), |_: &Got| Says::ok("closed")).await;
    let asked = async |server: &Server, tls: &str| {
        let report = run_in(&format!("get = '{}'\n{tls}", server.url("/")), None, folder.path()).await;
        (report.verdict, report.summary)
    };
    let trusted = "tls = { ca = 'ca.pem' }";
    let known = "tls = { ca = 'ca.pem', cert = 'client.pem', key = 'client.key' }";
    assert_eq!(asked(&open, trusted).await.0, Pass);
    assert_eq!(asked(&closed, known).await.0, Pass);
    assert_eq!(asked(&closed, trusted).await.0, Fail, "who shows nothing is not let in");
    assert_ne!(asked(&open, "").await.0, Pass, "the host knows nothing of this authority");
    let missing = asked(&open, "tls = { ca = 'gone.pem' }").await;
    assert!(missing.0 == Unknown && missing.1.contains("gone.pem"), "{missing:?}");
    let empty = asked(&open, "tls = { ca = 'client.key' }").await;
    assert!(empty.0 == Unknown && empty.1.contains("CA file"), "{empty:?}");
    let mixed = asked(&closed, "tls = { ca = 'ca.pem', cert = 'ca.pem', key = 'ca.pem' }").await;
    assert!(mixed.0 == Unknown && !mixed.1.contains("BEGIN"), "{mixed:?}");

    // One that is renewed meanwhile counts, in the same client: its connections are others.
    let check = spec(&format!("get = '{}'\n{trusted}", open.url("/")));
    let cx = context(None, folder.path());
    assert_eq!(check.run(&cx).await.report.verdict, Pass);
    Certificates::new(folder.path());
    assert_eq!(check.run(&cx).await.report.verdict, Fail);
}

#[tokio::test]
async fn the_protocol_that_is_wanted_is_asked_for_and_the_one_that_came_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificates = Certificates::new(folder.path());
    let both = Server::tls(certificates.server(&["h2", "http/1.1"], false), |_: &Got| Says::ok("both")).await;
    let old = Server::tls(certificates.server(&["http/1.1"], false), |_: &Got| Says::ok("old")).await;
    let asked = async |server: &Server, version: &str| {
        let text = format!("get = '{}'\nhttp = '{version}'\ntls = {{ ca = 'ca.pem' }}", server.url("/"));
        let report = run_in(&text, None, folder.path()).await;
        let (seen, verdict) = finding(&report, "protocol");
        (seen.to_owned(), verdict)
    };
    assert_eq!(asked(&both, "2").await, ("HTTP/2.0".to_owned(), Pass));
    assert_eq!(asked(&both, "1.1").await, ("HTTP/1.1".to_owned(), Pass));
    assert_eq!(asked(&old, "2").await, ("HTTP/1.1".to_owned(), Fail));
    assert_eq!(both.got().iter().map(|got| got.line.as_str()).collect::<Vec<_>>(), ["GET / HTTP/2", "GET / HTTP/1.1"]);
}

/// What `tminus gate` says of a plan with these addresses, by item.
async fn gated(env: &[(&str, &str)], addresses: &[(&str, String)]) -> BTreeMap<String, Value> {
    let place = Place::new(env);
    let mut plan =
        "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n\n[[phase]]\nid = \"gate\"\nat = \"T-1h\"\ngate = true\n"
            .to_owned();
    for (id, address) in addresses {
        plan.push_str(&format!(
            "\n[[phase.item]]\nid = \"{id}\"\nhttp = {{ get = \"{address}\", expect = {{ status = 200 }} }}\n"
        ));
    }
    let path = place.path("plan.toml");
    std::fs::write(&path, plan).expect("written");
    let ran = place.run(&["gate", &path.display().to_string(), "--json"]).await;
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let items = document["items"].as_array().expect("items").iter();
    items.map(|item| (item["id"].as_str().expect("an id").to_owned(), item.clone())).collect()
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_asked_for_others_and_never_for_this_machine() {
    let proxy = Server::plain(|asked: &Got| match asked.method() {
        "CONNECT" => Says::whole(403, &[], ""),
        _ => Says::ok("by proxy"),
    })
    .await;
    let here = Server::plain(|_: &Got| Says::ok("here")).await;
    let address = proxy.url("");
    let env = [
        ("HTTP_PROXY", address.as_str()),
        ("http_proxy", &address),
        ("HTTPS_PROXY", &address),
        ("NO_PROXY", "direct.invalid"),
    ];
    let addresses = [
        ("through", "http://service.invalid/health".to_owned()),
        ("tunnel", "https://service.invalid/health".to_owned()),
        ("direct", "http://direct.invalid/health".to_owned()),
        ("here", here.url("/health")),
    ];
    let said = gated(&env, &addresses).await;
    let lines: Vec<String> = proxy.got().iter().map(|got| got.line.clone()).collect();
    assert!(lines.contains(&"GET http://service.invalid/health HTTP/1.1".to_owned()), "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("direct.invalid") || line.contains(&here.address.to_string())),
        "{lines:?}"
    );
    assert_eq!(said["through"]["verdict"], "pass", "{:#}", said["through"]);
    assert_eq!(said["here"]["verdict"], "pass");
    assert_eq!(said["direct"]["verdict"], "unknown", "asked of our own resolver: {:#}", said["direct"]);
    // A proxy of ours that gives no tunnel says nothing of the service.
    assert_eq!(said["tunnel"]["verdict"], "unknown", "{:#}", said["tunnel"]);
    assert!(said["tunnel"].to_string().contains("proxy"), "{:#}", said["tunnel"]);

    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = format!("http://{}", dead.local_addr().expect("an address"));
    drop(dead);
    let said = gated(&[("http_proxy", &nobody), ("https_proxy", &nobody)], &addresses[..2]).await;
    for id in ["through", "tunnel"] {
        assert_eq!(said[id]["verdict"], "unknown", "{:#}", said[id]);
    }
}
