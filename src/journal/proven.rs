//! What stands in a journal, each record with its hash: for what is made from the journal alone. No lease, and
//! nothing is changed; a console may act meanwhile.

use super::chain::{Head, Walk};
use super::folder::LaunchFolder;
use super::open::OpenError;
use super::sqlite::Sqlite;
use crate::launch::event::Recorded;

/// Reads the journal in `folder` from where `walk` came to, up to its end or the first record that is not as it was
/// written.
///
/// # Errors
/// It cannot be read.
pub fn proven(folder: &LaunchFolder, walk: &mut Walk, each: &mut dyn FnMut(Recorded, Head)) -> Result<(), OpenError> {
    let in_store = |why| OpenError::Store { path: folder.journal(), why };
    let mut store = Sqlite::open_to_read(&folder.journal()).map_err(in_store)?;
    let read = store.read_after(walk.head().seq, &mut |link| match walk.take(&link) {
        Ok(record) => {
            each(record, walk.head());
            true
        }
        Err(_) => false,
    });
    read.map_err(in_store)
}
