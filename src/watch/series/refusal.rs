//! Samples that a threshold cannot be counted by, and why: said, never guessed around. Above all histograms, which
//! tell exactly how many were at most a bound, and nothing between two bounds.

use crate::launch::threshold::{Is, Of, Threshold, Unit};

/// Why a sample tells nothing about a threshold.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Refused {
    /// It says nothing at all.
    Nothing,
    /// It is of a time that has not come.
    Ahead,
    LookIsNoNumber,
    NumberIsNoOutcome,
    LevelDoesNotGrow,
    CounterIsNoLatency,
    HistogramIsNoNumber,
    /// `<` and `>=` split the samples that are exactly at the bound, which a histogram does not.
    NotAtMost,
    /// The largest finite bound, in the signal's unit of this name.
    Above(f64, &'static str),
    /// The bounds beside the threshold.
    Between(f64, f64, &'static str),
    TooMany,
}

impl Refused {
    pub fn words(&self, that: &Threshold) -> String {
        let limit = that.limit.words();
        let number = |value: &f64, unit: &str| format!("{value}{unit}");
        match self {
            Self::Nothing => "the sample says nothing".to_owned(),
            Self::Ahead => "its samples are of a time that has not come: a clock is wrong".to_owned(),
            Self::LookIsNoNumber => "a look is no number: write `error_rate`, `up` or `p95`".to_owned(),
            Self::NumberIsNoOutcome => "a number neither fails nor passes: compare its value".to_owned(),
            Self::LevelDoesNotGrow => "only a counter grows: write `counter = true` with its signal".to_owned(),
            Self::CounterIsNoLatency => "a counter has no latencies".to_owned(),
            Self::HistogramIsNoNumber => "a histogram is no number: write `p95`".to_owned(),
            Self::NotAtMost => {
                format!("a histogram counts what is at most {limit}: compare with `<=` or `>`")
            }
            Self::Above(top, unit) => {
                format!("{limit} is above the top bucket of the histogram, which ends at {}", number(top, unit))
            }
            Self::Between(below, above, unit) => {
                let (below, above) = (number(below, unit), number(above, unit));
                format!("no bucket of the histogram ends at {limit}: the nearest end at {below} and {above}")
            }
            Self::TooMany => "more processes than are told apart".to_owned(),
        }
    }
}

/// All samples of a histogram, and those that are not against the threshold: only where a bucket ends at exactly
/// its limit.
pub(super) fn counted(that: &Threshold, unit: Unit, upto: &[(f64, f64)]) -> Result<(f64, f64), Refused> {
    if !matches!(that.of, Of::Percentile(_) | Of::Max) {
        return Err(Refused::HistogramIsNoNumber);
    }
    if !matches!(that.is, Is::AtMost | Is::More) {
        return Err(Refused::NotAtMost);
    }
    let ascending = upto.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
    let counts = upto.iter().all(|(bound, count)| !bound.is_nan() && count.is_finite() && *count >= 0.0);
    let Some((last, total)) = upto.last().copied().filter(|_| ascending && counts) else {
        return Err(Refused::Nothing);
    };
    // Without the last bucket nobody knows of how many those below are.
    if last != f64::INFINITY {
        return Err(Refused::Nothing);
    }
    if let Some((_, good)) = upto.iter().find(|(bound, _)| bound.is_finite() && that.is_at(*bound, unit)) {
        return Ok((total, *good));
    }
    let limit = that.limit.value();
    let finite = || upto.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite());
    let below = finite().rfind(|bound| bound * unit.in_base() < limit);
    match (below, finite().find(|bound| bound * unit.in_base() > limit)) {
        (Some(below), Some(above)) => Err(Refused::Between(below, above, unit.word)),
        (Some(top), None) => Err(Refused::Above(top, unit.word)),
        (None, Some(above)) => Err(Refused::Between(0.0, above, unit.word)),
        (None, None) => Err(Refused::Nothing),
    }
}
