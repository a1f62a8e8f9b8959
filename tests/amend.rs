//! `tminus amend`: a launch under way goes by another plan wholly or not at all, whoever holds it and whoever
//! dies when; what happened is never told otherwise, and every plan it went by is kept and proven.

use crate::wait;

use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::binary::{Place, Ran, ended, signal};
use crate::pty::{Seat, WIDE};
use crate::told::records;
use crate::wait::comes;
use rustix::process::Signal;
use tminus::base::boundary;
use tminus::engine::attached::reading::Reading;
use tminus::engine::revisions;
use tminus::journal::LaunchFolder;
use tminus::launch::board::Board;
use tminus::launch::event::{Event, Recorded};
use tminus::plan::hash;
use tokio::process::Child;

/// A step that waits for its fifo, a poll, and a phase that is due much later.
const PLAN: &str = r#"
[plan]
schema = 1
id = "amended"
title = "Amended"
environment = "test"

[clock]
start = "T-2h"

[roles.lead]
title = "Lead"
votes = true
may = ["amend"]

[roles.scribe]
title = "Scribe"
votes = true

[[phase]]
id = "act"
title = "Act"
at = "T-2h"

[[phase.item]]
id = "step"
title = "Something that takes its time"
class = "once"
auto = true
timeout = "50s"
[phase.item.run]
command = ["cat", "FIFO"]

[[phase.item]]
id = "look"
title = "Somebody looks"
[phase.item.manual]

[[phase]]
id = "late"
title = "Late"
at = "T-1m"

[[phase.item]]
id = "last"
title = "The last"
[phase.item.manual]
"#;

