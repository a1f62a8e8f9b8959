//! The whole program on a real pseudo-terminal: keys in, screen out.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything takes here; a wait that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is waited for may show elsewhere than on the screen.
const LOOK: Duration = Duration::from_millis(20);
const ENTER_ALTERNATE: &[u8] = b"\x1b[?1049h";
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";

pub struct Seat {
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    pub screen: vt100::Parser,
    raw: Vec<u8>,
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn lines(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

impl Seat {
    /// `tminus` with these arguments and variables on a terminal of this size, with the mode the terminal
    /// had before.
    pub fn start(arguments: &[&str], env: &[(&str, &str)], home: &Path, (cols, rows): (u16, u16)) -> (Self, String) {
        let pty = native_pty_system().openpty(size(cols, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(arguments);
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home);
        command.env("TERM", "xterm-256color");
        env.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
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
        (Self { child, master: pty.master, keys, output, screen, raw: Vec::new() }, before)
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.screen.screen_mut().set_size(lines(rows), lines(cols));
        self.master.resize(size(cols, rows)).expect("a resize");
    }

    /// Reads until the screen holds `wanted`.
    pub fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |seat| seat.screen.screen().contents().contains(wanted))
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> String {
        // A screen that only counts the seconds is no answer.
        let until = tokio::time::Instant::now() + PATIENCE;
        while !done(self) {
            match self.output.recv_timeout(LOOK) {
                Ok(chunk) if tokio::time::Instant::now() < until => {
                    self.screen.process(&chunk);
                    self.raw.extend(chunk);
                }
                Err(RecvTimeoutError::Timeout) if tokio::time::Instant::now() < until => {}
                Ok(_) | Err(RecvTimeoutError::Timeout) => panic!("no {what} in\n{}", self.screen.screen().contents()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {what}:\n{}", self.screen.screen().contents())
                }
            }
        }
        self.screen.screen().contents()
    }

    /// Waits for the program's end; its exit code.
    pub fn ends(&mut self) -> u32 {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(LOOK) {
                Ok(chunk) => {
                    self.screen.process(&chunk);
                    self.raw.extend(chunk);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            assert!(tokio::time::Instant::now() < until, "it does not end:\n{}", self.screen.screen().contents());
        }
        self.child.wait().expect("it ends").exit_code()
    }

    pub fn gave_back(&self, before: &str) {
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
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().expect("kill runs");
    assert!(sent.success());
}
