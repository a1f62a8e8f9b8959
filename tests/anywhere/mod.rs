//! A launch with rollbacks, a console that holds it, and terminals that ask: real processes, and files that
//! let their steps wait.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal};
use tminus::engine::rollback::{self, Entry, Log};
use tminus::launch::event::{Event, Recorded, RollbackEnd, RollbackFact};
use tminus::launch::id::RollbackId;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::binary::{PATIENCE, Place, Ran, signal};
use crate::crude::{Answer, Crude};
use crate::told::records;
use crate::wait::{comes, stands_still};

/// Two rollbacks of two steps each, and a step of the launch itself.
pub fn plan(place: &Place, target: SocketAddr, second: &str) -> String {
    let at = |name: &str| place.path(name).display().to_string();
    let rollbacks: String = ["back", "front"]
        .iter()
        .enumerate()
        .map(|(key, id)| {
            let second = second.replace("ID", id).replace("PLACE", &at(""));
            format!(
                r#"
[[rollback]]
id = "{id}"
title = "Go {id}"
key = "{key}"
deadline = "5m"
[[rollback.step]]
id = "one"
class = "once"
timeout = "50s"
by_hand = "do it by hand"
[rollback.step.run]
shell = '''echo {id}/one >> {ran}'''
[[rollback.step]]
id = "two"
class = "once"
timeout = "50s"
by_hand = "do it by hand"
[rollback.step.run]
shell = '''echo {id}/two >> {ran}; {second}'''
[[rollback.verify]]
id = "up"
timeout = "5s"
within = "10s"
[rollback.verify.http]
get = "http://{target}/up"
expect = {{ json = ['.status == "ok"'] }}
"#,
                ran = at("ran"),
            )
        })
        .collect();
    format!(
        r#"
[plan]
schema = 1
id = "anywhere"
title = "Anywhere"
environment = "test"

[clock]
start = "T-1h"

[roles.ops]
title = "Ops"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "once"
title = "Something that waits"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["bash", "-c", "echo once >> {ran}; cat {fifo}"]
{rollbacks}"#,
        ran = at("ran"),
        fifo = at("fifo"),
    )
}

/// A launch with two rollbacks of two steps each, `back` and `front`, and a step of its own that waits.
pub struct Launch {
    pub place: Place,
    pub folder: PathBuf,
    _target: Crude,
}

impl Launch {
    /// `second` is what the second step of each rollback does beside saying that it ran.
    pub async fn new(second: &str) -> Self {
        Self::of(|place, target| plan(place, target, second)).await
    }

