//! Commands of an attached console: those that may be asked become requests, everything else is refused
//! here. Each waits for its answer by itself.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::text::printable;
use crate::engine::inbox::bring::{Asker, Came};
use crate::launch::command::{Command, Refusal};
use crate::launch::port::Ask;

/// How long the holder may take to decide, by a person's patience.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests under way at once: each holds a thread while it waits.
const AT_ONCE: usize = 16;

pub async fn answer(asker: Asker, mut asks: mpsc::Receiver<Ask>) {
    let room = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    while let Some(Ask { command, reply }) = asks.recv().await {
        let Ok(permit) = std::sync::Arc::clone(&room).try_acquire_owned() else {
            let _ = reply.send(Err(Refusal("too many requests wait for their answers".into())));
            continue;
        };
        let asker = asker.clone();
        tokio::task::spawn_blocking(move || {
            let _ = reply.send(bring(&asker, command));
            drop(permit);
        });
    }
}

fn bring(asker: &Asker, command: Command) -> Result<(), Refusal> {
    match command {
        // Nothing is left: the launch is another's.
        Command::Leave => Ok(()),
        Command::Rollback { rollback, .. } => {
            let folder = printable(&asker.folder.path().display().to_string());
            Err(Refusal(format!("this console is attached: type `tminus rollback {folder} {rollback}` in a shell")))
        }
        Command::Note { .. }
        | Command::CallHold { .. }
        | Command::ReleaseHold { .. }
        | Command::Vote { .. }
        | Command::Acknowledge { .. } => match asker.bring(command, PATIENCE) {
            Ok(Came::Recorded(_)) => Ok(()),
            Ok(Came::Refused(why) | Came::Undecided(why)) => Err(Refusal(why)),
            Err(wrong) => Err(Refusal(wrong.to_string())),
        },
        _ => Err(Refusal("this console is attached: it watches and asks; the operator's console acts".into())),
    }
}
