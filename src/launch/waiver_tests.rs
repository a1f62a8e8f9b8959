//! Waivers by injected time: who gives one, what it opens, and that it ends by itself.

use std::sync::Arc;

use super::super::board::Board;
use super::super::command::{Command, Input};
use super::super::countdown::Phase;
use super::super::event::Vote;
use super::super::plan::OnFail;
use super::super::poll;
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule;
use super::*;

fn waive(item: &str, lasts: Duration) -> Command {
    Command::Waive { item: item.into(), reason: "known outage".into(), lasts }
}

fn events(flight: &Flight, wanted: impl Fn(&Event) -> bool) -> usize {
    flight.records.iter().filter(|record| wanted(&record.event)).count()
}

/// Gate A red in `health` alone.
fn red() -> Flight {
    let mut flight = Flight::of(plan());
    for (item, verdict) in [("health", Verdict::Fail), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    flight
}

#[test]
fn a_gate_s_truth_table_with_the_end_of_its_waiver() {
    use Verdict::{Fail, Pass, Skipped, Stale, Unknown, Warn};
    for (verdict, acknowledged, on_fail, waived, before, after) in [
        (Pass, false, OnFail::Block, true, Clear::Yes, Clear::Yes),
        (Warn, true, OnFail::Block, true, Clear::Yes, Clear::Yes),
        (Warn, false, OnFail::Block, true, Clear::ByWaiver, Clear::No(Some(Warn))),
        (Fail, false, OnFail::Block, true, Clear::ByWaiver, Clear::No(Some(Fail))),
        (Fail, true, OnFail::Warn, true, Clear::Yes, Clear::Yes),
        (Unknown, false, OnFail::Block, true, Clear::ByWaiver, Clear::No(Some(Unknown))),
        (Stale, false, OnFail::Block, true, Clear::ByWaiver, Clear::No(Some(Stale))),
        (Skipped, false, OnFail::Block, true, Clear::ByWaiver, Clear::No(Some(Skipped))),
        (Fail, false, OnFail::Block, false, Clear::No(Some(Fail)), Clear::No(Some(Fail))),
    ] {
        let mut flight = Flight::of(plan());
        flight.answer("health", verdict);
        let mut item = flight.board.plan.items[&"health".into()].clone();
        item.on_fail = on_fail;
        let state = Arc::make_mut(flight.board.items.get_mut(&"health".into()).expect("there"));
        state.acknowledged = acknowledged;
        let (by, at, until) = (Actor::person("ana", None), Wall::default(), Some(Instant(60_000)));
        let waiver = Waiver { by, reason: "r".into(), at, until, ends_at: Some(at), expired: false };
        state.waiver = waived.then_some(waiver.clone());
        let board = &mut flight.board;
        assert_eq!(gate::clear(board, &item, Instant(59_999)), before, "{verdict} before");
        assert_eq!(gate::clear(board, &item, Instant(60_000)), after, "{verdict} at its end");
        if waived {
            let state = Arc::make_mut(board.items.get_mut(&"health".into()).expect("there"));
            state.waiver = Some(Waiver { until: None, ends_at: None, ..waiver });
            assert_eq!(gate::clear(board, &item, Instant(i64::MAX)), before, "an old journal's is for ever");
        }
    }
}

#[test]
fn it_ends_without_a_key_and_the_gate_says_so() {
    let mut flight = red();
    flight.command(waive("health", minutes(5))).expect("waived");
    let passed = |event: &Event| matches!(event, Event::GatePassed { waivers: 1, .. });
    assert_eq!(events(&flight, passed), 1);
    assert_eq!(standing(&flight.board, flight.now), ["health fail, waived by ada: known outage, 5m left"]);
    let ends = flight.now.plus(minutes(5));
    assert_eq!(schedule::next_at(&flight.board, flight.now), Some(ends), "the loop wakes for it");
    flight.pass(minutes(5));
    assert_eq!(events(&flight, |event| matches!(event, Event::WaiverExpired { .. })), 1);
    let told = flight.records.iter().find(|record| matches!(record.event, Event::WaiverExpired { .. }));
    assert_eq!(told.map(|record| record.at), Some(ends));
    let blocks = poll::machine_blocks(&flight.board, flight.now).join("; ");
    assert!(
        blocks.contains("gate gate-a is not open") && blocks.contains("(waiver by ada expired 00:05 UTC)"),
        "{blocks}"
    );
    assert!(standing(&flight.board, flight.now).is_empty());
    flight.pass(minutes(1));
    assert_eq!(events(&flight, |event| matches!(event, Event::WaiverExpired { .. })), 1, "told once");
    flight.command(waive("health", minutes(5))).expect("given again");
    assert_eq!(events(&flight, passed), 2, "and said again");
    assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

#[test]
fn one_that_ends_before_t_0_blocks_go_again() {
    let mut flight = red();
    flight.pass(minutes(30));
    flight.command(waive("health", minutes(25))).expect("waived");
    flight.command(Command::Resume).expect("resumed");
    flight.pass(Duration::from_millis(1));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
    flight.pass(minutes(20));
    for role in ["backend", "lead"] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("a vote");
    }
    flight.command(Command::Resume).expect("the poll is GO");
    // Five minutes before T-0 its time is over; nobody presses a key.
    flight.pass(minutes(11));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.t0), (Phase::Holding, None), "{:?}", clock.latches);
    assert!(clock.latches.contains_key(schedule::GO_LATCH));
    assert!(flight.command(Command::Resume).is_err());
}

