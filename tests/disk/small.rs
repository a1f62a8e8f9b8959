//! A small disk of memory that a test can fill to its last byte.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in the copy of this test that runs as the root of a namespace of its own.
const INSIDE: &str = "TMINUS_TEST_INSIDE";

/// Unmounted when this is dropped.
pub struct Small {
    place: tempfile::TempDir,
}

/// A place to run in.
pub enum Disk {
    Here(Small),
    /// The test ran in a namespace of its own, and passed.
    Elsewhere,
    /// Nobody may mount here.
    Nowhere,
}

impl Small {
    fn mount(size: &str) -> Option<Self> {
        let place = tempfile::tempdir().expect("a folder");
        let options = format!("size={size},mode=700");
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &options, "tminus-test"]).arg(place.path()).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self { place })
    }

    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Takes every byte that is left.
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("filling");
        let mut file: File = OpenOptions::new().create(true).append(true).open(&path).expect("opens");
        for piece in [64 << 10, 4 << 10, 1] {
            while file.write_all(&vec![b'x'; piece]).is_ok() {}
        }
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// A small disk for the test `name`: mounted here, or the whole test again where we are root of our own.
pub fn disk(name: &str, size: &str) -> Disk {
    if let Some(small) = Small::mount(size) {
        return Disk::Here(small);
    }
    if std::env::var_os(INSIDE).is_some() {
        return Disk::Nowhere;
    }
    let mut again = Command::new("unshare");
    again.arg("-Urm").arg(std::env::current_exe().expect("this test")).args([
        "--exact",
        &format!("disk::{name}"),
        "--nocapture",
    ]);
    match again.env(INSIDE, "1").output() {
        Ok(ran) if ran.status.success() => {
            let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
            assert!(told.contains("1 passed"), "no test was run inside: {told}");
            if told.contains("skipped: ") { Disk::Nowhere } else { Disk::Elsewhere }
        }
        Ok(ran) if String::from_utf8_lossy(&ran.stderr).contains("unshare") => Disk::Nowhere,
        Ok(ran) => panic!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)),
        Err(_) => Disk::Nowhere,
    }
}
