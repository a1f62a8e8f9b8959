//! What people ask of incidents, and why not. Whoever noticed something may open one, and whoever stands by
//! may say what is known of it (rules.md: a scribe has notes and incidents); who said it is in the record.

use crate::base::source::nearest;
use crate::base::text::{cut, printable};

use super::super::board::Board;
use super::super::command::{Command, Refusal};
use super::super::event::Event;
use super::super::id::SeverityId;
use super::super::time::Instant;
use super::{Change, Incident, Stage, calls, find};

/// More incidents than this are refused: someone's script has run away.
const MOST: usize = 1_000;
/// So many lines a timeline may have before it takes nothing but how far it is and who took it on.
const LONGEST_TIMELINE: usize = 2_000;
/// Columns of what somebody typed that a refusal says again.
const QUOTED: usize = 40;

/// What becomes of a command about incidents.
///
/// # Errors
/// The refusal, as a sentence.
pub fn act(board: &Board, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::OpenIncident { title, severity, detected_by } => {
            open(board, title, severity.as_ref(), detected_by).map(|event| vec![event])
        }
        Command::ChangeIncident { incident, change } => {
            let known = find(board, *incident).ok_or_else(|| nobody_opened(board, *incident))?;
            let change = allowed(board, known, change, now)?;
            Ok(vec![Event::IncidentChanged { incident: *incident, change }])
        }
        other => refuse(format!("{other:?} is not about an incident")),
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(why.into()))
}

/// What is longer fills the band, and the brief, of everybody.
const LONGEST_TITLE: usize = 200;

fn open(board: &Board, title: &str, severity: Option<&SeverityId>, detected_by: &str) -> Result<Event, Refusal> {
    let title = said(title, "an incident needs a title: what is wrong")?;
    if title.chars().count() > LONGEST_TITLE {
        return refuse(format!(
            "a title of at most {LONGEST_TITLE} characters: the rest is its impact, or a note of it"
        ));
    }
    let detected_by = said(detected_by, "say who or what noticed it")?;
    if let Some(severity) = severity {
        known_severity(board, severity)?;
    }
    if board.incidents.len() >= MOST {
        return refuse(format!("this launch has {MOST} incidents: note what is wrong beside one of them"));
    }
    let last = board.incidents.iter().map(|known| known.number).max().unwrap_or(0);
    Ok(Event::IncidentOpened { incident: last.saturating_add(1), title, severity: severity.cloned(), detected_by })
}

fn nobody_opened(board: &Board, number: u32) -> Refusal {
    let numbers = || board.incidents.iter().map(|known| known.number);
    Refusal(match (numbers().min(), numbers().max()) {
        (Some(first), Some(last)) if first != last => format!("no incident {number}: there are {first} to {last}"),
        (Some(first), _) => format!("no incident {number}: there is {first} alone"),
        _ => format!("no incident {number}: none was opened"),
    })
}

fn known_severity(board: &Board, severity: &SeverityId) -> Result<(), Refusal> {
    let known = || board.plan.severities.iter().map(|known| known.id.as_str());
    if known().any(|known| known == severity.as_str()) {
        return Ok(());
    }
    let name = cut(&printable(severity.as_str()), QUOTED);
    let near = nearest(&name, known()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let all = known().collect::<Vec<_>>().join(", ");
    let all = if all.is_empty() { "none" } else { &all };
    refuse(format!("no severity `{name}` in this plan: {near}it has {all}"))
}

fn said(words: &str, why: &str) -> Result<String, Refusal> {
    let words = words.trim();
    if words.is_empty() { refuse(why) } else { Ok(words.to_owned()) }
}

/// The change as it is recorded.
fn allowed(board: &Board, known: &Incident, change: &Change, now: Instant) -> Result<Change, Refusal> {
    let number = known.number;
    let is = |what: &str| refuse(format!("incident {number} is {what} already"));
    if known.timeline.len() >= LONGEST_TIMELINE
        && !matches!(change, Change::Stage(_) | Change::Relapsed(_) | Change::Acknowledged)
    {
        return refuse(format!("the timeline of incident {number} is full: note it in the journal, with a plain note"));
    }
    Ok(match change {
        Change::Severity(severity) => {
            known_severity(board, severity)?;
            if known.severity.as_ref() == Some(severity) {
                return is(severity.as_str());
            }
            change.clone()
        }
        Change::Commander(name) => {
            let name = said(name, "say who commands it")?;
            if known.commander.as_ref() == Some(&name) {
                return is(&format!("commanded by {}", cut(&printable(&name), QUOTED)));
            }
            Change::Commander(name)
        }
        Change::Impact(words) => {
            let words = said(words, "say whom it hits, and how")?;
            if known.impact.as_ref() == Some(&words) {
                return is("said to have that impact");
            }
            Change::Impact(words)
        }
        Change::Mitigation(words) => {
            let words = said(words, "say what was decided against it")?;
            if known.mitigations.contains(&words) {
                return is("mitigated so");
            }
            Change::Mitigation(words)
        }
        Change::FollowUp(id) => {
            let id = said(id, "say the id of the issue that tracks it")?;
            if known.follow_ups.contains(&id) {
                return is(&format!("followed up as {}", cut(&printable(&id), QUOTED)));
            }
            Change::FollowUp(id)
        }
        Change::Stage(stage) => Change::Stage(moved(known, *stage)?),
        Change::Relapsed(_) if known.stage == Stage::Active => return is("active"),
        Change::Relapsed(why) => Change::Relapsed(said(why, "say why it is active again")?),
        Change::Note(words) => Change::Note(said(words, "an empty note says nothing")?),
        Change::Acknowledged if calls(board, now).iter().any(|rings| rings.number == number) => change.clone(),
        Change::Acknowledged => {
            return refuse(format!("incident {number} rings for nothing: there is nothing to acknowledge"));
        }
    })
}

/// The truth table of stages: down the list, over any but the last; closed only once resolved or tracked.
fn moved(known: &Incident, to: Stage) -> Result<Stage, Refusal> {
    let (number, at) = (known.number, known.stage.word());
    match (known.stage, to) {
        (from, to) if from == to => refuse(format!("incident {number} is {at} already")),
        (_, Stage::Active) => refuse(format!("incident {number} is {at}: say why it is active again")),
        (from, to) if to < from => {
            refuse(format!("incident {number} is {at}: it goes back to active alone, with a reason"))
        }
        (from, Stage::Closed) if from < Stage::Resolved && known.follow_ups.is_empty() => refuse(format!(
            "incident {number} is {at}: it is closed once it is resolved, or has the id of a follow-up that tracks it"
        )),
        (_, to) => Ok(to),
    }
}
