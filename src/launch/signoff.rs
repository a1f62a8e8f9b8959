//! Sign-off: each role puts its name under it, once; the act itself is the signature. One person signs for two
//! roles only where the plan lists him in both.

use std::collections::BTreeMap;
use std::time::Duration;

use super::board::{Board, Progress};
use super::command::Refusal;
use super::event::{Actor, Event, Recorded};
use super::id::{ItemId, RoleId};
use super::people::{answers_to, is_same};
use super::plan::{Act, Item};
use super::polled;
use super::schedule::{Timed, due};
use super::time::{Instant, Wall};
use super::verdict::{Finding, Report, Verdict};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub by: Actor,
    pub note: String,
    pub at: Wall,
}

/// The signatures of a sign-off.
#[must_use]
pub fn signatures<'a>(board: &'a Board, item: &ItemId) -> &'a BTreeMap<RoleId, Signature> {
    static NONE: BTreeMap<RoleId, Signature> = BTreeMap::new();
    board.signed.get(item).unwrap_or(&NONE)
}

/// Puts a role's name under a sign-off.
///
/// # Errors
/// It is none, it is not due, or this person may not sign for that role.
pub(super) fn sign(
    board: &Board,
    by: &Actor,
    item: &ItemId,
    role: &RoleId,
    note: &str,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    let item = board.plan.item(item).ok_or_else(|| Refusal(format!("no item {item}")))?;
    let Act::Signoff { roles } = &item.act else {
        return Err(Refusal(format!("{} is no sign-off", item.id)));
    };
    if !roles.contains(role) {
        return Err(Refusal(format!("{role} does not sign {}", item.id)));
    }
    if let Some(has) = by.role.as_ref().filter(|has| *has != role) {
        return Err(Refusal(format!("{has} cannot sign for {role}")));
    }
    is_due(board, item, now)?;
    let signed = signatures(board, &item.id);
    if let Some(known) = signed.get(role) {
        return Err(Refusal(format!("{role} has signed: {}", known.by.name)));
    }
    if !by.scripted {
        answers_to(&board.plan, role, &by.name)?;
    }
    let people = |role: &RoleId| board.plan.role(role).map(|known| known.people.as_slice()).unwrap_or_default();
    let holds = |role: &RoleId| people(role).iter().any(|person| is_same(person, &by.name));
    let same = |known: &Signature| is_same(&known.by.name, &by.name) && !by.scripted;
    let other = signed.iter().find(|(_, known)| same(known)).map(|(other, _)| other);
    if let Some(other) = other.filter(|other| !holds(role) || !holds(other)) {
        let why = "one person signs for two roles only where the plan lists them in both";
        return Err(Refusal(format!("{} has signed for {other}: {why}", by.name)));
    }
    Ok(vec![Event::Signed { item: item.id.clone(), role: role.clone(), note: note.trim().to_owned() }])
}

fn is_due(board: &Board, item: &Item, now: Instant) -> Result<(), Refusal> {
    let state = board.item(&item.id);
    if state.is_some_and(|state| matches!(state.progress, Progress::Ended { .. })) {
        return Err(Refusal(format!("{} is signed: run it again to have it signed anew", item.id)));
    }
    due(board, item, now).may(&item.id)
}

pub(super) fn fold(board: &mut Board, record: &Recorded) {
    match &record.event {
        Event::Signed { item, role, note } => {
            let signature = Signature { by: record.actor.clone(), note: note.clone(), at: record.occurred_at };
            board.signed.entry(item.clone()).or_default().insert(role.clone(), signature);
        }
        Event::ItemStarted { item, .. } | Event::ItemRecurred { item, .. } => {
            board.signed.remove(item);
        }
        _ => {}
    }
}

/// Sign-offs that every role has signed.
pub(super) fn follow(board: &Board, now: Instant) -> Vec<Timed> {
    let mut events = Vec::new();
    for (id, signed) in &board.signed {
        let (Some(item), Some(state)) = (board.plan.item(id), board.item(id)) else { continue };
        let Act::Signoff { roles } = &item.act else { continue };
        let waits = matches!(state.progress, Progress::Waiting | Progress::Blocked { .. });
        if !waits || !roles.iter().all(|role| signed.contains_key(role)) {
            continue;
        }
        let findings = roles.iter().filter_map(|role| Some((role, signed.get(role)?)));
        let findings = findings.map(|(role, signature)| {
            let title = board.plan.role(role).map_or(role.as_str(), |role| role.title.as_str());
            let at = signature.at.format("%Y-%m-%d %H:%M:%S UTC");
            Finding::held(title, "signed", format!("{}, {at}", signature.by.name), true)
        });
        let summary = format!("signed by {} of {}", roles.len(), roles.len());
        let report = Report { findings: findings.collect(), ..Report::plain(Verdict::Pass, summary, Duration::ZERO) };
        let ended = Event::ItemEnded { item: id.clone(), attempt: polled::attempt(state), report };
        events.push((now.max(board.at), ended));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::super::command::{Command, Input};
    use super::super::samples::{Flight, MINUTE, minutes, plan};
    use super::*;

    #[test]
    fn a_role_is_signed_for_by_its_people_however_they_are_written() {
        let mut plan = plan();
        plan.phases.retain(|phase| phase.id.as_str() == "late");
        plan.items.retain(|_, item| item.phase.as_str() == "late");
        plan.clock.holds.clear();
        (plan.clock.start, plan.poll) = (MINUTE, Vec::new());
        plan.roles[1].people = vec!["Ana Li".into()];
        let act = Act::Signoff { roles: vec!["backend".into(), "lead".into()] };
        plan.items.get_mut(&ItemId::new("look")).expect("there").act = act;
        let mut flight = Flight::of(plan);
        flight.pass(minutes(31));
        let mut sign = |name: &str, role: &str| {
            let command = Command::Sign { item: "look".into(), role: role.into(), note: String::new() };
            flight.input(&Input::Command { by: Actor::person(name, None), command })
        };
        assert!(sign("cy", "lead").expect_err("another's role").contains("lead is Ana Li, not cy"));
        sign("ana  li", "lead").expect("one of them");
        assert!(sign("ANA LI", "backend").expect_err("the same person").contains("has signed for lead"));
        sign("cy", "backend").expect("nobody is listed");
    }
}
