//! The engine: one loop that ties the four pure verbs to the world. It decides nothing itself.
//!
//! `run` is the loop, `dispatch` a turn of it, `effects` what a record sets going; `world`, `steps`,
//! `baseline` and `runner` are the hands; `rollback` is the detached runner, a process of its own.
//! `acting` tells every hand whether this console still may; `approving` is a second key, past the loop.
//! `baseline` and `runner` are the hands; `rollback` is the detached runner, a process of its own;
//! `inbox` is what attached terminals ask, `attached` a console
//! that watches what another one holds; `picture` is how that one tells it what it sees; `outbox` tells others of the
//! journal.

pub mod acting;
pub mod amending;
pub mod approving;
pub mod attached;
pub mod baseline;
pub mod crew;
pub mod dispatch;
pub mod door;
pub mod effects;
pub mod found;
pub mod inbox;
pub mod kept;
pub mod living;
pub mod outbox;
pub mod picture;
pub mod playbooks;
pub mod replay;
pub mod revisions;
pub mod rollback;
pub mod run;
pub mod runner;
pub mod select;
pub mod steps;
mod stir;
pub mod time;
pub mod unwritten;
#[cfg(test)]
mod wall_tests;
pub mod what_if;
pub mod world;
