//! Who is not being told, and since when: kept in a file of the launch, so that attached consoles and `tminus brief`
//! say it too. It tells no address.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::proc::write_shown;
use crate::base::regular;
use crate::launch::id::NotifyId;
use crate::launch::time::Wall;

/// Bytes that are read of it.
const LARGEST: u64 = 1 << 20;

/// How one target stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub id: NotifyId,
    /// `#launch (Slack)`
    pub called: String,
    /// Since when it takes nothing, and why.
    #[serde(default)]
    pub failing: Option<(Wall, String)>,
    /// How many messages wait for it.
    pub waiting: usize,
    pub dropped: u64,
    pub refused: u64,
    /// What is wrong besides: its ledger, its secret.
    #[serde(default)]
    pub trouble: Option<String>,
    pub simulated: bool,
}

impl Standing {
    /// Why somebody is not told, as a sentence that changes only with what it says; none where all is well.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let failing = self.failing.as_ref().map(|(since, why)| {
            format!("{} is not being told since {}: {why}", self.called, since.format("%H:%M:%S UTC"))
        });
        let dropped =
            (self.dropped > 0).then(|| format!("{} of what {} was to be told dropped", self.dropped, self.called));
        let refused = (self.refused > 0).then(|| format!("{} messages refused by {}", self.refused, self.called));
        let trouble = self.trouble.as_ref().map(|why| format!("{}: {why}", self.called));
        let all: Vec<String> = failing.into_iter().chain(trouble).chain(refused).chain(dropped).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// How it stands, for whoever asks: always something.
    #[must_use]
    pub fn line(&self) -> String {
        let waiting = match self.waiting {
            0 => "all told".to_owned(),
            waiting => format!("{waiting} wait, and are told once the launch is opened again"),
        };
        let simulated = if self.simulated { ", simulated" } else { "" };
        match self.words() {
            None => format!("{}: {waiting}{simulated}", self.called),
            Some(words) => format!("{words}; {waiting}{simulated}"),
        }
    }
}

/// Where it is kept.
#[must_use]
pub fn file(launch: &Path) -> PathBuf {
    folder(launch).join("standing.json")
}

/// The folder of what was told.
#[must_use]
pub fn folder(launch: &Path) -> PathBuf {
    launch.join("notify")
}

/// Keeps it.
///
/// # Errors
/// The file system's own.
pub fn keep(launch: &Path, all: &[Standing]) -> io::Result<()> {
    write_shown(&file(launch), &serde_json::to_vec(all).map_err(io::Error::other)?)
}

/// What is kept of a launch: nothing where nobody is told of it.
#[must_use]
pub fn read(launch: &Path) -> Vec<Standing> {
    let bytes = regular::read(&file(launch), LARGEST).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Who is not being told, in one sentence.
#[must_use]
pub fn words(all: &[Standing]) -> Option<String> {
    let words: Vec<String> = all.iter().filter_map(Standing::words).collect();
    (!words.is_empty()).then(|| words.join("; "))
}
