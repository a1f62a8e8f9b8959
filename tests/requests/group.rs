//! A launch that is shared with a group: its members watch and ask, each from an account of its own, and can do
//! nothing else to it. With a real second user, where this runs as root.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tminus::engine::inbox::ask;
use tminus::launch::command::Command as Asked;
use tminus::launch::event::Event;
use tokio::process::{Child, Command};

use super::live::plan;
use super::{Held, is_hold, is_note, runs, until};
use crate::binary::{Place, Ran, ended, signal};
use crate::pty::{Seat, WIDE};

/// Any number that is no group of this system will do.
const GROUP: u32 = 54_321;
const MEMBER: u32 = 65_534;

/// False where this is not root, who alone can be somebody else.
fn can_be_another(test: &str) -> bool {
    let can = rustix::process::geteuid().is_root();
    if !can {
        eprintln!("skipped: {test}: only root has a second user to test with");
    }
    can
}

/// What runs `program` as another user, in the group or not.
fn another(program: &Path, member: bool) -> Vec<String> {
    let groups = if member { format!("--groups={GROUP}") } else { "--clear-groups".to_owned() };
    let user = [format!("--reuid={MEMBER}"), format!("--regid={MEMBER}"), groups];
    user.into_iter().chain([program.display().to_string()]).collect()
}

struct Shared {
    held: Held,
    program: PathBuf,
}

fn holder(place: &Place, folder: &Path, more: &[&str]) -> Child {
    let (plan, folder) = (place.path("plan.toml").display().to_string(), folder.display().to_string());
    let own = [env!("CARGO_BIN_EXE_tminus"), "run", &plan, "--headless", "--name", "ana", "--launch", &folder];
    // No umask decides.
    Command::new("sh")
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .args([&own[..], more].concat())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", place.path("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("sh starts")
}

