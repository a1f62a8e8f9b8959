//! Which holds a person alone ends.

use super::super::command::Command;
use super::super::event::Vote;
use super::super::id::ItemId;
use super::super::plan::{Act, OnFail};
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule::{next_at, wants_person};
use super::super::verdict::Verdict;

fn wanted(flight: &Flight) -> bool {
    wants_person(&flight.board, flight.now)
}

fn well() -> Flight {
    let mut flight = Flight::of(plan());
    ["health", "login", "chat"].into_iter().for_each(|check| flight.answer(check, Verdict::Pass));
    flight.pass(minutes(1));
    assert!(!wanted(&flight), "nobody, until the next mark");
    flight
}

/// At T-10m with everything done before the poll.
fn at_the_poll() -> Flight {
    let mut flight = well();
    flight.pass(minutes(29));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("due");
    assert!(!wanted(&flight));
    flight.pass(minutes(20));
    flight
}

#[test]
fn a_hold_that_somebody_called_and_one_that_nobody_has_resumed_are_for_a_person() {
    let mut flight = well();
    flight.command_as("lead", Command::CallHold { why: "wait".into() }).expect("held");
    flight.pass(minutes(1));
    assert_eq!(next_at(&flight.board, flight.now), None, "time alone ends nothing of it");
    assert!(wanted(&flight));
    flight.command_as("lead", Command::ReleaseHold { who: "lead".into() }).expect("his own");
    assert!(wanted(&flight), "somebody resumes");
    flight.command(Command::Resume).expect("may");
    assert!(!wanted(&flight));
}

#[test]
fn a_rollback_and_a_recycle_leave_a_hold_for_a_person() {
    let mut flight = well();
    flight.command(Command::Rollback { rollback: "front".into(), why: "bad".into() }).expect("asked");
    assert!(wanted(&flight));
    flight.command(Command::ReleaseHold { who: "rollback".into() }).expect("held");
    flight.command(Command::Resume).expect("may");
    let mut flight = at_the_poll();
    flight.command(Command::Recycle { mark: super::super::time::Mark(30 * 60_000) }).expect("declared");
    assert!(wanted(&flight));
}

#[test]
fn at_a_poll_somebody_is_wanted_until_all_have_voted_and_again_once_it_is_served() {
    let mut flight = at_the_poll();
    assert!(wanted(&flight), "a vote that is cast does not wait for the screen");
    for role in ["backend", "lead"] {
        assert!(wanted(&flight));
        flight.command(Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("votes");
    }
    assert!(!wanted(&flight), "what is left of the hold passes");
    flight.pass(minutes(10));
    assert!(wanted(&flight), "it is never released by time alone");
}

#[test]
fn a_gate_that_stays_shut_is_for_a_person_unless_something_in_it_still_runs() {
    let mut plan = plan();
    let wait = plan.items.get_mut(&ItemId::new("chat")).expect("there");
    wait.act = Act::Wait { span: minutes(60) };
    assert_eq!(wait.on_fail, OnFail::Block);
    let mut flight = Flight::of(plan);
    ["health", "login"].into_iter().for_each(|check| flight.answer(check, Verdict::Pass));
    flight.pass(minutes(40));
    assert!(!flight.opened("gate-b") && !wanted(&flight), "an hour's wait passes as it would by itself");
    let mut flight = Flight::of(super::super::samples::plan());
    flight.answer("health", Verdict::Pass);
    flight.answer("login", Verdict::Fail);
    flight.pass(minutes(40));
    assert!(!flight.opened("gate-b") && wanted(&flight), "a failed check is somebody's");
}
