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
        Self::of(plan(), 60 * MINUTE)
    }

    fn of(plan: crate::launch::plan::Plan, start: i64) -> Self {
        let boot = Arc::new(Mutex::new(0));
        let read = Arc::clone(&boot);
        let reader: Reader = Arc::new(move || (*read.lock().expect("one thread"), Wall::default()));
        let axis = Axis::new(reader, Instant(0));
        let mut dispatch = Dispatch::new(Board::new(Arc::new(plan)));
        let opened = Event::LaunchOpened {
            plan: "sample".into(),
            plan_hash: "hash".into(),
            mode: Mode::Launch,
            start,
            release: Release::default(),
            target: None,
        };
        let _ = dispatch.state(opened, Actor::engine(), axis.now());
        dispatch.commit();
        Self { dispatch, axis, boot }
    }

    fn pass(&self, ms: i64) {
        *self.boot.lock().expect("one thread") += ms;
    }

    fn turn(&mut self, inputs: &[Input]) -> Vec<Event> {
        let turn = self.dispatch.turn(inputs, self.axis.now());
        self.dispatch.commit();
        turn.into_records().into_iter().map(|record| record.event).collect()
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
fn a_console_that_comes_back_after_t0_starts_nothing_that_came_due_without_it() {
    for clean in [false, true] {
        let mut desk = about_to_lift_off();
        desk.turn(&[]);
        desk.pass(30_000);
        desk.turn(&[]);
        desk.pass(30_000);
        let events = desk.turn(&[]);
        assert!(events.iter().any(|event| matches!(event, Event::StepIntended { .. })), "{events:?}");
        let cut = Observation::StepEnded {
            item: "cut".into(),
            attempt: Attempt(1),
            verdict: Verdict::Pass,
            outcome: crate::launch::verdict::Outcome { exit: Some(0), ..Default::default() },
        };
        desk.turn(&[Input::Observation(cut)]);
        desk.pass(40 * MINUTE);
        let (took, now) = (Event::TookOver { from: "ann".into(), pid: 1, host: "here".into() }, desk.axis.now());
        let _ = desk.dispatch.state(took, Actor::engine(), now);
        let back = desk.dispatch.state(Event::ConsoleReturned { clean, t: 0 }, Actor::engine(), now);
        desk.dispatch.commit();
        let events: Vec<_> = back.records.iter().map(|record| &record.event).collect();
        assert!(
            matches!(events[..], [Event::ConsoleReturned { .. }, Event::Frozen { .. }]),
            "in one transaction: a kill between the two would lose it: {events:?}"
        );
        desk.pass(MINUTE);
        let events = desk.turn(&[]);
        assert!(events.contains(&Event::PhaseOpened { phase: "late".into() }), "{events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::StepIntended { .. })), "{events:?}");
    }
}

#[test]
fn a_heartbeat_past_t0_that_nobody_recorded_brings_no_t0_back() {
    let mut desk = about_to_lift_off();
    desk.turn(&[]);
    desk.pass(5 * MINUTE);
    let _ = desk.dispatch.state(Event::ConsoleReturned { clean: false, t: 0 }, Actor::engine(), desk.axis.now());
    desk.dispatch.commit();
    let clock = desk.dispatch.published().clock.clone().expect("a clock");
    assert_eq!((clock.phase, clock.t, clock.t0), (Phase::Holding, 1, None));
    assert!(clock.latches.contains_key(crate::launch::countdown::CONSOLE_RESTART));
    let events = desk.turn(&[]);
    assert!(!events.iter().any(|event| matches!(event, Event::Passed(_) | Event::StepIntended { .. })), "{events:?}");
}

#[test]
fn a_heartbeat_past_a_phase_or_a_hold_that_nobody_recorded_stops_before_it() {
    let mut desk = Desk::new();
    desk.turn(&[]);
    desk.pass(55 * MINUTE);
    let t = 5 * MINUTE;
    let _ = desk.dispatch.state(Event::ConsoleReturned { clean: false, t }, Actor::engine(), desk.axis.now());
    desk.dispatch.commit();
    let board = desk.dispatch.published();
    let clock = board.clock.clone().expect("a clock");
    assert_eq!((clock.phase, clock.t), (Phase::Holding, 30 * MINUTE + 1), "gate-b is at T-30m, the hold below it");
    assert!(clock.latches.contains_key(crate::launch::countdown::CONSOLE_RESTART));
}

#[test]
fn a_turn_that_could_not_be_written_did_not_happen() {
    let mut desk = Desk::new();
    desk.turn(&[]);
    let before = desk.dispatch.published().clone();
    let note = Input::Command { by: Actor::person("ada", None), command: Command::note("lost") };
    let turn = desk.dispatch.turn(std::slice::from_ref(&note), desk.axis.now());
    assert_eq!(turn.records.len(), 1);
    desk.dispatch.abandon();
    assert_eq!(*desk.turn(&[]).as_slice(), [], "nothing follows from what was not kept");
    assert_eq!(desk.dispatch.published().seq, before.seq);
    let events = desk.turn(&[note]);
    assert!(matches!(events.as_slice(), [Event::Noted { .. }]), "said again, it is recorded once: {events:?}");
}

/// What is in the journal while it can be written, and what waits while it cannot, as the loop has it.
fn outage(desk: &mut Desk, since: crate::launch::time::Now) -> Vec<crate::launch::event::Recorded> {
    desk.dispatch.withhold(since, "the disk is full")
}

/// A minute before T-0, nothing in the way, with a step that starts itself at T-0 and one at T+30m.
fn about_to_lift_off() -> Desk {
    let mut plan = plan();
    plan.phases.retain(|phase| !phase.gate);
    plan.items.retain(|_, item| matches!(item.phase.as_str(), "rollout" | "late"));
    plan.clock.holds.clear();
    plan.poll.clear();
    let act = plan.items[&"cut".into()].act.clone();
    for (id, item) in plan.items.iter_mut().filter(|(id, _)| id.as_str() != "after") {
        (item.act, item.auto) = (act.clone(), true);
        assert!(matches!(item.act, crate::launch::plan::Act::Step { .. }), "{id}");
    }
    Desk::of(plan, MINUTE)
}

#[test]
fn t0_neither_fires_unrecorded_nor_late_by_itself() {
    let mut desk = about_to_lift_off();
    desk.turn(&[]);
    desk.pass(MINUTE - 10_000);
    desk.turn(&[]);
    let since = desk.dispatch.turned_at().expect("a turn");
    let mut waits = outage(&mut desk, since);
    assert!(matches!(&waits[0].event, Event::HoldCalled { who, .. } if who == "journal"), "{waits:?}");
    // Ten minutes of a full disk.
    for _ in 0..600 {
        desk.pass(1_000);
        waits.extend(desk.dispatch.turn(&[], desk.axis.now()).into_records());
        let shown = desk.dispatch.shown().clock_at(desk.axis.now().instant).expect("a clock");
        assert_eq!((shown.phase, shown.t, shown.t0), (Phase::Holding, 10_000, None));
    }
    assert_eq!(waits.len(), 1, "nothing follows: {waits:?}");
    assert_eq!(desk.dispatch.published().clock.as_ref().expect("a clock").phase, Phase::Counting, "not recorded yet");
    desk.dispatch.recorded(&waits);
    assert_eq!(desk.turn(&[]), [], "the disk returns: nothing fires by itself");
    desk.pass(MINUTE);
    assert_eq!(desk.turn(&[]), []);
    let by = || Actor::person("ada", None);
    let release = Input::Command { by: by(), command: Command::ReleaseHold { who: "journal".into() } };
    let resume = Input::Command { by: by(), command: Command::Resume };
    assert_eq!(desk.turn(&[release, resume]).len(), 2);
    desk.pass(10_000);
    let events = desk.turn(&[]);
    assert!(events.contains(&Event::Passed(crate::launch::countdown::Passage::Liftoff)), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::StepIntended { .. })), "{events:?}");
}

