//! A launch as a terminal sees it that does not hold it: its folder and its frozen plan. Secrets that this
//! terminal lacks are missing to nobody here.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::assemble;
use super::person;
use super::plans;
use super::site::Site;
use crate::base::secret::Redactor;
use crate::base::source::nearest;
use crate::base::text::printable;
use crate::engine::inbox::bring::Asker;
use crate::engine::rollback::login;
use crate::journal::LaunchFolder;
use crate::launch::event::Actor;
use crate::launch::plan::Plan;
use crate::plan::{self, Environment, Options};

/// So many names are read at a glance.
const LISTED: usize = 12;

/// The name of whoever says none, where the environment has none either.
const NOBODY_SAID: &str = "operator";

pub struct Frozen {
    pub folder: LaunchFolder,
    pub site: Site,
    /// The plan that the launch goes by.
    pub plan: Arc<Plan>,
    /// The one that it was opened with.
    pub first: Arc<Plan>,
    /// Of the secrets that this terminal's environment has.
    pub redactor: Redactor,
    /// The variables with the secrets that it lacks. A rehearsal has none but its own.
    pub unset: Vec<String>,
    /// The variables that its secrets are taken from.
    pub secrets: Vec<String>,
}

impl Frozen {
    /// # Errors
    /// The folder is no launch, or its frozen plan does not load.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = LaunchFolder::open(path)?;
        let site = assemble::site(&folder)?;
        let mut source = assemble::read(&folder.plan())?;
        source.name = assemble::named(&site);
        let options = Options { without_secrets: true, ..site.options() };
        let loaded = plan::load(source.clone(), &Environment::of_process(), &options);
        let loaded = loaded.map_err(|wrong| anyhow::anyhow!("{}", source.render(&wrong, false)));
        let loaded = loaded.context("the launch's frozen plan does not load")?;
        let redactor = Redactor::new(loaded.catalogue.secrets.iter().cloned());
        redactor.cover().for_good();
        let secrets = loaded.hidden.names().map(str::to_owned).collect();
        let unset = loaded.unset.into_iter().filter(|_| !site.rehearsal).map(|unset| unset.variable).collect();
        let plan = Arc::new(loaded.plan);
        let first = plans::first(&folder)?.unwrap_or_else(|| Arc::clone(&plan));
        Ok(Self { folder, site, plan, first, redactor, unset, secrets })
    }

    /// The name that a request from here stands under: from another account than the holder's it is the account's.
    fn name(&self, asked: &str) -> anyhow::Result<String> {
        let me = rustix::process::geteuid().as_raw();
        if std::fs::metadata(self.folder.lock()).map_or(true, |lock| lock.uid() == me) {
            return Ok(asked.to_owned());
        }
        let own = login(me);
        // What the environment says of who logged in is no claim.
        let unsaid = asked == NOBODY_SAID || std::env::var("USER").ok().as_deref() == Some(asked);
        let claimed = asked != own && !unsaid;
        if claimed {
            anyhow::bail!("this launch is another user's: a name stands for its own account, and yours is `{own}`");
        }
        Ok(own)
    }

    /// Who asks here.
    ///
    /// # Errors
    /// The role is not in the plan or other people's, or the name is not a person's.
    pub fn asker(&self, name: &str, role: Option<&str>) -> anyhow::Result<Asker> {
        let Actor { name, role, .. } = person::actor(&self.plan, &self.name(name)?, role)?;
        let (folder, redactor) = (self.folder.clone(), self.redactor.clone());
        Ok(Asker { folder, rehearsal: self.site.rehearsal, name, role, redactor })
    }
}

/// `name` as one of those known.
///
/// # Errors
/// It is none; the nearest is named.
pub fn one_of<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> anyhow::Result<&'a str> {
    known
        .clone()
        .find(|known| *known == name)
        .ok_or_else(|| anyhow::anyhow!("no {what} `{}` in this plan{}", printable(name), others(name, known)))
}

/// What a plan has instead of `name`: the nearest, and all of them where they are few enough to be read.
fn others<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = nearest(name, known.clone()).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let all: Vec<&str> = known.collect();
    match all.len() {
        0 => format!("{near}; it has none at all"),
        1..=LISTED => format!("{near}; it has: {}", all.join(", ")),
        _ => near,
    }
}
