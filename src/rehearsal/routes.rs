//! What the plan says may be asked of its hosts, and what each request is answered. Made once, from
//! the catalogue alone; what an entry cannot say (no good example, no absolute address) is listed
//! with its reason and answered with nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::failing;
use super::pattern::{Address, Pattern};
use crate::base::template::Scope;
use crate::kind::check::{self, Route};
use crate::kind::example::Answered;
use crate::kind::session::Session;
use crate::kind::tail::Tail;
use crate::kind::{Catalogue, Entry, Spec};
use crate::launch::id::ItemId;
use crate::launch::plan::{Act, Plan, RollbackStep, SpecId};

/// One request the plan knows, and its answer in one state of the world.
#[derive(Debug)]
pub struct Place {
    pub entry: Arc<Entry>,
    pub method: String,
    pub address: Address,
    pub headers: Vec<Wanted>,
    pub answer: Answered,
    /// Of a request that must be denied: the answer an allowed one gets.
    pub opened: Option<Answered>,
    /// The answer where it is made to fail.
    pub failing: Option<Answered>,
    pub captures: Vec<Capture>,
    pub stream: bool,
    /// The control probe looks at our own network: no fault of the target's touches it.
    pub control: bool,
    /// It captures what was good before: the same value each time.
    pub baseline: bool,
    /// Places with the same request share this number, which is its order in the plan.
    pub request: usize,
    /// Of a signal: what its numbers of now are put into.
    pub asks: Option<Arc<Asks>>,
    /// Worked out when `slow` first asks.
    pub lateness: OnceCell<Duration>,
    pub timeout: Duration,
}

/// A question of a signal, of one of its good examples.
#[derive(Debug)]
pub struct Asks {
    pub example: Answered,
    /// Which of the requests that the example answers.
    part: usize,
    session: Option<Session>,
    pub scope: Scope,
}

/// A header a request must carry.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// In lower case.
    pub name: String,
    pub value: Pattern,
    /// It carries a value that was handed out: any value comes here, and the wrong one is refused.
    pub token: bool,
}

/// A value that an answer hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    pub name: String,
    pub from: From,
}

/// Where in an answer a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// `.a.b[0]`, as keys and indices in text.
    Json(Vec<String>),
    Cookie(String),
    Header(String),
    /// Only the example's own `{{ name }}` tells.
    Unsaid,
}

/// What the plan says, ready to be asked.
#[derive(Debug, Default)]
pub struct Routes {
    pub places: Vec<Place>,
    /// Steps by their id.
    pub steps: BTreeMap<ItemId, Simulated>,
    /// Checks that ask nothing over HTTP, by their owner.
    pub looks: BTreeMap<ItemId, Look>,
    /// How many different requests there are.
    pub requests: usize,
    /// Who asks each of them: nobody tells them apart.
    pub askers: Vec<BTreeSet<ItemId>>,
    /// Names that some answer hands out.
    pub handed: BTreeSet<String>,
    pub hosts: BTreeSet<String>,
    /// Of each signal, what its routes ask, in their order.
    asks: BTreeMap<ItemId, Vec<Arc<Asks>>>,
    /// What could not be made into a route, and why.
    pub left_out: Vec<(ItemId, String)>,
}

/// A step that is acted from its example.
#[derive(Debug)]
pub struct Simulated {
    pub entry: Arc<Entry>,
    /// A step of a rollback: `rollback-lies` concerns it.
    pub rollback: bool,
}

/// A check that asks nothing over HTTP, answered from its examples.
#[derive(Debug)]
pub struct Look {
    pub entry: Arc<Entry>,
    pub scope: Scope,
    /// Written, or derived.
    pub good: Vec<Answered>,
    /// What is told where it is made to fail.
    pub failing: Option<Answered>,
}

/// What one check of the plan said of itself.
#[derive(Debug)]
pub struct Said {
    pub entry: Arc<Entry>,
    pub routes: Vec<Route>,
    /// The same where it is made to fail.
    pub failing: Vec<Route>,
    pub timeout: Duration,
    pub control: bool,
    pub baseline: bool,
}

