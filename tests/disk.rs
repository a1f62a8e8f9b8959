//! Full and failing disks under the program itself: nothing is done on the strength of what is not recorded,
//! rollbacks run, and what happened meanwhile is recorded once when the disk returns.

use crate::wait;

#[path = "disk/faulty.rs"]
mod faulty;
#[path = "disk/hangs.rs"]
mod hangs;
#[path = "disk/site.rs"]
mod site;
#[path = "disk/small.rs"]
mod small;

use std::process::Command;
use std::time::Duration;

use crate::pty::Seat;
use crate::wait::wait;
use faulty::Faulty;
use site::{NOISE, Site};
use small::Disk;
use tminus::base::proc::OutcomeFile;
use tminus::journal::{LaunchFolder, Noticed, Purpose, open, side};
use tminus::launch::countdown::JOURNAL;
use tminus::launch::event::{Event, RollbackEnd, RollbackFact};
use tminus::launch::verdict::Verdict;

/// Columns and rows: wide enough for a banner and where it is kept.
const SIZE: (u16, u16) = (200, 36);
const BANNER: &str = "the journal cannot be written";

fn take(site: &Site, variables: &[(&str, String)]) -> Seat {
    let (arguments, variables) = (site.arguments(), variables.iter().map(|(name, value)| (*name, value.as_str())));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut seat = Seat::start(site.home.path(), &arguments, &Vec::from_iter(variables), SIZE);
    seat.sees("Prints a lot");
    let started = |event: &Event| matches!(event, Event::StepStarted { .. });
    wait("step under way", || site.count(started) == 1 && site.begun().exists());
    seat
}

fn noted(event: &Event) -> bool {
    matches!(event, Event::Noted { text, .. } if text == "hello")
}

fn ends_of_noise(site: &Site) -> Vec<(Verdict, tminus::launch::verdict::Outcome)> {
    let end = |event: Event| match event {
        Event::StepEnded { item, verdict, outcome, .. } if item.slug() == "noise" => Some((verdict, outcome)),
        _ => None,
    };
    site.records().into_iter().filter_map(|record| end(record.event)).collect()
}

/// Everything a person may try is refused, and says why.
fn is_refused(seat: &mut Seat) {
    seat.press("nhello\r");
    seat.sees("not recorded, so not done");
    seat.press("\x1b");
}

fn roll_back(seat: &mut Seat) {
    seat.press("!");
    seat.sees("ROLLBACK: choose");
    seat.press("1");
    seat.sees("START IT");
    seat.press("\r");
}

/// Each fact of the rollback once.
fn facts_once(site: &Site) {
    let facts: [fn(&RollbackFact) -> bool; 3] = [
        |fact| matches!(fact, RollbackFact::Started { .. }),
        |fact| matches!(fact, RollbackFact::StepEnded { .. }),
        |fact| matches!(fact, RollbackFact::Ended { end: RollbackEnd::Verified, .. }),
    ];
    for fact in facts {
        assert_eq!(site.count(|event| matches!(event, Event::RollbackTold { fact: told, .. } if fact(told))), 1);
    }
    assert_eq!(site.count(|event| matches!(event, Event::RollbackRequested { .. })), 1);
    assert_eq!(site.runs().matches("back").count(), 1);
}

/// Each fact of the rollback once, and no act besides it.
fn is_recorded_once(site: &Site) {
    facts_once(site);
    assert_eq!(site.count(|event| matches!(event, Event::HoldCalled { who, .. } if who == JOURNAL)), 1);
    assert_eq!(site.count(noted), 0, "what was refused was not recorded");
    assert_eq!(site.count(|event| matches!(event, Event::StepIntended { item, .. } if item.slug() == "act")), 0);
    assert!(!site.runs().contains("acted"));
    assert!(site.sides().is_empty(), "what they held is in the journal: {:?}", site.sides());
    let opened = open(&LaunchFolder::open(&site.launch).expect("a launch"), Purpose::Read).expect("opens");
    assert!(!opened.noticed.iter().any(|notice| matches!(notice, Noticed::Broken(_))), "{:?}", opened.noticed);
    let asked = opened.records.iter().find(|record| matches!(record.event, Event::RollbackRequested { .. }));
    assert!(asked.is_some_and(|asked| asked.recorded_at > asked.occurred_at), "as of when it happened: {asked:?}");
}

