//! Rollbacks as their runners' own files tell them: while no console is heard that would journal them, this
//! is where an attached one learns how they go.

use std::path::Path;

use crate::engine::rollback::{Log, log_of, runs};
use crate::launch::event::Actor;
use crate::launch::rollback::RollbackRun;
use crate::launch::time::{Instant, Wall};

/// The runs of `launch`: those that are `known`, and what the files tell beyond them. Their stopwatches are
/// set so that they are right at `now`, which is `wall`, though `now` itself may stand still.
pub fn told(launch: &Path, known: &[RollbackRun], now: Instant, wall: Wall) -> Vec<RollbackRun> {
    let at = |then: Wall| Instant(now.0.saturating_sub((wall - then).num_milliseconds().max(0)));
    let mut all = known.to_vec();
    for found in runs(launch).unwrap_or_default() {
        let entries = Log::follow(&log_of(launch, found.run, &found.rollback)).read().unwrap_or_default();
        let asked_at =
            found.request.as_ref().map(|request| request.at).or_else(|| entries.first().map(|first| first.at));
        let Some(asked_at) = asked_at else { continue };
        let place = all.iter().position(|run| run.run == found.run).unwrap_or_else(|| {
            let (by, why) =
                found.request.map_or_else(|| (Actor::engine(), String::new()), |request| (request.by(), request.why));
            all.push(RollbackRun::new(found.run, found.rollback, by, why, now, asked_at));
            all.len() - 1
        });
        let Some(run) = all.get_mut(place).filter(|run| run.end.is_none()) else { continue };
        run.requested = at(asked_at);
        let told = usize::try_from(run.told).unwrap_or(usize::MAX);
        for entry in entries.iter().skip(told) {
            run.apply(&entry.fact, at(entry.at));
        }
    }
    all
}