impl Routes {
    #[must_use]
    pub fn of(plan: &Plan, catalogue: &Catalogue) -> Self {
        let mut routes = Self::default();
        let rollback: BTreeSet<SpecId> =
            plan.rollbacks.iter().flat_map(|rollback| &rollback.steps).flat_map(RollbackStep::specs).collect();
        let mut said = Vec::new();
        for (at, entry) in catalogue.entries.iter().enumerate() {
            let (spec, entry) = (SpecId(at), Arc::clone(entry));
            match &entry.spec {
                Spec::Check(check) if !check.is_wire() => {
                    let good = good_of(&entry, || check.derive(&scope_of(&entry, catalogue)));
                    routes.told(&entry, good, catalogue);
                }
                Spec::Check(check) => {
                    let of_entry = routes.of_check(check, &entry, catalogue);
                    let (session, scope) = (session_of(&entry, catalogue), catalogue.handed.with(&entry.scope));
                    let failing = failing::examples(&entry);
                    let failing =
                        failing.map(|failing| check.routes(&failing, session.as_ref(), &scope)).unwrap_or_default();
                    let (timeout, control) = (timeout_of(plan, spec), plan.control == Some(spec));
                    let baseline = plan.baseline.iter().any(|baseline| baseline.spec == spec);
                    said.push(Said { entry, routes: of_entry, failing, timeout, control, baseline });
                }
                Spec::Signal(asked) if asked.is_wire() => {
                    let good = good_of(&entry, || asked.derive());
                    let session = session_of(&entry, catalogue);
                    match good {
                        Ok(good) => {
                            let scope = catalogue.handed.with(&entry.scope);
                            let mut of_entry = Vec::new();
                            for example in good {
                                let told = asked.routes(std::slice::from_ref(&example), session.as_ref(), &scope);
                                let asks = (0..told.len()).map(|part| {
                                    let (example, session, scope) = (example.clone(), session.clone(), scope.clone());
                                    Arc::new(Asks { example, part, session, scope })
                                });
                                routes.asks.entry(entry.owner.clone()).or_default().extend(asks);
                                of_entry.extend(told);
                            }
                            let timeout = timeout_of(plan, spec);
                            let failing = Vec::new();
                            let (control, baseline) = (false, false);
                            said.push(Said { entry, routes: of_entry, failing, timeout, control, baseline });
                        }
                        Err(why) => routes.left_out.push((entry.owner.clone(), why)),
                    }
                }
                Spec::Signal(asked) => {
                    let good = good_of(&entry, || asked.derive());
                    routes.told(&entry, good, catalogue);
                }
                Spec::Tail(_) => {
                    let good = good_of(&entry, || Ok(Tail::derive()));
                    routes.told(&entry, good, catalogue);
                }
                Spec::Step(_) => {
                    let rollback = rollback.contains(&spec);
                    routes.steps.insert(entry.owner.clone(), Simulated { entry, rollback });
                }
            }
        }
        routes.tell(&said);
        routes
    }

    /// Takes in what asks nothing over HTTP.
    fn told(&mut self, entry: &Arc<Entry>, good: Result<Vec<Answered>, String>, catalogue: &Catalogue) {
        match good {
            Ok(good) => {
                let (scope, failing) = (scope_of(entry, catalogue), failing::answer(entry));
                let look = Look { entry: Arc::clone(entry), scope, good, failing };
                self.looks.insert(entry.owner.clone(), look);
            }
            Err(why) => self.left_out.push((entry.owner.clone(), why)),
        }
    }

    /// Takes in what the checks said.
    pub fn tell(&mut self, said: &[Said]) {
        let captures = said.iter().flat_map(|said| &said.routes).flat_map(|route| &route.captures);
        self.handed = captures.map(|text| Capture::parse(text).name).collect();
        let mut requests = BTreeMap::new();
        for Said { entry, routes, failing, timeout, control, baseline } in said {
            for (nth, route) in routes.iter().enumerate() {
                let key = (route.method.clone(), route.url.clone(), route.headers.clone());
                let next = requests.len();
                let request = *requests.entry(key).or_insert(next);
                match self.place(entry, route, routes) {
                    Ok(place) => {
                        let (timeout, control, baseline) = (*timeout, *control, *baseline);
                        let asks = self.asks.get(&entry.owner).and_then(|asks| asks.get(nth)).cloned();
                        let same = |failing: &&Route| failing.method == route.method && failing.url == route.url;
                        let failing = failing.iter().filter(same).find(|failing| failing.headers == route.headers);
                        let failing = failing.map(|failing| failing.answer.clone());
                        self.places.push(Place { request, timeout, control, baseline, asks, failing, ..place });
                    }
                    Err(why) => self.left_out.push((entry.owner.clone(), why)),
                }
            }
        }
        self.requests = requests.len();
        self.askers = vec![BTreeSet::new(); self.requests];
        for place in &self.places {
            if let Some(askers) = self.askers.get_mut(place.request) {
                askers.insert(place.entry.owner.clone());
            }
        }
    }