#[test]
fn on_a_disk_that_is_full_to_the_last_byte_a_rollback_runs_and_is_recorded_when_there_is_room() {
    let name = "on_a_disk_that_is_full_to_the_last_byte_a_rollback_runs_and_is_recorded_when_there_is_room";
    let disk = match small::disk(name, "4m") {
        Disk::Here(disk) => disk,
        Disk::Elsewhere => return,
        Disk::Nowhere => {
            assert!(std::env::var_os("CI").is_none(), "no disk can be mounted, and CI must be able to");
            eprintln!("skipped: {name}, no disk can be mounted");
            return;
        }
    };
    let site = Site::new(Some(disk.path()));
    let mut seat = take(&site, &[]);
    let filling = disk.fill();
    let shown = seat.sees(BANNER);
    assert!(shown.contains("the disk is full") && shown.contains("NO-GO"), "{shown}");
    seat.sees("HOLDING");
    is_refused(&mut seat);

    // The step that was under way: its outcome is learnt, and what the disk refused of its output is counted.
    std::fs::write(site.go(), "").expect("written");
    wait("outcome", || site.attempt().join("outcome.json").exists());
    let outcome = std::fs::read(site.attempt().join("outcome.json")).expect("reads");
    let outcome: OutcomeFile = serde_json::from_slice(&outcome).expect("an outcome");
    assert_eq!((outcome.exit, outcome.stdout_bytes + outcome.lost_bytes), (Some(0), NOISE));
    assert!(outcome.lost_bytes > 0, "{outcome:?}");
    let ended = |event: &Event| matches!(event, Event::StepEnded { outcome, .. } if outcome.lost_bytes > 0);
    wait("end in the side file", || {
        let left = site.sides().pop().and_then(|path| side::read(&path).expect("readable"));
        left.is_some_and(|left| left.records.iter().any(|record| ended(&record.event)))
    });
    assert!(ends_of_noise(&site).is_empty(), "not recorded yet");

    roll_back(&mut seat);
    seat.sees("VERIFIED: the old state is back");
    std::fs::remove_file(filling).expect("removed");
    seat.press("\x1b");
    seat.until("banner gone", |shown| !shown.contains(BANNER) && shown.contains("could not be written"));
    let ends = ends_of_noise(&site);
    assert!(matches!(ends.as_slice(), [(Verdict::Pass, outcome)] if outcome.lost_bytes > 0), "{ends:?}");
    is_recorded_once(&site);
    let (code, _) = seat.leave();
    assert_eq!(code, 130);
}

/// While the journal's log fails so, nothing is recorded and a rollback runs.
fn a_journal_that_fails(fault: &str) {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set(fault);
    seat.sees(BANNER);
    is_refused(&mut seat);
    roll_back(&mut seat);
    seat.sees("VERIFIED: the old state is back");
    assert_eq!(site.count(|event| matches!(event, Event::RollbackRequested { .. })), 0, "it cannot be recorded");
    faulty.clear();
    seat.press("\x1b");
    seat.until("banner gone", |shown| !shown.contains(BANNER) && shown.contains("could not be written"));
    is_recorded_once(&site);
    // And it goes on: what is asked for now is recorded.
    seat.press("nhello\r");
    wait("note", || site.count(noted) == 1);
    std::fs::write(site.go(), "").expect("written");
    wait("end of the step", || ends_of_noise(&site).len() == 1);
    let (code, _) = seat.leave();
    assert_eq!(code, 130);
}

#[test]
fn writes_that_err_stop_the_launch_and_no_rollback() {
    a_journal_that_fails("write 5 journal.db-wal");
}

#[test]
fn syncs_that_err_stop_the_launch_and_no_rollback() {
    a_journal_that_fails("sync 5 journal.db-wal");
}

#[test]
fn a_disk_that_became_readonly_stops_the_launch_and_no_rollback() {
    a_journal_that_fails("write 30 journal.db-wal");
}

#[test]
fn a_log_that_finds_no_room_stops_the_launch_and_no_rollback() {
    a_journal_that_fails("write 28 journal.db-wal");
}

/// A console that leaves while the journal's log fails so, and the one that comes next.
fn the_next_records_what_one_could_not(fault: &str) {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set(fault);
    seat.sees(BANNER);
    // Long enough for a write that is said to have failed and had not to be tried again and found.
    wait::pause(Duration::from_secs(3));
    roll_back(&mut seat);
    seat.sees("VERIFIED: the old state is back");
    let (code, said) = seat.leave();
    assert_eq!(code, 130);
    assert!(said.contains("left while the journal cannot be written"), "{said}");
    let [side] = site.sides().try_into().expect("one side file");
    assert!(said.contains(&format!("records were never recorded here: they wait in {}", side.display())), "{said}");
    faulty.clear();
    let mut seat = take(&site, &faulty.variables());
    seat.sees("HOLDING");
    wait("rollback in the journal", || site.count(|event| matches!(event, Event::RollbackRequested { .. })) == 1);
    is_recorded_once(&site);
    let (_, said) = seat.leave();
    assert!(said.contains("what an earlier console could not record was taken in from"), "{said}");
}

#[test]
fn what_a_console_could_not_record_and_left_is_recorded_by_the_next() {
    the_next_records_what_one_could_not("write 5 journal.db-wal");
}

