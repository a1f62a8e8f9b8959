//! What must hold after every kill, and at the end. Each promise is one function; a promise that is broken
//! panics with what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tminus::base::proc::OutcomeFile;
use tminus::base::source::Source;
use tminus::engine::rollback::{self, Log};
use tminus::journal::{self, LaunchFolder, Purpose, record};
use tminus::launch::board::{Board, Progress};
use tminus::launch::countdown::{CONSOLE_RESTART, Passage, Phase};
use tminus::launch::event::{Actor, Event, Recorded, RollbackFact};
use tminus::launch::gate;
use tminus::launch::id::{Attempt, ItemId};
use tminus::launch::plan::{Act, Class, Plan};
use tminus::launch::verdict::Verdict;
use tminus::plan::{Environment, Options, load};

use super::site::ROLLBACK;

/// A record as it lies in the store: what was seen of it must be there for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    pub seq: i64,
    pub hash: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// A line of the file that steps append to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub item: String,
    /// None where the command could not learn it: its shim was dead.
    pub attempt: Option<u32>,
    pub begin: bool,
    pub code: Option<i32>,
    pub pid: u32,
}

/// What one launch has shown so far.
#[derive(Default)]
pub struct Seen {
    pub records: Vec<Raw>,
    /// Kills: how many records were there, and the wall time of it.
    pub kills: Vec<(usize, i64)>,
}

pub fn lines(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [item, attempt, word, code, pid] = words[..] else { panic!("a line of the file: {line:?}") };
        let (attempt, code, pid) = (attempt.parse().ok(), code.parse().ok(), pid.parse().expect("a pid"));
        Line { item: item.to_owned(), attempt, begin: word == "begin", code, pid }
    };
    whole.lines().map(line).collect()
}

/// The records after the first `known`, whoever writes just now.
pub fn raw(launch: &Path, known: usize) -> Vec<Raw> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let read = || -> rusqlite::Result<Vec<Raw>> {
        let db = rusqlite::Connection::open_with_flags(launch.join("journal.db"), flags)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let mut all = db.prepare("SELECT seq, hash, bytes FROM records WHERE seq > ?1 ORDER BY seq")?;
        let rows = all.query_map([i64::try_from(known).expect("a number")], |row| {
            Ok(Raw { seq: row.get(0)?, hash: row.get(1)?, bytes: row.get(2)? })
        })?;
        rows.collect()
    };
    // No journal yet, or no tables in it.
    read().unwrap_or_default()
}

impl Seen {
    /// Looks while the console runs: for each line of the file, an effect, its intent is on record.
    pub fn look(&mut self, launch: &Path, log: &Path) {
        let lines = lines(log);
        let known = self.records.len();
        self.records.extend(raw(launch, known));
        intended(&lines, &self.decoded());
        told_first(launch, &lines);
    }

    pub fn decoded(&self) -> Vec<Recorded> {
        self.records.iter().map(|raw| record::decode(&raw.bytes).expect("a record reads back")).collect()
    }

    /// After a kill: the journal is whole, and everything ever seen is in it.
    pub fn after_kill(&mut self, launch: &Path, log: &Path) -> Vec<Recorded> {
        let lines = lines(log);
        let all = raw(launch, 0);
        assert!(
            all.starts_with(&self.records),
            "a record that was seen is gone, or another: {}",
            differs(&self.records, &all)
        );
        self.records = all;
        let records = self.decoded();
        if LaunchFolder::began(launch) {
            let folder = LaunchFolder::open(launch).expect("a launch");
            let opened = journal::open(&folder, Purpose::Read).expect("it reads");
            assert_eq!(opened.noticed, [], "the journal is whole");
            // A shim or a runner writes none of it.
            assert_eq!(opened.records, records, "what was read is what stands in the store");
            assert_eq!(opened.head.hash.0.to_vec(), self.records.last().map_or(vec![0; 32], |last| last.hash.clone()));
        }
        intended(&lines, &records);
        told_first(launch, &lines);
        once(&lines);
        truthful(launch, &lines, &records);
        records
    }
}

fn differs(seen: &[Raw], all: &[Raw]) -> String {
    let at = seen.iter().zip(all).position(|(seen, there)| seen != there).unwrap_or(all.len().min(seen.len()));
    let words = |raw: Option<&Raw>| raw.map(|raw| String::from_utf8_lossy(&raw.bytes).into_owned());
    format!("{} seen, {} there; {:?} became {:?}", seen.len(), all.len(), words(seen.get(at)), words(all.get(at)))
}

