//! The console as it is seen: every pane and dialog at the sizes people have, with the role of every run
//! of text, and the promises about keys, selection and outside text.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

#[path = "screens/amend.rs"]
mod amend;
#[path = "screens/approval.rs"]
mod approval;
#[path = "screens/attached.rs"]
mod attached;
mod console;
#[path = "countdown_screens.rs"]
mod countdown_screens;
#[path = "screens/crew.rs"]
mod crew;
#[path = "crew/screens.rs"]
mod crew_screens;
#[path = "screens/every.rs"]
mod every;
#[path = "screens/faults.rs"]
mod faults;
#[path = "screens/fields.rs"]
mod fields;
#[path = "incident_screens.rs"]
mod incident_screens;
#[path = "screens/keys.rs"]
mod keys;
#[path = "screens/look.rs"]
mod look;
#[path = "screens/many.rs"]
mod many;
#[path = "screens/monkey.rs"]
mod monkey;
#[path = "screens/mouse.rs"]
mod mouse;
#[path = "screens/playbooks.rs"]
mod playbooks;
#[path = "screens/polls.rs"]
mod polls;
#[path = "screens/ready.rs"]
mod ready;
#[path = "recovery_screens.rs"]
mod recovery_screens;
#[path = "screens/replay.rs"]
mod replay;
#[path = "screens/seen.rs"]
mod seen_of;
#[path = "screens/silent.rs"]
mod silent;
#[path = "screens/soak.rs"]
mod soak;
#[path = "screens/triggers.rs"]
mod triggers;
#[path = "screens/walked.rs"]
mod walked;
#[path = "screens/watched.rs"]
mod watched;
#[path = "screens/why.rs"]
mod why;

use std::{cell::Cell, time::Duration};

use console::{
    SIZES, Story, console, crashed, live, looked, outcome, press, screen, seen, setup, text, type_in, under_way,
};
use futures_util::stream;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event as Input, KeyCode, KeyEvent};
use tminus::launch::command::{Command, Refusal};
use tminus::launch::countdown::Passage;
use tminus::launch::event::{Event, Mode, RollbackEnd, RollbackFact, Vote};
use tminus::launch::id::Attempt;
use tminus::launch::port::Port;
use tminus::launch::time::Mark;
use tminus::launch::verdict::{Finding, Report, Verdict};
use tminus::ui::action::{Action, Entry, TABLE};
use tminus::ui::state::{Effect, Pane};
use tminus::ui::theme::Theme;
use tminus::ui::{Console, Leave, drive};
use tokio::sync::{mpsc, watch};

#[test]
fn a_launch_under_way() {
    looked("under_way", &under_way(Mode::Launch), 1810, "j j j j j j");
}

#[test]
fn a_rehearsal_is_stamped_and_so_are_its_scripted_votes() {
    let story = under_way(Mode::Rehearsal);
    looked("rehearsal", &story, 1810, "g");
    for (width, height) in [(120, 36), (80, 24), (50, 12)] {
        let mut console = console(story.snapshot(1810), width, height);
        assert!(text(&screen(&mut console)).contains(" REHEARSAL "), "{width}x{height}");
    }
}

#[test]
fn every_pane_zoomed() {
    let story = under_way(Mode::Launch);
    for (at, pane) in Pane::ALL.into_iter().enumerate() {
        // The incidents' is passed by while there are none; by its name it is found all the same.
        let there = if pane == Pane::Incidents { ": i n c i d e n t s enter".into() } else { "tab ".repeat(at) };
        for (width, height) in SIZES {
            let mut console = console(story.snapshot(1810), width, height);
            press(&mut console, &format!("j j j j j j {there} z"));
            assert_eq!(console.state().focus, pane);
            seen(&format!("zoomed_{}", pane.title().to_lowercase()), &mut console);
        }
    }
}

#[test]
fn every_dialog() {
    let story = under_way(Mode::Launch);
    for (name, keys) in [
        ("help", "?"),
        ("palette", ": r o l"),
        ("hold", "p"),
        ("vote", "v tab"),
        ("attest", "end k k k k space"),
        ("waive", "j j j j j j j w"),
        ("run_key", "end k k k r"),
        ("run_typed", "end k k r"),
        ("quit", "q"),
        ("rollback_choose", "!"),
        ("rollback_confirm", "! 1"),
        ("rollback_typed", "! 2 d a t"),
    ] {
        looked(name, &story, 1810, keys);
    }
}

