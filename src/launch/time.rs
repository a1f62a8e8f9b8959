//! The four time types, which do not mix (rules.md, "Journal first"): a mark on the countdown, an
//! instant of the launch, wall time for people, and spans. Integer milliseconds on the wire.
//!
//! Nothing here reads a clock: instants come in with every input.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds.
const HOUR: u64 = 3_600_000;

/// A place on the countdown, in milliseconds before T-0: `T-2h` is 7 200 000, `T+30m` is −1 800 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub i64);

/// An instant of the launch: milliseconds of suspend-aware time since the launch was opened.
///
/// It only grows. Across a restart it is carried on by wall time (never backwards), and in a
/// rehearsal it may jump ahead while nothing is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

/// Wall time, for display and for the evidence only: no rule compares it.
pub type Wall = DateTime<Utc>;

/// What the clock says at one moment, on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub instant: Instant,
    pub wall: Wall,
}

impl Mark {
    pub const T0: Self = Self(0);

    /// The mark `before` ahead of T-0.
    #[must_use]
    pub fn before(before: Duration) -> Self {
        Self(millis(before))
    }

    /// Parses `T-2h`, `T-90m`, `T+30m`, `T-0`, `T-1h30m`.
    ///
    /// # Errors
    /// Says what is wrong, as a sentence for a diagnostic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a mark: write T-2h, T-30m, T-0 or T+24h");
        let rest = text.strip_prefix('T').ok_or_else(wrong)?;
        if rest == "-0" || rest == "+0" {
            return Ok(Self::T0);
        }
        let (sign, span) = match rest.split_at_checked(1) {
            Some(("-", span)) => (1, span),
            Some(("+", span)) => (-1, span),
            _ => return Err(wrong()),
        };
        let span = humantime::parse_duration(span).map_err(|_| wrong())?;
        Ok(Self(sign * millis(span)))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("T-0");
        }
        let sign = if self.0 > 0 { '-' } else { '+' };
        let (hours, rest) = (self.0.unsigned_abs() / HOUR, self.0.unsigned_abs() % HOUR);
        write!(f, "T{sign}")?;
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if rest > 0 || hours == 0 {
            let rest = humantime::format_duration(Duration::from_millis(rest)).to_string().replace(' ', "");
            f.write_str(&rest)?;
        }
        Ok(())
    }
}

impl Mark {
    /// `T-00:14:32`, `T-78:00:00` or `T+00:00:05`: rounded up before T-0 and down after it, so that zero is liftoff.
    /// In hours, as a mark is written.
    #[must_use]
    pub fn face(self) -> String {
        match self.0 {
            ahead if ahead > 0 => format!("T-{}", hours_face(ahead)),
            past => format!("T+{}", hours_face(past / 1000 * 1000)),
        }
    }
}

impl Instant {
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The span since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Whole milliseconds of a span, saturating.
#[must_use]
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// `HH:MM:SS` of a countdown, however many hours: `00:14:32`, `78:00:00`. A sign is the caller's.
#[must_use]
pub fn hours_face(ms: i64) -> String {
    let seconds = ms.unsigned_abs().div_ceil(1000);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `HH:MM:SS` with a sign of the caller's, for spans: `00:14:32`, and days as `2d 03:00:00`.
#[must_use]
pub fn clock_face(ms: i64) -> String {
    let seconds = ms.unsigned_abs().div_ceil(1000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 {
        format!("{days}d {hours:02}:{minutes:02}:{seconds:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_as_it_prints() {
        for text in ["T-2h", "T-30m", "T+30m", "T-0", "T-1h 30m", "T+7days", "T-90s", "T-1h 1s 5ms"] {
            let mark = Mark::parse(&text.replace(' ', "")).expect("a mark");
            assert_eq!(Mark::parse(&mark.to_string()), Ok(mark), "{text}");
        }
    }

    #[test]
    fn one_instant_has_one_name_in_hours() {
        for (written, name, face) in [
            ("T-78h", "T-78h", "T-78:00:00"),
            ("T-76h30m", "T-76h30m", "T-76:30:00"),
            ("T-3days", "T-72h", "T-72:00:00"),
            ("T-24h", "T-24h", "T-24:00:00"),
            ("T-90m", "T-1h30m", "T-01:30:00"),
            ("T-0", "T-0", "T+00:00:00"),
            ("T+7days", "T+168h", "T+168:00:00"),
        ] {
            let mark = Mark::parse(written).expect("a mark");
            assert_eq!((mark.to_string().as_str(), mark.face().as_str()), (name, face), "{written}");
        }
        assert_eq!([Mark(1).face(), Mark(-1_999).face()], ["T-00:00:01", "T+00:00:01"]);
    }

    #[test]
    fn what_is_no_mark_says_how_to_write_one() {
        for text in ["", "T", "2h", "T-", "T-2", "T*2h", "T-é", "t-2h"] {
            let wrong = Mark::parse(text).expect_err(text);
            assert!(wrong.contains("write T-2h"), "{wrong}");
        }
    }

    #[test]
    fn the_clock_face_rounds_up_so_that_zero_is_liftoff() {
        assert_eq!(clock_face(1), "00:00:01");
        assert_eq!(clock_face(872_000), "00:14:32");
        assert_eq!(clock_face(2 * 86_400_000 + 3_600_000), "2d 01:00:00");
    }
}
