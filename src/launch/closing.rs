//! Evidence that must be archived, and the end of a launch for good: what is still missing, and who may
//! close it all the same.

use super::board::{Board, Progress};
use super::branch;
use super::command::Refusal;
use super::countdown;
use super::criteria;
use super::event::{Actor, Event};
use super::gate;
use super::id::{EvidenceId, ItemId};
use super::people::permit;
use super::plan::{Evidence, GoStage, Phase, Power};
use super::time::{Instant, Wall};

/// Something archived under a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// A link, a file's name and hash, or the words.
    pub what: String,
    pub by: Actor,
    pub at: Wall,
}

/// Where a piece of evidence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archived {
    /// A person gave it, or every item that it stands on has ended, those on branches not chosen left out.
    Yes,
    /// These items have not ended.
    Waits(Vec<String>),
    /// Nobody gave it, and no item that it stands on is left.
    No,
}

/// Where `evidence` stands.
#[must_use]
pub fn archived(board: &Board, evidence: &Evidence) -> Archived {
    if board.evidence.contains_key(&evidence.id) {
        return Archived::Yes;
    }
    // Of a branch that was not chosen there is nothing to see.
    let over = |id: &ItemId| board.item(id).is_some_and(branch::is_over);
    let asked: Vec<&ItemId> = evidence.items.iter().filter(|id| !over(id)).collect();
    let waits: Vec<String> = asked.iter().filter(|id| !was_seen(board, id)).map(ToString::to_string).collect();
    match (asked.is_empty(), waits.is_empty()) {
        (true, _) => Archived::No,
        (false, true) => Archived::Yes,
        (false, false) => Archived::Waits(waits),
    }
}

/// Whether there is a verdict to archive: of what is due again and again the first is enough.
fn was_seen(board: &Board, id: &ItemId) -> bool {
    let recurs = board.plan.item(id).is_some_and(|item| item.every.is_some());
    board.item(id).is_some_and(|state| match state.progress {
        Progress::Ended { .. } => true,
        _ => recurs && !state.history.is_empty(),
    })
}

/// Everything that stands between the launch and its closing, in plain words; empty when nothing does.
#[must_use]
pub fn missing(board: &Board, now: Instant) -> Vec<String> {
    let mut missing: Vec<String> = board.unwritten.iter().cloned().collect();
    if let Some(run) = board.rolling_back() {
        missing.push(format!("rollback {} #{} is under way", run.id, run.run));
    }
    let order = board.plan.phases.iter().flat_map(|phase| &phase.items);
    let running = order.filter(|id| board.item(id).is_some_and(super::item::ItemState::is_running));
    missing.extend(running.map(|id| format!("{id} is running")));
    missing.extend(taken_back(board));
    if !ended_short(board, now) {
        missing.extend(unfinished(board, now));
    }
    for evidence in &board.plan.evidence {
        match archived(board, evidence) {
            Archived::Yes => {}
            Archived::No => missing.push(format!("evidence {} is not given: {}", evidence.id, evidence.title)),
            Archived::Waits(items) => {
                missing.push(format!("evidence {} waits for {}: {}", evidence.id, items.join(", "), evidence.title));
            }
        }
    }
    let unsettled = board.incidents.iter().filter(|known| !known.is_settled());
    missing.extend(
        unsettled
            .map(|known| format!("incident {} is {}, and no follow-up tracks it", known.number, known.stage.word())),
    );
    missing
}

/// What of its own course the launch has not done or met yet, in plain words: T-0, phases, criteria. What is archived
/// of it, and what else went wrong meanwhile, is no part of it.
#[must_use]
pub fn unfinished(board: &Board, now: Instant) -> Vec<String> {
    let mut missing = Vec::new();
    if board.clock_at(now).is_some_and(|clock| clock.t0.is_none()) {
        missing.push("T-0 was not reached, and the countdown was not scrubbed".into());
    }
    missing.extend(board.plan.phases.iter().filter_map(|phase| not_through(board, phase, now)));
    let stages = [GoStage::Launch, GoStage::Observed];
    missing.extend(stages.iter().flat_map(|stage| criteria::blocks(board, *stage, now)));
    missing
}

