//! Incidents as a console shows them and its keys change them: the pane, the band, the dialogs, the bell. At
//! both sizes, with the role of every run of text.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::console::{SIZES, Story, console, looked, plan, press, screen, setup, text, type_in, under_way};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::command::{Command, Refusal};
use tminus::launch::event::{Event, Mode};
use tminus::launch::id::Attempt;
use tminus::launch::incident::{Change, Due, Stage, built_in};
use tminus::launch::plan::{Level, Plan};
use tminus::launch::verdict::{Finding, Report};
use tminus::ui::Console;
use tminus::ui::state::{Effect, Pane};
use tminus::ui::theme::Theme;

fn laddered() -> Plan {
    let level = |id: &str, title: &str, after: u64, contacts: &[&str]| Level {
        id: id.into(),
        title: title.into(),
        after: Duration::from_secs(after * 60),
        contacts: contacts.iter().map(|&name| name.to_owned()).collect(),
    };
    let mut severities = built_in();
    severities[0].levels = vec![
        level("L1", "Look at health", 0, &["#production-alerts", "oncall@example.com"]),
        level("L2", "Flags and canary", 15, &["#leads"]),
        level("L3", "Roll back", 30, &["cto@example.com"]),
    ];
    Plan { severities, ..plan() }
}

fn opened(story: &mut Story, second: i64, number: u32, title: &str, severity: Option<&str>) {
    let severity = severity.map(Into::into);
    story.person(
        second,
        Event::IncidentOpened { incident: number, title: title.into(), severity, detected_by: "smoke".into() },
    );
}

fn changed(story: &mut Story, second: i64, change: Change) {
    story.person(second, Event::IncidentChanged { incident: 1, change });
}

fn rang(story: &mut Story, second: i64, level: &str) {
    story.at(second, Event::IncidentRang { incident: 1, due: Due::Level(level.into()) });
}

/// A sev-1 at 30:00 whose second level is due, another that nobody judged yet, and one that is over.
pub fn three() -> Story {
    let mut story = Story::of(laddered(), Mode::Launch);
    opened(&mut story, 1_000, 1, "Orders fail for every partner", Some("sev-1"));
    rang(&mut story, 1_000, "L1");
    changed(&mut story, 1_010, Change::Acknowledged);
    changed(&mut story, 1_020, Change::Commander("bo".into()));
    changed(&mut story, 1_030, Change::Impact("no orders since noon, about 40 partners".into()));
    changed(&mut story, 1_040, Change::Mitigation("traffic back to the old version".into()));
    opened(&mut story, 1_100, 2, "The dashboard blinks", Some("sev-3"));
    let resolved = Change::Stage(Stage::Resolved);
    story.person(1_200, Event::IncidentChanged { incident: 2, change: resolved });
    opened(&mut story, 1_850, 3, "Logins are slow", None);
    rang(&mut story, 1_900, "L2");
    story
}

#[test]
fn incidents_with_their_deadlines_and_the_band() {
    looked("incidents", &three(), 1_910, ": i n c i d e n t s enter");
    for (width, height) in SIZES {
        let mut console = console(three().snapshot(1_910), width, height);
        let shown = text(&screen(&mut console));
        let band = shown.lines().find(|line| line.contains("INCIDENT")).expect("a band");
        for part in ["✗ INCIDENT 1 SEV-1 ACTIVE 15:10", "+1 more", "ESCALATE L2", "call #leads"] {
            assert!(band.contains(part), "{part} in {band}");
        }
    }
}

#[test]
fn the_pane_is_reached_by_tab_and_by_palette_and_shares_the_place_of_the_poll() {
    for (width, height) in SIZES {
        let mut console = console(three().snapshot(1_910), width, height);
        press(&mut console, "tab tab tab tab tab");
        assert_eq!(console.state().focus, Pane::Poll);
        assert!(!text(&screen(&mut console)).contains(" Incidents "));
        press(&mut console, "tab");
        assert_eq!(console.state().focus, Pane::Incidents);
        let shown = text(&screen(&mut console));
        assert!(shown.contains(" Incidents ") && shown.contains("2 open of 3"), "{shown}");
        press(&mut console, "tab g");
        assert!(!text(&screen(&mut console)).contains(" Incidents "));
    }
}

