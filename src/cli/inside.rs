//! The files of a bundle, to be read one after the other.

use std::cell::RefCell;
use std::fs::File;
use std::io;

use crate::base::zip::Archive;
use crate::watch::kept::Files;

/// In bytes: of no file more is held in memory.
const LARGEST: u64 = 64 << 20;

pub struct Inside(RefCell<Archive<File>>);

impl Inside {
    pub fn new(archive: Archive<File>) -> Self {
        Self(RefCell::new(archive))
    }

    /// # Errors
    /// It is not there, too large, or not as its entry says.
    pub fn content(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut archive = self.0.borrow_mut();
        let place = archive.find(name).ok_or(io::ErrorKind::NotFound)?;
        let read = archive.content(place, LARGEST);
        read.map(|(bytes, _)| bytes).map_err(|why| io::Error::other(why.to_string()))
    }
}

impl Files for Inside {
    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let start = format!("samples/{folder}/");
        let archive = self.0.borrow();
        let names = archive.entries().iter().filter_map(|entry| entry.name.strip_prefix(&start));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        self.content(&format!("samples/{file}"))
    }
}
