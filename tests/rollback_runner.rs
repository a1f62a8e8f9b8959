//! What the detached rollback runner promises: checks alone turn it green, it outlives whoever started it,
//! nothing runs twice, and its log tells every fact in a chain that shows a break.

#[path = "rollback_runner/disk.rs"]
mod disk;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::json;
use tempfile::TempDir;
use tminus::base::wire::Network;
use tminus::engine::rollback::{self, Entry, LaunchFile, Log, LogError, Opened, code};
use tminus::launch::event::{RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, RollbackId};
use tminus::launch::verdict::Verdict;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");
const PATIENCE: Duration = Duration::from_secs(30);

/// A launch's folder with one rollback, and a target that answers what a file says is live.
struct Launch {
    folder: TempDir,
    target: SocketAddr,
}

impl Launch {
    /// `steps` are TOML of `[[rollback.step]]`, in which `LIVE` is the file that says what is live.
    fn new(steps: &str, within: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let target = serve(folder.path().join("live"));
        let launch = Self { folder, target };
        fs::write(launch.path("live"), "1.5.0").expect("written");
        let steps = steps.replace("LIVE", &launch.path("live").display().to_string());
        let plan = format!(
            r#"
[plan]
schema = 1
id = "t"
title = "T"
environment = "production"

[baseline]
previous = {{ http = "http://{target}/version", jq = ".version" }}

[[rollback]]
id = "frontend"
title = "Back"
key = "1"
deadline = "5m"
{steps}
[[rollback.verify]]
id = "live"
timeout = "5s"
within = "{within}"
[rollback.verify.http]
get = "http://{target}/version"
expect = {{ json = ['.version == $previous'] }}
"#
        );
        fs::write(launch.path("plan.toml"), plan).expect("written");
        fs::write(launch.path("baseline.json"), json!({ "previous": { "value": "1.4.1" } }).to_string())
            .expect("written");
        launch.network(Network::Outside, false);
        launch
    }

    fn network(&self, network: Network, simulated: bool) {
        let (base, environment) = (self.folder.path().to_owned(), Default::default());
        let file = LaunchFile { base, network, simulated, target: None, environment };
        fs::write(self.path("launch.json"), serde_json::to_vec(&file).expect("json")).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        path
    }

    fn command(&self) -> Command {
        self.command_of(1)
    }

    fn command_of(&self, run: u32) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args([rollback::ROLLBACK]).arg(self.folder.path()).args([&run.to_string(), "frontend"]);
        command
    }

    /// Runs it to its end in the foreground.
    fn run(&self) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.command().output().expect("ran");
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }

    fn log(&self) -> PathBuf {
        rollback::log_of(self.folder.path(), 1, &RollbackId::new("frontend"))
    }

    fn entries(&self) -> Vec<Entry> {
        Log::follow(&self.log()).read().expect("a whole chain")
    }

    fn end(&self) -> RollbackEnd {
        let last = self.entries().pop().expect("facts");
        match last.fact {
            RollbackFact::Ended { end, .. } => end,
            other => panic!("not at its end: {other:?}"),
        }
    }

    /// Waits for the runner's end on the lock that is its life.
    fn wait(&self) {
        let file = File::open(self.log()).expect("a log");
        within_patience(move || file.lock_shared().expect("locked"));
    }

    fn attempt(&self, step: &str, attempt: u32) -> PathBuf {
        let folder = rollback::folder(self.folder.path(), 1, &RollbackId::new("frontend"));
        rollback::attempt_folder(&folder, &ItemId::new(format!("frontend/{step}")), attempt)
    }
}

fn within_patience<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(act()));
    waiting.recv_timeout(PATIENCE).expect("in time")
}

fn read(path: &Path) -> String {
    let path = path.to_owned();
    within_patience(move || fs::read_to_string(path).expect("read"))
}

fn write(path: &Path, text: &'static str) {
    let path = path.to_owned();
    within_patience(move || fs::write(path, text).expect("written"));
}

fn step(id: &str, class: &str, script: &str) -> String {
    format!(
        "[[rollback.step]]\nid = \"{id}\"\nclass = \"{class}\"\ntimeout = \"20s\"\nby_hand = \"do {id} by hand\"\n\
         [rollback.step.run]\nshell = '''{script}'''\n"
    )
}

