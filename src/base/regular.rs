//! Files of a folder that others may write to, read with suspicion: regular ones alone, bounded, never
//! through a link. What is no such file is an error at once and never a wait.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The flags with which nothing but a regular file is waited for.
pub const WARY: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Opens `path` for reading.
///
/// # Errors
/// It is no regular file, or the file system's own.
pub fn open(path: &Path) -> io::Result<File> {
    match rustix::fs::open(path, OFlags::RDONLY | WARY, Mode::empty()) {
        Ok(file) => only(File::from(file)),
        // A link, and a socket.
        Err(Errno::LOOP | Errno::NXIO) => Err(irregular()),
        Err(error) => Err(error.into()),
    }
}

/// Opens `path`, which a person named: a link is followed there, as Kubernetes mounts what it hands over.
///
/// # Errors
/// As [`open`].
pub fn open_named(path: &Path) -> io::Result<File> {
    open(&path.canonicalize()?)
}

/// `file`, where it is a regular one.
///
/// # Errors
/// It is not.
pub fn only(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(irregular()) }
}

fn irregular() -> io::Error {
    io::Error::other("it is no regular file")
}

/// All bytes of `path`, which are at most `most`.
///
/// # Errors
/// It is no regular file, or longer; or the file system's own.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_an_error_and_no_wait() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        fs::write(at("file"), "four").expect("written");
        assert_eq!(read(&at("file"), 4).expect("read"), b"four");
        assert!(read(&at("file"), 3).is_err());
        std::os::unix::fs::symlink(at("file"), at("link")).expect("linked");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, mode, 0).expect("made");
        for name in ["link", "fifo", ".", "/dev/zero"] {
            assert!(open(&at(name)).is_err(), "{name}");
        }
        assert_eq!(open(&at("none")).expect_err("not there").kind(), io::ErrorKind::NotFound);
    }
}
