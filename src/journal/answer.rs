//! The answers of the thread that writes: a disk may give them late, or never. Waiting is bounded here; what
//! follows from an answer that does not come is the loop's to decide.

use std::time::Duration;

use tokio::sync::oneshot::{Receiver, error::TryRecvError};

use super::writer::{AppendError, Kept};

/// A wait is made of so many: a stop of this process takes one of them, and not all.
const SLICES: u32 = 10;

/// What becomes of an append, once the disk answers. The append happens though this is dropped.
#[derive(Debug)]
pub struct Answer(Receiver<Kept>);

/// Whether a heartbeat was dealt with, written or not.
#[derive(Debug)]
pub struct Beaten(Receiver<()>);

impl Answer {
    pub(super) fn new(answer: Receiver<Kept>) -> Self {
        Self(answer)
    }

    /// Waits for it, no longer than `limit` of the time that this process runs. Not asked again once it came.
    pub async fn within(&mut self, limit: Duration) -> Option<Kept> {
        for _ in 0..SLICES {
            if let Ok(told) = tokio::time::timeout(limit / SLICES, &mut self.0).await {
                return Some(told.unwrap_or(Err(AppendError::Closed)));
            }
        }
        None
    }

    /// It, where it has come. Not asked again then.
    pub fn now(&mut self) -> Option<Kept> {
        match self.0.try_recv() {
            Ok(told) => Some(told),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(Err(AppendError::Closed)),
        }
    }
}

impl Beaten {
    pub(super) fn new(beaten: Receiver<()>) -> Self {
        Self(beaten)
    }

    #[must_use]
    pub fn is_answered(&mut self) -> bool {
        // One that was dropped for a later one was dealt with, too.
        !matches!(self.0.try_recv(), Err(TryRecvError::Empty))
    }

    /// As [`Beaten::is_answered`], once a thread that was only about to had the time for it.
    pub async fn comes_within(&mut self, limit: Duration) -> bool {
        for _ in 0..SLICES {
            if self.is_answered() {
                return true;
            }
            tokio::time::sleep(limit / SLICES).await;
        }
        self.is_answered()
    }
}
