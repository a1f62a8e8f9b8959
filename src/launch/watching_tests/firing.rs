//! What a trigger does once it has fired: countdown, veto, latch, recovery, several of them, windows.

use super::*;
use crate::launch::schedule;

#[test]
fn an_automatic_rollback_starts_when_its_veto_has_passed_and_once() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    assert_eq!(until_fired(&mut flight, 6), Some(13));
    let starts = flight.now.plus(10 * SECOND);
    assert!(matches!(stage(&flight, "down"), Stage::Fired { starts: Some(at), .. } if *at == starts));
    assert_eq!(crate::launch::schedule::next_at(&flight.board, flight.now), Some(starts));
    flight.pass(Duration::from_millis(9_999));
    assert_eq!(start(&mut flight), None, "not a millisecond before");
    flight.pass(Duration::from_millis(1));
    assert_eq!(start(&mut flight), Some("down".into()));
    let run = flight.board.rolling_back().expect("it runs");
    assert_eq!((run.id.as_str(), run.why.as_str()), ("front", "trigger down: 6% of 100 for 2m"));
    assert!(matches!(stage(&flight, "down"), Stage::Started { .. }));
    assert_eq!(start(&mut flight), None);
    end(&mut flight);
    assert_eq!(start(&mut flight), None);
    // It did not help, a person took it on, it was well, and bad again: the second time is for a person.
    flight.command(Command::AcknowledgeTrigger { trigger: "down".into() }).expect("possible");
    for _ in 0..30 {
        evaluate(&mut flight, Some(0));
    }
    for _ in 0..13 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(fired(&flight, "down"), 2);
    let Stage::Fired { starts: None, why, .. } = stage(&flight, "down") else { panic!("{:?}", flight.board.triggers) };
    assert!(why.ends_with("a second time is for a person"), "{why}");
}

#[test]
fn a_veto_stops_it_until_its_condition_was_gone_for_long_enough() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    assert!(!schedule::wants_person(&flight.board, flight.now));
    until_fired(&mut flight, 6);
    assert!(schedule::wants_person(&flight.board, flight.now), "a rehearsal does not hurry through its countdown");
    let no = |flight: &mut Flight| flight.command(Command::Veto { trigger: "down".into(), why: "a test".into() });
    no(&mut flight).expect("possible");
    assert!(!schedule::wants_person(&flight.board, flight.now));
    let Stage::Vetoed { by, why, .. } = stage(&flight, "down") else { panic!("{:?}", flight.board.triggers) };
    assert_eq!((by.name.as_str(), why.as_str()), ("ada", "a test"));
    assert!(no(&mut flight).expect_err("once").contains("was vetoed by ada"));
    flight.pass(60 * SECOND);
    assert_eq!(start(&mut flight), None);
    for _ in 0..30 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(fired(&flight, "down"), 1, "latched while it goes on");
    // Short of four minutes of health it does not flap.
    for _ in 0..24 {
        evaluate(&mut flight, Some(0));
    }
    evaluate(&mut flight, None);
    for _ in 0..24 {
        evaluate(&mut flight, Some(0));
    }
    assert!(matches!(stage(&flight, "down"), Stage::Vetoed { .. }), "a silence is no health");
    evaluate(&mut flight, Some(0));
    assert_eq!(stage(&flight, "down"), &Stage::Quiet);
    assert_eq!(until_fired_again(&mut flight), Some(13));
    assert!(matches!(stage(&flight, "down"), Stage::Fired { starts: Some(_), .. }), "it never acted: it may now");
}

fn until_fired_again(flight: &mut Flight) -> Option<u64> {
    (1..=100).find(|_| {
        evaluate(flight, Some(6));
        fired(flight, "down") > 1
    })
}

