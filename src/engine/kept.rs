//! Documents that are kept beside the journal for people, in the launch's `evidence` folder: written whole or
//! not at all, 0600, off the loop, the newest of each alone. The journal has everything that stands in them:
//! one that cannot be written stops nothing, is said in the banner, and is tried again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::world::World;
use crate::base::proc::{create_private_dir, write_whole};
use crate::evidence;
use crate::launch::board::Board;
use crate::launch::event::Event;
use crate::launch::incident;

/// What waits to be written. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    wanted: BTreeMap<PathBuf, Vec<u8>>,
    /// A task is at it.
    writing: bool,
    trouble: Option<String>,
}

impl Kept {
    /// Has `bytes` written to `path`, in place of what was wanted there before.
    pub fn put(&self, path: PathBuf, bytes: Vec<u8>) {
        self.state().wanted.insert(path, bytes);
        self.write();
    }

    /// Tries again what could not be written.
    pub fn again(&self) {
        if self.state().trouble.is_some() {
            self.write();
        }
    }

    /// Why something is not there, as a sentence.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    fn write(&self) {
        if std::mem::replace(&mut self.state().writing, true) {
            return;
        }
        let own = self.clone();
        // It ends by itself; the runtime waits for it when it shuts down.
        drop(tokio::task::spawn_blocking(move || own.write_all()));
    }

    fn write_all(&self) {
        loop {
            let mut state = self.state();
            let Some((path, bytes)) = state.wanted.pop_first() else {
                (state.writing, state.trouble) = (false, None);
                return;
            };
            drop(state);
            let folder = path.parent().map_or(Ok(()), create_private_dir);
            let Err(why) = folder.and_then(|()| write_whole(&path, &bytes)) else { continue };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            tracing::error!("failed to write evidence {name}: {why}");
            let mut state = self.state();
            // Unless something newer is wanted there by now.
            state.wanted.entry(path).or_insert(bytes);
            state.trouble = Some(format!("evidence/{name} cannot be written: {why}; the journal has what it says"));
            state.writing = false;
            return;
        }
    }

    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Keeps the record of every incident: a console that died may not have.
    pub fn keep_incidents(&self, board: &Board) {
        board.incidents.iter().for_each(|known| self.keep_incident(board, known));
    }

    /// Keeps the record of the incident that `event` is about.
    pub fn keep_incident_of(&self, board: &Board, event: &Event) {
        if let Event::IncidentOpened { incident: number, .. }
        | Event::IncidentChanged { incident: number, .. }
        | Event::IncidentRang { incident: number, .. } = event
            && let Some(known) = incident::find(board, *number)
        {
            self.keep_incident(board, known);
        }
    }

    fn keep_incident(&self, board: &Board, known: &incident::Incident) {
        let Some(folder) = self.folder.as_ref().filter(|_| self.acting.may()) else { return };
        let page = self.redactor.text(&evidence::incident::markdown(known, board));
        self.kept.put(folder.join("evidence").join(format!("incident-{}.md", known.number)), page.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Shutting the runtime down waits for what is being written.
    fn within(act: impl FnOnce()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { act() });
    }

    #[test]
    fn the_newest_is_kept_whole_and_private_and_a_failure_is_said_and_tried_again() {
        let place = tempfile::tempdir().expect("a folder");
        let (kept, file) = (Kept::default(), place.path().join("evidence/incident-1.md"));
        within(|| (0..50).for_each(|n| kept.put(file.clone(), format!("{n}").into_bytes())));
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "49");
        let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&place.path().join("evidence"))), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(place.path().join("evidence")).expect("reads").count(), 1, "nothing half written");

        let blocked = place.path().join("blocked");
        std::fs::write(&blocked, "a file where a folder should be").expect("written");
        within(|| kept.put(blocked.join("incident-2.md"), b"x".to_vec()));
        assert!(kept.trouble().is_some_and(|why| why.contains("evidence/incident-2.md cannot be written")));
        std::fs::remove_file(&blocked).expect("removed");
        within(|| kept.again());
        assert_eq!(kept.trouble(), None);
        assert_eq!(std::fs::read_to_string(blocked.join("incident-2.md")).expect("there"), "x");
    }
}