    fn of_check(&mut self, spec: &check::Spec, entry: &Entry, catalogue: &Catalogue) -> Vec<Route> {
        if entry.examples.good.is_empty()
            && let Err(why) = spec.derive(&scope_of(entry, catalogue))
        {
            self.left_out.push((entry.owner.clone(), format!("no good example: {why}")));
            return Vec::new();
        }
        let session = session_of(entry, catalogue);
        spec.routes(&entry.examples, session.as_ref(), &catalogue.handed.with(&entry.scope))
    }

    fn place(&mut self, entry: &Arc<Entry>, route: &Route, siblings: &[Route]) -> Result<Place, String> {
        let address = Address::parse(&route.url)?;
        self.hosts.extend(address.host(&route.url));
        let wanted = |(name, value): &(String, String)| {
            let value = Pattern::value(value)?;
            let token = value.names().iter().any(|name| self.handed.contains(name));
            Ok::<_, String>(Wanted { name: name.to_ascii_lowercase(), value, token })
        };
        let expected = expected_status(entry, route);
        Ok(Place {
            entry: Arc::clone(entry),
            method: route.method.to_ascii_uppercase(),
            address,
            headers: route.headers.iter().map(wanted).collect::<Result<_, _>>()?,
            answer: Answered { status: route.answer.status.or(expected), ..route.answer.clone() },
            opened: route.denied.then(|| opened(route, siblings)),
            failing: None,
            captures: route.captures.iter().map(|text| Capture::parse(text)).collect(),
            stream: route.stream,
            control: false,
            baseline: false,
            request: 0,
            asks: None,
            lateness: OnceCell::new(),
            timeout: Duration::ZERO,
        })
    }
}

impl Asks {
    /// The answer that `example` gives to this question.
    #[must_use]
    pub fn answer(&self, spec: &Spec, example: &Answered) -> Option<Answered> {
        let Spec::Signal(asked) = spec else { return None };
        let routes = asked.routes(std::slice::from_ref(example), self.session.as_ref(), &self.scope);
        routes.into_iter().nth(self.part).map(|route| route.answer)
    }
}

/// The good examples of an entry: written, or one that follows.
fn good_of(entry: &Entry, derive: impl Fn() -> Result<Answered, String>) -> Result<Vec<Answered>, String> {
    match entry.examples.good.is_empty() {
        false => Ok(entry.examples.good.clone()),
        true => derive().map(|good| vec![good]).map_err(|why| format!("no good example: {why}")),
    }
}

impl Capture {
    /// `NAME`, `NAME = .path`, `NAME = cookie NAME`, `NAME = header NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let rest = rest.trim_start_matches([' ', '=', ':']).trim();
        let from = match rest.split_once(' ') {
            Some(("cookie", name)) => From::Cookie(name.trim().to_owned()),
            Some(("header", name)) => From::Header(name.trim().to_ascii_lowercase()),
            _ => path(rest).map_or(From::Unsaid, From::Json),
        };
        Self { name: name.to_owned(), from }
    }
}

/// `.a["b"][0]` as its keys; none where it is more than a path.
fn path(text: &str) -> Option<Vec<String>> {
    let text = text.strip_prefix('.')?;
    let mut keys = Vec::new();
    for part in text.split(['.', '[']) {
        let key = part.trim_end_matches(']').trim_matches('"');
        let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !plain {
            return None;
        }
        if !key.is_empty() {
            keys.push(key.to_owned());
        }
    }
    Some(keys)
}

/// The value at a path.
#[must_use]
pub fn at_path<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(values) => values.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

/// The values known at load where an entry stands, its session's among them.
#[must_use]
pub fn scope_of(entry: &Entry, catalogue: &Catalogue) -> Scope {
    let session = entry.session.as_ref().and_then(|id| catalogue.sessions.get(id));
    let own = catalogue.handed.with(&entry.scope);
    session.map_or_else(|| own.clone(), |session| session.scope.with(&own))
}

