//! What a return finds, what may be done about it, and that nothing happens twice by itself.

use std::time::Duration;

use proptest::prelude::*;

use super::super::board::{Board, Progress};
use super::super::command::{Command, Input, Observation};
use super::super::event::{Actor, Event, Recorded};
use super::super::id::{Attempt, ItemId};
use super::super::plan::{Act, Class, Confirm, Item, Plan, SpecId};
use super::super::samples::{Flight, minutes, plan};
use super::super::time::Wall;
use super::super::verdict::{Outcome, Verdict};
use super::super::{gate, poll};
use super::{Standing, Way, is_over, may_mark, waiting, way};

const CLASSES: [(&str, Class); 3] = [("look", Class::Readonly), ("push", Class::Idempotent), ("charge", Class::Once)];

/// The sample plan with a step of each class in its first gate, by key and by itself; each with retries
/// that no plan can have, so that the schedule alone keeps the promise.
fn steps() -> Plan {
    let mut plan = plan();
    for (word, class) in CLASSES {
        for auto in [false, true] {
            let id = ItemId::new(if auto { format!("{word}-auto") } else { word.to_owned() });
            let act =
                Act::Step { spec: SpecId(9), class, confirm: Confirm::Key, second: crate::launch::plan::Second::None };
            let known = plan.items[&ItemId::new("health")].clone();
            let step = Item { id: id.clone(), act, auto, retries: 2, kind: "run", ..known };
            plan.items.insert(id.clone(), step);
            let gate = plan.phases.iter_mut().find(|phase| phase.id.as_str() == "gate-a").expect("there");
            gate.items.push(id);
        }
    }
    // `look` of the late phase shares its name with ours.
    plan.phases
        .iter_mut()
        .for_each(|phase| phase.items.retain(|id| phase.id.as_str() != "late" || id.as_str() != "look"));
    plan.items.get_mut(&ItemId::new("look")).expect("there").phase = "gate-a".into();
    plan
}

fn lost() -> Outcome {
    Outcome { error: Some("its shim died".into()), ..Outcome::default() }
}

fn never_ran() -> Outcome {
    Outcome { error: Some("its console went before it began; it never ran".into()), never_ran: true, ..lost() }
}

fn exit(code: i32) -> Outcome {
    Outcome { exit: Some(code), ended_at: Wall::from_timestamp_millis(1), ..Outcome::default() }
}

fn told(flight: &mut Flight, item: &str, outcome: Outcome) {
    let item = ItemId::new(item);
    let attempt = flight.board.item(&item).and_then(|state| state.attempt).unwrap_or(Attempt(1));
    let verdict = outcome.verdict(&[]);
    flight.input(&Input::Observation(Observation::StepEnded { item, attempt, verdict, outcome })).expect("told");
}

fn returned(flight: &mut Flight, clean: bool) {
    let t = flight.board.clock_at(flight.now).map_or(0, |clock| clock.t);
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean, t });
    flight.follow();
}

/// A launch whose console was killed while `item` was under way, and came back.
fn cut_off(item: &str) -> Flight {
    let mut flight = Flight::of(steps());
    if !item.ends_with("-auto") {
        flight.command(Command::RunItem { item: item.into() }).expect("due");
    }
    flight.pass(minutes(1));
    returned(&mut flight, false);
    flight
}

fn standing(flight: &Flight, item: &str) -> Standing {
    let recovery = flight.board.recovery.as_ref().expect("a return");
    let open = recovery.open.iter().find(|open| open.item.as_str() == item).expect("open");
    recovery.standing(open, &flight.board)
}

fn way_of(flight: &Flight, item: &str) -> Option<Way> {
    let id = ItemId::new(item);
    way(&flight.board.plan.items[&id], flight.board.item(&id).expect("there"))
}

fn intents(records: &[Recorded], item: &str) -> usize {
    let of = |record: &&Recorded| matches!(&record.event, Event::StepIntended { item: of, .. } if of.as_str() == item);
    records.iter().filter(of).count()
}

