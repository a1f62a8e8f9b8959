//! The second key of a rollback's step: another person of the role turns it, from any terminal, with the holder
//! frozen or gone. It blocks that step alone, and without it nothing is green. What stands in for a step that
//! failed is told as that.

#[path = "approve/console.rs"]
mod console;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::anywhere::{Launch, WAITS, facts, is_over, requests, says, verified};
use crate::binary::{Place, Ran, ended, signal};
use crate::told::records;
use crate::wait::comes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tminus::engine::rollback;
use tminus::launch::event::{Actor, RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, RollbackId};
use tminus::launch::verdict::Verdict;

/// Three steps, of which the second is the DB owner's. `first` is what the first does beside saying that it ran,
/// `more` stands in the second's table.
fn plan(place: &Place, target: SocketAddr, deadline: &str, first: &str, more: &str) -> String {
    let at = |name: &str| place.path(name).display().to_string();
    let (ran, fifo, first) = (at("ran"), at("fifo"), first.replace("PLACE", &at("")));
    let step = |id: &str, more: &str, script: &str| {
        format!(
            "[[rollback.step]]\nid = \"{id}\"\nclass = \"once\"\ntimeout = \"50s\"\nby_hand = \"do {id} by hand\"\n{more}\n\
             [rollback.step.run]\nshell = '''echo back/{id} >> {ran}; {script}'''\n"
        )
    };
    let steps = step("one", "", &first) + &step("two", more, "true") + &step("three", "", "true");
    let steps = steps.replace("RAN", &ran);
    format!(
        r#"
[plan]
schema = 1
id = "approve"
title = "Approve"
environment = "test"

[clock]
start = "T-1h"

[roles.ops]
title = "Ops"

[roles.dba]
title = "DB owner"
people = ["ben", "ana"]
may = ["approve"]

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "once"
title = "Something that waits"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo once >> {ran}; cat {fifo}"]

[[rollback]]
id = "back"
title = "Go back"
key = "1"
deadline = "{deadline}"
{steps}
[[rollback.verify]]
id = "up"
timeout = "5s"
within = "10s"
[rollback.verify.http]
get = "http://{target}/up"
expect = {{ json = ['.status == "ok"'] }}
"#
    )
}

const KEYED: &str = "needs_approval = \"dba\"";

async fn launch(deadline: &str, first: &str, more: &str) -> Launch {
    Launch::of(|place, target| plan(place, target, deadline, first, more)).await
}

fn log(launch: &Launch) -> Vec<RollbackFact> {
    launch.log(1, "back").into_iter().map(|entry| entry.fact).collect()
}

/// Until the second step stands, and everything else has been done and looked at.
async fn stands(launch: &Launch) {
    comes("a step that stands", || {
        let facts = log(launch);
        let awaited = |fact: &RollbackFact| matches!(fact, RollbackFact::ApprovalAwaited { .. });
        let verified = |fact: &RollbackFact| matches!(fact, RollbackFact::Verified { .. });
        facts.iter().any(awaited) && facts.iter().any(verified)
    })
    .await;
}

fn refusals(launch: &Launch) -> Vec<String> {
    let why = |fact| if let RollbackFact::ApprovalRefused { why, .. } = fact { Some(why) } else { None };
    log(launch).into_iter().filter_map(why).collect()
}

fn approved(launch: &Launch) -> Vec<Actor> {
    let by = |fact| if let RollbackFact::Approved { by, .. } = fact { Some(by) } else { None };
    log(launch).into_iter().filter_map(by).collect()
}

async fn approve(launch: &Launch, step: &str, role: &str, name: &str) -> Ran {
    ended(launch.start(&["approve", &launch.at(), step, "--as", role, "--name", name], &[])).await
}

/// Where the approval of the second step lies.
fn key(launch: &Launch) -> PathBuf {
    let folder = rollback::folder(&launch.folder, 1, &RollbackId::new("back"));
    folder.join(format!("approval.{}", ItemId::new("back/two").folder()))
}

fn form(name: &str, role: &str) -> serde_json::Value {
    json!({ "v": 1, "run": 1, "step": "back/two", "role": role, "name": name, "at": "2026-01-02T03:04:05Z" })
}

/// Puts a file there as a program of somebody's own would.
fn put(launch: &Launch, bytes: impl AsRef<[u8]>) {
    let own = launch.place.path("own");
    fs::write(&own, bytes).expect("written");
    fs::rename(own, key(launch)).expect("there");
}

