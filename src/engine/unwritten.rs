//! A journal that cannot be written: what waits for it, in memory and in a side file on another path, and
//! when it is tried again. What may happen meanwhile is decided in `launch::unwritten`.

use std::path::{Path, PathBuf};
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

/// A launch without anybody at it waits no longer for its journal: whoever started it must learn of it.
pub const ENOUGH: Duration = Duration::from_secs(600);

/// From the first write that failed to the first that does not.
pub struct Unwritten {
    /// Up to here everything was recorded.
    since: Now,
    why: String,
    /// This console will never write again.
    lasting: bool,
    tail: Tail,
    aside: Aside,
    begun_at: WireInstant,
    try_at: WireInstant,
    /// When what waited was handed over last, and the words on the outage that went before it.
    handed: Option<(Now, String)>,
}

/// The side file, as far as there is one.
enum Aside {
    /// No path shares not the fate of the journal.
    Nowhere,
    /// Made with the first record.
    At(PathBuf, Of),
    Kept(Side),
    /// What was kept before it failed, where there was anything, lies there still.
    Failed {
        path: PathBuf,
        of: Of,
        part: Option<Side>,
        why: String,
    },
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
        let begun_at = WireInstant::now();
        Self { since, why, lasting, tail: Tail::default(), aside, begun_at, try_at: begun_at + AGAIN, handed: None }
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

