//! The deadlines of incidents: triage, and the levels of the escalation ladder. They are durable timers
//! without a timer: each follows from the board and the time, and is told once, by a record. They run on
//! the launch's own axis, which no hold, scrub or T-0 stops.
//!
//! A console that was away tells every deadline that passed meanwhile, oldest first, each with how late it
//! is told: who looks at the journal sees all the levels that nobody was called for.

use std::time::Duration;

use super::super::board::Board;
use super::super::event::Event;
use super::super::plan::Plan;
use super::super::schedule::Timed;
use super::super::time::Instant;
use super::{Due, Incident, TRIAGE};

/// What needs a key within this time rings (rules.md, "Bells").
pub const SOON: Duration = Duration::from_secs(300);

/// A deadline that was not told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    pub at: Instant,
    pub due: Due,
}

/// What `incident` comes to if nothing is done, the next first. Nothing, once it is resolved.
#[must_use]
pub fn deadlines(plan: &Plan, incident: &Incident) -> Vec<Deadline> {
    if !incident.is_open() {
        return Vec::new();
    }
    let levels = incident.severity(plan).map_or(&[][..], |severity| &severity.levels);
    let levels = levels.iter().map(|level| Due::Level(level.id.clone()));
    let triage = (!incident.lacks().is_empty()).then_some(Due::Triage);
    // A level that another severity's ladder has too was reached already.
    let untold = triage.into_iter().chain(levels).filter(|due| !incident.rung.iter().any(|rung| rung.due == *due));
    let mut all: Vec<Deadline> =
        untold.filter_map(|due| Some(Deadline { at: due_at(plan, incident, &due)?, due })).collect();
    all.sort_by_key(|deadline| deadline.at);
    all
}

/// When `due` is due; none for a level that its severity's ladder does not have.
#[must_use]
pub fn due_at(plan: &Plan, incident: &Incident, due: &Due) -> Option<Instant> {
    let severity = incident.severity(plan);
    let after = match due {
        // Before anybody has judged it, it may be the most urgent.
        Due::Triage => severity.map(|known| known.triage).or(plan.severities.iter().map(|known| known.triage).min()),
        Due::Level(id) => {
            let level = severity?.levels.iter().find(|level| level.id == *id)?;
            Some(level.after)
        }
    };
    Some(incident.since.plus(after.unwrap_or(TRIAGE)))
}

/// Whom the level of this id calls.
#[must_use]
pub fn contacts<'p>(plan: &'p Plan, incident: &Incident, level: &str) -> &'p [String] {
    let levels = incident.severity(plan).map_or(&[][..], |severity| &severity.levels);
    levels.iter().find(|known| known.id == level).map_or(&[], |known| &known.contacts)
}

/// Deadlines that have passed by `now` and were not told yet, oldest first.
pub fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut passed: Vec<(Instant, u32, Due)> = Vec::new();
    for incident in &board.incidents {
        let due = deadlines(&board.plan, incident).into_iter().filter(|deadline| deadline.at <= now);
        passed.extend(due.map(|deadline| (deadline.at, incident.number, deadline.due)));
    }
    passed.sort_by_key(|(at, number, _)| (*at, *number));
    // Nothing is recorded as of before what was recorded already.
    let told = |(at, incident, due): (Instant, u32, Due)| (at.max(board.at), Event::IncidentRang { incident, due });
    passed.into_iter().map(told).collect()
}

/// When deadlines pass after `now`.
pub fn next_at(board: &Board, now: Instant) -> impl Iterator<Item = Instant> {
    let all = board.incidents.iter().flat_map(|incident| deadlines(&board.plan, incident));
    all.map(|deadline| deadline.at).filter(move |at| *at > now)
}

/// The incidents that need a key within five minutes, the worst first: a deadline of theirs rang and nobody
/// took it on, or triage is due soon and lacks something.
#[must_use]
pub fn calls(board: &Board, now: Instant) -> Vec<&Incident> {
    let soon = |incident: &Incident| {
        let triage = deadlines(&board.plan, incident).into_iter().find(|deadline| deadline.due == Due::Triage);
        triage.is_some_and(|triage| {
            let from = Instant(triage.at.0.saturating_sub(SOON.as_millis().try_into().unwrap_or(0)));
            now >= from && incident.acknowledged.is_none_or(|at| at < from)
        })
    };
    let wanted =
        |incident: &&Incident| incident.is_open() && (incident.unanswered().next().is_some() || soon(incident));
    super::by_weight(board).into_iter().filter(wanted).collect()
}

/// Whether an incident waits for a person: a rehearsal lets time pass then as it will on the day.
pub fn wants_person(board: &Board) -> bool {
    let waits = |incident: &Incident| {
        let answered = incident.unanswered().next().is_none();
        incident.is_open() && (!answered || !incident.lacks().is_empty())
    };
    board.incidents.iter().any(|incident| waits(incident))
}
