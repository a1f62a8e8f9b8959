//! ZIP archives in one strict form, so that the same files are the same bytes and no byte of one can change unseen:
//! entries one after the other without gaps, plain files only, fixed dates, no comment, and no extra but ZIP64's where
//! sizes need it. What is no larger than [`LARGEST_PACKED`] is deflated where that helps, all else is stored. Whatever
//! else calls itself a ZIP is refused, with bounded memory. It knows nothing of launches.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{Archive, Refused};
pub use write::Writer;

/// Entries of an archive.
pub const MOST_ENTRIES: u64 = 100_000;
/// Bytes of an entry's name.
pub const LONGEST_NAME: usize = 512;
/// Content beyond this is stored, so that nothing unpacks to more, in bytes.
pub const LARGEST_PACKED: u64 = 1 << 20;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCAL_LENGTH: u64 = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: u64 = 22;
const END_64_LENGTH: u64 = 56;
const LOCATOR_LENGTH: u64 = 20;
/// 1980-01-01, the first day that a ZIP knows.
const DATE: u16 = 0x0021;
const TIME: u16 = 0;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Made on Unix, after version 2.0 of the format.
const MADE_BY: u16 = (3 << 8) | 20;
/// What is needed to read it: ZIP64 came with 4.5.
const NEEDS: u16 = 20;
const NEEDS_64: u16 = 45;
/// A regular file that everyone may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;
const MOST_16: u64 = 0xffff;
const MOST_32: u64 = 0xffff_ffff;

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    pub name: String,
    /// It is deflated.
    pub packed: bool,
    pub crc: u32,
    /// Bytes of its content.
    pub bytes: u64,
    /// Bytes that it takes in the archive, without its header.
    pub taken: u64,
    /// Where its header begins.
    pub at: u64,
}

/// What was written, or read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// SHA-256 of what stands in the archive, where that is another: the content alone would not tell of a change there.
    pub packed: Option<[u8; 32]>,
}

impl Entry {
    fn is_wide(&self) -> bool {
        self.bytes >= MOST_32 || self.taken >= MOST_32
    }

    fn method(&self) -> u16 {
        if self.packed { DEFLATED } else { STORED }
    }

    /// Where the next entry begins.
    fn end(&self) -> u64 {
        let extra = if self.is_wide() { 20 } else { 0 };
        self.at.saturating_add(LOCAL_LENGTH + self.name.len() as u64 + extra).saturating_add(self.taken)
    }

    /// Its header in front of its content.
    fn local(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.name.len());
        let wide = self.is_wide();
        put32(&mut out, LOCAL);
        put16(&mut out, if wide { NEEDS_64 } else { NEEDS });
        self.common(&mut out);
        put16(&mut out, if wide { 20 } else { 0 });
        out.extend_from_slice(self.name.as_bytes());
        if wide {
            put16(&mut out, 1);
            put16(&mut out, 16);
            put64(&mut out, self.bytes);
            put64(&mut out, self.taken);
        }
        out
    }

    /// Its row in the directory.
    fn central(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80 + self.name.len());
        let far = self.at >= MOST_32;
        let mut extra = Vec::new();
        if self.is_wide() {
            put64(&mut extra, self.bytes);
            put64(&mut extra, self.taken);
        }
        if far {
            put64(&mut extra, self.at);
        }
        put32(&mut out, CENTRAL);
        put16(&mut out, MADE_BY);
        put16(&mut out, if extra.is_empty() { NEEDS } else { NEEDS_64 });
        self.common(&mut out);
        put16(&mut out, if extra.is_empty() { 0 } else { short(extra.len() as u64 + 4) });
        put16(&mut out, 0);
        put16(&mut out, 0);
        put16(&mut out, 0);
        put32(&mut out, ATTRIBUTES);
        put32(&mut out, long(self.at));
        out.extend_from_slice(self.name.as_bytes());
        if !extra.is_empty() {
            put16(&mut out, 1);
            put16(&mut out, short(extra.len() as u64));
            out.extend_from_slice(&extra);
        }
        out
    }

    /// From the flags to the length of the name: the same in both.
    fn common(&self, out: &mut Vec<u8>) {
        let wide = self.is_wide();
        put16(out, 0);
        put16(out, self.method());
        put16(out, TIME);
        put16(out, DATE);
        put32(out, self.crc);
        put32(out, if wide { u32::MAX } else { long(self.taken) });
        put32(out, if wide { u32::MAX } else { long(self.bytes) });
        put16(out, short(self.name.len() as u64));
    }
}

/// What stands behind a directory of `count` entries and `size` bytes that begins at `at`.
fn end(count: u64, size: u64, at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if count >= MOST_16 || size >= MOST_32 || at >= MOST_32 {
        put32(&mut out, END_64);
        put64(&mut out, END_64_LENGTH - 12);
        put16(&mut out, (3 << 8) | NEEDS_64);
        put16(&mut out, NEEDS_64);
        put32(&mut out, 0);
        put32(&mut out, 0);
        put64(&mut out, count);
        put64(&mut out, count);
        put64(&mut out, size);
        put64(&mut out, at);
        put32(&mut out, LOCATOR_64);
        put32(&mut out, 0);
        put64(&mut out, at.saturating_add(size));
        put32(&mut out, 1);
    }
    put32(&mut out, END);
    put16(&mut out, 0);
    put16(&mut out, 0);
    put16(&mut out, short(count));
    put16(&mut out, short(count));
    put32(&mut out, long(size));
    put32(&mut out, long(at));
    put16(&mut out, 0);
    out
}

/// A name that leads to a file below wherever it is unpacked, on any system.
#[must_use]
pub fn is_sound(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b':' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|');
    name.len() <= LONGEST_NAME
        && name.bytes().all(plain)
        && name.split('/').all(|part| !part.is_empty() && !part.bytes().all(|byte| byte == b'.'))
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// The value, or the largest: then ZIP64 has it.
fn short(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// As [`short`].
fn long(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
