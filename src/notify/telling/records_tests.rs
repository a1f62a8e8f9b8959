//! What single records are told as: the end of a launch, alerts from trigger to resolve, changes, runs of steps.

use serde_json::json;

use super::tests::{heads, target, told};
use super::*;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::objective::Round;
use crate::launch::plan::{Condition, FireMode, Level, Plan, Trigger};
use crate::launch::samples::{Flight, minutes, plan};
use crate::launch::verdict::{Captured, Outcome};
use std::time::Duration;

fn engine(flight: &mut Flight, event: Event) {
    flight.record(flight.now, Actor::engine(), event);
}

fn evaluated(flight: &mut Flight) {
    let round = Round { at: flight.now, counts: [].into() };
    engine(flight, Event::Evaluated { rounds: vec![round] });
}

/// The sample plan with something to deploy.
fn deploying() -> Plan {
    let mut plan = plan();
    plan.release.artifact = Some("ghcr.io/shop:1.4".into());
    plan
}

/// The acts on each alert, in order.
fn acts(messages: &[Message], key: &str) -> Vec<Act> {
    let alerts = messages.iter().filter_map(|message| message.alert.as_ref());
    alerts.filter(|alert| alert.key == key).map(|alert| alert.act).collect()
}

/// The alerts that nothing has resolved.
fn open(messages: &[Message]) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for alert in messages.iter().filter_map(|message| message.alert.as_ref()) {
        match alert.act {
            Act::Trigger => drop(open.insert(alert.key.clone())),
            Act::Resolve => drop(open.remove(&alert.key)),
            Act::Acknowledge => {}
        }
    }
    open
}

fn outcomes(messages: &[Message]) -> Vec<&'static str> {
    let outcome = |message: &Message| match message.deed {
        Deed::PipelineFinished { outcome } => Some(outcome),
        _ => None,
    };
    messages.iter().filter_map(outcome).collect()
}

fn closed(missing: &[&str]) -> Event {
    Event::LaunchClosed { why: "done".into(), missing: missing.iter().map(|one| (*one).to_owned()).collect() }
}

#[test]
fn a_launch_that_a_person_closed_is_told_as_ended_once_and_leaves_no_alert() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    flight.command(Command::CallHold { why: "look".into() }).expect("held");
    assert_eq!(open(&told(&flight)).len(), 2);
    engine(&mut flight, closed(&["evidence notes is not given"]));
    engine(&mut flight, Event::LaunchEnded { why: "again".into() });
    engine(&mut flight, closed(&[]));
    let messages = told(&flight);
    assert_eq!(outcomes(&messages), ["cancel"], "{:?}", heads(&messages));
    assert_eq!(open(&messages), BTreeSet::new());
    let end = messages.iter().find(|message| matches!(message.deed, Deed::PipelineFinished { .. })).expect("told");
    assert!(end.change && concerns(end, &target(Via::PagerDuty)), "{end:?}");
    assert_eq!(end.lines, ["evidence notes is not given"]);
}

#[test]
fn what_a_closed_launch_came_to_is_what_it_did_not_that_somebody_closed_it() {
    let deployed = |messages: &[Message]| messages.iter().any(|one| matches!(one.deed, Deed::ServiceDeployed { .. }));
    for (looked, missing, outcome, tone) in [
        (true, &[][..], "success", Tone::Good),
        (true, &["evidence notes is not given"][..], "success", Tone::Warn),
        (false, &["phase late is not through"][..], "failure", Tone::Bad),
    ] {
        let mut flight = Flight::lifted(deploying());
        if looked {
            flight.answer("look", Verdict::Pass);
        }
        engine(&mut flight, closed(missing));
        let messages = told(&flight);
        assert_eq!(outcomes(&messages), [outcome], "{missing:?}: {:?}", heads(&messages));
        assert_eq!(deployed(&messages), outcome == "success", "{missing:?}");
        let end = messages.iter().find(|message| matches!(message.deed, Deed::PipelineFinished { .. }));
        assert_eq!(end.map(|end| end.tone), Some(tone), "{missing:?}");
    }
    let mut flight = Flight::lifted(deploying());
    flight.answer("look", Verdict::Pass);
    let asked = Event::RollbackRequested { rollback: "front".into(), run: 1, why: "errors".into() };
    engine(&mut flight, asked);
    engine(&mut flight, closed(&["rollback front #1 is under way"]));
    let messages = told(&flight);
    assert_eq!((outcomes(&messages), deployed(&messages)), (vec!["failure"], false), "a rollback is under way");
}

