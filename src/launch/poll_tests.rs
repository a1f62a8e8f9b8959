//! Criteria, votes, polls of the checklist and sign-offs, with time passed by hand.

use std::sync::Arc;
use std::time::Duration;

use super::ballot;
use super::board::Shared;
use super::command::{Command, Input, Observation};
use super::countdown::Phase as Clock;
use super::criteria::{self, Sight};
use super::event::{Actor, Event, Vote};
use super::id::ItemId;
use super::plan::{Act, Criterion, DecidedBy, GoStage, Monitor, Plan, SpecId};
use super::poll;
use super::samples::{Flight, minutes, plan};
use super::verdict::Verdict;

mod stages;

const SECOND: Duration = Duration::from_secs(1);

fn criterion(id: &str, no_go: bool, stage: GoStage, by: DecidedBy) -> Criterion {
    Criterion { id: id.into(), text: id.to_uppercase(), no_go, stage, by }
}

fn seen(items: &[&str], monitors: &[&str]) -> DecidedBy {
    let items = items.iter().map(ItemId::new).collect();
    let monitors = monitors.iter().map(|id| (*id).into()).collect();
    DecidedBy::Seen { phases: Vec::new(), items, monitors, objectives: Vec::new() }
}

fn add(plan: &mut Plan, like: &str, id: &str, act: Act) {
    let Some(mut item) = plan.items.get(&like.into()).cloned() else { panic!("no {like}") };
    item.id = id.into();
    item.act = act;
    item.needs = Vec::new();
    let phase = plan.phases.iter_mut().find(|phase| phase.id == item.phase).expect("its phase");
    phase.items.push(item.id.clone());
    plan.items.insert(item.id.clone(), item);
}

/// The sample plan with lists of both stages, a second poll and a sign-off after T+30m.
fn two_stages() -> Plan {
    let mut plan = plan();
    let api = Monitor {
        id: "api".into(),
        title: "API".into(),
        spec: SpecId(9),
        every: SECOND,
        timeout: SECOND,
        fails_after: 3,
        items: Vec::new(),
        ready_for: None,
    };
    plan.monitors = vec![api];
    let roles = || vec!["backend".into(), "lead".into()];
    add(&mut plan, "look", "second-go", Act::Poll { stage: GoStage::Observed, roles: roles() });
    add(&mut plan, "look", "sign-off", Act::Signoff { roles: roles() });
    plan.criteria = vec![
        criterion("smoke", false, GoStage::Launch, seen(&["health", "login", "chat"], &[])),
        criterion("down", true, GoStage::Launch, seen(&[], &["api"])),
        criterion("way-back", true, GoStage::Launch, DecidedBy::Person { role: Some("lead".into()) }),
        criterion("calm", false, GoStage::Observed, seen(&["look"], &["api"])),
    ];
    plan
}

fn monitor(flight: &mut Flight, verdict: Verdict) {
    let told = Observation::MonitorChanged { monitor: "api".into(), verdict, why: "seen".into() };
    flight.input(&Input::Observation(told)).expect("no refusal");
}

fn vote(flight: &mut Flight, role: &str, vote: Vote) -> Result<(), String> {
    flight.command(Command::Vote { poll: None, role: role.into(), vote })
}

fn go(flight: &mut Flight) {
    for role in ["backend", "lead"] {
        vote(flight, role, Vote::Go).expect("a vote");
    }
}

/// At the poll hold, everything green and nobody has voted.
fn at_poll(plan: Plan) -> Flight {
    let mut flight = Flight::of(plan);
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    monitor(&mut flight, Verdict::Pass);
    flight.pass(minutes(30));
    flight.command(Command::Attest { item: "attest".into(), note: "ok".into(), passed: true }).expect("attested");
    flight.pass(minutes(20));
    let judged = Command::Judge { criterion: "way-back".into(), met: true, note: "practised".into() };
    if flight.board.plan.criteria.iter().any(|known| known.id.as_str() == "way-back") {
        flight.command(judged).expect("judged");
    }
    flight
}

fn told(flight: &Flight, wanted: impl Fn(&Event) -> bool) -> usize {
    flight.records.iter().filter(|record| wanted(&record.event)).count()
}

