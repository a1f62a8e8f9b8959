//! A folder with everything in it that may lie in an inbox.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use chrono::TimeDelta;

use super::*;
use crate::clock;
use crate::engine::inbox::ask;
use crate::launch::command::Command;

struct Inbox(tempfile::TempDir);

fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

impl Inbox {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// A note that was asked this many seconds ago, and whose file is this many old.
    fn note(&self, asked: i64, filed: i64) -> RequestId {
        let mut request = ask::request("bob", None, Command::note("calm")).expect("a request");
        request.asked_at = clock::wall() - TimeDelta::seconds(asked);
        ask::submit(&self.path(), &request).expect("written");
        let at = std::time::SystemTime::from(clock::wall() - TimeDelta::seconds(filed));
        let written = File::options().write(true).open(file(&self.path(), &request.id, WAITING)).expect("there");
        written.set_modified(at).expect("set");
        request.id
    }

    fn look(&self, most: usize) -> Looked {
        look(&self.path(), most, clock::wall()).expect("looked")
    }

    fn take(&self, ours: u32) -> Result<Taken, Untaken> {
        let found = self.look(10).requests.into_iter().next().expect("one");
        take(&self.path(), &found, ours, clock::wall())
    }
}

#[test]
fn the_oldest_come_first_and_no_more_than_asked_for() {
    let inbox = Inbox::new();
    let ids = [30, 10, 20].map(|age| inbox.note(age, age));
    let looked = inbox.look(2);
    assert_eq!(
        looked.requests.iter().map(|found| found.id.clone()).collect::<Vec<_>>(),
        [ids[0].clone(), ids[2].clone()]
    );
    assert!(looked.more && looked.misfits.is_empty());
    assert!(!inbox.look(3).more);
}

#[test]
fn a_request_is_withdrawn_or_taken_and_never_both() {
    let inbox = Inbox::new();
    let id = inbox.note(0, 0);
    let found = inbox.look(1).requests.remove(0);
    assert!(ask::withdraw(&inbox.path(), &id));
    assert!(matches!(take(&inbox.path(), &found, ours(), clock::wall()), Err(Untaken::Gone)));
    let id = inbox.note(0, 0);
    inbox.take(ours()).expect("taken");
    assert!(!ask::withdraw(&inbox.path(), &id), "what is taken may be decided");
    // A console that comes after one which died finds it all the same.
    assert_eq!(inbox.take(ours()).expect("taken again").request.id, id);
    put_back(&inbox.path(), &id);
    assert!(ask::withdraw(&inbox.path(), &id), "what was put back can be had back");
    assert!(inbox.look(1).requests.is_empty());
}

#[test]
fn a_strangers_file_is_a_strangers_word_whatever_it_says() {
    let inbox = Inbox::new();
    inbox.note(0, 0);
    assert_eq!(inbox.take(ours()).expect("ours").request.name, "bob");
    // Taken already, it is read anew by whoever holds the launch now.
    let other = inbox.take(ours().wrapping_add(1));
    assert!(matches!(other, Err(Untaken::No(NoRequest::Borrowed { .. }))), "{other:?}");
}

#[test]
fn what_another_put_in_the_way_is_neither_written_through_nor_moved_through() {
    let inbox = Inbox::new();
    let id = inbox.note(0, 0);
    let precious = inbox.path().join("../precious");
    fs::write(&precious, "mine").expect("written");
    symlink(&precious, inbox.path().join(format!(".{id}.answer.new"))).expect("linked");
    inbox.take(ours()).expect("taken");
    super::answer(&inbox.path(), &id, b"yes").expect("answered");
    assert_eq!(fs::read_to_string(&precious).expect("there"), "mine");
    assert_eq!(fs::read_to_string(file(&inbox.path(), &id, ANSWER)).expect("there"), "yes");
    let elsewhere = inbox.path().join("../elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    symlink(&elsewhere, inbox.path().join(REFUSED)).expect("linked");
    fs::write(inbox.path().join("evil"), "").expect("written");
    set_aside(&inbox.path(), OsStr::new("evil")).expect_err("it leads elsewhere");
    assert_eq!(fs::read_dir(&elsewhere).expect("read").count(), 0);
}

#[test]
fn the_younger_of_two_clocks_is_believed_and_none_from_tomorrow() {
    for (asked, filed, least, most) in
        [(7200, 7200, 7190, 7210), (7200, 5, 0, 15), (5, 7200, 0, 15), (-9000, 30, 25, 40), (-9000, -9000, 0, 0)]
    {
        let inbox = Inbox::new();
        inbox.note(asked, filed);
        let taken = inbox.take(ours()).expect("taken");
        assert!((least..=most).contains(&taken.age.as_secs()), "{asked} {filed}: {:?}", taken.age);
        assert!(taken.request.asked_at <= clock::wall(), "nobody asks tomorrow");
    }
}

#[test]
fn links_and_second_names_are_not_followed() {
    let inbox = Inbox::new();
    let id = inbox.note(0, 0);
    let waiting = file(&inbox.path(), &id, WAITING);
    let aside = inbox.path().join("aside");
    fs::rename(&waiting, &aside).expect("moved");
    symlink(&aside, &waiting).expect("linked");
    assert!(matches!(inbox.take(ours()), Err(Untaken::No(NoRequest::Malformed(_)))));
    fs::remove_file(file(&inbox.path(), &id, TAKEN)).expect("removed");
    fs::hard_link(&aside, &waiting).expect("linked");
    assert!(matches!(inbox.take(ours()), Err(Untaken::No(NoRequest::Malformed(_)))));
}

#[test]
fn what_nobody_fetched_is_swept_after_an_hour() {
    let inbox = Inbox::new();
    let id = inbox.note(0, 0);
    inbox.take(ours()).expect("taken");
    answer(&inbox.path(), &id, b"{}").expect("answered");
    assert!(!file(&inbox.path(), &id, TAKEN).exists());
    let half = inbox.path().join(".half.json.new");
    fs::write(&half, "{").expect("written");
    inbox.look(1);
    assert!(half.exists() && file(&inbox.path(), &id, ANSWER).exists());
    look(&inbox.path(), 1, clock::wall() + TimeDelta::hours(2)).expect("looked");
    assert!(!half.exists() && !file(&inbox.path(), &id, ANSWER).exists());
}

#[test]
fn misfits_are_told_apart_and_moved_out_of_the_way() {
    let inbox = Inbox::new();
    for name in ["junk", "x.json", "0123456789ABCDEF0123456789ABCDEF.json", "0123456789abcdef0123456789abcdef.other"] {
        fs::write(inbox.path().join(name), "x").expect("written");
    }
    let looked = inbox.look(10);
    assert_eq!((looked.requests.len(), looked.misfits.len()), (0, 4));
    for name in &looked.misfits {
        set_aside(&inbox.path(), name).expect("moved");
    }
    assert!(inbox.look(10).misfits.is_empty(), "none is looked at twice");
}
