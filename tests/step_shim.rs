//! What the shim promises: an outcome for every command that was claimed, whole outputs without secrets,
//! and nobody left of what it started.

use crate::preload;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tminus::base::proc::{self, EndedBy, Standing};

use crate::attempt::{Attempt, PATIENCE, PROGRAM, ended, lives, pids};

#[tokio::test]
async fn exit_codes_signals_and_times_are_told() {
    for (script, exit, signal) in [
        ("exit 0", Some(0), None),
        ("exit 7", Some(7), None),
        ("no-such-program-here", Some(127), None),
        ("kill -9 $$", None, Some(9)),
    ] {
        let outcome = Attempt::bash(script).run().await;
        assert_eq!((outcome.exit, outcome.signal, outcome.error), (exit, signal, None), "{script}");
        assert!(outcome.started_ms > 0 && outcome.ended_ms >= outcome.started_ms);
        assert_eq!(outcome.ended_by, None);
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_an_error_and_no_exit_code() {
    let missing = Attempt::of(&["/no/such/program"]).run().await;
    assert!(missing.error.expect("an error").contains("/no/such/program"));
    assert_eq!((missing.exit, missing.signal), (None, None));

    let mut nowhere = Attempt::of(&["true"]);
    nowhere.intent.cwd = Some("/no/such/folder".into());
    assert!(nowhere.run().await.error.expect("an error").contains("no folder /no/such/folder"));
    assert!(Attempt::of(&[]).run().await.error.expect("an error").contains("empty"));
}

#[tokio::test]
async fn environment_input_and_folder_arrive_and_no_value_is_on_disk() {
    let mut attempt = Attempt::bash("pwd; cat; echo $#; echo ${#TOKEN}");
    attempt.intent.cwd = Some(attempt.folder.path().canonicalize().expect("a path"));
    attempt.intent.env = vec!["TOKEN".into()];
    attempt.private.env = vec![("TOKEN".into(), "s3cret-value".into())];
    attempt.private.stdin = Some("from stdin\n".repeat(20_000));
    let outcome = attempt.run().await;
    assert_eq!(outcome.exit, Some(0));
    let stdout = attempt.stdout();
    assert!(stdout.starts_with(attempt.intent.cwd.as_ref().expect("set").to_str().expect("text")));
    assert!(stdout.ends_with("from stdin\n0\n12\n"));
    for file in fs::read_dir(attempt.dir()).expect("a folder") {
        let path = file.expect("a file").path();
        let text = String::from_utf8_lossy(&fs::read(&path).expect("read")).into_owned();
        assert!(!text.contains("s3cret-value"), "{}", path.display());
    }
}

#[tokio::test]
async fn secrets_are_removed_from_both_outputs_even_across_writes() {
    // The second half comes only after the first was read: the fifo is written between them.
    let mut attempt = Attempt::bash(
        "printf 'a hunter22 b hunt'; echo go > $READY; read -r go < $AGAIN; printf 'er22 c\\n'; echo hunter22 >&2",
    )
    .with_fifo();
    let again = attempt.folder.path().join("again");
    assert!(Command::new("mkfifo").arg(&again).status().expect("mkfifo").success());
    attempt.private.env.push(("AGAIN".into(), again.display().to_string()));
    attempt.private.secrets = vec!["hunter22".into()];
    let started = attempt.start();
    assert_eq!(attempt.ready().await, "go\n");
    tokio::task::spawn_blocking(move || fs::write(again, "go\n").expect("written")).await.expect("joined");
    let outcome = ended(started.ended()).await;
    assert_eq!(outcome.exit, Some(0));
    let stderr = fs::read_to_string(attempt.dir().join("stderr")).expect("stderr");
    for text in [attempt.stdout(), stderr] {
        assert!(!text.contains("hunt") && !text.contains("er22"), "{text}");
    }
    assert!(attempt.stdout().starts_with("a ") && attempt.stdout().ends_with(" c\n"));
}

#[tokio::test]
async fn a_timeout_ends_descendants_that_ignore_term_and_that_left_the_session() {
    let mut attempt = Attempt::bash(
        "trap '' TERM
         (trap '' TERM; exec sleep 600) & one=$!
         setsid bash -c 'trap \"\" TERM; bash -c \"echo \\$\\$ > $READY.deep; exec sleep 600\" & sleep 600' &
         while ! test -s $READY.deep; do :; done
         echo $$ $one $(cat $READY.deep) > $READY
         while :; do sleep 600; done",
    )
    .with_fifo();
    attempt.intent.timeout_ms = 1_500;
    let started = attempt.start();
    let tree = pids(&attempt.ready().await);
    assert_eq!(tree.len(), 3);
    assert!(tree.iter().all(|pid| lives(*pid)));
    let outcome = ended(started.ended()).await;
    assert_eq!(outcome.ended_by, Some(EndedBy::Timeout));
    assert_eq!((outcome.signal, &*outcome.survivors), (Some(9), &[][..]));
    assert!(!tree.into_iter().any(lives));
}

#[tokio::test]
async fn a_cancel_lets_the_command_end_itself_and_says_who_ended_it() {
    let attempt =
        // A TERM just before a command blocks is seen when that command ends: it must not block for long.
        Attempt::bash("trap 'echo cleaned up; exit 3' TERM; echo $$ > $READY; while :; do sleep 0.05; done")
            .with_fifo();
    let started = attempt.start();
    let main = pids(&attempt.ready().await);
    assert!(proc::cancel(&attempt.dir()).expect("asked"));
    let outcome = ended(started.ended()).await;
    assert_eq!((outcome.exit, outcome.ended_by), (Some(3), Some(EndedBy::Cancel)));
    assert_eq!(attempt.stdout(), "cleaned up\n");
    assert!(!lives(main[0]));
    assert!(!proc::cancel(&attempt.dir()).expect("nobody there"), "an attempt that ended cannot be cancelled");
}

#[tokio::test]
async fn what_holds_the_pipe_open_after_the_end_is_ended_and_reported() {
    let attempt = Attempt::bash("(setsid sleep 600 & echo $! ) ; echo last words");
    let outcome = attempt.run().await;
    assert_eq!((outcome.exit, outcome.ended_by), (Some(0), None));
    let stdout = attempt.stdout();
    let (pid, words) = stdout.split_once('\n').expect("two lines");
    assert_eq!(words, "last words\n");
    assert_eq!(outcome.left_behind, pids(pid));
    assert!(outcome.took_ms < 600_000 && !lives(outcome.left_behind[0]));
}

#[tokio::test]
async fn a_pipeline_that_outlives_its_shell_keeps_its_last_lines() {
    let outcome = Attempt::bash("exec > >(while read -r l; do echo \"<$l>\"; done); seq 2000; exit 0");
    let end = outcome.run().await;
    assert_eq!(end.exit, Some(0));
    assert!(outcome.stdout().ends_with("<2000>\n"));
    assert_eq!(end.left_behind, Vec::<u32>::new());
}

#[tokio::test]
async fn two_shims_on_one_attempt_run_it_once() {
    let attempt = Attempt::bash("echo ran >> $READY.count");
    let mut attempt = attempt.with_fifo();
    attempt.private.env.push(("OTHER".into(), String::new()));
    let first = attempt.start();
    let second = attempt.start();
    let third = attempt.start();
    for started in [first, second, third] {
        let standing = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked");
        assert!(matches!(standing, Standing::Ended(_) | Standing::Running { .. }), "{standing:?}");
    }
    ended(proc::ended(&attempt.dir())).await;
    let count = fs::read_to_string(attempt.folder.path().join("ready.count")).expect("ran");
    assert_eq!(count, "ran\n");
}

#[tokio::test]
async fn a_fenced_attempt_never_runs() {
    let attempt = Attempt::bash("touch $READY.ran").with_fifo();
    assert!(proc::fence(&attempt.dir(), "taken over").expect("fenced"));
    let outcome = attempt.run().await;
    assert_eq!(outcome.error.as_deref(), Some("taken over"));
    assert!(!attempt.folder.path().join("ready.ran").exists());
}

#[tokio::test]
async fn the_death_of_its_console_does_not_stop_a_step() {
    let attempt = Attempt::bash("echo $$ > $READY; read -r go < $READY; echo went on; exit 5").with_fifo();
    let dir = attempt.dir();
    fs::create_dir(&dir).expect("made");
    fs::write(dir.join("intent.json"), serde_json::to_vec(&attempt.intent).expect("json")).expect("written");
    let handed = attempt.folder.path().join("handed");
    fs::write(&handed, serde_json::to_vec(&attempt.private).expect("json")).expect("written");
    // A shell in a group of its own stands for the console and its terminal.
    let script = "\"$0\" __shim \"$1\" < \"$2\" & wait";
    let arguments: [&OsStr; 5] = ["-c".as_ref(), script.as_ref(), PROGRAM.as_ref(), dir.as_ref(), handed.as_ref()];
    let mut console =
        Command::new("bash").args(arguments).process_group(0).stdout(Stdio::null()).spawn().expect("a console");
    let main = pids(&attempt.ready().await);
    let group = Pid::from_child(&console);
    kill_process_group(group, Signal::HUP).expect("hung up");
    let _ = kill_process_group(group, Signal::KILL);
    console.wait().expect("gone");
    assert!(matches!(proc::look(&dir).expect("looked"), Standing::Running { .. }));
    assert!(lives(main[0]));
    let fifo = attempt.fifo();
    tokio::task::spawn_blocking(move || fs::write(fifo, "go\n").expect("written")).await.expect("joined");
    let outcome = ended(proc::ended(&dir)).await;
    assert_eq!((outcome.exit, outcome.ended_by), (Some(5), None));
    assert_eq!(attempt.stdout(), "went on\n");
}

#[tokio::test]
async fn a_shim_that_was_killed_leaves_a_lost_attempt_and_no_made_up_outcome() {
    let attempt = Attempt::bash("echo $$ $PPID > $READY; read -r go < $READY").with_fifo();
    let started = attempt.start();
    let running = pids(&attempt.ready().await);
    for pid in running.into_iter().rev() {
        let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, Signal::KILL).expect("killed");
    }
    let standing = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked");
    assert_eq!(standing, Standing::Lost);
}

#[tokio::test]
async fn an_attempt_is_stopped_before_its_claim_and_after_it() {
    let early = Attempt::bash("touch $READY.ran").with_fifo();
    assert!(proc::stop(&early.dir(), "cancelled").expect("stopped"));
    assert_eq!(early.run().await.error.as_deref(), Some("cancelled"));
    assert!(!early.folder.path().join("ready.ran").exists());

    let late = Attempt::bash("echo on > $READY; exec sleep 600").with_fifo();
    let started = late.start();
    late.ready().await;
    assert!(proc::stop(&late.dir(), "cancelled").expect("asked"));
    let outcome = ended(started.ended()).await;
    assert_eq!((outcome.error, outcome.ended_by), (None, Some(EndedBy::Cancel)));
    assert!(!proc::stop(&late.dir(), "cancelled").expect("tried"), "nobody is left to ask");
}

#[tokio::test]
async fn a_command_whose_outcome_has_no_room_on_the_disk_never_runs() {
    let attempt = Attempt::bash("touch $READY.ran").with_fifo();
    let dir = attempt.dir();
    fs::create_dir(&dir).expect("made");
    fs::write(dir.join("intent.json"), serde_json::to_vec(&attempt.intent).expect("json")).expect("written");
    let handed = attempt.folder.path().join("handed");
    fs::write(&handed, serde_json::to_vec(&attempt.private).expect("json")).expect("written");
    // No file of this shim may grow to what an outcome is given.
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" __shim \"$1\" < \"$2\"";
    let arguments: [&OsStr; 5] = ["-c".as_ref(), script.as_ref(), PROGRAM.as_ref(), dir.as_ref(), handed.as_ref()];
    let shim = Command::new("bash").args(arguments).output().expect("ran");
    assert_eq!(shim.status.code(), Some(proc::CANNOT_BEGIN));
    assert_eq!(proc::look(&dir).expect("looked"), Standing::NotClaimed);
    assert!(!attempt.folder.path().join("ready.ran").exists());
    // With room again, the same attempt runs.
    assert_eq!(attempt.run().await.exit, Some(0));
}

/// Runs the shim on `attempt` where syncs of what has `word` in its path are refused.
fn refused(attempt: &Attempt, word: &str) -> Option<i32> {
    let (dir, control) = (attempt.dir(), attempt.folder.path().join("faults"));
    fs::create_dir(&dir).expect("made");
    fs::write(dir.join("intent.json"), serde_json::to_vec(&attempt.intent).expect("json")).expect("written");
    fs::write(&control, format!("sync 5 {word}\n")).expect("written");
    let handed = attempt.folder.path().join("handed");
    fs::write(&handed, serde_json::to_vec(&attempt.private).expect("json")).expect("written");
    let mut shim = Command::new(PROGRAM);
    shim.args([OsStr::new(proc::SHIM), dir.as_ref()]).stdin(fs::File::open(handed).expect("opened"));
    shim.env("LD_PRELOAD", preload::library()).env("TMINUS_FAULTS", control);
    shim.output().expect("ran").status.code()
}

#[tokio::test]
async fn a_command_whose_claim_is_not_on_the_disk_never_runs() {
    // The claim itself, then the folder that holds its name.
    for word in ["/claim", "/attempt"] {
        let attempt = Attempt::bash("touch $READY.ran").with_fifo();
        refused(&attempt, word);
        let Ok(Standing::Ended(outcome)) = proc::look(&attempt.dir()) else { panic!("{word}: no outcome") };
        assert!(outcome.never_ran, "{word}: {outcome:?}");
        assert!(outcome.error.expect("said").contains("its claim could not be synced"), "{word}");
        assert!(!attempt.folder.path().join("ready.ran").exists(), "{word}");
    }
}

#[tokio::test]
async fn a_step_of_a_rollback_runs_on_a_disk_that_refuses_to_sync_and_says_so() {
    let mut attempt = Attempt::bash("touch $READY.ran").with_fifo();
    attempt.intent.unsynced = true;
    refused(&attempt, "/attempt");
    let Ok(Standing::Ended(outcome)) = proc::look(&attempt.dir()) else { panic!("no outcome") };
    assert_eq!((outcome.exit, outcome.unsynced), (Some(0), true), "{outcome:?}");
    assert!(attempt.folder.path().join("ready.ran").exists());
}

#[test]
fn a_shim_that_is_seen_by_its_lock_alone_is_waited_for_and_holds_up_nobody() {
    let attempt = Attempt::of(&["true"]);
    fs::create_dir(attempt.dir()).expect("made");
    // No process has such a number, as none has that of another PID namespace.
    fs::write(attempt.dir().join("claim"), "4000000000").expect("written");
    let claim = fs::File::open(attempt.dir().join("claim")).expect("opened");
    claim.lock().expect("locked");
    let (dir, (told, telling)) = (attempt.dir(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let gone = proc::ended(&dir);
            tokio::pin!(gone);
            // Whatever else this thread has to do goes on meanwhile.
            let soon = tokio::time::timeout(std::time::Duration::from_millis(200), &mut gone);
            assert!(soon.await.is_err(), "its lock is held");
            drop(claim);
            told.send(gone.await.expect("looked")).expect("told");
        });
    });
    assert_eq!(telling.recv_timeout(PATIENCE).expect("in time"), Standing::Lost);
}
