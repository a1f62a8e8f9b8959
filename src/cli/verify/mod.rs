//! `tminus verify`: whether everything a launch keeps, or the bundle made of it, is as it was written. It takes no lease and changes
//! nothing; a launch that is being flown is seen at one moment. Exit codes: 0 whole, 1 something is
//! wrong, 2 cannot tell, 3 no launch.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::base::text::printable;
use crate::cli::say;
use crate::evidence::bundle::key::Public;
use crate::journal::chain::Head;
use crate::journal::folder::FolderError;
use crate::journal::head::{self, Found};
use crate::journal::lease::Held;
use crate::journal::{Holder, LaunchFolder};

mod artifacts;
mod bundle;
mod facts;
mod look;
mod plans;
mod samples;
mod shown;

use look::{Looked, Said};

const WHOLE: i32 = 0;
const BROKEN: i32 = 1;
const CANNOT_TELL: i32 = 2;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder, or the file that `tminus bundle` made of it.
    launch: PathBuf,
    /// The public key that a bundle must be signed with.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Verify the bundle of a rehearsal as what it is: without this one never verifies.
    #[arg(long)]
    rehearsal: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// # Errors
/// The folder is no launch.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    if std::fs::metadata(&arguments.launch).is_ok_and(|about| !about.is_dir()) {
        return run_bundle(arguments);
    }
    if arguments.key.is_some() || arguments.rehearsal {
        bail!("`--key` and `--rehearsal` are for a bundle: a launch's folder is not signed");
    }
    let looked = match LaunchFolder::open(&arguments.launch) {
        Ok(folder) => {
            let looked = look::look(&folder);
            if looked.journal.is_none() && never_began(&folder) {
                bail!("no launch began in {}: nothing of it happened", folder.path().display());
            }
            looked
        }
        Err(FolderError::NotALaunch(path)) => without_journal(&path).ok_or(FolderError::NotALaunch(path))?,
        Err(wrong) => return Err(wrong.into()),
    };
    let code = code(&looked);
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&document(&arguments.launch, &looked, code))? + "\n",
        false => told(&looked, code),
    };
    say::whole(&text);
    Ok(code)
}

fn run_bundle(arguments: &Arguments) -> anyhow::Result<i32> {
    let key = arguments.key.as_deref().map(Public::read).transpose().context("failed to verify the bundle")?;
    let wanted = bundle::Wanted { key, rehearsal: arguments.rehearsal };
    let failed = || format!("failed to read {}", arguments.launch.display());
    let seen = bundle::look(&arguments.launch, wanted).with_context(failed)?;
    let code = code(&seen.looked);
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&shown::document(&arguments.launch, &seen, code))? + "\n",
        false => shown::told(&seen, code),
    };
    say::whole(&text);
    Ok(code)
}

/// Verifies the bundle at `path` as what it says that it is, a rehearsal or a launch, for whoever reads it then: the last
/// record that was proven; or the exit code and all words of `tminus verify`, where it does not verify.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn packed(path: &Path, key: Option<Public>) -> anyhow::Result<Result<Head, (i32, String)>> {
    let failed = || format!("failed to read {}", printable(&path.display().to_string()));
    let rehearsal = bundle::claims_rehearsal(path).with_context(failed)?;
    let seen = bundle::look(path, bundle::Wanted { key, rehearsal }).with_context(failed)?;
    Ok(match code(&seen.looked) {
        WHOLE => Ok(seen.told.last),
        code => Err((code, shown::told(&seen, code))),
    })
}

/// A console was ended while it opened the launch, before any record.
fn never_began(folder: &LaunchFolder) -> bool {
    let nothing = matches!(head::read(&folder.head()), Ok(Found::Missing | Found::Head(Head { seq: 0, .. })));
    nothing && LaunchFolder::never_began(folder.path())
}

/// A launch whose journal was taken away has its head still.
fn without_journal(path: &Path) -> Option<Looked> {
    let Ok(Found::Head(Head { seq, .. })) = head::read(&path.join("head")) else { return None };
    let said = Said::of("journal.db", format!("the journal is missing: the head says that {seq} records were written"));
    Some(Looked { findings: vec![said], ..Looked::default() })
}

