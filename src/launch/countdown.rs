//! The countdown: a port of the reference model, in integer milliseconds. T runs only while counting;
//! L never stops; slip = projected − published. Pure: it is told what time it is.
//!
//! States: COUNTING ⇄ HOLDING → LIFTOFF; SCRUBBED; CUTOFF. A built-in hold clamps exactly at its mark
//! and is never released by time alone; T-0 fires once and never unwatched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{Instant, Mark, millis};

mod amending;

/// The latch a built-in hold sets; cleared only by a resume.
pub const BUILT_IN: &str = "built-in";
/// The latch a crash leaves behind.
pub const CONSOLE_RESTART: &str = "console-restart";
/// The latch of a countdown that stopped because nothing could be recorded.
pub const JOURNAL: &str = "journal";
/// The latch of a countdown that was slept through.
pub const SUSPENDED: &str = "suspended";
/// The latch of a mark missed after a clean quit.
pub const REOPENED: &str = "reopened";
/// The latch that a recycle leaves behind.
pub const RECYCLE: &str = "recycle";
/// The latch of a rollback under way.
pub const ROLLBACK: &str = "rollback";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Counting,
    Holding,
    Liftoff,
    Scrubbed,
    Cutoff,
}

/// The plan's part of the countdown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Built-in holds: mark and length.
    pub holds: Vec<(Mark, Duration)>,
    /// Marks a recycle may go back to.
    pub recycle: BTreeSet<Mark>,
    /// Below this mark the terminal count runs.
    pub terminal: Mark,
    /// Below this mark a hold is refused and only a cutoff is left.
    pub no_hold_below: Mark,
    /// The launch window's close.
    pub closes: Option<Instant>,
    /// How long a hold in the terminal count may last before it is a cutoff.
    pub max_terminal_hold: Option<Duration>,
}

/// Something that happened by time alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passage {
    /// A built-in hold began at its mark.
    Held(Mark),
    /// T-0.
    Liftoff,
    /// A hold in the terminal count lasted too long.
    CutOff,
}

