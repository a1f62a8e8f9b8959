//! A new T-0 is published: who may, when, and how a person says it. The clock itself decides whether it can
//! be met. Pure.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::board::Board;
use super::command::Refusal;
use super::countdown::Countdown;
use super::decide::try_clock;
use super::event::{Actor, Event, Recorded};
use super::people::permit;
use super::plan::Power;
use super::time::{Instant, Now, Wall, millis};

/// What becomes of a wish to publish another T-0.
///
/// # Errors
/// Why not, as a sentence.
pub(super) fn act(
    board: &Board,
    by: &Actor,
    published: Instant,
    why: &str,
    now: Instant,
) -> Result<Vec<Event>, Refusal> {
    permit(board, by, Power::Resume)?;
    if why.trim().is_empty() {
        return Err(Refusal("say why T-0 slips".into()));
    }
    try_clock(board, now, |clock| clock.reslip(published))?;
    Ok(vec![Event::Slipped { published, why: why.to_owned() }])
}

pub(super) fn fold(board: &mut Board, record: &Recorded) {
    if let (Event::Slipped { published, .. }, Some(clock)) = (&record.event, &mut board.clock) {
        // Tried on a clone before it was recorded: a refusal here could only come of a foreign journal.
        let _ = clock.reslip(*published);
    }
}

/// `+45m why`, `14:30 why`, `2026-03-01 14:30 why`, each `T-0 at` may stand before: the T-0 it means and the
/// reason. A span is added to what is published; a time of day is the one nearest to it, in the zone `offset`.
///
/// # Errors
/// How to write it.
pub fn read(text: &str, clock: &Countdown, now: Now, offset: FixedOffset) -> Result<(Instant, String), String> {
    let text = text.trim();
    let text = ["T-0 at ", "t-0 at ", "at "].iter().find_map(|lead| text.strip_prefix(lead)).unwrap_or(text);
    let (first, rest) = text.trim_start().split_once(char::is_whitespace).unwrap_or((text.trim_start(), ""));
    let first = first.trim_end_matches([':', ',']);
    let how = || "write +45m, 14:30 or 2026-03-01 14:30, then why".to_owned();
    let reason = |rest: &str| match rest.trim_start_matches([':', ',', '-', ' ']).trim() {
        "" => Err("say why after it".to_owned()),
        why => Ok(why.to_owned()),
    };
    if let Some(span) = first.strip_prefix('+') {
        let span = humantime::parse_duration(span).map_err(|_| how())?;
        let published = clock.published.0.checked_add(millis(span)).map(Instant).ok_or_else(how)?;
        return Ok((published, reason(rest)?));
    }
    let known = wall_of(clock.published, now).with_timezone(&offset);
    let (at, rest) = match (date(first), DateTime::parse_from_rfc3339(first)) {
        (_, Ok(at)) => (at.to_utc(), rest),
        (Some(date), _) => {
            let (time, rest) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim_start(), ""));
            (utc(date.and_time(time_of_day(time).ok_or_else(how)?), offset).ok_or_else(how)?, rest)
        }
        (None, Err(_)) => {
            let time = time_of_day(first).ok_or_else(how)?;
            let days = (-1..=1).filter_map(|days| known.date_naive().checked_add_signed(TimeDelta::days(days)));
            let near = days.filter_map(|day| utc(day.and_time(time), offset));
            (near.min_by_key(|at| (*at - known.to_utc()).abs()).ok_or_else(how)?, rest)
        }
    };
    let published = now.instant.0.checked_add((at - now.wall).num_milliseconds()).map(Instant).ok_or_else(how)?;
    Ok((published, reason(rest)?))
}

/// What the wall will say at an instant of the launch, as far as it goes on as it does now.
#[must_use]
pub fn wall_of(at: Instant, now: Now) -> Wall {
    let from_now = TimeDelta::try_milliseconds(at.0.saturating_sub(now.instant.0)).unwrap_or_default();
    now.wall.checked_add_signed(from_now).unwrap_or(now.wall)
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
}

fn utc(at: NaiveDateTime, offset: FixedOffset) -> Option<Wall> {
    at.and_local_timezone(offset).single().map(|at| at.to_utc())
}

#[cfg(test)]
#[path = "slip_tests.rs"]
mod tests;
