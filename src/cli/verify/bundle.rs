//! Holds a bundle against itself: its form, every file against the manifest, the chain of its journal, its head, the
//! files that records vouch for, and the signature. Offline, without a database, and with bounded memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::facts::Facts;
use super::look::{Looked, Said};
use crate::base::regular;
use crate::base::text::hex;
use crate::base::zip::{Archive, Refused};
use crate::cli::inside::Inside;
use crate::engine::rollback;
use crate::evidence::bundle::dsse::{self, Unproven};
use crate::evidence::bundle::key::Public;
use crate::evidence::bundle::statement::{NoStatement, Statement, Subject, word};
use crate::evidence::bundle::{BASELINE, ENVELOPE, HEAD, JOURNAL, LARGEST_MANIFEST, MANIFEST, PLAN, lines};
use crate::journal::audit::{Audit, Told};
use crate::journal::chain::{Hash, Head, Link};
use crate::journal::finding::Span;
use crate::journal::head::{self, Found};
use crate::journal::record;
use crate::launch::event::{Mode, Recorded};

/// Logs of rollbacks that are held in memory.
const MOST_RUNS: usize = 1_000;

/// What was seen of a bundle.
#[derive(Debug, Default)]
pub struct Bundle {
    pub looked: Looked,
    pub told: Told,
    pub head: Option<Head>,
    pub statement: Option<Statement>,
    pub signer: Option<Public>,
    pub mode: Option<Mode>,
}

/// What is wanted of a bundle, besides that it is whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Signed with this key.
    pub key: Option<Public>,
    /// Of a rehearsal.
    pub rehearsal: bool,
}

/// Looks over the bundle at `path`.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn look(path: &Path, wanted: Wanted) -> io::Result<Bundle> {
    let file = regular::open_named(path)?;
    let mut bundle = Bundle::default();
    match Archive::open(file) {
        Ok(archive) => bundle.over(archive, wanted),
        Err(Refused::Unread(why)) if why.kind() != io::ErrorKind::UnexpectedEof => return Err(why),
        Err(why) => bundle.looked.wrong("bundle", why.to_string()),
    }
    Ok(bundle)
}

/// Whether the manifest of the bundle at `path` says that it is of a rehearsal: what is wrong with it [`look`] tells.
///
/// # Errors
/// As [`look`].
pub fn claims_rehearsal(path: &Path) -> io::Result<bool> {
    let Ok(mut archive) = Archive::open(regular::open_named(path)?) else { return Ok(false) };
    let Some(place) = archive.find(MANIFEST) else { return Ok(false) };
    let Ok((bytes, _)) = archive.content(place, LARGEST_MANIFEST) else { return Ok(false) };
    Ok(Statement::read(&bytes).is_ok_and(|statement| statement.predicate.mode == word(Mode::Rehearsal)))
}

impl Bundle {
    fn over(&mut self, mut archive: Archive<File>, wanted: Wanted) {
        let Some(manifest) = self.manifest(&mut archive) else { return };
        self.signed(&mut archive, &manifest, wanted.key);
        let Some(statement) = self.statement.clone() else { return };
        self.listed(&archive, &statement);

        // The head first: it stands before the journal, as everywhere.
        let synced = self.read_head(&mut archive);
        let mut reading = Reading::new(synced);
        let mut sums = BTreeMap::new();
        let names: Vec<String> = archive.entries().iter().map(|entry| entry.name.clone()).collect();
        let subjects: BTreeMap<&str, &Subject> =
            statement.subject.iter().map(|subject| (subject.name.as_str(), subject)).collect();
        for (place, name) in names.iter().enumerate() {
            let Some(subject) = subjects.get(name.as_str()) else { continue };
            let read = archive.read(place, &mut |part| {
                if name == JOURNAL {
                    reading.take(part);
                }
            });
            match read {
                Ok(found) => {
                    if Subject::new(name, &found) != **subject {
                        self.looked.wrong(name.clone(), "it is not the file that was bundled: its SHA-256 is another");
                    }
                    sums.insert(name.clone(), hex(&found.sha256));
                }
                Err(why) => self.refused(name, why),
            }
        }
        self.looked.checked.push("every file against the manifest");
        let facts = self.journal(reading, synced, &statement);
        self.mode = facts.opened.as_ref().map(|(_, mode)| *mode);
        self.of_what(&statement, facts.opened.as_ref(), wanted.rehearsal);
        self.beside(archive, &sums, &facts);
    }

