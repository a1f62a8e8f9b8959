//! `--group`: the group that a launch is shared with, and that its members can get there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::base::rights;
use crate::base::text::printable;
use crate::engine::inbox::names;
use crate::journal::LaunchFolder;

/// A group that this user may give a launch to.
#[derive(Debug, Clone)]
pub struct Group {
    name: String,
    gid: u32,
}

impl Group {
    /// The group of that name or number.
    ///
    /// # Errors
    /// There is none, or this user is not in it.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let shown = printable(name);
        let gid =
            names::group(&groups, name).with_context(|| format!("--group {shown}: there is no such group here"))?;
        let ours = rustix::process::getgroups().unwrap_or_default();
        let ours = ours.iter().chain(std::iter::once(&rustix::process::getegid())).any(|own| own.as_raw() == gid);
        if !ours && !rustix::process::geteuid().is_root() {
            bail!("--group {shown}: you are not in that group, and can give it nothing");
        }
        Ok(Self { name: shown, gid })
    }

    /// Before anything is made: that the members can get to the launch in `folder`.
    ///
    /// # Errors
    /// A folder on the way is closed to them.
    pub fn reaches(&self, folder: &Path) -> anyhow::Result<()> {
        let folder: PathBuf = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let Some(closed) = rights::closed_to(&folder, self.gid) else { return Ok(()) };
        let word = if closed.exists() { "closed to them" } else { "not there yet, and would be" };
        bail!(
            "--group {}: its members cannot get to {}: {} is {word}; name a folder with --launch that they can reach",
            self.name,
            printable(&folder.display().to_string()),
            printable(&closed.display().to_string()),
        );
    }

    /// Lets the members read the launch, and ask in it.
    ///
    /// # Errors
    /// The folder cannot be given to the group.
    pub fn share(&self, folder: &LaunchFolder) -> anyhow::Result<()> {
        folder.share(self.gid).with_context(|| format!("--group {}", self.name))
    }
}
