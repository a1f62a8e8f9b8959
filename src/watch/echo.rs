//! What a rehearsal takes for the time that it skips, stamped as generated: what somebody makes up, or else what each
//! source said last, again and again. A source that has fallen silent is not spoken for.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant as WireInstant;

use super::kept::MINUTE;
use super::made::Making;
use super::point::{Point, Taken};
use crate::launch::id::SignalId;
use crate::launch::plan::{Condition, Objective, Plan, SignalSource};
use crate::launch::time::{Instant, millis};
use crate::launch::verdict::Verdict;

/// A source that said nothing for so many of its intervals, and this long beside, is silent.
const INTERVALS: u32 = 3;
const BESIDE: Duration = Duration::from_secs(2);
/// How long a rehearsal waits for what a source says of a world that was changed just now.
const FIRST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Echoes {
    /// How often each source is asked that is asked, and that an objective stands on.
    every: HashMap<SignalId, Duration>,
    last: HashMap<SignalId, Echo>,
    /// The monitors that a trigger or a criterion stands on.
    deciding: HashMap<SignalId, Deciding>,
    /// When the world was changed: what was asked before says nothing of it.
    stirred: WireInstant,
}

impl Default for Echoes {
    fn default() -> Self {
        let (every, last, deciding) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { every, last, deciding, stirred: WireInstant::now() }
    }
}

/// Of one monitor.
#[derive(Debug, Clone, Copy, Default)]
struct Deciding {
    /// It has looked at the world as it is.
    heard: bool,
    /// Failures in a row.
    failures: u32,
    /// The last look failed, and that does not count yet.
    falls_short: bool,
    /// So many of them do not count yet.
    fails_after: u32,
}

impl Deciding {
    fn hear(&mut self, verdict: Verdict, before: bool) {
        match verdict {
            Verdict::Fail => self.failures = self.failures.saturating_add(1),
            Verdict::Pass | Verdict::Warn => self.failures = 0,
            Verdict::Skipped | Verdict::Unknown | Verdict::Stale => {}
        }
        self.heard |= !before;
        self.falls_short = verdict == Verdict::Fail && self.failures <= self.fails_after;
    }
}

#[derive(Debug)]
struct Echo {
    point: Point,
    heard: WireInstant,
    /// The last look that found nothing wrong, in the world as it is.
    well: Option<Taken>,
}

impl Echoes {
    /// From here on by `plan`; of what is `asked` anew nothing is known.
    pub fn under(&mut self, plan: &Plan, asked: &[SignalId]) {
        let monitors = plan.monitors.iter().map(|monitor| (SignalId::of_monitor(&monitor.id), monitor.every));
        // A counter that stood still would be made up, and one that grew too.
        let levels = plan.signals.iter().filter(|signal| !signal.counter);
        let polled = levels.filter(|signal| matches!(signal.source, SignalSource::Asked(_)));
        let all = monitors.chain(polled.map(|signal| (signal.id.clone(), signal.every)));
        // What no objective asks for is of no use made up.
        let fed: HashSet<&SignalId> = plan.objectives.iter().flat_map(Objective::signals).collect();
        self.every = all.filter(|(signal, _)| fed.contains(signal)).collect();
        let triggers = plan.triggers.iter().filter_map(|trigger| match &trigger.when {
            Condition::Monitor(id) => Some(SignalId::of_monitor(id)),
            _ => None,
        });
        let criteria = plan.criteria.iter().flat_map(|known| known.by.monitors()).map(SignalId::of_monitor);
        let after: HashMap<SignalId, u32> =
            plan.monitors.iter().map(|known| (SignalId::of_monitor(&known.id), known.fails_after)).collect();
        let known = |signal: &SignalId| Deciding {
            fails_after: after.get(signal).copied().unwrap_or_default(),
            ..self.deciding.get(signal).copied().unwrap_or_default()
        };
        self.deciding = triggers.chain(criteria).map(|signal| (signal.clone(), known(&signal))).collect();
        let every = &self.every;
        self.last.retain(|signal, _| every.contains_key(signal) && !asked.contains(signal));
    }

