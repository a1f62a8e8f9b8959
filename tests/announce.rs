//! The steps `notify` and `snapshot` as they run: under the shim, by this binary, against a webhook and sources
//! made here; and in a rollback, which an announcement holds up in nothing.

use crate::binary;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tminus::base::proc;
use tminus::base::secret::Redactor;
use tminus::base::source::Source;
use tminus::base::wire::Network;
use tminus::engine::rollback::{self, LaunchFile, Log};
use tminus::kind::Spec;
use tminus::kind::step::act::{self, Ground};
use tminus::launch::event::{RollbackEnd, RollbackFact};
use tminus::launch::id::{ItemId, RollbackId};
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Options, load};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tminus");
const PATIENCE: Duration = Duration::from_secs(30);
const TOKEN: &str = "hunter22-long";

/// What a server was sent: the request's first line, and its body.
type Sent = Arc<Mutex<Vec<(String, String)>>>;

/// Answers every request with `answer`, whole; where it listens and what it was sent.
fn serve(answer: impl Into<Vec<u8>>) -> (SocketAddr, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (at, answer, sent) = (listener.local_addr().expect("an address"), answer.into(), Sent::default());
    let kept = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            heard(&stream, &kept);
            let _ = (&stream).write_all(&answer);
        }
    });
    (at, sent)
}

fn heard(stream: &TcpStream, sent: &Sent) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    let _ = reader.read_line(&mut first);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let body = String::from_utf8_lossy(&body).into_owned();
    sent.lock().expect("whole").push((first.trim().to_owned(), body));
}

fn says(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A launch's folder in which one step is run.
struct Launch(TempDir);

/// How it came out: its verdict, all it left in the attempt's folder, and its report.
struct Came {
    verdict: Verdict,
    words: String,
    files: String,
    report: Value,
}

impl Launch {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("launch.json"), "{}").expect("written");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a step of `table` with the secret `token` and the secret `hook`.
    async fn step(&self, table: &str, hook: &str) -> Came {
        let plan = format!(
            "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\n[vars]\nversion = \"1.4.1\"\n[secrets]\ntoken = {{ env = \"TOKEN\" }}\n\
             hook = {{ env = \"HOOK\" }}\n[[phase]]\nid = \"a\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"it\"\nclass = \"once\"\n{table}\n"
        );
        let environment: Environment = [("TOKEN", TOKEN), ("HOOK", hook)].into_iter().collect();
        let source = Source::new("plan.toml", plan.as_str());
        let loaded = load(source, &environment, &Options::default());
        let loaded = loaded.unwrap_or_else(|wrong| panic!("{}", Source::new("plan.toml", plan).render(&wrong, false)));
        let entry = loaded.catalogue.entries.iter().find(|entry| matches!(entry.spec, Spec::Step(_))).expect("a step");
        let Spec::Step(spec) = &entry.spec else { panic!("no step") };
        let redactor = Redactor::new(loaded.catalogue.secrets.clone());
        let ground = Ground {
            program: PROGRAM.as_ref(),
            base: self.0.path(),
            redactor: &redactor,
            network: &Network::Outside,
            simulated: None,
        };
        let prepared = act::prepared(entry, &ItemId::new("it"), &entry.scope, PATIENCE, ground);
        let (intent, private) = prepared.expect("prepared");
        let attempt = self.path("steps/it/1");
        let started = proc::start(PROGRAM.as_ref(), &attempt, &intent, &private).expect("started");
        let standing = tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("an end");
        let outcome = act::outcome(standing, &attempt, &redactor);
        let mut files = String::new();
        for file in fs::read_dir(&attempt).expect("a folder") {
            files += &String::from_utf8_lossy(&fs::read(file.expect("a file").path()).expect("read"));
        }
        let report = fs::read(attempt.join("report.json")).expect("a report");
        let report = serde_json::from_slice(&report).expect("JSON");
        Came { verdict: outcome.verdict(spec.exits()), words: outcome.words(), files, report }
    }
}

