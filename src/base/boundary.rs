//! Named places at which a test has a process of ours die or stop: the boundaries of the journal, of an
//! attempt, of a rollback. A release build has none.
//!
//! `TMINUS_BOUNDARY=NAME[#N]=kill|stop|panic`: the Nth time (the first, where none is said) that a process
//! reaches NAME, it ends itself with SIGKILL, stops itself with SIGSTOP until someone lets it go on, or panics
//! with the words of `TMINUS_BOUNDARY_WORDS`. Shims and runners inherit it and count for themselves. With
//! `TMINUS_BOUNDARY_TOLD=FILE` it first adds NAME to FILE.

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

/// Those of one that takes a launch over from a console that lives: `tests/take_over.rs` strikes them.
pub const TAKING: &[&str] = &["take-over", "lock-replaced"];

/// Those of an amendment of the plan: `tests/amend.rs` kills at each.
pub const AMENDING: &[&str] = &["plan-kept", "revision-filed", "amendment-kept", "plan-replaced"];

/// Those of the rollback runner, beside [`ALL`]. `tests/rollback_anywhere.rs` kills at each.
pub const OF_ROLLBACKS: &[&str] =
    &["rollback-log-open", "rollback-step-intent", "rollback-step-started", "rollback-step-ended", "rollback-verified"];

/// That of a bundle of a launch that goes on: `tests/bundle.rs` stops there.
pub const BUNDLING: &[&str] = &["bundle-moment"];

/// Reaches the boundary `name`, one of [`ALL`], [`BUNDLING`], [`OF_ROLLBACKS`], [`TAKING`] or [`AMENDING`].
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static WANTED: OnceLock<Option<(String, u32, End)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let mut known = ALL.iter().chain(OF_ROLLBACKS).chain(TAKING).chain(AMENDING).chain(BUNDLING);
    debug_assert!(known.any(|known| *known == name), "{name} is not in boundary::ALL");
    let wanted = WANTED.get_or_init(|| std::env::var("TMINUS_BOUNDARY").ok().as_deref().and_then(parse));
    let Some((place, nth, end)) = wanted else { return };
    if place == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
        tell(name);
        let _ = match end {
            End::Kill => kill_process(getpid(), Signal::KILL),
            End::Stop => {
                let stopped = kill_process(getpid(), Signal::STOP);
                // The system may stop this process by another thread: this one waits here until it has, and
                // goes on a little after it was let go on.
                std::thread::sleep(SETTLED);
                stopped
            }
            End::Panic => panic_with(&std::env::var("TMINUS_BOUNDARY_WORDS").unwrap_or_default()),
        };
    }
}

/// Longer than a stop takes to reach every thread.
#[cfg(debug_assertions)]
const SETTLED: std::time::Duration = std::time::Duration::from_millis(500);

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    Stop,
    Panic,
}

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "a test wants to see what a panic of ours tells")]
fn panic_with(words: &str) -> ! {
    panic!("{words}")
}

#[cfg(debug_assertions)]
fn parse(text: &str) -> Option<(String, u32, End)> {
    let (place, how) = text.split_once('=')?;
    let end = match how {
        "kill" => End::Kill,
        "stop" => End::Stop,
        "panic" => End::Panic,
        _ => return None,
    };
    let (name, nth) = place.split_once('#').map_or(Some((place, 1)), |(name, nth)| Some((name, nth.parse().ok()?)))?;
    Some((name.to_owned(), nth, end))
}

/// Reaches nothing: this is a release build.
#[cfg(not(debug_assertions))]
pub fn reach(_name: &str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, End, parse};

    #[test]
    fn no_two_places_have_one_name() {
        assert_eq!(ALL.iter().collect::<BTreeSet<_>>().len(), ALL.len());
    }

    #[test]
    fn a_place_a_number_and_what_happens() {
        assert_eq!(parse("append-done=kill"), Some(("append-done".into(), 1, End::Kill)));
        assert_eq!(parse("append-done#3=stop"), Some(("append-done".into(), 3, End::Stop)));
        assert_eq!(parse("append=panic"), Some(("append".into(), 1, End::Panic)));
        for wrong in ["", "x", "x=", "x=hang", "x#y=kill"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