#[test]
fn one_that_fired_is_latched_until_a_person_takes_it_on() {
    let mut flight = flight(vec![trigger("down", errors(), FireMode::Ask)]);
    until_fired(&mut flight, 6);
    for _ in 0..60 {
        evaluate(&mut flight, Some(0));
    }
    assert!(matches!(stage(&flight, "down"), Stage::Fired { .. }), "ten minutes of health take no latch off");
    assert_eq!(calls(&flight.board, flight.now), ["trigger down fired: 6% of 100 for 2m"]);
    flight.command(Command::AcknowledgeTrigger { trigger: "down".into() }).expect("possible");
    assert!(calls(&flight.board, flight.now).is_empty());
    evaluate(&mut flight, Some(0));
    assert_eq!(stage(&flight, "down"), &Stage::Quiet, "it was gone for long enough");
    let again = flight.command(Command::AcknowledgeTrigger { trigger: "down".into() });
    assert!(again.expect_err("nothing").contains("nothing to acknowledge"));
}

#[test]
fn taking_on_what_counts_down_is_neither_yes_nor_no() {
    let mut flight = flight(vec![trigger("down", errors(), auto(10))]);
    until_fired(&mut flight, 6);
    let taken = flight.command(Command::AcknowledgeTrigger { trigger: "down".into() });
    assert!(taken.expect_err("refused").contains("veto it"));
    flight.pass(10 * SECOND);
    assert!(start(&mut flight).is_some());
    let late = flight.command(Command::Veto { trigger: "down".into(), why: "no".into() });
    assert!(late.expect_err("refused").contains("too late"));
    flight.command(Command::AcknowledgeTrigger { trigger: "down".into() }).expect("possible");
}

#[test]
fn several_triggers_come_to_one_rollback() {
    let slow = Trigger { lasts: 140 * SECOND, then: "all".into(), ..trigger("slow", errors(), auto(60)) };
    let later = Trigger { lasts: 190 * SECOND, ..trigger("later", errors(), auto(10)) };
    let mut flight = flight(vec![trigger("down", errors(), auto(30)), slow, later]);
    for _ in 0..15 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!((fired(&flight, "down"), fired(&flight, "slow")), (1, 1));
    flight.pass(10 * SECOND);
    assert_eq!(start(&mut flight), Some("down".into()));
    assert!(matches!(stage(&flight, "slow"), Stage::Started { .. }), "it joined");
    for _ in 0..25 {
        evaluate(&mut flight, Some(6));
        assert_eq!(start(&mut flight), None);
    }
    assert_eq!(fired(&flight, "later"), 1, "it fired while one ran, and joined it");
    end(&mut flight);
    flight.pass(600 * SECOND);
    assert_eq!(start(&mut flight), None);
    assert_eq!(flight.board.rollbacks.len(), 1);
}

#[test]
fn the_rollback_of_another_trigger_is_not_its_own() {
    let slow = || Trigger { then: "all".into(), ..trigger("slow", errors(), auto(60)) };
    let mut flight = flight(vec![trigger("down", errors(), auto(10)), slow()]);
    until_fired(&mut flight, 6);
    flight.pass(10 * SECOND);
    assert_eq!(start(&mut flight), Some("down".into()));
    let rings = [
        "trigger down fired, rollback front was started",
        "trigger slow fired: 6% of 100 for 2m; rollback front runs, and all was not started",
    ];
    assert_eq!(calls(&flight.board, flight.now), rings);
    let no = flight.command(Command::Veto { trigger: "slow".into(), why: "no".into() }).expect_err("nothing starts");
    assert_eq!(no, "rollback all was not started, since rollback front runs: there is nothing to veto");
    end(&mut flight);
    let Stage::Fired { starts: None, why, .. } = stage(&flight, "slow") else { panic!("{:?}", flight.board.triggers) };
    assert_eq!(why, "6% of 100 for 2m; rollback front ran, and all did not");
    assert!(matches!(stage(&flight, "down"), Stage::Started { .. }));
    flight.pass(600 * SECOND);
    assert_eq!(start(&mut flight), None, "whether it is needed too is for a person");
    // It begins after all: that answers it.
    flight.command(Command::Rollback { rollback: "all".into(), why: "it did not help".into() }).expect("possible");
    assert_eq!(calls(&flight.board, flight.now)[1], "trigger slow fired, rollback all was started");
    end(&mut flight);
    assert_eq!(calls(&flight.board, flight.now)[1], "trigger slow fired, rollback all was started");

    // One that fires while another runs waits for a person as well, unless he has taken it on by then.
    for taken_on in [false, true] {
        let mut flight = self::flight(vec![slow()]);
        flight.command(Command::Rollback { rollback: "front".into(), why: "by hand".into() }).expect("possible");
        until_fired_slow(&mut flight);
        if taken_on {
            flight.command(Command::AcknowledgeTrigger { trigger: "slow".into() }).expect("possible");
        }
        end(&mut flight);
        assert_eq!(matches!(stage(&flight, "slow"), Stage::Fired { starts: None, .. }), !taken_on);
        assert_eq!(calls(&flight.board, flight.now).is_empty(), taken_on);
    }
}

