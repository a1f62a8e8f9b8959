//! The plans of a launch to go on with: the newest, by which it goes on, and those before, without which its
//! journal cannot be folded.

use std::sync::Arc;

use anyhow::anyhow;

use super::assemble;
use super::reopen::ways_out;
use crate::base::source::Source;
use crate::engine::revisions::{self, History, number};
use crate::journal::LaunchFolder;
use crate::launch::board::Board;
use crate::launch::plan::Plan;
use crate::plan;

/// Every plan of a launch, for its board.
#[derive(Debug, Clone)]
pub struct Plans {
    /// Oldest first.
    pub earlier: Vec<Arc<Plan>>,
    pub newest: Arc<Plan>,
}

/// The plan that a launch goes by as its folder has it, not loaded yet, and those before.
pub struct Frozen {
    pub source: Source,
    pub earlier: Vec<Arc<Plan>>,
}

impl Plans {
    /// An empty board that can be folded over any amendment of this launch.
    #[must_use]
    pub fn board(&self) -> Board {
        let mut board = Board::new(Arc::clone(self.earlier.first().unwrap_or(&self.newest)));
        self.earlier.iter().chain([&self.newest]).for_each(|plan| board.revisions.learn(plan));
        board
    }
}

/// What the launch in `folder` froze.
///
/// # Errors
/// A plan that its journal names is in no file, or another: nobody acts on it then.
pub fn frozen(folder: &LaunchFolder) -> anyhow::Result<Frozen> {
    // Where the journal does not read, its opening says what is wrong with it.
    let history = History::read(folder).unwrap_or_default();
    let Some((newest, hash)) = history.newest() else {
        return Ok(Frozen { source: assemble::read(&folder.plan())?, earlier: Vec::new() });
    };
    let stranded = |why: String| anyhow!("{why}\n  {}", ways_out(folder.path()));
    let text = revisions::text(folder, newest, hash).map_err(stranded)?;
    let before = history.0.iter().enumerate().take(history.0.len() - 1);
    let earlier = before.map(|(place, hash)| revisions::load(folder, number(place), hash).map_err(stranded));
    Ok(Frozen {
        source: Source::new(folder.plan().display().to_string(), text),
        earlier: earlier.collect::<anyhow::Result<_>>()?,
    })
}

/// The plan that a launch was opened with, where it was amended since.
///
/// # Errors
/// It does not load.
pub fn first(folder: &LaunchFolder) -> anyhow::Result<Option<Arc<Plan>>> {
    let Ok(text) = std::fs::read_to_string(folder.revision(1)) else { return Ok(None) };
    revisions::load(folder, 1, &plan::hash(&text)).map(Some).map_err(anyhow::Error::msg)
}

/// All plans of a launch, for a board alone: what this terminal's environment lacks is missing to nobody.
///
/// # Errors
/// As [`frozen`].
pub fn all(folder: &LaunchFolder) -> anyhow::Result<Plans> {
    let Frozen { source, earlier } = frozen(folder)?;
    let newest = number(earlier.len());
    let newest = revisions::load(folder, newest, &plan::hash(&source.text)).map_err(anyhow::Error::msg)?;
    Ok(Plans { earlier, newest })
}
