//! What a rollback's runner tells, in the frozen form of version 1. Part of [`super`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ActorV1, OutcomeV1, ReportV1, VerdictV1, millis};
use crate::launch::event::{Actor, RollbackEnd, RollbackFact};
use crate::launch::id::{ItemId, RoleId, RollbackId};
use crate::launch::verdict::{Outcome, Report, Verdict};

#[derive(Serialize, Deserialize)]
#[serde(remote = "RollbackFact", rename_all = "snake_case")]
pub(super) enum RollbackFactV1 {
    Started {
        pid: u32,
    },
    StepStarted {
        step: ItemId,
    },
    StepEnded {
        step: ItemId,
        #[serde(with = "VerdictV1")]
        verdict: Verdict,
        #[serde(with = "OutcomeV1")]
        outcome: Outcome,
    },
    ApprovalAwaited {
        step: ItemId,
        role: RoleId,
    },
    Approved {
        step: ItemId,
        #[serde(with = "ActorV1")]
        by: Actor,
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
        #[serde(with = "VerdictV1")]
        verdict: Verdict,
        #[serde(with = "OutcomeV1")]
        outcome: Outcome,
    },
    Verified {
        check: ItemId,
        #[serde(with = "ReportV1")]
        report: Report,
    },
    Ended {
        #[serde(with = "RollbackEndV1")]
        end: RollbackEnd,
        #[serde(with = "millis")]
        took: Duration,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RollbackEnd", rename_all = "snake_case")]
enum RollbackEndV1 {
    Verified,
    NotVerified { checks: Vec<ItemId> },
    FailedAtStep { step: ItemId, why: String, by_hand: String },
    Joined { run: u32, rollback: RollbackId },
}
