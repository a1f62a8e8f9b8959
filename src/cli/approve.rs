//! `tminus approve`: turns the second key of a step of the rollback that runs. It reads and writes plain files, as
//! `tminus rollback` does: whoever holds the launch may be frozen or gone, and reads it in once it is back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::frozen::one_of;
use super::rollback::own;
use super::say::{err, out};
use super::{CANNOT_TELL, NO_GO};
use crate::base::secret::Redactor;
use crate::base::text::printable;
use crate::clock;
use crate::engine::inbox::form;
use crate::engine::rollback::{self, Follow, Given, Log};
use crate::launch::event::{Actor, RollbackFact};
use crate::launch::id::{ItemId, RoleId};
use crate::launch::plan::Plan;
use crate::launch::telling::{approver, end_words};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Exit codes: 0 the step is approved, 1 it was refused, 2 the runner did not say (the approval lies there), 3 the
/// arguments or the launch are wrong.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 approved · 1 refused · 2 the runner did not answer in time (the approval lies \
                        there) · 3 the arguments or the launch are wrong")]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// The step, as ROLLBACK/STEP.
    step: String,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: String,
    /// Your name: not that of who asked for the rollback.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    /// How long to wait for the answer of the rollback's runner.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// # Errors
/// The folder is no launch, or the step, the role or the name is none.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let launch = &arguments.launch;
    let launch =
        std::fs::canonicalize(launch).with_context(|| format!("there is no launch at {}", launch.display()))?;
    if !launch.join("launch.json").exists() {
        bail!("{} is no launch: it holds no launch.json", launch.display());
    }
    own(&launch, &format!("tminus approve {} …", launch.display()))?;
    let frozen = rollback::frozen(&launch).map_err(anyhow::Error::msg)?;
    let step = known(&frozen.plan, &arguments.step)?;
    let roles = frozen.plan.roles.iter().map(|role| role.id.as_str());
    let role = RoleId::new(one_of("role", &arguments.role, roles)?);
    let redactor = Redactor::new(frozen.catalogue.secrets.iter().cloned());
    let by = Actor::person(redactor.text(&form::named(&arguments.name)?), Some(role));
    match rollback::approve(&launch, &frozen.plan, &step, &by, clock::wall()) {
        Ok(given) => Ok(told(&launch, &given, &step, arguments.wait)),
        Err(why) => {
            err!("tminus: refused: {}", printable(&why));
            Ok(NO_GO)
        }
    }
}

/// The step of that id which needs an approval at all.
fn known(plan: &Plan, id: &str) -> anyhow::Result<ItemId> {
    let steps = || plan.rollbacks.iter().flat_map(|rollback| &rollback.steps);
    let keyed = || steps().filter(|step| step.needs_approval.is_some());
    if steps().any(|step| step.id.as_str() == id && step.needs_approval.is_none()) {
        bail!("{} needs nobody's approval", printable(id));
    }
    if keyed().next().is_none() {
        bail!("no rollback of this plan has a step that needs an approval");
    }
    let ids: Vec<&str> = keyed().map(|step| step.id.as_str()).collect();
    one_of("step that needs an approval", &printable(id), ids.iter().copied()).map(ItemId::new)
}

/// What the runner made of it, by its log. The exit code.
fn told(launch: &Path, given: &Given, step: &ItemId, wait: Duration) -> i32 {
    let mut log: Follow = Log::follow(&rollback::log_of(launch, given.run, &given.rollback));
    let until = clock::boot().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let mut refused = None;
    loop {
        for entry in log.read().unwrap_or_default() {
            match entry.fact {
                RollbackFact::Approved { step: of, by } if of == *step => {
                    out!("{step} is approved by {}: run {} of {} goes on", approver(&by), given.run, given.rollback);
                    return 0;
                }
                RollbackFact::ApprovalRefused { step: of, why } if of == *step => refused = Some((entry.at, why)),
                RollbackFact::Ended { end, .. } => {
                    err!("tminus: refused: run {} has ended: {}", given.run, printable(&end_words(&end)));
                    return NO_GO;
                }
                _ => {}
            }
        }
        // One of before is no answer to this.
        if let Some((_, why)) = refused.as_ref().filter(|(at, _)| *at >= given.at) {
            err!("tminus: refused: {}", printable(why));
            return NO_GO;
        }
        if clock::boot() >= until {
            err!("tminus: the runner of run {} did not answer yet; the approval lies there for it", given.run);
            return CANNOT_TELL;
        }
        std::thread::sleep(LOOK);
    }
}
