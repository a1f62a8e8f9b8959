//! Time that nobody watched: no console was there, or the machine slept. What a monitor said before it is not known of
//! it, and nothing was evaluated in it. For whoever looks back on a launch; pure.

use std::time::Duration;

use super::event::{Event, Recorded};
use super::time::{Instant, millis};

/// A time that nobody watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub from: Instant,
    pub until: Instant,
    /// Why nobody did.
    pub why: &'static str,
}

/// The stretches of a launch that nobody watched, as far as its records were taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Away {
    stretches: Vec<Stretch>,
    /// The instant of the last record.
    seen: Instant,
    /// When the last console left by itself, where none has come back.
    left: Option<Instant>,
    /// Nobody is to watch any more.
    ended: Option<Instant>,
}

const GONE: &str = "no console was there";

impl Away {
    /// Takes the next record in.
    pub fn take(&mut self, record: &Recorded) {
        let at = record.at;
        match &record.event {
            Event::ConsoleLeft => drop(self.left.get_or_insert(at)),
            Event::ConsoleReturned { clean, .. } => {
                let from = self.left.take().unwrap_or(self.seen);
                self.add(from, at, if *clean { GONE } else { "the console had crashed" });
            }
            Event::Slept { gap } => self.add(Instant(at.0.saturating_sub(millis(*gap))), at, "the machine slept"),
            Event::LaunchEnded { .. } | Event::LaunchClosed { .. } => drop(self.ended.get_or_insert(at)),
            _ => {}
        }
        self.seen = self.seen.max(at);
    }

    fn add(&mut self, from: Instant, until: Instant, why: &'static str) {
        if until > from {
            self.stretches.push(Stretch { from, until, why });
        }
    }

    /// Up to when somebody was to watch: the end of the launch, or the last record of one that has not ended.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.ended.unwrap_or(self.seen)
    }

    /// True where nobody watched at `at`; whoever comes back then watches.
    #[must_use]
    pub fn holds(&self, at: Instant) -> bool {
        self.stretches.iter().any(|told| told.from < at && at < told.until) || self.left.is_some_and(|left| left < at)
    }

    /// Every stretch between `from` and `until`.
    #[must_use]
    pub fn within(&self, from: Instant, until: Instant) -> Vec<Stretch> {
        let left = self.left.map(|left| Stretch { from: left, until, why: GONE });
        let cut = |told: Stretch| Stretch { from: told.from.max(from), until: told.until.min(until), ..told };
        let all = self.stretches.iter().copied().chain(left).map(cut);
        all.filter(|told| told.until > told.from).collect()
    }

    /// What of the time from `from` to `until` somebody watched.
    #[must_use]
    pub fn watched(&self, from: Instant, until: Instant) -> Vec<(Instant, Instant)> {
        let mut left = vec![(from, until)];
        for away in self.within(from, until) {
            let cut = |(from, until): (Instant, Instant)| {
                let parts = [(from, until.min(away.from)), (from.max(away.until), until)];
                parts.into_iter().filter(|(from, until)| until > from)
            };
            left = left.into_iter().flat_map(cut).collect();
        }
        left
    }

    /// How much of that time nobody did.
    #[must_use]
    pub fn missing(&self, from: Instant, until: Instant) -> Duration {
        let watched: Duration = self.watched(from, until).iter().map(|(from, until)| until.since(*from)).sum();
        until.since(from).saturating_sub(watched)
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Actor;
    use super::super::time::Wall;
    use super::*;

    fn away(events: impl IntoIterator<Item = (i64, Event)>) -> Away {
        let mut away = Away::default();
        for (seq, (at, event)) in (1..).zip(events) {
            let wall = Wall::default();
            let actor = Actor::engine();
            away.take(&Recorded { seq, at: Instant(at), occurred_at: wall, recorded_at: wall, actor, event });
        }
        away
    }

    #[test]
    fn what_nobody_watched_is_cut_out_once_however_often_it_is_told() {
        let returned = |clean| Event::ConsoleReturned { clean, t: 0 };
        let away = away([
            (10, Event::ConsoleLeft),
            (20, returned(true)),
            (40, Event::noted("the last word before a crash")),
            (60, returned(false)),
            (70, Event::Slept { gap: Duration::from_millis(15) }),
            (90, Event::ConsoleLeft),
            (95, Event::noted("by nobody who watches")),
        ]);
        let at = |from, until| (Instant(from), Instant(until));
        assert_eq!(away.watched(Instant(0), Instant(100)), [at(0, 10), at(20, 40), at(70, 90)]);
        assert_eq!(away.missing(Instant(0), Instant(100)), Duration::from_millis(50));
        assert_eq!(away.watched(Instant(12), Instant(19)), []);
        assert_eq!([10, 15, 20, 55, 92].map(|at| away.holds(Instant(at))), [false, true, false, true, true]);
        assert_eq!(away.until(), Instant(95));
    }

    #[test]
    fn nobody_is_to_watch_once_the_launch_has_ended() {
        let ended = Event::LaunchEnded { why: "over".into() };
        let away = away([(10, Event::noted("a")), (50, ended), (90, Event::noted("the day after"))]);
        assert_eq!(away.until(), Instant(50));
    }
}
