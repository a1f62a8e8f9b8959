//! One console of a flight: headless, or on a terminal with somebody at the keys.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// What it is started with.
pub struct Start {
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
}

pub enum Console {
    Headless(std::process::Child),
    Seat(Seat),
}

pub struct Seat {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    reading: std::thread::JoinHandle<Vec<u8>>,
    /// Keeps the terminal there.
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

/// How it ended.
pub struct Ended {
    pub killed: bool,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

fn lines(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

impl Console {
    /// In a process group of its own.
    pub fn headless(start: Start) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(start.arguments).arg("--headless").env_clear().envs(start.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Self::Headless(command.spawn().expect("tminus starts"))
    }

    /// In a session of its own, on a terminal.
    pub fn seat(start: Start) -> Self {
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(start.arguments);
        command.env_clear();
        for (name, value) in start.environment {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pty.slave.spawn_command(command).expect("tminus starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(lines(36), lines(120), 0)));
        let drawn = Arc::clone(&screen);
        let reading = std::thread::spawn(move || {
            let (mut raw, mut chunk) = (Vec::new(), [0; 8192]);
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                drawn.lock().unwrap_or_else(PoisonError::into_inner).process(&chunk[..count]);
                raw.extend_from_slice(&chunk[..count]);
            }
            raw
        });
        Self::Seat(Seat { child, keys, screen, reading, _master: pty.master })
    }

    pub fn id(&self) -> u32 {
        match self {
            Self::Headless(child) => child.id(),
            Self::Seat(seat) => seat.child.process_id().expect("a process"),
        }
    }

    pub fn is_gone(&mut self) -> bool {
        match self {
            Self::Headless(child) => child.try_wait().expect("a child").is_some(),
            Self::Seat(seat) => seat.child.try_wait().expect("a child").is_some(),
        }
    }

    /// Waits for its end.
    pub fn ended(self) -> Ended {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match self {
            Self::Headless(child) => {
                let output = child.wait_with_output().expect("a child");
                let (killed, code) = (output.status.signal() == Some(9), output.status.code());
                Ended { killed, code, out: text(output.stdout), err: text(output.stderr) }
            }
            Self::Seat(mut seat) => {
                let status = seat.child.wait().expect("a child");
                let killed = status.signal().is_some_and(|signal| signal.starts_with("Killed"));
                let code = i32::try_from(status.exit_code()).ok().filter(|_| status.signal().is_none());
                let all = text(seat.reading.join().expect("a reader"));
                Ended { killed, code, out: all.clone(), err: all }
            }
        }
    }
}

impl Seat {
    /// One key of somebody who has looked and lifts a freeze with a reason.
    pub fn thaws(&mut self) {
        let shown = self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents();
        let keys = match () {
            () if shown.contains("Steps may run again") => "looked\r",
            () if shown.contains("Back after a crash") || shown.contains("Back: what was open") => "\x1b",
            () if shown.contains("FROZEN") => "P",
            () => return,
        };
        let _ = self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush());
    }

    /// One key of somebody who wants the countdown to go on from a hold: to the sheet of holds, its first or
    /// second way, and from whatever else stands before it back to the panes.
    pub fn goes_on(&mut self, second: bool) {
        let shown = self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents();
        let keys = match () {
            () if shown.contains("resume the countdown") && second => "j\r",
            () if shown.contains("resume the countdown") => "\r",
            () if shown.contains("Back after a crash") || shown.contains("Back: what was open") => "\x1b",
            () if shown.contains("ROLLBACK") => "P",
            // Nothing is drawn yet.
            () => return,
        };
        // A console that was killed this very instant reads nothing.
        let _ = self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush());
    }
}
