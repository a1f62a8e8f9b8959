//! Decides what becomes of an input: events, or a refusal. Pure: the board and the time come in.

use std::time::Duration;

use super::board::{Board, Progress};
use super::closing;
use super::command::{Command, Input, Observation, Refusal};
use super::countdown;
use super::event::{Actor, Event, RollbackFact};
use super::fault;
use super::fields;
use super::gate;
use super::human;
use super::id::{Attempt, ItemId, RequestId, RollbackId};
use super::note;
use super::people::{self, caller, permit};
use super::plan::{Act, Class, Item, OnPreempt, Power};
use super::playbook;
use super::poll;
use super::polled;
use super::process;
use super::recovery;
use super::schedule::{Due, due, waits_for};
use super::second;
use super::time::{Instant, millis};
use super::trigger;
use super::unwatched;
use super::unwritten;
use super::verdict::Verdict;
use super::waiver;

/// A hold or a vote is about the moment it was asked in. One that was read later than this is refused; so
/// long may a console stand still, or be exchanged for another.
pub const REQUEST_KEEPS: Duration = Duration::from_secs(60);

/// What becomes of `input` at `now`. An empty list means: nothing to record.
///
/// # Errors
/// The refusal of a command, as a sentence for whoever gave it. An observation is never refused: one
/// that no longer matters gives no events.
pub fn decide(board: &Board, input: &Input, now: Instant) -> Result<Vec<Event>, Refusal> {
    match input {
        Input::Tick => Ok(Vec::new()),
        Input::Observation(observation) => Ok(observe(board, observation, now)),
        Input::Command { by, command } => act(board, by, command, now),
        Input::Request { id, by, command, age, .. } => request(board, id, by, command, *age, now),
    }
}

fn observe(board: &Board, observation: &Observation, now: Instant) -> Vec<Event> {
    match observation {
        Observation::CheckEnded { item, attempt, report } if current(board, item, *attempt) => {
            vec![Event::ItemEnded { item: item.clone(), attempt: *attempt, report: report.clone() }]
        }
        Observation::StepStarted { item, attempt, pid } if current(board, item, *attempt) => {
            vec![Event::StepStarted { item: item.clone(), attempt: *attempt, pid: *pid }]
        }
        Observation::StepEnded { item, attempt, verdict, outcome } if current(board, item, *attempt) => {
            let (item, attempt, outcome) = (item.clone(), *attempt, outcome.clone());
            vec![Event::StepEnded { item, attempt, verdict: *verdict, outcome }]
        }
        Observation::ProcessReady { item, attempt, pid, captured, outcome } if current(board, item, *attempt) => {
            process::ready(item, *attempt, *pid, captured, outcome)
        }
        Observation::ProcessEnded { item, attempt, why, outcome } => {
            process::ended(board, item, *attempt, why, outcome)
        }
        Observation::PlaybookStepEnded { .. } | Observation::PlaybookEnded { .. } => {
            playbook::heard(board, observation)
        }
        // An attempt that was cancelled or overtaken: its end is no news any more.
        Observation::CheckEnded { .. }
        | Observation::StepStarted { .. }
        | Observation::StepEnded { .. }
        | Observation::ProcessReady { .. } => Vec::new(),
        Observation::BaselineCaptured { name, value } => baseline(board, name, value),
        Observation::MonitorChanged { monitor, verdict, why } => {
            vec![Event::MonitorChanged { monitor: monitor.clone(), verdict: *verdict, why: why.clone() }]
        }
        Observation::StreamChanged { stream, open, why } => {
            vec![Event::StreamChanged { stream: stream.clone(), open: *open, why: why.clone() }]
        }
        Observation::Evaluated { rounds } | Observation::HoleFilled { rounds } if rounds.is_empty() => Vec::new(),
        Observation::HoleFilled { rounds } => vec![Event::HoleFilled { rounds: rounds.clone() }],
        Observation::Evaluated { rounds } => vec![Event::Evaluated { rounds: rounds.clone() }],
        Observation::SamplesKept { minute, blocks } => {
            vec![Event::SamplesKept { minute: *minute, blocks: blocks.clone() }]
        }
        Observation::RollbackTold { run, fact } => told(board, *run, fact),
        Observation::Slept { gap } => {
            let since = Instant(now.0.saturating_sub(millis(*gap)));
            let slept = Event::Slept { gap: *gap };
            std::iter::once(slept).chain(unwatched::stop(board, since, now)).collect()
        }
    }
}

