//! Stepping, scrubbing, playing and jumping; and that any place of a reel is what folding from the start comes to.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Playhead, Reel};
use crate::launch::board::Board;
use crate::launch::event::{Actor, Event, Recorded};
use crate::launch::replay::{Standpoint, Way, Wish};
use crate::launch::samples::plan;
use crate::launch::time::{Instant, Wall};

fn wall(ms: i64) -> Wall {
    chrono::DateTime::from_timestamp_millis(1_700_000_000_000 + ms).expect("a time")
}

/// Something else every time: a board of a wrong place is another board.
fn event(number: usize) -> Event {
    let title = format!("{number}");
    match number % 5 {
        0 => Event::noted(title),
        1 => Event::FaultSwitched { fault: title, on: true },
        2 => Event::HoldCalled { who: title, why: "odd".into() },
        3 => Event::IncidentOpened { incident: 1, title, severity: None, detected_by: String::new() },
        _ => Event::Frozen { why: title },
    }
}

/// Records at these instants, after the launch's own first.
fn journal(instants: &[i64]) -> (Board, Vec<Recorded>) {
    let plan = Arc::new(plan());
    let opened = Event::LaunchOpened {
        plan: plan.id.clone(),
        plan_hash: plan.hash.clone(),
        mode: crate::launch::event::Mode::Launch,
        start: plan.clock.start,
        release: Default::default(),
        target: None,
    };
    let events = std::iter::once((0, opened)).chain(instants.iter().copied().zip((1..).map(event)));
    let records = (1..).zip(events).map(|(seq, (at, event))| {
        let at_wall = wall(at / 10);
        let actor = Actor::person("ana", None);
        Recorded { seq, at: Instant(at), occurred_at: at_wall, recorded_at: at_wall, actor, event }
    });
    (Board::new(plan), records.collect())
}

fn reel(instants: &[i64]) -> Reel {
    let (board, records) = journal(instants);
    Reel::new(board, records)
}

fn stands(reel: &Reel, head: &Playhead) -> (usize, i64) {
    (head.place(), head.now(reel).instant.0)
}

#[test]
fn it_steps_both_ways_and_never_off_the_ends() {
    let reel = reel(&[5_000, 5_000, 9_000]);
    let mut head = Playhead::new(&reel, 60);
    let mut seen = vec![stands(&reel, &head)];
    for way in [Way::On, Way::On, Way::On, Way::On, Way::Back, Way::Back, Way::Back, Way::Back] {
        head.take(&reel, Wish::Record(way));
        seen.push(stands(&reel, &head));
    }
    let (first, last) = ((1, 0), (4, 9_000));
    assert_eq!(seen, [first, (2, 5_000), (3, 5_000), last, last, (3, 5_000), (2, 5_000), first, first]);
}

#[test]
fn it_scrubs_by_the_launchs_time_and_tells_the_walls() {
    let reel = reel(&[50_000, 70_000, 700_000]);
    let mut head = Playhead::new(&reel, 1);
    head.take(&reel, Wish::Minutes(Way::On, 1));
    assert_eq!(stands(&reel, &head), (2, 60_000), "between two records, time alone has passed");
    // The wall did not come further than the next record's, however far the launch's own time jumped.
    assert_eq!(head.now(&reel).wall, wall(7_000));
    head.take(&reel, Wish::Minutes(Way::On, 10));
    assert_eq!(stands(&reel, &head), (3, 660_000));
    head.take(&reel, Wish::Minutes(Way::On, 10));
    assert_eq!(stands(&reel, &head), (4, 700_000), "nothing comes after the last record");
    head.take(&reel, Wish::Minutes(Way::Back, 10));
    assert_eq!(stands(&reel, &head), (3, 100_000));
    head.take(&reel, Wish::Minutes(Way::Back, 10));
    assert_eq!(stands(&reel, &head), (1, 0));
}

