//! Where a launch's axis stands when it is opened again. While the machine has run on, the clock that nobody
//! can set says it; the wall clock alone is asked after a reboot, or on another machine.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::launch::time::{Instant, Wall};

/// The axis of a launch, fixed to the running of one machine. A rehearsal's, which jumps, is fixed to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Which running of which machine.
    pub boot: String,
    /// Its boot time where the axis is at 0, in milliseconds.
    pub zero: i64,
}

/// What the machine's clocks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    pub boot: Option<String>,
    pub boot_ms: i64,
    pub wall: Wall,
}

impl Clocks {
    #[must_use]
    pub fn read() -> Self {
        Self { boot: clock::boot_id(), boot_ms: clock::boot(), wall: clock::wall() }
    }

    /// The axis that stands at `at` now.
    #[must_use]
    pub fn anchor(&self, at: Instant) -> Option<Anchor> {
        let boot = self.boot.clone()?;
        Some(Anchor { boot, zero: self.boot_ms.checked_sub(at.0)? })
    }

    /// Where the axis stands: never before `known`, the last that was written down of it.
    #[must_use]
    pub fn axis(&self, anchor: Option<&Anchor>, known: Option<(Instant, Wall)>) -> Instant {
        let Some((at, wall)) = known else { return Instant(0) };
        let same = anchor.filter(|anchor| self.boot.as_ref() == Some(&anchor.boot));
        let ran = same.and_then(|anchor| self.boot_ms.checked_sub(anchor.zero)).map(Instant);
        // An axis that was carried on by the wall after a reboot is fixed anew then: this one is its own.
        ran.filter(|ran| *ran >= at)
            .unwrap_or_else(|| at.plus((self.wall - wall).max(TimeDelta::zero()).to_std().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(boot: &str, boot_ms: i64, wall_s: i64) -> Clocks {
        let wall = Wall::from_timestamp(1_000_000 + wall_s, 0).expect("a time");
        Clocks { boot: Some(boot.into()), boot_ms, wall }
    }

    #[test]
    fn while_the_machine_runs_on_no_setting_of_the_wall_moves_the_axis() {
        let opened = clocks("a", 50_000, 0);
        let anchor = opened.anchor(Instant(0));
        let known = Some((Instant(10_000), clocks("a", 0, 10).wall));
        for wall in [-1_000_000, -3600, 70, 3600, 400_000] {
            let again = clocks("a", 50_000 + 70_000, wall);
            assert_eq!(again.axis(anchor.as_ref(), known), Instant(70_000), "{wall}");
            // And it stays anchored where it was.
            assert_eq!(again.anchor(Instant(70_000)), anchor);
        }
    }

    #[test]
    fn after_a_reboot_the_wall_carries_on_and_never_backwards() {
        let anchor = clocks("a", 50_000, 0).anchor(Instant(0));
        let known = Some((Instant(10_000), clocks("a", 0, 10).wall));
        for (wall, at) in [(70, 70_000), (10, 10_000), (-3600, 10_000)] {
            assert_eq!(clocks("b", 3_000, wall).axis(anchor.as_ref(), known), Instant(at), "{wall}");
            let unknown = Clocks { boot: None, ..clocks("a", 120_000, wall) };
            assert_eq!(unknown.axis(anchor.as_ref(), known), Instant(at), "{wall}");
            assert_eq!(unknown.anchor(Instant(1)), None);
            assert_eq!(clocks("a", 120_000, wall).axis(None, known), Instant(at), "{wall}");
        }
        assert_eq!(clocks("b", 3_000, 70).axis(anchor.as_ref(), None), Instant(0), "a new launch");
    }

    #[test]
    fn an_anchor_before_what_is_written_down_is_none() {
        let anchor = Anchor { boot: "a".into(), zero: 50_000 };
        let known = Some((Instant(90_000), clocks("a", 0, 10).wall));
        assert_eq!(clocks("a", 60_000, 20).axis(Some(&anchor), known), Instant(100_000));
    }
}
