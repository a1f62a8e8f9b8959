//! The plan as the engine knows it: validated, `for_each` expanded, times and names resolved. Kinds'
//! own tables are elsewhere (the catalogue): here an item only carries the [`SpecId`] of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{
    EvidenceId, ItemId, MonitorId, PhaseId, PlaybookId, RoleId, RollbackId, SessionId, SeverityId, StreamId,
};
use super::playbook::Playbook;
use super::soak::Soak;
use super::time::{Mark, Wall, millis};

mod criterion;
mod notify;
mod rollback;
mod watched;

pub use criterion::{Criterion, DecidedBy, GoStage};
pub use notify::{AtMost, Notify, Topic, Via};
pub use rollback::{Fallback, Rollback, RollbackStep, Verify};
pub use watched::{Beside, Condition, FireMode, Objective, Signal, SignalSource, Trigger};

/// Which entry of the catalogue holds a kind's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecId(pub usize);

/// What votes bind to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Release {
    pub version: Option<String>,
    pub commit: Option<String>,
    pub artifact: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub id: String,
    pub title: String,
    pub environment: String,
    /// The target that `--env` asked for; none where the plan's own environment is meant.
    pub target: Option<String>,
    pub description: String,
    pub release: Release,
    /// SHA-256 of the plan file's bytes, in hex.
    pub hash: String,
    pub clock: ClockPlan,
    pub roles: Vec<Role>,
    pub poll: Vec<RoleId>,
    /// Votes last in every poll he votes in; the last in order where the plan does not say.
    pub director: Option<RoleId>,
    pub phases: Vec<Phase>,
    pub items: BTreeMap<ItemId, Item>,
    /// What a person types before each attempt at a step, in order; only of steps that ask.
    pub fields: BTreeMap<ItemId, Vec<String>>,
    /// The shares of traffic that a step sets, where those are all that it changes; of rollbacks' steps too.
    pub sets: BTreeMap<ItemId, BTreeSet<String>>,
    pub monitors: Vec<Monitor>,
    pub streams: Vec<Stream>,
    pub signals: Vec<Signal>,
    pub objectives: Vec<Objective>,
    pub triggers: Vec<Trigger>,
    /// Names of the values captured before T-0, with how.
    pub baseline: Vec<Baseline>,
    pub rollbacks: Vec<Rollback>,
    /// Readonly commands for when something is red.
    pub playbooks: Vec<Playbook>,
    /// The check that tells our own network's failure from the target's.
    pub control: Option<SpecId>,
    /// The go and no-go lists, in the order of the plan.
    pub criteria: Vec<Criterion>,
    /// How long a vote lasts; for ever where the plan does not say.
    pub vote_lasts: Option<Duration>,
    /// The guide to severities, worst first, each with its ladder.
    pub severities: Vec<Severity>,
    /// What must be archived before the launch may be closed.
    pub evidence: Vec<Evidence>,
    /// Who is told while it runs, in the order of the file.
    pub notify: Vec<Notify>,
}

/// A severity of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severity {
    pub id: SeverityId,
    pub title: String,
    /// What makes an incident one of this severity.
    pub guide: String,
    /// How long until severity and commander must be there.
    pub triage: Duration,
    /// In the order of `after`.
    pub levels: Vec<Level>,
}

/// A rung of the escalation ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub id: String,
    pub title: String,
    /// From the opening of the incident.
    pub after: Duration,
    /// Whom to call: names, channels, addresses.
    pub contacts: Vec<String>,
}

/// What must be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub id: EvidenceId,
    pub title: String,
    /// Items whose reports are it; where there are none a person gives it.
    pub items: Vec<ItemId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClockPlan {
    /// How far before T-0 the launch opens: the earliest mark of the plan unless it says otherwise.
    pub start: i64,
    /// When T-0 is published for, where the plan says so; the command line may say it instead.
    pub t0: Option<T0>,
    /// After this nothing may be launched any more.
    pub window_closes: Option<Wall>,
    pub holds: Vec<BuiltInHold>,
    pub recycle: BTreeSet<Mark>,
    pub terminal: Option<Mark>,
    pub no_hold_below: Option<Mark>,
    pub max_terminal_hold: Option<Duration>,
}

