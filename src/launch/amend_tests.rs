//! What an amendment may not change, what it leaves as it was, and that a replay comes to the same board.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::launch::command::{Command, Input, Observation};
use crate::launch::countdown::{BUILT_IN, Phase as Stage};
use crate::launch::event::Vote;
use crate::launch::id::Attempt;
use crate::launch::plan::{Baseline, Branch, BuiltInHold, Every, Phase, Second, SpecId, When};
use crate::launch::samples::{Flight, MINUTE, minutes, plan};
use crate::launch::verdict::{Outcome, Verdict};
use crate::launch::waiver::LASTS;

/// Every plan that a test amends to, by its hash.
struct Site {
    flight: Flight,
    plans: Vec<Arc<Plan>>,
}

impl Site {
    fn new() -> Self {
        Self::of(plan())
    }

    fn of(plan: Plan) -> Self {
        let flight = Flight::of(plan);
        Self { plans: vec![Arc::clone(&flight.board.plan.0)], flight }
    }

    fn amendment(&mut self, changed: &[&str], edit: impl FnOnce(&mut Plan)) -> Amendment {
        let mut plan = Plan::clone(&self.flight.board.plan);
        edit(&mut plan);
        plan.hash = format!("hash {}", self.plans.len());
        let plan = Arc::new(plan);
        self.flight.board.revisions.learn(&plan);
        let amendment = Amendment {
            from: self.flight.board.plan.hash.clone(),
            plan_hash: plan.hash.clone(),
            changes: vec!["~ something".into()],
            changed: changed.iter().map(ItemId::new).collect(),
            recapture: Vec::new(),
            asked: Vec::new(),
        };
        self.plans.push(plan);
        amendment
    }

    fn amend(&mut self, changed: &[&str], edit: impl FnOnce(&mut Plan)) -> Result<(), String> {
        let amendment = self.amendment(changed, edit);
        self.flight.command(Command::Amend { amendment: Ok(amendment), reason: "so".into() })
    }

    fn replayed(&self) -> Board {
        let mut board = Board::new(Arc::clone(&self.plans[0]));
        self.plans.iter().for_each(|plan| board.revisions.learn(plan));
        self.flight.records.iter().for_each(|record| board.apply(record));
        board
    }

    fn verdict(&self, item: &str) -> Option<Verdict> {
        self.flight.board.item(&item.into()).and_then(|state| state.verdict(None, self.flight.now))
    }

    fn run_cut(&mut self, exit: i32) {
        let input = |observation| Input::Observation(observation);
        let (item, attempt) = (ItemId::new("cut"), Attempt(1));
        let started = Observation::StepStarted { item: item.clone(), attempt, pid: 7 };
        self.flight.input(&input(started)).expect("seen");
        let outcome = Outcome { exit: Some(exit), ..Outcome::default() };
        let verdict = if exit == 0 { Verdict::Pass } else { Verdict::Fail };
        self.flight.input(&input(Observation::StepEnded { item, attempt, verdict, outcome })).expect("seen");
    }

