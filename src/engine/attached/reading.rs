//! The journal of a launch that another console writes, read on as it grows and folded into a board: the
//! chain is checked link by link, and where it ends or breaks the board stands still.

use std::sync::Arc;

use crate::engine::revisions;
use crate::journal::beside::{self, Stamp};
use crate::journal::chain::{Broken, Head, Walk, Wrong, say};
use crate::journal::head::{self, Found};
use crate::journal::sqlite::Sqlite;
use crate::journal::store::Store as _;
use crate::journal::{Beat, LaunchFolder};
use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded};
use crate::launch::plan::Plan;
use crate::launch::time::{Instant, Wall};

/// A journal being followed.
#[derive(Debug)]
pub struct Reading {
    folder: LaunchFolder,
    plan: Arc<Plan>,
    store: Option<Sqlite>,
    walk: Walk,
    /// The last record that was folded.
    head: Head,
    /// A record that this build cannot read: nothing after it is folded.
    unread: Option<String>,
    board: Board,
    beat: Option<Beat>,
    /// When the last record was made, on both axes.
    last: Option<(Instant, Wall)>,
    wrong: Option<String>,
    other_plan: bool,
    /// Why a plan that the launch was amended to cannot be shown.
    lacks: Option<String>,
    beside: Option<Beside>,
}

/// Of a journal that this user may only read: it is opened anew at each look at which something was written.
#[derive(Debug, Default)]
struct Beside {
    stamp: Stamp,
    /// Looks in a row that found something wrong: the holder may have moved its log meanwhile.
    doubts: u32,
}

/// So many looks find the same wrong before it is said of a journal that is read beside its writer.
const DOUBTS: u32 = 5;

/// What tells how far a board can be believed.
#[derive(Debug, Clone, Copy)]
pub struct Signs<'a> {
    pub board: &'a Board,
    /// The newest moment that the holder vouches for, on both axes.
    pub last: Option<(Instant, Wall)>,
    /// Why no more than this can be read, where that is so.
    pub wrong: Option<&'a str>,
}

impl Reading {
    /// The journal in `folder`, from its start; nothing is read yet.
    #[must_use]
    pub fn new(folder: LaunchFolder, plan: Arc<Plan>) -> Self {
        let board = Board::new(Arc::clone(&plan));
        let (store, walk, head, unread) = (None, Walk::default(), Head::default(), None);
        let beside = beside::is_needed(&folder.journal()).then(Beside::default);
        Self {
            folder,
            plan,
            store,
            walk,
            head,
            unread,
            board,
            beat: None,
            last: None,
            wrong: None,
            other_plan: false,
            lacks: None,
            beside,
        }
    }

    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    #[must_use]
    pub fn signs(&self) -> Signs<'_> {
        let beat = self.beat.map(|beat| (beat.at, beat.wall));
        let last = beat.into_iter().chain(self.last).max_by_key(|(at, _)| *at);
        Signs { board: &self.board, last, wrong: self.wrong.as_deref() }
    }

    /// Reads what came since the last look; `each` sees every new record, and the
    /// board that it came to. True where there was any. What
    /// stops it is kept in words, and tried again at the next look: a torn tail is cut by the next holder.
    pub fn read_on(&mut self, each: &mut dyn FnMut(&Recorded, &Board)) -> bool {
        if self.unread.is_some() {
            // Whether its holder is heard has nothing to do with what this build can read.
            if self.beside.is_some() {
                self.store = Sqlite::open_to_read(&self.folder.journal()).ok();
            }
            self.beat = self.store.as_mut().and_then(|store| store.beat().ok().flatten()).or(self.beat);
            return false;
        }
        let before = self.head;
        if self.is_as_before() {
            return false;
        }
        let read = self.read(each);
        if self.doubts(!matches!(read, Ok(None))) {
            return self.head != before;
        }
        self.wrong = match read {
            Err(why) => {
                // A store that fails is opened anew.
                self.store = None;
                Some(format!("the journal cannot be read: {why}"))
            }
            Ok(Some(wrong @ (Wrong::Undecodable { .. } | Wrong::Broken(Broken::Misplaced { .. })))) => {
                self.unread = Some(format!("shown up to record {}: {wrong}", self.head.seq));
                self.unread.clone()
            }
            Ok(Some(wrong)) => Some(format!("shown up to record {}: {wrong}", self.head.seq)),
            Ok(None) if self.other_plan => {
                Some("plan.toml is not the plan this launch was opened with: what is shown may be wrong".to_owned())
            }
            Ok(None) => self.lacks.clone().filter(|_| self.board.revisions.missing.is_some()),
        };
        self.head != before
    }

    /// Whether nothing was written since the last look at a journal that this user may only read.
    fn is_as_before(&mut self) -> bool {
        let path = self.folder.journal();
        let Some(beside) = &mut self.beside else { return false };
        // What a connection of this kind saw once it sees for ever.
        self.store = None;
        let stamp = beside::stamp(&path);
        let same = std::mem::replace(&mut beside.stamp, stamp) == stamp;
        same && beside.doubts == 0
    }

    /// Whether what is wrong may be so because the writer was not waited for: then it is looked at again first.
    fn doubts(&mut self, wrong: bool) -> bool {
        let Some(beside) = &mut self.beside else { return false };
        beside.doubts = if wrong { beside.doubts.saturating_add(1) } else { 0 };
        wrong && beside.doubts < DOUBTS
    }

    fn read(&mut self, each: &mut dyn FnMut(&Recorded, &Board)) -> Result<Option<Wrong>, String> {
        if self.store.is_none() {
            // The head first: whoever appends meanwhile only makes the store longer than this head.
            let found = head::read(&self.folder.head()).map_err(|why| why.to_string())?;
            self.store = Some(Sqlite::open_to_read(&self.folder.journal()).map_err(|why| why.to_string())?);
            if let (Found::Head(head), 0) = (found, self.head.seq) {
                self.walk = Walk::new(Some(head));
            }
        }
        let Some(store) = &mut self.store else { return Ok(None) };
        let (walk, head, board, last) = (&mut self.walk, &mut self.head, &mut self.board, &mut self.last);
        let (hash, other_plan) = (&self.plan.hash, &mut self.other_plan);
        let (folder, lacks) = (&self.folder, &mut self.lacks);
        let mut wrong = None;
        let after = head.seq;
        let read = store.read_after(after, &mut |link| match walk
            .prove(&link)
            .map_err(Wrong::from)
            .and_then(|proven| Ok((proven, say(link.seq, &link.bytes)?)))
        {
            Ok((proven, record)) => {
                *head = proven;
                if let Event::LaunchOpened { plan_hash, .. } = &record.event {
                    *other_plan = *plan_hash != *hash;
                }
                if let Event::PlanAmended { revision, plan_hash, .. } = &record.event
                    && board.revisions.get(plan_hash).is_none()
                {
                    match revisions::load(folder, *revision, plan_hash) {
                        Ok(plan) => board.revisions.learn(&plan),
                        Err(why) => *lacks = Some(format!("{why}; what is shown goes by an older plan")),
                    }
                }
                *last = Some((record.at, record.recorded_at));
                board.apply(&record);
                each(&record, board);
                true
            }
            Err(found) => {
                wrong = Some(found);
                false
            }
        });
        read.map_err(|why| why.to_string())?;
        self.beat = store.beat().map_err(|why| why.to_string())?;
        Ok(wrong.or_else(|| walk.end().err().map(Wrong::from)))
    }
}
