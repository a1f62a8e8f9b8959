//! The recovery screen and the ways out of a step of unknown outcome, as they are seen and by their keys.

use crate::console::{SIZES, console, crashed, looked, outcome, press, screen, setup, text, type_in, under_way};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::command::Command;
use tminus::launch::countdown::Passage;
use tminus::launch::event::{Event, Mode};
use tminus::launch::id::Attempt;
use tminus::launch::time::Mark;
use tminus::launch::verdict::{Outcome, Verdict};
use tminus::ui::Console;
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;

#[test]
fn a_console_that_comes_back_after_a_crash_begins_with_what_was_open() {
    looked("recovery", &crashed(), 2000, "");
    for (width, height) in SIZES {
        for colour in [true, false] {
            let terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
            let mut console = Console::new(terminal, setup(Theme::new(colour, true)), crashed().snapshot(2000));
            let shown = text(&screen(&mut console));
            assert!(shown.is_ascii(), "{shown}");
            for part in [
                "HOLDING at T-01:28:20  with console-restart: catch up with c",
                "? Migrate the schema",
                "once - begun 3m10s ago",
                "UNKNOWN: its shim died",
                "look by hand, then d done, f failed, r repeat",
                "never ran (fenced): safe to run",
                "Enter runs it",
                "Enter repeats it",
                "* Build the index",
                "still running, adopted (process 4712)",
                "ended while away at 14:32:30: pass, exit 0",
            ] {
                assert!(shown.contains(part), "{part} in\n{shown}");
            }
        }
    }
    // What was only just opened has nothing to say, and whoever looks later finds it by its key.
    let mut first = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
    assert!(first.state().overlay.is_none());
    press(&mut first, "o");
    assert!(text(&screen(&mut first)).contains("no console has come back to this launch"));
    let mut late = console(crashed().snapshot(2000), 80, 24);
    press(&mut late, "esc");
    assert!(late.state().overlay.is_none());
    press(&mut late, "o");
    assert!(text(&screen(&mut late)).contains("Back after a crash"));
}

