//! Writes and syncs that fail when told to: a library before the system's own, for the console and everything
//! that it starts.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::site::Site;

/// The control file of one launch.
pub struct Faulty {
    control: PathBuf,
}

impl Faulty {
    pub fn new(site: &Site) -> Self {
        Self { control: site.home.path().join("faults") }
    }

    pub fn variables(&self) -> [(&'static str, String); 2] {
        let control = self.control.display().to_string();
        [("LD_PRELOAD", library().display().to_string()), ("TMINUS_FAULTS", control)]
    }

    /// `CALL ERRNO WORD`: from now on such calls on paths with that word fail so.
    pub fn set(&self, fault: &str) {
        let new = self.control.with_extension("new");
        std::fs::write(&new, fault).expect("written");
        std::fs::rename(new, &self.control).expect("renamed");
    }

    pub fn clear(&self) {
        std::fs::remove_file(&self.control).expect("removed");
    }
}

/// The library, built once a run of the tests.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk/faults.c");
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
        let mut build = Command::new("cc");
        let built = build.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output();
        let built = built.expect("a C compiler: cargo needs one too");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        library
    })
}
