//! The same files are the same bytes, no byte changes unseen, other readers read it, and hostile archives are refused.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn written(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.whole(name, content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn some() -> Vec<(&'static str, Vec<u8>)> {
    let large = (0..LARGEST_PACKED + 5).map(|at| u8::try_from(at % 251).expect("a byte")).collect();
    vec![
        ("artifacts/00", b"one one one one one one one one".to_vec()),
        ("empty", Vec::new()),
        ("journal.jsonl", large),
        ("steps/a%20b/1/stdout", b"x".to_vec()),
    ]
}

/// Every content, or why the archive is refused.
fn all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>, Sums)>, Refused> {
    let mut archive = Archive::open(Cursor::new(bytes))?;
    let names: Vec<String> = archive.entries().iter().map(|entry| entry.name.clone()).collect();
    let mut read = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        let (content, sums) = archive.content(place, u64::MAX)?;
        read.push((name, content, sums));
    }
    Ok(read)
}

fn refused(bytes: &[u8]) -> String {
    all(bytes).expect_err("refused").to_string()
}

#[test]
fn what_is_written_is_read_and_the_same_files_are_the_same_bytes() {
    let bytes = written(&some());
    assert_eq!(bytes, written(&some()));
    let read = all(&bytes).expect("sound");
    let (names, contents): (Vec<_>, Vec<_>) = read.iter().map(|(name, content, _)| (name.as_str(), content)).unzip();
    for ((name, content), (known, wanted)) in names.iter().zip(contents).zip(some()) {
        assert_eq!((*name, content), (known, &wanted));
    }
    assert!(read[0].2.packed.is_some(), "small and worth it");
    assert!(read[2].2.packed.is_none(), "beyond a MiB it is stored");
}

#[test]
fn parts_are_put_as_a_whole_is_and_no_more_and_no_less_than_was_said() {
    let content: Vec<u8> = vec![7; 3 << 20];
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.begin("a", content.len() as u64).expect("begun");
    content.chunks(1000).for_each(|part| writer.put(part).expect("put"));
    let sums = writer.end().expect("ended");
    let parts = writer.finish().expect("finished").into_inner();
    assert_eq!(parts, written(&[("a", content)]));
    assert_eq!(all(&parts).expect("sound")[0].2, sums);
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.begin("a", 2).expect("begun");
    writer.put(b"abc").expect_err("too much");
    writer.put(b"a").expect("put");
    writer.end().expect_err("too little");
    for name in ["", "/a", "a/../b", "a//b", "..", "a\\b", "c:a", "a\nb", "ä", "a/", "./a"] {
        Writer::new(Cursor::new(Vec::new())).whole(name, b"x").expect_err(name);
    }
}

#[test]
fn python_reads_it_and_finds_nothing_wrong() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("a.zip");
    std::fs::write(&path, written(&some())).expect("written");
    let script = "import sys, zipfile, hashlib\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  for i in z.infolist(): print(i.filename, i.file_size, hashlib.sha256(z.read(i)).hexdigest())";
    let ran = std::process::Command::new("python3").args(["-c", script]).arg(&path).output();
    let Ok(ran) = ran else {
        assert!(std::env::var_os("CI").is_none(), "python3 is not installed");
        return;
    };
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let hex = |sum: &[u8]| sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let read = all(&written(&some())).expect("sound");
    let ours: Vec<String> =
        read.iter().map(|(name, content, sums)| format!("{name} {} {}\n", content.len(), hex(&sums.sha256))).collect();
    assert_eq!(told, ours.concat());
}

/// An archive made by hand: rows as they are given, each content `x`.
fn forged(change: impl Fn(usize, &mut Entry), count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rows = Vec::new();
    for place in 0..count {
        let mut crc = crc32fast::Hasher::new();
        crc.update(b"x");
        let mut entry =
            Entry { name: format!("f{place}"), crc: crc.finalize(), bytes: 1, taken: 1, ..Entry::default() };
        entry.at = bytes.len() as u64;
        change(place, &mut entry);
        bytes.extend(entry.local());
        bytes.extend(b"x");
        rows.extend(entry.central());
    }
    let at = bytes.len() as u64;
    let size = rows.len() as u64;
    bytes.extend(rows);
    bytes.extend(end(count as u64, size, at));
    bytes
}

