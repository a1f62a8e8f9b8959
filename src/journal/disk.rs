//! Whether a folder lies where a journal can be acted on: on a disk of this host. Over a network neither the
//! lock of a console nor the shared index of the store keeps two hosts apart.

use std::io;
use std::path::Path;

use rustix::fs::statfs;

/// What no console acts on, by the magic number of its file system as `linux/magic.h` and the file systems'
/// own sources have them. Not 9p: it is also how a sandbox shows the disk of its own host, and the number does
/// not tell which. Not FUSE, for the same reason.
const REMOTE: [(u64, &str); 10] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
];

/// The name of the network file system that `folder` lies on; none where it is none that is known.
///
/// # Errors
/// The folder cannot be looked at.
pub(super) fn network(folder: &Path) -> io::Result<Option<&'static str>> {
    // Its width and sign differ between machines; the numbers have 32 bits.
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "the bits are what is compared")]
    let kind = statfs(folder)?.f_type as u32;
    Ok(of(kind.into()))
}

fn of(kind: u64) -> Option<&'static str> {
    REMOTE.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_this_host_is_none_of_a_network() {
        for (magic, name) in [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0xfe53_4d42, "SMB"), (0x517b, "SMB")] {
            assert_eq!(of(magic), Some(name));
        }
        for (magic, name) in
            [(0xef53, "ext4"), (0x0102_1994, "tmpfs"), (0x9123_683e, "btrfs"), (0x794c_7630, "overlay")]
        {
            assert_eq!(of(magic), None, "{name}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(network(folder.path()).expect("looks"), None);
        network(&folder.path().join("nothing")).expect_err("nothing there");
    }
}