fn rolled(facts: Vec<RollbackFact>) -> Story {
    let mut story = under_way(Mode::Launch);
    let why = "called by ana".to_owned();
    story.person(1820, Event::RollbackRequested { rollback: "frontend".into(), run: 1, why });
    for (second, fact) in (1821..).zip(facts) {
        story.at(second, Event::RollbackTold { run: 1, fact });
    }
    story
}

fn step(name: &str, exit: i32) -> [RollbackFact; 2] {
    let verdict = if exit == 0 { Verdict::Pass } else { Verdict::Fail };
    let step: tminus::launch::id::ItemId = name.into();
    [
        RollbackFact::StepStarted { step: step.clone() },
        RollbackFact::StepEnded { step, verdict, outcome: outcome(exit) },
    ]
}

fn ended(end: RollbackEnd) -> RollbackFact {
    RollbackFact::Ended { end, took: Duration::from_secs(12) }
}

#[test]
fn a_rollback_running_and_its_three_endings() {
    let version = |holds| {
        let finding = Finding::held(".version == $previous", "v0.9.4", if holds { "v0.9.4" } else { "v1.0.0" }, holds);
        let report = Report::of(vec![finding], Duration::from_millis(9));
        RollbackFact::Verified { check: "frontend/version".into(), report }
    };
    let both = || [step("frontend/redeploy", 0), step("frontend/purge", 0)].concat();
    let mut running = step("frontend/redeploy", 0).to_vec();
    running.push(RollbackFact::StepStarted { step: "frontend/purge".into() });
    let mut failed = step("frontend/redeploy", 3).to_vec();
    failed.push(ended(RollbackEnd::FailedAtStep {
        step: "frontend/redeploy".into(),
        why: "exit 3".into(),
        by_hand: "scale the old deployment up and shift the traffic".into(),
    }));
    let verified = [both(), vec![version(true), ended(RollbackEnd::Verified)]].concat();
    let not = RollbackEnd::NotVerified { checks: vec!["frontend/version".into()] };
    let not_verified = [both(), vec![version(false), ended(not)]].concat();
    looked("rollback_running", &rolled(running), 1840, "!");
    for (name, facts) in [("verified", verified), ("not_verified", not_verified), ("failed", failed)] {
        let story = rolled(facts);
        for (width, height) in SIZES {
            let mut console = console(rolled(Vec::new()).snapshot(1821), width, height);
            press(&mut console, "!");
            console.take(story.snapshot(1840));
            seen(&format!("rollback_{name}"), &mut console);
        }
    }
}

#[test]
fn holds_are_told_with_their_reasons_and_released() {
    let mut story = under_way(Mode::Launch);
    story.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd latency".into() });
    looked("holding", &story, 1810, "P");
    let mut console = console(story.snapshot(1810), 80, 24);
    let released = press(&mut console, "P enter");
    assert_eq!(released, Some(Effect::Ask(Command::ReleaseHold { who: "ana".into() })));
}

#[test]
fn emergencies_are_banded() {
    let mut story = under_way(Mode::Launch);
    story.alarm = Some("the journal cannot be written: disk full".into());
    looked("alarm", &story, 1810, "");
    let mut story = under_way(Mode::Launch);
    story.person(1805, Event::CutOff { why: "engine 3".into() });
    let mut console = console(story.snapshot(1810), 120, 36);
    assert!(text(&screen(&mut console)).contains("CUT OFF short of T-0"));
}

#[test]
fn after_liftoff_hold_means_freeze() {
    let mut story = Story::opened(Mode::Launch);
    story.at(7_200 - 600, Event::Passed(Passage::Held(Mark(600_000))));
    story.person(7_200, Event::Resumed);
    story.at(7_800, Event::Passed(Passage::Liftoff));
    let mut console = console(story.snapshot(7_805), 120, 36);
    assert!(text(&screen(&mut console)).contains("T+00:00:05"), "{}", text(&screen(&mut console)));
    press(&mut console, "p");
    type_in(&mut console, "errors");
    assert_eq!(press(&mut console, "enter"), Some(Effect::Ask(Command::Freeze { why: "errors".into() })));
}