#[test]
fn it_plays_as_fast_as_it_is_told_and_stands_still_at_the_end() {
    let reel = reel(&[60_000, 119_000, 130_000]);
    let mut head = Playhead::new(&reel, 60);
    head.pass(&reel, Duration::from_secs(9));
    assert_eq!(stands(&reel, &head), (1, 0), "it begins standing still");
    head.take(&reel, Wish::Play);
    head.pass(&reel, Duration::from_millis(999));
    assert_eq!(stands(&reel, &head), (1, 59_940));
    head.take(&reel, Wish::Faster);
    head.pass(&reel, Duration::from_millis(500));
    assert_eq!(stands(&reel, &head), (3, 119_940), "120 times");
    for _ in 0..20 {
        head.take(&reel, Wish::Slower);
    }
    head.pass(&reel, Duration::from_millis(60));
    assert_eq!(stands(&reel, &head), (3, 120_000), "no slower than the launch itself");
    head.pass(&reel, Duration::from_secs(60));
    assert_eq!((stands(&reel, &head), head.is_playing()), ((4, 130_000), false));
    head.take(&reel, Wish::Play);
    assert!(!head.is_playing(), "nothing comes after the end");
}

#[test]
fn it_jumps_to_incidents_and_says_how_many_there_are() {
    // The third event and the eighth are incidents.
    let reel = reel(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut head = Playhead::new(&reel, 1);
    let mut seen = Vec::new();
    for way in [Way::On, Way::On, Way::On, Way::Back, Way::Back] {
        head.take(&reel, Wish::Notable(way));
        let Standpoint { record, before, after, .. } = head.standpoint(&reel);
        seen.push((record, before, after));
    }
    assert_eq!(seen, [(4, 0, 1), (9, 1, 0), (9, 1, 0), (4, 0, 1), (4, 0, 1)]);
}

#[test]
fn of_an_empty_reel_nothing_is_told_and_nothing_panics() {
    let empty = journal(&[]).0;
    let reel = Reel::new(empty.clone(), Vec::new());
    let mut head = Playhead::new(&reel, 0);
    for wish in all() {
        head.take(&reel, wish);
        head.pass(&reel, Duration::MAX);
    }
    assert_eq!((reel.at(7), head.place()), (empty, 0));
}

fn all() -> Vec<Wish> {
    let each =
        |way| [Wish::Record(way), Wish::Minutes(way, 1), Wish::Minutes(way, 10), Wish::Notable(way), Wish::Whole(way)];
    [Wish::Play, Wish::Faster, Wish::Slower]
        .into_iter()
        .chain([Way::Back, Way::On].into_iter().flat_map(each))
        .collect()
}

proptest! {
    /// Wherever one scrubs, from wherever, the board is the one that folding from the start comes to.
    #[test]
    fn scrubbing_anywhere_is_folding_from_the_start(
        gaps in proptest::collection::vec(-20_000i64..400_000, 0..200),
        wishes in proptest::collection::vec((0usize..13, 0u64..3_000), 1..30),
    ) {
        let mut at = 0;
        let instants: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
        let (empty, records) = journal(&instants);
        let reel = Reel::new(empty.clone(), records.clone());
        let mut head = Playhead::new(&reel, 60);
        let mut shown = (head.place(), reel.at(head.place()));
        for (wish, elapsed) in wishes {
            head.take(&reel, all()[wish]);
            head.pass(&reel, Duration::from_millis(elapsed));
            let place = head.place();
            prop_assert!((1..=records.len()).contains(&place));
            let mut folded = empty.clone();
            records[..place].iter().for_each(|record| folded.apply(record));
            shown = (place, reel.from(&shown.1, shown.0, place));
            prop_assert_eq!(&shown.1, &folded);
            prop_assert_eq!(&reel.at(place), &folded);
            let now = head.now(&reel);
            prop_assert!(now.instant >= reel.instant(place));
            prop_assert!(place == records.len() || now.instant <= reel.instant(place + 1));
            prop_assert!(now.wall >= records[place - 1].recorded_at);
        }
    }
}
