//! A rollback under way, as its runner tells it: steps, stopwatch, verification, one of three endings.

use std::time::Duration;

use super::event::{Actor, RollbackEnd, RollbackFact};
use super::id::{ItemId, RollbackId};
use super::time::{Instant, Wall};
use super::verdict::{Outcome, Report, Verdict};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRun {
    /// 1 for the first of this launch.
    pub run: u32,
    pub id: RollbackId,
    pub by: Actor,
    pub why: String,
    pub requested: Instant,
    /// The same by the wall: what a request left in the launch's folder says.
    pub asked: Wall,
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
    pub fn new(run: u32, id: RollbackId, by: Actor, why: String, requested: Instant, asked: Wall) -> Self {
        Self {
            run,
            id,
            by,
            why,
            requested,
            asked,
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
                // A runner that took over from a dead one tells again what has ended, and begins anew the step
                // it stood at.
                if self.steps.iter().any(|told| told.step == *step && told.end.is_some()) {
                    return;
                }
                self.steps.retain(|told| told.step != *step);
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
        let mut run = RollbackRun::new(1, "back".into(), Actor::engine(), "bad".into(), Instant(0), Wall::default());
        let step = ItemId::new("back/one");
        let facts = [RollbackFact::Started { pid: 7 }, RollbackFact::StepStarted { step }];
        for (told, fact) in (1..).zip(&facts) {
            run.apply(fact, Instant(0));
            assert_eq!(run.told, told);
        }
    }

    #[test]
    fn a_step_that_is_told_twice_stands_there_once() {
        let mut run = RollbackRun::new(1, "back".into(), Actor::engine(), "bad".into(), Instant(0), Wall::default());
        let step = ItemId::new("back/one");
        let ended = RollbackFact::StepEnded { step: step.clone(), verdict: Verdict::Pass, outcome: Outcome::default() };
        for at in 1..=2 {
            run.apply(&RollbackFact::StepStarted { step: step.clone() }, Instant(at));
            run.apply(&ended, Instant(at));
        }
        let [told] = run.steps.as_slice() else { panic!("told twice: {:?}", run.steps) };
        assert_eq!((told.since, told.end.is_some()), (Instant(1), true));
    }
}
