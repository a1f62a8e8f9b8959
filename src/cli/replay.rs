//! `tminus replay`: the console over what happened, from a launch's folder or from the bundle made of it. It takes no
//! lease, writes nothing and asks nobody. Exit codes: 0 it was left by a key, 1 the bundle does not verify or no record
//! can be believed, 2 whether the bundle verifies cannot be told, 3 there is nothing to replay.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Local};
use clap::Args;

use super::say::err;
use super::{INTERRUPTED, NO_GO, console, look, runtime, verify};
use crate::base::text::{printable, printable_lines};
use crate::engine::replay::{About, play};
use crate::evidence::bundle::key::Public;
use crate::evidence::replay::{Film, Reel};
use crate::launch::replay::FASTEST;
use crate::ui::{Leave, Setup};
use crate::{clock, ui};

mod film;
mod folder;
mod packed;

/// In bytes, of records as they are kept: what is replayed is held in memory.
const LARGEST: usize = 256 << 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder, or the file that `tminus bundle` made of it.
    launch: PathBuf,
    /// How much faster than the launch's own time it runs.
    #[arg(long, value_name = "TIMES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=i64::from(FASTEST)))]
    speed: u32,
    /// The public key that a bundle must be signed with.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    look: look::Wanted,
}

/// What was read to be replayed, and what is wrong with it in words.
struct Told {
    reel: Reel,
    film: Film,
    alarm: Option<String>,
}

/// # Errors
/// It is no launch and no bundle, its plan does not load, or the terminal could not be used.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let path = &arguments.launch;
    let is_file = std::fs::metadata(path).is_ok_and(|about| !about.is_dir());
    if arguments.key.is_some() && !is_file {
        bail!("`--key` is for a bundle: a launch's folder is not signed");
    }
    let told = match is_file {
        true => {
            let key = arguments.key.as_deref().map(Public::read).transpose().context("failed to verify the bundle")?;
            match verify::packed(path, key)? {
                Ok(head) => packed::read(path, head)?,
                Err((code, words)) => {
                    err!("{}", printable_lines(words.trim_end()));
                    err!("tminus: {} does not verify: it is not replayed", shown(path));
                    return Ok(code);
                }
            }
        }
        false => folder::read(path)?,
    };
    let Told { reel, film, alarm } = told;
    if reel.is_empty() {
        let Some(alarm) = alarm else { bail!("nothing of it happened: {} has no record", shown(path)) };
        err!("tminus: {}", printable(&alarm));
        return Ok(NO_GO);
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        bail!("a replay needs a terminal; `tminus log` and `tminus report` tell a launch without one");
    }
    let look = arguments.look.look()?;
    let setup = Setup {
        operator: String::new(),
        role: None,
        theme: look.theme,
        terminal: look.terminal,
        keymap: console::keymap()?,
        offset: *DateTime::<Local>::from(clock::wall()).offset(),
        boot: clock::boot,
    };
    let about = About { from: path.display().to_string(), alarm };
    let runtime = runtime()?;
    let left = runtime.block_on(async { ui::run(play(reel, film, arguments.speed, about), setup, || {}).await })?;
    runtime.shutdown_background();
    Ok(match left {
        Leave::Quit | Leave::Closed => 0,
        Leave::Signal(_) | Leave::Hangup => INTERRUPTED,
    })
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