#[test]
fn a_t0_that_could_not_be_recorded_was_none() {
    let mut desk = about_to_lift_off();
    desk.pass(MINUTE - 300);
    desk.turn(&[]);
    let since = desk.dispatch.turned_at().expect("a turn");
    desk.pass(300);
    let turn = desk.dispatch.turn(&[], desk.axis.now());
    assert!(turn.records.iter().any(|record| matches!(record.event, Event::StepIntended { .. })), "{turn:?}");
    outage(&mut desk, since);
    let shown = desk.dispatch.shown();
    let clock = shown.clock_at(desk.axis.now().instant).expect("a clock");
    assert_eq!((clock.phase, clock.t, clock.t0), (Phase::Holding, 300, None));
    assert!(shown.items.values().all(|item| item.attempt.is_none()), "no step was begun");
}

#[test]
fn after_t0_every_step_but_rollback_is_frozen() {
    let mut desk = about_to_lift_off();
    desk.pass(2 * MINUTE);
    desk.turn(&[]);
    let since = desk.dispatch.turned_at().expect("a turn");
    let mut waits = outage(&mut desk, since);
    assert!(matches!(&waits[0].event, Event::Frozen { why } if why.contains("disk is full")), "{waits:?}");
    desk.pass(40 * MINUTE);
    let by = || Actor::person("ada", None);
    let run = Input::Command { by: by(), command: Command::RunItem { item: "after".into() } };
    let back = Input::Command { by: by(), command: Command::Rollback { rollback: "front".into(), why: "bad".into() } };
    let turn = desk.dispatch.turn(&[run, back], desk.axis.now());
    let refused = turn.answers[0].as_ref().expect_err("refused").to_string();
    assert!(refused.starts_with("not recorded, so not done: ") && refused.contains("disk is full"), "{refused}");
    turn.answers[1].as_ref().expect("a rollback needs no journal");
    assert!(matches!(turn.records.as_slice(), [record] if matches!(record.event, Event::RollbackRequested { .. })));
    waits.extend(turn.into_records());
    assert!(desk.dispatch.shown().rolling_back().is_some(), "it is seen");
    desk.dispatch.recorded(&waits);
    let board = desk.dispatch.published();
    assert!(board.frozen.is_some() && board.unwritten.is_none() && board.rolling_back().is_some());
}

