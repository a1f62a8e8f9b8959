//! Looks a launch over: the journal, its head, the rollbacks' own logs, and the plain files that the
//! records vouch for.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::facts::{Facts, untold};
use crate::cli::site::Site;
use crate::engine::picture::hear;
use crate::engine::rollback;
use crate::journal::finding::Span;
use crate::journal::head::Found;
use crate::journal::lease::{self, Held};
use crate::journal::store::StoreError;
use crate::journal::{Inspected, LaunchFolder, OpenError, inspect};
use crate::launch::event::Mode;
use crate::launch::id::RollbackId;
use crate::launch::verdict::Captured;

/// The version of `launch.json` that this program writes.
const SITE: u32 = 1;
/// In bytes: no file beside the journal is larger.
const LARGEST: u64 = 64 << 20;
/// A launch that is flown while it is looked at is looked at again before anything is called wrong: its
/// files follow its records by some milliseconds.
const TRIES: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(150);

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Looked {
    pub held: Held,
    /// None where it could not be opened.
    pub journal: Option<Inspected>,
    pub runs: Vec<Run>,
    /// What was looked at, as words.
    pub checked: Vec<&'static str>,
    /// Wrong.
    pub findings: Vec<Said>,
    /// Could not be told.
    pub doubts: Vec<Said>,
    /// Nothing wrong, and good to know.
    pub notices: Vec<Said>,
}

/// The log of a rollback.
#[derive(Debug)]
pub struct Run {
    pub folder: String,
    pub lines: u64,
    pub held: bool,
}

/// A sentence about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// From the launch's folder.
    pub file: String,
    /// The records it is about.
    pub span: Option<Span>,
    pub what: String,
}

impl Said {
    pub fn of(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), span: None, what: what.into() }
    }
}

/// Looks `folder` over, again where a console wrote meanwhile.
pub fn look(folder: &LaunchFolder) -> Looked {
    for _ in 1..TRIES {
        let looked = once(folder);
        let moved = looked.journal.as_ref().is_some_and(|seen| seen.moved);
        let flown = !matches!(looked.held, Held::Free) || looked.runs.iter().any(|run| run.held);
        if !moved && (looked.findings.is_empty() && looked.doubts.is_empty() || !flown) {
            return looked;
        }
        std::thread::sleep(BETWEEN);
    }
    once(folder)
}

fn once(folder: &LaunchFolder) -> Looked {
    let mut looked = Looked::default();
    match lease::look(&folder.lock()) {
        Ok(held) => looked.held = held,
        // One who may only read: who has the socket holds it.
        Err(wrong) if wrong.kind() == io::ErrorKind::PermissionDenied => looked.held = hear::held(folder.path()),
        Err(wrong) => looked.doubt("lock", format!("it cannot be told who holds the launch: {wrong}")),
    }
    let mut facts = Facts::default();
    match inspect(folder, &mut |record| facts.take(record)) {
        Ok(seen) => {
            looked.journal(&seen);
            looked.journal = Some(seen);
        }
        Err(OpenError::Store { why: why @ StoreError::NoJournal(_), .. }) => {
            looked.wrong("journal.db", why.to_string());
        }
        Err(why) => looked.doubt("journal.db", why.to_string()),
    }
    // Records that are missing or foreign vouch for nothing beside them.
    let vouches = looked.journal.is_some() && looked.findings.is_empty();
    looked.findings.append(&mut facts.twice);
    looked.flown("journal.db", &facts);
    if let Some((hash, mode)) = &facts.opened {
        looked.plan(folder, hash, *mode, &facts.amended);
        looked.revisions(folder, hash, &facts.amended);
        looked.site(folder, *mode, facts.target.as_deref());
    }
    if vouches && (!facts.baseline.is_empty() || folder.baseline().exists()) {
        looked.baseline(bounded(&folder.baseline()), &facts);
    }
    if vouches {
        looked.samples(&folder.samples().as_path(), &facts.vouched);
        looked.artifacts(folder, &facts);
    }
    looked.rollbacks(folder, vouches.then_some(&facts));
    looked
}

