//! A rollback from any terminal: with the holder frozen, dead or gone, with a journal that is broken or
//! missing. One at a time, nothing twice, and the journal has it once it can.

#[path = "rollback_anywhere/alone.rs"]
mod alone;
#[path = "rollback_anywhere/hostile.rs"]
mod hostile;
#[path = "rollback_anywhere/place.rs"]
mod place;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::anywhere::{Launch, WAITS, ended_children, facts, is_over, requests, says, started, stopped, verified};
use crate::binary::{ended, pid, signal};
use crate::told::records;
use crate::wait::comes;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use tminus::base::boundary;
use tminus::clock;
use tminus::engine::rollback::{self, Entry, Log, Opened};
use tminus::launch::event::{Event, Recorded, RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, RollbackId};
use tokio::process::Command;

#[tokio::test]
async fn a_holder_stopped_in_the_middle_of_a_transaction_delays_no_rollback() {
    let launch = Launch::new("true").await;
    // Its second transaction is the intent of its step: it stops between the record and the commit.
    let holder = launch.fly(&[("TMINUS_BOUNDARY", "append-in-transaction#2=stop")]);
    stopped(&holder).await;
    let asked = clock::wall();
    let ran = ended(launch.ask("back", &["--why", "it is bad", "--name", "bob", "--as", "ops"])).await;
    verified(&ran);
    let first = started(&launch.log(1, "back")).at - asked;
    println!("from the command's start to the first step: {} ms", first.num_milliseconds());
    assert!(first.num_milliseconds() < 5_000, "{first}");
    assert_eq!(launch.ran(), "back/one\nback/two\n");

    signal(&holder, Signal::CONT);
    launch.until(is_over).await;
    let ran = ended(holder).await;
    let all = records(&launch.folder);
    assert_eq!(requests(&all), [(1, "back".to_owned(), "bob".to_owned())]);
    let by = all.iter().find(|record| matches!(record.event, Event::RollbackRequested { .. })).expect("one");
    assert_eq!(by.actor.role, Some("ops".into()));
    let told: Vec<RollbackFact> = launch.log(1, "back").into_iter().map(|entry| entry.fact).collect();
    assert_eq!(facts(&all, 1), told, "every fact of the log, in its order");
    // The step whose intent was in that transaction is fenced: the rollback came first.
    assert_eq!(launch.ran(), "back/one\nback/two\n", "{ran:?}");
    let fenced = |record: &Recorded| matches!(&record.event, Event::StepEnded { outcome, .. } if outcome.never_ran);
    assert!(all.iter().any(fenced), "{ran:?}");
    assert_eq!(ran.code, Some(4), "{ran:?}");
}

#[tokio::test]
async fn a_step_whose_holder_was_stopped_on_the_way_to_it_does_not_run_after_the_rollback() {
    let launch = Launch::new("true").await;
    let holder = launch.fly(&[("TMINUS_BOUNDARY", "intent-kept=stop")]);
    stopped(&holder).await;
    verified(&ended(launch.ask("back", &[])).await);
    signal(&holder, Signal::CONT);
    launch.until(is_over).await;
    let ran = ended(holder).await;
    assert_eq!(launch.ran(), "back/one\nback/two\n", "the step never runs: {ran:?}");
    let fenced = |record: &Recorded| matches!(&record.event, Event::StepEnded { outcome, .. } if outcome.never_ran);
    assert!(records(&launch.folder).iter().any(fenced), "{ran:?}");
    assert_eq!(ran.code, Some(4), "{ran:?}");
}

