//! A hole in a soak is offered to its source: what that tells of the time that nobody watched is recorded before
//! anything later is evaluated, since a ledger goes forward only. Nothing but soaks stands on it.

use std::collections::VecDeque;
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
/// Rounds of one turn: a hole of days is told over many, so that the loop never stands still for it.
const ROUNDS: usize = 512;

#[derive(Default)]
pub(super) struct Filling {
    /// The end of the newest hole that was asked for.
    asked: Option<Instant>,
    asking: Option<(oneshot::Receiver<Vec<Round>>, WireInstant)>,
    /// What was told and is not recorded yet, in its order.
    told: VecDeque<Round>,
}

impl Filling {
    /// True while the answer may still come, or some of it is not recorded yet: nothing later is evaluated before.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some() || self.is_behind()
    }

    /// True while there is more to record at once.
    pub fn is_behind(&self) -> bool {
        !self.told.is_empty()
    }

    /// What is recorded in this turn.
    fn next(&mut self, now: WireInstant) -> Vec<Round> {
        if let Some((answer, until)) = &mut self.asking {
            match answer.try_recv() {
                Ok(rounds) => self.told.extend(rounds),
                Err(oneshot::error::TryRecvError::Empty) if now < *until => return Vec::new(),
                Err(_) => {}
            }
            self.asking = None;
        }
        let now = self.told.len().min(ROUNDS);
        self.told.drain(..now).collect()
    }
}

impl Loop {
    /// What a source has told of a hole; where there is a new one it is asked.
    pub(super) fn filled(&mut self, now: Now) -> Option<Input> {
        self.ask_source(now);
        let rounds = self.filling.next(WireInstant::now());
        (!rounds.is_empty()).then_some(Input::Observation(Observation::HoleFilled { rounds }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn round(nth: i64) -> Round {
        Round { at: Instant(nth * 10_000), counts: Default::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hole_of_days_is_told_over_many_turns_and_nothing_else_is_asked_or_evaluated_meanwhile() {
        let (to, answer) = oneshot::channel();
        let now = WireInstant::now();
        let mut filling = Filling { asking: Some((answer, now + PATIENCE)), ..Filling::default() };
        assert!(filling.next(now).is_empty() && filling.is_asking() && !filling.is_behind(), "it may still come");
        to.send((0..1_300).map(round).collect()).expect("heard");
        let mut all = Vec::new();
        for wanted in [512, 512, 276] {
            assert!(filling.is_asking());
            let turn = filling.next(now);
            assert_eq!(turn.len(), wanted);
            all.extend(turn);
            assert_eq!(filling.is_behind(), all.len() < 1_300);
        }
        assert!(!filling.is_asking() && filling.next(now).is_empty());
        assert_eq!(all, (0..1_300).map(round).collect::<Vec<_>>(), "all of it, in its order");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_it_may_take() {
        let (_to, answer) = oneshot::channel();
        let now = WireInstant::now();
        let mut filling = Filling { asking: Some((answer, now + PATIENCE)), ..Filling::default() };
        assert!(filling.next(now + PATIENCE).is_empty() && !filling.is_asking());
    }
}
