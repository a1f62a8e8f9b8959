//! The worker's side of `tminus __jq`: frames in, frames out, in a process that may do nothing else. It
//! must not outlive its parent's pipe, nor take more than its limits.

use std::io::{self, Read, Write};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::engine::Engine;

/// What a worker says first, so that another program is not taken for one.
pub(super) const HELLO: &[u8] = b"tminus jq 1";
/// Bytes of a frame, either way.
pub(super) const FRAME: usize = 64 << 20;
/// Bytes of address space.
const SPACE: u64 = 768 << 20;
/// Seconds of processor time for one evaluation, where nobody is left to end it sooner.
const PROCESSOR: u64 = 3;

/// Answers requests until its input ends; the exit code.
#[must_use]
pub fn main() -> i32 {
    if confine().is_err() {
        return 1;
    }
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut engine = Engine::default();
    if write_frame(&mut output, HELLO).is_err() {
        return 1;
    }
    while let Ok(request) = read_frame(&mut input) {
        if allot().is_err() || write_frame(&mut output, &engine.answer(&request).encode()).is_err() {
            return 1;
        }
    }
    0
}

fn confine() -> rustix::io::Result<()> {
    for (resource, most) in
        [(Resource::As, SPACE), (Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 3), (Resource::Nproc, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// Processor time from here on for the next evaluation.
fn allot() -> rustix::io::Result<()> {
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let maximum = getrlimit(Resource::Cpu).maximum;
    setrlimit(Resource::Cpu, Rlimit { current: Some(used + PROCESSOR), maximum })
}

/// # Errors
/// The pipe's, its end included, or a frame beyond [`FRAME`].
pub(super) fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = Vec::new();
    from.take(length as u64).read_to_end(&mut frame)?;
    if frame.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(frame) }
}

/// # Errors
/// The pipe's, or a frame beyond [`FRAME`].
pub(super) fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= FRAME);
    to.write_all(&length.ok_or(io::ErrorKind::InvalidData)?.to_le_bytes())?;
    to.write_all(frame)?;
    to.flush()
}
