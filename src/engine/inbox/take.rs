//! What lies in the inbox, read with suspicion: regular files of one name, bounded, never through a link.
//! Whose file it is says who asks: `names` has what a name in it is worth.

use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use rustix::fs::{Mode, OFlags};

use super::form::{self, LARGEST, NoRequest, Request};
use super::names::Accounts;
use super::{ANSWER, PLAN, REFUSED, TAKEN, WAITING, file};
use crate::base::rights;
use crate::launch::id::RequestId;
use crate::launch::time::Wall;

/// An answer that nobody fetched, and a request that was never finished, are swept away after this long.
const SWEEP_AFTER: Duration = Duration::from_secs(3600);

/// A request in the folder, not read yet. Older sorts first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    modified: Wall,
    pub id: RequestId,
    /// Taken already, by a console that died or could not write its journal.
    taken: bool,
}

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Looked {
    /// Oldest first.
    pub requests: Vec<Found>,
    /// Names of what is no request.
    pub misfits: Vec<OsString>,
    /// More than was asked for lies there.
    pub more: bool,
}

/// A request that is the holder's to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name is what its owner is called here.
    pub request: Request,
    /// How long ago it was asked, by the younger of what it says and what its file says: clocks differ.
    pub age: Duration,
}

#[derive(Debug)]
pub enum Untaken {
    /// Its asker took it back.
    Gone,
    No(NoRequest),
    /// Neither its fault nor its end: it is looked at again.
    Failed(io::Error),
}

/// The `most` oldest requests in the folder. Costs one look at each name that lies there, and memory for
/// `most`.
///
/// # Errors
/// The folder cannot be read.
pub fn look(inbox: &Path, most: usize, now: Wall) -> io::Result<Looked> {
    let mut oldest = BinaryHeap::with_capacity(most.saturating_add(1));
    let mut looked = Looked::default();
    for entry in fs::read_dir(inbox)? {
        let entry = entry?;
        let name = entry.file_name();
        let (id, state) = parts(&name);
        match (id, state) {
            (Some(id), Some(WAITING | TAKEN)) => {
                let Ok(modified) = entry.metadata().map(|meta| modified(&meta)) else { continue };
                let taken = state == Some(TAKEN);
                oldest.push(Found { modified, id: RequestId::new(id), taken });
                if oldest.len() > most {
                    oldest.pop();
                    looked.more = true;
                }
            }
            (Some(_), Some(ANSWER | PLAN)) => sweep(&entry, now),
            _ if name.as_encoded_bytes().starts_with(b".") => sweep(&entry, now),
            _ if name == REFUSED => {}
            _ if looked.misfits.len() < most => looked.misfits.push(name),
            _ => {}
        }
    }
    looked.requests = oldest.into_sorted_vec();
    Ok(looked)
}

/// The id and the state that a file's name tells.
fn parts(name: &OsStr) -> (Option<&str>, Option<&str>) {
    let Some((stem, state)) = name.to_str().and_then(|name| name.split_once('.')) else { return (None, None) };
    (Some(stem).filter(|stem| form::is_id(stem)), Some(state))
}

fn sweep(entry: &fs::DirEntry, now: Wall) {
    let old = entry.metadata().is_ok_and(|meta| (now - modified(&meta)).to_std().is_ok_and(|age| age > SWEEP_AFTER));
    if old {
        // One that stays is swept at the next look.
        let _ = fs::remove_file(entry.path());
    }
}

