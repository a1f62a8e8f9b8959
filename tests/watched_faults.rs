//! What a fault of the simulated target comes to in a launch that is watched, by the binary itself: the truth, and
//! never health where there is none. Most of the time is skipped, so that most samples are made up.

use crate::binary::{Place, Ran};
use crate::told::{board, records};
use tminus::launch::event::{Event, Recorded, RollbackEnd};
use tminus::launch::objective::Counts;
use tminus::launch::time::Instant;
use tminus::launch::verdict::Verdict;

const PLAN: &str = include_str!("rehearsal_plan/watched.toml");

/// A rehearsal that was flown to its end, and its journal.
struct Flown {
    ran: Ran,
    records: Vec<Recorded>,
    place: Place,
}

async fn fly(plan: &str, faults: &[&str]) -> Flown {
    let place = Place::new(&[]);
    let (file, folder) = (place.path("watched.toml"), place.path("launch"));
    std::fs::write(&file, plan).expect("written");
    let (file, shown) = (file.display().to_string(), folder.display().to_string());
    let mut arguments = vec!["rehearse", &file, "--headless", "--drill", "none", "--launch", &shown];
    let (options, faults): (Vec<&str>, Vec<&str>) = faults.iter().partition(|word| word.starts_with("--"));
    arguments.extend(options);
    arguments.extend(faults.iter().flat_map(|fault| ["--fault", *fault]));
    let ran = place.run(&arguments).await;
    let records = records(&folder);
    Flown { ran, records, place }
}

impl Flown {
    fn board(&self) -> tminus::launch::board::Board {
        board(&self.place.path("launch"), &self.records)
    }

    /// When the first record came that is meant.
    fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.records.iter().find(|record| wanted(&record.event)).map(|record| record.at)
    }

    fn switched(&self, is_on: bool) -> Instant {
        let switched = |event: &Event| matches!(event, Event::FaultSwitched { on, .. } if *on == is_on);
        self.first(switched).expect("switched")
    }

    fn fired(&self) -> Option<Instant> {
        self.first(|event| matches!(event, Event::TriggerFired { .. }))
    }

    /// Every evaluation of an objective, with its instant.
    fn rounds(&self, objective: &str) -> Vec<(Instant, Counts)> {
        let rounds = self.records.iter().filter_map(|record| match &record.event {
            Event::Evaluated { rounds } => Some(rounds),
            _ => None,
        });
        let of =
            |round: &tminus::launch::objective::Round| Some((round.at, round.counts.get(&objective.into())?.clone()));
        rounds.flatten().filter_map(of).collect()
    }

    /// The verdicts of an objective from a while after an instant to another.
    fn verdicts(&self, objective: &str, from: Instant, until: Instant) -> Vec<Verdict> {
        let plan = self.board().plan;
        let judged = |(at, counts): &(Instant, Counts)| {
            tminus::launch::watching::judged(&plan, &objective.into(), counts, *at).expect("an objective").0
        };
        let window = |(at, _): &(Instant, Counts)| (from.0 + 45_000..until.0).contains(&at.0);
        self.rounds(objective).iter().filter(|round| window(round)).map(judged).collect()
    }
}

#[tokio::test]
async fn errors_are_counted_as_the_share_they_are_and_fire_after_their_time() {
    let flown = fly(PLAN, &["errors=60%@T+10m"]).await;
    let (began, fired) = (flown.switched(true), flown.fired().expect("it fired"));
    let took = fired.since(began).as_millis();
    // Seen within an evaluation and a look, and then for two minutes.
    assert!((120_000..=141_000).contains(&took), "{took}");
    for (objective, least, most) in [("looks", 0.57, 0.63), ("lines", 0.57, 0.63), ("growth", 0.599, 0.601)] {
        let (_, counts) =
            flown.rounds(objective).into_iter().rfind(|(at, _)| at.0 > began.0 + 60_000).expect("a round");
        let share = counts.seen.against as f64 / counts.seen.of as f64;
        assert!((least..=most).contains(&share) && counts.generated, "{objective}: {counts:?}");
    }
    let board = flown.board();
    assert_eq!(board.rollbacks.len(), 1, "one, by the trigger");
    assert_eq!(board.rollbacks[0].end, Some(RollbackEnd::Verified));
}

#[tokio::test]
async fn as_many_errors_as_may_be_fire_nothing() {
    let flown = fly(PLAN, &["errors=4%@T+10m..T+40m"]).await;
    assert_eq!((flown.fired(), flown.ran.code), (None, Some(0)), "{:?}", flown.ran);
    let (on, off) = (flown.switched(true), flown.switched(false));
    assert_eq!(off.since(on).as_secs(), 1_800);
    assert!(flown.verdicts("share", on, off).iter().all(|verdict| *verdict == Verdict::Pass));
    assert!(flown.verdicts("growth", on, off).iter().all(|verdict| *verdict == Verdict::Fail), "its limit is 1%");
}

#[tokio::test]
async fn silence_is_never_health_and_stops_what_stands_on_it() {
    let flown = fly(PLAN, &["no-data@T+10m..T+20m"]).await;
    let (on, off) = (flown.switched(true), flown.switched(false));
    for objective in ["share", "growth", "spans", "lines"] {
        let verdicts = flown.verdicts(objective, on, off);
        assert!(verdicts.len() > 50, "{objective}");
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Unknown | Verdict::Stale)), "{objective}");
    }
    assert_eq!(flown.fired(), None);
    let frozen = flown.first(|event| matches!(event, Event::Frozen { why } if why.contains("watch share")));
    assert!(frozen.is_some_and(|at| on < at && at < off), "{frozen:?}");
}

