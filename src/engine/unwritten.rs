//! A journal that cannot be written: what waits for it, in memory and in a side file on another path, and
//! when it is tried again. What may happen meanwhile is decided in `launch::unwritten`.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant as WireInstant;

use crate::base::text::printable;
use crate::journal::side::{self, Left, Of, Side};
use crate::journal::store::StoreError;
use crate::journal::{AppendError, Draft};
use crate::launch::board::Board;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::time::Now;
use crate::launch::unwritten::Tail;

/// How often a write that failed is tried again.
pub const AGAIN: Duration = Duration::from_millis(250);

/// From the first write that failed to the first that does not.
pub struct Unwritten {
    /// Up to here everything was recorded.
    since: Now,
    why: String,
    /// This console will never write again.
    lasting: bool,
    tail: Tail,
    aside: Aside,
    try_at: WireInstant,
}

/// The side file, as far as there is one.
enum Aside {
    /// No path shares not the fate of the journal.
    Nowhere,
    /// Made with the first record.
    At(PathBuf, Of),
    Kept(Side),
    /// What was kept before it failed lies there still.
    Failed(PathBuf, String),
}

/// Why a write failed.
#[must_use]
pub fn reason(wrong: &AppendError) -> String {
    match wrong {
        AppendError::Store(why) => why.to_string(),
        other => other.to_string(),
    }
}

impl Unwritten {
    /// `side` is where the side file goes, and of which launch it is.
    #[must_use]
    pub fn new(since: Now, why: String, lasting: bool, side: Option<(PathBuf, Of)>) -> Self {
        let aside = side.map_or(Aside::Nowhere, |(path, of)| Aside::At(path, of));
        Self { since, why, lasting, tail: Tail::default(), aside, try_at: WireInstant::now() + AGAIN }
    }

    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// This console will never write again.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }

    #[must_use]
    pub fn try_at(&self) -> Option<WireInstant> {
        (!self.lasting).then_some(self.try_at)
    }

    /// Up to here everything was recorded.
    #[must_use]
    pub fn since(&self) -> Now {
        self.since
    }

    /// Keeps `records` until they can be written. A side file that fails is done without.
    pub fn keep(&mut self, records: &[Recorded]) {
        if records.is_empty() {
            return;
        }
        records.iter().for_each(|record| self.tail.push(record.clone()));
        // Whoever reads it in was not told that we left; a console that could not write did not leave cleanly.
        let aside: Vec<Recorded> =
            records.iter().filter(|record| record.event != Event::ConsoleLeft).cloned().collect();
        let (path, side) = match std::mem::replace(&mut self.aside, Aside::Nowhere) {
            Aside::At(path, of) => (path.clone(), Side::create(&path, of)),
            Aside::Kept(side) => (side.path().to_owned(), Ok(side)),
            other => {
                self.aside = other;
                return;
            }
        };
        let kept = side.and_then(|mut side| {
            side.keep(&aside, self.tail.records())?;
            Ok(side)
        });
        self.aside = kept.map_or_else(|wrong| Aside::Failed(path, wrong.to_string()), Aside::Kept);
    }

    /// It was tried again, and failed.
    pub fn failed(&mut self, wrong: &AppendError) {
        self.why = reason(wrong);
        self.lasting = lasts(wrong);
        self.try_at = WireInstant::now() + AGAIN;
    }

    /// The journal went on without us: what still tells something on `board`, which has `stop` already.
    pub fn rebase(&mut self, stop: Vec<Recorded>, board: &Board) -> Vec<Recorded> {
        let due = self.tail.due_on(board);
        self.tail.replace(stop.into_iter().chain(due.iter().cloned()));
        self.try_at = WireInstant::now();
        due
    }

