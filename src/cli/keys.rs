//! `tminus keys`: every key of the console, from the same table as the footer and the help.

use std::io::Write as _;

/// # Errors
/// Standard output is gone.
pub fn run() -> anyhow::Result<i32> {
    std::io::stdout().write_all(crate::ui::action::keys_page().as_bytes())?;
    Ok(0)
}
