//! What a step left living: it is ready before its step passes, what it hands out is used by later checks, no
//! death of a console ends it, its own death is told, and whoever stops it ends its whole tree.

use crate::wait;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::binary::{Place, Ran, ended, signal};
use crate::pty::{Seat, WIDE};
use crate::told::{board, records};
use crate::wait::wait;
use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::json;
use tminus::base::proc;
use tminus::launch::board::{Board, ItemState, Progress};
use tminus::launch::event::{Event, Recorded};
use tminus::launch::id::ItemId;
use tminus::launch::process;
use tminus::launch::verdict::Verdict;

/// A tunnel that says where it is, with a grandchild that ignores TERM; it ends once a line comes from the fifo.
const TUNNEL: &str = r#"
(trap '' TERM; exec sleep 300) & echo $! > GRANDCHILD
echo "INF starting" >&2
echo "INF |  http://TARGET  |" >&2
read go < FIFO
echo "tunnel lost" >&2
exit 3
"#;

const PLAN: &str = r#"
[plan]
schema = 1
id = "share"
title = "Share"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "bring-up"
title = "Bring up"
at = "T-1h"
gate = true

[[phase.item]]
id = "tunnel"
title = "The tunnel"
class = "idempotent"
auto = true
[phase.item.process]
command = COMMAND
ready = { line = "http://[0-9.:]+", within = "WITHIN" }
capture = { tunnel_url = "http://[0-9.:]+" }
stop = { signal = "TERM", grace = "200ms" }
[phase.item.example]
good = { stdout = "INF |  http://10.0.0.9:8080  |\n" }

[[phase.item]]
id = "through"
title = "Through the tunnel"
retries = 0
[phase.item.http]
get = "{{ tunnel_url }}/health"
expect = { json = ['.status == "ok"'] }

[[playbook]]
id = "dead"
title = "The tunnel is dead"
for = ["tunnel"]
[[playbook.step]]
id = "listeners"
title = "Who listens"
run = { command = ["echo", "nobody listens"] }
[[playbook.step]]
id = "resolves"
title = "Does it resolve"
class = "readonly"
run = { shell = "echo no such host >&2; exit 2" }
[[playbook.step]]
id = "last"
title = "What it said last"
run = { command = ["echo", "that was all"] }

[[rollback]]
id = "plain"
title = "Leaves it"
key = "1"
[[rollback.step]]
id = "redo"
class = "idempotent"
run = { command = ["true"] }
[[rollback.verify]]
id = "up"
http = { get = "http://TARGET/health", expect = { json = ['.status == "ok"'] } }

[[rollback]]
id = "down"
title = "Stops it"
key = "2"
[[rollback.step]]
id = "unshare"
class = "idempotent"
process = { stop = "tunnel" }
[[rollback.verify]]
id = "up"
http = { get = "http://TARGET/health", expect = { json = ['.status == "ok"'] } }
"#;

struct Stage {
    place: Place,
    plan: String,
    at: String,
}

impl Stage {
    fn new(script: &str) -> Self {
        Self::of(script, "COMMAND", "30s")
    }

    fn of(script: &str, command: &str, within: &str) -> Self {
        let place = Place::new(&[]);
        let path = |name: &str| place.path(name).display().to_string();
        assert!(std::process::Command::new("mkfifo").arg(place.path("fifo")).status().expect("mkfifo").success());
        let target = target().to_string();
        let filled = |text: &str| {
            text.replace("TARGET", &target).replace("FIFO", &path("fifo")).replace("GRANDCHILD", &path("grandchild"))
        };
        std::fs::write(place.path("tunnel.sh"), filled(script)).expect("written");
        let command = command.replace("COMMAND", &format!("[\"bash\", \"{}\"]", path("tunnel.sh")));
        let text = filled(PLAN).replace("COMMAND", &command).replace("WITHIN", within);
        std::fs::write(place.path("plan.toml"), text).expect("written");
        let (plan, at) = (path("plan.toml"), path("launch"));
        Self { place, plan, at }
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(&self.at)
    }

    fn records(&self) -> Vec<Recorded> {
        records(&self.folder())
    }

