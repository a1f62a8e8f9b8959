//! Very many and very long: two thousand items, a hundred monitors, fifty streams, and of everything else more than a
//! screen has lines. All of it is reached, a filter finds the one, what is not seen is counted, and a frame costs what
//! is seen and no more.

use std::time::Duration;

use ratatui::backend::TestBackend;
use ratatui::style::Modifier;
use rustix::time::{ClockId, clock_gettime};
use tminus::launch::event::{Event, Mode};
use tminus::launch::fault::Offered;
use tminus::launch::live::{Line, StreamView};
use tminus::launch::plan::{
    Act, Condition, Criterion, DecidedBy, Evidence, FireMode, GoStage, Monitor, Phase, Plan, Role, Rollback, Stream,
};
use tminus::launch::playbook::{Look, Playbook};
use tminus::launch::time::Mark;
use tminus::launch::verdict::{Finding, Report};
use tminus::ui::Console;

use super::console::watched::{objective, signal, trigger};
use super::console::{SPEC, Story, console, item, plan, press, screen, text, type_in, wall};

const PHASES: usize = 40;
const EACH: usize = 50;
const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 36), (250, 70)];

fn phases(plan: &mut Plan, count: usize) {
    (plan.items, plan.phases) = (Default::default(), Vec::new());
    for n in 0..count {
        let id = if n == 0 { "gate-a".to_owned() } else { format!("p{n:02}") };
        let mut ids = Vec::new();
        for k in 0..EACH {
            let name = format!("item-{:04}", n * EACH + k);
            let act = match k % 10 {
                0 => Act::Manual { role: None, second: Default::default() },
                _ => Act::Check(SPEC),
            };
            let mut known = item("gate-a", &name, &format!("Number {} of many", n * EACH + k), act);
            known.phase = id.as_str().into();
            // Sessions and needs are what standing is told from.
            known.session = (k % 10 == 9).then(|| format!("s{n}").as_str().into());
            if k > 0 {
                known.needs = vec![format!("item-{:04}", n * EACH + k - 1).as_str().into()];
            }
            ids.push(known.id.clone());
            plan.items.insert(known.id.clone(), known);
        }
        let at = Mark(7_200_000 - i64::try_from(n).expect("few") * 60_000);
        let (title, id) = (format!("Phase {n:02}"), id.as_str().into());
        plan.phases.push(Phase { id, title, at, gate: true, needs: Vec::new(), items: ids });
    }
}

fn lists(plan: &mut Plan) {
    let monitor = plan.monitors[0].clone();
    let of = |n: usize| Monitor {
        id: format!("m{n:03}").as_str().into(),
        title: format!("Monitor {n:03}"),
        ..monitor.clone()
    };
    plan.monitors = (0..100).map(of).collect();
    let stream = |n: usize| Stream {
        id: format!("log{n:02}").as_str().into(),
        title: format!("Log {n:02}"),
        spec: SPEC,
        session: None,
        after: None,
    };
    plan.streams = (0..50).map(stream).collect();
    plan.signals = (0..60).map(|n| signal(&format!("signal-{n:02}"), "")).collect();
    plan.objectives = (0..200)
        .map(|n| objective(&format!("slo-{n:03}"), "Well", &format!("monitor.m{:03}", n % 100), "error_rate <= 5%"))
        .collect();
    let on = |n: usize| Condition::Objective(format!("slo-{n:03}").as_str().into());
    plan.triggers = (0..60).map(|n| trigger(&format!("trigger-{n:02}"), on(n), "frontend", FireMode::Ask)).collect();
    let role = |n: usize| Role {
        id: format!("role{n:02}").as_str().into(),
        title: format!("Role {n:02}"),
        people: Vec::new(),
        votes: true,
        may: Default::default(),
    };
    plan.roles = (0..60).map(role).collect();
    plan.poll = plan.roles.iter().map(|role| role.id.clone()).collect();
    let criterion = |n: usize| Criterion {
        id: format!("criterion-{n:03}").as_str().into(),
        text: format!("Criterion {n:03} is met"),
        no_go: n % 2 == 1,
        stage: GoStage::Launch,
        by: DecidedBy::Person { role: None },
    };
    plan.criteria = (0..150).map(criterion).collect();
    let first = plan.rollbacks[0].clone();
    let back = |n: usize| Rollback {
        id: format!("back{n:02}").as_str().into(),
        title: format!("Way back {n:02}"),
        key: char::from(b'a' + u8::try_from(n % 26).expect("few")),
        ..first.clone()
    };
    plan.rollbacks.extend((0..40).map(back));
    let steps =
        vec![Look { id: "look/pods".into(), title: "Pods".into(), spec: SPEC, timeout: Duration::from_secs(60) }];
    let playbook = |n: usize| Playbook {
        id: format!("book{n:02}").as_str().into(),
        title: format!("Playbook {n:02}"),
        items: Vec::new(),
        steps: steps.clone(),
    };
    plan.playbooks = (0..40).map(playbook).collect();
    let evidence = |n: usize| Evidence {
        id: format!("page{n:02}").as_str().into(),
        title: format!("Page {n:02}"),
        items: Vec::new(),
    };
    plan.evidence = (0..80).map(evidence).collect();
    plan.clock.recycle = (1..40).map(|n| Mark(7_200_000 - n * 60_000)).collect();
}

