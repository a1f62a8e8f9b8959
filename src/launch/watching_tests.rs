//! Objectives and triggers in simulated time, as tables of what may fire and what must not.

use std::collections::BTreeMap;
use std::time::Duration;

use super::trigger::{self, Stage};
use super::verdict::Verdict;
use super::watching::*;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input, Observation};
use crate::launch::event::{Actor, Event, RollbackEnd, RollbackFact};
use crate::launch::id::{ObjectiveId, TriggerId};
use crate::launch::objective::{Counts, Measured, Round, Span};
use crate::launch::plan::{Beside, Condition, FireMode, Monitor, Objective, SpecId, Trigger};
use crate::launch::samples::{Flight, plan};
use crate::launch::threshold::Threshold;
use crate::launch::time::{Instant, Mark};

mod any_order;
mod firing;
mod sources;
mod unwatched;

const SECOND: Duration = Duration::from_secs(1);

fn objective(id: &str) -> Objective {
    Objective {
        id: id.into(),
        title: id.to_owned(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: 30 * SECOND,
        min_samples: 20,
        stale_after: 30 * SECOND,
        evaluate_every: 10 * SECOND,
        unknown_for: 60 * SECOND,
    }
}

fn trigger(id: &str, when: Condition, mode: FireMode) -> Trigger {
    Trigger {
        id: id.into(),
        title: id.to_owned(),
        when,
        lasts: 120 * SECOND,
        recovers_after: 240 * SECOND,
        then: "front".into(),
        mode,
        armed_from: None,
        armed_until: None,
    }
}

fn errors() -> Condition {
    Condition::Objective("errors".into())
}

fn monitor(id: &str) -> Monitor {
    Monitor {
        id: id.into(),
        title: id.to_owned(),
        spec: SpecId(8),
        every: SECOND,
        timeout: SECOND,
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    }
}

fn auto(veto: u64) -> FireMode {
    FireMode::Auto { veto: Duration::from_secs(veto) }
}

/// A launch after its T-0 hold in the sample plan: `errors` is an objective, `api` a monitor.
fn flight(triggers: Vec<Trigger>) -> Flight {
    let mut plan = plan();
    plan.objectives = vec![objective("errors")];
    plan.monitors = vec![monitor("api")];
    plan.triggers = triggers;
    Flight::of(plan)
}

/// What a window of a hundred samples came to: so many percent failed; none where it was not watched.
fn evaluated(at: Instant, percent: Option<u64>) -> Round {
    let seen = percent.map_or(Measured::default(), |against| Measured { of: 100, against, ..Measured::default() });
    let newest = percent.map(|_| Instant(at.0 - 1_000));
    let counts = Counts { seen, newest, known: Span(30_000), ..Counts::default() };
    Round { at, counts: BTreeMap::from([("errors".into(), counts)]) }
}

/// Ten seconds pass, and the objective is evaluated.
fn evaluate(flight: &mut Flight, percent: Option<u64>) {
    flight.pass(10 * SECOND);
    let rounds = vec![evaluated(flight.now, percent)];
    flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
}

fn fired(flight: &Flight, id: &str) -> u32 {
    flight.board.triggers.get(&TriggerId::new(id)).map_or(0, |state| state.fired)
}

fn stage<'a>(flight: &'a Flight, id: &str) -> &'a Stage {
    &flight.board.triggers.get(&TriggerId::new(id)).expect("it has a state").stage
}

/// The loop's part: what has to start is started.
fn start(flight: &mut Flight) -> Option<TriggerId> {
    let (trigger, rollback, why) = trigger::starting(&flight.board, flight.now)?;
    let command = Command::Rollback { rollback, why };
    flight.input(&Input::Command { by: Actor::engine(), command }).expect("possible");
    Some(trigger)
}

fn end(flight: &mut Flight) {
    let run = flight.board.rolling_back().expect("one runs").run;
    let fact = RollbackFact::Ended { end: RollbackEnd::Verified, took: SECOND };
    flight.input(&Input::Observation(Observation::RollbackTold { run, fact })).expect("no refusal");
}

/// How many evaluations of a steady share it takes to fire.
fn until_fired(flight: &mut Flight, percent: u64) -> Option<u64> {
    (1..=100).find(|_| {
        evaluate(flight, Some(percent));
        fired(flight, "down") > 0
    })
}

#[test]
fn a_steady_six_percent_fires_after_two_minutes_and_one_interval() {
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    for _ in 0..30 {
        evaluate(&mut flight, Some(5));
    }
    assert_eq!(fired(&flight, "down"), 0, "five percent are allowed");
    assert_eq!(until_fired(&mut flight, 6), Some(13), "120 s and one interval of 10 s");
    let Stage::Fired { why, starts: None, at } = stage(&flight, "down") else { panic!("{:?}", flight.board.triggers) };
    assert_eq!((why.as_str(), *at), ("6% of 100 for 2m", flight.now));
    evaluate(&mut flight, Some(6));
    assert_eq!(fired(&flight, "down"), 1, "once");
}

