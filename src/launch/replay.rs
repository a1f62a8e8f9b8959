//! A launch that is looked at again by its journal: where such a look stands, and what can be wished of it. What is
//! shown has happened; nothing here acts.

use super::event::Event;

/// How much faster than the launch's own time a replay may run, at most.
pub const FASTEST: u32 = 3_600;
/// What `faster` and `slower` go through.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 30, 60, 120, 300, 600, FASTEST];

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standpoint {
    /// How many records are told so far, from 1.
    pub record: u64,
    /// How many there are.
    pub of: u64,
    pub playing: bool,
    /// How much faster than the launch's own time it runs.
    pub speed: u32,
    /// Incidents, triggers and rollbacks ([`is_notable`]) before where it stands, and after.
    pub before: u64,
    pub after: u64,
}

impl Standpoint {
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.record >= self.of
    }
}

/// To where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Back,
    On,
}

/// What a key wants of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Runs, or stands still.
    Play,
    Faster,
    Slower,
    /// One record.
    Record(Way),
    /// Time of the launch.
    Minutes(Way, u32),
    /// To an incident, a trigger or a rollback.
    Notable(Way),
    /// To the first record, or to the last.
    Whole(Way),
}

/// Whether people look for this when they look back: an incident was opened, a trigger fired, a rollback was asked for.
#[must_use]
pub fn is_notable(event: &Event) -> bool {
    matches!(event, Event::IncidentOpened { .. } | Event::TriggerFired { .. } | Event::RollbackRequested { .. })
}
