//! What taking a launch over promises: one console acts, whoever stops where.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use super::head::Found;
use super::lease::{Lease, LeaseError};
use super::sqlite::Sqlite;
use super::store::{Beat, Durable};
use super::take_over::{Failed, InTheWay, Seen, fence, replace};
use super::{Health, Held, Holder, Journal, LaunchFolder, OpenError, Opened, Purpose, head, look, open, samples};
use crate::base::proc::Other;
use crate::launch::time::Instant;

fn person(name: &str) -> Holder {
    Holder::here(name, samples::wall(1_700_000_000_000))
}

fn take_over(folder: &LaunchFolder, name: &str) -> Result<Opened, OpenError> {
    open(folder, Purpose::TakeOver(person(name)))
}

/// A launch with one note, and ann at it.
async fn held() -> (tempfile::TempDir, LaunchFolder, Journal) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
    let ann = open(&folder, Purpose::Act(person("ann"))).expect("opens").journal.expect("to act");
    ann.append(vec![samples::draft("one")], Durable::Synced).await.expect("appends");
    // Two processes have a new head each; of two writers in this one only the other may be at it. Until the head vouches
    // for it, a last record that is wrong may be torn as well.
    while !matches!(head::read(&folder.head()).expect("reads"), Found::Head(head) if head.seq == 1) {
        tokio::task::yield_now().await;
    }
    (place, folder, ann)
}

fn seen(folder: &LaunchFolder) -> Seen {
    Seen::at(&folder.lock()).expect("reads").expect("held")
}

fn named(path: &Path) -> String {
    match look(path).expect("looks") {
        Held::By(Some(holder)) => holder.name,
        other => panic!("not held by name: {other:?}"),
    }
}

async fn note(journal: &Journal, text: &str) -> bool {
    journal.append(vec![samples::draft(text)], Durable::Synced).await.is_ok()
}

#[tokio::test]
async fn the_old_console_keeps_nothing_more_and_knows_who_acts() {
    let (_place, folder, ann) = held().await;
    assert_eq!(ann.taken_over(), None);
    let bob = take_over(&folder, "bob").expect("takes over");
    assert_eq!(bob.took_over.expect("from ann").from, Some(person("ann")));
    assert_eq!(bob.records.len(), 1);
    let bob = bob.journal.expect("to act");
    assert_eq!(ann.taken_over(), Some(Some(person("bob"))), "before it writes anything");
    assert!(note(&bob, "two").await);
    assert!(!note(&ann, "late").await);
    assert!(matches!(&*ann.health().borrow(), Health::TakenOver(_)));
    ann.beat(Beat { t: -1, at: Instant(1), wall: samples::wall(1) });
    ann.close().await;
    assert_eq!(named(&folder.lock()), "bob", "a console that leaves takes nothing with it");
    assert!(note(&bob, "three").await);
    let read = open(&folder, Purpose::Read).expect("reads");
    assert_eq!((read.records.len(), read.beat), (3, None));
    let refused = open(&folder, Purpose::Act(person("cat"))).expect_err("held").to_string();
    assert!(refused.starts_with("bob holds this launch since"), "{refused}");
    bob.close().await;
    assert_eq!(look(&folder.lock()).expect("looks"), Held::Free);
}

#[tokio::test]
async fn of_a_launch_that_nobody_holds_nothing_is_taken() {
    let (_place, folder, ann) = held().await;
    ann.close().await;
    let bob = take_over(&folder, "bob").expect("opens");
    assert_eq!(bob.took_over, None);
    assert!(note(&bob.journal.expect("to act"), "two").await);
}

#[tokio::test]
async fn of_two_takers_one_is_refused_by_name() {
    let (_place, folder, _ann) = held().await;
    let (first, second) = (seen(&folder), seen(&folder));
    let bob = replace(&folder.lock(), &first, &person("bob")).expect("the first");
    let refused = replace(&folder.lock(), &second, &person("cat")).expect_err("the second");
    assert!(matches!(&refused, Failed::Lease(LeaseError::Overtaken(Some(by))) if by.name == "bob"), "{refused}");
    assert_eq!(named(&folder.lock()), "bob");
    drop(bob);
}

