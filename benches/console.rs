//! The console on a real pseudo-terminal: time from start to the first whole frame, processor time and
//! memory while it idles with the countdown running, time to quit. Prints figures beside their budgets.
//!
//! `cargo bench --bench console -- [ROUNDS]` (default 7, at least 5).

#[expect(dead_code, reason = "each bench uses a part of this")]
mod seat;
mod usage;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use seat::{Console, SIZE};
use usage::{TICKS, memory_kib, processor_ticks};

/// The first seconds belong to the gates, not to idling.
const SETTLE: Duration = Duration::from_secs(3);
/// The first gate is through well within it.
const CALM: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);

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
        let home = tempfile::tempdir()?;
        let mut console = Console::start(home.path(), &["rehearse"])?;
        frames.push(console.first_frame()?);
        // While a check runs `q` asks first, and a person's answer is nobody's figure.
        console.watch(CALM);
        quits.push(console.quit()?);
    }
    let home = tempfile::tempdir()?;
    let mut console = Console::start(home.path(), &["rehearse"])?;
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

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
