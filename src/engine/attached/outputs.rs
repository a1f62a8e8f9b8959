//! The tails of what steps and rollback steps write, read from their files: whoever started them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::steps::{self, Following};
use crate::engine::{playbooks, rollback};
use crate::launch::board::Board;
use crate::launch::id::ItemId;
use crate::launch::live::OutputView;
use crate::launch::plan::Act;
use crate::launch::playbook::PlaybookRun;
use crate::launch::process;

type Views = BTreeMap<ItemId, OutputView>;

pub struct Outputs {
    launch: PathBuf,
    views: Arc<Mutex<Views>>,
    /// The newest attempt of each, by its folder; none where it has ended and all of it was read.
    followed: BTreeMap<ItemId, (PathBuf, Option<Following>)>,
}

impl Outputs {
    pub fn new(launch: &Path) -> Self {
        Self { launch: launch.to_owned(), views: Arc::default(), followed: BTreeMap::new() }
    }

    pub fn views(&self) -> Views {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads on. True where something grew.
    pub fn look(&mut self, board: &Board) -> bool {
        for (item, state) in &board.items {
            let is_step = board.plan.item(item).is_some_and(|item| matches!(item.act, Act::Step { .. }));
            if let (true, Some(attempt)) = (is_step, state.attempt) {
                self.follow(item, steps::folder(&self.launch, item, attempt));
            }
        }
        if let Some(run) = board.rollbacks.last() {
            let folder = rollback::folder(&self.launch, run.run, &run.id);
            for step in &run.steps {
                self.follow(&step.step, rollback::attempt_folder(&folder, &step.step, 1));
            }
        }
        for (id, run) in &board.playbooks {
            for step in board.plan.playbook(id).iter().flat_map(|known| &known.steps) {
                self.follow(&step.id, playbooks::folder(&self.launch, id, run.run, &step.id));
            }
        }
        let before = self.bytes();
        for (_, following) in self.followed.values_mut() {
            if let Some(following) = following {
                following.look();
            }
        }
        let running = |item: &ItemId| {
            let of_board = board.item(item).is_some_and(|state| state.is_running());
            let rolling = board
                .rolling_back()
                .is_some_and(|run| run.steps.iter().any(|step| step.step == *item && step.end.is_none()));
            let looked = board.playbooks.values().any(PlaybookRun::runs);
            of_board || rolling || looked || process::of(board, item).is_some()
        };
        for (item, (_, following)) in &mut self.followed {
            // It ended before this look, so this look read the last of it.
            if !running(item) {
                *following = None;
            }
        }
        self.bytes() != before
    }

    fn follow(&mut self, item: &ItemId, folder: PathBuf) {
        if self.followed.get(item).is_some_and(|(known, _)| *known == folder) {
            return;
        }
        let views = Arc::clone(&self.views);
        let show: steps::Outputs = Arc::new(move |item: &ItemId, view| {
            views.lock().unwrap_or_else(PoisonError::into_inner).insert(item.clone(), view);
        });
        let following = Following::new(&show, item, &folder);
        self.followed.insert(item.clone(), (folder, Some(following)));
    }

    fn bytes(&self) -> u64 {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).values().map(|view| view.bytes).sum()
    }
}
