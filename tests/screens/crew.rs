//! What people write, choose and waive, as it is seen: notes with both their times and their amendments,
//! branches with the ones that are skipped, waivers with their end.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use std::time::Duration;

use super::console::{Story, console, looked, plan, press, screen, text, type_in, under_way, wall};
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::plan::{Act, Branch, OnFail, Plan, When};
use tminus::launch::port::Seat;
use tminus::launch::time::Instant;
use tminus::launch::verdict::{Finding, Report};
use tminus::ui::state::Effect;

/// `sign` becomes the choice of a tunnel mode, `warm` stands on named, `drop` on ephemeral.
fn tunnels() -> Plan {
    let mut plan = plan();
    let branch = |id: &str, title: &str| Branch { id: id.into(), title: title.into() };
    let options = vec![branch("named", "Named tunnel for partners who return"), branch("ephemeral", "One-off review")];
    let sign = plan.items.get_mut(&"sign".into()).expect("there");
    (sign.act, sign.title, sign.kind) =
        (Act::Choice { options, role: Some("lead".into()) }, "Tunnel mode".into(), "choice");
    for (id, is) in [("warm", "named"), ("drop", "ephemeral")] {
        let when = When { choice: "sign".into(), is: vec![is.into()] };
        plan.items.get_mut(&id.into()).expect("there").when = Some(when);
    }
    plan
}

fn at_choice() -> Story {
    let mut story = Story::of(tunnels(), Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story
}

fn chosen() -> Story {
    let mut story = at_choice();
    let (option, reason) = ("ephemeral".to_owned(), "one review today".to_owned());
    story.person(1805, Event::Chosen { item: "sign".into(), option, reason });
    let by = "branch named of sign not chosen: it is ephemeral".into();
    story.at(1805, Event::PassedOver { item: "warm".into(), by });
    story
}

fn waived(until: i64) -> Story {
    let mut story = under_way(Mode::Launch);
    let until = Some(Instant(until * 1000));
    story.person(1806, Event::Waived { item: "login".into(), reason: "known outage".into(), until });
    story
}

/// What is written down later than it happened.
fn told(story: &mut Story, happened: i64, second: i64, event: Event) {
    story.person(second, event);
    story.records.last_mut().expect("just told").occurred_at = wall(happened);
}

fn noted() -> Story {
    let mut story = under_way(Mode::Launch);
    let board = story.board();
    told(&mut story, 1620, 1806, Event::noted("the page went red"));
    told(&mut story, -54_000, 1807, Event::noted("the backup ended"));
    told(&mut story, 1620, 1808, Event::Noted { text: "the page went amber".into(), amends: Some(board.seq + 1) });
    story.person(1809, Event::noted("\u{1b}[2J\u{202e}evil\u{7} 🚀 \n next"));
    story
}

const TO_SIGN: &str = "end k k k k";

#[test]
fn a_note_shows_when_it_happened_and_when_it_was_written() {
    looked("notes", &noted(), 1810, "tab tab tab z");
    let mut console = console(noted().snapshot(1810), 120, 36);
    press(&mut console, "tab tab tab z");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("14:27:00 (written 14:30)"), "{shown}");
    assert!(shown.contains("Thu 19 Nov 23:00:00 (written 14:30)"), "{shown}");
    assert!(shown.contains("AMENDS #"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
}

#[test]
fn a_note_is_typed_with_its_time_and_one_to_come_is_refused() {
    for (typed, wanted) in [
        ("at 14:03 the page is red", Some(("the page is red", Some(180)))),
        ("10m ago ana left", Some(("ana left", Some(1210)))),
        ("at T-1h50m the page is red", Some(("the page is red", Some(600)))),
        ("no time at all", Some(("no time at all", None))),
        ("at 16:03 we go on", None),
        ("at T-5m we go on", None),
    ] {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
        press(&mut console, "n");
        type_in(&mut console, typed);
        let effect = press(&mut console, "enter");
        match wanted {
            Some((text, happened)) => {
                let occurred_at = happened.map(wall);
                let note = Command::Note { text: text.into(), occurred_at, amends: None };
                assert_eq!(effect, Some(Effect::Ask(note)), "{typed}");
            }
            None => {
                assert_eq!(effect, None, "{typed}");
                assert!(text(&screen(&mut console)).contains("has not come yet"), "{typed}");
            }
        }
    }
    looked("note", &under_way(Mode::Launch), 1810, "n a t space 1 4 : 0 3 space r e d");
}

#[test]
fn a_selected_note_is_amended_and_nothing_else_is() {
    let story = noted();
    let first = story.board().seq - 3;
    let mut console = console(story.snapshot(1810), 80, 24);
    press(&mut console, "tab tab tab k k k N");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("It stays as it is") && shown.contains("the page went red"), "{shown}");
    type_in(&mut console, ", all of it");
    let text_now = "the page went red, all of it".to_owned();
    let wanted = Command::Note { text: text_now, occurred_at: None, amends: Some(first) };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(wanted)));
    press(&mut console, "k k k N");
    assert!(text(&screen(&mut console)).contains("is no note"));
    looked("amend", &noted(), 1810, "tab tab tab k k k N");
    // The amendment of an amendment is the note's.
    let mut console = super::console::console(story.snapshot(1810), 120, 36);
    press(&mut console, "tab tab tab k N");
    let Some(Effect::Ask(Command::Note { amends, .. })) = press(&mut console, "enter") else { panic!("a note") };
    assert_eq!(amends, Some(first));
}

