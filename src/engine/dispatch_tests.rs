//! A turn, with a clock that the test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::time::{Axis, Reader};
use super::Dispatch;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input, Observation};
use crate::launch::countdown::Phase;
use crate::launch::event::{Actor, Event, Mode};
use crate::launch::id::Attempt;
use crate::launch::plan::Release;
use crate::launch::samples::{MINUTE, plan, report};
use crate::launch::time::{Instant, Wall};
use crate::launch::verdict::Verdict;

struct Desk {
    dispatch: Dispatch,
    axis: Axis,
    boot: Arc<Mutex<i64>>,
}

impl Desk {
    fn new() -> Self {
        let boot = Arc::new(Mutex::new(0));
        let read = Arc::clone(&boot);
        let reader: Reader = Arc::new(move || (*read.lock().expect("one thread"), Wall::default()));
        let axis = Axis::new(reader, Instant(0));
        let mut dispatch = Dispatch::new(Board::new(Arc::new(plan())));
        let opened = Event::LaunchOpened {
            plan: "sample".into(),
            plan_hash: "hash".into(),
            mode: Mode::Launch,
            start: 60 * MINUTE,
            release: Release::default(),
        };
        let _ = dispatch.state(opened, Actor::engine(), axis.now());
        dispatch.commit();
        Self { dispatch, axis, boot }
    }

    fn pass(&self, ms: i64) {
        *self.boot.lock().expect("one thread") += ms;
    }

    fn turn(&mut self, inputs: &[Input]) -> Vec<Event> {
        let turn = self.dispatch.turn(inputs, &self.axis);
        self.dispatch.commit();
        turn.records.into_iter().map(|record| record.event).collect()
    }

    fn answered(item: &str) -> Input {
        let (item, attempt, report) = (item.into(), Attempt(1), report(Verdict::Pass));
        Input::Observation(Observation::CheckEnded { item, attempt, report })
    }
}

#[test]
fn what_was_slept_through_is_not_counted_through() {
    let mut desk = Desk::new();
    desk.turn(&["health", "login"].map(Desk::answered));
    desk.turn(&[Desk::answered("chat")]);
    desk.pass(25 * MINUTE);
    desk.turn(&[]);
    // Two hours asleep, well past gate-b, the poll and T-0.
    desk.pass(120 * MINUTE);
    let gap = Duration::from_millis(u64::try_from(120 * MINUTE).expect("positive"));
    let events = desk.turn(&[Input::Observation(Observation::Slept { gap })]);
    assert!(matches!(events.first(), Some(Event::Slept { .. })), "{events:?}");
    let clock = desk.dispatch.published().clock.clone().expect("a clock");
    assert_eq!((clock.phase, clock.t, clock.t0), (Phase::Holding, 30 * MINUTE, None), "at the first mark missed");
    assert!(clock.latches.contains_key("suspended"));
}

#[test]
fn a_turn_that_could_not_be_written_did_not_happen() {
    let mut desk = Desk::new();
    desk.turn(&[]);
    let before = desk.dispatch.published().clone();
    let note = Input::Command { by: Actor::person("ada", None), command: Command::Note { text: "lost".into() } };
    let turn = desk.dispatch.turn(std::slice::from_ref(&note), &desk.axis);
    assert_eq!(turn.records.len(), 1);
    desk.dispatch.abandon();
    assert_eq!(*desk.turn(&[]).as_slice(), [], "nothing follows from what was not kept");
    assert_eq!(desk.dispatch.published().seq, before.seq);
    let events = desk.turn(&[note]);
    assert!(matches!(events.as_slice(), [Event::Noted { .. }]), "said again, it is recorded once: {events:?}");
}
