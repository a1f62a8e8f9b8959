//! What people ask for, and what adapters report. Both come into the loop; only `decide` makes events
//! of them.

use std::time::Duration;

use super::event::{Actor, RollbackFact, Vote};
use super::id::{Attempt, ItemId, MonitorId, PhaseId, RoleId, RollbackId, StreamId};
use super::time::Mark;
use super::verdict::{Captured, Outcome, Report, Verdict};

/// Everything that reaches the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Command {
        by: Actor,
        command: Command,
    },
    Observation(Observation),
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
    Waive {
        item: ItemId,
        reason: String,
    },
    /// Takes on a warning.
    Acknowledge {
        item: ItemId,
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
        role: RoleId,
        vote: Vote,
    },
    Note {
        text: String,
    },
    Rollback {
        rollback: RollbackId,
        why: String,
    },
    SwitchFault {
        fault: String,
        on: bool,
    },
    /// This console leaves; the launch goes on.
    Leave,
    /// The launch is over.
    End {
        why: String,
    },
}

/// What an adapter saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    CheckEnded { item: ItemId, attempt: Attempt, report: Report },
    StepStarted { item: ItemId, attempt: Attempt, pid: u32 },
    StepEnded { item: ItemId, attempt: Attempt, verdict: Verdict, outcome: Outcome },
    BaselineCaptured { name: String, value: Captured },
    MonitorChanged { monitor: MonitorId, verdict: Verdict, why: String },
    StreamChanged { stream: StreamId, open: bool, why: String },
    RollbackTold { run: u32, fact: RollbackFact },
    Slept { gap: Duration },
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
