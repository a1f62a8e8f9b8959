//! Brings a request to whoever holds the launch, and says in words what came of it: what the subcommands
//! and an attached console share.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ask::{self, AskError, Settled};
use super::form::Answer;
use super::plan;
use crate::base::secret::Redactor;
use crate::engine::door;
use crate::engine::picture::hear;
use crate::journal::lease::LeaseError;
use crate::journal::{Held, Holder, LaunchFolder, look};
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::RoleId;

/// A terminal that asks.
#[derive(Debug, Clone)]
pub struct Asker {
    pub folder: LaunchFolder,
    pub rehearsal: bool,
    pub name: String,
    pub role: Option<RoleId>,
    /// Of the secrets this terminal knows: what was pasted is not even written for the holder to read.
    pub redactor: Redactor,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// In the journal, as this record.
    Recorded(u64),
    Refused(String),
    /// Nobody decided it; a sentence that says what now.
    Undecided(String),
}

impl Asker {
    /// The same terminal, where another acts at it just now.
    #[must_use]
    pub fn acting(self, by: Option<Actor>) -> Self {
        match by {
            Some(Actor { name, role, .. }) => Self { name: self.redactor.text(name.trim()), role, ..self },
            None => self,
        }
    }

    /// Asks for `command`, and waits up to `patience` for what becomes of it. Blocks.
    ///
    /// # Errors
    /// It could not be asked at all.
    pub fn bring(&self, command: Command, patience: Duration) -> Result<Came, AskError> {
        self.bring_with(command, None, patience)
    }

    /// As [`Asker::bring`], of an amendment with the text of its plan.
    ///
    /// # Errors
    /// As [`Asker::bring`].
    pub fn bring_with(&self, command: Command, text: Option<&str>, patience: Duration) -> Result<Came, AskError> {
        let inbox = self.folder.inbox();
        let is_seen = command.is_sighting();
        let what = if matches!(command, Command::Note { .. }) { "the note" } else { "the incident" };
        let request = ask::request(&self.name, self.role.clone(), door::clean(command, &self.redactor))?;
        if self.holder() == Held::Free {
            let free = "nobody holds this launch";
            let on = self.again("");
            if !is_seen {
                return Ok(Came::Undecided(format!(
                    "{free}, nobody is there to decide it: nothing was asked; `{on}` goes on"
                )));
            }
            ask::submit(&inbox, &request)?;
            return Ok(Came::Undecided(format!(
                "{free}: {what} is kept in its inbox, and recorded once `{on}` goes on"
            )));
        }
        text.map_or(Ok(()), |text| plan::put(&inbox, &request.id, text))?;
        let settled = ask::ask(&inbox, &request, patience)?;
        if matches!(settled, Settled::Withdrawn) {
            plan::clear(&inbox, &request.id);
        }
        // Who holds it now: it may be another than the one who was asked.
        let silent = || {
            let who = match self.holder() {
                Held::Free => "nobody holds this launch any more".to_owned(),
                Held::By(holder) => format!("{} and did not answer within {}", held(holder), words(patience)),
            };
            let (over, back) = (self.again("--take-over "), self.rollback());
            (who, format!("`{over}` takes over, `{back}` rolls back without it"))
        };
        Ok(match settled {
            Settled::Answered(Answer::Recorded(seq)) => Came::Recorded(seq),
            Settled::Answered(Answer::Refused(why)) => Came::Refused(why),
            Settled::Withdrawn => {
                let (who, now) = silent();
                Came::Undecided(format!("{who}: the request was taken back, nothing is recorded of it; {now}"))
            }
            Settled::Kept => {
                let (who, now) = silent();
                Came::Undecided(format!(
                    "{who}: {what} is kept in the inbox, and recorded by the next to read it; {now}"
                ))
            }
            Settled::Taken => {
                let (who, now) = silent();
                Came::Undecided(format!("{who}, but has taken the request: it may still be recorded; {now}"))
            }
        })
    }

    /// Who holds the launch; where that cannot be told, somebody may.
    #[must_use]
    pub fn holder(&self) -> Held {
        match look(&self.folder.lock()) {
            Ok(held) => held,
            // The lock is its owner's: one who may only read asks the socket.
            Err(wrong) if wrong.kind() == io::ErrorKind::PermissionDenied => hear::held(self.folder.path()),
            Err(_) => Held::By(None),
        }
    }

    /// The command that goes on with the launch.
    #[must_use]
    pub fn again(&self, more: &str) -> String {
        let word = if self.rehearsal { "rehearse" } else { "run" };
        format!("tminus {word} {more}--launch {}", self.shown())
    }

    /// The command that rolls back from any terminal.
    #[must_use]
    pub fn rollback(&self) -> String {
        format!("tminus rollback {} ID", self.shown())
    }

    fn shown(&self) -> String {
        let path: &Path = self.folder.path();
        crate::base::text::printable(&path.display().to_string())
    }

    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.folder.inbox()
    }
}

/// `ana holds this launch since … (process 7 on warroom)`.
#[must_use]
pub fn held(holder: Option<Holder>) -> String {
    LeaseError::Held(holder).to_string()
}

fn words(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}
