//! Blocks of samples as they lie on disk, held against the journal: each is the one a record vouches for, or the last
//! of a console that died before it could be vouched for, or it is not believed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::keeper::OF_FILE;
use super::page::{self, Entry, MINUTE};
use crate::base::regular;
use crate::base::text::hex;
use crate::launch::event::SampleBlock;
use crate::launch::id::{ItemId, SignalId};
use crate::launch::time::{Instant, millis};
#[cfg(test)]
use crate::launch::verdict::Verdict;
#[cfg(test)]
use crate::watch::point::Taken;

/// In bytes: no file of samples is larger.
const LARGEST: u64 = 64 << 20;

/// Blocks of one file, which has the minutes of an hour: what comes after so many is no file of ours.
const BLOCKS_A_FILE: usize = 1_000;
/// Of one signal, blocks and their bytes that are held: months of a look a second.
const BLOCKS: usize = 200_000;
const BYTES: usize = 256 << 20;

/// What the journal says of blocks: their hashes by minute.
#[derive(Debug, Clone, Default)]
pub struct Vouched {
    minutes: BTreeMap<i64, Vec<SampleBlock>>,
    /// Older minutes than this before the newest are let go of; none for ever.
    keeps: Option<i64>,
}

impl Vouched {
    /// Of the last `span` before the newest alone.
    #[must_use]
    pub fn lately(span: Duration) -> Self {
        Self { minutes: BTreeMap::new(), keeps: Some(millis(span).div_euclid(MINUTE).saturating_add(1)) }
    }

    pub fn take(&mut self, minute: Instant, blocks: &[SampleBlock]) {
        let minute = minute.0.div_euclid(MINUTE);
        self.minutes.entry(minute).or_default().extend_from_slice(blocks);
        if let (Some(keeps), Some(newest)) = (self.keeps, self.newest()) {
            self.minutes = self.minutes.split_off(&newest.saturating_sub(keeps));
        }
    }

    pub(in crate::watch) fn newest(&self) -> Option<i64> {
        self.minutes.keys().next_back().copied()
    }

    /// The hashes of `signal`, by minute, from minute `from` on.
    fn of(&self, signal: &SignalId, from: i64) -> BTreeMap<i64, Vec<String>> {
        let mut all: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (minute, blocks) in self.minutes.range(from..) {
            for block in blocks.iter().filter(|block| block.signal == *signal) {
                all.entry(*minute).or_default().push(block.sha256.clone());
            }
        }
        all
    }

    /// Every signal that it has blocks of.
    #[must_use]
    pub fn signals(&self) -> Vec<SignalId> {
        let mut all: Vec<SignalId> = self.minutes.values().flatten().map(|block| block.signal.clone()).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// The blocks of a signal, looked over.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// To be believed, oldest first.
    pub blocks: Vec<Block>,
    /// Minutes whose block is not the one that the journal vouches for, with its file.
    pub altered: Vec<(i64, String)>,
    /// Minutes that the journal vouches for, and no file has.
    pub missing: Vec<i64>,
    /// Minutes with a block that no record vouches for, though later ones are vouched for; with its file.
    pub unvouched: Vec<(i64, String)>,
    /// Files that end in what is no page, with how many bytes that is.
    pub torn: Vec<(String, usize)>,
    /// Files that cannot be read.
    pub unread: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Block {
    pub minute: i64,
    /// From the folder of all samples.
    pub file: String,
    /// Which console of its hour kept it.
    console: u32,
    pub sha256: String,
    pub samples: u64,
    /// Samples that were not kept.
    pub cut: u64,
    /// A record vouches for it.
    pub sealed: bool,
    /// Its pages.
    bytes: Vec<u8>,
}

impl Block {
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut rest = &self.bytes[..];
        let pages = std::iter::from_fn(move || {
            let read = page::read(rest)?;
            rest = rest.get(read.length..)?;
            Some(read.entries)
        });
        pages.flatten()
    }
}

/// Where files of samples lie: a launch's folder, or a bundle.
pub trait Files {
    /// The names in `folder`, which lies in that of all samples.
    ///
    /// # Errors
    /// It cannot be read; one that is not there is `NotFound`.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;

