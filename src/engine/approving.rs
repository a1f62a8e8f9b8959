//! A second key that is turned at a console. It goes past the loop, straight into the folder of the rollback that
//! runs, as `tminus approve` does it: neither a journal that cannot be written nor one that another holds may keep a
//! rollback waiting. The runner's log tells the journal who turned it.

use std::path::PathBuf;
use std::sync::Arc;

use super::{door, rollback};
use crate::base::secret::Redactor;
use crate::clock;
use crate::launch::command::{Command, Refusal};
use crate::launch::event::Actor;
use crate::launch::id::ItemId;
use crate::launch::plan::Plan;
use crate::launch::port::Ask;

/// Answers an approval beside the loop; gives back whatever else is asked.
#[must_use]
pub fn aside(ask: Ask, by: &Actor, plan: &Arc<Plan>, launch: Option<&PathBuf>) -> Option<Ask> {
    let Command::Approve { step } = ask.command else { return Some(ask) };
    let by = door::whose(ask.by, by, &Redactor::default());
    let (plan, launch) = (Arc::clone(plan), launch.cloned());
    tokio::task::spawn_blocking(move || {
        let none = || Err(Refusal("this launch has no folder, and no rollback".to_owned()));
        let _ = ask.reply.send(launch.map_or_else(none, |launch| approve(&launch, &plan, &step, &by)));
    });
    None
}

/// Hands the approval in.
///
/// # Errors
/// Why it cannot count.
pub fn approve(launch: &std::path::Path, plan: &Plan, step: &ItemId, by: &Actor) -> Result<(), Refusal> {
    rollback::approve(launch, plan, step, by, clock::wall()).map(drop).map_err(|why| {
        let hint = if by.role.is_none() { "; another person says `tminus approve` with --as ROLE" } else { "" };
        Refusal(format!("{why}{hint}"))
    })
}
