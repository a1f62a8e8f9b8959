//! Named places at which a test has a process of ours die or stop: the boundaries of the journal, of an
//! attempt, of a rollback. A release build has none.
//!
//! `TMINUS_BOUNDARY=NAME[#N]=kill|stop`: the Nth time (the first, where none is said) that a process reaches
//! NAME, it ends itself with SIGKILL, or stops itself with SIGSTOP until someone lets it go on. Shims and
//! runners inherit it and count for themselves. With `TMINUS_BOUNDARY_TOLD=FILE` it first adds NAME to FILE.

/// Every name that [`reach`] is called with, in the order of a launch. `tests/crash.rs` kills at each.
pub const ALL: &[&str] = &[
    // The opening of a launch.
    "folder-made",
    "journal-made",
    "journal-begun",
    "epoch-raised",
    "plan-frozen",
    "reserve-kept",
    "launch-filed",
    // An append, the head file after it, the heartbeat.
    "append",
    "append-in-transaction",
    "append-kept",
    "head-filed",
    "beat-kept",
    // A step, in the console.
    "intent-kept",
    "intent-written",
    "shim-spawned",
    "shim-started",
    "outcome-learnt",
    "attempt-fenced",
    // The same, in its shim.
    "shim-begun",
    "claim-locked",
    "shim-claimed",
    "command-started",
    "command-ended",
    "outcome-written",
    "claim-released",
    // What an attached terminal asked.
    "request-taken",
    "request-decided",
    // What a rollback goes back to.
    "baseline-kept",
];

/// Reaches the boundary `name`, one of [`ALL`].
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static WANTED: OnceLock<Option<(String, u32, Signal)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(ALL.contains(&name), "{name} is not in boundary::ALL");
    let wanted = WANTED.get_or_init(|| std::env::var("TMINUS_BOUNDARY").ok().as_deref().and_then(parse));
    let Some((place, nth, signal)) = wanted else { return };
    if place == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
        tell(name);
        let _ = kill_process(getpid(), *signal);
    }
}

/// For whoever waits to see it struck, in whichever process that is.
#[cfg(debug_assertions)]
fn tell(name: &str) {
    use std::io::Write as _;

    let Some(path) = std::env::var_os("TMINUS_BOUNDARY_TOLD") else { return };
    if let Ok(mut told) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = told.write_all(format!("{name}\n").as_bytes());
    }
}

#[cfg(debug_assertions)]
fn parse(text: &str) -> Option<(String, u32, rustix::process::Signal)> {
    let (place, how) = text.split_once('=')?;
    let signal = match how {
        "kill" => rustix::process::Signal::KILL,
        "stop" => rustix::process::Signal::STOP,
        _ => return None,
    };
    let (name, nth) = place.split_once('#').map_or(Some((place, 1)), |(name, nth)| Some((name, nth.parse().ok()?)))?;
    Some((name.to_owned(), nth, signal))
}

/// Reaches nothing: this is a release build.
#[cfg(not(debug_assertions))]
pub fn reach(_name: &str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustix::process::Signal;

    use super::{ALL, parse};

    #[test]
    fn no_two_places_have_one_name() {
        assert_eq!(ALL.iter().collect::<BTreeSet<_>>().len(), ALL.len());
    }

    #[test]
    fn a_place_a_number_and_what_happens() {
        assert_eq!(parse("append-done=kill"), Some(("append-done".into(), 1, Signal::KILL)));
        assert_eq!(parse("append-done#3=stop"), Some(("append-done".into(), 3, Signal::STOP)));
        for wrong in ["", "x", "x=", "x=hang", "x#y=kill"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
