//! How often a trigger fires though nothing is wrong: an upper bound, for whoever writes a plan. No rule of a launch
//! stands on it.
//!
//! What it assumes: that samples fail independently of each other, each with the same small probability. Outages,
//! retries and bursts are not noise, and are what a trigger is for. It is a bound, not an estimate: of all the
//! evaluations that must be breached in a row only those are counted whose windows share no sample, and firing
//! at any of them is taken to be as likely as at each.

use std::time::Duration;

use super::objective::sure;
use super::plan::{Beside, Condition, Objective, Plan, Trigger};
use super::proportions::{deviations, wilson};
use super::threshold::Is;

const DAY: Duration = Duration::from_secs(86_400);
/// Beyond this many samples a window is taken for one of so many: the bound grows no tighter.
const SAMPLES_AT_MOST: u64 = 200_000;

/// A world in which nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// The share of samples that count against the threshold all the same, 0 to 1.
    pub share: f64,
    /// Samples in a window; for a monitor's own verdict they are not asked for.
    pub samples: u64,
}

/// What noise comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FalseTrips {
    /// At most so often a day, expected.
    pub per_day: f64,
    /// How likely one evaluation is breached by noise alone.
    pub breach: f64,
    /// Windows without a common sample that must all be.
    pub windows: u32,
}

impl FalseTrips {
    fn of(breach: f64, windows: u32, each: Duration) -> Self {
        let evaluations = DAY.as_secs_f64() / each.as_secs_f64().max(1e-3);
        let all = breach.powi(i32::try_from(windows).unwrap_or(i32::MAX));
        Self { per_day: evaluations * all, breach, windows }
    }

    /// `less than once in 1000 days`, rounded so that it never promises more.
    #[must_use]
    pub fn words(&self) -> String {
        let days = 1.0 / self.per_day;
        match days {
            _ if self.per_day.is_nan() => "it is not known how often".to_owned(),
            days if days >= 1e9 => "less than once in a billion days".to_owned(),
            days if days >= 1.0 => {
                let step = 10_f64.powf(days.log10().floor());
                let rounded = (days / step).floor() * step;
                if rounded <= 1.0 {
                    "up to once a day".to_owned()
                } else {
                    format!("less than once in {rounded:.0} days")
                }
            }
            _ => format!("up to {:.0} times a day", self.per_day.ceil()),
        }
    }
}

/// How often `trigger` fires a day where nothing is wrong; none where no samples are counted, so that how often they
/// fail says nothing.
#[must_use]
pub fn false_trips(plan: &Plan, trigger: &Trigger, noise: Noise) -> Option<FalseTrips> {
    match &trigger.when {
        Condition::Objective(id) => {
            let objective = plan.objectives.iter().find(|objective| objective.id == *id)?;
            of_objective(objective, trigger.lasts, noise)
        }
        Condition::Monitor(id) => {
            let monitor = plan.monitors.iter().find(|monitor| monitor.id == *id)?;
            // It fails at the look after `fails_after` failures, and goes on failing for as long as is asked.
            let lasts = trigger.lasts.as_millis() / monitor.every.as_millis().max(1);
            let looks = u32::try_from(lasts).unwrap_or(u32::MAX).saturating_add(monitor.fails_after).saturating_add(1);
            Some(FalseTrips::of(noise.share, looks, monitor.every))
        }
        Condition::Manual => None,
    }
}

/// The same of an objective that must be breached for `lasts`.
#[must_use]
pub fn of_objective(objective: &Objective, lasts: Duration, noise: Noise) -> Option<FalseTrips> {
    let apart = lasts.as_millis() / objective.window.as_millis().max(1);
    let windows = u32::try_from(apart).unwrap_or(u32::MAX).saturating_add(1);
    let breach = match &objective.beside {
        Beside::Nothing if objective.that.of.is_counted() => worst(objective, noise),
        Beside::Against { both_ways, confidence, .. } if objective.that.of.is_counted() => {
            alike(objective, sure(*confidence), *both_ways, noise)
        }
        Beside::Per(_) if matches!(objective.that.is, Is::AtMost | Is::Less) => worst(objective, noise),
        _ => return None,
    };
    Some(FalseTrips::of(breach, windows, objective.evaluate_every))
}