/// Why a command to the clock was refused; a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a hold at T-0 holds nothing: place it before")]
    HoldAtZero,
    #[error("the plan does not fit its launch window")]
    OutsideWindow,
    #[error("the countdown is {0}, not counting or holding")]
    NotRunning(&'static str),
    #[error("below the no-hold mark: only a cutoff is left")]
    BelowNoHold,
    #[error("the countdown is not holding")]
    NotHolding,
    #[error("open holds: {}", .0.join(", "))]
    OpenHolds(Vec<String>),
    #[error("poll or criteria are not GO")]
    NotGo,
    #[error("past the latest resume: slip the window or scrub")]
    PastLatestResume,
    #[error("{0} is not a declared recycle mark above the present T")]
    NoRecycleMark(Mark),
    #[error("earlier than achievable: projected T-0 is later than that")]
    EarlierThanAchievable,
    #[error("after the launch window closes")]
    AfterWindow,
    #[error("nothing to catch up")]
    NothingToCatchUp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countdown {
    pub now: Instant,
    /// Milliseconds before T-0.
    pub t: i64,
    pub phase: Phase,
    pub attempt: u32,
    /// Open latches: caller → the reasons given, in order.
    pub latches: BTreeMap<String, Vec<String>>,
    pub published: Instant,
    /// When T-0 was, once it was.
    pub t0: Option<Instant>,
    hold_began: Option<Instant>,
    release_at: Option<Instant>,
    crashed: Option<Instant>,
    done: BTreeSet<Mark>,
    terms: Terms,
}

impl Countdown {
    /// Starts counting at `t` ms before T-0, which is always ahead: a launch opened at T-0 or later counts
    /// its last millisecond, so that what stands in the way of T-0 can still hold it.
    ///
    /// # Errors
    /// A hold at or after T-0, or a plan whose T-0 lies after the window closes.
    pub fn new(now: Instant, t: i64, mut terms: Terms) -> Result<Self, Refused> {
        terms.holds.sort_by_key(|hold| std::cmp::Reverse(hold.0));
        if terms.holds.iter().any(|(mark, _)| mark.0 <= 0) {
            return Err(Refused::HoldAtZero);
        }
        let mut clock = Self {
            now,
            t: t.max(1),
            phase: Phase::Counting,
            attempt: 1,
            latches: BTreeMap::new(),
            published: now,
            t0: None,
            hold_began: None,
            release_at: None,
            crashed: None,
            done: BTreeSet::new(),
            terms,
        };
        clock.published = clock.projected().unwrap_or(now);
        if clock.terms.closes.is_some_and(|close| clock.published > close) {
            return Err(Refused::OutsideWindow);
        }
        clock.enter_hold();
        Ok(clock)
    }

    fn pending(&self) -> impl Iterator<Item = (Mark, Duration)> + '_ {
        self.terms.holds.iter().copied().filter(|(mark, _)| !self.done.contains(mark))
    }

    fn in_built_in(&self) -> bool {
        self.latches.contains_key(BUILT_IN)
    }

    /// What is left of the present built-in hold.
    #[must_use]
    pub fn hold_left(&self) -> Option<Duration> {
        self.release_at.filter(|_| self.in_built_in()).map(|at| at.since(self.now))
    }

    /// When T-0 would be if nothing else were to happen; none after it or after a scrub.
    #[must_use]
    pub fn projected(&self) -> Option<Instant> {
        if matches!(self.phase, Phase::Liftoff | Phase::Scrubbed) {
            return None;
        }
        let serving = self.phase == Phase::Holding && self.in_built_in();
        let holds: i64 = self
            .pending()
            .filter(|(mark, _)| mark.0 <= self.t && !(serving && mark.0 == self.t))
            .map(|(_, span)| millis(span))
            .sum();
        let left = if serving { self.hold_left().map_or(0, millis) } else { 0 };
        Some(Instant(self.now.0 + self.t + holds + left))
    }

    /// Published T-0 minus now; never stops.
    #[must_use]
    pub fn l(&self) -> i64 {
        self.published.0 - self.now.0
    }

    /// Projected minus published T-0; after T-0, by how much it was late.
    #[must_use]
    pub fn slip(&self) -> i64 {
        self.projected().or(self.t0).map_or(0, |at| at.0 - self.published.0)
    }

    /// Delay that shortening the present and coming built-in holds could buy back.
    #[must_use]
    pub fn hold_credit(&self) -> i64 {
        let serving = self.in_built_in();
        let pending: i64 = self
            .pending()
            .filter(|(mark, _)| mark.0 <= self.t && !(serving && mark.0 == self.t))
            .map(|(_, span)| millis(span))
            .sum();
        pending + self.hold_left().map_or(0, millis)
    }

    /// The last instant at which a resume still meets the window.
    #[must_use]
    pub fn latest_resume(&self) -> Option<Instant> {
        let holds: i64 = self.pending().filter(|(mark, _)| mark.0 < self.t).map(|(_, span)| millis(span)).sum();
        self.terms.closes.map(|close| Instant(close.0 - self.t - holds))
    }

    /// T at present: positive before T-0, negative after it.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.t0.map_or(Mark(self.t), |t0| Mark(t0.0 - self.now.0))
    }

    /// The next built-in hold below the present T.
    #[must_use]
    pub fn next_hold(&self) -> Option<Mark> {
        self.pending().map(|(mark, _)| mark).filter(|mark| mark.0 < self.t).max()
    }

    fn enter_hold(&mut self) -> Option<Mark> {
        if self.phase != Phase::Counting {
            return None;
        }
        let (mark, span) = self.pending().find(|(mark, _)| mark.0 == self.t)?;
        self.phase = Phase::Holding;
        self.latches = BTreeMap::from([(BUILT_IN.to_owned(), Vec::new())]);
        self.release_at = Some(self.now.plus(span));
        self.hold_began = Some(self.now);
        Some(mark)
    }

    /// Moves time on to `to`; never skips a mark however long that was.
    pub fn tick(&mut self, to: Instant) -> Vec<(Instant, Passage)> {
        let mut passed = Vec::new();
        while self.now < to {
            match self.phase {
                Phase::Counting => {
                    let next = self.next_hold().map_or(0, |mark| mark.0);
                    let step = to.0.saturating_sub(self.now.0).min(self.t.saturating_sub(next));
                    self.now.0 += step;
                    self.t -= step;
                    if self.t == 0 {
                        self.phase = Phase::Liftoff;
                        self.t0 = Some(self.now);
                        passed.push((self.now, Passage::Liftoff));
                    } else if let Some(mark) = self.enter_hold() {
                        passed.push((self.now, Passage::Held(mark)));
                    }
                }
                Phase::Holding => {
                    self.now = to;
                    let held = self.hold_began.map_or(Duration::ZERO, |began| to.since(began));
                    if self.t < self.terms.terminal.0 && self.terms.max_terminal_hold.is_some_and(|most| held > most) {
                        self.phase = Phase::Cutoff;
                        passed.push((self.now, Passage::CutOff));
                    }
                }
                Phase::Liftoff | Phase::Scrubbed | Phase::Cutoff => self.now = to,
            }
        }
        passed
    }

    fn running(&self) -> Result<(), Refused> {
        match self.phase {
            Phase::Counting | Phase::Holding => Ok(()),
            Phase::Liftoff => Err(Refused::NotRunning("past T-0")),
            Phase::Scrubbed => Err(Refused::NotRunning("scrubbed")),
            Phase::Cutoff => Err(Refused::NotRunning("cut off")),
        }
    }

    /// Calls a hold; a caller's second hold joins the first.
    ///
    /// # Errors
    /// Not running, or below the no-hold mark.
    pub fn hold(&mut self, who: &str, why: &str) -> Result<(), Refused> {
        self.running()?;
        if self.t < self.terms.no_hold_below.0 {
            return Err(Refused::BelowNoHold);
        }
        self.latch(who, why);
        Ok(())
    }

    /// A latch of the machine's own (a gate not open, a source lost): never refused while running.
    pub fn latch(&mut self, who: &str, why: &str) {
        if self.phase == Phase::Counting {
            self.hold_began = Some(self.now);
            self.release_at = None;
            self.phase = Phase::Holding;
        }
        self.latches.entry(who.to_owned()).or_default().push(why.to_owned());
    }

    /// Clears the latch of one caller.
    pub fn release(&mut self, who: &str) {
        self.latches.remove(who);
    }

    /// Goes on counting.
    ///
    /// # Errors
    /// Not holding, open latches, not GO, or too late for the window.
    pub fn resume(&mut self, go: bool) -> Result<(), Refused> {
        if self.phase != Phase::Holding {
            return Err(Refused::NotHolding);
        }
        let open: Vec<String> = self.latches.keys().filter(|who| *who != BUILT_IN).cloned().collect();
        if !open.is_empty() {
            return Err(Refused::OpenHolds(open));
        }
        if !go {
            return Err(Refused::NotGo);
        }
        if self.latest_resume().is_some_and(|latest| self.now > latest) {
            return Err(Refused::PastLatestResume);
        }
        let here = Mark(self.t);
        if self.pending().any(|(mark, _)| mark == here) {
            self.done.insert(here);
        }
        self.latches.clear();
        self.release_at = None;
        self.hold_began = None;
        self.phase = Phase::Counting;
        Ok(())
    }

    /// Stops for good short of T-0.
    ///
    /// # Errors
    /// Not running.
    pub fn cutoff(&mut self) -> Result<(), Refused> {
        self.running()?;
        self.phase = Phase::Cutoff;
        Ok(())
    }

    /// Gives the attempt up.
    ///
    /// # Errors
    /// After T-0 or a scrub.
    pub fn scrub(&mut self) -> Result<(), Refused> {
        match self.phase {
            Phase::Liftoff => Err(Refused::NotRunning("past T-0")),
            Phase::Scrubbed => Err(Refused::NotRunning("scrubbed")),
            Phase::Counting | Phase::Holding | Phase::Cutoff => {
                self.phase = Phase::Scrubbed;
                Ok(())
            }
        }
    }

    /// Goes back to a declared mark; callers' latches survive.
    ///
    /// # Errors
    /// Not holding or cut off, or no such mark above T.
    pub fn recycle(&mut self, mark: Mark) -> Result<(), Refused> {
        if !matches!(self.phase, Phase::Holding | Phase::Cutoff) {
            return Err(Refused::NotHolding);
        }
        if !self.terms.recycle.contains(&mark) || mark.0 <= self.t {
            return Err(Refused::NoRecycleMark(mark));
        }
        self.t = mark.0;
        self.attempt += 1;
        self.phase = Phase::Holding;
        self.release_at = None;
        self.hold_began = Some(self.now);
        self.latches.remove(BUILT_IN);
        self.latches.insert(RECYCLE.into(), vec!["clear safing".into()]);
        // Built-in holds after the mark are planned again; the one at the mark is not.
        self.done.retain(|done| *done >= mark);
        Ok(())
    }

    /// Publishes a new T-0.
    ///
    /// # Errors
    /// Not holding, earlier than achievable, or after the window.
    pub fn reslip(&mut self, t0: Instant) -> Result<(), Refused> {
        if self.phase != Phase::Holding {
            return Err(Refused::NotHolding);
        }
        if self.projected().is_some_and(|projected| t0 < projected) {
            return Err(Refused::EarlierThanAchievable);
        }
        if self.terms.closes.is_some_and(|close| t0 > close) {
            return Err(Refused::AfterWindow);
        }
        self.published = t0;
        Ok(())
    }

    /// The first mark below T among `marks` and the pending holds, or 1 ms: never T-0.
    fn first_missed(&self, marks: &[Mark]) -> i64 {
        let marks = marks.iter().copied().chain(self.pending().map(|(mark, _)| mark));
        marks.map(|mark| mark.0).filter(|mark| *mark < self.t).chain([1]).max().unwrap_or(1)
    }

    /// Milliseconds until just before T-0, a built-in hold, or the first of `marks`: nothing is passed in them.
    #[must_use]
    pub fn unmarked(&self, marks: impl Iterator<Item = Mark>) -> i64 {
        let marks = marks.chain(self.pending().map(|(mark, _)| mark)).map(|mark| mark.0);
        let next = marks.filter(|mark| *mark < self.t).max().unwrap_or_default().max(0);
        (self.t - next - 1).max(0)
    }

    fn away(&mut self, now: Instant, marks: &[Mark], why: &str) {
        let gap = (now.0 - self.now.0).max(0);
        self.now = self.now.max(now);
        if self.phase != Phase::Counting {
            return;
        }
        self.t = (self.t - gap).max(self.first_missed(marks));
        self.enter_hold();
        if self.phase == Phase::Counting {
            self.phase = Phase::Holding;
            self.release_at = None;
            self.hold_began = Some(self.now);
        }
        self.latches.insert(why.into(), vec!["clear to go on".into()]);
    }

    /// The machine slept: T stops at the first mark missed.
    pub fn wake(&mut self, now: Instant, marks: &[Mark]) {
        self.away(now, marks, SUSPENDED);
    }

    /// Opened again after a clean quit: counts on if no mark was missed, else holds at it.
    pub fn reopen(&mut self, now: Instant, marks: &[Mark]) {
        let gap = (now.0 - self.now.0).max(0);
        let missed = {
            let mut all = marks.iter().copied().chain(self.pending().map(|(mark, _)| mark)).chain([Mark::T0]);
            all.any(|mark| self.t - gap <= mark.0 && mark.0 < self.t)
        };
        if self.phase == Phase::Counting && !missed {
            self.now.0 += gap;
            self.t -= gap;
        } else {
            self.away(now, marks, REOPENED);
        }
    }

    /// After a crash: never resumes by itself.
    pub fn restart(&mut self, t_journaled: i64, now: Instant) {
        self.crashed = Some(self.now);
        self.now = self.now.max(now);
        if self.phase == Phase::Counting {
            self.t = t_journaled;
            self.phase = Phase::Holding;
            self.latches = BTreeMap::from([(CONSOLE_RESTART.to_owned(), vec!["operator must clear".to_owned()])]);
            self.hold_began = Some(self.now);
            self.release_at = None;
        }
    }

    /// Once, by choice: T moves to where it would be now, stopping at the first mark missed.
    ///
    /// # Errors
    /// No crash to catch up from.
    pub fn catch_up(&mut self, marks: &[Mark]) -> Result<(), Refused> {
        let crashed = self.crashed.filter(|_| self.latches.contains_key(CONSOLE_RESTART));
        let crashed = crashed.ok_or(Refused::NothingToCatchUp)?;
        self.t = (self.t - (self.now.0 - crashed.0)).max(self.first_missed(marks));
        self.crashed = None;
        let here = self.pending().find(|(mark, _)| mark.0 == self.t);
        if let Some((_, span)) = here {
            self.latches.insert(BUILT_IN.into(), Vec::new());
            self.release_at = Some(self.now.plus(span));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "countdown_tests.rs"]
mod tests;
