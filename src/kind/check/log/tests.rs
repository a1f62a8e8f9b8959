//! What a window of a log must come to, on lines written here and on files that grow, are cut and are rotated.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire::{Client, Limits, Network};
use crate::launch::verdict::Verdict;

fn reading(text: &str) -> (Option<Log>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let notes = Notes::default();
    let table = Table::new("[log]", parsed.span().into(), parsed.get_ref(), &notes);
    let log = Log::read(&table);
    table.finish();
    (log, notes.take_diagnostics())
}

fn log(expect: &str) -> Log {
    let (log, found) = reading(&format!("file = 'app.log'\nexpect = {{ {expect} }}"));
    assert!(found.is_empty(), "{found:?}");
    log.expect("a check")
}

async fn judged(expect: &str, text: &str) -> (Verdict, String) {
    let log = log(expect);
    let example = Answered { body: Some(text.to_owned()), ..Answered::default() };
    let report = log.judge(&log.seen(&example, &Scope::default()), &Scope::default(), &Jq::default()).await;
    (report.verdict, report.summary)
}

const FUNNEL: &str = r#"03:49:12 [@astrojs/node] Server listening on http://127.0.0.1:4321
{"type":"funnel","event":"session_started","templateId":"t"}
{"type":"provider_latency","level":"info","latencyMs":900}
{"type":"provider_error","level":"error","errorCode":"PROVIDER_TIMEOUT","latencyMs":25000}
web-1 | {"type":"funnel","event":"image_succeeded","latencyMs":1200}"#;

#[tokio::test]
async fn each_expectation_says_no_to_what_is_wrong_and_does_not_guess() {
    use Verdict::{Fail, Pass, Unknown};
    let events = |all: &str| format!("events = {{ at = '.event', all = [{all}] }}");
    for (expect, verdict) in [
        (events("'session_started', 'image_succeeded'"), Pass),
        (events("'session_started', 'image_failed'"), Fail),
        ("events = { at = '.name', all = ['x'] }".into(), Unknown),
        ("count = [{ where = '.level == \"error\"', that = '<= 1' }]".into(), Pass),
        ("count = [{ where = '.level == \"error\"', that = '<= 0' }]".into(), Fail),
        // No line says anything of severity: that there is none is not known.
        ("count = [{ where = '.severity == \"error\"', that = '<= 0' }]".into(), Unknown),
        ("ratio = [{ of = '.type == \"provider_error\"', to = '.level | length > 0', that = '<= 50%' }]".into(), Pass),
        ("ratio = [{ of = '.type == \"provider_error\"', to = '.level | length > 0', that = '<= 5%' }]".into(), Fail),
        ("ratio = [{ of = '.type == \"provider_error\"', that = '<= 50%', min = 20 }]".into(), Unknown),
        ("number = [{ jq = '.latencyMs', unit = 'ms', stat = 'max', that = '<= 25s', min = 3 }]".into(), Pass),
        ("number = [{ jq = '.latencyMs', unit = 'ms', stat = 'p95', that = '<= 24.9s' }]".into(), Fail),
        ("number = [{ jq = '.latencyMs', stat = 'p50', that = '<= 1200' }]".into(), Pass),
        ("number = [{ jq = '.latencyMs', that = '<= 1200', min = 4 }]".into(), Unknown),
        ("number = [{ jq = '.nothing', that = '<= 1200' }]".into(), Unknown),
        ("forbidden = { keys = ['(?i)prompt|authorization|api.?key|token'] }".into(), Pass),
        ("forbidden = { keys = ['(?i)template'] }".into(), Fail),
        ("forbidden = { values = ['sk-[a-z0-9]+'] }".into(), Pass),
        ("forbidden = { values = ['PROVIDER_[A-Z]+'] }".into(), Fail),
        ("text = ['Server listening']".into(), Pass),
        ("text = ['Server gone']".into(), Fail),
        ("text_absent = ['listening']".into(), Fail),
    ] {
        let (found, why) = judged(&expect, FUNNEL).await;
        assert_eq!(found, verdict, "{expect}: {why}");
    }
}

#[tokio::test]
async fn silence_is_no_health() {
    for expect in ["forbidden = { keys = ['prompt'] }", "text_absent = ['x']", "forbidden = { values = ['x'] }"] {
        assert_eq!(judged(expect, "\n \n").await.0, Verdict::Unknown, "{expect}");
    }
    assert_eq!(judged("forbidden = { keys = ['prompt'] }", "plain text alone").await.0, Verdict::Unknown);
}

#[tokio::test]
async fn what_must_not_be_logged_is_not_shown_either() {
    let text = "{\"a\":{\"prompt\":\"my dear secret\"}}\nkey=sk-abc123";
    let (verdict, why) = judged("forbidden = { keys = ['prompt'], values = ['sk-[a-z0-9]+'] }", text).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(why.contains(".a.prompt in line 1") && !why.contains("dear"), "{why}");
    let log = log("forbidden = { values = ['sk-[a-z0-9]+'] }");
    let example = Answered { body: Some(text.to_owned()), ..Answered::default() };
    let report = log.judge(&log.seen(&example, &Scope::default()), &Scope::default(), &Jq::default()).await;
    assert!(!format!("{report:?}").contains("abc123"), "{report:?}");
}

