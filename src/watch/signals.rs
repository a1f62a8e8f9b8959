//! Signals that are asked for: a question every so often without drift, its numbers handed to whoever counts them.
//! What could not tell is handed on as that, never as a number. It judges nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outlet::Outlet;
use super::point::{Intake, Point, Taken};
use super::rhythm::Rhythm;
use crate::clock;
use crate::kind::check::signal::asked::{Sample, Told, What};
use crate::launch::id::SignalId;
use crate::launch::live::{SAMPLES_KEPT, SignalView};
use crate::launch::time::{Instant as Axis, Wall, millis};

/// Times nearer than this are one: where a source says how old its number is, it is the same number once more.
const SAME: i64 = 100;

/// How a signal is asked.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub id: SignalId,
    pub every: Duration,
    /// The first question; they are spread so that not all are asked at once.
    pub first: Instant,
    /// A question that is open for longer tells nothing.
    pub limit: Duration,
}

/// Asks every `course.every` until cancelled.
pub(super) async fn keep<A, F>(course: Course, mut ask: A, intake: Intake, outlet: Outlet, cancel: CancellationToken)
where
    A: FnMut() -> F,
    F: Future<Output = Told>,
{
    let mut rhythm = Rhythm::new(course.first, course.every);
    let mut newest = Newest::default();
    while rhythm.next(&cancel).await.is_some() {
        let (at, wall) = (intake.now(), clock::wall());
        let told = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            told = tokio::time::timeout(course.limit, ask()) => told.unwrap_or_else(|_| Told {
                wrong: Some("the question was not answered within its limit".to_owned()),
                ..Told::default()
            }),
        };
        let fresh: Vec<&Sample> = newest.of(&told.samples, at);
        for sample in &fresh {
            intake.take(&course.id, point(sample, at));
        }
        // What was not answered at all tells of nobody.
        if !told.samples.is_empty() || !told.silent.is_empty() {
            intake.silent(&course.id, at, &told.silent);
        }
        if told.wrong.is_some() || told.samples.is_empty() {
            intake.take(&course.id, Point { at, taken: Taken::Nothing, generated: false });
        }
        let number = number(&fresh)
            .map(|(number, age)| (wall - chrono::TimeDelta::milliseconds(millis(age).min(millis(LONG))), number));
        outlet.show(|live| {
            let view = live.signals.entry(course.id.clone()).or_default();
            let why = told.wrong.or_else(|| told.samples.is_empty().then(|| "nothing was told".to_owned()));
            show(view, number, why, wall);
            view.warning = told.warning;
        });
    }
}

/// A sample that was told at `at`.
pub(super) fn point(sample: &Sample, at: Axis) -> Point {
    let taken = match &sample.what {
        What::Number(value) => Taken::Number { value: *value, instance: sample.instance.clone(), samples: sample.of },
        What::Buckets(upto) => Taken::Histogram { upto: Arc::clone(upto), instance: sample.instance.clone() },
    };
    Point { at: before(at, sample.age), taken, generated: false }
}

/// An age that no calendar has trouble with.
const LONG: Duration = Duration::from_secs(10 * 366 * 86_400);

fn before(at: Axis, age: Duration) -> Axis {
    Axis(at.0.saturating_sub(millis(age)))
}

/// One number for the screen: of several processes their sum, of a histogram all it counted; as old as the oldest.
fn number(fresh: &[&Sample]) -> Option<(f64, Duration)> {
    let age = fresh.iter().map(|sample| sample.age).max()?;
    let one = |sample: &&Sample| match &sample.what {
        What::Number(value) => *value,
        What::Buckets(upto) => upto.last().map_or(0.0, |(_, count)| *count),
    };
    Some((fresh.iter().map(one).sum(), age))
}

/// Puts what came into the picture of a signal.
pub(super) fn show(view: &mut SignalView, number: Option<(Wall, f64)>, why: Option<String>, now: Wall) {
    if let Some(number) = number {
        if view.numbers.len() == SAMPLES_KEPT {
            view.numbers.pop_front();
        }
        view.numbers.push_back(number);
        view.generated = false;
    }
    view.last_error = why;
    view.looked = Some(now);
}

/// When the newest sample of each process was so: the same one is not counted twice.
#[derive(Debug, Default)]
pub(super) struct Newest {
    at: BTreeMap<Option<Arc<str>>, Axis>,
}

impl Newest {
    /// Those of `samples` that were not there before. One without an age is always new.
    pub(super) fn of<'s>(&mut self, samples: &'s [Sample], at: Axis) -> Vec<&'s Sample> {
        let earlier = std::mem::take(&mut self.at);
        let mut fresh = Vec::new();
        for sample in samples {
            let was = before(at, sample.age);
            let known = earlier.get(&sample.instance);
            let again = !sample.age.is_zero() && known.is_some_and(|known| was.0 <= known.0.saturating_add(SAME));
            let newest = if again { known.copied().unwrap_or(was) } else { was };
            self.at.insert(sample.instance.clone(), newest);
            if !again {
                fresh.push(sample);
            }
        }
        fresh
    }
}
