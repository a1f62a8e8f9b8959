//! The tree of processes under this one: who is in it, reaping it, signalling all of it. As the
//! subreaper of the tree we inherit every orphan, so "no child left" means that nobody is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};

/// Linux counts processor time for `/proc` in these, on every architecture we build for.
const MS_PER_TICK: u64 = 10;

/// Reaped in one go: a tree that forks without end gives children to reap without end, and clocks go on.
const REAPED: u32 = 128;

/// Reaps what ended, as much as may be in one go. True while children are left.
pub fn reap(mut ended: impl FnMut(Pid, WaitStatus)) -> bool {
    for _ in 0..REAPED {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid, status),
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Every living process below this one, zombies left out.
pub fn descendants() -> Vec<u32> {
    below(std::process::id(), &everyone())
}

/// KILL for everyone below. A group at once first: the kernel lets no fork slip between the members of a
/// group that is being signalled, while whoever forks faster than we read `/proc` slips by one by one.
pub fn kill_everyone() {
    let all = everyone();
    let below = below(std::process::id(), &all);
    // A session that we lead holds nobody else's processes, nor does one that a descendant has begun. Without
    // that, a group is ours only if nobody else is seen in it: and of a tree that forks while it is read, some
    // are always seen without their parents.
    let own = own();
    let leads = own.as_ref().is_some_and(|own| own.session == own.pid);
    let groups = if leads { groups_of(&below, &all) } else { groups(&below, &all) };
    for group in groups.into_iter().filter(|group| own.as_ref().is_none_or(|own| own.group != *group)) {
        if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    below.into_iter().for_each(|pid| signal(pid, Signal::KILL));
}

/// This process. Its group and session are 0 where their leader is outside our namespace of processes, as
/// under `docker exec`; asked by a system call, `rustix` takes that 0 for an id and panics.
pub fn own() -> Option<Process> {
    fs::read_to_string("/proc/self/stat").ok().and_then(|stat| parse(std::process::id(), &stat))
}

/// The ids of all processes.
pub fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

pub fn everyone() -> Vec<Process> {
    let read = |pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parse(pid, &stat));
    pids().filter_map(read).collect()
}

/// The largest resident set that any one process below `root` has had so far, in KiB: what `getrusage`
/// calls the peak of children. It walks the tree alone, so that looking is cheap on a busy host.
pub fn peak_kib(root: u32) -> Option<u64> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        at += 1;
    }
    // Without the root: that is us.
    found.iter().skip(1).filter_map(|pid| high_water(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)).max()
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
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

#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub zombie: bool,
}

fn parse(pid: u32, stat: &str) -> Option<Process> {
    // The command's name stands in brackets and may hold anything, brackets too.
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    let zombie = matches!(rest.next()?, "Z" | "X");
    let mut number = || rest.next()?.parse().ok();
    Some(Process { pid, parent: number()?, group: number()?, session: number()?, zombie })
}

pub fn below(root: u32, all: &[Process]) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<&Process>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<&Process> = children.remove(&root).unwrap_or_default();
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(&parent.pid).unwrap_or_default());
        at += 1;
    }
    found.into_iter().filter(|process| !process.zombie).map(|process| process.pid).collect()
}

/// The process groups of those `below`.
fn groups_of(below: &[u32], all: &[Process]) -> BTreeSet<u32> {
    let ours: BTreeSet<u32> = below.iter().copied().collect();
    all.iter().filter(|process| ours.contains(&process.pid)).map(|process| process.group).collect()
}

/// The process groups that hold nobody but those `below`.
fn groups(below: &[u32], all: &[Process]) -> BTreeSet<u32> {
    let ours: BTreeSet<u32> = below.iter().copied().collect();
    let (inside, outside): (Vec<&Process>, Vec<&Process>) =
        all.iter().filter(|process| !process.zombie).partition(|process| ours.contains(&process.pid));
    let shared: BTreeSet<u32> = outside.into_iter().map(|process| process.group).collect();
    inside.into_iter().map(|process| process.group).filter(|group| !shared.contains(group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_whatever_its_names_are() {
        let line = |pid, name: &str, state: &str, parent, group| {
            parse(pid, &format!("{pid} ({name}) {state} {parent} {group} 1 0")).expect("a line")
        };
        let all = [
            line(10, "shim", "S", 1, 10),
            line(11, "a) Z 1", "S", 10, 11),
            line(12, "b", "S", 11, 12),
            line(13, "c", "Z", 10, 11),
            line(14, "stranger", "S", 1, 14),
            line(15, "of the shim's own group", "S", 11, 10),
            line(16, "of a stranger's group", "S", 11, 14),
        ];
        let below = below(10, &all);
        assert_eq!(below, [11, 12, 15, 16]);
        assert_eq!(groups(&below, &all), BTreeSet::from([11, 12]), "no group that holds anybody else");
        assert_eq!(
            groups_of(&below, &all),
            BTreeSet::from([10, 11, 12, 14]),
            "what is asked where we lead the session"
        );
    }

    #[test]
    fn a_peak_is_read_where_the_system_says_it() {
        assert_eq!(high_water("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t   2048 kB\n"), Some(2048));
        assert_eq!(high_water("Name:\tzombie\n"), None);
    }
}
