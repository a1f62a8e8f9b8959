//! Version 1 of every type that a record holds, frozen apart from the domain. `remote` makes serde
//! build the domain's own types; a change there does not compile here until somebody has decided what
//! it means for journals that exist.
//!
//! New events may be added. A field that exists never changes its name, its unit or its meaning.

use std::time::Duration;

use chrono::serde::ts_milliseconds_option;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::launch::countdown::Passage;
use crate::launch::event::{Actor, Event, Mode, RollbackFact, Vote};
use crate::launch::id::{Attempt, ItemId, MonitorId, PhaseId, RequestId, RoleId, RollbackId, StreamId};
use crate::launch::plan::Release;
use crate::launch::time::{Mark, Wall};
use crate::launch::verdict::{Captured, Exchange, Finding, Outcome, Report, Verdict};

#[path = "wire_rollback.rs"]
mod rollback;

use rollback::RollbackFactV1;

/// The names of all events of version 1.
pub const TYPES: [&str; 43] = [
    "LaunchOpened",
    "ConsoleReturned",
    "ConsoleLeft",
    "TookOver",
    "RequestDecided",
    "Slept",
    "TimeJumped",
    "Passed",
    "HoldCalled",
    "HoldReleased",
    "Resumed",
    "CaughtUp",
    "Recycled",
    "Scrubbed",
    "CutOff",
    "Frozen",
    "Thawed",
    "PhaseOpened",
    "PhaseRunAgain",
    "GatePassed",
    "ItemStarted",
    "ItemEnded",
    "ItemBlocked",
    "StepIntended",
    "StepStarted",
    "StepEnded",
    "CancelAsked",
    "ItemCancelled",
    "StepMarked",
    "RepeatOrdered",
    "Attested",
    "Waived",
    "Acknowledged",
    "BaselineCaptured",
    "MonitorChanged",
    "StreamChanged",
    "Voted",
    "VotesVoided",
    "Noted",
    "RollbackRequested",
    "RollbackTold",
    "FaultSwitched",
    "LaunchEnded",
];

#[derive(Serialize, Deserialize)]
#[serde(remote = "Event", tag = "type", content = "data")]
pub enum EventV1 {
    LaunchOpened {
        plan: String,
        plan_hash: String,
        #[serde(with = "ModeV1")]
        mode: Mode,
        start: i64,
        #[serde(with = "ReleaseV1")]
        release: Release,
    },
    ConsoleReturned {
        clean: bool,
        t: i64,
    },
    ConsoleLeft,
    TookOver {
        from: String,
        pid: u32,
        host: String,
    },
    RequestDecided {
        request: RequestId,
        what: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    Slept {
        #[serde(with = "millis")]
        gap: Duration,
    },
    TimeJumped {
        #[serde(with = "millis")]
        by: Duration,
    },
    Passed(#[serde(with = "PassageV1")] Passage),
    HoldCalled {
        who: String,
        why: String,
    },
    HoldReleased {
        who: String,
    },
    Resumed,
    CaughtUp,
    Recycled {
        mark: Mark,
    },
    Scrubbed {
        why: String,
    },
    CutOff {
        why: String,
    },
    Frozen {
        why: String,
    },
    Thawed {
        why: String,
    },
    PhaseOpened {
        phase: PhaseId,
    },
    PhaseRunAgain {
        phase: PhaseId,
    },
    GatePassed {
        phase: PhaseId,
        waivers: u32,
    },
    ItemStarted {
        item: ItemId,
        attempt: Attempt,
    },
    ItemEnded {
        item: ItemId,
        attempt: Attempt,
        #[serde(with = "ReportV1")]
        report: Report,
    },
    ItemBlocked {
        item: ItemId,
        by: String,
    },
    StepIntended {
        item: ItemId,
        attempt: Attempt,
    },
    StepStarted {
        item: ItemId,
        attempt: Attempt,
        pid: u32,
    },
    StepEnded {
        item: ItemId,
        attempt: Attempt,
        #[serde(with = "VerdictV1")]
        verdict: Verdict,
        #[serde(with = "OutcomeV1")]
        outcome: Outcome,
    },
    CancelAsked {
        item: ItemId,
        attempt: Attempt,
        why: String,
    },
    ItemCancelled {
        item: ItemId,
        attempt: Attempt,
        why: String,
    },
    StepMarked {
        item: ItemId,
        attempt: Attempt,
        passed: bool,
        reason: String,
    },
    RepeatOrdered {
        item: ItemId,
        attempt: Attempt,
        reason: String,
    },
    Attested {
        item: ItemId,
        note: String,
        passed: bool,
    },
    Waived {
        item: ItemId,
        reason: String,
    },
    Acknowledged {
        item: ItemId,
    },
    BaselineCaptured {
        name: String,
        #[serde(with = "CapturedV1")]
        value: Captured,
    },
    MonitorChanged {
        monitor: MonitorId,
        #[serde(with = "VerdictV1")]
        verdict: Verdict,
        why: String,
    },
    StreamChanged {
        stream: StreamId,
        open: bool,
        why: String,
    },
    Voted {
        role: RoleId,
        #[serde(with = "VoteV1")]
        vote: Vote,
    },
    VotesVoided {
        why: String,
    },
    Noted {
        text: String,
    },
    RollbackRequested {
        rollback: RollbackId,
        run: u32,
        why: String,
    },
    RollbackTold {
        run: u32,
        #[serde(with = "RollbackFactV1")]
        fact: RollbackFact,
    },
    FaultSwitched {
        fault: String,
        on: bool,
    },
    LaunchEnded {
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Actor")]
pub struct ActorV1 {
    name: String,
    role: Option<RoleId>,
    scripted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mode", rename_all = "lowercase")]
enum ModeV1 {
    Launch,
    Rehearsal,
    Gate,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Release")]
struct ReleaseV1 {
    version: Option<String>,
    commit: Option<String>,
    artifact: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Passage", rename_all = "snake_case")]
enum PassageV1 {
    Held(Mark),
    Liftoff,
    CutOff,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Vote", rename_all = "snake_case")]
enum VoteV1 {
    Go,
    NoGo { reason: String },
    GoWithWaiver { reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", rename_all = "lowercase")]
enum VerdictV1 {
    Pass,
    Skipped,
    Warn,
    Stale,
    Unknown,
    Fail,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Finding")]
struct FindingV1 {
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
struct ReportV1 {
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
struct ExchangeV1 {
    request: String,
    request_headers: Vec<(String, String)>,
    request_body: String,
    response: String,
    response_headers: Vec<(String, String)>,
    response_body: String,
    body_cut: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome")]
struct OutcomeV1 {
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
    #[serde(default, with = "ts_milliseconds_option", skip_serializing_if = "Option::is_none")]
    ended_at: Option<Wall>,
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
enum CapturedV1 {
    Value(Value),
    Missing(String),
}

mod millis {
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