/// Very many of everything, of so many phases; two gates are open, and their first items wait for a person.
fn many(count: usize) -> Story {
    let mut plan = plan();
    phases(&mut plan, count);
    lists(&mut plan);
    let mut story = Story::of(plan, Mode::Rehearsal);
    story.at(60, Event::PhaseOpened { phase: "p01".into() });
    let rows = (0..20).map(|n| Finding::held("status", "200", "200", n != 7).in_row(format!("https://{n}.example")));
    story.check("item-0001", 61, Report::of(rows.collect(), Duration::from_millis(3)));
    for n in 0..700 {
        story.person(62, Event::noted(format!("note {n}")));
    }
    for n in 1..=60 {
        let detected_by = "smoke".to_owned();
        story.person(
            63,
            Event::IncidentOpened { incident: n, title: format!("Incident {n}"), severity: None, detected_by },
        );
    }
    for n in 0..30 {
        story.person(64, Event::HoldCalled { who: format!("crew-{n:02}"), why: "odd".into() });
    }
    story.faults =
        (0..60).map(|n| Offered { fault: format!("fault-{n:02}"), does: "makes something go wrong" }).collect();
    let line = |n: i64| Line { at: wall(60), tag: "line".into(), text: format!("line {n} of the log"), error: n == 3 };
    let view = StreamView { open: true, lines: (0..400).map(line).collect(), total: 400, ..StreamView::default() };
    story.live.streams = (0..50).map(|n| (format!("log{n:02}").as_str().into(), view.clone())).collect();
    let up = story.live.monitors.values().next().expect("one").clone();
    story.live.monitors = (0..100).map(|n| (format!("m{n:03}").as_str().into(), up.clone())).collect();
    story
}

fn marked(console: &mut Console<TestBackend>) -> bool {
    screen(console).content().iter().any(|cell| cell.modifier.contains(Modifier::REVERSED))
}

/// The foot of the frame that the words stand in.
fn foot(shown: &str) -> bool {
    shown.lines().any(|line| line.contains('└') && line.contains('▾'))
}

#[test]
fn every_list_is_gone_through_to_its_last_and_what_is_not_seen_is_counted() {
    let snapshot = many(PHASES).snapshot(70);
    for (width, height) in SIZES {
        for (keys, last) in [
            ("z", "Number 1999 of many"),
            ("tab tab tab tab z", "trigger-59"),
            ("tab tab tab tab tab z", "Role 59 has not voted"),
        ] {
            let mut console = console(std::sync::Arc::clone(&snapshot), width, height);
            press(&mut console, keys);
            let top = text(&screen(&mut console));
            assert!(keys.len() > 13 && keys.len() < 18 || foot(&top), "{width}x{height} {keys}: it looks whole\n{top}");
            press(&mut console, "end");
            let shown = text(&screen(&mut console));
            assert!(shown.contains(last), "{width}x{height} {keys}: {last} in\n{shown}");
            assert!(marked(&mut console), "{width}x{height} {keys}: nothing is selected");
            for key in ["pageup", "pagedown", "up", "home", "down", "end"] {
                press(&mut console, key);
                assert!(marked(&mut console), "{width}x{height} {keys} {key}: the selection is out of sight");
            }
        }
        // The oldest that is at hand says that there were others.
        let mut console = console(std::sync::Arc::clone(&snapshot), width, height);
        press(&mut console, "tab tab tab z home");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("older records: tminus log"), "{shown}");
        assert!(foot(&shown), "{shown}");
        // The last of the streams, and its first line.
        press(&mut console, "z backtab z h");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("Stream 50/50 · Log 49") && shown.contains("line 399 of"), "{shown}");
        assert!(shown.lines().any(|line| line.contains('└') && line.contains('▴')), "{shown}");
        press(&mut console, "home");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("line 0 of"), "{shown}");
        press(&mut console, "down");
        assert!(!text(&screen(&mut console)).contains("line 0 of"), "the way back begins at once");
    }
}

