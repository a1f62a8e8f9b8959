//! Transition tables over the sample plan, and the fold's promise under any order of inputs.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::board::{Board, Progress};
use super::super::command::{Command, Input, Observation};
use super::super::countdown::Phase as Clock;
use super::super::event::{Event, RollbackEnd, RollbackFact, Vote};
use super::super::id::{Attempt, ItemId};
use super::super::plan::{Act, Class, Confirm, OnPreempt, SpecId};
use super::super::samples::{Flight, MINUTE, minutes, plan, report};
use super::super::time::Mark;
use super::super::verdict::{Captured, Outcome, Verdict};
use super::super::{gate, poll};

fn running(flight: &Flight, item: &str) -> bool {
    flight.board.item(&item.into()).is_some_and(|state| state.is_running())
}

fn gate_a_green(flight: &mut Flight) {
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
}

/// To the poll hold with both gates green and every vote GO.
fn ready(flight: &mut Flight) {
    gate_a_green(flight);
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: "seen".into(), passed: true }).expect("attested");
    flight.pass(minutes(20));
    for role in ["backend", "lead"] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("a vote");
    }
}

fn ended(exit: i32) -> Outcome {
    Outcome { exit: Some(exit), took: Duration::from_secs(1), ..Outcome::default() }
}

#[test]
fn checks_start_at_their_mark_all_at_once_and_dependants_after() {
    let mut flight = Flight::of(plan());
    assert!(running(&flight, "health") && running(&flight, "login"));
    assert!(!running(&flight, "chat"), "chat needs login");
    flight.answer("login", Verdict::Pass);
    assert!(running(&flight, "chat"));
    assert!(!flight.opened("gate-b"));
}

#[test]
fn what_needs_a_red_item_is_blocked_and_unknown_not_run() {
    let mut flight = Flight::of(plan());
    flight.answer("login", Verdict::Fail);
    let chat = flight.board.item(&"chat".into()).expect("there");
    assert!(matches!(&chat.progress, Progress::Blocked { by } if by == "login: fail"), "{chat:?}");
    assert_eq!(chat.verdict(None, flight.now), Some(Verdict::Unknown));
    flight.command(Command::RunItem { item: "login".into() }).expect("again");
    flight.answer("login", Verdict::Pass);
    assert!(running(&flight, "chat"), "unblocked by the second attempt");
}

#[test]
fn a_gate_that_is_not_open_holds_the_countdown_at_the_next_phase_s_mark() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Fail);
    flight.answer("login", Verdict::Pass);
    flight.answer("chat", Verdict::Pass);
    flight.pass(minutes(45));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.mark()), (Clock::Holding, Mark(30 * MINUTE)), "exactly at the mark");
    assert!(!flight.opened("gate-b"));
    let refused = flight.command(Command::Resume).expect_err("held by the gate");
    assert!(refused.contains("gate gate-a"), "{refused}");
    flight
        .command(Command::Waive {
            item: "health".into(),
            reason: "known outage of the probe".into(),
            lasts: minutes(600),
        })
        .expect("waived");
    assert!(flight.board.clock.as_ref().is_some_and(|clock| clock.latches.is_empty()), "the latch cleared itself");
    flight.command(Command::Resume).expect("resumed");
    flight.pass(Duration::from_millis(1));
    assert!(flight.opened("gate-b"));
    let passed = |record: &super::super::event::Recorded| matches!(record.event, Event::GatePassed { waivers: 1, .. });
    assert!(flight.records.iter().any(passed), "the gate says that it passed with a waiver");
}

