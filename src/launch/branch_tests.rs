//! Branches over a flight: a tunnel mode as in a partner launch, a decision tree of nested choices, and the
//! fold's promise under any order of choices.

use proptest::prelude::*;

use super::super::board::Attest;
use super::super::command::Command;
use super::super::event::Vote;
use super::super::gate::{self, Clear};
use super::super::id::ItemId;
use super::super::plan::{Every, Plan, When};
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule;
use super::super::verdict::Verdict;
use super::*;

/// An item of gate-b like `like`.
fn add(plan: &mut Plan, id: &str, like: &str, act: Option<Act>, when: Option<(&str, &[&str])>) {
    let mut item = plan.items[&ItemId::new(like)].clone();
    (item.id, item.phase, item.needs) = (id.into(), "gate-b".into(), Vec::new());
    item.at = plan.phase(&"gate-b".into()).expect("there").at;
    item.act = act.unwrap_or(item.act);
    item.when =
        when.map(|(choice, is)| When { choice: choice.into(), is: is.iter().map(ToString::to_string).collect() });
    plan.items.insert(id.into(), item);
    plan.phases[1].items.push(id.into());
}

fn choice(options: &[&str], role: Option<&str>) -> Act {
    let options = options.iter().map(|id| Branch { id: (*id).into(), title: id.to_uppercase() }).collect();
    Act::Choice { options, role: role.map(Into::into) }
}

/// `mode` is named or ephemeral. On named: `token` (check), `share` (step), `zone` (choice of eu, us) with
/// `eu` and `us` (checks). On ephemeral: `quick` (check). On either: `open` (manual) needs quick and token.
fn tree() -> Plan {
    let mut plan = plan();
    add(&mut plan, "mode", "attest", Some(choice(&["named", "ephemeral"], Some("lead"))), None);
    add(&mut plan, "token", "health", None, Some(("mode", &["named"])));
    add(&mut plan, "share", "cut", None, Some(("mode", &["named"])));
    add(&mut plan, "zone", "attest", Some(choice(&["eu", "us"], None)), Some(("mode", &["named"])));
    add(&mut plan, "eu", "health", None, Some(("zone", &["eu"])));
    add(&mut plan, "us", "health", None, Some(("zone", &["us"])));
    add(&mut plan, "quick", "health", None, Some(("mode", &["ephemeral"])));
    add(&mut plan, "open", "attest", None, None);
    plan.items.get_mut(&ItemId::new("open")).expect("there").needs = vec!["quick".into(), "token".into()];
    plan
}

/// At gate B's mark, gate A green.
fn at_gate_b() -> Flight {
    let mut flight = Flight::of(tree());
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    flight
}

fn choose(flight: &mut Flight, item: &str, option: &str) -> Result<(), String> {
    flight.command(Command::Choose { item: item.into(), option: option.into(), reason: "partners return".into() })
}

fn state<'f>(flight: &'f Flight, item: &str) -> &'f ItemState {
    flight.board.item(&item.into()).expect("there")
}

fn over(flight: &Flight) -> Vec<&str> {
    let items = flight.board.items.iter().filter(|(_, state)| is_over(state));
    items.map(|(id, _)| id.as_str()).collect()
}

#[test]
fn what_stands_on_an_open_choice_waits_and_is_never_due() {
    let flight = at_gate_b();
    for item in ["token", "quick", "share", "zone", "eu"] {
        let known = flight.board.plan.item(&item.into()).expect("there");
        assert_eq!(schedule::due(&flight.board, known, flight.now), Due::After("mode".into()), "{item}");
        assert!(matches!(state(&flight, item).progress, Progress::Waiting), "{item}");
    }
    assert_eq!(schedule::due(&flight.board, &flight.board.plan.items[&ItemId::new("mode")], flight.now), Due::Now);
    let mut flight = flight;
    let refused = flight.command(Command::RunItem { item: "token".into() }).expect_err("not chosen yet");
    assert!(refused.contains("comes after mode"), "{refused}");
}

#[test]
fn the_unchosen_branch_is_skipped_and_clear_and_what_needs_it_goes_on() {
    let mut flight = at_gate_b();
    choose(&mut flight, "mode", "ephemeral").expect("chosen");
    assert_eq!(over(&flight), ["eu", "share", "token", "us", "zone"], "a choice on it, and what stands on that");
    let mode = state(&flight, "mode");
    assert_eq!(mode.verdict(None, flight.now), Some(Verdict::Pass));
    assert_eq!(mode.report.as_ref().expect("said").summary, "ephemeral: partners return");
    let token = flight.board.plan.items[&ItemId::new("token")].clone();
    assert_eq!(state(&flight, "token").verdict(None, flight.now), Some(Verdict::Skipped));
    assert_eq!(gate::clear(&flight.board, &token, flight.now), Clear::Yes, "the plan skipped it");
    assert_eq!(state(&flight, "eu").passed_over.as_deref(), Some("branch named of mode not chosen: it is ephemeral"));
    assert!(state(&flight, "quick").is_running(), "the chosen branch goes on");
    flight.answer("quick", Verdict::Pass);
    let open = &flight.board.plan.items[&ItemId::new("open")];
    assert_eq!(schedule::due(&flight.board, open, flight.now), Due::Now, "token counts as through");
    for refused in [
        flight.command(Command::RunItem { item: "token".into() }),
        choose(&mut flight, "zone", "eu"),
        flight.command(Command::Waive { item: "token".into(), reason: "r".into(), lasts: minutes(1) }),
    ] {
        let refused = refused.expect_err("it is passed over");
        assert!(
            refused.contains("mode to be named: it is ephemeral") || refused.contains("needs no waiver"),
            "{refused}"
        );
    }
}

