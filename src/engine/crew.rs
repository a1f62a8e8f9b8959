//! The scripted crew of a headless rehearsal: it attests, votes, resumes, starts steps and drills the
//! rollback, as people would, and is stamped as such. It never waives and never votes against what it
//! sees: a red gate ends its launch with NO-GO. It says no only where a fault wants that, by name. After a crash it repeats what may be repeated by a key, and
//! leaves where a person's word is wanted: it can look at nothing by hand.

use std::time::Duration;

use crate::launch::board::{Board, Progress};
use crate::launch::command::Command;
use crate::launch::countdown;
use crate::launch::event::{Actor, Event, Vote};
use crate::launch::id::{ItemId, RollbackId};
use crate::launch::people::SECOND;
use crate::launch::plan::{Act, DecidedBy, GoStage, Item, Second};
use crate::launch::recovery::{self, Way};
use crate::launch::schedule::{self, Due};
use crate::launch::time::Instant;
use crate::launch::trigger::Stage;
use crate::launch::verdict::Verdict;
use crate::launch::{ballot, criteria, fields, gate, lost, poll, second, signoff, soak};

/// What it says where a person's word is wanted.
const WORD: &str = "scripted crew of a rehearsal";
/// The fault by which one thing fails, before its id.
const FAIL: &str = "fail:";

/// Who the scripted crew is in the journal.
#[must_use]
pub fn actor() -> Actor {
    Actor { name: "crew".into(), role: None, scripted: true, recorded_by: None }
}

/// Who of the crew gives `command`: a second word is a second one's, of the role that the plan asks for.
#[must_use]
pub fn who(board: &Board, command: &Command) -> Actor {
    let Command::Attest { item, .. } = command else { return actor() };
    let half = board.item(item).is_some_and(|state| state.half.is_some());
    let Some(item) = board.plan.item(item).filter(|item| half || matches!(item.act, Act::Step { .. })) else {
        return actor();
    };
    let role = if let Second::Role(role) = second::wanted(item) { Some(role.clone()) } else { None };
    Actor { name: SECOND.into(), role, ..actor() }
}

/// What the crew does next at `now`; none while it waits for the world or the clock. `patient` is whether it
/// still waits at the poll for what the machine lacks (a baseline value that comes late).
#[must_use]
pub fn next(board: &Board, now: Instant, drill: Option<&RollbackId>, patient: bool) -> Option<Command> {
    if board.ended.is_some() || board.rolling_back().is_some() {
        return None;
    }
    if board.frozen.is_some() {
        return Some(Command::Thaw { why: "somebody is here again".into() });
    }
    if let Some(command) = board.plan.phases.iter().flat_map(|phase| &phase.items).find_map(|id| {
        let item = board.plan.item(id)?;
        for_item(board, item, now)
    }) {
        return Some(command);
    }
    let cut_off: Vec<_> = recovery::waiting(board).collect();
    let mut by_key = cut_off.iter().filter(|(_, way)| *way == Way::Key).map(|(item, _)| *item);
    if let Some(item) = by_key.find(|item| board.frozen.is_none() && schedule::due(board, item, now) == Due::Now) {
        return Some(Command::RunItem { item: item.id.clone() });
    }
    let clock = board.clock_at(now)?;
    if matches!(clock.phase, countdown::Phase::Scrubbed | countdown::Phase::Cutoff) {
        return Some(Command::End { why: "the countdown ended short of T-0".into() });
    }
    if board.is_busy() {
        return None;
    }
    if cut_off.iter().any(|(_, way)| *way == Way::Word) {
        return (!has_left(board)).then_some(Command::Leave);
    }
    if let Some(blocked) = no_go(board, now) {
        return Some(match clock.t0 {
            None => Command::Scrub { why: blocked },
            Some(_) => Command::End { why: blocked },
        });
    }
    match clock.phase {
        countdown::Phase::Holding => at_hold(board, &clock, now, patient),
        countdown::Phase::Liftoff if finished(board, now) => Some(match drill {
            Some(drill) if board.rollbacks.is_empty() => {
                Command::Rollback { rollback: drill.clone(), why: "rollback drill".into() }
            }
            _ => Command::End { why: "the rehearsal is through".into() },
        }),
        _ => None,
    }
}

