//! What a launch is: the plan, what may happen and what did. Pure: no clock, no file, no socket.
//! `decide` makes events of inputs, `board` folds them.

pub mod approval;
pub mod ballot;
pub mod board;
pub mod command;
pub mod countdown;
pub mod criteria;
pub mod decide;
pub mod event;
pub mod gate;
mod human;
pub mod id;
pub mod incident;
pub mod item;
pub mod live;
pub mod plan;
pub mod poll;
#[cfg(test)]
mod poll_tests;
mod polled;
pub mod port;
pub mod recovery;
pub mod rollback;
#[cfg(test)]
pub mod samples;
pub mod schedule;
pub mod signoff;
pub mod telling;
pub mod time;
pub mod unwatched;
pub mod unwritten;
pub mod verdict;
