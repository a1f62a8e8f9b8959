//! The chain: each record's hash is SHA-256(previous hash ‖ the record's bytes), from 32 zero bytes.
//! Names the first record that is broken. It reads no file.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::record::{self, DecodeError};
use crate::launch::event::Recorded;

/// SHA-256, shown in hex.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash(pub [u8; 32]);

/// The last record of a chain. Sequence 0 is the chain without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    pub seq: u64,
    pub hash: Hash,
}

/// A record as a store keeps it: the exact bytes that were hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub seq: u64,
    pub hash: Hash,
    pub bytes: Vec<u8>,
}

/// The first thing wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("record {seq} is not what was written, or does not follow record {}", .seq - 1)]
    Altered { seq: u64 },
    #[error("record {seq} is missing")]
    Missing { seq: u64 },
    #[error("the record at place {seq} says it is record {says}")]
    Misplaced { seq: u64, says: u64 },
    #[error("the records end at {last}, but record {head} was written and synced")]
    TailCut { last: u64, head: u64 },
    #[error("record {seq} is not the one whose hash was synced")]
    Rewritten { seq: u64 },
}

/// Why a link is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("record {seq}: {why}")]
    Undecodable { seq: u64, why: DecodeError },
}

/// Walks a chain from its start, record by record.
#[derive(Debug, Default)]
pub struct Walk {
    head: Head,
    /// What was synced beside the records.
    synced: Option<Head>,
}

impl Head {
    /// The head after a record with these bytes.
    #[must_use]
    pub fn then(self, bytes: &[u8]) -> Self {
        Self { seq: self.seq + 1, hash: self.hash.then(bytes) }
    }
}

impl Hash {
    /// The hash of a record with these bytes after this one.
    #[must_use]
    pub fn then(self, bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(bytes).finalize().into())
    }
}

impl Walk {
    /// A walk that will also hold the chain against the head that was synced.
    #[must_use]
    pub fn new(synced: Option<Head>) -> Self {
        Self { head: Head::default(), synced }
    }

    /// Takes the next record, whatever it says.
    ///
    /// # Errors
    /// It does not follow.
    pub fn prove(&mut self, link: &Link) -> Result<Head, Broken> {
        let next = self.head.then(&link.bytes);
        if link.seq != next.seq {
            return Err(Broken::Missing { seq: next.seq });
        }
        if link.hash != next.hash {
            return Err(Broken::Altered { seq: next.seq });
        }
        if self.synced.is_some_and(|synced| synced.seq == next.seq && synced.hash != next.hash) {
            return Err(Broken::Rewritten { seq: next.seq });
        }
        self.head = next;
        Ok(next)
    }

    /// The last record that was taken.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Takes the next record, and says what it says. One that does not say anything is not taken.
    ///
    /// # Errors
    /// It does not follow, or cannot be read.
    pub fn take(&mut self, link: &Link) -> Result<Recorded, Wrong> {
        let before = self.head;
        let next = self.prove(link)?;
        say(next.seq, &link.bytes).inspect_err(|_| self.head = before)
    }

    /// The records end here.
    ///
    /// # Errors
    /// Records that were synced are not there.
    pub fn end(&self) -> Result<Head, Broken> {
        match self.synced {
            Some(synced) if synced.seq > self.head.seq => {
                Err(Broken::TailCut { last: self.head.seq, head: synced.seq })
            }
            _ => Ok(self.head),
        }
    }
}

/// What the record at `seq` says.
///
/// # Errors
/// It cannot be read, or says that it is another.
pub fn say(seq: u64, bytes: &[u8]) -> Result<Recorded, Wrong> {
    let recorded = record::decode(bytes).map_err(|why| Wrong::Undecodable { seq, why })?;
    match recorded.seq {
        says if says == seq => Ok(recorded),
        says => Err(Broken::Misplaced { seq, says }.into()),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no SHA-256 in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hash of 64 hexadecimal digits")]
pub struct NoHash;

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoHash);
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| NoHash)?;
        }
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::samples;

    fn walk(links: &[Link], synced: Option<Head>) -> Result<Head, Wrong> {
        let mut walk = Walk::new(synced);
        for link in links {
            walk.prove(link)?;
            say(link.seq, &link.bytes)?;
        }
        Ok(walk.end()?)
    }

    fn broken(links: &[Link], synced: Option<Head>) -> Broken {
        match walk(links, synced) {
            Err(Wrong::Broken(broken)) => broken,
            other => panic!("not broken: {other:?}"),
        }
    }

    fn head(links: &[Link]) -> Head {
        links.last().map_or_else(Head::default, |link| Head { seq: link.seq, hash: link.hash })
    }

    #[test]
    fn the_first_hash_is_of_32_zero_bytes_and_the_record() {
        let hash = Head::default().then(b"abc").hash;
        assert_eq!(hash.to_string(), KNOWN);
        assert_eq!(KNOWN.parse::<Hash>(), Ok(hash));
        assert_eq!("zz".parse::<Hash>(), Err(NoHash));
        assert_eq!("é".repeat(32).parse::<Hash>(), Err(NoHash));
    }

    #[test]
    fn every_damage_names_the_first_record_it_broke() {
        let links = samples::links(5);
        let whole = head(&links);
        assert_eq!(walk(&links, Some(whole)).expect("whole"), whole);

        let mut deleted = links.clone();
        deleted.remove(2);
        assert_eq!(broken(&deleted, None), Broken::Missing { seq: 3 });

        let mut swapped = links.clone();
        swapped.swap(1, 2);
        assert_eq!(broken(&swapped, None), Broken::Missing { seq: 2 });
        (swapped[1].seq, swapped[2].seq) = (2, 3);
        assert_eq!(broken(&swapped, None), Broken::Altered { seq: 2 });

        assert_eq!(broken(&links[..3], Some(whole)), Broken::TailCut { last: 3, head: 5 });
        assert_eq!(broken(&[], Some(whole)), Broken::TailCut { last: 0, head: 5 });

        // Somebody who makes the chain anew does not have the synced hash.
        let forged = samples::chain((1..=5).map(|seq| samples::recorded(seq, samples::noted("forged"))));
        assert_eq!(broken(&forged, Some(whole)), Broken::Rewritten { seq: 5 });

        let misplaced = samples::chain([1, 3].map(|seq| samples::recorded(seq, samples::noted("x"))));
        assert_eq!(broken(&misplaced, None), Broken::Misplaced { seq: 2, says: 3 });
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_found_where_it_is(of in 0..5usize, at in any::<usize>(), bit in 0..8u8) {
            let mut links = samples::links(5);
            let bytes = &mut links[of].bytes;
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(broken(&links, None), Broken::Altered { seq: of as u64 + 1 });
        }
    }

    /// From coreutils: `(head -c 32 /dev/zero; printf abc) | sha256sum`.
    const KNOWN: &str = "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370";
}