fn context(folder: &std::path::Path) -> Context {
    Context {
        base: folder.to_owned(),
        timeout: Duration::from_secs(30),
        ..Context::new(Client::new(&Network::Outside, Limits::default()).expect("a client"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_followed_from_its_end_over_a_cut_and_a_rotation_until_all_has_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.log");
    std::fs::write(&path, "{\"event\":\"old\"}\n").expect("written");
    let (check, found) = reading(
        "file = 'app.log'\nwithin = '20s'\nexpect = { events = { at = '.event', all = ['one', 'two', 'three'] } }",
    );
    assert!(found.is_empty(), "{found:?}");
    let check = check.expect("a check");
    let cx = context(folder.path());
    let looking = tokio::spawn(async move { check.run(&cx).await.report });
    let add = |text: &str| {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("open");
        file.write_all(text.as_bytes()).expect("written");
    };
    for step in 0..12 {
        match step {
            3 => add("{\"event\":\"one\"}\n"),
            6 => {
                std::fs::write(&path, "").expect("cut");
                add("{\"event\":\"two\"}\n");
            }
            9 => {
                std::fs::rename(&path, folder.path().join("app.log.1")).expect("rotated");
                add("{\"event\":\"three\"}\n");
            }
            _ => {}
        }
        for _ in 0..5 {
            tokio::time::advance(Duration::from_millis(200)).await;
            tokio::task::yield_now().await;
        }
    }
    let report = looking.await.expect("no panic");
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.summary);
    assert!(report.took < Duration::from_secs(20), "{:?}", report.took);
}

#[tokio::test]
async fn a_missing_file_and_a_broken_command_are_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let cx = context(folder.path());
    let of = |text: &str| reading(text).0.expect("a check");
    let expect = "expect = { text_absent = ['x'] }";
    for (source, told) in [
        ("file = 'no.log'", "No such file"),
        ("command = ['no-such-program-here']", "no-such-program-here"),
        ("command = ['sh', '-c', 'echo fine; echo refused >&2; exit 1']", "exit 1 refused"),
    ] {
        let report = of(&format!("{source}\n{expect}")).run(&cx).await.report;
        assert_eq!(report.verdict, Verdict::Unknown, "{source}: {}", report.summary);
        assert!(report.summary.contains(told), "{source}: {}", report.summary);
    }
    let report = of(&format!("command = ['sh', '-c', 'echo fine']\n{expect}")).run(&cx).await.report;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.summary);
    let endless = "command = ['sh', '-c', 'echo x; while :; do read y < /dev/zero; done']\nwithin = '20s'\nexpect = { text = ['x'] }";
    let report = of(endless).run(&cx).await.report;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.summary);
    assert!(report.took < Duration::from_secs(15));
}

#[tokio::test]
async fn a_command_that_ends_before_its_window_tells_nothing_of_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "command = ['sh', '-c', 'echo fine']\nfor = '5m'\nexpect = { text_absent = ['x'] }";
    let check = reading(text).0.expect("a check");
    assert_eq!(check.lasts(), Some(Duration::from_secs(300)), "the check has as long as its window");
    let report = check.run(&context(folder.path())).await.report;
    assert_eq!(report.verdict, Verdict::Unknown, "{}", report.summary);
    assert!(report.summary.contains("before its window"), "{}", report.summary);
}

#[tokio::test]
async fn more_than_a_window_may_hold_is_said_and_not_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("app.log"), "x\n".repeat(MOST_LINES + 1)).expect("written");
    let report = log("text_absent = ['y']").run(&context(folder.path())).await.report;
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.summary.contains("narrow it"), "{}", report.summary);
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, code) in [
        ("expect = { text = ['x'] }", "missing-key"),
        ("file = 'a'\ncommand = ['b']\nexpect = { text = ['x'] }", "wrong-value"),
        ("file = 'a'", "missing-key"),
        ("file = 'a'\nfor = '1s'\nwithin = '1s'\nexpect = { text = ['x'] }", "wrong-value"),
        ("file = 'a'\nbegin = 'end'\nexpect = { text = ['x'] }", "wrong-value"),
        ("file = 'a'\nexpect = { text = ['('] }", "wrong-value"),
        ("file = 'a'\nexpect = { count = [{ where = '.a ==', that = '<= 1' }] }", "wrong-value"),
        ("file = 'a'\nexpect = { count = [{ where = '.a', that = 'p95 <= 1s' }] }", "wrong-value"),
        ("file = 'a'\nexpect = { number = [{ jq = '.a', that = '<= 1s' }] }", "missing-key"),
        ("file = 'a'\nexpect = { number = [{ jq = '.a', unit = 'MB', that = '<= 1s' }] }", "wrong-value"),
        ("file = 'a'\nexpect = { ratio = [{ of = '.a', that = '<= 5%', min = 0 }] }", "wrong-value"),
        ("file = 'a'\nexpect = { forbiden = {} }", "unknown-key"),
    ] {
        let found = reading(text).1;
        assert_eq!(found.first().map(|found| found.code), Some(code), "{text}: {found:?}");
    }
}

#[tokio::test]
async fn the_good_example_follows_where_it_is_plain_and_passes() {
    let log = log(
        "events = { at = '.event', all = ['a', 'b'] }, count = [{ where = '.level == \"error\"', that = '<= 0' }, \
         { where = '.event == \"a\"', that = '>= 2' }], \
         ratio = [{ of = '.ok == false', that = '<= 5%', min = 20 }], \
         number = [{ jq = '.ms', unit = 'ms', stat = 'p95', that = '<= 2s', min = 20 }], text = ['ready']",
    );
    let good = log.derive(&Scope::default()).expect("plain");
    let report = log.judge(&log.seen(&good, &Scope::default()), &Scope::default(), &Jq::default()).await;
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}\n{}", good.body.unwrap_or_default());
    assert_eq!(json!(log.expect.words().len()), json!(6));
}