#[test]
fn what_a_console_could_not_sync_and_left_is_recorded_by_the_next() {
    the_next_records_what_one_could_not("sync 5 journal.db-wal");
}

#[test]
fn a_console_that_dies_while_it_opens_does_not_forget_where_another_kept_what_it_could_not_record() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set("write 5 journal.db-wal");
    seat.sees(BANNER);
    roll_back(&mut seat);
    seat.sees("VERIFIED: the old state is back");
    seat.leave();
    faulty.clear();
    assert_eq!(site.sides().len(), 1);
    let other = site.home.path().join("other").display().to_string();
    let mut opening = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let launch = site.launch.display().to_string();
    opening.args(["run", "--headless", "--launch", &launch, "--side", &other, "--name", "ada"]);
    let died = opening.env("TMINUS_BOUNDARY", "launch-filed=kill").output().expect("ran");
    assert_eq!(died.status.code(), None, "{died:?}");
    assert_eq!(site.count(|event| matches!(event, Event::RollbackRequested { .. })), 0);
    let mut seat = Seat::start(site.home.path(), &["run", "--launch", &launch, "--side", &other], &[], SIZE);
    wait("rollback in the journal", || site.count(|event| matches!(event, Event::RollbackRequested { .. })) == 1);
    wait("side file gone", || site.sides().is_empty());
    seat.sees("HOLDING");
}

#[test]
fn a_place_for_the_side_file_that_cannot_be_used_is_refused_before_anything_is_opened() {
    let site = Site::new(None);
    std::fs::write(site.side(), "no folder").expect("written");
    let ran = Command::new(env!("CARGO_BIN_EXE_tminus")).args(site.arguments()).output().expect("ran");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success() && said.contains("--side") && said.contains("cannot be used"), "{said}");
    assert!(!site.launch.exists(), "nothing was opened");
}

#[test]
fn what_fails_beside_the_journal_is_told_and_stops_nothing() {
    for (fault, word) in [
        ("write 5 /head.", "a cut tail could not be noticed"),
        ("sync 5 /head.", "a cut tail could not be noticed"),
        ("write 28 /baseline.", "the baseline cannot be written"),
        // And what it would have said of that.
        ("write 28 /baseline.\nwrite 5 /console.log", "the baseline cannot be written"),
    ] {
        let site = Site::new(None);
        let faulty = Faulty::new(&site);
        // The baseline is written when a console begins, the head when it has begun.
        let early = fault.contains("baseline");
        if early {
            faulty.set(fault);
        }
        let mut seat = take(&site, &faulty.variables());
        if !early {
            faulty.set(fault);
        }
        seat.press("nhello\r");
        wait("note", || site.count(noted) == 1);
        let shown = seat.sees(word);
        assert!(!shown.contains(BANNER) && !shown.contains("HOLDING"), "{fault}: {shown}");
        faulty.clear();
        seat.press("nagain\r");
        seat.until("word gone", |shown| !shown.contains(word));
    }
}

#[test]
fn an_outcome_that_cannot_be_kept_is_unknown() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let _seat = take(&site, &faulty.variables());
    faulty.set("write 5 /outcome.");
    std::fs::write(site.go(), "").expect("written");
    wait("end of the step", || ends_of_noise(&site).len() == 1);
    let ends = ends_of_noise(&site);
    assert_eq!(ends[0].0, Verdict::Unknown, "{ends:?}");
}

#[test]
fn output_that_cannot_be_kept_is_counted() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let _seat = take(&site, &faulty.variables());
    faulty.set("write 5 /stdout");
    std::fs::write(site.go(), "").expect("written");
    wait("end of the step", || ends_of_noise(&site).len() == 1);
    let (verdict, outcome) = ends_of_noise(&site).remove(0);
    assert_eq!((verdict, outcome.lost_bytes), (Verdict::Pass, NOISE));
}

#[test]
fn a_rollback_whose_log_cannot_be_written_runs_and_is_not_called_verified() {
    for fault in ["write 5 /rollback/1-back/log", "sync 5 /rollback/1-back/log"] {
        let site = Site::new(None);
        let faulty = Faulty::new(&site);
        let mut seat = take(&site, &faulty.variables());
        faulty.set(fault);
        roll_back(&mut seat);
        wait("step of the rollback", || site.runs().contains("back"));
        let ended = |event: &Event| match event {
            Event::RollbackTold { fact: RollbackFact::Ended { end, .. }, .. } => Some(end.clone()),
            _ => None,
        };
        wait("end", || site.count(|event| ended(event).is_some()) == 1);
        let end = site.records().iter().find_map(|record| ended(&record.event)).expect("an end");
        assert!(!matches!(end, RollbackEnd::Verified), "nobody could tell: {end:?}");
        assert_eq!(site.runs(), "back\n", "once");
    }
}