fn modified(meta: &fs::Metadata) -> Wall {
    let millis = meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Takes a request: from here on its asker cannot have it back, and it is either decided or put back.
///
/// # Errors
/// Why it was not taken.
pub fn take(inbox: &Path, found: &Found, ours: u32, now: Wall) -> Result<Taken, Untaken> {
    let path = file(inbox, &found.id, TAKEN);
    if !found.taken {
        fs::rename(file(inbox, &found.id, WAITING), &path).map_err(untaken)?;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Err(Untaken::No(irregular())),
        Err(rustix::io::Errno::ACCESS) => return Err(Untaken::No(NoRequest::Malformed("it is not readable".into()))),
        Err(wrong) => return Err(untaken(wrong.into())),
    };
    let meta = opened.metadata().map_err(Untaken::Failed)?;
    // A second name of a stranger's file would make that stranger ask.
    if !meta.is_file() || meta.nlink() != 1 {
        return Err(Untaken::No(irregular()));
    }
    let mut bytes = Vec::new();
    opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(Untaken::Failed)?;
    let mut request = form::decode(&bytes).map_err(Untaken::No)?;
    if request.id != found.id {
        return Err(Untaken::No(NoRequest::Malformed("its id is not its name".into())));
    }
    request.name = accounts(inbox, ours, |accounts| accounts.stands(&request.name, meta.uid())).map_err(Untaken::No)?;
    let filed = modified(&meta);
    let youngest = [request.asked_at, filed].into_iter().filter(|at| *at <= now).max();
    let age = youngest.map_or(Duration::ZERO, |at| (now - at).to_std().unwrap_or_default());
    if request.asked_at > now {
        request.asked_at = filed.min(now);
    }
    Ok(Taken { request, age })
}

/// As the files of this system have them now.
fn accounts<T>(inbox: &Path, ours: u32, ask: impl FnOnce(&Accounts<'_>) -> T) -> T {
    let [passwd, group] = ["/etc/passwd", "/etc/group"].map(|file| fs::read_to_string(file).unwrap_or_default());
    let shared = rights::is_shared(inbox).then(|| fs::metadata(inbox).map(|inbox| inbox.gid()).ok()).flatten();
    ask(&Accounts { passwd: &passwd, group: &group, ours, shared })
}

fn irregular() -> NoRequest {
    NoRequest::Malformed("it is no regular file of one name".into())
}

fn untaken(wrong: io::Error) -> Untaken {
    if wrong.kind() == io::ErrorKind::NotFound { Untaken::Gone } else { Untaken::Failed(wrong) }
}

/// Gives a request back to the folder: it could not be decided, and its asker may have it back.
pub fn put_back(inbox: &Path, id: &RequestId) {
    // One that stays taken is found all the same at the next look.
    let _ = fs::rename(file(inbox, id, TAKEN), file(inbox, id, WAITING));
}

/// Writes what a request came to, whole or not at all, and takes the request away.
///
/// # Errors
/// It could not be written; the request lies there still, to be answered again.
pub fn answer(inbox: &Path, id: &RequestId, bytes: &[u8]) -> io::Result<()> {
    // Not synced: the journal has it, and a power failure leaves nobody who waits.
    write(inbox, id, ANSWER, bytes, false)?;
    fs::remove_file(file(inbox, id, TAKEN))
}

/// Writes a file beside its name and renames it there: it is whole, or not there.
pub(super) fn write(inbox: &Path, id: &RequestId, state: &str, bytes: &[u8], synced: bool) -> io::Result<()> {
    let new = inbox.join(format!(".{id}.{state}.new"));
    let written = || -> io::Result<()> {
        // Another may have put something there, a link to a file of ours even: it is taken away, never written through.
        match fs::remove_file(&new) {
            Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => return Err(wrong),
            _ => {}
        }
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let mut out = rights::follow(&new, out)?;
        out.write_all(bytes)?;
        if synced {
            out.sync_all()?;
        }
        fs::rename(&new, file(inbox, id, state))
    };
    written().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

/// Moves what is no request out of the way; it is kept for whoever wants to know what it was.
///
/// # Errors
/// It cannot be moved.
pub fn set_aside(inbox: &Path, name: &OsStr) -> io::Result<()> {
    let aside = inbox.join(REFUSED);
    match fs::DirBuilder::new().mode(0o700).create(&aside) {
        Err(wrong) if wrong.kind() != io::ErrorKind::AlreadyExists => return Err(wrong),
        _ => {}
    }
    // In an inbox that others write to it may lead elsewhere.
    let there = fs::symlink_metadata(&aside)?;
    if !there.is_dir() || there.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("`{REFUSED}` is another user's")));
    }
    fs::rename(inbox.join(name), aside.join(name))
}

/// The name of the file of a request that was taken.
#[must_use]
pub fn name_of(id: &RequestId) -> OsString {
    file(Path::new(""), id, TAKEN).into_os_string()
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
