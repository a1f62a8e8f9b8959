//! The plans that a launch keeps: each is the one that a record names, by its hash.

use std::io;

use sha2::{Digest, Sha256};

use super::look::{Looked, Said, bounded};
use crate::journal::LaunchFolder;
use crate::journal::chain::Hash;
use crate::journal::finding::Span;
use crate::launch::event::Mode;

fn hash(bytes: &[u8]) -> String {
    Hash(Sha256::digest(bytes).into()).to_string()
}

impl Looked {
    /// The frozen plan is the one that the launch goes by.
    pub(super) fn plan(&mut self, folder: &LaunchFolder, first: &str, mode: Mode, amended: &[(u64, String)]) {
        const FILE: &str = "plan.toml";
        let newest = amended.last().map_or(first, |(_, hash)| hash);
        match bounded(&folder.plan()) {
            Ok(bytes) if hash(&bytes) == newest => self.checked.push("the frozen plan"),
            // A console that died between the record and the file: the next writes it.
            Ok(bytes)
                if std::iter::once(first)
                    .chain(amended.iter().map(|(_, hash)| hash.as_str()))
                    .any(|known| hash(&bytes) == known) =>
            {
                let what = "it is the plan before the last amendment, and a rollback goes by it; the next console to \
                            open the launch writes the newest";
                self.notices.push(Said::of(FILE, what));
            }
            Ok(_) if amended.is_empty() => {
                self.wrong(FILE, "it is not the plan this launch was opened with (record 1)");
            }
            Ok(_) => self.wrong(FILE, "it is none of the plans that this launch went by"),
            // A gate keeps none.
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound && mode == Mode::Gate => {}
            Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => {
                self.wrong(FILE, "the frozen plan is missing: no rollback can run");
            }
            Err(wrong) => self.doubt(FILE, format!("it cannot be read: {wrong}")),
        }
    }

    /// Without any of them the journal folds to another board.
    pub(super) fn revisions(&mut self, folder: &LaunchFolder, first: &str, amended: &[(u64, String)]) {
        if amended.is_empty() {
            return;
        }
        let all = std::iter::once((1, first)).chain(amended.iter().map(|(seq, hash)| (*seq, hash.as_str())));
        for (number, (seq, wanted)) in (1..).zip(all) {
            let file = format!("plans/{number}.toml");
            let said = |what: String| Said { span: Some(Span::one(seq)), ..Said::of(file.clone(), what) };
            match bounded(&folder.revision(number)) {
                Ok(bytes) if hash(&bytes) == wanted => {}
                Ok(_) => self.findings.push(said(format!("it is not the plan that record {seq} names"))),
                Err(wrong) if wrong.kind() == io::ErrorKind::NotFound => {
                    self.findings.push(said(format!("the plan that record {seq} names is missing")));
                }
                Err(wrong) => self.doubt(file, format!("it cannot be read: {wrong}")),
            }
        }
        self.checked.push("every revision of the plan");
    }
}
