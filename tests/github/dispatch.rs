//! The `dispatch` step: a run is begun once, found, and followed to its end; or done again, and nothing else is new.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tminus::base::proc::{self, Standing};
use tminus::base::secret::Redactor;
use tminus::base::template::Scope;
use tminus::base::wire::Network;
use tminus::kind::check::Context;
use tminus::kind::example::Examples;
use tminus::kind::step::{self, Acting, act};
use tminus::kind::{Entry, Spec};
use tminus::launch::id::ItemId;
use tminus::launch::verdict::{Report, Verdict};

use super::stub::Stub;
use super::world::{COMMIT, OTHER, Start, TOKEN, Trouble, World};
use super::{PATIENCE, asks, context, table, whole};
use Verdict::{Fail, Pass, Unknown};

/// Folders of attempts, as a launch has them.
struct Attempts(TempDir);

impl Attempts {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn dir(&self, number: u32) -> std::path::PathBuf {
        let dir = self.0.path().join(number.to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    }

    async fn act(&self, number: u32, stub: &Stub, text: &str) -> Report {
        let spec = table("dispatch", text, |table| step::Spec::read("dispatch", table));
        let cx = Acting { look: context(stub), dir: self.dir(number) };
        let report = spec.act(&cx).await;
        let kept = std::fs::read_to_string(cx.dir.join("dispatch.json")).unwrap_or_default();
        assert!(!kept.contains(TOKEN), "{kept}");
        report
    }

