//! What the `command` check promises, on its table and on programs that are run.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::json;
use toml::de::DeTable;

use super::*;
use crate::base::source::Diagnostic;
use crate::base::table::Notes;
use crate::base::wire::{Client, Limits, Network};
use crate::kind::session::{Session, SessionPlan};

fn read(text: &str) -> (Option<Command>, Vec<Diagnostic>) {
    let (parsed, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    let notes = Notes::default();
    let table = Table::new("[phase.item.command]", parsed.span().into(), parsed.get_ref(), &notes);
    let read = Command::read(&table);
    table.finish();
    (read, notes.take_diagnostics())
}

fn command(text: &str) -> Command {
    let (read, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    read.expect("a check")
}

fn context(base: &Path) -> Context {
    let client = Client::new(&Network::Outside, Limits::default()).expect("a client");
    Context { base: base.to_owned(), timeout: Duration::from_secs(60), ..Context::new(client) }
}

async fn ran(text: &str, base: &Path) -> Ran {
    command(text).run(&context(base)).await
}

async fn report(script: &str, rest: &str) -> Report {
    let place = tempfile::tempdir().expect("a folder");
    ran(&format!("command = ['sh', '-c', '''{script}''']\n{rest}"), place.path()).await.report
}

#[test]
fn every_mistake_is_told_at_its_place_in_one_pass() {
    let text = concat!(
        "command = 'x'\nexit = { 300 = 'warn' }\nskipped = '.a ||'\ncapture = { a = { jq = '.a', regex = '(a)' }, b = 3 }\n",
        "[expect]\nstdout = '('\njson = '.a =='\nnumber = [{ jq = '.a' }, { regex = 'a', that = '<= 1' }, { that = '< x' }]\nexitt = 1\n",
        "[output]\nfile = 'a/*/b.json'\nschema = { type = 3 }\n",
    );
    let (_, found) = read(text);
    let at: Vec<&str> = found.iter().map(|wrong| &text[wrong.span.start..wrong.span.end]).collect();
    for place in ["300", "'.a ||'", "{ jq = '.a', regex = '(a)' }", "3", "'('", "'.a =='", "{ jq = '.a' }", "'a'"] {
        assert!(at.contains(&place), "nothing at {place}: {found:#?}");
    }
    for place in ["'< x'", "exitt", "'a/*/b.json'", "{ type = 3 }"] {
        assert!(at.contains(&place), "nothing at {place}: {found:#?}");
    }
    let (none, found) = read("expect = { stdout = 'x' }");
    assert!(none.is_none() && found[0].code == "missing-key", "{found:?}");
}

#[test]
fn a_lenient_exit_code_wants_the_programs_own_words() {
    for text in [
        "command = 'x'\nexit = { 2 = 'warn' }",
        "command = 'x'\nexit = { 1 = 'pass' }\nexpect = { stdout_absent = 'E' }",
    ] {
        let (_, found) = read(text);
        assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), ["exit-without-output"], "{text}");
    }
    command("command = 'x'\nexit = { 2 = 'fail' }");
    command("command = 'x'\nexit = { 2 = 'warn' }\nexpect = { stdout = 'overall' }");
    command("command = 'x'\nexit = { 2 = 'warn' }\noutput = { file = 'r.json' }");
}