#[test]
fn a_poll_hold_is_left_only_with_go_and_silence_is_no_go() {
    let mut flight = Flight::of(plan());
    gate_a_green(&mut flight);
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
    flight.pass(minutes(20));
    assert!(poll::at_poll_hold(&flight.board, flight.now));
    flight.command_as("backend", Command::Vote { poll: None, role: "backend".into(), vote: Vote::Go }).expect("a vote");
    let refused = flight.command(Command::Resume).expect_err("the lead is silent");
    assert!(refused.contains("lead has not voted"), "{refused}");
    let no = Vote::NoGo { reason: "lag".into() };
    flight.command_as("lead", Command::Vote { poll: None, role: "lead".into(), vote: no }).expect("a vote");
    assert!(flight.command(Command::Resume).expect_err("NO-GO").contains("lag"));
    flight.command_as("lead", Command::Vote { poll: None, role: "lead".into(), vote: Vote::Go }).expect("changed");
    assert!(flight.command_as("backend", Command::Resume).expect_err("no power").contains("may not resume"));
    flight.command_as("lead", Command::Resume).expect("GO");
    flight.pass(minutes(30));
    assert!(flight.board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()), "T-0");
    assert!(flight.opened("rollout"));
}

#[test]
fn liftoff_needs_go_even_where_no_hold_asked() {
    let mut bare = plan();
    bare.clock.holds.clear();
    let mut flight = Flight::of(bare);
    gate_a_green(&mut flight);
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
    flight.pass(minutes(60));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.mark()), (Clock::Holding, super::GO_BY));
    assert!(clock.t0.is_none());
}

#[test]
fn t0_and_a_hold_are_in_the_journal_though_a_phase_shares_their_mark() {
    let mut shared = plan();
    shared.phases.insert(
        2,
        super::super::plan::Phase {
            id: "poll".into(),
            title: "poll".into(),
            at: Mark(10 * MINUTE),
            gate: false,
            needs: vec![],
            items: vec![],
        },
    );
    let mut flight = Flight::of(shared);
    ready(&mut flight);
    flight.command(Command::Resume).expect("GO");
    flight.pass(minutes(12));
    let passed: Vec<_> = flight
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Passed(passage) => Some(passage.clone()),
            _ => None,
        })
        .collect();
    use super::super::countdown::Passage;
    assert_eq!(passed, [Passage::Held(Mark(10 * MINUTE)), Passage::Liftoff]);
    assert!(flight.opened("poll") && flight.opened("rollout"));
}

#[test]
fn without_a_poll_a_red_gate_still_keeps_t0_from_firing() {
    let mut silent = plan();
    silent.poll.clear();
    silent.clock.holds.clear();
    let mut flight = Flight::of(silent);
    gate_a_green(&mut flight);
    flight.pass(minutes(120));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.mark()), (Clock::Holding, super::GO_BY), "gate-b was not attested");
    flight.command(Command::Attest { item: "attest".into(), note: "seen".into(), passed: true }).expect("attested");
    flight.command(Command::Resume).expect("clear");
    flight.pass(minutes(1));
    assert!(flight.board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()));
}

#[test]
fn a_phase_run_again_keeps_its_order() {
    let mut flight = Flight::of(plan());
    gate_a_green(&mut flight);
    flight.command(Command::RunPhase { phase: "gate-a".into() }).expect("again");
    assert!(running(&flight, "login") && !running(&flight, "chat"), "chat needs login, this time too");
    assert!(!super::gate::lets_on(&flight.board, &"gate-a".into(), flight.now), "not open until it passed again");
    gate_a_green(&mut flight);
    assert!(super::gate::lets_on(&flight.board, &"gate-a".into(), flight.now));
    assert!(flight.command(Command::RunPhase { phase: "gate-b".into() }).expect_err("closed").contains("opens at"));
}

