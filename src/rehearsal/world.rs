//! The simulated world behind the listener: its state, what it handed out, and which answer a request
//! gets. No socket and no clock; an answer's pace goes with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::failing;
use super::fault::{Fault, Injection, falls_on};
use super::memory::{Filled, Handing, Memory};
use super::pace;
use super::pattern::{Asked, Found, percent_decoded};
use super::reply::Reply;
use super::routes::{Look, Place, Routes, Wanted};
use super::switchboard::Faults;
use super::traffic::Traffic;
use crate::base::template::Scope;
use crate::kind::check::simulated::Told;
use crate::kind::example::Answered;
use crate::kind::{Catalogue, Spec, check};
use crate::launch::id::{ItemId, SessionId};
use crate::launch::plan::Plan;
use crate::launch::verdict::Verdict;

/// Where steps are acted: `POST /__tminus/step/ITEM-ID`, the id percent-encoded.
pub const STEPS: &str = "/__tminus/step/";

/// One request, as far as it decides on the answer.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub method: &'a str,
    pub address: Asked<'a>,
    pub headers: &'a HeaderMap,
}

#[derive(Debug)]
pub struct World {
    routes: Routes,
    /// Values known at load, place by place.
    scopes: Vec<Scope>,
    faults: Faults,
    traffic: Arc<Traffic>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: BTreeMap<String, Value>,
    /// By session of the plan; items without one share a memory.
    memories: HashMap<Option<SessionId>, Memory>,
    /// How often each request came while a fault that counts was on.
    counts: Vec<u64>,
    /// How often each stream was told.
    tellings: HashMap<ItemId, u64>,
    minted: u64,
}

/// Why a request is refused that must bring back what was handed out.
#[derive(Debug)]
struct Refused {
    what: String,
    /// The statuses under which a written bad example means this.
    means: &'static [u16],
}

#[cfg(test)]
#[path = "world_tests.rs"]
pub(super) mod tests;

impl World {
    #[must_use]
    pub fn new(plan: &Plan, catalogue: &Catalogue, traffic: Arc<Traffic>) -> Self {
        let routes = Routes::of(plan, catalogue);
        let scopes = routes.places.iter().map(|place| super::routes::scope_of(&place.entry, catalogue)).collect();
        Self::with(routes, scopes, traffic)
    }

    fn with(routes: Routes, scopes: Vec<Scope>, traffic: Arc<Traffic>) -> Self {
        let inner = Mutex::new(Inner { counts: vec![0; routes.requests], ..Inner::default() });
        Self { routes, scopes, faults: traffic.faults().clone(), traffic, inner }
    }

    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The state of the world now, as `example.sets` made it.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Value> {
        self.inner().state.clone()
    }

    /// The answer to a request.
    pub async fn answer(&self, question: &Question<'_>) -> Reply {
        let (reply, place) = self.choose(question);
        let Some(at) = place else { return reply };
        let place = &self.routes.places[at];
        let on = self.on(place);
        let mut late = Duration::ZERO;
        if on.iter().any(|what| what.fault == Fault::Slow) {
            late += *place.lateness.get_or_init(|| pace::too_late(place, &self.scopes[at])).await;
        }
        // Who keeps numbers tells of what is slow, and is not slow itself.
        if let Some(latency) = on.iter().find(|what| what.fault == Fault::Latency && !is_signal(place)) {
            late += Duration::from_millis(latency.millis().unsigned_abs());
        }
        reply.later(late)
    }

    /// Acts a step from its example: `{"exit":…,"stdout":…}`.
    #[must_use]
    pub fn act(&self, id: &str) -> Reply {
        let id = ItemId::new(percent_decoded(id));
        let Some(step) = self.routes.steps.get(&id) else {
            let why = format!("the plan has no step `{id}`");
            return Reply::own(StatusCode::NOT_FOUND, &json!({ "error": why }));
        };
        let mut inner = self.inner();
        let examples = &step.entry.examples;
        let told = fitting(&examples.good, &inner.state).cloned().unwrap_or_default();
        if self.fails(id.as_str()) {
            // What failed is taken to have changed nothing.
            let Answered { exit, stdout, .. } = failing::answer(&step.entry).unwrap_or_default();
            return Reply::own(StatusCode::OK, &json!({ "exit": exit, "stdout": stdout.unwrap_or_default() }));
        }
        let exit = told.exit.unwrap_or(0);
        let lies = step.rollback && self.faults.of(id.as_str()).iter().any(|what| what.fault == Fault::RollbackLies);
        if exit == 0 && !lies {
            inner.set(&examples.sets);
            self.traffic.stands(&inner.state);
        }
        let stdout = told.stdout.clone().unwrap_or_default();
        drop(inner);
        Reply::own(StatusCode::OK, &json!({ "exit": exit, "stdout": stdout })).later(told.after.unwrap_or_default())
    }

