//! What stands in the way: the chain, the ways through it, and what is greyed with its reason.

use std::time::Duration;

use tminus::launch::command::Refusal;
use tminus::launch::countdown;
use tminus::launch::event::{Event, Mode, RollbackEnd, RollbackFact};
use tminus::ui::state::{Overlay, Pane};

use crate::console::{SIZES, console, looked, press, screen, text, type_in, under_way};

#[test]
fn why_not_go() {
    looked("why", &under_way(Mode::Launch), 1810, "W j j");
}

#[test]
fn from_a_link_of_the_chain_to_what_it_is_about() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    // The red item, behind a filter and a fold.
    press(&mut console, "/");
    type_in(&mut console, "stream");
    press(&mut console, "enter W j enter");
    assert!(console.state().focus == Pane::Checklist && console.state().overlay.is_none());
    assert!(console.state().checklist.filter.is_empty(), "what hides it is lifted");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("status") && shown.contains("401"), "its detail is beside: {shown}");
    // A vote that is not there.
    press(&mut console, "W end enter");
    assert_eq!(console.state().focus, Pane::Poll);
}

#[test]
fn the_first_that_somebody_can_do_something_about() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    press(&mut console, "B");
    let shown = text(&screen(&mut console));
    assert!(console.state().overlay.is_none() && console.state().focus == Pane::Checklist, "{shown}");
}

#[test]
fn one_key_goes_to_what_is_wrong_and_around() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    press(&mut console, "]");
    let first = text(&screen(&mut console));
    let head = first.lines().find(|line| line.contains("┌ Checklist")).unwrap_or_default().to_owned();
    assert!(head.contains("login"), "{first}");
    for key in ["]", "["] {
        press(&mut console, key);
        assert_eq!(text(&screen(&mut console)), first, "the only one: around to itself");
    }
}

#[test]
fn only_what_is_wrong_is_shown_and_all_again() {
    for (width, height) in SIZES {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), width, height);
        press(&mut console, "E");
        let shown = text(&screen(&mut console));
        let head = |shown: &str| shown.lines().find(|line| line.contains("┌ Checklist")).map(str::to_owned);
        assert!(head(&shown).is_some_and(|head| head.contains(" wrong only ")), "{shown}");
        assert!(!shown.lines().any(|line| line.starts_with('│') && line.contains(" health ")), "{shown}");
        press(&mut console, "E");
        let shown = text(&screen(&mut console));
        assert!(head(&shown).is_some_and(|head| !head.contains("wrong only")), "{shown}");
    }
}

#[test]
fn what_is_not_to_be_had_is_greyed_with_its_reason() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    // An item that has not run.
    press(&mut console, "/");
    type_in(&mut console, "drop");
    press(&mut console, "enter j");
    let shown = text(&screen(&mut console));
    let foot = shown.lines().last().unwrap_or_default().to_owned();
    assert!(foot.contains("run again: it has not run yet"), "{foot}");
    press(&mut console, ":");
    type_in(&mut console, "slip");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("not now: only while the countdown holds"), "{shown}");
    assert!(matches!(console.state().overlay, Some(Overlay::Palette { .. })));
}

#[test]
fn a_refusal_is_read_at_the_foot_until_the_next_key() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
    console.answer(Err(Refusal("below the no-hold mark: only a cutoff is left".into())));
    assert!(text(&screen(&mut console)).contains("below the no-hold mark"));
    press(&mut console, "j");
    assert!(!text(&screen(&mut console)).contains("below the no-hold mark"));
}

#[test]
fn a_closed_launch_is_seen_to_be_closed() {
    let mut story = under_way(Mode::Launch);
    story.person(1805, Event::LaunchEnded { why: "closed: all of it is there".into() });
    for (width, height) in SIZES {
        let mut console = console(story.snapshot(1810), width, height);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("THE LAUNCH HAS ENDED · closed: all of it is there"), "{shown}");
        assert!(shown.contains("ENDED  ") && !shown.contains("counting"), "{shown}");
        let foot = shown.lines().last().unwrap_or_default();
        assert!(!foot.contains("p hold") && !foot.contains("v vote"), "{foot}");
    }
}

#[test]
fn a_way_back_that_was_taken_on_leaves_the_head_and_one_that_proved_nothing_stays() {
    for (end, stays) in
        [(RollbackEnd::Verified, false), (RollbackEnd::NotVerified { checks: vec!["version".into()] }, true)]
    {
        let mut story = under_way(Mode::Launch);
        let rollback = "frontend".into();
        story.person(1805, Event::RollbackRequested { run: 1, rollback, why: "bad".into() });
        let fact = RollbackFact::Ended { end, took: Duration::from_secs(1) };
        story.at(1806, Event::RollbackTold { run: 1, fact });
        let mut console = console(story.snapshot(1810), 120, 36);
        let shown = text(&screen(&mut console));
        let head = shown.lines().take(5).any(|line| line.contains("VERIFIED after"));
        assert_eq!(head, stays, "it counts again: {shown}");
    }
}

#[test]
fn a_way_back_whose_hold_was_released_leaves_the_head_though_the_countdown_holds_for_something_else() {
    for released in [false, true] {
        let mut story = under_way(Mode::Launch);
        story.person(1805, Event::RollbackRequested { run: 1, rollback: "frontend".into(), why: "bad".into() });
        let who = countdown::ROLLBACK.to_owned();
        story.at(1805, Event::HoldCalled { who: who.clone(), why: "rollback frontend".into() });
        let fact = RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::from_secs(1) };
        story.at(1806, Event::RollbackTold { run: 1, fact });
        story.person(1807, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
        if released {
            story.person(1808, Event::HoldReleased { who });
        }
        let shown = text(&screen(&mut console(story.snapshot(1810), 120, 36)));
        assert!(shown.contains("HOLD") && shown.contains("ana: odd"), "{shown}");
        let head = shown.lines().take(5).any(|line| line.contains("VERIFIED after"));
        assert_eq!(head, !released, "{shown}");
    }
}