/// The likeliest breach of all windows that may tell something: fewer samples than usual are noisier.
fn worst(objective: &Objective, noise: Noise) -> f64 {
    let (least, most) = samples(objective, noise);
    // A limit is as strict again after each whole number of samples it lets fail: a few hundred show them all.
    let span = (most - least).min(400);
    let counts = (least..=least + span).chain([most]);
    counts.map(|samples| breached(objective, noise.share, samples)).fold(0.0, f64::max)
}

/// A canary whose share is its baseline's, told apart from it all the same. Of few failures a score interval is less
/// sure than it says, and more so the larger the baseline is beside the canary: so the bound is that of a baseline
/// without end, times what counting in whole samples adds to it at the most (a test holds it to the exact sums).
fn alike(objective: &Objective, sure: f64, both_ways: bool, noise: Noise) -> f64 {
    let z = deviations(if both_ways { f64::midpoint(1.0, sure) } else { sure });
    let (least, most) = samples(objective, noise);
    let margin = objective.that.margin();
    let told_apart = |of: u64| {
        let worse = first(of, |hits| wilson(hits, of, z).0 <= noise.share + margin);
        let better = first(of, |hits| wilson(hits, of, z).1 < noise.share - margin);
        let better = if both_ways { 1.0 - at_least(better, of, noise.share) } else { 0.0 };
        at_least(worse, of, noise.share) + better
    };
    let worst = (least..=least + (most - least).min(400)).chain([most]).map(told_apart).fold(1.0 - sure, f64::max);
    (worst * WHOLE_SAMPLES).min(1.0)
}

/// What counting in whole samples adds to how often two equal shares are told apart, at the most.
const WHOLE_SAMPLES: f64 = 3.0;

/// From how few samples a window tells something, and how many it brings.
fn samples(objective: &Objective, noise: Noise) -> (u64, u64) {
    let own = match objective.beside {
        Beside::Nothing => objective.that.least_samples(),
        Beside::Per(_) => objective.that.least_of_share(),
        Beside::Minus(_) | Beside::Against { .. } => 1,
    };
    let least = objective.min_samples.max(own).clamp(1, SAMPLES_AT_MOST);
    (least, noise.samples.clamp(least, SAMPLES_AT_MOST))
}

/// The first count up to `of` for which `holds` holds no more; one more than `of` where it always does.
fn first(of: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, of.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if middle <= of && holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// How likely so many samples are a breach.
fn breached(objective: &Objective, share: f64, samples: u64) -> f64 {
    let that = &objective.that;
    let holds = |against: u64| match objective.beside {
        Beside::Per(_) => {
            let (limit, by) = that.limit_share();
            let order = i128::from(against).saturating_mul(by).cmp(&limit.saturating_mul(i128::from(samples)));
            if that.is == Is::Less { order.is_lt() } else { order.is_le() }
        }
        _ => that.holds_counted(against, samples),
    };
    let upper = holds(0);
    let tail = at_least(first(samples, |against| holds(against) == upper), samples, share);
    if upper { tail } else { 1.0 - tail }
}

/// How likely at least `hits` of `of` happen, each with probability `share`: the binomial tail, summed from its
/// likeliest count outwards, so that nothing is lost to numbers too small to be held.
#[must_use]
pub fn at_least(hits: u64, of: u64, share: f64) -> f64 {
    let share = share.clamp(0.0, 1.0);
    if hits == 0 {
        return 1.0;
    }
    if hits > of || share == 0.0 {
        return 0.0;
    }
    if share >= 1.0 {
        return 1.0;
    }
    let odds = share / (1.0 - share);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between none and all")]
    let mode = (((of as f64 + 1.0) * share) as u64).min(of);
    let (mut whole, mut tail) = (0.0, 0.0);
    let mut take = |count: u64, weight: f64| {
        whole += weight;
        if count >= hits {
            tail += weight;
        }
    };
    let mut weight = 1.0;
    for count in mode..=of {
        take(count, weight);
        weight *= (of - count) as f64 / (count + 1) as f64 * odds;
        if weight < 1e-300 {
            break;
        }
    }
    weight = 1.0;
    for count in (0..mode).rev() {
        weight *= (count + 1) as f64 / (of - count) as f64 / odds;
        take(count, weight);
        if weight < 1e-300 {
            break;
        }
    }
    (tail / whole).min(1.0)
}

#[cfg(test)]
#[path = "false_trips_tests.rs"]
mod tests;
