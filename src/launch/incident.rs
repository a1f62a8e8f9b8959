//! Incidents of a launch: what went wrong, how bad, who commands, what was done, and the deadlines of its
//! triage and escalation. Folded from the journal alone.

use super::id::SeverityId;

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
    Note(String),
}

/// A deadline of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Severity and commander were to be there by now.
    Triage,
    /// The level of the escalation ladder that begins now.
    Level(String),
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