/// After T-0 what was captured stays: a later look would capture the release itself.
fn baseline(board: &Board, name: &str, value: &super::verdict::Captured) -> Vec<Event> {
    let frozen = board.clock.as_ref().is_some_and(|clock| clock.t0.is_some());
    let wanted = board.plan.baseline.iter().any(|wanted| wanted.name == name);
    if frozen || !wanted || board.baseline.get(name) == Some(value) {
        return Vec::new();
    }
    vec![Event::BaselineCaptured { name: name.to_owned(), value: value.clone() }]
}

fn told(board: &Board, run: u32, fact: &RollbackFact) -> Vec<Event> {
    let known = board.rollbacks.iter().any(|known| known.run == run && known.end.is_none());
    if known { vec![Event::RollbackTold { run, fact: fact.clone() }] } else { Vec::new() }
}

fn current(board: &Board, item: &ItemId, attempt: Attempt) -> bool {
    board.item(item).is_some_and(|state| state.is_running() && state.attempt == Some(attempt))
}

fn act(board: &Board, by: &Actor, command: &Command, now: Instant) -> Result<Vec<Event>, Refusal> {
    if let (Some(why), false) = (&board.ended, matches!(command, Command::Note { .. } | Command::Leave)) {
        return Err(Refusal(closing::over(why, matches!(command, Command::Close { .. }))));
    }
    unwritten::allow(board, command)?;
    people::admit(board, by, command)?;
    let one = |event| Ok(vec![event]);
    match command {
        Command::RunItem { item } => run_item(board, by, find(board, item)?, now).map(|event| vec![event]),
        Command::Fill { item, field, value } => one(fields::fill(board, find(board, item)?, field, value)?),
        Command::RunPhase { phase } => {
            let phase = board.plan.phase(phase).ok_or_else(|| Refusal(format!("no phase {phase}")))?;
            if board.phases.get(&phase.id).is_none_or(|state| state.opened.is_none()) {
                return Err(Refusal(format!("{} opens at {}", phase.id, phase.at)));
            }
            let checks = |id: &&ItemId| board.plan.item(id).is_some_and(|item| matches!(item.act, Act::Check(_)));
            if phase.items.iter().filter(checks).count() == 0 {
                return Err(Refusal(format!("{} has no checks", phase.id)));
            }
            one(Event::PhaseRunAgain { phase: phase.id.clone() })
        }
        Command::Cancel { item } => cancel(board, by, find(board, item)?),
        Command::Attest { item, note, passed } => attest(board, by, find(board, item)?, note, *passed, now),
        Command::Waive { item, reason, lasts } => waiver::decide(board, by, find(board, item)?, reason, *lasts, now),
        Command::Acknowledge { item } => {
            let item = find(board, item)?;
            match gate::clear(board, item, now) {
                gate::Clear::No(Some(_)) => one(Event::Acknowledged { item: item.id.clone() }),
                _ => Err(Refusal(format!("{} has nothing to acknowledge", item.id))),
            }
        }
        Command::CallHold { why } => {
            let who = caller(by);
            try_clock(board, now, |clock| clock.hold(&who, why))?;
            one(Event::HoldCalled { who: caller(by), why: why.clone() })
        }
        Command::ReleaseHold { who } => release(board, by, who),
        Command::Resume => {
            permit(board, by, Power::Resume)?;
            let tally = poll::tally(board, now);
            if poll::at_poll_hold(board, now) && !tally.is_go() {
                return Err(Refusal(format!("not GO: {}", tally.blocking.join("; "))));
            }
            try_clock(board, now, |clock| clock.resume(true))?;
            one(Event::Resumed)
        }
        Command::CatchUp => {
            let marks = board.plan.marks();
            try_clock(board, now, |clock| clock.catch_up(&marks))?;
            one(Event::CaughtUp)
        }
        Command::Recycle { mark } => {
            permit(board, by, Power::Resume)?;
            try_clock(board, now, |clock| clock.recycle(*mark))?;
            one(Event::Recycled { mark: *mark })
        }
        Command::Scrub { why } => {
            permit(board, by, Power::Abort)?;
            try_clock(board, now, countdown::Countdown::scrub)?;
            one(Event::Scrubbed { why: why.clone() })
        }
        Command::CutOff { why } => {
            try_clock(board, now, countdown::Countdown::cutoff)?;
            one(Event::CutOff { why: why.clone() })
        }
        Command::Freeze { why } => {
            if !past_liftoff(board, now) {
                return Err(Refusal("before T-0 a hold stops the countdown; a freeze is for after it".into()));
            }
            one(Event::Frozen { why: why.clone() })
        }
        Command::Thaw { why } => {
            permit(board, by, Power::Resume)?;
            if board.frozen.is_none() {
                return Err(Refusal("nothing is frozen".into()));
            }
            one(Event::Thawed { why: why.clone() })
        }
        Command::Note { text, amends, .. } => note::decide(board, text, *amends),
        Command::Rollback { rollback, why } => {
            let last = board.rollbacks.iter().map(|known| known.run).max().unwrap_or(0);
            let run = last.checked_add(1).ok_or_else(|| Refusal("there is no number for another rollback".into()))?;
            roll_back(board, rollback, run, why, now)
        }
        Command::RollbackAs { rollback, run, why } => roll_back(board, rollback, *run, why, now),
        Command::MarkStep { item, passed, reason } => mark(board, by, find(board, item)?, *passed, reason),
        Command::Repeat { item, reason } => repeat(board, by, find(board, item)?, reason, now),
        Command::RollbackFound { rollback, run, why } => {
            if board.rollbacks.iter().any(|known| known.run == *run) {
                return Ok(Vec::new());
            }
            let known = board.plan.rollback(rollback).ok_or_else(|| Refusal(format!("no rollback {rollback}")))?;
            // It was begun, whatever this board thinks of it: what follows is the same.
            Ok(pre_empt(board, &known.id, *run, why, now))
        }
        Command::Approve { step } => Err(Refusal(format!("{step} is approved in the rollback's own folder"))),
        Command::SwitchFault { fault, on } => fault::switch(board, fault, *on),
        Command::Veto { .. } | Command::AcknowledgeTrigger { .. } | Command::FireTrigger { .. } => {
            trigger::decide(board, by, command, now)
        }
        Command::RunPlaybook { playbook } => playbook::begin(board, playbook),
        Command::Leave => one(Event::ConsoleLeft),
        Command::End { why } => one(Event::LaunchEnded { why: why.clone() }),
        crew => human::act(board, by, crew, now),
    }
}