    /// Tells the example of a check that asks nothing over HTTP.
    #[must_use]
    pub fn look(&self, id: &str) -> Reply {
        let id = ItemId::new(percent_decoded(id));
        let Some(look) = self.routes.looks.get(&id) else {
            let why = format!("the plan has no example for the check `{id}`");
            return Reply::own(StatusCode::NOT_FOUND, &json!({ "error": why }));
        };
        let mut inner = self.inner();
        let failing = look.failing.as_ref().filter(|_| self.fails(look.entry.owner.as_str()));
        let answer = match (failing, fitting(&look.good, &inner.state).cloned()) {
            (Some(failing), _) => failing.clone(),
            (None, Some(answer)) => self.told(look, answer, &mut inner),
            (None, None) => {
                let why = format!("the plan says nothing of `{id}` in the present state");
                return Reply::own(StatusCode::NOT_IMPLEMENTED, &json!({ "error": why }));
            }
        };
        let Inner { memories, minted, .. } = &mut *inner;
        let memory = memories.entry(look.entry.session.clone()).or_default();
        let filled = memory.fill(&answer, Handing::NOTHING, &look.scope, minted);
        if failing.is_none() {
            inner.set(&look.entry.examples.sets);
            self.traffic.stands(&inner.state);
        }
        drop(inner);
        let told = Told {
            status: answer.status,
            json: filled.json,
            body: filled.body,
            exit: answer.exit,
            stdout: answer.stdout.clone(),
            stderr: answer.stderr.clone(),
            after_ms: answer.after.and_then(|after| u64::try_from(after.as_millis()).ok()),
        };
        // Told at once, whatever it says of time: of a file it is an age.
        Reply::own(StatusCode::OK, &serde_json::to_value(told).unwrap_or_default())
    }

    /// An example that is told beside the wire, with its numbers and lines of now.
    fn told(&self, look: &Look, answer: Answered, inner: &mut Inner) -> Answered {
        let owner = look.entry.owner.as_str();
        match &look.entry.spec {
            spec @ Spec::Signal(_) => {
                let silent = self.faults.of(owner).iter().any(|what| what.fault == Fault::NoData);
                let answer = self.traffic.example(owner, spec, &answer, &look.scope).unwrap_or(answer);
                if silent { Answered { stdout: Some(String::new()), ..answer } } else { answer }
            }
            Spec::Tail(_) => {
                let tellings = inner.tellings.entry(look.entry.owner.clone()).or_default();
                *tellings += 1;
                match self.traffic.lines(owner, *tellings - 1) {
                    Some(lines) => Answered { body: Some(lines), stdout: None, ..answer },
                    None => answer,
                }
            }
            _ => answer,
        }
    }

    /// Whether the plan's `owner` is made to fail.
    fn fails(&self, owner: &str) -> bool {
        self.faults.of(owner).iter().any(|what| what.fault == Fault::Fail)
    }

    /// The answer to a request of something that is made to fail, whoever asks: nobody tells the two apart.
    fn failing(&self, question: &Question<'_>) -> Option<(usize, &Answered)> {
        let made = |place: &Place| !place.control && self.fails(place.entry.owner.as_str());
        let mut places = self.routes.places.iter().enumerate();
        places.find_map(|(at, place)| {
            let answer = place.failing.as_ref().filter(|_| made(place))?;
            asked_for(place, question).map(|_| (at, answer))
        })
    }

    /// What is on for whoever asks at `place`, or asks the same.
    fn on(&self, place: &Place) -> Vec<Injection> {
        let askers = self.routes.askers.get(place.request).filter(|_| !place.control);
        let mut all: Vec<Injection> =
            askers.into_iter().flatten().flat_map(|owner| self.faults.of(owner.as_str())).collect();
        all.sort_by_key(|what| what.fault);
        all.dedup();
        all
    }