fn sight(flight: &Flight, id: &str) -> (Sight, bool) {
    let known = flight.board.plan.criteria.iter().find(|known| known.id.as_str() == id).expect(id);
    let standing = criteria::standing(&flight.board, known, flight.now);
    (standing.sight(), standing.is_clear())
}

#[test]
fn what_a_criterion_stands_at_is_the_worst_of_what_decides_it() {
    use Verdict::{Fail, Pass, Skipped, Stale, Unknown, Warn};
    // Of two items: their verdicts, whether the second is acknowledged or waived, what is seen, whether it is clear.
    for (first, second, word, wanted, clear) in [
        (Some(Pass), Some(Pass), "", Sight::Pass, true),
        (Some(Pass), None, "", Sight::Open, false),
        (None, Some(Fail), "", Sight::Fail, false),
        (Some(Pass), Some(Fail), "", Sight::Fail, false),
        (Some(Pass), Some(Unknown), "", Sight::Unknown, false),
        (Some(Pass), Some(Stale), "", Sight::Stale, false),
        (Some(Pass), Some(Skipped), "", Sight::Skipped, false),
        (Some(Pass), Some(Warn), "", Sight::Warn, false),
        (Some(Pass), Some(Warn), "acknowledged", Sight::Pass, true),
        (Some(Pass), Some(Warn), "waived", Sight::Waived, true),
        (Some(Pass), Some(Fail), "waived", Sight::Waived, true),
        (Some(Unknown), Some(Fail), "waived", Sight::Unknown, false),
        (None, Some(Fail), "waived", Sight::Open, false),
    ] {
        for no_go in [false, true] {
            let mut plan = plan();
            plan.items.get_mut(&"login".into()).expect("there").needs.clear();
            plan.criteria = vec![criterion("c", no_go, GoStage::Launch, seen(&["health", "login"], &[]))];
            let mut flight = Flight::of(plan);
            for (item, verdict) in [("health", first), ("login", second)] {
                verdict.into_iter().for_each(|verdict| flight.answer(item, verdict));
            }
            match word {
                "acknowledged" => flight.command(Command::Acknowledge { item: "login".into() }).expect(word),
                "waived" => {
                    flight
                        .command(Command::Waive {
                            item: "login".into(),
                            reason: "known".into(),
                            lasts: crate::launch::waiver::LASTS,
                        })
                        .expect(word);
                }
                _ => {}
            }
            let what = format!("{first:?} {second:?} {word}");
            assert_eq!(sight(&flight, "c"), (wanted, clear), "{what}");
            let blocks = criteria::blocks(&flight.board, GoStage::Launch, flight.now);
            assert_eq!(blocks.is_empty(), clear, "{what}: {blocks:?}");
            let tally = poll::tally(&flight.board, flight.now);
            assert_eq!(tally.blocking.iter().any(|why| why.contains("go c ")), !clear, "{what}: {tally:?}");
            let said = tally.waived.iter().filter(|words| words.starts_with("c ")).count();
            assert_eq!(said, usize::from(wanted == Sight::Waived), "a waiver is said: {what}");
            if !clear {
                let occurs = blocks[0].contains("OCCURS");
                assert_eq!(occurs, no_go && wanted == Sight::Fail, "{what}: {blocks:?}");
            }
        }
    }
}

#[test]
fn a_monitor_decides_too_and_no_data_is_not_health() {
    let mut flight = Flight::of(two_stages());
    assert_eq!(sight(&flight, "down"), (Sight::Open, false), "never looked");
    for (verdict, wanted) in [
        (Verdict::Pass, (Sight::Pass, true)),
        (Verdict::Unknown, (Sight::Unknown, false)),
        (Verdict::Fail, (Sight::Fail, false)),
        (Verdict::Warn, (Sight::Warn, false)),
    ] {
        monitor(&mut flight, verdict);
        assert_eq!(sight(&flight, "down"), wanted);
        let known = &flight.board.criteria[&"down".into()];
        assert_eq!((known.verdict, known.since), (Some(verdict), flight.now), "journaled, with since");
        flight.pass(SECOND);
    }
    let all = told(
        &flight,
        |event| matches!(event, Event::CriterionChanged { criterion, .. } if criterion.as_str() == "down"),
    );
    assert_eq!(all, 4, "once a change");
}