    /// It lasts for longer than a launch without anybody at it waits.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.begun_at.elapsed() >= ENOUGH
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
        self.set_aside(records);
    }

    /// Keeps in the side file what is `new`; all of it where there is no side file, or one that is none any more.
    fn set_aside(&mut self, new: &[Recorded]) {
        // Whoever reads it in was not told that we left; a console that could not write did not leave cleanly.
        let stays = |records: &[Recorded]| -> Vec<Recorded> {
            records.iter().filter(|record| record.event != Event::ConsoleLeft).cloned().collect()
        };
        let (new, all) = (stays(new), stays(self.tail.records()));
        let anew = |path: &Path, of: &Of| {
            let mut side = Side::create(path, of.clone())?;
            side.keep(&all, &all)?;
            Ok::<Side, std::io::Error>(side)
        };
        let (path, of, part, wrong) = match std::mem::replace(&mut self.aside, Aside::Nowhere) {
            Aside::Kept(mut side) if side.is_there() => match side.keep(&new, &all) {
                Ok(()) => return self.aside = Aside::Kept(side),
                Err(wrong) => (side.path().to_owned(), side.of().clone(), Some(side), wrong),
            },
            Aside::Kept(side) => match anew(side.path(), side.of()) {
                Ok(side) => return self.aside = Aside::Kept(side),
                Err(wrong) => (side.path().to_owned(), side.of().clone(), None, wrong),
            },
            Aside::At(path, of) => match anew(&path, &of) {
                Ok(side) => return self.aside = Aside::Kept(side),
                Err(wrong) => (path, of, None, wrong),
            },
            Aside::Failed { path, of, part: None, .. } if !path.exists() => match anew(&path, &of) {
                Ok(side) => return self.aside = Aside::Kept(side),
                Err(wrong) => (path, of, None, wrong),
            },
            other => return self.aside = other,
        };
        self.aside = Aside::Failed { path, of, part, why: wrong.to_string() };
    }

    /// What becomes of what waits where this console goes: the place that holds it, or that it is lost. Once
    /// more a side file is tried, where there is none.
    pub fn parting(&mut self) -> Option<String> {
        if matches!(self.aside, Aside::At(..) | Aside::Failed { .. }) && self.waiting() > 0 {
            self.set_aside(&[]);
        }
        self.waits()
    }

    fn waiting(&self) -> usize {
        self.tail.records().iter().filter(|record| record.event != Event::ConsoleLeft).count()
    }

    /// A sentence on what waits, for whoever leaves or is taken over; none where nothing does.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        let waiting = self.waiting();
        let shown = |path: &Path| printable(&path.display().to_string());
        let (records, wait, are) = match waiting {
            1 => ("1 record was never recorded".to_owned(), "it waits", "is"),
            _ => (format!("{waiting} records were never recorded"), "they wait", "are"),
        };
        let lost = format!("{records} and {are} lost with this console");
        (waiting > 0).then(|| match &self.aside {
            Aside::Kept(side) => format!("{records} here: {wait} in {}", shown(side.path())),
            Aside::Failed { path, part: Some(_), why, .. } => {
                format!("{lost}, but for what {} holds ({why})", shown(path))
            }
            Aside::Failed { why, .. } => format!("{lost} ({why})"),
            Aside::Nowhere | Aside::At(..) => lost,
        })
    }

    /// The disk has not answered yet.
    pub fn wait(&mut self) {
        self.try_at = WireInstant::now() + AGAIN;
    }

    /// It was tried again, and failed.
    pub fn failed(&mut self, wrong: &AppendError) {
        self.why = reason(wrong);
        self.lasting = lasts(wrong);
        self.try_at = WireInstant::now() + AGAIN;
    }

    /// The journal went on without us, by what was `found`: what still tells something on `board`, which has
    /// `stop` already.
    pub fn rebase(&mut self, found: &[Recorded], stop: Vec<Recorded>, board: &Board) -> Vec<Recorded> {
        // The outage up to there is told: what follows is one of its own, that of a disk which answered late.
        if let Some((at, words)) = self.handed.take()
            && found.iter().any(|record| matches!(&record.event, Event::Noted { text, .. } if *text == words))
        {
            self.since = at;
        }
        self.tail.leave_out(found);
        let due = self.tail.due_on(board);
        self.tail.replace(stop.into_iter().chain(due.iter().cloned()));
        self.try_at = WireInstant::now();
        due
    }

    /// What is to be written now: that nothing could be, and what happened meanwhile, each as of when it did.
    #[must_use]
    pub fn drafts(&mut self, now: Now) -> Vec<Draft> {
        let merged = match self.tail.merged() {
            0 => String::new(),
            merged => format!("; {merged} changes that a later one made void are not kept"),
        };
        let (from, to) = (self.since.wall.format("%H:%M:%S"), now.wall.format("%H:%M:%S UTC"));
        let text = format!("from {from} to {to} nothing could be recorded: {}{merged}", self.why);
        self.handed = Some((now, text.clone()));
        let outage = Draft {
            // Not later than what follows: nothing that the clock passed since is passed unsaid.
            at: self.since.instant,
            occurred_at: self.since.wall,
            recorded_at: now.wall,
            actor: Actor::engine(),
            event: Event::noted(text),
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
            Aside::Failed { why, .. } => format!("in memory alone ({why})"),
            Aside::Nowhere | Aside::At(..) => "in memory alone".to_owned(),
        };
        let never = if self.lasting { "; this console will not write it again" } else { "" };
        format!("the journal cannot be written: {}{never}; {rollback}; {kept} records kept {place}", self.why)
    }

    /// All of it is in the journal and synced: its side file goes, where it is still ours and this console
    /// `acts` still. A sentence where it could not be removed.
    #[must_use]
    pub fn written(self, acts: bool) -> Option<String> {
        let side = match self.aside {
            Aside::Kept(side) => side,
            Aside::Failed { part, .. } => part?,
            Aside::Nowhere | Aside::At(..) => return None,
        };
        if !acts || !side.is_there() {
            return None;
        }
        side::remove(side.path()).err().map(|wrong| format!("{} could not be removed: {wrong}", side.path().display()))
    }
}