#[tokio::test]
async fn who_came_after_the_one_that_was_seen_is_not_taken_from() {
    let (_place, folder, ann) = held().await;
    let seen = seen(&folder);
    ann.close().await;
    let cat = open(&folder, Purpose::Act(person("cat"))).expect("opens").journal.expect("to act");
    let refused = replace(&folder.lock(), &seen, &person("bob")).expect_err("another one");
    assert!(matches!(&refused, Failed::Lease(LeaseError::Overtaken(Some(by))) if by.name == "cat"), "{refused}");
    assert_eq!(cat.taken_over(), None);
    assert!(note(&cat, "two").await);
}

#[tokio::test]
async fn epochs_rise_in_the_order_in_which_locks_took_their_place() {
    let (_place, folder, _ann) = held().await;
    let first = seen(&folder);
    let bob = replace(&folder.lock(), &first, &person("bob")).expect("takes the place");
    // Bob stops here; cat takes over from him, and acts.
    let cat = take_over(&folder, "cat").expect("takes over").journal.expect("to act");
    let refused = fence(&folder, &bob, &first, &mut None).err().expect("too late");
    assert!(matches!(&refused, Failed::Lease(LeaseError::Overtaken(Some(by))) if by.name == "cat"), "{refused}");
    assert!(note(&cat, "two").await, "bob's waking fences nobody");
}

#[tokio::test]
async fn a_taker_that_died_half_way_leaves_a_launch_that_is_free() {
    let (_place, folder, ann) = held().await;
    drop(replace(&folder.lock(), &seen(&folder), &person("bob")).expect("takes the place, and dies"));
    assert_eq!(ann.taken_over(), Some(Some(person("bob"))), "ann was told to stop, and stops");
    assert_eq!(look(&folder.lock()).expect("looks"), Held::Free);
    let cat = open(&folder, Purpose::Act(person("cat"))).expect("opens plainly").journal.expect("to act");
    assert!(!note(&ann, "late").await);
    assert!(note(&cat, "two").await);
}

#[tokio::test]
async fn a_plain_opening_that_is_overtaken_fences_nobody() {
    let (_place, folder, ann) = held().await;
    ann.close().await;
    let slow = Lease::take(&folder.lock(), &person("slow")).expect("free");
    let bob = take_over(&folder, "bob").expect("takes over").journal.expect("to act");
    let mut store = Sqlite::open(&folder.journal()).expect("opens");
    assert_eq!(store.raise_epoch_while(&|| slow.stake().stands()).expect("asks"), None);
    assert!(note(&bob, "two").await);
}

#[tokio::test]
async fn a_broken_chain_is_refused_before_anyone_is_stopped() {
    let (_place, folder, ann) = held().await;
    let flip = "UPDATE records SET bytes = x'00' WHERE seq = 1";
    Connection::open(folder.journal()).expect("opens").execute_batch(flip).expect("damages");
    let refused = take_over(&folder, "bob").expect_err("refused");
    assert!(matches!(refused, OpenError::Broken(_)), "{refused}");
    assert_eq!(ann.taken_over(), None);
    assert_eq!(named(&folder.lock()), "ann");
}

#[tokio::test]
async fn a_stranger_with_the_number_of_a_holder_is_never_ended() {
    let (_place, folder, _ann) = held().await;
    let mut stranger = Command::new("sleep").arg("60").spawn().expect("starts");
    kill_process(Pid::from_child(&stranger), Signal::STOP).expect("stops");
    let other = Other::find(stranger.id()).expect("finds").expect("it lives");
    while !other.is_stopped() {
        std::thread::yield_now();
    }
    // As the lock of a taker in another container: its number is the stranger's here.
    let taker = Holder { pid: stranger.id(), ..person("dan") };
    let _taking = Lease::take(&folder.lock().with_extension("taking"), &taker).expect("free");
    let refused = take_over(&folder, "bob").expect_err("in the way");
    let alive = stranger.try_wait().expect("asks").is_none();
    stranger.kill().expect("ours");
    stranger.wait().expect("reaped");
    assert!(alive, "the stranger lives");
    assert!(matches!(refused, OpenError::InTheWay(InTheWay::Elsewhere(_))), "{refused}");
    assert_eq!(named(&folder.lock()), "ann");
}