struct Site {
    place: Place,
    folder: PathBuf,
    fifo: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Site {
    fn new(env: &[(&str, &str)]) -> Self {
        let place = Place::new(env);
        let (folder, fifo) = (place.path("launch"), place.path("fifo"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        let site = Self { place, folder, fifo };
        site.plan("plan.toml", &[]);
        site
    }

    /// The plan with each of these put in another's place.
    fn plan(&self, name: &str, changes: &[(&str, &str)]) -> String {
        let mut text = PLAN.replace("FIFO", &self.fifo.display().to_string());
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let path = self.place.path(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    /// Opened for writing and closed, the fifo ends what reads it.
    fn let_go(&self) -> bool {
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        fs::OpenOptions::new().write(true).custom_flags(flags).open(&self.fifo).is_ok()
    }

    /// The step ends, once it has begun to read.
    async fn go_on(&self) {
        comes("a reader", || self.let_go()).await;
    }

    fn launch(&self) -> String {
        self.folder.display().to_string()
    }

    /// A console without a screen that holds the launch, its step under way.
    async fn held(&self) -> Child {
        let plan = self.place.path("plan.toml").display().to_string();
        let holder = self.place.start(&["run", &plan, "--headless", "--name", "ana", "--launch", &self.launch()]);
        self.until(|record| matches!(record.event, Event::StepStarted { .. })).await;
        holder
    }

    /// Left by that console itself, its step over.
    async fn left(&self) {
        let holder = self.held().await;
        self.go_on().await;
        self.until(|record| matches!(record.event, Event::StepEnded { .. })).await;
        let ran = quit(holder).await;
        assert!(self.records().iter().any(|record| record.event == Event::ConsoleLeft), "{}", ran.err);
    }

    /// A console goes on with the launch, and leaves again.
    async fn gone_on(&self, plan: &[&str]) -> Ran {
        let returns = || self.records().iter().filter(|one| matches!(one.event, Event::ConsoleReturned { .. })).count();
        let before = returns();
        let launch = self.launch();
        let words = ["run", "--headless", "--launch", &launch];
        let mut console = self.place.start(&words.iter().chain(plan).copied().collect::<Vec<_>>());
        comes("console", || returns() > before || console.try_wait().is_ok_and(|over| over.is_some())).await;
        quit(console).await
    }

    async fn until(&self, wanted: impl Fn(&Recorded) -> bool) {
        comes("such record", || self.records().iter().any(&wanted)).await;
    }

    fn records(&self) -> Vec<Recorded> {
        records(&self.folder)
    }

    async fn amend(&self, plan: &str, more: &[&str]) -> Ran {
        let launch = self.launch();
        let words = ["amend", &launch, plan, "--why", "it must be", "--yes", "--name", "bob"];
        self.place.run(&words.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>()).await
    }

    async fn verified(&self) -> Ran {
        self.place.run(&["verify", &self.launch()]).await
    }

    /// The board as an attached console folds it.
    fn board(&self) -> (Board, Option<String>) {
        let folder = LaunchFolder::open(&self.folder).expect("a launch");
        let first = fs::read_to_string(folder.revision(1)).or_else(|_| fs::read_to_string(folder.plan()));
        let first = revisions::load(&folder, 1, &hash(&first.expect("a plan"))).expect("it loads");
        let mut reading = Reading::new(folder, first);
        while reading.read_on(&mut |_, _| {}) {}
        let signs = reading.signs();
        (signs.board.clone(), signs.wrong.map(str::to_owned))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

/// A console that leaves by itself, if it has not ended yet.
async fn quit(mut console: Child) -> Ran {
    if console.try_wait().expect("asked").is_none() {
        signal(&console, Signal::TERM);
    }
    ended(console).await
}

fn amended(record: &Recorded) -> bool {
    matches!(record.event, Event::PlanAmended { .. })
}

#[tokio::test]
async fn a_console_that_holds_the_launch_goes_on_by_the_new_plan_and_what_runs_runs_on() {
    let site = Site::new(&[]);
    let holder = site.held().await;
    let voted = site.place.run(&["vote", &site.launch(), "GO", "--as", "lead"]).await;
    assert_eq!(voted.code, Some(0), "{}", voted.err);
    let added = "[[phase]]\nid = \"now\"\ntitle = \"Now\"\nat = \"T-2h\"\n[[phase.item]]\nid = \"pause\"\ntitle = \
                 \"Pause\"\nwait.for = \"1ms\"\n[[phase]]\nid = \"late\"";
    let changes = [("title = \"Amended\"", "title = \"Amended twice\""), ("[[phase]]\nid = \"late\"", added)];
    let plan = site.plan("new.toml", &changes);
    let ran = site.amend(&plan, &["--as", "lead"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    for told in
        ["revision 2", "~ plan.title: \"Amended\" → \"Amended twice\"", "+ phase now (Now)", "note: every vote is void"]
    {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    // The same process acts on: the new item begins, the old step ends as it began.
    site.until(|record| matches!(&record.event, Event::ItemEnded { item, .. } if item.as_str() == "pause")).await;
    assert!(!site.records().iter().any(|record| matches!(record.event, Event::ConsoleReturned { .. })));
    site.go_on().await;
    site.until(|record| matches!(record.event, Event::StepEnded { .. })).await;
    let done = quit(holder).await;
    let all = site.records();
    let ended =
        all.iter().filter(|record| matches!(&record.event, Event::StepEnded { item, .. } if item.as_str() == "step"));
    assert_eq!(ended.count(), 1, "{}", done.err);
    let Some(Event::PlanAmended { revision, reason, changes, .. }) =
        all.iter().find(|one| amended(one)).map(|one| &one.event)
    else {
        unreachable!("it was amended")
    };
    assert_eq!((*revision, reason.as_str()), (2, "it must be"));
    assert!(changes.iter().any(|line| line == "note: every vote is void"), "{changes:?}");
    let (board, wrong) = site.board();
    assert_eq!((board.plan.title.as_str(), board.revisions.number, wrong), ("Amended twice", 2, None));
    assert_eq!((board.votes.len(), board.voided.as_deref()), (0, Some("the plan was amended: it must be")));
    let new = fs::read_to_string(&plan).expect("there");
    assert_eq!((site.text("plan.toml"), site.text("plans/2.toml")), (new.clone(), new));
    let verified = site.verified().await;
    assert!(verified.code == Some(0) && verified.out.contains("every revision of the plan"), "{}", verified.out);
    let log = site.place.run(&["log", &site.launch()]).await;
    let line = log.out.lines().find(|line| line.contains("PLAN AMENDED by bob")).unwrap_or_default();
    assert!(line.contains("revision 2") && line.contains("votes void: it must be"), "{}", log.out);
    let left: Vec<_> =
        fs::read_dir(site.folder.join("inbox")).expect("there").flatten().map(|one| one.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    let mode = fs::metadata(site.folder.join("plans/2.toml")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Changes of the plan, more arguments, the exit code, and what is said.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], i32, &'a str);

#[tokio::test]
async fn what_would_rewrite_what_happened_is_refused_in_words() {
    let site = Site::new(&[]);
    let holder = site.held().await;
    let before = site.records().len();
    let cases: [Case<'_>; 7] = [
        (&[("command = [\"cat\"", "command = [\"head\"")], &[], 1, "step cannot be changed in what it does: it runs"),
        (&[("id = \"step\"", "id = \"other\"")], &[], 1, "step cannot be removed: it runs"),
        (&[("id = \"amended\"", "id = \"another\"")], &[], 1, "`another` is another plan than `amended`"),
        (&[("title = \"Act\"", "title = \"Do\"")], &["--as", "scribe"], 1, "Scribe may not amend"),
        (&[("title = \"Act\"", "title = \"Do\"")], &["--as", "nobody"], 1, "no role nobody"),
        (&[], &[], 1, "the plan that the launch goes by already"),
        (&[("title = \"Act\"", "titel = \"Do\"")], &[], 3, "titel"),
    ];
    for (at, (changes, more, code, wanted)) in cases.into_iter().enumerate() {
        let plan = site.plan(&format!("new-{at}.toml"), changes);
        let ran = site.amend(&plan, more).await;
        assert_eq!(ran.code, Some(code), "{wanted}: {}", ran.err);
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
    let unasked = site.place.run(&["amend", &site.launch(), &site.plan("x.toml", &[("Act", "Do")]), "--yes"]).await;
    assert!(unasked.code == Some(3) && unasked.err.contains("--why"), "{}", unasked.err);
    let large = site.place.path("large.toml");
    fs::write(&large, "#".repeat((1 << 20) + 1)).expect("written");
    let ran = site.amend(&large.display().to_string(), &[]).await;
    assert!(ran.code == Some(3) && ran.err.contains("longer than"), "{}", ran.err);
    assert_eq!(site.records().len(), before, "nothing of it is in the journal");
    assert!(!site.folder.join("plans").exists());
    drop(holder);
}

#[tokio::test]
async fn where_nobody_holds_the_launch_the_command_is_its_console_for_the_moment() {
    let site = Site::new(&[]);
    site.left().await;
    let t = site.board().0.clock.expect("a clock").t;
    let plan = site.plan("new.toml", &[("title = \"The last\"", "title = \"The very last\"")]);
    let ran = site.amend(&plan, &[]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let all = site.records();
    let last: Vec<&Event> = all.iter().rev().take(3).map(|record| &record.event).collect();
    assert!(
        matches!(last[..], [Event::ConsoleLeft, Event::PlanAmended { .. }, Event::ConsoleReturned { clean: true, .. }]),
        "{last:?}"
    );
    let clock = site.board().0.clock.expect("a clock");
    assert!(clock.t <= t && clock.latches.is_empty(), "it counts on: {t} {clock:?}");
    // Again and back, and then gone on with: by the newest, whichever file it is named by.
    let first = site.place.path("plan.toml").display().to_string();
    assert_eq!(site.amend(&first, &[]).await.code, Some(0));
    assert_eq!(site.amend(&plan, &[]).await.code, Some(0));
    let other = site.place.run(&["run", &first, "--headless", "--launch", &site.launch()]).await;
    assert!(other.code == Some(3) && other.err.contains("tminus amend"), "{}", other.err);
    let on = site.gone_on(&[&plan]).await;
    assert_ne!(on.code, Some(3), "{}", on.err);
    let (board, wrong) = site.board();
    assert_eq!(
        (board.revisions.number, board.plan.item(&"last".into()).map(|item| item.title.as_str()), wrong),
        (4, Some("The very last"), None)
    );
    assert_eq!(site.verified().await.code, Some(0));
}

/// Whichever plan the journal names last is wholly there, and the launch goes on by it.
async fn is_whole(site: &Site, plan: &str, at: &str) {
    let new = fs::read_to_string(plan).expect("there");
    let verified = site.verified().await;
    assert_eq!(verified.code, Some(0), "{at}: {}", verified.out);
    let on = site.gone_on(&[]).await;
    assert_ne!(on.code, Some(3), "{at}: {}", on.err);
    // What a console that was killed had taken from the inbox, the next one decides.
    let recorded = site.records().iter().any(amended);
    let (board, wrong) = site.board();
    assert_eq!((board.plan.hash == hash(&new), board.revisions.number == 2, wrong), (recorded, recorded, None), "{at}");
    assert_eq!(hash(&site.text("plan.toml")), board.plan.hash, "{at}");
    // Nothing of it is in the way of another try.
    if !recorded {
        let ran = site.amend(plan, &[]).await;
        assert_eq!(ran.code, Some(0), "{at}: {}", ran.err);
        assert_eq!(site.board().0.revisions.number, 2, "{at}");
    }
}

#[tokio::test]
async fn whoever_is_killed_at_any_boundary_leaves_the_old_plan_or_the_new_one() {
    for at in boundary::AMENDING {
        let site = Site::new(&[]);
        site.left().await;
        let plan = site.plan("new.toml", &[("title = \"The last\"", "title = \"The very last\"")]);
        let launch = site.launch();
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"))
            .args(["amend", &launch, &plan, "--why", "so", "--yes", "--name", "bob"])
            .env("TMINUS_BOUNDARY", format!("{at}=kill"))
            .env("HOME", site.place.path("home"))
            .stdin(std::process::Stdio::null())
            .output()
            .expect("it ran");
        assert_eq!(status.status.code(), None, "{at}: killed");
        let recorded = site.records().iter().any(amended);
        assert_eq!(recorded, matches!(*at, "amendment-kept" | "plan-replaced"), "{at}");
        is_whole(&site, &plan, at).await;
    }
}

#[tokio::test]
async fn a_console_killed_while_it_amends_leaves_the_old_plan_or_the_new_one() {
    for at in boundary::AMENDING {
        let site = Site::new(&[("TMINUS_BOUNDARY", &format!("{at}=kill"))]);
        let holder = site.held().await;
        let plan = site.plan("new.toml", &[("title = \"The last\"", "title = \"The very last\"")]);
        let launch = site.launch();
        let asked = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"))
            .args(["amend", &launch, &plan, "--why", "so", "--yes", "--name", "bob", "--wait", "2s"])
            .env("HOME", site.place.path("home"))
            .stdin(std::process::Stdio::null())
            .spawn();
        let done = ended(holder).await;
        assert_eq!(done.code, None, "{at}: killed: {}", done.err);
        let _ = asked.expect("it ran").wait();
        site.let_go();
        let all = site.records();
        assert_eq!(all.iter().any(amended), matches!(*at, "amendment-kept" | "plan-replaced"), "{at}");
        // Nobody is killed from here on.
        let calm = Place::new(&[]);
        let site = Site { place: calm, folder: site.folder.clone(), fifo: site.fifo.clone() };
        let kept = site.plan("new.toml", &[("title = \"The last\"", "title = \"The very last\"")]);
        is_whole(&site, &kept, at).await;
    }
}

#[tokio::test]
async fn a_plan_that_is_missing_or_altered_is_named_and_nobody_acts() {
    let site = Site::new(&[]);
    site.left().await;
    let second = site.plan("second.toml", &[("title = \"The last\"", "title = \"The very last\"")]);
    let third = site.plan("third.toml", &[("title = \"The last\"", "title = \"The end\"")]);
    for plan in [&second, &third] {
        assert_eq!(site.amend(plan, &[]).await.code, Some(0));
    }
    for (number, wanted) in [(1, "record 1 names"), (2, "names")] {
        let path = site.folder.join(format!("plans/{number}.toml"));
        let kept = fs::read(&path).expect("there");
        for altered in [None, Some(&b"# another"[..])] {
            match altered {
                None => fs::remove_file(&path).expect("removed"),
                Some(bytes) => fs::write(&path, bytes).expect("written"),
            }
            let name = format!("plans/{number}.toml");
            let verified = site.verified().await;
            assert!(
                verified.code == Some(1) && verified.out.contains(&name) && verified.out.contains(wanted),
                "{}",
                verified.out
            );
            let on = site.place.run(&["run", "--headless", "--launch", &site.launch()]).await;
            assert!(on.code == Some(3) && on.err.contains(&name), "{}", on.err);
            let log = site.place.run(&["log", &site.launch()]).await;
            assert!(log.code == Some(0) && log.out.contains("revision 3"), "{}", log.err);
        }
        fs::write(&path, kept).expect("put back");
    }
    assert_eq!(site.verified().await.code, Some(0));
}

#[test]
fn the_console_shows_the_difference_asks_why_and_goes_on_where_it_stands() {
    let home = tempfile::tempdir().expect("a folder");
    let at = |name: &str| home.path().join(name).display().to_string();
    let plan = PLAN.replace("FIFO", "/dev/null");
    fs::write(at("plan.toml"), &plan).expect("written");
    fs::write(at("new.toml"), plan.replace("title = \"Late\"", "title = \"Much later\"")).expect("written");
    let launch = at("launch");
    let mut seat =
        Seat::start(home.path(), &["rehearse", &at("plan.toml"), "--name", "ana", "--launch", &launch], &[], WIDE);
    seat.sees("Somebody looks");
    amend_by_palette(&mut seat, &at("nowhere.toml"));
    seat.sees("cannot be read");
    seat.press("\x1b");
    seat.until("no sheet", |shown| !shown.contains("cannot be read"));
    amend_by_palette(&mut seat, &at("new.toml"));
    let shown = seat.sees("~ phase late.title");
    assert!(shown.contains("revision 2") && shown.contains("Every vote is void"), "{shown}");
    seat.press("\r");
    seat.sees("say why");
    seat.press("it is later");
    seat.sees("> it is later");
    seat.press("\r");
    let shown = seat.until("the new plan", |shown| shown.contains("plan rev 2") && shown.contains("Much later"));
    assert!(shown.contains("PLAN AMENDED by ana"), "{shown}");
    let all = records(Path::new(&launch));
    assert!(all.iter().any(amended) && !all.iter().any(|one| one.event == Event::ConsoleLeft));
    seat.press("q");
    seat.ends();
    seat.gave_back();
}

fn amend_by_palette(seat: &mut Seat, path: &str) {
    seat.press(":");
    seat.sees("Actions");
    seat.press("amend");
    seat.sees(": amend");
    seat.press("\r");
    seat.sees("how it differs is shown first");
    seat.press(path);
    seat.sees(path);
    seat.press("\r");
    seat.sees("revision");
}

#[tokio::test]
async fn a_request_without_its_plan_or_with_another_one_changes_nothing() {
    use tminus::engine::inbox::{ask, form::Answer, plan as handed};
    use tminus::launch::amend::Amendment;
    use tminus::launch::command::Command;

    let site = Site::new(&[]);
    let holder = site.held().await;
    let inbox = site.folder.join("inbox");
    let new = fs::read_to_string(site.plan("new.toml", &[("title = \"Late\"", "title = \"Later\"")])).expect("there");
    let request = |plan_hash: String| {
        let amendment = Ok(Amendment { plan_hash, ..Amendment::default() });
        ask::request("bob", None, Command::Amend { amendment, reason: "so".into() }).expect("a request")
    };
    for (hashed, handed_in, wanted) in [
        (hash(&new), None, "cannot be read"),
        (hash("another"), Some(new.as_str()), "not the one that was shown"),
        (hash("[plan"), Some("[plan"), "not sound"),
    ] {
        let request = request(hashed);
        if let Some(text) = handed_in {
            handed::put(&inbox, &request.id, text).expect("put");
        }
        let asked = tokio::task::spawn_blocking({
            let inbox = inbox.clone();
            move || ask::ask(&inbox, &request, wait::PATIENCE).expect("asked")
        });
        let ask::Settled::Answered(Answer::Refused(why)) = asked.await.expect("done") else { unreachable!("{wanted}") };
        assert!(why.contains(wanted), "{wanted}: {why}");
    }
    assert!(!site.records().iter().any(amended));
    quit(holder).await;
}