#[test]
fn a_cancelled_step_runs_on_until_its_outcome_is_told() {
    let mut flight = Flight::of(plan());
    ready(&mut flight);
    flight.command(Command::Resume).expect("GO");
    flight.pass(minutes(12));
    flight.command(Command::RunItem { item: "cut".into() }).expect("due");
    flight.command(Command::Cancel { item: "cut".into() }).expect("asked");
    assert!(running(&flight, "cut"), "its process has not ended");
    let outcome = Outcome { cancelled: true, survivors: vec![4711], ..ended(143) };
    let end = Observation::StepEnded { item: "cut".into(), attempt: Attempt(1), verdict: Verdict::Fail, outcome };
    flight.input(&Input::Observation(end)).expect("told");
    let cut = flight.board.item(&"cut".into()).expect("there");
    assert_eq!(cut.outcome.as_ref().map(|outcome| outcome.survivors.clone()), Some(vec![4711]));
}

#[test]
fn a_check_that_a_person_cancelled_is_not_retried() {
    let mut again = plan();
    again.items.get_mut(&ItemId::new("health")).expect("there").retries = 3;
    let mut flight = Flight::of(again);
    flight.command(Command::Cancel { item: "health".into() }).expect("cancelled");
    assert!(!running(&flight, "health"));
    flight.command(Command::RunItem { item: "health".into() }).expect("by a key");
    flight.answer("health", Verdict::Fail);
    assert!(running(&flight, "health"), "the new run has its retries");
}

#[test]
fn a_missing_baseline_value_blocks_go() {
    let mut with = plan();
    with.baseline.push(super::super::plan::Baseline { name: "previous".into(), spec: super::super::plan::SpecId(9) });
    let mut flight = Flight::of(with);
    ready(&mut flight);
    let refused = flight.command(Command::Resume).expect_err("nothing to go back to");
    assert!(refused.contains("baseline value previous"), "{refused}");
    let value = Captured::Value("1.4.1".into());
    let seen = Observation::BaselineCaptured { name: "previous".into(), value };
    flight.input(&Input::Observation(seen)).expect("taken");
    flight.command(Command::Resume).expect("GO");
    flight.pass(minutes(11));
    let late = Observation::BaselineCaptured { name: "previous".into(), value: Captured::Value("2.0.0".into()) };
    flight.input(&Input::Observation(late)).expect("looked at");
    assert_eq!(flight.board.baseline["previous"], Captured::Value("1.4.1".into()), "frozen at T-0");
}

#[test]
fn steps_wait_for_a_key_and_a_once_step_is_never_repeated() {
    let mut flight = Flight::of(plan());
    ready(&mut flight);
    let early = flight.command(Command::RunItem { item: "cut".into() }).expect_err("not due");
    assert!(early.contains("due at T-0"), "{early}");
    flight.command(Command::Resume).expect("GO");
    flight.pass(minutes(12));
    assert!(!running(&flight, "cut"), "waits for its key");
    flight.command(Command::RunItem { item: "cut".into() }).expect("due");
    assert!(matches!(flight.records.last().map(|record| &record.event), Some(Event::StepIntended { .. })));
    let end = Observation::StepEnded {
        item: "cut".into(),
        attempt: Attempt(1),
        verdict: Verdict::Unknown,
        outcome: ended(127),
    };
    flight.input(&Input::Observation(end)).expect("told");
    assert!(flight.command(Command::RunItem { item: "cut".into() }).expect_err("once").contains("once"));
}

#[test]
fn an_end_of_an_attempt_that_was_cancelled_is_no_news() {
    let mut flight = Flight::of(plan());
    flight.command(Command::Cancel { item: "health".into() }).expect("cancelled");
    let before = flight.board.clone();
    flight.answer("health", Verdict::Pass);
    assert_eq!(flight.board.items, before.items);
}

