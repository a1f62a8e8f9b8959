//! `tminus replay`: a rehearsal that was flown without a console is looked at again on a real terminal, from its bundle and
//! from its folder: stepped, scrubbed, jumped through and left. Nothing acts, and no file of the launch is another after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::binary::Place;
use crate::pty::{Seat, WIDE};
use crate::told;
use tminus::launch::event::Recorded;
use tminus::launch::replay::is_notable;

struct Flown {
    place: Place,
    launch: PathBuf,
    records: Vec<Recorded>,
}

impl Flown {
    /// The bundled plan, flown by its scripted crew: it drills a rollback.
    async fn rehearsal() -> Self {
        let place = Place::new(&[]);
        let launch = place.path("launch");
        let ran = place.run(&["rehearse", "--headless", "--launch", &shown(&launch)]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let records = told::records(&launch);
        Self { place, launch, records }
    }

    async fn bundle(&self) -> PathBuf {
        let path = self.place.path("flown.zip");
        let ran = self.place.run(&["bundle", &shown(&self.launch), "-o", &shown(&path)]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        path
    }

    fn replays(&self, what: &Path, size: (u16, u16)) -> Seat {
        Seat::start(&self.place.path(""), &["replay", &shown(what), "--speed", "1"], &[], size)
    }

    /// How many records were made by so many seconds of the launch's own time.
    fn by(&self, seconds: i64) -> usize {
        let first = self.records[0].at.0;
        self.records.iter().filter(|record| record.at.0 <= first + seconds * 1000).count()
    }

    fn record(&self, seat: &mut Seat, place: usize) -> String {
        seat.sees(&format!("record {place} of {} ", self.records.len()))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Every file in `folder` with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("read");
            all.insert(path, bytes);
        }
    }
    all
}

#[tokio::test]
async fn a_bundle_is_stepped_scrubbed_jumped_through_and_left() {
    let flown = Flown::rehearsal().await;
    let bundle = flown.bundle().await;
    let before = (files(&flown.launch), std::fs::read(&bundle).expect("read"));
    let mut seat = flown.replays(&bundle, WIDE);
    let first = flown.record(&mut seat, 1);
    assert!(first.contains(" REPLAY ") && first.contains(" REHEARSAL ") && first.contains("paused, 1x"), "{first}");
    assert!(first.contains("watching 0 of 7"), "nothing had been sampled: {first}");
    for (key, place) in [
        (".", 2),
        (".", 3),
        (",", 2),
        (",", 1),
        ("\x1b[C", flown.by(60)),
        ("\x1b[C", flown.by(120)),
        ("L", flown.by(720)),
        ("\x1b[D", flown.by(660)),
        ("H", flown.by(60)),
        ("^", 1),
    ] {
        seat.press(key);
        flown.record(&mut seat, place);
    }
    // Nothing acts, whatever was meant.
    for key in ["p", "!", "n", "R", "v"] {
        seat.press(key);
        seat.sees("this is a replay: ");
        seat.press("\x1b");
        seat.until("the words gone", |shown| !shown.contains("this is a replay"));
    }
    let notable: Vec<usize> =
        (1..).zip(&flown.records).filter(|(_, record)| is_notable(&record.event)).map(|(place, _)| place).collect();
    assert!(!notable.is_empty(), "a rollback was drilled");
    seat.press("}");
    flown.record(&mut seat, notable[0]);
    seat.sees("ROLLBACK frontend RUNNING");
    seat.press("$");
    flown.record(&mut seat, flown.records.len());
    seat.sees("THE LAUNCH HAS ENDED · the rehearsal is through");
    // What was sampled stands there as it stood then.
    seat.sees("0% of ");
    seat.press("{");
    flown.record(&mut seat, notable[notable.len() - 1]);
    seat.press("^");
    flown.record(&mut seat, 1);
    // As fast as it goes: it runs to its end by itself, and stands there.
    seat.press(&"+".repeat(12));
    seat.sees("paused, 3600x");
    seat.press(" ");
    flown.record(&mut seat, flown.records.len());
    seat.sees("THE END");
    seat.press("q");
    assert_eq!(seat.ends(), 0);
    seat.gave_back();
    assert_eq!(before, (files(&flown.launch), std::fs::read(&bundle).expect("read")), "something of it was changed");
}

#[tokio::test]
async fn a_folder_is_replayed_as_far_as_its_journal_is_sound_and_that_is_said() {
    let flown = Flown::rehearsal().await;
    let before = files(&flown.launch);
    let mut seat = flown.replays(&flown.launch, (80, 24));
    flown.record(&mut seat, 1);
    seat.press(".");
    let shown_then = flown.record(&mut seat, 2);
    assert!(!shown_then.contains("replayed up to"), "{shown_then}");
    seat.press("q");
    assert_eq!(seat.ends(), 0);
    assert_eq!(before, files(&flown.launch), "something of it was changed");
    let journal = rusqlite::Connection::open(flown.launch.join("journal.db")).expect("opened");
    journal.execute("UPDATE records SET bytes = x'7b7d' WHERE seq = 9", []).expect("altered");
    drop(journal);
    let mut seat = flown.replays(&flown.launch, WIDE);
    let broken = seat.sees("record 1 of 8 ");
    assert!(
        broken.contains("replayed up to record 8") && broken.contains("record 9 is not what was written"),
        "{broken}"
    );
    seat.press("q");
    assert_eq!(seat.ends(), 0);
}

#[tokio::test]
async fn a_bundle_that_does_not_verify_is_refused_and_what_is_wrong_is_named() {
    let flown = Flown::rehearsal().await;
    let bundle = flown.bundle().await;
    let mut bytes = std::fs::read(&bundle).expect("read");
    // The plan is small enough to be packed: another byte of it unpacks to something else, or to nothing.
    let name = b"plan.toml";
    let at = bytes.windows(name.len()).position(|part| part == name).expect("it is there") + name.len() + 40;
    bytes[at] ^= 1;
    std::fs::write(&bundle, bytes).expect("written");
    let ran = flown.place.run(&["replay", &shown(&bundle)]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("plan.toml") && ran.err.contains("does not verify: it is not replayed"), "{ran:?}");
    // Of what is sound a terminal is needed.
    let ran = flown.place.run(&["replay", &shown(&flown.launch)]).await;
    assert_eq!((ran.code, ran.err.contains("a replay needs a terminal")), (Some(3), true), "{ran:?}");
}
