//! `tminus keys`: every key of the console, from the same table as the footer and the help.

use std::io::Write as _;

use super::console;
use crate::base::text::printable;
use crate::ui::action;

/// # Errors
/// The user's keymap is wrong, or standard output is gone.
pub fn run() -> anyhow::Result<i32> {
    let (keymap, file) = (console::keymap()?, console::keymap_file());
    let file = file.map(|file| printable(&file.display().to_string()));
    std::io::stdout().write_all(action::keys_page(&keymap, file.as_deref()).as_bytes())?;
    Ok(0)
}
