//! What waits while nothing can be recorded: in memory, in the side file, and for the console that comes next.

use tminus::launch::countdown::{JOURNAL, Phase};

use super::*;

fn told(records: &[Recorded], wanted: impl Fn(&Event) -> bool) -> Vec<&Recorded> {
    records.iter().filter(|record| wanted(&record.event)).collect()
}

fn requests(event: &Event) -> bool {
    matches!(event, Event::RollbackRequested { .. })
}

#[tokio::test]
async fn what_waits_is_in_a_side_file_until_the_journal_has_it() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("one.side");
    let launch = launch_with(Disk::default(), Some(&path), None).await;
    launch.until(|snapshot| snapshot.board.seq > 0).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.ask(back()).await.expect("it runs all the same");
    let banner = format!("kept in memory and in {}", path.display());
    let seen = launch.until(|snapshot| snapshot.alarm.as_ref().is_some_and(|alarm| alarm.contains(&banner))).await;
    let clock = seen.board.clock.as_ref().expect("a clock");
    assert_eq!(clock.phase, Phase::Holding, "T stands while nothing can be recorded");
    assert!(seen.board.rolling_back().is_some(), "the rollback is on the screen");
    let over = |snapshot: &Arc<Snapshot>| snapshot.board.rollbacks.iter().any(|run| run.end.is_some());
    launch.until(over).await;
    let left = side::read(&path).expect("reads").expect("there");
    assert_eq!(told(&left.records, requests).len(), 1, "{:?}", left.records);
    assert!(launch.disk.records().iter().all(|record| !requests(&record.event)));
    // The clocks of the records are those of the machine: something else is asked meanwhile, and refused.
    launch.ask(attest()).await.expect_err("refused");

    launch.full.store(false, Ordering::SeqCst);
    launch.until(|snapshot| snapshot.alarm.is_none()).await;
    assert!(!path.exists(), "what it held is in the journal");
    launch.ask(Command::End { why: "done".into() }).await.expect("ended");
    let board = launch.flying.await.expect("joined");
    let records = launch.disk.records();
    let replayed = Board::replay(Arc::clone(&board.plan.0), &records);
    assert_eq!(replayed, *board, "the board is what the journal tells");
    let asked = told(&records, requests);
    assert_eq!(asked.len(), 1);
    assert!(asked[0].recorded_at > asked[0].occurred_at, "as of when it happened: {:?}", asked[0]);
    for fact in [
        |fact: &RollbackFact| matches!(fact, RollbackFact::Started { .. }),
        |fact: &RollbackFact| matches!(fact, RollbackFact::StepEnded { .. }),
        |fact: &RollbackFact| matches!(fact, RollbackFact::Ended { .. }),
    ] {
        let wanted = |event: &Event| matches!(event, Event::RollbackTold { fact: told, .. } if fact(told));
        assert_eq!(told(&records, wanted).len(), 1, "each fact once: {records:?}");
    }
    assert_eq!(told(&records, |event| matches!(event, Event::HoldCalled { who, .. } if who == JOURNAL)).len(), 1);
    let outage =
        told(&records, |event| matches!(event, Event::Noted { text, .. } if text.contains("the disk is full")));
    assert_eq!(outage.len(), 1, "the outage itself is told");
}

#[tokio::test]
async fn what_a_dead_console_could_not_record_is_read_in_once() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("one.side");
    let disk = Disk::default();
    let first = launch_with(disk.clone(), Some(&path), None).await;
    first.until(|snapshot| snapshot.board.seq > 0).await;
    first.full.store(true, Ordering::SeqCst);
    first.ask(back()).await.expect("it runs all the same");
    first.until(|snapshot| snapshot.board.rollbacks.iter().any(|run| run.end.is_some())).await;
    first.flying.abort();
    let _ = first.flying.await;
    let lay_there = std::fs::read(&path).expect("the side file");

    disk.full.store(false, Ordering::SeqCst);
    let second = launch_with(disk.clone(), Some(&path), None).await;
    let seen = second.until(|snapshot| !snapshot.board.rollbacks.is_empty()).await;
    assert_eq!(seen.board.rollbacks[0].end, Some(RollbackEnd::Verified));
    assert_eq!(told(&disk.records(), requests).len(), 1);
    second.flying.abort();
    let _ = second.flying.await;
    let once = told(&disk.records(), |event| matches!(event, Event::RollbackTold { .. })).len();

    // It recorded and died before it could remove the file.
    std::fs::write(&path, lay_there).expect("written");
    let third = launch_with(disk.clone(), Some(&path), None).await;
    third.until(|snapshot| snapshot.board.seq > seen.board.seq).await;
    assert_eq!(told(&disk.records(), requests).len(), 1);
    assert_eq!(told(&disk.records(), |event| matches!(event, Event::RollbackTold { .. })).len(), once);
}

