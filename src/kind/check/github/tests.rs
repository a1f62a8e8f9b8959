//! What the check promises, on answers made by hand. How it asks over the wire stands in `tests/github.rs`.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire;
use crate::kind::check::Answer;
use Verdict::{Fail, Pass, Skipped, Unknown, Warn};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";

fn read(text: &str) -> (Option<Github>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.github]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Github::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn github(question: &str) -> Github {
    let text = format!("repo = 'o/r'\ntoken = '{{{{ token }}}}'\n{question}");
    let (read, found) = read(&text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.bind("commit", json!(COMMIT));
    scope.bind_secret("token", json!("ghp_abcdef"));
    scope
}

fn example(json: &Value) -> Answered {
    Answered { json: Some(crate::base::template::Shape::Plain(json.clone())), ..Answered::default() }
}

/// The verdict on documents by their words.
async fn judged(question: &str, json: Value) -> Report {
    let check = github(question);
    let seen = check.seen(&example(&json), &scope());
    check.judge(&seen, &scope(), &Jq::default()).await
}

async fn verdict(question: &str, json: Value) -> Verdict {
    judged(question, json).await.verdict
}

const RUN: &str = "commit = '{{ commit }}'\nrun = { id = '7', event = 'workflow_dispatch', branch = 'main' }";
const LATEST: &str = "commit = '{{ commit }}'\nrun = { workflow = 'release.yml' }";
const TAG: &str = "commit = '{{ commit }}'\ntag = 'v1.0.42'";
const TAGS: &str = "commit = '{{ commit }}'\ntags = { pattern = 'v1\\.0\\.(\\d+)', above = 'v1.0.41' }";
const RELEASE: &str = "release = { tag = 'v1.0.42', prerelease = false }";
const STATUS: &str = "commit = '{{ commit }}'\nstatus = { require = ['build'] }";
const MAY: &str = "permissions = 'push'";
const WORKFLOW: &str = "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\n[audit]\n\
    triggers_only = ['workflow_dispatch', 'workflow_run']\npermissions = { contents = 'write' }\n\
    nonce_input = 'nonce'\n\
    automatic = { conclusion = 'success', branch = 'main', event = 'push' }";

fn run(changes: &Value) -> Value {
    let mut run = json!({
        "status": "completed", "conclusion": "success", "head_sha": COMMIT,
        "event": "workflow_dispatch", "head_branch": "main", "run_number": 42,
    });
    for (key, value) in changes.as_object().expect("changes") {
        run[key] = value.clone();
    }
    run
}

#[tokio::test]
async fn a_run_is_right_only_by_conclusion_and_commit() {
    for (changes, wanted) in [
        (json!({}), Pass),
        (json!({ "conclusion": "failure" }), Fail),
        (json!({ "conclusion": "cancelled" }), Fail),
        (json!({ "conclusion": "skipped" }), Skipped),
        (json!({ "conclusion": "neutral" }), Warn),
        (json!({ "conclusion": null }), Unknown),
        (json!({ "status": "in_progress", "conclusion": null }), Unknown),
        (json!({ "head_sha": OTHER }), Fail),
        (json!({ "event": "push" }), Fail),
        (json!({ "head_branch": null }), Unknown),
        (json!({ "head_branch": "dev" }), Fail),
    ] {
        assert_eq!(verdict(RUN, json!({ "run": run(&changes) })).await, wanted, "{changes}");
    }
}

#[tokio::test]
async fn the_latest_run_is_the_one_with_the_highest_number() {
    let old = run(&json!({ "run_number": 41, "conclusion": "failure" }));
    let new = run(&json!({}));
    let runs = |all: &[&Value]| json!({ "runs": { "total_count": all.len(), "workflow_runs": all } });
    assert_eq!(verdict(LATEST, runs(&[&old, &new])).await, Pass);
    assert_eq!(verdict(LATEST, runs(&[&new, &run(&json!({ "run_number": 43, "conclusion": "failure" }))])).await, Fail);
    assert_eq!(verdict(LATEST, runs(&[])).await, Fail);
    assert_eq!(verdict(LATEST, json!({ "runs": {} })).await, Unknown);
}

fn tag_ref(name: &str, kind: &str, sha: &str) -> Value {
    json!({ "ref": format!("refs/tags/{name}"), "object": { "type": kind, "sha": sha } })
}

#[tokio::test]
async fn a_tag_is_peeled_to_its_commit() {
    let light = tag_ref("v1.0.42", "commit", COMMIT);
    let annotated = tag_ref("v1.0.42", "tag", OTHER);
    let of = |kind: &str, sha: &str| json!({ "object": { "type": kind, "sha": sha } });
    for (name, json, wanted) in [
        ("light", json!({ "refs": [light] }), Pass),
        ("moved", json!({ "refs": [tag_ref("v1.0.42", "commit", OTHER)] }), Fail),
        ("annotated", json!({ "refs": [annotated], "tag": of("commit", COMMIT) }), Pass),
        ("annotated and moved", json!({ "refs": [annotated], "tag": of("commit", OTHER) }), Fail),
        ("of a tree", json!({ "refs": [annotated], "tag": of("tree", COMMIT) }), Fail),
        ("without end", json!({ "refs": [annotated], "tag": of("tag", OTHER) }), Unknown),
        ("longer only", json!({ "refs": [tag_ref("v1.0.420", "commit", COMMIT)] }), Fail),
        ("longer beside", json!({ "refs": [light, tag_ref("v1.0.420", "commit", OTHER)] }), Pass),
        ("other letters", json!({ "refs": [light, tag_ref("V1.0.42", "commit", COMMIT)] }), Fail),
        ("none", json!({ "refs": [] }), Fail),
        ("no list", json!({ "refs": {} }), Unknown),
    ] {
        assert_eq!(verdict(TAG, json).await, wanted, "{name}");
    }
    let check = github(TAG);
    let seen = check.seen(&example(&json!({ "refs": [annotated], "tag": of("tag", OTHER) })), &scope());
    assert!(seen.answers.len() < 10, "a circle of tags is left: {}", seen.answers.len());
}

fn named(name: &str, sha: &str) -> Value {
    json!({ "name": name, "commit": { "sha": sha } })
}

#[tokio::test]
async fn tags_count_up_and_mark_the_commit_once() {
    let old = named("v1.0.41", OTHER);
    for (name, tags, wanted) in [
        ("right", vec![named("v1.0.42", COMMIT), old.clone(), named("nightly", COMMIT)], Pass),
        ("numbers are no texts", vec![named("v1.0.100", COMMIT), old.clone()], Pass),
        ("not above", vec![old.clone()], Fail),
        ("of another commit", vec![named("v1.0.42", OTHER), old.clone()], Fail),
        ("two for the commit", vec![named("v1.0.43", COMMIT), named("v1.0.42", COMMIT)], Fail),
        ("one number twice", vec![named("v1.0.42", COMMIT), named("v1.0.042", OTHER)], Fail),
        ("none", vec![named("nightly", COMMIT)], Fail),
    ] {
        assert_eq!(verdict(TAGS, json!({ "tags": tags })).await, wanted, "{name}");
    }
    let question = "tags = { pattern = 'v(\\d+)', above = 'last' }";
    assert_eq!(verdict(question, json!({ "tags": [named("v2", COMMIT)] })).await, Unknown);
}

#[tokio::test]
async fn a_release_is_there_once_and_out() {
    let one = |changes: Value| {
        let mut one = json!({ "tag_name": "v1.0.42", "draft": false, "prerelease": false });
        changes.as_object().expect("changes").iter().for_each(|(key, value)| one[key] = value.clone());
        one
    };
    for (name, releases, wanted) in [
        ("right", vec![one(json!({})), one(json!({ "tag_name": "v1.0.41" }))], Pass),
        ("twice", vec![one(json!({})), one(json!({ "draft": true }))], Fail),
        ("draft", vec![one(json!({ "draft": true }))], Fail),
        ("prerelease", vec![one(json!({ "prerelease": true }))], Fail),
        ("no word on draft", vec![one(json!({ "draft": null }))], Unknown),
        ("none", vec![], Fail),
    ] {
        assert_eq!(verdict(RELEASE, json!({ "releases": releases })).await, wanted, "{name}");
    }
}

#[tokio::test]
async fn nothing_reported_is_not_green() {
    let status = |states: &[(&str, &str)]| {
        let statuses: Vec<Value> = states.iter().map(|(c, s)| json!({ "context": c, "state": s })).collect();
        // With no status at all GitHub says `pending` here: it is not looked at.
        json!({ "sha": COMMIT, "state": "pending", "statuses": statuses })
    };
    let checks = |runs: &[(&str, &str, &str)]| {
        let runs = runs.iter().map(|(n, s, c)| json!({ "name": n, "status": s, "conclusion": c }));
        json!({ "check_runs": runs.collect::<Vec<_>>() })
    };
    let build = ("build", "completed", "success");
    for (name, status, checks, wanted) in [
        ("green", status(&[]), checks(&[build]), Pass),
        ("both", status(&[("deploy", "success")]), checks(&[build]), Pass),
        ("nothing", status(&[]), checks(&[]), Unknown),
        ("the required one is missing", status(&[("deploy", "success")]), checks(&[]), Unknown),
        ("pending", status(&[("deploy", "pending")]), checks(&[build]), Unknown),
        ("running", status(&[]), checks(&[build, ("lint", "in_progress", "")]), Unknown),
        ("red beside running", status(&[("deploy", "error")]), checks(&[build, ("lint", "queued", "")]), Fail),
        ("skipped beside green", status(&[]), checks(&[build, ("docs", "completed", "skipped")]), Pass),
        ("skipped alone", status(&[]), checks(&[("build", "completed", "skipped")]), Skipped),
        ("timed out", status(&[]), checks(&[build, ("lint", "completed", "timed_out")]), Fail),
    ] {
        assert_eq!(verdict(STATUS, json!({ "status": status, "check_runs": checks })).await, wanted, "{name}");
    }
    let other = json!({ "status": { "sha": OTHER, "statuses": [] }, "check_runs": checks(&[build]) });
    assert_eq!(verdict(STATUS, other).await, Fail);
}

#[tokio::test]
async fn a_token_may_by_role_and_by_scope() {
    let check = github(MAY);
    let judged = async |role: &str, scopes: Option<&'static str>, private: bool| {
        let may = json!({ "pull": true, "triage": true, "push": role == "push", "admin": false });
        let body = json!({ "private": private, "permissions": may }).to_string();
        let mut headers = HeaderMap::new();
        scopes.map(|scopes| headers.insert("x-oauth-scopes", HeaderValue::from_static(scopes)));
        let http = wire::Answer { status: 200, headers, body: Bytes::from(body), ..wire::Answer::default() };
        let answers = vec![("repo /repos/o/r".to_owned(), Ok(Answer { http, ..Answer::default() }))];
        check.judge(&Seen { answers, control_answers: false }, &scope(), &Jq::default()).await.verdict
    };
    assert_eq!(judged("push", Some("repo, workflow"), true).await, Pass);
    assert_eq!(judged("pull", Some("repo"), true).await, Fail);
    assert_eq!(judged("push", Some("gist"), true).await, Fail);
    assert_eq!(judged("push", Some(""), true).await, Fail);
    assert_eq!(judged("push", Some("public_repo"), true).await, Fail);
    assert_eq!(judged("push", Some("public_repo"), false).await, Pass);
    assert_eq!(judged("push", None, true).await, Warn);
    assert_eq!(verdict(MAY, json!({ "repo": {} })).await, Unknown);
}

