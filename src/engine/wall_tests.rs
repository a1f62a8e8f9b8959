//! The wall clock is set, a machine sleeps, a console is left for days: what becomes of T, with both of the
//! machine's clocks moved by the test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{FixedOffset, TimeDelta};

use super::dispatch::Dispatch;
use super::time::{Axis, Reader};
use crate::launch::board::Board;
use crate::launch::command::{Command, Input, Observation};
use crate::launch::countdown::{CONSOLE_RESTART, Countdown, Phase, REOPENED, SUSPENDED};
use crate::launch::event::{Actor, Event, Mode};
use crate::launch::id::Attempt;
use crate::launch::late;
use crate::launch::plan::{Act, Every, Plan, Release, Second};
use crate::launch::samples::{MINUTE, plan, report};
use crate::launch::slip::wall_of;
use crate::launch::time::{Instant, Mark, Wall};
use crate::launch::verdict::Verdict;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A machine: the clock that only runs, and the one that people and the network set.
#[derive(Clone, Default)]
struct Machine(Arc<Mutex<(i64, Wall)>>);

impl Machine {
    fn reader(&self) -> Reader {
        let clocks = Arc::clone(&self.0);
        Arc::new(move || *clocks.lock().expect("one thread"))
    }

    fn pass(&self, ms: i64) {
        let mut clocks = self.0.lock().expect("one thread");
        clocks.0 += ms;
        clocks.1 += TimeDelta::milliseconds(ms);
    }

    fn set_wall(&self, by: TimeDelta) {
        self.0.lock().expect("one thread").1 += by;
    }
}

struct Desk {
    machine: Machine,
    axis: Axis,
    dispatch: Dispatch,
}

impl Desk {
    fn of(plan: Plan) -> Self {
        let machine = Machine::default();
        let axis = Axis::new(machine.reader(), Instant(0));
        let start = plan.clock.start;
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
        Self { machine, axis, dispatch }
    }

    /// As the loop does: one look tells the time and what nobody watched.
    fn look(&mut self) -> Vec<Event> {
        let (now, gap) = self.axis.look();
        let inputs: Vec<Input> = gap.map(|gap| Input::Observation(Observation::Slept { gap })).into_iter().collect();
        let turn = self.dispatch.turn(&inputs, now);
        self.dispatch.commit();
        turn.into_records().into_iter().map(|record| record.event).collect()
    }

    fn does(&mut self, command: Command) -> Vec<Event> {
        let input = Input::Command { by: Actor::person("ada", None), command };
        let turn = self.dispatch.turn(&[input], self.axis.now());
        self.dispatch.commit();
        assert!(turn.answers.iter().all(Result::is_ok), "{:?}", turn.answers);
        turn.into_records().into_iter().map(|record| record.event).collect()
    }

    /// Watched, second by second would be the same.
    fn watched(&mut self, ms: i64) -> Vec<Event> {
        let mut events = Vec::new();
        let mut left = ms;
        while left > 0 {
            let step = left.min(1_000);
            self.machine.pass(step);
            events.extend(self.look());
            left -= step;
        }
        events
    }

    fn answered(&mut self, items: &[&str]) {
        for item in items {
            let (item, attempt, report) = ((*item).into(), Attempt(1), report(Verdict::Pass));
            let seen = Input::Observation(Observation::CheckEnded { item, attempt, report });
            let _ = self.dispatch.turn(&[seen], self.axis.now());
            self.dispatch.commit();
        }
    }

    /// This console goes, `away` passes, another one comes.
    fn comes_back(&mut self, clean: bool, away: i64) -> Vec<Event> {
        let t = self.clock().t;
        if clean {
            self.does(Command::Leave);
        }
        self.machine.pass(away);
        let left_at = self.axis.now().instant;
        self.axis = Axis::new(self.machine.reader(), left_at);
        let now = self.axis.now();
        let turn = self.dispatch.state(Event::ConsoleReturned { clean, t }, Actor::engine(), now);
        self.dispatch.commit();
        turn.into_records().into_iter().map(|record| record.event).chain(self.look()).collect()
    }

    fn clock(&self) -> Countdown {
        self.dispatch.published().clock_at(self.axis.now().instant).expect("a clock")
    }

    fn stands(&self) -> (Phase, i64) {
        let clock = self.clock();
        (clock.phase, clock.t)
    }

    fn late(&self) -> Vec<String> {
        late::items(self.dispatch.published(), self.axis.now().instant).map(|(item, _)| item.id.to_string()).collect()
    }
}

/// T-60m, nothing in the way of the countdown before T-0 but its built-in hold at T-10m.
fn open_plan() -> Plan {
    let mut plan = plan();
    plan.phases.iter_mut().for_each(|phase| phase.gate = false);
    plan.poll.clear();
    plan
}

