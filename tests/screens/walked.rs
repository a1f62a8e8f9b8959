//! What people who flew their first launches here stumbled over: what waits for them is one key away, names are told
//! from each other, a filter leads somewhere, and one instant has one name.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tminus::launch::countdown::Passage;
use tminus::launch::event::{Event, Mode, Vote};
use tminus::launch::incident::{Change, Stage};
use tminus::launch::plan::{Act, Class, Condition, Confirm, FireMode, Phase, Plan, Second, Trigger};
use tminus::launch::port::Seat;
use tminus::launch::time::Mark;
use tminus::launch::verdict::Verdict;
use tminus::ui::Console;
use tminus::ui::state::Pane;
use tminus::ui::theme::Theme;

use super::console::watched::{counts, objective, stands, trigger};
use super::console::{SIZES, SPEC, Story, console, item, looked, plan, press, screen, setup, text, type_in, under_way};

const HOUR: i64 = 3_600_000;

/// A launch of days, watched all along: of thirteen triggers one is armed, and twenty objectives pass.
fn days() -> Story {
    let mut plan = plan();
    plan.clock.start = 78 * HOUR;
    let phases = [
        ("gate-a", "Staging: tools, manifests", 78 * HOUR),
        ("gate-b", "Staging: all three ways back", 76 * HOUR + HOUR / 2),
        ("canary", "Production: a canary", 26 * HOUR),
        ("night", "A night of it", 25 * HOUR + HOUR / 2),
        ("last", "Before T-0", HOUR),
        ("cut", "Everybody", 0),
        ("two", "Two to watch", -2 * HOUR),
        ("after", "Signed off", -51 * HOUR),
    ];
    let items = std::mem::take(&mut plan.items);
    plan.phases = Vec::new();
    for (id, title, at) in phases {
        let name = format!("{id}-look");
        let mut look = item("gate-a", &name, "Somebody looks", Act::Manual { role: None, second: Second::None });
        (look.phase, look.at) = (id.into(), Mark(at));
        plan.items.insert(look.id.clone(), look);
        let (id, title, at) = (id.into(), title.to_owned(), Mark(at));
        plan.phases.push(Phase { id, title, at, gate: true, needs: Vec::new(), items: vec![name.as_str().into()] });
    }
    drop(items);
    plan.streams.clear();
    let first = plan.monitors[0].clone();
    plan.monitors = (0..6)
        .map(|n| {
            let (id, title) = (format!("m{n}").as_str().into(), format!("Monitor {n}"));
            tminus::launch::plan::Monitor { id, title, ..first.clone() }
        })
        .collect();
    let seen = |n: usize| format!("monitor.m{}", n % 6);
    plan.objectives =
        (0..20).map(|n| objective(&format!("slo-{n:02}"), "Well", &seen(n), "error_rate <= 5%")).collect();
    let later = |name: &str, n: usize| Trigger {
        armed_from: Some(Mark(25 * HOUR)),
        armed_until: Some(Mark(-HOUR / 2)),
        ..trigger(name, Condition::Objective(format!("slo-{n:02}").as_str().into()), "frontend", FireMode::Ask)
    };
    let names = ["canary-down", "canary-failing", "canary-slow", "canary-delta", "canary-loses", "api-down"];
    plan.triggers = names.iter().enumerate().map(|(n, name)| later(name, n)).collect();
    plan.triggers.extend((6..12).map(|n| later(&format!("later-{n}"), n)));
    let armed = Trigger { armed_from: Some(Mark(78 * HOUR)), ..later("staging-errors", 17) };
    plan.triggers.push(armed);
    let mut story = Story::of(plan, Mode::Launch);
    for n in 0..20 {
        story.set(stands(&format!("slo-{n:02}"), Verdict::Pass, 0, "0% of 240", counts(10, 0, 240)));
    }
    story.set(|board| {
        board.objectives.values_mut().for_each(|known| known.evaluated_at = tminus::launch::time::Instant(10_000));
    });
    story
}

