//! Kinds of terminal: what it calls itself decides colours and signs; its mouse; tmux with two clients, with splits,
//! and its clipboard.

use super::*;

const TMUX: &str = "tmux";

fn on(term: &[(&str, &str)], flags: &[&str]) -> (Seat, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a folder");
    let arguments = [&["rehearse", "--name", "ana"], flags].concat();
    (Seat::start(home.path(), &arguments, term, NARROW), home)
}

#[test]
fn the_kernels_console_gets_ascii_and_sixteen_colours_unless_told_otherwise() {
    let (mut seat, _home) = on(&[("TERM", "linux")], &[]);
    let shown = seat.sees("+ pass 3/3");
    assert!(shown.is_ascii(), "{shown}");
    assert!(!seat.wrote("8;5;") && seat.wrote("\x1b[32;49m"), "green by its own code");
    seat.leave();
    let (mut seat, _home) = on(&[("TERM", "linux")], &["--glyphs", "unicode"]);
    seat.sees("✓ pass 3/3");
    seat.leave();
}

#[test]
fn a_theme_that_was_chosen_stands_over_no_color_and_without_one_there_is_no_colour() {
    let (mut seat, _home) = on(&[("NO_COLOR", "1"), ("TMINUS_THEME", "colour-blind")], &[]);
    seat.sees("pass 3/3");
    assert!(seat.wrote("\x1b[38;5;33;49m"), "blue for what passed");
    seat.leave();
    let (mut seat, _home) = on(&[("NO_COLOR", "1")], &[]);
    seat.sees("pass 3/3");
    assert!(!seat.wrote("8;5;") && !seat.wrote("\x1b[32;49m"));
    seat.leave();
}

#[test]
fn the_users_own_settings_are_found_beside_the_keymap_and_mistakes_named() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/tminus");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("console.toml"), "glyphs = \"ascii\"\nmouse = \"off\"\n").expect("a file");
    let mut seat = Seat::start(home.path(), &["rehearse"], &[], NARROW);
    assert!(seat.sees("pass 3/3").is_ascii());
    assert!(!seat.wrote("\x1b[?1000h"), "its mouse is the terminal's own");
    seat.leave();
    std::fs::write(folder.join("console.toml"), "theme = \"lihgt\"\n").expect("a file");
    let mut seat = Seat::start(home.path(), &["rehearse"], &[], NARROW);
    let shown = seat.sees("write one of");
    assert!(shown.contains("console.toml:1:9"), "{shown}");
    assert_eq!(seat.ends(), 3);
}

#[test]
fn a_click_goes_where_it_points() {
    let home = tempfile::tempdir().expect("a folder");
    let mut seat = Seat::start(home.path(), &["rehearse"], &[], WIDE);
    seat.sees("pass 3/3");
    assert!(seat.wrote("\x1b[?1000h") && !seat.wrote("\x1b[?1003h"), "no flood of movements");
    seat.clicks("The frontend is served");
    seat.sees("┌ frontend-up ");
    // How much of its name there is room for depends on how long its neighbours take.
    seat.clicks("✓ API hea");
    seat.press("z");
    seat.until("the monitors alone", |shown| shown.contains("┌ Monitors") && !shown.contains("Checklist"));
    seat.signal(Signal::TERM);
    seat.ends();
    seat.gave_back();
}

/// The program as a shell would start it, with a home of its own.
fn program(home: &std::path::Path, flags: &str) -> String {
    let tminus = env!("CARGO_BIN_EXE_tminus");
    format!("env HOME={0} XDG_STATE_HOME={0} {tminus} rehearse --name ana {flags}", home.display())
}

#[test]
fn two_clients_of_one_tmux_see_it_in_the_size_of_the_smaller() {
    if !has_tmux("two_clients_of_one_tmux") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let socket = format!("tminus-two-{}", std::process::id());
    let env = [("TMUX_TMPDIR", home.path().to_str().expect("a path"))];
    let program = program(home.path(), "");
    let first = ["-u", "-L", &socket, "-f", "/dev/null", "new-session", "-s", "t", &program];
    let mut wide = Seat::of(TMUX, home.path(), &first, &env, WIDE);
    wide.sees("Monitors");
    let mut narrow = Seat::of(TMUX, home.path(), &["-u", "-L", &socket, "attach", "-t", "t"], &env, NARROW);
    let small = |shown: &str| shown.contains("Checklist") && !shown.contains("Monitors") && shown.contains("ROLLBACK");
    narrow.until("it at 80x24", small);
    wide.until("it at 80x24", small);
    narrow.press("?");
    wide.sees("Esc closes");
    narrow.sees("Esc closes");
    narrow.press("\x1b");
    narrow.until("no help", |shown| !shown.contains("Esc closes"));
    narrow.kill();
    wide.sees("Monitors");
    // Beside another pane, and under one.
    wide.press("\x02%");
    wide.until("it in half the width", |shown| !shown.contains("Monitors") && shown.contains("│"));
    wide.press("exit\r");
    wide.sees("Monitors");
    wide.press("\x02\"");
    wide.until("it in half the height", |shown| !shown.contains("Monitors") && shown.contains("ROLLBACK"));
    wide.press("exit\r");
    wide.sees("Monitors");
    wide.kill();
}

#[test]
fn copying_inside_tmux_reaches_the_terminal_it_is_on() {
    if !has_tmux("copying_inside_tmux") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let socket = format!("tminus-copy-{}", std::process::id());
    let env = [("TMUX_TMPDIR", home.path().to_str().expect("a path"))];
    let program = program(home.path(), "--notify osc9");
    let first = ["-u", "-L", &socket, "-f", "/dev/null", "new-session", "-s", "t", &program];
    let mut seat = Seat::of(TMUX, home.path(), &first, &env, WIDE);
    seat.sees("no notices: tmux passes none on");
    seat.sees("pass 3/3");
    seat.press("y");
    seat.sees("copied, to tmux's buffer");
    seat.until_wrote("\x1b]52;");
    seat.kill();
}