#[tokio::test]
async fn who_could_not_act_after_it_stops_nobody() {
    let no_epoch =
        "DROP TABLE lease; CREATE TABLE lease (one, epoch CHECK (epoch = 1)); INSERT INTO lease VALUES (1, 1)";
    let hurts: [fn(&LaunchFolder, &str); 2] = [
        |folder, sql| Connection::open(folder.journal()).expect("opens").execute_batch(sql).expect("written"),
        |folder, _| {
            let name = format!("lock.{}.tried", std::process::id());
            std::fs::create_dir(folder.path().join(name)).expect("made");
        },
    ];
    for hurt in hurts {
        let (_place, folder, ann) = held().await;
        hurt(&folder, no_epoch);
        let refused = take_over(&folder, "bob").expect_err("refused");
        assert!(matches!(refused, OpenError::Store { .. } | OpenError::File { .. }), "{refused}");
        assert_eq!(ann.taken_over(), None);
        assert!(note(&ann, "two").await);
    }
}

#[tokio::test]
async fn a_taker_that_fails_half_way_says_that_nobody_acts() {
    let (_place, folder, ann) = held().await;
    ann.close().await;
    let lease = Lease::take(&folder.lock(), &person("ann")).expect("free");
    // The head file is not written before the old console is fenced.
    let name = format!("head.{}.new", std::process::id());
    std::fs::create_dir(folder.path().join(name)).expect("made");
    let refused = take_over(&folder, "bob").expect_err("refused");
    assert!(matches!(refused, OpenError::HalfWay { .. }), "{refused}");
    let process = std::process::id();
    let wanted = format!("; the console of ann (process {process} on ");
    assert!(refused.to_string().contains(&wanted), "{refused}");
    assert!(refused.to_string().ends_with(") can no longer act either"), "{refused}");
    assert!(!lease.stake().stands());
}

#[tokio::test]
async fn a_store_that_is_proven_is_written_and_stays_as_it_was() {
    let (_place, folder, ann) = held().await;
    let log = folder.path().join("journal.db-wal");
    let length = || std::fs::metadata(&log).expect("there").len();
    let before = length();
    let mut store = Sqlite::open(&folder.journal()).expect("opens");
    store.prove().expect("proves");
    assert!(length() > before, "what is not written proves nothing");
    assert!(note(&ann, "two").await, "nobody was fenced");
}

#[tokio::test]
async fn what_an_old_console_filed_late_is_not_its_to_file() {
    let (_place, folder, ann) = held().await;
    // Not synced yet: she would file it when she leaves.
    ann.append(vec![samples::draft("two")], Durable::Written).await.expect("appends");
    let bob = take_over(&folder, "bob").expect("takes over").journal.expect("to act");
    assert!(note(&bob, "three").await);
    bob.close().await;
    let head = head::read(&folder.head()).expect("reads");
    ann.close().await;
    assert_eq!(head::read(&folder.head()).expect("reads"), head);
}

#[tokio::test]
async fn a_writer_in_the_way_is_never_ended_on_a_guess() {
    for (host, wanted) in [("elsewhere", "or in another container: end process"), ("", "not known to be the console")] {
        let (_place, folder, ann) = held().await;
        ann.close().await;
        // Held by a lock that names a process that is none of ours to end, or names nobody.
        let named = Holder { host: host.to_owned(), ..person("dan") };
        let _lease = Lease::take(&folder.lock(), &named).expect("free");
        if host.is_empty() {
            std::fs::write(folder.lock(), "").expect("written");
        }
        let writing = Connection::open(folder.journal()).expect("opens");
        writing.execute_batch("BEGIN IMMEDIATE").expect("writes");
        let seen = seen(&folder);
        let bob = replace(&folder.lock(), &seen, &person("bob")).expect("takes the place");
        let refused = fence(&folder, &bob, &seen, &mut None).err().expect("in the way");
        assert!(matches!(refused, Failed::InTheWay(InTheWay::Elsewhere(_) | InTheWay::Unknown(_))), "{refused}");
        assert!(refused.to_string().contains(wanted), "{refused}");
        writing.execute_batch("ROLLBACK").expect("ends");
        fence(&folder, &bob, &seen, &mut None).map(|_| ()).map_err(|why| why.to_string()).expect("free to write");
    }
}