#[test]
fn a_choice_wants_its_role_a_branch_it_has_and_a_reason() {
    let mut flight = at_gate_b();
    let of = |option: &str, reason: &str| Command::Choose {
        item: "mode".into(),
        option: option.into(),
        reason: reason.into(),
    };
    let refused = |flight: &mut Flight, command| flight.command(command).expect_err("refused");
    assert!(refused(&mut flight, of("both", "r")).contains("no branch both: choose named or ephemeral"));
    assert!(refused(&mut flight, of("named", " ")).contains("needs a reason"));
    let other = Command::Choose { item: "attest".into(), option: "named".into(), reason: "r".into() };
    assert!(refused(&mut flight, other).contains("attest is no choice"));
    let by_other = flight.command_as("backend", of("named", "r")).expect_err("the lead's");
    assert!(by_other.contains("mode is chosen by lead"), "{by_other}");
    flight.command_as("lead", of("named", "r")).expect("chosen");
    assert!(refused(&mut flight, of("named", "r")).contains("mode is named already"));
    let mut early = Flight::of(tree());
    assert!(refused(&mut early, of("named", "r")).contains("is due at T-30m"));
}

#[test]
fn chosen_anew_what_was_passed_over_waits_again_until_a_step_has_begun() {
    let mut flight = at_gate_b();
    choose(&mut flight, "mode", "ephemeral").expect("chosen");
    assert!(state(&flight, "quick").is_running());
    choose(&mut flight, "mode", "named").expect("chosen anew while only a check ran");
    assert_eq!(over(&flight), ["quick"], "its check was ended, and it is passed over");
    assert!(state(&flight, "token").is_running() && matches!(state(&flight, "zone").progress, Progress::Waiting));
    choose(&mut flight, "zone", "eu").expect("chosen");
    assert_eq!(over(&flight), ["quick", "us"]);
    choose(&mut flight, "mode", "ephemeral").expect("and back");
    choose(&mut flight, "mode", "named").expect("once more");
    assert!(state(&flight, "zone").chosen.is_none(), "what was chosen on a branch that was left is asked again");
    assert_eq!(over(&flight), ["quick"]);
    flight.command(Command::RunItem { item: "share".into() }).expect("a step begins");
    let refused = choose(&mut flight, "mode", "ephemeral").expect_err("it acts");
    assert!(refused.contains("share of the branch named has begun"), "{refused}");
    choose(&mut flight, "zone", "us").expect("inside the branch nothing has begun");
    assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

#[test]
fn looking_at_a_phase_again_leaves_the_other_branch_alone() {
    let mut flight = at_gate_b();
    choose(&mut flight, "mode", "ephemeral").expect("chosen");
    flight.answer("quick", Verdict::Fail);
    flight.command(Command::RunPhase { phase: "gate-b".into() }).expect("again");
    assert_eq!(over(&flight), ["eu", "share", "token", "us", "zone"]);
    assert!(!state(&flight, "token").is_running() && state(&flight, "quick").is_running());
}

/// At gate B's mark, a day after a word passed `daily`, which stands on mode named and is due every day.
fn daily_on_a_branch() -> Flight {
    let mut plan = tree();
    add(&mut plan, "daily", "attest", None, Some(("mode", &["named"])));
    let daily = plan.items.get_mut(&ItemId::new("daily")).expect("there");
    daily.every = Some(Every::Span(minutes(1440)));
    let mut flight = Flight::of(plan);
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    choose(&mut flight, "mode", "named").expect("chosen");
    flight.command(Command::Attest { item: "daily".into(), note: "seen".into(), passed: true }).expect("due");
    flight.pass(minutes(1440));
    assert!(matches!(state(&flight, "daily").progress, Progress::Waiting), "it is due again");
    flight
}

#[test]
fn a_branch_that_comes_back_is_not_green_by_what_passed_before() {
    let mut flight = daily_on_a_branch();
    let stands =
        |flight: &Flight| gate::clear(&flight.board, &flight.board.plan.items[&ItemId::new("daily")], flight.now);
    assert_eq!(stands(&flight), Clear::Yes, "by the day before");
    choose(&mut flight, "mode", "ephemeral").expect("chosen anew");
    choose(&mut flight, "mode", "named").expect("and back");
    assert_eq!(stands(&flight), Clear::No(None), "it is to be done again");
    flight.pass(minutes(1440));
    assert_eq!(stands(&flight), Clear::No(None), "the next day too");
    assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

#[test]
fn words_of_a_branch_that_was_left_count_no_more() {
    let mut flight = daily_on_a_branch();
    let word = Attest {
        by: Actor::person("bo", None),
        note: "seen".into(),
        passed: true,
        at: super::super::time::Wall::default(),
    };
    let daily = Arc::make_mut(flight.board.items.get_mut(&"daily".into()).expect("there"));
    (daily.half, daily.armed) = (Some(word.clone()), Some(word));
    choose(&mut flight, "mode", "ephemeral").expect("chosen anew");
    assert_eq!((&state(&flight, "daily").half, &state(&flight, "daily").armed), (&None, &None));
}

#[test]
fn a_choice_that_is_stale_is_made_fresh_by_the_same_word() {
    let mut plan = tree();
    plan.items.get_mut(&ItemId::new("mode")).expect("there").valid_for = Some(minutes(60));
    let mut flight = Flight::of(plan);
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    choose(&mut flight, "mode", "ephemeral").expect("chosen");
    assert!(choose(&mut flight, "mode", "ephemeral").is_err(), "it is so already");
    flight.pass(minutes(120));
    let mode = flight.board.plan.items[&ItemId::new("mode")].clone();
    assert_eq!(gate::clear(&flight.board, &mode, flight.now), Clear::No(Some(Verdict::Stale)));
    choose(&mut flight, "mode", "ephemeral").expect("said again");
    assert_eq!(gate::clear(&flight.board, &mode, flight.now), Clear::Yes);
    assert_eq!(over(&flight), ["eu", "share", "token", "us", "zone"], "nothing else changed");
}

#[test]
fn a_choice_made_anew_voids_the_votes_and_there_is_no_liftoff_on_them() {
    let mut plan = plan();
    add(&mut plan, "mode", "attest", Some(choice(&["named", "ephemeral"], None)), None);
    let mut flight = Flight::of(plan);
    for item in ["health", "login", "chat"] {
        flight.answer(item, Verdict::Pass);
    }
    flight.pass(minutes(30));
    choose(&mut flight, "mode", "named").expect("chosen");
    flight.command(Command::Attest { item: "attest".into(), note: "seen".into(), passed: true }).expect("due");
    flight.pass(minutes(30));
    for role in ["backend", "lead"] {
        flight.command_as(role, Command::Vote { poll: None, role: role.into(), vote: Vote::Go }).expect("votes");
    }
    choose(&mut flight, "mode", "ephemeral").expect("chosen anew");
    assert!(flight.board.votes.is_empty(), "they were cast for another branch");
    assert_eq!(flight.board.voided.as_deref(), Some("mode is ephemeral now"));
    assert!(flight.command(Command::Resume).is_err(), "the poll is not GO");
    flight.pass(minutes(30));
    assert!(flight.board.clock_at(flight.now).is_some_and(|clock| clock.t0.is_none()), "no LIFTOFF");
    assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_of_choices_folds_as_it_replays(
        steps in prop::collection::vec((0_usize..9, 0_usize..4, any::<bool>()), 1..40)
    ) {
        let mut flight = at_gate_b();
        for (what, which, yes) in steps {
            let item = ["token", "quick", "eu", "us"][which];
            let _ = match what {
                0 | 1 => choose(&mut flight, "mode", if yes { "named" } else { "ephemeral" }),
                2 => choose(&mut flight, "zone", if yes { "eu" } else { "us" }),
                3 if which == 0 => flight.command(Command::RunItem { item: "share".into() }),
                4 => flight.command(Command::RunItem { item: item.into() }),
                5 => flight.command(Command::RunPhase { phase: "gate-b".into() }),
                6 => flight.command(Command::Cancel { item: item.into() }),
                7 => flight.command(Command::Waive { item: item.into(), reason: "r".into(), lasts: minutes(3) }),
                _ => { flight.answer(item, if yes { Verdict::Pass } else { Verdict::Fail }); Ok(()) }
            };
            flight.pass(minutes(u64::from(yes)));
            let board = &flight.board;
            for item in board.plan.items.values() {
                let known = board.item(&item.id).expect("there");
                prop_assert_eq!(is_over(known), off(board, item).is_some(), "{} follows its choices", item.id);
                if is_over(known) {
                    prop_assert_eq!(known.verdict(None, flight.now), Some(Verdict::Skipped));
                    prop_assert_eq!(gate::clear(board, item, flight.now), Clear::Yes);
                    prop_assert!(!matches!(item.act, Act::Step { .. }) || known.attempt.is_none(), "no step is passed over");
                } else if known.is_running() {
                    prop_assert!(waits(board, item).is_none(), "{} runs on an open choice", item.id);
                }
            }
        }
        prop_assert_eq!(Board::replay(Arc::clone(&flight.board.plan.0), &flight.records), flight.board);
    }
}
