//! What may still happen while nothing can be recorded: rollbacks, what stops something, and what was
//! seen. It waits in order, a change of a change kept as the last alone, until it can be written; then,
//! or when another console reads it in, only what still tells something is taken. Pure.

use super::board::{Board, item_of};
use super::command::{Command, Refusal};
use super::countdown::{self, JOURNAL};
use super::event::{Event, Recorded};

/// Whether `command` is possible on this board, as far as the journal is concerned.
///
/// # Errors
/// It would act, or be acknowledged, without a record.
pub fn allow(board: &Board, command: &Command) -> Result<(), Refusal> {
    let stands = match command {
        Command::Rollback { .. } | Command::RollbackFound { .. } | Command::Cancel { .. } | Command::Leave => true,
        Command::RunItem { .. }
        | Command::RunPhase { .. }
        | Command::Attest { .. }
        | Command::MarkStep { .. }
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
        | Command::SwitchFault { .. }
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
    match clock.phase {
        countdown::Phase::Counting => Some(Event::HoldCalled { who: JOURNAL.into(), why: why.to_owned() }),
        countdown::Phase::Liftoff if board.frozen.is_none() => Some(Event::Frozen { why: why.to_owned() }),
        _ => None,
    }
}

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
        let mut slept = std::time::Duration::ZERO;
        self.records.retain(|known| match (&known.event, &record.event) {
            (Event::MonitorChanged { monitor: a, .. }, Event::MonitorChanged { monitor: b, .. }) => a != b,
            (Event::StreamChanged { stream: a, .. }, Event::StreamChanged { stream: b, .. }) => a != b,
            (Event::BaselineCaptured { name: a, .. }, Event::BaselineCaptured { name: b, .. }) => a != b,
            (
                Event::CancelAsked { item: a, attempt: of_a, .. },
                Event::CancelAsked { item: b, attempt: of_b, .. },
            ) => (a, of_a) != (b, of_b),
            (Event::Slept { gap }, Event::Slept { .. }) => {
                slept += *gap;
                false
            }
            _ => true,
        });
        if let Event::Slept { gap } = &mut record.event {
            *gap += slept;
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

    /// Whether this tail stands in `written` already, which it would only as a whole.
    #[must_use]
    pub fn is_in(&self, written: &[Recorded]) -> bool {
        self.records.iter().any(|record| {
            let same = |known: &Recorded| (&known.event, known.occurred_at) == (&record.event, record.occurred_at);
            written.iter().any(same)
        })
    }
}

fn tells(board: &Board, event: &Event) -> bool {
    let counting = |phase| board.clock.as_ref().is_some_and(|clock| clock.phase == phase);
    match event {
        Event::ItemEnded { attempt, .. }
        | Event::StepStarted { attempt, .. }
        | Event::StepEnded { attempt, .. }
        | Event::CancelAsked { attempt, .. }
        | Event::ItemCancelled { attempt, .. } => item_of(event)
            .and_then(|item| board.item(item))
            .is_some_and(|state| state.is_running() && state.attempt == Some(*attempt)),
        Event::RollbackRequested { run, .. } => board.rollbacks.iter().all(|known| known.run != *run),
        Event::RollbackTold { run, .. } => {
            board.rollbacks.iter().any(|known| known.run == *run && known.end.is_none())
        }
        Event::HoldCalled { .. } => counting(countdown::Phase::Counting),
        Event::Frozen { .. } => counting(countdown::Phase::Liftoff) && board.frozen.is_none(),
        Event::BaselineCaptured { .. } => board.clock.as_ref().is_none_or(|clock| clock.t0.is_none()),
        Event::MonitorChanged { .. } | Event::StreamChanged { .. } | Event::Slept { .. } | Event::Passed(_) => true,
        // A console that leaves cannot be read in by itself.
        _ => false,
    }
}
