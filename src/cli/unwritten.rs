//! A journal that cannot be written, to the command line: where the side file lies, what an earlier console
//! left in one, and the words on standard error of a launch without a screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::assemble;
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
                let taken = looping.read_in(&left).await.map_err(anyhow::Error::msg)?;
                noticed.push(told(&left, taken, &shown));
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

/// A folder that was named for the side file is tried before anything is opened.
///
/// # Errors
/// It cannot be used.
pub fn tried(named: Option<&PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    let Some(named) = named.map(assemble::absolute) else { return Ok(None) };
    let shown = named.display();
    side::usable(&named).with_context(|| format!("--side {shown} cannot be used; name another folder, or none"))?;
    Ok(Some(named))
}

/// Where the side file of the launch in `folder` goes, by the folder that is `wanted`; what a person should know.
#[must_use]
pub fn place(folder: &Path, wanted: Option<&Path>) -> (Option<PathBuf>, Option<String>) {
    let failed = wanted.and_then(|wanted| side::usable(wanted).err().map(|why| (wanted, why)));
    let place = side::place(folder, wanted.filter(|_| failed.is_none()));
    let failed = failed.map(|(wanted, why)| {
        let wanted = printable(&wanted.display().to_string());
        format!("what the launch's disk refuses is not kept in {wanted}: {why}")
    });
    let nowhere = place.is_none().then(|| {
        "no other disk keeps what the launch's disk refuses: name a folder on one with `--side DIR`".to_owned()
    });
    let noticed: Vec<String> = failed.into_iter().chain(nowhere).collect();
    (place, (!noticed.is_empty()).then(|| noticed.join("; ")))
}

fn told(left: &Left, taken: usize, shown: &str) -> String {
    let torn = if left.torn { "; its last line was torn" } else { "" };
    let found = left.records.len();
    let rest = "stand in the journal already, or tell nothing any more";
    match taken {
        0 => format!("nothing was taken in from {shown}: its {found} records {rest}{torn}"),
        _ if taken == found => {
            format!("what an earlier console could not record was taken in from {shown}: {taken} records{torn}")
        }
        _ => format!(
            "what an earlier console could not record was taken in from {shown}: {taken} of {found} records, \
             the others {rest}{torn}"
        ),
    }
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

/// What is lost, or waits elsewhere, where a console leaves while the journal cannot be written. One that was
/// taken over says it with that.
#[must_use]
pub fn farewell(snapshots: &watch::Receiver<Arc<Snapshot>>) -> Option<String> {
    let snapshot = snapshots.borrow();
    let why = snapshot.board.unwritten.as_ref().filter(|_| snapshot.taken_over.is_none())?;
    let waits = snapshot.waits.as_deref().unwrap_or("nothing that happened is lost");
    Some(format!("left while {}; {}", printable(why), printable(waits)))
}