#[tokio::test]
async fn a_holder_that_lives_records_it_by_the_askers_name_while_it_runs() {
    let launch = Launch::new(WAITS).await;
    let holder = launch.holder().await;
    let asked = launch.ask("back", &["--why", "it is bad", "--name", "bob"]);
    launch.on().await;
    launch
        .until(|record| matches!(record.event, Event::RollbackTold { fact: RollbackFact::StepStarted { .. }, .. }))
        .await;
    assert_eq!(requests(&records(&launch.folder)), [(1, "back".to_owned(), "bob".to_owned())]);
    launch.go().await;
    verified(&ended(asked).await);
    launch.until(is_over).await;
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
    launch.open("fifo").await;
    let ran = ended(holder).await;
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let starts = facts(&records(&launch.folder), 1);
    let runners = starts.iter().filter(|fact| matches!(fact, RollbackFact::Started { .. })).count();
    assert_eq!(runners, 1, "no second runner while the first lives");
}

#[tokio::test]
async fn a_request_that_was_frozen_with_its_console_joins_what_ran_meanwhile() {
    // The request of the console itself stands in its journal, and its runner begins only now.
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let number = rollback::number(&launch.folder, 0).expect("a number");
    verified(&ended(launch.ask("front", &[])).await);
    let late = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"))
        .args([rollback::ROLLBACK, &launch.at(), &number.to_string(), "back"])
        .output()
        .expect("ran");
    assert_eq!(late.status.code(), Some(rollback::code::JOINED), "{late:?}");
    let joined = RollbackEnd::Joined { run: number + 1, rollback: RollbackId::new("front") };
    assert_eq!(launch.end(number, "back"), Some(joined));
    assert_eq!(launch.rolled(), "front/one\nfront/two\n", "what was asked for an hour ago does not run now");
}

