//! Rollbacks that lie in a launch's folder and that its journal does not tell: a terminal can start one without it,
//! and no console reads one in once the launch has ended. Whoever says what became of a launch asks here too.

use std::io;
use std::path::Path;

use crate::engine::rollback::{self, Found};

/// The runs in the folder `launch` whose numbers are not `known`, in their order.
///
/// # Errors
/// The folder cannot be read: nobody knows whether there are any.
pub fn strangers(launch: &Path, known: impl Fn(u32) -> bool) -> io::Result<Vec<Found>> {
    let runs = rollback::runs(launch)?;
    Ok(runs.into_iter().filter(|found| !known(found.run)).collect())
}
