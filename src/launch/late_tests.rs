//! What waits past its mark says so, also while T stands; what a built-in hold is for is in time.

use super::super::board::Board;
use super::super::command::Command;
use super::super::event::{Actor, Event};
use super::super::id::ItemId;
use super::super::plan::{Act, Item};
use super::super::samples::{Flight, MINUTE, minutes, plan};
use super::super::time::{Instant, Mark};
use super::super::verdict::Verdict;
use super::{items, late, unopened};

fn of(flight: &Flight, item: &str) -> Option<u64> {
    let item = flight.board.plan.item(&item.into()).expect("there");
    late(&flight.board, item, flight.now).map(|late| late.as_secs() / 60)
}

fn all(flight: &Flight) -> Vec<String> {
    items(&flight.board, flight.now).map(|(item, _)| item.id.to_string()).collect()
}

#[test]
fn what_waits_past_its_mark_is_late_though_t_holds_there() {
    let mut flight = Flight::of(plan());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    assert_eq!(of(&flight, "attest"), None, "it is due just now");
    flight.command(Command::CallHold { why: "smoke".into() }).expect("held");
    flight.pass(minutes(7));
    assert_eq!(flight.board.mark_at(flight.now), Mark(30 * MINUTE), "T stands");
    assert_eq!(of(&flight, "attest"), Some(7));
    assert_eq!(all(&flight), ["attest"], "nothing else is due");
    flight.command(Command::Attest { item: "attest".into(), note: "seen".into(), passed: true }).expect("attested");
    assert_eq!(of(&flight, "attest"), None);
}

#[test]
fn a_check_that_could_not_begin_and_a_phase_that_could_not_open_are_late() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Pass);
    flight.pass(minutes(5));
    assert_eq!(of(&flight, "login"), None, "it runs");
    assert_eq!(of(&flight, "chat"), Some(5), "it comes after what hangs");
    flight.answer("login", Verdict::Fail);
    assert_eq!(of(&flight, "chat"), Some(5), "blocked");
    flight.pass(minutes(45));
    let phase = |flight: &Flight, id: &str| {
        let phase = flight.board.plan.phase(&id.into()).expect("there");
        unopened(&flight.board, phase, flight.now).map(|late| late.as_secs() / 60)
    };
    assert!(!flight.opened("gate-b"));
    assert_eq!((phase(&flight, "gate-b"), phase(&flight, "rollout")), (Some(20), None));
    assert_eq!(of(&flight, "attest"), Some(20), "its phase could not open");
    flight.command(Command::Scrub { why: "enough".into() }).expect("scrubbed");
    assert_eq!((phase(&flight, "gate-b"), all(&flight)), (None, Vec::new()), "nothing of it is due any more");
}

#[test]
fn what_a_built_in_hold_is_for_is_in_time_until_the_hold_is_over() {
    let mut plan = plan();
    plan.phases.retain(|phase| !phase.gate);
    plan.items.get_mut(&ItemId::new("attest")).expect("there").phase = "rollout".into();
    plan.items.get_mut(&ItemId::new("attest")).expect("there").at = Mark(10 * MINUTE);
    plan.phases.iter_mut().filter(|phase| phase.id.as_str() == "rollout").for_each(|phase| {
        phase.at = Mark(10 * MINUTE);
        phase.items.push("attest".into());
    });
    let mut flight = Flight::of(plan);
    flight.pass(minutes(50));
    flight.pass(minutes(9));
    assert_eq!(of(&flight, "attest"), None, "this is what the hold is for");
    flight.pass(minutes(4));
    assert_eq!(of(&flight, "attest"), Some(3), "ten minutes of it were planned");
}