    fn board(&self) -> Board {
        board(&self.folder(), &self.records())
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async { ended(self.place.start(arguments)).await })
    }

    /// A console without a person, that leaves once `done`.
    fn until(&self, arguments: &[&str], mut done: impl FnMut() -> bool) -> Ran {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let child = self.place.start(&[arguments, &["--headless"]].concat());
            wait::comes("end of what it does", &mut done).await;
            signal(&child, Signal::INT);
            ended(child).await
        })
    }

    /// Everything that begins by itself has ended.
    fn headless(&self) -> Ran {
        let through = |state: &ItemState| matches!(state.progress, Progress::Ended { .. } | Progress::Blocked { .. });
        self.until(&["run", &self.plan, "--launch", &self.at], || {
            !self.records().is_empty() && self.board().items.values().all(|state| through(state))
        })
    }

    /// Its end is known.
    fn again(&self) -> Ran {
        let ends = |record: &Recorded| matches!(record.event, Event::ProcessEnded { .. });
        self.until(&["run", "--launch", &self.at], || self.records().iter().any(ends))
    }

    fn sit(&self, arguments: &[&str]) -> Seat {
        Seat::start(&self.place.path(""), &[arguments, &["--name", "ann"]].concat(), &[], WIDE)
    }

    fn grandchild(&self) -> Pid {
        let text = std::fs::read_to_string(self.place.path("grandchild")).expect("it began");
        Pid::from_raw(text.trim().parse().expect("a process")).expect("a process")
    }

    fn outcome(&self) -> PathBuf {
        self.folder().join("steps/tunnel/1/outcome.json")
    }

    fn verdict(&self, item: &str) -> Option<Verdict> {
        let all = self.records();
        if all.is_empty() {
            return None;
        }
        match board(&self.folder(), &all).item(&ItemId::new(item))?.progress {
            Progress::Ended { verdict, .. } => Some(verdict),
            _ => None,
        }
    }

    fn report(&self) -> String {
        let told = std::fs::read_to_string(self.folder().join("steps/tunnel/1/report.json")).expect("a report");
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        told["summary"].as_str().expect("a sentence").to_owned()
    }
}

impl Drop for Stage {
    /// No program outlives its test, however that ends.
    fn drop(&mut self) {
        for attempt in 1..4 {
            let _ = proc::cancel(&self.folder().join(format!("steps/tunnel/{attempt}")));
        }
        let attempts = Path::new(&self.at).join("steps/tunnel");
        let held = |dir: PathBuf| matches!(proc::look(&dir), Ok(proc::Standing::Running { .. }));
        wait("end of what lived", || !(1..4).any(|attempt| held(attempts.join(attempt.to_string()))));
    }
}

/// A service that is well, for as long as the test runs.
fn target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 2_048];
            let _ = stream.read(&mut request);
            let body = r#"{"status":"ok"}"#;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

fn lives(process: Pid) -> bool {
    // One that has died and was not reaped yet is dead.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    let dead = stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'));
    test_kill_process(process).is_ok() && !dead
}

fn position(all: &[Recorded], wanted: impl Fn(&Event) -> bool) -> usize {
    all.iter().position(|record| wanted(&record.event)).expect("recorded")
}

#[test]
fn it_is_ready_before_its_step_passes_and_what_it_hands_out_is_used_after_it() {
    let stage = Stage::new(TUNNEL);
    let ran = stage.headless();
    assert!(ran.err.contains("still lives, and goes on without this console: tunnel (process "), "{ran:?}");
    let all = stage.records();
    let ready = position(&all, |event| matches!(event, Event::ProcessReady { .. }));
    let passed = position(&all, |event| matches!(event, Event::StepEnded { verdict: Verdict::Pass, .. }));
    let through =
        position(&all, |event| matches!(event, Event::ItemStarted { item, .. } if item.as_str() == "through"));
    assert!(passed < ready && ready < through, "{passed} {ready} {through}");
    assert_eq!((stage.verdict("tunnel"), stage.verdict("through")), (Some(Verdict::Pass), Some(Verdict::Pass)));
    let now = stage.board();
    let known = process::of(&now, &ItemId::new("tunnel")).expect("it lives");
    assert!(known.captured["tunnel_url"].as_str().expect("text").starts_with("http://127.0.0.1:"), "{known:?}");
    assert!(
        lives(stage.grandchild()) && lives(Pid::from_raw(i32::try_from(known.pid).expect("an id")).expect("an id"))
    );
    assert!(!stage.outcome().exists(), "its attempt goes on");
}

