//! The loop of a console whose launch was taken over: it does nothing any more, says so, and answers
//! whoever asks. The world may be an hour on when it finds out; nothing of before is made up for.

use std::sync::Arc;

use super::Loop;
use crate::engine::rollback::{self, Asked, Wanted};
use crate::engine::unwritten::Unwritten;
use crate::engine::{acting, approving};
use crate::launch::board::Board;
use crate::launch::command::{Command, Refusal};
use crate::launch::id::RollbackId;
use crate::launch::port::{Ask, Snapshot};

impl Loop {
    /// Finds out whether another console acts now. The first time, everything here stops.
    pub(super) fn is_taken_over(&mut self) -> bool {
        if self.taken_over.is_some() {
            return true;
        }
        let Some(by) = self.parts.journal.taken_over() else { return false };
        let waits = self.unwritten.as_mut().and_then(Unwritten::parting);
        let words = [acting::words(by.as_ref())].into_iter().chain(waits).collect::<Vec<String>>().join("; ");
        tracing::warn!("{words}");
        self.parts.effects.stand_down();
        // What was seen last stays on the screen, with the time it was seen at.
        let last = Arc::clone(&self.snapshots.borrow());
        let snapshot = Snapshot { alarm: None, taken_over: Some(words.clone()), ..(*last).clone() };
        self.snapshots.send_replace(Arc::new(snapshot));
        self.taken_over = Some(words);
        true
    }

    /// Answers until the console is left; a launch without one is left at once.
    pub(super) async fn stand_by(mut self, asked: Option<Ask>, headless: bool) -> Arc<Board> {
        self.parts.observations.close();
        let mut next = asked;
        loop {
            let (plan, folder) = (&self.dispatch.published().plan.0, self.parts.folder.as_ref());
            let aside = |ask| approving::aside(ask, &self.parts.operator, plan, folder);
            if let Some(Ask { command, reply, .. }) = next.and_then(aside) {
                let leaves = command == Command::Leave;
                let answer = match command {
                    Command::Leave => Ok(()),
                    Command::Rollback { rollback, why } => self.roll_back(&rollback, &why),
                    _ => Err(Refusal(self.taken_over.clone().unwrap_or_default())),
                };
                let _ = reply.send(answer);
                if leaves {
                    break;
                }
            }
            if headless {
                break;
            }
            next = self.asks.recv().await;
            if next.is_none() {
                break;
            }
        }
        self.end().await
    }

    /// A rollback needs no lease: any terminal may begin one, and this one's keys are what someone in need
    /// of it has under his hands. It is asked for as from outside: the console that acts finds it, and
    /// another that is under way is joined.
    fn roll_back(&self, rollback: &RollbackId, why: &str) -> Result<(), Refusal> {
        let words = self.taken_over.as_deref().unwrap_or_default();
        let Some(launch) = &self.parts.folder else { return Err(Refusal(words.to_owned())) };
        let world = &self.parts.effects.world;
        let wanted = Wanted {
            rollback: rollback.clone(),
            by: self.parts.operator.clone(),
            why: world.redactor.text(why),
            at: self.parts.axis.now().wall,
            from: "a console that was taken over".into(),
        };
        let asked = rollback::ask(&world.program, launch, &wanted);
        let asked = asked.map_err(|why| Refusal(format!("failed to start rollback {rollback}: {why}")))?;
        let told = match asked {
            Asked::Joined { run, rollback } => format!("rollback {rollback} #{run} is under way"),
            Asked::Resumed { run, runner } | Asked::Begun { run, runner } => {
                // Reaped when it ends; it needs nobody to wait for it.
                tokio::spawn(async move { drop(runner.ended().await) });
                format!("rollback {rollback} #{run} was started from here")
            }
        };
        let last = Arc::clone(&self.snapshots.borrow());
        let taken_over = Some(format!("{told}, and shows elsewhere: {words}"));
        self.snapshots.send_replace(Arc::new(Snapshot { taken_over, ..(*last).clone() }));
        Ok(())
    }
}

/// The answer to whoever asked just before this console was taken over: what is in the journal was not refused.
pub(super) fn last_word(words: &str, recorded: bool) -> Refusal {
    if recorded {
        Refusal(format!("recorded, and the console that acts goes on from there: {words}"))
    } else {
        Refusal(words.to_owned())
    }
}