/// The last rollback that acted after T-0: its steps still say what they did, so the closing says what became of it.
#[must_use]
pub fn taken_back(board: &Board) -> Option<String> {
    let t0 = board.clock.as_ref()?.t0?;
    let run = board.rollbacks.iter().rfind(|run| run.requested >= t0 && run.has_acted() && !run.steps.is_empty())?;
    let end = run.end.as_ref()?.words();
    Some(format!(
        "rollback {} #{} acted after T-0 and ended {end}: what was launched may not be there",
        run.id, run.run
    ))
}

/// A scrubbed or cut off countdown leaves nothing to complete.
fn ended_short(board: &Board, now: Instant) -> bool {
    use countdown::Phase::{Cutoff, Scrubbed};
    board.clock_at(now).is_some_and(|clock| matches!(clock.phase, Scrubbed | Cutoff))
}

/// Why a phase is not through. What is due again and again is never through, and keeps nothing open.
fn not_through(board: &Board, phase: &Phase, now: Instant) -> Option<String> {
    let standing = gate::standing(board, phase, now);
    let once = |id: &ItemId| board.plan.item(id).is_some_and(|item| item.every.is_none());
    let open: Vec<_> = standing.blocking.iter().filter(|(id, _)| once(id)).collect();
    let (first, verdict) = open.first()?;
    let word = verdict.map_or("not run", |verdict| verdict.word());
    Some(format!("phase {} is not through: {} open, first {first}: {word}", phase.id, open.len()))
}

/// Why a launch has ended that was closed so.
#[must_use]
pub fn ended(why: &str, missing: &[String]) -> String {
    match missing {
        [] => format!("closed: {why}"),
        missing => format!("closed without {}: {why}", missing.join("; ")),
    }
}

/// What is said to whoever asks for something of a launch that has ended, `why`. It ended for good when nothing was
/// left to do, short of T-0 as well: what was missing then is not asked for again, and no later word completes it.
#[must_use]
pub fn over(why: &str, closes: bool) -> String {
    let closed =
        ". It needs no closing: `tminus brief` tells what it came to, and another attempt is a launch of its own";
    format!("the launch has ended: {why}{}", if closes { closed } else { "" })
}

/// Something is archived.
///
/// # Errors
/// The plan asks for no such evidence, or nothing is said.
pub(super) fn give(board: &Board, evidence: &EvidenceId, what: &str) -> Result<Vec<Event>, Refusal> {
    if !board.plan.evidence.iter().any(|known| known.id == *evidence) {
        return Err(Refusal(format!("the plan asks for no evidence {evidence}")));
    }
    if what.trim().is_empty() {
        return Err(Refusal("say what is archived: a link, words, or a file".into()));
    }
    Ok(vec![Event::EvidenceGiven { evidence: evidence.clone(), what: what.trim().to_owned() }])
}

/// The launch is closed.
///
/// # Errors
/// Something is missing and nobody says why it is closed so, or the role may not.
pub(super) fn close(
    board: &Board,
    by: &Actor,
    why: &str,
    anyway: Option<&str>,
    gone: &[String],
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    permit(board, by, Power::Resume).map_err(|why| Refusal(format!("{why}, and so may not close the launch")))?;
    let mut missing = missing(board, now);
    missing.extend_from_slice(gone);
    // Named where the launch ends, since it ends with it.
    let ends = super::process::words(board).map(|words| format!("; ends {words}")).unwrap_or_default();
    let said = |text: &str, otherwise: &str| match text.trim() {
        "" => otherwise.to_owned(),
        text => text.to_owned(),
    };
    match anyway {
        None if missing.is_empty() => {
            let why = format!("{}{ends}", said(why, "everything asked for is there"));
            Ok(vec![Event::LaunchClosed { why, missing }])
        }
        None => Err(Refusal(format!(
            "the launch is not complete: {}. Close it all the same with a reason, or bring what is missing",
            missing.join("; ")
        ))),
        Some(reason) if reason.trim().is_empty() => Err(Refusal("say why it is closed without all of it".into())),
        Some(reason) => {
            permit(board, by, Power::Abort)
                .map_err(|why| Refusal(format!("{why}: closing without all of it ends it")))?;
            let why = if why.trim().is_empty() {
                reason.trim().to_owned()
            } else {
                format!("{}; {}", why.trim(), reason.trim())
            };
            Ok(vec![Event::LaunchClosed { why: format!("{why}{ends}"), missing }])
        }
    }
}

#[cfg(test)]
#[path = "closing_tests.rs"]
mod tests;
