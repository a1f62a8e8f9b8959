//! The step `send` under its shim: once, and what became of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tminus::base::proc;
use tminus::base::secret::Redactor;
use tminus::base::wire::Network;
use tminus::kind::step::{act, ours};
use tminus::kind::{self, Entry};
use tminus::launch::id::ItemId;
use tminus::launch::verdict::{Report, Verdict};

use super::{Fail, KEY, PATIENCE, PROGRAM, Pass, TOKEN, Unknown, read, scope};
use crate::request_server::{Got, Says, Server};

/// A `send` step under the shim, to its outcome.
async fn sent(table: &str, timeout: Duration) -> (Verdict, Report, String, TempDir) {
    let step = read("send", table, |table| kind::step::Spec::read("send", table));
    let entry = Entry {
        owner: ItemId::new("hook"),
        spec: kind::Spec::Step(step),
        scope: scope(),
        session: None,
        examples: Default::default(),
        text: Arc::from(table),
        real: false,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let redactor = Redactor::new([KEY.to_owned(), TOKEN.to_owned()]);
    let ground = act::Ground {
        program: Path::new(PROGRAM),
        base: folder.path(),
        redactor: &redactor,
        network: &Network::Outside,
        simulated: None,
    };
    let (intent, private) = act::prepared(&entry, &entry.owner, &scope(), timeout, ground).expect("prepared");
    assert!(!format!("{intent:?}").contains(TOKEN));
    let dir = folder.path().join("attempt");
    let started = proc::start(Path::new(PROGRAM), &dir, &intent, &private).expect("started");
    let standing = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked");
    let outcome = act::outcome(standing, &dir, &redactor);
    let report = std::fs::read(dir.join(ours::REPORT)).expect("a report");
    let said = std::fs::read_to_string(dir.join("stdout")).expect("stdout");
    (outcome.verdict(&ours::EXITS), serde_json::from_slice(&report).expect("JSON"), said, folder)
}

#[tokio::test]
async fn a_step_sends_once_and_its_answer_is_its_outcome() {
    let server = Server::plain(|asked: &Got| match asked.path() {
        "/deploys" => Says::whole(
            201,
            &[],
            &format!(r#"{{"status":"queued","by":"{}"}}"#, asked.header("authorization").unwrap_or("nobody")),
        ),
        "/reset" => Says::Reset,
        _ => Says::whole(409, &[], r#"{"detail":"already running"}"#),
    })
    .await;
    let table = |path: &str| {
        format!(
            "post = \"{}\"\nbearer = \"{{{{ token }}}}\"\njson = {{ version = \"1.5.0\" }}\n\
             expect = {{ status = 201, json = [\".status == \\\"queued\\\"\"] }}\n",
            server.url(path)
        )
    };
    let (verdict, report, said, folder) = sent(&table("/deploys"), PATIENCE).await;
    assert_eq!((verdict, report.verdict), (Pass, Pass), "{said}");
    assert!(said.contains("201 Created") && !said.contains(TOKEN), "{said}");
    let got = server.got()[0].clone();
    assert_eq!(
        (got.header("authorization"), got.body.as_slice()),
        (Some("Bearer tok-swordfish"), br#"{"version":"1.5.0"}"#.as_slice())
    );
    for file in std::fs::read_dir(folder.path().join("attempt")).expect("a folder") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(TOKEN), "{}", path.display());
    }

    let (verdict, _, said, _) = sent(&table("/busy"), PATIENCE).await;
    assert!(verdict == Fail && said.contains("409 Conflict") && said.contains("already running"), "{said}");
    let before = server.got().len();
    let (verdict, report, said, _) = sent(&table("/reset"), PATIENCE).await;
    assert_eq!((verdict, report.verdict), (Unknown, Unknown), "{said}");
    assert!(said.contains("it may have acted"), "{said}");
    assert_eq!(server.got().len() - before, 1, "it is never sent again by itself");
}

#[tokio::test]
async fn a_step_without_an_answer_in_time_is_unknown_and_one_that_never_arrived_failed() {
    let server = Server::plain(|_: &Got| Says::Nothing).await;
    let table = |url: String| format!("post = \"{url}\"\n");
    let (verdict, report, said, _) = sent(&table(server.url("/hook")), Duration::from_secs(3)).await;
    assert_eq!((verdict, report.verdict), (Unknown, Unknown), "{said}");
    assert_eq!(server.got().len(), 1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = format!("http://{}/hook", listener.local_addr().expect("an address"));
    drop(listener);
    let (verdict, _, said, _) = sent(&table(nobody), PATIENCE).await;
    assert!(verdict == Fail && said.contains("nothing was sent"), "{said}");
}