#[tokio::test]
async fn a_second_request_joins_the_first_whatever_it_asked_for() {
    let launch = Launch::new(WAITS).await;
    launch.abandoned().await;
    let first = launch.ask("back", &[]);
    launch.on().await;
    let mut joined = [launch.ask("back", &[]), launch.ask("front", &[])];
    for second in &mut joined {
        says(second, "Run 1 of back is under way: joined it").await;
    }
    launch.go().await;
    verified(&ended(first).await);
    for second in joined {
        verified(&ended(second).await);
    }
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
    // What has ended is joined no more.
    let again = launch.ask("front", &[]);
    launch.on().await;
    launch.go().await;
    verified(&ended(again).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\nfront/one\nfront/two\n");
}

#[tokio::test]
async fn of_two_at_once_one_runs_and_the_journal_tells_of_both() {
    let launch = Launch::new(WAITS).await;
    launch.abandoned().await;
    for round in 0..3 {
        let before = launch.rolled();
        let mut asked = ["back", "front", "back", "front"].map(|id| launch.ask(id, &[]));
        launch.on().await;
        for one in &mut asked {
            says(one, "ROLLBACK ").await;
        }
        launch.go().await;
        for one in asked {
            verified(&ended(one).await);
        }
        let ran = launch.rolled();
        let new = ran.strip_prefix(&before).expect("nothing is lost");
        assert!(["back/one\nback/two\n", "front/one\nfront/two\n"].contains(&new), "round {round}: {new}");
    }
    // A console that returns reads in what ran while nobody held the launch, and those that gave way.
    launch.open("fifo").await;
    let ran = ended(launch.fly(&[])).await;
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let all = records(&launch.folder);
    let runs = rollback::runs(&launch.folder).expect("read");
    let known = requests(&all);
    assert_eq!(
        known.iter().map(|(run, ..)| *run).collect::<Vec<_>>(),
        runs.iter().map(|found| found.run).collect::<Vec<_>>()
    );
    for (run, id, _) in known {
        let told: Vec<RollbackFact> = launch.log(run, &id).into_iter().map(|entry| entry.fact).collect();
        assert_eq!(facts(&all, run), told);
    }
    let acted = |end: &&RollbackEnd| **end == RollbackEnd::Verified;
    let ends: Vec<RollbackEnd> =
        runs.iter().filter_map(|found| launch.end(found.run, found.rollback.as_str())).collect();
    assert_eq!(ends.iter().filter(acted).count(), 3, "{ends:?}");
    assert!(ends.iter().all(|end| matches!(end, RollbackEnd::Verified | RollbackEnd::Joined { .. })), "{ends:?}");
}

#[tokio::test]
async fn it_outlives_its_starter_and_its_terminal() {
    for how in [Signal::KILL, Signal::HUP, Signal::INT] {
        let launch = Launch::new(WAITS).await;
        launch.abandoned().await;
        // A shell in a group of its own stands for the terminal.
        let mut terminal = Command::new("bash")
            .args(["-c", "\"$0\" rollback \"$1\" back --yes & wait", env!("CARGO_BIN_EXE_tminus"), &launch.at()])
            .process_group(0)
            .stdout(Stdio::null())
            .spawn()
            .expect("a terminal");
        let log = rollback::log_of(&launch.folder, 1, &"back".into());
        comes("log", || log.parent().is_some_and(Path::exists)).await;
        kill_process_group(pid(&terminal), how).expect("told");
        let _ = kill_process_group(pid(&terminal), Signal::KILL);
        terminal.wait().await.expect("gone");
        // Wherever it was in its beginning, the same command goes on with it.
        let mut again = launch.ask("back", &[]);
        says(&mut again, "ROLLBACK ").await;
        launch.on().await;
        launch.go().await;
        verified(&ended(again).await);
        assert_eq!(launch.rolled(), "back/one\nback/two\n", "{how:?}");
    }
}

#[tokio::test]
async fn a_runner_whose_parent_is_outside_its_namespace_leaves_its_session() {
    let launch = Launch::new(WAITS).await;
    launch.abandoned().await;
    let number = rollback::number(&launch.folder, 0).expect("a number").to_string();
    // The first process of a namespace has its group outside. It adopts the runner of a starter that died at
    // once, which is the leader of a group in the session of a terminal.
    let namespace = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let given = std::process::Command::new("unshare").args(namespace).arg("true").output();
    if !given.is_ok_and(|ran| ran.status.success()) {
        println!("the system gives no namespace: there is nothing to see");
        return;
    }
    let orphan = r#"until [ "$(cut -d" " -f4 /proc/$$/stat)" = 1 ]; do sleep 0.01; done; exec "$0" "$@""#;
    let session = format!("sleep 600 & set -m; bash -c '{orphan}' \"$0\" \"$@\" &");
    let runner = env!("CARGO_BIN_EXE_tminus");
    let mut outside = Command::new("unshare")
        .args(namespace)
        .args([
            "bash",
            "-c",
            "setsid bash -c \"$@\"; exec sleep 600",
            "bash",
            &session,
            runner,
            rollback::ROLLBACK,
            &launch.at(),
            &number,
            "back",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("unshare starts");
    launch.on().await;
    let leaders = fs::read_dir("/proc").expect("read").filter_map(|entry| {
        let path = entry.ok()?.path();
        let command = fs::read_to_string(path.join("cmdline")).ok()?;
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let ours = command.contains(rollback::ROLLBACK) && command.contains(&launch.at());
        let pid = path.file_name()?.to_str()?.to_owned();
        (ours && command.starts_with(runner)).then(|| stat.rsplit(") ").next().map(|rest| (pid, rest.to_owned())))?
    });
    let leaders: Vec<_> = leaders.collect();
    let leads = |(pid, rest): &(String, String)| rest.split(' ').nth(3) == Some(pid);
    assert!(!leaders.is_empty() && leaders.iter().all(leads), "a session of its own: {leaders:?}");
    launch.go().await;
    comes("its end", || launch.end(1, "back") == Some(RollbackEnd::Verified)).await;
    outside.kill().await.expect("ended");
}

#[tokio::test]
async fn who_looks_and_is_frozen_refuses_no_rollback() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let killed = [("TMINUS_BOUNDARY", "rollback-step-ended=kill")];
    assert_eq!(ended(launch.ask_with("back", &[], &killed)).await.code, Some(2));
    // As whoever was stopped between taking a lock and giving it back: of the launch, and of the run's log.
    let log = rollback::log_of(&launch.folder, 1, &"back".into());
    let looks = [launch.folder.join("rollback/lock"), log].map(|path| {
        let file = fs::File::open(path).expect("opened");
        file.lock_shared().expect("looked at");
        file
    });
    verified(&ended(launch.ask("back", &[])).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
    // Still one at a time: runners keep each other out by a lock that nobody looks at.
    let mut both = ["front", "back"].map(|id| launch.ask(id, &[]));
    for one in &mut both {
        says(one, "ROLLBACK ").await;
    }
    for one in both {
        verified(&ended(one).await);
    }
    let more = launch.rolled().replacen("back/one\nback/two\n", "", 1);
    let whole = ["back/one\nback/two\n", "front/one\nfront/two\n"];
    let (first, second) = more.split_at(more.find("two\n").expect("one ran") + 4);
    assert!(whole.contains(&first) && (second.is_empty() || whole.contains(&second)), "{more}");
    drop(looks);
}

#[tokio::test]
async fn one_that_was_begun_after_the_launch_ended_is_named_all_the_same() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let folder = tminus::journal::LaunchFolder::open(&launch.folder).expect("there");
    let holder = tminus::journal::Holder::here("ann", clock::wall());
    let opened = tminus::journal::open(&folder, tminus::journal::Purpose::Act(holder)).expect("opened");
    let (last, journal) = (opened.records.last().expect("records").at, opened.journal.expect("to act"));
    let now = tminus::launch::time::Now { instant: last, wall: clock::wall() };
    let end = Event::LaunchEnded { why: "it is over".into() };
    let draft = tminus::journal::Draft::now(now, tminus::launch::event::Actor::engine(), end);
    journal.append(vec![draft], tminus::journal::Durable::Synced).await.expect("appended");
    journal.close().await;
    verified(&ended(launch.ask("back", &[])).await);
    let log = launch.place.run(&["log", &launch.at()]).await;
    assert!(log.out.contains("ROLLBACK back (run 1)"), "{log:?}");
    assert!(log.err.contains("the launch has ended: no console reads them in"), "{log:?}");
    assert!(log.out.contains("(not in the journal: the launch has ended)"), "{log:?}");
    let seen = launch.place.run(&["verify", &launch.at()]).await;
    let told = "begun after the launch had ended: no record tells of it";
    assert!(seen.code == Some(0) && seen.out.contains(told), "{seen:?}");
    let report = launch.place.run(&["report", &launch.at(), "--markdown"]).await;
    for said in ["✗ ROLLBACK back", "The journal does not tell of it", "by their runners' own logs"] {
        assert!(report.out.contains(said), "{said} in {}", report.out);
    }
    assert!(!report.out.contains("None was asked for"), "{}", report.out);
    let bundle = launch.place.path("launch.zip");
    let ran = launch.place.run(&["bundle", &launch.at(), "-o", &bundle.display().to_string()]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut zip = tminus::base::zip::Archive::open(fs::File::open(&bundle).expect("there")).expect("opens");
    let place = zip.find("report.md").expect("a page");
    let (page, _) = zip.content(place, 1 << 20).expect("reads");
    assert_eq!(String::from_utf8(page).expect("text"), report.out, "the bundle says the same");
    let ran = ended(launch.fly(&[])).await;
    assert!(ran.out.contains("rollback back #1: VERIFIED") && ran.out.contains("not in the journal"), "{ran:?}");
    launch.open("fifo").await;
}

#[tokio::test]
async fn an_interrupt_detaches_and_the_same_command_attaches_again() {
    let launch = Launch::new(WAITS).await;
    launch.abandoned().await;
    let first = launch.ask("back", &[]);
    launch.on().await;
    signal(&first, Signal::INT);
    let ran = ended(first).await;
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let again = format!("tminus rollback {}", fs::canonicalize(&launch.folder).expect("there").display());
    assert!(ran.out.contains("the rollback goes on") && ran.out.contains(&again), "{ran:?}");
    let mut again = launch.ask("back", &[]);
    says(&mut again, "Run 1 of back is under way: joined it").await;
    launch.go().await;
    verified(&ended(again).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
}

#[tokio::test]
async fn killed_at_each_boundary_it_goes_on_where_it_stood() {
    let places = boundary::OF_ROLLBACKS.iter().chain(&["rollback-step-intent#2", "rollback-step-ended#2"]);
    let rounds = places.map(|place| async move {
        let launch = Launch::new("true").await;
        launch.abandoned().await;
        let boundary = format!("{place}=kill");
        let first = ended(launch.ask_with("back", &[], &[("TMINUS_BOUNDARY", &boundary)])).await;
        assert_eq!(first.code, Some(2), "{place}: {first:?}");
        assert!(first.out.contains("CANNOT TELL"), "{place}: {first:?}");
        let before = launch.rolled();
        let second = ended(launch.ask("back", &[])).await;
        let ran = launch.rolled();
        // Only a runner that never told anything has left nothing to go on with.
        if *place != "rollback-log-open" {
            assert!(second.out.contains("Run 1 of back had lost its runner"), "{place}: {second:?}");
        }
        verified(&second);
        assert!(ran.starts_with(&before), "{place}: {ran}");
        assert_eq!(ran, "back/one\nback/two\n", "{place}: nothing twice, nothing left out");
    });
    futures_util::future::join_all(rounds).await;
}

#[tokio::test]
async fn what_cannot_be_started_is_said_and_nothing_runs() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let at = launch.at();
    let told = [
        (vec!["rollback", &at, "back"], "add --yes"),
        (vec!["rollback", &at, "bakc", "--yes"], "did you mean `back`?"),
        (vec!["rollback", &at, "back", "--yes", "--as", "opps"], "did you mean `ops`?"),
        (vec!["rollback", "/nowhere/at/all", "back", "--yes"], "there is no launch at"),
    ];
    for (arguments, why) in told {
        let ran = launch.place.run(&arguments).await;
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.err.contains(why), "{ran:?}");
    }
    assert_eq!(launch.rolled(), "");
    assert_eq!(rollback::runs(&launch.folder).expect("read"), []);
}

#[tokio::test]
async fn what_the_journal_does_not_know_is_listed_and_logged_all_the_same() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    verified(&ended(launch.ask("back", &["--why", "it is bad", "--name", "bob"])).await);
    let listed = launch.place.run(&["rollback", &launch.at()]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(
        listed.out.contains("front") && listed.out.contains("run 1 of back by bob: it is bad: VERIFIED"),
        "{listed:?}"
    );
    let log = launch.place.run(&["log", &launch.at()]).await;
    assert_eq!(log.code, Some(0), "{log:?}");
    assert!(log.err.contains("does not know 1 rollback"), "{log:?}");
    let marked: Vec<&str> = log.out.lines().filter(|line| line.contains("(not in the journal yet)")).collect();
    assert_eq!(marked.len(), launch.log(1, "back").len() + 1, "{log:?}");
    assert!(marked[0].contains("ROLLBACK back (run 1) by bob: it is bad"), "{log:?}");
    assert!(marked.last().is_some_and(|line| line.contains("VERIFIED")), "{log:?}");

    launch.open("fifo").await;
    ended(launch.fly(&[])).await;
    let log = launch.place.run(&["log", &launch.at()]).await;
    assert!(!log.out.contains("not in the journal yet") && log.err.is_empty(), "{log:?}");
}

#[tokio::test]
async fn rollbacks_that_nobody_can_look_at_are_not_taken_for_none() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let folder = launch.folder.join("rollback");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
    std::fs::write(&folder, "no folder").expect("written");
    let log = launch.place.run(&["log", &launch.at()]).await;
    let said = "tminus: the folder of rollbacks cannot be read, there may have been some: ";
    assert!(log.code == Some(2) && log.err.contains(said), "{log:?}");
    launch.open("fifo").await;
    let summed = ended(launch.fly(&[])).await;
    assert!(summed.out.contains(said.trim_start_matches("tminus: ")), "{summed:?}");
}

#[tokio::test]
async fn a_request_that_nobody_took_up_is_not_begun_an_hour_later() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let hour = chrono::TimeDelta::hours(1);
    let by = tminus::launch::event::Actor::person("bob", None);
    let run = rollback::number(&launch.folder, 0).expect("a number");
    let request = rollback::Request::new("back".into(), run, &by, "it was bad", clock::wall() - hour);
    request.publish(&launch.folder).expect("published");
    launch.open("fifo").await;
    ended(launch.fly(&[])).await;
    let all = records(&launch.folder);
    assert_eq!(requests(&all), [(run, "back".to_owned(), "bob".to_owned())]);
    let end = launch.end(run, "back");
    let told = matches!(&end, Some(RollbackEnd::FailedAtStep { why, by_hand, .. })
        if why.contains("its runner never began") && by_hand.contains("nothing was done"));
    assert!(told, "{end:?}");
    assert_eq!(launch.rolled(), "");
}