fn mark(item: &str, passed: bool, reason: &str) -> Command {
    Command::MarkStep { item: item.into(), passed, reason: reason.into() }
}

fn repeat(item: &str, reason: &str) -> Command {
    Command::Repeat { item: item.into(), reason: reason.into() }
}

#[test]
fn a_step_of_class_once_that_passed_is_over_and_a_refusal_advises_only_what_can_be_done() {
    for (outcome, says, not) in [
        (exit(0), "has passed", "mark it"),
        (exit(1), "repeat it with a reason", "mark it"),
        (lost(), "mark it done or failed, or repeat it with a reason", "has passed"),
    ] {
        let mut flight = cut_off("charge");
        told(&mut flight, "charge", outcome);
        let refused = flight.command(Command::RunItem { item: "charge".into() }).expect_err("once");
        assert!(refused.contains(says) && !refused.contains(not), "{refused}");
        let (item, state) =
            (&flight.board.plan.items[&ItemId::new("charge")], &flight.board.items[&ItemId::new("charge")]);
        assert_eq!(is_over(item, state), says == "has passed");
    }
}

#[test]
fn a_return_finds_what_was_open_and_each_turns_to_what_is_learnt() {
    let mut flight = cut_off("charge");
    let open: Vec<&str> =
        flight.board.recovery.as_ref().expect("a return").open.iter().map(|open| open.item.as_str()).collect();
    assert_eq!(open, ["look-auto", "push-auto", "charge", "charge-auto"], "the steps under way, in the plan's order");
    assert_eq!(standing(&flight, "charge"), Standing::Looking);
    let alive = Observation::StepStarted { item: "charge".into(), attempt: Attempt(1), pid: 7 };
    flight.input(&Input::Observation(alive)).expect("told");
    assert_eq!(standing(&flight, "charge"), Standing::Adopted { pid: 7 });
    told(&mut flight, "charge", Outcome { ended_at: Some(Wall::default() + minutes(9)), ..exit(0) });
    assert_eq!(standing(&flight, "charge"), Standing::Ended { verdict: Verdict::Pass }, "while it was followed");
    let before = Wall::default() - minutes(1);
    told(&mut flight, "charge-auto", Outcome { ended_at: Some(before), ..exit(1) });
    assert_eq!(standing(&flight, "charge-auto"), Standing::EndedAway { verdict: Verdict::Fail, at: before });
    told(&mut flight, "push-auto", lost());
    assert_eq!((standing(&flight, "push-auto"), way_of(&flight, "push-auto")), (Standing::Unknown, Some(Way::Key)));
    flight.command(Command::RunItem { item: "push-auto".into() }).expect("one key");
    assert_eq!(standing(&flight, "push-auto"), Standing::Repeated { attempt: Attempt(2), verdict: None });
}

#[test]
fn an_attempt_that_runs_on_has_run_all_the_while() {
    let mut flight = cut_off("charge");
    let since = |flight: &Flight| match flight.board.item(&"charge".into()).expect("there").progress {
        Progress::Running { since, .. } | Progress::Intended { since } => since,
        _ => panic!("it runs"),
    };
    let began = since(&flight);
    let alive = Observation::StepStarted { item: "charge".into(), attempt: Attempt(1), pid: 7 };
    flight.input(&Input::Observation(alive)).expect("told");
    assert_eq!(since(&flight), began);
}

#[test]
fn a_readonly_step_that_runs_by_itself_is_repeated_once_for_each_return_and_no_other_is() {
    for outcome in [lost(), never_ran()] {
        let mut flight = cut_off("charge");
        for item in ["look-auto", "push-auto", "charge", "charge-auto"] {
            told(&mut flight, item, outcome.clone());
        }
        for (item, times) in [("look-auto", 2), ("push-auto", 1), ("charge", 1), ("charge-auto", 1)] {
            assert_eq!(intents(&flight.records, item), times, "{item} after {outcome:?}");
        }
        told(&mut flight, "look-auto", lost());
        assert_eq!(intents(&flight.records, "look-auto"), 2, "its new attempt was watched: that is no crash");
        returned(&mut flight, false);
        told(&mut flight, "look-auto", lost());
        assert_eq!(intents(&flight.records, "look-auto"), 2, "nor was it open when the console went");
    }
}

