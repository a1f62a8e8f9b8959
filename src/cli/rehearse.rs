//! `tminus rehearse`: the same engine against a target simulated from the plan alone, stamped REHEARSAL
//! everywhere. On a terminal it opens the console; without one a scripted crew flies it headless.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::assemble::{self, Opening};
use super::headless::{self, Front, Script};
use super::plans::{self, Frozen};
use super::site::Site;
use super::{Common, unwritten};
use crate::base::source::{Source, nearest};
use crate::engine::amending::{Move, Moved};
use crate::engine::effects::{Offers, Switch};
use crate::engine::run::{SwitchDue, Switching};
use crate::engine::time::Pace;
use crate::journal::LaunchFolder;
use crate::kind::Catalogue;
use crate::launch::event::Mode;
use crate::launch::fault::Offered;
use crate::launch::id::{ItemId, RollbackId};
use crate::launch::plan::Plan;
use crate::launch::time::Mark;
use crate::plan::{Loaded, Options};
use crate::rehearsal::{Fault, Faults, Injection, Target, Traffic, able, possible};

/// The plan that is flown when none is named.
const BUNDLED: &str = include_str!("../../config/omniai.toml");

#[derive(Debug, Args)]
pub struct Arguments {
    /// The plan file; without one, the bundled OmniAI launch.
    plan: Option<PathBuf>,
    /// A fault of the target, from a mark on, for a while or until a rollback's steps have run, of all or of one monitor,
    /// signal, stream or item: `down`, `errors=20%@T-5m..rollback`, `latency=2s@T+10m..T+20m:api`. `fail:lint` lets that one
    /// item fail as the plan's own example of it does: a program, a file, the environment, a step, a person's word as well.
    /// Can be repeated; docs/faults.md has all of them.
    #[arg(long, value_name = "NAME[=SIZE][@FROM[..UNTIL]][:ID]")]
    fault: Vec<String>,
    /// How much faster than real time idle time passes in the console, 1 to 3600.
    #[arg(long, value_name = "TIMES", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
    /// The rollback that a headless rehearsal drills at its end; the plan's first unless named, `none` for none.
    #[arg(long, value_name = "ROLLBACK")]
    drill: Option<String>,
    /// The place to rehearse for: the plan's own environment, or one of its targets [default: the plan's own environment;
    /// where that is production, its first other target].
    #[arg(long, value_name = "TARGET")]
    env: Option<String>,
    /// Drills the faults: the crew answers triggers as the plan says, and at the end planned and actual stand beside
    /// each other: time to notice, to decide, to start, to verified. The exit code is the drills': 1 where one was not
    /// met.
    #[arg(long, requires = "fault")]
    drill_faults: bool,
    /// Where the drills are over, as `T+3h`: the crew flies no further.
    #[arg(long, value_name = "MARK", requires = "drill_faults", value_parser = Mark::parse)]
    until: Option<Mark>,
    #[command(flatten)]
    common: Common,
}

