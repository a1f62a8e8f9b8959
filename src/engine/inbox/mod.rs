//! The inbox: what attached terminals ask of the console that holds the launch, by plain files.
//!
//! `form` is what stands in them; `ask` and `bring` are the asker's end, `take` and `desk` the holder's. A request is `ID.json` while anybody may still take it: its asker back, or the holder, who
//! renames it to `ID.taken`. A rename has one winner, so it is either withdrawn or decided. What it came to
//! stands in `ID.answer`; what is no request is set aside in `refused/`.
//!
//! Nothing here decides: `launch::decide` does, and the journal keeps what was decided, once.

pub mod ask;
pub mod bring;
pub mod desk;
pub mod form;
pub mod names;
pub mod plan;
pub mod take;

use std::path::{Path, PathBuf};

use crate::launch::id::RequestId;

/// A request that waits.
const WAITING: &str = "json";
/// A request that the holder has taken: its asker cannot have it back.
const TAKEN: &str = "taken";
/// What a request came to.
const ANSWER: &str = "answer";
/// The plan that a request for an amendment brings along.
const PLAN: &str = "plan";
/// Where what is no request is set aside.
const REFUSED: &str = "refused";

fn file(inbox: &Path, id: &RequestId, state: &str) -> PathBuf {
    inbox.join(format!("{id}.{state}"))
}