#[test]
fn a_pass_that_is_too_old_is_told_at_its_time() {
    let mut plan = two_stages();
    plan.items.get_mut(&"health".into()).expect("there").valid_for = Some(minutes(5));
    let mut flight = Flight::of(plan);
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    assert_eq!(sight(&flight, "smoke"), (Sight::Pass, true));
    let next = super::schedule::next_at(&flight.board, flight.now).expect("something");
    assert_eq!(next, flight.now.plus(minutes(5) + Duration::from_millis(1)));
    flight.pass(next.since(flight.now));
    assert_eq!(sight(&flight, "smoke"), (Sight::Stale, false));
    assert_eq!(flight.board.criteria[&"smoke".into()].since, next);
}

#[test]
fn a_person_s_word_is_for_the_role_named_and_a_machine_s_verdict_for_none() {
    let mut flight = Flight::of(two_stages());
    let judge = |met, id: &str| Command::Judge { criterion: id.into(), met, note: "looked".into() };
    assert!(flight.command_as("backend", judge(true, "way-back")).expect_err("not his").contains("judged by lead"));
    let silent = Command::Judge { criterion: "way-back".into(), met: true, note: " ".into() };
    assert!(flight.command(silent).expect_err("no note").contains("how you know"));
    assert!(flight.command(judge(true, "smoke")).expect_err("the machine's").contains("by what it sees"));
    assert!(flight.command(judge(true, "smoked")).expect_err("none").contains("no criterion"));
    assert_eq!(sight(&flight, "way-back"), (Sight::Open, false));
    flight.command_as("lead", judge(false, "way-back")).expect("his");
    assert_eq!(sight(&flight, "way-back"), (Sight::Fail, false));
    let blocks = criteria::blocks(&flight.board, GoStage::Launch, flight.now);
    assert!(blocks.iter().any(|why| why.starts_with("no-go way-back OCCURS")), "{blocks:?}");
    flight.command_as("lead", judge(true, "way-back")).expect("his");
    assert_eq!(sight(&flight, "way-back"), (Sight::Pass, true));
}

#[test]
fn a_waiver_of_a_criterion_is_named_has_a_reason_and_ends_by_itself() {
    let mut flight = at_poll(two_stages());
    let waive = |lasts| Command::WaiveCriterion { criterion: "down".into(), reason: "planned".into(), lasts };
    assert!(flight.command(waive(minutes(5))).expect_err("green").contains("needs no waiver"));
    monitor(&mut flight, Verdict::Fail);
    assert!(flight.command_as("backend", waive(minutes(5))).expect_err("no power").contains("may not waive"));
    assert!(flight.command(waive(Duration::ZERO)).expect_err("no time").contains("say how long"));
    let silent = Command::WaiveCriterion { criterion: "down".into(), reason: String::new(), lasts: SECOND };
    assert!(flight.command(silent).expect_err("no reason").contains("needs a reason"));
    flight.command_as("lead", waive(minutes(5))).expect("waived");
    assert_eq!(sight(&flight, "down"), (Sight::Waived, true));
    let standing = flight.board.criteria[&"down".into()].clone();
    assert_eq!(standing.verdict, Some(Verdict::Fail), "the machine's verdict is not hidden");
    go(&mut flight);
    let tally = poll::tally(&flight.board, flight.now);
    assert!(tally.is_go() && tally.waived == ["down waived by bo: planned"], "{tally:?}");
    let ends = flight.now.plus(minutes(5));
    assert_eq!(super::schedule::next_at(&flight.board, flight.now), Some(ends));
    flight.pass(minutes(5) - Duration::from_millis(1));
    assert!(poll::tally(&flight.board, flight.now).is_go());
    flight.pass(Duration::from_millis(1));
    assert_eq!(sight(&flight, "down"), (Sight::Fail, false));
    assert!(flight.board.criteria[&"down".into()].waiver.is_none(), "and the journal says that it is over");
    assert!(!poll::tally(&flight.board, flight.now).is_go());
    assert_eq!(flight.board.votes.len(), 2, "not at once");
    flight.pass(ballot::WORSE_FOR);
    assert!(flight.board.votes.is_empty(), "the voters saw it waived: fail is worse");
}

