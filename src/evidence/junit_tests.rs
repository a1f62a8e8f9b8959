//! Which verdict is which element, that nothing is greener than the exit code, and that no text leaves its place.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::launch::board::Attest;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::plan::{Every, OnFail};
use crate::launch::samples::{Flight, minutes, plan};
use crate::launch::time::Wall;
use crate::launch::verdict::Report;

fn run(exit: i32) -> Run<'static> {
    Run { left_out: &[], exit, took: Duration::from_millis(1_234) }
}

/// The line of an item's case, and what follows it up to the next.
fn of<'p>(page: &'p str, item: &str) -> &'p str {
    let from = page.find(&format!("({item})")).expect("a case");
    page[from..].split("<testcase").next().expect("a case")
}

#[test]
fn each_verdict_has_its_element() {
    let mut flight = Flight::of(plan());
    for (item, verdict) in [("health", Verdict::Fail), ("login", Verdict::Unknown)] {
        flight.answer(item, verdict);
    }
    let page = junit(&flight.board, flight.now, run(1));
    assert!(of(&page, "health").contains("<failure type=\"fail\" message=\"status expected 200, seen …\">"), "{page}");
    assert!(of(&page, "login").contains("<error type=\"unknown\""), "{page}");
    assert!(of(&page, "chat").contains("<error type=\"not-run\" message=\"not run: "), "{page}");
    assert!(of(&page, "look").contains("<skipped message=\"not run\"/>"), "{page}");
    assert!(
        page.contains("<testsuite name=\"gate-a: gate-a\" tests=\"3\" failures=\"1\" errors=\"2\" skipped=\"0\""),
        "{page}"
    );
    assert!(page.contains("<testcase name=\"the launch\" classname=\"sample.outcome\" time=\"1.234\">"), "{page}");
    let lasts = crate::launch::waiver::LASTS;
    flight.command(Command::Waive { item: "health".into(), reason: "known".into(), lasts }).expect("waived");
    let page = junit(&flight.board, flight.now, run(1));
    assert!(of(&page, "health").contains("<skipped message=\"WAIVED by ada: known; it was fail: "), "{page}");
}

#[test]
fn what_is_stale_runs_still_or_was_waived_unrun_is_no_pass() {
    let mut plan = plan();
    plan.items.get_mut(&"health".into()).expect("there").valid_for = Some(minutes(5));
    let mut flight = Flight::of(plan);
    let page = junit(&flight.board, flight.now, run(2));
    assert!(of(&page, "health").contains("<error type=\"running\" message=\"it was still running\""), "{page}");
    flight.answer("health", Verdict::Pass);
    flight.answer("login", Verdict::Unknown);
    flight.pass(minutes(6));
    let page = junit(&flight.board, flight.now, run(2));
    assert!(of(&page, "health").contains("<error type=\"stale\""), "{page}");
    let lasts = crate::launch::waiver::LASTS;
    flight.command(Command::Waive { item: "chat".into(), reason: "known".into(), lasts }).expect("waived");
    let page = junit(&flight.board, flight.now, run(2));
    let chat = of(&page, "chat");
    assert!(chat.contains("<skipped message=\"WAIVED by ada: known; it was not run: "), "{chat}");
    assert!(!chat.contains("<error"), "its gate is open, and so the exit code may be 0: {chat}");
}

#[test]
fn what_was_skipped_or_taken_on_is_as_the_exit_code_has_it() {
    for (verdict, allowed, taken_on, told) in [
        (Verdict::Skipped, false, false, "<failure type=\"skipped\""),
        (Verdict::Skipped, true, false, "<skipped message=\"status expected 200"),
        (Verdict::Warn, false, false, "<failure type=\"warn\""),
        (Verdict::Warn, false, true, "<skipped message=\"taken on: warn: status expected"),
        (Verdict::Fail, false, false, "<failure type=\"fail\""),
        (Verdict::Fail, false, true, "<skipped message=\"taken on: fail: status expected"),
    ] {
        let mut plan = plan();
        let item = plan.items.get_mut(&"health".into()).expect("there");
        (item.allow_skipped, item.on_fail) = (allowed, OnFail::Warn);
        let mut flight = Flight::of(plan);
        flight.answer("health", verdict);
        if taken_on {
            flight.command(Command::Acknowledge { item: "health".into() }).expect("taken on");
        }
        let page = junit(&flight.board, flight.now, run(0));
        assert!(of(&page, "health").contains(told), "{verdict} {allowed} {taken_on}: {page}");
    }
}

