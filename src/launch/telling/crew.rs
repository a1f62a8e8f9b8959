//! What people decided, signed, judged, opened and closed, as one line each.

use crate::launch::event::Event;
use crate::launch::incident::Due;
use crate::launch::verdict::Verdict;

/// One line about an event of the crew; none about any other.
#[must_use]
pub fn tell(event: &Event, by: &str) -> Option<String> {
    Some(match event {
        Event::ItemRecurred { item, missed: 0, .. } => format!("{item} is due once more"),
        Event::ItemRecurred { item, missed, .. } => format!("{item} is due once more, and was MISSED {missed} times"),
        Event::Chosen { item, option, reason } => format!("{item}: {option} CHOSEN{by}: {reason}"),
        Event::PassedOver { item, by } => format!("{item} skipped: {by}"),
        Event::Signed { item, role, note } if note.is_empty() => format!("{item} signed for {role}{by}"),
        Event::Signed { item, role, note } => format!("{item} signed for {role}{by}: {note}"),
        Event::VoteVoided { role, why, .. } => format!("the vote of {role} is VOID: {why}"),
        Event::PollDecided { poll, go, blocking } => {
            let poll = poll.as_ref().map_or("the poll", |poll| poll.as_str());
            let why = if *go { String::new() } else { format!(": {}", blocking.join("; ")) };
            format!("{poll} is {}{why}", if *go { "GO" } else { "NO-GO" })
        }
        Event::CriterionChanged { criterion, verdict, why, .. } => {
            format!("criterion {criterion} is {}: {why}", verdict.map_or("open", Verdict::word))
        }
        Event::CriterionJudged { criterion, met: true, note } => {
            format!("criterion {criterion} judged for GO{by}: {note}")
        }
        Event::CriterionJudged { criterion, met: false, note } => {
            format!("criterion {criterion} judged AGAINST GO{by}: {note}")
        }
        Event::CriterionWaived { criterion, reason, .. } => format!("criterion {criterion} WAIVED{by}: {reason}"),
        Event::IncidentOpened { incident, title, severity, detected_by } => {
            let severity = severity.as_ref().map(|severity| format!(" ({severity})")).unwrap_or_default();
            format!("INCIDENT {incident}{severity} opened{by}: {title}, noticed by {detected_by}")
        }
        Event::IncidentChanged { incident, change } => format!("incident {incident} {}{by}", change.words()),
        Event::IncidentRang { incident, due: Due::Triage } => {
            format!("incident {incident}: TRIAGE IS DUE, it has no severity or no commander")
        }
        Event::IncidentRang { incident, due: Due::Level(level) } => format!("incident {incident}: ESCALATE to {level}"),
        Event::PlanAmended { revision, reason, changes, .. } => {
            format!("PLAN AMENDED{by}, revision {revision}, {} changes, votes void: {reason}", changes.len())
        }
        Event::EvidenceGiven { evidence, what } => format!("evidence {evidence} given{by}: {what}"),
        Event::LaunchClosed { why, missing } if missing.is_empty() => format!("launch CLOSED{by}: {why}"),
        Event::LaunchClosed { why, missing } => {
            format!("launch CLOSED{by}: {why}, WITHOUT {}", missing.join("; "))
        }
        _ => return None,
    })
}
