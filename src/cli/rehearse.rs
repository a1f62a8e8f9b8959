//! `tminus rehearse`: the same engine against a target simulated from the plan alone, stamped REHEARSAL
//! everywhere. On a terminal it opens the console; without one a scripted crew flies it headless.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::assemble::{self, Opening, Site};
use super::headless::{self, Front, Script};
use super::{Common, unwritten};
use crate::base::source::{Source, nearest};
use crate::engine::effects::Switch;
use crate::engine::time::Pace;
use crate::journal::LaunchFolder;
use crate::launch::event::Mode;
use crate::launch::id::RollbackId;
use crate::launch::plan::Plan;
use crate::plan::Options;
use crate::rehearsal::{Faults, Injection, Target};

/// The plan that is flown when none is named.
const BUNDLED: &str = include_str!("../../config/omniai.toml");

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan file; without one, the bundled OmniAI launch.
    plan: Option<PathBuf>,
    /// A fault of the target, now or from a mark on: `down`, `errors=20%@T-5m`. Can be repeated.
    #[arg(long, value_name = "NAME[@MARK]")]
    fault: Vec<String>,
    /// How much faster than real time idle time passes in the console.
    #[arg(long, value_name = "TIMES", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
    /// The rollback that a headless rehearsal drills at its end; the plan's first unless named, `none` for none.
    #[arg(long, value_name = "ROLLBACK")]
    drill: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// # Errors
/// The plan, a fault, the arguments or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let common = &arguments.common;
    let existing = assemble::existing(common, arguments.plan.is_some())?;
    let (source, base, known_side) = match (&arguments.plan, existing) {
        (_, Some(folder)) => {
            let folder = LaunchFolder::open(folder)?;
            let site = assemble::site(&folder)?;
            if !site.rehearsal {
                anyhow::bail!("{} is a launch, not a rehearsal: go on with `tminus run`", folder.path().display());
            }
            if let Some(plan) = &arguments.plan {
                assemble::same_text(plan, &folder.plan())?;
            }
            let mut source = assemble::read(&folder.plan())?;
            source.name.clone_from(&site.plan);
            (source, site.base, site.side)
        }
        (Some(plan), None) => (assemble::read(plan)?, assemble::base_of(plan), None),
        (None, None) => (Source::new("omniai.toml (bundled)", BUNDLED), std::env::current_dir()?, None),
    };
    let injections = arguments
        .fault
        .iter()
        .map(|text| Injection::from_str(text).with_context(|| format!("--fault {text}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let loaded = assemble::load(&source, &Options { rehearsal: true, ..Options::default() })?;
    let operator = assemble::operator(common, &loaded.plan)?;
    if existing.is_none() {
        assemble::fits(&loaded.plan)?;
    }
    let drill = drill(arguments.drill.as_deref(), &loaded.plan)?;
    let side = unwritten::tried(common.side.as_ref())?.or(known_side);
    let (folder, new) = assemble::folder(common, &loaded.plan.id, true)?;
    let (plan, catalogue) = (Arc::new(loaded.plan), Arc::new(loaded.catalogue));
    let pace = if headless::wants_console(common) { Pace::Times(arguments.speed) } else { Pace::Skip };
    let take_over = common.take_over;
    let front = Front::new(&plan, Mode::Rehearsal, &folder, &operator);
    let opening = move |wires| async move {
        let faults = Faults::new(injections.iter().copied().filter(|injection| injection.from.is_none()));
        let target = Arc::new(Target::start(&plan, &catalogue, faults.clone()).await?);
        let site = Site {
            version: 1,
            plan: source.name.clone(),
            base,
            rehearsal: true,
            network: target.network(),
            simulated: true,
            side,
            anchor: None,
        };
        let script = injections
            .iter()
            .map(|injection| (injection.from, Injection { from: None, ..*injection }.to_string()))
            .collect();
        let rehearsal = Some(assemble::Rehearsal { target, switch: switch(faults), script });
        let opening = Opening { source, plan, catalogue, folder, new, site, pace, rehearsal, operator, take_over };
        assemble::open(opening, wires).await
    };
    super::fly(headless::fly(front, common, Some(Script { drill }), opening))
}

fn switch(faults: Faults) -> Switch {
    Arc::new(move |name, on| match Injection::from_str(name) {
        Ok(injection) if on => faults.inject(Injection { from: None, ..injection }),
        Ok(injection) => faults.switch(injection.fault, false),
        Err(error) => tracing::error!("{error}"),
    })
}

fn drill(wanted: Option<&str>, plan: &Plan) -> anyhow::Result<Option<RollbackId>> {
    match wanted {
        Some("none") => Ok(None),
        None => Ok(plan.rollbacks.first().map(|rollback| rollback.id.clone())),
        Some(name) => match plan.rollback(&name.into()) {
            Some(rollback) => Ok(Some(rollback.id.clone())),
            None => {
                let near = nearest(name, plan.rollbacks.iter().map(|rollback| rollback.id.as_str()));
                let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                anyhow::bail!("no rollback `{name}` in this plan{near}")
            }
        },
    }
}
