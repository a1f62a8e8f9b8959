//! A percentile for people, within two percent, from counts by magnitude. What is compared is counted exactly
//! elsewhere; nothing judges by this.

use serde::{Deserialize, Serialize};

/// Each step is so much larger than the one before: the middle of a step is within 2% of all of it.
const GROWTH: f64 = 1.04;
/// Below and above these, in whatever unit, everything counts as one.
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e9;

/// Counts by step, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sketch {
    steps: Vec<(u16, u32)>,
}

impl Sketch {
    pub fn add(&mut self, value: f64) {
        self.count(step(value), 1);
    }

    fn count(&mut self, step: u16, count: u32) {
        match self.steps.binary_search_by_key(&step, |(known, _)| *known) {
            Ok(place) => self.steps[place].1 = self.steps[place].1.saturating_add(count),
            Err(place) => self.steps.insert(place, (step, count)),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (step, count) in &other.steps {
            self.count(*step, *count);
        }
    }

    /// The value that `part` of 100 000 samples are at most: 95 000 for p95.
    pub fn percentile(&self, part: u32) -> Option<f64> {
        let all: u64 = self.steps.iter().map(|(_, count)| u64::from(*count)).sum();
        let rank = (u128::from(all) * u128::from(part)).div_ceil(100_000).max(1);
        let mut seen = 0_u128;
        let found = self.steps.iter().find(|(_, count)| {
            seen += u128::from(*count);
            seen >= rank
        });
        found.map(|(step, _)| LEAST * GROWTH.powf(f64::from(*step) - 0.5))
    }
}

fn step(value: f64) -> u16 {
    let value = value.clamp(LEAST, MOST);
    // Within bounds of the clamp: at most 882.
    let step = (value / LEAST).ln() / GROWTH.ln();
    step.ceil().clamp(0.0, f64::from(u16::MAX)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_within_two_percent_of_the_true_one() {
        let mut sketch = Sketch::default();
        let mut halves = [Sketch::default(), Sketch::default()];
        for ms in 1..=1_000_u32 {
            sketch.add(f64::from(ms) / 1_000.0);
            halves[usize::from(ms % 2 == 0)].add(f64::from(ms) / 1_000.0);
        }
        let [mut merged, other] = halves;
        merged.merge(&other);
        assert_eq!(merged, sketch, "in any parts");
        for (part, true_one) in [(50_000, 0.5), (95_000, 0.95), (99_900, 0.999), (1, 0.001)] {
            let shown = sketch.percentile(part).expect("samples");
            assert!((shown / true_one - 1.0).abs() < 0.021, "{part}: {shown}");
        }
        assert_eq!(Sketch::default().percentile(95_000), None);
    }

    #[test]
    fn any_number_has_a_place() {
        let mut sketch = Sketch::default();
        for value in [0.0, -1.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
            sketch.add(value);
        }
        assert!(sketch.percentile(100_000).is_some_and(|most| most <= MOST * GROWTH));
    }
}
