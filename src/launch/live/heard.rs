//! Which of a launch's sources are heard just now: "watching 5 of 6, oldest sample 4s". Pure; what follows from a
//! lost source is decided by rules, from what is journaled.

use std::time::Duration;

use super::{Live, MonitorView, SignalView};
use crate::launch::plan::{Monitor, Plan, Signal, SignalSource};
use crate::launch::time::Wall;
use crate::launch::verdict::Verdict;

/// A source that is asked is silent after so many of its intervals, beside what one look may take.
const INTERVALS: u32 = 3;

/// The sources of a launch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Sources that should tell something now; a stream that opens later is none yet.
    pub of: usize,
    /// Those of them that do.
    pub heard: usize,
    /// How old the newest sample of the source is that said nothing for longest.
    pub oldest: Option<Duration>,
    /// Those that are not heard, in the order of the plan: `monitor api`.
    pub silent: Vec<String>,
}

/// Which of the plan's monitors, signals and streams are heard at `now`. What could not tell is not heard: no data is
/// not health.
#[must_use]
pub fn heard(plan: &Plan, live: &Live, now: Wall) -> Heard {
    let mut heard = Heard::default();
    for monitor in &plan.monitors {
        let age = live.monitors.get(&monitor.id).and_then(|view| told(view, now));
        let patience = patience(monitor);
        heard.take(age, age.is_some_and(|age| age <= patience), || format!("monitor {}", monitor.id));
    }
    for signal in &plan.signals {
        let age = live.signals.get(&signal.id).and_then(|view| number(view, now));
        // One that is told by a stream's lines may say nothing for as long as nothing happens.
        let open = match &signal.source {
            SignalSource::Asked(_) => None,
            SignalSource::Stream(stream) => Some(live.streams.get(stream).is_some_and(|view| view.open)),
        };
        let fresh = age.is_some_and(|age| age <= signal.stale_after);
        heard.take(age, open.unwrap_or(fresh), || name(signal));
    }
    for stream in &plan.streams {
        let Some(view) = live.streams.get(&stream.id) else {
            // What waits for an item has not begun; any other should have.
            if stream.after.is_none() {
                heard.take(None, false, || format!("stream {}", stream.id));
            }
            continue;
        };
        heard.take(None, view.open || view.finished, || format!("stream {}", stream.id));
    }
    heard
}

impl Heard {
    fn take(&mut self, age: Option<Duration>, is_heard: bool, name: impl FnOnce() -> String) {
        self.of += 1;
        self.oldest = self.oldest.max(age);
        if is_heard {
            self.heard += 1;
        } else {
            self.silent.push(name());
        }
    }

    /// `watching 5 of 6, oldest sample 4s`.
    #[must_use]
    pub fn words(&self) -> String {
        let oldest = self.oldest.map_or_else(
            || ", no sample yet".to_owned(),
            |age| format!(", oldest sample {}", humantime::format_duration(Duration::from_secs(age.as_secs()))),
        );
        format!("watching {} of {}{oldest}", self.heard, self.of)
    }
}

fn patience(monitor: &Monitor) -> Duration {
    monitor.every.saturating_mul(INTERVALS).saturating_add(monitor.timeout)
}

fn name(signal: &Signal) -> String {
    format!("signal {}", signal.id)
}

/// How old the newest look is that tells something.
fn told(view: &MonitorView, now: Wall) -> Option<Duration> {
    let mut samples = view.samples.iter().rev();
    let newest = samples.find(|sample| !matches!(sample.verdict, Verdict::Unknown | Verdict::Stale))?;
    Some((now - newest.at).to_std().unwrap_or_default())
}

fn number(view: &SignalView, now: Wall) -> Option<Duration> {
    let (at, _) = view.numbers.back()?;
    Some((now - *at).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::live::{Sample, StreamView};
    use crate::launch::plan::{SpecId, Stream};
    use crate::launch::threshold::{Dimension, Unit};

    fn second(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn plan() -> Plan {
        let monitor = |id: &str| Monitor {
            id: id.into(),
            title: String::new(),
            spec: SpecId(0),
            every: second(1),
            timeout: second(5),
            fails_after: 3,
            items: Vec::new(),
            ready_for: None,
        };
        let signal = |id: &str, source: SignalSource| Signal {
            id: id.into(),
            title: String::new(),
            source,
            unit: Unit::base(Dimension::Plain),
            counter: false,
            every: second(5),
            timeout: second(5),
            stale_after: second(30),
            baseline: Vec::new(),
        };
        let stream = |id: &str, after: Option<&str>| Stream {
            id: id.into(),
            title: String::new(),
            spec: SpecId(1),
            session: None,
            after: after.map(Into::into),
        };
        Plan {
            monitors: vec![monitor("api"), monitor("web")],
            signals: vec![
                signal("load", SignalSource::Asked(SpecId(2))),
                signal("lines", SignalSource::Stream("log".into())),
            ],
            streams: vec![stream("log", None), stream("chat", Some("login"))],
            ..Plan::default()
        }
    }

    fn looked(ages: &[(u64, Verdict)], now: Wall) -> MonitorView {
        let sample = |(age, verdict): &(u64, Verdict)| Sample {
            at: now - second(*age),
            verdict: *verdict,
            took: Duration::from_millis(3),
        };
        MonitorView { samples: ages.iter().map(sample).collect(), ..MonitorView::default() }
    }

    #[test]
    fn what_says_nothing_is_not_heard_and_what_waits_for_an_item_is_not_asked_for() {
        let (plan, mut live, now) = (plan(), Live::default(), Wall::default());
        let none = heard(&plan, &live, now);
        assert_eq!((none.heard, none.of, none.words()), (0, 5, "watching 0 of 5, no sample yet".to_owned()));
        assert_eq!(none.silent, ["monitor api", "monitor web", "signal load", "signal lines", "stream log"]);
        live.monitors.insert("api".into(), looked(&[(9, Verdict::Pass), (4, Verdict::Fail)], now));
        live.monitors.insert("web".into(), looked(&[(41, Verdict::Pass), (0, Verdict::Unknown)], now));
        live.signals.entry("load".into()).or_default().numbers.push_back((now - second(30), 1.0));
        live.streams.insert("log".into(), StreamView { open: true, ..StreamView::default() });
        let some = heard(&plan, &live, now);
        // A failure is heard: the world answered.
        assert_eq!((some.heard, some.of, &some.silent[..]), (4, 5, &["monitor web".to_owned()][..]));
        assert_eq!(some.words(), "watching 4 of 5, oldest sample 41s");
        // The ninth second passes its patience: three looks and the time that one may take.
        assert_eq!(heard(&plan, &live, now + second(4)).heard, 3, "the signal is stale");
        assert_eq!(heard(&plan, &live, now + second(5)).silent[0], "monitor api");
        live.streams.insert("chat".into(), StreamView::default());
        assert_eq!(heard(&plan, &live, now).silent, ["monitor web", "stream chat"]);
    }
}
