//! A soak on the board: how it begins, survives and ends, and that a replay comes to the same.

use std::sync::Arc;
use std::time::Duration;

use super::super::board::{Board, Progress};
use super::super::command::Command;
use super::super::event::{Actor, Event};
use super::super::id::ItemId;
use super::super::item::ItemState;
use super::super::plan::{Act, Item, Plan};
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule;
use super::super::time::{Instant, Mark};
use super::super::verdict::Verdict;
use super::{Ledger, Soak, next_at};

fn soaking(deadline: Option<Duration>) -> Plan {
    let mut plan = plan();
    let soak =
        Soak { objectives: vec!["errors".into(), "p95".into()], lasts: minutes(30), max_gap: minutes(5), deadline };
    let known = plan.items[&ItemId::new("health")].clone();
    let item = Item { id: "hold".into(), kind: "soak", act: Act::Soak(soak), at: Mark(60 * 60_000), ..known };
    plan.items.insert(item.id.clone(), item);
    plan.phases[0].items.push("hold".into());
    plan
}

fn state(flight: &Flight) -> &ItemState {
    flight.board.item(&"hold".into()).expect("there")
}

fn ledger(flight: &Flight) -> &Ledger {
    &flight.board.soaks[&ItemId::new("hold")]
}

fn replays(flight: &Flight) {
    let again = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
    assert_eq!(again.soaks, flight.board.soaks);
    assert_eq!(again.items, flight.board.items);
}

#[test]
fn it_begins_at_its_mark_by_itself_and_time_alone_does_not_pass_it() {
    let mut flight = Flight::of(soaking(None));
    assert!(state(&flight).is_running(), "{:?}", state(&flight).progress);
    flight.pass(minutes(59));
    assert!(state(&flight).is_running());
    assert_eq!(ledger(&flight).credited, Duration::ZERO);
    // It looks at nothing itself: launch time may jump.
    flight.answer("health", Verdict::Pass);
    flight.answer("login", Verdict::Pass);
    flight.answer("chat", Verdict::Pass);
    assert_eq!(flight.board.in_flight(), 0);
    replays(&flight);
}

#[test]
fn what_is_not_through_by_its_deadline_has_failed() {
    let mut flight = Flight::of(soaking(Some(minutes(45))));
    assert!(schedule::next_at(&flight.board, flight.now).is_some_and(|at| at <= Instant(45 * 60_000)));
    flight.pass(minutes(44));
    assert!(state(&flight).is_running());
    flight.pass(minutes(2));
    assert_eq!(state(&flight).progress, Progress::Ended { verdict: Verdict::Fail, at: Instant(45 * 60_000) });
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "0s of 30m credited when its 45m were over");
    assert_eq!(report.took, minutes(45));
    replays(&flight);
}

#[test]
fn a_console_that_comes_back_finds_it_running_with_a_hole() {
    let mut flight = Flight::of(soaking(None));
    flight.pass(minutes(10));
    flight.now = flight.now.plus(minutes(7));
    let t = flight.board.mark_at(flight.now).0;
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: false, t });
    flight.follow();
    assert_eq!(state(&flight).progress, Progress::Running { since: Instant(0), pid: None });
    assert_eq!(ledger(&flight).since, Instant(0));
    replays(&flight);
}

#[test]
fn one_that_is_cancelled_and_run_again_begins_a_ledger_of_its_own() {
    let mut flight = Flight::of(soaking(None));
    flight.pass(minutes(10));
    flight.command(Command::Cancel { item: "hold".into() }).expect("cancelled");
    assert!(matches!(state(&flight).progress, Progress::Ended { verdict: Verdict::Unknown, .. }));
    flight.pass(minutes(10));
    assert!(!state(&flight).is_running(), "nobody began it again");
    flight.command(Command::RunItem { item: "hold".into() }).expect("run");
    assert_eq!(ledger(&flight).since, Instant(20 * 60_000));
    replays(&flight);
}

#[test]
fn the_next_instant_is_one_at_which_it_is_evaluated_and_never_the_past() {
    let mut flight = Flight::of(soaking(None));
    for _ in 0..5 {
        flight.pass(minutes(17));
        let next: Vec<Instant> = next_at(&flight.board, flight.now).collect();
        assert!(next.iter().all(|at| *at > flight.now), "{next:?} at {:?}", flight.now);
        assert_eq!(next.len(), 1);
    }
}
