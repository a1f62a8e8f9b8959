//! What a journal is kept in: an object-safe port. A store keeps exact bytes in order; it does not know
//! what they mean, and refuses whoever does not hold the lease or has not read everything.

use super::chain::{Head, Link};
use crate::launch::time::{Instant, Wall};

/// How safe an append is once it is acknowledged. A kill of this process loses neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durable {
    /// Handed to the system: a power failure may lose it.
    Written,
    /// Synced to disk: for intents and acknowledged commands.
    Synced,
}

/// What an append must find, or it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub epoch: u64,
    pub head: Head,
}

/// The heartbeat: the last T, outside the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Milliseconds before T-0.
    pub t: i64,
    pub at: Instant,
    /// To the millisecond.
    pub wall: Wall,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another console took the lease.
    #[error("another console holds the launch now (epoch {found}, ours is {ours})")]
    LeaseLost { ours: u64, found: u64 },
    /// Somebody appended; read in and decide again.
    #[error("the journal ends at record {found}, not at {expected} as read")]
    Moved { expected: u64, found: u64 },
    /// Another process writes, and did not end within our patience.
    #[error("another process is writing to it and does not end: find it with `fuser -v`")]
    Busy,
    #[error("the disk is full")]
    Full,
    #[error("this is no journal: {0}")]
    NoJournal(String),
    #[error("the journal's layout is version {0}, newer than this tminus: use a newer one")]
    NewerLayout(i64),
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Whether trying the same again later may work.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full | Self::Busy | Self::Failed(_))
    }
}

impl From<std::io::Error> for StoreError {
    fn from(wrong: std::io::Error) -> Self {
        if wrong.kind() == std::io::ErrorKind::StorageFull { Self::Full } else { Self::Failed(wrong.to_string()) }
    }
}

pub trait Store: Send {
    /// Every link in order, until `each` returns false.
    ///
    /// # Errors
    /// The store cannot be read.
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError>;

    /// The lease's epoch; 0 before anyone held it.
    ///
    /// # Errors
    /// The store cannot be read.
    fn epoch(&mut self) -> Result<u64, StoreError>;

    /// Takes the lease: the next epoch, synced. Appends with an older one are refused from then on.
    ///
    /// # Errors
    /// The store cannot be written.
    fn raise_epoch(&mut self) -> Result<u64, StoreError>;

    /// Appends `links`, all or none, if the store is as `expected`.
    ///
    /// # Errors
    /// It is not as expected, or it cannot be written.
    fn append(&mut self, expected: Expected, links: &[Link], durable: Durable) -> Result<(), StoreError>;

    /// Takes away the last record, which was torn, if it is the one at `seq`.
    ///
    /// # Errors
    /// The lease is another's, the last record is another, or the store cannot be written.
    fn cut(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError>;

    /// # Errors
    /// The store cannot be read.
    fn beat(&mut self) -> Result<Option<Beat>, StoreError>;

    /// Writes the heartbeat. `Synced` also syncs everything appended before.
    ///
    /// # Errors
    /// The lease is another's, or the store cannot be written.
    fn set_beat(&mut self, epoch: u64, beat: Beat, durable: Durable) -> Result<(), StoreError>;

    /// Syncs everything, before leaving.
    ///
    /// # Errors
    /// The store cannot be written.
    fn settle(&mut self) -> Result<(), StoreError>;
}
