//! `tminus run`: opens a launch of a plan, or goes on with one, in the console or headless.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::assemble::{self, Opening};
use super::headless::{self, Front};
use super::plans::{self, Frozen};
use super::site::Site;
use super::{Common, unwritten};
use crate::base::wire::Network;
use crate::engine::time::Pace;
use crate::launch::event::Mode;
use crate::plan::Variables;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan file; not needed to go on with the launch in --launch DIR.
    #[arg(required_unless_present = "launch")]
    plan: Option<PathBuf>,
    /// Where to launch to: the plan's own environment, or one of its targets.
    #[arg(long, value_name = "TARGET")]
    env: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// # Errors
/// The plan, the arguments or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let common = &arguments.common;
    common.clear()?;
    let existing = assemble::existing(common, arguments.plan.is_some())?;
    let (source, earlier, known) = match (existing, &arguments.plan) {
        (Some(folder), plan) => {
            let folder = crate::journal::LaunchFolder::open(folder)?;
            let Frozen { mut source, earlier } = plans::frozen(&folder)?;
            if let Some(plan) = plan {
                assemble::same_text(plan, &source, &folder)?;
            }
            let site = assemble::site(&folder)?;
            if site.rehearsal {
                anyhow::bail!("{} is a rehearsal: go on with `tminus rehearse --launch`", folder.path().display());
            }
            source.name = assemble::named(&site);
            (source, earlier, Some(site))
        }
        (None, Some(plan)) => (assemble::read(plan)?, Vec::new(), None),
        (None, None) => anyhow::bail!("no launch is in that folder: name the plan to open one there"),
    };
    let loaded = assemble::load(&source, &assemble::options(arguments.env.as_deref(), known.as_ref())?)?;
    let operator = assemble::operator(common, &loaded.plan)?;
    if existing.is_none() {
        assemble::fits(&loaded.plan)?;
    }
    let side = unwritten::tried(common.side.as_ref())?;
    let (folder, new) = assemble::folder(common, &loaded.plan.id, false)?;
    let mut site = known.unwrap_or_else(|| Site {
        version: 1,
        plan: source.name.clone(),
        base: assemble::base_of(Path::new(&source.name)),
        target: loaded.plan.target.clone(),
        environment: Variables::new(),
        rehearsal: false,
        network: Network::Outside,
        simulated: false,
        side: None,
        faults: Vec::new(),
        anchor: None,
    });
    site.side = side.or(site.side);
    let hidden = loaded.hidden;
    site.learn(loaded.environment, &hidden);
    let (plan, catalogue) = (Arc::new(loaded.plan), Arc::new(loaded.catalogue));
    let take_over = common.take_over;
    let front = Front::new(&plan, Mode::Launch, &folder, &operator);
    let opening = move |wires| async move {
        let (pace, rehearsal) = (Pace::Real, None);
        let opening = Opening {
            source,
            plan,
            earlier,
            catalogue,
            folder,
            new,
            site,
            hidden,
            pace,
            rehearsal,
            operator,
            take_over,
        };
        assemble::open(opening, wires).await
    };
    super::fly(headless::fly(front, common, None, opening))
}
