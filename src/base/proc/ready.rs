//! What tells that a program which is to live on is ready: one file in its attempt's folder, there whole or
//! not at all, so that a console which was away reads it as one that watched.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::folder::write_whole;
use crate::base::regular;

const FILE: &str = "ready.json";
/// Why it was asked to end, where another step did.
const STOPPED: &str = "stopped";
/// No such file of ours is longer.
const LONGEST: u64 = 1 << 20;

/// A program that is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub v: u32,
    /// The program's own process.
    pub pid: u32,
    /// From its start.
    pub took_ms: u64,
    /// Taken from its output, by name; no secret of the plan stands in it.
    pub captured: BTreeMap<String, Value>,
    /// Wall time in milliseconds since 1970: by the file itself.
    #[serde(skip)]
    pub at_ms: i64,
}

/// Tells it, synced.
///
/// # Errors
/// The file system's own.
pub fn tell_ready(dir: &Path, ready: &Ready) -> io::Result<()> {
    write_whole(&dir.join(FILE), &serde_json::to_vec_pretty(ready)?)
}

/// What was told; none where nothing was, or the disk does not give it.
#[must_use]
pub fn ready(dir: &Path) -> Option<Ready> {
    let path = dir.join(FILE);
    let mut found: Ready = serde_json::from_slice(&regular::read(&path, LONGEST).ok()?).ok()?;
    let changed = path.metadata().and_then(|told| told.modified()).ok()?;
    let since = changed.duration_since(UNIX_EPOCH).ok()?;
    found.at_ms = i64::try_from(since.as_millis()).ok()?;
    Some(found)
}

/// Leaves word of who asks a program to end, for whoever follows it. What cannot be written is only not said.
pub fn tell_stopped(dir: &Path, why: &str) {
    let _ = write_whole(&dir.join(STOPPED), why.as_bytes());
}

/// Who asked it to end, where that was a step.
#[must_use]
pub fn stopped(dir: &Path) -> Option<String> {
    String::from_utf8(regular::read(&dir.join(STOPPED), LONGEST).ok()?).ok()
}
