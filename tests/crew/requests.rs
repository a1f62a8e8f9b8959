//! Second terminals of a launch that is held, and of one that nobody holds.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tminus::engine::inbox::ask;
use tminus::engine::inbox::form::Answer;
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Recorded};
use tminus::launch::verdict::Verdict;
use tokio::process::Child;

use crate::binary::{PATIENCE, Place, Ran, ended, signal};
use crate::told::{board, records};
use crate::wait::comes;

/// A step that stands until someone writes into its fifo, a task for two, a step that waits for a word.
const PLAN: &str = r#"
[plan]
schema = 1
id = "crewed"
title = "A crewed launch"
environment = "test"

[clock]
start = "T-1h"

[roles.backend]
title = "Backend lead"
people = ["Ana", "Bo"]
may = ["resume"]

[roles.sre]
title = "SRE"
people = ["Cy"]

[[evidence]]
id = "checks"
title = "The dashboards, seen by two"
items = ["look"]

[[evidence]]
id = "notes"
title = "Notes of the rollback rehearsal"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "health"
title = "Something that takes its time"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["cat", "FIFO"]

[[phase.item]]
id = "look"
manual = { role = "backend", second = "sre" }

[[phase.item]]
id = "wipe"
class = "idempotent"
second = true
run = { command = ["true"] }
"#;

struct Held {
    place: Place,
    folder: PathBuf,
    holder: Child,
    fifo: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Opened for writing and closed, the fifo ends what reads it.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let _ = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(&self.fifo);
    }
}

fn plan_in(place: &Place) -> (PathBuf, PathBuf) {
    let (plan, fifo) = (place.path("plan.toml"), place.path("fifo"));
    std::fs::write(&plan, PLAN.replace("FIFO", &fifo.display().to_string())).expect("written");
    (plan, fifo)
}

impl Held {
    async fn new() -> Self {
        let place = Place::new(&[]);
        let (plan, fifo) = plan_in(&place);
        let folder = place.path("launch");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        let (named, at) = (plan.display().to_string(), folder.display().to_string());
        let holder = place.start(&["run", &named, "--headless", "--name", "op", "--launch", &at]);
        let runs = |record: &Recorded| matches!(record.event, Event::StepStarted { .. });
        comes("the step", || records(&folder).iter().any(runs)).await;
        Self { place, folder, holder, fifo }
    }

    async fn ask(&self, word: &str, more: &[&str]) -> Ran {
        let folder = self.folder.display().to_string();
        self.place.run(&[&[word, &folder], more].concat()).await
    }

    /// Has the holder leave by itself.
    async fn leaves(&mut self) {
        signal(&self.holder, Signal::TERM);
        tokio::time::timeout(PATIENCE, self.holder.wait()).await.expect("it leaves").expect("it ran");
    }

    fn last(&self, count: usize) -> Vec<Event> {
        let all = records(&self.folder);
        all.into_iter().rev().take(count).rev().map(|record| record.event).collect()
    }
}

fn told(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for word in words {
        assert!(ran.err.contains(word) || ran.out.contains(word), "{word}: {ran:?}");
    }
}

#[tokio::test]
async fn nobody_acts_for_a_role_that_is_other_peoples_from_the_first_moment() {
    let place = Place::new(&[]);
    let (plan, _) = plan_in(&place);
    let plan = plan.display().to_string();
    let people = "Backend lead is Ana or Bo, not zed: say who you are with --name";
    for command in ["run", "rehearse"] {
        let launch = place.path(command).display().to_string();
        let run = async |who: &[&str]| {
            place.run(&[&[command, plan.as_str(), "--headless", "--launch", launch.as_str()], who].concat()).await
        };
        told(&run(&["--as", "backend", "--name", "zed"]).await, 3, &[people]);
        let near = "no role `bakend` in this plan, did you mean `backend`?; it has: backend, sre";
        told(&run(&["--as", "bakend"]).await, 3, &[near]);
        assert!(!Path::new(&launch).exists(), "nothing is opened");
    }
    let held = Held::new().await;
    for (word, more) in [("watch", &[][..]), ("note", &["hi"][..]), ("hold", &["why"][..]), ("close", &[][..])] {
        let who = ["--as", "backend", "--name", "zed"];
        told(&held.ask(word, &[more, &who].concat()).await, 3, &[people]);
    }
    // Whoever writes the request by hand is asked the same.
    let hold = Command::CallHold { why: "mine".into() };
    let request = ask::request("zed", Some("backend".into()), hold).expect("a request");
    let inbox = held.folder.join("inbox");
    ask::submit(&inbox, &request).expect("submitted");
    let answer = ask::wait(&inbox, &request.id, PATIENCE).expect("answered");
    assert_eq!(answer, Answer::Refused(people.into()));
}