fn find<'a>(board: &'a Board, item: &ItemId) -> Result<&'a Item, Refusal> {
    board.plan.0.items.get(item).ok_or_else(|| Refusal(format!("no item {item}")))
}

fn past_liftoff(board: &Board, now: Instant) -> bool {
    board.clock_at(now).is_some_and(|clock| clock.t0.is_some())
}

pub(super) fn try_clock(
    board: &Board,
    now: Instant,
    act: impl FnOnce(&mut countdown::Countdown) -> Result<(), countdown::Refused>,
) -> Result<(), Refusal> {
    let mut clock = board.clock_at(now).ok_or_else(|| Refusal("this launch has no countdown".into()))?;
    act(&mut clock).map_err(Refusal::from)
}

/// What an attached terminal may ask: the operator's console alone acts. A scribe, who carries no role,
/// has notes; the rest is for the role that a terminal carries (rules.md, "Journal first").
fn request(
    board: &Board,
    id: &RequestId,
    by: &Actor,
    command: &Command,
    age: Duration,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    if board.requests.contains_key(id) {
        return Err(Refusal("this request was decided before".into()));
    }
    unwritten::allow(board, command)?;
    match command {
        // What was seen stays seen, however late it is read.
        sighting if sighting.is_sighting() => {}
        // Without a role it is the operator's, at another terminal of his.
        Command::Amend { .. } if age <= REQUEST_KEEPS => {}
        _ if age > REQUEST_KEEPS => {
            let ago = humantime::format_duration(Duration::from_secs(age.as_secs()));
            return Err(Refusal(format!(
                "asked {ago} ago, while nobody was there to decide: ask again if it still holds"
            )));
        }
        // Who takes on what rings, or ends it, carries a role.
        Command::ChangeIncident { change, .. } if !change.silences() => {}
        Command::CallHold { .. }
        | Command::ReleaseHold { .. }
        | Command::Vote { .. }
        | Command::Acknowledge { .. }
        | Command::Judge { .. }
        | Command::WaiveCriterion { .. }
        | Command::Sign { .. }
        | Command::Attest { .. }
        | Command::GiveEvidence { .. }
        | Command::Close { .. }
        | Command::RunPlaybook { .. }
        | Command::Choose { .. }
        | Command::Waive { .. }
        | Command::WaiveHole { .. }
        | Command::ChangeIncident { .. }
        | Command::Veto { .. }
        | Command::AcknowledgeTrigger { .. }
        | Command::FireTrigger { .. } => {
            if by.role.is_none() {
                return Err(Refusal("a scribe has notes and incidents: ask as a role".into()));
            }
            if matches!(command, Command::ReleaseHold { who } if who == countdown::CONSOLE_RESTART) {
                return Err(Refusal("what a crash left holding is for the operator's console to release".into()));
            }
        }
        _ => return Err(Refusal("an attached terminal asks; the operator's console acts".into())),
    }
    act(board, by, command, now)
}

