//! What an attempt asked for, in its folder: written before it asks and after each thing it learns, so that a
//! repeat of the step looks for what an earlier attempt began. It holds no token and no input.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::proc::write_whole;
use crate::base::text::hex;

/// In the folder of an attempt.
pub(super) const RECORD: &str = "dispatch.json";

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// About to ask, or asked and not answered: a run may have begun.
    Asking,
    /// GitHub refused, or was not reached: nothing began.
    Refused,
    /// It was accepted.
    Asked,
    /// Its end is known.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub v: u32,
    pub repo: String,
    /// The workflow's file; empty for a run that is done again.
    pub workflow: String,
    pub stage: Stage,
    /// What the run's name shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The server's time before it was asked, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// Of a run that is done again: how all stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// What a run that is done again must leave as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    pub attempt: u64,
    pub number: u64,
    /// Tags and their commits.
    pub tags: BTreeMap<String, String>,
    /// Releases by id, and their tags.
    pub releases: BTreeMap<u64, String>,
}

impl Record {
    pub fn new(repo: &str, workflow: &str) -> Self {
        Self {
            v: 1,
            repo: repo.to_owned(),
            workflow: workflow.to_owned(),
            stage: Stage::Asking,
            nonce: None,
            since: None,
            run: None,
            conclusion: None,
            before: None,
        }
    }

    /// The record of the attempt in `dir`; none where it wrote none.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, String> {
        match fs::read(dir.join(RECORD)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|why| why.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Keeps this, synced.
    ///
    /// # Errors
    /// The disk's, as a sentence.
    pub fn keep(&self, dir: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|why| why.to_string())?;
        write_whole(&dir.join(RECORD), &bytes).map_err(|why| format!("`{RECORD}` cannot be kept: {why}"))
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Asking | Stage::Asked)
    }
}

/// The newest record of an earlier attempt of the same step that may have begun what nobody saw end.
///
/// # Errors
/// A record that cannot be read: what that attempt began is not known.
pub(super) fn left_open(dir: &Path, like: &Record) -> Result<Option<Record>, String> {
    let mut newest: Option<(u64, Record)> = None;
    for (number, earlier) in earlier(dir) {
        let read = Record::read(&earlier).map_err(|why| format!("what attempt {number} began is not known: {why}"))?;
        let Some(record) = read.filter(|record| record.repo == like.repo && record.workflow == like.workflow) else {
            continue;
        };
        if newest.as_ref().is_none_or(|(known, _)| *known < number) {
            newest = Some((number, record));
        }
    }
    // One that ended, or began nothing, says that those before it were looked at.
    Ok(newest.map(|(_, record)| record).filter(Record::is_open))
}

/// True where no other attempt of the same step came before this.
pub(super) fn is_first(dir: &Path) -> bool {
    earlier(dir).is_empty()
}

/// Folders of attempts beside `dir` with a lower number: `7`, or `redeploy.7` of a rollback.
fn earlier(dir: &Path) -> Vec<(u64, PathBuf)> {
    let (Some(parent), Some((prefix, own))) = (dir.parent(), numbered(dir)) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let earlier = paths.filter_map(|path| {
        let (other, number) = numbered(&path)?;
        (other == prefix && number < own).then(|| (number, path.clone()))
    });
    earlier.collect()
}

fn numbered(dir: &Path) -> Option<(String, u64)> {
    let name = dir.file_name()?.to_str()?;
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (prefix, number) = name.split_at(name.len() - digits);
    Some((prefix.to_owned(), number.parse().ok()?))
}

/// What no other dispatch's name holds: of this attempt's folder, this process and the server's time.
pub(super) fn nonce(dir: &Path, since: Option<i64>) -> String {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let text = format!("{} {} {since:?}", whole.display(), std::process::id());
    let hash = Sha256::digest(text.as_bytes());
    format!("tminus-{}", hex(&hash[..10]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(root: &Path, name: &str, record: Option<&Record>) -> PathBuf {
        let dir = root.join(name);
        fs::create_dir_all(&dir).expect("a folder");
        if let Some(record) = record {
            record.keep(&dir).expect("kept");
        }
        dir
    }

    #[test]
    fn only_an_attempt_that_nobody_saw_end_is_looked_for() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |stage, run| Record { stage, run: Some(run), ..Record::new("o/r", "a.yml") };
        let own = folder(root.path(), "4", None);
        assert_eq!(left_open(&own, &Record::new("o/r", "a.yml")), Ok(None));
        folder(root.path(), "1", Some(&at(Stage::Asking, 1)));
        folder(root.path(), "5", Some(&at(Stage::Asking, 5)));
        folder(root.path(), "3", Some(&Record { repo: "o/other".into(), ..at(Stage::Asked, 3) }));
        let run = |found: Result<Option<Record>, String>| found.expect("read").and_then(|record| record.run);
        assert_eq!(run(left_open(&own, &Record::new("o/r", "a.yml"))), Some(1));
        folder(root.path(), "2", Some(&at(Stage::Ended, 2)));
        assert_eq!(run(left_open(&own, &Record::new("o/r", "a.yml"))), None);
        fs::write(root.path().join("2").join(RECORD), "{").expect("written");
        assert!(left_open(&own, &Record::new("o/r", "a.yml")).is_err());
    }

    #[test]
    fn the_attempts_of_a_rollback_are_told_from_other_steps() {
        let root = tempfile::tempdir().expect("a folder");
        let own = folder(root.path(), "redeploy.2", None);
        folder(root.path(), "redeploy.1", Some(&Record { run: Some(9), ..Record::new("o/r", "a.yml") }));
        folder(root.path(), "migrate.1", Some(&Record { run: Some(8), ..Record::new("o/r", "a.yml") }));
        let found = left_open(&own, &Record::new("o/r", "a.yml")).expect("read").expect("one");
        assert_eq!(found.run, Some(9));
    }

    #[test]
    fn a_nonce_is_of_its_attempt_alone() {
        let root = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder(root.path(), "1", None), folder(root.path(), "2", None));
        assert_ne!(nonce(&one, Some(7)), nonce(&two, Some(7)));
        assert_ne!(nonce(&one, Some(7)), nonce(&one, Some(8)));
    }
}
