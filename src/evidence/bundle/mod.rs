//! The bundle: one file with everything that a launch leaves, which verifies offline and without a database. The same
//! launch gives the same bytes. It writes and describes one; `cli::verify` holds one against itself.
//!
//! Entries stand in the order of their names, then `manifest.json`, an in-toto Statement that names each with its
//! SHA-256; where a key was given, `manifest.dsse.json` holds the same bytes in a DSSE envelope, signed with ed25519.

pub mod collect;
pub mod dsse;
pub mod key;
pub mod lines;
mod logs;
mod pages;
pub mod statement;
pub mod write;

/// A file of a bundle: its name, and its bytes.
pub type Page = (String, Vec<u8>);

/// Every record with its hash, a line each.
pub const JOURNAL: &str = "journal.jsonl";
/// The last record that was synced, as the launch's folder says.
pub const HEAD: &str = "head";
pub const PLAN: &str = "plan.toml";
pub const BASELINE: &str = "baseline.json";
/// Names of what the plan's variables and secrets stood on, and hashes.
pub const ENVIRONMENT: &str = "environment.json";
pub const MANIFEST: &str = "manifest.json";
pub const ENVELOPE: &str = "manifest.dsse.json";
/// In bytes: no manifest is larger.
pub const LARGEST_MANIFEST: u64 = 64 << 20;
