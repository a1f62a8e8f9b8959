//! A hole that a soak's source tells of afterwards.

use super::super::{Hole, holes};
use super::*;

#[test]
fn a_hole_that_its_source_tells_of_is_none_and_what_it_leaves_out_stays_one() {
    // Of seven minutes, so many at the beginning are not told.
    for (missing, hole, restarts, credited) in [(0, 0, 0, 18), (4, 4, 0, 14), (6, 6, 1, 2)] {
        let mut flight = flight();
        evaluated(&mut flight, minutes(10), WELL);
        let (gap, before) = (minutes(7), flight.board.objectives.clone());
        let from = flight.now;
        flight.now = flight.now.plus(gap);
        flight.input(&Input::Observation(Observation::Slept { gap })).expect("taken");
        let open: Vec<Hole> = holes(&flight.board).collect();
        assert_eq!(open.iter().map(|hole| (hole.from, hole.until)).collect::<Vec<_>>(), [(from, flight.now)]);
        let first = from.0 / 10_000 + missing * 6 + 1;
        let rounds: Vec<Round> = (first..=flight.now.0 / 10_000).map(|at| round(at * 10_000, WELL)).collect();
        let filled = Observation::HoleFilled { rounds };
        flight.input(&Input::Observation(filled.clone())).expect("taken");
        assert_eq!(flight.board.objectives, before, "nothing but a soak stands on it");
        evaluated(&mut flight, minutes(1), WELL);
        let known = ledger(&flight).clone();
        assert_eq!((known.sums.hole, known.restarts, known.credited), (minutes(hole), restarts, minutes(credited)));
        // What comes after something later was evaluated is too late, and there is nothing left to ask for.
        assert_eq!(holes(&flight.board).count(), 0);
        flight.input(&Input::Observation(filled)).expect("taken");
        assert_eq!(*ledger(&flight), known);
        replays(&flight);
    }
}

#[test]
fn what_a_source_tells_of_a_time_that_somebody_watched_counts_for_nothing() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(1), BAD);
    flight.now = flight.now.plus(minutes(1));
    let rounds = (1..=12).map(|at| round(at * 10_000, WELL)).collect();
    flight.input(&Input::Observation(Observation::HoleFilled { rounds })).expect("taken");
    assert_eq!((ledger(&flight).credited, holes(&flight.board).count()), (Duration::ZERO, 0));
}

#[test]
fn a_breach_that_a_source_tells_of_afterwards_is_one() {
    let mut flight = flight();
    evaluated(&mut flight, minutes(10), WELL);
    let gap = minutes(2);
    flight.now = flight.now.plus(gap);
    flight.input(&Input::Observation(Observation::Slept { gap })).expect("taken");
    let rounds = (61..=72).map(|at| round(at * 10_000, if at == 65 { BAD } else { WELL })).collect();
    flight.input(&Input::Observation(Observation::HoleFilled { rounds })).expect("taken");
    assert_eq!((ledger(&flight).restarts, ledger(&flight).credited), (1, Duration::from_secs(70)));
    replays(&flight);
}

#[test]
fn a_deadline_that_passed_while_nobody_watched_waits_for_what_the_source_tells() {
    for (told, wanted) in [(true, Verdict::Pass), (false, Verdict::Fail)] {
        let mut plan = soaking(Some(minutes(40)));
        plan.objectives = vec![objective("errors"), objective("p95")];
        let mut flight = Flight::of(plan);
        evaluated(&mut flight, minutes(10), WELL);
        let (gap, from) = (minutes(35), flight.now.0 / 10_000 + 1);
        flight.now = flight.now.plus(gap);
        flight.input(&Input::Observation(Observation::Slept { gap })).expect("taken");
        assert!(state(&flight).is_running(), "nobody knows yet");
        if told {
            let rounds = (from..=flight.now.0 / 10_000).map(|at| round(at * 10_000, WELL)).collect();
            flight.input(&Input::Observation(Observation::HoleFilled { rounds })).expect("taken");
        }
        evaluated(&mut flight, minutes(1), WELL);
        assert_eq!(ended(&flight).map(|(verdict, _)| verdict), Some(wanted));
        replays(&flight);
    }
}