    /// Of a plan for a place and a target that answers at `/up`.
    pub async fn of(plan: impl FnOnce(&Place, SocketAddr) -> String) -> Self {
        let target = Crude::start([("/up", Answer::whole("application/json", r#"{"status":"ok"}"#))]).await;
        let place = Place::new(&[]);
        for name in ["fifo", "on", "go"] {
            assert!(std::process::Command::new("mkfifo").arg(place.path(name)).status().expect("mkfifo").success());
        }
        fs::write(place.path("plan.toml"), plan(&place, target.address)).expect("written");
        Self { folder: place.path("launch"), place, _target: target }
    }

    pub fn at(&self) -> String {
        self.folder.display().to_string()
    }

    /// A console without a terminal that holds the launch, in the middle of its step.
    pub async fn holder(&self) -> Child {
        let holder = self.fly(&[]);
        self.until(|record| matches!(record.event, Event::StepStarted { .. })).await;
        self.until_ran("once\n").await;
        holder
    }

    pub fn start(&self, arguments: &[&str], env: &[(&str, &str)]) -> Child {
        let (path, home) = (std::env::var_os("PATH").unwrap_or_default(), self.place.path("home"));
        Command::new(env!("CARGO_BIN_EXE_tminus"))
            .args(arguments)
            .env_clear()
            .envs([("PATH", path), ("HOME", home.into()), ("USER", "ada".into())])
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("tminus starts")
    }

    pub fn fly(&self, env: &[(&str, &str)]) -> Child {
        let plan = self.place.path("plan.toml").display().to_string();
        let at = self.at();
        let mut arguments = vec!["run", "--headless", "--launch", &at];
        if !self.folder.join("journal.db").exists() {
            arguments.push(&plan);
        }
        self.start(&arguments, env)
    }

    /// The folder of a launch whose holder was killed.
    pub async fn abandoned(&self) {
        let mut holder = self.holder().await;
        signal(&holder, Signal::KILL);
        holder.wait().await.expect("gone");
    }

    pub fn ask(&self, id: &str, more: &[&str]) -> Child {
        self.ask_with(id, more, &[])
    }

    pub fn ask_with(&self, id: &str, more: &[&str], env: &[(&str, &str)]) -> Child {
        let at = self.at();
        let arguments = [&["rollback", at.as_str(), id, "--yes"], more].concat();
        self.start(&arguments, env)
    }

    pub async fn until(&self, wanted: impl Fn(&Recorded) -> bool) {
        comes("such record", || records(&self.folder).iter().any(&wanted)).await;
    }

    pub async fn until_ran(&self, text: &str) {
        comes(text, || self.ran().contains(text)).await;
    }

    /// What ran, a line each.
    pub fn ran(&self) -> String {
        fs::read_to_string(self.place.path("ran")).unwrap_or_default()
    }

    /// What the rollbacks did, without the launch's own step.
    pub fn rolled(&self) -> String {
        self.ran().replace("once\n", "")
    }

    pub fn log(&self, run: u32, id: &str) -> Vec<Entry> {
        Log::follow(&rollback::log_of(&self.folder, run, &RollbackId::new(id))).read().expect("a whole chain")
    }

    pub fn end(&self, run: u32, id: &str) -> Option<RollbackEnd> {
        rollback::ended(&self.log(run, id))
    }

    /// Lets the step that waits at `go` end.
    pub async fn go(&self) {
        self.open("go").await;
    }

    /// The step that says so at `on` has come there.
    pub async fn on(&self) {
        let path = self.place.path("on");
        let reading = tokio::task::spawn_blocking(move || fs::read(path).expect("read"));
        tokio::time::timeout(PATIENCE, reading).await.expect("in time").expect("joined");
    }

    pub async fn open(&self, fifo: &str) {
        let path = self.place.path(fifo);
        let writing = tokio::task::spawn_blocking(move || fs::write(path, "go\n").expect("written"));
        tokio::time::timeout(PATIENCE, writing).await.expect("in time").expect("joined");
    }
}

/// Says `on`, and waits for `go`.
pub const WAITS: &str = "echo on > PLACE/on; read -r go < PLACE/go";

/// Waits for a line of a command's output; what follows it is left there.
pub async fn says(child: &mut Child, text: &str) {
    let out = child.stdout.as_mut().expect("piped");
    let mut said = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&said).contains(text) {
            said.push(out.read_u8().await.expect("it says so before it ends"));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("in time");
}

/// A process that was stopped.
pub async fn stopped(child: &Child) {
    let pid = child.id().expect("it runs");
    comes("standstill", || stands_still(pid)).await;
}

pub fn requests(records: &[Recorded]) -> Vec<(u32, String, String)> {
    let told = |record: &Recorded| match &record.event {
        Event::RollbackRequested { rollback, run, .. } => Some((*run, rollback.to_string(), record.actor.name.clone())),
        _ => None,
    };
    records.iter().filter_map(told).collect()
}

pub fn facts(records: &[Recorded], wanted: u32) -> Vec<RollbackFact> {
    let told = |record: &Recorded| match &record.event {
        Event::RollbackTold { run, fact } if *run == wanted => Some(fact.clone()),
        _ => None,
    };
    records.iter().filter_map(told).collect()
}

pub fn is_over(record: &Recorded) -> bool {
    matches!(&record.event, Event::RollbackTold { fact: RollbackFact::Ended { .. }, .. })
}

pub fn verified(ran: &Ran) {
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.out.contains("VERIFIED: the old state is back"), "{ran:?}");
}

pub fn started(entries: &[Entry]) -> &Entry {
    entries.iter().find(|entry| matches!(entry.fact, RollbackFact::StepStarted { .. })).expect("a step")
}

/// A dead process that its parent has not looked at yet.
pub fn ended_children(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    fs::read_to_string(path).is_ok_and(|stat| stat.contains(") Z "))
}
