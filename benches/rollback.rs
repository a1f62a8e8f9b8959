//! From the confirm key to the first process of a rollback, in a real launch on a real pseudo-terminal: idle, and while
//! 50,000 lines a second are tailed and 100 monitors look once a second. Prints figures beside their budgets.
//!
//! `cargo bench --bench rollback -- [ROUNDS]` (default 100; fewer than 100 tell no p99).

mod load;
#[expect(dead_code, reason = "each bench uses a part of this")]
mod seat;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use seat::Console;
use tminus::clock;

fn main() -> ExitCode {
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100);
    let figures = [("idle", false, 50), ("50,000 lines/s, 100 monitors", true, 100)];
    for (named, loaded, budget) in figures {
        match keys(rounds, loaded) {
            Ok(mut took) => {
                took.sort_by(f64::total_cmp);
                let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1)));
                let (middle, late) = (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default());
                println!("confirm key to the first process of a rollback, {named}: {} rounds", took.len());
                println!("  p50 {middle:>7.1} ms   p99 {late:>7.1} ms   (budget p99 {budget})");
            }
            Err(error) => {
                eprintln!("rollback: {named}: {error:#}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Milliseconds of each round.
fn keys(rounds: usize, loaded: bool) -> Result<Vec<f64>> {
    let home = tempfile::tempdir()?;
    let plan = home.path().join("plan.toml");
    std::fs::write(&plan, written(home.path(), loaded)?)?;
    let launch = home.path().join("launch");
    let (plan, launch) = (plan.display().to_string(), launch.display().to_string());
    let mut console = Console::start(home.path(), &["run", &plan, "--launch", &launch, "--name", "ana"])?;
    console.first_frame()?;
    console.watch(Duration::from_secs(5));
    let mut took = Vec::new();
    for round in 0..rounds {
        let started = home.path().join("started");
        let _ = std::fs::remove_file(&started);
        console.press("!")?;
        console.sees("ROLLBACK: choose")?;
        console.press("1")?;
        console.sees("START IT")?;
        let pressed = clock::wall();
        console.press("\r")?;
        let said = loop {
            match std::fs::read_to_string(&started) {
                Ok(said) if said.ends_with('\n') => break said,
                _ if pressed + chrono::Duration::seconds(20) < clock::wall() => bail!("round {round}: no step began"),
                _ => drop(console.watch(Duration::from_millis(2))),
            }
        };
        console.sees("VERIFIED: the old state is back").with_context(|| format!("round {round}"))?;
        let at: i64 = said.trim().replace(['.', ','], "").parse()?;
        took.push(f64::from(u32::try_from(at - pressed.timestamp_micros())?) / 1_000.0);
        console.press("\x1b")?;
        console.watch(Duration::from_millis(300));
    }
    Ok(took)
}

fn written(home: &Path, loaded: bool) -> Result<String> {
    let started = home.join("started");
    let mut plan = HEAD.replace("STARTED", &started.display().to_string());
    if loaded {
        plan.push_str(&load::tables()?);
    }
    Ok(plan)
}

const HEAD: &str = r#"
[plan]
schema = 1
id = "back"
title = "Back"
environment = "bench"

[clock]
start = "T-2h"

[[phase]]
id = "gate"
at = "T-1h"

[[phase.item]]
id = "told"
manual = {}

[[rollback]]
id = "back"
key = "1"
step = [{ id = "turn", class = "idempotent", run = { shell = "echo $EPOCHREALTIME > STARTED" } }]
verify = [{ id = "turned", command = { command = ["true"] } }]

"#;
