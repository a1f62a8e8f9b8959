//! What a launch is: the plan, what may happen and what did. Pure: no clock, no file, no socket.
//! `decide` makes events of inputs, `board` folds them.

pub mod amend;
pub mod approval;
pub mod artifact;
pub mod away;
pub mod ballot;
pub mod board;
pub mod branch;
pub mod brief;
pub mod canary;
pub mod closing;
pub mod command;
pub mod countdown;
pub mod criteria;
pub mod decide;
pub mod drilled;
pub mod event;
pub mod false_trips;
pub mod fault;
pub mod fields;
pub mod gate;
mod human;
pub mod id;
pub mod incident;
pub mod item;
pub mod late;
pub mod live;
pub mod lost;
pub mod note;
pub mod objective;
pub mod occurred;
pub mod people;
pub mod plan;
pub mod playbook;
pub mod poll;
#[cfg(test)]
mod poll_tests;
mod polled;
pub mod port;
pub mod process;
pub mod proportions;
pub mod recovery;
pub mod recurring;
pub mod replay;
pub mod rollback;
#[cfg(test)]
pub mod samples;
pub mod schedule;
pub mod second;
pub mod seen;
pub mod signoff;
pub mod slip;
pub mod soak;
pub mod telling;
pub mod threshold;
pub mod time;
pub mod trigger;
pub mod turned;
pub mod turns;
pub mod undone;
pub mod unwatched;
pub mod unwritten;
pub mod verdict;
pub mod waiver;
pub mod wanted;
pub mod watching;
#[cfg(test)]
mod watching_tests;
pub mod why;
#[cfg(test)]
mod why_tests;