    fn record(&self, number: u32) -> serde_json::Value {
        record(&self.dir(number))
    }
}

fn record(dir: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(dir.join("dispatch.json")).expect("a record");
    serde_json::from_str(&text).expect("json")
}

const START: &str = "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\nref = 'main'\ninputs = { channel = 'stable' }\n\
    nonce_input = 'launch_nonce'\npoll = '20ms'\nsearch = '300ms'";
const NAMELESS: &str =
    "commit = '{{ commit }}'\nworkflow = 'release-tag.yml'\nref = 'main'\npoll = '20ms'\nsearch = '300ms'";

#[tokio::test]
async fn a_run_is_started_and_followed_where_the_api_tells_its_id() {
    let (stub, attempts) = (Stub::start(World::default()).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    let record = attempts.record(1);
    assert_eq!((record["stage"].as_str(), record["conclusion"].as_str()), (Some("ended"), Some("success")));
    assert_eq!(record["run"], stub.world().runs[0]["id"]);
    assert_eq!(stub.count("POST", "/dispatches"), 1);
    // A check of the run that was begun.
    let question =
        format!("commit = '{{{{ commit }}}}'\nrun = {{ id = '{}', event = 'workflow_dispatch' }}", record["run"]);
    assert_eq!(asks(&stub, &question).await.verdict, Pass);
    let latest =
        "commit = '{{ commit }}'\nrun = { workflow = 'release-tag.yml', branch = 'main', event = 'workflow_dispatch' }";
    assert_eq!(asks(&stub, latest).await.verdict, Pass);
}

#[tokio::test]
async fn an_older_api_is_asked_without_details_and_the_run_is_found_by_its_name() {
    for start in [Start::Untold, Start::Silent] {
        let (stub, attempts) = (Stub::start(World { start, page: 1, ..World::default() }).await, Attempts::new());
        let report = attempts.act(1, &stub, START).await;
        assert_eq!(report.verdict, Pass, "{start:?}: {report:?}");
        assert_eq!(stub.world().runs.len(), 1);
        let nameless = Attempts::new();
        let report = nameless.act(1, &stub, NAMELESS).await;
        assert_eq!((report.verdict, report.summary.contains("nonce_input")), (Unknown, true), "{report:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_searched_for_and_nothing_is_started_twice() {
    let (stub, attempts) =
        (Stub::start(World { start: Start::BegunUnanswered, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (1, 1));

    let (stub, attempts) = (Stub::start(World { start: Start::LostBefore, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Unknown, "{report:?}");
    assert_eq!((stub.count("POST", "/dispatches"), attempts.record(1)["stage"].as_str()), (1, Some("asking")));
    // The repeat looks first, then asks by the same nonce.
    stub.world().start = Start::Told;
    let report = attempts.act(2, &stub, START).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!(stub.count("POST", "/dispatches"), 2);
    assert_eq!(attempts.record(1)["nonce"], attempts.record(2)["nonce"]);
}

#[tokio::test]
async fn a_repeat_finds_what_an_earlier_attempt_began() {
    let (stub, attempts) = (Stub::start(World { start: Start::Silent, ..World::default() }).await, Attempts::new());
    assert_eq!(attempts.act(1, &stub, START).await.verdict, Pass);
    // As a crash leaves it, before anything was known of the run.
    for known in [false, true] {
        let mut record = attempts.record(1);
        record["stage"] = json!("asking");
        let record = record.as_object_mut().expect("a table");
        record.remove("conclusion");
        if !known {
            record.remove("run");
        }
        std::fs::write(attempts.dir(1).join("dispatch.json"), json!(record).to_string()).expect("written");
        let _ = std::fs::remove_file(attempts.dir(2).join("dispatch.json"));
        let report = attempts.act(2, &stub, START).await;
        assert_eq!(report.verdict, Pass, "{report:?}");
        assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (1, 1), "known {known}");
    }
    // One that ended is no reason not to start another.
    assert_eq!(attempts.act(3, &stub, START).await.verdict, Pass);
    assert_eq!(stub.world().runs.len(), 2);
    assert_ne!(attempts.record(2)["nonce"], attempts.record(3)["nonce"]);
}

#[tokio::test]
async fn what_was_accepted_and_never_seen_is_not_asked_for_again() {
    let (stub, attempts) = (Stub::start(World { start: Start::Swallowed, ..World::default() }).await, Attempts::new());
    for attempt in [1, 2] {
        let report = attempts.act(attempt, &stub, START).await;
        assert_eq!(report.verdict, Unknown, "{report:?}");
        assert_eq!(stub.count("POST", "/dispatches"), 1);
    }
    std::fs::write(attempts.dir(2).join("dispatch.json"), "{").expect("written");
    let report = attempts.act(3, &stub, START).await;
    assert_eq!((report.verdict, stub.count("POST", "/dispatches")), (Unknown, 1), "{report:?}");
}

#[tokio::test]
async fn two_runs_of_one_dispatch_fail() {
    let (stub, attempts) = (Stub::start(World { start: Start::Twice, ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, report.summary.contains("2 runs carry tminus-")), (Fail, true), "{report:?}");
}

#[tokio::test]
async fn a_run_that_fails_or_is_of_another_commit_fails() {
    let (stub, attempts) = (Stub::start(World { conclusion: "failure", ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!(report.verdict, Fail, "{report:?}");
    assert!(report.findings.iter().any(|one| one.subject == "job tag" && one.verdict == Fail), "{report:?}");

    let (stub, attempts) = (Stub::start(World { head: OTHER.into(), ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, stub.count("POST", "")), (Fail, 0), "{report:?}");
    assert!(report.summary.contains("nothing was started: main stands at"), "{report:?}");

    let (stub, attempts) =
        (Stub::start(World { workflow_state: "disabled_manually", ..World::default() }).await, Attempts::new());
    assert_eq!((attempts.act(1, &stub, START).await.verdict, stub.count("POST", "")), (Fail, 0));
}

#[tokio::test]
async fn a_limit_is_waited_out_and_a_refusal_begins_nothing() {
    let limit = Trouble {
        method: "POST",
        at: "/dispatches",
        status: 429,
        headers: vec![("retry-after", "0".to_owned())],
        body: json!({ "message": "slow down" }),
        times: 1,
    };
    let refusal = Trouble {
        status: 403,
        headers: Vec::new(),
        body: json!({ "message": "Resource not accessible" }),
        ..limit.clone()
    };
    let broken = Trouble { method: "GET", at: "/jobs", status: 502, ..refusal.clone() };
    let (stub, attempts) =
        (Stub::start(World { troubles: vec![limit.clone(), broken], ..World::default() }).await, Attempts::new());
    assert_eq!(attempts.act(1, &stub, START).await.verdict, Pass);
    assert_eq!((stub.count("POST", "/dispatches"), stub.world().runs.len()), (2, 1));

    let (stub, attempts) = (Stub::start(World { troubles: vec![refusal], ..World::default() }).await, Attempts::new());
    let report = attempts.act(1, &stub, START).await;
    assert_eq!((report.verdict, attempts.record(1)["stage"].as_str()), (Fail, Some("refused")), "{report:?}");
    // Beyond our time: not waited for, and said.
    let long = Trouble { headers: vec![("retry-after", "7200".to_owned())], ..limit };
    stub.world().troubles = vec![long];
    let report = attempts.act(2, &stub, START).await;
    assert_eq!((report.verdict, report.summary.contains("again in 7200 s")), (Unknown, true), "{report:?}");
}

const AGAIN: &str = "commit = '{{ commit }}'\npoll = '20ms'\nsearch = '300ms'\n\
    rerun = { workflow = 'release-tag.yml', tags = 'v1\\.0\\.\\d+' }";

async fn begun(stub: &Stub, attempts: &Attempts) {
    assert_eq!(attempts.act(1, stub, START).await.verdict, Pass);
    stub.world().refs.push(("v1.0.42".into(), "commit", COMMIT.into()));
    stub.world().releases.push((1, "v1.0.42".into(), false));
}

#[tokio::test]
async fn a_rerun_is_idempotent_or_told_what_it_made() {
    let (stub, attempts, again) = (Stub::start(World::default()).await, Attempts::new(), Attempts::new());
    begun(&stub, &attempts).await;
    let report = again.act(1, &stub, AGAIN).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!(stub.world().runs[0]["run_attempt"], 2);
    stub.world().tag_by_rerun = Some("v1.0.43");
    let report = again.act(2, &stub, AGAIN).await;
    assert_eq!((report.verdict, report.summary.contains("v1.0.43 is new")), (Fail, true), "{report:?}");
    assert_eq!(stub.count("POST", "/rerun"), 2);
}

#[tokio::test]
async fn a_repeat_of_a_rerun_asks_only_where_none_began() {
    let (stub, attempts, again) = (Stub::start(World::default()).await, Attempts::new(), Attempts::new());
    begun(&stub, &attempts).await;
    assert_eq!(again.act(1, &stub, AGAIN).await.verdict, Pass);
    let mut record = again.record(1);
    record["stage"] = json!("asking");
    std::fs::write(again.dir(1).join("dispatch.json"), record.to_string()).expect("written");
    let report = again.act(2, &stub, AGAIN).await;
    assert_eq!(report.verdict, Pass, "{report:?}");
    assert_eq!((stub.count("POST", "/rerun"), stub.world().runs[0]["run_attempt"].as_u64()), (1, Some(2)));
}

#[tokio::test]
async fn a_run_that_goes_on_beyond_our_time_is_unknown() {
    let (stub, attempts) = (Stub::start(World { looks: usize::MAX, ..World::default() }).await, Attempts::new());
    let spec = table("dispatch", START, |table| step::Spec::read("dispatch", table));
    let look = Context { timeout: Duration::from_secs(2), ..context(&stub) };
    let report = spec.act(&Acting { look, dir: attempts.dir(1) }).await;
    assert_eq!((report.verdict, report.summary.contains("ends is not known")), (Unknown, true), "{report:?}");
    assert_eq!(attempts.record(1)["stage"].as_str(), Some("asked"));
}

#[tokio::test]
async fn a_search_that_our_time_cuts_short_starts_nothing_more() {
    let (stub, attempts) = (Stub::start(World { start: Start::LostBefore, ..World::default() }).await, Attempts::new());
    assert_eq!(attempts.act(1, &stub, START).await.verdict, Unknown);
    stub.world().start = Start::Told;
    // What the first attempt asked for may yet come up: a minute is what it takes to say that it does not.
    let long = START.replace("search = '300ms'", "search = '60s'");
    let spec = table("dispatch", &long, |table| step::Spec::read("dispatch", table));
    let look = Context { timeout: Duration::from_secs(1), ..context(&stub) };
    let report = spec.act(&Acting { look, dir: attempts.dir(2) }).await;
    assert_eq!((report.verdict, stub.count("POST", "/dispatches")), (Unknown, 1), "{report:?}");
    assert!(report.summary.contains("was looked for long enough"), "{report:?}");
}

/// Under the shim, as this binary: what the console starts.
async fn under_the_shim(stub: &Stub, text: &str, dir: &Path) -> proc::Started {
    let spec = table("dispatch", text, |table| step::Spec::read("dispatch", table));
    let entry = Entry {
        owner: ItemId::new("cut/release"),
        spec: Spec::Step(spec),
        scope: Scope::default(),
        session: None,
        examples: Examples::default(),
        text: Arc::from(whole(text)),
        real: false,
    };
    let redactor = Redactor::new([TOKEN.to_owned()]);
    let (program, base) = (Path::new(env!("CARGO_BIN_EXE_tminus")), Path::new("/"));
    let network = Network::Outside;
    let ground = act::Ground { program, base, redactor: &redactor, network: &network, simulated: None };
    let scope = context(stub).scope;
    let (intent, private) = act::prepared(&entry, &entry.owner, &scope, PATIENCE, ground).expect("prepared");
    proc::start(program, dir, &intent, &private).expect("started")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_acts_in_a_process_of_its_own_without_a_secret_on_disk() {
    let (stub, attempts) = (Stub::start(World::default()).await, Attempts::new());
    let dir = attempts.0.path().join("1");
    let started = under_the_shim(&stub, START, &dir).await;
    let Standing::Ended(outcome) =
        tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked")
    else {
        unreachable!("it ended")
    };
    let said = std::fs::read_to_string(dir.join("stdout")).expect("stdout");
    assert_eq!(outcome.exit, Some(0), "{said}");
    assert!(said.contains("job tag: success") && said.contains("https://github.com/o/r/actions/runs/"), "{said}");
    assert_eq!(record(&dir)["stage"].as_str(), Some("ended"));
    for file in std::fs::read_dir(&dir).expect("a folder") {
        let path = file.expect("a file").path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("read")).into_owned();
        assert!(!text.contains(TOKEN), "{} holds the token", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_the_step_cancels_the_run_only_where_the_plan_says_so() {
    for (cancels, wanted) in [(true, 1), (false, 0)] {
        let (stub, attempts) = (Stub::start(World { looks: usize::MAX, ..World::default() }).await, Attempts::new());
        let dir = attempts.0.path().join("1");
        let text = format!("{START}\ncancel_run = {cancels}");
        let started = under_the_shim(&stub, &text, &dir).await;
        let told = || std::fs::read_to_string(dir.join("stdout")).is_ok_and(|said| said.contains("job tag:"));
        let looking = async {
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            while !told() {
                looks.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "no job was told");
        proc::stop(&dir, "cancelled").expect("asked");
        let Standing::Ended(outcome) =
            tokio::time::timeout(PATIENCE, started.ended()).await.expect("in time").expect("looked")
        else {
            unreachable!("it ended")
        };
        assert!(outcome.ended_by.is_some(), "{outcome:?}");
        assert_eq!(stub.count("POST", "/cancel"), wanted);
    }
}
