//! `tminus hold`, `release`, `vote`, `acknowledge`, `attest`, `waive`, `choose`, `trigger`: what a second terminal asks
//! of the console that holds the launch. Ids are checked against the frozen plan before anything is asked. Exit codes:
//! 0 it is recorded, 1 it was refused, 2 nobody decided it (a note is kept then).

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
use crate::launch::closing;
use crate::launch::command::Command;
use crate::launch::event::{Event, Vote as Word};
use crate::launch::id::{ItemId, PlaybookId, RoleId, TriggerId};
use crate::launch::plan::Act;

/// What every request says.
#[derive(Debug, Args)]
pub(super) struct Asking {
    /// The launch's folder.
    pub(super) launch: PathBuf,
    /// The role you act for.
    #[arg(long = "as", value_name = "ROLE")]
    pub(super) role: Option<String>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    pub(super) name: String,
    /// How long to wait for the answer of the console that holds the launch.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(super) wait: Duration,
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
pub struct Attest {
    #[command(flatten)]
    asking: Asking,
    /// The item: a human task, or a step that waits for a second person's word.
    item: String,
    /// What you saw.
    #[arg(required = true)]
    note: Vec<String>,
    /// It does not hold.
    #[arg(long)]
    failed: bool,
}

#[derive(Debug, Args)]
pub struct Acknowledge {
    #[command(flatten)]
    asking: Asking,
    /// The item whose warning you take on.
    item: String,
}

#[derive(Debug, Args)]
pub struct Waive {
    #[command(flatten)]
    asking: Asking,
    /// The item whose finding you take on.
    item: String,
    /// How long the waiver counts; then the gate is as shut as before.
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    lasts: Duration,
    /// Why.
    #[arg(required = true)]
    reason: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Choose {
    #[command(flatten)]
    asking: Asking,
    /// The choice.
    item: String,
    /// The branch you choose.
    option: String,
    /// Why.
    #[arg(required = true)]
    reason: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Playbook {
    #[command(flatten)]
    asking: Asking,
    /// Which one.
    id: String,
}

#[derive(Debug, Args)]
pub struct Trigger {
    #[command(flatten)]
    asking: Asking,
    /// Which one.
    id: String,
    /// `veto`: its rollback does not start. `take-on`: it fired, and somebody is at it. `fire`: you see what it is for.
    #[arg(value_parser = word_on_trigger)]
    word: OnTrigger,
    /// Why.
    why: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnTrigger {
    Veto,
    TakeOn,
    Fire,
}

fn word_on_trigger(text: &str) -> Result<OnTrigger, String> {
    match text {
        "veto" => Ok(OnTrigger::Veto),
        "take-on" => Ok(OnTrigger::TakeOn),
        "fire" => Ok(OnTrigger::Fire),
        _ => Err("say veto, take-on or fire".to_owned()),
    }
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
pub fn hold(hold: &Hold) -> anyhow::Result<i32> {
    ask_of(&hold.asking, |_, role| carries(role).map(|_| Command::CallHold { why: hold.why.join(" ") }))
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn release(release: &Release) -> anyhow::Result<i32> {
    ask_of(&release.asking, |_, role| {
        let own = carries(role)?;
        Ok(Command::ReleaseHold { who: release.who.clone().unwrap_or_else(|| own.to_string()) })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn vote(vote: &Vote) -> anyhow::Result<i32> {
    ask_of(&vote.asking, |frozen, role| {
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
    ask_of(&acknowledge.asking, |frozen, role| {
        carries(role)?;
        let item = one_of("item", &acknowledge.item, frozen.plan.items.keys().map(ItemId::as_str))?;
        Ok(Command::Acknowledge { item: item.into() })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn playbook(playbook: &Playbook) -> anyhow::Result<i32> {
    ask_of(&playbook.asking, |frozen, role| {
        carries(role)?;
        let id = one_of("playbook", &playbook.id, frozen.plan.playbooks.iter().map(|known| known.id.as_str()))?;
        Ok(Command::RunPlaybook { playbook: PlaybookId::new(id) })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn trigger(asked: &Trigger) -> anyhow::Result<i32> {
    ask_of(&asked.asking, |frozen, role| {
        carries(role)?;
        let id = one_of("trigger", &asked.id, frozen.plan.triggers.iter().map(|known| known.id.as_str()))?;
        let (trigger, why) = (TriggerId::new(id), asked.why.join(" "));
        Ok(match asked.word {
            OnTrigger::Veto => Command::Veto { trigger, why },
            OnTrigger::TakeOn if why.is_empty() => Command::AcknowledgeTrigger { trigger },
            OnTrigger::TakeOn => bail!("take-on takes no reason: write a note"),
            OnTrigger::Fire if why.is_empty() => bail!("say what you see: fire needs a reason"),
            OnTrigger::Fire => Command::FireTrigger { trigger, why },
        })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn attest(attest: &Attest) -> anyhow::Result<i32> {
    ask_of(&attest.asking, |frozen, role| {
        carries(role)?;
        let item = one_of("item", &attest.item, frozen.plan.items.keys().map(ItemId::as_str))?;
        Ok(Command::Attest { item: item.into(), note: attest.note.join(" "), passed: !attest.failed })
    })
}

/// # Errors
/// No role is carried.
pub(super) fn carries(role: Option<&RoleId>) -> anyhow::Result<&RoleId> {
    role.ok_or_else(|| {
        anyhow::anyhow!("say which role you act for, with --as ROLE: without one there are notes and incidents alone")
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn waive(waive: &Waive) -> anyhow::Result<i32> {
    ask_of(&waive.asking, |frozen, role| {
        carries(role)?;
        let item = one_of("item", &waive.item, frozen.plan.items.keys().map(ItemId::as_str))?;
        Ok(Command::Waive { item: item.into(), reason: waive.reason.join(" "), lasts: waive.lasts })
    })
}

/// # Errors
/// The arguments or the folder are wrong.
pub fn choose(choose: &Choose) -> anyhow::Result<i32> {
    ask_of(&choose.asking, |frozen, role| {
        carries(role)?;
        let choices = frozen.plan.items.values().filter_map(|item| match &item.act {
            Act::Choice { options, .. } => Some((item.id.as_str(), options)),
            _ => None,
        });
        let item = one_of("choice", &choose.item, choices.clone().map(|(id, _)| id))?;
        let options = choices.filter(|(id, _)| *id == item).flat_map(|(_, options)| options);
        let option = one_of(&format!("branch of {item}"), &choose.option, options.map(|option| option.id.as_str()))?;
        Ok(Command::Choose { item: item.into(), option: option.to_owned(), reason: choose.reason.join(" ") })
    })
}

/// Asks, and says what came of it.
///
/// # Errors
/// The arguments or the folder are wrong.
pub(super) fn ask_of(
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
        err!("tminus: refused: {}", closing::over(&why, matches!(command, Command::Close { .. })));
        return Ok(NO_GO);
    }
    told(asker.bring(command, asking.wait)?)
}

/// Says what came of it; the exit code.
#[expect(clippy::unnecessary_wraps, reason = "what a subcommand answers with")]
pub(super) fn told(came: Came) -> anyhow::Result<i32> {
    match came {
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
        ended = match &record.event {
            Event::LaunchEnded { why } => Some(crate::base::text::printable(why)),
            Event::LaunchClosed { why, missing } => Some(crate::base::text::printable(&closing::ended(why, missing))),
            _ => return,
        };
    });
    opened.ok().and(ended)
}
