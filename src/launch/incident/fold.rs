//! Incidents as the journal tells them. Total: what is told of an incident that nobody opened changes
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use super::super::board::Board;
use super::super::event::{Event, Recorded};
use super::super::time::Instant;
use super::{Change, Due, Entry, Incident, Moment, Rung, Stage, ladder};

/// Folds one record into the incidents of the board.
pub fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::IncidentOpened { incident, title, severity, detected_by } => {
            let opened = moment(record);
            let severity_words = severity.as_ref().map(|severity| format!(" as {severity}")).unwrap_or_default();
            let words = format!("opened{severity_words}: {title}; noticed by {detected_by}");
            board.incidents.push(Arc::new(Incident {
                number: *incident,
                title: title.clone(),
                severity: severity.clone(),
                commander: None,
                impact: None,
                mitigations: Vec::new(),
                follow_ups: Vec::new(),
                detected_by: detected_by.clone(),
                stage: Stage::Active,
                opened,
                mitigated: None,
                resolved: None,
                closed: None,
                since: opened.at,
                rung: Vec::new(),
                acknowledged: None,
                timeline: vec![entry(record, words)],
            }));
        }
        Event::IncidentChanged { incident, change } => {
            let Some(known) = of(board, *incident) else { return };
            known.timeline.push(entry(record, change.words()));
            changed(known, change, record);
        }
        Event::IncidentRang { incident, due } => {
            let Some(known) = super::find(board, *incident) else { return };
            let was_due = ladder::due_at(&board.plan, known, due).unwrap_or(record.at);
            let late = record.at.since(was_due);
            let contacts = match due {
                Due::Triage => String::new(),
                Due::Level(level) => ladder::contacts(&board.plan, known, level).join(", "),
            };
            let Some(known) = of(board, *incident) else { return };
            known.timeline.push(entry(record, rang(known, due, &contacts, late)));
            known.rung.push(Rung { due: due.clone(), told: moment(record), late, acknowledged: None });
        }
        _ => {}
    }
}

fn of(board: &mut Board, number: u32) -> Option<&mut Incident> {
    board.incidents.iter_mut().find(|known| known.number == number).map(Arc::make_mut)
}

fn changed(known: &mut Incident, change: &Change, record: &Recorded) {
    match change {
        Change::Severity(severity) => known.severity = Some(severity.clone()),
        Change::Commander(name) => known.commander = Some(name.clone()),
        Change::Impact(words) => known.impact = Some(words.clone()),
        Change::Mitigation(words) => known.mitigations.push(words.clone()),
        Change::FollowUp(id) => known.follow_ups.push(id.clone()),
        Change::Stage(Stage::Active) | Change::Relapsed(_) => {
            // Who was called for what is over has to be called again.
            if !known.is_open() {
                known.since = moment(record).at;
                known.rung.clear();
                known.acknowledged = None;
            }
            known.stage = Stage::Active;
            (known.mitigated, known.resolved, known.closed) = (None, None, None);
        }
        Change::Stage(stage) => {
            known.stage = *stage;
            let reached = Some(moment(record));
            match stage {
                Stage::Mitigated => known.mitigated = reached,
                Stage::Resolved => known.resolved = reached,
                Stage::Closed | Stage::Active => known.closed = reached,
            }
        }
        Change::Note(_) => {}
        Change::Acknowledged => {
            known.acknowledged = Some(record.at);
            for rung in known.rung.iter_mut().filter(|rung| rung.acknowledged.is_none()) {
                rung.acknowledged = Some(record.actor.clone());
            }
        }
    }
}

/// What was asked for while nobody was there to decide happened when it was asked.
fn moment(record: &Recorded) -> Moment {
    let ago = (record.recorded_at - record.occurred_at).num_milliseconds().max(0);
    Moment { at: Instant(record.at.0.saturating_sub(ago).max(0).min(record.at.0)), wall: record.occurred_at }
}

fn entry(record: &Recorded, words: String) -> Entry {
    Entry { seq: record.seq, occurred_at: record.occurred_at, by: record.actor.clone(), words }
}

fn rang(known: &Incident, due: &Due, contacts: &str, late: Duration) -> String {
    let late = match late.as_secs() {
        0 => String::new(),
        seconds => format!(", told {} late", humantime::format_duration(Duration::from_secs(seconds))),
    };
    match due {
        Due::Triage => format!("TRIAGE DUE: it has no {}{late}", known.lacks().join(" and no ")),
        Due::Level(level) if contacts.is_empty() => format!("ESCALATED to {level}{late}"),
        Due::Level(level) => format!("ESCALATED to {level}: call {contacts}{late}"),
    }
}
