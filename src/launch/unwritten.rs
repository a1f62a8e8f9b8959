//! What may still happen while nothing can be recorded: rollbacks, what stops something, and what was
//! seen. It waits in order, a change of a change kept as the last alone, until it can be written; then,
//! or when another console reads it in, only what still tells something is taken. Pure.

use std::time::Duration;

use super::board::{Board, item_of};
use super::command::{Command, Refusal};
use super::countdown::{self, JOURNAL};
use super::event::{Event, Recorded};
use super::process;
use super::trigger::{Stage, TriggerState};

/// Whether `command` is possible on this board, as far as the journal is concerned.
///
/// # Errors
/// It would act, or be acknowledged, without a record.
pub fn allow(board: &Board, command: &Command) -> Result<(), Refusal> {
    let stands = match command {
        Command::Rollback { .. }
        | Command::RollbackAs { .. }
        | Command::RollbackFound { .. }
        | Command::Approve { .. }
        | Command::Cancel { .. }
        // It stops something: what nobody may say no to would happen unrecorded.
        | Command::Veto { .. }
        | Command::Leave => true,
        Command::RunItem { .. }
        | Command::RunPhase { .. }
        | Command::Attest { .. }
        | Command::MarkStep { .. }
        | Command::Fill { .. }
        | Command::Repeat { .. }
        | Command::Waive { .. }
        | Command::Acknowledge { .. }
        | Command::CallHold { .. }
        | Command::ReleaseHold { .. }
        | Command::Resume
        | Command::CatchUp
        | Command::Recycle { .. }
        | Command::Scrub { .. }
        | Command::CutOff { .. }
        | Command::Freeze { .. }
        | Command::Thaw { .. }
        | Command::Vote { .. }
        | Command::Note { .. }
        | Command::Slip { .. }
        | Command::Choose { .. }
        | Command::Sign { .. }
        | Command::Judge { .. }
        | Command::WaiveCriterion { .. }
        | Command::OpenIncident { .. }
        | Command::ChangeIncident { .. }
        | Command::GiveEvidence { .. }
        | Command::Close { .. }
        | Command::Propose { .. }
        | Command::Amend { .. }
        | Command::AcknowledgeTrigger { .. }
        | Command::FireTrigger { .. }
        | Command::WaiveHole { .. }
        | Command::SwitchFault { .. }
        | Command::RunPlaybook { .. }
        | Command::End { .. } => false,
    };
    match &board.unwritten {
        Some(why) if !stands => Err(refusal(why)),
        _ => Ok(()),
    }
}

/// The answer to who asked for something that could not be recorded; `why` names the journal.
#[must_use]
pub fn refusal(why: &str) -> Refusal {
    Refusal(format!("not recorded, so not done: {why}; until it can be, only a rollback runs"))
}

/// What stops a launch that cannot be recorded: before T-0 the countdown holds where it was last recorded,
/// so that T-0 never fires unrecorded, nor late by itself; after it, every step but rollback is frozen.
#[must_use]
pub fn stop(board: &Board, why: &str) -> Option<Event> {
    let clock = board.clock.as_ref().filter(|_| board.ended.is_none())?;
    let why = format!("the journal could not be written: {why}");
    match clock.phase {
        countdown::Phase::Counting => Some(Event::HoldCalled { who: JOURNAL.into(), why }),
        countdown::Phase::Liftoff if board.frozen.is_none() => Some(Event::Frozen { why }),
        _ => None,
    }
}

/// Evaluations that wait: an hour and a half of one every ten seconds. What is older is a hole in what was watched.
pub const EVALUATIONS_KEPT: usize = 540;

/// What waits to be written, in order.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    records: Vec<Recorded>,
    /// Changes that a later change of the same thing made void.
    merged: u64,
}

impl Tail {
    #[must_use]
    pub fn records(&self) -> &[Recorded] {
        &self.records
    }

