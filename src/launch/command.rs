//! What people ask for, and what adapters report. Both come into the loop; only `decide` makes events
//! of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::amend::Amendment;
use super::event::{Actor, RollbackFact, SampleBlock, Vote};
use super::id::{
    Attempt, CriterionId, EvidenceId, ItemId, MonitorId, PhaseId, PlaybookId, RequestId, RoleId, RollbackId,
    SeverityId, StreamId, TriggerId,
};
use super::incident;
use super::objective::Round;
use super::time::{Instant, Mark, Wall};
use super::verdict::{Captured, Outcome, Report, Verdict};

/// Everything that reaches the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Command {
        by: Actor,
        command: Command,
    },
    Observation(Observation),
    /// What an attached terminal asks: decided as a command of its caller would be, once.
    Request {
        id: RequestId,
        by: Actor,
        command: Command,
        /// When it was asked, for the record of what was said then.
        asked_at: Wall,
        /// How long ago that is.
        age: Duration,
    },
    /// Time passed.
    Tick,
}

/// Imperative: what a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Runs an item now, or again.
    RunItem {
        item: ItemId,
    },
    RunPhase {
        phase: PhaseId,
    },
    Cancel {
        item: ItemId,
    },
    Attest {
        item: ItemId,
        note: String,
        passed: bool,
    },
    /// Says what a step of unknown outcome came to, looked up by hand.
    MarkStep {
        item: ItemId,
        passed: bool,
        reason: String,
    },
    /// Types what a step asks for before its next attempt; once more in its place puts it right.
    Fill {
        item: ItemId,
        field: String,
        value: String,
    },
    /// Has a step done again whose outcome is unknown.
    Repeat {
        item: ItemId,
        reason: String,
    },
    Waive {
        item: ItemId,
        reason: String,
        /// How long it counts.
        lasts: Duration,
    },
    /// Takes on a warning.
    Acknowledge {
        item: ItemId,
    },
    /// Selects a branch.
    Choose {
        item: ItemId,
        option: String,
        reason: String,
    },
    /// Puts a role's name under a sign-off.
    Sign {
        item: ItemId,
        role: RoleId,
        note: String,
    },
    /// Decides a criterion that is for a person.
    Judge {
        criterion: CriterionId,
        met: bool,
        note: String,
    },
    WaiveCriterion {
        criterion: CriterionId,
        reason: String,
        /// How long it counts.
        lasts: Duration,
    },
    OpenIncident {
        title: String,
        severity: Option<SeverityId>,
        detected_by: String,
    },
    ChangeIncident {
        incident: u32,
        change: incident::Change,
    },
    GiveEvidence {
        evidence: EvidenceId,
        what: String,
    },
    /// Ends the launch for good: refused with all that is missing, unless `anyway` says why it is closed so.
    Close {
        why: String,
        anyway: Option<String>,
        /// What was given as a file and is there no more, as whoever decides found it: whoever asks leaves it empty.
        gone: Vec<String>,
    },
    /// Has a plan file looked over for this launch, to be shown with how it differs; it changes nothing.
    Propose {
        path: String,
    },
    /// Goes by another plan from here on, one that the board knows (`Board::learn`).
    Amend {
        /// Where it cannot be gone by, why not.
        amendment: Result<Amendment, String>,
        reason: String,
    },
    CallHold {
        why: String,
    },
    /// Clears the caller's own latch, or (with a role that may waive) another's.
    ReleaseHold {
        who: String,
    },
    Resume,
    CatchUp,
    Recycle {
        mark: Mark,
    },
    /// Publishes a new T-0, on the launch's own axis.
    Slip {
        published: Instant,
        why: String,
    },
    Scrub {
        why: String,
    },
    CutOff {
        why: String,
    },
    Freeze {
        why: String,
    },
    Thaw {
        why: String,
    },
    Vote {
        /// The poll of the checklist; none for the plan's own.
        poll: Option<ItemId>,
        role: RoleId,
        vote: Vote,
    },
    Note {
        text: String,
        /// When it happened, where that is not now.
        occurred_at: Option<Wall>,
        /// The note that this one corrects, by its record's number.
        amends: Option<u64>,
    },
    Rollback {
        rollback: RollbackId,
        why: String,
    },
    /// [`Command::Rollback`] with the number that was claimed for it in the launch's folder.
    RollbackAs {
        rollback: RollbackId,
        run: u32,
        why: String,
    },
    /// A rollback that was started from another terminal, and runs without us.
    RollbackFound {
        rollback: RollbackId,
        run: u32,
        why: String,
    },
    /// Turns the second key of a step of the rollback that runs. It goes straight into that run's folder, past
    /// the loop: the runner decides it, and its log tells the journal.
    Approve {
        step: ItemId,
    },
    /// Says no to a trigger that fired, before its rollback starts.
    Veto {
        trigger: TriggerId,
        why: String,
    },
    /// Takes on a trigger that fired.
    AcknowledgeTrigger {
        trigger: TriggerId,
    },
    /// A person sees what a trigger is for.
    FireTrigger {
        trigger: TriggerId,
        why: String,
    },
    /// Lets a soak go on over a hole in the watching.
    WaiveHole {
        item: ItemId,
        /// When that hole began: the last one that began the time anew, as it was shown.
        hole: Instant,
        reason: String,
    },
    SwitchFault {
        fault: String,
        on: bool,
    },
    RunPlaybook {
        playbook: PlaybookId,
    },
    /// This console leaves; the launch goes on.
    Leave,
    /// The launch is over.
    End {
        why: String,
    },
}

impl Command {
    /// What was seen stays seen, however late it is read; everything else is about the moment it was asked in.
    #[must_use]
    pub fn is_sighting(&self) -> bool {
        let is_note = |change: &incident::Change| matches!(change, incident::Change::Note(_));
        match self {
            Self::Note { .. } | Self::OpenIncident { .. } => true,
            Self::ChangeIncident { change, .. } => is_note(change),
            _ => false,
        }
    }

    /// A note of what happens just now.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into(), occurred_at: None, amends: None }
    }
}

/// What an adapter saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    CheckEnded {
        item: ItemId,
        attempt: Attempt,
        report: Report,
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
    /// What a step started is ready; `outcome` is that of the step.
    ProcessReady {
        item: ItemId,
        attempt: Attempt,
        pid: u32,
        captured: BTreeMap<String, Value>,
        outcome: Outcome,
    },
    /// It has ended, after that.
    ProcessEnded {
        item: ItemId,
        attempt: Attempt,
        why: String,
        outcome: Outcome,
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
    /// Objectives were evaluated.
    Evaluated {
        rounds: Vec<Round>,
    },
    /// The source of a soak's objectives was asked for a time that nobody watched.
    HoleFilled {
        rounds: Vec<Round>,
    },
    /// A minute's samples are on disk.
    SamplesKept {
        minute: Instant,
        blocks: Vec<SampleBlock>,
    },
    RollbackTold {
        run: u32,
        fact: RollbackFact,
    },
    Slept {
        gap: Duration,
    },
}

/// Why a command was refused; a sentence for whoever asked. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl From<super::countdown::Refused> for Refusal {
    fn from(refused: super::countdown::Refused) -> Self {
        Self(refused.to_string())
    }
}
