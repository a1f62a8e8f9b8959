//! Times, spans and names as a report writes them. Times are UTC: whoever reads it is anywhere.

use std::time::Duration;

use crate::launch::event::Actor;
use crate::launch::id::RoleId;
use crate::launch::plan::Plan;
use crate::launch::time::{Instant, Mark, Wall, clock_face};

/// `2026-03-01 14:30:00`.
pub fn stamp(at: Wall) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `T-00:14:32`, to the nearest second; nothing where there is no countdown.
pub fn t(mark: Mark) -> String {
    if mark.0 == i64::MAX {
        return String::new();
    }
    let whole = mark.0.saturating_add(500).div_euclid(1_000).saturating_mul(1_000);
    let sign = if whole > 0 { '-' } else { '+' };
    format!("T{sign}{}", clock_face(whole))
}

/// `41 ms`, `3.2 s`, `2m 5s`, `1h 4m`: the two largest units.
pub fn span(span: Duration) -> String {
    let millis = span.as_millis();
    match span.as_secs() {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", span.as_secs(), millis / 100 % 10),
        whole => {
            let words = humantime::format_duration(Duration::from_secs(whole)).to_string();
            words.split(' ').take(2).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A difference: `+2m 5s`, `-10.0 s`, `on time` within a second.
pub fn late(ms: i64) -> String {
    if ms.abs() < 1_000 {
        return "on time".to_owned();
    }
    format!("{}{}", if ms < 0 { '-' } else { '+' }, span(Duration::from_millis(ms.unsigned_abs())))
}

/// Milliseconds from `earlier` to `later`, which may lie before it.
pub fn between(earlier: Instant, later: Instant) -> i64 {
    later.0.saturating_sub(earlier.0)
}

/// `Ana (Backend lead)`, with what stamps a scripted crew and who wrote it down.
pub fn name(plan: &Plan, by: &Actor) -> String {
    let role = by.role.as_ref().map(|id| format!(" ({})", role(plan, id))).unwrap_or_default();
    let scripted = if by.scripted { " (scripted)" } else { "" };
    let hand = by.recorded_by.as_ref().map(|hand| format!(", recorded by {hand}")).unwrap_or_default();
    format!("{}{role}{scripted}{hand}", by.name)
}

/// What a role is called.
pub fn role(plan: &Plan, id: &RoleId) -> String {
    plan.role(id).map_or(id.as_str(), |role| role.title.as_str()).to_owned()
}

/// `1 hold`, `3 holds`.
pub fn count(many: usize, one: &str, more: &str) -> String {
    if many == 1 { format!("1 {one}") } else { format!("{many} {more}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_read_as_people_say_them() {
        let ms = Duration::from_millis;
        for (millis, said) in [(41, "41 ms"), (3_249, "3.2 s"), (125_000, "2m 5s"), (3_840_000, "1h 4m")] {
            assert_eq!(span(ms(millis)), said);
        }
        assert_eq!((late(999), late(-61_000), late(2_000)), ("on time".into(), "-1m 1s".into(), "+2.0 s".into()));
        assert_eq!(t(Mark(872_000)), "T-00:14:32");
        assert_eq!(t(Mark(-61_002)), "T+00:01:01");
        assert_eq!(t(Mark(-599_997)), "T+00:10:00");
        assert_eq!(t(Mark(i64::MAX)), "");
    }
}
