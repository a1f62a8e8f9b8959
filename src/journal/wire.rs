//! Version 1 of every type that a record holds, frozen apart from the domain. `remote` makes serde
//! build the domain's own types; a change there does not compile here until somebody has decided what
//! it means for journals that exist.
//!
//! New events may be added. A field that exists never changes its name, its unit or its meaning.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use parts::ActorV1;
use parts::{
    CapturedV1, ChangeV1, DueV1, ModeV1, OutcomeV1, PassageV1, ReleaseV1, ReportV1, RollbackFactV1, VerdictV1, VoteV1,
    bound, is_none, millis, verdict_or_none,
};

use crate::launch::countdown::Passage;
use crate::launch::criteria::Bound;
use crate::launch::event::{Event, Mode, RollbackFact, SampleBlock, Vote};
use crate::launch::id::{
    Attempt, CriterionId, EvidenceId, ItemId, MonitorId, PhaseId, PlaybookId, RequestId, RoleId, RollbackId,
    SeverityId, SignalId, StreamId, TriggerId,
};
use crate::launch::incident::{Change, Due};
use crate::launch::objective::Round;
use crate::launch::plan::Release;
use crate::launch::time::{Instant, Mark};
use crate::launch::verdict::{Captured, Outcome, Report, Verdict};

mod parts;
mod watched;

/// The names of all events of version 1.
pub const TYPES: [&str; 74] = [
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
    "Slipped",
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
    "ProcessReady",
    "ProcessEnded",
    "PlaybookStarted",
    "PlaybookStepEnded",
    "PlaybookEnded",
    "CancelAsked",
    "ItemCancelled",
    "StepMarked",
    "StepUndone",
    "FieldFilled",
    "RepeatOrdered",
    "ItemRecurred",
    "Chosen",
    "PassedOver",
    "Signed",
    "Attested",
    "Waived",
    "WaiverExpired",
    "Acknowledged",
    "BaselineCaptured",
    "MonitorChanged",
    "StreamChanged",
    "Evaluated",
    "HoleFilled",
    "SamplesKept",
    "TriggerFired",
    "TriggerVetoed",
    "TriggerAcknowledged",
    "SoakHoleWaived",
    "Voted",
    "VotesVoided",
    "VoteVoided",
    "PollDecided",
    "CriterionChanged",
    "CriterionJudged",
    "CriterionWaived",
    "IncidentOpened",
    "IncidentChanged",
    "IncidentRang",
    "PlanAmended",
    "EvidenceGiven",
    "Noted",
    "RollbackRequested",
    "RollbackTold",
    "FaultSwitched",
    "LaunchEnded",
    "LaunchClosed",
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
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
    Slipped {
        published: Instant,
        why: String,
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
        #[serde(default, skip_serializing_if = "no_step")]
        marked: u32,
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
    ProcessReady {
        item: ItemId,
        attempt: Attempt,
        pid: u32,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        captured: BTreeMap<String, Value>,
    },
    ProcessEnded {
        item: ItemId,
        attempt: Attempt,
        why: String,
        asked: bool,
        #[serde(with = "OutcomeV1")]
        outcome: Outcome,
    },
    PlaybookStarted {
        playbook: PlaybookId,
        run: u32,
    },
    PlaybookStepEnded {
        playbook: PlaybookId,
        run: u32,
        step: ItemId,
        #[serde(with = "VerdictV1")]
        verdict: Verdict,
        #[serde(with = "OutcomeV1")]
        outcome: Outcome,
    },
    PlaybookEnded {
        playbook: PlaybookId,
        run: u32,
        why: String,
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
    StepUndone {
        item: ItemId,
        attempt: Attempt,
        run: u32,
        why: String,
    },
    FieldFilled {
        item: ItemId,
        field: String,
        value: String,
    },
    RepeatOrdered {
        item: ItemId,
        attempt: Attempt,
        reason: String,
    },
    ItemRecurred {
        item: ItemId,
        occurrence: u32,
        missed: u32,
    },
    Chosen {
        item: ItemId,
        option: String,
        reason: String,
    },
    PassedOver {
        item: ItemId,
        by: String,
    },
    Signed {
        item: ItemId,
        role: RoleId,
        note: String,
    },
    Attested {
        item: ItemId,
        note: String,
        passed: bool,
    },
    Waived {
        item: ItemId,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    WaiverExpired {
        item: ItemId,
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
    Evaluated {
        #[serde(with = "watched::rounds")]
        rounds: Vec<Round>,
    },
    HoleFilled {
        #[serde(with = "watched::rounds")]
        rounds: Vec<Round>,
    },
    SamplesKept {
        minute: Instant,
        #[serde(with = "watched::blocks")]
        blocks: Vec<SampleBlock>,
    },
    TriggerFired {
        trigger: TriggerId,
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starts: Option<Instant>,
    },
    TriggerVetoed {
        trigger: TriggerId,
        why: String,
    },
    TriggerAcknowledged {
        trigger: TriggerId,
    },
    SoakHoleWaived {
        item: ItemId,
        #[serde(default)]
        hole: Instant,
        reason: String,
    },
    Voted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poll: Option<ItemId>,
        role: RoleId,
        #[serde(with = "VoteV1")]
        vote: Vote,
        #[serde(with = "bound", default, skip_serializing_if = "Option::is_none")]
        bound: Option<Bound>,
    },
    VotesVoided {
        why: String,
    },
    VoteVoided {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poll: Option<ItemId>,
        role: RoleId,
        why: String,
    },
    PollDecided {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poll: Option<ItemId>,
        go: bool,
        blocking: Vec<String>,
    },
    CriterionChanged {
        criterion: CriterionId,
        #[serde(with = "verdict_or_none", default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Verdict>,
        #[serde(default, skip_serializing_if = "is_none")]
        waivers: u32,
        why: String,
    },
    CriterionJudged {
        criterion: CriterionId,
        met: bool,
        note: String,
    },
    CriterionWaived {
        criterion: CriterionId,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    IncidentOpened {
        incident: u32,
        title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<SeverityId>,
        detected_by: String,
    },
    IncidentChanged {
        incident: u32,
        #[serde(with = "ChangeV1")]
        change: Change,
    },
    IncidentRang {
        incident: u32,
        #[serde(with = "DueV1")]
        due: Due,
    },
    PlanAmended {
        revision: u32,
        plan_hash: String,
        reason: String,
        changes: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<ItemId>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recapture: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        asked: Vec<SignalId>,
    },
    EvidenceGiven {
        evidence: EvidenceId,
        what: String,
    },
    Noted {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amends: Option<u64>,
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
    LaunchClosed {
        why: String,
        missing: Vec<String>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn no_step(count: &u32) -> bool {
    *count == 0
}
