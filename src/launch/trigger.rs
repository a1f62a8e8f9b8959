//! Triggers: an objective or event that, sustained, starts or proposes a rollback. A state machine folded from
//! what is journaled; nothing here reads a clock or starts anything.

use super::event::Actor;
use super::time::Instant;

/// Where a trigger stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TriggerState {
    pub stage: Stage,
    /// For how long its condition has held in evaluations that could tell, in milliseconds: unknown freezes it.
    pub held: u64,
    /// The last evaluation that counted towards `held` or froze it.
    pub looked: Option<Instant>,
    /// Since when its condition is gone, while it is latched.
    pub gone: Option<Instant>,
    /// How often it fired in this launch.
    pub fired: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing is wrong, or not for long enough.
    #[default]
    Quiet,
    /// It fired: `auto` starts its rollback at `starts`, unless somebody vetoes; `ask` waits, where it is none.
    Fired { at: Instant, why: String, starts: Option<Instant> },
    /// Its rollback was started, by itself or by a person.
    Started { at: Instant },
    /// A person said no.
    Vetoed { at: Instant, by: Actor, why: String },
    /// A person has taken it on; it may fire again once its condition was gone for long enough.
    Acknowledged { at: Instant, by: Actor },
}

impl TriggerState {
    /// True while it rings: it fired and no person has said anything yet.
    #[must_use]
    pub fn rings(&self) -> bool {
        matches!(self.stage, Stage::Fired { .. } | Stage::Started { .. })
    }
}
