//! `tminus rollback`: starts the detached runner from any terminal, or joins the one that runs, and follows
//! its log. It reads plain files, and never opens the journal: nobody who holds that can delay it.

mod confirm;
mod follow;

use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use super::frozen::one_of;
use super::say::{self, out};
use super::{INTERRUPTED, runtime};
use crate::base::proc::this_program;
use crate::base::secret::Redactor;
use crate::base::source::nearest;
use crate::base::text::printable;
use crate::clock;
use crate::engine::inbox::form;
use crate::engine::rollback::{self, Asked, Frozen, Wanted};
use crate::launch::event::Actor;
use crate::launch::id::{RoleId, RollbackId};
use crate::launch::plan::Plan;
use crate::launch::telling::end_words;

/// Exit codes: 4 rolled back and verified, 1 failed or not verified, 2 cannot tell, 3 nothing was started
/// because the arguments or the launch's files are wrong, 130 detached or not confirmed.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 4 rolled back and verified · 1 failed at a step, or done but not verified · \
                        2 cannot tell · 3 the arguments or the launch are wrong, nothing was started · \
                        130 detached (the rollback goes on) or not confirmed")]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// The rollback; without one, those of the plan are listed, and what became of each run.
    id: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// Start it without asking; needed where there is no terminal.
    #[arg(long)]
    yes: bool,
}

/// # Errors
/// The folder is no launch, the rollback or the role is unknown, or no runner could be started.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let launch = &arguments.launch;
    // The steps' own folder may be another: the runner is told the whole path.
    let launch =
        std::fs::canonicalize(launch).with_context(|| format!("there is no launch at {}", launch.display()))?;
    if !launch.join("launch.json").exists() {
        bail!("{} is no launch: it holds no launch.json", launch.display());
    }
    if arguments.id.is_some() {
        own(&launch, "tminus rollback …")?;
    }
    let frozen = rollback::frozen(&launch).map_err(anyhow::Error::msg)?;
    let Some(id) = &arguments.id else { return list(&launch, &frozen.plan) };
    let id = known(&frozen.plan, id)?;
    let roles = || frozen.plan.roles.iter().map(|role| role.id.as_str());
    let role = arguments.role.as_deref().map(|role| one_of("role", role, roles())).transpose()?.map(RoleId::new);
    let name = form::named(&arguments.name)?;

    let under = rollback::under_way(&launch).ok().flatten();
    if under.is_none() && !arguments.yes {
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            bail!("there is no terminal to ask at: add --yes to start {id}");
        }
        if !confirm::asked(&launch, &frozen, &id)? {
            out!("Nothing was started.");
            return Ok(INTERRUPTED);
        }
    }
    let redactor = Redactor::new(frozen.catalogue.secrets.iter().cloned());
    let why = match arguments.why.trim() {
        "" => format!("asked for by {name}"),
        why => why.to_owned(),
    };
    let wanted = Wanted {
        rollback: id,
        by: Actor::person(redactor.text(&name), role),
        why: redactor.text(&why),
        at: clock::wall(),
        from: terminal(),
    };
    runtime()?.block_on(start(&launch, &frozen, &wanted))
}

/// What another user writes here its owner's consoles could not read: they would see no end of the rollback.
///
/// # Errors
/// The launch is another's; `command` is what to ask as that user.
pub fn own(launch: &Path, command: &str) -> anyhow::Result<()> {
    let owner = std::fs::metadata(launch).with_context(|| format!("failed to read {}", launch.display()))?.uid();
    if rustix::process::geteuid().as_raw() != owner {
        let name = rollback::login(owner);
        bail!("nothing was started: {} is {name}'s: ask as `sudo -u {name} {command}`", launch.display());
    }
    Ok(())
}

async fn start(launch: &Path, frozen: &Frozen, wanted: &Wanted) -> anyhow::Result<i32> {
    let mut signals = follow::Signals::catch()?;
    let asked = rollback::ask(&this_program(), launch, wanted).context("failed to start the rollback's runner")?;
    let (run, id, runner) = match asked {
        Asked::Begun { run, runner } => (run, wanted.rollback.clone(), Some(runner)),
        Asked::Resumed { run, runner } => {
            out!("Run {run} of {} had lost its runner: it goes on where it stood.", wanted.rollback);
            (run, wanted.rollback.clone(), Some(runner))
        }
        Asked::Joined { run, rollback } => {
            let id = printable(rollback.as_str());
            out!("Run {run} of {id} is under way: joined it, nothing else is started.");
            (run, rollback, None)
        }
    };
    Ok(follow::to_its_end(launch, &frozen.plan, run, id, runner, &mut signals).await)
}

/// Where the request came from, for the record: the terminal and, over SSH, the other end.
fn terminal() -> String {
    let device = std::fs::read_link("/proc/self/fd/0").ok().filter(|_| std::io::stdin().is_terminal());
    let peer = std::env::var("SSH_CONNECTION").ok();
    let peer = peer.as_deref().and_then(|ends| ends.split(' ').next()).map(|peer| format!("from {peer}"));
    let parts: Vec<String> = device.map(|device| device.display().to_string()).into_iter().chain(peer).collect();
    printable(&parts.join(" "))
}

fn known(plan: &Plan, id: &str) -> anyhow::Result<RollbackId> {
    let ids = || plan.rollbacks.iter().map(|rollback| rollback.id.as_str());
    if let Some(known) = plan.rollback(&RollbackId::new(id)) {
        return Ok(known.id.clone());
    }
    let id = printable(id);
    if plan.rollbacks.is_empty() {
        bail!("the plan has no rollback `{id}`: it has none at all");
    }
    let near = nearest(&id, ids()).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let near = if near.is_empty() { ".".to_owned() } else { near };
    bail!("the plan has no rollback `{id}`{near} It has: {}", ids().collect::<Vec<_>>().join(", "))
}

fn list(launch: &Path, plan: &Plan) -> anyhow::Result<i32> {
    let mut out = String::new();
    if plan.rollbacks.is_empty() {
        out.push_str("the plan has no rollback\n");
    }
    for rollback in &plan.rollbacks {
        let (steps, checks) = (rollback.steps.len(), rollback.verify.len());
        let deadline = span(rollback.deadline);
        let title = printable(&rollback.title);
        let id = rollback.id.as_str();
        out.push_str(&format!("{id:<16} {title} · {steps} steps, {checks} checks, within {deadline}\n"));
    }
    let under = rollback::under_way(launch).ok().flatten();
    for found in rollback::runs(launch).context("failed to read the launch's rollbacks")? {
        let end = match rollback::progress(launch, found.run, &found.rollback) {
            progress if progress.end.is_some() => progress.end.as_ref().map(end_words).unwrap_or_default(),
            _ if under.as_ref().is_some_and(|under| under.run == found.run) => "UNDER WAY".to_owned(),
            progress if progress.begun => "lost its runner; the same command goes on with it".to_owned(),
            _ => "never began".to_owned(),
        };
        let by = found.request.map(|request| format!(" by {}: {}", request.name, request.why)).unwrap_or_default();
        let id = printable(found.rollback.as_str());
        out.push_str(&format!("run {} of {id}{by}: {}\n", found.run, printable(&end)));
    }
    say::whole(&out);
    Ok(0)
}

/// As a plan writes it.
fn span(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string().replace(' ', "")
}
