//! What is due again and again, with time that the test moves: days pass, consoles come and go.

use std::time::Duration;

use proptest::prelude::*;

use super::super::board::Board;
use super::super::command::{Command, Input, Observation};
use super::super::event::{Actor, Event};
use super::super::gate::{self, Clear};
use super::super::id::ItemId;
use super::super::late;
use super::super::plan::{Act, Class, Confirm, Every, Plan, Second, SpecId};
use super::super::samples::{Flight, MINUTE, minutes, plan};
use super::super::schedule;
use super::super::time::{Instant, Mark};
use super::super::verdict::{Outcome, Verdict};
use super::super::waiver;
use super::{next, words};

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

fn daily() -> Every {
    Every::Span(minutes(DAY))
}

/// Past T-0 by itself: `look` from T+30m on, as often as `every` says, `cut` and `after` not at all.
fn flown(every: Every, act: Act, auto: bool) -> Plan {
    let mut plan = plan();
    plan.phases.retain(|phase| phase.id.as_str() == "late");
    plan.items.retain(|_, item| item.phase.as_str() == "late");
    plan.phases[0].gate = true;
    plan.clock.holds.clear();
    plan.clock.start = MINUTE;
    plan.poll.clear();
    let item = plan.items.get_mut(&ItemId::new("look")).expect("there");
    (item.every, item.act, item.auto) = (Some(every), act, auto);
    plan
}

fn person() -> Act {
    Act::Manual { role: None, second: Second::None }
}

fn recurred(flight: &Flight) -> Vec<(i64, u32, u32)> {
    let told = flight.records.iter().filter_map(|record| match record.event {
        Event::ItemRecurred { occurrence, missed, .. } => Some((record.at.0 / MINUTE, occurrence, missed)),
        _ => None,
    });
    told.collect()
}

fn attest(flight: &mut Flight) -> Result<(), String> {
    flight.command(Command::Attest { item: "look".into(), note: "seen".into(), passed: true })
}

fn clear(flight: &Flight) -> Clear {
    gate::clear(&flight.board, flight.board.plan.item(&"look".into()).expect("there"), flight.now)
}

fn said(flight: &Flight) -> String {
    words(&flight.board, flight.board.plan.item(&"look".into()).expect("there")).expect("it recurs")
}

fn comes_back(flight: &mut Flight, after: Duration) {
    flight.record(flight.now, Actor::engine(), Event::ConsoleLeft);
    flight.now = flight.now.plus(after);
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: true, t: 0 });
    flight.follow();
}

#[test]
fn it_waits_again_when_its_time_comes_and_its_gate_stays_passed() {
    let mut flight = Flight::of(flown(daily(), person(), false));
    assert_eq!(said(&flight), "daily");
    flight.pass(minutes(31));
    assert!(recurred(&flight).is_empty(), "its mark is the first time");
    attest(&mut flight).expect("it is due");
    assert_eq!(clear(&flight), Clear::Yes);
    flight.pass(minutes(DAY - 1));
    assert_eq!((recurred(&flight), clear(&flight)), (vec![], Clear::Yes));
    assert_eq!(schedule::next_at(&flight.board, flight.now), Some(Instant((31 + 24 * 60) * MINUTE)));
    flight.pass(minutes(1));
    assert_eq!(recurred(&flight), [(31 + 24 * 60, 1, 0)]);
    assert_eq!(clear(&flight), Clear::Yes, "what it let on stays so");
    let state = flight.board.item(&"look".into()).expect("there").clone();
    assert_eq!((state.verdict(None, flight.now), state.history.len()), (None, 1), "it waits, and its verdict is kept");
    assert!(schedule::wants_person(&flight.board, flight.now));
    flight.pass(minutes(90));
    let item = flight.board.plan.item(&"look".into()).expect("there");
    assert_eq!(late::late(&flight.board, item, flight.now), Some(minutes(90)), "of this occurrence");
    attest(&mut flight).expect("it is due");
    flight.pass(minutes(DAY));
    assert_eq!(recurred(&flight).last(), Some(&(31 + 2 * 24 * 60, 2, 0)));
    assert_eq!(said(&flight), "daily · 3rd");
}