    fn refused(&mut self, name: &str, why: Refused) {
        let what = match why {
            Refused::Entry { why, .. } => why.to_owned(),
            Refused::Unread(why) if why.kind() != io::ErrorKind::UnexpectedEof => {
                return self.looked.doubt(name, format!("it cannot be read: {why}"));
            }
            other => other.to_string(),
        };
        self.looked.wrong(name, what);
    }

    /// The bytes of the manifest; what they say is in `statement` where they say anything.
    fn manifest(&mut self, archive: &mut Archive<File>) -> Option<Vec<u8>> {
        let Some(place) = archive.find(MANIFEST) else {
            self.looked.wrong(MANIFEST, "it is missing: this is no bundle of tminus");
            return None;
        };
        let bytes = match archive.content(place, LARGEST_MANIFEST) {
            Ok((bytes, _)) => bytes,
            Err(why) => {
                self.refused(MANIFEST, why);
                return None;
            }
        };
        match Statement::read(&bytes) {
            Ok(statement) => self.statement = Some(statement),
            Err(why @ NoStatement::Newer(_)) => self.looked.doubt(MANIFEST, why.to_string()),
            Err(why) => self.looked.wrong(MANIFEST, why.to_string()),
        }
        Some(bytes)
    }

    fn signed(&mut self, archive: &mut Archive<File>, manifest: &[u8], key: Option<Public>) {
        let Some(place) = archive.find(ENVELOPE) else {
            if key.is_some() {
                self.looked.wrong(ENVELOPE, "it is not signed: nobody vouches for it");
            }
            return;
        };
        let bytes = match archive.content(place, 2 * LARGEST_MANIFEST) {
            Ok((bytes, _)) => bytes,
            Err(why) => return self.refused(ENVELOPE, why),
        };
        match dsse::signer(&bytes, manifest) {
            Ok(signer) if key.is_some_and(|key| key != signer) => {
                let what = format!("it is signed with another key than the one that was given: {signer}");
                self.looked.wrong(ENVELOPE, what);
            }
            Ok(signer) => {
                self.signer = Some(signer);
                self.looked.checked.push(if key.is_some() {
                    "the signature of the key given"
                } else {
                    "the signature"
                });
            }
            Err(why @ (Unproven::Not(_) | Unproven::Payload | Unproven::Signature)) => {
                self.looked.wrong(ENVELOPE, why.to_string());
            }
        }
    }

    /// The files are those that the manifest lists, in its order.
    fn listed(&mut self, archive: &Archive<File>, statement: &Statement) {
        let there: Vec<&str> = archive.entries().iter().map(|entry| entry.name.as_str()).collect();
        let own = [MANIFEST, ENVELOPE];
        let mut expected: Vec<&str> = statement.subject.iter().map(|subject| subject.name.as_str()).collect();
        let listed: std::collections::BTreeSet<&str> = expected.iter().copied().collect();
        let found: std::collections::BTreeSet<&str> = there.iter().copied().collect();
        for name in listed.difference(&found) {
            self.looked.wrong(*name, "the manifest lists it, and it is not there");
        }
        for name in found.difference(&listed).filter(|name| !own.contains(name)) {
            self.looked.wrong(*name, "it is there, and the manifest does not list it");
        }
        let sorted = expected.windows(2).all(|pair| matches!(pair, [one, other] if one < other));
        expected.extend(own.iter().filter(|name| found.contains(**name)));
        if !sorted || (self.looked.findings.is_empty() && there != expected) {
            self.looked.wrong("bundle", "its files are not in the order in which tminus writes them");
        }
        for entry in archive.entries().iter().filter(|entry| entry.packed && own.contains(&entry.name.as_str())) {
            self.looked.wrong(entry.name.clone(), "it is packed, and no bundle has it so");
        }
        for needed in [JOURNAL, PLAN] {
            if !found.contains(needed) && !listed.contains(needed) {
                let gate = needed == PLAN && statement.predicate.mode == word(Mode::Gate);
                if !gate {
                    self.looked.wrong(needed, "it is missing: no launch is told without it");
                }
            }
        }
    }