#[tokio::test]
async fn exit_and_output_are_findings_with_expected_beside_seen() {
    let expect = "expect = { stdout = ['Tests +\\d+ passed'], stdout_absent = 'FAIL', stderr = 'note', stderr_absent = 'Error' }";
    let report_of = async |script: &str| report(script, expect).await;
    let right = report_of(r#"printf "Tests  \033[32m40 passed\033[0m\n"; echo note >&2"#).await;
    assert_eq!((right.verdict, right.findings.len()), (Verdict::Pass, 5), "{right:#?}");
    let wrong = report_of("echo FAIL; echo Error >&2; exit 1").await;
    assert!(wrong.findings.iter().all(|finding| finding.verdict == Verdict::Fail), "{wrong:#?}");
    assert_eq!(wrong.summary, "exit expected 0, seen 1 · stderr: Error");
    let exchange = wrong.exchange.expect("what it said");
    assert_eq!((exchange.response.as_str(), exchange.response_body.as_str()), ("exit 1", "FAIL\nstderr:\nError"));
    let silent = report("true", "expect = { stdout_absent = 'FAIL' }").await;
    assert_eq!(silent.verdict, Verdict::Unknown, "no absence follows from silence");
}

#[tokio::test]
async fn what_never_ran_crashed_or_was_ended_is_unknown_and_says_why() {
    let place = tempfile::tempdir().expect("a folder");
    for (text, why) in [
        ("command = 'tminus-no-such-program'", "no such program on the PATH"),
        ("command = ['./none.sh']", "there is no such file"),
        ("command = 'true'\ncwd = 'nowhere'", "there is no folder"),
        ("shell = 'kill -SEGV $$'", "signal 11"),
        ("shell = 'no-such-command-at-all'", "127"),
        ("command = ['sh', '-c', 'exit 126']", "126"),
        (
            "command = ['sh', '-c', 'echo Traceback \\(most recent call last\\): >&2; echo KeyError: 1 >&2; exit 1']",
            "KeyError: 1",
        ),
        (
            "command = ['sh', '-c', 'echo \"x.py: line 9: syntax error\" >&2; exit 2']\nexit = { 2 = 'warn' }\nexpect = { stdout_absent = 'x', stderr = '.' }",
            "its shell cannot read it",
        ),
    ] {
        let report = ran(text, place.path()).await.report;
        assert_eq!(report.verdict, Verdict::Unknown, "{text}: {report:#?}");
        assert!(report.summary.contains(why), "{text}: {}", report.summary);
    }
    let slow = Context { timeout: Duration::from_millis(200), ..context(place.path()) };
    let report = command("command = ['sleep', '600']").run(&slow).await.report;
    assert_eq!(
        (report.verdict, report.summary.as_str()),
        (Verdict::Fail, "exit expected 0, seen no end within its time")
    );
}

#[tokio::test]
async fn an_exit_code_without_the_json_that_tells_why_is_no_verdict() {
    let json = "expect = { json = ['.pass == true'] }";
    for (script, wanted, said) in [
        (r#"echo "{\"pass\":true}""#, Verdict::Pass, "2 of 2 as expected"),
        (r#"echo "{\"pass\":true}"; echo Report written"#, Verdict::Pass, "JSON followed by 1 line of text"),
        (r#"echo "{\"pass\":false}""#, Verdict::Fail, "although its exit code says it is well"),
        (r#"echo "{\"pass\":true}"; exit 1"#, Verdict::Fail, "although its JSON says it is well"),
        (r#"echo "{\"pass\":false}"; exit 1"#, Verdict::Fail, "exit expected 0, seen 1"),
        ("echo audit v1; echo error: request failed >&2; exit 1", Verdict::Unknown, "request failed"),
        ("exit 1", Verdict::Unknown, "no JSON that tells why"),
        ("true", Verdict::Unknown, "nothing was said"),
        (r#"echo "{}""#, Verdict::Unknown, ".pass"),
    ] {
        let report = report(script, json).await;
        assert_eq!(report.verdict, wanted, "{script}: {report:#?}");
        assert!(report.summary.contains(said), "{script}: {}", report.summary);
    }
    let mapped = report("echo nothing; exit 2", &format!("exit = {{ 2 = 'warn' }}\n{json}")).await;
    assert_eq!(mapped.verdict, Verdict::Unknown);
    let warned = report(r#"echo "{\"pass\":true}"; exit 2"#, &format!("exit = {{ 2 = 'warn' }}\n{json}")).await;
    assert_eq!(warned.verdict, Verdict::Warn);
}

#[tokio::test]
async fn more_than_is_kept_is_no_json() {
    let report = report(
        "echo '{\"pass\":true,\"x\":\"'; head -c 5000000 /dev/zero | tr '\\0' x; echo '\"}'",
        "expect = { json = ['.pass == true'], stdout_absent = 'E' }",
    )
    .await;
    assert!(report.findings[1..].iter().all(|finding| finding.verdict == Verdict::Unknown), "{report:#?}");
}

#[tokio::test]
async fn what_must_not_be_said_is_not_known_of_what_was_cut() {
    let loud = "head -c 5000000 /dev/zero | tr '\\0' x >&2";
    let told = report(loud, "expect = { stderr_absent = 'Error' }").await;
    let finding = told.findings.iter().find(|finding| finding.subject == "stderr").expect("looked at");
    assert_eq!((finding.verdict, told.verdict), (Verdict::Unknown, Verdict::Unknown), "{told:#?}");
    let told = report(&format!("{loud}; printf '\\nError\\n' >&2"), "expect = { stderr_absent = 'Error' }").await;
    assert_eq!(told.verdict, Verdict::Fail, "what is there is there: {told:#?}");
    assert_eq!(report("echo fine >&2", "expect = { stderr_absent = 'Error' }").await.verdict, Verdict::Pass);
}

/// A program that writes `report.json`, and the check of it.
const WRITES: &str = "output = { file = 'report.json', json = ['.pass == true'], schema = { required = ['pass'] } }";

#[tokio::test]
async fn an_output_file_must_be_of_this_run() {
    let writes =
        |json: &str| format!("command = ['sh', '-c', '''echo \"$1\" > report.json''', 'sh', '{json}']\n{WRITES}");
    let place = tempfile::tempdir().expect("a folder");
    let report = ran(&writes(r#"{"pass":true}"#), place.path()).await.report;
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    // The file of the run before is still there.
    for (script, wanted) in [
        ("command = 'true'", Verdict::Stale),
        ("command = 'false'", Verdict::Unknown),
        ("command = ['touch', '-d', '2020-01-01', 'report.json']", Verdict::Stale),
    ] {
        let report = ran(&format!("{script}\n{WRITES}"), place.path()).await.report;
        assert_eq!(report.verdict, wanted, "{script}: {report:#?}");
        assert!(report.findings.iter().any(|finding| finding.seen.contains("of an earlier run")), "{report:#?}");
    }
    let any =
        ran(&format!("command = 'true'\n{}", WRITES.replace("json', ", "json', fresh = false, ")), place.path()).await;
    assert_eq!(any.report.verdict, Verdict::Pass, "{:#?}", any.report);
    for (json, wanted) in
        [(r#"{"pass":false}"#, Verdict::Fail), ("{}", Verdict::Fail), ("{", Verdict::Unknown), ("", Verdict::Unknown)]
    {
        let report = ran(&writes(json), place.path()).await.report;
        assert_eq!(report.verdict, wanted, "{json}: {report:#?}");
    }
    fs::remove_file(place.path().join("report.json")).expect("removed");
    let none = ran(&format!("command = 'true'\n{WRITES}"), place.path()).await.report;
    assert_eq!(none.verdict, Verdict::Unknown);
    assert!(none.summary.contains("there is no such file"), "{}", none.summary);
}

#[tokio::test]
async fn the_newest_of_several_reports_is_the_one_and_a_schema_may_be_a_file() {
    let place = tempfile::tempdir().expect("a folder");
    let old = place.path().join("run-1.json");
    fs::write(&old, r#"{"pass":true}"#).expect("written");
    let file = fs::File::options().write(true).open(&old).expect("opened");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000)).expect("set");
    fs::write(place.path().join("schema.json"), r#"{"properties":{"pass":{"const":true}}}"#).expect("written");
    let rest = "output = { file = 'run-*.json', schema = 'schema.json' }";
    let report = ran(
        &format!("command = ['sh', '-c', '''echo \"{{\\\"pass\\\":false}}\" > run-2.json''']\n{rest}"),
        place.path(),
    )
    .await
    .report;
    assert_eq!(report.verdict, Verdict::Fail, "{report:#?}");
    assert!(report.summary.contains("/pass"), "{}", report.summary);
    let stale = ran(&format!("command = 'true'\n{rest}"), place.path()).await.report;
    assert_eq!(stale.verdict, Verdict::Stale, "{stale:#?}");
    fs::write(place.path().join("schema.json"), "{").expect("written");
    let broken = ran(&format!("command = ['touch', 'run-2.json']\n{rest}"), place.path()).await.report;
    assert_eq!(broken.verdict, Verdict::Unknown, "{broken:#?}");
}

#[tokio::test]
async fn values_are_captured_from_json_and_text_and_hidden_in_a_session() {
    let place = tempfile::tempdir().expect("a folder");
    let text = "command = ['sh', '-c', '''echo \"{\\\"run\\\":7}\"; echo image: api-1.4.1-secret''']\ncapture = { run = '.run', image = { regex = 'image: (\\S+)' } }";
    let cx = Context { session: Some(Session::new(SessionPlan::default())), ..context(place.path()) };
    let ran = command(text).run(&cx).await;
    assert_eq!(ran.captured, [("run".to_owned(), json!(7)), ("image".to_owned(), json!("api-1.4.1-secret"))]);
    let session = cx.session.expect("a session").scope();
    assert_eq!(session.get("image").expect("bound").value, json!("api-1.4.1-secret"));
    assert!(!format!("{:?}", ran.report).contains("api-1.4.1-secret"), "{:#?}", ran.report);
    let none = report("echo nothing", "capture = { image = { regex = 'image: (\\S+)' } }").await;
    assert_eq!(none.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn a_report_that_says_it_skipped_something_is_skipped_and_not_pass() {
    let rest = "expect = { json = ['.pass == true'] }\nskipped = ['.checks.egress.skipped']";
    let said = async |json: &str| report(&format!("echo '\\''{json}'\\''").replace("'\\''", "\""), rest).await.verdict;
    let of = |skipped: &str| {
        format!("{{\\\"pass\\\":true,\\\"checks\\\":{{\\\"egress\\\":{{\\\"skipped\\\":{skipped}}}}}}}")
    };
    assert_eq!(said(&of("true")).await, Verdict::Skipped);
    assert_eq!(said(&of("false")).await, Verdict::Pass);
}

#[tokio::test]
async fn a_secret_reaches_the_environment_and_no_word_of_the_report() {
    let place = tempfile::tempdir().expect("a folder");
    let mut scope = Scope::default();
    scope.bind_secret("token", json!("hunter22"));
    let redactor = crate::base::secret::Redactor::new(["hunter22".to_owned()]);
    let cx = Context { scope, redactor, ..context(place.path()) };
    let ran =
        command("command = ['sh', '-c', 'echo $T; echo $T >&2; exit 1']\nenv = { T = '{{ token }}' }").run(&cx).await;
    let told = format!("{:?}", ran.report);
    assert!(!told.contains("hunter22") && told.contains("redacted"), "{told}");
    let argv = command("command = ['echo', '{{ token }}']").run(&cx).await.report;
    assert_eq!(argv.verdict, Verdict::Unknown, "{argv:#?}");
}

#[tokio::test]
async fn the_example_that_follows_from_plain_expectations_passes() {
    for text in [
        Command::KIND.example,
        "command = 'x'",
        "command = 'x'\nexit = { 0 = 'fail', 3 = 'pass' }\nexpect = { stdout = ['all well', 'done'], stderr = 'note' }",
        "command = 'x'\nexpect = { json = ['.a.b == 1'], number = { jq = '.p', that = '< 5' } }\nskipped = '.skipped'\ncapture = { v = '.v' }",
        "command = 'x'\nexpect = { stdout_absent = 'ERROR' }",
        "command = 'x'\nexpect = { json = ['.a == 1'] }\noutput = { file = 'r.json', json = ['.pass == true'] }",
        "command = 'x'\noutput = { file = 'r.txt' }",
    ] {
        let check = command(text);
        let scope = Scope::default();
        let good = check.derive(&scope).expect(text);
        let report = check.judge(&check.seen(&good, &scope), &scope, &Jq::default()).await;
        assert_eq!(report.verdict, Verdict::Pass, "{text}: {report:#?}");
    }
    for text in [
        "command = 'x'\nexpect = { stdout = '\\d+' }",
        "command = 'x'\nexit = { 0 = 'warn' }\nexpect = { stdout = 'a' }",
    ] {
        assert!(command(text).derive(&Scope::default()).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_output_makes_the_judgement_panic(stdout in "[\\[\\]{}\":,a-z0-9. \\n]{0,80}", stderr in "\\PC{0,40}", exit in 0..=255) {
        let check = command("command = 'x'\nexpect = { stdout = 'a', json = '.a == 1', number = { regex = 'a(.)', that = '< 1' } }\nskipped = '.s'\ncapture = { v = '.a' }");
        let told = Answered { stdout: Some(stdout), stderr: Some(stderr), exit: Some(exit), ..Answered::default() };
        let scope = Scope::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(check.judge(&check.seen(&told, &scope), &scope, &Jq::default()));
    }
}
