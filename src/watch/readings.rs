//! Every sample of a launch that its objectives need, and what their windows come to at an instant. It outlives the
//! tasks that watch: an amendment exchanges those. Nothing here waits, and nothing here judges.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::echo::Echoes;
use super::point::{Axis, Intake, Point, Taken};
use super::series::growth::whole;
use super::series::{Series, Side, Terms};
use super::spans::Spans;
use crate::launch::id::{ObjectiveId, SignalId};
use crate::launch::objective::{Counts, Span};
use crate::launch::plan::{Beside, Objective, Plan};
use crate::launch::threshold::{Dimension, Unit};
use crate::launch::time::{Instant, millis};

/// What was watched is remembered for at least so long.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The samples of one launch. Shared by whoever takes some and whoever asks.
pub struct Readings {
    axis: Axis,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objectives: Vec<Read>,
    /// Which of them a signal's samples are for.
    feeds: HashMap<SignalId, Vec<Feed>>,
    /// When this launch was watched, by this console and those before it.
    watched: Spans,
    /// Up to where the loop said that somebody watches.
    until: Option<Instant>,
    /// In milliseconds: what lies further back than every window.
    horizon: i64,
    echoes: Echoes,
}

/// An objective with its sides.
struct Read {
    objective: Objective,
    seen: Series,
    beside: Option<Series>,
    /// Since when its signals are watched: an amendment may have brought it.
    since: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Feed {
    objective: usize,
    beside: bool,
}

impl Readings {
    /// For the objectives of `plan`; `axis` tells the instant on the launch's axis.
    #[must_use]
    pub fn new(axis: Axis, plan: &Plan) -> Arc<Self> {
        let readings = Self { axis, state: Mutex::default() };
        readings.under(plan);
        Arc::new(readings)
    }

    /// From here on for the objectives of `plan`. What an objective has seen stays where nothing of it changed.
    pub fn under(&self, plan: &Plan) {
        let now = (self.axis)();
        let mut state = self.state();
        let mut earlier = std::mem::take(&mut state.objectives);
        for objective in &plan.objectives {
            let read = Read::new(objective, plan, now);
            let same = |known: &Read| known.objective == *objective && known.terms() == read.terms();
            let kept = earlier.iter().position(same).map(|place| earlier.swap_remove(place));
            state.objectives.push(kept.unwrap_or(read));
        }
        state.feeds = feeds(&state.objectives);
        state.echoes.under(plan);
        let longest = plan.objectives.iter().map(|objective| objective.window).max().unwrap_or_default();
        state.horizon = millis(longest.max(REMEMBERED)).saturating_mul(2);
    }

    /// Where samples go.
    #[must_use]
    pub fn intake(self: &Arc<Self>) -> Intake {
        let to = Arc::clone(self);
        Intake::new(Arc::clone(&self.axis), Arc::new(move |signal, point| to.take(signal, point)))
    }

    fn take(&self, signal: &SignalId, point: Point) {
        let now = (self.axis)();
        let mut state = self.state();
        state.echoes.hear(signal, &point);
        state.take(signal, point, now);
    }

    /// The loop watches at `now`; `gap` is how long nobody did before that, where it was too long.
    pub fn watched(&self, now: Instant, gap: Option<Duration>) {
        let mut state = self.state();
        if let Some(until) = state.until.filter(|_| gap.is_none()) {
            state.watched.add(until, now);
        }
        state.until = Some(now);
        let horizon = Instant(now.0.saturating_sub(state.horizon));
        state.watched.forget(horizon);
    }

    /// A rehearsal skips [`from`, `until`): what its sources say now is taken for all of it, stamped as generated.
    pub fn skipped(&self, from: Instant, until: Instant) {
        let mut state = self.state();
        for (signal, point) in state.echoes.repeat(from, until) {
            let at = point.at;
            state.take(&signal, point, at);
        }
        state.watched.add(from, until);
        state.until = Some(until);
    }

