//! The share of the traffic that a canary has: a bar of what was read back, beside what is wanted. What could not
//! be read is no number, and a difference is said in words.

use crate::ui::theme::{Role, Theme};
use crate::ui::widgets::row::Row;

/// Columns of the bar.
const BAR: u16 = 10;

/// One line, of percents: `██▁▁▁▁▁▁▁▁ 20% wanted 50%`. It fits a pane of 32 columns.
#[must_use]
pub fn gauge(theme: &Theme, wanted: Option<f64>, seen: Option<f64>) -> Row<'_> {
    let spark = theme.glyphs.spark;
    let row = Row::new(theme);
    let agrees = agrees(wanted, seen);
    let row = match seen {
        Some(seen) => {
            let full = columns(seen);
            let role = if agrees { Role::Running } else { Role::Warned };
            let rest = spark[0].repeat(usize::from(BAR - full));
            row.say(role, spark[7].repeat(usize::from(full)))
                .say(Role::Muted, rest)
                .say(role, format!(" {}", percent(seen)))
        }
        None => row
            .say(Role::Muted, spark[0].repeat(usize::from(BAR)))
            .say(Role::Unknown, format!(" {} not read", theme.glyphs.unknown)),
    };
    match wanted {
        Some(_) if agrees => row.say(Role::Muted, " as wanted"),
        Some(wanted) => row.say(Role::Warned, format!(" wanted {}", percent(wanted))),
        None => row,
    }
}

fn agrees(wanted: Option<f64>, seen: Option<f64>) -> bool {
    match (wanted, seen) {
        (Some(wanted), Some(seen)) => (wanted - seen).abs() < 0.005,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// A share that is there is seen, and one that is not whole is not shown as whole.
fn columns(seen: f64) -> u16 {
    let share = seen.clamp(0.0, 100.0) / 100.0;
    let full = (0..BAR).filter(|column| f64::from(*column + 1) <= share * f64::from(BAR) + 1e-9).count();
    let full = u16::try_from(full).unwrap_or(BAR);
    if share > 0.0 { full.max(1) } else { 0 }
}

/// `10%`, `33.33%`.
fn percent(share: f64) -> String {
    if share.fract() == 0.0 { format!("{share:.0}%") } else { format!("{share:.2}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(wanted: Option<f64>, seen: Option<f64>) -> String {
        gauge(&Theme::default(), wanted, seen).text().trim_end().to_owned()
    }

    #[test]
    fn a_gauge_says_what_was_read_and_what_is_wanted() {
        assert_eq!(shown(Some(30.0), Some(30.0)), format!("{}{} 30% as wanted", "█".repeat(3), "▁".repeat(7)));
        assert_eq!(shown(Some(50.0), Some(10.0)), format!("█{} 10% wanted 50%", "▁".repeat(9)));
        assert_eq!(shown(Some(50.0), None), format!("{} ? not read wanted 50%", "▁".repeat(10)));
        assert_eq!(shown(None, Some(100.0)), format!("{} 100%", "█".repeat(10)));
    }

    #[test]
    fn a_share_that_is_there_is_seen_and_one_that_is_not_whole_is_not() {
        assert_eq!([0.0, 0.01, 33.33, 99.99, 100.0].map(columns), [0, 1, 3, 9, 10]);
    }
}
