//! What every store promises: the same suite over each of them.

use super::chain::{Head, Link};
use super::memory::Memory;
use super::samples;
use super::sqlite::Sqlite;
use super::store::{Beat, Durable, Expected, Store, StoreError};
use crate::launch::time::Instant;

fn over_each_store(promise: impl Fn(&mut dyn Store)) {
    promise(&mut Memory::new());
    let folder = tempfile::tempdir().expect("a folder");
    promise(&mut Sqlite::open(&folder.path().join("journal.db")).expect("opens"));
}

fn all(store: &mut dyn Store) -> Vec<Link> {
    let mut all = Vec::new();
    let mut each = |link| {
        all.push(link);
        true
    };
    store.read(&mut each).expect("reads");
    all
}

fn head(links: &[Link]) -> Head {
    links.last().map_or_else(Head::default, |link| Head { seq: link.seq, hash: link.hash })
}

const NONE: Expected = Expected { epoch: 0, head: Head { seq: 0, hash: super::chain::Hash([0; 32]) } };

#[test]
fn what_was_appended_is_read_in_order_byte_for_byte() {
    over_each_store(|store| {
        let links = samples::links(6);
        assert!(all(store).is_empty());
        store.append(NONE, &links[..1], Durable::Synced).expect("appends");
        let expected = Expected { epoch: 0, head: head(&links[..1]) };
        store.append(expected, &links[1..4], Durable::Written).expect("appends");
        let expected = Expected { epoch: 0, head: head(&links[..4]) };
        store.append(expected, &links[4..], Durable::Synced).expect("appends");
        assert_eq!(all(store), links);
        store.settle().expect("settles");
        let mut seen = 0;
        let mut two = |_| {
            seen += 1;
            seen < 2
        };
        store.read(&mut two).expect("reads");
        assert_eq!(seen, 2, "reading stops where it is told to");
    });
}

#[test]
fn an_append_on_another_head_changes_nothing() {
    over_each_store(|store| {
        let links = samples::links(3);
        store.append(NONE, &links[..2], Durable::Synced).expect("appends");
        let moved = store.append(NONE, &links[2..], Durable::Synced).expect_err("moved");
        assert!(matches!(moved, StoreError::Moved { expected: 0, found: 2 }), "{moved}");
        // The same place in another chain is another head.
        let mut other = head(&links[..2]);
        other.hash.0[0] ^= 1;
        store.append(Expected { epoch: 0, head: other }, &links[2..], Durable::Synced).expect_err("another chain");
        assert_eq!(all(store), links[..2]);
    });
}

#[test]
fn an_older_epoch_writes_nothing() {
    over_each_store(|store| {
        let links = samples::links(1);
        assert_eq!(store.epoch().expect("reads"), 0);
        assert_eq!(store.raise_epoch().expect("raises"), 1);
        assert_eq!(store.raise_epoch().expect("raises"), 2);
        let ours = Expected { epoch: 1, head: Head::default() };
        let lost = store.append(ours, &links, Durable::Synced).expect_err("lost");
        assert!(matches!(lost, StoreError::LeaseLost { ours: 1, found: 2 }), "{lost}");
        assert!(!lost.may_pass());
        let beat = Beat { t: 1, at: Instant(2), wall: samples::wall(3) };
        store.set_beat(1, beat, Durable::Written).expect_err("lost");
        assert_eq!(store.beat().expect("reads"), None);
        store.append(Expected { epoch: 2, ..ours }, &links, Durable::Synced).expect("ours");
        store.cut(1, 1).expect_err("lost");
        assert_eq!(all(store), links);
    });
}

#[test]
fn the_heartbeat_is_the_last_one() {
    over_each_store(|store| {
        assert_eq!(store.beat().expect("reads"), None);
        for t in [5_000, -4_000] {
            let beat = Beat { t, at: Instant(7), wall: samples::wall(9) };
            store.set_beat(0, beat, Durable::Synced).expect("beats");
            assert_eq!(store.beat().expect("reads"), Some(beat));
        }
    });
}

#[test]
fn only_the_last_record_can_be_cut() {
    over_each_store(|store| {
        let links = samples::links(3);
        store.append(NONE, &links, Durable::Synced).expect("appends");
        store.cut(0, 2).expect_err("not the last");
        store.cut(0, 3).expect("cut");
        assert_eq!(all(store), links[..2]);
    });
}

#[test]
fn a_file_that_is_no_journal_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "not a database, by any means; it is long enough to have a header of its own, though")
        .expect("writes");
    assert!(matches!(Sqlite::open(&path), Err(StoreError::NoJournal(_))));
    assert!(matches!(Sqlite::open_to_read(&path), Err(StoreError::NoJournal(_))));

    let foreign = folder.path().join("foreign.db");
    let db = rusqlite::Connection::open(&foreign).expect("opens");
    db.execute_batch("CREATE TABLE t (x)").expect("makes");
    assert!(matches!(Sqlite::open(&foreign), Err(StoreError::NoJournal(_))));

    let newer = folder.path().join("newer.db");
    drop(Sqlite::open(&newer).expect("makes"));
    rusqlite::Connection::open(&newer).expect("opens").pragma_update(None, "user_version", 2).expect("sets");
    assert!(matches!(Sqlite::open(&newer), Err(StoreError::NewerLayout(2))));
    assert!(matches!(Sqlite::open_to_read(&newer), Err(StoreError::NewerLayout(2))));
}

#[test]
fn the_database_and_its_side_files_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Sqlite::open(&folder.path().join("journal.db")).expect("makes");
    store.append(NONE, &samples::links(1), Durable::Synced).expect("appends");
    for file in std::fs::read_dir(folder.path()).expect("reads") {
        let file = file.expect("reads");
        assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}