#[tokio::test]
async fn a_write_that_was_kept_and_said_to_have_failed_is_read_in_and_begins_nothing() {
    let launch = launch(None).await;
    launch.until(|snapshot| snapshot.board.phases.values().all(|phase| phase.opened.is_some())).await;
    launch.disk.lies.store(true, Ordering::SeqCst);
    let act = ItemId::new("act");
    let refused = launch.ask(Command::RunItem { item: act.clone() }).await.expect_err("refused");
    assert!(refused.0.contains("did not sync"), "{refused}");
    launch.until(|snapshot| snapshot.alarm.is_some()).await;
    launch.disk.lies.store(false, Ordering::SeqCst);
    let ended = launch
        .until(|snapshot| {
            let item = snapshot.board.item(&act).expect("an item");
            snapshot.alarm.is_none() && item.outcome.is_some()
        })
        .await;
    let outcome = ended.board.item(&act).and_then(|item| item.outcome.clone()).expect("an outcome");
    assert!(outcome.never_ran, "the intent is recorded, and what was refused was not done: {outcome:?}");
    assert_eq!(launch.runs(), "");
    launch.ask(attest()).await.expect("it goes on");
    let records = launch.disk.records();
    assert_eq!(told(&records, |event| matches!(event, Event::StepIntended { .. })).len(), 1);
    assert!(records.iter().zip(1..).all(|(record, seq)| record.seq == seq), "one chain");
}

#[tokio::test]
async fn what_waits_when_another_takes_over_is_told_with_that() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("one.side");
    let launch = launch_with(Disk::default(), Some(&path), None).await;
    launch.until(|snapshot| snapshot.board.seq > 0).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.ask(back()).await.expect("it runs all the same");
    launch.until(|snapshot| snapshot.waits.is_some()).await;
    launch.disk.memory().raise_epoch().expect("raised");
    launch.full.store(false, Ordering::SeqCst);
    let out = launch.until(|snapshot| snapshot.taken_over.is_some()).await;
    let words = out.taken_over.clone().expect("said");
    let waits = format!("never recorded here: they wait in {}", path.display());
    assert!(words.starts_with("this console can no longer act") && words.ends_with(&waits), "{words}");
    let left = side::read(&path).expect("reads").expect("there");
    assert_eq!(told(&left.records, requests).len(), 1, "{:?}", left.records);
}

fn nobody() -> Option<Crew> {
    Some(Box::new(|_, _| None))
}

#[tokio::test]
async fn a_launch_without_a_console_that_is_taken_over_while_it_waits_says_so() {
    let launch = launch(nobody()).await;
    launch.until(|snapshot| snapshot.board.seq > 0).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.observations.send(seen()).await.expect("the loop runs");
    launch.until(|snapshot| snapshot.alarm.is_some()).await;
    launch.disk.memory().raise_epoch().expect("raised");
    launch.full.store(false, Ordering::SeqCst);
    tokio::time::timeout(PATIENCE, launch.flying).await.expect("it leaves").expect("joined");
    let last = launch.port.snapshots.borrow();
    assert!(last.taken_over.is_some(), "it did not merely end: {:?}", last.alarm);
}

#[tokio::test]
async fn a_launch_without_a_console_does_not_wait_for_ever() {
    let launch = launch(nobody()).await;
    launch.until(|snapshot| snapshot.board.seq > 0).await;
    launch.full.store(true, Ordering::SeqCst);
    launch.observations.send(seen()).await.expect("the loop runs");
    launch.until(|snapshot| snapshot.alarm.is_some()).await;
    let begun = tokio::time::Instant::now();
    tokio::time::pause();
    let enough = tminus::engine::unwritten::ENOUGH;
    let board = tokio::time::timeout(enough * 2, launch.flying).await.expect("it leaves").expect("joined");
    assert!(board.unwritten.is_some());
    assert!(begun.elapsed() + Duration::from_secs(5) > enough, "not before: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_launch_without_a_console_whose_folder_is_gone_waits_for_nothing() {
    let launch = launch(nobody()).await;
    launch.until(|snapshot| snapshot.board.seq > 0).await;
    std::fs::remove_dir_all(launch.folder.path()).expect("removed");
    launch.full.store(true, Ordering::SeqCst);
    launch.observations.send(seen()).await.expect("the loop runs");
    tokio::time::timeout(PATIENCE, launch.flying).await.expect("it leaves").expect("joined");
}

fn seen() -> Observation {
    Observation::MonitorChanged { monitor: MonitorId::new("api"), verdict: Verdict::Fail, why: "down".into() }
}