#[test]
fn the_recovery_screen_follows_what_becomes_of_each() {
    let mut story = crashed();
    let mut console = console(story.snapshot(2000), 120, 36);
    story.person(
        2010,
        Event::StepMarked { item: "migrate".into(), attempt: Attempt(1), passed: true, reason: "schema is v2".into() },
    );
    let end = Outcome { ended_at: Some(crate::console::wall(2011)), ..outcome(3) };
    let ended = Event::StepEnded { item: "index".into(), attempt: Attempt(1), verdict: Verdict::Fail, outcome: end };
    story.at(2011, ended);
    story.person(2012, Event::StepIntended { item: "warm".into(), attempt: Attempt(2) });
    story.person(2013, Event::CaughtUp);
    let why = "called by ana".to_owned();
    story.person(2014, Event::RollbackRequested { rollback: "frontend".into(), run: 1, why });
    console.take(story.snapshot(2015));
    let shown = text(&screen(&mut console));
    for part in [
        "done again as attempt 2: it runs",
        "marked done by ana: schema is v2",
        "ended: fail, exit 3",
        "every hold is released: close, then P resumes",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    // The next console finds the rollback under way as well.
    story.person(2030, Event::ConsoleReturned { clean: false, t: 5_200_000 });
    looked("recovery_again", &story, 2040, "");
}

#[test]
fn the_keys_of_the_recovery_screen_settle_each_by_its_class() {
    let story = crashed();
    let asked = |keys: &str, typed: &str, then: &str| {
        let mut console = console(story.snapshot(2000), 80, 24);
        let mut effect = press(&mut console, keys);
        type_in(&mut console, typed);
        if !then.is_empty() {
            effect = press(&mut console, then);
        }
        (effect, text(&screen(&mut console)))
    };
    let (item, reason) = (|| "migrate".into(), || "psql says v2".to_owned());
    for (keys, typed, then, command) in [
        ("enter", "", "", Command::RunItem { item: "warm".into() }),
        ("r", "", "", Command::RunItem { item: "warm".into() }),
        ("j j enter", "", "", Command::RunItem { item: "seed".into() }),
        ("j d", "psql says v2", "enter", Command::MarkStep { item: item(), passed: true, reason: reason() }),
        ("j f", "psql says v2", "enter", Command::MarkStep { item: item(), passed: false, reason: reason() }),
        ("j r", "psql says v2", "enter", Command::Repeat { item: item(), reason: reason() }),
        (
            "d",
            "caches are warm",
            "enter",
            Command::MarkStep { item: "warm".into(), passed: true, reason: "caches are warm".into() },
        ),
        ("c", "", "", Command::CatchUp),
    ] {
        let (effect, shown) = asked(keys, typed, then);
        assert_eq!(effect, Some(Effect::Ask(command)), "{keys}");
        assert!(shown.contains("Back after a crash"), "the list comes back after {keys}:\n{shown}");
    }
    // No key alone does a once step again, and none does anything to what is settled.
    for (keys, told) in [
        ("j enter", "migrate may have happened: look by hand"),
        ("j r enter", "say why"),
        ("j d enter", "say why"),
        ("j j d", "seed is no step of unknown outcome"),
        ("j j j d", "index is no step of unknown outcome"),
        ("j j j r", "there is nothing here to repeat"),
    ] {
        let (effect, shown) = asked(keys, "", "");
        assert_eq!(effect, None, "{keys}");
        assert!(shown.contains(told), "{told} after {keys} in\n{shown}");
    }
    let mut failed = crashed();
    let (item, reason) = ("migrate".into(), "schema is v1".to_owned());
    failed.person(2001, Event::StepMarked { item, attempt: Attempt(1), passed: false, reason });
    let mut again = console(failed.snapshot(2002), 80, 24);
    press(&mut again, "j r");
    type_in(&mut again, "it failed");
    let (item, reason) = ("migrate".into(), "it failed".to_owned());
    assert_eq!(press(&mut again, "enter"), Some(Effect::Ask(Command::Repeat { item, reason })));
    // A console that watches neither begins with the list nor opens it.
    let mut watched = crashed();
    watched.seat = tminus::launch::port::Seat::Attached { heard: true };
    let mut attached = console(watched.snapshot(2000), 80, 24);
    assert!(attached.state().overlay.is_none());
    press(&mut attached, "o");
    assert!(text(&screen(&mut attached)).contains("is for the operator's"));
    let (effect, shown) = asked("j j j enter", "", "");
    assert!(effect.is_none() && shown.contains("┌ index ─") && !shown.contains("Back after"), "{shown}");
    let (_, shown) = asked("! esc", "", "");
    assert!(shown.contains("Back after a crash"), "a look at the rollbacks leads back:\n{shown}");
    let (_, shown) = asked("j d esc", "", "");
    assert!(shown.contains("Back after a crash"), "so does a reason that was not given:\n{shown}");
    // Nobody acts on what a screen too small does not show.
    let mut small = console(story.snapshot(2000), 50, 12);
    for key in ["enter", "r", "d", "c"] {
        assert_eq!(press(&mut small, key), None, "{key}");
    }
    assert!(small.state().overlay.is_some());
}

#[test]
fn what_a_freeze_wants_stands_above_the_list() {
    let mut story = crashed();
    story.person(2000, Event::CaughtUp);
    story.person(2001, Event::HoldReleased { who: "console-restart".into() });
    story.person(2002, Event::Resumed);
    let mut running = console(story.snapshot(2003), 80, 24);
    let shown = text(&screen(&mut running));
    assert!(shown.contains("counting at T-"), "{shown}");
    story.at(8_000, Event::Passed(Passage::Held(Mark(600_000))));
    story.person(8_100, Event::Resumed);
    story.at(9_000, Event::Passed(Passage::Liftoff));
    story.at(9_001, Event::Frozen { why: "warm became due while nobody watched".into() });
    let mut frozen = console(story.snapshot(9_002), 80, 24);
    let shown = text(&screen(&mut frozen));
    for part in ["FROZEN at T+", "close, then P thaws", "warm became due while nobody watched"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    story.person(9_003, Event::Thawed { why: "looked".into() });
    let mut thawed = console(story.snapshot(9_004), 80, 24);
    assert!(text(&screen(&mut thawed)).contains("after T-0, at T+"));
}

#[test]
fn a_wrong_word_is_put_right_from_the_same_line() {
    let mut story = crashed();
    let marked = Event::StepMarked { item: "migrate".into(), attempt: Attempt(1), passed: true, reason: "v2".into() };
    story.person(2001, marked);
    let mut console = console(story.snapshot(2002), 80, 24);
    press(&mut console, "j");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("marked done by ana") && shown.contains("d mark done   f mark failed"), "{shown}");
    press(&mut console, "f");
    type_in(&mut console, "v1 after all");
    let (item, reason) = ("migrate".into(), "v1 after all".to_owned());
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(Command::MarkStep { item, passed: false, reason })));
    // What its shim told needs no word, and is offered none.
    press(&mut console, "j j j");
    let shown = text(&screen(&mut console));
    assert!(!shown.contains("mark failed"), "{shown}");
}

#[test]
fn a_step_of_unknown_outcome_is_settled_from_the_checklist_too() {
    let story = crashed();
    looked("unknown_step", &story, 2000, "esc end k k k k");
    for (keys, command) in [
        ("d", Command::MarkStep { item: "migrate".into(), passed: true, reason: "seen".into() }),
        ("f", Command::MarkStep { item: "migrate".into(), passed: false, reason: "seen".into() }),
        ("r", Command::Repeat { item: "migrate".into(), reason: "seen".into() }),
    ] {
        let mut console = console(story.snapshot(2000), 80, 24);
        press(&mut console, "esc end k k k k k");
        press(&mut console, keys);
        type_in(&mut console, "seen");
        assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(command)), "{keys}");
        assert!(console.state().overlay.is_none());
    }
    let mut settled = crashed();
    settled.person(
        2001,
        Event::StepMarked { item: "migrate".into(), attempt: Attempt(1), passed: true, reason: "schema is v2".into() },
    );
    looked("marked_step", &settled, 2002, "esc end k k k k k");
    let mut poll = console(settled.snapshot(2002), 80, 24);
    press(&mut poll, "esc g");
    let shown = text(&screen(&mut poll));
    assert!(shown.contains("! migrate marked done by ana: schema is"), "{shown}");
}

#[test]
fn the_detail_tells_what_a_step_left_behind() {
    let mut story = crashed();
    let outcome = Outcome {
        left_behind: vec![4801, 4802],
        survivors: vec![4803],
        lost_bytes: 4_096,
        held_open: true,
        ..outcome(0)
    };
    let ended = Event::StepEnded { item: "index".into(), attempt: Attempt(1), verdict: Verdict::Pass, outcome };
    story.at(2001, ended);
    looked("left_behind", &story, 2002, "esc end k k k");
}