#[test]
fn only_a_named_person_waives_and_for_some_time() {
    let mut flight = red();
    for (name, role, allowed) in [
        ("operator", None, false),
        ("root", None, false),
        (" ", None, false),
        ("operator", Some("lead"), false),
        ("ana", Some("lead"), true),
        ("ana", None, true),
        ("ana", Some("backend"), false),
    ] {
        let by = Actor::person(name, role.map(Into::into));
        let command = waive("health", minutes(1));
        let done = flight.input(&super::super::command::Input::Command { by, command });
        assert_eq!(done.is_ok(), allowed, "{name} {role:?}: {done:?}");
        match (role, done) {
            (_, Err(refused)) if name != "ana" => assert!(refused.contains("--name YOU"), "{refused}"),
            (Some(_), Err(refused)) => assert!(refused.contains("may not waive"), "{refused}"),
            _ => flight.pass(minutes(2)),
        }
    }
    for lasts in [Duration::ZERO, LONGEST + minutes(1), Duration::MAX] {
        assert!(flight.command(waive("health", lasts)).expect_err("how long").contains("at most a year"));
    }
}

fn word(passed: bool) -> Command {
    Command::Attest { item: "attest".into(), note: "seen".into(), passed }
}

fn attest_stands(flight: &Flight) -> Clear {
    gate::clear(&flight.board, flight.board.plan.item(&"attest".into()).expect("there"), flight.now)
}

/// At gate B's mark, `attest` said to have failed and waived for a day.
fn attested_red_and_waived() -> Flight {
    let mut flight = Flight::of(plan());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    flight.command(word(false)).expect("due");
    flight.command(waive("attest", minutes(1440))).expect("waived");
    assert_eq!(attest_stands(&flight), Clear::ByWaiver);
    flight
}

#[test]
fn a_waiver_is_for_the_word_it_was_given_on_not_for_a_later_one() {
    let mut flight = attested_red_and_waived();
    flight.command(word(false)).expect("it fails for another reason");
    assert_eq!(attest_stands(&flight), Clear::No(Some(Verdict::Fail)), "that nobody has waived");
}

#[test]
fn a_waiver_that_a_pass_made_needless_does_not_take_the_gate_back_when_it_would_have_ended() {
    let mut flight = attested_red_and_waived();
    flight.command(word(true)).expect("it passes");
    flight.pass(minutes(1500));
    assert_eq!(attest_stands(&flight), Clear::Yes);
    let phase = "gate-b".into();
    let told = |flight: &Flight| {
        events(flight, |event| matches!(event, Event::GatePassed { phase: passed, .. } if *passed == phase))
    };
    assert_eq!(told(&flight), 1, "the gate passed once");
    assert_eq!(events(&flight, |event| matches!(event, Event::WaiverExpired { .. })), 0, "it was over before");
}

#[test]
fn what_an_item_is_marked_or_blocked_as_is_seen_anew() {
    let mut flight = red();
    let marked = Event::StepMarked {
        item: "health".into(),
        attempt: super::super::id::Attempt(1),
        passed: false,
        reason: "it did not".into(),
    };
    let blocked = Event::ItemBlocked { item: "health".into(), by: "login, which is fail".into() };
    for event in [marked, blocked] {
        flight.command(waive("health", minutes(60))).expect("waived");
        Arc::make_mut(flight.board.items.get_mut(&"health".into()).expect("there")).acknowledged = true;
        flight.record(flight.now, Actor::person("bo", None), event.clone());
        let state = flight.board.item(&"health".into()).expect("there");
        assert_eq!((&state.waiver, state.acknowledged), (&None, false), "{event:?}");
    }
}

#[test]
fn a_waiver_names_a_person_whatever_the_role_and_the_case() {
    let by = |name: &str, role: Option<&str>| Actor::person(name, role.map(Into::into));
    let mut flight = red();
    for (name, role) in [("Operator", None), (" ROOT ", None), ("operator", Some("lead")), (" ", Some("lead"))] {
        let asked = Input::Command { by: by(name, role), command: waive("health", LASTS) };
        let refused = flight.input(&asked).expect_err("nobody");
        assert!(refused.contains("a waiver is a named person's"), "{name} {role:?}: {refused}");
    }
    let crew = Actor { scripted: true, ..by("operator", Some("lead")) };
    flight.input(&Input::Command { by: crew, command: waive("health", LASTS) }).expect("a scripted crew");
}
