//! Writes an archive in one pass, each content hashed as it goes by.

use std::io::{self, Seek, SeekFrom, Write};

use crc32fast::Hasher;
use miniz_oxide::deflate::compress_to_vec;
use ring::digest::{Context, SHA256, digest};

use super::{Entry, LARGEST_PACKED, MOST_ENTRIES, Sums, end, is_sound};

/// How hard small entries are packed: zlib's own middle.
const LEVEL: u8 = 6;
/// Where the CRC stands in a header.
const CRC_AT: u64 = 14;

/// An archive on its way to `W`.
pub struct Writer<W> {
    out: W,
    at: u64,
    entries: Vec<Entry>,
    open: Option<Open>,
}

/// An entry whose content comes in parts.
struct Open {
    entry: Entry,
    crc: Hasher,
    sha256: Context,
    left: u64,
}

impl<W: Write + Seek> Writer<W> {
    /// `out` is empty, and stands at its start.
    pub fn new(out: W) -> Self {
        Self { out, at: 0, entries: Vec::new(), open: None }
    }

    /// A whole entry.
    ///
    /// # Errors
    /// Its name is none, there are too many, or it cannot be written.
    pub fn whole(&mut self, name: &str, content: &[u8]) -> io::Result<Sums> {
        let bytes = content.len() as u64;
        let packed = (bytes <= LARGEST_PACKED).then(|| compress_to_vec(content, LEVEL));
        let Some(packed) = packed.filter(|packed| packed.len() < content.len()) else {
            return self.stored(name, content);
        };
        let mut crc = Hasher::new();
        crc.update(content);
        let entry = Entry { packed: true, crc: crc.finalize(), taken: packed.len() as u64, ..self.entry(name, bytes)? };
        self.out.write_all(&entry.local())?;
        self.out.write_all(&packed)?;
        self.at = entry.end();
        self.entries.push(entry);
        Ok(Sums { bytes, sha256: sum(&digest(&SHA256, content)), packed: Some(sum(&digest(&SHA256, &packed))) })
    }

    /// A whole entry that is not packed, so that no bit of it is without meaning.
    ///
    /// # Errors
    /// As [`Writer::whole`].
    pub fn stored(&mut self, name: &str, content: &[u8]) -> io::Result<Sums> {
        self.begin(name, content.len() as u64)?;
        self.put(content)?;
        self.end()
    }

    /// Begins an entry of exactly `bytes`, stored as they come.
    ///
    /// # Errors
    /// As [`Writer::whole`].
    pub fn begin(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        let entry = self.entry(name, bytes)?;
        self.out.write_all(&entry.local())?;
        self.open = Some(Open { entry, crc: Hasher::new(), sha256: Context::new(&SHA256), left: bytes });
        Ok(())
    }

    /// More of it.
    ///
    /// # Errors
    /// It is more than was said, or cannot be written.
    pub fn put(&mut self, part: &[u8]) -> io::Result<()> {
        let open = self.open.as_mut().ok_or_else(|| io::Error::other("no entry is begun"))?;
        let longer = || io::Error::other(format!("{} is longer than was said", open.entry.name));
        open.left = open.left.checked_sub(part.len() as u64).ok_or_else(longer)?;
        open.crc.update(part);
        open.sha256.update(part);
        self.out.write_all(part)
    }

    /// All of it was put.
    ///
    /// # Errors
    /// It is less than was said, or cannot be written.
    pub fn end(&mut self) -> io::Result<Sums> {
        let open = self.open.take().ok_or_else(|| io::Error::other("no entry is begun"))?;
        let Open { mut entry, crc, sha256, left } = open;
        if left > 0 {
            return Err(io::Error::other(format!("{} is shorter than was said", entry.name)));
        }
        entry.crc = crc.finalize();
        let end = entry.end();
        self.out.seek(SeekFrom::Start(entry.at + CRC_AT))?;
        self.out.write_all(&entry.crc.to_le_bytes())?;
        self.out.seek(SeekFrom::Start(end))?;
        self.at = end;
        let sums = Sums { bytes: entry.bytes, sha256: sum(&sha256.finish()), packed: None };
        self.entries.push(entry);
        Ok(sums)
    }

    /// Writes the directory, and gives back what it was written to.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let mut size = 0;
        for entry in &self.entries {
            let row = entry.central();
            size += row.len() as u64;
            self.out.write_all(&row)?;
        }
        self.out.write_all(&end(self.entries.len() as u64, size, self.at))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&self, name: &str, bytes: u64) -> io::Result<Entry> {
        if !is_sound(name) {
            return Err(io::Error::other(format!("{name:?} is no name for a file in an archive")));
        }
        if self.entries.len() as u64 >= MOST_ENTRIES {
            return Err(io::Error::other(format!("there are more than {MOST_ENTRIES} files")));
        }
        Ok(Entry { name: name.to_owned(), bytes, taken: bytes, at: self.at, ..Entry::default() })
    }
}

/// A digest as an array.
pub(super) fn sum(digest: &ring::digest::Digest) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    sum
}