#[test]
fn a_step_that_was_asked_to_end_is_not_repeated_by_itself() {
    let mut flight = Flight::of(steps());
    flight.command(Command::Cancel { item: "look-auto".into() }).expect("asked");
    returned(&mut flight, false);
    told(&mut flight, "look-auto", never_ran());
    assert_eq!(intents(&flight.records, "look-auto"), 1);
}

#[test]
fn what_may_be_done_follows_from_the_class() {
    for (item, way) in [("look", Way::Key), ("push", Way::Key), ("charge", Way::Word)] {
        let mut flight = cut_off(item);
        assert_eq!(way_of(&flight, item), None, "it may still run");
        told(&mut flight, item, lost());
        assert_eq!(way_of(&flight, item), Some(way), "{item}");
        assert!(waiting(&flight.board).any(|(known, _)| known.id.as_str() == item));
        let run = flight.command(Command::RunItem { item: item.into() });
        assert_eq!(run.is_ok(), way == Way::Key, "{item}: {run:?}");
        let mut flight = cut_off(item);
        told(&mut flight, item, never_ran());
        assert_eq!((standing(&flight, item), way_of(&flight, item)), (Standing::NeverRan, Some(Way::Key)));
        flight.command(Command::RunItem { item: item.into() }).expect("doing it now does it once");
    }
}

#[test]
fn a_once_step_of_unknown_outcome_needs_a_word_with_a_reason() {
    let mut flight = cut_off("charge");
    for (command, refused) in [
        (mark("charge", true, "seen"), "charge has not ended"),
        (repeat("charge", "again"), "charge has not ended"),
        (mark("health", true, "seen"), "health is no step"),
        (repeat("health", "again"), "health is no step"),
        (mark("nothing", true, "seen"), "no item nothing"),
    ] {
        assert_eq!(flight.command(command), Err(refused.to_owned()));
    }
    told(&mut flight, "charge", lost());
    for (command, refused) in [
        (Command::RunItem { item: "charge".into() }, "look what it did"),
        (mark("charge", true, "  "), "say how you know"),
        (repeat("charge", ""), "say why doing it again is right"),
    ] {
        let why = flight.command(command).expect_err("refused");
        assert!(why.contains(refused), "{why}");
    }
    flight.command(repeat("charge", "the bank shows no charge")).expect("with a reason");
    let last: Vec<&Event> = flight.records.iter().rev().take(2).map(|record| &record.event).collect();
    assert!(
        matches!(
            last[..],
            [Event::StepIntended { attempt: Attempt(2), .. }, Event::RepeatOrdered { attempt: Attempt(1), .. }]
        ),
        "{last:?}"
    );
    told(&mut flight, "charge", exit(0));
    assert!(flight.command(repeat("charge", "more")).expect_err("done").contains("charge has passed"));
    assert!(flight.command(mark("charge", false, "no")).expect_err("known").contains("is known: pass"));
    let mut fenced = cut_off("charge");
    told(&mut fenced, "charge", never_ran());
    assert!(fenced.command(mark("charge", true, "seen")).expect_err("nothing happened").contains("never ran: run it"));
}

