//! The countdown as it is seen: what the header tells, the sheet that tells all of it on a small screen, a
//! T-0 that slips, and what is late or comes again.

use std::time::Duration;

use crate::console::{SIZES, Story, console, looked, plan, press, screen, seen, text, type_in, under_way, wall};
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::plan::{Every, Plan};
use tminus::launch::port::Seat;
use tminus::launch::time::Instant;
use tminus::ui::state::Effect;

/// T-0 is published for 16:10 in the launch's zone; its window closes at 16:30.
fn windowed() -> Plan {
    let mut plan = plan();
    plan.clock.window_closes = Some(wall(9_000));
    plan
}

/// Held by a person five minutes before second 2105.
fn held() -> Story {
    let mut story = Story::of(windowed(), Mode::Launch);
    story.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd latency".into() });
    story
}

#[test]
fn the_header_tells_t_and_l_and_projected_and_slip_and_latest_resume() {
    let story = held();
    let mut wide = console(story.snapshot(2105), 120, 36);
    let shown = text(&screen(&mut wide));
    let line = shown.lines().nth(1).expect("the countdown's line");
    let parts = [
        "T-01:29:55 ‖ HOLDING",
        "L-01:34:55",
        "slip +5:00",
        "T-0 16:15 +02:00",
        "resume by 14:50",
        "published 16:10",
        "5:00 to buy back",
    ];
    for part in parts {
        assert!(line.contains(part), "{part} in\n{line}");
    }
    assert!(line.ends_with("ana"), "{line}");
    let mut small = console(story.snapshot(2105), 80, 24);
    let shown = text(&screen(&mut small));
    let line = shown.lines().nth(1).expect("the countdown's line");
    for part in &parts[..4] {
        assert!(line.contains(part), "{part} in\n{line}");
    }
    looked("countdown", &story, 2105, "t");
}

