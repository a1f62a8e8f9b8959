//! One turn of the loop without the loop: decide → apply → append → effects. The board others see is
//! only ever the one whose records are in the journal.

use std::sync::Arc;

use crate::base::text::cut;
use crate::journal::record::Settled;
use crate::launch::board::Board;
use crate::launch::command::{Input, Observation, Refusal};
use crate::launch::decide::decide;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Plan};
use crate::launch::schedule;
use crate::launch::telling::asked_for;
use crate::launch::time::{Instant, Now, Wall};
use crate::launch::{note, unwatched, unwritten, watching};

/// More turns of `schedule::follow` than any board can need: a plan that got here would never end.
const FOLLOW_AT_MOST: usize = 100_000;

/// Columns of a request's own line: what it led to stands whole beside it.
const WHAT_KEPT: usize = 200;

/// The board while a turn is made, and the one that is published.
pub struct Dispatch {
    board: Board,
    published: Arc<Board>,
    in_flight: usize,
    /// When the last turn was made: up to there everything that follows has followed.
    turned_at: Option<Now>,
}

/// What a turn made: records to append, and only then effects to start.
#[must_use = "records that are not appended did not happen"]
#[derive(Debug, Default)]
pub struct Turn {
    pub records: Vec<Settled>,
    /// For each input, in order, what was decided.
    pub answers: Vec<Result<(), Refusal>>,
}

impl Turn {
    /// Its records, without the bytes that tell them.
    #[must_use]
    pub fn into_records(self) -> Vec<Recorded> {
        self.records.into_iter().map(Recorded::from).collect()
    }

    /// The leaving is the last record of a console: what follows is the next one's.
    fn left(&self) -> bool {
        self.records.last().is_some_and(|record| record.event == Event::ConsoleLeft)
    }
}

impl Dispatch {
    #[must_use]
    pub fn new(board: Board) -> Self {
        let published = Arc::new(board.clone());
        Self { board, published, in_flight: 0, turned_at: None }
    }

    /// From here on the boards know a plan that they may be amended to.
    pub fn learn(&mut self, plan: &Arc<Plan>) {
        self.board.revisions.learn(plan);
        Arc::make_mut(&mut self.published).revisions.learn(plan);
    }

    /// The board whose every event is in the journal.
    #[must_use]
    pub fn published(&self) -> &Arc<Board> {
        &self.published
    }

    /// Decides `inputs` in order, and everything that follows from them and the time. What was seen in the
    /// same batch is folded at once: what follows from it is asked for once, not once an observation.
    ///
    /// The whole turn is made at `now`, the look at the clock that told what nobody watched before it: a
    /// second reading could be an hour later, and everything due in it would happen unwatched.
    pub fn turn(&mut self, inputs: &[Input], now: Now) -> Turn {
        let mut turn = Turn::default();
        self.turned_at = Some(now);
        for (place, input) in inputs.iter().enumerate() {
            if turn.left() {
                turn.answers.push(Err(Refusal("this console has left".into())));
                continue;
            }
            // What follows from a time nobody watched is not asked for before that is folded: T-0 never
            // fires unwatched.
            let slept = matches!(input, Input::Observation(Observation::Slept { .. }));
            let asked = matches!(input, Input::Command { .. } | Input::Request { .. });
            if !slept && (place == 0 || asked) {
                self.follow(now, &mut turn);
            }
            let actor = match input {
                Input::Command { by, .. } | Input::Request { by, .. } => by.clone(),
                Input::Observation(_) | Input::Tick => Actor::engine(),
            };
            let timely = note::timely(&self.board, input, now.wall);
            let (events, answer) = match timely.and_then(|()| decide(&self.board, input, now.instant)) {
                Ok(events) => (events, Ok(())),
                Err(refusal) => (Vec::new(), Err(refusal)),
            };
            // In the same transaction as what it led to: a request is decided once, whenever we die.
            let decided = match input {
                Input::Request { id, command, .. } if self.is_written() && !self.board.requests.contains_key(id) => {
                    let refused = answer.as_ref().err().map(|refusal: &Refusal| refusal.0.clone());
                    let what = cut(&asked_for(command), WHAT_KEPT);
                    Some(Event::RequestDecided { request: id.clone(), what, refused })
                }
                _ => None,
            };
            for event in events.into_iter().chain(decided) {
                // What was seen is told as of when it was seen, and recorded now.
                let occurred_at = match (input, &event) {
                    // Its deadlines count from there: no further back than its file lies.
                    (Input::Request { age, .. }, Event::IncidentOpened { .. } | Event::IncidentChanged { .. }) => {
                        let age = chrono::TimeDelta::from_std(*age).unwrap_or_default();
                        now.wall.checked_sub_signed(age).unwrap_or(now.wall)
                    }
                    (_, Event::Noted { .. }) => note::occurred_at(&self.board, input, &event).unwrap_or(now.wall),
                    // Told by its shim; it may be learnt much later.
                    (_, Event::StepEnded { outcome, .. } | Event::ProcessEnded { outcome, .. }) => {
                        outcome.ended_at.map_or(now.wall, |at| at.min(now.wall))
                    }
                    _ => now.wall,
                };
                self.put(now.instant, occurred_at, now, actor.clone(), event, &mut turn);
            }
            turn.answers.push(answer);
        }
        if !turn.left() {
            self.follow(now, &mut turn);
        }
        turn
    }

