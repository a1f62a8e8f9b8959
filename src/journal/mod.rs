//! The journal: the append-only, hash-chained record of everything that happened in a launch. Records
//! and their wire form, the stores that keep their exact bytes, the lease that lets one console act and the taking over of it,
//! the launch folder, and the thread that commits.
//!
//! It knows what an event is, never what it means: no rule, no fold.

mod answer;
pub mod audit;
pub mod beside;
pub mod chain;
mod disk;
pub mod finding;
pub mod folder;
pub mod head;
pub mod inspect;
pub mod lease;
pub mod memory;
pub mod open;
pub mod proven;
pub mod record;
pub mod side;
pub mod sqlite;
pub mod store;
pub mod take_over;
mod whole;
pub mod wire;
pub mod writer;

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod take_over_tests;
#[cfg(test)]
mod writer_tests;

pub use answer::{Answer, Beaten};
pub use folder::LaunchFolder;
pub use inspect::{Inspected, inspect};
pub use lease::{Held, Holder, LeaseError, Stake, look};
pub use open::{Noticed, OpenError, Opened, Purpose, first, open, open_each};
pub use record::Draft;
pub use store::{Beat, Durable};
pub use take_over::TookOver;
pub use writer::{AppendError, Health, Journal, Kept};