    /// Hears what a source says by itself.
    pub fn hear(&mut self, signal: &SignalId, point: &Point) {
        let heard = WireInstant::now();
        let took = if let Taken::Look { took, .. } = &point.taken { *took } else { Duration::ZERO };
        let before = heard.checked_sub(took).is_none_or(|began| began < self.stirred);
        if let (Some(deciding), Taken::Look { verdict, .. }) = (self.deciding.get_mut(signal), &point.taken) {
            deciding.hear(*verdict, before);
        }
        if !before && self.every.contains_key(signal) {
            let well = match &point.taken {
                Taken::Look { verdict: Verdict::Pass | Verdict::Warn, .. } => Some(point.taken.clone()),
                _ => self.last.get_mut(signal).and_then(|echo| echo.well.take()),
            };
            self.last.insert(signal.clone(), Echo { point: point.clone(), heard, well });
        }
    }

    /// Whether the last look of a monitor that somebody stands on failed, and not yet so often that it counts.
    pub fn falls_short(&self, signal: &SignalId) -> bool {
        self.deciding.get(signal).is_some_and(|deciding| deciding.falls_short)
    }

    /// The world was changed: nothing is repeated that was said before.
    pub fn stirred(&mut self) {
        self.last.clear();
        self.deciding.values_mut().for_each(|deciding| deciding.heard = false);
        self.stirred = WireInstant::now();
    }

    /// True while one of `signals`, or of the monitors of triggers, may say something of the world as it is now, and has
    /// not yet.
    pub fn awaits<'a>(&self, mut signals: impl Iterator<Item = &'a SignalId>, making: Option<&dyn Making>) -> bool {
        let unheard = |signal: &SignalId| {
            let made = making.is_some_and(|making| making.makes(signal));
            // Of looks of which some are spared, one of those must be known.
            let well = || making.is_some_and(|making| making.spares(signal));
            let heard = self.last.get(signal).is_some_and(|echo| echo.well.is_some() || !well());
            !made && self.every.contains_key(signal) && !heard
        };
        let undecided = || self.deciding.values().any(|deciding| !deciding.heard);
        self.stirred.elapsed() < FIRST && (signals.any(unheard) || undecided())
    }

    /// What the sources would have said from `from` to the instant that is handed back with it, but for those that
    /// are made up: `until`, or a minute on, so that a jump over days does not lie in memory at once.
    pub fn repeat(
        &mut self,
        from: Instant,
        until: Instant,
        making: Option<&dyn Making>,
    ) -> (Vec<(SignalId, Point)>, Instant) {
        let until = until.min(Instant(from.0.saturating_add(MINUTE)));
        let mut all = Vec::new();
        for (signal, echo) in &mut self.last {
            let every = self.every.get(signal).copied().unwrap_or_default();
            let level = match &echo.point.taken {
                Taken::Look { .. } | Taken::Nothing => true,
                Taken::Number { instance, .. } => instance.is_none(),
                Taken::Histogram { .. } => false,
            };
            let made = making.is_some_and(|making| making.makes(signal));
            if made || !level || every.is_zero() || echo.heard.elapsed() > every * INTERVALS + BESIDE {
                continue;
            }
            let pause = pause(every, &echo.point.taken);
            let mut at = echo.point.at.plus(pause).max(from);
            while at < until {
                let hit = making.and_then(|making| making.hit(signal, at, every));
                let taken = match (&echo.point.taken, hit) {
                    (Taken::Look { took, .. }, Some(verdict)) => Taken::Look { verdict, took: *took },
                    // Spared: what was hit itself says nothing of it.
                    (last, None) if making.is_some_and(|making| making.spares(signal)) => {
                        echo.well.as_ref().unwrap_or(last).clone()
                    }
                    (last, _) => last.clone(),
                };
                all.push((signal.clone(), Point { at, taken, generated: true }));
                echo.point.at = at;
                at = Instant(at.0.saturating_add(millis(pause).max(1)));
            }
        }
        (all, until)
    }
}

