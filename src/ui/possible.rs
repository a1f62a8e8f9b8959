//! What an action could do just now, and why it could not: the footer offers the one and greys the other, the palette
//! says both.

use super::action::Action;
use super::overlays::{faults, holds};
use super::panes::soak;
use super::state::View;
use super::{attached, replaying, update, waits};
use crate::launch::ballot;
use crate::launch::board::{ItemState, Progress};
use crate::launch::countdown::Phase;
use crate::launch::gate::{self, Clear};
use crate::launch::plan::{Act, Item, Second};
use crate::launch::playbook;
use crate::launch::process;
use crate::launch::recovery::{is_over, may_mark};
use crate::launch::schedule::{Due, due};
use crate::launch::second;
use crate::launch::verdict::Verdict;

/// True where an action would do something now with the selected item: what the footer may offer.
#[must_use]
pub fn offered(action: Action, item: Option<(&Item, &ItemState)>, view: &View<'_>) -> bool {
    why_not(action, item, view).is_none()
}

/// Why an action would do nothing now, in a few words; none where it would.
#[must_use]
pub fn why_not(action: Action, item: Option<(&Item, &ItemState)>, view: &View<'_>) -> Option<String> {
    if let Some(why) = attached::refused(action, view).or_else(|| replaying::why_not(action, view)) {
        return Some(why);
    }
    let (board, plan, now) = (view.board(), view.plan(), view.now.instant);
    if board.ended.is_some() && ends(action) {
        return Some("the launch has ended".to_owned());
    }
    let unless = |holds: bool, why: &str| (!holds).then(|| why.to_owned());
    if of_one(action) && item.is_none() {
        return Some("no item is selected".to_owned());
    }
    match (action, item) {
        (Action::Attest, Some((item, state))) => unless(wants_word(item, view), &no_word(item, state)),
        (Action::Sign, Some((item, _))) => {
            let signs = matches!(item.act, Act::Signoff { .. });
            unless(signs, "no sign-off").or_else(|| unless(wants_word(item, view), "nothing to sign yet"))
        }
        (Action::RunAgain, Some((item, state))) => not_again(item, state),
        (Action::Cancel, Some((item, state))) => {
            unless(state.is_running() || process::of(board, &item.id).is_some(), "it does not run")
        }
        (Action::MarkDone | Action::MarkFailed, Some((item, state))) => {
            unless(may_mark(item, state), "no step of unknown outcome")
        }
        (Action::Playbooks, Some((item, _))) => {
            let wanted = playbook::of(board, Some(&item.id)).any(|known| playbook::is_wanted(board, known, now));
            unless(wanted, "no playbook is for it now")
        }
        (Action::Waive, Some((item, _))) if soak::waivable(view, &item.id).is_some() => None,
        (Action::Waive | Action::Acknowledge, Some((item, state))) => match gate::clear(board, item, now) {
            Clear::No(None) => Some("it has no verdict yet".to_owned()),
            Clear::No(Some(_)) if action == Action::Waive => None,
            Clear::No(Some(_)) => unless(!matches!(state.progress, Progress::Blocked { .. }), "it did not run"),
            Clear::Yes => Some("nothing is in its way".to_owned()),
            Clear::ByWaiver => Some("it is waived".to_owned()),
        },
        (Action::Recovery, _) => {
            unless(board.recovery.as_ref().is_some_and(|known| !known.is_empty()), "nothing was open")
        }
        (Action::Release, _) => {
            let holding = board.clock.as_ref().is_some_and(|clock| clock.phase == Phase::Holding);
            unless(holding || board.frozen.is_some(), "nothing holds")
        }
        (Action::Hold, _) => match &board.clock {
            None => Some("no countdown".to_owned()),
            Some(clock) => unless(!matches!(clock.phase, Phase::Scrubbed | Phase::Cutoff), "it counts no more"),
        },
        (Action::Vote, _) => unless(ballot::open(board, now).next().is_some(), "no poll is open"),
        (Action::Judge, _) => unless(!plan.criteria.is_empty(), "the plan has no criteria"),
        (Action::ChangeIncident | Action::Incidents, _) => unless(!board.incidents.is_empty(), "no incident"),
        (Action::Faults, _) => faults::refused(view).map(str::to_owned),
        (Action::Triggers, _) => unless(!plan.triggers.is_empty(), "the plan has no triggers"),
        (Action::NextDue, _) => unless(waits::any(view), "nothing waits for a person"),
        (Action::Evidence, _) => unless(!plan.evidence.is_empty(), "the plan asks for none"),
        (Action::ActAs, _) => unless(!plan.roles.is_empty(), "the plan has no roles"),
        (Action::Recycle, _) => unless(!holds::marks(view).is_empty(), "no recycle mark above the present T"),
        (Action::Slip, _) => unless(holds::may_slip(view), "only while the countdown holds"),
        (Action::PreviousStream | Action::NextStream, _) => unless(plan.streams.len() > 1, "no other stream"),
        _ => None,
    }
}

/// What is over with the launch; notes, incidents, evidence and the ways back are not.
fn ends(action: Action) -> bool {
    matches!(
        action,
        Action::RunAgain
            | Action::RunPhase
            | Action::Attest
            | Action::Sign
            | Action::Waive
            | Action::Acknowledge
            | Action::Cancel
            | Action::Judge
            | Action::Hold
            | Action::Release
            | Action::Recycle
            | Action::Slip
            | Action::Scrub
            | Action::Amend
            | Action::Vote
    )
}

/// Actions that are about the selected item alone.
fn of_one(action: Action) -> bool {
    update::of_items(action) && !matches!(action, Action::Open | Action::RunPhase) || action == Action::Sign
}

/// Whether `item` waits for a person's word.
#[must_use]
pub fn wants_word(item: &Item, view: &View<'_>) -> bool {
    let running = view.board().item(&item.id).is_some_and(ItemState::is_running);
    match item.act {
        Act::Manual { .. } | Act::Choice { .. } | Act::Poll { .. } | Act::Signoff { .. } => {
            matches!(due(view.board(), item, view.now.instant), Due::Now)
        }
        Act::Step { .. } => *second::wanted(item) != Second::None && !running,
        _ => false,
    }
}

fn no_word(item: &Item, state: &ItemState) -> String {
    let why = if !item.act.is_persons() {
        "decided by what it sees"
    } else if matches!(state.progress, Progress::Ended { verdict: Verdict::Pass, .. }) {
        "done"
    } else {
        "not due yet"
    };
    why.to_owned()
}

fn not_again(item: &Item, state: &ItemState) -> Option<String> {
    let why = if matches!(item.act, Act::Manual { .. } | Act::Choice { .. } | Act::Wait { .. }) {
        "nothing runs here"
    } else if state.is_running() {
        "it runs"
    } else if state.attempt.is_none() {
        "it has not run yet"
    } else if is_over(item, state) {
        "it is done"
    } else {
        return None;
    };
    Some(why.to_owned())
}