#[test]
fn a_console_that_comes_back_after_days_counts_what_was_missed_once() {
    let mut flight = Flight::of(flown(daily(), person(), false));
    flight.pass(minutes(31));
    attest(&mut flight).expect("it is due");
    comes_back(&mut flight, minutes(3 * DAY + HOUR));
    assert_eq!(recurred(&flight), [(31 + 3 * 24 * 60 + 60, 3, 2)], "told when it came back");
    assert_eq!(said(&flight), "daily · 4th, missed 2");
    let item = flight.board.plan.item(&"look".into()).expect("there");
    assert_eq!(late::late(&flight.board, item, flight.now), Some(minutes(HOUR)));
    comes_back(&mut flight, minutes(HOUR));
    assert_eq!(recurred(&flight).len(), 1, "once");
    // This one is not done either.
    comes_back(&mut flight, minutes(DAY));
    assert_eq!(recurred(&flight).last().map(|(_, nth, missed)| (*nth, *missed)), Some((4, 1)));
    assert_eq!(said(&flight), "daily · 5th, missed 3");
    assert_eq!(Board::replay(flight.board.plan.0.clone(), &flight.records), flight.board);
}

#[test]
fn a_red_occurrence_turns_the_gate_and_a_waiver_of_it_is_for_it_alone() {
    let mut flight = Flight::of(flown(daily(), Act::Check(SpecId(5)), false));
    flight.pass(minutes(31));
    flight.answer("look", Verdict::Pass);
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::Yes, "it looks again");
    flight.answer("look", Verdict::Fail);
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Fail)));
    flight
        .command(Command::Waive {
            item: "look".into(),
            reason: "known".into(),
            lasts: std::time::Duration::from_secs(2 * 86_400),
        })
        .expect("waived");
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::ByWaiver, "as it stood");
    flight.answer("look", Verdict::Fail);
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Fail)), "that waiver was for what was seen then");
}

#[test]
fn a_persons_red_word_is_not_covered_by_the_waiver_of_an_earlier_one() {
    let mut flight = Flight::of(flown(daily(), person(), false));
    flight.pass(minutes(31));
    let no = Command::Attest { item: "look".into(), note: "red".into(), passed: false };
    flight.command(no.clone()).expect("it is due");
    flight
        .command(Command::Waive {
            item: "look".into(),
            reason: "known".into(),
            lasts: std::time::Duration::from_secs(2 * 86_400),
        })
        .expect("waived");
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::ByWaiver);
    flight.command(no).expect("it is due");
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Fail)));
}

#[test]
fn a_pass_ages_while_the_next_occurrence_waits() {
    let mut plan = flown(daily(), person(), false);
    plan.items.get_mut(&ItemId::new("look")).expect("there").valid_for = Some(minutes(26 * HOUR));
    let mut flight = Flight::of(plan);
    flight.pass(minutes(31));
    attest(&mut flight).expect("it is due");
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::Yes);
    flight.pass(minutes(3 * HOUR));
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Stale)));
    flight
        .command(Command::Waive {
            item: "look".into(),
            reason: "known".into(),
            lasts: std::time::Duration::from_secs(2 * 86_400),
        })
        .expect("waived");
    assert_eq!(clear(&flight), Clear::ByWaiver);
}

#[test]
fn what_runs_is_not_started_beside_itself() {
    let mut flight = Flight::of(flown(daily(), Act::Check(SpecId(5)), false));
    flight.pass(minutes(31));
    flight.pass(minutes(DAY + HOUR));
    assert_eq!(recurred(&flight), [], "the first is still on its way");
    flight.answer("look", Verdict::Pass);
    assert_eq!(recurred(&flight).len(), 1, "then it is due at once");
    assert!(flight.board.item(&"look".into()).is_some_and(|state| state.is_running()));
}

fn step(class: Class) -> Act {
    Act::Step { spec: SpecId(3), class, confirm: Confirm::None, second: Second::None }
}

fn intents(flight: &Flight) -> usize {
    flight.records.iter().filter(|record| matches!(record.event, Event::StepIntended { .. })).count()
}

fn ends(flight: &mut Flight, exit: Option<i32>) {
    let (item, outcome) = (ItemId::new("look"), Outcome { exit, ..Outcome::default() });
    let attempt = flight.board.item(&item).and_then(|state| state.attempt).expect("it runs");
    let verdict = if exit == Some(0) { Verdict::Pass } else { Verdict::Unknown };
    flight.input(&Input::Observation(Observation::StepEnded { item, attempt, verdict, outcome })).expect("told");
}