const BACK: &str = "printf %s 1.4.1 > LIVE; echo back";

/// A target whose version is what `live` holds; in a rehearsal its steps write it.
fn serve(live: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().expect("cloned")).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let _ = lines.take_while(|line| !line.is_empty()).count();
            let body = if first.starts_with("POST /__tminus/step/") {
                fs::write(&live, "1.4.1").expect("written");
                json!({ "exit": 0, "stdout": "told by the example\n" })
            } else {
                json!({ "version": fs::read_to_string(&live).expect("live") })
            }
            .to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    address
}

fn names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| match &entry.fact {
        RollbackFact::Started { .. } => "started".to_owned(),
        RollbackFact::StepStarted { step } => format!("{step} started"),
        RollbackFact::StepEnded { step, verdict, .. } => format!("{step} {verdict}"),
        RollbackFact::Verified { check, report } => format!("{check} {}", report.verdict),
        RollbackFact::Ended { end, .. } => end.words().to_owned(),
        other => tminus::launch::telling::fact_words(other),
    };
    entries.iter().map(name).collect()
}

#[test]
fn steps_in_order_and_a_check_that_agrees_end_verified() {
    let launch = Launch::new(&(step("prepare", "idempotent", "true") + &step("back", "idempotent", BACK)), "1s");
    let (code, said) = launch.run();
    assert_eq!(code, Some(code::VERIFIED), "{said}");
    let entries = launch.entries();
    assert_eq!(
        names(&entries),
        [
            "started",
            "frontend/prepare started",
            "frontend/prepare pass",
            "frontend/back started",
            "frontend/back pass",
            "frontend/live pass",
            "verified"
        ]
    );
    assert_eq!(fs::read_to_string(launch.attempt("back", 1).join("stdout")).expect("kept"), "back\n");
    assert!(fs::metadata(launch.log()).expect("there").len() > 100_000, "its room is taken in advance");
}

#[test]
fn exit_codes_never_turn_it_green() {
    let launch = Launch::new(&step("back", "idempotent", "echo 'all good, really'"), "300ms");
    assert_eq!(launch.run().0, Some(code::NOT_VERIFIED));
    assert_eq!(launch.end(), RollbackEnd::NotVerified { checks: vec![ItemId::new("frontend/live")] });
    assert!(names(&launch.entries()).contains(&"frontend/live fail".to_owned()));
}

#[test]
fn a_check_is_tried_again_until_its_time_is_over() {
    let launch = Launch::new(&step("back", "idempotent", "true"), "20s");
    let live = launch.path("live");
    let mut runner = launch.command().stdout(Stdio::piped()).spawn().expect("started");
    let log = launch.log();
    within_patience(move || {
        let mut follow = Log::follow(&log);
        let failed = |entry: &Entry| matches!(&entry.fact, RollbackFact::Verified { report, .. } if report.verdict == Verdict::Fail);
        while !follow.read().expect("a whole chain").iter().any(failed) {
            std::thread::yield_now();
        }
    });
    fs::write(live, "1.4.1").expect("written");
    let code = within_patience(move || runner.wait().expect("ended").code());
    assert_eq!((code, launch.end()), (Some(code::VERIFIED), RollbackEnd::Verified));
}

#[test]
fn a_step_that_fails_stops_it_and_says_what_to_do_by_hand() {
    let steps = step("one", "idempotent", "true")
        + &step("two", "idempotent", "echo 'no such artifact' >&2; exit 4")
        + &step("three", "idempotent", BACK);
    let launch = Launch::new(&steps, "1s");
    assert_eq!(launch.run().0, Some(code::FAILED));
    let RollbackEnd::FailedAtStep { step, why, by_hand } = launch.end() else { panic!("another end") };
    assert_eq!((step.as_str(), by_hand.as_str()), ("frontend/two", "do two by hand"));
    assert_eq!(why, "exit 4: no such artifact");
    assert_eq!(fs::read_to_string(launch.path("live")).expect("read"), "1.5.0", "step three must not run");
    assert!(!launch.attempt("three", 1).exists());
}

#[test]
fn what_cannot_be_loaded_is_said_in_the_log() {
    let launch = Launch::new(&step("back", "idempotent", BACK), "1s");
    fs::write(launch.path("plan.toml"), "[plan").expect("written");
    assert_eq!(launch.run().0, Some(code::FAILED));
    let RollbackEnd::FailedAtStep { why, .. } = launch.end() else { panic!("another end") };
    assert!(why.contains("plan.toml:1"), "{why}");
}