#[test]
fn the_countdown_s_sheet_tells_all_of_it_on_a_small_screen() {
    let mut small = console(held().snapshot(2105), 80, 24);
    press(&mut small, "t");
    let shown = text(&screen(&mut small));
    for part in [
        "T-0 published  2026-11-20 16:10:00 +02:00",
        "T-0 projected  2026-11-20 16:15:00 +02:00",
        "+5:00, 5:00 of it can be bought back",
        "resume by      2026-11-20 14:50:05 +02:00, 00:15:00 left",
        "window closes  2026-11-20 16:30:00 +02:00",
        "ana: odd latency",
        "T-10m Final poll, a hold of 10m",
        "recycle to T-30m",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    press(&mut small, "enter");
    assert!(small.state().overlay.is_none());
    // Past the latest resume there is no going on: said in the header, and on the sheet.
    for (width, height) in SIZES {
        let mut late = console(held().snapshot(3_100), width, height);
        press(&mut late, "t");
        let shown = text(&screen(&mut late));
        assert!(shown.contains("PAST: slip the window or scrub"), "{shown}");
        assert_eq!(shown.contains("resume by 14:50 PAST"), width == 120, "{shown}");
    }
}

fn slipped(minutes: i64, why: &str) -> Option<Effect> {
    let published = Instant((7_800 + 60 * minutes) * 1000);
    Some(Effect::Ask(Command::Slip { published, why: why.into() }))
}

#[test]
fn a_new_t0_is_typed_from_the_holds_or_the_palette() {
    for (width, height) in SIZES {
        let mut shown = console(held().snapshot(2105), width, height);
        press(&mut shown, "P down down enter");
        type_in(&mut shown, "+45m");
        press(&mut shown, "enter");
        assert!(text(&screen(&mut shown)).contains("say why after it"));
        type_in(&mut shown, " the DBA sleeps");
        seen("slip", &mut shown);
        assert_eq!(shown.press(KeyEvent::from(KeyCode::Enter)), slipped(45, "the DBA sleeps"));
        // By the palette, as a time of day in the launch's zone.
        press(&mut shown, ": s l i p enter");
        type_in(&mut shown, "T-0 at 16:25 the DBA sleeps");
        assert_eq!(shown.press(KeyEvent::from(KeyCode::Enter)), slipped(15, "the DBA sleeps"));
        // Times are shown in UTC, so they are read in it.
        press(&mut shown, "u : s l i p enter");
        type_in(&mut shown, "14:25 the DBA sleeps");
        assert_eq!(shown.press(KeyEvent::from(KeyCode::Enter)), slipped(15, "the DBA sleeps"));
    }
    let mut counting = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
    press(&mut counting, ": s l i p enter");
    assert!(text(&screen(&mut counting)).contains("T-0 slips while the countdown holds: p holds it"));
    let mut attached = held();
    attached.seat = Seat::Attached { heard: true };
    let mut attached = console(attached.snapshot(2105), 80, 24);
    press(&mut attached, "P");
    assert!(!text(&screen(&mut attached)).contains("another T-0"));
    press(&mut attached, "esc : s l i p enter");
    assert!(text(&screen(&mut attached)).contains("`slip` is for the operator's"));
}

#[test]
fn a_published_t0_with_slack_says_when_to_resume() {
    let mut story = held();
    story.person(2_000, Event::Slipped { published: Instant(8_700_000), why: "the DBA sleeps".into() });
    let mut shown = console(story.snapshot(2105), 120, 36);
    let line = text(&screen(&mut shown)).lines().nth(1).expect("a line").to_owned();
    for part in ["slip -10:00", "published 16:25", "resume at 14:45"] {
        assert!(line.contains(part), "{part} in\n{line}");
    }
    assert!(!line.contains("buy back"), "{line}");
}

/// Gate A let on; the dashboards are looked at every day from T-1h30m on, and nobody did for two days.
fn recurring() -> Story {
    let mut plan = plan();
    plan.clock.holds.clear();
    let item = plan.items.get_mut(&"sign".into()).expect("there");
    item.every = Some(Every::Span(Duration::from_secs(86_400)));
    plan.items.get_mut(&"health".into()).expect("there").every = Some(Every::Month);
    let pass = || {
        let held = tminus::launch::verdict::Finding::held("status", "200", "200", true);
        tminus::launch::verdict::Report::of(vec![held], Duration::from_millis(14))
    };
    let mut story = Story::of(plan, Mode::Launch);
    story.check("health", 1, pass());
    story.check("preflight", 2, pass());
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    story.person(1810, Event::Attested { item: "sign".into(), note: "green".into(), passed: true });
    story.person(1820, Event::HoldCalled { who: "ana".into(), why: "weekend".into() });
    let due = 1800 + 3 * 86_400;
    story.at(due, Event::ItemRecurred { item: "sign".into(), occurrence: 3, missed: 2 });
    story
}

#[test]
fn what_is_late_and_what_comes_again_is_told_in_the_checklist_and_the_detail() {
    let story = recurring();
    let now = 1800 + 3 * 86_400 + 7_300;
    looked("recurring", &story, now, "j j j j j j j");
    for (width, height) in SIZES {
        let mut shown = console(story.snapshot(now), width, height);
        press(&mut shown, "j j j j j j");
        let shown = text(&screen(&mut shown));
        for part in ["late 2h01m · missed 2", "14 ms · monthly", "daily · 4th, missed 2", "2026-11-24 14:30:00 +02:00"]
        {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}

#[test]
fn a_phase_that_could_not_open_says_since_when() {
    let mut story = Story::of(plan(), Mode::Launch);
    let why = "gate-b is due and gate-a is not open".to_owned();
    story.at(1800, Event::HoldCalled { who: "gate gate-a".into(), why });
    for (width, height) in SIZES {
        let mut shown = console(story.snapshot(2_105), width, height);
        let shown = text(&screen(&mut shown));
        assert!(shown.contains("late 5m05s · blocked by gate-a"), "{shown}");
    }
}
