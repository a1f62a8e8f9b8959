//! What becomes of a fault, record by record.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::launch::objective::{Counts, Measured, Round};
use crate::launch::plan::{Beside, FireMode, Objective, Plan};
use crate::launch::threshold::Threshold;
use crate::launch::time::Wall;

fn plan() -> Arc<Plan> {
    let objective = Objective {
        id: "errors".into(),
        title: "errors".into(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 100,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(120),
    };
    let trigger = |id: &str, when, lasts, then: &str| Trigger {
        id: id.into(),
        title: id.into(),
        when,
        lasts: Duration::from_secs(lasts),
        recovers_after: Duration::from_secs(2 * lasts),
        then: then.into(),
        mode: FireMode::Ask,
        armed_from: None,
        armed_until: None,
    };
    let triggers = vec![
        trigger("many", Condition::Objective("errors".into()), 120, "back"),
        trigger("other", Condition::Manual, 0, "aside"),
    ];
    Arc::new(Plan { objectives: vec![objective], triggers, ..Plan::default() })
}

fn switched(fault: &str, on: bool) -> Event {
    Event::FaultSwitched { fault: fault.into(), on }
}

/// An evaluation at `second` with so many of a hundred against; of none nothing is known.
fn round(second: i64, against: Option<u64>) -> Event {
    let counts = Counts {
        seen: Measured { of: against.map_or(0, |_| 200), against: against.unwrap_or(0) * 2, ..Measured::default() },
        newest: against.map(|_| Instant(second * 1_000)),
        known: Duration::from_secs(30).into(),
        ..Counts::default()
    };
    Event::Evaluated { rounds: vec![Round { at: Instant(second * 1_000), counts: [("errors".into(), counts)].into() }] }
}

fn told(fact: RollbackFact) -> Event {
    Event::RollbackTold { run: 1, fact }
}

fn after(records: &[(i64, Event)]) -> Board {
    let mut board = Board::new(plan());
    for (seq, (second, event)) in (1..).zip(records) {
        let wall = Wall::UNIX_EPOCH;
        let at = Instant(second * 1_000);
        let event = event.clone();
        board.apply(&Recorded { seq, at, occurred_at: wall, recorded_at: wall, actor: Actor::engine(), event });
    }
    board
}

fn way_back() -> Vec<(i64, Event)> {
    vec![
        (10, round(10, Some(0))),
        (15, switched("errors=60%", true)),
        (20, round(20, Some(4))),
        (30, round(30, Some(20))),
        (150, Event::TriggerFired { trigger: "many".into(), why: "10%".into(), starts: None }),
        (160, Event::RollbackRequested { rollback: "back".into(), run: 1, why: "many".into() }),
        (161, told(RollbackFact::StepStarted { step: "back/one".into() })),
        (163, told(RollbackFact::StepStarted { step: "back/two".into() })),
        (170, told(RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::from_secs(10) })),
    ]
}

#[test]
fn each_instant_is_the_first_of_its_kind() {
    let board = after(&way_back());
    let [one] = board.drilled.as_slice() else { panic!("{:?}", board.drilled) };
    let noticed = one.noticed.as_ref().map(|noticed| (noticed.at.0, noticed.by.as_str(), noticed.verdict));
    assert_eq!(noticed, Some((30_000, "objective errors", Verdict::Fail)));
    assert_eq!(one.fired, [(Instant(150_000), "many".into())]);
    let [run] = one.runs.as_slice() else { panic!("{:?}", one.runs) };
    assert_eq!(run.decided.at, Instant(160_000));
    assert_eq!((one.began, one.over, run.started), (Instant(15_000), None, Some(Instant(161_000))));
    assert_eq!(run.ended, Some((Instant(170_000), RollbackEnd::Verified)));
}

#[test]
fn what_was_wrong_before_it_began_is_not_its_notice() {
    let board = after(&[
        (10, round(10, Some(0))),
        (20, round(20, Some(50))),
        (25, switched("down", true)),
        (30, round(30, Some(50))),
        (35, switched("down", false)),
    ]);
    assert_eq!((board.drilled[0].noticed.as_ref(), board.drilled[0].over), (None, Some(Instant(35_000))));
}

