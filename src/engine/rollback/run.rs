//! What a rollback is to do, and one step of it under the shim. It keeps nothing; what an earlier runner did is
//! read from the steps' own folders.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::boundary::reach;
use crate::base::proc::{self, Intent, Private, Standing, Tail};
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::base::wire::Network;
use crate::kind::step::act;
use crate::kind::{Catalogue, Spec};
use crate::launch::event::RollbackEnd;
use crate::launch::id::ItemId;
use crate::launch::plan::{Class, Fallback, Role, Rollback, RollbackStep, SpecId, Verify};
use crate::launch::verdict::{Outcome, Report, Verdict};

/// How often a readonly step whose shim died may be begun anew.
const ATTEMPTS: u32 = 5;

/// Everything a rollback needs, resolved: it reads no plan and no database.
#[derive(Debug, Clone)]
pub struct Orders {
    pub rollback: Rollback,
    /// Of the plan: who may approve.
    pub roles: Vec<Role>,
    /// What an earlier runner of this run left in its log.
    pub earlier: Earlier,
    pub catalogue: Catalogue,
    /// The frozen baseline: on top of each step's own values.
    pub baseline: Scope,
    /// The rollback's own folder; steps' folders are made in it.
    pub folder: PathBuf,
    /// The plan's folder: a step's `cwd` is relative to it.
    pub base: PathBuf,
    /// The program that holds the shim.
    pub program: PathBuf,
    pub redactor: Redactor,
    /// Variables that the plan names and this process's environment does not have.
    pub unset: Vec<String>,
    /// Where steps of ours connect to.
    pub network: Network,
    /// In a rehearsal, the target that says what steps come to.
    pub simulated: Option<SocketAddr>,
}

/// What a run came to under a runner that died.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// Since its first fact.
    pub spent: Duration,
    /// Steps whose second key was turned.
    pub approved: BTreeSet<ItemId>,
}

/// What the shim runs for a step: its own command, or its fallback's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'o> {
    pub id: &'o ItemId,
    spec: SpecId,
    class: Class,
    timeout: Duration,
}

impl<'o> From<&'o RollbackStep> for Work<'o> {
    fn from(step: &'o RollbackStep) -> Self {
        Self { id: &step.id, spec: step.spec, class: step.class, timeout: step.timeout }
    }
}

impl<'o> From<&'o Fallback> for Work<'o> {
    /// The plan says no class of it: whatever it did, it does not do it again by itself.
    fn from(fallback: &'o Fallback) -> Self {
        Self { id: &fallback.id, spec: fallback.spec, class: Class::Once, timeout: fallback.timeout }
    }
}

/// Where the verdicts of `verify` come from.
pub trait Look {
    /// Looks once. A hung look is given up on by the caller.
    fn look(&self, check: &Verify) -> impl Future<Output = Report>;
}

/// Where a step's attempt is, for whoever shows its output: `ROLLBACK-FOLDER/steps/STEP.N`.
#[must_use]
pub fn attempt_folder(folder: &Path, step: &ItemId, attempt: u32) -> PathBuf {
    folder.join("steps").join(format!("{}.{attempt}", step.folder()))
}

/// What each step runs, as one line for a person who is about to start it.
#[must_use]
pub fn commands(orders: &Orders) -> Vec<String> {
    let line = |step: &RollbackStep| match prepared(orders, step.into()) {
        Ok((intent, ..)) if intent.simulated => "simulated: nothing runs".to_owned(),
        Ok((intent, ..)) => orders.redactor.text(&intent.argv.join(" ")),
        Err(why) => orders.redactor.text(&why),
    };
    orders.rollback.steps.iter().map(line).collect()
}

/// The end of a rollback of which a step cannot even be tried here: half of it is worse than none. None where
/// each can.
#[must_use]
pub fn unprepared(orders: &Orders) -> Option<RollbackEnd> {
    let work = |step: &'_ RollbackStep| {
        let own = prepared(orders, step.into()).err();
        own.or_else(|| step.fallback.as_ref().and_then(|fallback| prepared(orders, fallback.into()).err()))
    };
    let mut stopping = orders.rollback.steps.iter().filter(|step| blocks(orders, step.spec));
    let (step, why) = stopping.find_map(|step| work(step).map(|why| (step, why)))?;
    let begun = orders.rollback.steps.iter().any(|step| attempt_folder(&orders.folder, &step.id, 1).exists());
    let done = if begun { "some of its steps were begun, see its folder" } else { "nothing was done" };
    let act = match orders.unset.as_slice() {
        [] => "do its steps by hand".to_owned(),
        unset => format!("set {} and ask for it again", unset.join(", ")),
    };
    Some(RollbackEnd::FailedAtStep {
        step: step.id.clone(),
        why: orders.redactor.text(&why),
        by_hand: format!("{done}: {act}"),
    })
}