#[tokio::test]
async fn an_answer_that_is_none_is_judged_by_its_kind() {
    for (status, wanted) in [(404, Unknown), (403, Unknown), (401, Unknown), (429, Unknown), (500, Fail), (502, Fail)] {
        for question in [RUN, LATEST, TAG, TAGS, RELEASE, STATUS, WORKFLOW] {
            let check = github(question);
            let answer = Answered { status: Some(status), ..Answered::default() };
            let report = check.judge(&check.seen(&answer, &scope()), &scope(), &Jq::default()).await;
            assert_eq!(report.verdict, wanted, "{status} to {question}: {report:?}");
        }
    }
    let check = github(MAY);
    for status in [401, 404] {
        let answer = Answered { status: Some(status), ..Answered::default() };
        assert_eq!(check.judge(&check.seen(&answer, &scope()), &scope(), &Jq::default()).await.verdict, Fail);
    }
    for (cause, control, wanted) in
        [(Cause::Refused, false, Fail), (Cause::NotResolved, false, Unknown), (Cause::NotResolved, true, Fail)]
    {
        let seen = Seen { answers: vec![("refs /x".into(), Err(cause))], control_answers: control };
        assert_eq!(github(TAG).judge(&seen, &scope(), &Jq::default()).await.verdict, wanted);
    }
}