#[test]
fn no_step_of_the_wall_clock_moves_t_or_l_or_what_is_projected() {
    let jumps = [
        ("an NTP step", TimeDelta::milliseconds(-730)),
        ("summer time", TimeDelta::hours(1)),
        ("winter time", TimeDelta::hours(-1)),
        ("set by hand to last year", TimeDelta::days(-365)),
        ("a battery that died", TimeDelta::days(-20_000)),
        ("set by hand to next year", TimeDelta::days(365)),
    ];
    for (name, jump) in jumps {
        let (mut still, mut set) = (Desk::of(open_plan()), Desk::of(open_plan()));
        for desk in [&mut still, &mut set] {
            desk.watched(10_000);
        }
        set.machine.set_wall(jump);
        for pass in [1, 500, 40_000, 12 * MINUTE] {
            let told = [still.watched(pass), set.watched(pass)];
            assert_eq!(told[0], told[1], "{name}");
            let (known, seen) = (still.clock(), set.clock());
            assert_eq!(
                (seen.t, seen.l(), seen.projected(), seen.slip()),
                (known.t, known.l(), known.projected(), 0),
                "{name}"
            );
            assert_eq!(seen, known, "{name}");
        }
        // What the wall will say at T-0 follows the wall: it is display only.
        let at = |desk: &Desk| wall_of(desk.clock().published, desk.axis.now());
        assert_eq!(at(&set) - at(&still), jump, "{name}");
    }
}

#[test]
fn a_zone_is_how_an_instant_is_said_never_which_it_is() {
    let mut desk = Desk::of(open_plan());
    desk.watched(5_000);
    let (clock, now) = (desk.clock(), desk.axis.now());
    let said = |hours: i32| {
        let zone = FixedOffset::east_opt(hours * 3600).expect("a zone");
        let (published, _) = crate::launch::slip::read("+10m why", &clock, now, zone).expect("a time");
        let shown = wall_of(published, now).with_timezone(&zone).format("%Y-%m-%d %H:%M:%S why").to_string();
        let (read_back, _) = crate::launch::slip::read(&shown, &clock, now, zone).expect("a time");
        (published, read_back)
    };
    let utc = said(0);
    assert_eq!(utc.0, utc.1, "to the second");
    for hours in [-11, -3, 1, 2, 14] {
        assert_eq!(said(hours), utc, "{hours}");
    }
}

#[test]
fn a_machine_that_slept_wakes_holding_at_the_first_mark_missed() {
    let mut desk = Desk::of(open_plan());
    desk.answered(&["health", "login", "chat"]);
    desk.watched(5_000);
    desk.machine.pass(3 * HOUR);
    // While it slept the network corrected the wall clock.
    desk.machine.set_wall(TimeDelta::hours(-2));
    let events = desk.look();
    assert!(matches!(events.first(), Some(Event::Slept { .. })), "{events:?}");
    assert_eq!(desk.stands(), (Phase::Holding, 30 * MINUTE), "gate-b is at T-30m");
    assert!(desk.clock().latches.contains_key(SUSPENDED));
    desk.watched(20 * MINUTE);
    assert_eq!(desk.stands(), (Phase::Holding, 30 * MINUTE), "never by itself");
    desk.does(Command::ReleaseHold { who: SUSPENDED.into() });
    desk.does(Command::Resume);
    desk.watched(MINUTE);
    assert_eq!(desk.stands(), (Phase::Counting, 29 * MINUTE));
}

#[test]
fn a_clean_quit_counts_on_to_the_next_mark_and_holds_there() {
    let mut desk = Desk::of(open_plan());
    desk.answered(&["health", "login", "chat"]);
    desk.watched(1_000);
    desk.comes_back(true, 20 * MINUTE);
    assert_eq!(desk.stands(), (Phase::Counting, 40 * MINUTE - 1_000), "nothing was missed");
    assert_eq!(desk.clock().slip(), 0);
    desk.comes_back(true, 2 * HOUR);
    assert_eq!(desk.stands(), (Phase::Holding, 30 * MINUTE));
    assert!(desk.clock().latches.contains_key(REOPENED));
    assert!(desk.clock().slip() > HOUR, "and what that cost is seen");
}

#[test]
fn after_a_crash_one_key_catches_up() {
    let mut desk = Desk::of(open_plan());
    desk.answered(&["health", "login", "chat"]);
    desk.watched(5 * MINUTE);
    let t = desk.clock().t;
    desk.comes_back(false, 10 * MINUTE);
    assert_eq!(desk.stands(), (Phase::Holding, t), "T is the journal's");
    assert!(desk.clock().latches.contains_key(CONSOLE_RESTART));
    desk.watched(MINUTE);
    let events = desk.does(Command::CatchUp);
    assert!(events.contains(&Event::CaughtUp), "{events:?}");
    assert_eq!(desk.stands(), (Phase::Holding, t - 11 * MINUTE), "the time since the return too");
    assert!(desk.clock().latches.is_empty(), "the key cleared its latch");
    desk.does(Command::Resume);
    assert_eq!(desk.clock().slip(), 0, "nothing was lost");
}

