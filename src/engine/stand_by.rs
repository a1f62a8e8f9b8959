//! The loop of a console whose launch was taken over: it does nothing any more, says so, and answers
//! whoever asks. The world may be an hour on when it finds out; nothing of before is made up for.

use std::sync::Arc;

use super::Loop;
use crate::engine::acting;
use crate::launch::board::Board;
use crate::launch::command::{Command, Refusal};
use crate::launch::port::{Ask, Snapshot};

impl Loop {
    /// Finds out whether another console acts now. The first time, everything here stops.
    pub(super) fn is_taken_over(&mut self) -> bool {
        if self.taken_over.is_some() {
            return true;
        }
        let Some(by) = self.parts.journal.taken_over() else { return false };
        let words = acting::words(by.as_ref());
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
            if let Some(Ask { command, reply }) = next {
                let leaves = command == Command::Leave;
                let _ = reply.send(if leaves { Ok(()) } else { Err(self.refusal(&command)) });
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

    fn refusal(&self, command: &Command) -> Refusal {
        let words = self.taken_over.as_deref().unwrap_or_default();
        match (command, &self.parts.folder) {
            (Command::Rollback { rollback, .. }, Some(folder)) => {
                Refusal(format!("{words}; roll back with `tminus rollback {} {rollback}`", folder.display()))
            }
            _ => Refusal(words.to_owned()),
        }
    }
}
