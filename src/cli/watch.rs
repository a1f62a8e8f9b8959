//! `tminus watch`: a console attached to a launch that another one holds. It reads, and asks; it changes
//! nothing itself. Without a terminal it prints the records as they come, until the launch has ended.

use std::io::{BufWriter, ErrorKind, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Local};
use clap::Args;

use super::frozen::Frozen;
use super::headless::interrupted;
use super::say::err;
use super::{INTERRUPTED, console, log, look, runtime, summary};
use crate::base::text::printable;
use crate::engine::attached::reading::Reading;
use crate::engine::attached::{self, LOOK, Watched, standing};
use crate::engine::inbox::bring::Asker;
use crate::launch::event::Mode;
use crate::ui::{Leave, Setup};
use crate::{clock, ui};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    #[command(flatten)]
    look: look::Wanted,
}

/// # Errors
/// The folder is no launch, the arguments are wrong, or the terminal could not be used.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&arguments.launch)?;
    let asker = frozen.asker(&arguments.name, arguments.role.as_deref())?;
    let seen = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let runtime = runtime()?;
    let done = runtime.block_on(async move {
        if seen { attach(frozen, asker, &arguments.look).await } else { print(&frozen, &asker).await }
    });
    // A request that waits for its answer keeps nobody here.
    runtime.shutdown_background();
    done
}

async fn attach(frozen: Frozen, asker: Asker, look: &look::Wanted) -> anyhow::Result<i32> {
    let look = look.look()?;
    let setup = Setup {
        operator: asker.name.clone(),
        role: asker.role.clone(),
        theme: look.theme,
        terminal: look.terminal,
        keymap: console::keymap()?,
        offset: *DateTime::<Local>::from(clock::wall()).offset(),
        boot: clock::boot,
    };
    let mode = if frozen.site.rehearsal { Mode::Rehearsal } else { Mode::Launch };
    let port = attached::attach(Watched { folder: frozen.folder, plan: frozen.first, mode, asker });
    Ok(match ui::run(port, setup, || {}).await? {
        Leave::Quit | Leave::Closed => 0,
        Leave::Signal(_) | Leave::Hangup => INTERRUPTED,
    })
}

/// Prints what is recorded as it is, and on standard error whatever makes it doubtful. The launch's own exit
/// code, once it has ended.
async fn print(frozen: &Frozen, asker: &Asker) -> anyhow::Result<i32> {
    let mut reading = Reading::new(frozen.folder.clone(), Arc::clone(&frozen.first));
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let mut told = None;
    loop {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut written = Ok(());
        reading.read_on(&mut |record, _| {
            if written.is_ok() {
                written = log::line(&mut out, record);
            }
        });
        let written = written.and_then(|()| out.flush());
        drop(out);
        let signs = reading.signs();
        let standing = standing::stand(&signs, &asker.holder(), clock::wall());
        if let Err(why) = written {
            // Nobody reads any more: how it stands is in the exit code, and a launch that is not over is no GO.
            if why.kind() != ErrorKind::BrokenPipe {
                err!("tminus: standard output cannot be written: {why}");
            }
            return Ok(summary::exit_code(signs.board, standing.now.instant));
        }
        // Once for each thing that is wrong, not once a second with its age.
        let doubt = (standing.heard, signs.wrong.map(str::to_owned));
        if told.replace(doubt.clone()) != Some(doubt)
            && let Some(alarm) = &standing.alarm
        {
            err!("tminus: {}", printable(alarm));
        }
        let board = signs.board;
        if board.ended.is_some() {
            return Ok(summary::exit_code(board, standing.now.instant));
        }
        tokio::select! {
            () = &mut interrupted => return Ok(INTERRUPTED),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
