//! A journal written by version 1 opens for ever: its records, their bytes and their hashes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tminus::journal::chain::{Head, Link};
use tminus::journal::sqlite::Sqlite;
use tminus::journal::store::Store;
use tminus::journal::{LaunchFolder, Purpose, open, record};

#[test]
fn the_golden_journal_of_version_1_opens() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    // A copy: SQLite makes side files even to read.
    let place = tempfile::tempdir().expect("a folder");
    for file in ["journal.db", "head"] {
        fs::copy(golden.join("journal-v1").join(file), place.path().join(file)).expect("copied");
    }
    let folder = LaunchFolder::open(place.path()).expect("a launch");
    let opened = open(&folder, Purpose::Read).expect("opens");
    assert!(opened.noticed.is_empty(), "{:?}", opened.noticed);

    let mut links: Vec<Link> = Vec::new();
    let mut each = |link| {
        links.push(link);
        true
    };
    Sqlite::open_to_read(&folder.journal()).expect("opens").read(&mut each).expect("reads");
    let mut text = String::new();
    for link in &links {
        writeln!(text, "{} {} {}", link.seq, link.hash, String::from_utf8_lossy(&link.bytes)).expect("a string");
    }
    let expected = fs::read_to_string(golden.join("journal-v1.txt")).expect("there");
    assert!(text == expected, "the golden journal reads differently:\n{text}");

    // Nothing of a record is lost on the way in: what was read writes the same bytes.
    assert_eq!(opened.records.len(), links.len());
    for (recorded, link) in opened.records.iter().zip(&links) {
        let again = record::encode(recorded).expect("encodes");
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&link.bytes));
    }
    assert_eq!(Some(opened.head), links.last().map(|link| Head { seq: link.seq, hash: link.hash }));
}
