//! The `head` file beside the store: sequence and hash of the last record known to be synced. A store
//! that ends before it has lost its tail. It may lag behind the store, never lead.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::chain::Head;
use crate::base::rights;

/// In bytes: no head has so many.
const LONGEST: u64 = 256;

/// What stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Head(Head),
    Missing,
    /// There is a file, and no head in it.
    Garbled,
}

/// # Errors
/// The file is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Found> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(LONGEST).read_to_end(&mut text)?,
        Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(wrong) => return Err(wrong),
    };
    Ok(of(&text))
}

/// The head that the bytes of such a file are.
#[must_use]
pub fn of(bytes: &[u8]) -> Found {
    std::str::from_utf8(bytes).ok().and_then(parse).map_or(Found::Garbled, Found::Head)
}

/// Replaces the file, synced before it takes its name: there is always a whole one.
///
/// # Errors
/// The folder cannot be written.
pub fn write(path: &Path, head: Head) -> io::Result<()> {
    // Two processes write for an instant where one takes over from another: neither renames what is the
    // other's.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    let mut file = rights::follow(&new, file)?;
    file.write_all(format!("{} {}\n", head.seq, head.hash).as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Makes the file's name itself survive a power failure. Without it an older head may come back, which
/// says less and nothing wrong.
///
/// # Errors
/// The folder cannot be synced.
pub fn settle(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn parse(text: &str) -> Option<Head> {
    let (seq, hash) = text.strip_suffix('\n')?.split_once(' ')?;
    Some(Head { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::chain::Hash;

    #[test]
    fn a_head_reads_back_and_anything_else_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("head");
        assert_eq!(read(&path).expect("reads"), Found::Missing);
        for seq in [0, 7] {
            let head = Head { seq, hash: Hash([0xab; 32]) };
            write(&path, head).expect("writes");
            assert_eq!(read(&path).expect("reads"), Found::Head(head));
        }
        for garbled in ["", "7", "7 ab\n", "x 00\n", "\u{0}\u{0}"] {
            fs::write(&path, garbled).expect("writes");
            assert_eq!(read(&path).expect("reads"), Found::Garbled, "{garbled:?}");
        }
        fs::write(&path, [0xff, 0xfe]).expect("writes");
        assert_eq!(read(&path).expect("reads"), Found::Garbled);
    }
}
