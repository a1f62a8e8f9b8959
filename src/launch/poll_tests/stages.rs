//! The second GO, sign-offs, and what polls promise under any order of inputs.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::ballot;
use super::super::board::{Board, Progress, Shared};
use super::super::command::{Command, Input, Observation};
use super::super::criteria::{self, Sight};
use super::super::event::{Actor, Event, Vote};
use super::super::id::ItemId;
use super::super::plan::{GoStage, OnFail, Plan};
use super::super::samples::{Flight, minutes, report};
use super::super::verdict::Verdict;
use super::super::{poll, signoff};
use super::{at_poll, go, sight, told, two_stages};

/// Past T-0, at the second poll.
fn observed() -> Flight {
    let mut flight = at_poll(two_stages());
    go(&mut flight);
    flight.pass(minutes(10));
    flight.command_as("lead", Command::Resume).expect("GO");
    flight.pass(minutes(45));
    flight
}

fn second(flight: &mut Flight, role: &str, vote: Vote) -> Result<(), String> {
    flight.command(Command::Vote { poll: Some("second-go".into()), role: role.into(), vote })
}

fn verdict(flight: &Flight, item: &str) -> Option<Verdict> {
    flight.board.item(&item.into()).and_then(|state| state.verdict(None, flight.now))
}

#[test]
fn the_second_go_is_a_poll_of_its_own() {
    let mut early = at_poll(two_stages());
    assert!(second(&mut early, "backend", Vote::Go).expect_err("not open").contains("opens at T+30m"));
    let open: Vec<_> = ballot::open(&early.board, early.now).collect();
    assert_eq!(open, [None]);

    let mut flight = observed();
    let item = ItemId::new("second-go");
    assert_eq!(ballot::open(&flight.board, flight.now).collect::<Vec<_>>(), [Some(&item)]);
    second(&mut flight, "backend", Vote::Go).expect("a vote");
    assert!(second(&mut flight, "nobody", Vote::Go).expect_err("none").contains("no vote"));
    assert_eq!(flight.board.votes.len(), 2, "the plan's own stays as it was");
    second(&mut flight, "lead", Vote::Go).expect("a vote");
    assert_eq!(verdict(&flight, "second-go"), Some(Verdict::Fail), "its criterion is open: look has not run");
    let report = flight.board.item(&item).and_then(|state| state.report.clone()).expect("a report");
    assert!(report.summary.contains("go calm open"), "{}", report.summary);
    assert!(second(&mut flight, "lead", Vote::Go).expect_err("decided").contains("run it again"));

    flight.answer("look", Verdict::Pass);
    flight.command(Command::RunItem { item: item.clone() }).expect("polled again");
    assert!(flight.board.item(&item).is_some_and(|state| state.progress == Progress::Waiting));
    assert!(ballot::votes(&flight.board, Some(&item)).is_empty(), "nothing of the last time counts");
    for (role, said) in [("backend", Vote::Go), ("lead", Vote::NoGo { reason: "one more day".into() })] {
        second(&mut flight, role, said).expect("a vote");
    }
    assert_eq!(verdict(&flight, "second-go"), Some(Verdict::Fail));
    flight.command(Command::RunItem { item: item.clone() }).expect("polled again");
    for role in ["backend", "lead"] {
        second(&mut flight, role, Vote::Go).expect("a vote");
    }
    assert_eq!(verdict(&flight, "second-go"), Some(Verdict::Pass));
    let tries: Vec<u32> = flight.board.item(&item).expect("it").history.iter().map(|(attempt, _)| attempt.0).collect();
    assert_eq!(tries, [1, 2, 3]);
    let of_item = |event: &Event| matches!(event, Event::PollDecided { poll: Some(_), .. });
    assert_eq!(told(&flight, of_item), 3);
    assert!(flight.board.polls.decisions[&Some(item)].go);
}

#[test]
fn each_role_signs_once_and_nobody_twice_unless_listed_in_both() {
    let mut flight = observed();
    let sign = |name: &str, role: &str| Input::Command {
        by: Actor::person(name, Some(role.into())),
        command: Command::Sign { item: "sign-off".into(), role: role.into(), note: String::new() },
    };
    flight.input(&sign("ana", "backend")).expect("signed");
    assert_eq!(verdict(&flight, "sign-off"), None);
    assert!(flight.input(&sign("bo", "backend")).expect_err("signed").contains("has signed: ana"));
    let twice = flight.input(&sign("ana", "lead")).expect_err("one person");
    assert!(twice.contains("ana has signed for backend"), "{twice}");
    let mut plan = Plan::clone(&flight.board.plan.0);
    plan.roles[0].people = vec!["ana".into()];
    flight.board.plan = Shared(Arc::new(plan.clone()));
    assert!(flight.input(&sign("ana", "lead")).is_err(), "in one of them alone");
    plan.roles[1].people = vec!["ana".into()];
    flight.board.plan = Shared(Arc::new(plan));
    flight.input(&sign("ana", "lead")).expect("in both");
    assert_eq!(verdict(&flight, "sign-off"), Some(Verdict::Pass));
    let report = flight.board.item(&"sign-off".into()).and_then(|state| state.report.clone()).expect("a report");
    assert_eq!((report.summary.as_str(), report.findings.len()), ("signed by 2 of 2", 2));
    flight.command(Command::RunItem { item: "sign-off".into() }).expect("anew");
    assert!(signoff::signatures(&flight.board, &"sign-off".into()).is_empty());
}

