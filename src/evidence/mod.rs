//! What a launch leaves behind for people, made from its journal alone: made again, it is the same.

pub mod decision;
mod keep;
mod markdown;

pub use keep::{KeepError, decision_file, keep_decisions};