#[test]
fn what_was_marked_by_hand_says_by_whom() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Pass);
    let state = Arc::make_mut(flight.board.items.get_mut(&"health".into()).expect("there"));
    state.marked =
        Some(Attest { by: Actor::person("ada", None), note: "I saw it".into(), passed: true, at: Wall::default() });
    let page = junit(&flight.board, flight.now, run(0));
    let told = "<skipped message=\"marked DONE by hand, nobody saw it: ada: I saw it\"/>";
    assert!(of(&page, "health").contains(told), "{page}");
}

#[test]
fn what_failed_and_is_due_again_stands_as_it_failed() {
    let mut plan = plan();
    plan.items.get_mut(&"health".into()).expect("there").every = Some(Every::Span(minutes(10)));
    let mut flight = Flight::of(plan);
    flight.answer("health", Verdict::Fail);
    flight.pass(minutes(10));
    assert!(flight.board.item(&"health".into()).expect("there").is_running(), "it looks again");
    let page = junit(&flight.board, flight.now, run(1));
    assert!(of(&page, "health").contains("<failure type=\"fail\""), "{page}");
}

#[test]
fn nothing_is_greener_than_the_exit_code() {
    let flight = Flight::of(plan());
    for (exit, told) in
        [(1, "<failure type=\"no-go\""), (2, "<error type=\"cannot-tell\""), (4, "<failure type=\"rolled-back\"")]
    {
        let page = junit(&flight.board, flight.now, run(exit));
        assert!(page.contains(told), "{exit}: {page}");
        let head = page.lines().nth(1).expect("a head");
        assert!(!head.contains("failures=\"0\" errors=\"0\""), "{head}");
    }
    let page = junit(&flight.board, flight.now, run(0));
    assert!(page.contains("<testsuite name=\"outcome\" tests=\"1\" failures=\"0\" errors=\"0\""), "{page}");
}

#[test]
fn what_was_left_out_is_told_with_its_reason() {
    let flight = Flight::of(plan());
    let left_out = [(ItemId::new("cut"), "it acts: only a launch runs steps".to_owned())];
    let page = junit(&flight.board, flight.now, Run { left_out: &left_out, ..run(0) });
    assert!(page.contains("<skipped message=\"left out: it acts: only a launch runs steps\"/>"), "{page}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_leaves_its_place_and_every_character_is_one_of_xml(
        text in "[<>&\"'/=\\]a-z!-]{0,24}|\\PC{0,24}|[\\x00-\\x9f\\u{d7f0}-\\u{d7ff}\\u{fff0}-\\u{10000}]{0,16}",
    ) {
        let of = |text: &str| {
            let mut plan = plan();
            plan.title = format!("x{text}");
            plan.phases[0].title = format!("x{text}");
            let mut flight = Flight::of(plan);
            flight.answer("health", Verdict::Pass);
            let finding = Finding::held(format!("x{text}"), format!("x{text}"), format!("x{text}"), false).in_row(format!("x{text}"));
            let report = Report::of(vec![finding], Duration::ZERO);
            flight.input(&crate::launch::command::Input::Observation(crate::launch::command::Observation::CheckEnded {
                item: "login".into(),
                attempt: crate::launch::id::Attempt(1),
                report,
            })).expect("taken");
            junit(&flight.board, flight.now, run(1))
        };
        let bare = |page: &str| {
            let mut quoted = false;
            let inside = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
            inside.map(|tag| tag.chars().filter(|c| { quoted ^= *c == '"'; !quoted }).collect::<String>()).collect::<Vec<_>>()
        };
        let page = of(&text);
        prop_assert_eq!(bare(&page), bare(&of("")));
        let allowed = |c: char| matches!(c, '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        prop_assert!(page.chars().all(allowed), "{page:?}");
    }
}
