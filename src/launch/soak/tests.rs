//! A soak on the board: how it begins, survives and ends, and that a replay comes to the same.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::board::{Board, Progress};
use super::super::command::{Command, Input, Observation};
use super::super::decide::decide;
use super::super::event::{Actor, Event};
use super::super::id::ItemId;
use super::super::item::ItemState;
use super::super::objective::{Counts, Measured, Round};
use super::super::plan::{Act, Beside, Item, Objective, Plan};
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule;
use super::super::threshold::Threshold;
use super::super::time::{Instant, Mark};
use super::super::verdict::Verdict;
use super::{Ledger, Soak, next_at};

#[path = "filled_tests.rs"]
mod filled;

fn soaking(deadline: Option<Duration>) -> Plan {
    let mut plan = plan();
    let soak =
        Soak { objectives: vec!["errors".into(), "p95".into()], lasts: minutes(30), max_gap: minutes(5), deadline };
    let known = plan.items[&ItemId::new("health")].clone();
    let item = Item { id: "hold".into(), kind: "soak", act: Act::Soak(soak), at: Mark(60 * 60_000), ..known };
    plan.items.insert(item.id.clone(), item);
    plan.phases[0].items.push("hold".into());
    plan
}

fn state(flight: &Flight) -> &ItemState {
    flight.board.item(&"hold".into()).expect("there")
}

fn ledger(flight: &Flight) -> &Ledger {
    &flight.board.soaks[&ItemId::new("hold")]
}

fn replays(flight: &Flight) {
    let again = Board::replay(Arc::clone(&flight.board.plan.0), &flight.records);
    assert_eq!(again.soaks, flight.board.soaks);
    assert_eq!(again.items, flight.board.items);
}

#[test]
fn it_begins_at_its_mark_by_itself_and_time_alone_does_not_pass_it() {
    let mut flight = Flight::of(soaking(None));
    assert!(state(&flight).is_running(), "{:?}", state(&flight).progress);
    flight.pass(minutes(59));
    assert!(state(&flight).is_running());
    assert_eq!(ledger(&flight).credited, Duration::ZERO);
    // It looks at nothing itself: launch time may jump.
    flight.answer("health", Verdict::Pass);
    flight.answer("login", Verdict::Pass);
    flight.answer("chat", Verdict::Pass);
    assert_eq!(flight.board.in_flight(), 0);
    replays(&flight);
}

#[test]
fn what_is_not_through_by_its_deadline_has_failed() {
    let mut flight = Flight::of(soaking(Some(minutes(45))));
    assert!(schedule::next_at(&flight.board, flight.now).is_some_and(|at| at <= Instant(45 * 60_000)));
    flight.pass(minutes(44));
    assert!(state(&flight).is_running());
    flight.pass(minutes(2));
    assert_eq!(state(&flight).progress, Progress::Ended { verdict: Verdict::Fail, at: Instant(45 * 60_000) });
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "0s of 30m credited when its 45m were over");
    assert_eq!(report.took, minutes(45));
    replays(&flight);
}

#[test]
fn a_console_that_comes_back_finds_it_running_with_a_hole() {
    let mut flight = Flight::of(soaking(None));
    flight.pass(minutes(10));
    flight.now = flight.now.plus(minutes(7));
    let t = flight.board.mark_at(flight.now).0;
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: false, t });
    flight.follow();
    assert_eq!(state(&flight).progress, Progress::Running { since: Instant(0), pid: None });
    assert_eq!(ledger(&flight).since, Instant(0));
    replays(&flight);
}

#[test]
fn one_that_is_cancelled_and_run_again_begins_a_ledger_of_its_own() {
    let mut flight = Flight::of(soaking(None));
    flight.pass(minutes(10));
    flight.command(Command::Cancel { item: "hold".into() }).expect("cancelled");
    assert!(matches!(state(&flight).progress, Progress::Ended { verdict: Verdict::Unknown, .. }));
    flight.pass(minutes(10));
    assert!(!state(&flight).is_running(), "nobody began it again");
    flight.command(Command::RunItem { item: "hold".into() }).expect("run");
    assert_eq!(ledger(&flight).since, Instant(20 * 60_000));
    replays(&flight);
}