#[tokio::test]
async fn a_countdown_holds_while_its_source_is_silent_and_goes_on_when_it_is_back() {
    let armed = PLAN.replace("armed_from = \"T-0\"", "armed_from = \"T-20m\"");
    let flown = fly(&armed, &["no-data@T-15m..T-10m:share"]).await;
    let held = flown.first(|event| matches!(event, Event::HoldCalled { who, .. } if who == "watch share"));
    let back = flown.first(|event| matches!(event, Event::HoldReleased { who } if who == "watch share"));
    let (held, back) = (held.expect("it holds"), back.expect("it clears itself"));
    assert!(flown.switched(true) < held && flown.switched(false) < back);
    assert_eq!(flown.ran.code, Some(0), "{:?}", flown.ran);
    let others = flown.verdicts("growth", flown.switched(true), flown.switched(false));
    assert!(others.iter().all(|verdict| *verdict == Verdict::Pass), "one source alone was silent");
}

#[tokio::test]
async fn a_process_that_starts_anew_is_no_burst_and_no_health() {
    let flown = fly(PLAN, &["counter-reset@T+10m"]).await;
    assert_eq!((flown.fired(), flown.ran.code), (None, Some(0)), "{:?}", flown.ran);
    let rounds = flown.rounds("growth");
    assert!(rounds.iter().any(|(_, counts)| counts.beside.is_some_and(|beside| beside.resets > 0)), "it was seen");
    assert!(
        flown
            .verdicts("growth", flown.switched(true), Instant(i64::MAX))
            .iter()
            .all(|verdict| *verdict == Verdict::Pass)
    );
    // With errors going on it clears nothing.
    let flown = fly(PLAN, &["errors=60%@T+10m..T+20m", "counter-reset@T+15m"]).await;
    let verdicts = flown.verdicts("growth", flown.switched(true), flown.switched(false));
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Fail), "{verdicts:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_no_health() {
    for skew in ["clock-skew=-5m", "clock-skew=+5m"] {
        let flown = fly(PLAN, &[&format!("{skew}@T+10m..T+20m")]).await;
        let (on, off) = (flown.switched(true), flown.switched(false));
        for objective in ["share", "growth", "spans"] {
            let verdicts = flown.verdicts(objective, on, off);
            let untold = |verdict: &Verdict| matches!(verdict, Verdict::Unknown | Verdict::Stale);
            assert!(!verdicts.is_empty() && verdicts.iter().all(untold), "{skew}: {objective}");
        }
        assert_eq!(flown.fired(), None, "{skew}");
    }
}

#[tokio::test]
async fn users_that_stay_on_the_canary_are_seen_after_the_way_back() {
    for (sticky, left) in [(None, 0.0), (Some("sticky-users=30%@T+9m"), 150.0)] {
        let faults: Vec<&str> = ["errors=60%@T+10m"].into_iter().chain(sticky).collect();
        let flown = fly(PLAN, &faults).await;
        let rounds = flown.rounds("left");
        let seen = |round: &(Instant, Counts)| round.1.seen.value.map(|value| value.get());
        assert!(rounds.iter().any(|round| seen(round) == Some(500.0)), "the release itself");
        assert_eq!(rounds.last().and_then(seen), Some(left), "{sticky:?}");
        let verified = flown.board().rollbacks[0].end.clone();
        assert_eq!(verified, Some(RollbackEnd::Verified), "what it verifies does not look at users");
    }
}

#[tokio::test]
async fn a_fault_for_nobody_is_told_before_anything_is_made() {
    let flown = Place::new(&[]);
    let ran = flown.run(&["rehearse", "--headless", "--fault", "errors:apo"]).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("did you mean `api`?"), "{}", ran.err);
}

const DRILL: &str = "--drill-faults";

#[tokio::test]
async fn a_drill_says_what_was_planned_and_what_came() {
    let ask = PLAN.replace("mode = \"auto\"\nveto = \"10s\"", "mode = \"ask\"");
    assert_ne!(ask, PLAN);
    for (plan, by) in [(PLAN, "by itself: rollback back by engine"), (&ask, "rollback back by crew (scripted)")] {
        let flown = fly(plan, &[DRILL, "errors=60%@T+10m"]).await;
        let out = &flown.ran.out;
        assert_eq!(flown.ran.code, Some(0), "{out}");
        for told in ["errors=60%@T+10m, began at T+10m", "noticed ", "decided ", "trigger too-many", by, "as planned"] {
            assert!(out.contains(told), "{told} is not in\n{out}");
        }
        let drilled = &flown.board().drilled[0];
        let fired = drilled.fired.first().map(|(at, _)| *at);
        assert_eq!(fired, flown.fired(), "the journal says the same");
    }
}

#[tokio::test]
async fn a_fault_that_nobody_notices_is_not_green() {
    let flown = fly(PLAN, &[DRILL, "errors=60%@T+10m", "no-data@T+5m:share", "counter-reset@T+8m"]).await;
    let out = &flown.ran.out;
    assert_eq!(flown.ran.code, Some(1), "{out}");
    assert!(out.contains("NOT DECIDED: trigger too-many") || out.contains("NOT NOTICED: trigger too-many"), "{out}");
    assert!(out.contains("counter-reset@T+8m") && out.contains("as planned: nobody took it for errors"), "{out}");
}

#[tokio::test]
async fn a_fault_whose_mark_never_comes_is_not_green() {
    let flown = fly(PLAN, &[DRILL, "errors=60%@T+30h"]).await;
    assert_eq!(flown.ran.code, Some(1), "{}", flown.ran.out);
    assert!(flown.ran.out.contains("NEVER BEGAN"), "{}", flown.ran.out);
}
