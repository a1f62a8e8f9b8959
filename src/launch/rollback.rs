//! A rollback under way, as its runner tells it: steps, stopwatch, verification, one of three endings.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Actor, RollbackEnd, RollbackFact};
use super::id::{Attempt, ItemId, RoleId, RollbackId};
use super::time::{Instant, Mark, Wall};
use super::verdict::{Outcome, Report, Verdict};

mod readiness;

pub(super) use readiness::checked;
pub use readiness::{Light, Readiness, check, readiness, uncaptured};

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
    /// The second keys that were told of, in the order they were.
    pub approvals: Vec<ApprovalTold>,
    /// The last report of each verify check since the last step began.
    pub verified: Vec<(ItemId, Report)>,
    pub end: Option<RollbackEnd>,
    /// From request to end by the runner's own stopwatch.
    pub took: Option<Duration>,
    /// The last attempt of each step when it was asked for: what it may set back.
    pub acted: BTreeMap<ItemId, Attempt>,
    /// The mark that the plan goes back to from where T was; none where it declares none there.
    pub back: Option<Mark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTold {
    pub step: ItemId,
    pub since: Instant,
    pub end: Option<(Verdict, Outcome)>,
    /// What began in its place when it failed.
    pub fallback: Option<FallbackTold>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackTold {
    pub since: Instant,
    pub end: Option<(Verdict, Outcome)>,
}

impl StepTold {
    /// It passed, or what ran in its place did.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let ends = [self.end.as_ref(), self.fallback.as_ref().and_then(|fallback| fallback.end.as_ref())];
        ends.into_iter().flatten().any(|(verdict, _)| *verdict == Verdict::Pass)
    }
}

/// The second key of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalTold {
    pub step: ItemId,
    pub role: RoleId,
    /// When the runner came to the step, or was told before that.
    pub since: Instant,
    /// Whose key it is, once it was turned.
    pub by: Option<Actor>,
    /// Why the last that came did not count.
    pub refused: Option<String>,
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
            approvals: Vec::new(),
            verified: Vec::new(),
            end: None,
            took: None,
            acted: BTreeMap::new(),
            back: None,
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
                self.steps.push(StepTold { step: step.clone(), since: at, end: None, fallback: None });
                // What was seen before it acted says nothing of the world after it.
                self.verified.clear();
            }
            RollbackFact::StepEnded { step, verdict, outcome } => {
                if let Some(told) = self.step_mut(step) {
                    told.end = Some((*verdict, outcome.clone()));
                }
            }
            RollbackFact::ApprovalAwaited { step, role } => {
                self.approval(step, role, at);
            }
            RollbackFact::Approved { step, by } => {
                if let Some(role) = &by.role {
                    let told = self.approval(step, role, at);
                    told.by.get_or_insert_with(|| by.clone());
                    told.refused = None;
                }
            }
            RollbackFact::ApprovalRefused { step, why } => {
                if let Some(told) = self.approvals.iter_mut().find(|told| told.step == *step && told.by.is_none()) {
                    told.refused = Some(why.clone());
                }
            }
            RollbackFact::FallbackStarted { step } => {
                if let Some(told) = self.step_mut(step).filter(|told| told.fallback.is_none()) {
                    told.fallback = Some(FallbackTold { since: at, end: None });
                }
            }
            RollbackFact::FallbackEnded { step, verdict, outcome } => {
                if let Some(fallback) = self.step_mut(step).and_then(|told| told.fallback.as_mut()) {
                    fallback.end = Some((*verdict, outcome.clone()));
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

    fn step_mut(&mut self, step: &ItemId) -> Option<&mut StepTold> {
        self.steps.iter_mut().rev().find(|told| told.step == *step)
    }

    /// The second key of `step`; a runner that took over from a dead one tells of it again.
    fn approval(&mut self, step: &ItemId, role: &RoleId, at: Instant) -> &mut ApprovalTold {
        let known = self.approvals.iter().position(|told| told.step == *step);
        let place = known.unwrap_or_else(|| {
            let (step, role) = (step.clone(), role.clone());
            self.approvals.push(ApprovalTold { step, role, since: at, by: None, refused: None });
            self.approvals.len() - 1
        });
        &mut self.approvals[place]
    }

    /// The steps that stand for want of a second key, in the order they were come to.
    pub fn waits(&self) -> impl Iterator<Item = &ApprovalTold> {
        self.approvals.iter().filter(|told| told.by.is_none() && self.end.is_none())
    }

    /// Whether the second key of `step` was turned.
    #[must_use]
    pub fn is_approved(&self, step: &ItemId) -> bool {
        self.approvals.iter().any(|told| told.step == *step && told.by.is_some())
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

    #[test]
    fn a_second_key_is_waited_for_from_the_first_time_it_was_told_and_turned_once() {
        let mut run = RollbackRun::new(1, "back".into(), Actor::engine(), "bad".into(), Instant(0), Wall::default());
        let step = ItemId::new("back/migrate");
        let awaited = RollbackFact::ApprovalAwaited { step: step.clone(), role: "dba".into() };
        run.apply(&awaited, Instant(5));
        run.apply(&RollbackFact::ApprovalRefused { step: step.clone(), why: "no".into() }, Instant(6));
        run.apply(&awaited, Instant(9));
        let waits: Vec<_> = run.waits().map(|told| (told.since, told.refused.as_deref())).collect();
        assert_eq!(waits, [(Instant(5), Some("no"))]);
        for name in ["ben", "eve"] {
            let by = Actor::person(name, Some("dba".into()));
            run.apply(&RollbackFact::Approved { step: step.clone(), by }, Instant(10));
        }
        assert!(run.is_approved(&step) && run.waits().next().is_none());
        assert_eq!(run.approvals[0].by.as_ref().map(|by| by.name.as_str()), Some("ben"));
    }

    #[test]
    fn what_was_verified_before_a_step_counts_no_more_once_it_began() {
        let mut run = RollbackRun::new(1, "back".into(), Actor::engine(), "bad".into(), Instant(0), Wall::default());
        let report = Report::plain(Verdict::Pass, "up", Duration::ZERO);
        run.apply(&RollbackFact::Verified { check: "back/up".into(), report }, Instant(1));
        run.apply(&RollbackFact::StepStarted { step: "back/late".into() }, Instant(2));
        assert_eq!(run.verified, []);
    }
}
