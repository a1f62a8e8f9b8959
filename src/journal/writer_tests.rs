//! What the writer promises, over stores in memory that fail when told to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::chain::{Head, Link};
use super::memory::Memory;
use super::record::Settled;
use super::samples;
use super::store::{Beat, Durable, Expected, Store, StoreError};
use super::writer::{AppendError, Health, Journal, Start};
use crate::launch::event::{Event, Recorded};
use crate::launch::time::Instant;

/// A store in memory that can be full, stuck and taken over.
#[derive(Clone, Default)]
struct Watched {
    inner: Arc<Mutex<Memory>>,
    full: Arc<AtomicBool>,
    stuck: Arc<(Mutex<bool>, Condvar)>,
    transactions: Arc<AtomicUsize>,
    beats: Arc<Mutex<Vec<Durable>>>,
}

impl Watched {
    fn inner(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.inner.lock().expect("not poisoned")
    }

    /// Keeps appends waiting in the store, or lets them go.
    fn stick(&self, stuck: bool) {
        *self.stuck.0.lock().expect("not poisoned") = stuck;
        self.stuck.1.notify_all();
    }

    fn start(&self) -> Journal {
        let start = Start { store: Box::new(self.clone()), epoch: 0, head: Head::default(), files: None };
        Journal::start(start).expect("a thread")
    }

    fn links(&self) -> Vec<Link> {
        let mut all = Vec::new();
        let mut each = |link| {
            all.push(link);
            true
        };
        self.inner().read(&mut each).expect("reads");
        all
    }
}

impl Store for Watched {
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        self.inner().read(each)
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        self.inner().epoch()
    }

    fn raise_epoch(&mut self) -> Result<u64, StoreError> {
        self.inner().raise_epoch()
    }

    fn append(&mut self, expected: Expected, links: &[Link], durable: Durable) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        let stuck = self.stuck.0.lock().expect("not poisoned");
        drop(self.stuck.1.wait_while(stuck, |stuck| *stuck).expect("not poisoned"));
        self.transactions.fetch_add(1, Ordering::SeqCst);
        self.inner().append(expected, links, durable)
    }

    fn cut(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        self.inner().cut(epoch, seq)
    }

    fn beat(&mut self) -> Result<Option<Beat>, StoreError> {
        self.inner().beat()
    }

    fn set_beat(&mut self, epoch: u64, beat: Beat, durable: Durable) -> Result<(), StoreError> {
        self.beats.lock().expect("not poisoned").push(durable);
        self.inner().set_beat(epoch, beat, durable)
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.inner().settle()
    }
}

#[tokio::test]
async fn records_come_back_in_their_places_as_they_will_be_read() {
    let store = Watched::default();
    let journal = store.start();
    let slept = Event::Slept { gap: std::time::Duration::from_micros(2_700) };
    let drafts = vec![samples::draft("one"), super::Draft { event: slept, ..samples::draft("") }];
    let records = journal.append(drafts, Durable::Synced).await.expect("appends");
    let more = journal.append(vec![samples::draft("three")], Durable::Written).await.expect("appends");
    assert_eq!(records.iter().chain(&more).map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let kept: Vec<_> = store.links().iter().map(|link| super::record::decode(&link.bytes).expect("decodes")).collect();
    assert_eq!(kept, [records, more].concat());
    assert!(journal.append(Vec::new(), Durable::Synced).await.expect("nothing to do").is_empty());
    journal.close().await;
}

#[tokio::test]
async fn what_is_settled_keeps_its_bytes_in_its_place_and_has_others_elsewhere() {
    let store = Watched::default();
    let journal = store.start();
    let settled = |seq, text| Settled::of(&samples::recorded(seq, samples::noted(text))).expect("settles");
    let hand = async |records: Vec<Settled>| {
        let mut answer = journal.hand_settled(records, Durable::Synced).expect("taken");
        answer.within(Duration::from_secs(60)).await.expect("an answer").expect("appends")
    };
    let (one, two) = (settled(1, "one"), settled(2, "two"));
    let records = hand(vec![one.clone(), two.clone()]).await;
    assert_eq!(records, [one.clone(), two.clone()].map(Recorded::from));
    // Something else came before it.
    let late = Recorded::from(settled(2, "late"));
    assert_eq!(hand(vec![settled(2, "late")]).await, [Recorded { seq: 3, ..late.clone() }]);
    let bytes: Vec<Vec<u8>> = store.links().into_iter().map(|link| link.bytes).collect();
    let late = Settled::of(&Recorded { seq: 3, ..late }).expect("settles");
    assert_eq!(bytes, [one, two, late].map(|settled| settled.parts().1));
    journal.close().await;
}

#[tokio::test]
async fn many_at_once_share_few_transactions_and_keep_their_order() {
    let store = Watched::default();
    let journal = store.start();
    // The writer is stuck in the store until all 400 wait.
    store.stick(true);
    let asks: Vec<_> = (0..400)
        .map(|n| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.append(vec![samples::draft(&n.to_string())], Durable::Written).await })
        })
        .collect();
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
    store.stick(false);
    for (n, ask) in asks.into_iter().enumerate() {
        let records = ask.await.expect("ran").expect("appends");
        assert_eq!(records[0].event, samples::noted(&n.to_string()));
        assert_eq!(records[0].seq, n as u64 + 1);
    }
    let transactions = store.transactions.load(Ordering::SeqCst);
    assert!(transactions <= 4, "{transactions} transactions");
}

