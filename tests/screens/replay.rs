//! A launch that is replayed, as it is seen: it is never mistaken for one that is flown, its own keys move it, and no key
//! of it acts.

use std::cell::Cell;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::event::{Event, Mode};
use tminus::launch::port::Seat;
use tminus::launch::replay::{Standpoint, Way, Wish};
use tminus::ui::Console;
use tminus::ui::action::{Action, Place, TABLE};
use tminus::ui::keymap::Keymap;
use tminus::ui::state::Effect;
use tminus::ui::theme::Theme;

use super::console::{Story, console, press, screen, setup, text, type_in, under_way};
use super::looked;

const AT: Standpoint = Standpoint { record: 214, of: 1203, playing: false, speed: 60, before: 1, after: 2 };

fn replayed(mode: Mode, at: Standpoint) -> Story {
    let mut story = under_way(mode);
    story.live = tminus::launch::live::Live::default();
    story.seat = Seat::Replay(at);
    story
}

fn acts(effect: &Option<Effect>) -> bool {
    matches!(effect, Some(Effect::Ask(_) | Effect::AskAs(..) | Effect::Suspend { note: Some(_) }))
}

#[test]
fn a_replay_is_never_mistaken_for_a_launch_and_says_where_it_stands() {
    looked("replay", &replayed(Mode::Rehearsal, AT), 1810, "");
    looked("replay_playing", &replayed(Mode::Launch, Standpoint { playing: true, ..AT }), 1810, "tab");
    looked("replay_end", &replayed(Mode::Launch, Standpoint { record: 1203, after: 0, ..AT }), 1810, "}");
    looked("replay_help", &replayed(Mode::Launch, AT), 1810, "?");
    for (width, height) in [(120, 36), (80, 24), (60, 16), (50, 12)] {
        let mut console = console(replayed(Mode::Rehearsal, AT).snapshot(1810), width, height);
        let shown = text(&screen(&mut console));
        for part in [" REPLAY ", " REHEARSAL ", "record 214 of 1203", "paused, 60x"] {
            assert!(shown.contains(part), "{part}, {width}x{height}:\n{shown}");
        }
        assert!(!shown.contains("ROLLBACK"), "{width}x{height}: nobody rolls back what has happened\n{shown}");
    }
}

#[test]
fn its_own_keys_move_it_also_under_a_sheet_and_mean_nothing_elsewhere() {
    use Way::{Back, On};
    for (key, wish) in [
        ("space", Wish::Play),
        (".", Wish::Record(On)),
        (",", Wish::Record(Back)),
        ("right", Wish::Minutes(On, 1)),
        ("left", Wish::Minutes(Back, 1)),
        ("L", Wish::Minutes(On, 10)),
        ("H", Wish::Minutes(Back, 10)),
        ("}", Wish::Notable(On)),
        ("{", Wish::Notable(Back)),
        ("+", Wish::Faster),
        ("-", Wish::Slower),
        ("^", Wish::Whole(Back)),
        ("$", Wish::Whole(On)),
    ] {
        for before in ["", "tab", "tab tab", "?", "t"] {
            let mut console = console(replayed(Mode::Launch, AT).snapshot(1810), 80, 24);
            press(&mut console, before);
            assert_eq!(press(&mut console, key), Some(Effect::Replay(wish)), "{key} after {before:?}");
        }
        let mut flown = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
        assert!(!matches!(press(&mut flown, key), Some(Effect::Replay(_))), "{key}");
    }
}

/// Nobody holds what has happened: that nothing new comes is no alarm, T stands where it is told, and nothing rings.
#[test]
fn one_that_stands_still_is_silent_and_so_is_its_bell() {
    let mut later = setup(Theme::default());
    later.boot = || 0;
    let buffer = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut story = replayed(Mode::Launch, AT);
    let mut console = Console::new(buffer, later, story.snapshot(1810));
    assert!(!console.rings());
    let opened =
        Event::IncidentOpened { incident: 1, title: "down".into(), severity: None, detected_by: String::new() };
    console.take(story.person(1811, opened).snapshot(1811));
    assert!(!console.rings(), "it rang when it happened");
    let mut later = setup(Theme::default());
    later.boot = || if LATE.with(|late| late.replace(true)) { 30_000 } else { 0 };
    let buffer = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(buffer, later, replayed(Mode::Launch, AT).snapshot(1810));
    assert_eq!((console.silent(), console.now().instant.0), (None, 1_810_000));
    assert_eq!(console.next_second(), 1000, "nobody looks a thousand times a second at what stands still");
    let shown = text(&screen(&mut console));
    assert!(!shown.contains("NOTHING NEW"), "{shown}");
}

