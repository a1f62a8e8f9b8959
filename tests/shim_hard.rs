//! The shim's hard cases: output without end, and processes that do all they can to be forgotten. Each is
//! reported and ended, nothing hangs, nothing is made up.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails by panicking")]

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tminus::base::proc::{self, EndedBy, Standing, Tail, still_running};
use tminus::base::secret::Redactor;
use tminus::kind::step::act;
use tokio::time::Instant;

use attempt::{Attempt, PATIENCE, ended, lives, pids};

mod attempt;

const GIGABYTE: u64 = 1_000_000_000;
/// What a shim or a tail of such an output may take.
const MOST_KIB: u64 = 50 * 1024;
const LINE: &str = "0123456789abcde\n";
/// The file to tail, for the process that stands for a console; it is a test of this binary itself.
const TAILED: &str = "TMINUS_TEST_TAILED";

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::KILL).expect("killed");
}

fn high_water(status: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Every byte of a file as a repeated line, up to `bytes`; and what follows.
fn repeats_up_to(path: &Path, bytes: u64) -> String {
    let pattern = LINE.repeat(1 << 16).into_bytes();
    let mut file = File::open(path).expect("there");
    let mut chunk = vec![0; pattern.len()];
    let mut left = usize::try_from(bytes).expect("a size");
    while left > 0 {
        let want = left.min(chunk.len());
        file.read_exact(&mut chunk[..want]).expect("as long as that");
        assert!(
            chunk[..want] == pattern[..want],
            "{} is not what was written, {left} bytes before its end",
            path.display()
        );
        left -= want;
    }
    let mut rest = String::new();
    file.read_to_string(&mut rest).expect("text");
    rest
}

/// Tails a file as a console does until its last line has come. The test of the gigabyte runs this one on its
/// output, in a process of its own, to see what a tail takes.
#[tokio::test]
async fn a_tail_sees_the_end_of_a_file_that_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = folder.path().join("stdout");
    fs::write(&small, LINE.repeat(100_000) + "the end\n").expect("written");
    let path = std::env::var_os(TAILED).map_or(small, PathBuf::from);
    let mut tail = Tail::new(&path, 400);
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let looking = async {
        while tail.lines().back().map(String::as_str) != Some("the end") {
            looks.tick().await;
            tail.look().expect("read");
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the end comes");
    assert_eq!(tail.lines().len(), 400);
    assert_eq!(tail.bytes(), fs::metadata(path).expect("there").len());
    println!("bytes {}", tail.bytes());
    println!("{}", fs::read_to_string("/proc/self/status").expect("status"));
}

#[tokio::test]
async fn a_gigabyte_arrives_whole_in_bounded_memory_while_it_is_tailed() {
    let began = Instant::now();
    let attempt = Attempt::bash(
        "head -c 200000000 /dev/zero >&2 & yes 0123456789abcde | head -c 1000000000
         wait; cat /proc/$PPID/status > $READY.status; echo 'the last error' >&2; echo 'the end'",
    )
    .with_fifo();
    let stdout = attempt.dir().join("stdout");
    let console = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_tail_sees_the_end_of_a_file_that_grows", "--nocapture"])
        .env(TAILED, &stdout)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a console");
    let outcome = attempt.run().await;
    assert_eq!((outcome.exit, outcome.lost_bytes), (Some(0), 0), "{outcome:?}");
    assert_eq!(outcome.stdout_bytes, GIGABYTE + 8);
    assert_eq!(repeats_up_to(&stdout, GIGABYTE), "the end\n");
    let stderr = fs::metadata(attempt.dir().join("stderr")).expect("there").len();
    assert_eq!((stderr, outcome.stderr_bytes), (200_000_015, 200_000_015));

    let shim = high_water(&fs::read_to_string(attempt.folder.path().join("ready.status")).expect("the shim's status"));
    let console = console.wait_with_output().expect("the console ended");
    let told = String::from_utf8_lossy(&console.stdout).into_owned();
    assert!(console.status.success() && told.contains(&format!("bytes {}\n", GIGABYTE + 8)), "{told}");
    let console = high_water(&told);
    println!("1.2 GB in {:?}: the shim took {shim} KiB, its tail {console} KiB", began.elapsed());
    assert!(shim < MOST_KIB && console < MOST_KIB, "the shim took {shim} KiB, its tail {console} KiB");
}

#[tokio::test]
async fn a_daemon_that_ignores_term_is_reported_and_ended() {
    // Twice forked, in a session and a group of its own, its parent gone: only the subreaper still knows it.
    let outcome = Attempt::bash(
        "setsid bash -c 'trap \"\" TERM; (trap \"\" TERM; setsid bash -c \"trap \\\"\\\" TERM; echo \\$\\$ > $READY.pid
           while :; do sleep 0.05; done\" & ) ; exit 0'
         while ! test -s $READY.pid; do sleep 0.01; done; cat $READY.pid; exit 4",
    );
    let attempt = outcome.with_fifo();
    let outcome = attempt.run().await;
    assert_eq!((outcome.exit, outcome.ended_by), (Some(4), None));
    let daemon = pids(&attempt.stdout())[0];
    assert!(outcome.left_behind.contains(&daemon), "{outcome:?} without {daemon}");
    assert_eq!((&*outcome.survivors, outcome.held_open), (&[][..], false));
    assert!(!lives(daemon) && still_running(&attempt.dir()).is_empty());
    let told = act::outcome(Standing::Ended(Box::new(outcome)), &attempt.dir(), &Redactor::default()).words();
    assert!(told.starts_with("exit 4; left ") && told.ends_with("behind, ended by us"), "{told}");
}

#[tokio::test]
async fn a_stopped_grandchild_is_reported_and_ended() {
    let attempt = Attempt::bash(
        "setsid bash -c 'trap \"\" TERM; echo $$ > $READY.pid; kill -STOP $$; sleep 600' &
         until grep -q T /proc/$(cat $READY.pid 2>/dev/null || echo 1)/stat; do sleep 0.01; done
         cat $READY.pid; exit 0",
    )
    .with_fifo();
    let outcome = attempt.run().await;
    assert_eq!((outcome.exit, &*outcome.survivors), (Some(0), &[][..]));
    let stopped = pids(&attempt.stdout())[0];
    assert!(outcome.left_behind.contains(&stopped) && !lives(stopped), "{outcome:?}");
}

#[tokio::test]
async fn what_keeps_forking_while_it_is_ended_is_ended_all_the_same() {
    // Each lives for a moment and leaves a child: whoever is read in /proc is gone when it is signalled. It
    // stops by itself long after, should we not stop it. Those who stay come first: on a busy host the storm
    // would let hardly anybody else begin.
    let attempt = Attempt::bash(
        "END=$((EPOCHSECONDS + 300))
         hop() { trap '' TERM; ((EPOCHSECONDS < END)) || exit 0; hop & exit 0; }
         for n in {1..100}; do (trap '' TERM; exec sleep 600) & done
         for n in {1..8}; do hop & done; exit 0",
    );
    // That it ends at all within this is the proof: by itself it would go on for longer than twice that.
    let ended = tokio::time::timeout(4 * PATIENCE, attempt.start().ended()).await.expect("in time").expect("looked");
    let Standing::Ended(outcome) = ended else { panic!("no outcome: {ended:?}") };
    assert_eq!((outcome.exit, &*outcome.survivors), (Some(0), &[][..]));
    assert!(outcome.left_behind.len() >= 100, "{} were left behind", outcome.left_behind.len());
    assert_eq!(still_running(&attempt.dir()), Vec::<u32>::new());
}

#[tokio::test]
async fn an_output_held_open_from_outside_the_tree_is_told_and_waited_for_no_longer() {
    let mut attempt = Attempt::bash("echo $$ > $READY; read -r go < $AGAIN; echo last words").with_fifo();
    let again = attempt.folder.path().join("again");
    assert!(Command::new("mkfifo").arg(&again).status().expect("mkfifo").success());
    attempt.private.env.push(("AGAIN".into(), again.display().to_string()));
    let started = attempt.start();
    let main = pids(&attempt.ready().await)[0];
    // We are no descendant of the shim, and hold the very pipe.
    let held = File::options().write(true).open(format!("/proc/{main}/fd/1")).expect("its output");
    tokio::task::spawn_blocking(move || fs::write(again, "go\n").expect("written")).await.expect("joined");
    let outcome = ended(started.ended()).await;
    drop(held);
    assert_eq!((outcome.exit, outcome.held_open, &*outcome.left_behind), (Some(0), true, &[][..]));
    assert_eq!(attempt.stdout(), "last words\n");
    let told = act::outcome(Standing::Ended(Box::new(outcome)), &attempt.dir(), &Redactor::default()).words();
    assert!(told.contains("still held open from outside"), "{told}");
}

#[tokio::test]
async fn a_cancel_after_the_end_of_the_command_ends_what_it_left_and_leaves_its_end_as_it_was() {
    let attempt = Attempt::bash(
        "main=$$; (while kill -0 $main; do :; done 2>/dev/null; echo $BASHPID > $READY; exec sleep 600) & exit 7",
    )
    .with_fifo();
    let started = attempt.start();
    let left = pids(&attempt.ready().await)[0];
    proc::cancel(&attempt.dir()).expect("asked");
    let outcome = ended(started.ended()).await;
    assert_eq!((outcome.exit, outcome.ended_by), (Some(7), None));
    assert!(outcome.left_behind.contains(&left) && !lives(left), "{outcome:?}");
}

#[tokio::test]
async fn no_time_at_all_is_a_timeout_and_no_hang() {
    let mut attempt = Attempt::bash("trap '' TERM; while :; do sleep 0.05; done");
    (attempt.intent.timeout_ms, attempt.intent.grace_ms) = (0, 0);
    let outcome = attempt.run().await;
    assert_eq!((outcome.ended_by, outcome.exit), (Some(EndedBy::Timeout), None));
    assert!(still_running(&attempt.dir()).is_empty());
}

#[tokio::test]
async fn the_peak_of_memory_is_that_of_the_largest_process() {
    // A string of 64 MiB, held long enough to be seen.
    let script = "x=$(head -c 67108864 /dev/zero | tr '\\0' x); sleep 0.5; echo ${#x}";
    let outcome = Attempt::bash(script).run().await;
    let peak = outcome.peak_kib.expect("seen");
    assert!((65_536..1_048_576).contains(&peak), "{peak} KiB");
}

#[tokio::test]
async fn what_a_killed_shim_leaves_running_is_found_and_named() {
    let attempt = Attempt::bash("(exec setsid sleep 600) & echo $$ $! $PPID > $READY; exec sleep 600").with_fifo();
    let started = attempt.start();
    let [main, child, shim] = pids(&attempt.ready().await)[..] else { panic!("three pids") };
    kill(shim);
    let standing = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked");
    assert_eq!(standing, Standing::Lost);
    // One that is in the midst of its exec has no environment for a moment.
    let patience = tokio::time::Instant::now() + PATIENCE;
    let found = loop {
        let found = still_running(&attempt.dir());
        if [main, child].iter().all(|pid| found.contains(pid)) || tokio::time::Instant::now() > patience {
            break found;
        }
        tokio::task::yield_now().await;
    };
    let told = act::outcome(standing, &attempt.dir(), &Redactor::default()).words();
    let other = tempfile::tempdir().expect("a folder");
    let elsewhere = still_running(other.path());
    [main, child].into_iter().for_each(kill);
    assert!(found.contains(&main) && found.contains(&child), "{found:?} of {main} and {child}");
    assert!(told.contains("still running") && told.contains(&main.to_string()), "{told}");
    assert_eq!(elsewhere, Vec::<u32>::new());
}