#[test]
fn a_silence_is_noticed_and_a_breach_after_it_more_so() {
    let silent = [(10, round(10, Some(0))), (15, switched("no-data", true)), (60, round(60, None))];
    let board = after(&silent);
    let verdict = |board: &Board| board.drilled[0].noticed.as_ref().map(|noticed| noticed.verdict);
    assert!(matches!(verdict(&board), Some(Verdict::Unknown | Verdict::Stale)), "{:?}", board.drilled);
    let both: Vec<_> = silent.into_iter().chain([(70, round(70, Some(50)))]).collect();
    assert_eq!(verdict(&after(&both)), Some(Verdict::Fail));
}

#[test]
fn what_is_evaluated_first_is_noticed_where_it_is_wrong_and_not_where_it_is_not_known_yet() {
    let first = |against| after(&[(1, switched("errors=60%", true)), (10, round(10, against))]);
    assert!(first(Some(50)).drilled[0].noticed.is_some());
    assert!(first(None).drilled[0].noticed.is_none());
}

#[test]
fn what_follows_belongs_to_the_fault_that_is_on() {
    let mut records = vec![(1, switched("slow", true)), (2, switched("slow", false))];
    records.extend(way_back());
    let board = after(&records);
    assert_eq!(board.drilled.iter().map(|one| one.noticed.is_some()).collect::<Vec<_>>(), [false, true]);
    assert!(board.drilled[0].runs.is_empty());
}

fn fired(second: i64, trigger: &str) -> (i64, Event) {
    (second, Event::TriggerFired { trigger: trigger.into(), why: "10%".into(), starts: None })
}

fn asked(second: i64, rollback: &str, run: u32) -> (i64, Event) {
    (second, Event::RollbackRequested { rollback: rollback.into(), run, why: "so".into() })
}

#[test]
fn what_comes_long_after_a_fault_is_not_its_doing() {
    let of = |more: &[(i64, Event)]| {
        let mut records =
            vec![(10, round(10, Some(0))), (15, switched("errors=60%", true)), (25, switched("errors=60%", false))];
        records.extend_from_slice(more);
        after(&records).drilled[0].clone()
    };
    // The window is 30s, told every 10s, and the trigger waits for 120s.
    assert!(of(&[(70, round(70, Some(50)))]).noticed.is_some(), "it is in the window still");
    assert!(of(&[(90, round(90, Some(50)))]).noticed.is_none(), "nothing of it is in the window");
    assert_eq!(of(&[fired(190, "many")]).fired.len(), 1);
    assert!(of(&[fired(200, "many")]).fired.is_empty());
    assert!(of(&[fired(26, "other")]).fired.is_empty(), "what a person fires stands on no window");
    assert!(of(&[asked(200, "back", 1)]).runs.is_empty());
    assert_eq!(of(&[fired(190, "many"), asked(900, "back", 1)]).runs.len(), 1, "whoever answers it may take his time");
    assert!(of(&[fired(190, "many"), asked(900, "aside", 1)]).runs.is_empty(), "that answers another");
}

#[test]
fn every_trigger_that_fires_is_kept_and_every_way_back() {
    let mut records = way_back();
    records.extend([fired(180, "other"), asked(185, "aside", 2)]);
    records.push((190, Event::RollbackTold { run: 2, fact: RollbackFact::StepStarted { step: "aside/one".into() } }));
    let board = after(&records);
    let [one] = board.drilled.as_slice() else { panic!("{:?}", board.drilled) };
    assert_eq!(one.fired.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["many", "other"]);
    let started: Vec<_> = one.runs.iter().map(|run| (run.decided.run, run.started)).collect();
    assert_eq!(started, [(1, Some(Instant(161_000))), (2, Some(Instant(190_000)))]);
}

proptest! {
    #[test]
    fn any_order_is_folded_without_a_panic(order in proptest::collection::vec(0usize..9, 0..30)) {
        let all = way_back();
        let records: Vec<_> = order.iter().map(|at| all[*at].clone()).collect();
        let board = after(&records);
        prop_assert!(board.drilled.len() <= 1);
        let asked = order.iter().filter(|at| **at == 5).count();
        prop_assert!(board.drilled.iter().all(|one| one.runs.len() <= asked));
    }
}
