//! What the loop offers to a console, and what a console may ask of it. `ui` knows the engine by this
//! alone, so that headless runs and replay need no screen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::amend::Amendment;
use super::board::Board;
use super::command::{Command, Refusal};
use super::event::{Actor, Mode};
use super::fault::Offered;
use super::id::RollbackId;
use super::live::Live;
use super::plan::Plan;
use super::replay::{Standpoint, Wish};
use super::time::{Now, Wall};

/// A loop tells how it stands at least once a second. One that has told nothing for so long stands still.
pub const SILENT_AFTER: Duration = Duration::from_secs(3);
/// A loop that works begins a rollback sooner, though the disk does not answer: longer is not waited for.
pub const ROLLBACK_WITHIN: Duration = Duration::from_secs(2);

/// Everything a frame is drawn from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub board: Arc<Board>,
    pub live: Arc<Live>,
    /// When it was taken; the console adds its own elapsed time for the running seconds.
    pub now: Now,
    /// Milliseconds of boot time when it was taken (`clock::boot`).
    pub taken_at: i64,
    /// How much faster than real time an idle rehearsal's countdown runs; 1 in a launch.
    pub speed: u32,
    /// A banner that stays: the journal cannot be written.
    pub alarm: Option<String>,
    /// What becomes of what waits for a journal that cannot be written, should this console go now.
    pub waits: Option<String>,
    /// Another console took this launch over: who, since when, and that nothing is done from here any
    /// more. Nothing else in here changes once this is set; time stands still.
    pub taken_over: Option<String>,
    /// A plan that was asked to be looked over, with how it differs.
    pub proposal: Option<Arc<Proposal>>,
    /// What a rehearsal's target can be made to do wrong; nothing in a launch.
    pub faults: Arc<[Offered]>,
    /// The launch folder, for display.
    pub folder: String,
    pub seat: Seat,
    pub picture: Picture,
    /// The wall's time when it was taken: it goes on where T stands, for the ages of what is shown.
    pub wall: Wall,
}

/// A plan file that was looked over for this launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which of the looks this is: a console knows its own by it.
    pub number: u32,
    pub path: String,
    /// How it differs; or why the launch cannot go by it, a line each.
    pub found: Result<Amendment, String>,
    /// What a person should know before saying yes.
    pub notes: Vec<String>,
}

/// What a console is to its launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seat {
    /// It holds the launch and acts.
    #[default]
    Operator,
    /// It watches, and asks; another one acts.
    Attached {
        /// That one is heard. While it is not, nothing runs on here: what is shown is the last known.
        heard: bool,
    },
    /// It shows what a journal tells, at the time that was then. Nobody acts.
    Replay(Standpoint),
}

/// Whose samples and lines a snapshot's `live` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Picture {
    /// This console looks itself.
    #[default]
    Own,
    /// Another looks, and tells.
    Told,
    /// Another looked, and has told nothing since: none of it is health any more.
    Old { since: Wall },
    /// Another looks, and has never told.
    Missing,
}

impl Snapshot {
    /// What is shown while the launch is still being opened: the plan, and nothing that happened.
    #[must_use]
    pub fn unopened(plan: Arc<Plan>, mode: Mode, now: Now, taken_at: i64, folder: String) -> Self {
        let mut board = Board::new(plan);
        board.mode = mode;
        let live = Arc::default();
        let (board, seat) = (Arc::new(board), Seat::Operator);
        let (alarm, waits, taken_over, proposal) = (None, None, None, None);
        let (faults, picture, wall) = (Arc::default(), Picture::Own, now.wall);
        Self {
            board,
            live,
            now,
            taken_at,
            speed: 1,
            alarm,
            waits,
            taken_over,
            proposal,
            faults,
            folder,
            seat,
            picture,
            wall,
        }
    }
}

/// A command with the place its answer goes to.
#[derive(Debug)]
pub struct Ask {
    /// Who gives it, where that is not who opened the console.
    pub by: Option<Actor>,
    pub command: Command,
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// A console's end of the loop.
#[derive(Debug, Clone)]
pub struct Port {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub asks: mpsc::Sender<Ask>,
    /// None where nobody but the loop can begin one.
    pub by_files: Option<ByFiles>,
    /// What moves a replay; none where a launch is flown or watched.
    pub wishes: Option<mpsc::UnboundedSender<Wish>>,
}

/// What begins a rollback without the loop, from plain files, for whoever the loop does not answer. It blocks, needs
/// a runtime, and answers with what was begun.
#[derive(Clone)]
pub struct ByFiles(pub Arc<Begin>);

/// Which rollback, and why.
pub type Begin = dyn Fn(&RollbackId, &str) -> Result<String, Refusal> + Send + Sync;

impl fmt::Debug for ByFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ByFiles")
    }
}