    fn read_head(&mut self, archive: &mut Archive<File>) -> Option<Head> {
        let Some(place) = archive.find(HEAD) else {
            self.looked.doubt(HEAD, "it is missing: a tail that was cut before it was bundled cannot be noticed");
            return None;
        };
        match archive.content(place, 1024) {
            Ok((bytes, _)) => match head::of(&bytes) {
                Found::Head(head) => {
                    self.head = Some(head);
                    Some(head)
                }
                _ => {
                    self.looked.wrong(HEAD, "it is no head of a journal: a cut tail could not be noticed");
                    None
                }
            },
            // Told where its bytes are held against the manifest.
            Err(_) => None,
        }
    }

    /// What came of the journal, and what it says of the files beside it.
    fn journal(&mut self, reading: Reading, synced: Option<Head>, statement: &Statement) -> Facts {
        let Reading { audit, facts, rest, over, .. } = reading;
        if !rest.is_empty() {
            self.looked.wrong(JOURNAL, "its last line does not end: it was cut");
        }
        if over {
            self.looked.wrong(JOURNAL, "it has a line that is longer than any record");
        }
        self.told = audit.end();
        for finding in &self.told.findings {
            let said = Said { span: finding.records(), ..Said::of(JOURNAL, finding.to_string()) };
            self.looked.findings.push(said);
        }
        for span in &self.told.unproven {
            let what = span.with("is unproven", "are unproven");
            let what = format!("{what}: what stands before is not as it was written");
            self.looked.notices.push(Said { span: Some(*span), ..Said::of(JOURNAL, what) });
        }
        for (seq, why) in &self.told.newer {
            let said = Said { span: Some(Span::one(*seq)), ..Said::of(JOURNAL, format!("record {seq}: {why}")) };
            self.looked.doubts.push(said);
        }
        let claimed = &statement.predicate.journal;
        let last = &self.told.last;
        if claimed.records != self.told.count
            || claimed.head.record != last.seq
            || claimed.head.sha256 != last.hash.to_string()
        {
            let what = format!(
                "the manifest tells of {} records up to {} with SHA-256 {}, and they end at {} with {}",
                claimed.records, claimed.head.record, claimed.head.sha256, last.seq, last.hash
            );
            self.looked.wrong(JOURNAL, what);
        }
        self.looked.checked.push("every record and its place");
        if synced.is_some() {
            self.looked.checked.push("the synced head");
        }
        facts
    }

    /// A rehearsal is never taken for a launch, whatever its manifest claims.
    fn of_what(&mut self, statement: &Statement, opened: Option<&(String, Mode)>, rehearsal: bool) {
        let claimed = statement.predicate.mode.as_str();
        match opened {
            None => self.looked.wrong(JOURNAL, "its first record does not tell what was opened"),
            Some((_, mode)) if word(*mode) != claimed => {
                let what = format!("it claims to be of a {claimed}, and its journal is of a {}", word(*mode));
                self.looked.wrong(MANIFEST, what);
            }
            Some((hash, _)) if *hash != statement.predicate.plan.sha256 => {
                self.looked.wrong(MANIFEST, "it names another plan than the journal's first record");
            }
            Some(_) => {}
        }
        let is = claimed == word(Mode::Rehearsal) || self.mode == Some(Mode::Rehearsal);
        if is && !rehearsal {
            let what =
                "this is a REHEARSAL, and no launch: it proves nothing of one. `--rehearsal` verifies it as what it is";
            self.looked.wrong("bundle", what);
        }
        if rehearsal && !is {
            self.looked.wrong("bundle", "this is no rehearsal, and `--rehearsal` asks for one");
        }
    }

