//! How it looks, whatever the terminal and the text: every theme, every border whatever is written inside it, the
//! way out to the shell and back.

use proptest::prelude::*;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};
use tminus::launch::plan::Plan;
use tminus::launch::port::Snapshot;
use tminus::launch::time::{Instant, Now};
use tminus::ui::frame::{self, Drawn};
use tminus::ui::keymap::Keymap;
use tminus::ui::look::Terminal as Asks;
use tminus::ui::state::{State, View};
use tminus::ui::theme::{Depth, Palette, Role};
use tminus::ui::{Input as Came, Out, overlays};

use super::console::wall;
use super::*;

#[test]
fn every_theme_is_as_it_was_chosen() {
    let mut out = String::new();
    for (word, palette) in Palette::WORDS.into_iter().zip(Palette::ALL) {
        for depth in [Depth::Sixteen, Depth::Indexed] {
            out.push_str(&format!("{word}, {depth:?}\n"));
            for role in Role::ALL {
                let style = Theme::of(palette, depth, false).style(role);
                let colour = |colour: Option<_>| colour.map_or("-".to_owned(), |colour| format!("{colour:?}"));
                let (fg, bg) = (colour(style.fg), colour(style.bg));
                out.push_str(&format!("  {:<8} {fg} on {bg} {:?}\n", format!("{role:?}"), style.add_modifier));
            }
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots/screens" }, {
        insta::assert_snapshot!("themes", out);
    });
}

#[test]
fn ascii_without_colour_says_the_same() {
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let theme = Theme::new(false, true);
    let mut console = Console::new(terminal, setup(theme), under_way(Mode::Launch).snapshot(1810));
    let shown = text(&screen(&mut console));
    assert!(shown.is_ascii(), "{shown}");
    for part in ["pass 2/2", "x The smoke account", "NO-GO", "ROLLBACK"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

/// Texts as people, machines and accidents write them.
fn written() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("配信を開始する".to_owned()),
        Just("👩\u{200d}🚀👨\u{200d}👩\u{200d}👧".to_owned()),
        Just("🇩🇪🇯🇵🏴\u{e0067}\u{e0062}\u{e007f}".to_owned()),
        Just("👍🏽👋🏿".to_owned()),
        Just("❤\u{fe0f}☎\u{fe0e}1\u{fe0f}\u{20e3}".to_owned()),
        Just("e\u{301}\u{302}\u{303}Z\u{335}\u{327}\u{32e}".to_owned()),
        Just("\u{301}\u{200b}\u{ad}".to_owned()),
        Just("שלום \u{202e}evil\u{202c} مرحبا لا \u{2067}x\u{2069}".to_owned()),
        Just("Ã©â€œdÃ©jÃ  vuâ€\u{9d} Ð¿Ñ€Ð¸Ð²ÐµÑ‚ \u{fffd}".to_owned()),
        Just("\u{1b}[2J\u{1b}]52;c;AAAA\u{7}\u{9b}31m\u{1b}[38;5;1m\r\n\u{8}\t\u{0}".to_owned()),
        Just("│┌┐└┘─".to_owned()),
        Just("ｶﾞｷﾟ ﷽ क्ष্ ᄒ\u{1161}\u{11ab}".to_owned()),
        Just("plain words".to_owned()),
        Just("x".repeat(400)),
        "\\PC{0,30}",
    ];
    // The emulator that is asked below shows nothing for U+FFFD, which every terminal gives a column.
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.join(" ").replace('\u{fffd}', "?"))
}

/// A launch under way in which this stands wherever somebody outside writes something.
fn titled(text: &str) -> Story {
    let mut plan: Plan = console::plan();
    let text = || text.to_owned();
    (plan.title, plan.environment) = (text(), text());
    plan.phases.iter_mut().for_each(|known| known.title = text());
    for item in plan.items.values_mut() {
        (item.title, item.why, item.expects) = (text(), text(), vec![text(), text()]);
    }
    plan.monitors.iter_mut().for_each(|known| known.title = text());
    plan.streams.iter_mut().for_each(|known| known.title = text());
    plan.roles.iter_mut().for_each(|known| (known.title, known.people) = (text(), vec![text()]));
    plan.clock.holds.iter_mut().for_each(|known| known.title = text());
    for rollback in &mut plan.rollbacks {
        rollback.title = text();
        rollback.steps.iter_mut().for_each(|step| (step.title, step.by_hand) = (text(), text()));
        rollback.verify.iter_mut().for_each(|check| check.title = text());
    }
    let mut story = console::under_way_of(plan, Mode::Launch);
    let mut finding = Finding::held(text(), text(), text(), false);
    finding.row = Some(text());
    story.check("health", 1805, Report::of(vec![finding], Duration::ZERO));
    story.person(1806, Event::noted(text()));
    story.person(1806, Event::HoldCalled { who: text(), why: text() });
    story.live.monitors.values_mut().for_each(|known| known.last_error = Some(text()));
    for known in story.live.streams.values_mut() {
        known.last_error = Some(text());
        known.lines.iter_mut().for_each(|line| (line.tag, line.text) = (text(), text()));
    }
    story.alarm = Some(text());
    story
}

