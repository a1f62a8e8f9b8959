//! What is promised of a program that is run for a look: it is told apart why it never ran, its output costs
//! bounded memory, and nothing it started is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::base::proc::tree;

const LONG: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Program {
    program(&["sh", "-c", script])
}

fn program(argv: &[&str]) -> Program {
    Program { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..Program::default() }
}

fn living(pids: &str) -> Vec<u32> {
    let everyone = tree::everyone();
    let pids: Vec<u32> = pids.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect();
    assert!(!pids.is_empty(), "it said nobody's id");
    pids.into_iter().filter(|pid| everyone.iter().any(|one| one.pid == *pid && !one.zombie)).collect()
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn its_exit_its_outputs_and_what_it_was_given_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program {
        cwd: Some(folder.path().to_owned()),
        env: vec![("GIVEN".into(), "hunter22".into())],
        stdin: Some("said\n".into()),
        ..sh("cat; echo $GIVEN; pwd -P; echo no >&2; exit 3")
    };
    let ended = run(&program, LONG, 1000).await;
    let at = folder.path().canonicalize().expect("a path");
    assert_eq!(text(&ended.stdout), format!("said\nhunter22\n{}\n", at.display()));
    assert_eq!((text(&ended.stderr).as_str(), ended.exit, ended.signal), ("no\n", Some(3), None));
    assert!(!ended.timed_out && !ended.is_cut() && !ended.held_open);
    assert_eq!((ended.left_behind, ended.survivors, &ended.error), (0, 0, &None));
    assert!(!format!("{program:?}").contains("hunter22"));
}

