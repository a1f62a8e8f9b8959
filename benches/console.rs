//! The console on a real pseudo-terminal: time from start to the first whole frame, processor time and
//! memory while it idles with the countdown running, time to quit. Prints figures beside their budgets.
//!
//! `cargo bench --bench console -- [ROUNDS]` (default 7, at least 5).

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::time::Instant;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
/// The first seconds belong to the gates, not to idling.
const SETTLE: Duration = Duration::from_secs(3);
/// The first gate is through well within it.
const CALM: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);
/// Ticks a second in /proc/PID/stat: fixed by Linux for every program.
const TICKS: f64 = 100.0;

fn main() -> ExitCode {
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(7);
    match figures(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("console: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures(rounds: usize) -> Result<()> {
    let rounds = rounds.max(5);
    let (mut frames, mut quits) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut console = Console::start()?;
        frames.push(console.first_frame()?);
        // While a check runs `q` asks first, and a person's answer is nobody's figure.
        console.watch(CALM);
        quits.push(console.quit()?);
    }
    let mut console = Console::start()?;
    console.first_frame()?;
    console.watch(SETTLE);
    let before = processor_ticks(console.pid)?;
    let bytes = console.watch(IDLE);
    let used = processor_ticks(console.pid)? - before;
    let memory = memory_kib(console.pid)?;

    println!("console at {}x{}, release build, median of {rounds} rounds", SIZE.cols, SIZE.rows);
    println!("  first frame  {:>7.1} ms    (budget 25)", millis(median(&mut frames)));
    println!("  quit         {:>7.1} ms    (budget 50)", millis(median(&mut quits)));
    println!("  idle         {:>7.2} % CPU (budget 1), over {IDLE:?}", 100.0 * used / TICKS / IDLE.as_secs_f64());
    println!("  idle memory  {:>7.1} MiB   (budget 20), PSS of the process tree", memory / 1024.0);
    println!("  idle output  {:>7.1} KiB/s", bytes / 1024.0 / IDLE.as_secs_f64());
    Ok(())
}

struct Console {
    pid: u32,
    began: Instant,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Console {
    fn start() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let pair = native_pty_system().openpty(SIZE)?;
        let mut command = CommandBuilder::new(TMINUS);
        command.arg("rehearse");
        command.cwd(home.path());
        for (name, value) in [("HOME", home.path()), ("XDG_STATE_HOME", home.path()), ("XDG_DATA_HOME", home.path())] {
            command.env(name, value);
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
            keys: pair.master.take_writer()?,
            child,
            _terminal: pair.master,
            _home: home,
        })
    }

    /// Until the header's and the footer's rows are drawn.
    fn first_frame(&mut self) -> Result<Duration> {
        loop {
            match self.output.recv_timeout(Duration::from_secs(10)) {
                Ok(chunk) => self.screen.process(&chunk),
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
    fn watch(&mut self, time: Duration) -> f64 {
        let until = Instant::now() + time;
        let mut bytes = 0;
        loop {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(chunk) => bytes += chunk.len(),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
                }
            }
        }
    }

    /// `q`, and `y` where it asks; until the process is gone.
    fn quit(&mut self) -> Result<Duration> {
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
                self.screen.process(&chunk);
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

/// The process and everything that descends from it.
fn tree(pid: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Some(parent) = stat(child).and_then(|fields| fields.get(1)?.parse::<u32>().ok()) {
            parents.push((child, parent));
        }
    }
    let mut tree = vec![pid];
    let mut at = 0;
    while let Some(parent) = tree.get(at).copied() {
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        at += 1;
    }
    ensure!(stat(pid).is_some(), "the console is gone");
    Ok(tree)
}

/// Fields of /proc/PID/stat from the state on: the name before it may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn processor_ticks(pid: u32) -> Result<f64> {
    let ticks = |pid: u32| {
        let fields = stat(pid)?;
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    };
    Ok(tree(pid)?.into_iter().filter_map(ticks).sum())
}

fn memory_kib(pid: u32) -> Result<f64> {
    let share = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<f64>().ok())
    };
    Ok(tree(pid)?.into_iter().filter_map(share).sum())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
