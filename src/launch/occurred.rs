//! When something happened that is written down now: the time a note begins with, and the rest of it. Pure;
//! a text that begins with no time is all text, and nothing of it is lost.
//!
//! A note tells what happened: never what has not come yet, and nothing from more than a day before the
//! launch was opened ([`EARLIEST`]), where a wrong date is likelier than a memory.

use std::time::Duration;

use chrono::{DateTime, Days, FixedOffset, NaiveTime, TimeDelta, Utc};

use super::time::{Mark, Now, Wall};
use super::turns::Turns;

/// How long before its opening a launch can be told of.
pub const EARLIEST: TimeDelta = TimeDelta::days(1);
/// A time is not written with more words than this.
const MOST_WORDS: usize = 6;

/// From where a time is read.
#[derive(Debug, Clone, Copy)]
pub struct Stand<'a> {
    pub now: Now,
    /// The zone that a time of day is of.
    pub offset: FixedOffset,
    pub opened_at: Option<Wall>,
    /// For marks: `at T-12m`.
    pub turns: &'a Turns,
}

/// What a person wrote: when it happened, where the text begins with that, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub at: Option<Wall>,
    pub text: String,
}

/// A time that is one, and cannot be when it happened; a sentence for who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    #[error("{0} has not come yet: a note tells what happened{1}")]
    ToCome(String, &'static str),
    #[error("{0} is more than a day before the launch was opened: a note is of its launch")]
    TooEarly(String),
    #[error("{0} is before the launch was opened")]
    BeforeOpening(String),
    #[error("`{0}` is no time: write 12:03, 12:03:10, yesterday 23:50, 2m ago, T-12m, or 2026-03-01T14:00:00Z")]
    NoTime(String),
}

/// Takes the time from the beginning of `text`: `at 12:03 …`, `12:03:10 …`, `yesterday 23:50 …`, `2m ago …`,
/// `at T-12m …`, or an instant of RFC 3339.
///
/// # Errors
/// It begins with a time at which it cannot have happened.
pub fn split(text: &str, stand: &Stand<'_>) -> Result<Written, Impossible> {
    let text = text.trim();
    let words = places(text);
    // The longest beginning that is a time: `1h 30m ago` is more than `1h`.
    for count in (1..=words.len().min(MOST_WORDS)).rev() {
        let end = words[count - 1].1;
        let (lead, rest) = (&text[..end], text[end..].trim_start());
        let lead = lead.trim_end_matches([',', ';', ':']);
        if rest.is_empty() {
            // A time alone says nothing happened: it is kept as it was written.
            continue;
        }
        let (said, bare) = after_at(lead);
        match read(said, stand) {
            // A mark is a word of notes too: `T-12m reached` tells no time.
            Some(_) if !bare && is_mark(said) => {}
            Some(at) => return Ok(Written { at: Some(at?), text: rest.to_owned() }),
            None => {}
        }
    }
    match after_at(&text[..words.get(1).map_or(0, |word| word.1)]) {
        // Said as a time, and none: recorded as words it would be of now.
        (said, true) if words.len() > 2 && is_clock(said.trim_end_matches([',', ';', ':'])) => {
            Err(Impossible::NoTime(said.to_owned()))
        }
        _ => Ok(Written { at: None, text: text.to_owned() }),
    }
}