#[test]
fn a_console_that_is_killed_leaves_it_and_the_next_one_knows_and_ends_it() {
    let stage = Stage::new(TUNNEL);
    let seat = stage.sit(&["run", &stage.plan, "--launch", &stage.at]);
    wait("check through it", || stage.verdict("through").is_some());
    seat.kill();
    assert!(lives(stage.grandchild()));
    let mut seat = stage.sit(&["run", "--launch", &stage.at]);
    seat.sees("The tunnel");
    let returned = |event: &Event| matches!(event, Event::ConsoleReturned { .. });
    wait("return", || stage.records().iter().any(|record| returned(&record.event)));
    // The first line of the checklist is the phase's.
    seat.press("j");
    let shown = seat.sees("lives also without this console");
    assert!(shown.contains("ready since") && shown.contains("tunnel_url http://127.0.0.1:"), "{shown}");
    seat.press("x");
    seat.sees("End what tunnel left living?");
    seat.press("y");
    wait("its end", || stage.outcome().exists());
    let ends = |event: &Event| matches!(event, Event::ProcessEnded { asked: true, .. });
    wait("record of its end", || stage.records().iter().any(|record| ends(&record.event)));
    assert!(!lives(stage.grandchild()), "its whole tree ends, though it ignores TERM");
    assert_eq!(stage.verdict("tunnel"), Some(Verdict::Pass), "it was ended because somebody asked");
    let intents = |record: &&Recorded| matches!(record.event, Event::StepIntended { .. });
    assert_eq!(stage.records().iter().filter(intents).count(), 1, "nothing ran twice");
}

#[test]
fn one_that_dies_after_it_was_ready_is_a_failure_of_its_item_and_its_gate_is_shut_again() {
    let stage = Stage::new(TUNNEL);
    let seat = stage.sit(&["run", &stage.plan, "--launch", &stage.at]);
    let opened = |event: &Event| matches!(event, Event::GatePassed { .. });
    wait("gate", || stage.records().iter().any(|record| opened(&record.event)));
    std::fs::write(stage.place.path("fifo"), "go\n").expect("it reads");
    wait("failure", || stage.verdict("tunnel") == Some(Verdict::Fail));
    let all = stage.records();
    let died = all.iter().find_map(|record| match &record.event {
        Event::ProcessEnded { asked, why, .. } => Some((*asked, why.clone())),
        _ => None,
    });
    let (asked, why) = died.expect("told");
    assert!(
        !asked && why.contains("ended by itself") && why.contains("exit 3") && why.contains("tunnel lost"),
        "{why}"
    );
    let now = stage.board();
    let phase = now.plan.phase(&"bring-up".into()).expect("a phase");
    assert!(!tminus::launch::gate::standing(&now, phase, now.at).is_clear(), "what stood on it is shut");
    drop(seat);
}

#[test]
fn a_death_that_no_console_saw_is_told_by_the_next() {
    let stage = Stage::new(TUNNEL);
    stage.headless();
    std::fs::write(stage.place.path("fifo"), "go\n").expect("it reads");
    wait("its end", || stage.outcome().exists());
    stage.again();
    assert_eq!(stage.verdict("tunnel"), Some(Verdict::Fail));
}

#[test]
fn one_that_ends_before_it_is_ready_fails_with_what_it_said() {
    let stage = Stage::new("echo 'cloudflared not found' >&2\nexit 1\n");
    stage.headless();
    assert_eq!((stage.verdict("tunnel"), stage.verdict("through")), (Some(Verdict::Fail), None));
    assert_eq!(stage.report(), "it ended before it was ready: exit 1; it said: cloudflared not found");
}

#[test]
fn a_program_that_is_not_there_is_unknown() {
    for (script, command) in [("", "[\"/no/such/program\"]"), ("no-such-program-at-all\n", "COMMAND")] {
        let stage = Stage::of(script, command, "30s");
        stage.headless();
        assert_eq!(stage.verdict("tunnel"), Some(Verdict::Unknown), "{command}: {}", stage.report());
        let why = stage.report();
        assert!(why.contains("such"), "{why}");
    }
}

