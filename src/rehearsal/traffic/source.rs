//! What the plan says of the numbers of one signal: where they stand when all is well, by its examples and by the
//! limits of the objectives on it, and which way a fault moves them. Nothing is known here that the plan does not say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::base::jq::Jq;
use crate::base::secret::Redactor;
use crate::base::template::Scope;
use crate::kind::check::signal::asked::{Asked, Sample, What};
use crate::kind::example::Answered;
use crate::kind::exchange::shown;
use crate::kind::session::Session;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch::id::SignalId;
use crate::launch::plan::{Beside, Objective, Plan, Signal};
use crate::launch::threshold::{Dimension, Is, Of, Unit};

/// How fast a counter grows of which the plan says nothing, each second.
const RATE: f64 = 10.0;
/// Columns of the name of a process.
const NAME: usize = 300;

/// A signal whose numbers are made up.
#[derive(Debug, Clone)]
pub struct Source {
    /// As faults and the catalogue call it.
    pub owner: String,
    pub every: Duration,
    pub unit: Unit,
    pub shape: Shape,
    /// What its good examples show, each with the state it is for.
    pub shows: Vec<Shows>,
    /// Which way lies what breaches its objectives.
    pub leaning: Option<Leaning>,
    /// Its source says how old a number is.
    pub dated: bool,
    /// Another server keeps it, whose clock is compared with ours.
    pub kept: bool,
    /// It is asked over HTTP.
    pub wire: bool,
    /// What is older when it is read tells nothing.
    pub stale_after: Option<Duration>,
    /// More addresses than one: each has the same.
    pub instances: Vec<Option<Arc<str>>>,
}

/// A good example, read.
#[derive(Debug, Clone)]
pub struct Shows {
    pub when: BTreeMap<String, Value>,
    pub samples: Vec<Sample>,
}

/// How its numbers go.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Level,
    /// So much each second, of all processes together; or a share of what another counter grows.
    Counter(Grows),
    /// So many samples each second.
    Histogram(f64),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Grows {
    Each(f64),
    /// So much of what this one grows, when all is well.
    Of(SignalId, f64),
}

/// A limit, in the unit of the signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaning {
    pub limit: f64,
    /// Above it is the breach.
    pub above: bool,
}

impl Source {
    /// Reads what a plan says of a signal that is asked for; none where it shows no number, or is asked for real.
    pub async fn read(signal: &Signal, entry: &Entry, plan: &Plan, catalogue: &Catalogue, jq: &Jq) -> Option<Self> {
        let Spec::Signal(asked) = &entry.spec else { return None };
        if entry.real {
            return None;
        }
        let scope = crate::rehearsal::routes::scope_of(entry, catalogue);
        let derived = entry.examples.good.is_empty();
        let good = if derived { vec![asked.derive().ok()?] } else { entry.examples.good.clone() };
        let mut shows = Vec::new();
        for example in &good {
            shows.push(read(asked, example, &scope, jq).await?);
        }
        let shape = shape(signal, asked, plan)?;
        let mut source = Self {
            owner: entry.owner.to_string(),
            every: signal.every,
            unit: signal.unit,
            leaning: leaning(signal, plan),
            shape,
            shows,
            dated: asked.is_dated(),
            kept: asked.is_kept(),
            wire: asked.is_wire(),
            stale_after: asked.stale_after,
            instances: instances(asked, entry, catalogue, &scope),
        };
        if derived {
            source.well(signal, plan);
        }
        Some(source)
    }

    /// Where no example says it, the numbers are such that the objectives hold.
    fn well(&mut self, signal: &Signal, plan: &Plan) {
        let objectives: Vec<&Objective> = of(signal, plan).collect();
        let least = objectives.iter().map(|objective| objective.min_samples).max().unwrap_or_default();
        let histogram = buckets(signal, &objectives);
        let level = level(signal, &objectives);
        for sample in self.shows.iter_mut().flat_map(|shows| &mut shows.samples) {
            sample.of = sample.of.map(|of| of.max(least.saturating_mul(2)));
            match &mut sample.what {
                What::Buckets(upto) => {
                    if let Some(known) = &histogram {
                        *upto = known.clone();
                    }
                }
                What::Number(number) => {
                    if let (Shape::Level, Some(level)) = (&self.shape, level) {
                        *number = level;
                    }
                    // Whoever keeps count begins at nothing.
                    if let Shape::Counter(_) = self.shape {
                        *number = 0.0;
                    }
                }
            }
        }
    }
}

async fn read(asked: &Asked, example: &Answered, scope: &Scope, jq: &Jq) -> Option<Shows> {
    let told = asked.told(&asked.seen(example, scope), scope, jq).await;
    (!told.samples.is_empty()).then(|| Shows { when: example.when.clone(), samples: told.samples })
}

