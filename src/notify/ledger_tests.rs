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

/// What a ledger tells, as it stands; it must be whole.
fn read(path: &Path) -> Known {
    let known = Ledger::open(path).expect("opened").1;
    assert_eq!(known.trouble, None);
    known
}

/// The lines of a ledger, whole or not.
pub(crate) fn lines(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).expect("read");
    let json = |line: &str| line.split_once(' ').and_then(|(_, json)| serde_json::from_str(json).ok());
    text.lines().filter_map(json).collect()
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
    assert_eq!((known.settled, known.maybe), (Some(place(3)), Some(place(5))));
    let refused = Line { why: Some("answered 400".into()), messages: 3, ..line(Deed::Refused, 5, 5) };
    ledger.write(&refused).expect("written");
    ledger.write(&line(Deed::Dropped, 7, 5)).expect("written");
    let known = read(&path);
    assert_eq!((known.settled, known.maybe), (Some(place(5)), None));
    assert_eq!((known.refused, known.dropped), (3, 1), "messages, not lines");
    assert_eq!(known.gone, [(place(7), place(7))].into(), "dropped behind what is not settled");
    // A line that was made before the one above it takes nothing back.
    ledger.write(&line(Deed::Sends, 6, 3)).expect("written");
    assert_eq!(read(&path).settled, Some(place(5)));
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
    let (_, known) = Ledger::open(&path).expect("opened");
    assert_eq!(known.settled, Some(place(1)));
    assert!(known.trouble.is_some_and(|why| why.contains("torn or changed")));
    let swapped: Vec<&str> = text.lines().collect();
    std::fs::write(&path, format!("{}\n{}\n", swapped[1], swapped[0])).expect("written");
    assert_eq!(Ledger::open(&path).expect("opened").1.settled, None, "the order is part of it");
}

#[test]
fn a_line_that_the_disk_took_in_part_voids_nothing_that_follows() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.ledger");
    let (mut ledger, _) = Ledger::open(&path).expect("begun");
    ledger.write(&line(Deed::Told, 1, 1)).expect("written");
    // A disk that is full takes the beginning of a line.
    let full = OpenOptions::new().append(true).open("/dev/full").expect("opened");
    let file = std::mem::replace(&mut ledger.file, full);
    ledger.write(&line(Deed::Told, 2, 2)).expect_err("full");
    ledger.file = file;
    ledger.file.write_all(b"0123456789abcdef {\"at\":").expect("written");
    ledger.write(&line(Deed::Told, 3, 3)).expect("there is room again");
    ledger.write(&line(Deed::Told, 4, 4)).expect("written");
    assert_eq!((read(&path).settled, lines(&path).len()), (Some(place(4)), 3));
}

#[test]
fn what_another_has_written_meanwhile_is_not_written_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("x.ledger");
    let (mut old, _) = Ledger::open(&path).expect("begun");
    old.write(&line(Deed::Told, 1, 1)).expect("written");
    let (mut new, _) = Ledger::open(&path).expect("opened");
    new.write(&line(Deed::Told, 2, 2)).expect("written");
    old.write(&line(Deed::Told, 2, 2)).expect("written");
    assert_eq!(Ledger::open(&path).expect("opened").1.settled, Some(place(2)), "the new one's stands");
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
        prop_assert_eq!(read(&path).settled, Some(place(9)));
    }
}
