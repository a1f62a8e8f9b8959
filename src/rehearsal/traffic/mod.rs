//! The traffic of the simulated target: what its signals show at an instant of the launch's axis, and what looks would
//! find in time that a rehearsal skips. Healthy as the plan says it, but for the faults that are on. It owns no socket
//! and judges nothing; one instant has one number, on the wire and where it is made up.

mod lines;
mod number;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use self::lines::Lines;
use self::number::{Course, Settled, State};
use self::source::{Shape, Source};
use super::failing;
use super::fault::{Fault, Injection, falls_on};
use super::switchboard::{Episode, Faults};
use crate::base::jq::Jq;
use crate::base::template::{Scope, Shape as Json};
use crate::kind::check::signal::asked::{Sample, What};
use crate::kind::example::Answered;
use crate::kind::{Catalogue, Spec};
use crate::launch::id::SignalId;
use crate::launch::plan::{Plan, SignalSource};
use crate::launch::time::{Instant, millis};
use crate::launch::verdict::Verdict;
use crate::watch::made::Making;
use crate::watch::point::{Axis, Point, Taken};

/// So many states of the world are remembered; of those before them, where counters stood then.
const STATES: usize = 128;
/// Clocks apart by more than this are not believed.
const APART: i64 = 30_000;

/// The numbers of one rehearsal, whatever target answers with them.
pub struct Traffic {
    faults: Faults,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// None where there is no launch: then examples are told as they are written.
    axis: Option<Axis>,
    begun: Instant,
    /// The launch was gone on with: its target is a new one.
    anew: bool,
    sources: BTreeMap<SignalId, Source>,
    /// One signal may be taken out of several streams.
    lines: BTreeMap<SignalId, Vec<Arc<Lines>>>,
    looks: BTreeMap<SignalId, Looks>,
    /// The newest [`STATES`] of them at most.
    states: Vec<State>,
    settled: Settled,
    /// Owners whose example was told as it is written, since its numbers have no place in it.
    as_written: BTreeSet<String>,
}

/// What can hit the looks of a monitor.
#[derive(Debug, Clone)]
struct Looks {
    errors: Option<Errors>,
    /// What of it can be made to fail.
    able: Vec<String>,
}

/// Errors of what it asks over HTTP.
#[derive(Debug, Clone)]
struct Errors {
    owner: String,
    /// Requests of one look.
    requests: u64,
    /// What a look finds that is answered with an error.
    finds: Verdict,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Traffic {
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { faults, inner: Mutex::default() }
    }

    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// From here on it is the traffic of this plan; counters go on where they stand.
    pub async fn under(&self, plan: &Plan, catalogue: &Catalogue) {
        let jq = Jq::default();
        let mut sources = BTreeMap::new();
        for signal in &plan.signals {
            let SignalSource::Asked(spec) = signal.source else { continue };
            let Some(entry) = catalogue.get(spec) else { continue };
            if let Some(source) = Source::read(signal, entry, plan, catalogue, &jq).await {
                sources.insert(signal.id.clone(), source);
            }
        }
        let lines = lines::read(plan, catalogue, &jq).await;
        let mut looks = BTreeMap::new();
        for monitor in &plan.monitors {
            let own = [monitor.spec];
            let specs = if monitor.items.is_empty() { &own[..] } else { &monitor.items };
            let mut finds = None;
            let mut owner = None;
            let mut able = Vec::new();
            for entry in specs.iter().filter_map(|spec| catalogue.get(*spec)) {
                let Spec::Check(check) = &entry.spec else { continue };
                if !entry.real && failing::answer(entry).is_some() {
                    able.push(entry.owner.to_string());
                }
                if !check.is_wire() || entry.real {
                    continue;
                }
                let scope = super::routes::scope_of(entry, catalogue);
                let failed = json!({ "error": "simulated: the service failed" });
                let failed = Answered { status: Some(500), json: Some(Json::Plain(failed)), ..Answered::default() };
                let verdict = check.judge(&check.seen(&failed, &scope), &scope, &jq).await.verdict;
                finds = finds.max(Some(verdict));
                owner.get_or_insert(entry.owner.to_string());
            }
            let errors = finds.zip(owner).map(|(finds, owner)| Errors { owner, requests: specs.len() as u64, finds });
            looks.insert(SignalId::of_monitor(&monitor.id), Looks { errors, able });
        }
        let mut inner = self.inner();
        (inner.sources, inner.lines, inner.looks) = (sources, lines, looks);
    }