    /// # Errors
    /// It cannot be read.
    fn read(&self, file: &str) -> io::Result<Vec<u8>>;
}

/// The folder of all samples.
impl Files for &Path {
    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside = std::fs::read_dir(self.join(folder))?;
        Ok(inside.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        regular::read(&self.join(file), LARGEST)
    }
}

/// The folder of a signal's files, from that of all samples.
pub(super) fn named_of(signal: &SignalId) -> String {
    ItemId::new(signal.as_str()).folder()
}

/// Looks over the blocks of `signal`, from minute `from` on. Blocks.
pub(super) fn look(all: &dyn Files, signal: &SignalId, from: i64, vouched: &Vouched) -> Found {
    let mut found = Found::default();
    let name = named_of(signal);
    let mut files = Vec::new();
    match all.names(&name) {
        Ok(inside) => files.extend(inside.iter().filter_map(|name| named(name))),
        Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => {}
        Err(wrong) => found.unread.push((name.clone(), wrong.to_string())),
    }
    files.retain(|(hour, _)| *hour >= from.div_euclid(OF_FILE));
    files.sort_unstable();
    let (mut blocks, mut bytes_held) = (Vec::new(), 0_usize);
    for (hour, console) in files {
        let file = format!("{name}/{hour:06}-{console}");
        if blocks.len() > BLOCKS || bytes_held > BYTES {
            found.unread.push((file, "there are more samples of its signal than are read".to_owned()));
            break;
        }
        match all.read(&file) {
            Ok(bytes) => {
                bytes_held = bytes_held.saturating_add(bytes.len());
                let torn = split(&bytes, &file, console, &mut blocks);
                found.torn.extend((torn > 0).then_some((file, torn)));
            }
            Err(wrong) => found.unread.push((file, wrong.to_string())),
        }
    }
    blocks.retain(|block: &Block| block.minute >= from);
    blocks.sort_by_key(|block| (block.minute, block.console));
    sort_out(blocks, vouched.of(signal, from), vouched.newest(), &mut found);
    found
}

/// The hour and the console of a file's name.
fn named(name: &str) -> Option<(i64, u32)> {
    let (hour, console) = name.split_once('-')?;
    Some((hour.parse().ok()?, console.parse().ok()?))
}

/// Takes the blocks of a file; how many bytes at its end are none.
fn split(bytes: &[u8], file: &str, console: u32, blocks: &mut Vec<Block>) -> usize {
    let (mut rest, first) = (bytes, blocks.len());
    while let Some(read) = page::read(rest) {
        let (page, after) = rest.split_at(read.length);
        let begins = read.first || blocks.len() == first;
        if begins || blocks.last().is_none_or(|block| block.minute != read.minute) {
            if blocks.len() - first >= BLOCKS_A_FILE {
                break;
            }
            blocks.push(Block {
                minute: read.minute,
                file: file.to_owned(),
                console,
                sha256: String::new(),
                samples: 0,
                cut: 0,
                sealed: false,
                bytes: Vec::new(),
            });
        }
        if let Some(block) = blocks.last_mut() {
            block.samples = block.samples.saturating_add(u64::from(read.samples));
            block.cut = block.cut.saturating_add(u64::from(read.cut));
            block.bytes.extend_from_slice(page);
        }
        rest = after;
    }
    for block in blocks.iter_mut().skip(first) {
        block.sha256 = hex(&Sha256::digest(&block.bytes));
    }
    rest.len()
}

fn sort_out(blocks: Vec<Block>, mut wanted: BTreeMap<i64, Vec<String>>, newest: Option<i64>, found: &mut Found) {
    let mut strangers = Vec::new();
    for mut block in blocks {
        let hashes = wanted.get_mut(&block.minute);
        let place = hashes.as_ref().and_then(|hashes| hashes.iter().position(|hash| *hash == block.sha256));
        match (hashes, place) {
            (Some(hashes), Some(place)) => {
                hashes.swap_remove(place);
                block.sealed = true;
                found.blocks.push(block);
            }
            _ => strangers.push(block),
        }
    }
    for block in strangers {
        let minute = block.minute;
        if let Some(hashes) = wanted.get_mut(&minute).filter(|hashes| !hashes.is_empty()) {
            hashes.pop();
            found.altered.push((minute, block.file));
        } else if newest.is_none_or(|newest| minute >= newest) {
            // Its console died before it could be vouched for; its pages are whole.
            found.blocks.push(block);
        } else {
            found.unvouched.push((minute, block.file));
        }
    }
    found.missing.extend(wanted.iter().filter(|(_, hashes)| !hashes.is_empty()).map(|(minute, _)| *minute));
    found.blocks.sort_by_key(|block| (block.minute, block.console));
}

/// Makes every look of a minute in `file` one that passed, in pages whose checks hold.
#[cfg(test)]
pub(in crate::watch) fn forge(file: &Path, minute: i64) {
    let bytes = std::fs::read(file).expect("read");
    let (mut rest, mut forged) = (&bytes[..], Vec::new());
    while let Some(read) = page::read(rest) {
        let mut page = page::Page::new(read.minute);
        for entry in &read.entries {
            let Entry::Sample(point, came) = entry else { panic!("no sample") };
            let mut point = point.clone();
            if let (Taken::Look { verdict, .. }, true) = (&mut point.taken, read.minute == minute) {
                *verdict = Verdict::Pass;
            }
            page.put(&point, *came);
        }
        forged.extend(page.bytes(read.first));
        rest = &rest[read.length..];
    }
    std::fs::write(file, forged).expect("written");
}
