//! Monitors and people as conditions, and times that nobody watched.

use super::*;

pub(super) fn told(flight: &mut Flight, verdict: Verdict) {
    let observation = Observation::MonitorChanged { monitor: "api".into(), verdict, why: "status 500".into() };
    flight.input(&Input::Observation(observation)).expect("no refusal");
}

#[test]
fn a_monitor_fires_by_time_alone_and_unknown_freezes_it() {
    let api = || Trigger { lasts: 60 * SECOND, ..trigger("down", Condition::Monitor("api".into()), FireMode::Ask) };
    let mut flight = flight(vec![api()]);
    told(&mut flight, Verdict::Pass);
    told(&mut flight, Verdict::Fail);
    assert_eq!(crate::launch::schedule::next_at(&flight.board, flight.now), Some(Instant(60_000)));
    flight.pass(Duration::from_millis(59_999));
    assert_eq!(fired(&flight, "down"), 0);
    flight.pass(Duration::from_millis(1));
    assert_eq!(fired(&flight, "down"), 1);
    assert!(matches!(stage(&flight, "down"), Stage::Fired { why, .. } if why == "api: status 500 for 1m"));
    // What was skipped was not looked at: it clears nothing either.
    for silence in [Verdict::Unknown, Verdict::Skipped] {
        let mut flight = self::flight(vec![api()]);
        told(&mut flight, Verdict::Fail);
        flight.pass(50 * SECOND);
        told(&mut flight, silence);
        flight.pass(50 * SECOND);
        assert_eq!(fired(&flight, "down"), 0);
        told(&mut flight, Verdict::Fail);
        flight.pass(9 * SECOND);
        assert_eq!(fired(&flight, "down"), 0);
        flight.pass(SECOND);
        assert_eq!(fired(&flight, "down"), 1, "{silence}");
    }
    let mut flight = self::flight(vec![Trigger { lasts: Duration::ZERO, ..api() }]);
    told(&mut flight, Verdict::Fail);
    assert_eq!(fired(&flight, "down"), 1, "nothing has to last");
}

#[test]
fn a_manual_trigger_fires_by_a_persons_word_and_again() {
    let mut flight = flight(vec![trigger("down", Condition::Manual, auto(10))]);
    let fire = |flight: &mut Flight, why: &str| {
        flight.command(Command::FireTrigger { trigger: "down".into(), why: why.into() })
    };
    assert!(fire(&mut flight, " ").expect_err("a reason").contains("reason"));
    fire(&mut flight, "users call").expect("possible");
    assert!(matches!(stage(&flight, "down"), Stage::Fired { why, starts: Some(_), .. } if why == "by ada: users call"));
    assert!(fire(&mut flight, "more call").expect_err("once").contains("has fired"));
    flight.command(Command::Veto { trigger: "down".into(), why: "it is us".into() }).expect("possible");
    fire(&mut flight, "now it is not").expect("a person's word");
    assert_eq!(fired(&flight, "down"), 2);
}

pub(super) fn slept(flight: &mut Flight, gap: Duration) {
    flight.now = flight.now.plus(gap);
    flight.input(&Input::Observation(Observation::Slept { gap })).expect("no refusal");
}

pub(super) fn came_back(flight: &mut Flight, after: Duration) {
    let seen = flight.board.clock.as_ref().map_or(0, |clock| clock.t);
    flight.now = flight.now.plus(after);
    let (now, returned) = (flight.now, Event::ConsoleReturned { clean: false, t: seen });
    flight.record(now, Actor::engine(), returned);
    flight.follow();
}