    /// What is to be written now: that nothing could be, and what happened meanwhile, each as of when it did.
    #[must_use]
    pub fn drafts(&self, now: Now) -> Vec<Draft> {
        let merged = match self.tail.merged() {
            0 => String::new(),
            merged => format!("; {merged} changes that a later one made void are not kept"),
        };
        let (from, to) = (self.since.wall.format("%H:%M:%S"), now.wall.format("%H:%M:%S UTC"));
        let text = format!("from {from} to {to} nothing could be recorded: {}{merged}", self.why);
        let outage = Draft {
            // Not later than what follows: nothing that the clock passed since is passed unsaid.
            at: self.since.instant,
            occurred_at: self.since.wall,
            recorded_at: now.wall,
            actor: Actor::engine(),
            event: Event::Noted { text },
        };
        let tail = self.tail.records().iter().map(|record| late(record, now));
        std::iter::once(outage).chain(tail).collect()
    }

    /// The banner that stays until the journal is written.
    #[must_use]
    pub fn banner(&self, board: &Board) -> String {
        let rollback = board.rolling_back().map_or_else(
            || "GO and every step refused, rollback possible".to_owned(),
            |run| format!("rollback {} #{} runs all the same", run.id, run.run),
        );
        let kept = self.tail.records().len();
        let place = match &self.aside {
            Aside::Kept(side) => format!("in memory and in {}", printable(&side.path().display().to_string())),
            Aside::Failed(_, wrong) => format!("in memory alone ({wrong})"),
            Aside::Nowhere | Aside::At(..) => "in memory alone".to_owned(),
        };
        let never = if self.lasting { "; this console will not write it again" } else { "" };
        format!("the journal cannot be written: {}{never}; {rollback}; {kept} records kept {place}", self.why)
    }

    /// All of it is in the journal and synced. A sentence where the side file could not be removed.
    #[must_use]
    pub fn written(self) -> Option<String> {
        let path = match self.aside {
            Aside::Kept(side) => side.path().to_owned(),
            Aside::Failed(path, _) => path,
            Aside::Nowhere | Aside::At(..) => return None,
        };
        side::remove(&path).err().map(|wrong| format!("{} could not be removed: {wrong}", path.display()))
    }
}

/// Whether trying the same again can never work.
#[must_use]
pub fn lasts(wrong: &AppendError) -> bool {
    match wrong {
        AppendError::Store(why) => !why.may_pass(),
        AppendError::Closed => true,
        AppendError::Refused(_) | AppendError::ReadIn(_) => false,
    }
}

/// Another console took the launch over.
#[must_use]
pub fn is_fenced(wrong: &AppendError) -> bool {
    matches!(wrong, AppendError::Store(why) if matches!(**why, StoreError::LeaseLost { .. }))
}

/// Which launch a side file is of: another one in the same folder is another.
#[must_use]
pub fn launch_of(board: &Board) -> String {
    let opened = board.opened_at.map(|at| at.timestamp_millis()).unwrap_or_default();
    format!("{} {opened}", board.plan.hash)
}

/// What a side file that was found has to say to a journal which came to `board`: nothing where its console
/// had recorded it and died before it could remove the file.
#[must_use]
pub fn left_behind(left: &Left, board: &Board, now: Now) -> Vec<Draft> {
    let mut tail = Tail::default();
    tail.replace(left.records.iter().cloned());
    let after = board.recent.iter().filter(|record| record.seq > left.of.after);
    let written: Vec<Recorded> = after.map(|record| record.as_ref().clone()).collect();
    if tail.is_in(&written) {
        return Vec::new();
    }
    let due = tail.due_on(board);
    let Some(first) = due.first() else { return Vec::new() };
    let torn = if left.torn { ", of which the last was torn" } else { "" };
    let path = printable(&left.path.display().to_string());
    let text = format!("an earlier console could not record {} events{torn}: read in from {path}", due.len());
    let (at, occurred_at, recorded_at) = (first.at, first.occurred_at, now.wall);
    let noted = Draft { at, occurred_at, recorded_at, actor: Actor::engine(), event: Event::Noted { text } };
    std::iter::once(noted).chain(due.iter().map(|record| late(record, now))).collect()
}

/// As of when it happened, recorded now.
fn late(record: &Recorded, now: Now) -> Draft {
    let Recorded { at, occurred_at, actor, event, .. } = record.clone();
    Draft { at, occurred_at, recorded_at: now.wall, actor, event }
}