#[test]
fn marked_done_passes_by_a_word_that_gate_and_poll_show() {
    let mut flight = cut_off("charge");
    told(&mut flight, "charge", lost());
    let phase = |flight: &Flight| {
        let phase = flight.board.plan.phase(&"gate-a".into()).expect("there").clone();
        gate::standing(&flight.board, &phase, flight.now)
    };
    assert!(
        phase(&flight)
            .blocking
            .iter()
            .any(|(id, verdict)| id.as_str() == "charge" && *verdict == Some(Verdict::Unknown))
    );
    flight.command(mark("charge", true, "the bank shows it")).expect("marked");
    assert_eq!(standing(&flight, "charge"), Standing::Marked { passed: true });
    let standing = phase(&flight);
    assert!(standing.marked == 1 && !standing.blocking.iter().any(|(id, _)| id.as_str() == "charge"), "{standing:?}");
    assert_eq!(poll::tally(&flight.board, flight.now).marked, ["charge marked done by ada: the bank shows it"]);
    assert!(waiting(&flight.board).all(|(item, _)| item.id.as_str() != "charge"));
    // A wrong word is put right by another; both stay in the journal.
    flight.command(mark("charge", false, "it was another charge")).expect("put right");
    assert_eq!(phase(&flight).marked, 0);
    assert!(poll::tally(&flight.board, flight.now).marked.is_empty());
    let id = ItemId::new("charge");
    assert!(may_mark(&flight.board.plan.items[&id], flight.board.item(&id).expect("there")));
    flight.command(repeat("charge", "it failed for certain")).expect("again");
    assert!(flight.board.item(&id).is_some_and(|state| state.marked.is_none() && state.report.is_none()));
}

#[test]
fn a_gate_says_how_many_of_its_steps_passed_by_a_word() {
    let mut plan = steps();
    let gate = plan.phases.iter_mut().find(|phase| phase.id.as_str() == "gate-a").expect("there");
    gate.items.retain(|id| id.as_str() == "charge");
    let mut flight = Flight::of(plan);
    flight.command(Command::RunItem { item: "charge".into() }).expect("due");
    returned(&mut flight, false);
    told(&mut flight, "charge", lost());
    flight.command(mark("charge", true, "the bank shows it")).expect("marked");
    let passed = |record: &&Recorded| matches!(record.event, Event::GatePassed { waivers: 0, marked: 1, .. });
    let passed = flight.records.iter().find(passed).expect("it says so");
    assert_eq!(super::super::telling::tell(passed), "gate gate-a passed, 1 marked by hand");
}

#[test]
fn what_needs_a_step_goes_on_once_it_is_marked_done() {
    let mut plan = steps();
    let health = plan.items.get_mut(&ItemId::new("health")).expect("there");
    (health.needs, health.act) = (vec!["charge".into()], Act::Check(SpecId(0)));
    let mut flight = Flight::of(plan);
    flight.command(Command::RunItem { item: "charge".into() }).expect("due");
    returned(&mut flight, false);
    told(&mut flight, "charge", lost());
    let progress = |flight: &Flight| flight.board.item(&"health".into()).expect("there").progress.clone();
    assert!(matches!(progress(&flight), Progress::Blocked { .. }), "{:?}", progress(&flight));
    flight.command(mark("charge", true, "seen")).expect("marked");
    assert!(matches!(progress(&flight), Progress::Running { .. }), "{:?}", progress(&flight));
}

#[test]
fn a_role_without_the_power_to_waive_marks_nothing_done_and_no_terminal_asks_for_it() {
    let mut flight = cut_off("charge");
    told(&mut flight, "charge", lost());
    let refused = flight.command_as("backend", mark("charge", true, "seen")).expect_err("no power");
    assert!(refused.contains("backend may not waive") && refused.contains("lets gates open"), "{refused}");
    for command in [mark("charge", true, "seen"), repeat("charge", "again")] {
        let by = Actor::person("bo", Some("lead".into()));
        let refused = flight
            .input(&Input::Request { id: "r".into(), by, command, asked_at: Wall::default(), age: Duration::ZERO })
            .expect_err("asked");
        assert!(refused.contains("the operator's console acts"), "{refused}");
    }
    flight.command_as("backend", mark("charge", false, "the bank says no")).expect("failed opens nothing");
    flight.command_as("lead", mark("charge", true, "the bank was wrong")).expect("has the power");
}