#[test]
fn it_survives_its_starter_and_its_terminal() {
    let launch =
        Launch::new(&step("back", "idempotent", &format!("{BACK}; echo on > LIVE.on; read -r go < LIVE.go")), "1s");
    let (on, go) = (launch.fifo("live.on"), launch.fifo("live.go"));
    // A shell in a group of its own stands for the console and its terminal.
    let mut console = Command::new("bash")
        .args(["-c", "\"$0\" __rollback \"$1\" 1 frontend & wait", PROGRAM])
        .arg(launch.folder.path())
        .process_group(0)
        .stdout(Stdio::null())
        .spawn()
        .expect("a console");
    assert_eq!(read(&on), "on\n");
    let group = Pid::from_child(&console);
    kill_process_group(group, Signal::HUP).expect("hung up");
    let _ = kill_process_group(group, Signal::KILL);
    console.wait().expect("gone");
    assert!(Log::is_held(&launch.log()).expect("looked"));
    write(&go, "go\n");
    launch.wait();
    assert_eq!(launch.end(), RollbackEnd::Verified);
}

/// The device on which every write fails for want of room.
#[test]
fn a_broken_log_does_not_make_undone_what_was_done() {
    let launch = Launch::new(&(step("one", "once", "echo one >> LIVE.count") + &step("two", "once", BACK)), "1s");
    let killed = launch.command().env("TMINUS_BOUNDARY", "rollback-step-ended=kill").output().expect("ran");
    assert_eq!(killed.status.code(), None, "{killed:?}");
    let mut bytes = fs::read(launch.log()).expect("read");
    bytes[70] ^= 1;
    fs::write(launch.log(), bytes).expect("written");
    // An hour later, by the request that is read where a run was never begun; then with a plan that is gone.
    let hour = chrono::TimeDelta::hours(1);
    let asked = rollback::Request::new(
        RollbackId::new("frontend"),
        1,
        &tminus::launch::event::Actor::person("bob", None),
        "bad",
        tminus::clock::wall() - hour,
    );
    let folder = launch.log().with_file_name("request.json");
    fs::write(folder, serde_json::to_vec(&asked).expect("json")).expect("written");
    fs::write(launch.path("plan.toml"), "[plan").expect("written");
    assert_eq!(launch.run().0, Some(code::FAILED));
    let RollbackEnd::FailedAtStep { by_hand, why, .. } = launch.end() else { panic!("another end") };
    assert!(!by_hand.contains("nothing was done") && by_hand.contains("look at the rollback's folder"), "{by_hand}");
    assert!(why.contains("plan.toml"), "it is begun, and no request that nobody took up: {why}");
    assert_eq!(fs::read_to_string(launch.path("live.count")).expect("ran"), "one\n");
}

#[test]
fn a_rollback_without_a_step_s_secret_does_no_half_of_it() {
    let steps = step("one", "once", "echo one >> LIVE.count")
        + &step("two", "once", BACK)
            .replace("[rollback.step.run]", "[rollback.step.run]\nenv = { TOKEN = \"{{token}}\" }");
    let launch = Launch::new(&steps, "1s");
    let plan = fs::read_to_string(launch.path("plan.toml")).expect("read");
    let secret = "[secrets]\ntoken = { env = \"TMINUS_TEST_TOKEN\" }\n\n[baseline]";
    fs::write(launch.path("plan.toml"), plan.replace("[baseline]", secret)).expect("written");
    let (code, said) = launch.run();
    assert_eq!(code, Some(code::FAILED), "{said}");
    let RollbackEnd::FailedAtStep { step, why, by_hand } = launch.end() else { panic!("another end") };
    assert_eq!(step.as_str(), "frontend/two", "{why}");
    assert_eq!(by_hand, "nothing was done: set TMINUS_TEST_TOKEN and ask for it again", "{why}");
    assert!(!launch.path("live.count").exists(), "step one must not run");

    // Asked for at a terminal, nothing is even begun; with it set, all of it runs.
    let ask = || {
        let mut ask = Command::new(PROGRAM);
        ask.arg("rollback").arg(launch.folder.path()).args(["frontend", "--yes"]).env("HOME", launch.folder.path());
        ask
    };
    let asked = ask().output().expect("ran");
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!(asked.status.code(), Some(3), "{said}");
    assert!(said.contains("set TMINUS_TEST_TOKEN"), "{said}");
    assert_eq!(rollback::runs(launch.folder.path()).expect("read").len(), 1, "no run of its own");
    let asked = ask().env("TMINUS_TEST_TOKEN", "a-long-enough-secret").output().expect("ran");
    assert_eq!(asked.status.code(), Some(4), "{asked:?}");
    assert_eq!(fs::read_to_string(launch.path("live.count")).expect("ran"), "one\n");
}

