//! What people type passes here before anything is decided: a secret that someone pasted into a note
//! reaches neither the journal nor the screen.

use crate::base::secret::Redactor;
use crate::base::text::printable;
use crate::launch::command::Command;
use crate::launch::event::{Actor, Vote};
use crate::launch::id::SeverityId;
use crate::launch::incident::Change;
use crate::launch::people::is_same;

/// The command without the secrets in its words.
#[must_use]
pub fn clean(mut command: Command, redactor: &Redactor) -> Command {
    for words in words(&mut command) {
        *words = redactor.text(words);
    }
    // A refusal says again what was no severity.
    match &mut command {
        Command::OpenIncident { severity: Some(severity), .. }
        | Command::ChangeIncident { change: Change::Severity(severity), .. } => {
            *severity = SeverityId::new(redactor.text(severity.as_str()));
        }
        _ => {}
    }
    command
}

/// Who acts at a console that `operator` opened: another one's word is recorded by them, and says so.
#[must_use]
pub fn whose(by: Option<Actor>, operator: &Actor, redactor: &Redactor) -> Actor {
    let Some(by) = by else { return operator.clone() };
    let name = redactor.text(&printable(by.name.trim()));
    let recorded_by = (!is_same(&name, &operator.name)).then(|| operator.name.clone());
    Actor { name, recorded_by, scripted: false, ..by }
}

/// The free texts of a command.
fn words(command: &mut Command) -> Vec<&mut String> {
    match command {
        Command::Attest { note: words, .. }
        | Command::Waive { reason: words, .. }
        | Command::CallHold { why: words }
        | Command::Scrub { why: words }
        | Command::Slip { why: words, .. }
        | Command::CutOff { why: words }
        | Command::Freeze { why: words }
        | Command::Thaw { why: words }
        | Command::Note { text: words, .. }
        | Command::Rollback { why: words, .. }
        | Command::RollbackAs { why: words, .. }
        | Command::RollbackFound { why: words, .. }
        | Command::MarkStep { reason: words, .. }
        | Command::Repeat { reason: words, .. }
        | Command::Choose { reason: words, .. }
        | Command::Sign { note: words, .. }
        | Command::Judge { note: words, .. }
        | Command::WaiveCriterion { reason: words, .. }
        | Command::GiveEvidence { what: words, .. }
        | Command::Amend { reason: words, .. }
        | Command::End { why: words }
        | Command::Veto { why: words, .. }
        | Command::FireTrigger { why: words, .. }
        | Command::WaiveHole { reason: words, .. }
        | Command::Vote { vote: Vote::NoGo { reason: words } | Vote::GoWithWaiver { reason: words }, .. } => {
            vec![words]
        }
        Command::OpenIncident { title, detected_by, .. } => vec![title, detected_by],
        Command::ChangeIncident { change, .. } => match change {
            Change::Commander(words)
            | Change::Impact(words)
            | Change::Mitigation(words)
            | Change::FollowUp(words)
            | Change::Relapsed(words)
            | Change::Note(words) => vec![words],
            Change::Severity(_) | Change::Stage(_) | Change::Acknowledged => Vec::new(),
        },
        Command::Fill { value: words, .. } => vec![words],
        Command::Close { why, anyway, gone: _ } => std::iter::once(why).chain(anyway).collect(),
        Command::Vote { vote: Vote::Go, .. }
        | Command::RunItem { .. }
        | Command::RunPhase { .. }
        | Command::Cancel { .. }
        | Command::Acknowledge { .. }
        | Command::ReleaseHold { .. }
        | Command::Approve { .. }
        | Command::Resume
        | Command::CatchUp
        | Command::Recycle { .. }
        | Command::AcknowledgeTrigger { .. }
        | Command::SwitchFault { .. }
        | Command::RunPlaybook { .. }
        | Command::Propose { .. }
        | Command::Leave => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_pasted_into_any_text_does_not_pass() {
        let redactor = Redactor::new(["hunter22-long".to_owned()]);
        let text = || "it was hunter22-long all along".to_owned();
        for command in [
            Command::note(text()),
            Command::CallHold { why: text() },
            Command::Waive { item: "a".into(), reason: text(), lasts: std::time::Duration::from_secs(60) },
            Command::Attest { item: "a".into(), note: text(), passed: true },
            Command::Vote { poll: None, role: "a".into(), vote: Vote::NoGo { reason: text() } },
            Command::Vote { poll: None, role: "a".into(), vote: Vote::GoWithWaiver { reason: text() } },
            Command::Rollback { rollback: "a".into(), why: text() },
            Command::OpenIncident { title: text(), severity: None, detected_by: text() },
            Command::ChangeIncident { incident: 1, change: Change::FollowUp(text()) },
            Command::ChangeIncident { incident: 1, change: Change::Relapsed(text()) },
            Command::ChangeIncident { incident: 1, change: Change::Severity("hunter22-long".into()) },
            Command::Close { why: text(), anyway: Some(text()), gone: Vec::new() },
            Command::Choose { item: "a".into(), option: "b".into(), reason: text() },
        ] {
            let clean = format!("{:?}", clean(command, &redactor));
            assert!(!clean.contains("hunter22") && clean.contains("«redacted»"), "{clean}");
        }
    }
}
