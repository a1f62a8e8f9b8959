//! The whole program on a real pseudo-terminal: keys in, screen out, the terminal given back however it
//! ends; live resizes; inside tmux.

#[path = "terminal/kinds.rs"]
mod kinds;
#[path = "terminal/suspended.rs"]
mod suspended;

use std::process::Command;

use crate::pty::{Seat, WIDE};
use crate::told::records;
use rustix::process::Signal;
use tminus::launch::event::Event;

const NARROW: (u16, u16) = (80, 24);

/// `tminus rehearse` on a terminal of this size, and its home.
fn rehearse(size: (u16, u16)) -> (Seat, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a folder");
    (Seat::start(home.path(), &["rehearse", "--name", "ana"], &[], size), home)
}

#[test]
fn keys_go_in_a_rollback_comes_out_and_q_gives_the_terminal_back() {
    let (mut seat, _home) = rehearse(WIDE);
    let shown = seat.sees("ROLLBACK");
    assert!(shown.contains("REHEARSAL") && shown.contains("Checklist"), "{shown}");
    seat.sees("pass 3/3");
    seat.press("!");
    seat.sees("ROLLBACK: choose");
    seat.press("1");
    seat.sees("START IT");
    seat.press("\r");
    seat.sees("VERIFIED: the old state is back");
    seat.press("\x1b");
    seat.until("the sheet gone", |shown| !shown.contains("the old state is back"));
    seat.press("q");
    let code = seat.ends();
    assert!(code != 101, "no panic");
    seat.gave_back();
}

#[test]
fn a_resize_is_drawn_live_down_to_the_advice_to_enlarge() {
    let (mut seat, _home) = rehearse(WIDE);
    // Nothing runs any more then, so that leaving asks nothing.
    assert!(seat.sees("pass 3/3").contains("Monitors"));
    seat.resize(NARROW);
    let narrow = seat.until("two panes", |shown| {
        shown.contains("ROLLBACK") && shown.contains("Checklist") && !shown.contains("Monitors")
    });
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    seat.resize((50, 12));
    assert!(seat.sees("enlarge the terminal").contains("ROLLBACK"));
    seat.resize(WIDE);
    seat.sees("Monitors");
    seat.press("q");
    seat.ends();
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (mut seat, _home) = rehearse(NARROW);
        seat.sees("Checklist");
        seat.signal(signal);
        let code = seat.ends();
        assert_eq!(code, 130, "{signal:?}");
        seat.gave_back();
    }
}

/// False where tmux is missing, which CI must have.
fn has_tmux(test: &str) -> bool {
    let has = Command::new("tmux").arg("-V").output().is_ok();
    if !has {
        assert!(std::env::var_os("CI").is_none(), "tmux is missing, and CI must have it");
        eprintln!("skipped: {test}, tmux is missing");
    }
    has
}

/// What tmux shows of its only pane.
fn tmux(socket: &str, arguments: &[&str]) -> String {
    let run = Command::new("tmux").args(["-L", socket]).args(arguments).output().expect("tmux runs");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

#[test]
fn inside_tmux_at_two_sizes() {
    if !has_tmux("inside_tmux_at_two_sizes") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let socket = format!("tminus-test-{}", std::process::id());
    let program =
        format!("env HOME={0} XDG_STATE_HOME={0} {1} rehearse", home.path().display(), env!("CARGO_BIN_EXE_tminus"));
    tmux(&socket, &["-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "36", &program]);
    let settled = |wanted: &dyn Fn(&str) -> bool| {
        // tmux answers as fast as it can: each look is a process of its own.
        for _ in 0..2_000 {
            let shown = tmux(&socket, &["capture-pane", "-p", "-t", "t"]);
            if wanted(&shown) {
                return shown;
            }
        }
        panic!("tmux shows\n{}", tmux(&socket, &["capture-pane", "-p", "-t", "t"]));
    };
    let wide = settled(&|shown| shown.contains("Monitors") && shown.contains("ROLLBACK"));
    assert_eq!(wide.lines().count(), 36);
    tmux(&socket, &["resize-window", "-t", "t", "-x", "80", "-y", "24"]);
    let narrow =
        settled(&|shown| !shown.contains("Monitors") && shown.contains("ROLLBACK") && shown.contains("Checklist"));
    assert!(narrow.contains("REHEARSAL"), "{narrow}");
    tmux(&socket, &["send-keys", "-t", "t", "!"]);
    settled(&|shown| shown.contains("ROLLBACK: choose"));
    tmux(&socket, &["kill-server"]);
}

/// One check that the target answers, and a person who is waited for, so that time does not run away.
const SMALL: &str = r#"
[plan]
schema = 1
id = "small"
title = "Small"

[[phase]]
id = "gate"
at = "T-1h"
gate = true

[[phase.item]]
id = "health"
http = { get = "https://api.example.com/health" }

[[phase.item]]
id = "look"
manual = {}
"#;

#[test]
fn a_fault_that_is_switched_in_the_console_fails_the_check_until_it_is_switched_off() {
    let home = tempfile::tempdir().expect("a folder");
    let (plan, launch) = (home.path().join("small.toml"), home.path().join("launch"));
    std::fs::write(&plan, SMALL).expect("written");
    let [plan, folder] = [&plan, &launch].map(|path| path.display().to_string());
    let mut seat = Seat::start(home.path(), &["rehearse", &plan, "--launch", &folder, "--name", "ana"], &[], WIDE);
    seat.sees("look");
    seat.press("j");
    seat.sees("pass in");
    let mut switch = |told: &str, verdict: &str| {
        seat.press("F");
        seat.sees("Faults of the rehearsal");
        seat.press("\r");
        seat.sees(told);
        seat.press("\x1b");
        seat.until("the menu gone", |shown| !shown.contains("Faults of the rehearsal"));
        seat.press("r");
        seat.sees(verdict);
    };
    switch("by ana", "2 fail");
    switch("off, was on at", "3 pass");
    seat.press("q");
    seat.ends();
    let told: Vec<_> = records(&launch)
        .into_iter()
        .filter_map(|record| match record.event {
            Event::FaultSwitched { fault, on } => Some((record.actor.name, fault, on)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [true, false].map(|on| ("ana".to_owned(), "down".to_owned(), on)));
}
