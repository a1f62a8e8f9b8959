//! The whole program on a real pseudo-terminal: keys in, screen out, the terminal given back however it
//! ends; live resizes; inside tmux.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything takes here; a wait that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const ENTER_ALTERNATE: &[u8] = b"\x1b[?1049h";
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";

struct Seat {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    _home: tempfile::TempDir,
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn lines(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

impl Seat {
    /// `tminus rehearse` on a terminal of this size, with the mode the terminal had before.
    fn rehearse(cols: u16, rows: u16) -> (Self, String) {
        let pty = native_pty_system().openpty(size(cols, rows)).expect("a pseudo-terminal");
        let home = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(["rehearse", "--name", "ana"]);
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.cwd(home.path());
        let before = mode(&*pty.master);
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count) = from.read(&mut chunk) {
                if count == 0 || to.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(lines(rows), lines(cols), 0);
        (Self { child, master: pty.master, keys, output, screen, raw: Vec::new(), _home: home }, before)
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    fn resize(&mut self, cols: u16, rows: u16) {
        self.screen.screen_mut().set_size(lines(rows), lines(cols));
        self.master.resize(size(cols, rows)).expect("a resize");
    }

    /// Reads until the screen holds `wanted`.
    fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |seat| seat.screen.screen().contents().contains(wanted))
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> String {
        while !done(self) {
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.screen.process(&chunk);
                    self.raw.extend(chunk);
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in\n{}", self.screen.screen().contents()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {what}:\n{}", self.screen.screen().contents())
                }
            }
        }
        self.screen.screen().contents()
    }

    /// Waits for the program's end; its exit code.
    fn ends(&mut self) -> u32 {
        while let Ok(chunk) = self.output.recv_timeout(PATIENCE) {
            self.screen.process(&chunk);
            self.raw.extend(chunk);
        }
        self.child.wait().expect("it ends").exit_code()
    }

    fn gave_back(&self, before: &str) {
        let screen = self.screen.screen();
        assert!(
            self.raw.windows(ENTER_ALTERNATE.len()).any(|part| part == ENTER_ALTERNATE),
            "it never took the screen"
        );
        assert!(self.raw.windows(LEAVE_ALTERNATE.len()).any(|part| part == LEAVE_ALTERNATE), "it never gave it back");
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(mode(&*self.master), before, "the terminal's mode is as it was");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The terminal's mode as text: raw or not, echo or not.
fn mode(master: &dyn MasterPty) -> String {
    let fields = master.get_termios().expect("a terminal");
    format!("{:?} {:?} {:?}", fields.input_flags, fields.output_flags, fields.local_flags)
}

/// Whether a run of `process` could be told to end.
fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn keys_go_in_a_rollback_comes_out_and_q_gives_the_terminal_back() {
    let (mut seat, before) = Seat::rehearse(120, 36);
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
    seat.until("the sheet gone", |seat| !seat.screen.screen().contents().contains("the old state is back"));
    seat.press("q");
    let code = seat.ends();
    assert!(code != 101, "no panic");
    seat.gave_back(&before);
}

#[test]
fn a_resize_is_drawn_live_down_to_the_advice_to_enlarge() {
    let (mut seat, _) = Seat::rehearse(120, 36);
    // Nothing runs any more then, so that leaving asks nothing.
    assert!(seat.sees("pass 3/3").contains("Monitors"));
    seat.resize(80, 24);
    let narrow = seat.until("two panes", |seat| {
        let shown = seat.screen.screen().contents();
        shown.contains("ROLLBACK") && shown.contains("Checklist") && !shown.contains("Monitors")
    });
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    seat.resize(50, 12);
    assert!(seat.sees("enlarge the terminal").contains("ROLLBACK"));
    seat.resize(120, 36);
    seat.sees("Monitors");
    seat.press("q");
    seat.ends();
}

#[test]
fn signals_give_the_terminal_back() {
    for name in ["TERM", "HUP", "INT"] {
        let (mut seat, before) = Seat::rehearse(80, 24);
        seat.sees("Checklist");
        signal(seat.child.process_id().expect("a process"), name);
        let code = seat.ends();
        assert_eq!(code, 130, "SIG{name}");
        seat.gave_back(&before);
    }
}

/// What tmux shows of its only pane.
fn tmux(socket: &str, arguments: &[&str]) -> String {
    let run = Command::new("tmux").args(["-L", socket]).args(arguments).output().expect("tmux runs");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

#[test]
fn inside_tmux_at_two_sizes() {
    if Command::new("tmux").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "tmux is missing, and CI must have it");
        eprintln!("skipped: inside_tmux_at_two_sizes, tmux is missing");
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
