//! What a program says, line by line: whether that makes it ready, and the values in it. It reads the files
//! that the shim writes, so a secret is gone from them already, and nothing stands between the program and its
//! output.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use super::{Ready, Start};
use crate::base::text::printable;

/// Bytes of one line that are looked at.
const LINE: usize = 64 << 10;
/// Bytes read at one look; the rest at the next.
const WINDOW: u64 = 1 << 20;
/// Characters of a captured value.
const VALUE: usize = 2_000;

/// What was heard so far.
pub(super) struct Heard<'s> {
    start: &'s Start,
    line: bool,
    captured: BTreeMap<String, Value>,
}

impl<'s> Heard<'s> {
    pub fn of(start: &'s Start) -> Self {
        Self { start, line: !matches!(start.ready, Ready::Line(_)), captured: BTreeMap::new() }
    }

    /// Takes in one line. The first value of a name stays.
    pub fn hear(&mut self, line: &str) {
        let line = printable(line);
        if let Ready::Line(pattern) = &self.start.ready {
            self.line |= pattern.is_match(&line);
        }
        for wanted in &self.start.captures {
            if self.captured.contains_key(&wanted.name) {
                continue;
            }
            let Some(found) = wanted.pattern.captures(&line) else { continue };
            let value = found.get(1).or_else(|| found.get(0)).map_or("", |part| part.as_str());
            if !value.is_empty() {
                let value = value.chars().take(VALUE).collect::<String>();
                self.captured.insert(wanted.name.clone(), Value::String(value));
            }
        }
    }

    /// What it did not say yet, in words; none where it said all.
    pub fn missing(&self) -> Option<String> {
        if let (false, Ready::Line(pattern)) = (self.line, &self.start.ready) {
            return Some(format!("no line fits /{pattern}/"));
        }
        let mut wanted = self.start.captures.iter();
        let open = wanted.find(|wanted| !self.captured.contains_key(&wanted.name))?;
        Some(format!("no line has {} (/{}/)", open.name, open.pattern))
    }

    pub fn captured(&self) -> &BTreeMap<String, Value> {
        &self.captured
    }
}

/// The lines of one output file, whole ones only: half an address is another address.
pub(super) struct Lines {
    path: PathBuf,
    at: u64,
    partial: Vec<u8>,
}

impl Lines {
    pub fn of(path: PathBuf) -> Self {
        Self { path, at: 0, partial: Vec::new() }
    }

    /// Hands over the lines that came since the last look; at its `end` also what has no line's end.
    pub fn look(&mut self, end: bool, mut line: impl FnMut(&str)) {
        while let Ok(new) = self.read() {
            for byte in &new {
                match byte {
                    b'\n' => {
                        line(&String::from_utf8_lossy(&self.partial));
                        self.partial.clear();
                    }
                    byte if self.partial.len() < LINE => self.partial.push(*byte),
                    _ => {}
                }
            }
            if new.is_empty() {
                break;
            }
        }
        if end && !self.partial.is_empty() {
            line(&String::from_utf8_lossy(&self.partial));
            self.partial.clear();
        }
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.at))?;
        let mut new = Vec::new();
        self.at += file.take(WINDOW).read_to_end(&mut new)? as u64;
        Ok(new)
    }
}
