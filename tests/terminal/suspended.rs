//! Suspended and back: from a shell, with nobody to come back to, and stopped from outside.

use super::*;

#[test]
fn the_shell_is_given_back_and_fg_brings_a_right_screen_with_what_was_missed() {
    let home = tempfile::tempdir().expect("a folder");
    let mut shell = Seat::of("sh", home.path(), &["-i"], &[("PS1", "prompt> ")], WIDE);
    shell.sees("prompt>");
    shell.press(&format!("{} rehearse --name ana\r", env!("CARGO_BIN_EXE_tminus")));
    shell.sees("pass 3/3");
    shell.press("\x1a");
    shell.sees("Suspend this console?");
    shell.press("y");
    let usual = shell.sees("Stopped");
    assert!(usual.contains("tminus is suspended: nothing of its launch is watched"), "{usual}");
    shell.gave_back();
    // Longer than a loop may look away. The shell waits, as its user would.
    shell.press("sleep 3; fg\r");
    let back = shell.sees("back after 0:0");
    assert!(back.contains("Checklist") && !back.contains("prompt>"), "{back}");
    assert!(back.contains("nothing was watched from here: c tells what happened"), "{back}");
    let held = shell.sees("HOLD · suspended");
    assert!(held.contains("HOLDING"), "{held}");
    shell.press("n");
    shell.sees("Note");
    shell.press("\x1b");
    shell.until("no dialog", |shown| !shown.contains("What happened, for the journal"));
    shell.press("q");
    shell.until("the shell again", |shown| shown.contains("prompt>") && !shown.contains("Checklist"));
    shell.press("exit\r");
    shell.ends();
    shell.gave_back();
}

#[test]
fn with_no_shell_behind_it_it_is_not_suspended_and_says_so() {
    let (mut seat, _home) = rehearse(NARROW);
    seat.sees("pass 3/3");
    seat.press("\x1a");
    seat.sees("Suspend this console?");
    seat.press("y");
    seat.sees("not suspended: no shell waits");
    seat.sees("pass 3/3");
    seat.signal(Signal::TERM);
    seat.ends();
    seat.gave_back();
}

#[test]
fn stopped_from_outside_it_draws_all_of_its_screen_when_it_goes_on() {
    let (mut seat, _home) = rehearse(NARROW);
    seat.sees("pass 3/3");
    seat.signal(Signal::STOP);
    seat.signal(Signal::CONT);
    let shown = seat.sees("back after 0:0");
    assert!(shown.contains("Checklist") && shown.contains("ROLLBACK"), "{shown}");
    seat.signal(Signal::TERM);
    seat.ends();
    seat.gave_back();
}