fn until_fired_slow(flight: &mut Flight) {
    for _ in 0..13 {
        evaluate(flight, Some(6));
    }
    assert_eq!(fired(flight, "slow"), 1);
}

#[test]
fn what_was_seen_before_a_rollback_counts_for_nothing_after_it() {
    let slow = Trigger { lasts: 200 * SECOND, then: "all".into(), ..trigger("slow", errors(), auto(10)) };
    let mut flight = flight(vec![slow]);
    for _ in 0..20 {
        evaluate(&mut flight, Some(6));
    }
    flight.command(Command::Rollback { rollback: "front".into(), why: "by hand".into() }).expect("possible");
    end(&mut flight);
    for _ in 0..20 {
        evaluate(&mut flight, Some(6));
    }
    assert_eq!(fired(&flight, "slow"), 0);
    evaluate(&mut flight, Some(6));
    assert_eq!(fired(&flight, "slow"), 1);
}

#[test]
fn a_trigger_counts_inside_its_window_alone() {
    let window = Trigger {
        armed_from: Some(Mark(30 * 60_000)),
        armed_until: Some(Mark(20 * 60_000)),
        ..trigger("down", errors(), FireMode::Ask)
    };
    let mut flight = flight(vec![window]);
    flight.answer("health", Verdict::Pass);
    flight.answer("login", Verdict::Pass);
    flight.answer("chat", Verdict::Pass);
    // T-60m … T-30m.
    for _ in 0..180 {
        evaluate(&mut flight, Some(50));
    }
    assert_eq!((flight.board.mark_at(flight.now), fired(&flight, "down")), (Mark(30 * 60_000), 0));
    let state = flight.board.triggers.get(&TriggerId::new("down")).cloned().unwrap_or_default();
    assert_eq!(state.held, 0, "what was before counts for nothing: {state:?}");
    for _ in 0..11 {
        evaluate(&mut flight, Some(50));
    }
    assert_eq!(fired(&flight, "down"), 0);
    evaluate(&mut flight, Some(50));
    assert_eq!(fired(&flight, "down"), 1, "T-28m");
    flight.command(Command::AcknowledgeTrigger { trigger: "down".into() }).expect("possible");
    for _ in 0..100 {
        evaluate(&mut flight, Some(0));
    }
    for _ in 0..30 {
        evaluate(&mut flight, Some(50));
    }
    assert_eq!(fired(&flight, "down"), 1, "after T-20m it is not armed");
}

#[test]
fn what_counted_in_one_window_counts_for_nothing_in_the_next() {
    let down = trigger("down", errors(), FireMode::Ask);
    let mut state = trigger::TriggerState::default();
    for (at, armed) in (1..=12).map(|place| (place, true)).chain([(13, false), (14, true)]) {
        let told = trigger::Told::Holds("bad".to_owned());
        state.evaluated(&down, told, 10 * SECOND, Instant(at * 10_000), armed);
    }
    assert_eq!((state.held, state.due), (0, None), "a recycle arms it anew");
}
