//! The launch in the console: the loop in the background, the screen in front.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local};
use tokio::sync::oneshot;

use super::assemble::Flight;
use super::headless::Front;
use super::say::{err, out};
use super::{CANNOT_TELL, Common, INTERRUPTED, look, take_over, unwritten};
use crate::base::proc::this_program;
use crate::base::secret::covered;
use crate::base::text::printable;
use crate::engine::rollback::{self, Asked, Wanted};
use crate::launch::command::Refusal;
use crate::launch::port::{ByFiles, Port};
use crate::launch::process;
use crate::ui::keymap::Keymap;
use crate::ui::{Leave, Setup};
use crate::{clock, ui};

/// How long the loop may take to write down what it knows once the console is left.
const FAREWELL: Duration = Duration::from_secs(2);

/// How much of that whoever is told may take for the last of it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Draws, and opens and flies the launch behind the screen, until it is left or over. The exit code.
///
/// # Errors
/// The launch cannot be opened, the user's keymap is wrong, or the terminal could not be used.
pub async fn fly<F>(front: Front, port: Port, common: &Common, opening: F) -> anyhow::Result<i32>
where
    F: Future<Output = anyhow::Result<Flight>> + Send + 'static,
{
    let look = common.look.look()?;
    let setup = Setup {
        operator: front.operator.name.clone(),
        role: front.operator.role.clone(),
        theme: look.theme,
        terminal: look.terminal,
        keymap: keymap()?,
        offset: *DateTime::<Local>::from(clock::wall()).offset(),
        boot: clock::boot,
    };
    let snapshots = port.snapshots.clone();
    let port = Port { by_files: Some(by_files(&front)), ..port };
    // The screen first: opening waits for disks.
    let (drawn, go) = oneshot::channel::<()>();
    let flying = tokio::spawn(async move {
        let _ = go.await;
        let flight = opening.await?;
        for notice in &flight.noticed {
            tracing::warn!("{notice}");
        }
        flight.looping.run(None).await;
        let untold = flight.telling.finish(LAST_WORDS).await;
        anyhow::Ok(flight.noticed.into_iter().chain(untold).collect::<Vec<_>>())
    });
    // Where the loop, or what it started, hangs in a disk, it takes the threads of that runtime with it: the screen
    // has one of its own.
    let screen = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let left = runtime.block_on(async {
            let left = ui::run(port, setup, || drop(drawn)).await;
            // A step or a rollback under way goes on by itself; only the loop has to have written down that we left.
            (left, tokio::time::timeout(FAREWELL, flying).await)
        });
        runtime.shutdown_background();
        Ok(left)
    });
    let (left, flown) = screen.await??;
    if let Ok(flown) = flown {
        for notice in flown?? {
            err!("tminus: {notice}");
        }
    }
    let left = left?;
    if let Some(farewell) = unwritten::farewell(&snapshots) {
        err!("tminus: {farewell}");
    }
    let snapshot = Arc::clone(&snapshots.borrow());
    let over = snapshot.board.ended.is_some();
    let lost = take_over::left(&snapshot, &front.again());
    if let Some(words) = &lost {
        err!("tminus: {words}");
    } else if over {
        out!("{}", front.summary(&snapshot.board, snapshot.now.instant).0);
    } else {
        if let Some(words) = process::words(&snapshot.board) {
            out!("Still lives, and goes on without this console: {words}");
        }
        out!("The launch goes on with: {}", front.again());
    }
    Ok(match left {
        Leave::Signal(_) | Leave::Hangup => INTERRUPTED,
        Leave::Quit | Leave::Closed if lost.is_some() => CANNOT_TELL,
        Leave::Quit | Leave::Closed if over => front.summary(&snapshot.board, snapshot.now.instant).1,
        Leave::Quit | Leave::Closed => 0,
    })
}

/// What begins a rollback where the loop does not answer: as `tminus rollback` does, whoever holds the launch.
fn by_files(front: &Front) -> ByFiles {
    let (launch, by) = (front.folder.clone(), front.operator.clone());
    ByFiles(Arc::new(move |rollback, why| {
        let shown = printable(&launch.display().to_string());
        if !launch.join("launch.json").exists() {
            return Err(Refusal("nothing of this launch happened yet: there is nothing to roll back".into()));
        }
        let wanted = Wanted {
            rollback: rollback.clone(),
            by: by.clone(),
            why: covered(why),
            at: clock::wall(),
            from: "a console whose loop did not answer".to_owned(),
        };
        let failed = |why| {
            Refusal(format!("failed to start rollback {rollback}: {why}; try `tminus rollback {shown} {rollback}`"))
        };
        let asked = rollback::ask(&this_program(), &launch, &wanted).map_err(failed)?;
        let (run, runner, word) = match asked {
            Asked::Joined { run, rollback } => return Ok(format!("rollback {rollback} #{run} is under way already")),
            Asked::Begun { run, runner } => (run, runner, "begun"),
            Asked::Resumed { run, runner } => (run, runner, "gone on with"),
        };
        // Reaped when it ends; it needs nobody to wait for it.
        tokio::spawn(async move { drop(runner.ended().await) });
        Ok(format!("rollback {rollback} #{run} is {word} without this console's loop: see `tminus rollback {shown}`"))
    }))
}

/// The default keys, with the user's own over them where there is a file.
pub fn keymap() -> anyhow::Result<Keymap> {
    let own = look::own("keymap.toml").transpose()?;
    Ok(Keymap::load(own.as_ref())?)
}