    /// What the objectives that are due at `at` count: those of whose `evaluate_every` it is a multiple.
    #[must_use]
    pub fn evaluate(&self, at: Instant) -> BTreeMap<ObjectiveId, Counts> {
        let state = self.state();
        let due = state.objectives.iter().filter(|read| is_due(&read.objective, at));
        due.map(|read| (read.objective.id.clone(), read.counts(at, &state.watched))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `objective` is evaluated at `at`.
#[must_use]
pub fn is_due(objective: &Objective, at: Instant) -> bool {
    at.0.rem_euclid(millis(objective.evaluate_every).max(1)) == 0
}

fn feeds(objectives: &[Read]) -> HashMap<SignalId, Vec<Feed>> {
    let mut feeds: HashMap<SignalId, Vec<Feed>> = HashMap::new();
    for (place, read) in objectives.iter().enumerate() {
        for (signal, beside) in read.objective.signals().zip([false, true]) {
            feeds.entry(signal.clone()).or_default().push(Feed { objective: place, beside });
        }
    }
    feeds
}

impl State {
    fn take(&mut self, signal: &SignalId, mut point: Point, now: Instant) {
        if let Taken::Look { took, .. } = &mut point.taken {
            // As it is kept on disk: what is read back counts the same.
            *took = Duration::from_micros(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
        let Some(feeds) = self.feeds.get(signal) else { return };
        for feed in feeds {
            let Some(read) = self.objectives.get_mut(feed.objective) else { continue };
            let series = if feed.beside { read.beside.as_mut() } else { Some(&mut read.seen) };
            if let Some(series) = series {
                series.take(&point, now);
            }
        }
    }
}

impl Read {
    fn new(objective: &Objective, plan: &Plan, now: Instant) -> Self {
        let per = matches!(objective.beside, Beside::Per(_));
        let mut sides = objective.signals().map(|signal| Series::new(terms(objective, signal, per, plan)));
        let seen = sides.next().unwrap_or_else(|| Series::new(terms(objective, &objective.signal, per, plan)));
        let beside = sides.next();
        Self { objective: objective.clone(), seen, beside, since: now }
    }

    fn terms(&self) -> (&Terms, Option<&Terms>) {
        (self.seen.terms(), self.beside.as_ref().map(Series::terms))
    }

    fn counts(&self, at: Instant, watched: &Spans) -> Counts {
        let from = Instant(at.0.saturating_sub(millis(self.objective.window)));
        let mut seen = self.seen.measure(at);
        let mut beside = self.beside.as_ref().map(|series| series.measure(at));
        if let (Beside::Per(_), Some(beside)) = (&self.objective.beside, &mut beside) {
            share(&mut seen, beside);
        }
        let newest = match &beside {
            Some(beside) => seen.newest.zip(beside.newest).map(|(one, other)| one.min(other)),
            None => seen.newest,
        };
        let other = beside.as_ref();
        Counts {
            seen: seen.measured,
            beside: other.map(|side| side.measured),
            newest,
            known: Span(watched.within(from.max(self.since), at)),
            late: seen.late.saturating_add(other.map_or(0, |side| side.late)),
            generated: seen.generated || other.is_some_and(|side| side.generated),
            refused: seen.refused.clone().or_else(|| other.and_then(|side| side.refused.clone())),
        }
    }
}

/// So many of the one counter for so many of the other, in whole numbers: what is counted exactly.
fn share(seen: &mut Side, per: &mut Side) {
    let grown = per.measured.value.map_or(0, |_| whole(per.growth));
    let against = seen.measured.value.map(|_| whole(seen.growth));
    per.measured.of = grown;
    // A counter that did not tell anything is no counter that did not grow.
    seen.measured.of = if against.is_some() { grown } else { 0 };
    seen.measured.against = against.unwrap_or(0);
}

fn terms(objective: &Objective, signal: &SignalId, per: bool, plan: &Plan) -> Terms {
    let known = plan.signals.iter().find(|known| known.id == *signal);
    Terms {
        that: objective.that.clone(),
        unit: known.map_or(Unit::base(Dimension::Time), |known| known.unit),
        // The other side of a share is a counter by what it is there for.
        counter: per || known.is_some_and(|known| known.counter),
        width: objective.evaluate_every,
        window: objective.window,
        patience: objective.stale_after,
    }
}