fn run_item(board: &Board, by: &Actor, item: &Item, now: Instant) -> Result<Event, Refusal> {
    if let (Act::Step { class: Class::Once, .. }, Some(state)) = (&item.act, board.item(&item.id))
        && state.attempt.is_some()
        && !state.is_running()
        && !state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran)
    {
        if recovery::is_over(item, state) {
            return Err(Refusal(recovery::over(item)));
        }
        let may = if recovery::may_mark(item, state) { "mark it done or failed, or " } else { "" };
        return Err(Refusal(format!(
            "{} is of class once and was attempted: look what it did, {may}repeat it with a reason",
            item.id
        )));
    }
    begin(board, by, item, now)
}

fn begin(board: &Board, by: &Actor, item: &Item, now: Instant) -> Result<Event, Refusal> {
    let state = board.item(&item.id).ok_or_else(|| Refusal(format!("no item {}", item.id)))?;
    let attempt = Attempt(state.attempt.map_or(1, |attempt| attempt.0 + 1));
    if state.is_running() {
        return Err(Refusal(format!("{} is running", item.id)));
    }
    // A check may look before its mark, but not before what it needs.
    match waits_for(board, item, now).unwrap_or_else(|| due(board, item, now)) {
        Due::NotYet { .. } if matches!(item.act, Act::Check(_)) => {}
        due => due.may(&item.id)?,
    }
    match &item.act {
        Act::Manual { .. } => Err(Refusal(format!("{} is for a person: attest it", item.id))),
        Act::Choice { .. } => Err(Refusal(format!("{} is for people: nothing runs", item.id))),
        Act::Poll { .. } | Act::Signoff { .. } => polled::again(item, state, attempt),
        Act::Check(_) | Act::Wait { .. } | Act::Soak(_) => Ok(Event::ItemStarted { item: item.id.clone(), attempt }),
        Act::Step { .. } => {
            fenced(board)?;
            process::begins(board, item)?;
            second::armed(board, by, item)?;
            fields::filled(&board.plan, &item.id, state)?;
            Ok(Event::StepIntended { item: item.id.clone(), attempt })
        }
    }
}

