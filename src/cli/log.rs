//! `tminus log`: what happened in a launch, one record a line. Reads only; a broken journal is shown as
//! far as it reads, and named; rollbacks that it does not know yet are told from their runners' logs.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::text::printable;
use crate::engine::rollback::{self, Found, Log};
use crate::journal::{self, LaunchFolder, Purpose};
use crate::launch::event::{Event, Recorded};
use crate::launch::telling::{fact_words, tell};
use crate::launch::time::Wall;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
}

/// # Errors
/// The folder is no launch, or cannot be read.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let folder = LaunchFolder::open(&arguments.launch)?;
    let opened = journal::open(&folder, Purpose::Read)?;
    let mut out = std::io::stdout().lock();
    for record in &opened.records {
        let at = stamp(record.occurred_at);
        let stamp = if record.actor.scripted { " (scripted)" } else { "" };
        writeln!(
            out,
            "{:>6}  {at}  {}{stamp}: {}",
            record.seq,
            printable(&record.actor.name),
            printable(&tell(record))
        )?;
    }
    let unknown = strangers(folder.path(), &opened.records);
    for found in &unknown {
        tell_stranger(&mut out, folder.path(), found)?;
    }
    if !unknown.is_empty() {
        let (count, noun) = (unknown.len(), if unknown.len() == 1 { "rollback" } else { "rollbacks" });
        eprintln!(
            "tminus: the journal does not know {count} {noun} yet: told above from the runners' own logs, and read in \
             by the next console that holds the launch"
        );
    }
    for notice in &opened.noticed {
        eprintln!("tminus: {notice}");
    }
    Ok(0)
}

/// Runs of rollbacks that the journal has not heard of.
fn strangers(launch: &Path, records: &[Recorded]) -> Vec<Found> {
    let known = |found: &Found| {
        records.iter().any(|record| matches!(record.event, Event::RollbackRequested { run, .. } if run == found.run))
    };
    let runs = rollback::runs(launch).unwrap_or_default();
    runs.into_iter().filter(|found| !known(found)).collect()
}

/// One such run, as its runner's chained log tells it.
fn tell_stranger(out: &mut impl Write, launch: &Path, found: &Found) -> std::io::Result<()> {
    let Found { run, rollback: id, request } = found;
    let id = printable(id.as_str());
    let mark = "(not in the journal yet)";
    if let Some(request) = request {
        let at = stamp(request.at);
        writeln!(
            out,
            "     -  {at}  {}: ROLLBACK {id} (run {run}) by {}: {} {mark}",
            request.name, request.name, request.why
        )?;
    }
    match Log::follow(&rollback::log_of(launch, *run, &found.rollback)).read() {
        Ok(entries) => {
            for entry in entries {
                let words = printable(&fact_words(&entry.fact));
                writeln!(out, "     -  {}  runner: rollback run {run}: {words} {mark}", stamp(entry.at))?;
            }
        }
        Err(error) => writeln!(out, "     -  rollback run {run} of {id}: {} {mark}", printable(&error.to_string()))?,
    }
    Ok(())
}

fn stamp(at: Wall) -> impl std::fmt::Display {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ")
}