#[test]
fn what_a_recycle_went_back_over_is_to_come_again() {
    let mut flight = Flight::of(plan());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(31));
    flight.pass(minutes(4));
    assert_eq!(of(&flight, "attest"), Some(5));
    flight.command(Command::CallHold { why: "again".into() }).expect("held");
    flight.command(Command::Recycle { mark: Mark(30 * MINUTE) }).expect("recycled");
    assert_eq!(of(&flight, "attest"), None, "its mark has come just now");
    assert_eq!(flight.board.course.came(Mark(29 * MINUTE), flight.now), None, "below it T is not any more");
    flight.pass(minutes(3));
    assert_eq!(of(&flight, "attest"), Some(3));
}

#[test]
fn after_t0_lateness_goes_on_and_a_quiet_launch_adds_no_legs() {
    let mut plan = plan();
    plan.phases.retain(|phase| !phase.gate);
    plan.items.retain(|_, item| matches!(item.phase.as_str(), "rollout" | "late"));
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    plan.poll.clear();
    let mut flight = Flight::of(plan);
    for _ in 0..40 {
        flight.pass(minutes(1));
        flight.command(Command::note("quiet")).expect("noted");
    }
    assert_eq!(of(&flight, "cut"), Some(39), "the step nobody began");
    assert_eq!(of(&flight, "after"), Some(39), "and what waits for it");
    assert_eq!(flight.board.course.0.len(), 1, "{:?}", flight.board.course);
    assert_eq!(flight.board.course.came(Mark(0), flight.now), Some(Instant(MINUTE)));
    let replayed = Board::replay(flight.board.plan.0.clone(), &flight.records);
    assert_eq!(replayed.course, flight.board.course);
}

#[test]
fn time_that_nobody_watched_counts_as_late_too() {
    let mut flight = Flight::of(plan());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(25));
    // A sleep stops T at the first mark missed, which it came to 35 minutes ago.
    flight.now = flight.now.plus(minutes(40));
    flight
        .input(&super::super::command::Input::Observation(super::super::command::Observation::Slept {
            gap: minutes(40),
        }))
        .expect("told");
    assert_eq!((flight.board.mark_at(flight.now), of(&flight, "attest")), (Mark(30 * MINUTE), Some(35)));
    // A crash a minute after the last record: T is the heartbeat's, and the mark had come before it.
    let mut flight = Flight::of(plan());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(31));
    flight.now = flight.now.plus(minutes(10));
    let crashed = Event::ConsoleReturned { clean: false, t: 28 * MINUTE };
    flight.record(flight.now, Actor::engine(), crashed);
    assert_eq!((flight.board.mark_at(flight.now), of(&flight, "attest")), (Mark(28 * MINUTE), Some(11)));
}

#[test]
fn what_comes_after_time_that_was_planned_is_late_from_its_end() {
    let mut plan = plan();
    plan.items.get_mut(&ItemId::new("chat")).expect("there").act = Act::Wait { span: minutes(20) };
    let known = plan.items[&ItemId::new("attest")].clone();
    let (id, phase, at) = (ItemId::new("reports"), plan.phases[0].id.clone(), plan.phases[0].at);
    plan.items.insert(id.clone(), Item { id: id.clone(), phase, at, needs: vec!["chat".into()], ..known.clone() });
    let then = ItemId::new("then");
    let (phase, needs) = (plan.phases[0].id.clone(), vec![id.clone()]);
    plan.items.insert(then.clone(), Item { id: then.clone(), phase, at, needs, ..known });
    plan.phases[0].items.extend([id, then]);
    let mut flight = Flight::of(plan);
    flight.answer("health", Verdict::Pass);
    flight.pass(minutes(5));
    flight.answer("login", Verdict::Pass);
    flight.pass(minutes(15));
    assert_eq!((of(&flight, "reports"), of(&flight, "then")), (None, None), "twenty minutes go by first");
    flight.pass(minutes(5));
    flight.pass(minutes(4));
    assert_eq!((of(&flight, "reports"), of(&flight, "then")), (Some(4), Some(4)), "not 29");
    flight.command(Command::Attest { item: "reports".into(), note: "none".into(), passed: true }).expect("due");
    flight.pass(minutes(3));
    assert_eq!(of(&flight, "then"), Some(3), "since the one before was done");
}
