//! Takes a launch in, record by record, and keeps what a report tells and a board forgets: when T stood where, who
//! decided what, how each objective went. It judges nothing anew: verdicts are the board's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::document::Document;
use super::series::{Frame, Series};
use super::{course, crew, gates, head, incidents, planned, revised, rollbacks, soaks, strangers, timeline, watched};
use crate::journal::chain::Head;
use crate::launch::away::Away;
use crate::launch::board::Board;
use crate::launch::countdown;
use crate::launch::event::{Event, Recorded};
use crate::launch::id::{MonitorId, ObjectiveId, SignalId};
use crate::launch::plan::Plan;
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::turned::is_routine;
use crate::launch::verdict::Verdict;
use crate::launch::watching::judged;

/// Milliseconds before and after T-0 that are drawn once more, where the launch is longer than twice that.
const CLOSE: i64 = 3_600_000;

/// A launch as far as it was read.
pub struct Story {
    pub(super) board: Board,
    pub(super) head: Option<Head>,
    /// What is wrong with what it was read from, as sentences.
    pub(super) doubts: Vec<String>,
    /// Of every record that tells something, on both axes, in the journal's order.
    walls: Vec<(Instant, Wall)>,
    legs: Vec<Leg>,
    pub(super) moments: Vec<timeline::Moment>,
    pub(super) course: course::Course,
    pub(super) crew: crew::Words,
    pub(super) rounds: BTreeMap<ObjectiveId, Vec<Evaluation>>,
    pub(super) monitors: BTreeMap<MonitorId, Vec<(Instant, Verdict, String)>>,
    pub(super) frozen: Vec<Stretch>,
    pub(super) away: Away,
    pub(super) revised: revised::Revised,
    pub(super) strangers: Vec<strangers::Stranger>,
    pub(super) gates: BTreeMap<crate::launch::id::PhaseId, Vec<gates::Passed>>,
    pub(super) fired: Vec<watched::Fired>,
    /// In the order of the frames.
    pub(super) series: BTreeMap<SignalId, Vec<Series>>,
}

/// From here on T ran, or stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leg {
    at: Instant,
    t: Mark,
    runs: bool,
}

/// A stretch of time, and why; open where it has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub from: Instant,
    pub until: Option<Instant>,
    pub why: String,
}

/// One evaluation of an objective.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluation {
    pub at: Instant,
    pub verdict: Verdict,
    pub why: String,
    /// What is compared with the limit, in the limit's unit, where that is a number.
    pub figure: Option<f64>,
    pub generated: bool,
}

