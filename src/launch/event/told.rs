//! What the detached rollback runner tells and how a rollback ends; what is told of samples.

use std::time::Duration;

use super::Actor;
use crate::launch::id::{ItemId, RoleId, RollbackId, SignalId};
use crate::launch::verdict::{Outcome, Report, Verdict};

/// What the detached rollback runner tells, in its own log first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackFact {
    Started {
        pid: u32,
    },
    StepStarted {
        step: ItemId,
    },
    StepEnded {
        step: ItemId,
        verdict: Verdict,
        outcome: Outcome,
    },
    /// A step that the runner has come to stands until a person of `role` approves it. What follows it goes on.
    ApprovalAwaited {
        step: ItemId,
        role: RoleId,
    },
    /// The second key: `by` carries the step's role, and is not who asked for the rollback.
    Approved {
        step: ItemId,
        by: Actor,
    },
    /// What lay there for an approval is none; why, as a sentence.
    ApprovalRefused {
        step: ItemId,
        why: String,
    },
    /// A step failed, and what the plan names in its place began.
    FallbackStarted {
        step: ItemId,
    },
    FallbackEnded {
        step: ItemId,
        verdict: Verdict,
        outcome: Outcome,
    },
    Verified {
        check: ItemId,
        report: Report,
    },
    Ended {
        end: RollbackEnd,
        took: Duration,
    },
}

/// The three endings of what acted, and that of a request which joined another. An exit code never makes
/// the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackEnd {
    Verified,
    /// Every step ran, and these checks do not agree that it worked.
    NotVerified {
        checks: Vec<ItemId>,
    },
    FailedAtStep {
        step: ItemId,
        why: String,
        by_hand: String,
    },
    /// It did nothing: one rollback runs at a time, and this request came to another run.
    Joined {
        run: u32,
        rollback: RollbackId,
    },
}

impl RollbackEnd {
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotVerified { .. } => "done but not verified",
            Self::FailedAtStep { .. } => "failed",
            Self::Joined { .. } => "joined another run",
        }
    }
}

/// A block of samples on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleBlock {
    pub signal: SignalId,
    /// Of the file's bytes, in hex.
    pub sha256: String,
    pub samples: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Launch,
    /// Against a simulated target; stamped everywhere.
    Rehearsal,
    /// `tminus gate`: checks once, no clock.
    Gate,
}

/// A role's word in the poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vote {
    Go,
    NoGo { reason: String },
    GoWithWaiver { reason: String },
}
