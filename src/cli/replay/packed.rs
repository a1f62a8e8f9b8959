//! A bundle that verified: its journal once more, held against the head that was verified, and the plans in it. Nothing
//! is unpacked to a disk, and nothing of this terminal's environment is needed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use super::{LARGEST, Told, film};
use crate::base::regular;
use crate::base::source::Source;
use crate::base::zip::Archive;
use crate::cli::inside::Inside;
use crate::evidence::bundle::{ENVIRONMENT, JOURNAL, PLAN, lines};
use crate::evidence::replay::Reel;
use crate::journal::chain::{Head, Walk, Wrong};
use crate::journal::record;
use crate::launch::board::Board;
use crate::launch::event::{Event, Mode, Recorded};
use crate::launch::plan::Plan;
use crate::plan::{self, Environment, Options};

/// In bytes: `environment.json` is never longer.
const LONGEST: u64 = 1 << 20;

/// What the bundle at `path` tells, which was verified up to `head`.
///
/// # Errors
/// It cannot be read, is another than the one that was verified, or its plan does not load.
pub fn read(path: &Path, head: Head) -> anyhow::Result<Told> {
    let mut archive = Archive::open(regular::open_named(path)?)?;
    let place = archive.find(JOURNAL).context("the bundle has no journal")?;
    let mut journal = Journal::default();
    archive.read(place, &mut |part| journal.take(part))?;
    if let Some(why) = journal.wrong {
        bail!("failed to read the journal of the bundle: {why}");
    }
    if journal.walk.head() != head {
        bail!("the bundle is another than the one that was verified a moment ago");
    }
    let mut content = |name: &str, most: u64| -> anyhow::Result<Option<String>> {
        let Some(place) = archive.find(name) else { return Ok(None) };
        let (bytes, _) = archive.content(place, most)?;
        Ok(Some(String::from_utf8(bytes).with_context(|| format!("{name} is no UTF-8 text"))?))
    };
    let environment = content(ENVIRONMENT, LONGEST)?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let target = environment.and_then(|told| Some(told.get("target")?.as_str()?.to_owned()));
    let plans = Plans { target, rehearsal: journal.records.first().is_some_and(is_rehearsal) };
    let most = u64::try_from(plan::LARGEST).unwrap_or(u64::MAX);
    let mut board: Option<Board> = None;
    for (place, hash) in (1..).zip(hashes(&journal.records)) {
        let (newest, own) = (content(PLAN, most)?, content(&format!("plans/{place}.toml"), most)?);
        let text = own.into_iter().chain(newest).find(|text| plan::hash(text) == hash);
        let text = text.ok_or_else(|| anyhow!("the bundle lacks the plan of revision {place}"))?;
        let plan = plans.load(place, text)?;
        board.get_or_insert_with(|| Board::new(Arc::clone(&plan))).revisions.learn(&plan);
    }
    let board = board.context("its first record does not tell what was opened")?;
    let (film, doubts) = film::of(&Inside::new(archive), &journal.records);
    let alarm = (!doubts.is_empty()).then(|| doubts.join(" · "));
    Ok(Told { reel: Reel::new(board, journal.records), film, alarm })
}

fn is_rehearsal(record: &Recorded) -> bool {
    matches!(record.event, Event::LaunchOpened { mode: Mode::Rehearsal, .. })
}

/// Of the plans that the launch went by, in their order.
fn hashes(records: &[Recorded]) -> Vec<String> {
    let hash = |record: &Recorded| match &record.event {
        Event::LaunchOpened { plan_hash, .. } if record.seq == 1 => Some(plan_hash.clone()),
        Event::PlanAmended { plan_hash, .. } => Some(plan_hash.clone()),
        _ => None,
    };
    records.iter().filter_map(hash).collect()
}

/// How the plans of a bundle are read.
struct Plans {
    target: Option<String>,
    rehearsal: bool,
}

impl Plans {
    fn load(&self, revision: u32, text: String) -> anyhow::Result<Arc<Plan>> {
        let source = Source::new(format!("plans/{revision}.toml"), text);
        let tried = |rehearsal| {
            let options = Options {
                target: self.target.clone(),
                opened_with: BTreeMap::default(),
                rehearsal,
                without_secrets: true,
                no_launch: true,
            };
            // What the variables of that day held is not in a bundle: stand-ins are as good for a board.
            plan::load(source.clone(), &Environment::default(), &options)
        };
        let loaded = tried(self.rehearsal).or_else(|wrong| tried(true).map_err(|_| wrong));
        let loaded = loaded.map_err(|wrong| anyhow!("{}", source.render(&wrong, false)));
        Ok(Arc::new(loaded.with_context(|| format!("the bundle's plan of revision {revision} does not load"))?.plan))
    }
}

/// The journal's lines, as their bytes come.
#[derive(Default)]
struct Journal {
    walk: Walk,
    records: Vec<Recorded>,
    /// The line that has not ended.
    rest: Vec<u8>,
    taken: usize,
    wrong: Option<String>,
}

impl Journal {
    fn take(&mut self, part: &[u8]) {
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            if self.wrong.is_some() {
                return;
            }
            self.taken = self.taken.saturating_add(piece.len());
            if self.taken > LARGEST {
                self.wrong = Some(format!("it is longer than the {} MiB that are replayed", LARGEST >> 20));
                return;
            }
            self.rest.extend_from_slice(piece);
            // Base64 makes four bytes of three.
            if self.rest.len() > record::LARGEST / 3 * 4 + lines::AROUND {
                self.wrong = Some("it has a line that is longer than any record".to_owned());
            } else if self.rest.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.rest);
                self.line(line.strip_suffix(b"\n").unwrap_or(&line));
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        let taken = lines::link(line).ok_or_else(|| "a line of it is no record".to_owned());
        let taken = taken.and_then(|link| self.walk.take(&link).map_err(|why: Wrong| why.to_string()));
        match taken {
            Ok(record) => self.records.push(record),
            Err(why) => self.wrong = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zip::Writer;
    use crate::journal::chain::{Hash, Link};

    fn refused(journal: &[u8], head: Head) -> String {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("b.zip");
        let mut zip = Writer::new(std::fs::File::create(&path).expect("made"));
        zip.whole(JOURNAL, journal).expect("written");
        zip.finish().expect("written");
        read(&path, head).err().expect("refused").to_string()
    }

    #[test]
    fn what_is_not_what_was_verified_is_not_replayed() {
        let verified = Head { seq: 1, ..Head::default() };
        assert!(refused(b"", verified).contains("another than the one that was verified"));
        assert!(refused(b"", Head::default()).contains("does not tell what was opened"));
        let unchained = Link { seq: 1, hash: Hash::default(), bytes: b"{}".to_vec() };
        assert!(refused(&lines::line(&unchained), verified).contains("failed to read the journal"));
        assert!(refused(b"{}\n", verified).contains("a line of it is no record"));
    }
}
