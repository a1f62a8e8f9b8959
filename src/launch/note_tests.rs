//! Notes over a flight: what an amendment names, what is refused, and that nothing is ever edited.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::super::board::Board;
use super::super::event::Actor;
use super::super::samples::{Flight, plan};
use super::*;

fn noted(flight: &mut Flight, text: &str, amends: Option<u64>) -> u64 {
    flight.command(Command::Note { text: text.into(), occurred_at: None, amends }).expect("noted");
    flight.board.noted.keys().next_back().copied().expect("a note")
}

#[test]
fn an_amendment_is_a_record_that_names_the_note_itself() {
    let mut flight = Flight::of(plan());
    let first = noted(&mut flight, "the page is red", None);
    let second = noted(&mut flight, "the page is amber", Some(first));
    let third = noted(&mut flight, "the page was amber", Some(second));
    let told = |seq: u64| flight.records.iter().find(|record| record.seq == seq).expect("there").event.clone();
    assert_eq!(told(first), Event::Noted { text: "the page is red".into(), amends: None }, "nothing is edited");
    assert_eq!(told(third), Event::Noted { text: "the page was amber".into(), amends: Some(first) });
    assert_eq!(mark(&flight.board, first).as_deref(), Some(format!("amended by #{third}").as_str()));
    assert_eq!(mark(&flight.board, second).as_deref(), Some(format!("replaced by #{third}").as_str()));
    assert_eq!(mark(&flight.board, third), None);
    assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

#[test]
fn what_is_no_note_is_not_amended() {
    let mut flight = Flight::of(plan());
    let note = |amends| Command::Note { text: "x".into(), occurred_at: None, amends: Some(amends) };
    assert!(flight.command(note(1)).expect_err("the opening").contains("record #1 is no note"));
    assert!(flight.command(note(9_999)).expect_err("nothing").contains("there is no record #9999"));
    assert!(flight.command(note(0)).expect_err("nothing").contains("there is no record #0"));
}

#[test]
fn a_note_is_of_the_time_it_tells_and_never_of_one_to_come() {
    let mut flight = Flight::of(plan());
    let first = noted(&mut flight, "red", None);
    let now = Wall::default() + TimeDelta::hours(1);
    let said = now - TimeDelta::minutes(5);
    let of = |occurred_at, amends| Command::Note { text: "x".into(), occurred_at, amends };
    let by = Actor::person("bo", None);
    let typed = |command| Input::Command { by: by.clone(), command };
    let event = |amends| Event::Noted { text: "x".into(), amends };
    let board = &flight.board;
    assert_eq!(occurred_at(board, &typed(of(Some(said), None)), &event(None)), Some(said));
    assert_eq!(occurred_at(board, &typed(of(None, None)), &event(None)), None, "now");
    let corrected = board.noted[&first].occurred_at;
    assert_eq!(occurred_at(board, &typed(of(None, Some(first))), &event(Some(first))), Some(corrected));
    let asked =
        Input::Request { id: "r".into(), by: by.clone(), command: of(None, None), asked_at: said, age: Duration::ZERO };
    assert_eq!(occurred_at(board, &asked, &event(None)), Some(said), "kept while nobody held the launch");
    assert_eq!(occurred_at(board, &asked, &Event::Resumed), None);

    assert_eq!(timely(board, &typed(of(Some(now), None)), now), Ok(()));
    let to_come = typed(of(Some(now + TimeDelta::seconds(1)), None));
    assert!(timely(board, &to_come, now).expect_err("to come").0.contains("has not come yet"));
    let early = typed(of(Some(Wall::default() - EARLIEST - TimeDelta::seconds(1)), None));
    assert!(timely(board, &early, now).expect_err("too early").0.contains("more than a day before"));
}
