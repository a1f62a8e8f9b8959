//! A turn that was made is settled: recorded, shown, and only then its effects start. And the heartbeat,
//! which finds out about a disk that nothing else is asked of.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant as WireInstant;

use super::{Loop, Reply, SECOND, snapshot, stand_by};
use crate::engine::dispatch::Turn;
use crate::engine::unwritten::{self, Unwritten};
use crate::journal::{AppendError, Beat, Health};
use crate::launch::command::{Input, Refusal};
use crate::launch::event::{Event, Recorded};
use crate::launch::port::Snapshot;
use crate::launch::time::Now;

/// What an effect does on a disk is waited for no longer; it goes on by itself.
const PATIENCE: Duration = Duration::from_millis(250);

/// Waits for what was begun beside the loop, so that it has begun where the disk answers.
pub(super) async fn awaited(begun: Option<JoinHandle<()>>) {
    if let Some(begun) = begun {
        let _ = tokio::time::timeout(PATIENCE, begun).await;
    }
}

/// What was accepted before the disk did not answer, and is refused now, may be recorded yet.
fn doubt(given_up: &[Result<(), Refusal>], answers: &mut [Result<(), Refusal>]) {
    for (before, answer) in given_up.iter().zip(answers) {
        if let (Ok(()), Err(Refusal(why))) = (before, answer) {
            why.push_str("; should the disk answer yet, the record of it may stand there");
        }
    }
}

impl Loop {
    /// Appends a turn's records, shows the board they made, and starts what follows from them. While the
    /// journal cannot be written the turn is made again of what stands without its record, and that waits.
    pub(super) async fn settle(&mut self, turn: Turn, now: Now, inputs: &[Input], replies: Vec<Option<Reply>>) {
        let Turn { mut records, mut answers } = turn;
        let before = Arc::clone(self.dispatch.published());
        let mut recorded = false;
        if self.unwritten.is_none() {
            match self.append(&records, self.limit()).await {
                Ok(()) => {
                    if !records.is_empty() {
                        self.dispatch.commit();
                    }
                    self.settled = now;
                    recorded = true;
                }
                // Another console acts now: this one neither records nor does anything.
                Err(wrong) if unwritten::is_fenced(&wrong) => {
                    self.dispatch.abandon();
                    records.clear();
                    answers = inputs.iter().map(|_| Err(Refusal(wrong.to_string()))).collect();
                }
                Err(wrong) => {
                    self.withhold(unwritten::reason(&wrong), unwritten::lasts(&wrong));
                    let given_up = std::mem::take(&mut answers);
                    Turn { records, answers } = self.dispatch.turn(inputs, now);
                    if matches!(wrong, AppendError::NoAnswer) {
                        doubt(&given_up, &mut answers);
                    }
                }
            }
        }
        let records: Vec<Recorded> = records.into_iter().map(Recorded::from).collect();
        // What is in the journal is done by whoever holds it now, what is not was asked of one who did not.
        let taken_over = self.is_taken_over();
        if let Some(unwritten) = self.unwritten.as_mut().filter(|_| !taken_over) {
            unwritten.keep(&records);
        }
        let shown = self.dispatch.shown();
        let amended = Self::amended_at(&records);
        for (place, record) in records.iter().enumerate().filter(|_| !taken_over) {
            let board = if amended.is_some_and(|at| place < at) { &before } else { &shown };
            if amended == Some(place) {
                self.refit(&before, board);
            }
            // Between the decision and here lies a disk's sync, or a stop of this process.
            let step = matches!(record.event, Event::StepIntended { .. });
            let begun = if step && self.finder.is_overtaken(board).await {
                self.parts.effects.withhold(record, board)
            } else if self.hung.has_begun(record) {
                None
            } else {
                self.parts.effects.start(record, board)
            };
            awaited(begun).await;
        }
        for record in records.iter().filter(|_| taken_over && recorded) {
            awaited(self.parts.effects.hand_over(record, &shown)).await;
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            if let Some(reply) = reply {
                let answer = match &self.taken_over {
                    Some(words) => Err(stand_by::last_word(words, recorded && answer.is_ok())),
                    None => answer,
                };
                let _ = reply.send(answer);
            }
        }
        // A turn in which nothing happened shows nothing new; the second's beat shows the time.
        if !records.is_empty() && !taken_over {
            self.publish();
        }
    }

    pub(super) fn publish(&mut self) {
        if self.taken_over.is_some() {
            return;
        }
        let live = Arc::clone(&self.parts.live.borrow_and_update());
        let waits = self.unwritten.as_ref().and_then(Unwritten::waits);
        let proposal = self.amending.proposal();
        let snapshot = Snapshot { waits, proposal, ..snapshot(self.dispatch.shown(), live, &self.parts, self.alarm()) };
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// The heartbeat of T, outside the chain: what a crash comes back to.
    pub(super) async fn beat(&mut self) {
        if self.beaten_at.elapsed() < SECOND {
            return;
        }
        self.beaten_at = WireInstant::now();
        if self.parts.effects.world.unkept().is_some() {
            drop(self.parts.effects.world.keep_baseline(&self.dispatch.shown()));
        }
        self.parts.effects.world.kept.again();
        if self.unwritten.is_none() && !self.hung.is_beaten().await {
            self.withhold(AppendError::NoAnswer.to_string(), false);
        }
        if self.unwritten.is_none() {
            self.beat_now();
            let health = self.parts.journal.health().borrow().clone();
            match health {
                Health::Failing(why) => self.withhold(why, false),
                Health::Lost(why) => self.withhold(why, true),
                // What is kept besides the records does not stop the launch; one that was taken over has nothing
                // to keep.
                Health::Well | Health::Unguarded(_) | Health::TakenOver(_) => {}
            }
        }
        self.publish();
    }

    /// As of the last turn: since then nobody watched.
    fn beat_now(&mut self) {
        let Some(now) = self.dispatch.turned_at() else { return };
        if let Some(clock) = self.dispatch.published().clock_at(now.instant) {
            let beaten = self.parts.journal.beat(Beat { t: clock.t, at: now.instant, wall: now.wall });
            self.hung.beating(beaten);
        }
    }
}
