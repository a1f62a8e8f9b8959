//! The second key at a console: which step it is for, who may turn it, and the question before it is turned. The
//! rule is `launch::approval`; the file is the engine's.

use super::state::{Effect, State, View};
use super::theme::Role;
use crate::launch::approval::judge;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::{ItemId, RoleId};
use crate::launch::plan::RollbackStep;
use crate::launch::rollback::RollbackRun;

/// The step whose key is asked for: one that stands before one that is to come, and one for the role that this
/// console carries before another's.
fn wanted<'v>(view: &View<'v>) -> Option<(&'v RollbackRun, &'v RollbackStep, &'v RoleId)> {
    let run = view.board().rolling_back()?;
    let begun = |step: &RollbackStep| run.steps.iter().any(|told| told.step == step.id);
    let steps = view.plan().rollback(&run.id)?.steps.iter();
    let keyed = steps.filter(|step| !run.is_approved(&step.id) && !begun(step));
    let keyed = keyed.filter_map(|step| Some((run, step, step.needs_approval.as_ref()?)));
    let stands = |step: &RollbackStep| run.waits().any(|wait| wait.step == step.id);
    keyed.min_by_key(|(_, step, role)| (!stands(step), view.role != Some(*role)))
}

/// Asks before the key is turned; says why not, where this person's would not count.
pub fn ask(state: &mut State, view: &View<'_>) {
    if state.cramped {
        state.say(Role::Warned, "too small a screen to see what is approved");
        return;
    }
    let Some((run, step, role)) = wanted(view) else {
        let why = match view.board().rolling_back() {
            Some(run) => format!("no step of rollback {} waits for an approval", run.id),
            None => "no rollback is under way: there is nothing to approve".to_owned(),
        };
        state.say(Role::Warned, why);
        return;
    };
    let by = Actor::person(view.operator, view.role.cloned());
    if let Err(why) = judge(&view.plan().roles, role, Some(&run.by), &by, false) {
        state.say(Role::Warned, format!("{why} · {}", command(view, &step.id, role)));
        return;
    }
    let question = format!(
        "Approve {} as {} for {role}: {}? {} asked for rollback {}: {}",
        step.id, view.operator, step.title, run.by.name, run.id, run.why
    );
    state.ask(question, Effect::Ask(Command::Approve { step: step.id.clone() }));
}

/// What a second person types, at any terminal.
#[must_use]
pub fn command(view: &View<'_>, step: &ItemId, role: &RoleId) -> String {
    format!("tminus approve {} {step} --as {role}", view.snapshot.folder)
}
