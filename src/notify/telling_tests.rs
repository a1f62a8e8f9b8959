//! What is told of a launch, and that a replay tells the same: on flights of the sample plan, by hand and by chance.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::launch::command::{Command, Input, Observation};
use crate::launch::event::{Actor, Mode};
use crate::launch::id::Attempt;
use crate::launch::plan::{AtMost, Plan};
use crate::launch::samples::{Flight, minutes, plan};
use crate::launch::time::Wall;

/// All messages of these records, folded anew.
fn all(plan: Plan, records: &[Recorded]) -> Vec<Message> {
    let (mut board, mut telling) = (Board::new(Arc::new(plan)), Telling::default());
    records
        .iter()
        .flat_map(|record| {
            board.apply(record);
            telling.take(record, &board)
        })
        .collect()
}

pub(super) fn told(flight: &Flight) -> Vec<Message> {
    all(Plan::clone(&flight.board.plan.0), &flight.records)
}

pub(super) fn heads(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| format!("{}: {}", message.topic.word(), message.head)).collect()
}

fn has(messages: &[Message], topic: Topic, words: &str) -> bool {
    messages.iter().any(|message| message.topic == topic && message.head.contains(words))
}

pub(super) fn target(via: Via) -> Notify {
    let at_most = AtMost { count: 10, per: Duration::from_secs(60) };
    Notify { id: "n".into(), title: "n".into(), via, events: via.events(), at_most, text: BTreeMap::new() }
}

#[test]
fn a_gate_is_told_as_it_opens_once_as_it_turns_red_and_as_it_passes() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    flight.answer("login", Verdict::Fail);
    let messages = told(&flight);
    assert!(has(&messages, Topic::Launch, "opened"), "{:?}", heads(&messages));
    assert!(has(&messages, Topic::Gate, "phase gate-a opened"), "{:?}", heads(&messages));
    let red = messages.iter().filter(|message| message.head.contains("is RED")).count();
    assert_eq!(red, 1, "{:?}", heads(&messages));
    let red = messages.iter().find(|message| message.head.contains("is RED")).expect("red");
    assert_eq!(red.alert.as_ref().map(|alert| (alert.act, alert.key.as_str())), Some((Act::Trigger, "gate/gate-a")));
    assert!(matches!(&red.deed, Deed::Own { subject: "gate", predicate: "red", .. }), "its checks go on: {red:?}");
    for item in ["health", "login"] {
        flight.command(Command::RunItem { item: item.into() }).expect("again");
        flight.answer(item, Verdict::Pass);
    }
    flight.answer("chat", Verdict::Pass);
    flight.pass(minutes(1));
    let messages = told(&flight);
    let suite = |message: &Message| match &message.deed {
        Deed::SuiteStarted { id, .. } if id == "gate-a" => Some("started"),
        Deed::SuiteFinished { id, outcome, .. } if id == "gate-a" => Some(*outcome),
        _ => None,
    };
    let suite: Vec<&str> = messages.iter().filter_map(suite).collect();
    assert_eq!(suite, ["started", "success"], "{:?}", heads(&messages));
}

#[test]
fn a_hold_and_an_incident_open_and_end_one_alert_each() {
    let mut flight = Flight::of(plan());
    flight.command(Command::CallHold { why: "look <here> & there".into() }).expect("held");
    let open = Command::OpenIncident { title: "login fails".into(), severity: None, detected_by: "ada".into() };
    let opened = flight.command(open);
    let messages = told(&flight);
    let hold = messages.iter().find(|message| message.topic == Topic::Hold).expect("told");
    assert_eq!(hold.alert.as_ref().map(|alert| alert.act), Some(Act::Trigger));
    assert!(hold.head.contains("look <here> & there"), "as it was written: each form escapes for itself");
    assert!(opened.is_ok(), "{opened:?}");
    let incident = messages.iter().find(|message| message.topic == Topic::Incident).expect("told");
    let alert = incident.alert.as_ref().expect("an alert");
    assert_eq!((alert.key.as_str(), alert.act), ("incident/1", Act::Trigger));
}

#[test]
fn the_end_of_a_launch_ends_every_alert_but_an_incident_s_and_tells_people_no_more_than_that() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    flight.command(Command::CallHold { why: "look".into() }).expect("held");
    flight.command_as("lead", Command::Scrub { why: "no".into() }).expect("scrubbed");
    flight.record(flight.now, Actor::engine(), Event::LaunchEnded { why: "scrubbed".into() });
    let messages = told(&flight);
    let mut open = BTreeSet::new();
    for alert in messages.iter().filter_map(|message| message.alert.as_ref()) {
        match alert.act {
            Act::Trigger => drop(open.insert(alert.key.clone())),
            Act::Resolve => assert!(open.remove(&alert.key), "{alert:?} was not open"),
            Act::Acknowledge => assert!(open.contains(&alert.key), "{alert:?} was not open"),
        }
    }
    assert_eq!(open, BTreeSet::new());
    let slack = target(Via::Slack);
    let read: Vec<&Message> = messages.iter().filter(|message| concerns(message, &slack)).collect();
    assert!(read.iter().all(|message| !message.head.contains("watched no more")), "{read:?}");
    assert!(read.iter().any(|message| message.head.contains("launch ended")), "{read:?}");
    let ended = messages.iter().find(|message| matches!(message.deed, Deed::PipelineFinished { .. })).expect("told");
    assert!(matches!(ended.deed, Deed::PipelineFinished { outcome: "cancel" }), "{ended:?}");
}

