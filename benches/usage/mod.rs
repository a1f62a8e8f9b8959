//! What a process and its children use, from /proc.

use anyhow::{Result, ensure};

/// Ticks a second in /proc/PID/stat: fixed by Linux for every program.
pub const TICKS: f64 = 100.0;

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

pub fn processor_ticks(pid: u32) -> Result<f64> {
    let ticks = |pid: u32| {
        let fields = stat(pid)?;
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    };
    Ok(tree(pid)?.into_iter().filter_map(ticks).sum())
}

/// PSS of the process tree.
pub fn memory_kib(pid: u32) -> Result<f64> {
    let share = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<f64>().ok())
    };
    Ok(tree(pid)?.into_iter().filter_map(share).sum())
}