fn instances(asked: &Asked, entry: &Entry, catalogue: &Catalogue, scope: &Scope) -> Vec<Option<Arc<str>>> {
    let session = entry.session.as_ref().and_then(|id| catalogue.sessions.get(id)).cloned().map(Session::new);
    // A secret in an address is in no name.
    let redactor = Redactor::new(catalogue.secrets.iter().cloned());
    let names = asked.instances(session.as_ref(), scope).into_iter();
    names.map(|name| name.map(|name| shown(&name, NAME, &redactor).into())).collect()
}

/// The objectives on a signal as their first side, or a side that is counted as that is.
fn of<'p>(signal: &'p Signal, plan: &'p Plan) -> impl Iterator<Item = &'p Objective> {
    plan.objectives.iter().filter(|objective| {
        let other = match &objective.beside {
            Beside::Against { baseline, .. } => Some(baseline),
            Beside::Minus(other) => Some(other),
            Beside::Nothing | Beside::Per(_) => None,
        };
        objective.signal == signal.id || other == Some(&signal.id)
    })
}

/// The nearest limit on its own numbers.
fn leaning(signal: &Signal, plan: &Plan) -> Option<Leaning> {
    let first = plan.objectives.iter().find(|objective| objective.signal == signal.id)?;
    let that = &first.that;
    let base = match first.beside {
        // A share of another counter has no limit of its own.
        Beside::Per(_) => Unit::base(Dimension::Plain),
        _ => signal.unit,
    };
    let above = match that.is {
        Is::AtMost | Is::Less | Is::Equal => true,
        Is::AtLeast | Is::More => false,
        Is::Other => return None,
    };
    let seconds = if that.of == Of::Change { first.window.as_secs_f64().max(1e-3) } else { 1.0 };
    Some(Leaning { limit: that.limit.value() / base.in_base() / seconds, above })
}

fn shape(signal: &Signal, asked: &Asked, plan: &Plan) -> Option<Shape> {
    let objectives: Vec<&Objective> = of(signal, plan).collect();
    let each = |objective: &Objective| objective.min_samples as f64 * 2.0 / objective.window.as_secs_f64().max(1.0);
    if asked.is_histogram() {
        let rate = objectives.iter().map(|objective| each(objective)).fold(RATE, f64::max);
        return Some(Shape::Histogram(rate));
    }
    if !signal.counter {
        return Some(Shape::Level);
    }
    for objective in &objectives {
        let limit = objective.that.limit.value();
        if let (Beside::Per(other), true) = (&objective.beside, objective.signal == signal.id) {
            let unit = Unit::base(Dimension::Share);
            let well = [0.0, 1.0, limit / 2.0, limit].into_iter().find(|share| objective.that.holds(*share, unit));
            return Some(Shape::Counter(Grows::Of(other.clone(), well.unwrap_or_default())));
        }
        if objective.that.of.is_growth() {
            let seconds = if objective.that.of == Of::Change { objective.window.as_secs_f64().max(1e-3) } else { 1.0 };
            let tries = [limit / 2.0, limit * 2.0, limit, 0.0, 1.0];
            let base = Unit::base(objective.that.limit.unit.dimension);
            let well = tries.into_iter().find(|rate| *rate >= 0.0 && objective.that.holds(*rate, base))?;
            return Some(Shape::Counter(Grows::Each(well / signal.unit.in_base() / seconds)));
        }
    }
    // What others are so much of grows fast enough for them to be counted.
    let divides = plan.objectives.iter().filter(|objective| objective.beside == Beside::Per(signal.id.clone()));
    let rate = divides.map(each).fold(RATE, f64::max);
    Some(Shape::Counter(Grows::Each(rate)))
}

/// A number that holds every limit on a level, in its own unit.
fn level(signal: &Signal, objectives: &[&Objective]) -> Option<f64> {
    let own: Vec<_> = objectives.iter().filter(|objective| objective.beside == Beside::Nothing).collect();
    let holds = |value: &f64| {
        own.iter().all(|objective| match objective.that.of {
            Of::Percentile(_) | Of::Max => !objective.that.is_number_against(*value, signal.unit),
            _ => objective.that.holds(*value, signal.unit),
        })
    };
    let per = signal.unit.in_base();
    let limits = own.iter().flat_map(|objective| {
        let limit = objective.that.limit.value();
        let example = objective.that.example().unwrap_or(limit);
        // A share in the middle between its limit and all; a number well away from its limit.
        let above = if signal.unit.dimension == Dimension::Share { f64::midpoint(limit, 1.0) } else { limit * 2.0 };
        [limit / 2.0, above, example, limit - 1.0, limit + 1.0]
    });
    limits.map(|base| base / per).find(holds)
}

/// Buckets that end at every limit of the plan: all that came is well below the lowest.
fn buckets(signal: &Signal, objectives: &[&Objective]) -> Option<Arc<[(f64, f64)]>> {
    let per = signal.unit.in_base();
    let mut bounds: Vec<f64> = objectives.iter().map(|objective| objective.that.limit.value() / per).collect();
    let lowest = bounds.iter().copied().reduce(f64::min)?;
    bounds.extend([lowest / 2.0, f64::INFINITY]);
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    Some(bounds.into_iter().map(|bound| (bound, 100.0)).collect())
}
