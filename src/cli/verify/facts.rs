//! What a launch's records say that other files must agree with, and what may be said once only.

use std::collections::{BTreeMap, BTreeSet};

use super::artifacts;
use super::look::Said;
use crate::journal::finding::Span;
use crate::launch::event::{Event, Mode, Recorded, RollbackFact};
use crate::launch::id::{Attempt, ItemId, RequestId, RollbackId};
use crate::launch::verdict::Captured;
use crate::watch::kept::Vouched;

#[derive(Debug, Default)]
pub struct Facts {
    /// The plan's hash, and what was opened.
    pub opened: Option<(String, Mode)>,
    /// The target that it was opened for.
    pub target: Option<String>,
    /// The hashes of the plans that it was amended to, with their records.
    pub amended: Vec<(u64, String)>,
    /// In the order they were captured.
    pub baseline: Vec<(String, Captured)>,
    /// Rollbacks by their number, with what the journal tells of them.
    pub runs: BTreeMap<u32, (RollbackId, Vec<RollbackFact>)>,
    pub twice: Vec<Said>,
    /// The first record that says of an act that nothing ran.
    pub simulated: Option<u64>,
    /// The launch is over: nothing is added to its journal.
    pub over: bool,
    /// The blocks of samples that it vouches for.
    pub vouched: Vouched,
    /// What records stand on beside themselves: where it lies as a rule, from the launch's folder, and its SHA-256, with
    /// the first record that names it and what it is there.
    pub kept: BTreeMap<(String, String), Kept>,
    intents: BTreeSet<(ItemId, Attempt)>,
    requests: BTreeSet<RequestId>,
}

/// A file that a record names by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub seq: u64,
    pub what: String,
}

impl Facts {
    pub fn take(&mut self, record: Recorded) {
        artifacts::named(&record, &mut |sha256, place, what| {
            self.kept.entry((place, sha256)).or_insert(Kept { seq: record.seq, what });
        });
        if let Event::StepEnded { outcome, .. } = &record.event
            && outcome.simulated
        {
            self.simulated.get_or_insert(record.seq);
        }
        match record.event {
            Event::LaunchOpened { plan_hash, mode, target, .. } if record.seq == 1 => {
                self.opened = Some((plan_hash, mode));
                self.target = target;
            }
            Event::PlanAmended { plan_hash, .. } => self.amended.push((record.seq, plan_hash)),
            Event::LaunchEnded { .. } => self.over = true,
            Event::SamplesKept { minute, blocks } => self.vouched.take(minute, &blocks),
            Event::BaselineCaptured { name, value } => self.baseline.push((name, value)),
            Event::RollbackRequested { rollback, run, .. } => {
                self.runs.entry(run).or_insert((rollback, Vec::new()));
            }
            Event::RollbackTold { run, fact } => {
                if let Some((_, facts)) = self.runs.get_mut(&run) {
                    facts.push(fact);
                }
            }
            Event::StepIntended { item, attempt } => {
                let what = format!("attempt {attempt} at step {item} is intended a second time");
                if !self.intents.insert((item, attempt)) {
                    self.again(record.seq, &what);
                }
            }
            Event::RequestDecided { request, .. } => {
                let what = format!("request {request} is decided a second time");
                if !self.requests.insert(request) {
                    self.again(record.seq, &what);
                }
            }
            _ => {}
        }
    }

    fn again(&mut self, seq: u64, what: &str) {
        let what = format!("record {seq}: {what}");
        self.twice.push(Said { span: Some(Span::one(seq)), ..Said::of("journal.db", what) });
    }

    /// What `baseline.json` may hold: the last first, and then what it held before each capture.
    pub fn baselines(&self) -> impl Iterator<Item = BTreeMap<String, Captured>> + '_ {
        (0..=self.baseline.len()).rev().map(|count| self.baseline[..count].iter().cloned().collect())
    }
}

/// The first fact of `journal` that the rollback's own log does not tell, in its order; numbered from 1.
#[must_use]
pub fn untold(journal: &[RollbackFact], log: &[RollbackFact]) -> Option<usize> {
    let mut log = log.iter();
    journal.iter().filter(|fact| !ours(fact)).position(|fact| !log.any(|told| same(fact, told))).map(|at| at + 1)
}

/// An end that a console told, for its runner could not.
fn ours(fact: &RollbackFact) -> bool {
    matches!(fact, RollbackFact::Ended { took, .. } if took.is_zero())
}

/// The two are kept in forms of their own, one with finer times.
fn same(one: &RollbackFact, other: &RollbackFact) -> bool {
    use RollbackFact::{
        ApprovalAwaited, ApprovalRefused, Approved, Ended, FallbackEnded, FallbackStarted, Started, StepEnded,
        StepStarted, Verified,
    };
    match (one, other) {
        (Started { pid }, Started { pid: other }) => pid == other,
        (StepStarted { step }, StepStarted { step: other }) => step == other,
        (ApprovalAwaited { .. }, ApprovalAwaited { .. })
        | (Approved { .. }, Approved { .. })
        | (ApprovalRefused { .. }, ApprovalRefused { .. })
        | (FallbackStarted { .. }, FallbackStarted { .. }) => one == other,
        (FallbackEnded { step, verdict, outcome }, FallbackEnded { step: other, verdict: found, outcome: came })
        | (StepEnded { step, verdict, outcome }, StepEnded { step: other, verdict: found, outcome: came }) => {
            (step, verdict, outcome.exit, outcome.signal) == (other, found, came.exit, came.signal)
        }
        (Verified { check, report }, Verified { check: other, report: found }) => {
            (check, report.verdict, &report.summary) == (other, found.verdict, &found.summary)
        }
        (Ended { end, .. }, Ended { end: other, .. }) => end == other,
        _ => false,
    }
}