#[test]
fn a_countdown_that_caught_up_is_no_hold_that_ended() {
    let mut flight = Flight::of(plan());
    flight.command(Command::CallHold { why: "look".into() }).expect("held");
    engine(&mut flight, Event::CaughtUp);
    let messages = told(&flight);
    assert_eq!(acts(&messages, "hold"), [Act::Trigger], "{:?}", heads(&messages));
    assert!(!messages.iter().any(|one| matches!(one.deed, Deed::Own { predicate: "resumed", .. })));
    engine(&mut flight, Event::Resumed);
    assert_eq!(acts(&told(&flight), "hold"), [Act::Trigger, Act::Resolve]);
}

#[test]
fn a_rollback_that_is_not_verified_stays_an_alert_after_the_end() {
    let failed =
        RollbackEnd::FailedAtStep { step: "front/redeploy".into(), why: "exit 1".into(), by_hand: String::new() };
    let not_verified = RollbackEnd::NotVerified { checks: vec!["front/version".into()] };
    for (end, stays) in
        [(Some(RollbackEnd::Verified), false), (Some(not_verified), true), (Some(failed), true), (None, true)]
    {
        let mut flight = Flight::of(plan());
        let asked = Event::RollbackRequested { rollback: "front".into(), run: 1, why: "errors".into() };
        engine(&mut flight, asked);
        if let Some(end) = end.clone() {
            let fact = RollbackFact::Ended { end, took: Duration::from_secs(3) };
            engine(&mut flight, Event::RollbackTold { run: 1, fact });
        }
        engine(&mut flight, Event::LaunchEnded { why: "over".into() });
        assert_eq!(open(&told(&flight)).contains("rollback/1"), stays, "{end:?}");
    }
}

#[test]
fn a_rollback_that_is_verified_tells_what_is_back_in_service() {
    let mut plan = plan();
    plan.rollbacks[0].uses = vec!["image".into()];
    let mut flight = Flight::of(plan);
    let value = Captured::Value(json!("ghcr.io/shop:1.3"));
    engine(&mut flight, Event::BaselineCaptured { name: "image".into(), value });
    let asked = Event::RollbackRequested { rollback: "front".into(), run: 1, why: "errors".into() };
    engine(&mut flight, asked);
    let fact = RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::from_secs(3) };
    engine(&mut flight, Event::RollbackTold { run: 1, fact });
    let messages = told(&flight);
    let back = messages.iter().find_map(|message| match &message.deed {
        Deed::ServiceRolledBack { artifact } => Some(artifact.as_str()),
        _ => None,
    });
    assert_eq!(back, Some("pkg:generic/sample@ghcr.io%2Fshop%3A1.3"), "{:?}", heads(&messages));
}

#[test]
fn each_try_at_a_step_is_a_run_of_its_own() {
    let mut flight = Flight::of(plan());
    for attempt in [Attempt(1), Attempt(2)] {
        engine(&mut flight, Event::StepIntended { item: "cut".into(), attempt });
        let (verdict, outcome) = (Verdict::Fail, Outcome::default());
        engine(&mut flight, Event::StepEnded { item: "cut".into(), attempt, verdict, outcome });
    }
    let (item, reason) = ("cut".into(), "seen by hand".to_owned());
    engine(&mut flight, Event::StepMarked { item, attempt: Attempt(2), passed: true, reason });
    let messages = told(&flight);
    let runs: Vec<String> = messages
        .iter()
        .filter_map(|message| match &message.deed {
            Deed::TaskStarted { id, .. } => Some(format!("{id} started")),
            Deed::TaskFinished { id, outcome, .. } => Some(format!("{id} {outcome}")),
            _ => None,
        })
        .collect();
    assert_eq!(runs, ["cut/1 started", "cut/1 failure", "cut/2 started", "cut/2 failure", "cut/2 success"]);
}

/// The sample plan with a trigger that a person fires.
fn watched() -> Plan {
    let trigger = Trigger {
        id: "errors".into(),
        title: "Errors".into(),
        when: Condition::Manual,
        lasts: Duration::ZERO,
        recovers_after: minutes(1),
        then: "front".into(),
        mode: FireMode::Ask,
        armed_from: None,
        armed_until: None,
    };
    Plan { triggers: vec![trigger], ..plan() }
}

