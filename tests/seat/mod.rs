//! The binary on a real pseudo-terminal: keys in, screen out.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes here; a wait that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Seat {
    /// The program with these arguments, its home in `home`, on a terminal of 120 × 36.
    pub fn new(home: &Path, arguments: &[&str]) -> Self {
        let (cols, rows) = (120, 36);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(arguments);
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home);
        command.env("TERM", "xterm-256color");
        command.cwd(home);
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
        let lines = |count: u16| NonZeroU16::new(count).expect("not zero");
        let screen = vt100::Parser::new(lines(rows), lines(cols), 0);
        Self { child, _master: pty.master, keys, output, screen }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    /// Reads until the screen holds `wanted`.
    pub fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |shown| shown.contains(wanted))
    }

    /// Reads until the screen is as it should be.
    pub fn until(&mut self, what: &str, done: impl Fn(&str) -> bool) -> String {
        loop {
            let shown = self.screen.screen().contents();
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

    /// SIGKILL: nothing is said and nothing written any more.
    pub fn kill(mut self) {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // `Child::kill` asks with SIGHUP first, and a console that is asked leaves by itself.
        kill_process(pid.expect("a process"), Signal::KILL).expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
