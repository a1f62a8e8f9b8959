//! `tminus keys`: every key of the console, from the same table as the footer and the help.

use std::io::Write as _;

use super::look;
use crate::base::text::printable;
use crate::ui::action;
use crate::ui::keymap::Keymap;

/// # Errors
/// The user's keymap is wrong, or standard output is gone.
pub fn run() -> anyhow::Result<i32> {
    let own = look::own("keymap.toml").transpose()?;
    let (keymap, file) = (Keymap::load(own.as_ref())?, own.map(|own| printable(&own.name)));
    std::io::stdout().write_all(action::keys_page(&keymap, file.as_deref()).as_bytes())?;
    Ok(0)
}