#[test]
fn a_second_request_joins_and_a_third_learns_the_end() {
    let launch = Launch::new(
        &step("back", "once", &format!("{BACK}; echo ran >> LIVE.count; echo on > LIVE.on; read -r go < LIVE.go")),
        "1s",
    );
    let (on, go) = (launch.fifo("live.on"), launch.fifo("live.go"));
    let mut first = launch.command().stdout(Stdio::null()).spawn().expect("started");
    assert_eq!(read(&on), "on\n");
    let (code, said) = launch.run();
    assert_eq!(code, Some(code::JOINED));
    assert!(said.contains("joined"), "{said}");
    write(&go, "go\n");
    assert_eq!(within_patience(move || first.wait().expect("ended").code()), Some(code::VERIFIED));
    let (code, said) = launch.run();
    assert_eq!(code, Some(code::VERIFIED));
    assert!(said.contains("is over: verified"), "{said}");
    assert_eq!(fs::read_to_string(launch.path("live.count")).expect("ran"), "ran\n");
}

#[test]
fn every_new_request_has_a_number_of_its_own_and_nothing_that_lies_there_is_touched() {
    let launch = Launch::new(&step("back", "once", &format!("{BACK}; echo ran >> LIVE.count")), "1s");
    let id = RollbackId::new("frontend");
    for runs in 1..=3 {
        let run = rollback::number(launch.folder.path(), 0).expect("a number");
        assert_eq!(run, u32::try_from(runs).expect("small"));
        let ran = launch.command_of(run).output().expect("ran");
        assert_eq!(ran.status.code(), Some(code::VERIFIED));
        assert_eq!(fs::read_to_string(launch.path("live.count")).expect("ran"), "ran\n".repeat(runs));
    }
    for run in 1..=3 {
        assert_eq!(rollback::progress(launch.folder.path(), run, &id).end, Some(RollbackEnd::Verified));
    }
    // Of many at once each has its own.
    let claims: Vec<u32> = std::thread::scope(|scope| {
        let claim = || rollback::number(launch.folder.path(), 0).expect("a number");
        let all: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
        all.into_iter().map(|claim| claim.join().expect("joined")).collect()
    });
    assert_eq!(claims.iter().collect::<std::collections::BTreeSet<_>>().len(), 8, "{claims:?}");
    assert!(claims.iter().all(|run| *run > 3), "{claims:?}");
}

#[test]
fn a_runner_that_was_killed_is_followed_by_one_that_joins_its_step() {
    let launch = Launch::new(
        &step("back", "once", &format!("{BACK}; echo ran >> LIVE.count; echo on > LIVE.on; read -r go < LIVE.go")),
        "1s",
    );
    let (on, go) = (launch.fifo("live.on"), launch.fifo("live.go"));
    let mut first = launch.command().stdout(Stdio::null()).spawn().expect("started");
    assert_eq!(read(&on), "on\n");
    kill_process(Pid::from_child(&first), Signal::KILL).expect("killed");
    first.wait().expect("gone");
    let mut second = launch.command().stdout(Stdio::null()).spawn().expect("started");
    write(&go, "go\n");
    assert_eq!(within_patience(move || second.wait().expect("ended").code()), Some(code::VERIFIED));
    assert_eq!(fs::read_to_string(launch.path("live.count")).expect("ran"), "ran\n");
    let names = names(&launch.entries());
    assert_eq!(names.iter().filter(|name| *name == "started").count(), 2, "{names:?}");
}