    /// Records an event that no input decided: the launch's opening, a console's return. What became due while
    /// there was no console is stopped in the same transaction.
    pub fn state(&mut self, event: Event, actor: Actor, now: Now) -> Turn {
        let mut turn = Turn::default();
        let returned = matches!(event, Event::ConsoleReturned { .. });
        let stop = if returned { unwatched::stop(&self.board, self.watched_until(), now.instant) } else { None };
        self.record(now.instant, now, actor, event, &mut turn);
        if let Some(stop) = stop {
            self.record(now.instant, now, Actor::engine(), stop, &mut turn);
        }
        turn
    }

    /// The last that a console saw before this one.
    fn watched_until(&self) -> Instant {
        let mut seen = self.board.recent.iter().rev().filter(|known| !matches!(known.event, Event::TookOver { .. }));
        seen.next().map_or(self.board.at, |known| known.at)
    }

    /// The turn's records are in the journal: the board may be seen.
    pub fn commit(&mut self) {
        self.published = Arc::new(self.board.clone());
    }

    /// The turn's records could not be written: they did not happen.
    pub fn abandon(&mut self) {
        self.board = (*self.published).clone();
        self.in_flight = self.board.in_flight();
    }

    /// The board as it will be once what waits can be written; the published one while nothing waits.
    #[must_use]
    pub fn shown(&self) -> Arc<Board> {
        if self.is_written() { Arc::clone(&self.published) } else { Arc::new(self.board.clone()) }
    }

    /// When the last turn was made.
    #[must_use]
    pub fn turned_at(&self) -> Option<Now> {
        self.turned_at
    }

    /// From here on nothing can be recorded, for the reason `why`: the turn that could not be is given up, and
    /// the launch stops where it was last recorded, at `since`.
    pub fn withhold(&mut self, since: Now, why: &str) -> Vec<Recorded> {
        self.abandon();
        self.board.unwritten = Some(format!("the journal cannot be written: {why}"));
        let mut turn = Turn::default();
        if let Some(event) = unwritten::stop(&self.board, why) {
            self.record(since.instant.max(self.board.at), since, Actor::engine(), event, &mut turn);
        }
        turn.into_records()
    }

    /// Folds what could not be recorded yet into the board that is shown.
    pub fn show(&mut self, records: &[Recorded]) {
        records.iter().for_each(|record| self.board.apply(record));
        self.in_flight = self.board.in_flight();
    }

    /// These are in the journal, in place of what was only shown: the board may be seen.
    pub fn recorded(&mut self, records: &[Recorded]) {
        self.abandon();
        self.show(records);
        self.commit();
    }

    fn is_written(&self) -> bool {
        self.board.unwritten.is_none()
    }

    /// While nothing can be recorded nothing begins; what the clock itself passes is still told in its place.
    fn pass(&mut self, now: Now, turn: &mut Turn) {
        let mut clock = self.board.clock.clone();
        for (at, passage) in clock.iter_mut().flat_map(|clock| clock.tick(now.instant)) {
            self.record(at, now, Actor::engine(), Event::Passed(passage), turn);
        }
        // A rollback is always possible, and so is what starts one.
        for (at, event) in watching::firing(&self.board, now.instant) {
            self.record(at, now, Actor::engine(), event, turn);
        }
    }

    fn follow(&mut self, now: Now, turn: &mut Turn) {
        if !self.is_written() {
            return self.pass(now, turn);
        }
        for _ in 0..FOLLOW_AT_MOST {
            let events = schedule::follow(&self.board, now.instant, self.in_flight);
            if events.is_empty() {
                return;
            }
            for (at, event) in events {
                self.record(at, now, Actor::engine(), event, turn);
            }
        }
        tracing::error!("the schedule did not settle");
    }

    fn record(&mut self, at: Instant, now: Now, actor: Actor, event: Event, turn: &mut Turn) {
        let before = chrono::TimeDelta::milliseconds(now.instant.0 - at.0);
        let occurred_at = now.wall.checked_sub_signed(before).unwrap_or(now.wall);
        self.put(at, occurred_at, now, actor, event, turn);
    }

    fn put(&mut self, at: Instant, occurred_at: Wall, now: Now, actor: Actor, event: Event, turn: &mut Turn) {
        let seq = self.board.seq + 1;
        let record = Recorded { seq, at, occurred_at, recorded_at: now.wall, actor, event };
        // Folded as its bytes tell it, so that a replay can never differ.
        let record = match Settled::of(&record) {
            Ok(settled) => settled,
            Err(error) => {
                tracing::error!("failed to {error}");
                return;
            }
        };
        self.board.apply(&record);
        let rests = |act: &Act| matches!(act, Act::Wait { .. }) || act.is_persons();
        let waits = |item: &ItemId| self.board.plan.item(item).is_some_and(|item| rests(&item.act));
        self.in_flight = match &record.event {
            Event::ItemStarted { item, .. } if waits(item) => self.in_flight,
            Event::ItemEnded { item, .. } if waits(item) => self.in_flight,
            Event::ItemStarted { .. } | Event::StepIntended { .. } => self.in_flight + 1,
            Event::ItemEnded { .. } | Event::StepEnded { .. } | Event::ItemCancelled { .. } => {
                self.in_flight.saturating_sub(1)
            }
            Event::ConsoleReturned { .. } | Event::PlanAmended { .. } => self.board.in_flight(),
            _ => self.in_flight,
        };
        turn.records.push(record);
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
