//! Sources that tell nothing: what holds, what freezes, what rings, and what lets go.

use super::unwatched::{amended, came_back, slept, told};
use super::*;
use crate::launch::countdown;
use crate::launch::event::Mode;
use crate::launch::lost::lost;

fn down() -> Trigger {
    trigger("down", errors(), FireMode::Ask)
}

fn latches(flight: &Flight) -> Vec<String> {
    let clock = flight.board.clock.as_ref().expect("a countdown");
    clock.latches.keys().filter(|who| who.starts_with("watch ")).cloned().collect()
}

fn silent(flight: &mut Flight, evaluations: usize) {
    (0..evaluations).for_each(|_| evaluate(flight, None));
}

#[test]
fn an_objective_that_tells_nothing_for_too_long_holds_until_it_is_back() {
    let mut flight = flight(vec![down()]);
    evaluate(&mut flight, Some(0));
    silent(&mut flight, 7);
    assert!(latches(&flight).is_empty(), "sixty seconds are allowed");
    silent(&mut flight, 1);
    assert_eq!(latches(&flight), ["watch errors"]);
    assert_eq!(flight.board.clock.as_ref().map(|clock| clock.phase), Some(countdown::Phase::Holding));
    assert!(flight.command(Command::Resume).expect_err("held").contains("watch errors"));
    assert_eq!(calls(&flight.board, flight.now), ["watch errors: objective errors tells nothing: no data"]);
    evaluate(&mut flight, Some(0));
    assert!(latches(&flight).is_empty() && calls(&flight.board, flight.now).is_empty());
    flight.command(Command::Resume).expect("it is back");
}

#[test]
fn stale_and_unknown_are_one_silence() {
    let mut flight = flight(vec![down()]);
    for place in 0..9 {
        flight.pass(10 * SECOND);
        let mut round = evaluated(flight.now, Some(0));
        for counts in round.counts.values_mut() {
            counts.newest = (place % 2 == 0).then_some(Instant(flight.now.0 - 40_000));
        }
        flight.input(&Input::Observation(Observation::Evaluated { rounds: vec![round] })).expect("no refusal");
    }
    assert_eq!(latches(&flight), ["watch errors"]);
}

#[test]
fn what_no_armed_trigger_stands_on_holds_nothing() {
    let later = Trigger { armed_from: Some(Mark::T0), ..down() };
    for triggers in [vec![], vec![later], vec![trigger("down", Condition::Manual, FireMode::Ask)]] {
        let mut flight = flight(triggers);
        silent(&mut flight, 20);
        assert!(latches(&flight).is_empty() && calls(&flight.board, flight.now).is_empty());
    }
}

#[test]
fn a_person_may_go_on_without_a_source_and_the_next_loss_holds_again() {
    let mut flight = flight(vec![down()]);
    silent(&mut flight, 8);
    assert_eq!(latches(&flight), ["watch errors"]);
    let release =
        |flight: &mut Flight, role| flight.command_as(role, Command::ReleaseHold { who: "watch errors".into() });
    assert!(release(&mut flight, "backend").expect_err("no power").contains("may not waive"));
    release(&mut flight, "lead").expect("may waive");
    silent(&mut flight, 10);
    assert!(latches(&flight).is_empty() && calls(&flight.board, flight.now).is_empty());
    evaluate(&mut flight, Some(0));
    silent(&mut flight, 8);
    assert_eq!(latches(&flight), ["watch errors"], "another loss is another matter");
}

fn lifted_off(trigger: Trigger) -> Flight {
    let mut plan = plan();
    plan.objectives = vec![objective("errors")];
    plan.monitors = vec![monitor("api")];
    plan.triggers = vec![trigger];
    plan.phases.clear();
    plan.items.clear();
    plan.poll.clear();
    plan.roles.iter_mut().for_each(|role| role.votes = false);
    plan.clock.holds.clear();
    plan.clock.start = 1_000;
    let mut flight = Flight::of(plan);
    flight.pass(2 * SECOND);
    assert_eq!(flight.board.clock.as_ref().map(|clock| clock.phase), Some(countdown::Phase::Liftoff));
    flight
}

#[test]
fn after_t0_it_freezes_once() {
    let mut flight = lifted_off(down());
    silent(&mut flight, 7);
    assert_eq!(flight.board.frozen, None);
    silent(&mut flight, 1);
    assert_eq!(flight.board.frozen.as_deref(), Some("watch errors: objective errors tells nothing: no data"));
    flight.command(Command::Thaw { why: "seen by hand".into() }).expect("possible");
    silent(&mut flight, 20);
    assert_eq!(flight.board.frozen, None, "a person goes on");
    assert!(calls(&flight.board, flight.now).is_empty());
    evaluate(&mut flight, Some(0));
    silent(&mut flight, 8);
    assert!(flight.board.frozen.is_some(), "another loss is another matter");
    evaluate(&mut flight, Some(0));
    assert!(flight.board.frozen.is_some(), "a freeze is a person's to lift");
}