/// The published T-0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum T0 {
    At(Wall),
    /// This long after the launch is opened.
    In(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInHold {
    pub at: Mark,
    pub length: Duration,
    pub title: String,
    /// Resume needs the poll GO.
    pub poll: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub id: RoleId,
    pub title: String,
    pub people: Vec<String>,
    pub votes: bool,
    pub may: BTreeSet<Power>,
}

/// What a role may do beyond holding and voting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    Resume,
    Waive,
    Abort,
    Approve,
    Amend,
}

impl Power {
    pub const WORDS: [(&'static str, Self); 5] = [
        ("resume", Self::Resume),
        ("waive", Self::Waive),
        ("abort", Self::Abort),
        ("approve", Self::Approve),
        ("amend", Self::Amend),
    ];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    pub id: PhaseId,
    pub title: String,
    pub at: Mark,
    pub gate: bool,
    /// Phases that must be open (or done, where they are no gates) before this one.
    pub needs: Vec<PhaseId>,
    /// In the order of the plan.
    pub items: Vec<ItemId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    pub title: String,
    pub why: String,
    pub phase: PhaseId,
    /// The word of its kind: `http`, `run`, `manual`.
    pub kind: &'static str,
    pub act: Act,
    /// When it is due; its phase's mark unless it has its own.
    pub at: Mark,
    pub needs: Vec<ItemId>,
    /// Where it acts, where that is not where the launch is.
    pub target: Option<String>,
    /// Items of one session run one after another, in the order of the plan.
    pub session: Option<SessionId>,
    pub timeout: Duration,
    pub retries: u32,
    pub valid_for: Option<Duration>,
    pub allow_skipped: bool,
    /// Runs at its mark without a key. Checks always do; steps where the plan says so.
    pub auto: bool,
    pub on_fail: OnFail,
    pub on_preempt: OnPreempt,
    /// What the console shows as expected before anything was seen.
    pub expects: Vec<String>,
    /// It stands on a branch: passed over unless this was chosen.
    pub when: Option<When>,
    /// Due again and again from its mark on.
    pub every: Option<Every>,
    /// Names of the baseline values that it uses.
    pub baseline: Vec<String>,
}

/// The branch an item stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    pub choice: ItemId,
    /// Any of these options.
    pub is: Vec<String>,
}

/// How often an item is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Span(Duration),
    /// The same day of the next calendar month by the launch's wall clock; its last day where there is no such.
    Month,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Looks and changes nothing.
    Check(SpecId),
    /// Acts on the world; `second` gives its word before each attempt.
    Step { spec: SpecId, class: Class, confirm: Confirm, second: Second },
    /// A person attests, with a note.
    Manual { role: Option<RoleId>, second: Second },
    /// A person selects a branch, with a reason.
    Choice { options: Vec<Branch>, role: Option<RoleId> },
    /// A poll of its own: these roles vote, on the criteria of a stage.
    Poll { stage: GoStage, roles: Vec<RoleId> },
    /// Each of these roles puts its name under it.
    Signoff { roles: Vec<RoleId> },
    /// Time passes.
    Wait { span: Duration },
    /// Objectives hold for a continuous time.
    Soak(Soak),
}

impl Act {
    /// True where only people's words decide it.
    #[must_use]
    pub fn is_persons(&self) -> bool {
        matches!(self, Self::Manual { .. } | Self::Choice { .. } | Self::Poll { .. } | Self::Signoff { .. })
    }
}

/// Whether a word needs another person's beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Second {
    #[default]
    None,
    /// Anybody's else.
    Anyone,
    /// Somebody's else, of this role.
    Role(RoleId),
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub id: String,
    pub title: String,
}

/// What repeating a step may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Readonly,
    Idempotent,
    Once,
}

