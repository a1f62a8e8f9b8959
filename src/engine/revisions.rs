//! The plans that a launch went by, as its folder keeps them: `plan.toml` is the newest, for whoever reads
//! plain files; once it was amended `plans/N.toml` has each. The journal says which there were: a file is
//! believed by its hash alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::rollback::LaunchFile;
use crate::base::boundary::reach;
use crate::base::regular;
use crate::base::source::Source;
use crate::base::text::printable;
use crate::journal::folder::FolderError;
use crate::journal::{LaunchFolder, OpenError, Purpose, open_each};
use crate::launch::event::{Event, Recorded};
use crate::launch::plan::Plan;
use crate::plan::{self, Environment, Hidden, Options, Variables};

/// `launch.json` is never longer, in bytes.
const LONGEST_SITE: u64 = 1 << 20;

/// Which plans a journal names: their hashes, in order. The first is the one that the launch was opened with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(pub Vec<String>);

impl History {
    pub fn take(&mut self, record: &Recorded) {
        match &record.event {
            Event::LaunchOpened { plan_hash, .. } if record.seq == 1 => self.0 = vec![plan_hash.clone()],
            Event::PlanAmended { plan_hash, .. } => self.0.push(plan_hash.clone()),
            _ => {}
        }
    }

    /// What the journal in `folder` tells, as far as it reads. A launch without `plans` was never amended, and its
    /// journal is not read for that.
    ///
    /// # Errors
    /// The journal's own.
    pub fn read(folder: &LaunchFolder) -> Result<Self, OpenError> {
        let mut history = Self::default();
        if folder.revision(1).parent().is_some_and(Path::exists) {
            open_each(folder, Purpose::Read, &mut |record| history.take(&record))?;
        }
        Ok(history)
    }

    /// The number and the hash of the plan that the launch goes by; none where it was never amended.
    #[must_use]
    pub fn newest(&self) -> Option<(u32, &str)> {
        if self.0.len() < 2 {
            return None;
        }
        Some((number(self.0.len() - 1), self.0.last()?))
    }
}

/// The number of the revision at `place`.
#[must_use]
pub fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1)
}

/// The text of a plan whose hash is known.
///
/// # Errors
/// No file has it: a sentence that names the one which should.
pub fn text(folder: &LaunchFolder, number: u32, hash: &str) -> Result<String, String> {
    let most = u64::try_from(plan::LARGEST).unwrap_or(u64::MAX);
    let is = |text: &String| plan::hash(text) == hash;
    let read = |path: &Path| regular::read(path, most).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let path = folder.revision(number);
    let found = read(&path);
    if let Ok(found) = &found
        && is(found)
    {
        return Ok(found.clone());
    }
    // The newest stands there too, and the first of a launch that was never amended nowhere else.
    if let Some(frozen) = read(&folder.plan()).ok().filter(is) {
        return Ok(frozen);
    }
    let shown = printable(&path.display().to_string());
    Err(match found {
        Ok(_) => format!("{shown} is not the plan that revision {number} of this launch is: put it back"),
        Err(why) => format!("{shown}, the plan of revision {number} of this launch, cannot be read: {why}"),
    })
}

/// How the launch was opened.
///
/// # Errors
/// `launch.json` cannot be read.
pub fn site(folder: &LaunchFolder) -> Result<LaunchFile, String> {
    regular::read(&folder.launch(), LONGEST_SITE)
        .and_then(|bytes| Ok(serde_json::from_slice(&bytes)?))
        .map_err(|why| format!("launch.json cannot be read: {why}"))
}

/// A plan that the launch went by, for its board alone: what this process's environment lacks is missing to
/// nobody.
///
/// # Errors
/// A sentence that names the file.
pub fn load(folder: &LaunchFolder, number: u32, hash: &str) -> Result<Arc<Plan>, String> {
    let text = text(folder, number, hash)?;
    let site = site(folder)?;
    let source = Source::new(site.base.join("plan.toml").display().to_string(), text);
    let environment = Environment::of_process();
    let tried = |rehearsal| {
        let options = Options { rehearsal, ..site.options() };
        plan::load(source.clone(), &environment, &options)
    };
    let loaded = tried(site.simulated).or_else(|wrong| tried(true).map_err(|_| wrong));
    let loaded = loaded.map_err(|wrong| {
        format!("the plan of revision {number} does not load any more: {}", source.render(&wrong, false))
    })?;
    Ok(Arc::new(loaded.plan))
}

/// Files a plan as a revision, and the one before it where that is filed nowhere yet: before the journal names
/// it, so that whoever reads the record finds the file.
///
/// # Errors
/// It cannot be written.
pub fn file(folder: &LaunchFolder, before: (u32, &str), text: &str) -> Result<(), FolderError> {
    let path = folder.revision(before.0);
    if let Some(plans) = path.parent() {
        folder.make(plans)?;
    }
    if !path.exists() {
        folder.write(&path, before.1.as_bytes())?;
    }
    reach("plan-kept");
    folder.write(&folder.revision(before.0.saturating_add(1)), text.as_bytes())?;
    reach("revision-filed");
    Ok(())
}