#[test]
fn what_is_acknowledged_by_its_plan_is_no_worse_for_a_criterion() {
    let mut plan = two_stages();
    plan.items.get_mut(&"health".into()).expect("there").on_fail = OnFail::Warn;
    let mut flight = Flight::of(plan);
    for (item, verdict) in [("health", Verdict::Fail), ("login", Verdict::Pass), ("chat", Verdict::Pass)] {
        flight.answer(item, verdict);
    }
    assert_eq!(sight(&flight, "smoke"), (Sight::Fail, false));
    flight.command(Command::Acknowledge { item: "health".into() }).expect("taken on");
    assert_eq!(sight(&flight, "smoke"), (Sight::Pass, true));
}

fn any_act() -> impl Strategy<Value = Option<Input>> {
    let role = || prop::sample::select(vec!["backend", "lead"]);
    let id = || prop::sample::select(vec!["smoke", "down", "way-back", "calm"]);
    let verdict = || prop::sample::select(Verdict::ALL.to_vec());
    let poll = prop::sample::select(vec![None, Some("second-go")]);
    let said = prop::sample::select(vec![Vote::Go, Vote::Go, Vote::NoGo { reason: "n".into() }]);
    let command = prop_oneof![
        6 => (poll, role(), said).prop_map(|(poll, role, vote)| Command::Vote {
            poll: poll.map(Into::into),
            role: role.into(),
            vote
        }),
        2 => (id(), any::<bool>()).prop_map(|(id, met)| Command::Judge { criterion: id.into(), met, note: "n".into() }),
        1 => (id(), 1_u64..300).prop_map(|(id, lasts)| Command::WaiveCriterion {
            criterion: id.into(),
            reason: "r".into(),
            lasts: Duration::from_secs(lasts),
        }),
        1 => role().prop_map(|role| Command::Sign { item: "sign-off".into(), role: role.into(), note: String::new() }),
        2 => prop::sample::select(vec!["second-go", "sign-off", "health", "look"])
            .prop_map(|item| Command::RunItem { item: item.into() }),
        3 => Just(Command::Resume),
        1 => Just(Command::Recycle { mark: super::super::time::Mark(30 * 60_000) }),
        1 => Just(Command::Attest { item: "attest".into(), note: "n".into(), passed: true }),
    ];
    prop_oneof![
        3 => Just(None),
        6 => command.prop_map(|command| Some(Input::Command { by: Actor::person("ada", None), command })),
        3 => verdict().prop_map(|verdict| Some(Input::Observation(Observation::MonitorChanged {
            monitor: "api".into(),
            verdict,
            why: "w".into()
        }))),
        3 => (prop::sample::select(vec!["health", "login", "chat", "look"]), 1_u32..3, verdict()).prop_map(
            |(item, attempt, verdict)| {
                let attempt = super::super::id::Attempt(attempt);
                let report = report(verdict);
                Some(Input::Observation(Observation::CheckEnded { item: item.into(), attempt, report }))
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_keeps_what_polls_promise(
        green: bool,
        steps in prop::collection::vec((any_act(), 0_u64..400), 1..60)
    ) {
        let mut flight = if green { at_poll(two_stages()) } else { Flight::of(two_stages()) };
        for (input, seconds) in steps {
            match input {
                None => flight.pass(Duration::from_secs(seconds)),
                Some(input) => {
                    let _ = flight.input(&input);
                }
            }
            let board = &flight.board;
            let tally = poll::tally(board, flight.now);
            if tally.is_go() {
                let all = criteria::of_stage(board, GoStage::Launch, flight.now);
                prop_assert!(all.into_iter().all(|(_, standing)| standing.is_clear()), "GO over a criterion");
                prop_assert!(tally.votes.iter().all(|(_, vote)| vote.is_some()), "GO over silence");
            }
            for votes in [&board.votes].into_iter().chain(board.polls.items.values()) {
                let others = votes.keys().filter(|role| role.as_str() != "lead").count();
                prop_assert!(!votes.contains_key(&"lead".into()) || others == 1 || board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()) || !board.polls.void.is_empty());
            }
        }
        let liftoff = flight.records.iter().position(|record| {
            matches!(record.event, Event::Passed(super::super::countdown::Passage::Liftoff))
        });
        if let Some(at) = liftoff {
            let then = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records[..at]);
            let at = flight.records[at].at;
            prop_assert!(poll::tally(&then, at).is_go(), "LIFTOFF requires GO");
        }
        let replayed = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
        prop_assert_eq!(replayed, flight.board, "replay(journal) == board");
    }
}
