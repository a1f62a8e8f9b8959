//! Writes pages to disk, and hashes each minute's block once it is over. It runs beside everything else: a disk that
//! is full or hangs keeps only this waiting, within bounds.
//!
//! A block is what one console kept of one signal in one minute. Files are a console's own, so that one that was
//! taken over and wakes up writes into nobody else's.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::page::Page;
use crate::base::rights;
use crate::base::text::hex;
use crate::launch::event::SampleBlock;
use crate::launch::id::{ItemId, SignalId};

/// Minutes of a file: what a console that returns reads back is no more than it needs.
pub(super) const OF_FILE: i64 = 60;
/// Bytes that wait for a disk that cannot be written; what comes after is counted as cut.
const WAITING: usize = 8 << 20;
/// The hour of a file that takes no more.
const OVER: i64 = i64::MIN;
/// Files of one signal and hour: so many consoles.
const CONSOLES: u32 = 10_000;

/// Pages of a signal, oldest first.
pub(in crate::watch) type Pages = Vec<(SignalId, Page)>;
/// The blocks of each minute that is over.
pub(in crate::watch) type Sealed = BTreeMap<i64, Vec<SampleBlock>>;

/// Keeps the samples of one launch in its folder.
#[derive(Debug)]
pub(in crate::watch) struct Keeper {
    folder: PathBuf,
    open: HashMap<SignalId, Open>,
    waiting: Pages,
    waits: usize,
    sealed: Sealed,
}

#[derive(Debug)]
struct Open {
    file: File,
    hour: i64,
    /// Bytes of whole pages in it.
    length: u64,
    block: Option<Block>,
    /// Whether blocks of it are sealed that are not yet known to be on disk.
    unsynced: bool,
}

#[derive(Debug)]
struct Block {
    minute: i64,
    hash: Sha256,
    samples: u64,
}

/// Where the samples of `signal` lie.
pub(super) fn folder_of(all: &Path, signal: &SignalId) -> PathBuf {
    all.join(ItemId::new(signal.as_str()).folder())
}

impl Keeper {
    /// In `folder`, which is made when the first sample comes.
    pub fn new(folder: PathBuf) -> Self {
        let (open, waiting) = (HashMap::new(), Vec::new());
        Self { folder, open, waiting, waits: 0, sealed: Sealed::new() }
    }

    /// Writes `pages`, and seals what is of a minute before `minute`.
    ///
    /// # Errors
    /// Why not all is written; it is tried again with the next.
    pub fn keep(&mut self, pages: Pages, minute: i64) -> io::Result<Sealed> {
        for (signal, page) in pages {
            self.wait(signal, page);
        }
        let mut failed = None;
        let mut left = Vec::new();
        for (signal, page) in std::mem::take(&mut self.waiting) {
            let written = if failed.is_none() { self.write(&signal, &page) } else { Ok(false) };
            match written {
                Ok(true) => self.waits = self.waits.saturating_sub(page.len()),
                Ok(false) => left.push((signal, page)),
                Err(why) => {
                    failed = Some(why);
                    left.push((signal, page));
                }
            }
        }
        self.waiting = left;
        if failed.is_none() {
            for (signal, open) in self.open.iter_mut().filter(|(_, open)| open.is_before(minute)) {
                open.seal(signal, &mut self.sealed);
            }
            failed = self.open.values_mut().try_for_each(Open::sync).err();
        }
        match failed {
            None => Ok(std::mem::take(&mut self.sealed)),
            Some(why) => Err(why),
        }
    }

    fn wait(&mut self, signal: SignalId, mut page: Page) {
        if self.waits.saturating_add(page.len()) > WAITING {
            // Of what is not kept it is kept that it was.
            page = page.emptied();
            let same = |(known, other): &&mut (SignalId, Page)| *known == signal && other.minute == page.minute;
            if let Some((_, known)) = self.waiting.iter_mut().rev().find(same) {
                known.cut = known.cut.saturating_add(page.cut);
                return;
            }
        }
        self.waits = self.waits.saturating_add(page.len());
        self.waiting.push((signal, page));
    }

    fn write(&mut self, signal: &SignalId, page: &Page) -> io::Result<bool> {
        let hour = page.minute.div_euclid(OF_FILE);
        if let Some(open) = self.open.get_mut(signal).filter(|open| open.is_before(page.minute) || open.hour != hour) {
            open.seal(signal, &mut self.sealed);
        }
        if self.open.get(signal).is_none_or(|open| open.hour != hour) {
            // At once: a batch may be of many hours, and a process has only so many files open.
            self.open.get_mut(signal).map_or(Ok(()), Open::sync)?;
            let file = self.make(signal, hour)?;
            self.open.insert(signal.clone(), Open { file, hour, length: 0, block: None, unsynced: false });
        }
        let Some(open) = self.open.get_mut(signal) else { return Ok(false) };
        let bytes = page.bytes(open.block.is_none());
        if let Err(why) = open.file.write_all(&bytes) {
            // Half a page would end the file for whoever reads it.
            if open.file.set_len(open.length).is_err() {
                (open.hour, open.block) = (OVER, None);
            }
            return Err(why);
        }
        open.length = open.length.saturating_add(bytes.len() as u64);
        let begun = || Block { minute: page.minute, hash: Sha256::new(), samples: 0 };
        let block = open.block.get_or_insert_with(begun);
        block.hash.update(&bytes);
        block.samples = block.samples.saturating_add(u64::from(page.samples));
        Ok(true)
    }

    /// A file that no other console has.
    fn make(&self, signal: &SignalId, hour: i64) -> io::Result<File> {
        let folder = folder_of(&self.folder, signal);
        rights::make(&folder)?;
        for console in 0..CONSOLES {
            let path = folder.join(format!("{hour:06}-{console}"));
            let made = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
            match made.and_then(|file| rights::follow(&path, file)) {
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made,
            }
        }
        Err(io::Error::other("too many consoles in one hour"))
    }
}

impl Open {
    fn seal(&mut self, signal: &SignalId, sealed: &mut Sealed) {
        let Some(Block { minute, hash, samples }) = self.block.take() else { return };
        let sha256 = hex(&hash.finalize());
        sealed.entry(minute).or_default().push(SampleBlock { signal: signal.clone(), sha256, samples });
        self.unsynced = true;
    }

    /// What a journal vouches for is on disk before it does: a file once, however many of its minutes are over.
    fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }

    fn is_before(&self, minute: i64) -> bool {
        self.block.as_ref().is_some_and(|block| block.minute < minute)
    }
}

#[cfg(test)]
impl Keeper {
    pub fn waits(&self) -> usize {
        self.waits
    }
}

#[cfg(test)]
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let inside = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = inside(folder).flat_map(|path| inside(&path).collect::<Vec<_>>()).collect();
    all.sort();
    all
}
