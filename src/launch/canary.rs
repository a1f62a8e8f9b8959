//! How long a canary must run to be told from its baseline: for whoever writes a plan, before anything runs. No rule
//! of a launch stands on it.
//!
//! What it assumes: samples fail independently of each other, and a share is normal around the true one. The score
//! intervals that judge the canary (`objective::judge`) are taken as wide as they are at the true shares; a canary
//! that looks better than it is has narrower ones, so the answer is a little too careful: up to a third more samples
//! than exact binomial sums ask for. A test holds it to those.

use std::time::Duration;

use super::plan::{Beside, Objective};
use super::proportions::deviations;

/// How likely the breach must be seen.
pub const POWER: f64 = 0.9;
/// More samples than this no launch brings.
const MOST_SAMPLES: u64 = 1 << 40;

/// What a canary is meant to see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The share of bad samples that is usual, of one: the baseline's.
    pub usual: f64,
    /// The share of bad samples of a canary that must be noticed.
    pub sees: f64,
    /// Samples of the canary in a second, and of the baseline.
    pub rates: (f64, f64),
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Samples of the canary in one window.
    pub canary: u64,
    /// Samples of the baseline in the same window.
    pub baseline: u64,
    /// How long both take to come, in whole seconds.
    pub time: Duration,
}

/// How many samples one window must hold, so that the breach is seen in nine of ten of them. None where the
/// objective is no canary's, or never sees it: what it lets pass is as much, or no launch has so many samples.
#[must_use]
pub fn size(objective: &Objective, expected: &Expected) -> Option<Size> {
    let Beside::Against { both_ways, confidence, .. } = objective.beside else { return None };
    let sure = f64::from(confidence.clamp(50_000, 99_999)) / 100_000.0;
    let z = deviations(if both_ways { f64::midpoint(1.0, sure) } else { sure });
    let (canary, baseline) = expected.rates;
    if !(canary > 0.0 && baseline > 0.0) {
        return None;
    }
    let of = samples(expected, baseline / canary, objective.that.margin(), z)?.max(objective.min_samples);
    let seconds = (of as f64 / canary).max(objective.min_samples as f64 / baseline).ceil();
    let beside = whole(of as f64 * baseline / canary).max(objective.min_samples);
    Some(Size { canary: of, baseline: beside, time: Duration::from_secs(whole(seconds)) })
}

/// The samples of the canary, where its baseline has `times` as many.
fn samples(expected: &Expected, times: f64, margin: f64, z: f64) -> Option<u64> {
    let (p, q) = (expected.sees, expected.usual);
    let beyond = p - q - margin;
    let right = (0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&q) && beyond > 0.0;
    if !right {
        return None;
    }
    let unlucky = deviations(POWER);
    let enough = |of: u64| {
        let (canary, baseline) = (of as f64, of as f64 * times);
        let noise = (p * (1.0 - p) / canary + q * (1.0 - q) / baseline).sqrt();
        let (low, high) = (score(p, canary, z).0, score(q, baseline, z).1);
        beyond >= ((p - low) * (p - low) + (high - q) * (high - q)).sqrt() + unlucky * noise
    };
    let mut high = 1;
    while !enough(high) {
        high *= 2;
        if high > MOST_SAMPLES {
            return None;
        }
    }
    let mut low = high / 2;
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

/// Wilson's interval of a share that need not be of whole hits (`proportions::wilson` is of counts).
fn score(share: f64, of: f64, z: f64) -> (f64, f64) {
    let square = z * z;
    let middle = share + square / (2.0 * of);
    let half = z * (share * (1.0 - share) / of + square / (4.0 * of * of)).sqrt();
    let by = 1.0 + square / of;
    (((middle - half) / by).max(0.0), ((middle + half) / by).min(1.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is never less than 0")]
fn whole(number: f64) -> u64 {
    number.max(0.0).ceil() as u64
}

#[cfg(test)]
#[path = "canary_tests.rs"]
mod tests;