#[test]
fn after_t0_a_freeze_stops_what_a_hold_did() {
    let mut plan = open_plan();
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    let mut desk = Desk::of(plan);
    desk.watched(2 * MINUTE);
    assert_eq!(desk.clock().phase, Phase::Liftoff);
    let hold = Input::Command { by: Actor::person("ada", None), command: Command::CallHold { why: "smoke".into() } };
    let turn = desk.dispatch.turn(&[hold], desk.axis.now());
    assert_eq!(turn.answers[0].as_ref().expect_err("refused").0, "the countdown is past T-0, not counting or holding");
    let events = desk.does(Command::Freeze { why: "smoke".into() });
    assert_eq!(events, [Event::Frozen { why: "smoke".into() }]);
    let run = Input::Command { by: Actor::person("ada", None), command: Command::RunItem { item: "cut".into() } };
    let turn = desk.dispatch.turn(&[run], desk.axis.now());
    assert!(turn.answers[0].as_ref().expect_err("refused").0.contains("only a rollback runs"));
    desk.watched(MINUTE);
    assert_eq!(desk.clock().mark(), Mark(-2 * MINUTE), "T goes on");
}

/// T+24h and T+7d lists of people, a daily look, and a step at T+24h that starts itself.
fn post_launch() -> Plan {
    let mut plan = open_plan();
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    plan.items.retain(|_, item| item.phase.as_str() == "late");
    plan.phases.retain(|phase| phase.id.as_str() == "late");
    let sample = plan.items[&"look".into()].clone();
    let step = self::plan().items[&"cut".into()].act.clone();
    let person = || Act::Manual { role: None, second: Second::None };
    let mut add = |id: &str, at: i64, act: Act, auto: bool| {
        let mut item = sample.clone();
        (item.id, item.act, item.at, item.auto) = (id.into(), act, Mark(-at), auto);
        plan.phases[0].items.push(item.id.clone());
        plan.items.insert(item.id.clone(), item);
    };
    add("day-list", DAY, person(), false);
    add("scale-down", DAY, step, true);
    add("week-list", 7 * DAY, person(), false);
    add("daily", HOUR, person(), false);
    if let Some(item) = plan.items.get_mut(&"daily".into()) {
        item.every = Some(Every::Span(Duration::from_secs(86_400)));
    }
    plan
}

#[test]
fn three_days_after_liftoff_the_day_s_items_are_due_and_late_and_nothing_ran_unseen() {
    let mut desk = Desk::of(post_launch());
    desk.watched(2 * MINUTE);
    assert_eq!(desk.clock().mark(), Mark(-MINUTE));
    let events = desk.comes_back(true, 3 * DAY);
    assert_eq!(desk.clock().mark(), Mark(-MINUTE - 3 * DAY), "T went on");
    let recurred = Event::ItemRecurred { item: "daily".into(), occurrence: 2, missed: 2 };
    assert!(events.contains(&recurred), "what was missed is told: {events:?}");
    assert!(events.contains(&Event::PhaseOpened { phase: "late".into() }), "{events:?}");
    assert!(
        events.iter().any(|event| matches!(event, Event::Frozen { why } if why.contains("scale-down"))),
        "{events:?}"
    );
    assert!(!events.iter().any(|event| matches!(event, Event::StepIntended { .. })), "{events:?}");
    assert_eq!(desk.late(), ["day-list", "scale-down", "daily"], "the week's list is not due");
    let list = |id: &str| Command::Attest { item: id.into(), note: "done".into(), passed: true };
    desk.does(list("day-list"));
    let early = Input::Command { by: Actor::person("ada", None), command: list("week-list") };
    let turn = desk.dispatch.turn(&[early], desk.axis.now());
    assert_eq!(turn.answers[0].as_ref().expect_err("refused").0, "week-list is due at T+168h");
    let thawed = desk.does(Command::Thaw { why: "right now too".into() });
    assert!(
        thawed.iter().any(|event| matches!(event, Event::StepIntended { item, .. } if item.as_str() == "scale-down"))
    );
    let events = desk.comes_back(true, 5 * DAY);
    assert!(events.contains(&Event::ItemRecurred { item: "daily".into(), occurrence: 7, missed: 5 }), "{events:?}");
    assert_eq!(desk.late(), ["week-list", "daily"]);
}
