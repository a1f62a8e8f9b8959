//! The samples that a launch keeps: each block is the one that a record names, by its hash.

use super::look::{Looked, Said};
use crate::watch::kept::{Audited, Files, Vouched, audit};

impl Looked {
    /// Objectives, soak and triggers stood on them.
    pub(super) fn samples(&mut self, files: &dyn Files, vouched: &Vouched) {
        if vouched.signals().is_empty() {
            return;
        }
        let Audited { wrong, doubts, notices, .. } = audit(files, vouched);
        let said = |(file, what): (String, String)| Said::of(format!("samples/{file}").trim_end_matches('/'), what);
        self.findings.extend(wrong.into_iter().map(said));
        self.doubts.extend(doubts.into_iter().map(said));
        self.notices.extend(notices.into_iter().map(said));
        self.checked.push("every block of samples");
    }
}