#[test]
fn a_rollback_fences_steps_joins_the_second_request_and_ends_as_told() {
    let mut flight = Flight::of(plan());
    ready(&mut flight);
    flight.command(Command::Resume).expect("GO");
    flight.pass(minutes(12));
    flight.command(Command::Rollback { rollback: "front".into(), why: "errors".into() }).expect("begun");
    let fenced = flight.command(Command::RunItem { item: "cut".into() }).expect_err("fenced");
    assert!(fenced.contains("rollback front is under way"), "{fenced}");
    assert!(flight.command(Command::Rollback { rollback: "all".into(), why: "x".into() }).is_err(), "one at a time");
    let check = ItemId::new("front/version");
    let told = [
        RollbackFact::Started { pid: 7 },
        RollbackFact::StepStarted { step: "front/redeploy".into() },
        RollbackFact::StepEnded { step: "front/redeploy".into(), verdict: Verdict::Pass, outcome: ended(0) },
        RollbackFact::Verified { check: check.clone(), report: report(Verdict::Fail) },
        RollbackFact::Ended { end: RollbackEnd::NotVerified { checks: vec![check] }, took: minutes(1) },
    ];
    for fact in told {
        flight.input(&Input::Observation(Observation::RollbackTold { run: 1, fact })).expect("told");
    }
    let run = &flight.board.rollbacks[0];
    assert_eq!(run.end.as_ref().map(RollbackEnd::words), Some("done but not verified"), "exit 0 is not green");
    flight.command(Command::RunItem { item: "cut".into() }).expect("the fence is gone");
}

#[test]
fn a_rollback_cancels_what_is_readonly_or_said_to_be_killed_and_lets_the_rest_run_on() {
    for (class, on_preempt, cancelled) in [
        (Class::Readonly, OnPreempt::Leave, true),
        (Class::Once, OnPreempt::Leave, false),
        (Class::Once, OnPreempt::Kill, true),
        (Class::Idempotent, OnPreempt::Kill, true),
    ] {
        let mut plan = plan();
        let cut = plan.items.get_mut(&ItemId::new("cut")).expect("there");
        cut.act =
            Act::Step { spec: SpecId(3), class, confirm: Confirm::Key, second: crate::launch::plan::Second::None };
        cut.on_preempt = on_preempt;
        let mut flight = Flight::of(plan);
        ready(&mut flight);
        flight.command(Command::Resume).expect("GO");
        flight.pass(minutes(12));
        flight.command(Command::RunItem { item: "cut".into() }).expect("it runs");
        flight.command(Command::Rollback { rollback: "front".into(), why: "errors".into() }).expect("begun");
        let state = flight.board.item(&"cut".into()).expect("there");
        assert_eq!((state.cancelled, state.is_running()), (cancelled, true), "{class:?} {on_preempt:?}");
    }
}

#[test]
fn before_liftoff_a_rollback_holds_the_countdown() {
    let mut flight = Flight::of(plan());
    flight.command(Command::Rollback { rollback: "front".into(), why: "drill".into() }).expect("begun");
    assert!(flight.board.clock.as_ref().is_some_and(|clock| clock.latches.contains_key("rollback")));
}

#[test]
fn a_warning_opens_the_gate_once_acknowledged_and_a_pass_grows_stale() {
    let mut aging = plan();
    aging.items.get_mut(&ItemId::new("health")).expect("there").valid_for = Some(minutes(5));
    let mut flight = Flight::of(aging);
    flight.answer("login", Verdict::Warn);
    let item = flight.board.plan.items[&ItemId::new("login")].clone();
    assert_eq!(gate::clear(&flight.board, &item, flight.now), gate::Clear::No(Some(Verdict::Warn)));
    flight.command(Command::Acknowledge { item: "login".into() }).expect("taken on");
    assert_eq!(gate::clear(&flight.board, &item, flight.now), gate::Clear::Yes);
    flight.answer("health", Verdict::Pass);
    flight.pass(minutes(6));
    let health = flight.board.item(&"health".into()).expect("there");
    assert_eq!(health.verdict(Some(minutes(5)), flight.now), Some(Verdict::Stale));
}