#[test]
fn the_next_instant_is_one_at_which_it_is_evaluated_and_never_the_past() {
    let mut flight = Flight::of(soaking(None));
    for _ in 0..5 {
        flight.pass(minutes(17));
        let next: Vec<Instant> = next_at(&flight.board, flight.now).collect();
        assert!(next.iter().all(|at| *at > flight.now), "{next:?} at {:?}", flight.now);
        assert_eq!(next.len(), 1);
    }
}

fn objective(id: &str) -> Objective {
    Objective {
        id: id.into(),
        title: id.to_owned(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 20,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(60),
    }
}

/// What the window of an objective held: of 100 samples so many failed; none where there is no data.
fn counts(at: i64, failed: Option<u64>) -> Counts {
    let seen = Measured { of: failed.map_or(0, |_| 100), against: failed.unwrap_or(0), ..Measured::default() };
    let newest = failed.map(|_| Instant(at - 1_000));
    Counts { seen, newest, known: Duration::from_secs(30).into(), ..Counts::default() }
}

fn round(at: i64, failed: Option<u64>) -> Round {
    let counts = ["errors", "p95"].map(|id| (id.into(), counts(at, if id == "errors" { failed } else { Some(0) })));
    Round { at: Instant(at), counts: counts.into_iter().collect() }
}

const WELL: Option<u64> = Some(0);
const BAD: Option<u64> = Some(40);

/// Time passes with an evaluation each ten seconds.
fn evaluated(flight: &mut Flight, span: Duration, failed: Option<u64>) {
    let until = flight.now.plus(span);
    while flight.now < until {
        let at = Instant((flight.now.0 / 10_000 + 1) * 10_000).min(until);
        flight.now = at;
        if at.0 % 10_000 == 0 {
            let rounds = vec![round(at.0, failed)];
            flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("taken");
        }
        flight.follow();
    }
}

fn flight() -> Flight {
    let mut plan = soaking(None);
    plan.objectives = vec![objective("errors"), objective("p95")];
    Flight::of(plan)
}

fn returned(flight: &mut Flight, away: Duration) {
    flight.now = flight.now.plus(away);
    let t = flight.board.mark_at(flight.now).0;
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: false, t });
    flight.follow();
}

fn ended(flight: &Flight) -> Option<(Verdict, i64)> {
    match state(flight).progress {
        Progress::Ended { verdict, at } => Some((verdict, at.0)),
        _ => None,
    }
}

const MINUTE: i64 = 60_000;

#[test]
fn half_an_hour_known_to_be_well_passes_at_its_last_instant_and_says_what_it_saw() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(29), WELL);
    assert_eq!(ended(&flight), None);
    assert_eq!(schedule::next_at(&flight.board, flight.now), Some(Instant(30 * MINUTE)));
    evaluated(&mut flight, minutes(2), WELL);
    assert_eq!(ended(&flight), Some((Verdict::Pass, 30 * MINUTE)));
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "held for 30m");
    let told: Vec<String> = report.findings.iter().map(|f| format!("{} {}", f.subject, f.seen)).collect();
    assert_eq!(told, ["credited 30m", "errors no breach", "p95 no breach", "unknown 0s", "holes 0s"]);
    replays(&flight);
}

#[test]
fn a_breach_of_one_objective_begins_it_anew_and_the_report_says_so() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(20), WELL);
    evaluated(&mut flight, Duration::from_secs(10), BAD);
    assert_eq!((ledger(&flight).credited, ledger(&flight).restarts), (Duration::ZERO, 1));
    evaluated(&mut flight, minutes(31), WELL);
    assert_eq!(ended(&flight), Some((Verdict::Pass, 50 * MINUTE + 10_000)));
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "held for 30m, begun anew once");
    assert_eq!(report.findings[1].seen, "1 breach, 10s");
    replays(&flight);
}