    /// What the records vouch for beside them.
    fn beside(&mut self, archive: Archive<File>, sums: &BTreeMap<String, String>, facts: &Facts) {
        // Records that are missing or foreign vouch for nothing beside them.
        let vouches = self.told.findings.is_empty();
        self.looked.findings.extend(facts.twice.iter().cloned());
        self.looked.flown(JOURNAL, facts);
        let Some((first, _)) = &facts.opened else { return };
        if vouches {
            self.plans(sums, first, facts);
            self.looked.held(
                &sums
                    .iter()
                    .filter(|(name, _)| {
                        name.starts_with("artifacts/") || name.ends_with("/stdout") || name.ends_with("/stderr")
                    })
                    .map(|(name, sha256)| (name.clone(), sha256.clone()))
                    .collect(),
                facts,
            );
        }
        let files = Inside::new(archive);
        if vouches && (!facts.baseline.is_empty() || sums.contains_key(BASELINE)) {
            self.looked.baseline(files.content(BASELINE), facts);
        }
        if vouches {
            self.looked.samples(&files, &facts.vouched);
        }
        let broken = sums.keys().filter_map(|name| name.strip_prefix("rollback/")?.strip_suffix("/log.broken"));
        broken.filter(|run| !run.contains('/')).for_each(|run| self.looked.put_aside(run));
        let mut logs = BTreeMap::new();
        let runs = sums.keys().filter_map(|name| name.strip_prefix("rollback/")?.strip_suffix("/log"));
        for run in runs.filter(|run| !run.contains('/')) {
            if logs.len() >= MOST_RUNS {
                self.looked.doubt(format!("rollback/{run}/log"), format!("there are more than {MOST_RUNS} rollbacks"));
                break;
            }
            match files.content(&format!("rollback/{run}/log")) {
                Ok(bytes) => {
                    let seen = rollback::look_over_bytes(&bytes, false);
                    logs.insert(run.to_owned(), self.looked.logged(seen, run, false));
                }
                Err(why) => self.looked.doubt(format!("rollback/{run}/log"), why.to_string()),
            }
        }
        let exists = |name: &str| sums.contains_key(&format!("rollback/{name}"));
        self.looked.told_and_logged(vouches.then_some(facts), &logs, &exists);
    }

    fn plans(&mut self, sums: &BTreeMap<String, String>, first: &str, facts: &Facts) {
        let newest = facts.amended.last().map_or(first, |(_, hash)| hash);
        let known = |sha256: &str| first == sha256 || facts.amended.iter().any(|(_, hash)| hash == sha256);
        match sums.get(PLAN).map(String::as_str) {
            Some(sha256) if sha256 == newest => self.looked.checked.push("the frozen plan"),
            Some(sha256) if known(sha256) => {
                let what = "it is the plan before the last amendment: its console had not written the newest yet";
                self.looked.notices.push(Said::of(PLAN, what));
            }
            Some(_) => self.looked.wrong(PLAN, "it is none of the plans that this launch went by"),
            None => {}
        }
        if facts.amended.is_empty() {
            return;
        }
        let all = std::iter::once((1, first)).chain(facts.amended.iter().map(|(seq, hash)| (*seq, hash.as_str())));
        for (number, (seq, wanted)) in (1..).zip(all) {
            let file = format!("plans/{number}.toml");
            let what = match sums.get(&file) {
                Some(sha256) if sha256 == wanted => continue,
                Some(_) => format!("it is not the plan that record {seq} names"),
                None => format!("the plan that record {seq} names is missing"),
            };
            self.looked.findings.push(Said { span: Some(Span::one(seq)), ..Said::of(file, what) });
        }
        self.looked.checked.push("every revision of the plan");
    }
}

/// The journal's lines, as their bytes come.
struct Reading {
    audit: Audit,
    facts: Facts,
    /// The line that has not ended.
    rest: Vec<u8>,
    last: u64,
    /// So much is wrong that no more is taken.
    full: bool,
    over: bool,
}

impl Reading {
    fn new(synced: Option<Head>) -> Self {
        let (audit, facts) = (Audit::new(synced), Facts::default());
        Self { audit, facts, rest: Vec::new(), last: 0, full: false, over: false }
    }

    fn take(&mut self, part: &[u8]) {
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            if self.full {
                return;
            }
            // Base64 makes four bytes of three.
            if self.rest.len() + piece.len() > record::LARGEST / 3 * 4 + lines::AROUND {
                (self.over, self.full) = (true, true);
                self.rest.clear();
                return;
            }
            self.rest.extend_from_slice(piece);
            if self.rest.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.rest);
                self.line(line.strip_suffix(b"\n").unwrap_or(&line));
                self.rest = line;
                self.rest.clear();
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        // One without its parts is taken for the record at its place, with bytes that nobody hashed.
        let stray = || Link { seq: self.last.saturating_add(1), hash: Hash::default(), bytes: line.to_vec() };
        let link = lines::link(line).unwrap_or_else(stray);
        self.last = link.seq;
        let facts = &mut self.facts;
        self.full = !self.audit.take(&link, &mut |record: Recorded| facts.take(record));
    }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
