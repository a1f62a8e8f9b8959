//! The queue of one target, under every course of answers: in order, none lost but what is counted, none told twice
//! that was said to be there.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::launch::plan::Topic;
use crate::notify::message::{Act, Alert, Deed, Launch, Severity, Tone};

pub(crate) fn message(seq: u64) -> Message {
    let launch = Launch {
        key: "0123456789abcdef".to_owned(),
        plan: "shop".to_owned(),
        title: "Shop".to_owned(),
        environment: "production".to_owned(),
        version: Some("1.4".to_owned()),
        artifact: None,
        rehearsal: false,
    };
    Message {
        place: Place { seq, part: 0 },
        launch: Arc::new(launch),
        topic: Topic::Hold,
        tone: Tone::Plain,
        head: format!("message {seq}"),
        lines: Vec::new(),
        at: Wall::default(),
        mark: None,
        alert: None,
        change: false,
        deed: Deed::Own { subject: "hold", predicate: "called", id: "x".to_owned() },
    }
}

fn per_minute(count: u32) -> AtMost {
    AtMost { count, per: Duration::from_secs(60) }
}

fn queue(via: Via, count: u32) -> Queue {
    Queue::new(via, per_minute(count), Place::default(), None, BTreeMap::new())
}

fn there() -> Came {
    Came::There { status: 200 }
}

fn again(maybe: bool, after: Option<u64>) -> Came {
    Came::Again { why: "no".to_owned(), after: after.map(Duration::from_secs), maybe }
}

fn put(queue: &mut Queue, seq: u64) {
    let _ = queue.put(message(seq));
}

fn seqs(parcel: &Parcel) -> Vec<u64> {
    parcel.messages.iter().map(|message| message.place.seq).collect()
}

fn sends(queue: &mut Queue, now: u64) -> Parcel {
    match queue.next(now) {
        Next::Send(parcel) => parcel,
        other => panic!("sends at {now}: {other:?}"),
    }
}

