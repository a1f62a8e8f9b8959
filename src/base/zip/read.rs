//! Reads an archive, and refuses any that is not in the one form: every header is made again from what it says, and
//! held against the bytes. Nothing is unpacked to a disk, and memory is bounded by the limits, whatever is claimed.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use crc32fast::Hasher;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use ring::digest::{Context, SHA256, digest};

use super::write::sum;
use super::{
    CENTRAL, CENTRAL_LENGTH, DEFLATED, END, END_64, END_64_LENGTH, END_LENGTH, Entry, LARGEST_PACKED, LOCATOR_LENGTH,
    LONGEST_NAME, MOST_ENTRIES, STORED, Sums, end, is_sound,
};

const CHUNK: usize = 256 << 10;
/// Bytes of an extra that is ours.
const LONGEST_EXTRA: usize = 28;

/// Why an archive, or an entry of it, is not read.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("it cannot be read: {0}")]
    Unread(#[from] io::Error),
    #[error("it is no ZIP archive, or its end was cut off")]
    NoEnd,
    #[error("it claims {0} files, more than the {MOST_ENTRIES} that are read")]
    TooMany(u64),
    #[error("its directory is not in the form that tminus writes: {0}")]
    Directory(&'static str),
    #[error("it names a file {0:?}, which no bundle has")]
    Name(String),
    #[error("it names {0} twice")]
    Twice(String),
    #[error("{name}: {why}")]
    Entry { name: String, why: &'static str },
}

/// An archive that is being read.
#[derive(Debug)]
pub struct Archive<R> {
    from: R,
    entries: Vec<Entry>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory, and looks at nothing else yet.
    ///
    /// # Errors
    /// It is no archive in the one form.
    pub fn open(mut from: R) -> Result<Self, Refused> {
        let length = from.seek(SeekFrom::End(0))?;
        let (count, size, at) = directory(&mut from, length)?;
        if count > MOST_ENTRIES {
            return Err(Refused::TooMany(count));
        }
        let tail = end(count, size, at);
        let whole = at.checked_add(size).and_then(|behind| behind.checked_add(tail.len() as u64));
        if whole != Some(length) {
            return Err(Refused::Directory("it does not stand where it says, or bytes stand behind it"));
        }
        let mut found = vec![0; tail.len()];
        from.seek(SeekFrom::Start(at + size))?;
        from.read_exact(&mut found)?;
        if found != tail {
            return Err(Refused::Directory("its end says what it need not"));
        }
        if size > count.saturating_mul((CENTRAL_LENGTH + LONGEST_NAME + LONGEST_EXTRA) as u64) {
            return Err(Refused::Directory("it is too large for its files"));
        }
        from.seek(SeekFrom::Start(at))?;
        let entries = rows(&mut io::BufReader::with_capacity(CHUNK, (&mut from).take(size)), count, at)?;
        Ok(Self { from, entries })
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The place of a file in [`Archive::entries`].
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name == name)
    }

    /// Hands the content of the entry at `place` to `each`, in parts.
    ///
    /// # Errors
    /// There is none, or its bytes are not those that were written. What `each` was handed before that is to be
    /// forgotten.
    pub fn read(&mut self, place: usize, each: &mut dyn FnMut(&[u8])) -> Result<Sums, Refused> {
        let entry = self.entries.get(place).ok_or(Refused::Directory("it has no such file"))?.clone();
        let wrong = |why| Refused::Entry { name: entry.name.clone(), why };
        let wanted = entry.local();
        let mut header = vec![0; wanted.len()];
        self.from.seek(SeekFrom::Start(entry.at))?;
        self.from.read_exact(&mut header)?;
        if header != wanted {
            return Err(wrong("its header is not the one that the directory tells of"));
        }
        let mut crc = Hasher::new();
        let (sha256, packed) = if entry.packed {
            let mut packed = Vec::new();
            (&mut self.from).take(entry.taken).read_to_end(&mut packed)?;
            let most = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
            let content = decompress_to_vec_with_limit(&packed, most).ok();
            let content = content.filter(|content| content.len() == most);
            let content = content.ok_or_else(|| wrong("it does not unpack to what it claims to be"))?;
            crc.update(&content);
            each(&content);
            (sum(&digest(&SHA256, &content)), Some(sum(&digest(&SHA256, &packed))))
        } else {
            (self.stored(entry.bytes, &mut crc, each)?, None)
        };
        if crc.finalize() != entry.crc {
            return Err(wrong("its bytes are not those that were written"));
        }
        Ok(Sums { bytes: entry.bytes, sha256, packed })
    }

    fn stored(&mut self, bytes: u64, crc: &mut Hasher, each: &mut dyn FnMut(&[u8])) -> io::Result<[u8; 32]> {
        let mut context = Context::new(&SHA256);
        let mut left = bytes;
        let mut chunk = vec![0; CHUNK];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let Some(part) = chunk.get_mut(..most) else { break };
            self.from.read_exact(part)?;
            crc.update(part);
            context.update(part);
            each(part);
            left -= most as u64;
        }
        Ok(sum(&context.finish()))
    }

    /// The whole content of a file that may have at most `most` bytes.
    ///
    /// # Errors
    /// It is larger, or as [`Archive::read`].
    pub fn content(&mut self, place: usize, most: u64) -> Result<(Vec<u8>, Sums), Refused> {
        if let Some(entry) = self.entries.get(place).filter(|entry| entry.bytes > most) {
            return Err(Refused::Entry { name: entry.name.clone(), why: "it is too large" });
        }
        let mut all = Vec::new();
        let sums = self.read(place, &mut |part| all.extend_from_slice(part))?;
        Ok((all, sums))
    }
}

