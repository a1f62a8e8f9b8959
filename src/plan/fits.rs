//! What fits what in an objective: which figure a signal has, which units go together, and how many samples a
//! window can bring.

use super::objectives::ObjectivePlace;
use super::reader::Reader;
use crate::base::source::{Diagnostic, Span};
use crate::base::table::Table;
use crate::kind::Spec;
use crate::launch::id::SignalId;
use crate::launch::plan::{Beside, Objective, SignalSource};
use crate::launch::threshold::{Dimension, Of, Threshold};

/// What is known of a signal's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Samples {
    /// Looks of a monitor, or lines of a stream: failed or not, and how long it took.
    Looks,
    /// Lines of a stream: failed or not.
    Failures,
    /// The buckets of a histogram.
    Histogram(Dimension),
    Level(Dimension),
    Counter(Dimension),
}

impl Samples {
    fn words(self) -> &'static str {
        match self {
            Self::Looks => "looks that fail or do not",
            Self::Failures => "lines that fail or do not",
            Self::Histogram(_) => "a histogram",
            Self::Level(_) => "a level",
            Self::Counter(_) => "a counter",
        }
    }
}

impl Reader<'_> {
    /// Reports what of an objective does not go together; true where all does.
    pub(super) fn fits_signal(
        &self,
        objective: &Objective,
        that_at: Span,
        table: &Table<'_>,
        place: &ObjectivePlace,
    ) -> bool {
        let Some(own) = self.samples_of(&objective.signal) else { return false };
        let key_at = |key: &str| table.any(key).map_or(table.span, |placed| placed.span);
        let wrong = match &objective.beside {
            Beside::Nothing => figure(own, &objective.that).map(|why| (that_at, why)),
            Beside::Per(other) => self.samples_of(other).and_then(|other| {
                let at = key_at("per");
                per(own, other, &objective.that, (place.signal_at, at, that_at))
            }),
            Beside::Minus(other) => self.samples_of(other).and_then(|other| {
                let of = objective.that.of;
                figure(own, &objective.that)
                    .map(|why| (that_at, why))
                    .or_else(|| alike(own, other).map(|why| (key_at("minus"), why)))
                    .or_else(|| matches!(of, Of::Percentile(_) | Of::Max).then(|| (that_at, ESTIMATED.to_owned())))
            }),
            Beside::Against { baseline, .. } => self.samples_of(baseline).and_then(|other| {
                figure(own, &objective.that)
                    .map(|why| (that_at, why))
                    .or_else(|| alike(own, other).map(|why| (key_at("against"), why)))
                    .or_else(|| (!objective.that.of.is_counted()).then(|| (that_at, UNCOUNTED.to_owned())))
            }),
        };
        let wrong = wrong.or_else(|| self.one_of_several(objective).map(|why| (that_at, why)));
        let itself = objective.signals().nth(1).filter(|other| **other == objective.signal);
        if itself.is_some() {
            let at = ["per", "minus", "against"].into_iter().find_map(|key| table.any(key));
            let at = at.map_or(table.span, |placed| placed.span);
            let message = format!("`{}` beside itself tells nothing", objective.signal);
            self.notes.report(Diagnostic::error("wrong-value", at, message));
            return false;
        }
        let Some((span, why)) = wrong else { return true };
        self.notes.report(Diagnostic::error("wrong-value", span, why));
        false
    }

    /// Why the newest level of a signal is none to hold to a limit: it would be that of whoever told last.
    fn one_of_several(&self, objective: &Objective) -> Option<String> {
        let level = |id: &SignalId| matches!(self.samples_of(id), Some(Samples::Level(_)));
        let one = objective.that.of == Of::Value && !matches!(objective.beside, Beside::Per(_));
        let id = objective.signals().filter(|_| one).find(|id| level(id) && self.is_of_several(id))?;
        Some(format!(
            "`{id}` tells a level for each of several, and one number is held to a limit: `max(…)` or `sum(…)` in the \
             query without `instance`, or a signal for each address"
        ))
    }

    fn is_of_several(&self, id: &SignalId) -> bool {
        let signal = self.plan.signals.iter().find(|known| known.id == *id);
        match signal.map(|signal| &signal.source) {
            Some(SignalSource::Asked(spec)) => {
                let entry = self.catalogue.get(*spec).map(|entry| &entry.spec);
                matches!(entry, Some(Spec::Signal(asked)) if asked.is_of_several())
            }
            Some(SignalSource::Stream(_)) => {
                self.catalogue.taken.values().flatten().filter(|take| take.signal == *id).count() > 1
            }
            None => false,
        }
    }

    fn samples_of(&self, id: &SignalId) -> Option<Samples> {
        if id.monitor().is_some() {
            return Some(Samples::Looks);
        }
        let signal = self.plan.signals.iter().find(|known| known.id == *id)?;
        let dimension = signal.unit.dimension;
        // Where lines fail or do not, a unit is of how long they took.
        if self.catalogue.taken.values().flatten().any(|take| take.signal == *id && take.errors) {
            return Some(if dimension == Dimension::Time { Samples::Looks } else { Samples::Failures });
        }
        if self.is_histogram(id) {
            return Some(Samples::Histogram(dimension));
        }
        Some(if signal.counter { Samples::Counter(dimension) } else { Samples::Level(dimension) })
    }

    fn is_histogram(&self, id: &SignalId) -> bool {
        let Some(signal) = self.plan.signals.iter().find(|known| known.id == *id) else { return false };
        let SignalSource::Asked(spec) = signal.source else { return false };
        let entry = self.catalogue.get(spec);
        entry.is_some_and(|entry| matches!(&entry.spec, Spec::Signal(asked) if asked.is_histogram()))
    }

    /// How many samples it needs: as many as it says, or as its threshold needs. None where one of so few could
    /// breach it, or so many never come.
    pub(super) fn enough_samples(&self, objective: &Objective, place: &ObjectivePlace) -> Option<u64> {
        // Of a share of two counters the divisor must have grown by as many as one over the limit.
        let least = match objective.beside {
            Beside::Per(_) => objective.that.least_of_share(),
            _ => objective.that.least_samples(),
        };
        let asked = if objective.min_samples == 0 { least } else { objective.min_samples };
        let at = place.samples_at.unwrap_or(place.window_at);
        if asked < least {
            let why = format!("one sample of {asked} could breach {}", objective.that.words());
            let wrong = Diagnostic::error("too-few-samples", at, why).label(format!("at least {least}"));
            self.notes.report(wrong.help(format!("`min_samples = {least}`, or leave it out")));
            return None;
        }
        // How much a divisor must have grown is no number of looks.
        if matches!(objective.beside, Beside::Per(_)) {
            return Some(asked);
        }
        for id in objective.signals() {
            // One answer holds as many as its source has counted.
            if self.is_histogram(id) {
                continue;
            }
            let Some((every, _)) = self.asked_every(id) else { continue };
            if self.tells_many(id) {
                continue;
            }
            let most = objective.window.as_nanos() / every.as_nanos().max(1);
            if most < u128::from(asked) && (id.monitor().is_some() || place.samples_at.is_none()) {
                let [window, every] = [objective.window, every].map(humantime::format_duration);
                let message = format!("{asked} samples never come in {window}: `{id}` is looked at every {every}");
                let wrong = Diagnostic::error("too-few-samples", at, message).label(format!("{most} at most"));
                self.notes.report(wrong.help("a longer `window`, or a signal that is looked at more often"));
                return None;
            }
        }
        Some(asked)
    }

    /// Whether one answer may be made of more samples than one: how many come is not known then.
    fn tells_many(&self, id: &SignalId) -> bool {
        let signal = self.plan.signals.iter().find(|known| known.id == *id);
        let Some(SignalSource::Asked(spec)) = signal.map(|signal| &signal.source) else { return false };
        matches!(self.catalogue.get(*spec).map(|entry| &entry.spec), Some(Spec::Signal(asked)) if asked.tells_many())
    }
}

