//! `tminus log`: what happened in a launch, one record a line. Reads only; a broken journal is shown as
//! far as it reads, what is wrong with it is named, and the exit code is 2. Rollbacks that it does not know
//! yet are told from their runners' own logs.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::frozen::Frozen;
use super::say::err;
use super::strangers::strangers;
use crate::base::text::printable;
use crate::engine::rollback::{self, Found, Log};
use crate::journal::{self, LaunchFolder, Noticed, Purpose};
use crate::launch::event::{Event, Recorded};
use crate::launch::seen;
use crate::launch::telling::{fact_words, tell, written_later};
use crate::launch::time::Wall;

mod folded;

use folded::Folded;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// Each evaluation of objectives and each minute of samples too, a line each.
    #[arg(long)]
    all: bool,
    /// Under each record what it stands on: what was sent and seen, and the files that hold the rest, with their hashes.
    #[arg(long)]
    evidence: bool,
}

/// Where it ends before its end, or may: what a person reads there is not all.
const NOT_ALL: i32 = 2;

/// What stands beside a run that the journal does not tell.
const YET: &str = "(not in the journal yet)";
const AFTER: &str = "(not in the journal: the launch has ended)";

/// # Errors
/// The folder is no launch, or cannot be read.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let folder = LaunchFolder::open(&arguments.launch)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let (mut known, mut over) = (BTreeSet::new(), false);
    // What turned is told with the plan alone; without it the log is read all the same.
    let plans = Frozen::open(&arguments.launch).ok().map(|frozen| [frozen.first, frozen.plan]);
    let mut folded = Folded::new(plans, arguments.all);
    let opened = journal::open_each(&folder, Purpose::Read, &mut |record| {
        match record.event {
            Event::RollbackRequested { run, .. } => drop(known.insert(run)),
            Event::LaunchEnded { .. } | Event::LaunchClosed { .. } => over = true,
            _ => {}
        }
        if written.is_ok() {
            written = folded.take(&mut out, &record).and_then(|own| match own {
                true => line(&mut out, &record).and_then(|()| match arguments.evidence {
                    true => seen::of(&record).iter().try_for_each(|line| writeln!(out, "{:>8}{}", "", line.text)),
                    false => Ok(()),
                }),
                false => Ok(()),
            });
        }
    });
    written?;
    folded.end(&mut out)?;
    let opened = opened.map_err(|error| out.flush().err().map_or_else(|| anyhow::Error::new(error), Into::into))?;
    let (unknown, unread) = match strangers(folder.path(), |run| known.contains(&run)) {
        Ok(unknown) => (unknown, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    for found in &unknown {
        tell_stranger(&mut out, folder.path(), found, if over { AFTER } else { YET })?;
    }
    out.flush()?;
    if !unknown.is_empty() {
        let (count, noun) = (unknown.len(), if unknown.len() == 1 { "rollback" } else { "rollbacks" });
        let rest = match over {
            true => "and the launch has ended: no console reads them in",
            false => "and read in by the next console that holds the launch",
        };
        err!("tminus: the journal does not know {count} {noun} yet: told above from the runners' own logs, {rest}");
    }
    for notice in &opened.noticed {
        err!("tminus: {notice}");
    }
    if let Some(why) = &unread {
        err!("tminus: the folder of rollbacks cannot be read, there may have been some: {why}");
    }
    let short = opened.noticed.iter().any(Noticed::is_short);
    if short {
        let (last, launch) = (opened.head.seq, printable(&folder.path().display().to_string()));
        err!("tminus: this is the log up to record {last}; `tminus verify {launch}` says all that is wrong");
    }
    Ok(if short || unread.is_some() { NOT_ALL } else { 0 })
}

/// Writes a record as one line.
///
/// # Errors
/// The output's own.
pub fn line(out: &mut impl Write, record: &Recorded) -> std::io::Result<()> {
    let at = stamp(record.occurred_at);
    let written = match written_later(record) {
        true => format!(" (written {})", stamp(record.recorded_at)),
        false => String::new(),
    };
    let stamp = if record.actor.scripted { " (scripted)" } else { "" };
    let (name, told) = (printable(&record.actor.name), printable(&tell(record)));
    writeln!(out, "{:>6}  {at}{written}  {name}{stamp}: {told}", record.seq)
}

/// One such run, as its runner's chained log tells it.
fn tell_stranger(out: &mut impl Write, launch: &Path, found: &Found, mark: &str) -> std::io::Result<()> {
    let Found { run, rollback: id, request } = found;
    let id = printable(id.as_str());
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
