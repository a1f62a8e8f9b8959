//! What happened, past tense: the board is a pure fold over these, and the journal has wire forms of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::countdown::Passage;
use super::criteria::Bound;
use super::id::{
    Attempt, CriterionId, EvidenceId, ItemId, MonitorId, PhaseId, PlaybookId, RequestId, RoleId, RollbackId,
    SeverityId, SignalId, StreamId, TriggerId,
};
use super::incident;
use super::objective::Round;
use super::plan::Release;
use super::time::{Instant, Mark, Wall};
use super::verdict::{Captured, Outcome, Report, Verdict};

mod told;

pub use told::{Mode, RollbackEnd, RollbackFact, SampleBlock, Vote};

/// Who did it, or asked for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Actor {
    /// A person's name, or what acted: `engine`, `crew`.
    pub name: String,
    pub role: Option<RoleId>,
    /// A scripted crew of a rehearsal: stamped wherever it is shown.
    pub scripted: bool,
    /// Who wrote it down for them, at a console opened under another name.
    pub recorded_by: Option<String>,
}

/// An event in its place: what is folded, and what a record carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// From 1, without gaps.
    pub seq: u64,
    /// On the launch's own axis.
    pub at: Instant,
    pub occurred_at: Wall,
    pub recorded_at: Wall,
    pub actor: Actor,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    LaunchOpened {
        plan: String,
        plan_hash: String,
        mode: Mode,
        /// Milliseconds before T-0.
        start: i64,
        release: Release,
        /// As `Plan::target`.
        target: Option<String>,
    },
    /// A console came back; `clean` if it had left by itself, `t` is the last journaled T.
    ConsoleReturned {
        clean: bool,
        t: i64,
    },
    /// A console left by itself.
    ConsoleLeft,
    /// Another console took the lease from one that held it still: `from`, process `pid` on `host`.
    TookOver {
        from: String,
        pid: u32,
        host: String,
    },
    /// A request of an attached terminal was decided; what it led to stands beside it. Each is decided once.
    RequestDecided {
        request: RequestId,
        /// What was asked, as one line.
        what: String,
        /// Why not, where it was refused.
        refused: Option<String>,
    },
    /// The machine slept for `gap`.
    Slept {
        gap: Duration,
    },
    /// A rehearsal skipped idle time. Only journals of version 1 hold it: each record says where it stands.
    TimeJumped {
        by: Duration,
    },
    /// The countdown moved on by time alone.
    Passed(Passage),
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
    /// A new T-0 was published, on the launch's own axis.
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
    /// After T-0: every step but rollback stops.
    Frozen {
        why: String,
    },
    Thawed {
        why: String,
    },
    PhaseOpened {
        phase: PhaseId,
    },
    /// A person had every check of a phase looked at again, in its order.
    PhaseRunAgain {
        phase: PhaseId,
    },
    GatePassed {
        phase: PhaseId,
        waivers: u32,
        /// Steps that passed by a person's word. Journals from before it was told say 0.
        marked: u32,
    },
    /// A check, a wait or a human task began.
    ItemStarted {
        item: ItemId,
        attempt: Attempt,
    },
    ItemEnded {
        item: ItemId,
        attempt: Attempt,
        report: Report,
    },
    /// An item could not be tried: something it needs did not pass.
    ItemBlocked {
        item: ItemId,
        by: String,
    },
    /// Synced to disk before anything happens.
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
        verdict: Verdict,
        outcome: Outcome,
    },
    /// What a step started is ready and lives on, as process `pid`; the step has passed.
    ProcessReady {
        item: ItemId,
        attempt: Attempt,
        pid: u32,
        /// Taken from its output, by name.
        captured: BTreeMap<String, Value>,
    },
    /// What was ready has ended; `asked` where somebody wanted that.
    ProcessEnded {
        item: ItemId,
        attempt: Attempt,
        why: String,
        asked: bool,
        outcome: Outcome,
    },
    /// A person runs a playbook: commands that look, and change nothing.
    PlaybookStarted {
        playbook: PlaybookId,
        /// 1 for the first of this launch.
        run: u32,
    },
    PlaybookStepEnded {
        playbook: PlaybookId,
        run: u32,
        step: ItemId,
        verdict: Verdict,
        outcome: Outcome,
    },
    PlaybookEnded {
        playbook: PlaybookId,
        run: u32,
        why: String,
    },
    /// A step, or what it left living, was asked to end; how it ended is told by `StepEnded`.
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
    /// A person found out by hand what an attempt of unknown outcome had come to.
    StepMarked {
        item: ItemId,
        attempt: Attempt,
        passed: bool,
        reason: String,
    },
    /// A rollback may have set back what a step did: its pass proves nothing any more.
    StepUndone {
        item: ItemId,
        attempt: Attempt,
        /// The rollback's number.
        run: u32,
        why: String,
    },
    /// A person typed what a step asks for before its next attempt.
    FieldFilled {
        item: ItemId,
        field: String,
        value: String,
    },
    /// A person had a step done again though it may have happened; its next intent follows.
    RepeatOrdered {
        item: ItemId,
        /// The attempt whose outcome is unknown.
        attempt: Attempt,
        reason: String,
    },
    /// A recurring item is due once more; so many times before it nobody was there or did it.
    ItemRecurred {
        item: ItemId,
        /// 1 for the first time after the one at its mark.
        occurrence: u32,
        missed: u32,
    },
    /// A choice was made, or made anew: items of the other branches are passed over.
    Chosen {
        item: ItemId,
        option: String,
        reason: String,
    },
    /// An item that stands on a branch not chosen: skipped by the plan.
    PassedOver {
        item: ItemId,
        /// The choice, and what was chosen, as one line.
        by: String,
    },
    /// A role put its name under a sign-off.
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
        /// It counts no longer from here on; for ever where a journal says nothing.
        until: Option<Instant>,
    },
    /// A waiver's time is over: what it let open is as shut as before.
    WaiverExpired {
        item: ItemId,
    },
    /// A warning was seen and taken on.
    Acknowledged {
        item: ItemId,
    },
    BaselineCaptured {
        name: String,
        value: Captured,
    },
    MonitorChanged {
        monitor: MonitorId,
        verdict: Verdict,
        why: String,
    },
    StreamChanged {
        stream: StreamId,
        open: bool,
        why: String,
    },
    /// Objectives were evaluated, with what was counted; several instants where a rehearsal skipped time.
    Evaluated {
        rounds: Vec<Round>,
    },
    /// A soak's source told afterwards of a time that nobody watched: its ledger alone takes it.
    HoleFilled {
        rounds: Vec<Round>,
    },
    /// The samples of a minute are on disk: the hash of each block, by its signal.
    SamplesKept {
        /// When that minute began.
        minute: Instant,
        blocks: Vec<SampleBlock>,
    },
    /// A trigger's condition has held for long enough.
    TriggerFired {
        trigger: TriggerId,
        why: String,
        /// When its rollback starts by itself.
        starts: Option<Instant>,
    },
    TriggerVetoed {
        trigger: TriggerId,
        why: String,
    },
    /// A person has taken on a trigger that fired.
    TriggerAcknowledged {
        trigger: TriggerId,
    },
    /// A soak goes on over a hole that would have begun it anew, by a person's word.
    SoakHoleWaived {
        item: ItemId,
        /// When that hole began.
        hole: Instant,
        reason: String,
    },
    Voted {
        /// The poll of the checklist it is cast in; none for the plan's own.
        poll: Option<ItemId>,
        role: RoleId,
        vote: Vote,
        /// What it was given on; journals of version 1 may not say it.
        bound: Option<Bound>,
    },
    VotesVoided {
        why: String,
    },
    /// One vote no longer counts: it expired, or what it was bound to is not so any more.
    VoteVoided {
        /// The poll of the checklist it was cast in; none for the plan's own.
        poll: Option<ItemId>,
        role: RoleId,
        why: String,
    },
    /// What a poll came to, with what stood against it.
    PollDecided {
        poll: Option<ItemId>,
        go: bool,
        blocking: Vec<String>,
    },
    /// The machine's verdict on a criterion became another.
    CriterionChanged {
        criterion: CriterionId,
        /// None while nothing it stands on was tried.
        verdict: Option<Verdict>,
        /// Items that it passes with though they were only waived.
        waivers: u32,
        why: String,
    },
    /// A person decided a criterion that is for a person.
    CriterionJudged {
        criterion: CriterionId,
        /// Go: it is so. No-go: it does not occur.
        met: bool,
        note: String,
    },
    CriterionWaived {
        criterion: CriterionId,
        reason: String,
        /// It counts no longer from here on.
        until: Option<Instant>,
    },
    IncidentOpened {
        /// 1 for the first of this launch.
        incident: u32,
        title: String,
        severity: Option<SeverityId>,
        /// Who or what noticed.
        detected_by: String,
    },
    IncidentChanged {
        incident: u32,
        change: incident::Change,
    },
    /// A deadline of an incident passed: told once, whatever becomes of the console.
    IncidentRang {
        incident: u32,
        due: incident::Due,
    },
    /// The launch goes by another plan from here on; all votes are void.
    PlanAmended {
        /// 2 for the first plan after the one it was opened with.
        revision: u32,
        plan_hash: String,
        reason: String,
        /// The difference, a line each.
        changes: Vec<String>,
        /// Items of both plans that wait again: they do something else, or stand in a session with one that does.
        again: Vec<ItemId>,
        /// Baseline values that are captured anew.
        recapture: Vec<String>,
        /// Signals of both plans, `monitor.ID` too, that ask something else now.
        asked: Vec<SignalId>,
    },
    /// Something was archived under a piece of evidence that the plan asks for.
    EvidenceGiven {
        evidence: EvidenceId,
        /// A link, a file's name and hash, or the words.
        what: String,
    },
    Noted {
        text: String,
        /// The note that this one corrects, by its record's number; it stays as it is.
        amends: Option<u64>,
    },
    RollbackRequested {
        rollback: RollbackId,
        /// 1 for the first of this launch.
        run: u32,
        why: String,
    },
    RollbackTold {
        run: u32,
        fact: RollbackFact,
    },
    /// A rehearsal switched a fault on or off.
    FaultSwitched {
        fault: String,
        on: bool,
    },
    LaunchEnded {
        why: String,
    },
    /// A person closed the launch: what was asked for is there, or `missing` says what is not and `why` the reason.
    LaunchClosed {
        why: String,
        missing: Vec<String>,
    },
}