#[test]
fn no_data_earns_nothing() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(20), WELL);
    evaluated(&mut flight, minutes(4), None);
    assert_eq!((ledger(&flight).credited, ledger(&flight).restarts), (minutes(20), 0));
    evaluated(&mut flight, minutes(11), WELL);
    assert_eq!(ended(&flight), Some((Verdict::Pass, 34 * MINUTE)));
}

#[test]
fn a_console_away_for_4_59_costs_that_and_for_5_01_all_or_a_name() {
    let second = Duration::from_secs(1);
    let mut flight = flight();
    evaluated(&mut flight, minutes(20), WELL);
    returned(&mut flight, minutes(5) - second);
    evaluated(&mut flight, minutes(11), WELL);
    // Told by the evaluation after it.
    assert_eq!(ended(&flight), Some((Verdict::Pass, 35 * MINUTE)));
    assert_eq!(ledger(&flight).through, Some(Instant(34 * MINUTE + 59_000)));

    let mut flight = self::flight();
    evaluated(&mut flight, minutes(20), WELL);
    let hole = flight.now;
    returned(&mut flight, minutes(5) + second);
    let waive = |hole, reason: &str| Command::WaiveHole { item: "hold".into(), hole, reason: reason.into() };
    let refused = flight.command(waive(hole, "known")).expect_err("nothing was evaluated since");
    assert!(refused.contains("nothing to waive"), "{refused}");
    evaluated(&mut flight, minutes(5), WELL);
    assert_eq!(ledger(&flight).restarts, 1);
    for (asked, why) in [(waive(hole, " "), "needs a reason"), (waive(Instant(1), "known"), "look again")] {
        let refused = flight.command(asked).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
    let refused = flight.command_as("backend", waive(hole, "known")).expect_err("no power");
    assert!(refused.contains("may not waive"), "{refused}");
    let by = Actor::person("operator", None);
    let unnamed = flight.input(&Input::Command { by, command: waive(hole, "known") }).expect_err("no name");
    assert!(unnamed.contains("named person's"), "{unnamed}");
    assert_eq!(ledger(&flight).restarts, 1, "nothing of it changed anything");
    flight.command_as("lead", waive(hole, "the bastion was down")).expect("waived");
    assert_eq!((ledger(&flight).restarts, ledger(&flight).waived), (0, 1));
    let refused = flight.command(waive(hole, "once more")).expect_err("waived before");
    assert!(refused.contains("nothing to waive"), "{refused}");
    evaluated(&mut flight, minutes(10), WELL);
    assert_eq!(ended(&flight).map(|(verdict, _)| verdict), Some(Verdict::Pass));
    assert_eq!(ledger(&flight).through, Some(Instant(35 * MINUTE + 1_000)));
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "held for 30m, with 1 hole waived");
    let waived = report.findings.iter().find(|finding| finding.subject.starts_with("hole of")).expect("told");
    assert_eq!(
        (waived.subject.as_str(), waived.seen.as_str()),
        ("hole of 5m 1s", "waived by bo: the bastion was down")
    );
    replays(&flight);
}

#[test]
fn a_hole_that_is_not_over_is_not_waived() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(20), WELL);
    let hole = flight.now;
    evaluated(&mut flight, minutes(6), None);
    let waive = || Command::WaiveHole { item: "hold".into(), hole, reason: "known".into() };
    let refused = flight.command(waive()).expect_err("it lasts on");
    assert!(refused.contains("is not over"), "{refused}");
    evaluated(&mut flight, minutes(1), WELL);
    flight.command(waive()).expect("waived");
    assert_eq!(ledger(&flight).credited, minutes(21));
}

#[test]
fn what_slept_or_stood_still_is_a_hole() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(10), WELL);
    let gap = minutes(7);
    flight.now = flight.now.plus(gap);
    flight.input(&Input::Observation(Observation::Slept { gap })).expect("taken");
    evaluated(&mut flight, minutes(1), WELL);
    assert_eq!((ledger(&flight).sums.hole, ledger(&flight).restarts), (gap, 1));
    assert_eq!(ledger(&flight).credited, minutes(1));
    replays(&flight);
}

