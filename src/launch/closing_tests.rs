//! What keeps a launch open, and who closes it all the same.

use super::super::command::{Command, Input};
use super::super::event::{RollbackEnd, RollbackFact};
use super::super::id::RoleId;
use super::super::plan::{Criterion, DecidedBy, Every, Plan};
use super::super::samples::{Flight, minutes, plan};
use super::super::schedule::follow;
use super::super::verdict::Verdict;
use super::*;

fn asking() -> Plan {
    let mut plan = plan();
    let piece = |id: &str, items: &[&str]| Evidence {
        id: id.into(),
        title: format!("The {id}"),
        items: items.iter().map(|id| (*id).into()).collect(),
    };
    plan.evidence = vec![piece("smoke", &["login", "chat"]), piece("notes", &[])];
    plan
}

fn close(flight: &mut Flight, role: Option<&str>, anyway: Option<&str>) -> Result<(), String> {
    let by = Actor::person("bo", role.map(RoleId::new));
    let command = Command::Close { why: String::new(), anyway: anyway.map(str::to_owned), gone: Vec::new() };
    flight.input(&Input::Command { by, command })
}

#[test]
fn what_was_given_and_is_gone_keeps_it_open_and_stands_in_the_record() {
    let mut flight = Flight::lifted(asking());
    give(&mut flight, "notes.md").expect("given");
    flight.answer("look", Verdict::Pass);
    let gone = || vec!["evidence notes was given as artifacts/0, and that is gone".to_owned()];
    let close = |anyway: Option<&str>, gone| Input::Command {
        by: Actor::person("bo", None),
        command: Command::Close { why: String::new(), anyway: anyway.map(str::to_owned), gone },
    };
    let refused = flight.input(&close(None, gone())).expect_err("it is gone");
    assert!(refused.contains("artifacts/0, and that is gone"), "{refused}");
    flight.input(&close(Some("the disk died"), gone())).expect("closed all the same");
    let Some(Event::LaunchClosed { missing, .. }) = flight.records.last().map(|record| record.event.clone()) else {
        panic!("not closed");
    };
    assert!(missing.contains(&gone()[0]), "{missing:?}");
}

fn give(flight: &mut Flight, what: &str) -> Result<(), String> {
    flight.command(Command::GiveEvidence { evidence: "notes".into(), what: what.into() })
}

#[test]
fn a_launch_is_closed_once_all_of_it_is_there_and_nothing_runs_after_it() {
    let mut flight = Flight::lifted(asking());
    let left = missing(&flight.board, flight.now);
    assert_eq!(
        left,
        [
            "look is running",
            "phase late is not through: 1 open, first look: not run",
            "evidence notes is not given: The notes"
        ]
    );
    let refused = close(&mut flight, None, None).expect_err("not complete");
    assert!(left.iter().all(|line| refused.contains(line)), "the whole list: {refused}");
    flight.answer("look", Verdict::Pass);
    assert!(give(&mut flight, "  ").is_err(), "nothing is said");
    give(&mut flight, "https://docs.example/notes").expect("given");
    assert_eq!(missing(&flight.board, flight.now), Vec::<String>::new());
    close(&mut flight, Some("lead"), None).expect("complete");
    assert_eq!(flight.board.ended.as_deref(), Some("closed: everything asked for is there"));
    assert!(follow(&flight.board, flight.now.plus(minutes(600)), 0).is_empty(), "nothing follows");
    assert!(flight.command(Command::RunItem { item: "health".into() }).is_err());
    assert_eq!(flight.command(Command::note("the retrospective is on Friday")), Ok(()));
    assert!(close(&mut flight, None, None).expect_err("once").contains("has ended"));
}

#[test]
fn closing_takes_the_power_to_resume_and_without_all_of_it_the_power_to_abort_and_a_reason() {
    let mut flight = Flight::lifted(asking());
    assert!(close(&mut flight, Some("backend"), None).expect_err("no power").contains("may not resume"));
    let mut plan = asking();
    plan.roles[0].may.insert(Power::Resume);
    let mut able = Flight::lifted(plan);
    assert!(close(&mut able, Some("backend"), Some("over")).expect_err("no power").contains("may not abort"));
    assert!(close(&mut flight, None, Some(" ")).expect_err("no reason").contains("say why"));
    close(&mut flight, Some("lead"), Some("the look is lost")).expect("closed");
    let Some(Event::LaunchClosed { why, missing }) = flight.records.last().map(|record| record.event.clone()) else {
        panic!("closed: {:?}", flight.records.last());
    };
    assert_eq!((why.as_str(), missing.len()), ("the look is lost", 3));
    assert!(flight.board.ended.as_ref().is_some_and(|why| why.starts_with("closed without look is running; ")));
}

#[test]
fn what_is_due_again_and_again_keeps_no_launch_open_and_neither_does_a_scrubbed_one() {
    let mut plan = plan();
    plan.items.get_mut(&"look".into()).expect("there").every = Some(Every::Month);
    let mut flight = Flight::lifted(plan);
    flight.answer("look", Verdict::Fail);
    assert_eq!(missing(&flight.board, flight.now), Vec::<String>::new());
    let mut scrubbed = Flight::of(asking());
    for item in ["health", "login", "chat"] {
        scrubbed.answer(item, Verdict::Fail);
    }
    assert!(missing(&scrubbed.board, scrubbed.now).iter().any(|line| line.starts_with("T-0 was not reached")));
    scrubbed.command(Command::Scrub { why: "storm".into() }).expect("scrubbed");
    let left = ["evidence smoke waits for chat: The smoke", "evidence notes is not given: The notes"];
    assert_eq!(missing(&scrubbed.board, scrubbed.now), left, "what was to be seen is not asked for, its traces are");
}

