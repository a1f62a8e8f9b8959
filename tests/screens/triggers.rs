//! A trigger that fired, as it is seen from any screen, and what its keys do: veto at once, open its rollback, take
//! it on, fire one by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Mode};
use tminus::launch::port::Seat;
use tminus::launch::time::Instant;
use tminus::launch::trigger::Stage;
use tminus::ui::Console;
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;

use super::console::watched::{WHY, ana, asks, auto, stage, watched};
use super::console::{Story, console, looked, press, screen, setup, text, type_in};

const ANY: [(u16, u16); 4] = [(120, 36), (80, 24), (60, 16), (50, 12)];

fn counting() -> Story {
    let mut story = watched(Mode::Launch);
    story.set(stage("canary-errors", auto(7), 0));
    story
}

fn asking() -> Story {
    let mut story = watched(Mode::Launch);
    story.set(stage("slow", asks(), 0));
    story
}

fn vetoed(effect: &Option<Effect>) -> Option<&str> {
    match effect {
        Some(Effect::Ask(Command::Veto { trigger, why })) if !why.is_empty() => Some(trigger.as_str()),
        _ => None,
    }
}

#[test]
fn a_fired_trigger_is_an_emergency_on_every_screen() {
    looked("trigger_auto", &counting(), 1_810, "");
    looked("trigger_ask", &asking(), 1_810, "");
    for (width, height) in ANY {
        let mut console = console(counting().snapshot(1_810), width, height);
        let shown = text(&screen(&mut console));
        for part in ["ROLLBACK frontend starts in 7 s", "V vetoes", "TRIGGER canary-errors fired 0:04 ago", "6.1% of"] {
            assert!(shown.contains(part), "{part} at {width}x{height}\n{shown}");
        }
        let mut console = self::console(asking().snapshot(1_810), width, height);
        let shown = text(&screen(&mut console));
        for part in ["ROLLBACK database? It waits for you", "! opens it", "TRIGGER slow fired 0:41 ago"] {
            assert!(shown.contains(part), "{part} at {width}x{height}\n{shown}");
        }
    }
    super::seen("trigger_small", &mut console(counting().snapshot(1_810), 50, 12));
}

#[test]
fn the_countdown_of_a_rollback_counts_on_the_screen() {
    static BOOT: AtomicI64 = AtomicI64::new(0);
    let mut ticking = setup(Theme::default());
    ticking.boot = || BOOT.load(Ordering::Relaxed);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(terminal, ticking, counting().snapshot(1_810));
    console.draw().expect("a buffer");
    for (boot, left) in [(0, "in 7 s"), (1_001, "in 6 s"), (2_900, "in 5 s")] {
        BOOT.store(boot, Ordering::Relaxed);
        console.tick();
        assert!(boot == 0 || console.is_dirty(), "at {boot}");
        assert!(text(&screen(&mut console)).contains(left), "{left} at {boot}");
    }
    BOOT.store(0, Ordering::Relaxed);
}

#[test]
fn a_veto_is_sent_with_the_key_and_its_reason_follows() {
    let mut console = console(counting().snapshot(1_810), 80, 24);
    let effect = press(&mut console, "V");
    assert_eq!(vetoed(&effect), Some("canary-errors"), "before a word is typed");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Veto") && shown.contains("on its way"), "{shown}");
    assert!(shown.contains("starts in 7 s"), "the countdown stays in sight under the field: {shown}");
    type_in(&mut console, "Vera says it is the load test");
    let note = "veto of canary-errors: Vera says it is the load test";
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(Command::note(note))));
    // Without a reason it counts all the same.
    let mut console = self::console(counting().snapshot(1_810), 80, 24);
    assert!(vetoed(&press(&mut console, "V")).is_some());
    assert_eq!(press(&mut console, "esc"), None);
    assert!(console.state().overlay.is_none());
}

