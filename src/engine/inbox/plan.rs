//! The plan that a request for an amendment brings along: a file beside it, `ID.plan`, of the same owner.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{PLAN, file, take};
use crate::base::regular;
use crate::engine::amending::LARGEST;
use crate::launch::id::RequestId;

/// Puts a plan where its request's holder finds it; before the request itself.
///
/// # Errors
/// It cannot be written.
pub fn put(inbox: &Path, id: &RequestId, text: &str) -> io::Result<()> {
    take::write(inbox, id, PLAN, text.as_bytes(), true)
}

/// The plan that came with a request.
///
/// # Errors
/// There is none, or it is not what this user wrote: a sentence for whoever asked.
pub(crate) fn take(inbox: &Path, id: &RequestId) -> Result<String, String> {
    let read = || -> io::Result<Vec<u8>> {
        let opened: File = regular::open(&file(inbox, id, PLAN))?;
        let meta = opened.metadata()?;
        if meta.nlink() != 1 {
            return Err(io::Error::other("it has a second name"));
        }
        // Whose plan a launch goes by is never a stranger's to say.
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it is another user's"));
        }
        let mut bytes = Vec::new();
        opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > LARGEST {
            return Err(io::Error::other(format!("it has more than {} MiB", LARGEST >> 20)));
        }
        Ok(bytes)
    };
    let bytes = read().map_err(|why| format!("the plan that was handed in cannot be read: {why}"))?;
    String::from_utf8(bytes).map_err(|_| "the plan that was handed in is no UTF-8 text".to_owned())
}

/// Takes the plan away, with its request.
pub fn clear(inbox: &Path, id: &RequestId) {
    // One that stays is swept away later.
    let _ = fs::remove_file(file(inbox, id, PLAN));
}
