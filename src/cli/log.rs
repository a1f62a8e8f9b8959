//! `tminus log`: what happened in a launch, one record a line. Reads only; a broken journal is shown as
//! far as it reads, what is wrong with it is named, and the exit code is 2.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::base::text::printable;
use crate::journal::{self, LaunchFolder, Noticed, Purpose};
use crate::launch::event::Recorded;
use crate::launch::telling::tell;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
}

/// Where it ends before its end, or may: what a person reads there is not all.
const NOT_ALL: i32 = 2;

/// # Errors
/// The folder is no launch, or cannot be read.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let folder = LaunchFolder::open(&arguments.launch)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let opened = journal::open_each(&folder, Purpose::Read, &mut |record| {
        if written.is_ok() {
            written = line(&mut out, &record);
        }
    });
    written.and_then(|()| out.flush())?;
    let opened = opened?;
    for notice in &opened.noticed {
        eprintln!("tminus: {notice}");
    }
    let short = opened.noticed.iter().any(Noticed::is_short);
    if short {
        let (last, launch) = (opened.head.seq, printable(&folder.path().display().to_string()));
        eprintln!("tminus: this is the log up to record {last}; `tminus verify {launch}` says all that is wrong");
    }
    Ok(if short { NOT_ALL } else { 0 })
}

fn line(out: &mut impl Write, record: &Recorded) -> std::io::Result<()> {
    let at = record.occurred_at.format("%Y-%m-%dT%H:%M:%S%.3fZ");
    let stamp = if record.actor.scripted { " (scripted)" } else { "" };
    let (name, told) = (printable(&record.actor.name), printable(&tell(record)));
    writeln!(out, "{:>6}  {at}  {name}{stamp}: {told}", record.seq)
}
