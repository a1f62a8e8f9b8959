//! A launch outlives its console: left, interrupted or killed, the next one goes on where it stood, and
//! says what it cannot know.

use std::path::Path;
use std::time::Duration;

use crate::binary::{Place, Ran, ended, signal};
use crate::told::{board, records};
use crate::wait::{comes, pause};
use rustix::process::Signal;
use tminus::launch::countdown::CONSOLE_RESTART;
use tminus::launch::event::{Event, Recorded, RollbackEnd};
use tminus::launch::id::ItemId;
use tokio::process::Child;

/// Stays at the stream of Gate B for as long as any test looks.
const STUCK: [&str; 2] = ["--fault", "stream-never-ends"];

/// Waits until the launch in `folder` has a record that is `wanted`.
async fn until(folder: &Path, wanted: impl Fn(&Recorded) -> bool) {
    comes("such record", || records(folder).iter().any(&wanted)).await;
}

/// A file; its path as an argument.
fn write(place: &Place, name: &str, text: &str) -> String {
    let path = place.path(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn rehearse(folder: &Path) -> Vec<String> {
    ["rehearse", "--headless", "--launch", &folder.display().to_string()].map(str::to_owned).to_vec()
}

fn start(place: &Place, folder: &Path, more: &[&str]) -> Child {
    let arguments = rehearse(folder);
    place.start(&[arguments.iter().map(String::as_str).collect(), more.to_vec()].concat())
}

async fn go_on(place: &Place, folder: &Path, more: &[&str]) -> Ran {
    ended(start(place, folder, more)).await
}

fn starts(item: &'static str) -> impl Fn(&Recorded) -> bool {
    move |record| matches!(&record.event, Event::ItemStarted { item: started, .. } if started.slug() == item)
}

fn count(records: &[Recorded], wanted: impl Fn(&Recorded) -> bool) -> usize {
    records.iter().filter(|record| wanted(record)).count()
}

fn opened_as(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("launch.json")).expect("launch.json")).expect("JSON")
}

#[tokio::test]
async fn after_a_kill_it_comes_back_holding_and_flies_on() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    // Stalls in the stream of Gate B, so that the kill finds it there; the second console is told to fault
    // nothing, but the launch's own fault stands until someone switches it off.
    let mut first = start(&place, &folder, &["--fault", "stream-stalls"]);
    until(&folder, starts("stream")).await;
    signal(&first, Signal::KILL);
    let _ = first.wait().await;
    let before = records(&folder);
    let (old, t) = (opened_as(&folder), board(&folder, &before).clock.expect("a clock").t);

    let second = go_on(&place, &folder, &[]).await;
    let all = records(&folder);
    assert_eq!(all[..before.len()], before, "what was recorded stays");
    let returned = &all[before.len()..];
    assert!(matches!(returned[0].event, Event::ConsoleReturned { clean: false, .. }), "{:?}", returned[0]);
    let upon = board(&folder, &all[..=before.len()]);
    let clock = upon.clock.expect("a clock");
    assert!(clock.latches.contains_key(CONSOLE_RESTART), "{:?}", clock.latches);
    assert!(clock.t <= t, "T only ran down");
    // The cookies of the session are gone with the process: it begins with its first item.
    assert_eq!(count(returned, starts("csrf")), 1);
    assert_eq!(count(returned, starts("health")), 0, "what passed stands");
    assert_ne!(opened_as(&folder)["network"], old["network"], "the simulated target is another");
    assert_eq!(second.code, Some(1), "the fault stands as the board has it: {second:?}");
    assert!(second.out.contains("stream[https://web.staging.rehearsal.test]:"), "{}", second.out);
}

#[tokio::test]
async fn after_a_kill_past_t0_the_new_target_is_as_the_old_one_was() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let mut first = start(&place, &folder, &[]);
    until(&folder, |record| matches!(&record.event, Event::StepEnded { item, .. } if item.slug() == "cut")).await;
    signal(&first, Signal::KILL);
    let _ = first.wait().await;
    let second = go_on(&place, &folder, &[]).await;
    let all = records(&folder);
    assert_eq!(second.code, Some(0), "{second:?}");
    let cuts = count(&all, |record| matches!(&record.event, Event::StepIntended { item, .. } if item.slug() == "cut"));
    assert_eq!(cuts, 1, "a step that ended is not run again");
    let board = board(&folder, &all);
    assert_eq!(board.rollbacks.last().and_then(|run| run.end.clone()), Some(RollbackEnd::Verified));
}

