//! What waits for whoever sits here, and the key that goes to the next of it: in a long plan nobody looks for what is
//! due. From the board alone; going there acts on nothing.

use super::overlays::why;
use super::panes::{checklist::Line, poll as pane, standing};
use super::state::{Pane, State, View};
use super::theme::Role;
use crate::launch::ballot;
use crate::launch::criteria::{self, Sight};
use crate::launch::id::RoleId;
use crate::launch::plan::{Act, DecidedBy, Item, Second};
use crate::launch::why::{About, Link};
use crate::launch::{incident, people, poll, recovery, second, signoff, wanted};

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    About(About),
    /// By its number: a deadline of it rang, or will soon.
    Incident(u32),
}

/// Where a stop stands among all, for the one after: a section, and a place in it.
type Place = (usize, usize);

/// True where something waits for a person, whoever it is.
#[must_use]
pub fn any(view: &View<'_>) -> bool {
    !stops(view).is_empty()
}

/// Goes to the next thing that waits for the role carried here, around the end; for an operator without one to
/// whatever waits for anybody.
pub fn next(state: &mut State, view: &View<'_>) {
    let all = stops(view);
    let mine = || all.iter().filter(|stop| view.role.is_none_or(|role| is_for(role, &stop.1, view)));
    let here = here(state, view);
    let after = mine().find(|(place, _)| Some(*place) > here);
    let Some((place, stop)) = after.or_else(|| mine().next()) else {
        let role = view.role.map(|role| people::title(view.plan(), role).to_owned());
        let who = role.unwrap_or_else(|| "a person".to_owned());
        let others = if all.is_empty() { String::new() } else { format!("; {} for others", all.len()) };
        return state.say(Role::Plain, format!("nothing waits for {who}{others}"));
    };
    let stays = Some(*place) == here;
    match stop {
        Stop::About(about) => {
            let link = Link { depth: 0, words: String::new(), about: about.clone(), verdict: None, due: true };
            why::go(state, &link, view);
        }
        Stop::Incident(number) => {
            state.incidents.select(*number);
            state.focus(Pane::Incidents);
        }
    }
    if stays {
        state.say(Role::Plain, "nothing else waits for a person");
    }
}

/// Everything that waits, in the order of the plan.
fn stops(view: &View<'_>) -> Vec<(Place, Stop)> {
    let (board, plan, now) = (view.board(), view.plan(), view.now.instant);
    if board.ended.is_some() || board.seq == 0 {
        return Vec::new();
    }
    let cut_off: Vec<_> = recovery::waiting(board).map(|(item, _)| &item.id).collect();
    let is_open = |id| board.phases.get(id).is_some_and(|known| known.opened.is_some());
    let order = plan.phases.iter().flat_map(|phase| phase.items.iter().map(move |id| (phase, id))).enumerate();
    let items = order.filter(|(_, (phase, _))| is_open(&phase.id)).filter_map(|(at, (_, id))| {
        let (item, state) = (plan.item(id)?, board.item(id)?);
        let waits =
            cut_off.contains(&id) || (standing::wants_person(item, state) && standing::item(view, item, state).due);
        waits.then(|| ((0, at), Stop::About(About::Item(id.clone()))))
    });
    let mut stops: Vec<_> = items.collect();
    // Before its hold a poll takes votes and waits for none.
    if poll::at_poll_hold(board, now) {
        let votes = ballot::votes(board, None);
        let silent = plan.poll.iter().enumerate().filter(|(_, voter)| !votes.contains_key(*voter));
        stops.extend(silent.map(|(at, voter)| ((1, at), Stop::About(About::Role(voter.clone())))));
        let judged = criteria::of_stage(board, ballot::stage(plan, None), now)
            .enumerate()
            .filter(|(_, known)| matches!(known.0.by, DecidedBy::Person { .. }) && known.1.sight() == Sight::Open);
        stops.extend(judged.map(|(at, known)| ((2, at), Stop::About(About::Criterion(known.0.id.clone())))));
    }
    let rings = incident::calls(board, now).into_iter().enumerate();
    stops.extend(rings.map(|(at, known)| ((3, at), Stop::Incident(known.number))));
    // Where a vote or a word is all it holds for, that is what waits.
    if stops.is_empty() && wanted::holds(board, now) {
        stops.push(((4, 0), Stop::About(About::Hold)));
    }
    stops
}

