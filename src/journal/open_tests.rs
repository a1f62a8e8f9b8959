//! What opening a launch promises: one console, a chain that is whole, and damage named.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::chain::{Broken, Head, Link};
use super::head::Found;
use super::open::{AHEAD, CHUNK, walk};
use super::store::{Beat, Durable, Expected, Store, StoreError};
use super::{Holder, LaunchFolder, Noticed, OpenError, Opened, Purpose, head, open, record, samples};
use crate::launch::event::Recorded;
use crate::launch::time::Instant;

fn ann() -> Purpose {
    Purpose::Act(Holder::here("ann", samples::wall(1_700_000_000_000)))
}

fn new() -> (tempfile::TempDir, LaunchFolder) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
    (place, folder)
}

/// A launch with `count` notes, left in good order.
async fn launch(count: usize, durable: Durable) -> (tempfile::TempDir, LaunchFolder) {
    let (place, folder) = new();
    let journal = open(&folder, ann()).expect("opens").journal.expect("to act");
    let drafts = (1..=count).map(|n| samples::draft(&format!("note {n}"))).collect();
    journal.append(drafts, durable).await.expect("appends");
    journal.close().await;
    (place, folder)
}

fn damage(folder: &LaunchFolder, sql: &str) {
    Connection::open(folder.journal()).expect("opens").execute_batch(sql).expect("damages");
}

fn broken(folder: &LaunchFolder) -> (Broken, Opened) {
    let before = std::fs::read(folder.head()).expect("reads");
    let refused = open(folder, ann()).expect_err("refused for acting");
    assert_eq!(std::fs::read(folder.head()).expect("reads"), before, "a refused open changes nothing");
    let OpenError::Broken(broken) = refused else { panic!("not broken: {refused}") };
    (broken, open(folder, Purpose::Read).expect("opens for reading"))
}

#[tokio::test]
async fn a_launch_goes_on_where_it_stood() {
    let (_place, folder) = new();
    let first = open(&folder, ann()).expect("opens");
    assert!(first.records.is_empty() && first.noticed.is_empty());
    let journal = first.journal.expect("to act");
    let mut written = journal.append(vec![samples::draft("one")], Durable::Synced).await.expect("appends");
    journal.beat(Beat { t: -7, at: Instant(5), wall: samples::wall(6) });
    journal.close().await;

    let folder = LaunchFolder::open(folder.path()).expect("a launch");
    let second = open(&folder, ann()).expect("opens again");
    assert_eq!(second.records, written);
    assert_eq!(second.beat.map(|beat| beat.t), Some(-7));
    assert_eq!(second.noticed, []);
    let journal = second.journal.expect("to act");
    written.extend(journal.append(vec![samples::draft("two")], Durable::Written).await.expect("appends"));
    // Somebody reads along while the console acts.
    let reading = open(&folder, Purpose::Read).expect("opens");
    assert_eq!(reading.records, written);
    assert!(reading.journal.is_none() && reading.noticed.is_empty());
}

#[tokio::test]
async fn a_folder_that_another_console_holds_is_refused_by_name() {
    let (_place, folder) = new();
    let held = open(&folder, ann()).expect("opens");
    let bob = Purpose::Act(Holder::here("bob", samples::wall(1_700_000_100_000)));
    let refused = open(&folder, bob.clone()).expect_err("held").to_string();
    assert!(refused.starts_with("ann holds this launch since 2023-11-14 22:13:20 UTC"), "{refused}");
    held.journal.expect("to act").close().await;
    open(&folder, bob).expect("free again");
}

#[tokio::test]
async fn the_synced_head_is_on_disk_once_the_journal_is_closed() {
    for durable in [Durable::Synced, Durable::Written] {
        let (_place, folder) = launch(3, durable).await;
        let last = open(&folder, Purpose::Read).expect("opens").head;
        assert_eq!(last.seq, 3);
        assert_eq!(head::read(&folder.head()).expect("reads"), head::Found::Head(last));
    }
}

#[tokio::test]
async fn a_broken_chain_opens_only_to_read_and_names_the_record() {
    let flip =
        |seq| format!("UPDATE records SET bytes = CAST(replace(bytes, 'note', 'nope') AS BLOB) WHERE seq = {seq}");
    for (sql, wanted, left) in [
        (flip(2), Broken::Altered { seq: 2 }, 1),
        (flip(4), Broken::Altered { seq: 4 }, 3),
        ("UPDATE records SET hash = x'00' WHERE seq = 3".into(), Broken::Altered { seq: 3 }, 2),
        ("DELETE FROM records WHERE seq = 1".into(), Broken::Missing { seq: 1 }, 0),
        (
            "UPDATE records SET seq = 9 WHERE seq = 2; UPDATE records SET seq = 2 WHERE seq = 3;
             UPDATE records SET seq = 3 WHERE seq = 9"
                .into(),
            Broken::Altered { seq: 2 },
            1,
        ),
        ("DELETE FROM records WHERE seq > 2".into(), Broken::TailCut { last: 2, head: 4 }, 2),
        ("DELETE FROM records".into(), Broken::TailCut { last: 0, head: 4 }, 0),
    ] {
        let (_place, folder) = launch(4, Durable::Synced).await;
        damage(&folder, &sql);
        let (broken, read) = broken(&folder);
        assert_eq!(broken, wanted, "{sql}");
        assert_eq!(read.noticed, [Noticed::Broken(wanted)], "{sql}");
        assert_eq!(read.records.len(), left, "{sql}");
    }
}

#[tokio::test]
async fn a_database_that_was_taken_away_is_a_cut_tail() {
    let (_place, folder) = launch(2, Durable::Synced).await;
    std::fs::remove_file(folder.journal()).expect("removed");
    assert!(matches!(open(&folder, ann()), Err(OpenError::Broken(Broken::TailCut { last: 0, head: 2 }))));
}