#[tokio::test]
async fn the_second_key_is_turned_from_a_second_terminal_while_the_holder_stands_still() {
    let launch = launch("5m", "true", KEYED).await;
    let holder = launch.holder().await;
    signal(&holder, Signal::STOP);
    let mut asked = launch.ask("back", &["--name", "bob"]);
    says(&mut asked, "2/3 back/two waits for approval by dba").await;
    stands(&launch).await;
    assert_eq!(launch.rolled(), "back/one\nback/three\n", "what follows goes on, and the step does not");

    let ran = approve(&launch, "back/two", "dba", "ben").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("back/two is approved by ben for dba: run 1 of back goes on"), "{ran:?}");
    verified(&ended(asked).await);
    assert_eq!(launch.rolled(), "back/one\nback/three\nback/two\n");
    let mode = fs::metadata(key(&launch)).expect("it lies there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let facts_told = log(&launch);
    let began = |fact: &RollbackFact| *fact == RollbackFact::StepStarted { step: "back/two".into() };
    let late = facts_told.iter().position(began).expect("it ran");
    let looked = |fact: &RollbackFact| matches!(fact, RollbackFact::Verified { .. });
    assert!(facts_told[..late].iter().any(looked), "the checks went on without it");
    assert!(facts_told[late..].iter().any(looked), "and looked again after it");

    signal(&holder, Signal::CONT);
    launch.until(is_over).await;
    launch.open("fifo").await;
    let ran = ended(holder).await;
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let all = records(&launch.folder);
    assert_eq!(requests(&all), [(1, "back".to_owned(), "bob".to_owned())]);
    assert_eq!(facts(&all, 1), facts_told, "who approved is in the journal, as all of it");
    let by = Actor::person("ben", Some("dba".into()));
    assert!(facts_told.contains(&RollbackFact::Approved { step: "back/two".into(), by }));
}

#[tokio::test]
async fn whose_key_does_not_count_is_told_why_and_the_step_stands() {
    let launch = launch("5m", "true", KEYED).await;
    launch.abandoned().await;
    let early = approve(&launch, "back/two", "dba", "ben").await;
    assert_eq!(early.code, Some(1), "{early:?}");
    assert!(early.err.contains("no rollback is under way"), "{early:?}");
    // Ana is of the role: she asked, so hers is the first key.
    let asked = launch.ask("back", &["--name", "ana", "--as", "dba"]);
    stands(&launch).await;
    for (step, role, name, code, why) in [
        ("back/two", "dba", "Ana", 1, "asked for this rollback: the second key is another person's"),
        ("back/two", "dba", "eve", 1, "eve does not hold DB owner: the plan names ben, ana"),
        ("back/two", "ops", "ben", 1, "it is for DB owner to approve (as `dba`), not for `ops`"),
        ("back/tow", "dba", "ben", 3, "did you mean `back/two`?"),
        ("back/two", "dbs", "ben", 3, "did you mean `dba`?"),
        ("back/one", "dba", "ben", 3, "back/one needs nobody's approval"),
        ("back/two", "dba", "engine", 3, "engine"),
    ] {
        let ran = approve(&launch, step, role, name).await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(why), "{why} is not in {ran:?}");
    }
    assert!(!key(&launch).exists(), "what is refused is not handed in");

    // A file that its writer made past the command.
    put(&launch, form("ana", "dba").to_string());
    comes("its refusal", || refusals(&launch).iter().any(|why| why.contains("another person's"))).await;
    assert_eq!(launch.rolled(), "back/one\nback/three\n");
    assert_eq!(approve(&launch, "back/two", "dba", "ben").await.code, Some(0));
    verified(&ended(asked).await);
    let again = approve(&launch, "back/two", "dba", "ben").await;
    assert_eq!(again.code, Some(1), "{again:?}");
}

#[tokio::test]
async fn nobody_approves_and_the_end_is_not_green_though_all_else_ran() {
    let launch = launch("2s", "true", KEYED).await;
    launch.abandoned().await;
    let ran = ended(launch.ask("back", &[])).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let Some(RollbackEnd::FailedAtStep { step, why, by_hand }) = launch.end(1, "back") else { panic!("{ran:?}") };
    assert_eq!((step.as_str(), by_hand.as_str()), ("back/two", "back/two: do two by hand"));
    assert!(why.starts_with("not approved by DB owner before the deadline"), "{why}");
    assert!(ran.out.contains("FAILED AT STEP 2/3 back/two: not approved"), "{ran:?}");
    assert_eq!(launch.rolled(), "back/one\nback/three\n");
    let passes =
        |fact: &RollbackFact| matches!(fact, RollbackFact::Verified { report, .. } if report.verdict == Verdict::Pass);
    assert!(log(&launch).iter().any(passes), "the checks looked, and agreed, and that made nothing green");
    // A resumed run, and one that is asked for again, begin from what the log says.
    let late = approve(&launch, "back/two", "dba", "ben").await;
    assert_eq!(late.code, Some(1), "{late:?}");
}

