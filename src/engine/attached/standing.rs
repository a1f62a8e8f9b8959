//! How far an attached console's picture can be believed: whether the holder is heard, where T stands, and
//! what must be said over everything. Pure.

use std::time::Duration;

use super::reading::Signs;
use crate::base::text::printable;
use crate::journal::Held;
use crate::launch::event::Event;
use crate::launch::time::{Instant, Now, Wall};

/// Three heartbeats missed: the holder is not heard.
pub const SILENT_AFTER: Duration = Duration::from_secs(3);

/// What an attached console shows the board with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Runs on from the last sign of the holder while it is heard; else it is that sign's own time.
    pub now: Now,
    pub heard: bool,
    /// Whatever is wrong, with its age.
    pub alarm: Option<String>,
}

/// Stands at `wall`, with what was read and with who holds the launch.
#[must_use]
pub fn stand(signs: &Signs<'_>, held: &Held, wall: Wall) -> Standing {
    let (at, seen) = signs.last.unwrap_or((Instant(0), wall));
    let age = (wall - seen).to_std().unwrap_or_default();
    let over = signs.board.ended.is_some();
    let heard = signs.last.is_some() && !over && matches!(held, Held::By(_)) && age <= SILENT_AFTER;
    let now = if heard { Now { instant: at.plus(age), wall } } else { Now { instant: at, wall: seen } };
    let silence = match held {
        _ if over || signs.last.is_none() => None,
        Held::Free => {
            let left = signs.board.recent.back().filter(|record| record.event == Event::ConsoleLeft);
            let left = left.map(|record| format!(", {} left", printable(&record.actor.name))).unwrap_or_default();
            let since = seen.format("%H:%M:%S UTC");
            Some(format!("nobody holds this launch since {since}, {} ago{left}: T is the last known", words(age)))
        }
        Held::By(_) if heard => None,
        Held::By(holder) => {
            let name = holder.as_ref().map(|holder| format!(" ({}, process {})", holder.name, holder.pid));
            let name = name.unwrap_or_default();
            // A console that cannot write gives no sign, and goes on.
            Some(format!(
                "the operator's console is silent for {}{name}: T is the last known. It holds the launch still: it may \
                 be stopped, or its disk full. Look there before you take over; `tminus rollback` works",
                words(age)
            ))
        }
    };
    let alarms: Vec<String> = signs.wrong.map(printable).into_iter().chain(silence).collect();
    let alarm = (!alarms.is_empty()).then(|| alarms.join(" · "));
    Standing { now, heard, alarm }
}

fn words(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::journal::Holder;
    use crate::launch::board::Board;
    use crate::launch::samples::plan;

    fn wall(seconds: i64) -> Wall {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time") + TimeDelta::seconds(seconds)
    }

    fn board() -> Board {
        Board::new(Arc::new(plan()))
    }

    fn ana() -> Held {
        Held::By(Some(Holder { pid: 7, ..Holder::here("ana", wall(0)) }))
    }

    fn at(board: &Board, held: &Held, seconds: i64, wrong: Option<&str>) -> Standing {
        stand(&Signs { board, last: Some((Instant(60_000), wall(0))), wrong }, held, wall(seconds))
    }

    #[test]
    fn t_runs_on_between_heartbeats_and_no_longer() {
        let board = board();
        for seconds in [0, 1, 3] {
            let standing = at(&board, &ana(), seconds, None);
            assert!(standing.heard && standing.alarm.is_none(), "{standing:?}");
            assert_eq!(standing.now.instant, Instant(60_000 + seconds * 1000));
        }
        let standing = at(&board, &ana(), 12, None);
        assert!(!standing.heard);
        assert_eq!(standing.now, Now { instant: Instant(60_000), wall: wall(0) }, "no data is not health");
        let alarm = standing.alarm.expect("an alarm");
        assert!(alarm.starts_with("the operator's console is silent for 12s (ana, process 7)"), "{alarm}");
        for word in ["holds the launch still", "its disk full", "before you take over", "`tminus rollback` works"] {
            assert!(alarm.contains(word), "{alarm}");
        }
    }

    #[test]
    fn with_nobody_there_it_stands_at_once_and_says_since_when() {
        let standing = at(&board(), &Held::Free, 1, None);
        assert!(!standing.heard);
        assert_eq!(standing.now.instant, Instant(60_000));
        assert!(standing.alarm.expect("an alarm").starts_with("nobody holds this launch since 22:13:20 UTC, 1s ago"));
    }

    #[test]
    fn what_has_ended_is_no_alarm_and_what_is_broken_is_one_all_the_same() {
        let mut board = board();
        board.ended = Some("through".into());
        assert_eq!(at(&board, &Held::Free, 100, None).alarm, None);
        let alarm = at(&board, &Held::Free, 100, Some("shown up to record 3")).alarm;
        assert_eq!(alarm.as_deref(), Some("shown up to record 3"));
    }

    #[test]
    fn a_clock_that_was_set_back_runs_nothing_backwards() {
        let standing = at(&board(), &ana(), -30, None);
        assert_eq!((standing.heard, standing.now.instant), (true, Instant(60_000)));
    }
}
