//! A console attached to a launch that another one holds: `reading` folds a board of its own from the
//! journal, `standing` says how far that can be believed, `outputs` follows what steps write, `asking` makes
//! requests of commands. It takes no lease, writes no record, and never runs T on by itself.

mod asking;
mod outputs;
pub mod reading;
mod rollbacks;
pub mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::engine::inbox::bring::Asker;
use crate::engine::picture::form;
use crate::engine::picture::hear::Hearing;
use crate::engine::run::{Wires, wires};
use crate::journal::{self, Held, LaunchFolder};
use crate::launch::board::Board;
use crate::launch::event::Mode;
use crate::launch::live::{Live, WeightView};
use crate::launch::plan::Plan;
use crate::launch::port::{Picture, Port, Seat, Snapshot};
use crate::launch::rollback::RollbackRun;
use crate::launch::time::{Instant, Now};
use crate::notify::standing as untold;
use outputs::Outputs;
use reading::Reading;

/// How often the journal and the outputs are looked at.
pub const LOOK: Duration = Duration::from_millis(100);
/// The lease is asked for once in so many looks.
pub const HOLDER_EVERY: u32 = 5;

/// What a console watches.
#[derive(Debug, Clone)]
pub struct Watched {
    pub folder: LaunchFolder,
    pub plan: Arc<Plan>,
    pub mode: Mode,
    /// Who asks from here.
    pub asker: Asker,
}

/// A port onto a launch that another console holds; it is followed until the port is dropped.
#[must_use]
pub fn attach(watched: Watched) -> Port {
    let now = Now { instant: Instant(0), wall: clock::wall() };
    let folder = watched.folder.path().display().to_string();
    let first = Snapshot::unopened(Arc::clone(&watched.plan), watched.mode, now, clock::boot(), folder);
    let (Wires { snapshots, asks }, port) =
        wires(Snapshot { seat: Seat::Attached { heard: false }, picture: Picture::Missing, ..first });
    tokio::spawn(asking::answer(watched.asker.clone(), asks));
    tokio::spawn(follow(Eyes::new(watched), snapshots));
    port
}

/// Everything that is looked at, with what it showed last.
struct Eyes {
    watched: Watched,
    reading: Reading,
    outputs: Outputs,
    hearing: Hearing,
    held: Held,
    looks: u32,
    /// What the runners' files tell, while no console is heard that would journal it.
    told: Option<Vec<RollbackRun>>,
    pictured: Pictured,
    /// Who else is not being told, as the holder has it.
    untold: Option<String>,
    shown: Option<Arc<Snapshot>>,
}

/// What the picture that is shown was made of.
#[derive(Default)]
struct Pictured {
    heard: Arc<Live>,
    picture: Picture,
}

async fn follow(mut eyes: Eyes, snapshots: watch::Sender<Arc<Snapshot>>) {
    while !snapshots.is_closed() {
        let looked = tokio::task::spawn_blocking(move || {
            let snapshot = eyes.look();
            (snapshot, eyes)
        });
        let Ok((snapshot, back)) = looked.await else { return };
        eyes = back;
        snapshots.send_replace(snapshot);
        // What is told comes when it comes; the journal tells nobody and is looked at.
        let _ = tokio::time::timeout(LOOK, eyes.hearing.came()).await;
    }
}

impl Eyes {
    fn new(watched: Watched) -> Self {
        let reading = Reading::new(watched.folder.clone(), Arc::clone(&watched.plan));
        let outputs = Outputs::new(watched.folder.path());
        let hearing = Hearing::of(watched.folder.path());
        Self {
            watched,
            reading,
            outputs,
            hearing,
            held: Held::By(None),
            looks: 0,
            told: None,
            pictured: Pictured::default(),
            untold: None,
            shown: None,
        }
    }

    /// Looks once. What did not change is shared with the snapshot before: the console draws nothing for it.
    fn look(&mut self) -> Arc<Snapshot> {
        let read = self.reading.read_on(&mut |_, _| {});
        let pictured = self.shown.as_ref().map(|shown| Arc::clone(&shown.board));
        let grew = self.outputs.look(pictured.as_deref().filter(|_| !read).unwrap_or(self.reading.board()));
        let seldom = self.looks.is_multiple_of(HOLDER_EVERY);
        if seldom {
            self.held = self.held();
            self.untold = untold::words(&untold::read(self.watched.folder.path()));
        }
        self.looks = self.looks.wrapping_add(1);
        let wall = clock::wall();
        let standing = standing::stand(&self.reading.signs(), &self.held, wall);
        let mut told = self.told.take().filter(|_| !standing.heard);
        let before = told.clone();
        if !standing.heard && seldom {
            let known = &self.reading.board().rollbacks;
            told = Some(rollbacks::told(self.watched.folder.path(), known, standing.now.instant, wall));
        }
        let board = match self.shown.as_ref().filter(|_| !read && told == before) {
            Some(shown) => Arc::clone(&shown.board),
            None => Arc::new(self.laid_over(told.as_deref())),
        };
        self.told = told;
        let (heard, picture) = self.hearing.picture(clock::boot());
        let same = Arc::ptr_eq(&heard, &self.pictured.heard) && picture == self.pictured.picture;
        let live = match self.shown.as_ref().filter(|_| !grew && same) {
            Some(shown) => Arc::clone(&shown.live),
            None => Arc::new(self.seen(&heard, picture)),
        };
        self.pictured = Pictured { heard, picture };
        let snapshot = Arc::new(Snapshot {
            board,
            live,
            now: standing.now,
            taken_at: clock::boot(),
            speed: 1,
            alarm: alarm(standing.alarm.as_ref(), self.untold.as_ref()),
            waits: None,
            taken_over: None,
            proposal: None,
            faults: Arc::default(),
            folder: self.watched.folder.path().display().to_string(),
            seat: Seat::Attached { heard: standing.heard },
            picture,
            wall,
        });
        self.shown = Some(Arc::clone(&snapshot));
        snapshot
    }

    fn held(&self) -> Held {
        // One that is asked time and again, and answers nobody, would have a queue of us.
        match journal::look(&self.watched.folder.lock()) {
            Err(wrong) if wrong.kind() == std::io::ErrorKind::PermissionDenied => self.hearing.held(),
            held => held.unwrap_or(Held::By(None)),
        }
    }

    /// What was heard, by what it is worth now, and the outputs that are read here.
    fn seen(&self, heard: &Live, picture: Picture) -> Live {
        let live = match picture {
            Picture::Old { since } => form::aged(heard, &since.format("%H:%M:%S UTC").to_string()),
            Picture::Own | Picture::Told | Picture::Missing => heard.clone(),
        };
        let outputs = self.outputs.views();
        let told = outputs.iter().filter_map(|(item, view)| Some((item.clone(), view.weight?)));
        let mut weights: BTreeMap<_, _> =
            told.map(|(item, (share, at))| (item, WeightView::of(share, Some(at)))).collect();
        weights.extend(live.weights);
        Live { outputs, weights, ..live }
    }

    /// The board of the journal, with the rollbacks as they are `told`: a picture, no board of records.
    fn laid_over(&self, told: Option<&[RollbackRun]>) -> Board {
        let mut board = self.reading.board().clone();
        if let Some(told) = told {
            board.rollbacks = told.to_vec();
        }
        board
    }
}

/// What is wrong with what is shown, and who does not hear of the launch.
fn alarm(doubt: Option<&String>, untold: Option<&String>) -> Option<String> {
    let all: Vec<&str> = doubt.into_iter().chain(untold).map(String::as_str).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests;