#[test]
fn a_flap_voids_no_vote_and_sixty_seconds_of_worse_do() {
    for (worse_for, void) in [(59, false), (61, true)] {
        let mut flight = at_poll(two_stages());
        go(&mut flight);
        assert!(poll::tally(&flight.board, flight.now).is_go());
        monitor(&mut flight, Verdict::Unknown);
        assert!(!poll::tally(&flight.board, flight.now).is_go(), "it blocks at once");
        flight.pass(Duration::from_secs(30));
        // Worse still, without a break.
        monitor(&mut flight, Verdict::Fail);
        flight.pass(Duration::from_secs(worse_for - 30));
        monitor(&mut flight, Verdict::Pass);
        assert_eq!(flight.board.votes.is_empty(), void, "{worse_for} s");
        assert_eq!(poll::tally(&flight.board, flight.now).is_go(), !void, "{worse_for} s");
        let at: Vec<_> =
            flight.records.iter().filter(|known| matches!(known.event, Event::VoteVoided { .. })).collect();
        assert_eq!(at.len(), if void { 2 } else { 0 });
        let shown: Vec<_> = flight.board.polls.void.values().map(|void| void.why.as_str()).collect();
        assert!(shown.iter().all(|why| *why == "down has been worse than pass for 1m"), "{shown:?}");
    }
}

#[test]
fn two_flaps_of_forty_seconds_are_not_sixty() {
    let mut flight = at_poll(two_stages());
    go(&mut flight);
    for _ in 0..2 {
        monitor(&mut flight, Verdict::Fail);
        flight.pass(Duration::from_secs(40));
        monitor(&mut flight, Verdict::Pass);
        flight.pass(SECOND);
    }
    assert_eq!(flight.board.votes.len(), 2);
}

#[test]
fn what_a_voter_saw_already_voids_nothing() {
    let mut flight = at_poll(two_stages());
    monitor(&mut flight, Verdict::Fail);
    vote(&mut flight, "backend", Vote::NoGo { reason: "down".into() }).expect("a vote");
    flight.pass(minutes(3));
    assert_eq!(flight.board.votes.len(), 1, "he saw it");
}

#[test]
fn a_vote_is_for_its_release_and_its_plan() {
    type Change = fn(&mut Plan);
    let changes: [(Change, &str); 2] = [
        (|plan| plan.release.commit = Some("00ff".into()), "another release"),
        (|plan| plan.hash = "other".into(), "another plan"),
    ];
    for (change, why) in changes {
        let mut flight = at_poll(two_stages());
        go(&mut flight);
        let mut plan = Plan::clone(&flight.board.plan.0);
        change(&mut plan);
        flight.board.plan = Shared(Arc::new(plan));
        flight.pass(SECOND);
        assert!(flight.board.votes.is_empty(), "{why}");
        assert!(flight.board.polls.void.values().all(|void| void.why.contains(why)), "{why}");
        assert!(!poll::tally(&flight.board, flight.now).is_go());
    }
}

#[test]
fn an_amended_plan_and_a_recycle_void_every_vote_and_show_it() {
    let mut flight = at_poll(two_stages());
    go(&mut flight);
    let amended = Event::PlanAmended {
        revision: 2,
        plan_hash: "hash".into(),
        reason: "typo".into(),
        changes: Vec::new(),
        again: Vec::new(),
        recapture: Vec::new(),
        asked: Vec::new(),
    };
    let now = flight.now;
    flight.record(now, Actor::person("ada", None), amended);
    assert!(flight.board.votes.is_empty() && flight.board.polls.void.len() == 2);
    go(&mut flight);
    assert!(flight.board.polls.void.is_empty(), "a new vote takes its place");
    flight.command_as("lead", Command::Recycle { mark: super::time::Mark(30 * 60_000) }).expect("back");
    assert!(flight.board.votes.is_empty() && flight.board.voided.is_some());
}