#[test]
fn a_burst_of_sixteen_seconds_never_fires_two_minutes() {
    // At its worst it stands in the windows of 30 s that end in the 46 s from its begin: five of them.
    for offset in 0..10 {
        let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
        for place in 0..60_i64 {
            let until = place * 10;
            let overlap = (until.min(116 + offset) - (until - 30).max(100 + offset)).max(0);
            evaluate(&mut flight, Some(u64::try_from(overlap * 100 / 30).expect("a share")));
        }
        assert_eq!(fired(&flight, "down"), 0);
        let breaches = flight.records.iter().filter(|record| {
            let Event::Evaluated { rounds } = &record.event else { return false };
            rounds[0].counts.values().any(|counts| counts.seen.against > 5)
        });
        assert!(breaches.count() >= 4, "it was a breach while it lasted");
    }
}

#[test]
fn unknown_freezes_and_a_pass_clears() {
    let held =
        |flight: &Flight| flight.board.triggers.get(&TriggerId::new("down")).map_or(0, |state| state.held / 1_000);
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    for _ in 0..7 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(held(&flight), 60);
    for _ in 0..5 {
        evaluate(&mut flight, None);
        assert_eq!(held(&flight), 60, "neither counted nor cleared");
    }
    evaluate(&mut flight, Some(6));
    assert_eq!(held(&flight), 70, "its own interval, not the silence before it");
    for _ in 0..4 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(fired(&flight, "down"), 0);
    evaluate(&mut flight, Some(6));
    assert_eq!(fired(&flight, "down"), 1, "twelve intervals were seen to be bad, and the first");
    let mut flight = self::flight(vec![trigger("down", errors(), FireMode::Ask)]);
    for _ in 0..12 {
        evaluate(&mut flight, Some(6));
    }
    evaluate(&mut flight, Some(5));
    assert_eq!((held(&flight), until_fired(&mut flight, 6)), (0, Some(13)));
}

#[test]
fn silence_never_turns_a_breach_into_health_nor_into_a_fire() {
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    for _ in 0..10 {
        evaluate(&mut flight, Some(50));
    }
    for _ in 0..200 {
        evaluate(&mut flight, None);
    }
    let state = &flight.board.objectives[&ObjectiveId::new("errors")];
    assert_eq!((state.verdict, fired(&flight, "down")), (Verdict::Unknown, 0));
    assert_eq!(until_fired(&mut flight, 50), Some(3), "it goes on where it was");
}

#[test]
fn what_nobody_evaluated_counts_for_one_interval_at_most() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    for _ in 0..12 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(flight.board.triggers[&TriggerId::new("down")].held, 110_000);
    let mut other = self::flight(vec![trigger("down", errors(), auto(10))]);
    evaluate(&mut other, Some(6));
    other.pass(3_600 * SECOND);
    evaluate(&mut other, Some(6));
    assert_eq!(other.board.triggers[&TriggerId::new("down")].held, 10_000, "an hour without a look is no breach");
}

#[test]
fn an_evaluation_of_a_time_to_come_is_none() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    let rounds = vec![evaluated(flight.now.plus(3_600 * SECOND), Some(0))];
    flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
    assert!(flight.board.objectives.is_empty(), "its pass would stand for an hour");
    assert_eq!(flight.board.turned.iter().count(), 0);
    assert_eq!(until_fired(&mut flight, 6), Some(13));
}

#[test]
fn the_axis_ends_and_so_do_the_evaluations_on_it() {
    let flight = flight(Vec::new());
    let next = |at: &Instant| next_evaluation(&flight.board.plan, *at);
    let last = Instant(i64::MAX - 25_000);
    assert!(std::iter::successors(Some(last), next).take(10).count() < 10);
}

#[test]
fn the_same_instant_told_again_counts_once() {
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    for _ in 0..7 {
        evaluate(&mut flight, Some(6));
        let known = flight.board.triggers.clone();
        for at in [flight.now, Instant(flight.now.0 - 5_000)] {
            let rounds = vec![evaluated(at, Some(0))];
            flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
        }
        assert_eq!(flight.board.triggers, known, "what was told of that instant stands");
    }
}

#[test]
fn several_rounds_in_one_record_come_to_what_they_come_to_one_by_one() {
    let shares: Vec<u64> = (0..60).map(|place| if (20..34).contains(&place) { 50 } else { 0 }).collect();
    let mut single = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    shares.iter().for_each(|share| evaluate(&mut single, Some(*share)));
    let mut jumped = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    jumped.now = jumped.now.plus(600 * SECOND);
    let rounds = shares.iter().zip(1..).map(|(share, place)| evaluated(Instant(place * 10_000), Some(*share)));
    let rounds: Vec<Round> = rounds.collect();
    jumped.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
    assert_eq!((fired(&single, "down"), fired(&jumped, "down")), (1, 1), "though it was well again by the last");
    assert_eq!(single.board.objectives, jumped.board.objectives);
}