#[test]
fn one_instant_has_one_name_on_the_whole_screen() {
    looked("days", &days(), 10, "");
    let mut console = console(days().snapshot(10), 120, 36);
    let shown = text(&screen(&mut console));
    for part in ["T-77:59:50", "T-78h Staging", "T-76h30m S", "T-26h Prod", "from T-25h", "gate at T-78h"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert!(!shown.contains("day"), "the plan says hours: {shown}");
    // The phases that have no room are announced.
    let track = shown.lines().nth(2).expect("the timeline");
    assert!(track.ends_with('…') && !track.starts_with('…'), "{track}");
}

#[test]
fn what_is_for_now_has_the_room_and_names_are_told_from_each_other() {
    let mut console = console(days().snapshot(10), 120, 36);
    let shown = text(&screen(&mut console));
    for part in ["staging-errors", "slo-17", "Monitor 5"] {
        assert!(shown.contains(part), "{part}, which the armed trigger stands on, in\n{shown}");
    }
    let named: Vec<&str> = shown.lines().filter(|line| line.contains("from T-25h")).collect();
    assert!(!named.is_empty(), "{shown}");
    for line in &named {
        assert!(["canary-down", "canary-failing", "canary-slow"].iter().any(|name| line.contains(name)), "{line}");
    }
}

#[test]
fn tab_passes_by_what_has_nothing_to_show() {
    for (width, height) in SIZES {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), width, height);
        let before = text(&screen(&mut console));
        let order: Vec<Pane> = (0..6)
            .map(|_| {
                press(&mut console, "tab");
                console.state().focus
            })
            .collect();
        let there = [Pane::Detail, Pane::Streams, Pane::Journal, Pane::Monitors, Pane::Poll, Pane::Checklist];
        assert_eq!(order, there, "no incident was opened");
        press(&mut console, "backtab");
        assert_eq!(console.state().focus, Pane::Poll);
        assert!(!text(&screen(&mut console)).contains(" Incidents "), "{before}");
    }
    // One that is over takes the poll's place only while it is looked at; one that is open keeps it.
    for open in [false, true] {
        let mut story = under_way(Mode::Launch);
        let (title, detected_by) = ("logins fail".to_owned(), "smoke".to_owned());
        story.person(1805, Event::IncidentOpened { incident: 1, title, severity: None, detected_by });
        if !open {
            let change = Change::Stage(Stage::Resolved);
            story.person(1806, Event::IncidentChanged { incident: 1, change });
        }
        let mut console = console(story.snapshot(1810), 120, 36);
        press(&mut console, "backtab");
        assert_eq!(console.state().focus, Pane::Incidents);
        press(&mut console, "tab");
        let shown = text(&screen(&mut console));
        assert_eq!(shown.contains("┌ Poll"), !open, "{shown}");
    }
}

#[test]
fn of_the_line_that_says_what_to_press_nothing_is_cut() {
    let mut plan = plan();
    plan.roles[1].title = "Database administration".into();
    let warm = plan.items.get_mut(&"warm".into()).expect("there");
    let second = Second::Role("security".into());
    warm.act = Act::Step { spec: SPEC, class: Class::Once, confirm: Confirm::Type, second };
    let mut story = Story::of(plan, Mode::Launch);
    story.at(1800, Event::PhaseOpened { phase: "gate-b".into() });
    looked("detail_whole", &story, 1960, "end k k k");
    for (width, height) in SIZES {
        let mut console = console(story.snapshot(1960), width, height);
        press(&mut console, "end k k k tab");
        let shown = text(&screen(&mut console));
        // In the detail's own columns the words may wrap; none is lost.
        let detail: String = shown.lines().flat_map(|line| line.split('│').rev().take(6)).collect();
        for word in ["to be armed:", "Database", "administration", "run · once, typed"] {
            assert!(detail.contains(word), "{word} in\n{shown}");
        }
    }
}

#[test]
fn a_filter_leads_to_what_it_found_and_leaves_one_there() {
    for (width, height) in SIZES {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), width, height);
        let title = |console: &mut Console<TestBackend>, id: &str| {
            let shown = text(&screen(console));
            assert!(shown.contains(&format!("┌ {id} ")), "{id} is selected in\n{shown}");
        };
        // Its phase is folded, and what was selected is another one.
        press(&mut console, "end k h home /");
        type_in(&mut console, "old index");
        title(&mut console, "drop");
        press(&mut console, "enter");
        title(&mut console, "drop");
        press(&mut console, "esc");
        assert!(console.state().checklist.filter.is_empty());
        title(&mut console, "drop");
        // One that is given up while it is typed leaves all as it was, a phase too.
        press(&mut console, "home /");
        type_in(&mut console, "warm");
        title(&mut console, "warm");
        press(&mut console, "esc");
        title(&mut console, "gate-a");
        press(&mut console, "tab tab tab tab /");
        type_in(&mut console, "web");
        press(&mut console, "enter esc enter");
        title(&mut console, "web");
    }
}

