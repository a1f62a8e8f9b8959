//! `tminus brief`: where a launch stands, what happened since you left, and what is due next. It reads the
//! journal, and changes nothing. Exit codes: 0 all of it was read, 2 not all of it is known.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Local, NaiveTime, TimeZone as _};
use clap::Args;

use super::CANNOT_TELL;
use super::frozen::Frozen;
use super::say::{err, out};
use crate::base::text::printable;
use crate::clock;
use crate::engine::attached::reading::Reading;
use crate::engine::attached::standing;
use crate::launch::brief::{Finder, Happened, Since, Tone, brief};
use crate::launch::time::Wall;
use crate::notify::standing as untold;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The launch's folder.
    launch: PathBuf,
    /// From then on: `12:03`, `2h` ago, or an instant of RFC 3339. Else since your own last act, or since a
    /// console was left.
    #[arg(long, value_name = "TIME", conflicts_with = "since_seq", value_parser = since)]
    since: Option<Wall>,
    /// After this record.
    #[arg(long, value_name = "N")]
    since_seq: Option<u64>,
    /// Your name in the journal.
    #[arg(long, env = "USER", value_name = "NAME", default_value = "operator")]
    name: String,
}

/// A time of day that has been, a span until now, or an instant.
fn since(text: &str) -> Result<Wall, String> {
    at(text, clock::wall())
}

fn at(text: &str, now: Wall) -> Result<Wall, String> {
    let text = text.trim().trim_end_matches(" ago");
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(span) = humantime::parse_duration(text) {
        return now.checked_sub_signed(chrono::TimeDelta::from_std(span).unwrap_or_default()).ok_or_else(wrong);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
    let today = now.with_timezone(&Local).date_naive().and_time(time.map_err(|_| wrong())?);
    // Later today is yesterday's.
    let days = [today, today - chrono::TimeDelta::days(1)];
    let told = days.into_iter().filter_map(|at| Local.from_local_datetime(&at).earliest()).map(|at| at.to_utc());
    told.into_iter().find(|at| *at <= now).ok_or_else(wrong)
}

fn wrong() -> String {
    "say `12:03`, `2h` for two hours ago, or an instant like 2026-05-01T12:03:00Z".to_owned()
}

/// # Errors
/// The folder is no launch, or its plan does not load.
pub fn run(arguments: &Arguments) -> anyhow::Result<i32> {
    let frozen = Frozen::open(&arguments.launch)?;
    let asker = frozen.asker(&arguments.name, None)?;
    let wanted = match (arguments.since, arguments.since_seq) {
        (Some(at), _) => Since::At(at),
        (_, Some(seq)) => Since::Record(seq),
        _ => Since::Own(arguments.name.clone()),
    };
    let mut reading = Reading::new(frozen.folder.clone(), Arc::clone(&frozen.first));
    let mut finder = Finder::new(wanted);
    reading.read_on(&mut |record, _| finder.take(record));
    let begin = finder.begin();
    // Read twice, so that no list of records is kept; what came meanwhile is told too.
    let mut happened = Happened::after(&begin);
    let mut reading = Reading::new(frozen.folder.clone(), Arc::clone(&frozen.first));
    reading.read_on(&mut |record, _| happened.take(record));
    let signs = reading.signs();
    let standing = standing::stand(&signs, &asker.holder(), clock::wall());
    let face = |at: Wall| at.with_timezone(&Local).format("%m-%d %H:%M:%S").to_string();
    let told = brief(signs.board, &begin, happened, standing.now, &face);
    out!("{} · {}", printable(&frozen.plan.title), printable(&told.head));
    if let Some(alarm) = &standing.alarm {
        out!("\n ! {}", printable(alarm));
    }
    if let Some(untold) = untold::words(&untold::read(frozen.folder.path())) {
        out!("\n ! {}", printable(&untold));
    }
    for part in &told.parts {
        out!("\n{}", part.title);
        for line in &part.lines {
            let mark = match line.tone {
                Tone::Bad => "!",
                Tone::Warn => "~",
                Tone::Good => "+",
                Tone::Plain => " ",
            };
            out!(" {mark} {}", printable(&line.text));
        }
    }
    if let Some(why) = signs.wrong {
        err!("tminus: {}", printable(why));
        return Ok(CANNOT_TELL);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_that_has_been() {
        let now = clock::wall();
        assert_eq!(at("2h", now), Ok(now - chrono::TimeDelta::hours(2)));
        assert_eq!(at("90s ago", now), Ok(now - chrono::TimeDelta::seconds(90)));
        assert_eq!(at("2026-05-01T12:03:00+02:00", now), Ok("2026-05-01T10:03:00Z".parse().expect("a time")));
        for minutes in [-90, 90] {
            let local = (now + chrono::TimeDelta::minutes(minutes)).with_timezone(&Local);
            let said = at(&local.format("%H:%M").to_string(), now).expect("a time of day");
            assert!(said <= now && now - said < chrono::TimeDelta::hours(26), "{minutes}: {said}");
        }
        assert!(at("yesterday", now).is_err() && at("25:00", now).is_err());
    }
}
