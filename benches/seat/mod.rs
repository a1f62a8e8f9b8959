//! A console on a real pseudo-terminal, for benches.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::time::Instant;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
pub const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };

/// What begins a synchronised update; one is cut between two reads too seldom to matter.
const FRAME: &[u8] = b"\x1b[?2026h";

pub struct Console {
    pub pid: u32,
    began: Instant,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    frames: usize,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Console {
    /// `tminus` with these arguments; what it keeps is in `home`.
    pub fn start(home: &Path, arguments: &[&str]) -> Result<Self> {
        Self::run(TMINUS, home, arguments)
    }

    /// Another program in the same seat.
    pub fn run(program: &str, home: &Path, arguments: &[&str]) -> Result<Self> {
        let pair = native_pty_system().openpty(SIZE)?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home);
        for name in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"] {
            command.env(name, home);
        }
        command.env("TERM", "xterm-256color");
        let began = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if send.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            pid: child.process_id().context("no process id")?,
            began,
            output,
            screen: vt100::Parser::new(SIZE.rows.try_into()?, SIZE.cols.try_into()?, 0),
            frames: 0,
            keys: pair.master.take_writer()?,
            child,
            _terminal: pair.master,
        })
    }

    /// Until the header's and the footer's rows are drawn.
    pub fn first_frame(&mut self) -> Result<Duration> {
        loop {
            match self.output.recv_timeout(Duration::from_secs(10)) {
                Ok(chunk) => self.take(&chunk),
                Err(_) => bail!("no whole frame; on screen:\n{}", self.screen.screen().contents()),
            }
            let rows: Vec<String> = self.screen.screen().rows(0, SIZE.cols).collect();
            let drawn = |row: Option<&String>| row.is_some_and(|row| !row.trim().is_empty());
            if self.screen.screen().alternate_screen() && drawn(rows.first()) && drawn(rows.last()) {
                return Ok(self.began.elapsed());
            }
        }
    }

    /// Reads on for this long; how many bytes came.
    pub fn watch(&mut self, time: Duration) -> f64 {
        let until = Instant::now() + time;
        let mut bytes = 0;
        loop {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(chunk) => {
                    bytes += chunk.len();
                    self.take(&chunk);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
                }
            }
        }
    }

    /// How many synchronised updates began so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    fn take(&mut self, chunk: &[u8]) {
        self.frames += chunk.windows(FRAME.len()).filter(|bytes| *bytes == FRAME).count();
        self.screen.process(chunk);
    }

    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes()).context("the terminal is gone")
    }

    /// Reads on until `text` is on the screen.
    pub fn sees(&mut self, text: &str) -> Result<()> {
        self.until(text, |shown| shown.contains(text))
    }

    /// Reads on until the screen is so.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<()> {
        let began = Instant::now();
        while !is_so(&self.screen.screen().contents()) {
            if began.elapsed() > Duration::from_secs(20) {
                bail!("no `{what}`; on screen:\n{}", self.screen.screen().contents());
            }
            if let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(5)) {
                self.take(&chunk);
            }
        }
        Ok(())
    }

    /// `q`, and `y` where it asks; until the process is gone.
    pub fn quit(&mut self) -> Result<Duration> {
        let began = Instant::now();
        self.keys.write_all(b"q")?;
        let mut asked = false;
        while began.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait()?.is_some() {
                return Ok(began.elapsed());
            }
            if !asked && began.elapsed() > Duration::from_millis(200) {
                asked = true;
                self.keys.write_all(b"y")?;
            }
            if let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(1)) {
                self.take(&chunk);
            }
        }
        bail!("`q` did not end it; on screen:\n{}", self.screen.screen().contents())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
