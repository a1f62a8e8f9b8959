//! The end of a growing file, for a screen: the last lines, printable, and how many bytes there are. A
//! file that grew by a gigabyte since the last look costs one window.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::base::text::printable;

/// Bytes read at one look; what lies before them is skipped, and is still in the file.
const WINDOW: u64 = 256 * 1024;
/// Bytes of one line that are kept.
const LINE: usize = 4 * 1024;

/// A file being followed. It need not be there yet.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    at: u64,
    keep: usize,
    partial: Vec<u8>,
    lines: VecDeque<String>,
}

impl Tail {
    /// Follows `path`, keeping its last `keep` lines.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, keep: usize) -> Self {
        Self { path: path.into(), file: None, at: 0, keep, partial: Vec::new(), lines: VecDeque::new() }
    }

    /// Reads what came since the last look. True where something did.
    ///
    /// # Errors
    /// The file system's own, other than absence.
    pub fn look(&mut self) -> io::Result<bool> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else { return Ok(false) };
        let end = file.metadata()?.len();
        if end <= self.at {
            return Ok(false);
        }
        if end - self.at > WINDOW {
            self.at = end - WINDOW;
            self.partial.clear();
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut new = Vec::new();
        let read = file.take(end - self.at).read_to_end(&mut new)?;
        self.at += read as u64;
        for byte in new {
            match byte {
                b'\n' => self.end_line(),
                byte if self.partial.len() < LINE => self.partial.push(byte),
                _ => {}
            }
        }
        Ok(read > 0)
    }

    fn end_line(&mut self) {
        let line = shown(&self.partial);
        self.partial.clear();
        self.lines.push_back(line);
        if self.lines.len() > self.keep {
            self.lines.pop_front();
        }
    }

    /// Bytes of the file seen so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.at
    }

    /// The last lines, oldest first, an unfinished one last.
    #[must_use]
    pub fn lines(&self) -> VecDeque<String> {
        let mut lines = self.lines.clone();
        if !self.partial.is_empty() {
            lines.push_back(shown(&self.partial));
        }
        while lines.len() > self.keep {
            lines.pop_front();
        }
        lines
    }
}

fn shown(line: &[u8]) -> String {
    printable(String::from_utf8_lossy(line).trim_end_matches('\r'))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_lines_of_a_growing_file_are_kept_and_printable() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("stdout");
        let mut tail = Tail::new(&path, 2);
        assert!(!tail.look().expect("absent"));
        let mut file = File::create(&path).expect("made");
        file.write_all(b"one\ntwo\r\n\x1b[31mthr").expect("written");
        assert!(tail.look().expect("read"));
        assert_eq!(tail.lines(), ["two", "thr"]);
        file.write_all(b"ee\n").expect("written");
        assert!(tail.look().expect("read"));
        assert_eq!(tail.lines(), ["two", "three"]);
        assert!(!tail.look().expect("read"));
        assert_eq!(tail.bytes(), 20);
    }

    #[test]
    fn a_huge_growth_and_an_endless_line_cost_one_window() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("stdout");
        let mut text = vec![b'x'; 3 * WINDOW as usize];
        text.extend(b"\nlast\n");
        std::fs::write(&path, &text).expect("written");
        let mut tail = Tail::new(&path, 10);
        tail.look().expect("read");
        let lines = tail.lines();
        assert_eq!(lines.back().map(String::as_str), Some("last"));
        assert!(lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(tail.bytes(), text.len() as u64);
    }
}