/// An effect without its record is the worst failure.
fn intended(lines: &[Line], records: &[Recorded]) {
    let intents: BTreeSet<(&str, u32)> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::StepIntended { item, attempt } => Some((item.as_str(), attempt.0)),
            _ => None,
        })
        .collect();
    for line in lines.iter().filter(|line| !is_of_rollback(line)) {
        let known = match line.attempt {
            Some(attempt) => intents.contains(&(line.item.as_str(), attempt)),
            None => intents.iter().any(|(item, _)| *item == line.item),
        };
        assert!(known, "an effect without its intent: {line:?}");
    }
}

fn is_of_rollback(line: &Line) -> bool {
    line.item.ends_with("-back")
}

/// A rollback's steps are in its runner's log before they happen.
fn told_first(launch: &Path, lines: &[Line]) {
    let path = rollback::log_of(launch, 1, &ROLLBACK.into());
    let mut log = None;
    for line in lines.iter().filter(|line| is_of_rollback(line)) {
        let log = log.get_or_insert_with(|| Log::follow(&path).read().expect("its log is whole"));
        let told = |fact: &RollbackFact| matches!(fact, RollbackFact::StepStarted { step } if step.as_str() == format!("{ROLLBACK}/{}", line.item));
        assert!(log.iter().any(|entry| told(&entry.fact)), "a rollback's step that its log does not tell: {line:?}");
    }
}

/// No attempt begins twice; of class once, none after the first that began.
fn once(lines: &[Line]) {
    let mut begun: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.begin) {
        begun.entry(&line.item).or_default().push(line);
    }
    for (item, lines) in begun {
        let attempts: BTreeSet<Option<u32>> = lines.iter().map(|line| line.attempt).collect();
        assert_eq!(attempts.len(), lines.len(), "an attempt began twice: {lines:?}");
        assert!(!item.starts_with("once") || lines.len() == 1, "a step of class once happened twice: {lines:?}");
    }
}

/// Every end on record is what happened, or says that it is not known.
fn truthful(launch: &Path, lines: &[Line], records: &[Recorded]) {
    let folder = LaunchFolder::open(launch);
    for record in records {
        let Event::StepEnded { item, attempt, verdict, outcome } = &record.event else { continue };
        let path = folder.as_ref().expect("a launch").step(item, *attempt).join("outcome.json");
        let file: Option<OutcomeFile> =
            std::fs::read(&path).ok().map(|bytes| serde_json::from_slice(&bytes).expect("a whole file"));
        let of = |line: &&Line| line.item == item.as_str() && line.attempt == Some(attempt.0);
        let ended = lines.iter().filter(of).find(|line| !line.begin);
        let said = format!("{item} #{}: {verdict} {outcome:?}, file {file:?}, line {ended:?}", attempt.0);
        match (&file, outcome.never_ran) {
            (None, never) => {
                assert!(!never && outcome.error.is_some(), "no outcome was left: {said}");
                assert_eq!(*verdict, Verdict::Unknown, "nobody can know: {said}");
            }
            (Some(file), true) => {
                assert!(file.never_ran && !lines.iter().any(|line| of(&line)), "it did run: {said}");
                assert_eq!(*verdict, Verdict::Unknown, "{said}");
            }
            (Some(file), false) => {
                assert_eq!((file.exit, file.signal), (outcome.exit, outcome.signal), "learnt otherwise: {said}");
                // A simulated step, and one of another plan, write no lines.
                if let (Some(code), false) = (outcome.exit, outcome.simulated) {
                    assert_eq!(ended.and_then(|line| line.code), Some(code), "another exit than it had: {said}");
                }
                let wanted = match outcome.exit {
                    // A rollback ended it: it was not let do what it was for.
                    _ if outcome.cancelled => Verdict::Fail,
                    Some(0) => Verdict::Pass,
                    Some(3) => Verdict::Warn,
                    Some(126 | 127) | None => Verdict::Unknown,
                    Some(_) => Verdict::Fail,
                };
                assert_eq!(*verdict, wanted, "{said}");
            }
        }
    }
}