/// The attempt of a step whose end nobody knows, or that stands by a person's word on it: a wrong word is
/// put right by another, and both are in the journal.
fn unknown_attempt(board: &Board, item: &Item) -> Result<Attempt, Refusal> {
    let state = board.item(&item.id).ok_or_else(|| Refusal(format!("no item {}", item.id)))?;
    let Act::Step { .. } = item.act else { return Err(Refusal(format!("{} is no step", item.id))) };
    if state.outcome.as_ref().is_some_and(|outcome| outcome.never_ran) {
        return Err(Refusal(format!("{} never ran: run it", item.id)));
    }
    match (&state.progress, state.attempt) {
        (Progress::Ended { .. }, Some(attempt)) if recovery::may_mark(item, state) => Ok(attempt),
        (Progress::Ended { verdict, .. }, _) => Err(Refusal(format!("what {} came to is known: {verdict}", item.id))),
        _ => Err(Refusal(format!("{} has not ended", item.id))),
    }
}

/// Done lets gates open by a word, as a waiver does, and needs the same power; failed opens nothing, and is
/// for whoever acts at this console. Neither acts on the world: a freeze or a rollback forbids nothing.
fn mark(board: &Board, by: &Actor, item: &Item, passed: bool, reason: &str) -> Result<Vec<Event>, Refusal> {
    let attempt = unknown_attempt(board, item)?;
    if passed {
        permit(board, by, Power::Waive)
            .map_err(|why| Refusal(format!("{why}: marking a step done lets gates open as a waiver does")))?;
    }
    if reason.trim().is_empty() {
        return Err(Refusal("say how you know what it came to".into()));
    }
    Ok(vec![Event::StepMarked { item: item.id.clone(), attempt, passed, reason: reason.to_owned() }])
}

/// Possible too where a step of class once is known to have failed: a person says why once more is right.
fn repeat(board: &Board, by: &Actor, item: &Item, reason: &str, now: Instant) -> Result<Vec<Event>, Refusal> {
    let state = board.item(&item.id).ok_or_else(|| Refusal(format!("no item {}", item.id)))?;
    let attempt = match (&item.act, &state.progress, state.attempt) {
        (Act::Step { .. }, Progress::Ended { verdict, .. }, Some(attempt))
            if *verdict != Verdict::Pass || state.undone.is_some() =>
        {
            attempt
        }
        (Act::Step { .. }, Progress::Ended { .. }, _) => return Err(Refusal(format!("{} has passed", item.id))),
        (Act::Step { .. }, ..) => return Err(Refusal(format!("{} has not ended", item.id))),
        _ => return Err(Refusal(format!("{} is no step", item.id))),
    };
    if reason.trim().is_empty() {
        return Err(Refusal("say why doing it again is right".into()));
    }
    let again = begin(board, by, item, now)?;
    Ok(vec![Event::RepeatOrdered { item: item.id.clone(), attempt, reason: reason.to_owned() }, again])
}

fn fenced(board: &Board) -> Result<(), Refusal> {
    if let Some(run) = board.rolling_back() {
        return Err(Refusal(format!("rollback {} is under way: no other step runs", run.id)));
    }
    match &board.frozen {
        Some(why) => Err(Refusal(format!("frozen: {why}; only a rollback runs"))),
        None => Ok(()),
    }
}

