//! After T-0: what became due while nobody watched waits for a key, and nothing else does.

use super::super::command::{Command, Input, Observation};
use super::super::event::Event;
use super::super::id::ItemId;
use super::super::plan::{Act, Class, Confirm, Item, Plan, SpecId};
use super::super::samples::{Flight, MINUTE, minutes, plan};
use super::super::time::{Instant, Mark};
use super::super::verdict::Outcome;
use super::stop;

/// Past T-0 by itself: `cut` and `then`, which needs it, at T-0, `look` at T+30m, all steps that start
/// themselves.
fn steps() -> Plan {
    let mut plan = plan();
    plan.phases.retain(|phase| !phase.gate);
    plan.items.retain(|_, item| matches!(item.phase.as_str(), "rollout" | "late"));
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    plan.poll.clear();
    for item in plan.items.values_mut() {
        item.act = Act::Step {
            spec: SpecId(3),
            class: Class::Once,
            confirm: Confirm::Key,
            second: crate::launch::plan::Second::None,
        };
        item.auto = true;
    }
    plan
}

/// Two minutes after T-0; `cut` runs.
fn lifted(plan: Plan) -> Flight {
    let mut flight = Flight::of(plan);
    flight.pass(minutes(3));
    assert_eq!(flight.board.clock.as_ref().and_then(|clock| clock.t0), Some(Instant(MINUTE)));
    flight
}

fn ended(flight: &mut Flight, item: &str) {
    let outcome = Outcome { exit: Some(0), ..Outcome::default() };
    let attempt = flight.board.item(&item.into()).and_then(|state| state.attempt).expect("it runs");
    let (item, verdict) = (ItemId::new(item), outcome.verdict(&[]));
    flight.input(&Input::Observation(Observation::StepEnded { item, attempt, verdict, outcome })).expect("told");
}

fn sleeps(flight: &mut Flight, minutes_long: u64) {
    flight.now = flight.now.plus(minutes(minutes_long));
    flight.input(&Input::Observation(Observation::Slept { gap: minutes(minutes_long) })).expect("told");
}

fn intents(flight: &Flight, item: &str) -> usize {
    let of = |event: &Event| matches!(event, Event::StepIntended { item: of, .. } if of.as_str() == item);
    flight.records.iter().filter(|record| of(&record.event)).count()
}

fn why(flight: &Flight) -> Option<&str> {
    flight.board.frozen.as_deref()
}

#[test]
fn a_mark_slept_through_starts_no_step_until_somebody_thaws() {
    let mut flight = lifted(steps());
    ended(&mut flight, "cut");
    ended(&mut flight, "after");
    sleeps(&mut flight, 40);
    assert_eq!(why(&flight), Some("nobody watched for 40m, and look became due meanwhile"));
    flight.pass(minutes(5));
    assert_eq!(intents(&flight, "look"), 0, "nothing runs by itself");
    flight.command(Command::Thaw { why: "it is right now too".into() }).expect("one key");
    assert_eq!(intents(&flight, "look"), 1);
}

#[test]
fn a_sleep_in_which_nothing_became_due_stops_nothing() {
    let mut flight = lifted(steps());
    ended(&mut flight, "cut");
    ended(&mut flight, "after");
    sleeps(&mut flight, 10);
    assert_eq!(why(&flight), None);
    flight.pass(minutes(20));
    assert_eq!(intents(&flight, "look"), 1, "watched, it runs at its mark");
}

#[test]
fn what_waited_for_a_step_that_ended_unwatched_waits_for_a_key() {
    let mut flight = lifted(steps());
    assert_eq!((intents(&flight, "cut"), intents(&flight, "after")), (1, 0));
    sleeps(&mut flight, 1);
    ended(&mut flight, "cut");
    assert_eq!((intents(&flight, "after"), why(&flight).is_some()), (0, true), "its end was learnt late");
}

#[test]
fn what_waits_for_a_check_begins_under_somebody_s_eyes() {
    let mut plan = steps();
    plan.items.get_mut(&ItemId::new("cut")).expect("there").act = Act::Check(SpecId(3));
    let flight = lifted(plan);
    assert_eq!(stop(&flight.board, flight.now, flight.now.plus(minutes(5))), None);
    let before_t0 = Instant(0);
    assert!(stop(&flight.board, before_t0, flight.now).is_some(), "unless its mark came unwatched too");
}

#[test]
fn a_wait_that_ran_out_unwatched_is_such_an_end() {
    let mut plan = steps();
    plan.items.get_mut(&ItemId::new("cut")).expect("there").act = Act::Wait { span: minutes(10) };
    let flight = lifted(plan);
    let stopped = |after| stop(&flight.board, flight.now, flight.now.plus(minutes(after)));
    assert_eq!(stopped(5), None, "it is not over");
    assert!(stopped(10).is_some());
}

#[test]
fn a_key_s_step_and_a_check_need_no_freeze() {
    for change in [|item: &mut Item| item.auto = false, |item: &mut Item| item.act = Act::Check(SpecId(5))] {
        let mut plan = steps();
        plan.items.values_mut().for_each(change);
        let mut flight = lifted(plan);
        sleeps(&mut flight, 40);
        assert_eq!(why(&flight), None);
    }
}

#[test]
fn before_t0_the_countdown_itself_stops() {
    let mut plan = steps();
    plan.phases.iter_mut().filter(|phase| phase.id.as_str() == "rollout").for_each(|phase| phase.at = Mark(500));
    let flight = Flight::of(plan);
    assert_eq!(stop(&flight.board, flight.now, flight.now.plus(minutes(40))), None);
}