#[tokio::test]
async fn what_is_no_approval_is_told_once_and_stops_nothing() {
    let launch = launch("5m", "true", KEYED).await;
    launch.abandoned().await;
    let asked = launch.ask("back", &["--name", "bob"]);
    stands(&launch).await;
    let place = launch.place.path("elsewhere");
    let mut told = 0;
    let told_now = async |launch: &Launch, why: &str, told: &mut usize| {
        *told += 1;
        comes(why, || refusals(launch).len() >= *told).await;
        let last = refusals(launch).pop().expect("one");
        assert!(last.contains(why) && !last.contains('\u{1b}'), "{why} is not in {last}");
    };
    let newer = form("ben", "dba").to_string().replace("\"v\":1", "\"v\":2");
    let other = form("ben", "dba").to_string().replace("back/two", "back/one");
    let run = form("ben", "dba").to_string().replace("\"run\":1", "\"run\":7");
    let long = form(&"b".repeat(5_000), "dba").to_string();
    let mut crew = form("ben", "dba");
    crew["scripted"] = true.into();
    for (bytes, why) in [
        ("\u{1b}[31mben was here".to_owned(), "it is no approval"),
        (long, "longer than 4096 bytes"),
        (newer, "it is of version 2"),
        (other, "it is of back/one in run 1"),
        (run, "it is of back/two in run 7"),
        (form(" \u{1b} ", "dba").to_string(), "names nobody"),
        (form("ben", "ops").to_string(), "not for `ops`"),
        (crew.to_string(), "in a rehearsal alone"),
    ] {
        put(&launch, bytes);
        told_now(&launch, why, &mut told).await;
    }
    fs::write(&place, form("ben", "dba").to_string()).expect("written");
    let at = key(&launch);
    fs::remove_file(&at).expect("gone");
    symlink(&place, &at).expect("linked");
    told_now(&launch, "no regular file", &mut told).await;
    fs::remove_file(&at).expect("gone");
    fs::hard_link(&place, &at).expect("linked");
    told_now(&launch, "another name", &mut told).await;
    fs::remove_file(&at).expect("gone");
    assert!(std::process::Command::new("mkfifo").arg(&at).status().expect("mkfifo").success());
    told_now(&launch, "no regular file", &mut told).await;
    fs::remove_file(&at).expect("gone");
    fs::create_dir(&at).expect("made");
    told_now(&launch, "no regular file", &mut told).await;
    fs::remove_dir(&at).expect("gone");
    assert_eq!(approved(&launch), []);

    assert_eq!(approve(&launch, "back/two", "dba", "ben").await.code, Some(0));
    verified(&ended(asked).await);
    assert_eq!(refusals(&launch).len(), told, "each was told of once");
}

