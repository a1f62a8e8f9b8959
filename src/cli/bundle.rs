//! `tminus bundle` and `tminus keygen`: everything that a launch leaves as one file that verifies offline, and the key
//! to sign it with. Reads only; a launch that is being flown is bundled as it is at that moment. Exit codes: 0 it is
//! written, 1 it is, and something in the launch is not as it was written, 3 it is not.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use super::NO_GO;
use super::frozen::Frozen;
use super::plans;
use super::report;
use super::say::{err, out};
use crate::base::text::printable;
use crate::evidence::bundle::Page;
use crate::evidence::bundle::key::{Secret, generate};
use crate::evidence::bundle::write::{Made, Parts, write};
use crate::evidence::report::{html, markdown};
use crate::journal::LaunchFolder;
use crate::launch::artifact::name_of;

#[derive(Debug, Args)]
pub struct Bundle {
    /// The launch's folder.
    launch: PathBuf,
    /// The secret key to sign it with, as `tminus keygen` makes one.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The file to write; unless named, one called as the launch's folder, here. None is written over.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Keygen {
    /// Where the secret key goes; the public half goes beside it, as FILE.pub. Nothing is written over.
    #[arg(value_name = "FILE", default_value = "tminus.key")]
    output: PathBuf,
}

/// # Errors
/// The folder is no launch, its plan does not load, or the file cannot be written.
pub fn bundle(arguments: &Bundle) -> anyhow::Result<i32> {
    let folder = LaunchFolder::open(&arguments.launch)?;
    let key = arguments.key.as_deref().map(Secret::read).transpose().context("failed to sign the bundle")?;
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => named_as(folder.path())?,
    };
    if output.symlink_metadata().is_ok() {
        bail!("{} is there already: name another with `-o`", printable(&output.display().to_string()));
    }
    let made = make(&folder, key.as_ref(), &output)?;
    let Made { files, records, head, mode, left_out, broken } = made;
    let shown = printable(&output.display().to_string());
    let rehearsal = if mode == "rehearsal" { "REHEARSAL: " } else { "" };
    let signed = key.map_or("not signed".to_owned(), |key| format!("signed with the key {}", key.public()));
    out!("{rehearsal}{shown}: {files} files, {records} records up to {} ({}), {signed}", head.seq, head.hash);
    for name in left_out {
        err!("tminus: left out, since it is no plain file or may not be read: {}", printable(&name));
    }
    match broken {
        Some(broken) => {
            err!(
                "tminus: the journal is not as it was written: {broken}; `tminus verify {shown}` says all that is wrong"
            );
            Ok(NO_GO)
        }
        None => Ok(0),
    }
}

/// Under a name of its own until it is whole.
fn make(folder: &LaunchFolder, key: Option<&Secret>, output: &Path) -> anyhow::Result<Made> {
    let mut new = output.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(new);
    let failed = || format!("failed to write {}", output.display());
    let out = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&new).with_context(failed)?;
    let made = parts(folder, key).and_then(|parts| Ok(write(parts, out)?));
    let made = made.and_then(|made| {
        // Not over one that has come meanwhile.
        std::fs::hard_link(&new, output).with_context(failed)?;
        Ok(made)
    });
    let _ = std::fs::remove_file(&new);
    made
}

fn parts<'a>(folder: &'a LaunchFolder, key: Option<&'a Secret>) -> anyhow::Result<Parts<'a>> {
    // A launch whose plan is gone or does not load has no pages, and all its evidence.
    let frozen = Frozen::open(folder.path());
    let board = plans::all(folder).map(|plans| plans.board());
    if let Some(why) = board.as_ref().err().or(frozen.as_ref().err()) {
        err!("tminus: no pages are made: {}", printable(&format!("{why:#}")));
    }
    let environment = frozen.as_ref().map(environment).unwrap_or_else(|_| json!({}));
    let mut environment = serde_json::to_vec_pretty(&environment)?;
    environment.push(b'\n');
    let more = frozen.as_ref().map(pages).unwrap_or_default();
    Ok(Parts {
        folder,
        board: board.ok().filter(|_| frozen.is_ok()),
        redactor: frozen.map(|frozen| frozen.redactor).unwrap_or_default(),
        environment,
        more,
        key,
        made_by: format!("tminus {}", env!("CARGO_PKG_VERSION")),
    })
}

/// The report as files of the bundle: none where the journal cannot be read, and that is told elsewhere.
fn pages(frozen: &Frozen) -> Vec<Page> {
    let Ok(told) = report::read(frozen) else { return Vec::new() };
    let page = |name: &str, text: String| (name.to_owned(), text.into_bytes());
    vec![page("report.html", html(&told.document)), page("report.md", markdown(&told.document))]
}

/// Names of the variables that the plan stands on, with the hashes of what they held; of secrets the names alone.
fn environment(frozen: &Frozen) -> Value {
    let mut variables = Map::new();
    for (name, value) in &frozen.site.environment {
        let told = match value {
            Some(value) => json!({ "sha256": name_of(value.as_bytes()) }),
            None => json!({ "set": false }),
        };
        variables.insert(name.clone(), told);
    }
    json!({ "target": frozen.site.target, "variables": variables, "secrets": frozen.secrets })
}

fn named_as(launch: &Path) -> anyhow::Result<PathBuf> {
    let whole = launch.canonicalize().with_context(|| format!("failed to find {}", launch.display()))?;
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push(".zip");
    Ok(PathBuf::from(name))
}

/// # Errors
/// A file is there already, or cannot be written.
pub fn keygen(arguments: &Keygen) -> anyhow::Result<i32> {
    let (beside, public) = generate(&arguments.output).context("failed to make a key")?;
    let shown = |path: &Path| printable(&path.display().to_string());
    out!("secret key: {}, for `tminus bundle --key`; keep it to yourself", shown(&arguments.output));
    out!("public key: {}, for `tminus verify --key`; give it to whoever verifies", shown(&beside));
    out!("{public}");
    Ok(0)
}
