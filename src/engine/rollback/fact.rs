//! What the runner tells, in the form its log keeps for ever. A new version adds a form here; this one
//! stays readable.

use serde::{Deserialize, Serialize};

use crate::launch::event::{Actor, RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RoleId, RollbackId};
use crate::launch::time::{Wall, millis};
use crate::launch::verdict::{Outcome, Report, Verdict};

/// The version this program writes.
pub const VERSION: u32 = 1;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub v: u32,
    /// From 1, without gaps.
    pub seq: u64,
    pub at: Wall,
    pub fact: Told,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
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
    ApprovalAwaited {
        step: ItemId,
        role: RoleId,
    },
    Approved {
        step: ItemId,
        name: String,
        role: Option<RoleId>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        scripted: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recorded_by: Option<String>,
    },
    ApprovalRefused {
        step: ItemId,
        why: String,
    },
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
        end: End,
        took_ms: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Verified,
    NotVerified { checks: Vec<ItemId> },
    FailedAtStep { step: ItemId, why: String, by_hand: String },
    Joined { run: u32, rollback: RollbackId },
}

impl From<RollbackFact> for Told {
    fn from(fact: RollbackFact) -> Self {
        match fact {
            RollbackFact::Started { pid } => Self::Started { pid },
            RollbackFact::StepStarted { step } => Self::StepStarted { step },
            RollbackFact::StepEnded { step, verdict, outcome } => Self::StepEnded { step, verdict, outcome },
            RollbackFact::ApprovalAwaited { step, role } => Self::ApprovalAwaited { step, role },
            RollbackFact::Approved { step, by: Actor { name, role, scripted, recorded_by } } => {
                Self::Approved { step, name, role, scripted, recorded_by }
            }
            RollbackFact::ApprovalRefused { step, why } => Self::ApprovalRefused { step, why },
            RollbackFact::FallbackStarted { step } => Self::FallbackStarted { step },
            RollbackFact::FallbackEnded { step, verdict, outcome } => Self::FallbackEnded { step, verdict, outcome },
            RollbackFact::Verified { check, report } => Self::Verified { check, report },
            RollbackFact::Ended { end, took } => {
                Self::Ended { end: end.into(), took_ms: u64::try_from(millis(took)).unwrap_or(0) }
            }
        }
    }
}

impl From<Told> for RollbackFact {
    fn from(told: Told) -> Self {
        match told {
            Told::Started { pid } => Self::Started { pid },
            Told::StepStarted { step } => Self::StepStarted { step },
            Told::StepEnded { step, verdict, outcome } => Self::StepEnded { step, verdict, outcome },
            Told::ApprovalAwaited { step, role } => Self::ApprovalAwaited { step, role },
            Told::Approved { step, name, role, scripted, recorded_by } => {
                Self::Approved { step, by: Actor { name, role, scripted, recorded_by } }
            }
            Told::ApprovalRefused { step, why } => Self::ApprovalRefused { step, why },
            Told::FallbackStarted { step } => Self::FallbackStarted { step },
            Told::FallbackEnded { step, verdict, outcome } => Self::FallbackEnded { step, verdict, outcome },
            Told::Verified { check, report } => Self::Verified { check, report },
            Told::Ended { end, took_ms } => {
                Self::Ended { end: end.into(), took: std::time::Duration::from_millis(took_ms) }
            }
        }
    }
}

impl From<RollbackEnd> for End {
    fn from(end: RollbackEnd) -> Self {
        match end {
            RollbackEnd::Verified => Self::Verified,
            RollbackEnd::NotVerified { checks } => Self::NotVerified { checks },
            RollbackEnd::FailedAtStep { step, why, by_hand } => Self::FailedAtStep { step, why, by_hand },
            RollbackEnd::Joined { run, rollback } => Self::Joined { run, rollback },
        }
    }
}

impl From<End> for RollbackEnd {
    fn from(end: End) -> Self {
        match end {
            End::Verified => Self::Verified,
            End::NotVerified { checks } => Self::NotVerified { checks },
            End::FailedAtStep { step, why, by_hand } => Self::FailedAtStep { step, why, by_hand },
            End::Joined { run, rollback } => Self::Joined { run, rollback },
        }
    }
}
