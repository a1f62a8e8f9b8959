//! The crew: roles and their people, the second person, the brief, evidence and the end of a launch, end to end
//! between processes. How it looks is in `crew/screens.rs`.

#[path = "crew/requests.rs"]
mod requests;
