//! Writes the decision records that are missing into a launch's folder. Read from the journal: a console that
//! died between a record and its file leaves nothing behind that another cannot make.

use std::path::{Path, PathBuf};

use super::decision;
use crate::base::secret::Redactor;
use crate::journal::chain::{Head, Walk};
use crate::journal::folder::FolderError;
use crate::journal::proven::proven;
use crate::journal::{LaunchFolder, OpenError};
use crate::launch::amend::Revisions;
use crate::launch::board::Board;
use crate::launch::event::{Event, Recorded};

#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Journal(#[from] OpenError),
    #[error("the plan that the launch was opened with is not known here")]
    Plan,
}

/// Where the decision of record `seq` is kept.
#[must_use]
pub fn decision_file(launch: &Path, seq: u64) -> PathBuf {
    launch.join("evidence").join(format!("go-no-go-{seq}.md"))
}

/// What of a launch's journal was read for its decisions, so that the next is found from there on.
#[derive(Debug, Default)]
pub struct Decisions {
    /// The pages of all decisions in it were found or made.
    read: Option<(Board, Walk)>,
}

impl Decisions {
    /// Writes every decision record of the journal in `launch` that has no file yet, whole or not at all. How many.
    /// The journal is read from the plan that the launch was opened with, through each it was amended to: that is
    /// what people decided by. Blocks.
    ///
    /// # Errors
    /// The journal cannot be read, or a file not be written; or the first plan is none of `plans`.
    pub fn keep(&mut self, launch: &Path, plans: &Revisions, redactor: &Redactor) -> Result<usize, KeepError> {
        let folder = LaunchFolder::open(launch)?;
        let is_whole = |board: &Board| board.polls.records.iter().all(|seq| decision_file(launch, *seq).exists());
        // Lost where anything below fails: what was read and not kept is read again.
        let (mut board, mut walk) = match self.read.take().filter(|(board, _)| is_whole(board)) {
            Some(read) => read,
            None => (plans.afresh().ok_or(KeepError::Plan)?, Walk::default()),
        };
        plans.told_to(&mut board);
        let mut missing = Vec::new();
        proven(&folder, &mut walk, &mut |record: Recorded, head: Head| {
            board.apply(&record);
            if !matches!(record.event, Event::PollDecided { .. }) {
                return;
            }
            let path = decision_file(launch, record.seq);
            let page = if path.exists() { None } else { decision::render(&board, &record, head) };
            missing.extend(page.map(|page| (path, redactor.text(&page))));
        })?;
        if !missing.is_empty() {
            folder.make(&launch.join("evidence"))?;
        }
        for (path, page) in &missing {
            folder.write(path, page.as_bytes())?;
        }
        self.read = Some((board, walk));
        Ok(missing.len())
    }
}