#[test]
fn the_dialog_says_what_became_of_the_veto() {
    for (stage_then, words) in [
        (Stage::Vetoed { at: Instant(1_811_000), by: ana(), why: "x".into() }, "is vetoed"),
        (Stage::Started { at: Instant(1_811_000) }, "TOO LATE"),
    ] {
        let mut console = console(counting().snapshot(1_810), 80, 24);
        press(&mut console, "V");
        let mut later = watched(Mode::Launch);
        later.set(stage("canary-errors", stage_then, 0));
        console.take(later.snapshot(1_811));
        let shown = text(&screen(&mut console));
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_veto_works_from_within_every_dialog_and_field_and_leaves_them_as_they_were() {
    for keys in ["n", ": r", "?", "t", "c", "!", "p", "T"] {
        let mut console = console(counting().snapshot(1_810), 80, 24);
        press(&mut console, keys);
        if keys == "n" {
            type_in(&mut console, "half a V");
        }
        assert_eq!(vetoed(&press(&mut console, "f9")), Some("canary-errors"), "from {keys}");
        press(&mut console, "esc");
        assert!(console.state().overlay.is_some(), "what was open is open again: {keys}");
        if keys == "n" {
            assert!(text(&screen(&mut console)).contains("half a V"));
        }
    }
    // Where there is no room for a field none swallows the keys.
    let mut small = console(counting().snapshot(1_810), 50, 12);
    assert_eq!(vetoed(&press(&mut small, "V")), Some("canary-errors"));
    assert!(small.state().overlay.is_none());
}

#[test]
fn a_second_press_vetoes_nothing_else() {
    let mut story = counting();
    story.set(stage("late", auto(9), 0));
    let mut console = console(story.snapshot(1_810), 80, 24);
    assert_eq!(vetoed(&press(&mut console, "V")), Some("canary-errors"), "the one that starts first");
    assert_eq!(press(&mut console, "V"), None, "it is typed");
}

#[test]
fn nothing_fired_is_nothing_to_veto() {
    let mut console = console(watched(Mode::Launch).snapshot(1_810), 80, 24);
    assert_eq!(press(&mut console, "V"), None);
    assert!(text(&screen(&mut console)).contains("nothing to veto"));
}

#[test]
fn one_key_opens_what_it_asks_for_with_its_reason() {
    let mut console = console(asking().snapshot(1_810), 80, 24);
    press(&mut console, "!");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("ROLLBACK database: start it?") && shown.contains("trigger slow: 9% of 240"), "{shown}");
    for (width, height) in [(120, 36), (80, 24)] {
        console.terminal().backend_mut().resize(width, height);
        super::seen("trigger_dialog", &mut console);
    }
    type_in(&mut console, "database");
    let Some(Effect::Ask(Command::Rollback { rollback, why })) = press(&mut console, "enter") else {
        panic!("a rollback is asked for")
    };
    assert_eq!(rollback.as_str(), "database");
    assert_eq!(why, "called by ana on trigger slow: 9% of 240 beyond 1.5s for 2m");
    // Another than what it asks for is one key further.
    let mut console = self::console(counting().snapshot(1_810), 80, 24);
    press(&mut console, "! !");
    assert!(text(&screen(&mut console)).contains("ROLLBACK: choose"));
}

#[test]
fn taking_on_is_for_what_asks_or_has_started_and_no_veto() {
    let mut console = console(asking().snapshot(1_810), 80, 24);
    let taken = Some(Effect::Ask(Command::AcknowledgeTrigger { trigger: "slow".into() }));
    assert_eq!(press(&mut console, "a"), taken);
    let mut console = self::console(counting().snapshot(1_810), 80, 24);
    assert_eq!(press(&mut console, "a"), None);
    assert!(text(&screen(&mut console)).contains("starts by itself: V vetoes it"));
    let mut story = watched(Mode::Launch);
    story.set(stage("canary-errors", Stage::Started { at: Instant(1_805_000) }, 0));
    let mut console = self::console(story.snapshot(1_810), 80, 24);
    assert!(text(&screen(&mut console)).contains("TRIGGER canary-errors fired, rollback frontend begun"));
    let taken = Some(Effect::Ask(Command::AcknowledgeTrigger { trigger: "canary-errors".into() }));
    assert_eq!(press(&mut console, "a"), taken);
}

#[test]
fn after_a_scrub_no_screen_promises_a_rollback_that_does_not_come() {
    let mut story = counting();
    story.person(1_809, Event::Scrubbed { why: "enough".into() });
    for (width, height) in ANY {
        let mut console = console(story.snapshot(1_810), width, height);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("ROLLBACK frontend? It waits for you"), "at {width}x{height}\n{shown}");
        let taken = Some(Effect::Ask(Command::AcknowledgeTrigger { trigger: "canary-errors".into() }));
        assert_eq!(press(&mut console, "a"), taken);
    }
    let mut console = console(story.snapshot(1_810), 80, 24);
    press(&mut console, "T");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("ago, asks") && !shown.contains("frontend in"), "{shown}");
}