#[test]
fn an_incident_is_opened_in_three_answers_from_any_pane() {
    let story = Story::of(laddered(), Mode::Launch);
    looked("incident_severity", &story, 1_810, "i d o w n enter");
    let open = |severity: Option<&str>, by: &str| {
        let severity = severity.map(Into::into);
        Some(Effect::Ask(Command::OpenIncident { title: "down".into(), severity, detected_by: by.into() }))
    };
    for at in 0..Pane::ALL.len() {
        let mut console = console(story.snapshot(1_810), 80, 24);
        press(&mut console, &"tab ".repeat(at));
        assert_eq!(press(&mut console, "i d o w n enter 2"), None);
        let shown = text(&screen(&mut console));
        assert!(shown.contains("Who or what noticed it") && shown.contains("> ana"), "{shown}");
        assert_eq!(press(&mut console, "enter"), open(Some("sev-2"), "ana"));
        assert_eq!((console.state().focus, console.state().overlay.is_none()), (Pane::Incidents, true));
    }
    let mut console = console(story.snapshot(1_810), 80, 24);
    press(&mut console, "i enter");
    assert!(text(&screen(&mut console)).contains("say what is wrong"));
    press(&mut console, "d o w n enter j j j enter ctrl-w");
    type_in(&mut console, "a partner");
    assert_eq!(press(&mut console, "enter"), open(None, "a partner"));
    // And given up at any of them.
    for keys in ["i esc", "i x enter esc", "i x enter 1 esc"] {
        assert_eq!(press(&mut console, keys), None, "{keys}");
        assert!(console.state().overlay.is_none(), "{keys}");
    }
}

#[test]
fn what_is_selected_and_red_is_the_title() {
    let mut story = under_way(Mode::Launch);
    story.at(
        1_805,
        Event::MonitorChanged {
            monitor: "web".into(),
            verdict: tminus::launch::verdict::Verdict::Fail,
            why: "refused".into(),
        },
    );
    for (keys, wanted) in [
        ("j j j j j j i", "> login fail: "),
        ("j i", "> "),
        ("j j j j j j tab tab i", "> "),
        ("g backtab i", "> web fail: refused"),
    ] {
        let mut console = console(story.snapshot(1_810), 120, 36);
        press(&mut console, keys);
        let shown = text(&screen(&mut console));
        let field = shown.lines().find_map(|line| line.split_once("│ > ").map(|(_, rest)| format!("> {rest}")));
        let field = field.expect("a field");
        if wanted == "> " {
            assert_eq!(field.split('│').next().map(str::trim), Some(">"), "{keys}");
        } else {
            assert!(field.starts_with(wanted), "{keys}: {field}");
        }
    }
}

#[test]
fn one_key_opens_a_menu_of_all_that_can_be_said() {
    looked("incident_menu", &three(), 1_910, "I");
    let change = |change| Some(Effect::Ask(Command::ChangeIncident { incident: 1, change }));
    for (keys, typed, wanted) in [
        ("I 1 3", "", Change::Severity("sev-3".into())),
        ("I 2 ctrl-w", "cy", Change::Commander("cy".into())),
        ("I 3", ", all", Change::Impact("no orders since noon, about 40 partners, all".into())),
        ("I 4", "cache off", Change::Mitigation("cache off".into())),
        ("I 5", "bd-7", Change::FollowUp("bd-7".into())),
        ("I 6 2", "", Change::Stage(Stage::Mitigated)),
        ("I 6 enter", "", Change::Stage(Stage::Mitigated)),
        ("I 7", "it is the cache", Change::Note("it is the cache".into())),
        ("I 8", "", Change::Acknowledged),
        ("tab tab tab tab tab tab enter j j j j enter", "bd-7", Change::FollowUp("bd-7".into())),
        ("a", "", Change::Acknowledged),
        (": i n c i d e n t - c h enter 8", "", Change::Acknowledged),
    ] {
        let mut console = console(three().snapshot(1_910), 80, 24);
        let mut effect = press(&mut console, keys);
        if !typed.is_empty() {
            type_in(&mut console, typed);
            effect = press(&mut console, "enter");
        }
        assert_eq!(effect, change(wanted), "{keys}");
    }
    let mut over = three();
    changed(&mut over, 1_905, Change::Stage(Stage::Resolved));
    let mut console = console(over.snapshot(1_910), 80, 24);
    press(&mut console, "tab tab tab tab tab tab end k I 6 1");
    type_in(&mut console, "again");
    let relapsed = press(&mut console, "enter");
    assert_eq!(relapsed, change(Change::Relapsed("again".into())), "{}", text(&screen(&mut console)));
}

