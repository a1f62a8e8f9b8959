//! Version 1 of what the events of a record are made of, frozen apart from the domain.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::serde::ts_milliseconds_option;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::launch::artifact::{Artifact, Whole};
use crate::launch::countdown::Passage;
use crate::launch::criteria::{Bound, Sight};
use crate::launch::event::{Actor, Mode, RollbackEnd, RollbackFact, Vote};
use crate::launch::id::{CriterionId, ItemId, RoleId, RollbackId, SeverityId};
use crate::launch::incident::{Change, Due, Stage};
use crate::launch::plan::Release;
use crate::launch::time::{Mark, Wall};
use crate::launch::verdict::{Captured, Exchange, Finding, Outcome, Report, Verdict, Weight};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Actor")]
pub struct ActorV1 {
    name: String,
    role: Option<RoleId>,
    scripted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mode", rename_all = "lowercase")]
pub(super) enum ModeV1 {
    Launch,
    Rehearsal,
    Gate,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Release")]
pub(super) struct ReleaseV1 {
    version: Option<String>,
    commit: Option<String>,
    artifact: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Passage", rename_all = "snake_case")]
pub(super) enum PassageV1 {
    Held(Mark),
    Liftoff,
    CutOff,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Vote", rename_all = "snake_case")]
pub(super) enum VoteV1 {
    Go,
    NoGo { reason: String },
    GoWithWaiver { reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", rename_all = "lowercase")]
pub(super) enum VerdictV1 {
    Pass,
    Skipped,
    Warn,
    Stale,
    Unknown,
    Fail,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Finding")]
pub(super) struct FindingV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<String>,
    subject: String,
    expected: String,
    seen: String,
    #[serde(with = "VerdictV1")]
    verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Report")]
pub(super) struct ReportV1 {
    #[serde(with = "VerdictV1")]
    verdict: Verdict,
    summary: String,
    #[serde(with = "findings")]
    findings: Vec<Finding>,
    #[serde(with = "millis")]
    took: Duration,
    #[serde(with = "exchange", default, skip_serializing_if = "Option::is_none")]
    exchange: Option<Exchange>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Exchange")]
pub(super) struct ExchangeV1 {
    request: String,
    request_headers: Vec<(String, String)>,
    request_body: String,
    response: String,
    response_headers: Vec<(String, String)>,
    response_body: String,
    body_cut: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Artifact>,
    #[serde(skip)]
    whole: Vec<Whole>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome")]
pub(super) struct OutcomeV1 {
    exit: Option<i32>,
    signal: Option<i32>,
    error: Option<String>,
    cancelled: bool,
    #[serde(with = "millis")]
    took: Duration,
    survivors: Vec<u32>,
    simulated: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    never_ran: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_behind: Vec<u32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    lost_bytes: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    held_open: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    unsynced: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    ready: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<Weight>,
    #[serde(default, with = "ts_milliseconds_option", skip_serializing_if = "Option::is_none")]
    ended_at: Option<Wall>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Artifact>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Captured", rename_all = "snake_case")]
pub(super) enum CapturedV1 {
    Value(Value),
    Missing(String),
}

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
pub(super) enum RollbackEndV1 {
    Verified,
    NotVerified { checks: Vec<ItemId> },
    FailedAtStep { step: ItemId, why: String, by_hand: String },
    Joined { run: u32, rollback: RollbackId },
}

pub(super) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(span: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

mod findings {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Finding, FindingV1};

    struct One<'a>(&'a Finding);

    impl Serialize for One<'_> {
        fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            FindingV1::serialize(self.0, out)
        }
    }

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Own(#[serde(with = "FindingV1")] Finding);

    pub fn serialize<S: Serializer>(all: &[Finding], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(all.iter().map(One))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Finding>, D::Error> {
        let all = Vec::<Own>::deserialize(from)?;
        Ok(all.into_iter().map(|one| one.0).collect())
    }
}

mod exchange {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Exchange, ExchangeV1};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Own(#[serde(with = "ExchangeV1")] Exchange);

    pub fn serialize<S: Serializer>(exchange: &Option<Exchange>, out: S) -> Result<S::Ok, S::Error> {
        match exchange {
            Some(exchange) => ExchangeV1::serialize(exchange, out),
            None => out.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Exchange>, D::Error> {
        Ok(Option::<Own>::deserialize(from)?.map(|own| own.0))
    }
}

pub(super) mod verdict_or_none {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Verdict, VerdictV1};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Own(#[serde(with = "VerdictV1")] Verdict);

    pub fn serialize<S: Serializer>(verdict: &Option<Verdict>, out: S) -> Result<S::Ok, S::Error> {
        match verdict {
            Some(verdict) => VerdictV1::serialize(verdict, out),
            None => out.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Verdict>, D::Error> {
        Ok(Option::<Own>::deserialize(from)?.map(|own| own.0))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stage", rename_all = "lowercase")]
enum StageV1 {
    Active,
    Mitigated,
    Resolved,
    Closed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Change", rename_all = "snake_case")]
pub(super) enum ChangeV1 {
    Severity(SeverityId),
    Commander(String),
    Impact(String),
    Mitigation(String),
    FollowUp(String),
    Stage(#[serde(with = "StageV1")] Stage),
    Relapsed(String),
    Note(String),
    Acknowledged,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Due", rename_all = "snake_case")]
pub(super) enum DueV1 {
    Triage,
    Level(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Sight", rename_all = "lowercase")]
enum SightV1 {
    Pass,
    Waived,
    Open,
    Skipped,
    Warn,
    Stale,
    Unknown,
    Fail,
}

/// What a vote was given on.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Bound")]
struct BoundV1 {
    #[serde(with = "ReleaseV1")]
    release: Release,
    plan_hash: String,
    #[serde(with = "sights", default, skip_serializing_if = "BTreeMap::is_empty")]
    criteria: BTreeMap<CriterionId, Sight>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) fn is_none(count: &u32) -> bool {
    *count == 0
}

mod sights {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{CriterionId, Sight, SightV1};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Own(#[serde(with = "SightV1")] Sight);

    pub fn serialize<S: Serializer>(sights: &BTreeMap<CriterionId, Sight>, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(sights.iter().map(|(id, sight)| (id, Own(*sight))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<CriterionId, Sight>, D::Error> {
        let read = BTreeMap::<CriterionId, Own>::deserialize(from)?;
        Ok(read.into_iter().map(|(id, own)| (id, own.0)).collect())
    }
}

pub(super) mod bound {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Bound, BoundV1};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Own(#[serde(with = "BoundV1")] Bound);

    pub fn serialize<S: Serializer>(bound: &Option<Bound>, out: S) -> Result<S::Ok, S::Error> {
        match bound {
            Some(bound) => BoundV1::serialize(bound, out),
            None => out.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bound>, D::Error> {
        Ok(Option::<Own>::deserialize(from)?.map(|own| own.0))
    }
}