#[test]
fn the_sheet_lists_them_and_fires_one_by_hand() {
    looked("triggers", &watched(Mode::Launch), 1_810, "T");
    let mut console = console(watched(Mode::Launch).snapshot(1_810), 80, 24);
    press(&mut console, "T");
    let shown = text(&screen(&mut console));
    for part in ["armed", "held 1:12 of 2:00", "armed from T-0", "by hand", "asks for frontend"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    press(&mut console, "enter");
    assert!(text(&screen(&mut console)).contains("Fire a trigger"), "the one by hand is chosen first");
    assert_eq!(press(&mut console, "enter"), None, "a reason is asked for");
    type_in(&mut console, "orders stand still");
    let fired = Command::FireTrigger { trigger: "by-eye".into(), why: "orders stand still".into() };
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(fired)));
    // From the palette too.
    let mut console = self::console(watched(Mode::Launch).snapshot(1_810), 80, 24);
    press(&mut console, ": t r i g g e r s enter");
    assert!(text(&screen(&mut console)).contains("fire it by hand"));
}

#[test]
fn an_attached_console_asks_by_role() {
    let mut story = counting();
    story.seat = Seat::Attached { heard: true };
    let mut bare = console(story.snapshot(1_810), 80, 24);
    let shown = text(&screen(&mut bare));
    assert!(shown.contains("starts in 7 s") && !shown.contains("V vetoes"), "{shown}");
    assert_eq!(press(&mut bare, "V"), None);
    assert!(text(&screen(&mut bare)).contains("needs --as ROLE"));
    let mut with = setup(Theme::default());
    with.role = Some("lead".into());
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut lead = Console::new(terminal, with, story.snapshot(1_810));
    assert!(text(&screen(&mut lead)).contains("V vetoes"));
    assert_eq!(vetoed(&press(&mut lead, "V")), Some("canary-errors"));
}

#[test]
fn it_rings_when_it_fires_and_each_minute_until_a_person_has_a_word() {
    static BOOT: AtomicI64 = AtomicI64::new(0);
    let mut ticking = setup(Theme::default());
    ticking.boot = || BOOT.load(Ordering::Relaxed);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(terminal, ticking, watched(Mode::Launch).snapshot(1_809));
    assert!(!console.rings());
    let mut story = asking();
    let fired = Event::TriggerFired { trigger: "slow".into(), why: WHY.into(), starts: None };
    story.at(1_810, fired);
    console.take(story.snapshot(1_810));
    assert!(console.rings(), "as news");
    for (boot, rings) in [(1_000, false), (59_000, false), (60_001, true), (61_000, false), (120_002, true)] {
        BOOT.store(boot, Ordering::Relaxed);
        assert_eq!(console.rings(), rings, "at {boot}");
    }
    let taken = Stage::Acknowledged { at: Instant(1_820_000), by: ana() };
    story.set(stage("slow", taken, 0));
    console.take(story.snapshot(1_930));
    BOOT.store(300_000, Ordering::Relaxed);
    assert!(!console.rings(), "taken on, it is quiet");
    BOOT.store(0, Ordering::Relaxed);
}

#[test]
fn a_trigger_that_joined_another_rollback_does_not_say_that_its_own_began() {
    let mut story = watched(Mode::Launch);
    let why = "trigger canary-errors".to_owned();
    story.person(1_800, Event::RollbackRequested { rollback: "frontend".into(), run: 1, why });
    let end = tminus::launch::event::RollbackEnd::Verified;
    let took = std::time::Duration::from_secs(2);
    story.at(1_803, Event::RollbackTold { run: 1, fact: tminus::launch::event::RollbackFact::Ended { end, took } });
    story.set(stage("slow", Stage::Started { at: Instant(1_801_000) }, 0));
    let mut console = console(story.snapshot(1_810), 80, 24);
    let shown = text(&screen(&mut console));
    assert!(shown.contains("TRIGGER slow fired, rollback joined frontend"), "{shown}");
    press(&mut console, "T");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("joined frontend") && !shown.contains("database begun"), "{shown}");
}
