//! A console on a pseudo-terminal: keys in, screen out.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use super::PATIENCE;

const ROWS: u16 = 36;
/// Wide enough for a banner and where it is kept.
const COLS: u16 = 200;

fn lines(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Seat {
    /// `tminus` with these arguments and variables, at home in `home`.
    pub fn take(home: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLS, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(arguments);
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home);
        command.env("TERM", "xterm-256color");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to, output) = channel();
        std::thread::spawn(move || {
            // The terminal lives for as long as it is read.
            let _master = pty.master;
            let mut chunk = [0; 8192];
            while let Ok(count) = from.read(&mut chunk) {
                if count == 0 || to.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, output, screen: vt100::Parser::new(lines(ROWS), lines(COLS), 0) }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    pub fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |shown| shown.contains(wanted))
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&str) -> bool) -> String {
        let began = tminus::clock::boot();
        loop {
            assert!(began + 30_000 > tminus::clock::boot(), "no {what} in\n{}", self.shown());
            while let Ok(chunk) = self.output.try_recv() {
                self.screen.process(&chunk);
            }
            let shown = self.shown();
            if done(&shown) {
                return shown;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) => self.screen.process(&chunk),
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in\n{shown}"),
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}:\n{shown}"),
            }
        }
    }

    /// Asks it to end; its exit code, and what it said after it gave the screen back.
    pub fn leave(mut self) -> (u32, String) {
        let process = self.child.process_id().expect("a process");
        let _ = Command::new("kill").args(["-TERM", &process.to_string()]).status();
        while let Ok(chunk) = self.output.recv_timeout(PATIENCE) {
            self.screen.process(&chunk);
        }
        (self.child.wait().expect("it ends").exit_code(), self.shown())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
