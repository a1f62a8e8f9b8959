//! A disk that hangs instead of failing: nothing waits for it but what it took, and that is told truthfully.

use tokio::time::Instant;

use super::*;

const SILENT: &str = "the disk does not answer";

/// What it took, in milliseconds, printed: machines of a CI stand still for longer than ours may.
fn timed(what: &str, most: Duration, act: impl FnOnce()) {
    let begun = Instant::now();
    act();
    println!("{what}: {} ms", begun.elapsed().as_millis());
    assert!(begun.elapsed() < most, "{what}: {:?}", begun.elapsed());
}

fn is_whole(site: &Site) {
    let launch = site.launch.display().to_string();
    let ran = Command::new(env!("CARGO_BIN_EXE_tminus")).args(["verify", &launch]).output().expect("ran");
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}

fn notes(site: &Site, words: &str) -> usize {
    site.count(|event| matches!(event, Event::Noted { text, .. } if text.contains(words)))
}

fn back_again(seat: &mut Seat) {
    seat.press("\x1b");
    seat.until("banner gone", |shown| !shown.contains(BANNER) && shown.contains("could not be written"));
}

#[test]
fn a_heartbeat_that_hangs_is_a_banner_and_a_rollback_runs_beside_it() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set("write 0 journal.db-wal");
    timed("a heartbeat hangs: banner", Duration::from_secs(10), || {
        let shown = seat.sees(SILENT);
        assert!(shown.contains(BANNER) && shown.contains("NO-GO"), "{shown}");
    });
    seat.sees("HOLDING");
    is_refused(&mut seat);
    seat.press("!1");
    seat.sees("START IT");
    timed("confirm key to its first step", Duration::from_secs(10), || {
        seat.press("\r");
        wait("step of the rollback", || site.runs().contains("back"));
    });
    seat.sees("VERIFIED: the old state is back");
    assert!(!site.sides().is_empty(), "what waits is kept elsewhere");
    faulty.clear();
    back_again(&mut seat);
    is_recorded_once(&site);
    seat.press("nagain\r");
    wait("note", || notes(&site, "again") == 1);
    let (code, _) = seat.leave();
    assert_eq!(code, 130);
    is_whole(&site);
}

#[test]
fn what_was_asked_when_the_disk_hung_is_recorded_once_when_it_answers_and_told_as_doubtful() {
    for (then, written) in [("", 1), ("sync 5 journal.db-wal", 0)] {
        let site = Site::new(None);
        let faulty = Faulty::new(&site);
        let mut seat = take(&site, &faulty.variables());
        faulty.set("sync 0 journal.db-wal");
        seat.press("nfirst\r");
        seat.sees("the record of it may stand there");
        // Its words are gone with the next key: what is refused now has its own.
        seat.press("\x1b");
        seat.until("banner alone", |shown| shown.contains(SILENT) && !shown.contains("may stand there"));
        is_refused(&mut seat);
        roll_back(&mut seat);
        seat.sees("VERIFIED: the old state is back");
        if then.is_empty() {
            faulty.clear();
        } else {
            faulty.set(then);
            seat.until("another cause", |shown| shown.contains(&format!("{BANNER}: the disk did not sync")));
            faulty.clear();
        }
        back_again(&mut seat);
        is_recorded_once(&site);
        assert_eq!(notes(&site, "first"), written, "it stands there where the disk said yes, and only there");
        assert!(notes(&site, "nothing could be recorded") >= 1);
        seat.leave();
        is_whole(&site);
    }
}

#[test]
fn a_rollback_does_not_wait_for_the_sync_of_its_request() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    seat.press("!1");
    seat.sees("START IT");
    faulty.set("sync 0 journal.db-wal");
    timed("confirm key to its first step", Duration::from_secs(5), || {
        seat.press("\r");
        wait("step of the rollback", || site.runs().contains("back"));
    });
    seat.sees("VERIFIED: the old state is back");
    seat.sees(SILENT);
    faulty.clear();
    seat.press("\x1b");
    seat.until("banner gone", |shown| !shown.contains(BANNER));
    wait("note", || notes(&site, "rollback back #1 went on unsynced") == 1);
    assert_eq!(site.count(|event| matches!(event, Event::HoldCalled { .. })), 1, "the rollback's own hold is enough");
    facts_once(&site);
    seat.leave();
    is_whole(&site);
}

#[test]
fn a_console_leaves_a_disk_that_hangs_and_the_next_records_what_waits() {
    for keys in ["", "q\r"] {
        let site = Site::new(None);
        let faulty = Faulty::new(&site);
        let mut seat = take(&site, &faulty.variables());
        faulty.set("sync 0 journal.db-wal");
        seat.press("nfirst\r");
        seat.sees("the record of it may stand there");
        roll_back(&mut seat);
        seat.sees("VERIFIED: the old state is back");
        seat.press("\x1b");
        seat.rests();
        timed("leaving", Duration::from_secs(20), || {
            if keys.is_empty() {
                seat.signal(rustix::process::Signal::TERM);
            } else {
                seat.press(keys);
            }
            seat.ends();
        });
        let [_] = site.sides().try_into().expect("one side file");
        faulty.clear();
        let mut seat = take(&site, &faulty.variables());
        seat.sees("HOLDING");
        wait("rollback in the journal", || site.count(|event| matches!(event, Event::RollbackRequested { .. })) == 1);
        is_recorded_once(&site);
        assert_eq!(notes(&site, "first"), 1);
        seat.leave();
        is_whole(&site);
    }
}

/// The loop itself hangs, at its look whether it holds the launch still: nothing it could say is waited for.
#[test]
fn a_loop_that_hangs_is_an_alarm_and_a_rollback_begins_without_it() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set("stat 0 launch/lock$");
    let shown = seat.sees("STANDS STILL");
    assert!(shown.contains("last known"), "{shown}");
    seat.press("!1");
    seat.sees("START IT");
    timed("confirm key to its first step", Duration::from_secs(10), || {
        seat.press("\r");
        wait("step of the rollback", || site.runs().contains("back"));
    });
    seat.sees("is begun without this console's loop");
    faulty.clear();
    seat.until("alarm gone", |shown| !shown.contains("STANDS STILL"));
    let ended = |event: &Event| matches!(event, Event::RollbackTold { fact: RollbackFact::Ended { .. }, .. });
    wait("end in the journal", || site.count(ended) == 1);
    facts_once(&site);
    let (code, _) = seat.leave();
    assert_eq!(code, 130);
    is_whole(&site);
}

#[test]
fn a_console_whose_loop_hangs_is_left_all_the_same() {
    let site = Site::new(None);
    let faulty = Faulty::new(&site);
    let mut seat = take(&site, &faulty.variables());
    faulty.set("stat 0 launch/lock$");
    seat.sees("STANDS STILL");
    timed("leaving", Duration::from_secs(20), || {
        seat.signal(rustix::process::Signal::TERM);
        seat.ends();
    });
    faulty.clear();
}
