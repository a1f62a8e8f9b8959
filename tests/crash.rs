//! Nothing is lost and nothing happens twice: launches are killed with SIGKILL at any instant and at every
//! named boundary, gone on with, and killed again. Every record that anybody saw is there, every effect has
//! its intent, a step of class once happens at most once, every outcome is the one it had or is unknown.
//!
//! `TMINUS_CRASH_KILLS` says how many kills (200; `just crash` takes 1000), `TMINUS_CRASH_SEED` repeats the
//! choices of a run, `TMINUS_CRASH_FLIGHT` flies one flight of it alone. Instants are real: a run repeats its
//! choices, not its interleavings.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

#[path = "crash/chance.rs"]
mod chance;
#[path = "crash/console.rs"]
mod console;
#[path = "crash/flight.rs"]
mod flight;
#[path = "crash/judge.rs"]
mod judge;
#[path = "crash/kill.rs"]
mod kill;
#[expect(dead_code, reason = "each test file uses a part of this")]
mod pty;
#[path = "crash/scribe.rs"]
mod scribe;
#[path = "crash/site.rs"]
mod site;
#[path = "crash/tally.rs"]
mod tally;
#[expect(dead_code, reason = "each test file uses a part of this")]
mod wait;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use flight::Flight;
use tally::Tally;
use tminus::base::boundary;

/// Launches flown at the same time.
const WORKERS: u32 = 3;
/// A run that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(1_200);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn killed_at_any_instant_nothing_is_lost_and_nothing_happens_twice() {
    let wanted = from_environment("TMINUS_CRASH_KILLS").unwrap_or(200);
    let seed = from_environment("TMINUS_CRASH_SEED")
        .unwrap_or_else(|| tminus::clock::wall().timestamp_micros().unsigned_abs());
    let only = from_environment("TMINUS_CRASH_FLIGHT").map(|number| u32::try_from(number).expect("a flight"));
    println!("TMINUS_CRASH_SEED={seed}");
    let server = site::server();
    let (tally, next, failed) = (Mutex::new(Tally::default()), AtomicU32::new(0), AtomicBool::new(false));
    let began = tminus::clock::boot();
    let enough = || {
        let tally = tally.lock().expect("no flight failed");
        u64::from(tally.all_kills()) >= wanted && boundary::ALL.iter().all(|name| tally.struck.contains_key(name))
    };
    let fly = |number: u32| {
        let mut flight = Flight::new(number, seed, &server, &tally);
        let flown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| flight.fly()));
        if let Err(wrong) = flown {
            failed.store(true, Ordering::SeqCst);
            eprintln!("flight {number} of TMINUS_CRASH_SEED={seed} failed; its folder is {}", flight.keep().display());
            std::panic::resume_unwind(wrong);
        }
    };
    if let Some(number) = only {
        fly(number);
        return println!("{}", tally.into_inner().expect("no flight failed"));
    }
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !failed.load(Ordering::SeqCst) && flight::since(began) < LONGEST && !enough() {
                    fly(next.fetch_add(1, Ordering::SeqCst));
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no flight failed");
    println!("{tally}in {:?}, TMINUS_CRASH_SEED={seed}", flight::since(began));
    assert!(u64::from(tally.all_kills()) >= wanted, "only {} kills", tally.all_kills());
    let missed: Vec<_> = boundary::ALL.iter().filter(|name| !tally.struck.contains_key(*name)).collect();
    assert!(missed.is_empty(), "never died at {missed:?}");
}

/// A boundary that nobody reaches, or that has no name in the list, is one at which nothing is killed.
#[test]
fn every_boundary_is_reached_somewhere_and_each_is_killed_at() {
    let mut reached = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a source");
            let calls = text.split("reach(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
            reached.extend(calls.map(|(name, _)| name.to_owned()));
        }
    }
    let all: BTreeSet<String> = boundary::ALL.iter().map(ToString::to_string).collect();
    let others = boundary::OF_ROLLBACKS
        .iter()
        .chain(boundary::TAKING)
        .chain(boundary::AMENDING)
        .chain(boundary::BUNDLING)
        .map(ToString::to_string);
    assert_eq!(reached, all.iter().cloned().chain(others).collect());
    let here = site::OPENING.iter().chain(&site::FLYING).chain(&["attempt-fenced"]);
    assert_eq!(here.map(ToString::to_string).collect::<BTreeSet<_>>(), all, "tests/crash/site.rs kills at each");
}
