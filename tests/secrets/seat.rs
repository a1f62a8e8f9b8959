//! The program on a pseudo-terminal, everything it shows searched as it comes, and the arguments of all its
//! descendants beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::forms::Wanted;
use crate::pty;

/// Between two looks at the process list.
const LOOK: Duration = Duration::from_millis(5);
/// Columns and rows.
const SIZE: (u16, u16) = (160, 48);

pub struct Seat {
    seat: pty::Seat,
    wanted: Arc<Wanted>,
    on_screen: Arc<Mutex<BTreeSet<String>>>,
    watched: Arc<Watched>,
    /// Dropped, it ends the watching.
    watching: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What the process list showed of the program and all it started.
#[derive(Default)]
struct Watched {
    /// Command lines, and what of the secrets was in them.
    seen: Mutex<(BTreeSet<Vec<u8>>, BTreeSet<String>)>,
}

impl Seat {
    pub fn start(arguments: &[&str], env: &[(&str, &str)], home: &Path, wanted: Wanted) -> Self {
        let mut seat = pty::Seat::start(home, arguments, env, SIZE);
        let (wanted, watched) = (Arc::new(wanted), Arc::<Watched>::default());
        let on_screen = Arc::<Mutex<BTreeSet<String>>>::default();
        seat.beside({
            let (wanted, on_screen) = (Arc::clone(&wanted), Arc::clone(&on_screen));
            move |shown| {
                let found = wanted.found(shown.as_bytes()).into_iter().map(|found| format!("the screen: {found}"));
                on_screen.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            }
        });
        let root = seat.id();
        let (until_dropped, over) = channel();
        let watching = std::thread::spawn({
            let (wanted, watched) = (Arc::clone(&wanted), Arc::clone(&watched));
            move || watched.watch(root, &wanted, &over)
        });
        Self { seat, wanted, on_screen, watched, watching: Some((until_dropped, watching)) }
    }

    pub fn press(&mut self, keys: &str) {
        self.seat.press(keys);
        self.seat.rests();
    }

    pub fn sees(&mut self, wanted: &str) {
        self.seat.sees(wanted);
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&str) -> bool) {
        self.seat.until(what, done);
    }

    /// Waits for the program's end; its exit code.
    pub fn until_over(&mut self) -> u32 {
        let code = self.seat.ends();
        self.stop_watching();
        code
    }

    /// Everything it wrote to the terminal.
    pub fn told(&self) -> String {
        String::from_utf8_lossy(self.seat.raw()).into_owned()
    }

    /// What came through on the screen, in the bytes that went to the terminal, and in the process list.
    pub fn leaks(&self) -> BTreeSet<String> {
        let mut leaks = self.on_screen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        leaks.extend(
            self.wanted.found(self.seat.raw()).into_iter().map(|found| format!("the terminal's bytes: {found}")),
        );
        leaks.extend(self.watched.seen.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned());
        leaks
    }

    /// How many different command lines were seen.
    pub fn processes(&self) -> usize {
        self.watched.seen.lock().unwrap_or_else(PoisonError::into_inner).0.len()
    }

    fn stop_watching(&mut self) {
        if let Some((until_dropped, watching)) = self.watching.take() {
            drop(until_dropped);
            watching.join().expect("watched");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.stop_watching();
    }
}

impl Watched {
    /// Those that left the tree (shims and runners lead sessions of their own) are still known once seen.
    fn watch(&self, root: u32, wanted: &Wanted, over: &Receiver<()>) {
        let mut ours = BTreeSet::from([root]);
        while over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let parents: BTreeMap<u32, u32> = pids().filter_map(|pid| Some((pid, parent(pid)?))).collect();
            loop {
                let more: Vec<u32> = parents
                    .iter()
                    .filter(|(pid, up)| ours.contains(up) && !ours.contains(pid))
                    .map(|(pid, _)| *pid)
                    .collect();
                if more.is_empty() {
                    break;
                }
                ours.extend(more);
            }
            for pid in &ours {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                if !line.is_empty() && seen.0.insert(line.clone()) {
                    let found = wanted.found(&line).into_iter().map(|found| format!("the process list: {found}"));
                    seen.1.extend(found);
                }
            }
        }
    }
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
