//! Looks over the log of a rollback that ran, or runs: every line, also behind a break. It changes nothing.

use std::io::{self, Read};
use std::path::Path;

use super::fact::{Line, VERSION};
use super::log::{Entry, LIMIT, Log};
use crate::base::regular;
use crate::journal::audit::{Audit, Content, Told, Unread};
use crate::journal::chain::{Hash, Link};

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub told: Told,
    /// The lines that nothing is known against.
    pub entries: Vec<Entry>,
    /// What is wrong besides its lines.
    pub damage: Option<&'static str>,
}

impl Content for Line {
    fn read(bytes: &[u8]) -> Result<Self, Unread> {
        #[derive(serde::Deserialize)]
        struct Version {
            v: u32,
        }
        match serde_json::from_slice(bytes) {
            Ok(Version { v }) if v > VERSION => Err(Unread::Newer(format!(
                "it is of version {v}, and this tminus reads up to version {VERSION}: use a newer one"
            ))),
            _ => serde_json::from_slice(bytes).map_err(|wrong| Unread::Not(wrong.to_string())),
        }
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

/// Looks over the log at `path`.
///
/// # Errors
/// It cannot be read.
pub fn look_over(path: &Path) -> io::Result<Looked> {
    // Before the bytes are read: a runner that ends meanwhile left whole lines.
    let held = Log::is_held(path)?;
    let mut bytes = Vec::new();
    regular::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(look_over_bytes(&bytes, held))
}

/// Looks over what a log holds; where it is `held` its runner may be about to write a line.
#[must_use]
pub fn look_over_bytes(bytes: &[u8], held: bool) -> Looked {
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let whole = bytes[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut audit = Audit::new(None);
    let mut entries = Vec::new();
    let mut each = |line: Line| entries.push(Entry { seq: line.seq, at: line.at, fact: line.fact.into() });
    let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
    lines.zip(1..).all(|(line, place)| audit.take(&link(place, line), &mut each));
    let torn = (whole < written && !held).then_some("its last line is torn: the next runner cuts it off");
    let damage = if bytes.len() as u64 >= LIMIT { Some("it is longer than any log of a rollback") } else { torn };
    Looked { told: audit.end(), entries, damage }
}

/// A line as a link; one without its parts as one that holds nothing.
fn link(place: u64, line: &[u8]) -> Link {
    let parts = || {
        let (hash, json) = line.strip_suffix(b"\n")?.split_at_checked(64)?;
        let hash: Hash = std::str::from_utf8(hash).ok()?.parse().ok()?;
        Some((hash, json.strip_prefix(b" ")?.to_vec()))
    };
    let (hash, bytes) = parts().unwrap_or_else(|| (Hash::default(), line.to_vec()));
    Link { seq: place, hash, bytes }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::super::log::Opened;
    use super::*;
    use crate::journal::finding::Finding;
    use crate::launch::event::{RollbackEnd, RollbackFact};
    use crate::launch::verdict::{Outcome, Verdict};

    const LINES: usize = 4;

    /// A log of four lines, left by its runner or still held.
    fn log() -> (tempfile::TempDir, std::path::PathBuf, Log) {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("log");
        let Opened::Ours(mut log, _) = Log::open(&path, &place.path().join("reserve")).expect("opens") else {
            panic!("held")
        };
        let at = "2026-01-02T03:04:05Z".parse().expect("a time");
        let step = || "redeploy".into();
        for fact in [
            RollbackFact::Started { pid: 7 },
            RollbackFact::StepStarted { step: step() },
            RollbackFact::StepEnded { step: step(), verdict: Verdict::Pass, outcome: Outcome::default() },
            RollbackFact::Ended { end: RollbackEnd::Verified, took: Duration::from_secs(3) },
        ] {
            log.tell(at, &fact).expect("told");
        }
        (place, path, log)
    }

    fn whole(looked: &Looked) -> bool {
        looked.told.findings.is_empty() && looked.damage.is_none() && looked.told.newer.is_empty()
    }

    #[test]
    fn a_log_is_whole_while_its_runner_writes_and_after() {
        let (_place, path, log) = log();
        let looked = look_over(&path).expect("reads");
        assert!(whole(&looked) && looked.entries.len() == LINES, "{looked:?}");
        let mut writing = fs::read(&path).expect("reads");
        let end = writing.iter().rposition(|byte| *byte != 0).expect("lines") + 1;
        writing[end..end + 5].copy_from_slice(b"0123a");
        fs::write(&path, &writing).expect("writes");
        assert!(whole(&look_over(&path).expect("reads")), "the line that is being written is no damage");
        drop(log);
        assert!(look_over(&path).expect("reads").damage.is_some_and(|words| words.contains("torn")));
    }

    #[test]
    fn no_byte_of_a_log_can_change_unseen_and_no_line_go() {
        let (_place, path, log) = log();
        drop(log);
        let sound = fs::read(&path).expect("reads");
        let end = sound.iter().rposition(|byte| *byte != 0).expect("lines") + 1;
        for at in (0..end).step_by(3).chain([end - 1]) {
            let mut bytes = sound.clone();
            bytes[at] ^= 0x15;
            fs::write(&path, &bytes).expect("writes");
            let looked = look_over(&path).expect("reads");
            assert!(!whole(&looked), "byte {at} of {end}: {looked:?}");
        }
        let lines: Vec<_> = sound[..end].split_inclusive(|byte| *byte == b'\n').collect();
        for gone in 0..LINES - 1 {
            let left: Vec<_> = (0..LINES).filter(|line| *line != gone).map(|line| lines[line]).collect();
            fs::write(&path, left.concat()).expect("writes");
            let looked = look_over(&path).expect("reads");
            let names = |finding: &Finding| finding.records().is_some_and(|span| span.holds(gone as u64 + 1));
            assert!(looked.told.findings.iter().any(names), "line {gone}: {looked:?}");
        }
        let swapped = [lines[0], lines[2], lines[1], lines[3]].concat();
        fs::write(&path, swapped).expect("writes");
        assert_eq!(look_over(&path).expect("reads").told.findings, [Finding::Swapped(2, 3)]);
    }
}
