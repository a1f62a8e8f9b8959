//! A journal that cannot be written, to the command line: where the side file lies, what an earlier console
//! left in one, and the words on standard error of a launch without a screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::say::err;
use crate::base::text::printable;
use crate::engine::run::Loop;
use crate::journal::LaunchFolder;
use crate::journal::side::{self, Left};
use crate::launch::port::{Port, Snapshot};

/// Reads in what earlier consoles could not record of this `launch`, and removes their side files. `named` is
/// where the last one was told to keep them. What a person should know.
///
/// # Errors
/// The journal could not be written; then the side files stay.
pub async fn read_in(
    looping: &mut Loop,
    folder: &LaunchFolder,
    launch: &str,
    named: Option<&Path>,
) -> anyhow::Result<Vec<String>> {
    let mut noticed = Vec::new();
    for path in side::places(folder.path(), named) {
        let shown = printable(&path.display().to_string());
        match side::read(&path) {
            Ok(None) => {}
            Ok(Some(left)) if left.of.launch == launch => {
                looping.read_in(&left).await.map_err(anyhow::Error::msg)?;
                noticed.push(told(&left, &shown));
                if let Err(wrong) = side::remove(&path) {
                    noticed.push(format!("{shown} could not be removed: {wrong}"));
                }
            }
            Ok(Some(_)) => noticed.push(aside(&path, &shown, "is of another launch that lay in this folder")),
            Err(wrong) => noticed.push(aside(&path, &shown, &format!("cannot be read in: {wrong}"))),
        }
    }
    Ok(noticed)
}

fn told(left: &Left, shown: &str) -> String {
    let torn = if left.torn { "; its last line was torn" } else { "" };
    format!("what an earlier console could not record was taken in from {shown}{torn}")
}

/// Nothing is thrown away that nobody has read.
fn aside(path: &Path, shown: &str, why: &str) -> String {
    let kept: Option<PathBuf> = (1..100).map(|n| path.with_extension(format!("{n}.kept"))).find(|kept| !kept.exists());
    match kept.map(|kept| (fs::rename(path, &kept), kept)) {
        Some((Ok(()), kept)) => format!("{shown} {why}; it is kept as {}", printable(&kept.display().to_string())),
        _ => format!("{shown} {why}"),
    }
}

/// Says on standard error, once each time, that the journal cannot be written, and that it can be again.
pub fn say(port: &Port) -> JoinHandle<()> {
    let mut snapshots = port.snapshots.clone();
    tokio::spawn(async move {
        let (mut unwritten, mut said) = (false, None);
        while snapshots.changed().await.is_ok() {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            match (&snapshot.alarm, snapshot.board.unwritten.is_some()) {
                (Some(alarm), true) if !unwritten => err!("tminus: {}", printable(alarm)),
                (_, false) if unwritten => err!("tminus: the journal is written again"),
                (Some(alarm), false) if said.as_ref() != Some(alarm) => err!("tminus: {}", printable(alarm)),
                _ => {}
            }
            unwritten = snapshot.board.unwritten.is_some();
            said = snapshot.alarm.clone().filter(|_| !unwritten).or(said);
        }
    })
}

/// What is lost, or waits elsewhere, where a console leaves while the journal cannot be written.
#[must_use]
pub fn farewell(snapshots: &watch::Receiver<Arc<Snapshot>>) -> Option<String> {
    let snapshot = snapshots.borrow();
    snapshot.board.unwritten.as_ref()?;
    let alarm = snapshot.alarm.as_deref().map(printable)?;
    Some(format!("left while {alarm}; the next console takes in what is in that file"))
}
