//! What a console that is attached to another one's launch does not do: it watches and asks, the operator's
//! console acts. Said before anything is typed.

use super::action::Action;
use super::replaying;
use super::state::View;

/// Why `action` is not for this console, where it is attached; a sentence for the footer.
#[must_use]
pub fn refused(action: Action, view: &View<'_>) -> Option<String> {
    if !view.attached() {
        return None;
    }
    if view.replayed().is_some() {
        return replaying::refused(action, view);
    }
    let short = action.entry().short;
    match action {
        Action::RunAgain
        | Action::RunPhase
        | Action::Cancel
        | Action::MarkDone
        | Action::MarkFailed
        | Action::Repeat
        | Action::CatchUp
        | Action::Recovery
        | Action::Recycle
        | Action::Slip
        | Action::Faults
        | Action::Scrub => Some(format!("this console is attached: `{short}` is for the operator's")),
        Action::Amend => {
            let launch = &view.snapshot.folder;
            Some(format!("this console is attached: in a shell, `tminus amend {launch} PLAN` asks the one that acts"))
        }
        Action::Hold
        | Action::Release
        | Action::Vote
        | Action::Acknowledge
        | Action::Veto
        | Action::Judge
        | Action::Sign
        | Action::Attest
        | Action::Waive
        | Action::Playbooks
        | Action::Evidence
        | Action::Close
            if view.role.is_none() =>
        {
            Some(format!("without a role there are notes and incidents: `{short}` needs --as ROLE"))
        }
        _ => None,
    }
}
