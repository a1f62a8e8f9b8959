//! tminus: a launch war-room console for the terminal.
//!
//! The layers, each importing only those above it (`tests/architecture.rs` holds this):
//!
//! | layer | is |
//! |---|---|
//! | `base` | sources, tables, templates, secrets, jq, the wire, processes |
//! | `launch` | what a launch is: pure rules, events, the board |
//! | `clock` | the only reader of wall and monotonic time |
//! | `journal` | records, their chain, the store, the lease |
//! | `kind` | the kinds of check and step |
//! | `watch` | monitors and streams |
//! | `plan` | from the file to `launch::plan` and a catalogue |
//! | `notify` | who is told while it runs: the outbox, and the forms of what is sent
//! | `evidence` | what a launch leaves behind for people, made from its journal |
//! | `evidence` | documents made from the board, for people who were not there |
//! | `engine` | the loop: decide, append, apply, effects; the rollback runner |
//! | `rehearsal` | the simulated target made from a plan |
//! | `ui` | the console, over `launch` and `base` alone |
//! | `cli` | one file a subcommand |

pub mod base;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod evidence;
pub mod journal;
pub mod kind;
pub mod launch;
pub mod notify;
pub mod plan;
pub mod rehearsal;
pub mod ui;
pub mod watch;
