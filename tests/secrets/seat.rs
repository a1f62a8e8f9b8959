//! The program on a pseudo-terminal, everything it shows searched as it comes, and the arguments of all its
//! descendants beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::forms::Wanted;

/// Longer than anything takes here; a wait that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// No output for so long, and a key has been taken.
const QUIET: Duration = Duration::from_millis(40);
/// Between two looks at the process list.
const LOOK: Duration = Duration::from_millis(5);
const COLUMNS: u16 = 160;
const ROWS: u16 = 48;

pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    wanted: Arc<Wanted>,
    on_screen: BTreeSet<String>,
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
    pub fn start(arguments: &[&str], env: &[(String, String)], home: &Path, wanted: Wanted) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        env.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count) = from.read(&mut chunk) {
                if count == 0 || to.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let (wanted, watched) = (Arc::new(wanted), Arc::<Watched>::default());
        let root = child.process_id().expect("a process");
        let (until_dropped, over) = channel();
        let watching = std::thread::spawn({
            let (wanted, watched) = (Arc::clone(&wanted), Arc::clone(&watched));
            move || watched.watch(root, &wanted, &over)
        });
        let lines = |count| NonZeroU16::new(count).expect("not zero");
        let screen = vt100::Parser::new(lines(ROWS), lines(COLUMNS), 0);
        let (raw, on_screen) = (Vec::new(), BTreeSet::new());
        let watching = Some((until_dropped, watching));
        Self { child, _master: pty.master, keys, output, screen, raw, wanted, on_screen, watched, watching }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
        // A lone escape is one only where nothing follows at once: until the screen has been quiet for a moment.
        while let Ok(chunk) = self.output.recv_timeout(QUIET) {
            self.take(&chunk);
        }
    }

    pub fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn sees(&mut self, wanted: &str) {
        self.until(wanted, |seat| seat.shown().contains(wanted));
    }

    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while !done(self) {
            assert!(tokio::time::Instant::now() < until, "no {what} in\n{}", self.shown());
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) => self.take(&chunk),
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in\n{}", self.shown()),
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}:\n{}", self.shown()),
            }
        }
    }

    /// Waits for the program's end; its exit code.
    pub fn until_over(&mut self) -> u32 {
        let until = tokio::time::Instant::now() + PATIENCE;
        while let Ok(chunk) = self.output.recv_timeout(PATIENCE) {
            self.take(&chunk);
            assert!(tokio::time::Instant::now() < until, "no end in\n{}", self.shown());
        }
        let code = self.child.wait().expect("it ends").exit_code();
        self.stop_watching();
        code
    }

    fn take(&mut self, chunk: &[u8]) {
        self.raw.extend_from_slice(chunk);
        self.screen.process(chunk);
        let found = self.wanted.found(self.shown().as_bytes());
        self.on_screen.extend(found.into_iter().map(|found| format!("the screen: {found}")));
    }

    /// Everything it wrote to the terminal.
    pub fn told(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// What came through on the screen, in the bytes that went to the terminal, and in the process list.
    pub fn leaks(&self) -> BTreeSet<String> {
        let mut leaks = self.on_screen.clone();
        leaks.extend(self.wanted.found(&self.raw).into_iter().map(|found| format!("the terminal's bytes: {found}")));
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
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
