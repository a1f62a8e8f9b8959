//! The files that records name by their hash: each is there, and each that is named by its own holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::facts::Facts;
use super::look::{Looked, Said};
use crate::base::regular;
use crate::base::text::hex;
use crate::evidence::bundle::collect;
use crate::journal::LaunchFolder;
use crate::journal::finding::Span;
use crate::launch::artifact::{FOLDER, OUTPUTS, is_name};
use crate::launch::event::{Event, Recorded, RollbackFact};
use crate::launch::seen::name_in;
use crate::launch::verdict::Outcome;

const CHUNK: usize = 256 << 10;
/// Folders whose runs a record does not tell apart.
const ANYWHERE: [&str; 2] = ["playbooks", "rollback"];

/// Hands every hash that `record` names to `each`, with where its file lies and what it is.
pub fn named(record: &Recorded, each: &mut dyn FnMut(String, String, String)) {
    let mut outputs = |folder: String, outcome: &Outcome| {
        for kept in &outcome.kept {
            each(kept.sha256.clone(), format!("{folder}/{}", kept.name), format!("the {} of it", kept.name));
        }
        told(outcome.said.as_deref().unwrap_or_default(), each);
    };
    match &record.event {
        Event::ItemEnded { report, .. } => {
            for kept in report.exchange.iter().flat_map(|exchange| &exchange.kept) {
                each(kept.sha256.clone(), kept.place(), format!("the {} of it", kept.name));
            }
        }
        Event::StepEnded { item, attempt, outcome, .. } | Event::ProcessEnded { item, attempt, outcome, .. } => {
            outputs(format!("steps/{}/{attempt}", item.folder()), outcome);
        }
        Event::PlaybookStepEnded { outcome, .. } => outputs("playbooks".to_owned(), outcome),
        Event::RollbackTold { fact, .. } => match fact {
            RollbackFact::StepEnded { outcome, .. } | RollbackFact::FallbackEnded { outcome, .. } => {
                outputs("rollback".to_owned(), outcome);
            }
            RollbackFact::Verified { report, .. } => {
                for kept in report.exchange.iter().flat_map(|exchange| &exchange.kept) {
                    each(kept.sha256.clone(), kept.place(), format!("the {} of it", kept.name));
                }
            }
            _ => {}
        },
        Event::EvidenceGiven { what, .. } => told(what, each),
        _ => {}
    }
}

fn told(line: &str, each: &mut dyn FnMut(String, String, String)) {
    if let Some(name) = name_in(line) {
        each(name.to_owned(), format!("{FOLDER}/{name}"), "what it tells of".to_owned());
    }
}

impl Looked {
    /// Of a launch's folder.
    pub(super) fn artifacts(&mut self, folder: &LaunchFolder, facts: &Facts) {
        let found = match collect::collect(folder.path()) {
            Ok(found) => found,
            Err(wrong) => return self.doubt(FOLDER, format!("the files of the launch cannot be read: {wrong}")),
        };
        let is_one = |name: &str| {
            name.starts_with("artifacts/") || OUTPUTS.iter().any(|output| name.ends_with(&format!("/{output}")))
        };
        let mut sums = BTreeMap::new();
        for file in found.files.iter().filter(|file| is_one(&file.name)) {
            match sum(&file.path) {
                Ok(sha256) => drop(sums.insert(file.name.clone(), sha256)),
                Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => {}
                Err(wrong) => self.doubt(file.name.clone(), format!("it cannot be read: {wrong}")),
            }
        }
        self.held(&sums, facts);
    }

    /// Tells of outputs of steps that have something in them, and no record's word for it.
    fn unnamed(&mut self, sums: &BTreeMap<String, String>, facts: &Facts) {
        let empty = hex(&Sha256::digest(b""));
        let named: BTreeSet<&str> = facts.kept.keys().map(|(place, _)| place.as_str()).collect();
        let is_output = |name: &str| {
            name.starts_with("steps/")
                && name.matches('/').count() == 3
                && OUTPUTS.iter().any(|output| name.ends_with(&format!("/{output}")))
        };
        let mut unnamed = sums
            .iter()
            .filter(|(name, sum)| is_output(name) && **sum != empty && !named.contains(name.as_str()))
            .map(|(name, _)| name);
        let Some(first) = unnamed.next() else { return };
        let more = match unnamed.count() {
            0 => String::new(),
            more => format!(", nor for {more} more"),
        };
        self.notices.push(Said::of(first.clone(), format!("no record vouches for what is in it{more}")));
    }

    /// Holds what records name against the hashes of what is there, by name.
    pub(super) fn held(&mut self, sums: &BTreeMap<String, String>, facts: &Facts) {
        for (name, sha256) in sums {
            let own = name.strip_prefix("artifacts/").filter(|own| is_name(own));
            if own.is_some_and(|own| own != sha256) {
                self.wrong(name.clone(), "it is another file than the one whose hash is its name");
            }
        }
        for ((place, sha256), kept) in &facts.kept {
            let state = match stands(sums, place, sha256) {
                Some(true) => continue,
                Some(false) => "and it is another",
                None => "and it is not there",
            };
            let what = format!("record {} names {}, SHA-256 {sha256}, {state}", kept.seq, kept.what);
            self.findings.push(Said { span: Some(Span::one(kept.seq)), ..Said::of(place.clone(), what) });
        }
        self.unnamed(sums, facts);
        if !facts.kept.is_empty() {
            self.checked.push("every artifact that a record names");
        }
    }
}

/// Whether the file that is named as `place` has this hash; none where there is no such file. Of a playbook and of a
/// rollback the record does not say which run's folder it is.
fn stands(sums: &BTreeMap<String, String>, place: &str, sha256: &str) -> Option<bool> {
    let (folder, name) = place.split_once('/').unwrap_or(("", place));
    if !ANYWHERE.contains(&folder) {
        return sums.get(place).map(|sum| sum == sha256);
    }
    let is_one = |known: &str| known.strip_prefix(folder).is_some_and(|rest| rest.ends_with(&format!("/{name}")));
    let mut all = sums.iter().filter(|(known, _)| is_one(known)).map(|(_, sum)| sum == sha256).peekable();
    all.peek()?;
    Some(all.any(|same| same))
}

fn sum(path: &Path) -> io::Result<String> {
    let mut file = regular::open(path)?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}