#[test]
fn only_a_readonly_step_is_repeated_by_itself_when_its_attempt_is_lost() {
    for class in ["readonly", "idempotent", "once"] {
        let launch = Launch::new(&step("back", class, BACK), "1s");
        let attempt = launch.attempt("back", 1);
        fs::create_dir_all(&attempt).expect("made");
        fs::write(attempt.join("claim"), "1").expect("a claim nobody holds");
        let readonly = class == "readonly";
        assert_eq!(launch.run().0, Some(if readonly { code::VERIFIED } else { code::FAILED }), "{class}");
        assert_eq!(launch.attempt("back", 2).exists(), readonly);
        if !readonly {
            let RollbackEnd::FailedAtStep { by_hand, .. } = launch.end() else { panic!("another end") };
            assert!(by_hand.starts_with("its outcome is unknown") && by_hand.ends_with("do back by hand"), "{by_hand}");
        }
    }
}

#[test]
fn a_rehearsal_asks_the_target_and_runs_nothing() {
    let launch = Launch::new(&step("back", "idempotent", "touch LIVE.real"), "1s");
    let certificate_pem = rcgen::generate_simple_self_signed(["t".to_owned()]).expect("made").cert.pem();
    launch.network(Network::Loopback { address: launch.target, certificate_pem }, true);
    let (code, said) = launch.run();
    assert_eq!(code, Some(code::VERIFIED), "{said}");
    assert!(!launch.path("live.real").exists());
    let simulated = |entry: Entry| match entry.fact {
        RollbackFact::StepEnded { outcome, .. } => Some(outcome.simulated),
        _ => None,
    };
    assert_eq!(launch.entries().into_iter().find_map(simulated), Some(true));
    let stdout = fs::read_to_string(launch.attempt("back", 1).join("stdout")).expect("kept");
    assert_eq!(stdout, "told by the example\n");
}

#[test]
fn a_break_in_the_chain_is_found_and_a_torn_line_is_not_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let at = "2026-01-02T03:04:05Z".parse().expect("a time");
    let Opened::Ours(mut log, _) = Log::open(&path, &folder.path().join("reserve")).expect("opened") else {
        panic!("held")
    };
    for pid in 1..=3 {
        log.tell(at, &RollbackFact::Started { pid }).expect("told");
    }
    let mut follow = Log::follow(&path);
    assert_eq!(follow.read().expect("whole").len(), 3);
    log.tell(at, &RollbackFact::Started { pid: 4 }).expect("told");
    assert_eq!(follow.read().expect("whole").iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4]);
    assert!(Log::is_held(&path).expect("looked"));
    drop(log);
    // A child that another test is just starting may hold the lock's file until it becomes its program.
    let free = |_| {
        std::thread::yield_now();
        !Log::is_held(&path).expect("looked")
    };
    assert!((0..1_000_000).any(free));

    let whole = fs::read(&path).expect("read");
    let written = whole.iter().position(|byte| *byte == 0).expect("room");
    // Torn at every byte of the last line: three facts stay, and the next runner writes after them.
    let last = whole[..written - 1].iter().rposition(|byte| *byte == b'\n').expect("lines") + 1;
    for torn in [last + 1, last + 70, written - 1] {
        fs::write(&path, &whole[..torn]).expect("written");
        assert_eq!(Log::follow(&path).read().expect("whole").len(), 3);
        let Opened::Ours(mut log, before) = Log::open(&path, Path::new("/none")).expect("opened") else {
            panic!("held")
        };
        assert_eq!(before.len(), 3);
        log.tell(at, &RollbackFact::Started { pid: 9 }).expect("told");
        assert_eq!(Log::follow(&path).read().expect("whole").len(), 4);
    }
    // Flipped at every byte of the second line: never passed over.
    let second = whole.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
    let third = second + whole[second..].iter().position(|byte| *byte == b'\n').expect("lines");
    for flipped in second..third {
        let mut bytes = whole.clone();
        bytes[flipped] ^= 1;
        fs::write(&path, &bytes).expect("written");
        let broken = Log::follow(&path).read().expect_err("a break");
        assert!(matches!(broken, LogError::Broken { line: 2, .. }), "{flipped}: {broken}");
    }
    // A runner needs a log: the broken one is put aside, not overwritten.
    let Opened::Ours(_, before) = Log::open(&path, Path::new("/none")).expect("opened") else { panic!("held") };
    assert!(before.is_empty() && path.with_extension("broken").exists());
}
