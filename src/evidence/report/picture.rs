//! What a report draws: lanes of time, and plots. Here they are numbers and names; `svg` makes lines of them, and
//! Markdown their words.

use super::document::Tone;
use super::story::Story;
use crate::launch::time::Instant;

/// Ticks of a time axis at most.
const TICKS: i64 = 9;
/// What a tick may be apart, in milliseconds.
const STEPS: [i64; 20] = [
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
];

#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub title: String,
    /// What it shows, for whoever does not see it.
    pub told: String,
    pub axis: Axis,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Lanes(Vec<Lane>),
    Plot(Plot),
}

/// Time from left to right, in milliseconds of the launch's axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    pub from: i64,
    pub until: i64,
    pub ticks: Vec<(i64, String)>,
    /// What its numbers count.
    pub named: &'static str,
    /// T-0, where it lies within.
    pub t0: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub name: String,
    pub pieces: Vec<Piece>,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub from: Instant,
    pub until: Instant,
    pub tone: Tone,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub at: Instant,
    pub tone: Tone,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    pub lines: Vec<Line>,
    /// Limits that it is held to, each with its words.
    pub limits: Vec<(f64, String)>,
    /// Times that were not well, behind the lines.
    pub bands: Vec<Piece>,
    /// The share of failures from when to when, from the bottom.
    pub failures: Vec<(i64, i64, f64)>,
    /// The ends of the scale.
    pub bottom: f64,
    pub top: f64,
    /// Values with their words, upwards.
    pub scale: Vec<(f64, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    /// By time; none where nothing is known, so that no line goes through it.
    pub points: Vec<Option<(i64, f64)>>,
    /// What is lowest is what is worst of it.
    pub low: bool,
}

impl Picture {
    pub fn lanes(
        story: &Story,
        title: impl Into<String>,
        told: impl Into<String>,
        span: (Instant, Instant),
        lanes: Vec<Lane>,
    ) -> Self {
        Self { title: title.into(), told: told.into(), axis: Axis::of(story, span), what: What::Lanes(lanes) }
    }

    pub(super) fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        each(&mut self.title);
        each(&mut self.told);
        self.axis.ticks.iter_mut().for_each(|(_, words)| each(words));
        match &mut self.what {
            What::Lanes(lanes) => {
                for lane in lanes {
                    each(&mut lane.name);
                    lane.pieces.iter_mut().for_each(|piece| each(&mut piece.label));
                    lane.points.iter_mut().for_each(|point| each(&mut point.label));
                }
            }
            What::Plot(plot) => {
                plot.lines.iter_mut().for_each(|line| each(&mut line.name));
                plot.limits.iter_mut().for_each(|(_, words)| each(words));
                plot.bands.iter_mut().for_each(|piece| each(&mut piece.label));
                plot.scale.iter_mut().for_each(|(_, words)| each(words));
            }
        }
    }
}

impl Plot {
    /// How high a value lies on the scale, from 0 to 1.
    pub fn part(&self, value: f64) -> f64 {
        ((value - self.bottom) / (self.top - self.bottom).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }
}

impl Axis {
    pub fn of(story: &Story, (from, until): (Instant, Instant)) -> Self {
        let (from, until) = (from.0, until.0.max(from.0.saturating_add(1_000)));
        let t0 = story.t0().map(|at| at.0);
        let origin = t0.unwrap_or(story.opened().0);
        let long = until.saturating_sub(from);
        let step = STEPS.into_iter().find(|step| long / step < TICKS).unwrap_or(long / TICKS + 1);
        let first =
            from.saturating_sub(origin).div_euclid(step) + i64::from(from.saturating_sub(origin).rem_euclid(step) > 0);
        let ticks =
            (first..).map(|n| (n, origin.saturating_add(n.saturating_mul(step)))).take_while(|(_, at)| *at <= until);
        let ticks = ticks.take(TICKS as usize + 2).map(|(n, at)| (at, tick(n.saturating_mul(step), t0.is_some())));
        let named = if t0.is_some() { "time from T-0" } else { "time since the launch was opened" };
        let t0 = t0.filter(|at| (from..=until).contains(at));
        Self { from, until, ticks: ticks.collect(), named, t0 }
    }

    /// Where an instant lies, from 0 to 1.
    pub fn place(&self, at: i64) -> f64 {
        let at = at.clamp(self.from, self.until).saturating_sub(self.from);
        at as f64 / self.until.saturating_sub(self.from).max(1) as f64
    }
}

fn tick(ms: i64, of_t0: bool) -> String {
    if ms == 0 {
        return if of_t0 { "T-0".to_owned() } else { "0".to_owned() };
    }
    let span = std::time::Duration::from_millis(ms.unsigned_abs());
    let words = humantime::format_duration(span).to_string().replace(' ', "").replace("days", "d").replace("day", "d");
    format!("{}{words}", if ms < 0 { '-' } else { '+' })
}

/// A scale of round numbers, upwards, that holds zero and both ends: `low` below it, `high` above.
pub fn scale(low: f64, high: f64) -> Vec<f64> {
    let top = high.max(-low);
    if !top.is_finite() || top <= 0.0 {
        return vec![0.0, 1.0];
    }
    let mut step = 1e-9;
    // Powers of ten by multiplication alone: the same bits on every machine.
    while step * 10.0 < top && step < 1e18 {
        step *= 10.0;
    }
    let step = [0.25, 0.5, 1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|by| by * step)
        .find(|step| step * 5.0 >= top)
        .unwrap_or(top / 4.0);
    let steps = |end: f64| (end / step).ceil().clamp(0.0, 5.0) as i32;
    (-steps(-low)..=steps(high)).map(|n| f64::from(n) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round_and_holds_its_top() {
        for top in [1e-6, 0.003, 0.05, 0.9, 1.0, 3.7, 99.0, 100.0, 12_345.0, 1e12] {
            let ticks = scale(0.0, top);
            let end = ticks.last().copied().expect("an end");
            assert!(end >= top * 0.999_999 && end <= top * 2.6, "{top}: {end}");
            assert!((2..=6).contains(&ticks.len()), "{top}: {ticks:?}");
        }
        assert_eq!(scale(0.0, f64::NAN), [0.0, 1.0]);
        assert_eq!(scale(0.0, 0.0), [0.0, 1.0]);
        assert_eq!(scale(-30.0, 90.0), [-40.0, -20.0, 0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(scale(-2.0, 0.0), [-2.0, -1.5, -1.0, -0.5, 0.0]);
    }

    #[test]
    fn a_tick_is_told_from_t_0() {
        assert_eq!(tick(0, true), "T-0");
        assert_eq!(tick(-7_200_000, true), "-2h");
        assert_eq!(tick(172_800_000, true), "+2d");
    }
}
