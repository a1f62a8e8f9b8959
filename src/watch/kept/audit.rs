//! Holds every block of samples against the journal, for `tminus verify`.

use super::found::{self, Files, Vouched};
use crate::launch::id::SignalId;

/// What was looked over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audited {
    /// Blocks that are as the journal says.
    pub blocks: u64,
    pub samples: u64,
    /// What is wrong: the file, from the folder of all samples, and a sentence.
    pub wrong: Vec<(String, String)>,
    /// What could not be read.
    pub doubts: Vec<(String, String)>,
    /// Nothing wrong, and good to know.
    pub notices: Vec<(String, String)>,
}

/// Looks over every block that `vouched` tells of. Blocks.
#[must_use]
pub fn audit(all: &dyn Files, vouched: &Vouched) -> Audited {
    let mut audited = Audited::default();
    let mut unsealed = 0_u64;
    let mut unvouched: Vec<(SignalId, i64, String)> = Vec::new();
    for signal in vouched.signals() {
        let found = found::look(all, &signal, i64::MIN, vouched);
        let folder = found::named_of(&signal);
        for block in &found.blocks {
            if block.sealed {
                audited.blocks = audited.blocks.saturating_add(1);
                audited.samples = audited.samples.saturating_add(block.samples);
            } else {
                unsealed = unsealed.saturating_add(1);
            }
        }
        for (minute, file) in found.altered {
            let what = format!("the samples of {signal} of minute {minute} are not those that were kept");
            audited.wrong.push((file, what));
        }
        for minute in found.missing {
            let what = format!("the samples of {signal} of minute {minute} are missing");
            audited.wrong.push((folder.clone(), what));
        }
        // A console that was taken over and woke up wrote what it had still.
        unvouched.extend(found.unvouched.into_iter().map(|(minute, file)| (signal.clone(), minute, file)));
        for (file, bytes) in found.torn {
            audited.notices.push((file, format!("it ends in {bytes} bytes that are no samples")));
        }
        audited.doubts.extend(found.unread.into_iter().map(|(file, why)| (file, format!("it cannot be read: {why}"))));
    }
    if let Some((signal, minute, file)) = unvouched.first() {
        let more = match unvouched.len() - 1 {
            0 => String::new(),
            1 => ", nor of 1 block more".to_owned(),
            more => format!(", nor of {more} blocks more"),
        };
        let what = format!("no record tells of its samples of {signal} of minute {minute}{more}: nobody believes them");
        audited.notices.push((file.clone(), what));
    }
    if unsealed > 0 {
        let blocks = if unsealed == 1 { "1 block is" } else { &format!("{unsealed} blocks are") };
        let what = format!("{blocks} in no record yet: what a console kept last");
        audited.notices.push((String::new(), what));
    }
    audited
}