#[test]
fn a_rollback_or_a_freeze_stops_a_repeat_and_not_a_word() {
    let mut flight = cut_off("charge");
    told(&mut flight, "charge", lost());
    told(&mut flight, "push-auto", lost());
    flight.command(Command::Rollback { rollback: "front".into(), why: "bad".into() }).expect("begun");
    for command in [repeat("charge", "again"), Command::RunItem { item: "push-auto".into() }] {
        let refused = flight.command(command).expect_err("fenced");
        assert!(refused.contains("rollback front is under way"), "{refused}");
    }
    told(&mut flight, "look-auto", lost());
    assert_eq!(intents(&flight.records, "look-auto"), 1, "nor does anything begin by itself");
    flight.command(mark("charge", true, "seen")).expect("a word acts on nothing");
    returned(&mut flight, false);
    assert_eq!(flight.board.recovery.as_ref().and_then(|known| known.rollback), Some(1));
}

#[test]
fn what_nobody_settled_is_listed_again_at_the_next_return() {
    let mut flight = cut_off("charge");
    for item in ["look-auto", "push-auto", "charge", "charge-auto"] {
        told(&mut flight, item, if item == "charge" { lost() } else { exit(0) });
    }
    let listed = |flight: &Flight| {
        let recovery = flight.board.recovery.as_ref().expect("a return");
        recovery.open.iter().map(|open| open.item.to_string()).collect::<Vec<_>>()
    };
    flight.pass(minutes(1));
    returned(&mut flight, true);
    assert_eq!(listed(&flight), ["charge"]);
    assert_eq!(standing(&flight, "charge"), Standing::Unknown);
    flight.command(mark("charge", true, "seen")).expect("marked");
    returned(&mut flight, true);
    assert!(flight.board.recovery.as_ref().is_some_and(super::Recovery::is_empty));
}

#[test]
fn a_pass_ages_from_its_own_end_and_not_from_when_it_was_learnt() {
    let mut plan = steps();
    plan.items.get_mut(&ItemId::new("charge")).expect("there").valid_for = Some(minutes(30));
    let mut flight = Flight::of(plan);
    flight.command(Command::RunItem { item: "charge".into() }).expect("due");
    flight.pass(minutes(50));
    returned(&mut flight, false);
    // The records of a flight are all written at the epoch: it ended forty minutes before.
    told(&mut flight, "charge", Outcome { ended_at: Some(Wall::default() - minutes(40)), ..exit(0) });
    let verdict = flight.board.item(&"charge".into()).and_then(|state| state.verdict(Some(minutes(30)), flight.now));
    assert_eq!(verdict, Some(Verdict::Stale));
}

const ALL: [&str; 6] = ["look", "look-auto", "push", "push-auto", "charge", "charge-auto"];

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(exit(0)),
        Just(exit(1)),
        Just(exit(127)),
        Just(lost()),
        Just(never_ran()),
        Just(Outcome { cancelled: true, ..exit(143) }),
    ]
}