/// A state and all that a frame of it needs.
struct Scene {
    state: State,
    snapshot: std::sync::Arc<Snapshot>,
    theme: Theme,
    keymap: Keymap,
}

impl Scene {
    fn view(&self) -> View<'_> {
        View {
            snapshot: &self.snapshot,
            now: Now { instant: Instant(1_810_000), wall: wall(1810) },
            wall: wall(1810),
            theme: &self.theme,
            keymap: &self.keymap,
            operator: "ana",
            role: None,
            acting: false,
            offset: chrono::FixedOffset::east_opt(7200).expect("an offset"),
            silent: None,
        }
    }

    /// The frame inside a margin that nothing may be drawn into.
    fn drawn(&self, width: u16, height: u16) -> (Drawn, Buffer) {
        let area = Rect::new(3, 2, width, height);
        let mut buf = Buffer::filled(Rect::new(0, 0, width + 6, height + 4), ratatui::buffer::Cell::new("#"));
        for position in area.positions() {
            buf[position].reset();
        }
        let drawn = frame::draw(&self.state, &self.view(), area, &mut buf);
        for position in buf.area.positions().filter(|position| !area.contains(*position)) {
            assert_eq!(buf[position].symbol(), "#", "outside its area at {position}");
        }
        (drawn, buf)
    }

    /// What lies over the panes, alone: its frame.
    fn sheet(&self, body: Rect, whole: Rect) -> Rect {
        let mut buf = Buffer::empty(whole);
        overlays::draw(&self.state, &self.view(), body, &mut buf);
        let taken = whole.positions().filter(|position| buf[*position].symbol() != " ");
        let sheet = taken.map(|position| Rect::new(position.x, position.y, 1, 1)).reduce(Rect::union);
        let sheet = sheet.expect("a sheet");
        whole_frame(&buf, sheet, "a sheet");
        sheet
    }
}

/// The cells of a frame's border, with what must stand there; of the top edge its corners, as a title is in it.
fn border(area: Rect) -> impl Iterator<Item = (u16, u16, &'static str)> {
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    let corners = [(left, top, "┌"), (right, top, "┐"), (left, bottom, "└"), (right, bottom, "┘")];
    let sides = (top + 1..bottom).flat_map(move |y| [(left, y, "│"), (right, y, "│")]);
    let foot = (left + 1..right).map(move |x| (x, bottom, "─"));
    corners.into_iter().chain(sides).chain(foot)
}

/// Whether a cell of a frame is as it should be: at the foot it may say how much there is beyond it.
fn is_frame(there: &str, wanted: &str) -> bool {
    let marks = wanted == "─" && there.chars().all(|c| c.is_ascii_digit() || matches!(c, '▴' | '▾' | ' '));
    there == wanted || (marks && !there.is_empty())
}

fn whole_frame(buf: &Buffer, area: Rect, what: &str) {
    for (x, y, wanted) in border(area) {
        let there = buf[(x, y)].symbol();
        assert!(is_frame(there, wanted), "{there}, not {wanted}: {what} at {x},{y} of {area}:\n{}", text(buf));
    }
}

/// The frame as a terminal shows it that counts the columns of every character by itself.
fn on_a_terminal(scene: &Scene, width: u16, height: u16) -> (Drawn, vt100::Parser) {
    let area = Rect::new(0, 0, width, height);
    let mut out = Vec::new();
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(&mut out), options).expect("a vector");
    let mut drawn = Drawn::default();
    terminal
        .draw(|frame| drawn = frame::draw(&scene.state, &scene.view(), area, frame.buffer_mut()))
        .expect("a vector");
    drop(terminal);
    let lines = |count| std::num::NonZeroU16::new(count).expect("not zero");
    let mut screen = vt100::Parser::new(lines(height), lines(width), 0);
    screen.process(&out);
    (drawn, screen)
}

