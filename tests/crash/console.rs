//! One console of a flight: headless, or on a terminal with somebody at the keys.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::pty::{Seat, WIDE};

/// What it is started with.
pub struct Start {
    pub home: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
}

pub enum Console {
    Headless(std::process::Child),
    Seat(Box<Seat>),
}

/// How it ended.
pub struct Ended {
    pub killed: bool,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Console {
    /// In a process group of its own.
    pub fn headless(start: &Start) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        let environment = start.environment.iter().map(|(name, value)| (name, value));
        command.args(&start.arguments).arg("--headless").env_clear().envs(environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Self::Headless(command.spawn().expect("tminus starts"))
    }

    /// In a session of its own, on a terminal.
    pub fn seat(start: &Start) -> Self {
        let arguments: Vec<&str> = start.arguments.iter().map(String::as_str).collect();
        let environment = start.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self::Seat(Box::new(Seat::start(&start.home, &arguments, &Vec::from_iter(environment), WIDE)))
    }

    pub fn id(&self) -> u32 {
        match self {
            Self::Headless(child) => child.id(),
            Self::Seat(seat) => seat.id(),
        }
    }

    pub fn is_gone(&mut self) -> bool {
        match self {
            Self::Headless(child) => child.try_wait().expect("a child").is_some(),
            Self::Seat(seat) => seat.is_gone(),
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
                let status = seat.over();
                let killed = status.signal().is_some_and(|signal| signal.starts_with("Killed"));
                let code = i32::try_from(status.exit_code()).ok().filter(|_| status.signal().is_none());
                let all = String::from_utf8_lossy(seat.raw()).into_owned();
                Ended { killed, code, out: all.clone(), err: all }
            }
        }
    }
}

/// One key of somebody who has looked and lifts a freeze with a reason.
pub fn thaws(seat: &mut Seat) {
    let shown = seat.shown();
    let keys = match () {
        // Of keys that mean nothing where the prompt has closed meanwhile.
        () if shown.contains("Steps may run again") => "....\r",
        () if shown.contains("Back after a crash") || shown.contains("Back: what was open") => "\x1b",
        () if shown.contains("FROZEN") => "P",
        () => return,
    };
    let _ = seat.try_press(keys);
}

/// One key of somebody who wants the countdown to go on from a hold: to the sheet of holds, its first or
/// second way, and from whatever else stands before it back to the panes.
pub fn goes_on(seat: &mut Seat, second: bool) {
    let shown = seat.shown();
    let keys = match () {
        () if shown.contains("resume the countdown") && second => "j\r",
        () if shown.contains("resume the countdown") => "\r",
        () if shown.contains("Back after a crash") || shown.contains("Back: what was open") => "\x1b",
        () if shown.contains("ROLLBACK") => "P",
        // Nothing is drawn yet.
        () => return,
    };
    // A console that was killed this very instant reads nothing.
    let _ = seat.try_press(keys);
}
