//! What is watched, as it is seen: monitors, signals, objectives and triggers in one pane, what is selected in full,
//! and how much of it is watched at all.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::event::{Event, Mode, SampleBlock};
use tminus::launch::objective::Counts;
use tminus::launch::plan::Monitor;
use tminus::launch::time::Instant;
use tminus::launch::verdict::Verdict;
use tminus::ui::Console;
use tminus::ui::state::{Effect, Pane};
use tminus::ui::theme::Theme;

use super::console::watched::{counts, evaluated, objective, stands, trigger, watched, watched_of, watched_plan};
use super::console::{SPEC, Story, console, looked, plan, press, screen, seen, setup, text, under_way};

/// Keys to the pane of what is watched.
const THERE: &str = "tab tab tab tab";

#[test]
fn monitors_signals_objectives_and_triggers_stand_in_one_pane() {
    looked("watched", &watched(Mode::Launch), 1_810, THERE);
    looked("watched_zoomed", &watched(Mode::Launch), 1_810, &format!("{THERE} z j j j j"));
}

#[test]
fn a_breach_says_how_long_it_has_lasted_and_what_it_leads_to() {
    let mut console = console(watched(Mode::Launch).snapshot(1_810), 120, 36);
    let shown = text(&screen(&mut console));
    for part in ["✗ errors 30s", "6.1% of 240 ≤ 5%", "breached 1:12 of 2:00 → fro", "watching 4 of 5"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn every_line_opens_in_full() {
    let story = watched(Mode::Launch);
    for (name, downs) in [("monitor", 1), ("signal", 2), ("objective", 4), ("unknown", 6), ("trigger", 7)] {
        let keys = format!("{THERE} {} enter", "j ".repeat(downs));
        looked(&format!("watched_{name}"), &story, 1_810, &keys);
    }
}

#[test]
fn what_the_detail_shows_of_what_is_watched_runs_no_item() {
    for key in ["enter", "r", "R", "x", "space", "d", "f", "w"] {
        let mut console = console(watched(Mode::Launch).snapshot(1_810), 80, 24);
        press(&mut console, &format!("{THERE} j j j j enter"));
        assert_eq!(console.state().focus, Pane::Detail);
        assert_eq!(press(&mut console, key), None, "{key}");
        assert!(console.state().overlay.is_none(), "{key}");
    }
    let mut console = console(watched(Mode::Launch).snapshot(1_810), 80, 24);
    press(&mut console, &format!("{THERE} j j j j enter"));
    let Some(Effect::Copy(copied)) = press(&mut console, "y") else { panic!("something is copied") };
    assert!(copied.contains("Error rate of the canary"), "{copied}");
    press(&mut console, "backtab j j j j j j");
    assert!(!text(&screen(&mut console)).contains("Error rate of the canary"), "the checklist's own again");
}

#[test]
fn readiness_checks_stand_elsewhere() {
    let mut plan = watched_plan();
    plan.monitors[1].ready_for = Some("frontend".into());
    let mut console = console(watched_of(plan, Mode::Launch).snapshot(1_810), 120, 36);
    let shown = text(&screen(&mut console));
    let pane: Vec<&str> = shown.lines().filter_map(|line| line.rsplit('│').nth(1)).collect();
    assert!(!pane.iter().any(|line| line.contains(" web ")), "{shown}");
    assert!(shown.contains("watching 4 of 5"), "{shown}");
}

#[test]
fn an_old_evaluation_passes_nothing() {
    let mut story = watched(Mode::Launch);
    story.set(|board| {
        for known in board.objectives.values_mut() {
            known.evaluated_at = Instant(1_760_000);
        }
    });
    let mut console = console(story.snapshot(1_810), 120, 36);
    let shown = text(&screen(&mut console));
    let line = shown.lines().find(|line| line.contains(" p95 ")).expect("a line");
    assert!(line.contains("~ p95"), "stale, not well: {line}");
    assert!(shown.contains("not evaluated for 50s"), "{shown}");
    assert!(shown.contains("✗ errors"), "a breach stays one: {shown}");
}

#[test]
fn what_nobody_is_heard_of_passes_nothing() {
    for (heard, sign) in [(true, "✓ p95"), (false, "~ p95")] {
        let mut story = watched(Mode::Launch);
        story.seat = tminus::launch::port::Seat::Attached { heard };
        let mut console = console(story.snapshot(1_810), 120, 36);
        let shown = text(&screen(&mut console));
        assert!(shown.contains(sign) && shown.contains("✗ errors"), "heard {heard}: {shown}");
        press(&mut console, &format!("{THERE} j j j j j enter"));
        let shown = text(&screen(&mut console));
        assert!(heard || !shown.contains("✓ pass for"), "in full, too: {shown}");
    }
}

/// A hundred monitors and forty objectives, a few of them red, with titles of another world.
fn crowd() -> Story {
    let mut plan = plan();
    let monitor = |n: usize| Monitor {
        id: format!("m{n:03}").as_str().into(),
        title: format!("Schnittstelle {n} 日本語 ☃ {}", "long ".repeat(20)),
        spec: SPEC,
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    };
    plan.monitors = (0..100).map(monitor).collect();
    plan.objectives = (0..40)
        .map(|n| {
            objective(
                &format!("objective-with-a-long-name-{n:02}"),
                "\u{1b}[31mMojibake Ã¼",
                "monitor.m001",
                "error_rate <= 5%",
            )
        })
        .collect();
    plan.triggers = (0..12)
        .map(|n| {
            let when = tminus::launch::plan::Condition::Objective(
                format!("objective-with-a-long-name-{n:02}").as_str().into(),
            );
            trigger(&format!("trigger-{n}"), when, "frontend", tminus::launch::plan::FireMode::Ask)
        })
        .collect();
    let mut story = watched_of(plan, Mode::Launch);
    story.live.monitors.clear();
    for n in 0..40 {
        let id = format!("objective-with-a-long-name-{n:02}");
        let (verdict, why) = if n == 33 { (Verdict::Fail, "12% of 240") } else { (Verdict::Pass, "0% of 240") };
        story.set(stands(&id, verdict, 1_700, why, counts(1_810, 0, 240)));
    }
    story
}

#[test]
fn many_of_them_scroll_and_what_is_not_well_stands_first() {
    looked("watched_crowd", &crowd(), 1_810, &format!("{THERE} end"));
    for (width, height) in [(120, 36), (80, 24), (60, 16)] {
        let mut console = console(crowd().snapshot(1_810), width, height);
        press(&mut console, &format!("{THERE} z"));
        let shown = text(&screen(&mut console));
        assert!(
            shown.contains("objective-with-a-long-name-33"),
            "the red one is in sight at {width}x{height}:\n{shown}"
        );
        assert!(shown.contains("watching 1 of 101"), "{shown}");
        for line in shown.lines().filter(|line| line.starts_with('│')) {
            assert!(line.ends_with('│'), "no border is broken: {line}");
        }
        // Every line can be gone to, and is seen then.
        for key in ["end", "pageup", "home", "pagedown", "pagedown"] {
            press(&mut console, key);
            assert!(
                screen(&mut console)
                    .content()
                    .iter()
                    .any(|cell| { cell.modifier.contains(ratatui::style::Modifier::REVERSED) })
            );
        }
    }
}

#[test]
fn not_all_being_watched_stands_in_the_header_of_every_screen() {
    for (width, height) in [(120, 36), (80, 24), (60, 16), (50, 12)] {
        let mut console = console(watched(Mode::Launch).snapshot(1_810), width, height);
        let shown = text(&screen(&mut console));
        let header: Vec<&str> = shown.lines().take(2).collect();
        assert!(header.join("\n").contains("watching 4 of 5"), "{width}x{height}\n{shown}");
    }
    // Where all is watched nothing is said.
    let mut console = console(under_way(Mode::Launch).snapshot(1_820), 120, 36);
    let shown = text(&screen(&mut console));
    assert!(!shown.lines().take(2).any(|line| line.contains("watching")), "{shown}");
}

#[test]
fn evaluations_are_folded_out_of_the_journal_and_found_by_a_filter() {
    let mut story = watched(Mode::Launch);
    for round in 0..700 {
        story.at(1_805, evaluated("nobody", 1_100 + round, counts(1_805, 0, 240)));
        let block = SampleBlock { signal: "latency".into(), sha256: "00".into(), samples: 12 };
        story.at(1_805, Event::SamplesKept { minute: Instant(1_800_000), blocks: vec![block] });
    }
    let mut console = console(story.snapshot(1_810), 80, 24);
    press(&mut console, "tab tab tab z");
    let shown = text(&screen(&mut console));
    assert!(!shown.contains("evaluated") && !shown.contains("samples kept"), "{shown}");
    assert!(shown.contains("dashboards are open"), "what happened is not pushed out: {shown}");
    press(&mut console, "/ e v a l u a t e d enter");
    assert!(text(&screen(&mut console)).contains("evaluated: nobody 0 of 240"), "a filter finds them");
}

#[test]
fn a_verdict_that_turned_is_seen_in_journal_detail_and_brief() {
    let mut story = watched(Mode::Launch);
    for (second, against) in [(1_780, 0), (1_790, 0), (1_800, 15), (1_810, 15)] {
        story.at(second, evaluated("errors", second, counts(second, against, 240)));
    }
    for (keys, words) in [
        ("tab tab tab z", "14:30:00 objective errors fail: 6.3% of 240, was pass"),
        ("c", "14:30:00 objective errors fail, was pass: 6.3% of 240"),
        (&format!("{THERE} j j j j enter z"), "14:30:00 ✗ breached 6.3% of 240"),
    ] {
        let mut console = console(story.snapshot(1_812), 120, 36);
        press(&mut console, keys);
        let shown = text(&screen(&mut console));
        assert!(shown.contains(words), "{words} in\n{shown}");
        assert!(!shown.contains("evaluated:"), "{shown}");
    }
}

#[test]
fn a_lost_source_says_what_to_do_before_and_after_liftoff() {
    let mut held = watched(Mode::Launch);
    let why = "objective orders tells nothing: no data".to_owned();
    held.at(1_805, Event::HoldCalled { who: "watch orders".into(), why: why.clone() });
    let mut frozen = watched(Mode::Launch);
    frozen.at(1_805, Event::Frozen { why: format!("watch orders: {why}") });
    looked("watched_lost", &held, 1_810, "");
    looked("watched_frozen", &frozen, 1_810, "");
    for (story, parts) in [
        (held, ["HOLD · watch orders: objective orders tells nothing", "clears itself once", "P goes on without it"]),
        (
            frozen,
            ["FROZEN · watch orders: objective orders tells nothing", "look at its source", "P goes on without it"],
        ),
    ] {
        let mut console = console(story.snapshot(1_810), 160, 36);
        let shown = text(&screen(&mut console));
        for part in parts {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}

#[test]
fn no_colour_and_ascii_say_the_same() {
    for (name, theme) in [("mono", Theme::new(false, false)), ("ascii", Theme::new(false, true))] {
        let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
        let mut console = Console::new(terminal, setup(theme.clone()), watched(Mode::Launch).snapshot(1_810));
        press(&mut console, THERE);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("breached 1:12 of 2:00"), "{name}\n{shown}");
        assert!(!theme.glyphs.ascii || shown.is_ascii(), "{name}\n{shown}");
        for cell in screen(&mut console).content() {
            assert_eq!(cell.fg, ratatui::style::Color::Reset, "{name}");
        }
    }
}

#[test]
fn an_attached_console_shows_the_journaled_verdicts_and_no_samples() {
    let mut story = watched(Mode::Launch);
    story.live = tminus::launch::live::Live::default();
    story.seat = tminus::launch::port::Seat::Attached { heard: true };
    looked("watched_attached", &story, 1_810, THERE);
}

#[test]
fn generated_and_late_samples_say_so() {
    let mut story = watched(Mode::Rehearsal);
    let made = Counts { generated: true, late: 3, ..counts(1_810, 0, 240) };
    story.set(stands("p95", Verdict::Pass, 600, "0% of 240 beyond 1.5s", made));
    let mut console = console(story.snapshot(1_810), 80, 24);
    press(&mut console, &format!("{THERE} j j j j j enter"));
    let shown = text(&screen(&mut console));
    for part in ["generated", "3 came too late"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    for (width, height) in [(120, 36), (80, 24)] {
        console.terminal().backend_mut().resize(width, height);
        seen("watched_generated", &mut console);
    }
}
