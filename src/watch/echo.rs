//! What a rehearsal takes for the time that it skips: what each source said last, again and again, stamped as
//! generated. A source that has fallen silent is not spoken for.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant as WireInstant;

use super::point::{Point, Taken};
use crate::launch::id::SignalId;
use crate::launch::plan::{Plan, SignalSource};
use crate::launch::time::{Instant, millis};

/// A source that said nothing for so many of its intervals, and this long beside, is silent.
const INTERVALS: u32 = 3;
const BESIDE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// How often each source that is asked is asked.
    every: HashMap<SignalId, Duration>,
    last: HashMap<SignalId, Echo>,
}

#[derive(Debug)]
struct Echo {
    point: Point,
    heard: WireInstant,
}

impl Echoes {
    pub fn under(&mut self, plan: &Plan) {
        let monitors = plan.monitors.iter().map(|monitor| (SignalId::of_monitor(&monitor.id), monitor.every));
        // A counter that stood still would be made up, and one that grew too.
        let levels = plan.signals.iter().filter(|signal| !signal.counter);
        let asked = levels.filter(|signal| matches!(signal.source, SignalSource::Asked(_)));
        self.every = monitors.chain(asked.map(|signal| (signal.id.clone(), signal.every))).collect();
        let every = &self.every;
        self.last.retain(|signal, _| every.contains_key(signal));
    }

    /// Hears what a source says by itself.
    pub fn hear(&mut self, signal: &SignalId, point: &Point) {
        if self.every.contains_key(signal) {
            self.last.insert(signal.clone(), Echo { point: point.clone(), heard: WireInstant::now() });
        }
    }

    /// What the sources would have said in [`from`, `until`).
    pub fn repeat(&mut self, from: Instant, until: Instant) -> Vec<(SignalId, Point)> {
        let mut all = Vec::new();
        for (signal, echo) in &mut self.last {
            let every = self.every.get(signal).copied().unwrap_or_default();
            let level = match &echo.point.taken {
                Taken::Look { .. } | Taken::Nothing => true,
                Taken::Number { instance, .. } => instance.is_none(),
                Taken::Histogram { .. } => false,
            };
            if !level || every.is_zero() || echo.heard.elapsed() > every * INTERVALS + BESIDE {
                continue;
            }
            let mut at = echo.point.at.plus(every).max(from);
            while at < until {
                let point = Point { at, taken: echo.point.taken.clone(), generated: true };
                all.push((signal.clone(), point));
                echo.point.at = at;
                at = Instant(at.0.saturating_add(millis(every).max(1)));
            }
        }
        all
    }
}
