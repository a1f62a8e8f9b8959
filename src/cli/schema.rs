//! `tminus schema`: the JSON Schema of the plan format, for editors. The docs test makes it from what the readers ask for.

use std::io::Write as _;

const SCHEMA: &str = include_str!("../../docs/plan.schema.json");

/// # Errors
/// Standard output is gone.
pub fn run() -> anyhow::Result<i32> {
    std::io::stdout().write_all(SCHEMA.as_bytes())?;
    Ok(0)
}
