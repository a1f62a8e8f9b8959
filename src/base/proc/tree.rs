//! The tree of processes under this one: who is in it, reaping it, signalling all of it. As the
//! subreaper of the tree we inherit every orphan, so "no child left" means that nobody is left.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};

/// Linux counts processor time for `/proc` in these, on every architecture we build for.
const MS_PER_TICK: u64 = 10;

/// Reaps everything that ended. True while children are left.
pub fn reap(mut ended: impl FnMut(Pid, WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid, status),
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Every living process below this one, zombies left out.
pub fn descendants() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let all: Vec<Process> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parse(pid, &stat)))
        .collect();
    below(std::process::id(), &all)
}

pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // Gone, or not ours to end: what stays is reported as a survivor.
        let _ = kill_process(pid, signal);
    }
}

/// Processor time of everything reaped so far, in milliseconds: user, system.
pub fn reaped_cpu() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let field = |n: usize| {
        let ticks: u64 = stat.rsplit(") ").next()?.split(' ').nth(n)?.parse().ok()?;
        Some(ticks * MS_PER_TICK)
    };
    // Counted from the state, field 3 of proc(5): cutime is 16, cstime 17.
    (field(13).unwrap_or(0), field(14).unwrap_or(0))
}

struct Process {
    pid: u32,
    parent: u32,
    zombie: bool,
}

fn parse(pid: u32, stat: &str) -> Option<Process> {
    // The command's name stands in brackets and may hold anything, brackets too.
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    let zombie = matches!(rest.next()?, "Z" | "X");
    Some(Process { pid, parent: rest.next()?.parse().ok()?, zombie })
}

fn below(root: u32, all: &[Process]) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(all.iter().filter(|process| process.parent == parent).map(|process| process.pid));
        at += 1;
    }
    let living = |pid: &u32| all.iter().any(|process| process.pid == *pid && !process.zombie);
    found.into_iter().skip(1).filter(living).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_whatever_its_names_are() {
        let line = |pid, name: &str, state: &str, parent| {
            parse(pid, &format!("{pid} ({name}) {state} {parent} 1 1 0")).expect("a line")
        };
        let all = [
            line(10, "shim", "S", 1),
            line(11, "a) Z 1", "S", 10),
            line(12, "b", "S", 11),
            line(13, "c", "Z", 10),
            line(14, "stranger", "S", 1),
        ];
        assert_eq!(below(10, &all), [11, 12]);
    }
}
