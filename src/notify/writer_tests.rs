//! The writer of one ledger, on a disk that hangs and for a console that was taken over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use tokio::task::yield_now;

use super::*;
use crate::launch::time::Wall;
use crate::notify::ledger::Deed;
use crate::notify::ledger::tests::lines;
use crate::notify::message::Place;

fn line(seq: u64) -> Line {
    let place = Place { seq, part: 0 };
    Line::new(Deed::Told, Wall::default(), (place, place), place)
}

fn writer(folder: &Path, may: May) -> (Writer, PathBuf) {
    let path = folder.join("x.ledger");
    let (ledger, _) = Ledger::open(&path).expect("begun");
    (Writer::new(Some(ledger), may), path)
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_keeps_one_thread_and_is_said_until_it_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writer, path) = writer(folder.path(), Arc::new(|| true));
    let (ledger, (hangs, hung), (let_go, go)) = (Arc::clone(&writer.ledger), mpsc::channel(), mpsc::channel::<()>());
    let disk = std::thread::spawn(move || {
        let _held = lock(&ledger);
        hangs.send(()).expect("somebody waits");
        go.recv().expect("let go");
    });
    hung.recv().expect("it hangs");
    let mut written: Vec<Written> = (1..=10).map(|seq| writer.put(line(seq))).collect();
    // One is at it; what else there is waits its turn, and takes no thread.
    while lock(&writer.lines).waiting.len() > 9 {
        yield_now().await;
    }
    let first = written.remove(0);
    tokio::join!(writer.stands(first), tokio::time::advance(DISK * 2));
    assert_eq!(lock(&writer.lines).waiting.len(), 9);
    assert!(writer.trouble().is_some_and(|why| why.contains("the disk does not answer")), "{:?}", writer.trouble());
    assert!(!writer.is_done());
    let_go.send(()).expect("it waits");
    disk.join().expect("joined");
    for written in written {
        written.await.expect("written");
    }
    while !writer.is_done() {
        yield_now().await;
    }
    assert_eq!(writer.trouble(), None, "all is well again");
    assert_eq!(lines(&path), (1..=10).map(line).collect::<Vec<_>>(), "each, in order");
}

#[tokio::test(start_paused = true)]
async fn a_console_that_was_taken_over_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let acts = Arc::new(AtomicBool::new(true));
    let may = Arc::clone(&acts);
    let (writer, path) = writer(folder.path(), Arc::new(move || may.load(Ordering::SeqCst)));
    writer.put(line(1)).await.expect("written");
    acts.store(false, Ordering::SeqCst);
    writer.put(line(2)).await.expect("passed over");
    assert_eq!((lines(&path), writer.trouble()), (vec![line(1)], None));
}