#[test]
fn nothing_starts_in_a_time_that_nobody_watched() {
    // A loop that stood still for a moment loses that moment; after an hour the whole countdown is seen again.
    for (gap, left) in [(3, 10), (3_600, 10)] {
        let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
        until_fired(&mut flight, 6);
        slept(&mut flight, Duration::from_secs(gap));
        assert_eq!(start(&mut flight), None);
        flight.pass(Duration::from_millis(left * 1_000 - 1));
        assert_eq!(start(&mut flight), None, "after {gap} s of sleep");
        flight.pass(Duration::from_millis(1));
        assert!(start(&mut flight).is_some());
    }
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    until_fired(&mut flight, 6);
    flight.pass(9 * SECOND);
    came_back(&mut flight, 3_600 * SECOND);
    assert_eq!(start(&mut flight), None);
    flight.pass(10 * SECOND);
    assert!(start(&mut flight).is_some());
}

#[test]
fn a_monitor_that_failed_before_a_crash_must_be_seen_to_fail_again() {
    let api = Trigger { lasts: 60 * SECOND, ..trigger("down", Condition::Monitor("api".into()), FireMode::Ask) };
    let mut flight = flight(vec![api.clone()]);
    told(&mut flight, Verdict::Fail);
    flight.pass(30 * SECOND);
    told_of_something(&mut flight);
    came_back(&mut flight, 3_600 * SECOND);
    flight.pass(300 * SECOND);
    assert_eq!(fired(&flight, "down"), 0, "nobody knows yet");
    told(&mut flight, Verdict::Fail);
    flight.pass(29 * SECOND);
    assert_eq!(fired(&flight, "down"), 0);
    flight.pass(SECOND);
    assert_eq!(fired(&flight, "down"), 1);
    let mut flight = self::flight(vec![api]);
    told(&mut flight, Verdict::Fail);
    flight.pass(30 * SECOND);
    slept(&mut flight, 3_600 * SECOND);
    assert_eq!(fired(&flight, "down"), 0);
    flight.pass(30 * SECOND);
    assert_eq!(fired(&flight, "down"), 1);
}

#[test]
fn a_monitor_that_fails_on_after_a_rollback_is_counted_anew() {
    let api = || Trigger { lasts: 60 * SECOND, ..trigger("down", Condition::Monitor("api".into()), FireMode::Ask) };
    let rolled_back = || {
        let mut flight = flight(vec![api()]);
        told(&mut flight, Verdict::Fail);
        flight.pass(30 * SECOND);
        flight.command(Command::Rollback { rollback: "front".into(), why: "by hand".into() }).expect("possible");
        flight.pass(20 * SECOND);
        flight
    };
    // It tells of changes alone, and nothing has changed.
    let mut flight = rolled_back();
    end(&mut flight);
    flight.pass(Duration::from_millis(59_999));
    assert_eq!(fired(&flight, "down"), 0, "what was seen before it ended tells nothing of the world after it");
    flight.pass(Duration::from_millis(1));
    assert_eq!(fired(&flight, "down"), 1);
    for silence in [Verdict::Unknown, Verdict::Pass] {
        let mut flight = rolled_back();
        told(&mut flight, silence);
        end(&mut flight);
        flight.pass(600 * SECOND);
        assert_eq!(fired(&flight, "down"), 0, "{silence}");
    }
    let mut flight = rolled_back();
    came_back(&mut flight, SECOND);
    end(&mut flight);
    flight.pass(600 * SECOND);
    assert_eq!(fired(&flight, "down"), 0, "nobody has looked since");
}

fn told_of_something(flight: &mut Flight) {
    flight.command(Command::note("still there")).expect("possible");
}

pub(super) fn amended(flight: &mut Flight, edit: impl FnOnce(&mut crate::launch::plan::Plan)) {
    let mut plan = (*flight.board.plan.0).clone();
    plan.hash = format!("{}+", plan.hash);
    edit(&mut plan);
    let plan = std::sync::Arc::new(plan);
    flight.board.revisions.learn(&plan);
    let amended = Event::PlanAmended {
        revision: flight.board.revisions.number + 1,
        plan_hash: plan.hash.clone(),
        reason: "it must be".into(),
        changes: Vec::new(),
        again: Vec::new(),
        recapture: Vec::new(),
    };
    flight.record(flight.now, Actor::engine(), amended);
    flight.follow();
}

