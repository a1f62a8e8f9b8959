//! A new T-0: who publishes it, what the clock makes of it, and what people may type.

use super::super::board::Board;
use super::super::command::Command;
use super::super::countdown::{Countdown, Terms};
use super::super::event::Event;
use super::super::samples::{Flight, MINUTE, minutes, plan};
use super::super::time::{Instant, Now};
use super::*;

fn slip(published: i64) -> Command {
    Command::Slip { published: Instant(published), why: "the DBA sleeps".into() }
}

/// Held for 20 of the 70 minutes to T-0: 10 could be bought back.
fn held() -> Flight {
    let mut flight = Flight::of(plan());
    flight.pass(minutes(5));
    flight.command(Command::CallHold { why: "lag".into() }).expect("held");
    flight.pass(minutes(20));
    flight
}

#[test]
fn a_new_t0_is_published_from_a_hold_and_folds_back_the_same() {
    let mut flight = held();
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.slip(), clock.projected()), (20 * MINUTE, Some(Instant(90 * MINUTE))));
    flight.command_as("lead", slip(95 * MINUTE)).expect("published");
    let clock = flight.board.clock_at(flight.now).expect("a clock");
    assert_eq!((clock.published, clock.slip(), clock.l()), (Instant(95 * MINUTE), -5 * MINUTE, 70 * MINUTE));
    assert!(
        matches!(&flight.records.last().expect("one").event, Event::Slipped { why, .. } if why == "the DBA sleeps")
    );
    assert_eq!(Board::replay(flight.board.plan.0.clone(), &flight.records), flight.board);
}

#[test]
fn who_may_not_resume_publishes_nothing_and_neither_does_what_cannot_be_met() {
    let mut flight = held();
    assert_eq!(flight.command_as("backend", slip(95 * MINUTE)), Err("backend may not resume".into()));
    let early = flight.command_as("lead", slip(80 * MINUTE)).expect_err("earlier than achievable");
    assert!(early.contains("projected T-0 is later"), "{early}");
    let silent = Command::Slip { published: Instant(95 * MINUTE), why: " ".into() };
    assert_eq!(flight.command(silent), Err("say why T-0 slips".into()));
    let mut counting = Flight::of(plan());
    assert_eq!(counting.command(slip(95 * MINUTE)), Err("the countdown is not holding".into()));
    assert_eq!(flight.records.iter().filter(|record| matches!(record.event, Event::Slipped { .. })).count(), 0);
}

fn typed(text: &str) -> Result<(String, String), String> {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
    let now = Now { instant: Instant(1_000), wall: at("2026-03-01T11:00:00Z") };
    // T-0 is published for 23:50 in the launch's zone.
    let clock = Countdown::new(now.instant, 10 * 60 * MINUTE + 50 * MINUTE, Terms::default()).expect("fits");
    let zone = FixedOffset::east_opt(2 * 3600).expect("a zone");
    let (published, why) = read(text, &clock, now, zone)?;
    Ok((wall_of(published, now).with_timezone(&zone).to_rfc3339(), why))
}

#[test]
fn a_span_is_added_to_what_is_published_and_a_time_of_day_is_the_nearest() {
    for (text, at) in [
        ("+45m the DBA sleeps", "2026-03-02T00:35:00+02:00"),
        ("+1h30m: the DBA sleeps", "2026-03-02T01:20:00+02:00"),
        ("T-0 at 23:55 the DBA sleeps", "2026-03-01T23:55:00+02:00"),
        ("23:40 the DBA sleeps", "2026-03-01T23:40:00+02:00"),
        ("at 00:30:15 the DBA sleeps", "2026-03-02T00:30:15+02:00"),
        ("2026-03-04 14:30 the DBA sleeps", "2026-03-04T14:30:00+02:00"),
        ("2026-03-04T14:30:00Z - the DBA sleeps", "2026-03-04T16:30:00+02:00"),
    ] {
        assert_eq!(typed(text), Ok((at.into(), "the DBA sleeps".into())), "{text}");
    }
}

#[test]
fn what_is_no_time_or_has_no_reason_is_told() {
    for text in ["", "soon", "+ why", "+45 why", "25:00 why", "2026-03-04 why", "2026-13-04 14:30 why", "tomorrow é"] {
        assert!(typed(text).expect_err(text).starts_with("write +45m, 14:30"), "{text}");
    }
    for text in ["+45m", "14:30 ", "2026-03-04 14:30 :"] {
        assert_eq!(typed(text), Err("say why after it".into()), "{text}");
    }
}
