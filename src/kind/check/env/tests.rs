//! What the `env` check promises: every rule, every source, and that no value is ever shown.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::template::Shape;
use crate::base::wire::{Client, Limits, Network};
use crate::launch::verdict::Verdict;

fn read(text: &str) -> (Option<Env>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.env]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Env::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn env(text: &str) -> Env {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

fn context(base: &Path) -> Context {
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    Context { base: base.to_owned(), ..Context::new(client) }
}

/// The report on variables that were found.
fn judged(rules: &str, variables: Value) -> Report {
    let check = env(&format!("source = {{ file = '.env' }}\nevery_value = false\n{rules}"));
    let example = Answered { json: Some(Shape::Plain(variables)), ..Answered::default() };
    judge::report(&check, &check.seen(&example, &Scope::default()), &Scope::default())
}

#[test]
fn an_empty_set_and_values_that_refer_to_others_are_no_clean_set() {
    let everything = |variables: Value| {
        let check = env("source = { file = '.env' }\nset = ['A']");
        let example = Answered { json: Some(Shape::Plain(variables)), ..Answered::default() };
        let report = judge::report(&check, &check.seen(&example, &Scope::default()), &Scope::default());
        let all = report.findings.iter().find(|finding| finding.subject == "every value").expect("looked at");
        (all.verdict, all.seen.clone(), report.verdict)
    };
    let (all, seen, whole) = everything(json!({}));
    assert_eq!((all, seen.as_str(), whole), (Verdict::Unknown, "no variable is set at all", Verdict::Fail));
    assert_eq!(everything(json!({ "A": "  " })).0, Verdict::Unknown, "set to nothing is not set");
    let (all, seen, whole) = everything(json!({ "A": "x1", "B": { "refers": "$A" } }));
    assert!(seen.starts_with("a value refers to another"), "{seen}");
    assert_eq!((all, whole), (Verdict::Unknown, Verdict::Unknown));
    let (_, _, whole) = everything(json!({ "A": ["$B"] }));
    assert_eq!(whole, Verdict::Unknown, "its own value is not known");
    assert_eq!(everything(json!({ "A": "x1", "B": "changeme", "C": ["$A"] })).0, Verdict::Fail);
    assert_eq!(everything(json!({ "A": "x1", "B": "y2" })), (Verdict::Pass, "none".to_owned(), Verdict::Pass));
}

#[test]
fn every_placeholder_is_a_pattern() {
    let check = env("source = 'process'\nset = ['A']\nbanned = ['acme']");
    assert_eq!(check.banned.len(), table::placeholders() + 1);
}

#[test]
fn every_mistake_is_told_at_its_place_in_one_pass() {
    let text = concat!(
        "source = { fil = 'x' }\nset = ['A']\nbanned = '('\n[vars]\nA = 'x'\nB = 3\n",
        "C = { min_length = 0, url = 3, int = { min = 2, max = 1 }, differs_from = 'abc', required_if = { X = 1 }, matches = '(', lenght = 1 }\n",
    );
    let (_, found) = read(text);
    let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
    for place in ["{ fil = 'x' }", "'A'", "'('", "3", "0", "{ min = 2, max = 1 }", "'abc'", "X", "lenght"] {
        assert!(at.contains(&place), "nothing at {place}: {found:#?}");
    }
    for text in ["set = ['A']", "source = 'process'", "source = 'proces'\nset = 'A'"] {
        assert_eq!(read(text).1.len(), 1, "{text}");
    }
}

#[test]
fn each_rule_tells_right_from_wrong_without_the_value() {
    let print = "0cc175b9";
    let a_sum = "ca978112ca1bbdcafac231b39a23dc4d";
    for (rule, right, wrong) in [
        ("{}", "k9Zq2vT7", ""),
        ("{}", "k9Zq2vT7", "CHANGE_THIS_TO_A_LONG_SECRET"),
        ("{}", "k9Zq2vT7", "YOUR_RUNPOD_API_KEY"),
        ("{}", "k9Zq2vT7", "https://api.yourdomain.com"),
        ("{}", "k9Zq2vT7", "https://api.nanobanana.example"),
        ("{}", "k9Zq2vT7", "postgres://user:password@db/x"),
        ("{}", "k9Zq2vT7", "replace-with-a-key"),
        ("{}", "k9Zq2vT7", "change-me"),
        ("{}", "k9Zq2vT7", "dev-secret"),
        ("{}", "k9Zq2vT7", "<token>"),
        ("'false'", "false", "true"),
        ("{ one_of = ['INFO', 'WARNING'] }", "INFO", "DEBUG"),
        ("{ min_length = 8 }", "k9Zq2vT7", "k9Zq2v"),
        ("{ url = true }", "https://api.launch.test/x", "api.launch.test"),
        ("{ url = 'https' }", "https://api.launch.test", "http://api.launch.test"),
        ("{ url = true }", "redis://cache.launch.test:6379", "redis://localhost:6379"),
        ("{ url = true }", "https://10.1.2.3", "https://127.0.0.1:8443/x"),
        ("{ url = true }", "https://api.launch.test", "http://[::1]:3000"),
        ("{ url = { password = true } }", "redis://:k9Zq2vT7@cache.launch.test", "redis://cache.launch.test"),
        ("{ url = { schemes = ['postgres'] } }", "postgres://u:p@db.launch.test/x", "sqlite:///var/db"),
        ("{ int = { min = 1, max = 65535 } }", "4321", "70000"),
        ("{ int = true }", "4321", "4321x"),
        ("{ matches = '^prod-' }", "prod-bucket", "test-bucket"),
        ("{ bans = 'test|dev' }", "prod-bucket", "test-bucket"),
        ("{ same_as = 'OTHER' }", "same-value", "another-value"),
        (&format!("{{ differs_from = '{a_sum}' }}"), "b", "a"),
    ] {
        let report = |value: &str| {
            judged(&format!("vars = {{ NAME = {rule} }}"), json!({ "NAME": value, "OTHER": "same-value" }))
        };
        assert_eq!(report(right).verdict, Verdict::Pass, "{rule} {right}: {:#?}", report(right));
        let told = report(wrong);
        assert_eq!(told.verdict, Verdict::Fail, "{rule} {wrong}: {told:#?}");
        let seen = format!("{} {}", told.findings[0].seen, told.summary);
        assert!(wrong.len() < 4 || !seen.contains(wrong), "{seen}");
    }
    assert_eq!(
        judged(&format!("vars = {{ NAME = {{ differs_from = '{print}' }} }}"), json!({ "NAME": "a" })).verdict,
        Verdict::Pass
    );
}

#[test]
fn what_must_be_set_is_said_and_what_need_not_be_is_let_go() {
    let missing = judged("set = ['A', 'B']", json!({ "A": "x1", "B": "  " }));
    assert_eq!(missing.summary, "1 wrong: B set to nothing");
    assert_eq!(judged("set = 'A'", json!({ "B": "x1" })).summary, "1 wrong: A not set");
    assert_eq!(judged("vars = { A = { optional = true, int = true } }", json!({})).verdict, Verdict::Pass);
    assert_eq!(judged("vars = { A = { optional = true, int = true } }", json!({ "A": "x" })).verdict, Verdict::Fail);
    assert_eq!(judged("vars = { A = { absent = true } }", json!({})).verdict, Verdict::Pass);
    assert_eq!(judged("vars = { A = { absent = true } }", json!({ "A": "x" })).verdict, Verdict::Fail);
    let key = "vars = { RUNPOD_API_KEY = { required_if = { GPU_PROVIDER = 'runpod' } } }";
    assert_eq!(judged(key, json!({ "GPU_PROVIDER": "runpod" })).verdict, Verdict::Fail);
    assert_eq!(judged(key, json!({ "GPU_PROVIDER": "local" })).verdict, Verdict::Pass);
    assert_eq!(judged(key, json!({})).verdict, Verdict::Pass);
    let refers = judged("set = 'A'", json!({ "A": { "refers": true } }));
    assert_eq!(refers.verdict, Verdict::Unknown);
}

const FILE: &str = "JWT_SECRET=CHANGE_THIS_hunter22\nSENTRY_DSN=\"https://abcdef123456@sentry.launch.test/1\"\nNODE_ENV=production\nPLAN=YOUR_PLAN\n";

#[tokio::test]
async fn a_file_is_held_to_the_rules_and_no_value_of_it_is_ever_told() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join(".env"), FILE).expect("written");
    let cx = context(place.path());
    let text = "source = { file = '.env' }\nset = ['SENTRY_DSN']\nvars = { JWT_SECRET = { min_length = 32 }, NODE_ENV = 'production' }";
    let report = env(text).run(&cx).await.report;
    assert_eq!(report.verdict, Verdict::Fail);
    let seen: Vec<_> =
        report.findings.iter().map(|finding| (finding.subject.as_str(), finding.seen.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("JWT_SECRET", "is a placeholder, 20 characters"),
            ("NODE_ENV", "set, 10 characters"),
            ("SENTRY_DSN", "set, 41 characters"),
            ("every value", "a placeholder in PLAN"),
        ]
    );
    let told = format!("{report:?}");
    for value in ["hunter22", "abcdef123456", "YOUR_PLAN"] {
        assert!(!told.contains(value), "{value} in {told}");
    }
    let known = cx.redactor.text("CHANGE_THIS_hunter22 https://abcdef123456@sentry.launch.test/1 production");
    assert!(!known.contains("hunter22") && !known.contains("abcdef123456"), "{known}");
    assert!(known.contains("production"), "what the plan states itself is no secret: {known}");
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_unknown() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("broken.env"), "A=1\nhunter22\n").expect("written");
    fs::write(place.path().join("latin.env"), b"A=\xff").expect("written");
    let cx = context(place.path());
    for (source, why) in [
        ("{ file = 'none.env' }", "No such file"),
        ("{ file = '.' }", "no regular file"),
        ("{ file = 'broken.env' }", "line 2 is no `NAME=value`"),
        ("{ file = 'latin.env' }", "not UTF-8"),
        ("{ command = ['tminus-no-such-program'] }", "no such program"),
        ("{ command = ['sh', '-c', 'echo pod not found >&2; exit 1'] }", "exit 1: pod not found"),
        ("{ command = ['true'] }", "no variables"),
        ("{ command = ['echo', 'no variables here'] }", "line 1"),
    ] {
        let report = env(&format!("source = {source}\nset = ['A']")).run(&cx).await.report;
        assert_eq!(report.verdict, Verdict::Unknown, "{source}: {report:#?}");
        assert!(report.summary.contains(why) && !report.summary.contains("hunter22"), "{}", report.summary);
    }
}