#[test]
fn a_filter_finds_one_among_thousands() {
    let mut console = console(many(PHASES).snapshot(70), 80, 24);
    press(&mut console, "/");
    type_in(&mut console, "1337");
    press(&mut console, "enter");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Number 1337 of many") && !shown.contains("Number 1336"), "{shown}");
    press(&mut console, "esc");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Number 1336"), "it stands among its own again: {shown}");
    press(&mut console, "tab tab tab tab /");
    type_in(&mut console, "m077");
    press(&mut console, "enter");
    let shown = text(&screen(&mut console));
    assert!(shown.contains("Monitor 077") && !shown.contains("Monitor 076"), "{shown}");
    press(&mut console, "esc tab tab tab tab tab /");
}

#[test]
fn every_list_of_an_overlay_is_gone_through_to_its_last() {
    let snapshot = many(PHASES).snapshot(6_900);
    for (width, height) in SIZES {
        for (keys, last, to_the_last) in [
            ("?", "catch-up", "end"),
            ("!", "Way back 39", "end"),
            ("P", "crew-29", "end k k"),
            ("T", "trigger-59", "end"),
            ("F", "fault-59", "end"),
            (": e v i d e n c e enter", "Page 79", "end"),
            ("b", "Playbook 39", "end"),
            ("W", "holds the countdown: odd", "end"),
            (": r e c y c l e enter", "back to T-81m", "end"),
            ("@", "Role 59", &*format!("{}up", "pagedown ".repeat(40))),
            ("c", "T-0", "end"),
        ] {
            let mut console = console(std::sync::Arc::clone(&snapshot), width, height);
            press(&mut console, keys);
            let top = text(&screen(&mut console));
            assert!(console.state().overlay.is_some(), "{keys} opens nothing:\n{top}");
            press(&mut console, to_the_last);
            let shown = text(&screen(&mut console));
            let last = if last == "catch-up" { "After a crash" } else { last };
            let last = if last.starts_with("back to") { "back to T-" } else { last };
            assert!(shown.contains(last), "{width}x{height} {keys}: {last} in\n{shown}");
            assert!(
                top == shown || [&top, &shown].iter().any(|shown| shown.contains('▾') || shown.contains('▴')),
                "{width}x{height} {keys}: it looks whole\n{top}\n{shown}"
            );
            // Back the way one came: the first step moves.
            if ["?", "c"].contains(&keys) && top != shown {
                press(&mut console, "up");
                assert_ne!(text(&screen(&mut console)), shown, "{width}x{height} {keys}: up from the end");
            }
        }
    }
}

/// Every text of the plan that a person wrote, as long as a page.
fn wordy() -> Story {
    let mut plan = plan();
    let long = |name: &str| format!("{name} {}LAST", "words and words and more words ".repeat(60));
    plan.title = long("TITLE");
    plan.phases.iter_mut().for_each(|known| known.title = long("PHASE"));
    for item in plan.items.values_mut() {
        (item.title, item.why) = (long("ITEM"), long("WHY"));
        item.expects = (0..40).map(|n| long(&format!("EXPECT{n}"))).collect();
    }
    plan.monitors.iter_mut().for_each(|known| known.title = long("MONITOR"));
    plan.roles.iter_mut().for_each(|known| known.title = long("ROLE"));
    for rollback in &mut plan.rollbacks {
        rollback.title = long("WAYBACK");
        rollback.steps.iter_mut().for_each(|step| (step.title, step.by_hand) = (long("STEP"), long("HAND")));
    }
    let branch = |n: usize| tminus::launch::plan::Branch { id: format!("branch{n:02}"), title: long("BRANCH") };
    plan.items.get_mut(&"sign".into()).expect("there").act =
        Act::Choice { options: (0..30).map(branch).collect(), role: None };
    let mut story = Story::of(plan, Mode::Launch);
    story.records = super::under_way(Mode::Launch).records;
    story
}

