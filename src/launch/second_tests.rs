//! Two words that are two people's.

use super::super::board::Board;
use super::super::command::{Command, Input, Observation};
use super::super::event::{Actor, Event};
use super::super::gate::{Clear, clear};
use super::super::id::{Attempt, RoleId};
use super::super::plan::{Act, Class, Confirm, Second, SpecId};
use super::super::samples::{Flight, minutes, plan};
use super::super::verdict::{Outcome, Verdict};

fn flight(second: Second) -> Flight {
    let mut plan = plan();
    let mut item = |id: &str, act: Act| plan.items.get_mut(&id.into()).expect("there").act = act;
    item("attest", Act::Manual { role: None, second: second.clone() });
    let step = Act::Step { spec: SpecId(3), class: Class::Idempotent, confirm: Confirm::Key, second };
    item("health", step);
    let mut flight = Flight::of(plan);
    for item in ["login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight
}

fn at_attest(second: Second) -> Flight {
    let mut flight = flight(second);
    say(&mut flight, "zoe", None, "health", true).expect("armed");
    run(&mut flight, "ada").expect("runs");
    ended(&mut flight);
    flight.pass(minutes(30));
    assert!(flight.opened("gate-b"), "{:?}", flight.board.clock);
    flight
}

fn say(flight: &mut Flight, name: &str, role: Option<&str>, item: &str, passed: bool) -> Result<(), String> {
    let by = Actor::person(name, role.map(RoleId::new));
    flight.input(&Input::Command { by, command: Command::Attest { item: item.into(), note: "seen".into(), passed } })
}

fn run(flight: &mut Flight, name: &str) -> Result<(), String> {
    flight.input(&Input::Command { by: Actor::person(name, None), command: Command::RunItem { item: "health".into() } })
}

fn ended(flight: &mut Flight) {
    let attempt = flight.board.item(&"health".into()).and_then(|state| state.attempt).unwrap_or(Attempt(1));
    let outcome = Outcome { exit: Some(0), ..Outcome::default() };
    let ended = Observation::StepEnded { item: "health".into(), attempt, verdict: Verdict::Pass, outcome };
    flight.input(&Input::Observation(ended)).expect("no refusal");
}

fn stands(flight: &Flight) -> Clear {
    clear(&flight.board, flight.board.plan.item(&"attest".into()).expect("there"), flight.now)
}

#[test]
fn one_word_of_two_opens_nothing_and_the_second_is_another_persons() {
    let mut flight = at_attest(Second::Anyone);
    say(&mut flight, "Ana", Some("backend"), "attest", true).expect("the first");
    assert_eq!(stands(&flight), Clear::No(None));
    for (name, role) in [("Ana", Some("backend")), (" ana", None), ("ANA", Some("lead"))] {
        let refused = say(&mut flight, name, role, "attest", true).expect_err("the same person");
        assert_eq!(refused, "Ana has given the first word on attest: the second is another person's", "{name}");
    }
    say(&mut flight, "Bo", None, "attest", true).expect("the second");
    assert_eq!(stands(&flight), Clear::Yes);
    let state = flight.board.item(&"attest".into()).expect("there");
    let names = |word: &Option<super::Attest>| word.as_ref().map(|word| word.by.name.clone());
    assert_eq!(
        (names(&state.attested), names(&state.seconded), state.half.as_ref()),
        (Some("Ana".into()), Some("Bo".into()), None)
    );
    assert_eq!(state.attempt, Some(Attempt(1)));
    assert!(say(&mut flight, "Cy", None, "attest", true).expect_err("both are there").contains("by both"));
    assert_eq!(Board::replay(std::sync::Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

#[test]
fn the_second_is_of_the_role_that_the_plan_names() {
    let mut flight = at_attest_by_role();
    say(&mut flight, "Ana", Some("backend"), "attest", true).expect("the first");
    for (name, role) in [("Bo", None), ("Bo", Some("backend"))] {
        let refused = say(&mut flight, name, role, "attest", true).expect_err("another role");
        assert_eq!(refused, "attest wants the word of lead: give it as lead", "{role:?}");
    }
    assert!(say(&mut flight, "ana", Some("lead"), "attest", true).is_err(), "under whatever role");
    say(&mut flight, "Bo", Some("lead"), "attest", true).expect("the second");
    assert_eq!(stands(&flight), Clear::Yes);
}

fn at_attest_by_role() -> Flight {
    let mut flight = flight(Second::Role("lead".into()));
    say(&mut flight, "zoe", Some("lead"), "health", true).expect("armed");
    run(&mut flight, "ada").expect("runs");
    ended(&mut flight);
    flight.pass(minutes(30));
    flight
}

#[test]
fn either_may_say_that_it_does_not_hold_and_two_words_begin_anew() {
    let mut flight = at_attest(Second::Anyone);
    say(&mut flight, "Ana", None, "attest", false).expect("it does not");
    assert_eq!(stands(&flight), Clear::No(Some(Verdict::Fail)));
    say(&mut flight, "Ana", None, "attest", true).expect("now it does");
    assert_eq!(stands(&flight), Clear::No(None), "one word");
    say(&mut flight, "Ana", None, "attest", false).expect("one takes the own word back");
    assert_eq!(stands(&flight), Clear::No(Some(Verdict::Fail)));
    say(&mut flight, "Ana", None, "attest", true).expect("again");
    say(&mut flight, "Bo", None, "attest", false).expect("the second sees that it does not");
    assert_eq!(stands(&flight), Clear::No(Some(Verdict::Fail)));
}

#[test]
fn a_step_runs_only_after_another_persons_word_and_once_for_each() {
    let mut flight = flight(Second::Anyone);
    assert!(run(&mut flight, "Ana").expect_err("not armed").contains("it is not armed"));
    say(&mut flight, "Bo", Some("backend"), "health", true).expect("armed");
    assert_eq!(run(&mut flight, "bo"), Err("health was armed by Bo: another person runs it".into()));
    say(&mut flight, "Bo", None, "health", false).expect("taken back");
    assert!(run(&mut flight, "Ana").is_err());
    say(&mut flight, "Bo", None, "health", true).expect("armed");
    assert!(
        !flight.records.iter().any(|record| matches!(record.event, Event::StepIntended { .. })),
        "it waits for a key"
    );
    run(&mut flight, "Ana").expect("runs");
    assert!(say(&mut flight, "Bo", None, "health", true).expect_err("it runs").contains("is running"));
    ended(&mut flight);
    assert!(run(&mut flight, "Ana").expect_err("a word is for one attempt").contains("it is not armed"));
    let again = Command::Repeat { item: "health".into(), reason: "once more".into() };
    assert!(flight.command(again).is_err());
}

#[test]
fn a_word_for_the_time_before_is_none_for_the_next() {
    let mut flight = at_attest(Second::Anyone);
    say(&mut flight, "Ana", None, "attest", true).expect("the first");
    let (at, item) = (flight.now, "attest".into());
    flight.record(at, Actor::engine(), Event::ItemRecurred { item, occurrence: 1, missed: 0 });
    assert_eq!(flight.board.item(&"attest".into()).expect("there").half, None);
}

#[test]
fn one_hand_writes_down_no_two_words() {
    let written = |name: &str, hand: &str| Actor { recorded_by: Some(hand.into()), ..Actor::person(name, None) };
    let word = |by: Actor, item: &str| Input::Command {
        by,
        command: Command::Attest { item: item.into(), note: "seen".into(), passed: true },
    };
    for (first, second) in [
        (Actor::person("Ana", None), written("Bo", "ana")),
        (written("Bo", "Ana"), Actor::person("Ana", None)),
        (written("Bo", "Ana"), written("Cy", "ana")),
    ] {
        let mut flight = at_attest(Second::Anyone);
        flight.input(&word(first, "attest")).expect("the first");
        let refused = flight.input(&word(second.clone(), "attest")).expect_err("the same hand");
        assert!(refused.contains("the second is another person's"), "{second:?}: {refused}");
        assert_eq!(stands(&flight), Clear::No(None));
        flight.input(&word(written("Eve", "Dan"), "attest")).expect("another hand");
        assert_eq!(stands(&flight), Clear::Yes);
    }
    let mut flight = flight(Second::Anyone);
    flight.input(&word(written("Bo", "Ana"), "health")).expect("armed");
    assert!(run(&mut flight, "ana").expect_err("the same hand").contains("another person runs it"));
    run(&mut flight, "Cy").expect("another's hand");
}