    /// From here on it goes along the launch's axis; `anew` is whether the launch went on before.
    pub fn along(&self, axis: Axis, anew: bool) {
        self.faults.along(Arc::clone(&axis));
        let mut inner = self.inner();
        inner.begun = axis();
        inner.anew = anew;
        inner.axis = Some(axis);
        let begun = inner.begun;
        let last = inner.states.pop().map(|(_, state)| state).unwrap_or_default();
        inner.states = vec![(begun, last)];
        inner.settled = Settled::default();
    }

    /// The state of the world is this now.
    pub fn stands(&self, state: &BTreeMap<String, Value>) {
        let mut inner = self.inner();
        if inner.states.last().is_some_and(|(_, known)| **known == *state) {
            return;
        }
        let now = inner.axis.as_ref().map_or(Instant(i64::MIN), |axis| axis());
        inner.states.push((now, Arc::new(state.clone())));
        if inner.states.len() > STATES {
            let gone = STATES / 2;
            let settled = inner.course(&self.faults.episodes()).settled_at(inner.states[gone].0);
            inner.settled = settled;
            inner.states.drain(..gone);
        }
    }

    /// `example` of the signal that the plan calls `owner`, with its numbers of now; none where it is told as it is
    /// written.
    #[must_use]
    pub fn example(&self, owner: &str, spec: &Spec, example: &Answered, scope: &Scope) -> Option<Answered> {
        let Spec::Signal(asked) = spec else { return None };
        let mut inner = self.inner();
        let now = inner.axis.as_ref()?();
        let episodes = self.faults.episodes();
        let course = inner.course(&episodes);
        let source = inner.sources.values().find(|source| source.owner == owner)?;
        let samples = course.samples(source, now)?;
        let skew = course.has(owner, Fault::ClockSkew, now).map_or(0, Injection::millis);
        let ahead = Duration::from_millis(u64::try_from(skew).unwrap_or(0));
        let shown = asked.showing(example, &samples, ahead, scope);
        if shown.is_none() {
            inner.as_written.insert(owner.to_owned());
        }
        shown
    }

    /// The lines of a stream that the target tells the `telling`th time; none where they are told as written.
    #[must_use]
    pub fn lines(&self, owner: &str, telling: u64) -> Option<String> {
        let inner = self.inner();
        let lines = inner.lines.values().flatten().find(|lines| lines.owner == owner)?;
        let on = self.faults.of(owner);
        if on.iter().any(|what| what.fault == Fault::NoData) {
            return Some(String::new());
        }
        let errors = on.iter().find(|what| what.fault == Fault::Errors)?;
        Some(lines.told(telling, errors.percent()))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn course<'a>(&'a self, episodes: &'a [Episode]) -> Course<'a> {
        let Self { sources, states, begun, anew, settled, .. } = self;
        Course { sources, episodes, states, begun: *begun, anew: *anew, settled }
    }
}

impl Making for Traffic {
    fn makes(&self, signal: &SignalId) -> bool {
        let inner = self.inner();
        inner.axis.is_some() && (inner.sources.contains_key(signal) || inner.lines.contains_key(signal))
    }

    fn counts_apart(&self, signal: &SignalId) -> bool {
        let inner = self.inner();
        let counts = |source: &&Source| !matches!(source.shape, Shape::Level);
        inner.sources.get(signal).filter(counts).is_some_and(|source| inner.as_written.contains(&source.owner))
    }

    fn points(&self, signal: &SignalId, from: Instant, until: Instant) -> Vec<(Instant, Point)> {
        let inner = self.inner();
        let episodes = self.faults.episodes();
        let course = inner.course(&episodes);
        if let Some(source) = inner.sources.get(signal) {
            return ticks(source.every, from, until).flat_map(|(nth, at)| asked(&course, source, nth, at)).collect();
        }
        let Some(streams) = inner.lines.get(signal) else { return Vec::new() };
        let told = |(nth, at)| streams.iter().map(move |lines| (lines, nth, at));
        let all = ticks(lines::EVERY, from, until).flat_map(told);
        all.flat_map(|(lines, nth, at)| followed(&course, lines, signal, nth, at)).collect()
    }

