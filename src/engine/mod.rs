//! The engine: what drives a launch.

pub mod rollback;
