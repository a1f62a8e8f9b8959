//! A disk that is full, refuses to sync, or lets no file grow stops no rollback.

use super::*;
use crate::preload;

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has it").into()
}

#[test]
fn a_full_disk_under_its_output_does_not_stop_it() {
    let launch = Launch::new(&step("back", "idempotent", BACK), "1s");
    let over = |launch: &Launch| launch.command().stdout(full()).stderr(full()).status().expect("ran").code();
    assert_eq!(over(&launch), Some(code::VERIFIED));
    assert_eq!(launch.end(), RollbackEnd::Verified);
    assert_eq!(over(&launch), Some(code::VERIFIED), "a third request learns the end");

    // Without a log it says every fact on stderr.
    let launch = Launch::new(&step("back", "idempotent", BACK), "1s");
    fs::create_dir_all(launch.log()).expect("a folder in the way of its log");
    assert_eq!(over(&launch), Some(code::VERIFIED));
    assert_eq!(fs::read_to_string(launch.path("live")).expect("read"), "1.4.1");
}

#[test]
fn a_disk_that_refuses_to_sync_stops_no_step_and_is_told() {
    let launch = Launch::new(&step("back", "once", BACK), "1s");
    fs::write(launch.path("faults"), "sync 5 /steps\n").expect("written");
    let mut command = launch.command();
    command.env("LD_PRELOAD", preload::library()).env("TMINUS_FAULTS", launch.path("faults"));
    let ran = command.output().expect("ran");
    assert_eq!(ran.status.code(), Some(code::VERIFIED), "{ran:?}");
    let told = |entry: &Entry| matches!(&entry.fact, RollbackFact::StepEnded { outcome, .. } if outcome.unsynced);
    assert!(launch.entries().iter().any(told), "{:?}", launch.entries());
}

#[test]
fn no_file_may_grow_and_it_still_comes_to_its_end() {
    let launch = Launch::new(&step("back", "idempotent", BACK), "1s");
    let mut command = Command::new("bash");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 0; exec \"$0\" __rollback \"$1\" 1 frontend >\"$1/said\" 2>&1",
        PROGRAM,
    ]);
    let status = command.arg(launch.folder.path()).status().expect("ran");
    assert_eq!(status.code(), Some(code::FAILED));
    assert_eq!(fs::read_to_string(launch.path("said")).expect("made"), "");
}

#[test]
fn the_reserve_is_freed_before_anything_is_written() {
    let launch = Launch::new(&step("back", "idempotent", &format!("test ! -e LIVE.reserve && {BACK}")), "1s");
    let reserve = launch.path("reserve");
    fs::write(&reserve, "room").expect("written");
    std::os::unix::fs::symlink(&reserve, launch.path("live.reserve")).expect("linked");
    assert_eq!(launch.run().0, Some(code::VERIFIED));
    assert!(!reserve.exists());
}

#[tokio::test]
async fn a_runner_is_started_where_its_folder_cannot_be_made() {
    let launch = Launch::new(&step("back", "idempotent", BACK), "1s");
    fs::write(launch.path("rollback"), "in the way").expect("written");
    fs::write(launch.path("reserve"), "room").expect("written");
    let id = RollbackId::new("frontend");
    let runner = rollback::start(Path::new(PROGRAM), launch.folder.path(), 1, &id).expect("started");
    assert!(!launch.path("reserve").exists());
    assert_eq!(runner.ended().await.expect("waited"), Some(code::FAILED));
}
