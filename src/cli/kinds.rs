//! `tminus kinds`: every kind of item with an example.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::plan::kinds;

/// Prints the kinds.
///
/// # Errors
/// Standard output is gone.
pub fn run() -> anyhow::Result<i32> {
    std::io::stdout().write_all(text().as_bytes())?;
    Ok(0)
}

/// Every kind: its word, what it does, and how it stands in a plan.
#[must_use]
pub fn text() -> String {
    let mut out = String::new();
    for kind in kinds::all() {
        let _ = writeln!(out, "{} ({})\n  {}\n", kind.name, kind.family, kind.line);
        let _ = writeln!(out, "  [phase.item.{}]", kind.name);
        for line in kind.example.lines() {
            let _ = writeln!(out, "  {line}");
        }
        out.push('\n');
    }
    out
}