#[test]
fn a_choice_offers_its_branches_and_wants_a_reason() {
    looked("choice", &at_choice(), 1810, &format!("{TO_SIGN} space tab"));
    let mut console = console(at_choice().snapshot(1810), 80, 24);
    press(&mut console, &format!("{TO_SIGN} enter"));
    assert_eq!(press(&mut console, "enter"), None, "a reason is asked");
    assert!(text(&screen(&mut console)).contains("say why"));
    press(&mut console, "down");
    type_in(&mut console, "one review");
    let (option, reason) = ("ephemeral".to_owned(), "one review".to_owned());
    let wanted = Command::Choose { item: "sign".into(), option, reason };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(wanted)));
}

#[test]
fn what_was_not_chosen_is_skipped_and_says_why() {
    looked("chosen", &chosen(), 1810, &format!("{TO_SIGN} j"));
    looked("chosen_item", &chosen(), 1810, TO_SIGN);
    let mut console = console(chosen().snapshot(1810), 120, 36);
    press(&mut console, &format!("{TO_SIGN} space"));
    assert!(text(&screen(&mut console)).contains("chosen"), "the present branch is marked");
    // What is offered first is the other one.
    type_in(&mut console, "partners");
    let (option, reason) = ("named".to_owned(), "partners".to_owned());
    let wanted = Command::Choose { item: "sign".into(), option, reason };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(wanted)));
}

#[test]
fn a_waiver_is_for_a_time_that_tab_changes() {
    let story = under_way(Mode::Launch);
    for (keys, lasts) in
        [("", 24 * 3600), ("tab ", 72 * 3600), ("up up ", 4 * 3600), ("down down down down ", 168 * 3600)]
    {
        let mut console = console(story.snapshot(1810), 80, 24);
        press(&mut console, &format!("j j j j j j w {keys}"));
        type_in(&mut console, "known");
        let wanted = Command::Waive { item: "login".into(), reason: "known".into(), lasts: Duration::from_secs(lasts) };
        assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(wanted)), "{keys}");
    }
    looked("waive_short", &story, 1810, "j j j j j j w up up up up");
}

#[test]
fn a_phase_that_a_person_let_on_is_no_plain_pass() {
    let mut plan = plan();
    plan.items.get_mut(&"health".into()).expect("there").on_fail = OnFail::Warn;
    let mut story = Story::of(plan, Mode::Launch);
    let found = |held| Report::of(vec![Finding::held("status", "200", "503", held)], Duration::from_millis(9));
    story.check("health", 1, found(false));
    story.check("preflight", 2, found(true));
    story.person(3, Event::Acknowledged { item: "health".into() });
    for (width, height) in [(120, 36), (80, 24)] {
        let shown = text(&screen(&mut console(story.snapshot(10), width, height)));
        let phase = shown.lines().find(|line| line.contains("pass 2/2")).expect("the phase");
        assert!(phase.contains("! pass 2/2 · 1 taken on"), "{width}x{height}: {phase}");
    }
}

#[test]
fn a_waiver_is_never_silent_and_its_end_is_told() {
    for (width, height) in [(120, 36), (80, 24)] {
        let mut console = console(waived(3_600).snapshot(1810), width, height);
        press(&mut console, "j j j j j j");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("1/2 with 1 waiver"), "the header, {width}x{height}:\n{shown}");
        assert!(shown.contains("fail, waived"), "{shown}");
    }
    looked("waived", &waived(3_600), 1810, "j j j j j j");
    looked("waived_poll", &waived(3_600), 1810, "g z");
    let mut over = waived(1_808);
    over.at(1808, Event::WaiverExpired { item: "login".into() });
    looked("waiver_expired", &over, 1810, "j j j j j j");
    let mut console = console(over.snapshot(1810), 120, 36);
    let shown = text(&screen(&mut console));
    assert!(shown.contains("fail, waiver expired 14:30") && !shown.contains("with 1 waiver"), "{shown}");
}

#[test]
fn an_attached_role_chooses_and_waives_and_a_scribe_does_not() {
    let mut story = at_choice();
    story.seat = Seat::Attached { heard: true };
    let mut scribe = console(story.snapshot(1810), 80, 24);
    press(&mut scribe, &format!("{TO_SIGN} space"));
    assert!(text(&screen(&mut scribe)).contains("needs --as ROLE"));
}
