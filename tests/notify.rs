//! Who is told of a launch, by the program itself: everybody once, through a target that is down and a console that
//! is killed; nobody of a rehearsal. No address is in any file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::Value;
use tminus::launch::board::Board;
use tminus::launch::event::Event;
use tminus::launch::plan::Plan;
use tminus::notify::telling::{Telling, concerns};

use crate::binary::{Place, ended, signal};
use crate::request_server::{Got, Says, Server};
use crate::told::{board, records};
use crate::wait::comes;

const HOOK: &str = "/hooks/T000/path-that-nobody-sees";
const PLAN: &str = r#"
[plan]
schema = 1
id = "told"
title = "Told"
environment = "test"
release = { version = "1.4", artifact = "registry.example.com/shop:1.4" }

[clock]
start = "T-1s"

[secrets]
hook = { env = "HOOK" }
key = { env = "HOOK_KEY" }

[notify.bus]
title = "the bus"
webhook = "{{ hook }}"
sign = "{{ key }}"

[[phase]]
id = "go"
title = "Go"
at = "T-0"
gate = true

[[phase.item]]
id = "deploy"
title = "Deploy"
class = "idempotent"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "cat FIFO"]
[phase.item.example]
good = { exit = 0, stdout = "go" }
"#;

/// A target that is down until it is said to be up; what it took, by the ids.
async fn target() -> (Server, Arc<AtomicBool>) {
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let server = Server::plain(move |_| match is_up.load(Ordering::SeqCst) {
        true => Says::whole(202, &[], ""),
        false => Says::whole(503, &[], ""),
    });
    (server.await, up)
}

fn id(got: &Got) -> String {
    let body: Value = serde_json::from_slice(&got.body).expect("JSON");
    body["id"].as_str().expect("an id").to_owned()
}

fn place(hook: &str) -> (Place, String) {
    let place = Place::new(&[("HOOK", hook), ("HOOK_KEY", "the-key-of-the-bus")]);
    let (plan, fifo) = (place.path("plan.toml"), place.path("fifo"));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    std::fs::write(&plan, PLAN.replace("FIFO", &fifo.display().to_string())).expect("written");
    (place, plan.display().to_string())
}

/// The ids of what the records are to be told as.
fn wanted(folder: &Path) -> Vec<String> {
    let records = records(folder);
    let plan: Arc<Plan> = Arc::clone(&board(folder, &records).plan.0);
    let (mut board, mut telling) = (Board::new(Arc::clone(&plan)), Telling::default());
    let mut ids = Vec::new();
    for record in &records {
        board.apply(record);
        let messages = telling.take(record, &board);
        ids.extend(
            messages
                .iter()
                .filter(|message| concerns(message, &plan.notify[0]))
                .map(tminus::notify::message::Message::id),
        );
    }
    ids
}

/// The lines of a target's ledger that tell of something told.
fn told(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("notify/bus.ledger")).expect("a ledger");
    let lines = text.lines().map(|line| line.split_once(' ').expect("a hash and a line").1);
    lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON")).filter(|line| line["deed"] == "told").collect()
}

/// Every file below `folder` that holds `text`.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_target_that_was_down_is_told_everything_once_though_the_console_was_killed_meanwhile() {
    let (server, up) = target().await;
    let (place, plan) = place(&server.url(HOOK));
    let folder = place.path("launch");
    let at = folder.display().to_string();
    let first = place.start(&["run", &plan, "--headless", "--launch", &at]);
    comes("the step", || records(&folder).iter().any(|record| matches!(record.event, Event::StepStarted { .. }))).await;
    comes("an attempt to tell", || !server.got().is_empty()).await;
    let brief = place.run(&["brief", &at]).await;
    assert!(brief.out.contains("the bus (webhook) is not being told since "), "{brief:?}");
    assert!(brief.out.contains("answered 503 Service Unavailable"), "{brief:?}");
    signal(&first, Signal::KILL);
    let first = ended(first).await;
    assert!(first.err.contains("the bus (webhook) is not being told since "), "{first:?}");
    let refused = server.got().len();

    up.store(true, Ordering::SeqCst);
    let second = place.start(&["run", "--headless", "--launch", &at]);
    let returned = || records(&folder).iter().any(|record| matches!(record.event, Event::ConsoleReturned { .. }));
    comes("the next console", returned).await;
    let fifo = place.path("fifo");
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "go\n")).await.expect("joined").expect("written");
    let second = ended(second).await;
    assert_eq!(second.code, Some(0), "{second:?}");
    let got = server.got();
    let ids: Vec<String> = got[refused..].iter().map(id).collect();
    assert_eq!(ids, wanted(&folder), "{second:?}");
    assert!(ids.len() >= 6, "opened, gate, step, its end, T-0, ended: {ids:?}");
    let types: Vec<String> = got[refused..]
        .iter()
        .map(|got| serde_json::from_slice::<Value>(&got.body).expect("JSON")["type"].as_str().expect("text").to_owned())
        .collect();
    for kind in
        ["pipelinerun.started", "testsuiterun.started", "taskrun.finished", "service.deployed", "pipelinerun.finished"]
    {
        assert!(types.iter().any(|told| *told == format!("dev.cdevents.{kind}.0.3.0")), "{kind}: {types:?}");
    }
    assert!(got.iter().all(|got| got.header("x-tminus-signature").is_some_and(|signed| signed.starts_with("sha256="))));
    for secret in ["path-that-nobody-sees", "the-key-of-the-bus"] {
        assert_eq!(files_with(&folder, secret), Vec::<String>::new());
        assert!(![&first.err, &first.out, &second.err, &second.out].iter().any(|text| text.contains(secret)));
    }
    assert_eq!(told(&folder).len(), ids.len());
    let brief = place.run(&["brief", &at]).await;
    assert!(!brief.out.contains("not being told"), "{brief:?}");
}

#[tokio::test]
async fn a_rehearsal_tells_its_simulated_target_and_nobody_else_and_says_so() {
    let (server, up) = target().await;
    up.store(true, Ordering::SeqCst);
    let (place, plan) = place(&server.url(HOOK));
    let folder = place.path("launch");
    let ran = place.run(&["rehearse", &plan, "--headless", "--launch", &folder.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("what the bus (webhook) would be told goes to the simulated target"), "{ran:?}");
    assert!(server.got().is_empty(), "{:?}", server.got());
    let told = told(&folder);
    assert_eq!(told.len(), wanted(&folder).len(), "{ran:?}");
    assert!(told.iter().all(|line| line["simulated"] == true), "{told:?}");
}

#[tokio::test]
async fn a_check_says_who_is_told_of_what() {
    let (place, plan) = place("https://unused.example.com/x");
    let ran = place.run(&["check", &plan]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = "notify bus: tells the bus of launch, gate, hold, poll, liftoff, trigger, rollback, freeze, incident, step; \
                CDEvents posted as CloudEvents, at most 300 in 1m: what is more waits";
    assert!(ran.out.contains(line), "{}", ran.out);
}
