//! What a launch would have come to by another plan: a monitor's trigger, a time that nobody watched, an amendment.

use std::collections::BTreeMap;

use super::*;
use crate::launch::event::Mode;
use crate::launch::plan::{Condition, FireMode, Objective, Release, Trigger};
use crate::launch::samples::{monitor, objective, plan as sample};
use crate::launch::time::Wall;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(seconds: i64) -> Instant {
    Instant(seconds * 1_000)
}

/// A trigger on the monitor `api`, which fires after so many seconds; an objective is evaluated every ten.
fn plan(lasts: u64) -> Arc<Plan> {
    let mut plan = sample();
    plan.monitors = vec![monitor("api")];
    plan.objectives = vec![Objective { min_samples: 20, ..objective("errors", "error_rate <= 5%") }];
    plan.triggers = vec![Trigger {
        id: "api-down".into(),
        title: "api-down".into(),
        when: Condition::Monitor("api".into()),
        lasts: seconds(lasts),
        recovers_after: seconds(2 * lasts),
        then: "front".into(),
        mode: FireMode::Ask,
        armed_from: None,
        armed_until: None,
    }];
    Arc::new(plan)
}

/// A launch of an hour before T-0 on: evaluated from the first second to the last of it, with what else happened.
fn flown(events: impl IntoIterator<Item = (i64, Event)>) -> Flown {
    let opened = Event::LaunchOpened {
        plan: "sample".into(),
        plan_hash: "hash".into(),
        mode: Mode::Launch,
        start: 3_600_000,
        release: Release::default(),
        target: None,
    };
    let evaluated = |second| {
        let rounds = vec![Round { at: at(second), counts: BTreeMap::new() }];
        (second, Event::Evaluated { rounds })
    };
    let mut all = vec![(0, opened), evaluated(10)];
    all.extend(events);
    all.push(evaluated(900));
    let mut flown = Flown::default();
    for (seq, (second, event)) in (1..).zip(all) {
        let (wall, actor) = (Wall::default(), Actor::engine());
        flown.take(Recorded { seq, at: at(second), occurred_at: wall, recorded_at: wall, actor, event });
    }
    flown
}

fn fails() -> Event {
    Event::MonitorChanged { monitor: "api".into(), verdict: Verdict::Fail, why: "refused".into() }
}

/// When the trigger would have fired, in seconds of the launch.
fn fired(flown: &Flown, lasts: u64) -> Option<i64> {
    let place = tempfile::tempdir().expect("a folder");
    let told = flown.told(&plan(lasts), place.path());
    told.fired.get(&"api-down".into()).map(|fired| 3_600 - fired.mark.0 / 1_000)
}

#[test]
fn a_monitors_trigger_fires_by_the_time_of_the_plan_that_is_asked() {
    let flown = flown([(60, fails())]);
    assert_eq!(fired(&flown, 120), Some(180));
    assert_eq!(fired(&flown, 300), Some(360));
    assert_eq!(fired(&flown, 3_600), None);
}

#[test]
fn nothing_fires_in_a_time_that_nobody_watched_and_none_of_it_counts() {
    let left = [(60, fails()), (100, Event::ConsoleLeft), (400, Event::ConsoleReturned { clean: true, t: 0 })];
    assert_eq!(fired(&flown(left.clone()), 120), None, "what it said before is not known of the time after");
    // Forty seconds before and eighty after.
    let again = left.into_iter().chain([(410, fails())]);
    assert_eq!(fired(&flown(again), 120), Some(490));
    let slept = [(60, fails()), (400, Event::Slept { gap: seconds(300) })];
    // T stands where the machine woke, until somebody catches up.
    assert_eq!(fired(&flown(slept), 120), Some(400));
}

#[test]
fn an_amendment_under_way_is_a_doubt() {
    let amended = Event::PlanAmended {
        revision: 2,
        plan_hash: "another".into(),
        reason: "so".into(),
        changes: Vec::new(),
        again: Vec::new(),
        recapture: Vec::new(),
        asked: Vec::new(),
    };
    let place = tempfile::tempdir().expect("a folder");
    let doubts = |flown: Flown| flown.told(&plan(120), place.path()).doubts;
    let told = doubts(flown([(60, amended)]));
    assert!(told.iter().any(|doubt| doubt.contains("amended to revision 2")), "{told:?}");
    assert!(!doubts(flown([])).iter().any(|doubt| doubt.contains("amended")));
}
