//! Who may act for a role, and what a role may do. Whoever carries a role must be called as one of its
//! people, where the plan lists any; an operator without a role acts for the crew, by name. The one place
//! that decides it.

use super::board::Board;
use super::command::{Command, Refusal};
use super::event::Actor;
use super::id::RoleId;
use super::plan::{Plan, Power, Role};
use super::schedule::is_own_latch;

/// Who of a scripted crew gives a second person's word.
pub const SECOND: &str = "crew-2";
/// Names that are not a person's.
const RESERVED: [&str; 3] = ["engine", "crew", SECOND];

/// Whether two names are one person's: neither the case of a letter nor a blank more counts.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(one) == plain(other)
}

/// Whether two words are one person's, or were written down by one hand: no second person is in that.
#[must_use]
pub fn is_one_hand(one: &Actor, other: &Actor) -> bool {
    is_same(&one.name, &other.name) || is_same(hand(one), hand(other))
}

/// Who typed what `by` said.
#[must_use]
pub fn hand(by: &Actor) -> &str {
    by.recorded_by.as_deref().unwrap_or(&by.name)
}

/// Whether a person can be called so: what the launch itself is called by, nobody else is.
#[must_use]
pub fn is_free(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && !RESERVED.iter().any(|own| is_same(own, name)) && !is_own_latch(name)
}

/// Whether `name` may act for `role`.
///
/// # Errors
/// It may not, as a sentence that lists who may.
pub fn answers_to(plan: &Plan, role: &RoleId, name: &str) -> Result<(), Refusal> {
    let known = plan.role(role).ok_or_else(|| Refusal(format!("no role {role} in this plan")))?;
    if known.people.is_empty() || known.people.iter().any(|person| is_same(person, name)) {
        return Ok(());
    }
    Err(Refusal(format!(
        "{} is {}, not {}: say who you are with --name",
        known.title,
        any_of(&known.people),
        name.trim()
    )))
}

/// Whether `by` is who it has to be to give `command`. A rollback asks nobody for a name, and neither does
/// leaving.
///
/// # Errors
/// It carries a role that the plan does not have, or that is other people's.
pub(super) fn admit(board: &Board, by: &Actor, command: &Command) -> Result<(), Refusal> {
    let free = matches!(
        command,
        Command::Rollback { .. }
            | Command::RollbackAs { .. }
            | Command::RollbackFound { .. }
            | Command::Leave
            | Command::End { .. }
    );
    match &by.role {
        Some(role) if !free && !by.scripted => answers_to(&board.plan, role, &by.name),
        _ => Ok(()),
    }
}

/// Whether `by` may vote for `role`: where the role's people are listed, an operator who writes the vote down
/// says which of them spoke, and acts as that one.
///
/// # Errors
/// Nobody said who spoke.
pub(super) fn spoke(plan: &Plan, by: &Actor, role: &RoleId) -> Result<(), Refusal> {
    match plan.role(role) {
        Some(known) if by.role.is_none() && !by.scripted && !known.people.is_empty() => {
            Err(Refusal(format!("say who spoke for {}: {}", known.title, any_of(&known.people))))
        }
        _ => Ok(()),
    }
}

/// Who a latch belongs to: the role where one is carried, else the name.
#[must_use]
pub fn caller(by: &Actor) -> String {
    by.role.as_ref().map_or_else(|| by.name.clone(), ToString::to_string)
}

/// A person who carries a role needs its power; an operator without one acts for the crew.
///
/// # Errors
/// The role does not have it.
pub fn permit(board: &Board, by: &Actor, power: Power) -> Result<(), Refusal> {
    let Some(role) = by.role.as_ref() else { return Ok(()) };
    match board.plan.role(role) {
        Some(known) if known.may.contains(&power) => Ok(()),
        Some(known) => {
            let word = Power::WORDS.iter().find(|(_, known)| *known == power).map_or("", |(word, _)| word);
            Err(Refusal(format!("{} may not {word}", known.title)))
        }
        None => Err(Refusal(format!("no role {role} in this plan"))),
    }
}

/// The titles of the roles that have a power, `DevOps lead or Engineering lead`; none where none has it.
pub(super) fn who_may(plan: &Plan, power: Power) -> Option<String> {
    let able = plan.roles.iter().filter(|role| role.may.contains(&power));
    let titles: Vec<String> = able.map(|role| role.title.clone()).collect();
    (!titles.is_empty()).then(|| any_of(&titles))
}

/// `Ana (Backend lead)`, as everything shows who acted; who wrote it down for another stands beside.
#[must_use]
pub fn called(plan: &Plan, by: &Actor) -> String {
    by.called(|role| plan.role(role).map_or_else(|| role.to_string(), |known| known.title.clone()))
}

/// What a role is called here.
#[must_use]
pub fn title<'p>(plan: &'p Plan, role: &'p RoleId) -> &'p str {
    plan.role(role).map_or(role.as_str(), |known: &Role| known.title.as_str())
}

/// `Ana`, `Ana or Bo`, `Ana, Bo or Cy`.
fn any_of(people: &[String]) -> String {
    match people {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