/// Keys that bring every pane and every overlay.
const SCENES: [&str; 31] = [
    "",
    "z",
    "tab z",
    "tab tab z",
    "tab tab tab z",
    "tab tab tab tab z",
    "tab tab tab tab tab z",
    "i esc tab z",
    "?",
    ":",
    "p",
    "P",
    "v",
    "n",
    "c",
    "t",
    "T",
    "b",
    "i",
    "@",
    "!",
    "! 1",
    "! 2",
    "end k k r",
    "end k k k r",
    "end k k k k space",
    "j j j j j j w",
    "q",
    "ctrl-z",
    "j j j j j j enter",
    "/",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_border_at_any_size(text in written(), width in 60_u16..=250, height in 16_u16..=70, scene in 0..SCENES.len()) {
        let snapshot = titled(&text).snapshot(1810);
        // The one scene that was drawn, and a few more with the same text.
        for keys in SCENES.iter().cycle().skip(scene).step_by(5).take(7) {
            let mut console = console(std::sync::Arc::clone(&snapshot), width, height);
            press(&mut console, keys);
            let state = console.state().clone();
            let snapshot = std::sync::Arc::clone(&snapshot);
            let scene = Scene { state, snapshot, theme: Theme::default(), keymap: Keymap::default() };
            let (drawn, buf) = scene.drawn(width, height);
            let body = drawn.panes.iter().map(|(_, area)| *area).reduce(Rect::union).expect("panes");
            let over = scene.state.overlay.is_some().then(|| scene.sheet(body, buf.area));
            for (pane, area) in &drawn.panes {
                let seen = |x, y| over.is_none_or(|over| !over.contains((x, y).into()));
                for (x, y, wanted) in border(*area).filter(|(x, y, _)| seen(*x, *y)) {
                    let there = buf[(x, y)].symbol();
                    prop_assert!(is_frame(there, wanted), "{}, not {}: {:?} at {},{} after {}:\n{}", there, wanted, pane, x, y, keys, console::text(&buf));
                }
            }
            if let Some(over) = over {
                whole_frame(&buf, over, keys);
            }
            let (shown, screen) = on_a_terminal(&scene, width, height);
            let panes = shown.panes.iter().map(|(_, area)| *area);
            let moved = over.map(|over| Rect { x: over.x - 3, y: over.y - 2, ..over });
            for area in panes.chain(moved) {
                let seen = |x, y| moved.is_none_or(|over| over == area || !over.contains((x, y).into()));
                for (x, y, wanted) in border(area).filter(|(x, y, _)| seen(*x, *y)) {
                    let there = screen.screen().cell(y, x).map(|cell| cell.contents().to_owned()).unwrap_or_default();
                    prop_assert!(is_frame(&there, wanted), "{}, not {}: at {},{} after {}:\n{}", there, wanted, x, y, keys, screen.screen().contents());
                }
            }
        }
    }
}

#[test]
fn the_cursor_stands_behind_what_was_typed_whatever_it_is() {
    for (typed, columns) in
        [("abc", 3), ("配信", 4), ("🇩🇪", 2), ("👍🏽", 2), ("👩\u{200d}🚀", 5), ("e\u{301}x", 2), ("", 0)]
    {
        let mut console = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
        press(&mut console, "n");
        let empty = console.terminal().backend_mut().cursor_position();
        type_in(&mut console, typed);
        let cursor = console.terminal().backend_mut().cursor_position();
        assert_eq!((cursor.x - empty.x, cursor.y), (columns, empty.y), "{typed}");
    }
}

/// A console in its loop, with what comes at its milliseconds; what went to the terminal, and what was asked.
async fn outside(came: Vec<(u64, Came)>, asks: Asks) -> (Console<TestBackend>, Vec<String>, Vec<Command>) {
    let _ = boot();
    let story = under_way(Mode::Launch);
    let (_told, watched) = watch::channel(story.snapshot(1810));
    let (to, mut asked) = mpsc::channel::<tminus::launch::port::Ask>(8);
    let mut port = Port { snapshots: watched, asks: to, by_files: None, wishes: None };
    let terminal = Terminal::new(TestBackend::new(120, 36)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, terminal: asks, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, story.snapshot(1810));
    let begun = tokio::time::Instant::now();
    let came = Box::pin(stream::unfold(came.into_iter(), move |mut came| async move {
        let (at, input) = came.next()?;
        tokio::time::sleep_until(begun + Duration::from_millis(at)).await;
        Some((Ok(input), came))
    }));
    let came = futures_util::StreamExt::chain(came, stream::pending());
    let engine = async {
        let mut commands = Vec::new();
        while let Some(ask) = asked.recv().await {
            commands.push(ask.command);
            let _ = ask.reply.send(Ok(()));
        }
        commands
    };
    let signal = async {
        tokio::time::sleep_until(begun + Duration::from_secs(90)).await;
        15
    };
    let mut out = Vec::new();
    let put = |what: Out<'_>| {
        out.push(format!("{what:?}"));
        Ok(())
    };
    let driving = async {
        drive(&mut console, &mut port, came, signal, put).await.expect("a buffer");
        drop(port);
    };
    let ((), commands) = tokio::join!(driving, engine);
    (console, out, commands)
}

