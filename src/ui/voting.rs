//! What the keys of poll, criteria and sign-off ask for: which prompt opens, and with what in it.

use super::overlays::waive;
use super::panes::poll;
use super::state::{Effect, Pane, Purpose, State, View};
use super::theme::Role;
use crate::launch::ballot;
use crate::launch::board::Progress;
use crate::launch::command::Command;
use crate::launch::id::{ItemId, RoleId};
use crate::launch::plan::{Act, DecidedBy, Item};
use crate::launch::signoff;

/// Opens the vote of the poll that is shown, for the role that is asked.
pub fn vote(state: &mut State, view: &View<'_>) {
    let poll = poll::shown(&state.checklist, view);
    vote_in(state, poll, view);
}

fn vote_in(state: &mut State, poll: Option<ItemId>, view: &View<'_>) {
    let roles = ballot::roles(view.plan(), poll.as_ref()).unwrap_or_default();
    if roles.is_empty() {
        state.say(Role::Warned, "the plan has no poll");
        return;
    }
    let place = |role: &RoleId| roles.iter().position(|known| known == role);
    let own = view.role.and_then(place);
    let asked = ballot::asked(view.board(), poll.as_ref()).and_then(place);
    state.prompt(Purpose::Vote { poll, role: own.or(asked).unwrap_or(0), vote: 0, who: None });
}

/// Judges the selected criterion, where it is for a person; the first that waits for one where none is selected.
pub fn judge(state: &mut State, view: &View<'_>) {
    let selected = state.poll.criterion(&state.checklist, view);
    match selected.or_else(|| poll::first_open(&state.checklist, view)) {
        None => state.say(Role::Warned, "select a criterion to judge"),
        Some(criterion) if matches!(criterion.by, DecidedBy::Seen { .. }) => {
            let why = format!("{} is decided by what it sees, not by a word; it can be waived", criterion.id);
            state.say(Role::Warned, why);
        }
        Some(criterion) => state.prompt(Purpose::Judge { criterion: criterion.id.clone(), met: true }),
    }
}

/// Waives the selected criterion; true where the poll's pane has the keys.
pub fn waive(state: &mut State, view: &View<'_>) -> bool {
    if state.focus != Pane::Poll {
        return false;
    }
    match state.poll.criterion(&state.checklist, view) {
        Some(criterion) => {
            let purpose = Purpose::WaiveCriterion { criterion: criterion.id.clone(), lasts: waive::AN_HOUR };
            state.prompt(purpose);
        }
        None => state.say(Role::Warned, "select a criterion to waive"),
    }
    true
}

/// What the selected item wants of people, where it is a poll or a sign-off; true where it is one.
pub fn on_item(state: &mut State, item: &Item, view: &View<'_>) -> bool {
    match &item.act {
        Act::Poll { .. } => vote_in(state, Some(item.id.clone()), view),
        Act::Signoff { .. } => sign(state, item, view),
        _ => return false,
    }
    true
}

/// One that is decided, once more; an open one takes what people say.
pub fn run(state: &mut State, item: &Item, ended: bool, view: &View<'_>) -> Option<Effect> {
    if !ended {
        on_item(state, item, view);
        return None;
    }
    let what = if matches!(item.act, Act::Poll { .. }) { "Poll again" } else { "Have it signed again" };
    let again = Effect::Ask(Command::RunItem { item: item.id.clone() });
    state.ask(format!("{what}, {}: what was said counts no more?", item.id), again);
    None
}

/// Signs the selected item for a role.
pub fn sign(state: &mut State, item: &Item, view: &View<'_>) {
    let Act::Signoff { roles } = &item.act else {
        state.say(Role::Warned, format!("{} is no sign-off", item.id));
        return;
    };
    let ended = view.board().item(&item.id).is_some_and(|known| matches!(known.progress, Progress::Ended { .. }));
    if ended {
        state.say(Role::Warned, format!("{} is signed", item.id));
        return;
    }
    let signed = signoff::signatures(view.board(), &item.id);
    let own = view.role.and_then(|role| roles.iter().position(|known| known == role));
    let open = roles.iter().position(|role| !signed.contains_key(role));
    state.prompt(Purpose::Sign { item: item.id.clone(), role: own.or(open).unwrap_or(0) });
}