#[test]
fn a_rollback_is_told_with_its_end_and_wakes_somebody_until_it_is_verified() {
    for (end, act) in [
        (RollbackEnd::Verified, Act::Resolve),
        (RollbackEnd::NotVerified { checks: vec!["front/version".into()] }, Act::Trigger),
        (
            RollbackEnd::FailedAtStep { step: "front/redeploy".into(), why: "exit 1".into(), by_hand: String::new() },
            Act::Trigger,
        ),
    ] {
        let mut flight = Flight::of(plan());
        let asked = Event::RollbackRequested { rollback: "front".into(), run: 1, why: "errors".into() };
        flight.record(flight.now, Actor::person("ada", None), asked);
        let fact = RollbackFact::Ended { end: end.clone(), took: Duration::from_secs(3) };
        flight.record(flight.now, Actor::engine(), Event::RollbackTold { run: 1, fact });
        let messages = told(&flight);
        let of: Vec<&Message> = messages.iter().filter(|message| message.topic == Topic::Rollback).collect();
        let acts: Vec<Act> = of.iter().filter_map(|message| message.alert.as_ref().map(|alert| alert.act)).collect();
        assert_eq!(acts, [Act::Trigger, act], "{end:?}");
        assert!(of.iter().all(|message| message.alert.as_ref().is_none_or(|alert| alert.key == "rollback/1")));
    }
}

#[test]
fn a_rehearsal_is_stamped_and_what_is_in_service_is_a_package_url() {
    let mut flight = Flight::of(plan());
    flight.records[0].event = match flight.records[0].event.clone() {
        Event::LaunchOpened { plan, plan_hash, start, release, target, .. } => {
            Event::LaunchOpened { plan, plan_hash, mode: Mode::Rehearsal, start, release, target }
        }
        other => other,
    };
    let messages = told(&flight);
    assert!(messages.iter().all(|message| message.headline().starts_with("REHEARSAL · ")), "{:?}", heads(&messages));
    assert_eq!(purl("shop", "pkg:oci/shop@sha256%3Aabc"), "pkg:oci/shop@sha256%3Aabc");
    assert_eq!(purl("shop", "ghcr.io/shop:1.4 β"), "pkg:generic/shop@ghcr.io%2Fshop%3A1.4%20%CE%B2");
}

/// Something that may happen to a launch.
fn happening() -> impl Strategy<Value = u8> {
    0_u8..14
}

fn happens(flight: &mut Flight, what: u8) {
    let verdict = if what.is_multiple_of(2) { Verdict::Pass } else { Verdict::Fail };
    let _ = match what {
        0 | 1 => answered(flight, "health", verdict),
        2 | 3 => answered(flight, "login", verdict),
        4 | 5 => answered(flight, "chat", verdict),
        6 => flight.command(Command::CallHold { why: "look".into() }),
        7 => flight.command_as("lead", Command::Resume),
        8 => flight.command(Command::note("noted")),
        9 => flight.command(Command::Rollback { rollback: "front".into(), why: "errors".into() }),
        10 => flight.command_as("lead", Command::Scrub { why: "no".into() }),
        11 => flight.command(Command::End { why: "over".into() }),
        12 => {
            flight.pass(minutes(7));
            Ok(())
        }
        _ => flight.command(Command::RunItem { item: "health".into() }),
    };
}

fn answered(flight: &mut Flight, item: &str, verdict: Verdict) -> Result<(), String> {
    let id = ItemId::new(item);
    let attempt = flight.board.item(&id).and_then(|state| state.attempt).unwrap_or(Attempt(1));
    let report = crate::launch::samples::report(verdict);
    flight.input(&Input::Observation(Observation::CheckEnded { item: id, attempt, report }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_tells_the_same_in_the_same_places_wherever_it_was_cut(
        course in prop::collection::vec(happening(), 0..40),
        cut in 0_usize..200,
    ) {
        let mut flight = Flight::of(plan());
        course.into_iter().for_each(|what| happens(&mut flight, what));
        let whole = told(&flight);
        // Each has a place of its own, in the order of the journal.
        prop_assert!(whole.windows(2).all(|two| two[0].place < two[1].place));
        // A console that came back after `cut` tells what comes after the place that was settled.
        let cut = cut.min(flight.records.len());
        let before = all(plan(), &flight.records[..cut]);
        let settled = before.last().map(|message| message.place).unwrap_or_default();
        let after = told(&flight).into_iter().filter(|message| message.place > settled);
        prop_assert_eq!(&before.iter().cloned().chain(after).collect::<Vec<_>>(), &whole);
        // Alerts: none is ended or taken on that is not open.
        let mut open = BTreeSet::new();
        for alert in whole.iter().filter_map(|message| message.alert.as_ref()) {
            match alert.act {
                Act::Trigger => drop(open.insert(alert.key.clone())),
                Act::Resolve => prop_assert!(open.remove(&alert.key)),
                Act::Acknowledge => prop_assert!(open.contains(&alert.key)),
            }
        }
        // What is a change is no alert: PagerDuty takes one of them.
        prop_assert!(whole.iter().all(|message| !(message.change && message.alert.is_some())));
        prop_assert!(whole.iter().all(|message| message.at == Wall::default() && !message.head.contains('\n')));
    }
}