/// The frozen plan.
pub fn plan(launch: &Path) -> Arc<Plan> {
    let text = std::fs::read_to_string(launch.join("plan.toml")).expect("a frozen plan");
    let environment: Environment = [("SMOKE_USERNAME", "unused"), ("SMOKE_PASSWORD", "unused")].into_iter().collect();
    let options = Options { rehearsal: true, ..Options::default() };
    Arc::new(load(Source::new("plan.toml", text), &environment, &options).expect("a sound plan").plan)
}

/// The whole journal, folded step by step: T, the marks, what may happen once.
pub fn told(plan: &Arc<Plan>, records: &[Recorded], kills: &[(usize, i64)], real: bool) -> Board {
    let mut board = Board::new(Arc::clone(plan));
    let (mut lifted, mut watch) = (0, Watch::default());
    let mut opened: BTreeSet<String> = BTreeSet::new();
    for (place, record) in records.iter().enumerate() {
        let before = board.clone();
        let was = before.mark_at(before.at);
        board.apply(record);
        let at = |what: &str| format!("{what} at record {}: {:?}", record.seq, record.event);
        assert!(record.at >= before.at, "{}", at("the axis ran backwards"));
        let recycled = matches!(record.event, Event::Recycled { .. });
        assert!(recycled || place == 0 || board.mark_at(board.at) <= was, "{}", at("T ran backwards"));
        match &record.event {
            Event::Passed(Passage::Liftoff) => lifted += 1,
            Event::PhaseOpened { phase } => {
                let first = opened.insert(phase.to_string());
                let due = plan.phase(phase).is_some_and(|phase| board.mark_at(record.at) <= phase.at);
                assert!(first && due, "{}", at("a phase opened twice, or early"));
            }
            Event::StepIntended { item, attempt } | Event::ItemStarted { item, attempt } => {
                let known = plan.item(item).expect("an item");
                assert!(before.mark_at(record.at) <= known.at, "{}", at("an item began before its mark"));
                let last = before.item(item).and_then(|state| state.attempt).map_or(0, |attempt| attempt.0);
                assert_eq!(attempt.0, last + 1, "{}", at("an attempt was left out"));
                let running = before.item(item).is_some_and(|state| state.is_running());
                assert!(!running, "{}", at("an attempt began while another ran"));
                repeated(&before, item, class_of(&known.act), record, &at("a step was repeated"));
            }
            Event::ConsoleReturned { clean: false, .. } => {
                // Of several that died with nothing more on record, the first alone had watched.
                let killed_at = kills.iter().find(|(count, _)| real && *count == place).map(|(_, at)| *at);
                returned(&before, &board, record, killed_at.map(|at| watch.ran(&before, at)));
            }
            _ => {}
        }
        watch.keeps(record);
    }
    assert!(lifted <= 1, "T-0 fired {lifted} times");
    board
}

fn class_of(act: &Act) -> Option<Class> {
    match act {
        Act::Step { class, .. } => Some(*class),
        _ => None,
    }
}

/// By itself nothing with a side effect is done again, and nothing of class once by a key alone.
fn repeated(before: &Board, item: &ItemId, class: Option<Class>, record: &Recorded, at: &str) {
    let Some(state) = before.item(item) else { return };
    let (Some(class), true) = (class, state.attempt.is_some()) else { return };
    let never = state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran);
    let key = record.actor != Actor::engine() && class == Class::Idempotent;
    assert!(class == Class::Readonly || never || key, "{at}");
}

/// What the wall said where the axis of the console at work began. What is recorded late stands where it was
/// due, never later than when it was written: the least difference is the one nothing was late for.
#[derive(Default)]
struct Watch {
    origin: Option<i64>,
}

impl Watch {
    fn keeps(&mut self, record: &Recorded) {
        let here = record.recorded_at.timestamp_millis() - record.at.0;
        let begins = matches!(record.event, Event::LaunchOpened { .. } | Event::ConsoleReturned { .. });
        self.origin = Some(self.origin.filter(|_| !begins).map_or(here, |origin| origin.min(here)));
    }

    /// For how many milliseconds the clock was watched after where `board` stands, until `killed_at`.
    fn ran(&self, board: &Board, killed_at: i64) -> i64 {
        killed_at - self.origin.expect("a record before") - board.at.0
    }
}