#[tokio::test]
async fn an_input_is_empty_where_none_is_given_and_may_be_left_unread() {
    let ended = run(&sh("cat; echo over"), LONG, 100).await;
    assert_eq!(text(&ended.stdout), "over\n");
    let unread = Program { stdin: Some("x".repeat(1 << 20)), ..sh("exec <&-; echo over") };
    let ended = run(&unread, LONG, 100).await;
    assert_eq!((text(&ended.stdout).as_str(), ended.exit), ("over\n", Some(0)));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_to_be_missing() {
    for (argv, why) in [
        (&["tminus-no-such-program"][..], "no such program on the PATH"),
        (&["./no/such/file"], "no such file"),
        (&[], "no program"),
        (&[""], "no program"),
    ] {
        let ended = run(&program(argv), LONG, 100).await;
        let error = ended.error.expect("it never ran");
        assert!(error.contains(why), "{error}");
        assert_eq!((ended.exit, ended.signal), (None, None));
    }
    let elsewhere = Program { cwd: Some("/no/such/folder".into()), ..sh("true") };
    let error = run(&elsewhere, LONG, 100).await.error.expect("it never ran");
    assert!(error.contains("there is no folder /no/such/folder"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_run_says_which_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    };
    write("plain", "#!/bin/sh\n", 0o644);
    write("stray", "#!/no/such/interpreter -x\n", 0o755);
    for (name, why) in [
        ("./plain", "plain is not executable"),
        ("./stray", "bad interpreter"),
        ("./stray", "`/no/such/interpreter -x`"),
        ("stray", "bad interpreter"),
    ] {
        let env = vec![("PATH".to_owned(), folder.path().display().to_string())];
        let program = Program { cwd: Some(folder.path().to_owned()), env, ..program(&[name]) };
        let error = run(&program, LONG, 100).await.error.expect("it never ran");
        assert!(error.contains(why), "{error}");
    }
    let by_shell = Program { cwd: Some(folder.path().to_owned()), ..sh("./stray") };
    let ended = run(&by_shell, LONG, 100).await;
    assert!(matches!(ended.exit, Some(126 | 127)), "{ended:?}");
}

#[tokio::test]
async fn a_signal_is_told_as_one() {
    let ended = run(&sh("kill -SEGV $$"), LONG, 100).await;
    assert_eq!((ended.exit, ended.signal, ended.timed_out), (None, Some(11), false));
}

#[tokio::test]
async fn a_long_output_is_counted_and_its_beginning_kept() {
    let huge = run(&sh("echo begins; head -c 1000000000 /dev/zero; head -c 100000 /dev/zero >&2"), LONG, 1 << 10).await;
    assert_eq!((huge.stdout.len(), huge.stdout_bytes), (1 << 10, 1_000_000_007));
    assert!(huge.stdout.starts_with(b"begins\n") && huge.is_cut());
    assert_eq!((huge.stderr.len(), huge.stderr_bytes), (STDERR_KEPT, 100_000));
    assert_eq!(huge.exit, Some(0));
}

#[tokio::test]
async fn a_timeout_ends_a_whole_tree_that_ignores_term() {
    // The last has left the group, the session and its parent.
    let script = "trap '' TERM; echo $$; sh -c 'trap \"\" TERM; echo $$; sleep 600 & wait; sleep 600' &
                  (setsid sh -c 'trap \"\" TERM; echo $$; sleep 600; sleep 600' &)
                  sleep 600; sleep 600";
    let ended = run(&sh(script), Duration::from_millis(500), 1000).await;
    assert!(ended.timed_out && ended.survivors == 0, "{ended:?}");
    assert_eq!(ended.signal, Some(9));
    let said = text(&ended.stdout);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert_eq!(living(&said), [0; 0]);
}

#[tokio::test]
async fn what_a_program_leaves_behind_neither_blocks_nor_lives_on() {
    let ended = run(&sh("sleep 600 & echo $!; (setsid sh -c 'echo $$; exec sleep 600' &); sleep 0.2"), LONG, 100).await;
    assert_eq!((ended.exit, ended.timed_out, ended.left_behind), (Some(0), false, 2), "{ended:?}");
    assert!(ended.took < Duration::from_secs(30));
    assert_eq!(living(&text(&ended.stdout)), [0; 0]);
    let silent = run(&sh("sleep 600 >/dev/null 2>&1 & echo $!"), LONG, 100).await;
    assert_eq!(silent.left_behind, 1);
    assert_eq!(living(&text(&silent.stdout)), [0; 0]);
}

async fn told(folder: &Path) -> String {
    loop {
        match fs::read_to_string(folder.join("pids")) {
            Ok(text) if text.ends_with("all\n") => return text.replace("all\n", ""),
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_look_that_is_given_up_ends_its_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program {
        cwd: Some(folder.path().to_owned()),
        ..sh("trap '' TERM; echo $$ > pids; sleep 600 & echo $! >> pids; echo all >> pids; wait; sleep 600")
    };
    let pids = tokio::select! {
        // Its own time must not be what ends it.
        ended = run(&program, LONG * 60, 100) => panic!("it ended: {ended:?}"),
        pids = told(folder.path()) => pids,
    };
    assert_eq!(living(&pids).len(), 2, "they lived");
    let gone = async {
        while !living(&pids).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("they were ended");
}

/// How many live in `folder`.
fn living_in(folder: &Path) -> usize {
    let here = |one: &tree::Process| fs::read_link(format!("/proc/{}/cwd", one.pid)).is_ok_and(|cwd| cwd == folder);
    tree::everyone().iter().filter(|one| !one.zombie && here(one)).count()
}

#[tokio::test]
async fn one_that_is_given_up_before_anybody_looked_after_it_ends_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("a path");
    let program = Program { cwd: Some(place.clone()), ..sh("sleep 600") };
    let mut looking = Box::pin(run(&program, LONG * 60, 100));
    assert!(futures_util::poll!(&mut looking).is_pending());
    assert!(living_in(&place) > 0, "it was started");
    drop(looking);
    let gone = async {
        while living_in(&place) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("it was ended");
}

#[test]
fn where_the_runtime_ends_nobody_is_left_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program {
        cwd: Some(folder.path().to_owned()),
        ..sh("trap '' TERM; echo $$ > pids; echo all >> pids; sleep 600; sleep 600")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pids = runtime.block_on(async {
        tokio::select! {
            ended = run(&program, LONG, 100) => panic!("it ended: {ended:?}"),
            pids = told(folder.path()) => pids,
        }
    });
    drop(runtime);
    while !living(&pids).is_empty() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn lines_come_as_they_are_written_and_long_ones_are_cut() {
    let script = "echo one; echo two >&2; head -c 100000 /dev/zero; echo; printf 'wi\\377de\\r\\nno break'; exit 4";
    let mut follower = follow(&sh(script)).expect("started");
    let mut lines = Vec::new();
    while let Some(line) = follower.next().await {
        lines.push(line);
    }
    let (err, out): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.from == Channel::Stderr);
    assert_eq!(err, [Line { from: Channel::Stderr, text: "two".into(), cut: false }]);
    let texts: Vec<_> = out.iter().map(|line| (line.text.len(), line.cut)).collect();
    assert_eq!(texts, [(3, false), (16 << 10, true), (7, false), (8, false)]);
    assert_eq!(out[2].text, "wi\u{fffd}de");
    let ended = follower.ended().await;
    assert_eq!((ended.exit, text(&ended.stderr).as_str()), (Some(4), "two\n"));
}

#[tokio::test]
async fn whoever_writes_faster_than_he_is_read_waits_and_loses_nothing() {
    let mut follower = follow(&sh("seq 100000")).expect("started");
    let mut count = 0;
    while let Some(line) = follower.next().await {
        count += 1;
        assert_eq!(line.text, count.to_string());
    }
    assert_eq!(count, 100_000);
}

#[tokio::test]
async fn a_follower_that_goes_ends_what_it_followed() {
    let mut follower = follow(&sh("echo $$; while :; do echo y; done")).expect("started");
    let pid = follower.next().await.expect("a line").text;
    assert_eq!(living(&pid).len(), 1);
    drop(follower);
    while !living(&pid).is_empty() {
        tokio::task::yield_now().await;
    }
    let endless = follow(&sh("while :; do echo y; done")).expect("started");
    let ended = tokio::time::timeout(LONG, endless.ended()).await.expect("it was ended");
    assert!(!ended.timed_out);
}
