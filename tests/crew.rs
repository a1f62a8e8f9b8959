//! The crew: roles and their people, the second person, the brief, evidence and the end of a launch; as it
//! is seen in the console, and end to end between processes.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

mod binary;
#[expect(dead_code, reason = "each test file uses a part of this")]
mod console;
#[path = "crew/requests.rs"]
mod requests;
#[path = "crew/screens.rs"]
mod screens;
mod told;
#[expect(dead_code, reason = "each test file uses a part of this")]
mod wait;