/// Writes down what the variables of another plan stand on, where the launch has not stood on it before, and lets go
/// of what has become a secret: in `launch.json`, and in what drills took of it.
fn remember(folder: &LaunchFolder, environment: &Variables, hidden: &Hidden) -> Result<(), FolderError> {
    rewrite(folder, &folder.launch(), environment, hidden)?;
    let below = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let drills = below(folder.path().join("steps")).flat_map(below).map(|attempt| attempt.join("drill/launch.json"));
    for drill in drills.filter(|path| path.exists()) {
        rewrite(folder, &drill, &Variables::new(), hidden)?;
    }
    Ok(())
}

fn rewrite(folder: &LaunchFolder, path: &Path, environment: &Variables, hidden: &Hidden) -> Result<(), FolderError> {
    let read = regular::read(path, LONGEST_SITE).ok();
    // Other keys are the console's own.
    let Some(mut site) = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()) else { return Ok(()) };
    let Some(known) = site.as_object_mut().map(|site| site.entry("environment").or_insert_with(|| json!({}))) else {
        return Ok(());
    };
    let before = known.clone();
    if let Some(known) = known.as_object_mut() {
        let new = environment.iter().filter(|(name, _)| !known.contains_key(*name)).collect::<Vec<_>>();
        known.extend(new.into_iter().map(|(name, set)| (name.clone(), json!(set))));
        known.retain(|name, value| !hidden.hides(name, value.as_str()));
    }
    if *known == before {
        return Ok(());
    }
    folder.write(path, format!("{site:#}").as_bytes())
}

/// Makes `text` the plan that rollbacks and other terminals read, once the journal names it.
///
/// # Errors
/// It cannot be written: they would go by an older plan.
pub fn put_in_force(
    folder: &LaunchFolder,
    text: &str,
    environment: &Variables,
    hidden: &Hidden,
) -> Result<(), FolderError> {
    reach("amendment-kept");
    remember(folder, environment, hidden)?;
    folder.write(&folder.plan(), text.as_bytes())?;
    reach("plan-replaced");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Loaded;

    const TOKEN: &str = "tok-4711-clear";

    fn loaded(secret: bool) -> Loaded {
        let (vars, secrets) = match secret {
            false => ("token = { env = 'TOKEN' }\n", ""),
            true => ("", "[secrets]\ntoken = { env = 'TOKEN' }\n"),
        };
        let text = format!(
            "[plan]\nschema = 1\nid = 'p'\ntitle = 'P'\n[vars]\napi = {{ env = 'API' }}\n{vars}{secrets}[[phase]]\nid = 'a'\nat = \
             'T-1h'\n[[phase.item]]\nid = 'i'\nhttp = {{ get = '{{{{ api }}}}', headers = {{ X = '{{{{ token }}}}' }}, expect = {{ \
             status = 200 }} }}\n"
        );
        let set = [("API", "https://a.example/"), ("TOKEN", TOKEN), ("WITH", "Bearer tok-4711-clear")];
        let environment: Environment = set.into_iter().collect();
        let source = Source::new("plan.toml", text);
        plan::load(source.clone(), &environment, &Options::default())
            .unwrap_or_else(|wrong| panic!("{}", source.render(&wrong, false)))
    }

    /// Every file below that holds the token.
    fn holding(path: &Path) -> Vec<String> {
        let mut all = Vec::new();
        for entry in fs::read_dir(path).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                all.extend(holding(&path));
            } else if String::from_utf8_lossy(&fs::read(&path).expect("read")).contains(TOKEN) {
                all.push(path.display().to_string());
            }
        }
        all
    }

    #[test]
    fn what_an_amendment_turns_into_a_secret_stands_nowhere_in_the_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
        let first = loaded(false);
        // One that an earlier plan named holds the value too.
        let mut environment = first.environment;
        environment.insert("WITH".into(), Some(format!("Bearer {TOKEN}")));
        let site = json!({ "version": 1, "environment": environment, "rehearsal": false });
        let drill = folder.path().join("steps/drill/1/drill/launch.json");
        fs::create_dir_all(drill.parent().expect("above")).expect("made");
        for path in [&folder.launch(), &drill] {
            fs::write(path, site.to_string()).expect("written");
        }
        assert_eq!(holding(folder.path()).len(), 2);

        let amended = loaded(true);
        put_in_force(&folder, "the plan", &amended.environment, &amended.hidden).expect("written");
        assert_eq!(holding(folder.path()), Vec::<String>::new());
        let kept: Value = serde_json::from_slice(&fs::read(folder.launch()).expect("read")).expect("JSON");
        assert_eq!(kept["environment"], json!({ "API": "https://a.example/" }));
        assert_eq!(kept["version"], 1, "what is the console's own stays");
    }
}