#[tokio::test]
async fn two_terminals_give_the_two_words() {
    let held = Held::new().await;
    let attest = async |item: &str, who: &str, role: &str, more: &[&str]| {
        held.ask("attest", &[&[item, "seen", "it", "--name", who, "--as", role], more].concat()).await
    };
    let look = || board(&held.folder, &records(&held.folder)).item(&"look".into()).expect("there").clone();
    told(&attest("look", "Ana", "backend", &[]).await, 0, &["recorded as #"]);
    assert_eq!(look().half.map(|word| (word.by.name, word.note)), Some(("Ana".into(), "seen it".into())));
    told(&attest("look", "ana", "backend", &[]).await, 1, &["Ana has given the first word on look"]);
    told(&attest("look", "Bo", "backend", &[]).await, 1, &["look wants the word of SRE: give it as sre"]);
    assert_eq!(look().verdict(None, Default::default()), None, "one word is none");
    told(&attest("look", "Cy", "sre", &[]).await, 0, &[]);
    assert_eq!(look().verdict(None, Default::default()), Some(Verdict::Pass));
    told(&attest("look", "Bo", "backend", &["--failed"]).await, 0, &[]);
    assert_eq!(look().verdict(None, Default::default()), Some(Verdict::Fail));
    told(&attest("wipe", "Bo", "backend", &[]).await, 0, &[]);
    let armed = board(&held.folder, &records(&held.folder)).item(&"wipe".into()).expect("there").armed.clone();
    assert_eq!(armed.map(|word| word.by.name), Some("Bo".into()));
    told(&attest("health", "Bo", "backend", &[]).await, 1, &["decided by what it sees"]);
    told(&attest("loook", "Bo", "backend", &[]).await, 3, &["did you mean `look`?"]);
    told(&held.ask("attest", &["look", "seen"]).await, 3, &["--as ROLE"]);
    // Both name and role, in the journal and its log.
    told(&held.ask("log", &[]).await, 0, &["look attested by Cy (sre): seen it", "attested as FAILED by Bo (backend)"]);
}

