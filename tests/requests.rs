//! Attached terminals ask, the console that holds the launch decides: each request once, whoever dies when;
//! what nobody decides is said to be undecided, and never comes true later.

#[path = "requests/crew.rs"]
mod crew;
#[path = "requests/group.rs"]
mod group;
#[path = "requests/live.rs"]
mod live;
#[path = "requests/watch.rs"]
mod watch;

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binary::{PATIENCE, Place, Ran, signal};
use crate::told::{board, records};
use crate::wait::comes;
use rustix::process::Signal;
use tminus::engine::inbox::ask;
use tminus::engine::inbox::form::Answer;
use tminus::launch::command::Command;
use tminus::launch::event::{Event, Recorded, Vote};
use tokio::process::Child;

/// Its only step waits until someone writes into its fifo: the launch stands there for as long as a test looks.
const PLAN: &str = r#"
[plan]
schema = 1
id = "one-step"
title = "One step"
environment = "test"

[clock]
start = "T-1h"

[roles.backend]
title = "Backend lead"
votes = true
may = ["waive"]

[roles.frontend]
title = "Frontend lead"
votes = true

[roles.owner]
title = "Release owner"
votes = true

[roles.scribe]
title = "Scribe"

[poll]
order = ["backend", "frontend", "owner"]
director = "backend"

[[criterion]]
id = "way-back"
no_go = "There is no way back"
role = "owner"

[[phase]]
id = "act"
title = "Act"
at = "T-1h"

[[phase.item]]
id = "sign-off"
title = "Both leads sign"
signoff = { roles = ["backend", "frontend"] }

[[phase.item]]
id = "second-go"
title = "GO once more"
poll = { roles = ["frontend"] }

[[phase.item]]
id = "health"
title = "Something that takes its time"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["cat", "FIFO"]
"#;

/// A launch that stands still at its step, and whoever asks something of it.
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

fn start(place: &Place, plan: &Path, folder: &Path) -> Child {
    let (plan, folder) = (plan.display().to_string(), folder.display().to_string());
    place.start(&["run", &plan, "--headless", "--name", "ana", "--launch", &folder])
}

async fn until(folder: &Path, wanted: impl Fn(&Recorded) -> bool) {
    comes("such record", || records(folder).iter().any(&wanted)).await;
}

async fn there(path: &Path) {
    comes(&path.display().to_string(), || path.exists()).await;
}

fn runs(record: &Recorded) -> bool {
    matches!(&record.event, Event::StepStarted { .. })
}

impl Held {
    async fn new(env: &[(&str, &str)]) -> Self {
        Self::of(env, PLAN).await
    }

