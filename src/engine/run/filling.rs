//! A hole in a soak is offered to its source: what that tells of the time that nobody watched is recorded before
//! anything later is evaluated, since a ledger goes forward only. Nothing but soaks stands on it.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant as WireInstant;

use super::Loop;
use crate::launch::command::{Input, Observation};
use crate::launch::event::Mode;
use crate::launch::objective::Round;
use crate::launch::soak::{self, Hole};
use crate::launch::time::{Instant, Now};

/// Evaluations wait for a source no longer: then the hole stays one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rounds of one record.
const ROUNDS: usize = 512;

#[derive(Default)]
pub(super) struct Filling {
    /// The end of the newest hole that was asked for.
    asked: Option<Instant>,
    asking: Option<(oneshot::Receiver<Vec<Round>>, WireInstant)>,
}

impl Filling {
    /// True while the answer may still come.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }
}

impl Loop {
    /// What a source has told of a hole; where there is a new one it is asked.
    pub(super) fn filled(&mut self, now: Now) -> Vec<Input> {
        self.ask_source(now);
        let Some((answer, until)) = &mut self.filling.asking else { return Vec::new() };
        let rounds = match answer.try_recv() {
            Ok(rounds) => rounds,
            Err(oneshot::error::TryRecvError::Empty) if WireInstant::now() < *until => return Vec::new(),
            Err(_) => Vec::new(),
        };
        self.filling.asking = None;
        let told = rounds.chunks(ROUNDS).map(|rounds| Observation::HoleFilled { rounds: rounds.to_vec() });
        told.map(Input::Observation).collect()
    }

    fn ask_source(&mut self, now: Now) {
        // One answer at a time: a new hole is asked for once that has come, or is given up.
        if self.filling.is_asking() {
            return;
        }
        let board = self.dispatch.published();
        // A rehearsal's target keeps nothing of what it said.
        if board.mode != Mode::Launch || board.ended.is_some() {
            return;
        }
        let is_new = |hole: &Hole| self.filling.asked.is_none_or(|asked| asked < hole.until);
        let holes: Vec<Hole> = soak::holes(board).filter(is_new).collect();
        let Some(newest) = holes.iter().map(|hole| hole.until).max() else { return };
        self.filling.asked = Some(newest);
        let Some(watch) = &self.parts.effects.watch else { return };
        let Some(asked) = watch.fill(&board.plan.0, &holes, now) else { return };
        let (told, answer) = oneshot::channel();
        tokio::spawn(async move {
            // Nobody waits any longer for what comes later.
            let _ = told.send(tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default());
        });
        self.filling.asking = Some((answer, WireInstant::now() + PATIENCE));
    }
}
