//! Incidents of a launch: what went wrong, how bad, who commands, what was done, and the deadlines of its
//! triage and escalation. Folded from the journal alone (`fold`); `asked` decides what people want of one,
//! `ladder` what its deadlines bring.

mod asked;
mod fold;
mod ladder;

use std::time::Duration;

use super::board::Board;
use super::event::Actor;
use super::id::SeverityId;
use super::plan::{Level, Plan, Severity};
use super::time::{Instant, Wall};

pub(super) use asked::act;
pub(super) use fold::fold;
pub use ladder::{Deadline, SOON, calls, deadlines};
pub(super) use ladder::{follow, next_at, wants_person};

/// The first so many severities of a plan are told from the far end of the room.
const GRAVE: usize = 2;

/// Where an incident stands. It goes down this list, and back to active where it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Active,
    /// It hurts no more; its cause is still there.
    Mitigated,
    Resolved,
    /// Nothing is left to do here; what is left elsewhere has an id.
    Closed,
}

/// What changed about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Severity(SeverityId),
    /// Who commands it.
    Commander(String),
    Impact(String),
    /// What was decided or done against it.
    Mitigation(String),
    /// The id of an issue elsewhere that tracks what is left.
    FollowUp(String),
    Stage(Stage),
    /// It is active again: why.
    Relapsed(String),
    Note(String),
    /// Somebody took on what it rang for.
    Acknowledged,
}

/// A deadline of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Severity and commander were to be there by now.
    Triage,
    /// The level of the escalation ladder that begins now.
    Level(String),
}

/// When something happened, on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Instant,
    pub wall: Wall,
}

/// A deadline that passed and was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub due: Due,
    /// When it was told.
    pub told: Moment,
    /// How much later than it was due: nobody was there to tell it.
    pub late: Duration,
    pub acknowledged: Option<Actor>,
}

/// A line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record that says so.
    pub seq: u64,
    pub occurred_at: Wall,
    pub by: Actor,
    pub words: String,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// 1 for the first of this launch.
    pub number: u32,
    pub title: String,
    pub severity: Option<SeverityId>,
    pub commander: Option<String>,
    pub impact: Option<String>,
    /// In the order they were decided.
    pub mitigations: Vec<String>,
    /// Ids of issues elsewhere.
    pub follow_ups: Vec<String>,
    pub detected_by: String,
    pub stage: Stage,
    pub opened: Moment,
    /// The last time it came to each; none before, and none after it became active again.
    pub mitigated: Option<Moment>,
    pub resolved: Option<Moment>,
    pub closed: Option<Moment>,
    /// From here its deadlines count: its opening, or when it came again after it was resolved.
    pub since: Instant,
    /// What rang since then, in order.
    pub rung: Vec<Rung>,
    /// When somebody last took on what it rang for.
    pub acknowledged: Option<Instant>,
    /// Oldest first.
    pub timeline: Vec<Entry>,
}

impl Stage {
    pub const WORDS: [(&'static str, Self); 4] = [
        ("active", Self::Active),
        ("mitigated", Self::Mitigated),
        ("resolved", Self::Resolved),
        ("closed", Self::Closed),
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, stage)| *stage == self).map_or("", |(word, _)| word)
    }
}

impl Change {
    /// Whether what rings for it rings no more after this.
    #[must_use]
    pub fn silences(&self) -> bool {
        matches!(self, Self::Acknowledged | Self::Stage(Stage::Resolved | Stage::Closed))
    }

    /// What is so of the incident from here on.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Severity(severity) => format!("is {severity}"),
            Self::Commander(name) => format!("is commanded by {name}"),
            Self::Impact(words) => format!("impact: {words}"),
            Self::Mitigation(words) => format!("mitigation: {words}"),
            Self::FollowUp(id) => format!("is followed up as {id}"),
            Self::Stage(stage) => format!("is {}", stage.word().to_uppercase()),
            Self::Relapsed(why) => format!("is ACTIVE AGAIN: {why}"),
            Self::Note(words) => format!("note: {words}"),
            Self::Acknowledged => "ring acknowledged".into(),
        }
    }
}

impl Due {
    /// `triage`, or the id of the level.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Triage => "triage",
            Self::Level(level) => level,
        }
    }
}

impl Incident {
    /// True while it hurts, or its cause is still there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage <= Stage::Mitigated
    }

    /// True where a launch may be closed in spite of it: it is resolved, or tracked elsewhere.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.is_open() || !self.follow_ups.is_empty()
    }

    /// What triage still lacks: `severity`, `commander`.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        let severity = self.severity.is_none().then_some("severity");
        severity.into_iter().chain(self.commander.is_none().then_some("commander")).collect()
    }

    /// Its severity as the plan has it.
    #[must_use]
    pub fn severity<'p>(&self, plan: &'p Plan) -> Option<&'p Severity> {
        plan.severities.iter().find(|known| Some(&known.id) == self.severity.as_ref())
    }

    /// How bad it is, 0 for the worst; one that nobody has judged yet may be the worst.
    #[must_use]
    pub fn rank(&self, plan: &Plan) -> usize {
        let of = |severity: &SeverityId| plan.severities.iter().position(|known| known.id == *severity);
        self.severity.as_ref().map_or(0, |severity| of(severity).unwrap_or(usize::MAX))
    }

    /// True for one that a whole room must see: open, and of the two worst severities or not judged yet.
    #[must_use]
    pub fn is_grave(&self, plan: &Plan) -> bool {
        self.is_open() && self.rank(plan) < GRAVE
    }

    /// What rang and was taken on by nobody yet, oldest first.
    pub fn unanswered(&self) -> impl Iterator<Item = &Rung> {
        self.rung.iter().filter(|rung| rung.acknowledged.is_none())
    }

    /// The rung of the ladder that was reached last, with whom to call.
    #[must_use]
    pub fn level<'p>(&self, plan: &'p Plan) -> Option<&'p Level> {
        let levels = &self.severity(plan)?.levels;
        let rung = |level: &&Level| {
            self.rung.iter().any(|rung| matches!(&rung.due, Due::Level(reached) if *reached == level.id))
        };
        levels.iter().rev().find(rung)
    }
}

/// The incident of this number.
#[must_use]
pub fn find(board: &Board, number: u32) -> Option<&Incident> {
    board.incidents.iter().map(AsRef::as_ref).find(|known| known.number == number)
}

/// The incidents of the launch as people look at them: open ones first, the worst of them first.
#[must_use]
pub fn by_weight(board: &Board) -> Vec<&Incident> {
    let mut all: Vec<&Incident> = board.incidents.iter().map(AsRef::as_ref).collect();
    all.sort_by_key(|known| (known.stage.max(Stage::Mitigated), known.rank(&board.plan), known.number));
    all
}

/// The severities of a plan that has none of its own: no ladder, for nobody said whom to call.
#[must_use]
pub fn built_in() -> Vec<Severity> {
    let severity = |id: &str, title: &str, guide: &str| Severity {
        id: id.into(),
        title: title.into(),
        guide: guide.into(),
        triage: TRIAGE,
        levels: Vec::new(),
    };
    vec![
        severity("sev-1", "Critical", "nobody can use it, data is lost or at risk, or a secret is out"),
        severity("sev-2", "Major", "an important part fails or crawls for many, and there is no way around it"),
        severity("sev-3", "Minor", "few notice it, or there is a way around it"),
    ]
}

/// How long severity and commander may take where the plan does not say.
pub const TRIAGE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