    async fn of(env: &[(&str, &str)], text: &str) -> Self {
        let place = Place::new(env);
        let (folder, fifo) = (place.path("launch"), place.path("fifo"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        let plan = place.path("plan.toml");
        std::fs::write(&plan, text.replace("FIFO", &fifo.display().to_string())).expect("written");
        let holder = start(&place, &plan, &folder);
        until(&folder, runs).await;
        Self { place, folder, holder, fifo }
    }

    async fn ask(&self, word: &str, more: &[&str]) -> Ran {
        let folder = self.folder.display().to_string();
        self.place.run(&[&[word, &folder], more].concat()).await
    }

    fn inbox(&self) -> PathBuf {
        self.folder.join("inbox")
    }

    /// Kills the holder and goes on with another.
    async fn go_on(&mut self) {
        let _ = self.holder.kill().await;
        self.holder = start(&self.place, &self.place.path("plan.toml"), &self.folder);
    }

    fn told(&self, wanted: impl Fn(&Event) -> bool) -> Vec<Recorded> {
        records(&self.folder).into_iter().filter(|record| wanted(&record.event)).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("console.log")).unwrap_or_default()
    }
}

fn is_note(event: &Event) -> bool {
    matches!(event, Event::Noted { .. })
}

fn is_hold(event: &Event) -> bool {
    matches!(event, Event::HoldCalled { .. })
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn what_is_asked_is_recorded_under_its_askers_name_and_answered() {
    let held = Held::new(&[]).await;
    let said = held.ask("note", &["the", "dashboards look calm", "--name", "bob"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let notes = held.told(is_note);
    let [note] = notes.as_slice() else { panic!("one note: {notes:?}") };
    assert_eq!(note.event, Event::noted("the dashboards look calm"));
    assert_eq!((note.actor.name.as_str(), note.actor.role.as_ref(), note.actor.scripted), ("bob", None, false));
    assert_eq!(said.out, format!("recorded as #{}\n", note.seq + 1));

    let hold = held.ask("hold", &["the pager rings", "--as", "backend", "--name", "bob"]).await;
    assert_eq!(hold.code, Some(0), "{hold:?}");
    let clock = board(&held.folder, &records(&held.folder)).clock.expect("a clock");
    assert_eq!(clock.latches.get("backend").map(Vec::len), Some(1), "{:?}", clock.latches);
    // Without a name it is one's own; another's takes a role that may waive.
    let strange = held.ask("release", &["backend", "--as", "frontend"]).await;
    assert_eq!(
        (strange.code, strange.err.contains("refused: Frontend lead may not waive")),
        (Some(1), true),
        "{strange:?}"
    );
    let release = held.ask("release", &["--as", "backend"]).await;
    assert_eq!(release.code, Some(0), "{release:?}");

    let vote = held.ask("vote", &["no-go", "login is slow", "--as", "frontend", "--name", "cy"]).await;
    assert_eq!(vote.code, Some(0), "{vote:?}");
    let ballot = board(&held.folder, &records(&held.folder)).votes[&"frontend".into()].clone();
    assert_eq!((ballot.vote, ballot.by.name.as_str()), (Vote::NoGo { reason: "login is slow".into() }, "cy"));

    let nothing = held.ask("acknowledge", &["health", "--as", "backend"]).await;
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(nothing.err.contains("refused: health has nothing to acknowledge"), "{nothing:?}");
    assert_eq!(files(&held.inbox()), Vec::<String>::new(), "nothing is left behind");
}

#[tokio::test]
async fn a_role_judges_signs_and_votes_once_more_from_anywhere() {
    let held = Held::new(&[]).await;
    let now = || board(&held.folder, &records(&held.folder));
    let judged = held.ask("judge", &["way-back", "occurs", "no", "drill", "--as", "owner", "--name", "cy"]).await;
    assert_eq!(judged.code, Some(0), "{judged:?}");
    let known = now().criteria[&"way-back".into()].clone();
    let word = known.judged.expect("a word");
    assert_eq!((word.met, word.note.as_str(), word.by.name.as_str()), (false, "no drill", "cy"));
    let waived =
        held.ask("judge", &["way-back", "waived", "known", "--for", "4h", "--as", "backend", "--name", "bob"]).await;
    assert_eq!(waived.code, Some(0), "{waived:?}");
    assert!(now().criteria[&"way-back".into()].waiver.as_ref().is_some_and(|waiver| waiver.until.is_some()));
    let other = held.ask("judge", &["way-back", "excluded", "I say so", "--as", "frontend"]).await;
    assert_eq!((other.code, other.err.contains("judged by owner")), (Some(1), true), "{other:?}");

    let signed = held.ask("sign", &["sign-off", "--as", "backend", "--name", "bob"]).await;
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let twice = held.ask("sign", &["sign-off", "--as", "frontend", "--name", "bob"]).await;
    assert_eq!((twice.code, twice.err.contains("bob has signed for backend")), (Some(1), true), "{twice:?}");
    let second = held.ask("sign", &["sign-off", "--as", "frontend", "--name", "cy"]).await;
    assert_eq!(second.code, Some(0), "{second:?}");

    let early = held.ask("vote", &["go", "--as", "backend"]).await;
    assert_eq!((early.code, early.err.contains("Backend lead votes last")), (Some(1), true), "{early:?}");
    let voted = held.ask("vote", &["go", "--poll", "second-go", "--as", "frontend"]).await;
    assert_eq!(voted.code, Some(0), "{voted:?}");
    let board = now();
    for item in ["sign-off", "second-go"] {
        let verdict = board.item(&item.into()).and_then(|state| state.verdict(None, board.at));
        assert_eq!(verdict, Some(tminus::launch::verdict::Verdict::Pass), "{item}");
    }
    let seq = board.polls.records.last().copied().expect("a decision");
    let page = tminus::evidence::decision_file(&held.folder, seq);
    there(&page).await;
    assert!(std::fs::read_to_string(&page).expect("a record").contains("Go/no-go record: GO"));
}

#[tokio::test]
async fn what_no_plan_has_is_not_even_asked() {
    let held = Held::new(&[]).await;
    for (word, more, told) in [
        ("hold", &["why"][..], "--as ROLE"),
        ("hold", &["why", "--as", "backen"], "no role `backen` in this plan, did you mean `backend`?; it has: "),
        ("vote", &["go", "--as", "scribe"], "no vote of `scribe` in this plan"),
        (
            "vote",
            &["go", "--poll", "second", "--as", "frontend"],
            "no poll `second` in this plan, did you mean `second-go`?",
        ),
        (
            "judge",
            &["way-bac", "met", "so", "--as", "owner"],
            "no criterion `way-bac` in this plan, did you mean `way-back`?",
        ),
        ("judge", &["way-back", "waived", "so", "--as", "owner"], "say how long the waiver counts: --for 4h"),
        ("judge", &["way-back", "excluded", "so"], "--as ROLE"),
        ("judge", &["way-back", "met", "so", "--as", "owner"], "a no-go criterion: say excluded"),
        ("sign", &["sign-of", "--as", "backend"], "no sign-off `sign-of` in this plan, did you mean `sign-off`?"),
        ("sign", &["sign-off", "--as", "owner"], "no signature of `owner` in this plan"),
        ("vote", &["maybe", "--as", "owner"], "say GO, NO-GO, or GO-WITH-WAIVER"),
        ("vote", &["no-go", "--as", "owner"], "this vote needs a reason"),
        ("acknowledge", &["helth", "--as", "owner"], "no item `helth` in this plan, did you mean `health`?"),
        ("note", &["hi", "--name", "engine"], "no name for a person"),
        ("note", &["hi", "--name", "rollback"], "no name for a person"),
        ("note", &["hi", "--name", "gate smoke"], "no name for a person"),
    ] {
        let ran = held.ask(word, more).await;
        assert_eq!(ran.code, Some(3), "{word} {more:?}: {ran:?}");
        assert!(ran.err.contains(told), "{word} {more:?}: {ran:?}");
    }
    assert_eq!(held.told(|event| matches!(event, Event::RequestDecided { .. })), Vec::new());
}

#[tokio::test]
async fn with_nobody_there_a_note_is_kept_and_a_hold_is_not() {
    let mut held = Held::new(&[]).await;
    let _ = held.holder.kill().await;
    let note = held.ask("note", &["the lights went out", "--name", "bob"]).await;
    assert_eq!(note.code, Some(2), "{note:?}");
    assert!(note.err.contains("nobody holds this launch: the note is kept in its inbox"), "{note:?}");
    for (word, more) in [("hold", ["stop", "--as", "backend"]), ("vote", ["go", "--as", "backend"])] {
        let ran = held.ask(word, &more).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("nobody is there to decide it: nothing was asked; `tminus run --launch"), "{ran:?}");
    }
    assert_eq!(files(&held.inbox()).len(), 1, "the note alone waits");

    held.go_on().await;
    until(&held.folder, |record| is_note(&record.event)).await;
    let notes = held.told(is_note);
    assert_eq!(notes.len(), 1);
    let returned = held.told(|event| matches!(event, Event::ConsoleReturned { .. }));
    assert!(notes[0].occurred_at < returned[0].recorded_at, "it is told as of when it was seen");
    assert!(notes[0].recorded_at >= returned[0].recorded_at, "and recorded when it was");
    assert_eq!(held.told(is_hold), Vec::new());
}

#[tokio::test]
async fn a_frozen_console_is_told_from_a_deciding_one_and_what_was_taken_back_never_happens() {
    let held = Held::new(&[]).await;
    signal(&held.holder, Signal::STOP);
    let ran = held.ask("hold", &["stop", "--as", "backend", "--wait", "300ms"]).await;
    signal(&held.holder, Signal::CONT);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for told in
        ["ana holds this launch since", "did not answer within 300ms", "taken back", "--take-over", "tminus rollback"]
    {
        assert!(ran.err.contains(told), "{told}: {ran:?}");
    }
    // It reads on: what comes after is decided, what was taken back is not.
    let note = held.ask("note", &["it is back"]).await;
    assert_eq!(note.code, Some(0), "{note:?}");
    assert_eq!(held.told(is_hold), Vec::new());
}

#[tokio::test]
async fn killed_between_the_record_and_the_answer_it_is_recorded_once_and_answered_after() {
    let mut held = Held::new(&[("TMINUS_BOUNDARY", "request-decided=kill")]).await;
    let (folder, inbox) = (held.folder.clone(), held.inbox());
    let note = ask::request("bob", None, Command::note("just then")).expect("a request");
    let (vote, hold) = (Vote::Go, Command::CallHold { why: "no".into() });
    let refused = ask::request("bob", None, hold).expect("a request");
    let accepted = ask::request("bob", Some("owner".into()), Command::Vote { poll: None, role: "owner".into(), vote })
        .expect("one");
    // All at once, so that one turn decides them.
    signal(&held.holder, Signal::STOP);
    for request in [&note, &refused, &accepted] {
        ask::submit(&inbox, request).expect("submitted");
    }
    signal(&held.holder, Signal::CONT);
    tokio::time::timeout(PATIENCE, held.holder.wait()).await.expect("it dies there").expect("it ran");
    let answer = |id| ask::wait(&inbox, id, Duration::ZERO);
    assert_eq!([&note, &refused, &accepted].map(|request| answer(&request.id)), [None, None, None]);
    let decided = |records: &[Recorded]| {
        records.iter().filter(|record| matches!(record.event, Event::RequestDecided { .. })).count()
    };
    assert_eq!(decided(&records(&folder)), 3, "all are in the journal");

    let after = Place::new(&[]);
    held.holder = start(&after, &held.place.path("plan.toml"), &folder);
    let last = [&note, &refused, &accepted].map(|request| inbox.join(format!("{}.answer", request.id)));
    for path in &last {
        there(path).await;
    }
    let all = records(&folder);
    assert_eq!(all.iter().filter(|record| is_note(&record.event)).count(), 1, "{all:?}");
    assert_eq!(decided(&all), 3);
    assert_eq!(all.iter().filter(|record| matches!(record.event, Event::Voted { .. })).count(), 1);
    let board = board(&folder, &all);
    assert_eq!(answer(&note.id), Some(Answer::Recorded(board.requests[&note.id].seq)));
    assert_eq!(answer(&accepted.id), Some(Answer::Recorded(board.requests[&accepted.id].seq)));
    let Some(Answer::Refused(why)) = answer(&refused.id) else { panic!("a refusal") };
    assert!(why.contains("a scribe has notes and incidents"), "{why}");
}

#[tokio::test]
async fn nonsense_is_set_aside_with_its_reason_and_stops_nobody() {
    let held = Held::new(&[]).await;
    let inbox = held.inbox();
    let id = |digit: &str| digit.repeat(32);
    let note = ask::request("bob", None, Command::note("real")).expect("a request");
    let real = tminus::engine::inbox::form::encode(&note).expect("written");
    std::fs::write(held.folder.join("elsewhere"), &real).expect("written");
    std::fs::write(inbox.join(format!("{}.json", id("a"))), "{").expect("written");
    std::fs::write(inbox.join(format!("{}.json", id("b"))), vec![b'x'; 70_000]).expect("written");
    std::fs::write(inbox.join(format!("{}.json", id("c"))), &real).expect("written");
    symlink(held.folder.join("elsewhere"), inbox.join(format!("{}.json", note.id))).expect("linked");
    std::fs::create_dir(inbox.join(format!("{}.json", id("d")))).expect("made");
    std::fs::write(inbox.join("README \u{1b}[2J.txt"), "x").expect("written");
    let fifo = inbox.join(format!("{}.json", id("e")));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());

    let told = held.ask("note", &["and a real one"]).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    let refused = inbox.join("refused");
    for name in ["a", "b", "c", "d", "e"].map(|digit| format!("{}.taken", id(digit))) {
        there(&refused.join(name)).await;
    }
    there(&refused.join(format!("{}.taken", note.id))).await;
    assert_eq!(std::fs::metadata(&refused).expect("there").permissions().mode() & 0o777, 0o700);
    let log = held.log();
    for why in
        ["ends too early", "65536 bytes", "its id is not its name", "no regular file of one name", "it is no request"]
    {
        assert!(log.contains(why), "{why}: {log}");
    }
    assert!(!log.contains('\u{1b}'), "{log}");
    let Some(Answer::Refused(why)) = ask::wait(&inbox, &id("a").as_str().into(), PATIENCE) else { panic!("a refusal") };
    assert!(why.contains("no request"), "{why}");
    assert_eq!(held.told(is_note).len(), 1, "the real one alone");
}

#[tokio::test]
async fn a_flood_is_decided_a_few_at_a_time_and_the_console_lives_on() {
    const MANY: usize = 2_000;
    let held = Held::new(&[]).await;
    let inbox = held.inbox();
    signal(&held.holder, Signal::STOP);
    for nth in 0..MANY {
        let note = ask::request("bob", None, Command::note(format!("{nth}"))).expect("a request");
        let bytes = tminus::engine::inbox::form::encode(&note).expect("written");
        std::fs::write(inbox.join(format!("{}.json", note.id)), bytes).expect("written");
    }
    signal(&held.holder, Signal::CONT);
    let after = held.ask("note", &["after the flood", "--wait", "50s"]).await;
    assert_eq!(after.code, Some(0), "{after:?}");
    let notes = held.told(is_note);
    assert_eq!(notes.len(), MANY + 1);
    let texts: Vec<String> = notes
        .iter()
        .filter_map(|note| if let Event::Noted { text, .. } = &note.event { Some(text.clone()) } else { None })
        .collect();
    assert_eq!(texts.last().map(String::as_str), Some("after the flood"), "the oldest come first");
}
