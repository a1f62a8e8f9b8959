//! Writes and syncs that fail when told to: a library before the system's own, for the console and everything
//! that it starts.

use std::path::PathBuf;

use super::site::Site;
use crate::preload::library;

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

    /// `CALL ERRNO WORD`: from now on such calls on paths with that word fail so, or hang with 0.
    pub fn set(&self, fault: &str) {
        let new = self.control.with_extension("new");
        std::fs::write(&new, fault).expect("written");
        std::fs::rename(new, &self.control).expect("renamed");
    }

    pub fn clear(&self) {
        std::fs::remove_file(&self.control).expect("removed");
    }
}