fn session_of(entry: &Entry, catalogue: &Catalogue) -> Option<Session> {
    entry.session.as_ref().and_then(|id| catalogue.sessions.get(id)).cloned().map(Session::new)
}

/// The status of an example that says none: the one its check expects first.
fn expected_status(entry: &Entry, route: &Route) -> Option<u16> {
    let Spec::Check(spec) = &entry.spec else { return None };
    let seen = spec.seen(&route.answer, &entry.scope);
    seen.answers.into_iter().find_map(|(_, answer)| answer.ok()).map(|answer| answer.http.status)
}

/// How long the plan waits for this entry.
fn timeout_of(plan: &Plan, spec: SpecId) -> Duration {
    let item = plan.items.values().find(|item| match item.act {
        Act::Check(own) => own == spec,
        _ => false,
    });
    let monitor = || plan.monitors.iter().find(|monitor| monitor.spec == spec).map(|monitor| monitor.timeout);
    let verify = || {
        let mut all = plan.rollbacks.iter().flat_map(|rollback| &rollback.verify);
        all.find(|verify| verify.spec == spec).map(|verify| verify.timeout)
    };
    item.map(|item| item.timeout).or_else(monitor).or_else(verify).unwrap_or(Duration::from_secs(10))
}

/// What a denied request is answered when the target denies nobody: as its check's first allowed row,
/// with the row's own name in place of that one's.
fn opened(denied: &Route, siblings: &[Route]) -> Answered {
    let row = denied.row.as_deref().unwrap_or("*");
    let allowed = siblings.iter().find(|route| !route.denied && route.row.is_some());
    let Some(allowed) = allowed else {
        let headers =
            [("Access-Control-Allow-Origin", row), ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        return Answered { status: Some(200), headers, ..Answered::default() };
    };
    let mut answer = allowed.answer.clone();
    for (_, value) in &mut answer.headers {
        if allowed.row.as_ref() == Some(value) {
            row.clone_into(value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(keys: &[&str]) -> From {
        From::Json(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn a_capture_says_where_its_value_stands() {
        for (text, name, from) in [
            ("csrf", "csrf", From::Unsaid),
            ("csrf = .csrf_token", "csrf", keys(&["csrf_token"])),
            ("csrf=.csrf_token", "csrf", keys(&["csrf_token"])),
            ("first .runs[0].id", "first", keys(&["runs", "0", "id"])),
            ("odd = .a[\"b-c\"]", "odd", keys(&["a", "b-c"])),
            ("s = cookie omni_session", "s", From::Cookie("omni_session".into())),
            ("etag: header ETag", "etag", From::Header("etag".into())),
            ("n = .items | length", "n", From::Unsaid),
        ] {
            assert_eq!(Capture::parse(text), Capture { name: name.into(), from }, "{text}");
        }
    }

    #[test]
    fn a_path_is_followed_through_lists() {
        let value = json!({ "runs": [{ "id": 7 }] });
        assert_eq!(at_path(&value, &["runs".into(), "0".into(), "id".into()]), Some(&json!(7)));
        assert_eq!(at_path(&value, &["runs".into(), "x".into()]), None);
    }

    #[test]
    fn an_open_target_answers_a_denied_origin_as_an_allowed_one() {
        let route = |row: &str, denied: bool, headers: &[(&str, &str)]| Route {
            method: "OPTIONS".into(),
            url: "https://a.example/".into(),
            headers: Vec::new(),
            answer: Answered {
                status: Some(if denied { 400 } else { 204 }),
                headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
                ..Answered::default()
            },
            captures: Vec::new(),
            row: Some(row.into()),
            denied,
            stream: false,
        };
        let allowed = route("https://good", false, &[("Access-Control-Allow-Origin", "https://good")]);
        let denied = route("https://evil", true, &[]);
        let answer = opened(&denied, &[denied.clone(), allowed]);
        assert_eq!(answer.status, Some(204));
        assert_eq!(answer.headers, [("Access-Control-Allow-Origin".to_owned(), "https://evil".to_owned())]);
        let alone = opened(&denied, std::slice::from_ref(&denied));
        assert!(alone.headers.iter().any(|(_, value)| value == "https://evil"));
    }
}