    fn hit(&self, signal: &SignalId, at: Instant, every: Duration) -> Option<Verdict> {
        let inner = self.inner();
        let looks = inner.looks.get(signal)?;
        let episodes = self.faults.episodes();
        let course = inner.course(&episodes);
        if looks.able.iter().any(|owner| course.has(owner, Fault::Fail, at).is_some()) {
            return Some(Verdict::Fail);
        }
        let Errors { owner, requests, finds } = looks.errors.as_ref()?;
        let share = course.has(owner, Fault::Errors, at)?.percent();
        let nth = u64::try_from(at.0.div_euclid(millis(every).max(1))).unwrap_or(0);
        let mut all = (0..*requests).map(|request| nth.saturating_mul(*requests).saturating_add(request));
        all.any(|request| falls_on(request, share)).then_some(*finds)
    }

    fn spares(&self, signal: &SignalId) -> bool {
        let errors = |looks: &Looks| looks.errors.as_ref().map(|errors| errors.owner.clone());
        let owner = self.inner().looks.get(signal).and_then(errors);
        let on = owner.map(|owner| self.faults.of(&owner)).unwrap_or_default();
        on.iter().any(|what| what.fault == Fault::Errors && what.percent() < 100)
    }
}

/// Every multiple of `every` in a span, and which it is.
fn ticks(every: Duration, from: Instant, until: Instant) -> impl Iterator<Item = (u64, Instant)> {
    let every = millis(every).max(1);
    let first = from.0.div_euclid(every) + i64::from(from.0.rem_euclid(every) != 0);
    let nth = move |nth: i64| (u64::try_from(nth).unwrap_or(0), Instant(nth.saturating_mul(every)));
    (first..).map(nth).take_while(move |(_, at)| *at < until)
}

fn nothing(at: Instant) -> Vec<(Instant, Point)> {
    vec![(at, Point { at, taken: Taken::Nothing, generated: true })]
}

/// What one question of a signal brings, read as the wire's answer would be.
fn asked(course: &Course<'_>, source: &Source, nth: u64, at: Instant) -> Vec<(Instant, Point)> {
    let mut silent = false;
    for what in course.on(&source.owner, at) {
        silent |= match what.fault {
            Fault::NoData => true,
            Fault::Down | Fault::Reset | Fault::BadJson | Fault::WrongStatus => source.wire,
            Fault::Flap => source.wire && nth.is_multiple_of(2),
            Fault::ClockSkew => source.dated && (what.millis() > APART || (source.kept && what.millis().abs() > APART)),
            _ => false,
        };
    }
    let Some(samples) = course.samples(source, at).filter(|_| !silent) else { return nothing(at) };
    let fresh = |sample: &Sample| source.stale_after.is_none_or(|most| sample.age <= most);
    if samples.iter().any(|sample| !fresh(sample)) {
        return nothing(at);
    }
    let points = samples.into_iter().map(|sample| {
        let Sample { instance, what, age, of } = sample;
        let taken = match what {
            What::Number(value) => Taken::Number { value, instance, samples: of },
            What::Buckets(upto) => Taken::Histogram { upto, instance },
        };
        let was = Instant(at.0.saturating_sub(millis(age)));
        (at, Point { at: was, taken, generated: true })
    });
    points.collect()
}

/// What the lines of one telling bring.
fn followed(course: &Course<'_>, lines: &Lines, signal: &SignalId, nth: u64, at: Instant) -> Vec<(Instant, Point)> {
    if course.has(&lines.owner, Fault::NoData, at).is_some() {
        return Vec::new();
    }
    let share = course.has(&lines.owner, Fault::Errors, at).map_or(0, Injection::percent);
    let taken = lines.taken(signal, nth, share);
    taken.map(|taken| (at, Point { at, taken, generated: true })).collect()
}

#[cfg(test)]
mod tests;