#[test]
fn a_vote_expires_and_liftoff_still_requires_go() {
    let mut plan = two_stages();
    plan.vote_lasts = Some(minutes(15));
    let mut flight = at_poll(plan);
    go(&mut flight);
    flight.pass(minutes(10));
    flight.command_as("lead", Command::Resume).expect("GO");
    let expires = flight.board.votes[&"backend".into()].cast.plus(minutes(15));
    assert_eq!(super::schedule::next_at(&flight.board, flight.now), Some(expires));
    // One look, long after T-0 would have been.
    flight.pass(minutes(60));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.t0), (Clock::Holding, None), "held without GO");
    assert!(flight.board.votes.is_empty());
    go(&mut flight);
    flight.command_as("lead", Command::Resume).expect("GO");
    flight.pass(SECOND * 11);
    assert!(flight.board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()));
}

#[test]
fn go_lost_in_the_last_seconds_holds_though_nobody_looked_in_between() {
    // The vote is over at T-2s: after the mark at which GO is wanted, before T-0.
    let mut plan = two_stages();
    plan.vote_lasts = Some(minutes(20) - SECOND * 2);
    let mut flight = at_poll(plan);
    go(&mut flight);
    flight.pass(minutes(10));
    flight.command_as("lead", Command::Resume).expect("GO");
    flight.pass(minutes(11));
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.phase, clock.t), (Clock::Holding, 2_000));
    assert!(clock.t0.is_none());
}

#[test]
fn the_director_votes_last_and_after_every_other_word() {
    let mut flight = at_poll(two_stages());
    let early = vote(&mut flight, "lead", Vote::Go).expect_err("backend is silent");
    assert_eq!(early, "lead votes last: backend has not voted yet");
    assert_eq!(ballot::asked(&flight.board, None).map(super::id::RoleId::as_str), Some("backend"));
    assert_eq!(ballot::question(&flight.board.plan, &"backend".into()), "backend, go or no-go?");
    go(&mut flight);
    vote(&mut flight, "backend", Vote::GoWithWaiver { reason: "lag".into() }).expect("changed");
    let void = &flight.board.polls.void[&(None, "lead".into())];
    assert_eq!(void.why, "backend voted after it, and lead votes last");
    assert!(!poll::tally(&flight.board, flight.now).is_go());
    let mut named = two_stages();
    named.director = Some("backend".into());
    let mut flight = at_poll(named);
    assert!(vote(&mut flight, "backend", Vote::Go).is_err());
    vote(&mut flight, "lead", Vote::Go).expect("first");
    vote(&mut flight, "backend", Vote::Go).expect("last");
    assert!(poll::tally(&flight.board, flight.now).is_go());
}

#[test]
fn decisions_are_recorded_when_they_are_come_to_lost_and_at_t_0() {
    let mut flight = at_poll(two_stages());
    let decided = |flight: &Flight| -> Vec<bool> {
        let each = flight.records.iter().filter_map(|record| match &record.event {
            Event::PollDecided { poll: None, go, .. } => Some(*go),
            _ => None,
        });
        each.collect()
    };
    vote(&mut flight, "backend", Vote::Go).expect("a vote");
    assert!(decided(&flight).is_empty(), "nothing is decided while one is silent");
    vote(&mut flight, "backend", Vote::NoGo { reason: "lag".into() }).expect("a vote");
    assert_eq!(decided(&flight), [false]);
    assert_eq!(flight.board.polls.decisions[&None].against, [("backend".into(), "lag".to_owned())]);
    go(&mut flight);
    assert_eq!(decided(&flight), [false, true]);
    monitor(&mut flight, Verdict::Fail);
    assert_eq!(decided(&flight), [false, true, false], "lost again");
    flight.pass(SECOND);
    assert_eq!(decided(&flight).len(), 3, "once");
    monitor(&mut flight, Verdict::Pass);
    flight.pass(minutes(10));
    flight.command_as("lead", Command::Resume).expect("GO");
    flight.pass(minutes(30));
    assert_eq!(decided(&flight), [false, true, false, true, true], "at T-0");
    let t0 = flight.board.clock.as_ref().and_then(|clock| clock.t0).expect("T-0");
    assert_eq!(flight.board.polls.decisions[&None].at, t0);
    let late = vote(&mut flight, "backend", Vote::Go).expect_err("over");
    assert!(late.contains("T-0 has passed"), "{late}");
}
