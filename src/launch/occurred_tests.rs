//! Tables of times as people write them, and what must hold for any text.

use proptest::prelude::*;

use super::super::time::Instant;
use super::*;

fn wall(text: &str) -> Wall {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// Half past twelve in the launch's zone, two hours east; opened at nine.
fn stand(turns: &Turns) -> Stand<'_> {
    Stand {
        now: Now { instant: Instant(3 * 3_600_000), wall: wall("2026-11-21T12:30:00+02:00") },
        offset: FixedOffset::east_opt(7_200).expect("a zone"),
        opened_at: Some(wall("2026-11-21T09:30:00+02:00")),
        turns,
    }
}

#[test]
fn a_note_begins_with_its_time_in_the_launch_s_zone() {
    let turns = Turns::default();
    for (text, at, rest) in [
        ("at 12:03 the page is red", "2026-11-21T12:03:00+02:00", "the page is red"),
        ("AT 12:03: the page is red", "2026-11-21T12:03:00+02:00", "the page is red"),
        ("12:03:10 the page is red", "2026-11-21T12:03:10+02:00", "the page is red"),
        ("9:05, then nothing", "2026-11-21T09:05:00+02:00", "then nothing"),
        ("yesterday 23:50 backup ended", "2026-11-20T23:50:00+02:00", "backup ended"),
        ("Yesterday at 23:50 backup ended", "2026-11-20T23:50:00+02:00", "backup ended"),
        ("today 00:10 backup ended", "2026-11-21T00:10:00+02:00", "backup ended"),
        ("2m ago ana left", "2026-11-21T12:28:00+02:00", "ana left"),
        ("1h30m ago ana left", "2026-11-21T11:00:00+02:00", "ana left"),
        ("1h 30m ago ana left", "2026-11-21T11:00:00+02:00", "ana left"),
        ("5 minutes ago ana left", "2026-11-21T12:25:00+02:00", "ana left"),
        ("2026-11-21T09:00:00Z all green", "2026-11-21T09:00:00Z", "all green"),
        ("at 2026-11-21T11:00:00.250+02:00 all  green", "2026-11-21T09:00:00.250Z", "all  green"),
    ] {
        let wanted = Written { at: Some(wall(at)), text: rest.to_owned() };
        assert_eq!(split(text, &stand(&turns)), Ok(wanted), "{text}");
    }
}

#[test]
fn what_is_no_time_is_text_and_nothing_is_lost() {
    let turns = Turns::default();
    for text in [
        "at last the page is green",
        "the page at 12:03 is red",
        "12:03",
        "at 12:03",
        "25:03 is no time",
        "12:3 is no time",
        "12:03x is no time",
        "T-12m reached",
        "2m before the poll",
        "ago 2m",
        "ratio 12:03",
        "tomorrow 12:03 we go on",
        "at",
        "é at 12:03 x",
    ] {
        assert_eq!(split(text, &stand(&turns)), Ok(Written { at: None, text: text.to_owned() }), "{text}");
    }
}

#[test]
fn what_has_not_come_or_is_of_another_day_is_refused_in_words() {
    let turns = Turns::default();
    for (text, wanted) in [
        ("14:03 we go on", "14:03 has not come yet"),
        ("at 99:99 we went on", "`99:99` is no time"),
        ("at 12:61, we went on", "is no time"),
        ("at 12:30:01 we go on", "12:30:01 has not come yet"),
        ("2026-11-22T09:00:00Z later", "has not come yet"),
        ("at T-5m ready", "T-5m has not come yet"),
        ("2026-11-01T09:00:00Z before", "more than a day before the launch was opened"),
        ("40h ago before", "40h ago is more than a day before"),
    ] {
        let wrong = split(text, &stand(&turns)).expect_err(text).to_string();
        assert!(wrong.contains(wanted), "{wrong}");
    }
    let wrong = time("half past", &stand(&turns)).expect_err("no time").to_string();
    assert!(wrong.contains("`half past` is no time: write 12:03"), "{wrong}");
    assert!(time("14:03", &stand(&turns)).expect_err("to come").to_string().contains("`yesterday` before it"));
    assert_eq!(time("at 12:03", &stand(&turns)), Ok(wall("2026-11-21T10:03:00Z")));
}

#[test]
fn a_time_before_midnight_needs_its_day_after_it() {
    let turns = Turns::default();
    let stand = Stand { now: Now { wall: wall("2026-11-22T00:05:00+02:00"), ..stand(&turns).now }, ..stand(&turns) };
    assert!(split("23:58 the page is red", &stand).is_err());
    let said = split("yesterday 23:58 the page is red", &stand).expect("a time");
    assert_eq!(said.at, Some(wall("2026-11-21T23:58:00+02:00")));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_tell_the_future_or_lose_a_word(text in "\\PC{0,60}|(at |yesterday )?[0-9:]{0,8}( ago)? \\PC{0,20}") {
        let turns = Turns::default();
        let stand = stand(&turns);
        let _ = time(&text, &stand);
        if let Ok(written) = split(&text, &stand) {
            prop_assert!(text.trim().ends_with(&written.text), "{written:?}");
            match written.at {
                Some(at) => prop_assert!(at <= stand.now.wall && !written.text.is_empty()),
                None => prop_assert_eq!(written.text, text.trim()),
            }
        }
    }

    #[test]
    fn an_instant_that_is_written_is_read_again(before in 0_i64..26 * 3_600_000, words in "[a-z]{1,8}( [a-z]{1,8}){0,3}") {
        let turns = Turns::default();
        let stand = stand(&turns);
        let at = stand.now.wall - TimeDelta::milliseconds(before);
        let exact = format!("{} {words}", at.with_timezone(&stand.offset).to_rfc3339());
        prop_assert_eq!(split(&exact, &stand), Ok(Written { at: Some(at), text: words.clone() }));
        let second = at - TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(1000));
        let local = second.with_timezone(&stand.offset);
        let day = if local.date_naive() == stand.now.wall.with_timezone(&stand.offset).date_naive() { "" } else { "yesterday " };
        let said = format!("{day}{} {words}", local.format("%H:%M:%S"));
        prop_assert_eq!(split(&said, &stand), Ok(Written { at: Some(second), text: words }), "{}", said);
    }
}