    /// Changes that are not kept, since a later one of the same thing is.
    #[must_use]
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// Takes one more. However long it lasts, the tail stays as long as the plan: of a monitor, a stream, a
    /// baseline value the last word is kept, of sleeps the sum.
    pub fn push(&mut self, mut record: Recorded) {
        let before = self.records.len();
        let mut slept = Duration::ZERO;
        self.records.retain(|known| match (&known.event, &record.event) {
            (Event::MonitorChanged { monitor: a, .. }, Event::MonitorChanged { monitor: b, .. }) => a != b,
            (Event::StreamChanged { stream: a, .. }, Event::StreamChanged { stream: b, .. }) => a != b,
            (Event::BaselineCaptured { name: a, .. }, Event::BaselineCaptured { name: b, .. }) => a != b,
            (Event::CancelAsked { item: a, attempt: of_a, .. }, Event::CancelAsked { item: b, attempt: of_b, .. }) => {
                (a, of_a) != (b, of_b)
            }
            (Event::Slept { gap }, Event::Slept { .. }) => {
                slept += *gap;
                false
            }
            _ => true,
        });
        if let Event::Slept { gap } = &mut record.event {
            *gap += slept;
        }
        if is_evaluation(&record.event) {
            let mut left = self.records.iter().filter(|known| is_evaluation(&known.event)).count();
            // No later one says what an earlier one did: each stands for its own instant, and the oldest go.
            self.records.retain(|known| {
                let goes = left >= EVALUATIONS_KEPT && is_evaluation(&known.event);
                left -= usize::from(goes);
                !goes
            });
        }
        self.merged += (before - self.records.len()) as u64;
        self.records.push(record);
    }

    /// Takes these in place of what waited.
    pub fn replace(&mut self, records: impl IntoIterator<Item = Recorded>) {
        self.records.clear();
        records.into_iter().for_each(|record| self.push(record));
    }

    /// What of it still tells something on `board`, which went on without it.
    #[must_use]
    pub fn due_on(&self, board: &Board) -> Vec<Recorded> {
        let mut board = board.clone();
        let mut due = Vec::new();
        for record in &self.records {
            if tells(&board, &record.event) {
                board.apply(record);
                due.push(record.clone());
            }
        }
        due
    }

    /// Leaves out what stands in `written` already. A write that was said to have failed and had not may have
    /// kept the first of it, and not what came after.
    pub fn leave_out(&mut self, written: &[Recorded]) {
        self.records.retain_mut(|record| match &mut record.event {
            // A sum: the first of it may stand there alone.
            Event::Slept { gap } => {
                let earlier = written.iter().filter(|known| known.occurred_at <= record.occurred_at);
                let told =
                    earlier.map(|known| if let Event::Slept { gap } = known.event { gap } else { Duration::ZERO });
                *gap = gap.saturating_sub(told.sum());
                !gap.is_zero()
            }
            _ => !written.iter().any(|known| is_same(known, record)),
        });
    }
}

/// A turn that was made again may have looked at the clock again; what a rollback's runner tells, it tells once.
fn is_same(known: &Recorded, record: &Recorded) -> bool {
    let once = matches!(record.event, Event::RollbackTold { .. });
    known.event == record.event && (once || known.occurred_at == record.occurred_at || known.at == record.at)
}

fn is_evaluation(event: &Event) -> bool {
    matches!(event, Event::Evaluated { .. } | Event::SamplesKept { .. })
}

