//! A rollback under way, as its runner tells it: steps, stopwatch, verification, one of three endings.

use std::time::Duration;

use super::event::{Actor, RollbackEnd, RollbackFact};
use super::id::{ItemId, RollbackId};
use super::time::Instant;
use super::verdict::{Outcome, Report, Verdict};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRun {
    /// 1 for the first of this launch.
    pub run: u32,
    pub id: RollbackId,
    pub by: Actor,
    pub why: String,
    pub requested: Instant,
    /// The runner's process, once it told.
    pub pid: Option<u32>,
    /// Facts of the runner's log that were told: a console that returns goes on after them.
    pub told: u32,
    /// In the order they were told.
    pub steps: Vec<StepTold>,
    /// The last report of each verify check.
    pub verified: Vec<(ItemId, Report)>,
    pub end: Option<RollbackEnd>,
    /// From request to end by the runner's own stopwatch.
    pub took: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTold {
    pub step: ItemId,
    pub since: Instant,
    pub end: Option<(Verdict, Outcome)>,
}

impl RollbackRun {
    #[must_use]
    pub fn new(run: u32, id: RollbackId, by: Actor, why: String, requested: Instant) -> Self {
        Self {
            run,
            id,
            by,
            why,
            requested,
            pid: None,
            told: 0,
            steps: Vec::new(),
            verified: Vec::new(),
            end: None,
            took: None,
        }
    }

    /// Folds in what the runner told.
    pub fn apply(&mut self, fact: &RollbackFact, at: Instant) {
        self.told = self.told.saturating_add(1);
        match fact {
            RollbackFact::Started { pid } => self.pid = Some(*pid),
            RollbackFact::StepStarted { step } => {
                // A runner that took over from a dead one begins the step it stood at anew.
                self.steps.retain(|told| told.step != *step || told.end.is_some());
                self.steps.push(StepTold { step: step.clone(), since: at, end: None });
            }
            RollbackFact::StepEnded { step, verdict, outcome } => {
                if let Some(told) = self.steps.iter_mut().rev().find(|told| told.step == *step) {
                    told.end = Some((*verdict, outcome.clone()));
                }
            }
            RollbackFact::Verified { check, report } => {
                self.verified.retain(|(known, _)| known != check);
                self.verified.push((check.clone(), report.clone()));
            }
            RollbackFact::Ended { end, took } => {
                self.end = Some(end.clone());
                self.took = Some(*took);
            }
        }
    }

    /// True once it came to an end of its own.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.end.as_ref().is_some_and(|end| !matches!(end, RollbackEnd::Joined { .. }))
    }

    /// The stopwatch: running until the end was told.
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        self.took.unwrap_or_else(|| now.since(self.requested))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_that_was_told_counts() {
        let mut run = RollbackRun::new(1, "back".into(), Actor::engine(), "bad".into(), Instant(0));
        let step = ItemId::new("back/one");
        let facts = [RollbackFact::Started { pid: 7 }, RollbackFact::StepStarted { step }];
        for (told, fact) in (1..).zip(&facts) {
            run.apply(fact, Instant(0));
            assert_eq!(run.told, told);
        }
    }
}