/// Digits and colons, as of a clock.
fn is_clock(said: &str) -> bool {
    said.contains(':') && said.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

/// `text` as a time and nothing else: what `--at` says.
///
/// # Errors
/// It is none, or one at which nothing can have happened.
pub fn time(text: &str, stand: &Stand<'_>) -> Result<Wall, Impossible> {
    let text = text.trim();
    read(after_at(text).0, stand).unwrap_or_else(|| Err(Impossible::NoTime(text.to_owned())))
}

/// Whether `at` can be when something happened that is told at `now`.
///
/// # Errors
/// It has not come, or is too long before the launch was opened; `said` is how it was written.
pub fn possible(at: Wall, now: Wall, opened_at: Option<Wall>, said: &str) -> Result<Wall, Impossible> {
    if at > now {
        return Err(Impossible::ToCome(said.to_owned(), ""));
    }
    match opened_at {
        Some(opened) if at < opened - EARLIEST => Err(Impossible::TooEarly(said.to_owned())),
        _ => Ok(at),
    }
}

/// Where its words begin and end.
fn places(text: &str) -> Vec<(usize, usize)> {
    let base = text.as_ptr() as usize;
    text.split_whitespace()
        .take(MOST_WORDS + 1)
        .map(|word| {
            let start = word.as_ptr() as usize - base;
            (start, start + word.len())
        })
        .collect()
}

/// The time without its `at`, and whether it had one.
fn after_at(lead: &str) -> (&str, bool) {
    match lead.split_once(char::is_whitespace) {
        Some((at, rest)) if at.eq_ignore_ascii_case("at") => (rest.trim_start(), true),
        _ => (lead, false),
    }
}

fn is_mark(said: &str) -> bool {
    Mark::parse(said).is_ok()
}

/// The instant that `said` is; none where it is no time at all.
fn read(said: &str, stand: &Stand<'_>) -> Option<Result<Wall, Impossible>> {
    let fits = |at: Wall| possible(at, stand.now.wall, stand.opened_at, said);
    if let Ok(mark) = Mark::parse(said) {
        return Some(match stand.turns.when(mark, stand.now) {
            Some(at) => fits(at.min(stand.now.wall)),
            None if stand.turns.passed(mark, stand.now) => Err(Impossible::BeforeOpening(said.to_owned())),
            None => Err(Impossible::ToCome(said.to_owned(), "")),
        });
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(said) {
        return Some(fits(at.with_timezone(&Utc)));
    }
    if let Some(span) = ago(said) {
        return Some(match TimeDelta::from_std(span).ok().and_then(|span| stand.now.wall.checked_sub_signed(span)) {
            Some(at) => fits(at),
            None => Err(Impossible::TooEarly(said.to_owned())),
        });
    }
    let words: Vec<&str> = said.split_whitespace().collect();
    let (day, time) = match words.as_slice() {
        [time] => (None, time),
        [day, time] => (Some(*day), time),
        [day, at, time] if at.eq_ignore_ascii_case("at") => (Some(*day), time),
        _ => return None,
    };
    let back = match day {
        None => 0,
        Some(day) if day.eq_ignore_ascii_case("today") => 0,
        Some(day) if day.eq_ignore_ascii_case("yesterday") => 1,
        Some(_) => return None,
    };
    let time = of_day(time)?;
    let today = stand.now.wall.with_timezone(&stand.offset).date_naive();
    let at = today.checked_sub_days(Days::new(back))?.and_time(time).and_local_timezone(stand.offset).single()?;
    Some(match fits(at.with_timezone(&Utc)) {
        Err(Impossible::ToCome(said, _)) => Err(Impossible::ToCome(said, "; `yesterday` before it is the day before")),
        fits => fits,
    })
}

/// `12:03` or `12:03:10`, with two digits each but the hour.
fn of_day(text: &str) -> Option<NaiveTime> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(':').collect();
    let whole = match parts.as_slice() {
        [hour, rest @ ..] if matches!(rest.len(), 1 | 2) => {
            matches!(hour.len(), 1 | 2) && digits(hour) && rest.iter().all(|part| part.len() == 2 && digits(part))
        }
        _ => false,
    };
    let number = |at: usize| parts.get(at).map_or(Some(0), |part| part.parse().ok());
    if whole { NaiveTime::from_hms_opt(number(0)?, number(1)?, number(2)?) } else { None }
}

/// The span of `2m ago`, `1h 30m ago`.
fn ago(said: &str) -> Option<Duration> {
    let (span, word) = said.rsplit_once(char::is_whitespace)?;
    if !word.eq_ignore_ascii_case("ago") {
        return None;
    }
    humantime::parse_duration(span.trim_end()).ok()
}

#[cfg(test)]
#[path = "occurred_tests.rs"]
mod tests;
