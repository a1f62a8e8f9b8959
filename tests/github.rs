//! The `github` check and the `dispatch` step against a server that behaves as GitHub's API does and holds every
//! request against its published document: old and new behaviour, pages, limits, lost answers, annotated tags.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

#[path = "github/spec.rs"]
mod spec;
#[path = "github/stub.rs"]
mod stub;
mod wait;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use Verdict::{Fail, Pass, Unknown, Warn};
use serde_json::json;
use stub::{COMMIT, OTHER, Start, Stub, TOKEN, Trouble, World};
use tempfile::TempDir;
use tminus::base::proc::{self, Standing};
use tminus::base::secret::Redactor;
use tminus::base::table::{Notes, Table};
use tminus::base::template::Scope;
use tminus::base::wire::{Client, Limits, Network};
use tminus::kind::check::{self, Context};
use tminus::kind::example::Examples;
use tminus::kind::step::{self, Acting, act};
use tminus::kind::{Entry, Spec};
use tminus::launch::id::ItemId;
use tminus::launch::verdict::{Report, Verdict};
use toml::de::DeTable;

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
    assert!(found.is_empty(), "{found:?}");
    read.expect("a table")
}

async fn asks(stub: &Stub, text: &str) -> Report {
    let spec = table("github", text, |table| check::Spec::read("github", table));
    let report = spec.run(&context(stub)).await.report;
    assert!(!serde_json::to_string(&report).expect("json").contains(TOKEN), "the token is told");
    report
}

/// Folders of attempts, as a launch has them.
struct Attempts(TempDir);

impl Attempts {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn dir(&self, number: u32) -> std::path::PathBuf {
        let dir = self.0.path().join(number.to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    }

    async fn act(&self, number: u32, stub: &Stub, text: &str) -> Report {
        let spec = table("dispatch", text, |table| step::Spec::read("dispatch", table));
        let cx = Acting { look: context(stub), dir: self.dir(number) };
        let report = spec.act(&cx).await;
        let kept = std::fs::read_to_string(cx.dir.join("dispatch.json")).unwrap_or_default();
        assert!(!kept.contains(TOKEN), "{kept}");
        report
    }