const ESTIMATED: &str = "percentiles are counted at their limit, and a difference of two has none: hold each to a limit \
                         of its own, or compare with `against`";
const UNCOUNTED: &str = "`against` tests shares of samples: `error_rate`, `up`, a percentile. For the difference of two \
                         numbers write `minus`";

/// Why a signal has no such figure.
fn figure(samples: Samples, that: &Threshold) -> Option<String> {
    let limit = that.limit.unit.dimension;
    let units = |own: Dimension, limit: Dimension| {
        let share = |one: Dimension| matches!(one, Dimension::Share | Dimension::Plain);
        // A share may be written as a plain number, as it is everywhere.
        let fit = own == limit || (own == Dimension::Share && share(limit));
        (!fit).then(|| format!("the signal is {}, and {} is {}", of_what(own), that.limit.words(), of_what(limit)))
    };
    match (samples, that.of) {
        (Samples::Looks, Of::ErrorRate | Of::Up | Of::Percentile(_) | Of::Max) => None,
        (Samples::Failures, Of::ErrorRate | Of::Up) => None,
        (Samples::Failures, Of::Percentile(_) | Of::Max) => {
            Some("its lines do not say how long they took: `jq` or `regex` on the signal, with its `unit`".to_owned())
        }
        (Samples::Looks | Samples::Failures, _) => {
            Some("it has samples, no one number: `error_rate <= 5%`, `p95 <= 2s`, `up >= 99%`".to_owned())
        }
        (_, Of::ErrorRate | Of::Up) => Some(format!(
            "{} has numbers, no failures: `error_rate` and `up` are a monitor's, or of lines; of counters write `per`",
            samples.words()
        )),
        (Samples::Counter(_), Of::Percentile(_) | Of::Max | Of::Value) => {
            Some("a counter only grows: `rate <= 10` for each second, `change <= 10` in the window".to_owned())
        }
        (Samples::Histogram(_), Of::Value | Of::Rate | Of::Change) => {
            Some("a histogram has no one number: `p95 <= 1.5s`, with a bucket that ends there".to_owned())
        }
        (Samples::Level(dimension) | Samples::Histogram(dimension), Of::Percentile(_) | Of::Max) => (dimension
            != Dimension::Time)
            .then(|| format!("a percentile is of spans of time, and the signal is {}", of_what(dimension))),
        (Samples::Level(_), Of::Rate | Of::Change) => {
            Some("only of a counter it is known how much it grew: `counter = true` on the signal".to_owned())
        }
        (Samples::Level(dimension), Of::Value) | (Samples::Counter(dimension), Of::Rate | Of::Change) => {
            units(dimension, limit)
        }
    }
}

