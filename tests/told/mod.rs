//! What a launch's journal tells, read back beside whoever writes it.

use std::path::Path;
use std::sync::Arc;

use tminus::base::source::Source;
use tminus::engine::rollback::LaunchFile;
use tminus::journal::{self, LaunchFolder, Purpose};
use tminus::launch::board::Board;
use tminus::launch::event::Recorded;
use tminus::plan::{Environment, Options, load};

/// Every record of a launch, whoever writes it just now.
pub fn records(folder: &Path) -> Vec<Recorded> {
    let Ok(folder) = LaunchFolder::open(folder) else { return Vec::new() };
    journal::open(&folder, Purpose::Read).map(|opened| opened.records).unwrap_or_default()
}

/// The board that a launch's journal tells, by its frozen plan.
pub fn board(folder: &Path, records: &[Recorded]) -> Board {
    let text = std::fs::read_to_string(folder.join("plan.toml")).expect("a frozen plan");
    let source = Source::new("plan.toml", text);
    let environment: Environment = [("SMOKE_USERNAME", "unused"), ("SMOKE_PASSWORD", "unused")].into_iter().collect();
    let site = std::fs::read(folder.join("launch.json")).expect("launch.json");
    let site: LaunchFile = serde_json::from_slice(&site).expect("how it was opened");
    let options = Options { rehearsal: true, ..site.options() };
    let loaded = load(source, &environment, &options).expect("a sound plan");
    Board::replay(Arc::new(loaded.plan), records)
}