#[test]
fn a_trigger_is_an_alert_until_it_is_quiet_again_or_somebody_says_no() {
    let fired = || Event::TriggerFired { trigger: "errors".into(), why: "10%".into(), starts: None };
    let mut flight = Flight::of(watched());
    engine(&mut flight, fired());
    let messages = told(&flight);
    let alert = messages.iter().find_map(|message| message.alert.as_ref()).expect("an alert");
    assert_eq!((alert.key.as_str(), alert.severity), ("trigger/errors", Severity::Critical));
    engine(&mut flight, Event::TriggerAcknowledged { trigger: "errors".into() });
    flight.pass(minutes(2));
    assert_eq!(acts(&told(&flight), "trigger/errors"), [Act::Trigger, Act::Acknowledge], "it is not quiet yet");
    evaluated(&mut flight);
    let messages = told(&flight);
    assert_eq!(acts(&messages, "trigger/errors"), [Act::Trigger, Act::Acknowledge, Act::Resolve]);
    assert!(messages.iter().any(|one| matches!(one.deed, Deed::Own { predicate: "recovered", .. })));

    let mut flight = Flight::of(watched());
    engine(&mut flight, fired());
    engine(&mut flight, Event::TriggerVetoed { trigger: "errors".into(), why: "a drill".into() });
    assert_eq!(acts(&told(&flight), "trigger/errors"), [Act::Trigger, Act::Resolve]);
    flight.pass(minutes(2));
    evaluated(&mut flight);
    let messages = told(&flight);
    assert_eq!(acts(&messages, "trigger/errors"), [Act::Trigger, Act::Resolve], "once");
    assert!(!messages.iter().any(|one| matches!(one.deed, Deed::Own { predicate: "recovered", .. })));
}

#[test]
fn an_incident_is_an_alert_as_grave_as_it_is_until_it_is_resolved() {
    let mut plan = plan();
    let severity = |id: &str| crate::launch::plan::Severity {
        id: id.into(),
        title: format!("{id}: all hands"),
        guide: String::new(),
        triage: minutes(5),
        levels: Vec::<Level>::new(),
    };
    plan.severities = ["sev-1", "sev-2", "sev-3"].map(severity).into();
    let mut flight = Flight::of(plan);
    let (title, detected_by) = ("login fails".to_owned(), "ada".to_owned());
    engine(&mut flight, Event::IncidentOpened { incident: 1, title, severity: Some("sev-3".into()), detected_by });
    for change in [
        Change::Severity("sev-1".into()),
        Change::Commander("bo".into()),
        Change::Stage(Stage::Mitigated),
        Change::Stage(Stage::Resolved),
        Change::Stage(Stage::Closed),
    ] {
        engine(&mut flight, Event::IncidentChanged { incident: 1, change });
    }
    let messages = told(&flight);
    let alerts = messages.iter().filter_map(|message| message.alert.as_ref()).filter(|alert| alert.key == "incident/1");
    let alerts: Vec<(Act, Severity)> = alerts.map(|alert| (alert.act, alert.severity)).collect();
    let wanted = [
        (Act::Trigger, Severity::Warning),
        (Act::Trigger, Severity::Critical),
        (Act::Acknowledge, Severity::Info),
        (Act::Resolve, Severity::Info),
    ];
    assert_eq!(alerts, wanted, "{:?}", heads(&messages));
    let resolved = messages.iter().filter(|one| matches!(one.deed, Deed::IncidentResolved { number: 1 })).count();
    assert_eq!(resolved, 1);
}

#[test]
fn what_changes_what_is_in_service_is_a_change_and_nothing_else_is() {
    let changes = [
        (Event::Passed(Passage::Liftoff), true),
        (Event::Passed(Passage::CutOff), true),
        (Event::Scrubbed { why: "no".into() }, true),
        (Event::CutOff { why: "late".into() }, true),
        (Event::LaunchEnded { why: "over".into() }, true),
        (closed(&[]), true),
        (Event::CaughtUp, false),
        (Event::Resumed, false),
        (Event::HoldCalled { who: "ada".into(), why: "look".into() }, false),
        (Event::Frozen { why: "red".into() }, false),
        (Event::Thawed { why: "green".into() }, false),
        (Event::ConsoleReturned { clean: false, t: 0 }, false),
        (Event::StepIntended { item: "cut".into(), attempt: Attempt(1) }, false),
        (Event::GatePassed { phase: "gate-a".into(), waivers: 0, marked: 0 }, false),
    ];
    for (event, wanted) in changes {
        let mut flight = Flight::of(plan());
        let opened = told(&flight);
        assert!(opened[0].change && matches!(opened[0].deed, Deed::PipelineStarted), "a launch that starts");
        engine(&mut flight, event.clone());
        let seq = flight.board.seq;
        let messages = told(&flight);
        let of: Vec<&Message> = messages.iter().filter(|message| message.place.seq == seq).collect();
        assert!(!of.is_empty(), "{event:?}");
        assert_eq!(of.iter().any(|message| message.change), wanted, "{event:?}");
    }
}
