//! What a rollback leaves unproven, what it leaves alone, and what proves it again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::board::Board;
use super::super::command::{Command, Input, Observation};
use super::super::event::{Event, RollbackEnd, RollbackFact};
use super::super::gate::{self, Clear};
use super::super::id::{Attempt, ItemId};
use super::super::plan::{Act, Class, Confirm, Item, Plan, Second, SpecId};
use super::super::poll;
use super::super::samples::{Flight, minutes, plan};
use super::super::time::Mark;
use super::super::verdict::{Outcome, Verdict};
use super::super::why;

const MINUTE: i64 = 60_000;

/// The sample plan with steps of gate-b at T-30m, its recycle mark, and one of gate-a before it.
fn steps() -> Plan {
    let mut plan = plan();
    let mut step = |id: &str, phase: &str, class: Class, kind: &'static str| {
        let of = if phase == "gate-a" { "health" } else { "attest" };
        let known = plan.items[&ItemId::new(of)].clone();
        let act = Act::Step { spec: SpecId(9), class, confirm: Confirm::Key, second: Second::None };
        plan.items.insert(id.into(), Item { id: id.into(), act, kind, ..known });
        let phase = plan.phases.iter_mut().find(|known| known.id.as_str() == phase).expect("there");
        phase.items.push(id.into());
    };
    step("before", "gate-a", Class::Idempotent, "run");
    step("share", "gate-a", Class::Idempotent, "traffic");
    step("apply", "gate-b", Class::Idempotent, "run");
    step("migrate", "gate-b", Class::Once, "run");
    step("look-there", "gate-b", Class::Readonly, "run");
    step("tell", "gate-b", Class::Once, "notify");
    step("staging", "gate-b", Class::Idempotent, "run");
    step("other-share", "gate-b", Class::Idempotent, "traffic");
    plan.items.get_mut(&ItemId::new("staging")).expect("there").target = Some("staging".into());
    let shares = |name: &str| BTreeSet::from([name.to_owned()]);
    plan.sets = BTreeMap::from([("share".into(), shares("canary")), ("other-share".into(), shares("other"))]);
    plan
}

const ALL: [&str; 8] = ["before", "share", "apply", "migrate", "look-there", "tell", "staging", "other-share"];

fn ends(flight: &mut Flight, item: &str) {
    let item = ItemId::new(item);
    let attempt = flight.board.item(&item).and_then(|state| state.attempt).expect("it began");
    let outcome = Outcome { exit: Some(0), ..Outcome::default() };
    let verdict = outcome.verdict(&[]);
    flight.input(&Input::Observation(Observation::StepEnded { item, attempt, verdict, outcome })).expect("told");
}

fn runs(flight: &mut Flight, item: &str) {
    flight.command(Command::RunItem { item: item.into() }).expect("due");
    ends(flight, item);
}

/// At T-30m, where every step has passed.
fn flown(plan: Plan) -> Flight {
    let mut flight = Flight::of(plan);
    ["health", "login", "chat"].into_iter().for_each(|check| flight.answer(check, Verdict::Pass));
    ["before", "share"].into_iter().for_each(|step| runs(&mut flight, step));
    flight.pass(minutes(30));
    let word = Command::Attest { item: "attest".into(), note: "seen".into(), passed: true };
    flight.command(word).expect("due");
    ALL.iter().skip(2).for_each(|step| runs(&mut flight, step));
    flight
}

/// At T-20m, where everything has passed.
fn passed(plan: Plan) -> Flight {
    let mut flight = flown(plan);
    assert!(flight.board.phases.values().filter(|phase| phase.passed).count() == 2, "both gates are open");
    flight.pass(minutes(10));
    flight
}

fn told(flight: &mut Flight, fact: RollbackFact) {
    let run = flight.board.rollbacks.last().expect("asked for").run;
    flight.input(&Input::Observation(Observation::RollbackTold { run, fact })).expect("told");
}

fn asked(flight: &mut Flight) {
    flight.command(Command::Rollback { rollback: "front".into(), why: "bad".into() }).expect("asked");
    told(flight, RollbackFact::Started { pid: 7 });
}

fn rolled_back(flight: &mut Flight, end: RollbackEnd) {
    asked(flight);
    told(flight, RollbackFact::StepStarted { step: "front/redeploy".into() });
    told(flight, RollbackFact::Ended { end, took: Duration::from_secs(1) });
}

