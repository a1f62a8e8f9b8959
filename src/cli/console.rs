//! The launch in the console: the loop in the background, the screen in front.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Local};

use super::assemble::Flight;
use super::{Common, INTERRUPTED, summary};
use crate::base::source::Source;
use crate::ui::keymap::Keymap;
use crate::ui::theme::Theme;
use crate::ui::{Leave, Setup};
use crate::{clock, ui};

/// How long the loop may take to write down what it knows once the console is left.
const FAREWELL: Duration = Duration::from_secs(2);

/// Flies a launch in the console until it is left or over. The exit code.
///
/// # Errors
/// The user's keymap is wrong, or the terminal could not be used.
pub async fn fly(flight: Flight, common: &Common) -> anyhow::Result<i32> {
    let Flight { looping, port, folder, operator, rehearsal, .. } = flight;
    let setup = Setup {
        operator: operator.name,
        role: operator.role,
        theme: Theme::new(std::env::var_os("NO_COLOR").is_none(), common.ascii),
        keymap: keymap()?,
        offset: *DateTime::<Local>::from(clock::wall()).offset(),
        boot: clock::boot,
    };
    let snapshots = port.snapshots.clone();
    let flying = tokio::spawn(looping.run(None));
    let left = ui::run(port, setup).await;
    // A step or a rollback under way goes on by itself; only the loop has to have written down that we left.
    let _ = tokio::time::timeout(FAREWELL, flying).await;
    let left = left?;
    let snapshot = Arc::clone(&snapshots.borrow());
    let word = if rehearsal { "rehearse" } else { "run" };
    let over = snapshot.board.ended.is_some();
    if over {
        println!("{}", summary::text(&snapshot.board, snapshot.now.instant, &folder.display().to_string()));
    } else {
        println!("The launch goes on with: tminus {word} --launch {}", folder.display());
    }
    Ok(match left {
        Leave::Signal(_) | Leave::Hangup => INTERRUPTED,
        Leave::Quit | Leave::Closed if over => summary::exit_code(&snapshot.board, snapshot.now.instant),
        Leave::Quit | Leave::Closed => 0,
    })
}

/// The default keys, with the user's own over them where there is a file.
fn keymap() -> anyhow::Result<Keymap> {
    let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = of("HOME").map(|home| home.join(".config"));
    let path = of("XDG_CONFIG_HOME").or(home).map(|folder| folder.join("tminus/keymap.toml"));
    match path.filter(|path| path.exists()) {
        None => Ok(Keymap::load(None)?),
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
            Ok(Keymap::load(Some(&Source::new(path.display().to_string(), text)))?)
        }
    }
}