#[test]
fn an_automatic_step_runs_again_by_itself_only_where_somebody_watched() {
    let mut flight = Flight::of(flown(daily(), step(Class::Idempotent), true));
    flight.pass(minutes(31));
    ends(&mut flight, Some(0));
    flight.pass(minutes(DAY));
    assert_eq!(intents(&flight), 2, "watched, it runs");
    ends(&mut flight, Some(0));
    let (since, after) = (flight.now, minutes(DAY + HOUR));
    let stop = super::super::unwatched::stop(&flight.board, since, since.plus(after)).expect("it came due unseen");
    assert!(matches!(&stop, Event::Frozen { why } if why.contains("look became due")), "{stop:?}");
    flight.record(since, Actor::engine(), Event::ConsoleLeft);
    flight.now = since.plus(after);
    flight.record(flight.now, Actor::engine(), Event::ConsoleReturned { clean: true, t: 0 });
    flight.record(flight.now, Actor::engine(), stop);
    flight.follow();
    assert_eq!((intents(&flight), recurred(&flight).len()), (2, 2), "due, and not run");
    flight.command(Command::Thaw { why: "right now too".into() }).expect("one key");
    assert_eq!(intents(&flight), 3);
}

#[test]
fn a_step_whose_outcome_nobody_knows_waits_for_a_person_not_for_the_clock() {
    let mut flight = Flight::of(flown(daily(), step(Class::Idempotent), true));
    flight.pass(minutes(31));
    ends(&mut flight, None);
    flight.pass(minutes(2 * DAY));
    assert_eq!((intents(&flight), recurred(&flight).len()), (1, 0));
}

#[test]
fn a_month_is_one_of_the_calendar_and_its_last_day_stays_the_last() {
    let mut flight = Flight::of(flown(Every::Month, person(), false));
    // The samples' launch is opened at the epoch, the item is due on 1970-01-31.
    let item = |flight: &Flight| flight.board.plan.item(&"look".into()).expect("there").clone();
    flight.pass(minutes(31));
    let day = |at: Instant| {
        let wall = chrono::DateTime::from_timestamp_millis(at.0).expect("a time");
        wall.format("%m-%d %H:%M").to_string()
    };
    assert_eq!(day(next(&flight.board, &item(&flight), flight.now).expect("it recurs")), "02-01 00:31");
    let mut plan = flown(Every::Month, person(), false);
    plan.phases[0].at = Mark(-30 * i64::try_from(DAY).expect("small") * MINUTE);
    plan.items.get_mut(&ItemId::new("look")).expect("there").at = plan.phases[0].at;
    let mut flight = Flight::of(plan);
    flight.pass(minutes(30 * DAY + 5));
    let mut days = Vec::new();
    for _ in 0..4 {
        attest(&mut flight).expect("it is due");
        let at = next(&flight.board, &item(&flight), flight.now).expect("it recurs");
        days.push(day(at));
        flight.now = at;
        flight.follow();
    }
    assert_eq!(days, ["02-28 00:01", "03-31 00:01", "04-30 00:01", "05-31 00:01"]);
    assert_eq!(said(&flight), "monthly · 5th");
}

#[test]
fn before_its_mark_after_the_end_and_where_it_was_recycled_over_nothing_recurs() {
    let mut plan = flown(daily(), person(), false);
    plan.clock.start = 10 * i64::try_from(DAY).expect("small") * MINUTE;
    let mut flight = Flight::of(plan);
    flight.pass(minutes(9 * DAY));
    assert_eq!(recurred(&flight), []);
    flight.pass(minutes(2 * DAY));
    flight.command(Command::End { why: "done".into() }).expect("over");
    flight.pass(minutes(5 * DAY));
    assert_eq!(recurred(&flight), []);
}

proptest! {
    /// However long nobody looks between two looks, every occurrence is told as done, missed or due, none twice.
    #[test]
    fn occurrences_add_up(hours in proptest::collection::vec((1..200_u64, any::<bool>()), 1..30), every in 1..60_u64) {
        let mut flight = Flight::of(flown(Every::Span(minutes(every * HOUR)), person(), false));
        flight.pass(minutes(31));
        let (mut done, mut open) = (0, true);
        for (pass, attests) in hours {
            comes_back(&mut flight, minutes(pass * HOUR));
            open |= matches!(flight.board.item(&"look".into()).expect("there").progress, super::Progress::Waiting);
            if attests && open {
                attest(&mut flight).expect("it is due");
                done += 1;
                open = false;
            }
            let (occurrence, missed) =
                flight.board.recurring.get(&ItemId::new("look")).map_or((0, 0), |known| (known.occurrence, known.missed));
            prop_assert_eq!(occurrence + 1, done + missed + u32::from(open));
            let whole = (flight.now.0 - 31 * MINUTE) / (i64::try_from(every * HOUR).expect("small") * MINUTE);
            prop_assert_eq!(i64::from(occurrence), whole);
            prop_assert_eq!(clear(&flight) == Clear::Yes, done > 0);
        }
        prop_assert_eq!(&Board::replay(flight.board.plan.0.clone(), &flight.records), &flight.board);
    }
}

