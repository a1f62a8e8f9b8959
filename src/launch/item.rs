//! One line of the checklist as it stands: its attempts, its verdict, what people said of it. Folded by
//! the board alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::event::Actor;
use super::id::Attempt;
use super::time::{Instant, Wall};
use super::verdict::{Outcome, Report, Verdict};

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemState {
    pub progress: Progress,
    pub attempt: Option<Attempt>,
    /// Retries used for the present run of this item; a person's `r` starts a new run.
    pub retries: u32,
    /// Of the last attempt that ended.
    pub report: Option<Arc<Report>>,
    pub outcome: Option<Outcome>,
    pub waiver: Option<Waiver>,
    /// Of a choice: the branch it selects.
    pub chosen: Option<Chosen>,
    /// The plan passes over it: why, as it was recorded.
    pub passed_over: Option<String>,
    pub attested: Option<Attest>,
    /// The second person's word, where the plan asks for one.
    pub seconded: Option<Attest>,
    /// A first word that waits for its second.
    pub half: Option<Attest>,
    /// A person's word that lets a step's next attempt begin.
    pub armed: Option<Attest>,
    /// What a person typed for a step's next attempt, by field; of the last one while it runs.
    pub fields: BTreeMap<String, String>,
    /// What a person said that an attempt of unknown outcome came to: its verdict stands by that word.
    pub marked: Option<Attest>,
    /// Why a pass proves nothing any more: a rollback may have set back what it did (`undone`).
    pub undone: Option<String>,
    /// The last rollback that was found to have done so; a person's word since then stands.
    pub set_back: u32,
    pub acknowledged: bool,
    /// A person ended the attempt, or asked its step to end: nothing tries again by itself.
    pub cancelled: bool,
    pub history: Vec<(Attempt, Verdict)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Progress {
    /// Its mark has not come, or what it needs is not there.
    #[default]
    Waiting,
    /// A step's intent is on disk; its process is not known yet.
    Intended {
        since: Instant,
    },
    Running {
        since: Instant,
        pid: Option<u32>,
    },
    /// Not tried: what it needs did not pass.
    Blocked {
        by: String,
    },
    Ended {
        verdict: Verdict,
        at: Instant,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    pub by: Actor,
    pub reason: String,
    pub at: Wall,
    /// It counts no longer from here on; a journal from before waivers ended has them for ever.
    pub until: Option<Instant>,
    /// The same as wall time, for people.
    pub ends_at: Option<Wall>,
    /// That it ended is recorded.
    pub expired: bool,
}

/// What a choice came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    pub option: String,
    pub reason: String,
    pub by: Actor,
    pub at: Wall,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attest {
    pub by: Actor,
    pub note: String,
    pub passed: bool,
    pub at: Wall,
}

impl ItemState {
    /// The verdict as it stands at `now`: a pass ages by `valid_for`, and by a rollback at once.
    #[must_use]
    pub fn verdict(&self, valid_for: Option<Duration>, now: Instant) -> Option<Verdict> {
        match self.progress {
            Progress::Ended { verdict: Verdict::Pass | Verdict::Warn, .. } if self.undone.is_some() => {
                Some(Verdict::Stale)
            }
            Progress::Ended { verdict: Verdict::Pass, at } if valid_for.is_some_and(|span| now.since(at) > span) => {
                Some(Verdict::Stale)
            }
            Progress::Ended { verdict, .. } => Some(verdict),
            Progress::Blocked { .. } => Some(Verdict::Unknown),
            _ => None,
        }
    }

    /// What a verdict that came after retries says of them (rules.md: retries are shown).
    #[must_use]
    pub fn retried(&self) -> Option<String> {
        match (&self.progress, self.retries) {
            (_, 0) | (Progress::Waiting | Progress::Blocked { .. }, _) => None,
            (_, 1) => Some("after a retry".to_owned()),
            (_, more) => Some(format!("after {more} retries")),
        }
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Running { .. } | Progress::Intended { .. })
    }
}

impl ItemState {
    /// A retry while there are some left; with none left it is a person's new run.
    pub(super) fn begin(&mut self, attempt: Attempt, progress: Progress, retries: u32) {
        let again = matches!(self.progress, Progress::Ended { verdict, .. } if verdict != Verdict::Pass);
        self.retries = if again && !self.cancelled && self.retries < retries { self.retries + 1 } else { 0 };
        self.cancelled = false;
        self.attempt = Some(attempt);
        self.progress = progress;
        // A waiver or an acknowledgement was given for what was seen then.
        self.waiver = None;
        self.acknowledged = false;
        self.outcome = None;
        self.marked = None;
        self.armed = None;
        self.undone = None;
    }

    /// Rollback `run` set it back, or may have; whoever took on its warning has not seen this.
    pub(super) fn set_back(&mut self, run: u32, why: &str) {
        self.comes_to(self.progress.clone());
        self.set_back = run;
        self.undone = Some(why.to_owned());
    }

    pub(super) fn block(&mut self, by: &str) {
        self.comes_to(Progress::Blocked { by: by.to_owned() });
    }

    /// A new word on it: whoever took on the one before has not seen this.
    fn comes_to(&mut self, progress: Progress) {
        self.progress = progress;
        (self.waiver, self.acknowledged, self.undone) = (None, false, None);
    }

    pub(super) fn end(&mut self, attempt: Attempt, verdict: Verdict, at: Instant) {
        self.comes_to(Progress::Ended { verdict, at });
        self.history.push((attempt, verdict));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_after_retries_says_so_and_nothing_else_does() {
        let ended = Progress::Ended { verdict: Verdict::Pass, at: Instant(0) };
        let told = |progress: &Progress, retries| {
            ItemState { progress: progress.clone(), retries, ..ItemState::default() }.retried()
        };
        assert_eq!(told(&ended, 0), None);
        assert_eq!(told(&ended, 1).as_deref(), Some("after a retry"));
        assert_eq!(told(&ended, 2).as_deref(), Some("after 2 retries"));
        assert_eq!(told(&Progress::Waiting, 2), None);
    }
}