/// Its launch ends here: as far as it was to fly. Not while a rollback runs.
#[must_use]
pub fn over(board: &Board) -> Option<Command> {
    let flies = board.ended.is_none() && board.rolling_back().is_none();
    flies.then(|| Command::End { why: "the drills are over".into() })
}

/// How the crew answers a trigger that rings, where a fault is drilled: as its plan says, at once.
#[must_use]
pub fn answer(board: &Board) -> Option<Command> {
    if board.ended.is_some() || board.rolling_back().is_some() {
        return None;
    }
    board.plan.triggers.iter().find_map(|trigger| {
        let state = board.triggers.get(&trigger.id)?;
        let ran = board.rollbacks.iter().any(|run| run.id == trigger.then);
        match &state.stage {
            Stage::Fired { starts: None, why, .. } if !ran => Some(Command::Rollback {
                rollback: trigger.then.clone(),
                why: format!("trigger {}: {why}", trigger.id),
            }),
            Stage::Fired { starts: None, .. } | Stage::Started { .. } => {
                Some(Command::AcknowledgeTrigger { trigger: trigger.id.clone() })
            }
            _ => None,
        }
    })
}

/// The step whose second key the crew turns now, and as whom: it stands for every role, and is stamped. None
/// where no rollback waits for one.
#[must_use]
pub fn second_key(board: &Board) -> Option<(ItemId, Actor)> {
    let wait = board.rolling_back()?.waits().find(|wait| wait.refused.is_none())?;
    Some((wait.step.clone(), Actor { role: Some(wait.role.clone()), ..actor() }))
}

/// Whether the last record is the leaving of this console.
#[must_use]
pub fn has_left(board: &Board) -> bool {
    board.recent.back().is_some_and(|record| record.event == Event::ConsoleLeft)
}

fn for_item(board: &Board, item: &Item, now: Instant) -> Option<Command> {
    let state = board.item(&item.id)?;
    if soak::is_hopeless(board, item, now) {
        return Some(Command::Cancel { item: item.id.clone() });
    }
    let persons = item.act.is_persons() || matches!(item.act, Act::Step { .. } if !item.auto);
    if !persons
        || !matches!(state.progress, Progress::Waiting | Progress::Blocked { .. })
        || schedule::due(board, item, now) != Due::Now
    {
        return None;
    }
    match &item.act {
        Act::Manual { .. } => {
            let passed = !says_no(board, item.id.as_str());
            Some(Command::Attest { item: item.id.clone(), note: WORD.into(), passed })
        }
        Act::Step { second, .. } if *second != Second::None && state.armed.is_none() => {
            Some(Command::Attest { item: item.id.clone(), note: WORD.into(), passed: true })
        }
        // Of branches it flies the first: a plan's usual way.
        Act::Choice { options, .. } => options.first().map(|branch| Command::Choose {
            item: item.id.clone(),
            option: branch.id.clone(),
            reason: WORD.into(),
        }),
        Act::Step { .. } if fields::missing(&board.plan, &item.id, state).is_some() => {
            let field = fields::missing(&board.plan, &item.id, state)?.to_owned();
            Some(Command::Fill { item: item.id.clone(), field, value: WORD.into() })
        }
        Act::Step { .. } if !item.auto => Some(Command::RunItem { item: item.id.clone() }),
        Act::Poll { stage, .. } => judge(board, *stage, now).or_else(|| vote(board, Some(&item.id), now)),
        Act::Signoff { roles } => {
            let signed = signoff::signatures(board, &item.id);
            let role = roles.iter().find(|role| !signed.contains_key(*role))?.clone();
            Some(Command::Sign { item: item.id.clone(), role, note: WORD.into() })
        }
        _ => None,
    }
}

/// How long the crew waits for a source that is lost.
const GONE: Duration = Duration::from_secs(600);

