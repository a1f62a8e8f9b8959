//! `tminus evidence` and `tminus close`: what must be archived, and the end of a launch for good. Whoever
//! holds the launch decides it; where nobody does, it is taken for the moment. Exit codes: 0 it is recorded,
//! 1 it was refused, 2 nobody decided it.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::ask::{self, Asking};
use super::frozen::{Frozen, one_of};
use super::{archive, moment, runtime};
use crate::journal::Held;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::EvidenceId;

#[derive(Debug, Args)]
pub struct Evidence {
    #[command(flatten)]
    asking: Asking,
    /// The piece of evidence, as the plan calls it.
    id: String,
    /// A link, or words.
    text: Vec<String>,
    /// A file: its name, size and SHA-256 are recorded, and a copy is kept in the launch's folder.
    #[arg(long, value_name = "PATH", conflicts_with = "text")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Close {
    #[command(flatten)]
    asking: Asking,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Close it though something is missing, and say why; what is missing is recorded.
    #[arg(long, value_name = "REASON")]
    anyway: Option<String>,
}

/// # Errors
/// The arguments, the folder or the file are wrong.
pub fn evidence(evidence: &Evidence) -> anyhow::Result<i32> {
    bring(&evidence.asking, |frozen| {
        let known = frozen.plan.evidence.iter().map(|known| known.id.as_str());
        let id = EvidenceId::new(one_of("evidence", &evidence.id, known)?);
        let what = match &evidence.file {
            Some(path) => archive::keep(&frozen.folder, path, &frozen.redactor, &frozen.unset)?,
            None if evidence.text.is_empty() => bail!("say what is archived: a link, words, or --file PATH"),
            None => evidence.text.join(" "),
        };
        Ok(Command::GiveEvidence { evidence: id, what })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn close(close: &Close) -> anyhow::Result<i32> {
    let (why, anyway) = (close.why.clone(), close.anyway.clone());
    bring(&close.asking, |_| Ok(Command::Close { why, anyway, gone: Vec::new() }))
}

fn bring(asking: &Asking, command: impl FnOnce(&Frozen) -> anyhow::Result<Command>) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&asking.launch)?;
    let asker = frozen.asker(&asking.name, asking.role.as_deref())?;
    let free = asker.holder() == Held::Free;
    // Asked of another's console it takes a role; whoever takes the launch is its operator.
    if !free {
        ask::carries(asker.role.as_ref())?;
    }
    let command = command(&frozen)?;
    if !free {
        return ask::told(asker.bring(command, asking.wait)?);
    }
    let by = Actor::person(asker.name.clone(), asker.role.clone());
    let again = asker.again("");
    ask::told(runtime()?.block_on(moment::give(&frozen, &by, command, &again))?)
}