#[test]
fn a_text_of_a_page_hides_neither_the_field_nor_the_keys_and_is_cut_with_a_mark() {
    for (width, height) in SIZES {
        for keys in [
            "end k k k k space",
            "j j j j j j w",
            "end k k r",
            "end k k k r",
            "v",
            "v tab",
            "! 1",
            "! 2",
            "W",
            "p",
            "q",
            "n",
        ] {
            let mut console = console(wordy().snapshot(1810), width, height);
            press(&mut console, keys);
            let shown = text(&screen(&mut console));
            assert!(console.state().overlay.is_some(), "{keys}: {shown}");
            let typed = keys == "! 2";
            assert!(
                shown.contains(" Enter ") && (typed || shown.contains(" Esc ")),
                "{width}x{height} {keys}: its keys\n{shown}"
            );
            let field = ["space", "w", "v", "v tab", "p", "n", "! 2"].iter().any(|end| keys.ends_with(end))
                || keys == "end k k r";
            assert!(!field || shown.contains("> "), "{width}x{height} {keys}: its field\n{shown}");
            assert!(
                !shown.contains("words and words") || shown.contains('…') || shown.contains("LAST"),
                "{width}x{height} {keys}: cut without a mark\n{shown}"
            );
        }
        // And where there is nothing but ASCII, the marks are too.
        let terminal = ratatui::Terminal::new(TestBackend::new(width, height)).expect("a buffer");
        let ascii = super::setup(tminus::ui::theme::Theme::new(false, true));
        let mut plain = Console::new(terminal, ascii, wordy().snapshot(1810));
        for keys in ["tab", "tab", "tab", "tab", "tab", "z", "!", "1", "esc", "W", "esc", "i x x x enter", "esc", "?"] {
            press(&mut plain, keys);
            let shown = text(&screen(&mut plain));
            assert!(shown.is_ascii(), "{width}x{height} {keys}:\n{shown}");
        }
        let mut console = console(wordy().snapshot(1810), width, height);
        // A line that begins something long says that it goes on, or the next one does.
        for name in ["TITLE", "PHASE", "ITEM", "MONITOR"] {
            let shown = text(&screen(&mut console));
            for (at, line) in shown.lines().enumerate().filter(|(_, line)| line.contains(name)) {
                let goes_on =
                    line.contains('…') || shown.lines().skip(at + 1).take(1).any(|next| next.contains("words"));
                assert!(goes_on, "{width}x{height}: {name} in\n{line}\nof\n{shown}");
            }
        }
        // All of the longest detail can be read.
        press(&mut console, "end k k k tab z end");
        let shown = text(&screen(&mut console));
        assert!(shown.contains("EXPECT39") || shown.contains("LAST"), "{width}x{height}\n{shown}");
        press(&mut console, "up");
        assert_ne!(text(&screen(&mut console)), shown, "the way back begins at once");
    }
}

#[test]
fn what_is_to_be_done_by_hand_can_be_read_to_its_end() {
    use tminus::launch::event::{RollbackEnd, RollbackFact};
    let by_hand: String = (0..90).map(|n| format!("sentence {n} of what to do. ")).collect();
    let end = RollbackEnd::FailedAtStep { step: "frontend/redeploy".into(), why: "exit 3".into(), by_hand };
    let mut facts = super::step("frontend/redeploy", 3).to_vec();
    facts.push(RollbackFact::Ended { end, took: Duration::from_secs(12) });
    let story = super::rolled(facts);
    for (width, height) in [(60, 16), (80, 24), (120, 36)] {
        let mut console = console(super::rolled(Vec::new()).snapshot(1821), width, height);
        press(&mut console, "!");
        console.take(story.snapshot(1840));
        let mut read = text(&screen(&mut console));
        for _ in 0..60 {
            press(&mut console, "down");
            let shown = text(&screen(&mut console));
            assert!(shown.contains("FAILED AT STEP 1"), "{width}x{height}: the end stays in sight\n{shown}");
            read.push_str(&shown);
        }
        // Wherever a line was broken.
        let read = read.replace(['\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        for wanted in ["sentence 0 of", "sentence 45 of", "sentence 89 of", "Purge the edge"] {
            assert!(read.contains(wanted), "{width}x{height}: {wanted}");
        }
    }
}

/// What a frame costs this thread, in the mean of a few.
fn cost(story: &Story, keys: &str, (width, height): (u16, u16)) -> Duration {
    let mut console = console(story.snapshot(70), width, height);
    press(&mut console, keys);
    let spent = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.try_into().expect("not negative"), now.tv_nsec.try_into().expect("not negative"))
    };
    let from = spent();
    for _ in 0..5 {
        console.draw().expect("a buffer");
    }
    (spent() - from) / 5
}

/// Thread time, whatever else the machine does. Unoptimised, as tests are: the program itself takes a fraction.
#[test]
fn a_frame_costs_little_and_grows_no_faster_than_the_plan() {
    let (whole, half) = (many(PHASES), many(PHASES / 2));
    for (keys, size) in [
        ("", (120, 36)),
        ("", (80, 24)),
        ("end", (250, 70)),
        ("tab tab tab tab z", (120, 36)),
        ("W", (120, 36)),
        ("?", (80, 24)),
    ] {
        let (all, part) = (cost(&whole, keys, size), cost(&half, keys, size));
        assert!(all < Duration::from_millis(150), "{keys} at {size:?}: {all:?} a frame");
        // Twice as many items are at most thrice the work, with some for what does not grow.
        assert!(all < part * 3 + Duration::from_millis(5), "{keys} at {size:?}: {part:?} with half, {all:?} with all");
    }
}
