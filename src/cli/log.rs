//! `tminus log`: what happened in a launch, one record a line. Reads only; a broken journal is shown as
//! far as it reads, and named.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::base::text::printable;
use crate::journal::{self, LaunchFolder, Purpose};
use crate::launch::event::Recorded;
use crate::launch::telling::tell;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
}

/// A record as one line.
pub fn line(record: &Recorded) -> String {
    let at = record.occurred_at.format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let stamp = if record.actor.scripted { " (scripted)" } else { "" };
    format!("{:>6}  {at}  {}{stamp}: {}", record.seq, printable(&record.actor.name), printable(&tell(record)))
}

/// # Errors
/// The folder is no launch, or cannot be read.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let folder = LaunchFolder::open(&arguments.launch)?;
    let opened = journal::open(&folder, Purpose::Read)?;
    let mut out = std::io::stdout().lock();
    for record in &opened.records {
        writeln!(out, "{}", line(record))?;
    }
    for notice in &opened.noticed {
        eprintln!("tminus: {notice}");
    }
    Ok(0)
}