fn stale(board: &Board) -> Vec<&str> {
    let now = board.at;
    let all = ALL.into_iter().filter(|id| {
        let (item, state) = (&board.plan.items[&ItemId::new(id)], board.item(&ItemId::new(id)).expect("there"));
        let shut = matches!(gate::clear(board, item, now), Clear::No(_));
        assert!(state.is_running() || shut == (state.verdict(None, now) == Some(Verdict::Stale)), "{id}");
        shut
    });
    all.collect()
}

#[test]
fn what_a_rollback_may_have_set_back_is_stale_and_shuts_its_gate_whatever_the_rollback_came_to() {
    let ends = [
        RollbackEnd::Verified,
        RollbackEnd::NotVerified { checks: vec!["front/version".into()] },
        RollbackEnd::FailedAtStep { step: "front/redeploy".into(), why: "exit 1".into(), by_hand: "redeploy".into() },
    ];
    for end in ends {
        let mut flight = passed(steps());
        rolled_back(&mut flight, end);
        // `before` and `share` came before the mark that one may go back to, and a command's work cannot be told.
        assert_eq!(stale(&flight.board), ["apply", "migrate", "other-share"]);
        assert!(!flight.board.phases[&"gate-b".into()].passed);
        let because = flight.board.item(&"apply".into()).and_then(|state| state.undone.clone());
        assert_eq!(because.as_deref(), Some("may be undone by rollback front #1"));
        let blocks = poll::machine_blocks(&flight.board, flight.now);
        let said = blocks.iter().any(|why| why.contains("apply: stale (may be undone by rollback front #1)"));
        assert!(said, "{blocks:?}");
        let chain: Vec<String> = why::chain(&flight.board, flight.now).into_iter().map(|link| link.words).collect();
        assert!(chain.contains(&"apply: stale, may be undone by rollback front #1".to_owned()), "{chain:?}");
    }
}

#[test]
fn a_rollback_that_reached_none_of_its_steps_sets_nothing_back() {
    let mut flight = passed(steps());
    asked(&mut flight);
    assert_eq!(stale(&flight.board), [""; 0]);
    let end = RollbackEnd::FailedAtStep { step: "front/redeploy".into(), why: "exit 1".into(), by_hand: String::new() };
    told(&mut flight, RollbackFact::Ended { end, took: Duration::from_secs(1) });
    assert_eq!(stale(&flight.board), [""; 0]);
}

#[test]
fn a_share_is_undone_by_whoever_sets_it_and_by_nobody_else() {
    let mut plan = steps();
    plan.sets.insert("front/redeploy".into(), BTreeSet::from(["canary".to_owned()]));
    let mut flight = passed(plan);
    rolled_back(&mut flight, RollbackEnd::Verified);
    assert_eq!(stale(&flight.board), ["share", "apply", "migrate"], "before the mark too, and the other never");
    let why = flight.board.item(&"share".into()).and_then(|state| state.undone.clone());
    assert_eq!(why.as_deref(), Some("undone by rollback front #1"));
}

#[test]
fn without_a_mark_to_go_back_to_nothing_that_acted_here_is_left_alone() {
    let mut plan = steps();
    plan.clock.recycle = BTreeSet::from([Mark(15 * MINUTE)]);
    let mut flight = passed(plan);
    rolled_back(&mut flight, RollbackEnd::Verified);
    assert_eq!(stale(&flight.board), ["before", "share", "apply", "migrate", "other-share"]);
}

#[test]
fn what_runs_on_beside_a_rollback_is_no_more_proven_than_what_ended_before_it() {
    let mut flight = passed(steps());
    flight.command(Command::RunItem { item: "apply".into() }).expect("again");
    rolled_back(&mut flight, RollbackEnd::Verified);
    assert_eq!(stale(&flight.board), ["apply", "migrate", "other-share"], "it runs: not clear");
    ends(&mut flight, "apply");
    assert_eq!(stale(&flight.board), ["apply", "migrate", "other-share"]);
}