/// A console of somebody who carries `role`.
fn of_role(story: &Story, second: i64, role: Option<&str>) -> Console<TestBackend> {
    let mut setup = setup(Theme::default());
    setup.role = role.map(Into::into);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let mut console = Console::new(terminal, setup, story.snapshot(second));
    console.draw().expect("a buffer");
    console
}

/// What is selected in the checklist, by the title of its detail.
fn selected(console: &mut Console<TestBackend>) -> String {
    let shown = text(&screen(console));
    let title = shown.lines().find_map(|line| line.split("┐┌ ").nth(1)).unwrap_or_default();
    title.split(' ').next().unwrap_or_default().to_owned()
}

fn for_the_lead() -> Plan {
    let mut plan = plan();
    let sign = plan.items.get_mut(&"sign".into()).expect("there");
    sign.act = Act::Manual { role: Some("lead".into()), second: Second::None };
    plan
}

fn due() -> Story {
    let mut story = Story::of(for_the_lead(), Mode::Launch);
    story.records = under_way(Mode::Launch).records;
    story
}

#[test]
fn one_key_goes_to_what_waits_and_around() {
    let story = due();
    looked("next_due", &story, 1810, "m");
    let mut operator = of_role(&story, 1810, None);
    // Whatever waits for anybody, behind a fold and a filter.
    press(&mut operator, "end k h home / p r e enter");
    let order: Vec<String> = (0..4)
        .map(|_| {
            press(&mut operator, "m");
            selected(&mut operator)
        })
        .collect();
    assert_eq!(order, ["sign", "warm", "drop", "sign"]);
    press(&mut operator, "m m g m");
    assert_eq!(operator.state().focus, Pane::Checklist, "from elsewhere");
    press(&mut operator, "tab");
    assert_eq!(selected(&mut operator), "sign");
    // Of the role carried here: the lead's word, and steps that whoever holds the launch runs.
    let mut security = of_role(&story, 1810, Some("security"));
    press(&mut security, "m");
    assert_eq!(selected(&mut security), "warm");
    let mut watching = due();
    watching.seat = Seat::Attached { heard: true };
    let mut security = of_role(&watching, 1810, Some("security"));
    press(&mut security, "m");
    let shown = text(&screen(&mut security));
    assert!(shown.contains("nothing waits for Security; 3 for others"), "{shown}");
    let mut lead = of_role(&watching, 1810, Some("lead"));
    press(&mut lead, "m");
    assert_eq!(selected(&mut lead), "sign");
    press(&mut lead, "m");
    assert!(text(&screen(&mut lead)).contains("nothing else waits for a person"));
}

#[test]
fn at_its_hold_the_poll_waits_and_after_it_whoever_resumes() {
    let mut story = Story::opened(Mode::Launch);
    story.at(6_600, Event::Passed(Passage::Held(Mark(600_000))));
    let vote = |role: &str| Event::Voted { poll: None, role: role.into(), vote: Vote::Go, bound: None };
    story.person(6_601, vote("lead"));
    let mut operator = of_role(&story, 6_610, None);
    press(&mut operator, "m");
    assert_eq!((operator.state().focus, operator.state().poll.selected), (Pane::Poll, 1), "who is silent");
    let mut lead = of_role(&story, 6_610, Some("lead"));
    press(&mut lead, "m");
    let shown = text(&screen(&mut lead));
    assert!(shown.contains("nothing waits for Release lead; 1 for others"), "{shown}");
    story.person(6_602, vote("security"));
    let mut early = of_role(&story, 6_610, None);
    press(&mut early, "m");
    assert!(early.state().overlay.is_none(), "the hold is still served");
    let mut served = of_role(&story, 7_210, None);
    press(&mut served, "m");
    let shown = text(&screen(&mut served));
    assert!(shown.contains("Holds") && shown.contains("resume the countdown"), "{shown}");
}

#[test]
fn the_footer_offers_it_where_something_waits() {
    let foot = |story: &Story, second| {
        let mut console = console(story.snapshot(second), 120, 36);
        text(&screen(&mut console)).lines().last().unwrap_or_default().to_owned()
    };
    assert!(foot(&due(), 1810).contains(" m next due "), "{}", foot(&due(), 1810));
    let quiet = Story::opened(Mode::Launch);
    assert!(!foot(&quiet, 10).contains("next due"), "{}", foot(&quiet, 10));
    let mut over = due();
    over.at(1_808, Event::LaunchEnded { why: "enough".into() });
    assert!(!foot(&over, 1_810).contains("next due"), "{}", foot(&over, 1_810));
}