#[test]
fn too_small_still_has_countdown_verdict_rollback_and_advice() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 50, 12);
    seen("too_small", &mut console);
    let shown = text(&screen(&mut console));
    for part in ["T-01:29:50", "NO-GO", "! ROLLBACK", "enlarge the terminal to 60x16"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    press(&mut console, "! 1");
    assert!(text(&screen(&mut console)).contains("START IT"));
    let started = press(&mut console, "enter");
    assert!(matches!(started, Some(Effect::Ask(Command::Rollback { .. }))), "{started:?}");
}

#[test]
fn any_size_can_be_drawn() {
    let story = under_way(Mode::Launch);
    for (width, height) in [(1, 1), (2, 40), (59, 16), (60, 15), (60, 16), (61, 17), (300, 16), (60, 90), (250, 70)] {
        for keys in ["", "?", "!", "! 1", "! 2", ":", "p", "v", "z tab z"] {
            let mut console = console(story.snapshot(1810), width, height);
            press(&mut console, keys);
        }
    }
}

#[test]
fn the_selection_survives_updates_and_resizes() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 120, 36);
    press(&mut console, "j j j j j j");
    assert!(text(&screen(&mut console)).contains("┌ login ─"));
    console.terminal().backend_mut().resize(80, 24);
    assert!(text(&screen(&mut console)).contains("┌ login ─"));
    let mut story = under_way(Mode::Launch);
    // A report with more rows above the selection moves its line.
    let rows = (0..9).map(|n| Finding::held("preflight", "2xx", "204", true).in_row(format!("https://{n}.example")));
    story.check("preflight", 1811, Report::of(rows.collect(), Duration::ZERO));
    console.take(story.snapshot(1812));
    console.terminal().backend_mut().resize(130, 40);
    assert!(text(&screen(&mut console)).contains("┌ login ─"));
}

#[test]
fn outside_text_cannot_steer_the_terminal() {
    let nasty = "\u{1b}]52;c;AAAA\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{0}\r\n\u{8}x";
    let mut story = under_way(Mode::Launch);
    let mut finding = Finding::held(nasty, nasty, nasty, false);
    finding.row = Some(nasty.into());
    let mut report = Report::of(vec![finding], Duration::ZERO);
    report.exchange = Some(tminus::launch::verdict::Exchange {
        request: nasty.into(),
        response_headers: vec![(nasty.into(), nasty.into())],
        response_body: nasty.into(),
        ..Default::default()
    });
    story.check("health", 1805, report);
    story.at(1806, Event::ItemBlocked { item: "warm".into(), by: nasty.into() });
    story.person(
        1806,
        Event::Voted { poll: None, role: "lead".into(), vote: Vote::NoGo { reason: nasty.into() }, bound: None },
    );
    story.person(1806, Event::HoldCalled { who: nasty.into(), why: nasty.into() });
    for view in story.live.monitors.values_mut() {
        view.last_error = Some(nasty.into());
    }
    for view in story.live.streams.values_mut() {
        view.last_error = Some(nasty.into());
        for line in &mut view.lines {
            (line.tag, line.text) = (nasty.into(), nasty.into());
        }
    }
    story.alarm = Some(nasty.into());
    for (width, height) in [(120, 36), (80, 24), (50, 12)] {
        let mut console = console(story.snapshot(1810), width, height);
        press(&mut console, "j");
        console.answer(Err(Refusal(nasty.into())));
        for keys in ["", "tab", "tab", "tab", "tab", "tab", "P"] {
            press(&mut console, keys);
            let shown = text(&screen(&mut console));
            assert!(!["]52;", "[2J", "31m"].iter().any(|rest| shown.contains(rest)), "{shown}");
            for cell in screen(&mut console).content() {
                let steers = |c: char| c.is_control() || c == '\u{202e}';
                assert!(!cell.symbol().chars().any(steers), "{:?} at {width}x{height} after {keys}", cell.symbol());
            }
        }
    }
}