#[derive(Debug, Clone)]
enum Turn {
    Return { clean: bool },
    Pass(u64),
    Started(&'static str),
    Ended(&'static str, Outcome),
    By(Option<&'static str>, Command),
}

fn any_turn() -> impl Strategy<Value = Turn> {
    let item = || prop::sample::select(ALL.to_vec());
    let command = prop_oneof![
        4 => item().prop_map(|item| Command::RunItem { item: item.into() }),
        2 => item().prop_map(|item| repeat(item, "why")),
        1 => item().prop_map(|item| repeat(item, "")),
        2 => (item(), any::<bool>()).prop_map(|(item, passed)| mark(item, passed, "why")),
        1 => item().prop_map(|item| Command::Cancel { item: item.into() }),
        1 => Just(Command::RunPhase { phase: "gate-a".into() }),
        1 => Just(Command::CatchUp),
        1 => Just(Command::Recycle { mark: super::super::time::Mark(30 * super::super::samples::MINUTE) }),
        1 => Just(Command::Rollback { rollback: "front".into(), why: "w".into() }),
    ];
    prop_oneof![
        3 => any::<bool>().prop_map(|clean| Turn::Return { clean }),
        2 => (0_u64..1200).prop_map(Turn::Pass),
        2 => item().prop_map(Turn::Started),
        6 => (item(), any_outcome()).prop_map(|(item, outcome)| Turn::Ended(item, outcome)),
        6 => (prop::sample::select(vec![None, Some("lead"), Some("backend")]), command)
            .prop_map(|(role, command)| Turn::By(role, command)),
    ]
}

/// What was recorded of an item between two of its intents.
fn between<'a>(records: &'a [Recorded], item: &str) -> Vec<(Vec<&'a Recorded>, &'a Recorded)> {
    let mut out = Vec::new();
    let mut since: Option<Vec<&Recorded>> = None;
    for record in records {
        match &record.event {
            Event::StepIntended { item: of, .. } if of.as_str() == item => {
                out.extend(since.take().map(|since| (since, record)));
                since = Some(Vec::new());
            }
            _ => since.iter_mut().for_each(|since| since.push(record)),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_with_a_side_effect_happens_twice_by_itself(
        turns in prop::collection::vec(any_turn(), 1..50),
        in_session in any::<bool>(),
    ) {
        let mut plan = steps();
        if in_session {
            // No plan can have it: a session begins anew after a crash, and its steps must not.
            for item in ["push-auto", "charge-auto"] {
                plan.items.get_mut(&ItemId::new(item)).expect("there").session = Some("s".into());
            }
        }
        let mut flight = Flight::of(plan);
        for turn in turns {
            match turn {
                Turn::Return { clean } => returned(&mut flight, clean),
                Turn::Pass(seconds) => flight.pass(Duration::from_secs(seconds)),
                Turn::Started(item) => {
                    let alive = Observation::StepStarted { item: item.into(), attempt: Attempt(1), pid: 7 };
                    flight.input(&Input::Observation(alive)).expect("told");
                }
                Turn::Ended(item, outcome) => told(&mut flight, item, outcome),
                Turn::By(role, command) => {
                    let by = Actor::person("ada", role.map(Into::into));
                    let _ = flight.input(&Input::Command { by, command });
                }
            }
        }
        for item in ALL {
            let mut last = 0;
            for record in &flight.records {
                if let Event::StepIntended { item: of, attempt } = &record.event && of.as_str() == item {
                    prop_assert!(attempt.0 > last, "{item}: attempt {attempt} is a folder of its own");
                    last = attempt.0;
                }
            }
            for (since, again) in between(&flight.records, item) {
                let ended = since.iter().find_map(|record| match &record.event {
                    Event::StepEnded { item: of, outcome, .. } if of.as_str() == item => Some(outcome),
                    _ => None,
                });
                let ended = ended.expect("an attempt ends before the next begins");
                let ordered = since.iter().any(|record| {
                    matches!(&record.event, Event::RepeatOrdered { item: of, .. } if of.as_str() == item)
                });
                if item.starts_with("charge") {
                    prop_assert!(ordered || ended.never_ran, "{item} twice, and nobody said why");
                }
                if again.actor == Actor::engine() {
                    let returned = since.iter().any(|record| matches!(record.event, Event::ConsoleReturned { .. }));
                    let cut_off = ended.never_ran || ended.is_lost();
                    prop_assert!(item == "look-auto" && returned && cut_off, "{item} by itself: {again:?}");
                }
            }
        }
        let replayed = Board::replay(std::sync::Arc::clone(&flight.board.plan.0), &flight.records);
        prop_assert_eq!(replayed, flight.board, "replay(journal) == board");
    }
}