/// `look` looks every day and needs `dep`, which no gate asks for; `next` opens behind the gate at T+50h.
fn needing() -> Plan {
    let mut plan = flown(daily(), Act::Check(SpecId(5)), false);
    let mut dep = plan.items[&ItemId::new("look")].clone();
    (dep.id, dep.phase, dep.every, dep.act) = ("dep".into(), "pre".into(), None, person());
    let (mut pre, mut next) = (plan.phases[0].clone(), plan.phases[0].clone());
    (pre.id, pre.gate, pre.items) = ("pre".into(), false, vec!["dep".into()]);
    (next.id, next.gate, next.items) = ("next".into(), false, Vec::new());
    next.at = Mark(-50 * 60 * MINUTE);
    plan.items.insert(dep.id.clone(), dep);
    plan.phases.insert(0, pre);
    plan.phases.push(next);
    plan.items.get_mut(&ItemId::new("look")).expect("there").needs = vec!["dep".into()];
    plan
}

#[test]
fn what_was_blocked_stays_in_the_way_when_it_is_due_again() {
    let mut flight = Flight::of(needing());
    flight.pass(minutes(31));
    let dep = |passed| Command::Attest { item: "dep".into(), note: "seen".into(), passed };
    flight.command(dep(true)).expect("due");
    flight.answer("look", Verdict::Pass);
    assert_eq!(clear(&flight), Clear::Yes);
    flight.command(dep(false)).expect("it turned");
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Unknown)), "the second day it cannot look");
    let mut again = Flight { board: flight.board.clone(), records: flight.records.clone(), now: flight.now };
    let (at, phase) = (again.now, "late".into());
    again.record(at, Actor::engine(), Event::PhaseRunAgain { phase });
    assert_ne!(clear(&again), Clear::Yes, "looking again is no pass");
    for _ in 0..3 {
        flight.pass(minutes(DAY));
        assert_eq!(clear(&flight), Clear::No(Some(Verdict::Unknown)), "nor can it the days after");
    }
    assert!(!flight.opened("next"), "nothing opens behind it");
}

fn waive(flight: &mut Flight, lasts: u64) {
    let waive = Command::Waive { item: "look".into(), reason: "known".into(), lasts: minutes(lasts) };
    flight.command(waive).expect("waived");
}

fn red(flight: &mut Flight) {
    let word = Command::Attest { item: "look".into(), note: "it shows errors".into(), passed: false };
    flight.command(word).expect("it is due");
}

#[test]
fn a_waiver_given_while_the_next_waits_is_not_for_what_that_one_says() {
    let mut flight = Flight::of(flown(daily(), person(), false));
    flight.pass(minutes(31));
    red(&mut flight);
    flight.pass(minutes(DAY));
    waive(&mut flight, DAY);
    assert_eq!(clear(&flight), Clear::ByWaiver, "of the word of the day before");
    red(&mut flight);
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Fail)), "this one nobody has waived");
    let mut looks = Flight::of(flown(daily(), Act::Check(SpecId(5)), false));
    looks.pass(minutes(31));
    looks.answer("look", Verdict::Fail);
    looks.pass(minutes(DAY));
    waive(&mut looks, DAY);
    assert_eq!(clear(&looks), Clear::ByWaiver, "of the day before, while it looks");
    looks.answer("look", Verdict::Fail);
    assert_eq!(clear(&looks), Clear::No(Some(Verdict::Fail)), "nor what it sees");
}

#[test]
fn a_waiver_of_the_time_before_ends_aloud_while_the_next_waits() {
    let mut flight = Flight::of(flown(daily(), person(), false));
    flight.pass(minutes(31));
    red(&mut flight);
    waive(&mut flight, DAY + HOUR);
    let ends = flight.now.plus(minutes(DAY + HOUR));
    flight.pass(minutes(DAY));
    assert_eq!(clear(&flight), Clear::ByWaiver);
    let standing = waiver::standing(&flight.board, flight.now);
    assert!(standing.len() == 1 && standing[0].starts_with("look fail, waived by ada: known"), "{standing:?}");
    assert_eq!(schedule::next_at(&flight.board, flight.now), Some(ends), "it is woken for it");
    flight.pass(minutes(2 * HOUR));
    let expired = flight.records.iter().filter(|record| matches!(record.event, Event::WaiverExpired { .. }));
    assert_eq!(expired.map(|record| record.at).collect::<Vec<_>>(), [ends], "said once");
    assert_eq!(clear(&flight), Clear::No(Some(Verdict::Fail)));
    assert!(!flight.board.phases[&"late".into()].passed);
    assert_eq!(Board::replay(flight.board.plan.0.clone(), &flight.records), flight.board);
}
