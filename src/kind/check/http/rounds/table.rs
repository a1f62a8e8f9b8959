//! Reads `repeat`, `until` and `burst`, with every mistake at its place.

use std::time::Duration;

use super::{Burst, LONGEST, MOST_A_SECOND, MOST_HELD, MOST_REQUESTS, MOST_ROUNDS, Rounds};
use crate::base::table::Table;
use crate::kind::check::http::Expect;
use crate::kind::check::http::table::expect;
use crate::kind::expect::{Statuses, program};

/// Between two rounds where the plan does not say.
const EVERY: Duration = Duration::from_secs(1);
/// No service is asked more often than this.
const SHORTEST: Duration = Duration::from_millis(100);
const A_SECOND: u32 = 10;

/// What of an `http` table says how often it is asked.
pub(in super::super) fn read(table: &Table<'_>) -> Rounds {
    let like = [
        ("repeat", "repeat = { times = 5 }"),
        ("until", "until = { within = \"60s\" }"),
        ("burst", "burst = { requests = 121, free = 120 }"),
    ];
    let all = like.map(|(key, example)| (key, table.table_like(key, example)));
    let mut there = all.into_iter().filter_map(|(key, inner)| Some((key, inner?)));
    let Some((key, inner)) = there.next() else { return Rounds::Once };
    for (other, inner) in there {
        table.wrong_value(inner.span, format!("{} has both `{key}` and `{other}`: keep one", table.path));
    }
    // A monitor repeats by itself, and the control probe is asked in the midst of another check.
    if !table.path.contains("item") {
        table.wrong_value(inner.span, format!("`{key}` belongs to an item's check: {} is asked once", table.path));
    }
    let rounds = match key {
        "repeat" => repeat(&inner),
        "until" => until(&inner),
        _ => burst(&inner),
    };
    let span = inner.span;
    inner.finish();
    if rounds.lasts().is_some_and(|lasts| lasts > LONGEST) {
        table.wrong_value(span, format!("`{key}` lasts more than {}", humantime::format_duration(LONGEST)));
    }
    rounds
}

/// Holds what stands beside a burst to what it looks at: a status each.
pub(in super::super) fn held(table: &Table<'_>, rounds: &Rounds) {
    let Rounds::Burst(_) = rounds else { return };
    let expected = table.table("expect").map(|expect| expect.keys()).unwrap_or_default();
    for (key, span) in expected.into_iter().filter(|(key, _)| *key != "status") {
        let why = format!("beside `burst` only `status` is looked at: `{key}` of the limited answer stands in `burst`");
        table.wrong_value(span, why);
    }
    for (key, why) in [("capture", "nothing is captured from a burst"), ("redirects", "a burst follows no redirect")] {
        if let Some((_, span)) = table.keys().into_iter().find(|(there, _)| *there == key) {
            table.wrong_value(span, why);
        }
    }
}

fn number(table: &Table<'_>, key: &'static str, low: u32, high: u32) -> Option<u32> {
    let read = table.integer(key)?;
    let fits = u32::try_from(read.value).ok().filter(|number| (low..=high).contains(number));
    if fits.is_none() {
        table.wrong_value(read.span, format!("`{key} = {}`: {low} to {high}", read.value));
    }
    fits
}

fn every(table: &Table<'_>) -> Duration {
    let Some(every) = table.duration("every") else { return EVERY };
    if every < SHORTEST {
        let at = table.any("every").map_or(table.span, |placed| placed.span);
        table.wrong_value(at, "`every` is at least 100ms");
    }
    every.max(SHORTEST)
}

fn repeat(table: &Table<'_>) -> Rounds {
    if !table.has("times") {
        table.missing("times", "`times = 5`: how often it must pass");
    }
    let times = number(table, "times", 2, MOST_ROUNDS).unwrap_or(2);
    Rounds::Repeat { times, every: every(table) }
}

fn until(table: &Table<'_>) -> Rounds {
    if !table.has("within") {
        table.missing("within", "`within = \"60s\"`: when it is given up");
    }
    let within = table.duration("within").unwrap_or_default();
    let stop = table.texts("stop");
    let stop = stop.iter().filter_map(|text| program(table, &text.value, text.span)).collect();
    Rounds::Until { within, every: every(table), stop }
}

fn burst(table: &Table<'_>) -> Rounds {
    if !table.has("requests") {
        table.missing("requests", "`requests = 121`: how many are sent at most");
    }
    let hold = table.flag("hold").unwrap_or(false);
    let most = if hold { MOST_HELD } else { MOST_REQUESTS };
    // Without it nothing beside it is known to be too much.
    let requests = number(table, "requests", 2, most).unwrap_or(most);
    let free = number(table, "free", 0, requests.saturating_sub(1)).unwrap_or(0);
    let a_second = number(table, "a_second", 1, MOST_A_SECOND).unwrap_or(A_SECOND);
    let mut limited = table.table("expect").map(expect).unwrap_or_default();
    if limited.status.is_empty() {
        limited = Expect { status: Statuses::one(429), ..limited };
    }
    let cool_down = table.duration("cool_down").unwrap_or_default();
    Rounds::Burst(Box::new(Burst { requests, a_second, free, expect: limited, hold, cool_down }))
}