fn pressed(at: u64, code: KeyCode, modifiers: KeyModifiers) -> (u64, Came) {
    (at, Came::from(Input::Key(KeyEvent::new(code, modifiers))))
}

#[tokio::test(start_paused = true)]
async fn suspending_asks_is_recorded_gives_the_terminal_back_and_takes_it_again() {
    let keys = vec![
        pressed(100, KeyCode::Char('z'), KeyModifiers::CONTROL),
        pressed(200, KeyCode::Char('y'), KeyModifiers::NONE),
        // Typed at the shell, were it not stopped.
        pressed(250, KeyCode::Char('p'), KeyModifiers::NONE),
        (400, Came::Continued),
    ];
    let (mut console, out, commands) = outside(keys, Asks::default()).await;
    let suspends = out.iter().filter(|what| what.contains("Suspend")).count();
    assert_eq!((suspends, out.last().map(String::as_str)), (1, Some("Again")), "{out:?}");
    assert!(matches!(&commands[..], [Command::Note { .. }]), "{commands:?}");
    let shown = text(&screen(&mut console));
    assert!(!shown.contains("Hold the countdown"), "{shown}");
    assert!(shown.contains("back after 0:00, in which nothing was watched"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_console_that_nobody_stops_says_so_and_goes_on() {
    let keys = vec![
        pressed(100, KeyCode::Char('z'), KeyModifiers::CONTROL),
        pressed(200, KeyCode::Char('y'), KeyModifiers::NONE),
    ];
    let (mut console, out, _) = outside(keys, Asks::default()).await;
    assert_eq!(out.last().map(String::as_str), Some("Again"), "{out:?}");
    assert!(text(&screen(&mut console)).contains("not suspended: no shell waits"), "{}", text(&screen(&mut console)));
}

#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_from_outside_comes_back_to_a_whole_screen_that_says_so() {
    let (mut console, out, commands) = outside(vec![(10_000, Came::Continued)], Asks::default()).await;
    assert_eq!((out, commands), (vec!["Again".to_owned()], Vec::new()));
    let shown = text(&screen(&mut console));
    assert!(shown.contains("nothing was watched from here: c tells what happened"), "{shown}");
    assert!(shown.contains("STANDS STILL"), "{shown}");
}

#[test]
fn the_question_before_it_says_what_stops() {
    looked("suspend", &under_way(Mode::Launch), 1810, "ctrl-z");
    let mut story = under_way(Mode::Launch);
    story.seat = tminus::launch::port::Seat::Attached { heard: true };
    let mut console = console(story.snapshot(1810), 80, 24);
    assert_eq!(press(&mut console, "ctrl-z"), Some(Effect::Suspend { note: None }), "it only reads");
}

#[tokio::test(start_paused = true)]
async fn what_rings_is_told_to_the_desktop_once() {
    let _ = boot();
    let mut story = under_way(Mode::Launch);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, story.snapshot(1810));
    assert!(!console.rings(), "what happened before is no news");
    let title = "logins \u{1b}]9;fail".to_owned();
    let opened = Event::IncidentOpened { incident: 1, title, severity: None, detected_by: "ana".into() };
    story.person(1811, opened);
    console.take(story.snapshot(1812));
    assert!(console.rings());
    let (title, told) = console.notice().expect("news");
    assert!(title == "OmniAI v1.0" && told.contains("logins"), "{title}: {told}");
    assert!(!console.rings(), "once");
    // It wants a key: the bell rings on every minute, and the desktop is told no more.
    story.at(1813, Event::IncidentRang { incident: 1, due: tminus::launch::incident::Due::Triage });
    console.take(story.snapshot(1813));
    assert!(console.rings() && console.notice().is_some());
    tokio::time::advance(Duration::from_secs(61)).await;
    console.take(story.snapshot(1874));
    assert!(console.rings());
    assert_eq!(console.notice(), None);
}