/// Whether it waits for this role, where not for anybody.
fn is_for(role: &RoleId, stop: &Stop, view: &View<'_>) -> bool {
    match stop {
        Stop::About(About::Item(id)) => view.plan().item(id).is_some_and(|item| wants(role, item, view)),
        Stop::About(About::Role(voter)) => voter == role,
        Stop::About(About::Criterion(id)) => {
            let known = view.plan().criteria.iter().find(|known| known.id == *id);
            known.is_some_and(|known| match &known.by {
                DecidedBy::Person { role: by } => by.as_ref().is_none_or(|by| by == role),
                DecidedBy::Seen { .. } => false,
            })
        }
        Stop::About(_) | Stop::Incident(_) => true,
    }
}

/// Whether a due item waits for this role's word, and has not got it.
fn wants(role: &RoleId, item: &Item, view: &View<'_>) -> bool {
    let board = view.board();
    let second = |half: bool| match second::wanted(item) {
        Second::Role(wanted) if half => wanted == role,
        Second::Anyone | Second::Role(_) | Second::None => true,
    };
    let half = board.item(&item.id).is_some_and(|state| state.half.is_some());
    match &item.act {
        Act::Manual { role: wanted, .. } => {
            let first = wanted.as_ref().is_none_or(|wanted| wanted == role);
            if half { second(true) } else { first }
        }
        Act::Choice { role: wanted, .. } => wanted.as_ref().is_none_or(|wanted| wanted == role),
        Act::Poll { roles, .. } => roles.contains(role) && !ballot::votes(board, Some(&item.id)).contains_key(role),
        Act::Signoff { roles } => roles.contains(role) && !signoff::signatures(board, &item.id).contains_key(role),
        Act::Step { .. } => {
            let armed = board.item(&item.id).is_some_and(|state| state.armed.is_some());
            // Whoever holds the launch runs it, once it is armed.
            if armed || *second::wanted(item) == Second::None { !view.attached() } else { second(true) }
        }
        _ => false,
    }
}

/// Where the focus is, in the order of the stops.
fn here(state: &State, view: &View<'_>) -> Option<Place> {
    match state.focus {
        Pane::Poll => {
            let (board, plan, now) = (view.board(), view.plan(), view.now.instant);
            let at = |about: &About| pane::place(&state.checklist, view, about) == Some(state.poll.selected);
            let role = plan.poll.iter().position(|role| at(&About::Role(role.clone())));
            let judged = criteria::of_stage(board, ballot::stage(plan, None), now)
                .position(|(known, _)| at(&About::Criterion(known.id.clone())));
            role.map(|at| (1, at)).or(judged.map(|at| (2, at)))
        }
        Pane::Incidents => {
            let number = state.incidents.selected(view)?.number;
            let calls = incident::calls(view.board(), view.now.instant);
            calls.iter().position(|known| known.number == number).map(|at| (3, at))
        }
        _ => {
            let order = || view.plan().phases.iter().flat_map(|phase| &phase.items);
            let line = state.checklist.selected(view)?;
            match &line {
                // Just before its first item.
                Line::Phase(phase) => {
                    let first = view.plan().phase(phase)?.items.first()?;
                    let at = order().position(|id| id == first)?;
                    at.checked_sub(1).map(|before| (0, before))
                }
                line => order().position(|id| Some(id) == line.item()).map(|at| (0, at)),
            }
        }
    }
}
