//! What a launch's own samples would have come to by other thresholds: its countdown, its monitors and its people as
//! the journal has them, its evaluations made anew. Where the plan is the one it was flown by, triggers fire when they
//! fired. Pure but for the blocks that are read: the same launch and plan, the same answer to the bit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::launch::away::Away;
use crate::launch::board::Board;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::id::{ObjectiveId, TriggerId};
use crate::launch::objective::{Counts, Round};
use crate::launch::plan::Plan;
use crate::launch::time::{Instant, Mark};
use crate::launch::verdict::Verdict;
use crate::launch::watching::{firing, judged, next_evaluation};
use crate::watch::Readings;
use crate::watch::kept::Vouched;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The first time that each trigger fired. What came after it would have been another launch.
    pub fired: BTreeMap<TriggerId, Fired>,
    pub objectives: BTreeMap<ObjectiveId, Course>,
    /// What a person should know of the samples.
    pub doubts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    pub mark: Mark,
    pub why: String,
}

/// What an objective was over the whole launch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    pub breaches: u32,
    pub breached: Duration,
    /// In which nobody could tell.
    pub untold: Duration,
    last: Option<Verdict>,
}

/// A launch as it was flown, without what its evaluations led to.
#[derive(Debug, Default)]
pub struct Flown {
    records: Vec<Recorded>,
    vouched: Vouched,
    evaluated: Option<(Instant, Instant)>,
    /// What nobody watched: nothing is evaluated in it, and nothing fires.
    away: Away,
    /// The revisions that the launch was amended to: the samples of before were taken by another plan.
    amended: Vec<u32>,
}

impl Flown {
    /// Takes the next record in.
    pub fn take(&mut self, record: Recorded) {
        self.away.take(&record);
        match &record.event {
            Event::Evaluated { rounds } => {
                for round in rounds {
                    let (from, until) = self.evaluated.unwrap_or((round.at, round.at));
                    self.evaluated = Some((from.min(round.at), until.max(round.at)));
                }
            }
            Event::SamplesKept { minute, blocks } => self.vouched.take(*minute, blocks),
            // What followed from the old thresholds, and whose plan it was.
            Event::HoleFilled { .. }
            | Event::TriggerFired { .. }
            | Event::TriggerVetoed { .. }
            | Event::TriggerAcknowledged { .. }
            | Event::RollbackRequested { .. }
            | Event::RollbackTold { .. }
            | Event::StepUndone { .. } => {}
            Event::PlanAmended { revision, .. } => self.amended.push(*revision),
            _ => self.records.push(record),
        }
    }

    /// What would have come of it by `plan`, with the samples in the folder `all`. Blocks.
    #[must_use]
    pub fn told(&self, plan: &Arc<Plan>, all: &Path) -> Told {
        let mut again = Again { board: Board::new(Arc::clone(plan)), told: Told::default() };
        let doubt = |revision: &u32| {
            format!(
                "the launch was amended to revision {revision} under way: here one plan is held to all of it, and what \
                 its plans of before asked or had may be missing"
            )
        };
        again.told.doubts.extend(self.amended.iter().map(doubt));
        let Some((from, until)) = self.evaluated else {
            again.told.doubts.push("nothing was evaluated in this launch".to_owned());
            return again.told;
        };
        let readings = Readings::new(Arc::new(|| Instant(0)), plan);
        let first = Instant(from.0.saturating_sub(1));
        let next = |at: &Instant| next_evaluation(plan, *at).filter(|at| *at <= until);
        let instants = std::iter::successors(next(&first), next);
        let mut records = self.records.iter().peekable();
        let doubts = readings.again(all, &self.vouched, instants, &mut |at, counts| {
            while let Some(record) = records.next_if(|record| record.at <= at) {
                again.take(record.at, record);
            }
            again.count(at, &counts);
            if !self.away.holds(at) {
                again.evaluated(at, counts);
            }
        });
        records.for_each(|record| again.take(record.at, record));
        again.told.doubts.extend(doubts);
        again.told
    }
}

struct Again {
    board: Board,
    told: Told,
}

impl Again {
    fn take(&mut self, at: Instant, record: &Recorded) {
        let seq = self.board.seq.saturating_add(1);
        self.board.apply(&Recorded { seq, ..record.clone() });
        self.fire(at);
    }

    fn count(&mut self, at: Instant, counts: &BTreeMap<ObjectiveId, Counts>) {
        let plan = Arc::clone(&self.board.plan.0);
        for (id, counts) in counts {
            let Some((verdict, _)) = judged(&plan, id, counts, at) else { continue };
            let every = plan.objectives.iter().find(|known| known.id == *id).map(|known| known.evaluate_every);
            self.told.objectives.entry(id.clone()).or_default().add(verdict, every.unwrap_or_default());
        }
    }

    fn evaluated(&mut self, at: Instant, counts: BTreeMap<ObjectiveId, Counts>) {
        let rounds = vec![Round { at, counts }];
        self.event(at, Event::Evaluated { rounds });
        self.fire(at);
    }

    /// Every trigger that fires by now: the rule is the launch's own.
    fn fire(&mut self, now: Instant) {
        for (at, event) in firing(&self.board, now) {
            if let Event::TriggerFired { trigger, why, .. } = &event {
                let fired = Fired { mark: self.board.mark_at(at), why: why.clone() };
                self.told.fired.entry(trigger.clone()).or_insert(fired);
            }
            self.event(at, event);
        }
    }

    fn event(&mut self, at: Instant, event: Event) {
        let wall = self.board.opened_at.unwrap_or_default();
        let (seq, actor) = (self.board.seq.saturating_add(1), Actor::engine());
        self.board.apply(&Recorded { seq, at, occurred_at: wall, recorded_at: wall, actor, event });
    }
}

impl Course {
    fn add(&mut self, verdict: Verdict, every: Duration) {
        match verdict {
            Verdict::Fail => {
                self.breaches = self.breaches.saturating_add(u32::from(self.last != Some(Verdict::Fail)));
                self.breached += every;
            }
            Verdict::Unknown | Verdict::Stale => self.untold += every,
            Verdict::Pass | Verdict::Skipped | Verdict::Warn => {}
        }
        self.last = Some(verdict);
    }
}

#[cfg(test)]
#[path = "what_if_tests.rs"]
mod tests;
