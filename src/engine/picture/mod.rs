//! The live picture, told from the console that looks to those that are attached: samples and lines, which no
//! journal has. By a socket in the launch folder, so that nothing is written while nobody listens, nothing is left
//! behind by a console that dies, and nothing that a listener does is read. Nothing here decides.
//!
//! `form` is what a line of it says, `tell` the end of the console that looks, `hear` the other.

pub mod form;
pub mod hear;
pub mod tell;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Its name in the launch folder.
pub const SOCKET: &str = "console.sock";

/// The folder, held open, and the path of the socket in it: by way of the open folder, since the path of a socket
/// has a hundred bytes and that of a launch may have more.
fn place(launch: &Path) -> io::Result<(File, PathBuf)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = File::from(rustix::fs::open(launch, flags, Mode::empty())?);
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET);
    Ok((folder, path))
}