#[test]
fn a_hold_that_lasts_too_long_meanwhile_is_told_in_its_place() {
    let mut plan = plan();
    plan.clock.terminal = Some(crate::launch::time::Mark(30 * MINUTE));
    plan.clock.max_terminal_hold = Some(Duration::from_secs(60));
    plan.phases.retain(|phase| !phase.gate);
    plan.clock.holds.clear();
    plan.poll.clear();
    let mut desk = Desk::of(plan, 20 * MINUTE);
    desk.turn(&[]);
    let since = desk.dispatch.turned_at().expect("a turn");
    let mut waits = outage(&mut desk, since);
    desk.pass(2 * MINUTE);
    waits.extend(desk.dispatch.turn(&[], desk.axis.now()).into_records());
    assert!(
        matches!(&waits[1].event, Event::Passed(crate::launch::countdown::Passage::CutOff)),
        "nothing passes unsaid: {waits:?}"
    );
    desk.dispatch.recorded(&waits);
    assert_eq!(desk.dispatch.published().clock.as_ref().expect("a clock").phase, Phase::Cutoff);
}

fn asked(id: &str, role: Option<&str>, command: Command, age: u64) -> Input {
    let by = Actor::person("bob", role.map(Into::into));
    let asked_at = Wall::default() - chrono::TimeDelta::seconds(i64::try_from(age).expect("small"));
    Input::Request { id: id.into(), by, command, asked_at, age: Duration::from_secs(age) }
}

#[test]
fn a_request_is_decided_once_and_its_decision_stays() {
    let mut desk = Desk::new();
    let hold = asked("a", Some("lead"), Command::CallHold { why: "smoke".into() }, 0);
    let events = desk.turn(std::slice::from_ref(&hold));
    assert!(matches!(events.as_slice(), [.., Event::HoldCalled { .. }, Event::RequestDecided { refused: None, .. }]));
    assert_eq!(desk.turn(&[hold]), Vec::new(), "again is not twice");
    let scribe = asked("b", None, Command::CallHold { why: "smoke".into() }, 0);
    let events = desk.turn(&[scribe]);
    assert!(matches!(events.as_slice(), [Event::RequestDecided { refused: Some(_), .. }]), "{events:?}");
    let known = &desk.dispatch.published().requests;
    assert_eq!(known[&"a".into()].refused, None);
    let why = known[&"b".into()].refused.clone().expect("refused");
    assert!(why.contains("a scribe has notes and incidents"), "{why}");
}

#[test]
fn what_was_asked_too_long_ago_is_refused_and_a_note_is_told_as_of_then() {
    let mut desk = Desk::new();
    let vote = Command::Vote { poll: None, role: "lead".into(), vote: crate::launch::event::Vote::Go };
    for command in [Command::CallHold { why: "smoke".into() }, vote, Command::ReleaseHold { who: "lead".into() }] {
        let id = format!("{command:?}");
        let events = desk.turn(&[asked(&id, Some("lead"), command, 3 * 3600)]);
        let [.., Event::RequestDecided { refused: Some(why), .. }] = events.as_slice() else { panic!("{events:?}") };
        assert!(why.starts_with("asked 3h ago, while nobody was there"), "{why}");
    }
    let note = asked("n", None, Command::note("it went dark"), 3 * 3600);
    let turn = desk.dispatch.turn(&[note], desk.axis.now());
    let told = turn.records.iter().find(|record| matches!(record.event, Event::Noted { .. })).expect("noted");
    assert_eq!(told.recorded_at - told.occurred_at, chrono::TimeDelta::hours(3));
    assert_eq!(told.at, Instant(0), "on the launch's own axis it stands where it was recorded");
}

#[test]
fn what_a_crash_left_holding_is_not_released_from_afar() {
    let mut desk = Desk::new();
    let _ = desk.dispatch.state(Event::ConsoleReturned { clean: false, t: 0 }, Actor::engine(), desk.axis.now());
    desk.dispatch.commit();
    let who = crate::launch::countdown::CONSOLE_RESTART.to_owned();
    let events = desk.turn(&[asked("a", Some("lead"), Command::ReleaseHold { who }, 0)]);
    assert!(matches!(events.as_slice(), [.., Event::RequestDecided { refused: Some(_), .. }]), "{events:?}");
}