#[test]
fn skipped_opens_a_gate_only_where_the_item_allows_it() {
    let mut flight = Flight::of(plan());
    flight.answer("health", Verdict::Skipped);
    let mut item = flight.board.plan.items[&ItemId::new("health")].clone();
    assert_eq!(gate::clear(&flight.board, &item, flight.now), gate::Clear::No(Some(Verdict::Skipped)));
    item.allow_skipped = true;
    assert_eq!(gate::clear(&flight.board, &item, flight.now), gate::Clear::Yes);
}

#[test]
fn retries_are_the_check_s_own_and_counted() {
    let mut again = plan();
    again.items.get_mut(&ItemId::new("health")).expect("there").retries = 2;
    let mut flight = Flight::of(again);
    for _ in 0..3 {
        assert!(running(&flight, "health"));
        flight.answer("health", Verdict::Fail);
    }
    assert!(!running(&flight, "health"), "two retries and no more");
    assert_eq!(flight.board.item(&"health".into()).expect("there").attempt, Some(Attempt(3)));
}

#[test]
fn a_crash_comes_back_holding_and_one_key_catches_up() {
    let mut flight = Flight::of(plan());
    gate_a_green(&mut flight);
    flight.pass(minutes(10));
    let t = flight.board.clock_at(flight.now).expect("a clock").t;
    flight.now = flight.now.plus(minutes(5));
    flight.record(flight.now, super::super::event::Actor::engine(), Event::ConsoleReturned { clean: false, t });
    let clock = flight.board.clock.clone().expect("a clock");
    assert_eq!((clock.phase, clock.t), (Clock::Holding, 50 * MINUTE));
    flight.command(Command::CatchUp).expect("once");
    assert_eq!(flight.board.clock.as_ref().map(|clock| clock.t), Some(45 * MINUTE));
    flight.command(Command::Resume).expect("goes on");
}

#[test]
fn a_heartbeat_tells_how_far_t_was_watched_and_is_not_believed_beyond_that() {
    for (beat, wanted) in [(50, 50), (53, 53), (61, 60), (20, 45)] {
        let mut flight = Flight::of(plan());
        gate_a_green(&mut flight);
        let last = flight.board.clock.as_ref().expect("a clock").t;
        assert_eq!(last, 60 * MINUTE, "nothing was recorded since");
        flight.now = flight.now.plus(minutes(15));
        let returned = Event::ConsoleReturned { clean: false, t: beat * MINUTE };
        flight.record(flight.now, super::super::event::Actor::engine(), returned);
        let clock = flight.board.clock.clone().expect("a clock");
        assert_eq!((clock.phase, clock.t), (Clock::Holding, wanted * MINUTE), "a heartbeat at T-{beat} min");
    }
}

#[test]
fn a_sleep_stops_at_the_first_mark_missed() {
    let mut flight = Flight::of(plan());
    gate_a_green(&mut flight);
    flight.now = flight.now.plus(minutes(600));
    flight.input(&Input::Observation(Observation::Slept { gap: minutes(600) })).expect("told");
    let clock = flight.board.clock.as_ref().expect("a clock");
    assert_eq!((clock.phase, clock.t), (Clock::Holding, 30 * MINUTE));
    assert!(clock.t0.is_none(), "T-0 never fires unwatched");
}

fn any_command() -> impl Strategy<Value = Command> {
    let item = prop::sample::select(vec!["health", "login", "chat", "attest", "cut", "after", "look", "none"]);
    let role = prop::sample::select(vec!["backend", "lead", "nobody"]);
    prop_oneof![
        item.clone().prop_map(|item| Command::RunItem { item: item.into() }),
        item.clone().prop_map(|item| Command::Cancel { item: item.into() }),
        item.clone().prop_map(|item| Command::Waive { item: item.into(), reason: "r".into(), lasts: minutes(7) }),
        item.clone().prop_map(|item| Command::Acknowledge { item: item.into() }),
        (item, any::<bool>()).prop_map(|(item, passed)| Command::Attest {
            item: item.into(),
            note: "n".into(),
            passed
        }),
        Just(Command::CallHold { why: "w".into() }),
        prop::sample::select(vec!["ada", "built-in", "gate gate-a", "console-restart", "rollback", "suspended"])
            .prop_map(|who| Command::ReleaseHold { who: who.into() }),
        Just(Command::Resume),
        Just(Command::CatchUp),
        Just(Command::Recycle { mark: Mark(30 * MINUTE) }),
        Just(Command::CutOff { why: "w".into() }),
        Just(Command::Freeze { why: "w".into() }),
        Just(Command::Thaw { why: "w".into() }),
        role.prop_map(|role| Command::Vote { poll: None, role: role.into(), vote: Vote::Go }),
        Just(Command::note("t")),
        Just(Command::Rollback { rollback: "front".into(), why: "w".into() }),
    ]
}

