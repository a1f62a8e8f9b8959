//! A launch's folder, as far as its journal is sound.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use super::{LARGEST, Told, film};
use crate::cli::frozen::Frozen;
use crate::engine::revisions;
use crate::evidence::replay::Reel;
use crate::journal::{self, Noticed, Purpose};
use crate::launch::board::Board;
use crate::launch::event::Event;

/// # Errors
/// The folder is no launch, its plan does not load, or its journal cannot be opened.
pub fn read(path: &Path) -> anyhow::Result<Told> {
    let frozen = Frozen::open(path)?;
    let journal = frozen.folder.journal();
    if std::fs::metadata(&journal).is_ok_and(|about| about.len() > LARGEST as u64) {
        bail!("{} is larger than the {} MiB that are replayed", journal.display(), LARGEST >> 20);
    }
    let mut board = Board::new(Arc::clone(&frozen.first));
    board.revisions.learn(&frozen.plan);
    let (mut records, mut doubts) = (Vec::new(), Vec::new());
    let opened = journal::open_each(&frozen.folder, Purpose::Read, &mut |record| {
        match &record.event {
            Event::PlanAmended { revision, plan_hash, .. } if board.revisions.get(plan_hash).is_none() => {
                match revisions::load(&frozen.folder, *revision, plan_hash) {
                    Ok(plan) => board.revisions.learn(&plan),
                    Err(why) => doubts.push(format!("{why}; what is shown goes by an older plan")),
                }
            }
            Event::LaunchOpened { plan_hash, .. } if *plan_hash != frozen.first.hash => {
                doubts.push("plan.toml is not the plan this launch was opened with: what is shown may be wrong".into());
            }
            _ => {}
        }
        records.push(record);
    })?;
    if opened.noticed.iter().any(Noticed::is_short) {
        doubts.push(format!("replayed up to record {}", opened.head.seq));
    }
    doubts.extend(opened.noticed.iter().map(ToString::to_string));
    let (film, of_samples) = film::of(&frozen.folder.samples().as_path(), &records);
    doubts.extend(of_samples);
    let alarm = (!doubts.is_empty()).then(|| doubts.join(" · "));
    Ok(Told { reel: Reel::new(board, records), film, alarm })
}
