//! jq programs in worker children, on the real binary: whatever a program does, the console lives, the
//! answer is unknown, and the next program is evaluated.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tminus::base::jq::{Jq, Program, Said};
use tminus::base::template::Scope;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");

/// Generous: the machine may be busy, and nothing here is meant to reach it.
fn jq() -> Jq {
    Jq::with_worker(TMINUS).with_deadline(Duration::from_secs(20))
}

async fn holds(jq: &Jq, text: &str, input: Value) -> Said {
    let mut scope = Scope::default();
    scope.bind("previous", json!("1.4.1"));
    let program = Program::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    jq.holds(&program, &input, &scope).await
}

fn unknown(why: &str) -> Said {
    Said::Unknown { why: why.into() }
}

#[tokio::test]
async fn programs_are_evaluated_with_their_variables_as_values() {
    let jq = jq();
    let input = json!({ "items": [{ "v": "1.4.1" }, { "v": "1.4.2" }] });
    assert_eq!(holds(&jq, ".items | any(.v == $previous)", input.clone()).await, Said::True);
    let seen = r#".items: [{"v":"1.4.1"},{"v":"1.4.2"}]"#;
    assert_eq!(holds(&jq, ".items | all(.v == $previous)", input).await, Said::False { seen: seen.into() });
    let mut scope = Scope::default();
    scope.bind("x", json!("\" | halt | \""));
    let echo = Program::parse("[$x] | .[0]").expect("parses");
    assert_eq!(jq.value(&echo, &Value::Null, &scope).await, Ok(json!("\" | halt | \"")));
}

#[tokio::test]
async fn deadly_programs_are_unknown_and_the_next_one_is_evaluated() {
    let jq = jq();
    for (text, why) in [
        ("halt", "called halt(0)"),
        ("def f: 1 + f; f", "the jq worker died of this program"),
        ("\"x\" * 10000000000", "the jq worker died of this program"),
        ("[range(1000000000)] | length > 1", "the jq worker died of this program"),
        ("(\"[\" * 2000000) | fromjson", "the jq worker died of this program"),
    ] {
        assert_eq!(holds(&jq, text, Value::Null).await, unknown(why), "{text}");
        assert_eq!(holds(&jq, "1 + 1 == 2", Value::Null).await, Said::True, "after {text}");
    }
}

#[tokio::test]
async fn an_endless_program_ends_at_its_deadline() {
    let jq = Jq::with_worker(TMINUS);
    assert_eq!(holds(&jq, "last(range(1000000000))", Value::Null).await, unknown("took longer than 1s"));
    assert_eq!(holds(&jq, "1 + 1 == 2", Value::Null).await, Said::True);
}

#[tokio::test]
async fn a_worker_without_a_parent_ends_by_its_own_limit() {
    let mut worker = Command::new(TMINUS)
        .arg("__jq")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let request =
        json!({ "program": "last(range(1000000000000))", "names": [], "values": [], "input": null }).to_string();
    let mut pipe = worker.stdin.take().expect("piped");
    let length = u32::try_from(request.len()).expect("short").to_le_bytes();
    std::io::Write::write_all(&mut pipe, &[&length, request.as_bytes()].concat()).expect("written");
    drop(pipe);
    let ended = tokio::task::spawn_blocking(move || worker.wait()).await.expect("joined").expect("waited");
    assert!(!ended.success(), "{ended}");
}

#[tokio::test]
async fn paused_time_does_not_hurry_a_worker() {
    tokio::time::pause();
    assert_eq!(holds(&jq(), "1 + 1 == 2", Value::Null).await, Said::True);
}

#[tokio::test]
async fn a_worker_that_died_between_two_programs_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let (worker, pids) = (folder.path().join("worker"), folder.path().join("pids"));
    // Written by another process: a descriptor of ours, inherited by a fork of another test, would keep the
    // kernel from executing it.
    let script = format!("#!/bin/sh\necho $$ >> {}\nexec {TMINUS} \"$@\"\n", pids.display());
    let write = format!("printf '%s' \"$1\" > {0} && chmod 700 {0}", worker.display());
    assert!(Command::new("sh").args(["-c", &write, "sh", &script]).status().expect("sh").success());

    let jq = Jq::with_worker(&worker).with_deadline(Duration::from_secs(20));
    for _ in 0..3 {
        assert_eq!(holds(&jq, "1 + 1 == 2", Value::Null).await, Said::True);
    }
    let started = || -> Vec<Pid> {
        let text = std::fs::read_to_string(&pids).expect("pids");
        text.lines().map(|pid| Pid::from_raw(pid.parse().expect("a pid")).expect("a pid")).collect()
    };
    let [first] = started()[..] else { panic!("one warm worker expected: {:?}", started()) };
    kill_process(first, Signal::KILL).expect("killed");
    assert_eq!(holds(&jq, "1 + 1 == 2", Value::Null).await, Said::True);
    assert_eq!(started().len(), 2);

    drop(jq);
    for pid in started() {
        assert!(test_kill_process(pid).is_err(), "{pid:?} outlived the evaluator");
    }
}

#[tokio::test]
async fn another_program_is_not_taken_for_a_worker() {
    let said = holds(&Jq::with_worker("/bin/true"), "1 + 1 == 2", Value::Null).await;
    assert_eq!(said, unknown("\"/bin/true\" is no jq worker: it does not answer to `__jq`"));
    let Said::Unknown { why } = holds(&Jq::with_worker("/nowhere/tminus"), "1 + 1 == 2", Value::Null).await else {
        panic!("unknown expected")
    };
    assert!(why.starts_with("the jq worker did not start: No such file"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_at_once_are_all_answered() {
    let jq = jq();
    let tasks: Vec<_> = (0..32)
        .map(|n: u32| {
            let jq = jq.clone();
            tokio::spawn(async move { holds(&jq, "[.n] | add >= 0", json!({ "n": n })).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("joined"), Said::True);
    }
}
