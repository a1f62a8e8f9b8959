//! Commands of an attached console: those that may be asked become requests, everything else is refused
//! here. Each waits for its answer by itself.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::proc::this_program;
use crate::clock;
use crate::engine::approving;
use crate::engine::inbox::bring::{Asker, Came};
use crate::engine::rollback::{self, Asked, Wanted};
use crate::launch::command::{Command, Refusal};
use crate::launch::event::Actor;
use crate::launch::id::RollbackId;
use crate::launch::port::Ask;

/// How long the holder may take to decide, by a person's patience.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests under way at once: each holds a thread while it waits.
const AT_ONCE: usize = 16;

pub async fn answer(asker: Asker, mut asks: mpsc::Receiver<Ask>) {
    let room = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    while let Some(Ask { by, command, reply }) = asks.recv().await {
        let Ok(permit) = std::sync::Arc::clone(&room).try_acquire_owned() else {
            let _ = reply.send(Err(Refusal("too many requests wait for their answers".into())));
            continue;
        };
        let asker = asker.clone().acting(by);
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
        Command::Rollback { rollback, why } => roll_back(asker, rollback, &why),
        Command::Approve { step } => {
            // The plan as it is frozen now: it may have been amended since this console attached.
            let launch = asker.folder.path();
            let frozen = rollback::frozen(launch).map_err(Refusal)?;
            approving::approve(launch, &frozen.plan, &step, &Actor::person(asker.name.clone(), asker.role.clone()))
        }
        Command::Note { .. }
        | Command::CallHold { .. }
        | Command::ReleaseHold { .. }
        | Command::Vote { .. }
        | Command::Acknowledge { .. }
        | Command::Judge { .. }
        | Command::WaiveCriterion { .. }
        | Command::Sign { .. }
        | Command::OpenIncident { .. }
        | Command::ChangeIncident { .. }
        | Command::Attest { .. }
        | Command::GiveEvidence { .. }
        | Command::Close { .. }
        | Command::Choose { .. }
        | Command::Waive { .. }
        | Command::WaiveHole { .. } => match asker.bring(command, PATIENCE) {
            Ok(Came::Recorded(_)) => Ok(()),
            Ok(Came::Refused(why) | Came::Undecided(why)) => Err(Refusal(why)),
            Err(wrong) => Err(Refusal(wrong.to_string())),
        },
        _ => Err(Refusal("this console is attached: it watches and asks; the operator's console acts".into())),
    }
}

/// A rollback asks nobody: its runner is started from plain files, whoever holds the launch, and journaled
/// by whoever does.
fn roll_back(asker: &Asker, rollback: RollbackId, why: &str) -> Result<(), Refusal> {
    let wanted = Wanted {
        rollback,
        by: Actor::person(asker.name.clone(), asker.role.clone()),
        why: asker.redactor.text(why),
        at: clock::wall(),
        from: "an attached console".to_owned(),
    };
    match rollback::ask(&this_program(), asker.folder.path(), &wanted) {
        Ok(Asked::Begun { .. } | Asked::Resumed { .. }) => Ok(()),
        Ok(Asked::Joined { run, rollback }) if rollback == wanted.rollback => {
            Err(Refusal(format!("rollback {rollback} (run {run}) is under way already: this request joined it")))
        }
        Ok(Asked::Joined { run, rollback }) => {
            Err(Refusal(format!("rollback {rollback} (run {run}) is under way: one at a time, nothing was started")))
        }
        Err(wrong) => {
            let folder = asker.folder.path().display();
            Err(Refusal(format!(
                "failed to start the runner: {wrong}; `tminus rollback {folder}` in a shell says more"
            )))
        }
    }
}