#[test]
fn the_launch_goes_on_from_a_recycle_only_once_each_is_run_again_or_taken_on_by_a_word() {
    let mut flight = passed(steps());
    rolled_back(&mut flight, RollbackEnd::Verified);
    flight.command(Command::ReleaseHold { who: "rollback".into() }).expect("held");
    flight.command(Command::Recycle { mark: Mark(30 * MINUTE) }).expect("declared");
    assert_eq!(stale(&flight.board), ["apply", "migrate", "other-share"]);
    runs(&mut flight, "apply");
    assert_eq!(stale(&flight.board), ["migrate", "other-share"]);
    // Of class once: a key is not enough, a reason or a word is.
    let refused = flight.command(Command::RunItem { item: "migrate".into() }).expect_err("once");
    assert!(refused.contains("mark it done or failed, or repeat it with a reason"), "{refused}");
    let done = Command::MarkStep { item: "migrate".into(), passed: true, reason: "the tables are new".into() };
    flight.command(done).expect("a word");
    flight.pass(minutes(1));
    assert_eq!(stale(&flight.board), ["other-share"], "the word is newer than the rollback");
    let lasts = minutes(60);
    let waive = Command::Waive { item: "other-share".into(), reason: "not used".into(), lasts };
    flight.command(waive).expect("blocks");
    assert!(flight.board.phases[&"gate-b".into()].passed, "and the gate says so anew");
    // Another rollback sets all of it back again, the word too.
    flight.command(Command::Rollback { rollback: "all".into(), why: "again".into() }).expect("asked");
    told(&mut flight, RollbackFact::StepStarted { step: "all/redeploy".into() });
    assert_eq!(stale(&flight.board), ["apply", "migrate", "other-share"]);
}

#[test]
fn a_step_of_class_once_that_was_set_back_is_done_again_with_a_reason_and_once() {
    let mut flight = passed(steps());
    rolled_back(&mut flight, RollbackEnd::Verified);
    let again = |reason: &str| Command::Repeat { item: "migrate".into(), reason: reason.into() };
    flight.command(again(" ")).expect_err("no reason");
    flight.command(again("the tables are the old ones")).expect("a reason");
    ends(&mut flight, "migrate");
    flight.pass(minutes(1));
    assert_eq!(flight.board.item(&"migrate".into()).and_then(|state| state.attempt), Some(Attempt(2)));
    assert_eq!(stale(&flight.board), ["apply", "other-share"]);
    flight.command(again("once more")).expect_err("it has passed, and nothing set it back since");
}

#[test]
fn replay_is_where_the_board_is_and_old_records_alone_say_nothing_new() {
    let mut flight = passed(steps());
    rolled_back(&mut flight, RollbackEnd::Verified);
    let plan = || std::sync::Arc::clone(&flight.board.plan.0);
    assert_eq!(Board::replay(plan(), &flight.records), flight.board);
    let old = flight.records.iter().filter(|record| !matches!(record.event, Event::StepUndone { .. }));
    assert_eq!(stale(&Board::replay(plan(), old)), [""; 0], "what was recorded then stands as it was recorded");
}

#[test]
fn what_was_seen_of_a_step_is_no_more_proven_than_the_step() {
    let mut plan = steps();
    let mut check = |id: &str, needs: &str| {
        let known = plan.items[&ItemId::new("health")].clone();
        let gate = plan.items[&ItemId::new("apply")].clone();
        plan.items.insert(
            id.into(),
            Item { id: id.into(), needs: vec![needs.into()], act: known.act, kind: known.kind, ..gate },
        );
        plan.phases.iter_mut().find(|known| known.id.as_str() == "gate-b").expect("there").items.push(id.into());
    };
    check("seen", "apply");
    check("seen-of-seen", "seen");
    check("seen-of-message", "tell");
    let mut flight = flown(plan);
    let seen = ["seen", "seen-of-seen", "seen-of-message"];
    seen.iter().for_each(|id| flight.answer(id, Verdict::Pass));
    let undone = |flight: &Flight| {
        seen.map(|id| flight.board.item(&id.into()).and_then(|state| state.undone.clone()).unwrap_or_default())
    };
    flight.pass(minutes(10));
    assert_eq!(undone(&flight), [""; 3]);
    rolled_back(&mut flight, RollbackEnd::Verified);
    let why = "what it saw of apply: may be undone by rollback front #1";
    assert_eq!(undone(&flight), [why, why, ""]);
    let now = flight.board.at;
    assert_eq!(flight.board.item(&"seen".into()).and_then(|state| state.verdict(None, now)), Some(Verdict::Stale));
    runs(&mut flight, "apply");
    assert_eq!(undone(&flight), [why, why, ""], "the step stands again, and nobody has looked");
    flight.command(Command::RunItem { item: "seen".into() }).expect("again");
    flight.answer("seen", Verdict::Pass);
    assert_eq!(undone(&flight), ["", why, ""]);
}