#[test]
fn a_round_of_a_time_that_has_not_come_earns_nothing() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(1), WELL);
    let rounds = vec![round(40 * MINUTE, WELL)];
    flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("taken");
    assert_eq!(ledger(&flight).credited, minutes(1));
    assert_eq!(ended(&flight), None);
}

#[test]
fn several_rounds_in_one_record_are_as_good_as_one_each_and_generated_ones_are_said_to_be() {
    let mut flight = flight();
    flight.now = Instant(31 * MINUTE);
    let mut rounds: Vec<Round> = (1..=186).map(|at| round(at * 10_000, WELL)).collect();
    rounds[4].counts.values_mut().for_each(|counts| counts.generated = true);
    flight.input(&Input::Observation(Observation::Evaluated { rounds })).expect("taken");
    flight.follow();
    assert_eq!(ended(&flight).map(|(verdict, _)| verdict), Some(Verdict::Pass));
    assert_eq!(ledger(&flight).through, Some(Instant(30 * MINUTE)));
    let report = state(&flight).report.clone().expect("told");
    assert_eq!(report.summary, "held for 30m, on GENERATED samples");
    replays(&flight);
}

#[test]
fn what_is_through_after_its_deadline_has_failed_though_both_are_told_at_once() {
    for (deadline, wanted) in [(30, Verdict::Pass), (29, Verdict::Fail)] {
        let mut plan = soaking(Some(minutes(deadline)));
        plan.objectives = vec![objective("errors"), objective("p95")];
        let mut flight = Flight::of(plan);
        flight.now = Instant(31 * MINUTE);
        let rounds = (1..=186).map(|at| round(at * 10_000, WELL)).collect();
        for event in
            decide(&flight.board, &Input::Observation(Observation::Evaluated { rounds }), flight.now).expect("taken")
        {
            flight.record(flight.now, Actor::engine(), event);
        }
        flight.follow();
        assert_eq!(ended(&flight).map(|(verdict, _)| verdict), Some(wanted), "{deadline} minutes");
        let report = state(&flight).report.clone().expect("told");
        let summary =
            if wanted == Verdict::Pass { "held for 30m" } else { "30m credited only after 30m, its 29m were over" };
        assert_eq!((report.summary.as_str(), report.verdict), (summary, wanted));
        assert_eq!(report.findings[0].verdict, wanted, "{:?}", report.findings[0]);
        replays(&flight);
    }
}

#[test]
fn a_recycle_leaves_it_alone() {
    let mut flight = flight();
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    evaluated(&mut flight, minutes(10), WELL);
    let before = ledger(&flight).clone();
    flight.record(flight.now, Actor::engine(), Event::HoldCalled { who: "ada".into(), why: "wait".into() });
    flight.record(flight.now, Actor::engine(), Event::Recycled { mark: Mark(60 * MINUTE) });
    assert_eq!(*ledger(&flight), before);
    assert!(state(&flight).is_running());
    evaluated(&mut flight, minutes(1), WELL);
    assert_eq!(ledger(&flight).credited, minutes(11));
    replays(&flight);
}

/// The board of the same records, with every plan that is known.
fn replays_amended(flight: &Flight) {
    let mut again = flight.board.revisions.afresh().expect("known");
    flight.records.iter().for_each(|record| again.apply(record));
    assert_eq!((again.soaks, again.items), (flight.board.soaks.clone(), flight.board.items.clone()));
}