fn any_input() -> impl Strategy<Value = Option<Input>> {
    let item = || prop::sample::select(vec!["health", "login", "chat", "after", "look"]);
    let verdict = || prop::sample::select(Verdict::ALL.to_vec());
    prop_oneof![
        4 => Just(None),
        4 => any_command().prop_map(|command| {
            Some(Input::Command { by: super::super::event::Actor::person("ada", None), command })
        }),
        4 => (item(), 1_u32..4, verdict()).prop_map(|(item, attempt, verdict)| {
            let report = report(verdict);
            Some(Input::Observation(Observation::CheckEnded { item: item.into(), attempt: Attempt(attempt), report }))
        }),
        1 => (1_u32..3).prop_map(|attempt| {
            let (verdict, outcome) = (Verdict::Pass, ended(0));
            let (item, attempt) = ("cut".into(), Attempt(attempt));
            Some(Input::Observation(Observation::StepEnded { item, attempt, verdict, outcome }))
        }),
        1 => Just(Some(Input::Observation(Observation::Slept { gap: minutes(9) }))),
        1 => Just(Some(Input::Observation(Observation::RollbackTold {
            run: 1,
            fact: RollbackFact::Ended { end: RollbackEnd::Verified, took: minutes(1) },
        }))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_of_inputs_keeps_the_promises(steps in prop::collection::vec((any_input(), 0_u64..1_200), 1..60)) {
        let mut flight = Flight::of(plan());
        for (input, seconds) in steps {
            let t = flight.board.clock_at(flight.now).map(|clock| (clock.t, clock.attempt));
            match input {
                None => flight.pass(Duration::from_secs(seconds)),
                Some(input) => {
                    let _ = flight.input(&input);
                }
            }
            let clock = flight.board.clock_at(flight.now).expect("a clock");
            if let Some((before, attempt)) = t {
                prop_assert!(clock.t <= before || clock.attempt > attempt, "T only falls, but for a recycle");
            }
            if clock.t0.is_some() {
                let is_liftoff = |record: &super::super::event::Recorded| {
                    matches!(record.event, Event::Passed(super::super::countdown::Passage::Liftoff))
                };
                prop_assert!(flight.records.iter().any(is_liftoff), "T-0 is in the journal");
                let before = flight.records.iter().take_while(|record| !is_liftoff(record));
                let then = Board::replay(Arc::clone(&flight.board.plan.0), before);
                prop_assert!(poll::tally(&then, then.at).is_go(), "LIFTOFF requires GO");
            }
        }
        let once = |record: &&super::super::event::Recorded| {
            matches!(&record.event, Event::StepIntended { item, .. } if item.as_str() == "cut")
        };
        prop_assert!(flight.records.iter().filter(once).count() <= 1, "a once step happens at most once");
        let liftoffs = flight.records.iter().filter(|record| {
            matches!(record.event, Event::Passed(super::super::countdown::Passage::Liftoff))
        });
        prop_assert!(liftoffs.count() <= 1, "T-0 fires once");
        let replayed = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
        prop_assert_eq!(replayed, flight.board, "replay(journal) == board");
    }
}