    fn choose(&self, question: &Question<'_>) -> (Reply, Option<usize>) {
        let mut inner = self.inner();
        let Some((at, found)) = self.find(question, &inner) else {
            let on = self.faults.of_all().into_iter().filter(|fault| matches!(fault, Fault::Down | Fault::Reset));
            let reply = on.fold(self.unknown(question), Reply::bent);
            return (reply, None);
        };
        let place = &self.routes.places[at];
        let all = self.on(place);
        let on = |fault| all.iter().find(|what| what.fault == fault);
        // Who counts errors has none itself.
        let share = on(Fault::Errors).filter(|_| !is_signal(place)).map(Injection::percent);
        let flap = on(Fault::Flap).is_some();
        // Counted only while it matters: a fault begins its turns where it is switched on.
        let count = match inner.counts.get_mut(place.request).filter(|_| flap || share.is_some()) {
            Some(count) => {
                *count += 1;
                *count - 1
            }
            None => 0,
        };
        if on(Fault::Down).is_some() || (flap && count.is_multiple_of(2)) {
            return (Reply::Reset, None);
        }
        // Spread over the requests by their order in the plan: what fails does not depend on what
        // else runs at the same time.
        if share.is_some_and(|percent| falls_on(count + place.request as u64, percent)) {
            return (Reply::error(), Some(at));
        }
        let failing = if place.control { None } else { self.failing(question) };
        let mut reply = match (failing, self.refused(place, question, &found, &inner)) {
            (Some((at, answer)), _) => self.fail(at, answer, &mut inner),
            (None, Some(refused)) => self.refuse(at, &refused, &mut inner),
            (None, None) => self.serve(at, &mut inner),
        };
        for what in &all {
            reply = match what.fault {
                Fault::NoData if has_data(place) => reply.emptied(),
                Fault::ClockSkew => reply.dated(crate::clock::wall(), what.millis()),
                fault => reply.bent(fault),
            };
        }
        (reply, Some(at))
    }

    /// The most specific place for a request: by state, then by how much of it the plan says.
    fn find(&self, question: &Question<'_>, inner: &Inner) -> Option<(usize, Found)> {
        let fits = |(at, place): (usize, &Place)| {
            if !is_so(&place.answer, &inner.state) {
                return None;
            }
            let found = asked_for(place, question)?;
            let literal: usize = place.headers.iter().map(|wanted| wanted.value.literal()).sum();
            let right = self.refused(place, question, &found, inner).is_none();
            let weight = (place.address.literal(), place.headers.len(), literal, place.answer.when.len(), right);
            Some((weight, std::cmp::Reverse(at), found))
        };
        let all = self.routes.places.iter().enumerate().filter_map(fits);
        all.max_by_key(|(weight, at, _)| (*weight, *at)).map(|(_, at, found)| (at.0, found))
    }

    /// Whether a request brings back another value than the one handed out last.
    fn refused(&self, place: &Place, question: &Question<'_>, found: &Found, inner: &Inner) -> Option<Refused> {
        let memory = inner.memories.get(&place.entry.session);
        let last = |name: &str| memory.and_then(|memory| memory.last(name));
        for wanted in place.headers.iter().filter(|wanted| wanted.token) {
            let refused = Refused { what: format!("header `{}`", wanted.name), means: &[403, 401] };
            let rotated = self.on(place).iter().any(|what| what.fault == Fault::CsrfRotates);
            if rotated || !brought(wanted, question.headers, &last) {
                return Some(refused);
            }
        }
        let other = found.iter().find(|(name, value)| {
            self.routes.handed.contains(name) && last(name).is_some_and(|last| !same(&last, value))
        });
        other.map(|(name, _)| Refused { what: format!("`{name}`"), means: &[404, 403, 401] })
    }

    fn refuse(&self, at: usize, refused: &Refused, inner: &mut Inner) -> Reply {
        let place = &self.routes.places[at];
        let bad = || place.entry.examples.bad.iter().filter(|(_, gives)| *gives != Verdict::Pass);
        let written = refused.means.iter().find_map(|means| bad().find(|(bad, _)| bad.status == Some(*means)));
        match written {
            Some((bad, _)) => {
                let filled = self.fill(at, bad, Handing::NOTHING, inner);
                Reply::told(bad.status, &filled, bad.after.unwrap_or_default(), false)
            }
            None => {
                let why = format!("{} is not the value handed out last", refused.what);
                Reply::own(StatusCode::FORBIDDEN, &json!({ "error": why }))
            }
        }
    }

    /// Hands nothing out and changes nothing.
    fn fail(&self, at: usize, answer: &Answered, inner: &mut Inner) -> Reply {
        let filled = self.fill(at, answer, Handing::NOTHING, inner);
        let place = &self.routes.places[at];
        let status = answer.status.or(place.answer.status);
        Reply::told(status, &filled, answer.after.unwrap_or_default(), place.stream)
    }

