//! A bundle of 1 GiB of evidence: made and verified by the binary, beside coreutils' sha256sum of the same bytes,
//! interleaved; and the peak memory of both. Prints figures beside their budgets.
//!
//! `cargo bench --bench bundle -- [MIB]` (default 1024).

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::Instant as Clock;

const TMINUS: &str = env!("CARGO_BIN_EXE_tminus");
const MIB: u64 = 1024;
const ROUNDS: usize = 5;
/// Files that the evidence is in.
const FILES: u64 = 8;

fn main() -> ExitCode {
    let wanted = std::env::args().skip(1).find(|argument| argument != "--bench");
    let done = wanted.map_or(Ok(MIB), |mib| mib.parse().context("how many MiB must be a number")).and_then(figures);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures(mib: u64) -> Result<()> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (launch, bundle) = (place.path().join("launch"), place.path().join("launch.zip"));
    ran(Command::new(TMINUS).args(["rehearse", "--headless", "--launch"]).arg(&launch))?;
    let mut files = Vec::new();
    for at in 1..=FILES {
        let path = launch.join(format!("steps/large/{at}/stdout"));
        fs::create_dir_all(path.parent().context("a parent")?)?;
        fill(&path, mib * (1 << 20) / FILES, at)?;
        files.push(path);
    }
    let (mut sums, mut made, mut verified) = (Vec::new(), Vec::new(), Vec::new());
    let (mut most_made, mut most_verified) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        sums.push(ran(Command::new("sha256sum").args(&files))?.0);
        let _ = fs::remove_file(&bundle);
        let (wall, peak) = ran(Command::new(TMINUS).arg("bundle").arg(&launch).arg("-o").arg(&bundle))?;
        made.push(wall);
        most_made = most_made.max(peak);
        let (wall, peak) = ran(Command::new(TMINUS).arg("verify").arg("--rehearsal").arg(&bundle))?;
        verified.push(wall);
        most_verified = most_verified.max(peak);
    }
    let sum = median(&mut sums);
    println!("a bundle of {mib} MiB of evidence, {:.0} MiB, medians of {ROUNDS}", size(&bundle)? / 1_048_576.0);
    println!("  sha256sum    {sum:>7.2} s");
    for (name, walls, peak) in [("bundle", &mut made, most_made), ("verify", &mut verified, most_verified)] {
        let wall = median(walls);
        let ratio = wall / sum;
        println!("  {name:<12} {wall:>7.2} s  {ratio:>5.2}x (budget 2)   peak {peak:>6.1} MiB (budget 100), VmHWM");
    }
    Ok(())
}

/// Bytes that pack to nothing smaller, the same in every run.
fn fill(path: &Path, bytes: u64, seed: u64) -> Result<()> {
    let mut out = std::io::BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes())?;
    }
    Ok(out.flush()?)
}

fn size(path: &Path) -> Result<f64> {
    Ok(fs::metadata(path)?.len() as f64)
}

/// Its wall time in seconds, and the peak of its memory as far as it was seen, in MiB.
fn ran(command: &mut Command) -> Result<(f64, f64)> {
    let began = Clock::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let seen = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak = peak.max(seen.unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed();
    // A rehearsal that ended without GO is bundled all the same.
    ensure!(matches!(status.code(), Some(0..=2)), "{command:?}: {status}");
    Ok((took.as_secs_f64(), peak / 1024.0))
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