#[test]
fn an_acknowledgement_of_an_item_still_goes_to_the_item() {
    let mut console = console(under_way(Mode::Launch).snapshot(1_810), 80, 24);
    let effect = press(&mut console, "j j j j j j a");
    assert_eq!(effect, Some(Effect::Ask(Command::Acknowledge { item: "login".into() })));
    press(&mut console, "I");
    assert!(text(&screen(&mut console)).contains("no incident was opened"));
}

#[test]
fn what_is_mitigated_or_minor_does_not_shout() {
    let mut story = three();
    story.person(1_905, Event::IncidentChanged { incident: 3, change: Change::Severity("sev-3".into()) });
    changed(&mut story, 1_905, Change::Acknowledged);
    changed(&mut story, 1_906, Change::Stage(Stage::Mitigated));
    looked("incident_mitigated", &story, 1_910, "");
    changed(&mut story, 1_907, Change::Stage(Stage::Resolved));
    let mut none = console(story.snapshot(1_910), 120, 36);
    assert!(!text(&screen(&mut none)).lines().nth(1).is_some_and(|line| line.contains("INCIDENT")));
}

#[test]
fn hostile_words_break_no_screen() {
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{1b}[2J\u{1b}[31mred\n\r\t\u{202e}dne 日本語👩\u{200d}🚀".to_owned();
    let long = format!("{evil}{}", "long ".repeat(4_000));
    for words in [evil, long] {
        let mut story = Story::of(laddered(), Mode::Launch);
        story.person(
            1_000,
            Event::IncidentOpened {
                incident: 1,
                title: words.clone(),
                severity: Some("sev-1".into()),
                detected_by: words.clone(),
            },
        );
        rang(&mut story, 1_000, "L1");
        for change in [
            Change::Commander as fn(String) -> Change,
            Change::Impact,
            Change::Mitigation,
            Change::FollowUp,
            Change::Note,
        ] {
            changed(&mut story, 1_010, change(words.clone()));
        }
        for (width, height) in [(120, 36), (80, 24), (60, 16), (50, 12)] {
            let mut console = console(story.snapshot(1_910), width, height);
            console.answer(Err(Refusal(words.clone())));
            for keys in
                ["", "tab tab tab tab tab tab", "z", "pagedown", "z I", "esc I 1", "esc I 3", "esc I 6", "esc i"]
            {
                press(&mut console, keys);
                let shown = text(&screen(&mut console));
                assert!(!["]52;", "[2J", "[31m"].iter().any(|rest| shown.contains(rest)), "{shown}");
                for cell in screen(&mut console).content() {
                    let steers = |c: char| c.is_control() || c == '\u{202e}';
                    assert!(!cell.symbol().chars().any(steers), "{:?} at {width}x{height}", cell.symbol());
                }
            }
        }
    }
}

#[test]
fn any_size_can_be_drawn() {
    for (width, height) in [(1, 1), (2, 40), (60, 16), (61, 17), (300, 16), (60, 90), (250, 70)] {
        for keys in ["", "i", "i x enter", "i x enter 1", "I", "I 6", "I 3", "tab tab tab tab tab tab z"] {
            let mut console = console(three().snapshot(1_910), width, height);
            press(&mut console, keys);
        }
    }
}

/// The bell's own boot clock, which only this test moves.
static BOOT: AtomicI64 = AtomicI64::new(0);

#[test]
fn the_bell_rings_for_news_and_every_minute_until_it_is_acknowledged() {
    let mut quiet = under_way(Mode::Launch);
    let mut setup = setup(Theme::default());
    setup.boot = || BOOT.load(Ordering::Relaxed);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(terminal, setup, quiet.snapshot(1_810));
    // Taken just now, so that the console adds nothing of its own.
    let taken = |story: &Story, second: i64| {
        let mut snapshot = (*story.snapshot(second)).clone();
        snapshot.taken_at = BOOT.load(Ordering::Relaxed);
        std::sync::Arc::new(snapshot)
    };
    let heard = |console: &mut Console<TestBackend>, seconds: i64| {
        let mut rang = 0;
        for _ in 0..seconds {
            BOOT.fetch_add(1_000, Ordering::Relaxed);
            rang += u32::from(console.rings());
        }
        rang
    };
    assert_eq!(heard(&mut console, 180), 0, "a red item is no news of this bell");
    quiet.person(1_811, Event::noted("calm"));
    quiet.at(1_811, Event::ItemCancelled { item: "stream".into(), attempt: Attempt(1), why: "x".into() });
    quiet.check("health", 1_812, Report::of(vec![Finding::held("status", "200", "503", false)], Duration::ZERO));
    console.take(taken(&quiet, 1_812));
    assert_eq!(heard(&mut console, 120), 0);

    let mut story = Story::of(laddered(), Mode::Launch);
    // As many records as were heard of, and then news.
    for second in 0..40 {
        story.person(1_000 + second, Event::noted("calm"));
    }
    console.take(taken(&story, 1_100));
    assert_eq!(heard(&mut console, 120), 0);
    opened(&mut story, 1_200, 1, "down", Some("sev-3"));
    console.take(taken(&story, 1_200));
    assert_eq!(heard(&mut console, 1), 1, "news, once");
    assert_eq!(heard(&mut console, 150), 0);
    story.at(1_800, Event::IncidentRang { incident: 1, due: Due::Triage });
    console.take(taken(&story, 1_800));
    assert_eq!(heard(&mut console, 1), 1);
    assert_eq!(heard(&mut console, 59), 0);
    assert_eq!(heard(&mut console, 121), 3, "each minute from the first on");
    changed(&mut story, 1_990, Change::Acknowledged);
    console.take(taken(&story, 1_990));
    assert_eq!(heard(&mut console, 300), 0);
}

#[test]
fn without_colour_and_unicode_the_words_are_there() {
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(terminal, setup(Theme::new(false, true)), three().snapshot(1_910));
    press(&mut console, "tab tab tab tab tab tab z");
    let shown = text(&screen(&mut console));
    assert!(shown.is_ascii(), "{shown}");
    for part in ["x INCIDENT 1 SEV-1 ACTIVE", "ESCALATE L2", "x 1 sev-1 ACTIVE 15:10 bo", "@ L2 DUE"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn an_attached_scribe_opens_and_changes_one_and_acknowledges_as_a_role_alone() {
    let mut story = three();
    story.seat = tminus::launch::port::Seat::Attached { heard: true };
    let mut console = console(story.snapshot(1_910), 80, 24);
    let opened = press(&mut console, "i d o w n enter 3 enter");
    assert!(matches!(opened, Some(Effect::Ask(Command::OpenIncident { .. }))), "{opened:?}");
    let changed = press(&mut console, "I 6 2");
    let mitigated = Command::ChangeIncident { incident: 1, change: Change::Stage(Stage::Mitigated) };
    assert_eq!(changed, Some(Effect::Ask(mitigated)));
    assert_eq!(press(&mut console, "a"), None);
    assert!(text(&screen(&mut console)).contains("needs --as ROLE"));
}
