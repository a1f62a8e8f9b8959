//! The table and the exit code, for each way in which a drill can end.

use std::sync::Arc;

use super::*;
use crate::base::source::Source;
use crate::launch::drilled::{Decided, Noticed};
use crate::launch::time::{Instant, Mark};
use crate::plan::{Environment, Options, load};

fn board(drilled: Vec<Drilled>) -> Board {
    let text = include_str!("../../../tests/rehearsal_plan/watched.toml");
    let source = Source::new("plan.toml", text.to_owned());
    let options = Options { rehearsal: true, ..Options::default() };
    let loaded = load(source.clone(), &Environment::default(), &options)
        .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)));
    let mut board = Board::new(Arc::new(loaded.plan));
    board.drilled = drilled;
    board
}

fn at(seconds: i64) -> Instant {
    Instant(seconds * 1_000)
}

/// All as it should be.
fn met(fault: &str) -> Drilled {
    let by = "objective share".to_owned();
    Drilled {
        by: Actor::engine(),
        fault: fault.to_owned(),
        began: at(0),
        mark: Mark::parse("T+10m").expect("a mark"),
        over: None,
        noticed: Some(Noticed { at: at(20), by, verdict: Verdict::Fail, why: "60%".into() }),
        fired: vec![(at(140), "too-many".into())],
        runs: vec![run("back")],
    }
}

fn run(rollback: &str) -> Run {
    Run {
        decided: Decided { at: at(150), rollback: rollback.into(), run: 1, by: Actor::engine() },
        started: Some(at(150)),
        ended: Some((at(155), RollbackEnd::Verified)),
    }
}

/// The last line of the table, and the exit code.
fn told(fault: &str, change: impl FnOnce(&mut Drilled)) -> (String, i32) {
    let faults: Vec<Injection> = vec![fault.parse().expect(fault)];
    let mut drilled = met(&faults[0].switched().to_string());
    change(&mut drilled);
    let board = board(vec![drilled]);
    let text = text(&board, &faults);
    (text.lines().last().expect("a line").trim().to_owned(), exit_code(&board, &faults))
}

#[test]
fn the_table_says_what_was_planned_and_what_came() {
    let faults: Vec<Injection> = vec!["errors=60%@T+10m".parse().expect("a fault")];
    let table = text(&board(vec![met("errors=60%")]), &faults);
    let wanted = "\
\ndrills                      planned     actual
errors=60%@T+10m, began at T+10m
  noticed                   50.0s       20.0s     objective share breached: 60%
  decided                   2m10s       2m        trigger too-many
  started                   10.0s       10.0s     by itself: rollback back by engine
  verified                  5m          5.0s      verified
  as planned
";
    assert_eq!(table, wanted);
}

#[test]
fn what_did_not_happen_is_said_and_is_not_green() {
    let nothing = |drilled: &mut Drilled| {
        *drilled = Drilled { noticed: None, fired: Vec::new(), runs: Vec::new(), ..drilled.clone() };
    };
    let errors = "errors=60%@T+10m";
    assert_eq!(told(errors, |_| ()), ("as planned".into(), 0));
    let (words, code) = told(errors, nothing);
    assert!(words.starts_with("NOT NOTICED: trigger too-many") && code == 1, "{words}");
    let (words, code) = told(errors, |drilled| {
        nothing(drilled);
        drilled.noticed = met("x").noticed;
    });
    assert!(words.starts_with("NOT DECIDED: trigger too-many") && code == 1, "{words}");
    let (words, code) = told(errors, |drilled| drilled.runs.clear());
    assert!(words.starts_with("NOT STARTED: nobody") && code == 1, "{words}");
    let (words, code) = told(errors, |drilled| (drilled.runs[0].started, drilled.runs[0].ended) = (None, None));
    assert!(words.starts_with("NOT STARTED: rollback back") && code == 1, "{words}");
    let (words, code) = told(errors, |drilled| drilled.runs[0].ended = None);
    assert!(words.starts_with("NOT VERIFIED") && code == 1, "{words}");
    let (words, code) = told(errors, |drilled| drilled.runs[0].started = Some(at(170)));
    assert!(words.contains("SLOWER THAN PLANNED: started") && code == 0, "{words}");
    // Nobody is told of what never was.
    let faults: Vec<Injection> = vec!["errors=60%@T+10m".parse().expect("a fault")];
    assert_eq!(exit_code(&board(Vec::new()), &faults), 1);
    assert!(text(&board(Vec::new()), &faults).contains("NEVER BEGAN"));
}