#[tokio::test]
async fn an_announcement_is_posted_once_in_its_form_and_its_address_is_shown_nowhere() {
    let (at, sent) = serve(says("200 OK", "ok"));
    let hook = format!("http://{at}/services/T0/B0/not-to-be-seen");
    let launch = Launch::new();
    let came = launch
        .step("notify = { text = \"{{ version }} goes live with {{ token }}\", title = \"Launch\", url = \"{{ hook }}\", format = \"slack\" }", &hook)
        .await;
    assert_eq!(came.verdict, Verdict::Pass, "{}: {}", came.words, came.files);
    assert!(came.files.contains("1.4.1 goes live"), "{}", came.files);
    assert!(!came.files.contains("not-to-be-seen") && !came.files.contains(TOKEN), "{}", came.files);
    let sent = sent.lock().expect("whole").clone();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].0, "POST /services/T0/B0/not-to-be-seen HTTP/1.1");
    let posted: Value = serde_json::from_str(&sent[0].1).expect("JSON");
    assert_eq!(posted.as_object().map(|keys| keys.len()), Some(1));
    assert!(
        posted["text"].as_str().is_some_and(|text| text.starts_with("*Launch*\n1.4.1 goes live with ")),
        "{posted}"
    );
    assert!(!sent[0].1.contains(TOKEN), "a secret was posted: {}", sent[0].1);
}

#[tokio::test]
async fn an_incident_hook_gets_title_reason_and_time() {
    let (at, sent) = serve(says("202 Accepted", ""));
    let table = "notify = { text = \"rolled back\", title = \"Rollback\", url = \"{{ hook }}\", json = { reason = \"{{ version }} fails\" } }";
    let came = Launch::new().step(table, &format!("http://{at}/incident-hook")).await;
    assert_eq!(came.verdict, Verdict::Pass, "{}", came.files);
    let posted: Value = serde_json::from_str(&sent.lock().expect("whole")[0].1).expect("JSON");
    assert_eq!((&posted["title"], &posted["reason"]), (&json!("Rollback"), &json!("1.4.1 fails")));
    assert!(posted["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{posted}");
}

#[tokio::test]
async fn what_was_not_taken_fails_what_nobody_knows_is_unknown_and_a_person_is_told() {
    let posts = "notify = { text = \"x\", to = \"#ops\", url = \"{{ hook }}\" }";
    let (refuses, _) = serve(says("404 Not Found", "no_team"));
    let (hangs_up, sent) = serve("");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for (at, verdict, why) in [
        (refuses, Verdict::Fail, "#ops did not take it: 404 Not Found: no_team"),
        (hangs_up, Verdict::Unknown, "whether it came to #ops is not known"),
        (nobody, Verdict::Fail, "it did not come to #ops: connection refused"),
    ] {
        let came = Launch::new().step(posts, &format!("http://{at}/hook-of-ops")).await;
        assert_eq!(came.verdict, verdict, "{}", came.files);
        assert!(came.report["summary"].as_str().is_some_and(|said| said.starts_with(why)), "{}", came.report);
    }
    assert_eq!(sent.lock().expect("whole").len(), 1, "it was posted again");
    let came = Launch::new()
        .step("notify = { text = \"Launch starts.\\nWatch the errors.\" }", "https://unused.example/hook")
        .await;
    assert_eq!(came.verdict, Verdict::Warn, "{}", came.files);
    assert!(came.files.contains("Launch starts.\nWatch the errors.\n"), "{}", came.files);
}

/// The one file that is kept, and its hash.
fn kept(launch: &Launch) -> Vec<(String, Vec<u8>)> {
    let Ok(all) = fs::read_dir(launch.path("artifacts")) else { return Vec::new() };
    let one =
        |file: fs::DirEntry| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).expect("read"));
    all.map(|file| one(file.expect("a file"))).collect()
}