#[tokio::test]
async fn an_interrupt_is_a_leaving_and_no_crash() {
    for (number, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let place = Place::new(&[]);
        let folder = place.path("launch");
        let first = start(&place, &folder, &STUCK);
        until(&folder, starts("stream")).await;
        signal(&first, number);
        let ran = ended(first).await;
        assert_eq!(ran.code, Some(130), "{name}: {ran:?}");
        assert!(ran.err.contains(&format!("go on with `tminus rehearse --launch {}`", folder.display())), "{ran:?}");
        assert_eq!(records(&folder).last().map(|record| record.event.clone()), Some(Event::ConsoleLeft), "{name}");
        let next = start(&place, &folder, &STUCK);
        until(&folder, |record| matches!(record.event, Event::ConsoleReturned { clean: true, .. })).await;
        drop(next);
    }
}

#[tokio::test]
async fn a_folder_that_another_console_holds_is_refused() {
    let place = Place::new(&[]);
    let folder = place.path("launch");
    let _first = start(&place, &folder, &STUCK);
    until(&folder, starts("health")).await;
    let refused = go_on(&place, &folder, &[]).await;
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.err.contains("ada holds this launch since "), "{refused:?}");
    assert!(refused.out.is_empty());
}

#[tokio::test]
async fn a_rehearsal_is_no_launch_and_a_launch_no_rehearsal() {
    let place = Place::new(&[]);
    let plan = write(&place, "plan.toml", MANUAL);
    let (launch, rehearsal) = (place.path("launch"), place.path("rehearsal"));
    let (launch, rehearsal) = (launch.display().to_string(), rehearsal.display().to_string());
    assert_eq!(place.run(&["rehearse", &plan, "--launch", &rehearsal]).await.code, Some(0));
    let ran = place.run(&["run", &plan, "--headless", "--launch", &launch]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let crossed = place.run(&["run", "--headless", "--launch", &rehearsal]).await;
    assert_eq!(crossed.code, Some(3), "{crossed:?}");
    assert!(crossed.err.contains("is a rehearsal") && crossed.err.contains("tminus rehearse --launch"), "{crossed:?}");
    let crossed = place.run(&["rehearse", "--launch", &launch]).await;
    assert_eq!(crossed.code, Some(3), "{crossed:?}");
    assert!(crossed.err.contains("is a launch, not a rehearsal"), "{crossed:?}");
}

/// A phase that only a person can clear.
const MANUAL: &str = r#"
[plan]
schema = 1
id = "by-hand"
title = "By hand"
environment = "test"

[clock]
start = "T-1h"

[roles.owner]
title = "Owner"

[[phase]]
id = "ready"
title = "Ready"
at = "T-1h"
gate = true

[[phase.item]]
id = "look"
title = "Someone looked"
[phase.item.manual]
role = "owner"

[[phase]]
id = "after"
title = "After"
at = "T-59m59s"
"#;

#[tokio::test]
async fn a_launch_without_anybody_waits_for_nobody_and_is_not_over() {
    let place = Place::new(&[]);
    let plan = write(&place, "plan.toml", MANUAL);
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let ran = place.run(&["run", &plan, "--headless", "--launch", &at]).await;
    assert_eq!(ran.code, Some(2), "nothing is red, and nothing is sure: {ran:?}");
    assert!(ran.out.contains("not over: look needs a person's word"), "{}", ran.out);
    assert!(ran.out.contains(&format!("go on with `tminus run --launch {at}`")), "{}", ran.out);
    let left = records(&folder);
    assert_eq!(left.last().map(|record| record.event.clone()), Some(Event::ConsoleLeft));
    assert!(left.iter().all(|record| !record.actor.scripted), "nobody acted for anybody");
    let again = place.run(&["run", "--headless", "--launch", &at]).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    let board = board(&folder, &records(&folder));
    assert!(board.ended.is_none() && board.item(&ItemId::new("look")).expect("an item").attested.is_none());
}

#[tokio::test]
async fn nobody_operates_under_the_name_of_a_hold_of_the_launch_s_own() {
    let place = Place::new(&[]);
    let (plan, at) = (write(&place, "plan.toml", MANUAL), place.path("launch").display().to_string());
    for name in ["rollback", "go", "journal", "gate ready", "engine"] {
        let ran = place.run(&["run", &plan, "--headless", "--name", name, "--launch", &at]).await;
        assert_eq!(ran.code, Some(3), "{name}: {ran:?}");
        assert!(ran.err.contains("it is the launch's own: say who you are with --name"), "{ran:?}");
    }
    let ran = place.run(&["run", &plan, "--headless", "--name", "ada", "--launch", &at]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

/// A step after T-0 that runs by itself.
const LATE: &str = r#"
[plan]
schema = 1
id = "late"
title = "Late"
environment = "test"

[clock]
start = "T-1s"

[[phase]]
id = "late"
title = "Late"
at = "T+2s"

[[phase.item]]
id = "deploy"
title = "Deploy"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo ran >> RUNS"]
"#;

#[tokio::test]
async fn what_came_due_after_t0_without_a_console_waits_for_somebody_and_says_so() {
    let place = Place::new(&[]);
    let plan = write(&place, "plan.toml", &LATE.replace("RUNS", &place.path("runs").display().to_string()));
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let mut first = place.start(&["run", &plan, "--headless", "--launch", &at]);
    until(&folder, |record| record.event == Event::Passed(tminus::launch::countdown::Passage::Liftoff)).await;
    signal(&first, Signal::KILL);
    let _ = first.wait().await;
    // Its mark is real time.
    pause(Duration::from_millis(2_500));
    let second = place.run(&["run", "--headless", "--launch", &at]).await;
    assert_eq!(second.code, Some(2), "{second:?}");
    let words = "FROZEN: nobody watched for ";
    assert!(second.err.contains(words) && second.out.contains(&format!("not over: {words}")), "{second:?}");
    assert!(second.out.contains("deploy became due meanwhile") && second.out.contains("press `P`"), "{second:?}");
    let all = records(&folder);
    assert_eq!(count(&all, |record| matches!(record.event, Event::Frozen { .. })), 1);
    assert_eq!(count(&all, |record| matches!(record.event, Event::StepIntended { .. })), 0);
    assert!(!place.path("runs").exists(), "it did not run");
}

#[tokio::test]
async fn what_is_no_launch_is_told_in_words() {
    let place = Place::new(&[]);
    let (junk, file) = (place.path("junk"), write(&place, "file", "x"));
    std::fs::create_dir(&junk).expect("made");
    std::fs::write(junk.join("something"), "x").expect("written");
    let junk = junk.display().to_string();
    let garbled = place.path("garbled");
    std::fs::create_dir(&garbled).expect("made");
    std::fs::write(garbled.join("journal.db"), "not a database, not a journal").expect("written");
    let garbled = garbled.display().to_string();
    for (folder, told) in [
        (junk.as_str(), "is not empty"),
        (file.as_str(), "is a file; a launch is a folder"),
        ("/proc/nowhere", "failed to make"),
        (garbled.as_str(), "launch.json"),
    ] {
        let ran = place.run(&["rehearse", "--launch", folder]).await;
        assert_eq!(ran.code, Some(3), "{folder}: {ran:?}");
        assert!(ran.err.contains(told) && ran.out.is_empty(), "{folder}: {ran:?}");
    }
    let ran = place.run(&["run", "--launch", &junk]).await;
    assert_eq!((ran.code, ran.err.contains("no launch is in that folder")), (Some(3), true), "{ran:?}");
}

#[tokio::test]
async fn a_step_in_flight_is_learnt_from_its_files_and_not_run_twice() {
    let place = Place::new(&[]);
    let fifo = place.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let plan = write(
        &place,
        "plan.toml",
        &STEP.replace("FIFO", &fifo.display().to_string()).replace("RUNS", &place.path("runs").display().to_string()),
    );
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let mut first = place.start(&["run", &plan, "--headless", "--launch", &at]);
    until(&folder, |record| matches!(record.event, Event::StepStarted { .. })).await;
    signal(&first, Signal::KILL);
    let _ = first.wait().await;
    let second = place.start(&["run", "--headless", "--launch", &at]);
    until(&folder, |record| matches!(record.event, Event::ConsoleReturned { .. })).await;
    // Opened for writing, the fifo lets the step's `cat` end.
    let writing = tokio::task::spawn_blocking(move || std::fs::write(fifo, "go\n"));
    tokio::time::timeout(Duration::from_secs(20), writing)
        .await
        .expect("the step still runs")
        .expect("joined")
        .expect("written");
    let ran = ended(second).await;
    let all = records(&folder);
    assert_eq!(std::fs::read_to_string(place.path("runs")).expect("it ran"), "ran\n", "{ran:?}");
    assert_eq!(count(&all, |record| matches!(record.event, Event::StepIntended { .. })), 1);
    assert_eq!(count(&all, |record| matches!(record.event, Event::StepEnded { .. })), 1, "{ran:?}");
}

const STEP: &str = r#"
[plan]
schema = 1
id = "one-step"
title = "One step"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "once"
title = "Something that must not happen twice"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo ran >> RUNS; cat FIFO"]
"#;
