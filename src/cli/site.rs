//! `launch.json`: how a launch was opened, for whoever goes on with it.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::anchor::Anchor;
use crate::base::wire::Network;
use crate::plan::{Hidden, Options, Variables};

/// How a launch was opened: `launch.json`. The rollback runner reads `base`, `network`, `simulated`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Site {
    pub version: u32,
    /// The plan as it was named when the launch was opened.
    pub plan: String,
    /// The folder of the plan: where steps run.
    pub base: PathBuf,
    /// The target of the plan that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The environment variables that its variables stood on when the launch was opened.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub environment: Variables,
    pub rehearsal: bool,
    pub network: Network,
    /// True in a rehearsal: steps ask the simulated target instead of running.
    pub simulated: bool,
    /// Where the side file was wanted, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<PathBuf>,
    /// The faults of a rehearsal, as they were asked for: whoever goes on with it ends what it had begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Where the launch's axis is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
}

impl Site {
    /// The subcommand that goes on with this launch.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.rehearsal { "rehearse" } else { "run" }
    }

    /// What the plan's variables stand on, but what they stood on before; what has become a secret is let go.
    pub fn learn(&mut self, environment: Variables, hidden: &Hidden) {
        let before = std::mem::replace(&mut self.environment, environment);
        self.environment.extend(before);
        self.environment.retain(|name, value| !hidden.hides(name, value.as_deref()));
    }

    /// How its plan is read again.
    #[must_use]
    pub fn options(&self) -> Options {
        let (target, opened_with) = (self.target.clone(), self.environment.clone());
        Options { rehearsal: self.rehearsal, without_secrets: false, target, opened_with, no_launch: true }
    }

    /// The simulated target, in a rehearsal.
    #[must_use]
    pub fn target(&self) -> Option<SocketAddr> {
        match &self.network {
            Network::Loopback { address, .. } if self.simulated => Some(*address),
            _ => None,
        }
    }
}