/// Whether the rollback stops where the step of `spec` fails: an announcement that did not go out stops none.
fn blocks(orders: &Orders, spec: SpecId) -> bool {
    !matches!(orders.catalogue.get(spec).map(|entry| &entry.spec), Some(Spec::Step(step)) if !step.blocks_rollback())
}

/// How a step came out.
pub(super) struct Done {
    pub verdict: Verdict,
    pub outcome: Outcome,
    /// The rollback stops where it failed.
    pub blocks: bool,
    /// Its last line on stderr.
    last: Option<String>,
    /// Its shim died: it may have done anything, and may still.
    pub lost: bool,
}

impl Done {
    pub fn is_well(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Warn)
    }

    /// What comes after it goes on: it is well, or stops nothing.
    pub fn lets_on(&self) -> bool {
        self.is_well() || !self.blocks
    }

    pub fn why(&self) -> String {
        match &self.last {
            Some(last) => format!("{}: {last}", self.outcome.words()),
            None => self.outcome.words(),
        }
    }
}

/// Runs one step, or learns how an earlier runner's attempt at it came out.
pub(super) async fn act(orders: &Orders, step: Work<'_>) -> Done {
    let never = |why: &str| {
        let outcome = act::never(why, &orders.redactor);
        Done { verdict: Verdict::Unknown, outcome, blocks: blocks(orders, step.spec), last: None, lost: false }
    };
    let (intent, private, exits) = match prepared(orders, step) {
        Ok(prepared) => prepared,
        Err(why) => return never(&why),
    };
    let mut attempt = 1;
    let (standing, dir) = loop {
        let dir = attempt_folder(&orders.folder, step.id, attempt);
        match attempted(orders, &dir, &intent, &private).await {
            // Nothing with a side effect happens twice by itself: the operator's key for another is a new run.
            Ok(Standing::Lost) if step.class == Class::Readonly && attempt < ATTEMPTS => attempt += 1,
            Ok(standing) => break (standing, dir),
            Err(why) => return never(&why),
        }
    };
    let lost = standing == Standing::Lost;
    let outcome = act::outcome(standing, &dir, &orders.redactor);
    let verdict = outcome.verdict(&exits);
    let mut stderr = Tail::new(dir.join("stderr"), 1);
    let last = stderr.look().ok().and_then(|_| stderr.lines().pop_back()).filter(|line| !line.is_empty());
    let last = last.map(|line| orders.redactor.text(&line));
    Done { verdict, outcome, blocks: blocks(orders, step.spec), last, lost }
}

/// The attempt in `dir` at its end: begun now, joined if a shim of an earlier runner is at it, or as it ended.
async fn attempted(orders: &Orders, dir: &Path, intent: &Intent, private: &Private) -> Result<Standing, String> {
    let ours = |error: std::io::Error| format!("failed to follow the step in {}: {error}", dir.display());
    if proc::look(dir).map_err(ours)? == Standing::NotClaimed {
        let started = proc::start(&orders.program, dir, intent, private).map_err(|error| error.to_string())?;
        reach("rollback-step-started");
        let standing = started.ended().await.map_err(ours)?;
        // Ours lost the claim to a shim that was on its way: that one's end counts.
        if !matches!(standing, Standing::Running { .. }) {
            return Ok(standing);
        }
    }
    proc::ended(dir).await.map_err(ours)
}

type Prepared = (Intent, Private, Vec<(i32, Verdict)>);

fn prepared(orders: &Orders, step: Work<'_>) -> Result<Prepared, String> {
    let entry = orders.catalogue.get(step.spec).ok_or("the plan's copy has no table for this step")?;
    let Spec::Step(spec) = &entry.spec else { return Err("this is no step".to_owned()) };
    let exits = spec.exits().to_vec();
    let scope = entry.scope.with(&orders.baseline);
    let ground = act::Ground {
        program: &orders.program,
        base: &orders.base,
        redactor: &orders.redactor,
        network: &orders.network,
        simulated: orders.simulated,
    };
    let (mut intent, private) = act::prepared(entry, step.id, &scope, step.timeout, ground)?;
    intent.unsynced = !intent.simulated;
    Ok((intent, private, exits))
}
