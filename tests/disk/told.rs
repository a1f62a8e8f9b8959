//! What a launch's journal tells, read beside whoever writes it.

use std::path::Path;

use tminus::journal::{self, LaunchFolder, Purpose};
use tminus::launch::event::Recorded;

/// Every record of a launch.
pub fn records(folder: &Path) -> Vec<Recorded> {
    let Ok(folder) = LaunchFolder::open(folder) else { return Vec::new() };
    journal::open(&folder, Purpose::Read).map(|opened| opened.records).unwrap_or_default()
}