#[tokio::test]
async fn a_list_that_goes_on_proves_nothing() {
    let check = github(RELEASE);
    let seen = |link: &str| {
        let mut seen = check.seen(
            &example(&json!({ "releases": [{ "tag_name": "v1.0.42", "draft": false, "prerelease": false }] })),
            &scope(),
        );
        if let (_, Ok(answer)) = &mut seen.answers[0] {
            answer.http.headers.insert("link", HeaderValue::from_str(link).expect("a value"));
        }
        seen
    };
    for link in [
        "<https://api.github.com/repositories/7/releases?page=2>; rel=\"next\"",
        "<https://evil.example/releases?page=2>; rel=\"next\"",
    ] {
        let report = check.judge(&seen(link), &scope(), &Jq::default()).await;
        assert_eq!(report.verdict, Unknown, "{report:?}");
    }
    let last = "<https://api.github.com/repositories/7/releases?page=1>; rel=\"prev\"";
    assert_eq!(check.judge(&seen(last), &scope(), &Jq::default()).await.verdict, Pass);
}

#[tokio::test]
async fn the_derived_examples_pass_and_are_served_as_routes() {
    for question in [RUN, LATEST, TAG, RELEASE, STATUS, MAY, WORKFLOW] {
        let check = github(question);
        let good = check.derive(&scope()).expect("plain");
        let report = check.judge(&check.seen(&good, &scope()), &scope(), &Jq::default()).await;
        assert_eq!(report.verdict, Pass, "{question}: {report:?}");
        let routes = check.routes(&[good], None, &scope());
        assert!(routes.iter().all(|route| route.url.starts_with("https://api.github.com/repos/o/r")), "{routes:?}");
        assert_eq!(routes.len(), if question == STATUS { 2 } else { 1 });
    }
    assert!(github(TAGS).derive(&scope()).is_err());
}