/// The folder of a run in that of all rollbacks.
fn folder_of(run: u32, id: &RollbackId) -> String {
    let path = rollback::folder(Path::new(""), run, id);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A whole file of ours, which is never that large; a device or a pipe is none.
pub(super) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

impl Looked {
    pub(super) fn wrong(&mut self, file: impl Into<String>, what: impl Into<String>) {
        self.findings.push(Said::of(file, what));
    }

    pub(super) fn doubt(&mut self, file: impl Into<String>, what: impl Into<String>) {
        self.doubts.push(Said::of(file, what));
    }

    fn journal(&mut self, seen: &Inspected) {
        const FILE: &str = "journal.db";
        for finding in &seen.told.findings {
            self.findings.push(Said { span: finding.records(), ..Said::of(FILE, finding.to_string()) });
        }
        for span in &seen.told.unproven {
            let what = span.with("is unproven", "are unproven");
            let what = format!("{what}: what stands before is not as it was written");
            self.notices.push(Said { span: Some(*span), ..Said::of(FILE, what) });
        }
        for what in &seen.damage {
            self.wrong(FILE, format!("the database is damaged: {what}"));
        }
        for (seq, why) in &seen.told.newer {
            self.doubts.push(Said { span: Some(Span::one(*seq)), ..Said::of(FILE, format!("record {seq}: {why}")) });
        }
        if seen.epoch.is_none() {
            self.wrong(FILE, "who may write cannot be read: the lease's epoch is gone");
        }
        match seen.head {
            Found::Head(_) => {}
            Found::Garbled => self.wrong("head", "it is no head of a journal: a cut tail could not be noticed"),
            Found::Missing if seen.told.count > 0 => self.doubt("head", "it is missing: a cut tail cannot be noticed"),
            Found::Missing => {}
        }
        self.checked.push(if seen.told.count == 0 { "no record yet" } else { "every record and its place" });
        self.checked.push("the synced head");
    }

    fn site(&mut self, folder: &LaunchFolder, mode: Mode, target: Option<&str>) {
        match bounded(&folder.launch()) {
            Ok(bytes) => match serde_json::from_slice::<Site>(&bytes) {
                Ok(site) if site.version > SITE => {
                    let version = site.version;
                    let words = format!("it is of version {version}, and this tminus reads up to version {SITE}");
                    self.doubt("launch.json", format!("{words}: use a newer one"));
                }
                Ok(site) if site.target.as_deref() != target => {
                    self.wrong("launch.json", "it names another target than the launch was opened for (record 1)");
                }
                Ok(_) => self.checked.push("launch.json"),
                Err(wrong) => self.wrong("launch.json", format!("it does not say how the launch was opened: {wrong}")),
            },
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound && mode == Mode::Gate => {}
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => {
                self.wrong("launch.json", "it is missing: no console and no rollback can go on");
            }
            Err(wrong) => self.doubt("launch.json", format!("it cannot be read: {wrong}")),
        }
    }

    /// The file that a rollback reads holds what the journal captured.
    pub(super) fn baseline(&mut self, file: io::Result<Vec<u8>>, facts: &Facts) {
        const FILE: &str = "baseline.json";
        let kept = match file {
            Ok(bytes) => serde_json::from_slice::<BTreeMap<String, Captured>>(&bytes),
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(wrong) => return self.doubt(FILE, format!("it cannot be read: {wrong}")),
        };
        let kept = match kept {
            Ok(kept) => kept,
            Err(wrong) => return self.wrong(FILE, format!("it is no baseline: {wrong}")),
        };
        match facts.baselines().position(|held| held == kept) {
            Some(0) => self.checked.push("the baseline"),
            // A console that died between the record and the file: the next writes it.
            Some(_) => {
                let what = "it lacks the last that the journal captured; the next console to open the launch writes it";
                self.notices.push(Said::of(FILE, what));
            }
            None => self.wrong(FILE, "it is not what the journal captured: a rollback would go back to something else"),
        }
    }

    fn rollbacks(&mut self, folder: &LaunchFolder, facts: Option<&Facts>) {
        let all = folder.path().join("rollback");
        let mut names: Vec<String> = match fs::read_dir(&all) {
            Ok(inside) => inside
                .flatten()
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect(),
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(wrong) => return self.doubt("rollback", format!("it cannot be read: {wrong}")),
        };
        names.sort();
        let mut logs = BTreeMap::new();
        for name in names {
            let path = all.join(&name).join("log");
            if path.with_extension("broken").exists() {
                self.put_aside(&name);
            }
            if let Some(entries) = self.log(&path, &name) {
                logs.insert(name, entries);
            }
        }
        self.told_and_logged(facts, &logs, &|name| folder.path().join("rollback").join(name).exists());
    }

    /// What only a rehearsal says stands in no launch, whatever its first record claims.
    pub(super) fn flown(&mut self, file: &str, facts: &Facts) {
        if let (Some((_, Mode::Launch)), Some(seq)) = (&facts.opened, facts.simulated) {
            let what =
                format!("record {seq} says that a step was simulated: this is a rehearsal, and claims to be a launch");
            self.findings.push(Said { span: Some(Span::one(seq)), ..Said::of(file, what) });
        }
    }

    /// The log of run `name` was broken once.
    pub(super) fn put_aside(&mut self, name: &str) {
        self.wrong(format!("rollback/{name}/log.broken"), "a runner found this log broken and put it aside");
    }

    /// Holds what the journal tells of rollbacks against their logs; `exists` asks for a file beside them.
    pub(super) fn told_and_logged(
        &mut self,
        facts: Option<&Facts>,
        logs: &BTreeMap<String, Vec<rollback::Entry>>,
        exists: &dyn Fn(&str) -> bool,
    ) {
        for (run, (id, facts)) in facts.iter().flat_map(|facts| &facts.runs) {
            self.run(*run, id, facts, logs, exists);
        }
        if let Some(facts) = facts {
            self.strangers(facts, logs);
        }
        if !logs.is_empty() {
            self.checked.push("the rollbacks' logs");
        }
    }

    /// Runs that have a log, and no record.
    fn strangers(&mut self, facts: &Facts, logs: &BTreeMap<String, Vec<rollback::Entry>>) {
        let known: Vec<_> = facts.runs.iter().map(|(run, (id, _))| folder_of(*run, id)).collect();
        for name in logs.keys() {
            if known.contains(name) {
                continue;
            }
            let what = if facts.over {
                "it was begun after the launch had ended: no record tells of it, its own chained log alone does"
            } else {
                "no record tells of it yet; the console that holds the launch, or the next, reads it in"
            };
            self.notices.push(Said::of(format!("rollback/{name}/log"), what));
        }
    }

    fn log(&mut self, path: &Path, name: &str) -> Option<Vec<rollback::Entry>> {
        let held = rollback::Log::is_held(path).unwrap_or(false);
        match rollback::look_over(path) {
            Ok(looked) => Some(self.logged(looked, name, held)),
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => None,
            Err(wrong) => {
                self.doubt(format!("rollback/{name}/log"), format!("it cannot be read: {wrong}"));
                None
            }
        }
    }

    /// What was seen in the log of the rollback in the folder `name`.
    pub(super) fn logged(&mut self, looked: rollback::Looked, name: &str, held: bool) -> Vec<rollback::Entry> {
        let file = format!("rollback/{name}/log");
        for finding in &looked.told.findings {
            self.findings.push(Said { span: finding.records(), ..Said::of(file.clone(), finding.to_string()) });
        }
        for (seq, why) in &looked.told.newer {
            self.doubts
                .push(Said { span: Some(Span::one(*seq)), ..Said::of(file.clone(), format!("line {seq}: {why}")) });
        }
        if let Some(what) = looked.damage {
            self.wrong(file, what);
        }
        self.runs.push(Run { folder: name.to_owned(), lines: looked.told.count, held });
        looked.entries
    }

    /// What the journal tells of a rollback stands in its own log, where consoles read it.
    fn run(
        &mut self,
        run: u32,
        id: &RollbackId,
        facts: &[crate::launch::event::RollbackFact],
        logs: &BTreeMap<String, Vec<rollback::Entry>>,
        exists: &dyn Fn(&str) -> bool,
    ) {
        let name = folder_of(run, id);
        // Its earlier log was put aside: that is told already, and the journal tells of both.
        let aside = exists(&format!("{name}/log.broken"));
        let told: Vec<_> = logs.get(&name).into_iter().flatten().map(|entry| entry.fact.clone()).collect();
        if let (Some(at), false) = (untold(facts, &told), aside) {
            let what =
                format!("the journal tells {} facts of run {run}, and the {at}. of them is not here", facts.len());
            self.wrong(format!("rollback/{name}/log"), what);
        }
    }
}
