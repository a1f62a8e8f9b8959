//! Where a replay stands in its reel, and how it moves: a place and an instant of the launch's time that belong together.

use std::time::Duration;

use super::reel::Reel;
use crate::launch::replay::{FASTEST, SPEEDS, Standpoint, Way, Wish};
use crate::launch::time::{Instant, Now};

/// A place in a reel. Between two records time passes, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playhead {
    /// How many records are told: from 1, in a reel that has any.
    place: usize,
    /// Not before that of the last of them, and before that of the next but where several came at once.
    at: Instant,
    speed: u32,
    playing: bool,
}

impl Playhead {
    /// At the first record, standing still.
    #[must_use]
    pub fn new(reel: &Reel, speed: u32) -> Self {
        let place = reel.len().min(1);
        Self { place, at: reel.instant(place), speed: speed.clamp(1, FASTEST), playing: false }
    }

    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// The launch's time and the wall's, as they were.
    #[must_use]
    pub fn now(&self, reel: &Reel) -> Now {
        Now { instant: self.at, wall: reel.wall(self.place, self.at) }
    }

    #[must_use]
    pub fn standpoint(&self, reel: &Reel) -> Standpoint {
        let (before, after) = reel.notables(self.place);
        let [record, of, before, after] =
            [self.place, reel.len(), before, after].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        Standpoint { record, of, playing: self.playing, speed: self.speed, before, after }
    }

    /// So much time of whoever looks has passed. It stands still at the last record.
    pub fn pass(&mut self, reel: &Reel, elapsed: Duration) {
        if !self.playing {
            return;
        }
        let passed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX).saturating_mul(i64::from(self.speed));
        if passed > 0 {
            self.onward(reel, passed);
        }
        self.playing = self.place < reel.len();
    }

    /// Does what a key wants.
    pub fn take(&mut self, reel: &Reel, wish: Wish) {
        match wish {
            Wish::Play => self.playing = !self.playing && self.place < reel.len(),
            Wish::Faster => self.speed = SPEEDS.into_iter().find(|speed| *speed > self.speed).unwrap_or(FASTEST),
            Wish::Slower => self.speed = SPEEDS.into_iter().rev().find(|speed| *speed < self.speed).unwrap_or(1),
            Wish::Record(Way::On) => self.to(reel, self.place.saturating_add(1)),
            Wish::Record(Way::Back) => self.to(reel, self.place.saturating_sub(1)),
            Wish::Minutes(Way::On, minutes) => self.onward(reel, millis(minutes)),
            Wish::Minutes(Way::Back, minutes) => {
                let at = Instant(self.at.0.saturating_sub(millis(minutes)));
                match reel.place(at) {
                    // Before the first record there is nothing.
                    0 => self.to(reel, 1),
                    place => (self.place, self.at) = (place.min(self.place), at),
                }
            }
            Wish::Notable(way) => {
                if let Some(place) = reel.notable(self.place, way) {
                    self.to(reel, place);
                }
            }
            Wish::Whole(Way::Back) => self.to(reel, 1),
            Wish::Whole(Way::On) => self.to(reel, reel.len()),
        }
        self.playing &= self.place < reel.len();
    }

    fn onward(&mut self, reel: &Reel, passed: i64) {
        let last = reel.instant(reel.len());
        self.at = Instant(self.at.0.saturating_add(passed)).min(last).max(self.at);
        self.place = reel.place(self.at).max(self.place);
    }

    /// To the moment at which so many records were made.
    fn to(&mut self, reel: &Reel, place: usize) {
        self.place = place.clamp(reel.len().min(1), reel.len());
        self.at = reel.instant(self.place);
    }
}

fn millis(minutes: u32) -> i64 {
    i64::from(minutes) * 60_000
}
