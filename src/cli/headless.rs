//! Flies an assembled launch: in the console on a terminal, else without one. A real launch without a
//! console acts on nobody's behalf: it runs what runs by itself, waits, and says why it cannot go on.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::assemble::Flight;
use super::{Common, INTERRUPTED, summary};
use crate::engine::crew;
use crate::engine::run::Crew;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::RollbackId;
use crate::launch::port::Port;
use crate::launch::time::Instant;
use crate::launch::{countdown, poll, schedule};

/// Without a console, whether a scripted crew acts, and what it drills.
pub struct Script {
    pub drill: Option<RollbackId>,
}

/// Flies it to its end, or until this console leaves. The exit code.
///
/// # Errors
/// The terminal could not be used.
pub async fn fly(flight: Flight, common: &Common, script: Option<Script>) -> anyhow::Result<i32> {
    for notice in &flight.noticed {
        eprintln!("tminus: {notice}");
    }
    if wants_console(common) {
        super::console::fly(flight, common).await
    } else {
        without_console(flight, script).await
    }
}

/// Whether this invocation opens the console.
#[must_use]
pub fn wants_console(common: &Common) -> bool {
    !common.headless && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

async fn without_console(flight: Flight, script: Option<Script>) -> anyhow::Result<i32> {
    let Flight { looping, port, folder, .. } = flight;
    let scripted = script.is_some();
    let crew: Crew = Box::new(move |board, now| match &script {
        Some(script) => crew::next(board, now, script.drill.as_ref()).map(|command| (crew::actor(), command)),
        None => unattended(board, now).map(|command| (Actor::engine(), command)),
    });
    let progress = Progress::start(&port);
    let board = tokio::select! {
        board = looping.run(Some(crew)) => board,
        () = interrupted() => {
            progress.stop();
            eprintln!("tminus: interrupted; go on with `tminus {} --launch {}`",
                if scripted { "rehearse" } else { "run" }, folder.display());
            return Ok(INTERRUPTED);
        }
    };
    progress.stop();
    let now = port.snapshots.borrow().now.instant;
    std::io::stdout().write_all(summary::text(&board, now, &folder.display().to_string()).as_bytes())?;
    Ok(summary::exit_code(&board, now))
}

/// Nobody is there to attest, vote or resume: once only a person could go on, the launch ends and says so.
fn unattended(board: &Board, now: Instant) -> Option<Command> {
    let waits = !board.is_busy() && board.ended.is_none() && schedule::next_at(board, now).is_none();
    let holding = board.clock_at(now).is_some_and(|clock| clock.phase == countdown::Phase::Holding);
    let served = board.clock_at(now).and_then(|clock| clock.hold_left()).is_none_or(|left| left.is_zero());
    (waits || (holding && served && !board.is_busy() && board.ended.is_none())).then(|| {
        let blocking = poll::tally(board, now).blocking;
        let why = blocking.first().cloned().unwrap_or_else(|| "only a person can go on".to_owned());
        Command::End { why: format!("unattended: {why}") }
    })
}

pub async fn interrupted() {
    let term = signal(SignalKind::terminate());
    match term {
        Ok(mut term) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// A bar on standard error while a headless launch flies; on a terminal only.
pub struct Progress(Option<(indicatif::ProgressBar, tokio::task::JoinHandle<()>)>);

impl Progress {
    pub fn start(port: &Port) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = indicatif::ProgressBar::new(1);
        let (mut snapshots, shown) = (port.snapshots.clone(), bar.clone());
        let following = tokio::spawn(async move {
            while snapshots.changed().await.is_ok() {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                let ended = snapshot.board.items.values().filter(|item| item.report.is_some()).count();
                shown.set_length(snapshot.board.items.len() as u64);
                shown.set_position(ended as u64);
                shown.set_message(snapshot.board.mark_at(snapshot.now.instant).to_string());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self(Some((bar, following)))
    }

    pub fn stop(self) {
        if let Some((bar, following)) = self.0 {
            following.abort();
            bar.finish_and_clear();
        }
    }
}