    fn record(&self, number: u32) -> serde_json::Value {
        record(&self.dir(number))
    }
}

fn record(dir: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(dir.join("dispatch.json")).expect("a record");
    serde_json::from_str(&text).expect("json")
}

const START: &str = "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\nref = 'main'\ninputs = { channel = 'stable' }\n\
    nonce_input = 'launch_nonce'\npoll = '20ms'\nsearch = '300ms'";
const NAMELESS: &str =
    "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\nref = 'main'\npoll = '20ms'\nsearch = '300ms'";
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

#[tokio::test]
async fn a_run_is_started_and_followed_where_the_api_tells_its_id() {
    let (stub, attempts) = (Stub::start(World::default()).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    let record = attempts.record(1);
    assert_eq!((record["stage"].as_str(), record["conclusion"].as_str()), (Some("ended"), Some("success")));
    assert_eq!(record["run"], stub.world().runs[0]["id"]);
    assert_eq!(stub.count("POST", "/dispatches"), 1);
    // A check of the run that was begun.
    let question =
        format!("commit = '{{{{ commit }}}}'\nrun = {{ id = '{}', event = 'workflow_dispatch' }}", record["run"]);
    assert_eq!(asks(&stub, &question).await.verdict, Pass);
    let latest =
        "commit = '{{ commit }}'\nrun = { workflow = 'release-tag.yml', branch = 'main', event = 'workflow_dispatch' }";
    assert_eq!(asks(&stub, latest).await.verdict, Pass);
}

#[tokio::test]
async fn an_older_api_is_asked_without_details_and_the_run_is_found_by_its_name() {
    for start in [Start::Untold, Start::Silent] {
        let (stub, attempts) = (Stub::start(World { start, page: 1, ..World::default() }).await, Attempts::new());
        let report = attempts.act(1, &stub, START).await;
        assert_eq!(report.verdict, Pass, "{start:?}: {report:?}");
        assert_eq!(stub.world().runs.len(), 1);
        let nameless = Attempts::new();
        let report = nameless.act(1, &stub, NAMELESS).await;
        assert_eq!((report.verdict, report.summary.contains("nonce_input")), (Unknown, true), "{report:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_searched_for_and_nothing_is_started_twice() {
    let (stub, attempts) =
        (Stub::start(World { start: Start::BegunUnanswered, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (1, 1));

    let (stub, attempts) = (Stub::start(World { start: Start::LostBefore, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Unknown, "{report:?}");
    assert_eq!((stub.count("POST", "/dispatches"), attempts.record(1)["stage"].as_str()), (1, Some("asking")));
    // The repeat looks first, then asks by the same nonce.
    stub.world().start = Start::Told;
    let report = attempts.act(2, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!(stub.count("POST", "/dispatches"), 2);
    assert_eq!(attempts.record(1)["nonce"], attempts.record(2)["nonce"]);
}

#[tokio::test]
async fn a_repeat_finds_what_an_earlier_attempt_began() {
    let (stub, attempts) = (Stub::start(World { start: Start::Silent, ..World::default() }).await, Attempts::new());
    assert_eq!(attempts.act(1, &stub, START).await.verdict, Pass);
    // As a crash leaves it, before anything was known of the run.
    for known in [false, true] {
        let mut record = attempts.record(1);
        record["stage"] = json!("asking");
        let record = record.as_object_mut().expect("a table");
        record.remove("conclusion");
        if !known {
            record.remove("run");
        }
        std::fs::write(attempts.dir(1).join("dispatch.json"), json!(record).to_string()).expect("written");
        let _ = std::fs::remove_file(attempts.dir(2).join("dispatch.json"));
        let report = attempts.act(2, &stub, START).await;
        assert_eq!(report.verdict, Pass, "{report:?}");
        assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (1, 1), "known {known}");
    }
    // One that ended is no reason not to start another.
    assert_eq!(attempts.act(3, &stub, START).await.verdict, Pass);
    assert_eq!(stub.world().runs.len(), 2);
    assert_ne!(attempts.record(2)["nonce"], attempts.record(3)["nonce"]);
}

#[tokio::test]
async fn what_was_accepted_and_never_seen_is_not_asked_for_again() {
    let (stub, attempts) = (Stub::start(World { start: Start::Swallowed, ..World::default() }).await, Attempts::new());
    for attempt in [1, 2] {
        let report = attempts.act(attempt, &stub, START).await;
        assert_eq!(report.verdict, Unknown, "{report:?}");
        assert_eq!(stub.count("POST", "/dispatches"), 1);
    }
    std::fs::write(attempts.dir(2).join("dispatch.json"), "{").expect("written");
    let report = attempts.act(3, &stub, START).await;
    assert_eq!((report.verdict, stub.count("POST", "/dispatches")), (Unknown, 1), "{report:?}");
}

#[tokio::test]
async fn two_runs_of_one_dispatch_fail() {
    let (stub, attempts) = (Stub::start(World { start: Start::Twice, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, report.summary.contains("2 runs carry tminus-")), (Fail, true), "{report:?}");
}

#[tokio::test]
async fn a_run_that_fails_or_is_of_another_commit_fails() {
    let (stub, attempts) = (Stub::start(World { conclusion: "failure", ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Fail, "{report:?}");
    assert!(report.findings.iter().any(|one| one.subject == "job tag" && one.verdict == Fail), "{report:?}");

    let (stub, attempts) = (Stub::start(World { head: OTHER.into(), ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, stub.count("POST", "")), (Fail, 0), "{report:?}");
    assert!(report.summary.contains("nothing was started: main stands at"), "{report:?}");

    let (stub, attempts) =
        (Stub::start(World { workflow_state: "disabled_manually", ..World::default() }).await, Attempts::new());
    assert_eq!((attempts.act(1, &stub, START).await.verdict, stub.count("POST", "")), (Fail, 0));
}

#[tokio::test]
async fn a_limit_is_waited_out_and_a_refusal_begins_nothing() {
    let limit = Trouble {
        method: "POST",
        at: "/dispatches",
        status: 429,
        headers: vec![("retry-after", "0".to_owned())],
        body: json!({ "message": "slow down" }),
        times: 1,
    };
    let refusal = Trouble {
        status: 403,
        headers: Vec::new(),
        body: json!({ "message": "Resource not accessible" }),
        ..limit.clone()
    };
    let broken = Trouble { method: "GET", at: "/jobs", status: 502, ..refusal.clone() };
    let (stub, attempts) =
        (Stub::start(World { troubles: vec![limit.clone(), broken], ..World::default() }).await, Attempts::new());
    assert_eq!(attempts.act(1, &stub, START).await.verdict, Pass);
    assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (2, 1));

    let (stub, attempts) = (Stub::start(World { troubles: vec![refusal], ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, attempts.record(1)["stage"].as_str()), (Fail, Some("refused")), "{report:?}");
    // Beyond our time: not waited for, and said.
    let long = Trouble { headers: vec![("retry-after", "7200".to_owned())], ..limit };
    stub.world().troubles = vec![long];
    let report = attempts.act(2, &stub, START).await;
    assert_eq!((report.verdict, report.summary.contains("again in 7200 s")), (Unknown, true), "{report:?}");
}

const AGAIN: &str = "commit = '{{ commit }}'\npoll = '20ms'\nsearch = '300ms'\n\
    rerun = { workflow = 'release-tag.yml', tags = 'v1\\.0\\.\\d+' }";

async fn begun(stub: &Stub, attempts: &Attempts) {
    assert_eq!(attempts.act(1, stub, START).await.verdict, Pass);
    stub.world().refs.push(("v1.0.42".into(), "commit", COMMIT.into()));
    stub.world().releases.push((1, "v1.0.42".into(), false));
}

#[tokio::test]
async fn a_rerun_is_idempotent_or_told_what_it_made() {
    let (stub, attempts, again) = (Stub::start(World::default()).await, Attempts::new(), Attempts::new());
    begun(&stub, &attempts).await;
    let report = again.act(1, &stub, AGAIN).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!(stub.world().runs[0]["run_attempt"], 2);
    stub.world().tag_by_rerun = Some("v1.0.43");
    let report = again.act(2, &stub, AGAIN).await;
    assert_eq!((report.verdict, report.summary.contains("v1.0.43 is new")), (Fail, true), "{report:?}");
    assert_eq!(stub.count("POST", "/rerun"), 2);
}

#[tokio::test]
async fn a_repeat_of_a_rerun_asks_only_where_none_began() {
    let (stub, attempts, again) = (Stub::start(World::default()).await, Attempts::new(), Attempts::new());
    begun(&stub, &attempts).await;
    assert_eq!(again.act(1, &stub, AGAIN).await.verdict, Pass);
    let mut record = again.record(1);
    record["stage"] = json!("asking");
    std::fs::write(again.dir(1).join("dispatch.json"), record.to_string()).expect("written");
    let report = again.act(2, &stub, AGAIN).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!((stub.count("POST", "/rerun"), stub.world().runs[0]["run_attempt"].as_u64()), (1, Some(2)));
}

#[tokio::test]
async fn a_run_that_goes_on_beyond_our_time_is_unknown() {
    let (stub, attempts) = (Stub::start(World { looks: usize::MAX, ..World::default() }).await, Attempts::new());
    let spec = table("dispatch", START, |table| step::Spec::read("dispatch", table));
    let look = Context { timeout: Duration::from_secs(2), ..context(&stub) };
    let report = spec.act(&Acting { look, dir: attempts.dir(1) }).await;
    assert_eq!((report.verdict, report.summary.contains("goes on")), (Unknown, true), "{report:?}");
    assert_eq!(attempts.record(1)["stage"].as_str(), Some("asked"));
}

/// Under the shim, as this binary: what the console starts.
async fn under_the_shim(stub: &Stub, text: &str, dir: &Path) -> proc::Started {
    let spec = table("dispatch", text, |table| step::Spec::read("dispatch", table));
    let entry = Entry {
        owner: ItemId::new("cut/release"),
        spec: Spec::Step(spec),
        scope: Scope::default(),
        session: None,
        examples: Examples::default(),
        text: Arc::from(whole(text)),
        real: false,
    };
    let redactor = Redactor::new([TOKEN.to_owned()]);
    let (program, base) = (Path::new(env!("CARGO_BIN_EXE_tminus")), Path::new("/"));
    let network = Network::Outside;
    let ground = act::Ground { program, base, redactor: &redactor, network: &network, simulated: None };
    let scope = context(stub).scope;
    let (intent, private) = act::prepared(&entry, &entry.owner, &scope, PATIENCE, ground).expect("prepared");
    proc::start(program, dir, &intent, &private).expect("started")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_acts_in_a_process_of_its_own_without_a_secret_on_disk() {
    let (stub, attempts) = (Stub::start(World::default()).await, Attempts::new());
    let dir = attempts.0.path().join("1");
    let started = under_the_shim(&stub, START, &dir).await;
    let Standing::Ended(outcome) =
        tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked")
    else {
        unreachable!("it ended")
    };
    let said = std::fs::read_to_string(dir.join("stdout")).expect("stdout");
    assert_eq!(outcome.exit, Some(0), "{said}");
    assert!(said.contains("job tag: success") && said.contains("https://github.com/o/r/actions/runs/"), "{said}");
    assert_eq!(record(&dir)["stage"].as_str(), Some("ended"));
    for file in std::fs::read_dir(&dir).expect("a folder") {
        let path = file.expect("a file").path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("read")).into_owned();
        assert!(!text.contains(TOKEN), "{} holds the token", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_the_step_cancels_the_run_only_where_the_plan_says_so() {
    for (cancels, wanted) in [(true, 1), (false, 0)] {
        let (stub, attempts) = (Stub::start(World { looks: usize::MAX, ..World::default() }).await, Attempts::new());
        let dir = attempts.0.path().join("1");
        let text = format!("{START}\ncancel_run = {cancels}");
        let started = under_the_shim(&stub, &text, &dir).await;
        wait::comes("job that is told", || {
            std::fs::read_to_string(dir.join("stdout")).is_ok_and(|said| said.contains("job tag:"))
        })
        .await;
        proc::stop(&dir, "cancelled").expect("asked");
        let Standing::Ended(outcome) =
            tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked")
        else {
            unreachable!("it ended")
        };
        assert!(outcome.ended_by.is_some(), "{outcome:?}");
        assert_eq!(stub.count("POST", "/cancel"), wanted);
    }
}
