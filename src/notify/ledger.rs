//! What was told to one target: a file of the launch, a line an act, each with the hash of all before it.
//!
//! It is no part of the journal, for three reasons: the journal of a launch that has ended takes nothing more, and that
//! it ended is told afterwards; what was told follows from the journal, and would make it grow by itself; and an
//! answer of somebody else's service must never stand between two records of the launch.
//!
//! A line is `HASH JSON`, where the hash is SHA-256 over the one before and the JSON. What stands there is where a
//! message stood and what came of it: no text, no address.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::message::Place;
use super::queue::Dropped;
use crate::base::proc::create_private_dir;
use crate::base::text::hex;
use crate::launch::time::Wall;

/// Bytes of a ledger that are read: a thousand messages take a quarter of a megabyte.
const LARGEST: u64 = 64 << 20;
/// Hex digits of a hash.
const HASH: usize = 64;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// It is told from here on: what came before is another's, or is not known.
    Begins,
    /// It goes out now, for the first time.
    Sends,
    Told,
    Refused,
    Fails,
    Dropped,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: String,
    pub deed: Deed,
    /// The first and the last message that it is about: record, part.
    pub from: (u64, u32),
    pub to: (u64, u32),
    /// Everything up to here is settled once this line stands.
    pub settled: (u64, u32),
    /// Of how many messages it tells.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub messages: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// It went to the simulated target of a rehearsal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

/// What a ledger that was there tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// None where there was no ledger.
    pub settled: Option<Place>,
    /// What was sent last and never told about: it may be there.
    pub maybe: Option<Place>,
    /// What was dropped behind something that was not settled, each from its first to its last.
    pub gone: BTreeMap<Place, Place>,
    /// Messages.
    pub refused: u64,
    pub dropped: u64,
    /// Why not all of it could be believed.
    pub trouble: Option<String>,
}

/// A ledger that is written on.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    hash: String,
    /// Where the last whole line ends, in bytes.
    end: u64,
    /// A line failed, and may stand there in part.
    torn: bool,
}

impl Line {
    #[must_use]
    pub fn new(deed: Deed, at: Wall, (from, to): (Place, Place), settled: Place) -> Self {
        let pair = |place: Place| (place.seq, place.part);
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (status, why, simulated) = (None, None, false);
        let (from, to, settled) = (pair(from), pair(to), pair(settled));
        Self { at, deed, from, to, settled, messages: 1, status, why, simulated }
    }

    #[must_use]
    pub(super) fn dropped(at: Wall, dropped: Dropped, settled: Place) -> Self {
        let Dropped { from, to, messages, why } = dropped;
        Self { messages, why: Some(why), ..Self::new(Deed::Dropped, at, (from, to), settled) }
    }
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(count: &u64) -> bool {
    *count == 1
}

impl Ledger {
    /// Opens the ledger at `path`, or begins it. What of it is torn or broken is cut off and said.
    ///
    /// # Errors
    /// The file system's own.
    pub fn open(path: &Path) -> io::Result<(Self, Known)> {
        if let Some(folder) = path.parent() {
            create_private_dir(folder)?;
        }
        let there = path.try_exists()?;
        // At its end, wherever that is: nothing that stands there is written over.
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(LARGEST).read_to_end(&mut bytes)?;
        let Walked { mut known, hash, end } = walk(&bytes);
        if end < bytes.len() {
            let lost = bytes.len() - end;
            known.trouble = Some(format!("{lost} bytes at its end are torn or changed, and were cut off"));
        }
        let end = end as u64;
        file.set_len(end)?;
        known.settled = known.settled.filter(|_| there);
        Ok((Self { file, hash, end, torn: false }, known))
    }

    /// Writes a line, whole and synced. What is left of one that failed is cut off first: behind it nothing would be
    /// believed. Not when it fails, since whoever writes asks beforehand whether it still may.
    ///
    /// # Errors
    /// The file system's own.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let json = serde_json::to_string(line).map_err(io::Error::other)?;
        let hash = chained(&self.hash, &json);
        let whole = format!("{hash} {json}\n");
        if self.torn {
            self.file.set_len(self.end)?;
        }
        self.torn = true;
        self.file.write_all(whole.as_bytes())?;
        (self.hash, self.end, self.torn) = (hash, self.end + whole.len() as u64, false);
        self.file.sync_data()
    }
}

struct Walked {
    known: Known,
    hash: String,
    /// Where the last whole line ends.
    end: usize,
}

fn walk(bytes: &[u8]) -> Walked {
    let mut walked = Walked { known: Known::default(), hash: "0".repeat(HASH), end: 0 };
    while let Some(length) = bytes[walked.end..].iter().position(|byte| *byte == b'\n') {
        let Some((hash, line)) = parsed(&bytes[walked.end..walked.end + length], &walked.hash) else { break };
        take(&mut walked.known, &line);
        (walked.hash, walked.end) = (hash, walked.end + length + 1);
    }
    walked
}

fn parsed(bytes: &[u8], before: &str) -> Option<(String, Line)> {
    let (hash, json) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
    (chained(before, json) == hash).then_some(())?;
    Some((hash.to_owned(), serde_json::from_str(json).ok()?))
}

fn take(known: &mut Known, line: &Line) {
    let place = |(seq, part)| Place { seq, part };
    let settled = place(line.settled);
    // One that was made before the line above it tells less.
    known.settled = known.settled.max(Some(settled));
    match line.deed {
        Deed::Sends => known.maybe = Some(place(line.to)),
        Deed::Refused => known.refused += line.messages,
        Deed::Dropped => {
            known.dropped += line.messages;
            known.gone.insert(place(line.from), place(line.to));
        }
        Deed::Begins | Deed::Told | Deed::Fails => {}
    }
    known.maybe = known.maybe.filter(|maybe| Some(*maybe) > known.settled);
    known.gone.retain(|_, to| Some(*to) > known.settled);
}

fn chained(before: &str, json: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(json.as_bytes());
    hex(&hash.finalize())
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
pub(super) mod tests;