#[test]
fn a_route_leaves_open_what_has_no_value_yet() {
    let check = github("commit = '{{ commit }}'\ntag = 'v1.0.{{ number }}'");
    let refs = example(&json!({ "refs": [] }));
    let routes = check.routes(&[refs], None, &scope());
    assert_eq!(routes[0].url, "https://api.github.com/repos/o/r/git/matching-refs/tags/v1.0.{{ number }}");
}

#[test]
fn a_short_commit_is_no_commit() {
    let (_, found) = read("repo = 'o/r'\ncommit = '0123456'\ntag = 'v1'");
    assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), ["wrong-value"]);
}

#[tokio::test]
async fn a_commit_that_is_not_whole_is_compared_with_nothing() {
    let mut scope = scope();
    scope.bind("commit", json!("0123456"));
    let check = github(TAG);
    let seen = check.seen(&example(&json!({ "refs": [tag_ref("v1.0.42", "commit", "0123456")] })), &scope);
    assert_eq!(check.judge(&seen, &scope, &Jq::default()).await.verdict, Unknown);
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (text, codes) in [
        ("repo = 'o/r'", vec!["missing-key"]),
        ("repo = 'or'\nrelease = { tag = 'v1' }", vec!["wrong-value"]),
        ("repo = 'o/r'\ntag = 'v1'", vec!["missing-key"]),
        ("repo = 'o/r'\napi = 'api'\nrelease = { tag = 'v1' }", vec!["wrong-value"]),
        ("repo = 'o/r'\ntoken = 'ghp_x'\nrelease = { tag = 'v1' }", vec!["wrong-value"]),
        ("repo = 'o/r'\napi_version = 'new'\nrelease = { tag = 'v1' }", vec!["wrong-value"]),
        ("repo = 'o/r'\nrelease = { tag = 'v1' }\npermissions = 'push'", vec!["wrong-value"]),
        ("repo = 'o/r'\npermissions = 'write'", vec!["wrong-value"]),
        ("repo = 'o/r'\ncommit = '{{ commit }}'\npermissions = 'push'", vec!["wrong-value"]),
        ("repo = 'o/r'\ntags = { pattern = 'v1' }", vec!["wrong-value"]),
        ("repo = 'o/r'\ntags = { pattern = 'v(' }", vec!["wrong-value"]),
        ("repo = 'o/r'\ncommit = '{{ commit }}'\nrun = { branch = 'main' }", vec!["missing-key"]),
        ("repo = 'o/r'\ncommit = '{{ commit }}'\nworkflow = 'x.yml'\naudit = {}", vec!["missing-key"]),
        ("repo = 'o/r'\ncommit = '{{ commit }}'\nstatus = { requires = 'x' }", vec!["unknown-key"]),
    ] {
        let (_, found) = read(text);
        assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), codes, "{text}: {found:?}");
    }
}

#[test]
fn the_example_of_the_reference_reads_and_says_what_it_expects() {
    let (check, found) = read(Github::KIND.example);
    assert!(found.is_empty(), "{found:?}");
    let words = check.expect("a check").expects(&Scope::default());
    assert_eq!(words[0], "tag v1.0.42 is there once");
    for question in [RUN, LATEST, TAG, TAGS, RELEASE, STATUS, MAY, WORKFLOW] {
        let words = github(question).expects(&scope());
        assert!(!words.is_empty() && words.iter().collect::<BTreeSet<_>>().len() == words.len(), "{words:?}");
    }
}

proptest! {
    #[test]
    fn any_documents_are_judged_without_a_panic(text in "[\\[\\]{}\":,a-z0-9_]{0,60}", which in 0usize..8) {
        let question = [RUN, LATEST, TAG, TAGS, RELEASE, STATUS, MAY, WORKFLOW][which];
        let check = github(question);
        let document = serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text));
        let words = ["run", "runs", "refs", "tag", "tags", "releases", "status", "check_runs", "repo", "workflow"];
        let all: serde_json::Map<String, Value> = words.map(|word| (word.to_owned(), document.clone())).into_iter().collect();
        let seen = check.seen(&example(&Value::Object(all)), &scope());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let report = runtime.block_on(check.judge(&seen, &scope(), &Jq::default()));
        prop_assert!(report.verdict != Pass);
    }
}