/// What can be told of a console: its state without the page's length.
fn told(console: &Console<TestBackend>) -> String {
    format!("{:?}", console.state())
}

#[test]
fn keys_become_commands() {
    let story = under_way(Mode::Launch);
    for (keys, typed, then, command) in [
        ("j r", "", "", Command::RunItem { item: "health".into() }),
        ("R", "", "", Command::RunPhase { phase: "gate-a".into() }),
        ("end k k r", "", "y", Command::RunItem { item: "drop".into() }),
        ("n", "ready", "enter", Command::note("ready")),
        ("p", "slow", "enter", Command::CallHold { why: "slow".into() }),
        ("v", "", "enter", Command::Vote { poll: None, role: "security".into(), vote: Vote::Go }),
        (
            "v tab",
            "no",
            "enter",
            Command::Vote { poll: None, role: "security".into(), vote: Vote::NoGo { reason: "no".into() } },
        ),
        ("end k k k k space", "ok", "enter", Command::Attest { item: "sign".into(), note: "ok".into(), passed: true }),
        (
            "end k k k k space tab",
            "",
            "enter",
            Command::Attest { item: "sign".into(), note: String::new(), passed: false },
        ),
        (
            "j j j j j j w",
            "known",
            "enter",
            Command::Waive { item: "login".into(), reason: "known".into(), lasts: Duration::from_secs(86_400) },
        ),
        ("j j j j j j a", "", "", Command::Acknowledge { item: "login".into() }),
        ("j j j j j j j x", "", "", Command::Cancel { item: "stream".into() }),
        ("! 1", "", "enter", Command::Rollback { rollback: "frontend".into(), why: "called by ana".into() }),
        ("n f12 1", "", "y", Command::Rollback { rollback: "frontend".into(), why: "called by ana".into() }),
        ("! 2", "database", "enter", Command::Rollback { rollback: "database".into(), why: "called by ana".into() }),
    ] {
        let mut console = console(story.snapshot(1810), 80, 24);
        let mut effect = press(&mut console, keys);
        type_in(&mut console, typed);
        if !then.is_empty() {
            effect = press(&mut console, then);
        }
        // An item whose plan wants its id typed asks for it instead.
        if matches!(&command, Command::RunItem { item } if item.as_str() == "drop") {
            assert_eq!(effect, None, "{keys}: one key must not run it");
            continue;
        }
        assert_eq!(effect, Some(Effect::Ask(command)), "{keys} {typed} {then}");
    }
}

#[test]
fn a_wrong_word_starts_no_rollback_and_a_paste_presses_no_key() {
    let mut console = console(under_way(Mode::Launch).snapshot(1810), 80, 24);
    press(&mut console, "! 2");
    type_in(&mut console, "frontend");
    assert_eq!(press(&mut console, "enter"), None);
    press(&mut console, "esc ! 1");
    console.paste("y\n");
    assert!(text(&screen(&mut console)).contains("START IT"));
}

thread_local! {
    static STARTED: Cell<Option<tokio::time::Instant>> = const { Cell::new(None) };
}

/// Boot time that runs with the test's own time.
fn boot() -> i64 {
    let now = tokio::time::Instant::now();
    let started = STARTED.get().unwrap_or_else(|| {
        STARTED.set(Some(now));
        now
    });
    i64::try_from((now - started).as_millis()).unwrap_or(i64::MAX)
}

fn key(c: char) -> Input {
    Input::Key(KeyEvent::from(KeyCode::Char(c)))
}