#[test]
fn waits_grow_to_a_minute_and_a_target_s_own_word_counts_where_it_is_longer() {
    let mut queue = queue(Via::Webhook, 1_000);
    queue.put(message(1));
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..9 {
        sends(&mut queue, now);
        queue.came(again(false, None), now, Wall::default(), 1.0);
        let Next::Until(until) = queue.next(now) else { panic!("waits") };
        waits.push((until - now) / 1000);
        now = until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    sends(&mut queue, now);
    queue.came(again(false, Some(600)), now, Wall::default(), 0.0);
    assert_eq!(queue.next(now), Next::Until(now + 600_000));
    assert!(queue.failing().is_some());
    sends(&mut queue, now + 600_000);
    queue.came(there(), now + 600_000, Wall::default(), 0.0);
    assert_eq!((queue.next(now + 600_000), queue.failing()), (Next::Idle, None));
}

#[test]
fn what_is_beyond_the_limit_is_folded_for_people_and_waits_for_machines() {
    for (via, wanted) in [(Via::Slack, vec![vec![1], vec![2, 3, 4, 5, 6]]), (Via::Webhook, vec![vec![1], vec![2]])] {
        let mut queue = queue(via, 2);
        (1..=6).for_each(|seq| put(&mut queue, seq));
        let mut sent = Vec::new();
        while let Next::Send(parcel) = queue.next(0) {
            sent.push(seqs(&parcel));
            queue.came(there(), 0, Wall::default(), 0.0);
        }
        assert_eq!(sent, wanted, "{via:?}");
        if via == Via::Webhook {
            assert_eq!(queue.next(59_999), Next::Until(60_000));
            assert_eq!(seqs(&sends(&mut queue, 60_000)), [3]);
        }
    }
}

#[test]
fn a_parcel_that_may_be_there_is_told_again_as_it_was_and_says_so() {
    let mut queue = queue(Via::Slack, 2);
    (1..=3).for_each(|seq| put(&mut queue, seq));
    sends(&mut queue, 0);
    queue.came(there(), 0, Wall::default(), 0.0);
    assert_eq!(seqs(&sends(&mut queue, 0)), [2, 3]);
    queue.came(again(true, None), 0, Wall::default(), 0.0);
    queue.put(message(4));
    let parcel = sends(&mut queue, 120_000);
    assert_eq!((seqs(&parcel), parcel.again), (vec![2, 3], true));
    queue.came(there(), 120_000, Wall::default(), 0.0);
    let parcel = sends(&mut queue, 240_000);
    assert_eq!((seqs(&parcel), parcel.again), (vec![4], false));
}

#[test]
fn what_a_console_that_died_may_have_told_is_told_again_and_said_to_be() {
    let maybe = Some(Place { seq: 4, part: 0 });
    let mut queue = Queue::new(Via::Webhook, per_minute(100), Place { seq: 3, part: 0 }, maybe, BTreeMap::new());
    (1..=5).for_each(|seq| put(&mut queue, seq));
    for (seq, again) in [(4, true), (5, false)] {
        let parcel = sends(&mut queue, 0);
        assert_eq!((seqs(&parcel), parcel.again), (vec![seq], again), "nothing before is told twice");
        queue.came(there(), 0, Wall::default(), 0.0);
    }
    assert_eq!(queue.next(0), Next::Idle);
}

/// From the first to the last that was dropped, each by its record.
fn dropped(dropped: Option<Dropped>) -> Option<(u64, u64)> {
    dropped.map(|dropped| (dropped.from.seq, dropped.to.seq))
}

#[test]
fn too_much_drops_the_oldest_that_is_not_under_way_and_says_how_many() {
    let mut queue = queue(Via::Webhook, 100_000);
    put(&mut queue, 1);
    sends(&mut queue, 0);
    let most = MOST as u64;
    let gone: Vec<_> = (2..=most + 4).filter_map(|seq| dropped(queue.put(message(seq)))).collect();
    assert_eq!(gone, [(2, 2), (3, 3), (4, 4)]);
    assert_eq!((queue.len(), queue.dropped, queue.settled()), (MOST + 1, 3, Place::default()));
    // Told again it says what it said: those that were dropped come after it.
    queue.came(again(true, None), 0, Wall::default(), 0.0);
    assert_eq!(sends(&mut queue, 60_000).dropped, 0);
    queue.came(there(), 60_000, Wall::default(), 0.0);
    assert_eq!(queue.settled().seq, 4, "what was dropped behind it is settled with it");
    let parcel = sends(&mut queue, 60_000);
    assert_eq!((seqs(&parcel), parcel.dropped), (vec![5], 3), "what goes next says how many");
    // One more is dropped while that goes out: it is said by the next, and those before are not said again.
    put(&mut queue, most + 5);
    put(&mut queue, most + 6);
    queue.came(there(), 60_000, Wall::default(), 0.0);
    assert_eq!(sends(&mut queue, 60_000).dropped, 1);
    queue.came(there(), 60_000, Wall::default(), 0.0);
    assert_eq!(sends(&mut queue, 60_000).dropped, 0, "once");
}

#[test]
fn a_parcel_that_takes_all_along_leaves_room_for_what_comes_after_it() {
    let mut queue = queue(Via::Slack, 1);
    let most = MOST as u64;
    (1..=most).for_each(|seq| put(&mut queue, seq));
    assert_eq!(sends(&mut queue, 0).messages.len(), MOST);
    for seq in most + 1..=2 * most {
        assert_eq!(queue.put(message(seq)), None, "the newest is not the one to drop");
    }
    assert_eq!(dropped(queue.put(message(2 * most + 1))), Some((most + 1, most + 1)), "the oldest behind it");
}

#[test]
fn what_has_no_room_for_how_many_were_dropped_leaves_it_to_the_next() {
    let alert = |act| Alert { key: "hold".to_owned(), act, severity: Severity::Warning };
    let mut queue = queue(Via::PagerDuty, 100_000);
    (1..=MOST as u64 + 3).for_each(|seq| {
        let act = [Act::Resolve, Act::Acknowledge, Act::Trigger][usize::try_from(seq % 3).expect("few")];
        let _ = queue.put(Message { alert: Some(alert(act)), ..message(seq) });
    });
    let said: Vec<(u64, u64)> = (0..3)
        .map(|_| {
            let parcel = sends(&mut queue, 0);
            queue.came(there(), 0, Wall::default(), 0.0);
            (seqs(&parcel)[0], parcel.dropped)
        })
        .collect();
    assert_eq!(said, [(3, 0), (4, 0), (5, 2)], "a trigger has room, a resolve and an acknowledgement have none");
}

#[test]
fn what_was_dropped_behind_a_parcel_is_not_dropped_again_by_a_replay() {
    let gone = [(2, 3), (6, 6)].map(|(from, to)| (Place { seq: from, part: 0 }, Place { seq: to, part: 0 })).into();
    let mut queue = Queue::new(Via::Webhook, per_minute(100), Place::default(), None, gone);
    let mut told = Vec::new();
    for seq in 1..=8 {
        assert_eq!(queue.put(message(seq)), None);
        // Told while the replay still goes on: no more is settled than was put.
        if seq == 4 {
            told.extend(seqs(&sends(&mut queue, 0)));
            queue.came(there(), 0, Wall::default(), 0.0);
            assert_eq!(queue.settled().seq, 3);
        }
    }
    while let Next::Send(parcel) = queue.next(0) {
        told.extend(seqs(&parcel));
        queue.came(there(), 0, Wall::default(), 0.0);
    }
    assert_eq!((told, queue.settled().seq, queue.dropped), (vec![1, 4, 5, 7, 8], 8, 0));
}

#[test]
fn one_that_is_told_nothing_any_more_drops_all_but_what_may_be_answered_yet() {
    let mut queue = queue(Via::Webhook, 100);
    (1..=3).for_each(|seq| put(&mut queue, seq));
    sends(&mut queue, 0);
    assert_eq!(dropped(queue.end("over")), Some((2, 3)));
    assert_eq!(dropped(queue.put(message(4))), Some((4, 4)));
    assert_eq!((queue.len(), queue.settled()), (1, Place::default()));
    let Settled::Dropped(last) = queue.came(again(true, None), 0, Wall::default(), 0.0) else { panic!("dropped") };
    assert_eq!((last.from.seq, last.to.seq, last.messages, last.why.as_str()), (1, 1, 1, "over"));
    assert_eq!((queue.next(0), queue.settled().seq, queue.dropped, queue.failing()), (Next::Idle, 4, 4, None));
    // One that waits for its next attempt is in nobody's hand.
    let mut queue = self::queue(Via::Webhook, 100);
    (1..=2).for_each(|seq| put(&mut queue, seq));
    sends(&mut queue, 0);
    queue.came(again(true, None), 0, Wall::default(), 0.0);
    assert_eq!(dropped(queue.end("over")), Some((1, 2)));
    assert_eq!((queue.next(60_000), queue.settled().seq, queue.failing()), (Next::Idle, 2, None));
}

proptest! {
    #[test]
    fn whatever_comes_back_each_is_told_once_in_order_or_counted(
        puts in prop::collection::vec(0_u8..4, 1..200),
        answers in prop::collection::vec(0_u8..6, 1..400),
        slack in any::<bool>(),
        count in 1_u32..20,
    ) {
        let via = if slack { Via::Slack } else { Via::Webhook };
        let mut queue = self::queue(via, count);
        let (mut now, mut seq, mut told, mut refused) = (0_u64, 0_u64, Vec::new(), BTreeSet::new());
        let mut puts = puts.into_iter();
        let mut answers = answers.into_iter();
        loop {
            for _ in 0..puts.next().unwrap_or(0) {
                seq += 1;
                // What was put is put again by a replay.
                prop_assert_eq!(queue.put(message(seq)), None);
                prop_assert_eq!(queue.put(message(seq)), None);
                prop_assert_eq!(queue.put(message(seq.saturating_sub(1))), None);
            }
            match queue.next(now) {
                Next::Idle if puts.len() == 0 => break,
                Next::Idle => now += 1_000,
                Next::Until(until) => {
                    prop_assert!(until > now);
                    now = until;
                }
                Next::Send(parcel) => {
                    let sent = seqs(&parcel);
                    let came = match answers.next() {
                        Some(0) => again(false, None),
                        Some(1) => again(true, Some(5)),
                        Some(2) => Came::Never { why: "bad".to_owned() },
                        _ => there(),
                    };
                    match queue.came(came, now, Wall::default(), 0.5) {
                        Settled::Told { from, to, .. } => {
                            prop_assert_eq!((from.seq, to.seq), (sent[0], sent[sent.len() - 1]));
                            told.extend(sent);
                        }
                        Settled::Refused { .. } => refused.extend(sent),
                        Settled::Fails { .. } | Settled::Dropped(_) => {}
                    }
                }
            }
        }
        prop_assert!(told.windows(2).all(|two| two[0] < two[1]), "in order, none twice: {:?}", told);
        prop_assert_eq!(told.len() + refused.len(), usize::try_from(seq).expect("few"));
        prop_assert!(told.iter().all(|seq| !refused.contains(seq)));
        prop_assert_eq!(queue.refused, refused.len() as u64);
        prop_assert_eq!(queue.settled().seq, seq);
    }

    #[test]
    fn never_more_than_the_limit_goes_in_any_span_of_it(
        steps in prop::collection::vec(0_u64..20_000, 1..100),
        count in 1_u32..6,
        slack in any::<bool>(),
    ) {
        let via = if slack { Via::Slack } else { Via::Webhook };
        let mut queue = self::queue(via, count);
        let (mut now, mut went) = (0_u64, Vec::new());
        for (seq, step) in (1..).zip(steps) {
            queue.put(message(seq));
            now += step;
            while let Next::Send(_) = queue.next(now) {
                went.push(now);
                queue.came(there(), now, Wall::default(), 0.0);
            }
        }
        for at in &went {
            let within = went.iter().filter(|other| **other + 60_000 > *at && *other <= at).count();
            prop_assert!(within <= count as usize, "{within} at {at}");
        }
    }
}
