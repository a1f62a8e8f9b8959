//! That an amendment takes nothing away that happened: what it removed is told as it was.

use std::sync::Arc;

use super::document::{Cell, Tone};
use super::truth_tests::{at, cell, evaluated, lane, plot, said, seconds, story, tell};
use super::{Sample, Series, markdown};
use crate::launch::event::{Actor, Event};
use crate::launch::plan::{Condition, FireMode, Plan, Trigger};
use crate::launch::samples::{Flight, plan};
use crate::launch::samples::{monitor, objective};
use crate::launch::verdict::Verdict;

fn trigger() -> Trigger {
    Trigger {
        id: "errors-2m".into(),
        title: "errors-2m".into(),
        when: Condition::Objective("errors".into()),
        lasts: seconds(120),
        recovers_after: seconds(240),
        then: "front".into(),
        mode: FireMode::Ask,
        armed_from: None,
        armed_until: None,
    }
}

/// A launch in which everything that was watched was taken away by revision 2, and with it an item that had failed.
fn amended() -> (Flight, super::Story) {
    let mut first = plan();
    first.objectives = vec![objective("errors", "error_rate <= 5%"), objective("slow", "up >= 90%")];
    (first.monitors, first.triggers) = (vec![monitor("api")], vec![trigger()]);
    let mut second = Plan::clone(&first);
    second.hash = "another".into();
    second.objectives = vec![objective("slow", "up >= 99%")];
    (second.monitors, second.triggers) = (Vec::new(), Vec::new());
    second.items.remove(&"health".into());
    second.phases[0].items.retain(|id| id.as_str() != "health");
    let second = Arc::new(second);
    let mut flight = Flight::of(first);
    flight.board.revisions.learn(&second);
    let first = Arc::clone(&flight.board.plan.0);
    flight.answer("health", Verdict::Fail);
    tell(&mut flight, at(10), said("api", Verdict::Fail));
    for second in [20, 30] {
        tell(&mut flight, at(second), evaluated("errors", at(second), 50));
    }
    let (trigger, why) = ("errors-2m".into(), "50 of 100".into());
    tell(&mut flight, at(40), Event::TriggerFired { trigger, why, starts: None });
    let event = Event::PlanAmended {
        revision: 2,
        plan_hash: "another".into(),
        reason: "it was too strict".into(),
        changes: vec!["- objective errors".into(), "- monitor api".into()],
        again: Vec::new(),
        recapture: Vec::new(),
        asked: Vec::new(),
    };
    flight.record(at(50), Actor::person("ada", None), event);
    tell(&mut flight, at(900), Event::noted("the end"));
    let mut told = super::Story::new(first);
    told.learn(&second);
    flight.records.iter().for_each(|record| told.take(record));
    (flight, told)
}

#[test]
fn what_an_amendment_removed_is_told_as_it_was() {
    let (flight, mut told) = amended();
    assert_eq!(told.board.revisions.number, 2, "{:?}", flight.board.revisions.missing);
    assert!(told.signals().contains_key(&"monitor.api".into()), "its samples are read all the same");
    let mut series = Series::new(told.frames()[0], None);
    series.take(at(5), Sample::Look { failed: false, told: true, took: seconds(1) }, false);
    told.samples("monitor.api".into(), vec![series]);
    let document = told.told();
    let errors = cell(&document, "Objectives", "errors, removed by revision 2", "at the end");
    assert!(errors.tone == Tone::Fail && errors.text.starts_with("breached"), "{errors:?}");
    let missing = cell(&document, "Objectives", "errors", "not evaluated");
    assert_eq!(missing, &Cell::toned(Tone::Unknown, "20.0 s"), "up to the amendment, and not after it");
    assert_eq!(cell(&document, "Triggers", "errors-2m, removed by revision 2", "fired").text, "1 time");
    assert_eq!(cell(&document, "Monitors", "api, removed by revision 2", "at the end").tone, Tone::Fail);
    let breach = cell(&document, "Every breach, and every time that could not be told", "errors", "was");
    assert_eq!(breach.text, "breached");
    assert_eq!(lane(&document, "api").pieces.last().expect("drawn").until, at(50));
    plot(&document, "Objective errors on monitor.api, removed by revision 2");
    plot(&document, "Samples of monitor.api");
    let item = cell(&document, "Items that an amendment took away", "HEALTH", "stood at");
    assert_eq!(item, &Cell::from(Verdict::Fail));
}

#[test]
fn what_an_amendment_changed_is_listed_line_by_line() {
    let (_, told) = amended();
    let document = told.told();
    let change = cell(&document, "What amendments changed", "2", "change");
    assert_eq!(change.text, "- objective errors");
    let slow = cell(&document, "Objectives", "slow", "must be");
    assert!(slow.text.contains("(until revision 2: up at least 90% over 30.0 s)"), "{slow:?}");
    assert!(markdown(&document).contains("monitor api"), "{}", markdown(&document));
}

#[test]
fn nothing_is_said_of_amendments_where_there_was_none() {
    let flight = Flight::of(plan());
    let page = markdown(&story(&flight).told());
    assert!(!page.contains("amendment") && !page.contains("removed by"), "{page}");
}
