//! Ways to end a console and what hangs on it, all with SIGKILL.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victims {
    /// The parent of the shims alone.
    Console,
    /// The console and its workers; shims have sessions of their own.
    Group,
    /// The console and every shim; their commands are left without parents.
    ConsoleAndShims,
    /// As when the plug is pulled.
    Everything,
}

impl Victims {
    /// In half of all kills it is the console alone.
    pub const CHOICE: [Self; 8] = [
        Self::Console,
        Self::Console,
        Self::Console,
        Self::Console,
        Self::Group,
        Self::ConsoleAndShims,
        Self::Everything,
        Self::Everything,
    ];
}

/// A process of a flight.
struct Found {
    pid: Pid,
    /// A console, a shim or a runner; else a command.
    ours: bool,
    shim: bool,
}

/// The variable that marks every process of a flight, commands included.
pub const MARK: &str = "TMINUS_CRASH_FLIGHT";

pub fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

pub fn kill(victims: Victims, console: u32, mark: &str) {
    let console = pid(console).expect("a process");
    match victims {
        Victims::Console => drop(kill_process(console, Signal::KILL)),
        Victims::Group => drop(kill_process_group(console, Signal::KILL)),
        Victims::ConsoleAndShims => {
            let _ = kill_process(console, Signal::KILL);
            for found in marked(mark).into_iter().filter(|found| found.shim) {
                let _ = kill_process(found.pid, Signal::KILL);
            }
        }
        Victims::Everything => everything(mark),
    }
}

/// Ends every process of the flight. A shim never sees its command die: it stands still before.
pub fn everything(mark: &str) {
    loop {
        let found = marked(mark);
        if found.is_empty() {
            return;
        }
        for (ours, signal) in [(true, Signal::STOP), (false, Signal::KILL), (true, Signal::KILL)] {
            for found in found.iter().filter(|found| found.ours == ours) {
                let _ = kill_process(found.pid, signal);
            }
        }
    }
}

/// Has every process of the flight that stands still go on.
pub fn wake(mark: &str) {
    for found in marked(mark) {
        let _ = kill_process(found.pid, Signal::CONT);
    }
}

/// Whether any process of the flight lives.
pub fn any(mark: &str) -> bool {
    !marked(mark).is_empty()
}

fn marked(mark: &str) -> Vec<Found> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(pid) else { continue };
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        // A zombie's is empty: it is dead.
        if read("environ").split(|byte| *byte == 0).any(|variable| variable == wanted) {
            let command = read("cmdline");
            let mut words = command.split(|byte| *byte == 0);
            let program = words.next().unwrap_or_default();
            let program = String::from_utf8_lossy(program).into_owned();
            let name = Path::new(&program).file_name().unwrap_or_default().to_owned();
            let shim = words.next() == Some(b"__shim");
            found.push(Found { pid, ours: name == "tminus" || program == "/proc/self/exe", shim });
        }
    }
    found
}