#[tokio::test]
async fn a_snapshot_of_each_source_is_kept_by_its_hash_without_secrets() {
    let (at, _) = serve(says("200 OK", &format!("{{\"up\":1,\"by\":\"{TOKEN}\"}}")));
    let http = format!("snapshot = {{ http = \"http://{at}/metrics\", as = \"before.json\" }}");
    let part = format!("snapshot = {{ http = \"http://{at}/metrics\", as = \"before.json\", jq = \".up\" }}");
    let command = "snapshot = { command = [\"printf\", \"%s\", \"{{ version }}\"], as = \"version.txt\" }";
    let hidden =
        "snapshot = { command = [\"sh\", \"-c\", \"echo $TOKEN\"], env = { TOKEN = \"{{ token }}\" }, as = \"env\" }";
    for (table, name, holds) in [
        (http.as_str(), "before.json", r#"{"up":1,"by":"#),
        (part.as_str(), "before.json", "1"),
        (command, "version.txt", "1.4.1"),
        (hidden, "env", ""),
        ("snapshot = { file = \"report.log\", as = \"report of {{ version }}\" }", "report of 1.4.1", "all is well"),
    ] {
        let launch = Launch::new();
        fs::write(launch.path("report.log"), "all is well\n").expect("written");
        let came = launch.step(table, "https://unused.example/hook").await;
        assert_eq!(came.verdict, Verdict::Pass, "{table}: {}", came.files);
        let all = kept(&launch);
        let [(hash, bytes)] = all.as_slice() else { panic!("one is kept: {all:?}") };
        let text = String::from_utf8_lossy(bytes);
        assert!(text.starts_with(holds) && !text.contains(TOKEN), "{table}: {text}");
        let told = format!("{name} ({} bytes, sha256 {hash}", bytes.len());
        assert!(came.report["summary"].as_str().is_some_and(|said| said.starts_with(&told)), "{told}: {}", came.report);
        let sum = Command::new("sha256sum").arg(launch.path("artifacts").join(hash)).output().expect("sha256sum");
        assert!(String::from_utf8_lossy(&sum.stdout).starts_with(hash.as_str()), "the name is the content's hash");
    }
}

#[tokio::test]
async fn what_is_empty_wrong_or_too_large_is_no_snapshot() {
    let (empty, _) = serve(says("200 OK", " \n"));
    let (down, _) = serve(says("503 Service Unavailable", "{}"));
    let (text, _) = serve(says("200 OK", "up 1"));
    let of = |at: SocketAddr| format!("snapshot = {{ http = \"http://{at}/\", as = \"x\", jq = \".up\" }}");
    let launch = Launch::new();
    fs::File::create(launch.path("large")).expect("made").set_len((64 << 20) + 1).expect("sparse");
    for (table, verdict, why) in [
        (of(empty), Verdict::Fail, "there is nothing in it"),
        (of(down), Verdict::Fail, "503 Service Unavailable"),
        (of(text), Verdict::Unknown, "it is no JSON"),
        ("snapshot = { file = \"gone\", as = \"x\" }".into(), Verdict::Fail, ""),
        ("snapshot = { file = \"large\", as = \"x\" }".into(), Verdict::Fail, "the file is larger than the 64 MiB"),
        ("snapshot = { command = [\"no-such-program\"], as = \"x\" }".into(), Verdict::Unknown, ""),
        (
            "snapshot = { command = [\"sh\", \"-c\", \"echo half; exit 3\"], as = \"x\" }".into(),
            Verdict::Fail,
            "the command ended with exit 3",
        ),
        ("snapshot = { command = [\"true\"], as = \"x\" }".into(), Verdict::Fail, "there is nothing in it"),
    ] {
        let _ = fs::remove_dir_all(launch.path("steps"));
        let came = launch.step(&table, "https://unused.example/hook").await;
        assert_eq!(came.verdict, verdict, "{table}: {}", came.files);
        assert!(came.report["summary"].as_str().is_some_and(|said| said.contains(why)), "{why}: {}", came.report);
        assert_eq!(kept(&launch).len(), 0, "{table}");
    }
}

/// Rolls back in a launch whose first step announces at `hook`, and then makes `live`.
fn roll_back(hook: Option<&str>, more: &str) -> (RollbackEnd, Vec<(String, Verdict)>, Launch) {
    let (at, _) = serve(says("200 OK", "{\"version\":\"1.4.1\"}"));
    let launch = Launch::new();
    let plan = format!(
        r#"
[plan]
schema = 1
id = "t"
title = "T"
environment = "production"

[secrets]
hook = {{ env = "HOOK_OF_THIS_TEST" }}

[[rollback]]
id = "frontend"
title = "Back"
key = "1"
deadline = "5m"
[[rollback.step]]
id = "tell"
class = "once"
timeout = "5s"
notify = {{ text = "rolling back", url = "{{{{ hook }}}}" }}
{more}
[[rollback.step]]
id = "redeploy"
class = "idempotent"
run = {{ command = ["touch", "{}"] }}
[[rollback.verify]]
id = "live"
http = {{ get = "http://{at}/version", expect = {{ json = ['.version == "1.4.1"'] }} }}
"#,
        launch.path("live").display()
    );
    fs::write(launch.path("plan.toml"), plan).expect("written");
    fs::write(launch.path("baseline.json"), "{}").expect("written");
    let file = LaunchFile {
        base: launch.0.path().to_owned(),
        network: Network::Outside,
        simulated: false,
        target: None,
        environment: Default::default(),
    };
    fs::write(launch.path("launch.json"), serde_json::to_vec(&file).expect("json")).expect("written");
    let mut command = Command::new(PROGRAM);
    command.args([rollback::ROLLBACK]).arg(launch.0.path()).args(["1", "frontend"]);
    command.env_remove("HOOK_OF_THIS_TEST");
    command.envs(hook.map(|hook| ("HOOK_OF_THIS_TEST", hook)));
    let ran = command.output().expect("ran");
    let log = rollback::log_of(launch.0.path(), 1, &RollbackId::new("frontend"));
    let entries = Log::follow(&log).read().expect("a whole chain");
    let ended = |fact: &RollbackFact| match fact {
        RollbackFact::StepEnded { step, verdict, .. } => Some((step.to_string(), *verdict)),
        _ => None,
    };
    let steps = entries.iter().filter_map(|entry| ended(&entry.fact)).collect();
    let end = entries.into_iter().rev().find_map(|entry| match entry.fact {
        RollbackFact::Ended { end, .. } => Some(end),
        _ => None,
    });
    (end.unwrap_or_else(|| panic!("no end: {ran:?}")), steps, launch)
}

#[test]
fn a_rollback_goes_on_where_nobody_could_be_told_and_says_so() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let hook = format!("http://{nobody}/hook-of-ops");
    let fallback = "fallback = { run = { command = [\"false\"] } }";
    for (hook, more, told) in [
        (Some(hook.as_str()), "", Verdict::Fail),
        (Some(hook.as_str()), fallback, Verdict::Fail),
        // Its secret is not set here: that is no reason to do nothing.
        (None, "", Verdict::Unknown),
    ] {
        let (end, steps, launch) = roll_back(hook, more);
        assert_eq!(end, RollbackEnd::Verified, "{steps:?}");
        let expected = [("frontend/tell".to_owned(), told), ("frontend/redeploy".to_owned(), Verdict::Pass)];
        assert_eq!(steps, expected);
        assert!(launch.path("live").exists());
    }
}

