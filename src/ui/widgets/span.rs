//! Spans of time as a crew reads them.

use std::time::Duration;

/// `41 ms`, `3.2 s`, `2m05s`, `1h04m`, `2d03h`.
#[must_use]
pub fn words(span: Duration) -> String {
    let (millis, seconds) = (span.as_millis(), span.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis / 100 % 10),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Whole seconds: `4s`, `2m05s`; for what is counted on the screen.
#[must_use]
pub fn seconds(span: Duration) -> String {
    if span.as_secs() < 60 { format!("{}s", span.as_secs()) } else { words(span) }
}

/// As a plan writes it, to the second: `30m`, `90s` as `1m30s`, `1h`.
#[must_use]
pub fn short(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string().replace(' ', "")
}

/// A stopwatch: `0:07`, `12:41`, `1:00:02`.
#[must_use]
pub fn stopwatch(span: Duration) -> String {
    let all = span.as_secs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well_at_every_length() {
        for (millis, shown) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (3_249, "3.2 s"),
            (125_000, "2m05s"),
            (3_840_000, "1h04m"),
            (183_600_000, "2d03h"),
        ] {
            assert_eq!(words(Duration::from_millis(millis)), shown);
        }
        assert_eq!(seconds(Duration::from_millis(4_900)), "4s");
        assert_eq!(stopwatch(Duration::from_secs(3_602)), "1:00:02");
        assert_eq!(stopwatch(Duration::from_secs(7)), "0:07");
        assert_eq!(short(Duration::from_secs(1800)), "30m");
        assert_eq!(short(Duration::from_secs(90)), "1m30s");
    }
}
