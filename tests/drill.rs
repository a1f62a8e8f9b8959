//! A drill runs a rollback for real against another target of the plan, in time or not at all; the launch's own
//! place is not touched. Where there was nothing to take back it is no proof.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use tminus::base::proc::MARK;
use tminus::base::source::{Diagnostic, Source};
use tminus::base::wire::Network;
use tminus::engine::rollback::LaunchFile;
use tminus::kind::Spec;
use tminus::kind::step::drill::DRILL;
use tminus::launch::verdict::{Outcome, Verdict};
use tminus::plan::{Environment, Options, load};

/// A place that serves the version in its file, and says which share a canary has.
fn serve(file: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 2048]);
            let read = |file: &Path| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
            let (version, share) = (read(&file), read(&file.with_extension("share")));
            let body = json!({ "version": version, "share": share }).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

struct Site {
    folder: TempDir,
    text: String,
}

impl Site {
    fn new(deadline: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (place, version) in [("production", "2.0"), ("staging", "1.9")] {
            fs::write(folder.path().join(place), version).expect("written");
            fs::write(folder.path().join(place).with_extension("share"), "20").expect("written");
        }
        let [production, staging] = ["production", "staging"].map(|place| serve(folder.path().join(place)));
        let (text, at) = (script, folder.path().display());
        let text = format!(
            r#"
[plan]
schema = 1
id = "drilled"
title = "Drilled"
environment = "production"
[vars]
api = "{production}"
file = "{at}/production"
[target.staging]
vars = {{ api = "{staging}", file = "{at}/staging" }}
[baseline.previous]
http = "{{{{ api }}}}/version"
jq = ".version"
[baseline.previous.example]
good = {{ status = 200, json = {{ version = "1.9" }} }}
[roles.dba]
title = "DBA"
may = ["approve"]
[[phase]]
id = "before"
at = "T-2h"
[[phase.item]]
id = "drill"
class = "idempotent"
[phase.item.drill]
rollback = "back"
target = "staging"
[[rollback]]
id = "back"
key = "1"
deadline = "{deadline}"
[[rollback.step]]
id = "bad-release"
class = "idempotent"
[rollback.step.run]
command = ["sh", "-c", 'echo 9.9 > "$1"', "sh", "{{{{ file }}}}"]
[[rollback.step]]
id = "restore"
class = "idempotent"
needs_approval = "dba"
[rollback.step.run]
command = ["sh", "-c", '{text}', "sh", "{{{{ file }}}}", "{{{{ previous }}}}"]
[[rollback.verify]]
id = "version"
within = "1s"
[rollback.verify.http]
get = "{{{{ api }}}}/version"
expect = {{ json = ['.version == $previous', '.share == "0"'] }}
[rollback.verify.example]
good = {{ status = 200, json = {{ version = "1.9", share = "0" }} }}
"#
        );
        let site = Self { folder, text };
        site.write("plan.toml", site.text.as_bytes());
        let file = LaunchFile {
            base: site.folder.path().into(),
            network: Network::Outside,
            simulated: false,
            target: None,
            environment: Default::default(),
        };
        site.write("launch.json", &serde_json::to_vec(&file).expect("json"));
        // The launch's own baseline is another place's: a drill that took it would never be verified.
        site.write("baseline.json", json!({ "previous": { "value": "2.0" } }).to_string().as_bytes());
        site
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).expect("written");
    }

    fn version(&self, place: &str) -> String {
        fs::read_to_string(self.folder.path().join(place)).expect("read").trim().to_owned()
    }

    fn attempt(&self) -> PathBuf {
        self.folder.path().join("steps/drill/1")
    }

    /// As the shim runs it.
    fn drill(&self, target: &str) -> (Option<i32>, String) {
        fs::create_dir_all(self.attempt()).expect("made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        command.args([DRILL, "back", target]).env(MARK, self.attempt());
        let Output { status, stdout, stderr } = command.output().expect("ran");
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }
}

const RESTORE: &str = r#"echo 0 > "$1.share"; echo "$2" > "$1""#;

#[test]
fn it_ends_verified_on_its_target_and_the_launchs_own_place_is_as_it_was() {
    let site = Site::new("1m", RESTORE);
    let (code, said) = site.drill("staging");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((site.version("staging").as_str(), site.version("production").as_str()), ("1.9", "2.0"), "{said}");
    for told in ["drill of back on staging: verified", "of 1m", "its second key is not asked for", "restore"] {
        assert!(said.contains(told), "{told} is not in\n{said}");
    }
    let own: Value = read(&site.attempt().join("drill/baseline.json"));
    assert_eq!(own["previous"]["value"], "1.9", "its own baseline, of its own target");
    assert!(!site.folder.path().join("rollback").exists(), "nothing of it is a rollback of the launch");
}