#[test]
fn one_that_is_not_ready_in_time_fails_and_is_ended() {
    let stage = Stage::of("sleep 300 & echo $! > GRANDCHILD\nwait\n", "COMMAND", "1s");
    stage.headless();
    assert_eq!(stage.verdict("tunnel"), Some(Verdict::Fail));
    assert!(stage.report().starts_with("not ready within 1s, and so ended: no line fits"), "{}", stage.report());
    assert!(!lives(stage.grandchild()));
}

#[test]
fn a_rollback_leaves_it_unless_one_of_its_steps_stops_it() {
    let stage = Stage::new(TUNNEL);
    stage.headless();
    let plain = stage.run(&["rollback", &stage.at, "plain", "--yes"]);
    assert_eq!(plain.code, Some(4), "{plain:?}");
    assert!(lives(stage.grandchild()), "a ready program is not in flight");
    let down = stage.run(&["rollback", &stage.at, "down", "--yes"]);
    assert_eq!(down.code, Some(4), "{down:?}");
    assert!(!lives(stage.grandchild()));
    stage.again();
    let all = stage.records();
    let told = all.iter().find_map(|record| match &record.event {
        Event::ProcessEnded { asked, why, .. } => Some((*asked, why.clone())),
        _ => None,
    });
    let (asked, why) = told.expect("told");
    assert!(asked && why.starts_with("stopped by down/unshare"), "{why}");
}

#[test]
fn the_end_of_the_launch_ends_it_and_names_it() {
    let stage = Stage::new(TUNNEL);
    stage.headless();
    let closed = stage.run(&["close", &stage.at, "--anyway", "that is all"]);
    assert_eq!(closed.code, Some(0), "{closed:?}");
    wait("its end", || stage.outcome().exists());
    assert!(!lives(stage.grandchild()));
    let why = stage.board().ended.expect("it has ended");
    assert!(why.contains("ends tunnel (process "), "{why}");
}

#[test]
fn a_rehearsal_takes_its_words_from_the_example_and_leaves_nothing_living() {
    let stage = Stage::new(TUNNEL);
    let ran = stage.run(&["rehearse", &stage.plan, "--launch", &stage.at, "--headless"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let now = stage.board();
    let known = now.processes.get(&ItemId::new("tunnel")).expect("told");
    assert_eq!(known.captured["tunnel_url"], json!("http://10.0.0.9:8080"));
    assert_eq!(stage.verdict("through"), Some(Verdict::Pass));
    assert!(!stage.place.path("grandchild").exists(), "nothing ran");
    wait("its end", || stage.outcome().exists());
}

#[test]
fn a_playbook_is_one_key_away_when_its_item_is_red_and_what_it_says_is_kept() {
    let stage = Stage::new("echo 'cloudflared not found' >&2\nexit 1\n");
    let mut seat = stage.sit(&["run", &stage.plan, "--launch", &stage.at]);
    wait("failure", || stage.verdict("tunnel") == Some(Verdict::Fail));
    seat.press("j");
    seat.sees("b looks: The tunnel is dead");
    seat.press("b");
    seat.sees("Who listens");
    seat.press("\r");
    seat.sees("2 of 3 commands passed");
    let shown = seat.sees("that was all");
    for part in ["nobody listens", "no such host", "exit 2", "playbooks/1-dead"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let kept = stage.folder().join("playbooks/1-dead/resolves/stderr");
    assert_eq!(std::fs::read_to_string(kept).expect("kept"), "no such host\n");
    let all = stage.records();
    let begun = all.iter().find(|record| matches!(record.event, Event::PlaybookStarted { .. })).expect("recorded");
    assert_eq!(begun.actor.name, "ann");
    let verdicts: Vec<Verdict> = all
        .iter()
        .filter_map(|record| match &record.event {
            Event::PlaybookStepEnded { verdict, .. } => Some(*verdict),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Pass], "one that fails stops none");
    assert_eq!(stage.verdict("tunnel"), Some(Verdict::Fail), "nothing stands on a playbook");
}
