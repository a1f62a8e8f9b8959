//! The ledger of one target: what it tells after any end, and that nothing of it can be changed unseen.

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;

fn place(seq: u64) -> Place {
    Place { seq, part: 1 }
}

fn line(deed: Deed, seq: u64, settled: u64) -> Line {
    Line::new(deed, Wall::default(), (place(seq), place(seq)), place(settled))
}

#[test]
fn a_ledger_that_is_opened_again_knows_what_was_told_and_what_may_have_been() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("notify/crew.ledger");
    let (mut ledger, known) = Ledger::open(&path).expect("begun");
    assert_eq!(known, Known::default(), "there was none");
    ledger.write(&line(Deed::Begins, 0, 0)).expect("written");
    ledger.write(&line(Deed::Sends, 3, 0)).expect("written");
    ledger.write(&Line { status: Some(200), ..line(Deed::Told, 3, 3) }).expect("written");
    ledger.write(&line(Deed::Sends, 5, 3)).expect("written");
    drop(ledger);
    let (mut ledger, known) = Ledger::open(&path).expect("opened");
    assert_eq!((known.settled, known.maybe, known.told), (Some(place(3)), Some(place(5)), 1));
    ledger.write(&Line { why: Some("answered 400".into()), ..line(Deed::Refused, 5, 5) }).expect("written");
    let known = read(&path).expect("read");
    assert_eq!((known.settled, known.maybe, known.refused, known.trouble), (Some(place(5)), None, 1, None));
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
}

#[test]
fn a_changed_line_ends_what_is_believed_and_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.ledger");
    let (mut ledger, _) = Ledger::open(&path).expect("begun");
    (1..=4).for_each(|seq| ledger.write(&line(Deed::Told, seq, seq)).expect("written"));
    let text = std::fs::read_to_string(&path).expect("read");
    let changed = text.replacen("\"settled\":[2,1]", "\"settled\":[9,1]", 1);
    assert_ne!(changed, text);
    std::fs::write(&path, changed).expect("written");
    let known = read(&path).expect("read");
    assert_eq!(known.settled, Some(place(1)));
    assert!(known.trouble.is_some_and(|why| why.contains("torn or changed")));
    let swapped: Vec<&str> = text.lines().collect();
    std::fs::write(&path, format!("{}\n{}\n", swapped[1], swapped[0])).expect("written");
    assert_eq!(read(&path).expect("read").settled, None, "the order is part of it");
}

proptest! {
    #[test]
    fn whatever_was_cut_or_flipped_no_more_is_believed_than_was_written(cut in 0_usize..2_000, flip in any::<u8>()) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.ledger");
        let (mut ledger, _) = Ledger::open(&path).expect("begun");
        (1..=5).for_each(|seq| ledger.write(&line(Deed::Told, seq, seq)).expect("written"));
        let mut bytes = std::fs::read(&path).expect("read");
        let cut = cut % bytes.len();
        match flip {
            0 => bytes.truncate(cut),
            flip => bytes[cut] ^= flip,
        }
        std::fs::write(&path, &bytes).expect("written");
        let (mut ledger, known) = Ledger::open(&path).expect("opened");
        let settled = known.settled.map_or(0, |settled| settled.seq);
        prop_assert!(settled < 5 || flip == 0 && settled <= 5, "{known:?}");
        // And it can be written on.
        ledger.write(&line(Deed::Told, 9, 9)).expect("written");
        let known = read(&path).expect("read");
        prop_assert_eq!((known.settled, known.trouble), (Some(place(9)), None));
    }
}