#[test]
fn where_nothing_was_there_to_take_back_it_proves_nothing() {
    let site = Site::new("1m", RESTORE);
    fs::write(site.folder.path().join("staging.share"), "0").expect("written");
    let (code, said) = site.drill("staging");
    let verdict = Outcome { exit: code, ..Outcome::default() }.verdict(&exits(&site.text));
    assert_eq!((code, verdict), (Some(4), Verdict::Unknown), "{said}");
    for told in ["before anything is done back/version is pass", "nothing was there to take back"] {
        assert!(said.contains(told), "{told} is not in\n{said}");
    }
    // What fails all the same fails.
    let site = Site::new("1m", "exit 3");
    fs::write(site.folder.path().join("staging.share"), "0").expect("written");
    assert_eq!(site.drill("staging").0, Some(2));
}

#[test]
fn a_rollback_that_is_verified_too_late_fails_the_drill() {
    let site = Site::new("1s", r#"sleep 1.5; echo 0 > "$1.share"; echo "$2" > "$1""#);
    let (code, said) = site.drill("staging");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("where 1s is the deadline"), "{said}");
}

#[test]
fn exit_codes_do_not_turn_it_green() {
    let site = Site::new("1m", "true");
    let (code, said) = site.drill("staging");
    assert_eq!((code, site.version("staging").as_str()), (Some(1), "9.9"), "{said}");
    let failing = Site::new("1m", "exit 3");
    assert_eq!(failing.drill("staging").0, Some(2), "a step that failed");
    let (code, said) = Site::new("1m", RESTORE).drill("nowhere");
    assert_eq!(code, Some(2));
    assert!(said.contains("no target `nowhere`"), "{said}");
}

#[test]
fn what_a_plan_says_wrong_of_targets_and_drills_is_told_at_its_place() {
    let text = Site::new("1m", RESTORE).text;
    assert!(found(&text).is_empty(), "{:?}", found(&text));
    for (right, wrong, code, at) in [
        ("rollback = \"back\"", "rollback = \"bakc\"", "unknown-name", "\"bakc\""),
        ("target = \"staging\"", "target = \"stagign\"", "unknown-target", "\"stagign\""),
        ("target = \"staging\"", "target = \"production\"", "drill-on-launch", "\"production\""),
        ("vars = { api", "vars = { apy", "unknown-name", "apy"),
        ("vars = { api", "variables = { api", "missing-key", "[target.staging]"),
    ] {
        let text = text.replacen(right, wrong, 1);
        let found = found(&text);
        let told = found.iter().any(|one| one.code == code && text[one.span.start..one.span.end].contains(at));
        assert!(told, "{wrong}: {found:?}");
    }
}

#[test]
fn a_target_changes_the_variables_it_names_and_no_other() {
    let text = Site::new("1m", RESTORE).text;
    let of = |target: Option<&str>| {
        // As a drill reads it, from the place that it runs against.
        let options = Options { target: target.map(str::to_owned), no_launch: true, ..Options::default() };
        load(Source::new("plan.toml", text.clone()), &Environment::default(), &options)
    };
    let file = |loaded: &tminus::plan::Loaded| {
        let scope = &loaded.catalogue.entries.last().expect("an entry").scope;
        (
            loaded.plan.environment.clone(),
            scope.get("file").expect("bound").value.as_str().map(|file| file.ends_with("/staging")),
        )
    };
    assert_eq!(file(&of(None).expect("sound")), ("production".to_owned(), Some(false)));
    assert_eq!(file(&of(Some("staging")).expect("sound")), ("staging".to_owned(), Some(true)));
    let wrong = of(Some("nowhere")).expect_err("no such target");
    assert_eq!(wrong[0].code, "unknown-target");
}

/// What the exit codes of the plan's drill are taken for.
fn exits(text: &str) -> Vec<(i32, Verdict)> {
    let loaded = load(Source::new("plan.toml", text), &Environment::default(), &Options::default()).expect("sound");
    let entry = loaded.catalogue.entries.iter().find(|entry| entry.owner.as_str() == "drill").expect("the drill");
    let Spec::Step(step) = &entry.spec else { panic!("a step") };
    step.exits().to_vec()
}

fn found(text: &str) -> Vec<Diagnostic> {
    match load(Source::new("plan.toml", text), &Environment::default(), &Options::default()) {
        Ok(_) => Vec::new(),
        Err(found) => found,
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON")
}