#[tokio::test]
async fn what_a_message_asks_for_is_typed_before_it_goes_out_and_stands_in_it() {
    let place = binary::Place::new(&[]);
    let plan = place.path("plan.toml");
    fs::write(
        &plan,
        r#"
[plan]
schema = 1
id = "told"
title = "Told"

[[phase]]
id = "a"
at = "T-1h"

[[phase.item]]
id = "tell"
class = "once"
rehearse = "real"
notify = { text = "impact: {{ impact }}; back by {{ eta }}.", fields = ["impact", "eta"] }
"#,
    )
    .expect("written");
    let launch = place.path("launch");
    let (at, folder) = (plan.display().to_string(), launch.display().to_string());
    let ran = place.run(&["rehearse", &at, "--headless", "--launch", &folder]).await;
    let said = fs::read_to_string(launch.join("steps/tell/1/stdout")).unwrap_or_else(|why| panic!("{why}: {ran:?}"));
    assert!(said.starts_with("impact: scripted crew of a rehearsal; back by scripted crew of a rehearsal."), "{said}");
    let log = place.run(&["log", &folder]).await;
    for line in ["tell: impact is \"scripted crew", "tell: eta is \"scripted crew"] {
        assert!(log.out.contains(line), "{}", log.out);
    }
    let text = fs::read_to_string(&plan).expect("read").replace("rehearse = \"real\"", "auto = true");
    fs::write(&plan, text).expect("written");
    let refused = place.run(&["check", &at]).await;
    assert!(
        refused.err.contains("does not run by itself") || refused.out.contains("does not run by itself"),
        "{refused:?}"
    );
}
