//! Another process of this machine: whether it was stopped, what it locks, its end. It is held by a
//! handle, so that no later process of the same id is ever meant.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that lived when it was asked for.
#[derive(Debug)]
pub struct Other {
    pid: u32,
    handle: OwnedFd,
}

impl Other {
    /// The process `pid`; none where there is none.
    ///
    /// # Errors
    /// The system's own.
    pub fn find(pid: u32) -> io::Result<Option<Self>> {
        let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(handle) => Ok(Some(Self { pid, handle })),
            Err(Errno::SRCH | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it was stopped, by a signal or a debugger.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // `PID (NAME) STATE …`: the name may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
    }

    /// Whether it has the file open that has this device and number.
    ///
    /// # Errors
    /// It belongs to another user, or has gone.
    pub fn has_open(&self, file: (u64, u64)) -> io::Result<bool> {
        let open = fs::read_dir(format!("/proc/{}/fd", self.pid))?;
        let mut open = open.filter_map(|entry| fs::metadata(entry.ok()?.path()).ok());
        Ok(open.any(|about| (about.dev(), about.ino()) == file))
    }

    /// Ends it with KILL, stopped or not. True where it was there to be ended.
    ///
    /// # Errors
    /// It belongs to another user.
    pub fn end(&self) -> io::Result<bool> {
        match pidfd_send_signal(&self.handle, Signal::KILL) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The processes that hold a lock for writing over `byte` of `file`, as far as this process may know.
#[must_use]
pub fn writers(file: &Path, byte: u64) -> Vec<u32> {
    let (Ok(file), Ok(locks)) = (fs::metadata(file), fs::read_to_string("/proc/locks")) else { return Vec::new() };
    holders(&locks, file.ino(), byte)
}

/// The lines of `/proc/locks` are `N: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE START END`. The device
/// is not compared: some file systems show another one there.
fn holders(locks: &str, inode: u64, byte: u64) -> Vec<u32> {
    let holder = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        // A line that waits for a lock has an arrow here.
        (words.next()? == "POSIX").then_some(())?;
        (words.nth(1)? == "WRITE").then_some(())?;
        let pid = words.next()?.parse().ok()?;
        (words.next()?.rsplit(':').next()?.parse() == Ok(inode)).then_some(())?;
        let (from, to) = (words.next()?.parse::<u64>().ok()?, words.next()?.parse().unwrap_or(u64::MAX));
        (from..=to).contains(&byte).then_some(pid)
    };
    locks.lines().filter_map(holder).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::kill_process;

    use super::*;

    const LOCKS: &str = "\
1: FLOCK  ADVISORY  WRITE 11 fe:00:7 0 EOF
2: POSIX  ADVISORY  WRITE 12 fe:00:7 120 120
2: -> POSIX  ADVISORY  WRITE 13 fe:00:7 120 120
3: POSIX  ADVISORY  READ 14 fe:00:7 120 120
4: POSIX  ADVISORY  WRITE 15 fe:00:7 0 119
5: POSIX  ADVISORY  WRITE 16 fe:00:8 120 120
6: POSIX  ADVISORY  WRITE 17 00:2b:7 100 EOF
7: POSIX  ADVISORY
";

    #[test]
    fn a_writer_is_who_holds_the_byte_of_that_file_and_not_who_waits_or_reads() {
        assert_eq!(holders(LOCKS, 7, 120), [12, 17]);
        assert_eq!(holders(LOCKS, 9, 120), [0; 0]);
    }

    #[test]
    fn a_stopped_process_is_seen_and_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("starts");
        let other = Other::find(child.id()).expect("finds").expect("it lives");
        assert!(!other.is_stopped());
        kill_process(Pid::from_child(&child), Signal::STOP).expect("stops");
        while !other.is_stopped() {
            std::thread::yield_now();
        }
        assert!(other.end().expect("ours"));
        child.wait().expect("reaped");
        assert!(!other.end().expect("gone"), "whoever has its number now is another");
        assert!(Other::find(0).expect("finds").is_none());
    }
}
