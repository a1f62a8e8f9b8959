//! What a rollback will do, and the one key that starts it; the typed name where the plan wants that.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::span;
use crate::base::text::printable;
use crate::cli::say::out;
use crate::engine::rollback::{self, Frozen};
use crate::launch::id::RollbackId;
use crate::launch::plan::Confirm;
use crate::launch::telling::end_words;

/// True where the person at the terminal wants `id` started.
///
/// # Errors
/// The terminal could not be read.
pub fn asked(launch: &Path, frozen: &Frozen, id: &RollbackId) -> anyhow::Result<bool> {
    let Some(rollback) = frozen.plan.rollback(id) else { return Ok(false) };
    out!("ROLLBACK {id}: {}", printable(&rollback.title));
    out!("  within {}", span(rollback.deadline));
    // What cannot be told here is told by the runner, at its step.
    let commands = rollback::load(launch, 0, id).map(|(orders, _)| rollback::commands(&orders)).unwrap_or_default();
    for (at, step) in rollback.steps.iter().enumerate() {
        out!("  {}. {}", at + 1, printable(&step.title));
        if let Some(command) = commands.get(at) {
            out!("     {}", printable(command));
        }
        if let Some(role) = &step.needs_approval {
            out!("     needs the approval of another person, as {role}: this step alone waits for it");
        }
    }
    for check in &rollback.verify {
        out!("  then verify: {}", printable(&check.title));
    }
    for name in rollback.uses.iter().filter(|name| !frozen.captured.contains(name)) {
        out!("  baseline value {} is not captured: what uses it fails", printable(name));
    }
    // Somebody who comes back to a rollback of before is about to begin another.
    for found in rollback::runs(launch).unwrap_or_default() {
        if let Some(end) = rollback::progress(launch, found.run, &found.rollback).end {
            let end = printable(&end_words(&end));
            out!("  run {} of {} has ended: {end}", found.run, printable(found.rollback.as_str()));
        }
    }
    match rollback.confirm {
        Confirm::Type => typed(id),
        Confirm::None | Confirm::Key => key(),
    }
}

fn typed(id: &RollbackId) -> anyhow::Result<bool> {
    asks(&format!("type {id} and press Enter to start it: "))?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("failed to read the terminal")?;
    Ok(line.trim() == id.as_str())
}

/// A question that cannot be asked is not answered either.
fn asks(question: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(question.as_bytes())?;
    out.flush()
}

fn key() -> anyhow::Result<bool> {
    asks("start it? y or Enter starts it, any other key does not ")?;
    enable_raw_mode().context("failed to read the terminal")?;
    let pressed = loop {
        match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => break Ok(key),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    disable_raw_mode().context("failed to set the terminal back")?;
    out!();
    let key = pressed.context("failed to read the terminal")?;
    let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    Ok(plain && matches!(key.code, KeyCode::Enter | KeyCode::Char('y' | 'Y')))
}