thread_local! {
    static LATE: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn where_a_key_leads_nowhere_that_is_said() {
    let first = Standpoint { record: 1, before: 0, ..AT };
    let last = Standpoint { record: 1203, after: 0, ..AT };
    for (at, key, words) in [
        (first, ",", "this is the first record"),
        (first, "{", "no incident, trigger or rollback before this"),
        (last, ".", "this is the last record"),
        (last, "space", "this is the last record"),
        (last, "}", "no incident, trigger or rollback after this"),
    ] {
        let mut console = console(replayed(Mode::Launch, at).snapshot(1810), 80, 24);
        assert_eq!(press(&mut console, key), None, "{key}");
        let shown = text(&screen(&mut console));
        assert!(shown.contains(words), "{key}:\n{shown}");
    }
}

#[test]
fn every_acting_key_is_refused_with_the_words_that_this_is_a_replay() {
    let keymap = Keymap::default();
    let looks = [Action::Open, Action::Suspend, Action::Repeat, Action::CatchUp];
    let also = [Action::Note, Action::ActAs, Action::Faults, Action::Playbooks];
    let acting =
        TABLE.iter().filter(|entry| (entry.danger && !looks.contains(&entry.action)) || also.contains(&entry.action));
    let mut refused = 0;
    for entry in acting {
        let mut console = console(replayed(Mode::Rehearsal, AT).snapshot(1810), 120, 36);
        press(&mut console, ":");
        type_in(&mut console, entry.id);
        assert_eq!(press(&mut console, "enter"), None, "{}", entry.id);
        // Some are for another pane, and say that.
        let message = console.state().message.clone().map(|message| message.text).unwrap_or_default();
        assert!(message.contains("this is a replay") || message.contains(" is for the "), "{}: {message:?}", entry.id);
        let Some(key) =
            keymap.keys(entry.action).first().filter(|_| entry.place.covers(Place::Pane(Default::default())))
        else {
            continue;
        };
        // Space plays, whatever it means elsewhere.
        if key.to_string() == "space" {
            continue;
        }
        assert_eq!(press(&mut console, &key.to_string()), None, "{}", entry.id);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("this is a replay"), "{}:\n{shown}", entry.id);
        assert!(console.state().overlay.is_none(), "{}", entry.id);
        refused += 1;
    }
    assert!(refused > 15, "{refused}");
}

/// Whatever dialog a key leads to, nothing in it acts either.
#[test]
fn no_keys_after_each_other_act() {
    let mut story = replayed(Mode::Launch, AT);
    story.person(
        1805,
        Event::IncidentOpened { incident: 1, title: "down".into(), severity: None, detected_by: "smoke".into() },
    );
    let snapshot = story.snapshot(1810);
    let keys: Vec<String> =
        ('!'..='~').map(String::from).chain(["enter", "f9", "f12", "ctrl-z"].map(str::to_owned)).collect();
    for (tabs, down) in (0..7).map(|tabs| (tabs, 7 * (tabs % 2))) {
        for key in &keys {
            let mut console = console(std::sync::Arc::clone(&snapshot), 80, 24);
            press(&mut console, &format!("{} {}", "tab ".repeat(tabs), "j ".repeat(down)));
            for next in [key, "enter", "o", "k", "enter", "y", "1", "enter", "!", "V", "A"] {
                let effect = press(&mut console, next);
                assert!(!acts(&effect), "{tabs} {down} {key} {next}: {effect:?}");
            }
        }
    }
}