/// Whether trying the same again can never work.
#[must_use]
pub fn lasts(wrong: &AppendError) -> bool {
    match wrong {
        AppendError::Store(why) => !why.may_pass(),
        AppendError::Closed => true,
        AppendError::Refused(_) | AppendError::ReadIn(_) | AppendError::NoAnswer => false,
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

/// What a side file that was found has to say to a journal which came to `board`: nothing of what its
/// console had recorded before it died and could not remove the file.
#[must_use]
pub fn left_behind(left: &Left, board: &Board, now: Now) -> Vec<Draft> {
    let mut tail = Tail::default();
    tail.replace(left.records.iter().cloned());
    let after = board.recent.iter().filter(|record| record.seq > left.of.after);
    let written: Vec<Recorded> = after.map(|record| record.as_ref().clone()).collect();
    tail.leave_out(&written);
    let due = tail.due_on(board);
    let Some(first) = due.first() else { return Vec::new() };
    let torn = if left.torn { ", of which the last was torn" } else { "" };
    let path = printable(&left.path.display().to_string());
    let text = format!("an earlier console could not record {} events{torn}: read in from {path}", due.len());
    let (at, occurred_at, recorded_at) = (first.at, first.occurred_at, now.wall);
    let noted = Draft { at, occurred_at, recorded_at, actor: Actor::engine(), event: Event::noted(text) };
    std::iter::once(noted).chain(due.iter().map(|record| late(record, now))).collect()
}

/// As of when it happened, recorded now.
fn late(record: &Recorded, now: Now) -> Draft {
    let Recorded { at, occurred_at, actor, event, .. } = record.clone();
    Draft { at, occurred_at, recorded_at: now.wall, actor, event }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::launch::time::{Instant, Wall};

    fn of() -> Of {
        Of { launch: "abc 1700000000000".into(), after: 7 }
    }

    fn unwritten(side: Option<&Path>) -> Unwritten {
        let now = Now { instant: Instant(0), wall: Wall::default() };
        Unwritten::new(now, "the disk is full".into(), false, side.map(|path| (path.to_owned(), of())))
    }

    fn record(seq: u64, event: Event) -> Recorded {
        let at = Wall::default();
        Recorded { seq, at: Instant(0), occurred_at: at, recorded_at: at, actor: Actor::engine(), event }
    }

    fn noted(seq: u64) -> Recorded {
        record(seq, Event::noted(format!("note {seq}")))
    }

    #[tokio::test]
    async fn whoever_leaves_is_told_what_is_lost_and_what_is_not() {
        let mut nowhere = unwritten(None);
        assert_eq!(nowhere.waits(), None);
        nowhere.keep(&[noted(8), noted(9), record(10, Event::ConsoleLeft)]);
        let words = nowhere.waits().expect("they wait");
        assert_eq!(words, "2 records were never recorded and are lost with this console");

        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("side");
        fs::write(&folder, "no folder").expect("written");
        let path = folder.join("one.side");
        let mut failing = unwritten(Some(&path));
        failing.keep(&[noted(8)]);
        let words = failing.waits().expect("they wait");
        assert!(words.starts_with("1 record was never recorded and is lost with this console ("), "{words}");
        fs::remove_file(&folder).expect("removed");
        let words = failing.parting().expect("they wait");
        assert_eq!(words, format!("1 record was never recorded here: it waits in {}", path.display()));
        assert_eq!(side::read(&path).expect("reads").expect("there").records, [noted(8)]);
    }

    #[tokio::test]
    async fn a_side_file_that_is_ours_no_more_is_made_anew_while_we_write_and_left_where_we_do_not() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("tminus/one.side");
        let mut ours = unwritten(Some(&path));
        ours.keep(&[noted(8)]);
        // As a run time folder goes with its user's last session.
        fs::remove_dir_all(place.path().join("tminus")).expect("removed");
        ours.keep(&[noted(9)]);
        assert_eq!(side::read(&path).expect("reads").expect("there").records, [noted(8), noted(9)]);

        let mut theirs = unwritten(Some(&path));
        theirs.keep(&[noted(12)]);
        assert_eq!(ours.written(true), None);
        assert_eq!(side::read(&path).expect("reads").expect("there").records, [noted(12)], "another console's stays");
        assert_eq!(theirs.written(false), None);
        assert!(path.exists(), "one that acts no more removes nothing");
    }
}
