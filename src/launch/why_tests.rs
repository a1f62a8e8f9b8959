//! The chain of what stands in the way: in the poll's order, each reason with what it waits for.

use super::command::Command;
use super::event::Vote;
use super::id::ItemId;
use super::samples::{Flight, minutes, plan};
use super::why::{About, Link, chain};
use super::{poll, verdict};

fn told(flight: &Flight) -> Vec<String> {
    let shown = |link: &Link| format!("{}{}{}", "  ".repeat(link.depth), link.words, if link.due { " *" } else { "" });
    chain(&flight.board, flight.now).iter().map(shown).collect()
}

fn opened() -> Flight {
    let mut flight = Flight::of(plan());
    flight.follow();
    flight
}

#[test]
fn a_red_gate_says_its_finding_and_what_waits_for_it() {
    let mut flight = opened();
    flight.answer("health", verdict::Verdict::Pass);
    flight.answer("login", verdict::Verdict::Fail);
    let told = told(&flight);
    let at =
        |part: &str| told.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {told:#?}"));
    assert!(at("gate gate-a is not open: 1 of 3") < at("  login: fail, status expected 200, seen …"));
    assert!(at("  login: fail") < at("  chat "), "in the plan's order");
    assert!(told.iter().any(|line| line.starts_with("  chat") && line.contains("login: fail")), "{told:#?}");
    assert_eq!(told.iter().filter(|line| line.contains("login: fail, status")).count(), 1, "said once: {told:#?}");
    assert!(at("gate gate-b is not open") < at("backend has not voted"));
    assert!(!told.iter().any(|line| line.contains("health")), "what passed is in nobody's way");
}

#[test]
fn what_waits_for_a_person_says_so_and_what_its_time_has_not_come_for_says_when() {
    let mut flight = opened();
    assert!(told(&flight).iter().any(|line| line == "  begins at T-30m"), "{:#?}", told(&flight));
    flight.pass(minutes(31));
    let line = "  waits for gate gate-a";
    assert!(told(&flight).iter().any(|told| told == line), "its time has come: {:#?}", self::told(&flight));
    for item in ["health", "login", "chat"] {
        flight.answer(item, verdict::Verdict::Pass);
    }
    let told = told(&flight);
    let due = told.iter().find(|line| line.starts_with("  attest")).expect("in the way");
    assert_eq!(due, "  attest waits for a person's word *");
}

#[test]
fn a_hold_is_told_with_who_and_why() {
    let mut flight = opened();
    flight.command(Command::CallHold { why: "weather".into() }).expect("counting");
    let last = chain(&flight.board, flight.now).pop().expect("held");
    assert!(last.words.contains("holds the countdown: weather"), "{last:?}");
    assert_eq!((last.about, last.depth), (About::Hold, 0));
}

#[test]
fn its_roots_are_what_the_poll_says() {
    let mut flight = opened();
    let check = |flight: &Flight| {
        let links = chain(&flight.board, flight.now);
        let roots = links.iter().filter(|link| link.depth == 0 && link.about != About::Hold);
        let roots: Vec<String> = roots.map(|link| link.words.clone()).collect();
        assert_eq!(roots, poll::tally(&flight.board, flight.now).blocking);
    };
    check(&flight);
    for item in ["health", "login", "chat"] {
        flight.answer(item, verdict::Verdict::Pass);
        check(&flight);
    }
    flight.pass(minutes(31));
    let item: ItemId = "attest".into();
    flight.command(Command::Attest { item, passed: true, note: "seen".into() }).expect("due");
    flight.pass(minutes(19));
    check(&flight);
    for role in ["backend", "lead"] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("open");
        check(&flight);
    }
    assert!(poll::tally(&flight.board, flight.now).is_go());
    assert!(chain(&flight.board, flight.now).iter().all(|link| link.about == About::Hold));
}