#[test]
fn under_another_plan_only_what_is_the_same_goes_on_counting() {
    let held = |flight: &Flight, id: &str| flight.board.triggers.get(&TriggerId::new(id)).map_or(0, |state| state.held);
    let api = trigger("api", Condition::Monitor("api".into()), FireMode::Ask);
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask), api]);
    told(&mut flight, Verdict::Fail);
    (0..7).for_each(|_| evaluate(&mut flight, Some(6)));
    amended(&mut flight, |plan| plan.title = "Another".into());
    assert_eq!(held(&flight, "down"), 60_000);
    flight.pass(100 * SECOND);
    assert_eq!((held(&flight, "api"), fired(&flight, "api")), (70_000, 0), "its monitor has not looked yet");
    amended(&mut flight, |plan| plan.objectives[0].window = 60 * SECOND);
    assert_eq!(held(&flight, "down"), 0);
    assert!(flight.board.objectives.is_empty(), "of another objective nothing is known");
    told(&mut flight, Verdict::Fail);
    amended(&mut flight, |plan| plan.triggers.clear());
    assert!(flight.board.triggers.is_empty());
    let latches = |flight: &Flight| flight.board.clock.as_ref().map_or(0, |clock| clock.latches.len());
    let mut flight = self::flight(vec![trigger("api", Condition::Monitor("api".into()), FireMode::Ask)]);
    told(&mut flight, Verdict::Pass);
    flight.pass(600 * SECOND);
    amended(&mut flight, |plan| plan.title = "Another".into());
    flight.pass(59 * SECOND);
    assert_eq!(latches(&flight), 0, "no source is lost before it has looked");
    flight.pass(SECOND);
    assert_eq!(latches(&flight), 1);
}

#[test]
fn a_countdown_that_is_over_leaves_the_rollback_to_people() {
    let mut flight = flight(vec![trigger("down", errors(), auto(30))]);
    until_fired(&mut flight, 6);
    flight.command(Command::Scrub { why: "enough".into() }).expect("possible");
    flight.pass(60 * SECOND);
    assert_eq!(start(&mut flight), None);
    let rings = "trigger down fired: 6% of 100 for 2m; the countdown is over: it is for a person";
    assert_eq!(calls(&flight.board, flight.now), [rings], "it still rings, and promises nothing");
    flight.command(Command::AcknowledgeTrigger { trigger: "down".into() }).expect("nothing starts by itself any more");
    assert!(calls(&flight.board, flight.now).is_empty());
}

#[test]
fn whoever_watches_from_elsewhere_says_no_with_a_role() {
    let mut flight = flight(vec![trigger("down", errors(), auto(60))]);
    until_fired(&mut flight, 6);
    let ask = |flight: &mut Flight, role: Option<&str>| {
        let by = Actor::person("bo", role.map(Into::into));
        let command = Command::Veto { trigger: "down".into(), why: "no".into() };
        let (id, asked_at) = ("r1".into(), crate::launch::time::Wall::default());
        flight.input(&Input::Request { id, by, command, asked_at, age: SECOND })
    };
    assert!(ask(&mut flight, None).expect_err("no role").contains("ask as a role"));
    ask(&mut flight, Some("backend")).expect("any role may");
    assert!(matches!(stage(&flight, "down"), Stage::Vetoed { .. }));
}

#[test]
fn what_stands_there_replays_to_the_same_board() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10)), trigger("ask", errors(), FireMode::Ask)]);
    until_fired(&mut flight, 6);
    flight.pass(10 * SECOND);
    start(&mut flight);
    end(&mut flight);
    evaluate(&mut flight, None);
    let replayed = Board::replay(std::sync::Arc::clone(&flight.board.plan.0), &flight.records);
    assert_eq!(replayed.triggers, flight.board.triggers);
    assert_eq!(replayed.objectives, flight.board.objectives);
}