#[tokio::test]
async fn evidence_and_the_closing_are_asked_of_the_holder_and_taken_up_where_there_is_none() {
    let mut held = Held::new().await;
    let file = held.place.path("rehearsal.md");
    std::fs::write(&file, "11 minutes\n").expect("written");
    let file = file.display().to_string();
    let bo = ["--as", "backend", "--name", "Bo"];
    told(&held.ask("evidence", &["notes", "--file", &file]).await, 3, &["--as ROLE"]);
    told(&held.ask("evidence", &[&["nots", "x"], &bo[..]].concat()).await, 3, &["did you mean `notes`?"]);
    told(&held.ask("evidence", &[&["notes", "--file", &file], &bo[..]].concat()).await, 0, &[]);
    let given = board(&held.folder, &records(&held.folder)).evidence[&"notes".into()].clone();
    assert!(given.what.starts_with("rehearsal.md (11 bytes, sha256 "), "{given:?}");
    let hash = given.what.split("sha256 ").nth(1).and_then(|rest| rest.get(..64)).expect("a hash");
    assert_eq!(std::fs::read(held.folder.join("artifacts").join(hash)).expect("kept"), b"11 minutes\n");

    told(&held.ask("close", &["--as", "sre", "--name", "cy"]).await, 1, &["SRE may not resume"]);
    let missing =
        ["health is running", "T-0 was not reached", "phase act is not through: 3 open", "evidence checks waits"];
    told(&held.ask("close", &bo).await, 1, &missing);
    told(&held.ask("close", &[&bo[..], &["--anyway", "enough"]].concat()).await, 1, &["Backend lead may not abort"]);

    held.leaves().await;
    told(&held.ask("close", &["--name", "op"]).await, 1, &missing);
    // A file that was given and is gone is no evidence.
    let kept = held.folder.join("artifacts").join(hash);
    for (change, wanted) in [(Some("12 minutes\n"), "that is another file now"), (None, "that is not there any more")] {
        match change {
            Some(text) => std::fs::write(&kept, text).expect("written"),
            None => std::fs::remove_file(&kept).expect("removed"),
        }
        told(&held.ask("close", &["--name", "op"]).await, 1, &["evidence notes was given as artifacts/", wanted]);
    }
    std::fs::write(&kept, "11 minutes\n").expect("written");
    assert_eq!(held.last(1), [Event::ConsoleLeft], "what was refused leaves no trace");
    told(&held.ask("evidence", &["checks", "https://docs.example/1", "--name", "op"]).await, 0, &["recorded as #"]);
    let last = held.last(3);
    assert!(matches!(last[0], Event::ConsoleReturned { clean: true, .. }), "{last:?}");
    let given = Event::EvidenceGiven { evidence: "checks".into(), what: "https://docs.example/1".into() };
    assert_eq!(last[1..], [given, Event::ConsoleLeft]);

    let brief = held.ask("brief", &["--name", "bo"]).await;
    told(&brief, 0, &["the last act of bo", "evidence checks given by op", "Next", "now: look"]);
    assert!(!brief.out.contains("evidence notes given"), "before bo's own last act: {brief:?}");
    told(&held.ask("brief", &["--since-seq", "0"]).await, 0, &["evidence notes given by Bo (backend)"]);
    told(&held.ask("brief", &["--since", "soon"]).await, 3, &["12:03"]);

    told(&held.ask("close", &["--anyway", "the rest is done by hand", "--name", "op"]).await, 0, &[]);
    let closed = board(&held.folder, &records(&held.folder)).ended.expect("closed");
    assert!(
        closed.starts_with("closed without health is running; ") && closed.ends_with(": the rest is done by hand"),
        "{closed}"
    );
    let folder = held.folder.display().to_string();
    let run = held.place.run(&["run", "--launch", &folder, "--headless"]).await;
    assert!(run.out.contains("ended: closed without health is running"), "{run:?}");
    told(&held.ask("close", &[]).await, 1, &["the launch has ended: closed"]);
    told(&held.ask("verify", &[]).await, 0, &[]);
}

#[tokio::test]
async fn a_launch_whose_console_died_is_not_taken_for_a_moment() {
    let mut held = Held::new().await;
    let _ = held.holder.kill().await;
    let before = records(&held.folder).len();
    told(&held.ask("evidence", &["notes", "x"]).await, 3, &["did not leave by itself", "tminus run --launch"]);
    assert_eq!(records(&held.folder).len(), before);
}

/// One person is enough for a rehearsal: the scripted crew has a second.
#[tokio::test]
async fn the_scripted_crew_flies_a_plan_that_asks_for_two() {
    let place = Place::new(&[]);
    let plan = place.path("plan.toml");
    let text = PLAN.replace("class = \"once\"\nauto = true\ntimeout = \"50s\"", "class = \"once\"\nauto = true");
    std::fs::write(&plan, text).expect("written");
    let (plan, folder) = (plan.display().to_string(), place.path("launch"));
    let at = folder.display().to_string();
    let ran = ended(place.start(&["rehearse", &plan, "--headless", "--launch", &at])).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let words: Vec<_> = records(&folder)
        .into_iter()
        .filter(|record| matches!(record.event, Event::Attested { .. }))
        .map(|record| (record.actor.name, record.actor.role.map(|role| role.to_string()), record.actor.scripted))
        .collect();
    let crew = |name: &str, role: Option<&str>| (name.to_owned(), role.map(str::to_owned), true);
    assert_eq!(words.len(), 3, "{words:?}");
    for word in [crew("crew", None), crew("crew-2", Some("sre")), crew("crew-2", None)] {
        assert!(words.contains(&word), "{word:?}: {words:?}");
    }
}