/// A console in its loop over a port, with `keys` at their milliseconds, ended by a signal after `span`.
async fn driven(
    story: &Story,
    keys: Vec<(u64, Input)>,
    span: Duration,
    data_every: Option<Duration>,
) -> (Console<TestBackend>, Leave, Vec<Command>) {
    let (snapshots, watched) = watch::channel(story.snapshot(1810));
    let (asks, mut asked) = mpsc::channel::<tminus::launch::port::Ask>(8);
    let mut port = Port { snapshots: watched, asks, by_files: None, wishes: None };
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, story.snapshot(1810));
    let begun = tokio::time::Instant::now();
    let keys = Box::pin(stream::unfold(keys.into_iter(), move |mut keys| async move {
        let (at, event) = keys.next()?;
        tokio::time::sleep_until(begun + Duration::from_millis(at)).await;
        Some((Ok(event), keys))
    }));
    let keys = futures_util::StreamExt::chain(keys, stream::pending());
    let engine = async {
        let mut commands = Vec::new();
        let every = data_every.unwrap_or(Duration::from_secs(1));
        let mut news = tokio::time::interval_at(begun + every, every);
        loop {
            tokio::select! {
                Some(ask) = asked.recv() => {
                    commands.push(ask.command);
                    let _ = ask.reply.send(Err(Refusal("not now".into())));
                }
                _ = news.tick() => {
                    let mut next = (**snapshots.borrow()).clone();
                    if data_every.is_some() {
                        next.live = std::sync::Arc::new(live());
                    }
                    let _ = snapshots.send(std::sync::Arc::new(next));
                }
                () = tokio::time::sleep_until(begun + span) => return commands,
            }
        }
    };
    let signal = async {
        tokio::time::sleep_until(begun + span).await;
        15
    };
    let (left, commands) = tokio::join!(drive(&mut console, &mut port, keys, signal, |_| Ok(())), engine);
    (console, left.expect("a buffer"), commands)
}

#[tokio::test(start_paused = true)]
async fn an_idle_console_draws_once_a_second() {
    let story = under_way(Mode::Launch);
    let (console, left, _) = driven(&story, Vec::new(), Duration::from_secs(20), None).await;
    assert_eq!(left, Leave::Signal(15));
    assert!((19..=23).contains(&console.frames()), "{} frames in 20 s", console.frames());
}

#[tokio::test(start_paused = true)]
async fn data_draws_at_most_thirty_frames_a_second() {
    let story = under_way(Mode::Launch);
    let every = Some(Duration::from_millis(1));
    let (console, _, _) = driven(&story, Vec::new(), Duration::from_secs(4), every).await;
    assert!((60..=124).contains(&console.frames()), "{} frames in 4 s", console.frames());
}

#[tokio::test(start_paused = true)]
async fn a_key_becomes_an_ask_and_its_refusal_is_shown() {
    let story = under_way(Mode::Launch);
    let keys = vec![(100, key('j')), (200, key('r'))];
    let (mut console, _, commands) = driven(&story, keys, Duration::from_millis(900), None).await;
    assert_eq!(commands, [Command::RunItem { item: "health".into() }]);
    assert!(text(&screen(&mut console)).contains("not now"));
}

#[tokio::test(start_paused = true)]
async fn a_paste_goes_into_the_field_and_nowhere_else() {
    let story = under_way(Mode::Launch);
    let paste = || Input::Paste("q\ny\u{1b}[2J".into());
    let enter = Input::Key(KeyEvent::from(KeyCode::Enter));
    let keys = vec![(10, paste()), (20, key('n')), (30, paste()), (40, enter)];
    let (_, left, commands) = driven(&story, keys, Duration::from_secs(1), None).await;
    assert_eq!((left, commands), (Leave::Signal(15), vec![Command::note("q y")]));
}

#[tokio::test(start_paused = true)]
async fn leaving_asks_while_something_runs() {
    let story = under_way(Mode::Launch);
    let q = |at| (at, key('q'));
    let (_, left, _) = driven(&story, vec![q(10)], Duration::from_secs(1), None).await;
    assert_eq!(left, Leave::Signal(15));
    let (_, left, _) = driven(&story, vec![q(10), (20, key('y'))], Duration::from_secs(1), None).await;
    assert_eq!(left, Leave::Quit);
    let mut idle = under_way(Mode::Launch);
    let report = Report::plain(Verdict::Pass, "done", Duration::ZERO);
    idle.at(1805, Event::ItemEnded { item: "stream".into(), attempt: Attempt(1), report });
    let (_, left, _) = driven(&idle, vec![q(10)], Duration::from_secs(1), None).await;
    assert_eq!(left, Leave::Quit);
}