#[tokio::test]
async fn what_was_begun_days_ago_is_not_gone_on_with_because_somebody_opens_the_launch() {
    let launch = Launch::new("true").await;
    launch.abandoned().await;
    let path = rollback::log_of(&launch.folder, 1, &"back".into());
    let opened = Log::open(&path, &launch.folder.join("reserve")).expect("opened");
    let Opened::Ours(mut log, _) = opened else { panic!("held") };
    let step = ItemId::new("back/one");
    for fact in [RollbackFact::Started { pid: 7 }, RollbackFact::StepStarted { step: step.clone() }] {
        log.tell(clock::wall() - chrono::TimeDelta::minutes(11), &fact).expect("told");
    }
    drop(log);
    launch.open("fifo").await;
    ended(launch.fly(&[])).await;
    let end = launch.end(1, "back");
    let Some(RollbackEnd::FailedAtStep { step: at, why, by_hand }) = end else { panic!("another end: {end:?}") };
    assert_eq!(at, step, "{why}");
    assert!(why.contains("11 min ago") && by_hand.contains("asked for again"), "{why}: {by_hand}");
    assert_eq!(launch.rolled(), "", "what people may have repaired by hand is let be");
    assert_eq!(facts(&records(&launch.folder), 1).len(), 3, "its end is on record");
    // Whoever asks again means it.
    verified(&ended(launch.ask("back", &[])).await);
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
}

#[tokio::test]
async fn a_runner_that_dies_beside_its_holder_is_followed_by_another() {
    let launch = Launch::new(WAITS).await;
    let holder = launch.holder().await;
    let asked = launch.ask("back", &[]);
    launch.on().await;
    let started = |entry: Entry| match entry.fact {
        RollbackFact::Started { pid } => i32::try_from(pid).ok().and_then(Pid::from_raw),
        _ => None,
    };
    let runner = launch.log(1, "back").into_iter().find_map(started).expect("a runner");
    launch.until(|record| matches!(record.event, Event::RollbackRequested { .. })).await;
    kill_process(runner, Signal::KILL).expect("killed");
    comes("end of the runner", || test_kill_process(runner).is_err() || ended_children(runner)).await;
    launch.go().await;
    ended(asked).await;
    launch.until(is_over).await;
    assert_eq!(launch.rolled(), "back/one\nback/two\n");
    assert_eq!(launch.end(1, "back"), Some(RollbackEnd::Verified));
    launch.open("fifo").await;
    assert_eq!(ended(holder).await.code, Some(4));
}
