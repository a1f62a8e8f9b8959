//! Who is let act, and what each role may do.

use super::super::command::Input;
use super::super::event::Vote;
use super::super::id::Attempt;
use super::super::plan::{Act, Class, Confirm, Second, SpecId};
use super::super::samples::{Flight, plan};
use super::super::time::Mark;
use super::super::verdict::Outcome;
use super::*;

fn role(id: &str, people: &[&str], may: &[Power]) -> Role {
    Role {
        id: id.into(),
        title: format!("The {id}"),
        people: people.iter().map(|name| (*name).to_owned()).collect(),
        votes: false,
        may: may.iter().copied().collect(),
    }
}

fn with(roles: Vec<Role>) -> Flight {
    let mut plan = plan();
    plan.roles.extend(roles);
    Flight::of(plan)
}

fn asked(flight: &mut Flight, name: &str, role: Option<&str>, command: Command) -> Result<(), String> {
    flight.input(&Input::Command { by: Actor::person(name, role.map(RoleId::new)), command })
}

#[test]
fn whoever_carries_a_role_is_one_of_its_people_where_they_are_listed() {
    let mut flight = with(vec![role("sre", &["Ana", "Bo Li"], &[])]);
    let hold = || Command::CallHold { why: "disk".into() };
    for name in ["Ana", "ana", "  ANA ", "bo li", "BO   Li"] {
        assert_eq!(asked(&mut flight, name, Some("sre"), hold()), Ok(()), "{name}");
    }
    let refused = asked(&mut flight, "cy", Some("sre"), hold()).expect_err("not one of them");
    assert_eq!(refused, "The sre is Ana or Bo Li, not cy: say who you are with --name");
    // A role without people is anybody's, an operator without a role is nobody's business, and so is a rollback.
    assert_eq!(asked(&mut flight, "cy", Some("backend"), hold()), Ok(()));
    assert_eq!(asked(&mut flight, "cy", None, hold()), Ok(()));
    let rollback = Command::Rollback { rollback: "front".into(), why: "errors".into() };
    assert_eq!(asked(&mut flight, "cy", Some("sre"), rollback), Ok(()));
    assert!(asked(&mut flight, "cy", Some("nobody"), hold()).expect_err("no such role").contains("no role nobody"));
}

#[test]
fn an_operator_says_who_spoke_where_the_people_of_a_role_are_listed() {
    let mut plan = plan();
    plan.roles[0].people = vec!["Ana".into(), "Bo".into()];
    let mut flight = Flight::of(plan);
    let go = || Command::Vote { poll: None, role: "backend".into(), vote: Vote::Go };
    assert_eq!(asked(&mut flight, "op", None, go()), Err("say who spoke for backend: Ana or Bo".into()));
    let by = Actor { recorded_by: Some("op".into()), ..Actor::person("Ana", Some("backend".into())) };
    flight.input(&Input::Command { by, command: go() }).expect("she spoke");
    let ballot = &flight.board.votes[&"backend".into()];
    assert_eq!(called(&flight.board.plan, &ballot.by), "Ana (backend), recorded by op");
    // Nobody is listed for the other.
    assert_eq!(
        asked(&mut flight, "op", None, Command::Vote { poll: None, role: "lead".into(), vote: Vote::Go }),
        Ok(())
    );
}

/// A command with the power it takes, on a launch where it could be given.
fn table() -> Vec<(Command, Option<Power>)> {
    let (item, why): (super::super::id::ItemId, String) = ("health".into(), "why".into());
    let lost = || "after-all".into();
    vec![
        (Command::Resume, Some(Power::Resume)),
        (Command::Recycle { mark: Mark(30 * 60_000) }, Some(Power::Resume)),
        (Command::Thaw { why: why.clone() }, Some(Power::Resume)),
        (Command::Close { why: why.clone(), anyway: None, gone: Vec::new() }, Some(Power::Resume)),
        (Command::Scrub { why: why.clone() }, Some(Power::Abort)),
        (
            Command::Waive { item: item.clone(), reason: why.clone(), lasts: std::time::Duration::from_secs(3600) },
            Some(Power::Waive),
        ),
        (Command::ReleaseHold { who: "ada".into() }, Some(Power::Waive)),
        (Command::MarkStep { item: lost(), passed: true, reason: why.clone() }, Some(Power::Waive)),
        (Command::MarkStep { item: lost(), passed: false, reason: why.clone() }, None),
        (Command::Repeat { item: lost(), reason: why.clone() }, None),
        (Command::CallHold { why: why.clone() }, None),
        (Command::CatchUp, None),
        (Command::CutOff { why: why.clone() }, None),
        (Command::Freeze { why: why.clone() }, None),
        (Command::RunItem { item: item.clone() }, None),
        (Command::RunPhase { phase: "gate-a".into() }, None),
        (Command::Cancel { item: item.clone() }, None),
        (Command::Attest { item: "attest".into(), note: why.clone(), passed: true }, None),
        (Command::Acknowledge { item }, None),
        (Command::GiveEvidence { evidence: "log".into(), what: why.clone() }, None),
        (Command::note(why.clone()), None),
        (Command::Rollback { rollback: "front".into(), why }, None),
    ]
}

#[test]
fn every_command_that_needs_a_power_asks_for_it_and_no_other_does() {
    let powers = [Power::Resume, Power::Waive, Power::Abort, Power::Approve];
    let mut roles = vec![role("none", &[], &[]), role("every", &[], &powers)];
    roles.extend(Power::WORDS.iter().map(|(word, power)| role(word, &[], &[*power])));
    let flight = || {
        let mut plan = plan();
        plan.roles.extend(roles.clone());
        let act = Act::Step { spec: SpecId(3), class: Class::Idempotent, confirm: Confirm::Key, second: Second::None };
        let mut lost = plan.items[&"health".into()].clone();
        (lost.id, lost.act) = ("after-all".into(), act);
        plan.phases[0].items.push(lost.id.clone());
        plan.items.insert(lost.id.clone(), lost);
        let mut flight = Flight::of(plan);
        flight.command(Command::CallHold { why: "mine".into() }).expect("held");
        flight.command(Command::RunItem { item: "after-all".into() }).expect("runs");
        let ended = Outcome { error: Some("its shim died".into()), ..Outcome::default() };
        let observed = super::super::command::Observation::StepEnded {
            item: "after-all".into(),
            attempt: Attempt(1),
            verdict: super::super::verdict::Verdict::Unknown,
            outcome: ended,
        };
        flight.input(&Input::Observation(observed)).expect("no refusal");
        flight
    };
    for (command, needs) in table() {
        for known in &roles {
            let refused = asked(&mut flight(), "bo", Some(known.id.as_str()), command.clone()).err();
            let denied = refused.as_ref().is_some_and(|why| why.contains("may not"));
            // To close one that is not complete takes more, and is asked for elsewhere.
            let wanted = needs.is_some_and(|power| !known.may.contains(&power));
            assert_eq!(denied, wanted, "{} for {command:?}: {refused:?}", known.id);
        }
        let refused = asked(&mut flight(), "op", None, command.clone()).err();
        assert!(
            !refused.as_ref().is_some_and(|why| why.contains("may not")),
            "the operator for {command:?}: {refused:?}"
        );
    }
}

#[test]
fn names_of_the_launch_are_no_persons() {
    for name in ["engine", "Crew", "crew-2", " ", "go", "rollback", "gate smoke"] {
        assert!(!is_free(name), "{name}");
    }
    assert!(is_free("Ana") && is_free("crewman"));
}
