//! The asker's end of the inbox: writes a request, waits for what it came to, and takes it back where
//! nobody decided it. Blocks; an attached console does it beside its screen.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::form::{self, Answer, LARGEST, NoRequest, Request};
use super::{ANSWER, WAITING, file, take};
use crate::clock;
use crate::launch::command::Command;
use crate::launch::id::{RequestId, RoleId};

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How much longer a request is waited for that the holder has taken and can be taken back no more.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Answered(Answer),
    /// Nobody took it in time, and nobody will: it was taken back.
    Withdrawn,
    /// A note or an incident that nobody took in time: the next console records it.
    Kept,
    /// A console took it and did not say what became of it: it may be recorded still.
    Taken,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("failed to ask: {0}")]
    NoRequest(#[from] NoRequest),
    #[error("failed to write the request: {0}")]
    Unwritten(#[from] io::Error),
}

/// A request of `name` for `command`, asked now, with an id of its own.
///
/// # Errors
/// The system gives no chance to draw an id from.
pub fn request(name: &str, role: Option<RoleId>, command: Command) -> io::Result<Request> {
    let mut chance = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut chance)?;
    let id = RequestId::new(format!("{:032x}", u128::from_be_bytes(chance)));
    Ok(Request { id, name: name.to_owned(), role, asked_at: clock::wall(), command })
}

/// Writes `request` into the inbox, synced before it takes its name.
///
/// # Errors
/// It is no request, or cannot be written.
pub fn submit(inbox: &Path, request: &Request) -> Result<(), AskError> {
    let bytes = form::encode(request)?;
    take::write(inbox, &request.id, WAITING, &bytes, true)?;
    // A kept note outlives a power failure too; without it an answer tells.
    let _ = File::open(inbox).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Submits `request` and waits up to `patience` for what becomes of it.
///
/// # Errors
/// It could not be submitted.
pub fn ask(inbox: &Path, request: &Request, patience: Duration) -> Result<Settled, AskError> {
    submit(inbox, request)?;
    if let Some(answer) = wait(inbox, &request.id, patience) {
        return Ok(Settled::Answered(answer));
    }
    // What was seen is worth recording however late; the rest was about a moment that has passed.
    let is_seen = request.command.is_sighting();
    if is_seen || withdraw(inbox, &request.id) {
        return Ok(if is_seen { Settled::Kept } else { Settled::Withdrawn });
    }
    Ok(wait(inbox, &request.id, LAST_WAIT).map_or(Settled::Taken, Settled::Answered))
}

/// Waits up to `patience` for the answer to `id`.
#[must_use]
pub fn wait(inbox: &Path, id: &RequestId, patience: Duration) -> Option<Answer> {
    let began = clock::boot();
    loop {
        if let Some(answer) = answered(inbox, id) {
            return Some(answer);
        }
        let passed = Duration::from_millis(u64::try_from(clock::boot() - began).unwrap_or(0));
        let left = patience.checked_sub(passed).filter(|left| !left.is_zero())?;
        thread::sleep(LOOK.min(left));
    }
}

/// The answer to `id`, where it is there; it is taken away.
fn answered(inbox: &Path, id: &RequestId) -> Option<Answer> {
    let path = file(inbox, id, ANSWER);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = File::from(rustix::fs::open(&path, flags, Mode::empty()).ok()?);
    let mut bytes = Vec::new();
    opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes).ok()?;
    let answer = form::decode_answer(&bytes, id)?;
    // One that stays is swept away by a console, later.
    let _ = std::fs::remove_file(&path);
    Some(answer)
}

/// Takes a request back, unless a console has taken it.
#[must_use]
pub fn withdraw(inbox: &Path, id: &RequestId) -> bool {
    let back = inbox.join(format!(".{id}.withdrawn"));
    let won = std::fs::rename(file(inbox, id, WAITING), &back).is_ok();
    if won {
        let _ = std::fs::remove_file(back);
    }
    won
}