fn at_hold(board: &Board, clock: &countdown::Countdown, now: Instant, patient: bool) -> Option<Command> {
    // What the machine latched because nobody watched, the crew clears as a person would; a gate's latch
    // and the poll's clear themselves.
    for who in clock.latches.keys() {
        match who.as_str() {
            countdown::CONSOLE_RESTART => return Some(Command::CatchUp),
            countdown::SUSPENDED
            | countdown::REOPENED
            | countdown::ROLLBACK
            | countdown::RECYCLE
            | countdown::JOURNAL => {
                return Some(Command::ReleaseHold { who: who.clone() });
            }
            _ => {}
        }
    }
    // Somebody would look into it; a source that stays away for so long is no launch.
    if let Some(lost) = lost::lost(board, now).iter().find(|lost| now.since(lost.at) > GONE) {
        return Some(Command::Scrub { why: lost.why.clone() });
    }
    let polled = poll::at_poll_hold(board, now) || clock.latches.contains_key(schedule::GO_LATCH);
    if let Some(judged) = judge(board, GoStage::Launch, now).filter(|_| polled) {
        return Some(judged);
    }
    // What somebody said is nothing that the machine still lacks.
    let mut said = criteria::of_stage(board, GoStage::Launch, now);
    let against = said.find(|(criterion, standing)| {
        matches!(criterion.by, DecidedBy::Person { .. }) && standing.verdict == Some(Verdict::Fail)
    });
    if let Some((criterion, _)) = against.filter(|_| polled) {
        return Some(Command::Scrub { why: format!("{} speaks against GO", criterion.id) });
    }
    if polled && patient && !poll::machine_blocks(board, now).is_empty() {
        return None;
    }
    if let Some(vote) = vote(board, None, now).filter(|_| polled) {
        return Some(vote);
    }
    if let Some(why) = poll::tally(board, now).blocking.into_iter().next().filter(|_| polled) {
        return Some(Command::Scrub { why });
    }
    let latched = clock.latches.keys().any(|who| who != countdown::BUILT_IN);
    let served = clock.hold_left().is_none_or(|left| left.is_zero());
    (!latched && served).then_some(Command::Resume)
}

/// A vote of whoever is asked next: GO only where the machine says nothing against it.
fn vote(board: &Board, poll: Option<&ItemId>, now: Instant) -> Option<Command> {
    let role = ballot::asked(board, poll)?.clone();
    let against = poll::tally_of(board, poll, now).machine.into_iter().next();
    let vote = against.map_or(Vote::Go, |reason| Vote::NoGo { reason });
    Some(Command::Vote { poll: poll.cloned(), role, vote })
}

/// A person's word on a criterion of `stage` that waits for one.
fn judge(board: &Board, stage: GoStage, now: Instant) -> Option<Command> {
    let waits = criteria::of_stage(board, stage, now)
        .find(|(criterion, standing)| matches!(criterion.by, DecidedBy::Person { .. }) && standing.verdict.is_none());
    waits.map(|(criterion, _)| {
        let met = !says_no(board, criterion.id.as_str());
        Command::Judge { criterion: criterion.id.clone(), met, note: WORD.into() }
    })
}

/// Whether a fault that is on makes whoever is asked for `id` say no.
fn says_no(board: &Board, id: &str) -> bool {
    board.faults.iter().any(|fault| fault.strip_prefix(FAIL) == Some(id))
}

/// Why nothing can go on: an item that ended red, or one that cannot be tried.
fn no_go(board: &Board, now: Instant) -> Option<String> {
    let mut items = board.plan.phases.iter().flat_map(|phase| &phase.items).filter_map(|id| board.plan.item(id));
    items.find_map(|item| match gate::clear(board, item, now) {
        gate::Clear::No(Some(verdict)) => Some(format!("{}: {verdict}", item.id)),
        _ => None,
    })
}

fn finished(board: &Board, now: Instant) -> bool {
    board.plan.phases.iter().all(|phase| gate::standing(board, phase, now).is_clear())
}
