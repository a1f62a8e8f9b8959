//! What a launch leaves for people who were not there: documents made from the board, and from its journal
//! alone: made again, they are the same. `keep` writes decisions; who writes the others where is the engine's
//! and the command line's to say.

pub mod artifacts;
pub mod bundle;
pub mod decision;
pub mod given;
pub mod incident;
pub mod junit;
mod keep;
mod markdown;
pub mod replay;
pub mod report;

pub use keep::{Decisions, KeepError, decision_file};