impl Class {
    pub const WORDS: [(&'static str, Self); 3] =
        [("readonly", Self::Readonly), ("idempotent", Self::Idempotent), ("once", Self::Once)];
}

/// What a person does before a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    None,
    Key,
    /// Types the item's id.
    Type,
}

impl Confirm {
    pub const WORDS: [(&'static str, Self); 3] = [("none", Self::None), ("key", Self::Key), ("type", Self::Type)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    Block,
    Warn,
}

impl OnFail {
    pub const WORDS: [(&'static str, Self); 2] = [("block", Self::Block), ("warn", Self::Warn)];
}

/// What a rollback does with a step in flight that is not `readonly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPreempt {
    /// It runs on beside the rollback, and is shown: a migration is not killed half way.
    #[default]
    Leave,
    /// It is asked to end.
    Kill,
}

impl OnPreempt {
    pub const WORDS: [(&'static str, Self); 2] = [("kill", Self::Kill), ("leave", Self::Leave)];
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    pub id: MonitorId,
    pub title: String,
    pub spec: SpecId,
    pub every: Duration,
    pub timeout: Duration,
    /// The failure after this many in a row is the one that counts: 3 means the fourth.
    pub fails_after: u32,
    /// Looked at one after another in a session that is begun anew for each look; `spec` is the first of them.
    /// Empty for a check of its own.
    pub items: Vec<SpecId>,
    /// Of which rollback it tells that it is ready, where it is one of those.
    pub ready_for: Option<RollbackId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub id: StreamId,
    pub title: String,
    pub spec: SpecId,
    /// The tail opens in this session, with its cookies and captured values.
    pub session: Option<SessionId>,
    /// The tail opens once this item has passed; at once where there is none.
    pub after: Option<ItemId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    pub name: String,
    pub spec: SpecId,
}

impl Plan {
    #[must_use]
    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.items.get(id)
    }

    #[must_use]
    pub fn phase(&self, id: &PhaseId) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == *id)
    }

    #[must_use]
    pub fn playbook(&self, id: &PlaybookId) -> Option<&Playbook> {
        self.playbooks.iter().find(|playbook| playbook.id == *id)
    }

    #[must_use]
    pub fn rollback(&self, id: &RollbackId) -> Option<&Rollback> {
        self.rollbacks.iter().find(|rollback| rollback.id == *id)
    }

    /// The rollback that has the step `id`, and the step.
    #[must_use]
    pub fn rollback_step(&self, id: &ItemId) -> Option<(&Rollback, &RollbackStep)> {
        let mut all = self.rollbacks.iter().flat_map(|known| known.steps.iter().map(move |step| (known, step)));
        all.find(|(_, step)| step.id == *id)
    }

    #[must_use]
    pub fn role(&self, id: &RoleId) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == *id)
    }

    /// How far before T-0 a launch opened at `now` begins, in milliseconds: so that T-0 and the holds on
    /// the way meet the published T-0, where the plan has one; else from the plan's first mark.
    #[must_use]
    pub fn start(&self, now: Wall) -> i64 {
        let until = match self.clock.t0 {
            None => return self.clock.start,
            Some(T0::At(wall)) => (wall - now).num_milliseconds(),
            Some(T0::In(span)) => millis(span),
        };
        let held = |t: i64| -> i64 {
            self.clock.holds.iter().filter(|hold| hold.at.0 <= t).map(|hold| millis(hold.length)).sum()
        };
        // What lies between two holds is met exactly; inside a hold's length T-0 comes late, but the hold is
        // served: a launch opened late never skips its poll.
        let marks = || self.clock.holds.iter().map(|hold| hold.at.0);
        let exact = marks().chain([0]).map(|mark| until - held(mark)).find(|start| until - held(*start) == *start);
        let late = || marks().filter(|mark| mark + held(*mark) > until).min();
        exact.or_else(late).unwrap_or(until).max(1)
    }

    /// Every mark at which something is due, latest T first.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        let marks: BTreeSet<Mark> =
            self.phases.iter().map(|phase| phase.at).chain(self.items.values().map(|item| item.at)).collect();
        marks.into_iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_holds(t0: Option<T0>) -> Plan {
        let hold = |at: u64, length: u64| BuiltInHold {
            at: Mark::before(Duration::from_secs(at)),
            length: Duration::from_secs(length),
            title: String::new(),
            poll: false,
        };
        let clock =
            ClockPlan { start: 7_200_000, t0, holds: vec![hold(600, 300), hold(60, 30)], ..ClockPlan::default() };
        Plan { clock, ..Plan::default() }
    }

    #[test]
    fn a_launch_begins_so_that_t0_and_the_holds_meet_what_was_published() {
        let now = Wall::default();
        assert_eq!(with_holds(None).start(now), 7_200_000, "from the first mark");
        for (until, start) in [(3_600, 3_270), (930, 600), (700, 600), (70, 60), (90, 60), (50, 50), (0, 0)] {
            let start = if start == 0 { 1 } else { start * 1000 };
            assert_eq!(with_holds(Some(T0::In(Duration::from_secs(until)))).start(now), start, "in {until} s");
            let wall = now + Duration::from_secs(until);
            assert_eq!(with_holds(Some(T0::At(wall))).start(now), start, "at {until} s");
        }
    }
}