#[test]
fn an_amendment_begins_it_anew_where_an_objective_says_something_else() {
    let retitled = |plan: &mut Plan| plan.objectives[0].title = "Errors".into();
    let moved = |plan: &mut Plan| plan.objectives[1].window = Duration::from_secs(60);
    let gone = |plan: &mut Plan| drop(plan.objectives.pop());
    type Case<'c> = (&'c str, &'c dyn Fn(&mut Plan), &'c [&'c str], Option<(Duration, u32)>);
    let cases: [Case<'_>; 4] = [
        ("a title", &retitled, &[], Some((minutes(10), 0))),
        ("a window", &moved, &[], Some((Duration::ZERO, 1))),
        ("none of that name", &gone, &[], Some((Duration::ZERO, 1))),
        ("its own table", &retitled, &["hold"], None),
    ];
    for (what, change, again, wanted) in cases {
        let mut flight = flight();
        evaluated(&mut flight, minutes(10), WELL);
        let mut plan = (*flight.board.plan.0).clone();
        plan.hash = "second".into();
        change(&mut plan);
        flight.board.revisions.learn(&Arc::new(plan));
        let amended = Event::PlanAmended {
            revision: 2,
            plan_hash: "second".into(),
            reason: "so".into(),
            changes: Vec::new(),
            again: again.iter().map(|id| (*id).into()).collect(),
            recapture: Vec::new(),
            asked: Vec::new(),
        };
        flight.record(flight.now, Actor::engine(), amended);
        let known = flight.board.soaks.get(&ItemId::new("hold"));
        assert_eq!(known.map(|ledger| (ledger.credited, ledger.restarts)), wanted, "{what}");
        flight.follow();
        let since = if wanted.is_some() { Instant(0) } else { Instant(10 * MINUTE) };
        assert_eq!(ledger(&flight).since, since, "{what}");
        replays_amended(&flight);
    }
}

#[derive(Debug, Clone)]
enum Happens {
    Rounds(u64, Option<u64>),
    Passes(u64),
    Slept(u64),
    Returned(u64),
    Left,
    Waive,
    Cancel,
    Run,
}

fn happens() -> impl Strategy<Value = Happens> {
    let failed = || prop_oneof![5 => Just(WELL), 1 => Just(BAD), 1 => Just(None)];
    prop_oneof![
        6 => (1_u64..900, failed()).prop_map(|(seconds, failed)| Happens::Rounds(seconds, failed)),
        1 => (1_u64..400).prop_map(Happens::Passes),
        1 => (1_u64..400).prop_map(Happens::Slept),
        1 => (1_u64..400).prop_map(Happens::Returned),
        1 => Just(Happens::Left),
        2 => Just(Happens::Waive),
        1 => Just(Happens::Cancel),
        1 => Just(Happens::Run),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_replay_comes_to_the_same_whatever_happens(all in proptest::collection::vec(happens(), 0..40)) {
        let mut flight = flight();
        let item = ItemId::new("hold");
        for happens in all {
            match happens {
                Happens::Rounds(seconds, failed) => evaluated(&mut flight, Duration::from_secs(seconds), failed),
                Happens::Passes(seconds) => flight.pass(Duration::from_secs(seconds)),
                Happens::Slept(seconds) => {
                    let gap = Duration::from_secs(seconds);
                    flight.now = flight.now.plus(gap);
                    flight.input(&Input::Observation(Observation::Slept { gap })).expect("taken");
                }
                Happens::Returned(seconds) => returned(&mut flight, Duration::from_secs(seconds)),
                Happens::Left => flight.record(flight.now, Actor::engine(), Event::ConsoleLeft),
                Happens::Waive => {
                    let hole = flight.board.soaks.get(&item).and_then(|known| known.lost.last()).map(|lost| lost.from);
                    let command =
                        Command::WaiveHole { item: item.clone(), hole: hole.unwrap_or_default(), reason: "so".into() };
                    drop(flight.command(command));
                }
                Happens::Cancel => drop(flight.command(Command::Cancel { item: item.clone() })),
                Happens::Run => drop(flight.command(Command::RunItem { item: item.clone() })),
            }
            let known = ledger(&flight);
            prop_assert!(known.credited <= known.sums.pass);
            if let Some((Verdict::Pass, _)) = ended(&flight) {
                prop_assert!(known.credited >= minutes(30));
            }
            let next = schedule::next_at(&flight.board, flight.now);
            prop_assert!(next.is_none_or(|at| at > flight.now));
        }
        replays(&flight);
    }
}
