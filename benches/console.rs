//! The console on a real pseudo-terminal: time from start to the first whole frame, processor time and
//! memory while it idles with the countdown running, time to quit; from a key to its frame, frames and bytes a second while
//! 50,000 lines a second are tailed and 100 monitors look once a second. Prints figures beside their budgets, and
//! the bytes of bottom at its default rate where `btm` is found.
//!
//! `cargo bench --bench console -- [ROUNDS]` (default 7, at least 5).

mod load;
#[expect(dead_code, reason = "each bench uses a part of this")]
mod seat;
mod usage;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use seat::{Console, SIZE};
use tokio::time::Instant;
use usage::{TICKS, memory_kib, processor_ticks};

/// The first seconds belong to the gates, not to idling.
const SETTLE: Duration = Duration::from_secs(3);
/// The first gate is through well within it.
const CALM: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);
/// Each opens the help and closes it: two frames.
const KEYS: usize = 250;

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
    // As fast as a launch: one that passes an hour of it a minute does not idle.
    let mut console = Console::start(home.path(), &["rehearse", "--speed", "1"])?;
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
    println!("  idle output  {:>7.1} KiB/s, {}", bytes / 1024.0 / IDLE.as_secs_f64(), bottom()?);
    console.quit()?;
    loaded()
}

/// What bottom writes at its default rate, on the same terminal.
fn bottom() -> Result<String> {
    let home = tempfile::tempdir()?;
    let program = std::env::var("BTM").unwrap_or_else(|_| "btm".into());
    let Ok(mut peer) = Console::run(&program, home.path(), &[]) else {
        return Ok("no `btm` to compare with".into());
    };
    peer.watch(SETTLE);
    Ok(format!("bottom {:.1} KiB/s", peer.watch(IDLE) / 1024.0 / IDLE.as_secs_f64()))
}

fn loaded() -> Result<()> {
    let home = tempfile::tempdir()?;
    let plan = home.path().join("plan.toml");
    std::fs::write(&plan, format!("{HEAD}{}", load::tables()?))?;
    let launch = home.path().join("launch").display().to_string();
    let plan = plan.display().to_string();
    let mut console = Console::start(home.path(), &["run", &plan, "--launch", &launch, "--name", "ana"])?;
    console.first_frame()?;
    console.watch(SETTLE);
    let before = processor_ticks(console.pid)?;
    let frames = console.frames();
    let bytes = console.watch(IDLE);
    let drawn = f64::from(u32::try_from(console.frames() - frames)?);
    let used = processor_ticks(console.pid)? - before;
    let mut took = Vec::new();
    for _ in 0..KEYS {
        for (key, is_open) in [("?", true), ("\x1b", false)] {
            let pressed = Instant::now();
            console.press(key)?;
            console.until("the help", |shown| shown.contains(HELP) == is_open)?;
            took.push(pressed.elapsed());
            // As a person would: not in step with what is drawn by itself.
            console.watch(Duration::from_millis(7 * (u64::try_from(took.len())? % 13)));
        }
    }
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len() - 1)).copied().unwrap_or_default();
    println!("the same, 50,000 lines/s tailed and {} monitors at 1 Hz", load::MONITORS);
    println!(
        "  key to frame {:>7.1} ms p50, {:.1} ms p99 (budget 33), {} keys",
        millis(at(50)),
        millis(at(99)),
        took.len()
    );
    println!("  frames       {:>7.1} /s    (budget 30)", drawn / IDLE.as_secs_f64());
    println!("  output       {:>7.1} KiB/s", bytes / 1024.0 / IDLE.as_secs_f64());
    println!("  processor    {:>7.1} %", 100.0 * used / TICKS / IDLE.as_secs_f64());
    Ok(())
}

/// What only the help shows.
const HELP: &str = "Esc closes";

const HEAD: &str = r#"
[plan]
schema = 1
id = "busy"
title = "Busy"
environment = "bench"

[clock]
start = "T-2h"

[[phase]]
id = "gate"
at = "T-1h"

[[phase.item]]
id = "told"
manual = {}

"#;

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