#[tokio::test]
async fn a_torn_last_record_is_cut_off_and_told_unless_it_was_synced() {
    let (_place, folder) = launch(3, Durable::Synced).await;
    let whole = open(&folder, Purpose::Read).expect("opens");
    damage(&folder, "INSERT INTO records VALUES (4, zeroblob(32), CAST('{\"v\":1,' AS BLOB))");
    let read = open(&folder, Purpose::Read).expect("opens");
    assert_eq!((read.noticed, read.records.len()), (vec![Noticed::TornTail { seq: 4 }], 3));
    let acting = open(&folder, ann()).expect("opens to act");
    assert_eq!(acting.noticed, [Noticed::TornTail { seq: 4 }]);
    // The head is written after the answers: that it lacks a record does not say that nothing came of it.
    assert!(acting.noticed[0].to_string().contains("whether something was done on its strength cannot be told"));
    assert_eq!((acting.head, &acting.records), (whole.head, &whole.records));
    let journal = acting.journal.expect("to act");
    assert_eq!(journal.append(vec![samples::draft("new")], Durable::Synced).await.expect("appends")[0].seq, 4);
    journal.close().await;
    assert_eq!(open(&folder, Purpose::Read).expect("opens").noticed, []);

    // Two of them are no torn write.
    damage(&folder, "INSERT INTO records VALUES (5, x'', x''), (6, x'', x'')");
    assert_eq!(broken(&folder).0, Broken::Altered { seq: 5 });
}

#[tokio::test]
async fn without_its_head_a_journal_opens_and_says_so() {
    for (text, wanted) in [(None, Noticed::HeadMissing), (Some("x"), Noticed::HeadGarbled)] {
        let (_place, folder) = launch(2, Durable::Synced).await;
        match text {
            None => std::fs::remove_file(folder.head()).expect("removed"),
            Some(text) => std::fs::write(folder.head(), text).expect("written"),
        }
        assert_eq!(open(&folder, Purpose::Read).expect("opens").noticed, [wanted]);
        open(&folder, ann()).expect("opens").journal.expect("to act").close().await;
        assert_eq!(open(&folder, Purpose::Read).expect("opens").noticed, [], "written anew");
    }
}

#[tokio::test]
async fn records_of_a_newer_tminus_are_told_from_damage() {
    let (_place, folder) = new();
    open(&folder, ann()).expect("opens").journal.expect("to act").close().await;
    let bytes = r#"{"v":2,"seq":1}"#;
    let next = super::chain::Head::default().then(bytes.as_bytes());
    damage(&folder, &format!("INSERT INTO records VALUES (1, x'{}', CAST('{bytes}' AS BLOB))", next.hash));
    let refused = open(&folder, ann()).expect_err("newer").to_string();
    assert!(refused.contains("version 2") && refused.contains("use a newer one"), "{refused}");
    let read = open(&folder, Purpose::Read).expect("opens");
    assert!(matches!(read.noticed[..], [Noticed::Undecodable { seq: 1, .. }]), "{:?}", read.noticed);
}

#[test]
fn a_journal_that_cannot_be_opened_names_its_file() {
    let (_place, folder) = new();
    let told = |purpose| open(&folder, purpose).expect_err("no journal").to_string();
    assert!(told(Purpose::Read).contains("journal.db"), "{}", told(Purpose::Read));
    assert!(!Path::new(&folder.journal()).exists(), "reading makes nothing");
    std::fs::write(folder.journal(), "x".repeat(200)).expect("written");
    assert!(told(ann()).contains("this is no journal"), "{}", told(ann()));
}

/// A store of any length that is made while it is read.
struct Endless {
    length: u64,
    read: Arc<AtomicU64>,
}

impl Store for Endless {
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        let mut head = Head::default();
        for seq in 1..=self.length {
            let bytes = record::encode(&samples::recorded(seq, samples::noted("one of many"))).expect("encodes");
            head = head.then(&bytes);
            self.read.store(seq, Ordering::SeqCst);
            if !each(Link { seq, hash: head.hash, bytes }) {
                break;
            }
        }
        Ok(())
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn raise_epoch(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn append(&mut self, _: Expected, _: &[Link], _: Durable) -> Result<(), StoreError> {
        Ok(())
    }

    fn cut(&mut self, _: u64, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn beat(&mut self) -> Result<Option<Beat>, StoreError> {
        Ok(None)
    }

    fn set_beat(&mut self, _: u64, _: Beat, _: Durable) -> Result<(), StoreError> {
        Ok(())
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The budget of a million events is one of time, which `benches/journal.rs` measures; this is what keeps
/// its memory flat: no record waits for those that follow it.
#[test]
fn a_long_journal_is_handed_over_as_it_is_read() {
    const LENGTH: u64 = 20_000;
    let read = Arc::new(AtomicU64::new(0));
    let mut store = Endless { length: LENGTH, read: Arc::clone(&read) };
    let (mut seen, mut ahead) = (0, 0);
    let mut each = |record: Recorded| {
        assert_eq!(record.seq, seen + 1, "in their order");
        seen = record.seq;
        ahead = ahead.max(read.load(Ordering::SeqCst).saturating_sub(seen));
    };
    let walked = walk(&mut store, Found::Missing, &mut each).expect("reads");
    assert_eq!((seen, walked.head.seq), (LENGTH, LENGTH));
    // One chunk is decoded, some wait, one is being filled and one wants to be sent.
    let bound = (CHUNK * (AHEAD + 3)) as u64;
    assert!(ahead <= bound, "{ahead} records were read ahead, more than {bound}");
}