fn tells(board: &Board, event: &Event) -> bool {
    let counting = |phase| board.clock.as_ref().is_some_and(|clock| clock.phase == phase);
    match event {
        Event::ItemEnded { attempt, .. }
        | Event::StepStarted { attempt, .. }
        | Event::StepEnded { attempt, .. }
        | Event::CancelAsked { attempt, .. }
        | Event::ItemCancelled { attempt, .. } => item_of(event).is_some_and(|item| {
            let runs = board.item(item).is_some_and(|state| state.is_running() && state.attempt == Some(*attempt));
            runs || process::of(board, item).is_some_and(|known| known.attempt == *attempt)
        }),
        Event::ProcessReady { item, .. } => board.item(item).is_some_and(|state| state.attempt.is_some()),
        Event::ProcessEnded { item, attempt, .. } => {
            process::of(board, item).is_some_and(|known| known.attempt == *attempt)
        }
        Event::RollbackRequested { run, .. } => board.rollbacks.iter().all(|known| known.run != *run),
        Event::RollbackTold { run, .. } => board.rollbacks.iter().any(|known| known.run == *run && known.end.is_none()),
        Event::HoldCalled { .. } => counting(countdown::Phase::Counting),
        Event::Frozen { .. } => counting(countdown::Phase::Liftoff) && board.frozen.is_none(),
        Event::BaselineCaptured { .. } => board.clock.as_ref().is_none_or(|clock| clock.t0.is_none()),
        Event::MonitorChanged { .. }
        | Event::StreamChanged { .. }
        | Event::SamplesKept { .. }
        | Event::HoleFilled { .. }
        | Event::Slept { .. }
        | Event::Passed(_) => true,
        Event::Evaluated { rounds } => rounds.iter().any(|round| {
            let is_later = |id| board.objectives.get(id).is_none_or(|known| known.evaluated_at < round.at);
            round.counts.keys().any(is_later)
        }),
        Event::TriggerFired { trigger, .. } => {
            let known = board.plan.triggers.iter().any(|known| known.id == *trigger);
            known && board.triggers.get(trigger).is_none_or(TriggerState::is_quiet)
        }
        Event::TriggerVetoed { trigger, .. } => {
            board.triggers.get(trigger).is_some_and(|state| matches!(state.stage, Stage::Fired { .. }))
        }
        // A console that leaves cannot be read in by itself.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::event::{Actor, RollbackFact};
    use crate::launch::id::Attempt;
    use crate::launch::samples::{Flight, plan, report};
    use crate::launch::time::{Instant, Wall};
    use crate::launch::verdict::Verdict;

    fn record(seq: u64, event: Event) -> Recorded {
        let at = Wall::default() + chrono::TimeDelta::seconds(i64::try_from(seq).expect("small"));
        let actor = Actor::engine();
        Recorded { seq, at: Instant(0), occurred_at: at, recorded_at: at, actor, event }
    }

    fn changed(monitor: usize, verdict: Verdict) -> Event {
        Event::MonitorChanged { monitor: format!("m{monitor}").as_str().into(), verdict, why: "seen".into() }
    }

    #[test]
    fn an_hour_of_changes_is_kept_as_the_last_of_each() {
        let mut tail = Tail::default();
        tail.push(record(1, Event::RollbackTold { run: 1, fact: RollbackFact::Started { pid: 7 } }));
        let mut seq = 1;
        for round in 0..360 {
            for monitor in 0..100 {
                seq += 1;
                let verdict = if round % 2 == 0 { Verdict::Fail } else { Verdict::Pass };
                tail.push(record(seq, changed(monitor, verdict)));
            }
            seq += 1;
            tail.push(record(seq, Event::Slept { gap: Duration::from_secs(3) }));
        }
        assert_eq!(tail.records().len(), 1 + 100 + 1);
        assert_eq!(tail.merged(), 359 * 101);
        assert!(tail.records().iter().any(|record| record.event == changed(99, Verdict::Pass)));
        let slept = Event::Slept { gap: Duration::from_secs(3 * 360) };
        assert_eq!(tail.records().last().map(|record| &record.event), Some(&slept), "a sleep is not lost");
    }

    fn evaluated(at: i64) -> Event {
        let counts = std::collections::BTreeMap::from([("errors".into(), crate::launch::objective::Counts::default())]);
        Event::Evaluated { rounds: vec![crate::launch::objective::Round { at: Instant(at), counts }] }
    }

    #[test]
    fn evaluations_wait_each_for_itself_up_to_the_newest_so_many() {
        let mut tail = Tail::default();
        let many = i64::try_from(EVALUATIONS_KEPT).expect("small") + 60;
        tail.push(record(1, Event::HoldCalled { who: "journal".into(), why: "full".into() }));
        (1..=many).for_each(|nth| tail.push(record(2, evaluated(nth * 10_000))));
        assert_eq!((tail.records().len(), tail.merged()), (EVALUATIONS_KEPT + 1, 60));
        assert_eq!(tail.records()[1].event, evaluated(61 * 10_000), "the oldest went");
        assert_eq!(tail.records().last().map(|last| last.event.clone()), Some(evaluated(many * 10_000)));
    }

    #[test]
    fn an_evaluation_and_a_veto_tell_what_is_not_known_and_a_fire_of_what_is_quiet() {
        let mut flight = Flight::of(plan());
        let fired = || Event::TriggerFired { trigger: "down".into(), why: "bad".into(), starts: None };
        let vetoed = || Event::TriggerVetoed { trigger: "down".into(), why: "no".into() };
        assert!(!tells(&flight.board, &fired()), "no such trigger in this plan");
        let mut board = flight.board.clone();
        let mut plan = (*board.plan.0).clone();
        plan.triggers = vec![crate::launch::plan::Trigger {
            id: "down".into(),
            title: String::new(),
            when: crate::launch::plan::Condition::Manual,
            lasts: Duration::ZERO,
            recovers_after: Duration::ZERO,
            then: "front".into(),
            mode: crate::launch::plan::FireMode::Ask,
            armed_from: None,
            armed_until: None,
        }];
        board.plan = crate::launch::board::Shared(std::sync::Arc::new(plan));
        flight.board = board;
        assert!(tells(&flight.board, &fired()) && !tells(&flight.board, &vetoed()));
        flight.record(Instant(1), Actor::engine(), fired());
        assert!(!tells(&flight.board, &fired()) && tells(&flight.board, &vetoed()));
        assert!(tells(&flight.board, &evaluated(10_000)));
    }

    /// A flight with health looked at, and what waits of it.
    fn waiting() -> (Flight, Tail) {
        let flight = Flight::of(plan());
        let mut tail = Tail::default();
        let board = &flight.board;
        let stop = stop(board, "full").expect("it counts");
        let ended = Event::ItemEnded { item: "health".into(), attempt: Attempt(1), report: report(Verdict::Pass) };
        let asked = Event::RollbackRequested { rollback: "front".into(), run: 1, why: "bad".into() };
        let told = Event::RollbackTold { run: 1, fact: RollbackFact::Started { pid: 7 } };
        let events = [stop, ended, asked, told, changed(1, Verdict::Fail)];
        events.into_iter().zip(board.seq + 1..).for_each(|(event, seq)| tail.push(record(seq, event)));
        (flight, tail)
    }

    #[test]
    fn what_was_recorded_all_the_same_is_not_taken_twice() {
        let (flight, tail) = waiting();
        assert_eq!(tail.due_on(&flight.board).len(), 5);
        let mut board = flight.board.clone();
        for record in &tail.records()[..3] {
            board.apply(record);
        }
        let due: Vec<Event> = tail.due_on(&board).into_iter().map(|record| record.event).collect();
        assert!(
            matches!(due.as_slice(), [Event::RollbackTold { .. }, Event::MonitorChanged { .. }]),
            "the rest still tells something: {due:?}"
        );
        let written = [flight.records, tail.records().to_vec()].concat();
        let mut rest = tail.clone();
        rest.leave_out(&written);
        assert!(rest.records().is_empty(), "{:?}", rest.records());
    }

    #[test]
    fn one_record_that_was_written_takes_no_other_with_it() {
        let (flight, mut tail) = waiting();
        let told = tail.records()[3].clone();
        let slept = |seq, seconds| record(seq, Event::Slept { gap: Duration::from_secs(seconds) });
        tail.push(slept(90, 3));
        let written = [tail.records()[0].clone(), Recorded { seq: 70, ..told }, slept(90, 3)];
        tail.push(slept(95, 4));
        tail.leave_out(&[flight.records, written.to_vec()].concat());
        let rest: Vec<Event> = tail.records().iter().map(|record| record.event.clone()).collect();
        let [Event::ItemEnded { .. }, Event::RollbackRequested { .. }, Event::MonitorChanged { .. }, slept] =
            rest.as_slice()
        else {
            panic!("{rest:?}")
        };
        assert_eq!(slept, &Event::Slept { gap: Duration::from_secs(4) }, "only what was not told of it");
    }

    #[test]
    fn a_runners_fact_is_known_though_its_turn_was_made_again_later() {
        let (flight, mut tail) = waiting();
        let mut told = tail.records()[3].clone();
        told.at = Instant(told.at.0 + 9);
        told.occurred_at += chrono::TimeDelta::milliseconds(9);
        tail.leave_out(&[told]);
        assert_eq!(tail.records().len(), 4, "{:?}", flight.board.seq);
    }

    #[test]
    fn what_the_journal_went_on_from_without_it_is_decided_again() {
        let (mut flight, tail) = waiting();
        flight.answer("health", Verdict::Pass);
        flight.command(Command::Rollback { rollback: "all".into(), why: "another".into() }).expect("possible");
        let due: Vec<Event> = tail.due_on(&flight.board).into_iter().map(|record| record.event).collect();
        assert!(
            due.iter().all(|event| !matches!(event, Event::ItemEnded { .. } | Event::RollbackRequested { .. })),
            "its number is taken, and the look has ended: {due:?}"
        );
    }

    #[test]
    fn no_command_that_acts_or_is_acknowledged_is_possible() {
        let mut board = Flight::of(plan()).board;
        board.unwritten = Some("the journal cannot be written: the disk is full".into());
        for command in [
            Command::RunItem { item: "cut".into() },
            Command::Resume,
            Command::CatchUp,
            Command::note("seen"),
            Command::Vote { poll: None, role: "lead".into(), vote: crate::launch::event::Vote::Go },
            Command::Attest { item: "attest".into(), note: "seen".into(), passed: true },
            Command::End { why: "done".into() },
        ] {
            let refused = allow(&board, &command).expect_err("refused").0;
            assert!(refused.contains("the disk is full") && refused.contains("only a rollback runs"), "{refused}");
        }
        for command in [
            Command::Rollback { rollback: "front".into(), why: "bad".into() },
            Command::RollbackFound { rollback: "front".into(), run: 1, why: "bad".into() },
            Command::Cancel { item: "cut".into() },
            Command::Veto { trigger: "down".into(), why: "no".into() },
            Command::Leave,
        ] {
            allow(&board, &command).expect("possible");
        }
        let blocked = crate::launch::poll::machine_blocks(&board, Instant(0));
        assert_eq!(blocked.first(), board.unwritten.as_ref(), "GO is refused, and says why");
    }
}
