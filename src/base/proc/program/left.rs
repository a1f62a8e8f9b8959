//! Who is left of a program: its process group, whoever carries its mark, and what is below them. A process
//! that left its group, its session and its parent is still found by the mark in its environment.

use std::fs;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::base::proc::{mark, tree};

/// Rounds of KILL where nothing can be waited for.
const ROUNDS: usize = 20;

/// A program's processes, by what they have in common.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Its process group, which is its own id.
    pub group: u32,
    /// The session that group is in: ours. An id that was given anew is of another.
    pub session: u32,
    /// `NAME=VALUE` in the environment of all it starts.
    pub mark: Vec<u8>,
}

impl Tree {
    /// The ids of the living.
    pub fn left(&self) -> Vec<u32> {
        let (found, sure) = self.look();
        // A process in the midst of its exec has no environment for a moment.
        if found.is_empty() && !sure { self.look().0 } else { found }
    }

    fn look(&self) -> (Vec<u32>, bool) {
        let all = tree::everyone();
        let mut sure = true;
        let mut found: Vec<u32> = Vec::new();
        for process in all.iter().filter(|process| !process.zombie) {
            let ours = process.group == self.group && process.session == self.session;
            let mut marked = || match fs::read(format!("/proc/{}/environ", process.pid)) {
                Ok(environ) => {
                    sure &= !environ.is_empty();
                    mark::holds(&environ, &self.mark)
                }
                Err(_) => false,
            };
            if ours || marked() {
                found.push(process.pid);
            }
        }
        let below: Vec<u32> = found.iter().flat_map(|pid| tree::below(*pid, &all)).collect();
        found.extend(below);
        found.sort_unstable();
        found.dedup();
        (found, sure)
    }

    /// TERM for those of `left` that had none yet.
    pub fn term(left: &[u32], termed: &mut Vec<u32>) {
        for pid in left {
            if !termed.contains(pid) {
                termed.push(*pid);
                tree::signal(*pid, Signal::TERM);
                // A stopped process takes its TERM only when it goes on.
                tree::signal(*pid, Signal::CONT);
            }
        }
    }

    /// KILL for all of it, again until nobody is seen or it is no use.
    pub fn kill(&self) {
        for _ in 0..ROUNDS {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            self.kill_these(&left);
        }
    }

    /// KILL for `left`; the group first, so that no fork slips between its members.
    pub fn kill_these(&self, left: &[u32]) {
        let leader = i32::try_from(self.group).ok().and_then(Pid::from_raw);
        if let Some(group) = leader.filter(|_| !left.is_empty()) {
            // Where it has gone, or not all of it is ours to end: one by one, then.
            let _ = kill_process_group(group, Signal::KILL);
        }
        left.iter().for_each(|pid| tree::signal(*pid, Signal::KILL));
    }
}