impl Event {
    /// A note that corrects no other.
    #[must_use]
    pub fn noted(text: impl Into<String>) -> Self {
        Self::Noted { text: text.into(), amends: None }
    }
}

impl Actor {
    /// The engine itself.
    #[must_use]
    pub fn engine() -> Self {
        Self { name: "engine".into(), role: None, scripted: false, recorded_by: None }
    }

    #[must_use]
    pub fn person(name: impl Into<String>, role: Option<RoleId>) -> Self {
        Self { name: name.into(), role, scripted: false, recorded_by: None }
    }

    /// `Ana (Backend lead)`, with `title` for what a role is called.
    pub(super) fn called(&self, title: impl Fn(&RoleId) -> String) -> String {
        let role = self.role.as_ref().map(|role| format!(" ({})", title(role))).unwrap_or_default();
        let scripted = if self.scripted { " (scripted)" } else { "" };
        let recorded = self.recorded_by.as_ref().map(|name| format!(", recorded by {name}")).unwrap_or_default();
        format!("{}{role}{scripted}{recorded}", self.name)
    }
}

impl Mode {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Launch => "launch",
            Self::Rehearsal => "rehearsal",
            Self::Gate => "gate",
        }
    }
}

impl Captured {
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing(_) => None,
        }
    }
}
