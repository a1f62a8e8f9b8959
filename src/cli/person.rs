//! Who acts, as the arguments name one: a name, and a role of the plan that is theirs.

use super::frozen::one_of;
use crate::engine::inbox::form;
use crate::launch::event::Actor;
use crate::launch::id::RoleId;
use crate::launch::people;
use crate::launch::plan::Plan;

/// The person of `--name` and `--as`.
///
/// # Errors
/// The name is none for a person, the plan has no such role, or it is other people's.
pub fn actor(plan: &Plan, name: &str, role: Option<&str>) -> anyhow::Result<Actor> {
    let role = role.map(|role| self::role(plan, role)).transpose()?;
    let name = form::named(name).map_err(|wrong| anyhow::anyhow!("{wrong}: say who you are with --name"))?;
    if let Some(role) = &role {
        people::answers_to(plan, role, &name)?;
    }
    Ok(Actor::person(name, role))
}

/// # Errors
/// The plan has no such role; the nearest is named, and all it has.
pub fn role(plan: &Plan, name: &str) -> anyhow::Result<RoleId> {
    one_of("role", name, plan.roles.iter().map(|role| role.id.as_str())).map(RoleId::new)
}