/// What is wrong with a share of two counters, and where: at the signal, at `per`, at `that`.
fn per(own: Samples, other: Samples, that: &Threshold, at: (Span, Span, Span)) -> Option<(Span, String)> {
    for (samples, at) in [(own, at.0), (other, at.1)] {
        if !matches!(samples, Samples::Counter(_)) {
            let why = "`per` divides how much two counters grew: `counter = true` on the signal";
            return Some((at, format!("{why}, this one is {}", samples.words())));
        }
    }
    if own != other {
        return Some((at.1, "`per` divides two counters of one unit".to_owned()));
    }
    if that.of != Of::Value {
        return Some((at.2, "with `per` the share itself is held to a limit: `<= 5%`".to_owned()));
    }
    let dimension = that.limit.unit.dimension;
    if !matches!(dimension, Dimension::Share | Dimension::Plain) {
        return Some((at.2, format!("a share of two counters is a percentage, and {} is not", that.limit.words())));
    }
    None
}

/// Why two signals are not of one kind.
fn alike(own: Samples, other: Samples) -> Option<String> {
    let fails = |samples| matches!(samples, Samples::Looks | Samples::Failures);
    (own != other && !(fails(own) && fails(other))).then(|| match (own, other) {
        (Samples::Level(one), Samples::Level(two))
        | (Samples::Histogram(one), Samples::Histogram(two))
        | (Samples::Counter(one), Samples::Counter(two)) => {
            format!("one signal is {}, the other {}", of_what(one), of_what(two))
        }
        _ => format!("one signal is {}, the other {}", own.words(), other.words()),
    })
}

fn of_what(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Plain => "a plain number",
        Dimension::Share => "a share",
        Dimension::Time => "a time",
        Dimension::Size => "a size",
    }
}