/// # Errors
/// The plan, a fault, the arguments or the folder are wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let common = &arguments.common;
    common.clear()?;
    let existing = assemble::existing(common, arguments.plan.is_some())?;
    let (source, earlier, base, known) = match (&arguments.plan, existing) {
        (_, Some(folder)) => {
            let folder = LaunchFolder::open(folder)?;
            let site = assemble::site(&folder)?;
            if !site.rehearsal {
                anyhow::bail!("{} is a launch, not a rehearsal: go on with `tminus run`", folder.path().display());
            }
            let Frozen { mut source, earlier } = plans::frozen(&folder)?;
            if let Some(plan) = &arguments.plan {
                assemble::same_text(plan, &source, &folder)?;
            }
            source.name.clone_from(&site.plan);
            (source, earlier, site.base.clone(), Some(site))
        }
        (Some(plan), None) => (assemble::read(plan)?, Vec::new(), assemble::base_of(plan), None),
        (None, None) => (Source::new("omniai.toml (bundled)", BUNDLED), Vec::new(), std::env::current_dir()?, None),
    };
    let injections = arguments
        .fault
        .iter()
        .map(|text| Injection::from_str(text).with_context(|| format!("--fault {text}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let options = Options { rehearsal: true, ..assemble::options(arguments.env.as_deref(), known.as_ref())? };
    let mut loaded = assemble::load(&source, &options)?;
    // What a rehearsal does for real it does not do to production, unless that is asked for.
    if let (None, None, Some(target)) = (&arguments.env, &known, elsewhere(&loaded)) {
        loaded = assemble::load(&source, &Options { target: Some(target), ..options })?;
    }
    let operator = assemble::operator(common, &loaded.plan)?;
    if existing.is_none() {
        assemble::fits(&loaded.plan)?;
    }
    let drill = drill(arguments.drill.as_deref(), &loaded.plan)?;
    let side = unwritten::tried(common.side.as_ref())?.or(known.as_ref().and_then(|site| site.side.clone()));
    let (folder, new) = assemble::folder(common, &loaded.plan.id, true)?;
    let (before, had) = known.map(|site| (site.environment, site.faults)).unwrap_or_default();
    let (plan, catalogue) = (Arc::new(loaded.plan), Arc::new(loaded.catalogue));
    let (environment, hidden) = (loaded.environment, loaded.hidden);
    injections.iter().try_for_each(|injection| concerns(injection, &plan, &catalogue))?;
    let all = with_earlier(&injections, &had);
    let pace = if headless::wants_console(common) { Pace::Times(arguments.speed) } else { Pace::Skip };
    let take_over = common.take_over;
    let mut front = Front::new(&plan, Mode::Rehearsal, &folder, &operator);
    front.drills = arguments.drill_faults.then(|| injections.clone());
    // A rollback that is drilled for itself answers no fault.
    let drill = drill.filter(|_| !arguments.drill_faults || arguments.drill.is_some());
    let opening = move |wires| async move {
        let faults = Faults::new(injections.into_iter().filter(|injection| injection.from.is_none()));
        let traffic = Arc::new(Traffic::new(faults.clone()));
        let target = Arc::new(Target::with(&plan, &catalogue, Arc::clone(&traffic)).await?);
        let mut site = Site {
            version: 1,
            plan: source.name.clone(),
            base,
            target: plan.target.clone(),
            environment: before,
            rehearsal: true,
            network: target.network(),
            simulated: true,
            side,
            faults: all.iter().map(ToString::to_string).collect(),
            anchor: None,
        };
        site.learn(environment, &hidden);
        let script = all.iter().map(switching).collect();
        let moves = moves(&traffic);
        let rehearsal =
            Some(assemble::Rehearsal { target, traffic, moves, switch: switch(faults), offers: offers(), script });
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
    super::fly(headless::fly(front, common, Some(Script { drill, until: arguments.until }), opening))
}

/// What a rehearsal is for in place of production, which is never its default.
fn elsewhere(loaded: &Loaded) -> Option<String> {
    let is_production = |target: &str| {
        let target = target.to_lowercase();
        target.starts_with("prod") || target == "live"
    };
    let others = || loaded.targets.iter().find(|target| !is_production(target)).cloned();
    if is_production(&loaded.plan.environment) { others() } else { None }
}

/// The faults that are asked for, after those with a mark that the rehearsal was opened with: what it began before is
/// ended as it was to end, and what is still to come comes.
fn with_earlier(asked: &[Injection], had: &[String]) -> Vec<Injection> {
    let had = had.iter().filter_map(|text| Injection::from_str(text).ok());
    let had = had.filter(|known| known.from.is_some() && !asked.contains(known));
    had.chain(asked.iter().cloned()).collect()
}

/// When a fault is switched on, and off again.
fn switching(injection: &Injection) -> Switching {
    let lasts = injection.from.zip(injection.until).and_then(|(from, until)| u64::try_from(from.0 - until.0).ok());
    let due = SwitchDue::On { at: injection.from, lasts: lasts.map(Duration::from_millis), cured: injection.cured };
    Switching { fault: injection.switched().to_string(), due }
}

/// That there is somebody whom the fault alone concerns.
fn concerns(injection: &Injection, plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<()> {
    if injection.fault == Fault::Fail {
        return fails(injection, plan, catalogue);
    }
    let owners = || catalogue.entries.iter().map(|entry| entry.owner.as_str());
    let Some(only) = injection.only.as_deref().filter(|_| !owners().any(|owner| injection.concerns(owner))) else {
        return Ok(());
    };
    let names = owners().map(|owner| {
        let family = ["monitor.", "signal.", "stream."].iter().find_map(|family| owner.strip_prefix(family));
        family.unwrap_or(owner)
    });
    let near = nearest(only, names).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    anyhow::bail!("--fault {injection}: this plan has no item, monitor, signal or stream `{only}`{near}")
}

/// That who is to fail is there, and that the plan shows how it fails.
fn fails(injection: &Injection, plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<()> {
    let able = able(plan, catalogue);
    if able.iter().any(|id| injection.concerns(id.as_str())) {
        return Ok(());
    }
    let only = injection.only.as_deref().unwrap_or_default();
    let known = catalogue.entries.iter().any(|entry| injection.concerns(entry.owner.as_str()));
    if known || plan.item(&only.into()).is_some() {
        anyhow::bail!(
            "--fault {injection}: the plan shows no failure of `{only}`: give its `example` a `bad` with `gives = \"fail\"`"
        );
    }
    let near = nearest(only, able.iter().map(ItemId::as_str));
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    anyhow::bail!("--fault {injection}: this plan has nothing called `{only}` that can fail{near}")
}

/// The target of another plan misbehaves as this one does, and its counters go on.
fn moves(traffic: &Arc<Traffic>) -> Move {
    let traffic = Arc::clone(traffic);
    Arc::new(move |plan, catalogue, done| {
        let traffic = Arc::clone(&traffic);
        Box::pin(async move {
            let target = Target::with(&plan, &catalogue, traffic).await.map_err(|why| why.to_string())?;
            done.iter().for_each(|step| target.restore(step));
            Ok(Moved { network: target.network(), address: target.address, target: Arc::new(target) })
        })
    })
}

fn switch(faults: Faults) -> Switch {
    Arc::new(move |name, on| match Injection::from_str(name) {
        Ok(injection) if on => faults.inject(injection.switched()),
        Ok(injection) => faults.withdraw(&injection),
        Err(error) => tracing::error!("{error}"),
    })
}

/// What the target of a plan can be made to do, as `--fault` would ask for it.
fn offers() -> Offers {
    Arc::new(|plan, catalogue| {
        let offered = |fault: Fault| Offered { fault: Injection::of(fault).to_string(), does: fault.line(), of: None };
        let failing = |id: ItemId| Offered { fault: format!("fail:{id}"), does: Fault::Fail.line(), of: Some(id) };
        let all = possible(plan, catalogue).into_iter().map(offered);
        // Only what the target answers: no scripted crew flies a console.
        let told = |id: &ItemId| catalogue.entries.iter().any(|entry| entry.owner == *id);
        all.chain(able(plan, catalogue).into_iter().filter(told).map(failing)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_on_with_a_rehearsal_ends_what_it_had_begun() {
        let all = |asked: &[&str], had: &[&str]| {
            let asked: Vec<Injection> = asked.iter().map(|text| text.parse().expect("a fault")).collect();
            let had: Vec<String> = had.iter().map(ToString::to_string).collect();
            with_earlier(&asked, &had).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let window = "errors=20%@T-5m..T+10m:api";
        assert_eq!(all(&[], &[window]), window, "though nobody says it again");
        assert_eq!(all(&[window], &[window]), window, "said again it is the same");
        assert_eq!(all(&["down@T+1h"], &[window]), format!("{window} down@T+1h"));
        // What has no mark is on the board while it is on, and has no end.
        assert_eq!(all(&[], &["slow", "no fault at all"]), "");
    }
}
