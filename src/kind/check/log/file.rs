//! A file that grows, may be cut short, and may be replaced under its name.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Begin;
use crate::base::regular;

/// A file, and how far it was read.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    file: File,
    at: u64,
}

impl Growing {
    /// # Errors
    /// It is not there, no regular file, or the file system's own.
    pub fn open(path: &Path, begin: Begin) -> io::Result<Self> {
        let file = regular::open(path)?;
        let at = match begin {
            Begin::Start => 0,
            Begin::End => file.metadata()?.len(),
        };
        Ok(Self { path: path.to_owned(), file, at })
    }

    /// Bytes that are there and were not read.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.file.metadata().map_or(0, |file| file.len().saturating_sub(self.at))
    }

    /// Reads on, until `kept` holds `most` bytes at most.
    ///
    /// # Errors
    /// The file system's own.
    pub fn read(&mut self, kept: &mut Vec<u8>, most: usize) -> io::Result<()> {
        self.rest(kept, most)?;
        if kept.len() >= most {
            return Ok(());
        }
        // Rotated: the rest of the old one was read, the new one counts from its start.
        let named = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file);
        let own = self.file.metadata()?;
        if named.is_some_and(|named| (named.ino(), named.dev()) != (own.ino(), own.dev())) {
            (self.file, self.at) = (regular::open(&self.path)?, 0);
            // What the old one ended in the middle of does not go on in the new one.
            kept.push(b'\n');
            self.rest(kept, most)?;
        }
        Ok(())
    }

    fn rest(&mut self, kept: &mut Vec<u8>, most: usize) -> io::Result<()> {
        if self.file.metadata()?.len() < self.at {
            self.at = 0;
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let room = most.saturating_sub(kept.len()) as u64;
        self.at += (&self.file).take(room).read_to_end(kept)? as u64;
        Ok(())
    }
}
