//! Who is told while a launch runs, as the plan says it: where to, of what, how often. Their addresses are secrets,
//! and stand in the catalogue. Part of [`super`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::launch::id::NotifyId;

/// What a target is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// It opened, was amended or taken over, came short of T-0, ended.
    Launch,
    /// A gate opened for its checks, turned red, passed.
    Gate,
    Hold,
    Poll,
    /// T-0.
    Liftoff,
    Trigger,
    Rollback,
    Freeze,
    Incident,
    /// Steps of the checklist.
    Step,
}

/// How a target is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// An incoming webhook of Slack's, or of what takes the same.
    Slack,
    /// PagerDuty's Events API, version 2.
    PagerDuty,
    /// CloudEvents 1.0 that carry CDEvents 0.5.
    Webhook,
}

/// So many messages in so long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtMost {
    /// Never zero.
    pub count: u32,
    /// Never zero.
    pub per: Duration,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    pub id: NotifyId,
    pub title: String,
    pub via: Via,
    pub events: BTreeSet<Topic>,
    pub at_most: AtMost,
    /// What stands above the messages of a topic, as the target's own markup has it.
    pub text: BTreeMap<Topic, String>,
}

impl Topic {
    pub const WORDS: [(&'static str, Self); 10] = [
        ("launch", Self::Launch),
        ("gate", Self::Gate),
        ("hold", Self::Hold),
        ("poll", Self::Poll),
        ("liftoff", Self::Liftoff),
        ("trigger", Self::Trigger),
        ("rollback", Self::Rollback),
        ("freeze", Self::Freeze),
        ("incident", Self::Incident),
        ("step", Self::Step),
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, topic)| *topic == self).map_or("", |(word, _)| word)
    }
}

impl Via {
    pub const ALL: [(&'static str, Self); 3] =
        [("slack", Self::Slack), ("pagerduty", Self::PagerDuty), ("webhook", Self::Webhook)];

    /// As people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::PagerDuty => "PagerDuty",
            Self::Webhook => "webhook",
        }
    }

    /// What it is told of where the plan does not say: a channel reads no steps, and nobody is woken by a gate.
    #[must_use]
    pub fn events(self) -> BTreeSet<Topic> {
        let all = Topic::WORDS.into_iter().map(|(_, topic)| topic);
        let wanted = |topic: &Topic| match self {
            Self::Slack => *topic != Topic::Step,
            Self::PagerDuty => {
                use Topic::{Freeze, Incident, Launch, Rollback, Trigger};
                matches!(topic, Launch | Trigger | Rollback | Freeze | Incident)
            }
            Self::Webhook => true,
        };
        all.filter(wanted).collect()
    }

    /// How much it is told at most where the plan does not say: below what each of them takes.
    #[must_use]
    pub fn at_most(self) -> AtMost {
        let count = match self {
            Self::Slack => 30,
            Self::PagerDuty => 60,
            Self::Webhook => 300,
        };
        AtMost { count, per: Duration::from_secs(60) }
    }
}

impl Notify {
    /// Where the simulated target of a rehearsal takes what would be sent, by id.
    pub const SIMULATED: &str = "/__tminus/notify/";

    /// `#launch (Slack)`
    #[must_use]
    pub fn called(&self) -> String {
        format!("{} ({})", self.title, self.via.word())
    }
}