impl Story {
    /// Of a launch that was opened with `plan`; nothing is read yet.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            board: Board::new(plan),
            head: None,
            doubts: Vec::new(),
            walls: Vec::new(),
            legs: Vec::new(),
            moments: Vec::new(),
            course: course::Course::default(),
            crew: crew::Words::default(),
            rounds: BTreeMap::new(),
            monitors: BTreeMap::new(),
            frozen: Vec::new(),
            away: Away::default(),
            revised: revised::Revised::default(),
            strangers: Vec::new(),
            gates: BTreeMap::new(),
            fired: Vec::new(),
            series: BTreeMap::new(),
        }
    }

    /// A plan that the launch was amended to.
    pub fn learn(&mut self, plan: &Arc<Plan>) {
        self.board.revisions.learn(plan);
    }

    /// Whether the plan with this hash is known.
    #[must_use]
    pub fn knows(&self, hash: &str) -> bool {
        self.board.revisions.get(hash).is_some()
    }

    /// Something is wrong with what this is read from: a sentence.
    pub fn doubt(&mut self, why: impl Into<String>) {
        self.doubts.push(why.into());
    }

    /// The last record, and its hash.
    pub fn ends(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// Takes the next record in.
    pub fn take(&mut self, record: &Recorded) {
        let before = self.board.clock.as_ref().map(|clock| (clock.phase, clock.attempt, clock.published));
        let amended = matches!(record.event, Event::PlanAmended { .. }).then(|| self.board.clone());
        self.away.take(record);
        self.board.apply(record);
        if let Some(before) = amended {
            self.revised.take(&before, &self.board, record);
        }
        if let Event::Evaluated { rounds } | Event::HoleFilled { rounds } = &record.event {
            let late = matches!(record.event, Event::HoleFilled { .. });
            for round in rounds.iter().filter(|round| round.at <= record.at) {
                self.evaluated(round, late);
            }
        }
        self.leg();
        if !is_routine(&record.event) || self.board.turned.with(record.seq).next().is_some() {
            self.walls.push((record.at, record.recorded_at));
        }
        match &record.event {
            Event::MonitorChanged { monitor, verdict, why } => {
                let told = (record.at, *verdict, why.clone());
                self.monitors.entry(monitor.clone()).or_default().push(told);
            }
            Event::TriggerFired { trigger, why, .. } => {
                let (trigger, why) = (trigger.clone(), why.clone());
                self.fired.push(watched::Fired { at: record.at, trigger, why });
            }
            Event::Frozen { why } => {
                self.frozen.push(Stretch { from: record.at, until: None, why: why.clone() });
            }
            Event::Thawed { .. } => {
                if let Some(last) = self.frozen.last_mut() {
                    last.until.get_or_insert(record.at);
                }
            }
            _ => {}
        }
        self.course.take(&self.board, record, before);
        self.crew.take(&self.board, record);
        gates::take(&mut self.gates, record);
        timeline::take(&mut self.moments, &self.board, record);
    }

    fn evaluated(&mut self, round: &crate::launch::objective::Round, late: bool) {
        let plan = &self.board.plan;
        for (id, counts) in &round.counts {
            let Some((verdict, why)) = judged(plan, id, counts, round.at) else { continue };
            let Some(objective) = plan.objectives.iter().find(|known| known.id == *id) else { continue };
            let known = self.rounds.entry(id.clone()).or_default();
            // Told once, in order; a hole that was filled afterwards lies before what is known by then.
            if !late && known.last().is_some_and(|last| last.at >= round.at) {
                continue;
            }
            let figure = watched::figure(plan, objective, counts);
            let evaluation = Evaluation { at: round.at, verdict, why, figure, generated: counts.generated };
            let place = known.partition_point(|other| other.at < round.at);
            known.insert(place, evaluation);
        }
    }

    /// Takes down how T stands, where that is not what went before led to.
    fn leg(&mut self) {
        let Some(clock) = &self.board.clock else { return };
        let runs = matches!(clock.phase, countdown::Phase::Counting | countdown::Phase::Liftoff);
        let leg = Leg { at: clock.now, t: clock.mark(), runs };
        if !self.legs.last().is_some_and(|last| last.runs == runs && last.t_at(leg.at) == leg.t) {
            self.legs.push(leg);
        }
    }

    /// The frames that samples are put in: the whole launch, and the time around T-0 where that would be a line of it.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        let spans = std::iter::once((self.opened(), self.board.at)).chain(self.close());
        spans.map(|(from, until)| Frame::over(from, until)).collect()
    }

    /// The time around T-0, of a launch that is much longer.
    pub(super) fn close(&self) -> Option<(Instant, Instant)> {
        let (opened, ended) = (self.opened(), self.board.at);
        let t0 = self.t0().filter(|_| super::say::between(opened, ended) > 4 * CLOSE)?;
        let (from, until) = (t0.0.saturating_sub(CLOSE), t0.0.saturating_add(CLOSE));
        Some((Instant(from).max(opened), Instant(until).min(ended)))
    }

    /// The samples of a signal, one series for each frame.
    pub fn samples(&mut self, signal: SignalId, series: Vec<Series>) {
        self.series.insert(signal, series);
    }

    pub(super) fn opened(&self) -> Instant {
        self.walls.first().map_or(Instant(0), |(at, _)| *at)
    }

    pub(super) fn t0(&self) -> Option<Instant> {
        self.board.clock.as_ref().and_then(|clock| clock.t0)
    }

    /// Wall time at an instant: that of the record before it and what passed since, never past the next one's. In a
    /// rehearsal, whose axis jumps, that is when it was played.
    pub(super) fn wall(&self, at: Instant) -> Option<Wall> {
        let after = self.walls.partition_point(|(known, _)| *known <= at);
        let (from, wall) = after.checked_sub(1).and_then(|place| self.walls.get(place)).or(self.walls.first())?;
        let past = chrono::TimeDelta::try_milliseconds(at.0.saturating_sub(from.0)).unwrap_or_default();
        let told = wall.checked_add_signed(past).unwrap_or(*wall);
        Some(self.walls.get(after).map_or(told, |(_, next)| told.min(*next.max(wall))))
    }

    /// T at an instant.
    pub(super) fn mark(&self, at: Instant) -> Mark {
        let after = self.legs.partition_point(|leg| leg.at <= at);
        let leg = after.checked_sub(1).and_then(|place| self.legs.get(place)).or(self.legs.first());
        leg.map_or(Mark(i64::MAX), |leg| leg.t_at(at))
    }

    /// `T-00:10:00, 2026-03-01 14:30:00`; of a rehearsal T alone, since it jumps over time.
    pub(super) fn when(&self, at: Instant) -> String {
        let t = super::say::t(self.mark(at));
        let wall = self.wall(at).map(super::say::stamp).unwrap_or_default();
        match (t.is_empty(), self.board.mode) {
            (true, _) => wall,
            (false, crate::launch::event::Mode::Rehearsal) => t,
            (false, _) => format!("{t}, {wall}"),
        }
    }

    /// The launch's whole length on its own axis.
    pub(super) fn lasted(&self) -> Duration {
        self.board.at.since(self.opened())
    }

    /// The report.
    #[must_use]
    pub fn told(&self) -> Document {
        let sections = [
            timeline::section(self),
            planned::section(self),
            course::section(self),
            gates::section(self),
            watched::section(self),
            soaks::section(self),
            crew::polls(self),
            crew::decisions(self),
            rollbacks::section(self),
            incidents::section(self),
            timeline::log(self),
        ];
        Document { sections: sections.into(), ..head::head(self) }
    }
}

impl Leg {
    fn t_at(&self, at: Instant) -> Mark {
        let ran = if self.runs { at.0.saturating_sub(self.at.0).max(0) } else { 0 };
        Mark(self.t.0.saturating_sub(ran))
    }
}