#[tokio::test]
async fn a_key_that_was_turned_early_counts_and_outlives_the_runner_and_its_file() {
    let launch = launch("5m", WAITS, KEYED).await;
    launch.abandoned().await;
    let asked = launch.ask("back", &["--name", "bob"]);
    launch.on().await;
    let ran = approve(&launch, "back/two", "dba", "ben").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let runner = log(&launch).into_iter().find_map(|fact| match fact {
        RollbackFact::Started { pid } => i32::try_from(pid).ok().and_then(Pid::from_raw),
        _ => None,
    });
    kill_process(runner.expect("a runner"), Signal::KILL).expect("told");
    assert_eq!(ended(asked).await.code, Some(2), "nobody can tell");
    fs::remove_file(key(&launch)).expect("gone");
    let mut again = launch.ask("back", &["--name", "bob"]);
    says(&mut again, "back/one started").await;
    launch.go().await;
    verified(&ended(again).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\nback/three\n", "in its place: it never had to wait");
    assert!(!log(&launch).iter().any(|fact| matches!(fact, RollbackFact::ApprovalAwaited { .. })));
    assert_eq!(approved(&launch).len(), 1);
}

#[tokio::test]
async fn a_step_that_fails_beside_one_that_stands_says_both_by_hand() {
    let launch = launch("5m", "true", KEYED).await;
    let plan = fs::read_to_string(launch.place.path("plan.toml")).expect("read");
    let fails = plan.replace("echo back/three >> ", "false; exit 3; echo >> ");
    fs::write(launch.place.path("plan.toml"), fails).expect("written");
    launch.abandoned().await;
    let ran = ended(launch.ask("back", &[])).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let Some(RollbackEnd::FailedAtStep { step, by_hand, .. }) = launch.end(1, "back") else { panic!("{ran:?}") };
    assert_eq!(step.as_str(), "back/three");
    assert_eq!(by_hand, "do three by hand; not approved, so not done: back/two: do two by hand");
}

#[tokio::test]
async fn a_fallback_stands_in_for_a_step_that_failed_and_both_are_told() {
    for (fallback, end) in [("echo back/two instead >> RAN", true), ("exit 5", false)] {
        let more = format!("fallback = {{ run = {{ shell = '''{fallback}''' }} }}");
        let launch = launch("5m", "true", &more).await;
        let plan = fs::read_to_string(launch.place.path("plan.toml")).expect("read");
        fs::write(launch.place.path("plan.toml"), plan.replace("echo back/two >>", "exit 4; echo >>"))
            .expect("written");
        launch.abandoned().await;
        let ran = ended(launch.ask("back", &[])).await;
        assert_eq!(ran.code, Some(if end { 4 } else { 1 }), "{ran:?}");
        let told = log(&launch);
        let failed = |fact: &RollbackFact| matches!(fact, RollbackFact::StepEnded { step, verdict: Verdict::Fail, .. } if step.as_str() == "back/two");
        assert!(told.iter().any(failed), "its own end is not hidden: {told:?}");
        assert!(told.contains(&RollbackFact::FallbackStarted { step: "back/two".into() }), "{told:?}");
        assert!(ran.out.contains("2/3 back/two failed: its fallback started"), "{ran:?}");
        if end {
            assert_eq!(launch.rolled(), "back/one\nback/two instead\nback/three\n");
        } else {
            assert_eq!(launch.rolled(), "back/one\n");
            let Some(RollbackEnd::FailedAtStep { why, by_hand, .. }) = launch.end(1, "back") else { panic!("{ran:?}") };
            assert_eq!((why.as_str(), by_hand.as_str()), ("exit 4; its fallback: exit 5", "do two by hand"));
        }
    }
}

#[tokio::test]
async fn nothing_runs_in_the_place_of_a_step_of_which_nobody_knows_whether_it_still_acts() {
    let launch = launch("5m", "true", "fallback = { run = { shell = '''echo instead >> RAN''' } }").await;
    launch.abandoned().await;
    let number = rollback::number(&launch.folder, 0).expect("a number");
    let run = rollback::folder(&launch.folder, number, &RollbackId::new("back"));
    let attempt = rollback::attempt_folder(&run, &ItemId::new("back/two"), 1);
    fs::create_dir_all(&attempt).expect("made");
    fs::write(attempt.join("claim"), "1").expect("a claim nobody holds");
    let ran = ended(launch.start(&[rollback::ROLLBACK, &launch.at(), &number.to_string(), "back"], &[])).await;
    assert_eq!(ran.code, Some(rollback::code::FAILED), "{ran:?}");
    assert_eq!(launch.rolled(), "back/one\n");
    let Some(RollbackEnd::FailedAtStep { by_hand, .. }) = launch.end(number, "back") else { panic!("{ran:?}") };
    assert!(by_hand.starts_with("its outcome is unknown"), "{by_hand}");
}

#[tokio::test]
async fn the_scripted_crew_of_a_rehearsal_turns_the_key_of_its_drill_and_is_stamped() {
    let place = Place::new(&[]);
    let plan = r#"
[plan]
schema = 1
id = "drill"
title = "Drill"
environment = "test"
[clock]
start = "T-1m"
[roles.dba]
title = "DB owner"
people = ["ben"]
may = ["approve"]
[[phase]]
id = "go"
at = "T-0"
[[phase.item]]
id = "up"
[phase.item.http]
get = "http://a.example/up"
expect = { json = ['.status == "ok"'] }
[[rollback]]
id = "back"
key = "1"
[[rollback.step]]
id = "migrate"
class = "once"
needs_approval = "dba"
run = { command = ["true"] }
[[rollback.verify]]
id = "up"
http = { get = "http://a.example/up", expect = { json = ['.status == "ok"'] } }
"#;
    fs::write(place.path("plan.toml"), plan).expect("written");
    let (at, folder) = (place.path("plan.toml").display().to_string(), place.path("launch"));
    let ran =
        place.run(&["rehearse", &at, "--headless", "--drill", "back", "--launch", &folder.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("rollback drill back #1: verified"), "{ran:?}");
    let told = facts(&records(&folder), 1);
    let by = Actor { name: "crew".into(), role: Some("dba".into()), scripted: true, recorded_by: None };
    assert!(told.contains(&RollbackFact::Approved { step: "back/migrate".into(), by }), "{told:?}");
}