/// From one look to the next: one that takes longer than its interval misses the ticks in it.
fn pause(every: Duration, taken: &Taken) -> Duration {
    let Taken::Look { took, .. } = taken else { return every };
    let ticks = took.as_nanos().div_ceil(every.as_nanos().max(1)).max(1);
    every.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::plan::{Beside, FireMode, Monitor, SpecId, Trigger};
    use crate::watch::readings::tests::{objective, plan};

    #[tokio::test(start_paused = true)]
    async fn a_jump_over_days_is_told_by_the_minute_and_of_what_an_objective_stands_on_alone() {
        let plan = plan(vec![objective("errors", "monitor.api", "error_rate <= 5%", Beside::Nothing)]);
        let mut echoes = Echoes::default();
        echoes.under(&plan, &[]);
        tokio::time::advance(Duration::from_secs(1)).await;
        let taken = Taken::Look { verdict: Verdict::Pass, took: Duration::ZERO };
        for signal in ["monitor.api", "monitor.web"] {
            echoes.hear(&signal.into(), &Point { at: Instant(0), taken: taken.clone(), generated: false });
        }
        let until = Instant(3 * 86_400_000 + 500);
        let (mut upto, mut told) = (Instant(0), Vec::new());
        while upto < until {
            let (said, after) = echoes.repeat(upto, until, None);
            assert!(said.len() <= 60 && after > upto, "{} samples up to {after:?}", said.len());
            told.extend(said.into_iter().map(|(signal, point)| (signal, point.at)));
            upto = after;
        }
        // One a second, none left out between two slices and none twice.
        let whole: Vec<_> = (1..=3 * 86_400).map(|second| ("monitor.api".into(), Instant(second * 1_000))).collect();
        assert!(told == whole, "{} samples", told.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_monitor_that_a_trigger_stands_on_is_heard_of_a_world_that_was_changed_before_time_is_skipped() {
        let mut plan = plan(Vec::new());
        plan.triggers = vec![Trigger {
            id: "web-down".into(),
            title: String::new(),
            when: Condition::Monitor("web".into()),
            lasts: Duration::ZERO,
            recovers_after: Duration::ZERO,
            then: "back".into(),
            mode: FireMode::Ask,
            armed_from: None,
            armed_until: None,
        }];
        let mut echoes = Echoes::default();
        echoes.under(&plan, &[]);
        let none = || std::iter::empty::<&SignalId>();
        assert!(echoes.awaits(none(), None));
        let hear = |echoes: &mut Echoes, verdict: Verdict| {
            let taken = Taken::Look { verdict, took: Duration::ZERO };
            echoes.hear(&"monitor.web".into(), &Point { at: Instant(0), taken, generated: false });
        };
        tokio::time::advance(Duration::from_secs(1)).await;
        hear(&mut echoes, Verdict::Pass);
        assert!(!echoes.awaits(none(), None));
        echoes.stirred();
        assert!(echoes.awaits(none(), None), "of this world nothing is known");
        tokio::time::advance(Duration::from_secs(1)).await;
        hear(&mut echoes, Verdict::Pass);
        assert!(!echoes.awaits(none(), None));
        // One that counts only after two failures.
        plan.monitors = vec![Monitor {
            id: "web".into(),
            title: String::new(),
            spec: SpecId(0),
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            fails_after: 2,
            items: Vec::new(),
            ready_for: None,
        }];
        let mut echoes = Echoes::default();
        echoes.under(&plan, &[]);
        tokio::time::advance(Duration::from_secs(1)).await;
        for (verdict, short) in
            [(Verdict::Fail, true), (Verdict::Unknown, false), (Verdict::Fail, true), (Verdict::Fail, false)]
        {
            hear(&mut echoes, verdict);
            assert_eq!(echoes.falls_short(&"monitor.web".into()), short);
        }
        echoes.stirred();
        tokio::time::advance(FIRST).await;
        assert!(!echoes.awaits(none(), None), "no longer than that");
    }
}
