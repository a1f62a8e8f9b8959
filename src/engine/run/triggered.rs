//! Rollbacks that a trigger starts by itself: a command of the engine's own, on the way that every rollback goes.
//! Which, and when, is decided in `launch::trigger`.

use super::{Loop, begins_rollback};
use crate::launch::command::{Command, Input};
use crate::launch::event::Actor;
use crate::launch::trigger::starting;

/// Looks in one go: a sleep, or a rollback from elsewhere, may come between.
const TRIES: usize = 4;

impl Loop {
    /// Starts what has to start by now. Whether a person is there, and whether it can be recorded, does not matter.
    pub(super) async fn start_triggered(&mut self) {
        let due = |this: &Self| {
            let now = this.parts.axis.now().instant;
            this.taken_over.is_none() && starting(&this.dispatch.shown(), now).is_some()
        };
        // At the second look at the latest nothing is left to be told before it.
        for _ in 0..TRIES {
            if !due(self) || self.is_over() || self.is_taken_over() {
                return;
            }
            // Before it: one that was begun elsewhere is joined, not begun twice.
            let mut inputs = self.found().await;
            let (now, slept) = self.look();
            inputs.splice(..0, slept);
            // After a time that nobody watched its countdown is another.
            let starts = starting(&self.dispatch.shown(), now.instant).filter(|_| inputs.is_empty());
            if let Some((_, rollback, why)) = starts {
                let command = self.numbered(Command::Rollback { rollback, why }).await;
                inputs.push(Input::Command { by: Actor::engine(), command });
            }
            let begins = inputs.iter().any(begins_rollback);
            let turn = self.dispatch.turn(&inputs, now);
            let refused = turn.answers.iter().any(Result::is_err);
            self.settle(turn, now, &inputs, Vec::new()).await;
            if refused && begins {
                tracing::error!("a rollback that a trigger asks for was refused");
                return;
            }
        }
    }
}
