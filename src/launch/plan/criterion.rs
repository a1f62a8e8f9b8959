//! A line of the go/no-go list. Part of [`super`].

use crate::launch::id::{CriterionId, ItemId, MonitorId, ObjectiveId, PhaseId, RoleId};

/// Which of the two GOs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum GoStage {
    /// Before T-0.
    #[default]
    Launch,
    /// After the observation window.
    Observed,
}

impl GoStage {
    pub const WORDS: [(&'static str, Self); 2] = [("launch", Self::Launch), ("observed", Self::Observed)];
}

/// A line of the go/no-go list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    pub id: CriterionId,
    pub text: String,
    /// It tells what must not be: anyone that occurs blocks.
    pub no_go: bool,
    pub stage: GoStage,
    pub by: DecidedBy,
}

/// What decides a criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecidedBy {
    /// The worst of these; never all empty.
    Seen { phases: Vec<PhaseId>, items: Vec<ItemId>, monitors: Vec<MonitorId>, objectives: Vec<ObjectiveId> },
    /// A person's word: of this role, where one is named.
    Person { role: Option<RoleId> },
}

impl DecidedBy {
    /// The monitors that are asked.
    #[must_use]
    pub fn monitors(&self) -> &[MonitorId] {
        match self {
            Self::Seen { monitors, .. } => monitors,
            Self::Person { .. } => &[],
        }
    }
}
