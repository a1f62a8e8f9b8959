//! The only reader of wall and suspend-aware time. Everything else is told what time it is.

use chrono::Utc;
use rustix::time::{ClockId, clock_gettime};

use crate::launch::time::Wall;

/// Milliseconds since the machine booted, sleep included (`CLOCK_BOOTTIME`).
#[must_use]
pub fn boot() -> i64 {
    let at = clock_gettime(ClockId::Boottime);
    at.tv_sec.saturating_mul(1000).saturating_add(at.tv_nsec / 1_000_000)
}

/// Which running of which machine [`boot`] is told of, containers with a clock of their own apart; none where
/// the system does not say it.
#[must_use]
pub fn boot_id() -> Option<String> {
    let running = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let clock = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!("{} {}", running.trim(), clock.display()))
}

/// Wall time, for display and evidence.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
pub fn wall() -> Wall {
    Utc::now()
}

/// The same, for what lies below this layer and is handed its clock.
pub const HANDED: crate::base::proc::Clock =
    crate::base::proc::Clock { wall_ms: || wall().timestamp_millis(), boot_ms: boot };