#[test]
fn a_monitor_that_tells_nothing_is_lost_after_a_minute() {
    let api = || trigger("down", Condition::Monitor("api".into()), FireMode::Ask);
    let mut flight = flight(vec![api()]);
    assert_eq!(crate::launch::schedule::next_at(&flight.board, flight.now), Some(Instant(60_000)));
    flight.pass(59 * SECOND);
    assert!(latches(&flight).is_empty());
    flight.pass(SECOND);
    assert_eq!(latches(&flight), ["watch monitor.api"], "it never told anything");
    told(&mut flight, Verdict::Pass);
    assert!(latches(&flight).is_empty());
    told(&mut flight, Verdict::Unknown);
    flight.pass(60 * SECOND);
    assert_eq!(latches(&flight), ["watch monitor.api"]);
    told(&mut flight, Verdict::Fail);
    assert!(latches(&flight).is_empty(), "it tells something");
    // One or the other, it is one silence.
    for silence in [Verdict::Skipped, Verdict::Unknown, Verdict::Stale] {
        told(&mut flight, silence);
        flight.pass(20 * SECOND);
    }
    assert_eq!(latches(&flight), ["watch monitor.api"]);
    told(&mut flight, Verdict::Fail);
    assert!(latches(&flight).is_empty(), "it tells something");
    told(&mut flight, Verdict::Unknown);
    let gap = 3_600 * SECOND;
    flight.now = flight.now.plus(gap);
    flight.input(&Input::Observation(Observation::Slept { gap })).expect("no refusal");
    flight.pass(59 * SECOND);
    assert!(latches(&flight).is_empty(), "nobody was there to be told");
    flight.pass(SECOND);
    assert_eq!(latches(&flight), ["watch monitor.api"]);
    let mut rehearsed = self::flight(vec![api()]);
    rehearsed.board.mode = Mode::Rehearsal;
    rehearsed.pass(600 * SECOND);
    assert!(latches(&rehearsed).is_empty(), "launch time ran ahead of the first look");
}

#[test]
fn only_the_source_lets_go_what_its_silence_holds() {
    let mut flight = flight(vec![trigger("down", Condition::Monitor("api".into()), FireMode::Ask)]);
    told(&mut flight, Verdict::Unknown);
    flight.pass(60 * SECOND);
    let stands = |flight: &Flight, after: &str| {
        assert_eq!(latches(flight), ["watch monitor.api"], "after {after}");
        assert_eq!(calls(&flight.board, flight.now).len(), 1, "after {after}");
    };
    stands(&flight, "a minute");
    slept(&mut flight, 3_600 * SECOND);
    stands(&flight, "a sleep");
    told(&mut flight, Verdict::Stale);
    stands(&flight, "another silence");
    came_back(&mut flight, 3_600 * SECOND);
    stands(&flight, "a return");
    told(&mut flight, Verdict::Skipped);
    stands(&flight, "a third silence");
    amended(&mut flight, |plan| plan.title = "Another".into());
    stands(&flight, "an amendment");
    told(&mut flight, Verdict::Unknown);
    stands(&flight, "a look by the other plan");
    told(&mut flight, Verdict::Pass);
    assert!(latches(&flight).is_empty() && calls(&flight.board, flight.now).is_empty(), "it is back");

    let mut flight = self::flight(vec![down()]);
    silent(&mut flight, 8);
    assert_eq!(latches(&flight), ["watch errors"]);
    slept(&mut flight, 3_600 * SECOND);
    amended(&mut flight, |plan| plan.objectives[0].min_samples = 10);
    assert_eq!(latches(&flight), ["watch errors"], "nobody has evaluated it yet");
    assert_eq!(calls(&flight.board, flight.now), ["watch errors: objective errors is not evaluated yet"]);
    evaluate(&mut flight, None);
    assert_eq!(latches(&flight), ["watch errors"], "and it tells nothing");
    amended(&mut flight, |plan| plan.triggers.clear());
    assert!(latches(&flight).is_empty(), "nothing stands on it any more");
}

#[test]
fn a_time_that_nobody_watched_takes_no_loss_back() {
    let api = || trigger("down", Condition::Monitor("api".into()), FireMode::Ask);
    let mut flight = lifted_off(api());
    told(&mut flight, Verdict::Unknown);
    flight.pass(60 * SECOND);
    assert!(flight.board.frozen.is_some());
    slept(&mut flight, 3 * SECOND);
    assert_eq!(calls(&flight.board, flight.now).len(), 1, "it rings on");
    flight.command(Command::Thaw { why: "seen by hand".into() }).expect("possible");
    for _ in 0..3 {
        slept(&mut flight, 3 * SECOND);
        flight.pass(600 * SECOND);
        assert!(flight.board.frozen.is_none() && calls(&flight.board, flight.now).is_empty(), "a person goes on");
    }
    told(&mut flight, Verdict::Pass);
    told(&mut flight, Verdict::Unknown);
    flight.pass(59 * SECOND);
    slept(&mut flight, 3 * SECOND);
    flight.pass(59 * SECOND);
    assert_eq!(flight.board.frozen, None, "what was not too long yet has its time anew");
    flight.pass(SECOND);
    assert!(flight.board.frozen.is_some(), "another loss is another matter");
}

#[test]
fn a_jump_over_idle_time_is_no_silence() {
    let mut flight = flight(vec![down()]);
    evaluate(&mut flight, Some(0));
    silent(&mut flight, 1);
    flight.pass(600 * SECOND);
    flight.command(Command::note("and something else happened")).expect("possible");
    assert_eq!(lost(&flight.board, flight.now), [], "nobody evaluated it yet");
    let rounds = (3..=62).map(|place| evaluated(Instant(place * 10_000), Some(0))).collect();
    flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("no refusal");
    assert!(latches(&flight).is_empty());
}