#[test]
fn a_fault_that_no_trigger_is_for_is_held_to_nothing_but_must_not_be_taken_for_another() {
    let quiet = |drilled: &mut Drilled| (drilled.noticed, drilled.fired) = (None, Vec::new());
    assert_eq!(told("errors=3%@T+10m", quiet).1, 0);
    assert!(told("errors=3%@T+10m", quiet).0.starts_with("not noticed; no trigger"));
    assert_eq!(told("counter-reset@T+10m", quiet), ("as planned: nobody took it for errors".into(), 0));
    let (words, code) = told("counter-reset@T+10m", |_| ());
    assert!(words.starts_with("FALSE ALARM: trigger too-many") && code == 1, "{words}");
    let (words, code) = told("no-data@T+10m", quiet);
    assert!(words.starts_with("NOT NOTICED") && code == 1, "{words}");
    assert_eq!(told("no-data@T+10m", |drilled| drilled.fired.clear()).1, 0);
}

#[test]
fn what_another_fault_explains_is_not_taken_for_a_false_alarm() {
    let faults: Vec<Injection> =
        ["errors=60%@T+10m", "counter-reset@T+5m"].iter().map(|fault| fault.parse().expect(fault)).collect();
    let reset = Drilled { began: at(-300), mark: Mark::parse("T+5m").expect("a mark"), ..met("counter-reset") };
    let before = Drilled { fired: vec![(at(-10), "too-many".into())], ..reset.clone() };
    let both = board(vec![reset, met("errors=60%")]);
    assert!(text(&both, &faults).ends_with("  as planned: nobody took it for errors\n"), "{}", text(&both, &faults));
    assert_eq!(exit_code(&both, &faults), 0);
    // What came before that other one began is its own.
    assert_eq!(exit_code(&board(vec![before, met("errors=60%")]), &faults), 1);
}

#[test]
fn another_trigger_that_fires_first_takes_nothing_from_the_one_that_is_for_it() {
    let (words, code) = told("errors=60%@T+10m", |drilled| {
        drilled.fired.insert(0, (at(30), "by-hand".into()));
        drilled.runs.insert(0, Run { ended: None, ..run("other") });
    });
    assert_eq!((words.as_str(), code), ("as planned", 0));
    let (words, code) = told("errors=60%@T+10m", |drilled| drilled.fired = vec![(at(30), "by-hand".into())]);
    assert!(words.starts_with("NOT DECIDED by what is for it: trigger by-hand") && code == 1, "{words}");
}

/// A fault of the console's menu is drilled as one of the command line is.
#[test]
fn what_was_switched_by_hand_is_held_to_the_plan_too() {
    let asked: Vec<Injection> = vec!["counter-reset@T+5m".parse().expect("a fault")];
    let of_line = Drilled { mark: Mark::parse("T+5m").expect("a mark"), ..met("counter-reset") };
    let of_line = Drilled { noticed: None, fired: Vec::new(), runs: Vec::new(), ..of_line };
    let by_ana = Drilled { by: Actor::person("ana", None), ..met("errors=60%") };
    let text = text(&board(vec![of_line.clone(), by_ana.clone()]), &asked);
    assert!(
        text.contains("errors=60%, began at T+10m, switched by ana\n") && text.ends_with("  as planned\n"),
        "{text}"
    );
    assert_eq!(exit_code(&board(vec![of_line.clone(), by_ana.clone()]), &asked), 0);
    let missed = Drilled { noticed: None, fired: Vec::new(), runs: Vec::new(), ..by_ana };
    assert_eq!(exit_code(&board(vec![of_line, missed]), &asked), 1);
}
