//! The launch's own axis: suspend-aware time since the launch was opened, carried on over restarts, and
//! in a rehearsal jumping ahead while nothing is in flight. What a watcher missed is told, not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock;
use crate::launch::time::{Instant, Now, Wall};
use crate::watch::point;

/// A gap between two looks at the clock longer than this was not watched.
pub const UNWATCHED: Duration = Duration::from_secs(2);

/// Reads the clocks: boot time in milliseconds, and the wall. Tests bring their own.
pub type Reader = Arc<dyn Fn() -> (i64, Wall) + Send + Sync>;

/// How a rehearsal passes idle time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As the world does. The only one of a launch.
    Real,
    /// This many times faster while nothing is in flight.
    Times(u32),
    /// Straight to whatever comes next.
    Skip,
}

/// The launch's axis over the machine's clocks. What reads it elsewhere sees its jumps.
pub struct Axis {
    reader: Reader,
    /// Boot time at which the axis stood at `origin`.
    boot: i64,
    /// In milliseconds.
    origin: Arc<AtomicI64>,
    looked: i64,
}

impl Axis {
    /// An axis that stands at `origin` now.
    #[must_use]
    pub fn new(reader: Reader, origin: Instant) -> Self {
        let (boot, _) = reader();
        Self { reader, boot, origin: Arc::new(AtomicI64::new(origin.0)), looked: boot }
    }

    /// Tells the same instants to tasks.
    #[must_use]
    pub fn told(&self) -> point::Axis {
        let (reader, boot, origin) = (Arc::clone(&self.reader), self.boot, Arc::clone(&self.origin));
        Arc::new(move || Instant(origin.load(Ordering::Acquire).saturating_add(reader().0 - boot)))
    }

    /// The machine's clocks.
    #[must_use]
    pub fn machine() -> Reader {
        Arc::new(|| (clock::boot(), clock::wall()))
    }

    #[must_use]
    pub fn now(&self) -> Now {
        let (boot, wall) = (self.reader)();
        Now { instant: self.at(boot), wall }
    }

    #[must_use]
    pub fn boot(&self) -> i64 {
        (self.reader)().0
    }

    /// What time it is, and how long nobody had looked before that, where it was too long: the machine slept, or
    /// this process stood still. One reading tells both: between two it could stand still again.
    pub fn look(&mut self) -> (Now, Option<Duration>) {
        let (boot, wall) = (self.reader)();
        let gap = Duration::from_millis(u64::try_from(boot - self.looked).unwrap_or(0));
        self.looked = boot;
        (Now { instant: self.at(boot), wall }, (gap > UNWATCHED).then_some(gap))
    }

    fn at(&self, boot: i64) -> Instant {
        Instant(self.origin.load(Ordering::Acquire).saturating_add(boot - self.boot))
    }

    /// Skips `by` of idle time.
    pub fn jump(&mut self, by: Duration) {
        let to = Instant(self.origin.load(Ordering::Acquire)).plus(by);
        self.origin.store(to.0, Ordering::Release);
    }
}

impl Pace {
    /// How far to jump after `elapsed` of real idle time, not past `next`.
    #[must_use]
    pub fn jump(self, elapsed: Duration, now: Instant, next: Option<Instant>) -> Option<Duration> {
        let left = next?.since(now);
        let wanted = match self {
            Self::Real => return None,
            Self::Times(times) => elapsed * times.saturating_sub(1),
            Self::Skip => left,
        };
        Some(wanted.min(left)).filter(|by| !by.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn at(boot: i64) -> (Axis, Arc<Mutex<i64>>) {
        let time = Arc::new(Mutex::new(boot));
        let reader = Arc::clone(&time);
        let reader: Reader = Arc::new(move || (*reader.lock().expect("one thread"), Wall::default()));
        (Axis::new(reader, Instant(500)), time)
    }

    #[test]
    fn the_axis_runs_with_boot_time_and_jumps_when_told() {
        let (mut axis, time) = at(10_000);
        *time.lock().expect("one thread") = 11_000;
        assert_eq!(axis.now().instant, Instant(1_500));
        axis.jump(Duration::from_secs(60));
        assert_eq!(axis.now().instant, Instant(61_500));
    }

    #[test]
    fn tasks_are_told_the_same_instants_jumps_and_all() {
        let (mut axis, time) = at(10_000);
        let told = axis.told();
        assert_eq!(told(), Instant(500));
        axis.jump(Duration::from_secs(60));
        *time.lock().expect("one thread") = 11_000;
        assert_eq!((told(), axis.now().instant), (Instant(61_500), Instant(61_500)));
    }

    #[test]
    fn a_gap_nobody_watched_is_told_once() {
        let (mut axis, time) = at(0);
        *time.lock().expect("one thread") = 1_900;
        assert_eq!(axis.look().1, None);
        *time.lock().expect("one thread") = 9_000;
        let (now, gap) = axis.look();
        assert_eq!((now.instant, gap), (Instant(9_500), Some(Duration::from_millis(7_100))));
        assert_eq!(axis.look().1, None);
    }

    #[test]
    fn a_pace_never_jumps_past_what_comes_next() {
        let second = Duration::from_secs(1);
        let next = Some(Instant(30_000));
        assert_eq!(Pace::Real.jump(second, Instant(0), next), None);
        assert_eq!(Pace::Times(20).jump(second, Instant(0), next), Some(19 * second));
        assert_eq!(Pace::Times(20).jump(second, Instant(25_000), next), Some(5 * second));
        assert_eq!(Pace::Skip.jump(second, Instant(0), next), Some(30 * second));
        assert_eq!(Pace::Skip.jump(second, Instant(30_000), next), None);
        assert_eq!(Pace::Skip.jump(second, Instant(0), None), None);
    }
}