fn cancel(board: &Board, by: &Actor, item: &Item) -> Result<Vec<Event>, Refusal> {
    let state = board.item(&item.id).filter(|state| state.is_running());
    let running = state.and_then(|state| state.attempt);
    let attempt = running
        .or_else(|| process::of(board, &item.id).map(|known| known.attempt))
        .ok_or_else(|| Refusal(format!("{} is not running", item.id)))?;
    let why = format!("cancelled by {}", people::called(&board.plan, by));
    Ok(vec![ended(item, attempt, why)])
}

/// A step runs on until its process has ended: its outcome is never given up.
fn ended(item: &Item, attempt: Attempt, why: String) -> Event {
    match item.act {
        Act::Step { .. } => Event::CancelAsked { item: item.id.clone(), attempt, why },
        _ => Event::ItemCancelled { item: item.id.clone(), attempt, why },
    }
}

fn attest(
    board: &Board,
    by: &Actor,
    item: &Item,
    note: &str,
    passed: bool,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    second::takes_word(board, by, item, passed, now)?;
    if note.trim().is_empty() {
        return Err(Refusal("say what you saw: an attestation needs a note".into()));
    }
    if matches!(item.act, Act::Step { .. }) {
        return Ok(vec![Event::Attested { item: item.id.clone(), note: note.to_owned(), passed }]);
    }
    due(board, item, now).may(&item.id)?;
    Ok(vec![Event::Attested { item: item.id.clone(), note: note.to_owned(), passed }])
}

fn release(board: &Board, by: &Actor, who: &str) -> Result<Vec<Event>, Refusal> {
    let held = board.clock.as_ref().is_some_and(|clock| clock.latches.contains_key(who));
    if !held || who == countdown::BUILT_IN {
        return Err(Refusal(format!("{who} holds nothing that could be released")));
    }
    let by_anyone = [countdown::CONSOLE_RESTART, countdown::JOURNAL];
    if who != caller(by) && !by_anyone.contains(&who) && by.role.is_some() {
        permit(board, by, Power::Waive).map_err(|Refusal(why)| {
            let may = people::who_may(&board.plan, Power::Waive).map(|may| format!("{may}, or ")).unwrap_or_default();
            Refusal(format!("{why}, and the hold of {who} is released by {may}whoever called it"))
        })?;
    }
    Ok(vec![Event::HoldReleased { who: who.to_owned() }])
}

/// A rollback pre-empts and never waits: what is in flight and readonly, or said to be killed, is cancelled,
/// everything else runs on beside it, and no new step begins (`fenced`). A second request joins the first.
fn roll_back(board: &Board, rollback: &RollbackId, run: u32, why: &str, now: Instant) -> Result<Vec<Event>, Refusal> {
    let known = board.plan.rollback(rollback).ok_or_else(|| Refusal(format!("no rollback {rollback}")))?;
    if let Some(run) = board.rolling_back() {
        return Err(Refusal(format!("rollback {} is already under way", run.id)));
    }
    Ok(pre_empt(board, &known.id, run, why, now))
}

fn pre_empt(board: &Board, rollback: &RollbackId, run: u32, why: &str, now: Instant) -> Vec<Event> {
    let mut events = vec![Event::RollbackRequested { rollback: rollback.clone(), run, why: why.to_owned() }];
    for item in board.plan.items.values() {
        let Act::Step { class, .. } = item.act else { continue };
        if class != Class::Readonly && item.on_preempt != OnPreempt::Kill {
            continue;
        }
        let Some(state) = board.item(&item.id).filter(|state| state.is_running()) else { continue };
        if let Some(attempt) = state.attempt {
            let why = format!("pre-empted by rollback {rollback}");
            events.push(ended(item, attempt, why));
        }
    }
    let counting = board.clock_at(now).is_some_and(|clock| clock.phase == countdown::Phase::Counting && clock.t > 0);
    if counting {
        let why = format!("rollback {rollback}");
        events.push(Event::HoldCalled { who: countdown::ROLLBACK.into(), why });
    }
    events
}
