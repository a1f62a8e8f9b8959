use std::time::Duration;

use super::*;
use crate::launch::board::{RECENT_KEPT, ROUTINE_KEPT};
use crate::launch::event::Actor;
use crate::launch::objective::{Counts, Measured, Round};
use crate::launch::plan::{Beside, Objective, Plan};
use crate::launch::threshold::Threshold;

fn plan() -> Arc<Plan> {
    let objective = |id: &str| Objective {
        id: id.into(),
        title: id.into(),
        signal: "monitor.api".into(),
        beside: Beside::Nothing,
        that: Threshold::parse("error_rate <= 5%").expect("a threshold"),
        window: Duration::from_secs(30),
        min_samples: 100,
        stale_after: Duration::from_secs(30),
        evaluate_every: Duration::from_secs(10),
        unknown_for: Duration::from_secs(120),
    };
    Arc::new(Plan { objectives: vec![objective("errors"), objective("others")], ..Plan::default() })
}

fn counts(second: i64, against: u64) -> Counts {
    Counts {
        seen: Measured { of: 200, against, ..Measured::default() },
        newest: Some(Instant(second * 1_000)),
        known: Duration::from_secs(30).into(),
        ..Counts::default()
    }
}

fn record(seq: u64, second: i64, event: Event) -> Recorded {
    let wall = Wall::UNIX_EPOCH + TimeDelta::seconds(second);
    let (occurred_at, recorded_at) = (wall, wall);
    Recorded { seq, at: Instant(second * 1_000), occurred_at, recorded_at, actor: Actor::engine(), event }
}

fn rounds(of: &[(i64, u64)]) -> Event {
    let round = |(second, against): &(i64, u64)| {
        let counts = [("errors".into(), counts(*second, *against))].into();
        Round { at: Instant(second * 1_000), counts }
    };
    Event::Evaluated { rounds: of.iter().map(round).collect() }
}

fn words(board: &Board) -> Vec<String> {
    board.turned.iter().map(|turn| format!("{} {}", turn.at.0 / 1_000, turn.tell())).collect()
}

#[test]
fn a_verdict_that_became_another_is_told_once() {
    let mut board = Board::new(plan());
    for (seq, (second, against)) in (1..).zip([(10, 0), (20, 0), (30, 20), (40, 22), (50, 0)]) {
        board.apply(&record(seq, second, rounds(&[(second, against)])));
    }
    let told = words(&board);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("10 objective errors pass:"), "{told:?}");
    assert!(told[1].starts_with("30 objective errors fail: 10% of 200") && told[1].ends_with(", was pass"), "{told:?}");
    assert!(told[2].ends_with(", was fail"), "{told:?}");
}

#[test]
fn each_round_of_a_record_turns_and_none_twice() {
    let mut board = Board::new(plan());
    board.apply(&record(1, 40, rounds(&[(10, 0), (20, 20), (30, 0)])));
    assert_eq!(words(&board).len(), 3, "between two instants of one record too");
    let walls: Vec<_> = board.turned.iter().map(|turn| turn.wall.timestamp()).collect();
    assert_eq!(walls, [10, 20, 30], "each at its own time");
    // A console that came back tells of the same instants again.
    board.apply(&record(2, 41, rounds(&[(20, 20), (30, 20)])));
    assert_eq!(words(&board).len(), 3);
    assert_eq!(board.turned.with(1).count(), 3);
    assert_eq!(board.turned.with(2).count(), 0);
}

#[test]
fn two_days_of_evaluations_push_out_nothing_that_happened() {
    let mut board = Board::new(plan());
    let mut seq = 0;
    let mut apply = |board: &mut Board, second: i64, event: Event| {
        seq += 1;
        board.apply(&record(seq, second, event));
        let last = board.recent.back().expect("a record");
        assert_eq!(last.seq, seq, "the newest is the last of them always");
    };
    apply(&mut board, 0, Event::noted("before"));
    for round in 1..=17_280 {
        apply(&mut board, round * 10, rounds(&[(round * 10, if round == 9_000 { 20 } else { 0 })]));
        apply(&mut board, round * 10, Event::SamplesKept { minute: Instant(0), blocks: Vec::new() });
    }
    apply(&mut board, 172_800, Event::noted("after"));
    let told: Vec<u64> = board.recent.iter().filter(|known| !board.is_quiet(known)).map(|known| known.seq).collect();
    assert_eq!(told.len(), 5, "two notes, and three evaluations with which something turned: {told:?}");
    assert_eq!(board.recent.len(), told.len());
    assert!(board.recent.len() < RECENT_KEPT && board.routine.len() == ROUTINE_KEPT);
}

#[test]
fn only_the_newest_turns_are_kept() {
    let mut board = Board::new(plan());
    for round in 1..=500_i64 {
        let second = round * 10;
        let against = if round % 2 == 0 { 20 } else { 0 };
        board.apply(&record(round.unsigned_abs(), second, rounds(&[(second, against)])));
    }
    assert_eq!(board.turned.iter().count(), TURNS_KEPT);
    assert_eq!(board.turned.iter().next_back().map(|turn| turn.seq), Some(500));
    assert_eq!(board.turned.of(&"errors".into()).next().map(|turn| turn.seq), Some(500), "newest first");
    assert_eq!(board.turned.of(&"others".into()).count(), 0);
}
