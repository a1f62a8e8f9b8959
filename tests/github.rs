//! The `github` check and the `dispatch` step against a server that behaves as GitHub's API does and holds every
//! request against its published document: old and new behaviour, pages, limits, lost answers, annotated tags.

use crate::rehearsal_plan;

#[path = "github/dispatch.rs"]
mod dispatch;
#[path = "github/spec.rs"]
mod spec;
#[path = "github/stub.rs"]
mod stub;
#[path = "github/world.rs"]
mod world;

use std::time::Duration;

use Verdict::{Fail, Pass, Unknown, Warn};
use serde_json::json;
use stub::Stub;
use tminus::base::jq::Jq;
use tminus::base::secret::Redactor;
use tminus::base::source::Source;
use tminus::base::table::{Notes, Table};
use tminus::base::template::Scope;
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::check::{self, Context};
use tminus::launch::verdict::{Report, Verdict};
use tminus::plan::{Environment, Options, check_report, load};
use toml::de::DeTable;
use world::{COMMIT, OTHER, TOKEN, Trouble, World};

/// Generous: the machine may be busy, and nothing here is meant to reach it.
const PATIENCE: Duration = Duration::from_secs(60);

fn context(stub: &Stub) -> Context {
    let mut scope = Scope::default();
    scope.bind("api", json!(stub.url));
    scope.bind("commit", json!(COMMIT));
    scope.bind_secret("token", json!(TOKEN));
    Context {
        redactor: Redactor::new([TOKEN.to_owned()]),
        scope,
        timeout: PATIENCE,
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

fn whole(text: &str) -> String {
    format!("api = '{{{{ api }}}}'\nrepo = 'o/r'\ntoken = '{{{{ token }}}}'\n{text}")
}

fn table<T>(kind: &str, text: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> T {
    let text = whole(text);
    let (parsed, errors) = DeTable::parse_recoverable(&text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new(format!("[phase.item.{kind}]"), parsed.span().into(), parsed.get_ref(), &notes);
    let read = read(&table);
    table.finish();
    let found = notes.take_diagnostics();
    // That a run may not be found without a nonce is what some of these show.
    assert!(found.iter().all(|found| found.code == "no-nonce"), "{found:?}");
    read.expect("a table")
}

async fn asks(stub: &Stub, text: &str) -> Report {
    let spec = table("github", text, |table| check::Spec::read("github", table));
    let report = spec.run(&context(stub)).await.report;
    assert!(!serde_json::to_string(&report).expect("json").contains(TOKEN), "the token is told");
    report
}

const TAG: &str = "commit = '{{ commit }}'\ntag = 'v1.0.42'";
const TAGS: &str = "commit = '{{ commit }}'\ntags = { pattern = 'v1\\.0\\.(\\d+)', above = 'v1.0.41' }";
const RELEASE: &str = "release = { tag = 'v1.0.42' }";
const STATUS: &str = "commit = '{{ commit }}'\nstatus = { require = ['build'] }";

fn tagged(tags: &[(&str, &str)]) -> World {
    let refs = tags.iter().map(|(name, sha)| ((*name).to_owned(), "commit", (*sha).to_owned()));
    World { refs: refs.collect(), ..World::default() }
}

#[tokio::test]
async fn the_document_refuses_what_github_would_refuse() {
    let spec = spec::Spec::new();
    let call = spec.call("POST", "/repos/o/r/actions/workflows/a.yml/dispatches").expect("a call");
    let headers = [("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];
    let headers: Vec<(String, String)> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mistakes = |body: serde_json::Value| spec.mistakes(&call, &[], &headers, body.to_string().as_bytes()).len();
    assert_eq!(mistakes(json!({ "ref": "main", "inputs": { "a": "b" }, "return_run_details": true })), 0);
    assert_eq!(mistakes(json!({ "inputs": {} })), 1);
    assert_eq!(mistakes(json!({ "ref": 7 })), 1);
    assert_eq!(mistakes(json!({ "ref": "main", "nonce": "x" })), 1);
    let query = |name: &str, value: &str| {
        let call = spec.call("GET", "/repos/o/r/actions/workflows/a.yml/runs").expect("a call");
        spec.mistakes(&call, &[(name.to_owned(), value.to_owned())], &headers, b"").len()
    };
    assert_eq!((query("per_page", "100"), query("perpage", "100"), query("created", ">=2026-01-01")), (0, 1, 0));
    assert!(spec.call("GET", "/repos/o/r/tag").is_none());
    assert_eq!(spec.mistakes(&call, &[], &[], b"{\"ref\":\"main\"}").len(), 2);
}

#[tokio::test]
async fn a_tag_is_peeled_and_compared_with_the_launch() {
    let stub = Stub::start(tagged(&[("v1.0.42", COMMIT), ("v1.0.420", OTHER)])).await;
    assert_eq!(asks(&stub, TAG).await.verdict, Pass);
    stub.world().refs[0] = ("v1.0.42".into(), "tag", "a".repeat(40));
    stub.world().tag_objects.insert("a".repeat(40), ("tag", "b".repeat(40)));
    stub.world().tag_objects.insert("b".repeat(40), ("commit", COMMIT.into()));
    let report = asks(&stub, TAG).await;
    assert_eq!(report.verdict, Pass, "a tag of a tag: {report:?}");
    stub.world().tag_objects.insert("b".repeat(40), ("commit", OTHER.into()));
    let report = asks(&stub, TAG).await;
    assert_eq!((report.verdict, report.summary.contains(OTHER)), (Fail, true), "moved: {report:?}");
    stub.world().refs.clear();
    assert_eq!(asks(&stub, TAG).await.verdict, Fail);
}

#[tokio::test]
async fn tags_are_read_over_all_pages() {
    let mut tags: Vec<(String, &str)> = (1..=41).map(|number| (format!("v1.0.{number}"), OTHER)).collect();
    tags.push(("v1.0.42".to_owned(), COMMIT));
    let refs = |tags: &[(String, &str)]| -> Vec<_> {
        tags.iter().map(|(name, sha)| (name.clone(), "commit", (*sha).to_owned())).collect()
    };
    let stub = Stub::start(World { refs: refs(&tags), page: 10, ..World::default() }).await;
    assert_eq!(asks(&stub, TAGS).await.verdict, Pass);
    assert_eq!(stub.count("GET", "/tags?"), 5);
    // The second tag of the commit stands on the last page.
    tags.insert(0, ("v1.0.43".to_owned(), COMMIT));
    stub.world().refs = refs(&tags);
    let report = asks(&stub, TAGS).await;
    assert_eq!(report.verdict, Fail, "{report:?}");
    // More pages than are read: what is on the others is not known.
    stub.world().page = 1;
    stub.world().refs = (1..=60).map(|number| (format!("v1.0.{number}"), "commit", OTHER.to_owned())).collect();
    let report = asks(&stub, TAGS).await;
    assert_eq!(report.verdict, Unknown, "{report:?}");
}

#[tokio::test]
async fn a_release_is_there_once_on_whatever_page() {
    let releases = |tags: &[&str]| -> Vec<(u64, String, bool)> {
        tags.iter().zip(1..).map(|(tag, id)| (id, (*tag).to_owned(), false)).collect()
    };
    let stub = Stub::start(World { releases: releases(&["v1.0.42", "v1.0.41"]), page: 1, ..World::default() }).await;
    assert_eq!(asks(&stub, RELEASE).await.verdict, Pass);
    stub.world().releases = releases(&["v1.0.42", "v1.0.41", "v1.0.42"]);
    let report = asks(&stub, RELEASE).await;
    assert_eq!((report.verdict, report.summary.contains("2 releases")), (Fail, true), "{report:?}");
    stub.world().releases = vec![(1, "v1.0.42".to_owned(), true)];
    assert_eq!(asks(&stub, RELEASE).await.verdict, Fail, "a draft");
}

#[tokio::test]
async fn green_is_what_was_reported_green() {
    let stub = Stub::start(World::default()).await;
    let report = asks(&stub, STATUS).await;
    assert_eq!((report.verdict, report.summary.contains("nothing was reported")), (Unknown, true), "{report:?}");
    stub.world().checks = vec![("build", "completed", Some("success")), ("lint", "in_progress", None)];
    assert_eq!(asks(&stub, STATUS).await.verdict, Unknown);
    stub.world().checks[1] = ("lint", "completed", Some("success"));
    assert_eq!(asks(&stub, STATUS).await.verdict, Pass);
    stub.world().page = 1;
    stub.world().statuses = vec![("deploy", "success"), ("scan", "failure")];
    let report = asks(&stub, STATUS).await;
    assert_eq!((report.verdict, report.summary.contains("scan failure")), (Fail, true), "{report:?}");
}

#[tokio::test]
async fn a_token_may_what_its_role_and_its_scopes_say() {
    let stub = Stub::start(World::default()).await;
    assert_eq!(asks(&stub, "permissions = 'push'").await.verdict, Pass);
    stub.world().scopes = None;
    assert_eq!(asks(&stub, "permissions = 'push'").await.verdict, Warn);
    stub.world().permissions["push"] = json!(false);
    assert_eq!(asks(&stub, "permissions = 'push'").await.verdict, Fail);
}

#[tokio::test]
async fn a_workflow_that_runs_by_itself_wrongly_is_told() {
    let text = "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\n[audit]\ntriggers_only = ['workflow_dispatch', \
        'workflow_run']\nautomatic = { conclusion = 'success', branch = 'main', event = 'push' }";
    let file = |guard: &str| {
        format!(
            "name: Release tag\non:\n  workflow_dispatch:\n  workflow_run:\n    workflows: [CI]\n    branches: [main]\n\
             jobs:\n  tag:\n    runs-on: ubuntu-latest\n    if: >-\n      github.event_name == 'workflow_dispatch' ||\n      \
             ({guard})\n    steps:\n      - run: git tag\n"
        )
    };
    let right =
        "github.event.workflow_run.conclusion == 'success' &&\n       github.event.workflow_run.event == 'push'";
    let stub = Stub::start(World { workflow_text: file(right), ..World::default() }).await;
    let report = asks(&stub, text).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    stub.world().workflow_text = file("github.event.workflow_run.conclusion == 'success'");
    let report = asks(&stub, text).await;
    assert_eq!((report.verdict, report.summary.contains("pull_request")), (Fail, true), "{report:?}");
    let elsewhere = text.replace("release-tag.yml", "other.yml");
    let report = asks(&stub, &elsewhere).await;
    assert_eq!((report.verdict, report.summary.contains("may not see it")), (Unknown, true), "{report:?}");
}

#[tokio::test]
async fn limits_and_failures_are_no_verdict_on_the_release() {
    let stub = Stub::start(tagged(&[("v1.0.42", COMMIT)])).await;
    let trouble = |status: u16, headers: &[(&'static str, &str)]| Trouble {
        method: "GET",
        at: "matching-refs",
        status,
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        body: json!({ "message": "no" }),
        times: 1,
    };
    for (one, wanted, words) in [
        (
            trouble(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1792000000")]),
            Unknown,
            "2026-10-14 17:46:40 UTC",
        ),
        (trouble(429, &[("retry-after", "60")]), Unknown, "again in 60 s"),
        (trouble(404, &[]), Unknown, "may not see it"),
        (trouble(502, &[]), Fail, "502 Bad Gateway"),
        (trouble(301, &[("location", "https://api.github.com/repositories/7")]), Fail, "moved to"),
    ] {
        stub.world().troubles = vec![one.clone()];
        let report = asks(&stub, TAG).await;
        assert_eq!((report.verdict, report.summary.contains(words)), (wanted, true), "{one:?}: {report:?}");
    }
    assert_eq!(asks(&stub, TAG).await.verdict, Pass);
}

const PLAN: &str = include_str!("github/plan.toml");

#[tokio::test]
async fn a_plan_that_asks_everything_is_tried_and_rehearsed() {
    let environment: Environment = [("SMOKE_PASSWORD", "correct horse battery")].into_iter().collect();
    let source = Source::new("plan.toml", PLAN);
    let jq = Jq::with_worker(env!("CARGO_BIN_EXE_tminus"));
    let checked = check_report(&source, &environment, None, &jq, false).await;
    assert_eq!((checked.errors, checked.warnings), (0, 0), "{}", checked.text);
    let options = Options { rehearsal: true, ..Options::default() };
    let loaded = load(source, &environment, &options).expect("a plan");
    let mut flight = rehearsal_plan::Flight::of(loaded, &[]).await;
    assert_eq!(flight.target.left_out(), [], "every entry has its route");
    let flown = flight.fly().await;
    assert_eq!(flown.len(), 9);
    for (id, report) in flown {
        assert_eq!(report.verdict, Pass, "{id}: {report:#?}");
    }
}