#[tokio::test]
async fn this_process_and_a_commands_output_are_sources() {
    let place = tempfile::tempdir().expect("a folder");
    let cx = context(place.path());
    let own = env("source = 'process'\nset = ['PATH']\nvars = { TMINUS_NO_SUCH_VARIABLE = { absent = true } }");
    assert_eq!(own.run(&cx).await.report.verdict, Verdict::Pass);
    let missing = env("source = 'process'\nset = ['TMINUS_NO_SUCH_VARIABLE']").run(&cx).await.report;
    assert_eq!(missing.summary, "1 wrong: TMINUS_NO_SUCH_VARIABLE not set");
    let remote =
        env("source = { command = ['env'], env = { FLAG = 'hunter22' } }\nvars = { FLAG = { min_length = 8 } }");
    let report = remote.run(&cx).await.report;
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    assert!(!cx.redactor.text("hunter22").contains("hunter22"));
}

#[test]
fn the_example_that_follows_keeps_every_rule_and_else_one_is_asked_for() {
    let scope = Scope::default();
    for text in [
        Env::KIND.example,
        "source = { file = 'x' }",
        "source = 'process'\nset = ['A']\nvars = { B = { same_as = 'A' }, C = { absent = true }, D = { required_if = { E = 'x1' } } }",
        "source = 'process'\nvars = { U = { url = { schemes = ['redis'], password = true }, min_length = 60 }, I = { int = { max = 7 } } }",
    ] {
        let check = env(text);
        let good = check.derive(&scope).expect(text);
        let report = judge::report(&check, &check.seen(&good, &scope), &scope);
        assert_eq!(report.verdict, Verdict::Pass, "{text}: {report:#?}");
    }
    for text in [
        "source = 'process'\nvars = { A = { matches = '^prod-' } }",
        "source = 'process'\nvars = { A = { bans = 'k9' } }",
    ] {
        assert!(env(text).derive(&scope).is_err(), "{text}");
    }
}