#[test]
fn names_that_lead_elsewhere_links_and_twins_are_refused() {
    assert_eq!(all(&forged(|_, _| {}, 2)).expect("sound").len(), 2);
    for name in ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:/x", "a\\..\\b", "\u{1b}[31m", ""] {
        let why = refused(&forged(
            |place, entry| {
                if place == 1 {
                    entry.name = name.to_owned();
                }
            },
            2,
        ));
        assert!(why.contains("names a file"), "{name}: {why}");
        assert!(!why.contains('\u{1b}'));
    }
    let why = refused(&forged(|_, entry| entry.name = "twin".to_owned(), 2));
    assert!(why.contains("twin twice"), "{why}");
    let link = forged(|_, _| {}, 1);
    let plain = ATTRIBUTES.to_le_bytes();
    let at = link.windows(4).rposition(|bytes| bytes == plain).expect("there");
    let mut linked = link;
    linked[at..at + 4].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    assert!(refused(&linked).contains("what it need not"), "{}", refused(&linked));
}

#[test]
fn bombs_are_refused_by_what_they_claim_and_by_what_they_are() {
    let claims = |bytes, taken, packed| {
        refused(&forged(|_, entry| (entry.bytes, entry.taken, entry.packed) = (bytes, taken, packed), 1))
    };
    assert!(claims(LARGEST_PACKED + 1, 1, true).contains("claims to be larger"));
    assert!(claims(1 << 40, 1, false).contains("claims to be larger"));
    assert!(claims(1 << 40, 1 << 40, false).contains("reaches into it"));
    assert!(claims(u64::MAX, u64::MAX, false).contains("reaches into it"));
    // 64 MiB of nothing, which claims to be 100 bytes.
    let packed = miniz_oxide::deflate::compress_to_vec(&vec![0; 64 << 20], 9);
    let entry =
        Entry { name: "bomb".into(), packed: true, bytes: 1 << 20, taken: packed.len() as u64, ..Entry::default() };
    let mut bytes = entry.local();
    bytes.extend(&packed);
    let (at, row) = (bytes.len() as u64, entry.central());
    bytes.extend(&row);
    bytes.extend(end(1, row.len() as u64, at));
    assert!(refused(&bytes).contains("does not unpack to what it claims"));
}

#[test]
fn a_million_entries_are_refused_before_one_is_read() {
    let mut bytes = end(1_000_000, 46_000_000, 0);
    assert!(refused(&bytes).contains("1000000 files"), "{}", refused(&bytes));
    bytes = end(u64::MAX, u64::MAX, u64::MAX);
    assert!(refused(&bytes).contains("more than the 100000"));
    // So many that a plain end cannot say it: the wide one must.
    let many = forged(|_, entry| entry.name.push_str("-of-many"), 65_600);
    assert_eq!(Archive::open(Cursor::new(&many)).expect("sound").entries().len(), 65_600);
}

#[test]
fn what_is_larger_than_4_gib_is_told_of_in_the_wide_form() {
    let entry = Entry { name: "a".into(), bytes: 5 << 30, taken: 5 << 30, at: 6 << 30, ..Entry::default() };
    let row = entry.central();
    let (names, extra) = (row.len() - 32 + 4, &row[CENTRAL_LENGTH + 1..]);
    assert_eq!((names, extra.len()), (CENTRAL_LENGTH + 1, 28));
    assert_eq!(&extra[4..12], (5_u64 << 30).to_le_bytes());
    assert_eq!(&extra[20..28], (6_u64 << 30).to_le_bytes());
    assert_eq!(entry.local().len() as u64, LOCAL_LENGTH + 1 + 20);
    assert_eq!(end(1, 1, 6 << 30).len() as u64, END_LENGTH + LOCATOR_LENGTH + END_64_LENGTH);
}

proptest! {
    #[test]
    fn no_bit_of_any_byte_changes_unseen(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let files = [("a", vec![b'a'; 300]), ("b", b"short".to_vec()), ("c/d", (0..200).collect())];
        let sound = written(&files.clone().map(|(name, content): (&str, Vec<u8>)| (name, content)));
        let mut bytes = sound.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let was = all(&sound).expect("sound");
        // A change inside deflated bytes that unpack to the same is told by their own sum.
        prop_assert!(all(&bytes).map_or(true, |read| read != was), "byte {}", at);
    }

    #[test]
    fn no_archive_makes_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), sound in any::<bool>()) {
        if sound {
            bytes.splice(0..0, written(&[("a", b"content content content".to_vec())]));
        }
        let _ = all(&bytes);
    }

    #[test]
    fn no_cut_is_read(cut in 1..400usize) {
        let sound = written(&[("a", vec![b'a'; 300]), ("b", (0..=255).collect())]);
        prop_assert!(all(&sound[..sound.len().saturating_sub(cut)]).is_err());
    }
}