fn code(looked: &Looked) -> i32 {
    match (looked.findings.is_empty(), looked.doubts.is_empty()) {
        (false, _) => BROKEN,
        (true, false) => CANNOT_TELL,
        (true, true) => WHOLE,
    }
}

fn told(looked: &Looked, code: i32) -> String {
    let mut out = String::new();
    if let Some(seen) = &looked.journal {
        let told = &seen.told;
        let _ = writeln!(out, "{} records", told.count);
        for (word, head) in told.first.iter().map(|first| ("first", first)).chain([("last", &told.last)]) {
            if head.seq > 0 {
                let _ = writeln!(out, "  {word:<5} {:>8}  {}", head.seq, head.hash);
            }
        }
        if let Found::Head(head) = seen.head {
            let _ = writeln!(out, "  head  {:>8}  {}", head.seq, head.hash);
        }
        let epoch = seen.epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
        let _ = writeln!(out, "{}{epoch}", held(&looked.held));
    }
    said_of(&mut out, looked, code);
    out
}

/// The rollbacks, everything that was found, and what it comes to.
fn said_of(out: &mut String, looked: &Looked, code: i32) {
    for run in &looked.runs {
        let lives = if run.held { ", its runner lives" } else { "" };
        let _ = writeln!(out, "rollback {}: {} lines{lives}", printable(&run.folder), run.lines);
    }
    for (word, all) in [("wrong", &looked.findings), ("cannot tell", &looked.doubts), ("note", &looked.notices)] {
        for said in all {
            let _ = writeln!(out, "{word}: {}: {}", printable(&said.file), printable(&said.what));
        }
    }
    let _ = match code {
        WHOLE => writeln!(out, "whole: {}", looked.checked.join(", ")),
        BROKEN => writeln!(out, "NOT WHOLE: {} thing{} wrong", looked.findings.len(), plural(looked.findings.len())),
        _ => writeln!(out, "CANNOT TELL: nothing is known to be wrong, and not everything could be looked at"),
    };
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn held(held: &Held) -> String {
    match held {
        Held::Free => "nobody holds it".to_owned(),
        Held::By(None) => "a console is opening it right now".to_owned(),
        Held::By(Some(Holder { name, pid, host, since })) => {
            format!("{name} holds it since {} (process {pid} on {host})", since.format("%Y-%m-%d %H:%M:%S UTC"))
        }
    }
}

fn said(all: &[Said]) -> Vec<Value> {
    all.iter()
        .map(|said| {
            let (from, to) = (said.span.map(|span| span.from), said.span.map(|span| span.to));
            json!({ "file": said.file, "from": from, "to": to, "what": said.what })
        })
        .collect()
}

fn verdict(code: i32) -> &'static str {
    match code {
        WHOLE => "whole",
        BROKEN => "wrong",
        _ => "unknown",
    }
}

fn document(launch: &Path, looked: &Looked, code: i32) -> Value {
    let head = |head: &Head| json!({ "record": head.seq, "hash": head.hash.to_string() });
    let seen = looked.journal.as_ref();
    let holder = match &looked.held {
        Held::Free => Value::Null,
        Held::By(holder) => json!(holder),
    };
    json!({
        "launch": launch.display().to_string(),
        "verdict": verdict(code),
        "records": seen.map(|seen| seen.told.count),
        "first": seen.and_then(|seen| seen.told.first.as_ref().map(head)),
        "last": seen.filter(|seen| seen.told.last.seq > 0).map(|seen| head(&seen.told.last)),
        "head": seen.and_then(|seen| match &seen.head { Found::Head(found) => Some(head(found)), _ => None }),
        "epoch": seen.and_then(|seen| seen.epoch),
        "held": !matches!(looked.held, Held::Free),
        "holder": holder,
        "rollbacks": looked.runs.iter().map(|run| json!({ "folder": run.folder, "lines": run.lines, "held": run.held }))
            .collect::<Vec<_>>(),
        "checked": looked.checked,
        "findings": said(&looked.findings),
        "doubts": said(&looked.doubts),
        "notices": said(&looked.notices),
    })
}
