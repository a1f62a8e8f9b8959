//! What is told, before it has the form of any target. Made of records alone, so that a replay makes the same again.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::base::text::hex;
use crate::launch::board::Board;
use crate::launch::event::{Mode, Recorded};
use crate::launch::plan::Topic;
use crate::launch::time::{Mark, Wall};

/// Hex digits of a launch's key.
const KEY: usize = 16;

/// The launch that a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Tells launches apart, of one plan too.
    pub key: String,
    pub plan: String,
    pub title: String,
    /// Where it is launched to; never empty.
    pub environment: String,
    pub version: Option<String>,
    pub artifact: Option<String>,
    pub rehearsal: bool,
}

/// Where a message stands among all of its launch: the record, and which of the messages made of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    pub seq: u64,
    pub part: u32,
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

/// What a message does to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Trigger,
    Acknowledge,
    Resolve,
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Critical,
    Error,
    Warning,
    Info,
}

/// The alert that a message is about: the same key opens it, takes it on and ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// `trigger/errors-2m`, of its launch.
    pub key: String,
    pub act: Act,
    pub severity: Severity,
}

/// What happened in the words of CDEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    PipelineStarted,
    PipelineFinished {
        outcome: &'static str,
    },
    TaskStarted {
        id: String,
        name: String,
    },
    TaskFinished {
        id: String,
        name: String,
        outcome: &'static str,
    },
    SuiteStarted {
        id: String,
        name: String,
    },
    SuiteFinished {
        id: String,
        name: String,
        outcome: &'static str,
    },
    ServiceDeployed {
        artifact: String,
    },
    ServiceRolledBack {
        artifact: String,
    },
    IncidentDetected {
        number: u32,
    },
    IncidentResolved {
        number: u32,
    },
    /// Of which CDEvents knows nothing: `tminus-SUBJECT.PREDICATE`, both in small letters.
    Own {
        subject: &'static str,
        predicate: &'static str,
        id: String,
    },
}

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub place: Place,
    pub launch: Arc<Launch>,
    pub topic: Topic,
    pub tone: Tone,
    /// One line.
    pub head: String,
    /// Further lines.
    pub lines: Vec<String>,
    /// When it happened.
    pub at: Wall,
    /// Where T stood; none where there is no countdown.
    pub mark: Option<Mark>,
    pub alert: Option<Alert>,
    /// Whether it tells of a change to what is in service: a launch that starts, T-0, a launch that ends.
    pub change: bool,
    pub deed: Deed,
}

impl Launch {
    /// The launch that `opened` is the first record of, as `board` knows it.
    #[must_use]
    pub fn of(opened: &Recorded, board: &Board) -> Self {
        let plan = &board.plan.0;
        let opened_at = opened.recorded_at.timestamp_millis();
        let whole = format!("{} {} {opened_at} {}", plan.id, plan.hash, board.mode.word());
        let key = hex(&Sha256::digest(whole.as_bytes()));
        let places = [plan.target.as_deref().unwrap_or_default(), &plan.environment, &plan.id];
        let environment = places.into_iter().find(|name| !name.is_empty()).unwrap_or("unnamed").to_owned();
        Self {
            key: key.chars().take(KEY).collect(),
            plan: plan.id.clone(),
            title: plan.title.clone(),
            environment,
            version: plan.release.version.clone(),
            artifact: plan.release.artifact.clone(),
            rehearsal: board.mode == Mode::Rehearsal,
        }
    }

    /// What every form begins with: a rehearsal is stamped wherever it is read.
    #[must_use]
    pub fn stamp(&self) -> &'static str {
        if self.rehearsal { "REHEARSAL · " } else { "" }
    }
}

impl Message {
    /// The same for every attempt to tell it, and in every replay.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.launch.key, self.place.seq, self.place.part)
    }

    /// `OmniAI v1.0 · gate gate-a passed`
    #[must_use]
    pub fn headline(&self) -> String {
        let version = self.launch.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}{}{version} · {}", self.launch.stamp(), self.launch.title, self.head)
    }

    /// `production · T-10m · 12:03:10 UTC`
    #[must_use]
    pub fn foot(&self) -> String {
        let mark = self.mark.map(|mark| format!("{} · ", whole_seconds(mark))).unwrap_or_default();
        format!("{} · {mark}{}", self.launch.environment, self.at.format("%Y-%m-%d %H:%M:%S UTC"))
    }
}

/// A mark without its milliseconds.
#[must_use]
pub fn whole_seconds(mark: Mark) -> Mark {
    Mark(mark.0 - mark.0 % 1000)
}

impl Tone {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

impl Severity {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// That of the severity which stands so far down the plan's guide, the worst first.
    #[must_use]
    pub fn of_rank(rank: usize) -> Self {
        match rank {
            0 => Self::Critical,
            1 => Self::Error,
            2 => Self::Warning,
            _ => Self::Info,
        }
    }
}
