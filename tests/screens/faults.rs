//! The menu of faults: in a rehearsal alone, at the console that acts alone.

use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::fault::Offered;
use tminus::launch::port::Seat;
use tminus::rehearsal::{Fault, Injection};
use tminus::ui::state::Effect;

use super::console::{Story, console, press, screen, text, under_way};
use super::looked;

fn switched(fault: &str, on: bool) -> Event {
    Event::FaultSwitched { fault: fault.into(), on }
}

/// A rehearsal in which some were switched.
fn rehearsal() -> Story {
    let mut story = under_way(Mode::Rehearsal);
    let offered = |(fault, _, does)| Offered { fault: Injection::of(fault).to_string(), does, of: None };
    let failing = |id: &str| Offered { fault: format!("fail:{id}"), does: Fault::Fail.line(), of: Some(id.into()) };
    let all = Fault::ALL.into_iter().filter(|(fault, ..)| *fault != Fault::Fail).map(offered);
    story.faults = all.chain(["health", "login"].map(failing)).collect();
    story.at(1_805, switched("slow", true));
    story.at(1_805, switched("latency=2s", true));
    story.person(1_806, switched("slow", false));
    story.person(1_807, switched("errors=60%:health", true));
    story.person(1_808, switched("cors-open", true));
    story
}

fn asked(effect: Option<Effect>) -> (String, bool) {
    match effect {
        Some(Effect::Ask(Command::SwitchFault { fault, on })) => (fault, on),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_menu_tells_what_is_on_since_when_and_what_it_does() {
    looked("faults", &rehearsal(), 1_810, "F");
    let mut console = console(rehearsal().snapshot(1_810), 120, 36);
    press(&mut console, "F");
    let shown = text(&screen(&mut console));
    for part in [
        "3 on",
        "errors=60%:health",
        "ON since T-1h29m53s by ana",
        "ON since T-1h29m55s by --fault",
        "off, was on at T-1h29m55s",
        "switch it off",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn enter_switches_the_selected_one_and_the_menu_stays() {
    let mut console = console(rehearsal().snapshot(1_810), 80, 24);
    assert_eq!(press(&mut console, "F"), None);
    assert_eq!(asked(press(&mut console, "enter")), ("errors=60%:health".to_owned(), false));
    assert_eq!(asked(press(&mut console, "home enter")), ("down".to_owned(), true));
    assert!(text(&screen(&mut console)).contains("Faults of the rehearsal"));
    press(&mut console, "esc");
    assert!(console.state().overlay.is_none());
}

/// The console of the story begins at the item `health`.
#[test]
fn the_item_that_is_selected_can_be_made_to_fail() {
    let mut console = console(rehearsal().snapshot(1_810), 120, 36);
    assert_eq!(press(&mut console, "home F"), None);
    let shown = text(&screen(&mut console));
    assert!(!shown.contains("fail:"), "a phase cannot\n{shown}");
    assert_eq!(press(&mut console, "esc home j F"), None);
    let shown = text(&screen(&mut console));
    assert!(shown.contains("fail:health") && !shown.contains("fail:login"), "{shown}");
    assert_eq!(asked(press(&mut console, "end enter")), ("fail:health".to_owned(), true));
}

#[test]
fn nobody_else_switches_a_fault_and_every_refusal_says_why() {
    let mut launch = rehearsal();
    launch.set(|board| board.mode = Mode::Launch);
    let mut attached = rehearsal();
    attached.seat = Seat::Attached { heard: true };
    let mut over = rehearsal();
    over.set(|board| board.ended = Some("done".into()));
    let mut nothing = under_way(Mode::Rehearsal);
    nothing.faults = [].into();
    for (story, why) in [
        (launch, "faults are for rehearsals"),
        (attached, "`faults` is for the operator's"),
        (over, "this rehearsal is over"),
        (nothing, "nothing of this plan's target"),
    ] {
        let mut console = console(story.snapshot(1_810), 120, 36);
        assert_eq!(press(&mut console, "F"), None);
        assert!(console.state().overlay.is_none(), "{why}");
        let shown = text(&screen(&mut console));
        assert!(shown.contains(why), "{why}\n{shown}");
    }
}
