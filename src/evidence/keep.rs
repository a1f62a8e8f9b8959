//! Writes the decision records that are missing into a launch's folder. Read from the journal each time: a
//! console that died between a record and its file leaves nothing behind that another cannot make.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::decision;
use crate::base::secret::Redactor;
use crate::journal::chain::Head;
use crate::journal::folder::FolderError;
use crate::journal::proven::proven;
use crate::journal::{LaunchFolder, OpenError};
use crate::launch::amend::Revisions;
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

/// Writes every decision record of the journal in `launch` that has no file yet, whole or not at all. How many.
/// The journal is read from the plan that the launch was opened with, through each it was amended to: that is
/// what people decided by. Blocks.
///
/// # Errors
/// The journal cannot be read, or a file not be written; or the first plan is none of `plans`.
pub fn keep_decisions(launch: &Path, plans: &Revisions, redactor: &Redactor) -> Result<usize, KeepError> {
    // Of two that make the same files in one process, the second finds them.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = LaunchFolder::open(launch)?;
    let mut board = plans.afresh().ok_or(KeepError::Plan)?;
    let mut missing: Vec<(PathBuf, String)> = Vec::new();
    proven(&folder, &mut |record: Recorded, head: Head| {
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
    Ok(missing.len())
}