    /// To T+0, everything passed and voted.
    fn lift_off(&mut self) {
        for item in ["health", "login", "chat"] {
            self.flight.answer(item, Verdict::Pass);
        }
        self.flight.pass(minutes(30));
        let attest = Command::Attest { item: "attest".into(), note: "seen".into(), passed: true };
        self.flight.command(attest).expect("attested");
        self.flight.pass(minutes(30));
        for role in ["backend", "lead"] {
            self.flight.command(Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("voted");
        }
        self.flight.command(Command::Resume).expect("resumed");
        self.flight.pass(minutes(10));
        assert!(self.flight.board.clock.as_ref().is_some_and(|clock| clock.t0.is_some()));
    }
}

fn without(plan: &mut Plan, id: &str) {
    plan.items.remove(&ItemId::new(id));
    plan.phases.iter_mut().for_each(|phase| phase.items.retain(|known| known.as_str() != id));
    plan.items.values_mut().for_each(|item| item.needs.retain(|known| known.as_str() != id));
}

fn with(plan: &mut Plan, phase: &str, id: &str, like: &str) {
    let mut item = plan.item(&like.into()).expect("known").clone();
    item.id = id.into();
    item.phase = phase.into();
    item.needs.clear();
    plan.items.insert(item.id.clone(), item);
    if let Some(phase) = plan.phases.iter_mut().find(|known| known.id.as_str() == phase) {
        phase.items.push(id.into());
    }
}

#[test]
fn items_keep_what_they_came_to_unless_they_do_something_else() {
    let mut site = Site::new();
    site.flight.answer("health", Verdict::Pass);
    site.flight.answer("login", Verdict::Pass);
    site.flight.answer("chat", Verdict::Pass);
    assert!(site.flight.board.phases[&PhaseId::new("gate-a")].passed);
    site.flight.command(Command::Vote { poll: None, role: "backend".into(), vote: Vote::Go }).expect("voted");
    site.amend(&["chat"], |plan| {
        with(plan, "gate-a", "more", "health");
        without(plan, "look");
    })
    .expect("amended");
    let board = &site.flight.board;
    assert_eq!((site.verdict("health"), site.verdict("chat")), (Some(Verdict::Pass), None));
    let chat = board.item(&"chat".into()).expect("there");
    assert!(chat.is_running() && chat.attempt == Some(Attempt(2)), "it looks again at once, and counts on");
    assert_eq!(chat.history, [(Attempt(1), Verdict::Pass)]);
    assert!(board.item(&"more".into()).is_some_and(ItemState::is_running) && board.item(&"look".into()).is_none());
    assert!(!board.phases[&PhaseId::new("gate-a")].passed, "a passed gate with a changed item is not passed");
    assert_eq!((board.votes.len(), board.voided.as_deref()), (0, Some("the plan was amended: so")));
    assert_eq!(board.revisions.number, 2);
    site.flight.answer("chat", Verdict::Pass);
    site.flight.answer("more", Verdict::Pass);
    assert!(site.flight.board.phases[&PhaseId::new("gate-a")].passed, "and passes again");
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn what_happened_is_not_told_otherwise() {
    let mut site = Site::new();
    let refused = |site: &mut Site, changed: &[&str], edit: &dyn Fn(&mut Plan), wanted: &str| {
        let before = site.flight.board.clone();
        let why = site.amend(changed, edit).expect_err(wanted);
        assert!(why.contains(wanted), "{why}");
        assert_eq!(site.flight.board, before);
    };
    refused(&mut site, &[], &|plan| plan.id = "other".into(), "`other` is another plan");
    refused(&mut site, &[], &|plan| plan.clock.holds[0].at = Mark::T0, "hold at T-0");
    site.lift_off();
    refused(
        &mut site,
        &[],
        &|plan| {
            plan.baseline.push(Baseline { name: "v".into(), spec: SpecId(0) });
        },
        "frozen since T-0",
    );
    site.flight.command(Command::RunItem { item: "cut".into() }).expect("begun");
    refused(&mut site, &["cut"], &|_| {}, "cut cannot be changed in what it does: it runs");
    refused(&mut site, &[], &|plan| without(plan, "cut"), "cut cannot be removed: it runs");
    site.amend(&[], |plan| with(plan, "rollout", "more", "health")).expect("a step in flight runs on");
    assert!(site.flight.board.item(&"cut".into()).is_some_and(ItemState::is_running));
    site.run_cut(0);
    assert_eq!(site.verdict("cut"), Some(Verdict::Pass));
    refused(&mut site, &["cut"], &|_| {}, "of class once and was attempted");
    refused(&mut site, &[], &|plan| without(plan, "cut"), "of class once and was attempted");
    site.amend(&[], |plan| plan.title = "another".into()).expect("its title may change");
    let old = site.amendment(&[], |plan| plan.title = "older".into());
    site.amend(&[], |plan| plan.title = "newer".into()).expect("amended");
    let late = site.flight.command(Command::Amend { amendment: Ok(old), reason: "so".into() }).expect_err("late");
    assert!(late.contains("look at the difference again"), "{late}");
    let rollback = Command::Rollback { rollback: "front".into(), why: "bad".into() };
    site.flight.command(rollback).expect("begun");
    refused(&mut site, &[], &|plan| plan.title = "t".into(), "rollback front is under way");
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn only_the_operator_or_a_role_that_may_amends() {
    let mut site = Site::new();
    let amend = |site: &mut Site, role: Option<&str>, reason: &str| {
        let amendment = Ok(site.amendment(&[], |plan| plan.title.push('!')));
        let command = Command::Amend { amendment, reason: reason.into() };
        match role {
            Some(role) => site.flight.command_as(role, command),
            None => site.flight.command(command),
        }
    };
    assert_eq!(amend(&mut site, Some("lead"), "so"), Err("lead may not amend".into()));
    assert!(amend(&mut site, None, "  ").is_err_and(|why| why.contains("needs a reason")));
    site.amend(&[], |plan| plan.roles[1].may.extend([Power::Amend])).expect("the operator");
    amend(&mut site, Some("lead"), "so").expect("it may now");
    let unread = Command::Amend { amendment: Err("the plan is not sound".into()), reason: "so".into() };
    assert_eq!(site.flight.command(unread), Err("the plan is not sound".into()));
}

#[test]
fn the_countdown_keeps_its_t_and_what_lies_behind_it() {
    let mut site = Site::new();
    for item in ["health", "login", "chat"] {
        site.flight.answer(item, Verdict::Pass);
    }
    site.flight.pass(minutes(20));
    let hold = |at: i64, length: u64| BuiltInHold {
        at: Mark(at * MINUTE),
        length: minutes(length),
        title: String::new(),
        poll: false,
    };
    let before = site.flight.board.clock_at(site.flight.now).expect("a clock");
    let amendment =
        site.amendment(&[], |plan| plan.clock.holds = vec![hold(50, 5), hold(40, 5), hold(35, 3), hold(10, 1)]);
    let notes = told(&site.flight.board, &site.plans[1], site.flight.now);
    assert_eq!(
        notes,
        ["the hold at T-50m lies behind T and is not served", "the hold at T-40m lies behind T and is not served"]
    );
    site.flight.command(Command::Amend { amendment: Ok(amendment), reason: "so".into() }).expect("amended");
    let clock = site.flight.board.clock.clone().expect("a clock");
    assert_eq!((clock.t, clock.published, clock.phase), (before.t, before.published, Stage::Counting));
    assert_eq!(clock.t, 40 * MINUTE, "exactly at a new mark, which is not reached again");
    let projected = clock.projected().expect("counting").0;
    assert_eq!(projected, site.flight.now.0 + (40 + 3 + 1) * MINUTE, "what lies behind costs nothing");
    site.flight.pass(minutes(5));
    let clock = site.flight.board.clock.clone().expect("a clock");
    assert_eq!((clock.t, clock.phase), (35 * MINUTE, Stage::Holding));
    // The hold that is being served lasts longer now.
    site.amend(&[], |plan| plan.clock.holds[2].length = minutes(7)).expect("amended");
    let clock = site.flight.board.clock_at(site.flight.now).expect("a clock");
    assert_eq!(clock.hold_left(), Some(minutes(7)));
    site.amend(&[], |plan| plan.clock.max_terminal_hold = Some(Duration::from_secs(1)))
        .expect("not in the terminal count");
    site.flight.pass(minutes(1));
    let cut = site.amend(&[], |plan| plan.clock.terminal = Some(Mark(36 * MINUTE)));
    assert!(cut.is_err_and(|why| why.contains("cut off at once")));
    assert!(site.flight.board.clock.as_ref().is_some_and(|clock| clock.latches.contains_key(BUILT_IN)));
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn a_phase_whose_mark_has_passed_opens_at_once_and_a_gate_that_went_holds_nothing() {
    let mut site = Site::new();
    site.flight.pass(minutes(31));
    let held =
        |site: &Site| site.flight.board.clock.as_ref().map(|clock| clock.latches.keys().cloned().collect::<Vec<_>>());
    assert_eq!(held(&site), Some(vec!["gate gate-a".to_owned()]));
    site.amend(&[], |plan| {
        plan.phases.retain(|phase| phase.id.as_str() != "gate-a");
        ["health", "login", "chat"].iter().for_each(|id| {
            plan.items.remove(&ItemId::new(id));
        });
        let (id, title) = ("early".into(), "early".to_owned());
        plan.phases
            .insert(0, Phase { id, title, at: Mark(50 * MINUTE), gate: false, needs: Vec::new(), items: Vec::new() });
        with(plan, "early", "glance", "look");
    })
    .expect("amended");
    assert_eq!(held(&site), Some(Vec::new()), "what nobody can open any more holds nothing");
    assert!(site.flight.opened("early"));
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn an_item_that_returns_counts_its_attempts_on() {
    let mut site = Site::new();
    site.flight.answer("health", Verdict::Fail);
    site.amend(&[], |plan| without(plan, "health")).expect("amended");
    assert!(site.flight.board.item(&"health".into()).is_none());
    let first = Arc::clone(&site.plans[0]);
    site.amend(&[], |plan| *plan = Plan::clone(&first)).expect("amended back");
    let health = site.flight.board.item(&"health".into()).expect("back");
    assert_eq!((health.attempt, health.history.len()), (Some(Attempt(2)), 1));
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn all_checks_of_a_session_wait_where_one_of_them_does_something_else() {
    let mut old = plan();
    for id in ["login", "chat"] {
        old.items.get_mut(&ItemId::new(id)).expect("there").session = Some("smoke".into());
    }
    let mut new = old.clone();
    let all = |changed: &[&str], new: &Plan| -> Vec<String> {
        let changed: Vec<ItemId> = changed.iter().map(ItemId::new).collect();
        again(&old, new, &changed).iter().map(ToString::to_string).collect()
    };
    assert_eq!(all(&["chat"], &new), ["chat", "login"]);
    assert_eq!(all(&["health"], &new), ["health"]);
    without(&mut new, "login");
    assert_eq!(all(&[], &new), ["chat"], "one that went leaves its session another");
}

#[test]
fn an_amendment_to_a_plan_that_is_nowhere_is_noticed() {
    let mut site = Site::new();
    site.amend(&[], |plan| plan.title = "x".into()).expect("amended");
    let board = Board::replay(Arc::clone(&site.plans[0]), &site.flight.records);
    assert_eq!((board.revisions.missing.as_deref(), board.revisions.number), (Some("hash 1"), 2));
    assert_eq!(site.replayed().revisions.missing, None);
}

/// A small change to the plan, and the item that does something else by it.
fn edit(plan: &mut Plan, how: u8, at: usize) -> Option<String> {
    let ids: Vec<ItemId> = plan.items.keys().cloned().collect();
    let id = ids[at % ids.len()].clone();
    let phase = plan.phases[at % plan.phases.len()].id.clone();
    match how {
        0 => without(plan, id.as_str()),
        1 => with(plan, phase.as_str(), &format!("new-{at}"), id.as_str()),
        2 => return Some(id.to_string()),
        3 => plan.items.get_mut(&id)?.at = Mark((at as i64 - 20) * MINUTE),
        4 => plan.phases[at % 4].gate ^= true,
        5 => plan.clock.holds[0].at = Mark((1 + at as i64 % 70) * MINUTE),
        6 => plan.poll = vec!["lead".into()],
        _ => plan.phases.iter_mut().for_each(|known| {
            if known.id == phase {
                known.at = Mark((at as i64 - 20) * MINUTE);
            }
        }),
    }
    None
}

const HOUR: u64 = 60;

fn every(hours: u64) -> Every {
    Every::Span(minutes(hours * HOUR))
}

/// Past T-0 by itself; `look` is for a person, daily from T+30m on.
fn daily() -> Plan {
    let mut plan = plan();
    plan.phases.retain(|phase| phase.id.as_str() == "late");
    plan.items.retain(|_, item| item.phase.as_str() == "late");
    plan.phases[0].gate = true;
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    plan.poll.clear();
    let look = plan.items.get_mut(&ItemId::new("look")).expect("there");
    (look.every, look.act, look.auto) = (Some(every(24)), Act::Manual { role: None, second: Second::None }, false);
    plan
}

/// `look` was done on each of three days; on the fourth an hour has passed.
fn three_days() -> Site {
    let mut site = Site::of(daily());
    site.flight.pass(minutes(31));
    for day in 0..4 {
        site.flight.pass(minutes(if day == 0 { 0 } else { 24 * HOUR }));
        let seen = Command::Attest { item: "look".into(), note: "seen".into(), passed: true };
        site.flight.command(seen).expect("it is due");
    }
    site.flight.pass(minutes(HOUR));
    site
}

fn look(plan: &mut Plan) -> &mut Item {
    plan.items.get_mut(&ItemId::new("look")).expect("there")
}

#[test]
fn what_recurs_otherwise_misses_nothing_that_no_plan_asked_for() {
    let known = |site: &Site| {
        let known = site.flight.board.recurring.get(&"look".into());
        known.map(|known| (known.occurrence, known.missed))
    };
    for (changed, hours, at_once, later) in
        [(false, Some(24), (3, 0), (4, 0)), (false, Some(6), (12, 0), (13, 0)), (true, Some(24), (3, 0), (4, 1))]
    {
        let mut site = three_days();
        let changed: &[&str] = if changed { &["look"] } else { &[] };
        site.amend(changed, |plan| look(plan).every = hours.map(every)).expect("amended");
        site.flight.follow();
        assert_eq!(known(&site), Some(at_once), "{changed:?} {hours:?}");
        site.flight.pass(minutes(hours.unwrap_or(24) * HOUR));
        assert_eq!(known(&site), Some(later), "{changed:?} {hours:?}");
        assert_eq!(site.replayed(), site.flight.board);
    }
    // Due once more, and no more wanted: it stands as it stood.
    let mut site = three_days();
    site.flight.pass(minutes(24 * HOUR));
    assert_eq!((known(&site), site.verdict("look")), (Some((4, 0)), None));
    site.amend(&[], |plan| look(plan).every = None).expect("amended");
    assert_eq!((known(&site), site.verdict("look")), (None, Some(Verdict::Pass)));
    assert_eq!(site.replayed(), site.flight.board);
    // And wanted from now on alone.
    site.flight.pass(minutes(48 * HOUR));
    site.amend(&[], |plan| look(plan).every = Some(every(24))).expect("amended");
    site.flight.follow();
    assert_eq!((known(&site), site.verdict("look")), (Some((6, 0)), Some(Verdict::Pass)));
    assert_eq!(site.replayed(), site.flight.board);
}

#[test]
fn what_an_amended_choice_had_passed_over_waits_again() {
    let options = |ids: &[&str]| {
        let options = ids.iter().map(|id| Branch { id: (*id).into(), title: (*id).into() }).collect();
        Act::Choice { options, role: None }
    };
    let when = |is: &str| Some(When { choice: "mode".into(), is: vec![is.into()] });
    let mut plan = plan();
    for (id, like) in [("mode", "attest"), ("token", "health"), ("quick", "health")] {
        with(&mut plan, "gate-a", id, like);
        let item = plan.items.get_mut(&ItemId::new(id)).expect("there");
        item.at = Mark(60 * MINUTE);
        match id {
            "mode" => item.act = options(&["named", "ephemeral"]),
            "token" => item.when = when("named"),
            _ => item.when = when("ephemeral"),
        }
    }
    let chosen = || {
        let mut site = Site::of(plan.clone());
        let (item, option, reason) = ("mode".into(), "ephemeral".into(), "so".into());
        site.flight.command(Command::Choose { item, option, reason }).expect("chosen");
        assert_eq!(site.verdict("token"), Some(Verdict::Skipped));
        site
    };
    let mut site = chosen();
    site.flight.answer("quick", Verdict::Pass);
    site.amend(&["mode"], |plan| {
        plan.items.get_mut(&ItemId::new("mode")).expect("there").act = options(&["named", "ephemeral", "none"]);
    })
    .expect("amended");
    site.flight.follow();
    let mode = site.flight.board.item(&"mode".into()).expect("there");
    assert_eq!((&mode.chosen, mode.attempt), (&None, Some(Attempt(1))));
    assert_eq!((site.verdict("token"), site.verdict("quick")), (None, Some(Verdict::Pass)));
    assert_eq!(site.replayed(), site.flight.board);
    let (item, option, reason) = ("mode".into(), "ephemeral".into(), "still".into());
    site.flight.command(Command::Choose { item, option, reason }).expect("chosen anew");
    assert_eq!(site.verdict("token"), Some(Verdict::Skipped));
    let mut site = chosen();
    // Without the choice, nothing waits on it for ever.
    site.flight.answer("quick", Verdict::Pass);
    site.amend(&["token", "quick"], |plan| {
        without(plan, "mode");
        plan.items.values_mut().for_each(|item| item.when = None);
    })
    .expect("amended");
    site.flight.follow();
    let runs = |site: &Site, id: &str| site.flight.board.item(&id.into()).is_some_and(ItemState::is_running);
    assert!(runs(&site, "token") && runs(&site, "quick"));
    assert_eq!(site.replayed(), site.flight.board);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_amended_when_a_replay_comes_to_the_same_board(
        acts in prop::collection::vec((0_u8..12, 0_usize..64), 1..40)
    ) {
        let mut site = Site::new();
        let mut amended = 0;
        for (act, at) in acts {
            let ids: Vec<ItemId> = site.flight.board.plan.items.keys().cloned().collect();
            let id = ids.get(at % ids.len().max(1)).cloned().unwrap_or_else(|| "health".into());
            match act {
                0 => site.flight.pass(Duration::from_secs(1 + at as u64 * 30)),
                1 | 2 if site.flight.board.item(&id).is_some_and(ItemState::is_running) => {
                    site.flight.answer(id.as_str(), if act == 1 { Verdict::Pass } else { Verdict::Fail });
                }
                3 => drop(site.flight.command(Command::RunItem { item: id })),
                4 => drop(site.flight.command(Command::Vote { poll: None, role: "lead".into(), vote: Vote::Go })),
                5 => drop(site.flight.command(Command::Resume)),
                6 => drop(site.flight.command(Command::Waive { item: id, reason: "so".into(), lasts: LASTS })),
                7 => drop(site.flight.command(Command::CallHold { why: "so".into() })),
                _ if ids.is_empty() => {}
                _ => {
                    let before = site.flight.board.clock_at(site.flight.now);
                    let mut changed = None;
                    let amendment = site.amendment(&[], |plan| changed = edit(plan, act % 8, at));
                    let amendment = Amendment { changed: changed.iter().map(ItemId::new).collect(), ..amendment };
                    let input = Command::Amend { amendment: Ok(amendment), reason: "so".into() };
                    let events = super::super::decide::decide(
                        &site.flight.board,
                        &Input::Command { by: Actor::person("ada", None), command: input },
                        site.flight.now,
                    );
                    for event in events.into_iter().flatten() {
                        site.flight.record(site.flight.now, Actor::engine(), event);
                        amended += 1;
                        let after = site.flight.board.clock.clone().expect("a clock");
                        let before = before.clone().expect("a clock");
                        prop_assert_eq!((after.t, after.published), (before.t, before.published));
                        let items: Vec<_> = site.flight.board.items.keys().collect();
                        prop_assert_eq!(items, site.flight.board.plan.items.keys().collect::<Vec<_>>());
                    }
                    site.flight.follow();
                }
            }
        }
        prop_assert_eq!(site.replayed(), site.flight.board.clone());
        prop_assert_eq!(u32::try_from(amended).unwrap_or(0) + 1, site.flight.board.revisions.number);
    }
}