impl Shared {
    async fn new() -> Self {
        let place = Place::new(&[]);
        let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).expect("set");
        open(&place.path("."));
        let home = place.path("another");
        for home in [place.path("home"), home.clone()] {
            fs::create_dir_all(&home).expect("made");
        }
        chown(&home, Some(MEMBER), Some(MEMBER)).expect("given");
        // Where the program lies may be closed to others.
        let program = place.path("tminus");
        let ours = Path::new(env!("CARGO_BIN_EXE_tminus"));
        fs::hard_link(ours, &program).or_else(|_| fs::copy(ours, &program).map(drop)).expect("a program");
        let (folder, fifo) = (place.path("launch"), place.path("fifo"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        fs::write(place.path("plan.toml"), plan().replace("FIFO", &fifo.display().to_string())).expect("written");
        fs::write(place.path("app.log"), "the first\n").expect("written");
        let holder = holder(&place, &folder, &["--group", &GROUP.to_string()]);
        until(&folder, runs).await;
        Self { held: Held { place, folder, holder, fifo }, program }
    }

    fn seat(&self) -> Seat {
        let folder = self.held.folder.display().to_string();
        let own = ["watch", &folder, "--as", "backend"];
        let arguments = another(&self.program, true);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(own).collect();
        Seat::of("setpriv", &self.held.place.path("another"), &arguments, &[], WIDE)
    }

    /// A program as another user, in the group or not.
    async fn other(&self, program: &Path, arguments: &[&str], member: bool) -> Ran {
        let ran = Command::new("setpriv")
            .args(another(program, member))
            .args(arguments)
            .current_dir(self.held.place.path("another"))
            .env("HOME", self.held.place.path("another"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        ended(ran.expect("setpriv starts")).await
    }

    async fn member(&self, word: &str, more: &[&str]) -> Ran {
        let folder = self.held.folder.display().to_string();
        self.other(&self.program, &[&[word, &folder], more].concat(), true).await
    }

    /// Whether a member can run this in a shell, in the launch's folder.
    async fn can(&self, line: &str) -> bool {
        let line = format!("cd {} && {line}", self.held.folder.display());
        self.other(Path::new("/bin/sh"), &["-c", &line], true).await.code == Some(0)
    }
}

/// Every path in `folder` with its mode, as `ls` counts it; each must be the group's.
fn modes(folder: &Path, root: &Path, into: &mut BTreeMap<String, u32>) {
    let known = fs::symlink_metadata(folder).expect("there");
    let name = folder.strip_prefix(root).expect("inside").display().to_string();
    assert_eq!(known.gid(), GROUP, "{name}");
    into.insert(name, known.mode() & 0o7777);
    if known.is_dir() {
        for entry in fs::read_dir(folder).expect("read") {
            modes(&entry.expect("an entry").path(), root, into);
        }
    }
}

#[tokio::test]
async fn what_is_in_it_is_the_groups_to_read_and_nobody_elses() {
    if !can_be_another("what_is_in_it_is_the_groups_to_read_and_nobody_elses") {
        return;
    }
    let shared = Shared::new().await;
    let (held, folder) = (&shared.held, &shared.held.folder);
    assert_eq!(held.ask("note", &["calm", "--name", "ana"]).await.code, Some(0));
    let mut all = BTreeMap::new();
    modes(folder, folder, &mut all);
    assert!(all.keys().any(|name| name.ends_with("stdout")) && all.contains_key("journal.db-wal"), "{all:?}");
    for (name, mode) in &all {
        let file = name.rsplit('/').next().unwrap_or_default();
        let is = fs::symlink_metadata(folder.join(name)).expect("there").file_type();
        let wanted = match name.as_str() {
            "inbox" => 0o3770,
            "inbox/refused" => 0o700,
            _ if is.is_dir() => 0o2750,
            _ if is.is_socket() => 0o660,
            // Whoever can open a file can lock it.
            _ if file.starts_with("lock") || ["journal.db-shm", "claim", "log"].contains(&file) => 0o600,
            _ => 0o640,
        };
        assert_eq!(*mode, wanted, "{name}: {mode:o}");
    }
    let stranger = shared.other(&shared.program, &["log", &folder.display().to_string()], false).await;
    assert!(stranger.code == Some(3) && stranger.err.contains("denied"), "{stranger:?}");
}

#[tokio::test]
async fn a_member_watches_and_asks_from_an_account_of_its_own() {
    if !can_be_another("a_member_watches_and_asks_from_an_account_of_its_own") {
        return;
    }
    let mut shared = Shared::new().await;
    let mut seat = shared.seat();
    let shown = seat.until("the launch", |shown| shown.contains("counting") && shown.contains("oldest 0s"));
    assert!(shown.contains("watching as nobody") && !shown.contains("cannot be read"), "{shown}");
    seat.press("n");
    seat.sees("Note");
    seat.press("calm from here\r");
    seat.sees("accepted");
    let [note] = &shared.held.told(is_note)[..] else { panic!("one note") };
    assert_eq!((note.actor.name.as_str(), note.event.clone()), ("nobody", Event::noted("calm from here")));
    seat.until("the note", |shown| shown.contains("note by nobody"));
    // A name stands for its own account, said with --name or in a file made by hand.
    let borrowed = shared.member("note", &["calm", "--name", "ana"]).await;
    assert!(borrowed.code == Some(3) && borrowed.err.contains("yours is `nobody`"), "{borrowed:?}");
    let request = ask::request("ana", None, Asked::CallHold { why: "stop".into() }).expect("a request");
    ask::submit(&shared.held.inbox(), &request).expect("submitted");
    let file = shared.held.inbox().join(format!("{}.json", request.id));
    // It may be taken already, as ana's own: then there is nothing to give away.
    let forged = chown(&file, Some(MEMBER), None).is_ok();
    assert_eq!(shared.member("note", &["still", "calm"]).await.code, Some(0));
    assert!(!forged || shared.held.told(is_hold).is_empty(), "bob held in ana's name");
    // Its holder is killed, and another comes.
    let _ = shared.held.holder.kill().await;
    let shown = seat.sees("nobody holds this launch since");
    assert!(shown.contains("last known"), "{shown}");
    let late = shared.member("hold", &["stop", "--as", "backend"]).await;
    assert!(late.code == Some(2) && late.err.contains("nobody is there to decide"), "{late:?}");
    shared.held.holder = holder(&shared.held.place, &shared.held.folder, &[]);
    seat.until("the next console", |shown| !shown.contains("nobody holds") && shown.contains("oldest 0s"));
    assert_eq!(shared.member("note", &["back", "again"]).await.code, Some(0), "shared still");
    // One that leaves in good order takes its log along.
    signal(&shared.held.holder, Signal::TERM);
    shared.held.holder.wait().await.expect("ended");
    seat.sees("nobody holds this launch since");
    let log = shared.member("log", &[]).await;
    assert!(log.code == Some(0) && log.out.contains("note by nobody: back again"), "{log:?}");
    seat.press("q");
    assert_eq!(seat.ends(), 0);
}

#[tokio::test]
async fn a_member_stops_starts_and_changes_nothing() {
    if !can_be_another("a_member_stops_starts_and_changes_nothing") {
        return;
    }
    let shared = Shared::new().await;
    // What it may: read, and put something into the inbox.
    for line in ["cat journal.db > /dev/null", "cat launch.json > /dev/null", "echo x > inbox/mine && rm -f inbox/mine"]
    {
        assert!(shared.can(line).await, "{line}");
    }
    let other = shared.held.inbox().join(".waits");
    fs::write(&other, "another's").expect("written");
    for line in [
        "echo x >> journal.db",
        "echo x >> journal.db-wal",
        "rm journal.db",
        "mv console.sock console.old",
        "echo x > inbox/.waits",
        "rm -f inbox/.waits",
        "mv inbox/.waits inbox/.mine",
        "touch mine",
        "touch inbox/refused/mine",
        // Whoever holds one of these stops the writer, the next console, or tells of a shim that is gone that it runs.
        "flock -n lock true",
        "flock -n steps/health/1/claim true",
        "cat journal.db-shm",
    ] {
        assert!(!shared.can(line).await, "{line}");
    }
    let lists = shared.can("flock -n steps/health/1/stdout true").await;
    assert!(lists, "the path of the claim is right");
    let back = shared.member("rollback", &["back", "--yes"]).await;
    assert_ne!(back.code, Some(4), "{back:?}");
    assert_eq!(tminus::engine::rollback::runs(&shared.held.folder).expect("read"), []);
    let verify = shared.member("verify", &[]).await;
    assert_eq!(verify.code, Some(0), "it may look: {verify:?}");
}

#[tokio::test]
async fn a_group_that_cannot_get_there_or_does_not_exist_is_told_before_anything_is_made() {
    let place = Place::new(&[]);
    let (closed, group) = (place.path("closed"), rustix::process::getegid().as_raw().to_string());
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("set");
    let launch = closed.join("launch");
    let at = launch.display().to_string();
    for (group, told) in [(group.as_str(), "cannot get to"), ("no-such-group", "no such group")] {
        let ran = place.run(&["rehearse", "--headless", "--launch", &at, "--group", group]).await;
        assert!(ran.code == Some(3) && ran.err.contains(told), "{ran:?}");
        assert!(!launch.exists(), "nothing was made");
    }
}