#[tokio::test]
async fn a_full_disk_is_told_keeps_nothing_and_passes() {
    let store = Watched::default();
    let journal = store.start();
    let health = journal.health();
    journal.append(vec![samples::draft("before")], Durable::Synced).await.expect("appends");
    store.full.store(true, Ordering::SeqCst);
    let wrong = journal.append(vec![samples::draft("lost")], Durable::Synced).await.expect_err("full");
    assert_eq!(wrong.to_string(), "the journal cannot be written: the disk is full");
    assert_eq!(*health.borrow(), Health::Failing("the disk is full".into()));
    store.full.store(false, Ordering::SeqCst);
    let after = journal.append(vec![samples::draft("after")], Durable::Synced).await.expect("appends");
    assert_eq!(after[0].seq, 2);
    assert_eq!(*health.borrow(), Health::Well);
}

#[tokio::test]
async fn a_console_that_was_taken_over_never_writes_again() {
    let store = Watched::default();
    let journal = store.start();
    journal.append(vec![samples::draft("ours")], Durable::Synced).await.expect("appends");
    store.inner().raise_epoch().expect("raises");
    for _ in 0..2 {
        let wrong = journal.append(vec![samples::draft("late")], Durable::Synced).await.expect_err("lost");
        assert!(matches!(wrong, AppendError::Store(_)), "{wrong}");
        assert!(wrong.to_string().contains("another console holds the launch"), "{wrong}");
        assert!(matches!(&*journal.health().borrow(), Health::TakenOver(_)));
        assert_eq!(journal.taken_over(), Some(None));
    }
    assert_eq!(store.links().len(), 1);
}

#[tokio::test]
async fn one_that_cannot_be_kept_harms_no_other() {
    let store = Watched::default();
    let journal = store.start();
    let huge = "x".repeat(super::record::LARGEST);
    let drafts = vec![samples::draft("fine"), samples::draft(&huge)];
    let wrong = journal.append(drafts, Durable::Synced).await.expect_err("too large");
    assert!(matches!(wrong, AppendError::Refused(_)), "{wrong}");
    assert_eq!(*journal.health().borrow(), Health::Well);
    let records = journal.append(vec![samples::draft("next")], Durable::Synced).await.expect("appends");
    assert_eq!(records[0].seq, 1, "all or none");
}

#[tokio::test]
async fn a_beat_syncs_what_is_not_synced_and_only_then() {
    let store = Watched::default();
    let journal = store.start();
    let beat = Beat { t: 60_000, at: Instant(1), wall: samples::wall(1) };
    journal.append(vec![samples::draft("one")], Durable::Written).await.expect("appends");
    journal.beat(beat);
    journal.append(vec![samples::draft("two")], Durable::Synced).await.expect("appends");
    journal.beat(Beat { t: 59_000, ..beat });
    let closed = journal.clone();
    journal.close().await;
    let beats = store.beats.lock().expect("not poisoned").clone();
    // Where the first beat met the second append in one group, that append had synced already.
    assert!(
        matches!(beats[..], [Durable::Synced | Durable::Written, Durable::Written] | [Durable::Written]),
        "{beats:?}"
    );
    assert_eq!(store.inner().beat().expect("reads").map(|beat| beat.t), Some(59_000));
    let wrong = closed.append(vec![samples::draft("late")], Durable::Synced).await.expect_err("closed");
    assert!(matches!(wrong, AppendError::Closed));
}