#[test]
fn nothing_is_closed_over_a_rollback_unsaid() {
    let mut flight = Flight::lifted(plan());
    flight.answer("look", Verdict::Pass);
    flight.command(Command::Rollback { rollback: "front".into(), why: "errors".into() }).expect("begun");
    assert!(close(&mut flight, None, None).expect_err("it runs").contains("rollback front #1 is under way"));
}

#[test]
fn criteria_of_both_stages_that_are_not_met_are_missing() {
    let mut plan = plan();
    let person = || DecidedBy::Person { role: None };
    let criterion = |id: &str, no_go, stage, by| Criterion { id: id.into(), text: id.to_uppercase(), no_go, stage, by };
    plan.criteria =
        vec![criterion("loss", true, GoStage::Launch, person()), criterion("calm", false, GoStage::Observed, person())];
    let mut flight = Flight::of(plan);
    let of = |flight: &Flight| -> Vec<String> {
        let missing = missing(&flight.board, flight.now).into_iter();
        missing.filter(|line| line.contains("LOSS") || line.contains("CALM")).collect()
    };
    let open = ["no-go loss open: LOSS (nobody has said)", "go calm open: CALM (nobody has said)"];
    assert_eq!(of(&flight), open);
    let judge = |id: &str, met| Command::Judge { criterion: id.into(), met, note: "seen".into() };
    flight.command(judge("loss", true)).expect("judged");
    flight.command(judge("calm", false)).expect("judged");
    let left = of(&flight);
    assert!(left.len() == 1 && left[0].starts_with("go calm NOT MET: CALM"), "{left:?}");
}

#[test]
fn evidence_is_what_was_seen_once_though_it_is_due_again() {
    let mut plan = asking();
    plan.evidence[0].items = vec!["look".into()];
    plan.items.get_mut(&"look".into()).expect("there").every = Some(Every::Span(minutes(1440)));
    let mut flight = Flight::lifted(plan);
    let smoke = flight.board.plan.evidence[0].clone();
    assert_eq!(archived(&flight.board, &smoke), Archived::Waits(vec!["look".into()]), "not seen yet");
    flight.answer("look", Verdict::Pass);
    assert_eq!(archived(&flight.board, &smoke), Archived::Yes);
    flight.pass(minutes(1440));
    assert!(flight.board.item(&"look".into()).is_some_and(super::super::item::ItemState::is_running), "the next day");
    assert_eq!(archived(&flight.board, &smoke), Archived::Yes, "it was seen the first");
}

#[test]
fn what_a_choice_passed_over_is_no_evidence() {
    let mut flight = Flight::lifted(asking());
    let smoke = flight.board.plan.evidence[0].clone();
    assert_eq!(archived(&flight.board, &smoke), Archived::Yes);
    let over = |flight: &mut Flight, item: &str| {
        let event = Event::PassedOver { item: item.into(), by: "branch a of mode not chosen: it is b".into() };
        flight.record(flight.now, Actor::engine(), event);
    };
    over(&mut flight, "chat");
    assert_eq!(archived(&flight.board, &smoke), Archived::Yes, "what is left of it was seen");
    over(&mut flight, "login");
    assert_eq!(archived(&flight.board, &smoke), Archived::No, "nothing of it was");
    assert!(missing(&flight.board, flight.now).iter().any(|line| line.starts_with("evidence smoke is not given")));
}

#[test]
fn a_launch_that_ended_short_of_t0_needs_no_closing_and_says_what_to_do_instead() {
    let mut flight = Flight::of(asking());
    flight.command(Command::Scrub { why: "not today".into() }).expect("scrubbed");
    flight.command(Command::End { why: "the countdown ended short of T-0".into() }).expect("over");
    let refused = close(&mut flight, None, Some("done with it")).expect_err("over");
    assert!(
        refused.starts_with("the launch has ended: the countdown ended short of T-0. It needs no closing"),
        "{refused}"
    );
    assert!(refused.contains("`tminus brief`") && refused.contains("a launch of its own"), "{refused}");
    let other = flight.command(Command::Resume).expect_err("over");
    assert_eq!(other, "the launch has ended: the countdown ended short of T-0", "of anything else there is no closing");
}

#[test]
fn a_launch_whose_release_was_taken_back_is_not_closed_as_complete() {
    let told = |flight: &mut Flight, run, fact| {
        let told = super::super::command::Observation::RollbackTold { run, fact };
        flight.input(&Input::Observation(told)).expect("told");
    };
    let mut flight = Flight::lifted(plan());
    flight.answer("look", Verdict::Pass);
    assert_eq!(missing(&flight.board, flight.now), Vec::<String>::new());
    flight.command(Command::Rollback { rollback: "front".into(), why: "bad".into() }).expect("asked");
    let over = RollbackFact::Ended { end: RollbackEnd::Verified, took: minutes(1) };
    told(&mut flight, 1, over.clone());
    assert_eq!(missing(&flight.board, flight.now), Vec::<String>::new(), "none of its steps began");
    flight.command(Command::Rollback { rollback: "front".into(), why: "worse".into() }).expect("asked");
    told(&mut flight, 2, RollbackFact::StepStarted { step: "front/redeploy".into() });
    told(&mut flight, 2, over);
    let wanted = "rollback front #2 acted after T-0 and ended verified: what was launched may not be there";
    assert_eq!(missing(&flight.board, flight.now), [wanted]);
    let refused = close(&mut flight, Some("lead"), None).expect_err("taken back");
    assert!(refused.contains(wanted), "{refused}");
    close(&mut flight, Some("lead"), Some("we launch again next week")).expect("with a reason");
    let why = flight.board.ended.unwrap_or_default();
    assert!(why.contains(wanted) && why.ends_with("we launch again next week"), "{why}");
}
