//! `tminus note`, `hold`, `release`, `vote`, `acknowledge`: what a second terminal asks of the console that
//! holds the launch. Ids are checked against the frozen plan before anything is asked. Exit codes: 0 it is
//! recorded, 1 it was refused, 2 nobody decided it (a note is kept then).

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::frozen::{Frozen, one_of};
use super::say::{err, out};
use super::{CANNOT_TELL, NO_GO};
use crate::engine::inbox::bring::Came;
use crate::journal::{self, Held, Purpose};
use crate::launch::ballot;
use crate::launch::command::Command;
use crate::launch::event::{Event, Vote as Word};
use crate::launch::id::{ItemId, RoleId};

/// What every request says.
#[derive(Debug, Args)]
pub(super) struct Asking {
    /// The launch's folder.
    launch: PathBuf,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
    /// How long to wait for the answer of the console that holds the launch.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

#[derive(Debug, Args)]
pub struct Note {
    #[command(flatten)]
    asking: Asking,
    /// What you saw.
    #[arg(required = true)]
    text: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Hold {
    #[command(flatten)]
    asking: Asking,
    /// Why.
    #[arg(required = true)]
    why: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Release {
    #[command(flatten)]
    asking: Asking,
    /// Whose hold: your role's own, where nobody is named.
    who: Option<String>,
}

#[derive(Debug, Args)]
pub struct Vote {
    #[command(flatten)]
    asking: Asking,
    /// The poll of the checklist; the plan's own otherwise.
    #[arg(long, value_name = "ITEM")]
    poll: Option<String>,
    /// GO, NO-GO, or GO-WITH-WAIVER.
    #[arg(value_parser = verdict)]
    vote: Said,
    /// Why; for NO-GO and GO-WITH-WAIVER.
    reason: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Acknowledge {
    #[command(flatten)]
    asking: Asking,
    /// The item whose warning you take on.
    item: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Go,
    NoGo,
    GoWithWaiver,
}

fn verdict(word: &str) -> Result<Said, String> {
    match word.to_uppercase().replace(['-', '_', ' '], "").as_str() {
        "GO" => Ok(Said::Go),
        "NOGO" => Ok(Said::NoGo),
        "GOWITHWAIVER" => Ok(Said::GoWithWaiver),
        _ => Err("say GO, NO-GO, or GO-WITH-WAIVER".to_owned()),
    }
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn note(note: &Note) -> anyhow::Result<i32> {
    ask(&note.asking, |_, _| Ok(Command::Note { text: note.text.join(" ") }))
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn hold(hold: &Hold) -> anyhow::Result<i32> {
    ask(&hold.asking, |_, role| carries(role).map(|_| Command::CallHold { why: hold.why.join(" ") }))
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn release(release: &Release) -> anyhow::Result<i32> {
    ask(&release.asking, |_, role| {
        let own = carries(role)?;
        Ok(Command::ReleaseHold { who: release.who.clone().unwrap_or_else(|| own.to_string()) })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn vote(vote: &Vote) -> anyhow::Result<i32> {
    ask(&vote.asking, |frozen, role| {
        let role = carries(role)?;
        let polls = frozen.plan.items.keys().filter(|id| ballot::roles(&frozen.plan, Some(id)).is_some());
        let poll = vote.poll.as_deref().map(|poll| one_of("poll", poll, polls.map(ItemId::as_str))).transpose()?;
        let poll = poll.map(ItemId::new);
        let voters = ballot::roles(&frozen.plan, poll.as_ref()).unwrap_or_default();
        one_of("vote of", role.as_str(), voters.iter().map(RoleId::as_str))?;
        let reason = vote.reason.join(" ");
        let vote = match (vote.vote, reason.is_empty()) {
            (Said::Go, true) => Word::Go,
            (Said::Go, false) => bail!("GO takes no reason: GO-WITH-WAIVER does, and says what is waived"),
            (_, true) => bail!("this vote needs a reason"),
            (Said::NoGo, false) => Word::NoGo { reason },
            (Said::GoWithWaiver, false) => Word::GoWithWaiver { reason },
        };
        Ok(Command::Vote { poll, role: role.clone(), vote })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn acknowledge(acknowledge: &Acknowledge) -> anyhow::Result<i32> {
    ask(&acknowledge.asking, |frozen, role| {
        carries(role)?;
        let item = one_of("item", &acknowledge.item, frozen.plan.items.keys().map(ItemId::as_str))?;
        Ok(Command::Acknowledge { item: item.into() })
    })
}

pub(super) fn carries(role: Option<&RoleId>) -> anyhow::Result<&RoleId> {
    role.ok_or_else(|| anyhow::anyhow!("say which role you act for, with --as ROLE: without one there are notes alone"))
}

pub(super) fn ask(
    asking: &Asking,
    command: impl FnOnce(&Frozen, Option<&RoleId>) -> anyhow::Result<Command>,
) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&asking.launch)?;
    let asker = frozen.asker(&asking.name, asking.role.as_deref())?;
    let command = command(&frozen, asker.role.as_ref())?;
    // Nobody ever goes on with a launch that has ended: a note kept for it would never be read.
    if asker.holder() == Held::Free
        && let Some(why) = ended(&frozen)
    {
        err!("tminus: refused: the launch has ended: {why}");
        return Ok(NO_GO);
    }
    match asker.bring(command, asking.wait)? {
        Came::Recorded(seq) => {
            out!("recorded as #{seq}");
            Ok(0)
        }
        Came::Refused(why) => {
            err!("tminus: refused: {why}");
            Ok(NO_GO)
        }
        Came::Undecided(why) => {
            err!("tminus: {why}");
            Ok(CANNOT_TELL)
        }
    }
}

/// Why the launch has ended, where it has. A journal that cannot be read says nothing.
fn ended(frozen: &Frozen) -> Option<String> {
    let mut ended = None;
    let opened = journal::open_each(&frozen.folder, Purpose::Read, &mut |record| {
        if let Event::LaunchEnded { why } = record.event {
            ended = Some(crate::base::text::printable(&why));
        }
    });
    opened.ok().and(ended)
}
