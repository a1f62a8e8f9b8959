//! What was sampled, in the order it came: what monitors and signals showed at any instant. Only looks that were
//! made are shown of a monitor, as they were on the day; a signal's numbers may be a rehearsal's own, and say so.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::launch::id::SignalId;
use crate::launch::live::{Live, MonitorView, SAMPLES_KEPT, Sample, SignalView};
use crate::launch::plan::Plan;
use crate::launch::time::{Instant, Wall};
use crate::launch::verdict::Verdict;

/// So many samples are held, at most 24 bytes each.
const MOST: usize = 8_000_000;

/// What one sample says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shot {
    /// A monitor looked.
    Look { verdict: Verdict, took: Duration },
    /// A number in the signal's unit that was so at `at`; several of one answer are added up.
    Number { at: Instant, value: f64, generated: bool },
    /// It was asked, and could not tell.
    Nothing,
}

/// The samples of a launch.
#[derive(Debug, Default)]
pub struct Film {
    looks: BTreeMap<SignalId, Vec<Look>>,
    signals: BTreeMap<SignalId, Told>,
    held: usize,
    left_out: u64,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    came: Instant,
    /// In microseconds; as much as a word holds at most.
    took: u32,
    verdict: Verdict,
}

#[derive(Debug, Default)]
struct Told {
    numbers: Vec<Number>,
    /// When it was asked and told nothing.
    silences: Vec<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Number {
    came: Instant,
    /// How old it was then, in milliseconds; as much as a word holds at most.
    age: u32,
    generated: bool,
    value: f64,
}

impl Film {
    /// Takes a sample of `signal` that came at `came`, not before those taken before it.
    pub fn take(&mut self, signal: &SignalId, came: Instant, shot: Shot) {
        if self.held >= MOST {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.held += 1;
        match shot {
            Shot::Look { verdict, took } => {
                let looks = self.looks.entry(signal.clone()).or_default();
                let came = looks.last().map_or(came, |last| came.max(last.came));
                looks.push(Look { came, took: u32::try_from(took.as_micros()).unwrap_or(u32::MAX), verdict });
            }
            Shot::Number { at, value, generated } => {
                let numbers = &mut self.signals.entry(signal.clone()).or_default().numbers;
                let age = u32::try_from(came.since(at).as_millis()).unwrap_or(u32::MAX);
                match numbers.last_mut() {
                    // One answer: as the day's screen had it, their sum, as old as the oldest.
                    Some(last) if last.came >= came => {
                        last.value += value;
                        last.age = last.age.max(age);
                        last.generated |= generated;
                    }
                    _ => numbers.push(Number { came, age, generated, value }),
                }
            }
            Shot::Nothing => {
                let silences = &mut self.signals.entry(signal.clone()).or_default().silences;
                let came = silences.last().map_or(came, |last| came.max(*last));
                silences.push(came);
            }
        }
    }

    /// How many samples were too many to be held.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What was shown at `at` of what `plan` watches; `wall` has the wall's time of an instant.
    #[must_use]
    pub fn live(&self, plan: &Plan, at: Instant, wall: &dyn Fn(Instant) -> Wall) -> Live {
        let mut live = Live::default();
        for monitor in &plan.monitors {
            let Some(looks) = self.looks.get(&SignalId::of_monitor(&monitor.id)) else { continue };
            let shown = since_well(upto(looks, at, |look| look.came));
            let sample = |look: &Look| Sample {
                at: wall(look.came),
                verdict: look.verdict,
                took: Duration::from_micros(u64::from(look.took)),
            };
            if !shown.is_empty() {
                let view = MonitorView::of(shown.iter().map(sample), monitor.fails_after);
                live.monitors.insert(monitor.id.clone(), view);
            }
        }
        for signal in &plan.signals {
            let Some(told) = self.signals.get(&signal.id) else { continue };
            let shown = last(upto(&told.numbers, at, |number| number.came));
            let silent = upto(&told.silences, at, |came| *came).last();
            let newest = shown.last();
            let Some(looked) = newest.map(|number| number.came).into_iter().chain(silent.copied()).max() else {
                continue;
            };
            let number = |number: &Number| {
                let age = chrono::TimeDelta::milliseconds(i64::from(number.age));
                (wall(number.came) - age, number.value)
            };
            let mute = silent.is_some_and(|silent| newest.is_none_or(|number| number.came < *silent));
            let view = SignalView {
                numbers: shown.iter().map(number).collect(),
                last_error: mute.then(|| "nothing was told".to_owned()),
                warning: None,
                looked: Some(wall(looked)),
                generated: newest.is_some_and(|number| number.generated),
            };
            live.signals.insert(signal.id.clone(), view);
        }
        live
    }
}

/// Those that had come by `at`.
fn upto<T>(all: &[T], at: Instant, came: impl Fn(&T) -> Instant) -> &[T] {
    all.get(..all.partition_point(|one| came(one) <= at)).unwrap_or_default()
}

/// As many as a console keeps of a signal.
fn last<T>(all: &[T]) -> &[T] {
    all.get(all.len().saturating_sub(SAMPLES_KEPT)..).unwrap_or_default()
}

/// Of looks: as many, and before them those that a row of failures has, from the last that was well.
fn since_well(all: &[Look]) -> &[Look] {
    let first = all.len().saturating_sub(SAMPLES_KEPT);
    let well = |look: &Look| matches!(look.verdict, Verdict::Pass | Verdict::Warn);
    let from = all.iter().take(first + 1).rposition(well).unwrap_or(0);
    all.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::launch::plan::{Monitor, Signal, SignalSource, SpecId};
    use crate::launch::samples;
    use crate::launch::threshold::{Dimension, Unit};

    fn wall(at: Instant) -> Wall {
        chrono::DateTime::from_timestamp_millis(1_700_000_000_000 + at.0).expect("a time")
    }

    fn plan(fails_after: u32) -> Plan {
        let (every, title) = (Duration::from_secs(1), String::new);
        let monitor = Monitor { fails_after, ..samples::monitor("web") };
        let signal = Signal {
            id: "rate".into(),
            title: title(),
            source: SignalSource::Asked(SpecId(1)),
            unit: Unit::base(Dimension::Plain),
            counter: false,
            every,
            timeout: every,
            stale_after: every,
            baseline: Vec::new(),
        };
        Plan { monitors: vec![monitor], signals: vec![signal], ..Plan::default() }
    }

    #[test]
    fn one_answer_is_one_number_and_what_told_nothing_has_said_so() {
        let (rate, plan) = ("rate".into(), plan(0));
        let mut film = Film::default();
        let number = |at, value, generated| Shot::Number { at: Instant(at), value, generated };
        film.take(&rate, Instant(1_000), number(900, 1.0, false));
        film.take(&rate, Instant(1_000), number(400, 2.0, false));
        film.take(&rate, Instant(2_000), Shot::Nothing);
        film.take(&rate, Instant(3_000), number(3_000, 7.0, true));
        let shown = |at| film.live(&plan, Instant(at), &wall).signals.remove(&rate);
        assert_eq!(shown(999), None, "nothing had come");
        let first = shown(1_000).expect("told");
        assert_eq!(first.numbers, [(wall(Instant(400)), 3.0)], "as old as the oldest of its sum");
        assert_eq!((first.last_error, first.looked), (None, Some(wall(Instant(1_000)))));
        let silent = shown(2_500).expect("told");
        assert_eq!((silent.numbers.len(), silent.last_error.as_deref()), (1, Some("nothing was told")));
        assert_eq!(silent.looked, Some(wall(Instant(2_000))));
        let last = shown(9_000).expect("told");
        assert_eq!((last.numbers.len(), last.last_error, last.generated), (2, None, true));
    }

    proptest! {
        /// At any instant a monitor stands as it stood for whoever took each look as it came.
        #[test]
        fn a_monitor_stands_at_any_instant_as_it_stood_then(
            looks in proptest::collection::vec((0..6_i64, 0..6_usize), 0..700),
            fails_after in 0..4_u32,
            until in 0..2_000_i64,
        ) {
            use Verdict::{Fail, Pass, Skipped, Stale, Unknown, Warn};
            let (plan, signal) = (plan(fails_after), SignalId::of_monitor(&"web".into()));
            let (mut film, mut folded, mut at) = (Film::default(), MonitorView::default(), 0);
            for (gap, verdict) in looks {
                at += gap;
                // Rows of failures longer than what is kept are the odd case: one look in six that is well.
                let verdict = [Fail, Fail, Skipped, Stale, Unknown, if at % 7 == 0 { Pass } else { Warn }][verdict];
                let took = Duration::from_millis(at.unsigned_abs() % 50);
                film.take(&signal, Instant(at), Shot::Look { verdict, took });
                if at <= until {
                    folded.take(Sample { at: wall(Instant(at)), verdict, took }, fails_after);
                }
            }
            let shown = film.live(&plan, Instant(until), &wall).monitors.remove(&"web".into());
            prop_assert_eq!(shown.unwrap_or_default(), folded);
        }
    }

    #[test]
    fn a_row_of_failures_longer_than_what_is_kept_is_counted_whole() {
        let (plan, signal) = (plan(2), SignalId::of_monitor(&"web".into()));
        let mut film = Film::default();
        let took = Duration::from_millis(5);
        film.take(&signal, Instant(0), Shot::Look { verdict: Verdict::Pass, took });
        for at in 1..=1_000 {
            film.take(&signal, Instant(at), Shot::Look { verdict: Verdict::Fail, took });
        }
        let view = &film.live(&plan, Instant(900), &wall).monitors[&"web".into()];
        assert_eq!((view.failures, view.verdict, view.samples.len()), (900, Some(Verdict::Fail), SAMPLES_KEPT));
    }
}
