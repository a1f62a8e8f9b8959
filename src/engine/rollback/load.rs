//! From the launch's folder to orders: the frozen plan, the frozen baseline, the network. It reads plain
//! files and this process's environment (for the plan's secrets), and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::run::{Earlier, Look, Orders};
use super::{LaunchFile, folder};
use crate::base::jq::Jq;
use crate::base::proc::this_program;
use crate::base::regular;
use crate::base::secret::Redactor;
use crate::base::source::Source;
use crate::base::template::Scope;
use crate::base::text::printable;
use crate::base::wire::{Client, Limits, Network};
use crate::kind::check::http::Http;
use crate::kind::check::{self, Context};
use crate::kind::session::Session;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch;
use crate::launch::id::{RollbackId, SessionId};
use crate::launch::plan::Verify;
use crate::launch::verdict::{Captured, Report, Verdict};
use crate::plan::{self, Environment};

/// A simulated target has its new state at once: waiting longer for it would only stretch a rehearsal.
const SIMULATED_PATIENCE: Duration = Duration::from_secs(5);
/// Four looks and more: a fault that hits every fifth request is seen.
const SIMULATED_HOLD: Duration = Duration::from_millis(1_300);

/// No file that a launch froze is longer.
const LONGEST: u64 = 64 << 20;

/// Looks with the kinds themselves, as the frozen plan says them.
pub struct Kinds {
    catalogue: Catalogue,
    client: Client,
    jq: Jq,
    redactor: Redactor,
    baseline: Scope,
    sessions: BTreeMap<SessionId, Session>,
    control: Option<Arc<Http>>,
    base: PathBuf,
    /// The simulated target of a rehearsal.
    simulated: Option<SocketAddr>,
}

/// What a launch froze, read from its folder alone.
pub struct Frozen {
    pub file: LaunchFile,
    pub plan: launch::plan::Plan,
    pub catalogue: Catalogue,
    pub baseline: Scope,
    /// The baseline's names that have a value.
    pub captured: Vec<String>,
    /// Variables that the plan names and this process's environment does not have.
    pub unset: Vec<String>,
}

/// Reads what the launch in `launch` froze.
///
/// # Errors
/// What is missing or wrong, as a sentence.
pub fn frozen(launch: &Path) -> Result<Frozen, String> {
    let file: LaunchFile = json(&launch.join("launch.json"))?;
    let captured: BTreeMap<String, Captured> = json_if_there(&launch.join("baseline.json"))?;
    let path = launch.join("plan.toml");
    let wrong = |error: &dyn std::fmt::Display| format!("failed to read {}: {error}", path.display());
    let text = regular::read(&path, LONGEST).map_err(|error| wrong(&error))?;
    let text = String::from_utf8(text).map_err(|error| wrong(&error))?;
    let options = file.options();
    // Named as it lay in its own folder: its secrets' files are told from there.
    let source = Source::new(file.base.join("plan.toml").display().to_string(), text);
    let loaded = plan::load(source.clone(), &Environment::of_process(), &options)
        .map_err(|wrong| format!("the frozen plan does not load: {}", source.render(&wrong, false)))?;
    let (mut baseline, mut names) = (Scope::default(), Vec::new());
    for (name, value) in &captured {
        if let Some(value) = value.value() {
            baseline.bind(name, value.clone());
            names.push(name.clone());
        }
    }
    let unset: BTreeSet<String> = loaded.unset.iter().map(|unset| printable(&unset.variable)).collect();
    let unset = unset.into_iter().collect();
    Ok(Frozen { file, plan: loaded.plan, catalogue: loaded.catalogue, baseline, captured: names, unset })
}

/// Orders for `rollback` of the launch in `launch`, and what looks for it.
///
/// # Errors
/// What is missing or wrong, as a sentence.
pub fn load(launch: &Path, run: u32, rollback: &RollbackId) -> Result<(Orders, Kinds), String> {
    let frozen = frozen(launch)?;
    let looking = looking(&frozen)?;
    let Frozen { file, plan, catalogue, baseline, unset, .. } = frozen;
    let mut found =
        plan.rollback(rollback).cloned().ok_or_else(|| format!("the frozen plan has no rollback `{rollback}`"))?;

    if file.simulated {
        for check in &mut found.verify {
            check.within = check.within.min(SIMULATED_PATIENCE);
            check.lasts = check.lasts.min(SIMULATED_HOLD);
        }
    }
    let (redactor, simulated) = (looking.redactor.clone(), looking.simulated);
    let orders = Orders {
        rollback: found,
        roles: plan.roles,
        earlier: Earlier::default(),
        catalogue,
        baseline,
        folder: folder(launch, run, rollback),
        base: file.base,
        program: this_program(),
        redactor,
        unset,
        network: file.network,
        simulated,
    };
    Ok((orders, looking))
}

/// What looks with the kinds of `frozen`.
///
/// # Errors
/// What is missing or wrong, as a sentence.
pub fn looking(frozen: &Frozen) -> Result<Kinds, String> {
    let Frozen { file, plan, catalogue, baseline, .. } = frozen;
    let redactor = Redactor::new(catalogue.secrets.iter().cloned());
    redactor.learn_handed();
    let simulated = match (&file.network, file.simulated) {
        (Network::Loopback { address, .. }, true) => Some(*address),
        (Network::Outside, true) => return Err("launch.json names no target for a rehearsal".to_owned()),
        (_, false) => None,
    };
    Ok(Kinds {
        client: Client::new(&file.network, Limits::default())?,
        jq: Jq::default().redacting(redactor.clone()),
        redactor,
        baseline: baseline.clone(),
        sessions: catalogue.sessions.iter().map(|(id, plan)| (id.clone(), Session::new(plan.clone()))).collect(),
        control: plan.control.and_then(|spec| control(catalogue, spec)),
        catalogue: catalogue.clone(),
        base: file.base.clone(),
        simulated,
    })
}

fn control(catalogue: &Catalogue, spec: crate::launch::plan::SpecId) -> Option<Arc<Http>> {
    match &catalogue.get(spec)?.spec {
        Spec::Check(check::Spec::Http(probe)) => Some(Arc::new(probe.clone())),
        _ => None,
    }
}

impl Kinds {
    /// What a check of `entry` runs with.
    #[must_use]
    pub fn context(&self, entry: &Entry, timeout: Duration) -> Context {
        Context {
            client: self.client.clone(),
            jq: self.jq.clone(),
            redactor: self.redactor.clone(),
            scope: entry.scope.with(&self.baseline),
            session: entry.session.as_ref().and_then(|id| self.sessions.get(id).cloned()),
            timeout,
            control: self.control.clone(),
            owner: entry.owner.clone(),
            base: self.base.clone(),
            simulated: self.simulated.filter(|_| !entry.real),
            // No monitor runs in a rollback's runner.
            samples: None,
        }
    }
}

impl Look for Kinds {
    async fn look(&self, verify: &Verify) -> Report {
        let ours = |why: &str| Report::plain(Verdict::Unknown, why, Duration::ZERO);
        let Some(entry) = self.catalogue.get(verify.spec) else { return ours("the plan has no table for this check") };
        let Spec::Check(spec) = &entry.spec else { return ours("this is no check") };
        spec.run(&self.context(entry, verify.timeout)).await.report
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("failed to read {}: {error}", path.display());
    let bytes = regular::read(path, LONGEST).map_err(|error| wrong(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error))
}

/// A plan without a baseline freezes none.
fn json_if_there<T: DeserializeOwned + Default>(path: &Path) -> Result<T, String> {
    if path.exists() { json(path) } else { Ok(T::default()) }
}
