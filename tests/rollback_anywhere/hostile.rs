//! What others put among a launch's rollbacks: links, pipes, words for the terminal, another user's folder.
//! None of it stops one, starts one, or is taken for one.

use std::fs;
use std::process::Stdio;

use crate::anywhere::{Launch, verified};
use crate::binary::{self, ended, signal};
use rustix::process::Signal;
use tminus::clock;
use tminus::engine::rollback;
use tminus::launch::event::{RollbackEnd, RollbackFact};
use tokio::process::Command;

#[tokio::test]
async fn what_somebody_put_among_the_rollbacks_stops_none() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let rollbacks = launch.folder.join("rollback");
    // No number can follow this one, and its log is of a run that ended.
    let last = format!("{}-back", u32::MAX);
    fs::create_dir_all(rollbacks.join(&last)).expect("made");
    let by = tminus::launch::event::Actor::person("eve", None);
    let done = RollbackFact::Ended { end: RollbackEnd::Verified, took: std::time::Duration::ZERO };
    match rollback::Log::open(&rollbacks.join(&last).join("log"), &launch.folder.join("reserve")).expect("opened") {
        rollback::Opened::Ours(mut log, _) => log.tell(clock::wall(), &done).expect("told"),
        rollback::Opened::Held => panic!("held"),
    }
    rollback::Request::new("back".into(), u32::MAX - 1, &by, "", clock::wall()).publish(&launch.folder).expect("made");
    // Nobody writes to these, and whoever reads them waits for ever.
    for (folder, file) in [("1-back", "request.json"), ("2-back", "log")] {
        fs::create_dir_all(rollbacks.join(folder)).expect("made");
        let fifo = rollbacks.join(folder).join(file);
        assert!(std::process::Command::new("mkfifo").arg(fifo).status().expect("mkfifo").success());
    }
    let mut stood = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let listed = stood.args(["rollback", &launch.at()]).kill_on_drop(true).output();
    let listed = tokio::time::timeout(binary::PATIENCE, listed).await.expect("in time").expect("ran");
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    verified(&ended(launch.ask("front", &[])).await);
    assert_eq!(launch.rolled(), "front/one\nfront/two\n", "verified is what was done");
    // A console that returns is not stopped by them either.
    launch.open("fifo").await;
    assert_eq!(ended(launch.fly(&[])).await.code, Some(4));
}

#[tokio::test]
async fn another_user_starts_nothing_that_the_owner_could_not_read() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    if !rustix::process::geteuid().is_root() {
        println!("only root can give a folder away: there is nothing to see");
        return;
    }
    std::os::unix::fs::chown(&launch.folder, Some(65_534), None).expect("given away");
    let ran = ended(launch.ask("back", &[])).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("nothing was started") && ran.err.contains("`sudo -u nobody tminus"), "{ran:?}");
    assert_eq!(launch.rolled(), "");
    assert_eq!(rollback::runs(&launch.folder).expect("read"), []);
}

#[tokio::test]
async fn nothing_that_others_wrote_steers_the_terminal() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let ran = launch.place.run(&["rollback", "/no\u{1b}]0;such\u{7}/launch"]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("there is no launch at") && !ran.err.contains('\u{1b}'), "{ran:?}");
    let lock = launch.folder.join("rollback/lock");
    fs::create_dir_all(launch.folder.join("rollback")).expect("made");
    fs::write(&lock, r#"{"run":7,"rollback":"ba\u001b[31mck","pid":1}"#).expect("written");
    let held = fs::File::open(&lock).expect("opened");
    held.lock().expect("ours");
    let ran = ended(launch.ask("back", &[])).await;
    assert!(ran.out.contains("Run 7 of back is under way") && ran.out.contains("ROLLBACK back"), "{ran:?}");
    assert!(!(ran.out.clone() + &ran.err).contains('\u{1b}'), "{ran:?}");
}

#[tokio::test]
async fn words_that_find_no_room_change_no_answer() {
    let launch = Launch::new("true").await;
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tminus"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(full())
            .stderr(full())
            .kill_on_drop(true)
            .spawn()
            .expect("tminus starts")
    };
    let (at, plan) = (launch.at(), launch.place.path("plan.toml").display().to_string());
    let mut holder = run(&["run", "--headless", "--launch", &at, &plan]);
    launch.until_ran("once\n").await;
    signal(&holder, Signal::INT);
    assert_eq!(holder.wait().await.expect("ends").code(), Some(130));
    let mut asked = run(&["rollback", &at, "back", "--yes"]);
    assert_eq!(asked.wait().await.expect("ends").code(), Some(4), "it ran, and is verified");
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
    launch.open("fifo").await;
}
