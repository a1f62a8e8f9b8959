//! The samples of a monitor of this launch, counted in a window. It looks at nothing outside.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Signal, Watched};
use crate::clock;
use crate::kind::check::prometheus::seen;
use crate::kind::check::{Check, Context, Ran, Seen};
use crate::kind::exchange::fit;
use crate::launch::live::Sample;
use crate::launch::threshold::{Of, Threshold};
use crate::launch::time::Wall;
use crate::launch::verdict::Verdict;

/// How long a rehearsal waits for a monitor's first look, and how often it asks.
const FIRST_LOOK: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the samples of a window come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub samples: u64,
    pub against: u64,
    /// Looks that could not tell: neither health nor failure.
    pub unclear: u64,
    /// Of the newest that tells something.
    pub age: Option<Duration>,
}

impl Count {
    /// Counts the samples that are at most `window` old. One that is ahead of `now` was taken by another clock.
    pub fn of(samples: &[Sample], that: &Threshold, window: Duration, now: Wall) -> Self {
        let mut count = Self::default();
        for sample in samples {
            let Ok(age) = (now - sample.at).to_std() else { continue };
            if age > window {
                continue;
            }
            let failed = match sample.verdict {
                Verdict::Fail => true,
                Verdict::Pass | Verdict::Warn => false,
                Verdict::Unknown | Verdict::Stale => {
                    count.unclear += 1;
                    continue;
                }
                Verdict::Skipped => continue,
            };
            let latency = matches!(that.of, Of::Percentile(_) | Of::Max);
            // Nothing takes no time: it was not measured, or there was no answer.
            let took = Some(sample.took).filter(|took| !took.is_zero());
            if latency && !failed && took.is_none() {
                count.unclear += 1;
                continue;
            }
            count.samples += 1;
            count.against += u64::from(that.is_against(failed, took));
            count.age = Some(count.age.map_or(age, |newest| newest.min(age)));
        }
        count
    }

    /// As many samples as are wanted, out of those there are: a rehearsal has no time to wait for them.
    fn generated(self, least: u64) -> Self {
        let times = if self.samples == 0 { 1 } else { least.div_ceil(self.samples).max(1) };
        Self { samples: self.samples.saturating_mul(times), against: self.against.saturating_mul(times), ..self }
    }

    pub fn document(&self) -> Value {
        let age = self.age.map(|age| age.as_secs_f64());
        json!({ "samples": self.samples, "against": self.against, "unclear": self.unclear, "age": age })
    }
}

fn count(signal: &Signal, watched: &Watched, cx: &Context) -> Option<Count> {
    let samples = cx.samples.as_ref()?(&watched.monitor)?;
    Some(Count::of(&samples, &signal.that, signal.window.unwrap_or_default(), clock::wall()))
}

/// Whether the monitor has seen anything. A rehearsal skips idle time, and its first look may still be under way:
/// that is waited for, or the example would pass on a target that is down.
pub(super) async fn has_samples(signal: &Signal, watched: &Watched, cx: &Context) -> bool {
    let until = Instant::now() + FIRST_LOOK.min(cx.timeout);
    // Without samples at all no monitor runs here.
    while cx.samples.is_some() && Instant::now() < until {
        if count(signal, watched, cx).is_some_and(|count| count.samples > 0) {
            return true;
        }
        sleep(LOOK_AGAIN).await;
    }
    false
}

/// Judges what the monitor saw; `generated` is how many samples a rehearsal wants at least.
pub(super) async fn look(signal: &Signal, watched: &Watched, cx: &Context, generated: Option<u64>) -> Ran {
    let (document, stamp) = match (count(signal, watched, cx), generated) {
        (Some(count), Some(least)) if count.samples < least => {
            let stamp = format!(" · generated from {} samples of the rehearsal", count.samples);
            (count.generated(least).document(), stamp)
        }
        (Some(count), _) => (count.document(), String::new()),
        (None, _) if cx.samples.is_some() => (json!({ "samples": "no sample yet" }), String::new()),
        (None, _) => (json!({ "samples": "no monitor runs here" }), String::new()),
    };
    let answers = vec![(format!("monitor {}", watched.monitor), Ok(seen(&document, Duration::ZERO)))];
    let seen = Seen { answers, control_answers: false };
    let mut report = signal.judge(&seen, &cx.scope, &cx.jq).await;
    report.summary.push_str(&stamp);
    Ran { report: fit(report, &cx.redactor), captured: Vec::new() }
}