    fn serve(&self, at: usize, inner: &mut Inner) -> Reply {
        let place = &self.routes.places[at];
        let open = || self.on(place).iter().any(|what| what.fault == Fault::CorsOpen);
        let opened = place.opened.as_ref().filter(|_| open());
        let made = place.asks.as_ref().and_then(|asks| {
            let (owner, spec) = (place.entry.owner.as_str(), &place.entry.spec);
            asks.answer(spec, &self.traffic.example(owner, spec, &asks.example, &asks.scope)?)
        });
        let answer = opened.or(made.as_ref()).unwrap_or(&place.answer);
        let handing = Handing { captures: &place.captures, anew: !place.baseline };
        let filled = self.fill(at, answer, handing, inner);
        inner.set(&place.entry.examples.sets);
        self.traffic.stands(&inner.state);
        Reply::told(answer.status, &filled, answer.after.unwrap_or_default(), place.stream)
    }

    /// What a request without a place is answered. One that is known in another state of the world gets
    /// a status of its own: an expected 404 must not be met by chance.
    fn unknown(&self, question: &Question<'_>) -> Reply {
        let Asked { tls, host, path, query } = question.address;
        let scheme = if tls { "https" } else { "http" };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let request = format!("{} {scheme}://{host}{path}{query}", question.method);
        let elsewhere = self.routes.places.iter().any(|place| asked_for(place, question).is_some());
        let (status, why) = match elsewhere {
            true => (StatusCode::NOT_IMPLEMENTED, "the plan says nothing of this request in the present state"),
            false => (StatusCode::NOT_FOUND, "the plan says nothing of this request"),
        };
        Reply::own(status, &json!({ "error": why, "request": request }))
    }

    /// Fills an answer in from its session's memory, and from the one that all share.
    fn fill(&self, at: usize, answer: &Answered, handing: Handing<'_>, inner: &mut Inner) -> Filled {
        let Inner { memories, minted, .. } = inner;
        let shared = memories.get(&None).map(|memory| self.scopes[at].with(memory.handed()));
        let memory = memories.entry(self.routes.places[at].entry.session.clone()).or_default();
        memory.fill(answer, handing, shared.as_ref().unwrap_or(&self.scopes[at]), minted)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn set(&mut self, sets: &BTreeMap<String, Value>) {
        self.state.extend(sets.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

fn is_signal(place: &Place) -> bool {
    matches!(place.entry.spec, Spec::Signal(_))
}

/// Whether it is asked for numbers, or for alerts.
fn has_data(place: &Place) -> bool {
    is_signal(place) || matches!(place.entry.spec, Spec::Check(check::Spec::Signal(_) | check::Spec::Alerts(_)))
}

/// What the wildcards of `place` stood for, where this is its request, in whatever state.
fn asked_for(place: &Place, question: &Question<'_>) -> Option<Found> {
    if !place.method.eq_ignore_ascii_case(question.method) {
        return None;
    }
    let mut found = place.address.matched(&question.address)?;
    for wanted in place.headers.iter().filter(|wanted| !wanted.token) {
        let value = question.headers.get(&wanted.name)?.to_str().ok()?;
        found.extend(wanted.value.matched(value)?);
    }
    Some(found)
}

/// Whether `wanted` came with the value handed out last, where one was.
fn brought(wanted: &Wanted, headers: &HeaderMap, last: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some(found) = headers.get(&wanted.name).and_then(|value| wanted.value.matched(value.to_str().ok()?)) else {
        return false;
    };
    found.iter().all(|(name, value)| last(name).is_none_or(|last| same(&last, value)))
}

/// A `+` in a query may have been a space.
fn same(last: &str, value: &str) -> bool {
    last == value || last == value.replace('+', " ")
}

fn is_so(answer: &Answered, state: &BTreeMap<String, Value>) -> bool {
    answer.when.iter().all(|(name, value)| state.get(name) == Some(value))
}

/// The example for this state that says most about it.
fn fitting<'a>(examples: &'a [Answered], state: &BTreeMap<String, Value>) -> Option<&'a Answered> {
    let fits = examples.iter().enumerate().filter(|(_, answer)| is_so(answer, state));
    fits.max_by_key(|(at, answer)| (answer.when.len(), std::cmp::Reverse(*at))).map(|(_, answer)| answer)
}