/// How many entries there are, how long the directory is, and where it begins.
fn directory(from: &mut (impl Read + Seek), length: u64) -> Result<(u64, u64, u64), Refused> {
    let mut tail = [0; END_LENGTH as usize];
    from.seek(SeekFrom::Start(length.checked_sub(END_LENGTH).ok_or(Refused::NoEnd)?))?;
    from.read_exact(&mut tail)?;
    if get32(&tail, 0) != END {
        return Err(Refused::NoEnd);
    }
    let (count, size, at) = (get16(&tail, 10), get32(&tail, 12), get32(&tail, 16));
    if count < u16::MAX && size < u32::MAX && at < u32::MAX {
        return Ok((count.into(), size.into(), at.into()));
    }
    let mut wide = [0; END_64_LENGTH as usize];
    let place = length.checked_sub(END_LENGTH + LOCATOR_LENGTH + END_64_LENGTH).ok_or(Refused::NoEnd)?;
    from.seek(SeekFrom::Start(place))?;
    from.read_exact(&mut wide)?;
    if get32(&wide, 0) != END_64 {
        return Err(Refused::NoEnd);
    }
    Ok((get64(&wide, 32), get64(&wide, 40), get64(&wide, 48)))
}

/// The rows of the directory that begins at `end`: where the last content ends.
fn rows(from: &mut impl Read, count: u64, end: u64) -> Result<Vec<Entry>, Refused> {
    let (mut entries, mut names, mut next) = (Vec::new(), HashSet::new(), 0);
    for _ in 0..count {
        let entry = row(from)?;
        if !is_sound(&entry.name) {
            return Err(Refused::Name(entry.name));
        }
        if entry.at != next {
            return Err(Refused::Directory("its files do not follow each other without a gap"));
        }
        match entry.packed {
            true if entry.bytes > LARGEST_PACKED || entry.taken >= entry.bytes => {
                let why = "it is packed, and claims to be larger than what is packed";
                return Err(Refused::Entry { name: entry.name, why });
            }
            false if entry.bytes != entry.taken => {
                let why = "it is stored, and claims to be larger than it is";
                return Err(Refused::Entry { name: entry.name, why });
            }
            _ => {}
        }
        next = entry.end();
        if next > end {
            return Err(Refused::Directory("a file reaches into it"));
        }
        if !names.insert(entry.name.clone()) {
            return Err(Refused::Twice(entry.name));
        }
        entries.push(entry);
    }
    let mut more = [0];
    if next != end || from.read(&mut more)? != 0 {
        return Err(Refused::Directory("bytes stand between the last file and it, or behind its last row"));
    }
    Ok(entries)
}

fn row(from: &mut impl Read) -> Result<Entry, Refused> {
    const STRANGE: Refused = Refused::Directory("a row of it says what it need not");
    let mut fixed = [0; CENTRAL_LENGTH];
    from.read_exact(&mut fixed)?;
    if get32(&fixed, 0) != CENTRAL {
        return Err(Refused::Directory("a row of it is none"));
    }
    let (named, more) = (usize::from(get16(&fixed, 28)), usize::from(get16(&fixed, 30)));
    if named > LONGEST_NAME || more > LONGEST_EXTRA {
        return Err(Refused::Directory("a row of it is too long"));
    }
    let mut rest = vec![0; named + more];
    from.read_exact(&mut rest)?;
    let (name, extra) = rest.split_at(named);
    let name = String::from_utf8(name.to_vec())
        .map_err(|wrong| Refused::Name(String::from_utf8_lossy(wrong.as_bytes()).into_owned()))?;
    let mut wide = extra.get(4..).unwrap_or_default().chunks_exact(8).map(|value| get64(value, 0));
    let mut size = |at| match get32(&fixed, at) {
        u32::MAX => wide.next().ok_or(STRANGE),
        value => Ok(value.into()),
    };
    // In the order of the extra: the content's size stands before the archive's.
    let (bytes, taken) = (size(24)?, size(20)?);
    let at = size(42)?;
    let packed = match get16(&fixed, 10) {
        STORED => false,
        DEFLATED => true,
        _ => return Err(STRANGE),
    };
    let entry = Entry { name, packed, crc: get32(&fixed, 16), bytes, taken, at };
    let made = entry.central();
    let same = made.get(..CENTRAL_LENGTH) == Some(&fixed) && made.get(CENTRAL_LENGTH..) == Some(&rest);
    if same { Ok(entry) } else { Err(STRANGE) }
}

fn get16(from: &[u8], at: usize) -> u16 {
    from.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn get32(from: &[u8], at: usize) -> u32 {
    from.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn get64(from: &[u8], at: usize) -> u64 {
    from.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}
