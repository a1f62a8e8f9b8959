//! What the disk has not answered yet, and which rollbacks were begun without waiting for it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::journal::{Answer, Beaten};
use crate::launch::event::{Event, Recorded};

/// A thread that was about to answer has this long.
const MOMENT: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Hung {
    /// An append whose answer did not come in time. Nothing is handed over while it is out.
    pub append: Option<Answer>,
    beat: Option<Beaten>,
    /// Runs that were begun before their request was synced.
    begun: BTreeSet<u32>,
    remarks: Vec<String>,
}

impl Hung {
    /// The last heartbeat handed over.
    pub fn beating(&mut self, beaten: Beaten) {
        self.beat = Some(beaten);
    }

    /// Whether the heartbeat before this one was dealt with.
    pub async fn is_beaten(&mut self) -> bool {
        match &mut self.beat {
            Some(beaten) => beaten.comes_within(MOMENT).await,
            None => true,
        }
    }

    /// True while a disk owes us an answer.
    pub fn is_hanging(&mut self) -> bool {
        self.append.is_some() || self.beat.as_mut().is_some_and(|beaten| !beaten.is_answered())
    }

    /// True of the request of a rollback that was begun before it was synced.
    pub fn has_begun(&self, record: &Recorded) -> bool {
        matches!(record.event, Event::RollbackRequested { run, .. } if self.begun.contains(&run))
    }

    /// `record` asks for a rollback, and that one begins now, unsynced.
    pub fn begins(&mut self, record: &Recorded, after: Duration) {
        let Event::RollbackRequested { rollback, run, .. } = &record.event else { return };
        self.begun.insert(*run);
        self.remarks.push(format!(
            "rollback {rollback} #{run} went on unsynced: the disk had not answered for its request within {} ms",
            after.as_millis()
        ));
    }

    /// What is to be noted, once.
    pub fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}