/// After a crash before T-0 it comes back holding, at a T that was watched.
fn returned(before: &Board, board: &Board, record: &Recorded, watched: Option<i64>) {
    let (Some(was), Some(is)) = (&before.clock, &board.clock) else { return };
    if was.phase != Phase::Counting {
        assert_eq!(was.phase, is.phase, "a return changes nothing else: {record:?}");
        assert_eq!((was.t0, was.t), (is.t0, is.t), "{record:?}");
        return;
    }
    assert_eq!(is.phase, Phase::Holding, "it counts on though nobody watched: {record:?}");
    assert!(is.latches.contains_key(CONSOLE_RESTART), "{record:?}");
    let Some(watched) = watched else { return };
    let ran = was.t - is.t;
    assert!(ran <= watched + 50, "T ran {ran} ms, {watched} of them watched: {record:?}");
}

/// Where it ended: nothing hangs, every line has its word.
pub fn over(board: &Board, launch: &Path, lines: &[Line]) {
    for (id, state) in &board.items {
        assert!(!state.is_running(), "{id} is stuck: {state:?}");
        // Nothing more begins beside a rollback, or after it.
        if !board.rollbacks.is_empty() && !matches!(state.progress, Progress::Ended { .. }) {
            continue;
        }
        let Progress::Ended { verdict, .. } = state.progress else { panic!("{id} was left out: {state:?}") };
        let Some(item) = board.plan.item(id) else { continue };
        match &item.act {
            Act::Step { .. } => {
                let began = lines.iter().any(|line| line.item == id.as_str() && line.begin);
                assert!(began || verdict == Verdict::Unknown, "{id} is {verdict}, and never began");
            }
            // The server was there all along: killed or not, what it says is known.
            Act::Check(_) => {
                let wanted = if id.as_str().starts_with("good") { Verdict::Pass } else { Verdict::Fail };
                assert_eq!(verdict, wanted, "{id}");
            }
            _ => assert_eq!(verdict, Verdict::Pass, "{id}"),
        }
        let attempt = state.attempt.unwrap_or(Attempt(0));
        let folder = LaunchFolder::open(launch).expect("a launch").step(id, attempt);
        let outcome: Option<OutcomeFile> = std::fs::read(folder.join("outcome.json"))
            .ok()
            .map(|bytes| serde_json::from_slice(&bytes).expect("a whole file"));
        if let Some(file) = outcome.filter(|file| file.exit.is_some()) {
            assert_ne!(verdict, Verdict::Unknown, "{id}'s outcome lies there and was not learnt: {file:?}");
        }
    }
}

/// What the journal holds of each rollback is what its runner wrote into its own log, in that order.
pub fn rollbacks(launch: &Path, records: &[Recorded], over: bool) {
    let asked = records.iter().filter_map(|record| match &record.event {
        Event::RollbackRequested { rollback, run, .. } => Some((rollback, *run)),
        _ => None,
    });
    for (id, run) in asked {
        let told: Vec<&RollbackFact> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::RollbackTold { run: of, fact } if *of == run => Some(fact),
                _ => None,
            })
            .collect();
        let log: Vec<RollbackFact> = Log::follow(&rollback::log_of(launch, run, id))
            .read()
            .expect("its log is whole")
            .into_iter()
            .map(|entry| entry.fact)
            .collect();
        // Where its runner died and no other could be started, the console says so, last.
        let own = told.last().is_some_and(|last| matches!(last, RollbackFact::Ended { .. }) && !log.contains(last));
        let told = &told[..told.len() - usize::from(own)];
        assert!(told.len() <= log.len() && told.iter().zip(&log).all(|(told, log)| *told == log), "{told:?}\n{log:?}");
        assert!(!over || own || told.len() == log.len(), "not all that it told was learnt: {told:?}\n{log:?}");
        let ends = log.iter().filter(|fact| matches!(fact, RollbackFact::Ended { .. })).count();
        assert!(ends <= 1, "it ended twice: {log:?}");
    }
}

/// The final console's words are those of the journal.
pub fn printed(board: &Board, out: &str) {
    for phase in &board.plan.phases {
        let standing = gate::standing(board, phase, board.at);
        let counts = format!("{}/{}", standing.clear, standing.total);
        let line = out.lines().find(|line| line.contains(&format!(" {}: ", phase.title)));
        let line = line.unwrap_or_else(|| panic!("no {} in\n{out}", phase.title));
        assert!(line.contains(&counts), "{line}, and the journal says {counts}");
    }
    assert!(out.contains(&format!("({} records)", board.seq)), "{out}\nand the journal has {}", board.seq);
}
